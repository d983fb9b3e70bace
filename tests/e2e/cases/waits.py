"""Every run ends: whatever the program waits for, by each way of calls, and by each thing that stops it."""

import concurrent.futures
import ctypes
import os
import pty
import signal
import stat
import struct
import subprocess
import threading
import time

from harness import HANG_SECONDS, Skip, case, expect
from wasm import I32, I64, FUNC, MEMORY, body, functype, leb, module

STOPS = ("timeout", "cpu-time", "TERM", "INT", "HUP", "QUIT")
WAYS = ("exit", "poll")


# ---- programs of a few instructions ----

def const(n, op=0x41):
    out = bytearray([op])
    while True:
        byte, n = n & 0x7F, n >> 7
        done = (n == 0 and not byte & 0x40) or (n == -1 and byte & 0x40)
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


def long(n):
    return const(n, 0x42)


CALLS = {"fd_read": (I32,) * 4, "fd_write": (I32,) * 4, "fd_fdstat_set_flags": (I32,) * 2, "fd_sync": (I32,),
         "fd_allocate": (I32, I64, I64), "fd_filestat_set_size": (I32, I64),
         "path_open": (I32, I32, I32, I32, I32, I64, I64, I32, I32)}


def call(name, *args):
    return b"".join(args) + b"\x10" + leb(list(CALLS).index(name)) + b"\x1a"


def store(at, value):
    return const(at) + const(value) + b"\x36\x02\0"


def loop(code):
    return b"\x03\x40" + code + b"\x0c\0\x0b"


def program(code):
    types = [functype(params, (I32,)) for params in CALLS.values()] + [functype()]
    imports = [("wasi_snapshot_preview1", n, b"\0" + leb(i)) for i, n in enumerate(CALLS)]
    return module(types, imports, [len(CALLS)], 2, [("_start", FUNC, len(CALLS)), ("memory", MEMORY, 0)],
                  [body(store(0, 1024) + store(4, 65536) + code)])


def transfer(name, fd, nonblocking):
    """Reads or writes for ever; without waiting where CPU time is to be used up."""
    flags = call("fd_fdstat_set_flags", const(fd), const(4)) if nonblocking else b""
    return program(flags + loop(call(name, const(fd), const(0), const(1), const(8))))


def storage(_):
    """Asks a file of a granted directory for a lot, gives it back, and again."""
    opened = call("path_open", const(3), const(0), const(16), const(1), const(1), long(0x400140), long(0), const(0),
                  const(512))
    fd = const(512) + b"\x28\x02\0"
    return program(store(16, ord("f")) + opened + loop(
        call("fd_allocate", fd, long(0), long(64 << 30)) + call("fd_sync", fd) +
        call("fd_filestat_set_size", fd, long(0))))


# ---- what it waits for: made for each run; (arguments of Popen, options, what is closed then) ----

def pipe():
    r, w = os.pipe()
    return {"stdin": r}, (), [r, w]


def full_pipe():
    r, w = os.pipe()
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(w, True)
    return {"stdout": w, "stderr": w}, (), [r, w]


def stalled_terminal():
    m, s = pty.openpty()
    os.set_blocking(s, False)
    try:
        while True:
            os.write(s, b"x" * 256)
    except BlockingIOError:
        os.set_blocking(s, True)
    return {"stdout": s, "stderr": s}, (), [m, s]


def eventfd():
    e = os.eventfd(0)
    return {"stdin": e}, (), [e]


def run_one(t, made, code, way, stop):
    popen, options, close = made()
    limits = {"timeout": ["--timeout", "300ms"], "cpu-time": ["--cpu-time", "200ms", "--timeout", "3s"]}
    path = t.path(f"{threading.get_ident()}-{time.monotonic_ns()}.wasm")
    with open(path, "wb") as f:
        f.write(code(stop == "cpu-time"))
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **popen}
    child = subprocess.Popen([t.wasmvm, "--hypercall", way, *limits.get(stop, ()), *options, path], **streams)
    try:
        if stop not in limits:
            time.sleep(0.3)
            child.send_signal(getattr(signal, "SIG" + stop))
        status = child.wait(HANG_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return f"--hypercall {way}, {stop}: it does not end"
    finally:
        for fd in close:
            os.close(fd)
    want = 124 if stop in limits else -getattr(signal, "SIG" + stop)
    return None if status == want else f"--hypercall {way}, {stop}: status {status}, not {want}"


def every_end(t, made, code):
    cells = [(way, stop) for way in WAYS for stop in STOPS]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        bad = [b for b in pool.map(lambda cell: run_one(t, made, code, *cell), cells) if b]
    assert not bad, "\n".join(bad)


def reading(nonblocking):
    return transfer("fd_read", 0, nonblocking)


def writing(nonblocking):
    return transfer("fd_write", 1, nonblocking)


@case
def an_empty_pipe(t):
    every_end(t, pipe, reading)


@case
def a_full_pipe(t):
    every_end(t, full_pipe, writing)


@case
def a_stalled_terminal(t):
    every_end(t, stalled_terminal, writing)


@case
def a_stalled_terminal_and_a_trace(t):
    def made():
        popen, _, close = stalled_terminal()
        return popen, ("--trace", "--stats"), close

    every_end(t, made, writing)


@case
def an_eventfd(t):
    every_end(t, eventfd, reading)


@case
def a_fifo(t):
    fifo = t.path("fifo")
    os.mkfifo(fifo)

    def made():
        fd = os.open(fifo, os.O_RDWR)
        return {"stdin": fd}, (), [fd]

    every_end(t, made, reading)


@case
def storage_of_tmpfs(t):
    where = "/dev/shm"
    if not os.path.ismount(where):
        raise Skip("no tmpfs in /dev/shm")
    files = []

    def made():
        files.append(os.path.join(where, f"wasmvm-test-{os.getpid()}-{time.monotonic_ns()}"))
        os.mkdir(files[-1])
        return {}, ("--dir", files[-1] + "::/w"), []

    try:
        every_end(t, made, storage)
    finally:
        for d in files:
            subprocess.run(["rm", "-rf", d], check=True)


# ---- a network file system whose server is gone: FUSE, and nobody answers a read ----

class Silent:
    """A file system with one file, /f.  It answers until the file is open, then reads no request any more."""
    DIR, FILE = (stat.S_IFDIR | 0o755), (stat.S_IFREG | 0o644)

    def __init__(self, where):
        self.where, self.dev = where, os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.dev},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"silent", where.encode(), b"fuse.silent", 0, options) != 0:
            os.close(self.dev)
            raise Skip(f"no FUSE can be mounted here: {os.strerror(ctypes.get_errno())}")
        self.libc, self.file = libc, None
        server = threading.Thread(target=self.serve)
        server.start()
        self.file = os.open(os.path.join(where, "f"), os.O_RDONLY)
        server.join()

    def attr(self, node):
        mode = self.DIR if node == 1 else self.FILE
        return struct.pack("<6Q10I", node, 0 if node == 1 else 1 << 20, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def serve(self):
        while True:
            request = os.read(self.dev, 1 << 20)
            _, op, unique, node = struct.unpack("<IIQQ", request[:24])
            answer, error = b"", 0
            if op == 26:  # INIT
                answer = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 16, 12, 65536, 1, 0, 0, 0, *[0] * 7)
            elif op == 1:  # LOOKUP
                answer = struct.pack("<QQQQII", 2, 0, 1000, 1000, 0, 0) + self.attr(2)
            elif op == 3:  # GETATTR
                answer = struct.pack("<QII", 1000, 0, 0) + self.attr(node)
            elif op == 14:  # OPEN: direct, and no flush at a close, which no signal would end
                answer = struct.pack("<QII", 1, 1 | 32, 0)
            else:
                error = -38  # ENOSYS
            os.write(self.dev, struct.pack("<IiQ", 16 + len(answer), error, unique) + answer)
            if op == 14:
                return

    def close(self):
        os.close(self.dev)  # whoever waits gets an error
        if self.file is not None:
            os.close(self.file)
        self.libc.umount2(self.where.encode(), 2)


@case
def a_file_system_that_does_not_answer(t):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        raise Skip("FUSE needs root and /dev/fuse")
    silent = Silent(t.mkdir("silent"))
    try:
        every_end(t, lambda: ({"stdin": silent.file}, (), []), reading)
    finally:
        silent.close()


@case
def a_file_that_ends_at_once_ends_nothing_else(t):
    """The other side: what does not keep it waiting is read to its end, and the watchdog says nothing."""
    expect(t.program("hello", options=("--timeout", "1m", "--cpu-time", "1m")), 0, out="Hello, world!\n", err="")
