// text reads words from stdin-like input, counts, splits, joins, upper-cases and formats them.
package main

import (
	"bufio"
	"fmt"
	"sort"
	"strings"

	"wasmvm.test/bench/size"
)

func main() {
	var b strings.Builder
	x := uint32(7)
	words := size.Of(1500000, 50000)
	for i := 0; i < words; i++ {
		x = x*1664525 + 1013904223
		b.WriteString("word")
		b.WriteByte('a' + byte(x>>27))
		b.WriteByte('a' + byte(x>>20)&15)
		if x>>28 == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	counts := map[string]int{}
	lines, longest := 0, ""
	scan := bufio.NewScanner(strings.NewReader(b.String()))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		lines++
		fields := strings.Fields(scan.Text())
		for _, f := range fields {
			counts[strings.ToUpper(f)]++
		}
		if joined := strings.Join(fields, "-"); len(joined) > len(longest) {
			longest = joined
		}
	}
	var keys []string
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var out strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&out, "%-10s %6d %5.2f%%\n", k, counts[k], float64(counts[k])/15000)
	}
	replaced := strings.NewReplacer("word", "w", "-", "--").Replace(longest)
	fmt.Println(lines, len(keys), len(longest), len(replaced), out.Len(), strings.Contains(out.String(), "WORDAA"))
}
