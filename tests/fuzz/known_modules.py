"""Modules that each hold one body of Go's standard library that the engine recognises (engine/run/known.def).

    known_modules.py DIRECTORY [MODULE...]     (MODULE: tests/known, built by some Go; the newest comes last)

Without a MODULE it builds one by each Go that tests/known/run.py can have, and says which that are not.  LONGEST=N in
the environment: no module is longer (8192 bytes, as the fuzzer takes them).

What shape.c leaves out of its hash is renumbered, so that a module is small: callees, the function's own number in its
program counters, the addresses of tables.  All else is Go's.  Callees that known.def has are there; in place of others
are functions that return 0.  Each module is also changed in what run/known.c and x64/front.c look at, and is there for
each CPU, for memory at address 0 and elsewhere, and with little heap (as module.c takes them from a hash)."""
import os
import re
import struct
import sys
import tempfile
from itertools import islice

from generate import F32, I32, I64, const, name, s, section, sized, u, vec
from rare_modules import HEADER, get, with_hash

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/known"))
from run import VERSIONS, built

LONGEST = int(os.environ.get("LONGEST", "8192"))
GO_FUNC_FIRST, BODY_LEAST, BODY_MOST, HEAD = 0x1000, 40, 4096, 12
MASK = (1 << 64) - 1


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


# ---- shape.c, again ----


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def leb(self):
        n = shift = 0
        while True:
            byte = self.byte()
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n, n - (1 << shift) if byte & 0x40 else n

    def u(self):
        return self.leb()[0]

    def s(self):
        return self.leb()[1]

    def bytes(self, n):
        self.at += n
        return self.data[self.at - n:self.at]


IMMEDIATES = {int(code, 16): imm for code, imm in re.findall(
    r"OPCODE\(0x(\w+), \w+, +IMM_(\w+),", read("engine/load/opcodes.def"))}
COUNTED = {"LABEL": 1, "LOCAL": 1, "GLOBAL": 1, "MEMORY": 1, "MEM8": 2, "MEM16": 2, "MEM32": 2, "MEM64": 2,
           "MEMORY2": 2}


def is_linked(v):
    return 0x1000 <= v < 1 << 44 and v != 0xFFFFFFFF


class Shape:
    """parts: bytes, and (kind, number) for what is left out of the hash.  Not whole: no known body has its like."""

    def __init__(self, body, most=1 << 30):
        self.hash, self.parts, self.whole = 0xCBF29CE484222325, [], True
        self.r, self.kept = Reader(body), 0
        for _ in range(self.r.u()):
            self.mix(self.r.u())
            self.mix(self.r.byte())
        count = 0
        while self.r.at < len(body) and count < most and self.whole:
            if count == HEAD:
                self.head = self.hash
            count += 1
            self.one()
        if count <= HEAD:
            self.head = self.hash
        self.parts.append(body[self.kept:])
        self.hash = (self.hash << 16 | self.head & 0xFFFF) & MASK

    def mix(self, word):
        h = (self.hash ^ word & MASK) * 0x100000001B3 & MASK
        self.hash = h ^ h >> 29

    def left_out(self, kind, start, number):
        self.parts += [self.r.data[self.kept:start], (kind, number)]
        self.kept = self.r.at

    def one(self):
        op = self.r.byte()
        if op == 0xFB or op >= 0xFD:
            self.whole = False
            return
        if op == 0xFC:
            op = 0x100 + self.r.u()
        self.mix(op)
        imm, start = IMMEDIATES.get(op), self.r.at
        if imm in COUNTED:
            for _ in range(COUNTED[imm]):
                self.mix(self.r.u())
        elif imm == "BR_TABLE":
            for _ in range(1 + self.r.u()):
                self.mix(self.r.u())
        elif imm == "FUNC":
            self.left_out("func", start, self.r.u())
        elif imm in ("I32", "I64", "BLOCK"):
            v = self.r.s()
            if is_linked(v):
                self.left_out("linked", start, v)
            self.mix(0x6C696E6B if is_linked(v) else v)
        else:
            self.whole = imm == "NONE"


# ---- Go's module ----


class Go:
    def __init__(self, data):
        self.sections, r = {}, Reader(data, 8)
        while r.at < len(data):
            number = r.byte()
            self.sections[number] = r.bytes(r.u())
        self.types = self.entries(1, self.one_type)
        imports = self.entries(2, self.one_import)
        self.nimported = len(imports)
        self.sigs = imports + self.entries(3, Reader.u)
        self.globals = self.entries(6, self.one_global)
        self.bodies = self.entries(10, lambda r: r.bytes(r.u()))
        self.data = self.entries(11, self.one_segment)

    def entries(self, number, one):
        r = Reader(self.sections[number])
        return [one(r) for _ in range(r.u())]

    @staticmethod
    def one_type(r):
        start = r.at
        r.byte()
        r.bytes(r.u())
        r.bytes(r.u())
        return r.data[start:r.at]

    @staticmethod
    def one_import(r):
        r.bytes(r.u())
        r.bytes(r.u())
        assert r.byte() == 0, "Go imports functions only"
        return r.u()

    @staticmethod
    def one_global(r):
        start = r.at
        r.bytes(2)
        r.byte()
        r.s()
        r.byte()
        return r.data[start:r.at]

    @staticmethod
    def one_segment(r):
        assert r.bytes(2) == b"\0\x41"
        at = r.s()
        r.byte()
        return at & 0xFFFFFFFF, r.bytes(r.u())

    def memory(self, at, n):
        out = bytearray(n)
        for start, data in self.data:
            first, last = max(at, start), min(at + n, start + len(data))
            if first < last:
                out[first - at:last - at] = data[first - start:last - start]
        return bytes(out)


def rows_known():
    """hash: (what, how many constants, what they are), in known.def's order."""
    return {int(h, 16): (what, int(n), linked) for what, h, n, linked in re.findall(
        r"^KNOWN\((\w+), (0x\w+), (\d+), (.+)\) /\*", read("engine/run/known.def"), re.M)}


PARTS = re.findall(r"FRONT_(\w+)", read("engine/x64/target.h").split("FRONT_PARTS,", 1)[1].split("FRONT_COUNT")[0])
CPU = {what: 1 << int(bit) for what, bit in re.findall(r"ENGINE_(\w+) = 1 << (\d+)", read("engine/engine.h"))}


class Known:
    """A body of known.def: its parts, and the bytes that its constants lead to."""

    def __init__(self, go, func, h, row):
        self.kind, self.hash, (self.what, count, self.linked) = go.types[go.sigs[func]], h, row
        self.parts = Shape(go.bodies[func - go.nimported]).parts
        self.own = func - go.nimported + GO_FUNC_FIRST
        left_out = [part for part in self.parts if isinstance(part, tuple)]
        self.constants = [v for kind, v in left_out if kind == "linked" and v >> 16 != self.own]
        self.calls = [v for kind, v in left_out if kind == "func"]
        self.places = []
        if count and self.linked in ("TABLE", "SLICE", "TABLES"):
            self.places = list(dict.fromkeys(self.constants))
        self.sizes = [1024] * 4 + [256] if self.linked == "TABLES" else [256] * len(self.places)
        at = self.places
        if self.linked == "SLICE":
            at = [struct.unpack("<Q", go.memory(at[0], 8))[0]]
        self.tables = [go.memory(v, n) for v, n in zip(at, self.sizes)]

    def memory(self, at):
        """The bytes from `at` on, and what each constant is then."""
        if self.linked == "SLICE":
            return struct.pack("<QQQ", at + 24, 64, 64) + self.tables[0], {self.places[0]: at}
        starts = [at + sum(self.sizes[:k]) for k in range(len(self.sizes))]
        return b"".join(self.tables), dict(zip(self.places, starts))


def all_known(go, rows):
    heads, out = {h & 0xFFFF for h in rows}, {}
    for k, body in enumerate(go.bodies):
        if BODY_LEAST <= len(body) <= BODY_MOST and Shape(body, HEAD).head & 0xFFFF in heads:
            shape = Shape(body)
            if shape.whole and shape.hash in rows:
                out[k + go.nimported] = Known(go, k + go.nimported, shape.hash, rows[shape.hash])
    return out


def needed(bodies, func):
    """The body and those that it calls, of known.def, and so on."""
    out = [func]
    for f in out:
        out += [c for c in dict.fromkeys(bodies[f].calls) if c in bodies and c not in out]
    return out


# ---- one module ----

PAGE = 1 << 16
IMPORT = "import"
EMPTY = b"\x60\0\0"
DEFAULT = dict(memories=(b"\0\1",), memory_imported=False, globals={}, nglobals=8, exports=(), imports=0, before=0,
               own=0, last=0, at=0x1000, spoiled=None, callee=None, last_call=False, more=b"", tail=b"", twice=False,
               indirect=False)


def stub(kind):
    """Returns 0 of each result's type."""
    results = kind[2 + kind[1] + 1:]
    return b"\0" + b"".join(const(t, 0) for t in results) + b"\x0b"


class Module:
    """way: memories, their limits; globals, by number, and nglobals, in place of Go's; exports, numbers of globals;
    imports and functions before; own, last: what the program counters and the last constant are off by; at, spoiled:
    where the tables are, and which of their bytes is wrong; callee: what stands in place of what does the work, IMPORT
    or a body; last_call: only the last such call leads elsewhere; more: a further parameter; tail: instructions behind
    the body's."""

    def __init__(self, go, bodies, func, **way):
        self.go, self.bodies, self.main, self.way = go, bodies, bodies[func], {**DEFAULT, **way}
        self.kinds, self.imports, self.funcs, self.numbers = [], [EMPTY] * self.way["imports"], [], {}
        self.order = needed(bodies, func)
        self.at, self.image, self.places = self.way["at"], b"", {}
        for f in self.order:
            image, places = bodies[f].memory(self.at + len(self.image))
            self.image += image
            self.places.update(places)
        self.functions(func)

    def functions(self, func):
        way, kind = self.way, self.main.kind
        if way["more"]:
            kind = bytes([0x60, kind[1] + 1]) + kind[2:2 + kind[1]] + way["more"] + kind[2 + kind[1]:]
        for f in self.order[1:] if way["callee"] == IMPORT else ():
            self.numbers[f] = self.add(self.imports, self.bodies[f].kind)
        for _ in range(way["before"]):
            self.add(self.funcs, (EMPTY, stub(EMPTY)))
        main = self.numbers[func] = self.add(self.funcs, (kind, self.main))
        if way["twice"]:
            self.add(self.funcs, (kind, self.main))
        takes = list(kind[2:2 + kind[1]])
        given = b"".join(get(k) for k in range(len(takes)))
        calls = [b"".join(const(t, 0) for t in takes) + b"\x10" + u(main), given + b"\x10" + u(main),
                 given + b"\x12" + u(main)]
        if way["indirect"]:
            calls.append(given + const(I32, 0) + b"\x11" + u(self.kind(kind)) + b"\0")
        for code in calls:
            self.add(self.funcs, (kind, b"\0" + code + b"\x0b"))
        for f in self.order[1:] if way["callee"] != IMPORT else ():
            self.numbers[f] = self.add(self.funcs, (self.bodies[f].kind, way["callee"] or self.bodies[f]))
        self.stubs = {}
        for f in self.order:
            for callee in self.bodies[f].calls:
                self.numbers.setdefault(callee, self.stub(self.go.types[self.go.sigs[callee]]))

    def add(self, where, what):
        where.append(what)
        return len(where) - 1 + (len(self.imports) if where is self.funcs else 0)

    def stub(self, kind):
        if kind not in self.stubs:
            self.stubs[kind] = self.add(self.funcs, (kind, stub(kind)))
        return self.stubs[kind]

    def kind(self, kind):
        if kind not in self.kinds:
            self.kinds.append(kind)
        return self.kinds.index(kind)

    def code(self, k):
        body = self.funcs[k][1]
        if isinstance(body, bytes):
            return sized(body)
        own, way = GO_FUNC_FIRST + k + self.way["own"], self.way if body is self.main else DEFAULT
        out, constants, calls = b"", len(body.constants), sum(c in self.bodies for c in body.calls)
        for part in body.parts:
            if isinstance(part, bytes):
                out += part
            elif part[0] == "func":
                calls -= part[1] in self.bodies
                elsewhere = way["last_call"] and calls == 0 and part[1] in self.bodies
                out += u(self.stub(self.bodies[part[1]].kind) if elsewhere else self.numbers[part[1]])
            elif part[1] >> 16 == body.own:
                out += s(own << 16 | part[1] & 0xFFFF)
            else:
                constants -= 1
                out += s(self.places.get(part[1], part[1]) + (0 if constants else way["last"]))
        return sized(out[:-1] + way["tail"] + out[-1:])

    def bytes(self):
        way, image = self.way, bytearray(self.image)
        if way["spoiled"] is not None:
            image[way["spoiled"]] ^= 1
        code = vec([self.code(k) for k in range(len(self.funcs))])
        imports = [name("a") + name("f") + b"\0" + u(self.kind(kind)) for kind in self.imports]
        memories = list(way["memories"])
        if way["memory_imported"]:
            imports.append(name("a") + name("m") + b"\2" + memories.pop(0))
        sigs = [u(self.kind(kind)) for kind, _ in self.funcs]
        variables = [way["globals"].get(k, one) for k, one in enumerate(self.go.globals[:way["nglobals"]])]
        sections = {2: imports, 3: sigs, 4: [b"\x70\0\1"] if way["indirect"] else [], 5: memories, 6: variables,
                    7: [name(f"g{k}") + b"\3" + u(k) for k in way["exports"]],
                    9: [b"\0\x41\0\x0b\1" + u(len(self.imports) + way["before"])] if way["indirect"] else []}
        pages = way["memories"][0][1]
        fits = image and self.at + len(image) <= PAGE * pages
        return HEADER + section(1, vec(self.kinds)) + b"".join(
            section(k, vec(items)) for k, items in sections.items() if items) + section(10, code) + (
                section(11, vec([b"\0" + const(I32, self.at) + b"\x0b" + sized(bytes(image))])) if fits else b"")


# ---- all of them ----

SECOND_MEMORY = b"\x41\0\x28\x42\1\0\x1a"
TAILS = {"nop": b"\1", "float": const(F32, 0) + b"\x1a", "vector": b"\xfd\x0c" + bytes(16) + b"\x1a",
         "wrapped": const(F32, 0) + b"\xfc\0\x1a", "constants": (const(I64, 0x1000) + b"\x1a") * 65,
         "fill": b"\x41\0\x41\0\x41\0\xfc\x0b\0", "copy": b"\x41\0\x41\0\x41\0\xfc\x0a\0\0"}
INVALID, LONG = b"\0\x6a\x0b", b"\0" + b"\1" * BODY_MOST + b"\0\x0b"


def ways(main, more):
    """What is changed; more: there are callees that do the work."""
    yield "right", {}
    for what, memories in (("max", (b"\1\1\1",)), ("pages", (b"\0\x10",)), ("most", (b"\1\1" + u(PAGE),)),
                           ("two", (b"\0\1", b"\0\1")), ("none", (b"\0\0",)), ("over", (b"\0\x11",))):
        yield "memory-" + what, dict(memories=memories)
    yield "memory-import", dict(memory_imported=True)
    yield "imports", dict(imports=2, before=1)
    yield "twice", dict(twice=True, indirect=True)
    yield "sp-export", dict(exports=(0,))
    yield "sp-constant", dict(globals={0: b"\x7f\0\x41\0\x0b"})
    yield "sp-wide", dict(globals={0: b"\x7e\1\x42\0\x0b"})
    yield "g-export", dict(exports=(2,))
    yield "g-narrow", dict(globals={2: b"\x7f\1\x41\0\x0b"})
    yield "globals-3", dict(nglobals=3)
    for t in (I32, I64):
        yield f"parameter-{t:x}", dict(more=bytes([t]))
    for what, tail in TAILS.items():
        yield "tail-" + what, dict(tail=tail)
    yield "tail-memory", dict(memories=(b"\0\1", b"\0\1"), tail=SECOND_MEMORY)
    yield "own", dict(own=1)
    if main.constants:
        yield "constant", dict(last=1)
    if more:
        yield from (("callee-stub", dict(callee=b"\0\0\x0b")), ("callee-import", dict(callee=IMPORT)),
                    ("callee-invalid", dict(callee=INVALID)), ("callee-long", dict(callee=LONG)),
                    ("callee-last", dict(last_call=True)))


def table_ways(main):
    image = main.memory(0)[0]
    starts = [0, 8] if main.linked == "SLICE" else []
    bytes_ = starts + [len(image) - sum(main.sizes[k:]) for k in range(len(main.sizes))] + [len(image) - 1]
    for at in bytes_:
        yield f"spoiled-{at:x}", dict(spoiled=at)
    for what, at in (("end", PAGE - len(image)), ("beyond", PAGE - len(image) + 1), ("last", PAGE - 15),
                     ("behind", PAGE), ("far", 0x7FFF0000)):
        yield "table-" + what, dict(at=at)


ALL = sum(CPU.values())


def placed(cpu, zero):
    """For with_hash: as module.c takes it from the hash."""
    wanted = 1 if zero else 0
    return lambda h: h >> 29 and h >> 2 & ALL == cpu and (1 if h >> 15 & 3 else 0) == wanted


def little(h):
    cpu = ALL & ~(CPU["LZCNT"] | CPU["BMI1"] | CPU["BMI2"] | CPU["AVX"])
    return not h >> 29 and h >> 2 & cpu == cpu and h >> 15 & 3


def places(whole):
    """Of a body as it should be; whole: not only the usual ones."""
    yield "all", placed(ALL, True)
    yield "elsewhere", placed(ALL, False)
    for what, bit in CPU.items() if whole else [("AVX", CPU["AVX"])]:
        yield "no-" + what, placed(ALL & ~bit, True)
    if whole:
        yield "least", placed(CPU["SSE41"] | CPU["SSSE3"], True)
        yield "0", placed(0, True)


def modules(go, bodies, func, whole):
    main = bodies[func]
    right = Module(go, bodies, func).bytes()
    for what, fits in places(whole):
        yield what, next(with_hash(right, fits))
    if whole:
        for k, data in enumerate(islice(with_hash(right, little), 8)):
            yield f"heap-{k}", data
        changed = list(ways(main, len(needed(bodies, func)) > 1)) + list(table_ways(main) if main.tables else ())
        for what, way in changed[1:]:
            data = Module(go, bodies, func, **way).bytes()
            yield what, next(with_hash(data, placed(ALL, True)))


def write(out, paths):
    rows, seen, kinds = rows_known(), set(), set()
    for path in reversed(paths):
        with open(path, "rb") as f:
            go = Go(f.read())
        bodies = all_known(go, rows)
        for func, body in bodies.items():
            if body.what in PARTS or body.hash in seen:
                continue
            seen.add(body.hash)
            kind = body.what, body.linked, tuple(bodies[f].what for f in needed(bodies, func))
            for what, data in modules(go, bodies, func, kind not in kinds):
                if len(data) <= LONGEST:
                    with open(f"{out}/known-{body.what}-{body.hash:016x}-{what}", "wb") as f:
                        f.write(data)
                elif what == "all":
                    print(f"known_modules.py: {body.what} {body.hash:#x} takes {len(data)} bytes: left out")
            kinds.add(kind)


def main():
    out, paths = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        for version in VERSIONS if not paths else ():
            module = os.path.join(folder, version)
            why = built(version, module)
            if why is not None:
                print(f"known_modules.py: SKIPPED: Go {version}: {why.splitlines()[-1] if why else 'no word'}")
        write(out, paths or [os.path.join(folder, version) for version in VERSIONS
                             if os.path.exists(os.path.join(folder, version))])


if __name__ == "__main__":
    main()
