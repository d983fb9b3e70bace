"""--invoke on Go's libraries and programs."""

from harness import case, expect, go_build


def library(version="pinned"):
    return go_build("./library", version, flags=("-buildmode=c-shared",))


def invoke(t, name, *words, options=(), version="pinned"):
    return t.vm(*options, "--invoke", name, "--", library(version), *words)


@case
def exports_of_a_go_library(t):
    expect(invoke(t, "add", "2147483647", "2147483647"), 0, out="4294967294\n", err="")
    expect(invoke(t, "ratio", "1", "-3"), 0, out="-0.3333333333333333\n", err="")
    expect(invoke(t, "say"), 0, out="xxx 1\n", err="")


@case
def ends_of_a_go_library(t):
    """Go's runtime ends a library's panic by abort, which is `unreachable`, where a program's is exit(2)."""
    for version in "1.24.13", "pinned", "1.27.1":
        expect(invoke(t, "leave", "7", version=version), 7, out="", err="")
        for name, options in (("fail", ()), ("fail", ("--env", "GOTRACEBACK=none")), ("failLater", ())):
            result = invoke(t, name, options=options, version=version)
            expect(result, 134, out="", err_has=[" trapped: unreachable\n    runtime.abort at offset",
                                                 "\n    runtime.fatalpanic at offset"])
            assert result.err.startswith(b"panic: no\n"), result


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
