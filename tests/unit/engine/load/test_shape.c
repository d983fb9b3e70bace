/* By what a function is recognised (shape.c): each instruction and each number in it counts, but
 * not what a linker chooses. */
#include "engine/load/opcodes.h"
#include "tests/unit/engine/wasm.h"

/* The shape of a function (i32) -> () with this body. */
static struct body_shape shape(void **state, const char *body, size_t len)
{
    struct world *world = *state;
    struct body_shape s;
    struct wasm wasm;
    char code[64] = {1, (char)len};
    assert_in_range(len, 2, 60);
    memcpy(code + 2, body, len);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\0");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, GLOBALS, "\2\x7f\1\x41\0\x0b\x7f\1\x41\0\x0b");
    wasm_section(&wasm, CODE, code, len + 2);
    struct instance *i = wasm_make(world, &wasm);
    assert_true(body_shape(i->module, 0, &s));
    return s;
}
#define SHAPE(body) shape(state, body, sizeof body - 1)

/* Bodies of one length, each unlike all others. */
static void test_each_instruction_counts(void **state)
{
    const uint64_t hashes[] = {
        SHAPE("\0\x20\0\x1a\x0b").hash,
        SHAPE("\0\x20\0\x45\x1a\x0b").hash,
        SHAPE("\0\x20\0\x67\x1a\x0b").hash,
        SHAPE("\0\x41\1\x1a\x0b").hash,
        SHAPE("\0\x41\2\x1a\x0b").hash,
        SHAPE("\1\1\x7f\x20\0\x1a\x0b").hash,
        SHAPE("\1\2\x7f\x20\0\x1a\x0b").hash,
        SHAPE("\1\1\x7e\x20\0\x1a\x0b").hash,
        SHAPE("\0\x20\0\x20\0\x20\0\xfc\x0a\0\0\x0b").hash, /* memory.copy */
        SHAPE("\0\x20\0\x20\0\x20\0\xfc\x0b\0\x0b").hash,   /* memory.fill */
        SHAPE("\0\x20\0\xb2\xfc\0\x1a\x0b").hash,         /* i32.trunc_sat_f32_s */
        SHAPE("\0\x20\0\xb2\xfc\1\x1a\x0b").hash,         /* ... u */
        SHAPE("\0\x20\0\xb2\xfc\4\x1a\x0b").hash,
    };
    for (size_t a = 0; a < sizeof hashes / sizeof hashes[0]; a++)
        for (size_t b = 0; b < a; b++)
            assert_true(hashes[a] != hashes[b]);
    assert_true(SHAPE("\0\x20\0\x1a\x0b").hash == hashes[0]);
}

/* What differs behind the head only, differs as a whole. */
static void test_head_and_body(void **state)
{
    static const char a[] = "\0\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x20\0\x1a\x0b",
                      b[] = "\0\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x41\0\x1a\x0b";
    struct body_shape one = shape(state, a, sizeof a - 1), other = shape(state, b, sizeof b - 1);
    assert_true(one.hash != other.hash);
    assert_int_equal(one.hash & 0xffff, other.hash & 0xffff);
}

/* No body that we know has vectors or asks for a table's size, whose number a call would have. */
static void test_what_is_not_recognised(void **state)
{
    static const struct { const char *body; size_t len; } rows[] = {
        { "\0\xfd\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1a\x0b", 21 },
        { "\0\xfc\x10\0\x1a\x0b", 6 },
    };
    for (int k = 0; k < 2; k++) {
        struct body_shape s;
        struct wasm wasm;
        char code[64] = {1, (char)rows[k].len};
        memcpy(code + 2, rows[k].body, rows[k].len);
        wasm_begin(&wasm);
        SECTION(&wasm, TYPES, "\1\x60\1\x7f\0");
        SECTION(&wasm, FUNCTIONS, "\1\0");
        SECTION(&wasm, TABLES, "\1\x70\0\1");
        wasm_section(&wasm, CODE, code, rows[k].len + 2);
        assert_false(body_shape(wasm_make(*state, &wasm)->module, 0, &s));
    }
}

/* N - 1, N and N + 1 constants that may be a linker's. */
static void test_as_many_linked_constants_as_there_is_room_for(void **state)
{
    for (uint32_t n = SHAPE_LINKED - 1; n <= SHAPE_LINKED + 1; n++) {
        struct body_shape s;
        struct wasm wasm;
        char code[512];
        uint32_t bytes = n * 5 + 2, at = 0;
        code[at++] = 1;
        code[at++] = (char)(bytes & 0x7f) | (char)0x80;
        code[at++] = (char)(bytes >> 7);
        code[at++] = 0;
        for (uint32_t k = 0; k < n; k++, at += 5)
            memcpy(code + at, "\x41\x80\xc0\0\x1a", 5); /* i32.const 0x2000, drop */
        code[at++] = 0x0b;
        wasm_begin(&wasm);
        SECTION(&wasm, TYPES, "\1\x60\0\0");
        SECTION(&wasm, FUNCTIONS, "\1\0");
        wasm_section(&wasm, CODE, code, at);
        struct instance *i = wasm_make(*state, &wasm);
        assert_int_equal(body_shape(i->module, 0, &s), n <= SHAPE_LINKED);
        if (n <= SHAPE_LINKED) {
            assert_int_equal(s.nlinked, n);
            assert_int_equal(s.linked[n - 1], 0x2000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_each_instruction_counts),
        WORLD_TEST(test_head_and_body),
        WORLD_TEST(test_what_is_not_recognised),
        WORLD_TEST(test_as_many_linked_constants_as_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
