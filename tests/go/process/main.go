// process shows what a program sees of its start, and ends in every way in which a Go program can end.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
)

func main() {
	what := "args"
	if len(os.Args) > 1 {
		what = os.Args[1]
	}
	switch what {
	case "args":
		for i, arg := range os.Args {
			fmt.Printf("%d %q\n", i, arg)
		}
	case "env":
		env := os.Environ()
		sort.Strings(env)
		for _, e := range env {
			fmt.Printf("%q\n", e)
		}
	case "getenv":
		value, set := os.LookupEnv(os.Args[2])
		fmt.Printf("%q %v\n", value, set)
	case "cwd":
		dir, err := os.Getwd()
		fmt.Printf("%q %v\n", dir, err)
	case "exit":
		code, err := strconv.Atoi(os.Args[2])
		if err != nil {
			panic(err)
		}
		fmt.Println("leaving")
		defer fmt.Println("a deferred call must not run")
		os.Exit(code)
	case "panic":
		inner(os.Args[2:])
	case "error-panic":
		panic(fmt.Errorf("wrapped: %w", os.ErrNotExist))
	case "nil":
		var p *struct{ x, y int }
		fmt.Println(p.y)
	case "bounds":
		fmt.Println(os.Args[len(os.Args)])
	case "divide":
		fmt.Println(100 / (len(os.Args) - 2))
	case "recover":
		fmt.Println(recovered())
	case "deadlock":
		<-make(chan int)
	case "goexit-stderr":
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Println("to stdout")
	default:
		fmt.Fprintf(os.Stderr, "process: no such thing: %q\n", what)
		os.Exit(99)
	}
}

//go:noinline
func inner(words []string) {
	panic(fmt.Sprint("deliberate ", words))
}

func recovered() (text string) {
	defer func() { text = fmt.Sprint("recovered: ", recover()) }()
	inner([]string{"again"})
	return "not reached"
}
