/* The compiler's four functions and strlen, under other names, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define memcpy guest_memcpy
#define memmove guest_memmove
#define memset guest_memset
#define memcmp guest_memcmp
#define strlen guest_strlen
#define __popcountdi2 guest_popcount
#include "guest/lib.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef __popcountdi2

enum { SIZE = 64 };

static void fill(uint8_t bytes[SIZE])
{
    for (int i = 0; i < SIZE; i++)
        bytes[i] = i * 37 + 11;
}

static void moves_with_every_overlap(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 32; n++) {
        for (size_t from = 0; from < 32; from++) {
            for (size_t to = 0; to < 32; to++) {
                uint8_t got[SIZE], want[SIZE];
                fill(got);
                fill(want);
                assert_ptr_equal(guest_memmove(got + to, got + from, n), got + to);
                memmove(want + to, want + from, n);
                assert_memory_equal(got, want, SIZE);
            }
        }
    }
}

static void copies_and_fills(void **state)
{
    (void)state;
    for (size_t n = 0; n < SIZE; n++) {
        uint8_t from[SIZE], got[SIZE] = {0}, want[SIZE] = {0};
        fill(from);
        assert_ptr_equal(guest_memcpy(got, from, n), got);
        memcpy(want, from, n);
        assert_memory_equal(got, want, SIZE);
        assert_ptr_equal(guest_memset(got + 1, 0x1a5, n / 2), got + 1);
        memset(want + 1, 0xa5, n / 2);
        assert_memory_equal(got, want, SIZE);
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void compares(void **state)
{
    (void)state;
    uint8_t a[SIZE], b[SIZE];
    fill(a);
    fill(b);
    assert_int_equal(guest_memcmp(a, b, SIZE), 0);
    for (int i = 0; i < SIZE; i++) {
        b[i] ^= 0x80;
        assert_int_equal(sign(guest_memcmp(a, b, SIZE)), sign(memcmp(a, b, SIZE)));
        assert_int_equal(guest_memcmp(a, b, i), 0);
        b[i] ^= 0x80;
    }
}

static void measures_strings(void **state)
{
    (void)state;
    assert_int_equal(guest_strlen(""), 0);
    assert_int_equal(guest_strlen("wasm\0m"), 4);
}

static void counts_bits(void **state)
{
    (void)state;
    uint64_t value = 0x9e3779b97f4a7c15;
    assert_int_equal(guest_popcount(0), 0);
    assert_int_equal(guest_popcount(UINT64_MAX), 64);
    for (int i = 0; i < 64; i++, value *= 0xbf58476d1ce4e5b9) {
        assert_int_equal(guest_popcount(1ull << i), 1);
        assert_int_equal(guest_popcount(value), __builtin_popcountll(value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_with_every_overlap),
        cmocka_unit_test(copies_and_fills),
        cmocka_unit_test(compares),
        cmocka_unit_test(measures_strings),
        cmocka_unit_test(counts_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
