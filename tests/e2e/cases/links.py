"""Projects and files below symbolic links, by every name that a user has for them: as natively."""

import os
import shutil

from cases.command import GO, NEWEST, environment
from harness import ROOT, case, expect, run

def project(t):
    """real/pkg, which users reach by link/pkg: both names."""
    t.tmp = os.path.realpath(t.tmp)
    shutil.copytree(os.path.join(ROOT, "tests", "e2e", "links"), t.path("real/pkg"))
    os.symlink(t.path("real"), t.path("link"))
    return t.path("link/pkg"), t.path("real/pkg")


def both_ways(t, *words, **more):
    """A go command, natively and for wasip1: its output."""
    logical, _ = project_at(t)
    results = []
    for target in {}, {"GOOS": "wasip1", "GOARCH": "wasm"}:
        env = environment(t, PWD=logical, GOFLAGS="-mod=mod", **target, **more)
        results.append(run([GO, NEWEST, *words], env=env, cwd=logical, timeout=600))
    return results


def project_at(t):
    return t.path("link/pkg"), t.path("real/pkg")


@case
def go_run_and_go_test_below_a_link(t):
    logical, physical = project(t)
    native, ours = both_ways(t, "run", ".", logical + "/data/f", physical + "/data/f")
    expect(native, 0)
    expect(ours, 0, out=native.out)
    assert ours.out.startswith(logical.encode() + b" <nil>\n") and ours.out.count(b'"hello" <nil>') == 5, ours
    for result in both_ways(t, "test", "-count=1", "./..."):
        expect(result, 0)
        assert result.out.count(b"ok  \t") == 2, result


def built(t):
    logical, physical = project(t)
    env = environment(t, GOOS="wasip1", GOARCH="wasm", GOFLAGS="-mod=mod")
    expect(run([GO, NEWEST, "build", "-o", t.path("app.wasm"), "."], env=env, cwd=physical, timeout=600), 0)
    return t.path("app.wasm"), logical, physical


@case
def every_name_of_a_granted_directory(t):
    """The program is started in the directory, which the shell knows by a link."""
    app, logical, physical = built(t)
    names = [logical + "/data/f", physical + "/data/f"]
    for grant in ".", logical, physical, "../pkg", logical + "/../pkg", "/":
        for env in (), ("--env-all",):
            words = ["--dir", grant, *env, "--", app, *names]
            result = run([t.wasmvm, *words], cwd=logical, env=dict(os.environ, PWD=logical))
            expect(result, 0, err="")
            assert result.out.startswith(logical.encode() + b" <nil>\n"), (words, str(result))
            assert result.out.count(b'"hello" <nil>') == 5, (words, str(result))
            assert result.out.endswith(b"true <nil>\n"), (words, str(result))
    elsewhere = run([t.wasmvm, "--dir", logical, "--", app, *names], cwd="/", env=dict(os.environ, PWD="/"))
    assert elsewhere.out.count(b'"hello" <nil>') == 5, elsewhere
    # PWD that is not true says nothing.
    for pwd in t.path("link"), t.path("none"), "", "link/pkg", logical + "/.", logical + "/":
        result = run([t.wasmvm, "--dir", ".", "--", app, names[1]], cwd=physical, env=dict(os.environ, PWD=pwd))
        expect(result, 0, err="")
        assert result.out.startswith(physical.encode() + b" <nil>\n"), (pwd, result)


@case
def a_name_more_moves_no_listener(t):
    _, logical, physical = built(t)
    for cwd in logical, physical:
        words = [t.wasmvm, "--dir", ".", "--listen", "127.0.0.1:0", "--", t.go("listen"), "scan"]
        expect(run(words, cwd=cwd, env=dict(os.environ, PWD=cwd)), 0, out="5 listener\n")


@case
def links_from_grant_to_grant(t):
    """Rights are those of where the link leads."""
    t.tmp = os.path.realpath(t.tmp)
    for name in "rw", "ro", "out":
        t.write(name + "/file", "text of " + name)
    for place in "rw", "ro":
        for to in "rw", "ro", "out":
            os.symlink(t.path(to), t.path(place, "to-" + to))
    grants = ("--dir", t.path("rw"), "--dir", t.path("ro") + ":ro")
    for place in "rw", "ro":
        for to in "rw", "ro":
            path = t.path(place, "to-" + to, "file")
            expect(t.program("files", "cat", path, options=grants), 0, out="text of " + to)
            result = t.program("files", "write", path, "text", "of", to, options=grants)
            assert (result.status == 0) == (to == "rw"), (place, to, result)
            assert to == "rw" or b"Read-only file system" in result.out, (place, to, result)
        result = t.program("files", "cat", t.path(place, "to-out/file"), options=grants)
        assert result.status == 1 and b"Operation not permitted" in result.out, result
