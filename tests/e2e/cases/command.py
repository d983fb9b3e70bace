"""`go run` and `go test` by go_wasip1_wasm_exec, as users type them, and Go's own tests of what it starts.

EVERY_GO=1 tries every Go from the first with wasip1 on, not only the oldest and the newest; LONG=1 also waits, for
over a minute, until the go command itself loses its patience with a test."""

import os
import signal
import subprocess
import time

from harness import GO, ROOT, case, expect, run

MODULE = os.path.join(ROOT, "tests", "e2e", "command")
OLDEST, NEWEST = "1.21.13", "1.27.1"
VERSIONS = (OLDEST, "1.22.12", "1.23.12", "1.24.13", "1.25.9", "1.26.10", NEWEST)
WASITEST = {"1.24.13": "runtime/internal/wasitest", NEWEST: "internal/runtime/wasitest"}


def environment(t, **more):
    """PATH begins with a folder that holds go_wasip1_wasm_exec and wasmvm, as make install leaves them."""
    folder = t.mkdir("bin")
    for name, target in (("wasmvm", t.wasmvm), ("go_wasip1_wasm_exec", ROOT + "/images/go_wasip1_wasm_exec")):
        if not os.path.exists(os.path.join(folder, name)):
            os.symlink(target, os.path.join(folder, name))
    env = dict(os.environ, CGO_ENABLED="0", PATH=folder + ":" + os.environ["PATH"])
    for name in "GOWASIRUNTIME", "GOWASIRUNTIMEARGS", "GOFLAGS":
        env.pop(name, None)
    return {**env, **more}


def go(t, version, *args, stdin=b"", **more):
    env = environment(t, GOOS="wasip1", GOARCH="wasm", **more)
    return run([GO, version, *args], env=env, cwd=MODULE, stdin=stdin, timeout=600)


def run_and_test(t, version):
    options = {"GOWASIRUNTIME": "anything", "GOWASIRUNTIMEARGS": "--env X=y  --timeout 60"}
    ran = go(t, version, "run", ".", "a b", "--dir", "*", "", stdin=b"abc", **options)
    expect(ran, 1, out="[a b --dir * ] wasmvm y\nabc", err_has="exit status 3")
    tested = go(t, version, "test", "-count=1", "-v", "-bench=.", "-benchtime=10x", ".", "-args", "a b", "--env",
                **options)
    expect(tested, 0)
    for piece in b"--- PASS: TestPlace", b"[a b --env] wasmvm y", b"BenchmarkNothing", b"ok  \tcommand\t":
        assert piece in tested.out, f"{piece} wanted\n{tested}"
    failed = go(t, version, "test", "-count=1", FAIL="1")
    expect(failed, 1)
    assert b"on purpose" in failed.out and b"FAIL\tcommand\t" in failed.out, failed


def register(version):
    def works(t):
        run_and_test(t, version)

    works.__name__ = "go_" + version.replace(".", "_")
    case(works)


for v in VERSIONS if os.environ.get("EVERY_GO") == "1" else (OLDEST, NEWEST):
    register(v)


@case
def any_runtime_may_be_asked_for(t):
    app = t.go("process")
    for value in "", "wasmtime", "wazero", "wasmer", "wasmedge", "no such thing", "$(false)":
        ran = run(["go_wasip1_wasm_exec", app, "getenv", "GOWASIRUNTIME"], env=environment(t, GOWASIRUNTIME=value))
        expect(ran, 0, out='"wasmvm" true\n', err="")
    expect(run(["go_wasip1_wasm_exec", app, "getenv", "GOWASIRUNTIME"], env=environment(t)), 0, out='"wasmvm" true\n')


@case
def arguments_for_the_runtime(t):
    app = t.go("process")
    for words, status in (("--timeout=5 --env A=*", 0), ("--memory 1k", 125), ("--no-such-option", 125)):
        ran = run(["go_wasip1_wasm_exec", app, "getenv", "A"], env=environment(t, GOWASIRUNTIMEARGS=words), cwd="/")
        expect(ran, status, out='"*" true\n' if status == 0 else b"")


def stopped_test(t, version):
    # Stripped, as what the go command runs without -c.
    app = t.path(version + ".wasm")
    expect(go(t, version, "test", "-ldflags=-s -w", "-c", "-o", app), 0)
    wanted = [b"\n    " + name + b" at offset 0x" for name in (b"command.TestLong", b"testing.tRunner")]
    for seconds in 1, 5, 30:  # the line comes before the test's goroutine runs; on a busy machine long before
        child = subprocess.Popen(["go_wasip1_wasm_exec", app, "-test.v", "-test.run=TestLong"],
                                 env=environment(t, SPIN="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        t.started.append(child)
        assert child.stdout.readline() == b"=== RUN   TestLong\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGQUIT)
        _, err = child.communicate(timeout=300)
        assert child.returncode == -signal.SIGQUIT, (child.returncode, err)
        if all(words in err for words in wanted):
            return
    raise AssertionError(err)


@case
def a_test_that_runs_too_long(t):
    """The go command sends SIGQUIT when a test does not end by itself: with one CPU, Go's own alarm does not ring in a
    loop without calls.  The answer is a backtrace in Go's names."""
    for version in OLDEST, NEWEST:
        stopped_test(t, version)


def a_test_that_the_go_command_ends(t):
    result = go(t, NEWEST, "test", "-count=1", "-timeout=2s", "-run=TestLong", SPIN="1")
    expect(result, 1)
    assert b"command.TestLong" in result.out and b"Test killed with quit: ran too long" in result.out, result


if os.environ.get("LONG") == "1":
    case(a_test_that_the_go_command_ends)


def wasitest(t, version, want, **more):
    """Go's own tests of what a WASI runtime must do, natively built; their programs run by `go run`."""
    root = run([GO, version, "env", "GOROOT"]).out.decode().strip()
    env = environment(t, GOWASIENABLERACYTEST="1", **more)
    result = run([GO, version, "test", WASITEST[version], "-count=1", "-v", "-target", "wasip1/wasm"],
                 cwd=root + "/src", env=env, timeout=600)
    expect(result, 0)
    for name in want:
        assert b"--- PASS: " + name in result.out and b"--- SKIP: " + name not in result.out, result


ALL = (b"TestNonblock/os.OpenFile", b"TestNonblock/os.NewFile", b"TestNonblock ", b"TestTCPEcho ")


@case
def tests_of_wasi_by_the_newest_go(t):
    wasitest(t, NEWEST, ALL, GOWASIRUNTIME="wazero")  # --listen=ADDRESS


@case
def tests_of_wasi_by_go_1_24(t):
    wasitest(t, "1.24.13", ALL)  # without GOWASIRUNTIME: --tcplisten=ADDRESS
