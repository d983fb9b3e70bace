"""Random valid modules that meet the edges of the compiler, for tests/fuzz/diff.py.

    edges.module(rng) -> bytes          python3 tests/fuzz/edges.py SEED > x.wasm

Where generate.py has the shapes of compilers' output, this has what optimisations get wrong: every instruction that
needs registers of its own, with values alive over it; constants at the ends of what an instruction holds, with source
and destination the same and not; loads and stores at memory's end by every shape of address; dispatches by indices
outside their table; calls with many live values; loops with many variables that go round; masks, tests and steps of
which the compiler knows that they do nothing, or that seem to do nothing; tests behind what sets the flags, or does
not; pointers with an upper half; calls that never return 0, as far as is seen; slots of the stack, which others write;
products that are made of four, or nearly so; values that wait in slots, where what has left the operand stack is read
again.

A module has functions of one theme.  Each is exported some times, with arguments of its own; every function counts its
fuel down, so that all end.  No NaN's bits reach memory, integers or signs."""
import sys

import generate
from generate import (BIN, CMP, CONVERT, DIV, F32, F64, I32, I64, LOAD, NUMBERS, STORE, TRUNC, UN, const, name, op, s,
                      section, sized, u, vec)

W32 = [0, 1, 2, 3, 5, 8, 31, 32, 33, 127, 128, 129, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
       0x80000001, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFF80, 0xFFFFFF7F]
W64 = W32 + [(1 << 32) - 1, 1 << 32, (1 << 32) + 1, -(1 << 31), -(1 << 31) - 1, -(1 << 31) + 1, (1 << 63) - 1,
             -(1 << 63), -1, -2, -128, -129, -(1 << 32), 63, 64, 65, 0x123456789ABCDEF0]
ENDS = {I32: [0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 127, 128, 0xFFFFFF80],
        I64: [-(1 << 31), -(1 << 31), 1 << 31, (1 << 31) - 1, -(1 << 31) - 1, (1 << 32) - 1, 1 << 32, 128, -128]}
FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 3e9, -3e9, 2147483647.0, -2147483648.0, 4294967296.0, 9.3e18, -1e19, 1e-310]
SINGLES = [0.0, -0.0, 1.0, -1.5, 0.25, 3e9, -3e9, 2147483648.0, -2147483648.0, 1e19]
PARAMS = (I32, I32, I64, I64, F64, F32)
SHORT = {I32: "ad", I64: "", F64: "fc06", F32: "fc04"} # to an i64
FUEL, ACC = 0, 1
GLOBALS = (I32, I64, I64, I32, F64, I32, I32, I64) # the first two, and more: of eight, 0 and 2 live in registers
PAGE = 65536
SLOTS = 60 # of the table; behind them there are twelve without a function
SHIFTS = {I32: ["74", "75", "76", "77", "78"], I64: ["86", "87", "88", "89", "8a"]}


def number(r, t):
    if t in (I32, I64):
        return r.choice(ENDS[t] if r.random() < 0.5 else W32 if t == I32 else W64)
    return r.choice(SINGLES if t == F32 else FLOATS)


def get(i):
    return b"\x20" + u(i)


def put(i):
    return b"\x21" + u(i)


class Module:
    def __init__(self, rng, pages, most):
        self.rng, self.pages, self.most = rng, pages, most
        self.types, self.sigs, self.bodies, self.exports = [], [], [], []
        self.resumable = [] # functions of Go's type
        self.finished = [] # what others may call: it takes PARAMS, uses fuel, and returns an i64
        self.is_high = pages > 1000

    def type(self, params, results):
        key = (tuple(params), tuple(results))
        if key not in self.types:
            self.types.append(key)
        return self.types.index(key)

    def add(self, params, results, locals_, code):
        """A function's number."""
        self.sigs.append(self.type(params, results))
        self.bodies.append(sized(vec([u(1) + bytes([t]) for t in locals_]) + code + b"\x0b"))
        return len(self.sigs) - 1

    def export(self, func, arguments):
        """A function without parameters, which gives it fuel and calls it."""
        params, results = self.types[self.sigs[func]]
        code = const(I32, 400) + b"\x24" + u(FUEL)
        code += b"".join(const(t, v) for t, v in zip(params, arguments)) + b"\x10" + u(func)
        self.exports.append(self.add((), results, (), code))

    def bytes(self):
        r, n = self.rng, len(self.sigs)
        slots = list(range(n))
        self.sigs.append(self.type((), (I64,)))
        self.bodies.append(self.check())
        self.exports.append(n)
        types = [b"\x60" + vec([bytes([t]) for t in p]) + vec([bytes([t]) for t in q]) for p, q in self.types]
        exports = [name(f"f{i}") + b"\x00" + u(f) for i, f in enumerate(self.exports)]
        kinds = [bytes([t]) + b"\x01" + const(t, number(r, t)) + b"\x0b" for t in GLOBALS]
        datas = [b"\x01" + sized(r.randbytes(64)), b"\x00" + const(I32, 0) + b"\x0b" + sized(r.randbytes(256))]
        if self.pages:
            datas.append(b"\x00" + const(I32, self.pages * PAGE - 64) + b"\x0b" + sized(r.randbytes(64)))
        return b"\0asm\x01\0\0\0" + b"".join([
            section(1, vec(types)), section(3, vec([u(x) for x in self.sigs])),
            section(4, vec([b"\x70\x00" + u(SLOTS + 12)])),
            section(5, vec([b"\x01" + u(self.pages) + u(self.most)])), section(6, vec(kinds)),
            section(7, vec(exports)), section(9, vec([b"\x00" + const(I32, 0) + b"\x0b" + vec(
                [u(slots[i % len(slots)]) for i in range(SLOTS)])])),
            section(12, u(len(datas))), section(10, vec(self.bodies)), section(11, vec(datas))])

    def check(self):
        """What memory holds at its beginning and its end, and the globals: an i64."""
        code = b""
        for at in (0, 64, 128, 4096, 32768) if self.is_high else ():
            code += const(I32, at) + b"\x29\x00\x00" + b"\x23" + u(ACC) + b"\x7c\x24" + u(ACC)
        step = lambda v: v + b"\x23" + u(ACC) + const(I64, 0x9E3779B97F4A7C15) + b"\x7e\x85\x24" + u(ACC)
        if not self.is_high:
            code += b"\x03\x40" + step(get(0) + b"\x29\x00\x00")
            code += get(0) + const(I32, 8) + b"\x6a\x22\x00" + const(I32, self.pages * PAGE) + b"\x49\x0d\x00\x0b"
        for at in range(self.pages * PAGE - 64, self.pages * PAGE, 8):
            code += step(const(I32, at) + b"\x29\x00\x00")
        code += step(b"\x3f\x00\xad") + step(b"\x23\x02") + step(b"\x23\x03\xad") + b"\x23" + u(ACC)
        return sized(vec([u(1) + bytes([I32])]) + code + b"\x0b")


class Body:
    """Code over the parameters PARAMS, some locals of each type, and `acc`, what the function returns."""

    def __init__(self, mod, more=2):
        self.mod, self.r = mod, mod.rng
        self.locals = []
        self.acc = self.local(I64)
        for t in NUMBERS:
            for _ in range(more):
                self.local(t)
        self.budget = 160

    def local(self, t):
        self.locals.append(t)
        return len(PARAMS) + len(self.locals) - 1

    def pick(self, t):
        return self.r.choice([i for i, x in enumerate(PARAMS + tuple(self.locals)) if x == t and i != self.acc])

    def finish(self, code, fuel=True):
        """Without fuel at its start the code has some of its own, and begins with no branch."""
        code = (self.fuel() if fuel else b"") + code + get(self.acc)
        self.mod.finished.append(self.mod.add(PARAMS, (I64,), self.locals, code))
        return self.mod.finished[-1]

    def mix(self, t):
        """The value on the stack goes into acc."""
        return op(SHORT[t]) + get(self.acc) + const(I64, 0x9E3779B97F4A7C15) + b"\x7e\x85" + put(self.acc)

    def fuel(self):
        fuel = u(FUEL)
        return (b"\x23" + fuel + b"\x41\x01\x6b\x24" + fuel + b"\x23" + fuel + b"\x41\x00\x48\x04\x40" +
                get(self.acc) + b"\x0f\x0b")

    # ---- values ----

    def leaf(self, t):
        r = self.r.random()
        if r < 0.6:
            return get(self.pick(t))
        if r < 0.9 or t == F32:
            return const(t, number(self.r, t))
        return b"\x23" + u({I32: 3, I64: 2, F64: 4}[t])

    def expr(self, t, d):
        r = self.r
        self.budget -= 1
        if d <= 0 or self.budget < 0 or r.random() < 0.1:
            return self.leaf(t)
        p = r.random()
        if p < 0.45:
            return self.expr(t, d - 1) + self.expr(t, d - 1) + op(r.choice(BIN[t]))
        if p < 0.85:
            return self.clobber(t, d)
        if p < 0.93:
            return self.expr(t, d - 1) + b"\x22" + u(self.pick(t)) # the local changes while others wait
        return self.expr(t, d - 1) + op(r.choice(UN[t]))

    def clobber(self, t, d):
        """One value by an instruction that has registers of its own."""
        ways = [self.select, self.convert, self.load, self.call, self.compare, self.bulk, self.branch]
        if t in DIV:
            ways += [self.divide, self.divide, self.shift, self.shift]
        return self.r.choice(ways)(t, d)

    def divide(self, t, d):
        r = self.r
        right = self.expr(t, d - 1)
        if r.random() < 0.8:
            right += const(t, r.choice((1, 7, 1 << 30))) + op("72" if t == I32 else "84")
        elif r.random() < 0.6:
            right = const(t, number(r, t) or 3)
        return self.expr(t, d - 1) + right + op(r.choice(DIV[t]))

    def shift(self, t, d):
        return self.expr(t, d - 1) + self.expr(t, d - 1) + op(self.r.choice(SHIFTS[t]))

    def select(self, t, d):
        return self.expr(t, d - 1) + self.expr(t, d - 1) + self.condition(d - 1) + b"\x1b"

    def condition(self, d):
        t = self.r.choice(NUMBERS)
        if self.r.random() < 0.2:
            return self.expr(I64, d - 1) + b"\x50"
        return self.expr(t, d - 1) + self.expr(t, d - 1) + op(self.r.choice(CMP[t]))

    def compare(self, t, d):
        code = self.condition(d)
        return code if t == I32 else code + op({I64: "ad", F32: "b2", F64: "b8"}[t])

    def convert(self, t, d):
        r = self.r
        if t in TRUNC and r.random() < 0.1:
            source, code = r.choice(TRUNC[t])
        else:
            source, code = r.choice([c for c in CONVERT[t] if c[1] not in ("be", "bf")])
        return self.expr(source, d - 1) + op(code)

    def load(self, t, d):
        return self.expr(I32, d - 1) + const(I32, 0xFF8) + b"\x71" + op(self.r.choice(LOAD[t])) + b"\x00\x00" + (
            op("fc06b9" if t == F64 else "fc04b4") if t in (F32, F64) else b"") # bits of memory may be a NaN's

    def call(self, t, d):
        mod, r = self.mod, self.r
        if not mod.finished:
            return self.leaf(t)
        func = r.choice(mod.finished)
        params, _ = mod.types[mod.sigs[func]]
        code = b"".join(self.expr(x, 1) for x in params)
        if r.random() < 0.5:
            code += b"\x10" + u(func)
        else:
            code += const(I32, func % SLOTS) + b"\x11" + u(mod.sigs[func]) + b"\x00"
        return code + {I32: b"\xa7", I64: b"", F32: b"\xb4", F64: b"\xb9"}[t]

    def bulk(self, t, d):
        """Instructions that call C, and then a value."""
        r = self.r
        small = lambda most: self.expr(I32, 1) + const(I32, most) + b"\x71"
        return r.choice((
            lambda: small(0xFFF) + small(0xFFF) + small(0x7F) + b"\xfc\x0a\x00\x00",
            lambda: small(0xFFF) + small(0xFF) + small(0x7F) + b"\xfc\x0b\x00",
            lambda: small(0xFFF) + small(0x1F) + small(0x1F) + b"\xfc\x08\x00\x00",
            lambda: const(I32, r.choice((0, 0, 1))) + b"\x40\x00" + put(self.pick(I32)),
            lambda: const(I32, SLOTS + r.randrange(12)) + b"\xd0\x70\x26\x00",
            lambda: const(I32, SLOTS + r.randrange(9)) + const(I32, SLOTS + r.randrange(9)) + const(I32, 3) +
            b"\xfc\x0e\x00\x00",
        ))() + self.expr(t, d - 1)

    def branch(self, t, d):
        """A value over a block's end."""
        if self.r.random() < 0.5:
            return self.condition(d - 1) + b"\x04" + bytes([t]) + self.expr(t, d - 1) + b"\x05" + self.leaf(t) + b"\x0b"
        return (b"\x02" + bytes([t]) + self.expr(t, d - 1) + self.condition(1) + b"\x0d\x00\x1a" +
                self.expr(t, d - 1) + b"\x0b")

    def fold(self, stack):
        """Takes the values of these types from the stack, some by an operation of two of them."""
        code, r = b"", self.r
        while stack:
            if len(stack) > 1 and stack[-1] == stack[-2] and r.random() < 0.6:
                code += op(r.choice(BIN[stack.pop()]))
            else:
                code += self.mix(stack.pop())
        return code


def alive(mod):
    """Temporaries alive over what clobbers."""
    body = Body(mod)
    r, code = body.r, b""
    for _ in range(r.choice((1, 3, 6))):
        body.budget = 60
        types = [r.choice((I32, I64, I64, F64, F32)) for _ in range(r.choice((1, 2, 3, 7, 12, 20)))]
        if r.random() < 0.5:
            types = [types[0]] * len(types)
        for t in types:
            code += body.expr(t, r.choice((1, 1, 2)))
        t = r.choice((I32, I64, types[-1]))
        code += body.clobber(t, 2) + body.fold(types + [t])
    return body.finish(code)


def immediates(mod):
    """Constants on either side; the destination is the source, another local, or nowhere."""
    body = Body(mod)
    r, code = body.r, b""
    for _ in range(24):
        t = r.choice((I32, I64))
        x, y, k = body.pick(t), body.pick(t), const(t, number(r, t))
        code += const(t, number(r, t)) + put(x) if r.random() < 0.3 else b""
        sides = get(x) + k if r.random() < 0.8 else k + get(x)
        way = r.random()
        if way < 0.25:
            code += sides + op(r.choice(CMP[t])) + b"\x04\x40" + get(x) + body.mix(t)
            code += b"\x05" + k + body.mix(t) + b"\x0b"
            continue
        if way < 0.4:
            code += sides + op(r.choice(CMP[t])) + body.mix(I32)
            continue
        safe = t in DIV and r.random() < 0.2 and sides.startswith(b"\x20") and number(r, t)
        code += get(x) + const(t, safe) + op(r.choice(DIV[t])) if safe else sides + op(r.choice(BIN[t]))
        code += r.choice((put(x), put(y), b"\x22" + u(x) + get(y) + op(r.choice(BIN[t])) + put(y)))
        code += get(r.choice((x, y))) + body.mix(t)
    return body.finish(code)


# ---- memory's end ----

def narrow(r):
    """What is done with a load: (its opcode and width, code behind it, result's type)."""
    ways = [("29", 8, "a7", I32), ("29", 8, "42ff0183", I64), ("29", 8, "a741ff0171", I32), ("29", 8, "c2", I64),
            ("29", 8, "42208a", I64), ("29", 8, "422088a7", I32), ("29", 8, "50", I32), ("29", 8, "a745", I32),
            ("29", 8, "c4", I64), ("29", 8, "a7c0", I32), ("29", 8, "42ffffffff0f83", I64), ("29", 8, "a7ad", I64),
            ("28", 4, "41ff0171", I32), ("28", 4, "c0", I32), ("28", 4, "c1", I32), ("28", 4, "45", I32),
            ("28", 4, "41ffff0371", I32), ("28", 4, "ad", I64), ("28", 4, "ac", I64), ("28", 4, "411076", I32),
            ("35", 4, "a7", I32), ("34", 4, "a7", I32), ("33", 2, "a7", I32), ("31", 1, "a7", I32),
            ("2b", 8, "bd", I64), ("2a", 4, "bc", I32), ("29", 8, "bfbd", I64)]
    for t in (I32, I64):
        widths = (4, 1, 1, 2, 2) if t == I32 else (8, 1, 1, 2, 2, 4, 4)
        ways += [(code, width, "", t) for code, width in zip(LOAD[t], widths)] * 2
    return r.choice(ways)


OFFSETS = (0, 0, 0, 0, 1, 4, 8, 12, 16, 4095, 65528, 0x7FFFFFF8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
STORES = [("36", 4, I32), ("3a", 1, I32), ("3b", 2, I32), ("37", 8, I64), ("3c", 1, I64), ("3d", 2, I64),
          ("3e", 4, I64)]


class Address:
    """A shape of addresses: code over the parameters, and parameters that lead to a given byte."""

    def __init__(self, mod):
        r = mod.rng
        self.r, self.shape, self.k = r, r.randrange(9), r.choice((0, 1, 2, 3, 3, 4))
        self.add = r.choice((1, 4, 8, 16, 24, 127, 128, 4096, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF))
        self.wide = r.choice((self.add, self.add, 1 << 32, (1 << 32) + 8, -(1 << 31), -(1 << 31) - 8, -8, -1))
        self.offset = r.choice(OFFSETS)
        limit = mod.pages * PAGE
        self.fixed = (limit + r.randrange(-20, 3) - self.offset) & 0xFFFFFFFF
        if mod.is_high and r.random() < 0.5:
            self.fixed = r.choice((0x7FFFFFF0, 0x7FFFFFFC, 0x7FFFFFFF, 0x80000000, 0x80000008, 0x90000000, limit - 8))

    def code(self):
        shifted, shifted_wide = get(1) + const(I32, self.k) + b"\x74", get(3) + const(I64, self.k) + b"\x86"
        return [get(0), get(0) + const(I32, self.add) + b"\x6a", get(0) + shifted + b"\x6a",
                get(0) + shifted + b"\x6a" + const(I32, self.add) + b"\x6a",
                get(2) + b"\xa7", get(2) + const(I64, self.wide) + b"\x7c\xa7", get(2) + shifted_wide + b"\x7c\xa7",
                get(2) + shifted_wide + b"\x7c" + const(I64, self.wide) + b"\x7c\xa7",
                const(I32, self.fixed)][self.shape]

    def arguments(self, target):
        """Parameters by which the access begins at byte `target`, where an offset allows that."""
        r, base = self.r, (target - self.offset) & 0xFFFFFFFF
        index = r.choice((0, 1, 2, 5, 0x1FFFFFFF, 0x80000000, 0xFFFFFFFF, -1))
        index_wide = r.choice((index, index, 1 << 29, 1 << 60, -(1 << 33)))
        x = base - (self.add if self.shape in (1, 3) else 0) - ((index << self.k) if self.shape in (2, 3) else 0)
        y = base - (self.wide if self.shape in (5, 7) else 0) - ((index_wide << self.k) if self.shape in (6, 7) else 0)
        y = (y & 0xFFFFFFFF) + (r.choice((0, 0, 1, 0xFFFFFFFF, 0x80000000)) << 32)
        return (x & 0xFFFFFFFF, index, y, index_wide, 1.5, 2.5)


def at_the_end(mod):
    """One access, now and then two; its exports begin it at every byte about memory's end."""
    body, at = Body(mod, 1), Address(mod)
    r, arg = body.r, b"\x00" + u(at.offset)
    address = at.code()
    if r.random() < 0.2: # the address from a local that changes before the access
        spare = body.local(I32)
        address = address + b"\x22" + u(spare)
    way = r.random()
    if way < 0.6:
        load, width, after, t = narrow(r)
        value = address + op(load) + arg + op(after)
        use = r.random()
        if use < 0.1:
            code = value + b"\x1a" # what nobody wants must trap still
        elif use < 0.2:
            code = value + put(body.pick(t))
        elif use < 0.5 and t in BIN:
            other = r.choice((get(body.pick(t)), const(t, number(r, t))))
            code = (value + other if r.random() < 0.5 else other + value) + op(r.choice(BIN[t]))
            code += b"\xa7" + body.mix(I32) if t == I64 and r.random() < 0.6 else body.mix(t)
        elif use < 0.7:
            other = r.choice((get(body.pick(t)), const(t, number(r, t))))
            code = (value + other if r.random() < 0.5 else other + value) + op(r.choice(CMP[t]))
            code += b"\x04\x40" + get(2) + body.mix(I64) + b"\x0b"
        else:
            code = value + body.mix(t)
    else:
        store, width, t = r.choice(STORES)
        value = r.choice((const(t, number(r, t)), get(body.pick(t)), body.expr(t, 1)))
        if r.random() < 0.3: # read, change, write
            load = {"36": "28", "3a": "2d", "3b": "2f", "37": "29", "3c": "31", "3d": "33", "3e": "35"}[store]
            value = address + op(load) + arg + value + op(r.choice(BIN[t]))
        code = address + value + op(store) + arg
    if r.random() < 0.2:
        code = code + code
    func = body.finish(code)
    limit = mod.pages * PAGE
    targets = [limit + d for d in range(-width - 1, 2)] + [0, -1, -width, 0x80000000 - width, 0x80000000 - 1]
    for target in r.sample(targets, min(len(targets), 9)) + [limit - width, limit - width + 1]:
        mod.export(func, at.arguments(target))
    return None


def sums(mod):
    """Addresses as sums of locals, loads and a pinned global, some of which change between the sum and the access."""
    body = Body(mod, 2)
    r = body.r
    x, y, wide = body.pick(I32), body.pick(I32), body.pick(I64)
    changer = mod.add((), (), (), const(I64, r.choice((64, 4096))) + b"\x24\x02")
    code = get(x) + const(I32, 0x3FF8) + b"\x71" + put(x) + get(y) + const(I32, 0x7FF) + b"\x71" + put(y)
    code += get(wide) + const(I64, 0xFF8) + b"\x83\x22" + u(wide) + b"\x24\x02"
    code += const(I32, 512) + get(x) + b"\x36\x00\x00" + const(I32, 520) + get(y) + b"\x36\x00\x00"
    for _ in range(r.choice((1, 3, 6))):
        plus = const(I32, r.choice((0, 4, 8, 24, 127, 128, 4096))) + b"\x6a"
        scaled = r.choice((get(y), const(I32, 520) + b"\x28\x00\x00")) + const(I32, r.randrange(5)) + b"\x74"
        base = r.choice((get(x), get(x), get(wide) + b"\xa7", b"\x23\x02\xa7",
                         get(y) + b"\x2d\x00\x00", const(I32, 512) + b"\x28\x00\x00"))
        wider = r.choice((b"\x23\x02", get(wide))) + const(I64, r.choice((8, 16, 4096))) + b"\x7c\xa7"
        address = r.choice((base + plus, base + scaled + b"\x6a", base + scaled + b"\x6a" + plus,
                            base + plus + scaled + b"\x6a", scaled + base + b"\x6a", get(x) + base + b"\x6a", wider))
        between = r.choice((b"", b"", const(I32, r.choice((0, 64, 1024))) + put(r.choice((x, y))),
                            const(I64, 128) + put(wide), b"\x10" + u(changer), const(I64, 256) + b"\x24\x02",
                            get(x) + const(I32, 8) + b"\x6a" + put(x)))
        if r.random() < 0.6:
            load, _, after, t = narrow(r)
            code += address + between + op(load) + b"\x00\x00" + op(after) + body.mix(t)
        else:
            store, _, t = r.choice(STORES)
            late = r.random() < 0.5
            value = get(body.pick(t)) if late else const(t, number(r, t))
            code += address + (value + between if late else between + value) + op(store) + b"\x00\x00"
    return body.finish(code)


def pointers(mod):
    """i64 locals and a pinned global that point into memory whatever their upper halves, read and written at offsets
    again and again, over Go's dispatch, nil checks, loops and calls."""
    body = Body(mod, 1)
    r, n = body.r, mod.rng.choice((1, 2, 3, 5))
    is_constant = r.random() < 0.7 # else the dispatch is gone through again, with locals that are not zero
    slots = [(get(p), put(p)) for p in (body.local(I64), body.local(I64), body.local(I64))]
    slots.append((b"\x23\x02", b"\x24\x02"))
    far = lambda: b"\x00" + u(r.choice((1, 8, 8, 16, 24, 4096)))
    changer = mod.add((), (), (), const(I64, r.choice((64, 0xFFFFFFFF00000100))) + b"\x24\x02")

    def set_one(p):
        mask = const(I64, 0x3FF8 | r.choice((0, 0, 0xFFFFFFFF00000000, 5 << 32)))
        return body.expr(I64, 1) + mask + b"\x83" + p[1]

    def use(p):
        if r.random() < 0.3:
            store, _, t = r.choice(STORES)
            return p[0] + b"\xa7" + const(t, number(r, t)) + op(store) + far()
        load, _, after, t = narrow(r)
        return p[0] + b"\xa7" + op(load) + far() + op(after) + body.mix(t)

    def follow(p):
        return p[0] + b"\xa7" + op("29") + far() + const(I64, 0xFFFFFFFF00003FF8) + b"\x83" + p[1]

    def whole(p):
        return p[0] + body.mix(I64)

    def nil(p):
        return p[0] + b"\x50\x04\x40\x10" + u(changer) + (set_one(p) if r.random() < 0.3 else b"") + b"\x0b"

    def held(p):
        spare = body.pick(I32)
        between = r.choice((b"", b"", set_one(p), use(p), const(I32, 1) + put(spare)))
        test = get(spare) + r.choice((b"", b"\x45", b"\xad\x50", b"\xad\xa7\x45"))
        left = r.choice((p[0], p[0], p[0] + b"\xa7" + op(r.choice(LOAD[I64])) + far(), p[0] + b"\xa7\xad"))
        right = r.choice((const(I64, r.choice((0, 64, 0x3000))), p[0] + b"\xa7" + op("29") + far()))
        return (left + right + op(r.choice(CMP[I64])) + put(spare) + between + test +
                b"\x04\x40" + use(p) + b"\x0b" + (get(spare) + body.mix(I32) if r.random() < 0.5 else b""))

    code = b"".join(set_one(p) for p in slots if r.random() < 0.3)
    code += b"\x03\x40" + b"\x02\x40" * n + get(0) + b"\x0e" + vec([u(k) for k in range(n)]) + u(n - 1)
    for k in range(n):
        code += b"\x0b" + body.fuel()
        for _ in range(r.choice((1, 3, 6))):
            code += r.choice((use, use, use, use, set_one, follow, whole, nil, held))(r.choice(slots))
        if r.random() < 0.7:
            to = const(I32, r.randrange(n)) if is_constant else get(0) + const(I32, r.choice((1, 1, 3))) + b"\x73"
            jump = to + put(0) + b"\x0c" + u(n - k)
            late = use(r.choice(slots)) if r.random() < 0.3 else b""
            code += body.condition(1) + b"\x04\x40" + late + jump + b"\x0b"
        if r.random() < 0.2:
            code += b"\x10" + u(changer)
    func = body.finish(code + b"\x0b", fuel=r.random() < 0.2)
    for first in [*range(min(n, 3)), 99]:
        mod.export(func, [first] + [number(r, t) for t in PARAMS[1:]])
    return None


def stack(mod):
    """Slots of the stack whose pointer is global 0, stored to and loaded again by every shape and both kinds of
    address, while others write there: overlapping slots, pointers, copies, calls, SP's own changes.  SP may lie at
    memory's ends."""
    body = Body(mod, 1)
    r, n = body.r, mod.rng.choice((1, 2, 3, 4))
    sp, offsets = b"\x23\x00", r.sample((0, 4, 8, 8, 8, 12, 16, 16, 24, 1), 2)
    alias, held = body.local(I32), body.local(I64)
    moved = lambda d: sp + const(I32, d) + b"\x6a\x24\x00"
    writer = mod.add((), (), (), sp + const(I64, 0x0123456789ABCDEF) + op("37") + b"\x00" + u(r.choice(offsets)))
    mover = mod.add((), (), (), moved(r.choice((8, -8))))

    def at(off):
        """An address, and the offset of the access."""
        if r.random() < 0.5:
            return sp, b"\x00" + u(off)
        return (sp + const(I32, off) if r.random() < 0.8 else const(I32, off) + sp) + b"\x6a", b"\x00\x00"

    def store():
        address, tail = at(r.choice(offsets))
        code, _, t = r.choice(STORES) if r.random() < 0.3 else r.choice([x for x in STORES if x[0] in ("36", "37")])
        value = r.choice((const(t, number(r, t)), get(body.pick(t)), body.expr(t, 1)))
        if t == I64 and r.random() < 0.3:
            value = get(held)
        return address + value + op(code) + tail

    def load():
        address, tail = at(r.choice(offsets))
        if r.random() < 0.6:
            code, after, t = r.choice((("29", "", I64), ("29", "", I64), ("28", "", I32)))
        else:
            code, _, after, t = narrow(r)
        way = r.random()
        value = address + op(code) + tail + op(after)
        if way < 0.4:
            return value + body.mix(t)
        if way < 0.6:
            return value + put(body.pick(t))
        if way < 0.7 and t == I64: # a pointer that is followed, twice
            far = b"\x83\xa7\x29\x00" + u(r.choice((0, 8)))
            follow = lambda v: v + const(I64, 0xFFFFFFFF00003FF8) + far + body.mix(t)
            return follow(value) + (r.choice((b"", store())) + follow(address + op(code) + tail))
        return value + r.choice((load_or_store(), b"")) + body.mix(t)

    def pointer(p):
        """What has a pointer in a slot, read at offsets again and again."""
        access = lambda: p + b"\xa7\x29\x00" + u(r.choice((0, 8, 16))) + body.mix(I64)
        set_it = sp + const(I64, 0x1000 | r.choice((0, 0xFFFFFFFF00000000))) + op("37") + b"\x00\x08"
        return set_it + access() + r.choice((b"", store())) + access() + access()

    def load_or_store():
        return r.choice((load, store))() if r.random() < 0.5 else b""

    def other():
        return r.choice((
            lambda: get(alias) + const(I64, 0x55) + op("37") + b"\x00" + u(r.choice(offsets)),
            lambda: get(alias) + sp + const(I32, 8) + b"\xfc\x0a\x00\x00",
            lambda: get(alias) + const(I32, 0xAB) + const(I32, 8) + b"\xfc\x0b\x00",
            lambda: b"\x10" + u(writer), lambda: b"\x10" + u(mover), lambda: moved(r.choice((8, -8, 16))),
            lambda: get(body.pick(I64)) + put(held), lambda: body.expr(I64, 1) + put(held),
            lambda: sp + put(alias), lambda: sp + const(I32, 8) + b"\x6a" + put(alias),
            lambda: const(I32, r.choice((0, 1))) + b"\x40\x00" + body.mix(I32),
            lambda: pointer(sp + op("29") + b"\x00\x08")))()

    def again(code="29", t=I64):
        """A slot before and after something else, which may take it away."""
        off = r.choice(offsets)
        first, then = r.choice(((sp, sp), (sp, sp), (sp + const(I32, off) + b"\x6a", sp))), b"\x00" + u(off)
        begin = first[0] + r.choice((op(code) + (then if first[0] == sp else b"\x00\x00") + body.mix(t),
                                     get(held) + op("37") + (then if first[0] == sp else b"\x00\x00")))
        wide = r.random() < 0.2
        return begin + r.choice((other, other, store, lambda: b""))() + first[1] + (
            op("28") + then + body.mix(I32) if wide else op(code) + then + body.mix(t))

    def late():
        """An address of SP as it was."""
        off = r.choice(offsets)
        return (sp + op("29") + b"\x00" + u(off) + body.mix(I64) + sp + const(I32, off) + b"\x6a" +
                moved(r.choice((8, -8))) + sp + op("29") + b"\x00" + u(off) + body.mix(I64) +
                op("29") + b"\x00\x00" + body.mix(I64))

    def masked_again():
        off = r.choice(offsets)
        value = lambda: sp + op(r.choice(("29", "29", "35", "31"))) + b"\x00" + u(off)
        return value() + body.mix(I64) + value() + const(I64, (1 << 32) - 1) + b"\x83" + body.mix(I64)

    def both():
        """The same bytes, extended to both types."""
        narrow, wide = r.choice((("2c", "30"), ("2d", "31"), ("2e", "32"), ("28", "34"), ("28", "35")))
        off = b"\x00" + u(r.choice(offsets))
        code = [sp + op(narrow) + off + body.mix(I32), sp + op(wide) + off + body.mix(I64)]
        return b"".join(r.sample(code, 2))

    def around():
        count = b"\x06" # a global, which nothing else writes
        inside = again() + (store() if r.random() < 0.5 else b"")
        return (sp + op("29") + b"\x00" + u(r.choice(offsets)) + body.mix(I64) + const(I32, 2) + b"\x24" + count +
                b"\x03\x40" + inside + b"\x23" + count + const(I32, 1) + b"\x6b\x24" + count + b"\x23" + count +
                b"\x0d\x00\x0b")

    def two():
        return (sp + op("29") + b"\x00\x08" + b"\xa7\x29\x00\x08" + body.mix(I64) + sp + op("29") + b"\x00\x10" +
                b"\xa7\x29\x00\x08" + body.mix(I64) + pointer(sp + op("29") + b"\x00" + u(r.choice((8, 16)))))

    def some(most):
        ways = (store, store, load, load, other, again, again, again, late, masked_again, both, around, two)
        return b"".join(r.choice(ways)() for _ in range(r.randrange(1, most)))

    end = mod.pages * PAGE
    first = r.choice((64, 64, 1024, 1024, 1024, 0, 4, end - 16, end - 32, end - 8, -8, -16, -24, -32))
    code = const(I32, first) + b"\x24\x00"
    code += sp + r.choice((b"", const(I32, 8) + b"\x6a")) + put(alias) + const(I32, 9) + b"\x24\x05"
    code += b"\x03\x40" + b"\x02\x40" * n + get(0) + b"\x0e" + vec([u(k) for k in range(n)]) + u(n - 1)
    for k in range(n):
        stop = b"\x23\x05\x41\x01\x6b\x24\x05\x23\x05\x45\x04\x40" + get(body.acc) + b"\x0f\x0b"
        code += b"\x0b" + stop + some(5)
        for _ in range(r.choice((0, 1, 2))):
            code += body.condition(1) + b"\x04\x40" + some(4)
            if r.random() < 0.5:
                code += b"\x05" + some(4)
            elif r.random() < 0.5:
                code += const(I32, r.randrange(n)) + put(0) + b"\x0c" + u(n - k)
            code += b"\x0b" + some(4)
        if r.random() < 0.4:
            code += b"\x02\x40" + some(3) + body.condition(1) + b"\x0d\x00" + some(4) + b"\x0b" + some(3)
        if r.random() < 0.3:
            code += const(I32, r.randrange(n)) + put(0) + b"\x0c" + u(n - 1 - k)
    func = mod.add(PARAMS, (I64,), body.locals, code + b"\x0b" + get(body.acc)) # none calls another
    for first in [*range(min(n, 3)), 99]:
        mod.export(func, [first] + [number(r, t) for t in PARAMS[1:]])
    return None


def bulk_end(mod):
    """memory.fill, copy and init that end at memory's end, and one byte behind it."""
    body = Body(mod, 1)
    r, limit = body.r, mod.pages * PAGE
    length = r.choice((0, 1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 63, 64))
    way = r.randrange(4)
    code = [get(0) + get(1) + const(I32, length) + b"\xfc\x0b\x00", get(0) + const(I32, 64) + const(I32, length) +
            b"\xfc\x0a\x00\x00", const(I32, 64) + get(0) + const(I32, length) + b"\xfc\x0a\x00\x00",
            get(0) + const(I32, 0) + const(I32, length) + b"\xfc\x08\x00\x00"][way]
    func = body.finish(get(2) + get(3) + code + b"\x85" + body.mix(I64))
    for d in (-1, 0, 1, 2):
        mod.export(func, (limit - length + d, 0xAB, 7, 9, 0.5, 0.5))
    mod.export(func, (0xFFFFFFFF, 1, 1, 1, 1.0, 1.0))
    return None


# ---- what is known of values ----

MASKS = (1, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, (1 << 32) - 1, 1 << 32,
         (1 << 33) - 1, -16, -1, -256, -(1 << 32))


def masked(body):
    """An i64 that is narrower than it looks, or not, and a mask."""
    r = body.r
    load = const(I32, r.choice((0, 8, 60, 4096))) + op(r.choice(LOAD[I64])) + b"\x00\x00"
    small = get(body.pick(I32))
    value = r.choice((
        load, load, get(body.pick(I64)), small + b"\xad", small + b"\xac", get(body.pick(I64)) + b"\xa7\xad",
        small + const(I32, r.choice((0, 1, 8, 31, 32, 33))) + b"\x76\xad", body.condition(1) + b"\xad",
        get(body.pick(I64)) + const(I64, r.choice((0, 1, 31, 32, 48, 56, 63, 64, 65))) + b"\x88",
        get(body.pick(I64)) + const(I64, r.choice(MASKS)) + b"\x83", body.expr(I64, 1)))
    for _ in range(r.choice((1, 1, 2))):
        mask = const(I64, r.choice(MASKS))
        value = (value + mask if r.random() < 0.8 else mask + value) + b"\x83"
    return value


def read(body):
    """What is in memory, or in a global, against a constant near the ends of its values, or bits of it: an i32."""
    r, t = body.r, body.r.choice((I32, I64))
    if r.random() < 0.1:
        value = b"\x23" + u({I32: 3, I64: 2}[t])
    else:
        at = r.choice((const(I32, r.choice((0, 3, 60, 4096))), get(body.pick(I32)) + const(I32, 0xFF) + b"\x71"))
        value = at + op(r.choice(LOAD[t])) + b"\x00" + u(r.choice((0, 0, 1, 8)))
    spare = body.pick(t)
    value += r.choice((b"", b"", b"", b"\x22" + u(spare), const(t, r.choice(MASKS)) + op("71" if t == I32 else "83")))
    if t == I64 and r.random() < 0.25: # of which the lower half is wanted
        value, t = value + b"\xa7", I32
    if r.random() < 0.3:
        return value + r.choice((op("45" if t == I32 else "50"),) * 2 + (const(t, 0) + op(r.choice(CMP[t])),))
    last = r.choice((7, 8, 15, 16, 31, 32, 63))
    end = r.choice((0, 0, 1, -1, (1 << last) - 1, 1 << last, -(1 << last), -(1 << last) - 1, r.randrange(-300, 300)))
    end = (end + (1 << 31)) % (1 << 32) - (1 << 31) if t == I32 else (end + (1 << 63)) % (1 << 64) - (1 << 63)
    if r.random() < 0.2: # the constant first, or something between
        return const(t, end) + value + op(r.choice(CMP[t]))
    between = r.choice((b"", b"", get(body.pick(F64)) + body.mix(F64)))
    return value + between + const(t, end) + op(r.choice(CMP[t]))


def tested(body):
    """A comparison that is tested, as i32 or extended to i64, perhaps more than once: an i32."""
    r, code = body.r, body.condition(1)
    if r.random() < 0.35:
        code = read(body)
    elif r.random() < 0.4: # bits of a value, by a mask or by another value
        t = r.choice((I32, I64))
        code = masked(body) if t == I64 and r.random() < 0.7 else get(body.pick(t)) + body.expr(t, 1) + op(
            "71" if t == I32 else "83")
        code += r.choice((b"\x45",) if t == I32 else (b"\x50", b"\x42\x00\x52", b"\x42\x00\x51", b"\x42\x01\x52",
                                                     b"\x42\x00\x55"))
    for _ in range(r.choice((1, 1, 2, 3))):
        spare = body.pick(I32)
        code += r.choice((b"", b"", b"", b"\x22" + u(spare), get(body.pick(I32)) + b"\x1a"))
        code += r.choice((b"\x45", b"\xad\x50", b"\xad\x42\x00\x52", b"\xad\x42\x00\x51", b"\xac\x50",
                          b"\x41\x00\x47", b"\xad\x42\x01\x52", b"\x41\x01\x46", b"\xad\x42\x00\x53",
                          b"\x41\x00\x4a", b"\xad\xa7"))
    return code


def steps(body):
    """Steps of global 0, one after the other, that come to nothing together."""
    r = body.r
    values = [r.choice((1, 8, 24, 128, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8)) for _ in range(r.choice((1, 2, 3)))]
    values.append(-sum(values) & 0xFFFFFFFF)
    code = b""
    for v in values:
        look = b"\x23" + u(FUEL) + body.mix(I32)
        load = get(0) + const(I32, 0xFF0) + b"\x71\x28\x00\x00" + body.mix(I32)
        code += r.choice((b"", b"", b"", look, load, b"\x02\x40\x0b"))
        step = const(I32, v) + b"\x6a" if r.random() < 0.6 else const(I32, -v & 0xFFFFFFFF) + b"\x6b"
        code += b"\x23" + u(FUEL) + step + b"\x24" + u(FUEL)
    return code


def scaled(body):
    """base + (index << k), of which some are written meanwhile: an i64, and at times an address of it."""
    r = body.r
    t, x, y = I64, body.pick(I64), body.pick(I64)
    base = r.choice((get(x), get(x), body.expr(I64, 1), const(I32, 64) + b"\x29\x00\x00"))
    shift = get(y) + const(I64, r.choice((0, 1, 2, 3, 3, 3, 4, 64, 67))) + b"\x86"
    if r.random() < 0.4: # in 32 bits, some of them extended to a sum of 64
        t = r.choice((I32, I64))
        shift = get(body.pick(I32)) + const(I32, r.choice((1, 2, 3, 4, 35))) + b"\x74" + (b"\xad" if t == I64 else b"")
        base = base if t == I64 else get(body.pick(I32))
    between = r.choice((b"", b"", b"", const(I64, 77) + put(r.choice((x, y))), get(x) + put(y)))
    add = b"\x7c" if t == I64 else b"\x6a"
    value = (base + shift + between if r.random() < 0.6 else shift + between + base) + add
    if r.random() < 0.3:
        value += r.choice((get(body.pick(t)), const(t, 24), get(body.pick(t)) + const(t, 2) + op(SHIFTS[t][0]))) + add
    if r.random() < 0.3:
        value += b"\x22" + u(body.pick(t))
    if t == I64:
        return value + (b"\xa7\xad" if r.random() < 0.3 else b"")
    return value + b"\xad"


def flagged(body):
    """A test of what was computed just before, or of another value, or of its lower half: an i32."""
    r, t = body.r, body.r.choice((I32, I64, I64))
    x, y, to = (body.pick(t) for _ in range(3))
    ops = {I32: ("6a", "6b", "71", "72", "73", "6c"), I64: ("7c", "7d", "83", "84", "85", "7e")}[t]
    masks = (0, 1, 2, 8, 0x7FFFFFFF, 0xFFFFFFF8) if t == I32 else (0, 1, 2, 8, 0x7FFFFFFF, -(1 << 31), -(1 << 32))
    other = lambda: r.choice((get(x), get(y), const(t, r.choice(masks)), const(t, masks[-1])))
    step = lambda: get(r.choice((x, y))) + r.choice((other() + op(r.choice(ops)), const(t, r.choice((1, 2, 3))) +
                                                     op(SHIFTS[t][0])))
    code = r.choice((b"", step() + put(y)))
    value = step() + put(to)
    if r.random() < 0.2: # some come to the test by another way
        code, value = code + b"\x02\x40" + get(body.pick(I32)) + b"\x0d\x00", value + b"\x0b"
    value += r.choice((b"", b"", b"", body.expr(F64, 1) + body.mix(F64)))
    value += get(r.choice((to, to, to, x)))
    if t == I64 and r.random() < 0.4:
        value, t = value + b"\xa7", I32
    elif t == I32 and r.random() < 0.3:
        value, t = value + b"\xad", I64
    zero = const(t, 0) + op(r.choice(CMP[t]))
    return code + value + r.choice((op("45" if t == I32 else "50"), zero, zero))


def known(mod):
    """Masks, tests of tests, steps; results of calls that are tested at once."""
    body = Body(mod, 1)
    r, code = body.r, b""
    for _ in range(r.choice((2, 6, 12))):
        way = r.random()
        if way < 0.4:
            code += masked(body) + (body.mix(I64) if r.random() < 0.7 else b"\xa7" + body.mix(I32))
        elif way < 0.7:
            guarded = b"\x04\x40" + get(2) + body.mix(I64) + b"\x0b"
            code += r.choice((tested, tested, flagged))(body) + (guarded if r.random() < 0.6 else body.mix(I32))
        elif way < 0.8:
            code += scaled(body) + body.mix(I64)
        elif way < 0.9:
            code += steps(body)
        else:
            code += body.call(I32, 1) + b"\x04\x40" + get(3) + body.mix(I64)
            code += b"\x05" + get(0) + body.mix(I32) + b"\x0b"
    return body.finish(code)


# ---- what Go makes of wider operations ----

def halves(body, x, near):
    """Code for both halves of local x, and what reads them: (definitions, lower, upper)."""
    r = body.r
    if x is None:
        lower, upper = r.choice(W64) & 0xFFFFFFFF, r.choice(W32)
        if near.signed and upper >> 31 or r.random() < 0.1:
            upper -= 1 << 32
        return [], const(I64, lower), const(I64, upper)
    lower = get(x) + near(b"\xa7\xad", const(I64, 0xFFFFFFFF) + b"\x83", const(I64, 0x7FFFFFFF) + b"\x83",
                          const(I64, 0x1FFFFFFFF) + b"\x83", b"\xc4", b"", good=2)
    upper = get(x) + near.shift() + (b"\x87" if near.signed != near.wrong() else b"\x88")
    to_lower, to_upper = body.local(I64), body.local(I64)
    way = r.random()
    if way < 0.3: # where x was
        return [upper + put(to_upper), lower + put(x)], get(x), get(to_upper)
    if way < 0.6:
        return [lower + put(to_lower), upper + put(x)], get(to_lower), get(x)
    both = [lower + put(to_lower), upper + put(to_upper)]
    r.shuffle(both)
    return both, get(to_lower), get(to_upper)


class Near:
    """What is right, and seldom what is nearly so."""

    def __init__(self, r):
        self.r, self.signed, self.rate = r, r.random() < 0.4, r.choice((0, 0, 0.03, 0.1))

    def wrong(self):
        return self.r.random() < self.rate

    def __call__(self, *ways, good=1):
        return self.r.choice(ways[good:]) if self.wrong() else self.r.choice(ways[:good])

    def shift(self):
        return const(I64, self(32, 31, 33, 96, 64, 0))


def product(body):
    """The upper half of a product, from four products of halves, or nearly that: an i64."""
    r, near = body.r, Near(body.r)
    x, y = r.sample([i for i, t in enumerate(PARAMS + tuple(body.locals)) if t == I64 and i != body.acc], 2)
    y = r.choice((None, y, y, x if near.wrong() else y))
    first, x0, x1 = halves(body, x, near)
    second, y0, y1 = halves(body, y, near)
    t, w = body.local(I64), body.local(I64)
    pair = lambda a, b, o=b"\x7c": (a + b if r.random() < 0.5 else b + a) + near(o, b"\x7d", b"\x7e", b"\x85")
    times = lambda a, b: pair(a, b, b"\x7e")
    shifted = lambda a, signed=near.signed: a + near.shift() + (b"\x87" if signed != near.wrong() else b"\x88")
    lower = near(b"\xa7\xad", const(I64, 0xFFFFFFFF) + b"\x83", b"\xc4", b"", good=2)
    one, other = times(x1, y0), times(x0, near(y1, y0))
    if r.random() < 0.5:
        one, other = other, one
    code = first + second
    if r.random() < 0.2:
        r.shuffle(code)
    code = b"".join(code) + pair(one, shifted(times(x0, y0), False)) + put(t)
    if r.random() < 0.2: # what others read, or write
        code += r.choice((get(t) + body.mix(I64), get(x) + const(I64, 1) + b"\x7c" + put(x), get(x) + body.mix(I64)))
    code += pair(other, get(near(t, x)) + lower) + put(w)
    code += near(b"", const(I64, 5) + put(t), get(w) + put(t), get(t) + put(x))
    code += pair(pair(times(x1, y1), shifted(get(t))), shifted(get(w)))
    return code + (b"\x22" + u(r.choice((x, t, w))) if r.random() < 0.5 else b"")


def products(mod):
    body = Body(mod)
    code = b""
    for _ in range(body.r.choice((1, 2, 3))):
        code += product(body) + body.mix(I64)
    for i, t in enumerate(PARAMS + tuple(body.locals)):
        code += get(i) + body.mix(t) if t == I64 and i != body.acc else b""
    return body.finish(code)


def results(body, types):
    """A block that leaves these on the operand stack by two ways, so that they have registers of that stack."""
    mod = body.mod
    each = lambda: b"".join(body.expr(t, 1) for t in types)
    code = b"\x02" + u(mod.type((), tuple(types))) + each() + body.condition(1) + b"\x0d\x00"
    return code + b"\x1a" * len(types) + each() + b"\x0b"


def masked_below(body):
    """A constant below what it masks, which has these bits alone: the value comes down to the constant's place."""
    r = body.r
    if r.random() < 0.5:
        return const(I64, r.choice((0xFFFFFFFF, 0xFFFFFFFF, 0x1FFFFFFFF))) + body.expr(I32, 2) + b"\xad\x83", I64
    return const(I32, r.choice((1, 0xFF))) + body.condition(2) + b"\x71", I32


def product_of_results(body):
    """The upper half of a product, of which a factor comes from the operand stack."""
    x = body.r.choice([i for i, t in enumerate(PARAMS + tuple(body.locals)) if t == I64 and i != body.acc])
    low, high = get(x) + const(I64, 0xFFFFFFFF) + b"\x83", get(x) + const(I64, 32) + b"\x88"
    y, y0, y1, t, w = (body.local(I64) for _ in range(5))
    below = b"\x22" + u(y) + const(I64, 0xFFFFFFFF) + b"\x83" + put(y0)
    below += get(y) + const(I64, 32) + b"\x88" + put(y1)
    code = results(body, (I64,)) + below + low + get(y0) + b"\x7e" + const(I64, 32) + b"\x88"
    code += high + get(y0) + b"\x7e\x7c" + put(t)
    code += body.call(I64, 1) + body.mix(I64) if body.r.random() < 0.3 else b""
    code += low + get(y1) + b"\x7e" + get(t) + const(I64, 0xFFFFFFFF) + b"\x83\x7c" + put(w)
    code += high + get(y1) + b"\x7e" + get(t) + const(I64, 32) + b"\x88\x7c" + get(w) + const(I64, 32) + b"\x88\x7c"
    return code, I64


def compared_before(body):
    """What a comparison of the operand stack's has said is asked for behind other values."""
    t, flag = body.r.choice((I32, I64)), body.local(I32)
    code = results(body, (t,)) + body.leaf(t) + op(body.r.choice(CMP[t])) + put(flag)
    code += body.r.choice((spilled, spilled_soon, spilled_soon))(body, I64) + put(body.pick(I64))
    code += get(flag) + b"\x04\x40" + get(body.pick(I64)) + body.mix(I64) + b"\x0b"
    return code + get(flag), I32


def address_of_results(body):
    """A store whose address is a sum that waits on the operand stack while its value is computed."""
    r = body.r
    low = lambda: body.expr(I32, 1) + const(I32, 0x3F8) + b"\x71"
    code = low() + low()
    if r.random() < 0.7:
        code = b"\x02" + u(body.mod.type((), (I32, I32))) + code + body.condition(1) + b"\x0d\x00\x1a\x1a"
        code += low() + low() + b"\x0b"
    code += const(I32, r.choice((1, 2, 3))) + b"\x74" if r.random() < 0.3 else b""
    code += b"\x6a" + spilled(body, I64) + b"\x37\x00" + u(r.choice((0, 0, 0, 8)))
    return code + get(body.pick(I64)), I64


def spilled(body, t):
    """A value that is computed while others wait, over what clobbers their registers."""
    if body.r.random() < 0.4:
        return spilled_soon(body, t)
    ways = (body.call, body.call, body.expr, body.divide)
    return b"".join(body.r.choice(ways)(t, 2) for _ in range(2)) + op(body.r.choice(BIN[t]))


def spilled_soon(body, t):
    """The same by few instructions: so far the compiler looks back."""
    a, b, c, d = (get(body.pick(t)) for _ in range(4))
    by = d + const(t, 1) + op("72" if t == I32 else "84") + op("6e" if t == I32 else "80")
    return a + b + op("6c" if t == I32 else "7e") + c + by + op("6a" if t == I32 else "7c")


LATE = (masked_below, masked_below, product_of_results, compared_before, compared_before, address_of_results)


def spills(mod):
    """Values that are computed while others wait in slots, for want of registers or because of calls; what is read
    after it has left the operand stack, where its slot is another one's."""
    r = mod.rng
    if not mod.finished:
        Body(mod, 1).finish(get(2) + get(0) + b"\xad\x7c\xc4\x21\x06", fuel=False)
    body = Body(mod, r.choice((1, 3, 12, 16)))
    code = b"".join(get(body.pick(t)) + const(t, number(r, t)) + op("73" if t == I32 else "85") + put(6 + i)
                    for i, t in enumerate(body.locals) if t in (I32, I64) and i)
    for _ in range(r.choice((2, 4, 7))):
        body.budget = 60
        types = [r.choice((I64, I64, I32)) for _ in range(r.choice((0, 0, 1, 3)))]
        code += b"".join(body.expr(t, 1) for t in types)
        for _ in range(r.choice((1, 1, 2, 3))):
            more, t = r.choice(LATE)(body)
            code, types = code + more, types + [t]
        t = r.choice((I64, types[-1]))
        code += spilled(body, t) + body.fold(types + [t])
    for i, t in enumerate(PARAMS + tuple(body.locals)):
        code += get(i) + body.mix(t) if i != body.acc else b""
    return body.finish(code)


# ---- control ----

def dispatch(mod):
    """Go's loop around a br_table, with indices in the table, behind it, and far from it, and every way back."""
    body = Body(mod, mod.rng.choice((1, 1, 3)))
    r, n = body.r, mod.rng.choice((1, 2, 4, 7))
    table = [r.randrange(n) for _ in range(r.choice((0, 1, n, n, n + 3)))]
    wild = [len(table), len(table) + 1, n, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    pc = r.choice((0, body.local(I32)))
    code = (get(0) + put(pc) if pc and r.random() < 0.5 else b"") + b"\x03\x40" + b"\x02\x40" * n + get(pc)
    code += b"\x0e" + vec([u(k) for k in table]) + u(r.randrange(n))
    ways = r.choice(((b"\x0c",), (b"\x0c",), (b"\x0d",), (b"\x0e",), (b"\x0c", b"\x0d", b"\x0e")))
    known = r.random() < 0.7

    def again(depth):
        """Sets the index, by a constant or not, and goes back by br, br_if or br_table."""
        way = r.choice(ways)
        to = const(I32, r.choice(list(range(n)) * 2 + wild))
        if not known:
            to += body.expr(I32, 1) + const(I32, 3) + b"\x71\x6a"
        to += put(pc)
        if way == b"\x0d":
            return to + body.condition(1) + way + u(depth)
        if way == b"\x0e":
            return to + body.expr(I32, 1) + way + vec([u(depth)] * r.choice((0, 1, 3))) + u(depth)
        return to + way + u(depth)

    for k in range(n):
        code += b"\x0b" + body.fuel() + const(I32, k + 1) + body.mix(I32)
        for t in (I64, r.choice(NUMBERS)):
            code += body.expr(t, 2) + put(body.pick(t)) + get(body.pick(t)) + body.mix(t)
        jump = lambda more: again(n - 1 - k + more)
        for _ in range(r.choice((0, 1, 2))):
            code += body.condition(1) + b"\x04\x40" + jump(1) + b"\x0b"
        if r.random() < 0.3:
            code += jump(0)
    func = body.finish(code + b"\x0b", fuel=r.random() < 0.2) # at the start, the dispatch has no way in but those here
    for first in r.sample(range(n), min(n, 3)) + r.sample(wild, 4):
        mod.export(func, [first] + [number(r, t) for t in PARAMS[1:]])
    return None


ENDINGS = (
    lambda r: const(I32, r.choice((1, 1, 7, -1))),
    lambda r: b"\x02\x40\x20\x00\x0d\x00\x00\x0b\x41\x01", # Go's panics
    lambda r: get(0) + b"\x04\x40" + const(I32, r.choice((0, 0, 3))) + b"\x0f\x0b" + const(I32, 1),
    lambda r: const(I32, r.choice((0, 5))) + get(0) + b"\x0d" + u(0) + b"\x1a\x41\x01", # to the function's label
    lambda r: b"\x02\x40" + const(I32, 0) + get(0) + b"\x0d" + u(1) + b"\x1a\x0b\x41\x01",
    lambda r: b"\x02\x40" + const(I32, 0) + get(0) + b"\x0e" + vec([u(1)]) + u(r.choice((1, 1))) + b"\x0b\x41\x01",
    lambda r: get(0) + b"\x04\x7f" + const(I32, 0) + b"\x05" + const(I32, 1) + b"\x0b",
    lambda r: const(I32, 1) + get(0) + b"\x6b", # 1 - the argument
    lambda r: const(I32, 0) + const(I32, 1) + get(0) + b"\x1b",
    lambda r: const(I32, 1) + b"\x0f" + const(I32, 0),
    lambda r: const(I32, 1) + b"\x1a" + get(0),
)


def panics(mod):
    """Calls of functions that never return 0, or hardly ever, and the way on where they do: it is a resume point."""
    body = Body(mod, mod.rng.choice((1, 3)))
    r, n = body.r, mod.rng.choice((1, 2, 4, 6))
    callees = [mod.add((I32,), (I32,), (), r.choice(ENDINGS)(r)) for _ in range(3)]
    code = b"\x02\x40\x03\x40" + b"\x02\x40" * n + get(0) + b"\x0e" + vec([u(k) for k in range(n)]) + u(n - 1)
    for k in range(n):
        code += b"\x0b" + body.fuel() + const(I32, k + 1) + body.mix(I32)
        for t in (I64, r.choice(NUMBERS)):
            code += body.expr(t, 1) + put(body.pick(t)) + get(body.pick(t)) + body.mix(t)
        if r.random() < 0.5:
            jump = const(I32, r.randrange(n)) + put(0) + b"\x0c" + u(n - k)
            code += body.condition(1) + b"\x04\x40" + jump + b"\x0b"
        call = const(I32, r.choice((0, 0, 0, 1))) + b"\x10" + u(r.choice(callees))
        call += r.choice((b"",) * 4 + (b"\x45", b"\xad\xa7")) # the branch may ask for the opposite
        if r.random() < 0.7:
            code += call + b"\x0d" + u(n - k) # out of all
        elif r.random() < 0.5:
            code += get(2) + call + b"\x0d" + u(n - k) + body.mix(I64) # over a value on the stack
    code += b"\x0b\x0b"
    for t in NUMBERS:
        code += get(body.pick(t)) + body.mix(t)
    func = body.finish(code, fuel=r.random() < 0.2)
    for first in [*range(min(n, 3)), 99]:
        mod.export(func, [first] + [number(r, t) for t in PARAMS[1:]])
    return None


def resumable(mod):
    """A function of Go's type, which a br_table over its parameter may begin, called from 0 and from elsewhere; now and
    then with a frame that must look where the stack ends."""
    r, go = mod.rng, mod.resumable
    many, n, loop = r.random() < 0.03, r.choice((1, 2, 3, 4)), r.random() < 0.7
    count = 8400 if many else r.choice((1, 3))
    fuel, acc = u(FUEL), u(ACC)
    mix = b"\x23" + acc + const(I64, 0x9E3779B97F4A7C15) + b"\x7e\x85\x24" + acc
    stop = b"\x23" + fuel + b"\x41\x01\x6b\x24" + fuel + b"\x23" + fuel + b"\x41\x00\x48\x04\x40\x41\x00\x0f\x0b"
    some = lambda: 1 + r.randrange(count)
    table = [r.randrange(n) for _ in range(r.choice((0, n, n + 2)))] if r.random() < 0.3 else list(range(n))
    code = const(I64, 7) + put(some()) if r.random() < 0.15 else b""
    code += (b"\x03\x40" if loop else b"") + b"\x02\x40" * n
    code += get(0) + b"\x0e" + vec([u(k) for k in table]) + u(r.randrange(n))
    for k in range(n):
        code += b"\x0b" + stop + get(some()) + const(I64, k + 3) + b"\x7c" + put(some()) + get(some()) + mix
        if r.random() < 0.15: # PC_B is wanted behind the table
            code += get(0) + b"\xad" + mix
        if many and k == 0:
            code += b"".join(const(I64, i) + put(i) for i in range(1, count)) + b"\x23" + acc
            code += b"".join(get(i) + b"\x7c" for i in range(1, count)) + b"\x24" + acc
        for _ in range(r.choice((0, 1, 2)) if go else 0):
            callee = r.choice(go + [len(mod.sigs)] * 2)
            argument = r.choice((const(I32, 0),) * 5 + (const(I32, 1), const(I32, 7), const(I32, 256), get(0)))
            way = b"\x10" + u(callee) if r.random() < 0.8 else (
                const(I32, callee % SLOTS) + b"\x11" + u(mod.type((I32,), (I32,))) + b"\x00")
            code += argument + way + (b"\x04\x40\x41\x01\x0f\x0b" if r.random() < 0.7 else b"\xad" + mix)
        if loop and r.random() < 0.4:
            jump = const(I32, r.choice((0, n - 1, n, 99))) + put(0) + b"\x0c"
            code += get(some()) + const(I64, 64) + b"\x83\x50\x04\x40" + jump + u(n - k) + b"\x0b"
        if r.random() < 0.3:
            code += const(I32, r.choice((0, 0, 1))) + b"\x0f"
    code += b"\x41\x00\x0f\x0b" if loop else b""
    go.append(mod.add((I32,), (I32,), [I64] * count, code + b"\x41\x00"))
    for first in (0, 0, 1, r.choice((n, 0x80000000, 0xFFFFFFFF))):
        mod.export(go[-1], [first])
    return None


def calls(mod):
    """Many arguments, of which some come by calls; many values alive over them."""
    r = mod.rng
    params = [r.choice(NUMBERS) for _ in range(r.choice((1, 6, 7, 8, 9, 12, 20)))]
    results = [r.choice(NUMBERS) for _ in range(r.choice((1, 1, 1, 2, 5)))]
    have = {t: [i for i, x in enumerate(params) if x == t] for t in NUMBERS}
    code = b""
    for t in results:
        code += get(have[t][0]) if have[t] else const(t, number(r, t))
        for i in have[t][1:]:
            code += get(i) + op(r.choice(BIN[t]))
    callee = mod.add(params, results, (), code)
    body = Body(mod, r.choice((1, 3, 6)))
    body.budget = 80
    stack = [r.choice(NUMBERS) for _ in range(r.choice((0, 1, 3, 9)))]
    code = b"".join(body.expr(t, 1) for t in stack) + b"".join(body.expr(t, 2) for t in params)
    code += b"\x10" + u(callee) if r.random() < 0.5 else (const(I32, callee % SLOTS) + b"\x11" +
                                                          u(mod.type(params, results)) + b"\x00")
    code += body.fold(stack + results)
    for i, t in enumerate(PARAMS + tuple(body.locals)):
        code += get(i) + body.mix(t) if i != body.acc and r.random() < 0.6 else b""
    return body.finish(code)


def loops(mod):
    """Variables that go round in nested loops, by locals, by the stack and by parameters."""
    r = mod.rng
    body = Body(mod, r.choice((2, 4, 8, 16)))
    body.budget = 120
    code = b""
    for i, t in enumerate(body.locals):
        code += const(t, number(r, t)) + put(len(PARAMS) + i) if r.random() < 0.7 else b""
    code += loop(body, r.choice((1, 2, 3)))
    for i, t in enumerate(PARAMS + tuple(body.locals)):
        code += get(i) + body.mix(t) if i != body.acc else b""
    return body.finish(code)


def loop(body, depth):
    r = body.r
    count = body.local(I32)
    code = const(I32, r.choice((1, 2, 3, 6))) + put(count) + b"\x03\x40" + body.fuel()
    for _ in range(r.choice((1, 3, 6))):
        t = r.choice(NUMBERS)
        ring = [body.pick(t) for _ in range(r.choice((2, 3, 5)))]
        way = r.random()
        if way < 0.3: # all at once, by the stack
            code += b"".join(get(i) for i in ring) + b"".join(put(i) for i in ring)
        elif way < 0.5:
            code += b"".join(get(x) + put(y) for x, y in zip(ring, ring[1:]))
        elif way < 0.7:
            code += body.condition(1) + b"\x04\x40" + body.expr(t, 1) + put(ring[0]) + b"\x05" + get(ring[0]) + put(
                ring[1]) + b"\x0b"
        else:
            code += body.expr(t, 2) + put(ring[0])
    if depth > 1:
        code += loop(body, depth - 1)
    if r.random() < 0.3:
        code += body.condition(1) + b"\x0d\x00"
    return code + get(count) + const(I32, 1) + b"\x6b\x22" + u(count) + const(I32, 0) + b"\x4a\x0d\x00\x0b"


def resumed(mod):
    """Slots of the stack over the blocks of a function of Go's type, which is entered at each of them, mostly with SP
    where the last slots are behind memory's end: what is seen before the trap, and what was in memory."""
    r, n = mod.rng, mod.rng.choice((2, 3, 4, 6))
    sp, offsets, x, count = b"\x23\x00", r.sample((0, 4, 8, 8, 16, 16, 24, 32), 3), 2, 4
    slot = lambda: b"\x00" + u(r.choice(offsets))
    add = b"\x7c" + put(x)
    value = lambda: r.choice((const(I64, r.choice((5, -1))), get(x), get(3), sp + op("29") + slot()))

    def small():
        """A callee that may stand in place of its call: it reads and writes slots, and returns 0 or not."""
        own, at = r.choice((8, 16)), lambda: b"\x00" + u(r.choice(offsets) + 8)
        code = sp + put(1)
        for _ in range(r.choice((0, 1, 1, 2))):
            code += r.choice((get(1) + get(1) + op("29") + at() + op("37") + at(),
                              get(1) + get(1) + op("35") + at() + op("37") + at(),
                              get(1) + op("29") + at() + b"\x50\x04\x40\x41\x01\x0f\x0b",
                              get(1) + op("29") + at() + const(I64, 0x78) + b"\x83\xa7" + const(I64, 9) + op("37") +
                              at()))
        code += get(1) + const(I32, own if r.random() < 0.2 else 8) + b"\x6a\x22\x01\x24\x00"
        code += r.choice((const(I32, 0), const(I32, 0), get(1) + op("28") + at() + const(I32, 1) + b"\x71"))
        return mod.add((I32,), (I32,), [I32], code)

    callees = [small() for _ in range(r.choice((0, 1, 2)))]

    def call(k):
        return (get(1) + const(I32, 8) + b"\x6b\x22\x01\x24\x00" + get(1) + const(I64, 0x10020001 + k) + op("37") +
                b"\x00\x00" + const(I32, 0) + b"\x10" + u(r.choice(callees)) + sp + put(1) + b"\x0d" + u(n - k))

    def load():
        wide = sp + op("29") + slot()
        follow = wide + const(I64, 0xFFFFFFFF00000078) + b"\x83\xa7\x29\x00\x08"
        code = r.choice((wide, wide, wide, sp + op("35") + slot(), sp + op("28") + slot() + b"\xad", follow,
                         wide + b"\xa7\x29\x00" + u(r.choice((8, 16)))))
        return get(x) + code + const(I64, r.choice((3, 10, -1))) + r.choice((b"\x7e", b"\x7e", b"\x83")) + add

    def step(k):
        way = r.random()
        if callees and r.random() < 0.2:
            return call(k)
        if way < 0.4:
            return load()
        if way < 0.5: # for nobody
            return sp + op(r.choice(("28", "29", "31"))) + slot() + b"\x1a"
        if way < 0.65:
            return sp + value() + op("37") + slot()
        if way < 0.7:
            return sp + value() + b"\xa7" + op("36") + slot()
        if way < 0.75:
            return get(x) + b"\x24" + u(r.choice((1, 2, ACC)))
        if way < 0.8:
            return const(I64, 100) + get(3) + const(I64, 3) + b"\x83" + b"\x80" + put(3)
        if way < 0.84:
            return sp + const(I32, r.choice(offsets)) + b"\x6a" + value() + op("37") + b"\x00\x00"
        if way < 0.87 and not callees: # SP's own change, undone or not
            moved = sp + op("29") + slot() + b"\x1a" if r.random() < 0.5 else b""
            moved += sp + const(I32, 8) + b"\x6b\x24\x00" + load()
            return moved + sp + const(I32, r.choice((8, 8, 16))) + b"\x6a\x24\x00"
        if way < 0.94:
            return get(x) + const(I64, 6) + b"\x83\x50\x04\x40" + r.choice((b"\x41\x00\x0f", load())) + b"\x0b"
        again = get(count) + const(I32, 2) + b"\x49\x04\x40" + get(count) + const(I32, 1) + b"\x6a" + put(count)
        return again + const(I32, r.randrange(n)) + put(0) + b"\x0c" + u(n - k) + b"\x0b"

    code = sp + put(1) + b"\x02\x40\x03\x40" + b"\x02\x40" * n
    code += get(0) + b"\x0e" + vec([u(k) for k in range(n)]) + u(n - 1)
    for k in range(n):
        code += b"\x0b" + b"".join(step(k) for _ in range(r.choice((1, 1, 2, 3))))
    code += get(x) + b"\x24" + u(ACC) + b"\x41\x00\x0f\x0b\x0b\x41\x01"
    func = mod.add((I32,), (I32,), [I32, I64, I64, I32], code)
    for k in list(range(n)) + [0, 1]:
        at = r.choice((16, 64, PAGE - 8 * r.randrange(1, 6), PAGE - 8 * r.randrange(1, 6), PAGE - 20))
        set_sp = const(I32, at) + b"\x24\x00"
        mod.export(mod.add((), (I32,), (), set_sp + const(I32, k) + b"\x10" + u(func)), [])


def crowd(mod):
    """More variables than registers, words of a set, or candidates, all alive over loops and a dispatch."""
    r = mod.rng
    body = Body(mod, r.choice((14, 16, 17, 32, 65, 260, 400)))
    body.budget = 120
    mine = [(len(PARAMS) + i, t) for i, t in enumerate(body.locals) if len(PARAMS) + i != body.acc]
    some = lambda share: r.sample(mine, max(1, int(len(mine) * share)))
    code, pc = b"", body.local(I32)
    for at, t in some(r.choice((0.1, 0.7, 1))):
        code += (get(body.pick(t)) if r.random() < 0.3 else const(t, number(r, t))) + put(at)
    first = r.random() < 0.5 # the dispatch begins the function
    code += b"\x03\x40\x02\x40\x02\x40" + get(pc) + b"\x0e\x02\x00\x01\x01\x0b" + body.fuel()
    for at, t in some(r.choice((0.2, 0.9))):
        code += get(at) + get(body.pick(t)) + op(r.choice(BIN[t])) + put(at)
    code += loop(body, r.choice((1, 2)))
    code += const(I32, 1) + put(pc) + (b"\x0c\x01" if r.random() < 0.5 else body.condition(1) + b"\x0d\x01") + b"\x0b"
    for at, t in mine:
        code += get(at) + body.mix(t)
    if first: # no variable is set before it
        code = code[code.index(b"\x03\x40\x02\x40\x02\x40"):]
    return body.finish(code + b"\x0b", fuel=not first)


THEMES = (crowd, alive, alive, alive, immediates, at_the_end, at_the_end, sums, sums, known, known, pointers,
          pointers, stack, stack, products, spills, spills, bulk_end, dispatch, resumable, resumed, resumed, panics,
          panics, calls, loops)


def module(rng, theme=None):
    theme = theme or rng.choice(THEMES)
    if theme in (at_the_end, bulk_end):
        pages = rng.choice((1, 1, 2, 40960)) # 40960: 2.5 GiB
        mod = Module(rng, pages, pages)
    else:
        mod = Module(rng, 1, rng.choice((1, 3)))
    for _ in range(rng.choice((4, 8)) if theme in (at_the_end, bulk_end, resumable) else rng.choice((1, 2, 4))):
        func = theme(mod)
        for _ in range(6 if func is not None else 0):
            mod.export(func, [number(rng, t) for t in PARAMS])
    return mod.bytes()


if __name__ == "__main__":
    import random
    sys.stdout.buffer.write(module(random.Random(f"edges {sys.argv[1]}")))
