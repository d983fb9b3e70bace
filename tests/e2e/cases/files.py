"""Files below --dir, and nothing else."""

import hashlib
import os
import stat

from harness import case, expect, go_build, run


@case
def all_that_the_os_package_offers(t):
    data = t.mkdir("data")
    expect(t.program("files", "rw", "/data", options=("--dir", f"{data}::/data")), 0, out="all well\n", err="")
    assert os.listdir(data) == []


@case
def same_name_inside_and_out(t):
    data = os.path.realpath(t.mkdir("data"))
    expect(t.program("files", "write", data + "/f", "from", "inside", options=("--dir", data)), 0)
    with open(data + "/f") as f:
        assert f.read() == "from inside"
    expect(t.program("files", "cat", "f", options=("--dir", data), cwd=data), 0, out="from inside")


@case
def several_grants(t):
    t.write("a/x", "in a"), t.write("b/x", "in b"), t.write("a/deep/x", "shadowed"), t.write("c/x", "in c")
    grants = ("--dir", t.path("a") + "::/d", "--dir", t.path("b") + "::/d/deep", "--dir", t.path("c") + "::/other:ro")
    for path, want in ("/d/x", "in a"), ("/d/deep/x", "in b"), ("/other/x", "in c"):
        expect(t.program("files", "cat", path, options=grants), 0, out=want)


def read_only_tree(t):
    t.write("ro/file", "content"), t.write("ro/sub/inner", "inner")
    os.symlink("file", t.path("ro/link"))

    def state():
        found = []
        for base, dirs, names in sorted(os.walk(t.path("ro"))):
            for name in sorted(dirs + names):
                info = os.lstat(os.path.join(base, name))
                found.append((base, name, stat.S_IFMT(info.st_mode), info.st_size, info.st_mtime_ns, info.st_nlink))
        return found

    return state


@case
def read_only_grant(t):
    state = read_only_tree(t)
    before = state()
    expect(t.program("files", "ro", "/ro", options=("--dir", t.path("ro") + "::/ro:ro")), 0, out="all well\n")
    assert state() == before


@case
def read_only_beside_writable(t):
    state = read_only_tree(t)
    before = state()
    t.mkdir("rw")
    options = ("--dir", t.path("ro") + "::/ro:ro", "--dir", t.path("rw") + "::/rw")
    expect(t.program("files", "ro", "/ro", "/rw", options=options), 0, out="all well\n")
    assert state() == before
    assert os.listdir(t.path("rw")) == ["mine"]


@case
def no_way_out(t):
    secret = t.write("outside/secret", "secret")
    t.write("in/inside", "inside"), t.mkdir("in/deep")
    for link, target in (("abs", secret), ("up", "../outside/secret"), ("deep/up", "../../outside/secret"),
                         ("up-dir", "../outside"), ("proc", "/proc/self/environ")):
        os.symlink(target, t.path("in", link))
    expect(t.program("files", "escape", "/in", options=("--dir", t.path("in") + "::/in")), 0, out="all well\n")
    assert os.listdir(t.path("outside")) == ["secret"]
    with open(secret) as f:
        assert f.read() == "secret"


@case
def no_processes_below_root(t):
    for path in "/proc/self/environ", "/proc/self/mem", "/proc/1/environ", "/dev/kvm", "/dev/mem", "/sys/kernel/notes":
        result = t.program("files", "cat", path, options=("--dir", "/"))
        assert result.status == 1, f"{path}\n{result}"
    expect(t.program("files", "cat", "/etc/hostname", options=("--dir", "/")), 0, out=open("/etc/hostname").read())


@case
def nothing_without_a_grant(t):
    path = t.write("f", "x")
    result = t.program("files", "cat", path)
    assert result.status == 1 and b"x\n" not in result.out, result


@case
def listing(t):
    for name in "b", "a", "c/d":
        t.write("data/" + name)
    os.symlink("a", t.path("data/l"))
    want = "a ----------\nb ----------\nc d---------\nl L---------\n"
    expect(t.program("files", "ls", "/data", options=("--dir", t.path("data") + "::/data:ro")), 0, out=want)


@case
def big_file_through_a_grant(t):
    block = hashlib.sha256(b"seed").digest() * 32768
    path = t.write("data/big", b"")
    digest = hashlib.sha256()
    with open(path, "wb") as f:
        for _ in range(64):
            f.write(block)
            digest.update(block)
    result = t.program("files", "cat", "/data/big", options=("--dir", t.path("data") + "::/data"), timeout=300)
    assert result.status == 0 and hashlib.sha256(result.out).digest() == digest.digest(), len(result.out)


@case
def modes_are_the_umasks(t):
    """Preview 1 has none: files are 0666, directories 0777, without the umask's bits, whatever the program asks for."""
    for umask, file, directory in ("022", 0o644, 0o755), ("077", 0o600, 0o700), ("000", 0o666, 0o777):
        top = t.mkdir("umask" + umask)
        app = go_build("./private", module="tests/e2e/links")
        shell = f'umask {umask}; echo | "$@"'
        result = run(["sh", "-c", shell, "sh", t.wasmvm, "--dir", top + "::/d", "--", app, "/d"])
        expect(result, 0, out="<nil> <nil>\ntrue 0 <nil>\n")  # the last: to Go a pipe is a regular file
        assert stat.S_IMODE(os.stat(top + "/key").st_mode) == file, umask
        assert stat.S_IMODE(os.stat(top + "/sub").st_mode) == directory, umask
