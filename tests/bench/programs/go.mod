module wasmvm.test/bench

go 1.21
