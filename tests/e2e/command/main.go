// What `go run` and `go test` are tried on (tests/e2e/cases/command.py).
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	fmt.Println(os.Args[1:], os.Getenv("GOWASIRUNTIME"), os.Getenv("X"))
	n, _ := io.Copy(os.Stdout, os.Stdin)
	os.Exit(int(n))
}
