"""Limits, time, memory, statistics."""

import json
import math
import os
import re
import time

import wasm
from harness import (case, expect, expect_message, first_in_line, go_build, in_time, measured, run,
                     with_enough_time)


def report_of(t, name, *args, options=(), **run_options):
    path = t.path("report.json")
    result = t.program(name, *args, options=("--report", path, *options), **run_options)
    with open(path) as f:
        return result, json.load(f)


@case
def timeout_124_within_20_ms(t):
    def late(n):
        limit_ms, before = 300 * (n + 1), first_in_line() if n > 1 else []
        result = run([*before, t.wasmvm, "--timeout", f"{limit_ms}ms", "--", t.go("stop"), "spin"])
        expect(result, 124, err_has="wasmvm: ")
        assert result.seconds > limit_ms / 1000 - 0.001, f"early\n{result}"
        return result.seconds - limit_ms / 1000 if result.out == b"spinning\n" else math.inf

    in_time(0.020, late)


@case
def timeout_while_waiting(t):
    read_end, write_end = os.pipe()
    for what in "sleep", "read", "both":
        def late(_, what=what):
            result = t.program("stop", what, options=("--timeout=300ms",), stdin=read_end)
            expect(result, 124)
            assert result.seconds >= 0.3, result
            return result.seconds - 0.3

        in_time(0.2, late)
    os.close(read_end), os.close(write_end)


@case
def timeout_not_reached(t):
    expect(t.program("hello", options=("--timeout", "1m")), 0, out="Hello, world!\n", err="")


@case
def cpu_time_limit(t):
    """Of the machine; what the monitor itself takes comes to it."""
    def more(n):
        limit_ms = 300 * (n + 1)
        result = t.program("stop", "spin", options=("--cpu-time", f"{limit_ms}ms"))
        expect(result, 124)
        assert result.cpu >= limit_ms / 1000 - 0.05, result.cpu
        return result.cpu - limit_ms / 1000 if result.out == b"spinning\n" else math.inf

    in_time(0.3, more, usual=lambda: 0)
    for seconds in 1, 3, 9, 27:  # its start takes CPU time, on a busy machine more
        limits = ("--cpu-time", f"{seconds * 300}ms", "--timeout", f"{seconds}s")
        result = t.program("stop", "sleep", options=limits)
        expect(result, 124)
        if result.seconds >= seconds:
            break
    assert result.seconds >= seconds, "sleeping costs no CPU time"


@case
def timers_never_early(t):
    """p99 is to stay within 1 ms on an idle machine: the best try counts; early is early in any of them.  On a busy one
    ours may be 1 ms later than the worst of native Go meanwhile."""

    def p99(argv):
        result = run(argv)
        expect(result, 0, err="")
        words = result.out.decode().split()
        values = dict(zip(words[::2], map(int, words[1::2])))
        assert values["early"] == 0, result
        return values["p99"] / 1e6

    app, native = t.go("timers"), go_build("./timers", goos="linux")
    in_time(0.001, lambda n: p99([*(first_in_line() if n > 1 else []), t.wasmvm, "--", app]), lambda: p99([native]))


@case
def heap_to_1_gib_and_back(t):
    want = "".join(f"round {n} bad 0 grown true collected true collections true\n" for n in (1, 2)) + "reused true\n"
    expect(t.program("heap", timeout=600), 0, out=want, err="")


@case
def memory_limit_ends_go(t):
    result = t.program("heap", "512", options=("--memory", "256M"))
    expect(result, 2, err_has="out of memory")


@case
def too_little_memory_at_start(t):
    result = t.program("hello", options=("--memory", "1M"))
    expect_message(result, 125, "1024 KiB")


@case
def stack_limit(t):
    result = t.program("recurse", "1000000", options=("--stack", "2M"))
    expect(result, 134, err_has="call stack exhausted (2 MiB; --stack SIZE)")
    assert result.err.count(b"\n") <= 42 and b"main.down" in result.err, result


@case
def a_million_times_time_now(t):
    before = int(time.time())
    result, report = report_of(t, "clock", "1000000")
    expect(result, 0, err="")
    assert result.out.startswith(b"back 0 agree true unix "), result
    assert before <= int(result.out.split()[-1]) <= time.time(), result
    # Served inside the guest; at most one exit a second for new clock pages.
    clock = report["calls"]["clock_time_get"]
    refreshed = report["calls"].get("clock_refresh", {}).get("exits", 0)
    assert clock["in_guest"] >= 2000000 and clock["exits"] == 0, report["calls"]
    assert refreshed <= 1 + result.seconds and report["exits"]["all"] < 100 + refreshed, report


@case
def stats_table(t):
    """Phases, what was compiled, memory, exits; and for every call that the program made, how it was served."""
    result = t.program("hello", options=("--cache=off", "--stats"))
    expect(result, 0, out="Hello, world!\n")
    text = result.err.decode()
    for phase in "vm load boot run parse validate compile teardown total".split():
        assert re.search(rf"^ +{phase} +[0-9]+\.[0-9]+", text, re.M), (phase, text)
    compiled = r"^compiled +([0-9]+) of ([0-9]+) functions, [0-9.]+ of [0-9.]+ MB of bodies, [0-9.]+ MB/s"
    figures = re.search(compiled, text, re.M)
    assert 0 < int(figures[1]) < int(figures[2]), text
    known = re.search(r"^recognised +([0-9]+) functions of Go's standard library: (.*)$", text, re.M)
    assert known and {"memequal", "compare"} <= set(known[2].split(", ")), text
    assert re.search(r"^memory .* touched at most [0-9.]+ MB", text, re.M), text
    exits = int(re.search(r"^VM exits +([0-9]+)", text, re.M)[1])
    calls = re.findall(r"^ {2}([a-z_]+) +([0-9]+) +([0-9]+) +([0-9]+) +([0-9]+) +([0-9.]+) +([0-9.]+|-)$", text, re.M)
    names = [c[0] for c in calls]
    assert {"fd_write", "args_get", "clock_time_get", "proc_exit", "random_get"} <= set(names), text
    for name, count, inside, polled, out, each, _ in calls:
        assert int(count) == int(inside) + int(polled) + int(out), (name, text)
        assert abs(float(each) - int(out) / int(count)) < 0.0001, (name, text)
    assert sum(int(c[4]) for c in calls) <= exits, text


@case
def report_of_every_end(t):
    """What the report says is what happened: reason, status, and the calls that the program made."""
    for name, words, options, status, reason in (
            ("process", ("exit", 3), (), 3, "exit"), ("process", ("panic",), (), 2, "exit"),
            ("trap", (), (), 134, "trap"),
            ("stop", ("spin",), ("--timeout",), 124, "timeout"),
            ("stop", ("spin",), ("--cpu-time",), 124, "cpu_time")):
        def ran(limit, name=name, words=words, options=options):
            given = ("--cache=off", "--report", t.path("r.json"), *options, *[limit][:len(options)])
            return t.program(name, *words, options=given)

        result, _ = with_enough_time(ran, lambda result: result.out or b"wall time" not in result.err)
        with open(t.path("r.json")) as f:
            report = json.load(f)
        assert (result.status, report["status"], report["reason"]) == (status, status, reason), (result, report)
        assert report["jail"] == "nothing", report
        written = report["calls"]["fd_write"]
        assert written["polled"] + written["exits"] > 0 and report["exits"]["all"] > 0, report
        assert 0 < report["compiled"]["funcs_compiled"] < report["compiled"]["funcs_total"], report


@case
def the_report_names_the_level_of_the_jail(t):
    for options, level in (
            (["--dir", "."], "files"), (["--allow-connect", "127.0.0.1:1"], "network"),
            (["--dir", ".", "--net-all", "--allow-unix"], "files, network, unix sockets"),
            (["--listen", "127.0.0.1:0"], "open sockets"), (["--jail=weak"], "weak"), (["--jail=off"], "off")):
        t.program("process", "exit", "0", options=[*options, "--report", t.path("r.json")])
        with open(t.path("r.json")) as f:
            assert json.load(f)["jail"] == level, level


@case
def what_a_run_writes_and_makes(t):
    """Of a Go program: the last byte and the last file are its own, one more ends it, and nothing of that is there."""
    grant = ("--dir", t.mkdir("d") + "::/d")
    for options, word, status, names in (
            (("--max-written", "5", "--max-created", "1"), "12345", 0, {"a": b"12345"}),
            (("--max-written", "5"), "123456", 137, {"a": b"12345", "b": b"12345"}),
            (("--max-created", "1"), "x", 0, {"a": b"12345", "b": b"x"})):
        path = "/d/" + max(names)
        result = t.program("files", "write", path, word, options=(*grant, *options))
        assert result.status == status and (status == 0 or b"--max-written" in result.err), (options, result)
        assert {n: open(t.path("d/" + n), "rb").read() for n in os.listdir(t.path("d"))} == names, (options, result)
    made = os.listdir(t.mkdir("e"))
    result, report = report_of(t, "files", "rw", "/e", options=("--dir", t.path("e") + "::/e", "--max-created", "3"))
    assert (result.status, report["reason"], made) == (137, "created", []), (result, report)
    assert sum(len(dirs) + len(names) for _, dirs, names in os.walk(t.path("e"))) <= 3, result


@case
def output_waits_for_its_rate(t):
    """A second's worth goes out at once; the rest takes the time that it should, and all of it comes."""
    result = t.program("streams", "println", "20000", options=("--output-rate", "100K"))
    plain = t.program("streams", "println", "20000")
    assert result.status == plain.status == 0 and result.err == plain.err and len(plain.err) > 150000, (result, plain)
    assert result.seconds >= len(plain.err) / 102400 - 1, (result.seconds, len(plain.err))


@case
def report_of_runs_that_never_began(t):
    bad = wasm.module(types=[wasm.functype()], funcs=[0], memory=1, bodies=[wasm.body(b"\x6a\x1a")],
                      exports=[("_start", wasm.FUNC, 0), ("memory", wasm.MEMORY, 0)])
    unknown = wasm.command(b"", imports=[("env", "f", b"\0" + wasm.leb(1))], types=[wasm.functype()])
    for name, data, options, status, reason in (
            ("body.wasm", bad, (), 126, "invalid"), ("text.wasm", b"#!/bin/sh\n", (), 126, "invalid"),
            ("empty.wasm", b"", (), 126, "invalid"), ("import.wasm", unknown, (), 126, "unsupported"),
            ("big.wasm", wasm.command(b"", memory=100), ("--memory", "1M"), 125, "limit"),
            ("dir.wasm", wasm.command(b""), ("--dir", "/no/such"), 125, "monitor"),
            ("image.wasm", wasm.command(b""), ("--guest-image", "/dev/null"), 125, "monitor"),
            ("nobody.wasm", None, (), 127, "no_module")):
        path = t.path(name) if data is None else t.write(name, data)
        result = t.vm(*options, "--report", t.path("r.json"), "--", path)
        expect_message(result, status)
        with open(t.path("r.json")) as f:
            report = json.load(f)
        assert (report["status"], report["reason"], report["module"]) == (status, reason, path), (name, report)
        assert report["message"] and report["message"] in result.err.decode(), (report, result)


@case
def start_of_hello(t):
    """What decides how fast it starts, from nothing cached: functions compiled, exits; and under 24 MB of memory."""
    memory = min(measured([t.wasmvm, "--cache=off", "--", t.go("hello")]).max_rss for _ in range(3))
    assert memory < 24e6, f"{memory / 1e6:.1f} MB"
    _, report = report_of(t, "hello", options=("--cache=off",))
    made, exits = report["compiled"], report["exits"]
    assert 0 < made["funcs_compiled"] < made["funcs_total"] / 3, made
    assert exits["all"] - exits["for_no_call"] < 15, report
