//go:build goexperiment.simd && wasm

package main

import "simd/archsimd"

const kind = "vector"

func dot(a, b []int16) int32 {
	var total archsimd.Int32x4
	for i := 0; i < len(a); i += 8 {
		x, y := archsimd.LoadInt16x8(a[i:]), archsimd.LoadInt16x8(b[i:])
		total = total.Add(x.MulWidenLo(y)).Add(x.MulWidenHi(y))
	}
	return total.GetElem(0) + total.GetElem(1) + total.GetElem(2) + total.GetElem(3)
}

func blend(out, a, b []uint8) {
	for i := 0; i < len(a); i += 16 {
		x, y := archsimd.LoadUint8x16(a[i:]), archsimd.LoadUint8x16(b[i:])
		bright := x.AddSaturated(y)
		bright.IfElse(x.Greater(y), x.Average(y)).Store(out[i:])
	}
}

func scale(out, a, b []float32, factor float32) {
	by := archsimd.BroadcastFloat32x4(factor)
	for i := 0; i < len(a); i += 4 {
		x, y := archsimd.LoadFloat32x4(a[i:]), archsimd.LoadFloat32x4(b[i:])
		x.Div(y).Mul(by).Add(y.Abs().Sqrt()).Floor().Store(out[i:])
	}
}

func mix(out, a, b []uint64) {
	for i := 0; i < len(a); i += 2 {
		x, y := archsimd.LoadUint64x2(a[i:]), archsimd.LoadUint64x2(b[i:])
		x.Mul(y).Xor(x.RotateAllLeft(13)).AndNot(y.ShiftAllRight(7)).Store(out[i:])
	}
}

func clamp(out, a, low, high []int32) {
	for i := 0; i < len(a); i += 4 {
		x := archsimd.LoadInt32x4(a[i:])
		x.Max(archsimd.LoadInt32x4(low[i:])).Min(archsimd.LoadInt32x4(high[i:])).ShiftAllRight(3).Store(out[i:])
	}
}

func half(out []float64, a []float32) {
	for i := 0; i < len(a); i += 4 {
		ints := archsimd.LoadFloat32x4(a[i:]).ConvertToInt32()
		ints.ConvertLo2ToFloat64().Sub(archsimd.BroadcastFloat64x2(0.5)).Round().Store(out[i/2:])
	}
}
