package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// empty: datagrams of no bytes are sent and received like others.
func empty() {
	p := make([]byte, 10)
	show := func(l net.PacketConn) {
		l.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, _, err := l.ReadFrom(p)
		fmt.Println("received", n, err)
	}
	l := must(net.ListenPacket("udp", "127.0.0.1:0"))
	c := must(net.Dial("udp", l.LocalAddr().String())).(*net.UDPConn)
	for _, text := range []string{"", "x", ""} {
		fmt.Println(c.Write([]byte(text)))
		show(l)
	}
	n, _, err := c.WriteMsgUDP(nil, nil, nil)
	fmt.Println(n, err)
	show(l)
	l.WriteTo(nil, c.LocalAddr())
	l.WriteTo([]byte("yy"), c.LocalAddr())
	fmt.Println(c.Read(p))
	fmt.Println(c.Read(p))
}

// lingers: what was set later counts.
func lingers() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	for _, seconds := range [][]int{{0}, {0, -1}, {0, 3}, {3, 0}, {-1}} {
		c, s := pair(l)
		for _, n := range seconds {
			if err := c.(*net.TCPConn).SetLinger(n); err != nil {
				panic(err)
			}
		}
		c.Write([]byte("all of it"))
		c.Close()
		_, err := io.ReadAll(s)
		fmt.Println("linger", seconds, err == nil, errors.Is(err, syscall.ECONNRESET))
		s.Close()
	}
}

// lastWords: what a peer sent before it reset the connection is there, whoever met the reset first.
func lastWords() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	for k := 0; k < 20; k++ {
		c, s := pair(l)
		p := make([]byte, 10)
		s.Write([]byte("?"))
		c.Read(p)
		s.Write([]byte("bye"))
		s.(*net.TCPConn).SetLinger(0)
		s.Close()
		c.Write([]byte("!"))
		time.Sleep(2 * time.Millisecond)
		n, err := c.Read(p)
		fmt.Println(string(p[:n]), err)
		c.Close()
	}
}

// elsewhere: a name is relative to the directory that the program has changed to.
func elsewhere() {
	os.Chdir(os.Args[2])
	os.Mkdir("inner", 0o755)
	os.Chdir("inner")
	l := must(net.Listen("unix", "s"))
	_, err := os.Stat(filepath.Join(os.Args[2], "inner", "s"))
	fmt.Println("made", err)
	c, s := pair(l)
	c.Write([]byte("hello"))
	c.Close()
	fmt.Println(string(must(io.ReadAll(s))))
	l.Close()
	_, err = os.Stat("s")
	fmt.Println("removed", errors.Is(err, os.ErrNotExist))
}

// abstract: a name without a file.
func abstract() {
	_, err := net.Listen("unix", "@wasmvm-test")
	fmt.Println(err)
	_, err = net.Dial("unix", "@wasmvm-test")
	fmt.Println(err)
	_, err = os.Stat("/d/@wasmvm-test")
	fmt.Println(errors.Is(err, os.ErrNotExist))
}

// absent: what there is natively, and here is not.
func absent() {
	_, err := net.Listen("unixpacket", "s")
	fmt.Println(err)
	_, err = net.ListenPacket("ip4:icmp", "127.0.0.1")
	fmt.Println(err)
	interfaces, err := net.Interfaces()
	fmt.Println(len(interfaces), err)
	addresses, err := net.InterfaceAddrs()
	fmt.Println(len(addresses), err)
}

// strangers: who comes from another process has no name here.
func strangers() {
	path := filepath.Join(os.Args[2], "s")
	l := must(net.Listen("unix", path))
	d := must(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path + "d", Net: "unixgram"}))
	fmt.Println("ready")
	p := make([]byte, 10)
	n, from, err := d.ReadFromUnix(p)
	fmt.Println(string(p[:n]), from, err)
	c := must(l.Accept())
	fmt.Println(c.RemoteAddr())
	c.Write([]byte("hello"))
	c.Close()
}

var junk []byte

// collected: whose address it is does not depend on what runs while an address is allocated.
func collected() {
	const sockets = 30
	var stats runtime.MemStats
	debug.SetGCPercent(1)
	wrong, done := 0, make(chan bool)
	for k := 1; k <= sockets; k++ {
		c := must(net.ListenPacket("udp", fmt.Sprintf("127.0.0.%d:0", k))).(*net.UDPConn)
		k := k
		go must(c.SyscallConn()).Control(func(fd uintptr) {
			for n := 0; stats.NumGC < 150; n++ {
				junk = make([]byte, 8192)
				sa := must(syscall.Getsockname(int(fd))).(*syscall.SockaddrInet4)
				if int(sa.Addr[3]) != k {
					wrong++
				}
				if n%50 == 0 {
					runtime.Gosched()
				}
			}
			done <- true
		})
		defer c.Close()
	}
	for stats.NumGC < 150 {
		runtime.ReadMemStats(&stats)
		time.Sleep(time.Millisecond)
	}
	for k := 0; k < sockets; k++ {
		<-done
	}
	fmt.Println("wrong", wrong)
}
