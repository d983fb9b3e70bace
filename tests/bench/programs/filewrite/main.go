// filewrite writes many small pieces through a buffer, reads them back, and writes some without one; in the directory
// of its argument.
package main

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	path := filepath.Join(os.Args[1], "out.txt")
	f, err := os.Create(path)
	must(err)
	w := bufio.NewWriterSize(f, 64<<10)
	for i := 0; i < 2500000; i++ {
		fmt.Fprintf(w, "%d: a line of text\n", i)
	}
	must(w.Flush())
	for i := 0; i < 2000; i++ {
		_, err := f.WriteString("unbuffered\n")
		must(err)
	}
	must(f.Close())
	f, err = os.Open(path)
	must(err)
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, f)
	must(err)
	f.Close()
	must(os.Remove(path))
	fmt.Printf("%d %08x\n", n, sum.Sum32())
}
