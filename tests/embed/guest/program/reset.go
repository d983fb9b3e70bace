package main

import (
	crand "crypto/rand"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"
	"unsafe"
)

var ground [2 << 20]byte // a run finds it as the snapshot had it

// dirty writes a byte into each page of the ground, and says how many were written before.
func dirty(n int) (left int) {
	for i := 0; i < n; i += 4096 {
		if ground[i] != 0 {
			left++
		}
		ground[i] = 1
	}
	return left
}

// fresh is what no two runs have in common.
func fresh() string {
	var bytes [8]byte
	crand.Read(bytes[:])
	order := make(map[int]bool)
	for i := range 64 {
		order[i] = true
	}
	keys := []int{}
	for k := range order {
		keys = append(keys, k)
	}
	return fmt.Sprintln(rand.Uint64()) + fmt.Sprintln(bytes) + fmt.Sprintln(keys) + fmt.Sprintln(time.Now().UnixNano())
}

var kept [][]byte

// again does what the line on stdin says: each run of a machine that is taken back has one of its own.
func again() {
	line := ""
	for one := make([]byte, 1); one[0] != '\n'; line += string(one) {
		if _, err := os.Stdin.Read(one); err != nil {
			panic(err)
		}
	}
	var word string
	var n int
	fmt.Sscan(line, &word, &n)
	switch word {
	case "dirty":
		fmt.Println("left", dirty(n))
	case "fresh":
		fmt.Print(fresh())
	case "grow":
		kept = append(kept, make([]byte, n))
		clear(kept[0])
		fmt.Println("grown")
	case "peek":
		fmt.Println(*(*byte)(unsafe.Pointer(uintptr(n))))
	case "secret":
		secret := strings.Repeat(strings.TrimSpace(line), n)
		copy(ground[1<<20:], secret)
		for range 64 {
			kept = append(kept, []byte(secret))
		}
		done := make(chan int)
		go func() { done <- down(1000) + len(secret) }()
		fmt.Println(<-done > 0)
	case "read":
		n, err := os.Stdin.Read(ground[3<<19+100 : 3<<19+100+n]) // no other word touches it: the door alone does
		fmt.Println(n, err)
	case "open":
		for i := range n {
			f, err := os.Create(fmt.Sprintf("/tmp/%d", i))
			if err != nil {
				panic(err)
			}
			kept = append(kept, []byte(f.Name()))
		}
		entries, err := os.ReadDir("/tmp")
		fmt.Println(len(entries), err)
	case "calls":
		fmt.Println(calls())
	case "flags":
		fmt.Println(flags())
	case "accept":
		accept()
	case "deep":
		fmt.Println(down(n))
	case "exit":
		os.Exit(n)
	case "trap":
		panic("as it was told")
	}
}
