#!/usr/bin/env python3
"""What processes hold of memory that wait, with --dense and without: dense.py [--guests N[,N...]]

N guests (20) of one module, each `wasmvm ask.wasm` in a process of its own from one image of its start, have answered
once and wait for a line.  For each way: Pss of a process (what several share is divided among them), of which its own
pages, and the kernel's memory, of a control group of their own where one can be made (as root)."""

import argparse
import os
import subprocess
import tempfile
import time

import runtimes  # noqa: F401  (finds the harness)
from harness import ROOT, go_build

WASMVM = os.environ.get("WASMVM", os.path.join(ROOT, "build", "wasmvm"))
MEMORY = "/sys/fs/cgroup/memory"


class Group:
    """A control group for what is started; without the right to make one, the kernel's memory is not known."""

    def __init__(self):
        self.path = os.path.join(MEMORY, f"wasmvm-dense-{os.getpid()}")
        try:
            os.mkdir(self.path)
        except OSError:
            self.path = None

    def enter(self):
        if self.path:
            with open(os.path.join(self.path, "cgroup.procs"), "w") as file:
                file.write(str(os.getpid()))

    def kernel(self):
        if not self.path:
            return None
        with open(os.path.join(self.path, "memory.kmem.usage_in_bytes")) as file:
            return int(file.read())

    def end(self):
        for _ in range(100 if self.path else 0):
            try:
                return os.rmdir(self.path)
            except OSError:
                time.sleep(0.1)


def start(words, group=None):
    return subprocess.Popen([WASMVM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            preexec_fn=group.enter if group else None)


def answer(guest):
    guest.stdin.write("t\n")
    guest.stdin.flush()
    assert guest.stdout.readline().split()


def end(guest):
    guest.stdin.close()
    guest.wait()


def warm(words):
    """What --stats says of such a run."""
    ran = subprocess.run([WASMVM, "--stats", *words], input="t\n", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         text=True, check=True)
    return "\ncache       warm\n" in ran.stderr


def rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        rows = dict(line.split(":", 1) for line in file.readlines()[1:])
    return {name: int(rows[name].split()[0]) for name in ("Pss", "Private_Dirty", "Private_Clean", "AnonHugePages")}


def measure(words, count):
    group = Group()
    guests = [start(words, group) for _ in range(count)]
    for guest in guests:
        answer(guest)
    time.sleep(1)
    kernel = group.kernel()
    rows = [rollup(guest.pid) for guest in guests]
    for guest in guests:
        end(guest)
    group.end()
    mean = {name: sum(row[name] for row in rows) // count for name in rows[0]}
    own = mean["Private_Dirty"] + mean["Private_Clean"]
    told = f"{kernel // count // 1024} KiB of the kernel's" if kernel is not None else "the kernel's is not known"
    return f"{mean['Pss']:,} KiB of Pss, {own:,} its own, {mean['AnonHugePages']:,} in huge pages; {told}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--guests", default="20")
    counts = [int(n) for n in parser.parse_args().guests.split(",")]
    module = go_build("./ask")
    with tempfile.TemporaryDirectory(prefix="wasmvm-dense-") as store:
        words = ["--cache", os.path.join(store, "cache"), module]
        for _ in range(3):  # a list, an image, a run from it
            first = start(["--cache-now", *words])
            answer(first)
            time.sleep(1)  # it waits, by functions that the image is to have
            end(first)
        for count in counts:
            for way in [], ["--dense"]:
                assert warm([*way, *words])
                print(f"{count} guests, {' '.join(way) or 'without'}: {measure([*way, *words], count)}", flush=True)


if __name__ == "__main__":
    main()
