#!/usr/bin/env python3
"""Go programs on wasmvm, native and other runtimes: run.py [--runs N] [--runtimes A,B] [--against HOW] [PROGRAM...]

CPU time (user and system, all threads, children too) of interleaved runs; medians.  Every output is compared with the
native program's.  The start-up, which is hello's time on the same runtime, is taken away for the main table and shown
in its own; runtimes with a cache run with it warm.  wasmvm-go runs modules of `wasmvm go build`, and all others those
of the plain go command.  Prints Markdown.

--against exit: instead, wasmvm as it is against wasmvm --hypercall=exit, which programs that only compute must not
notice.  Each round runs both, and exit once more, in an order that turns; what is printed are medians of the rounds'
ratios: auto to exit, and exit to exit, which is the noise."""

import argparse
import copy
import math
import os
import statistics
import sys
import tempfile

import runtimes
from harness import ROOT, go_build, measured

MODULE = "tests/bench/programs"
LEAST = 0.001  # seconds: a difference to hello below this says nothing


class Program:
    def __init__(self, name):
        self.name = name
        self.native = go_build("./" + name, module=MODULE, goos="linux")
        self.wasm = go_build("./" + name, module=MODULE)
        self.again = None

    def by_wasmvm_go(self, wasmvm):
        """The same program, of which only the module differs."""
        if not self.again:
            self.again = copy.copy(self)
            path = os.path.join(ROOT, "build", "bench-go", self.name + ".wasm")
            self.again.wasm = runtimes.by_wasmvm_go(wasmvm, os.path.join(ROOT, MODULE, self.name), path)
        return self.again


def measure(runtime, program, scratch):
    args, grant = ([scratch], [scratch]) if program.name == "filewrite" else ([], [])
    result = measured(runtime.argv(program, args, grant), timeout=600)
    return result, result.out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--runtimes", default="")
    parser.add_argument("--against", choices=["exit", "poll"])
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    folder = os.path.join(ROOT, MODULE)
    every = sorted(d for d in os.listdir(folder)
                   if d != "touch" and os.path.exists(os.path.join(folder, d, "main.go")))  # touch: make bench-reset
    if args.against:
        with tempfile.TemporaryDirectory() as scratch:
            computes = [n for n in every if n not in ("hello", "filewrite")]
            return against(args.against, args.runs, args.programs or computes, scratch)
    names = ["hello"] + [n for n in (args.programs or every) if n != "hello"]
    found = runtimes.available([r for r in args.runtimes.split(",") if r], runtimes.ALL + runtimes.BY_GO)
    wrong = 0
    times, walls, memory = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            program = Program(name)
            want = measure(found[0], program, scratch)[1]
            alive = []
            for runtime in found:  # warms caches, checks the output
                for _ in range(runtime.first):
                    result, out = measure(runtime, program, scratch)
                if result.status or out != want:
                    print(f"{runtime.name}: {name}: wrong: {result}")
                    wrong += 1
                else:
                    alive.append(runtime)
            samples = {r.name: [] for r in alive}
            for _ in range(args.runs if name != "hello" else 3 * args.runs):
                for runtime in alive:
                    result, out = measure(runtime, program, scratch)
                    if out != want:
                        wrong += 1
                        print(f"{runtime.name}: {name}: wrong in a later run: {result}")
                    samples[runtime.name].append(result)
            for which, values in samples.items():
                times[name, which] = statistics.median(r.cpu for r in values)
                walls[name, which] = statistics.median(r.seconds for r in values)
                memory[name, which] = statistics.median(r.max_rss for r in values)
            progress = ", ".join(f"{w} {times[name, w]:.3f} s" for w in samples)
            print(f"# {name}: {progress}", file=sys.stderr, flush=True)
    started = [r for r in found if ("hello", r.name) in times]
    print_tables([n for n in names if n != "hello"], started, times, walls, memory)
    print(f"\n{wrong} wrong outputs")
    return 1 if wrong else 0


def against(how, runs, names, scratch):
    """The table of --against: whole runs, start-up and compiling included."""
    ways = [runtimes.Hypercall(name) for name in ("auto", how, how)]
    ways[0].setup()
    for way in ways:
        way.path = ways[0].path
    heads = [f"{figure} {a} to {how}" for figure in ("CPU", "wall") for a in ("auto", how)]
    print(f"| program | auto CPU s | {how} CPU s | {' | '.join(heads)} |\n|---|---|---|---|---|---|---|")
    columns, wrong = [[], [], [], []], 0
    for name in names:
        program, rounds = Program(name), []
        want = measure(runtimes.ALL[0], program, scratch)[1]
        for number in range(runs):
            samples = [None] * len(ways)
            for i in range(len(ways)):
                which = (number + i) % len(ways)
                samples[which], out = measure(ways[which], program, scratch)
                wrong += out != want or samples[which].status != 0
            rounds.append(samples)
        ratios = [statistics.median(figure(r[0]) / figure(r[1]) for r in pairs)
                  for figure in (lambda sample: sample.cpu, lambda sample: sample.seconds)
                  for pairs in ([(r[0], r[1]) for r in rounds], [(r[2], r[1]) for r in rounds])]
        for column, ratio in zip(columns, ratios):
            column.append(ratio)
        cpu = [statistics.median(r[i].cpu for r in rounds) for i in (0, 1)]
        print(f"| {name} | {cpu[0]:.3f} | {cpu[1]:.3f} | " + " | ".join(f"{r:.3f}" for r in ratios) + " |", flush=True)
    means = " | ".join(f"**{math.exp(statistics.mean(map(math.log, c))):.3f}**" for c in columns)
    print(f"| **geometric mean** | | | {means} |\n\n{wrong} wrong outputs")
    return 1 if wrong else 0


def print_tables(names, found, times, walls, memory):
    labels = [r.name + (f" ({r.warm})" if r.warm else "") for r in found]
    print("\nStart of hello (medians):\n\n| runtime | CPU ms | wall ms | peak MB |\n|---|---|---|---|")
    for runtime, label in zip(found, labels):
        key = "hello", runtime.name
        print(f"| {label} | {times[key] * 1000:.1f} | {walls[key] * 1000:.1f} | {memory[key] / 1e6:.1f} |")
    for title, base in (("start-up removed", 1), ("raw, start-up included", 0)):
        print(f"\nCPU time, native seconds and ratios to it, {title}:\n")
        print("| program | native s | " + " | ".join(labels[1:]) + " |\n|---|---|" + "---|" * len(labels[1:]))
        ratios = {r.name: [] for r in found[1:]}

        def cpu(name, runtime):
            return max(times[name, runtime] - base * times["hello", runtime], LEAST)

        for name in names:
            cells = []
            for runtime in found[1:]:
                if (name, runtime.name) not in times:
                    cells.append("wrong")
                    continue
                ratio = cpu(name, runtime.name) / cpu(name, "native")
                ratios[runtime.name].append(ratio)
                cells.append(f"{ratio:.2f}")
            print(f"| {name} | {cpu(name, 'native'):.3f} | " + " | ".join(cells) + " |")
        means = [f"**{math.exp(statistics.mean(map(math.log, r))):.2f}**" if r else "-" for r in ratios.values()]
        print("| **geometric mean** | | " + " | ".join(means) + " |")


if __name__ == "__main__":
    sys.exit(main())
