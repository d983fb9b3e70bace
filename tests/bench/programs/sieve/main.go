// sieve is integer loops over a byte array, and Collatz chains over nothing.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

func primes(n int) (count int) {
	composite := make([]bool, n+1)
	for i := 2; i <= n; i++ {
		if composite[i] {
			continue
		}
		count++
		for j := i * i; j <= n; j += i {
			composite[j] = true
		}
	}
	return count
}

func longest(limit uint64) (best uint64, steps int) {
	for i := uint64(1); i < limit; i++ {
		n, s := i, 0
		for n != 1 {
			if n&1 == 0 {
				n >>= 1
			} else {
				n = 3*n + 1
			}
			s++
		}
		if s > steps {
			best, steps = i, s
		}
	}
	return best, steps
}

func main() {
	total := 0
	for i := 0; i < size.Of(20, 2); i++ {
		total += primes(size.Of(2000000, 500000))
	}
	best, steps := longest(uint64(size.Of(1000000, 50000)))
	fmt.Println(total, best, steps)
}
