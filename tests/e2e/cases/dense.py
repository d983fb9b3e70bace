"""Many processes of one module (--dense): pages of an image that they have in common, and nothing else."""

import contextlib
import os
import shutil
import signal
import subprocess

from cases.cache import FRESH, PAGE, Image, fresh, image, put, state, store, warm, words
from harness import ROOT, Skip, case, expect, wait

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def waits(t, module, *options):
    """A run that has begun and waits for a line."""
    child = t.start("--cache", store(t), "--cache-now", *options, module, "wait", **PIPES)
    assert child.stdout.readline() == b"ready\n"
    return child


def goes_on(child):
    with contextlib.suppress(BrokenPipeError):  # its run is over
        child.stdin.write(b"\n")
        child.stdin.flush()
    out = child.stdout.read()
    return wait(child)[0], out


def memory(child, path):
    """KiB: Pss, huge pages; and what is mapped of the image, of which its own copies."""
    with open(f"/proc/{child.pid}/smaps_rollup") as file:
        rows = dict(line.split(":", 1) for line in file.readlines()[1:])
    mapped = copied = 0
    with open(f"/proc/{child.pid}/smaps") as file:
        within = False
        for line in file:
            key, _, value = line.partition(":")
            if " " in key:
                within = line.rstrip().endswith(path)
                rights = line.split()[1]
                assert not within or rights == "rw-p", line
            mapped += int(value.split()[0]) if within and key == "Size" else 0
            copied += int(value.split()[0]) if within and key == "Anonymous" else 0
    return int(rows["Pss"].split()[0]), int(rows["AnonHugePages"].split()[0]), mapped, copied


@case
def it_takes_less_memory(t):
    """Pages of the image that nobody writes are the file's; what is written is a copy."""
    module = fresh(t)
    path = warm(t, module)
    with open(path, "rb") as file:
        before = file.read()
    usual, dense = waits(t, module), waits(t, module, "--dense")
    try:
        pss, _, mapped, _ = memory(usual, path)
    except PermissionError:
        raise Skip("only root looks into a process that is not dumpable") from None
    assert not mapped, mapped
    dense_pss, huge, mapped, copied = memory(dense, path)
    assert not huge and 2 * dense_pss < pss + 2048, (pss, dense_pss, huge)  # both have 1 MiB of the program's own
    assert 0 < copied < mapped / 2 and mapped > 1024, (mapped, copied)
    for child in usual, dense:
        status, out = goes_on(child)
        assert status == 0 and len(out.splitlines()) == 5, out
    with open(path, "rb") as file:
        assert file.read() == before, "a run wrote into the image"


@case
def all_that_it_does_is_the_same(t):
    """Without an image, while one is made, from one; and of a module whose memory grows."""
    module = words(t)
    for wanted in ("made", "warm", "warm"):
        result, told = state(t, "--dense", module, "a", "b")
        expect(result, out=f"{module}\na\nb\n")
        assert told["cache"] == wanted, told
    demo = os.path.join(ROOT, "images/demo.wasm")
    data = t.mkdir("data")
    t.write("data/one", "1")
    out = t.vm("--dir", data + "::/data", demo, "/data").out.split(b"\n")[0]
    for _ in range(4):
        result, told = state(t, "--dense", "--dir", data + "::/data", demo, "/data")
        assert result.status == 0 and result.out.split(b"\n")[0] == out, result
    assert told["cache"] == "warm" and told["kvm"]["large_pages"] == 0, told
    expect(t.vm("--dense", "--cache", "off", t.go("hello")), out="Hello, world!\n")


@case
def no_two_runs_are_alike(t):
    module = fresh(t)
    warm(t, module)
    seen = {word: set() for word in FRESH}
    for _ in range(20):
        result, told = state(t, "--dense", module)
        assert told["cache"] == "warm"
        for line in result.out.decode().splitlines():
            word, value = line.split()
            seen[word].add(value)
    assert all(len(values) == 20 for values in seen.values()), seen


@case
def an_image_to_ship(t):
    module = t.go("hello")
    expect(t.vm("build", module, "-o", t.path("hello.img")))
    for _ in range(2):
        result = t.vm("--dense", "--cache", "off", "--stats", t.path("hello.img"))
        expect(result, out="Hello, world!\n", err_has=["cache       warm\n"])


@case
def torn_images_are_not_used(t):
    """Cut, or with a bit of a page flipped: the sums are looked at, though the pages are mapped."""
    module = t.go("hello")
    path = warm(t, module)
    with open(path, "rb") as file:
        good = file.read()
    extents = [(start, pages) for _, _, pages, start, _ in Image(path).extents()]
    assert max(pages for _, pages in extents) >= 64, "none is mapped"
    torn = [good[:n] for n in range(0, len(good), 16 * PAGE)]
    for start, pages in extents:
        for at in start + 7, start + pages // 2 * PAGE + 7, start + pages * PAGE - 7:
            torn.append(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
    for data in torn:
        put(t, path, data)
        result, told = state(t, "--dense", module)
        expect(result, out="Hello, world!\n")
        assert told["cache"] in ("made", "cold", "list"), told
    put(t, path, good)
    result, told = state(t, "--dense", module)
    assert told["cache"] == "warm" and result.out == b"Hello, world!\n", told


@case
def an_image_that_goes_or_shrinks_meanwhile(t):
    """Removed or replaced, it stays whole for those that map it.  Cut, which wasmvm never does, its run may end."""
    module = fresh(t)
    path = warm(t, module)
    kept = shutil.copy(path, t.path("kept"))
    child = waits(t, module, "--dense")
    os.unlink(path)
    status, out = goes_on(child)
    assert status == 0 and len(out.splitlines()) == 5, (status, out)
    shutil.copy(kept, path)
    child = waits(t, module, "--dense")
    os.replace(kept, path)
    status, out = goes_on(child)
    assert status == 0 and len(out.splitlines()) == 5, (status, out)
    child = waits(t, module, "--dense")
    os.truncate(image(t), PAGE)
    status, out = goes_on(child)
    assert (status == 0 and len(out.splitlines()) == 5) or status in (137, -signal.SIGBUS), (status, out)
    expect(state(t, "--dense", module)[0])
