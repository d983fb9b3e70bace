"""One program in C, C with vector instructions, Rust, TinyGo and Go: what it is told, what it finds, how it ends."""

import os
import re
import time

from . import toolchains
from harness import case, expect

MAKERS = {
    "c": lambda: toolchains.clang("probe.c"),
    "c_simd128": lambda: toolchains.clang("probe.c", "-msimd128"),
    "rust": lambda: toolchains.rust("probe.rs"),
    "tinygo": lambda: toolchains.tinygo("probe"),
    "go": lambda: toolchains.go("probe"),
}
# Debian's wasi-libc of 2022, which TinyGo is given too, compares names by bytes: ./data/f is not in a directory data.
BARE_NAMES = ("c", "c_simd128", "tinygo")


def words(t, app):
    expect(t.vm("--", app, "args", "a", "b c", "", "--dir", "é"), 0, out="args\na\nb c\n\n--dir\né\n", err="")
    expect(t.vm("--env", "A=x=y z", "--", app, "env", "A"), 0, out="x=y z\n")
    expect(t.vm("--env", "A=", "--", app, "env", "A"), 0, out="\n")
    expect(t.vm("--env", "A=1", "--", app, "env", "B", env={"B": "not handed on"}), 0, out="unset\n")
    for code in (0, 1, 42, 255):
        expect(t.vm("--", app, "exit", code), code, out="leaving\n", err="")


def clock(t, app):
    before = int(time.time())
    result = t.vm("--", app, "time")
    expect(result, 0)
    match = re.fullmatch(rb"(\d+) (\d+)\n", result.out)
    assert match and before <= int(match[1]) <= time.time() and 30 <= int(match[2]) < 20000, result


def below(t, app, name):
    """The same file by each of its names, under each option."""
    home = os.path.realpath(t.mkdir("home"))
    t.mkdir("home/data/sub")
    run = lambda option, *words: t.vm("--dir", option, "--", app, *words, cwd=home)
    for option in ".", "./data", "data", home, home + "/data":
        names = [home + "/data"]
        if not option.startswith("/") or (name == "go" and option == home):
            names += ["data"] if name in BARE_NAMES and option != "." else ["data", "./data"]
        for data in names:
            expect(run(option, "put", data + "/f", option + data), 0, out="", err="")
            with open(home + "/data/f") as f:
                assert f.read() == option + data + "\n"
            expect(run(option, "get", data + "/f"), 0, out=option + data + "\n", err="")
            expect(run(option, "tree", data), 0, err="", out="1 entries, 0 directories, names 121\ny has 5 bytes\n"
                   "x is gone: true\n2 entries, 1 directories, names 432\n")
            assert run(option, "get", data + "/none").status == 1
            os.remove(home + "/data/f")
    with open(t.path("outside"), "w") as f:
        f.write("secret\n")
    for outside in "../outside", "data/../../outside", t.path("outside"):
        expect(run(".", "get", outside), 1, out="")
    assert run("./data:ro", "put", home + "/data/f", "x").status == 1 and not os.path.exists(home + "/data/f")


def linked(t, app):
    """A directory that is reached by a link, with a listener: one of its names has a number behind the socket's, which
    a C library must step over."""
    home, link = os.path.realpath(t.mkdir("real/place")), t.path("link")
    os.symlink(home, link)
    t.write("real/place/f", "found\n")
    for path in "f", link + "/f", home + "/f":
        result = t.vm("--listen", "127.0.0.1:0", "--dir", ".", "--", app, "get", path, cwd=link, env={"PWD": link})
        expect(result, 0, out="found\n", err_has="wasmvm: listening on 127.0.0.1:")


def register(name, make):
    def probe(t):
        app = make()
        words(t, app)
        clock(t, app)
        below(t, app, name)
        linked(t, app)
        # With a listener open behind the last directory.
        result = t.vm("--listen", "127.0.0.1:0", "--dir", t.path("home"), "--", app, "get", t.path("home/none"))
        expect(result, 1, out="", err_has=["wasmvm: listening on 127.0.0.1:", "probe: "])
        expect(t.vm("--listen", "127.0.0.1:0", "--", app, "args", "x"), 0, out="args\nx\n")

    probe.__name__ = "probe_in_" + name
    case(probe)


for maker in MAKERS.items():
    register(*maker)
