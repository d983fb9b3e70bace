"""Modules, files and options that are wrong: each has its status and one line that says what is wrong."""

import json
import os
import random
import re
import struct
import subprocess

import wasm
from harness import ROOT, Skip, case, expect, expect_message, in_time, run

OK = wasm.command(b"")
UNREACHABLE = b"\x00"


@case
def smallest_module(t):
    expect(t.vm("--", t.write("ok.wasm", OK)), 0, out="", err="")


@case(vm=False)
def no_such_file(t):
    expect_message(t.vm(t.path("nobody.wasm")), 127, "nobody.wasm")


@case(vm=False)
def a_directory(t):
    expect_message(t.vm(t.mkdir("d.wasm")), 127, "d.wasm")


@case(vm=False)
def unreadable_file(t):
    path = t.write("secret.wasm", OK)
    os.chmod(path, 0)
    if os.access(path, os.R_OK):
        prefix = ["setpriv", "--reuid=65534", "--clear-groups"] if os.path.exists("/usr/bin/setpriv") else None
        if not prefix:
            raise Skip("root reads everything, and there is no setpriv")
        os.chmod(t.tmp, 0o755)
        expect_message(run([*prefix, t.wasmvm, path]), 127, "secret.wasm")
    else:
        expect_message(t.vm(path), 127, "secret.wasm")


@case
def a_module_that_nobody_brings(t):
    """A named pipe whose other end nobody opens: a time limit ends the wait for it, too."""
    fifo = t.path("fifo")
    os.mkfifo(fifo)
    expect_message(t.vm("--timeout", "1", "--", fifo, timeout=300), 124, "wall time")


@case
def modules_of_odd_kinds(t):
    """A pipe that brings the module in pieces, or not all of it; a file of holes; names that are no text; devices."""
    hello = t.go("hello")
    pieces = f"(head -c 1000000 {hello}; sleep 0.3; tail -c +1000001 {hello}) | {t.wasmvm} /dev/stdin"
    expect(run(["sh", "-c", pieces]), 0, out="Hello, world!\n", err="")
    expect_message(run(["sh", "-c", f"head -c 1000000 {hello} | {t.wasmvm} /dev/stdin"]), 126, "unexpected end")
    with open(t.path("holes"), "wb") as f:
        f.truncate(2 << 30)
    expect_message(t.vm("--", t.path("holes")), 126, "larger than 1 GiB")
    expect_message(t.vm("--", b"/no/\xff\xfe.wasm".decode(errors="surrogateescape")), 127, "/no/\\xff\\xfe.wasm")
    odd = os.fsencode(t.tmp) + b"/\xff.wasm"
    os.symlink(os.fsencode(t.go("process")), odd)
    result = run([t.wasmvm, "--", odd, "args", b"\xfe", "", "\n"])
    expect(result, 0)
    assert result.out.splitlines()[0].endswith(b'\\xff.wasm"') and result.out.endswith(b'\n2 "\\xfe"\n3 ""\n4 "\\n"\n')
    for device in "/dev/null", "/dev/zero", "/dev/full", "/":
        expect_message(t.vm("--", device), 127, device)


@case
def not_wasm(t):
    for name, data in (("empty", b""), ("short", b"\0as"), ("text", b"#!/bin/sh\necho no\n"),
                       ("elf", b"\x7fELF" + b"\0" * 100), ("zeros", b"\0" * 10000)):
        expect_message(t.vm("--", t.write(name, data)), 126, name)


@case
def other_version(t):
    expect_message(t.vm("--", t.write("v2.wasm", b"\0asm\2\0\0\0")), 126, "version")
    result = t.vm("--", t.write("component.wasm", b"\0asm\x0d\0\1\0" + b"\0" * 20))
    expect_message(result, 126, "component")


def using(code=b"", **parts):
    """A module whose second function, named "worker", runs `code`, and which has these parts instead of sound ones."""
    names = wasm.vector([wasm.leb(1) + wasm.name("worker")])
    return wasm.module(**{"types": [wasm.functype()], "funcs": [0, 0], "memory": 1,
                          "bodies": [wasm.body(b"\x10\x01"), wasm.body(code)],
                          "exports": [("_start", wasm.FUNC, 0), ("memory", wasm.MEMORY, 0)],
                          "customs": [("name", b"\1" + wasm.leb(len(names)) + names)], **parts})


def of_section(number, payload):
    return wasm.HEADER + wasm.section(1, wasm.vector([wasm.functype()])) + wasm.section(number, payload)


UNSUPPORTED = [  # what is not supported, where it is met, a module that uses it
    ("threads", 'i32.atomic.rmw.add, offset 0x37, code section, function "worker"', using(b"\xfe\x1e\2\0")),
    ("threads", "limits flags 0x3 of a memory, offset 0x11, memory section", of_section(5, b"\1\3\1\2")),
    ("exception handling", 'try_table, offset 0x37, code section, function "worker"', using(b"\x1f\x40\0\x0b")),
    ("exception handling", 'throw, offset 0x37, code section, function "worker"', using(b"\x08\0")),
    ("exception handling", "a section of tags, offset 0xe", of_section(13, b"\1\0\0")),
    ("garbage collection", "type form 0x5f, offset 0xb, type section", using(types=[b"\x5f\0"])),
    ("garbage collection", 'struct.new, offset 0x37, code section, function "worker"', using(b"\xfb\0\0")),
    ("typed function references", 'call_ref, offset 0x37, code section, function "worker"', using(b"\x14\0")),
    ("memory64", "limits flags 0x4 of a memory, offset 0x11, memory section", of_section(5, b"\1\4\1")),
    ("custom page sizes", "limits flags 0x8 of a memory, offset 0x11, memory section", of_section(5, b"\1\x08\1\0")),
    ("relaxed SIMD", 'f32x4.relaxed_madd, offset 0x37, code section, function "worker"', using(b"\xfd\x85\2")),
    ("wide arithmetic", 'i64.add128, offset 0x37, code section, function "worker"', using(b"\xfc\x13")),
    ("stack switching", "type form 0x5d, offset 0xb, type section", using(types=[b"\x5d\0"])),
    ("the component model", "component version 13, offset 0x4", b"\0asm\x0d\0\1\0" + b"\0" * 20),
]

WITHOUT = {  # how the advice begins, by what is not supported
    "threads": "C: without -pthread; Rust: --target wasm32-wasip1", "exception handling": "C, C++: -fno-exceptions",
    "garbage collection": "Go, TinyGo, Rust and C do without", "memory64": "C, Rust: a target of wasm32",
    "relaxed SIMD": "C: -mno-relaxed-simd", "wide arithmetic": "C: -mno-wide-arithmetic",
    "the component model": "build a module of WASI preview 1: Go: GOOS=wasip1; TinyGo: -target=wasip1; Rust: ",
}


@case
def what_is_imported_of_other_worlds(t):
    """Imports of components, of a browser's Go and of threads say what to build instead."""
    for module, words in (b"wasi:cli/stdout@0.2.0", "preview 1: Go: GOOS=wasip1"), (b"gojs", "GOOS=js"), \
            (b"wasi", "without -pthread"), (b"wasix", ""):
        name = bytes([len(module)]) + module + b"\1f\0\0"
        app = t.write("app.wasm", b"\0asm\1\0\0\0\1\4\1\x60\0\0\2" + bytes([len(name) + 1]) + b"\1" + name)
        result = t.vm("--", app)
        expect(result, 126, err_has=words or "nobody provides this (func)\n")


@case
def what_is_not_supported_is_named(t):
    """By --validate before the run; in a body also when it is first called, with the call's backtrace behind."""
    for feature, place, module in UNSUPPORTED:
        path = t.write("app.wasm", module)
        advice = f" ({WITHOUT[feature]}" if feature in WITHOUT else ""
        words = f"module uses {feature} ({place}), which wasmvm does not support{advice}"
        result = t.vm("--validate", "--", path)
        expect(result, 126, out=b"", err_has=f"wasmvm: {path} cannot run here: {words}")
        assert result.err.endswith(b")\n" if advice else b"support\n") and result.err.count(b"\n") == 1, result
        expect(t.vm("--", path), 126, out=b"", err_has=words)


@case
def an_invalid_function_is_named(t):
    result = t.vm("--validate", "--", t.write("bad.wasm", using(b"\x6a\x1a")))
    expect_message(result, 126, '(code section, function "worker", i32.add at offset 0x37)')


@case
def truncated_at_every_section_boundary(t):
    with open(t.go("hello"), "rb") as f:
        data = f.read()
    sections = wasm.sections(data)
    code_end = [end for number, _, end in sections if number == 10][0]
    cuts = {0, 1, 7, 8} | {begin for _, begin, _ in sections} | {begin + 1 for _, begin, _ in sections}
    cuts |= {(begin + end) // 2 for _, begin, end in sections} | {end - 1 for _, _, end in sections}
    for cut in sorted(cuts):
        runs = any(cut == begin for _, begin, _ in sections) and cut >= code_end
        result = t.vm("--timeout", "5s" if runs else "5m", "--", t.write("cut.wasm", data[:cut]))
        if runs:
            # What is left is a valid module: its own end, but neither the monitor's nor the engine's fault.
            assert result.status not in (125, 126, 127, 137), f"cut at {cut} of {len(data)}\n{result}"
        else:
            assert result.status == 126, f"cut at {cut} of {len(data)}\n{result}"
            expect_message(result, 126, "cut.wasm")


@case
def unknown_import(t):
    imports = [("env", "mystery", b"\0" + wasm.leb(1))]
    module = wasm.command(b"", imports=imports, types=[wasm.functype([wasm.I32, wasm.I64], [wasm.F64])])
    result = t.vm("--", t.write("import.wasm", module))
    expect_message(result, 126, "env", "mystery", "i32", "i64", "f64")
    imports = [("wasi_snapshot_preview1", "no_such_call", b"\0" + wasm.leb(0))]
    result = t.vm("--", t.write("import2.wasm", wasm.command(b"", imports=imports)))
    expect_message(result, 126, "wasi_snapshot_preview1", "no_such_call")


@case
def import_of_the_wrong_type(t):
    imports = [("wasi_snapshot_preview1", "fd_write", b"\0" + wasm.leb(1))]
    module = wasm.command(b"", imports=imports, types=[wasm.functype([wasm.I32], [wasm.I32])])
    expect_message(t.vm("--", t.write("type.wasm", module)), 126, "fd_write")


@case
def no_start(t):
    module = wasm.module(types=[wasm.functype()], funcs=[0], memory=1, bodies=[wasm.body(b"")],
                         exports=[("memory", wasm.MEMORY, 0), ("other", wasm.FUNC, 0)])
    expect_message(t.vm("--", t.write("nostart.wasm", module)), 126, "_start")


@case
def start_of_the_wrong_type(t):
    module = wasm.module(types=[wasm.functype([wasm.I32])], funcs=[0], memory=1, bodies=[wasm.body(b"")],
                         exports=[("memory", wasm.MEMORY, 0), ("_start", wasm.FUNC, 0)])
    expect_message(t.vm("--", t.write("badstart.wasm", module)), 126, "_start")


@case
def invalid_body(t):
    """Found when the body is first compiled: what was written stays; --validate finds it before."""
    bad = wasm.body(b"\x6a\x1a")  # i32.add on an empty stack
    types, exports = [wasm.functype()], [("_start", wasm.FUNC, 0), ("memory", wasm.MEMORY, 0)]
    called = wasm.module(types=types, funcs=[0, 0], memory=1, exports=exports, bodies=[wasm.body(b"\x10\x01"), bad])
    unused = wasm.module(types=types, funcs=[0, 0], memory=1, exports=exports, bodies=[wasm.body(b""), bad])
    expect(t.vm("--", t.write("called.wasm", called)), 126, out=b"", err_has=["wasmvm: ", "offset"])
    expect(t.vm("--", t.write("unused.wasm", unused)), 0)
    expect_message(t.vm("--validate", "--", t.write("unused.wasm", unused)), 126, "offset")


@case
def traps_by_kind(t):
    for code, words in ((UNREACHABLE, "unreachable"), (b"\x41\x01\x41\x00\x6d\x1a", "integer divide by zero"),
                        (b"\x41\x80\x80\x80\x80\x78\x41\x7f\x6d\x1a", "integer overflow"),
                        (b"\x41\x7f\x28\x02\x00\x1a", "out of bounds memory access"),
                        (b"\x43\x00\x00\xc0\x7f\xa8\x1a", "invalid conversion to integer")):
        result = t.vm("--", t.write("trap.wasm", wasm.command(code)))
        expect(result, 134, out=b"", err_has=["wasmvm: ", words])


@case
def endless_recursion(t):
    module = wasm.command(b"\x10\x00")
    result = t.vm("--", t.write("deep.wasm", module))
    expect(result, 134, out=b"", err_has="call stack exhausted (256 MiB; --stack SIZE)")
    assert result.err.count(b"\n") <= 42, result


@case
def names_are_escaped(t):
    """Text from the module never reaches the terminal raw."""
    imports = [("env", "\x1b[31mred\x07", b"\0" + wasm.leb(0))]
    result = t.vm("--", t.write("esc.wasm", wasm.command(b"", imports=imports)))
    expect_message(result, 126)
    assert b"\x1b" not in result.err and b"\x07" not in result.err, result


@case
def initial_memory_over_the_limit(t):
    module = wasm.command(b"", memory=1024)
    expect_message(t.vm("--memory", "32M", "--", t.write("big.wasm", module)), 125, "65536 KiB", "32768 KiB")
    expect(t.vm("--memory", "64M", "--", t.write("big.wasm", module)), 0)


@case
def a_wall_of_blocks(t):
    """18,000 nested blocks and a br_table of 100,000 targets, in under a second each."""
    depth = 18000
    targets = b"".join(map(wasm.leb, range(depth)))
    nested = b"\x02\x40" * depth + b"\x41\x05\x0e" + wasm.leb(depth) + targets + b"\0" + b"\x0b" * depth
    wide = b"\x02\x40\x02\x40\x41\x07\x0e" + wasm.leb(100000) + b"\0\1" * 50000 + b"\0\x0b\x0b"
    for code in nested, wide:
        def took(_, code=code):
            result = t.vm("--", t.write("wall.wasm", wasm.command(code)))
            expect(result, 0, out=b"", err=b"")
            return result.cpu

        in_time(1, took, usual=lambda: 0)


@case
def file_changed_during_the_run(t):
    """The bytes count as they were at the start: a file truncated meanwhile hurts nobody."""
    with open(t.go("stop"), "rb") as f:
        path = t.write("app.wasm", f.read())
    in_read, in_write = os.pipe()
    child = t.start("--", path, "read", stdin=in_read, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"reading\n"
    os.truncate(path, 0)
    os.write(in_write, b"x\n")
    assert child.stdout.read() == b'"x\\n" <nil>\n'
    assert child.wait(300) == 0
    child.stdout.close(), os.close(in_read), os.close(in_write)


# By the kind of vmm/cli/options.def's rows: values that none of them takes.
NO_NUMBER = ("", "x", "-1", "+1", " 1", "1 ", "0x10", "1e3", "1.5", "1Q", "99999999999999999999", "\xff")
MALFORMED = {
    "SIZE": (*NO_NUMBER, "1KB", "1T", "99999999999G"),
    "TIME": (*NO_NUMBER, "0", "1h", "1us", "1m30s", "1M"),
    "COUNT": (*NO_NUMBER, "0", "1K"),
    "TEXT": ("",),
    "EXPORT": ("no-such-export",),
    "MAYBE": ("", "/no/such/directory/file"),
    "WORDS": ("", "a b", "1.2.3.4:99999", "1.2.3.4:x", "[::1", "1.2.3.4.5:80", "1.2.3.4/33:1", "\x1b:1"),
    "CHOICE": ("", "x", "AUTO", "exit "),
    "GRANT": ("", ":ro", "::/a", "/no/such/directory", "/dev/null", "/tmp::", "/tmp::relative", "/tmp::/a/../b",
              "/tmp::/a/", "/a:/tmp"),
    "CWD": ("", "relative", "/a/../b", "/a//b"),
    "ENV": ("", "=x"),
    "ANY": ("", "x", "ANY"),
    "FLAG": (), "TMP": (), "ENV_ALL": (), "HELP": (), "VERSION": (),  # they take no value at all
}


@case
def every_malformed_option(t):
    """Each option of the table: with every value that its kind refuses; with none, or with one where it takes none."""
    module = t.write("ok.wasm", OK)
    with open(os.path.join(ROOT, "vmm", "cli", "options.def")) as f:
        rows = re.findall(r'^OPTION\("([a-z-]+)", ([A-Z_]+), (NULL|"[^"]*")', f.read(), re.M)
    assert len(rows) >= 30, rows
    for name, kind, value in rows:
        for bad in MALFORMED[kind]:
            if (name, bad) == ("grace", "0"): # no grace at all
                continue
            result = t.vm(f"--{name}={bad}", "--", module)
            expect_message(result, 125, "--", name.removeprefix("tcp"))  # an alias, told by its first name
        if value == "NULL":
            expect_message(t.vm(f"--{name}=1", "--", module), 125, f"--{name} takes no value")
        elif kind not in ("MAYBE", "ANY"):
            expect_message(t.vm("--" + name), 125, f"--{name} needs a value")
            expect_message(t.vm(module, "--" + name), 125, f"--{name} needs a value")
    for words in (["--no-such-option"], ["-h"], ["--mem=1G"], ["--memory=5G"], ["--stack=63K"],
                  ["--report", t.path("no/such/dir/report")], ["--net-log", t.path("no/such/dir/log")],
                  ["--guest-image", t.path("nobody")], ["--guest-image", "/dev/zero"]):
        expect_message(t.vm(*words, "--", module), 125)


@case
def files_to_write(t):
    """--report, --trace and --net-log never empty the module, and never wait for a pipe's reader."""
    module, fifo = t.write("ok.wasm", OK), t.path("fifo")
    os.mkfifo(fifo)
    os.link(module, t.path("link"))
    for option in "--report=", "--trace=", "--net-log=":
        for name in module, t.path("link"):
            expect_message(t.vm(option + name, "--", module), 125, "this is the module")
        expect_message(t.vm(option + fifo, "--", module, timeout=300), 125, "nobody reads this pipe")
    expect_message(t.vm("--guest-image", fifo, "--", module, timeout=300), 125, "no regular file")
    with open(module, "rb") as f:
        assert f.read() == OK
    with open(t.write("log", "before\n"), "ab") as log:
        expect(t.vm("--report", "/dev/stderr", "--", module, stderr=log), 0)
    with open(t.path("log")) as f:
        assert f.readline() == "before\n" and '"reason": "exit"' in f.read()
    expect(t.vm("--trace=/dev/full", "--", t.go("hello")), 0, out="Hello, world!\n",
           err="wasmvm: --trace cannot be written: No space left on device (no more lines)\n")


@case(vm=False)
def a_directory_that_does_not_exist(t):
    expect_message(t.vm("--dir", t.path("nobody"), t.write("ok.wasm", OK)), 125, "nobody")
    expect_message(t.vm("--dir", t.write("file"), t.write("ok.wasm", OK)), 125, "file")


@case(vm=False)
def wasmedge_spelling_of_dir(t):
    t.mkdir("data")
    result = t.vm("--dir", f"/guest:{t.path('data')}", t.write("ok.wasm", OK))
    expect_message(result, 125, f"--dir {t.path('data')}::/guest")


@case(vm=False)
def help_and_version(t):
    result = t.vm("--help")
    expect(result, 0, err=b"")
    for word in "--dir --cwd --env --env-all --memory --stack --timeout --cpu-time --stats --report --version".split():
        assert word.encode() in result.out, (word, result)
    result = t.vm("--version")
    expect(result, 0, err=b"")
    assert result.out.startswith(b"wasmvm "), result


@case
def help_after_the_module_is_the_modules(t):
    app = t.go("process")
    expect(t.vm(app, "args", "--help"), 0, out=f'0 "{app}"\n1 "args"\n2 "--help"\n')


@case
def a_guest_image_of_another_kind(t):
    expect_message(t.vm("--guest-image", t.write("img", b"not an ELF file"), "--", t.write("ok.wasm", OK)), 125, "img")


def program_header(image, number, **changes):
    """A copy of an ELF image with fields of one program header changed."""
    fields = ["type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align"]
    at = 64 + 56 * number
    values = dict(zip(fields, struct.unpack_from("<IIQQQQQQ", image, at)))
    out = bytearray(image)
    struct.pack_into("<IIQQQQQQ", out, at, *{**values, **changes}.values())
    return bytes(out)


@case
def a_guest_image_that_is_broken(t):
    """Of another version, truncated anywhere, with headers that lie: one line each, and never a crash of ours."""
    module = t.write("ok.wasm", OK)
    with open(os.path.join(os.path.dirname(t.wasmvm), "guest.elf"), "rb") as f:
        good = f.read()
    expect(t.vm("--guest-image", t.write("img", good), "--", module), 0)
    note = good.index(b"wasmvm\0\0") + 8
    for number in range(3):  # version, calls, size of the control area
        other = bytearray(good)
        other[note + 4 * number] ^= 1
        expect_message(t.vm("--guest-image", t.write("img", other), "--", module), 125, "guest interface", "version")
    for changes, words in ((dict(flags=7), "writable and executable"), (dict(vaddr=0), "outside"),
                           (dict(filesz=1 << 40, memsz=1 << 40), ""), (dict(offset=1 << 62), "truncated"),
                           (dict(filesz=(1 << 64) - 1), "truncated"), (dict(memsz=(1 << 64) - 4096), "outside"),
                           (dict(vaddr=0x1C20000001), "share a page"), (dict(type=0), "")):
        bad = program_header(good, 0, **changes)
        expect_message(t.vm("--guest-image", t.write("img", bad), "--", module), 125, "img", words)
    loaded = max(offset + filesz for _, _, offset, _, _, filesz, _, _ in
                 (struct.unpack_from("<IIQQQQQQ", good, 64 + 56 * i) for i in range(4)))
    for cut in [0, 1, 3, 4, 15, 16, 63, 64, 65, 120, 300, 4096, *range(5000, loaded, 9973), loaded - 1]:
        expect_message(t.vm("--guest-image", t.write("img", good[:cut]), "--", module), 125, "img")
    rng = random.Random(1)
    for _ in range(60):  # any byte of the headers: it may still run, or be refused
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(64 + 56 * 5)] = rng.randrange(256)
        result = t.vm("--timeout", "2", "--guest-image", t.write("img", bad), "--", module)
        assert result.status in (0, 124, 125, 126, 134, 137), result


@case
def no_sys(t):
    """Without a /sys nobody says what the host's clock is made of: clocks are calls then, and --stats says why."""
    argv = ["unshare", "--mount", "sh", "-c", 'umount -l /sys && exec "$@"', "sh", t.wasmvm, "--stats", "--",
            t.write("ok.wasm", OK)]
    result = run(argv)
    if b"unshare:" in result.err or b"umount:" in result.err:
        raise Skip("this needs root: " + result.err.decode().strip())
    assert result.status == 0, result
    assert b"clocks      by calls, as the host's clock source is unknown (is /sys mounted?)" in result.err, result


@case
def no_dev_kvm(t):
    """With a /dev of its own that has no kvm in it."""
    shell = 'mount -t tmpfs none /dev && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", shell, "sh", t.wasmvm, "--", t.write("ok.wasm", OK)]
    result = run(argv)
    if b"unshare:" in result.err or b"mount:" in result.err:
        raise Skip("this needs root: " + result.err.decode().strip())
    expect_message(result, 125, "/dev/kvm")


@case
def dev_kvm_not_permitted(t):
    """For another user, with a /dev/kvm that its group alone may open: the message names the group."""
    shell = ('mount -t tmpfs none /dev && mknod -m 660 /dev/kvm c 10 232 && chgrp 5 /dev/kvm && '
             'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"')
    os.chmod(t.tmp, 0o755)
    argv = ["unshare", "--mount", "sh", "-c", shell, "sh", t.wasmvm, "--", t.write("ok.wasm", OK)]
    result = run(argv)
    if any(tool in result.err for tool in (b"unshare:", b"mount:", b"mknod:", b"setpriv:")):
        raise Skip("this needs root: " + result.err.decode().strip())
    expect_message(result, 125, "/dev/kvm", "tty")


def doctor(argv, status):
    """What `wasmvm doctor` finds, by name: the JSON, after the text had the same verdicts and the status was right."""
    text = run([*argv, "doctor"])
    if any(tool in text.err for tool in (b"unshare:", b"mount:", b"mknod:", b"setpriv:")):
        raise Skip("this needs root: " + text.err.decode().strip())
    result = run([*argv, "doctor", "--json"])
    assert result.status in status and text.status in status and not result.err and not text.err, (text, result)
    found = json.loads(result.out)
    probes = {p["name"]: p for p in found["probes"]}
    said = [line.split()[:2] for line in text.out.decode().splitlines() if not line.startswith((" ", "wasmvm "))]
    assert [name for _, name in said] == list(probes), text
    assert found["verdict"] == ("well", "remarks", "cannot")[result.status], found
    worst = max(("well", "unknown", "remark", "cannot").index(p["verdict"]) for p in probes.values())
    assert result.status == max(worst - 1, 0), found
    for p in probes.values():
        assert p["says"] and (p["advice"] or p["verdict"] not in ("remark", "cannot")), p
        assert ("value" in p) == ("unit" in p), p
    return probes


@case
def doctor_where_programs_run(t):
    probes = doctor([t.wasmvm], (0, 1))
    assert probes["kvm"]["verdict"] == "well" and 0 < probes["kvm"]["value"] < 60000, probes["kvm"]
    for name in "exit", "slot":  # or unknown, on a host that is too busy
        assert probes[name]["verdict"] == "unknown" or probes[name]["value"] > 20, probes[name]
    kind = probes["kind"]
    flags = [line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")][0]
    assert (kind["verdict"] == "well") == bool({"vmx", "svm"} & set(flags)), kind
    assert probes["cpus"]["value"] == len(os.sched_getaffinity(0)), probes["cpus"]
    alone = doctor(["taskset", "-c", str(min(os.sched_getaffinity(0))), t.wasmvm], (1,))
    assert alone["cpus"]["verdict"] == "remark" and alone["slot"]["verdict"] in ("remark", "unknown"), alone


@case
def doctor_where_they_cannot(t):
    """No /dev/kvm; one that is something else; one of another group: each names what to do, and nothing is measured."""
    os.chmod(t.tmp, 0o755)
    for shell, says, advice in (
            ('mount -t tmpfs none /dev', "not there", "kvm_intel"),
            ('mount -t tmpfs none /dev && mknod -m 666 /dev/kvm c 1 3', "not KVM's device", "load"),
            ('mount -t tmpfs none /dev && mknod -m 660 /dev/kvm c 10 232 && chgrp 5 /dev/kvm && '
             'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"', "permission denied", "usermod -aG tty")):
        probes = doctor(["unshare", "--mount", "sh", "-c", f'{shell} && exec "$@"', "sh", t.wasmvm], (2,))
        assert probes["kvm"]["verdict"] == "cannot" and says in probes["kvm"]["says"], probes["kvm"]
        assert advice in probes["kvm"]["advice"], probes["kvm"]
        assert {probes[name]["verdict"] for name in ("kind", "exit", "slot")} == {"unknown"}, probes


@case
def doctor_without_sys(t):
    probes = doctor(["unshare", "--mount", "sh", "-c", 'umount -l /sys && exec "$@"', "sh", t.wasmvm], (1,))
    for name, verdict in ("clock", "remark"), ("pages", "remark"), ("holes", "unknown"), ("smt", "unknown"):
        assert probes[name]["verdict"] == verdict, probes[name]
    assert probes["kvm"]["verdict"] == "well", probes["kvm"]
