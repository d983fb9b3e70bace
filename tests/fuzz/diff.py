#!/usr/bin/env python3
"""The differential fuzzer: random valid modules on our engine and on V8, and what came of them compared.

    tests/fuzz/diff.py [--count N] [--seed S] [--kind all|go|ttf|simd] [--keep DIR]

Kinds: `go` from tests/fuzz/generate.py; `ttf` and `simd` from binaryen's wasm-opt -ttf, without and with vectors.  The
modules of a seed are always the same.  A module that differs stays in --keep (build/fuzz/differ).  The last line is
`N passed, N failed`; where node or wasm-opt is missing, that part is skipped and counted so."""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import generate

BATCH = 50
FEATURES = ["--mvp-features", "--enable-multivalue", "--enable-bulk-memory", "--enable-sign-ext",
            "--enable-nontrapping-float-to-int", "--enable-mutable-globals", "--enable-tail-call"]
KINDS = ("go", "ttf", "simd")


def make_ttf(path, rng, simd):
    """One module of binaryen's: it reads random bytes as decisions.  --denan takes NaNs' bits out of the results."""
    with open(path + ".in", "wb") as f:
        f.write(rng.randbytes(rng.choice((200, 1000, 3000, 8000))))
    command = ["wasm-opt", "-ttf", path + ".in", "-o", path, *FEATURES, "--denan"]
    if simd:
        command += ["--enable-simd"]
    if rng.random() < 0.3:
        command += [rng.choice(("-O1", "-O2", "--flatten", "--vacuum"))]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    os.unlink(path + ".in")
    return os.path.exists(path)


def make(path, kind, seed):
    rng = random.Random(f"{kind} {seed}")
    if kind != "go":
        return make_ttf(path, rng, kind == "simd")
    with open(path, "wb") as f:
        f.write(generate.module(rng))
    return True


OLD_CPU = "0x7e"  # bits of enum engine_cpu that are taken away: nothing beyond SSE4.1


def node_flags():
    """Debian's node 18 has tail calls behind a flag; node 20 has them and knows the flag still."""
    flag = "--experimental-wasm-return_call"
    known = subprocess.run(["node", flag, "-e", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [] if known.returncode else [flag]


def compare(paths, directory, runner, features):
    """Names of the modules that differ, with what is told of them."""
    lines = os.path.join(directory, "lines")
    with open(lines, "wb") as f:
        subprocess.run([runner, *features, *paths], stdout=f, timeout=1200)
    command = ["timeout", "300", "node", *node_flags(), os.path.join(ROOT, "tests", "fuzz", "diff_node.mjs"), lines]
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
    options = parser.parse_args()
    kinds = KINDS if options.kind == "all" else (options.kind,)
    if not shutil.which("node"):
        print("diff: no node here, so there is nothing to compare with\n0 passed, 0 failed, 1 skipped")
        return 0
    skipped = 0
    if not shutil.which("wasm-opt"):
        skipped = sum(kind != "go" for kind in kinds)
        kinds = tuple(kind for kind in kinds if kind == "go")
        print("diff: no wasm-opt here (Debian's binaryen): only the modules of generate.py")
    passed = failed = made = 0
    while made < options.count and kinds:
        with tempfile.TemporaryDirectory(prefix="diff-") as directory:
            paths = []
            for number in range(made, min(made + BATCH, options.count)):
                seed, kind = options.seed * 1000000 + number, kinds[number % len(kinds)]
                path = os.path.join(directory, f"{kind}-{seed}.wasm")
                if make(path, kind, seed):
                    paths.append(path)
            features = ["-w", OLD_CPU] if made // BATCH % 4 == 3 else []
            made += BATCH
            differ = compare(paths, directory, options.runner, features)
            passed += len(paths) - len(differ)
            failed += len(differ)
            for path, text in differ:
                print(text.replace(directory + "/", ""), flush=True)
                if os.path.exists(path):
                    os.makedirs(options.keep, exist_ok=True)
                    shutil.copy(path, options.keep)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
