"""Sockets: stealthrocket/net programs and pre-opened sockets, under the policy.  Loopback and namespaces only."""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.request

from harness import (HANG_SECONDS, Skip, case, expect, expect_message, go_build, host_descriptors, run, until,
                     wait)


GO_VERSION = "pinned"  # tests/peers runs cases again with others


def probe(version=None, flags=()):
    return go_build("./probe", version or GO_VERSION, module="tests/go/net", flags=flags)


def lines_until(path, word, child):
    """Waits until the file holds a line that starts with `word`; returns the rest of it."""
    end = time.monotonic() + HANG_SECONDS
    over = False
    while not over:
        over = child.poll() is not None or time.monotonic() > end
        with open(path) as f:
            for line in f:
                if line.startswith(word) and line.endswith("\n"):
                    return line[len(word):].strip()
        time.sleep(0.02)
    raise AssertionError(f"no line {word!r} in {open(path).read()!r}, status {child.returncode}")


class Server:
    """A wasmvm that runs until it ends by itself; .address is what it said it listens on."""

    def __init__(self, t, *args, stdin=subprocess.DEVNULL):
        Server.count = getattr(Server, "count", 0) + 1
        self.out, self.err = t.path(f"out{Server.count}"), t.path(f"err{Server.count}")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = t.start(*args, stdin=stdin, stdout=out, stderr=err)

    def listening(self, where="out"):
        text = lines_until(self.out if where == "out" else self.err,
                           "listening " if where == "out" else "wasmvm: listening on ", self.child)
        self.address = text
        return text

    def end(self, status=0):
        got, _ = wait(self.child)
        assert got == status, (got, open(self.out).read(), open(self.err).read())
        return open(self.out).read()


def tcp(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def read_all(s):
    got = b""
    while block := s.recv(1 << 16):
        got += block
    return got


@contextlib.contextmanager
def serving(handler, context=None, host="127.0.0.1"):
    """A threaded HTTP server of Python's; gives its port."""

    class Quiet(handler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

    class Roomy(http.server.ThreadingHTTPServer):
        request_queue_size = 1024

    server = Roomy((host, 0), Quiet)
    server.handle_error = lambda *_: None
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", "http://" + self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b"0123456789abcdef" * (int(self.path[1:]) // 16)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def quit_server(address):
    """The path that ends a server of ours; its answer does not come."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(f"http://{address}/quit", timeout=HANG_SECONDS)


KEPT = []


def closed_port():
    """Nobody listens there, and no other process is given it: it stays bound, which lets a server of ours listen."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    KEPT.append(s)
    return s.getsockname()[1]


# ---- TCP ----


def echo_case(t, network, address, allow, version="pinned"):
    server = Server(t, "--allow-listen", allow, "--", probe(version), "echo", network, address, "2")
    at = server.listening()
    payload = os.urandom(3 << 20)
    family = socket.AF_INET6 if at.startswith("[") else socket.AF_INET
    with socket.socket(family) as s:
        s.connect(tcp(at))
        sender = threading.Thread(target=lambda: (s.sendall(payload), s.shutdown(socket.SHUT_WR)))
        sender.start()
        assert read_all(s) == payload
        sender.join()
    result = t.vm("--allow-connect", allow.rsplit(":", 1)[0], "--", probe(version), "dial", network, at, stdin=payload)
    expect(result, 0, out=payload, err=f"remote {at}\n")
    server.end()


@case
def tcp_echo_with_half_close(t):
    echo_case(t, "tcp", "127.0.0.1:0", "127.0.0.1:0")


@case
def tcp_echo_by_go_1_21(t):
    echo_case(t, "tcp", "127.0.0.1:0", "127.0.0.1:0", "1.21.13")


@case
def tcp_echo_over_ipv6(t):
    echo_case(t, "tcp6", "[::1]:0", "[::1]:0")


@case
def dial_to_a_closed_port(t):
    result = t.vm("--allow-connect", "127.0.0.1", "--", probe(), "dial", "tcp", f"127.0.0.1:{closed_port()}")
    expect(result, 1, err=b"")
    assert result.out.endswith(b"connect: Connection refused\n"), result


@case
def dial_to_a_black_hole_times_out(t):
    """A listener whose queue is full drops the next SYN."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for s in waiting:
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        result = t.vm("--allow-connect", "127.0.0.1", "--", probe(), "dial", "tcp", f"127.0.0.1:{port}", "700ms")
        for s in waiting:
            s.close()
    expect(result, 1, err=b"")
    assert b"deadline exceeded" in result.out or b"i/o timeout" in result.out, result
    assert result.seconds > 0.7, result


# ---- HTTP ----


@case
def http_client(t):
    with serving(Pages) as port:
        base = f"http://127.0.0.1:{port}"
        result = t.vm("--allow-connect", f"127.0.0.1:{port}", "--", probe(), "get",
                      *[f"{base}/{n}" for n in (16, 0, 104857600)])
    want = ""
    for n in (16, 0, 104857600):
        want += f"200 {n} {hashlib.sha256(b'0123456789abcdef' * (n // 16)).hexdigest()}\n"
    expect(result, 0, out=want, err=b"")


@case
def http_client_keeps_connections_and_times_out(t):
    with serving(Pages) as port:
        result = t.vm("--allow-connect", "127.0.0.1", "--", probe(), "again", f"http://127.0.0.1:{port}/4096", "20")
    expect(result, 0, out="20 requests, 1 connections\n", err=b"")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        result = t.vm("--allow-connect", "127.0.0.1", "--", probe(), "again", at, "1", "300ms")
    expect(result, 1, err=b"")
    assert b"Client.Timeout exceeded" in result.out and result.seconds >= 0.3, result


@case
def http_server(t):
    server = Server(t, "--allow-listen", "127.0.0.1:0", "--", probe(), "serve", "127.0.0.1:0")
    base = "http://" + server.listening()
    assert urllib.request.urlopen(base + "/hello").read() == b"Hello, World!\n"
    assert urllib.request.urlopen(base + "/chunks").read() == b"".join(b"chunk %d\n" % i for i in range(10))
    big = os.urandom(1 << 20) * 100
    answer = urllib.request.urlopen(base + "/sum", data=big).read()
    assert answer == f"{len(big)} {hashlib.sha256(big).hexdigest()} <nil>\n".encode(), answer
    got = urllib.request.urlopen(base + "/bytes?n=104857600").read()
    assert got == b"0123456789abcdef" * (len(got) // 16) and len(got) == 104857600
    with socket.create_connection(tcp(server.address)) as s:  # gone in the middle
        s.sendall(b"GET /bytes?n=104857600 HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(1000)
    assert urllib.request.urlopen(base + "/hello").read() == b"Hello, World!\n"
    with contextlib.suppress(Exception):
        urllib.request.urlopen(base + "/quit")
    server.end()


@case
def thousand_connections_at_a_time(t):
    server = Server(t, "--allow-listen", "127.0.0.1:0", "--", probe(), "serve", "127.0.0.1:0")
    address = tcp(server.listening())
    held = [socket.create_connection(address) for _ in range(1000)]
    for s in held:
        s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    for s in held:
        s.settimeout(HANG_SECONDS)
        assert s.recv(4096).endswith(b"Hello, World!\n")
    for s in held:
        s.close()
    with socket.create_connection(address) as s:
        s.sendall(b"GET /quit HTTP/1.1\r\nHost: x\r\n\r\n")
        read_all(s)
    server.end()


@case
def redirect_to_a_denied_host(t):
    with serving(Pages) as port, serving(Pages) as other:
        result = t.vm("--allow-connect", "127.0.0.1", "--deny", f"127.0.0.1:{other}", "--", probe(), "get",
                      f"http://127.0.0.1:{port}/to/127.0.0.1:{other}/16")
    expect(result, 1, err=f"wasmvm: connect to tcp 127.0.0.1:{other} refused: --deny 127.0.0.1:{other} forbids it\n")
    assert b"Permission denied" in result.out, result


def certificate(t):
    """A CA and a certificate for localhost signed by it: (CA file, ssl context)."""
    def openssl(*args):
        done = run(["openssl", *args], cwd=t.tmp)
        assert done.status == 0, done

    t.write("ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
            "-subj", "/CN=test CA")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=test server")
    openssl("x509", "-req", "-in", "s.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", "s.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(t.path("s.crt"), t.path("s.key"))
    return t.path("ca.crt"), context


@case
def tls_with_a_test_ca(t):
    ca, context = certificate(t)
    with serving(Pages, context) as port:
        url = f"https://localhost:{port}/4096"
        rule = ("--allow-connect", f"localhost:{port}", "--allow-dns")
        expect(t.vm(*rule, f"--ca-certs={ca}", "--", probe(), "gettls", url), 0, out="200 4096 test server true\n",
               err=b"")
        result = t.vm(*rule, "--", probe(), "gettls", url)
    expect(result, 1)
    assert b"certificate" in result.out, result


# ---- UDP, unix ----


@case
def udp_both_ways(t):
    server = Server(t, "--allow-listen", "udp:127.0.0.1:0", "--allow-connect", "udp:127.0.0.1", "--", probe(),
                    "udpecho",
                    "127.0.0.1:0", "3")
    at = server.listening()
    expect(t.vm("--allow-connect", "udp:127.0.0.1", "--", probe(), "udpsend", at, "one", "two"), 0,
           out=f"ONE {at}\nTWO {at}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(HANG_SECONDS)
        s.sendto(b"three", tcp(at))
        assert s.recvfrom(100)[0] == b"THREE"
    server.end()


@case
def a_datagram_from_a_stranger_is_dropped(t):
    """The server may hear 127.0.0.1; 127.0.0.2 is a stranger."""
    server = Server(t, "--allow-listen", "udp:127.0.0.1:0", "--allow-connect", "udp:127.0.0.1", "--", probe(),
                    "udpecho",
                    "127.0.0.1:0", "1")
    at = tcp(server.listening())
    datagram = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*datagram) as stranger, socket.socket(*datagram) as s:
        stranger.bind(("127.0.0.2", 0))
        stranger.settimeout(0.3)
        s.settimeout(HANG_SECONDS)
        stranger.sendto(b"let me in", at)
        try:
            raise AssertionError(stranger.recv(100))
        except TimeoutError:
            pass
        s.sendto(b"hello", at)
        assert s.recv(100) == b"HELLO"
        port = stranger.getsockname()[1]
    assert "served 127.0.0.1:" in server.end()
    told = f"datagram from udp 127.0.0.2:{port} refused: no rule allows it (--allow-connect udp:127.0.0.2:{port})"
    assert told in open(server.err).read()


@case
def unix_sockets_by_preopened_paths(t):
    directory = t.mkdir("d")
    server = Server(t, "--dir", directory + "::/d", "--allow-unix", "--", probe(), "echo", "unix", "/d/s", "2")
    assert server.listening() == "/d/s"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(directory + "/s")
        s.sendall(b"from the host")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"from the host"
    expect(t.vm("--dir", directory + "::/e:ro", "--allow-unix", "--", probe(), "dial", "unix", "/e/s",
                stdin=b"x" * 100000), 0,
           out=b"x" * 100000)
    server.end()


@case
def unix_sockets_elsewhere_are_out_of_reach(t):
    directory = t.mkdir("d")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(t.path("outside"))
        s.listen()
        os.symlink(t.path("outside"), directory + "/link")
        os.symlink("../outside", directory + "/up")
        grant = ("--dir", directory + "::/d")
        for path in ("/d/link", "/d/up", "/d/../outside", t.path("outside")):
            result = t.vm(*grant, "--allow-unix", "--", probe(), "dial", "unix", path)
            expect(result, 1)
            assert b"connect" in result.out, result
        expect(t.vm(*grant, "--", probe(), "dial", "unix", "/d/s"), 1,
               err_has="wasmvm: a unix socket refused: no rule allows it (--allow-unix)")
    result = t.vm("--dir", directory + "::/d:ro", "--allow-unix", "--", probe(), "echo", "unix", "/d/new", "1")
    expect(result, 1)
    assert b"Read-only file system" in result.out and not os.path.exists(directory + "/new"), result


# ---- names by sock_getaddrinfo: stealthrocket/net with the tag of that name ----


@case
def getaddrinfo_by_a_go_program(t):
    app = probe(flags=("-tags", "getaddrinfo"))
    dns = Resolver({"app.test": ["127.0.0.1", "203.0.113.7"]})
    with serving(Pages) as port:
        rule = ("--dns-server", dns.address, "--allow-dns", "--allow-connect", f"localhost:{port}")
        for host in ("localhost", "127.0.0.1"):
            result = t.vm(*rule, "--", app, "again", f"http://{host}:{port}/16", "2")
            expect(result, 0, out="2 requests, 1 connections\n", err=b"")
        result = t.vm(*rule[:3], "--allow-connect", "app.test", "--", app, "dial", "tcp", f"app.test:{port}", "100ms")
    expect(result, 1, err_has="app.test is 127.0.0.1, a protected or private address")
    expect(t.vm("--dns-server", dns.address, "--allow-dns", "--", app, "dial", "tcp", "app.test:80"), 1,
           err="wasmvm: lookup of app.test refused: no rule names it (--allow-connect app.test:PORT, or "
               "--allow-dns=any)\n")
    expect(t.vm("--", app, "dial", "tcp", "app.test:80"), 1,
           err="wasmvm: lookup of app.test refused: there is no resolver (--allow-dns)\n")


@case
def numbers_that_others_read_as_addresses(t):
    """127.0.0.1 as a whole number, in octal, in hexadecimal, shortened: no name to us, and never asked."""
    dns = Resolver({name: ["127.0.0.1"] for name in ("2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1")})
    with serving(Pages) as port:
        for name in dns.names:
            for app in (probe(), probe(flags=("-tags", "getaddrinfo"))):
                result = t.vm("--dns-server", dns.address, "--net-all", "--", app, "dial", "tcp", f"{name}:{port}")
                assert result.status == 1 and b"remote" not in result.err, (name, str(result))
    assert not dns.asked, dns.asked


# ---- policy ----


@case
def refusals_name_the_rule(t):
    result = t.vm("--", probe(), "dial", "tcp", "127.0.0.1:80")
    expect(result, 1,
           err="wasmvm: connect to tcp 127.0.0.1:80 refused: no rule allows it (--allow-connect 127.0.0.1:80)\n")
    assert b"Permission denied" in result.out, result
    expect(t.vm("--", probe(), "echo", "tcp", "127.0.0.1:0", "1"), 1,
           err="wasmvm: bind to tcp 127.0.0.1:0 refused: no rule allows it (--allow-listen 127.0.0.1:0)\n")
    expect(t.vm("--", probe(), "udpsend", "[::1]:54", "x"), 1,
           err="wasmvm: connect to udp [::1]:54 refused: no rule allows it (--allow-connect udp:[::1]:54)\n")
    # Go asks a resolver there where it knows none: another rule is wanted.
    expect(t.vm("--", probe(), "udpsend", "[::1]:53", "x"), 1,
           err="wasmvm: connect to udp [::1]:53 refused: no rule allows it (names are looked up with --allow-dns)\n")


@case
def zero_is_a_way_to_loopback(t):
    with serving(Pages) as port:
        for host in ("0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]"):
            url = f"http://{host}:{port}/16"
            expect(t.vm("--allow-connect", "0.0.0.0/0", "--allow-connect", "[::/0]", "--", probe(), "get", url), 1,
                   err_has=f"connect to tcp 127.0.0.1:{port} refused")
            expect(t.vm("--net-all", "--deny", "127.0.0.0/8", "--", probe(), "get", url), 1,
                   err_has="--deny 127.0.0.0/8 forbids")
            assert t.vm("--allow-connect", "127.0.0.1", "--", probe(), "get", url).out.startswith(b"200 16 ")


@case
def denied_peers_are_not_accepted(t):
    server = Server(t, "--allow-listen", "127.0.0.1:0", "--deny", "127.0.0.2", "--", probe(), "echo", "tcp",
                    "127.0.0.1:0", "1")
    at = tcp(server.listening())
    with socket.create_connection(at, source_address=("127.0.0.2", 0)) as s:
        s.settimeout(HANG_SECONDS)
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(10) == b""
    with socket.create_connection(at) as s:
        s.sendall(b"ok")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"ok"
    server.end()
    assert "--deny 127.0.0.2 forbids it" in open(server.err).read()


@case(vm=False)
def rules_that_cannot_be_read(t):
    module = t.write("x.wasm", b"\0asm\1\0\0\0")
    expect_message(t.vm("--allow-dns=all", module), 125, "--allow-dns=all: only =any is known")
    expect_message(t.vm("--max-sockets", "none", module), 125, "--max-sockets none: not a number from 1 to 1000000")


# ---- limits, log, hostile ----


@case
def thousands_of_sockets_opened_and_dropped(t):
    with serving(Pages) as port:
        result = t.vm("--allow-connect", "127.0.0.1", "--", probe(), "storm", f"127.0.0.1:{port}", "3000", timeout=600)
    expect(result, 0, out="storm over, failed 0\n", err=b"")


@case
def limits_are_kept(t):
    with serving(Pages) as port:
        url = f"http://127.0.0.1:{port}/1048576"
        allow = ("--allow-connect", "127.0.0.1")
        result = t.vm(*allow, "--net-bytes", "100K", "--", probe(), "get", url)
        expect(result, 1, err_has="wasmvm: the program has moved ")
        result = t.vm(*allow, "--net-rate", "5", "--", probe(), "storm", f"127.0.0.1:{port}", "400")
        expect(result, 0, err_has="more than 5 connections in a second (--net-rate)")
        assert not result.out.endswith(b"failed 0\n"), result
    result = t.vm("--allow-listen", "127.0.0.1:0", "--max-sockets", "1", "--net-all", "--", probe(), "udpsend",
                  "localhost:9", "x")
    expect(result, 1)


@case
def open_sockets_are_limited(t):
    with serving(Pages) as port:
        grant = ("--allow-connect", "127.0.0.1", "--max-sockets")
        result = t.vm(*grant, "5", "--", probe(), "hold", f"127.0.0.1:{port}", "6")
        expect(result, 0, err="wasmvm: the program has 5 sockets open, the most that --max-sockets allows\n")
        assert result.out.startswith(b"5 ") and b"File table overflow" in result.out, result
        expect(t.vm(*grant, "5", "--", probe(), "hold", f"127.0.0.1:{port}", "5"), 0, out="5 held\n", err=b"")
        expect(t.vm(*grant, "1", "--", probe(), "storm", f"127.0.0.1:{port}", "50"), 0,
               out="storm over, failed 0\n")


@case
def the_log_tells_every_connection(t):
    log = t.path("log")
    with serving(Pages) as port:
        expect(t.vm("--net-log", log, "--allow-connect", "127.0.0.1", "--", probe(), "get",
                    f"http://127.0.0.1:{port}/4096",
                    "http://127.0.0.2:1/"), 1)
    records = [json.loads(line) for line in open(log)]
    connect = next(r for r in records if r["event"] == "connect" and r["verdict"] == "allowed")
    assert connect["peer"] == f"127.0.0.1:{port}" and connect["rule"] == "127.0.0.1" and connect["proto"] == "tcp"
    refused = next(r for r in records if r.get("verdict") == "refused")
    assert refused["peer"] == "127.0.0.2:1" and refused["event"] == "connect to"
    close = next(r for r in records if r["event"] == "close")
    assert close["in"] > 4096 and close["out"] > 50 and close["local"] == connect["local"]


# ---- names ----


class Resolver:
    """A DNS server for tests: {name: [addresses]}; counts what it was asked.  An address that is none is a text.  What
    does not fit into a datagram is said by TCP only."""

    def __init__(self, names, host="127.0.0.1"):
        self.names, self.asked = names, []
        for left in reversed(range(50)):  # a port that is free for both
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((host, 0))
            try:
                self.stream = socket.create_server(self.socket.getsockname())
                break
            except OSError:
                self.socket.close()
                if not left:
                    raise
        self.address = "%s:%d" % self.socket.getsockname()
        self.by_tcp = 0
        threading.Thread(target=self.work, daemon=True).start()
        threading.Thread(target=self.work_by_tcp, daemon=True).start()

    def work(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            answer = self.answer(query)
            if len(answer) > 512:
                answer = answer[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + answer[12:len(query) - 11]
            self.socket.sendto(answer, client)

    def work_by_tcp(self):
        while True:
            client, _ = self.stream.accept()
            with contextlib.suppress(OSError), client:  # who asked may be gone; others still ask
                self.answer_by_tcp(client)

    def answer_by_tcp(self, client):
        """In pieces, as a network may bring them."""
        asked = client.makefile("rb")
        head = asked.read(2)
        if len(head) == 2:
            self.by_tcp += 1
            answer = self.answer(asked.read(*struct.unpack(">H", head)))
            size = struct.pack(">H", len(answer))
            for piece in size[:1], size[1:], answer[:100], answer[100:]:
                client.sendall(piece)
                time.sleep(0.01)

    def answer(self, query):
        end, labels = 12, []
        while query[end]:
            labels.append(query[end + 1:end + 1 + query[end]].decode())
            end += 1 + query[end]
        name, (kind,) = ".".join(labels), struct.unpack(">H", query[end + 1:end + 3])
        self.asked.append(name)
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        found = self.names.get(name, [])
        texts = [a for a in found if " " in a] if kind == 16 else []
        found = [a for a in found if " " not in a and (":" in a) == (kind == 28)] if family else texts
        rcode = 0 if name in self.names else 3
        answer = query[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(found), 0, 0) + query[12:end + 5]
        for a in found:
            data = socket.inet_pton(family, a) if family else bytes([len(a)]) + a.encode()
            answer += struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
        return answer


@case
def answers_too_long_for_a_datagram(t):
    many = [f"203.0.113.{i}" for i in range(1, 101)]
    texts = [f"text {i:03} " + "x" * 100 for i in range(30)]
    dns = Resolver({"many.test": many, "text.test": texts, "one.test": many[:1]})
    look = ("--dns-server", dns.address, "--allow-dns=any", "--")
    result = t.vm(*look, probe(), "lookup", "one.test", "many.test")
    expect(result, 0, out=f"one.test [203.0.113.1] <nil>\nmany.test [{' '.join(many)}] <nil>\n", err=b"")
    assert dns.by_tcp > 0
    expect(t.vm(*look, probe(), "txt", "text.test"), 0, out=f"30 {30 * 109} <nil>\n", err=b"")
    app = probe(flags=("-tags", "getaddrinfo"))
    result = t.vm(*look[:3], "--net-all", "--", app, "dial", "tcp", "many.test:1", "50ms")
    expect(result, 1)
    denied = t.vm("--dns-server", dns.address, "--allow-dns", "--", probe(), "dial", "tcp", "192.0.2.54:53")
    expect(denied, 1, err_has="connect to tcp 192.0.2.54:53 refused")


@case
def names_by_a_test_resolver(t):
    evil = ["127.0.0.1", "169.254.169.254", "::1", "::ffff:169.254.169.254", "203.0.113.9", "64:ff9b::7f00:1"]
    dns = Resolver({"app.test": ["203.0.113.7", "2001:db8:7::7"], "other.test": ["203.0.113.8"], "evil.test": evil})
    look = ("--dns-server", dns.address, "--allow-dns")
    result = t.vm(*look, "--allow-connect", "app.test:80", "--allow-connect", "evil.test", "--", probe(), "lookup",
                  "app.test", "evil.test", "gone.test", "other.test")
    lines = result.out.decode().splitlines()
    both = {"app.test [203.0.113.7 2001:db8:7::7] <nil>", "app.test [2001:db8:7::7 203.0.113.7] <nil>"}
    assert lines[0] in both, result  # Go 1.21: as the answers arrive
    assert lines[1] == "evil.test [203.0.113.9] <nil>", result
    assert "misbehaving" in lines[3] and "other.test" not in dns.asked and "gone.test" not in dns.asked, result
    expect(result, 0, err_has=["evil.test is 169.254.169.254, a protected or private address",
                               "lookup of other.test refused"])
    result = t.vm("--dns-server", dns.address, "--allow-dns=any", "--", probe(), "lookup", "other.test", "gone.test")
    assert result.out.startswith(b"other.test [203.0.113.8] <nil>\ngone.test [] "), result
    assert b"no such host" in result.out, result


@case
def a_rule_on_a_name_follows_its_addresses(t):
    """In a network namespace that takes 203.0.113.0/24 for its own, so that the addresses are no host's."""
    inside = t.write("inside.sh", """
ip link set lo up && ip route add local 203.0.113.0/24 dev lo && exec "$@"
""")
    if run(["unshare", "-n", "sh", inside, "true"]).status != 0:
        raise Skip("network namespaces cannot be made here")
    script = t.write("serve.py", f"""
import http.server, socket, subprocess, sys, threading
sys.path[:0] = [{os.path.dirname(os.path.abspath(__file__))!r},
                {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))!r}]
sys.dont_write_bytecode = True
from cases.net import Pages, Resolver
dns = Resolver({{"app.test": ["203.0.113.7"], "bind.test": ["127.0.0.1"]}})
server = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Pages)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stderr = open("/dev/null", "w")
sys.exit(subprocess.run([{t.wasmvm!r}, "--dns-server", dns.address, "--allow-dns", "--allow-connect", "app.test:8080",
                         "--allow-connect", "bind.test:8080", "--", {probe()!r}, "get", *sys.argv[1:]]).returncode)
""")

    def get(*urls):
        return run(["unshare", "-n", "sh", inside, "python3", script, *urls])

    good = get("http://app.test:8080/16")
    assert good.status == 0 and good.out.startswith(b"200 16 "), good
    assert get("http://203.0.113.7:8080/16").status == 1  # nobody has looked the name up
    assert b"Permission denied" in get("http://app.test:8080/16", "http://app.test:8081/16").out
    rebound = get("http://bind.test:8080/16")
    assert rebound.status == 1 and b"200" not in rebound.out and b"protected or private address" in rebound.err, rebound


@case
def granted_etc_counts(t):
    etc = t.mkdir("etc")
    t.write("etc/hosts", "127.0.0.9 nine.test\n")
    result = t.vm("--dir", etc + "::/etc", "--allow-dns", "--", probe(), "lookup", "nine.test")
    expect(result, 0, out="nine.test [127.0.0.9] <nil>\n")


# ---- pre-opened sockets ----


@case
def listener_found_by_scan(t):
    app = t.go("listen")
    server = Server(t, "--dir", t.tmp + "::/data", "--listen", "127.0.0.1:0", "--", app, "http")
    base = "http://" + server.listening("err")
    for _ in range(3):
        assert urllib.request.urlopen(base + "/hello").read() == b"Hello, World!\n"
    with contextlib.suppress(Exception):
        urllib.request.urlopen(base + "/quit")
    server.end()
    result = t.vm("--dir", t.tmp + "::/data", "--listen", "127.0.0.1:0", "--tcplisten", "[::1]:0", "--listen", ":0",
                  "--", app, "scan")
    expect(result, 0, out="4 listener\n5 listener\n6 listener\n")


@case
def listener_by_go_1_21(t):
    app = t.go("listen", "1.21.13")
    server = Server(t, "--listen", "[::1]:0", "--", app, "echo", "1")
    with socket.create_connection(tcp(server.listening("err"))) as s:
        s.sendall(b"abc")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"abc"
    server.end()


@case
def a_dialed_connection(t):
    app = t.go("listen")
    with socket.create_server(("127.0.0.1", 0)) as l:
        def answer():
            s, _ = l.accept()
            with s:
                s.sendall(read_all(s).upper())

        thread = threading.Thread(target=answer)
        thread.start()
        result = t.vm("--dial", "127.0.0.1:%d" % l.getsockname()[1], "--", app, "dialed", stdin=b"hello")
        thread.join()
    expect(result, 0, out="HELLO")
    expect_message(t.vm("--dial", f"127.0.0.1:{closed_port()}", "--", app, "dialed"), 125, "--dial",
                   "Connection refused")


@case
def sockets_of_systemd(t):
    app = t.go("listen")
    with socket.create_server(("127.0.0.1", 0)) as l:
        script = 'exec env LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=x "$@" 3<&0 </dev/null'
        child = subprocess.Popen(["sh", "-c", script, "sh", t.wasmvm, "--listen-fds", "--env-all", "--", app, "echo",
                                  "1"], stdin=l)
        t.started.append(child)
        with socket.create_connection(l.getsockname()) as s:
            s.sendall(b"abc")
            s.shutdown(socket.SHUT_WR)
            assert read_all(s) == b"abc"
        assert wait(child)[0] == 0
    env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": "1"}
    expect_message(t.vm("--listen-fds", "--", app, "scan", env=env), 125,
                   "--listen-fds: LISTEN_PID is 1, not this process")
    expect_message(t.vm("--listen-fds", "--", app, "scan"), 125, "--listen-fds: LISTEN_PID and LISTEN_FDS are not set")
    expect(t.vm("--env-all", "--", app, "scan", env=env), 0, out=b"")


# ---- bytes that go together ----


@contextlib.contextmanager
def small_listener():
    """A listener whose connections have the smallest send buffer that the kernel gives, and an end of it whose
    receive buffer is as small; gives the listener and what connects."""
    with socket.socket() as l:
        l.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        l.bind(("127.0.0.1", 0))
        l.listen()

        def connect():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            s.settimeout(HANG_SECONDS)
            s.connect(l.getsockname())
            return s

        yield l, connect


def passed(t, l, *args):
    """wasmvm with the listener as systemd would pass it."""
    script = 'exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@" 3<&0 </dev/null'
    child = subprocess.Popen(["sh", "-c", script, "sh", t.wasmvm, "--listen-fds", "--", *args], stdin=l)
    t.started.append(child)
    return child


HELLO = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


@case
def a_peer_that_does_not_read_stops_nobody_else(t):
    """What it is sent fills the kernel's buffers; the answers that fit nowhere must not keep the machine waiting."""
    with small_listener() as (l, connect), contextlib.ExitStack() as all:
        child = passed(t, l, t.go("listen"), "http")
        lazy = [all.enter_context(connect()) for _ in range(20)]
        for _ in range(3):
            for s in lazy:
                s.sendall(HELLO * 40)
            for _ in range(10):
                with connect() as s:
                    s.sendall(HELLO)
                    assert s.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
        for s in lazy:  # nothing is lost, and in order
            got = b""
            while got.count(b"Hello, World!\n") < 120:
                got += s.recv(1 << 16)
        with connect() as s:
            s.sendall(b"GET /quit HTTP/1.1\r\nHost: x\r\n\r\n")
            read_all(s)
        assert wait(child)[0] == 0


@case
def a_thread_for_bytes_that_go_together_only_with_a_connection(t):
    def threads(pid):
        """Without those that the kernel lends to whoever uses KVM."""
        names = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(
                    f"/proc/{pid}/task/{task}/comm") as f:
                names.append(f.read())
        return names.count("wasmvm\n")

    server = Server(t, "--hypercall", "exit", "--listen", "127.0.0.1:0", "--", t.go("listen"), "http")
    address = tcp(server.listening("err"))
    time.sleep(0.3)  # it listens, and nothing came
    assert threads(server.child.pid) == 1
    with socket.create_connection(address) as s:
        for _ in range(3):
            s.sendall(HELLO)
            assert s.recv(4096).endswith(b"Hello, World!\n")
        assert threads(server.child.pid) == 2
        s.sendall(b"GET /quit HTTP/1.1\r\nHost: x\r\n\r\n")
        read_all(s)
    server.end()


@case
def connections_that_come_and_go_leave_nothing(t):
    """Descriptors and memory of the monitor after a few and after thousands, some of them used, some reset."""
    server = Server(t, "--listen", "127.0.0.1:0", "--", t.go("listen"), "http")
    address = tcp(server.listening("err"))

    def held():
        fds = host_descriptors(server.child.pid)
        with open(f"/proc/{server.child.pid}/status") as f:
            return fds, next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))

    def storm(n):
        for i in range(n):
            with socket.create_connection(address) as s:
                if i % 3 == 0:
                    s.sendall(HELLO)
                    assert s.recv(4096).endswith(b"Hello, World!\n")
                elif i % 3 == 1:
                    s.sendall(HELLO)
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    storm(600)
    time.sleep(0.3)
    before = held()
    storm(3000)
    with contextlib.suppress(AssertionError):
        until(lambda: held()[0] <= before[0])
    after = held()
    assert after[0] <= before[0] and after[1] < before[1] + 8192, (before, after)
    quit_server("%s:%d" % address)
    server.end()
