#!/usr/bin/env python3
"""Inputs that the monitor's fuzz targets begin with: tests/fuzz/inputs.py TARGET DIRECTORY

calls: each call alone, and sequences that lead somewhere; dns: questions and answers; frames: each frame of a plug-in;
words: command lines, an option each; image: the smallest ELF that is taken, and parts of it that lie; saved: small
images of starts, and some that lie."""

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
    for some in (devices, listings, unix, resolver, batches, options):
        yield from some(number)


# ---- sequences that lead somewhere: devices, names of descriptors, unix sockets, the resolver, batches ----

RECEIVE, CONTENT = (1, 0x90, 0, 0x10), (1, 1, 0x20)  # one iovec: room, or bytes of the record
LOOPBACK, RESOLVER = (0, 0), (0, 1)  # addresses
PORT_TCP, PORT_GUEST, PORT_ANY, PORT_DNS = 0, 3, 4, 6
NAMES_OF_DEVICES = range(0xd8, 0xf0)  # arguments.c: more_texts


def known(index):
    """The byte by which arguments.c's texts are asked for."""
    return 0xa0 + (index - 0xa0 % 24) % 24


def devices(number):
    for which in (0xd8, 0xd9):  # signals; both ends of a pipe
        opened = record(number["path_open"], 0xf0, 0, which, 0, 0, 0, 0, 3)
        use = b"".join(record(number[call], fd, *words) for fd in (5, 6) for call, words in (
            ("fd_write", CONTENT), ("fd_read", RECEIVE), ("fd_fdstat_get", (3,)), ("fd_filestat_get", (3,))))
        raised = b"".join(record(200, 11, 0, 0, n) for n in (1, 2, 15, 63, 0))
        wait = record(number["poll_oneoff"], 2, 0, 1, 5, 0, 2, 6, 5, 3)
        again = record(number["fd_close"], 5) + opened
        yield f"device-{which}", bytes(8) + opened + use + raised + wait + use + opened + again
        yield f"device-few-{which}", bytes([8, 0, 0, 0, 0, 0, 0, 0]) + opened * 9
    for which in NAMES_OF_DEVICES:
        for streams, limits in ((0o0, 0), (0o55, 0), (0o22, 8), (0o40, 0)):
            paths = b"".join(record(number["path_open"], fd, look, which, flags, right, 0, 0, 3)
                             for fd in (5, 3) for look, flags, right in ((1, 0, 4), (0, 0, 5), (1, 2, 3), (1, 9, 0)))
            use = b"".join(record(number[call], fd, *words) for fd in (6, 7) for call, words in (
                ("fd_write", CONTENT), ("fd_read", RECEIVE), ("fd_readdir", (0, 16, 0, 3)), ("fd_close", ())))
            told = record(number["path_filestat_get"], 5, 1, which, 3) + record(
                number["path_readlink"], 5, which, 0, 16, 3)
            yield f"name-{which}-{streams}", bytes([limits, 0, streams, 12, 255, 3, 1, 0]) + paths + use + told


def listings(number):
    """Directories read to and fro, when few positions are left, and when all are."""
    opened = record(number["path_open"], 3, 1, 0, 1, 2, 1, 0, 0, 3)
    read_all = [record(number["fd_readdir"], fd, 0, size, cookie, 3)
                for cookie in (0, 1, 3, 5, 60) for fd in (3, 4, 5) for size in (0x45, 30, 0x40)]
    for limits in (0, 8):
        yield f"listing-{limits}", bytes([limits, 0, 0, 8, 255, 15, 16, 0]) + opened + b"".join(read_all[:28])


def unix(number):
    at = {"new": (4, 0, 0, 12), "in-d": (4, 0, 1, 1, 12), "link": (4, 0, 1, 6, 12), "up": (4, 0, 1, 10, 12),
          "dots": (4, 0, 0, 10), "file": (4, 0, 0, 0), "loop": (4, 0, 0, 7), "none": (4, 0, 0, 14),
          "abs": (4, 0, 1, 8, 12), "gone": (4, 0, 1, 9, 12)}
    for kind in (1, 2):
        for name, where in at.items():
            served = record(number["sock_open"], 3, kind, 0) + record(number["sock_bind"], 5, *where, 4) + record(
                number["sock_bind"], 5, *at["new"], 4) + record(number["sock_listen"], 5, 4)
            come = record(number["sock_open"], 3, kind, 0) + record(number["sock_connect"], 6, *where, 4) + record(
                number["sock_accept"], 5, 0, 3)
            use = b"".join(record(number[call], fd, 4, 0, 0, 12, 3) for fd in (5, 6, 7)
                           for call in ("sock_getlocaladdr", "sock_getpeeraddr"))
            sent = record(number["sock_send_to"], 6, *CONTENT, *where, 4, 0, 3) + record(
                number["sock_send"], 6, *CONTENT, 0, 3) + record(
                number["sock_recv_from"], 5, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5) + record(
                number["sock_recv"], 7, *RECEIVE, 0, 3, 4)
            for head in (4, 12):
                yield f"unix-{name}-{kind}-{head}", bytes([head, 0, 0, 0, 255, 15, 7, 0]) + served + come + use + sent


def resolver(number):
    def answers(call, *words, how=0, n=2):
        return bytes([call, *words]).ljust(16, b"\0") + bytes([how, n, 10, 60, 11, 60, 127, 1]).ljust(16, b"\0")

    for head in (1, 3, 9):
        for node in (8, 9, 10, 11, 14, 23):
            for how in (0, 1, 2, 3, 4, 7, 8, 24):
                yield f"lookup-{head}-{node}-{how}", bytes([head, 4, 0, 0, 255, 9, 7, 0]) + b"".join(
                    answers(number["sock_getaddrinfo"], known(node), known(service), flags, 1, 2, 3, 8, 3, how=how, n=n)
                    for service, flags, n in ((13, 0, 2), (12, 1, 0), (21, 3, 7), (13, 2, 3)))
        for kind in (1, 2):
            ask = [record(number["sock_open"], 1, kind, 0),
                   record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)]
            for word in (0x90, 0x91, 0x92, 0x93, 0x98, 0x99, 0x9a, 0x20, 2):
                for how in (0, 1, 7):
                    ask.append(answers(number["fd_write"], 6, 1, 1, word, 3, how=how))
                    ask.append(answers(number["sock_recv"], 6, *RECEIVE, 0, 3, 4, how=how))
            ask.append(answers(number["poll_oneoff"], 2, 0, 1, 6, 0, 2, 6, 5, 3))
            yield f"asked-{head}-{kind}", bytes([head, 4, 0, 0, 255, 9, 7, 0]) + b"".join(ask[:31])
            yield f"asked-late-{head}-{kind}", bytes([head, 4, 0, 0, 255, 9, 7, 0]) + b"".join(ask[:2] + ask[31:])
        sent = answers(number["sock_send_to"], 6, 1, 1, 0x90, *RESOLVER, PORT_DNS, 0, 3)
        yield f"asked-unconnected-{head}", bytes([head, 4, 0, 0, 0, 0, 0, 0]) + record(
            number["sock_open"], 1, 1, 0) + sent * 3 + answers(
            number["sock_recv_from"], 6, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5) * 3


def batches(number):
    made = record(number["sock_open"], 1, 2, 0) + record(number["sock_connect"], 5, *LOOPBACK, PORT_TCP)
    made += record(200, 1)
    heard = record(200, 2, 0, 9, *range(65, 89)) + record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4)
    written = record(252, 5, 16, 5, 200, 5, 60)
    ends = ((number["sock_shutdown"], 5, 1), (number["fd_close"], 5), (200, 4, 0), (200, 5, 0), (200, 3, 0),
            (number["sock_getsockopt"], 5, 0, 2, 3, 4), (number["fd_write"], 5, *CONTENT, 3))
    for i, last in enumerate(ends):
        for limits, bytes_each in ((0, 0), (8, 8), (8, 9)):
            head = bytes([0x40 | limits, 0, 0, 0, 8, bytes_each, 7, 0])
            yield f"batch-{i}-{bytes_each}", head + made + (heard + written * 3) * 3 + record(*last) + written + record(
                number["poll_oneoff"], 1, 0, 1, 5, 3) + record(number["fd_close"], 5)


def options(number):
    made = b"".join(record(number["sock_open"], family, kind, 0) for family, kind in ((1, 2), (1, 1), (2, 2)))
    levels = [(0, n) for n in range(16)] + [(6, n) for n in (15, 16, 17, 18)] + [(41, 26), (63, 1)]
    for fd in (5, 6, 7):
        for size in (2, 4, 8, 16, 40):
            for part in (levels[:11], levels[11:]):
                yield f"options-{fd}-{size}-{part[0][1]}", bytes(8) + made + b"".join(
                    record(number["sock_setsockopt"], fd, *at, 0, size) + record(
                        number["sock_getsockopt"], fd, *at, 3, size) for at in part)


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
