#!/usr/bin/env python3
"""What the jail costs: cost.py [--wasmvm FILE] [--unjailed FILE] [--pairs N] [--options "WORDS"]

N pairs of a hello, by turns by a wasmvm with the jail and one without (make build/unjailed/wasmvm): the mean of the
differences in microseconds with its 95 % interval, and the median, of wall time and of CPU time, which a busy machine
changes less.  Then how many system calls the jail makes, where strace is installed."""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HELLO = os.path.join(ROOT, "tests", "golden", "words.wasm")
NULL = os.open(os.devnull, os.O_RDWR)


def once(words):
    began = time.perf_counter_ns()
    pid = os.posix_spawn(words[0], words, os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, NULL, fd) for fd in range(3)])
    _, status, use = os.wait4(pid, 0)
    assert status == 0, status
    return (time.perf_counter_ns() - began) / 1000, (use.ru_utime + use.ru_stime) * 1e6


def calls(words):
    """Of all threads, by strace -c."""
    table = subprocess.run(["strace", "-f", "-c", "-o", "/dev/stdout", *words], stdin=NULL, stderr=NULL, check=True,
                           capture_output=False, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1]: int(line.split()[3]) for line in table.splitlines()
            if len(line.split()) >= 5 and line.split()[3].isdigit() and line.split()[-1] != "total"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build", "wasmvm"))
    parser.add_argument("--unjailed", default=os.path.join(ROOT, "build", "unjailed", "wasmvm"))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--options", default="")
    args = parser.parse_args()
    both = [[program, *args.options.split(), HELLO] for program in (args.wasmvm, args.unjailed)]
    for words in both * 3:
        once(words)
    pairs = []
    for _ in range(args.pairs):
        took = [None, None]
        for i in random.sample([0, 1], 2):
            took[i] = once(both[i])
        pairs.append(took)
    for which, name in enumerate(("wall time", "CPU time")):
        differences = [on[which] - off[which] for on, off in pairs]
        mean = statistics.mean(differences)
        half = 1.96 * statistics.stdev(differences) / len(differences) ** 0.5
        print(f"the jail, {name}: {mean:.0f} us, {mean - half:.0f} to {mean + half:.0f} (mean of {args.pairs} pairs, "
              f"95 %); median {statistics.median(differences):.0f} us")
    if shutil.which("strace"):
        on, off = (calls(words) for words in both)
        more = {name: on.get(name, 0) - off.get(name, 0) for name in sorted(set(on) | set(off))}
        more = {name: n for name, n in more.items() if n}
        print(f"system calls: {sum(more.values()):+d}: " + ", ".join(f"{name} {n:+d}" for name, n in more.items()))


if __name__ == "__main__":
    main()
