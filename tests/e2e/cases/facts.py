"""docs/go.md, line by line."""

import os
import re
import shutil
import signal
import subprocess

from harness import ROOT, Skip, case, expect

FACTS = """local: 00:00 UTC location: true
cpus: 1 1
hostname: "wasip1" <nil>
executable: Executable not implemented for wasip1
home: $HOME is not defined
user: false user: Current requires cgo or $USER, $HOME set in environment
exec: open /dev/null: No such file or directory
signals: 0
pipe: pipe: Not implemented on wasip1
createtemp: true
mkdirtemp: true
write: <nil> chmod: <nil>
mode: -rw------- <nil>
directory mode: drwx------ <nil>
umask and chmod of a directory: <nil> <nil>
symlink: true <nil>
listen: true <nil>
dial: true
inside: hello <nil>
held: true
pid: 3
args: 1 dir: /data
"""


def program(t, *options):
    return t.program("facts", options=("--dir", f"{t.mkdir('d')}::/data", *options))


def line(result, start):
    return next(x for x in result.out.decode().splitlines() if x.startswith(start))


@case
def what_go_programs_find(t):
    expect(program(t, "--env", "TZ=America/New_York"), 0, out=FACTS)


@case
def the_same_with_the_oldest_and_the_newest_go(t):
    for t.version in "1.21.13", "1.27.1":
        shutil.rmtree(t.path("d"), ignore_errors=True)
        expect(program(t, "--env", "TZ=America/New_York"), 0, out=FACTS)


@case
def signals_end_it_though_it_asked_for_them(t):
    for number in signal.SIGINT, signal.SIGTERM:
        child = t.start("--", t.go("facts"), "signals", stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"waiting for a signal\n"
        child.send_signal(number)
        rest = child.stdout.read()
        child.wait(300)
        assert (child.returncode, rest) == (-number, b""), (child.returncode, rest)


@case
def the_form_for_scripts_and_services(t):
    """--help, man page and README name it, and it does what they say: no argument is an option."""
    form = "wasmvm [OPTIONS] -- MODULE ARGS"
    page = os.path.join(ROOT, "docs/wasmvm.1")
    source = open(page).read()
    texts = [t.vm("--help").out.decode(), open(os.path.join(ROOT, "README.md")).read()]
    if shutil.which("man"):
        env = dict(os.environ, MANWIDTH="200", LC_ALL="C")
        texts.append(subprocess.run(["man", page], stdout=subprocess.PIPE, env=env).stdout.decode())
    for text in texts:
        flat = " ".join(text.split())
        assert form in flat and "ripts and services" in flat, text[:3000]
    assert "Scripts and services write\n.Nm\n.Op Ar OPTIONS\n.Fl -\n.Ar MODULE ARGS" in source
    app = t.go("process")
    words = ["args", "--dir", "/", "--timeout", "1ms", "--help", "--", "--version", "--env", "A=1"]
    result = t.vm("--env", "B=2", "--", app, *words)
    assert result.status == 0 and result.out.count(b"\n") == len(words) + 1 and b'"--version"' in result.out, result
    expect(t.vm("--", app, "env", "--env", "A=1"), 0, out="")
    expect(t.vm(app, "env", "--env", "A=1", cwd="/"), 0, out="")  # reading of options stopped at a plain word
    result = t.vm(app, "--env", "A=1", "env", cwd="/")
    expect(result, 0, out='"A=1"\n')  # what the form is for


@case
def standard_error_on_a_full_disk(t):
    with open("/dev/full", "wb") as full:
        assert t.program("streams", "println", "10", stderr=full).status == 134
        expect(t.program("facts", "stderr", stderr=full), 0, out="stderr: No space left on device\n")


@case
def standard_streams_by_their_names(t):
    """With --dir / they are the program's own, by pipes and by files; what is written is not truncated away."""
    whole = ("--dir", "/")
    for name in "/dev/stdin", "/dev/fd/0":
        expect(t.program("files", "cat", name, options=whole, stdin=b"some words"), 0, out="some words")
    with open(t.path("out"), "wb") as out:
        out.write(b"before, ")
        out.flush()
        expect(t.program("files", "write", "/dev/stdout", "after", options=whole, stdout=out), 0)
    assert open(t.path("out")).read() == "before, after"
    with open(t.path("out")) as readable:
        assert t.program("files", "write", "/dev/stdin", "x", options=whole, stdin=readable).status == 1
    assert open(t.path("out")).read() == "before, after"
    assert t.program("files", "cat", "/dev/stdin", options=("--dir", "/dev::/dev2"), stdin=b"").status == 1


@case
def the_trace_of_a_go_program(t):
    """The line that docs/go.md shows, but for its times; with FILE, standard error stays the program's."""
    page = open(os.path.join(ROOT, "docs/go.md")).read()
    shown = re.search(r"^ +[0-9.]+ (path_open\(.*), \.\.\.\) = NOENT \([0-9.]+ us\)$", page, re.M)[1]
    options = ("--dir", f"{t.mkdir('d')}::/d")
    traced = t.program("files", "cat", "/d/none", options=(*options, "--trace"))
    lines = traced.err.decode().splitlines()
    assert traced.status == 1 and any(shown in line and " = NOENT (" in line for line in lines), (shown, traced)
    assert all(re.fullmatch(r" *\d+\.\d{6} \w+\(.*\)( = [A-Z0-9]+.*)? \(\d+\.\d us\)", x) for x in lines), traced
    quiet = t.program("files", "cat", "/d/none", options=(*options, f"--trace={t.path('calls')}"))
    assert quiet.err == b"" and quiet.out == traced.out, quiet
    with open(t.path("calls")) as f:
        assert shown in f.read()


@case
def what_options_change(t):
    given = program(t, "--env", "HOME=/data", "--env", "USER=gopher", "--tmp")
    assert given.status == 0, given
    assert line(given, "home") == "home: <nil>" and line(given, "user") == "user: true <nil>", given
    assert line(given, "createtemp") == "createtemp: false" and line(given, "mkdirtemp") == "mkdirtemp: false", given
    embedded = t.program("zones")
    expect(embedded, 0, out="19:00 EST\n")
    if not os.path.exists("/usr/share/zoneinfo/America/New_York"):
        raise Skip("no /usr/share/zoneinfo here")
    zones = t.program("facts", options=("--dir", f"{t.mkdir('e')}::/data", "--dir", "/usr/share/zoneinfo::/zones:ro",
                                        "--env", "ZONEINFO=/zones"))
    assert line(zones, "local") == "local: 00:00 UTC location: false", zones
