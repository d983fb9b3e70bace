"""The machine ends with the go command that `wasmvm go` became, as a native program does and where it does not."""

import os
import signal
import subprocess

from cases.gosys import Running
from cases.gotool import NEWER, environment, module
from harness import case, expect_message, wait

PROGRAM = """package main

import (
    "fmt"
    "os"
    "os/signal"
    "syscall"
    "time"
)

func main() {
    if len(os.Args) > 1 {
        c := make(chan os.Signal, 1)
        signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
        fmt.Println("ready")
        fmt.Println(<-c)
        os.Exit(7)
    }
    fmt.Println("ready")
    time.Sleep(time.Hour)
}
"""
TEST = """package main

import (
    "fmt"
    "testing"
    "time"
)

func TestEndless(t *testing.T) {
    fmt.Println("ready")
    for {
        time.Sleep(time.Hour)
    }
}
"""


def started(t, directory, *words):
    """`wasmvm go WORDS` in a session of its own, as a terminal has it, whose program has said `ready`."""
    child = t.start("go", *words, cwd=directory, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, start_new_session=True)
    for line in child.stdout:
        if line.startswith(b"ready"):
            return child
    raise AssertionError(f"{words}: status {wait(child)[0]}")


@case
def with_the_go_command(t):
    """TERM or KILL for it alone: what it started ends too, and so nobody holds its output."""
    directory = module(t, main=PROGRAM, main_test=TEST)
    for number in signal.SIGTERM, signal.SIGKILL:
        for words, said in (["run", "."], b""), (["run", ".", "--", "ask"], b"terminated\n"), (["test", "-v"], b""):
            child = started(t, directory, *words)
            child.send_signal(number)
            assert wait(child)[0] == 128 + number
            rest = child.communicate(timeout=300)[0]
            assert rest == said, (words, rest)


@case
def by_a_terminals_interrupt(t):
    """For all in the foreground: the go command waits for the program, which may do as it likes."""
    directory = module(t, main=PROGRAM, main_test=TEST)
    for words, status, said in (["run", "."], 1, b"signal: interrupt\n"), (
            ["run", ".", "--", "ask"], 1, b"interrupt\nexit status 7\n"), (["test", "-v"], 1, b"signal: interrupt"):
        child = started(t, directory, *words)
        os.killpg(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=300)
        assert child.returncode == status and said in out, (words, child.returncode, out)


@case
def with_any_process(t):
    other = subprocess.Popen(["sleep", "1000"])
    t.started.append(other)
    p = Running(t, NEWER, "loop", options=(f"--end-with={other.pid}",)).says("ready")
    p.gets(signal.SIGHUP).says("hangup")
    other.kill()
    wait(other)
    p.says("terminated").ends(7)
    gone = subprocess.Popen(["true"])
    wait(gone)
    for pid in gone.pid, 1 << 40:
        result = t.vm(f"--end-with={pid}", "none.wasm")
        expect_message(result, 125, f"--end-with: process {pid}: No such process")


@case
def with_a_process_whatever_is_ignored(t):
    """By the program, and by who started wasmvm: nobody is left who could ask a second time."""
    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    for words, popen in ("stubborn", {}), ("loop", {"preexec_fn": deaf}):
        other = subprocess.Popen(["sleep", "1000"])
        t.started.append(other)
        p = Running(t, NEWER, words, options=(f"--end-with={other.pid}",), **popen).says("ready").gets(signal.SIGTERM)
        other.kill()
        wait(other)
        p.ends(143)
