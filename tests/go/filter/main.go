// filter copies stdin to stdout.  With -sum it writes the SHA-256 of stdin and the number of bytes instead.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-sum" {
		hash := sha256.New()
		n, err := io.Copy(hash, bufio.NewReaderSize(os.Stdin, 1<<20))
		fmt.Printf("%x %d %v\n", hash.Sum(nil), n, err)
		return
	}
	buf := make([]byte, 256<<10)
	if _, err := io.CopyBuffer(struct{ io.Writer }{os.Stdout}, struct{ io.Reader }{os.Stdin}, buf); err != nil {
		fmt.Fprintln(os.Stderr, "filter:", err)
		os.Exit(1)
	}
}
