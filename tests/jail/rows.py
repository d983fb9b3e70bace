#!/usr/bin/env python3
"""Each row of the jail's table is needed: rows.py [--build DIRECTORY] [WORD...]

Takes each row out of vmm/jail/calls.def, for a test build of the monitor, and runs the test that rows.txt names for it,
which must fail without the row and pass with it.  A row that rows.txt does not have is a skip.  Only rows that hold one
of the words.  The last line is `N passed, N failed, N skipped`."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def command(test, build):
    """golden/NAME is a file of golden cases, hostile/NAME a guest, jail/NAME a check of run.py, all else an end-to-end
    case."""
    if test.startswith("hostile/"):
        return ["tests/hostile/run.sh", f"{build}/jailed/wasmvm", test[8:]]
    if test.startswith("golden/"):
        return ["tests/golden/run.sh", f"{build}/jailed/wasmvm", f"tests/{test}.golden"]
    if test.startswith("jail/"):
        return ["tests/jail/run.py", "--build", build, test[5:]]
    return ["tests/e2e/run.py", "--wasmvm", f"{build}/jailed/wasmvm", test]


def outcome(test, build, filters=None):
    """passed, failed, or skipped: this host has not what the test looks at."""
    env = dict(os.environ, REQUIRE_KVM="1")
    if filters:
        env["JAIL_TEST_FILTER"] = filters
    ran = subprocess.run(command(test, build), cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False)
    if re.search(r"[1-9]\d* skipped$", ran.stdout.strip()):
        return "skipped"
    return "failed" if ran.returncode else "passed"


def check(index, test, build, known, top):
    """A verdict, and why."""
    if test not in known:
        known[test] = outcome(test, build)
    if known[test] != "passed":
        return known[test], f"{test} {known[test]} with the row, too"
    filters = os.path.join(top, "filters")
    with open(filters, "wb") as file:
        subprocess.run([f"{build}/jail/compile", "--without", str(index)], stdout=file, check=True)
    os.chmod(filters, 0o644)
    fails = outcome(test, build, filters) == "failed"
    return ("passed", None) if fails else ("failed", f"{test} passes without the row")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    with open(os.path.join(HERE, "rows.txt"), encoding="ascii") as file:
        tests = dict(line.rstrip("\n").split(": ", 1) for line in file if not line.startswith("#"))
    rows = subprocess.run([f"{build}/jail/compile", "--rows"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.splitlines()
    counts, known = {"passed": 0, "failed": 0, "skipped": 0}, {}
    with tempfile.TemporaryDirectory(prefix="wasmvm-rows-") as top:
        os.chmod(top, 0o755)
        for index, row in enumerate(rows):
            if args.words and not any(word in row for word in args.words):
                continue
            verdict, wrong = (check(index, tests[row], build, known, top) if row in tests else
                              ("skipped", "no test is known to need it"))
            counts[verdict] += 1
            if wrong:
                print(f"{verdict:8}{row}: {wrong}", flush=True)
    for row in set(tests) - set(rows):
        print(f"failed  {row}: the table has no such row")
        counts["failed"] += 1
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    return int(counts["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
