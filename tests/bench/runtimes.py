"""The runtimes that the benchmarks compare: how each is had, and how it runs a module.

Each is brought by its ordinary client at an exact version into build/cache, where it is not there already.  A runtime
that cannot be had is left out, and said so."""

import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from harness import CACHE, GO, ROOT, prepare  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
WAZERO = "github.com/tetratelabs/wazero/cmd/wazero@v1.12.0"
WASMTIME = "wasmtime==50.0.1"


def have(path, command, env=None):
    """Runs command, which makes path, unless it is there."""
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode or not os.path.exists(path):
            raise OSError(f"{' '.join(command)}: {done.stdout.decode()[-300:]}")
    return path


class Native:
    name, warm = "native", ""
    first = 1  # runs until its cache is warm

    def setup(self):
        pass

    def argv(self, program, args, grant):
        return [program.native, *args]


class Wasmvm(Native):
    name = "wasmvm"

    def setup(self):
        self.path = os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm"))
        os.stat(self.path)

    def argv(self, program, args, grant):
        pwd = ["--cwd", grant[0]] if grant else []
        return [self.path, "--cache=off", *sum((["--dir", g] for g in grant), []), *pwd, "--", program.wasm, *args]


class Warm(Wasmvm):
    """wasmvm as it is without options: the first run lists functions, the second makes the image."""
    name, warm, first = "wasmvm-warm", "warm cache", 3

    def setup(self):
        super().setup()
        self.cache = os.path.join(ROOT, "build", "bench-images")  # nobody else's: benches empty it

    def argv(self, program, args, grant):
        while time.time() - os.path.getmtime(program.wasm) < 2.1:  # a younger file gets no image
            time.sleep(0.1)
        words = super().argv(program, args, grant)
        return [words[0], f"--cache={self.cache}", *words[2:]]

    def forget(self):
        shutil.rmtree(self.cache, ignore_errors=True)


def by_wasmvm_go(wasmvm, source, path):
    """The program of this folder as `wasmvm go build` makes it, with the pinned Go."""
    goroot = subprocess.check_output([GO, "pinned", "env", "GOROOT"], text=True).strip()
    env = {k: v for k, v in os.environ.items() if not k.startswith("GO")}
    env.update(PATH=f"{goroot}/bin:{env['PATH']}", GOTOOLCHAIN="local", GOFLAGS="-buildvcs=false")
    prepare([wasmvm, "go", "build", "-trimpath", "-o", path, "."], cwd=source, env=env)
    return path


class ByGo:
    """A module of `wasmvm go build` in place of one of the plain go command."""

    def argv(self, program, args, grant):
        return super().argv(program.by_wasmvm_go(self.path), args, grant)


class ColdByGo(ByGo, Wasmvm):
    name = "wasmvm-go"


class WarmByGo(ByGo, Warm):
    name = "wasmvm-go-warm"


class Hypercall(Wasmvm):
    """wasmvm with this way of calls."""

    def __init__(self, how):
        self.name = how

    def argv(self, program, args, grant, *options):
        words = super().argv(program, args, grant)
        return [words[0], f"--hypercall={self.name}", *options, *words[1:]]


class Wazero(Native):
    name, warm = "wazero", "warm cache"

    def setup(self):
        env = dict(os.environ, GOBIN=os.path.join(CACHE, "bin"))
        self.path = have(os.path.join(CACHE, "bin", "wazero"), [GO, "pinned", "install", WAZERO], env)
        self.cache = os.path.join(CACHE, "wazero")

    def argv(self, program, args, grant):
        mounts = [f"-mount={g}:{g}" for g in grant] + ([f"-env=PWD={grant[0]}"] if grant else [])
        return [self.path, "run", f"-cachedir={self.cache}", *mounts, program.wasm, *args]

    def forget(self):
        shutil.rmtree(self.cache, ignore_errors=True)


class Node(Native):
    name = "node"

    def setup(self):
        self.path = shutil.which("node")
        if not self.path:
            raise OSError("no node here")

    def argv(self, program, args, grant):
        return [self.path, "--no-warnings", os.path.join(HERE, "run_node.mjs"), ":".join(grant), program.wasm, *args]


class Wasmtime(Native):
    name, warm = "wasmtime", "warm cache"

    def setup(self):
        place = os.path.join(CACHE, "wasmtime")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", place, WASMTIME]
        have(os.path.join(place, "wasmtime"), pip)
        self.place = place

    def argv(self, program, args, grant):
        return [sys.executable, os.path.join(HERE, "run_wasmtime.py"), self.place, ":".join(grant), program.wasm, *args]

    def forget(self):
        shutil.rmtree(os.path.join(CACHE, "wasmtime-home"), ignore_errors=True)


ALL = [Native(), Wasmvm(), Warm(), Node(), Wasmtime(), Wazero()]
BY_GO = [ColdByGo(), WarmByGo()]


def available(names=None, every=ALL):
    found = []
    for runtime in every:
        if names and runtime.name not in names and runtime.name != "native":
            continue
        try:
            runtime.setup()
            found.append(runtime)
        except OSError as why:
            print(f"{runtime.name} is left out: {why}")
    return found
