// reactor stays alive and has its exports called: the guest of the library's tests.
package main

import (
	"os"
	"runtime"
	"strings"
	"unsafe"
)

var (
	calls  int64
	buffer [4096]byte
	keep   [][]byte
	ticks  = make(chan int64)
)

//go:wasmimport test back
func back(depth int32) int32

//go:wasmexport add
func add(a, b int32) int32 { calls++; return a + b }

//go:wasmexport mix
func mix(a int64, b float32, c float64) float64 { return float64(a) + float64(b) + c }

//go:wasmexport count
func count() int64 { return calls }

//go:wasmexport place
func place() unsafe.Pointer { return unsafe.Pointer(&buffer) }

//go:wasmexport upper
func upper(n int32) {
	for i, b := range buffer[:n] {
		if b >= 'a' && b <= 'z' {
			buffer[i] = b - 32
		}
	}
}

//go:wasmexport deeper
func deeper(depth int32) int32 {
	if depth == 0 {
		return 0
	}
	return back(depth-1) + 1
}

//go:wasmexport contains
func contains(s string, b uint32) bool { return strings.IndexByte(s, byte(b)) >= 0 }

//go:wasmexport element
func element(p *[16]uint32, i uint32) *uint32 { p[i]++; return &p[i] }

var turns uint64

// turn starts a goroutine that never ends and gives way all the time.
//
//go:wasmexport turn
func turn() unsafe.Pointer {
	go func() {
		for {
			turns++
			runtime.Gosched()
		}
	}()
	runtime.Gosched()
	return unsafe.Pointer(&turns)
}

//go:wasmexport yields
func yields(n int32) {
	for range n {
		runtime.Gosched()
	}
}

//go:wasmexport grow
func grow(mib int32) int32 {
	keep = append(keep, make([]byte, int(mib)<<20))
	return int32(len(keep))
}

//go:wasmexport produce
func produce() {
	go func() {
		for i := int64(0); ; i++ {
			ticks <- i
		}
	}()
}

//go:wasmexport consume
func consume() int64 { return <-ticks }

//go:wasmexport say
func say(n int32) { os.Stdout.Write(buffer[:n]) }

//go:wasmexport spin
func spin() {
	for {
		calls++
	}
}

//go:wasmexport leave
func leave(code int32) { os.Exit(int(code)) }

//go:wasmexport fail
func fail() { panic("no") }

func main() {}
