#!/usr/bin/env python3
"""Checks parser and validator against the official suite: check_modules.py PARSE_MAIN SUITE_DIR...

A suite directory holds wast2json's output.  Modules of `module` (also assert_unlinkable, assert_uninstantiable) must be
accepted, binary modules of assert_invalid and assert_malformed refused.  Prints what differs and one line of counts.
"""
import collections
import glob
import json
import os
import subprocess
import sys

VALID = ("module", "module_definition", "assert_unlinkable", "assert_uninstantiable")
REFUSED = ("assert_invalid", "assert_malformed")

# Refused by the suite's version of the specification, valid in the one that the engine follows.
# (directory above the suite's, text of the assertion or module) -> why.
NEWER = {
    ("v1", "multiple memories"): "multi-memory",
    ("v1", "multiple tables"): "reference types",
    ("v1", "invalid result arity"): "multi-value",
    ("v1", "unreached-invalid.87.wasm"): "br_table in unreachable code takes labels of differing types",
    ("v2", "multiple memories"): "multi-memory",
}


def expectations(suite):
    """path -> (should be valid, place in the suite, text)"""
    found = {}
    for name in sorted(glob.glob(os.path.join(suite, "**", "*.json"), recursive=True)):
        for command in json.load(open(name)).get("commands", []):
            kind = command["type"]
            if kind not in VALID + REFUSED or command.get("module_type", "binary") != "binary":
                continue
            path = os.path.join(os.path.dirname(name), command["filename"])
            place = "%s:%s" % (name, command["line"])
            found[path] = (kind in VALID, place, command.get("text", ""))
    return found


def verdicts(program, paths):
    out = subprocess.run([program], input="\n".join(paths) + "\n", capture_output=True, text=True, errors="replace")
    if out.returncode != 0:
        sys.exit("%s ended with %d: %s" % (program, out.returncode, out.stderr[-2000:]))
    return dict(line.split(": ", 1) for line in out.stdout.splitlines())


def newer(path, text):
    above = os.path.basename(os.path.dirname(os.path.dirname(path)))
    return (above, text) in NEWER or (above, os.path.basename(path)) in NEWER


def check(program, suite):
    wanted = expectations(suite)
    if not wanted:
        sys.exit("%s: no modules" % suite)
    got = verdicts(program, sorted(wanted))
    bad = 0
    counts = collections.Counter()
    for path, (valid, place, text) in sorted(wanted.items()):
        accepted = got[path] == "valid"
        if not valid and newer(path, text):
            counts["newer"] += 1
        elif accepted != valid:
            bad += 1
            print("%s: %s: wanted %s, got %s" % (place, path, "valid" if valid else "refusal: " + text, got[path]))
        counts["valid" if valid else "refused"] += 1
    print("%s: %d valid, %d refused (%d not compared: valid since a newer version), %d wrong"
          % (suite, counts["valid"], counts["refused"], counts["newer"], bad))
    return bad


if __name__ == "__main__":
    sys.exit(1 if sum([check(sys.argv[1], suite) for suite in sys.argv[2:]]) else 0)
