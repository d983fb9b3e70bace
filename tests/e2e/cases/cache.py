"""Images of starts: the runs in their order, what no two runs share, files that are torn, forged or somebody else's."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time

import wasm
from cases import plugins
from cases.gonet import LOOPBACK
from harness import ROOT, Skip, case, expect, expect_message, given_away, go_build, run, wait

HEAD, PAGE, EXTENT = 256, 4096, 16
FRESH = ("rand", "crypto", "map", "seed", "time")


def store(t, name="store"):
    return t.path(name)


def state(t, *args, now=True, directory=None, **options):
    """Runs, and returns the result with what --report says of the cache."""
    report = t.path("report.json")
    words = ["--cache", directory or store(t)] + (["--cache-now"] if now else [])
    result = t.vm(*words, "--report", report, *args, **options)
    with open(report) as file:
        told = json.load(file)
    return result, told


def warm(t, module, *args, **options):
    """Runs until there is an image with all that such a run compiles; its path."""
    for _ in range(4):
        result, told = state(t, module, *args, **options)
        expect(result)
        if told["cache"] == "warm" and told["compiled"]["body_bytes_compiled"] < 32 << 10:
            return image(t)
    raise AssertionError(told)


def image(t):
    found = [n for n in os.listdir(store(t)) if n.endswith(".img")]
    assert len(found) == 1, found
    return os.path.join(store(t), found[0])


def fresh(t):
    return go_build("./fresh", t.version, module="tests/e2e/go")


def words(t):
    """A small module that prints its arguments, in a directory of the case's own."""
    return shutil.copy(os.path.join(ROOT, "tests/golden/words.wasm"), t.path("words.wasm"))


def put(t, path, data, mode=0o600):
    """In the store there is this file alone."""
    for entry in os.listdir(store(t)):
        os.unlink(os.path.join(store(t), entry))
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def right(t, module, *words_after, states=("made", "list", "cold"), status=0):
    """The program does what it does without a cache, whatever lies in the store."""
    result, told = state(t, module, "a", "b", *words_after)
    expect(result, status, out=f"{module}\na\nb\n")
    assert told["cache"] in states, told
    return told


# ---- sums as vmm/cache has them ----

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def sum_of(data):
    lanes = [1, 2, 3, 4]
    for at in range(0, len(data), 8):
        crc = lanes[at // 8 % 4]
        for byte in data[at:at + 8]:
            crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
        lanes[at // 8 % 4] = crc
    a, b, c, d = lanes

    def turn(x, n):
        return (x << n | x >> (32 - n)) & 0xFFFFFFFF

    return a ^ turn(b, 8) ^ turn(c, 16) ^ turn(d, 24)


class Image:
    """An image's head and extents, to be changed by a hand that can make the sum right."""

    names = ("version", 8, "I"), ("sum", 12, "I"), ("key", 16, "32s"), ("module_bytes", 80, "Q"), \
        ("linear", 120, "Q"), ("extents", 128, "I"), ("cpu", 132, "I")

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = bytearray(file.read())

    def get(self, name):
        at, form = next((at, form) for n, at, form in self.names if n == name)
        return struct.unpack_from("<" + form, self.data, at)[0]

    def put(self, name, value):
        at, form = next((at, form) for n, at, form in self.names if n == name)
        struct.pack_into("<" + form, self.data, at, value)

    def extents(self):
        """(part, page, pages, where in the file, where its row is)"""
        n = self.get("extents")
        at = -(-(HEAD + EXTENT * n) // PAGE) * PAGE
        for i in range(n):
            part, page, pages, _ = struct.unpack_from("<4I", self.data, HEAD + EXTENT * i)
            yield part, page, pages, at, HEAD + EXTENT * i
            at += pages * PAGE

    def resum(self):
        for _, _, pages, at, row in self.extents():
            struct.pack_into("<I", self.data, row + 12, sum_of(self.data[at:at + pages * PAGE]))
        n = self.get("extents")
        self.put("sum", 0)
        rows = bytes(self.data[HEAD:HEAD + EXTENT * n])
        even, last = rows[:n // 2 * 32], bytes(rows[n // 2 * 32:]).ljust(32, b"\0")
        total = sum_of(self.data[:HEAD]) ^ 3 * sum_of(even) & 0xFFFFFFFF ^ 5 * sum_of(last) & 0xFFFFFFFF
        self.put("sum", total)

    def write(self):
        with open(self.path, "r+b") as file:
            file.write(self.data)


# ---- the runs in their order ----


@case
def a_list_then_an_image_then_warm(t):
    """A file that has been there for a while; the third run reads no byte of it, and a copy needs its own."""
    module = os.path.join(ROOT, "images/demo.wasm")
    states = [state(t, module, now=False)[1]["cache"] for _ in range(4)]
    assert states == ["list", "made", "warm", "warm"], states
    compiled = state(t, module, now=False)[1]["compiled"]
    assert compiled["funcs_compiled"] < 10 and compiled["funcs_total"] > 1000, compiled
    lists = [n for n in os.listdir(store(t)) if n.endswith(".list")]
    assert all(os.path.getsize(os.path.join(store(t), n)) <= 4096 for n in lists)
    for n in range(20):
        began = time.monotonic()
        young = shutil.copy(module, t.path(f"copy{n}.wasm"))
        states = [state(t, young, now=False)[1]["cache"] for _ in range(2)]
        if time.monotonic() - began < 2:
            assert states == ["list", "list"], "it is too young"
            return
    raise Skip("two runs take longer here than a file is young")


@case
def without_the_option_the_variable_says(t):
    module, home, other = words(t), t.mkdir("home"), t.mkdir("other")
    look = ("--cache-now", "--stats", module)
    for value, there in ("off", []), ("", ["wasmvm"]), ("on", ["wasmvm"]):
        expect(in_home(t, home, *look, xdg=home, variable=value), err_has="cache       " if there else "")
        assert os.listdir(home) == there, value
        shutil.rmtree(os.path.join(home, "wasmvm"), ignore_errors=True)
    expect(in_home(t, home, *look, variable=other), err_has="cache       made")
    expect(in_home(t, home, "--cache", "off", *look, variable=other))
    expect(in_home(t, home, "--dir", other, *look, variable=other), err_has="cache       cold: the program can write")
    assert os.listdir(home) == [] and os.listdir(other) != []


@case
def stats_say_which_start_it_was(t):
    module = words(t)
    for wanted in ("cache       made", "cache       warm"):
        expect(t.vm("--cache", store(t), "--cache-now", "--stats", module), err_has=wanted)


@case
def what_a_run_uses_is_told_of_that_run(t):
    """A hint of functions that ran is not given for what an earlier run had compiled."""
    module, told = go_build("./inside", version="1.22.12", module="tests/e2e/go"), b"its sockets were inside"
    for _ in range(4):
        result, _ = state(t, *LOOPBACK, "--", module, "talk")
        assert result.err.count(told) == 1, result
    for _ in range(2):
        result, kept = state(t, *LOOPBACK, "--", module)
        assert kept["cache"] == "warm" and result.err == b"", (result, kept)


@case
def other_host_functions_have_another_image(t):
    """The same module with a plug-in that it does not import: its functions are numbered otherwise."""
    plugin = plugins.library(plugins.PLAIN)
    module = words(t)
    wanted = [((), "made"), ((), "warm"), (("--plugin", plugin), "made"), (("--plugin", plugin), "warm"), ((), "warm")]
    for options, told in wanted:
        result, kept = state(t, *options, module)
        expect(result)
        assert kept["cache"] == told, (options, kept)


@case
def no_two_runs_from_one_image_are_alike(t):
    module = fresh(t)
    warm(t, module)
    seen = {word: set() for word in FRESH}
    for _ in range(100):
        result, told = state(t, module)
        assert told["cache"] == "warm"
        for line in result.out.decode().splitlines():
            word, value = line.split()
            seen[word].add(value)
    assert all(len(values) == 100 for values in seen.values()), {w: len(v) for w, v in seen.items()}


@case
def two_runs_at_once_do_not_meet(t):
    module = fresh(t)
    warm(t, module)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [t.start("--cache", store(t), "--cache-now", module, "wait", **pipes) for _ in range(2)]
    for child in both:
        assert child.stdout.readline() == b"ready\n"
    os.unlink(image(t))  # an image goes while it is used
    outs = []
    for child in both:
        child.stdin.write(b"\n")
        child.stdin.flush()
        outs.append(child.stdout.read().split(b"\n"))
        assert wait(child)[0] == 0
    assert len(outs[0]) == len(outs[1]) == 6 and not set(outs[0][:5]) & set(outs[1][:5]), outs


@case
def options_hold_for_a_warm_run_too(t):
    """Arguments, environment, directories, limits, the trace and the stack are the run's own."""
    module = fresh(t)
    warm(t, module)
    expect(state(t, "--memory", "1M", module)[0], 125, err_has=["--memory"])
    small = ("--total-memory", "264M")
    expect(state(t, *small, module)[0], 137, err=t.vm(*small, module).err)
    result, told = state(t, "--stack", "1M", "--trace", module)
    expect(result, err_has=["random_get"])
    assert told["cache"] == "warm"
    demo = shutil.copy(os.path.join(ROOT, "images/demo.wasm"), t.path("demo.wasm"))
    data = t.mkdir("data")
    t.write("data/one", "1")
    cold = t.vm("--dir", data + "::/data", demo, "/data")
    for _ in range(4):
        result, told = state(t, "--dir", data + "::/data", demo, "/data")
    assert told["cache"] == "warm"
    assert result.out.split(b"\n")[0] == cold.out.split(b"\n")[0]


@case
def functions_that_come_later_join(t):
    """A run that compiles much beyond the image has the next one make it anew."""
    module = fresh(t)
    result, told = state(t, "--invoke", "nothing", module)
    expect(result, 125)
    assert told["cache"] == "made", told
    compiled = []
    for wanted in ("warm", "made", "warm"):
        result, told = state(t, module)
        expect(result)
        assert told["cache"] == wanted, told
        compiled.append(told["compiled"]["funcs_compiled"])
    assert compiled[0] > 100 and compiled[2] < 10, compiled


# ---- the module's bytes come late ----


@case
def a_trap_has_its_names_in_a_warm_run(t):
    module = shutil.copy(os.path.join(ROOT, "tests/golden/memories.wasm"), t.path("m.wasm"))
    cold = t.vm(module)
    program = t.go("trap")
    quiet = t.vm(program)
    for _ in range(3):
        again = state(t, program)[0]
    assert again.status == quiet.status and again.err == quiet.err, again
    assert state(t, module)[0].err == cold.err


def late():
    """_start writes a byte, reads one, and calls a function whose body lies far behind its own."""
    def call(n, *args):
        return b"".join(b"\x41" + wasm.leb(a) for a in args) + b"\x10" + wasm.leb(n)

    def store_at(place, value):
        return b"\x41" + wasm.leb(place) + b"\x41" + wasm.leb(value) + b"\x36\x02\x00"

    i32 = wasm.I32
    transfer = wasm.functype([i32] * 4, [i32])
    start = (store_at(16, 32) + store_at(20, 1) + call(1, 1, 16, 1, 8) + b"\x1a" + call(0, 0, 16, 1, 8) + b"\x1a" +
             call(4))
    imports = [("wasi_snapshot_preview1", name, b"\0\1") for name in ("fd_read", "fd_write")]
    return wasm.module(types=[wasm.functype(), transfer], imports=imports, funcs=[0, 0, 0], memory=1,
                       exports=[("_start", wasm.FUNC, 2), ("memory", wasm.MEMORY, 0)],
                       bodies=[wasm.body(start), wasm.body(b"\x01" * 200000), wasm.body(b"\x01" * 10)])


@case
def a_module_that_changes_meanwhile_ends_the_run(t):
    """Written into while it runs, before its bytes are wanted."""
    module = t.write("late.wasm", late())
    for told in ("made", "warm"):
        result, kept = state(t, module, stdin=b"x")
        expect(result, out=b"\0")
        assert kept["cache"] == told, kept
    report = t.path("late.json")
    child = t.start("--cache", store(t), "--cache-now", "--report", report, module, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.read(1) == b"\0"
    with open(module, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    child.stdin.write(b"x")
    child.stdin.close()
    assert wait(child)[0] == 126
    assert b"the module changed while it ran" in child.stderr.read()
    with open(report) as file:
        assert json.load(file)["reason"] == "module_changed"


# ---- files that are not to be believed ----


@case
def torn_images_are_not_used(t):
    module = words(t)
    path = warm(t, module)
    with open(path, "rb") as file:
        good = file.read()
    head = HEAD + EXTENT * Image(path).get("extents")
    cuts = [good[:n] for n in range(0, len(good), PAGE)] + [good + b"x"]
    flips = [at for at in range(head)] + [at for _, _, pages, start, _ in Image(path).extents()
                                          for at in range(start + 7, start + pages * PAGE, PAGE)]
    for data in cuts:
        put(t, path, data)
        right(t, module)
        assert not os.path.exists(path), "it was removed"
    for at in flips:
        data = bytearray(good)
        data[at] ^= 1 << at % 8
        put(t, path, data)
        right(t, module)
    put(t, path, good)
    right(t, module, states=["warm"])


@case
def images_of_others_are_not_used(t):
    module = words(t)
    path = warm(t, module)
    with open(path, "rb") as file:
        good = file.read()
    for mode in (0o640, 0o604, 0o620, 0o602, 0o700 | 0o010):
        put(t, path, good, mode)
        right(t, module)
    put(t, path, good)
    os.link(path, t.path("second"))
    right(t, module)
    put(t, path, good)
    elsewhere = shutil.move(path, t.path("elsewhere"))
    os.symlink(elsewhere, path)
    right(t, module)
    assert os.path.exists(elsewhere)
    put(t, path, good)
    if given_away(path, 12345):
        right(t, module)
    put(t, path, good)
    right(t, module, states=["warm"])


@case
def images_of_other_machines_are_not_used(t):
    """Of another CPU, another engine, another version, another module, or with memory that is not there."""
    module = words(t)
    path = warm(t, module)
    with open(path, "rb") as file:
        good = file.read()
    for field, change in (("cpu", lambda v: v ^ 1), ("key", lambda v: bytes([v[0] ^ 1]) + v[1:]),
                          ("version", lambda v: v + 1), ("module_bytes", lambda v: v + 1),
                          ("linear", lambda v: v + (1 << 32))):
        put(t, path, good)
        forged = Image(path)
        forged.put(field, change(forged.get(field)))
        forged.resum()
        forged.write()
        right(t, module)
    other = os.path.join(os.path.dirname(path), "ab" * 32 + ".img")
    put(t, other, good)
    right(t, module)
    put(t, path, good)
    same = Image(path)
    same.resum()
    assert bytes(same.data) == good, "the sum here is not wasmvm's"


@case
def a_forged_image_is_a_guest_and_no_more(t):
    """Whoever owns the file makes its sums right: what runs is a guest with this run's rights, and ends in some way."""
    module = words(t)
    path = warm(t, module)
    with open(path, "rb") as file:
        good = file.read()
    for seed in range(120):
        put(t, path, good)
        forged = Image(path)
        rows = list(forged.extents())
        part, _, pages, at, _ = rows[seed % len(rows)]
        for k in range(64):
            place = at + (seed * 2654435761 + k * 40503) % (pages * PAGE)
            forged.data[place] ^= 1 + (seed + k) % 255
        forged.resum()
        forged.write()
        result, told = state(t, "--timeout", "5s", module, "a", "b")
        assert result.status in (0, 1, 2, 124, 125, 126, 134, 137), result
        assert told["cache"] == "warm", told


@case
def a_forged_list_costs_a_bounded_time(t):
    """All functions of a large module are on it, and many that are none."""
    module = fresh(t)
    assert state(t, module, now=False)[1]["cache"] == "list"
    name = next(n for n in os.listdir(store(t)) if n.endswith(".list"))
    bits = b"\xff" * 16384
    with open(os.path.join(store(t), name), "r+b") as file:
        file.truncate(0)
        file.write(struct.pack("<8sIIQ", b"wasmvm\x1aL", sum_of(bits) ^ 99999, len(bits), 99999) + bits)
    result, told = state(t, module, now=False)
    assert told["cache"] == "made" and told["compiled"]["body_bytes_compiled"] <= (9 << 20), told


# ---- directories and disks ----


@case
def a_directory_of_others_is_no_cache(t):
    module, place = words(t), t.mkdir("open")
    os.chmod(place, 0o777)
    result, told = state(t, module, directory=place)
    expect(result)
    assert told["cache"] == "cold" and os.listdir(place) == [], told
    os.chmod(place, 0o700)
    link = t.path("link")
    os.symlink(place, link)
    assert state(t, module, directory=link)[1]["cache"] == "cold"
    assert state(t, module, directory=t.path("words.wasm"))[1]["cache"] == "cold"


@case
def a_granted_directory_is_no_cache(t):
    """A program that can write images writes the next run's start."""
    module, place = words(t), t.mkdir("granted")
    expect_message(t.vm("--dir", place, "--cache", place, module), 125, "the program can write there")
    os.mkdir(os.path.join(place, "below"))
    expect_message(t.vm("--dir", place, "--cache", os.path.join(place, "below"), module), 125, "the program can write")
    expect(t.vm("--dir", place + "::/p:ro", "--cache", place, module))


@case
def a_limit_of_file_sizes_costs_a_line(t):
    """What was begun is no image."""
    module = fresh(t)
    script = f"ulimit -f 64; exec {t.wasmvm} --cache={store(t)} --cache-now --stats {module}"
    result = run(["bash", "-c", script])
    expect(result, err_has=["cannot be written"])
    assert state(t, module)[1]["cache"] == "made"


@case
def a_full_disk_costs_a_line(t):
    """Of no page, of so many that a list or a head fits, and of as many as hold most of the image."""
    module, place = fresh(t), t.mkdir("store")
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"]).returncode:
        raise Skip("no mounts here")
    size = os.path.getsize(warm(t, module)) // PAGE
    command = f"{t.wasmvm} --cache={place} --cache-now --stats {module}"
    for pages in 1, 2, 3, 6, 20, size // 2, size - 1, size:
        script = f"mount -t tmpfs -o size={pages * PAGE},mode=700 none {place} && {command} && {command}; " \
                 f"status=$?; {t.wasmvm} cache --cache {place} verify; umount {place}; exit $status"
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=300)
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and len(lines) == 11 and re.match(r"[01] images, 0 damaged", lines[-1]), done
        said = re.findall(r"^cache       (.*)", done.stderr, re.M)
        nothing = lines[-1][0] == "0" and all(line.startswith("cold: ") or line == "list" for line in said)
        assert pages > 20 or nothing, (pages, said)
        assert any("cannot be written: the disk is full" in line for line in said), (pages, said)


@case
def a_directory_that_takes_no_file(t):
    module = words(t)
    place = t.mkdir("store")
    if os.geteuid() == 0:
        if subprocess.run(["unshare", "-m", "true"]).returncode:
            raise Skip("no mounts here")
        script = f"mount --bind {place} {place} && mount -o remount,bind,ro {place} && "
        argv = ["unshare", "-m", "sh", "-c"]
    else:
        os.chmod(place, 0o500)
        script, argv = "", ["sh", "-c"]
    done = subprocess.run([*argv, script + f"{t.wasmvm} --cache={place} --cache-now --stats {module} a"],
                          capture_output=True, timeout=300)
    assert done.returncode == 0 and done.stdout == f"{module}\na\n".encode(), done
    assert b"cache       cold" in done.stderr and os.listdir(place) == [], done


def emptied(t):
    for entry in os.listdir(store(t)) if os.path.isdir(store(t)) else []:
        os.unlink(os.path.join(store(t), entry))


def usual_seconds(t, module):
    """The least that a run takes which makes an image."""
    took = []
    for _ in range(3):
        emptied(t)
        began = time.monotonic()
        expect(state(t, module)[0])
        took.append(time.monotonic() - began)
    return min(took)


def after_a_maker(t, module):
    """A run finds a whole image or makes one; and a later one is warm.  Where the kernel frees a machine's memory late,
    a maker's lock outlives it by a moment."""
    for wanted in ("made", "warm"), ("warm",):
        for n in range(100):
            result, told = state(t, module)
            expect(result)
            assert len(result.out.splitlines()) == 5, result
            if told["cache"] in wanted:
                break
            time.sleep(0.01 * n)
        assert told["cache"] in wanted, told


@case
def makers_that_are_killed_leave_no_image(t):
    module = fresh(t)
    usual = usual_seconds(t, module)
    for k in range(40):
        emptied(t)
        child = t.start("--cache", store(t), "--cache-now", module, stdout=subprocess.DEVNULL)
        time.sleep(usual * k / 40)
        child.kill()
        child.wait()
        after_a_maker(t, module)


def makers_stopped(t, module):
    """How many of 40 were still running."""
    usual, stopped = usual_seconds(t, module), 0
    for k in range(40):
        emptied(t)
        moment = usual * (k + 1) / 40
        limit = ["--timeout", f"{max(1, round(moment * 1000))}ms"] if k % 2 else []
        child = t.start("--cache", store(t), "--cache-now", *limit, module, stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE)
        if not limit:
            time.sleep(moment)
            child.terminate()
        said = child.communicate()[1]
        assert child.returncode in (0, 124 if limit else -signal.SIGTERM), (child.returncode, said)
        stopped += child.returncode != 0
        expect(t.vm("cache", "--cache", store(t), "verify"))
        after_a_maker(t, module)
    return stopped


@case
def makers_that_are_stopped_leave_no_image(t):
    """By a signal or by a limit, at any moment of the run that makes it: what it left behind is whole, or nothing."""
    module, stopped = fresh(t), []
    while not stopped or (stopped[-1] <= 5 and len(stopped) < 5):  # what is usual changes on a busy machine
        stopped.append(makers_stopped(t, module))
    assert stopped[-1] > 5, stopped


@case
def two_makers_at_once(t):
    module = fresh(t)
    for _ in range(10):
        emptied(t)
        both = [t.start("--cache", store(t), "--cache-now", module, stdout=subprocess.PIPE) for _ in range(4)]
        for child in both:
            assert len(child.stdout.read().splitlines()) == 5
            assert wait(child)[0] == 0
        after_a_maker(t, module)
        assert len([n for n in os.listdir(store(t)) if n.endswith(".img")]) == 1


# ---- wasmvm cache, and the usual directory ----


def in_home(t, home, *args, xdg=None, variable=None):
    """By default, as a user of the command runs it: nothing says a word of a cache."""
    given = {"HOME": home, "XDG_CACHE_HOME": xdg, "WASMVM_CACHE": variable}
    env = {k: v for k, v in os.environ.items() if k not in given}
    env.update({k: v for k, v in given.items() if v})
    return t.vm(*args, env=env)


@case
def the_usual_directory(t):
    module, home, other = words(t), t.mkdir("home"), t.mkdir("xdg")
    run_on = ("--cache-now", "--stats", module)
    expect(in_home(t, home, *run_on), err_has="cache       made")
    expect(in_home(t, home, *run_on), err_has="cache       warm")
    assert os.listdir(home) == [".cache"] and os.listdir(home + "/.cache") == ["wasmvm"]
    expect(in_home(t, home, *run_on, xdg=other), err_has="cache       made")
    assert os.listdir(other) == ["wasmvm"]
    assert in_home(t, home, "cache", "size").out.startswith(b"1 images, ")
    for place in (None, "relative"):
        result = in_home(t, place, *run_on)
        expect(result)
        assert b"\ncache   " not in result.err, result
    strange = t.mkdir("strange")
    if given_away(strange, 12345):
        result = in_home(t, strange, *run_on)
        expect(result)
        assert b"\ncache   " not in result.err and os.listdir(strange) == [], result
    expect(in_home(t, home, "--dir", home, *run_on), err_has="cache       cold: the program can write")
    result = in_home(t, home, "--cache", "off", "--cache-now", "--stats", module)
    assert b"\ncache   " not in result.err, result


@case
def the_subcommand(t):
    module = words(t)
    ask = ("cache", "--cache", store(t))
    expect(t.vm(*ask, "list"), out="")
    assert not os.path.exists(store(t)), "asking makes no directory"
    path = warm(t, module)
    size = os.path.getsize(path)
    name = os.path.basename(path)
    expect(t.vm(*ask, "list"), out=f"{size:10}  words.wasm  {name[:16]}\n")
    expect(t.vm(*ask, "verify"), out="1 images, 0 damaged\n")
    kept = sum(os.path.getsize(os.path.join(store(t), n)) for n in os.listdir(store(t)))
    expect(t.vm(*ask, "size"), out=f"1 images, {kept} bytes\n")
    with open(path, "r+b") as file:
        file.seek(size // 2)
        byte = file.read(1)
        file.seek(size // 2)
        file.write(bytes([byte[0] ^ 4]))
    expect(t.vm(*ask, "verify"), 1, out=f"{name}: its pages are damaged\n1 images, 1 damaged\n")
    t.write("store/others", "stay")
    expect(t.vm(*ask, "clear"), out="")
    assert os.listdir(store(t)) == ["others"]
    os.mkdir(os.path.join(store(t), "ab" * 32 + ".img"))
    t.write("store/" + "cd" * 32 + ".list", "")
    expect_message(t.vm(*ask, "clear"), 125, "1 files cannot be removed: Is a directory")
    assert sorted(os.listdir(store(t))) == ["ab" * 32 + ".img", "others"], "what can go is gone"
    expect(t.vm(*ask, "verify"), 1, out="ab" * 32 + ".img: it is cut short\n1 images, 1 damaged\n")
    expect_message(t.vm(*ask, "now"), 125, "cache: now: no such word")
    expect_message(t.vm(*ask), 125, "cache: one word is expected")


@case
def a_run_holds_no_right_on_the_store(t):
    """While it runs, a process has nothing of the store open but its own list."""
    module = fresh(t)
    for _ in range(2):
        child = t.start("--cache", store(t), "--cache-now", module, "wait", stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        place = f"/proc/{child.pid}/fd"
        try:
            held = [os.readlink(f"{place}/{fd}") for fd in os.listdir(place)]
        except PermissionError:
            raise Skip("whose descriptors are open cannot be seen here")
        held = [name for name in held if name.startswith(store(t))]
        assert [name.rsplit(".", 1)[-1] for name in held] == ["list"], held
        child.stdin.close()
        assert wait(child)[0] == 0
