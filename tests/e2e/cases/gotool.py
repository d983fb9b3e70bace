"""`wasmvm go`: the go command's words and exit codes, and ordinary Go programs that use the network."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from cases.net import closed_port
from harness import GO, ROOT, case, expect, expect_message, run, wait

OLDER, NEWER = "1.22.12", "pinned"

SERVER = """package main

import (
    "fmt"
    "log"
    "net/http"
)

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
        fmt.Fprintln(w, "hello from", r.URL.Path)
    })
    log.Fatal(http.ListenAndServe(":PORT", nil))
}
"""


def goroot(version):
    return run([GO, version, "env", "GOROOT"], timeout=170).out.decode().strip()


def environment(version=NEWER, **more):
    """PATH begins with that Go; nothing of the caller's settings reaches it.  None takes a variable away."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GO")}
    env.update(PATH=f"{goroot(version)}/bin:{env['PATH']}", GOTOOLCHAIN="local", GOFLAGS="-buildvcs=false")
    env.update(more)
    return {k: v for k, v in env.items() if v is not None}


def module(t, name="m", go="1.21", **files):
    """A module with main.go and others; returns its directory."""
    t.write(f"{name}/go.mod", f"module example.com/{name}\n\ngo {go}\n")
    for file, text in files.items():
        t.write(f"{name}/{file}.go", text)
    return t.path(name)


def go(t, directory, *args, env=None, **options):
    return t.vm("go", *args, cwd=directory, env=env or environment(), timeout=170, **options)


# ---- ordinary servers ----


@contextlib.contextmanager
def running(t, directory, port, *args, env=None):
    """`wasmvm go run` of a server that answers at the port; ended as by Ctrl-C, which the program does not ask for."""
    with open(t.path("err"), "wb") as err:
        child = t.start("go", "run", ".", *args, cwd=directory, env=env or environment(), stdout=err, stderr=err,
                        start_new_session=True)
    try:
        for _ in range(1500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            assert child.poll() is None, open(t.path("err")).read()
            time.sleep(0.1)
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
    assert wait(child, 60)[0] == 1, open(t.path("err")).read()


def answers_curl(t, version):
    port = closed_port()
    directory = module(t, main=SERVER.replace("PORT", str(port)))
    for option in "--allow-listen", "--listen":
        with running(t, directory, port, option, f":{port}", env=environment(version)):
            result = run(["curl", "-sS", f"http://127.0.0.1:{port}/curl"])
            expect(result, 0, out="hello from /curl\n", err="")


@case
def an_ordinary_server_by_go_1_22(t):
    answers_curl(t, OLDER)


@case
def an_ordinary_server_by_go_1_26(t):
    answers_curl(t, NEWER)
