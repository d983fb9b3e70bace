package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 path_open
//go:noescape
func path_open(dir int32, dirflags uint32, path unsafe.Pointer, n uint32, oflags uint32, rights, inheriting uint64,
	fdflags uint32, fd unsafe.Pointer) syscall.Errno

// signals wants HUP and TERM, ignores USR1, and reads of them once standard input is over: a line each, TERM the last.
func signals() {
	name, fds := []byte("/dev/wasmvm/signals"), [2]uint32{}
	const readWrite = 1<<1 | 1<<6
	if errno := path_open(-1, 0, unsafe.Pointer(&name[0]), uint32(len(name)), 0, readWrite, 0, 0,
		unsafe.Pointer(&fds)); errno != 0 {
		panic(errno)
	}
	syscall.SetNonblock(int(fds[0]), true)
	f := os.NewFile(uintptr(fds[0]), "signals")
	const ignored = 0x40
	f.Write([]byte{1, 15, ignored | 10})
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	for b := []byte{0}; b[0] != 15; {
		if _, err := f.Read(b); err != nil {
			panic(err)
		}
		fmt.Println(b[0])
	}
}
