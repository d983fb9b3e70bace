// trouble uses files as programs do on a host that is in trouble, and says what it was told: how many bytes were
// written, and the WASI number of each error (0 = none).  Lines of stdin let it go on, so that the host can change what
// it is at work on.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 fd_readdir
func fdReaddir(fd int32, buf unsafe.Pointer, size uint32, cookie uint64, used unsafe.Pointer) uint32

func number(err error) int {
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return int(errno)
	case err == io.EOF:
		return -1
	}
	return -2
}

func count(i int) int {
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func must(what string, err error) {
	if err != nil {
		fmt.Println("FAIL", what, err)
		os.Exit(1)
	}
}

func check(ok bool, what ...any) {
	if !ok {
		fmt.Println(append([]any{"FAIL"}, what...)...)
		os.Exit(1)
	}
}

var stdin = bufio.NewReader(os.Stdin)

func pause(words ...any) {
	fmt.Println(words...)
	stdin.ReadString('\n')
}

func main() {
	path := os.Args[2]
	map[string]func(string){
		"write": write, "read": read, "list": list, "stdout": stdout, "many": many, "holes": holes, "names": names,
		"open": open, "exhaust": exhaust, "walk": walk,
	}[os.Args[1]](path)
}

// write FILE BLOCKS BYTES: so many blocks, each of its own byte.
func write(path string) {
	f, err := os.Create(path)
	fmt.Println("open", number(err))
	if err != nil {
		return
	}
	total := 0
	for i := 0; i < count(3); i++ {
		var n int
		n, err = f.Write(bytes.Repeat([]byte{byte('a' + i%26)}, count(4)))
		total += n
		if err != nil {
			break
		}
	}
	fmt.Println("wrote", total, number(err))
	fmt.Println("sync", number(f.Sync()))
	fmt.Println("close", number(f.Close()))
}

// stdout BLOCKS BYTES: the same on standard output, the words on standard error.
func stdout(string) {
	total := 0
	var err error
	for i := 0; i < count(3) && err == nil; i++ {
		var n int
		n, err = os.Stdout.Write(bytes.Repeat([]byte{byte('a' + i%26)}, count(4)))
		total += n
	}
	fmt.Fprintln(os.Stderr, "wrote", total, number(err), "close", number(os.Stdout.Close()))
}

// read FILE: 1,000 bytes, a pause, then all that is left, from there and from the start.
func read(path string) {
	f, err := os.Open(path)
	must("open", err)
	buf := make([]byte, 1000)
	_, err = io.ReadFull(f, buf)
	fmt.Println("read", number(err))
	pause("waiting")
	rest, err := io.ReadAll(f)
	fmt.Println("rest", len(rest), number(err))
	f.Seek(0, io.SeekStart)
	rest, err = io.ReadAll(f)
	fmt.Println("again", len(rest), number(err))
}

type entry struct {
	name string
	next uint64
}

// entries reads one buffer of a directory, as small as it may be; a cut entry is left out.
func entries(d *os.File, cookie uint64, buf []byte) (found []entry, more bool, errno uint32) {
	var used uint32
	errno = fdReaddir(int32(d.Fd()), unsafe.Pointer(&buf[0]), uint32(len(buf)), cookie, unsafe.Pointer(&used))
	if errno != 0 {
		return nil, false, errno
	}
	at := uint32(0)
	for used-at >= 24 {
		length := binary.LittleEndian.Uint32(buf[at+16:])
		if used-at-24 < length {
			break
		}
		found = append(found, entry{string(buf[at+24 : at+24+length]), binary.LittleEndian.Uint64(buf[at:])})
		at += 24 + length
	}
	return found, used == uint32(len(buf)), 0
}

// walk DIR BYTES: counts the entries, reading with a buffer of so many bytes, and each name once.
func walk(path string) {
	d, err := os.Open(path)
	must("open", err)
	seen := map[string]bool{}
	buf := make([]byte, count(3))
	calls := 0
	for cookie, more := uint64(0), true; more; calls++ {
		var found []entry
		var errno uint32
		found, more, errno = entries(d, cookie, buf)
		check(errno == 0, "fd_readdir", errno)
		check(len(found) > 0 || !more, "an entry does not fit")
		for _, e := range found {
			check(!seen[e.name], "twice:", e.name)
			seen[e.name] = true
			cookie = e.next
		}
	}
	fmt.Println("entries", len(seen), "calls", calls)
}

// list DIR: pages of Go's own, a pause after the first.
func list(path string) {
	d, err := os.Open(path)
	must("open", err)
	seen := map[string]int{}
	for page := 0; ; page++ {
		names, err := d.Readdirnames(50)
		for _, name := range names {
			seen[name]++
		}
		if page == 0 {
			pause("waiting")
		}
		if err != nil {
			fmt.Println("end", number(err))
			break
		}
	}
	for name, n := range seen {
		fmt.Println(n, name)
	}
}

// many DIR N: so many tiny files in directories of 1,000: made, read back, listed, removed.
func many(path string) {
	n := count(3)
	name := func(i int) string { return fmt.Sprintf("%s/%d/%d", path, i/1000, i) }
	begun := time.Now()
	for i := 0; i < n; i++ {
		if i%1000 == 0 {
			must("mkdir", os.Mkdir(fmt.Sprintf("%s/%d", path, i/1000), 0o755))
		}
		must("write", os.WriteFile(name(i), []byte(strconv.Itoa(i)), 0o644))
	}
	for i := 0; i < n; i += 1 + n/1000 {
		data, err := os.ReadFile(name(i))
		check(err == nil && string(data) == strconv.Itoa(i), name(i), string(data), err)
	}
	pause("made in", time.Since(begun).Round(time.Millisecond))
	found := 0
	for i := 0; i < n; i += 1000 {
		list, err := os.ReadDir(fmt.Sprintf("%s/%d", path, i/1000))
		must("readdir", err)
		found += len(list)
	}
	check(found == n, "found", found)
	must("removeall", os.RemoveAll(path))
	pause("removed")
}

// holes FILE: 3 GiB, of which three pieces are written.
func holes(path string) {
	f, err := os.Create(path)
	must("create", err)
	const gib = 1 << 30
	pieces := map[int64]string{0: "start", 2*gib - 2: "over the 2 GiB line", 3*gib - 3: "end"}
	for at, text := range pieces {
		_, err = f.WriteAt([]byte(text), at)
		must("write", err)
	}
	info, err := f.Stat()
	check(err == nil && info.Size() == 3*gib, "size", info.Size(), err)
	for at, text := range pieces {
		buf := make([]byte, len(text))
		_, err = f.ReadAt(buf, at)
		check(err == nil && string(buf) == text, "piece", at, string(buf), err)
	}
	zeros := make([]byte, 1<<20)
	zeros[7] = 1
	_, err = f.ReadAt(zeros, gib)
	check(err == nil && bytes.Equal(zeros, make([]byte, 1<<20)), "a hole is not of zeros", err)
	at, err := f.Seek(-3, io.SeekEnd)
	check(err == nil && at == 3*gib-3, "seek", at, err)
	rest, err := io.ReadAll(f)
	check(err == nil && string(rest) == "end", "rest", string(rest), err)
	must("truncate", f.Truncate(5*gib))
	info, _ = f.Stat()
	check(info.Size() == 5*gib, "grown", info.Size())
	must("truncate", f.Truncate(3*gib))
	must("sync", f.Sync())
	must("close", f.Close())
	fmt.Println("all well")
}

// names DIR: the longest names, bytes that are no UTF-8; each is made, listed, renamed and removed as it is.
func names(path string) {
	long := string(bytes.Repeat([]byte("n"), 255))
	wide := string(bytes.Repeat([]byte("ü"), 127)) + "x"
	list := []string{long, wide, "\xff\xfe", "a\x80b", "\xed\xa0\x80", "\xc0\xaf", " ", "\n", "\\", "*", "-", "...", "~"}
	for _, name := range list {
		must("write", os.WriteFile(path+"/"+name, []byte(name), 0o644))
	}
	check(number(os.WriteFile(path+"/"+long+"n", nil, 0o644)) == int(syscall.ENAMETOOLONG), "256 bytes")
	check(number(os.Mkdir(path+"/"+long+"n", 0o755)) == int(syscall.ENAMETOOLONG), "256 bytes of a directory")
	entries, err := os.ReadDir(path)
	must("readdir", err)
	found := map[string]bool{}
	for _, e := range entries {
		found[e.Name()] = true
	}
	check(len(found) == len(list), "entries", len(found))
	for _, name := range list {
		data, err := os.ReadFile(path + "/" + name)
		check(found[name] && err == nil && string(data) == name, "name", []byte(name), err)
		must("rename", os.Rename(path+"/"+name, path+"/moved"))
		must("rename", os.Rename(path+"/moved", path+"/"+name))
	}
	deep := path
	for i := 0; i < 15; i++ {
		deep += "/" + long
		if i == 0 {
			must("remove", os.Remove(deep))
		}
		must("mkdir", os.Mkdir(deep, 0o755))
	}
	must("write", os.WriteFile(deep+"/x", nil, 0o644))
	must("removeall", os.RemoveAll(path+"/"+long))
	fmt.Println("all well")
}

// open DIR N: so many files open at a time.
func open(path string) {
	files := make([]*os.File, count(3))
	for i := range files {
		f, err := os.Create(fmt.Sprintf("%s/%d", path, i))
		must("create", err)
		files[i] = f
	}
	for i, f := range files {
		fmt.Fprint(f, "file ", i)
	}
	pause("open")
	for i, f := range files {
		buf := make([]byte, 100)
		n, _ := f.ReadAt(buf, 0)
		check(string(buf[:n]) == fmt.Sprint("file ", i), "file", i, string(buf[:n]))
		must("close", f.Close())
	}
	pause("closed")
}

// exhaust DIR: opens until no more can be had, and does what needs none of its own.
func exhaust(path string) {
	var files []*os.File
	var err error
	for {
		var f *os.File
		if f, err = os.Create(fmt.Sprintf("%s/%d", path, len(files))); err != nil {
			break
		}
		files = append(files, f)
	}
	_, missing := os.Stat(fmt.Sprintf("%s/%d", path, len(files)))
	fmt.Println("opened", len(files), number(err), number(missing))
	fmt.Println("keep", number(os.WriteFile(path+"/keep", nil, 0o644)))
	fmt.Println("mkdir", number(os.MkdirAll(path+"/a/b/c/d", 0o755)))
	fmt.Println("rename", number(os.Rename(path+"/a/b", path+"/a/e")))
	must("close", files[5].Close())
	f, err := os.Open(path + "/keep")
	data, _ := io.ReadAll(f)
	fmt.Println("reopened", number(err), string(data))
}
