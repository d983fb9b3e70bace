// What package net does on this host, without a word about ports: the same words natively.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func timeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
}

// pair: two ends of a connection.
func pair(l net.Listener) (client, server net.Conn) {
	got := make(chan net.Conn)
	go func() { got <- must(l.Accept()) }()
	client = must(net.Dial(l.Addr().Network(), l.Addr().String()))
	return client, <-got
}

func tcp() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	c, s := pair(l)
	fmt.Println("addresses", c.LocalAddr().String() == s.RemoteAddr().String(),
		c.RemoteAddr().String() == l.Addr().String(), s.LocalAddr().String() == l.Addr().String(), c.LocalAddr().Network())
	go func() {
		io.Copy(s, s)
		s.(*net.TCPConn).CloseWrite()
	}()
	text := strings.Repeat("echo ", 100000)
	go func() {
		io.WriteString(c, text)
		c.(*net.TCPConn).CloseWrite()
	}()
	back, err := io.ReadAll(c)
	fmt.Println("half closed", string(back) == text, err)
	_, err = c.Write([]byte("x"))
	fmt.Println("written after it", errors.Is(err, syscall.EPIPE))
	c.Close()
	s.Close()
	_, err = c.Read(make([]byte, 1))
	fmt.Println("closed", errors.Is(err, net.ErrClosed))

	c, s = pair(l)
	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	fmt.Println("read deadline", timeout(err))
	c.SetReadDeadline(time.Time{})
	go s.Write([]byte("later"))
	b := make([]byte, 9)
	n, err := c.Read(b)
	fmt.Println("without it", string(b[:n]), err)
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for err == nil {
		_, err = c.Write(make([]byte, 1<<16))
	}
	fmt.Println("write deadline", timeout(err))
	go func() { time.Sleep(10 * time.Millisecond); s.SetReadDeadline(time.Now().Add(-time.Second)) }()
	_, err = io.Copy(io.Discard, s)
	fmt.Println("deadline during a read", timeout(err))
	t := c.(*net.TCPConn)
	fmt.Println("options", t.SetNoDelay(false), t.SetKeepAlive(true), t.SetKeepAlivePeriod(time.Minute),
		t.SetReadBuffer(65536), t.SetWriteBuffer(65536), t.SetLinger(0))
	c.Close()
	s.SetReadDeadline(time.Time{})
	_, err = io.Copy(io.Discard, s)
	fmt.Println("linger 0 is a reset", errors.Is(err, syscall.ECONNRESET))
	s.Close()

	l.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = l.Accept()
	fmt.Println("accept deadline", timeout(err))
	go func() { time.Sleep(10 * time.Millisecond); l.Close() }()
	l.(*net.TCPListener).SetDeadline(time.Time{})
	_, err = l.Accept()
	fmt.Println("closed during accept", errors.Is(err, net.ErrClosed))
	freed()
}

// A port that was just freed is refused, can be listened on again, and is then in use.  Another program may take it in
// between: then it is tried with another one.
func freed() {
	for tries := 0; ; tries++ {
		l := must(net.Listen("tcp", "127.0.0.1:0"))
		l.Close()
		_, refused := net.Dial("tcp", l.Addr().String())
		again, err := net.Listen("tcp", l.Addr().String())
		if tries < 20 && (err != nil || refused == nil) {
			continue
		}
		fmt.Println("refused", errors.Is(refused, syscall.ECONNREFUSED), "again", err)
		_, err = net.Listen("tcp", l.Addr().String())
		fmt.Println("in use", errors.Is(err, syscall.EADDRINUSE))
		again.Close()
		return
	}
}

func udp() {
	a := must(net.ListenPacket("udp", "127.0.0.1:0"))
	b := must(net.Dial("udp", a.LocalAddr().String()))
	fmt.Fprint(b, "asked")
	buf := make([]byte, 100)
	n, from, err := a.ReadFrom(buf)
	fmt.Println(string(buf[:n]), from.String() == b.LocalAddr().String(), err)
	fmt.Println(must(a.WriteTo([]byte("answered"), from)))
	n, err = b.Read(buf)
	fmt.Println(string(buf[:n]), err)
	fmt.Println(must(a.(*net.UDPConn).WriteToUDPAddrPort([]byte("again"), from.(*net.UDPAddr).AddrPort())))
	n, _, flags, _, err := b.(*net.UDPConn).ReadMsgUDP(buf[:3], nil)
	fmt.Println(string(buf[:n]), flags&syscall.MSG_TRUNC != 0, err)
	a.(*net.UDPConn).WriteMsgUDP(nil, nil, from.(*net.UDPAddr))
	n, err = b.Read(buf)
	fmt.Println("empty", n, err)
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, _, err = a.ReadFrom(buf)
	fmt.Println("deadline", timeout(err))
	_, err = b.(*net.UDPConn).WriteTo([]byte("x"), from)
	fmt.Println("to another", errors.Is(err, net.ErrWriteToConnected))
	a.Close()
	b.Write([]byte("nobody"))
	b.SetReadDeadline(time.Now().Add(time.Second))
	_, err = b.Read(buf)
	fmt.Println("nobody there", errors.Is(err, syscall.ECONNREFUSED))
	b.Close()
}

func unix() {
	path := filepath.Join(os.Args[2], "sock")
	l := must(net.Listen("unix", path))
	c, s := pair(l)
	fmt.Println(s.LocalAddr().String() == path, c.RemoteAddr().String() == path, c.LocalAddr().Network(),
		s.RemoteAddr(), c.LocalAddr())
	go func() { io.WriteString(s, "over unix"); s.(*net.UnixConn).CloseWrite() }()
	b, err := io.ReadAll(c)
	fmt.Println(string(b), err)
	c.SetReadDeadline(time.Now().Add(-1))
	_, err = c.Read(b)
	fmt.Println(timeout(err))
	l.Close()
	_, err = os.Stat(path)
	fmt.Println("gone", os.IsNotExist(err))
	_, err = net.Dial("unix", path)
	fmt.Println(errors.Is(err, os.ErrNotExist))

	name := func(n string) *net.UnixAddr {
		return &net.UnixAddr{Name: filepath.Join(os.Args[2], n), Net: "unixgram"}
	}
	d := must(net.ListenUnixgram("unixgram", name("d")))
	e := must(net.DialUnix("unixgram", name("e"), name("d")))
	fmt.Fprint(e, "datagram")
	n, from, err := d.ReadFrom(b)
	fmt.Println(string(b[:n]), from.String() == name("e").Name, err)
	d.Close()
	e.Close()
}

// Both families on one port, and each alone.
func dual() {
	l := must(net.Listen("tcp", ":0"))
	port := l.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "::1"} {
		got := make(chan net.Conn)
		go func() { got <- must(l.Accept()) }()
		c := must(net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port))))
		s := <-got
		fmt.Println(host, s.RemoteAddr().(*net.TCPAddr).IP, s.RemoteAddr().String() == c.LocalAddr().String())
		c.Close()
		s.Close()
	}
	l.Close()
	four := must(net.Listen("tcp4", ":0"))
	port = four.Addr().(*net.TCPAddr).Port
	fmt.Println(four.Addr().(*net.TCPAddr).IP)
	six, err := net.Listen("tcp6", fmt.Sprintf("[::]:%d", port))
	fmt.Println("six beside four", err)
	_, err = net.Dial("tcp6", fmt.Sprintf("127.0.0.1:%d", port))
	fmt.Println("no such family", err != nil)
	four.Close()
	_, err = net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	fmt.Println("six alone", errors.Is(err, syscall.ECONNREFUSED))
	six.Close()
}

// Files of sockets, and sockets of files.
func files() {
	l := must(net.Listen("tcp", "127.0.0.1:0")).(*net.TCPListener)
	f := must(l.File())
	l2 := must(net.FileListener(f))
	f.Close()
	fmt.Println(l2.Addr().String() == l.Addr().String())
	l.Close()
	c, s := pair(l2)
	f = must(c.(*net.TCPConn).File())
	c2 := must(net.FileConn(f))
	f.Close()
	c.Close()
	fmt.Println(c2.LocalAddr().String() == s.RemoteAddr().String(), c2.RemoteAddr().String() == s.LocalAddr().String())
	fmt.Fprint(c2, "by a copy")
	c2.Close()
	b, err := io.ReadAll(s)
	fmt.Println(string(b), err)
	s.Close()
	l2.Close()
	u := must(net.ListenPacket("udp", "127.0.0.1:0")).(*net.UDPConn)
	f = must(u.File())
	p := must(net.FilePacketConn(f))
	fmt.Println(p.LocalAddr().String() == u.LocalAddr().String())
	_, err = net.FileConn(must(os.Open(os.Args[2])))
	fmt.Println("no socket", err != nil)
}

func control() {
	var asked []string
	look := func(network, address string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
			asked = append(asked, fmt.Sprint(network, " ", address != "", " ", err))
		})
	}
	lc := net.ListenConfig{Control: look, KeepAlive: -1}
	l := must(lc.Listen(context.Background(), "tcp", "127.0.0.1:0"))
	go l.Accept()
	d := net.Dialer{Control: look, Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	c := must(d.Dial("tcp", l.Addr().String()))
	fmt.Println(asked)
	raw := must(c.(*net.TCPConn).SyscallConn())
	var value, kind int
	err := raw.Control(func(fd uintptr) {
		value, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		kind, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
	})
	fmt.Println(value != 0, kind == syscall.SOCK_STREAM, err)
	raw = must(must(net.ListenPacket("udp", "127.0.0.1:0")).(*net.UDPConn).SyscallConn())
	err = raw.Control(func(fd uintptr) {
		kind, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
	})
	fmt.Println(kind == syscall.SOCK_DGRAM, err)
	refuse := net.ListenConfig{Control: func(string, string, syscall.RawConn) error { return errors.New("not so") }}
	_, err = refuse.Listen(context.Background(), "tcp", "127.0.0.1:0")
	fmt.Println(strings.HasSuffix(err.Error(), "not so"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = d.DialContext(ctx, "tcp", l.Addr().String())
	fmt.Println("cancelled", err != nil)
}

func names() {
	addresses := map[string]bool{}
	for _, a := range must(net.LookupHost("localhost")) {
		addresses[a] = true
	}
	fmt.Println(addresses["127.0.0.1"])
	fmt.Println(net.LookupPort("tcp", "https"))
	fmt.Println(net.LookupPort("udp", "domain"))
	fmt.Println(net.ResolveTCPAddr("tcp4", "localhost:http"))
	l := must(net.Listen("tcp", "localhost:0"))
	c := must(net.Dial("tcp", l.Addr().String()))
	fmt.Println(c.RemoteAddr().(*net.TCPAddr).IP)
	_, err := net.LookupHost("no-such-name.invalid")
	fmt.Println(err != nil)
}

func pipeOfBytes() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	c, s := pair(l)
	go func() {
		buffers := net.Buffers{[]byte("one "), []byte("two "), bytes.Repeat([]byte("x"), 100000)}
		buffers.WriteTo(c)
		c.Close()
	}()
	out := must(os.Create(filepath.Join(os.Args[2], "out")))
	n, err := io.Copy(out, s)
	fmt.Println(n, err)
	c, s = pair(l)
	out.Seek(0, io.SeekStart)
	go func() { io.Copy(c, out); c.Close() }()
	n, err = io.Copy(io.Discard, s)
	fmt.Println(n, err)
}

func multicast() {
	_, err := net.ListenMulticastUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: 9999})
	fmt.Println(err)
}

func listen() {
	l, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("listening")
	l.Close()
}

func main() {
	map[string]func(){"tcp": tcp, "udp": udp, "unix": unix, "dual": dual, "files": files, "control": control,
		"names": names, "bytes": pipeOfBytes, "multicast": multicast, "listen": listen, "empty": empty,
		"lingers": lingers, "lastWords": lastWords, "elsewhere": elsewhere, "abstract": abstract,
		"absent": absent, "collected": collected, "strangers": strangers}[os.Args[1]]()
}
