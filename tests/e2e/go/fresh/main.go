// fresh prints what no two runs have in common; given a word, it first waits for a line of input.
package main

import (
	"bufio"
	crand "crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"math/rand"
	"os"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println("ready")
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	bytes := make([]byte, 16)
	crand.Read(bytes)
	set := map[int]bool{}
	for i := 0; i < 64; i++ {
		set[i] = true
	}
	order := ""
	for i := range set {
		order += fmt.Sprint(i, ",")
	}
	fmt.Println("rand", rand.Uint64())
	fmt.Println("crypto", hex.EncodeToString(bytes))
	fmt.Println("map", order)
	fmt.Println("seed", maphash.String(maphash.MakeSeed(), "x"))
	fmt.Println("time", time.Now().UnixNano())
}
