// Host functions in the shapes that Go 1.21 knows: integers, floats, unsafe.Pointer with a length, one import twice.
// The functions are tests/plugins/plain.c's.  `host121 WORD` does one thing alone.
package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"unsafe"
)

//go:wasmimport env add32
func add32(a, b int32) int32

//go:wasmimport env add32
//go:noescape
func addUnsigned(a, b uint32) uint32

//go:wasmimport env scale
func scale(n int64, by float64) float64

//go:wasmimport env half
func half(x float32) float32

//go:wasmimport env counter
func counter() uint64

//go:wasmimport env many
func many(a int32, b int64, c int32, d int64, e int32, f int64,
	g int32, h int64, i int32, j int64, k int32, l int64) int64

//go:wasmimport env upper
func upper(text unsafe.Pointer, length uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport env say
func say(text unsafe.Pointer, length uint32)

//go:wasmimport env bounds
func bounds() int32

//go:wasmimport env watch
func watch(at unsafe.Pointer, length uint32) uint64

//go:wasmimport my_host own_data
func ownData() uint32

//go:wasmimport my_host env.add32
func dotted(a, b int32) int32

//go:wasmimport env at_home
func atHome() int32

//go:wasmimport env traps
func traps()

//go:wasmimport env silent
func silent()

//go:wasmimport env loops
func loops()

func uppercase(text string) string {
	b := []byte(text)
	buf := make([]byte, 3)
	n := upper(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)), unsafe.Pointer(&buf[0]), uint32(len(buf)))
	if int(n) > len(buf) {
		buf = make([]byte, n)
		n = upper(unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)), unsafe.Pointer(&buf[0]), uint32(len(buf)))
	}
	return string(buf[:n])
}

func shapes() {
	fmt.Println(add32(math.MaxInt32, 1), add32(-5, 3), addUnsigned(math.MaxUint32, 2))
	fmt.Println(scale(-1<<40, 0.5), scale(3, math.Inf(-1)), math.IsNaN(scale(0, math.NaN())))
	fmt.Println(half(3), half(math.MaxFloat32) == math.MaxFloat32/2)
	first := counter()
	fmt.Printf("%x %d\n", first, counter()-first)
	fmt.Println(many(-1, 2, -3, 1<<40, 5, 6, 7, 8, 9, 10, 11, -12))
	fmt.Println(uppercase("ok"), uppercase("grüße, module"), uppercase("") == "")
	fmt.Println(ownData(), dotted(20, 22))
	text := []byte("hello \x1b[31mred")
	say(unsafe.Pointer(&text[0]), uint32(len(text)))
	fmt.Println(bounds())
}

// Pointers that lie outside of memory, or reach out of it; the address is made where vet does not look.
func at(address uint64) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func main() {
	word := "shapes"
	if len(os.Args) > 1 {
		word = os.Args[1]
	}
	switch word {
	case "shapes":
		shapes()
	case "past":
		upper(at(0xfffffff0), 64, at(0), 0)
	case "past-out":
		text := []byte("text")
		upper(unsafe.Pointer(&text[0]), 4, at(0xfffffffe), 4)
	case "huge":
		upper(at(0), 0xffffffff, at(0), 0)
	case "view":
		fmt.Println(watch(at(0), 65536) >= 0)
		watch(at(0xffff0000), 65536)
	case "traps":
		defer fmt.Println("never")
		traps()
	case "silent":
		silent()
	case "loops":
		fmt.Println("looping")
		loops()
	case "home":
		sum := int32(0)
		for i := 0; i < 1000; i++ {
			sum += atHome()
		}
		fmt.Println(sum)
	case "count":
		n, _ := strconv.Atoi(os.Args[2])
		sum := int32(0)
		for i := 0; i < n; i++ {
			sum = add32(sum, 1)
		}
		fmt.Println(sum)
	}
}
