/* engine/load/returns.c: functions that never return 0.
 *
 * Each body is function 0 of a module of its own, of type (i32) -> (i32) if nothing else is said.
 * What it says of a body must hold for valid ones, and it must stay inside of those that are not.
 */
#include "tests/unit/engine/binary.h"

static bool never_zero(struct test_engine *t, uint8_t type, const void *body, size_t len)
{
    struct bytes b = {0}, code = {0};
    uint8_t functions[] = {3, 2, 1, type};
    ADD(&b, HEADER "\1\x10\3\x60\1\x7f\1\x7f\x60\1\x7f\1\x7e\x60\0\2\x7f\x7f");
    bytes_add(&b, functions, sizeof functions);
    ADD(&code, "\1");
    bytes_u32(&code, (uint32_t)len);
    bytes_add(&code, body, len);
    bytes_section(&b, 10, code.at, code.len);
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    bool never = func_never_zero(m, 0);
    assert_int_equal(func_never_zero(m, 0), never); /* known by then */
    bytes_free(&b);
    bytes_free(&code);
    return never;
}

#define NEVER(literal) assert_true(never_zero(*state, 0, literal, sizeof literal - 1))
#define ANYTHING(literal) assert_false(never_zero(*state, 0, literal, sizeof literal - 1))

/* `i32.const 1` is 41 01, `return` 0f, `end` 0b, `unreachable` 00; a body begins with locals. */
static void test_what_is_seen(void **state)
{
    NEVER("\0\x41\1\x0b");
    NEVER("\0\x41\x7f\x0b");
    NEVER("\1\2\x7e\x41\1\x0b"); /* locals */
    NEVER("\0\x02\x40\x20\0\x0d\0\0\x0b\x41\1\x0b"); /* as Go has it: block br_if 0 unreachable */
    NEVER("\0\x20\0\x04\x40\x41\2\x0f\x0b\x41\1\x0b"); /* two returns */
    NEVER("\0\x02\x40\x20\0\x0e\1\0\0\x0b\x41\1\x0b"); /* br_table within */
    NEVER("\0\x10\0\x1a\x41\1\x0b"); /* a call */
    /* immediates that look like code */
    NEVER("\0\x20\0\x29\3\0\x1a\x42\0\x1a\x43\0\0\0\0\x1a\x41\1\x0b");
}

static void test_what_may_be_0(void **state)
{
    ANYTHING("\0\x41\0\x0b");
    ANYTHING("\0\x20\0\x0b");
    ANYTHING("\0\x41\1\x1a\x41\0\x0b");
    ANYTHING("\0\x41\1\x20\0\x6b\x0b");
    ANYTHING("\0\x20\0\x04\x40\x41\0\x0f\x0b\x41\1\x0b"); /* one return of two */
    ANYTHING("\0\x41\0\x20\0\x0d\0\x1a\x41\1\x0b"); /* br_if to the function's label */
    ANYTHING("\0\x02\x40\x41\0\x0c\1\x0b\x41\1\x0b"); /* br from inside */
    ANYTHING("\0\x02\x40\x41\0\x20\0\x0e\1\0\1\x0b\x41\1\x0b"); /* br_table, its default */
    ANYTHING("\0\x02\x40\x41\0\x20\0\x0e\1\1\0\x0b\x41\1\x0b"); /* br_table, an entry */
    ANYTHING("\0\x20\0\x04\x7f\x41\0\x05\x41\1\x0b\x0b"); /* a constant, but not the last thing */
    ANYTHING("\0\x41\1\x12\0\x41\1\x0b"); /* return_call */
    ANYTHING("\0\x41\1\x41\1\x13\0\0\x41\1\x0b"); /* return_call_indirect */
}

static void test_other_types(void **state)
{
    assert_false(never_zero(*state, 1, "\0\x42\1\x0b", 4));
    assert_false(never_zero(*state, 2, "\0\x41\0\x41\1\x0b", 6)); /* of two results the last is 1 */
}

/* Whatever is behind a cut, nothing is read there: the module ends with its allocation. */
static void test_bodies_that_are_invalid(void **state)
{
    static const char whole[] = "\1\2\x7e\x02\x40\x20\0\x0e\1\0\0\x0b\xfd\x0c\x41\1\x0b";
    for (size_t len = 1; len < sizeof whole - 1; len++)
        never_zero(*state, 0, whole, len);
    ANYTHING("\0\x41\1\xfd\x0c\x0b"); /* vectors: not looked at */
    ANYTHING("\0\x41\1\xff\x0b");
    ANYTHING("\xff\xff\xff\xff\xff\xff\x0b"); /* locals without end */
    ANYTHING("\0\x0e\xff\xff\xff\xff\x0f\0\x41\1\x0b"); /* a table without end */
}

static void test_long_bodies_are_not_looked_at(void **state)
{
    struct bytes b = {0};
    ADD(&b, "\0");
    REPEAT(&b, 4090, "\1"); /* nop */
    ADD(&b, "\x41\1\x0b");
    assert_true(never_zero(*state, 0, b.at, b.len));
    bytes_free(&b);
    b = (struct bytes){0};
    ADD(&b, "\0");
    REPEAT(&b, 4093, "\1");
    ADD(&b, "\x41\1\x0b");
    assert_false(never_zero(*state, 0, b.at, b.len));
    bytes_free(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_seen),
        TEST(test_what_may_be_0),
        TEST(test_other_types),
        TEST(test_bodies_that_are_invalid),
        TEST(test_long_bodies_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
