// A rule that wants all memory there is.
package main

var all [][]byte

//go:wasmexport rule
func rule(cents int64) int64 {
	for {
		block := make([]byte, 1<<20)
		block[0] = byte(cents)
		all = append(all, block)
	}
}

func main() {}
