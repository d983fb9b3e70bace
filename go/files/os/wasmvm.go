// wasmvm: what the host can give beyond WASI, and the name that a program is given.

//go:build wasip1

package os

import (
	"internal/poll"
	"runtime"
	"syscall"
	_ "unsafe" // for linkname
)

// Pipe returns a connected pair of Files; reads from r return bytes written to w.
// It returns the files and an error, if any.
func Pipe() (r *File, w *File, err error) {
	var fds [2]int
	if err = syscall.Pipe(fds[:]); err != nil {
		return nil, nil, NewSyscallError("pipe", err)
	}
	return NewFile(uintptr(fds[0]), "|0"), NewFile(uintptr(fds[1]), "|1"), nil
}

// wasmvmFile is for net: a file on a descriptor that it has a share in.
//
//go:linkname wasmvmFile
func wasmvmFile(pfd poll.FD, name string) *File {
	f := &File{&file{pfd: pfd, name: name}}
	f.pfd.Init("file", true)
	runtime.SetFinalizer(f.file, (*file).close)
	return f
}

// hostname: the host's own is not for a program that was not told.
func hostname() (name string, err error) {
	if name = Getenv("HOSTNAME"); name == "" {
		name = "localhost"
	}
	return name, nil
}
