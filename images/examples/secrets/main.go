// Prints what it learns of the secrets that are named as its arguments.
package main

import (
	"fmt"
	"os"
	"unsafe"
)

//go:wasmimport secrets get
func secretsGet(name string, buf unsafe.Pointer, size uint32) int32

func secret(name string) (string, bool) {
	for buf := make([]byte, 16); ; {
		n := secretsGet(name, unsafe.Pointer(unsafe.SliceData(buf)), uint32(len(buf)))
		if n < 0 {
			return "", false
		}
		if int(n) <= len(buf) {
			return string(buf[:n]), true
		}
		buf = make([]byte, n)
	}
}

func main() {
	for _, name := range os.Args[1:] {
		if text, ok := secret(name); ok {
			fmt.Printf("%s: %d bytes, the first is %q\n", name, len(text), text[:1])
		} else {
			fmt.Printf("%s: no such secret\n", name)
		}
	}
}
