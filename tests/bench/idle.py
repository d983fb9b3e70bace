#!/usr/bin/env python3
"""What a guest costs while nothing happens: idle.py [--guests N] [--seconds S] [--clock S]

N guests (200) wait for a line on stdin for S seconds (60): their CPU time, all threads together, must not grow.  Then
one guest is asked for its clocks once a second for --clock seconds (600): they must be the host's within 1 ms, each
time, and never go back.  The last line is `N passed, N failed`."""

import argparse
import os
import subprocess
import sys
import time

import runtimes  # noqa: F401  (finds the harness)
from harness import ROOT, go_build

TICK = os.sysconf("SC_CLK_TCK")
CPU_MOST = 0.02  # of one CPU, all guests together: less than one of them would cost by looking 50 times a second
OFF_MOST = 1_000_000  # ns
WASMVM = os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm"))


def start():
    wasm = go_build("./ask")
    return subprocess.Popen([WASMVM, wasm], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(guest):
    """The guest's clocks, and the host's realtime before and after."""
    before = time.time_ns()
    guest.stdin.write("t\n")
    guest.stdin.flush()
    wall, mono = map(int, guest.stdout.readline().split())
    return wall, mono, before, time.time_ns()


def cpu(guests):
    total = 0
    for guest in guests:
        with open(f"/proc/{guest.pid}/stat") as stat:
            total += sum(int(word) for word in stat.read().rpartition(")")[2].split()[11:13])
    return total / TICK


def idle(count, seconds):
    guests = [start() for _ in range(count)]
    for guest in guests:  # each has started, and been busy once
        ask(guest)
    time.sleep(2)
    before = cpu(guests)
    time.sleep(seconds)
    used = cpu(guests) - before
    print(f"{count} guests used {used:.2f} s of CPU in {seconds} s")
    for guest in guests:
        guest.stdin.close()
    return used <= seconds * CPU_MOST and all(guest.wait(60) == 0 for guest in guests)


def clock(seconds):
    guest = start()
    worst = last_wall = last_mono = back = 0
    for _ in range(seconds):
        wall, mono, before, after = ask(guest)
        worst = max(worst, before - wall, wall - after)
        back += wall < last_wall or mono <= last_mono
        last_wall, last_mono = wall, mono
        time.sleep(1)
    guest.stdin.close()
    off = max(worst, 0) / 1e3
    print(f"clocks over {seconds} s: {off:.1f} us off at most beyond the time of asking, {back} times back")
    return guest.wait(60) == 0 and worst <= OFF_MOST and back == 0


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
