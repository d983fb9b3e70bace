// Draws a ticket of each queue that is named as an argument.
package main

import (
	"fmt"
	"os"
)

//go:wasmimport tickets next
func next(queue string) int64

func main() {
	for _, queue := range os.Args[1:] {
		fmt.Println(queue, next(queue))
	}
}
