"""More modules for the fuzzer of modules: what random changes of the others come upon in hours only.

    rare_modules.py DIRECTORY

Every vector instruction, as the table has it, and the shuffles that have an instruction of the CPU's.  The target takes
its CPU from a hash of the input: of each module there is one for every CPU of CPUS."""
import os
import re
import struct
import sys

from generate import F32, F64, I32, I64, NUMBERS, const, name, section, sized, u, vec

V128 = 0x7B
TYPES = {"i": I32, "I": I64, "f": F32, "F": F64, "v": V128}
ROW = re.compile(r'OPCODE\(0x(\w+), \w+, +IMM_(\w+), +"([iIfFv]*)", +"([iIfFv]*)", FAM_(SIMD\w*)\)')
TABLE = os.path.join(os.path.dirname(__file__), "../../engine/load/opcodes.def")
SSE41, SSE42, AVX, SSSE3 = 1 << 0, 1 << 1, 1 << 6, 1 << 9 # engine.h
CPUS = (0x3FF, 0x3FF & ~AVX, 0x3FF & ~SSE42, SSE41 | SSSE3, SSE42, 0)
FUNCTIONS = 40 # of a module: below 8 KiB


def rows():
    with open(TABLE) as f:
        return [(int(code, 16), imm, pops, pushes) for code, imm, pops, pushes, _ in ROW.findall(f.read())]


def immediate(imm, high):
    """The last lane, or the first."""
    if imm == "V128":
        return bytes(range(16))
    if imm == "SHUFFLE":
        return bytes(range(31, 15, -1)) if high else bytes(range(16))
    out = b""
    if imm.startswith("MEM"):
        out = b"\0" + u(8 if high else 0)
        if imm.endswith("_LANE"):
            out += bytes([128 // int(imm[3:-5]) - 1 if high else 0])
    elif imm.startswith("LANE"):
        out = bytes([int(imm[4:]) - 1 if high else 0])
    return out


def vector(code, imm=b""):
    return b"\xfd" + u(code - 0x200) + imm


def get(local):
    return b"\x20" + u(local)


def loaded(t):
    """A value of the type that nothing holds."""
    load = {I32: b"\x28", I64: b"\x29", F32: b"\x2a", F64: b"\x2b", V128: b"\xfd\x00"}[t]
    return const(I32, 64) + load + b"\0\0"


def constant(t):
    return b"\xfd\x0c" + bytes(range(1, 17)) if t == V128 else const(t, 3)


def bodies(code, imm, pops, pushes):
    """(types of parameters, of results, instructions): operands in registers, swapped, the same, loaded, constant."""
    takes, gives = [TYPES[c] for c in pops], [TYPES[c] for c in pushes]
    there = range(len(takes))
    ways = [[get(i) for i in there], [loaded(t) for t in takes], [constant(t) for t in takes]]
    if pops == "vv":
        ways += [[get(1), get(0)], [get(0), get(0)], [get(0), loaded(V128)], [loaded(V128), get(0)],
                 [get(0), constant(V128)], [constant(V128), get(0)]]
    for k, way in enumerate(ways):
        yield takes, gives, b"".join(way) + vector(code, immediate(imm, k % 2))


def shuffles():
    """The lanes of each pattern of emit_simd_lane.c; then of each one that is nearly so."""
    for size in range(4):
        for half in (0, 8):
            yield [(i >> size >> 1 << size) + (i & (1 << size) - 1) + half | (i >> size & 1) << 4 for i in range(16)]
    for first in (1, 5, 8, 15):
        yield [first + i for i in range(16)]
    for mask in (0x01, 0x5A, 0x80):
        yield [i | (mask >> i // 2 & 1) << 4 for i in range(16)]
    dwords = [(0, 1, 4, 5), (3, 2, 7, 4), (1, 1, 6, 6), (5, 4, 1, 0), (0, 4, 1, 2), (0, 5, 4, 6), (4, 1, 6, 7),
              (1, 2, 0, 4), (1, 2, 4, 0), (3, 2, 1, 0), (0, 0, 0, 0), (2, 2, 2, 2), (7, 6, 5, 4), (5, 5, 5, 5)]
    for order in dwords:
        yield [4 * d + i for d in order for i in range(4)]
    for words in ((1, 0, 3, 2, 4, 5, 6, 7), (0, 1, 2, 3, 7, 6, 5, 4), (3, 2, 1, 0, 7, 6, 5, 4),
                  (0, 0, 0, 0, 4, 4, 4, 4), (5, 5, 5, 5, 5, 5, 5, 5)):
        yield [2 * w + i for w in words for i in range(2)]
    for byte in (0, 3, 15, 20):
        yield [byte] * 16
        yield [byte + i & 15 for i in range(16)]
        yield [(byte * 7 + 11 * i) % 32 for i in range(16)]
    for at in (1, 6, 15):
        yield [31 if i == at else i for i in range(16)]
        yield [i | 16 if i == at else i for i in range(16)]


def shuffle_bodies():
    for lanes in shuffles():
        other = [lane ^ 16 for lane in lanes]
        for which, operands in ((lanes, (get(0), get(1))), (other, (get(0), get(1))), (lanes, (get(0), get(0))),
                                (lanes, (loaded(V128), get(1))), (other, (get(0), loaded(V128)))):
            yield [V128, V128], [V128], b"".join(operands) + vector(0x20D, bytes(which))


def module(funcs):
    types = [b"\x60" + vec([bytes([t]) for t in p]) + vec([bytes([t]) for t in q]) for p, q, _ in funcs]
    kinds = sorted(set(types))
    return b"\0asm\x01\0\0\0" + section(1, vec(kinds)) + section(3, vec([u(kinds.index(t)) for t in types])) + section(
        5, vec([b"\x01\x01\x01"])) + section(10, vec([sized(b"\0" + code + b"\x0b") for _, _, code in funcs]))


def hashed(h, data):
    for byte in data:
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def with_hash(data, fits):
    """The module with custom sections of four bytes that make module.c's hash one that fits: each one that does."""
    head = data + b"\0\x06" + name("x")
    begun = hashed(len(head) + 4, head)
    for n in range(1 << 24):
        most = n.to_bytes(3, "little")
        h = hashed(begun, most)
        for last in range(256):
            if fits((h ^ last) * 0x01000193 & 0xFFFFFFFF):
                yield head + most + bytes([last])


def for_cpu(data, cpu):
    """For this CPU, and for a large heap."""
    return next(with_hash(data, lambda h: h >> 29 and h >> 2 & 0x3FF == cpu))


HEADER = b"\0asm\x01\0\0\0"
NOTHING = sized(b"\0\x0b")
GO_MAGIC = struct.pack("<Q", 0x08010000FFFFFFF1)


def go_table(first, count=3, names=80, funcs=160, starts=None, name_at=0, text=b"main.one\0", record=100):
    """A module without names, with a table of Go's at 8 in memory (engine/load/gonames.c)."""
    table = GO_MAGIC + struct.pack("<Q16xQ24xQ", count, names, funcs)
    table = table.ljust(80, b"\0") + text.ljust(80, b"\0")
    for k in range(4):
        start = starts[k] if starts else first + (k << (16 if first > 0x1000 else 0))
        table += struct.pack("<II", start, record)
    table = table.ljust(160 + 100 + 4, b"\0") + struct.pack("<I", name_at)
    data = b"\0" + const(I32, 8) + b"\x0b" + sized(table.ljust(400, b"\0"))
    return HEADER + section(1, vec([b"\x60\0\0"])) + section(3, vec([b"\0"] * 4)) + section(
        5, vec([b"\0\x01"])) + section(10, vec([NOTHING] * 4)) + section(11, vec([data]))


def go_tables():
    for first in (0x1000, 0x1000 << 16):
        yield go_table(first)
    yield go_table(0x1001)
    for wrong in (dict(names=71), dict(names=1 << 20), dict(funcs=80), dict(funcs=1 << 20), dict(count=1),
                  dict(count=1 << 20), dict(starts=(0x1000, 0x1002, 0x1004, 0x1006)), dict(name_at=0xFFFFFFFF),
                  dict(name_at=65536 - 88), dict(record=0xFFFFFFF0), dict(text=b"long" * 20), dict(funcs=65535),
                  dict(funcs=65520, count=0)):
        yield go_table(0x1000, **wrong)


def many():
    """What is told in few bytes and makes arrays grow."""
    one = section(1, vec([b"\x60\0\0"]))
    yield HEADER + one + section(3, vec([b"\0"] * 1100)) + section(10, vec([NOTHING] * 1100))
    kinds = [b"\x60" + vec([bytes([a]), bytes([b]), bytes([c]), bytes([d])]) + b"\0"
             for a in NUMBERS for b in NUMBERS for c in NUMBERS for d in NUMBERS]
    yield HEADER + section(1, vec(kinds + kinds[:9])) + section(3, vec([b"\0"])) + section(10, vec([NOTHING]))
    for n in (17, 33, 65, 129):
        sums = const(I32, 1) * n + b"\x6a" * (n - 1) + b"\x0b"
        yield HEADER + one + section(5, vec([b"\0\x01"])) + section(6, vec([b"\x7f\0" + sums])) + section(
            11, vec([b"\0" + sums + sized(b"ab")]))
    yield HEADER + section(5, vec([b"\0\0"] * 40))
    yield HEADER + section(5, vec([b"\0\x11"]))
    yield HEADER + section(4, vec([b"\x70\0" + u(10000001)]))
    for imports in (u(1000001), u(2) + name("a") + b"\x05a", u(1) + name("a") + name("b") + b"\x09", u(1) + b"\x01\xff",
                    u(70), u(1) + name("a") + b"\x01\xff\0\0"):
        yield HEADER + section(2, imports)
    for n in (300, 700):
        uses = (get(0) + b"\x1a") * n + (get(0) + get(0) + b"\x6a\x21\0") * 300
        yield module([([I32], [], uses)])
    blocks = (b"\x02\x40" + get(0) + b"\x0d\0\x0b") * 900
    yield module([([I32], [], blocks)])


def controlled(types, sigs, bodies, table=1):
    return HEADER + section(1, vec(types)) + section(3, vec([u(k) for k in sigs])) + section(
        4, vec([b"\x70\0" + u(table)])) + section(5, vec([b"\0\x01"])) + section(
        10, vec([sized(b"\0" + code + b"\x0b") for code in bodies]))


def control():
    wide = b"\x60" + vec([bytes([I32])] * 30) + b"\0"
    none, mono, same = b"\x60\0\0", b"\x60\x01\x7f\0", b"\x60\x01\x7f\x01\x7f"
    arguments = b"".join(const(I32, k) for k in range(30))
    for caller in (none, wide, mono):
        yield controlled([caller, wide], [0], [arguments + const(I32, 0) + b"\x13\x01\0"])
        yield controlled([caller, wide], [0, 1], [arguments + b"\x12\x01", b""])
    # a loop with a parameter that begins by a dispatch
    yield controlled([mono, same], [0], [const(I32, 7) + b"\x03\x01" + get(0) + b"\x0e\x02\0\0\0\x0b\x1a"])
    yield controlled([mono], [0], [b"\x03\x40\x02\x40\x02\x40" + get(0) + b"\x0e\x02\0\x01\x02\x0b\x0b\x0b"])
    # tables of any size, called through by many types
    pairs = [(a, b) for a in NUMBERS for b in NUMBERS]
    kinds = [b"\x60" + vec([bytes([a]), bytes([b])]) + b"\0" for a, b in pairs]
    calls = b"".join(const(a, 0) + const(b, 0) + const(I32, 1) + b"\x11" + u(k) + b"\0"
                     for k, (a, b) in enumerate(pairs))
    for size in (2, 300000, 5000000):
        yield controlled(kinds + [none], [16], [calls], size)


def modules():
    yield from go_tables()
    yield from many()
    yield from control()
    funcs = [one for row in rows() for one in bodies(*row)] + list(shuffle_bodies())
    for at in range(0, len(funcs), FUNCTIONS):
        yield module(funcs[at:at + FUNCTIONS])


def write(out):
    for k, data in enumerate(modules()):
        for cpu in CPUS:
            with open(f"{out}/rare-{k}-{cpu:x}", "wb") as f:
                f.write(for_cpu(data, cpu))


if __name__ == "__main__":
    write(sys.argv[1])
