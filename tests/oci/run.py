#!/usr/bin/env python3
"""Containers by wasmvm-oci, with engines as Debian has them: run.py [--wasmvm FILE] [--list] [WORD...]

front.py: the front alone, against hostile configurations and root file systems.  podman.py, containerd.py (by ctr and
crictl): real engines.  All of it runs in a mount and a network namespace of its own, so that engines leave nothing on
this machine: their state lies on file systems that end with the namespace, their bridges and rules in its network.
The last line is `N passed, N failed, N skipped`; the status is 1 if any failed."""

import argparse
import importlib
import os
import pkgutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
sys.dont_write_bytecode = True
import containerd  # noqa: E402
import engines  # noqa: E402
import harness  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasmvm", default=os.path.join(harness.ROOT, "build", "wasmvm"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if not args.list and "WASMVM_OCI_INSIDE" not in os.environ:
        status = engines.unshared([containerd.crictl])
        if status is not None:
            return status
    for module in pkgutil.iter_modules([os.path.join(HERE, "cases")]):
        importlib.import_module(f"cases.{module.name}")
    chosen = [c for c in harness.CASES if not args.words or any(w in c.name for w in args.words)]
    if args.list:
        print("\n".join(c.name for c in chosen))
        return 0
    return harness.run_cases(chosen, args.wasmvm)


if __name__ == "__main__":
    sys.exit(main())
