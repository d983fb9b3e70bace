#!/usr/bin/env python3
"""Go servers under load, native with GOMAXPROCS=1 and here, in turns: serve.py [--rounds N] [--seconds S] [WORD...]

http    Go's net/http under wrk, 64 connections; also by a listener that wasmvm opened, and on wazero
redis   a library's server of Redis' protocol under redis-benchmark, 64 connections, SET and GET
grpc    health checks, 64 in flight over 8 connections, by a client of Go's (tests/bench/serve/grpc)

The programs of tests/bench/serve are built by the go command and by `wasmvm go`.  All servers of a row start first;
then rounds of a few seconds go from one to the next.  A figure is the median of the rounds; a ratio is the median of
the ratios to native within each round.  CPU is the server process's, all threads.  Prints Markdown, and each round on
stderr."""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import runtimes
from harness import ROOT, go_build

MODULE = "tests/bench/serve"
CONNECTIONS = 64


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """All threads that live; in nanoseconds' steps, other than /proc/PID/stat."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def output(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()


# ---- loads: (requests, requests a second, p99 in ms) ----


def wrk(port, seconds):
    out = output(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/hello"])
    assert "Socket errors" not in out and "Non-2xx" not in out, out
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    rate = float(re.search(r"Requests/sec: +([\d.]+)", out).group(1))
    number, unit = re.search(r"99% +([\d.]+)(us|ms|s)", out).groups()
    return requests, rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def redis_benchmark(port, seconds):
    each = 20000 * seconds
    out = output(["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-c", str(CONNECTIONS), "-n", str(each),
                  "-t", "set,get", "--csv"])
    rows = [[float(x.strip('"')) for x in line.split(",")[1:]] for line in out.splitlines()
            if line.startswith(('"SET"', '"GET"'))]
    assert len(rows) == 2, out
    return 2 * each, 2 / sum(1 / row[0] for row in rows), max(row[5] for row in rows)


def grpc_calls(port, seconds):
    load = go_build("./grpc", module=MODULE, goos="linux")
    requests, rate, p99 = output([load, "load", f"127.0.0.1:{port}", str(seconds), str(CONNECTIONS), "8"]).split()
    return int(requests), float(rate), int(p99) / 1000


LOADS = {"http": (wrk, []), "redis": (redis_benchmark, []), "grpc": (grpc_calls, ["serve"])}


# ---- servers ----


class Served:
    def __init__(self, name, port, argv, env=None):
        self.name, self.port, self.rounds, self.requests = name, port, [], 0
        self.child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        for _ in range(1200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert self.child.poll() is None, f"{name} does not serve"
                time.sleep(0.1)
        raise SystemExit(f"{name} does not serve")

    def round(self, load, seconds):
        """(requests a second, CPU us a request, p99 ms)"""
        before = cpu_seconds(self.child.pid)
        requests, rate, p99 = load(self.port, seconds)
        cpu = cpu_seconds(self.child.pid) - before
        self.requests += requests
        self.rounds.append((rate, cpu / requests * 1e6, p99))
        print(f"# {self.name}: {rate:.0f}/s, {self.rounds[-1][1]:.1f} us, p99 {p99:.1f} ms, "
              f"load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)

    def end(self):
        self.child.terminate()
        self.child.wait(60)


def overlaid(wasmvm, package):
    """As `wasmvm go build` makes it."""
    path = os.path.join(tempfile.mkdtemp(prefix="wasmvm-serve-"), package + ".wasm")
    return runtimes.by_wasmvm_go(wasmvm, os.path.join(ROOT, MODULE, package), path)


def servers(what, found, report):
    """All ways to run it, native first."""
    wasmvm, words, port = found["wasmvm"].path, LOADS[what][1], free_port()
    native = [go_build("./" + what, module=MODULE, goos="linux"), *words, f"127.0.0.1:{port}"]
    yield Served("native", port, native, dict(os.environ, GOMAXPROCS="1"))
    at = f"127.0.0.1:{(port := free_port())}"
    yield Served("wasmvm", port, [wasmvm, "--allow-listen", at, "--report", report, "--", overlaid(wasmvm, what),
                                  *words, at])
    if what != "http":
        return
    stock = go_build("./preopened", module=MODULE)
    at = f"127.0.0.1:{(port := free_port())}"
    yield Served("wasmvm, its listener", port, [wasmvm, "--listen", at, "--", stock])
    if "wazero" in found:
        wazero, at = found["wazero"], f"127.0.0.1:{(port := free_port())}"
        yield Served("wazero", port, [wazero.path, "run", f"-cachedir={wazero.cache}", f"-listen={at}", stock])


def measure(what, found, rounds, seconds):
    with tempfile.NamedTemporaryFile() as report:
        served = list(servers(what, found, report.name))
        load = LOADS[what][0]
        for s in served:
            s.round(load, 1)  # warms up: code is compiled, heaps grow
            s.rounds = []
        for _ in range(rounds):
            for s in served:
                s.round(load, seconds)
        for s in served:
            s.end()
        exits = json.load(open(report.name))["exits"]["all"] / served[1].requests
    for s in served:
        rate, cpu, p99 = (statistics.median(column) for column in zip(*s.rounds))
        pairs = [(ours[0] / native[0], ours[1] / native[1]) for ours, native in zip(s.rounds, served[0].rounds)]
        of_rate, of_cpu = (statistics.median(column) for column in zip(*pairs))
        print(f"| {what} | {s.name} | {rate:,.0f} | {of_rate:.2f} | {cpu:.1f} | {of_cpu:.2f} | {p99:.1f} | "
              f"{f'{exits:.3f}' if s is served[1] else ''} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    found = {r.name: r for r in runtimes.available(["wasmvm", "wazero"])}
    print("| server | runtime | requests/s | of native's | CPU us a request | of native's | p99 ms | exits a request |")
    print("|---|---|---|---|---|---|---|---|")
    for what in LOADS:
        if not args.words or what in args.words:
            measure(what, found, args.rounds, args.seconds)


if __name__ == "__main__":
    main()
