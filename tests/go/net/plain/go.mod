module github.com/stealthrocket/net

go 1.21
