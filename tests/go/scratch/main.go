// Uses its /tmp: lists it, makes a file by CreateTemp, one of a given name, and a tree deeper than a path is long.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func deep(levels int) error {
	name := strings.Repeat("d", 100)
	for i := 0; i < levels; i++ {
		for _, err := range []error{
			os.Mkdir(name, 0o777), os.Mkdir(name+"/empty", 0o777), os.WriteFile(name+"/file", nil, 0o666),
			os.Symlink("nowhere", name+"/link"),
		} {
			if err != nil {
				return err
			}
		}
		if i > 0 {
			if err := os.Rename("n", name+"/n"); err != nil {
				return err
			}
		}
		if err := os.Rename(name, "n"); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	names, err := os.ReadDir("/tmp")
	fmt.Println(len(names), err)
	_, err = os.CreateTemp("", "x")
	fmt.Println(err)
	fmt.Println(os.Chdir("/tmp"))
	// A name that the removal uses itself.
	fmt.Println(os.Mkdir(".wasmvm-0", 0o777), os.WriteFile(".wasmvm-0/x", nil, 0o666))
	fmt.Println(deep(100))
	if len(os.Args) > 1 {
		fmt.Println("waiting")
		time.Sleep(time.Hour)
	}
}
