"""Inputs of the fuzzer of calls (calls.c): each call alone, and sequences that lead somewhere.

An input is a head (options.h) and records (records.h), each a call with the bytes of its arguments (arguments.c), or
something that the host does (world.c). corpus/calls.tar.xz has what came of these."""

import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def numbers():
    with open(os.path.join(ROOT, "wasi-shim/calls.def")) as f:
        return {name: i for i, name in enumerate(re.findall(r"^WASI_CALL\((\w+)", f.read(), re.M))}


HEAD = 16
FIELDS = (
    "net",
    "guest",
    "streams",
    "place",
    "limits",
    "much",
    "many",
    "garble",
    "more",
    "rule",
    "fault",
    "fault_how",
    "fault_end",
    "left",
    "files",
    "odd",
)


def record(call, *words):
    return bytes([call, *words]).ljust(32, b"\0")


def told(*values, **named):
    """Of options.h: names of enum head, the first ones also by their place."""
    out = bytearray(HEAD)
    out[: len(values)] = bytes(values)
    for name, value in named.items():
        out[FIELDS.index(name)] = value
    return bytes(out)


def calls():
    number = numbers()
    heads = (
        told(),
        told(7, 0, 0, 0, 0, 0, 0, 0),
        told(0xFF, 0xFF, 0, 0xFF, 0, 0, 0, 5),
        told(0x45, 8, 0o55, 2, 0, 0, 0, 0),
        told(0x88, 0x80, 0x12, 0, 255, 1, 1, 0),
    )
    for i, head in enumerate(heads):
        for name, call in number.items():
            yield f"{name}-{i}", head + record(call, 3) + record(call, 5) + record(call, 0)
    opened = [record(number["path_open"], 3, 1, 0, 0, 0, o, 0, 3, 0, 0) for o in (0, 1, 9)]
    made = [record(number["sock_open"], f, t, 0) for f in (1, 2, 3) for t in (1, 2)]
    for name, call in number.items():
        if name.startswith(("fd_", "path_", "poll")):
            yield name + "-open", told() + b"".join(opened) + b"".join(record(call, fd) for fd in (5, 6, 7))
        else:
            yield name + "-sock", heads[3] + b"".join(made) + b"".join(record(call, fd, 0, 1) for fd in range(5, 11))
    serve = (
        record(number["sock_open"], 1, 2, 0)
        + record(number["sock_bind"], 5, 0, 0, 3)
        + record(number["sock_listen"], 5, 4)
    )
    come = record(ACT, 0, 0, 0) + record(number["sock_accept"], 5, 0, 0) + record(ACT, 2, 0, 9, *range(65, 90))
    use = (
        record(number["poll_oneoff"], 1, 0, 1, 6)
        + record(number["sock_recv"], 6, 1, 0x90, 1, 1)
        + record(number["fd_write"], 6, 1, 1, 20)
    )
    for i, head in enumerate(heads):
        yield f"serve-{i}", head + serve + come + use + record(252, 6, 95) + use
    for some in (
        devices,
        listings,
        unix,
        resolver,
        batches,
        options,
        crowds,
        idle,
        backlogs,
        names,
        etc,
        folders,
        traces,
        signals,
        streams,
        terminals,
        fifos,
        rules,
        places,
        trees,
        datagrams,
        sizes,
        faults,
    ):
        yield from some(number)


# ---- sequences that lead somewhere: devices, names of descriptors, unix sockets, the resolver, batches ----

RECEIVE, CONTENT = (1, 0x90, 0, 0x10), (1, 1, 0x20)  # one iovec: room, or bytes of the record
LOOPBACK, RESOLVER = (0, 0), (0, 1)  # addresses
PORT_TCP, PORT_GUEST, PORT_ANY, PORT_DNS = 0, 3, 4, 6
NAMES_OF_DEVICES = range(0xD8, 0xF0)  # arguments.c: more_texts


def known(index):
    """The byte by which arguments.c's texts are asked for."""
    return 0xA0 + (index - 0xA0 % 24) % 24


def each_of(number, fds, *calls):
    """Each call with each descriptor: (name, words behind the descriptor...)."""
    return b"".join(record(number[call], fd, *words) for fd in fds for call, *words in calls)


def devices(number):
    for which in (0xD8, 0xD9):  # signals; both ends of a pipe
        opened = record(number["path_open"], 0xF0, 0, which, 0, 0, 0, 0, 3)
        asked = ("fd_fdstat_get", 3), ("fd_filestat_get", 3)
        use = each_of(number, (5, 6), ("fd_write", *CONTENT), ("fd_read", *RECEIVE), *asked)
        raised = b"".join(record(200, 11, 0, 0, n) for n in (1, 2, 15, 63, 0))
        wait = record(number["poll_oneoff"], 2, 0, 1, 5, 0, 2, 6, 5, 3)
        again = record(number["fd_close"], 5) + opened
        yield f"device-{which}", told() + opened + use + raised + wait + use + opened + again
        yield f"device-few-{which}", told(8, 0, 0, 0, 0, 0, 0, 0) + opened * 9
    for which in NAMES_OF_DEVICES:
        for streams, limits in ((0o0, 0), (0o55, 0), (0o22, 8), (0o40, 0)):
            paths = b"".join(
                record(number["path_open"], fd, look, which, flags, right, 0, 0, 3)
                for fd in (5, 3)
                for look, flags, right in ((1, 0, 4), (0, 0, 5), (1, 2, 3), (1, 9, 0))
            )
            listed = ("fd_readdir", 0, 16, 0, 3), ("fd_close",)
            use = each_of(number, (6, 7), ("fd_write", *CONTENT), ("fd_read", *RECEIVE), *listed)
            seen = record(number["path_filestat_get"], 5, 1, which, 3) + record(
                number["path_readlink"], 5, which, 0, 16, 3
            )
            yield f"name-{which}-{streams}", told(limits, 0, streams, 12, 255, 3, 1, 0) + paths + use + seen


def listings(number):
    """Directories read to and fro, when few positions are left, and when all are."""
    opened = record(number["path_open"], 3, 1, 0, 1, 2, 1, 0, 0, 3)
    read_all = [
        record(number["fd_readdir"], fd, 0, size, cookie, 3)
        for cookie in (0, 1, 3, 5, 60)
        for fd in (3, 4, 5)
        for size in (0x45, 30, 0x40)
    ]
    for limits in (0, 8):
        yield f"listing-{limits}", told(limits, 0, 0, 8, 255, 15, 16, 0) + opened + b"".join(read_all[:28])


def unix(number):
    at = {
        "new": (4, 0, 0, 12),
        "in-d": (4, 0, 1, 1, 12),
        "link": (4, 0, 1, 6, 12),
        "up": (4, 0, 1, 10, 12),
        "dots": (4, 0, 0, 10),
        "file": (4, 0, 0, 0),
        "loop": (4, 0, 0, 7),
        "none": (4, 0, 0, 14),
        "abs": (4, 0, 1, 8, 12),
        "gone": (4, 0, 1, 9, 12),
    }
    for kind in (1, 2):
        for name, where in at.items():
            served = (
                record(number["sock_open"], 3, kind, 0)
                + record(number["sock_bind"], 5, *where, 4)
                + record(number["sock_bind"], 5, *at["new"], 4)
                + record(number["sock_listen"], 5, 4)
            )
            come = (
                record(number["sock_open"], 3, kind, 0)
                + record(number["sock_connect"], 6, *where, 4)
                + record(number["sock_accept"], 5, 0, 3)
            )
            use = b"".join(
                record(number[call], fd, 4, 0, 0, 12, 3)
                for fd in (5, 6, 7)
                for call in ("sock_getlocaladdr", "sock_getpeeraddr")
            )
            sent = (
                record(number["sock_send_to"], 6, *CONTENT, *where, 4, 0, 3)
                + record(number["sock_send"], 6, *CONTENT, 0, 3)
                + record(number["sock_recv_from"], 5, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5)
                + record(number["sock_recv"], 7, *RECEIVE, 0, 3, 4)
            )
            for head in (4, 12):
                yield f"unix-{name}-{kind}-{head}", told(head, 0, 0, 0, 255, 15, 7, 0) + served + come + use + sent


def resolver(number):
    def answers(call, *words, how=0, n=2):
        return bytes([call, *words]).ljust(16, b"\0") + bytes([how, n, 10, 60, 11, 60, 127, 1]).ljust(16, b"\0")

    for head in (1, 3, 9):
        for node in (8, 9, 14):
            for how in (0, 1, 3, 7, 24):
                yield f"lookup-{head}-{node}-{how}", told(head, 4, 0, 0, 255, 9, 7, 0) + b"".join(
                    answers(
                        number["sock_getaddrinfo"], known(node), known(service), flags, 1, 2, 3, 8, 3, how=how, n=n
                    )
                    for service, flags, n in ((13, 0, 2), (12, 1, 0), (21, 3, 7), (13, 2, 3))
                )
        for kind in (1, 2):
            ask = [record(number["sock_open"], 1, kind, 0), record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)]
            for word in (0x90, 0x91, 0x92, 0x93, 0x98, 0x99, 0x9A, 0x20, 2):
                for how in (0, 1, 7):
                    ask.append(answers(number["fd_write"], 6, 1, 1, word, 3, how=how))
                    ask.append(answers(number["sock_recv"], 6, *RECEIVE, 0, 3, 4, how=how))
            ask.append(answers(number["poll_oneoff"], 2, 0, 1, 6, 0, 2, 6, 5, 3))
            yield f"asked-{head}-{kind}", told(head, 4, 0, 0, 255, 9, 7, 0) + b"".join(ask[:31])
            yield f"asked-late-{head}-{kind}", told(head, 4, 0, 0, 255, 9, 7, 0) + b"".join(ask[:2] + ask[31:])
        sent = answers(number["sock_send_to"], 6, 1, 1, 0x90, *RESOLVER, PORT_DNS, 0, 3)
        yield f"asked-unconnected-{head}", told(head, 4, 0, 0, 0, 0, 0, 0) + record(
            number["sock_open"], 1, 1, 0
        ) + sent * 3 + answers(number["sock_recv_from"], 6, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5) * 3


def batches(number):
    made = record(number["sock_open"], 1, 2, 0) + record(number["sock_connect"], 5, *LOOPBACK, PORT_TCP)
    made += record(200, 1)
    heard = record(200, 2, 0, 9, *range(65, 89)) + record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4)
    written = record(252, 5, 16, 5, 200, 5, 60)
    ends = (
        (number["sock_shutdown"], 5, 1),
        (number["fd_close"], 5),
        (200, 4, 0),
        (200, 5, 0),
        (200, 3, 0),
        (number["sock_getsockopt"], 5, 0, 2, 3, 4),
        (number["fd_write"], 5, *CONTENT, 3),
    )
    for i, last in enumerate(ends):
        for limits, bytes_each in ((0, 0), (8, 8), (8, 9)):
            head = told(0x40 | limits, 0, 0, 0, 8, bytes_each, 7, 0)
            yield f"batch-{i}-{bytes_each}", head + made + (heard + written * 3) * 3 + record(
                *last
            ) + written + record(number["poll_oneoff"], 1, 0, 1, 5, 3) + record(number["fd_close"], 5)


def options(number):
    made = b"".join(record(number["sock_open"], family, kind, 0) for family, kind in ((1, 2), (1, 1), (2, 2)))
    levels = [(0, n) for n in range(16)] + [(6, n) for n in (15, 16, 17, 18)] + [(41, 26), (63, 1)]
    for fd in (5, 6, 7):
        for size in (2, 4, 8, 16, 40):
            for part in (levels[:11], levels[11:]):
                yield f"options-{fd}-{size}-{part[0][1]}", told() + made + b"".join(
                    record(number["sock_setsockopt"], fd, *at, 0, size)
                    + record(number["sock_getsockopt"], fd, *at, 3, size)
                    for at in part
                )


# ---- calls: what the options and the host can be ----

ACT, BATCH = 200, 252
KICK, FAULT, TIME, SPARSE, FIFO, HOST_UNIX, ASKED, LOOKS, TURNS, REPEAT, TRACED = range(13, 24)
INET4, INET6, UNIX = 1, 2, 3
DATAGRAM, STREAM = 1, 2
READ, WRITE = 4, 5  # arguments.c: usual rights
NEW_PORT_GUEST = (*LOOPBACK, PORT_GUEST)


def act(what, *words):
    return record(ACT, what, *words)


def text(*pieces):
    """Of arguments.c's pieces, by their index: a path."""
    return (0, len(pieces) - 1, *pieces)


def path_open(number, fd, path, open_flags=0, right=0, flags=0, look=1):
    return record(number["path_open"], fd, look, *path, open_flags, right, 0, flags, 3)


def long_text(*pieces):
    """The same of as many as seven."""
    return (0, len(pieces) - 1 if len(pieces) < 4 else 0xC0 + len(pieces) - 4, *pieces)


def written(number, fd, some):
    """One iovec with these bytes, or the first of them."""
    return record(number["fd_write"], fd, 1, 1, 0x20, *some[:26])


def crowds(number):
    """More than is kept: refusals in a log, connections in a queue, descriptors in a table."""
    tcp = record(number["sock_open"], INET4, STREAM, 0)
    refused = record(number["sock_connect"], 5, 0, 2, 1)
    for guest in (0, 4):
        yield f"refused-many-{guest}", told(0, guest) + tcp + act(REPEAT, 200) + refused + act(
            TIME, 1, 4
        ) + refused * 2 + (act(REPEAT, 255) + refused) * 5
    for flags in (0, 4):
        queue = b"".join(
            tcp
            + record(number["fd_fdstat_set_flags"], fd, flags)
            + record(number["sock_setsockopt"], fd, 0, 12, 0, 16)
            + record(number["sock_connect"], fd, *LOOPBACK, PORT_TCP)
            for fd in range(5, 14)
        )
        yield f"queue-{flags}", told() + queue
        yield f"queue-stopped-{flags}", told() + queue[: 32 * 28] + act(LOOKS, 2) + queue[32 * 28 :]
    both = record(number["sock_open"], INET6, STREAM, 0) + record(number["sock_setsockopt"], 5, 41, 26, 1, 4)
    yield "both-refused", told(0) + both + record(number["sock_bind"], 5, 1, 0xF2, PORT_TCP) + record(
        number["sock_bind"], 5, 1, 0xF2, 3
    )
    yield "both-refused-all", told(0, more=2, rule=24 + 96) + both + record(number["sock_bind"], 5, 1, 0xF2, PORT_TCP)
    yield "options-bad", told() + tcp + b"".join(
        record(number["sock_getsockopt"], 5, 0, name, bad, size)
        for name in range(16)
        for bad, size in ((0xF6, 4), (3, 0xCC))
    )
    yield "unix-many", told(12, limits=8, much=0, many=7) + record(
        number["path_create_directory"], 3, *text(12)
    ) + record(number["sock_open"], UNIX, STREAM, 0) + record(number["sock_bind"], 5, 4, 0, 0, 0xC4, 4)
    for k in range(1, 16):
        for right in (WRITE, READ):
            filled = told(0, place=4, streams=0o55) + act(REPEAT, 9) + path_open(number, 3, text(0))
            yield f"table-full-{k}-{right}", filled + b"".join(
                act(FAULT, k, 2) + path_open(number, dir, path, 0, right)
                for dir, path in ((5, (0xE3,)), (5, (0xE7,)), (5, (0xE5,)), (3, text(0)))
            )
        waiting = (
            record(number["sock_open"], INET4, STREAM, 0)
            + record(number["sock_bind"], 5, *NEW_PORT_GUEST)
            + record(number["sock_listen"], 5, 4)
            + act(0, 0, 0, 0) * 2
        )
        yield f"fault-terminal-{k}", told(0, place=36, streams=0o55) + act(REPEAT, 9) + path_open(
            number, 3, text(0)
        ) + b"".join(act(FAULT, k, 2) + path_open(number, 5, (0xE7,), 0, right) for right in (WRITE, READ, 0))
        yield f"fault-resolver-{k}", told(3, 4) + record(number["sock_open"], INET4, 1 + k % 2, 0) + act(
            FAULT, k, 2
        ) + record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)
        for how in (0, 2, 4, 0x80, 8, 0x28):
            yield f"fault-accept-{k}-{how}", told() + waiting + b"".join(
                act(FAULT, k, how) + one
                for one in (
                    record(number["sock_accept"], 5, 0, 3),
                    record(number["sock_listen"], 5, 4),
                    tcp,
                    record(number["sock_connect"], 6, *LOOPBACK, PORT_TCP),
                    record(number["sock_connect"], 7, *LOOPBACK, PORT_TCP),
                    record(number["sock_connect"], 8, *LOOPBACK, PORT_TCP),
                )
            )
            yield f"fault-sizes-{k}-{how}", told() + path_open(number, 3, text(0)) + act(SPARSE, 0, 2) + b"".join(
                act(FAULT, k, how) + record(number[call], 5, *words)
                for call, *words in (
                    ("fd_filestat_set_size", 5),
                    ("fd_sync",),
                    ("fd_allocate", 0, 0xCA),
                    ("clock_res_get", 3),
                )
            )
            yield f"fault-links-{k}-{how}", told(0, 8) + b"".join(
                act(FAULT, k, how) + path_open(number, 3, long_text(*path), 0, READ)
                for path in ((1, 10, 0xC0, 0), (1, 2, 10, 10, 0xC0, 1, 3), (0xC0, 1, 10, 0))
            )
    for limits, much, many in ((2, 0, 7), (0, 0, 1)):
        yield f"accept-over-{limits}", told(8, limits=limits, much=much, many=many) + record(
            number["sock_open"], INET4, STREAM, 0
        ) + record(number["sock_bind"], 5, *NEW_PORT_GUEST) + record(number["sock_listen"], 5, 4) + act(
            0, 0, 0, 0
        ) * 3 + record(
            number["sock_accept"], 5, 0, 3
        ) * 3
        yield f"accept-over-stopped-{limits}", told(8, limits=limits, much=much, many=many) + record(
            number["sock_open"], INET4, STREAM, 0
        ) + record(number["sock_bind"], 5, *NEW_PORT_GUEST) + record(number["sock_listen"], 5, 4) + act(
            0, 0, 0, 0
        ) * 3 + act(
            LOOKS, 1
        ) + record(
            number["sock_accept"], 5, 0, 3
        )
    yield "places-many", told() + act(SPARSE, 0, 8) + path_open(number, 3, text(1), 2, READ) + b"".join(
        record(number["fd_readdir"], 5, 0, 0x45, cookie, 3) for cookie in range(0, 40, 5)
    ) + act(REPEAT, 60) + record(number["fd_readdir"], 5, 0, 30, 1, 3)
    yield "places-more", told() + act(SPARSE, 0, 8) + path_open(number, 3, text(1), 2, READ) + b"".join(
        record(number["fd_readdir"], 5, 0, 0x45, 0xF0, *struct.pack("<Q", cookie), 3)
        for cookie in (0, 130, 140, 150, 270, 280, 300, 3, 400)
    )
    yield "block-device", told(0, place=4) + record(
        number["path_filestat_get"], 5, 1, *long_text(0xC8), 3
    ) + path_open(number, 5, long_text(0xC8))
    yield "names-empty-label", told(3) + record(
        number["sock_getaddrinfo"], *text(0, 10, 3), known(13), 0, 0, 0, 0, 3, 8, 3
    )
    ended = bytes([number["sock_getaddrinfo"], 0xF6, known(13), 0, 0, 0, 0, 3, 8, 3]).ljust(32, b"\0")
    yield "names-ended", told(3) + ended


def idle(number):
    """Sockets of a run without a network: every option, every call."""
    made = b"".join(
        record(number["sock_open"], family, kind, 0) for family in (INET4, INET6) for kind in (DATAGRAM, STREAM)
    )
    levels = [(0, n) for n in range(15)] + [(6, n) for n in (15, 16, 17, 18)] + [(41, 26)]
    calls_of_sockets = (
        "sock_shutdown",
        "sock_recv",
        "fd_write",
        "sock_recv",
        "sock_getlocaladdr",
        "sock_getpeeraddr",
        "sock_listen",
        "sock_bind",
        "sock_connect",
        "sock_send",
        "fd_close",
    )
    for limits, much in ((0, 0), (8, 1)):
        for fd in (5, 6, 7, 8):
            for value in (0, 1, 0xFF):
                for part in (levels[:10], levels[10:]):
                    yield f"idle-{limits}-{fd}-{value}-{part[0][1]}", told(
                        limits, limits=8, much=much, many=7, more=1
                    ) + made + b"".join(
                        record(number["sock_setsockopt"], fd, *at, 0, 8 if at == (0, 9) else 4, value, value)
                        + record(number["sock_getsockopt"], fd, *at, 3, 8 if at == (0, 9) else 4)
                        for at in part
                    )
            for flags in (0, 4):
                use = record(number["fd_fdstat_set_flags"], fd, flags) + b"".join(
                    record(number[call], fd, 1, 0x90, 0, 0x10, 0, 3, 4, 5) for call in calls_of_sockets
                )
                poll = record(number["poll_oneoff"], 2, 0, 1, fd, 0, 2, fd, 5, 3)
                yield f"idle-used-{limits}-{fd}-{flags}", told(
                    limits, limits=8, much=much, many=7, more=1
                ) + made + poll + use + poll


def connection(number, fd, peer):
    """With a peer of its own, which has written five bytes."""
    return (
        record(number["sock_open"], INET4, STREAM, 0)
        + record(number["sock_connect"], fd, *LOOPBACK, PORT_TCP)
        + act(1)
        + act(2, peer, 0, 9, 5, *range(65, 70))
    )


def backlogs(number):
    """A connection whose peer does not read, and what may happen to what is left."""

    def heard(fd, peer):
        return connection(number, fd, peer) + record(number["sock_recv"], fd, *RECEIVE, 0, 3, 4)

    def fill(fd):
        return record(BATCH, fd, 48, fd, 0x60, 0x0F, 0, 0, fd, 0x60, 0x0F, 0, 0)

    call = record(number["sched_yield"])
    nonblocking = record(number["fd_fdstat_set_flags"], 5, 4)
    wait = act(TIME, 7, 1)
    ends = {
        "shut": record(number["sock_shutdown"], 5, 2) + record(number["fd_write"], 5, *CONTENT, 3) + wait + act(3, 0),
        "shut-both": record(number["sock_shutdown"], 5, 3) + record(number["fd_write"], 5, *CONTENT, 3) + wait,
        "write": nonblocking
        + record(number["fd_write"], 5, *CONTENT, 3)
        + act(3, 0)
        + wait
        + record(number["fd_write"], 5, *CONTENT, 3),
        "write-waits": record(number["fd_write"], 5, *CONTENT, 3),
        "close": record(number["fd_close"], 5) + wait + act(3, 0) + wait + wait,
        "close-late": record(number["fd_close"], 5) + wait + act(TIME, 3, 5) + wait,
        "reset": act(5, 0)
        + wait
        + record(number["fd_write"], 5, *CONTENT, 3)
        + record(number["sock_getsockopt"], 5, 0, 2, 3, 4),
        "recv": act(2, 0, 0, 9, 9, *range(65, 74))
        + record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4)
        + act(3, 0)
        + wait,
        "poll": record(number["poll_oneoff"], 2, 0, 2, 5, 0, 1, 5, 5, 3) + act(3, 0) + wait,
        "end": wait,
        "renumber": record(number["fd_renumber"], 5, 9) + wait + act(3, 0) + wait,
        "reset-recv": act(5, 0) + wait + record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4),
        "option": record(number["sock_getsockopt"], 5, 0, 2, 3, 4)
        + act(5, 0)
        + record(number["sock_getsockopt"], 5, 0, 2, 3, 4),
    }
    for name, end in ends.items():
        for much in (8, 9):
            yield f"backlog-{name}-{much}", told(0x48, limits=8, much=much, many=7) + heard(5, 0) + (
                fill(5) + call
            ) * 3 + end + record(number["fd_close"], 5)
            yield f"backlog-two-{name}-{much}", told(0x48, limits=8, much=much, many=7) + heard(
                5, 0
            ) + heard(6, 1) + (fill(5) + fill(6) + call) * 2 + end
    for k in range(1, 9):
        for how in (0x21, 0x41, 0xE1, 2, 0x22):
            fails = act(FAULT, k, how)
            lingers = heard(5, 0) + fill(5) + fails + record(number["fd_close"], 5)
            yield f"backlog-lingers-{k}-{how}", told(0x48, limits=8, much=9, many=7) + lingers + wait + act(
                3, 0
            ) + wait
            yield f"backlog-late-{k}-{how}", told(0x48, limits=8, much=9, many=7) + lingers + act(
                FAULT, 1, 0xE1
            ) + act(TIME, 3, 5) + wait
            yield f"backlog-fails-{k}-{how}", told(
                0x48, limits=8, much=9, many=7, fault_end=k, fault_how=how
            ) + heard(5, 0) + fails + fill(5) + call + fails + fill(5) + act(
                2, 0, 0, 9, 31, *range(65, 90)
            ) + fails + record(
                number["poll_oneoff"], 1, 0, 1, 5, 5, 3
            ) + fails + record(
                number["sock_recv"], 5, *RECEIVE, 0, 3, 4
            ) * 2
            yield f"ahead-fails-{k}-{how}", told(0x40) + heard(5, 0) + act(
                2, 0, 0, 9, 31, *range(65, 90)
            ) + record(number["poll_oneoff"], 1, 0, 1, 5, 5, 3) + fails + record(
                number["sock_recv"], 5, *RECEIVE, 0, 3, 4
            ) * 2
    for k in range(1, 6):
        yield f"backlog-ends-{k}", told(0x48, limits=8, much=9, many=7, fault_end=k, fault_how=0xE1) + heard(
            5, 0
        ) + fill(5) + call
        yield f"resolve-again-{k}", told() + act(FAULT, k, 0xE1) + path_open(number, 3, text(0), 0, READ)
    many = b"".join(heard(5, i % 8) + fill(5) + call + record(number["fd_close"], 5) for i in range(6))
    yield "backlog-lingering", told(0x48, limits=8, much=9, many=7) + many
    take = {
        "peek": record(number["sock_recv"], 5, *RECEIVE, 1, 3, 4),
        "recv": record(number["sock_recv"], 5, *RECEIVE, 0, 3, 4),
        "renumber": record(number["fd_renumber"], 5, 9) + record(number["sock_recv"], 9, *RECEIVE, 0, 3, 4),
        "shut": record(number["sock_shutdown"], 5, 3),
        "close": record(number["fd_close"], 5),
    }
    poll = record(number["poll_oneoff"], 1, 0, 1, 5, 5, 3)
    for name, some in take.items():
        yield f"ahead-{name}", told(0x40) + heard(5, 0) + (
            act(2, 0, 0, 9, 31, *range(65, 90)) + poll + some
        ) * 4 + some


def names(number):
    """sock_getaddrinfo: every kind of name and service, chains of results of every length."""

    def ask(node, service, hint=0, family=0, kind=0, protocol=0, chain=3, most=8, how=0, n=2):
        words = (number["sock_getaddrinfo"], node, service, hint, family, kind, protocol, chain, most, 3)
        return bytes(words).ljust(16, b"\0") + bytes([how, n, 10, 60, 11, 60, 127, 1]).ljust(16, b"\0")

    nodes = [known(n) for n in (8, 9, 10, 11, 14, 23, 22, 21, 6)] + [0xF8, 0xF9]
    services = [known(n) for n in (12, 13, 21, 9)] + [0xF9, 0xF0]
    for options_net in (1, 3, 0):
        for node in nodes:
            for hint in (0, 1, 4, 8):
                yield f"names-{options_net}-{node}-{hint}", told(options_net, 4) + b"".join(
                    ask(node, service, hint, family, kind, protocol, chain, most, how)
                    for service, family, kind, protocol, chain, most, how in (
                        (services[0], 0, 0, 0, 3, 8, 0),
                        (services[1], 1, 1, 2, 7, 8, 0),
                        (services[2], 2, 2, 1, 11, 8, 0),
                        (services[3], 3, 2, 0, 3, 8, 1),
                        (services[4], 0, 3, 0, 3, 1, 2),
                        (services[5], 0, 0, 3, 3, 8, 3),
                        (services[1], 0, 0, 0, 19, 8, 8),
                        (services[1], 0, 0, 0, 3, 0, 16),
                        (services[1], 2, 0, 2, 7, 8, 24),
                        (services[0], 0, 1, 0, 0xF4, 8, 0),
                        (services[0], 0, 1, 0, 2, 9, 7),
                    )
                )
    for files in (0, 1, 3):
        yield f"names-slow-{files}", told(3, 4, more=2, rule=0, files=files * 8) + ask(
            known(14), known(13), how=7
        ) * 3

    many = (
        bytes([number["sock_getaddrinfo"], known(9), known(13), 0, 0, 0, 0, 3, 8, 3]).ljust(16, b"\0")
        + bytes([0x80, 7])
        + bytes([9, 60]) * 7
    )
    yield "names-many", told(3, 4) + act(REPEAT, 200) + many.ljust(32, b"\0")
    yield "names-denied-many", told(3, 4, more=2) + act(REPEAT, 200) + many.ljust(32, b"\0")
    asked = record(number["sock_open"], INET4, DATAGRAM, 0) + record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)
    asked_tcp = record(number["sock_open"], INET4, STREAM, 0) + record(number["sock_connect"], 6, *RESOLVER, PORT_DNS)
    for how in (0, 1, 2, 7, 24):
        for question in range(0x90, 0xB0):
            begin = asked if question & 16 else asked_tcp
            answers = bytes([how, 2, 10, 60, 11, 60]).ljust(16, b"\0")
            ask_now = record(number["fd_write"], 6, 1, 1, question, 3)[:16] + answers
            heard = record(number["sock_recv"], 6, *RECEIVE, 0, 3, 4)[:16] + answers
            yield f"question-{how}-{question}", told(3, 4) + begin + ask_now + heard + ask_now + heard
    for k in range(1, 14):
        for how in (2, 0x30):
            for begin, question in ((asked, 0x91), (asked_tcp, 0x81)):
                answers = bytes([1, 0]).ljust(16, b"\0")
                ask_now = record(number["fd_write"], 6, 1, 1, question, 3)[:16] + answers
                heard = record(number["sock_recv"], 6, *RECEIVE, 0, 3, 4)[:16] + answers
                yield f"question-fails-{k}-{how}-{question}", told(3, 4) + begin + ask_now + act(
                    FAULT, k, how
                ) + heard
                yield f"question-late-{k}-{how}-{question}", told(3, 4) + begin[:32] + act(FAULT, k, how) + begin[
                    32:
                ] + ask_now + heard
    for question in range(0x92, 0x100, 4):
        for how, n in ((0, 0), (1, 0)):
            answers = bytes([how, n, 9, 60]).ljust(16, b"\0")
            yield f"question-raw-{question}-{how}", told(3, 4) + (asked if question & 16 else asked_tcp) + record(
                number["fd_write"], 6, 1, 1, question, 3
            )[:16] + answers + record(number["sock_recv"], 6, *RECEIVE, 0, 3, 4)[:16] + answers
    yield "questions-many", told(3, 4) + asked + act(REPEAT, 40) + record(number["fd_write"], 6, 1, 1, 0x91, 3)[
        :16
    ] + bytes([7]).ljust(16, b"\0") + act(TIME, 7, 4) * 8


def datagrams(number):
    """Datagrams of who may send some, and of strangers; what unix sockets say."""
    for guest in (0, 4, 16):
        for family, form in ((INET4, 0), (INET6, 1)):
            made = record(number["sock_open"], family, DATAGRAM, 0) + record(
                number["sock_bind"], 5, form, form, PORT_GUEST
            )
            heard = record(number["sock_recv_from"], 5, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5)
            yield f"datagram-nowhere-{guest}-{family}", told(0, guest) + made + b"".join(
                record(number["sock_recv_from"], 5, *RECEIVE, 4, 0, 0, 12, 0, 3, *where)
                for where in ((0xF6, 5), (4, 0xF6), (0xF6, 0xF6))
            )
            for flags in (0, 4):
                mode = record(number["fd_fdstat_set_flags"], 5, flags)
                yield f"datagram-{guest}-{family}-{flags}", told(0, guest) + made + mode + act(
                    7, 0, 0, 0, *range(65, 81), 9
                ) + heard + act(7, 0, 0, 0, *range(65, 81), 128 + 9) * 2 + heard + act(
                    7, 0, 0, 0, *range(65, 81), 5
                ) + act(
                    REPEAT, 80
                ) + act(
                    7, 0, 0, 0, *range(65, 81), 129
                ) + mode + heard * 3
                yield f"datagram-sent-{guest}-{family}-{flags}", told(2, guest, more=2, rule=5 + 96) + record(
                    number["sock_open"], family, DATAGRAM, 0
                ) + mode + b"".join(
                    record(number["sock_send_to"], 5, *CONTENT, form, which, port, 0, 3)
                    for which in (0, 1, 2, 5)
                    for port in (1, 5)
                ) + record(
                    number["sock_shutdown"], 5, 1
                ) + heard
    for cwd in (0, 16):
        for odd in (0, 32):
            for where in ((4, 0, 0, 12), (4, 0, 1, 1, 12), (4, 0, 0, 0xC4)):
                for which in (0, 1, 16, 17, 2, 18):
                    kind = DATAGRAM if which & 16 else STREAM
                    yield f"unix-host-{cwd}-{odd}-{where[2]}-{where[-1]}-{which}", told(
                        4, 0, more=cwd, odd=odd
                    ) + act(HOST_UNIX, which) + record(number["sock_open"], UNIX, kind, 0) + record(
                        number["sock_connect"], 5, *where, 4
                    ) + record(
                        number["fd_write"], 5, *CONTENT, 3
                    ) + record(
                        number["sock_getpeeraddr"], 5, 4, 0, 0, 12, 3
                    ) + record(
                        number["sock_open"], UNIX, kind, 0
                    ) + record(
                        number["sock_bind"], 6, 4, 0, 0, 10, 4
                    ) + record(
                        number["sock_bind"], 6, *where, 4
                    ) + record(
                        number["sock_send_to"], 6, *CONTENT, *where, 4, 0, 3
                    ) + record(
                        number["sock_listen"], 6, 4
                    ) + act(
                        HOST_UNIX, which | 8
                    ) + record(
                        number["sock_accept"], 6, 0, 3
                    ) + record(
                        number["sock_recv_from"], 6, *RECEIVE, 4, 0, 0, 12, 0, 3, 4, 5
                    )


def etc(number):
    here, names_there = 5, [known(17), known(16), text(11), text(0), text(11, 0), known(6)]
    for place in (0, 2):
        for files in (0, 1, 2, 4, 5):
            opened = b"".join(
                path_open(number, here, name, flags, right)
                for name in ((n,) if isinstance(n, int) else n for n in names_there)
                for flags, right in ((0, READ), (2, READ), (1, WRITE))
            )
            use = b"".join(
                record(number["fd_readdir"], fd, 0, size, cookie, 3)
                for fd in (here, 8)
                for size, cookie in ((0x45, 0), (0x45, 1), (0x45, 3), (30, 2), (0x45, 9))
            )
            other = b"".join(
                record(number[call], here, 1, *((n,) if isinstance(n, int) else n), 0, 0, 3, 3)
                for n in names_there[:4]
                for call in ("path_filestat_get",)
            )
            changed = b"".join(
                record(number[call], here, 0, 0, 0, 0, 3)
                for call in ("path_unlink_file", "path_create_directory", "path_remove_directory", "path_readlink")
            )
            read_all = b"".join(record(number["fd_read"], fd, *RECEIVE, 3) for fd in (6, 7, 8))
            yield f"etc-{place}-{files}", told(
                1, 32 if files else 0, place=place, files=files
            ) + opened + read_all + use
            yield f"etc-told-{place}-{files}", told(
                1, 32 if files else 0, place=place, files=files
            ) + other + changed + use


def folders(number):
    """--tmp: what is left there, by runs before and by this one."""
    tmp = 5
    deep = b"".join(
        record(number["path_create_directory"], tmp, *text(*path))
        for path in ((1,), (1, 2), (0,), (0, 1), (0, 3), (4,))
    )
    opened = (
        path_open(number, tmp, text(1), 2, READ)
        + record(number["path_create_directory"], 6, *text(12))
        + record(number["path_create_directory"], 6, *text(12, 0))
    )
    for left in (0, 1, 3, 7, 16, 32, 64, 128, 0x87, 0x17, 0x47):
        yield f"tmp-{left}", told(0, place=8, left=left) + deep + opened
        yield f"tmp-dev-{left}", told(1, place=12, left=left) + deep + opened
    for odd in (4, 8, 16, 24):
        for kick in (0, 1):
            yield f"tmp-odd-{odd}-{kick}", told(0, place=8, left=7, odd=odd) + deep + opened + act(KICK, 0, 0) * kick
    for end in range(1, 56, 3):
        yield f"tmp-end-{end}", told(0, place=8, left=3, fault_end=end, fault_how=end % 16) + deep + opened
    for begin in range(1, 56, 3):
        yield f"tmp-begin-{begin}", told(0, place=8, left=7, fault=begin, fault_how=begin % 16) + deep


def traces(number):
    for name, call in number.items():
        for files in (0, 1, 2, 3, 5, 7):
            if files == 0 or call % 9 == 0:
                yield f"trace-{name}-{files}", told(0x10, place=1, files=files) + path_open(
                    number, 3, text(12), 9
                ) + b"".join(
                    record(call, fd, *more)
                    for fd in (3, 5, 1, 9)
                    for more in (
                        (0, 0, 0, 0, 0, 0, 3),
                        (1, 0x90, 0, 0x10, 0, 3, 4, 5),
                        (0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF),
                    )
                )
    for how in range(4):
        yield f"traced-{how}", told(0x10) + act(TRACED, how) + act(TRACED, how)
    for stream in range(8):
        yield f"trace-stderr-{stream}", told(
            0x10, streams=stream << 6 & 0xFF, place=stream >> 2 << 4, files=7
        ) + record(number["fd_close"], 2) + record(number["fd_write"], 1, *CONTENT, 3) * 3


def signals(number):
    opened = record(number["path_open"], 0xF0, 0, 0xD8, 0, 0, 0, 0, 3)
    for changes in ((2, 15, 1), (0x42, 15), (0x82, 0xC1), (0, 63)):
        raised = b"".join(act(11, 0, 0, n) for n in (1, 2, 15, 2, 63, 0, 64))
        use = (
            record(number["poll_oneoff"], 2, 0, 1, 5, 0, 2, 5, 5, 3)
            + record(number["fd_read"], 5, 1, 0x90, 0, 1, 3)
            + record(number["fd_read"], 5, *RECEIVE, 3)
            + record(number["fd_read"], 5, *RECEIVE, 3)
        )
        yield f"signals-{changes[0]}", told() + opened + written(number, 5, changes) + raised + use + raised + record(
            number["fd_close"], 5
        ) + opened + raised + use


def streams(number):
    for kind in range(8):
        for own in (0, 64):
            for limits in (0, 8):
                all_three = kind | kind << 3 | kind << 6
                use = b"".join(
                    record(number[call], fd, 1, 1, 0x20, 65, 66, 67, 68, 69, 3)
                    for fd in range(3)
                    for call in (
                        "fd_write",
                        "fd_read",
                        "fd_fdstat_get",
                        "fd_filestat_get",
                        "fd_seek",
                        "fd_sync",
                        "fd_fdstat_set_flags",
                        "fd_close",
                    )
                )
                poll = record(number["poll_oneoff"], 3, 0, 1, 0, 0, 2, 1, 0, 2, 2, 5, 3)
                yield f"streams-{kind}-{own}-{limits}", told(
                    limits,
                    streams=all_three & 0xFF,
                    place=(all_three >> 8) << 4,
                    limits=0x10,
                    much=3,
                    many=9,
                    more=own | 32,
                ) + act(ASKED, 1) + act(8, 0, 0, 9, 8, *range(8)) + poll + use[: 32 * 6] + act(ASKED, 14) + act(
                    ASKED, 7
                ) + act(
                    ASKED, 11
                ) + use + act(
                    ASKED, 15
                )


def terminals(number):
    texts = (
        b"\x1b[?7h\x1b[?25;1049l",
        b"\x1b[?9h\x1b[?h",
        b"\x1b7\x1b(B\x1b#8\x1bD",
        b"\x1b]0;title\x07a",
        b"\x1bP+q\x1b\\b",
        b"\x1b[31\x1b[0m",
        b"\x1b\x1b[m",
        b"\xc2\x9b2J\xe2\x82\xac",
        b"\xf0\x9f\x98\x80\xff\xe2A",
        b"\x1b[1;2;3;4;5;6;7;8;9",
        b"\x1b_x\x18\x1bXy\x1a",
        b"\x1b]x\x1b[m",
        b"\x1b[12345m\x1b[1:2m",
        b"\x00\x7f\r\n\t",
        b"\x1b[c\x1b[6n",
        b"\xe2",
        b"\x82",
        b"\x1b(",
        b"\x1b[",
        b"\x1b]",
        b"a",
    )
    for i, one in enumerate(texts):
        for raw in (0, 32):
            yield f"terminal-{i}-{raw}", told(raw, streams=0o55, place=16) + b"".join(
                written(number, 1, some)
                for some in (one, texts[9], texts[9], texts[9], one, texts[(i + 1) % len(texts)])
            )
    full = record(number["fd_write"], 1, 3, *(1, 0x20) * 3, *range(65, 85))
    many = (act(REPEAT, 255) + full) * 3 + act(9, 0, 1) + full * 4
    yield "terminal-full", told(0, streams=0o55) + many
    for begin in range(1, 40, 4):
        yield f"terminal-slow-{begin}", told(0, streams=0o55, fault=begin, fault_how=6) + many



def fifos(number):
    path = text(9)
    for right, flags in ((READ, 0), (WRITE, 0), (0, 0), (READ, 4), (WRITE, 4)):
        opened = path_open(number, 3, path, 0, right, flags)
        use = record(number["fd_read"], 5, *RECEIVE, 3) + record(number["fd_write"], 5, *CONTENT, 3)
        yield f"fifo-{right}-{flags}", told() + opened + act(FIFO, 1) + opened + use + act(4, 0) + use + opened
        yield f"fifo-stopped-{right}-{flags}", told() + act(LOOKS, 3) + opened + use
        yield f"fifo-made-{right}-{flags}", told(8, limits=255, much=15, many=255) + opened * 3 + path_open(
            number, 3, path, 1, right, flags
        )


def rules(number):
    """Each rule that may be one, and what it then means."""
    use = b"".join(
        record(number["sock_open"], family, kind, 0) for family in (INET4, INET6) for kind in (DATAGRAM, STREAM)
    )
    for form in range(4):
        for port in (PORT_TCP, PORT_ANY):
            use += b"".join(record(number["sock_connect"], fd, form, which, port) for fd, which in ((5, 1), (6, 0)))
    use += b"".join(
        record(number[call], fd, form, which, 3)
        for call in ("sock_bind",)
        for fd, form, which in ((7, 1, 1), (8, 1, 1), (5, 0, 0), (6, 0, 3))
    )
    use += record(number["sock_listen"], 6, 4) + act(0, 0, 0, 0) + record(number["sock_accept"], 6, 0, 3)
    for rule in range(256):
        for net, guest in ((1, 4), (0, 20)):
            if rule < 64 or net:
                yield f"rule-{rule}-{net}-{guest}", told(net, guest, more=2, rule=rule) + use
    for more in (4, 8, 12):
        for net in (1, 3, 0x81):
            yield f"sockets-{more}-{net}", told(net, 0x80, more=more, files=64 if net == 3 else 0) + b"".join(
                record(number[call], fd, 1, 0x90, 0, 0x10, 0, 3, 4)
                for fd in range(4, 9)
                for call in (
                    "sock_accept",
                    "sock_recv",
                    "sock_getlocaladdr",
                    "sock_getpeeraddr",
                    "sock_setsockopt",
                    "fd_close",
                )
            )


def places(number):
    """Grants that lie in each other, other file systems, names that lead from one to another."""
    for place in (0, 32, 64, 96, 128, 0xA0, 4, 0x34):
        for guest in (0, 8):
            for files in (0, 128):
                paths = [
                    text(12),
                    text(0),
                    text(1, 2),
                    text(6, 0),
                    text(8, 0),
                    text(5),
                    text(10, 0),
                    text(1, 10, 4),
                    text(7),
                    text(13),
                    text(14, 0),
                    text(0, 14),
                    text(1, 14),
                ]
                use = b"".join(path_open(number, fd, path, 0, READ) for fd in (3, 4) for path in paths)
                yield f"place-{place}-{guest}-{files}", told(0, guest, place=place, files=files) + use + act(
                    ASKED, 15
                )
    for slashes in (text(1, 14), text(0, 14), text(12, 14), text(4, 14), text(6, 14), text(1, 10)):
        for other in (text(12), text(12, 14), text(0), text(1, 2), text(1, 12, 14)):
            yield f"slashes-{slashes[2]}-{slashes[-1]}-{len(other)}-{other[2]}", told(
                8, limits=255, much=15, many=255
            ) + record(number["path_link"], 3, 0, *slashes, 3, *other) + record(
                number["path_link"], 3, 0, *other, 3, *slashes
            ) + record(
                number["path_rename"], 3, *slashes, 3, *other
            ) + record(
                number["path_symlink"], *other, 3, *slashes
            ) + record(
                number["path_unlink_file"], 3, *slashes
            ) + record(
                number["path_remove_directory"], 3, *slashes
            ) + record(
                number["path_create_directory"], 3, *slashes
            )


def trees(number):
    """Names that lead through directories and links, out and back."""
    ro, t, p, secret = 0xC0, 0xC1, 0xC2, 0xC3
    ptmx, fd, dev, log = 0xC6, 0xC7, 0xCA, 0xCC
    paths = [
        (ro,),
        (ro, 0),
        (1, 10, ro, 0),
        (1, 2, 10, 10, ro, 1, 3),
        (ro, 1, 10, 0),
        (6, 10, 10, ro, 0),
        (8, secret),
        (t, 0),
        (p, ptmx),
        (t,),
        (p,),
        (ro, t, 0),
        (ro, p, ptmx),
        (1, 0xC5, 10),
        (13, 0),
        (0xCF,) * 5,
        (1, 10, 8, secret),
        (ro, 10, 0xCD, secret),
        (ro, 4),
        (ro, 5),
        (ro, 6, 12),
        (0, 0xCE),
        (1, 2, 10, 3, 14),
        (ro, 11),
        (ro, 14),
        (5, 0),
        (7, 0),
        (1, 11, ro, 9),
    ]
    places = ((0, 0, 0), (8, 0, 0), (8, 32, 0), (0, 32, 0), (0, 0, 1), (0, 1, 1), (8, 36, 0), (0, 4, 0), (0, 5, 1))
    for guest, place, odd in places:
        for first in (0, 14):
            for flags, right, look in ((0, READ, 1), (9, WRITE, 1), (2, READ, 1), (0, WRITE, 0)):
                opened = b"".join(
                    path_open(number, dir, long_text(*path), flags, right, look=look)
                    for path in paths[first : first + 14]
                    for dir in (3, 4)
                )
                yield f"tree-{guest}-{place}-{odd}-{first}-{flags}-{look}", told(
                    0, guest, place=place, odd=odd
                ) + opened
            for call, words in (
                ("path_create_directory", ()),
                ("path_unlink_file", ()),
                ("path_filestat_get", (1,)),
                ("path_filestat_set_times", (1,)),
                ("path_readlink", ()),
            ):
                yield f"tree-{call}-{guest}-{place}-{odd}-{first}", told(0, guest, place=place, odd=odd) + b"".join(
                    record(number[call], dir, *words, *long_text(*path), 0, 16, 3)
                    for path in paths[first : first + 14]
                    for dir in (3, 4)
                )
    for target in (known(1), known(0), 0xDB):
        for guest, odd in ((0, 0), (8, 0), (0, 1)):
            yield f"symlink-{target}-{guest}-{odd}", told(0, guest, odd=odd) + record(
                number["path_symlink"], target, 3, *text(12)
            ) + path_open(number, 3, text(12), 0, READ)
    listed = b"".join(
        record(number["fd_readdir"], fd, 0, size, cookie, 3) for fd in (3, 5) for size, cookie in ((0x45, 0), (30, 1))
    )
    for place, odd in ((1, 1), (1, 0), (0, 1)):
        yield f"hidden-{place}-{odd}", told(0, place=place, odd=odd) + b"".join(
            record(number["path_create_directory"], 3, *long_text(which)) for which in (0xCA, 13, 0xC9)
        ) + listed
    gone = (
        path_open(number, 3, text(1, 2), 2, READ)
        + record(number["fd_readdir"], 5, 0, 0x45, 0, 3)
        + record(number["path_remove_directory"], 3, *text(1, 2))
    )
    yield "readdir-gone", told() + gone + listed * 2
    yield "odd-times", told() + b"".join(
        act(SPARSE, 0, which) + record(number["path_filestat_get"], 3, 1, *text(0), 3) for which in range(4, 8)
    )
    yield "iovecs-many", told() + path_open(number, 3, text(0)) + b"".join(
        record(number[call], fd, 0xFE, size, more, 0, 0, 3, 4)
        for call in ("fd_write", "fd_read", "fd_pwrite", "sock_send", "sock_recv")
        for fd in (5, 1, 0)
        for size, more in ((1, 0), (1, 7), (255, 4))
    )
    yield "iovecs-sockets", told() + b"".join(record(number["sock_open"], 1, kind, 0) for kind in (1, 2)) + b"".join(
        record(number[call], fd, 0xFE, size, more, 0, 0, 3, 4)
        for call in ("sock_send", "sock_recv", "fd_write")
        for fd in (5, 6)
        for size, more in ((1, 7), (0, 7))
    )
    for number_of in range(0xC0, 0xD0):
        yield f"poll-{number_of}", told() + b"".join(
            record(number["poll_oneoff"], 1, 0, clock, number_of, 5, 3) for clock in (0, 0x40, 3, 0x43, 6, 12)
        )
    for odd in (2, 32):
        for more in (0, 32):
            yield f"few-{odd}-{more}", told(1, place=8, odd=odd, more=more, files=128) + act(ASKED, 15)
    yield "few-grants", told(0x19, place=0x2C, limits=255, much=15, many=128)
    for rule in (22 + 160, 30 + 160, 31 + 160, 192 + 9, 255):
        for fault in range(1, 80):
            yield f"listen-{rule}-{fault}", told(
                0x80, 0x40, more=2, rule=rule, fault=fault, fault_how=15 if rule != 255 else 4
            ) + record(number["sched_yield"])
    for fault in range(1, 80):
        yield f"servers-{fault}", told(3, 0x50, fault=fault, fault_how=2) + record(number["sched_yield"])
    waits = (
        record(number["sock_open"], INET4, STREAM, 0)
        + act(FAULT, 1, 0x48)
        + record(number["sock_connect"], 5, *LOOPBACK, PORT_TCP)
    )
    yield "connect-waits", told() + waits
    asked = bytes([number["sock_getaddrinfo"], known(9), known(13), 0, 0, 0, 0, 3, 8, 3]).ljust(16, b"\0")
    asked += bytes([0, 1, 9, 60]).ljust(16, b"\0")
    for net, guest in ((1, 0), (3, 16)):
        made = record(number["sock_open"], INET4, STREAM, 0)
        yield f"connect-by-name-{net}", told(net, guest) + asked + made + record(
            number["sock_connect"], 6, 0, 4, PORT_TCP
        ) + act(TIME, 1, 6) + record(number["sock_connect"], 6, 0, 4, PORT_TCP)


def sizes(number):
    """Files that take long, and stops in the middle."""
    opened = path_open(number, 3, text(0))
    for size in range(4):
        for looks in (0, 1, 2, 5):
            use = b"".join(
                act(LOOKS, looks) * bool(looks) + record(number[call], 5, *words)
                for call, *words in (
                    ("fd_sync",),
                    ("fd_datasync",),
                    ("fd_filestat_set_size", 5),
                    ("fd_allocate", 0, 0xCA),
                    ("fd_filestat_set_size", 0xCA),
                    ("fd_allocate", 5, 0xCA),
                    ("fd_filestat_set_size", 0),
                    ("random_get", 0, 0x47),
                )
            )
            yield f"sizes-{size}-{looks}", told() + opened + act(SPARSE, 0, size) + use
            yield f"sizes-limits-{size}-{looks}", told(8, limits=255, much=15, many=255) + opened + act(
                SPARSE, 0, size
            ) + use


def faults(number):
    """Each function of the host that a call makes fails once."""
    files = path_open(number, 3, text(0)) + path_open(number, 3, text(1), 2, READ)
    sockets = (
        record(number["sock_open"], INET4, STREAM, 0)
        + record(number["sock_bind"], 5, *NEW_PORT_GUEST)
        + record(number["sock_listen"], 5, 4)
        + act(0, 0, 0, 0)
    )
    for name, call in number.items():
        begin = sockets if name.startswith("sock_") else files
        fds = (3, 6, 4) if name.startswith("path_") or name == "fd_readdir" else (5, 5, 6)
        for how in (2, 16):
            body = b"".join(
                act(FAULT, k, how) + record(call, fds[k % 3], 0, 0, k % 4, 0, 0, 0, 3) for k in range(1, 22)
            )
            yield f"fault-{name}-{how}", told(0) + begin + body
            yield f"fault-use-{name}-{how}", told(0) + begin + b"".join(
                act(FAULT, k, how) + record(call, 5, 1, 1, 0x20, 1, 0, 3, 4, 5, 6) for k in range(1, 14)
            )
    for how in (0, 2, 16):
        for k in range(1, 24):
            paths = (
                text(9),
                text(0),
                (0xD8,),
                (0xD9,),
                (0xDD,),
                (0xE3,),
                (0xE4,),
                (0xE0,),
                text(1, 14),
                (known(17),),
                (0xE1,),
                (known(5),),
            )
            yield f"fault-open-{how}-{k}", told(1, place=4, streams=0o55) + b"".join(
                act(FAULT, k, how) + path_open(number, dir, path, 0, right)
                for path in paths
                for dir, right in ((3, READ), (0xF0, 0))
            )
            yield f"fault-dev-{how}-{k}", told(0, place=4, streams=0o55) + b"".join(
                act(FAULT, k, how) + path_open(number, dir, path, 0, right)
                for path in paths[3:9]
                for dir, right in ((5, READ), (5, 2))
            )
            yield f"fault-etc-{how}-{k}", told(1) + b"".join(
                act(FAULT, k, how) + record(number[call], 5, *words)
                for call, *words in (
                    ("path_open", 0, known(17), 0, READ, 0, 0, 3),
                    ("path_open", 1, *text(11), 2, 2, 0, 0, 3),
                    ("path_filestat_get", 1, known(17), 3),
                    ("path_filestat_get", 1, *text(11), 3),
                    ("fd_readdir", 0, 0x45, 0, 3),
                )
            )
            peers = act(0, 0, 0, 0) + act(1)
            udp = record(number["sock_open"], INET4, DATAGRAM, 0)
            begin = (
                record(number["sock_open"], INET4, STREAM, 0)
                + record(number["sock_bind"], 6, *NEW_PORT_GUEST)
                + record(number["sock_listen"], 6, 4)
                + peers
            )
            for net in (1, 0x45):
                yield f"fault-net-{net}-{how}-{k}", told(net, 4) + begin + b"".join(
                    act(FAULT, k, how) + one
                    for one in (
                        record(number["sock_open"], INET4, STREAM, 0),
                        record(number["sock_accept"], 6, 0, 3),
                        record(number["sock_connect"], 7, *LOOPBACK, PORT_TCP),
                        record(number["sock_connect"], 7, *RESOLVER, PORT_DNS),
                        udp,
                        record(number["sock_send_to"], 8, *CONTENT, *LOOPBACK, 1, 0, 3),
                        record(number["sock_getaddrinfo"], known(9), known(13), 0, 0, 0, 0, 3, 8, 3),
                        record(number["sock_open"], UNIX, STREAM, 0),
                        record(number["sock_bind"], 9, 4, 0, 0, 12, 4),
                        record(number["sock_listen"], 9, 4),
                        record(number["sock_open"], UNIX, STREAM, 0),
                        record(number["sock_connect"], 10, 4, 0, 0, 12, 4),
                        record(number["sock_recv"], 7, *RECEIVE, 0, 3, 4),
                        record(number["sock_getsockopt"], 7, 0, 2, 3, 4),
                        record(number["poll_oneoff"], 2, 0, 1, 7, 0, 1, 6, 5, 3),
                    )
                )
    heads = (
        {},
        {"net": 0x81, "guest": 0xA4, "place": 0, "more": 6, "files": 9},
        {"net": 0x11, "place": 12, "files": 1},
        {"net": 0, "streams": 0o55, "place": 20, "more": 96},
        {"net": 1, "more": 10, "guest": 4},
        {"net": 16, "files": 7, "more": 64},
    )
    for i, one in enumerate(heads):
        for k in range(1, 160, 7):
            yield f"fault-begin-{i}-{k}", told(**one, fault=k, fault_how=2 + k % 4) + record(number["sched_yield"])
        for k in range(1, 40, 3):
            yield f"fault-end-{i}-{k}", told(**one, fault_end=k, fault_how=2 + k % 4) + files + sockets
