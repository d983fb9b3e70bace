"""podman with wasmvm-oci over runc: an unmodified HTTP server in an image FROM scratch."""

import contextlib
import re

from engines import answers, podman
from harness import case, expect

PORT = 18080


@contextlib.contextmanager
def serving(p, *options, args=(), image="server", conf=None):
    """The server in a container, published at PORT; removed at the end."""
    started = p("run", "-d", "-p", f"127.0.0.1:{PORT}:8080", *options, image, *args, conf=conf)
    expect(started, 0)
    name = started.out.decode().strip()
    try:
        yield name
    finally:
        p("rm", "-f", "-t", "0", name)


@case
def serves_logs_and_stops(t):
    """What the issue asks for first: run -p, logs, stop, --memory, with nothing changed in the program."""
    p = podman(t)
    with serving(p, "--memory", "256m", args=["a b", "--env", ""]) as name:
        answers(PORT, "/abc", "hello from /abc")
        answers(PORT, "/args", '["/app.wasm" "a b" "--env" ""] /')
        expect(p("stop", "-t", "60", name), 0)
        logs = p("logs", name)
        assert re.fullmatch(rb"(\S+ \S+ (serving|stopping|stopped)\n){3}", logs.err), logs
        expect(
            p("inspect", name, "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}"),
            0,
            out="0 false\n",
        )


@case
def ends_with_the_programs_status(t):
    p = podman(t)
    expect(p("run", "--rm", "server", "exit", "a", "b c"), 7, out="out [a b c]\n", err="err\n")
