#!/usr/bin/env python3
"""Inputs that the monitor's fuzz targets begin with: tests/fuzz/inputs.py TARGET DIRECTORY

calls: sequences.py and rare.py; dns: questions and answers; frames: each frame of a plug-in; pages: moves of a
library's process; words: command lines, an option each; image: the smallest ELF that is taken, and parts of it that
lie; saved: small images of starts, and some that lie."""

import os
import re
import struct
import sys

import rare
import sequences

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def calls():
    yield from sequences.calls()
    yield from rare.calls()


# ---- pages: pages.c ----


def pages():
    answer, trap, export, text, end, sleeps = b"\0\1\2\3", b"\1\0\0\0", b"\2\1\5\0", b"\4\3", b"\x08", b"\x09\1"
    waits = b"\x0f" * 3
    told = {"answer": answer, "trap": trap, "export": export + waits + answer, "text": text + trap,
            "long": b"\4\xff" + trap, "name": b"\4\xff" + export, "end": end + b"\1", "byte": b"\6" + waits + answer,
            "kind": b"\3\7\1\2\3",
            "many": b"\2\x45\0\0", "given": b"\x0a\1\0\0\0" + answer, "number": b"\x0b\xff\xff\xff\xff" + export,
            "sleeps": sleeps + answer, "bytes": b"\5\0\0\4\1\0\0\0" + answer, "silent": waits}
    for name, moves in told.items():
        for how in range(16):
            for first in (b"", waits, waits * 3):
                yield f"{name}-{how}-{len(first)}", bytes([how, 0, 0]) + (first + moves) * 6
    late = (waits * 20 + b"\2\1\5\0") * 2 + waits * 20 + answer
    yield "late", bytes([7, 0, 0]) + late * 4
    yield "long-signature", b"\0\0\0\7\x3f" + (struct.pack("<III", 200, 1, 0) + b"n\0v\0m\0f\0").ljust(
        63, b"i") + b"\7\x3f" + b"i" * 63 + b"\7\x3f" + b"i" * 63 + b"\7\x13" + b"i" * 17 + b":\0" + answer
    for how in (16, 17, 25):
        yield f"cpu-time-{how}", bytes([how, 0, 0]) + waits + answer
    for count in range(1, 24):
        for errno in (0, 2, 4):
            yield f"fault-{count}-{errno}", bytes([1, count, errno]) + answer * 8
    frame = struct.pack("<IIIB", 5, 1, 0, 0)
    for hello in (frame, struct.pack("<II", 3, 3) + b"why", struct.pack("<II", 0xffffffff, 1),
                  struct.pack("<II", 4, 2) + b"abcd", struct.pack("<III", 15, 1, 0) + b"n\0v\0m\0f\0i:\0",
                  struct.pack("<III", 13, 1, 0xffff) + b"n\0v\0m\0f\0:"):
        for ends in (b"", end):
            yield f"hello-{len(hello)}-{hello[4]}-{hello[8:9]}-{len(ends)}", b"\0\0\0\7" + bytes(
                [len(hello)]) + hello + ends + answer * 4


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


# ---- saved: a head and extents; the last byte asks for sums and a length that are right ----


def saved():
    def head(extents, module=100, parts=(0x10000, 0x800000, 0x10000, 0x20000), **other):
        numbers = struct.pack("<QQ4Q4I", module, other.get("file", 0), *parts, other.get("count", len(extents)), 7, 0,
                              other.get("carries", 0))
        text = bytes(16) + bytes(range(64)) + numbers + other.get("name", b"app.wasm").ljust(64, b"\0") + bytes(48)
        return text + b"".join(struct.pack("<4I", *extent) for extent in extents)

    good = [(0, 0, 1, 5), (0, 3, 2, 5), (1, 0x1ff, 1, 5), (1, 0x200, 8, 5), (2, 1, 3, 5), (3, 0, 32, 5)]
    for last in (1, 3):
        end = bytes([last])
        yield f"whole-{last}", head(good) + end
        yield f"none-{last}", head([]) + end
        yield f"module-{last}", head(good[:2], carries=1, module=3000) + bytes(3000) + end
        yield f"order-{last}", head(good[::-1]) + end
        yield f"frames-{last}", head([(1, 0x1ff, 2, 0)]) + end
        yield f"outside-{last}", head([(0, 16, 1, 0)]) + end
        yield f"wraps-{last}", head([(1, 0xffffffff, 1, 0), (1, 0, 0xffffffff, 0)]) + end
        yield f"empty-{last}", head([(0, 1, 0, 0)]) + end
        yield f"parts-{last}", head([(4, 0, 1, 0)]) + end
        yield f"size-{last}", head(good, parts=(1 << 63, 1, 0x1000, 0x1000)) + end
        yield f"long-{last}", head(good, module=1 << 30) + end
        yield f"no-module-{last}", head(good, module=0) + end
        yield f"more-{last}", head(good, count=4081) + end
        yield f"name-{last}", head(good, name=b"n" * 64) + end
        yield f"carries-{last}", head(good, carries=2) + end


def main():
    target, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name, data in globals()[target]():
        with open(os.path.join(out, name), "wb") as f:
            f.write(data)


main()
