"""Writes small WebAssembly modules byte by byte, for the cases that no Go compiler would make."""

I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F
FUNC, TABLE, MEMORY, GLOBAL = 0, 1, 2, 3
HEADER = b"\0asm\1\0\0\0"


def leb(n):
    out = bytearray()
    while True:
        byte, n = n & 0x7F, n >> 7
        out.append(byte | (0x80 if n else 0))
        if not n:
            return bytes(out)


def vector(items):
    return leb(len(items)) + b"".join(items)


def name(text):
    return leb(len(text.encode())) + text.encode()


def section(number, payload):
    return bytes([number]) + leb(len(payload)) + payload


def functype(params=(), results=()):
    return b"\x60" + vector([bytes([t]) for t in params]) + vector([bytes([t]) for t in results])


def body(code, groups=()):
    """A function body: `groups` are (count, type) of locals; `end` is added."""
    inner = vector([leb(n) + bytes([t]) for n, t in groups]) + code + b"\x0b"
    return leb(len(inner)) + inner


def module(types=(), imports=(), funcs=(), memory=None, exports=(), bodies=(), start=None, customs=()):
    """imports: (module, field, descriptor bytes); funcs: type numbers; memory: pages; exports: (name, kind, index)."""
    out = HEADER
    if types:
        out += section(1, vector(list(types)))
    if imports:
        out += section(2, vector([name(m) + name(f) + d for m, f, d in imports]))
    if funcs:
        out += section(3, vector([leb(t) for t in funcs]))
    if memory is not None:
        out += section(5, vector([b"\0" + leb(memory)]))
    if exports:
        out += section(7, vector([name(n) + bytes([k]) + leb(i) for n, k, i in exports]))
    if start is not None:
        out += section(8, leb(start))
    if bodies:
        out += section(10, vector(list(bodies)))
    for title, payload in customs:
        out += section(0, name(title) + payload)
    return out


def command(code, groups=(), imports=(), types=(), memory=1):
    """A module whose _start runs `code`.  Imported functions come first: type 0 is _start's, `types` follow."""
    count = sum(1 for i in imports if i[2][0] == FUNC)
    return module(types=[functype(), *types], imports=imports, funcs=[0], memory=memory,
                  exports=[("_start", FUNC, count), ("memory", MEMORY, 0)], bodies=[body(code, groups)])


def sections(data):
    """(number, offset of its first byte, offset past its end) of each section of a module."""
    at, found = 8, []
    while at < len(data):
        begin, number = at, data[at]
        at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        at += size
        found.append((number, begin, at))
    return found
