/* DNS messages: what is built can be read, and what comes from a network or a guest can be
 * anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/net/inside.h"

static uint8_t packet[DNS_MESSAGE_MAX];
static struct dns_question question;

/* Exactly as long as the packet, so that the sanitizer sees a byte too many. */
static bool parse_question(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    bool good = dns_question_parse(copy, len, &question);
    free(copy);
    return good;
}

static int parse_addresses(const uint8_t *bytes, size_t len, uint16_t type, struct dns_address *a,
                           int max, uint8_t *rcode)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    int n = dns_addresses_parse(copy, len, type, a, max, rcode);
    free(copy);
    return n;
}

static void test_a_query_is_read_back(void **state)
{
    (void)state;
    size_t len = dns_query_build(packet, 0x1234, "www.example-1.com", DNS_AAAA);
    assert_true(parse_question(packet, len));
    assert_string_equal(question.name, "www.example-1.com");
    assert_int_equal(question.id, 0x1234);
    assert_int_equal(question.type, DNS_AAAA);
    assert_int_equal(question.class, 1);
    assert_int_equal(dns_query_build(packet, 1, "a..b", DNS_A), 0);
    char label[80];
    memset(label, 'x', 64);
    label[64] = 0;
    assert_int_equal(dns_query_build(packet, 1, label, DNS_A), 0);
}

static void test_names_become_small(void **state)
{
    (void)state;
    size_t len = dns_query_build(packet, 1, "WwW.ExAmPlE.CoM", DNS_A);
    assert_true(parse_question(packet, len));
    assert_string_equal(question.name, "www.example.com");
}

static void test_answers_are_read_back(void **state)
{
    (void)state;
    uint8_t out[512], rcode;
    struct dns_address in[4] = { { .ttl_s = 60 }, { .ttl_s = 0x12345678 } }, got[4];
    size_t len = dns_query_build(packet, 7, "example.com", DNS_A);
    assert_true(parse_question(packet, len));
    assert_true(ip_parse("1.2.3.4", &in[0].ip) && ip_parse("5.6.7.8", &in[1].ip));
    size_t built = dns_answer_build(out, sizeof out, packet, &question, RCODE_OK, in, 2);
    assert_int_equal(parse_addresses(out, built, DNS_A, got, 4, &rcode), 2);
    assert_int_equal(rcode, RCODE_OK);
    assert_memory_equal(got, in, 2 * sizeof *got);
    assert_int_equal(parse_addresses(out, built, DNS_AAAA, got, 4, &rcode), 0);
    assert_int_equal(parse_addresses(out, built, DNS_A, got, 1, &rcode), 1);
    /* a query is no answer */
    assert_int_equal(parse_addresses(packet, len, DNS_A, got, 4, &rcode), -1);
    built = dns_answer_build(out, sizeof out, packet, &question, RCODE_NXDOMAIN, NULL, 0);
    assert_int_equal(parse_addresses(out, built, DNS_A, got, 4, &rcode), 0);
    assert_int_equal(rcode, RCODE_NXDOMAIN);
    for (size_t cut = 0; cut < built; cut++)
        assert_int_equal(parse_addresses(out, cut, DNS_A, got, 4, &rcode), -1);
}

static void test_an_answer_keeps_to_its_room(void **state)
{
    (void)state;
    struct dns_address in[100] = { { .ttl_s = 1 } }, got[100];
    uint8_t *out, rcode;
    size_t len = dns_query_build(packet, 7, "example.com", DNS_AAAA);
    assert_true(parse_question(packet, len));
    for (size_t cap = 0; cap < 600; cap += 7) {
        out = malloc(cap + 1);
        size_t built = dns_answer_build(out, cap, packet, &question, RCODE_OK, in, 100);
        assert_true(built <= cap);
        if (built)
            assert_true(parse_addresses(out, built, DNS_AAAA, got, 100, &rcode) >= 0);
        free(out);
    }
}

/* CNAME first, then the address, with names as pointers: what a real server sends. */
static void test_an_answer_by_way_of_another_name(void **state)
{
    (void)state;
    static const uint8_t answer[] = "\0\7\x81\x80\0\1\0\2\0\0\0\0\1a\1b\0\0\1\0\1"
                                    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1c\xc0\x0e"
                                    "\xc0\x1f\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4";
    struct dns_address got[4];
    uint8_t rcode;
    assert_int_equal(parse_addresses(answer, sizeof answer - 1, DNS_A, got, 4, &rcode), 1);
    assert_memory_equal(got[0].ip.b + 12, "\1\2\3\4", 4);
    for (size_t cut = 0; cut < sizeof answer - 1; cut++)
        assert_int_equal(parse_addresses(answer, cut, DNS_A, got, 4, &rcode), -1);
}

static void test_questions_that_are_none(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; } bad[] = {
        { "", 0 }, { "\0\1", 2 },
        { "\0\1\1\0\0\0\0\0\0\0\0\0\1a\0\0\1\0\1", 19 },           /* no question */
        { "\0\1\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1", 19 },           /* two */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17 },              /* the root */
        /* a name that points to itself */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18 },
        { "\0\1\1\0\0\1\0\0\0\0\0\0\1 \0\0\1\0\1", 19 },           /* a blank */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\3a.b\0\0\1\0\1", 21 },         /* a dot inside a label */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\2a\0\0\0\1\0\1", 20 },         /* a NUL */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0", 18 },             /* cut */
        /* a label longer than the message */
        { "\0\1\1\0\0\1\0\0\0\0\0\0\x3f\x61", 14 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(parse_question((const uint8_t *)bad[i].bytes, bad[i].len));
    uint8_t longest[600] = "\0\1\1\0\0\1\0\0\0\0\0\0"; /* labels without end */
    for (size_t i = 12; i + 64 < sizeof longest; i += 64) {
        longest[i] = 63;
        memset(longest + i + 1, 'a', 63);
    }
    assert_false(parse_question(longest, sizeof longest));
}

/* Bytes changed at random in a good answer: nothing but a verdict may come of it. */
static void test_garbage(void **state)
{
    (void)state;
    uint8_t good[512], bytes[512], rcode;
    struct dns_address in[8] = { { .ttl_s = 1 } }, got[8];
    uint64_t seed = 88172645463325252ull;
    size_t len = dns_query_build(packet, 7, "some.example.com", DNS_A);
    assert_true(parse_question(packet, len));
    size_t built = dns_answer_build(good, sizeof good, packet, &question, RCODE_OK, in, 8);
    for (int i = 0; i < 20000; i++) {
        memcpy(bytes, good, built);
        for (int k = 0; k < 4; k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            bytes[seed % built] = (uint8_t)(seed >> 32);
        }
        int n = parse_addresses(bytes, (seed >> 40) % 3 ? built : seed % built, DNS_A, got, 8,
                                &rcode);
        assert_true(n >= -1 && n <= 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_is_read_back),
        cmocka_unit_test(test_names_become_small),
        cmocka_unit_test(test_answers_are_read_back),
        cmocka_unit_test(test_an_answer_keeps_to_its_room),
        cmocka_unit_test(test_an_answer_by_way_of_another_name),
        cmocka_unit_test(test_questions_that_are_none),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
