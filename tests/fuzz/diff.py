#!/usr/bin/env python3
"""The differential fuzzer: random valid modules on our engine and on V8, and what came of them compared.

    tests/fuzz/diff.py [--count N] [--seed S] [--kind all|go|ttf|simd|edges] [--keep DIR] [--vm WASMVM]

Kinds: `go` from tests/fuzz/generate.py, `edges` from tests/fuzz/edges.py; `ttf` and `simd` from binaryen's wasm-opt
-ttf, without and with vectors.  The modules of a seed are always the same.  Each is run again with memory 0 at address
0, as if on an old CPU, and with both; with --vm also in a virtual machine, where all that is a call must come out the
same (tests/fuzz/script.py).  A module that differs stays in --keep (build/fuzz/differ).  The last line is `N passed, N
failed`; where node, wasm-opt, address 0 or /dev/kvm is missing, that part is skipped and counted so."""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import edges
import generate
import script

BATCH = 50
FEATURES = ["--mvp-features", "--enable-multivalue", "--enable-bulk-memory", "--enable-sign-ext",
            "--enable-nontrapping-float-to-int", "--enable-mutable-globals", "--enable-tail-call"]
KINDS = ("go", "ttf", "simd", "edges")
OWN = {"go": generate.module, "edges": edges.module} # the others need wasm-opt


def make_ttf(path, rng, simd):
    """One module of binaryen's: it reads random bytes as decisions.  --denan takes NaNs' bits out of the results."""
    with open(path + ".in", "wb") as f:
        f.write(rng.randbytes(rng.choice((200, 1000, 3000, 8000))))
    command = ["wasm-opt", "-ttf", path + ".in", "-o", path, *FEATURES, "--denan"]
    if simd:
        command += ["--enable-simd"]
    if rng.random() < 0.3:
        command += [rng.choice(("-O1", "-O2", "--flatten", "--vacuum"))]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
    os.unlink(path + ".in")
    return os.path.exists(path)


def make(path, kind, seed):
    rng = random.Random(f"{kind} {seed}")
    if kind not in OWN:
        return make_ttf(path, rng, kind == "simd")
    with open(path, "wb") as f:
        f.write(OWN[kind](rng))
    return True


OLD_CPU = "0x7e"  # bits of enum engine_cpu that are taken away: nothing beyond SSE4.1
WAYS = [["-z"], ["-w", OLD_CPU], ["-z", "-w", OLD_CPU]]
IMAGE = os.path.join(ROOT, "build", "tests", "script.elf")


def node_flags():
    """Debian's node 18 has tail calls behind a flag; node 20 has them and knows the flag still."""
    flag = "--experimental-wasm-return_call"
    known = subprocess.run(["node", flag, "-e", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [] if known.returncode else [flag]


def run(runner, flags, paths, lines):
    """What the runner prints, in the file `lines` and by module."""
    with open(lines, "wb") as f:
        subprocess.run([runner, *flags, *paths], stdout=f, timeout=1200)
    with open(lines, errors="replace") as f:
        parts = f.read().split("module ")[1:]
    return {path: rest for path, _, rest in (part.partition("\n") for part in parts)}


def again(paths, directory, runner, ours):
    """Modules that do something else with memory 0 at address 0, or on an old CPU."""
    differ = []
    for flags in WAYS:
        other = run(runner, flags, paths, os.path.join(directory, "again"))
        for path in paths:
            if other.get(path) != ours.get(path):
                differ.append((path, f"{path}\n  with {' '.join(flags)} it does not do the same"))
    return differ


def in_vms(paths, directory, wasmvm, ours):
    """Modules of which a call comes out otherwise in a virtual machine."""
    differ, file = [], os.path.join(directory, "script")
    for path in paths:
        count = script.write(file, path, ours.get(path, ""))
        if not count:
            continue
        command = [wasmvm, "--guest-image", IMAGE, "--memory", "4G", "--stack", "1M", "--timeout", "600", file]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        if f"a test script: {count} passed, 0 failed" not in done.stderr:
            differ.append((path, f"{path}\n  in a VM: {done.stderr.strip()[:2000]}"))
    return differ


def compare(paths, directory, lines):
    """Names of the modules that differ on V8, with what is told of them."""
    command = ["timeout", "1200", "node", *node_flags(), os.path.join(ROOT, "tests", "fuzz", "diff_node.mjs"), lines]
    node = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if not node.stdout.rstrip().split("\n")[-1].startswith(f"compared {len(paths)} modules"):
        return [("?", "node did not come to its end:\n" + node.stdout[-2000:] + node.stderr[-2000:])]
    differ, current = [], None
    for line in node.stdout.split("\n")[:-2]:
        if line.startswith("  ") and differ:
            differ[-1] = (differ[-1][0], differ[-1][1] + "\n" + line)
        elif line.endswith(".wasm"):
            differ.append((line, line))
    return differ


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=("all", *KINDS), default="all")
    parser.add_argument("--keep", default=os.path.join(ROOT, "build", "fuzz", "differ"))
    parser.add_argument("--runner", default=os.path.join(ROOT, "build", "host", "diff-run"))
    parser.add_argument("--vm", help="build/wasmvm; build/tests/script.elf must be there")
    options = parser.parse_args()
    kinds = KINDS if options.kind == "all" else (options.kind,)
    if not shutil.which("node"):
        print("diff: no node here, so there is nothing to compare with\n0 passed, 0 failed, 1 skipped")
        return 0
    skipped = 0
    if not shutil.which("wasm-opt"):
        skipped = sum(kind not in OWN for kind in kinds)
        kinds = tuple(kind for kind in kinds if kind in OWN)
        print("diff: no wasm-opt here (Debian's binaryen): only modules of our own generators")
    if subprocess.run([options.runner, "-z"], stderr=subprocess.DEVNULL).returncode:
        print("diff: address 0 cannot be had here: nothing is run as in the guest")
        WAYS[:] = [way for way in WAYS if "-z" not in way]
        skipped += 1
    if options.vm and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("diff: no /dev/kvm")
        options.vm = None
        skipped += 1
    passed = failed = made = 0
    while made < options.count and kinds:
        with tempfile.TemporaryDirectory(prefix="diff-") as directory:
            paths = []
            for number in range(made, min(made + BATCH, options.count)):
                seed, kind = options.seed * 1000000 + number, kinds[number % len(kinds)]
                path = os.path.join(directory, f"{kind}-{seed}.wasm")
                if make(path, kind, seed):
                    paths.append(path)
            made += BATCH
            lines = os.path.join(directory, "lines")
            ours = run(options.runner, [], paths, lines)
            differ = compare(paths, directory, lines) + again(paths, directory, options.runner, ours)
            if options.vm:
                differ += in_vms(paths, directory, options.vm, ours)
            bad = len({path for path, _ in differ})
            passed += len(paths) - bad
            failed += bad
            for path, text in differ:
                print(text.replace(directory + "/", ""), flush=True)
                if os.path.exists(path):
                    os.makedirs(options.keep, exist_ok=True)
                    shutil.copy(path, options.keep)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
