"""docs/go.md's recipes: an agent's tool server, strangers' code under test."""

import http.server
import json
import os
import re
import shlex
import subprocess
import time
import urllib.error
import urllib.request

from cases.gotool import closed_port, environment, go, module
from cases.net import Pages, serving
from harness import ROOT, case, expect, prepare, wait


def page(part):
    """The indented commands of a part of docs/go.md."""
    with open(os.path.join(ROOT, "docs/go.md")) as f:
        section = f.read().split(f"### {part}\n")[1].split("\n#")[0].replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in re.findall(r"^    (\S.+)$", section, re.M)]


# ---- an agent's tool server ----

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def tool_server(t):
    path = t.path("tools.wasm")
    prepare([t.wasmvm, "go", "build", "-o", path, "."], cwd=os.path.join(ROOT, "tests/e2e/mcp"), env=environment())
    return path


class Stdio:
    """A client with a server of its own, by the protocol's lines on stdin and stdout."""

    def __init__(self, t, words, cwd):
        self.number = 0
        self.child = t.start(*words, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.ask("initialize", HELLO)["serverInfo"]["name"] == "files"
        self.say({"method": "notifications/initialized"})

    def say(self, message):
        self.child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.child.stdin.flush()

    def ask(self, method, params):
        self.number += 1
        self.say({"id": self.number, "method": method, "params": params})
        answer = json.loads(self.child.stdout.readline())
        assert answer["id"] == self.number, answer
        return answer["result"]

    def end(self):
        self.child.stdin.close()
        self.child.stdout.close()
        return wait(self.child)[0]


class Http(Stdio):
    """The same over HTTP."""

    def __init__(self, t, words, cwd, url):
        self.number, self.url, self.session = 0, url, None
        self.child = t.start(*words, cwd=cwd)
        for _ in range(6000):
            try:
                assert self.ask("initialize", HELLO)["serverInfo"]["name"] == "files"
                break
            except ConnectionError:
                assert self.child.poll() is None
            except urllib.error.URLError as e:
                assert isinstance(e.reason, ConnectionError) and self.child.poll() is None, e
            time.sleep(0.05)
        self.say({"method": "notifications/initialized"})

    def say(self, message):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        request = urllib.request.Request(self.url, json.dumps({"jsonrpc": "2.0", **message}).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as response:
            self.session = response.headers.get("Mcp-Session-Id", self.session)
            return response.read().decode()

    def ask(self, method, params):
        self.number += 1
        text = self.say({"id": self.number, "method": method, "params": params})
        answer = json.loads(re.search(r"^data: (.+)$", text, re.M)[1] if "data: " in text else text)
        assert answer["id"] == self.number, answer
        return answer["result"]

    def end(self):
        self.child.terminate()
        return wait(self.child)[0]


def called(client, tool, **arguments):
    result = client.ask("tools/call", {"name": tool, "arguments": arguments})
    return bool(result.get("isError")), result["content"][0]["text"]


@case
def an_agents_tool_server(t):
    """Unchanged, over stdio and over HTTP: each client's server sees its own directory and reaches what is granted."""
    tool_server(t)
    stdio, over_http = [words[1:] for words in page("An agent's tool server") if words[:2] != ["wasmvm", "go"]]
    t.write("alice/note", "of alice"), t.write("bob/note", "of bob")
    with serving(Pages) as pages:
        port = closed_port()
        changes = {"/srv/alice": t.path("alice"), "/srv/bob": t.path("bob"), "8080": str(port),
                   "api.example.com:443": f"127.0.0.1:{pages}"}

        def changed(words):
            for old, new in changes.items():
                words = [w.replace(old, new) for w in words]
            return [w for w in words if w not in ("--ca-certs", "--allow-dns")]

        alice = Stdio(t, changed(stdio), t.tmp)
        bob = Http(t, changed(over_http), t.tmp, f"http://127.0.0.1:{port}/")
        assert called(alice, "read", name="note") == (False, "of alice")
        assert called(bob, "read", name="note") == (False, "of bob")
        assert called(bob, "fetch", url=f"http://127.0.0.1:{pages}/16") == (False, "0123456789abcdef")
        for client, url in (alice, f"http://127.0.0.1:{pages}/16"), (bob, f"http://127.0.0.1:{port}/"):
            failed, words = called(client, "fetch", url=url)
            assert failed and "Permission denied" in words, words
        for client in alice, bob:
            assert called(client, "read", name="../etc/passwd")[0]
        assert alice.end() == 0
        bob.end()


# ---- strangers' code under test ----

EXERCISE = """package exercise

import (
    "net"
    "os"
    "testing"
)

func TestRight(t *testing.T) {
    if Double(2) != 4 {
        t.Fatal("not the double")
    }
}

func TestReach(t *testing.T) {
    if _, err := os.ReadFile("/etc/passwd"); err == nil {
        t.Error("it can read the host's files")
    }
    if _, err := os.ReadFile("../secret"); err == nil {
        t.Error("it can read beside its package")
    }
    if os.WriteFile("solution.go", nil, 0o666) == nil {
        t.Error("it can change its package")
    }
    if _, err := net.Dial("tcp", "127.0.0.1:PORT"); err == nil {
        t.Error("it has a network")
    }
}
"""
ANSWERS = {
    "right": ("return 2 * n", 0, b"ok  \texample.com/right"),
    "wrong": ("return n", 1, b"not the double"),
    "endless": ("for { n++ }", 1, b"FAIL\texample.com/endless"),
    "greedy": ("for s := []byte{1}; ; s = append(s, s...) { n += len(s) }", 1, b"FAIL\texample.com/greedy"),
}


@case
def strangers_code_under_test(t):
    exports = [words[1:] for words in page("Strangers' code under test") if words[0] == "export"]
    settings = dict(word.split("=", 1) for words in exports for word in words)
    assert "--timeout" in settings["GOWASIRUNTIMEARGS"], settings
    env = environment(**settings)
    t.write("secret", "x")
    with serving(http.server.SimpleHTTPRequestHandler) as port:
        for name, (body, status, said) in ANSWERS.items():
            code = f"package exercise\n\nfunc Double(n int) int {{\n    {body}\n}}\n"
            directory = module(t, name, solution=code, exercise_test=EXERCISE.replace("PORT", str(port)))
            result = go(t, directory, "test", "-vet=off", ".", env=env)
            expect(result, status)
            assert said in result.out, result
