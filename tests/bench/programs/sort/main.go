// sort orders integers, strings and records by three of the library's ways.
package main

import (
	"fmt"
	"slices"
	"sort"

	"wasmvm.test/bench/size"
)

type record struct {
	key  string
	rank int
}

func main() {
	x := uint64(88172645463325252)
	next := func() uint64 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		return x
	}
	ints := make([]int, size.Of(2000000, 60000))
	for i := range ints {
		ints[i] = int(next() >> 20)
	}
	records := make([]record, size.Of(300000, 10000))
	for i := range records {
		records[i] = record{fmt.Sprintf("%08x", uint32(next())), i}
	}
	floats := make([]float64, size.Of(500000, 15000))
	for i := range floats {
		floats[i] = float64(next()>>11) / (1 << 53)
	}
	slices.Sort(ints)
	sort.Slice(records, func(i, j int) bool { return records[i].key < records[j].key })
	sort.Sort(sort.Float64Slice(floats))
	half := len(floats) / 2
	fmt.Println(ints[1000], ints[len(ints)/2], records[777], records[len(records)-1], floats[half] < floats[half+1])
}
