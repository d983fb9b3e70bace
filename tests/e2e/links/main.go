// Says where it is, and reads files by relative names and those of its words.
package main

import (
	"fmt"
	"os"
)

func main() {
	dir, err := os.Getwd()
	fmt.Println(dir, err)
	for _, name := range append(os.Args[1:], "data/f", "../pkg/data/f", dir+"/data/f") {
		text, err := os.ReadFile(name)
		fmt.Printf("%s %q %v\n", name, text, err)
	}
	entries, err := os.ReadDir(".")
	fmt.Println(len(entries), err)
	info, err := os.Stat(".")
	fmt.Println(info != nil && info.IsDir(), err)
}
