// Host functions in the shapes that Go has from 1.24 on: strings, bool, pointers to structs, and exports that the host
// calls while the program is inside a host function.  The functions are tests/plugins/plain.c's.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"structs"
	"unsafe"
)

type record struct {
	_ structs.HostLayout
	a int32
	b uint8
	c int64
	d float64
	e [3]uint16
}

//go:wasmimport env upper
func upper(text string, buf *[64]byte, size uintptr) int32

//go:wasmimport env say
func say(text string)

//go:wasmimport env flip
func flip(r *record) bool

//go:wasmimport env negate
func negate(b bool) bool

// add32 by other names: what is an address or a type of its own is an i32 too.
//
//go:wasmimport env add32
func pointerAdd(p unsafe.Pointer, n uint32) unsafe.Pointer

//go:wasmimport env add32
func elementAdd(p *[64]byte, n int32) *byte

//go:wasmimport env add32
func uintptrAdd(a, b uintptr) uintptr

type meters int32

//go:wasmimport env add32
func metersAdd(a, b meters) meters

//go:wasmimport env callback
func callback(export string, n int32) int32

//go:wasmimport env deeper
func deeper(n int32) int32

//go:wasmimport env broader
func broader(n int32) int32

var calls int

//go:wasmexport twice
func twice(n int32) int32 {
	calls++
	return 2 * n
}

//go:wasmexport wide
func wide(n int64) int64 { return n }

//go:wasmexport busy
func busy(n int32) int32 {
	garbage := make([][]byte, 0, n)
	done := make(chan int32)
	for i := int32(0); i < n; i++ {
		garbage = append(garbage, make([]byte, 1<<16))
		go func() { done <- 1 }()
	}
	sum := int32(0)
	for range garbage {
		sum += <-done
	}
	runtime.GC()
	return sum + callback("twice", 4)
}

//go:wasmexport leave
func leave(n int32) int32 {
	os.Exit(int(n))
	return 0
}

//go:wasmexport panics
func panics(n int32) int32 { panic("inside an export") }

//go:wasmexport again
func again(n int32) int32 {
	if n == 0 {
		return 0
	}
	return deeper(n-1) + 1
}

//go:wasmexport broad
func broad(n int32) int32 {
	if n == 0 {
		return 0
	}
	return broader(n-1) + 1
}

//go:wasmexport spins
func spins(n int32) int32 {
	for {
	}
}

func shapes() {
	var buf [64]byte
	n := upper("from a string", &buf, 64)
	fmt.Println(string(buf[:n]), upper("", &buf, 64))
	say("a string is said")
	r := record{a: -7, b: 200, c: -1 << 63, d: 2.5, e: [3]uint16{1, 2, 65535}}
	fmt.Println(flip(&r), r.a, r.b, r.c+1<<62, r.d, r.e)
	fmt.Println(flip(&r), negate(true), negate(false))
	fmt.Println(pointerAdd(unsafe.Pointer(&buf), 5) == unsafe.Pointer(&buf[5]), elementAdd(&buf, 63) == &buf[63],
		uintptrAdd(1<<32-10, 4), metersAdd(3, 4))
}

func exports() {
	fmt.Println(callback("twice", 21), callback("none", 1), callback("wide", 1), callback("busy", 100), calls)
	fmt.Println(deeper(0), deeper(1), deeper(400))
}

func main() {
	n := 0
	if len(os.Args) > 2 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	switch os.Args[1] {
	case "shapes":
		shapes()
	case "exports":
		exports()
	case "deep":
		fmt.Println(deeper(int32(n)))
	case "broad":
		fmt.Println(broader(int32(n)))
	default:
		fmt.Println(callback(os.Args[1], int32(n)))
	}
}
