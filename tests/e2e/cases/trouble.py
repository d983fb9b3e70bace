"""A host in trouble: full disks, quotas, failing disks, files that change underneath, no descriptors left; and much of
everything.  What the module was told was written is there, what was not is an error, no descriptor of the host leaks.

WASMVM_MANY=1000000 makes the case of many files as large as that (20,000 without)."""

import errno
import fcntl
import os
import re
import resource
import signal
import subprocess
import threading
import time

from harness import case, expect, expect_message, host_descriptors, native_c, wait

DQUOT, FBIG, IO, MFILE, NOSPC, NOENT = 19, 22, 29, 33, 51, 44  # WASI's numbers
BLOCK = 65536


def injected(*rules, **env):
    """Environment under which calls of wasmvm fail; a rule is NAME:ERRNO:AFTER:PIECE (tests/e2e/trouble.c)."""
    library = native_c("tests/e2e/trouble.c", "-shared", "-fPIC", "-ldl")
    return {"LD_PRELOAD": library, "TROUBLE": " ".join(rules), **env}


def trouble(t, *words, options=(), **more):
    return t.program("trouble", *words, options=("--dir", f"{t.mkdir('d')}::/d", *options), **more)


def told(result, word):
    """The numbers behind a word of the program's."""
    found = re.search(rf"^{word}((?: -?\d+)*)$", (result.out + result.err).decode(), re.M)
    assert found, f"no line {word}\n{result}"
    return [int(n) for n in found[1].split()]


def holds_what_was_told(path, total, block=BLOCK):
    """The file has `total` bytes, each block of its own letter."""
    with open(path, "rb") as f:
        data = f.read()
    assert len(data) == total, f"{len(data)} bytes are there, {total} were reported"
    for at in range(0, total, block):
        assert set(data[at:at + block]) == {ord("a") + at // block % 26}, f"wrong bytes at {at}"


# ---- disks ----

class FullDisk:
    """A directory with room for 1 MiB: a tmpfs where mounting is allowed, else calls that fail as on one."""

    def __init__(self, t):
        self.path, self.env = t.mkdir("d"), dict(os.environ)
        options = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.path]
        self.mounted = subprocess.run(options, stderr=subprocess.DEVNULL).returncode == 0
        if not self.mounted:
            self.env.update(injected(f"write:{errno.ENOSPC}:{1 << 20}:{self.path}"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=True)


@case
def disk_full(t):
    with FullDisk(t) as disk:
        result = trouble(t, "write", "/d/f", 100, BLOCK, env=disk.env)
        total, error = told(result, "wrote")
        assert error == NOSPC and 900000 < total <= 1 << 20, result
        assert told(result, "sync") == [0] and told(result, "close") == [0], result
        holds_what_was_told(disk.path + "/f", total)


@case
def disk_full_in_the_middle_of_a_call(t):
    """One write of 40 MiB, which the monitor does in pieces."""
    with FullDisk(t) as disk:
        result = trouble(t, "write", "/d/f", 1, 40 << 20, env=disk.env)
        total, error = told(result, "wrote")
        assert error == NOSPC and 900000 < total <= 1 << 20, result
        holds_what_was_told(disk.path + "/f", total, 40 << 20)


@case
def stdout_on_a_full_disk(t):
    with FullDisk(t) as disk, open(disk.path + "/out", "wb") as out:
        result = trouble(t, "stdout", "-", 100, BLOCK, stdout=out, env=disk.env)
        total, error = map(int, result.err.split()[1:3])
        assert error == NOSPC and 900000 < total <= 1 << 20, result
        holds_what_was_told(disk.path + "/out", total)


@case
def quota(t):
    env = injected(f"write:{errno.EDQUOT}:5:/d/f")
    result = trouble(t, "write", "/d/f", 20, BLOCK, env=env)
    assert told(result, "wrote") == [5 * BLOCK, DQUOT], result
    holds_what_was_told(t.path("d/f"), 5 * BLOCK)


@case
def failing_disk(t):
    result = trouble(t, "write", "/d/f", 20, BLOCK, env=injected(f"write:{errno.EIO}:3:/d/f"))
    assert told(result, "wrote") == [3 * BLOCK, IO], result
    holds_what_was_told(t.path("d/f"), 3 * BLOCK)
    t.write("d/g", b"x" * 5000)
    result = trouble(t, "read", "/d/g", stdin=b"\n", env=injected(f"read:{errno.EIO}:1:/d/g"))
    assert told(result, "read") == [0] and told(result, "rest") == [0, IO], result


@case
def what_fsync_and_close_say(t):
    for name, words in ("fsync", (IO, 0)), ("close", (0, IO)):
        result = trouble(t, "write", "/d/f", 2, BLOCK, env=injected(f"{name}:{errno.EIO}:0:/d/f"))
        assert told(result, "wrote") == [2 * BLOCK, 0], result
        assert (told(result, "sync"), told(result, "close")) == ([words[0]], [words[1]]), result
    result = trouble(t, "write", "/d/f", 2, BLOCK, env=injected(f"close:{errno.EDQUOT}:0:/d/f"))
    assert told(result, "close") == [DQUOT], result


@case
def what_closing_stdout_says(t):
    """Some file systems tell only then that the bytes are lost."""
    with open(t.path("out"), "wb") as out:
        result = trouble(t, "stdout", "-", 1, 100, stdout=out, env=injected(f"close:{errno.EIO}:0:{t.tmp}/out"))
    assert result.err == b"wrote 100 0 close %d\n" % IO, result


@case
def file_size_limit(t):
    """ulimit -f: an error for the module and no SIGXFSZ."""
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    child = t.start("--dir", f"{t.mkdir('d')}::/d", "--", t.go("trouble"), "write", "/d/f", 100, BLOCK,
                    stdout=subprocess.PIPE, preexec_fn=limited)
    out = child.stdout.read()
    status, _ = wait(child)
    assert status == 0 and f"wrote {1 << 20} {FBIG}\n".encode() in out, (status, out)
    holds_what_was_told(t.path("d/f"), 1 << 20)


@case
def report_and_trace_on_a_full_disk(t):
    """The status stays the module's, and a message says what is missing."""
    result = t.vm("--report", "/dev/full", "--", t.go("process"), "exit", "7")
    expect(result, 7, out="leaving\n", err_has=["wasmvm: ", "/dev/full"])
    expect(t.vm("--trace=/dev/full", "--", t.go("process"), "exit", "7"), 7, out="leaving\n")


@case
def kernel_without_openat2(t):
    result = trouble(t, "walk", "/d", 64, env=injected(f"openat2:{errno.ENOSYS}:0:/"))
    expect_message(result, 125, "openat2", "Linux 5.8")


# ---- what changes underneath ----

def talking(t, *words, data=None, **options):
    """The program, started; until() reads lines up to one with a word in it, go_on() sends it one."""
    child = t.start("--dir", f"{data or t.mkdir('d')}::/d", "--", t.go("trouble"), *words, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, **options)

    def until(word):
        text = b""
        while word not in text:
            line = child.stdout.readline()
            assert line, f"ended after {text}"
            text += line
        return text

    def go_on():
        child.stdin.write(b"\n")
        child.stdin.flush()

    return child, until, go_on


def finish(child):
    out, _ = child.communicate(b"\n")
    assert child.returncode == 0, (child.returncode, out)
    return out.decode()


@case
def truncated_under_a_read(t):
    for size, rest, again in (1500, 500, 1500), (1000, 0, 1000), (10, 0, 10), (0, 0, 0):
        t.write("d/f", b"x" * 100000)
        child, until, go_on = talking(t, "read", "/d/f")
        until(b"waiting\n")
        os.truncate(t.path("d/f"), size)
        assert finish(child) == f"rest {rest} 0\nagain {again} 0\n"


@case
def removed_under_a_read(t):
    t.write("d/f", b"x" * 5000)
    child, until, go_on = talking(t, "read", "/d/f")
    until(b"waiting\n")
    os.unlink(t.path("d/f"))
    assert finish(child) == "rest 4000 0\nagain 5000 0\n"


@case
def directory_changed_while_listed(t):
    """What was there all the time is listed once; what came or went, at most once."""
    for i in range(400):
        t.write(f"d/stays-{i}"), t.write(f"d/goes-{i}")
    child, until, go_on = talking(t, "list", "/d")
    until(b"waiting\n")
    for i in range(400):
        os.unlink(t.path(f"d/goes-{i}"))
        t.write(f"d/comes-{i}")
    out = finish(child)
    assert out.startswith("end -1\n"), out[:100]
    listed = [line.split() for line in out.splitlines()[1:]]
    assert all(n == "1" for n, _ in listed), [x for x in listed if x[0] != "1"]
    names = {name for _, name in listed}
    assert {f"stays-{i}" for i in range(400)} <= names, "some that stayed were left out"


@case
def directory_removed_while_listed(t):
    for i in range(200):
        t.write(f"d/sub/{i}")
    child, until, go_on = talking(t, "list", "/d/sub")
    until(b"waiting\n")
    for i in range(200):
        os.unlink(t.path(f"d/sub/{i}"))
    os.rmdir(t.path("d/sub"))
    out = finish(child)
    assert out.startswith(("end -1\n", f"end {NOENT}\n")), out[:100]


@case
def failing_directory(t):
    t.write("d/sub/x")
    result = trouble(t, "list", "/d/sub", stdin=b"\n", env=injected(f"getdents:{errno.EIO}:0:/d/sub"))
    assert told(result, "end") == [IO], result


@case
def file_that_another_process_has_a_lease_on(t):
    """As file servers take: the kernel makes them give it back, and an open waits for that."""
    path = t.write("d/f", b"x" * 2000)
    fd = os.open(path, os.O_RDWR)
    asked = []

    def give_back(*_):
        asked.append(time.monotonic())
        threading.Timer(0.3, lambda: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)).start()

    before = signal.signal(signal.SIGIO, give_back)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    result = trouble(t, "read", "/d/f", stdin=b"\n")
    ended = time.monotonic()
    signal.signal(signal.SIGIO, before)
    os.close(fd)
    assert told(result, "rest") == [1000, 0] and len(asked) == 1 and ended - asked[0] > 0.3, result


# ---- much of everything ----

@case
def many_tiny_files(t):
    n = int(os.environ.get("WASMVM_MANY", "20000"))
    if n > 20000:
        signal.alarm(0)
    data = t.fast_directory()
    os.mkdir(data + "/m")
    child, until, go_on = talking(t, "many", "/d/m", n, data=data)
    until(b"made in")
    made = host_descriptors(child.pid)
    assert sum(len(names) for _, _, names in os.walk(data)) == n
    with open(f"{data}/m/{(n - 1) // 1000}/{n - 1}") as f:
        assert f.read() == str(n - 1)
    go_on()
    until(b"removed")
    left = host_descriptors(child.pid)
    finish(child)
    assert os.listdir(data) == [] and made <= 40 and left <= 40, (made, left)


@case
def a_3_gib_file_with_holes(t):
    expect(trouble(t, "holes", "/d/f"), 0, out="all well\n")
    info = os.stat(t.path("d/f"))
    assert info.st_size == 3 << 30 and info.st_blocks * 512 < 1 << 20, info
    with open(t.path("d/f"), "rb") as f:
        for at, text in (0, b"start"), ((2 << 30) - 2, b"over the 2 GiB line"), ((3 << 30) - 3, b"end"):
            f.seek(at)
            assert f.read(len(text)) == text, at


@case
def long_names_and_names_that_are_not_utf_8(t):
    expect(trouble(t, "names", "/d"), 0, out="all well\n")
    assert len(os.listdir(os.fsencode(t.path("d")))) == 12


@case
def ten_thousand_entries_by_64_bytes(t):
    """Names of at most 40 bytes, so that an entry just fits; each is there once."""
    t.tmp = t.fast_directory()
    for i in range(10000):
        t.write("d/" + f"{i}-".ljust(1 + i % 40, "n")[:40])
    names = len(os.listdir(t.path("d")))
    assert names == 10000
    result = trouble(t, "walk", "/d", 64)
    count, calls = re.match(rb"entries (\d+) calls (\d+)\n", result.out).groups()
    assert int(count) == names + 2 and int(calls) > names // 2, result
    result = trouble(t, "walk", "/d", 65536)
    assert result.out.startswith(b"entries %d " % (names + 2)), result


@case
def a_thousand_open_files(t):
    t.tmp = t.fast_directory()
    for n in 1000, 3:
        child, until, go_on = talking(t, "open", "/d", n)
        until(b"open\n")
        opened = host_descriptors(child.pid)
        go_on()
        until(b"closed\n")
        closed = host_descriptors(child.pid)
        finish(child)
        assert opened - closed == n and closed <= 40, (n, opened, closed)


@case
def no_more_descriptors(t):
    """The soft limit is raised, the monitor keeps some, the module is told MFILE and loses nothing."""
    t.write("d/keep", "kept")

    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (70, 300))

    child = t.start("--dir", f"{t.path('d')}::/d", "--", t.go("trouble"), "exhaust", "/d", stdout=subprocess.PIPE,
                    preexec_fn=limited)
    out = child.stdout.read().decode()
    status, _ = wait(child)
    lines = out.splitlines()
    opened, error, missing = map(int, lines[0].split()[1:])
    assert status == 0 and error == MFILE and missing == NOENT and 200 < opened < 300 - 40, out
    assert lines[1:] == [f"keep {MFILE}", "mkdir 0", "rename 0", "reopened 0 kept"], out
    assert not os.path.exists(t.path(f"d/{opened}"))
