"""Package net in ordinary Go programs by `wasmvm go`: what they say natively they say in a VM, under the policy."""

import json
import os
import socket
import subprocess
import unittest.mock

from cases import net
from cases.gosys import VERSIONS, native, overlaid
from harness import Skip, case, expect, go_build, run


def same(t, mode, *options, versions=VERSIONS):
    want = run([native("network"), mode, t.mkdir("native")])
    assert want.status == 0 and want.out, want
    for version in versions:
        made = t.mkdir(f"vm-{version}")
        result = t.vm("--dir", made + "::/d", *options, "--", overlaid(t, "network", version), mode, "/d")
        expect(result, 0, out=want.out, err="")


LOOPBACK = "--allow-connect", "127.0.0.1:0-65535", "--allow-listen", "127.0.0.1:0-65535"
DATAGRAMS = "--allow-connect", "udp:127.0.0.1:0-65535", "--allow-listen", "udp:127.0.0.1:0-65535"


@case
def tcp(t):
    """Echo, half close, deadlines, options, linger, addresses, and what a dial or a listen may answer."""
    same(t, "tcp", *LOOPBACK)


@case
def tcp_by_each_way_of_calls(t):
    for way in "exit", "poll":
        same(t, "tcp", *LOOPBACK, "--hypercall", way, versions=VERSIONS[-1:])


@case
def udp(t):
    same(t, "udp", *DATAGRAMS)


@case
def unix(t):
    same(t, "unix", "--allow-unix")


@case
def datagrams_of_no_bytes(t):
    same(t, "empty", *DATAGRAMS)


@case
def linger_that_is_set_again(t):
    same(t, "lingers", *LOOPBACK)


@case
def last_words_before_a_reset(t):
    """A write that meets the reset first does not hide what had come before it."""
    same(t, "lastWords", *LOOPBACK)


@case
def unix_names_after_chdir(t):
    same(t, "elsewhere", "--allow-unix")


@case
def names_without_a_file_are_refused(t):
    for version in VERSIONS:
        made = t.mkdir(f"vm-{version}")
        result = t.vm("--dir", made + "::/d", "--cwd", "/d", "--allow-unix", "--",
                      overlaid(t, "network", version), "abstract")
        expect(result, 0, out="listen unix @wasmvm-test: bind: Not supported\n"
                              "dial unix @wasmvm-test: connect: Not supported\ntrue\n", err="")


@case
def addresses_while_memory_is_collected(t):
    """A goroutine that allocates may have to give way: its address stays its own."""
    rules = [f"udp:127.0.0.{k}:0-65535" for k in range(1, 31)]
    options = [word for rule in rules for word in ("--allow-listen", rule)]
    same(t, "collected", *options)


@case
def both_families_on_one_port(t):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as why:
        raise Skip(f"no IPv6 here: {why}") from None
    same(t, "dual", "--net-all")


@case
def files_of_sockets(t):
    same(t, "files", *LOOPBACK, *DATAGRAMS)


@case
def control_sees_the_socket(t):
    same(t, "control", *LOOPBACK, *DATAGRAMS)


@case
def copies_between_files_and_connections(t):
    same(t, "bytes", *LOOPBACK)


@case
def localhost_and_services_with_any_rule(t):
    """Without --allow-dns too; another name is refused, and a line says what would allow it."""
    want = run([native("network"), "names"])
    for version in VERSIONS:
        app = overlaid(t, "network", version)
        for options in LOOPBACK, (*LOOPBACK, "--allow-dns"):
            result = t.vm(*options, "--", app, "names")
            expect(result, 0, out=want.out)
            line = b"wasmvm: lookup of no-such-name.invalid refused" if len(options) > 4 else (
                b"wasmvm: a lookup is refused: there is no resolver (--allow-dns)\n")
            assert line in result.err, result


@case
def multicast_is_refused(t):
    for version in VERSIONS:
        result = t.vm("--net-all", "--", overlaid(t, "network", version), "multicast")
        expect(result, 0, out="listen udp4 239.1.2.3:9999: multicast is not supported by wasmvm\n")


@case
def unix_peers_outside_have_no_names(t):
    """As docs/networking.md says; the words arrive all the same."""
    for version in VERSIONS:
        made = t.mkdir(f"vm-{version}")
        app = overlaid(t, "network", version)
        child = t.start("--dir", made + "::/d", "--allow-unix", "--", app, "strangers", "/d", stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as d, socket.socket(socket.AF_UNIX) as c:
            d.bind(os.path.join(made, "d-client"))
            d.sendto(b"ask", os.path.join(made, "sd"))
            c.bind(os.path.join(made, "c-client"))
            c.connect(os.path.join(made, "s"))
            assert c.recv(10) == b"hello"
        assert child.communicate(timeout=30)[0] == b"ask <nil> <nil>\n@\n"


@case
def what_is_absent(t):
    """As docs/go.md says."""
    for version in VERSIONS:
        result = t.vm("--dir", t.mkdir(f"vm-{version}"), "--net-all", "--allow-unix", "--",
                      overlaid(t, "network", version), "absent")
        expect(result, 0, out="listen unixpacket s: socket: Unknown protocol\n"
                              "listen ip4:icmp 127.0.0.1: socket: Unknown protocol\n0 <nil>\n0 <nil>\n", err="")


@case
def all_addresses_where_a_rule_has_those_of_inet4(t):
    """The program asks for both families and may have one: nobody is told of the first refusal, but by the log."""
    for version in VERSIONS:
        for port in ":0", "0.0.0.0:0", "[::]:0":
            log = t.path("log")
            open(log, "w").close()
            result = t.vm("--net-log", log, "--allow-listen", "0.0.0.0:0", "--", overlaid(t, "network", version),
                          "listen", port)
            expect(result, 0, out="listening\n", err="")
            with open(log) as f:
                events = [json.loads(line) for line in f]
            assert [e.get("verdict") for e in events] == ["refused", "allowed", None], events
        result = t.vm("--allow-listen", "0.0.0.0:1", "--", overlaid(t, "network", version), "listen", ":0")
        expect(result, 0, err_has=["bind to tcp [::]:0 refused", "bind to tcp 0.0.0.0:0 refused"])
        result = t.vm("--net-all", "--deny", "[::]", "--", overlaid(t, "network", version), "listen", ":0")
        expect(result, 0, out="listening\n", err_has="bind to tcp [::]:0 refused: --deny")


@case
def beside_the_library_for_sockets(t):
    """github.com/stealthrocket/net, in a program that `wasmvm go` builds, works as in one of the go command."""
    app = overlaid(t, "probe", VERSIONS[-1], "tests/go/net")
    cases = (net.tcp_echo_with_half_close, net.udp_both_ways, net.unix_sockets_by_preopened_paths,
             net.denied_peers_are_not_accepted, net.listener_found_by_scan, net.a_dialed_connection)
    with unittest.mock.patch.object(net, "probe", lambda *_, **__: app):
        for one in cases:
            one(t)


@case
def a_network_inside_the_program_is_told(t):
    """Go's own net for wasip1 serves nobody; who granted a network is told once, at the end."""
    told = b"its sockets were inside the program"
    for version in VERSIONS:
        stock = go_build("./inside", version=version, module="tests/e2e/go")
        for options, times in ((LOOPBACK, 1), (("--allow-dns",), 0), ((), 0)):
            result = t.vm(*options, "--", stock, "talk")
            expect(result, 0, out="hello <nil>\n")
            assert result.err.count(told) == times, (version, options, result)
        # Who uses no socket, and whose sockets are the host's, is told nothing.
        expect(t.vm(*LOOPBACK, "--", stock), 0, out="", err="")
        expect(t.vm(*LOOPBACK, "--", overlaid(t, "inside", version), "talk"), 0, out="hello <nil>\n", err="")
