// recurse goes N calls deep (a million unless told) and back, once along one function and once between two.
package main

import (
	"fmt"
	"os"
	"strconv"
)

//go:noinline
func down(n int) int {
	if n == 0 {
		return 0
	}
	return down(n-1) + n&3
}

//go:noinline
func even(n int) bool {
	if n == 0 {
		return true
	}
	return odd(n - 1)
}

//go:noinline
func odd(n int) bool {
	if n == 0 {
		return false
	}
	return even(n - 1)
}

func main() {
	n := 1000000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	fmt.Println(down(n))
	result := make(chan bool)
	go func() { result <- even(n) }()
	fmt.Println(<-result)
}
