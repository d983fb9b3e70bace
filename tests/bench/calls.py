#!/usr/bin/env python3
"""What a call costs: calls.py [--runs N] [--count N] [--nice N] [--ways A,B] [KIND...]

One Go program makes one kind of call many times: natively, on wasmvm with --hypercall=exit and auto, and on the other
runtimes that can be had (runtimes.py), interleaved.  Printed is the least of the runs for each call: wall time of the
loop, and CPU time of all threads with that of a run without calls taken away.  Beside it stands the round trip of the
bare slot, two threads and a cache line: where it is above 0.5 us, other work has the CPUs, and the sitting says
nothing.  exits: KVM exits for each call.  --ways: only these, of native, exit, poll, auto, node, wasmtime, wazero.

The kinds host, export and pricing are wasmvm's alone: Go to a function of a plug-in in C; such a function to an export
of the module, nested; a C program with libwasmvm to an export of a module kept alive (images/examples/pricing).  The
plug-in's library is in wasmvm's process; of host-apart and export-apart it is in its own, as by default."""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile

import runtimes
from harness import CACHE, ROOT, go_build, measured, run

MODULE = "tests/bench/calls"
KINDS = ["write", "read", "stat", "open", "poll", "yield", "now", "rand"]
HOST_KINDS = ["host", "export", "host-apart", "export-apart"]
WAYS = ["exit", "auto"]
OURS = ["native", "exit", "auto", "poll"]
EXIT_COUNT = 20000  # with an exit each, a million calls take a minute


def niced(args):
    return ["nice", "-n", str(args.nice)] if args.nice else []


class Program:
    """What makes the calls, and what it is given: a directory for files, or options of wasmvm."""

    def __init__(self, place, module=MODULE, package="./calls", options=()):
        self.place, self.options = place, options
        self.wasm = go_build(package, module=module)
        self.native = None if options else go_build(package, module=module, goos="linux")

    def argv(self, args, way, kind, count, *options):
        grant = [] if self.options else [self.place]
        words = [kind.removesuffix("-apart"), str(count), self.place]
        return niced(args) + way.argv(self, words, grant, *self.options, *options)

    def sample(self, args, way, kind, count):
        """Seconds of the loop and of CPU; AssertionError: it does not run there."""
        result = measured(self.argv(args, way, kind, count), timeout=600)
        assert result.status == 0, result
        return int(result.out.split()[1]) / 1e9, result.cpu

    def exits(self, args, way, kind, count):
        result = run(self.argv(args, way, kind, count, "--stats"), timeout=600)
        return int(re.search(rb"VM exits +(\d+)", result.err)[1]) / count


def count_of(args, way, kind):
    count = args.count // 50 if kind == "poll" else args.count  # natively a sleep costs a wake-up
    return min(count, EXIT_COUNT) if way.name == "exit" else count


def rows(args, program, kind, ways):
    """A line for each way; beside native how much of it the others need.  Returns how many ways were left out."""
    walls, cpus, empty = ({way.name: [] for way in ways} for _ in range(3))
    left = list(ways)
    for _ in range(args.runs):
        for way in list(left):
            try:
                wall, cpu = program.sample(args, way, kind, count_of(args, way, kind))
                walls[way.name].append(wall)
                cpus[way.name].append(cpu)
                empty[way.name].append(program.sample(args, way, "none", 0)[1])
            except (AssertionError, OSError) as why:
                if way.name in OURS:
                    sys.exit(f"{way.name}: {kind}: {why}")
                print(f"{way.name}: {kind} does not run: {str(why)[:300]}", file=sys.stderr, flush=True)
                left.remove(way)
    counts = {way.name: count_of(args, way, kind) for way in left}
    wall = {name: min(walls[name]) / count * 1e9 for name, count in counts.items()}
    cpu = {name: max(min(cpus[name]) - min(empty[name]), 0) / count * 1e9 for name, count in counts.items()}
    for way in left:
        ours = isinstance(way, runtimes.Hypercall)
        per = f"{program.exits(args, way, kind, counts[way.name]):.4f}" if ours else ""
        ratio = [f"{v[way.name] / v['native']:.2f}" if v.get("native") else "" for v in (wall, cpu)]
        cells = [kind, way.name, f"{wall[way.name]:.0f}", f"{cpu[way.name]:.0f}", *ratio, per]
        print("| " + " | ".join(cells) + " |", flush=True)
    return len(ways) - len(left)


def compiled(source, name, *flags):
    into = os.path.join(CACHE, name)
    os.makedirs(CACHE, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-I.", "-Ivmm", "-o", into, source, *flags], cwd=ROOT, check=True)
    return into


def round_trip(args):
    tool = compiled("tests/bench/roundtrip.c", "roundtrip", "-lpthread")
    return int(subprocess.run([*niced(args), tool], stdout=subprocess.PIPE, check=True).stdout)


def pricing(args, wasmvm):
    library = os.path.join(os.path.dirname(wasmvm), "lib", "libwasmvm.a")
    program = compiled("images/examples/pricing/pricing.c", "pricing", library, "-lelf", "-lpthread")
    rule = go_build("./pricing", module="images/examples", flags=("-buildmode=c-shared",))

    def priced(count):
        result = measured([*niced(args), program, rule, str(count)], timeout=600)
        found = re.fullmatch(r"([0-9.]+) us each, (\d+) VM exits\n", result.err.decode())
        if result.status or not found:
            sys.exit(f"pricing: {result}")
        return float(found[1]), result.cpu, int(found[2])
    least, cpu, made = min(priced(args.count) for _ in range(args.runs))
    cpu = max(cpu - min(priced(1)[1] for _ in range(args.runs)), 0)
    print(f"| pricing | auto | {least * 1000:.0f} | {cpu / args.count * 1e9:.0f} | | | {made / args.count:.4f} |")
    print(f"\npricing: {args.count} calls in {least * args.count / 1e6:.2f} s")


def chosen(names):
    """Native, ours, and the other runtimes that there are."""
    ours = [runtimes.Hypercall(name) for name in (names or WAYS) if name in OURS[1:]]
    others = [r.name for r in runtimes.ALL if r.name not in ("native", "wasmvm") and (not names or r.name in names)]
    found = runtimes.available(others or ["native"])
    for way in ours:
        way.setup()
    return found[:1], ours, found[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--ways", default="")
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    native, ours, others = chosen([w for w in args.ways.split(",") if w])
    print(f"load {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args)} ns", flush=True)
    print("\n| call | way | wall ns | CPU ns | wall / native | CPU / native | exits |\n|---|---|---|---|---|---|---|")
    kinds, lost = args.kinds or [*KINDS, *HOST_KINDS, "pricing"], 0
    with tempfile.TemporaryDirectory() as scratch:
        program = Program(scratch)
        for way in others:
            with contextlib.suppress(AssertionError, OSError):
                program.sample(args, way, "none", 0)  # warms caches
        for kind in [kind for kind in kinds if kind in KINDS]:
            lost += rows(args, program, kind, native + ours + others)
    for kind in [kind for kind in kinds if kind in HOST_KINDS]:
        plugin = compiled("tests/bench/hosts/hosts.c", "hosts.so", "-shared", "-fPIC")
        where = () if kind.endswith("-apart") else ("--jail=weak",)
        program = Program(plugin, module="tests/bench/hosts", package=".", options=(*where, "--plugin", plugin))
        lost += rows(args, program, kind, ours)
    if "pricing" in kinds and ours:
        pricing(args, ours[0].path)
    print(f"\nload {os.getloadavg()[0]:.1f}; slot's round trip {round_trip(args)} ns; {lost} left out")


if __name__ == "__main__":
    main()
