// fib is nothing but calls.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func main() { fmt.Println(fib(size.Of(40, 27))) }
