// What a program asks its system for, beyond files and the network: the same words natively.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

func pipes() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	go func() {
		for i := 0; i < 3; i++ {
			fmt.Fprintln(w, "line", i)
			time.Sleep(time.Millisecond)
		}
		w.Close()
	}()
	for in := bufio.NewScanner(r); in.Scan(); {
		fmt.Println(in.Text())
	}
	r.Close()

	// More than a pipe holds, both ways at once.
	r, w, _ = os.Pipe()
	go func() { io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20))); w.Close() }()
	n, err := io.Copy(io.Discard, r)
	fmt.Println(n, err)
	r.Close()

	r, w, _ = os.Pipe()
	fmt.Println(r.SetReadDeadline(time.Now().Add(10 * time.Millisecond)))
	_, err = r.Read(make([]byte, 1))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	r.Close()
	_, err = w.Write([]byte("nobody reads"))
	fmt.Println(err != nil)

	// By their numbers.
	fds := make([]int, 2)
	fmt.Println(syscall.Pipe(fds), syscall.Pipe(nil) == syscall.EINVAL)
	n1, err := syscall.Write(fds[1], []byte("words"))
	fmt.Println(n1, err, syscall.Close(fds[1]))
	words, err := io.ReadAll(os.NewFile(uintptr(fds[0]), "words"))
	fmt.Printf("%q %v\n", words, err)
	w.Close()

	// Standard output for a while, as tests do it.
	r, w, _ = os.Pipe()
	before := os.Stdout
	os.Stdout = w
	fmt.Print("captured")
	os.Stdout = before
	w.Close()
	text, err := io.ReadAll(r)
	fmt.Printf("%q %v\n", text, err)
	r.Close()
}

// Pipes come and go: none is left behind.
func many() {
	for i := 0; i < 20000; i++ {
		r, w, err := os.Pipe()
		if err != nil {
			fmt.Println(i, err)
			return
		}
		r.Close()
		w.Close()
	}
	var held []*os.File
	for {
		r, w, err := os.Pipe()
		if err != nil {
			fmt.Println("many:", len(held) > 20, err)
			break
		}
		held = append(held, r, w)
	}
}

// A read of standard input that waits holds up nobody.
func stdin() {
	done := make(chan string)
	go func() {
		text, err := io.ReadAll(os.Stdin)
		done <- fmt.Sprintf("%q %v", text, err)
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("meanwhile")
	fmt.Println(<-done)
}

func zone() {
	t := time.Date(2024, time.July, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(t.Local().Format("15:04 MST"), time.Local)
}

func hostname() {
	fmt.Println(os.Hostname())
}

type link struct{ next *link }

//go:noinline
func swap(a, b **link) {
	*a, *b = *b, *a
}

// Not a leaf: its start asks whether it shall give way.
//
//go:noinline
func swapTwice(a, b, c **link) {
	swap(a, b)
	swap(b, c)
}

// Pointers are written while the garbage collector marks, and nothing is allocated: marking ends nevertheless.
func marking() {
	links := make([]*link, 1<<18)
	for i := range links {
		links[i] = &link{}
	}
	var before, now debug.GCStats
	debug.ReadGCStats(&now) // makes room
	debug.ReadGCStats(&before)
	go runtime.GC()
	runtime.Gosched()
	for i := 0; i < 64<<20 && now.NumGC == before.NumGC; i++ {
		swapTwice(&links[i%len(links)], &links[i*7919%len(links)], &links[i*31%len(links)])
		if i%4096 == 0 {
			debug.ReadGCStats(&now)
		}
	}
	fmt.Println("marking ended:", now.NumGC > before.NumGC)
}

var written [1024]*link

// Not one of its calls is of a function with a small frame.
//
//go:noinline
func large(links []*link, depth int) (bad int) {
	var frame [512]uint64
	for i := range frame {
		frame[i] = uint64(depth<<32 | i)
	}
	for i := 0; i < 40000; i++ {
		written[i%len(written)] = links[i*31%len(links)]
	}
	if depth > 0 {
		bad = large(links, depth-1)
	}
	for i := range frame {
		if frame[i] != uint64(depth<<32|i) {
			bad++
		}
	}
	return bad
}

// Goroutines whose stacks grow by large frames write pointers while the garbage collector marks, and lose nothing.
func frames() {
	links := make([]*link, 1<<19)
	for i := range links {
		links[i] = &link{}
	}
	bad := 0
	for i := 0; i < 5; i++ {
		go runtime.GC()
		runtime.Gosched()
		found := make(chan int)
		go func() { found <- large(links, 60) }()
		bad += <-found
	}
	runtime.GC()
	fmt.Println("words that changed:", bad)
}

func main() {
	map[string]func(){"pipes": pipes, "many": many, "stdin": stdin, "zone": zone, "hostname": hostname,
		"marking": marking, "frames": frames}[os.Args[1]]()
}
