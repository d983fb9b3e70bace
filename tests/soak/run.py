#!/usr/bin/env python3
"""Runs of all kinds at once, for a long time, of which many are stopped or killed at a random moment; afterwards
nothing of them may be left.

    tests/soak/run.py [--wasmvm build/wasmvm] [--minutes 30] [--jobs 8] [--seed 1]

Each run ends by itself, by a limit, a trap, or a signal that is sent to it: TERM, INT, HUP, QUIT, KILL, SEGV.  What
must hold: a run that is not killed ends with what it must end with, every run ends, and at the end there is no process,
no plug-in's process, and no file of --tmp (after one more run, which removes what killed ones left).  As root, as
nobody else may look at the monitor's processes."""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from harness import go_build, kvm_usable  # noqa: E402

ENDS = 180  # seconds: what does not end, on any machine
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGSEGV]
LATEST = 0.6  # seconds until a signal is sent

# name, program and its words, options, statuses of its own; "D" is a directory of the run's own.
KINDS = [
    ("files", ["files", "rw", "/d"], ["--dir", "D::/d"], {0}),
    ("hello", ["hello"], [], {0}),
    ("tmp", ["files", "rw", "/tmp"], ["--tmp"], {0}),
    ("timeout", ["stop", "spin"], ["--timeout", "300ms"], {124}),
    ("cpu-time", ["stop", "both"], ["--cpu-time", "200ms", "--timeout", "5"], {0, 124}),
    ("sleep", ["stop", "sleep"], ["--timeout", "400ms"], {124}),
    ("poll", ["stop", "both"], ["--timeout", "400ms", "--hypercall", "poll"], {0, 124}),
    ("output", ["stop", "write"], ["--max-written", "256K"], {137}),
    ("memory", ["heap", "512"], ["--memory", "128M"], {2}),
    ("trap", ["trap"], [], {134}),
    ("rate", ["stop", "write"], ["--output-rate", "64K", "--timeout", "500ms"], {124}),
    ("listen", ["stop", "sleep"], ["--listen", "127.0.0.1:0", "--allow-dns=any", "--net-log", "D/log", "--timeout",
                                    "400ms"], {124}),
    ("report", ["process", "exit", "3"], ["--report", "D/report", "--trace=D/trace", "--stats"], {3}),
    ("plug-in", ["stop", "sleep"], ["--plugin-exec", "m=/bin/sh -c cat\\ <&3\\ >&3", "--timeout", "500ms"], {124, 125}),
]


class Soak:
    def __init__(self, wasmvm, seed, minutes):
        self.wasmvm, self.until = wasmvm, time.monotonic() + 60 * minutes
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.counts, self.failures = collections.Counter(), []
        self.place = tempfile.mkdtemp(prefix="soak-")
        self.mark = os.path.basename(self.place)
        os.mkdir(self.place + "/tmp")
        self.env = {**os.environ, "TMPDIR": self.place + "/tmp", "WASMVM_SOAK": self.mark}

    def draw(self, number):
        with self.lock:
            rng = random.Random(self.random.randrange(1 << 60))
        kind = rng.choice(KINDS)
        own = f"{self.place}/{number}"
        os.mkdir(own)
        options = [o.replace("D", own, 1) if o.startswith(("D", "--trace=D")) else o for o in kind[2]]
        argv = [self.wasmvm, *options, "--", go_build("./" + kind[1][0]), *kind[1][1:]]
        return kind, argv, own, rng.choice(SIGNALS) if rng.random() < 0.6 else None, rng.random() * LATEST

    def one(self, number):
        kind, argv, own, sent, after = self.draw(number)
        said_to = own + ".stderr"  # beside it, as the program may empty its directory
        with open(said_to, "wb") as words:
            child = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=words)
        how = "by itself"
        try:
            if sent:
                try:
                    child.wait(after)
                except subprocess.TimeoutExpired:
                    child.send_signal(sent)
                    how = sent.name
            status = child.wait(ENDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            status = None
        with open(said_to, "rb") as words:
            said = words.read(300).decode(errors="replace").split("\n")[0]
        fine = status in kind[3] or (how != "by itself" and status == -sent)
        with self.lock:
            self.counts[kind[0], how] += 1
            if not fine:
                self.failures.append(f"{kind[0]} {how}: status {status}: {said}: {' '.join(argv)}")
        shutil.rmtree(own, ignore_errors=True)
        os.remove(said_to)

    def work(self, job, jobs):
        number = job
        while time.monotonic() < self.until:
            try:
                self.one(number)
            except Exception as error:  # a mistake of ours must not look like a shorter soak
                with self.lock:
                    self.failures.append(f"run {number}: {error!r}")
                return
            number += jobs

    def processes(self):
        """Those that have our mark in their environment."""
        found, want = [], f"WASMVM_SOAK={self.mark}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if want in f.read().split(b"\0"):
                        with open(f"/proc/{pid}/cmdline", "rb") as c:
                            found.append(f"{pid} {c.read().decode(errors='replace')}")
            except OSError:
                pass
        return found

    def left(self):
        """What is left of it, once there was time to end."""
        for _ in range(100):
            processes = self.processes()
            if not processes:
                break
            time.sleep(0.1)
        subprocess.run([self.wasmvm, "--tmp", "--", go_build("./hello")], env=self.env, stdout=subprocess.DEVNULL,
                       check=True)
        tmp = self.place + "/tmp"
        files = [os.path.join(base, name) for base, _, names in os.walk(tmp) for name in names]
        files += [d for d in os.listdir(tmp) if os.listdir(f"{tmp}/{d}")]
        return [f"a process: {p}" for p in processes] + [f"a file: {f}" for f in files]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build", "wasmvm"))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not kvm_usable() or os.geteuid() != 0:
        must = os.environ.get("REQUIRE_KVM") == "1"
        print("skipped: this needs /dev/kvm and root")
        print(f"0 passed, {int(must)} failed, {int(not must)} skipped")
        return int(must)
    for kind in KINDS:
        go_build("./" + kind[1][0])
    soak = Soak(os.path.abspath(given.wasmvm), given.seed, given.minutes)
    threads = [threading.Thread(target=soak.work, args=(n, given.jobs)) for n in range(given.jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    left = soak.left()
    ways = ["by itself", *(s.name for s in SIGNALS)]
    print(f"{'':10}" + "".join(f"{w:>10}" for w in ways))
    for kind in KINDS:
        print(f"{kind[0]:10}" + "".join(f"{soak.counts[kind[0], w]:>10}" for w in ways))
    for bad in soak.failures + left:
        print("failed ", bad)
    shutil.rmtree(soak.place, ignore_errors=True)
    runs, bad = sum(soak.counts.values()), len(soak.failures) + len(left)
    print(f"{runs} runs, seed {given.seed}, {given.jobs} at a time, {given.minutes:g} minutes")
    print(f"{runs + 1 - bad} passed, {bad} failed, 0 skipped")
    return int(bad > 0)


sys.exit(main())
