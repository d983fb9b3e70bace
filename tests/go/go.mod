module wasmvm.test/programs

go 1.21
