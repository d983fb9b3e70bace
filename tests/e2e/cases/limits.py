"""Limits, time, memory, statistics."""

import json
import os
import re
import time

import wasm
from harness import case, expect, expect_message, first_in_line, go_build, measured, run


def report_of(t, name, *args, options=(), **run_options):
    path = t.path("report.json")
    result = t.program(name, *args, options=("--report", path, *options), **run_options)
    with open(path) as f:
        return result, json.load(f)


@case
def timeout_124_within_20_ms(t):
    late = []
    for before in [], [], first_in_line(), first_in_line():
        limit_ms = 300 + 200 * len(late)
        result = run([*before, t.wasmvm, "--timeout", f"{limit_ms}ms", "--", t.go("stop"), "spin"], timeout=10)
        expect(result, 124, err_has="wasmvm: ")
        late.append(result.seconds * 1000 - limit_ms)
        assert late[-1] > -1, f"{-late[-1]} ms early"
        if result.out == b"spinning\n" and late[-1] < 20:
            return
    raise AssertionError(f"late by {late} ms")


@case
def timeout_while_waiting(t):
    for what in "sleep", "read", "both":
        read_end, write_end = os.pipe()
        result = t.program("stop", what, options=("--timeout=300ms",), timeout=10, stdin=read_end)
        os.close(read_end), os.close(write_end)
        expect(result, 124)
        assert 0.3 <= result.seconds < 0.5, result


@case
def timeout_not_reached(t):
    expect(t.program("hello", options=("--timeout", "1m")), 0, out="Hello, world!\n", err="")


@case
def cpu_time_limit(t):
    result = t.program("stop", "spin", options=("--cpu-time", "300ms"), timeout=20)
    expect(result, 124, out="spinning\n")
    assert 0.25 <= result.cpu < 0.6, result.cpu
    result = t.program("stop", "sleep", options=("--cpu-time", "300ms", "--timeout", "1s"), timeout=20)
    expect(result, 124)
    assert result.seconds >= 1, "sleeping costs no CPU time"


@case
def timers_never_early(t):
    """p99 is to stay within 1 ms on an idle machine: the best try counts; early is early in any of them.  A busy
    machine is as good as idle to whoever may set a real-time priority; where that is refused, ours may be 1 ms later
    than the worst of native Go."""

    def p99(argv):
        result = run(argv)
        expect(result, 0, err="")
        words = result.out.decode().split()
        values = dict(zip(words[::2], map(int, words[1::2])))
        assert values["early"] == 0, result
        return values["p99"]

    command = [t.wasmvm, "--", t.go("timers")]
    first = first_in_line()
    ours = []
    for before in [], [], first, first, first:
        ours.append(p99([*before, *command]))
        if ours[-1] < 1000:
            return
    theirs = [p99([go_build("./timers", goos="linux")]) for _ in range(5)]
    assert not first and min(ours) < 1000 + max(theirs), f"p99 in microseconds: {ours}, native {theirs}"


@case
def heap_to_1_gib_and_back(t):
    want = "".join(f"round {n} bad 0 grown true collected true collections true\n" for n in (1, 2)) + "reused true\n"
    expect(t.program("heap", timeout=120), 0, out=want, err="")


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
    result, report = report_of(t, "clock", "1000000")
    expect(result, 0, err="")
    assert result.out.startswith(b"back 0 agree true unix "), result
    assert abs(int(result.out.split()[-1]) - time.time()) < 5, result
    # Served inside the guest; at most one exit a second for new clock pages.
    clock = report["calls"]["clock_time_get"]
    refreshed = report["calls"].get("clock_refresh", {}).get("exits", 0)
    assert clock["in_guest"] >= 2000000 and clock["exits"] == 0, report["calls"]
    assert refreshed <= 1 + result.seconds and report["exits"]["all"] < 100 + refreshed, report


@case
def stats_table(t):
    """Phases, what was compiled, memory, exits; and for every call that the program made, how it was served."""
    result = t.program("hello", options=("--stats",))
    expect(result, 0, out="Hello, world!\n")
    text = result.err.decode()
    for phase in "vm load boot run parse validate compile teardown total".split():
        assert re.search(rf"^ +{phase} +[0-9]+\.[0-9]+", text, re.M), (phase, text)
    compiled = r"^compiled +([0-9]+) of ([0-9]+) functions, [0-9.]+ of [0-9.]+ MB of bodies, ([0-9.]+) MB/s"
    figures = re.search(compiled, text, re.M)
    assert 0 < int(figures[1]) < int(figures[2]) and float(figures[3]) > 0, text
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
            ("stop", ("spin",), ("--timeout", "500ms"), 124, "timeout"),
            ("stop", ("spin",), ("--cpu-time", "300ms"), 124, "cpu_time")):
        result, report = report_of(t, name, *words, options=options)
        assert (result.status, report["status"], report["reason"]) == (status, status, reason), (result, report)
        written = report["calls"]["fd_write"]
        assert written["polled"] + written["exits"] > 0 and report["exits"]["all"] > 0, report
        assert 0 < report["compiled"]["funcs_compiled"] < report["compiled"]["funcs_total"], report


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
    """Under 40 ms of CPU and 24 MB of memory from nothing cached: the least of 15 runs."""
    results = [measured([t.wasmvm, "--", t.go("hello")]) for _ in range(15)]
    cpu = min(r.cpu for r in results)
    memory = min(r.max_rss for r in results)
    assert cpu < 0.040 and memory < 24e6, f"{cpu * 1000:.1f} ms, {memory / 1e6:.1f} MB"
