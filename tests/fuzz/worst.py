#!/usr/bin/env python3
"""Worst cases for reader, validator and compiler: each module is made in two sizes, n and 2n, and compiled whole.

    tests/fuzz/worst.py COMPILE [NAME...]      (COMPILE: build/host/compile)

Time and heap must grow no faster than the size: twice the size takes at most GROWTH times as much (below FLOOR seconds
or megabytes nothing is compared), and the larger one stays under the bounds that its row states.  One check a row; the
last line is `N passed, N failed`."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from generate import I32, I64, section, sized, u, s, vec

RETRIES = 6
GROWTH = 3.0 # twice, and what a busy machine does to time
FLOOR_SECONDS, FLOOR_MB = 0.15, 4.0
EMPTY = b"\x60\x00\x00"


def repeat(code, n):
    return code * n


def counted(n, item):
    return u(n) + item * n


def module(types=(EMPTY,), funcs=b"\x01\x00", bodies=None, code=b"", declared=b"\x00", **sections):
    """One function of `code` unless bodies tells of more; sections: s4=..., each with its count in it."""
    if bodies is None:
        bodies = b"\x01" + sized(declared + code + b"\x0b")
    every = {1: vec(list(types)), 3: funcs, 10: bodies, **{int(name[1:]): body for name, body in sections.items()}}
    order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]
    return b"\0asm\x01\0\0\0" + b"".join(section(k, every[k]) for k in order if k in every)


def functype(params, results):
    return b"\x60" + vec([bytes([t]) for t in params]) + vec([bytes([t]) for t in results])


def nested(opening, n, inside=b""):
    return module(code=opening * n + inside + b"\x0b" * n, declared=b"\x01\x01\x7f")


def distinct_types(n):
    """Parameter lists that spell the number in binary."""
    types = []
    for k in range(n):
        bits = bin(k + 1)[2:]
        types.append(functype([I32 if bit == "0" else I64 for bit in bits], []))
    return module(types=types, funcs=b"\x01\x00", code=b"", bodies=None)


def locals_used(n):
    code = b"".join(b"\x20" + u(i) + b"\x21" + u((i + 1) % n) for i in range(n))
    return module(code=code, declared=b"\x01" + u(n) + b"\x7f")


def pending_reads(n):
    """Reads of n locals wait on the stack under n others, then each local is written."""
    n = min(n, 25000)
    code = b"".join(b"\x20" + u(i) for i in range(n)) + repeat(b"\x20\x00\x45", n)
    code += b"".join(b"\x41\x01\x21" + u(i) for i in range(n)) + repeat(b"\x6a", 2 * n - 1) + b"\x1a"
    return module(code=code, declared=b"\x01" + u(n) + b"\x7f")


def tables_of_targets(n):
    """br_table over n labels, and n br_tables over few."""
    code = repeat(b"\x02\x40", n) + b"\x20\x00\x0e" + vec([u(k) for k in range(n)]) + u(0) + repeat(b"\x0b", n)
    return module(code=code, declared=b"\x01\x01\x7f")


def thousand_results(n):
    """Blocks with 1,000 results, n branches to each."""
    types = [EMPTY, functype([], [I32] * 1000)]
    code = b"\x02\x01" + repeat(b"\x20\x00", 1000) + repeat(b"\x20\x00\x0d\x00", n) + b"\x0b" + repeat(b"\x1a", 1000)
    return module(types=types, code=code, declared=b"\x01\x01\x7f")


def calls_with_live_locals(n):
    code = b"".join(b"\x20\x00\x21" + u(i) for i in range(1, 512)) + repeat(b"\x10\x00", n)
    code += b"".join(b"\x20" + u(i) + b"\x1a" for i in range(512)) + b"".join(
        b"\x20" + u(i) + b"\x24\x00" for i in range(512))
    return module(code=code, declared=b"\x01" + u(512) + b"\x7f", s6=b"\x01\x7f\x01\x41\x00\x0b")


def loops_with_uses(n):
    """Nested loops, each with a local of its own that is read at the top and written at the bottom."""
    count = 500
    opening = b"".join(b"\x03\x40\x20" + u(k % count) + b"\x45\x0d\x00" for k in range(n))
    ending = b"".join(b"\x20" + u(k % count) + b"\x41\x01\x6a\x21" + u(k % count) + b"\x20\x00\x0d\x00\x0b"
                      for k in range(n))
    return module(code=opening + ending, declared=b"\x01" + u(count) + b"\x7f")


def exports_named(n):
    return module(s7=u(n) + b"".join(sized(b"e%d" % k) + b"\x00\x00" for k in range(n)))


def value_blocks(n):
    """An if with a value in the operand of the next one."""
    return module(code=repeat(b"\x20\x00\x04\x7f\x41\x01\x05", n) + b"\x41\x02" + repeat(b"\x0b", n) + b"\x1a",
                  declared=b"\x01\x01\x7f")


def calls_of_types(n):
    """n types, n elements of a table, and a call_indirect of each type."""
    spelled = [[I32 if bit == "0" else I64 for bit in bin(k + 1)[3:]] for k in range(n)]
    zero = {I32: b"\x41\x00", I64: b"\x42\x00"}
    code = b"".join(b"".join(zero[t] for t in spelled[k]) + b"\x41\x00\x11" + u(k) + b"\x00" for k in range(n))
    return module(types=[functype(params, []) for params in spelled], s4=TABLE + u(n), code=code,
                  s9=b"\x01\x00\x41\x00\x0b" + counted(n, b"\x00"))


def imports_named(n):
    return module(s2=u(n) + b"".join(b"\x01m" + sized(b"f%d" % k) + b"\x00\x00" for k in range(n)))


def vector_constants(n):
    code = b"".join(b"\xfd\x0c" + k.to_bytes(16, "little") + b"\xfd\x51" for k in range(n))
    return module(code=b"\x41\x00\xfd\x0c" + bytes(16) + code + b"\xfd\x0b\x00\x00", s5=b"\x01\x00\x01")


TABLE = b"\x01\x70\x00" # then its elements
# Name: (what makes it, n, seconds and MB of heap that 2n may take).  Seconds are for a busy machine.
CASES = {
    "nested blocks": (lambda n: nested(b"\x02\x40", n), 100000, 2, 120),
    "nested loops": (lambda n: nested(b"\x03\x40", n), 100000, 4, 250),
    "nested loops, used": (loops_with_uses, 10000, 4, 300),
    "nested ifs": (lambda n: nested(b"\x20\x00\x04\x40", n), 100000, 4, 250),
    "nested ifs with values": (value_blocks, 50000, 4, 300),
    "locals": (locals_used, 25000, 2, 60),
    "pending reads of locals": (pending_reads, 12500, 2, 120),
    "1 MiB function": (lambda n: module(code=repeat(b"\x20\x00\x41\x01\x6a\x21\x00\x01", n // 8),
                                        declared=b"\x01\x01\x7f"), 1 << 20, 4, 250),
    "1 MiB of conditions": (lambda n: module(code=repeat(b"\x02\x40\x20\x00\x0d\x00\x0b\x01", n // 8),
                                             declared=b"\x01\x01\x7f"), 1 << 20, 6, 400),
    "functions": (lambda n: module(funcs=counted(n, b"\x00"), bodies=counted(n, b"\x02\x00\x0b")), 100000, 6, 120),
    "types, distinct": (distinct_types, 100000, 4, 80),
    "types, equal": (lambda n: module(types=[EMPTY] * n), 100000, 2, 60),
    "globals": (lambda n: module(s6=counted(n, b"\x7f\x01\x41\x00\x0b")), 100000, 2, 60),
    "exports": (exports_named, 100000, 4, 60),
    "data segments": (lambda n: module(s5=b"\x01\x00\x01", s11=counted(n, b"\x00\x41\x00\x0b\x01x")), 100000, 2, 60),
    "element segments": (lambda n: module(s4=TABLE + b"\x01", s9=counted(n, b"\x00\x41\x00\x0b\x01\x00")),
                         100000, 2, 60),
    "items of a segment": (lambda n: module(s4=TABLE + u(n), s9=b"\x01\x00\x41\x00\x0b" + counted(n, b"\x00")),
                           100000, 2, 60),
    "br_table to one": (lambda n: module(code=b"\x20\x00\x0e" + counted(n, b"\x00") + b"\x00",
                                         declared=b"\x01\x01\x7f"), 100000, 2, 60),
    "br_table to all": (tables_of_targets, 50000, 4, 200),
    "1,000 results": (thousand_results, 500, 6, 450),
    "tables": (lambda n: module(s4=counted(n, b"\x70\x00\x01")), 50000, 2, 60),
    "memories": (lambda n: module(s5=counted(n, b"\x00\x01")), 500, 2, 10),
    "imports": (imports_named, 50000, 4, 100),
    "constants of vectors": (vector_constants, 50000, 4, 250),
    "calls through a table, of all types": (calls_of_types, 5000, 4, 150),
    "huge tables": (lambda n: module(s4=TABLE + u(n)), 5000000, 2, 100),
    "huge memories": (lambda n: module(s5=b"\x01\x00" + u(n)), 32768, 2, 10),
    "pending temporaries": (lambda n: module(code=repeat(b"\x20\x00\x45", n) + repeat(b"\x6a", n - 1) + b"\x1a",
                                             declared=b"\x01\x01\x7f"), 500000, 6, 540),
    "calls with 512 live locals": (calls_with_live_locals, 10000, 6, 120),
    "blocks under pending values": (lambda n: module(code=repeat(b"\x20\x00\x45\x02\x40\x0b", n) + repeat(b"\x1a", n),
                                                     declared=b"\x01\x01\x7f"), 50000, 4, 120),
}
LINE = re.compile(r"(\d+) functions, (\d+) failed \((.*)\), .* in ([0-9.]+) s: .* heap ([0-9.]+) MB")


def measure(runner, make, n):
    with tempfile.NamedTemporaryFile(suffix=".wasm") as f:
        f.write(make(n))
        f.flush()
        run = subprocess.run([runner, f.name], capture_output=True, text=True, timeout=1200)
    found = LINE.search(run.stdout)
    if not found or found[1] == "0" or found[2] != "0":
        raise ValueError(f"n = {n}: status {run.returncode}: {run.stdout.strip()} {run.stderr.strip()}")
    return float(found[4]), float(found[5])


def check(runner, make, n, seconds_max, heap_max):
    """What is wrong, or None; and a line of figures."""
    (t1, h1), (t2, h2) = measure(runner, make, n), measure(runner, make, 2 * n)
    for _ in range(RETRIES):  # a busy machine adds to a time and never takes away: the least counts
        if t2 <= min(GROWTH * max(t1, FLOOR_SECONDS), seconds_max):
            break
        t1 = min(t1, measure(runner, make, n)[0])
        t2 = min(t2, measure(runner, make, 2 * n)[0])
    figures = f"{t1:.2f} s, {h1:.0f} MB; twice the size: {t2:.2f} s, {h2:.0f} MB"
    if t2 > seconds_max or h2 > heap_max:
        return f"more than {seconds_max} s or {heap_max} MB", figures
    if t2 > GROWTH * max(t1, FLOOR_SECONDS) or h2 > GROWTH * max(h1, FLOOR_MB):
        return "grows faster than the size", figures
    return None, figures


def main():
    runner, names = sys.argv[1], sys.argv[2:] or list(CASES)
    passed = failed = 0
    for name in names:
        make, n, seconds_max, heap_max = CASES[name]
        try:
            wrong, figures = check(runner, make, n, seconds_max, heap_max)
        except (ValueError, subprocess.TimeoutExpired) as error:
            wrong, figures = str(error), ""
        print(f"{name + ', ' + str(n):40} {figures}{'   WRONG: ' + wrong if wrong else ''}", flush=True)
        passed, failed = passed + (wrong is None), failed + (wrong is not None)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
