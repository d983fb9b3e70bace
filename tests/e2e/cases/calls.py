"""How calls leave the guest: by exits, polled, or not at all; what waiting costs; --stats of it all."""

import contextlib
import ctypes
import json
import os
import re
import subprocess
import time

import wasm
from harness import Skip, case, crowded, expect, first_in_line, go_build, run, until, wait

CPUS = len(os.sched_getaffinity(0))
AUTO, POLL, EXIT = (f"--hypercall={how}" for how in ("auto", "poll", "exit"))
LOOPS = 1000
IDLE_CPU = 0.03  # s, in 0.1 s or more: who spins needs all of it
DETACH, SEIZE, INTERRUPT, ANY_CHILD = 17, 0x4206, 0x4207, 0x40000000  # ptrace, waitpid

# fd_read(0) byte by byte until it ends or fails.
READER = (b"\x41\x00\x41\xc0\x00\x36\x02\x00\x41\x04\x41\x01\x36\x02\x00"
          b"\x03\x40\x41\x00\x41\x00\x41\x01\x41\x08\x10\x00\x04\x40\x0f\x0b\x41\x08\x28\x02\x00\x0d\x00\x0b")


def report_of(path):
    with open(path) as f:
        return json.load(f)


def calls_program(kind, count, place):
    """Words after wasmvm's options: the benchmark's program, which makes one kind of call."""
    return "--dir", place, "--", go_build("./calls", module="tests/bench/calls"), kind, count, place


def ways_of(report, name):
    c = report["calls"].get(name, {"in_guest": 0, "polled": 0, "exits": 0})
    return c["in_guest"], c["polled"], c["exits"]


def cpu_of(child, thread):
    """Seconds of CPU so far."""
    try:
        with open(f"/proc/{child.pid}/task/{thread}/schedstat") as f:
            return int(f.read().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0


def threads(child):
    return [int(i) for i in os.listdir(f"/proc/{child.pid}/task")]


def cpu_of_all(child):
    return sum(cpu_of(child, thread) for thread in threads(child))


def polling(child):
    """The thread that polls: beside the first none else has anything to do."""
    return next((i for i in threads(child) if i != child.pid and cpu_of(child, i) > 0.001), None)


# ---- who polls ----


@case
def polled_with_two_cpus_and_never_with_one(t):
    """Many calls: by exits alone where that is asked for, or where one CPU is all there is, whatever was asked for."""
    path, one = t.path("r.json"), {min(os.sched_getaffinity(0))}
    for how, confined, polled in ((AUTO, False, True), (POLL, False, True), (EXIT, False, False), (AUTO, True, False),
                                  (POLL, True, False)):
        wanted = polled and CPUS > 1
        for n in range(10):  # who polls may get no CPU on a busy machine
            child = t.start(how, "--report", path, *calls_program("write", "20000", t.tmp), stdout=subprocess.PIPE,
                            before=first_in_line() if n and not confined else (),
                            preexec_fn=(lambda: os.sched_setaffinity(0, one)) if confined else None)
            seen = False
            while child.poll() is None:
                seen = seen or polling(child) is not None
                time.sleep(0.002)
            assert child.returncode == 0, child.returncode
            assert os.path.getsize(t.path("calls.data")) == 20000
            in_guest, by_polling, by_exits = ways_of(report_of(path), "fd_write")
            assert (in_guest, by_polling + by_exits) == (0, 20001), (how, confined, report_of(path))
            assert polled or not seen, (how, confined)
            if by_polling > 0 or not wanted:
                break
        assert (by_polling > 0) == wanted, (how, confined, by_polling, by_exits)


@case
def one_in_a_hundred_exits(t):
    """At most, of writes, reads and stats that come thick, once both threads have a CPU each: the best of some runs."""
    if CPUS < 2:
        raise Skip("one CPU: nothing is polled")
    for kind, name in ("write", "fd_write"), ("read", "fd_read"), ("stat", "path_filestat_get"):
        exits, busy = [], False
        while not exits or (exits[-1] >= 500 and len(exits) < 10):
            result = run([*first_in_line(), t.wasmvm, AUTO, "--report", t.path("r.json"),
                          *calls_program(kind, "50000", t.tmp)])
            expect(result, 0, err="")
            inside, polled, by_exit = ways_of(report_of(t.path("r.json")), name)
            assert inside == 0 and polled + by_exit >= 50000, (inside, polled, by_exit)
            exits.append(by_exit)
            busy = by_exit >= 500 and (busy or crowded())  # no second thread has a CPU then
        assert exits[-1] < 500 or busy, (kind, exits)


@contextlib.contextmanager
def stopped(thread):
    """One thread of a child, taken off its CPU wherever that finds it."""
    def ptrace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise Skip(f"ptrace: {os.strerror(ctypes.get_errno())}")

    libc = ctypes.CDLL(None, use_errno=True)
    ptrace(SEIZE)
    ptrace(INTERRUPT)
    os.waitpid(thread, ANY_CHILD)
    try:
        yield
    finally:
        ptrace(DETACH)


@case
def a_thread_that_is_stopped_holds_nothing_up(t):
    """The thread that polls is stopped for a while: the calls go on by exits.  Only where it was in the middle of one
    does the guest wait for it, asleep."""
    if CPUS < 2:
        raise Skip("one CPU: nothing is polled")
    data = t.path("calls.data")
    child = t.start(POLL, *calls_program("write", "100000000", t.tmp), stdout=subprocess.DEVNULL)
    until(lambda: polling(child) is not None and os.path.exists(data))
    thread, went_on = polling(child), 0
    for _ in range(40):
        with stopped(thread):
            before, used = os.path.getsize(data), cpu_of_all(child)
            time.sleep(0.1)
            grown, used = os.path.getsize(data) - before, cpu_of_all(child) - used
        assert grown or used < IDLE_CPU, f"no call, and {used:.3f} s of CPU"
        went_on += grown > 10
        before = os.path.getsize(data)
        until(lambda: os.path.getsize(data) > before + 100)
    assert went_on, "the guest never went on without the thread"


# ---- waiting ----


def costs_nothing(child):
    """Half a second without CPU, after what there was to do."""
    used = []
    while not used or used[-1] >= IDLE_CPU:
        assert len(used) < 20, f"seconds of CPU, every half a second: {used}"
        before = cpu_of_all(child)
        time.sleep(0.5)
        used.append(cpu_of_all(child) - before)


@case
def a_read_that_waits_costs_no_cpu(t):
    """Of a pipe and of a terminal, after thousands that had not to wait."""
    module = t.write("reader.wasm", wasm.command(
        READER, imports=[("wasi_snapshot_preview1", "fd_read", b"\0\1")],
        types=[wasm.functype([wasm.I32] * 4, [wasm.I32])]))
    for how in AUTO, POLL, EXIT:
        for make in os.pipe, os.openpty:
            first, second = make()
            ours, its = (second, first) if make is os.pipe else (first, second)
            child = t.start(how, "--report", t.path("r.json"), "--", module, stdin=its)
            os.close(its)
            for _ in range(20):
                os.write(ours, b"line\n" * 40)
            costs_nothing(child)
            os.write(ours, b"more\n")
            costs_nothing(child)
            os.close(ours)
            assert wait(child)[0] in (0, 129), child.returncode
            if child.returncode == 0:
                report = report_of(t.path("r.json"))
                assert sum(ways_of(report, "fd_read")) > 4000, report["calls"]


@case
def a_go_program_that_waits_costs_no_cpu(t):
    """poll_oneoff with nothing ready, after thousands of writes in a row."""
    for how in AUTO, POLL, EXIT:
        child = t.start(how, "--", t.go("ask"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2):
            child.stdin.write(b"t\n" * 2000)
            child.stdin.flush()
            for _ in range(2000):
                assert child.stdout.readline()
            costs_nothing(child)
        child.stdin.close()
        child.stdout.close()
        assert wait(child)[0] == 0


# ---- calls that are none ----


def every_kind(t):
    """A module that makes each call that the guest can answer, LOOPS times, trapping on an errno."""
    i32, i64 = wasm.I32, wasm.I64
    types = [wasm.functype([], [i32]), wasm.functype([i32, i32], [i32]), wasm.functype([i32, i64, i32], [i32]),
             wasm.functype([i32, i32, i32], [i32])]
    calls = {"sched_yield": (1, b""), "args_sizes_get": (2, b"\x41\x00\x41\x04"), "args_get": (2, b"\x41\x08\x41\x20"),
             "environ_sizes_get": (2, b"\x41\x00\x41\x04"), "environ_get": (2, b"\x41\x08\x41\x20"),
             "clock_time_get": (3, b"\x41\x01\x42\x00\x41\x00"), "clock_res_get": (2, b"\x41\x01\x41\x00"),
             "fd_prestat_get": (2, b"\x41\x03\x41\x00"), "fd_prestat_dir_name": (4, b"\x41\x03\x41\x00\x41\x05"),
             "fd_fdstat_get": (2, b"\x41\x01\x41\x00"), "random_get": (2, b"\x41\x00\x41\x08")}
    imports = [("wasi_snapshot_preview1", name, b"\0" + wasm.leb(number)) for name, (number, _) in calls.items()]
    once = b"".join(words + b"\x10" + wasm.leb(i) + b"\x04\x40\x00\x0b" for i, (_, words) in enumerate(calls.values()))
    code = b"\x03\x40" + once + b"\x20\x00\x41\x01\x6a\x22\x00\x41\xe8\x07\x48\x0d\x00\x0b"
    module = t.write("calls.wasm", wasm.command(code, groups=[(1, i32)], imports=imports, types=types))

    def ran(*options):
        result = t.vm("--env", "A=1", "--dir", f"{t.mkdir('d')}::/data", "--report", t.path("r.json"), *options, "--",
                      module, "a", "b")
        expect(result, 0, out="", err="")
        return {name: ways_of(report_of(t.path("r.json")), name) for name in [*calls, "random_refill"]}

    return ran


@case
def calls_without_an_exit(t):
    """Clocks, sched_yield, arguments, environment, preopens, fdstat and random bytes are served inside the guest,
    however often; random bytes come 4,096 at a time."""
    for how in AUTO, POLL, EXIT:
        ways = every_kind(t)(how)
        refills = sum(ways.pop("random_refill"))
        assert set(ways.values()) == {(LOOPS, 0, 0)}, ways
        assert refills == -(-(LOOPS * 8 - 64) // 4096), refills  # 64 bytes came with the start


@case
def each_is_a_hypercall_where_asked(t):
    """--hypercall-all."""
    for how in AUTO, POLL, EXIT:
        ways = every_kind(t)("--hypercall-all", how)
        assert ways.pop("random_refill") == (0, 0, 0), ways
        assert all((inside, polled + exits) == (0, LOOPS) for inside, polled, exits in ways.values()), ways
        assert how != EXIT or all(exits == LOOPS for _, _, exits in ways.values()), ways


# ---- --stats ----


@case
def stats_of_who_served(t):
    """A call's columns, what an exit and a polled call cost, and the CPU of the thread that polls."""
    row = r"^  fd_write +([0-9]+) +([0-9]+) +([0-9]+) +([0-9]+) +([0-9.]+) +([0-9.]+)$"
    for how in POLL, EXIT:
        path = t.path("r.json")
        for n in range(10):  # who polls may get no CPU on a busy machine
            result = run([*(first_in_line() if n else []), t.wasmvm, "--stats", "--report", path, how,
                          *calls_program("write", "20000", t.tmp)])
            text, report = result.err.decode(), report_of(path)
            count, inside, polled, exits = map(int, re.search(row, text, re.M).groups()[:4])
            if polled > 0 or how == EXIT or CPUS < 2:
                break
        assert (count, inside, polled + exits) == (20001, 0, 20001), text
        assert (inside, polled, exits) == ways_of(report, "fd_write"), (text, report)
        assert float(re.search(row, text, re.M)[6]) > 0, text
        thread = re.search(r"^polling +([0-9.]+) ms of CPU$", text, re.M)
        if how == EXIT or CPUS < 2:
            assert not thread and polled == 0 and report["times"]["polling_cpu_ns"] == 0, (text, report)
        else:
            assert float(thread[1]) > 0 and polled > 0, text
            assert abs(report["times"]["polling_cpu_ns"] / 1e6 - float(thread[1])) < 0.01, (text, report)
