/* sock_getaddrinfo: what a guest asks, and what it finds in the chain that it has laid out. */
#include "tests/unit/vmm/net/fixture.h"

enum { AGAIN_CODE = 78, FAMILY_CODE = 81, MEMORY_CODE = 82, EAI_NONAME_CODE = 84, SERVICE_CODE = 85,
       SOCKTYPE_CODE = 86 };
enum { PASSIVE = 1, NUMERIC_HOST = 4, NUMERIC_SERVICE = 8 };

/* localhost comes from the resolver's own table; no server answers. */
static int named_setup(void **state)
{
    (void)state;
    return net_setup(&(struct settings){
        .allow_dns = "", .dns_server = WORDS("127.0.0.1:9"),
        .allow_connect = WORDS("127.0.0.1", "app.test", "[::1]:80"),
    });
}

enum { HINTS = 0xa000, RES = 0xa100, RES_LEN = 0xa110, CHAIN = 0xb000, LINK = 0x100 };

/* Three linked results, each with room for `room` bytes of address. */
static void chain_make(uint32_t data_room)
{
    memset(guest + CHAIN, 0, 4 * LINK);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t at = CHAIN + i * LINK, addr_at = at + 0x40;
        p32(at + 12, addr_at);
        p32(at + 24, i < 2 ? at + LINK : 0);
        p32(addr_at + 4, data_room);
        p32(addr_at + 8, at + 0x80);
    }
    p32(RES, CHAIN);
}

static uint32_t lookup(const char *node, const char *service, uint16_t flags, uint8_t family)
{
    memset(guest + HINTS, 0, 28);
    memcpy(guest + HINTS, &flags, 2);
    guest[HINTS + 2] = family;
    guest[HINTS + 3] = SOCKTYPE_STREAM;
    guest[HINTS + 4] = 1;
    return CALL(sock_getaddrinfo, put_at(PATH1, node), strlen(node), put_at(PATH2, service),
                strlen(service), HINTS, RES, 3, RES_LEN);
}

static void test_getaddrinfo(void **state)
{
    (void)state;
    chain_make(26);
    assert_int_equal(lookup("127.0.0.1", "8080", 0, 0), 0);
    assert_int_equal(g32(RES_LEN), 1);
    assert_int_equal(guest[CHAIN + 2], FAMILY_INET4);
    assert_int_equal(guest[CHAIN + 3], SOCKTYPE_STREAM);
    assert_int_equal(g32(CHAIN + 4), 1);
    assert_int_equal(g32(CHAIN + 8), 16);
    assert_int_equal(g32(CHAIN + 0x40), FAMILY_INET4);
    assert_memory_equal(guest + CHAIN + 0x80, "\x1f\x90\177\0\0\1", 6);
    chain_make(14); /* a declared 14 means 26 */
    assert_int_equal(lookup("::1", "http", 0, FAMILY_INET6), 0);
    assert_memory_equal(guest + CHAIN + 0x80, "\0\120", 2);
    assert_int_equal(guest[CHAIN + 0x80 + 17], 1); /* the address stands at 2, as Go reads it */
    chain_make(26);
    assert_int_equal(lookup("", "80", 1, 0), 0); /* passive */
    assert_int_equal(g32(RES_LEN), 2);
    assert_memory_equal(guest + CHAIN + 0x80, "\0\120\0\0\0\0", 6);
    put_at(PATH1, "127.0.0.1");
    guest[PATH1 + 9] = 0; /* a final NUL may be counted */
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 10, PATH2, 0, HINTS, RES, 3, RES_LEN), 0);
    chain_make(4);
    assert_true(lookup("127.0.0.1", "80", 0, 0) != 0);
    chain_make(26);
    static const char *const odd[] = { "0177.0.0.1", "2130706433", "0x7f.1", "127.1" };
    for (int i = 0; i < 4; i++)
        assert_int_equal(lookup(odd[i], "80", 0, 0), EAI_NONAME_CODE);
    assert_int_equal(lookup("", "", 0, 0), EAI_NONAME_CODE);
    assert_int_equal(lookup("example.com", "80", 4, 0), EAI_NONAME_CODE); /* numeric host */
    assert_int_equal(lookup("example.com", "80", 0, 0), WASI_ACCES);
    p32(RES, MEMORY_BYTES - 8);
    assert_int_equal(lookup("127.0.0.1", "80", 0, 0), WASI_FAULT);
}

/* Hints beside what they give: family, socket type and protocol of the results, or the error. */
static void test_hints(void **state)
{
    (void)state;
    static const struct {
        uint8_t family, type;
        uint32_t protocol;
        uint8_t found_type;
        uint32_t found_protocol, err;
    } t[] = {
        { 0, 0, 0, SOCKTYPE_STREAM, 1, 0 },
        { 0, SOCKTYPE_DGRAM, 0, SOCKTYPE_DGRAM, 2, 0 },
        { 0, SOCKTYPE_STREAM, 0, SOCKTYPE_STREAM, 1, 0 },
        { 0, 0, 2, SOCKTYPE_DGRAM, 2, 0 },
        { 0, 0, 1, SOCKTYPE_STREAM, 1, 0 },
        { FAMILY_INET4, SOCKTYPE_DGRAM, 2, SOCKTYPE_DGRAM, 2, 0 },
        { FAMILY_INET6, SOCKTYPE_STREAM, 1, 0, 0, EAI_NONAME_CODE },
        { FAMILY_UNIX, 2, 1, 0, 0, FAMILY_CODE },
        { 255, 2, 1, 0, 0, FAMILY_CODE },
        { 0, 3, 1, 0, 0, SOCKTYPE_CODE },
        { 0, 2, 3, 0, 0, SOCKTYPE_CODE },
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        chain_make(26);
        memset(guest + HINTS, 0, 28);
        guest[HINTS + 2] = t[i].family;
        guest[HINTS + 3] = t[i].type;
        p32(HINTS + 4, t[i].protocol);
        assert_int_equal(CALL(sock_getaddrinfo, put_at(PATH1, "127.0.0.1"), 9, put_at(PATH2, "80"),
                              2, HINTS, RES, 3, RES_LEN),
                         t[i].err);
        if (!t[i].err)
            assert_true(guest[CHAIN + 3] == t[i].found_type &&
                        g32(CHAIN + 4) == t[i].found_protocol);
    }
}

static void test_services(void **state)
{
    (void)state;
    static const struct { const char *name; uint16_t flags; int port;
    } t[] = {
        { "0", 0, 0 },
        { "65535", 0, 65535 },
        { "65536", 0, -1 },
        { "99999", 0, -1 },
        { "080", 0, 80 },
        { "-1", 0, -1 },
        { "+1", 0, -1 },
        { "000080", 0, -1 },
        { "http", 0, 80 },
        { "https", 0, 443 },
        { "domain", 0, 53 },
        { "ldaps", 0, 636 },
        { "ftp", 0, 21 },
        { "ssh", 0, 22 },
        { "smtp", 0, 25 },
        { "redis", 0, 6379 },
        { "postgresql", 0, 5432 },
        { "mysql", 0, 3306 },
        { "ldap", 0, 389 },
        { "htt", 0, -1 },
        { "http", NUMERIC_SERVICE, -1 },
        { "80", NUMERIC_SERVICE, 80 },
        { "8a", 0, -1 },
        { "", 0, 0 },
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        chain_make(26);
        assert_int_equal(lookup("127.0.0.1", t[i].name, t[i].flags, 0),
                         t[i].port < 0 ? SERVICE_CODE : 0);
        if (t[i].port >= 0)
            assert_int_equal(guest[CHAIN + 0x80] << 8 | guest[CHAIN + 0x81], t[i].port);
    }
}

static void test_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t flags;
        uint8_t family;
        uint32_t err, n;
        const char *first;
    } t[] = {
        { "", PASSIVE, 0, 0, 2, "\0\0\0\0" },
        { "", 0, 0, 0, 2, "\177\0\0\1" },
        { "", 0, FAMILY_INET4, 0, 1, "\177\0\0\1" },
        { "1.2.3.4", 0, FAMILY_INET4, 0, 1, "\1\2\3\4" },
        { "1.2.3.4", 0, FAMILY_INET6, EAI_NONAME_CODE, 0, "" },
        { "::1", 0, FAMILY_INET4, EAI_NONAME_CODE, 0, "" },
        { "::1%lo", 0, 0, EAI_NONAME_CODE, 0, "" },
        { "localhost", 0, FAMILY_INET4, 0, 1, "\177\0\0\1" },
        { "localhost", 0, 0, 0, 2, "\177\0\0\1" },
        { "LocalHost", 0, FAMILY_INET4, 0, 1, "\177\0\0\1" },
        { "localhost", NUMERIC_HOST, 0, EAI_NONAME_CODE, 0, "" },
        { "other.test", 0, 0, WASI_ACCES, 0, "" },
        { "app.test", 0, FAMILY_INET4, AGAIN_CODE, 0, "" },
        { "a..b", 0, 0, EAI_NONAME_CODE, 0, "" },
        { "1.2.3.4.", 0, 0, EAI_NONAME_CODE, 0, "" },
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        chain_make(26);
        p32(RES_LEN, 77);
        uint32_t err = lookup(t[i].name, "80", t[i].flags, t[i].family);
        if (err != t[i].err || g32(RES_LEN) != (err ? 77 : t[i].n))
            print_error("%s: %u, %u found\n", t[i].name, err, g32(RES_LEN)), assert_true(false);
        if (!err)
            assert_memory_equal(guest + CHAIN + 0x82, t[i].first, 4);
    }
    chain_make(26); /* :: and ::1 without a name */
    assert_int_equal(lookup("", "80", PASSIVE, FAMILY_INET6), 0);
    static const uint8_t any[16], one[16] = { [15] = 1 };
    assert_memory_equal(guest + CHAIN + 0x82, any, 16);
    chain_make(26);
    assert_int_equal(lookup("", "80", 0, FAMILY_INET6), 0);
    assert_memory_equal(guest + CHAIN + 0x82, one, 16);
    assert_int_equal(g32(CHAIN + 0x44), 18);
    assert_true(guest[CHAIN + 2] == FAMILY_INET6 && g32(CHAIN + 0x40) == FAMILY_INET6);
    chain_make(26);
    p32(CHAIN + 20, 30); /* the length of a name that nobody asked for */
    assert_int_equal(lookup("localhost", "80", 64, FAMILY_INET6), 0);
    assert_memory_equal(guest + CHAIN + 0x82, one, 16);
    assert_true(guest[CHAIN] == 64 && g32(CHAIN + 20) == 0);
    /* one letter is a name, no service is none */
    assert_int_equal(lookup("a", "", 0, 0), WASI_ACCES);
    kicked = 1; /* the run ends while it waits */
    assert_int_equal(lookup("app.test", "80", 0, 0), WASI_INTR);
}

static void test_without_a_resolver(void **state)
{
    (void)state;
    chain_make(26);
    assert_int_equal(lookup("app.test", "80", 0, 0), WASI_ACCES);
    assert_int_equal(lookup("localhost", "80", 64, 0), 0);
    assert_int_equal(lookup("LocalHost.", "80", 64, 0), 0);
    assert_int_equal(lookup("localhost.test", "80", 64, 0), WASI_ACCES);
    assert_int_equal(lookup("127.0.0.1", "80", 0, 0), 0);
}

/* No byte is written where the guest did not say that there is room. */
static void test_room_in_the_chain(void **state)
{
    (void)state;
    static const struct { uint8_t family; uint32_t room, err; } t[] = {
        { FAMILY_INET4, 5, MEMORY_CODE }, { FAMILY_INET4, 6, 0 }, { FAMILY_INET6, 17, MEMORY_CODE },
        { FAMILY_INET6, 18, 0 }, { FAMILY_INET6, 14, 0 }, { FAMILY_INET6, 13, MEMORY_CODE },
        { FAMILY_INET4, 0, MEMORY_CODE },
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint32_t used = t[i].family == FAMILY_INET4 ? 6 : 18;
        chain_make(t[i].room);
        memset(guest + CHAIN + 0x80, 0xee, 64);
        assert_int_equal(lookup("", "80", 0, t[i].family), t[i].err);
        assert_int_equal(guest[CHAIN + 0x80 + used], 0xee);
        assert_int_equal(guest[CHAIN + 0x80] == 0xee, t[i].err != 0);
    }
    for (uint32_t most = 0; most < 3; most++) { /* two results */
        chain_make(26);
        p32(CHAIN + LINK + 4, 0xabcdef);
        memset(guest + HINTS, 0, 28);
        assert_int_equal(
            CALL(sock_getaddrinfo, PATH1, 0, put_at(PATH2, "80"), 2, HINTS, RES, most, RES_LEN),
            most ? 0 : MEMORY_CODE);
        if (most)
            assert_int_equal(g32(RES_LEN), most);
        assert_int_equal(g32(CHAIN + LINK + 4) == 0xabcdef, most < 2);
    }
    chain_make(26);
    p32(CHAIN + 24, 0); /* the chain ends before the results do */
    assert_int_equal(lookup("", "80", 0, 0), 0);
    assert_int_equal(g32(RES_LEN), 1);
    chain_make(26);
    p32(RES, 0); /* there is none */
    assert_int_equal(lookup("", "80", 0, 0), 0);
    assert_int_equal(g32(RES_LEN), 0);
    chain_make(26);
    /* an address past the end, its bytes past it, the count past it */
    p32(CHAIN + 12, MEMORY_BYTES - 11);
    assert_int_equal(lookup("", "80", 0, 0), WASI_FAULT);
    chain_make(26);
    p32(CHAIN + 0x48, MEMORY_BYTES - 5);
    assert_int_equal(lookup("", "80", 0, FAMILY_INET4), WASI_FAULT);
    chain_make(26);
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 0, PATH2, 2, HINTS, RES, 3, MEMORY_BYTES - 3),
                     WASI_FAULT);
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 0, PATH2, 2, MEMORY_BYTES - 27, RES, 3, RES_LEN),
                     WASI_FAULT);
    assert_int_equal(
        CALL(sock_getaddrinfo, PATH1, 0, PATH2, 2, HINTS, MEMORY_BYTES - 3, 3, RES_LEN),
        WASI_FAULT);
    assert_int_equal(CALL(sock_getaddrinfo, MEMORY_BYTES - 3, 4, PATH2, 2, HINTS, RES, 3, RES_LEN),
                     WASI_FAULT);
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 1024, PATH2, 2, HINTS, RES, 3, RES_LEN),
                     WASI_NAMETOOLONG);
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, UINT32_MAX, PATH2, 2, HINTS, RES, 3, RES_LEN),
                     WASI_NAMETOOLONG);
    memcpy(guest + PATH1, "1.2.3.4\0", 8); /* a NUL that is counted, one in the middle */
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 8, PATH2, 2, HINTS, RES, 3, RES_LEN), 0);
    memcpy(guest + PATH1, "a\0b", 4);
    assert_int_equal(CALL(sock_getaddrinfo, PATH1, 3, PATH2, 2, HINTS, RES, 3, RES_LEN),
                     WASI_INVAL);
}

#define NAMED(name) cmocka_unit_test_setup_teardown(name, named_setup, teardown)

/* Where our resolver has no descriptor left, the program hears so. */
static void test_no_descriptor_for_the_resolver(void **state)
{
    (void)state;
    struct rlimit limit, none;
    uint32_t first = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM),
             second = opened_socket(FAMILY_INET4, SOCKTYPE_DGRAM);
    OK(sock_connect, first, addr4("192.0.2.53"), 53);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ 3, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    uint32_t err = CALL(sock_connect, second, addr4("192.0.2.53"), 53);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(err, WASI_MFILE);
    OK(sock_connect, second, addr4("192.0.2.53"), 53);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK(test_getaddrinfo), LOOPBACK(test_without_a_resolver),
        NAMED(test_hints), NAMED(test_services), NAMED(test_nodes),
        NAMED(test_room_in_the_chain), NAMED(test_no_descriptor_for_the_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
