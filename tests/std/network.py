#!/usr/bin/env python3
"""Go's own tests of what uses the network, with the host's network: network.py [--wasmvm FILE] [--ci] [--go VERSION]...
[--update] [PACKAGE...]

network.txt has the packages, how many tests must pass, and what is skipped for which reason.  Each package is run by
`wasmvm go test -short` as a user would, with the whole file tree and every rule of the network that there is for
programs that one trusts.  --ci: the packages marked so, by the newest Go.  --update writes the counts that were seen.
What a package printed stays in build/std/network/VERSION/PACKAGE.txt."""

import argparse
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
TABLE = os.path.join(HERE, "network.txt")
LOGS = os.path.join(ROOT, "build", "std", "network")
GO = os.path.join(ROOT, "tests", "tools", "go.sh")
VERSIONS = ["1.21.13", "1.27.1"]
GRANTS = "--dir / --net-all --allow-unix --allow-dns=any --env-all"
MINUTES = 30  # on a busy machine


def table():
    """({package: [part, {version: passed}]}, {(version, package): [test...]})"""
    packages, skips = {}, {}
    with open(TABLE) as f:
        for line in f:
            words = line.split()
            if words[:1] == ["package"]:
                packages[words[1]] = [words[2], dict(zip(VERSIONS, words[3:]))]
            elif words and words[0].split("-")[0] == "skip":
                assert len(words) > 3, f"no reason: {line}"
                versions = [words[0].split("-")[1]] if "-" in words[0] else VERSIONS
                for version in versions:
                    skips.setdefault((version, words[1]), []).append(words[2])
    return packages, skips


def write(packages):
    with open(TABLE) as f:
        lines = f.readlines()
    with open(TABLE, "w") as f:
        for line in lines:
            words = line.split()
            if words[:1] == ["package"]:
                part, counts = packages[words[1]]
                line = f"package {words[1]:<18} {part:<4} " + " ".join(counts[v] for v in VERSIONS) + "\n"
            f.write(line)


def environment(version):
    root = subprocess.run([GO, version, "env", "GOROOT"], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
    env = {k: v for k, v in os.environ.items() if not k.startswith("GO")}
    return dict(env, PATH=f"{root}/bin:{env['PATH']}", GOTOOLCHAIN="local", GOWASIRUNTIMEARGS=GRANTS)


def run(wasmvm, version, package, skips):
    """(passed, names that failed, status)"""
    log = os.path.join(LOGS, version, package.replace("/", "_") + ".txt")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    skip = ["-skip", "|".join(skips)] if skips else []
    with open(log, "wb") as out:
        command = [wasmvm, "go", "test", "-short", "-count=1", "-v", f"-timeout={MINUTES}m", *skip, package]
        status = subprocess.call(command, env=environment(version), cwd="/", stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out)
    with open(log, "rb") as f:
        verdicts = re.findall(rb"^--- (PASS|FAIL): (\S+)", f.read(), re.M)
    failed = [name.decode() for kind, name in verdicts if kind == b"FAIL"]
    return len(verdicts) - len(failed), failed, status


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasmvm", default=os.path.join(ROOT, "build", "wasmvm"))
    parser.add_argument("--go", action="append", choices=VERSIONS)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("package", nargs="*")
    return parser.parse_args()


def main():
    args = arguments()
    packages, skips = table()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("no virtual machine here: /dev/kvm\n0 passed, 0 failed, 1 skipped")
        return 1 if os.environ.get("REQUIRE_KVM") == "1" else 0
    chosen = args.package or [p for p, (part, _) in packages.items() if part == "ci" or not args.ci]
    good = bad = 0
    for version in args.go or (VERSIONS[-1:] if args.ci else VERSIONS):
        for package in chosen:
            began = time.monotonic()
            skipped = skips.get((version, package), [])
            passed, failed, status = run(os.path.abspath(args.wasmvm), version, package, skipped)
            counts = packages[package][1]
            if args.update and status == 0:
                counts[version] = str(passed)
                write(packages)
            right = status == 0 and passed >= int(counts[version])
            good, bad = good + right, bad + (not right)
            words = "" if right else f"  WRONG: {counts[version]} wanted, status {status} {' '.join(failed[:9])}"
            print(f"go{version:<8} {package:<20} {passed:>4} {time.monotonic() - began:7.1f} s{words}", flush=True)
    print(f"{good} passed, {bad} failed, 0 skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
