// probe uses the network by way of github.com/stealthrocket/net: probe COMMAND ARGS.  Errors go to stdout, with
// status 1.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "github.com/stealthrocket/net/http"
	"github.com/stealthrocket/net/wasip1"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

type halfCloser interface{ CloseWrite() error }

// dial NETWORK ADDRESS [TIMEOUT]: stdin to the peer, half-close, the peer's answer to stdout.
func dial(args []string) {
	timeout := time.Minute
	if len(args) > 2 {
		timeout, _ = time.ParseDuration(args[2])
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := wasip1.DialContext(ctx, args[0], args[1])
	check(err)
	if strings.HasPrefix(args[0], "tcp") {
		_, _, err = net.SplitHostPort(conn.LocalAddr().String())
		check(err)
		fmt.Fprintln(os.Stderr, "remote", conn.RemoteAddr())
	}
	go func() {
		_, err := io.Copy(conn, os.Stdin)
		check(err)
		check(conn.(halfCloser).CloseWrite())
	}()
	_, err = io.Copy(os.Stdout, conn)
	check(err)
	check(conn.Close())
}

// echo NETWORK ADDRESS N: answers N connections with what they send, then ends.
func echo(args []string) {
	l, err := wasip1.Listen(args[0], args[1])
	check(err)
	fmt.Println("listening", l.Addr())
	n, _ := strconv.Atoi(args[2])
	var all sync.WaitGroup
	for i := 0; i < n; i++ {
		conn, err := l.Accept()
		check(err)
		all.Add(1)
		go func() {
			defer all.Done()
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
	all.Wait()
	check(l.Close())
}

// udpsend ADDRESS TEXT...: sends each over a connected socket and prints the answer.
func udpsend(args []string) {
	conn, err := wasip1.Dial("udp", args[0])
	check(err)
	buf := make([]byte, 65536)
	for _, text := range args[1:] {
		_, err = conn.Write([]byte(text))
		check(err)
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(buf)
		check(err)
		fmt.Println(string(buf[:n]), conn.RemoteAddr())
	}
}

// udpecho ADDRESS N: answers N datagrams, unconnected.
func udpecho(args []string) {
	conn, err := wasip1.ListenPacket("udp", args[0])
	check(err)
	fmt.Println("listening", conn.LocalAddr())
	n, _ := strconv.Atoi(args[1])
	buf := make([]byte, 65536)
	for i := 0; i < n; i++ {
		got, from, err := conn.ReadFrom(buf)
		check(err)
		_, err = conn.WriteTo(bytes.ToUpper(buf[:got]), from)
		check(err)
		fmt.Println("served", from, got)
	}
}

// sendto LOCAL ADDRESS TEXT: a datagram from a socket bound to LOCAL.
func sendto(args []string) {
	conn, err := wasip1.ListenPacket("udp", args[0])
	check(err)
	to, err := netip.ParseAddrPort(args[1])
	check(err)
	_, err = conn.WriteTo([]byte(args[2]), net.UDPAddrFromAddrPort(to))
	check(err)
	fmt.Println("sent")
}

// dials: connects to each TCP address that stdin names, a line each, and sends it "hello"; what came of it.  The
// connections stay.  A line `again` sends "again" on all of them.
func dials(args []string) {
	var conns []net.Conn
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "again" {
			for _, conn := range conns {
				_, err := io.WriteString(conn, "again")
				fmt.Println("sent", err)
			}
			continue
		}
		conn, err := wasip1.Dial("tcp", lines.Text())
		if err == nil {
			_, err = io.WriteString(conn, "hello")
			conns = append(conns, conn)
		}
		fmt.Println("dialed", err)
	}
}

// get URL...: status, length and SHA-256 of each.
func get(args []string) {
	client := &http.Client{Timeout: 2 * time.Minute}
	for _, url := range args {
		resp, err := client.Get(url)
		check(err)
		hash := sha256.New()
		n, err := io.Copy(hash, resp.Body)
		check(err)
		resp.Body.Close()
		fmt.Printf("%d %d %x\n", resp.StatusCode, n, hash.Sum(nil))
	}
}

// gettls URL: as get, and says the certificate's name.
func gettls(args []string) {
	resp, err := http.Get(args[0])
	check(err)
	body, err := io.ReadAll(resp.Body)
	check(err)
	name := resp.TLS.PeerCertificates[0].Subject.CommonName
	fmt.Println(resp.StatusCode, len(body), name, resp.TLS.Version >= tls.VersionTLS12)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Hello, World!\n")
	})
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		hash := sha256.New()
		n, err := io.Copy(hash, r.Body)
		fmt.Fprintf(w, "%d %x %v\n", n, hash.Sum(nil), err)
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		block := bytes.Repeat([]byte("0123456789abcdef"), 4096)
		for n > 0 {
			part := block[:min(n, len(block))]
			if _, err := w.Write(part); err != nil {
				return
			}
			n -= len(part)
		}
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 10; i++ {
			fmt.Fprintf(w, "chunk %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
	return mux
}

// serve ADDRESS: an HTTP server that /quit ends.
func serve(args []string) {
	l, err := wasip1.Listen("tcp", args[0])
	check(err)
	fmt.Println("listening", l.Addr())
	check(http.Serve(l, handler()))
}

// lookup NAME...: the addresses, or the error.
func lookup(args []string) {
	for _, name := range args {
		addrs, err := net.DefaultResolver.LookupHost(context.Background(), name)
		fmt.Println(name, addrs, err)
	}
}

// txt NAME: its texts, or the error.
func txt(args []string) {
	texts, err := net.DefaultResolver.LookupTXT(context.Background(), args[0])
	fmt.Println(len(texts), len(strings.Join(texts, "")), err)
}

// storm ADDRESS N: N sockets opened and dropped, some of them connected.
func storm(args []string) {
	n, _ := strconv.Atoi(args[1])
	failed := 0
	for i := 0; i < n; i++ {
		conn, err := wasip1.Dial("tcp", args[0])
		if err != nil {
			failed++
			continue
		}
		conn.Close()
	}
	fmt.Println("storm over, failed", failed)
}

// hold ADDRESS N: N connections, one more at a time and all kept; how many there are when one fails, and why.
func hold(args []string) {
	n, _ := strconv.Atoi(args[1])
	var conns []net.Conn
	for len(conns) < n {
		conn, err := wasip1.Dial("tcp", args[0])
		if err != nil {
			fmt.Println(len(conns), err)
			return
		}
		conns = append(conns, conn)
	}
	fmt.Println(len(conns), "held")
}

// again URL N: N requests, one after the other; how many connections they took. With a last argument the time that each
// may take.
func again(args []string) {
	connections := 0
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		connections++
		return wasip1.DialContext(ctx, network, address)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	if len(args) > 2 {
		client.Timeout, _ = time.ParseDuration(args[2])
	}
	n, _ := strconv.Atoi(args[1])
	for i := 0; i < n; i++ {
		resp, err := client.Get(args[0])
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		resp.Body.Close()
	}
	fmt.Println(n, "requests,", connections, "connections")
}

func main() {
	commands := map[string]func([]string){"dial": dial, "echo": echo, "udpsend": udpsend, "udpecho": udpecho, "get": get,
		"gettls": gettls, "serve": serve, "lookup": lookup, "storm": storm,
		"hold": hold, "sendto": sendto, "dials": dials, "txt": txt, "again": again}
	commands[os.Args[1]](os.Args[2:])
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
