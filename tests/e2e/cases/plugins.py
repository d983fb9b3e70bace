"""Host functions by plug-ins: libraries and processes, honest and not; the examples; the program of docs/plugins.md."""

import ctypes
import hashlib
import json
import math
import mmap
import os
import re
import shutil
import signal
import struct
import subprocess
import time

from harness import (CACHE, GO, ROOT, Skip, case, expect, expect_message, first_in_line, go_build, in_time, made_once,
                     native_c, prepare, run, until, wait, with_enough_time)
from wasm import EXTERNREF, F32, F64, FUNC, FUNCREF, I32, I64, V128, command, functype

NEWEST = "1.27.1"
PLAIN = "tests/plugins/plain.c"
ODD = os.path.join(ROOT, "tests/plugins/odd.py")


def library(source, *flags, libs=()):
    """Compiles a plug-in, once for each source and flags."""
    with open(os.path.join(ROOT, source), "rb") as f, open(os.path.join(ROOT, "vmm/wasmvm_plugin.h"), "rb") as h:
        key = hashlib.sha256(f.read() + h.read() + repr((flags, libs)).encode()).hexdigest()[:12]
    path = os.path.join(CACHE, "plugins", f"{os.path.basename(source)[:-2]}-{key}.so")
    if not os.path.exists(path):
        with made_once(path) as new:
            prepare(["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-shared", "-fPIC", "-I.",
                     "-Ivmm", *flags, "-o", new, source, *libs], cwd=ROOT)
    return path


def example(name, part="", **options):
    return go_build(f"example.org/{name}{part}", module=f"images/examples/{name}", **options)


def plain(t, *words, program="host121", version="1.21.13", plugin="", options=(), flags=(), before=(), **more):
    """Runs a program of tests/go with the plug-in of all shapes."""
    return run([*before, t.wasmvm, "--plugin", library(PLAIN, *flags) + plugin, *options, "--", t.go(program, version),
                *map(str, words)], **more)


def odd(t, how, *words, options=(), **more):
    """Runs a module that calls env.run of the plug-in process."""
    module = t.write("odd.wasm", importing("run", [], [], calls=b"\x10\x00"))
    return t.vm("--plugin-exec", " ".join(["env=python3", ODD, how, *words]), *options, "--", module, **more)


def importing(name, params, results, calls=b""):
    return command(calls, imports=[("env", name, bytes([FUNC, 1]))], types=[functype(params, results)])


def one_line(result, status, *pieces):
    """stderr: one line with the pieces, and perhaps a backtrace."""
    expect(result, status, err_has=pieces)
    lines = [line for line in result.err.decode().splitlines() if not line.startswith("    ")]
    assert len(lines) == 1 and lines[0].startswith("wasmvm: "), result


# ---- shapes ----

OLD_SHAPES = """-2147483648 -2 1
-5.49755813888e+11 -Inf true
1.5 true
123456789abcdef0 1
4398046511430
OK GRüßE, MODULE true
77 42
3
"""
NEW_SHAPES = """FROM A STRING 0
true 7 200 -4611686018427387903 2.5 [1 4242 65535]
false false true
true true 4294967290 7
"""
WAYS = ((), ()), (("--hypercall", "exit"), ()), (("--hypercall", "poll"), ()), ((), ("-DONE_THREAD",))
WITHIN = ("--jail=weak",)  # the library is loaded into wasmvm's own process
WITHIN_SAID = "wasmvm: --jail=weak: who takes over wasmvm has all files and sockets of this user\n"


@case
def shapes_of_go_1_21(t):
    said = "wasmvm: plug-in plain: said: hello \\x1b[31mred\n"
    for options, flags in WAYS:
        expect(plain(t, options=options, flags=flags), 0, out=OLD_SHAPES, err=said)
    expect(plain(t, version=NEWEST), 0, out=OLD_SHAPES, err=said)


@case
def shapes_of_the_newest_go(t):
    for options, flags in WAYS:
        expect(plain(t, "shapes", program="hostnew", version=NEWEST, options=options, flags=flags), 0, out=NEW_SHAPES,
               err="wasmvm: plug-in plain: said: a string is said\n")


@case
def exports_nested(t):
    for options, flags in WAYS:
        def hostnew(*words, also=()):
            return plain(t, *words, program="hostnew", version=NEWEST, options=(*options, *also), flags=flags)
        expect(hostnew("exports"), 0, out="42 999 1 108 2\n0 1 400\n", err="")
        expect(hostnew("deep", 990), 0, out="990\n", err="")
        one_line(hostnew("deep", 1500), 134, "called each other more than 1000 deep")
        expect(hostnew("broad", 100), 0, out="100\n", err="")  # 32 KiB of the plug-in's own stack each
        one_line(hostnew("broad", 900), 134, "called each other so deep that the host's stack is used up")
        expect(hostnew("leave", 5), 5, out="", err="")
        expect(hostnew("panics"), 2, err_has=["panic: inside an export", "main.panics", "main.main"])
        one_line(hostnew("spins", also=("--timeout", "300ms")), 124, "300 ms of wall time")


@case
def invoked_exports_call_plugins(t):
    """--invoke of a library whose exports call host functions, which call its exports."""
    module = go_build("./hostnew", NEWEST, flags=("-buildmode=c-shared",))
    for options, flags in WAYS:
        for name, n, result in ("twice", 21, "42\n"), ("busy", 100, "108\n"), ("again", 50, "50\n"):
            expect(t.vm("--plugin", library(PLAIN, *flags), *options, "--invoke", name, "--", module, n), 0, out=result,
                   err="")
        one_line(t.vm("--plugin", library(PLAIN, *flags), *options, "--invoke", "again", "--", module, 1500), 134,
                 "called each other more than 1000 deep")


@case
def whose_thread_calls(t):
    """A library's process has one.  In wasmvm's own: with WASMVM_PLUGIN_ONE_THREAD the one that called init, and no
    other; without it the one that polls."""
    for options, flags in WAYS:
        expect(plain(t, "home", options=options, flags=flags), 0, out="1000\n", err="")
        polls = "poll" in options and len(os.sched_getaffinity(0)) > 1
        for n in range(10):  # who polls may get no CPU on a busy machine
            result = plain(t, "home", options=(*options, *WITHIN), flags=flags, before=first_in_line() if n else ())
            expect(result, 0, err=WITHIN_SAID)
            if not polls or int(result.out) < 1000:
                break
        assert not polls or int(result.out) < 1000, result
        if flags or "exit" in options:
            assert int(result.out) == 1000, result
    expect(plain(t, "home", options=("--hypercall", "poll", *WITHIN), flags=("-DONE_THREAD",)), 0, out="1000\n",
           err=WITHIN_SAID)


@case
def ten_thousand_calls(t):
    for options, flags in WAYS:
        path = t.path("report.json")
        result = plain(t, "count", 10000, options=("--report", path, *options), flags=flags)
        expect(result, 0, out="10000\n", err="")
        with open(path) as f:
            report = json.load(f)
        assert report["plugins"] == [{"name": "plain", "version": "1.0", "file": library(PLAIN, *flags),
                                      "functions": 22, "calls": 10000, "one_thread": bool(flags),
                                      "needs": ["network", "threads"] if flags else ["files"]}], report["plugins"]
        calls = report["calls"]["host"]
        assert calls["polled"] + calls["exits"] == 10000, calls
        if "exit" in options:
            assert calls["polled"] == 0, calls
    expect(plain(t, "count", 1000, options=("--report", path, *WITHIN), flags=("-DONE_THREAD",)), 0)
    with open(path) as f:
        assert json.load(f)["calls"]["host"]["polled"] == 0


@case
def calls_are_polled(t):
    """Nine of ten need no exit, once both threads have a CPU each."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("one CPU")
    path, polled = t.path("report.json"), []
    while not polled or (polled[-1] < 9000 and len(polled) < 10):
        expect(run([*first_in_line(), t.wasmvm, "--hypercall=auto", "--report", path, "--plugin", library(PLAIN), "--",
                    t.go("host121", "1.21.13"), "count", "10000"]), 0, out="10000\n")
        with open(path) as f:
            polled.append(json.load(f)["calls"]["host"]["polled"])
    if polled[-1] < 9000 and not first_in_line():
        raise Skip(f"a busy machine, where only root is first in line: {polled}")
    assert polled[-1] >= 9000, polled


@case
def trace_of_calls(t):
    """A line a call: module and name, arguments, result; inner calls before the outer one; traps and ends in words."""
    def lines(*words, status=0, options=(), **more):
        path = t.path("trace")
        expect(plain(t, *words, options=(f"--trace={path}", *options), **more), status)
        with open(path) as f:
            found = re.findall(r"^ *\d+\.\d{6} (env.*|my_host.*|.*exit.*) \(\d+\.\d us\)$", f.read(), re.M)
        return [line for line in found if not line.startswith("environ")]
    new = {"program": "hostnew", "version": NEWEST}
    for options, flags in WAYS:
        more = {"options": options, "flags": flags}
        shapes = lines(**more)
        assert shapes[:7] == [
            "env.add32(2147483647, 1) = -2147483648", "env.add32(-5, 3) = -2", "env.add32(-1, 2) = 1",
            "env.scale(-1099511627776, 0.5) = -549755813888", "env.scale(3, -inf) = -inf", "env.scale(0, nan) = nan",
            "env.half(3) = 1.5"], shapes
        assert "env.many(-1, 2, -3, 1099511627776, 5, 6, 7, 8, 9, 10, 11, -12) = 4398046511430" in shapes, shapes
        assert re.fullmatch(r"env\.say\(\d+, 14\)", shapes[-3]), shapes  # no result
        assert "my_host.env.add32(20, 22) = 42" in shapes, shapes
        assert lines("deep", 2, **new, **more)[:3] == ["env.deeper(0) = 0", "env.deeper(1) = 1", "env.deeper(2) = 2"]
        left = lines("leave", 5, status=5, **new, **more)
        assert left[0] == "proc_exit(code=5)" and re.fullmatch(
            r"env\.callback\(\d+, 5, 5\) was left: the run is over", left[1]), left
        assert lines("traps", status=134, **more) == [
            "env.traps() trapped: the plug-in \\x1b[31mdoes not like this\\n"]
        assert lines("silent", status=134, **more) == ["env.silent() trapped: a host function failed"]
    result = odd(t, "crash", options=("--trace",))
    expect(result, 134, err_has="env.run() trapped: the plug-in process python3 was ended by signal 11 (Segm")


@case
def types_that_differ(t):
    """The sentence names the import, whose function it is, and both types."""
    ours = '"env" "add32" has type (func (param i32 i32) (result i32)) in plug-in plain, wanted (func'
    many = "(func (param" + " i32 i64" * 6 + ") (result i64)) in plug-in plain, wanted (func (param"
    for name, params, results, *pieces in (
            ("add32", [I64, I32], [I32], ours, "(func (param i64 i32) (result i32))"),
            ("add32", [I32, I32], [], ours, "(func (param i32 i32))"),
            ("add32", [I32], [I32], ours, "(func (param i32) (result i32))"),
            ("add32", [I32, I32], [F32], ours, "(func (param i32 i32) (result f32))"),
            ("scale", [F64, I64], [F64], "(func (param i64 f64) (result f64))", "(func (param f64 i64) (result f64))"),
            ("many", [I32, I64] * 5 + [I32] * 2, [I64], many, " i32 i32) (result i64))")):
        module = t.write("differs.wasm", importing(name, params, results))
        expect_message(t.vm("--plugin", library(PLAIN), module), 126, *pieces)
    module = t.write("differs.wasm", importing("add32", [I32], [I32]))
    expect_message(t.vm("--plugin-exec", f"env=python3 {ODD} fine", module), 126, "in plug-in odd, wanted (func (param")
    module = t.write("other.wasm", importing("nothing", [I32], [I64]))
    expect_message(t.vm("--plugin", library(PLAIN), module), 126,
                   '"env" "nothing": nobody provides this (func (param i32) (result i64))')


@case
def types_that_no_plugin_has(t):
    """Whether there is a plug-in or not."""
    for name, params, results, wanted, what in (
            ("add32", [V128], [I32], "(func (param v128) (result i32))", "v128"),
            ("add32", [I32, I32], [V128], "(func (param i32 i32) (result v128))", "v128"),
            ("nothing", [V128], [], "(func (param v128))", "v128"),
            ("add32", [EXTERNREF, I32], [I32], "(func (param externref i32) (result i32))", "references"),
            ("add32", [], [FUNCREF], "(func (result funcref))", "references"),
            ("add32", [I32, I32], [I32, I32], "(func (param i32 i32) (result i32 i32))", "more than one result"),
            ("many", [I32] * 65, [], "i32 ... 65 in all))", "more than 64 parameters")):
        module = t.write("never.wasm", importing(name, params, results))
        for plugin in ("--plugin", library(PLAIN)), ():
            expect_message(t.vm(*plugin, module), 126, f'import "env" "{name}" wants ', wanted,
                           f": no host function can have {what}")


# ---- libraries that are refused, options, order ----


@case(vm=False)
def wrong_libraries(t):
    module = t.write("empty.wasm", command(b""))
    for number, piece in enumerate((
            "exports no wasmvm_plugin_get", "gives no plug-in", "version 7 of the plug-in ABI, and this wasmvm has 1",
            "has no name", "counts 1 functions and has none", '"ii:ii"', "wasi_snapshot_preview1.fd_write: the "
            "module's name is reserved", "env.f: a function needs", "its flags 0x200 ask for what this wasmvm"), 1):
        path = library("tests/plugins/wrong.c", f"-DWRONG={number}", "-Wno-unused")
        expect_message(t.vm("--plugin", path, module), 125, f"--plugin {path}: ", piece)
    text = t.write("text.so", "this is no library")
    for value, piece in (
            ("nowhere.so", "the library cannot be read: no such file"), (t.tmp, "it is not a file"),
            (text, "it cannot be loaded as a library: "), (",a=b", "the library is missing"),
            (text + ",a", '"a" is not key=value'), (text + ",=b", '"=b" is not key=value'),
            (text + ",a=1,a=2", "a is given twice"), (text + ",a=\\", "a backslash at the end")):
        expect_message(t.vm("--plugin", value, module), 125, f"--plugin {value}: ", piece)
    expect_message(t.vm("--plugin"), 125, "--plugin needs a value")
    expect_message(t.vm("--plugin="), 125, "is empty")


@case
def options_and_life(t):
    mark = t.path("a, b\\c")
    options = ",mark=" + mark.replace("\\", "\\\\").replace(",", "\\,") + ",say=commas\\, too"
    expect(plain(t, "count", 3, plugin=options), 0, out="3\n", err="wasmvm: plug-in plain: commas, too\n")
    assert open(mark).read() == "init\nfini\n"
    one_line(plain(t, "traps", plugin=",mark=" + t.path("m2")), 134, "does not like this")
    assert open(t.path("m2")).read() == "init\nfini\n"
    result = plain(t, plugin=",init=refuse")
    expect(result, 125, out="", err_has=["wasmvm: plug-in plain: not today\n", "refuses to start (its init gave 3)"])
    # The second library refuses, or the process after it: the first one has its fini all the same.
    for more in ("--plugin", library(PLAIN, "-DSECOND") + ",init=refuse"), ("--plugin-exec", "env=false"):
        first = t.path("m" + more[0])
        result = t.vm("--plugin", library(PLAIN) + ",mark=" + first, *more, "--", t.go("host121", "1.21.13"))
        expect(result, 125, out="")
        assert open(first).read() == "init\nfini\n", result


@case
def fini_also_where_the_start_fails_later(t):
    """Whatever it is that fails after init: another plug-in, the machine, a grant, the module."""
    module, text = t.write("empty.wasm", command(b"")), t.write("text", "neither a library nor an image")
    wants = t.write("wants.wasm", importing("nobody-has-it", [I32], []))
    report = t.path("report.json")
    for number, (words, status, piece) in enumerate((
            (("--plugin", text, module), 125, "it cannot be loaded as a library"),
            (("--plugin-exec", "my=/nowhere/at-all", module), 125, "no such program"),
            (("--plugin-exec", "my=true", module), 125, "before it said hello"),
            (("--guest-image", text, module), 125, "ELF"),
            (("--dir", "/nowhere/at-all", module), 125, "/nowhere/at-all"),
            (("--trace=" + t.path("no/file"), module), 125, "No such file"),
            (("--allow-connect", "??", module), 125, "??"),
            ((wants,), 126, "nobody provides this"))):
        mark = t.path(f"mark{number}")
        expect_message(t.vm("--report", report, "--plugin", library(PLAIN) + ",mark=" + mark, *words), status, piece)
        if "no such program" not in piece:  # processes are started first: there was no init
            assert open(mark).read() == "init\nfini\n", (words, open(mark).read())
        with open(report) as f:
            assert json.load(f)["status"] == status
    mark = t.path("refused")
    plain(t, plugin=",init=refuse,mark=" + mark)
    assert not os.path.exists(mark) or "fini" not in open(mark).read()


@case
def the_first_of_two_counts(t):
    """And a library comes before a process, wherever they stand."""
    module = t.go("host121", "1.21.13")
    process = f"env=python3 {ODD} fine"
    result = t.vm("--stats", "--plugin-exec", process, "--plugin", library(PLAIN), "--", module, "count", 1000)
    expect(result, 0, out="1000\n", err_has=[
        "plug-ins    odd 2.0 (process python3 ", "): 0 calls of 1 functions",
        f"            plain 1.0 ({library(PLAIN)}): 1000 calls of 22 functions"])


# ---- modules and libraries that misbehave ----


@case
def pointers_past_memory(t):
    for word, piece in (("past", "the text is not in memory"), ("past-out", "the buffer is not in memory"),
                        ("huge", "the text is not in memory"), ("view", "a host function failed")):
        for options, flags in WAYS:
            one_line(plain(t, word, options=options, flags=flags), 134, "trapped: " + piece)


@case
def a_library_traps(t):
    result = plain(t, "traps")
    one_line(result, 134, "trapped: the plug-in \\x1b[31mdoes not like this", "main.main")
    assert result.out == b""
    one_line(plain(t, "silent"), 134, "trapped: a host function failed")


@case
def a_library_loops(t):
    """Its code can be left only with the process; the end is the one that it would have been."""
    for options, flags in WAYS:
        def late(n, options=options, flags=flags):
            limit_ms = 700 * (n + 1)
            result = plain(t, "loops", options=("--timeout", f"{limit_ms}ms", *options), flags=flags)
            expect(result, 124, err_has=f"{limit_ms} ms of wall time are over")
            return result.seconds - limit_ms / 1000 if result.out == b"looping\n" else math.inf

        in_time(0.4, late)
    path = t.path("report.json")
    expect(plain(t, "loops", options=("--cpu-time", "200ms", "--hypercall", "exit", "--report", path)), 124)
    assert json.load(open(path))["reason"] == "cpu_time"
    for option, plugin, status, piece in (("--timeout", ",init=loop", 124, "a plug-in's function did not return"),
                                          ("--timeout", ",fini=loop", 0, "a plug-in did not end"),
                                          ("--cpu-time", ",fini=loop", 0, "a plug-in did not end")):
        result, _ = with_enough_time(
            lambda limit, option=option, plugin=plugin: plain(t, "count", 1, plugin=plugin, options=(option, limit)),
            lambda result, piece=piece: piece.encode() in result.err, 300 if option == "--cpu-time" else 900)
        expect(result, status)


@case
def a_signal_while_a_library_loops(t):
    for options in (), ("--hypercall", "exit"):
        out = t.path("out")
        with open(out, "wb") as f:
            child = t.start("--plugin", library(PLAIN), *options, "--", t.go("host121", "1.21.13"), "loops", stdout=f,
                            stderr=subprocess.DEVNULL)
        until(lambda: open(out).read() == "looping\n")
        child.send_signal(signal.SIGTERM)
        assert wait(child)[0] == 128 + signal.SIGTERM


# ---- a library's process, and none ----


def its_process(child):
    """The number of the process in which a run has its library."""
    with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
        pids = f.read().split()
    assert len(pids) == 1, pids
    with open(f"/proc/{pids[0]}/cmdline") as f:
        assert f.read().split("\0")[0].endswith("/wasmvm-plugin-host")
    return int(pids[0])


def status_of(pid, *names):
    with open(f"/proc/{pid}/status") as f:
        found = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    return [found[name] for name in names]


def looping(t, *options, plugin=""):
    """A run inside a call that does not end."""
    out = t.path("out")
    with open(out, "wb") as f:
        child = t.start("--plugin", library(PLAIN) + plugin, *options, "--", t.go("host121", "1.21.13"), "loops",
                        stdout=f, stderr=subprocess.PIPE)
    until(lambda: open(out).read() == "looping\n")
    return child


@case
def a_librarys_process_by_hand(t):
    """It ends all of its group where the monitor has ended: so it wants one of its own, and nobody's shell."""
    host = os.path.join(ROOT, "build", "wasmvm-plugin-host")
    page = t.write("page", bytes(1 << 16))
    result = run(["setsid", "--wait", "bash", "-c",  # what stands at 3 looks like the monitor's end
                  '"$0" "$1" 3< <(:) 4<>"$2" 5<>"$2"; echo "status $?"', host, library(PLAIN), page])
    expect(result, 0, out="status 125\n",
           err="wasmvm: this program holds a plug-in's library, and is started by wasmvm --plugin\n")


@case
def what_a_library_finds(t):
    """Its process has the shared descriptors and the weak jail; wasmvm has the jail of a run with nothing granted, and
    nothing of the library."""
    if os.geteuid() != 0:
        raise Skip("only root looks into a process that is not dumpable")
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        child = looping(t)
    finally:
        os.close(read_end), os.close(write_end)
    pid, so = its_process(child), os.path.basename(library(PLAIN))
    try:
        found = {n: os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
    except PermissionError:
        raise Skip("root without capabilities does not look into a process that is not dumpable") from None
    assert set(found) == {"0", "1", "2", "3", "4", "5"}, found
    assert found["0"] == "/dev/null" and found["1"] == found["2"] and found["3"].startswith("socket:"), found
    assert found["4"].startswith("/memfd:turns") and found["5"].startswith("/memfd:linear-memory"), found
    for of in pid, child.pid:
        assert status_of(of, "NoNewPrivs", "Seccomp") == ["1", "2"], of
    with open(f"/proc/{pid}/maps") as theirs, open(f"/proc/{child.pid}/maps") as ours:
        theirs, ours = theirs.read(), ours.read()
    assert so in theirs and so not in ours
    assert "linear-memory" in ours and "linear-memory" not in theirs, theirs  # no function has looked there yet
    child.kill(), wait(child)
    until(lambda: not alive(pid))


@case
def the_jail_of_a_library(t):
    """The level is that of the grants; with --jail=weak the library is in wasmvm's own process."""
    path = t.path("report.json")
    for options, level in ((), "nothing"), (("--dir", t.mkdir("d") + "::/d"), "files"), (WITHIN, "weak"):
        expect(plain(t, "count", 3, options=("--report", path, *options)), 0, out="3\n",
               err=WITHIN_SAID if level == "weak" else "")
        with open(path) as f:
            assert json.load(f)["jail"] == level, options
    child = looping(t, *WITHIN)
    with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
        assert f.read() == ""
    child.send_signal(signal.SIGTERM)
    assert wait(child)[0] == 128 + signal.SIGTERM


@case
def libraries_within_the_process(t):
    said = WITHIN_SAID + "wasmvm: plug-in plain: said: hello \\x1b[31mred\n"
    for options, flags in WAYS:
        expect(plain(t, options=(*options, *WITHIN), flags=flags), 0, out=OLD_SHAPES, err=said)
        expect(plain(t, "exports", program="hostnew", version=NEWEST, options=(*options, *WITHIN), flags=flags), 0,
               out="42 999 1 108 2\n0 1 400\n", err=WITHIN_SAID)
    result = plain(t, "broad", 900, program="hostnew", version=NEWEST, options=WITHIN)
    expect(result, 134, err_has="called each other so deep that the host's stack is used up")
    result = plain(t, "loops", options=("--timeout", "700ms", *WITHIN))
    expect(result, 124, err_has="700 ms of wall time are over")


@case
def a_library_whose_process_is_killed(t):
    child = looping(t)
    pid = its_process(child)
    os.kill(pid, signal.SIGKILL)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 134 and b"trapped: plug-in plain: its process was ended by signal 9 (Killed)" in err, err
    assert not os.path.exists(f"/proc/{pid}"), "a zombie"


def files_collapse():
    """Whether this kernel makes one page of 2 MiB of a memory file's when it is asked (MADV_COLLAPSE, 6.1)."""
    large, libc = 2 << 20, ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    fd = os.memfd_create("collapse")
    os.truncate(fd, large)
    with mmap.mmap(-1, 2 * large) as space:
        byte = ctypes.c_char.from_buffer(space)
        at = -(-ctypes.addressof(byte) // large) * large
        shared = libc.mmap(ctypes.c_void_p(at), ctypes.c_size_t(large), mmap.PROT_READ | mmap.PROT_WRITE,
                           mmap.MAP_SHARED | 0x10, fd, ctypes.c_long(0))  # 0x10: in place of what is there
        assert shared == at
        ctypes.memset(at, 1, 1)
        failed = libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(large), 25)
        del byte
    os.close(fd)
    return not failed


@case
def memory_that_a_library_shares_has_large_pages(t):
    """So a program starts with as few page faults as with memory of its own."""
    if not files_collapse():
        raise Skip("this kernel leaves a file in memory its small pages")
    faults = []
    for level in "weak", "on":
        report, counts = t.path("report.json"), []
        for _ in range(5):  # the least, as there is not always a large page to be had
            expect(t.vm(f"--jail={level}", "--plugin", library(PLAIN), "--report", report, "--", t.go("hello")))
            with open(report) as file:
                kvm = json.load(file).get("kvm")
            if not kvm:
                raise Skip("this kernel counts no page faults of guests")
            counts.append(kvm["faults"])
        faults.append(min(counts))
    assert faults[1] < 2 * faults[0] + 20, faults


def odd_library(t, how, *options, module=None):
    """A run whose library misbehaves in the function env.run."""
    return t.vm("--plugin", library("tests/plugins/odd.c") + ",how=" + how, *options, "--",
                module or t.write("odd.wasm", importing("run", [], [], calls=b"\x10\x00")))


@case
def libraries_that_misbehave(t):
    """Each ends in one line, and wasmvm stays whole."""
    one_line(odd_library(t, "crash"), 134, "plug-in odd: its process was ended by signal 11 (Segmentation fault)")
    one_line(odd_library(t, "exit"), 134, "plug-in odd: its process ended with status 7")
    one_line(odd_library(t, "kind"), 134, "plug-in odd: its process broke the rules of its page")
    expect(odd_library(t, "cut"), 0, out="", err="wasmvm: plug-in odd: nothing can be cut\n")
    assert odd_library(t, "close", "--timeout", "700ms").status in (124, 134)  # its own watch may be the first to see
    for how in "flood", "exports":  # after the latter, its turns have the wrong numbers
        result, limit_ms = with_enough_time(lambda limit, how=how: odd_library(t, how, "--timeout", limit),
                                            lambda result: b" of wall time are over" in result.err, 700)
        one_line(result, 124, f"{limit_ms} ms of wall time are over")
    for how in "crash", "exit":
        result = odd_library(t, how + "-early")
        expect(result, 125, err_has=[f"how={how}-early: its process ", "before it was loaded"])


@case
def a_library_that_lies(t):
    """A thread of its writes at random into the shared page while the module calls without end."""
    calls = t.write("calls.wasm", importing("run", [], [], calls=b"\x03\x40\x10\x00\x0c\x00\x0b"))
    for options in (), ("--hypercall", "exit"), ("--hypercall", "poll"):
        for _ in range(3):
            result = odd_library(t, "scribble,mark=" + t.tmp, "--timeout", "600ms", *options, module=calls)
            assert result.status in (124, 134), result
            lines = [line for line in result.err.splitlines() if not line.startswith(b"    ")]
            assert len(lines) == 1 and lines[0].startswith(b"wasmvm: "), result
    until(lambda: run(["pgrep", "-f", "how=scribble mark=" + t.tmp]).status == 1)


@case
def a_library_that_waits(t):
    """host->wait ends by a limit and by a signal, and fini runs."""
    mark = t.path("mark")

    def waited(limit):
        t.write("mark")
        return odd_library(t, "wait,mark=" + mark, "--timeout", limit)

    result, limit_ms = with_enough_time(waited, lambda _: open(mark).read().startswith("waiting\n"), 700)
    expect(result, 124, err_has=f"{limit_ms} ms of wall time are over")
    with open(mark) as f:
        assert f.read() == "waiting\nended\nfini\n"
    os.remove(mark)
    child = t.start("--plugin", library("tests/plugins/odd.c") + ",how=wait,mark=" + mark, "--", t.path("odd.wasm"),
                    stderr=subprocess.PIPE)
    until(lambda: os.path.exists(mark) and open(mark).read() == "waiting\n")
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=300)
    assert child.returncode == -signal.SIGTERM, child.returncode
    with open(mark) as f:
        assert f.read() == "waiting\nended\nfini\n"


# ---- processes ----


@case
def a_process(t):
    module = t.write("sum.wasm", command(
        b"\x41\x14\x41\x16\x10\x00\x10\x01", imports=[("env", "add32", bytes([FUNC, 1])),
                                                      ("wasi_snapshot_preview1", "proc_exit", bytes([FUNC, 2]))],
        types=[functype([I32, I32], [I32]), functype([I32])]))
    path = t.path("report.json")
    expect(t.vm("--plugin-exec", f"env=python3 {ODD} fine", "--report", path, module), 42, out="", err="")
    assert json.load(open(path))["plugins"] == [{"name": "odd", "version": "2.0", "command": f"python3 {ODD} fine",
                                                 "functions": 3, "calls": 1}]


def ignore_what_the_c_library_keeps():
    """Signals 32 and 33 as a caller may leave them: only the kernel's own call sets them, and sets them back."""
    action = struct.pack("4Q", signal.SIG_IGN, 0, 0, 0)
    for number in 32, 33:
        assert ctypes.CDLL(None).syscall(13, number, action, None, 8) == 0  # rt_sigaction


@case
def what_a_process_finds(t):
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        module = t.write("m.wasm", importing("run", [], [], calls=b"\x10\x00"))
        command_line = [t.wasmvm, "--dir", t.tmp, "--plugin-exec", f"env=python3 {ODD} state a\\ b \\\\ $HOME", module]
        child = subprocess.Popen(command_line, pass_fds=[write_end], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, preexec_fn=ignore_what_the_c_library_keeps)
        t.started.append(child)
        out, err = child.communicate(timeout=300)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.close(read_end), os.close(write_end)
    assert child.returncode == 0 and out == b"", (child.returncode, out, err)
    found = json.loads(err)
    assert set(found["fds"]) == {"0", "1", "2", "3"}, found
    assert found["fds"]["0"] == "/dev/null" and found["fds"]["1"] == found["fds"]["2"], found
    assert found["fds"]["3"].startswith("socket:"), found
    blocked, ignored = (int(mask, 16) for mask in found["masks"])
    assert blocked == 0 and ignored & ~(1 << 12 | 1 << 24) == 0, found  # Python itself ignores SIGPIPE and SIGXFSZ
    assert found["leader"] and found["argv"][1:] == ["state", "a b", "\\", "$HOME"], found


@case
def processes_that_misbehave(t):
    one_line(odd(t, "trap"), 134, "trapped: sorry \\x1b[31m")
    result = odd(t, "exit")
    expect(result, 134, err_has=["this goes to standard error\n",
                                 "trapped: the plug-in process python3 ended with status 7"])
    one_line(odd(t, "crash"), 134, "the plug-in process python3 was ended by signal 11 (Segmentation fault)")
    one_line(odd(t, "garbage"), 134, "the plug-in process python3 sent a frame")


@case
def a_parent_that_ignores_its_children(t):
    """What is ignored stays so in what is started, and nobody could say how a process ended."""
    module = t.write("m.wasm", importing("run", [], [], calls=b"\x10\x00"))
    child = t.start("--plugin-exec", f"env=python3 {ODD} exit", module, stderr=subprocess.PIPE,
                    preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    _, err = child.communicate(timeout=300)
    assert child.returncode == 134 and b"ended with status 7" in err, (child.returncode, err)


@case
def the_call_after_a_process_is_gone(t):
    """It answers one call, then ends by itself, or is killed while the module does something else; the rest is told."""
    twice = t.write("twice.wasm", importing("run", [], [], calls=b"\x10\x00\x10\x00"))
    report = t.path("report.json")
    result = t.vm("--plugin-exec", f"env=python3 {ODD} later", "--report", report, twice)
    one_line(result, 134, "trapped: the plug-in process python3 ended with status 5")
    with open(report) as f:
        assert json.load(f)["plugins"][0]["calls"] == 2
    asks = t.write("asks.wasm", importing("run", [], [], calls=b"\x10\x00" + b"\x03\x40\x10\x00\x0c\x00\x0b"))
    pid_file = t.path("pid")
    child = t.start("--plugin-exec", f"env=python3 {ODD} pid {pid_file}", asks, stderr=subprocess.PIPE)
    until(lambda: os.path.exists(pid_file))
    with open(pid_file) as f:
        os.kill(int(f.read()), signal.SIGKILL)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 134, err
    assert b"trapped: the plug-in process python3 was ended by signal 9 (Killed)" in err, err


@case(vm=False)
def the_frames_of_the_page(t):
    """The kinds and their numbers, in docs/plugins.md and in vmm/base/frame.h; those from 32 on are a helper's."""
    with open(os.path.join(ROOT, "docs/plugins.md")) as page, open(os.path.join(ROOT, "vmm/base/frame.h")) as header:
        shown = set(re.findall(r"^\| (\d+) ([A-Z]+) \| (?:plug-in|wasmvm) \|", page.read(), re.M))
        kinds = re.findall(r"^    FRAME_([A-Z]+) = (\d+),", header.read(), re.M)
        meant = {(number, name) for name, number in kinds if int(number) < 32}
    assert shown == meant and len(meant) == 10, (shown, meant)


def stopped_in_time(t, run_one, piece):
    """Within 20 ms of the limit, or of what a program that spins needs on a busy machine."""
    def late(n):
        limit_ms = 401 * (n + 1)  # whole seconds have words of their own
        result = run_one(f"{limit_ms}ms")
        if b"it did not say hello in time" in result.err and "hello" not in piece:
            return math.inf
        one_line(result, 124, piece.format(limit_ms))
        return result.seconds - limit_ms / 1000

    in_time(0.020, late, lambda: t.program("stop", "spin", options=("--timeout", "400ms")).seconds - 0.4)


@case
def processes_that_do_not_answer(t):
    for how in "hang", "spin", "endless":
        stopped_in_time(t, lambda limit, how=how: odd(t, how, options=("--timeout", limit)),
                        "{} ms of wall time are over")


@case
def processes_that_never_pause(t):
    module = t.write("m.wasm", importing("run", [], [], calls=b"\x10\x00"))
    flood = "env=" + native_c("tests/plugins/flood.c")
    for value, piece in (flood, "{} ms of wall time are over"), (flood + " early", "it did not say hello in time"):
        stopped_in_time(t, lambda limit, value=value: t.vm("--plugin-exec", value, "--timeout", limit, module), piece)


@case(vm=False)
def processes_that_do_not_start(t):
    module = t.write("m.wasm", command(b""))
    for value, piece in (
            ("env", "the command is missing"), ("env=", "the command is missing"), ("env=  ", "the command is missing"),
            ("=cat", "the module is missing"), ("env=nowhere-at-all", "no such program"),
            ("env=/", "Permission denied"), ("env=a\\", "a backslash at the end"),
            ("env=true", "the plug-in process true ended with status 0 before it said hello"),
            (f"env=python3 {ODD} early", "ended with status 3 before it said hello"),
            (f"env=python3 {ODD} abi", "it speaks version 9 of the plug-in ABI, and this wasmvm speaks 1"),
            (f"wasi_unstable=python3 {ODD} fine", "reserved"), ("env=echo", "before it said hello")):
        env = dict(os.environ, PATH="/usr/bin:/bin") if "nowhere" in value else None  # all of it can be entered
        result = t.vm("--plugin-exec", value, module, env=env)
        expect(result, 125, out=b"", err_has=[f"wasmvm: --plugin-exec {value}: ".encode(), piece])

    def late(_):
        result = t.vm("--plugin-exec", f"env=python3 {ODD} mute", "--timeout", "300ms", module)
        expect_message(result, 124, "it did not say hello in time")
        return result.seconds - 0.3

    in_time(0.7, late)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@case
def processes_end_with_the_monitor(t):
    """Also when that is killed, and where a process does not mind the end of its socket."""
    expect(odd(t, "eof", t.path("mark")), 0)
    assert open(t.path("mark")).read() == "gone in peace\n"
    result = odd(t, "stays", options=("--timeout", "300ms"))
    expect(result, 124)
    wasm = t.go("stop")
    for number, status in (signal.SIGKILL, 137), (signal.SIGTERM, 143):
        pid_file = t.path(f"pid{number}")
        child = t.start("--plugin-exec", f"env=python3 {ODD} pid {pid_file}", "--", wasm, "sleep",
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(pid_file))
        pid = int(open(pid_file).read())
        time.sleep(0.3)
        assert alive(pid)
        child.send_signal(number)
        assert wait(child)[0] == status
        until(lambda: not alive(pid))


@case
def what_a_process_started_ends_with_it(t):
    for words, status in ((), 0), (("hangs",), 124):
        pid_file = t.path("sleeper" + "".join(words))
        def run_one(limit, words=words, pid_file=pid_file):
            return odd(t, "family", pid_file, *words, options=("--timeout", limit) if words else ())

        result, _ = with_enough_time(run_one, lambda _, pid_file=pid_file: os.path.exists(pid_file))
        expect(result, status)
        with open(pid_file) as f:
            pid = int(f.read())
        until(lambda: not alive(pid))


# ---- examples ----


@case
def example_secrets(t):
    path = t.write("token", "opensesame")
    expect(t.vm("--plugin", library("images/examples/secrets/secrets.c") + ",token=" + path, "--", example("secrets"),
                "token", "other"), 0, out='token: 10 bytes, the first is "o"\nother: no such secret\n', err="")


@case
def example_in_c(t):
    tickets, app = native_c("images/examples/tickets/tickets.c"), example("tickets")
    queues = t.mkdir("queues")

    def draw(*names):
        return t.vm("--plugin-exec", f"tickets={tickets} {queues}", "--", app, *names)
    expect(draw("red", "blue", "red"), 0, out="red 1\nblue 1\nred 2\n", err="")
    line = [t.wasmvm, "--plugin-exec", f"tickets={tickets} {queues}", "--", app, *["red"] * 100]
    drawn = [subprocess.Popen(line, stdout=subprocess.PIPE) for _ in range(3)]
    numbers = [int(n) for child in drawn for n in child.communicate(timeout=300)[0].split()[1::2]]
    assert sorted(numbers) == list(range(3, 303)), sorted(numbers)
    for name in "../red", "", "a" * 65, "/etc/passwd":
        one_line(draw(name), 134, "trapped: tickets.next: a queue has 1 to 64 small letters and digits")
    os.mkdir(t.path("queues/green"))
    expect(draw("green"), 0, out="green -1\n", err="")
    assert sorted(os.listdir(queues)) == ["blue", "green", "red"]
    expect(t.vm("--plugin-exec", f"tickets={tickets} nowhere", "--", app), 125, out="", err_has=[
        "tickets: give the directory of the queues\n", "ended with status 2 before it said hello"])


@case
def example_in_python(t):
    script = os.path.join(ROOT, "images/examples/median/median.py")
    expect(t.vm("--plugin-exec", f"stats=python3 {script}", "--", example("median"), "5", "1", "3", "2.5"), 0,
           out="2.75\n[1 2.5 3 5]\n", err="")
    one_line(t.vm("--plugin-exec", f"stats=python3 {script}", "--", example("median")), 134,
             "trapped: median: no median for empty data")


@case
def example_in_go(t):
    notary = example("sign", "/plugin", goos="linux")
    result = t.vm("--plugin-exec", f"notary={notary} 0123456789abcdef0123456789abcdef", "--", example("sign"), "hello")
    expect(result, 0, out="hello: signed 42b2f4c6..., true\n", err="")
    expect(t.vm("--plugin-exec", f"notary={notary} short", "--", example("sign")), 125, out="",
           err_has=["notary: give a seed of 32 bytes\n", "ended with status 2 before it said hello"])


@case
def example_with_sqlite(t):
    so = library("images/examples/kv/kv.c", libs=("-lsqlite3",))
    app = example("kv")

    def kv(*words, options=()):
        return t.vm("--plugin", f"{so},db={t.path('store')}", *options, "--", app, *words)
    expect(kv("get", "a"), 1, err="kv: no such key\n")
    expect(kv("put", "a", "x" * 1000), 0, out="", err="")
    expect(kv("put", "b", ""), 0, out="", err="")
    expect(kv("put", "a", "two words"), 0, out="", err="")
    expect(kv("get", "a"), 0, out="two words\n", err="")
    expect(kv("list"), 0, out="a = two words\nb = \n", err="")
    expect(kv("remove", "a"), 0), expect(kv("remove", "a"), 1, err="kv: no such key\n")
    expect(kv("fill", 500), 0, out="", err="")
    assert kv("list").out.count(b"\n") == 501
    result = t.vm("--plugin", so, "--", app, "list")
    expect(result, 125, err_has=["plug-in kv: say where the store is", "refuses to start"])
    result = t.vm("--plugin", f"{so},db={t.tmp}", "--", app, "list")
    expect(result, 125, err_has=["plug-in kv: unable to open database file", "refuses to start"])


# ---- the page ----


@case
def the_program_of_the_page(t):
    """docs/plugins.md: its files as they stand there, its commands, what it says they print."""
    with open(os.path.join(ROOT, "docs/plugins.md")) as f:
        page = f.read()
    files = dict(re.findall(r"^`(\S+)`[^\n]*:\n\n```\w+\n(.*?)^```", page, re.M | re.S))
    assert sorted(files) == ["main.go", "secrets.c"], files.keys()
    for name, text in files.items():
        with open(os.path.join(ROOT, "images/examples/secrets", name)) as f:
            assert f.read() == text, f"{name} of the page is not images/examples/secrets/{name}"
        t.write("page/" + name, text)
    shown = re.search(r"^Together .*?\n\n((?:    .*\n)+)", page, re.M | re.S).group(1)
    # go.sh looks for a go on PATH: not for this one.
    for name, target in ("go", f"PATH='{os.environ['PATH']}' exec {GO} pinned"), ("wasmvm", f"exec {t.wasmvm}"):
        os.chmod(t.write("bin/" + name, f'#!/bin/sh\n{target} "$@"\n'), 0o755)
    env = dict(os.environ, PATH=t.path("bin") + ":" + os.environ["PATH"], C_INCLUDE_PATH=os.path.join(ROOT, "vmm"))
    steps = re.findall(r"^    \$ (.*)\n((?:    [^$\n].*\n)*)", shown, re.M)
    assert len(steps) == 5, steps
    for words, printed in steps:
        result = run(["sh", "-c", words], env=env, cwd=t.path("page"), timeout=600)
        got = re.sub("^go: downloading .*\n", "", (result.out + result.err).decode(), flags=re.M)
        assert got == re.sub("^    ", "", printed, flags=re.M), f"{words}\n{result}"
    shutil.rmtree(t.path("page"))
