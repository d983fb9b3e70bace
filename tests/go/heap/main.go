// heap grows to N MiB (1024 unless told), checks every page of it, drops all, collects, and does it once more: the
// second round must live in what the first one left.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

func fill(mib int) (blocks [][]byte) {
	for i := 0; i < mib; i++ {
		b := make([]byte, 1<<20)
		for j := 0; j < len(b); j += 4096 {
			b[j] = byte(i + j>>12)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func check(blocks [][]byte) (bad int) {
	for i, b := range blocks {
		for j := 0; j < len(b); j += 4096 {
			if b[j] != byte(i+j>>12) || b[j+1] != 0 {
				bad++
			}
		}
	}
	return bad
}

func main() {
	mib := 1024
	if len(os.Args) > 1 {
		mib, _ = strconv.Atoi(os.Args[1])
	}
	debug.SetGCPercent(50)
	var m runtime.MemStats
	for round := 1; round <= 2; round++ {
		blocks := fill(mib)
		bad := check(blocks)
		runtime.ReadMemStats(&m)
		grown := m.HeapAlloc>>20 >= uint64(mib)
		blocks = nil
		runtime.GC()
		runtime.ReadMemStats(&m)
		fmt.Printf("round %d bad %d grown %v collected %v collections %v\n",
			round, bad, grown, m.HeapAlloc < 16<<20, m.NumGC > 0)
	}
	fmt.Printf("reused %v\n", m.HeapSys>>20 < uint64(mib)*2)
}
