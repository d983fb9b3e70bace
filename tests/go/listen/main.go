// listen serves on pre-opened sockets with nothing but the standard library: it looks for them from descriptor 3 on.
//
//	listen echo N    answers N connections on the first listener
//	listen http      an HTTP server on the first listener; /quit ends it
//	listen dialed    stdin to the first connection (--dial), its answer to stdout
//	listen scan      what each descriptor is
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

func scan(found func(fd int, l net.Listener, c net.Conn) bool) {
	for fd := 3; ; fd++ {
		file := os.NewFile(uintptr(fd), "")
		if l, err := net.FileListener(file); err == nil {
			if found(fd, l, nil) {
				return
			}
		} else if errors.Is(err, syscall.EBADF) {
			return
		} else if !errors.Is(err, syscall.ENOTSOCK) {
			fmt.Println("error:", fd, err)
			os.Exit(1)
		}
	}
}

func first() net.Listener {
	var first net.Listener
	scan(func(fd int, l net.Listener, c net.Conn) bool {
		first = l
		return true
	})
	if first == nil {
		fmt.Println("no listener")
		os.Exit(1)
	}
	return first
}

func main() {
	switch os.Args[1] {
	case "scan":
		scan(func(fd int, l net.Listener, c net.Conn) bool {
			fmt.Println(fd, "listener")
			return false
		})
	case "echo":
		l := first()
		n, _ := strconv.Atoi(os.Args[2])
		for i := 0; i < n; i++ {
			c, err := l.Accept()
			if err != nil {
				fmt.Println("error:", err)
				os.Exit(1)
			}
			io.Copy(c, c)
			c.Close()
		}
	case "http":
		http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, World!\n") })
		http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
		fmt.Println("error:", http.Serve(first(), nil))
		os.Exit(1)
	case "dialed":
		c, err := net.FileConn(os.NewFile(3, ""))
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		go func() {
			io.Copy(c, os.Stdin)
			c.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(os.Stdout, c)
	}
}
