/* What a refusal says on stderr: the option that would help, and never one that would not. */
#include "tests/unit/vmm/net/fixture.h"

static char told[1024]; /* the last line */

static void tell(void *context, const char *text)
{
    (void)context;
    snprintf(told, sizeof told, "%s", text);
}

static void says(const char *wanted, bool names, enum net_proto proto, const char *ip, uint16_t port)
{
    struct outlet outlet = { .tell = tell }, *before = outlet_use(&outlet);
    struct endpoint e = { .port = port };
    assert_true(ip_parse(ip, &e.ip));
    wasi->net->names = names;
    wasi->net->lines.left = 9;
    assert_int_equal(net_refuse(wasi->net, "connect to", USE_CONNECT, proto, &e, NULL), WASI_ACCES);
    outlet_use(before);
    if (!strstr(told, wanted))
        print_error("%s\n", told);
    assert_non_null(strstr(told, wanted));
}

/* A library that finds no resolv.conf asks this host: it wants names, and a rule for that port would give it none. */
static void test_lookups_want_a_resolver(void **state)
{
    (void)state;
    static const char hint[] = "127.0.0.1:53 refused: no rule allows it (names are looked up with --allow-dns)";
    says(hint, false, NET_UDP, "127.0.0.1", 53);
    says(hint, false, NET_TCP, "127.0.0.1", 53);
    says("[::1]:53 refused: no rule allows it (names are looked up with --allow-dns)", false, NET_UDP, "::1", 53);
    says("a lookup is refused: there is no resolver (--allow-dns)", false, NET_UDP, "192.0.2.53", 53);
}

static void test_others_want_a_rule(void **state)
{
    (void)state;
    says("(--allow-connect udp:127.0.0.1:53)", true, NET_UDP, "127.0.0.1", 53); /* names are there */
    says("(--allow-connect udp:127.0.0.1:54)", false, NET_UDP, "127.0.0.1", 54);
    says("(--allow-connect udp:127.0.0.2:53)", false, NET_UDP, "127.0.0.2", 53);
    says("(--allow-connect udp:9.9.9.9:53)", false, NET_UDP, "9.9.9.9", 53);
    says("(--allow-connect 192.0.2.53:53)", true, NET_TCP, "192.0.2.53", 53);
    says("(--allow-connect [::1]:80)", false, NET_TCP, "::1", 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = { LOOPBACK(test_lookups_want_a_resolver), LOOPBACK(test_others_want_a_rule) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
