#!/usr/bin/env python3
"""Real peers on loopback: run.py [--wasmvm FILE] [WORD...]

programs.py: servers and clients of others, unmodified, by `wasmvm go install`.  Here:

curl and wrk against Go HTTP servers in the VM; Go clients in the VM, with go-redis, pgx and gRPC over
wasip1.DialContext, against nginx, Redis and PostgreSQL of Debian (`make test-peers` installs them; what is missing is
a skip, and with REQUIRE_KVM=1 a failure).  The last line is `N passed, N failed, N skipped`; the status is 1 if any
failed."""

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from cases import command, net  # noqa: E402
from cases.net import Server, closed_port, probe  # noqa: E402
from harness import Skip, case, expect, go_build, prepare, run, wait  # noqa: E402
import programs  # noqa: E402, F401

MODULE = "tests/peers"
NOBODY = 65534


def client():
    return go_build("./client", module=MODULE)


def program(name):
    places = [shutil.which(name), f"/usr/sbin/{name}", f"/usr/lib/postgresql/15/bin/{name}"]
    found = next((p for p in places if p and os.path.exists(p)), None)
    if not found:
        raise Skip(f"no {name} here")
    return found


def peer(t, argv, port, **options):
    """Starts a server of this machine and waits until it answers."""
    with open(t.path("peer.log"), "ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
    t.started.append(child)
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return child
        except OSError:
            assert child.poll() is None, open(t.path("peer.log")).read()
            time.sleep(0.1)
    raise AssertionError(open(t.path("peer.log")).read())


def talk(t, command, port):
    return t.vm("--allow-connect", f"127.0.0.1:{port}", "--", client(), command, f"127.0.0.1:{port}", timeout=600)


# ---- other people's tests ----


@case
def nettest_of_stealthrocket_net(t):
    """golang.org/x/net/nettest over TCP and unix sockets, as that package has it; the rest asks for example.com."""
    options = ("--net-all --dir /tmp --allow-unix --allow-listen :0 --allow-listen udp::0 --allow-connect 127.0.0.1 "
               "--allow-connect [::1] --allow-connect udp:127.0.0.1 --allow-connect udp:[::1]")
    env = command.environment(t, GOOS="wasip1", GOARCH="wasm", TMPDIR="/tmp", GOWASIRUNTIMEARGS=options)
    result = run([harness.GO, "pinned", "test", "-count=1", "-v", "-run", "TestConn|TestPacketConn",
                  "github.com/stealthrocket/net/wasip1"], env=env, cwd=HERE, timeout=600)
    expect(result, 0)
    assert result.out.count(b"--- PASS") == 54 and b"--- SKIP" not in result.out, result


# ---- clients in the VM ----


@case
def nginx_by_net_http(t):
    port, big = closed_port(), os.urandom(5 << 20)
    t.write("www/small.txt", "hello\n")
    t.write("www/big.bin", big)
    conf = t.write("nginx.conf", f"""
daemon off; master_process off; pid {t.tmp}/pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {t.tmp}/b; proxy_temp_path {t.tmp}/p; fastcgi_temp_path {t.tmp}/f;
    uwsgi_temp_path {t.tmp}/u; scgi_temp_path {t.tmp}/s;
    server {{ listen 127.0.0.1:{port}; root {t.tmp}/www; }}
}}
""")
    os.chmod(t.tmp, 0o755)
    peer(t, [program("nginx"), "-e", "stderr", "-c", conf], port)
    want = f'200 "hello\\n"\n200 {len(big)} {hashlib.sha256(big).hexdigest()}\n206 {big[5:15].hex()}\n404\ntotal 6000\n'
    expect(talk(t, "nginx", port), 0, out=want, err=b"")


@case
def redis_by_go_redis(t):
    port = closed_port()
    peer(t, [program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", t.tmp], port)
    expect(talk(t, "redis", port), 0, out="hello true\n1000 1000\n1048576 true\nnews something\n", err=b"")


@case
def postgresql_by_pgx(t):
    port, data = closed_port(), t.mkdir("data")
    as_nobody = []
    if os.getuid() == 0:  # postgres will not run as root
        os.chmod(t.tmp, 0o755)
        os.chown(data, NOBODY, NOBODY)
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    prepare([*as_nobody, program("initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-locale", "-N"], cwd="/")
    child = peer(t, [*as_nobody, program("postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"],
                 port, cwd="/")
    try:
        expect(talk(t, "postgres", port), 0, out="1000 name 500 95904\ntrue\ntrue context deadline exceeded\n", err=b"")
    finally:
        child.send_signal(signal.SIGINT)  # at once, and its children with it
        wait(child)


@case
def grpc_both_ways(t):
    want = "SERVING\nrpc error: code = NotFound desc = unknown service\n"
    port = closed_port()
    native = go_build("./client", module=MODULE, goos="linux")
    peer(t, [native, "grpcserve", f"127.0.0.1:{port}"], port)
    expect(talk(t, "grpc", port), 0, out=want, err=b"")
    server = Server(t, "--allow-listen", "127.0.0.1:0", "--", client(), "grpcserve", "127.0.0.1:0")
    expect(run([native, "grpc", server.listening()]), 0, out=want)
    server.child.terminate()
    server.end(128 + signal.SIGTERM)


# ---- servers in the VM ----


@case
def curl_to_net_http(t):
    curl = program("curl")
    server = Server(t, "--allow-listen", "127.0.0.1:0", "--", probe(), "serve", "127.0.0.1:0")
    base = "http://" + server.listening()
    result = run([curl, "-sS", "-w", "%{num_connects} %{http_code}\\n", base + "/hello", base + "/chunks",
                  base + "/none"])
    chunks = "".join(f"chunk {i}\n" for i in range(10))
    expect(result, 0, out=f"Hello, World!\n1 200\n{chunks}0 200\n404 page not found\n0 404\n", err=b"")
    body = t.write("body", os.urandom(1 << 20) * 30)
    digest = hashlib.sha256(open(body, "rb").read()).hexdigest()
    for chunked in ([], ["-H", "Transfer-Encoding: chunked"]):
        expect(run([curl, "-sS", "-T", body, *chunked, base + "/sum"]), 0, out=f"{30 << 20} {digest} <nil>\n")
    got = run([curl, "-sS", "--limit-rate", "20M", base + "/bytes?n=20000000"])
    assert got.status == 0 and len(got.out) == 20000000, got.status
    assert run([curl, "-sS", "-m", "0.2", "--limit-rate", "1M", base + "/bytes?n=100000000"]).status == 28  # gone
    run([curl, "-sS", base + "/quit"])
    server.end()


@case
def wrk_to_net_http(t):
    """Right answers under load, and hardly an exit: what --stats says, which no load of the machine changes much."""
    wrk = program("wrk")
    app, report = go_build("./preopened", module="tests/bench/serve"), t.path("report.json")
    server = Server(t, "--listen", "127.0.0.1:0", "--report", report, "--", app)
    base = "http://" + server.listening("err")
    result = run([wrk, "-t1", "-c64", "-d3s", "--latency", base + "/hello"])
    assert result.status == 0 and b"Socket errors" not in result.out and b"Non-2xx" not in result.out, result
    requests = int(re.search(rb"(\d+) requests in", result.out).group(1))
    run(["curl", "-sS", base + "/quit"])
    server.end()
    each = json.load(open(report))["exits"]["all"] / requests
    print(f"    {requests} requests, {each:.3f} exits each")
    assert requests > 1000 and each < 0.1, (requests, each)


# ---- the end-to-end cases of sockets, by other versions of Go than the pinned one ----

AGAIN = [net.tcp_echo_with_half_close, net.tcp_echo_over_ipv6, net.dial_to_a_closed_port,
         net.dial_to_a_black_hole_times_out, net.http_client, net.http_client_keeps_connections_and_times_out,
         net.http_server, net.thousand_connections_at_a_time, net.tls_with_a_test_ca, net.udp_both_ways,
         net.unix_sockets_by_preopened_paths, net.names_by_a_test_resolver, net.getaddrinfo_by_a_go_program,
         net.answers_too_long_for_a_datagram, net.thousands_of_sockets_opened_and_dropped]


def again_by(t, version):
    net.GO_VERSION = version
    try:
        for func in AGAIN:
            func(harness.Context(t.wasmvm, t.mkdir(func.__name__)))
    finally:
        net.GO_VERSION = "pinned"


@case
def sockets_by_go_1_21(t):
    again_by(t, "1.21.13")


@case
def sockets_by_the_newest_go(t):
    again_by(t, "1.27.1")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasmvm", default=os.path.join(harness.ROOT, "build", "wasmvm"))
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    ours = [one for one in harness.CASES if one.group in ("peers", "programs")]
    chosen = [one for one in ours if not args.words or any(w in one.name for w in args.words)]
    return harness.run_cases(chosen, args.wasmvm)


if __name__ == "__main__":
    sys.exit(main())
