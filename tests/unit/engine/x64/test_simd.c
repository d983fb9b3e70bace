/* Vectors where the official suite does not look: over the border to host functions, and on a CPU
 * that lacks SSE4.1. */
#include "tests/unit/engine/wasm.h"

#define VECTORS 9 /* one more than there are registers for */

/* Sums of the odd and of the even arguments, by halves. */
static enum trap host(void *data, struct instance *caller, struct cell *cells)
{
    struct cell sums[2] = { { 0, 0 }, { 0, 0 } };
    (void)caller;
    ++*(uint32_t *)data;
    for (int i = 0; i < VECTORS; i++) {
        sums[i & 1].lo += cells[i].lo;
        sums[i & 1].hi += cells[i].hi;
    }
    cells[0] = sums[0];
    cells[1] = sums[1];
    return TRAP_NONE;
}

/* Function 1 (param v128) (result v128 v128): the host function of its argument + 0, + 1, ..., + 8
 * in both lanes. */
static struct instance *caller_of_host(struct world *world, uint32_t *calls)
{
    static const uint8_t v128[VECTORS] = { VT_V128, VT_V128, VT_V128, VT_V128, VT_V128,
                                           VT_V128, VT_V128, VT_V128, VT_V128 };
    struct wasm wasm;
    char code[256] = "\1\x80\1\0"; /* one body, its length in two bytes, no locals */
    size_t len = 4;
    world->given = (struct extern_ref){
        .kind = EXTERN_FUNC, .host = { host, calls }, .host_type = { VECTORS, 2, v128, v128 }
    };
    for (char i = 0; i < VECTORS; i++) {
        /* local 0 + i64x2.splat(i) */
        const char add[] = { 0x20, 0, 0x42, i, '\xfd', 0x12, '\xfd', '\xce', 1 };
        memcpy(code + len, add, sizeof add);
        len += sizeof add;
    }
    memcpy(code + len, "\x10\0\x0b", 3);
    len += 3;
    code[1] = (char)((len - 3) | 0x80);
    code[2] = (char)((len - 3) >> 7);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES,
            "\2\x60\x09\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\2\x7b\x7b\x60\1\x7b\2\x7b\x7b");
    SECTION(&wasm, IMPORTS, "\1\3env\1h\0\0");
    SECTION(&wasm, FUNCTIONS, "\1\1");
    wasm_section(&wasm, CODE, code, len);
    return wasm_make(world, &wasm);
}

static void test_host(void **state)
{
    uint32_t calls = 0;
    struct instance *instance = caller_of_host(*state, &calls);
    struct cell cells[2] = { { 100, UINT64_C(1) << 63 }, { 0, 0 } };
    assert_int_equal(func_call(instance, 1, cells), TRAP_NONE);
    assert_int_equal(calls, 1);
    assert_int_equal(cells[0].lo, 5 * 100 + 0 + 2 + 4 + 6 + 8);
    assert_int_equal(cells[0].hi, (UINT64_C(5) << 63) + 20);
    assert_int_equal(cells[1].lo, 4 * 100 + 1 + 3 + 5 + 7);
    assert_int_equal(cells[1].hi, 16);
}

/* ---- CPUs ---- */

/* Functions 0 and 1 need SSE4.1, function 2 does not. */
static void on_cpu_without(uint32_t lacking)
{
    static const char *const names[] = { "i8x16.splat", "f64.floor" };
    struct world world = { .exporter = NULL };
    struct wasm wasm;
    struct cell cell;
    assert_true(host_open(&world.host, STACK_SMALL, HOST_MEMORY_LIMIT));
    world.host.env.cpu &= ~lacking;
    world.host.engine = engine_new(&world.host.env);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, FUNCTIONS, "\3\0\0\0");
    SECTION(&wasm, CODE, "\3"
            "\7\0\x41\1\xfd\x0f\x1a\x0b"
            "\x0d\0\x44\0\0\0\0\0\0\0\0\x9c\x1a\x0b"
            "\2\0\x0b");
    struct instance *instance = wasm_make(&world, &wasm);
    for (uint32_t f = 0; f < 2; f++) {
        assert_int_equal(func_call(instance, f, &cell), TRAP_BAD_BODY);
        assert_int_equal(engine_error(world.host.engine)->kind, ERROR_UNSUPPORTED);
        assert_non_null(strstr(engine_error(world.host.engine)->text, "needs a CPU with SSE4.1"));
        assert_non_null(strstr(engine_error(world.host.engine)->text, names[f]));
    }
    assert_int_equal(func_call(instance, 2, &cell), TRAP_NONE);
    host_close(&world.host);
}

static void test_cpu(void **state)
{
    (void)state;
    on_cpu_without(ENGINE_SSE41);
    on_cpu_without(ENGINE_SSSE3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_host),
        cmocka_unit_test(test_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
