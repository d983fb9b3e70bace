// wasmvm: sockets of the host for GOOS=wasip1.  The calls are WasmEdge's extension of WASI preview 1, in the form that
// github.com/stealthrocket/net uses; docs/networking.md of wasmvm names the options that wasmvm adds to it.

//go:build wasip1

package syscall

import "unsafe"

// How shutdown is told.
const (
	SHUT_RD   = 0x1
	SHUT_WR   = 0x2
	SHUT_RDWR = SHUT_RD | SHUT_WR
)

// Levels and names of options are Go's to choose: hostOption has the host's.
const (
	SOL_SOCKET = 0xffff

	SO_REUSEADDR = 0
	SO_TYPE      = 1
	SO_BROADCAST = 4
	SO_SNDBUF    = 5
	SO_RCVBUF    = 6
	SO_KEEPALIVE = 7
	SO_LINGER    = 9

	TCP_NODELAY   = 15
	TCP_KEEPIDLE  = 16
	TCP_KEEPINTVL = 17
	TCP_KEEPCNT   = 18

	MSG_PEEK  = 1
	MSG_TRUNC = 1
)

type Linger struct {
	Onoff  int32
	Linger int32
}

type sdflags = uint32

//go:wasmimport wasi_snapshot_preview1 sock_open
//go:noescape
func sock_open(family, kind int32, fd unsafe.Pointer) Errno

//go:wasmimport wasi_snapshot_preview1 sock_bind
//go:noescape
func sock_bind(fd int32, addr unsafe.Pointer, port uint32) Errno

//go:wasmimport wasi_snapshot_preview1 sock_listen
//go:noescape
func sock_listen(fd, backlog int32) Errno

//go:wasmimport wasi_snapshot_preview1 sock_accept
//go:noescape
func sock_accept(fd int32, flags uint32, conn unsafe.Pointer) Errno

//go:wasmimport wasi_snapshot_preview1 sock_connect
//go:noescape
func sock_connect(fd int32, addr unsafe.Pointer, port uint32) Errno

//go:wasmimport wasi_snapshot_preview1 sock_recv_from
//go:noescape
func sock_recv_from(fd int32, iovs unsafe.Pointer, niovs int32, addr unsafe.Pointer, flags int32,
	port, n, outflags unsafe.Pointer) Errno

//go:wasmimport wasi_snapshot_preview1 sock_send_to
//go:noescape
func sock_send_to(fd int32, iovs unsafe.Pointer, niovs int32, addr unsafe.Pointer, port, flags int32,
	n unsafe.Pointer) Errno

//go:wasmimport wasi_snapshot_preview1 sock_shutdown
//go:noescape
func sock_shutdown(fd int32, flags sdflags) Errno

//go:wasmimport wasi_snapshot_preview1 sock_getsockopt
//go:noescape
func sock_getsockopt(fd, level, name int32, value unsafe.Pointer, size int32) Errno

//go:wasmimport wasi_snapshot_preview1 sock_setsockopt
//go:noescape
func sock_setsockopt(fd, level, name int32, value unsafe.Pointer, size int32) Errno

//go:wasmimport wasi_snapshot_preview1 sock_getlocaladdr
//go:noescape
func sock_getlocaladdr(fd int32, addr, port unsafe.Pointer) Errno

//go:wasmimport wasi_snapshot_preview1 sock_getpeeraddr
//go:noescape
func sock_getpeeraddr(fd int32, addr, port unsafe.Pointer) Errno

// ---- what a call points to ----
//
// A call's arguments in memory lie in a message, which is on the heap and so never moves.  Whoever makes a call has the
// message alone: another goroutine may run wherever this one allocates, as it may have to help the garbage collector
// first, and wherever it calls a function (runtime's wasmvmMarkTurn).

const (
	hostInet4 = 1
	hostInet6 = 2
	hostUnix  = 3

	hostDatagram = 1
	hostStream   = 2
)

type message struct {
	addr   struct{ at, len uint32 } // -> room
	iov    struct{ at, len uint32 } // -> buffer
	fd     uint32
	n      uint32
	port   uint32
	flag   uint32
	opt    [4]int32
	room   [128]byte      // family in two bytes, then the address
	buffer unsafe.Pointer // the caller's, which escapes so: it is not on a stack that moves
	next   *message
}

var freeMessages *message

func takeMessage() *message {
	m := freeMessages
	if m == nil {
		return new(message)
	}
	freeMessages = m.next
	return m
}

func (m *message) give() {
	m.buffer = nil
	m.next = freeMessages
	freeMessages = m
}

func (m *message) putIov(p []byte) unsafe.Pointer {
	m.buffer = unsafe.Pointer(unsafe.SliceData(p))
	m.iov.at, m.iov.len = uint32(uintptr(m.buffer)), uint32(len(p))
	return unsafe.Pointer(&m.iov)
}

// emptyAddr is where a call leaves an address.
func (m *message) emptyAddr() unsafe.Pointer {
	m.room, m.port = [128]byte{}, 0
	m.addr.at, m.addr.len = uint32(uintptr(unsafe.Pointer(&m.room))), uint32(len(m.room))
	return unsafe.Pointer(&m.addr)
}

func (m *message) family() int { return int(m.room[0]) | int(m.room[1])<<8 }

func (m *message) putAddr(family byte, addr []byte) {
	m.emptyAddr()
	m.room[0] = family
	copy(m.room[2:], addr)
}

// putSockaddr puts an address where the call finds it.
func (m *message) putSockaddr(sa Sockaddr) (port int, err error) {
	switch sa := sa.(type) {
	case *SockaddrInet4:
		m.putAddr(hostInet4, sa.Addr[:])
		port = sa.Port
	case *SockaddrInet6:
		if sa.ZoneId != 0 {
			return 0, ENOTSUP
		}
		m.putAddr(hostInet6, sa.Addr[:])
		port = sa.Port
	case *SockaddrUnix:
		name, err := hostPath(sa.Name)
		if err != nil {
			return 0, err
		}
		if len(name) > len(m.room)-3 {
			return 0, ENAMETOOLONG
		}
		m.putAddr(hostUnix, []byte(name))
	default:
		return 0, EAFNOSUPPORT
	}
	if port < 0 || port > 0xffff {
		return 0, EINVAL
	}
	return port, nil
}

// hostPath: the host knows the working directory of the start only.  A name with @ is in no directory, natively.
func hostPath(name string) (string, error) {
	switch {
	case name != "" && name[0] == '@':
		return "", ENOTSUP
	case name == "" || name[0] == '/' || cwd == startCwd:
		return name, nil
	}
	return joinPath(cwd, name), nil
}

// sockaddr is the address that a call left; nil where it left none.
func (m *message) sockaddr() Sockaddr {
	switch m.family() {
	case hostInet4:
		sa := &SockaddrInet4{Port: int(m.port)}
		copy(sa.Addr[:], m.room[2:])
		return sa
	case hostInet6:
		sa := &SockaddrInet6{Port: int(m.port)}
		copy(sa.Addr[:], m.room[2:])
		return sa
	case hostUnix:
		name := m.room[2:]
		for n, c := range name {
			if c == 0 {
				return &SockaddrUnix{Name: string(name[:n])}
			}
		}
	}
	return nil
}

func result(errno Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// ---- turns: what may never have to wait lets others run ----

func wasmvmYield() // in package runtime

func Read(fd int, b []byte) (int, error) {
	wasmvmYield()
	return readOnce(fd, b)
}

func Write(fd int, b []byte) (int, error) {
	wasmvmYield()
	return writeOnce(fd, b)
}

// ---- sockets ----

func Socket(family, sotype, proto int) (fd int, err error) {
	families := map[int]int32{AF_INET: hostInet4, AF_INET6: hostInet6, AF_UNIX: hostUnix}
	f, ok := families[family]
	if !ok {
		return -1, EAFNOSUPPORT
	}
	kind := int32(hostStream)
	switch sotype {
	case SOCK_STREAM:
	case SOCK_DGRAM:
		kind = hostDatagram
	default:
		return -1, EPROTONOSUPPORT
	}
	m := takeMessage()
	defer m.give()
	if errno := sock_open(f, kind, unsafe.Pointer(&m.fd)); errno != 0 {
		return -1, errno
	}
	return int(int32(m.fd)), nil
}

func Bind(fd int, sa Sockaddr) error {
	m := takeMessage()
	defer m.give()
	port, err := m.putSockaddr(sa)
	if err != nil {
		return err
	}
	return result(sock_bind(int32(fd), unsafe.Pointer(&m.addr), uint32(port)))
}

func Connect(fd int, sa Sockaddr) error {
	m := takeMessage()
	defer m.give()
	port, err := m.putSockaddr(sa)
	if err != nil {
		return err
	}
	return result(sock_connect(int32(fd), unsafe.Pointer(&m.addr), uint32(port)))
}

func Listen(fd int, backlog int) error {
	return result(sock_listen(int32(fd), int32(backlog)))
}

func Accept(fd int) (int, Sockaddr, error) {
	wasmvmYield()
	m := takeMessage()
	errno := sock_accept(int32(fd), 0, unsafe.Pointer(&m.fd))
	conn := int(int32(m.fd))
	m.give()
	if errno != 0 {
		return -1, nil, errno
	}
	sa, err := Getpeername(conn)
	if err != nil { // the peer is gone already; callers want an address of the right kind
		sa, _ = Getsockname(conn)
		switch sa.(type) {
		case *SockaddrInet4:
			sa = &SockaddrInet4{}
		case *SockaddrInet6:
			sa = &SockaddrInet6{}
		case *SockaddrUnix:
			sa = &SockaddrUnix{Name: "@"}
		}
	}
	return conn, sa, nil
}

// endOf is the address of a socket's end: Linux's Go says @ of a unix socket without a name.
func (m *message) endOf() Sockaddr {
	sa := m.sockaddr()
	if sa, ok := sa.(*SockaddrUnix); ok && sa.Name == "" {
		sa.Name = "@"
	}
	return sa
}

func Getsockname(fd int) (Sockaddr, error) {
	m := takeMessage()
	defer m.give()
	if errno := sock_getlocaladdr(int32(fd), m.emptyAddr(), unsafe.Pointer(&m.port)); errno != 0 {
		return nil, errno
	}
	return m.endOf(), nil
}

func Getpeername(fd int) (Sockaddr, error) {
	m := takeMessage()
	defer m.give()
	if errno := sock_getpeeraddr(int32(fd), m.emptyAddr(), unsafe.Pointer(&m.port)); errno != 0 {
		return nil, errno
	}
	return m.endOf(), nil
}

func Shutdown(fd int, how int) error {
	return result(sock_shutdown(int32(fd), sdflags(how)))
}

// ---- datagrams ----

func (m *message) receive(fd int, p []byte, flags int) (n, outflags int, err error) {
	wasmvmYield()
	errno := sock_recv_from(int32(fd), m.putIov(p), 1, m.emptyAddr(), int32(flags), unsafe.Pointer(&m.port),
		unsafe.Pointer(&m.n), unsafe.Pointer(&m.flag))
	if errno != 0 {
		return -1, 0, errno
	}
	return int(m.n), int(m.flag & 0xffff), nil
}

// send: the address is in the message already.
func (m *message) send(fd int, p []byte, port int) (n int, err error) {
	errno := sock_send_to(int32(fd), m.putIov(p), 1, unsafe.Pointer(&m.addr), int32(port), 0, unsafe.Pointer(&m.n))
	if errno != 0 {
		return 0, errno
	}
	return int(m.n), nil
}

func Recvfrom(fd int, p []byte, flags int) (n int, from Sockaddr, err error) {
	n, _, _, from, err = Recvmsg(fd, p, nil, flags)
	return n, from, err
}

func Recvmsg(fd int, p, oob []byte, flags int) (n, oobn, recvflags int, from Sockaddr, err error) {
	m := takeMessage()
	defer m.give()
	if n, recvflags, err = m.receive(fd, p, flags); err == nil {
		from = m.sockaddr()
	}
	return n, 0, recvflags, from, err
}

func Sendto(fd int, p []byte, flags int, to Sockaddr) error {
	_, err := SendmsgN(fd, p, nil, to, flags)
	return err
}

func SendmsgN(fd int, p, oob []byte, to Sockaddr, flags int) (n int, err error) {
	if len(oob) != 0 || flags != 0 {
		return 0, ENOTSUP
	}
	if to == nil {
		return Write(fd, p)
	}
	wasmvmYield()
	m := takeMessage()
	defer m.give()
	port, err := m.putSockaddr(to)
	if err != nil {
		return 0, err
	}
	return m.send(fd, p, port)
}

// The next four are internal/syscall/unix's: an address of one family, without an allocation.

//go:linkname wasmvmReceive4
func wasmvmReceive4(fd int, p []byte, flags int, from *SockaddrInet4) (n, outflags int, err error) {
	m := takeMessage()
	n, outflags, err = m.receive(fd, p, flags)
	if err == nil && m.family() == hostInet4 {
		from.Port = int(m.port)
		copy(from.Addr[:], m.room[2:])
	}
	m.give()
	return n, outflags, err
}

//go:linkname wasmvmReceive6
func wasmvmReceive6(fd int, p []byte, flags int, from *SockaddrInet6) (n, outflags int, err error) {
	m := takeMessage()
	n, outflags, err = m.receive(fd, p, flags)
	if err == nil && m.family() == hostInet6 {
		from.Port, from.ZoneId = int(m.port), 0
		copy(from.Addr[:], m.room[2:])
	}
	m.give()
	return n, outflags, err
}

//go:linkname wasmvmSend4
func wasmvmSend4(fd int, p []byte, to *SockaddrInet4) (n int, err error) {
	wasmvmYield()
	m := takeMessage()
	m.putAddr(hostInet4, to.Addr[:])
	n, err = m.send(fd, p, to.Port)
	m.give()
	return n, err
}

//go:linkname wasmvmSend6
func wasmvmSend6(fd int, p []byte, to *SockaddrInet6) (n int, err error) {
	if to.ZoneId != 0 {
		return 0, ENOTSUP
	}
	wasmvmYield()
	m := takeMessage()
	m.putAddr(hostInet6, to.Addr[:])
	n, err = m.send(fd, p, to.Port)
	m.give()
	return n, err
}

// ---- options ----

const hostError = 2 // SO_ERROR; Go 1.21 has another number for it

var goTypes = [...]int{hostDatagram: SOCK_DGRAM, hostStream: SOCK_STREAM}

// hostOption: the host's level and name for Go's; -1: it has none.
func hostOption(level, name int) (hostLevel, hostName int32) {
	switch {
	case level == SOL_SOCKET && name == SO_ERROR:
		return 0, hostError
	case level == SOL_SOCKET:
		return 0, int32(name)
	case level == IPPROTO_TCP:
		return IPPROTO_TCP, int32(name)
	case level == IPPROTO_IPV6 && name == IPV6_V6ONLY:
		return IPPROTO_IPV6, 26
	}
	return -1, -1
}

func GetsockoptInt(fd, level, name int) (value int, err error) {
	l, n := hostOption(level, name)
	if l < 0 {
		return 0, ENOPROTOOPT
	}
	m := takeMessage()
	defer m.give()
	if errno := sock_getsockopt(int32(fd), l, n, unsafe.Pointer(&m.opt), 4); errno != 0 {
		return 0, errno
	}
	value = int(m.opt[0])
	if l == 0 && n == SO_TYPE && value >= 0 && value < len(goTypes) {
		value = goTypes[value]
	}
	return value, nil
}

func SetsockoptInt(fd, level, name int, value int) error {
	l, n := hostOption(level, name)
	if l < 0 {
		return ENOPROTOOPT
	}
	m := takeMessage()
	m.opt[0] = int32(value)
	errno := sock_setsockopt(int32(fd), l, n, unsafe.Pointer(&m.opt), 4)
	m.give()
	if errno == EINVAL && l == IPPROTO_TCP && n > TCP_NODELAY { // a host without these times keeps its own
		return nil
	}
	return result(errno)
}

func SetsockoptLinger(fd, level, name int, l *Linger) error {
	m := takeMessage()
	m.opt[0], m.opt[1] = l.Onoff, l.Linger
	errno := sock_setsockopt(int32(fd), 0, SO_LINGER, unsafe.Pointer(&m.opt), 8)
	m.give()
	return result(errno)
}

func SetsockoptInet4Addr(fd, level, name int, value [4]byte) error { return ENOPROTOOPT }

// ---- what other systems have ----

func StopIO(fd int) error { return ENOSYS }

func SetReadDeadline(fd int, t int64) error { return ENOSYS }

func SetWriteDeadline(fd int, t int64) error { return ENOSYS }

// ---- what wasmvm has beyond WASI: files that no directory holds ----

//go:wasmimport wasi_snapshot_preview1 path_open
//go:noescape
func wasmvm_path_open(dir int32, dirflags uint32, path unsafe.Pointer, pathLen uint32, oflags uint32,
	rights, inheriting uint64, fdflags uint32, fd unsafe.Pointer) Errno

// wasmvmOpen: a file may be two descriptors.
func wasmvmOpen(file string) (fds [2]int, err error) {
	var got [2]uint32
	name := []byte(file)
	const readWrite = 1<<1 | 1<<6 // RIGHT_FD_READ, RIGHT_FD_WRITE
	errno := wasmvm_path_open(-1, 0, unsafe.Pointer(&name[0]), uint32(len(name)), 0, readWrite, 0, 0,
		unsafe.Pointer(&got))
	if errno != 0 {
		return [2]int{-1, -1}, errno
	}
	return [2]int{int(int32(got[0])), int(int32(got[1]))}, nil
}

// wasmvmOpenSignals is for os/signal.
//
//go:linkname wasmvmOpenSignals
func wasmvmOpenSignals() (fd int, err error) {
	fds, err := wasmvmOpen("/dev/wasmvm/signals")
	return fds[0], err
}

// Pipe's ends are nonblocking: a read that waited would hold up the goroutine that is to write.
func Pipe(fd []int) error {
	if len(fd) != 2 {
		return EINVAL
	}
	fds, err := wasmvmOpen("/dev/wasmvm/pipe")
	if err != nil {
		if err != EMFILE && err != ENFILE {
			err = ENOSYS // another host: it knows of no such file
		}
		return err
	}
	fd[0], fd[1] = fds[0], fds[1]
	return nil
}

var startCwd string

// A read of standard input that has to wait holds up its own goroutine, not all: os polls what it finds nonblocking.
func init() {
	SetNonblock(Stdin, true)
	startCwd = cwd // fs_wasip1.go has set it
}
