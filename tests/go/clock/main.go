// clock reads the time N times (a million unless told) and says whether it ever went back, and how far both clocks are
// from each other's idea of the elapsed time.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	n := 1000000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	start := time.Now()
	last, back := start, 0
	for i := 0; i < n; i++ {
		now := time.Now()
		if now.Before(last) {
			back++
		}
		last = now
	}
	wall := last.Round(0).Sub(start.Round(0)) // Round(0) drops the monotonic reading
	drift := wall - last.Sub(start)
	fmt.Printf("back %d agree %v unix %d\n", back, drift.Abs() < time.Millisecond, last.Unix())
}
