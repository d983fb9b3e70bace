"""The start: the floor that it is measured against, and how it is told."""

import hashlib
import json
import os
import re
import subprocess
from xml.etree import ElementTree

import wasm
from harness import ROOT, case, expect, prepare

TRIVIAL = wasm.module(types=[wasm.functype()], funcs=[0], bodies=[wasm.body(b"")], exports=[("_start", wasm.FUNC, 0)])
SOURCE = "images/examples/guest/guest.c"
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
        assert subprocess.run([program], timeout=300).returncode == 0


@case
def what_kvm_counts_is_in_the_report(t):
    module = t.write("t.wasm", TRIVIAL)
    expect(t.vm("--report", t.path("r.json"), module))
    with open(t.path("r.json")) as file:
        kvm = json.load(file)["kvm"]
    assert kvm["faults"] > 0 and kvm["small_pages"] + kvm["large_pages"] > 0, kvm
    table = t.vm("--stats", module)
    expect(table, err_has=["page faults of the guest"])


def rows(path):
    """What the picture's rows are called, with their microseconds."""
    root = ElementTree.parse(path).getroot()
    titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
    return [(name, int(us)) for name, us in (re.fullmatch(r"(.*): (\d+) us", t).groups() for t in titles
                                             if "page faults" not in t)], titles


@case
def a_picture_of_the_start(t):
    module = t.write("a<&>b.wasm", wasm.command(b""))
    expect(t.vm("--trace-start", t.path("s.svg"), module))
    found, titles = rows(t.path("s.svg"))
    names = [name for name, _ in found]
    wanted = ["before main, by CPU time", "words, signals, the module's file", "/dev/kvm, a virtual machine",
              "address space, a memory slot", "a virtual CPU", "guest image, tables, boot record",
              "guest: its engine", "guest: the module is read", "guest: linked, segments placed",
              "guest: the program runs", "the machine is closed"]
    assert [n for n in names if n in wanted] == wanted, names
    exits = [title.split(":")[0] for title in titles if "page faults" in title]
    assert exits[-1] == "end" and "ready" in exits and "memory_grow" in exits, exits
    with open(t.path("s.svg")) as file:
        assert "the start of " in file.read()
    expect(t.vm("--trace-start", t.path("cut.svg"), "--", t.go("hello")), out="Hello, world!\n")
    assert "guest: the program runs" in dict(rows(t.path("cut.svg"))[0])


@case
def a_picture_of_a_start_that_failed(t):
    expect(t.vm("--trace-start", t.path("s.svg"), t.write("x.wasm", b"no module")), 126, err_has=["not a valid module"])
    assert rows(t.path("s.svg"))[0]  # the machine was there, and says how far it came
    result = t.vm("--trace-start", t.path("none.svg"), t.path("nowhere.wasm"))
    assert result.status == 127 and not os.path.getsize(t.path("none.svg")), result


@case
def a_guest_of_ones_own(t):
    """docs/guest.md, and what its commands give."""
    image, module = os.path.join(ROOT, "build/examples/guest.elf"), os.path.join(ROOT, "images/demo.wasm")
    prepare(["make", "-s", "build/examples/guest.elf"], cwd=ROOT)
    words = ["--guest-image", image, module]
    expect(t.vm(*words), 7, out="hello from CPL 3, without a kernel\n", err="")
    result = t.vm("--stats", *words)
    assert result.status == 7 and b"VM exits    3," in result.err, result
    result = t.vm("--trace-start", t.path("s.svg"), *words)
    exits = [title.split(":")[0] for title in rows(t.path("s.svg"))[1] if "page faults" in title]
    assert result.status == 7 and exits == ["memory_grow", "fd_write_one", "end"], exits
    with open(os.path.join(ROOT, "docs/guest.md")) as page, open(os.path.join(ROOT, SOURCE)) as source:
        said = page.read()
        assert f"of {len(source.readlines())} lines" in said and "version" in said
    for command in re.findall(r"^    build/wasmvm (.*)$", said, re.M):
        assert t.vm(*command.replace("start.svg", t.path("s.svg")).split(), cwd=ROOT).status == 7, command


def code_pages(image):
    """The pages of 4 KiB of the greatest segment of code of a guest's image."""
    lines = subprocess.run(["readelf", "-lW", image], stdout=subprocess.PIPE, check=True, text=True).stdout
    sizes = [int(size, 16) for size in re.findall(r"^ +LOAD(?: +0x\w+){3} +0x(\w+) +0x\w+ R E", lines, re.M)]
    return -(-max(sizes) // 4096)


@case
def what_a_trivial_start_costs(t):
    """Counts, which are the same on a busy machine: exits, the kernel's memory for slots, pages."""
    module = t.write("t.wasm", TRIVIAL)
    expect(t.vm("--report", t.path("r.json"), module))
    with open(t.path("r.json")) as file:
        report = json.load(file)
    assert report["exits"]["all"] <= 2, report["exits"]
    assert report["memory"]["slot_kernel_bytes"] <= 130_000, report["memory"]  # 8 bytes a page of a slot of 60 MiB
    # 85 besides the code of the guest's image: 137, 144 and 148 pages in all when that had 52, 59 and 63.
    assert report["kvm"]["large_pages"] == 0, report["kvm"]
    assert report["kvm"]["small_pages"] <= 88 + code_pages(os.path.join(ROOT, "build/guest.elf")), report["kvm"]
