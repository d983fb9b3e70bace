module wasmvm.test/known

go 1.21
