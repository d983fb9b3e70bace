"""What the end-to-end cases share: the list of cases, building Go programs, running wasmvm, saying what went wrong.

A case is a function under @case.  It gets a Context, and fails by AssertionError or by Skip.  Programs are built from
source into build/cache/go, once for each Go version and source."""

import contextlib
import errno
import hashlib
import os
import select
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("WASMVM_CACHE", "off")  # no run writes into a home
CACHE = os.path.join(ROOT, "build", "cache")
GO = os.path.join(ROOT, "tests", "tools", "go.sh")
CASES = []
CASE_SECONDS = 1200  # on a busy machine
HANG_SECONDS = 300  # only what hangs waits so long


class Skip(Exception):
    """This machine lacks something that the case needs."""


def host_descriptors(pid):
    """How many descriptors a monitor holds; nobody but root looks into one."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        raise Skip("only root counts a monitor's descriptors") from None


def given_away(path, owner):
    """Whether a file could be given to `owner`: only root gives, and only to who has a number in its user namespace."""
    try:
        os.chown(path, owner, -1)
    except OSError as error:
        assert error.errno in (errno.EPERM, errno.EINVAL), error
        return False
    return True


class Case:
    def __init__(self, func, group, vm, seconds):
        self.func, self.group, self.vm, self.seconds = func, group, vm, seconds
        self.name = group + "/" + func.__name__.replace("_", "-")


def case(func=None, *, vm=True, seconds=CASE_SECONDS):
    """Registers a case.  vm=False: it needs no virtual machine (bad usage and the like).  seconds: that it may take."""

    def register(f):
        name = f.__module__.rsplit(".", 1)[-1]
        if name == "__main__":  # a runner with cases of its own: its folder's name
            name = os.path.basename(os.path.dirname(os.path.abspath(f.__code__.co_filename)))
        CASES.append(Case(f, name, vm, seconds))
        return f

    return register(func) if func else register


class Result:
    """One finished run: status as a shell shows it, both streams, and what it took."""

    def __init__(self, status, out, err, seconds, usage):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds
        self.cpu = usage.ru_utime + usage.ru_stime
        self.max_rss = usage.ru_maxrss * 1024

    def __str__(self):
        def short(b):
            text = b.decode(errors="replace")
            return text if len(text) < 1500 else text[:700] + " ... " + text[-700:]

        return f"status {self.status}, {self.seconds:.2f} s\nstdout: {short(self.out)}\nstderr: {short(self.err)}"


def measured(argv, **options):
    """As run, by way of tests/tools/measure.c: peak memory is then the program's own, not this Python's."""
    tool = native_c("tests/tools/measure.c", "-D_GNU_SOURCE")
    with tempfile.NamedTemporaryFile("r") as numbers:
        result = run([tool, numbers.name, *argv], **options)
        assert result.status == 0, result
        result.status, user, system, rss, wall = map(int, numbers.read().split())
    result.cpu, result.max_rss, result.seconds = (user + system) / 1e6, rss * 1024, wall / 1e6
    return result


def first_in_line():
    """What makes a busy machine as good as an idle one to the command behind it; empty where that is refused."""
    words = ["chrt", "-f", "1"]
    return words if shutil.which("chrt") and run([*words, "true"]).status == 0 else []


def spun_out():
    """How many seconds late a native program is ended that spins."""
    return run(["timeout", "0.3", "sh", "-c", "while :; do :; done"]).seconds - 0.3


def crowded():
    """Whether two native programs that compute do not get a CPU each meanwhile."""
    count = "spin() { i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; }; spin & spin; wait"
    both = run(["sh", "-c", count])
    return both.seconds > 1.2 * both.cpu / 2


def in_time(bound, ours, usual=spun_out, tries=6):
    """ours(n), the n-th try, takes less than `bound` seconds once; on a busy machine it may take so much longer than
    what is usual there meanwhile."""
    took, others = [], []
    for n in range(tries):
        took.append(ours(n))
        if took[-1] < bound:
            return
        others.append(usual())
    assert min(took) < bound + max(others), f"seconds: {took}; what is usual: {others}"


def with_enough_time(attempt, reached, limit_ms=300):
    """attempt("300ms"), a run with this limit, and again with longer ones while it does not come far enough, as on a
    busy machine: reached(its Result).  Returns the Result and the limit."""
    for _ in range(5):
        result = attempt(f"{limit_ms}ms")
        if reached(result):
            return result, limit_ms
        limit_ms *= 3
    raise AssertionError(f"not far enough\n{result}")


def shell_status(wait_status):
    if os.WIFSIGNALED(wait_status):
        return 128 + os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


def environment(env):
    """A case's own, with what the jail's test build is told beside it (tests/jail/hooks.c); None: as it is."""
    told = {name: value for name, value in os.environ.items() if name.startswith("JAIL_TEST_")}
    return None if env is None else {**told, **env}


def run(argv, stdin=b"", timeout=HANG_SECONDS, env=None, cwd=None, stdout=None, stderr=None):
    """Runs argv to its end.  stdin: bytes or an open file.  stdout, stderr: a file for it, else it is kept."""
    temporary = tempfile.TemporaryFile
    with temporary() as in_file, temporary() as out_file, temporary() as err_file:
        if isinstance(stdin, bytes):
            in_file.write(stdin)
            in_file.seek(0)
            stdin = in_file
        start = time.monotonic()
        streams = {"stdin": stdin, "stdout": stdout or out_file, "stderr": stderr or err_file}
        child = subprocess.Popen(argv, env=environment(env), cwd=cwd, **streams)
        status, usage = wait(child, timeout)
        seconds = time.monotonic() - start
        out_file.seek(0)
        err_file.seek(0)
        return Result(status, out_file.read(), err_file.read(), seconds, usage)


def until(condition, seconds=HANG_SECONDS):
    """Waits for what comes to be true sooner or later."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def wait(child, timeout=HANG_SECONDS):
    """Waits for a Popen child: (status as in a shell, rusage).  One that takes too long is killed: AssertionError."""
    if child.returncode is not None:  # poll or send_signal has seen its end, which nobody sees twice
        return child.returncode if child.returncode >= 0 else 128 - child.returncode, None
    pidfd = os.pidfd_open(child.pid)
    try:
        over = not select.select([pidfd], [], [], timeout)[0]
        if over:
            child.kill()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = shell_status(status)
        assert not over, f"still running after {timeout} s: {child.args}"
        return child.returncode, usage
    finally:
        os.close(pidfd)


@contextlib.contextmanager
def made_once(path):
    """A name to build at, which becomes `path`; others may build the same meanwhile."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path), prefix=".new-") as place:
        new = os.path.join(place, os.path.basename(path))
        yield new
        try:
            os.rename(new, path)
        except OSError:  # a folder is there already
            if not os.path.isdir(path):
                raise


def prepare(command, **options):
    """Runs a build or an installation; it does not count into the case's time."""
    left = signal.alarm(0)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    signal.alarm(left)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout.decode()}"


def source_hash(directory):
    digest = hashlib.sha256()
    for base, dirs, names in sorted(os.walk(directory)):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(base, name)
            digest.update(os.path.relpath(path, directory).encode() + b"\0")
            with open(path, "rb") as f:
                digest.update(f.read() + b"\0")
    return digest.hexdigest()[:16]


def go_build(package, version="pinned", module="tests/go", goos="wasip1", flags=()):
    """Builds one program: `package` is a folder of `module`, or an import path.  Returns the binary's path."""
    source = os.path.join(ROOT, module)
    key = hashlib.sha256(repr((package, flags)).encode()).hexdigest()[:6]
    base = os.path.basename(package) if not package.startswith("./") else package[2:].replace("/", "-")
    name = f"{base}-{key}" + (".wasm" if goos == "wasip1" else "")
    into = os.path.join(CACHE, "go", f"{module.replace('/', '-')}-{source_hash(source)}-{version}-{goos}")
    path = os.path.join(into, name)
    if not os.path.exists(path):
        env = dict(os.environ, GOOS=goos, GOARCH="wasm" if goos == "wasip1" else "amd64", CGO_ENABLED="0")
        with made_once(path) as new:
            prepare([GO, version, "build", "-trimpath", *flags, "-o", new, package], cwd=source, env=env)
    return path


def npm(package):
    """The folder of an npm package of an exact version, unpacked."""
    path = os.path.join(CACHE, "npm", package.lstrip("@").replace("/", "-"), "package")
    if not os.path.exists(path):
        if not shutil.which("npm"):
            raise Skip("no npm here")
        with made_once(path) as new:
            place = os.path.dirname(new)
            prepare(["npm", "pack", "--loglevel=error", package], cwd=place)
            archive = next(n for n in os.listdir(place) if n.endswith(".tgz"))
            with tarfile.open(os.path.join(place, archive)) as tar:
                tar.extractall(place)
    return path


def native_c(source, *flags):
    """A C program of this tree, built for this machine."""
    with open(os.path.join(ROOT, source), "rb") as f:
        path = os.path.join(CACHE, "native", hashlib.sha256(f.read() + "".join(flags).encode()).hexdigest()[:16])
    if not os.path.exists(path):
        with made_once(path) as new:
            prepare(["gcc", "-O2", "-o", new, os.path.join(ROOT, source), "-lm", *flags])
    return path


class Context:
    """What a case works with: the wasmvm under test, the Go version of its programs, and a directory of its own."""

    version = "pinned"

    def __init__(self, wasmvm, tmp):
        self.wasmvm, self.tmp, self.started, self.made = wasmvm, tmp, [], [tmp]

    def fast_directory(self):
        """A directory where files cost no disk, if there is such a place."""
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.made.append(tempfile.mkdtemp(prefix="wasmvm-e2e-", dir=place))
        return self.made[-1]

    def go(self, name, version=None):
        return go_build("./" + name, version or self.version)

    def vm(self, *args, **options):
        """Runs wasmvm with these arguments (see run for the options).  What is preloaded needs the dynamic twin."""
        twin = self.wasmvm + "-dynamic"
        preloads = "LD_PRELOAD" in (options.get("env") or {}) and os.path.exists(twin)
        return run([twin if preloads else self.wasmvm, *map(str, args)], **options)

    def start(self, *args, before=(), **popen):
        """Starts wasmvm without waiting for it; a case that ends early leaves nothing running."""
        popen["env"] = environment(popen.get("env"))
        child = subprocess.Popen([*before, self.wasmvm, *map(str, args)], **popen)
        self.started.append(child)
        return child

    def program(self, name, *args, options=(), **run_options):
        """Runs a program of tests/go: wasmvm OPTIONS -- NAME.wasm ARGS."""
        return self.vm(*options, "--", self.go(name), *args, **run_options)

    def path(self, *parts):
        return os.path.join(self.tmp, *parts)

    def write(self, name, data=b""):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path

    def mkdir(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)


def expect(result, status=0, out=None, err=None, err_has=()):
    """Checks a Result.  out, err: the exact bytes or text; err_has: pieces that stderr must hold."""

    def as_bytes(x):
        return x.encode() if isinstance(x, str) else x

    assert result.status == status, f"status {status} wanted\n{result}"
    if out is not None:
        assert result.out == as_bytes(out), f"stdout {out!r:.500} wanted\n{result}"
    if err is not None:
        assert result.err == as_bytes(err), f"stderr {err!r:.500} wanted\n{result}"
    for piece in [err_has] if isinstance(err_has, str) else err_has:
        assert as_bytes(piece) in result.err, f"{piece!r} wanted in stderr\n{result}"


def expect_message(result, status, *pieces):
    """The run was refused: this status, nothing on stdout, one line `wasmvm: ...` on stderr that holds the pieces."""
    expect(result, status, out=b"", err_has=pieces)
    lines = result.err.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("wasmvm: "), f"one line `wasmvm: ...` wanted\n{result}"


def kvm_usable():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        return True
    except OSError:
        return False


def overdue(*_):
    raise AssertionError("the case took too long")


def run_case(one, wasmvm):
    """Returns (verdict, details): passed, failed or skipped."""
    context = Context(wasmvm, tempfile.mkdtemp(prefix="wasmvm-e2e-"))
    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(one.seconds)
    try:
        if one.vm and not kvm_usable():
            raise Skip("/dev/kvm cannot be opened")
        one.func(context)
        return "passed", ""
    except Skip as why:
        return "skipped", str(why)
    except AssertionError as why:
        frames = reversed(traceback.extract_tb(why.__traceback__))
        return "failed", next(f"line {f.lineno}: {f.line}\n{why}" for f in frames if f.filename != __file__)
    finally:
        signal.alarm(0)
        for child in context.started:
            if child.returncode is None and child.poll() is None:
                child.kill()
                child.wait()
        for directory in context.made:
            shutil.rmtree(directory, ignore_errors=True)


def run_cases(cases, wasmvm):
    """Runs and prints them; the process's status."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for one in cases:
        start = time.monotonic()
        try:
            verdict, details = run_case(one, os.path.abspath(wasmvm))
        except Exception:
            verdict, details = "failed", traceback.format_exc()
        if verdict == "skipped" and os.environ.get("REQUIRE_KVM") == "1":
            verdict, details = "failed", f"skipped ({details}), but REQUIRE_KVM=1"
        counts[verdict] += 1
        print(f"{verdict:8}{one.name} ({time.monotonic() - start:.1f} s)", flush=True)
        if details:
            print("    " + details.replace("\n", "\n    "), flush=True)
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    return 1 if counts["failed"] else 0
