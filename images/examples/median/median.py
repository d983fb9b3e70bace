#!/usr/bin/env python3
"""A wasmvm plug-in in Python: statistics over numbers in the module's memory.

    wasmvm --plugin-exec stats='python3 median.py' app.wasm

The first half speaks the frames of docs/plugins.md, and knows nothing of statistics."""

import socket
import statistics
import struct

HELLO, RESULT, TRAP, READ, WRITE, SIZE, EXPORT, LOG = range(1, 9)
CALL, ANSWER = 16, 17
CELL = {"i": "<I4x", "I": "<Q", "f": "<f4x", "F": "<d"}  # integers arrive unsigned


class Plugin:
    def __init__(self, name, version):
        self.hello, self.functions = [name, version], []
        self.socket = socket.socket(fileno=3)
        self.input = self.socket.makefile("rb")

    def function(self, sig):
        def register(func):
            self.hello += [func.__name__, sig]
            self.functions.append((func, *sig.split(":")))
            return func
        return register

    def send(self, kind, *parts):
        body = b"".join(parts)
        self.socket.sendall(struct.pack("<II", len(body), kind) + body)

    def take(self, size):
        if len(data := self.input.read(size)) < size:
            raise SystemExit  # the monitor is gone
        return data

    def receive(self):
        length, kind = struct.unpack("<II", self.take(8))
        return kind, self.take(length)

    def run(self):
        self.send(HELLO, struct.pack("<I", 1), *(s.encode() + b"\0" for s in self.hello))
        while True:
            self.serve(self.receive()[1])

    def serve(self, body):
        func, params, result = self.functions[struct.unpack_from("<I", body)[0]]
        args = [struct.unpack_from(CELL[p], body, 4 + 8 * i)[0] for i, p in enumerate(params)]
        try:
            value = func(*args)
            if result in ("i", "I"):
                value &= 2 ** (32 if result == "i" else 64) - 1
            answer = RESULT, struct.pack(CELL[result], value) if result else bytes(8)
        except Exception as why:
            answer = TRAP, f"{func.__name__}: {why}".encode()
        self.send(*answer)

    def ask(self, kind, *parts):
        self.send(kind, *parts)
        while (frame := self.receive())[0] == CALL:  # an export that we asked for calls us
            self.serve(frame[1])
        return struct.unpack_from("<i", frame[1])[0], frame[1][4:]

    def read(self, pointer, size):
        status, data = self.ask(READ, struct.pack("<II", pointer, size))
        if status:
            raise ValueError(f"{size} bytes at {pointer} are not in memory")
        return data

    def write(self, pointer, data):
        if self.ask(WRITE, struct.pack("<I", pointer), data)[0]:
            raise ValueError(f"{len(data)} bytes at {pointer} are not in memory")


plugin = Plugin("stats", "1.0")


def numbers(pointer, count):
    return struct.unpack(f"<{count}d", plugin.read(pointer, 8 * count))


@plugin.function("ii:F")
def median(pointer, count):
    return statistics.median(numbers(pointer, count))


@plugin.function("ii:")
def sort(pointer, count):
    plugin.write(pointer, struct.pack(f"<{count}d", *sorted(numbers(pointer, count))))


plugin.run()
