#!/usr/bin/env python3
"""Forges an image of a start: forge.py GOOD.img HOSTILE.elf OUT.img.

All compiled code becomes a slide that ends in the hostile guest, whose pages are added to code and heap; sums are made
right.  The guest image, its variables, the page tables and the module stay what they were."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from cases.cache import EXTENT, HEAD, PAGE, Image  # noqa: E402

DATA, HEAP, CODE, LINEAR = range(4)
BYTES_AT = 96  # of each part, in the head
MAP_HEAP, MAP_CODE = 0x1BC0000000, 0x1C00000000
FRAME = 512


def pages(data):
    return data.ljust(-(-len(data) // PAGE) * PAGE, b"\0")


def segments(elf):
    """(address, bytes, size in memory) of each that is loaded; and the entry."""
    entry, at = struct.unpack_from("<QQ", elf, 24)
    size, count = struct.unpack_from("<HH", elf, 54)
    found = []
    for i in range(count):
        kind, _, offset, address, _, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", elf, at + i * size)
        if kind == 1 and in_memory:
            found.append((address, elf[offset:offset + in_file], in_memory))
    return found, entry


def split(part, page, data):
    """Extents of whole pages, none of two frames."""
    while data:
        n = min(len(data) // PAGE, FRAME - page % FRAME)
        yield part, page, data[:n * PAGE]
        page, data = page + n, data[n * PAGE:]


def slide(code_bytes, entry):
    """From anywhere in it to the entry."""
    jump = b"\xe9" + struct.pack("<i", entry - (MAP_CODE + code_bytes))
    return (b"\x90" * (code_bytes - len(jump)) + jump)


def forge(good, elf):
    sizes = list(struct.unpack_from("<4Q", good.data, BYTES_AT))
    kept = [(part, page, bytes(good.data[at:at + n * PAGE])) for part, page, n, at, _ in good.extents() if part != CODE]
    tail = -(-good.get("module_bytes") // (16 * PAGE)) * 32
    tail = bytes(good.data[len(good.data) - good.get("module_bytes") - -(-tail // PAGE) * PAGE:])
    found, entry = segments(elf)
    kept += split(CODE, 0, slide(sizes[CODE], entry))
    for address, data, in_memory in found:
        part, base = (CODE, MAP_CODE) if address >= MAP_CODE else (HEAP, MAP_HEAP)
        kept += split(part, (address - base) // PAGE, pages(data))
        assert address - base >= sizes[part], "it would lie upon honest pages"
        sizes[part] = -(-(address - base + in_memory) // PAGE) * PAGE
    kept.sort(key=lambda e: e[:2])
    rows = b"".join(struct.pack("<4I", part, page, len(data) // PAGE, 0) for part, page, data in kept)
    head = bytearray(good.data[:HEAD])
    struct.pack_into("<4Q", head, BYTES_AT, *sizes)
    struct.pack_into("<I", head, 128, len(kept))
    out = bytearray(pages(bytes(head) + rows) + b"".join(data for _, _, data in kept) + tail)
    struct.pack_into("<Q", out, 88, len(out))
    good.data = out
    good.resum()


def main():
    good, elf, out = sys.argv[1:]
    image = Image(good)
    with open(elf, "rb") as file:
        forge(image, file.read())
    with open(out, "wb") as file:
        file.write(image.data)
    os.chmod(out, 0o600)


assert EXTENT == 16
if __name__ == "__main__":
    main()
