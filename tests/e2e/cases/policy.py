"""What passes the network policy and what does not, with real sockets: each way in once without its rule and once with
the rule that the refusal names.  Loopback and namespaces only.

Which test shows a rule's allow and its deny: tests/README.md."""

import contextlib
import glob
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import wasm
from cases.net import Pages, Resolver, Server, certificate, closed_port, probe, read_all, serving, tcp
from harness import CASES, ROOT, Skip, case, expect, expect_message, run, wait

HINT = re.compile(rb"\(?(--allow-[a-z]+(?: [^ ,)]+)?)")


@contextlib.contextmanager
def answering(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    """A server that sends back what it gets; gives its port."""
    with socket.socket(family, kind) as s:
        s.bind(address)
        if kind == socket.SOCK_STREAM:
            s.listen()

        def work():
            with contextlib.suppress(OSError):
                while kind == socket.SOCK_DGRAM:
                    data, sender = s.recvfrom(65536)
                    if not sender:  # it is over
                        return
                    s.sendto(data, sender)
                while True:
                    with s.accept()[0] as c, contextlib.suppress(ConnectionError):  # one that goes
                        c.sendall(read_all(c))

        threading.Thread(target=work, daemon=True).start()
        yield s.getsockname()[1]
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_RDWR)


def allowed_step_by_step(t, argv, want, options=(), stdin=b"", port=""):
    """Runs argv with the rules that the refusals before named, one more each time, until nothing is refused: then its
    stdout holds `want`.  Returns the rules."""
    rules = []
    for _ in range(8):
        result = t.vm(*options, *rules, "--", *argv, stdin=stdin)
        if b" refused: " not in result.err and b" not given to " not in result.err:
            assert want in result.out, (rules, str(result))
            return rules
        assert want not in result.out, (rules, str(result))
        hint = HINT.search(result.err).group(1).decode().replace(":PORT", f":{port}").split()
        assert hint != rules[-len(hint):], (rules, str(result))
        rules += hint
    raise AssertionError((rules, str(result)))


def of_inet4(rules):
    """All addresses are one to Go's own net, which binds to those of both families where it can."""
    return [rule.replace("[::]", "0.0.0.0") for rule in rules]


@case
def a_refusal_names_the_rule_that_allows(t):
    """Each kind of refusal: the rule in its line, put on the command line, lets the program do what it wanted."""
    with answering(("127.0.0.1", 0)) as port:
        for host, real in ("127.0.0.1",) * 2, ("0.0.0.0", "127.0.0.1"):
            at = f"{real}:{port}"
            assert allowed_step_by_step(t, [probe(), "dial", "tcp", f"{host}:{port}"], b"text", stdin=b"text") == [
                "--allow-connect", at]
    with answering(("::1", 0), socket.AF_INET6) as port:
        for host in "::1", "::":
            assert allowed_step_by_step(t, [probe(), "dial", "tcp", f"[{host}]:{port}"], b"text", stdin=b"text") == [
                "--allow-connect", f"[::1]:{port}"]
    with answering(("127.0.0.1", 0), kind=socket.SOCK_DGRAM) as port:
        at = f"127.0.0.1:{port}"
        assert allowed_step_by_step(t, [probe(), "udpsend", at, "text"], b"text") == ["--allow-connect", "udp:" + at]
        assert allowed_step_by_step(t, [probe(), "sendto", "127.0.0.1:0", at, "text"], b"sent") == [
            "--allow-listen", "udp:127.0.0.1:0", "--allow-connect", "udp:" + at]
        rules = allowed_step_by_step(t, [probe(), "sendto", "0.0.0.0:0", f"0.0.0.0:{port}", "text"], b"sent")
        rules = [rule.replace("[::1]", "127.0.0.1") for rule in of_inet4(rules)]  # as the kernel takes [::] for it
        assert rules == ["--allow-listen", "udp:0.0.0.0:0", "--allow-connect", "udp:" + at]
    with answering(("::1", 0), socket.AF_INET6, socket.SOCK_DGRAM) as port:
        at = f"[::1]:{port}"
        assert allowed_step_by_step(t, [probe(), "sendto", "[::1]:0", at, "text"], b"sent") == [
            "--allow-listen", "udp:[::1]:0", "--allow-connect", "udp:" + at]
    for address in "127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0":
        rules = allowed_step_by_step(t, [probe(), "echo", "tcp", address, "0"], b"listening")
        assert of_inet4(rules) == ["--allow-listen", of_inet4([address])[0]]
    directory = t.mkdir("d")
    assert allowed_step_by_step(t, [probe(), "echo", "unix", "/d/s", "0"], b"listening",
                                options=["--dir", directory + "::/d"]) == ["--allow-unix"]


@case
def a_refused_name_names_the_rule_that_allows(t):
    dns = Resolver({"app.test": ["127.0.0.1"], "six.test": ["::1"], "far.test": ["203.0.113.1"]})
    server = ["--dns-server", dns.address]
    with answering(("127.0.0.1", 0)) as port, answering(("::1", 0), socket.AF_INET6) as six:
        for name, at, rule in ("app.test", port, "127.0.0.1"), ("six.test", six, "[::1]"):
            dial = ["dial", "tcp", f"{name}:{at}"]
            by_name = ["--allow-connect", f"{name}:{at}"]
            for app in probe(), probe(flags=("-tags", "getaddrinfo")):
                assert allowed_step_by_step(t, [app, *dial], b"text", options=[*server, "--allow-dns"], stdin=b"text",
                                            port=at) == [*by_name, "--allow-connect", rule]
            assert allowed_step_by_step(t, [app, *dial], b"text", options=server, stdin=b"text", port=at) == [
                "--allow-dns", *by_name, "--allow-connect", rule]
    found = t.vm(*server, "--allow-dns=any", "--", probe(), "lookup", "far.test")  # the line's other way
    expect(found, 0, out="far.test [203.0.113.1] <nil>\n", err=b"")


@case
def a_datagram_is_heard_by_the_rule_its_refusal_names(t):
    """And one whose sender is denied is not, whatever allows it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.2", 0))
        port, rules = s.getsockname()[1], ["--allow-listen", "udp:127.0.0.1:0"]

        def heard(*more):
            server = Server(t, *rules, *more, "--", probe(), "udpecho", "127.0.0.1:0", "1")
            at = tcp(server.listening())
            s.sendto(b"hello", at)
            s.settimeout(0.3)
            for _ in range(200):
                with contextlib.suppress(TimeoutError):
                    assert s.recv(100) == b"HELLO"
                    server.end()
                    return True
                with open(server.err) as f:
                    told = f.read()
                if "\n" in told.partition("datagram from ")[2]:
                    server.child.kill()
                    server.child.wait()
                    return told
            raise AssertionError("neither heard nor refused")

        line = heard()
        hint = HINT.search(line.encode()).group(1).decode().split()
        assert hint == ["--allow-connect", f"udp:127.0.0.2:{port}"] and "datagram from udp 127.0.0.2:" in line, line
        assert heard(*hint) is True
        assert "--deny udp:127.0.0.2/31 forbids it" in heard(*hint, "--deny", "udp:127.0.0.2/31")
        assert heard(*hint, "--deny", "tcp:127.0.0.0/8", "--deny", "udp:127.0.0.2:0") is True


@case
def ways_to_loopback(t):
    """Under rules that allow everything but what is protected, and under --net-all with a --deny."""
    wide = ["--allow-connect", "0.0.0.0/0", "--allow-connect", "[::/0]", "--allow-connect", "udp:0.0.0.0/0",
            "--allow-connect", "udp:[::/0]", "--allow-listen", "0.0.0.0/0"]
    denied = ["--net-all", "--deny", "127.0.0.0/8", "--deny", "[::1]"]
    with answering(("127.0.0.1", 0)) as four, answering(("::1", 0), socket.AF_INET6) as six:
        tries = [(four, "127.0.0.1"), (four, "127.9.9.9"), (four, "0.0.0.0"), (four, "[::ffff:127.0.0.1]"),
                 (four, "[::ffff:0.0.0.0]"), (four, "[::ffff:7f00:1]"), (four, "[64:ff9b::127.0.0.1]"),
                 (four, "[2002:7f00:1::]"), (four, "[::127.0.0.1]"), (six, "[::1]"), (six, "[::]"),
                 (six, "[::0.0.0.1]")]
        for port, host in tries:
            for rules in wide, denied:
                expect(t.vm(*rules, "--", probe(), "dial", "tcp", f"{host}:{port}", stdin=b"text"), 1,
                       err_has="connect to tcp ")
                expect(t.vm(*rules, "--", probe(), "udpsend", f"{host}:{port}", "text"), 1, err_has="connect to udp ")
        for rules in ["--allow-connect", "127.0.0.1", "--allow-connect", "[::1]"], ["--net-all"]:
            for port, host in (four, "0.0.0.0"), (four, "[::ffff:127.0.0.1]"), (six, "[::]"), (six, "[::1]"):
                expect(t.vm(*rules, "--", probe(), "dial", "tcp", f"{host}:{port}", stdin=b"text"), 0, out="text")


@case
def a_redirect_leads_only_where_rules_do(t):
    with serving(Pages) as port, serving(Pages) as other:
        at = f"127.0.0.1:{port}"
        for target, told in (f"127.0.0.1:{other}", f"127.0.0.1:{other}"), (f"0.0.0.0:{other}", f"127.0.0.1:{other}"), (
                "169.254.169.254", "169.254.169.254:80"):
            result = t.vm("--allow-connect", at, "--allow-connect", "0.0.0.0/0", "--", probe(), "get",
                          f"http://{at}/to/{target}/16")
            line = f"wasmvm: connect to tcp {told} refused: no rule allows it (--allow-connect {told})\n"
            expect(result, 1, err=line)
        result = t.vm("--allow-connect", at, "--allow-connect", f"127.0.0.1:{other}", "--", probe(), "get",
                      f"http://{at}/to/127.0.0.1:{other}/16")
        assert result.status == 0 and result.out.startswith(b"200 16 "), result


@case(vm=False)
def the_table_names_tests_that_exist(t):
    with open(ROOT + "/tests/README.md") as f:
        named = re.findall(r"`((?:test_|policy/|net/|recipes/)[a-z0-9_-]+…?)`", f.read())
    there = [c.name for c in CASES]
    for path in glob.glob(ROOT + "/tests/unit/vmm/net/test_*.c"):
        with open(path) as f:
            there += re.findall(r"^static void (test_\w+)\(", f.read(), re.M)
    assert len(named) > 50
    for name in named:
        if name.endswith("…"):
            assert any(one.startswith(name[:-1]) for one in there), name
        else:
            assert name in there, name


# ---- this host's own addresses ----


def inside(t, script, *argv):
    """Runs a script of Python in a network namespace where this host has 10.77.0.1/24 and fd77::1."""
    setup = t.write("inside.sh", """
ip link set lo up && ip link add d0 type veth peer name d1 && ip link set d0 up &&
ip link set d1 up && ip addr add 10.77.0.1/24 brd + dev d0 &&
ip addr add fd77::1/64 dev d0 nodad && exec "$@"
""")
    if run(["unshare", "-n", "sh", setup, "true"]).status != 0:
        raise Skip("network namespaces with interfaces cannot be made here")
    head = f"import sys\nsys.path[:0] = [{ROOT + '/tests/e2e'!r}]\nsys.dont_write_bytecode = True\n"
    return run(["unshare", "-n", "sh", setup, sys.executable, t.write("inside.py", head + script), t.wasmvm, *argv])


@case
def the_hosts_own_addresses_are_protected(t):
    result = inside(t, """
import subprocess
from cases.policy import answering
import socket
vm, app = sys.argv[1:]
wide = ["--allow-connect", "0.0.0.0/0", "--allow-connect", "[::/0]", "--allow-connect", "10.0.0.0/8",
        "--allow-connect", "udp:0.0.0.0/0"]
def dial(rules, at, how=("dial", "tcp")):
    done = subprocess.run([vm, *rules, "--", app, *how, at, *(["x"] if how == ("udpsend",) else ["5s"])], input=b"text",
                          capture_output=True)
    return "open" if done.stdout == b"text" else "denied" if b"ermission denied" in done.stdout else str(done)
with answering(("0.0.0.0", 0)) as four, answering(("::", 0), socket.AF_INET6) as six:
    for at in f"10.77.0.1:{four}", f"[fd77::1]:{six}", f"[::ffff:10.77.0.1]:{four}":
        rule = at.replace("[::ffff:10.77.0.1]", "10.77.0.1")
        print(at.rsplit(":", 1)[0], dial(wide, at), dial(["--allow-connect", rule], at), dial(["--net-all"], at),
              dial(["--net-all", "--deny", rule.rsplit(":", 1)[0]], at))
    print(dial(wide, f"10.77.0.255:{four}", ("udpsend",)), dial(["--net-all"], f"10.77.0.255:{four}", ("udpsend",)))
""", probe())
    want = "".join(f"{at} denied open open denied\n" for at in ("10.77.0.1", "[fd77::1]", "[::ffff:10.77.0.1]"))
    expect(result, 0, out=want + "denied denied\n", err=b"")


@case
def an_address_that_the_host_gets_later_is_protected(t):
    """And a connection that stood before goes on."""
    result = inside(t, """
import subprocess, time
from cases.policy import answering
vm, app = sys.argv[1:]
with answering(("0.0.0.0", 0)) as port:
    guest = subprocess.Popen([vm, "--allow-connect", "10.77.0.0/16", "--allow-connect", "10.77.0.1", "--", app,
                              "dials"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    def say(line):
        guest.stdin.write(line + chr(10))
        guest.stdin.flush()
        print(guest.stdout.readline().strip().replace(str(port), "PORT"))
    say(f"10.77.0.1:{port}")
    say(f"10.77.3.1:{port}")
    subprocess.run(["ip", "addr", "add", "10.77.3.1/32", "dev", "d0"], check=True)
    time.sleep(6)
    say(f"10.77.3.1:{port}")
    say("again")
    guest.stdin.close()
    print(guest.wait())
""", probe())
    lines = result.out.decode().splitlines()
    assert result.status == 0 and lines[0] == "dialed <nil>" and lines[3:] == ["sent <nil>", "0"], result
    assert "unreachable" in lines[1] and "Permission denied" in lines[2], result
    assert b"connect to tcp 10.77.3.1:" in result.err and b" refused: no rule allows it" in result.err, result


# ---- what is told of it ----


@case
def ten_lines_at_once(t):
    """Of thirty refusals ten are told; the next line says how many were not, and the log has them all."""
    for _ in range(5):
        seconds, err, log = thirty_refusals(t)
        if seconds < 1:  # else some may have come a second later than the first
            break
    left_out = re.findall(r"\((\d+) such lines left out before\)", "".join(err))
    assert 11 <= len(err) <= 13 + seconds * 10 and "127.0.0.9:1 refused" in err[-1], err
    assert len(err) + sum(map(int, left_out)) == 31, err
    assert sum(json.loads(line)["verdict"] == "refused" for line in open(log)) == 31


def thirty_refusals(t):
    """And one more 2 s later: how many seconds the thirty took, the lines on standard error, the log."""
    log = t.path("log")
    if os.path.exists(log):  # of a try before: records are added to it
        os.unlink(log)
    with answering(("127.0.0.1", 0)) as port:
        child = t.start("--net-log", log, "--allow-connect", f"127.0.0.1:{port}", "--", probe(), "dials",
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in range(1, 31):
            child.stdin.write(b"127.0.0.1:%d\n" % (port % 30000 + i))
        began = time.monotonic()
        child.stdin.flush()
        for _ in range(30):
            assert b"Permission denied" in child.stdout.readline()
        seconds = time.monotonic() - began
        time.sleep(2.1)
        child.stdin.write(b"127.0.0.9:1\n")
        child.stdin.close()
        err = child.stderr.read().decode().splitlines()
        assert child.wait() == 0
    return seconds, err, log


def records(path):
    return [json.loads(line) for line in open(path)]


@case
def the_log_of_a_server_and_of_datagrams(t):
    log = t.path("tcp.log")
    server = Server(t, "--net-log", log, "--allow-listen", "127.0.0.1:0", "--deny", "127.0.0.3", "--", probe(), "echo",
                    "tcp", "127.0.0.1:0", "1")
    at = server.listening()
    for source in "127.0.0.3", "127.0.0.1":
        with socket.create_connection(tcp(at), source_address=(source, 0)) as s, contextlib.suppress(OSError):
            s.sendall(b"x" * 5000)
            s.shutdown(socket.SHUT_WR)
            mine = "%s:%d" % s.getsockname()
            read_all(s)
    server.end()
    got = [(r["event"], r.get("verdict"), r.get("local"), r.get("in"), r.get("out")) for r in records(log)]
    peers = [r.get("peer") for r in records(log)]
    assert got == [("listen", "allowed", at, None, None), ("accept from", "refused", None, None, None),
                   ("accept", "allowed", at, None, None), ("close", None, at, 5000, 5000),
                   ("close", None, at, 0, 0)], got
    assert peers[1].startswith("127.0.0.3:") and peers[2] == peers[3] == mine and peers[4] is None, peers
    for r in records(log):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r["time"]) and r["proto"] == "tcp", r
    log = t.path("udp.log")
    server = Server(t, "--net-log", log, "--allow-listen", "udp:127.0.0.1:0", "--allow-connect", "udp:127.0.0.1", "--",
                    probe(), "udpecho", "127.0.0.1:0", "1")
    at = server.listening()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger, socket.socket(socket.AF_INET,
                                                                                   socket.SOCK_DGRAM) as s:
        stranger.bind(("127.0.0.2", 0))
        stranger.sendto(b"let me in", tcp(at))
        s.sendto(b"hello", tcp(at))
        stranger = "127.0.0.2:%d" % stranger.getsockname()[1]
    server.end()
    got = [(r["event"], r.get("verdict"), r.get("local"), r.get("peer"), r.get("in"), r.get("out"))
           for r in records(log)]
    assert got[0] == ("bind", "allowed", at, None, None, None) and got[-1][0] == "close", got
    assert ("datagram from", "refused", None, stranger, None, None) in got and got[-1][4:] == (5, 5), got
    assert {r["proto"] for r in records(log)} == {"udp"}


@case
def the_log_of_everything_that_failed(t):
    """Also what needs no rule's name: a closed port, a unix socket, a limit, names."""
    log, dns = t.path("log"), Resolver({"app.test": ["127.0.0.1"]})
    port = closed_port()

    def logged(*options_and_words):
        open(log, "w").close()
        t.vm("--net-log", log, *options_and_words)
        return [(r["event"], r["proto"], r.get("verdict"), r.get("peer") or r.get("name"), r.get("rule"))
                for r in records(log) if r["event"] != "close"]

    at = f"127.0.0.1:{port}"
    assert logged("--allow-connect", at, "--", probe(), "dial", "tcp", at) in (
        [("connect", "tcp", "failed", at, at)], [("connect", "tcp", "allowed", at, at)])
    assert logged("--", probe(), "dial", "unix", "/s") == [("open", "unix", "refused", None, None)]
    directory = ("--dir", t.mkdir("d") + "::/d", "--allow-unix")
    assert logged(*directory, "--", probe(), "dial", "unix", "/d/s") == [("connect", "unix", "failed", "/d/s", None)]
    names = ("--dns-server", dns.address, "--allow-dns", "--allow-connect", "app.test")
    got = logged(*names, "--", probe(), "lookup", "app.test", "www.test")
    assert ("answer", "udp", "refused", "127.0.0.1:0", None) in got, got
    for name, verdict in ("www.test", "refused"), ("app.test", "allowed"):
        assert ("lookup", "udp", verdict, name, None) in got, got
    app = probe(flags=("-tags", "getaddrinfo"))
    event = logged("--", app, "dial", "tcp", "app.test:1")[0]  # Go's own resolver asks where it guesses a server
    assert event in (("lookup", "udp", "refused", "app.test", None),
                     ("connect to", "udp", "refused", "127.0.0.1:53", None)), event
    with serving(Pages) as port:
        at = f"127.0.0.1:{port}"
        got = logged("--allow-connect", at, "--max-sockets", "2", "--", probe(), "hold", at, "3")
        assert got == [("connect", "tcp", "allowed", at, at)] * 2 + [("open", "tcp", "refused", None, "--max-sockets")]
        got = logged("--allow-connect", at, "--net-rate", "2", "--", probe(), "storm", at, "300")
        assert ("connect", "tcp", "refused", at, "--net-rate") in got, got


# ---- the files of /etc ----


@case
def the_sealed_etc(t):
    """There where the program may make sockets, and with --ca-certs; nobody can change it; a granted /etc or / takes
    its place, and sockets that are open from the start keep their numbers."""
    bundle = t.write("bundle", "certificates\n")
    ls = ("files", "ls", "/etc")
    names = ["hosts", "services", "nsswitch.conf", "resolv.conf"]
    if os.path.exists("/etc/localtime"):
        names.append("localtime")
    for options in (["--allow-dns"], ["--allow-dns=any"], ["--net-all"], [f"--ca-certs={bundle}"], ["--allow-unix"],
                    ["--allow-connect", "192.0.2.1:80"], ["--allow-listen", ":80"]):
        with_bundle = ["ca-certificates.crt"] if options[0].startswith("--ca-certs") else []
        listed = "".join(f"{name} ----------\n" for name in sorted(names + with_bundle))
        expect(t.program(*ls, options=options), 0, out=listed, err=b"")
        expect(t.program("files", "etc", "/etc", options=options), 0, out="all well\n")
    for options in [], ["--listen", "127.0.0.1:0"], ["--listen", "127.0.0.1:0", "--allow-connect", "192.0.2.1:80"]:
        result = t.program(*ls, options=options)
        assert result.status == 1, result
    expect(t.program("files", "cat", "/etc/resolv.conf", options=["--allow-dns"]), 0,
           out="nameserver 192.0.2.53\noptions timeout:12 attempts:1\n")
    expect(t.program("files", "cat", "/etc/hosts", options=["--allow-dns"]), 0,
           out="127.0.0.1 localhost\n::1 localhost\n")
    if os.path.exists("/etc/localtime"):
        with open("/etc/localtime", "rb") as zone:
            expect(t.program("files", "cat", "/etc/localtime", options=["--allow-dns"]), 0, out=zone.read())
    expect(t.program("files", "cat", "/etc/ca-certificates.crt", options=[f"--ca-certs={bundle}"]), 0,
           out="certificates\n")
    for path in "/etc/passwd", "/etc/../etc/passwd", "/etc/./passwd", "/etc/hosts/x", "/etc/ssl":
        assert t.program("files", "cat", path, options=["--allow-dns"]).status == 1, path
    t.write("root/etc/resolv.conf", "nameserver 127.0.0.9\n")
    for grant in t.path("root") + "::/", t.path("root/etc") + "::/etc", t.path("root/etc") + "::/etc:ro":
        expect(t.program("files", "cat", "/etc/resolv.conf", options=["--allow-dns", "--dir", grant]), 0,
               out="nameserver 127.0.0.9\n")
        expect(t.program(*ls, options=["--allow-dns", "--dir", grant]), 0, out="resolv.conf ----------\n")
    result = t.vm("--dir", t.path("root") + "::/", "--allow-dns=any", "--", probe(), "lookup", "app.test")
    expect(result, 0, err_has="connect to udp 127.0.0.9:53 refused: no rule allows it")


@case
def certificates_by_each_way(t):
    ca, context = certificate(t)
    with serving(Pages, context) as port:
        rule, url = ("--allow-connect", f"127.0.0.1:{port}"), f"https://127.0.0.1:{port}/64"
        good = dict(status=0, out="200 64 test server true\n", err=b"")
        expect(t.vm(*rule, f"--ca-certs={ca}", "--", probe(), "gettls", url), **good)
        expect(t.vm(*rule, f"--ca-certs={ca}", "--env", "SSL_CERT_FILE=/etc/none", "--", probe(), "gettls", url), 1)
        result = t.vm(*rule, "--ca-certs", "--", probe(), "gettls", url)  # this host's: it does not know our CA
        assert result.status == 1 and b"unknown authority" in result.out, result
        # Where a --dir gives /etc or /, its bundle is the one, at one of the usual places.
        for place in "etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt":
            name = place.split("/")[1]
            t.write(f"{name}/{place}", open(ca, "rb").read())
            for grant in t.path(name) + "::/", t.path(name, "etc") + "::/etc":
                expect(t.vm(*rule, "--ca-certs", "--dir", grant, "--", probe(), "gettls", url), **good)
                expect(t.vm(*rule, "--dir", grant, "--", probe(), "gettls", url), 1)
        grant = ("--dir", t.mkdir("empty") + "::/etc")
        expect_message(t.vm(*grant, "--ca-certs", "--", probe()), 125, "--ca-certs: a --dir grants /etc, and there is")
        expect_message(t.vm(*grant, f"--ca-certs={ca}", "--", probe()), 125, f"--ca-certs={ca}: a --dir grants /etc")
        t.write("empty/mine", open(ca, "rb").read())
        mine = ("--env", "SSL_CERT_FILE=/etc/mine")
        expect(t.vm(*rule, *grant, "--ca-certs", *mine, "--", probe(), "gettls", url), **good)
    expect_message(t.vm("--ca-certs=/none", "--", probe()), 125, "--ca-certs: /none cannot be read: No such file")
    expect_message(t.vm(f"--ca-certs={t.tmp}", "--", probe()), 125, "is not a file of at most 16 MiB")


# ---- older types of imports beside newer ones ----


@case
def each_import_by_its_own_type(t):
    """One module with sock_accept and sock_getpeeraddr of the older types, sock_recv_from and sock_getlocaladdr of the
    newer, as the Rust SDK has it: it takes a connection of --listen and says what it was told."""
    names = [("fd_fdstat_set_flags", 2), ("sock_accept", 2), ("sock_getpeeraddr", 4), ("sock_getlocaladdr", 3),
             ("sock_recv_from", 8), ("fd_write", 4), ("proc_exit", 1)]
    types = [wasm.functype([wasm.I32] * n, [wasm.I32] * (name != "proc_exit")) for name, n in names]
    imports = [("wasi_snapshot_preview1", name, bytes([wasm.FUNC, 1 + i])) for i, (name, _) in enumerate(names)]
    const = lambda n: b"\x41" + wasm.leb(n) if n < 64 else b"\x41" + signed(n)

    def signed(n):
        out = b""
        while n >= 64:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    def call(name, *args):
        index = [n for n, _ in names].index(name)
        return b"".join(a if isinstance(a, bytes) else const(a) for a in args) + b"\x10" + bytes([index])

    def good(code):  # a result that is not 0 ends the program with it
        return code + b"\x22\x00\x04\x40\x20\x00" + bytes([0x10, len(names) - 1]) + b"\x0b"

    store = lambda at, value: const(at) + const(value) + b"\x36\x02\x00"
    fd = const(0) + b"\x28\x02\x00"  # load what sock_accept wrote
    code = good(call("fd_fdstat_set_flags", 3, 0)) + good(call("sock_accept", 3, 0))  # blocking from here on
    code += store(8, 1024) + store(12, 4)  # an address of four bytes at 1024
    code += good(call("sock_getpeeraddr", fd, 8, 1032, 1036))
    code += store(16, 1100) + store(20, 128)
    code += good(call("sock_getlocaladdr", fd, 16, 1040))
    code += store(24, 1300) + store(28, 64) + store(32, 1500) + store(36, 128)
    code += good(call("sock_recv_from", fd, 24, 1, 32, 0, 1044, 1048, 1052))
    code += store(40, 1024) + store(44, 512) + good(call("fd_write", 1, 40, 1, 60))
    app = t.write("mixed.wasm", wasm.command(code, [(1, wasm.I32)], imports, types))
    server = Server(t, "--listen", "127.0.0.1:0", "--", app)
    host, port = tcp(server.listening("err"))
    with socket.create_connection((host, port)) as s:
        s.sendall(b"hello")
        mine = s.getsockname()[1]
        assert wait(server.child)[0] == 0, open(server.err).read()
    out = open(server.out, "rb").read()
    word = lambda at: int.from_bytes(out[at - 1024:at - 1020], "little")
    assert out[:4] == bytes([127, 0, 0, 1]) and word(1032) == 4 and word(1036) == mine, out
    assert out[1100 - 1024:1106 - 1024] == b"\1\0\x7f\0\0\1" and word(1040) == port, out
    assert out[1300 - 1024:1305 - 1024] == b"hello" and word(1048) == 5, out
