module wasmvm.test/serve

go 1.21
