"""Random valid modules in the shape of Go's and of other compilers' output, for tests/fuzz/diff.py.

    generate.module(rng) -> bytes          python3 tests/fuzz/generate.py SEED > x.wasm

What Go's code has: a loop around nested blocks that starts by a br_table over PC_B, jumps by `i32.const k; local.set
PC_B; br loop`, a stack pointer in global 0 with a copy in a local, g in global 2, calls that return the unwind flag,
addresses computed in 64 bits and wrapped.  What others have: values over blocks, br_if with values, many results,
select, tables.  Small functions of Go's shape may stand in place of their calls (engine/ir/build_inline.c).

Every run ends: loops and functions count a global down.  No NaN's bits reach memory, integers or signs.  Functions are
exported through wrappers that first set the globals, so that each call is its own."""
import struct
import sys

I32, I64, F32, F64, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F
NUMBERS = (I32, I64, F32, F64)
SP, CTXT, G, FUEL = 0, 1, 2, 8 # global numbers; 0 to 7 are those of Go
GLOBALS = [I32, I64, I64, I64, I64, I64, I64, I32, I32, I32, I64, F32, F64]
FUEL_START = 300
EMPTY = b"\x40"


def u(n):
    out = bytearray()
    while True:
        byte = n & 0x7F
        n >>= 7
        out.append(byte | (0x80 if n else 0))
        if not n:
            return bytes(out)


def s(n):
    out = bytearray()
    while True:
        byte = n & 0x7F
        n >>= 7
        if (n == 0 and not byte & 0x40) or (n == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def vec(items):
    return u(len(items)) + b"".join(items)


def sized(body):
    return u(len(body)) + body


def signed(n, bits):
    n &= (1 << bits) - 1
    return n - (1 << bits) if n >> (bits - 1) else n


def const(t, value):
    if t == I32:
        return b"\x41" + s(signed(value, 32))
    if t == I64:
        return b"\x42" + s(signed(value, 64))
    return (b"\x43" + struct.pack("<f", value)) if t == F32 else (b"\x44" + struct.pack("<d", value))


INTS = [0, 1, -1, 2, 3, 5, 7, 8, 15, 31, 32, 33, 63, 64, 127, 128, 255, 256, 4096, 65535, 65536, 0x7FFFFFFF,
        -0x80000000, -0x7FFFFFFF, 0x12345678, -2, -8, -128, -32768]
WIDE = INTS + [1 << 32, (1 << 32) - 1, -(1 << 32), (1 << 63) - 1, -(1 << 63), 0x123456789ABCDEF0, (5 << 32) + 64,
               1 << 31, -(1 << 31) - 1, 0xFFFFFFFF80000000]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 2147483647.0, 2147483648.0, -2147483648.0,
          -2147483649.0, 4294967295.0, 4294967296.0, 9223372036854774784.0, 9223372036854775808.0,
          -9223372036854775808.0, 18446744073709549568.0, 18446744073709551616.0, 16777216.0, 1e-40,
          -1e-40, 3e38, 5e-324, 1e300, float("inf"), float("-inf"), float("nan"), -0.9999999, 0.49999997,
          4503599627370497.5]
SINGLES = [struct.unpack("<f", struct.pack("<f", x))[0] for x in FLOATS if not 3.4e38 < abs(x) < float("inf")]

# Operations: opcode bytes.  Division and unsaturated truncation stand apart, as they trap.
UN = {I32: ["67", "68", "69", "c0", "c1"], I64: ["79", "7a", "7b", "c2", "c3", "c4"],
      F32: ["8b", "8c", "8d", "8e", "8f", "90", "91"], F64: ["99", "9a", "9b", "9c", "9d", "9e", "9f"]}
BIN = {I32: ["6a", "6b", "6c", "71", "72", "73", "74", "75", "76", "77", "78"],
       I64: ["7c", "7d", "7e", "83", "84", "85", "86", "87", "88", "89", "8a"],
       F32: ["92", "93", "94", "95", "96", "97"], F64: ["a0", "a1", "a2", "a3", "a4", "a5"]}
DIV = {I32: ["6d", "6e", "6f", "70"], I64: ["7f", "80", "81", "82"]}
COPYSIGN = {F32: "98", F64: "a6"}
CMP = {I32: ["46", "47", "48", "49", "4a", "4b", "4c", "4d", "4e", "4f"],
       I64: ["51", "52", "53", "54", "55", "56", "57", "58", "59", "5a"],
       F32: ["5b", "5c", "5d", "5e", "5f", "60"], F64: ["61", "62", "63", "64", "65", "66"]}
CONVERT = {I32: [(I64, "a7"), (I64, "a7"), (F32, "fc00"), (F32, "fc01"), (F64, "fc02"), (F64, "fc03")],
           I64: [(I32, "ac"), (I32, "ad"), (I32, "ad"), (F32, "fc04"), (F32, "fc05"), (F64, "fc06"), (F64, "fc07")],
           F32: [(I32, "b2"), (I32, "b3"), (I64, "b4"), (I64, "b5"), (F64, "b6"), (I32, "be")],
           F64: [(I32, "b7"), (I32, "b8"), (I64, "b9"), (I64, "ba"), (F32, "bb"), (I64, "bf")]}
TRUNC = {I32: [(F32, "a8"), (F32, "a9"), (F64, "aa"), (F64, "ab")],
         I64: [(F32, "ae"), (F32, "af"), (F64, "b0"), (F64, "b1")]}
REINTERPRET = {I32: (F32, "bc"), I64: (F64, "bd")}
LOAD = {I32: ["28", "2c", "2d", "2e", "2f"], I64: ["29", "30", "31", "32", "33", "34", "35"], F32: ["2a"], F64: ["2b"]}
STORE = {I32: ["36", "3a", "3b"], I64: ["37", "3c", "3d", "3e"], F32: ["38"], F64: ["39"]}
EQ = {F32: "5b", F64: "61"}


def op(text):
    return bytes.fromhex(text)


class Module:
    def __init__(self, rng):
        self.rng, self.types = rng, []
        self.pages, self.max_pages = rng.choice((1, 1, 2)), rng.choice((2, 3, 5))
        self.sigs = []       # type number of each function
        self.table_size = rng.choice((8, 16, 40))
        self.careful = rng.random() < 0.5

    def type(self, params, results):
        key = (tuple(params), tuple(results))
        if key not in self.types:
            self.types.append(key)
        return self.types.index(key)


class Function:
    """One body.  labels: result types of each open label, outermost first; pc_blocks: what Go-shaped jumps may name."""

    def __init__(self, mod, params, results, shape="plain"):
        self.mod, self.rng = mod, mod.rng
        self.params, self.results = list(params), list(results)
        self.locals = list(params)
        self.labels = [tuple(results)]
        self.budget = mod.rng.choice((40, 120, 300))
        self.sp = self.local_new(I32) if shape != "plain" else None
        self.tmp = {t: self.local_new(t) for t in NUMBERS} if shape != "small" else {}
        self.unwind = None
        self.careful = shape == "small" or mod.careful and shape == "go" # SP and its copy never part
        self.loop_depth = None

    def local_new(self, t):
        self.locals.append(t)
        return len(self.locals) - 1

    def pick(self, t):
        fits = [i for i, x in enumerate(self.locals) if x == t and i != self.sp and i not in self.hidden()]
        return self.rng.choice(fits) if fits else self.local_new(t)

    def hidden(self):
        return self.tmp.values()

    # ---- expressions: bytes that leave one value ----

    def number(self, t):
        r = self.rng
        if t in (I32, I64):
            if r.random() < 0.2:
                return const(t, r.getrandbits(64))
            return const(t, r.choice(INTS if t == I32 else WIDE))
        return const(t, r.choice(SINGLES if t == F32 else FLOATS))

    def leaf(self, t):
        r = self.rng.random()
        if r < 0.45:
            return b"\x20" + u(self.pick(t))
        if r < 0.8:
            return self.number(t)
        fits = [i for i, x in enumerate(GLOBALS) if x == t and i != FUEL]
        return b"\x23" + u(self.rng.choice(fits))

    def tame(self, t, code):
        """A float whose NaN, if it is one, becomes 1; small functions have no room for that."""
        if not self.tmp:
            return const(t, self.rng.choice((0.0, -1.5, 3.0)))
        tmp = u(self.tmp[t])
        return code + b"\x22" + tmp + const(t, 1.0) + b"\x20" + tmp + b"\x20" + tmp + op(EQ[t]) + b"\x1b"

    def address(self, d):
        r, mod = self.rng, self.mod
        limit = mod.pages * 65536
        offset = r.choice((0, 0, 4, 8, 16, 24, 100, 4096))
        mask = r.choice((0xFF, 0xFFF, 0xFFF8, 0x7FFF))
        p = r.random()
        if p < 0.35: # as Go has it: 64 bits, wrapped; what is above 32 bits must not matter
            mask |= r.choice((0, 0, 0xFFFFFFFF00000000, 1 << 32))
            code = self.expr(I64, d - 1) + const(I64, mask) + b"\x83\xa7"
        elif p < 0.5:
            code = self.expr(I64, d - 1) + const(I64, mask) + b"\x83"
            code += const(I64, r.choice((8, 1 << 32, -(1 << 32), 7 << 40))) + b"\x7c\xa7"
        elif p < 0.9:
            code = self.expr(I32, d - 1) + const(I32, mask) + b"\x71"
        elif p < 0.96:
            code = const(I32, r.randrange(limit - 16))
        elif p < 0.98:
            code, offset = const(I32, limit + r.randrange(-16, 2)), r.choice((0, 1, 7))
        else:
            code, offset = self.expr(I32, d - 1), r.choice((0, 8, 0x7FFFFFFF, 0xFFFFFFFF, 65536))
        return code, u(0) + u(offset)

    def expr(self, t, d):
        r = self.rng
        self.budget -= 1
        if d <= 0 or self.budget <= 0:
            return self.leaf(t)
        p = r.random()
        if p < 0.12:
            return self.leaf(t)
        if p < 0.38:
            return self.expr(t, d - 1) + self.expr(t, d - 1) + op(r.choice(BIN[t]))
        if p < 0.46:
            return self.expr(t, d - 1) + op(r.choice(UN[t]))
        if p < 0.56:
            source, code = r.choice(CONVERT[t])
            return self.expr(source, d - 1) + op(code)
        if p < 0.66:
            address, arg = self.address(d)
            return address + op(r.choice(LOAD[t])) + arg
        if p < 0.72:
            return self.expr(t, d - 1) + self.expr(t, d - 1) + self.condition(d - 1) + (
                b"\x1b" if r.random() < 0.7 else b"\x1c\x01" + bytes([t]))
        if p < 0.77:
            return self.expr(t, d - 1) + b"\x22" + u(self.pick(t))
        if p < 0.83:
            return self.special(t, d)
        if p < 0.88:
            return self.block_value(t, d)
        if p < 0.92:
            return self.deep(t, d)
        if p < 0.97:
            return self.call(t, d)
        return self.leave(t, d)

    def special(self, t, d):
        r = self.rng
        if t in (I32, I64):
            p = r.random()
            if p < 0.35:
                left, right = self.expr(t, d - 1), self.expr(t, d - 1)
                if r.random() < 0.75:
                    right += const(t, r.choice((1, 1, 7, 0x10001))) + op("72" if t == I32 else "84")
                elif r.random() < 0.7:
                    right = const(t, r.choice((1, -1, 2, 3, 7, 8, 10, 1000, -3, 0x7FFFFFFF)))
                return left + right + op(r.choice(DIV[t]))
            if p < 0.5:
                source, code = REINTERPRET[t]
                return self.tame(source, self.expr(source, d - 1)) + op(code)
            if p < 0.58:
                source, code = r.choice(TRUNC[t])
                return self.expr(source, d - 1) + op(code)
            if t == I32:
                return self.condition(d) if p < 0.9 else b"\x3f\x00"
            return self.expr(I32, d - 1) + op(r.choice(("ac", "ad")))
        return self.expr(t, d - 1) + self.tame(t, self.expr(t, d - 1)) + op(COPYSIGN[t])

    def condition(self, d):
        r = self.rng
        if d <= 0 or r.random() < 0.1:
            return self.leaf(I32)
        if r.random() < 0.25:
            t = r.choice((I32, I64))
            return self.expr(t, d - 1) + op("45" if t == I32 else "50") + (b"\x45" if r.random() < 0.2 else b"")
        t = r.choice(NUMBERS)
        return self.expr(t, d - 1) + self.expr(t, d - 1) + op(r.choice(CMP[t])) + (b"\x45" if r.random() < 0.2 else b"")

    def deep(self, t, d):
        """Many values on the operand stack at once, of which something may need registers in between."""
        r, n = self.rng, self.rng.choice((3, 6, 12, 25, 40))
        code = b"".join(self.leaf(t) if r.random() < 0.7 else self.expr(t, 1) for _ in range(n))
        if r.random() < 0.4:
            code += self.statement(d - 2)
        return code + b"".join(op(r.choice(BIN[t])) for _ in range(n - 1))

    def block_value(self, t, d):
        r, kind = self.rng, self.rng.random()
        if kind < 0.4: # if with a value
            cond = self.condition(d - 1)
            self.labels.append((t,))
            code = cond + b"\x04" + bytes([t]) + self.statements(d - 2, 2) + self.expr(t, d - 1) + b"\x05"
            code += self.statements(d - 2, 1) + self.expr(t, d - 1) + b"\x0b"
            self.labels.pop()
            return code
        if kind < 0.75:
            self.labels.append((t,))
            code = b"\x02" + bytes([t]) + self.statements(d - 2, 3) + self.expr(t, d - 1)
            code += self.condition(d - 1) + b"\x0d\x00" # br_if with a value
            if r.random() < 0.5:
                code += b"\x1a" + self.expr(t, d - 1)
            self.labels.pop()
            return code + b"\x0b"
        # several parameters and results; what comes out is folded to one
        n = r.choice((2, 3, 4))
        params, results = [r.choice(NUMBERS) for _ in range(n)], [t] * n
        number = self.mod.type(params, results)
        code = b"".join(self.leaf(x) for x in params)
        self.labels.append(tuple(results))
        code += b"\x02" + s(number) + b"".join(b"\x21" + u(self.pick(x)) for x in reversed(params))
        code += self.statements(d - 2, 2) + b"".join(self.expr(t, d - 2) for _ in results)
        if r.random() < 0.5:
            code += self.condition(d - 2) + b"\x0d\x00"
        self.labels.pop()
        return code + b"\x0b" + b"".join(op(r.choice(BIN[t])) for _ in range(n - 1))

    def call(self, t, d):
        r, mod = self.rng, self.mod
        fits = [i for i, number in enumerate(mod.sigs) if mod.types[number][1] == (t,)]
        if not fits or self.careful: # SP is read again behind each call
            return self.leaf(t)
        func = r.choice(fits)
        params = mod.types[mod.sigs[func]][0]
        code = b"".join(self.expr(x, d - 2) for x in params)
        p = r.random()
        if p < 0.5:
            return code + b"\x10" + u(func)
        index = const(I32, func % mod.table_size) if p < 0.9 else self.expr(I32, 1) + const(I32, 15) + b"\x71"
        return code + index + b"\x11" + u(mod.sigs[func]) + b"\x00"

    def leave(self, t, d):
        """A branch in the middle of an expression; what follows it is dead or goes on."""
        r = self.rng
        depth = r.randrange(len(self.labels))
        types = self.labels[-1 - depth]
        values = b"".join(self.leaf(x) for x in types)
        p = r.random()
        if p < 0.75:
            return values + self.condition(d - 1) + b"\x0d" + u(depth) + b"\x1a" * len(types) + self.leaf(t)
        if p < 0.85:
            return self.statement(0) + values + b"\x0c" + u(depth)
        if p < 0.92:
            return b"".join(self.leaf(x) for x in self.results) + b"\x0f"
        same = [i for i, number in enumerate(self.mod.sigs) if self.mod.types[number][1] == tuple(self.results)]
        if p < 0.95 and same: # a tail call
            func = r.choice(same)
            number = self.mod.sigs[func]
            code = b"".join(self.leaf(x) for x in self.mod.types[number][0])
            if r.random() < 0.5:
                return code + b"\x12" + u(func)
            return code + const(I32, func % self.mod.table_size) + b"\x13" + u(number) + b"\x00"
        same = [k for k in range(len(self.labels)) if self.labels[-1 - k] == types]
        targets = [r.choice(same) for _ in range(r.choice((1, 3, 9)))]
        return values + self.expr(I32, d - 1) + b"\x0e" + vec([u(k) for k in targets]) + u(depth)

    # ---- statements: bytes that leave the stack as it was ----

    def statements(self, d, n):
        return b"".join(self.statement(d) for _ in range(self.rng.randrange(n + 1)))

    def fuel(self):
        """Counts down; at zero the function is left."""
        r = self.rng
        end = b"\x00" if r.random() < 0.3 else b"".join(const(x, 0) for x in self.results) + b"\x0f"
        fuel = u(FUEL)
        return b"\x23" + fuel + b"\x41\x01\x6b\x24" + fuel + b"\x23" + fuel + b"\x41\x00\x48\x04\x40" + end + b"\x0b"

    def statement(self, d):
        r = self.rng
        self.budget -= 1
        p = r.random()
        if p < 0.3 or d <= 0 or self.budget <= 0:
            t = r.choice(NUMBERS)
            return self.expr(t, d) + b"\x21" + u(self.pick(t))
        if p < 0.5:
            t = r.choice(NUMBERS)
            address, arg = self.address(d)
            value = self.expr(t, d - 1)
            return address + (self.tame(t, value) if t in (F32, F64) else value) + op(r.choice(STORE[t])) + arg
        if p < 0.56:
            number = r.choice([i for i in range(len(GLOBALS)) if i != FUEL and not (i == SP and self.careful)])
            return self.expr(GLOBALS[number], d - 1) + b"\x24" + u(number)
        if p < 0.66:
            code = self.condition(d - 1) + b"\x04\x40"
            self.labels.append(())
            code += self.statements(d - 1, 3)
            if r.random() < 0.5:
                code += b"\x05" + self.statements(d - 1, 2)
            self.labels.pop()
            return code + b"\x0b"
        if p < 0.76:
            return self.loop(d)
        if p < 0.84:
            self.labels.append(())
            code = b"\x02\x40" + self.statements(d - 1, 3) + self.condition(d - 1) + b"\x0d\x00"
            code += self.statements(d - 1, 3)
            self.labels.pop()
            return code + b"\x0b"
        if p < 0.88:
            return self.switch(d)
        if p < 0.93:
            return self.bulk(d)
        return self.expr(r.choice(NUMBERS), d) + b"\x1a"

    def loop(self, d):
        r = self.rng
        counter = self.local_new(I32)
        code = const(I32, r.choice((1, 2, 5, 17))) + b"\x21" + u(counter)
        if r.random() < 0.3: # a loop parameter
            t = r.choice(NUMBERS)
            number = self.mod.type([t], [t])
            code += self.expr(t, d - 1)
            self.labels.append((t,))
            code += b"\x03" + s(number) + self.fuel() + self.leaf(t) + op(r.choice(BIN[t]))
            code += b"\x21" + u(self.pick(t)) + self.statements(d - 1, 3) + self.expr(t, d - 2)
            code += b"\x20" + u(counter) + b"\x41\x01\x6b\x22" + u(counter) + b"\x0d\x00"
            self.labels.pop()
            return code + b"\x0b\x21" + u(self.pick(t))
        self.labels.append(())
        code += b"\x03\x40" + self.fuel() + self.statements(d - 1, 4)
        code += b"\x20" + u(counter) + b"\x41\x01\x6b\x22" + u(counter) + b"\x0d\x00"
        self.labels.pop()
        return code + b"\x0b"

    def switch(self, d):
        r, n = self.rng, self.rng.choice((1, 2, 5))
        for _ in range(n + 1):
            self.labels.append(())
        code = b"\x02\x40" * (n + 1) + self.expr(I32, d - 1)
        code += b"\x0e" + vec([u(r.randrange(n + 1)) for _ in range(n + r.choice((0, 1, 20)))]) + u(n)
        for _ in range(n + 1):
            self.labels.pop()
            code += b"\x0b" + self.statements(d - 1, 2)
        return code

    def bulk(self, d):
        r, kind, mod = self.rng, self.rng.random(), self.mod
        small = lambda mask: self.expr(I32, d - 2) + const(I32, mask) + b"\x71"
        at = lambda: small(0x7FFF) if r.random() < 0.93 else self.expr(I32, d - 2)
        if kind < 0.25:
            return at() + at() + small(0x3FF) + b"\xfc\x0a\x00\x00"
        if kind < 0.45:
            return at() + self.expr(I32, d - 2) + small(0x3FF) + b"\xfc\x0b\x00"
        if kind < 0.55:
            return at() + small(0xF) + small(0xF) + b"\xfc\x08\x00\x00"
        if kind < 0.62:
            return small(3) + b"\x40\x00" + b"\x21" + u(self.pick(I32))
        if kind < 0.7:
            return b"\xfc\x09\x00" if r.random() < 0.2 else b"\xfc\x0d\x01"
        slot = lambda: const(I32, r.randrange(mod.table_size + 2))
        if kind < 0.78:
            return slot() + (b"\xd2" + u(r.randrange(len(mod.sigs))) if r.random() < 0.8 else b"\xd0\x70") + b"\x26\x00"
        if kind < 0.84:
            return slot() + b"\x25\x00\xd1\x21" + u(self.pick(I32))
        if kind < 0.9:
            return slot() + slot() + const(I32, r.randrange(4)) + b"\xfc\x0e\x00\x00"
        if kind < 0.94:
            return slot() + const(I32, r.randrange(4)) + const(I32, r.randrange(4)) + b"\xfc\x0c\x01\x00"
        if kind < 0.97:
            return b"\xd2" + u(r.randrange(len(mod.sigs))) + const(I32, r.randrange(3)) + b"\xfc\x0f\x00" + (
                b"\x21" + u(self.pick(I32)))
        return b"\xfc\x10\x00\x21" + u(self.pick(I32))

    # ---- bodies ----

    def body(self, code):
        groups = []
        declared = self.locals[len(self.params):]
        for t in declared:
            if groups and groups[-1][1] == t:
                groups[-1][0] += 1
            else:
                groups.append([1, t])
        return sized(vec([u(n) + bytes([t]) for n, t in groups]) + code + b"\x0b")

    def plain(self):
        r = self.rng
        if r.random() < 0.05:
            for _ in range(r.choice((60, 300, 700))): # more than color.c looks at
                self.local_new(r.choice(NUMBERS))
        code = self.fuel() + self.statements(4, 8)
        return self.body(code + b"".join(self.expr(t, 4) for t in self.results))

    def jump(self, target):
        """As Go's assembler writes it; now and then PC_B is not a constant."""
        r = self.rng
        if r.random() < 0.93:
            code = const(I32, target) + b"\x21\x00"
        else:
            code = self.expr(I32, 1) + const(I32, 3) + b"\x71\x21\x00"
        return code + b"\x0c" + u(len(self.labels) - 1 - self.loop_depth)

    def stack_move(self, delta):
        """SP changes: the local and global 0 together."""
        sp = u(self.sp)
        if self.careful or self.rng.random() < 0.97:
            return b"\x20" + sp + const(I32, delta) + b"\x6a\x22" + sp + b"\x24\x00"
        return b"\x20" + sp + const(I32, delta) + b"\x6a\x21" + sp # the copy goes its own way

    def go_call(self):
        r, mod = self.rng, self.mod
        fits = [i for i, number in enumerate(mod.sigs) if mod.types[number] == ((I32,), (I32,))]
        sp = u(self.sp)
        code = self.stack_move(-8) + b"\x20" + sp + const(I64, r.getrandbits(40)) + b"\x37\x03\x00"
        if self.careful or r.random() < 0.7 or not fits:
            code += const(I32, 0) if self.careful or r.random() < 0.8 else self.leaf(I32)
            code += b"\x10" + u(r.choice(fits)) if fits else b""
        else:
            code += const(I32, 0) + const(I32, r.choice(fits) % mod.table_size)
            code += b"\x11" + u(mod.type([I32], [I32])) + b"\x00"
        if self.unwind is not None and (self.careful or r.random() < 0.9): # as Go has it, 1.21 to 1.27
            return code + b"\x23\x00\x21" + sp + b"\x0d" + u(len(self.labels) - 1 - self.unwind)
        code += b"\x04\x40\x41\x01\x0f\x0b"
        if r.random() < 0.8:
            code += b"\x23\x00\x21" + sp
        return code

    def go(self):
        r = self.rng
        for t in (I64, I64, I64, F32, F64):
            for _ in range(r.choice((0, 1, 4))):
                self.local_new(t)
        n = r.choice((1, 2, 4, 9))
        code = b"\x23\x00\x21" + u(self.sp)
        if self.careful or r.random() < 0.8:
            self.labels.append(())
            self.unwind = len(self.labels) - 1
            code += b"\x02\x40"
        code += b"\x03\x40"
        self.labels.append(())
        self.loop_depth = len(self.labels) - 1
        for _ in range(n):
            self.labels.append(())
        table = list(range(n)) if r.random() < 0.8 else [r.randrange(n) for _ in range(r.choice((1, n, n + 3)))]
        code += b"\x02\x40" * n + b"\x20\x00\x0e" + vec([u(k) for k in table]) + u(r.choice((0, n - 1)))
        for k in range(n):
            self.labels.pop()
            code += b"\x0b" + self.fuel()
            code += self.stack_move(r.choice((-16, -64, 16))) if r.random() < 0.4 else b""
            code += self.statements(3, 4)
            for _ in range(r.choice((0, 0, 0, 1, 1, 3))):
                code += self.go_call()
            if r.random() < 0.5:
                code += self.condition(2) + b"\x04\x40"
                self.labels.append(())
                code += self.statements(2, 1) + self.jump(r.randrange(n + 1))
                self.labels.pop()
                code += b"\x0b"
            if r.random() < 0.25 and k < n - 1:
                code += self.jump(r.randrange(n + 1))
            elif r.random() < 0.2:
                code += self.stack_move(8) + const(I32, r.choice((0, 0, 0, 1))) + b"\x0f"
        self.labels.pop()
        code += self.stack_move(8) + b"\x41\x00\x0f\x0b\x00"
        if self.unwind is not None:
            code += b"\x0b\x41\x01"
        return self.body(code)

    # ---- small functions, which may stand in place of their calls ----

    def small_value(self, d):
        r, p = self.rng, self.rng.random()
        if d <= 0 or p < 0.25:
            wide = [i for i, t in enumerate(self.locals) if t == I64]
            return b"\x20" + u(r.choice(wide)) if wide and r.random() < 0.7 else const(I64, r.choice(WIDE))
        if p < 0.5:
            return self.small_value(d - 1) + self.small_value(d - 1) + op(r.choice(BIN[I64]))
        if p < 0.7: # of the caller's frame
            return b"\x20\x01" + op("29") + u(0) + u(r.choice((0, 8, 16, 24)))
        if p < 0.85:
            return self.small_value(d - 1) + const(I64, 0xFFF8) + b"\x83\xa7" + op(r.choice(("29", "34", "35"))) + (
                u(0) + u(r.choice((0, 0, 8, 0xFFF0, 0x7FFFFFFF))))
        if p < 0.9:
            return b"\x23" + u(r.choice((CTXT, G)))
        if p < 0.95:
            return self.small_value(d - 1) + self.small_value(d - 1) + op(r.choice(CMP[I64])) + b"\xad"
        return b"\x20\x00\xad" if r.random() < 0.7 else self.small_value(d - 1) + self.small_value(0) + op("80")

    def small_statement(self, d):
        r, p = self.rng, self.rng.random()
        wide = [i for i, t in enumerate(self.locals) if t == I64]
        if p < 0.25 and wide:
            return self.small_value(2) + b"\x21" + u(r.choice(wide))
        if p < 0.45:
            return b"\x20\x01" + self.small_value(2) + b"\x37\x00" + u(r.choice((8, 16, 32)))
        if p < 0.55:
            return self.small_value(1) + const(I64, 0xFFF8) + b"\x83\xa7" + self.small_value(1) + b"\x37\x00\x00"
        if p < 0.6:
            return self.small_value(1) + b"\x24" + u(r.choice((CTXT, G)))
        if p < 0.64:
            return b"\x20\x01" + self.small_value(0) + b"\xa7" + const(I32, r.choice((5, 32, 100))) + b"\xfc\x0b\x00"
        if p < 0.66:
            return const(I32, r.choice((0, 1, 2))) + b"\x21\x00"
        if p < 0.68: # what must be called
            return const(I32, 0) + b"\x40\x00" + b"\x21\x00"
        if d <= 0:
            return b""
        code = self.small_value(1) + b"\x50\x04\x40"
        self.labels.append(())
        p = r.random()
        if p < 0.35 and self.unwind is not None:
            code += self.go_call()
        elif p < 0.5 and self.loop_depth is not None:
            code += self.fuel() + self.jump(r.randrange(4)) if r.random() < 0.9 else b""
        elif p < 0.7:
            code += self.stack_move(8) + const(I32, r.choice((0, 0, 0, 1, 2))) + b"\x0f"
        elif p < 0.8:
            depth = r.randrange(len(self.labels))
            if depth != len(self.labels) - 1 - (-1 if self.loop_depth is None else self.loop_depth):
                code += (const(I32, r.choice((0, 1))) if depth == len(self.labels) - 1 else b"") + b"\x0c" + u(depth)
        else:
            code += self.small_statement(d - 1)
        self.labels.pop()
        return code + b"\x0b"

    def small_once(self):
        r = self.rng
        for _ in range(r.choice((0, 0, 1, 2, 3, 3, 4))):
            self.local_new(I64)
        code = b"\x23\x00\x21\x01"
        if r.random() < 0.05:
            code += const(I32, r.choice((1, 2))) + b"\x21\x00"
        if r.random() < 0.8:
            self.labels.append(())
            self.unwind = len(self.labels) - 1
            code += b"\x02\x40"
        loop, n = r.random() < 0.4, r.choice((0, 1, 2, 3))
        if loop and n:
            self.labels.append(())
            self.loop_depth = len(self.labels) - 1
            code += b"\x03\x40"
        self.labels += [()] * n
        if n:
            code += b"\x02\x40" * n + b"\x20\x00\x0e" + vec([u(r.randrange(n)) for _ in range(r.choice((0, 1, n)))])
            code += u(r.randrange(n))
        for _ in range(n):
            self.labels.pop()
            code += b"\x0b" + b"".join(self.small_statement(2) for _ in range(r.choice((0, 1, 1, 2))))
        code += b"".join(self.small_statement(2) for _ in range(r.choice((0, 1, 2)))) + self.stack_move(8)
        if loop and n:
            self.labels.pop()
            code += b"\x41\x00\x0f\x0b\x00"
        elif r.random() < 0.8:
            code += const(I32, r.choice((0, 0, 0, 0, 1))) + b"\x0f"
        else:
            code += self.small_value(1) + b"\xa7" + (b"\x0f" if r.random() < 0.5 else b"")
            if self.unwind is not None and code[-1] != 0x0f:
                code += b"\x0f"
        if self.unwind is not None:
            code += b"\x0b\x41\x01"
        return self.body(code)

    def small(self):
        """Mostly one that is short enough."""
        for _ in range(20):
            f = Function(self.mod, self.params, self.results, "small")
            code = f.small_once()
            if len(code) <= 121:
                break
        return code


def wrapper(mod, func, rng):
    """Sets the globals and calls; everything that a call can change is then the same for both engines."""
    params = mod.types[mod.sigs[func]][0]
    code = const(I32, FUEL_START) + b"\x24" + u(FUEL) + const(I32, 0x8000) + b"\x24\x00"
    for number in (CTXT, G):
        if rng.random() < 0.5:
            code += const(I64, rng.getrandbits(33)) + b"\x24" + u(number)
    code += b"".join(b"\x20" + u(i) for i in range(len(params)))
    return sized(u(0) + code + b"\x10" + u(func) + b"\x0b")


def section(number, body):
    return bytes([number]) + sized(body)


def name(text):
    return sized(text.encode())


def module(rng):
    mod = Module(rng)
    shapes = []
    for _ in range(rng.choice((6, 8, 10) if mod.careful else (2, 4, 8))):
        if rng.random() < (0.8 if mod.careful else 0.5):
            shapes.append((rng.choice(("go", "small")), (I32,), (I32,)))
        else:
            params = [rng.choice(NUMBERS) for _ in range(rng.choice((0, 1, 2, 3, 5, 9, 20)))]
            results = [rng.choice(NUMBERS) for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3, 8)))]
            shapes.append(("plain", tuple(params), tuple(results)))
    mod.sigs = [mod.type(params, results) for _, params, results in shapes]
    bodies = []
    for shape, params, results in shapes:
        function = Function(mod, params, results, shape)
        bodies.append({"go": function.go, "small": function.small, "plain": function.plain}[shape]())
    n = len(shapes)
    bodies += [wrapper(mod, func, rng) for func in range(n)]
    state = mod.type([], GLOBALS)
    bodies.append(sized(u(0) + b"".join(b"\x23" + u(i) for i in range(len(GLOBALS))) + b"\x0b"))
    types = [b"\x60" + vec([bytes([t]) for t in p]) + vec([bytes([t]) for t in q]) for p, q in mod.types]
    exports = []
    for func in range(n): # the globals after each
        exports.append(name(f"f{func}") + b"\x00" + u(n + func))
        exports.append(name(f"s{func}") + b"\x00" + u(2 * n))
    exports.append(name("memory") + b"\x02\x00")
    slots = [u(i % n) for i in range(mod.table_size - 2)]
    elems = [b"\x00" + const(I32, 0) + b"\x0b" + vec(slots),
             b"\x01\x00" + vec([u(rng.randrange(n)) for _ in range(5)]), b"\x03\x00" + vec([u(i) for i in range(n)])]
    datas = [b"\x01" + sized(rng.randbytes(24)), b"\x01" + sized(b""),
             b"\x00" + const(I32, rng.randrange(1000)) + b"\x0b" + sized(rng.randbytes(rng.choice((0, 64, 500))))]
    kinds = [bytes([t]) + b"\x01" + const(t, rng.choice((0, 1, 100))) + b"\x0b" for t in GLOBALS]
    return b"\0asm\x01\0\0\0" + b"".join([
        section(1, vec(types)), section(3, vec([u(x) for x in mod.sigs * 2 + [state]])),
        section(4, vec([b"\x70\x01" + u(mod.table_size) + u(mod.table_size + 3)])),
        section(5, vec([b"\x01" + u(mod.pages) + u(mod.max_pages)])), section(6, vec(kinds)), section(7, vec(exports)),
        section(9, vec(elems)), section(12, u(len(datas))), section(10, vec(bodies)), section(11, vec(datas))])


if __name__ == "__main__":
    import random
    sys.stdout.buffer.write(module(random.Random(f"go {sys.argv[1]}")))
