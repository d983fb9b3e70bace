// sha256 hashes 192 MiB: rotations and additions on 32-bit integers.
package main

import (
	"crypto/sha256"
	"fmt"

	"wasmvm.test/bench/size"
)

func main() {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 31)
	}
	h := sha256.New()
	for i := 0; i < size.Of(192, 8); i++ {
		h.Write(block)
	}
	fmt.Printf("%x\n", h.Sum(nil))
}
