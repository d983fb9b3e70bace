// sort orders integers, strings and records by three of the library's ways.
package main

import (
	"fmt"
	"slices"
	"sort"
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
	ints := make([]int, 2000000)
	for i := range ints {
		ints[i] = int(next() >> 20)
	}
	records := make([]record, 300000)
	for i := range records {
		records[i] = record{fmt.Sprintf("%08x", uint32(next())), i}
	}
	floats := make([]float64, 500000)
	for i := range floats {
		floats[i] = float64(next()>>11) / (1 << 53)
	}
	slices.Sort(ints)
	sort.Slice(records, func(i, j int) bool { return records[i].key < records[j].key })
	sort.Sort(sort.Float64Slice(floats))
	fmt.Println(ints[1000], ints[1000000], records[777], records[299999], floats[250000] < floats[250001])
}
