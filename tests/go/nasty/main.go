// nasty SEED CALLS calls every function of WASI at random, with paths that try to get out, descriptors that are
// anything, flags and numbers of any kind and pointers that lie anywhere but in Go's own memory.  With "wild" as a
// third word it spares neither its standard streams nor its grants.  It says in the end that it is still there.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 fd_advise
func fdAdvise(fd int32, offset, n uint64, advice uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_allocate
func fdAllocate(fd int32, offset, n uint64) uint32

//go:wasmimport wasi_snapshot_preview1 fd_close
func fdClose(fd int32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_datasync
func fdDatasync(fd int32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_get
func fdFdstatGet(fd int32, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_flags
func fdFdstatSetFlags(fd int32, flags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_rights
func fdFdstatSetRights(fd int32, base, inheriting uint64) uint32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_get
func fdFilestatGet(fd int32, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_set_size
func fdFilestatSetSize(fd int32, size uint64) uint32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_set_times
func fdFilestatSetTimes(fd int32, atim, mtim uint64, flags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_pread
func fdPread(fd int32, iovs, n uint32, offset uint64, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_get
func fdPrestatGet(fd int32, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_dir_name
func fdPrestatDirName(fd int32, out, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_pwrite
func fdPwrite(fd int32, iovs, n uint32, offset uint64, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_read
func fdRead(fd int32, iovs, n, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_readdir
func fdReaddir(fd int32, buf, n uint32, cookie uint64, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_renumber
func fdRenumber(from, to int32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_seek
func fdSeek(fd int32, offset uint64, whence, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_sync
func fdSync(fd int32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_tell
func fdTell(fd int32, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_write
func fdWrite(fd int32, iovs, n, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_create_directory
func pathCreateDirectory(fd int32, path, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_filestat_get
func pathFilestatGet(fd int32, flags, path, n, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_filestat_set_times
func pathFilestatSetTimes(fd int32, lookup, path, n uint32, atim, mtim uint64, flags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_link
func pathLink(fd int32, flags, path, n uint32, to int32, path2, n2 uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_open
func pathOpen(fd int32, lookup, path, n, oflags uint32, base, inheriting uint64, flags, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_readlink
func pathReadlink(fd int32, path, n, buf, size, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_remove_directory
func pathRemoveDirectory(fd int32, path, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_rename
func pathRename(fd int32, path, n uint32, to int32, path2, n2 uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_symlink
func pathSymlink(target, n uint32, fd int32, path, n2 uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_unlink_file
func pathUnlinkFile(fd int32, path, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
func pollOneoff(in, out, n, events uint32) uint32

//go:wasmimport wasi_snapshot_preview1 proc_raise
func procRaise(signal uint32) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buf, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_accept
func sockAccept(fd int32, flags, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_recv
func sockRecv(fd int32, iovs, n, flags, out, outFlags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_send
func sockSend(fd int32, iovs, n, flags, out uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_shutdown
func sockShutdown(fd int32, how uint32) uint32

const (
	playground = 1 << 17 // bytes of memory that calls may write to
	firstFree  = 5       // behind the standard streams and two grants
)

var (
	memory [playground + 64]byte
	random *rand.Rand
	wild   bool
)

func address(at int) uint32 { return uint32(uintptr(unsafe.Pointer(&memory[at]))) }

// at is an address with room for n bytes, or one outside of all memory.
func at(n int) uint32 {
	if random.Intn(40) == 0 {
		return []uint32{0xffffffff, 0xfffffff0, 0x80000000, 0xfffff000}[random.Intn(4)]
	}
	return address(random.Intn(playground - n))
}

func number() uint64 {
	switch random.Intn(5) {
	case 0:
		return random.Uint64()
	case 1:
		return []uint64{1<<63 - 1, 1 << 63, 1<<64 - 1, 1 << 32, 1<<31 - 1}[random.Intn(5)]
	}
	return uint64(random.Intn(100))
}

func flags(most int) uint32 {
	if random.Intn(20) == 0 {
		return random.Uint32()
	}
	return uint32(random.Intn(most))
}

// any is a descriptor to read from or to look at, free is one that may be closed.
func anyFd() int32 {
	switch random.Intn(12) {
	case 0:
		return int32(random.Uint32())
	case 1:
		return -1
	case 2, 3, 4, 5:
		return 3 + int32(random.Intn(2))
	}
	return free()
}

func free() int32 {
	if wild {
		return int32(random.Intn(40))
	}
	return firstFree + int32(random.Intn(40))
}

var pieces = []string{"..", ".", "", "a", "b", "sub", "file", "link", "up", "abs", "root", "fifo", "dev", "new",
	"outside", "secret", "proc/self/mem", "\xff\xfe", "a\x00b", "..\x00", "x/../../.."}

func path() (uint32, uint32) {
	text := ""
	if random.Intn(12) == 0 {
		text = "/"
	}
	for n := random.Intn(5); n >= 0; n-- {
		text += pieces[random.Intn(len(pieces))]
		if n > 0 || random.Intn(6) == 0 {
			text += "/"
		}
	}
	if random.Intn(200) == 0 {
		for len(text) < 5000 {
			text += "/" + text
		}
	}
	to := random.Intn(playground - len(text) - 1)
	copy(memory[to:], text)
	if random.Intn(100) == 0 {
		return at(1), random.Uint32()
	}
	return address(to), uint32(len(text))
}

func put32(to int, v uint32) {
	*(*uint32)(unsafe.Pointer(&memory[to])) = v
}

// iovecs, of which some may be anything that does no harm to Go's memory: what is not in the playground is outside.
func iovecs() (uint32, uint32) {
	n := random.Intn(4)
	if random.Intn(50) == 0 {
		return at(8), 1025 + uint32(random.Intn(1<<20))
	}
	to := random.Intn(1000) * 8
	for i := 0; i < n; i++ {
		size := random.Intn(3000)
		put32(to+i*8, at(size))
		put32(to+i*8+4, uint32(size))
	}
	return address(to), uint32(n)
}

func subscriptions() (uint32, uint32) {
	n := 1 + random.Intn(6)
	to := random.Intn(100) * 8
	for i := 0; i < n*12; i++ {
		put32(to+i*4, uint32(random.Intn(4)))
	}
	put32(to+8, 0) // the first is a clock that is due soon
	put32(to+16, 1)
	put32(to+24, uint32(random.Intn(1000)))
	put32(to+28, 0)
	put32(to+40, 0)
	return address(to), uint32(n)
}

func once() uint32 {
	p, n := path()
	q, m := path()
	v, nv := iovecs()
	switch random.Intn(48) {
	case 0:
		return fdAdvise(anyFd(), number(), number(), flags(8))
	case 1:
		return fdAllocate(free(), uint64(random.Intn(10000)), uint64(random.Intn(10000)))
	case 2, 3:
		return fdClose(free())
	case 4:
		return fdDatasync(anyFd())
	case 5:
		return fdFdstatGet(anyFd(), at(24))
	case 6:
		return fdFdstatSetFlags(free(), flags(32)|4)
	case 7:
		return fdFdstatSetRights(free(), random.Uint64()|0x3fffffff, number())
	case 8:
		return fdFilestatGet(anyFd(), at(64))
	case 9:
		return fdFilestatSetSize(free(), uint64(random.Intn(100000)))
	case 10:
		return fdFilestatSetTimes(free(), number(), number(), flags(16))
	case 11:
		return fdPread(free(), v, nv, number(), at(4))
	case 12:
		return fdPrestatGet(anyFd(), at(8))
	case 13:
		return fdPrestatDirName(anyFd(), at(100), uint32(random.Intn(100)))
	case 14:
		return fdPwrite(free(), v, nv, uint64(random.Intn(100000)), at(4))
	case 15:
		return fdRead(free(), v, nv, at(4))
	case 16, 17:
		return fdReaddir(anyFd(), at(3000), uint32(random.Intn(3000)), number(), at(4))
	case 18:
		return fdRenumber(free(), free())
	case 19:
		return fdSeek(free(), number(), flags(4), at(8))
	case 20:
		return fdSync(anyFd())
	case 21:
		return fdTell(anyFd(), at(8))
	case 22:
		return fdWrite(free(), v, nv, at(4))
	case 23, 24:
		return pathCreateDirectory(anyFd(), p, n)
	case 25:
		return pathFilestatGet(anyFd(), flags(2), p, n, at(64))
	case 26:
		return pathFilestatSetTimes(anyFd(), flags(2), p, n, number(), number(), flags(16))
	case 27:
		return pathLink(anyFd(), flags(2), p, n, anyFd(), q, m)
	case 28:
		return pathReadlink(anyFd(), p, n, at(200), uint32(random.Intn(200)), at(4))
	case 29:
		return pathRemoveDirectory(anyFd(), p, n)
	case 30, 31:
		return pathRename(anyFd(), p, n, anyFd(), q, m)
	case 32, 33:
		return pathSymlink(p, n, anyFd(), q, m)
	case 34:
		return pathUnlinkFile(anyFd(), p, n)
	case 35:
		s, n := subscriptions()
		return pollOneoff(s, at(200), n, at(4))
	case 36:
		return procRaise(flags(40))
	case 37:
		return randomGet(at(1000), uint32(random.Intn(1000)))
	case 38:
		return sockAccept(free(), 4, at(4))
	case 39:
		return sockRecv(free(), v, nv, flags(4), at(4), at(2))
	case 40:
		return sockSend(free(), v, nv, flags(2), at(4))
	case 41:
		return sockShutdown(free(), flags(4))
	}
	rights := []uint64{0, 2, 64, 66, 0x0fffffff, number()}
	return pathOpen(anyFd(), flags(2), p, n, flags(16), rights[random.Intn(6)], number(), flags(32)|4, at(4))
}

func main() {
	seed, _ := strconv.ParseInt(os.Args[1], 10, 64)
	calls, _ := strconv.Atoi(os.Args[2])
	wild = len(os.Args) > 3 && os.Args[3] == "wild"
	random = rand.New(rand.NewSource(seed))
	well := 0
	for i := 0; i < calls; i++ {
		errno := once()
		if errno > 76 {
			fmt.Println("no errno of WASI:", errno)
			os.Exit(1)
		}
		if errno == 0 {
			well++
		}
	}
	fmt.Println("still there,", well*100/calls >= 5)
}
