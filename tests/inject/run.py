#!/usr/bin/env python3
"""Lets system calls of the monitor fail, one at a time: by `strace -e inject` the Nth call of a name answers an errno
that Linux may give it, and the run goes on from there.

    tests/inject/run.py [--wasmvm build/wasmvm] [--count 150 | --all] [--seed 1] [--jobs 2] [WORD...]

WORD: only scenarios, calls or errnos with that name.  Without --all so many are drawn, by the seed.  What must
hold each time: the process ends by itself, with a status that has a meaning and by no signal that nobody sent; where
it could not do its part it says why; and where it ends with 0 the program's output is whole.  Calls before main are
the C library's.  --jail=off, as a call that strace replaces has a number that no jail has."""

import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import wasm  # noqa: E402

LIMIT = 120  # seconds: finds what hangs, on any machine
FIRST = 6    # occurrences of one call that are looked at by name; of more, these and the last
MEANT = {0, 1, 2, 124, 125, 126, 127, 134, 137}
NEW = ("EMFILE", "ENFILE", "ENOMEM")
BYTES = ("EINTR", "EAGAIN", "EIO", "ENOSPC")
ERRNOS = {
    "open openat openat2": (*NEW, "EINTR", "EIO", "EACCES"), "socket socketpair pipe2 eventfd2 memfd_create": NEW,
    "accept4": (*NEW, "EINTR", "EAGAIN"), "fcntl dup dup2 dup3": ("EMFILE", "EINTR"),
    "read pread64 preadv2 recvmsg recvfrom": ("EINTR", "EAGAIN", "EIO"),
    "write writev pwrite64 pwritev sendmsg sendto": BYTES, "mmap mprotect brk madvise mremap munmap": ("ENOMEM",),
    "clone clone3": ("EAGAIN", "ENOMEM"), "ioctl": ("EINTR", "EAGAIN", "ENOMEM", "EIO"),
    "ppoll poll": ("EINTR", "ENOMEM"), "timer_create timer_settime": ("EAGAIN", "ENOMEM"),
    "getrandom": ("EINTR", "EAGAIN"), "close": ("EINTR", "EIO"), "fsync fdatasync": ("EINTR", "EIO"),
    "fstat newfstatat fstatfs statfs lseek ftruncate getdents64 readlinkat": ("EIO", "ENOMEM", "EINTR"),
    "mkdirat unlinkat renameat symlinkat linkat utimensat": ("EIO", "ENOSPC", "EROFS", "ENOMEM"),
    "getsockopt setsockopt bind listen connect getsockname getpeername": ("ENOMEM", "EINTR", "ENOBUFS"),
    "sched_getaffinity getrusage": ("EPERM",), "prctl": ("EPERM",),
}
ERRNO_OF = {name: errnos for names, errnos in ERRNOS.items() for name in names.split()}


def signed(n):
    out = bytearray()
    while True:
        byte, n = n & 0x7F, n >> 7
        done = n == 0 and not byte & 0x40
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


def const(n):
    return b"\x41" + signed(n)


def program():
    """Makes a directory, writes a file in it, reads and stats it, lists, renames and removes, and says done."""
    i32, i64 = wasm.I32, wasm.I64
    kinds = {"path_create_directory": [i32] * 3, "path_open": [i32] * 5 + [i64] * 2 + [i32] * 2, "fd_write": [i32] * 4,
             "fd_read": [i32] * 4, "fd_seek": [i32, i64, i32, i32], "fd_close": [i32], "fd_sync": [i32],
             "fd_readdir": [i32, i32, i32, i64, i32], "path_filestat_get": [i32] * 5, "path_rename": [i32] * 6,
             "path_unlink_file": [i32] * 3, "path_remove_directory": [i32] * 3, "random_get": [i32] * 2,
             "clock_time_get": [i32, i64, i32]}
    names = list(kinds)
    types = [wasm.functype(kinds[n], [i32]) for n in names]
    imports = [("wasi_snapshot_preview1", n, b"\0" + wasm.leb(1 + i)) for i, n in enumerate(names)]
    data = {1024: b"d", 1032: b"d/f", 1040: b"d/g", 1056: b"done\n", 1072: b"contents",
            1100: (1072).to_bytes(4, "little") + (8).to_bytes(4, "little"),
            1108: (1056).to_bytes(4, "little") + (5).to_bytes(4, "little"),
            1116: (2000).to_bytes(4, "little") + (8).to_bytes(4, "little")}
    code = b""
    for at, text in data.items():
        for i, byte in enumerate(text):
            code += const(at + i) + const(byte) + b"\x3a\0\0"

    def call(name, *args):
        nonlocal code
        for kind, a in zip(kinds[name], args):
            if a == "fd":
                code += const(1200) + b"\x28\x02\0"
            else:
                code += const(a) if kind == i32 else b"\x42" + signed(a)
        code += b"\x10" + wasm.leb(names.index(name)) + b"\x1a"

    call("path_create_directory", 3, 1024, 1)
    call("path_open", 3, 1, 1032, 3, 1, 0x1FFFFFFF, 0x1FFFFFFF, 0, 1200)
    call("fd_write", "fd", 1100, 1, 1300)
    call("fd_seek", "fd", 0, 0, 1304)
    call("fd_read", "fd", 1116, 1, 1300)
    call("fd_sync", "fd")
    call("fd_close", "fd")
    call("path_filestat_get", 3, 1, 1032, 3, 1400)
    call("fd_readdir", 3, 4096, 4096, 0, 1300)
    call("path_rename", 3, 1032, 3, 3, 1040, 3)
    call("path_unlink_file", 3, 1040, 3)
    call("path_remove_directory", 3, 1024, 1)
    call("random_get", 3000, 64)
    call("clock_time_get", 0, 1, 1304)
    call("fd_write", 1, 1108, 1, 1300)
    return wasm.command(code, imports=imports, types=types)


SCENARIOS = {
    "plain": [],
    "files": ["--dir", "D::/d", "--report", "R", "--stats"],
    "tmp": ["--tmp", "--trace=T", "--max-written", "1M", "--max-created", "100"],
    "net": ["--listen", "127.0.0.1:0", "--allow-dns", "--allow-connect", "app.test:80", "--net-log", "L", "--dir",
            "D::/d:ro"],
    "time": ["--timeout", "60", "--cpu-time", "50", "--hypercall", "exit", "--dir", "D::/d"],
}


class Place:
    """What one run has: a directory of its own, whose names stand for the letters."""

    def __init__(self, module):
        self.path = tempfile.mkdtemp(prefix="inject-")
        os.mkdir(self.path + "/dir")
        os.mkdir(self.path + "/tmp")
        self.module = module

    def argv(self, wasmvm, scenario):
        names = {"R": "report", "T": "trace", "L": "log"}
        words = [wasmvm, "--jail=off"]
        for w in SCENARIOS[scenario]:
            if w.startswith("D::"):
                w = f"{self.path}/dir{w[1:]}"
            elif w in names:
                w = f"{self.path}/{names[w]}"
            elif w == "--trace=T":
                w = f"--trace={self.path}/trace"
            words.append(w)
        return [*words, "--", self.module]

    def end(self):
        shutil.rmtree(self.path, ignore_errors=True)


CALL = re.compile(r"^(\d+) +(\w+)\(")


def strace(place, argv, *options):
    log = place.path + "/strace"
    env = {**os.environ, "TMPDIR": place.path + "/tmp"}
    try:
        done = subprocess.run(["strace", "-f", "-qq", "-o", log, *options, *argv], stdin=subprocess.DEVNULL, env=env,
                              capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as e:
        return None, e.stderr or b"", b"", ""
    with open(log, errors="replace") as f:
        return done.returncode, done.stdout, done.stderr, f.read()


def cases_of(wasmvm, module, scenario):
    """(scenario, call, which of it, errno) for all calls between the beginning of main and the end."""
    place = Place(module)
    status, out, err, log = strace(place, place.argv(wasmvm, scenario))
    place.end()
    assert status == 0 and out == b"done\n", (scenario, status, out, err)
    seen, found, in_main = {}, [], False
    for line in log.splitlines():
        match = CALL.match(line)
        if not match:
            continue
        name = match[2]
        seen[name] = seen.get(name, 0) + 1
        in_main |= name == "prctl" and "PR_SET_DUMPABLE" in line
        if in_main and name in ERRNO_OF:
            found.append((name, seen[name]))
    last = {name: n for name, n in found}
    first = {}
    kept = []
    for name, n in found:
        first[name] = first.get(name, 0) + 1
        if first[name] <= FIRST or n == last[name]:
            kept += [(scenario, name, n, errno) for errno in ERRNO_OF[name]]
    return kept


def wrong(status, out, err):
    """What of it may not be; None = all is well."""
    if status is None:
        return "it does not end"
    if status < 0 or status not in MEANT:
        return f"status {status}"
    if status == 0 and out != b"done\n":
        return f"status 0 and the output {out!r}"
    if b"Assertion" in err or b"Sanitizer" in err:
        return "a fault of ours"
    if status in (125, 127) and b"wasmvm: " not in err:
        return f"status {status} without a word"
    return None


def run_case(wasmvm, module, one):
    scenario, name, n, errno = one
    place = Place(module)
    status, out, err, _ = strace(place, place.argv(wasmvm, scenario), "-e", f"inject={name}:error={errno}:when={n}")
    place.end()
    bad = wrong(status, out, err)
    # A full disk, or a stream that fails, is what the program did not hear of: it does not look at fd_write's errno.
    if bad and status == 0 and name in ("write", "writev", "ppoll", "poll") and out == b"":
        bad = None
    return bad and f"{scenario}: {name} number {n} answers {errno}: {bad}\n    {err.decode(errors='replace')[-400:]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build", "wasmvm"))
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if not shutil.which("strace") or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        must = os.environ.get("REQUIRE_KVM") == "1"
        print("skipped: this needs strace and /dev/kvm")
        print(f"0 passed, {int(must)} failed, {int(not must)} skipped")
        return int(must)
    wasmvm = os.path.abspath(given.wasmvm)
    with tempfile.TemporaryDirectory() as folder:
        module = folder + "/calls.wasm"
        with open(module, "wb") as f:
            f.write(program())
        cases = [c for s in SCENARIOS for c in cases_of(wasmvm, module, s)]
        cases = [c for c in cases if all(any(w == str(part) for part in c) for w in given.words)]
        chosen = cases if given.all else random.Random(given.seed).sample(cases, min(given.count, len(cases)))
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            failures = [bad for bad in pool.map(lambda c: run_case(wasmvm, module, c), chosen) if bad]
    for bad in failures:
        print("failed ", bad)
    print(f"{len(chosen)} of {len(cases)} faults, seed {given.seed}")
    print(f"{len(chosen) - len(failures)} passed, {len(failures)} failed, 0 skipped")
    return int(bool(failures))


sys.exit(main())
