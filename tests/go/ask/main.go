// ask answers each line on stdin: "t" with its clocks (realtime, and monotonic since the start, in nanoseconds), and
// says nothing else.  It waits in between without a sound.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	start := time.Now()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		now := time.Now()
		fmt.Println(now.UnixNano(), now.Sub(start).Nanoseconds())
	}
}
