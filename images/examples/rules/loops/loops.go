// A rule that never comes back.
package main

var n int64

//go:wasmexport rule
func rule(cents int64) int64 {
	for {
		n += cents
	}
}

func main() {}
