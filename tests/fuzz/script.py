"""What diff-run printed of a module, as a test script (tests/spec/script.h) for a virtual machine.

    write(file, module, lines) -> how many of its records count

The calls are made in the same order and must come out the same.  What a script cannot say, memories, globals and
references, ends it there."""
import struct

MODULE, CALL, DONE, RESULTS, TRAP = 0, 3, 0, 1, 2
TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}
NANS = {"f32": 0x7F800000, "f64": 0x7FF0000000000000}
WORDS = {"memory": "out of bounds memory access", "zero": "integer divide by zero", "overflow": "integer overflow",
         "unreachable": "unreachable", "conversion": "invalid conversion to integer", "table": "", "signature": ""}


def text(of):
    return struct.pack("<I", len(of)) + of


def argument(word):
    kind, bits = word.split(":")
    nan = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000}.get(kind)
    return struct.pack("<BQQ", TYPES[kind], nan if bits == "nan" else int(bits, 16), 0)


def result(word):
    kind, bits = word.split(":")
    mask = (1 << 64) - 1
    if bits == "nan": # any of them; a mask of its exponent's bits finds infinities good too
        return struct.pack("<BQQQQ", TYPES[kind], NANS[kind], 0, NANS[kind], 0)
    return struct.pack("<BQQQQ", TYPES[kind], int(bits, 16), 0, mask, 0)


def call(line, number):
    """The record; None: it cannot be said."""
    words = line.split(" ")
    arrow = words.index("->")
    arguments, after = words[2:arrow], words[arrow + 1:]
    trap = after[1] if after[:1] == ["trap"] else None
    if any(word.split(":")[0] not in TYPES for word in arguments) or (trap and trap not in WORDS):
        return None
    if not trap and any(word.split(":")[0] not in TYPES for word in after):
        return None
    record = struct.pack("<BBI", CALL, 0, number) + text(b"") + text(words[1].encode("latin1"))
    record += struct.pack("<I", len(arguments)) + b"".join(map(argument, arguments))
    if trap:
        return record + bytes([TRAP]) + text(WORDS[trap].encode()) + struct.pack("<I", 0)
    return record + bytes([RESULTS]) + text(b"") + struct.pack("<I", len(after)) + b"".join(map(result, after))


def write(file, module, lines):
    with open(module, "rb") as f:
        records = [struct.pack("<BBI", MODULE, 0, 0) + text(b"") + text(f.read()) + bytes([DONE]) + text(b"")]
    for number, line in enumerate(lines.split("\n")):
        record = call(line, number) if line.startswith("call ") else None
        if not record:
            break
        records.append(record)
    if len(records) == 1: # not even an instance, or nothing to call
        return 0
    with open(file, "wb") as f:
        f.write(b"wasvmscr" + b"".join(records))
    return len(records)
