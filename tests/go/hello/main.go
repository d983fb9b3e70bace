// hello is the smallest program with fmt in it.
package main

import "fmt"

func main() {
	fmt.Println("Hello, world!")
}
