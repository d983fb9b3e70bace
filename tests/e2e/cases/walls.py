"""The file walls, attacked: paths that another process changes while they resolve, kernel files and devices below
--dir /, FIFOs and devices inside a grant, and every way to change what is read-only.

WASMVM_RACE=SECONDS lets the race run longer than two seconds."""

import ctypes
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time

from harness import Skip, case, expect, expect_message, run, wait

RENAME_EXCHANGE, AT_FDCWD = 2, -100


def exchange(a, b):
    ctypes.CDLL(None).renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), RENAME_EXCHANGE)


def tree(top):
    """All that lies below: kinds, sizes, contents, times, links."""
    found = {}
    for base, dirs, names in os.walk(top):
        for name in [".", *dirs, *names]:
            path = os.path.join(base, name)
            info = os.lstat(path)
            data = open(path, "rb").read() if stat.S_ISREG(info.st_mode) else None
            found[path] = (info.st_mode, info.st_size, info.st_mtime_ns, info.st_nlink, info.st_ino, data)
    return found


class Racer:
    """A second process that does something over and over."""

    def __init__(self, step):
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(900)
            try:
                while True:
                    step()
            finally:
                os._exit(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def arena(t):
    """in/: swap (a directory, and now and then a link to outside), final (a file, likewise), a/deep (moved about)."""
    for where, text in (("in/swap", "mine"), ("in/swap/sub", "mine"), ("in/a/deep", "mine"),
                        ("outside", "a secret of the host"), ("outside/sub", "a secret of the host")):
        t.write(where + "/secret", text)
    for where in "outside", "outside/sub":
        t.write(where + "/only-outside", "not for removal")
        t.mkdir(where + "/empty-outside")
        os.symlink("outside", t.path(where, "outlink"))
    t.mkdir("elsewhere")
    t.write("in/final", "mine")
    os.symlink("../outside", t.path("in/link"))
    os.symlink(t.path("outside"), t.path("in/absolute"))
    os.symlink("../outside/secret", t.path("in/final-link"))


@case
def nothing_outside_by_racing(t):
    t.tmp = t.fast_directory()
    arena(t)
    before = tree(t.path("outside"))
    place = lambda name: t.path("in", name)

    def moved():
        os.rename(place("a/deep"), t.path("elsewhere/deep"))
        time.sleep(0.0001)
        os.rename(t.path("elsewhere/deep"), place("a/deep"))
        time.sleep(0.0001)

    def swapped():
        for a, b in ("swap", "link"), ("final", "final-link"), ("swap", "absolute"):
            exchange(place(a), place(b))
            time.sleep(random.choice((0, 0.00005)))

    seconds = float(os.environ.get("WASMVM_RACE", "2"))
    signal.alarm(int(seconds) + 900)
    ways = ("read", "stat", "chtimes", "truncate", "write", "append", "mkdir", "create", "symlink", "link into it",
            "link out of it", "rename into it", "rename out of it", "remove", "readdir")
    with Racer(swapped), Racer(moved):
        result = t.program("race", "/d", seconds, *ways, options=("--dir", f"{place('.')}::/d"), timeout=seconds + 600)
    assert result.status == 0 and b"ESCAPED" not in result.out, result
    assert tree(t.path("outside")) == before, f"outside was changed\n{result}"
    counts = dict(line.split(": ") for line in result.out.decode().splitlines())
    both = {name: [int(n) for n in numbers.split()] for name, numbers in counts.items()}
    for name in ways:
        assert min(both[name]) >= 5, f"{name}: the race never came to both ends: {both[name]}\n{result}"


@case
def kernel_files_and_devices_below_root(t):
    """Each for the wall's reason, not since it is not there."""
    refused = ["/proc/self/environ", "/proc/self/mem", "/proc/self/maps", "/proc/1/environ", "/proc/1/root/etc/passwd",
               "/proc/self/root/etc/passwd", "/proc/self/cwd", "/proc/self/fd/0", "/proc/self/task/1/mem",
               "/proc/sys/kernel/hostname", "/proc/kcore", "/sys/kernel/notes", "/dev/kvm", "/dev/mem", "/dev/kmsg",
               "/dev/tty", "/dev/ptmx", "/dev/fd/99"]
    there = 0
    for path in refused:
        result = t.program("files", "cat", path, options=("--dir", "/"))
        assert result.status == 1, f"{path}\n{result}"
        if os.path.lexists(path) and not path.endswith("/task/1/mem"):
            there += 1
            words = (b"Operation not permitted", b"Too many symbolic links", b"Permission denied",
                     b"No such device or address")  # the last: no terminal to open
            assert any(w in result.out for w in words), f"{path}\n{result}"
    assert there >= 12, there
    for path in "/proc/self/mem", "/proc/sys/kernel/hostname", "/dev/kvm":
        result = t.program("files", "write", path, "x", options=("--dir", "/"))
        assert result.status == 1, f"{path}\n{result}"
    expect(t.program("files", "cat", "/etc/hostname", options=("--dir", "/")), 0, out=open("/etc/hostname").read())


@case
def a_fifo_in_a_grant_holds_nobody_up(t):
    """A FIFO without another end is waited for, as by any program; a signal and a time limit end that."""
    os.mkfifo(os.path.join(t.mkdir("d"), "fifo"))
    app, grant = t.go("files"), ("--dir", t.path("d") + "::/d")
    for words in ("cat", "/d/fifo"), ("write", "/d/fifo", "x"):
        expect(t.vm("--timeout", "500ms", *grant, "--", app, *words), 124)
    child = t.start(*grant, "--", app, "cat", "/d/fifo", stdout=subprocess.PIPE)
    with open(t.path("d/fifo"), "wb") as fifo:
        fifo.write(b"through the fifo")
    assert child.stdout.read() == b"through the fifo"
    assert wait(child)[0] == 0


@case
def devices_in_a_grant(t):
    """By number, whatever the name; where nodes cannot be made (not root), the case below --dir / stands for it."""
    t.mkdir("d")
    nodes = {"null": (1, 3), "mem": (1, 1), "kmsg": (1, 11), "kvm": (10, 232), "tty": (5, 0), "looks-like-null": (1, 2)}
    try:
        for name, number in nodes.items():
            os.mknod(t.path("d", name), stat.S_IFCHR | 0o666, os.makedev(*number))
        os.mknod(t.path("d/disk"), stat.S_IFBLK | 0o666, os.makedev(7, 0))
        os.close(os.open(t.path("d/null"), os.O_RDONLY))
    except OSError:
        return
    grant = ("--dir", t.path("d") + "::/d")
    for name in [*nodes, "disk"]:
        result = t.program("files", "cat", "/d/" + name, options=grant)
        assert result.status == (0 if name == "null" else 1), f"{name}\n{result}"


@case
def a_read_only_grant_beside_its_own_writable_one(t):
    """Refused at the start in every shape: the same, one in the other, through a link, by another name."""
    t.mkdir("d/sub")
    os.symlink("d", t.path("link"))
    pairs = [("d", "d"), ("d", "d/sub"), ("d/sub", "d"), ("d", "link/sub"), ("link", "d"), ("d", "d/../d/sub/.")]
    for ro, rw in pairs:
        result = t.vm("--dir", t.path(ro) + "::/a:ro", "--dir", t.path(rw) + "::/b", "--", t.go("hello"))
        assert result.status == 125 and b"lies in" in result.err and result.out == b"", (ro, rw, result)


MOUNTS = """
cd "$2"; mkdir -p rw/sub rw/tmp ro; mount -t tmpfs none ro && mkdir ro/d && echo text >ro/d/file
mount --bind ro/d rw/sub && mount -t tmpfs none rw/tmp && echo other >rw/tmp/file || exit 77
vm=$1; files=$3
run() { "$vm" "$@" 2>&1; echo "= $?"; }
run --dir rw::/d -- "$files" cat /d/sub/file
run --dir rw::/d --dir ro::/ro:ro -- "$files" write /d/sub/file changed
run --dir rw::/d:mounts -- "$files" cat /d/sub/file
run --dir rw::/d:ro:mounts -- "$files" cat /d/tmp/file
run --dir rw::/d:mounts:ro -- "$files" write /d/tmp/file changed
run --dir rw::/d:mounts --dir ro::/ro:ro -- "$files" cat /d/tmp/file
run --dir ro::/d:mounts --dir rw::/ro:ro:mounts -- "$files" cat /d/file
run --dir /::/host -- "$files" cat "/host$2/rw/tmp/file"
run --stats --dir rw::/d -- "$files" cat /d/sub/file | grep ^refused
cat ro/d/file
"""


@case
def what_is_mounted_below_a_grant(t):
    """Out of reach without :mounts, and named; a :ro grant is not written through a mount; / has its mounts."""
    words = ["bash", "-c", MOUNTS, "bash", t.wasmvm, os.path.realpath(t.tmp), t.go("files")]
    result = run(["unshare", "-m", *words])
    if result.status == 77 or b"unshare:" in result.err:
        raise Skip("mount namespaces cannot be made here")
    no, mode = "Operation not permitted", "is :ro, the other is not, and the first is mounted below"
    wanted = [no, "= 1", no, "= 1", "text", "= 0", "other", "= 0", "Read-only file system", "= 1", mode, "= 125",
              mode, "= 125", "other", "= 0", "refused     sub/file: it lies on another mount (--dir HOST:mounts)",
              "text"]
    lines = result.out.decode().splitlines()
    assert len(lines) == len(wanted), result
    for line, piece in zip(lines, wanted):
        assert piece in line, (piece, line, result)


KINDS = """
cd "$2"; mkdir -p d
for kind in tmpfs ramfs proc sysfs mqueue hugetlbfs devpts cgroup2 debugfs; do
    mount -t $kind none d || continue
    "$1" --dir d::/d -- "$3" ls /d >/dev/null 2>err; echo "$kind $? $(cat err)"
    umount d
done
mount -t mqueue none d && "$1" --stats --dir "$PWD::/top:mounts" -- "$3" ls /top/d 2>&1 | grep ^refused
"""


@case
def file_systems_that_hold_no_files(t):
    """Only kinds that are known to hold files are granted, or reached below a grant."""
    result = run(["unshare", "-m", "-i", "bash", "-c", KINDS, "bash", t.wasmvm, t.tmp, t.go("files")])
    if b"unshare:" in result.err or b"tmpfs" not in result.out:
        raise Skip("mount namespaces cannot be made here")
    for line in result.out.decode().splitlines():
        kind, status, *words = line.split(None, 2)
        if kind == "refused":
            assert "(mqueue, 0x19800202)" in line, line
        elif kind in ("tmpfs", "ramfs"):
            assert status == "0" and not words, line
        else:
            assert status == "125" and f"its file system ({kind}," in words[0], line
    assert b"mqueue" not in result.out or b"refused" in result.out, result


@case
def links_of_an_earlier_run_lead_no_option_out(t):
    """What an option names is not reached through a link that the program can have made; a plain file there is."""
    t.write("victim/profile", "mine"), t.mkdir("d"), t.mkdir("victim/dir")
    os.symlink("../victim/profile", t.path("d/link")), os.symlink("../victim", t.path("d/up"))
    os.symlink("../made", t.path("d/dangling")), os.symlink("d/link", t.path("outer"))
    module, grant = t.go("hello"), ("--dir", t.path("d") + "::/d")
    for name in "d/link", "d/up/profile", "d/up/new", "d/dangling", "outer":
        path = t.path(name)
        for option in (["--report", path], ["--trace=" + path], ["--net-log", path], ["--ca-certs=" + path]):
            expect_message(t.vm(*grant, *option, "--", module), 125, "a link leads there that the program can write")
    for mode in "", ":ro":
        expect_message(t.vm(*grant, "--dir", t.path("d/up/dir") + "::/x" + mode, "--", module), 125, "a link leads")
    assert open(t.path("victim/profile")).read() == "mine"
    assert sorted(os.listdir(t.path("victim"))) == ["dir", "profile"] and not os.path.exists(t.path("made"))
    expect(t.vm(*grant, "--report", t.path("d/report"), "--", module), 0, err="")
    assert json.load(open(t.path("d/report")))["reason"] == "exit"


@case
def the_monitors_own_code_lies_where_no_program_writes(t):
    """A library or a command of a plug-in that the program could replace is refused."""
    shutil.copy("/bin/true", t.write("d/sub/lib.so")), os.symlink("d/sub", t.path("way"))
    for name in "d/sub/lib.so", "way/lib.so":
        for option in ("--plugin", t.path(name)), ("--plugin-exec", "m=" + t.path(name)):
            words = ["--dir", t.path("d") + "::/d", *option, "--", t.go("hello")]
            expect_message(t.vm(*words), 125, "lies where the program can write")
            words[1] += ":ro"
            assert b"lies where" not in t.vm(*words).err


@case
def a_library_with_a_second_name_in_a_grant(t):
    """On one file system, and on an overlay of two, which gives a file another device than its folder."""
    option = '--dir "$0/g::/g" --plugin "$0/lib.so" -- "$2"'
    for mounts in "mount -t tmpfs none $0", \
                  "mount -t tmpfs none $3 && mount -t tmpfs none $4 && mkdir $3/lower $4/upper $4/work && " \
                  "mount -t overlay -o lowerdir=$3/lower,upperdir=$4/upper,workdir=$4/work,xino=off none $0":
        script = f'{mounts} && mkdir $0/g && cp /bin/true $0/lib.so && ln $0/lib.so $0/g/x && exec "$1" {option}'
        names = [t.mkdir("here"), t.wasmvm, t.go("hello"), t.mkdir("a"), t.mkdir("b")]
        result = run(["unshare", "--mount", "sh", "-c", script, *names])
        if b"unshare:" in result.err or b"mount:" in result.err:
            raise Skip("no mounts here")
        expect_message(result, 125, "lies where the program can write")


@case
def nobody_gets_more_rights_by_it(t):
    """A set-uid or set-gid wasmvm opens nothing: it would open for another what only its owner may."""
    other = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if run([*other, "true"]).status:
        raise Skip("only root makes files set-uid, and becomes somebody else")
    t.tmp = t.fast_directory()
    os.chmod(t.tmp, 0o755)
    for mode, user in (0o4755, []), (0o2755, []), (0o755, None):
        path = t.path(f"wasmvm-{mode:o}")
        shutil.copy(t.wasmvm, path), os.chmod(path, mode)
        result = run([*other, path, "--version"])
        if user is None:
            expect(result, 0, err="")
        else:
            expect_message(result, 125, "it may not be set-uid")


@case
def a_guest_that_calls_everything_at_random(t):
    """Nothing outside changes, nothing read-only, no descriptor is left; with "wild", it works on its own streams and
    grants as well, and whatever becomes of it, the monitor ends the run in an orderly way.  WASMVM_NASTY=N: N seeds."""
    t.tmp = t.fast_directory()
    t.write("outside/secret", "a secret of the host"), t.write("ro/file", "fixed"), t.write("ro/sub/a", "fixed")
    before = tree(t.path("outside")), tree(t.path("ro"))
    seeds = int(os.environ.get("WASMVM_NASTY", "2"))
    signal.alarm(900 + seeds * 60)
    for seed in range(seeds):
        for wild in (), ("wild",):
            shutil.rmtree(t.path("in"), ignore_errors=True)
            t.write("in/file", "mine"), t.mkdir("in/sub")
            os.symlink("../outside", t.path("in/up")), os.symlink(t.path("outside"), t.path("in/abs"))
            os.symlink(t.path("."), t.path("in/root")), os.mkfifo(t.path("in/fifo"))
            options = ("--report", t.path("report"), "--timeout", "600",
                       "--dir", t.path("in") + "::/d", "--dir", t.path("ro") + "::/ro:ro")
            result = t.program("nasty", seed, 5000, *wild, options=options, timeout=700)
            if not wild:
                expect(result, 0, out="still there, true\n", err="")
            with open(t.path("report")) as f:
                report = json.load(f)
            assert report["reason"] in ("exit", "trap", "sigpipe") and report["status"] == result.status, (seed, result)
            assert (tree(t.path("outside")), tree(t.path("ro"))) == before, (seed, wild, result)
