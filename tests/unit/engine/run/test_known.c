/* engine/run/known.c: Go's memeqbody is found by its body alone, and one with another constant is
 * not.  What its front does: tests/spec/own/memequal.wast; of all fronts: tests/known. */
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

static struct instance *example(struct world *world)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\3\x7e\x7e\x7e\1\x7e");
    SECTION(&wasm, FUNCTIONS, "\2\0\0");
    SECTION(&wasm, MEMORIES, "\1\1\1\1");
    SECTION(&wasm, GLOBALS, "\1\x7f\1\x41\0\x0b");
    SECTION(&wasm, CODE, "\2\x45" FRONTED "\x45" OTHER);
    return wasm_make(world, &wasm);
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
    const struct CMUnitTest tests[] = { WORLD_TEST(the_body_is_found_and_no_other) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
