"""Ordinary Go programs by `wasmvm go`: signals, pipes, standard input, time zone and name, as natively."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time

from cases.gotool import NEWER, OLDER, environment
from cases.net import closed_port
from harness import CACHE, ROOT, Skip, case, expect, go_build, prepare, run, source_hash, until, wait

VERSIONS = OLDER, NEWER
MODULE = "tests/e2e/go"


def overlaid(t, name, version, module=MODULE, *flags):
    """A program of tests/e2e/go, or of another module, as `wasmvm go build` makes it."""
    rows = os.path.join(ROOT, "go/overlay.def")
    with open(rows, "rb") as f:
        made = hashlib.sha256(f.read()).hexdigest()[:8] + source_hash(os.path.join(ROOT, "go/files"))[:8]
    into = os.path.join(CACHE, "go", f"overlay-{source_hash(os.path.join(ROOT, module))}-{made}-{version}")
    path = os.path.join(into, "".join([name, *flags]) + ".wasm")
    if not os.path.exists(path):
        os.makedirs(into, exist_ok=True)
        new = f"{path}.{os.getpid()}"
        prepare([t.wasmvm, "go", "build", "-trimpath", *flags, "-o", new, "./" + name], cwd=os.path.join(ROOT, module),
                env=environment(version))
        os.rename(new, path)
    return path


def native(name):
    return go_build("./" + name, module=MODULE, goos="linux")


class Running:
    """A program of signals that has said `ready`; as natively where no version is given."""

    def __init__(self, t, version, *words, options=(), **popen):
        popen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        if version:
            self.child = t.start(*options, "--", overlaid(t, "signals", version), *words, **popen)
        else:
            self.child = subprocess.Popen([native("signals"), *words], **popen)
            t.started.append(self.child)

    def says(self, *lines):
        for line in lines:
            got = self.child.stdout.readline().decode()
            assert got == line + "\n", (line, got, self.child.poll())
        return self

    def gets(self, *numbers):
        for number in numbers:
            self.child.send_signal(number)
        return self

    def ends(self, status, err=b""):
        rest = self.child.stdout.read()
        got = wait(self.child)[0], rest, self.child.stderr.read()
        assert got == (status, b"", err), got


def each(t, *words, **more):
    """It natively, and with each Go in a VM."""
    for version in (None, *VERSIONS):
        yield Running(t, version, *words, **more)


@case
def every_signal_is_given_each_time(t):
    words = {signal.SIGHUP: "hangup", signal.SIGINT: "interrupt", signal.SIGUSR1: "user defined signal 1",
             signal.SIGUSR2: "user defined signal 2"}
    for p in each(t, "loop"):
        p.says("ready")
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGINT, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2,
                       signal.SIGHUP, signal.SIGINT):
            p.gets(number).says(words[number])
        p.gets(signal.SIGTERM).says("terminated").ends(7)


@case
def by_each_way_of_calls(t):
    for way in "exit", "poll":
        p = Running(t, NEWER, "loop", options=("--hypercall", way)).says("ready")
        for _ in range(200):
            p.gets(signal.SIGHUP).says("hangup")
        p.gets(signal.SIGTERM).says("terminated").ends(7)


@case
def after_reset_and_stop_it_ends_by_the_signal(t):
    for mode in "reset", "stop":
        for p in each(t, mode):
            p.says("ready").gets(signal.SIGINT).says("interrupt", "undone").gets(signal.SIGINT).ends(130)


@case
def what_is_ignored_has_no_effect(t):
    for p in each(t, "ignore"):
        p.says("true false", "ready").gets(signal.SIGINT, signal.SIGHUP, signal.SIGINT)
        p.gets(signal.SIGUSR1).says("user defined signal 1").ends(0)


@case
def what_it_did_not_ask_for_ends_it(t):
    for p in each(t, "deaf"):
        p.says("ready").gets(signal.SIGHUP).ends(129)
    for number in signal.SIGUSR1, signal.SIGUSR2:  # Go's runtime ignores these two natively, C's default does not
        Running(t, NEWER, "deaf").says("ready").gets(number).ends(128 + number)


@case
def what_the_caller_ignores_stays_ignored(t):
    for version in VERSIONS:
        p = Running(t, version, "loop", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        p.says("ready").gets(signal.SIGHUP, signal.SIGTERM).says("terminated").ends(7)


@case
def quit_is_not_the_programs(t):
    for version in VERSIONS:
        p = Running(t, version, "all").says("ready").gets(signal.SIGQUIT)
        assert p.child.stdout.read() == b""
        assert wait(p.child)[0] == 131 and b"SIGQUIT" in p.child.stderr.read()


@case
def a_second_one_ends_what_does_not_read(t):
    """Ctrl-C twice, a moment apart; two at once are one."""
    for version in VERSIONS:
        for number in signal.SIGINT, signal.SIGTERM:
            for _ in range(20):  # on a busy machine it may hear them a moment apart, too
                p = Running(t, version, "busy").says("ready").gets(number, number, number, signal.SIGHUP, signal.SIGHUP)
                until(lambda p=p: p.child.poll() is not None or not pending(p.child.pid))
                time.sleep(0.1)
                if p.child.poll() is None:
                    break
                p.ends(128 + number)
            assert p.child.poll() is None, "it ends by the first"
            time.sleep(0.4)
            p.gets(number).ends(128 + number)


def pending(pid):
    """The signals that a process has not taken yet."""
    with open(f"/proc/{pid}/status") as f:
        return sum(int(line.split()[1], 16) for line in f if line.startswith(("SigPnd", "ShdPnd")))


@case
def none_is_lost_while_it_computes(t):
    for way in "exit", "poll":
        p = Running(t, NEWER, "later", options=("--hypercall", way)).says("ready")
        p.gets(signal.SIGHUP, signal.SIGHUP, signal.SIGUSR1)
        p.child.stdout.readline()
        p.says("hangup", "user defined signal 1").ends(0)


@case
def a_prompt_survives(t):
    for p in each(t, "prompt", stdin=subprocess.PIPE):
        p.says("ready")
        for _ in range(3):
            p.gets(signal.SIGINT).says("interrupt")
            p.child.stdin.write(b"words\n")
            p.child.stdin.flush()
            p.says("line: words")
        p.child.stdin.close()
        p.ends(0)


@case
def the_grace_ends(t):
    for version in VERSIONS:
        for grace_ms in 300, 900, 2700, 8100, 24300:  # enough of it to say a word, on a busy machine too
            p = Running(t, version, "deaf", options=("--grace", f"{grace_ms}ms")).says("ready")
            p.gets(signal.SIGINT).says("interrupt")
            said = p.gets(signal.SIGTERM).child.stdout.readline()
            p.ends(143, b"wasmvm: the program did not end within %g s of SIGTERM (--grace)\n" % (grace_ms / 1000))
            if said:
                break
        assert said == b"terminated\n", said
    Running(t, NEWER, "deaf", options=("--grace", "0")).says("ready").gets(signal.SIGTERM).ends(143)
    Running(t, NEWER, "busy", options=("--grace", "300ms")).says("ready").gets(signal.SIGTERM).ends(
        143, b"wasmvm: the program did not end within 0.3 s of SIGTERM (--grace)\n")


@case
def only_term_starts_the_grace(t):
    p = Running(t, NEWER, "deaf", options=("--grace", "1ms")).says("ready")
    for _ in range(3):
        p.gets(signal.SIGINT).says("interrupt")
        time.sleep(0.1)
    assert p.child.poll() is None
    p.child.send_signal(signal.SIGHUP)
    p.ends(129)


@case
def a_graceful_stop_answers_the_request_in_flight(t):
    for version in (None, *VERSIONS):
        address = f"127.0.0.1:{closed_port()}"
        for options in ("--allow-listen", address), ("--listen", address):
            p = Running(t, version, "serve", address, options=options).says("ready")
            for _ in range(30000):
                s = socket.socket()
                if s.connect_ex(("127.0.0.1", int(address.split(":")[1]))) == 0:
                    break
                time.sleep(0.01)
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            p.says("handling").gets(signal.SIGTERM)
            got = b""
            while piece := s.recv(4096):
                got += piece
            assert got.startswith(b"HTTP/1.1 200 OK\r\n") and got.endswith(b"answered\n"), got
            p.says("shutdown: <nil> context canceled").ends(0)


@case
def reads_that_never_wait_hold_up_nobody(t):
    t.write("d/file", "x")
    for version in (None, *VERSIONS):
        address = f"127.0.0.1:{closed_port()}"
        p = Running(t, version, "greedy", address, t.path("d/file") if not version else "/d/file",
                    options=("--allow-listen", address, "--dir", t.path("d") + "::/d")).says("ready", "timer")
        with socket.create_connection(("127.0.0.1", int(address.split(":")[1]))) as s:
            s.sendall(b"words")
            p.says("connection 5 <nil>").gets(signal.SIGHUP).says("hangup").ends(0)


def spent(pid):
    """CPU time in ns and how often it was woken or stopped, all threads."""
    ns = switches = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                ns += int(f.read().split()[0])
            with open(f"/proc/{pid}/task/{thread}/status") as f:
                switches += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
    return ns, switches


def idle(pid):
    """Two seconds with nothing to do, after what there was to do."""
    took = []
    while not took or took[-1][0] >= 20_000_000 or took[-1][1] >= 20:
        assert len(took) < 20, f"ns of CPU and switches, every two seconds: {took}"
        before = spent(pid)
        time.sleep(2)
        took.append([b - a for a, b in zip(before, spent(pid))])


@case
def an_idle_server_uses_no_cpu(t):
    """Nothing is polled, with a quiet client too.  Go for wasip1 as it is asks again and again once signal.Notify was
    called."""
    for version in VERSIONS:
        address = f"127.0.0.1:{closed_port()}"
        p = Running(t, version, "idle", address, options=("--allow-listen", address)).says("ready")
        with contextlib.ExitStack() as clients:
            for _ in range(2):
                idle(p.child.pid)
                s = clients.enter_context(socket.create_connection(("127.0.0.1", int(address.split(":")[1]))))
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert s.recv(100).startswith(b"HTTP/1.1 404")
        p.gets(signal.SIGTERM).says("terminated").ends(0)


# ---- pipes, standard input, the name, the zone ----


def both(t, *words, options=(), **more):
    """The same words natively and with each Go in a VM."""
    want = run([native("system"), *words], **more)
    assert want.status == 0 and want.out, want
    for version in VERSIONS:
        expect(t.vm(*options, "--", overlaid(t, "system", version), *words, **more), 0, out=want.out, err="")


@case
def pipes_are_pipes(t):
    both(t, "pipes")


@case
def pipes_end_at_the_limit(t):
    for version in VERSIONS:
        app = overlaid(t, "system", version)
        result = run(["sh", "-c", 'ulimit -n 200; exec "$0" "$@"', t.wasmvm, "--", app, "many"])
        expect(result, 0, out="many: true pipe: Too many open files\n", err="")


@case
def standard_input_holds_up_nobody(t):
    for version in (None, *VERSIONS):
        start = [native("system")] if not version else [t.wasmvm, "--", overlaid(t, "system", version)]
        child = subprocess.Popen([*start, "stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        t.started.append(child)
        assert child.stdout.readline() == b"meanwhile\n"
        assert child.communicate(b"a line", timeout=300)[0] == b'"a line" <nil>\n'
    both(t, "stdin", stdin=b"from a file")
    with open("/dev/null", "rb") as null:
        both(t, "stdin", stdin=null)


@case
def the_name_is_the_one_given(t):
    for version in VERSIONS:
        app = overlaid(t, "system", version)
        expect(t.vm("--", app, "hostname"), 0, out="localhost <nil>\n")
        expect(t.vm("--env", "HOSTNAME=web-1", "--", app, "hostname"), 0, out="web-1 <nil>\n")


@case
def marking_ends_where_nobody_waits(t):
    both(t, "marking")


@case
def who_gives_way_keeps_its_stack(t):
    both(t, "frames")


ZONES = "/usr/share/zoneinfo"


@case
def the_zone_is_the_one_of_tz_or_of_localtime(t):
    new_york = os.path.join(ZONES, "America/New_York")
    if not os.path.exists(new_york):
        raise Skip("no zone files here")
    both(t, "zone", env={"TZ": ""})
    both(t, "zone", env={"TZ": "America/New_York"}, options=("--env", "TZ", "--dir", ZONES + ":ro"))
    both(t, "zone", env={"TZ": ":" + new_york}, options=("--env", "TZ", "--dir", ZONES + ":ro"))
    if os.path.exists("/etc/localtime"):
        both(t, "zone", env={}, options=("--allow-listen", ":80"))
    shutil.copy(new_york, os.path.join(t.mkdir("etc"), "localtime"))
    for version in VERSIONS:
        app = overlaid(t, "system", version)
        expect(t.vm("--dir", t.path("etc") + "::/etc", "--", app, "zone"), 0, out="08:00 EDT Local\n", err="")
        expect(t.vm("--", app, "zone"), 0, out="12:00 UTC UTC\n", err="")
