package main

import (
	"os"
	"unsafe"
)

// The system's calls as they are, each with an address that the program itself never writes to.
//
//go:wasmimport wasi_snapshot_preview1 args_get
func wasiArgs(argv, buffer unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 clock_res_get
func wasiResolution(clock uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
func wasiRandom(at unsafe.Pointer, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_get
func wasiFdstat(fd uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_flags
func wasiSetFlags(fd, flags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_get
func wasiFilestat(fd uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 path_filestat_get
func wasiPathstat(fd, flags uint32, path unsafe.Pointer, n uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_readdir
func wasiReaddir(fd uint32, at unsafe.Pointer, n uint32, cookie uint64, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_pread
func wasiPread(fd uint32, iovs unsafe.Pointer, n uint32, at uint64, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_seek
func wasiSeek(fd uint32, offset int64, whence uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
func wasiPoll(in, out unsafe.Pointer, n uint32, events unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_get
func wasiPrestat(fd uint32, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_dir_name
func wasiPrestatName(fd uint32, at unsafe.Pointer, n uint32) uint32

type iovec struct{ at, n uint32 }
type subscription struct {
	user    uint64
	kind    uint64
	clock   uint64
	timeout uint64
	rest    [2]uint64
}

const pages = 32 // of the ground, from here on: only the monitor writes there
var door [pages * 4096]byte

// calls makes each call with pages of its own for what comes back: how many failed, how many pages held something
// before, and whether they do now.
func calls() (failed, before, written int) {
	next := 0
	page := func() unsafe.Pointer { next++; return unsafe.Pointer(&door[next*4096-40]) } // over the edge of two
	count := func() (n int) {
		for i := 0; i < len(door); i += 4096 {
			for _, b := range door[i : i+4096] {
				if b != 0 {
					n++
					break
				}
			}
		}
		return n
	}
	before = count()
	f, err := os.Create("/tmp/door")
	if err != nil {
		panic(err)
	}
	f.WriteString("0123456789012345678901234567890123456789012345678901234567890123456789")
	fd, dir, name := uint32(f.Fd()), uint32(3), []byte("door")
	piece := func(n uint32) unsafe.Pointer { return unsafe.Pointer(&iovec{uint32(uintptr(page())), n}) }
	clock := subscription{user: ^uint64(0), clock: 1, timeout: 1}
	for _, e := range []uint32{
		wasiArgs(page(), page()),
		wasiResolution(1, page()),
		wasiRandom(page(), 100),
		wasiFdstat(fd, page()),
		wasiFilestat(fd, page()),
		wasiPathstat(dir, 0, unsafe.Pointer(&name[0]), 4, page()),
		wasiReaddir(dir, page(), 400, 0, page()),
		wasiPread(fd, piece(70), 1, 0, page()),
		wasiSeek(fd, 0, 2, page()),
		wasiPoll(unsafe.Pointer(&clock), page(), 1, page()),
		wasiPrestat(dir, page()),
		wasiPrestatName(dir, page(), 4),
	} {
		if e != 0 {
			failed++
		}
	}
	return failed, before, count()
}

// flags is what the standard streams' were, before it sets one.
func flags() (were [3]uint16) {
	for fd := range uint32(3) {
		var stat [3]uint64
		if wasiFdstat(fd, unsafe.Pointer(&stat)) != 0 || wasiSetFlags(fd, 5) != 0 {
			panic("no flags")
		}
		were[fd] = uint16(stat[0] >> 16)
	}
	return were
}
