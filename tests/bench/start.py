#!/usr/bin/env python3
"""What a start costs, against the floor: start.py [--runs N] [--runtimes A,B]

The floor (tests/bench/floor) is a machine of KVM that runs one instruction.  It and the others run in
turn, N (200) times each: wall time of the whole process, CPU time of all threads, page faults on the
host.  Faults and exits of the guest are wasmvm's own --report, of a further run; Pss is what the
process holds at its end.  Ratios are medians against the floor's of the same linkage.  Prints Markdown."""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

import runtimes
from harness import ROOT, go_build

BUILD = os.path.join(ROOT, "build", "bench")
# (module (func (export "_start")))
TRIVIAL = bytes.fromhex("0061736d01000000" "01040160000003020100070a01065f737461727400000a040102000b")
Run = collections.namedtuple("Run", "status wall cpu faults rss")


class Program:
    """One row: its words, and the floor that it stands on."""

    def __init__(self, name, words, linkage, status=0):
        self.name, self.words, self.linkage = name, [os.path.abspath(words[0]), *words[1:]], linkage
        self.status = status
        self.runs, self.pss, self.report = [], 0, None


class Hello:
    def __init__(self):
        self.native = go_build("./hello", module="tests/bench/programs", goos="linux")
        self.wasm = go_build("./hello", module="tests/bench/programs")


def is_static(path):
    with open(path, "rb") as file:
        return b"/ld-linux" not in file.read(4096)


def programs(names, scratch):
    """The floors first."""
    hello = Hello()
    trivial = os.path.join(scratch, "trivial.wasm")
    with open(trivial, "wb") as file:
        file.write(TRIVIAL)
    rows = [Program(f"floor, {linkage}", [os.path.join(BUILD, f"floor-{linkage}")], linkage)
            for linkage in ("static", "dynamic")]
    for runtime in runtimes.available(names):
        words = runtime.argv(hello, [], [])
        if words[0] and not os.path.isabs(words[0]):
            words[0] = subprocess.check_output(["which", words[0]], text=True).strip()
        linkage = "static" if is_static(words[0]) else "dynamic"
        if runtime.name == "wasmvm":
            guest = ["--guest-image", os.path.join(ROOT, "build", "examples", "guest.elf"), trivial]
            rows.append(Program("wasmvm, a guest of one's own", [words[0], *guest], linkage, status=7))
            rows.append(Program("wasmvm, trivial module", [words[0], "--cache=off", trivial], linkage))
        warm = f" ({runtime.warm})" if runtime.warm else ""
        rows.append(Program(f"{runtime.name}, hello{warm}", words, linkage))
    return rows


def run(rows, count):
    words = sum((["::", *row.words] for row in rows), [])
    done = subprocess.run([os.path.join(BUILD, "turns"), str(count), *words], stdout=subprocess.PIPE, check=True)
    for line in done.stdout.decode().splitlines():
        place, *figures = line.split()
        if figures[0] == "pss":
            rows[int(place)].pss = int(figures[1])
        else:
            rows[int(place)].runs.append(Run(*map(int, figures)))


def ask(row, scratch):
    """The guest's own figures."""
    path = os.path.join(scratch, "report.json")
    subprocess.run([row.words[0], f"--report={path}", *row.words[1:]], stdout=subprocess.DEVNULL)
    with open(path) as file:
        row.report = json.load(file)


def at(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def cells(row, floor):
    walls, cpus = [r.wall for r in row.runs], [r.cpu for r in row.runs]

    def ratio(figure):
        return statistics.median(map(figure, row.runs)) / statistics.median(map(figure, floor.runs))

    guest = row.report["kvm"]["faults"] if row.report else "-"
    exits = row.report["exits"]["all"] if row.report else "-"
    return [row.name, *(f"{at(walls, part) / 1000:.2f}" for part in (0, 0.5, 0.99)),
            f"{min(cpus) / 1000:.2f}", f"{statistics.median(cpus) / 1000:.2f}",
            f"{ratio(lambda r: r.wall):.2f}", f"{ratio(lambda r: r.cpu):.2f}",
            f"{statistics.median(r.faults for r in row.runs):.0f}", guest, exits, row.pss]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--runtimes", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = programs([r for r in args.runtimes.split(",") if r], scratch)
        floors = {row.linkage: row for row in rows[:2]}
        run(rows, 3)  # warms caches
        for row in rows:
            row.runs = []
            if row.name.startswith("wasmvm"):
                ask(row, scratch)
        run(rows, args.runs)
    heads = ["program", "wall ms: least", "p50", "p99", "CPU ms: least", "p50", "wall to floor", "CPU to floor",
             "faults on the host", "of the guest", "exits", "Pss KB"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(map(str, cells(row, floors[row.linkage]))) + " |")
    wrong = sum(r.status != row.status for row in rows for r in row.runs)
    print(f"\n{wrong} wrong ends")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
