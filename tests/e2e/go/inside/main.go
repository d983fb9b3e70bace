// inside talks to itself by TCP, where it is given a word: by the host's network, or by one inside the program.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if len(os.Args) == 1 {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		c, _ := l.Accept()
		io.WriteString(c, "hello")
		c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	b, err := io.ReadAll(c)
	fmt.Println(string(b), err)
}
