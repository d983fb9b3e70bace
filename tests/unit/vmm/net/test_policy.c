/* The network policy: how rules are read, what is protected, and what is allowed.  Every protected
 * range is tried in every form in which an IPv4 address can be carried.  (A file past 800 lines:
 * tables, over one double.) */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/net/inside.h"

#define WRONG(...) (print_error(__VA_ARGS__), print_error("\n"), assert_true(false))

static struct policy policy;
static struct settings config;

#define WORDS(...)                                                                                 \
    {                                                                                              \
        (const char *[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)  \
    }

/* ---- a double: this host's interfaces ---- */

enum { MANY = 300 };
static struct interface {
    const char *ip, *other; /* other: its broadcast address, or the far end of a link between two */
    unsigned flags;
} interfaces[MANY + 4] = {
    { "10.1.2.3", "10.1.2.255", IFF_BROADCAST },
    { "2001:db8::3", NULL, IFF_BROADCAST },
    { "10.9.0.1", "10.9.0.2", 0 },
    { NULL, NULL, 0 }, /* one without an address, as a packet socket sees it */
};
static unsigned ninterfaces = 4, reads;
static bool unreadable;

struct entry { struct ifaddrs in; struct sockaddr_storage at, other; };

static struct sockaddr *host_address(const char *text, struct sockaddr_storage *out)
{
    struct endpoint e = { .port = 0 };
    socklen_t len;
    if (!text)
        return NULL;
    assert_true(ip_parse(text, &e.ip));
    endpoint_to_host(&e, ip_is_v4(&e.ip) ? FAMILY_INET4 : FAMILY_INET6, out, &len);
    return (struct sockaddr *)out;
}

int getifaddrs(struct ifaddrs **out)
{
    struct entry *all = calloc(ninterfaces, sizeof *all);
    reads++;
    if (unreadable) {
        free(all);
        errno = EPERM;
        return -1;
    }
    for (unsigned i = 0; i < ninterfaces; i++) {
        all[i].in = (struct ifaddrs){ .ifa_next = i + 1 < ninterfaces ? &all[i + 1].in : NULL,
                                      .ifa_flags = interfaces[i].flags,
                                      .ifa_addr = host_address(interfaces[i].ip, &all[i].at),
                                      .ifa_broadaddr = host_address(interfaces[i].other,
                                                                    &all[i].other) };
        if (i == 3)
            all[i].at.ss_family = AF_PACKET, all[i].in.ifa_addr = (struct sockaddr *)&all[i].at;
    }
    *out = &all->in;
    return 0;
}

void freeifaddrs(struct ifaddrs *all)
{
    free(all);
}

static void policy_make(void)
{
    struct failure why;
    if (!policy_init(&policy, &config, &why))
        WRONG("%s", why.text);
}
#define POLICY(...) (config = (struct settings){ __VA_ARGS__ }, policy_make())

static struct endpoint at(const char *ip, uint16_t port)
{
    struct endpoint e = { .port = port };
    if (!ip_parse(ip, &e.ip))
        WRONG("%s is no address", ip);
    return e;
}

static bool may(enum net_use use, enum net_proto proto, const char *ip, uint16_t port)
{
    const struct rule *by;
    struct endpoint e = at(ip, port);
    return policy_check(&policy, use, proto, &e, &by);
}
#define TCP(ip, port) may(USE_CONNECT, NET_TCP, ip, port)
#define UDP(ip, port) may(USE_CONNECT, NET_UDP, ip, port)
#define LISTEN(ip, port) may(USE_LISTEN, NET_TCP, ip, port)

static int clean(void **state)
{
    (void)state;
    policy_free(&policy);
    return 0;
}

/* ---- rules as they are written ---- */

static bool parses(const char *text)
{
    struct rule r;
    const char *why;
    bool good = rule_parse(&r, RULE_CONNECT, text, &why);
    free(r.name);
    return good;
}

static void test_rules_that_are_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        "1.2.3.4",         "1.2.3.4:80",
        "1.2.3.0/24",      "1.2.3.0/24:80-90",
        "0.0.0.0/0",       "udp:1.2.3.4:53",
        "tcp:1.2.3.4",     "[::1]",
        "[::1]:80",        "[2001:db8::/32]:1-65535",
        "[::/0]",          "udp:[fe80::/10]",
        "example.com",     "example.com:443",
        "EXAMPLE.com.",    "a-b_c.example:1-2",
        "1.2.3.4:0",       "localhost:8080",
        "1.2.3.4:0-65535", "[::ffff:1.2.3.4]",
        "1a.example",      "0x.example",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!parses(good[i]))
            WRONG("%s is not read", good[i]);
    POLICY(.max_sockets = 1);
}

static void test_rules_that_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":80",
        "udp:",
        "udp::53",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:90-80",
        "1.2.3.4:-1",
        "1.2.3.4:80-",
        "1.2.3.4:+80",
        "1.2.3.4:080",
        "1.2.3.4:80:90",
        "::1",
        "::1:80",
        "2001:db8::/32",
        "[::1",
        "[::1]80",
        "[1.2.3.4]",
        "[]",
        "[::1%eth0]",
        "1.2.3.4/33",
        "1.2.3.4/",
        "1.2.3.0/-1",
        "1.2.3.4/24",
        "[2001:db8::1/32]",
        "[::/129]",
        "0.0.0.0/00",
        /* addresses in the forms that other programs read as 127.0.0.1 */
        "0177.0.0.1",
        "127.0.0.01",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4:65536-65536",
        "1.2.3.4:1-65536",
        "1.2.3.4:65536-65537",
        "1.2.3.4:000000",
        "1.2.3.4:1-",
        "1.2.3.4:--",
        "0.0.0.1/0",
        "[::1/127]",
        "[8000::/0]",
        "1.2.3.0/024",
        "1.2.3.4/24/24",
        "udp:tcp:1.2.3.4",
        "UDP:1.2.3.4",
        "exa mple.com",
        "example..com",
        ".example.com",
        "example.com/24",
        "*.example.com",
        "ex\xc3\xa4mple.com",
        "a,b",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parses(bad[i]))
            WRONG("%s is read", bad[i]);
    char name[DNS_NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    name[DNS_NAME_MAX] = 0;
    assert_false(parses(name));
    name[DNS_NAME_MAX - 1] = 0;
    assert_false(parses(name));
    name[DNS_NAME_MAX - 2] = 0;
    assert_true(parses(name));
    POLICY(.max_sockets = 1);
}

static void test_numbers_are_never_names(void **state)
{
    (void)state;
    static const char *const numeric[] = {
        "0x7f.1", "1",   "0177.0.0.1", "2130706433", "0x7f000001", "a.b.1", "1.2.3.4",
        "a.0x7f", "::1", "a.0X1",      "1.2.3.4.",   "0x",         ""
    };
    static const char *const names[] = { "a",          "a.b",         "1.a",
                                         "0x7g",       "0xample.com", "1.2.3.4.in-addr.arpa",
                                         "localhost.", "axe",         "a.0ab",
                                         "ax",         "a.b0",        "0xg" };
    for (size_t i = 0; i < sizeof numeric / sizeof *numeric; i++)
        if (!ip_looks_numeric(numeric[i]))
            WRONG("%s looks like a name", numeric[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ip_looks_numeric(names[i]))
            WRONG("%s looks like a number", names[i]);
    POLICY(.max_sockets = 1);
}

/* ---- allow and deny ---- */

static void test_nothing_is_allowed_by_default(void **state)
{
    (void)state;
    POLICY(.max_sockets = 1);
    assert_false(TCP("93.184.216.34", 80) || UDP("93.184.216.34", 53) || LISTEN("0.0.0.0", 80) ||
                 LISTEN("127.0.0.1", 0));
    assert_false(TCP("127.0.0.1", 80) || TCP("::1", 80) || TCP("2001:db8::1", 80));
}

static void test_allow_connect(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("93.184.0.0/16:80-90", "udp:8.8.8.8:53", "[2600::/16]",
                                  "1.1.1.1"));
    assert_true(TCP("93.184.216.34", 80) && TCP("93.184.0.0", 90) && TCP("1.1.1.1", 0) &&
                TCP("1.1.1.1", 65535));
    assert_false(TCP("93.184.216.34", 79) || TCP("93.184.216.34", 91) || TCP("93.185.0.0", 80) ||
                 UDP("93.184.216.34", 80));
    assert_true(UDP("8.8.8.8", 53));
    assert_false(TCP("8.8.8.8", 53) || UDP("8.8.8.8", 54) || UDP("8.8.4.4", 53));
    assert_true(TCP("2600::1", 443) && TCP("2600:ffff::", 1));
    assert_false(TCP("2601::1", 443) || LISTEN("1.1.1.1", 80) || UDP("1.1.1.1", 1));
    assert_true(TCP("::ffff:1.1.1.1", 80)); /* the same address */
    assert_false(TCP("64:ff9b::1.1.1.1", 80) || TCP("::1.1.1.1", 80));
}

/* Each prefix of each length against a count of equal bits, over addresses that differ from it in
 * one bit. */
static void test_prefixes_of_every_length(void **state)
{
    (void)state;
    POLICY(.max_sockets = 1);
    static const char *const bases[] = { "93.184.216.34",
                                         "2600:1234:5678:9abc:def0:1357:9bdf:2468" };
    for (int v6 = 0; v6 < 2; v6++)
        for (unsigned len = 0; len <= (v6 ? 128u : 32u); len++) {
            struct endpoint base = at(bases[v6], 80), other;
            struct ip masked = base.ip;
            char word[80], text[ENDPOINT_TEXT];
            unsigned first = v6 ? 0 : IPV4_BITS;
            for (unsigned bit = first + len; bit < 128; bit++)
                masked.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
            snprintf(word, sizeof word, v6 ? "[%s/%u]" : "%s/%u", ip_text(&masked, text), len);
            const char *words[] = { word };
            policy_free(&policy);
            POLICY(.allow_connect = { words, 1 });
            for (unsigned bit = first; bit <= 128; bit++) {
                const struct rule *by;
                struct range range;
                other = base;
                if (bit < 128)
                    other.ip.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
                bool want = bit >= first + len && !range_find(&policy, &other.ip, &range);
                if (policy_check(&policy, USE_CONNECT, NET_TCP, &other, &by) != want)
                    WRONG("%s and %s", word, ip_text(&other.ip, text));
                if (want && by != policy.rules)
                    WRONG("%s is not named", word);
            }
        }
}

static void test_allow_listen(void **state)
{
    (void)state;
    POLICY(.allow_listen = WORDS("127.0.0.1:8080", "udp:127.0.0.1:0", ":9000", "10.1.2.3:1-65535",
                                 "[::1]:0"));
    assert_true(LISTEN("127.0.0.1", 8080) && LISTEN("0.0.0.0", 9000) && LISTEN("::", 9000) &&
                LISTEN("10.1.2.3", 1));
    assert_false(LISTEN("127.0.0.1", 8081) || LISTEN("127.0.0.2", 8080) ||
                 LISTEN("0.0.0.0", 8080) || LISTEN("::", 8080));
    assert_false(LISTEN("127.0.0.1", 9000) || LISTEN("127.0.0.1", 0) || LISTEN("10.1.2.3", 0) ||
                 TCP("127.0.0.1", 8080));
    assert_true(LISTEN("::1", 0) && may(USE_LISTEN, NET_UDP, "127.0.0.1", 0));
    assert_false(LISTEN("::1", 1) || may(USE_LISTEN, NET_UDP, "127.0.0.1", 1));
}

/* A UDP client's address: any, at no port of its choice, where some rule lets it talk by UDP. */
static void test_a_clients_address(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("udp:1.2.3.4:53"));
    assert_true(may(USE_LISTEN, NET_UDP, "0.0.0.0", 0));
    assert_true(may(USE_LISTEN, NET_UDP, "::", 0));
    assert_false(may(USE_LISTEN, NET_UDP, "0.0.0.0", 53));
    assert_false(may(USE_LISTEN, NET_UDP, "1.2.3.4", 0));
    assert_false(may(USE_LISTEN, NET_TCP, "0.0.0.0", 0));
    policy_free(&policy);
    POLICY(.allow_connect = WORDS("1.2.3.4:53"));
    assert_false(may(USE_LISTEN, NET_UDP, "0.0.0.0", 0));
    policy_free(&policy);
    POLICY(.allow_connect = WORDS("udp:1.2.3.4:53"), .deny = WORDS("udp:0.0.0.0:0"));
    assert_false(may(USE_LISTEN, NET_UDP, "0.0.0.0", 0));
}

static void test_an_ipv6_rule_is_not_ipv4s(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("[::/0]", "udp:[::ffff:8.8.0.0/112]"));
    assert_true(TCP("2600::1", 80));
    assert_false(TCP("8.8.8.8", 80) || TCP("::ffff:8.8.8.8", 80));
    assert_true(UDP("8.8.8.8", 53) && UDP("::ffff:8.8.8.8", 53));
}

static void test_deny_comes_first(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("8.8.0.0/16", "udp:8.8.8.8", "[2600::/16]", "127.0.0.0/8"),
           .allow_listen = WORDS("0.0.0.0:80"),
           .deny = WORDS("8.8.8.0/24:1-1000", "udp:8.8.8.8:53", "[2600:1::/32]", "tcp:127.0.0.9",
                         "1.2.3.4"));
    assert_true(TCP("8.8.4.4", 80) && TCP("8.8.8.8", 1001) && UDP("8.8.8.8", 1001) &&
                TCP("2600::1", 1) && TCP("127.0.0.1", 1));
    assert_false(TCP("8.8.8.8", 80) || UDP("8.8.8.8", 53) || UDP("8.8.8.8", 80) ||
                 TCP("2600:1::1", 1) || TCP("127.0.0.9", 1));
    const struct rule *by;
    struct endpoint e = at("8.8.8.8", 80);
    assert_false(policy_check(&policy, USE_CONNECT, NET_TCP, &e, &by));
    assert_string_equal(by->text, "8.8.8.0/24:1-1000");
}

static void test_deny_beats_net_all_in_every_form(void **state)
{
    (void)state;
    POLICY(.net_all = true, .deny = WORDS("8.8.8.0/24", ":25", "0.0.0.0:99"));
    assert_true(TCP("8.8.4.4", 80) && LISTEN("0.0.0.0", 80) && LISTEN("::", 80));
    static const char *const forms[] = { "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
                                         "2002:808:808::1", "::8.8.8.8" };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (TCP(forms[i], 80) || UDP(forms[i], 80) || LISTEN(forms[i], 80))
            WRONG("%s is allowed", forms[i]);
    assert_false(TCP("1.2.3.4", 25) || TCP("2600::1", 25) || UDP("1.2.3.4", 25) ||
                 LISTEN("0.0.0.0", 25) || LISTEN("::", 25));
    assert_false(LISTEN("0.0.0.0", 99) || LISTEN("::", 99)); /* :: takes IPv4 too */
}

/* Each kind of --deny against --net-all: what it refuses, and what stands beside it. */
static void test_each_kind_of_deny(void **state)
{
    (void)state;
    static const struct { const char *word, *ip; uint16_t port; bool tcp, udp, listen;
    } tries[] = {
        { "8.8.8.8", "8.8.8.8", 80, false, false, false },
        { "8.8.8.8", "8.8.8.9", 80, true, true, true },
        { "8.8.8.8:80", "8.8.8.8", 80, false, false, false },
        { "8.8.8.8:80", "8.8.8.8", 81, true, true, true },
        { "8.8.8.8:80", "8.8.8.8", 79, true, true, true },
        { "tcp:8.8.8.8", "8.8.8.8", 80, false, true, false },
        { "udp:8.8.8.8", "8.8.8.8", 80, true, false, true },
        { "8.0.0.0/8:80-90", "8.1.2.3", 90, false, false, false },
        { "8.0.0.0/8:80-90", "8.1.2.3", 91, true, true, true },
        { "0.0.0.0/0", "8.1.2.3", 1, false, false, false },
        { "0.0.0.0/0", "2600::1", 1, true, true, true },
        { "0.0.0.0/0", "::ffff:8.1.2.3", 1, false, false, false },
        { "[::/0]", "2600::1", 1, false, false, false },
        { "[::/0]", "8.1.2.3", 1, true, true, true },
        { "[2600::/16]:1-2", "2600::1", 2, false, false, false },
        { "[2600::/16]:1-2", "2600::1", 3, true, true, true },
        { "[2600::1]", "2600::1", 2, false, false, false },
        { "[2600::1]", "2600::2", 2, true, true, true },
        { ":25", "2600::2", 25, false, false, false },
        { ":25", "8.8.8.8", 26, true, true, true },
        { "udp:", "8.8.8.8", 26, true, false, true },
        { "udp::25", "8.8.8.8", 26, true, true, true },
        { "127.0.0.0/8", "0.0.0.0", 80, true, true,
          true }, /* what connect makes of it is loopback: net/socket.c */
        { "0.0.0.0:80", "::", 80, false, false, false },
        { "[::]:80", "0.0.0.0", 80, true, true, true },
        { "1.2.3.4:0", "1.2.3.4", 0, false, false, false },
        { "1.2.3.4:0", "1.2.3.4", 1, true, true, true },
        { "localhost", "127.0.0.1", 1, false, false, false },
        { "localhost", "::1", 1, false, false, false },
        { "localhost:80", "127.0.0.1", 81, true, true, true },
        { "[64:ff9b::/96]", "64:ff9b::8.8.8.8", 1, false, false, false },
        { "[64:ff9b::/96]", "8.8.8.8", 1, true, true, true },
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const char *words[] = { tries[i].word };
        POLICY(.net_all = true, .deny = { words, 1 }, .allow_dns = "");
        if (TCP(tries[i].ip, tries[i].port) != tries[i].tcp ||
            UDP(tries[i].ip, tries[i].port) != tries[i].udp ||
            LISTEN(tries[i].ip, tries[i].port) != tries[i].listen)
            WRONG("--deny %s and %s port %u", tries[i].word, tries[i].ip, tries[i].port);
        if (i + 1 < sizeof tries / sizeof *tries)
            policy_free(&policy);
    }
}

/* Each kind of --allow-connect and --allow-listen by itself: what it allows, and what stands beside
 * it. */
static void test_each_kind_of_allow(void **state)
{
    (void)state;
    static const struct {
        bool listen;
        const char *word, *ip;
        uint16_t port;
        bool tcp, udp;
    } tries[] = {
        { false, "8.8.8.8", "8.8.8.8", 0, true, false },
        { false, "8.8.8.8", "8.8.8.8", 65535, true, false },
        { false, "8.8.8.8", "8.8.8.9", 80, false, false },
        { false, "tcp:8.8.8.8", "8.8.8.8", 80, true, false },
        { false, "udp:8.8.8.8", "8.8.8.8", 80, false, true },
        { false, "8.8.8.8:80", "8.8.8.8", 80, true, false },
        { false, "8.8.8.8:80", "8.8.8.8", 79, false, false },
        { false, "8.8.8.8:80", "8.8.8.8", 81, false, false },
        { false, "8.8.8.8:80-82", "8.8.8.8", 79, false, false },
        { false, "8.8.8.8:80-82", "8.8.8.8", 80, true, false },
        { false, "8.8.8.8:80-82", "8.8.8.8", 82, true, false },
        { false, "8.8.8.8:80-82", "8.8.8.8", 83, false, false },
        { false, "0.0.0.0/0", "8.8.8.8", 1, true, false },
        { false, "0.0.0.0/0", "::ffff:8.8.8.8", 1, true, false },
        { false, "0.0.0.0/0", "2600::1", 1, false, false },
        { false, "[::/0]", "2600::1", 1, true, false },
        { false, "[::ffff:0:0/96]", "8.8.8.8", 1, true, false },
        { false, "[::ffff:0:0/96]", "2600::1", 1, false, false },
        { false, "[::/0]", "8.8.8.8", 1, false, false },
        { false, "udp:[2600::/16]:53", "2600::1", 53, false, true },
        { false, "udp:[2600::/16]:53", "2600::1", 54, false, false },
        { false, "[2600::1]", "2600::2", 1, false, false },
        { false, "0.0.0.0", "127.0.0.1", 1, false, false },
        { false, "[::]", "::1", 1, false, false },
        { false, "localhost", "127.0.0.1", 1, true, false },
        { false, "udp:localhost", "::1", 1, false, true },
        { true, "127.0.0.1:0", "127.0.0.1", 0, true, false },
        { true, "127.0.0.1:0", "127.0.0.1", 1, false, false },
        { true, "127.0.0.1:1-65535", "127.0.0.1", 0, false, false },
        { true, "127.0.0.1", "127.0.0.1", 0, true, false },
        { true, ":80", "0.0.0.0", 80, true, false },
        { true, ":80", "::", 80, true, false },
        { true, ":80", "127.0.0.1", 80, false, false },
        { true, "udp::80", "::", 80, false, true },
        { true, ":80", "0.0.0.0", 0, false, false },
        { true, "0.0.0.0:80", "::", 80, false, false },
        { true, "[::]:80", "0.0.0.0", 80, false, false },
        { true, "0.0.0.0/0", "0.0.0.0", 80, false, false },
        { true, "8.8.8.0/24", "8.8.8.8", 80, true, false },
        { true, "udp:[2600::/16]", "2600::1", 0, false, true },
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const char *words[] = { tries[i].word };
        struct words rules = { words, 1 }, none = { NULL, 0 };
        bool listens = tries[i].listen;
        enum net_use use = listens ? USE_LISTEN : USE_CONNECT,
                     other = listens ? USE_CONNECT : USE_LISTEN;
        POLICY(.allow_connect = listens ? none : rules, .allow_listen = listens ? rules : none,
               .allow_dns = "");
        if (may(use, NET_TCP, tries[i].ip, tries[i].port) != tries[i].tcp ||
            may(use, NET_UDP, tries[i].ip, tries[i].port) != tries[i].udp ||
            may(other, NET_TCP, tries[i].ip, tries[i].port) ||
            may(other, NET_UDP, tries[i].ip, tries[i].port))
            WRONG("%s and %s port %u", tries[i].word, tries[i].ip, tries[i].port);
        if (i + 1 < sizeof tries / sizeof *tries)
            policy_free(&policy);
    }
}

/* ---- this host's own addresses ---- */

static void test_own_addresses_are_read_again(void **state)
{
    (void)state;
    reads = 0;
    POLICY(.max_sockets = 1);
    assert_int_equal(reads, 0); /* nobody needs them */
    policy_free(&policy);
    POLICY(.allow_connect = WORDS("0.0.0.0/0", "10.9.0.1"));
    /* the other end is another's */
    assert_true(reads == 1 && TCP("10.9.0.2", 1) && TCP("10.9.0.1", 1));
    assert_false(TCP("10.1.2.3", 1) || TCP("10.1.2.255", 1) || UDP("10.1.2.3", 1));
    interfaces[0].ip = "10.1.2.4";
    assert_true(TCP("10.1.2.4", 1) && reads == 1); /* not again at once */
    policy.own_read_s -= 6;
    assert_true(!TCP("10.1.2.4", 1) && TCP("10.1.2.3", 1) && reads == 2);
    unreadable = true;
    policy.own_read_s -= 6;
    assert_false(TCP("10.1.2.4", 1)); /* what was known stays known */
    unreadable = false;
    interfaces[0].ip = "10.1.2.3";
    assert_true(reads == 3 && !TCP("10.1.2.3", 1) && reads == 4);
}

/* Where no verdict can depend on them they are never read: rules of one address each, refusals,
 * nothing at all. */
static void test_own_addresses_that_do_not_matter(void **state)
{
    (void)state;
    reads = 0;
    POLICY(.allow_connect = WORDS("127.0.0.1:80", "[::1]", "10.1.2.3:81"),
           .allow_listen = WORDS(":80", "127.0.0.1"), .deny = WORDS("10.0.0.0/8:9"));
    assert_true(TCP("127.0.0.1", 80) && TCP("::1", 1) && TCP("10.1.2.3", 81));
    assert_false(TCP("127.0.0.2", 80) || TCP("10.1.2.3", 9) || TCP("10.1.2.4", 81));
    policy.own_read_s -= 6;
    assert_false(TCP("127.0.0.2", 80));
    assert_int_equal(reads, 0);
    policy_free(&policy);
    const struct settings matter[] = {
        { .net_all = true },
        { .allow_dns = "any" },
        { .allow_listen = WORDS("10.1.2.0/24") },
        { .allow_connect = WORDS("app.test"), .allow_dns = "" },
        { .allow_connect = WORDS("[2001:db8::/127]") },
    };
    for (size_t i = 0; i < sizeof matter / sizeof *matter; i++) {
        struct failure why;
        reads = 0;
        assert_true(policy_init(&policy, &matter[i], &why));
        assert_int_equal(reads, 1);
        if (i + 1 < sizeof matter / sizeof *matter)
            policy_free(&policy);
    }
}

static void test_all_own_addresses_count(void **state)
{
    (void)state;
    static char ips[MANY][32];
    for (int i = 0; i < MANY; i++) {
        snprintf(ips[i], sizeof ips[i], "10.20.%d.%d", i / 200, i % 200);
        interfaces[4 + i] = (struct interface){ ips[i], "10.20.9.9", IFF_BROADCAST };
    }
    ninterfaces = 4 + MANY;
    POLICY(.net_all = true, .deny = WORDS("0.0.0.0"));
    for (int i = 0; i < MANY; i++) {
        struct endpoint e = at(ips[i], 1);
        struct range range;
        if (!range_find(&policy, &e.ip, &range) || range.kind != RANGE_HOST)
            WRONG("%s is not known", ips[i]);
    }
    assert_true(TCP("10.20.0.1", 1) && !TCP("10.20.9.9", 1));
    ninterfaces = 4;
}

static void test_peers_are_denied_by_rules_without_ports(void **state)
{
    (void)state;
    POLICY(.net_all = true, .deny = WORDS("8.8.8.0/24", "9.9.9.9:80", "udp:7.7.7.7"));
    struct endpoint e = at("8.8.8.8", 0), ported = at("9.9.9.9", 0), udp = at("7.7.7.7", 0);
    assert_non_null(policy_denies_peer(&policy, NET_TCP, &e.ip));
    assert_null(policy_denies_peer(&policy, NET_TCP, &ported.ip));
    assert_null(policy_denies_peer(&policy, NET_TCP, &udp.ip));
    assert_non_null(policy_denies_peer(&policy, NET_UDP, &udp.ip));
}

/* ---- protected ranges ---- */

/* Addresses at both ends of each range, and a rule that lies inside it. */
static const struct { const char *low, *high, *inside; bool never; } ranges[] = {
    { "0.0.0.1", "0.255.255.255", "0.0.0.0/8", false },
    { "127.0.0.0", "127.255.255.255", "127.0.0.0/8", false },
    { "127.0.0.1", "127.0.0.1", "127.0.0.1", false },
    { "169.254.0.0", "169.254.255.255", "169.254.0.0/16", true },
    { "169.254.169.254", "169.254.169.254", "169.254.169.254", true },
    { "100.100.100.200", "100.100.100.200", "100.100.100.200", true },
    { "168.63.129.16", "168.63.129.16", "168.63.129.16", true },
    { "192.0.0.192", "192.0.0.192", "192.0.0.192", true },
    { "224.0.0.0", "239.255.255.255", "224.0.0.0/4", true },
    { "255.255.255.255", "255.255.255.255", "255.255.255.255", true },
    { "10.1.2.3", "10.1.2.3", "10.1.2.3", false },     /* an interface's */
    { "10.1.2.255", "10.1.2.255", "10.1.2.255", true }, /* its broadcast */
};
#define RANGES (sizeof ranges / sizeof *ranges)

/* How an IPv4 address is written inside an IPv6 one; %s takes a.b.c.d, or the two halves in
 * hexadecimal. */
enum { PLAIN, MAPPED, NAT64, SIX_TO_FOUR, SIX_TO_FOUR_MORE, COMPATIBLE, FORMS };

static const char *form(int which, const char *v4)
{
    static char out[64];
    uint8_t b[4];
    assert_int_equal(inet_pton(AF_INET, v4, b), 1);
    unsigned high = b[0] << 8 | b[1], low = b[2] << 8 | b[3];
    switch (which) {
    case PLAIN: snprintf(out, sizeof out, "%s", v4); break;
    case MAPPED: snprintf(out, sizeof out, "::ffff:%s", v4); break;
    case NAT64: snprintf(out, sizeof out, "64:ff9b::%s", v4); break;
    case SIX_TO_FOUR: snprintf(out, sizeof out, "2002:%x:%x::", high, low); break;
    case SIX_TO_FOUR_MORE: snprintf(out, sizeof out, "2002:%x:%x:1:2:3:4:5", high, low); break;
    case COMPATIBLE: snprintf(out, sizeof out, "::%x:%x", high, low); break;
    }
    return out;
}

static void test_wide_rules_never_mean_protected_addresses(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("0.0.0.0/0", "[::/0]", "udp:0.0.0.0/0", "udp:[::/0]",
                                  "[2002::/16]", "[64:ff9b::/96]", "[::/96]", "0.0.0.0/1",
                                  "128.0.0.0/1", "126.0.0.0/7", "168.0.0.0/6", "10.0.0.0/8",
                                  "10.1.2.2/31"),
           .allow_listen = WORDS("0.0.0.0/0", "[::/0]"));
    for (size_t i = 0; i < RANGES; i++)
        for (int f = 0; f < FORMS; f++)
            for (int end = 0; end < 2; end++) {
                const char *ip = form(f, end ? ranges[i].high : ranges[i].low);
                if (TCP(ip, 80) || UDP(ip, 80) || LISTEN(ip, 80))
                    WRONG("%s is allowed", ip);
            }
    assert_true(TCP("8.8.8.8", 80) && TCP("64:ff9b::8.8.8.8", 80) && TCP("2002:808:808::", 80) &&
                TCP("::8.8.8.8", 80));
    assert_true(TCP("126.255.255.255", 80) && TCP("128.0.0.0", 80) && TCP("169.253.255.255", 80) &&
                TCP("169.255.0.0", 80));
    assert_true(TCP("223.255.255.255", 80) && TCP("240.0.0.1", 80) && TCP("10.1.2.4", 80) &&
                TCP("192.0.0.191", 80));
}

static void test_a_rule_inside_a_range_means_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < RANGES; i++) {
        const char *words[] = { ranges[i].inside };
        POLICY(.allow_connect = { words, 1 });
        for (int end = 0; end < 2; end++) {
            const char *ip = end ? ranges[i].high : ranges[i].low;
            if (!TCP(ip, 80) || !TCP(form(MAPPED, ip), 80))
                WRONG("%s is refused under --allow-connect %s", ip, ranges[i].inside);
            for (int f = NAT64; f < FORMS; f++)
                if (TCP(form(f, ip), 80))
                    WRONG("%s is allowed by --allow-connect %s", form(f, ip), ranges[i].inside);
        }
        if (i + 1 < RANGES)
            policy_free(&policy);
    }
}

static void test_carried_addresses_by_their_own_rules(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("[64:ff9b::127.0.0.0/104]", "[2002:7f00::/24]",
                                  "[2002:a9fe:a9fe::/48]", "[::10.1.2.3]", "[64:ff9b::a9f0:0/108]",
                                  "[2002:e000::/19]"));
    assert_true(TCP("64:ff9b::127.0.0.1", 1) && TCP("64:ff9b::127.255.0.1", 1) &&
                TCP("2002:7f00:1::", 1));
    assert_true(TCP("2002:a9fe:a9fe::1", 1) && TCP("::10.1.2.3", 1));
    assert_false(TCP("64:ff9b::10.1.2.3", 1) || TCP("2002:a9fe:a9ff::1", 1) ||
                 TCP("127.0.0.1", 1) || TCP("169.254.169.254", 1));
    /* /108 is wider than 169.254/16 carried (/112), /19 wider than 224/4 carried (/20): outside of
       the range, no rule. */
    assert_false(TCP("64:ff9b::169.254.169.254", 1) || TCP("2002:e000:1::", 1));
}

static void test_ipv6_ranges(void **state)
{
    (void)state;
    static const struct { const char *ip, *inside, *wide; bool never; } v6[] = {
        { "::", "[::]", "[::/127]", false },
        { "::1", "[::1]", "[::/127]", false },
        { "fe80::1", "[fe80::/10]", "[fe00::/9]", true },
        { "febf:ffff::1", "[fe80::/10]", "[fe80::/9]", true },
        { "ff02::1", "[ff00::/8]", "[fe00::/7]", true },
        { "ffff::", "[ff02::/16]", "[::/0]", true },
        { "fd00:ec2::254", "[fd00:ec2::254]", "[fd00:ec2::/32]", true },
        { "2001:db8::3", "[2001:db8::3]", "[2001:db8::2/127]", false },
        { "fd20:ce::254", "[fd20:ce::254]", "[fd20:ce::/32]", true },
        { "fd00:42::42", "[fd00:42::42]", "[fd00::/16]", true },
        { "fd00:c1::a9fe:a9fe", "[fd00:c1::a9fe:a9fe]", "[fd00:c1::/64]", true },
        { "fec0::1", "[fec0::/10]", "[fec0::/9]", true },
        { "fc00::1", "[fc00::/7]", "[fc00::/6]", false },
        { "fdff:ffff::1", "[fd00::/8]", "[f800::/5]", false },
        { "64:ff9b:1::7f00:1", "[64:ff9b:1::/48]", "[64:ff9b::/47]", true },
        { "64:ff9b:1:7f00:0:100::", "[64:ff9b:1::/48]", "[64:ff9b::/32]", true },
        { "2001:0:1:2::80ff:fffe", "[2001::/32]", "[2001::/31]", true },
        { "::ffff:0:7f00:1", "[::ffff:0:7f00:0/104]", "[::ffff:0:0:0/96]", false },
        { "::ffff:0:a9fe:a9fe", "[::ffff:0:a9fe:0/112]", "[::ffff:0:0:0/96]", true },
        { "2600:1::5efe:7f00:1", "[2600:1::5efe:7f00:0/104]", "[2600:1::5efe:0:0/96]", false },
        { "2600:1::200:5efe:a9fe:1", "[2600:1::200:5efe:a9fe:0/112]", "[2600:1::/64]", true },
    };
    for (size_t i = 0; i < sizeof v6 / sizeof *v6; i++) {
        const char *inside[] = { v6[i].inside }, *wide[] = { v6[i].wide };
        bool in_rule = strcmp(v6[i].ip, "ffff::") != 0;
        const char *why;
        struct rule r;
        POLICY(.allow_connect = { inside, 1 });
        assert_int_equal(TCP(v6[i].ip, 1), in_rule);
        policy_free(&policy);
        if (rule_parse(&r, RULE_CONNECT, v6[i].wide, &why)) {
            POLICY(.allow_connect = { wide, 1 });
            if (TCP(v6[i].ip, 1))
                WRONG("%s is allowed by %s", v6[i].ip, v6[i].wide);
            policy_free(&policy);
        }
        POLICY(.net_all = true);
        assert_int_equal(TCP(v6[i].ip, 1), !v6[i].never);
        if (i + 1 < sizeof v6 / sizeof *v6)
            policy_free(&policy);
    }
    assert_true(TCP("2001:db8::2", 1) && TCP("fd00:ec2::255", 1));
}

static bool answer_ok(const char *ip)
{
    struct endpoint e = at(ip, 0);
    return policy_answer_ok(&policy, &e.ip);
}

/* Every protected range in every form by names: told to nobody, whatever wide rules there are. */
static void test_protected_answers(void **state)
{
    (void)state;
    POLICY(.allow_dns = "any", .allow_connect = WORDS("0.0.0.0/0", "[::/0]", "udp:0.0.0.0/0"));
    for (size_t i = 0; i < RANGES; i++)
        for (int f = 0; f < FORMS; f++) {
            struct endpoint e = at(form(f, ranges[i].high), 0);
            if (policy_answer_ok(&policy, &e.ip))
                WRONG("%s is told", form(f, ranges[i].high));
        }
    struct endpoint e = at("::", 0), loopback = at("::1", 0), good = at("8.8.8.8", 0);
    assert_true(!policy_answer_ok(&policy, &e.ip) && !policy_answer_ok(&policy, &loopback.ip));
    assert_true(policy_answer_ok(&policy, &good.ip));
    policy_free(&policy);
    POLICY(.allow_connect = WORDS("[::1]:80"), .allow_listen = WORDS("0.0.0.0"));
    assert_true(policy_answer_ok(&policy, &loopback.ip) && !policy_answer_ok(&policy, &e.ip));
    assert_true(!answer_ok("0.0.0.0") && !answer_ok("127.0.0.1"));
    /* A private address is one's own neighbour: it wants a rule that says so, and one that is as
     * narrow as it likes. */
    static const char *const private[] = { "10.1.2.9", "172.16.0.1", "172.31.255.255",
                                           "192.168.1.1", "100.64.0.1" };
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        assert_false(answer_ok(private[i]));
    assert_true(answer_ok("172.32.0.1") && answer_ok("192.169.0.1"));
    assert_true(answer_ok("100.128.0.1") && answer_ok("11.0.0.1"));
    policy_free(&policy);
    POLICY(.allow_connect = WORDS("10.0.0.0/8:80"));
    assert_true(answer_ok("10.1.2.9") && !answer_ok("192.168.1.1"));
    interfaces[0].ip = "10.1.2.9";
    policy.own_read_s -= 6;
    assert_false(answer_ok("10.1.2.9")); /* this host's by now */
    interfaces[0].ip = "10.1.2.3";
}

static void test_net_all(void **state)
{
    (void)state;
    POLICY(.net_all = true);
    for (size_t i = 0; i < RANGES; i++)
        for (int f = 0; f < FORMS; f++)
            for (int end = 0; end < 2; end++) {
                const char *ip = form(f, end ? ranges[i].high : ranges[i].low);
                if (TCP(ip, 80) == ranges[i].never || UDP(ip, 80) == ranges[i].never ||
                    LISTEN(ip, 80) == ranges[i].never)
                    WRONG("%s: --net-all %s it", ip, ranges[i].never ? "allows" : "does not allow");
            }
    assert_true(TCP("0.0.0.0", 80) && LISTEN("0.0.0.0", 0) && TCP("8.8.8.8", 80) &&
                TCP("2600::1", 80));
}

/* A node's cache of names has a link-local address, a cloud's resolver that of its metadata
 * service. */
static void test_name_servers_under_net_all(void **state)
{
    (void)state;
    struct failure why;
    struct endpoint servers[] = { at("169.254.20.10", 53), at("169.254.169.254", 53) };
    for (int all = 0; all < 2; all++) {
        POLICY(.net_all = all, .deny = WORDS("169.254.169.254:53"));
        assert_true(policy_servers_add(&policy, servers, 2, &why));
        assert_int_equal(UDP("169.254.20.10", 53), all);
        assert_int_equal(TCP("169.254.20.10", 53), all);
        assert_false(TCP("169.254.20.10", 80) || UDP("169.254.20.11", 53) ||
                     LISTEN("169.254.20.10", 53));
        assert_false(UDP("169.254.169.254", 53) || TCP("169.254.169.254", 80));
        if (!all)
            policy_free(&policy);
    }
}

/* ---- names ---- */

static void answer_add(const char *name, const char *ip)
{
    struct endpoint e = at(ip, 0);
    policy_answer_add(&policy, name, &e.ip, 60);
}

static void test_a_name_means_its_answers(void **state)
{
    (void)state;
    POLICY(.allow_dns = "", .allow_connect = WORDS("Example.com.:443", "udp:time.example"));
    assert_int_equal(policy_name(&policy, "example.com"), NAME_IN_RULE);
    assert_int_equal(policy_name(&policy, "time.example"), NAME_IN_RULE);
    assert_int_equal(policy_name(&policy, "www.example.com"), NAME_REFUSED);
    assert_int_equal(policy_name(&policy, "secret.evil.example"), NAME_REFUSED);
    assert_false(TCP("93.184.216.34", 443));
    answer_add("example.com", "93.184.216.34");
    answer_add("time.example", "5.5.5.5");
    answer_add("other.example", "6.6.6.6");
    assert_true(TCP("93.184.216.34", 443) && UDP("5.5.5.5", 123));
    assert_false(TCP("93.184.216.34", 80) || UDP("93.184.216.34", 443) || TCP("5.5.5.5", 443) ||
                 TCP("6.6.6.6", 443));
    answer_add("example.com", "93.184.216.35");
    assert_true(TCP("93.184.216.34", 443) && TCP("93.184.216.35", 443));
}

static void test_rebinding_fails(void **state)
{
    (void)state;
    POLICY(.allow_dns = "", .allow_connect = WORDS("example.com", "10.1.2.3:80"));
    for (size_t i = 0; i < RANGES; i++)
        for (int f = 0; f < FORMS; f++) {
            const char *ip = form(f, ranges[i].low);
            answer_add("example.com", ip); /* even had it been noted */
            bool own = (f == PLAIN || f == MAPPED) && strcmp(ranges[i].low, "10.1.2.3") == 0;
            if (answer_ok(ip) != own || (TCP(ip, 80) && !own) || TCP(ip, 81))
                WRONG("example.com may become %s", ip);
        }
    assert_true(answer_ok("8.8.8.8") && answer_ok("2600::1"));
}

static void test_names_under_net_all_and_any(void **state)
{
    (void)state;
    POLICY(.net_all = true, .deny = WORDS("evil.example", "half.example:25"));
    assert_int_equal(policy_name(&policy, "anything.example"), NAME_ANY);
    assert_int_equal(policy_name(&policy, "evil.example"), NAME_REFUSED);
    assert_int_equal(policy_name(&policy, "half.example"), NAME_ANY);
    assert_true(answer_ok("127.0.0.1") && answer_ok("10.1.2.3"));
    assert_false(answer_ok("169.254.169.254") || answer_ok("::ffff:169.254.169.254") ||
                 answer_ok("fe80::1"));
    answer_add("evil.example", "4.4.4.4");
    answer_add("half.example", "3.3.3.3");
    assert_false(TCP("4.4.4.4", 80));
    assert_true(TCP("3.3.3.3", 80) && !TCP("3.3.3.3", 25));
    policy_free(&policy);
    POLICY(.allow_dns = "any");
    assert_int_equal(policy_name(&policy, "anything.example"), NAME_ANY);
    answer_add("anything.example", "4.4.4.4");
    assert_false(TCP("4.4.4.4", 80)); /* a name that may be asked for is no rule */
}

static void test_localhost_is_loopback(void **state)
{
    (void)state;
    POLICY(.allow_connect = WORDS("localhost:80"), .allow_listen = WORDS("localhost:90"));
    assert_true(TCP("127.0.0.1", 80) && TCP("::1", 80) && LISTEN("127.0.0.1", 90) &&
                LISTEN("::1", 90));
    assert_false(TCP("127.0.0.2", 80) || TCP("127.0.0.1", 90));
}

static void test_denied_names_in_every_form(void **state)
{
    (void)state;
    static const char *const forms[] = { "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
                                         "2002:808:808::1", "::8.8.8.8" };
    POLICY(.net_all = true, .deny = WORDS("evil.example"));
    answer_add("evil.example", "8.8.8.8");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (TCP(forms[i], 80))
            WRONG("%s is allowed", forms[i]);
    assert_true(TCP("8.8.8.9", 80));
}

static void age(uint64_t s)
{
    for (uint32_t i = 0; i < policy.nanswers; i++)
        if (policy.answers[i].until_s != UINT64_MAX)
            policy.answers[i].until_s -= s;
}

/* For an hour after its time to live; a shorter time to live later takes nothing away. */
static void test_answers_end(void **state)
{
    (void)state;
    POLICY(.allow_dns = "", .allow_connect = WORDS("example.com"), .deny = WORDS("evil.example"));
    answer_add("example.com", "8.8.8.8");
    answer_add("evil.example", "9.9.9.9");
    age(3600 + 50);
    assert_true(TCP("8.8.8.8", 80));
    struct endpoint e = at("8.8.8.8", 0);
    policy_answer_add(&policy, "example.com", &e.ip, 0);
    age(60);
    assert_true(TCP("8.8.8.8", 80)); /* told again since */
    age(3600);
    assert_false(TCP("8.8.8.8", 80));
    answer_add("example.com", "9.9.9.9");
    assert_false(TCP("9.9.9.9", 80)); /* denied for the whole run */
    answer_add("example.com", "8.8.8.8");
    assert_true(TCP("8.8.8.8", 80));
    assert_int_equal(policy.nanswers, 3);
}

/* Whoever owns a name that is allowed cannot make what is denied forgotten. */
static void test_answers_that_deny_stay(void **state)
{
    (void)state;
    POLICY(.net_all = true, .allow_connect = WORDS("example.com"),
           .deny = WORDS("evil.example", "half.example:25"));
    char ip[32];
    struct endpoint e = at("9.9.9.9", 0);
    assert_true(policy_answer_add(&policy, "evil.example", &e.ip, 0));
    assert_true(policy_answer_add(&policy, "half.example", &e.ip, 0));
    for (unsigned i = 0; i < 3 * ANSWERS_MAX; i++) {
        snprintf(ip, sizeof ip, "20.0.%u.%u", i / 256, i % 256);
        answer_add("example.com", ip);
        answer_add("no.rule.example", ip);
    }
    assert_false(TCP("9.9.9.9", 80));
    policy_free(&policy);
    POLICY(.net_all = true, .deny = WORDS("evil.example"));
    for (unsigned i = 0; i < ANSWERS_MAX; i++) {
        e.ip.b[14] = (uint8_t)(i >> 8), e.ip.b[15] = (uint8_t)i;
        assert_true(policy_answer_add(&policy, "evil.example", &e.ip, 0));
    }
    assert_true(policy_answer_add(&policy, "evil.example", &e.ip, 0)); /* known */
    e.ip.b[13] = 1;
    assert_false(policy_answer_add(&policy, "evil.example", &e.ip, 0));
}

static void test_names_without_a_rule_take_no_room(void **state)
{
    (void)state;
    POLICY(.allow_dns = "any", .allow_connect = WORDS("exaMPLE.Com"));
    answer_add("example.com", "8.8.8.8");
    answer_add("other.example", "8.8.8.9");
    assert_int_equal(policy.nanswers, 1);
    assert_true(TCP("8.8.8.8", 1) && !TCP("8.8.8.9", 1));
}

static void test_old_answers_make_room(void **state)
{
    (void)state;
    POLICY(.allow_dns = "", .allow_connect = WORDS("example.com"));
    char ip[32];
    for (unsigned i = 0; i < ANSWERS_MAX + 10; i++) {
        snprintf(ip, sizeof ip, "20.0.%u.%u", i / 256, i % 256);
        answer_add("example.com", ip);
    }
    assert_false(TCP("20.0.0.9", 1));
    assert_true(TCP("20.0.0.10", 1) && TCP("20.0.4.9", 1));
}

static void test_hints_are_rules(void **state)
{
    (void)state;
    static const char *const ips[] = {
        "8.8.8.8", "127.0.0.1", "::1",     "64:ff9b::127.0.0.1", "2002:7f00:1::", "169.254.169.254",
        "0.0.0.0", "fe80::1",   "10.1.2.3"
    };
    char hint[ENDPOINT_TEXT + 32];
    for (size_t i = 0; i < sizeof ips / sizeof *ips; i++) {
        struct endpoint e = at(ips[i], 443);
        policy_hint(USE_CONNECT, NET_UDP, &e, hint, sizeof hint);
        const char *words[] = { strchr(hint, ' ') + 1 };
        assert_memory_equal(hint, "--allow-connect udp:", 20);
        POLICY(.allow_connect = { words, 1 });
        if (!UDP(ips[i], 443) || UDP(ips[i], 444))
            WRONG("%s does not allow %s", hint, ips[i]);
        policy_free(&policy);
        policy_hint(USE_LISTEN, NET_TCP, &e, hint, sizeof hint);
        assert_memory_equal(hint, "--allow-listen ", 15);
        words[0] = strchr(hint, ' ') + 1;
        POLICY(.allow_listen = { words, 1 });
        if (!LISTEN(ips[i], 443) || LISTEN(ips[i], 444) || may(USE_LISTEN, NET_UDP, ips[i], 443))
            WRONG("%s does not allow %s", hint, ips[i]);
        if (i + 1 < sizeof ips / sizeof *ips)
            policy_free(&policy);
    }
}

/* ---- refusals of the command line ---- */

static void refused(const char *line, const struct settings *c)
{
    struct policy p;
    struct failure why;
    assert_false(policy_init(&p, c, &why));
    policy_free(&p);
    assert_string_equal(why.text, line);
    assert_int_equal(why.status, EXIT_MONITOR);
}

static void test_refusals_say_how_it_is_written(void **state)
{
    (void)state;
    refused("--allow-connect 0177.0.0.1: not an address in the usual form (four decimal numbers "
            "without leading zeros, "
            "or [IPv6])",
            &(struct settings){ .allow_connect = WORDS("0177.0.0.1") });
    refused(
        "--allow-connect example.com:443: a rule with a name needs the resolver (add --allow-dns)",
        &(struct settings){ .allow_connect = WORDS("example.com:443") });
    refused("--allow-listen example.com:80: a name cannot be listened on (write an address)",
            &(struct settings){ .allow_listen = WORDS("example.com:80"), .allow_dns = "" });
    refused("--allow-connect :80: HOST is missing (0.0.0.0/0 or [::/0] is every address)",
            &(struct settings){ .allow_connect = WORDS(":80") });
    refused("--deny 10.0.0.1/8: the address has bits beyond its prefix",
            &(struct settings){ .deny = WORDS("10.0.0.1/8") });
    refused("--allow-listen 1.2.3.4/33: the prefix is not 0 to 32 bits long",
            &(struct settings){ .allow_listen = WORDS("1.2.3.4/33") });
    refused("--deny [::/129]: the prefix is not 0 to 128 bits long",
            &(struct settings){ .deny = WORDS("[::/129]") });
    refused("--deny a,b: neither an address nor a name (IPv6 stands in brackets)",
            &(struct settings){ .deny = WORDS("a,b") });
    refused("--deny [::1: the bracket is not closed, or does not hold an IPv6 address",
            &(struct settings){ .deny = WORDS("[::1") });
    refused("--deny [::1]80: only :PORT may follow the bracket",
            &(struct settings){ .deny = WORDS("[::1]80") });
    refused("--deny ::1: the port is not PORT or LO-HI, from 0 to 65535 (IPv6 stands in brackets)",
            &(struct settings){ .deny = WORDS("::1") });
    unreadable = true;
    refused("the network cannot be opened: this host's own addresses are unknown: Operation not "
            "permitted",
            &(struct settings){ .net_all = true });
    refused("the network cannot be opened: this host's own addresses are unknown: Operation not "
            "permitted",
            &(struct settings){ .allow_connect = WORDS("1.2.3.0/24") });
    unreadable = false;
    POLICY(.max_sockets = 1);
}

#define CASE(name) cmocka_unit_test_teardown(name, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_prefixes_of_every_length),
        CASE(test_each_kind_of_deny),
        CASE(test_each_kind_of_allow),
        CASE(test_own_addresses_are_read_again),
        CASE(test_all_own_addresses_count),
        CASE(test_own_addresses_that_do_not_matter),
        CASE(test_protected_answers),
        CASE(test_denied_names_in_every_form),
        CASE(test_answers_end),
        CASE(test_answers_that_deny_stay),
        CASE(test_names_without_a_rule_take_no_room),
        CASE(test_rules_that_are_read),
        CASE(test_rules_that_are_refused),
        CASE(test_numbers_are_never_names),
        CASE(test_nothing_is_allowed_by_default),
        CASE(test_allow_connect),
        CASE(test_allow_listen),
        CASE(test_a_clients_address),
        CASE(test_an_ipv6_rule_is_not_ipv4s),
        CASE(test_deny_comes_first),
        CASE(test_deny_beats_net_all_in_every_form),
        CASE(test_peers_are_denied_by_rules_without_ports),
        CASE(test_wide_rules_never_mean_protected_addresses),
        CASE(test_a_rule_inside_a_range_means_it),
        CASE(test_carried_addresses_by_their_own_rules),
        CASE(test_ipv6_ranges),
        CASE(test_net_all),
        CASE(test_name_servers_under_net_all),
        CASE(test_a_name_means_its_answers),
        CASE(test_rebinding_fails),
        CASE(test_names_under_net_all_and_any),
        CASE(test_localhost_is_loopback),
        CASE(test_old_answers_make_room),
        CASE(test_hints_are_rules),
        CASE(test_refusals_say_how_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
