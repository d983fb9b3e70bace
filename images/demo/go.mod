module wasmvm.test/demo

go 1.21
