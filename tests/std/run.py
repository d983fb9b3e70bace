#!/usr/bin/env python3
"""Go's own standard library tests, each package in a virtual machine of its own, against tests/std/expected.txt.

    run.py [--wasmvm FILE] [--ci | --all] [--go VERSION]... [--jobs N] [--update] [--bare] [--runtime wazero]
           [PACKAGE...]

A package's tests are built by `go test -c` with the exact Go version and run as `go test -short` would: in the
package's own folder, with the whole file tree, in a fixed environment, with plain files in place of procfs (--bare:
without them).  Counted are top-level tests, examples and fuzz targets as pass/fail/skip.  Any difference from the table
is a failure.  Without PACKAGE: the rows marked core or ci; --ci: the rows marked ci, with the newest Go, one at a time;
--all: every row.  --update writes what was seen into the table; --runtime runs the same binaries elsewhere, to compare,
and judges nothing.  What a package printed stays in build/std/VERSION/PACKAGE.txt."""

import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
GO = os.path.join(ROOT, "tests", "tools", "go.sh")
TABLE = os.path.join(HERE, "expected.txt")
BINARIES = os.path.join(ROOT, "build", "cache", "std")
LOGS = os.path.join(ROOT, "build", "std")
VERSIONS = ["1.21.13", "1.24.13", "1.27.1"]  # of the oldest a sample
TEST_MINUTES = 15
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # memory: os makes and removes 10,000 files
# What tests look for in procfs, which no guest gets to see: plain files with the host's text stand in its place.
# Read by os, and by runtime/pprof, which wants any executable mapping in it.
STAND_INS = ("/proc/sys/fs/pipe-max-size", "/proc/self/maps")
ABSENT = "-"  # the version has no such package, or the package no tests
UNKNOWN = "?"  # not run yet with this version

# A mark of -test.v=test2json, so that a line is found where a test printed no newline before it.
VERDICT = re.compile(rb"\x16--- (PASS|FAIL|SKIP): (\S+)")

Outcome = collections.namedtuple("Outcome", "counts failed status seconds log")
Toolchain = collections.namedtuple("Toolchain", "version goroot packages")  # packages: std's, those with tests


class Table:
    """expected.txt: rows of package, core or all, and for each version pass/fail/skip or `-`."""

    def __init__(self, path):
        self.path, self.head, self.rows, self.lock = path, [], {}, threading.Lock()
        with open(path) as f:
            for line in f:
                if line.startswith("#") or not line.strip():
                    self.head.append(line)
                    continue
                package, part, *counts = line.split()
                assert len(counts) == len(VERSIONS), line
                self.rows[package] = [part, dict(zip(VERSIONS, counts))]

    def expected(self, package, version):
        return self.rows[package][1][version] if package in self.rows else None

    def parts(self, version, parts):
        rows = self.rows.items()
        return [p for p, (part, counts) in rows if part in parts and counts[version] not in (ABSENT, UNKNOWN)]

    def set(self, package, version, counts):
        with self.lock:
            row = self.rows.setdefault(package, ["all", {v: UNKNOWN for v in VERSIONS}])
            row[1][version] = counts
            self.save()

    def save(self):
        with open(self.path, "w") as f:
            f.writelines(self.head)
            for package, (part, counts) in sorted(self.rows.items()):
                columns = [f"{package:<40} {part:<4}"] + [f"{counts[v]:>12}" for v in VERSIONS]
                f.write(" ".join(columns).rstrip() + "\n")


def go(version, *args, **options):
    env = dict(os.environ, GOOS="wasip1", GOARCH="wasm", CGO_ENABLED="0")
    for name in ("GOROOT", "GOFLAGS", "GOWASM", "GOEXPERIMENT"):
        env.pop(name, None)
    return subprocess.run([GO, version, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def toolchain(version):
    goroot = go(version, "env", "GOROOT", check=True, cwd=ROOT).stdout.decode().strip()
    shown = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
    out = go(version, "list", "-f", shown, "std", check=True, cwd=ROOT).stdout.decode()
    return Toolchain(version, goroot, {p for p in out.split() if not p.startswith("vendor/")})


def build(chain, package):
    """The package's test binary, or None where there is nothing to test; raises with the compiler's words."""
    if package not in chain.packages:
        return None
    path = os.path.join(BINARIES, chain.version, package.replace("/", "_") + ".wasm")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        new = f"{path}.{os.getpid()}"
        made = go(chain.version, "test", "-c", "-o", new, package, cwd=os.path.join(chain.goroot, "src"))
        if made.returncode != 0:
            raise RuntimeError(made.stderr.decode(errors="replace"))
        if not os.path.exists(new):
            return None
        os.rename(new, path)
    return path


def environment(goroot, directory, scratch):
    """What the tests see: it decides what they skip, so nothing of the caller's is in it."""
    return {"GOWASIRUNTIME": "wasmvm", "GOROOT": goroot, "PWD": directory, "TMPDIR": scratch, "HOME": scratch,
            "USER": "gopher", "PATH": "/usr/bin:/bin", "GOTRACEBACK": "all"}


def stand_ins(scratch):
    """Options that show plain files under procfs's names; /dev/fd, a link into it, is an empty directory."""
    for path in STAND_INS:
        os.makedirs(scratch + os.path.dirname(path))
        with open(path, "rb") as real, open(scratch + path, "wb") as plain:
            plain.write(real.read())
    os.makedirs(scratch + "/dev/fd")
    return ["--dir", f"{scratch}/proc::/proc", "--dir", f"{scratch}/dev/fd::/dev/fd"]


def command(args, binary, env, plain):
    flags = ["-test.v=test2json", "-test.short", f"-test.timeout={TEST_MINUTES}m"]
    if args.runtime == "wazero":
        cache = os.path.join(ROOT, "build", "cache", "wazero-std")
        env["GOWASIRUNTIME"] = "wazero"
        settings = [word for name, value in env.items() for word in ("-env", f"{name}={value}")]
        return [args.wazero, "run", "-mount", "/:/", "-cachedir", cache, *settings, binary, *flags]
    settings = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
    grants = ["--dir", "/", *([] if args.bare else stand_ins(plain))]
    return [args.wasmvm, "--cache=off", *grants, *settings, *args.option, "--", binary, *flags]


def run(args, chain, package, binary):
    directory = os.path.join(chain.goroot, "src", package)
    log = os.path.join(LOGS, args.runtime or "", chain.version, package.replace("/", "_") + ".txt")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    top = tempfile.mkdtemp(prefix="wasmvm-std-", dir=SCRATCH)
    scratch = os.path.join(top, "tmp")
    os.mkdir(scratch)
    argv = command(args, binary, environment(chain.goroot, directory, scratch), top)
    began = time.monotonic()
    with open(log, "wb") as out:
        child = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        alarm = [(TEST_MINUTES * 60 + 60, signal.SIGQUIT), (30, signal.SIGKILL)]
        while True:
            try:
                child.wait(alarm[0][0] if alarm else None)
                break
            except subprocess.TimeoutExpired:
                child.send_signal(alarm.pop(0)[1])
    seconds = time.monotonic() - began
    shutil.rmtree(top, ignore_errors=True)
    with open(log, "rb") as f:
        verdicts = [(kind.decode(), name.decode()) for kind, name in VERDICT.findall(f.read()) if b"/" not in name]
    counts = collections.Counter(kind for kind, _ in verdicts)
    failed = [name for kind, name in verdicts if kind == "FAIL"]
    text = "/".join(str(counts[kind]) for kind in ("PASS", "FAIL", "SKIP"))
    return Outcome(text, failed, child.returncode, seconds, log)


def judge(expected, outcome):
    """What is wrong with this outcome; "" = nothing."""
    if outcome.counts != expected:
        return f"expected {expected or 'no such row'}"
    if (outcome.status != 0) != (outcome.counts.split("/")[1] != "0"):
        return f"status {outcome.status}"
    return ""


def one(args, table, chain, package):
    """Builds, runs and prints one package: "passed", "failed" or "absent"."""
    version = chain.version
    expected = table.expected(package, version)
    if expected is None and package not in chain.packages:
        raise RuntimeError("no such package")
    binary = build(chain, package)
    if binary is None:
        if args.update:
            table.set(package, version, ABSENT)
        return "absent" if expected in (ABSENT, UNKNOWN, None) or args.update else "failed"
    outcome = run(args, chain, package, binary)
    wrong = "" if args.runtime or args.update else judge(expected, outcome)
    if args.update:
        table.set(package, version, outcome.counts)
        wrong = "" if outcome.status == 0 else f"status {outcome.status}"
    words = [f"go{version:<8} {package:<40} {outcome.counts:>12} {outcome.seconds:7.1f} s"]
    if wrong:
        words.append(f"  WRONG: {wrong}; status {outcome.status}; see {os.path.relpath(outcome.log, ROOT)}")
    if outcome.failed:
        words.append("  failed: " + " ".join(outcome.failed[:12]))
    print("".join(words), flush=True)
    return "failed" if wrong else "passed"


def selection(args, table, chain):
    if args.package:
        return args.package
    if args.all:
        return sorted(chain.packages | set(table.rows))
    return table.parts(chain.version, ("ci",) if args.ci else ("ci", "core"))


def vm_missing(wasmvm):
    """Why there can be no virtual machine here, or None."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as e:
        return f"/dev/kvm: {e.strerror}"
    return None if os.path.exists(wasmvm) else f"{wasmvm}: not there"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build", "wasmvm"))
    parser.add_argument("--wazero", default=os.path.join(ROOT, "build", "cache", "bin", "wazero"))
    parser.add_argument("--runtime", choices=["wazero"])
    parser.add_argument("--go", action="append", choices=VERSIONS)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--bare", action="store_true", help="no plain files in place of procfs")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--option", action="append", default=[], help="one more word for wasmvm")
    parser.add_argument("package", nargs="*")
    args = parser.parse_args()
    if args.ci:
        args.go, args.jobs = args.go or VERSIONS[-1:], 1
    args.wasmvm = os.path.abspath(args.wasmvm)
    return args


def main():
    args = arguments()
    table = Table(TABLE)
    work = []
    for chain in map(toolchain, args.go or VERSIONS):
        work += [(chain, package) for package in selection(args, table, chain)]
    missing = None if args.runtime else vm_missing(args.wasmvm)
    if missing:
        print(f"no virtual machine here: {missing}")
        print(f"0 passed, {len(work) if os.environ.get('REQUIRE_KVM') == '1' else 0} failed, {len(work)} skipped")
        return 1 if os.environ.get("REQUIRE_KVM") == "1" else 0
    tally = collections.Counter()

    def guarded(item):
        try:
            return one(args, table, *item)
        except (RuntimeError, OSError) as e:
            print(f"go{item[0].version} {item[1]}: {e}", flush=True)
            return "failed"

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        tally.update(pool.map(guarded, work))
    print(f"{tally['passed']} passed, {tally['failed']} failed, 0 skipped")
    return 1 if tally["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
