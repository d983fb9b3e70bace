// gosimd computes with package simd/archsimd where the target has it (GOEXPERIMENT=simd, wasm), elsewhere with plain
// loops; both print the same sums, and the last line says which it was.
package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand"
)

const n = 4096

func show(name string, values any) {
	hash := fnv.New64a()
	binary.Write(hash, binary.LittleEndian, values)
	fmt.Printf("%-6s %016x\n", name, hash.Sum64())
}

func main() {
	random := rand.New(rand.NewSource(4))
	a8, b8, c8 := make([]uint8, n), make([]uint8, n), make([]uint8, n)
	a16, b16 := make([]int16, n), make([]int16, n)
	a32, low, high, c32 := make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	a64, b64, c64 := make([]uint64, n), make([]uint64, n), make([]uint64, n)
	af, bf, cf, cd := make([]float32, n), make([]float32, n), make([]float32, n), make([]float64, n/2)
	for round := 0; round < 3; round++ {
		random.Read(a8)
		random.Read(b8)
		for i := range a16 {
			a16[i], b16[i] = int16(random.Uint32()), int16(random.Uint32())
			a32[i], low[i], high[i] = int32(random.Uint32()), int32(random.Uint32()>>2)-1<<29, int32(random.Uint32()>>2)
			a64[i], b64[i] = random.Uint64(), random.Uint64()
			af[i], bf[i] = float32(random.NormFloat64()*1e6), float32(random.NormFloat64()+3)
		}
		af[0], af[4] = 3e9, -3e9
		fmt.Println("dot", dot(a16, b16))
		blend(c8, a8, b8)
		show("blend", c8)
		scale(cf, af, bf, 1.7)
		show("scale", cf)
		mix(c64, a64, b64)
		show("mix", c64)
		clamp(c32, a32, low, high)
		show("clamp", c32)
		half(cd, af)
		show("half", cd)
	}
	fmt.Println(kind)
}
