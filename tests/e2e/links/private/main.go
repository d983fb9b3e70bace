// Makes a file and a directory that nobody else shall read, and says what it takes its standard input for.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println(os.WriteFile(os.Args[1]+"/key", []byte("secret"), 0o600), os.Mkdir(os.Args[1]+"/sub", 0o700))
	info, err := os.Stdin.Stat()
	fmt.Println(info.Mode().IsRegular(), info.Size(), err)
}
