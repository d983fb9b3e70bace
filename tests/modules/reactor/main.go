// reactor: built with -buildmode=c-shared by TinyGo and by Go; --invoke calls its exports.
package main

import (
	"fmt"
	"os"
	"strings"
)

var ready = strings.Repeat("x", 3)
var calls = make(chan int, 1)

//go:wasmexport add
func add(a, b int32) int64 { return int64(a) + int64(b) }

//go:wasmexport ratio
func ratio(a, b float64) float64 { return a / b }

//go:wasmexport talk
func talk() {
	go func() { calls <- len(ready) }()
	fmt.Println("ready", <-calls)
}

//go:wasmexport leave
func leave(code int32) { os.Exit(int(code)) }

func main() { panic("main of a library") }
