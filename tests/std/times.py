#!/usr/bin/env python3
"""How long Go's standard library tests take in wasmvm, and on wazero with a warm cache.

    times.py [--wasmvm FILE] [--go VERSION] [--rounds N] [PACKAGE...]

Each package's tests run on wazero once, which fills its cache, and then on both by turns.  Shown are medians, in
seconds: CPU (user and system, all threads), wall, and their ratios; the last line counts the packages that are within
twice wazero's time, as wall or as CPU, and the status is 1 if any is not.  Without PACKAGE: those that took longest
when this was written."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import run as std

sys.path.insert(0, os.path.join(std.ROOT, "tests", "bench"))
import runtimes  # noqa: E402

SLOWEST = ["os", "time", "net/http", "go/build", "runtime", "crypto/cipher", "compress/gzip", "crypto/tls",
           "encoding/gob", "math/big", "crypto/internal/fips140test", "crypto/x509"]
MOST = 2.0


def timed(args, chain, package, binary):
    """One run: CPU and wall seconds."""
    directory = os.path.join(chain.goroot, "src", package)
    with tempfile.TemporaryDirectory(prefix="wasmvm-std-", dir=std.SCRATCH) as top, open(os.devnull, "w") as null:
        scratch = os.path.join(top, "tmp")
        os.mkdir(scratch)
        argv = std.command(args, binary, std.environment(chain.goroot, directory, scratch), top)
        began = time.monotonic()
        child = subprocess.Popen(argv, cwd=directory, stdin=null, stdout=null, stderr=null)
        usage = os.wait4(child.pid, 0)[2]
        return usage.ru_utime + usage.ru_stime, time.monotonic() - began


def compare(args, chain, package):
    binary = std.build(chain, package)
    runs = {"": [], "wazero": []}
    for i in range(-1, args.rounds):
        for args.runtime in runs:
            if i >= 0 or args.runtime:
                runs[args.runtime].append(timed(args, chain, package, binary))
    runs["wazero"].pop(0)
    ours, theirs = ([statistics.median(column) for column in zip(*runs[name])] for name in runs)
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(f"{package:<30} {ours[0]:8.2f} {theirs[0]:8.2f} {ratios[0]:6.2f}   {ours[1]:8.2f} {theirs[1]:8.2f} "
          f"{ratios[1]:6.2f}  {os.getloadavg()[0]:5.1f}", flush=True)
    return min(ratios) <= MOST


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasmvm", default=os.path.join(std.ROOT, "build", "wasmvm"))
    parser.add_argument("--go", default=std.VERSIONS[-1], choices=std.VERSIONS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("package", nargs="*", default=SLOWEST)
    args = parser.parse_args()
    wazero = runtimes.Wazero()
    wazero.setup()
    args.wazero, args.wasmvm, args.bare, args.option = wazero.path, os.path.abspath(args.wasmvm), False, []
    chain = std.toolchain(args.go)
    print(f"{'':<30} {'CPU':>8} {'wazero':>8} {'ratio':>6}   {'wall':>8} {'wazero':>8} {'ratio':>6}  {'load':>5}")
    within = [compare(args, chain, package) for package in args.package]
    print(f"{within.count(True)} passed, {within.count(False)} failed, 0 skipped")
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
