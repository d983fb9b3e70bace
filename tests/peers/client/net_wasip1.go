package main

import "github.com/stealthrocket/net/wasip1"

var (
	dialContext = wasip1.DialContext
	listen      = wasip1.Listen
)
