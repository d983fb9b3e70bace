// maps fills, reads and empties maps with integer and string keys.
package main

import (
	"fmt"
	"strconv"

	"wasmvm.test/bench/size"
)

func main() {
	ints := map[int]int{}
	x := uint32(1)
	sum, n := 0, size.Of(6000000, 200000)
	for i := 0; i < n; i++ {
		x = x*1664525 + 1013904223
		key := int(x >> 14)
		ints[key] += i
		if i%3 == 0 {
			delete(ints, key^1)
		}
		sum += ints[int(x>>13)]
	}
	words := map[string]int{}
	for i := 0; i < n/4; i++ {
		words["key-"+strconv.Itoa(i*7919%100003)]++
	}
	for k, v := range words {
		sum += len(k) * v
	}
	fmt.Println(len(ints), len(words), sum)
}
