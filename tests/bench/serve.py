#!/usr/bin/env python3
"""An HTTP server under wrk (1 thread, 64 connections): native with GOMAXPROCS=1, wasmvm, wazero, in turns.

Each runs the same Go program (tests/bench/serve); wazero and wasmvm by a pre-opened listener.  All are started first;
then rounds of a few seconds go from one to the next.  Of each the least disturbed round counts: the most requests for
the rate, the least CPU for CPU per request, the least p99.  CPU is the server process's, user and system, all threads.
Prints Markdown, and the load of the machine at each round on stderr."""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import runtimes
from harness import go_build

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Served:
    def __init__(self, name, argv, env=None):
        self.name, self.port = name, free_port()
        argv = [a.replace("ADDRESS", f"127.0.0.1:{self.port}") for a in argv]
        self.child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.rates, self.cpus, self.p99s, self.requests = [], [], [], 0
        for _ in range(1200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    s.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
                    if s.recv(100).startswith(b"HTTP/1.0 200"):
                        self.requests += 1
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"{name} does not serve")

    def round(self, seconds):
        before = cpu_seconds(self.child.pid)
        load = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{self.port}/hello"]
        out = subprocess.run(load, stdout=subprocess.PIPE, check=True).stdout.decode()
        cpu = cpu_seconds(self.child.pid) - before
        assert "Socket errors" not in out and "Non-2xx" not in out, out
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        rate = float(re.search(r"Requests/sec: +([\d.]+)", out).group(1))
        number, unit = re.search(r"99% +([\d.]+)(us|ms|s)", out).groups()
        p99 = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        self.requests += requests
        self.rates.append(rate)
        self.cpus.append(cpu / requests * 1e6)
        self.p99s.append(p99)
        print(f"# {self.name}: {rate:.0f}/s, {self.cpus[-1]:.1f} us, p99 {p99:.1f} ms, load {os.getloadavg()[0]:.1f}",
              file=sys.stderr, flush=True)

    def end(self):
        subprocess.run(["curl", "-s", f"http://127.0.0.1:{self.port}/quit"], stdout=subprocess.DEVNULL)
        self.child.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    args = parser.parse_args()
    wasm = go_build(".", module="tests/bench/serve")
    found = {r.name: r for r in runtimes.available(["wasmvm", "wazero"])}
    report = tempfile.NamedTemporaryFile()
    native_env = dict(os.environ, GOMAXPROCS="1")
    served = [Served("native", [go_build(".", module="tests/bench/serve", goos="linux"), "ADDRESS"], native_env),
              Served("wasmvm", [found["wasmvm"].path, "--listen", "ADDRESS", "--report", report.name, "--", wasm])]
    if "wazero" in found:
        wazero = found["wazero"]
        served.append(Served("wazero", [wazero.path, "run", f"-cachedir={wazero.cache}", "-listen=ADDRESS", wasm]))
    for s in served:
        s.round(1)  # warms up: code is compiled, heaps grow
        s.rates, s.cpus, s.p99s = [], [], []
    for _ in range(args.rounds):
        for s in served:
            s.round(args.seconds)
    for s in served:
        s.end()
    with open(report.name) as f:
        exits = json.load(f)["exits"]["all"] / served[1].requests
    print("| runtime | requests/s | of native's | CPU us a request | of native's | p99 ms |\n|---|---|---|---|---|---|")
    first = served[0]
    for s in served:
        print(f"| {s.name} | {max(s.rates):.0f} | {max(s.rates) / max(first.rates):.2f} | {min(s.cpus):.1f} | "
              f"{min(s.cpus) / min(first.cpus):.2f} | {min(s.p99s):.1f} |")
    print(f"\nwasmvm: {exits:.3f} exits a request")


if __name__ == "__main__":
    main()
