#!/usr/bin/env python3
"""Functions of Go's standard library that wasmvm recognises (engine/run/known.def): run.py WASMVM FRONTS [VERSION...]

Builds tests/known with each Go version.  FRONTS, built from tests/known/fronts.c, calls each function that is found
with and without its front; it says which are found.  Then WASMVM runs the program, which holds their answers against
plain code, and must recognise as many.  Fewer than are wanted is a failure.  A Go that cannot be had is skipped.
CALLS=N in the environment: so many calls of each function (20,000)."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GO = os.path.join(os.path.dirname(HERE), "tools", "go.sh")
VERSIONS = ["1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.9", "1.26.10", "1.27.1"]
NO_ZERO = 3  # FRONTS: address 0 cannot be had
WANTED = [  # the end of a function's name, the first and last release that has it, the CPU's flag
    ("memeqbody", 21, 27, None),
    ("cmpbody", 21, 27, None),
    ("memchr", 21, 27, None),
    ("bytes.Count", 21, 27, "popcnt"),
    ("strings.Count", 21, 27, "popcnt"),
    ("bigmod.addMulVVW", 21, 27, None),
    ("bigmod.addMulVVWWasm", 24, 27, None),
    ("big.addMulVVW_g", 21, 24, None),
    ("big.addMulVVWW_g", 25, 27, None),
    ("big.mulAddVWW_g", 21, 27, None),
    ("sha256.blockGeneric", 21, 27, "sha_ni"),
    ("subtle.xorBytes", 21, 27, None),
    ("aes.encryptBlockGo", 21, 23, "aes"),
    ("aes.decryptBlockGo", 21, 23, "aes"),
    ("aes.encryptBlockGeneric", 24, 27, "aes"),
    ("aes.decryptBlockGeneric", 24, 27, "aes"),
    ("gcm.gcmCounterCryptGeneric", 24, 27, "aes"),
    ("gcm_.updateBlocks", 21, 23, "pclmulqdq"),
    ("gcm.updateBlocks", 24, 26, "pclmulqdq"),
    ("gcm.ghash_range1", 27, 27, "pclmulqdq"),
    ("crc32.slicingUpdate", 21, 27, "pclmulqdq"),
]


def wanted(version):
    release = int(version.split(".")[1])
    with open("/proc/cpuinfo") as f:
        flags = set(re.search(r"^flags.*", f.read(), re.M).group(0).split())
    return [name for name, first, last, flag in WANTED if first <= release <= last and (flag is None or flag in flags)]


def output(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def built(version, module):
    """None, or why there is no such Go."""
    env = dict(os.environ, GOOS="wasip1", GOARCH="wasm")
    words = [GO, version, "build", "-trimpath", "-o", module, "."]
    done = subprocess.run(words, cwd=HERE, env=env, stderr=subprocess.PIPE)
    return done.stderr.decode(errors="replace").strip() if done.returncode else None


def called(fronts, module):
    """What is found; whether all is as without fronts."""
    status, out, err = output(fronts, module, os.environ.get("CALLS", "20000"))
    if status == NO_ZERO:
        return None, True
    print(re.sub("^", "    ", (out + err).rstrip(), flags=re.M))
    return re.findall(r"^(\S+): \d+ calls", out, re.M), status == 0


def checked(wasmvm, fronts, version, module):
    want = wanted(version)
    found, same = called(fronts, module)
    status, out, err = output(wasmvm, "--cache=off", "--stats", module)
    ran = re.search(r"recognised +(\d+)", err)
    count = int(ran.group(1)) if ran and status == 0 else 0
    print(f"go{version}: {count} recognised, {len(want)} wanted; {out.strip()}")
    if found is None:
        print("    SKIPPED: calls with and without fronts, since memory cannot lie at address 0")
    missing = [name for name in want if not any(f.endswith(name) for f in found or want)]
    for name in missing:
        print(f"    {name} is not found")
    return same and not missing and count >= len(want)


def main():
    wasmvm, fronts = (os.path.abspath(word) for word in sys.argv[1:3])
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        for version in sys.argv[3:] or VERSIONS:
            module = os.path.join(folder, version + ".wasm")
            why = built(version, module)
            if why is not None:
                print(f"go{version}: SKIPPED: {why}")
                skipped += 1
            elif checked(wasmvm, fronts, version, module):
                passed += 1
            else:
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
