//go:build !wasip1

package main

import "net"

var (
	dialContext = new(net.Dialer).DialContext
	listen      = net.Listen
)
