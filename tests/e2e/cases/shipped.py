"""Images to ship: `wasmvm build`, and runs of what it makes: whose they may be, stale ones, torn ones, forged ones."""

import json
import os
import select
import shutil
import signal
import struct
import subprocess
import time

import wasm
from cases import plugins
from cases.cache import EXTENT, FRESH, HEAD, PAGE, Image, late, store, words
from harness import ROOT, Skip, case, expect, expect_message, given_away, go_build, run, wait

PIECE = 0x10000


def build(t, module, *args, output="app.img"):
    result = t.vm("build", module, "-o", t.path(output), *args)
    expect(result)
    return t.path(output)


def told(t, *args, **options):
    """Runs, and returns the result, what --report says, and the line that --stats has of the image."""
    report = t.path("report.json")
    result = t.vm("--report", report, "--stats", *args, **options)
    with open(report) as file:
        said = json.load(file)
    lines = [line[12:] for line in result.err.decode(errors="replace").splitlines() if line.startswith("cache  ")]
    return result, said, lines[0] if lines else None


def right(t, image, state):
    """The program's own output is that of its module, and the start was this one."""
    result, said, line = told(t, image, "a", "b")
    expect(result, out=f"{image}\na\nb\n")
    assert line is not None and line.startswith(state), (line, state)
    return said


def module_at(image):
    return len(image.data) - image.get("module_bytes")


@case
def an_image_needs_nothing_else(t):
    """The module is gone, no cache is used; no function is compiled."""
    module = words(t)
    image = build(t, module)
    os.unlink(module)
    assert os.stat(image).st_mode & 0o777 == 0o644 & ~umask()
    for _ in range(2):
        said = right(t, image, "warm")
        assert said["compiled"]["funcs_compiled"] == 0, said
    assert sorted(os.listdir(os.path.dirname(image))) == ["app.img", "report.json"]


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@case
def no_two_runs_from_one_image_are_alike(t):
    image = build(t, go_build("./fresh", t.version, module="tests/e2e/go"))
    seen = {word: set() for word in FRESH}
    for _ in range(100):
        result, _, line = told(t, image)
        assert line == "warm", line
        for word, value in map(str.split, result.out.decode().splitlines()):
            seen[word].add(value)
    assert all(len(values) == 100 for values in seen.values()), {w: len(v) for w, v in seen.items()}


@case
def a_training_run_says_which_functions(t):
    """Its output is the program's; the image has what it called, and is smaller than that of all functions."""
    program = go_build("./fresh", t.version, module="tests/e2e/go")
    image = t.path("app.img")
    result = t.vm("build", program, "-o", image, "--profile-run", "--", "wait")
    expect(result)
    assert result.out.startswith(b"ready\nrand ") and result.out.count(b"\n") == 6, result
    trained, said, line = told(t, image)
    expect(trained)
    assert line == "warm" and said["compiled"]["funcs_compiled"] < 10, (line, said)
    whole = build(t, program, output="all.img")
    both = [t.vm(whole), t.vm(image)]
    assert both[0].out != both[1].out, "random numbers and times are each run's own"
    assert told(t, whole)[1]["compiled"]["funcs_compiled"] < 10  # those of Go's own network are left out
    assert os.path.getsize(image) < os.path.getsize(whole)


@case
def training_that_fails(t):
    """A program that ends badly has trained all the same; one that cannot run has not."""
    module, image = words(t), t.path("app.img")
    program = t.go("trap")
    ended = t.vm("build", program, "-o", image, "--profile-run")
    expect(ended, err_has=["trapped", "ended with status 134"])
    assert told(t, image)[2] == "warm"
    os.unlink(image)
    nowhere = t.path("nowhere")
    for args, status, piece in ((["--profile-run", "--dir", nowhere], 125, "nowhere"),
                                (["--profile-run", "--plugin", nowhere], 125, "is given before --profile-run"),
                                (["--plugin", nowhere], 125, "nowhere")):
        expect(t.vm("build", module, "-o", image, *args), status, err_has=[piece])
        assert not os.path.exists(image)


@case(vm=False)
def words_that_are_none(t):
    module = words(t)
    trained = [module, "-o", t.path("x"), "--profile-run"]
    for args, piece in (([], "no module given"), ([module], "no output given"), ([module, "-o"], "-o needs a value"),
                        ([module, module, "-o", "x"], "a second module"), ([module, "--dir", ".", "-o", "x"], "--dir"),
                        ([module, "-o", t.mkdir("folder")], "it is no regular file"),
                        ([module, "-o", t.path("no/where")], "it cannot be written: No such file"),
                        ([module, "-o", t.path("")], "it is no regular file"),
                        ([module, "-o", module], "that is the module itself"),
                        (trained + ["-o", "y"], "-o stands before --profile-run"),
                        (trained + ["--output=y"], "--output=y stands before --profile-run"),
                        (trained + ["--end-with=1"], "--end-with=1: a training run ends with wasmvm build"),
                        (trained + ["--dir", ".", "--end-with", "1"], "--end-with: a training run ends with"),
                        (trained + ["--help"], "--help: no option of a training run"),
                        (trained + ["--version"], "--version: no option of a training run"),
                        (trained + [module], "words.wasm: no option of a training run"),
                        (trained + ["other.wasm", "--", "a"], "other.wasm: no option of a training run"),
                        (trained + ["--dir", "--", "a"], "--dir needs a value"),
                        (trained + ["--nothing"], "--nothing: no such option")):
        expect_message(t.vm("build", *args), 125, piece)


@case
def a_module_called_build(t):
    """It is run as one called `cache` is; and a module's file keeps its name beside the command's."""
    module = words(t)
    place = os.path.dirname(module)
    shutil.copy(module, os.path.join(place, "build"))
    for args in (["./build", "a"], ["run", "build", "a"], ["--", "build", "a"]):
        name = "./build" if args[0] == "./build" else "build"
        expect(t.vm(*args, cwd=place), out=f"{name}\na\n")
    expect(t.vm("build", "build", "-o", "build.img", cwd=place))
    expect(t.vm("build.img", "a", cwd=place), out="build.img\na\n")


@case
def options_of_both_runs(t):
    """Each is taken, before the module and behind it; a value that is none is refused as run refuses it."""
    module, image = words(t), t.path("app.img")
    given = [["--memory", "64M"], ["--total-memory=3G"], ["--timeout", "100s"], ["--cpu-time=100s"], ["--jail", "weak"],
             ["--stats"]]
    for option in given:
        expect(t.vm("build", *option, module, "-o", image))
        expect(t.vm("build", module, "-o", image, *option, "--profile-run", "--", "a"))
    everything = " ".join(word for option in given for word in option)
    line = f"{t.wasmvm} build --kvm-fd 9 {everything} {module} -o {image} --profile-run 9<>/dev/kvm"
    expect(run(["sh", "-c", line]), out=f"{module}\n")
    assert told(t, image)[2] == "warm"
    os.unlink(image)
    for option, piece in ((["--memory", "99999G"], "too large"), (["--memory", "much"], "not a size"),
                          (["--timeout", "0"], "no time at all"), (["--kvm-fd", "x"], "not a number")):
        for more in ([], ["--profile-run"]):
            expect_message(t.vm("build", *option, module, "-o", image, *more), 125, piece)
            assert not os.path.exists(image)


@case
def modules_that_are_not_valid_make_none(t):
    image = t.path("app.img")
    expect_message(t.vm("build", t.write("bad.wasm", b"\0asm\1\0\0\0\xff"), "-o", image), 126, "is not a valid module")
    expect(t.vm("build", t.path("none.wasm"), "-o", image), 127)
    several = os.path.join(ROOT, "tests/golden/memories.wasm")
    expect_message(t.vm("build", several, "-o", image), 125, "more than one memory")
    assert sorted(os.listdir(os.path.dirname(image))) == ["bad.wasm"]


@case
def an_image_is_made_anew_from_an_image(t):
    module = words(t)
    image = build(t, module)
    old = Image(image)
    old.put("key", bytes(32))
    old.resum()
    old.write()
    right(t, image, "cold: the image is of another wasmvm")
    expect(t.vm("build", image, "-o", image))
    right(t, image, "warm")


@case
def who_may_own_it(t):
    """Others may read it and link to it; nobody else may write it, and it is ours or root's."""
    image = build(t, words(t))
    os.link(image, t.path("second"))
    os.symlink(image, t.path("third"))
    os.chmod(image, 0o755)
    for name in (image, t.path("second"), t.path("third")):
        right(t, name, "warm")
    for mode in (0o664, 0o646, 0o666):
        os.chmod(image, mode)
        expect_message(t.vm(image), 125, "nobody else may write it")
    os.chmod(image, 0o444)
    right(t, image, "warm")
    if not given_away(image, 12345):
        raise Skip("only root gives files away")
    expect_message(t.vm(image), 125, "must belong to you or to root")


@case
def root_may_own_it(t):
    """An image that root has installed, run by somebody else."""
    other = ["setpriv", "--reuid", "12345", "--clear-groups"]
    if run([*other, "true"]).status:
        raise Skip("only root becomes somebody else")
    image = build(t, words(t))
    place = t.fast_directory()
    copy = shutil.copy(image, os.path.join(place, "app.img"))
    os.chmod(place, 0o755)
    os.chmod(copy, 0o644)
    monitor = shutil.copy(t.wasmvm, os.path.join(place, "wasmvm"))
    os.chmod(monitor, 0o755)
    argv = [*other, monitor, "--kvm-fd", "9", "--stats", copy, "a"]
    line = " ".join(argv) + " 9<>/dev/kvm"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=300, cwd="/")
    assert done.returncode == 0 and b"cache       warm" in done.stderr, done


@case
def nobody_owns_it_where_owners_have_no_number(t):
    """In such a user namespace the kernel shows another's file, and this process, as user 65534."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
        raise Skip("only root gives files away, and user namespaces are wanted")
    image = build(t, words(t))
    place = t.fast_directory()
    copy = shutil.copy(image, os.path.join(place, "app.img"))
    os.chmod(place, 0o755), os.chmod(copy, 0o644)
    monitor = shutil.copy(t.wasmvm, os.path.join(place, "wasmvm"))
    os.chmod(monitor, 0o755)
    line = f"exec unshare --user {monitor} --kvm-fd 9 {copy} 9<>/dev/kvm"
    for owner in (12345, 0):
        if not given_away(copy, owner):
            raise Skip("owners have no number here, either")
        expect_message(run(["sh", "-c", line], cwd="/"), 125, "must belong to you or to root")


@case
def the_module_inside_runs_where_the_image_does_not_fit(t):
    """Another engine, another CPU, another version, other host functions, less memory, a grant to write it."""
    module = words(t)
    image = build(t, module)
    with open(image, "rb") as file:
        good = file.read()
    for field, change, line in (("cpu", lambda v: v ^ 1, "the image is for another CPU"),
                                ("key", lambda v: bytes([v[0] ^ 1]) + v[1:], "the image is of another wasmvm"),
                                ("version", lambda v: v + 1, "the image is of another version")):
        forged = Image(image)
        forged.put(field, change(forged.get(field)))
        forged.resum()
        forged.write()
        right(t, image, "cold: " + line)
        with open(image, "wb") as file:
            file.write(good)
    plugin = plugins.library(plugins.PLAIN)
    result, _, line = told(t, "--plugin", plugin, image)
    expect(result)
    assert line.startswith("cold: the image is of another wasmvm, or for other plug-ins"), line
    result, _, line = told(t, "--dir", os.path.dirname(image), image)
    expect(result)
    assert line == "cold: the program can write the image", line
    result, _, line = told(t, "--dir", os.path.dirname(image) + "::/x:ro", image)
    assert line == "warm", line
    result, _, line = told(t, "--validate", image)
    assert line == "warm", "its module was validated whole"
    expect(t.vm("--memory", "64K", image), t.vm("--memory", "64K", module).status)


def stale(image, field="cpu", change=lambda v: v ^ 1):
    forged = Image(image)
    forged.put(field, change(forged.get(field)))
    forged.resum()
    forged.write()


@case
def a_stale_image_is_cached_as_its_module_is(t):
    """A list, an image, a run from it, which is the module's own image too; the line says why each time."""
    line = ": the image is for another CPU"
    module = words(t)
    image = build(t, module)
    stale(image)
    states = []
    while int(time.time()) <= int(os.stat(image).st_ctime) + 2:  # it may not be younger
        time.sleep(0.1)
    for _ in range(4):
        result, said, told_line = told(t, "--cache", store(t), image, "a", "b")
        expect(result, out=f"{image}\na\nb\n")
        assert told_line == said["cache"] + line, told_line
        states.append(said["cache"])
    assert states == ["list", "made", "warm", "warm"], states
    assert said["compiled"]["funcs_compiled"] == 0, said
    own = [name for name in os.listdir(store(t)) if name.endswith(".img")]
    result, said, told_line = told(t, "--cache", store(t), "--cache-now", module, "a", "b")
    assert len(own) == 1 and told_line == "warm", (own, told_line)
    assert [name for name in os.listdir(store(t)) if name.endswith(".img")] == own
    result, said, told_line = told(t, "--cache", "off", image)
    assert told_line == "cold" + line


@case
def a_stale_image_in_a_bad_store(t):
    """Neither what is wrong with the store's image, nor what the program may do with the store, ends the run."""
    image = build(t, words(t))
    place = os.path.join(store(t), "of its own")
    for field, change in (("cpu", lambda v: v ^ 1), ("key", lambda v: bytes([v[0] ^ 1]) + v[1:]),
                          ("version", lambda v: v + 1)):
        with open(image, "rb") as file:
            good = file.read()
        stale(image, field, change)
        shutil.rmtree(store(t), ignore_errors=True)
        options = ("--cache", place, "--cache-now", image, "a", "b")
        assert [told(t, *options)[1]["cache"] for _ in range(3)][-1] == "warm"
        path, = [os.path.join(place, name) for name in os.listdir(place) if name.endswith(".img")]
        with open(path, "rb") as file:
            whole = file.read()
        for torn in whole[:PAGE], whole[:5000], bytes([whole[0] ^ 1]) + whole[1:], whole[:-9000] + bytes(9000):
            for name in os.listdir(place):
                os.unlink(os.path.join(place, name))
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(torn)
            result, said, line = told(t, *options)
            expect(result, out=f"{image}\na\nb\n")
            assert said["cache"] in ("made", "list"), line
        expect(t.vm("--dir", store(t), *options), 125, err_has=["the program can write there"])
        with open(image, "wb") as file:
            file.write(good)


@case
def a_stale_image_gives_no_right_on_the_store(t):
    image = build(t, go_build("./fresh", t.version, module="tests/e2e/go"))
    stale(image)
    for _ in range(3):
        child = t.start("--cache", store(t), "--cache-now", image, "wait", stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        place = f"/proc/{child.pid}/fd"
        try:
            held = [os.readlink(f"{place}/{fd}") for fd in os.listdir(place)]
        except PermissionError:
            raise Skip("whose descriptors are open cannot be seen here") from None
        held = [name for name in held if name.startswith(store(t)) or name == image]
        assert sorted(name.rsplit(".", 1)[-1] for name in held) == ["img", "list"], held
        assert image in held, held
        child.stdin.close()
        assert wait(child)[0] == 0


@case
def a_stale_image_whose_module_is_damaged(t):
    """What the image says of its module holds, whatever the store has; and a store's image is of the bytes that ran."""
    image = build(t, words(t))
    stale(image)
    options = ("--cache", store(t), "--cache-now", image)
    assert [told(t, *options)[1]["cache"] for _ in range(3)][-1] == "warm"
    with open(image, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    expect_message(t.vm(*options), 125, "is a damaged image: its module is")


@case
def an_image_for_a_plug_in(t):
    plugin = plugins.library(plugins.PLAIN)
    image = build(t, words(t), "--plugin", plugin)
    result, _, line = told(t, "--plugin", plugin, image)
    expect(result)
    assert line == "warm", line
    assert told(t, image)[2].startswith("cold: the image is of another wasmvm, or for other plug-ins")
    trained = build(t, words(t), "--plugin", plugin, "--profile-run", "--", "a", output="trained.img")
    assert told(t, "--plugin", plugin, trained)[2] == "warm"


@case
def torn_images_are_refused(t):
    """Cut anywhere, a bit of the head flipped, or one of a page: 125, or the program as it is."""
    image = build(t, words(t))
    with open(image, "rb") as file:
        good = file.read()
    shown = Image(image)
    head = HEAD + EXTENT * shown.get("extents")
    pages = [at for _, _, n, start, _ in shown.extents() for at in range(start + 7, start + n * PAGE, PAGE)]
    hashes = module_at(shown) - PAGE

    def put(data):
        os.unlink(image)
        with open(image, "wb") as file:
            file.write(data)
        return t.vm(image, "a", "b")

    for n in list(range(PAGE, len(good), PAGE)) + [len(good) - 1]:
        expect_message(put(good[:n]), 125, "is a damaged image")
    expect_message(put(good + b"x"), 125, "is a damaged image")
    for n in (1, 7):
        expect_message(put(good[:n]), 126, "is not a valid module")
    for at in [*range(8, head), *pages, hashes]:
        data = bytearray(good)
        data[at] ^= 1 << at % 8
        result = put(data)
        if 8 <= at < 12:  # another version's: the module runs
            expect(result, out=f"{image}\na\nb\n")
        else:
            expect_message(result, 125, "is a damaged image")
    right(t, build(t, image if put(good).status == 0 else None, output="again.img"), "warm")


@case
def a_damaged_module_inside(t):
    """Found when its bytes are wanted: at once where the image is stale, else before they are used."""
    module = t.write("late.wasm", late())
    image = build(t, module)
    expect(t.vm(image, stdin=b"x"), out=b"\0")
    stale = Image(image)
    at = module_at(stale) + PIECE + 5
    stale.data[at] ^= 1
    stale.write()
    expect(t.vm(image, stdin=b"x"), out=b"\0")  # all is compiled: no byte of it is read
    stale.put("cpu", stale.get("cpu") ^ 1)
    stale.resum()
    stale.write()
    expect_message(t.vm(image, stdin=b"x"), 125, "is a damaged image: its module is")


@case
def a_module_inside_that_is_half_read(t):
    """A stop while it is read is a stop, and no damage."""
    image = build(t, words(t))
    stale = Image(image)
    stale.put("cpu", stale.get("cpu") ^ 1)
    stale.resum()
    stale.write()
    expect_message(t.vm("--timeout", "1ms", image), 124, "was stopped: 1 ms of wall time are over")


@case
def a_module_inside_that_changes_meanwhile(t):
    """The training run was stopped before it called the function whose body lies far behind."""
    module, image = t.write("late.wasm", late()), t.path("app.img")
    child = t.start("build", module, "-o", image, "--profile-run", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)
    assert child.stdout.read(1) == b"\0"
    child.send_signal(signal.SIGINT)
    assert wait(child)[0] == 0
    result, said, _ = told(t, image, stdin=b"x")
    expect(result, out=b"\0")
    assert said["compiled"]["funcs_compiled"] == 1, said
    changed = Image(image)
    changed.data[-1] ^= 1
    changed.write()
    result, said, line = told(t, image, stdin=b"x")
    assert result.status == 126 and line == "warm" and said["reason"] == "module_changed", result


@case
def a_forged_image_is_a_guest_and_no_more(t):
    """Whoever owns the file makes its sums right: what runs has this run's rights, and ends in some way."""
    image = build(t, words(t))
    with open(image, "rb") as file:
        good = file.read()
    for seed in range(60):
        with open(image, "wb") as file:
            file.write(good)
        forged = Image(image)
        rows = list(forged.extents())
        _, _, pages, at, _ = rows[seed % len(rows)]
        for k in range(64):
            forged.data[at + (seed * 2654435761 + k * 40503) % (pages * PAGE)] ^= 1 + (seed + k) % 255
        forged.resum()
        forged.write()
        result, _, line = told(t, "--timeout", "5s", image, "a", "b")
        assert result.status in (0, 1, 2, 124, 125, 126, 134, 137) and line == "warm", result


@case
def a_run_holds_the_image_for_reading(t):
    program = go_build("./fresh", t.version, module="tests/e2e/go")
    image = build(t, program)
    child = t.start(image, "wait", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    place = f"/proc/{child.pid}"
    try:
        held = [fd for fd in os.listdir(place + "/fd") if os.readlink(f"{place}/fd/{fd}") == image]
        flags = [int(next(line for line in open(f"{place}/fdinfo/{fd}") if line.startswith("flags")).split()[1], 8)
                 for fd in held]
    except PermissionError:
        raise Skip("whose descriptors are open cannot be seen here") from None
    assert len(held) == 1 and flags[0] & os.O_ACCMODE == os.O_RDONLY, (held, flags)
    child.stdin.close()
    assert wait(child)[0] == 0


@case
def a_build_that_is_stopped_leaves_nothing(t):
    """By INT while it trains: the training ends, and the image is made; by others, and later: there is none."""
    program = go_build("./fresh", t.version, module="tests/e2e/go")
    image = t.path("app.img")
    for number, status in ((signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        child = t.start("build", program, "-o", image, "--profile-run", "--", "wait", stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        assert wait(child)[0] == status, (number, child.returncode)
        assert os.path.exists(image) == (status == 0), number
        if status == 0:
            assert told(t, image)[2] == "warm"
            os.unlink(image)
    for k in range(12):
        child = t.start("build", program, "-o", image)
        time.sleep(0.01 * k)
        os.kill(child.pid, signal.SIGTERM)  # send_signal would take the status of one that has ended
        status = wait(child)[0]
        assert os.path.exists(image) == (status == 0), status
        left = [name for name in os.listdir(os.path.dirname(image)) if name.startswith(".app")]
        assert left == [], (status, left)
        if os.path.exists(image):
            os.unlink(image)


@case
def a_training_run_moves_no_output(t):
    """Its program puts a link in place of the output's folder: the file is in that folder still, and not there."""
    granted, elsewhere = t.mkdir("g"), t.mkdir("elsewhere")
    folder = t.mkdir("g/sub")
    train = ["--profile-run", "--dir", granted + "::/g", "--", "swap", "/g/sub", "../elsewhere"]
    expect(t.vm("build", t.go("files"), "-o", os.path.join(folder, "t.img"), *train))
    assert os.readlink(folder) == "../elsewhere" and os.listdir(elsewhere) == [], os.listdir(elsewhere)
    assert os.listdir(folder + ".old") == ["t.img"]
    assert told(t, os.path.join(folder + ".old", "t.img"))[2] == "warm"


@case
def a_training_run_needs_an_output(t):
    """A folder that is not there is said before the program runs."""
    train = ["--profile-run", "--dir", t.mkdir("g") + "::/g", "--", "write", "/g/ran", "x"]
    result = t.vm("build", t.go("files"), "-o", t.path("none/x.img"), *train)
    expect_message(result, 125, "it cannot be written: No such file", "mkdir -p")
    assert os.listdir(t.path("g")) == []


@case
def a_training_run_chooses_no_module(t):
    """Its program puts others in place of its folder: the image is of the one that was.  A file that changes: none."""
    granted = t.mkdir("g")
    module = shutil.copy(t.go("files"), os.path.join(t.mkdir("g/one"), "app.wasm"))
    shutil.copy(words(t), os.path.join(t.mkdir("g/two"), "app.wasm"))
    with open(module, "rb") as file:
        good = file.read()
    image = t.path("app.img")
    train = ["--profile-run", "--dir", granted + "::/g", "--"]
    expect(t.vm("build", module, "-o", image, *train, "swap", "/g/one", "two"))
    assert os.readlink(os.path.join(granted, "one")) == "two"
    with open(image, "rb") as file:
        assert file.read().endswith(good)
    os.unlink(image)
    for words_ in (("write", "/g/two/app.wasm", "x"), ("swap", "/g/two/app.wasm", "other")):
        with open(module, "wb") as file:
            file.write(good)
        result = t.vm("build", module, "-o", image, *train, *words_)
        expect(result, 125, err_has=["app.wasm has changed in the training run: there is no image"])
        assert not os.path.exists(image)


@case
def a_status_of_the_programs_own(t):
    """One that a run that cannot begin has, too."""
    image = t.path("app.img")
    for status in (1, 125, 126, 127):
        code = b"\x41" + bytes([0x80 | status & 0x7F, status >> 7]) + b"\x10\0"
        exports = [("_start", wasm.FUNC, 1), ("memory", wasm.MEMORY, 0)]
        module = t.write("exit.wasm", wasm.module(
            types=[wasm.functype(), wasm.functype([wasm.I32])], funcs=[0], memory=1, exports=exports,
            imports=[("wasi_snapshot_preview1", "proc_exit", b"\0\1")], bodies=[wasm.body(code)]))
        expect(t.vm(module), status)
        expect(t.vm("build", module, "-o", image, "--profile-run"), err_has=[f"ended with status {status}: "])
        assert told(t, image)[2] == "warm"
        os.unlink(image)


@case
def a_module_of_a_pipe(t):
    """It is read once: by the run that makes the image, and no training run before."""
    image = t.path("app.img")
    line = 'cat "$1" | "$2" build /dev/fd/0 -o "$3"'
    for more in ("", " --profile-run"):
        result = run(["sh", "-c", line + more, "sh", words(t), t.wasmvm, image])
        if more:
            expect_message(result, 125, "a pipe, which can be read once: --profile-run needs a file")
        else:
            expect(result)
            os.unlink(image)
    assert not os.path.exists(image)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


@case
def a_build_that_is_killed_takes_its_training_along(t):
    program = go_build("./fresh", t.version, module="tests/e2e/go")
    child = t.start("build", program, "-o", t.path("app.img"), "--profile-run", "--", "wait", stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    (training,) = children(child.pid)
    end = os.pidfd_open(training)
    child.kill()
    over = select.select([end], [], [], 60)[0]
    if not over:
        signal.pidfd_send_signal(end, signal.SIGKILL)
    os.close(end)
    assert over and wait(child)[0] == 137


@case
def a_full_disk_is_said(t):
    """A limit of file sizes, as a test cannot fill the disk."""
    program = go_build("./fresh", t.version, module="tests/e2e/go")
    script = f"ulimit -f 64; exec {t.wasmvm} build {program} -o {t.path('app.img')}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=300)
    assert done.returncode == 125 and b"cannot be written" in done.stderr, done
    assert os.listdir(t.path(".")) == [], os.listdir(t.path("."))


@case
def forged_heads(t):
    """Every word of the head is something else, and the sum is right: refused, run cold, or a guest that ends."""
    image = build(t, words(t))
    with open(image, "rb") as file:
        good = file.read()
    for at in [8, *range(16, HEAD, 4)]:
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            with open(image, "wb") as file:
                file.write(good)
            forged = Image(image)
            if forged.data[at:at + 4] == struct.pack("<I", value):
                continue
            struct.pack_into("<I", forged.data, at, value)
            if forged.get("extents") <= 4080:
                forged.resum()
            forged.write()
            result = t.vm("--timeout", "5s", image, "a", "b")
            assert result.status in (0, 124, 125, 126, 134, 137), (at, value, result)
            if result.status == 0:
                assert result.out == f"{image}\na\nb\n".encode(), (at, value, result)
