#!/usr/bin/env python3
"""Runs the guest of tests/hostile/fuzz/ over and over, each time with another seed and other options, against a monitor
with real grants: directories (rw, ro), listeners, connections to this process, a plug-in, a log, a report.

    tests/hostile/fuzz.py [--wasmvm build/san/wasmvm] [--seconds 60] [--seed 1] [--calls 3000]

What must hold in every run: the monitor ends by itself, in time, with a status that has a meaning and by no signal; no
sanitizer speaks; nothing outside the grants is read, changed or removed, nothing in what is read-only; nothing that a
terminal would obey comes out; the report is JSON."""

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
LIMIT = 4  # seconds, --timeout
GRACE = 300  # ... and how much later a sanitized monitor on a busy machine may end
SIGNALS = {-13}  # of a closed stdout; nothing else sends any
CFLAGS = """-std=c11 -O2 -g -Wall -Wextra -Werror -I. -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector
    -fcf-protection=none -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks -fno-strict-aliasing -nostdlib
    -static -Wl,-T,guest/link.ld -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack""".split()
KIT = ["guest/start.S", "guest/entry.S", "guest/note.c", "tests/hostile/kit.S", "tests/hostile/kit.c"]
SECRET = "a secret of the host that no guest may see"
OPTIONS = (  # one of each line
    (["--hypercall", "exit"], ["--hypercall", "poll"], ["--hypercall", "auto"]),
    ([], [], ["--trace=%(tmp)s/trace"]),
    ([], ["--net-bytes", "100K"]),
    ([], [], ["--invoke", "f"]),
    ([], ["--stats"]),
    ([], ["--net-log", "%(tmp)s/log"]),
    ([], ["--max-sockets", "5"]),
    (["--allow-dns=any", "--dns-server", "127.0.0.1:9"], ["--allow-dns"], []),
    (["--allow-unix"], []),
    (["--plugin", "%(plugin)s"], ["--plugin", "%(plugin)s"], []),
)


class Echo:
    """A server that sends back what comes, and ends when it likes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        connection.settimeout(5)
        try:
            for _ in range(random.randrange(20)):
                data = connection.recv(3000)
                if not data:
                    break
                connection.sendall(data * random.randrange(3))
        except OSError:
            pass
        connection.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def build(out):
    guest, plugin = os.path.join(out, "fuzz.elf"), os.path.join(out, "fuzz.so")
    cc = os.environ.get("CC", "gcc")
    subprocess.run([cc, *CFLAGS, "-o", guest, *KIT, "tests/hostile/fuzz/guest.c"], cwd=ROOT, check=True)
    subprocess.run([cc, "-std=c11", "-O2", "-I.", "-shared", "-fPIC", "-o", plugin, "tests/hostile/fuzz/plugin.c"],
                   cwd=ROOT, check=True)
    return guest, plugin


def arena(tmp):
    for name in "rw/c/d", "rw/e", "ro/c/d", "out":
        os.makedirs(os.path.join(tmp, name))
    for where in "rw", "ro":
        for name in "a", "b", "c/d/e", "long-name-of-a-file-that-is-there":
            with open(os.path.join(tmp, where, name), "w") as f:
                f.write("of the guest " * 50)
        os.symlink("../out/secret", os.path.join(tmp, where, "link"))
        os.symlink("a", os.path.join(tmp, where, "l2"))
        os.symlink(os.path.join(tmp, "out"), os.path.join(tmp, where, "out"))
        os.mkfifo(os.path.join(tmp, where, "fifo"))
    for name in "secret", "out/secret":
        with open(os.path.join(tmp, name), "w") as f:
            f.write(SECRET)
    with open(os.path.join(tmp, "empty.wasm"), "w") as f:
        f.write("x")


def look(top):
    """All that lies below, but for times of reading."""
    found = {}
    for base, dirs, names in os.walk(top):
        for name in [".", *dirs, *names]:
            path = os.path.join(base, name)
            info = os.lstat(path)
            data = open(path, "rb").read() if os.path.isfile(path) and not os.path.islink(path) else None
            found[path] = info.st_mode, info.st_size, info.st_mtime_ns, info.st_nlink, info.st_ino, data
    return found


def watched(tmp):
    return look(os.path.join(tmp, "ro")), look(os.path.join(tmp, "out")), open(os.path.join(tmp, "secret")).read()


def secret_in(top):
    """A file below that holds the secret, or None."""
    for base, _, names in os.walk(top):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 1 << 26:
                with open(path, "rb") as f:
                    if SECRET.encode() in f.read(1 << 20):
                        return path
    return None


def judge(seed, status, took, out, err, tmp, before):
    """What did not hold; None = all is well."""
    if status < 0 and status not in SIGNALS:
        return f"status {status}"
    if b"Sanitizer" in err or b"runtime error" in err or b"Assertion" in err:
        return "a sanitizer speaks"
    if took > LIMIT + GRACE:
        return f"it took {took:.1f} s"
    if watched(tmp) != before:
        return "something outside of the grants, or in a read-only one, is changed"
    if SECRET.encode() in out or secret_in(os.path.join(tmp, "rw")):
        return "a secret is out"
    if seed % 4 >= 2 and re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", err):  # else the guest may write there itself
        return "a control character on stderr"
    report = os.path.join(tmp, "report")
    with open(report, "rb") as f:
        text = f.read()
    try:
        json.loads(text)
    except ValueError as error:
        return f"the report is no JSON: {error}"
    log = os.path.join(tmp, "log")
    if os.path.exists(log):
        for line in open(log, "rb"):
            try:
                json.loads(line)
            except ValueError:
                return f"a record of the log is no JSON: {line[:200]}"
    return None


def ending(tmp):
    with open(os.path.join(tmp, "report"), "rb") as f:
        report = json.loads(f.read())
    return re.sub(r"[0-9]+|'.*", "N", f"{report['reason']} {report.get('message', '')}".split(chr(10))[0])[:60]


def run(args, seed, guest, plugin, echo):
    rng = random.Random(seed)
    tmp = tempfile.mkdtemp(prefix="wasmvm-fuzz-", dir=args.arena)
    arena(tmp)
    before = watched(tmp)
    port = free_port()
    names = {"tmp": tmp, "plugin": plugin}
    options = [word % names for line in OPTIONS for word in rng.choice(line)]
    command = [args.wasmvm, "--timeout", str(LIMIT), "--memory", "64M", "--report", tmp + "/report", *options,
               "--dir", tmp + "/rw::/rw", "--dir", tmp + "/ro::/ro:ro", "--listen", f"127.0.0.1:{port}",
               "--allow-connect", f"127.0.0.1:{port}", "--allow-connect", f"127.0.0.1:{echo.port}", "--allow-connect",
               f"udp:127.0.0.1:{port}", "--allow-listen", "127.0.0.1:0-65535", "--allow-listen", "udp::0-65535",
               "--guest-image", guest, "--", tmp + "/empty.wasm", str(seed), str(args.calls), str(port), str(echo.port)]
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1", UBSAN_OPTIONS="print_stacktrace=1")
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env, cwd=ROOT)
    try:
        out, err = process.communicate(timeout=LIMIT + 2 * GRACE)
    except subprocess.TimeoutExpired:
        print(f"seed {seed}: hangs, process {process.pid} left for a look: {' '.join(command)}")
        sys.exit(1)
    why = judge(seed, process.returncode, time.monotonic() - began, out, err, tmp, before)
    if why:
        print(f"seed {seed}: {why}\n  {' '.join(command)}\n  {err[-3000:].decode(errors='replace')}\n  kept: {tmp}")
        return why, "failed"
    end = ending(tmp)
    shutil.rmtree(tmp)
    return None, end


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build/san/wasmvm"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--arena", help="where the granted directories are made")
    args = parser.parse_args()
    if not os.access("/dev/kvm", os.W_OK) and not os.environ.get("REQUIRE_KVM"):
        print("SKIPPED: random calls: /dev/kvm cannot be used here (REQUIRE_KVM=1 makes this a failure)")
        print("0 passed, 0 failed, 1 skipped")
        return
    args.wasmvm = os.path.abspath(args.wasmvm)
    work = tempfile.mkdtemp(prefix="wasmvm-fuzz-build-")
    guest, plugin = build(work)
    echo = Echo()
    until, seed, failed, ends = time.monotonic() + args.seconds, args.seed, 0, {}
    while time.monotonic() < until and failed < 10:
        why, end = run(args, seed, guest, plugin, echo)
        failed += why is not None
        ends[end] = ends.get(end, 0) + 1
        seed += 1
    shutil.rmtree(work)
    for end, n in sorted(ends.items(), key=lambda item: -item[1])[:20]:
        print(f"{n:6} {ascii(end)}")
    print(f"{seed - args.seed - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
