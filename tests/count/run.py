#!/usr/bin/env python3
"""Instructions that Go programs execute as compiled here, against native ones: run.py [--ci | --write] [PROGRAM...]

The programs of tests/bench do little here (size.Of).  Here: build/host/count, which counts emitted code alone: what
stubs and C do for it (long memory.copy, table.*, host functions) is not in it.  Natively: valgrind's exp-bbv, all
threads.  Of each the start-up is taken away, which is hello's count.  Both are counts, so a busy machine changes
nothing here.  Natively threads of the runtime that find no work spin, and the collector starts sooner or later: one run
may count several times what others do.  So a native figure is the median of RUNS runs; the table shows the least and
the most as well.

--ci: no native ones; counts of a few programs are held against expected.txt, which says how many there were: more by
more than 0.5 % is a failure, less is told, so that the file is written anew (--write)."""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from harness import ROOT, go_build  # noqa: E402

COUNT = os.path.join(ROOT, "build", "host", "count")
EXPECTED = os.path.join(HERE, "expected.txt")
MODULE = "tests/bench/programs"
SMALL = ("-ldflags", "-X wasmvm.test/bench/size.small=1")
PROGRAMS = ["fib", "nbody", "matmul", "sieve", "dispatch", "trees", "json", "sort", "regexp", "maps", "text",
            "pingpong", "sha256"]
CI = ["fib", "nbody", "matmul", "sieve", "sort", "pingpong"]
SLACK = 0.005
RUNS = 5


def build(name, goos):
    return go_build("./" + name, module=MODULE, goos=goos, flags=SMALL)


def counted(name):
    """How many here, and by cause."""
    done = subprocess.run([COUNT, build(name, "wasip1")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    line = done.stderr.decode().strip().splitlines()[-1]
    causes = {cause: int(n) for cause, n in re.findall(r"; ([^;]+) (\d+)", line)}
    return int(re.search(r": (\d+) instructions", line).group(1)), causes


def native_once(name):
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["valgrind", "--tool=exp-bbv", "--instr-count-only=yes", "--bb-out-file=/dev/null",
                        "--log-file=" + log.name, build(name, "linux")], stdout=subprocess.DEVNULL, check=True)
        return sum(int(n) for n in re.findall(r"Total instructions: (\d+)", log.read()))


def native(name):
    """The median of several runs, the least and the most of them."""
    counts = sorted(native_once(name) for _ in range(RUNS))
    return counts[RUNS // 2], counts[0], counts[-1]


def expected():
    with open(EXPECTED) as f:
        return {name: int(n) for name, n in (line.split() for line in f if not line.startswith("#"))}


def check():
    want, passed, failed = expected(), 0, 0
    if subprocess.run([COUNT, "-0"], stderr=subprocess.DEVNULL).returncode == 3:
        print(f"count: memory at address 0 needs root here\n0 passed, 0 failed, {len(CI)} skipped")
        return bool(os.environ.get("REQUIRE_KVM"))
    for name in CI:
        got = counted(name)[0]
        ratio = got / want[name]
        good = ratio <= 1 + SLACK
        passed, failed = passed + good, failed + (not good)
        note = "" if abs(ratio - 1) <= SLACK else " (fewer: run.py --write)" if good else " (more)"
        print(f"{name:10} {got:>12} instructions, {ratio:.4f} of expected.txt{note}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


def write():
    with open(EXPECTED, "w") as f:
        print("# Instructions of emitted code, by tests/count/run.py --write", file=f)
        for name in CI:
            print(name, counted(name)[0], file=f)


def compare(names):
    start, start_native = counted("hello")[0], native("hello")[0]
    logs = []
    print(f"native: the median of {RUNS} runs (the least to the most); start-up is taken away\n")
    print("| program | native, M | here, M | ratio | by cause, in hundredths of native |\n|---|---|---|---|---|")
    for name in names:
        here, causes = counted(name)
        there, least, most = (n - start_native for n in native(name))
        ratio = (here - start) / there
        shares = ", ".join(f"{cause} {100 * n / there:.0f}" for cause, n in
                           sorted(causes.items(), key=lambda item: -item[1]) if n > there / 100)
        spread = f"{there / 1e6:.1f} ({least / 1e6:.1f} to {most / 1e6:.1f})"
        print(f"| {name} | {spread} | {(here - start) / 1e6:.1f} | {ratio:.2f} | {shares} |", flush=True)
        if name != "sha256":
            logs.append(math.log(ratio))
    if logs:
        print(f"\ngeometric mean without sha256: {math.exp(sum(logs) / len(logs)):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    if args.write:
        return write()
    return check() if args.ci else compare(args.programs or PROGRAMS)


if __name__ == "__main__":
    sys.exit(main())
