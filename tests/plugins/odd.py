"""A plug-in process for the end-to-end cases that behaves as its first argument says; see `odd`.  Functions: env.add32
"ii:i", env.run ":" and env.upper "iiii:i"."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

HELLO, RESULT, TRAP, READ, WRITE, SIZE, EXPORT, LOG, CALL = *range(1, 9), 16
how = sys.argv[1]
monitor = socket.socket(fileno=3)


sys.excepthook = lambda *_: os._exit(9)  # the monitor may be gone at any time


def send(kind, body=b""):
    monitor.sendall(struct.pack("<II", len(body), kind) + body)


def take(n):
    data = b""
    while len(data) < n:
        piece = monitor.recv(n - len(data))
        if not piece:
            leave()
        data += piece
    return data


def receive():
    length, kind = struct.unpack("<II", take(8))
    return kind, take(length)


def leave():
    if how == "eof":
        time.sleep(0.1)
        with open(sys.argv[2], "w") as f:
            f.write("gone in peace\n")
    if how in ("stays", "pid"):
        time.sleep(60)
    sys.exit(0)


def state():
    """What a new process is to find."""
    with open("/proc/self/status") as f:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in f if line.startswith("Sig"))
    names = {n: os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{n}") or n == "3"}
    return {"masks": [fields["SigBlk"], fields["SigIgn"]], "fds": names, "leader": os.getsid(0) == os.getpid(),
            "argv": sys.argv}


def odd():
    if how in ("hang", "stays") or sys.argv[3:] == ["hangs"]:
        time.sleep(60)
    elif how == "spin":
        while True:
            pass
    elif how == "exit":
        print("this goes to standard error", flush=True)
        sys.exit(7)
    elif how == "crash":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "garbage":
        monitor.sendall(b"\xff\xff\xff\xff" + os.urandom(4092))  # a random length may be right, and waited for
        time.sleep(60)
    elif how == "endless":
        while monitor.send(struct.pack("<III", 4, LOG, 3) * 1000, socket.MSG_NOSIGNAL):
            pass
    elif how == "trap":
        send(TRAP, "sorry \x1b[31m\n".encode())
    else:
        send(RESULT, bytes(8))


if how == "family":
    with open(sys.argv[2] + ".new", "w") as f:
        f.write(str(subprocess.Popen(["sleep", "60"]).pid))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
if how == "early":
    sys.exit(3)
if how == "mute":
    time.sleep(60)
if how == "state":
    print(json.dumps(state()), file=sys.stderr, flush=True)
if how == "pid":
    with open(sys.argv[2] + ".new", "w") as f:
        f.write(str(os.getpid()))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
version = 9 if how == "abi" else 1
send(HELLO, struct.pack("<I", version) + b"odd\0002.0\0add32\0ii:i\0run\0:\0upper\0iiii:i\0")
while True:
    _, body = receive()
    number = struct.unpack_from("<I", body)[0]
    if number == 0:
        send(RESULT, struct.pack("<q", sum(struct.unpack_from("<I4xI", body, 4)) & 0xffffffff))
    elif number == 1:
        odd()
        if how == "later":
            os._exit(5)
    else:
        text, size, buf, room = struct.unpack_from("<I4xI4xI4xI", body, 4)
        send(READ, struct.pack("<II", text, size))
        status, data = struct.unpack("<i", (answer := receive()[1])[:4])[0], answer[4:].upper()
        if status == 0 and size <= room:
            send(WRITE, struct.pack("<I", buf) + data)
            status = struct.unpack("<i", receive()[1])[0]
        send(TRAP, b"not in memory") if status else send(RESULT, struct.pack("<q", size))
