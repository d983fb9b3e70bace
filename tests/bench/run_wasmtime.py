"""Runs a module on wasmtime's Python package: run_wasmtime.py PACKAGE_PLACE DIR[:DIR...] MODULE ARGS..."""

import os
import sys

sys.path.insert(0, sys.argv[1])
os.environ["HOME"] = sys.argv[1] + "-home"  # where its cache lies
import wasmtime  # noqa: E402

config = wasmtime.Config()
config.cache = True
config.max_wasm_stack = 1 << 20
engine = wasmtime.Engine(config)
linker = wasmtime.Linker(engine)
linker.define_wasi()
store = wasmtime.Store(engine)
wasi = wasmtime.WasiConfig()
wasi.argv = sys.argv[3:]
wasi.env = [("PWD", os.environ.get("BENCH_PWD", "/"))]
wasi.inherit_stdin()
wasi.inherit_stdout()
wasi.inherit_stderr()
for directory in filter(None, sys.argv[2].split(":")):
    wasi.preopen_dir(directory, directory)
store.set_wasi(wasi)
instance = linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[3]))
try:
    instance.exports(store)["_start"](store)
except wasmtime.ExitTrap as end:
    sys.stdout.flush()
    os._exit(end.code)
