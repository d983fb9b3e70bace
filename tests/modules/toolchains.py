"""How the cases get their compilers and packages, all by exact version; what cannot be had makes the case a skip.

Debian's packages come by tests/tools/deps.sh modules, npm's by harness.npm, PyPI's by pypi, TinyGo by tinygo.sh.  What
is made stays in build/cache."""

import hashlib
import os
import shutil
import subprocess
import sys

from harness import CACHE, GO, Skip, go_build, made_once, prepare

HERE = os.path.dirname(os.path.abspath(__file__))
MADE = os.path.join(CACHE, "modules")


def command(path, package):
    if not os.path.exists(path):
        raise Skip(f"no {path}: Debian's package {package} is not installed")
    return path


def content_hash(path):
    """Of a file, or of all files below a folder."""
    digest = hashlib.sha256()
    files = [path] if os.path.isfile(path) else sorted(os.path.join(b, n) for b, _, ns in os.walk(path) for n in ns)
    for name in files:
        with open(name, "rb") as f:
            digest.update(name.encode() + b"\0" + f.read() + b"\0")
    return digest.hexdigest()


def made(argv, source, kind, env=None, cwd=None):
    """The output of `argv + [output, source]`, made anew when the source or the command changes."""
    key = hashlib.sha256(repr((argv, kind, content_hash(os.path.join(cwd or "", source)))).encode()).hexdigest()[:10]
    path = os.path.join(MADE, f"{os.path.basename(source).split('.')[0]}-{key}{kind}")
    if not os.path.exists(path):
        with made_once(path) as new:
            prepare([*argv, new, source], env=env, cwd=cwd)
    return path


def clang(source, *flags):
    command("/usr/lib/wasm32-wasi/libc.a", "wasi-libc")
    command("/usr/bin/wasm-ld-19", "lld-19")
    command("/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a", "libclang-rt-19-dev-wasm32")
    compiler = command("/usr/bin/clang-19", "clang-19")
    return made([compiler, "--target=wasm32-wasi", "-O2", *flags, "-o"], os.path.join(HERE, source), ".wasm")


def rust(source, *flags):
    command("/usr/lib/rustlib/wasm32-wasi", "libstd-rust-dev-wasm32")
    command("/usr/bin/wasm-ld-14", "lld")
    compiler = command("/usr/bin/rustc", "rustc")
    return made([compiler, "-O", "--target=wasm32-wasi", *flags, "-o"], os.path.join(HERE, source), ".wasm")


def goroot(version):
    asked = subprocess.run([GO, version, "env", "GOROOT"], stdout=subprocess.PIPE, check=True)
    return asked.stdout.decode().strip()


def tinygo(package, *flags):
    place = os.path.join(CACHE, "tinygo-0.41.1")
    if not os.path.exists(os.path.join(place, "root", "tinygo")):
        script = subprocess.run([os.path.join(HERE, "tinygo.sh"), place], stderr=subprocess.PIPE)
        if script.returncode == 3:
            raise Skip(script.stderr.decode().strip())
        assert script.returncode == 0, script.stderr.decode()
    root = goroot("pinned")
    env = dict(os.environ, TINYGOROOT=os.path.join(place, "root"), XDG_CACHE_HOME=os.path.join(place, "cache"),
               GOROOT=root, GOTOOLCHAIN="local", PATH=root + "/bin:" + os.environ["PATH"])
    argv = [os.path.join(place, "root", "tinygo"), "build", "-target=wasip1", *flags, "-o"]
    return made(argv, "./" + package, ".wasm", env=env, cwd=HERE)


def go(package, version="pinned", **options):
    return go_build("./" + package, version, module="tests/modules", **options)


def debian(package):
    """The folder of a Debian package of this machine's release, unpacked and not installed."""
    into = os.path.join(CACHE, "debian", package)
    if not os.path.exists(into):
        if not shutil.which("apt-get"):
            raise Skip("no apt-get here")
        with made_once(into) as new:
            place = os.path.dirname(new)
            prepare(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=place)
            archive = next(n for n in os.listdir(place) if n.endswith(".deb"))
            prepare(["dpkg-deb", "-x", archive, new], cwd=place)
    return into


def pypi(package):
    """The folder of a PyPI package of an exact version (NAME==VERSION), without what it depends on."""
    into = os.path.join(CACHE, "pypi", package)
    if not os.path.exists(into):
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
            raise Skip("no pip here: Debian's package python3-pip is not installed")
        with made_once(into) as new:
            prepare([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", new, package])
    return into


def disassembly(module):
    """The module as wabt's text of instructions; a skip where there is no wabt."""
    tool = command("/usr/bin/wasm-objdump", "wabt")
    return subprocess.run([tool, "-d", module], stdout=subprocess.PIPE, check=True).stdout.decode(errors="replace")
