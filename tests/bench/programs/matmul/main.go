// matmul multiplies matrices: nested loops over slices of slices, floats and integers.
package main

import (
	"fmt"

	"wasmvm.test/bench/size"
)

func square[T int32 | float64](n int, f func(i, j int) T) [][]T {
	m := make([][]T, n)
	for i := range m {
		m[i] = make([]T, n)
		for j := range m[i] {
			m[i][j] = f(i, j)
		}
	}
	return m
}

func multiply[T int32 | float64](a, b [][]T) [][]T {
	n := len(a)
	c := make([][]T, n)
	for i := range c {
		c[i] = make([]T, n)
		for k := 0; k < n; k++ {
			x := a[i][k]
			for j := 0; j < n; j++ {
				c[i][j] += x * b[k][j]
			}
		}
	}
	return c
}

func main() {
	n := size.Of(600, 120)
	f := multiply(square(n, func(i, j int) float64 { return float64(i*j%17) / 4 }),
		square(n, func(i, j int) float64 { return float64(i+j) / 8 }))
	m := multiply(square(n, func(i, j int) int32 { return int32(i ^ j) }),
		square(n, func(i, j int) int32 { return int32(i - j) }))
	var trace float64
	var sum int32
	for i := 0; i < n; i++ {
		trace += f[i][i]
		sum += m[i][n-1-i]
	}
	fmt.Println(trace, sum)
}
