"""What TinyGo's users write: goroutines over channels, JSON, panics, libraries."""

from . import toolchains
from harness import case, expect, expect_message

EXPECTED = r"""squares 100 328350
timeout
{"X":3,"Y":-4,"name":"aé\"","marks":{"k":"v"}} <nil> <nil> true
2.5 true <nil>
true
[b a c] 03.14 "q" ff
true
"""


@case
def goroutines_json_maps(t):
    expect(t.vm("--", toolchains.tinygo("tiny")), 0, out=EXPECTED, err="")
    expect(t.vm("--", toolchains.go("tiny")), 0, out=EXPECTED, err="")


@case
def a_panic_of_tinygo(t):
    """Its text goes to stdout, and then it runs into `unreachable`."""
    for word, text in ("now", "panic: deliberate"), ("index", "panic: runtime error: index out of range"):
        result = t.vm("--", toolchains.tinygo("tiny"), word)
        expect(result, 134, out=text + "\n", err_has=["trapped: unreachable\n", "    _start at offset 0x"])


def library(t, app):
    invoke = lambda *words: t.vm("--invoke", words[0], "--", app, *words[1:])
    expect(invoke("add", 2000000000, 2000000000), 0, out="4000000000\n", err="")
    expect(invoke("add", -1, "-2147483648"), 0, out="-2147483649\n", err="")
    expect(invoke("ratio", 1, 8), 0, out="0.125\n", err="")
    expect(invoke("talk"), 0, out="ready 3\n", err="")
    expect(invoke("leave", 9), 9, out="", err="")
    expect_message(invoke("add", 1, "one"), 125, "add", "one")
    expect_message(invoke("nothing"), 125, "nothing")
    expect(t.vm("--", app), 0, out="", err_has=["library (reactor)", "--invoke NAME"])


@case
def a_library_of_tinygo(t):
    library(t, toolchains.tinygo("reactor", "-buildmode=c-shared"))


@case
def a_library_of_go(t):
    library(t, toolchains.go("reactor", flags=("-buildmode=c-shared",)))
