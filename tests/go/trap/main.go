// trap reads outside of linear memory, three named calls deep.
package main

import (
	"fmt"
	"unsafe"
)

var address = uintptr(0xfffffff0)

//go:noinline
func innermost() byte { return *(*byte)(unsafe.Pointer(address)) }

//go:noinline
func middle() byte { return innermost() + 1 }

//go:noinline
func outermost() byte { return middle() + 1 }

func main() {
	fmt.Println("before")
	fmt.Println(outermost())
	fmt.Println("after")
}
