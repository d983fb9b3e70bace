// A pricing rule as a module that stays alive: built with -buildmode=c-shared, called by pricing.c.
package main

// Ten per cent off from a hundred on, and never below the floor.
//
//go:wasmexport price
func price(quantity int32, unit, floor float64) float64 {
	total := float64(quantity) * unit
	if quantity >= 100 {
		total *= 0.9
	}
	return max(total, floor)
}

func main() {}
