#!/usr/bin/env python3
"""Tries the jail: run.py [--build DIRECTORY] [WORD...]

Each row of tests/jail/tries.def is tried from inside a test build of the monitor, at each set of grants where it
belongs; then what Landlock of each ABI leaves, and how the end looks.  Only checks whose names hold one of the words.
The last line is `N passed, N failed, N skipped`; without /dev/kvm all are skipped."""

import argparse
import ctypes
import mmap
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
HELLO = os.path.join(ROOT, "tests", "golden", "words.wasm")
WAITS = os.path.join(ROOT, "tests", "jail", "waits.wasm")  # writes a byte, reads one
ADVISE = os.path.join(ROOT, "tests", "jail", "advise.wasm")  # needs no byte of `file`
EACH = os.path.join(ROOT, "tests", "jail", "each.wasm")  # every call that takes a descriptor, on each that it has
SKIPPED = "this file system takes no advice"
CAP_SETUID, CAP_SYS_PTRACE = 7, 19
GRANTS = {
    "nothing": [], "FILES": None, "NET": ["--net-all"], "UNIX": ["--allow-unix"],
    "LISTEN": ["--listen", "127.0.0.1:0"], "all": None, "AGAIN": [],
}


class Room:
    """A directory with a granted one in it, and what a run in it says."""

    def __init__(self, build, top):
        self.wasmvm = os.path.join(build, "jailed", "wasmvm")
        self.granted = os.path.join(top, "granted")
        os.mkdir(self.granted)
        with open(os.path.join(self.granted, "file"), "w", encoding="ascii") as file:
            file.write("text\n")
        self.store = os.path.join(top, "store")
        os.mkdir(self.store, 0o700)
        with open(os.path.join(self.store, "another.img"), "w", encoding="ascii") as file:
            file.write("image\n")

    def options(self, grants):
        files = ["--dir", self.granted + "::/g:ro"]
        if grants == "all":
            return files + ["--net-all", "--allow-unix"]
        return files if grants == "FILES" else GRANTS[grants]

    def run(self, grants, more=(), module=HELLO, **env):
        env = dict(os.environ, JAIL_TEST_GRANTED=self.granted, JAIL_TEST_STORE=self.store, **env)
        return subprocess.run([self.wasmvm, *self.options(grants), *more, module], env=env, capture_output=True,
                              text=True, timeout=600, check=False)


def tries():
    """(name, kind, grants) of each try."""
    text = open(os.path.join(HERE, "tries.def"), encoding="ascii").read()
    for how, names in re.findall(r"^TRY(_WITHOUT|_WITH|)\((.*?(?:KILLED|REFUSED|WORKS)),", text, re.M):
        words = [w.strip() for w in names.split(",")]
        if how == "":
            yield words[0], words[1], [g for g in GRANTS if g != "AGAIN"]
        elif how == "_WITH":
            yield "with_" + words[1], words[2], [words[0]] if words[0] == "AGAIN" else [words[0], "all"]
        else:
            without = {"FILES": ["nothing", "NET", "UNIX", "LISTEN"], "NET": ["nothing", "FILES", "LISTEN"],
                       "SOCKETS": ["nothing", "FILES"], "UNIX": ["nothing", "FILES", "NET", "LISTEN"]}[words[0]]
            yield "without_" + words[1], words[2], without


def check_try(room, name, kind, grants):
    more = {"JAIL_TEST_AGAIN": "1"} if grants == "AGAIN" else {}
    options = ["--cache", room.store, "--cache-now"] if name.startswith("with_store_") else []
    ran = room.run(grants, options, JAIL_TEST_TRY=name, **more)
    if kind == "KILLED":
        good = ran.returncode == 159 and "is not listed" in ran.stderr
    else:
        good = ran.returncode == (1 if kind == "WORKS" else 0)
    return None if good else f"status {ran.returncode}: {ran.stderr.strip()}"


def check_warm_try(room, name):
    """Of a run that goes on from an image."""
    options = ["--cache", room.store, "--cache-now", "--stats"]
    said = [room.run("FILES", options).stderr for _ in range(2)]
    if not re.search("^cache +warm", said[-1], re.M):
        return f"not warm: {said[-1]}"
    return check_try(room, name, "REFUSED", "FILES")


def barred():
    """What the weak jail refuses."""
    with open(os.path.join(ROOT, "vmm", "jail", "calls.def"), encoding="ascii") as file:
        return re.findall(r"^BAR\((\w+),", file.read(), re.M)


def check_barred(room, name):
    """Root is allowed it without the jail, or it fails for other reasons."""
    ran = room.run("nothing", ["--jail=weak"], JAIL_TEST_TRY="bar_" + name)
    return None if ran.returncode == 0 else f"status {ran.returncode}: {ran.stderr.strip()}"


# ---- what a kernel's Landlock lacks: vmm/jail/landlock.c has the table ----

def check_abi(room, abi, name, status):
    ran = room.run("FILES", JAIL_TEST_ABI=str(abi), JAIL_TEST_TRY="with_" + name)
    return None if ran.returncode == status else f"status {ran.returncode}: {ran.stderr.strip()}"


def check_no_landlock(room, grants):
    ran = room.run(grants, JAIL_TEST_ABI="0")
    good = ran.returncode == 125 and "this kernel has no Landlock" in ran.stderr and ran.stdout == ""
    weak = room.run(grants, ["--jail=weak"], JAIL_TEST_ABI="0")
    if not good:
        return f"status {ran.returncode}: {ran.stderr.strip()}"
    return None if weak.returncode == 0 else f"weak: status {weak.returncode}: {weak.stderr.strip()}"


def check_no_landlock_needed(room):
    ran = room.run("nothing", JAIL_TEST_ABI="0")
    return None if ran.returncode == 0 and not ran.stderr else f"status {ran.returncode}: {ran.stderr.strip()}"


# ---- the end ----

def check_killed(room):
    ran = room.run("nothing", JAIL_TEST_TRY="execve", JAIL_TEST_KILL="1")
    return None if ran.returncode == -signal.SIGSYS else f"status {ran.returncode}: {ran.stderr.strip()}"


def check_status(room):
    """159 is what a shell says of it."""
    line = f"'{room.wasmvm}' '{HELLO}'; echo $?"
    env = dict(os.environ, JAIL_TEST_TRY="execve", JAIL_TEST_KILL="1")
    said = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, timeout=600, check=False).stdout
    return None if said == "159\n" else f"{said!r}"


def check_named(room):
    ran = room.run("nothing", JAIL_TEST_TRY="ptrace")
    good = ran.returncode == 159 and "the call ptrace (101) is not listed" in ran.stderr
    return None if good else f"status {ran.returncode}: {ran.stderr.strip()}"


def check_by_signal(room, number):
    """A signal that the program did not ask for ends the process as it ends any."""
    ran = subprocess.Popen([room.wasmvm, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ran.stdout.read(1)
    ran.send_signal(number)
    ran.wait(timeout=600)
    said = ran.communicate()[1].decode().strip()
    return None if ran.returncode == -number else f"status {ran.returncode}: {said}"


def state_of(pid):
    """As the kernel has it: T is stopped."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def stop_and_continue(ran):
    """What a shell does to a job."""
    time.sleep(0.05)
    os.kill(ran.pid, signal.SIGSTOP)
    while state_of(ran.pid) not in "TZ":
        time.sleep(0.01)
    os.kill(ran.pid, signal.SIGCONT)


def check_stopped(room, how):
    """Each wait of each thread goes on."""
    ran = subprocess.Popen([room.wasmvm, "--hypercall", how, "--timeout", "600", WAITS], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ran.stdout.read(1)
    for _ in range(5):
        stop_and_continue(ran)
    said = ran.communicate(b".")[1].decode().strip()
    return None if ran.returncode == 0 else f"status {ran.returncode}: {said}"


def check_stopped_wait(room):
    """A wait of the kernel's with a time is a call of its own when it goes on, and ends early instead."""
    ran = subprocess.Popen([room.wasmvm, HELLO], env=dict(os.environ, JAIL_TEST_TRY="wait_goes_on"),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ran.stdout.read(1)
    while ran.poll() is None:
        stop_and_continue(ran)
    said = ran.communicate()[1].decode().strip()
    return None if ran.returncode == 1 else f"status {ran.returncode}: {said}"


def pages_in_memory(path):
    """How many pages of a file the host keeps, by mincore."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        seen = (ctypes.c_ubyte * -(-len(pages) // mmap.PAGESIZE))()
        at = (ctypes.c_char * len(pages)).from_buffer(pages)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(at)), ctypes.c_size_t(len(pages)), seen)
        del at
        return -1 if failed else sum(byte & 1 for byte in seen)


def file_in_memory(folder):
    """One whose bytes the host has both on disk and in memory."""
    path = os.path.join(folder, "file")
    with open(path, "wb") as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
    return path


def advice_counts(folder):
    """Whether this file system takes advice: one in memory alone does not."""
    path = file_in_memory(folder)
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return pages_in_memory(path) == 0


def check_advice(room, folder):
    """What a program does not need any more, the host forgets."""
    if not advice_counts(folder):
        return SKIPPED
    path = file_in_memory(folder)
    before = pages_in_memory(path)
    ran = room.run("nothing", ["--dir", folder + "::/d"], ADVISE)
    after = pages_in_memory(path)
    good = ran.returncode == 0 and before > 0 and after == 0
    return None if good else f"status {ran.returncode}, {before} pages before, {after} after: {ran.stderr}"


def check_words_to_a_socket(room):
    """No standard stream is one, so that nothing else is granted."""
    near, far = socket.socketpair()
    with near, far:
        ran = subprocess.run([room.wasmvm, f"--trace=/dev/fd/{far.fileno()}", HELLO], pass_fds=[far.fileno()],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        far.close()
        told = near.recv(1000)
    return None if ran.returncode == 0 and b"fd_write" in told else f"status {ran.returncode}: {told}, {ran.stderr}"


def check_slack(room):
    """Waits are as short as the program wants them."""
    ran = subprocess.Popen([room.wasmvm, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ran.stdout.read(1)
    with open(f"/proc/{ran.pid}/timerslack_ns", encoding="ascii") as file:
        slack = file.read().strip()
    ran.communicate(b".")
    return None if slack == "1" else f"{slack} ns"


def check_statistics(room):
    """KVM's own counts among them, where this kernel has any."""
    with_jail, without = room.run("nothing", ["--stats"]), room.run("nothing", ["--jail=off", "--stats"])
    names = [sorted(re.findall(r"^(\w[\w ]*?)  +", ran.stderr, re.M)) for ran in (with_jail, without)]
    names[1] = [name for name in names[1] if not name.startswith("wasmvm")]
    return None if with_jail.returncode == 0 and names[0] == names[1] else f"{names}: {with_jail.stderr[-200:]}"


# ---- what a program may ask for ----

def stream_open(kind, room):
    """Descriptors: the first is the stream, the others stay open as long as the run lasts."""
    if kind in ("stream", "datagram"):
        return [end.detach() for end in socket.socketpair(
            socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)]
    if kind in ("tcp", "udp"):
        end = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        end.bind(("127.0.0.1", 0))
        if kind == "tcp":
            end.listen()
        return [end.detach()]
    if kind in ("in", "out"):
        ends = list(os.pipe())
        return ends if kind == "in" else ends[::-1]
    if kind == "terminal":
        return list(os.openpty())[::-1]
    path, flags = {"null": (os.devnull, os.O_RDWR), "folder": (room.granted, os.O_RDONLY),
                   "file": (os.path.join(room.granted, "out"), os.O_RDWR | os.O_CREAT),
                   "appended": (os.path.join(room.granted, "out"), os.O_WRONLY | os.O_CREAT | os.O_APPEND),
                   "long": (os.path.join(room.granted, "long"), os.O_RDWR | os.O_CREAT),
                   "memory": (None, 0), "event": (None, 0)}[kind]
    if path:
        opened = os.open(path, flags, 0o644)
        if kind == "long":
            os.truncate(opened, 1 << 30)  # synced in pieces, and all of it a hole
        return [opened]
    return [os.memfd_create("stream") if kind == "memory" else os.eventfd(0)]


STREAMS = ("null", "folder", "file", "long", "appended", "memory", "event", "in", "out", "terminal", "stream",
           "datagram", "udp", "tcp")


def check_each_call(room, options, stream, kind):
    """Each call gives an errno, whatever its descriptor is.  A call that is not listed is told of on stderr."""
    opened = stream_open(kind, room)
    streams = dict({"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}, **{stream: opened[0]})
    try:
        ran = subprocess.run([room.wasmvm, *options, EACH], **streams, stderr=subprocess.PIPE, text=True, timeout=600,
                             check=False)
    finally:
        for fd in opened:
            os.close(fd)
    return None if ran.returncode == 0 else f"status {ran.returncode}: {ran.stderr.strip()[-300:]}"


def answers(room, options, stream, kind):
    """What each call of the module is answered; or why not.  Numbers of ports are the kernel's choice."""
    for name in ("out", "long", "folder/na", "folder/name", "folder/nam"):
        if os.path.lexists(os.path.join(room.granted, name)):
            os.unlink(os.path.join(room.granted, name))
    opened = stream_open(kind, room)
    streams = dict({"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}, **{stream: opened[0]})
    with tempfile.NamedTemporaryFile("r") as trace:
        try:
            ran = subprocess.run([room.wasmvm, "--trace=" + trace.name, *options, EACH], **streams,
                                 stderr=subprocess.PIPE, text=True, timeout=600, check=False)
        finally:
            for fd in opened:
                os.close(fd)
        if ran.returncode != 0:
            return [f"status {ran.returncode}: {ran.stderr.strip()[-300:]}"]
        calls = [re.fullmatch(r"[. ]*[0-9.]+ (\w+\(.*) \([0-9.]+ us\)\n", line) for line in trace]
        return [re.sub(r"port=[0-9]{4,}", "port", call[1]) for call in calls if call]


def check_same(room, one, other, stream, kind):
    """No answer tells by which options it was given: the jail's, or none; the host's own socket, or none."""
    first, second = answers(room, one, stream, kind), answers(room, other, stream, kind)
    if len(first) < 5000 or len(first) != len(second):
        return f"{len(first)} calls, {len(second)}: {(first + second)[-1]}"
    return "; ".join(f"{a}, not {b}" for a, b in zip(first, second) if a != b)[:600] or None


# ---- who is in it ----

STATUS = {"NoNewPrivs": "1", "Seccomp": "2", "CapInh": "0" * 16, "CapAmb": "0" * 16}


def check_identity(room, grants, more, wanted):
    """Of all threads, as the kernel tells it, while the program waits for its standard input."""
    ran = subprocess.Popen([room.wasmvm, *room.options(grants), *more, WAITS], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ran.stdout.read(1)
        wrong = []
        threads = os.listdir(f"/proc/{ran.pid}/task")
        if len(threads) < 2:
            wrong.append(f"threads: {threads}")
        for thread in threads:
            with open(f"/proc/{ran.pid}/task/{thread}/status", encoding="ascii") as file:
                said = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            for key, value in dict(STATUS, **wanted).items():
                if said[key].split("\t")[0].strip() != value:
                    wrong.append(f"{key} is {said[key]}, not {value}")
        return "; ".join(wrong) or None
    finally:
        ran.kill()
        ran.communicate()


def check_descriptors(room, words):
    """What the caller left open is not there any more."""
    with open(os.path.join(room.granted, "file"), "rb") as file:
        number = file.fileno()
        ran = subprocess.Popen([room.wasmvm, *[w.format(number) for w in words], WAITS], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[number])
        try:
            ran.stdout.read(1)
            folder = f"/proc/{ran.pid}/fd"
            open_there = [os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)]
            own = [name for name in open_there if "landlock" in name or name.endswith("/fd")]  # of no use any more
            return f"still open: {open_there}" if file.name in open_there or own else None
        finally:
            ran.kill()
            ran.communicate()


def check_not_dumpable(room):
    """What /proc has of such a process belongs to root."""
    ran = subprocess.Popen([room.wasmvm, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ran.stdout.read(1)
        owner = os.stat(f"/proc/{ran.pid}/environ").st_uid
        return f"it belongs to {owner}" if owner == os.geteuid() else None
    finally:
        ran.kill()
        ran.communicate()


# Streams, each twice; the null device, an event, and three of KVM.
OWN_DESCRIPTORS = 11


def check_counted(room, grants, more):
    """What a run has open when it begins, but for the files of /etc that the monitor makes: its own and `more`."""
    ran = subprocess.Popen([room.wasmvm, *room.options(grants), WAITS], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ran.stdout.read(1)
        folder = f"/proc/{ran.pid}/fd"
        names = [os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)]
        names = [name for name in names if not name.startswith("/memfd:")]
        return None if len(names) == OWN_DESCRIPTORS + more else f"{len(names)}: {names}"
    finally:
        ran.kill()
        ran.communicate()


def open_files_most(program):
    """64 of the monitor's own, and two for each of the program's: as far as this process's limit allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        hard = 2 ** 31 - 1
    return str(min(hard, 64 + 2 * min(program, hard - 64)))


def check_limit(room, grants, more, name, wanted):
    """As the kernel has it for the process: the soft limit and the hard one."""
    ran = subprocess.Popen([room.wasmvm, *room.options(grants), *more, WAITS], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ran.stdout.read(1)
        with open(f"/proc/{ran.pid}/limits", encoding="ascii") as file:
            found = [line[26:].split()[:2] for line in file if line.startswith(name + " ")]
        return None if found == [[wanted, wanted]] else f"{found}, not {wanted}"
    finally:
        ran.kill()
        ran.communicate()


def has_capability(number):
    """Root of a container has a user's rights; capabilities(7)."""
    with open("/proc/self/status") as f:
        held = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff"))
    return bool(held >> number & 1)


def no_capability():
    return {"CapPrm": "0" * 16, "CapEff": "0" * 16}


def checks_of(room):
    for name in (name for name, _, _ in tries() if name.startswith("with_store_")):
        yield f"warm/{name}", check_warm_try, (room, name)
    for name, kind, all_grants in tries():
        for grants in all_grants:
            yield f"try/{name}/{grants}", check_try, (room, name, kind, grants)
    for name in barred():
        yield f"weak/{name}", check_barred, (room, name)
    for abi in range(1, 8):
        yield f"abi/{abi}/reads-what-is-granted", check_abi, (room, abi, "read_granted", 1)
        yield f"abi/{abi}/nothing-else", check_abi, (room, abi, "read_passwd", 0)
        yield f"abi/{abi}/read-only", check_abi, (room, abi, "write_in_read_only", 0)
        # A file that is emptied is the one thing that an older kernel lets through.
        yield f"abi/{abi}/emptied", check_abi, (room, abi, "truncate_in_read_only", 0 if abi >= 3 else 1)
    for grants in ("FILES", "NET", "all"):
        yield f"abi/0/refused/{grants}", check_no_landlock, (room, grants)
    yield "abi/0/with-nothing-granted", check_no_landlock_needed, (room,)
    for kind in STREAMS:
        yield f"each-call/stdin/{kind}", check_each_call, (room, [], "stdin", kind)
        if kind != "tcp":  # a write to a listener is SIGPIPE
            yield f"each-call/stdout/{kind}", check_each_call, (room, [], "stdout", kind)
    connect = ["--allow-connect", "127.0.0.1:9"]  # both families of each are tried, and these lead nowhere else
    for grants, options in (("FILES", room.options("FILES")), ("LISTEN", room.options("LISTEN")), ("NET", connect)):
        yield f"each-call/{grants}", check_each_call, (room, options, "stdin", "null")
    folder = os.path.join(room.granted, "folder")
    if not os.path.isdir(folder):
        os.mkdir(folder)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as peer:
        dial = ["--dial", f"127.0.0.1:{peer.getsockname()[1]}"]
        for name, options in (("nothing", []), ("FILES", room.options("FILES")), ("write", ["--dir", folder + "::/g"]),
                              ("LISTEN", room.options("LISTEN")), ("dial", dial), ("NET", connect),
                              ("net-dial", connect + dial), ("UNIX", ["--allow-unix"]),
                              ("FILES-NET", room.options("FILES") + connect)):
            yield f"same-answers/{name}", check_same, (room, ["--jail=off", *options], options, "stdin", "null")
    for kind in STREAMS:
        for stream in ("stdin",) if kind == "tcp" else ("stdin", "stdout"):
            yield f"same-answers/{stream}/{kind}", check_same, (room, ["--jail=off"], [], stream, kind)
    yield "same-answers/idle-sockets", check_same, (room, ["--deny", "192.0.2.1"], [], "stdin", "null")
    yield "end/by-sigsys", check_killed, (room,)
    yield "end/159", check_status, (room,)
    yield "end/named", check_named, (room,)
    for number in (signal.SIGTERM, signal.SIGQUIT):
        yield f"end/by-signal/{number.name}", check_by_signal, (room, number)
    yield "end/statistics", check_statistics, (room,)
    for how in ("exit", "poll"):
        yield f"end/stopped-and-continued/{how}", check_stopped, (room, how)
    yield "stopped-wait", check_stopped_wait, (room,)
    yield "advice", check_advice, (room, folder)
    yield "words-to-a-socket", check_words_to_a_socket, (room,)
    if has_capability(CAP_SYS_PTRACE):
        yield "timer-slack", check_slack, (room,)
    if has_capability(CAP_SETUID):
        nobody = dict(no_capability(), Uid="65534", Gid="65534", Groups="")
        yield "identity/nothing", check_identity, (room, "nothing", [], nobody)
        yield "identity/files", check_identity, (room, "FILES", [], {"Uid": "0", "CapPrm": "000000000000000a"})
        yield "identity/network", check_identity, (room, "NET", [], {"Uid": "0", "CapPrm": "0000000000000400"})
    else:
        yield "identity/nothing", check_identity, (room, "nothing", [], no_capability())
        yield "identity/files", check_identity, (room, "FILES", [], no_capability())
        if os.geteuid() != 0:
            yield "identity/not-dumpable", check_not_dumpable, (room,)
    for grants in ("nothing", "FILES", "NET", "all"):
        yield f"limits/cores/{grants}", check_limit, (room, grants, [], "Max core file size", "0")
        yield f"limits/queues/{grants}", check_limit, (room, grants, [], "Max msgqueue size", "0")
        yield f"limits/files/{grants}", check_limit, (room, grants, [], "Max open files", open_files_most(1024))
        yield f"limits/files/fewer/{grants}", check_limit, (room, grants, ["--max-files", "100"], "Max open files",
                                                            open_files_most(100))
    yield "identity/weak", check_identity, (room, "FILES", ["--jail=weak"], {})
    if has_capability(CAP_SYS_PTRACE):  # others may not look into a process that cannot be dumped
        for grants, n in (("nothing", 0), ("FILES", 1), ("NET", 0), ("LISTEN", 1), ("all", 1)):
            yield f"descriptors/counted/{grants}", check_counted, (room, grants, n)
        yield "descriptors/unnamed", check_descriptors, (room, [])
        yield "descriptors/beside-one-that-is-named", check_descriptors, (room, ["--report", "/dev/fd/{}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if signal.getsignal(signal.SIGQUIT) == signal.SIG_IGN:  # started in the background: a case sends it
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    passed = failed = skipped = 0
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        print("jail: no /dev/kvm here")
        wanted = os.environ.get("REQUIRE_KVM") == "1"
        print(f"0 passed, {int(wanted)} failed, {int(not wanted)} skipped")
        return int(wanted)
    with tempfile.TemporaryDirectory(prefix="wasmvm-jail-") as top:
        os.chmod(top, 0o755)
        room = Room(args.build, top)
        for name, function, values in checks_of(room):
            if args.words and not any(word in name for word in args.words):
                continue
            wrong = function(*values)
            if wrong == SKIPPED:
                skipped += 1
                print(f"skipped {name}: {wrong}", flush=True)
                continue
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print(f"FAILED  {name}: {wrong}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
