/* Hashes by the standard's own examples, both ways of computing them, and the sum against
 * accidents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef fail
#include "vmm/cache/hash.c"

static void hex_is(const struct hash *hash, const char *wanted)
{
    char text[65];
    for (unsigned i = 0; i < 32; i++)
        sprintf(text + 2 * i, "%02x", hash->bytes[i]);
    assert_string_equal(text, wanted);
}

/* FIPS 180-4's examples, and those of NIST's page on them. */
static void test_examples(void **state)
{
    (void)state;
    static const struct { const char *text, *wanted; } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct hash hash;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hash_of(rows[i].text, strlen(rows[i].text), &hash);
        hex_is(&hash, rows[i].wanted);
    }
    uint8_t *million = malloc(1000000);
    memset(million, 'a', 1000000);
    hash_of(million, 1000000, &hash);
    hex_is(&hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void test_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[BLOCK * 37];
    uint32_t plain[8] = {1, 2, 3, 4, 5, 6, 7, 8}, fast[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    if (!cpu_has_sha())
        skip();
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    blocks_plain(plain, bytes, 37);
    blocks_sha(fast, bytes, 37);
    assert_memory_equal(plain, fast, sizeof plain);
}

static void test_sums(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    uint32_t lanes[2][4] = {{1, 2, 3, 4}, {1, 2, 3, 4}}, zeros = sum_of(bytes, sizeof bytes);
    assert_int_not_equal(zeros, 0);
    for (unsigned bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(sum_of(bytes, sizeof bytes), zeros);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    sum_slow(lanes[0], bytes, sizeof bytes);
    sum_fast(lanes[1], bytes, sizeof bytes);
    assert_memory_equal(lanes[0], lanes[1], sizeof lanes[0]);
}

/* The CRC of "123456789" as its catalogue has it. */
static void test_polynomial(void **state)
{
    (void)state;
    uint32_t crc = ~0u;
    for (const char *at = "123456789"; *at; at++)
        crc = crc_byte(crc, (uint8_t)*at);
    assert_int_equal(~crc, 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_polynomial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
