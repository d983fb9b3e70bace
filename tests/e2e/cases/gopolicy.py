"""The policy's cases again, by ordinary Go programs that `wasmvm go` builds: no rule is weaker that way.

The programs are those of policy.py and net.py, with Go's own net in place of the library for sockets (plain.mod)."""

import contextlib
import inspect
import unittest.mock

from cases import net, policy
from cases.gosys import VERSIONS, overlaid
from harness import CASES, case

RULES = (
    net.tcp_echo_with_half_close, net.tcp_echo_over_ipv6, net.dial_to_a_closed_port,
    net.dial_to_a_black_hole_times_out, net.http_client, net.http_server, net.redirect_to_a_denied_host,
    net.tls_with_a_test_ca, net.udp_both_ways, net.a_datagram_from_a_stranger_is_dropped,
    net.unix_sockets_by_preopened_paths, net.unix_sockets_elsewhere_are_out_of_reach,
    net.refusals_name_the_rule, net.zero_is_a_way_to_loopback, net.denied_peers_are_not_accepted,
    net.limits_are_kept, net.open_sockets_are_limited, net.the_log_tells_every_connection,
    net.answers_too_long_for_a_datagram, net.names_by_a_test_resolver, net.a_rule_on_a_name_follows_its_addresses,
    net.granted_etc_counts,
)


def plain(t, version):
    return overlaid(t, "probe", version, "tests/go/net", "-modfile=plain.mod")


def register(one, version):
    def works(t):
        with contextlib.ExitStack() as stack:
            for module in net, policy:
                stack.enter_context(unittest.mock.patch.object(module, "probe", lambda *_, **__: plain(t, version)))
            one(t)

    works.__name__ = f"{one.__name__}_{version.replace('.', '_')}"
    works.__doc__ = one.__doc__
    case(works)


def of_policy():
    """All of policy.py that run a program."""
    return [c.func for c in CASES if c.group == "policy" and "probe()" in inspect.getsource(c.func)]


for func in (*of_policy(), policy.ten_lines_at_once, *RULES):
    register(func, VERSIONS[-1])
