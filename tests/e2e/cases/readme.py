"""README.md's commands, as a new user types them."""

import fnmatch
import glob
import os
import re
import signal
import subprocess

from cases.net import closed_port
from harness import GO, ROOT, case, expect, prepare, run


def transcript(number):
    """The commands of one of the indented blocks with commands, and the lines that it shows below each:
    [(command, [line...])]."""
    with open(os.path.join(ROOT, "README.md")) as f:
        blocks = [b for b in re.findall(r"(?:^    .*\n|^\n)+", f.read(), re.M) if "    $ " in b]
    found = []
    for line in blocks[number].splitlines():
        line = line[4:]
        if line.startswith("$ "):
            found.append((line[2:].split("  #")[0].strip(), []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def as_a_user(t, steps):
    """The first step's file, and an environment with go and wasmvm on PATH."""
    t.write("main.go", "\n".join(steps[0][1]) + "\n"), t.write("go.mod", "module app\n\ngo 1.21\n")
    t.write("bin/go", f'#!/bin/sh\nPATH="{os.environ["PATH"]}" exec {GO} pinned "$@"\n')
    os.chmod(t.path("bin/go"), 0o755)
    os.symlink(t.wasmvm, t.path("bin/wasmvm"))
    return dict(os.environ, PATH=t.path("bin") + ":" + os.environ["PATH"])


def shape(line):
    """Without what differs from run to run: numbers, and how many blanks stand before them."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9][0-9.]*", "N", line)).strip()


@case
def the_server_is_true(t):
    """At another port, as any may be in use here."""
    port = str(closed_port())
    steps = [(command.replace("8080", port), [line.replace("8080", port) for line in lines])
             for command, lines in transcript(0)]
    assert [command.split()[0] for command, _ in steps] == ["cat", "wasmvm", "curl"], steps
    env = as_a_user(t, steps)
    shell = subprocess.Popen(["sh", "-c", steps[1][0] + "\n" + steps[2][0]], cwd=t.tmp, env=env,
                             stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert shell.stdout.read1().decode() == "\n".join(steps[2][1]) + "\n"
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait()


@case
def the_transcript_is_true(t):
    steps = transcript(1)
    assert [command.split()[0] for command, _ in steps] == ["cat", "GOOS=wasip1", "wasmvm", "wasmvm"], steps
    env = as_a_user(t, steps)
    prepare(["sh", "-c", steps[1][0]], cwd=t.tmp, env=env)
    expect(run(["sh", "-c", steps[2][0]], cwd=t.tmp, env=env), 0, out="\n".join(steps[2][1]) + "\n", err="")
    result = run(["sh", "-c", steps[3][0] + " 2>&1"], cwd=t.tmp, env=env)
    shown = [shape(line) for line in result.out.decode().splitlines()]
    for line in steps[3][1]:
        assert shape(line) in shown, f"README shows: {line}\n{result}"


@case
def the_server_and_client_with_tls(t):
    """The block of README as it stands there, but for the port."""
    with open(os.path.join(ROOT, "README.md")) as f:
        script = re.search(r"^```sh\n(.*?)^```$", f.read(), re.M | re.S)[1].replace("8443", str(closed_port()))
    env = as_a_user(t, transcript(0))
    left = signal.alarm(0)  # it compiles
    result = run(["sh", "-ec", script], cwd=t.tmp, env=env, timeout=300)
    signal.alarm(left)
    expect(result, 0, out="hello by HTTP/2.0\nhello by HTTP/2.0\nstopped: <nil>\nstatus 0\n", err="")


@case
def make_demo(t):
    result = run(["make", "-s", "demo"], cwd=ROOT, timeout=600)
    assert result.status == 0 and b"hello" in result.out, result
    assert re.search(rb"^Done in [0-9.]+ ms", result.out, re.M), result


@case(vm=False)
def the_demo_module_is_what_its_source_gives(t):
    """`make images`: the same bytes on every machine."""
    made = t.path("demo.wasm")
    prepare([os.path.join(ROOT, "images", "build.sh"), made])
    with open(made, "rb") as ours, open(os.path.join(ROOT, "images", "demo.wasm"), "rb") as kept:
        assert ours.read() == kept.read()


@case
def make_install(t):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    prepare(["make", "-s", "install", "DESTDIR=" + t.tmp, "PREFIX=/opt"], cwd=ROOT, env=environment)
    found = sorted(os.path.relpath(os.path.join(base, f), t.tmp) for base, _, files in os.walk(t.tmp) for f in files)
    library = [name for name in found if name.startswith("opt/lib/libwasmvm.")]
    assert len(library) == 4, found  # .a, .so and the names that it has by its version
    sources = [name for name in found if name.startswith("opt/share/wasmvm/go/")]
    assert len(sources) == len(glob.glob(f"{ROOT}/go/files/*/*.go")), sources
    assert [name for name in found if name not in library + sources] == [
        "opt/bin/go_wasip1_wasm_exec", "opt/bin/wasmvm", "opt/bin/wasmvm-binfmt", "opt/bin/wasmvm-oci",
        "opt/include/wasmvm.h", "opt/include/wasmvm_plugin.h", "opt/lib/pkgconfig/wasmvm.pc",
        "opt/libexec/wasmvm/go-exec", "opt/libexec/wasmvm/wasmvm-dynamic", "opt/libexec/wasmvm/wasmvm-go",
        "opt/libexec/wasmvm/wasmvm-plugin-host",
        "opt/share/bash-completion/completions/wasmvm", "opt/share/fish/vendor_completions.d/wasmvm.fish",
        *(f"opt/share/man/man1/{os.path.basename(page)}" for page in sorted(glob.glob(f"{ROOT}/docs/*.1"))),
        "opt/share/zsh/vendor-completions/_wasmvm"], found
    hello = t.go("hello")
    for name in "wasmvm", "wasmvm-binfmt", "go_wasip1_wasm_exec":
        expect(run([t.path("opt/bin", name), hello]), 0, out="Hello, world!\n", err="")


@case(vm=False)
def links_of_the_documents_lead_somewhere(t):
    places = [*glob.glob(f"{ROOT}/*.md"), *glob.glob(f"{ROOT}/docs/*.md"), f"{ROOT}/tests/README.md"]
    for place in places:
        with open(place) as f:
            for target in re.findall(r"\]\(([^)#]+)", f.read()):
                if "://" not in target:
                    assert os.path.exists(os.path.join(os.path.dirname(place), target)), (place, target)


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def sources_of(*folders):
    return sorted(f for folder in folders for f in glob.glob(f"{ROOT}/{folder}/*.[cS]"))


@case(vm=False)
def the_code_map_has_every_file(t):
    """Of vmm/ in its folder's row; of others by name, without .c, as a pattern or as the head of NAME_*."""
    page = text_of("docs/architecture.md")
    named = set(re.findall(r"`([A-Za-z_*.0-9]+/?)`", page))
    rows = {m[1]: set(re.findall(r"`(\w+)`", m[2])) for m in re.finditer(r"^\| `(\w+/)` \| (.*)\|$", page, re.M)}
    sources = sources_of("vmm/*", "guest", "engine", "engine/*", "wasi-shim")
    assert len(sources) > 100, sources
    for path in sources:
        name, folder = os.path.basename(path), os.path.basename(os.path.dirname(path)) + "/"
        stem = name[:-2]
        if path.startswith(f"{ROOT}/vmm/"):
            assert stem in rows[folder], f"not in the code map's row of vmm/{folder}: {stem}"
            continue
        known = {stem, name, stem.split("_")[0]}
        assert known & named or any(fnmatch.fnmatch(name, n) for n in named if "*" in n), f"not in the code map: {name}"
    for folder in ("base", "machine", "wasi", "net", "run", "lib", "cli"):
        there = {os.path.basename(f)[:-2] for f in sources_of(f"vmm/{folder}")}
        assert rows[folder + "/"] == there, (folder, rows[folder + "/"] ^ there)


@case(vm=False)
def each_folder_of_tests_says_what_it_proves(t):
    named = set(re.findall(r"`(\w+/)`", text_of("tests/README.md")))
    for folder in glob.glob(f"{ROOT}/tests/*/"):
        name = os.path.basename(folder[:-1]) + "/"
        assert name in named or name == "__pycache__/", name



@case(vm=False)
def the_picture_of_folders_is_what_is_checked(t):
    """From cli down to base, in the order of tests/tools/layering.sh."""
    order = re.search(r"^order='(.*)'$", text_of("tests/tools/layering.sh"), re.M)[1].split()
    picture = re.search(r"^    cli  .*?base  .*?$", text_of("docs/architecture.md"), re.M | re.S)[0]
    drawn = re.findall(r"^[ |+-]*\b(cli|%s)\b {2,}\w" % "|".join(order), picture, re.M)
    assert drawn == ["cli", *reversed(order)], (drawn, order)
    faces = set(re.search(r"^faces='(.*)'$", text_of("tests/tools/layering.sh"), re.M)[1].split())
    for face in {f for f in faces if f.endswith(".h")} | {f"vmm/{folder}/{folder}.h" for folder in order}:
        assert os.path.basename(face) in picture, face


@case(vm=False)
def every_command_of_make_help_exists(t):
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    names = re.findall(r"^make ([a-z-]+) ", shown, re.M)
    assert len(names) > 15, shown
    for name in names:
        subprocess.run(["make", "-n", "-s", name], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
