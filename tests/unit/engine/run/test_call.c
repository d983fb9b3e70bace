/* Calls in and out of compiled code on the host: host functions, calls nested in them, traps and
 * what stays usable after them, faults at the edges of a memory, other instances' functions,
 * backtraces. */
#include "tests/unit/engine/wasm.h"

#define PAGE 65536ull

enum { HOST, CALL_HOST, RECURSE, LOAD, LOAD_FAR, DIVIDE, CALL_DIVIDE, GROW, NFUNCS };

/* What the host function does with its argument. */
struct host_plan {
    enum { ANSWER, NEST, FAIL, EXIT, LOOK } what;
    uint32_t func;
    uint64_t arg;
    enum trap nested;
    uint32_t calls;
};

static bool is_trap(struct engine *e, struct fault f, enum trap trap)
{
    uint64_t pc = 0, sp = 0;
    enum trap before = (enum trap)e->trap;
    bool is = engine_fault(e, &f, &pc, &sp) && (enum trap)e->trap == trap;
    e->trap = before;
    return is && pc && sp;
}

/* While wasm runs: which faults at the code's addresses are traps.  #UD, #GP and #DE are none,
 * wherever they are. */
static void faults_look(struct engine *e)
{
    uint64_t lo = (uint64_t)(uintptr_t)e->env.stack_lo,
             sp = (uint64_t)(uintptr_t)e->env.stack_hi - 4096;
    uint64_t pc = 0, code = (uint64_t)(uintptr_t)e->env.code_x;
    for (uint64_t at = 64; at < 65536 && !pc; at++)
        if (is_trap(e, (struct fault){ code + at, sp, 4096, true }, TRAP_MEMORY))
            pc = code + at;
    assert_true(pc);
    assert_false(is_trap(e, (struct fault){ pc, sp, 4096, false }, TRAP_MEMORY));
    assert_false(is_trap(e, (struct fault){ pc, sp, 0, false }, TRAP_MEMORY));
    assert_false(is_trap(e, (struct fault){ (uint64_t)(uintptr_t)faults_look, sp, 4096, true },
                         TRAP_MEMORY));
    assert_false(is_trap(e, (struct fault){ code + e->env.code_cap, sp, 4096, true }, TRAP_MEMORY));
    /* The guard below the stack, to 4 MiB, with a stack pointer near it. */
    assert_true(is_trap(e, (struct fault){ pc, lo, lo - 1, true }, TRAP_STACK));
    assert_true(is_trap(e, (struct fault){ pc, lo + 65536, lo - 1, true }, TRAP_STACK));
    assert_true(is_trap(e, (struct fault){ pc, lo + 65537, lo - 1, true }, TRAP_MEMORY));
    assert_true(is_trap(e, (struct fault){ pc, lo, lo, true }, TRAP_MEMORY));
    assert_true(is_trap(e, (struct fault){ pc, lo, lo - (4u << 20) + 1, true }, TRAP_STACK));
    assert_true(is_trap(e, (struct fault){ pc, lo, lo - (4u << 20), true }, TRAP_MEMORY));
}

static enum trap host(void *data, struct instance *caller, struct cell *cells)
{
    struct host_plan *plan = data;
    plan->calls++;
    if (plan->what == LOOK)
        faults_look(instance_engine(caller));
    if (plan->what == FAIL)
        return TRAP_HOST;
    if (plan->what == EXIT)
        return TRAP_EXIT;
    if (plan->what == NEST) {
        struct cell nested = { plan->arg, 0 };
        plan->what = ANSWER;
        plan->nested = func_call(caller, plan->func, &nested);
        plan->arg = nested.lo;
    }
    cells[0] = (struct cell){ (uint32_t)(cells[0].lo * 2), 0 };
    return TRAP_NONE;
}

/* Functions in the order of the enum above; all but RECURSE are (param i32) (result i32). */
static struct instance *example(struct world *world, struct host_plan *plan)
{
    static const uint8_t i32[] = { VT_I32 };
    struct wasm wasm;
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC,
                                        .host = { host, plan },
                                        .host_type = { 1, 1, i32, i32 } };
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\2\x60\1\x7f\1\x7f\x60\0\0");
    SECTION(&wasm, IMPORTS, "\1\3env\1h\0\0");
    SECTION(&wasm, FUNCTIONS, "\7\0\1\0\0\0\0\0");
    SECTION(&wasm, MEMORIES, "\1\1\1\2");
    SECTION(&wasm, EXPORTS, "\1\6divide\0\5");
    SECTION(&wasm, CODE, "\7"
            "\x09\0\x20\0\x10\0\x41\1\x6a\x0b"             /* host(x) + 1 */
            "\4\0\x10\2\x0b"                               /* itself */
            "\7\0\x20\0\x2d\0\0\x0b"                       /* i32.load8_u */
            "\x0b\0\x20\0\x2d\0\xff\xff\xff\xff\x0f\x0b"   /* i32.load8_u offset=0xffffffff */
            "\7\0\x41\x64\x20\0\x6d\x0b"                   /* -28 / x */
            "\7\0\x20\0\x10\5\x01\x0b"                     /* divide(x); nop */
            "\6\0\x20\0\x40\0\x0b");                       /* memory.grow */
    return wasm_make(world, &wasm);
}

static enum trap call(struct instance *instance, uint32_t func, uint64_t arg, uint64_t *result)
{
    struct cell cell = { arg, 0 };
    assert_true(host_catch_faults());
    enum trap trap = func_call(instance, func, &cell);
    *result = cell.lo;
    return trap;
}

static void expect_result(struct instance *instance, uint32_t func, uint64_t arg, uint64_t expected)
{
    uint64_t result;
    assert_int_equal(call(instance, func, arg, &result), TRAP_NONE);
    assert_int_equal(result, expected);
}

static void expect_trap(struct instance *instance, uint32_t func, uint64_t arg, enum trap expected)
{
    uint64_t result;
    assert_int_equal(call(instance, func, arg, &result), expected);
}

static void host_functions_are_called_with_cells(void **state)
{
    struct host_plan plan = { .what = ANSWER };
    struct instance *instance = example(*state, &plan);
    expect_result(instance, CALL_HOST, 20, 41);
    expect_result(instance, CALL_HOST, 0xffffffff, 0xffffffff);
    expect_result(instance, HOST, 4, 8);
    assert_int_equal(plan.calls, 3);
}

/* A module with Go's globals, which live in registers. */
static struct instance *like_go(struct world *world, struct host_plan *plan)
{
    static const uint8_t i32[] = { VT_I32 };
    struct wasm wasm;
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC,
                                        .host = { host, plan },
                                        .host_type = { 1, 1, i32, i32 } };
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(&wasm, IMPORTS, "\1\3env\1h\0\0");
    SECTION(&wasm, FUNCTIONS, "\3\0\0\0");
    SECTION(&wasm, GLOBALS,
            "\x08\x7f\1\x41\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b\x7e\1\x42\0\x0b");
    SECTION(&wasm, CODE, "\3"
            "\x10\0\2\x40\x20\0\x10\0\x0d\0\x41\5\x0f\x0b\x41\6\x0b" /* host(x) ? 6 : 5 */
            "\x0a\0\x20\0\x10\0\x1a\x23\2\xa7\x0b"                   /* host(x); wrap(g) */
            "\x0f\0\x20\0\xac\x42\3\x42\x20\x86\x7c\x24\2\x41\0\x0b"); /* g = x + (3 << 32) */
    struct instance *instance = wasm_make(world, &wasm);
    assert_true(instance->pinned[1] >= 0);
    return instance;
}

/* The caller jumps by the flags that a result of i32 comes with. */
static void host_functions_return_with_flags(void **state)
{
    struct host_plan plan = { .what = ANSWER };
    struct instance *instance = like_go(*state, &plan);
    expect_result(instance, 1, 0, 5);
    expect_result(instance, 1, 1, 6);
    expect_result(instance, 1, 0x80000000, 5); /* its double is 0 */
    expect_result(instance, 1, 0x180000000, 5);
}

/* What wasm writes while a host function runs is there when it returns. */
static void host_functions_may_change_g(void **state)
{
    struct host_plan plan = { .what = NEST, .func = 3, .arg = 0x1234 };
    struct instance *instance = like_go(*state, &plan);
    expect_result(instance, 2, 1, 0x1234);
    assert_int_equal(instance->globals[2]->lo, 0x300001234);
    expect_result(instance, 2, 1, 0x1234);
}

static void calls_nest_through_host_functions(void **state)
{
    struct host_plan plan = { .what = NEST, .func = CALL_HOST, .arg = 5 };
    struct instance *instance = example(*state, &plan);
    expect_result(instance, CALL_HOST, 20, 41);
    assert_int_equal(plan.nested, TRAP_NONE);
    assert_int_equal(plan.arg, 11);
    assert_int_equal(plan.calls, 2);
}

static void faults_that_are_traps(void **state)
{
    struct host_plan plan = { .what = LOOK };
    struct instance *instance = example(*state, &plan);
    uint64_t pc, sp;
    struct fault outside = { (uint64_t)(uintptr_t)((struct world *)*state)->host.env.code_x + 64, 0,
                             4096, true };
    assert_false(engine_fault(instance_engine(instance), &outside, &pc, &sp)); /* no wasm runs */
    expect_result(instance, CALL_HOST, 20, 41);
}

static void traps_of_nested_calls_end_there(void **state)
{
    static const struct { uint32_t func; enum trap trap;
    } traps[] = {
        { DIVIDE, TRAP_DIV_ZERO },
        { CALL_DIVIDE, TRAP_DIV_ZERO },
        { RECURSE, TRAP_STACK },
        { LOAD_FAR, TRAP_MEMORY },
    };
    for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
        struct host_plan plan = { .what = NEST, .func = traps[i].func, .arg = 0 };
        struct instance *instance = example(*state, &plan);
        expect_result(instance, CALL_HOST, 20, 41);
        assert_int_equal(plan.nested, traps[i].trap);
        expect_result(instance, DIVIDE, 7, 0xfffffffc);
    }
}

static void host_functions_end_a_run(void **state)
{
    struct host_plan plan = { .what = FAIL };
    struct instance *instance = example(*state, &plan);
    expect_trap(instance, CALL_HOST, 1, TRAP_HOST);
    plan.what = EXIT;
    expect_trap(instance, CALL_HOST, 1, TRAP_EXIT);
    plan.what = ANSWER;
    expect_result(instance, CALL_HOST, 1, 3);
}

static void memory_ends_at_its_last_byte(void **state)
{
    struct host_plan plan = { .what = ANSWER };
    struct instance *instance = example(*state, &plan);
    uint64_t bytes;
    uint8_t *base = instance_memory(instance, 0, &bytes);
    base[PAGE - 1] = 0x7b;
    expect_result(instance, LOAD, PAGE - 1, 0x7b);
    expect_trap(instance, LOAD, PAGE, TRAP_MEMORY);
    expect_trap(instance, LOAD, 0xffffffff, TRAP_MEMORY);
    expect_trap(instance, LOAD_FAR, 0, TRAP_MEMORY);
    expect_trap(instance, LOAD_FAR, 1, TRAP_MEMORY); /* 33 bits, not 32: no wrap to 0 */
    expect_trap(instance, LOAD_FAR, 0xffffffff, TRAP_MEMORY);
    expect_result(instance, GROW, 1, 1);
    expect_result(instance, LOAD, PAGE, 0);
    expect_result(instance, LOAD, 2 * PAGE - 1, 0);
    expect_trap(instance, LOAD, 2 * PAGE, TRAP_MEMORY);
    expect_result(instance, GROW, 1, 0xffffffff);
}

static void stack_that_overflows_is_usable_again(void **state)
{
    struct host_plan plan = { .what = ANSWER };
    struct instance *instance = example(*state, &plan);
    for (int i = 0; i < 3; i++) {
        expect_trap(instance, RECURSE, 0, TRAP_STACK);
        expect_result(instance, CALL_HOST, 20, 41);
    }
}

/* The second type that a very long table is called with goes without a table of code addresses, and
 * calls all the same: with arguments in registers and on the stack, and with every trap. */
static void calls_through_a_table_may_be_of_too_many_types(void **state)
{
    enum { SEVEN, SUM, FAST, SLOW, ELEMENTS_OF_TABLE = 5000000 };
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES,
            "\3\x60\0\1\x7f\x60\1\x7f\1\x7f\x60\x09\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7c\1\x7f");
    SECTION(&wasm, FUNCTIONS, "\4\0\2\1\1");
    SECTION(&wasm, TABLES, "\1\x70\0\xc0\x96\xb1\2");
    SECTION(&wasm, ELEMENTS, "\1\0\x41\0\x0b\2\0\1");
    SECTION(&wasm, CODE,
            "\4\4\0\x41\7\x0b"
            "\x11\0\x20\0\x20\6\x41\x0a\x6c\x6a\x20\7\x41\xe4\0\x6c\x6a\x0b"
            "\7\0\x20\0\x11\0\0\x0b"
            "\x20\0\x41\1\x41\2\x41\3\x41\4\x41\5\x41\6\x41\7\x41\x08\x44\0\0\0\0\0\0\0\0"
            "\x20\0\x11\2\0\x0b");
    struct instance *instance = wasm_make(*state, &wasm);
    expect_result(instance, FAST, SEVEN, 7);
    expect_trap(instance, FAST, SUM, TRAP_SIGNATURE);
    expect_result(instance, SLOW, SUM, 871);
    expect_trap(instance, SLOW, SEVEN, TRAP_SIGNATURE);
    expect_trap(instance, SLOW, SUM + 1, TRAP_NULL_FUNC);
    expect_trap(instance, SLOW, ELEMENTS_OF_TABLE, TRAP_TABLE);
    expect_result(instance, SLOW, SUM, 871);
    assert_int_equal(instance->tables[0]->nfast, 1);
}

/* ---- the stack's last bytes ---- */

enum { EDGE_HOST, EDGE_LEAF, EDGE_MANY, EDGE_TO_LEAF, EDGE_TO_HOST };
enum { MANY_PARAMS = 20 };

/* Calls wasm again, with more parameters than there are registers. */
static enum trap edge_host(void *data, struct instance *caller, struct cell *cells)
{
    struct cell nested[MANY_PARAMS] = { { 0, 0 } };
    (void)data, (void)cells;
    return func_call(caller, EDGE_MANY, nested);
}

/* Recursion, n deep, then a call of `leaf`, in an engine where that was not compiled yet. */
static enum trap edge_run(uint32_t deep, uint32_t recursion, uint32_t *frame)
{
    void *state;
    uint32_t total;
    struct frame frames[1] = { { NULL, UINT32_MAX, 0 } };
    struct wasm wasm;
    assert_int_equal(world_open(&state), 0);
    struct world *world = state;
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC, .host = { edge_host, NULL } };
    wasm_begin(&wasm);
    SECTION(
        &wasm, TYPES,
        "\3\x60\0\0\x60\1\x7f\0\x60\x14\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
        "\x7f\x7f\x7f\x7f\x7f\0");
    SECTION(&wasm, IMPORTS, "\1\0\0\0\0");
    SECTION(&wasm, FUNCTIONS, "\4\0\2\1\1");
    SECTION(&wasm, CODE, "\4\2\0\x0b\2\0\x0b"
                         "\x12\0\x20\0\x45\x04\x40\x10\1\x05\x20\0\x41\1\x6b\x10\3\x0b\x0b"
                         "\x12\0\x20\0\x45\x04\x40\x10\0\x05\x20\0\x41\1\x6b\x10\4\x0b\x0b");
    struct instance *instance = wasm_make(world, &wasm);
    struct cell cell = { deep, 0 };
    enum trap trap = func_call(instance, recursion, &cell);
    if (trap == TRAP_STACK && trap_frames(world->host.engine, frames, 1, &total))
        *frame = frames[0].func;
    world_close(&state);
    return trap;
}

/* Wherever the stack ends, in the function, in its callee's trampoline, in a stub, in a thunk, in a
 * call from C: it is a trap in the function that called. */
static void the_stack_may_end_anywhere(void **state)
{
    (void)state;
    for (uint32_t recursion = EDGE_TO_LEAF; recursion <= EDGE_TO_HOST; recursion++) {
        uint32_t lo = 1, hi = STACK_SMALL, frame = 0;
        while (hi - lo > 1) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (edge_run(mid, recursion, &frame) == TRAP_NONE)
                lo = mid;
            else
                hi = mid;
        }
        for (uint32_t deep = lo - 2; deep < hi + 80; deep++) {
            frame = recursion;
            assert_int_equal(edge_run(deep, recursion, &frame), deep < hi ? TRAP_NONE : TRAP_STACK);
            assert_true(frame == recursion || (recursion == EDGE_TO_HOST && frame == EDGE_MANY));
        }
    }
}

/* A recursion `deep` deep, then a call of a function whose frame holds 5,000 values.  Where that
 * has no room, the function is there in the backtrace, and so are all its callers. */
static void large_frame_run(uint32_t deep, uint32_t *total)
{
    enum { LARGE, RECURSION, RESULTS = 1000 };
    static const uint8_t begin[] = "\3\x60\0\0\x60\1\x7f\0\x60\0\xe8\7";
    uint8_t types[sizeof begin - 1 + RESULTS];
    void *state;
    struct frame frames[4];
    struct wasm wasm;
    memset(types, VT_F64, sizeof types);
    memcpy(types, begin, sizeof begin - 1);
    assert_int_equal(world_open(&state), 0);
    struct world *world = state;
    wasm_begin(&wasm);
    wasm_section(&wasm, TYPES, (const char *)types, sizeof types);
    SECTION(&wasm, FUNCTIONS, "\3\0\1\2");
    SECTION(&wasm, CODE, "\3\x14\0\x41\1\x0d\0\x10\2\x10\2\x10\2\x10\2\x10\2\x02\x40\x0b\x0f\x0b"
                         "\x12\0\x20\0\x45\x04\x40\x10\0\x05\x20\0\x41\1\x6b\x10\1\x0b\x0b"
                         "\3\0\0\x0b");
    struct instance *instance = wasm_make(world, &wasm);
    struct cell cell = { deep, 0 };
    enum trap trap = func_call(instance, RECURSION, &cell);
    *total = 0;
    if (trap != TRAP_NONE) {
        assert_int_equal(trap, TRAP_STACK);
        assert_int_equal(trap_frames(world->host.engine, frames, 4, total), 4);
        assert_int_equal(frames[0].func, LARGE);
        assert_int_equal(frames[0].offset, instance->module->funcs[LARGE].body);
        for (int i = 1; i < 4; i++)
            assert_int_equal(frames[i].func, RECURSION);
    }
    world_close(&state);
}

static void a_large_frame_without_room_hides_no_caller(void **state)
{
    (void)state;
    uint32_t lo = 1, hi = STACK_SMALL / 8 - 2000, total; /* the recursion alone has room */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        large_frame_run(mid, &total);
        *(total ? &hi : &lo) = mid;
    }
    large_frame_run(hi + 8, &total);
    assert_int_equal(total, hi + 8 + 2);
}

static void backtraces_name_functions_and_offsets(void **state)
{
    struct world *world = *state;
    struct host_plan plan = { .what = ANSWER };
    struct instance *instance = example(world, &plan);
    struct frame frames[8];
    uint32_t total;
    char name[32];
    expect_trap(instance, CALL_DIVIDE, 0, TRAP_DIV_ZERO);
    assert_int_equal(trap_frames(world->host.engine, frames, 8, &total), 2);
    assert_int_equal(total, 2);
    const struct module *module = instance->module;
    assert_int_equal(frames[0].func, DIVIDE);
    assert_int_equal(module->bytes[frames[0].offset], 0x6d);
    assert_int_equal(frames[1].func, CALL_DIVIDE);
    assert_int_equal(module->bytes[frames[1].offset], 0x10);
    func_name(frames[0].instance, frames[0].func, name, sizeof name);
    assert_string_equal(name, "divide");
    func_name(frames[1].instance, frames[1].func, name, sizeof name);
    assert_string_equal(name, "func[6]");
    expect_trap(instance, RECURSE, 0, TRAP_STACK);
    assert_int_equal(trap_frames(world->host.engine, frames, 4, &total), 4);
    assert_true(total > 1000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(frames[i].func, RECURSE);
}

/* Each instance has a memory, whose byte 0 is its mark, and calls the other's function between two
 * looks at it. */
static void other_instances_have_their_own_memory(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    uint64_t bytes;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, EXPORTS, "\1\1f\0\0");
    SECTION(&wasm, CODE, "\1\x0d\0\x41\0\x2d\0\0\x41\x0a\x20\0\x6d\x6a\x0b"); /* mark + 10 / x */
    struct instance *callee = world->exporter = wasm_make(world, &wasm);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(&wasm, IMPORTS, "\1\1x\1f\0\0");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    /* f(x) + mark * 10 */
    SECTION(&wasm, CODE, "\1\x0f\0\x20\0\x10\0\x41\0\x2d\0\0\x41\x0a\x6c\x6a\x0b");
    struct instance *caller = wasm_make(world, &wasm);
    *instance_memory(callee, 0, &bytes) = 3;
    *instance_memory(caller, 0, &bytes) = 7;
    expect_result(caller, 1, 5, 3 + 10 / 5 + 7 * 10);
    expect_trap(caller, 1, 0, TRAP_DIV_ZERO);
    expect_result(caller, 1, 10, 3 + 1 + 70);
    expect_result(callee, 0, 10, 4);
}

/* A wrapped i64 (its upper half unknown) on the stack where a block opens, and as a select's
 * condition. */
static void wrapped_values_may_wait_on_the_stack(void **state)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7e\1\x7f");
    SECTION(&wasm, FUNCTIONS, "\2\0\0");
    SECTION(&wasm, CODE, "\2"
            /* wrap(x / 10); block nop end */
            "\x0d\0\x20\0\x42\x0a\x80\xa7\x02\x40\x01\x0b\x01\x0b"
            /* select(5, 6, wrap(x / 10)) */
            "\x0d\0\x41\5\x41\6\x20\0\x42\x0a\x80\xa7\x1b\x0b");
    struct instance *instance = wasm_make(*state, &wasm);
    expect_result(instance, 0, 10 * (0x700000000 + 9), 9);
    expect_result(instance, 1, 10 * (0x700000000 + 9), 5);
    expect_result(instance, 1, 10 * 0x700000000, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(host_functions_are_called_with_cells),
        WORLD_TEST(host_functions_return_with_flags),
        WORLD_TEST(host_functions_may_change_g),
        WORLD_TEST(calls_nest_through_host_functions),
        WORLD_TEST(faults_that_are_traps),
        WORLD_TEST(traps_of_nested_calls_end_there),
        WORLD_TEST(host_functions_end_a_run),
        WORLD_TEST(memory_ends_at_its_last_byte),
        WORLD_TEST(stack_that_overflows_is_usable_again),
        WORLD_TEST(calls_through_a_table_may_be_of_too_many_types),
        cmocka_unit_test(the_stack_may_end_anywhere),
        cmocka_unit_test(a_large_frame_without_room_hides_no_caller),
        WORLD_TEST(backtraces_name_functions_and_offsets),
        WORLD_TEST(other_instances_have_their_own_memory),
        WORLD_TEST(wrapped_values_may_wait_on_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
