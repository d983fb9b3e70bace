// preopened is the HTTP server of the bench by the go command alone: behind the first listener that the host opened,
// or natively on the address that it is given.  /quit ends it.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
)

func listener() (net.Listener, error) {
	if runtime.GOOS != "wasip1" {
		return net.Listen("tcp", os.Args[1])
	}
	for fd := uintptr(3); ; fd++ {
		setNonblock(fd) // Go never does; without it wazero sits in the first accept
		l, err := net.FileListener(os.NewFile(fd, ""))
		if err == nil || errors.Is(err, syscall.EBADF) {
			return l, err
		}
	}
}

func main() {
	l, err := listener()
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, World!\n") })
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
	fmt.Println("error:", http.Serve(l, nil))
	os.Exit(1)
}
