// goroutines starts N goroutines (100,000 unless told), all alive at once, and lets each add to a sum when all stand.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

func main() {
	n := 100000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	values := make(chan int, 128)
	ready.Add(n)
	done.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			defer done.Done()
			ready.Done()
			<-start
			values <- i
		}(i)
	}
	ready.Wait()
	alive := runtime.NumGoroutine()
	close(start)
	go func() {
		done.Wait()
		close(values)
	}()
	sum := 0
	for v := range values {
		sum += v
	}
	fmt.Printf("alive %v sum %d\n", alive >= n, sum)
}
