"""--invoke on Go's libraries and programs."""

from harness import case, expect, go_build


def library():
    return go_build("./library", flags=("-buildmode=c-shared",))


def invoke(t, name, *words):
    return t.vm("--invoke", name, "--", library(), *words)


@case
def exports_of_a_go_library(t):
    expect(invoke(t, "add", "2147483647", "2147483647"), 0, out="4294967294\n", err="")
    expect(invoke(t, "ratio", "1", "-3"), 0, out="-0.3333333333333333\n", err="")
    expect(invoke(t, "say"), 0, out="xxx 1\n", err="")


@case
def ends_of_a_go_library(t):
    expect(invoke(t, "leave", "7"), 7, out="", err="")
    result = invoke(t, "fail")
    assert result.status == 134 and result.err.startswith(b"panic: no\n"), result  # Go's way: a library aborts


@case
def a_library_without_invoke_is_initialized(t):
    result = t.vm("--", library())
    assert result.status == 0 and result.out == b"" and b"--invoke NAME" in result.err, result
    assert result.err.count(b"\n") == 1, result


@case
def exports_of_a_go_program(t):
    app = go_build("./library")
    result = t.vm("--invoke", "add", "--", app, "1", "2")
    assert result.status == 126 and b"only callable while _start runs" in result.err, result
