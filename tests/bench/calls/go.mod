module wasmvm.test/calls

go 1.21
