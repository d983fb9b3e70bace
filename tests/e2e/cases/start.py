"""The start: the floor that it is measured against, and how it is told."""

import hashlib
import json
import os
import subprocess

import wasm
from harness import ROOT, case, expect

TRIVIAL = wasm.module(types=[wasm.functype()], funcs=[0], bodies=[wasm.body(b"")], exports=[("_start", wasm.FUNC, 0)])
FLOOR = os.path.join(ROOT, "tests", "bench", "floor")


@case(vm=False)
def the_floor_is_frozen(t):
    """Figures of all times are ratios to it."""
    with open(os.path.join(FLOOR, "floor.c"), "rb") as source, open(os.path.join(FLOOR, "hash")) as wanted:
        assert hashlib.sha256(source.read()).hexdigest() == wanted.read().strip(), "tests/bench/floor/floor.c changed"


@case
def the_floor_runs_one_instruction(t):
    for linkage in [], ["-static"]:
        program = t.path("floor")
        subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-std=c11", "-D_GNU_SOURCE", *linkage, "-o", program,
                        os.path.join(FLOOR, "floor.c")], check=True)
        assert subprocess.run([program], timeout=60).returncode == 0


@case
def what_kvm_counts_is_in_the_report(t):
    module = t.write("t.wasm", TRIVIAL)
    expect(t.vm("--report", t.path("r.json"), module))
    with open(t.path("r.json")) as file:
        kvm = json.load(file)["kvm"]
    assert kvm["faults"] > 0 and kvm["small_pages"] + kvm["large_pages"] > 0, kvm
    table = t.vm("--stats", module)
    expect(table, err_has=["page faults of the guest"])
