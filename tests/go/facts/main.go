// What docs/go.md says of Go programs, one line a fact: NAME: what the call gave.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// held tells whether a loop without calls keeps a goroutine from running.
func held() bool {
	var ran, sum atomic.Uint32
	go func() { ran.Store(1) }()
	x := uint32(1)
	for i := 0; i < 200_000_000; i++ {
		x = x*1664525 + 1013904223
	}
	sum.Store(x)
	return ran.Load() == 0
}

// inside tells what a connection of the program with itself carries.
func inside() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:82")
	if err != nil {
		return "", err
	}
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			conn.Write([]byte("hello"))
			conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", "127.0.0.1:82")
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(conn)
	return string(data), err
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "stderr" {
		_, err := fmt.Fprintln(os.Stderr, "lost")
		fmt.Println("stderr:", errors.Unwrap(err))
		return
	}
	if len(os.Args) > 1 { // "signals"
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("waiting for a signal")
		select {
		case s := <-signals:
			fmt.Println("came:", s)
		case <-time.After(20 * time.Second):
		}
		return
	}
	_, err := time.LoadLocation("America/New_York")
	fmt.Println("local:", time.Unix(0, 0).Format("15:04 MST"), "location:", err != nil)
	fmt.Println("cpus:", runtime.NumCPU(), runtime.GOMAXPROCS(0))
	host, err := os.Hostname()
	fmt.Printf("hostname: %q %v\n", host, err)
	_, err = os.Executable()
	fmt.Println("executable:", err)
	_, err = os.UserHomeDir()
	fmt.Println("home:", err)
	u, err := user.Current()
	fmt.Println("user:", u != nil, err)
	fmt.Println("exec:", exec.Command("/bin/true").Run())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT)
	fmt.Println("signals:", len(signals))
	_, _, err = os.Pipe()
	fmt.Println("pipe:", err)
	_, err = os.CreateTemp("", "x")
	fmt.Println("createtemp:", errors.Is(err, os.ErrNotExist))
	_, err = os.MkdirTemp("", "x") // what t.TempDir calls
	fmt.Println("mkdirtemp:", errors.Is(err, os.ErrNotExist))
	fmt.Println("write:", os.WriteFile("/data/f", nil, 0o600), "chmod:", os.Chmod("/data/f", 0o755))
	info, err := os.Stat("/data/f")
	fmt.Println("mode:", info.Mode(), err)
	info, err = os.Stat("/data")
	fmt.Println("directory mode:", info.Mode(), err)
	fmt.Println("umask and chmod of a directory:", os.Mkdir("/data/d", 0o500), os.Chmod("/data/d", 0))
	fmt.Println("symlink:", os.Symlink("/data/f", "/data/absolute") != nil, os.Symlink("f", "/data/relative"))
	listener, err := net.Listen("tcp", "127.0.0.1:80")
	fmt.Println("listen:", listener != nil, err)
	_, err = net.Dial("tcp", "127.0.0.1:81")
	fmt.Println("dial:", err != nil)
	text, err := inside()
	fmt.Println("inside:", text, err)
	fmt.Println("held:", held())
	fmt.Println("pid:", os.Getpid())
	fmt.Println("args:", len(os.Args), "dir:", func() string { d, _ := os.Getwd(); return d }())
}
