// A rule that behaves: it asks its host for the customer's name, and gives regulars something.
package main

import (
	"strings"
	"unsafe"
)

//go:wasmimport shop customer
func customer(buffer unsafe.Pointer, room uint32) uint32

//go:wasmimport shop log
func log(text string)

//go:wasmexport rule
func rule(cents int64) int64 {
	buffer := make([]byte, 64)
	name := string(buffer[:customer(unsafe.Pointer(&buffer[0]), uint32(len(buffer)))])
	if !strings.HasPrefix(name, "regular ") {
		return cents
	}
	log("a discount for " + name)
	return cents * 95 / 100
}

func main() {}
