/* --invoke's words and results: which numbers a word can be, and how numbers are printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* the monitor has its own */
#include "vmm/machine/machine.h"

static struct invoke_word word(const char *text)
{
    char *args[] = { "app.wasm", (char *)text };
    const struct settings settings = { .invoke = "f" };
    struct config config = { .set = &settings, .args = args, .argc = 2 };
    uint8_t *control = calloc(1, 16 + invoke_bytes(&config)); /* ASan sees a byte too many */
    assert_int_equal(invoke_bytes(&config) % 8, 0);
    invoke_write(&config, control, 16);
    const struct invoke *invoke = (const struct invoke *)(control + 16);
    assert_int_equal(invoke->nwords, 1);
    assert_string_equal((char *)control + invoke->name_off, "f");
    struct invoke_word out = invoke->words[0];
    free(control);
    return out;
}

static void test_integers(void **state)
{
    (void)state;
    static const struct { const char *text; uint64_t value; unsigned kinds; } rows[] = {
        { "0", 0, INVOKE_I32 | INVOKE_I64 },
        { "-1", UINT64_MAX, INVOKE_I32 | INVOKE_I64 },
        { "+7", 7, INVOKE_I32 | INVOKE_I64 },
        { "010", 10, INVOKE_I32 | INVOKE_I64 },
        { "0xff", 255, INVOKE_I32 | INVOKE_I64 },
        { "4294967295", UINT32_MAX, INVOKE_I32 | INVOKE_I64 },
        { "4294967296", UINT64_C(1) << 32, INVOKE_I64 },
        { "-2147483648", (uint64_t)INT32_MIN, INVOKE_I32 | INVOKE_I64 },
        { "-2147483649", (uint64_t)INT32_MIN - 1, INVOKE_I64 },
        { "18446744073709551615", UINT64_MAX, INVOKE_I64 },
        { "-9223372036854775808", UINT64_C(1) << 63, INVOKE_I64 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct invoke_word w = word(rows[i].text);
        assert_int_equal(w.kinds & ~(unsigned)INVOKE_FLOAT, rows[i].kinds);
        assert_true(w.integer == rows[i].value);
    }
}

static void test_words_that_are_no_integers(void **state)
{
    (void)state;
    static const char *const rows[] = { "",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "--1",
                                        "-+1",
                                        "0x",
                                        "0xg",
                                        "x",
                                        "18446744073709551616",
                                        "-9223372036854775809",
                                        "1e3",
                                        "-" };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(word(rows[i]).kinds & (INVOKE_I32 | INVOKE_I64), 0);
}

static void test_floats(void **state)
{
    (void)state;
    struct invoke_word w = word("0.1");
    assert_int_equal(w.kinds, INVOKE_FLOAT);
    assert_true(w.f64 == 0x3fb999999999999a && w.f32 == 0x3dcccccd);
    assert_true(word("-inf").f32 == 0xff800000);
    assert_int_equal(word("1e400").kinds, INVOKE_FLOAT); /* infinity, as the nearest number */
    /* Rounded once, not by way of f64: just above the middle between two f32. */
    assert_true(word("1.00000017881393432617187499").f32 == 0x3f800001);
    static const char *const rows[] = { "", " 1", "1x", "one" };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(word(rows[i]).kinds & INVOKE_FLOAT, 0);
}

static void test_results(void **state)
{
    (void)state;
    static const struct invoke_result results[] = {
        { 0xffffffff, 0, 0x7f, 0 },
        { 1u << 31, 0, 0x7f, 0 },
        { UINT64_C(1) << 63, 0, 0x7e, 0 },
        { 0x3dcccccd, 0, 0x7d, 0 },
        { 0x3fb999999999999a, 0, 0x7c, 0 },
        { 0x7fc00000, 0, 0x7d, 0 },
        { 0xfff0000000000000, 0, 0x7c, 0 },
        { 0x8000000000000000, 0, 0x7c, 0 },
        { 2, 1, 0x7b, 0 },
        { 0, 0, 0x70, 0 },
        { 0x0000000000000001, 0, 0x7c, 0 },
    };
    const size_t n = sizeof results / sizeof results[0];
    char text[11 * INVOKE_LINE];
    size_t len = invoke_print(results, n, text, sizeof text);
    text[len] = 0;
    assert_string_equal(text, "-1\n-2147483648\n-9223372036854775808\n0.1\n0.1\nnan\n-inf\n-0\n"
                        "0x00000000000000010000000000000002\na reference\n5e-324\n");
    assert_int_equal(invoke_print(results, n, text, INVOKE_LINE), 3); /* as much as surely fits */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_words_that_are_no_integers),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
