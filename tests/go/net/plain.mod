module wasmvm.test/net

go 1.21

require github.com/stealthrocket/net v0.2.1

replace github.com/stealthrocket/net => ./plain
