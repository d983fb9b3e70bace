// wasmvm: sockets that the host has opened (--listen, --dial, systemd), with their addresses.

//go:build wasip1

package net

import (
	"internal/poll"
	"os"
	"sync"
	"syscall"
	_ "unsafe" // for linkname
)

//go:linkname fd_fdstat_get_type syscall.fd_fdstat_get_type
func fd_fdstat_get_type(fd int) (uint8, error)

// socketOf: what the host says of one of its sockets, without a poll descriptor; nil where s is none.
func socketOf(s int) (*netFD, error) {
	kind, err := fd_fdstat_get_type(s)
	if err != nil {
		return nil, err
	}
	fd := &netFD{family: syscall.AF_INET}
	switch kind {
	case syscall.FILETYPE_SOCKET_STREAM:
		fd.sotype, fd.net = syscall.SOCK_STREAM, "tcp"
	case syscall.FILETYPE_SOCKET_DGRAM:
		fd.sotype, fd.net = syscall.SOCK_DGRAM, "udp"
	default:
		return nil, syscall.ENOTSOCK
	}
	local, _ := syscall.Getsockname(s)
	remote, _ := syscall.Getpeername(s)
	switch local.(type) {
	case *syscall.SockaddrInet6:
		fd.family = syscall.AF_INET6
	case *syscall.SockaddrUnix:
		fd.family, fd.net = syscall.AF_UNIX, sotypeToNet(fd.sotype)
	case nil: // a host that cannot say
		local = &syscall.SockaddrInet4{}
	}
	fd.isConnected = remote != nil
	fd.laddr, fd.raddr = fd.addrFunc()(local), fd.addrFunc()(remote) // without a finalizer: nothing is owned yet
	return fd, nil
}

// use gives the socket its poll descriptor, which closes it.
func (fd *netFD) use(pfd poll.FD) (*netFD, error) {
	fd.pfd = pfd
	fd.pfd.IsStream = fd.sotype == syscall.SOCK_STREAM
	fd.pfd.ZeroReadIsEOF = fd.pfd.IsStream
	if err := fd.init(); err != nil {
		return nil, err
	}
	fd.setAddr(fd.laddr, fd.raddr)
	return fd, nil
}

func fileFD(f *os.File) (*netFD, error) {
	fd, err := socketOf(f.PollFD().Sysfd)
	if err != nil {
		return nil, err
	}
	takenByNumber(f.PollFD().Sysfd)
	copied := f.PollFD().Copy()
	if fd, err = fd.use(copied); err != nil {
		copied.Close()
	}
	return fd, err
}

//go:linkname osFile os.wasmvmFile
func osFile(pfd poll.FD, name string) *os.File

// dup: the host copies no descriptors, so the file and the socket share one, which the last of them closes.
func (fd *netFD) dup() (f *os.File, err error) {
	return osFile(fd.pfd.Copy(), fd.name()), nil
}

func fileListener(f *os.File) (Listener, error) {
	fd, err := fileFD(f)
	if err != nil {
		return nil, err
	}
	switch local := fd.laddr.(type) {
	case *TCPAddr:
		return &TCPListener{fd: fd}, nil
	case *UnixAddr:
		return &UnixListener{fd: fd, path: local.Name}, nil
	}
	fd.Close()
	return nil, syscall.EOPNOTSUPP
}

func fileConn(f *os.File) (Conn, error) {
	fd, err := fileFD(f)
	if err != nil {
		return nil, err
	}
	switch fd.laddr.(type) {
	case *TCPAddr:
		return &TCPConn{conn{fd}}, nil
	case *UDPAddr:
		return newUDPConn(fd), nil
	case *UnixAddr:
		return newUnixConn(fd), nil
	}
	fd.Close()
	return nil, syscall.EOPNOTSUPP
}

func filePacketConn(f *os.File) (PacketConn, error) {
	c, err := fileConn(f)
	if err != nil {
		return nil, err
	}
	if p, ok := c.(PacketConn); ok {
		return p, nil
	}
	c.Close()
	return nil, syscall.EOPNOTSUPP
}

// ---- net.Listen of an address that the host listens on already ----

const firstPreopened = 3

var preopened struct {
	sync.Mutex // an allocation may switch goroutines
	known      bool
	free       []int // sockets that listen, and that nobody has taken
}

func findPreopened() {
	if preopened.known {
		return
	}
	preopened.known = true
	for s := firstPreopened; ; s++ {
		kind, err := fd_fdstat_get_type(s)
		if err != nil {
			return
		}
		if kind == syscall.FILETYPE_SOCKET_STREAM {
			preopened.free = append(preopened.free, s)
		}
	}
}

// takenByNumber: the program has this descriptor from elsewhere (FileListener, or it is a new one).
func takenByNumber(s int) {
	preopened.Lock()
	defer preopened.Unlock()
	findPreopened()
	removePreopened(s)
}

func removePreopened(s int) {
	for k, free := range preopened.free {
		if free == s {
			preopened.free = append(preopened.free[:k:k], preopened.free[k+1:]...)
			return
		}
	}
}

// takePreopened gives the host's own listener for an address, once; nil where there is none.
func takePreopened(net string, laddr sockaddr) *netFD {
	preopened.Lock()
	defer preopened.Unlock()
	findPreopened()
	for _, s := range preopened.free {
		fd, err := socketOf(s)
		if err != nil || fd.isConnected || !sameAddress(net, fd.laddr, laddr) || syscall.SetNonblock(s, true) != nil {
			continue
		}
		if fd, err = fd.use(poll.FD{Sysfd: s}); err == nil {
			removePreopened(s)
			return fd
		}
	}
	return nil
}

func sameAddress(net string, have Addr, want sockaddr) bool {
	switch want := want.(type) {
	case *TCPAddr:
		have, ok := have.(*TCPAddr)
		if !ok || want == nil || have.Port != want.Port || want.Port == 0 {
			return false
		}
		if want.isWildcard() {
			return have.isWildcard() && (net == "tcp" || (have.IP.To4() != nil) == (net == "tcp4"))
		}
		return have.IP.Equal(want.IP)
	case *UnixAddr:
		have, ok := have.(*UnixAddr)
		return ok && want != nil && have.Name == want.Name
	}
	return false
}
