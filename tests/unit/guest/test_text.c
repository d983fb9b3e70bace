/* Bounded text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/guest.h"

static void numbers(void **state)
{
    (void)state;
    char bytes[128];
    struct text text = {.bytes = bytes, .cap = sizeof bytes};
    text_add_number(&text, 0);
    text_add(&text, " ");
    text_add_number(&text, UINT64_MAX);
    text_add(&text, " ");
    text_add_hex(&text, 0);
    text_add(&text, " ");
    text_add_hex(&text, 0xfedcba9876543210);
    assert_string_equal(bytes, "0 18446744073709551615 0x0 0xfedcba9876543210");
    assert_int_equal(text.len, strlen(bytes));
}

static void cut_at_the_end(void **state)
{
    (void)state;
    for (size_t cap = 1; cap < 20; cap++) {
        char *bytes = malloc(cap), expect[32];
        struct text text = {.bytes = bytes, .cap = cap};
        bytes[0] = 0;
        text_add(&text, "one");
        text_add_number(&text, 234567);
        text_add(&text, "end");
        snprintf(expect, cap < sizeof expect ? cap : sizeof expect, "one234567end");
        assert_string_equal(bytes, expect);
        assert_int_equal(text.len, strlen(expect));
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(cut_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
