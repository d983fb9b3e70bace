// wasmvm: what Go's own files for Unix sockets need beside them on wasip1.

//go:build wasip1

package net

import (
	"context"
	"errors"
	"internal/poll"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

func sysSocket(family, sotype, proto int) (int, error) {
	s, err := socketFunc(family, sotype, proto)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err = syscall.SetNonblock(s, true); err != nil {
		poll.CloseFunc(s)
		return -1, os.NewSyscallError("setnonblock", err)
	}
	return s, nil
}

type controlFunc = func(context.Context, string, string, syscall.RawConn) error

// socket is socketOnce, Go's own, with three differences.
//
// A listener that the host has opened for this address is taken instead of a new one.  A dialer's wildcard address says
// nothing, and goes: a policy would have to allow the bind.  A listener on all addresses of IPv6 and IPv4 is one of
// IPv4 where the host has no IPv6, or where the policy allows 0.0.0.0 only.
func socket(ctx context.Context, net string, family, sotype, proto int, ipv6only bool,
	laddr, raddr sockaddr, control controlFunc) (*netFD, error) {
	if raddr == nil && sotype == syscall.SOCK_STREAM && control == nil {
		if fd := takePreopened(net, laddr); fd != nil {
			return fd, nil
		}
	}
	if raddr != nil && isAny(laddr) {
		if _, err := laddr.sockaddr(family); err == nil { // else socketOnce says what is wrong with it
			laddr = nil
		}
	}
	fd, err := socketOnce(ctx, net, family, sotype, proto, ipv6only, laddr, raddr, control)
	if err == nil {
		takenByNumber(fd.pfd.Sysfd)
	}
	if err == nil || family != syscall.AF_INET6 || ipv6only || raddr != nil || !isWildcard(laddr) {
		return fd, err
	}
	for _, refusal := range []error{syscall.EACCES, syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, refusal) {
			if fd4, err4 := socketOnce(ctx, net, syscall.AF_INET, sotype, proto, false, laddr, raddr, control); err4 == nil {
				return fd4, nil
			}
		}
	}
	return nil, err
}

func isWildcard(a sockaddr) bool {
	return a != nil && a.isWildcard() && a.family() == syscall.AF_INET
}

// isAny: any address and any port, of whatever family.
func isAny(a sockaddr) bool {
	switch a := a.(type) {
	case *TCPAddr:
		return a != nil && a.Port == 0 && a.isWildcard()
	case *UDPAddr:
		return a != nil && a.Port == 0 && a.isWildcard()
	}
	return false
}

// srcAddrs connects a datagram socket to each address on other systems, to learn which way a packet would go.  Here a
// policy refuses that aloud, so addresses are tried in the order of the answer.
func srcAddrs(addrs []IPAddr) []netip.Addr {
	return make([]netip.Addr, len(addrs))
}

func setDefaultSockopts(s, family, sotype int, ipv6only bool) error {
	if family == syscall.AF_INET6 && sotype != syscall.SOCK_RAW {
		// Other hosts have no such option.
		syscall.SetsockoptInt(s, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, boolint(ipv6only))
	}
	if sotype == syscall.SOCK_DGRAM && family != syscall.AF_UNIX {
		return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1))
	}
	return nil
}

func setDefaultListenerSockopts(s int) error {
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
}

func setDefaultMulticastSockopts(s int) error { return setDefaultListenerSockopts(s) }

func boolint(b bool) int {
	if b {
		return 1
	}
	return 0
}

func setSocketOption(fd *netFD, name, value int) error {
	err := fd.pfd.SetsockoptInt(syscall.SOL_SOCKET, name, value)
	runtime.KeepAlive(fd)
	return wrapSyscallError("setsockopt", err)
}

func setReadBuffer(fd *netFD, bytes int) error  { return setSocketOption(fd, syscall.SO_RCVBUF, bytes) }
func setWriteBuffer(fd *netFD, bytes int) error { return setSocketOption(fd, syscall.SO_SNDBUF, bytes) }
func setKeepAlive(fd *netFD, keepalive bool) error {
	return setSocketOption(fd, syscall.SO_KEEPALIVE, boolint(keepalive))
}

func setLinger(fd *netFD, sec int) error {
	l := syscall.Linger{Linger: int32(sec)}
	if sec >= 0 {
		l.Onoff = 1
	}
	err := fd.pfd.SetsockoptLinger(syscall.SOL_SOCKET, syscall.SO_LINGER, &l)
	runtime.KeepAlive(fd)
	return wrapSyscallError("setsockopt", err)
}

// ---- groups of addresses, which no rule of the policy can name ----

type multicastError struct{}

func (multicastError) Error() string { return "multicast is not supported by wasmvm" }
func (multicastError) Unwrap() error { return syscall.ENOPROTOOPT } // as of Go for wasip1

func setIPv4MulticastInterface(fd *netFD, ifi *Interface) error { return multicastError{} }
func setIPv4MulticastLoopback(fd *netFD, v bool) error          { return multicastError{} }
func joinIPv4Group(fd *netFD, ifi *Interface, ip IP) error      { return multicastError{} }
func setIPv6MulticastInterface(fd *netFD, ifi *Interface) error { return multicastError{} }
func setIPv6MulticastLoopback(fd *netFD, v bool) error          { return multicastError{} }
func joinIPv6Group(fd *netFD, ifi *Interface, ip IP) error      { return multicastError{} }
