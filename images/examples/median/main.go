// Asks a plug-in for the median of its arguments, then has it sort them.
package main

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

//go:wasmimport stats median
func median(numbers *float64, count uint32) float64

//go:wasmimport stats sort
func sort(numbers *float64, count uint32)

func main() {
	var numbers []float64
	for _, word := range os.Args[1:] {
		x, err := strconv.ParseFloat(word, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		numbers = append(numbers, x)
	}
	fmt.Println(median(unsafe.SliceData(numbers), uint32(len(numbers))))
	sort(unsafe.SliceData(numbers), uint32(len(numbers)))
	fmt.Println(numbers)
}
