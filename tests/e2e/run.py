#!/usr/bin/env python3
"""Runs the end-to-end cases: run.py [--wasmvm FILE] [--cases FOLDER] [--go VERSION] [--list] [WORD...]

Only cases whose name holds one of the words are run, their Go programs built by the pinned Go or by --go's (process,
streams, limits and files work with every one from 1.21 on).  REQUIRE_KVM=1 turns every skip into a failure.  The last
line is `N passed, N failed, N skipped`; the status is 1 if any failed."""

import argparse
import importlib
import os
import pkgutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import harness  # noqa: E402


def main():
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:  # started in the background: the cases that send them need them
            signal.signal(number, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasmvm", default=os.path.join(harness.ROOT, "build", "wasmvm"))
    parser.add_argument("--go", default=harness.Context.version)
    parser.add_argument("--cases", default=os.path.join(harness.ROOT, "tests", "e2e", "cases"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    harness.Context.version = args.go
    folder, package = os.path.split(os.path.abspath(args.cases))
    sys.path.insert(0, folder)
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
    chosen = [c for c in harness.CASES if not args.words or any(w in c.name for w in args.words)]
    if args.list:
        print("\n".join(c.name for c in chosen))
        return 0
    return harness.run_cases(chosen, args.wasmvm)


if __name__ == "__main__":
    sys.exit(main())
