/* engine/run/runtime.c and engine/lib.h: bulk memory and table operations at and over every edge;
 * growth and its limits. */
#include "engine/lib.h"
#include "tests/unit/engine/doubles.h"
#include "tests/unit/engine/wasm.h"

#define PAGE 65536ull

/* (memory 1 3) (table 4 6 funcref) (table 2 externref) (func) (data "abcdef") (elem func 0 0 0),
 * both passive */
static struct instance *example(struct world *world)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, TABLES, "\2\x70\1\4\6\x6f\0\2");
    SECTION(&wasm, MEMORIES, "\1\1\1\3");
    SECTION(&wasm, ELEMENTS, "\1\1\0\3\0\0\0");
    SECTION(&wasm, DATA_COUNT, "\1");
    SECTION(&wasm, CODE, "\1\2\0\x0b");
    SECTION(&wasm, DATA, "\1\1\6" "abcdef");
    return wasm_make(world, &wasm);
}

static void expect_trap(struct instance *instance, enum trap trap)
{
    assert_int_equal(instance->engine->trap, trap);
    instance->engine->trap = TRAP_NONE;
}

/* ---- memory ---- */

static void memory_grows_to_its_maximum(void **state)
{
    struct instance *instance = example(*state);
    uint64_t bytes;
    assert_int_equal(rt_memory_grow(instance, 0, 0, 0, 0, 0), 1);
    assert_int_equal(rt_memory_grow(instance, 1, 0, 0, 0, 0), 1);
    uint8_t *base = instance_memory(instance, 0, &bytes);
    assert_int_equal(bytes, 2 * PAGE);
    assert_int_equal(base[2 * PAGE - 1], 0);
    base[2 * PAGE - 1] = 1;
    assert_int_equal(rt_memory_grow(instance, 2, 0, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_memory_grow(instance, UINT32_MAX, 0, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_memory_grow(instance, 1, 0, 0, 0, 0), 2);
    assert_int_equal(rt_memory_grow(instance, 1, 0, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_memory_grow(instance, 0, 0, 0, 0, 0), 3);
}

static void memory_grows_to_the_limit_of_all_memories(void **state)
{
    struct world *world = *state;
    struct instance *first = example(world), *second = example(world);
    world->host.engine->env.memory_limit = 3 * PAGE;
    assert_int_equal(rt_memory_grow(first, 2, 0, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_memory_grow(first, 1, 0, 0, 0, 0), 1);
    assert_int_equal(rt_memory_grow(second, 1, 0, 0, 0, 0), 0xffffffff);
    assert_int_equal(world->host.engine->memory_total, 3 * PAGE);
}

static bool refuse(void *self, uint8_t *base, uint64_t old_bytes, uint64_t new_bytes)
{
    (void)self, (void)base, (void)old_bytes, (void)new_bytes;
    return false;
}

static void memory_that_the_surroundings_refuse_is_minus_one(void **state)
{
    struct world *world = *state;
    struct instance *instance = example(world);
    uint64_t bytes;
    world->host.engine->env.memory_grow = refuse;
    assert_int_equal(rt_memory_grow(instance, 1, 0, 0, 0, 0), 0xffffffff);
    instance_memory(instance, 0, &bytes);
    assert_int_equal(bytes, PAGE);
    assert_int_equal(world->host.engine->memory_total, PAGE);
}

static void memory_ranges_are_checked_whole_before_the_first_byte(void **state)
{
    struct instance *instance = example(*state);
    uint64_t bytes;
    uint8_t *base = instance_memory(instance, 0, &bytes);
    rt_memory_init(instance, PAGE - 2, 0, 3, 0, 0);
    expect_trap(instance, TRAP_MEMORY);
    rt_memory_init(instance, 0, 4, 3, 0, 0);
    expect_trap(instance, TRAP_MEMORY);
    for (uint64_t i = 0; i < PAGE; i++)
        if (base[i] != 0)
            fail_msg("byte %llu was written", (unsigned long long)i);
}

static void memory_ranges_may_end_at_the_end_and_be_empty_there(void **state)
{
    struct instance *instance = example(*state);
    rt_memory_init(instance, PAGE, 6, 0, 0, 0);
    expect_trap(instance, TRAP_NONE);
    rt_memory_init(instance, 0, 7, 0, 0, 0);
    expect_trap(instance, TRAP_MEMORY);
}

static void data_is_taken_from_segments_until_dropped(void **state)
{
    struct instance *instance = example(*state);
    uint64_t bytes;
    uint8_t *base = instance_memory(instance, 0, &bytes);
    rt_memory_init(instance, 10, 1, 4, 0, 0);
    assert_memory_equal(base + 9, "\0bcde\0", 6);
    rt_data_drop(instance, 0, 0, 0, 0, 0);
    rt_data_drop(instance, 0, 0, 0, 0, 0);
    rt_memory_init(instance, 10, 0, 0, 0, 0);
    expect_trap(instance, TRAP_NONE);
    rt_memory_init(instance, 10, 0, 1, 0, 0);
    expect_trap(instance, TRAP_MEMORY);
}

/* ---- tables ---- */

static void table_elements_are_read_and_written_inside(void **state)
{
    struct instance *instance = example(*state);
    uint64_t ref = rt_ref_func(instance, 0, 0, 0, 0, 0);
    assert_ptr_equal((void *)(uintptr_t)ref, &instance->refs[0]);
    rt_table_set(instance, 3, ref, 0, 0, 0);
    assert_int_equal(rt_table_get(instance, 3, 0, 0, 0, 0), ref);
    assert_int_equal(rt_table_get(instance, 2, 0, 0, 0, 0), 0);
    expect_trap(instance, TRAP_NONE);
    rt_table_set(instance, 4, ref, 0, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_get(instance, 4, 0, 0, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_get(instance, UINT32_MAX, 0, 0, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
}

static void table_grows_to_its_maximum_and_keeps_its_elements(void **state)
{
    struct instance *instance = example(*state);
    uint64_t ref = rt_ref_func(instance, 0, 0, 0, 0, 0);
    rt_table_set(instance, 1, ref, 0, 0, 0);
    assert_int_equal(rt_table_grow(instance, ref, 3, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_table_grow(instance, ref, UINT32_MAX, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_table_grow(instance, ref, 2, 0, 0, 0), 4);
    assert_int_equal(rt_table_size(instance, 0, 0, 0, 0, 0), 6);
    assert_int_equal(rt_table_grow(instance, ref, 1, 0, 0, 0), 0xffffffff);
    assert_int_equal(rt_table_grow(instance, ref, 0, 0, 0, 0), 6);
    static const bool is_ref[] = { false, true, false, false, true, true };
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(rt_table_get(instance, i, 0, 0, 0, 0), is_ref[i] ? ref : 0);
}

static void table_without_maximum_ends_at_the_engines_limit(void **state)
{
    struct instance *instance = example(*state);
    assert_int_equal(rt_table_grow(instance, 7, LIMIT_TABLE_ELEMS - 1, 1, 0, 0), 0xffffffff);
    assert_int_equal(rt_table_grow(instance, 7, LIMIT_TABLE_ELEMS - 2, 1, 0, 0), 2);
    assert_int_equal(rt_table_get(instance, LIMIT_TABLE_ELEMS - 1, 1, 0, 0, 0), 7);
    assert_int_equal(rt_table_grow(instance, 7, 1, 1, 0, 0), 0xffffffff);
}

static void table_that_grows_singly_costs_no_square(void **state)
{
    struct world *world = *state;
    struct instance *instance = example(world);
    uint64_t before = world->host.engine->heap_used;
    for (uint64_t i = 2; i < 100000; i++)
        assert_int_equal(rt_table_grow(instance, i, 1, 1, 0, 0), i);
    for (uint64_t i = 2; i < 100000; i++)
        assert_int_equal(rt_table_get(instance, i, 1, 0, 0, 0), i);
    assert_true(world->host.engine->heap_used - before < 5 * 100000 * sizeof(uint64_t));
}

static void table_heap_that_cannot_be_had_is_minus_one(void **state)
{
    struct world *world = *state;
    struct instance *instance = example(world);
    world->host.engine->env.heap_cap = world->host.engine->heap_used + 1000;
    assert_int_equal(rt_table_grow(instance, 7, 1000, 1, 0, 0), 0xffffffff);
    assert_int_equal(world->host.engine->error.kind, ERROR_NONE);
    assert_int_equal(rt_table_size(instance, 1, 0, 0, 0, 0), 2);
}

static void table_ranges_are_checked_whole(void **state)
{
    struct instance *instance = example(*state);
    uint64_t ref = rt_ref_func(instance, 0, 0, 0, 0, 0);
    rt_table_fill(instance, 2, ref, 3, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_init(instance, 2, 0, 3, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_init(instance, 0, 1, 3, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_copy(instance, 2, 0, 3, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    rt_table_copy(instance, 0, 2, 3, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rt_table_get(instance, i, 0, 0, 0, 0), 0);
    rt_table_fill(instance, 4, ref, 0, 0, 0);
    rt_table_init(instance, 4, 3, 0, 0, 0);
    rt_table_copy(instance, 4, 4, 0, 0, 0);
    expect_trap(instance, TRAP_NONE);
    rt_table_fill(instance, 5, ref, 0, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
}

static void table_copies_may_overlap(void **state)
{
    struct instance *instance = example(*state);
    rt_table_grow(instance, 0, 8, 1, 0, 0);
    for (uint64_t i = 0; i < 10; i++)
        rt_table_set(instance, i, i + 1, 1, 0, 0);
    rt_table_copy(instance, 2, 0, 6, 1, 1);
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(rt_table_get(instance, i + 2, 1, 0, 0, 0), i + 1);
    rt_table_copy(instance, 0, 2, 6, 1, 1);
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(rt_table_get(instance, i, 1, 0, 0, 0), i + 1);
}

static void elements_are_taken_from_segments_until_dropped(void **state)
{
    struct instance *instance = example(*state);
    uint64_t ref = rt_ref_func(instance, 0, 0, 0, 0, 0);
    rt_table_init(instance, 1, 1, 2, 0, 0);
    static const bool is_ref[] = { false, true, true, false };
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rt_table_get(instance, i, 0, 0, 0, 0), is_ref[i] ? ref : 0);
    rt_elem_drop(instance, 0, 0, 0, 0, 0);
    rt_table_init(instance, 1, 0, 0, 0, 0);
    expect_trap(instance, TRAP_NONE);
    rt_table_init(instance, 1, 0, 1, 0, 0);
    expect_trap(instance, TRAP_TABLE_ACCESS);
}

static void expect_changed(const struct table *table, uint64_t from, uint64_t n)
{
    assert_int_equal(changed.calls, 1);
    assert_ptr_equal(changed.table, table);
    assert_int_equal(changed.from, from);
    assert_int_equal(changed.n, n);
    changed.calls = 0;
}

static void the_compiler_hears_of_every_change_of_a_table(void **state)
{
    struct instance *instance = example(*state);
    struct table *table = instance->tables[0];
    uint64_t ref = rt_ref_func(instance, 0, 0, 0, 0, 0);
    changed.calls = 0;
    rt_table_set(instance, 3, ref, 0, 0, 0);
    expect_changed(table, 3, 1);
    rt_table_fill(instance, 1, ref, 2, 0, 0);
    expect_changed(table, 1, 2);
    rt_table_copy(instance, 0, 2, 2, 0, 0);
    expect_changed(table, 0, 2);
    rt_table_init(instance, 2, 1, 2, 0, 0);
    expect_changed(table, 2, 2);
    rt_table_grow(instance, ref, 1, 0, 0, 0);
    expect_changed(table, 4, 1);
    changed.refuse = true;
    assert_int_equal(rt_table_grow(instance, ref, 1, 0, 0, 0), 0xffffffff);
    changed.refuse = false;
    assert_int_equal(rt_table_size(instance, 0, 0, 0, 0, 0), 5);
}

/* ---- engine/lib.h ---- */

#define SPAN 9000

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

static void moves_are_memmove_at_every_length_and_overlap(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0,   1,   2,   3,   4,    5,    7,    8,    9,   15,
                                      16,  17,  31,  32,  33,   63,   64,   65,   95,  127,
                                      128, 129, 191, 200, 1000, 2047, 2048, 2049, 4000 };
    static const int distances[] = { 0, 1, 3, 8, 15, 16, 17, 40, 63, 64, 65, 100, 2000, 4500 };
    uint8_t *got = malloc(SPAN), *want = malloc(SPAN);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t d = 0; d < 2 * sizeof distances / sizeof *distances; d++) {
            size_t from = d % 2 ? 4600 : 50, n = lengths[l];
            size_t to = d % 2 ? from - (size_t)distances[d / 2] : from + (size_t)distances[d / 2];
            n = n + (from > to ? from : to) > SPAN ? SPAN - (from > to ? from : to) : n;
            for (size_t i = 0; i < SPAN; i++)
                got[i] = want[i] = pattern(i);
            mem_move(got + to, got + from, n);
            memmove(want + to, want + from, n);
            if (memcmp(got, want, SPAN) != 0)
                fail_msg("%zu bytes from %zu to %zu", n, from, to);
        }
    free(got);
    free(want);
}

static void moves_and_fills_stay_inside(void **state)
{
    (void)state;
    for (size_t n = 0; n < 2200; n = n < 200 ? n + 1 : n + 333) {
        /* to the byte, for the sanitizer */
        uint8_t *from = malloc(n ? n : 1), *to = malloc(n ? n : 1);
        mem_fill(from, 0xa5, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(from[i], 0xa5);
        mem_move(to, from, n);
        assert_true(mem_equal(from, to, n));
        free(from);
        free(to);
    }
    assert_false(mem_equal((const uint8_t *)"abc", (const uint8_t *)"abd", 3));
}

static void every_trap_has_its_words(void **state)
{
    (void)state;
    for (enum trap trap = TRAP_NONE; trap < TRAP_COUNT; trap++)
        assert_true(strlen(trap_text(trap)) > 0);
    assert_string_equal(trap_text(TRAP_DIV_ZERO), "integer divide by zero");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(memory_grows_to_its_maximum),
        WORLD_TEST(memory_grows_to_the_limit_of_all_memories),
        WORLD_TEST(memory_that_the_surroundings_refuse_is_minus_one),
        WORLD_TEST(memory_ranges_are_checked_whole_before_the_first_byte),
        WORLD_TEST(memory_ranges_may_end_at_the_end_and_be_empty_there),
        WORLD_TEST(data_is_taken_from_segments_until_dropped),
        WORLD_TEST(table_elements_are_read_and_written_inside),
        WORLD_TEST(table_grows_to_its_maximum_and_keeps_its_elements),
        WORLD_TEST(table_without_maximum_ends_at_the_engines_limit),
        WORLD_TEST(table_that_grows_singly_costs_no_square),
        WORLD_TEST(table_heap_that_cannot_be_had_is_minus_one),
        WORLD_TEST(table_ranges_are_checked_whole),
        WORLD_TEST(table_copies_may_overlap),
        WORLD_TEST(elements_are_taken_from_segments_until_dropped),
        WORLD_TEST(the_compiler_hears_of_every_change_of_a_table),
        cmocka_unit_test(moves_are_memmove_at_every_length_and_overlap),
        cmocka_unit_test(moves_and_fills_stay_inside),
        cmocka_unit_test(every_trap_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
