// pingpong passes a number between goroutines: two at a time, then through a long chain.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

func main() {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v + 1
		}
		close(b)
	}()
	v, n := 0, size.Of(1000000, 30000)
	for i := 0; i < n; i++ {
		a <- v
		v = <-b
	}
	close(a)
	first := make(chan int)
	in := first
	for i := 0; i < size.Of(1000, 100); i++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	sum := 0
	go func() {
		for i := 0; i < 500; i++ {
			first <- i
		}
		close(first)
	}()
	for v := range in {
		sum += v
	}
	fmt.Println(v, sum)
}
