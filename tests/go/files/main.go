// files works on a directory.  `rw` tries all that the os package offers and checks each result against what Go
// promises; `ro` tries every way to change a read-only grant and prints what let it; `escape` tries to get out of a
// grant.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

var failed bool

func check(what string, ok bool, details ...any) {
	if !ok {
		failed = true
		fmt.Println("FAIL", what, fmt.Sprint(details...))
	}
}

func must(what string, err error) { check(what, err == nil, err) }

func main() {
	dir := os.Args[2]
	switch os.Args[1] {
	case "rw":
		readWrite(dir)
		readdir(filepath.Join(dir, "many"))
		links(dir)
		removal(dir)
	case "ro":
		readOnly(dir, "file")
	case "etc": // what wasmvm itself puts there
		readOnly(dir, "hosts")
	case "escape":
		escape(dir)
	case "cat":
		data, err := os.ReadFile(dir)
		os.Stdout.Write(data)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	case "ls":
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			fmt.Println(e.Name(), e.Type())
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	case "swap": // a link in its place
		if err := errors.Join(os.Rename(dir, dir+".old"), os.Symlink(os.Args[3], dir)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	case "write":
		if err := os.WriteFile(dir, []byte(strings.Join(os.Args[3:], " ")), 0o644); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	if failed {
		os.Exit(1)
	}
	fmt.Println("all well")
}

func readWrite(dir string) {
	name := filepath.Join(dir, "a.txt")
	must("write", os.WriteFile(name, []byte("hello, file\n"), 0o644))
	data, err := os.ReadFile(name)
	check("read back", err == nil && string(data) == "hello, file\n", err, data)

	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	must("append open", err)
	f.WriteString("second")
	f.WriteString(" line\n")
	must("sync", f.Sync())
	must("close", f.Close())
	check("close twice", errors.Is(f.Close(), os.ErrClosed))
	data, _ = os.ReadFile(name)
	check("appended", string(data) == "hello, file\nsecond line\n", string(data))

	_, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	check("excl", errors.Is(err, os.ErrExist), err)
	_, err = os.Open(filepath.Join(dir, "nobody"))
	check("missing", errors.Is(err, os.ErrNotExist), err)
	_, err = os.ReadDir(name)
	check("readdir of a file", err != nil)
	_, err = os.Open(filepath.Join(name, "below"))
	check("below a file", err != nil)

	f, err = os.OpenFile(name, os.O_RDWR, 0)
	must("rdwr", err)
	at, err := f.Seek(-5, io.SeekEnd)
	check("seek end", err == nil && at == 19, at, err)
	buf := make([]byte, 4)
	_, err = io.ReadFull(f, buf)
	check("read there", err == nil && string(buf) == "line", err, string(buf))
	n, err := f.WriteAt([]byte("HELLO"), 0)
	check("writeat", n == 5 && err == nil, n, err)
	n, err = f.ReadAt(buf, 1)
	check("readat", n == 4 && err == nil && string(buf) == "ELLO", n, err, string(buf))
	_, err = f.Seek(-1, io.SeekStart)
	check("seek before the start", err != nil)
	n, err = f.ReadAt(buf, 1000)
	check("readat past the end", n == 0 && err == io.EOF, n, err)
	must("truncate", f.Truncate(5))
	info, err := f.Stat()
	check("size after truncate", err == nil && info.Size() == 5 && info.Mode().IsRegular(), err)
	must("grow by truncate", os.Truncate(name, 100000))
	info, _ = f.Stat()
	check("grown", info.Size() == 100000)
	at, _ = f.Seek(0, io.SeekCurrent)
	check("offset kept", at == 23, at)
	f.Close()
	data, _ = os.ReadFile(name)
	check("zeros", bytes.Equal(data[5:], make([]byte, 99995)))

	when := time.Date(2001, 2, 3, 4, 5, 6, 789000000, time.UTC)
	must("chtimes", os.Chtimes(name, when, when))
	info, _ = os.Stat(name)
	check("mtime", info.ModTime().Equal(when), info.ModTime())

	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	must("write 4 MiB", os.WriteFile(filepath.Join(dir, "big"), big, 0o600))
	data, err = os.ReadFile(filepath.Join(dir, "big"))
	check("read 4 MiB", err == nil && bytes.Equal(data, big), err, len(data))

	other := filepath.Join(dir, "b.txt")
	must("rename", os.Rename(name, other))
	_, err = os.Stat(name)
	check("old name gone", errors.Is(err, os.ErrNotExist), err)
	must("write target", os.WriteFile(name, []byte("x"), 0o644))
	must("rename over", os.Rename(other, name))
	info, _ = os.Stat(name)
	check("renamed over", info.Size() == 100000)

	odd := filepath.Join(dir, "ünï cödé \x01 'quoted' name")
	must("odd name", os.WriteFile(odd, nil, 0o644))
	_, err = os.Stat(odd)
	must("stat odd name", err)
}

func readdir(dir string) {
	must("mkdir", os.Mkdir(dir, 0o755))
	check("mkdir again", errors.Is(os.Mkdir(dir, 0o755), os.ErrExist))
	const n = 3000
	for i := 0; i < n; i++ {
		must("create", os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%05d", i)), nil, 0o644))
	}
	must("mkdirall", os.MkdirAll(filepath.Join(dir, "x/y/z"), 0o755))
	entries, err := os.ReadDir(dir)
	check("readdir", err == nil && len(entries) == n+1, err, len(entries))
	check("sorted", sort.SliceIsSorted(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() }))
	d, err := os.Open(dir)
	must("open directory", err)
	total := 0
	for {
		names, err := d.Readdirnames(77)
		total += len(names)
		if err == io.EOF {
			break
		}
		if err != nil {
			must("readdirnames", err)
			break
		}
	}
	check("in pieces", total == n+1, total)
	d.Seek(0, io.SeekStart)
	names, err := d.Readdirnames(-1)
	check("rewound", err == nil && len(names) == n+1, err, len(names))
	d.Close()
	found := 0
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		must("walk", err)
		found++
		return nil
	})
	check("walked", found == n+4, found)
}

func links(dir string) {
	name, link, hard := filepath.Join(dir, "a.txt"), filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	must("symlink", os.Symlink("a.txt", link))
	target, err := os.Readlink(link)
	check("readlink", err == nil && target == "a.txt", err, target)
	info, err := os.Lstat(link)
	check("lstat", err == nil && info.Mode()&fs.ModeSymlink != 0, err)
	info, err = os.Stat(link)
	check("stat follows", err == nil && info.Mode().IsRegular(), err)
	data, err := os.ReadFile(link)
	check("read through", err == nil && len(data) == 100000, err)
	must("link", os.Link(name, hard))
	info, err = os.Stat(hard)
	check("hard link", err == nil && info.Size() == 100000, err)
	must("dangling", os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	_, err = os.Stat(filepath.Join(dir, "dangling"))
	check("dangling link", errors.Is(err, os.ErrNotExist), err)
	must("loop", os.Symlink("loop", filepath.Join(dir, "loop")))
	_, err = os.Stat(filepath.Join(dir, "loop"))
	check("link loop", err != nil)
}

func removal(dir string) {
	check("remove full directory", os.Remove(filepath.Join(dir, "many")) != nil)
	must("remove link", os.Remove(filepath.Join(dir, "link")))
	_, err := os.Stat(filepath.Join(dir, "a.txt"))
	must("target stays", err)

	gone := filepath.Join(dir, "gone")
	f, err := os.Create(gone)
	must("create", err)
	f.WriteString("still here")
	must("remove open file", os.Remove(gone))
	buf := make([]byte, 10)
	_, err = f.ReadAt(buf, 0)
	check("read a removed file", err == nil && string(buf) == "still here" || err != nil, err)
	f.Close()

	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		must("removeall", os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	entries, err = os.ReadDir(dir)
	check("empty at the end", err == nil && len(entries) == 0, err, len(entries))
	check("remove nothing", errors.Is(os.Remove(gone), os.ErrNotExist))
}

// The directory holds: file, sub/inner, link -> file.
func readOnly(dir, file string) {
	in := func(name string) string { return filepath.Join(dir, name) }
	data, err := os.ReadFile(in(file))
	check("reads", err == nil && (string(data) == "content" || file != "file"), err)
	entries, err := os.ReadDir(dir)
	check("lists", err == nil && len(entries) > 0, err)

	refused := func(what string, err error) { check("changed by "+what, err != nil) }
	open := func(what, name string, flags int) {
		f, err := os.OpenFile(in(name), flags, 0o644)
		if err == nil {
			_, err = f.WriteString("x")
			f.Close()
		}
		refused(what, err)
	}
	open("write", file, os.O_WRONLY)
	open("read-write", file, os.O_RDWR)
	open("append", file, os.O_APPEND|os.O_WRONLY)
	open("truncation", file, os.O_TRUNC|os.O_WRONLY)
	open("creation", "new", os.O_CREATE|os.O_WRONLY)
	open("a link", "link", os.O_WRONLY)
	_, err = os.OpenFile(in(file), os.O_RDONLY|os.O_TRUNC, 0)
	refused("truncation while reading", err)
	_, err = os.OpenFile(in("new2"), os.O_RDONLY|os.O_CREATE, 0o644)
	refused("creation while reading", err)
	refused("mkdir", os.Mkdir(in("newdir"), 0o755))
	refused("remove", os.Remove(in(file)))
	refused("remove of a directory", os.RemoveAll(in("sub")))
	refused("rename", os.Rename(in(file), in("other")))
	refused("symlink", os.Symlink(file, in("link2")))
	refused("link", os.Link(in(file), in("hard")))
	refused("truncate", os.Truncate(in(file), 0))
	refused("chtimes", os.Chtimes(in(file), time.Unix(1, 0), time.Unix(1, 0)))
	if f, err := os.Open(in(file)); err == nil {
		refused("ftruncate", f.Truncate(0))
		_, err = f.Write([]byte("x"))
		refused("write to a reader", err)
		f.Close()
	}
	if len(os.Args) > 3 { // a writable grant beside it
		out := os.Args[3]
		refused("rename out", os.Rename(in(file), filepath.Join(out, "stolen")))
		refused("link out", os.Link(in(file), filepath.Join(out, "stolen")))
		os.WriteFile(filepath.Join(out, "mine"), []byte("mine"), 0o644)
		refused("rename in", os.Rename(filepath.Join(out, "mine"), in("mine")))
		refused("link in", os.Link(filepath.Join(out, "mine"), in("mine")))
	}
}

// The directory holds links that lead out of it; each must be refused, and so must paths with dots.
func escape(dir string) {
	for _, name := range []string{"abs", "up", "deep/up", "proc", "../outside/secret", "up/../up",
		"deep/../../outside/secret"} {
		data, err := os.ReadFile(dir + "/" + name)
		check("read through "+name, err != nil, string(data))
	}
	for _, name := range []string{"/etc/passwd", "/proc/self/environ", "/dev/kvm", dir + "/../outside/secret"} {
		_, err := os.ReadFile(name)
		check("read "+name, err != nil)
	}
	check("write through up-dir", os.WriteFile(dir+"/up-dir/new", []byte("x"), 0o644) != nil)
	check("mkdir through up-dir", os.Mkdir(dir+"/up-dir/newdir", 0o755) != nil)
	check("rename through up-dir", os.Rename(dir+"/inside", dir+"/up-dir/moved") != nil)
	check("remove through up-dir", os.Remove(dir+"/up-dir/secret") != nil)
	check("link through up-dir", os.Link(dir+"/up-dir/secret", dir+"/linked") != nil)
	check("truncate through up", os.Truncate(dir+"/up", 0) != nil)
	data, err := os.ReadFile(dir + "/inside")
	check("own file", err == nil && string(data) == "inside", err)
}
