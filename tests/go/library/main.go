// A library: built with -buildmode=c-shared, its exports are called by --invoke.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

var ready = strings.Repeat("x", 3)

//go:wasmexport add
func add(a, b int32) int64 { return int64(a) + int64(b) }

//go:wasmexport ratio
func ratio(a, b float64) float64 { return a / b }

//go:wasmexport say
func say() { fmt.Println(ready, len(os.Args)) }

//go:wasmexport leave
func leave(code int32) { os.Exit(int(code)) }

//go:wasmexport fail
func fail() { panic("no") }

//go:wasmexport failLater
func failLater() {
	go panic("no")
	runtime.Gosched()
}

func main() { panic("main of a library") }
