#!/usr/bin/env python3
"""Functions of Go's standard library that wasmvm recognises (engine/run/known.def): run.py WASMVM [VERSION...]

Builds tests/known with each Go version, and runs it: it holds what was recognised against plain code.
Says how many functions were found; fewer than are wanted is a failure.  A Go that cannot be had is skipped."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GO = os.path.join(os.path.dirname(HERE), "tools", "go.sh")
VERSIONS = ["1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.9", "1.26.10", "1.27.1"]


def found(wasmvm, version, folder):
    """How many were recognised, and what the program said; None: no such Go."""
    module = os.path.join(folder, version + ".wasm")
    env = dict(os.environ, GOOS="wasip1", GOARCH="wasm")
    words = [GO, version, "build", "-trimpath", "-o", module, "."]
    built = subprocess.run(words, cwd=HERE, env=env, stderr=subprocess.PIPE)
    if built.returncode:
        return None, built.stderr.decode(errors="replace").strip()
    ran = subprocess.run([wasmvm, "--cache=off", "--stats", module], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = re.search(r"recognised +(\d+)", ran.stderr.decode())
    return (int(said.group(1)) if said and ran.returncode == 0 else 0), ran.stdout.decode().strip()


def main():
    wasmvm, passed, failed, skipped = os.path.abspath(sys.argv[1]), 0, 0, 0
    with open("/proc/cpuinfo") as f:
        want = 2 if " sha_ni " in f.read() else 1
    with tempfile.TemporaryDirectory() as folder:
        for version in sys.argv[2:] or VERSIONS:
            n, said = found(wasmvm, version, folder)
            print(f"go{version}: " + (f"SKIPPED: {said}" if n is None else f"{n} recognised, {want} wanted; {said}"))
            skipped += n is None
            passed += n is not None and n >= want
            failed += n is not None and n < want
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
