#!/usr/bin/env python3
"""Inputs that the monitor's fuzz targets begin with: tests/fuzz/inputs.py TARGET DIRECTORY

calls: each call alone, and sequences that lead somewhere; dns: questions and answers; frames: each frame of a plug-in;
words: command lines, an option each; image: the smallest ELF that is taken, and parts of it that lie."""

import os
import re
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


# ---- calls: records.h, calls.c ----


def record(call, *words):
    return bytes([call, *words]).ljust(32, b"\0")


def calls():
    names = re.findall(r"^WASI_CALL\((\w+)", read("wasi-shim/calls.def"), re.M)
    number = {name: i for i, name in enumerate(names)}
    act = 200
    heads = (bytes(8), bytes([7, 0, 0, 0, 0, 0, 0, 0]), bytes([0xff, 0xff, 0, 0xff, 0, 0, 0, 5]),
             bytes([0x45, 8, 0o55, 2, 0, 0, 0, 0]), bytes([0x88, 0x80, 0x12, 0, 255, 1, 1, 0]))
    for i, head in enumerate(heads):
        for name, call in number.items():
            yield f"{name}-{i}", head + record(call, 3) + record(call, 5) + record(call, 0)
    opened = [record(number["path_open"], 3, 1, 0, 0, 0, o, 0, 3, 0, 0) for o in (0, 1, 9)]
    made = [record(number["sock_open"], f, t, 0) for f in (1, 2, 3) for t in (1, 2)]
    for name, call in number.items():
        if name.startswith(("fd_", "path_", "poll")):
            yield name + "-open", bytes(8) + b"".join(opened) + b"".join(record(call, fd) for fd in (5, 6, 7))
        else:
            yield name + "-sock", heads[3] + b"".join(made) + b"".join(record(call, fd, 0, 1) for fd in range(5, 11))
    serve = record(number["sock_open"], 1, 2, 0) + record(number["sock_bind"], 5, 0, 0, 3) + record(
        number["sock_listen"], 5, 4)
    come = record(act, 0, 0, 0) + record(number["sock_accept"], 5, 0, 0) + record(act, 2, 0, 9, *range(65, 90))
    use = record(number["poll_oneoff"], 1, 0, 1, 6) + record(number["sock_recv"], 6, 1, 0x90, 1, 1) + record(
        number["fd_write"], 6, 1, 1, 20)
    for i, head in enumerate(heads):
        yield f"serve-{i}", head + serve + come + use + record(252, 6, 95) + use


# ---- dns: dns.c ----


def dns():
    def question(name, kind):
        labels = b"".join(bytes([len(part)]) + part for part in name.split(b".")) + b"\0"
        return labels + struct.pack(">HH", kind, 1)

    for name in (b"a.test", b"localhost", b"x" * 63 + b".y-z_1"):
        for kind, data in ((1, bytes([10, 1, 2, 3])), (28, bytes(range(16)))):
            asked = question(name, kind)
            query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + asked
            query += b"\0" if len(query) % 2 else b""
            answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
            alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 3) + b"\1b\0"
            for flags in (0x8180, 0x8380, 0x8183):
                reply = struct.pack(">HHHHHH", 7, flags, 1, 2, 0, 0) + asked + alias + answer
                yield f"{len(name)}-{kind}-{flags}", bytes([len(query) // 2, 8 | (kind == 28)]) + query + reply


# ---- frames: frames.c ----


def frames():
    def frame(kind, body=b""):
        return struct.pack("<II", len(body), kind) + body

    hello = frame(1, struct.pack("<I", 1) + b"kv\x001.0\x00get\x00ii:i\x00")
    result, size, read_ = frame(2, bytes(8)), frame(6), frame(4, struct.pack("<II", 16, 64))
    write, log = frame(5, struct.pack("<I", 4000) + b"bytes"), frame(8, struct.pack("<I", 0) + b"words\x1b[1m")
    export, trap = frame(7, b"f\0" + bytes(16)), frame(3, b"it cannot be")
    for i, text in enumerate((hello, hello + result, log + hello + size + read_ + write + log + result,
                              frame(9) + hello)):
        for how in (0, 4, 8, 64):
            yield f"hello-{i}-{how}", bytes([how]) + text
    for i, text in enumerate((result, size + result, read_ + write + result, export + result + result, trap,
                              export + export + export + export + trap, frame(77), frame(2, b"123"),
                              struct.pack("<II", 1 << 30, 2), frame(7, b"no end"), frame(4), frame(5, b"12"))):
        for how in (1, 3, 5, 9):
            yield f"call-{i}-{how}", bytes([how]) + text


# ---- words: words.c ----


def words():
    options = re.findall(r'OPTION\("([\w-]+)", (\w+)', read("vmm/cli/options.def"))
    values = {"SIZE": "64K", "TIME": "300ms", "COUNT": "3", "GRANT": "/tmp::/d:ro", "ENV": "A=1", "CWD": "/d",
              "CHOICE": "exit", "ANY": "any"}
    for name, kind in options:
        for value in (values.get(kind, "127.0.0.1:80"), "", "127.0.0.1"):
            text = f"--{name}={value}" if value else f"--{name}"
            yield f"{name}-{len(value)}", b"\0" + "\0".join([text, "app.wasm", text, "--", "word"]).encode() + b"\0"


# ---- image: an ELF of three segments and a note ----


def elf(segments, note, entry=0x1c20000000, **other):
    """segments: (flags, address, bytes in the file, bytes in memory)"""
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", other.get("type", 2), other.get("machine", 62), 1, entry, 64, 0, 0, 64, 56,
        len(segments) + 1, 0, 0, 0)
    at = 64 + 56 * (len(segments) + 1)
    heads, body = struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(note), len(note), 4), note
    for flags, where, size, memory in segments:
        heads += struct.pack("<IIQQQQQQ", 1, flags, at + len(body), where, where, size, memory, 4096)
        body += b"\x90" * size
    return head + heads + body


def image():
    def number(name, text=read("wasi-shim/abi.h")):
        return int(re.search(rf"#define {name} (\d+)u?", text)[1])

    code, cpl0, data = (5, 0x1c20000000, 32, 4096), (5, 0x1c3c000000, 16, 4096), (6, 0x1c20200000, 8, 8192)
    note = struct.pack("<III", 7, 12, 1) + b"wasmvm\0\0" + struct.pack("<III", number("ABI_VERSION"), 0, 0)
    yield "whole", elf([code, data, cpl0], note)
    yield "two", elf([code, cpl0], note)
    yield "writable-code", elf([(7, *code[1:]), cpl0], note)
    yield "far", elf([code, (6, 1 << 63, 8, 8), cpl0], note)
    yield "overlap", elf([code, (6, 0x1c20000800, 8, 8), cpl0], note)
    yield "long", elf([code, (6, 0x1c20200000, 8, 1 << 63), cpl0], note)
    yield "kind", elf([code, cpl0], note, machine=3)
    yield "entry", elf([code, cpl0], note, entry=0)
    yield "note", elf([code, cpl0], note[:-4] + b"\xff" * 4)
    yield "many", elf([code, *[(6, 0x1c20200000 + 4096 * i, 1, 1) for i in range(9)], cpl0], note)


def main():
    target, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name, data in globals()[target]():
        with open(os.path.join(out, name), "wb") as f:
            f.write(data)


main()
