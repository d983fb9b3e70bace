#!/usr/bin/env python3
"""What a guest costs while nothing happens: idle.py [--guests N] [--seconds S] [--clock S]

N guests (200) wait for a line on stdin for S seconds (60): their CPU time, all threads together, must not grow.  Then
one guest is asked for its clocks, four times a second for --clock seconds (600), each time on the next of the CPUs:
what it says lies within 1 ms of the host's clocks, wherever between question and answer it read them; realtime does
not go back, monotonic time neither, and both run as the host's.  The last line is `N passed, N failed`."""

import argparse
import os
import subprocess
import sys
import time

import runtimes  # noqa: F401  (finds the harness)
from harness import ROOT, go_build

CPU_MOST = 0.02  # of one CPU, all guests together: less than one of them would cost by looking 50 times a second
OFF_MOST = 1_000_000  # ns
PAUSE = 0.25  # s: a page of the clocks is good for 1 s, and must be asked in all its ages
ANSWERS = 200  # at most, of which the quickest is taken: on a busy machine few are quick
QUICK = 200_000  # ns: quick enough
WASMVM = os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm"))


def start():
    wasm = go_build("./ask")
    return subprocess.Popen([WASMVM, wasm], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(guest):
    """The guest's clocks (realtime, monotonic since its start), and the host's before and after: pairs."""
    before = time.time_ns(), time.monotonic_ns()
    guest.stdin.write("t\n")
    guest.stdin.flush()
    clocks = tuple(map(int, guest.stdout.readline().split()))
    return clocks, before, (time.time_ns(), time.monotonic_ns())


def move(guest, cpu):
    for thread in os.listdir(f"/proc/{guest.pid}/task"):
        os.sched_setaffinity(int(thread), {cpu})


def cpu(guests):
    """Seconds so far, all threads; in /proc/PID/stat 200 guests could hide two of them."""
    total = 0
    for guest in guests:
        for thread in os.listdir(f"/proc/{guest.pid}/task"):
            with open(f"/proc/{guest.pid}/task/{thread}/schedstat") as stat:
                total += int(stat.read().split()[0])
    return total / 1e9


def idle(count, seconds):
    guests = [start() for _ in range(count)]
    for guest in guests:  # each has started, and been busy once
        ask(guest)
    time.sleep(2)
    before = cpu(guests)
    time.sleep(seconds)
    used = cpu(guests) - before
    print(f"{count} guests used {used:.4f} s of CPU in {seconds} s")
    for guest in guests:
        guest.stdin.close()
    return used <= seconds * CPU_MOST and all(guest.wait(60) == 0 for guest in guests)


class Apart:
    """How far a clock of the guest's is ahead of the host's: each answer says between what and what."""

    def __init__(self):
        self.low, self.high = [], []

    def add(self, clock, before, after):
        self.low.append(clock - after)
        self.high.append(clock - before)

    def off(self):
        """How far it ever was off, at least and at most."""
        return max(0, max(self.low), -min(self.high)), max(max(self.high), -min(self.low))

    def moved(self):
        """By how much that changed, at least and at most."""
        return max(0, max(self.low) - min(self.high)), max(self.high) - min(self.low)


def between(pair):
    return f"{pair[0] / 1e3:.1f} to {pair[1] / 1e3:.1f} us"


def clock(seconds):
    cpus = sorted(os.sched_getaffinity(0))
    guest = start()
    real, mono = Apart(), Apart()
    last, back, asked = (0, 0), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        move(guest, cpus[asked % len(cpus)])
        asked += 1
        quickest = None
        for _ in range(ANSWERS):
            clocks, before, after = ask(guest)
            back += clocks[0] < last[0] or clocks[1] <= last[1]
            last = clocks
            if not quickest or after[1] - before[1] < quickest[2][1] - quickest[1][1]:
                quickest = clocks, before, after
            if after[1] - before[1] < QUICK:
                break
        clocks, before, after = quickest
        real.add(clocks[0], before[0], after[0])
        mono.add(clocks[1], before[1], after[1])
        time.sleep(PAUSE)
    guest.stdin.close()
    print(f"clocks over {seconds} s, {asked} times on {len(cpus)} CPUs by turns: realtime was off by "
          f"{between(real.off())}, monotonic moved by {between(mono.moved())}, {back} times back")
    return guest.wait(60) == 0 and max(real.off()[1], mono.moved()[1]) <= OFF_MOST and back == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clock", type=int, default=600)
    args = parser.parse_args()
    results = [idle(args.guests, args.seconds), clock(args.clock)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
