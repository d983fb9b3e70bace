"""Programs of others, unmodified, by exact version: built by `wasmvm go install`, run in machines.

Each gets the rules that it needs and no more, and talks with a peer of this host or with another of them."""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

from cases.net import Pages, certificate, closed_port, serving
from harness import CACHE, GO, Skip, case, expect, prepare, run, wait

VERSION = "1.27.1"
NOBODY = 65534
PROGRAMS = {
    "hey": "github.com/rakyll/hey@v0.1.5",
    "present": "golang.org/x/tools/cmd/present@v0.52.0",
    "smtp-debug-server": "github.com/emersion/go-smtp/cmd/smtp-debug-server@v0.25.1",
    "imapmemserver": "github.com/emersion/go-imap/v2/cmd/imapmemserver@v2.0.0-beta.8",
    "chat": "github.com/gorilla/websocket/examples/chat@v1.5.3",
    "simple": "github.com/prometheus/client_golang/examples/simple@v1.25.0",
    "todo": "github.com/jackc/pgx/v5/examples/todo@v5.13.0",
    "cmd": "github.com/mochi-mqtt/server/v2/cmd@v2.7.9",
    "vegeta": "github.com/tsenart/vegeta/v12@v12.13.0",
    "oauth2-proxy": "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6",
    "pebble-challtestsrv": "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@v2.8.0",
    "registry": "github.com/google/go-containerregistry/cmd/registry@v0.20.6",
    "nats-server": "github.com/nats-io/nats-server/v2@v2.15.3",
}


def go_environment(t):
    root = run([GO, VERSION, "env", "GOROOT"]).out.decode().strip()
    env = {k: v for k, v in os.environ.items() if not k.startswith("GO") or k in ("GOPROXY", "GOCACHE")}
    modules = run([GO, VERSION, "env", "GOMODCACHE"]).out.decode().strip()
    overlay = run([t.wasmvm, "go", "overlay"], env=dict(env, PATH=f"{root}/bin:{env['PATH']}", GOTOOLCHAIN="local"))
    assert overlay.status == 0, overlay
    path = os.path.join(CACHE, "programs-" + hashlib.sha256(overlay.out).hexdigest()[:12])
    return dict(env, PATH=f"{root}/bin:{env['PATH']}", GOTOOLCHAIN="local", GOMODCACHE=modules, GOFLAGS="-trimpath",
                GOPATH=path)


def program(t, name):
    """Built once for each state of our files below go/."""
    env = go_environment(t)
    path = os.path.join(env["GOPATH"], "bin", "wasip1_wasm", name)
    if not os.path.exists(path):
        prepare([t.wasmvm, "go", "install", PROGRAMS[name]], env=env, cwd=t.tmp)
    return path


def started(t, name, port, *options, args=(), cwd=None):
    """One of them, listening at the port of 127.0.0.1, which is all that it may listen at."""
    with open(t.path(name + ".log"), "wb") as log:
        child = t.start("--allow-listen", f"127.0.0.1:{port}", *options, "--", program(t, name), *args,
                        cwd=cwd or t.tmp, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return child
        except OSError:
            assert child.poll() is None, open(t.path(name + ".log")).read()
            time.sleep(0.1)
    raise AssertionError(open(t.path(name + ".log")).read())


def talk(port, *steps, wrap=None):
    """Sends lines and waits until each wanted answer is there; (send, want)... ; returns all that came."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), 300) as raw, wrap(raw) if wrap else raw as s:
        for send, want in steps:
            s.sendall(send)
            while want not in got:
                block = s.recv(4096)
                assert block, (want, got)
                got += block
            got = got[got.index(want):]
    return got


@contextlib.contextmanager
def postgres(t, port, method):
    """A server of Debian's, whose user is test with the password secret; gives what runs a statement there."""
    data, binaries = t.mkdir("data"), "/usr/lib/postgresql/15/bin"
    if not os.path.exists(binaries + "/initdb"):
        raise Skip("no PostgreSQL here")
    as_nobody = []
    if os.getuid() == 0:  # postgres will not run as root
        os.chmod(t.tmp, 0o755)
        os.chown(data, NOBODY, NOBODY)
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    password = t.write("password", "secret")
    os.chmod(password, 0o644)
    prepare([*as_nobody, binaries + "/initdb", "-D", data, "-U", "test", "-A", method, "--pwfile", password,
             "--no-locale", "-N"], cwd="/")
    with open(t.path("peer.log"), "ab") as log:
        child = subprocess.Popen([*as_nobody, binaries + "/postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port),
                                  "-k", "", "-F"], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    t.started.append(child)

    def shell(statement):
        env = dict(os.environ, PGPASSWORD="secret")
        command = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "test", "-d", "postgres", "-qc", statement]
        for _ in range(1000):
            result = run(command, env=env)
            if b"onnection refused" not in result.err and b"starting up" not in result.err:
                break
            time.sleep(0.1)
        expect(result, 0)

    try:
        yield shell
    finally:
        child.send_signal(signal.SIGINT)  # at once, and its children with it
        wait(child)


def fetch(url):
    return urllib.request.urlopen(url, timeout=300).read().decode()


@case
def file_server_and_load_generator(t):
    """x/tools' present serves the files of a directory; hey, in another machine, asks it a thousand times."""
    port = closed_port()
    t.write("slides/talk.slide", "# A talk\n\n## One page\n\nwords\n")
    t.write("slides/plain.txt", "plain words\n")
    modules = go_environment(t)["GOMODCACHE"]
    started(t, "present", port, "--dir", t.path("slides") + "::/slides:ro", "--dir",
            f"{modules}/golang.org/x/tools@v0.52.0/cmd/present::/base:ro",
            args=["-http", f"127.0.0.1:{port}", "-content", "/slides", "-base", "/base", "-play=false"])
    assert "A talk" in fetch(f"http://127.0.0.1:{port}/talk.slide")
    result = t.vm("--allow-connect", f"127.0.0.1:{port}", "--", program(t, "hey"), "-n", "1000", "-c", "20",
                  f"http://127.0.0.1:{port}/plain.txt", timeout=600)
    expect(result, 0)
    assert re.search(rb"\[200\]\s+1000 responses", result.out), result


@case
def mail_servers(t):
    smtp, imap = closed_port(), closed_port()
    started(t, "smtp-debug-server", smtp, args=["-l", f"127.0.0.1:{smtp}"])
    talk(smtp, (b"", b"220 "), (b"EHLO me\r\n", b"250 "), (b"MAIL FROM:<a@example.com>\r\n", b"250 "),
         (b"", b"\r\n"), (b"RCPT TO:<b@example.com>\r\n", b"\r\n250 "), (b"DATA\r\n", b"354 "),
         (b"Subject: hello\r\n\r\nwords\r\n.\r\n", b"\r\n250 "), (b"QUIT\r\n", b"221 "))
    started(t, "imapmemserver", imap, args=["-listen", f"127.0.0.1:{imap}", "-insecure-auth"])
    talk(imap, (b"", b"* OK"), (b"a LOGIN user user\r\n", b"a OK"), (b'b LIST "" "*"\r\n', b"INBOX"),
         (b"c SELECT INBOX\r\n", b"c OK"), (b"d LOGOUT\r\n", b"d OK"))


@case
def websocket_server(t):
    port = closed_port()
    home = go_environment(t)["GOMODCACHE"] + "/github.com/gorilla/websocket@v1.5.3/examples/chat"
    started(t, "chat", port, "--dir", ".:ro", args=["-addr", f"127.0.0.1:{port}"], cwd=home)
    assert "WebSocket" in fetch(f"http://127.0.0.1:{port}/")
    upgrade = (f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    hello = bytes([0x81, 0x85, 0, 0, 0, 0]) + b"hello"  # a text, masked by zeros
    talk(port, (upgrade.encode(), b"101 Switching Protocols"), (hello, b"\x81\x05hello"))


@case
def metrics_exporter(t):
    port = closed_port()
    started(t, "simple", port, args=["-listen-address", f"127.0.0.1:{port}"])
    assert re.search(r'^go_info\{version="go1\.27\.1"\} 1$', fetch(f"http://127.0.0.1:{port}/metrics"), re.M)


@case
def mqtt_broker(t):
    """One client hears what another says; the broker's other listeners have rules of their own."""
    tcp, ws, info = closed_port(), closed_port(), closed_port()
    started(t, "cmd", tcp, *[w for p in (ws, info) for w in ("--allow-listen", f"127.0.0.1:{p}")],
            args=["-tcp", f"127.0.0.1:{tcp}", "-ws", f"127.0.0.1:{ws}", "-info", f"127.0.0.1:{info}"])
    connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
    with socket.create_connection(("127.0.0.1", tcp), 300) as hears:
        hears.sendall(connect + b"a")
        assert hears.recv(4) == b"\x20\x02\x00\x00"
        hears.sendall(b"\x82\x06\x00\x01\x00\x01t\x00")
        assert hears.recv(5) == b"\x90\x03\x00\x01\x00"
        talk(tcp, (connect + b"b", b"\x20\x02\x00\x00"), (b"\x30\x08\x00\x01thello\xc0\x00", b"\xd0\x00"))
        assert hears.recv(10) == b"\x30\x08\x00\x01thello"
    assert "clients_connected" in fetch(f"http://127.0.0.1:{info}/")


@case
def nats_broker(t):
    port = closed_port()
    child = started(t, "nats-server", port, args=["-a", "127.0.0.1", "-p", str(port)])
    talk(port, (b"", b"INFO "), (b'CONNECT {"verbose":false}\r\nSUB news 1\r\nPUB news 5\r\nhello\r\nPING\r\n',
                                 b"MSG news 1 5\r\nhello\r\n"))
    child.terminate()
    wait(child)


def dns_ask(name, kind):
    words = b"".join(bytes([len(word)]) + word.encode() for word in name.split("."))
    return struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + words + b"\0" + struct.pack(">2H", kind, 1)


@case
def dns_server(t):
    """Pebble's, by TCP, with names that come over HTTP.  By UDP its library wants control messages, for which
    golang.org/x/net/ipv4 says that it is not implemented on wasip1."""
    dns, management = closed_port(), closed_port()
    started(t, "pebble-challtestsrv", management, "--allow-listen", f"127.0.0.1:{dns}", "--allow-listen",
            f"udp:127.0.0.1:{dns}", args=["-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{management}",
                                          "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", ""])
    named = json.dumps({"host": "www.example.test.", "addresses": ["192.0.2.7"]}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{management}/add-a", named, timeout=300).close()
    for name, kind, answer in ("www.example.test", 1, b"\0\4\xc0\0\2\7"), (
            "other.example.test", 28, b"\0\x10" + bytes(15) + b"\1"):  # ::1 unless told
        asked = dns_ask(name, kind)
        talk(dns, (struct.pack(">H", len(asked)) + asked, answer))


@case
def object_store(t):
    """A registry of container images: blobs by the hash of what they hold, a tree of them, names for trees."""
    port = closed_port()
    started(t, "registry", port, "--tmp", args=["-port", str(port)])

    def ask(method, path, data=None, **headers):
        url = path if path.startswith("http") else f"http://127.0.0.1:{port}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, response.headers, response.read()

    def put(data):
        """Pushes a blob; its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = ask("POST", "/v2/words/blobs/uploads/")[1]["Location"]
        assert ask("PUT", f"{place}?digest={digest}", data)[0] == 201
        return digest

    large = os.urandom(3 << 20)
    config, layer = put(b"{}"), put(large)
    assert ask("GET", f"/v2/words/blobs/{layer}")[2] == large
    with contextlib.suppress(urllib.error.HTTPError):  # what does not have its hash
        place = ask("POST", "/v2/words/blobs/uploads/")[1]["Location"]
        raise AssertionError(ask("PUT", f"{place}?digest={layer}", b"other words"))
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "application/octet-stream", "digest": layer, "size": len(large)}]}).encode()
    assert ask("PUT", "/v2/words/manifests/latest", manifest, **{"Content-Type": kind})[0] == 201
    assert json.loads(ask("GET", "/v2/words/tags/list")[2])["tags"] == ["latest"]
    assert ask("GET", "/v2/words/manifests/latest")[2] == manifest


@case
def database_client(t):
    """pgx's example with PostgreSQL of Debian, by SCRAM."""
    port = closed_port()
    with postgres(t, port, "scram-sha-256") as shell:
        shell("create table tasks (id serial primary key, description text not null)")
        url = f"DATABASE_URL=postgres://test:secret@127.0.0.1:{port}/postgres?sslmode=disable"

        def todo(*words):
            return t.vm("--allow-connect", f"127.0.0.1:{port}", "--env", url, "--", program(t, "todo"), *words)

        expect(todo("add", "learn"), 0)
        expect(todo("list"), 0, out="1. learn\n")
        shell("select 1 / (count(*) = 1)::int from tasks where description = 'learn'")


@case
def tls_reverse_proxy(t):
    """oauth2-proxy before a server of this host, under load by vegeta, in machines of their own."""
    port = closed_port()
    ca, _ = certificate(t)
    with serving(Pages) as upstream:
        started(t, "oauth2-proxy", port, "--allow-connect", f"127.0.0.1:{upstream}", "--dir", t.tmp + "::/tls:ro",
                args=["--http-address=", f"--https-address=127.0.0.1:{port}", "--tls-cert-file=/tls/s.crt",
                      "--tls-key-file=/tls/s.key", f"--upstream=http://127.0.0.1:{upstream}", "--skip-auth-route=.*",
                      "--cookie-secret=0123456789abcdef", "--provider=github", "--client-id=a", "--client-secret=b",
                      "--email-domain=*"])
        fired = t.vm("--allow-connect", f"localhost:{port}", "--allow-connect", f"127.0.0.1:{port}", "--allow-dns",
                     f"--ca-certs={ca}", "--", program(t, "vegeta"), "attack", "-rate=50", "-duration=2s",
                     stdin=f"GET https://localhost:{port}/64\n".encode())
        expect(fired, 0)
        report = t.vm("--", program(t, "vegeta"), "report", "-type=json", stdin=fired.out)
        assert json.loads(report.out)["status_codes"] == {"200": 100}, report
