// wasmvm: datagrams for internal/poll, with addresses that need no allocation.

//go:build wasip1

package unix

import (
	"syscall"
	_ "unsafe" // for linkname
)

//go:linkname receive4 syscall.wasmvmReceive4
func receive4(fd int, p []byte, flags int, from *syscall.SockaddrInet4) (n, outflags int, err error)

//go:linkname receive6 syscall.wasmvmReceive6
func receive6(fd int, p []byte, flags int, from *syscall.SockaddrInet6) (n, outflags int, err error)

//go:linkname send4 syscall.wasmvmSend4
func send4(fd int, p []byte, to *syscall.SockaddrInet4) (n int, err error)

//go:linkname send6 syscall.wasmvmSend6
func send6(fd int, p []byte, to *syscall.SockaddrInet6) (n int, err error)

func RecvfromInet4(fd int, p []byte, flags int, from *syscall.SockaddrInet4) (int, error) {
	n, _, err := receive4(fd, p, flags, from)
	return n, err
}

func RecvfromInet6(fd int, p []byte, flags int, from *syscall.SockaddrInet6) (int, error) {
	n, _, err := receive6(fd, p, flags, from)
	return n, err
}

func RecvmsgInet4(fd int, p, oob []byte, flags int, from *syscall.SockaddrInet4) (n, oobn, recvflags int, err error) {
	n, recvflags, err = receive4(fd, p, flags, from)
	return n, 0, recvflags, err
}

func RecvmsgInet6(fd int, p, oob []byte, flags int, from *syscall.SockaddrInet6) (n, oobn, recvflags int, err error) {
	n, recvflags, err = receive6(fd, p, flags, from)
	return n, 0, recvflags, err
}

func SendtoInet4(fd int, p []byte, flags int, to *syscall.SockaddrInet4) error {
	_, err := send4(fd, p, to)
	return err
}

func SendtoInet6(fd int, p []byte, flags int, to *syscall.SockaddrInet6) error {
	_, err := send6(fd, p, to)
	return err
}

func SendmsgNInet4(fd int, p, oob []byte, to *syscall.SockaddrInet4, flags int) (n int, err error) {
	if to == nil || len(oob) != 0 {
		return syscall.SendmsgN(fd, p, oob, nil, flags)
	}
	return send4(fd, p, to)
}

func SendmsgNInet6(fd int, p, oob []byte, to *syscall.SockaddrInet6, flags int) (n int, err error) {
	if to == nil || len(oob) != 0 {
		return syscall.SendmsgN(fd, p, oob, nil, flags)
	}
	return send6(fd, p, to)
}
