module wasmvm.test/hosts

go 1.24
