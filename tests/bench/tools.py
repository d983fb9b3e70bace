#!/usr/bin/env python3
"""Real Go command-line tools as short jobs on real input: tools.py [--check] [--warm] [--runs N] [--runtimes A,B]

Every tool is built at go.mod's exact version, natively and for wasip1, and its output must be the native one's.
Without --check: CPU of each, and of all together against native, everything counted (start, compiling), from nothing
cached: a runtime's cache is emptied before each run.  --warm leaves the caches full.  --check ends with
`N passed, N failed`."""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import runtimes
from harness import GO, ROOT, go_build, measured

MODULE = "tests/bench/tools"
JOBS = os.path.join(ROOT, MODULE, "jobs")

# name, package, arguments, input file for stdin.  Files are names in the scratch directory.
TOOLS = [
    ("gojq", "github.com/itchyny/gojq/cmd/gojq",
     ["-s", "map({ImportPath, files: (.GoFiles // [] | length), imports: (.Imports // [] | length)})"
            " | sort_by(-.files) | .[:40]", "packages.json"], None),
    ("yq", "github.com/mikefarah/yq/v4",
     ["-o=json", "[.[] | select(.go != null) | {\"go\": .go, \"in\": (.in | length)}]", "moves.yaml"], None),
    ("goawk", "github.com/benhoyt/goawk", ["-f", "words.awk", "opticks.txt"], None),
    ("shfmt", "mvdan.cc/sh/v3/cmd/shfmt", ["-i", "2", "-sr"], "scripts.bash"),
    ("goja", "github.com/dop251/goja/goja", ["report.js"], None),
    ("yaegi", "github.com/traefik/yaegi/cmd/yaegi", ["run", "program.go"], None),
    ("gofumpt", "mvdan.cc/gofumpt", ["-extra"], "bundle.go"),
    ("goimports", "golang.org/x/tools/cmd/goimports", ["-format-only"], "bundle.go"),
    ("jsonnet", "github.com/google/go-jsonnet/cmd/jsonnet", ["services.jsonnet"], None),
    ("tomlv", "github.com/BurntSushi/toml/cmd/tomlv", ["-types", "config.toml"], None),
]


def prepare(scratch):
    """Puts all inputs into the scratch directory: the jobs, and files of the pinned Go's own tree."""
    for name in os.listdir(JOBS):
        shutil.copy(os.path.join(JOBS, name), scratch)
    goroot = subprocess.run([GO, "pinned", "env", "GOROOT"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()

    def collect(into, *names):
        with open(os.path.join(scratch, into), "wb") as out:
            for name in names:
                with open(os.path.join(goroot, "src", name), "rb") as f:
                    out.write(f.read())

    collect("opticks.txt", "testdata/Isaac.Newton-Opticks.txt")
    collect("bundle.go", "net/http/h2_bundle.go")
    collect("scripts.bash", *8 * [n for n in sorted(os.listdir(os.path.join(goroot, "src"))) if n.endswith(".bash")])
    collect("moves.yaml", "simd/archsimd/_gen/simdgen/ops/Moves/go.yaml")
    with open(os.path.join(scratch, "packages.json"), "wb") as out:
        fields = "-json=ImportPath,GoFiles,Imports,Doc,Deps,TestGoFiles"
        subprocess.run([GO, "pinned", "list", fields, "std"], stdout=out, check=True)


class Tool:
    def __init__(self, name, package, args, stdin):
        self.name, self.args, self.stdin = name, args, stdin
        self.native = go_build(package, module=MODULE, goos="linux")
        self.wasm = go_build(package, module=MODULE)


def measure(runtime, tool, scratch):
    env = dict(os.environ, BENCH_PWD=scratch, HOME=scratch)
    with open(os.path.join(scratch, tool.stdin) if tool.stdin else os.devnull, "rb") as stdin:
        result = measured(runtime.argv(tool, tool.args, [scratch]), stdin=stdin, cwd=scratch, timeout=300, env=env)
    return result


def said(result):
    """What is compared: the status and both streams, without the clock that goja's console puts before each line."""
    return result.status, re.sub(rb"(?m)^\d{4}/\d\d/\d\d [0-9:]{8} ", b"", result.out + result.err)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--runtimes", default="")
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("tools", nargs="*")
    args = parser.parse_args()
    names = ["wasmvm"] if args.check else [r for r in args.runtimes.split(",") if r]
    found = [r for r in runtimes.available(names) if args.warm or r.name != "wasmvm-warm"]
    passed = failed = 0
    cpu = {}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = os.path.realpath(scratch)
        prepare(scratch)
        chosen = [t for t in TOOLS if not args.tools or t[0] in args.tools]
        for row in chosen:
            tool = Tool(*row)
            want = measure(found[0], tool, scratch)
            samples = {r.name: [] for r in found}
            for _ in range(1 if args.check else args.runs):
                for runtime in found:
                    if not args.warm and hasattr(runtime, "forget"):
                        runtime.forget()
                    elif args.warm and not samples[runtime.name]:
                        for _ in range(runtime.first):
                            measure(runtime, tool, scratch)
                    result = measure(runtime, tool, scratch)
                    samples[runtime.name].append(result.cpu)
                    if said(result) != said(want) or want.status or len(said(want)[1]) < 20:
                        failed += 1
                        print(f"{runtime.name}: {tool.name}: output is not the native one's\n{result}\nnative: {want}")
                    else:
                        passed += 1
            for name, values in samples.items():
                cpu[tool.name, name] = statistics.median(values)
            progress = ", ".join(f"{r.name} {cpu[tool.name, r.name]:.3f} s" for r in found)
            print(f"# {tool.name}: {progress}", file=sys.stderr, flush=True)
    if args.check:
        print(f"{passed} passed, {failed} failed")
    else:
        table([t[0] for t in chosen], found, cpu, args.warm)
        print(f"\n{failed} wrong outputs")
    return 1 if failed else 0


def table(tools, found, cpu, warm):
    print(f"\nReal tools, CPU seconds, all included, {'caches warm' if warm else 'from nothing cached'}:\n")
    print("| tool | " + " | ".join(r.name for r in found) + " |\n|---|" + "---|" * len(found))
    for tool in tools:
        print(f"| {tool} | " + " | ".join(f"{cpu[tool, r.name]:.3f}" for r in found) + " |")
    sums = {r.name: sum(cpu[t, r.name] for t in tools) for r in found}
    print("| **sum** | " + " | ".join(f"**{s:.3f}**" for s in sums.values()) + " |")
    print("| **against native** | " + " | ".join(f"**{s / sums['native']:.1f}**" for s in sums.values()) + " |")


if __name__ == "__main__":
    sys.exit(main())
