// What programs do with signals: ordinary Go, built as it is.  Its first argument says which of them it is.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var signals = make(chan os.Signal, 8)

func asked(which ...os.Signal) {
	signal.Notify(signals, which...)
	fmt.Println("ready")
}

// loop says each signal, and ends at SIGTERM.
func loop() {
	asked(syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM)
	for s := range signals {
		fmt.Println(s)
		if s == syscall.SIGTERM {
			os.Exit(7)
		}
	}
}

// once takes one signal, and wants no more.
func once(undo func()) {
	asked(os.Interrupt, syscall.SIGTERM)
	fmt.Println(<-signals)
	undo()
	fmt.Println("undone")
	select {}
}

// ignore hears nothing of what it ignores.
func ignore() {
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	fmt.Println(signal.Ignored(os.Interrupt), signal.Ignored(syscall.SIGTERM))
	asked(syscall.SIGUSR1)
	fmt.Println(<-signals)
}

// stubborn ignores whatever can be.
func stubborn() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

// deaf takes every signal, and goes on.
func deaf() {
	asked(os.Interrupt, syscall.SIGTERM)
	for s := range signals {
		fmt.Println(s)
	}
}

// busy never looks again.
func busy() {
	asked(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for {
	}
}

// later computes for a while, and then looks.
func later() {
	asked(syscall.SIGHUP, syscall.SIGUSR1)
	sum := uint32(1)
	for i := 0; i < 1_000_000_000; i++ {
		sum = sum*1664525 + 1013904223
	}
	fmt.Println("computed", sum&1)
	fmt.Println(<-signals)
	fmt.Println(<-signals)
}

// prompt reads lines, and a signal does not end it.
func prompt() {
	asked(os.Interrupt)
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			fmt.Println("line:", line)
		case s := <-signals:
			fmt.Println(s)
		}
	}
}

// idle waits for requests that never come.
func idle() {
	l, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		panic(err)
	}
	go http.Serve(l, nil)
	asked(os.Interrupt, syscall.SIGTERM)
	fmt.Println(<-signals)
}

// serve stops gracefully.
func serve() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	handling := make(chan bool, 1)
	server := http.Server{Addr: os.Args[2], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handling <- true
		<-ctx.Done()
		time.Sleep(300 * time.Millisecond)
		fmt.Fprintln(w, "answered")
	})}
	go server.ListenAndServe()
	fmt.Println("ready")
	<-handling
	fmt.Println("handling")
	<-ctx.Done()
	fmt.Println("shutdown:", server.Shutdown(context.Background()), ctx.Err())
}

// greedy reads a file for ever, which never has to wait; a timer, a connection and a signal come all the same.
func greedy() {
	file, err := os.Open(os.Args[3])
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		panic(err)
	}
	came := make(chan string)
	time.AfterFunc(50*time.Millisecond, func() { came <- "timer" })
	go func() {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		n, err := c.Read(make([]byte, 100))
		came <- fmt.Sprint("connection ", n, err)
	}()
	asked(syscall.SIGHUP)
	for b, left := make([]byte, 1), 3; left > 0; {
		if _, err := file.Read(b); err != nil {
			panic(err)
		}
		file.Seek(0, 0)
		select {
		case what := <-came:
			fmt.Println(what)
			left--
		case s := <-signals:
			fmt.Println(s)
			left--
		default:
		}
	}
}

// all is asked for every signal that there is.
func all() {
	asked()
	for {
		s := <-signals
		if s != syscall.SIGURG {
			fmt.Println(s)
			return
		}
	}
}

func main() {
	map[string]func(){
		"loop": loop, "reset": func() { once(func() { signal.Reset(os.Interrupt) }) },
		"stop": func() { once(func() { signal.Stop(signals) }) }, "ignore": ignore, "deaf": deaf, "busy": busy,
		"later": later, "prompt": prompt, "idle": idle, "serve": serve, "all": all,
		"greedy": greedy, "stubborn": stubborn,
	}[os.Args[1]]()
}
