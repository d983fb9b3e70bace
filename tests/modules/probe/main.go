// probe, for Go and TinyGo: the same program stands in probe.c and probe.rs, and the same words are expected of each.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

// list prints the names in a directory, which the system sorts in no way, as a sum that does not depend on the order.
func list(dir string) {
	entries, err := os.ReadDir(dir)
	must(err)
	bytes, dirs := 0, 0
	for _, e := range entries {
		for _, b := range []byte(e.Name()) {
			bytes += int(b)
		}
		if e.IsDir() {
			dirs++
		}
	}
	fmt.Println(len(entries), "entries,", dirs, "directories, names", bytes)
}

func tree(dir string) {
	must(os.Mkdir(dir+"/d", 0o777))
	must(os.WriteFile(dir+"/d/x", []byte("tree\n"), 0o666))
	must(os.Rename(dir+"/d/x", dir+"/d/y"))
	list(dir + "/d")
	info, err := os.Stat(dir + "/d/y")
	must(err)
	fmt.Println("y has", info.Size(), "bytes")
	_, err = os.Stat(dir + "/d/x")
	fmt.Println("x is gone:", os.IsNotExist(err))
	must(os.Remove(dir + "/d/y"))
	must(os.Remove(dir + "/d"))
	list(dir)
}

func main() {
	switch os.Args[1] {
	case "args":
		for _, word := range os.Args[1:] {
			fmt.Println(word)
		}
	case "env":
		value, ok := os.LookupEnv(os.Args[2])
		if !ok {
			value = "unset"
		}
		fmt.Println(value)
	case "exit":
		fmt.Println("leaving")
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case "put":
		must(os.WriteFile(os.Args[2], []byte(os.Args[3]+"\n"), 0o666))
	case "get":
		data, err := os.ReadFile(os.Args[2])
		must(err)
		os.Stdout.Write(data)
	case "tree":
		tree(os.Args[2])
	case "time":
		start := time.Now()
		time.Sleep(30 * time.Millisecond)
		fmt.Println(start.Unix(), time.Since(start).Milliseconds())
	}
}
