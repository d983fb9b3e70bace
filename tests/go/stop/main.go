// stop does one thing for ever, so that something else must end it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

var counter int

func main() {
	switch os.Args[1] {
	case "spin":
		fmt.Println("spinning")
		for {
			counter++
		}
	case "spin-deep": // inside calls, with a growing and shrinking stack
		fmt.Println("spinning")
		for {
			counter += deep(1000)
		}
	case "read":
		fmt.Println("reading")
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Printf("%q %v\n", line, err)
	case "sleep":
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	case "write":
		fmt.Println("writing")
		for {
			fmt.Println("line after line after line")
		}
	case "both": // waits on stdin while a goroutine computes
		fmt.Println("both")
		go func() {
			for {
				counter++
				if counter%1000000 == 0 {
					time.Sleep(time.Microsecond)
				}
			}
		}()
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		return 1
	}
	return deep(n-1) + 1
}
