// touch writes a byte into each page of so many bytes, and ends.
package main

import (
	"os"
	"strconv"
)

var ground [64 << 20]byte

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	for i := 0; i < n; i += 4096 {
		ground[i] = 1
	}
}
