"""`wasmvm go`: the go command's words and exit codes, and ordinary Go programs that use the network."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import textwrap
import time
import zipfile

from cases.net import closed_port
from harness import GO, ROOT, Skip, case, expect, expect_message, run, wait

OLDER, NEWER = "1.22.12", "pinned"

SERVER = """package main

import (
    "fmt"
    "log"
    "net/http"
)

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
        fmt.Fprintln(w, "hello from", r.URL.Path)
    })
    log.Fatal(http.ListenAndServe(":PORT", nil))
}
"""


def goroot(version):
    return run([GO, version, "env", "GOROOT"], timeout=600).out.decode().strip()


def environment(version=NEWER, **more):
    """PATH begins with that Go; nothing of the caller's settings reaches it.  None takes a variable away."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GO")}
    env.update(PATH=f"{goroot(version)}/bin:{env['PATH']}", GOTOOLCHAIN="local", GOFLAGS="-buildvcs=false")
    env.update(more)
    return {k: v for k, v in env.items() if v is not None}


def module(t, name="m", go="1.21", **files):
    """A module with main.go and others; returns its directory."""
    t.write(f"{name}/go.mod", f"module example.com/{name}\n\ngo {go}\n")
    for file, text in files.items():
        t.write(f"{name}/{file}.go", text)
    return t.path(name)


def go(t, directory, *args, env=None, **options):
    return t.vm("go", *args, cwd=directory, env=env or environment(), timeout=550, **options)


# ---- ordinary servers ----


@contextlib.contextmanager
def running(t, directory, port, *args, env=None):
    """`wasmvm go run` of a server that answers at the port; ended as by Ctrl-C, which the program does not ask for."""
    with open(t.path("err"), "wb") as err:
        child = t.start("go", "run", ".", *args, cwd=directory, env=env or environment(), stdout=err, stderr=err,
                        start_new_session=True)
    try:
        for _ in range(5000):  # it compiles
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            assert child.poll() is None, open(t.path("err")).read()
            time.sleep(0.1)
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
    assert wait(child)[0] == 1, open(t.path("err")).read()


def answers_curl(t, version):
    port = closed_port()
    directory = module(t, main=SERVER.replace("PORT", str(port)))
    for option in "--allow-listen", "--listen":
        with running(t, directory, port, option, f":{port}", env=environment(version)):
            result = run(["curl", "-sS", f"http://127.0.0.1:{port}/curl"])
            expect(result, 0, out="hello from /curl\n", err="")


def register(version):
    def answers(t):
        answers_curl(t, version)

    answers.__name__ = "an_ordinary_server_by_go_" + version.replace(".", "_")
    case(answers)


# `make test-go` has every Go line that is known.
EVERY = ("1.21.13", OLDER, "1.23.12", "1.24.13", "1.25.10", "1.26.10", "1.27.1")
for v in EVERY if os.environ.get("EVERY_GO") == "1" else (OLDER, NEWER):
    register(v)


# ---- the go command's words and exit codes ----

MAIN = """package main

import (
    "fmt"
    "os"
)

func main() {
    fmt.Println(os.Args[1:])
    os.Exit(len(os.Args) - 1)
}
"""
TEST = """package main

import "testing"

func TestGood(t *testing.T) {}
func TestBad(t *testing.T)  { t.Fatal("on purpose") }
"""
COMMANDS = (["build", "-o", "a.wasm", "."], ["build", "./broken"], ["build", "./nowhere"], ["vet", "."],
            ["vet", "./odd"], ["list", "-f", "{{.Name}} {{.Target}} {{context.GOOS}}", "./..."], ["list", "./nowhere"],
            ["env", "GOOS", "GOARCH"], ["run", "./broken"], ["test", "./broken"], ["build", "-nonsense"], ["nonsense"],
            ["help", "build"], ["version"], ["install", "."], ["mod", "verify"],
            ["test", "-run", "Good", "-list", ".", "./odd"], [])


@case
def the_same_words_and_exit_codes(t):
    directory = module(t, main=MAIN, main_test=TEST)
    t.write("m/broken/broken.go", "package broken\n\nvar x = y\n")
    t.write("m/odd/odd.go", 'package odd\n\nimport "fmt"\n\nfunc Odd() { fmt.Printf("%d", "") }\n')
    env = environment(GOPATH=t.path("gopath"))
    stock = dict(env, GOOS="wasip1", GOARCH="wasm")
    for command in COMMANDS:
        wanted = run(["go", *command], cwd=directory, env=stock, timeout=600)
        expect(go(t, directory, *command, env=env), wanted.status, out=wanted.out, err=wanted.err)
    assert os.path.exists(t.path("gopath/bin/wasip1_wasm/m")) and os.path.exists(t.path("m/a.wasm"))
    expect(go(t, directory, "run", ".", "--env", "X=y", "--", "--env", "b"), 1, out="[--env b]\n",
           err="exit status 2\n")
    expect(go(t, directory, "run", "."), 0, out="[]\n", err="")
    failed = go(t, directory, "test", ".")
    expect(failed, 1)
    assert b"--- FAIL: TestBad" in failed.out and b"FAIL\texample.com/m\t" in failed.out, failed
    passed = go(t, directory, "test", "-count=1", "-run", "Good", ".")
    expect(passed, 0)
    assert passed.out.startswith(b"ok  \texample.com/m\t"), passed


@case
def vet_and_test_by_go_1_22(t):
    """Which vets no package with an overlay."""
    odd = 'package main\n\nimport (\n"fmt"\n"net"\n)\n\nfunc main() { fmt.Printf("%d", net.IPv4len, 1) }\n'
    test = 'package main\n\nimport "testing"\n\nfunc TestMain1(t *testing.T) { main() }\n'
    directory = module(t, main=odd)
    expect(go(t, directory, "vet", ".", env=environment(OLDER)), 1, err_has="Printf call needs 1 arg")
    directory = module(t, main=odd.replace(", 1)", ")"), main_test=test)
    expect(go(t, directory, "vet", ".", env=environment(OLDER)), 0, err="")
    expect(go(t, directory, "test", "-count=1", ".", env=environment(OLDER)), 0)


@case(vm=False)
def what_is_for_the_host_stays_so(t):
    directory = module(t, main="package main\n\n//go:generate go env GOOS\n\nfunc main() {}\n")
    expect(go(t, directory, "generate", "."), 0, out="linux\n")
    expect(go(t, directory, "tool", "-n", "vet"), 0)
    script = t.write("exec", "#!/bin/sh\necho mine\n")
    os.chmod(script, 0o755)
    expect(go(t, directory, "run", "-exec", script, "."), 0, out="mine\n")
    expect(go(t, directory, "run", ".", env=environment(GOFLAGS=f"-exec={script}")), 0, out="mine\n")


# ---- where it is used ----

PLACES = 'package main\n\nfunc main() { println(word()) }\n'


@case(vm=False)
def modules_of_every_form(t):
    """GOFLAGS from the environment and from `go env -w`, -C, a workspace, a vendor directory."""
    tagged = '//go:build special\n\npackage main\n\nfunc word() string { return "special" }\n'
    directory = module(t, main=PLACES, special=tagged)
    expect(go(t, directory, "vet", "."), 1, err_has="undefined: word")
    expect(go(t, directory, "vet", "-tags", "special", "."), 0)
    expect(go(t, directory, "vet", ".", env=environment(GOFLAGS="-tags=special")), 0)
    t.write("goenv", "GOFLAGS=-tags=special\n")
    expect(go(t, directory, "vet", ".", env=environment(GOFLAGS=None, GOENV=t.path("goenv"))), 0)
    expect(go(t, t.tmp, "vet", "-C", "m", "-tags=special", "."), 0)
    expect(go(t, t.tmp, "vet", "-C", "none", "."), 125, err_has="-C none: No such file")

    t.write("library/go.mod", "module example.com/library\n\ngo 1.21\n")
    t.write("library/library.go", 'package library\n\nfunc Word() string { return "library" }\n')
    using = 'package main\n\nimport "example.com/library"\n\nfunc main() { println(library.Word()) }\n'
    user = module(t, "user", main=using)
    t.write("go.work", "go 1.21\n\nuse ./library\nuse ./user\n")
    expect(go(t, user, "build", "-o", os.devnull, "."), 0)
    os.remove(t.path("go.work"))
    with open(t.path("user/go.mod"), "a") as f:
        f.write("\nrequire example.com/library v1.0.0\n\nreplace example.com/library => ../library\n")
    expect(go(t, user, "mod", "vendor"), 0)
    shutil.rmtree(t.path("library"))
    expect(go(t, user, "build", "-mod=vendor", "-o", os.devnull, "."), 0)


@case(vm=False)
def the_go_that_a_module_selects(t):
    """By toolchain lines of go.mod and by GOTOOLCHAIN; the go command on PATH is another one."""
    directory = module(t, main="package main\n\nfunc main() {}\n")
    t.write("m/go.mod", "module example.com/m\n\ngo 1.21\n\ntoolchain go1.27.1\n")
    show = ["list", "-f", "{{context.ReleaseTags}}", "."]
    for choice, newest in ("auto", "go1.27]"), ("go1.24.13", "go1.24]"), ("local", "go1.22]"):
        result = go(t, directory, *show, env=environment(OLDER, GOTOOLCHAIN=choice))
        expect(result, 0)
        assert result.out.decode().strip().endswith(newest), result


@case(vm=False)
def goroot_through_links(t):
    root = goroot(NEWER)
    for name in os.listdir(root):  # as distributions have it: src elsewhere
        t.mkdir("linked")
        os.symlink(os.path.join(root, name), t.path("linked", name))
    os.symlink(root, t.path("whole"))
    directory = module(t, main='package main\n\nimport _ "net"\n\nfunc main() {}\n')
    for linked in "linked", "whole":
        env = environment(GOROOT=t.path(linked))
        expect(go(t, directory, "build", "-o", t.path(linked + ".wasm"), ".", env=env), 0, err="")
        assert marked(t.path(linked + ".wasm"))


def marked(path):
    with open(path, "rb") as f:
        return b"wasmvm-go-overlay=1" in f.read()


def listing(directory):
    found = []
    for base, _, names in os.walk(directory):
        for name in names:
            st = os.lstat(os.path.join(base, name))
            found.append((base, name, st.st_size, st.st_mtime_ns, st.st_mode))
    return sorted(found)


@case(vm=False)
def one_cache_for_many_at_once(t):
    """Four start with none.  With -trimpath two give the same bytes.  GOROOT and GOMODCACHE stay as they are."""
    directory = module(t, main='package main\n\nimport _ "net"\n\nfunc main() {}\n')
    shown = json.loads(run(["go", "env", "-json", "GOROOT", "GOCACHE"], env=environment()).out)
    places = [shown["GOROOT"] + "/src", t.mkdir("mod")]
    before = [listing(place) for place in places]

    def start(cache, name):
        env = environment(XDG_CACHE_HOME=t.path(cache), GOMODCACHE=t.path("mod"), GOCACHE=shown["GOCACHE"],
                          GOFLAGS="-buildvcs=false -trimpath")
        return t.start("go", "build", "-o", t.path(name), ".", cwd=directory, env=env)

    assert wait(start("second", "b"), 170)[0] == 0
    children = [start("first", f"a{k}") for k in range(4)]
    assert [wait(child)[0] for child in children] == [0] * 4
    made = []
    for name in "a0", "a1", "a2", "a3", "b":
        with open(t.path(name), "rb") as f:
            made.append(f.read())
    assert b"wasmvm-go-overlay=1" in made[0] and len(set(made)) == 1, [len(m) for m in made]
    assert [listing(place) for place in places] == before
    for cache in "first", "second":  # and nothing half made
        assert len(os.listdir(t.path(cache, "wasmvm/go"))) == 1, os.listdir(t.path(cache, "wasmvm/go"))


PLANTER = """package main

import (
    "fmt"
    "io/fs"
    "os"
    "path/filepath"
    "strings"
)

func main() {
    planted := 0
    filepath.WalkDir("/cache", func(path string, d fs.DirEntry, err error) error {
        if err != nil || d.IsDir() {
            return err
        }
        text, err := os.ReadFile(path)
        if err != nil {
            panic(err)
        }
        switch {
        case filepath.Base(path) == "overlay.json":
            text = []byte(strings.Replace(string(text), `"Replace": {`, `"Replace": {"/none.go": "",`, 1))
        case planted%2 == 0: // as long as it was, and as new
            text = []byte(strings.Replace(string(text), "package ", "pakkage ", 1))
        default:
            text = append(text, "\\nfunc init() { panic(`planted`) }\\n"...)
        }
        if planted%3 == 0 {
            os.Remove(path)
            os.WriteFile(path+".txt", text, 0o666)
            os.Symlink(filepath.Base(path)+".txt", path)
        } else {
            os.WriteFile(path, text, 0o666)
        }
        planted++
        return nil
    })
    fmt.Println(planted > 20)
}
"""


@case
def what_a_program_plants_in_the_cache_is_not_built(t):
    """A test that was granted the whole tree could write there: the next build has what it must have."""
    directory = module(t, main='package main\n\nimport "net"\n\nfunc main() { net.Dial("tcp", "127.0.0.1:1") }\n')
    planter = module(t, "planter", main=PLANTER)
    env = environment(XDG_CACHE_HOME=t.path("cache"), GOFLAGS="-buildvcs=false -trimpath")
    made = []
    for turn in "before", "after":
        expect(go(t, directory, "build", "-o", t.path(turn), ".", env=env), 0, err="")
        with open(t.path(turn), "rb") as f:
            made.append(f.read())
        places = [t.path("cache/wasmvm/go", name) for name in os.listdir(t.path("cache/wasmvm/go")) if name != "roots"]
        assert len(places) == 1, places
        kept = listing(places[0])
        if turn == "before":
            expect(go(t, planter, "run", ".", "--dir", places[0] + "::/cache", env=env), 0, out="true\n")
            assert listing(places[0]) != kept
    assert made[0] == made[1] and marked(t.path("after"))
    assert [row[1] for row in listing(places[0]) if row[1].endswith(".txt")] == []


@case(vm=False)
def without_home(t):
    directory = module(t, main="package main\n\nfunc main() {}\n")
    shown = json.loads(run(["go", "env", "-json", "GOCACHE", "GOPATH"], env=environment()).out)
    env = environment(HOME=None, XDG_CACHE_HOME=None, TMPDIR=t.mkdir("tmp"), **shown)
    expect(go(t, directory, "build", "-o", os.devnull, ".", env=env), 0, err="")
    assert os.listdir(t.path("tmp")) == [f"wasmvm-go-{os.getuid()}"]


# ---- overlays and what is in a binary ----


@case(vm=False)
def an_overlay_of_the_users_own(t):
    directory = module(t, main=PLACES)
    word = t.write("a b/word", 'package main\n\nfunc word() string { return "overlaid" }\n')
    t.write("a b/overlay.json", json.dumps({"Replace": {t.path("m/word.go"): word}}))
    t.write("m/relative.json", json.dumps({"Replace": {"word.go": "../a b/word"}}))
    for flags in ["-overlay", t.path("a b/overlay.json")], ["-overlay=relative.json"]:
        expect(go(t, directory, "build", *flags, "-o", t.path("out"), "."), 0, err="")
        assert marked(t.path("out"))
    quoted = environment(GOFLAGS=f"'-overlay={t.path('a b/overlay.json')}' -buildvcs=false")
    expect(go(t, directory, "vet", ".", env=quoted), 0, err="")
    ours = f"{goroot(NEWER)}/src/net/fd_wasip1.go"
    t.write("clash.json", json.dumps({"Replace": {ours: ""}}))
    expect_message(go(t, directory, "vet", "-overlay", t.path("clash.json"), "."), 125, f"replaces {ours}, which")
    t.write("bad.json", "[]")
    expect_message(go(t, directory, "vet", "-overlay", t.path("bad.json"), "."), 125, "bad.json is no JSON object")
    expect_message(go(t, directory, "vet", "-overlay", "none.json", "."), 125, "none.json cannot be read: No such file")


@case(vm=False)
def the_overlay_for_build_systems(t):
    """docs/go.md: GOFLAGS for what calls `go build`, and a copy of GOROOT for what does not."""
    with open(os.path.join(ROOT, "docs/go.md")) as f:
        page = f.read().split("## Build systems")[1].split("## ")[0]
    settings, copy = re.findall(r"(?:^    .*\n)+", page, re.M)
    directory = module(t, main='package main\n\nimport _ "net"\n\nfunc main() {}\n')
    t.mkdir("root")
    for name in os.listdir(goroot(NEWER)):  # outside of the module cache, as one that is installed
        os.symlink(os.path.join(goroot(NEWER), name), t.path("root", name))
    os.remove(t.path("root/src"))  # a copy, as the page's script writes there
    shutil.copytree(goroot(NEWER) + "/src", t.path("root/src"), symlinks=True,
                    ignore=shutil.ignore_patterns("testdata", "cmd"))
    env = environment(GOROOT=t.path("root"))
    env["PATH"] = f"{os.path.dirname(t.wasmvm)}:{env['PATH']}"

    def sh(script, **more):
        expect(run(["sh", "-ec", script], cwd=directory, env=dict(env, **more), timeout=600), 0, err="")

    sh(textwrap.dedent(settings) + "go build -o ../flags.wasm .")
    assert marked(t.path("flags.wasm"))
    made = textwrap.dedent(copy).replace('cp -rL "$(go env GOROOT)" sdk', 'mv "$(go env GOROOT)" sdk')
    assert made != textwrap.dedent(copy)
    sh("GOROOT_WAS=$(go env GOROOT) OVERLAY=$(wasmvm go overlay)\n" +
       made.replace("$(go env GOROOT)\" \"$(wasmvm go overlay)", "$GOROOT_WAS\" \"$OVERLAY"))
    sh("go build -o ../copy.wasm .", GOROOT=t.path("m/sdk"), GOOS="wasip1", GOARCH="wasm")
    assert marked(t.path("copy.wasm"))


def imports(path):
    """(module, name) of each import of a WebAssembly file."""
    with open(path, "rb") as f:
        data = f.read()
    at = 8

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def name():
        nonlocal at
        n = number()
        at += n
        return data[at - n:at].decode()

    while True:
        section = data[at]
        at += 1
        size = number()
        if section == 2:
            break
        at += size
    found = set()
    for _ in range(number()):
        found.add((name(), name()))
        assert data[at] == 0, "a function was wanted"
        at += 1
        number()
    return found


@case(vm=False)
def imports_and_the_mark(t):
    """A program without sockets keeps Go's imports; one with them has the mark and more; --portable has neither."""
    quiet = module(t, "quiet", main=MAIN)
    loud = module(t, "loud", main='package main\n\nimport "net"\n\nfunc main() { net.Dial("tcp", "127.0.0.1:1") }\n')
    stock = dict(environment(), GOOS="wasip1", GOARCH="wasm")
    ours = [t.wasmvm, "go"]
    made = {}
    for name, directory, command in (("quiet", quiet, ours), ("stock", quiet, ["go"]), ("fake", loud, ["go"]),
                                     ("loud", loud, ours), ("portable", loud, [*ours, "--portable"])):
        command = [*command, "build", "-o", t.path(name + ".wasm"), "."]
        expect(run(command, cwd=directory, env=stock, timeout=600), 0, err="")
        made[name] = imports(t.path(name + ".wasm")), marked(t.path(name + ".wasm"))
    assert made["quiet"] == (made["stock"][0], True), made
    assert made["portable"] == made["fake"] and not made["fake"][1], made
    assert ("wasi_snapshot_preview1", "sock_open") in made["loud"][0] - made["portable"][0], made


# ---- what is refused ----


def fake_go(t, version, root="/nowhere"):
    answer = json.dumps({"GOROOT": root, "GOVERSION": version, "GOMODCACHE": "", "GOFLAGS": "", "GOTOOLCHAIN": "auto"})
    path = t.write(f"fake-{version}/go", f"#!/bin/sh\necho '{answer}'\n")
    os.chmod(path, 0o755)
    return dict(environment(), PATH=os.path.dirname(path) + ":/usr/bin:/bin")


@case(vm=False)
def an_unknown_go_is_refused(t):
    for version in "go1.28.0", "go2.1", "devel go1.27-abcdef", "":
        result = go(t, t.tmp, "build", ".", env=fake_go(t, version))
        expect_message(result, 125, version, "not known to this wasmvm, Go 1.21 to 1.27 are", "GOTOOLCHAIN=go1.27.1")
    for version in "go1.19.8", "go1.20":  # Debian 12's own
        result = go(t, t.tmp, "run", ".", env=fake_go(t, version))
        expect_message(result, 125, f"{version} is too old", "golang-1.22-go from bookworm-backports")
    nothing = dict(environment(), PATH=t.mkdir("nothing"))
    expect_message(go(t, t.tmp, "build", ".", env=nothing), 125, "no go command is on PATH (install Go 1.21 to 1.27")
    t.write("fake-broken/go", "#!/bin/sh\necho broken >&2\nexit 7\n")
    os.chmod(t.path("fake-broken/go"), 0o755)
    broken = dict(environment(), PATH=t.path("fake-broken") + ":/usr/bin:/bin")
    expect(go(t, t.tmp, "build", ".", env=broken), 7, out="", err="broken\n")


@case(vm=False)
def a_go_with_other_sources_is_refused(t):
    """An edit that does not match exactly once, and a file that is not there."""
    root, file = goroot(NEWER), "src/net/sock_posix.go"
    for base in "", "src", "src/net":
        os.mkdir(t.path("root", base)) if base else t.mkdir("root")
        for name in os.listdir(os.path.join(root, base)):
            if os.path.join(base, name) not in ("src", "src/net", file):
                os.symlink(os.path.join(root, base, name), t.path("root", base, name))
    with open(os.path.join(root, file)) as f:
        text = f.read()
    directory = module(t, main="package main\n\nfunc main() {}\n")
    env = environment(GOROOT=t.path("root"))
    again = "\nfunc socket("
    for changed, words in ((text.replace(again, "\nfunc plug("), "exactly once"), (text + again, "exactly once"),
                           (None, "cannot be read")):
        if changed:
            t.write("root/" + file, changed)
        else:
            os.remove(t.path("root", file))
        expect_message(go(t, directory, "build", ".", env=env), 125, "net/sock_posix.go", words, "GOTOOLCHAIN=go1.27.1")
    t.write("root/" + file, text)
    expect(go(t, directory, "vet", ".", env=env), 0)


# ---- go run MODULE@VERSION ----


def proxy(t, name, version, go_line, text):
    """A module proxy of files with one module; the variables that make the go command ask it."""
    folder = f"proxy/{name}/@v"
    mod = f"module {name}\n\ngo {go_line}\n"
    t.write(f"{folder}/{version}.info", json.dumps({"Version": version}))
    t.write(f"{folder}/{version}.mod", mod)
    t.write(f"{folder}/list", version + "\n")
    with zipfile.ZipFile(t.path(folder, version + ".zip"), "w") as z:
        z.writestr(f"{name}@{version}/go.mod", mod)
        z.writestr(f"{name}@{version}/main.go", text)
    shown = json.loads(run([GO, NEWER, "env", "-json", "GOMODCACHE", "GOPROXY"]).out)
    real, others = shown["GOMODCACHE"], shown["GOPROXY"]
    for place in "golang.org", "cache/download/golang.org/toolchain":  # a module cache of its own, with the toolchains
        if os.path.exists(os.path.join(real, place)):
            t.mkdir(os.path.dirname("mod/" + place))
            os.symlink(os.path.join(real, place), t.path("mod", place))
    return {"GOPROXY": f"file://{t.path('proxy')},{others}", "GONOSUMDB": "example.com", "GOFLAGS": "-modcacherw",
            "GOMODCACHE": t.path("mod")}


@case
def a_tool_by_its_version(t):
    """Its go.mod wants a newer Go than the one on PATH; both kinds of words behind it."""
    text = MAIN.replace('"os"', '"os"\n    "runtime"').replace("os.Exit(len(os.Args) - 1)",
                                                                "fmt.Println(runtime.Version())")
    more = proxy(t, "example.com/tool", "v1.2.3", "1.26.10", text)
    env = environment(OLDER, GOTOOLCHAIN="auto", **more)
    tool = "example.com/tool@v1.2.3"
    result = go(t, t.tmp, "run", tool, "--env", "X=y", "--", "a", env=env)
    if b"verifying module" in result.err and b"dial tcp" in result.err:
        raise Skip("no network: Go asks its checksum database about each Go version")
    expect(result, 0, out="[a]\ngo1.26.10\n")
    expect(go(t, t.tmp, "install", tool, env=dict(env, GOPATH=t.path("gopath"))), 0)
    assert marked(t.path("gopath/bin/wasip1_wasm/tool"))
    expect(go(t, t.tmp, "run", tool, env=dict(env, GOTOOLCHAIN="local")), 1, err_has="requires go >= 1.26.10")
