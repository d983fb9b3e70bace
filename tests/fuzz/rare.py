"""More inputs of the fuzzer of calls: what random changes of the sequences (sequences.py) come upon in hours only.

Each takes a branch that no other input takes; a number of a fault (act(FAULT, ...), told(fault=...)) is that of the
one function of the host on whose failure it depends."""

import struct

from sequences import (
    BATCH,
    CONTENT,
    DATAGRAM,
    FAULT,
    FIFO,
    INET4,
    INET6,
    LOOKS,
    LOOPBACK,
    NEW_PORT_GUEST,
    PORT_DNS,
    PORT_GUEST,
    PORT_TCP,
    READ,
    RECEIVE,
    REPEAT,
    RESOLVER,
    STREAM,
    TURNS,
    UNIX,
    WRITE,
    act,
    connection,
    known,
    long_text,
    numbers,
    path_open,
    record,
    text,
    told,
    written,
)

LAST = 2  # arguments.c, a buffer: the record's last 16 bytes
LAID = 3  # one that no record writes to
AT_ZERO = 0xF4  # instead of an address: 0, where the program may have put something
BYTES_100 = 0x42


def calls():
    number = numbers()
    for some in (ends, files, terminals, laid, questions, sockets, unix, batches, begins):
        yield from some(number)


def with_last(one, last):
    return one[:16] + last.ljust(16, b"\0")


def lay(number, fd, where, *parts):
    """The bytes come into memory by way of the file `a`, which is opened as fd."""
    out = path_open(number, 3, text(0), 8)
    for part in parts:
        times, some = part if isinstance(part, tuple) else (1, part)
        out += act(REPEAT, times - 1) * (times > 1)
        out += with_last(record(number["fd_write"], fd, 1, 0x80, LAST, len(some), 3), some)
    out += record(number["fd_seek"], fd, 0, 0, 3)
    return out + record(number["fd_read"], fd, 1, 0x80, where, 0x45, 3)


def ends(number):
    """Records that end in the middle of a word."""
    eight = (0xFF, *bytes(8))  # of flags or a number
    paths = {n: (0, 0xC0 + n - 4, *bytes([1] * n)) for n in (4, 5, 6, 7)}
    yield "ends-flags", told() + record(number["path_open"], 3, *eight, *paths[7], *eight, 0, 0, 0xFF)
    yield "ends-rights", told() + b"".join(
        record(number["path_open"], 3, *eight, *path, *eight, *(0xF0, 0, 0, 0, 0, 0xF0, 0, 0, 0)[: 10 - n])
        for n, path in paths.items()
    )
    yield "ends-time", told() + record(
        number["path_filestat_set_times"], 3, *eight, 0, 1, 1, 1, *eight, 0xFF, *bytes(7)
    )
    for guest in (0, 2):
        yield f"path-empty-{guest}", told(0, guest) + record(number["path_open"], 0xF0, 0, 0xF9, 0, 0, 0, 0, 3)


def files(number):
    opened = path_open(number, 3, text(0))
    yield "fifo-gone", told() + record(number["path_unlink_file"], 3, *text(9)) + act(FIFO, 1)
    yield "fifo-other", told() + record(number["path_rename"], 3, *text(0), 3, *text(9)) + act(FIFO, 1)
    yield "etc-itself", told(1) + path_open(number, 5, text(11, 14), 0, READ) + record(
        number["path_filestat_get"], 5, 1, *text(11, 14), 3
    )
    yield "one-kicked", told() + opened + act(LOOKS, 0) + act(FAULT, 1, 0) + record(len(number), 5, 0, 8)
    for name, flags in (("old", 5), ("both", 12)):
        yield f"times-{name}", told() + opened + record(
            number["fd_filestat_set_times"], 5, 0xC0, 0xC0, flags
        ) + record(number["path_filestat_set_times"], 3, 1, *text(0), 0xC0, 0xC0, flags)
    yield "created-last", told(8, limits=255, much=0, many=7) + path_open(number, 3, text(12), 1) + path_open(
        number, 3, text(0), 5
    )
    yield "allocate-far", told() + opened + record(number["fd_allocate"], 5, 0xC0, 0xCA) + record(
        number["fd_allocate"], 5, 5, 0xC1
    ) + record(number["fd_filestat_set_size"], 5, 0xC0)
    made = record(number["path_create_directory"], 5, *text(1)) + path_open(number, 5, text(1, 0), 1)
    yield "tmp-files", told(0, place=8) + made
    names = (12, 0xC4, 0xC1, 0xC2, 0xCB, 0xCC, 0xCD, 0xC6, 0xC7, 0xC8, 0xC9)
    chain = b"".join(
        record(number["path_symlink"], *long_text(*[11] * 6, after), 3, *text(name))
        for name, after in zip(names, names[1:] + (0xC0,))
    )
    yield "steps-kicked", told(0, 8) + chain + path_open(number, 3, text(12), 0, READ) + act(LOOKS, 0) + path_open(
        number, 3, text(12), 0, READ
    )
    full = act(REPEAT, 9) + path_open(number, 3, text(0))
    yield "table-full-streams", told(0, place=4, streams=0o22) + full + b"".join(
        act(FAULT, 11, 2) + path_open(number, 5, (path,), 0, right) for path, right in ((0xE2, READ), (0xE3, WRITE))
    )
    yield "append-shared", told(0, place=4, streams=0o23) + path_open(number, 5, (0xE3,)) + record(
        number["fd_fdstat_set_flags"], 6, 1
    )


def terminals(number):
    """What they may be told, and one that takes little at a time, as it could not be opened anew, until it is full."""
    yield "terminal-kept", told(0, streams=0o55) + written(number, 1, b"\x1b8\x1bE\x1bM")
    line = record(number["fd_write"], 1, 0x83, *(0x80, LAID, BYTES_100) * 4, 3)
    yield "terminal-paced", told(0, streams=0o55, fault=14, fault_how=6) + lay(
        number, 5, LAID, (8, b"of a program, it")
    ) + act(REPEAT, 255) + line + act(9, 0, 1) + line


def laid(number):
    """Addresses and subscriptions that arguments.c does not make, at 0."""
    tcp6, udp6 = (record(number["sock_open"], INET6, kind, 0) for kind in (STREAM, DATAGRAM))
    addresses = {
        "isatap": "20010db8000000000000 5efe7f000001",
        "6to4": "20027f000001 00000000000000000000",
        "siit": "0000000000000000ffff0000 7f000001",
        "nat64": "0064ff9b0000000000000000 7f000001",
    }
    for name, at in addresses.items():
        where = struct.pack("<IIQ", 16, 16, 0)
        yield f"address-{name}", told(0, 20, more=2, rule=72) + lay(
            number, 5, AT_ZERO, where, bytes.fromhex(at)
        ) + tcp6 + record(number["sock_connect"], 6, AT_ZERO, PORT_TCP) + udp6 + record(
            number["sock_send_to"], 7, *CONTENT, AT_ZERO, PORT_TCP, 0, 3
        )
    private = ((10, 1, 1, 1), (172, 16, 0, 1), (192, 168, 1, 1), (100, 64, 0, 1), (8, 8, 8, 8))
    connects = b""
    for at in private:
        connects += lay(number, 6, AT_ZERO, struct.pack("<IIQ", 16, 4, 0), bytes(at))
        connects += record(number["fd_close"], 6) + record(number["sock_open"], INET4, STREAM, 0)
        connects += record(number["sock_connect"], 6, AT_ZERO, PORT_TCP) + record(number["fd_close"], 6)
    yield "addresses-private", told(3) + connects
    yield "address-outside", told() + lay(number, 5, AT_ZERO, struct.pack("<II", 0xFFFFFF00, 4)) + record(
        number["sock_open"], INET4, STREAM, 0
    ) + record(number["sock_connect"], 6, AT_ZERO, PORT_TCP)
    later = 1704067200000000000 + 2000000000000  # steps.c
    clocks = ((1, 0, later, 1), (2, 1, 1000, 0))
    both = b"".join(struct.pack("<QQQQQQ", user, 0, id, at, 0, flags) for user, id, at, flags in clocks)
    yield "clocks-both", told() + lay(number, 5, AT_ZERO, *(both[at : at + 16] for at in range(0, 96, 16))) + record(
        number["poll_oneoff"], 0xFC, 5, 2, 3
    )


def questions(number):
    """To the resolver, byte by byte."""
    asks = record(number["sock_open"], INET4, DATAGRAM, 0) + record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)
    heard = record(number["sock_recv"], 6, *RECEIVE, 0, 3, 4)

    def ask(name, kind=1, flags=0x10):
        """The 11 bytes behind the first iovec, of which three are the second, and the last 16."""
        return bytes([number["fd_write"], 6, 2, 0, 0x20, 0x80, LAST, flags, 0, 0, 1]) + bytes(6) + name.ljust(
            11, b"\0"
        )[: 11] + struct.pack(">HH", kind, 1)

    for name, one in {
        "none": ask(b"\0" + struct.pack(">HH", 1, 1)),
        "answer": ask(b"\1a\0\0\1\0\1", flags=0x84),
        "signs": ask(b"\5a-b_c\0\0\1\0\1"),
        "zero": ask(b"\3" b"0ab\0\0\1\0\1"),
        "no-kind": ask(b"\x09localhost\0", kind=0),
    }.items():
        yield f"question-{name}", told(3) + asks + one + act(TURNS) + heard
    labels = (b"\0\7\1\0\0\1" + bytes(6), (34, b"\7asevena"), b"\0\0\1\0\1")
    yield "question-long", told(3) + lay(number, 6, LAID, *labels) + record(
        number["fd_close"], 6
    ) + asks + record(number["fd_write"], 6, 1, 0x80, LAID, 0x45, 3) + act(TURNS) + heard
    yield "label-long", told(3) + record(
        number["sock_getaddrinfo"], *long_text(*[0xCF] * 7), known(13), 0, 0, 0, 0, 3, 8, 3
    )
    silent = with_last(record(number["fd_write"], 6, 1, 1, 0x91, 3), b"\7")
    waits = record(number["poll_oneoff"], 1, 0, 0, 0xF0, *struct.pack("<I", 1999900000), 5, 0, 3)
    yield "question-wait", told(3) + asks + silent + act(TURNS) + with_last(waits, b"\7")
    cut = record(number["sock_getaddrinfo"], known(9), known(13), 0, 0, 0, 0, 3, 8, 3)
    yield "question-later", told(3, 4) + asks + act(FAULT, 15, 1) + with_last(
        cut, bytes([1, 3, 10, 60, 11, 60, 12, 60])
    )


def sockets(number):
    tcp, udp = (record(number["sock_open"], INET4, kind, 0) for kind in (STREAM, DATAGRAM))
    tcp6, udp6 = (record(number["sock_open"], INET6, kind, 0) for kind in (STREAM, DATAGRAM))

    def option(level, name, value, fd=5):
        return with_last(record(number["sock_setsockopt"], fd, level, name, LAST, len(value)), value)

    minus = struct.pack("<i", -1)
    yield "timeout-connect", told() + b"".join(
        tcp + option(0, 12, struct.pack("<qq", 1, 0), fd) + record(number["sock_connect"], fd, *LOOPBACK, PORT_TCP)
        for fd in range(5, 14)
    )
    yield "linger", told() + tcp + option(0, 9, bytes(8)) + option(0, 9, struct.pack("<ii", 1, 0))
    yield "buffer-negative", told(8, limits=8, much=1, many=7) + tcp + option(0, 5, minus)
    yield "idle-negative", told(0, more=1) + tcp + option(0, 5, minus) + option(
        6, 16, minus
    ) + option(0, 10, minus)
    yield "kick-connect", told() + tcp + act(LOOKS, 0) + act(FAULT, 2, 0) + record(
        number["sock_connect"], 5, *LOOPBACK, PORT_TCP
    )
    yield "any-six", told(0, 16) + tcp6 + record(number["sock_connect"], 5, 1, 0xF2, PORT_TCP) + udp6 + record(
        number["sock_send_to"], 6, *CONTENT, 1, 0xF2, 1, 0, 3
    )
    both = record(number["sock_setsockopt"], 5, 41, 26, 1, 4)
    yield "both-denied", told(0, 4, more=2, rule=6) + tcp6 + both + record(
        number["sock_bind"], 5, 1, 0xF2, PORT_GUEST
    )
    yield "lookup-guessed", told(0, more=1) + tcp + record(number["sock_connect"], 5, *LOOPBACK, PORT_DNS)
    yield "denied-port-0", told(more=2, rule=30) + tcp + record(number["sock_bind"], 5, *NEW_PORT_GUEST) + record(
        number["sock_listen"], 5, 4
    ) + act(0, 0, 0, 0) + record(number["sock_accept"], 5, 0, 3)
    yield "error-pending", told() + udp + record(number["sock_connect"], 5, *LOOPBACK, PORT_GUEST) + record(
        number["fd_write"], 5, *CONTENT, 3
    ) + act(FAULT, 1, 1) + record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4)
    yield "stream-options", told(streams=4) + b"".join(
        record(number["sock_getsockopt"], 0, 0, name, 3, 16) for name in (0, 2, 11)
    )


def unix(number):
    def at(*pieces):
        return (4, 0, *long_text(*pieces)[1:], 4)

    stream = record(number["sock_open"], UNIX, STREAM, 0)
    for name, pieces in {
        "long": [0xCF] * 5,
        "endless": [0xCF] * 7,
        "grant": (14, 0xC0),
        "etc": (14, 0xC9, 12),
        "dot": (1, 11),
    }.items():
        yield f"unix-{name}-path", told(5) + stream + record(number["sock_connect"], 6, *at(*pieces)) + record(
            number["sock_bind"], 6, *at(*pieces)
        )
    yield "unix-others", told(4) + stream + record(number["sock_bind"], 5, *at(1, 12)) + stream + record(
        number["sock_bind"], 6, *at(12)
    ) + record(number["sock_getlocaladdr"], 6, 4, 0, 0, 12, 3)
    yield "unix-fault-3", told(4) + stream + record(number["sock_bind"], 5, *at(12)) + stream + act(
        FAULT, 3, 2
    ) + record(number["sock_connect"], 6, *at(12)) + stream + act(FAULT, 3, 2) + record(
        number["sock_bind"], 7, *at(1, 12)
    )


def batches(number):
    def poll(fd):
        return record(number["poll_oneoff"], 1, 0, 1, fd, 5, 3)

    call = record(number["sched_yield"])
    recv = record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4)
    yield "ring-end", told(0x40) + record(BATCH, 0, 80, 0, 0, 0, 0, *struct.pack("<I", 0x20000)) + call
    much = act(2, 0, 0, 200, 0)
    yield "ahead-whole", told(0x40) + connection(number, 5, 0) + recv + much + poll(5) + record(
        number["sock_recv"], 5, 1, 0x80, 0, 0x47, 0, 3, 4
    ) + much + poll(5)
    # descriptors 0 and 128 have one place
    taken = connection(number, 5, 0) + record(number["fd_renumber"], 5, 0) + poll(0) + act(REPEAT, 122)
    taken += path_open(number, 3, text(0), 0, READ)
    yield "place-taken", told(0x40) + taken + connection(number, 0xF3, 1) + poll(0xF3)
    yield "place-left", told(0x40) + taken + connection(number, 0xF3, 1) + record(BATCH, 0, 1, 5, 0) + poll(0xF3)
    fill = record(BATCH, 5, 48, 5, 0x60, 0x0F, 0, 0, 5, 0x60, 0x0F, 0, 0)
    yield "backlog-widened", told(0x40) + connection(number, 5, 0) + recv + fill + act(FAULT, 2, 1) + call + with_last(
        record(number["sock_setsockopt"], 5, 0, 5, LAST, 4), struct.pack("<I", 1 << 20)
    ) + record(number["fd_close"], 5)


def begins(number):
    """Functions of the host that fail before the first call."""
    yield "rule-fault", told(1, 4, more=2, rule=2, fault=80, fault_how=2) + record(number["sched_yield"])
    yield "etc-fault", told(1, 4, more=10, fault=25, fault_how=1) + record(number["sched_yield"])
