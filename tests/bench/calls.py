#!/usr/bin/env python3
"""What a call costs: calls.py [--runs N] [--count N] [--nice N] [KIND...]

One Go program makes one kind of call many times: natively, and on wasmvm with --hypercall=exit and auto, interleaved.
Printed is the least of the runs for each call: wall time of the loop, and CPU time of all threads with that of a run
without calls taken away.  Beside it stands the round trip of the bare slot, two threads and a cache line: where it is
above 0.5 us, other work has the CPUs, and the sitting says nothing.  exits: KVM exits for each call.

The kinds host, export and pricing have no native way: Go to a function of a plug-in in C; such a function to an export
of the module, nested; a C program with libwasmvm to an export of a module kept alive (images/examples/pricing)."""

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
HOST_KINDS = ["host", "export"]
WAYS = ["native", "exit", "auto"]
EXIT_COUNT = 20000  # with an exit each, a million calls take a minute


WASMVM = os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm"))


def niced(nice):
    return ["nice", "-n", str(nice)] if nice else []


def argv(way, kind, count, scratch, nice, stats=False):
    """scratch: a directory for files, or the plug-in of the kinds that call one."""
    words = [kind, str(count), scratch]
    if way == "native":
        return [*niced(nice), NATIVE, *words]
    plugin = scratch.endswith(".so")
    options = [f"--hypercall={way}", "--plugin" if plugin else "--dir", scratch] + (["--stats"] if stats else [])
    return [*niced(nice), WASMVM, *options, "--", HOSTS if plugin else WASM, *words]


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
    return int(subprocess.run([*niced(nice), tool], stdout=subprocess.PIPE, check=True).stdout)


def compiled(source, name, *flags):
    into = os.path.join(CACHE, name)
    subprocess.run(["gcc", "-O2", "-I.", "-Ivmm", "-o", into, source, *flags], cwd=ROOT, check=True)
    return into


def rows(kind, ways, counts, scratch, args):
    """A line for each way; natively also how much of it the others need."""
    walls, cpus, empty = ({way: [] for way in ways} for _ in range(3))
    for _ in range(args.runs):
        for way in ways:
            wall, cpu = sample(way, kind, counts[way], scratch, args.nice)
            walls[way].append(wall)
            cpus[way].append(cpu)
            empty[way].append(sample(way, "none", 0, scratch, args.nice)[1])
    wall = {w: min(walls[w]) / counts[w] * 1e9 for w in ways}
    cpu = {w: max(min(cpus[w]) - min(empty[w]), 0) / counts[w] * 1e9 for w in ways}
    for way in ways:
        per = f"{exits(way, kind, counts[way], scratch, args.nice):.4f}" if way != "native" else ""
        ratio = [f"{v[way] / v['native']:.2f}" if v.get("native") else "" for v in (wall, cpu)]
        print(f"| {kind} | {way} | {wall[way]:.0f} | {cpu[way]:.0f} | {ratio[0]} | {ratio[1]} | {per} |", flush=True)


def pricing(args):
    library = os.path.join(os.path.dirname(WASMVM), "lib", "libwasmvm.a")
    program = compiled("images/examples/pricing/pricing.c", "pricing", library, "-lelf", "-lpthread")
    rule = go_build("./pricing", module="images/examples", flags=("-buildmode=c-shared",))

    def priced(count):
        result = measured([*niced(args.nice), program, rule, str(count)], timeout=600)
        found = re.fullmatch(r"([0-9.]+) us each, (\d+) VM exits\n", result.err.decode())
        if result.status or not found:
            sys.exit(f"pricing: {result}")
        return float(found[1]), result.cpu, int(found[2])
    least, cpu, made = min(priced(args.count) for _ in range(args.runs))
    cpu = max(cpu - min(priced(1)[1] for _ in range(args.runs)), 0)
    print(f"| pricing | auto | {least * 1000:.0f} | {cpu / args.count * 1e9:.0f} | | | {made / args.count:.4f} |")
    print(f"\npricing: {args.count} calls in {least * args.count / 1e6:.2f} s")


def main():
    global NATIVE, WASM, HOSTS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    NATIVE, WASM = go_build("./calls", module=MODULE, goos="linux"), go_build("./calls", module=MODULE)
    print(f"load {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args.nice)} ns", flush=True)
    print("\n| call | way | wall ns | CPU ns | wall / native | CPU / native | exits |\n|---|---|---|---|---|---|---|")
    kinds = args.kinds or [*KINDS, *HOST_KINDS, "pricing"]
    with tempfile.TemporaryDirectory() as scratch:
        for kind in [kind for kind in kinds if kind in KINDS]:
            # Sleeps cost a wake-up each natively.
            counts = {way: args.count // 50 if kind == "poll" else args.count for way in WAYS}
            counts["exit"] = min(counts["exit"], EXIT_COUNT)
            rows(kind, WAYS, counts, scratch, args)
    for kind in [kind for kind in kinds if kind in HOST_KINDS]:
        plugin = compiled("tests/bench/hosts/hosts.c", "hosts.so", "-shared", "-fPIC")
        HOSTS = go_build(".", module="tests/bench/hosts")
        rows(kind, WAYS[1:], {"exit": min(args.count, EXIT_COUNT), "auto": args.count}, plugin, args)
    if "pricing" in kinds:
        pricing(args)
    print(f"\nload {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args.nice)} ns")


if __name__ == "__main__":
    main()
