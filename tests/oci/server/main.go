// An HTTP server as anybody writes one: nothing in it knows of wasmvm or of containers.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var hoard [][]byte

// Each path is a question; the answer is one text.
func answer(r *http.Request) (string, error) {
	word := r.URL.Query().Get("q")
	switch r.URL.Path {
	case "/list":
		entries, err := os.ReadDir(word)
		names := []string{}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " "), err
	case "/walk":
		n := 0
		err := filepath.WalkDir(word, func(string, os.DirEntry, error) error { n++; return nil })
		return fmt.Sprint(n > 0), err
	case "/read":
		b, err := os.ReadFile(word)
		return string(b), err
	case "/write":
		return "", os.WriteFile(word, []byte("written\n"), 0o644)
	case "/env":
		return os.Getenv(word), nil
	case "/args":
		wd, err := os.Getwd()
		return fmt.Sprintf("%q %s", os.Args, wd), err
	case "/dial":
		network, address, _ := strings.Cut(word, ":")
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			if network == "udp" {
				_, err = c.Write([]byte("x"))
			}
			c.Close()
		}
		return "", err
	case "/eat":
		for i := 0; i < 4096; i++ {
			b := make([]byte, 1<<20)
			for k := 0; k < len(b); k += 4096 {
				b[k] = 1
			}
			hoard = append(hoard, b)
		}
		return "ate", nil
	case "/fill":
		f, err := os.Create(word)
		for i := 0; i < 512 && err == nil; i++ {
			_, err = f.Write(make([]byte, 1<<20))
		}
		return "filled", err
	case "/slow":
		fmt.Fprintln(os.Stderr, "slowly")
		time.Sleep(2 * time.Second)
		return "slow", nil
	}
	return "hello from " + r.URL.Path, nil
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "exit" {
		fmt.Println("out", os.Args[2:])
		fmt.Fprintln(os.Stderr, "err")
		os.Exit(7)
	}
	if len(os.Args) > 1 && os.Args[1] == "cat" {
		io.Copy(os.Stdout, os.Stdin)
		return
	}
	server := &http.Server{Addr: ":8080"}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if text, err := answer(r); err != nil {
			fmt.Fprintln(w, "error:", err)
		} else {
			fmt.Fprintln(w, text)
		}
	})
	stopped := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		log.Print("stopping")
		server.Shutdown(context.Background())
		close(stopped)
	}()
	log.Print("serving")
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-stopped
	log.Print("stopped")
}
