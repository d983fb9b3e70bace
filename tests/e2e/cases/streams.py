"""stdin, stdout, stderr: bulk, closed ends, terminals, Ctrl-C."""

import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time

from harness import HANG_SECONDS, case, expect, in_time, shell_status, until, wait

GIB = 1 << 30


def feed(write_end, total):
    """Writes `total` bytes of a changing pattern in a thread; returns a function that joins and gives their SHA-256."""
    digest = hashlib.sha256()

    def work():
        block = bytearray(os.urandom(1 << 20))
        try:
            for i in range(total >> 20):
                block[i % len(block)] ^= 0xFF
                digest.update(block)
                view = memoryview(block)
                while view:
                    view = view[os.write(write_end, view):]
        except BrokenPipeError:
            pass
        os.close(write_end)

    thread = threading.Thread(target=work)
    thread.start()

    def finish():
        thread.join()
        return digest.digest()

    return finish


@case
def a_terminal_gets_no_more_than_text_and_colours(t):
    """By stdout and by a terminal that is opened by its path; a pipe gets what is written."""
    words = os.path.join(os.path.dirname(__file__), "../../golden/words.wasm")
    evil, good = "\033]0;title\a\033[6n\033]52;c;eA==\a", "\033[31mred\033[0m"
    module = t.write("w.wasm", open(words, "rb").read())

    def on_terminal(*argv):
        master, slave = pty.openpty()
        child = subprocess.Popen([t.wasmvm, *argv], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        got = b""
        while True:
            try:
                got += os.read(master, 65536)
            except OSError:
                break
        os.close(master)
        assert child.wait() == 0, got
        return got

    got = on_terminal("--", module, evil, good)
    assert good.encode() in got and b"]0;" not in got and b"[6n" not in got and b"]52" not in got, got
    assert b"3 sequences that control a terminal were left out (--raw-tty" in got, got
    raw = on_terminal("--raw-tty", "--", module, evil, good)
    assert evil.encode() in raw and b"left out" not in raw, raw
    got = on_terminal("--dir", "/", "--", t.go("files"), "write", "/dev/stdout", evil, good)
    assert good.encode() in got and b"]0;" not in got and b"[6n" not in got, got
    piped = t.vm("--", module, evil)
    expect(piped, 0, err="")
    assert evil.encode() in piped.out, piped


@case
def filter_of_1_gib(t):
    app = t.go("filter")
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    child = t.start("--", app, stdin=in_read, stdout=out_write)
    os.close(in_read), os.close(out_write)
    finish = feed(in_write, GIB)
    digest, count = hashlib.sha256(), 0
    while block := os.read(out_read, 1 << 20):
        digest.update(block)
        count += len(block)
    os.close(out_read)
    status, _ = wait(child)
    assert status == 0 and count == GIB and digest.digest() == finish(), (status, count)


@case
def stdin_from_a_file(t):
    path = t.write("in", b"line\n" * 100000)
    with open(path, "rb") as f:
        result = t.program("filter", "-sum", stdin=f)
    want = hashlib.sha256(b"line\n" * 100000).hexdigest()
    expect(result, 0, out=f"{want} 500000 <nil>\n")


@case
def stdout_to_a_file_and_dev_null(t):
    with open(t.path("out"), "wb") as f:
        expect(t.program("filter", stdin=b"x" * 1000000, stdout=f), 0)
    assert open(t.path("out"), "rb").read() == b"x" * 1000000
    with open("/dev/null", "r+b") as null:
        expect(t.program("filter", stdin=null, stdout=null), 0)


@case
def append_to_a_file(t):
    t.write("log", "before\n")
    with open(t.path("log"), "ab") as f:
        expect(t.program("hello", stdout=f), 0)
    assert open(t.path("log")).read() == "before\nHello, world!\n"


@case
def stdout_closed_early_141(t):
    """As in `wasmvm ... | head -1`: ended by SIGPIPE, silent."""
    read_end, write_end = os.pipe()
    child = t.start("--", t.go("stop"), "write", stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert os.read(read_end, 8) == b"writing\n"
    os.close(read_end)
    err = child.stderr.read()
    status, _ = wait(child)
    assert (status, err) == (141, b""), (status, err)


@case
def closed_descriptors(t):
    command = '"$0" -- "$1" <&- 2>&-; echo $?'
    result = subprocess.run(["/bin/sh", "-c", command, t.wasmvm, t.go("hello")], stdout=subprocess.PIPE, timeout=300)
    assert result.stdout == b"Hello, world!\n0\n", result
    result = subprocess.run(["/bin/sh", "-c", '"$0" -- "$1" >&-; echo $? >&2', t.wasmvm, t.go("hello")],
                            stderr=subprocess.PIPE, timeout=300)
    assert result.stderr == b"0\n", result


@case
def description_stays_blocking(t):
    """O_NONBLOCK must never be set on a description that others share."""
    read_end, write_end = os.pipe()
    out_read, out_write = os.pipe()
    child = t.start("--", t.go("stop"), "read", stdin=read_end, stdout=out_write)
    assert os.read(out_read, 100) == b"reading\n"
    time.sleep(0.1)
    assert os.get_blocking(read_end) and os.get_blocking(out_write)
    os.write(write_end, b"a line\nmore")
    status, _ = wait(child)
    assert os.get_blocking(read_end) and os.get_blocking(out_write)
    assert status == 0 and os.read(out_read, 100) == b'"a line\\n" <nil>\n'
    for fd in read_end, write_end, out_read, out_write:
        os.close(fd)


@case
def slow_reader_of_stderr(t):
    """fd 2 never says AGAIN and is never short: Go's own printing dies of both."""
    read_end, write_end = os.pipe()
    app = t.go("process")
    words = ["panic"] + ["x" * 1000] * 200
    child = t.start("--", app, *words, stderr=write_end)
    os.close(write_end)
    time.sleep(0.5)
    text = b""
    while block := os.read(read_end, 4096):
        text += block
    os.close(read_end)
    status, _ = wait(child)
    assert status == 2 and text.count(b"x" * 1000) == 200 and b"main.main()" in text, (status, len(text))


@case
def go_printing_into_a_pipe_that_is_read_late(t):
    """20,000 lines of println, 200 KB, into a pipe that nobody reads for 4 s."""
    read_end, write_end = os.pipe()
    child = t.start("--", t.go("streams"), "println", "20000", stdout=subprocess.PIPE, stderr=write_end)
    os.close(write_end)
    time.sleep(4)
    text = b""
    while block := os.read(read_end, 65536):
        text += block
    os.close(read_end)
    out = child.stdout.read()
    status, _ = wait(child)
    assert (status, out) == (0, b"done\n"), (status, out, len(text))
    assert text == b"".join(b"line %d\n" % i for i in range(20000)), len(text)


def talk_to_both(send, until):
    """Goroutines run while stdin waits: the ticks come before each line is sent."""
    for line in b"one", b"two":
        until(b"ticks")
        send(line + b"\n")
        until(b'line "%s"' % line)
    until(b"ticks")


@case
def goroutines_run_while_stdin_waits(t):
    for kind in "pipe", "socket":
        ours, its = (None, None) if kind == "pipe" else socket.socketpair()
        if kind == "pipe":
            its, ours = os.pipe()
        child = t.start("--", t.go("streams"), "both", 50, stdin=its, stdout=subprocess.PIPE)
        send = ours.send if kind == "socket" else lambda data: os.write(ours, data)

        def until(piece):
            while piece not in (line := child.stdout.readline()):
                assert line, "it ended"

        talk_to_both(send, until)
        assert os.get_blocking(its if kind == "pipe" else its.fileno()), "the shared description was changed"
        os.close(ours) if kind == "pipe" else ours.close()
        rest = child.stdout.read()
        status, _ = wait(child)
        os.close(its) if kind == "pipe" else its.close()
        assert status == 0 and rest.endswith(b"end of input\n"), (kind, status, rest)


@case
def dev_null_for_everything(t):
    with open("/dev/null", "r+b") as null:
        for words in ("println", "10"), ("both", "2"), ("count", "2"):
            expect(t.program("streams", *words, stdin=null, stdout=null, stderr=null), 0)
        result = t.program("streams", "both", "2", stdin=null)
        assert result.status == 0 and result.out.endswith(b"end of input\n"), result


@case
def every_descriptor_closed(t):
    """Nothing that the run opens itself takes their numbers."""
    t.write("d/f", "kept")
    command = '"$0" --dir "$1" --report "$2" -- "$3" write "$1/f" new <&- >&- 2>&-; echo $? >"$1/status"'
    subprocess.run(["/bin/sh", "-c", command, t.wasmvm, t.path("d"), t.path("report"), t.go("files")], timeout=300)
    assert open(t.path("d/status")).read() == "0\n" and open(t.path("d/f")).read() == "new"
    assert '"reason": "exit"' in open(t.path("report")).read()


@case
def head_ends_a_program_that_ignores_errors(t):
    """`wasmvm ... | head -1`: 141, nothing on stderr, and the report says why; for a socket as for a pipe."""
    for pair in os.pipe, lambda: [s.detach() for s in socket.socketpair()]:
        read_end, write_end = pair()
        child = t.start("--report", t.path("report"), "--", t.go("stop"), "write", stdout=write_end,
                        stderr=subprocess.PIPE)
        os.close(write_end)
        assert os.read(read_end, 1) == b"w"
        os.close(read_end)
        err = child.stderr.read()
        status, _ = wait(child)
        assert (status, err) == (141, b""), (status, err)
        assert '"reason": "sigpipe"' in open(t.path("report")).read()


def counted(out, n):
    lines = out.decode().splitlines()
    numbers = [int(line.split()[1]) for line in lines if line.startswith("count ")]
    assert numbers == list(range(n)) and lines[-1] == f"counted {n} true", (lines[-3:], len(numbers))


@case
def stops_and_window_changes_leave_a_run_whole(t):
    """SIGWINCH, SIGTSTP, SIGSTOP and SIGCONT, 100 times each, at any moment."""
    child = t.start("--", t.go("streams"), "count", "300", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signals = [signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH, signal.SIGSTOP, signal.SIGCONT]
    collected = []
    reader = threading.Thread(target=lambda: collected.append(child.stdout.read()))
    reader.start()
    for i in range(100):
        for number in signals:
            child.send_signal(number)
            time.sleep(0.001 * (i % 3))
    child.send_signal(signal.SIGCONT)
    reader.join()
    err = child.stderr.read()
    status, _ = wait(child)
    assert (status, err) == (0, b""), (status, err)
    counted(collected[0], 300)


@case
def waiting_survives_stops(t):
    """A read of stdin that is stopped and goes on, and is told nothing of it."""
    child = t.start("--", t.go("stop"), "read", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"reading\n"
    for number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT) * 5:
        child.send_signal(number)
        time.sleep(0.02)
    out, _ = child.communicate(b"a line\n", timeout=300)
    assert child.returncode == 0 and out == b'"a line\\n" <nil>\n', (child.returncode, out)


def interrupted(t, argument, signal_number=signal.SIGINT, stdin=None):
    """Starts stop ARGUMENT, sends the signal once it stands; returns (status, seconds from signal to end)."""
    out_read, out_write = os.pipe()
    child = t.start("--", t.go("stop"), argument, stdin=stdin, stdout=out_write,
                             stderr=subprocess.DEVNULL)
    os.close(out_write)
    assert os.read(out_read, 100).endswith(b"\n")
    time.sleep(0.3)
    start = time.monotonic()
    child.send_signal(signal_number)
    status, _ = wait(child)
    os.close(out_read)
    return status, time.monotonic() - start


def interrupted_in_time(t, argument, stdin=None):
    def late(_):
        status, seconds = interrupted(t, argument, stdin=stdin)
        assert status == 130, (argument, status)
        return seconds

    in_time(0.5, late)


@case
def interrupt_while_spinning(t):
    for argument in "spin", "spin-deep", "both":
        interrupted_in_time(t, argument, stdin=None if argument != "both" else subprocess.PIPE)


@case
def interrupt_while_sleeping(t):
    interrupted_in_time(t, "sleep")


@case
def interrupt_while_reading_a_pipe(t):
    interrupted_in_time(t, "read", stdin=subprocess.PIPE)


@case
def other_signals_end_it(t):
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
        for argument in "spin", "sleep":
            status, _ = interrupted(t, argument, number)
            assert status == 128 + number, (argument, number, status)


@case
def report_of_a_signal_and_of_sigpipe(t):
    report = t.path("r.json")
    child = t.start("--report", report, "--", t.go("stop"), "spin", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout.readline() == b"spinning\n"
    child.send_signal(signal.SIGTERM)
    assert wait(child)[0] == 143
    with open(report) as f:
        said = json.load(f)
    assert (said["reason"], said["status"], said["signal"]) == ("signal", 143, 15), said
    child.stdout.close()
    child = t.start("--report", report, "--", t.go("stop"), "write", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout.readline() == b"writing\n"
    child.stdout.close()
    assert wait(child)[0] == 141
    with open(report) as f:
        said = json.load(f)
    assert (said["reason"], said["status"], said["signal"]) == ("sigpipe", 141, 13), said


@case
def quit_prints_a_backtrace(t):
    child = t.start("--", t.go("stop"), "spin", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"spinning\n"
    child.send_signal(signal.SIGQUIT)
    err = child.stderr.read()
    status, _ = wait(child)
    child.stdout.close()
    assert status == 131 and b"main.main" in err, (status, err)


def in_terminal(argv, talk, timeout=HANG_SECONDS):
    """Runs argv with a terminal of its own; talk(master) types.  Returns (status, all that the terminal showed)."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    shown = b""
    deadline = time.monotonic() + timeout

    def read_until(piece, times=1):
        nonlocal shown
        while piece is None or shown.count(piece) < times:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([master], [], [], left)[0]:
                break
            try:
                block = os.read(master, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block

    try:
        talk(master, read_until)
        read_until(None)
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return shell_status(status), shown
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise AssertionError(f"still running; shown: {shown!r}")
    finally:
        os.close(master)


@case
def terminal_line(t):
    def talk(master, read_until):
        read_until(b"reading")
        os.write(master, b"typed\n")

    status, shown = in_terminal([t.wasmvm, "--", t.go("stop"), "read"], talk)
    assert status == 0 and b'"typed\\n" <nil>' in shown, (status, shown)


@case
def ctrl_c_in_a_terminal(t):
    for argument, sign in ("spin", b"spinning"), ("read", b"reading"), ("sleep", b"sleeping"):
        def talk(master, read_until):
            read_until(sign)
            time.sleep(0.2)
            os.write(master, b"\x03")

        status, shown = in_terminal([t.wasmvm, "--", t.go("stop"), argument], talk)
        assert status == 130, (argument, status, shown)


@case
def ctrl_z_and_fg(t):
    """In a shell: Ctrl-Z stops the run, fg goes on with it; a run in the background that reads is stopped, too."""
    def talk(master, read_until):
        def typed(text, *pieces, times=1):
            os.write(master, text)
            for piece in pieces:
                read_until(piece, times)

        read_until(b"$ ")
        typed(b'"$VM" -- "$STREAMS" count 400\n', b"count 20\r")
        typed(b"\x1a", b"Stopped")
        typed(b"echo in the $((1+1)) shells\n", b"in the 2 shells")
        typed(b"fg\n", b"counted 400 true")
        typed(b"echo status $?\n", b"status 0")
        typed(b'"$VM" -- "$STOP" read\n', b"reading")
        time.sleep(0.2)
        typed(b"\x1a", b"Stopped", times=2)
        typed(b"echo sto$(jobs -s | wc -l)pped\n", b"sto1pped")
        typed(b"fg\n")
        time.sleep(0.3)
        typed(b"typed\n", b'"typed\\n" <nil>')
        typed(b'"$VM" -- "$STOP" read & until [ "$(jobs -s)" ]; do sleep 0.1; done; echo back$((1))ground\n',
              b"back1ground")
        typed(b"fg\n")
        time.sleep(0.3)
        typed(b"again\n", b'"again\\n" <nil>')
        typed(b"exit 7\n")

    os.environ.update(VM=t.wasmvm, STREAMS=t.go("streams"), STOP=t.go("stop"), PS1="$ ")
    try:
        status, shown = in_terminal(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"], talk)
    finally:
        for name in "VM", "STREAMS", "STOP", "PS1":
            del os.environ[name]
    assert status == 7 and b"status 0" in shown and b'"again\\n" <nil>' in shown, (status, shown)
    lines = shown.decode().replace("^Z", "").splitlines()  # which the terminal shows wherever it has come to
    counts = [int(line.split()[1]) for line in lines if line.startswith("count ")]
    assert counts == list(range(400)), "some lines are lost or twice"


@case
def goroutines_run_while_a_terminal_waits(t):
    def talk(master, read_until):
        talk_to_both(lambda data: os.write(master, data), read_until)
        os.write(master, b"\x04")

    status, shown = in_terminal([t.wasmvm, "--", t.go("streams"), "both", "50"], talk)
    assert status == 0 and b"end of input" in shown, (status, shown)


@case
def nothing_stays_behind(t):
    """After an interrupt and after a kill no process of it and no file of it is left."""
    mark = f"WASMVM_E2E={t.tmp}"

    def processes():
        return [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid() and marked(pid, mark)]

    def files_left():
        """Each name in /tmp that is new since; others who work here meanwhile may have left it."""
        before = set(os.listdir("/tmp"))
        interrupted(t, "spin")
        interrupted(t, "spin", signal.SIGKILL)
        until(lambda: not processes())  # what it started ends a moment later
        return [f for f in set(os.listdir("/tmp")) - before if re.match(r"wasmvm-(?!e2e-|fuzz-)", f)]

    os.environ["WASMVM_E2E"] = t.tmp
    try:
        assert any(not files_left() for _ in range(5)), "each time there is a new file"
    finally:
        del os.environ["WASMVM_E2E"]


def marked(pid, mark):
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            return mark.encode() in f.read().split(b"\0")
    except OSError:
        return False
