// hello is the start-up that is taken away from the others.
package main

import "fmt"

func main() { fmt.Println("hello") }
