/* Bodies in place of calls, run on the host: their frames in backtraces, a body that is not valid,
 * the same code each time.  tests/ir/inline.wat says which bodies may stand so. */
#include "engine/run/code.h"
#include "tests/unit/engine/wasm.h"

#define PAGE_END 65535

enum { BOOM, LEAF, CALLER, DEEP, SET, NFUNCS };

/* Where calls and loads stand in the bodies below. */
enum { LEAF_CALL = 19, LEAF_LOAD = 36, CALLER_CALL = 11, DEEP_CALL = 48, DEEP_ITSELF = 34 };

/* How often BOOM and DEEP call themselves, and where the pointer leads that LEAF reads: 0 is BOOM's
 * case. */
#define PLAN(boom, deep, pointer) ((uint64_t)(pointer) << 8 | (boom) << 4 | (deep))

#define LEAF_BODY                                                                                  \
    "\x31\1\1\x7f\x23\0\x21\1\2\x40\x20\1\x29\3\x08\x50\4\x40\x41\0\x10\0\x23\0\x21\1\x0d\1\x0b"   \
    "\x20\1\x20\1\x29\3\x08\xa7\x29\3\0\x37\3\x10\x41\0\x0f\x0b\x41\1\x0b"

static void begin(struct wasm *wasm)
{
    wasm_begin(wasm);
    SECTION(wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(wasm, FUNCTIONS, "\5\0\0\0\0\0");
    SECTION(wasm, MEMORIES, "\1\1\1\1");
    SECTION(wasm, GLOBALS,
            "\x08\x7f\1\x41\x80\x20\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7f\1\x41\0\x0b");
}

static struct instance *example(struct world *world)
{
    struct wasm wasm;
    begin(&wasm);
    SECTION(&wasm, CODE,
            "\5"
            /* BOOM: if (--[4] >= 0) return itself() + 1; unreachable */
            "\x23\0\x41\4\x41\4\x28\2\0\x41\1\x6b\x36\2\0\x41\4\x28\2\0\x41\0\x4e\4\x40\x41\0\x10\0"
            "\x41\1\x6a\x0f\x0b\0\x0b"
            /* LEAF, as Go has it: if ([SP + 8] == 0) BOOM(); [SP + 16] = [[SP + 8]] */
            LEAF_BODY
            /* CALLER: LEAF() */
            "\x1a\1\1\x7f\x23\0\x21\1\2\x40\x41\0\x10\1\x23\0\x21\1\x0d\0\x41\0\x0f\x0b\x41\1\x0b"
            /* DEEP: if (--[0] >= 0) itself(); else LEAF() */
            "\x3f\1\1\x7f\x23\0\x21\1\2\x40\x41\0\x41\0\x28\2\0\x41\1\x6b\x36\2\0"
            "\x41\0\x28\2\0\x41\0\x4e\4\x40\x41\0\x10\3\x23\0\x21\1\x0d\1\x41\0\x0f\x0b\x41\0\x10\1"
            "\x23\0"
            "\x21\1\x0d\0\x41\0\x0f\x0b\x41\1\x0b"
            /* SET: [0], [4] and the argument of LEAF, by PLAN */
            "\x27\0\x41\0\x20\0\x41\x0f\x71\x36\2\0\x41\4\x20\0\x41\4\x76\x41\x0f\x71\x36\2\0"
            "\x41\x88\x20\x20\0\x41\x08\x76\xad\x37\3\0\x41\0\x0b");
    return wasm_make(world, &wasm);
}

static enum trap call(struct instance *instance, uint32_t func, uint64_t arg, uint64_t *result)
{
    struct cell cell = {arg, 0};
    assert_true(host_catch_faults());
    enum trap trap = func_call(instance, func, &cell);
    *result = cell.lo;
    return trap;
}

static enum trap call_by(struct instance *instance, uint32_t func, uint64_t plan)
{
    uint64_t result;
    assert_int_equal(call(instance, SET, plan, &result), TRAP_NONE);
    enum trap trap = call(instance, func, 0, &result);
    assert_true(trap || result == 0);
    return trap;
}

/* What a backtrace of at most `max` frames shows: functions, and places in the bodies of those
 * whose place is given. */
struct seen {
    uint32_t func, at;
};

static void expect_frames(struct instance *i, uint32_t max, uint32_t total, const struct seen *want)
{
    struct frame frames[8];
    uint32_t have_total, have = trap_frames(i->engine, frames, max, &have_total);
    assert_int_equal(have, total < max ? total : max);
    assert_int_equal(have_total, total);
    for (uint32_t k = 0; k < have; k++) {
        assert_int_equal(frames[k].func, want[k].func);
        assert_ptr_equal(frames[k].instance, i);
        if (want[k].at)
            assert_int_equal(frames[k].offset - i->module->funcs[want[k].func].body, want[k].at);
    }
}

static bool is_compiled(const struct instance *i, uint32_t func)
{
    return i->code->entry[func] != 0;
}

static void a_body_stands_in_place_of_its_call(void **state)
{
    struct instance *i = example(*state);
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, 64)), TRAP_NONE);
    assert_int_equal(call_by(i, DEEP, PLAN(0, 9, 64)), TRAP_NONE);
    assert_true(is_compiled(i, CALLER) && is_compiled(i, DEEP));
    assert_false(is_compiled(i, LEAF));
    assert_int_equal(call_by(i, LEAF, PLAN(0, 0, 64)), TRAP_NONE);
    assert_true(is_compiled(i, LEAF));
}

static void its_frame_is_in_backtraces(void **state)
{
    struct instance *i = example(*state);
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, PAGE_END)), TRAP_MEMORY);
    expect_frames(i, 8, 2, (struct seen[]){{LEAF, LEAF_LOAD}, {CALLER, CALLER_CALL}});
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, 0)), TRAP_UNREACHABLE);
    expect_frames(i, 8, 3, (struct seen[]){{BOOM, 0}, {LEAF, LEAF_CALL}, {CALLER, CALLER_CALL}});
    assert_int_equal(call_by(i, DEEP, PLAN(0, 2, PAGE_END)), TRAP_MEMORY);
    expect_frames(
        i, 8, 4,
        (struct seen[]){
            {LEAF, LEAF_LOAD}, {DEEP, DEEP_CALL}, {DEEP, DEEP_ITSELF}, {DEEP, DEEP_ITSELF}});
}

/* The first max - max / 2 and the last max / 2 are kept, whichever of them it is among. */
static void its_frame_takes_the_place_of_another(void **state)
{
    struct instance *i = example(*state);
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, PAGE_END)), TRAP_MEMORY);
    expect_frames(i, 1, 2, (struct seen[]){{LEAF, LEAF_LOAD}});
    expect_frames(i, 2, 2, (struct seen[]){{LEAF, LEAF_LOAD}, {CALLER, CALLER_CALL}});
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, 0)), TRAP_UNREACHABLE);
    expect_frames(i, 2, 3, (struct seen[]){{BOOM, 0}, {CALLER, CALLER_CALL}});
    assert_int_equal(call_by(i, DEEP, PLAN(0, 5, 0)), TRAP_UNREACHABLE);
    expect_frames(
        i, 4, 8,
        (struct seen[]){{BOOM, 0}, {LEAF, LEAF_CALL}, {DEEP, DEEP_ITSELF}, {DEEP, DEEP_ITSELF}});
    expect_frames(i, 6, 8,
                  (struct seen[]){{BOOM, 0},
                                  {LEAF, LEAF_CALL},
                                  {DEEP, DEEP_CALL},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, DEEP_ITSELF}});
    expect_frames(i, 7, 8,
                  (struct seen[]){{BOOM, 0},
                                  {LEAF, LEAF_CALL},
                                  {DEEP, DEEP_CALL},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, DEEP_ITSELF}});
    expect_frames(i, 8, 8,
                  (struct seen[]){{BOOM, 0},
                                  {LEAF, LEAF_CALL},
                                  {DEEP, DEEP_CALL},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, 0},
                                  {DEEP, DEEP_ITSELF}});
    assert_int_equal(call_by(i, CALLER, PLAN(3, 0, 0)), TRAP_UNREACHABLE);
    expect_frames(
        i, 5, 6,
        (struct seen[]){{BOOM, 0}, {BOOM, 0}, {BOOM, 0}, {LEAF, LEAF_CALL}, {CALLER, CALLER_CALL}});
    expect_frames(i, 4, 6,
                  (struct seen[]){{BOOM, 0}, {BOOM, 0}, {LEAF, LEAF_CALL}, {CALLER, CALLER_CALL}});
    expect_frames(i, 2, 6, (struct seen[]){{BOOM, 0}, {CALLER, CALLER_CALL}});
}

/* Compiled again, as for a backtrace, it is the same, also where the body is called meanwhile. */
static void the_code_is_the_same_each_time(void **state)
{
    struct instance *i = example(*state);
    struct piece first, again;
    uint8_t bytes[256];
    assert_true(code_compile(i, CALLER, false, &first) && first.bytes <= sizeof bytes);
    uint32_t n = first.bytes;
    memcpy(bytes, first.code, n);
    assert_int_equal(call_by(i, LEAF, PLAN(0, 0, 64)), TRAP_NONE);
    assert_true(code_compile(i, CALLER, true, &again));
    assert_int_equal(again.bytes, n);
    assert_memory_equal(again.code, bytes, n);
}

struct wanted {
    uint64_t offset;
    bool is_there;
};

static void want(void *self, uint64_t offset, uint64_t bytes)
{
    struct wanted *w = self;
    w->is_there |= offset <= w->offset && w->offset < offset + bytes;
}

/* In a run from an image the module's bytes come late, and what is known of them does not. */
static void a_body_is_asked_for_each_time(void **state)
{
    struct instance *i = example(*state);
    struct engine_env kept = i->engine->env;
    struct piece piece;
    for (int time = 0; time < 2; time++) {
        struct wanted wanted = {.offset = i->module->funcs[LEAF].body};
        i->engine->env.self = &wanted;
        i->engine->env.module_want = want;
        bool done = code_compile(i, CALLER, false, &piece);
        i->engine->env.self = kept.self;
        i->engine->env.module_want = kept.module_want;
        assert_true(done && wanted.is_there);
    }
}

/* Its call finds that out. */
static void a_body_that_is_not_valid_is_called(void **state)
{
    struct world *world = *state;
    struct engine *e = world->host.engine;
    static const uint8_t leaf[] = LEAF_BODY;
    struct instance *i = example(world);
    struct func *f = &i->module->funcs[LEAF];
    uint8_t *body = (uint8_t *)i->module->bytes + f->body;
    assert_memory_equal(body, leaf + 1, f->body_len);
    body[42] = 0x42; /* returns an i64 */
    i->module->valid[LEAF] = false;
    assert_int_equal(call_by(i, CALLER, PLAN(0, 0, 64)), TRAP_BAD_BODY);
    assert_int_equal(e->error.kind, ERROR_INVALID);
    assert_non_null(strstr(e->error.text, "function 1"));
    assert_true(is_compiled(i, CALLER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_body_stands_in_place_of_its_call),
        WORLD_TEST(its_frame_is_in_backtraces),
        WORLD_TEST(its_frame_takes_the_place_of_another),
        WORLD_TEST(the_code_is_the_same_each_time),
        WORLD_TEST(a_body_is_asked_for_each_time),
        WORLD_TEST(a_body_that_is_not_valid_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
