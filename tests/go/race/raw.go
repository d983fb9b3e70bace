package main

import (
	"os"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 path_open
func pathOpen(dir, lookup int32, path unsafe.Pointer, size uint32, oflags uint32, rights, inheriting uint64,
	flags uint32, fd unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 path_filestat_get
func pathFilestatGet(dir, lookup int32, path unsafe.Pointer, size uint32, out unsafe.Pointer) uint32

const firstGrant, followed, read = 3, 1, 2

// raw opens and stats a path as it stands, with its dots, below the first grant; it must never work.
func raw(path string) {
	name := []byte(path[1:])
	var fd uint32
	var stat [64]byte
	at, size := unsafe.Pointer(&name[0]), uint32(len(name))
	if pathOpen(firstGrant, followed, at, size, 0, read, 0, 0, unsafe.Pointer(&fd)) == 0 {
		data := make([]byte, 100)
		f := os.NewFile(uintptr(fd), path)
		n, _ := f.Read(data)
		f.Close()
		escaped("dots", string(data[:n]))
	}
	if pathFilestatGet(firstGrant, followed, at, size, unsafe.Pointer(&stat)) == 0 {
		escaped("dots and stat")
	}
	refused["dots"]++
}
