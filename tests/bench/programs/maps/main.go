// maps fills, reads and empties maps with integer and string keys.
package main

import (
	"fmt"
	"strconv"
)

func main() {
	ints := map[int]int{}
	x := uint32(1)
	sum := 0
	for i := 0; i < 6000000; i++ {
		x = x*1664525 + 1013904223
		key := int(x >> 14)
		ints[key] += i
		if i%3 == 0 {
			delete(ints, key^1)
		}
		sum += ints[int(x>>13)]
	}
	words := map[string]int{}
	for i := 0; i < 1500000; i++ {
		words["key-"+strconv.Itoa(i*7919%100003)]++
	}
	for k, v := range words {
		sum += len(k) * v
	}
	fmt.Println(len(ints), len(words), sum)
}
