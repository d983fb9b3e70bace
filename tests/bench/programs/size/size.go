// Package size says how much a program does: all of it where time is measured, little where instructions are counted.
package size

// By -ldflags "-X wasmvm.test/bench/size.small=1".
var small string

// Of is the first number, or the second where little is to be done.
func Of(much, little int) int {
	if small != "" {
		return little
	}
	return much
}
