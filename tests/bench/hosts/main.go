// Command hosts calls a function of the plug-in hosts.c, or has its export called by it, many times: hosts KIND COUNT.
// It prints COUNT and the nanoseconds that the loop took.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

//go:wasmimport bench add
func add(a, b int32) int32

//go:wasmimport bench repeat
func repeat(count int32) int64

//go:wasmexport increment
func increment(n int32) int32 { return n + 1 }

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	var sum int32
	var took int64
	switch os.Args[1] {
	case "host":
		start := time.Now()
		for range count {
			sum = add(sum, 1)
		}
		took = time.Since(start).Nanoseconds()
		if sum != int32(count) {
			panic(sum)
		}
	case "export":
		took = repeat(int32(count))
	case "none":
	default:
		panic(os.Args[1])
	}
	fmt.Println(count, took)
}
