// streams uses its standard streams as programs do, and says what came of it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	switch os.Args[1] {
	case "println": // Go's own printing, which gives up on any error: N lines to standard error
		n, _ := strconv.Atoi(os.Args[2])
		for i := 0; i < n; i++ {
			println("line", i)
		}
		fmt.Println("done")
	case "both": // lines of stdin, and a goroutine that says when it has run N times between two of them
		n, _ := strconv.Atoi(os.Args[2])
		ticks := make(chan int)
		go func() {
			for i := 1; ; i++ {
				time.Sleep(time.Millisecond)
				if i%n == 0 {
					ticks <- i
				}
			}
		}()
		lines := make(chan string)
		go func() {
			in := bufio.NewScanner(os.Stdin)
			for in.Scan() {
				lines <- in.Text()
			}
			close(lines)
		}()
		for open := true; open; {
			fmt.Println("ticks", <-ticks)
			var line string
			if line, open = <-lines; open {
				fmt.Printf("line %q\n", line)
			}
		}
		fmt.Println("end of input")
	case "count": // computes and prints for as long as it takes; the numbers must all be there
		n, _ := strconv.Atoi(os.Args[2])
		begun, x := time.Now(), uint64(1)
		for i := 0; i < n; i++ {
			for k := 0; k < 300000; k++ {
				x = x*6364136223846793005 + 1442695040888963407
			}
			before := time.Now()
			time.Sleep(2 * time.Millisecond)
			if time.Since(before) < 2*time.Millisecond {
				fmt.Println("slept too short")
			}
			fmt.Println("count", i)
		}
		fmt.Println("counted", n, x != 0 && time.Since(begun) > time.Duration(n)*2*time.Millisecond)
	}
}
