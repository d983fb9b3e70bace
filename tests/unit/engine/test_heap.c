/* engine/heap.c: growth, alignment, limits; scratch memory that is used again. */
#include "engine/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEP (2ull << 20)
#define CAP  (16ull << 20)

struct fixture { struct engine engine; uint64_t granted; uint32_t grows; uint64_t most; };

static bool heap_grow(void *self, uint64_t bytes)
{
    struct fixture *f = self;
    f->grows++;
    if (bytes > f->most)
        return false;
    f->granted = bytes;
    return true;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->most = CAP;
    f->engine.env = (struct engine_env){
        .self = f, .heap = aligned_alloc(4096, CAP), .heap_cap = CAP, .heap_grow = heap_grow
    };
    memset(f->engine.env.heap, 0, CAP);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->engine.env.heap);
    free(f);
    return 0;
}

static void allocations_are_aligned_zeroed_and_apart(void **state)
{
    struct fixture *f = *state;
    uint8_t *last = NULL;
    for (uint64_t align = 1; align <= 64; align *= 2) {
        uint8_t *at = heap_alloc(&f->engine, 13, align);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % align, 0);
        assert_true(!last || at >= last + 13);
        for (int i = 0; i < 13; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xff, 13);
        last = at;
    }
    assert_int_equal(f->engine.stats.heap_bytes, f->engine.heap_used);
}

static void heap_grows_in_large_pages_and_only_when_needed(void **state)
{
    struct fixture *f = *state;
    assert_non_null(heap_alloc(&f->engine, 100, 8));
    assert_int_equal(f->granted, STEP);
    assert_non_null(heap_alloc(&f->engine, STEP - 200, 8));
    assert_int_equal(f->grows, 1);
    assert_non_null(heap_alloc(&f->engine, 200, 8));
    assert_int_equal(f->grows, 2);
    assert_int_equal(f->granted, 2 * STEP);
    assert_int_equal(f->engine.env.heap_usable, 2 * STEP);
}

static void heap_ends_at_its_cap(void **state)
{
    struct fixture *f = *state;
    assert_non_null(heap_alloc(&f->engine, CAP, 1));
    assert_null(heap_alloc(&f->engine, 1, 1));
    assert_int_equal(f->engine.error.kind, ERROR_NOMEM);
    assert_true(strlen(f->engine.error.text) > 0);
}

static void heap_sizes_do_not_overflow(void **state)
{
    struct fixture *f = *state;
    assert_non_null(heap_alloc(&f->engine, 64, 16));
    uint64_t used = f->engine.heap_used;
    assert_null(heap_alloc(&f->engine, UINT64_MAX, 16));
    assert_null(heap_alloc(&f->engine, UINT64_MAX - 63, 16));
    assert_null(scratch_alloc(&f->engine, UINT64_MAX));
    assert_null(scratch_alloc(&f->engine, UINT64_MAX - 14));
    assert_int_equal(f->engine.heap_used, used);
}

static void heap_refused_by_the_surroundings_is_an_error(void **state)
{
    struct fixture *f = *state;
    f->most = STEP;
    assert_non_null(heap_alloc(&f->engine, STEP, 1));
    assert_null(heap_alloc(&f->engine, 1, 1));
    assert_int_equal(f->engine.error.kind, ERROR_NOMEM);
    assert_int_equal(f->engine.heap_used, STEP);
}

static void empty_allocation_is_no_failure(void **state)
{
    struct fixture *f = *state;
    assert_non_null(heap_alloc(&f->engine, 0, 16));
}

/* One compilation's worth: many pieces, each with its own pattern, checked at the end. */
static uint8_t *compile(struct fixture *f, uint32_t pieces, uint32_t bytes)
{
    uint8_t **at = malloc(pieces * sizeof *at), *first;
    scratch_reset(&f->engine);
    for (uint32_t i = 0; i < pieces; i++) {
        at[i] = scratch_alloc(&f->engine, bytes);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % 16, 0);
        memset(at[i], (int)i, bytes);
    }
    for (uint32_t i = 0; i < pieces; i++)
        for (uint32_t k = 0; k < bytes; k++)
            assert_int_equal(at[i][k], (uint8_t)i);
    first = at[0];
    free(at);
    return first;
}

static void scratch_is_used_again_after_reset(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = compile(f, 500, 1000);
    uint64_t used = f->engine.heap_used;
    for (int i = 0; i < 50; i++)
        assert_ptr_equal(compile(f, 500, 1000), first);
    assert_int_equal(f->engine.heap_used, used);
}

static void scratch_survives_heap_allocations_between(void **state)
{
    struct fixture *f = *state;
    uint64_t kept = 0;
    for (uint32_t i = 1; i < 40; i++) {
        compile(f, 50 * i, 600);
        uint8_t *keep = heap_alloc(&f->engine, 100, 8);
        kept += 100;
        for (int k = 0; k < 100; k++)
            assert_int_equal(keep[k], 0);
        memset(keep, 0xaa, 100);
    }
    /* the largest compilation took 39 * 50 * 608 bytes; chunks that double never hold four times
     * that */
    assert_true(f->engine.heap_used - kept < 4ull * 39 * 50 * 608);
}

static void scratch_takes_one_piece_larger_than_all_chunks(void **state)
{
    struct fixture *f = *state;
    assert_non_null(scratch_alloc(&f->engine, 100));
    assert_non_null(heap_alloc(&f->engine, 8, 8)); /* the chunk cannot grow in place */
    uint8_t *large = scratch_alloc(&f->engine, 3 << 20);
    assert_non_null(large);
    memset(large, 1, 3 << 20);
    uint8_t *after = scratch_alloc(&f->engine, 64);
    assert_true(after >= large + (3 << 20) || after + 64 <= large);
}

static void scratch_chunk_grows_in_place_where_nothing_follows(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = scratch_alloc(&f->engine, 60 << 10);
    uint8_t *second = scratch_alloc(&f->engine, 60 << 10);
    assert_ptr_equal(second, first + (60 << 10));
    assert_true(f->engine.heap_used <= 192 << 10);
}

static void scratch_that_cannot_be_had_leaves_the_rest_usable(void **state)
{
    struct fixture *f = *state;
    f->most = STEP;
    assert_non_null(scratch_alloc(&f->engine, 1 << 20));
    assert_null(scratch_alloc(&f->engine, 2 << 20));
    assert_int_equal(f->engine.error.kind, ERROR_NOMEM);
    scratch_reset(&f->engine);
    assert_non_null(scratch_alloc(&f->engine, 1 << 20));
}

/* A further chunk is a quarter of the last; near the heap's end it is as small as what is asked
 * for, to the byte. */
static void a_last_chunk_fits_what_is_left(void **state)
{
    struct fixture *f = *state;
    enum { LAST = 4 << 20, ASKED = 50 << 10, HEAD = 16 };
    for (unsigned more = 0; more < 2; more++) {
        assert_non_null(scratch_alloc(&f->engine, LAST));
        assert_non_null(heap_alloc(&f->engine, 16, 16)); /* it cannot grow in place */
        f->engine.error.kind = ERROR_NONE;
        f->engine.env.heap_cap = f->engine.heap_used + HEAD + ASKED - (more ? 0 : 16);
        uint8_t *at = scratch_alloc(&f->engine, ASKED);
        assert_int_equal(f->engine.error.kind, more ? ERROR_NONE : ERROR_NOMEM);
        assert_int_equal(at != NULL, more);
        if (at)
            memset(at, 1, ASKED);
        f->engine.env.heap_cap = CAP;
        scratch_reset(&f->engine);
    }
}

/* The last byte of a step needs no further one. */
static void heap_steps_up_to_their_ends(void **state)
{
    struct fixture *f = *state;
    for (uint32_t step = 1; step <= CAP / STEP; step++) {
        assert_non_null(heap_alloc(&f->engine, STEP - 1, 1));
        assert_non_null(heap_alloc(&f->engine, 1, 1));
        assert_int_equal(f->granted, step * STEP);
        assert_int_equal(f->grows, step);
    }
    assert_null(heap_alloc(&f->engine, 1, 1));
    assert_int_equal(f->grows, CAP / STEP);
}

/* Where the cap is no multiple of a step, all of it can be had, and no more is asked for. */
static void heap_with_a_last_step_that_is_cut(void **state)
{
    struct fixture *f = *state;
    f->engine.env.heap_cap = f->most = STEP + 4096;
    assert_non_null(heap_alloc(&f->engine, STEP, 1));
    assert_non_null(heap_alloc(&f->engine, 1, 1));
    assert_int_equal(f->granted, STEP + 4096);
    assert_non_null(heap_alloc(&f->engine, 4095, 1));
    assert_null(heap_alloc(&f->engine, 1, 1));
    assert_int_equal(f->engine.error.kind, ERROR_NOMEM);
    assert_int_equal(f->granted, STEP + 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(allocations_are_aligned_zeroed_and_apart),
        TEST(heap_grows_in_large_pages_and_only_when_needed),
        TEST(heap_ends_at_its_cap),
        TEST(heap_steps_up_to_their_ends),
        TEST(heap_with_a_last_step_that_is_cut),
        TEST(heap_sizes_do_not_overflow),
        TEST(heap_refused_by_the_surroundings_is_an_error),
        TEST(empty_allocation_is_no_failure),
        TEST(scratch_is_used_again_after_reset),
        TEST(scratch_survives_heap_allocations_between),
        TEST(scratch_takes_one_piece_larger_than_all_chunks),
        TEST(scratch_chunk_grows_in_place_where_nothing_follows),
        TEST(scratch_that_cannot_be_had_leaves_the_rest_usable),
        TEST(a_last_chunk_fits_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
