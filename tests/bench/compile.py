#!/usr/bin/env python3
"""Compile speed: every function of esbuild.wasm (20 MB, Go), from nothing cached, by our engine and by wazero.

    make bench-compile, or tests/bench/compile.py [--rounds N] after it

Both read the file, validate and compile it, and run nothing.  Whole processes, in turn; CPU time of all threads, the
median and the least; the bodies' bytes count, which are the same for both.  Peak memory is the process's."""

import argparse
import os
import re
import statistics

from runtimes import Wazero  # first: it finds the harness
from harness import ROOT, measured, npm

PACKAGE = "@esbuild/wasi-preview1@0.27.2"


def ours(module):
    return [os.path.join(ROOT, "build", "host", "compile"), module]


def wazeros(module):
    runtime = Wazero()
    runtime.setup()
    return [runtime.path, "compile", module]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    module = os.path.join(npm(PACKAGE), "esbuild.wasm")
    commands = {"wasmvm's engine": ours(module), "wazero 1.12": wazeros(module)}
    seen = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            seen[name].append(measured(argv, timeout=600))
    words = re.search(rb"(\d+) functions, (\d+) failed .*, ([\d.]+) MB of bodies", seen["wasmvm's engine"][0].out)
    assert words and int(words[2]) == 0, seen["wasmvm's engine"][0]
    megabytes = float(words[3])
    load = os.getloadavg()[0]
    print(f"{int(words[1])} functions, {megabytes} MB of bodies; {rounds} rounds in turn, load {load:.1f} at the end\n")
    print("| | CPU s, median | least | MB/s of CPU, by the median | peak memory MB |\n|---|---|---|---|---|")
    for name, results in seen.items():
        cpu = [r.cpu for r in results]
        median = statistics.median(cpu)
        peak = statistics.median(r.max_rss for r in results) / 1e6
        print(f"| {name} | {median:.2f} | {min(cpu):.2f} | {megabytes / median:.1f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
