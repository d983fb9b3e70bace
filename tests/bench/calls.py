#!/usr/bin/env python3
"""What a call costs: calls.py [--runs N] [--count N] [--nice N] [KIND...]

One Go program makes one kind of call many times: natively, and on wasmvm with --hypercall=exit and auto, interleaved.
Printed is the least of the runs for each call: wall time of the loop, and CPU time of all threads with that of a run
without calls taken away.  Beside it stands the round trip of the bare slot, two threads and a cache line: where it is
above 0.5 us, other work has the CPUs, and the sitting says nothing.  exits: KVM exits for each call."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import runtimes  # noqa: F401  (finds the harness)
from harness import CACHE, ROOT, go_build, measured, run

MODULE = "tests/bench/calls"
KINDS = ["write", "read", "stat", "open", "poll", "yield", "now", "rand"]
WAYS = ["native", "exit", "auto"]
EXIT_COUNT = 20000  # with an exit each, a million calls take a minute


def argv(way, kind, count, scratch, nice, stats=False):
    words = [kind, str(count), scratch]
    if way == "native":
        line = [NATIVE, *words]
    else:
        options = [f"--hypercall={way}", "--dir", scratch] + (["--stats"] if stats else [])
        line = [os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm")), *options, "--", WASM, *words]
    return (["nice", "-n", str(nice)] if nice else []) + line


def sample(way, kind, count, scratch, nice):
    result = measured(argv(way, kind, count, scratch, nice), timeout=600)
    if result.status:
        sys.exit(f"{way}: {kind}: {result}")
    return int(result.out.split()[1]) / 1e9, result.cpu


def exits(way, kind, count, scratch, nice):
    result = run(argv(way, kind, count, scratch, nice, stats=True), timeout=600)
    return int(re.search(rb"VM exits +(\d+)", result.err)[1]) / count


def round_trip(nice):
    tool = os.path.join(CACHE, "roundtrip")
    os.makedirs(CACHE, exist_ok=True)
    source = os.path.join(ROOT, "tests/bench/roundtrip.c")
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", tool, source, "-lpthread"], check=True)
    return int(subprocess.run((["nice", "-n", str(nice)] if nice else []) + [tool], stdout=subprocess.PIPE,
                              check=True).stdout)


def main():
    global NATIVE, WASM
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    NATIVE, WASM = go_build("./calls", module=MODULE, goos="linux"), go_build("./calls", module=MODULE)
    print(f"load {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args.nice)} ns", flush=True)
    print("\n| call | way | wall ns | CPU ns | wall / native | CPU / native | exits |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for kind in args.kinds or KINDS:
            # Sleeps cost a wake-up each natively.
            counts = {way: args.count // 50 if kind == "poll" else args.count for way in WAYS}
            counts["exit"] = min(counts["exit"], EXIT_COUNT)
            walls, cpus, empty = ({way: [] for way in WAYS} for _ in range(3))
            for _ in range(args.runs):
                for way in WAYS:
                    wall, cpu = sample(way, kind, counts[way], scratch, args.nice)
                    walls[way].append(wall)
                    cpus[way].append(cpu)
                    empty[way].append(sample(way, "none", 0, scratch, args.nice)[1])
            wall = {w: min(walls[w]) / counts[w] * 1e9 for w in WAYS}
            cpu = {w: max(min(cpus[w]) - min(empty[w]), 0) / counts[w] * 1e9 for w in WAYS}
            for way in WAYS:
                per = f"{exits(way, kind, counts[way], scratch, args.nice):.4f}" if way != "native" else ""
                ratio = [f"{v[way] / v['native']:.2f}" if v["native"] else "" for v in (wall, cpu)]
                print(f"| {kind} | {way} | {wall[way]:.0f} | {cpu[way]:.0f} | {ratio[0]} | {ratio[1]} | {per} |",
                      flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args.nice)} ns")


if __name__ == "__main__":
    main()
