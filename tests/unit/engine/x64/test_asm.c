/* The assembler's buffer (asm.c): where there is no memory for it, nothing is begun. */
#include "tests/unit/engine/wasm.h"

#include "engine/x64/asm.h"

static void test_no_memory(void **state)
{
    struct world *world = *state;
    struct engine *e = world->host.engine;
    struct assembler a = {.engine = NULL};
    scratch_reset(e);
    assert_false(asm_begin(&a, e, UINT32_MAX));
    assert_null(a.engine);
    assert_int_equal(e->error.kind, ERROR_NOMEM);
}

static void test_a_piece_of_so_many_bytes(void **state)
{
    struct world *world = *state;
    struct assembler a;
    struct piece piece;
    scratch_reset(world->host.engine);
    assert_true(asm_begin(&a, world->host.engine, 64));
    assert_ptr_equal(a.end - a.start, 64);
    assert_true(asm_end(&a, &piece));
    assert_ptr_equal(piece.code, a.start);
    assert_int_equal(piece.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_no_memory),
        WORLD_TEST(test_a_piece_of_so_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
