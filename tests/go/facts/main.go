// What docs/go.md says of Go programs, one line a fact: NAME: what the call gave.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"syscall"
	"time"
)

func main() {
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
	fmt.Println("write:", os.WriteFile("/data/f", nil, 0o600), "chmod:", os.Chmod("/data/f", 0o755))
	info, err := os.Stat("/data/f")
	fmt.Println("mode:", info.Mode(), err)
	fmt.Println("symlink:", os.Symlink("/data/f", "/data/absolute") != nil, os.Symlink("f", "/data/relative"))
	listener, err := net.Listen("tcp", "127.0.0.1:80")
	fmt.Println("listen:", listener != nil, err)
	_, err = net.Dial("tcp", "127.0.0.1:81")
	fmt.Println("dial:", err != nil)
	fmt.Println("pid:", os.Getpid())
	fmt.Println("args:", len(os.Args), "dir:", func() string { d, _ := os.Getwd(); return d }())
}
