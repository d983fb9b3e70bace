// Package wasip1 has the names of github.com/stealthrocket/net and is Go's own net: what uses that library becomes an
// ordinary program (plain.mod).
package wasip1

import (
	"context"
	"net"
)

func Dial(network, address string) (net.Conn, error) { return net.Dial(network, address) }

func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func Listen(network, address string) (net.Listener, error) { return net.Listen(network, address) }

func ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}
