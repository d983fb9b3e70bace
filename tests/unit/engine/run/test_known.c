/* engine/run/known.c: Go's functions over bytes are found by their bodies alone, and those with
 * another constant or callee are not.  What fronts do: tests/known; memequal's, too:
 * tests/spec/own/memequal.wast. */
#include "tests/unit/engine/wasm.h"

#include "engine/run/code.h"
#include "engine/x64/target.h"

/* As Go's assembler makes it, 1.21 to 1.27. */
#define BODY "\0\x20\0\x20\1\x51\4\x40\x42\1\x0f\x0b\3\x40\x20\2\x50\4\x40\x42\1\x0f\x0b" \
    "\x20\0\xa7\x31\0\0\x20\1\xa7\x31\0\0" \
    "\x52\4\x40\x42\0\x0f\x0b\x20\0\x42\1\x7c\x21\0\x20\1\x42\1\x7c\x21\1\x20\2\x42"
#define FRONTED BODY "\1\x7d\x21\2\x0c\0\x0b\0\0\x0b"
#define OTHER   BODY "\2\x7d\x21\2\x0c\0\x0b\0\0\x0b" /* one constant differs */
_Static_assert(sizeof FRONTED - 1 == 69, "the body's length");

/* cmpbody calls memcmp. */
#define MEMCMP \
    "\x01\x02\x7f\x20\x02\x04\x7f\x03\x40\x20\x00\x2c\x00\x00\x22\x03\x20\x01\x2c\x00\x00" \
    "\x22\x04\x46\x04\x40\x20\x00\x41\x01\x6a\x21\x00\x20\x01\x41\x01\x6a\x21\x01\x41\x00" \
    "\x20\x02\x41\x7f\x6a\x22\x02\x45\x0d\x03\x1a\x0c\x01\x0b\x0b\x20\x03\x41\xff\x01\x71" \
    "\x20\x04\x41\xff\x01\x71"
#define COMPARE \
    "\x01\x02\x7e\x20\x01\x20\x03\x20\x01\x20\x03\x54\x1b\x21\x04\x20\x00\xa7\x20\x02\xa7" \
    "\x20\x04\xa7\x10"
#define COMPARE_END \
    "\xac\x22\x05\x50\x04\x40\x20\x01\x20\x03\x7d\x21\x05\x0b\x42\x00\x42\x7f\x42\x01\x20" \
    "\x05\x42\x00\x53\x1b\x20\x05\x50\x1b\x0f\x00\x0b"
#define SUB "\x6b\5\x41\0\x0b\x0f\0\x0b"
#define ADD "\x6a\5\x41\0\x0b\x0f\0\x0b" /* not the difference */
#define MEMCHR \
    "\x01\x02\x7f\x20\x01\x21\x04\x02\x40\x02\x40\x20\x02\x41\x00\x47\x22\x03\x20\x00\x41" \
    "\x03\x71\x41\x00\x47\x71\x04\x40\x03\x40\x20\x00\x2d\x00\x00\x20\x01\x46\x0d\x02\x20" \
    "\x02\x41\x7f\x6a\x22\x02\x41\x00\x47\x22\x03\x20\x00\x41\x01\x6a\x22\x00\x41\x03\x71" \
    "\x41\x00\x47\x71\x0d\x00\x0b\x0b\x20\x03\x0d\x00\x41\x00\x21\x01\x0c\x01\x0b\x20\x00" \
    "\x2d\x00\x00\x20\x04\x22\x03\x46\x04\x40\x20\x02\x21\x01\x05\x20\x04\x41"
#define MEMCHR_END \
    "\x08\x6c\x21\x04\x02\x40\x02\x40\x20\x02\x41\x03\x4b\x04\x40\x20\x02\x21\x01\x03" \
    "\x40\x20\x00\x28\x02\x00\x20\x04\x73\x22\x02\x41\x80\x81\x82\x84\x78\x71\x41\x80\x81" \
    "\x82\x84\x78\x73\x20\x02\x41\xff\xfd\xfb\x77\x6a\x71\x45\x04\x40\x20\x00\x41\x04\x6a" \
    "\x21\x00\x20\x01\x41\x7c\x6a\x22\x01\x41\x03\x4b\x0d\x01\x0c\x03\x0b\x0b\x05\x20\x02" \
    "\x21\x01\x0c\x01\x0b\x0c\x01\x0b\x20\x01\x45\x04\x40\x41\x00\x21\x01\x0c\x03\x0b\x0b" \
    "\x03\x40\x20\x00\x2d\x00\x00\x20\x03\x46\x0d\x02\x20\x00\x41\x01\x6a\x21\x00\x20\x01" \
    "\x41\x7f\x6a\x22\x01\x0d\x00\x41\x00\x21\x01\x0b\x0b\x0b\x20\x00\x41\x00\x20\x01\x1b" \
    "\x0f\x00\x0b"
#define ONES    "\x81\x82\x84"
#define NO_ONES "\x81\x82\x85"
_Static_assert(sizeof(MEMCMP SUB) - 1 == 77 && sizeof(COMPARE "\0" COMPARE_END) - 1 == 59 &&
                   sizeof(MEMCHR ONES MEMCHR_END) - 1 == 254, "the bodies' lengths");

static struct instance *example(struct world *world)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\4\x60\3\x7e\x7e\x7e\1\x7e\x60\4\x7e\x7e\x7e\x7e\1\x7e"
                          "\x60\3\x7f\x7f\x7f\1\x7f\x60\1\x7f\1\x7f");
    SECTION(&wasm, FUNCTIONS, "\10\0\0\2\2\1\1\2\2");
    SECTION(&wasm, MEMORIES, "\1\1\1\1");
    SECTION(&wasm, GLOBALS, "\1\x7f\1\x41\0\x0b");
    SECTION(&wasm, CODE, "\10\x45" FRONTED "\x45" OTHER "\x4d" MEMCMP SUB "\x4d" MEMCMP ADD
            "\x3b" COMPARE "\2" COMPARE_END "\x3b" COMPARE "\3" COMPARE_END
            "\xfe\1" MEMCHR ONES MEMCHR_END "\xfe\1" MEMCHR NO_ONES MEMCHR_END);
    return wasm_make(world, &wasm);
}

static void a_callee_that_does_the_work_is_looked_at(void **state)
{
    struct instance *i = example(*state);
    i->zero_base = true;
    i->module->valid[2] = false; /* nobody has called it */
    assert_int_equal(known_find(i, 4), FRONT_COMPARE);
    assert_true(i->module->valid[2]);
    assert_int_equal(known_find(i, 5), FRONT_NONE);
}

static void a_number_that_looks_like_an_address_is_compared(void **state)
{
    struct instance *i = example(*state);
    i->zero_base = true;
    assert_int_equal(known_find(i, 6), FRONT_MEMCHR);
    assert_int_equal(known_find(i, 7), FRONT_NONE);
}

static void a_front_needs_what_the_cpu_has(void **state)
{
    struct instance *i = example(*state);
    const struct functype *go = &i->module->types[3];
    i->zero_base = true;
    i->pinned[1] = 2; /* Go's g */
    i->engine->env.cpu = ENGINE_POPCNT;
    assert_true(front_fits(i, FRONT_COUNT_BYTES, go));
    assert_true(front_fits(i, FRONT_ADD_MUL, go));
    assert_false(front_fits(i, FRONT_SHA256, go));
    assert_false(front_fits(i, FRONT_AES_ENCRYPT, go));
    assert_false(front_fits(i, FRONT_GCM_CRYPT, go));
    assert_false(front_fits(i, FRONT_GHASH, go));
    assert_false(front_fits(i, FRONT_CRC32, go));
    assert_true(front_fits(i, FRONT_XOR_BYTES, go));
    assert_false(front_fits(i, FRONT_COUNT_BYTES, &i->module->types[2]));
    i->engine->env.cpu = ENGINE_AES | ENGINE_SSSE3;
    assert_true(front_fits(i, FRONT_AES_ENCRYPT, go));
    assert_true(front_fits(i, FRONT_GCM_CRYPT, go));
    assert_false(front_fits(i, FRONT_GHASH, go));
    i->engine->env.cpu = ENGINE_PCLMUL | ENGINE_SSSE3;
    assert_true(front_fits(i, FRONT_GHASH, go));
    assert_true(front_fits(i, FRONT_GHASH_BLOCK, go));
    assert_false(front_fits(i, FRONT_CRC32, go));
    assert_false(front_fits(i, FRONT_AES_DECRYPT_SLICE, go));
    i->engine->env.cpu = ENGINE_PCLMUL | ENGINE_SSE42;
    assert_true(front_fits(i, FRONT_CRC32, go));
    i->engine->env.cpu = 0;
    assert_false(front_fits(i, FRONT_COUNT_STRING, go));
    assert_true(front_fits(i, FRONT_ADD_MUL, go));
}

static void the_body_is_found_and_no_other(void **state)
{
    struct instance *i = example(*state);
    assert_int_equal(known_find(i, 0), FRONT_NONE); /* memory is not at address 0 */
    i->zero_base = true;
    assert_int_equal(known_find(i, 0), FRONT_MEMEQUAL);
    assert_int_equal(known_find(i, 1), FRONT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_body_is_found_and_no_other),
        WORLD_TEST(a_callee_that_does_the_work_is_looked_at),
        WORLD_TEST(a_front_needs_what_the_cpu_has),
        WORLD_TEST(a_number_that_looks_like_an_address_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
