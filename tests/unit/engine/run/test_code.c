/* Pieces of code: a body in, a piece out, read as text; installed and replaced as a whole or not at
 * all. */
#include "engine/run/code.h"
#include "engine/x64/target.h"
#include "tests/check/decode.h"
#include "tests/unit/engine/wasm.h"

#include <stdio.h>

enum { CALLER, CALLEE, JUMPER, INDIRECT, NFUNCS };

/* All are (param i32) (result i32); element 0 of the table is CALLEE. */
static void example_begin(struct wasm *wasm)
{
    wasm_begin(wasm);
    SECTION(wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(wasm, FUNCTIONS, "\4\0\0\0\0");
    SECTION(wasm, TABLES, "\1\x70\0\1");
    SECTION(wasm, EXPORTS, "\1\1t\1\0");
    SECTION(wasm, ELEMENTS, "\1\0\x41\0\x0b\1\1");
    SECTION(wasm, CODE, "\4"
            "\x09\0\x20\0\x10\1\x41\1\x6a\x0b"    /* callee(x) + 1 */
            "\7\0\x41\x64\x20\0\x6d\x0b"          /* -28 / x */
            "\6\0\x20\0\x12\1\x0b"                /* return_call callee(x) */
            "\x09\0\x20\0\x41\0\x11\0\0\x0b");    /* table[0](x) */
}

static struct instance *example(struct world *world)
{
    struct wasm wasm;
    example_begin(&wasm);
    return wasm_make(world, &wasm);
}

static uint64_t call(struct instance *instance, uint32_t func, uint64_t arg)
{
    struct cell cell = { arg, 0 };
    assert_true(host_catch_faults());
    assert_int_equal(func_call(instance, func, &cell), TRAP_NONE);
    return cell.lo;
}

/* ---- what is seen of the code of an instance ---- */

struct seen {
    uint32_t used, nranges, nsites, entry[NFUNCS], sites[NFUNCS];
    void *code[NFUNCS];
    uint64_t funcs_compiled, bytes;
};

static struct seen seen(struct instance *i)
{
    const struct code_global *g = i->engine->code;
    struct seen s = { .used = g->used, .nranges = g->nranges, .nsites = i->code->nsites,
                      .funcs_compiled = i->engine->stats.funcs_compiled };
    for (uint32_t f = 0; f < NFUNCS; f++) {
        s.entry[f] = i->code->entry[f];
        s.sites[f] = i->code->sites[f];
        s.code[f] = i->refs[f].code;
    }
    for (uint64_t k = 0; k < i->engine->env.code_usable; k++)
        s.bytes = s.bytes * 31 + i->engine->env.code_w[k];
    return s;
}

static void expect_same(struct instance *i, const struct seen *before)
{
    struct seen now = seen(i);
    assert_memory_equal(&now, before, sizeof now);
}

static uint64_t target_of(struct instance *i, uint32_t at)
{
    int32_t distance;
    memcpy(&distance, code_write(i->engine, at), 4);
    return (uint64_t)((int64_t)(at + 4) + distance);
}

/* ---- a piece as text ---- */

static const char *const reloc_names[] = { [RELOC_ADDRESS] = "address",
                                           [RELOC_CODE] = "code",
                                           [RELOC_STUB] = "stub",
                                           [RELOC_CALL] = "call",
                                           [RELOC_CALL_ZERO] = "call from 0",
                                           [RELOC_TAIL] = "tail" };
static const char *const mark_names[] = {
    [MARK_AT] = "at", [MARK_CALL] = "call", [MARK_TRAP] = "trap"
};

static void reloc_text(const struct reloc *r, char *out, size_t cap)
{
    if (r->kind == RELOC_ADDRESS)
        snprintf(out, cap, " -> address");
    else if (r->kind == RELOC_STUB && r->to > STUB_TRAP)
        snprintf(out, cap, " -> trap %u", (unsigned)r->to - STUB_TRAP);
    else
        snprintf(out, cap, " -> %s %u", reloc_names[r->kind], (unsigned)r->to);
}

/* A line for each mark and instruction; numbers that relocations replace are left out. */
static void piece_text(const struct piece *p, uint32_t body, char *out, size_t cap)
{
    size_t n = 0;
    uint32_t mark = 0, reloc = 0;
    for (uint32_t at = 0;;) {
        for (; mark < p->nmarks && p->marks[mark].native == at; mark++)
            n += (size_t)snprintf(out + n, cap - n, "%s %u\n", mark_names[p->marks[mark].kind],
                                  p->marks[mark].pos - body);
        if (at >= p->bytes)
            break;
        struct decoded d;
        char text[100], to[40] = "";
        assert_null(decode(p->code + at, p->code + p->bytes, at, &d));
        decode_text(&d, text, sizeof text);
        at += d.len;
        if (reloc < p->nrelocs && p->relocs[reloc].site < at) {
            reloc_text(&p->relocs[reloc++], to, sizeof to);
            *strrchr(text, ' ') = 0;
        }
        n += (size_t)snprintf(out + n, cap - n, "    %s%s\n", text, to);
        assert_true(n < cap);
    }
    assert_int_equal(mark, p->nmarks);
    assert_int_equal(reloc, p->nrelocs);
}

static void expect_text(struct instance *i, uint32_t func, const char *expected)
{
    char text[2000];
    struct piece p;
    assert_true(code_compile(i, func, true, &p));
    piece_text(&p, i->module->funcs[func].body, text, sizeof text);
    assert_string_equal(text, expected);
}

static void a_body_becomes_a_piece(void **state)
{
    struct instance *i = example(*state);
    expect_text(i, CALLER,
                "at 0\n"
                "at 3\n"
                "    call to -> call 1\n"
                "call 3\n"
                "    mov r2:32, r0:32\n"
                "at 7\n"
                "    add r2:32, 0x1\n"
                "at 8\n"
                "    mov r0:32, r2:32\n"
                "    ret\n");
    expect_text(i, JUMPER,
                "at 0\n"
                "at 3\n"
                "    jmp to -> tail 1\n");
    expect_text(i, CALLEE,
                "at 0\n"
                "at 5\n"
                "    mov r0:32, 0xffffffe4\n"
                "    test r7:32, r7:32\n"
                "    je to 24\n"
                "    cmp r7:32, 0xffffffffffffffff\n"
                "    jne to 1c\n"
                "    neg r0:32\n"
                "    jo to 29\n"
                "    jmp to 1f\n"
                "    cdq\n"
                "    idiv r7:32\n"
                "    mov r2:32, r0:32\n"
                "at 6\n"
                "    mov r0:32, r2:32\n"
                "    ret\n"
                "at 5\n"
                "    call to -> trap 6\n"
                "trap 5\n"
                "    call to -> trap 7\n"
                "trap 5\n");
}

static void making_a_piece_changes_nothing(void **state)
{
    struct instance *i = example(*state);
    call(i, CALLER, 4);
    struct seen before = seen(i);
    for (uint32_t f = 0; f < NFUNCS - 1; f++) {
        struct piece p;
        assert_true(code_compile(i, f, f % 2, &p));
        expect_same(i, &before);
    }
}

/* ---- installing ---- */

static void calls_made_before_lead_to_a_function_once_it_is_there(void **state)
{
    struct instance *i = example(*state);
    assert_true(func_compile(i, CALLER));
    assert_int_equal(i->code->entry[CALLEE], 0);
    uint32_t site = i->code->site_chunks[0][i->code->sites[CALLEE] - 1].at;
    uint32_t func;
    assert_ptr_equal(
        code_trampoline_at(i->engine, code_address(i->engine, (uint32_t)target_of(i, site)), &func),
        i);
    assert_int_equal(func, CALLEE);
    assert_true(func_compile(i, CALLEE));
    assert_int_equal(target_of(i, site), i->code->entry[CALLEE]);
    assert_int_equal(call(i, CALLER, 4), (uint32_t)-6);
}

static void a_piece_has_its_range(void **state)
{
    struct instance *i = example(*state);
    struct piece p;
    assert_true(code_compile(i, CALLEE, false, &p));
    uint32_t bytes = p.bytes, frame = p.frame;
    assert_true(code_install_func(i->code, CALLEE, &p));
    uint32_t at = i->code->entry[CALLEE];
    const struct code_range *r = code_find(i->engine, code_address(i->engine, at));
    assert_non_null(r);
    assert_int_equal(r->start, at);
    assert_int_equal(r->end, at + bytes);
    assert_int_equal(r->frame, frame);
    assert_int_equal(r->func, CALLEE);
    assert_ptr_equal(r->instance, i);
    assert_false(r->is_thunk);
    assert_null(code_find(i->engine, code_address(i->engine, at + bytes)));
}

/* Calls, jumps, table slots and references lead to the new code; the old stays a range, as it may
 * be running. */
static void a_function_is_replaced(void **state)
{
    struct instance *i = example(*state);
    call(i, CALLEE, 4);
    for (uint32_t f = 0; f < NFUNCS; f++)
        call(i, f, 4);
    uint32_t old = i->code->entry[CALLEE];
    for (int turn = 0; turn < 3; turn++) {
        assert_true(code_replace(i, CALLEE));
        uint32_t now = i->code->entry[CALLEE];
        assert_int_not_equal(now, old);
        for (uint32_t k = i->code->sites[CALLEE], n = 0; k;
             k = i->code->site_chunks[0][k - 1].next) {
            assert_int_equal(target_of(i, i->code->site_chunks[0][k - 1].at), now);
            assert_true(++n <= 2); /* CALLER's and JUMPER's */
        }
        assert_int_equal(i->tables[0]->fast->code[0], code_address(i->engine, now));
        assert_ptr_equal(i->refs[CALLEE].code, code_address(i->engine, now));
        assert_int_equal(code_find(i->engine, code_address(i->engine, old))->func, CALLEE);
        memset(code_write(i->engine, old), 0xcc, 8); /* who still came here would trap */
        assert_int_equal(call(i, CALLER, 4), (uint32_t)-6);
        assert_int_equal(call(i, JUMPER, 4), (uint32_t)-7);
        assert_int_equal(call(i, INDIRECT, 4), (uint32_t)-7);
        old = now;
    }
}

/* A jump made when its function was not compiled goes through the trampoline, which follows. */
static void a_jump_through_the_trampoline_follows(void **state)
{
    struct instance *i = example(*state);
    assert_int_equal(call(i, JUMPER, 4), (uint32_t)-7);
    assert_int_equal(i->code->sites[CALLEE], 0);
    uint32_t old = i->code->entry[CALLEE];
    assert_true(code_replace(i, CALLEE));
    memset(code_write(i->engine, old), 0xcc, 8);
    assert_int_equal(call(i, JUMPER, 4), (uint32_t)-7);
}

/* In a module of Go's a call whose argument is 0 leaves it out: such calls lead to the start of
 * what has two entries, else to the trampoline's start, which puts 0 there; all others to the
 * entry. */
static struct instance *two_entries(struct world *world)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\1\x7f");
    SECTION(&wasm, FUNCTIONS, "\4\0\0\0\0");
    SECTION(&wasm, GLOBALS,
            "\x08"
            "\x7f\1\x41\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7e\1\x42\0\x0b"
            "\x7f\1\x41\0\x0b");
    SECTION(&wasm, CODE, "\4"
            "\x0b\0\x41\0\x10\1\x20\0\x10\1\x6a\x0b" /* callee(0) + callee(x) */
            /* x ? 7 : 5 */
            "\x18\0\3\x40\2\x40\2\x40\x20\0\x0e\1\0\1\x0b\x41\5\x0f\x0b\x41\7\x0f\x0b\0\x0b"
            "\7\0\x20\0\x41\3\x6a\x0b"             /* x + 3: one entry */
            "\x0b\0\x41\0\x10\2\x20\0\x10\2\x6a\x0b");
    return wasm_make(world, &wasm);
}

static void a_function_with_two_entries(void **state)
{
    struct instance *i = two_entries(*state);
    assert_true(i->pinned[1] >= 0);
    assert_int_equal(call(i, 0, 0), 10);
    assert_int_equal(call(i, 0, 1), 12);
    assert_int_equal(call(i, 3, 2), 8);
    for (int turn = 0; turn < 3; turn++) {
        uint32_t entry = i->code->entry[1], zero = i->code->zero_entry[1];
        const struct code_range *r = code_find(i->engine, code_address(i->engine, entry));
        assert_true(zero && zero != entry && r->start == zero && entry < r->end);
        uint32_t sites = i->code->sites[1];
        assert_int_equal(target_of(i, i->code->site_chunks[0][sites - 1].at), entry);
        sites = i->code->site_chunks[0][sites - 1].next;
        assert_int_equal(target_of(i, i->code->site_chunks[0][sites - 1].at), zero);
        assert_true(code_replace(i, 1));
        memset(code_write(i->engine, zero), 0xcc, 8); /* who still came here would trap */
        memset(code_write(i->engine, entry), 0xcc, 8);
        assert_int_equal(call(i, 0, 0), 10);
        assert_int_equal(call(i, 0, 1), 12);
    }
    assert_int_equal(i->code->zero_entry[2], 0);
    uint32_t sites = i->code->site_chunks[0][i->code->sites[2] - 1].next, func;
    uint32_t at = (uint32_t)target_of(i, i->code->site_chunks[0][sites - 1].at);
    assert_ptr_equal(code_trampoline_at(i->engine, code_address(i->engine, at), &func), i);
    assert_int_equal(func, 2);
}

/* More than the first chunks hold. */
static void call_sites_are_kept(void **state)
{
    struct instance *i = example(*state);
    for (uint32_t k = 0; k < 5 * SITES_FIRST; k++)
        assert_true(code_replace(i, CALLER));
    assert_int_equal(i->code->nsites, 5 * SITES_FIRST);
    assert_true(func_compile(i, CALLEE));
    uint32_t calls = 0;
    for (uint32_t r = 0; r < i->engine->code->nranges; r++) {
        const struct code_range *range = &i->engine->code->ranges[r];
        if (range->func != CALLER)
            continue;
        for (uint32_t at = range->start; at < range->end; at++)
            if (*code_write(i->engine, at) == 0xe8 &&
                target_of(i, at + 1) == i->code->entry[CALLEE])
                calls++;
    }
    assert_int_equal(calls, 5 * SITES_FIRST);
}

/* ---- no memory ---- */

/* bytes of heap more at each try: less than any allocation that outlives a compilation */
#define STEP 256

static void without_heap_nothing_is_installed(void **state)
{
    /* a call through a table brings tables, which may stay */
    for (uint32_t func = 0; func < INDIRECT; func++) {
        struct instance *i = example(*state);
        struct engine *e = i->engine;
        uint64_t cap = e->env.heap_cap;
        uint32_t refused = 0;
        struct seen before = seen(i);
        for (bool done = false; !done; refused += !done) {
            e->env.heap_cap = e->heap_used + refused * STEP;
            done = func_compile(i, func);
            e->env.heap_cap = cap;
            if (done)
                break;
            assert_int_equal(e->error.kind, ERROR_NOMEM);
            assert_non_null(strstr(e->error.text, "memory"));
            /* what was missing is said by who missed it */
            assert_null(strstr(e->error.text, "to compile"));
            expect_same(i, &before);
        }
        assert_true(func != CALLER || refused > 2);
        assert_int_equal(call(i, func, 4), func == CALLER ? (uint32_t)-6 : (uint32_t)-7);
    }
}

static bool refuse(void *self, uint64_t bytes)
{
    (void)self, (void)bytes;
    return false;
}

static void without_code_memory_nothing_is_installed(void **state)
{
    struct instance *i = example(*state);
    struct engine *e = i->engine;
    uint64_t usable = e->env.code_usable;
    bool (*grow)(void *, uint64_t) = e->env.code_grow;
    struct seen before = seen(i);
    for (uint32_t func = 0; func < INDIRECT; func++) {
        e->env.code_usable = e->code->used;
        e->env.code_grow = refuse;
        bool done = func_compile(i, func);
        e->env.code_usable = usable;
        e->env.code_grow = grow;
        assert_false(done);
        assert_int_equal(e->error.kind, ERROR_NOMEM);
        assert_non_null(strstr(e->error.text, "MiB of code memory cannot be had"));
        expect_same(i, &before);
    }
    assert_int_equal(call(i, CALLER, 4), (uint32_t)-6);
}

/* A byte too few, and exactly enough. */
static void room_for_the_trampolines(void **state)
{
    struct world *world = *state;
    struct engine *e = world->host.engine;
    uint64_t usable = e->env.code_usable;
    bool (*grow)(void *, uint64_t) = e->env.code_grow;
    struct wasm wasm;
    enum trap trap;
    example_begin(&wasm);
    for (uint32_t missing = 2; missing-- > 0;) {
        uint32_t used = e->code->used;
        e->env.code_usable = (used + 15) / 16 * 16 + NFUNCS * TRAMPOLINE_BYTES + 16 - missing;
        e->env.code_grow = refuse;
        struct instance *made = wasm_instance(world, &wasm, &trap);
        e->env.code_usable = usable;
        e->env.code_grow = grow;
        assert_int_equal(made != NULL, !missing);
        if (made) {
            assert_int_equal(call(made, CALLER, 4), (uint32_t)-6);
            continue;
        }
        assert_int_equal(e->error.kind, ERROR_NOMEM);
        assert_non_null(strstr(e->error.text, "MiB of code memory cannot be had"));
        assert_int_equal(e->code->used, used);
        e->error.kind = ERROR_NONE;
    }
}

/* An engine is there, and does what it should, or it is not: whatever memory there is. */
static void without_memory_no_engine_is_made(void **state)
{
    enum { OF_HEAP, OF_CODE, KINDS };
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        uint32_t refused = 0;
        for (bool done = false; !done; refused += !done) {
            struct world world = { .exporter = NULL };
            assert_true(host_open(&world.host, STACK_SMALL, HOST_MEMORY_LIMIT));
            uint64_t cap = world.host.env.heap_cap;
            if (kind == OF_HEAP)
                world.host.env.heap_cap = refused * 256;
            else
                world.host.env.code_cap = refused * 64;
            world.host.engine = engine_new(&world.host.env);
            done = world.host.engine;
            if (done) {
                world.host.engine->env.heap_cap = cap;
                world.host.engine->env.code_cap = 1u << 20;
                assert_int_equal(call(example(&world), CALLER, 4), (uint32_t)-6);
            }
            host_close(&world.host);
        }
        assert_true(refused > 2);
    }
}

static uint32_t grown;
static bool (*grow_of_the_host)(void *, uint64_t);

static bool grow_counted(void *self, uint64_t bytes)
{
    grown++;
    return grow_of_the_host(self, bytes);
}

/* A heap that is there already, and holds an engine or holds none by one byte. */
static void a_heap_that_is_there_is_used(void **state)
{
    (void)state;
    for (uint64_t less = 0; less < 2; less++) {
        struct host host;
        assert_true(host_open(&host, STACK_SMALL, HOST_MEMORY_LIMIT));
        assert_true(host.env.heap_grow(&host, sizeof(struct engine) + 4096));
        grow_of_the_host = host.env.heap_grow;
        host.env.heap_grow = grow_counted;
        host.env.heap_usable = sizeof(struct engine) - less;
        host.env.heap_cap = sizeof(struct engine); /* for nothing else */
        grown = 0;
        assert_null(engine_new(&host.env));
        assert_int_equal(grown, less);
        host_close(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_no_engine_is_made),
        cmocka_unit_test(a_heap_that_is_there_is_used),
        WORLD_TEST(a_body_becomes_a_piece),
        WORLD_TEST(making_a_piece_changes_nothing),
        WORLD_TEST(calls_made_before_lead_to_a_function_once_it_is_there),
        WORLD_TEST(a_piece_has_its_range),
        WORLD_TEST(a_function_is_replaced),
        WORLD_TEST(a_jump_through_the_trampoline_follows),
        WORLD_TEST(a_function_with_two_entries),
        WORLD_TEST(call_sites_are_kept),
        WORLD_TEST(without_heap_nothing_is_installed),
        WORLD_TEST(without_code_memory_nothing_is_installed),
        WORLD_TEST(room_for_the_trampolines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
