//go:build !(goexperiment.simd && wasm)

package main

import "math"

const kind = "plain"

func dot(a, b []int16) (sum int32) {
	for i := range a {
		sum += int32(a[i]) * int32(b[i])
	}
	return sum
}

func blend(out, a, b []uint8) {
	for i := range a {
		if a[i] > b[i] {
			out[i] = uint8(min(255, int(a[i])+int(b[i])))
		} else {
			out[i] = uint8((int(a[i]) + int(b[i]) + 1) / 2)
		}
	}
}

func scale(out, a, b []float32, factor float32) {
	for i := range a {
		quotient := float32(a[i] / b[i])
		product := float32(quotient * factor)
		root := float32(math.Sqrt(float64(float32(math.Abs(float64(b[i]))))))
		out[i] = float32(math.Floor(float64(float32(product + root))))
	}
}

func mix(out, a, b []uint64) {
	for i := range a {
		out[i] = (a[i]*b[i] ^ (a[i]<<13 | a[i]>>51)) &^ (b[i] >> 7)
	}
}

func clamp(out, a, low, high []int32) {
	for i := range a {
		out[i] = min(max(a[i], low[i]), high[i]) >> 3
	}
}

func half(out []float64, a []float32) {
	for i := 0; i < len(a); i += 4 {
		for k := 0; k < 2; k++ {
			v := math.Trunc(float64(a[i+k]))
			out[i/2+k] = math.RoundToEven(max(math.MinInt32, min(math.MaxInt32, v)) - 0.5)
		}
	}
}
