// Command calls makes one kind of system call many times: calls KIND COUNT DIRECTORY.  It prints COUNT and the
// nanoseconds that the loop took.
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func repeat(count int, call func()) time.Duration {
	start := time.Now()
	for i := 0; i < count; i++ {
		call()
	}
	return time.Since(start)
}

func main() {
	kind, dir := os.Args[1], os.Args[3]
	count, err := strconv.Atoi(os.Args[2])
	must(err)
	name := filepath.Join(dir, "calls.data")
	one := make([]byte, 1)
	var took time.Duration
	switch kind {
	case "none":
	case "write":
		f, err := os.Create(name)
		must(err)
		took = repeat(count, func() { _, err := f.Write(one); must(err) })
		must(f.Close())
	case "read":
		must(os.WriteFile(name, make([]byte, count), 0o600))
		f, err := os.Open(name)
		must(err)
		took = repeat(count, func() { _, err := f.Read(one); must(err) })
		must(f.Close())
	case "stat":
		must(os.WriteFile(name, one, 0o600))
		took = repeat(count, func() { _, err := os.Stat(name); must(err) })
	case "open":
		must(os.WriteFile(name, one, 0o600))
		took = repeat(count, func() { f, err := os.Open(name); must(err); must(f.Close()) })
	case "poll": // an idle scheduler with a timer that is due: on WASI a poll_oneoff that does not wait
		took = repeat(count, func() { time.Sleep(1) })
	case "yield":
		took = repeat(count, runtime.Gosched)
	case "now":
		var last time.Time
		took = repeat(count, func() { last = time.Now() })
		runtime.KeepAlive(last)
	case "rand":
		eight := make([]byte, 8)
		took = repeat(count, func() { _, err := rand.Read(eight); must(err) })
	default:
		panic(kind)
	}
	fmt.Println(count, took.Nanoseconds())
}
