// program does what its first argument says: the guest of the library's tests.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

//go:wasmimport test add
func add(a, b int32) int32

//go:wasmimport test mix
func mix(a uint64, b float32, c float64) float64

//go:wasmimport test text
func text(s string) uint32

//go:wasmimport test refuse
func refuse()

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func down(n int) int {
	if n == 0 {
		return 0
	}
	return down(n-1) + 1
}

func main() {
	switch os.Args[1] {
	case "recurse":
		fmt.Println(down(number(2)))
	case "words":
		fmt.Println(os.Args[1:], os.Getenv("A"), os.Getenv("HOME") == "")
	case "exit":
		os.Exit(number(2))
	case "echo":
		io.Copy(os.Stdout, os.Stdin)
	case "files":
		bytes, err := os.ReadFile("/in/a.txt")
		fmt.Printf("%q %v\n", bytes, err)
		fmt.Println(os.WriteFile("/in/b.txt", nil, 0o600) != nil, os.WriteFile("/out/b.txt", bytes, 0o600))
		_, err = os.ReadFile("/etc/passwd")
		fmt.Println(err != nil)
	case "tmp":
		before, err := os.ReadDir("/tmp")
		fmt.Println(len(before), err, os.WriteFile("/tmp/left", []byte("x"), 0o600), os.MkdirAll("/tmp/a/b", 0o700))
		io.Copy(os.Stdout, os.Stdin)
	case "close":
		fmt.Println("closed")
		os.Stdout.Close()
		io.Copy(io.Discard, os.Stdin)
	case "certs":
		bytes, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
		fmt.Printf("%q %v %s\n", bytes, err, os.Getenv("PWD"))
	case "ask":
		_, err := os.ReadFile(os.Args[2])
		fmt.Println(err != nil)
	case "host":
		fmt.Println(add(40, 2), mix(1<<40, 0.5, 0.25), text("one two"))
	case "hosts":
		sum := int32(0)
		for i := range int32(number(2)) {
			sum = add(sum, i)
		}
		fmt.Println(sum)
	case "refuse":
		refuse()
	case "spin":
		fmt.Println("spinning")
		for {
		}
	case "signals":
		signals()
	case "sleep":
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	case "flood":
		for {
			if _, err := os.Stdout.Write(make([]byte, 4096)); err != nil {
				os.Exit(3)
			}
		}
	case "again":
		again()
	case "trap":
		var p *int
		defer func() { fmt.Println(recover() != nil); panic("again") }()
		*p = 1
	case "accept":
		accept()
	}
}

// accept answers one connection of the first socket with what it says.
func accept() {
	l, err := net.FileListener(os.NewFile(3, ""))
	if err != nil {
		panic(err)
	}
	c, err := l.Accept()
	if err != nil {
		panic(err)
	}
	io.Copy(c, c)
}
