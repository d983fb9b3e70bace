"""docs/networking.md: its commands and its messages, taken from the page as they stand there, and run."""

import json
import os
import re
import shlex
import socket
import subprocess
import time
import urllib.request

from cases.net import Pages, Resolver, Server, certificate, closed_port, probe, quit_server, serving, tcp
from harness import ROOT, Skip, case, expect, run, wait

PAGE = os.path.join(ROOT, "docs", "networking.md")


def commands():
    """The page's indented lines, continued ones joined, as words."""
    with open(PAGE) as f:
        text = f.read().replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in re.findall(r"(?m)^    (.+)$", text) if "'s" not in line]


def command(*pieces):
    """Arguments of the one command of the page that holds all the pieces."""
    found = [words for words in commands() if all(p in words for p in pieces) and words[0].endswith("wasmvm")]
    assert len(found) == 1, (pieces, found)
    return found[0][1:]


def changed(words, new, argv):
    """Words with the page's examples replaced, and the module, which stands last, by -- and ours."""
    for example, mine in new.items():
        words = [w.replace(example, mine) for w in words]
    return [*words[:-1], "--", *argv]


def fetch(address):
    for _ in range(6000):  # until it listens
        if socket.socket().connect_ex(tcp(address)) == 0:
            break
        time.sleep(0.05)
    return urllib.request.urlopen(f"http://{address}/hello", timeout=300).read()


@case
def recipe_1_a_client(t):
    ca, context = certificate(t)
    with serving(Pages, context) as port:
        new = {"api.example.com:443": f"localhost:{port}", "--ca-certs": f"--ca-certs={ca}"}
        words = changed(command("api.example.com:443"), new, [probe(), "gettls", f"https://localhost:{port}/64"])
        expect(t.vm(*words), 0, out="200 64 test server true\n", err=b"")


@case
def recipe_2_a_server(t):
    port = str(closed_port())
    server = Server(t, *changed(command("--allow-listen", "0.0.0.0:8080"), {"8080": port},
                                [probe(), "serve", "0.0.0.0:" + port]))
    server.listening()
    assert fetch("127.0.0.1:" + port) == b"Hello, World!\n"
    quit_server("127.0.0.1:" + port)
    server.end()
    port, app = str(closed_port()), t.go("listen")
    server = Server(t, *changed(command("--listen", ":8080"), {"8080": port}, [app, "http"]))
    assert fetch("127.0.0.1:" + port) == b"Hello, World!\n"
    quit_server("127.0.0.1:" + port)
    server.end()
    server = Server(t, *changed(command("--listen", "127.0.0.1:0"), {}, [app, "http"]))
    address = server.listening("err")
    assert fetch(address) == b"Hello, World!\n"
    quit_server(address)
    server.end()


@case
def recipe_3_a_listener_by_systemd(t):
    with open(PAGE) as f:
        words = re.search(r"ExecStart=(.+)", f.read()).group(1).split()
    with socket.create_server(("127.0.0.1", 0)) as l:
        script = 'exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@" 3<&0 </dev/null'
        child = subprocess.Popen(["sh", "-c", script, "sh", t.wasmvm, *words[1:-1], t.go("listen"), "echo", "1"],
                                 stdin=l)
        t.started.append(child)
        with socket.create_connection(l.getsockname()) as s:
            s.sendall(b"abc")
            s.shutdown(socket.SHUT_WR)
            assert s.recv(10) == b"abc"
        assert wait(child)[0] == 0


@case
def recipe_4_the_policy_of_plug_ins(t):
    """In a namespace without routes: what the policy lets pass finds no way there."""
    if run(["unshare", "-n", "true"]).status != 0:
        raise Skip("network namespaces cannot be made here")
    log = t.path("log")
    allowed = ["93.184.216.34:443", "[2606:4700::1]:443", "10.0.5.7:8080", "172.32.0.1:443"]
    refused = ["93.184.216.34:80", "10.0.5.7:443", "10.0.9.9:443", "10.0.5.7:8081", "192.168.1.1:443", "172.31.0.1:443",
               "[fd12::1]:443", "127.0.0.1:443", "[::1]:443", "169.254.169.254:443", "[::ffff:127.0.0.1]:443",
               "[64:ff9b::a9fe:a9fe]:443", "0.0.0.0:443"]
    for address in allowed + refused:
        words = changed(command("--max-sockets"), {"/var/log/plugin.json": log},
                        [probe(), "dial", "tcp", address, "5s"])
        result = run(["unshare", "-n", t.wasmvm, *words])
        assert result.status == 1 and b"error: " in result.out, result
        assert (b"denied" in result.out) == (address in refused), (address, str(result))
    with open(log) as f:
        records = [json.loads(line) for line in f]
    assert sum(r.get("verdict") == "refused" for r in records) == len(refused), records


@case
def recipe_5_debugging_a_refusal(t):
    with open(PAGE) as f:
        lines = [line.strip() + "\n" for line in f if line.startswith("    wasmvm: ")]
    assert len(lines) == 4, lines
    dns = Resolver({"app.test": ["127.0.0.1"], "www.example.com": ["93.184.216.34"]})
    look = ("--dns-server", dns.address, "--allow-dns")
    runs = [
        ([], ["dial", "tcp", "93.184.216.34:443"]),
        ([*look, "--allow-connect", "example.com:443"], ["lookup", "www.example.com"]),
        (["--net-all", "--deny", "10.0.0.0/8"], ["dial", "tcp", "10.0.0.9:443"]),
        ([*look, "--allow-connect", "app.test"], ["lookup", "app.test"]),
    ]
    for line, (options, args) in zip(lines, runs):
        expect(t.vm(*options, "--", probe(), *args), err_has=line,
               status=0 if args[0] == "lookup" else 1)
