/* memory.copy and memory.fill by compiled code (engine/x64/bulk.c, emit_bulk.c) against the C
 * library: every constant length that is in line and some that are not, every length up to some
 * hundred otherwise, every alignment, both directions of overlap, up to memory's last byte and over
 * it.  A range that ends outside traps, and writes nothing. */
#include "tests/unit/engine/wasm.h"

#define PAGE 65536u

/* Functions (to, from or byte, bytes): COPY and FILL, then those that take their length as a
 * constant. */
enum kind { KIND_COPY, KIND_CLEAR, KIND_FILL, KINDS };
enum { COPY, FILL, CONSTANT, BYTE = 0x35 };
static const uint8_t longer[] = { 96, 111, 112, 113, 126, 127, 128, 129 };
enum { UP_TO = 70, LENGTHS = UP_TO + sizeof longer, NFUNCS = CONSTANT + KINDS * LENGTHS };

static uint32_t length_of(uint32_t k)
{
    return k < UP_TO ? k : longer[k - UP_TO];
}

struct bytes { uint32_t len; char at[1 << 12]; };

static void put(struct bytes *b, const char *what, uint32_t len)
{
    assert_true(b->len + len <= sizeof b->at);
    memcpy(b->at + b->len, what, len);
    b->len += len;
}
#define PUT(b, literal) put(b, literal, sizeof literal - 1)

static void put_u32(struct bytes *b, uint32_t v) /* LEB128, below 2^14; as an s32 below 2^13 */
{
    put(b, (char[]){ (char)(v | 0x80), (char)(v >> 7) }, 2);
}

static void put_body(struct bytes *out, enum kind kind, uint32_t length)
{
    struct bytes b = { 0 };
    PUT(&b, "\0\x20\0");
    if (kind == KIND_COPY)
        PUT(&b, "\x20\1");
    else
        PUT(&b, "\x41"), put_u32(&b, kind == KIND_FILL ? BYTE : 0);
    PUT(&b, "\x41"), put_u32(&b, length);
    if (kind == KIND_COPY)
        PUT(&b, "\xfc\x0a\0\0\x0b");
    else
        PUT(&b, "\xfc\x0b\0\x0b");
    put(out, (char[]){ (char)b.len }, 1);
    put(out, b.at, b.len);
}

static struct instance *example(struct world *world)
{
    static struct bytes functions, code;
    struct wasm wasm;
    functions.len = code.len = 0;
    put_u32(&functions, NFUNCS);
    for (uint32_t i = 0; i < NFUNCS; i++)
        PUT(&functions, "\0");
    put_u32(&code, NFUNCS);
    PUT(&code, "\x0c\0\x20\0\x20\1\x20\2\xfc\x0a\0\0\x0b" "\x0b\0\x20\0\x20\1\x20\2\xfc\x0b\0\x0b");
    for (uint32_t k = 0; k < LENGTHS; k++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            put_body(&code, (enum kind)kind, length_of(k));
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\3\x7f\x7f\x7f\0");
    wasm_section(&wasm, FUNCTIONS, functions.at, functions.len);
    SECTION(&wasm, MEMORIES, "\1\1\1\1");
    wasm_section(&wasm, CODE, code.at, code.len);
    return wasm_make(world, &wasm);
}

struct run { struct instance *i; uint8_t *memory; uint8_t model[PAGE]; uint32_t calls, traps; };

static void run_begin(struct run *r, struct world *world)
{
    uint64_t bytes;
    assert_true(host_catch_faults());
    *r = (struct run){ .i = example(world) };
    r->memory = instance_memory(r->i, 0, &bytes);
    for (uint32_t k = 0; k < PAGE; k++)
        r->memory[k] = r->model[k] = (uint8_t)(k * 0x9e3779b1u >> 13);
}

/* One call and the same on the model; the whole memory is compared. */
static void both(struct run *r, uint32_t func, bool copies, uint32_t to, uint32_t what, uint32_t n)
{
    struct cell cells[3] = { { to, 0 }, { what, 0 }, { n, 0 } };
    bool inside = (uint64_t)to + n <= PAGE && (!copies || (uint64_t)what + n <= PAGE);
    if (inside && copies)
        memmove(r->model + to, r->model + what, n);
    else if (inside)
        memset(r->model + to, (uint8_t)what, n);
    enum trap trap = func_call(r->i, func, cells);
    r->calls++;
    r->traps += trap != TRAP_NONE;
    if (trap != (inside ? TRAP_NONE : TRAP_MEMORY) || memcmp(r->memory, r->model, PAGE))
        fail_msg("function %u, to %u, from or byte %u, %u bytes: trap %d", func, to, what, n,
                 (int)trap);
}

static void copies_of(struct run *r, uint32_t func, uint32_t n)
{
    static const int32_t apart[] = { 0,  1,   -1, 2,   7,  -8, 15,   16,   -17,
                                     33, -48, 63, -64, 64, 65, -129, 2000, -3000 };
    for (uint32_t k = 0; k < sizeof apart / sizeof *apart; k++)
        both(r, func, true, 8192 + k, 8192 + k + (uint32_t)apart[k], n);
    for (uint32_t over = 0; over < 3; over++) { /* 1 is the last that fits */
        both(r, func, true, PAGE - n - 1 + over, 100 + n, n);
        both(r, func, true, 100, PAGE - n - 1 + over, n);
    }
    both(r, func, true, 0, 5, n);
    both(r, func, true, UINT32_MAX - n, 0, n);
    both(r, func, true, 0, UINT32_MAX, n);
}

static void fills_of(struct run *r, uint32_t func, uint32_t byte, uint32_t n)
{
    for (uint32_t k = 0; k < 17; k++)
        both(r, func, false, 20000 + 131 * n % 9000 + k, byte, n);
    for (uint32_t over = 0; over < 3; over++)
        both(r, func, false, PAGE - n - 1 + over, byte, n);
    both(r, func, false, 0, byte, n);
    both(r, func, false, UINT32_MAX - n, byte, n);
    both(r, func, false, UINT32_MAX, byte, n);
}

static void constant_lengths(void **state)
{
    static struct run r;
    run_begin(&r, *state);
    for (uint32_t k = 0; k < LENGTHS; k++) {
        uint32_t first = CONSTANT + KINDS * k;
        copies_of(&r, first + KIND_COPY, length_of(k));
        fills_of(&r, first + KIND_CLEAR, 0, length_of(k));
        fills_of(&r, first + KIND_FILL, BYTE, length_of(k));
    }
    assert_int_equal(r.traps, 10 * LENGTHS); /* 4 of each copy, 3 of each fill */
}

static void other_lengths(void **state)
{
    static const uint32_t more[] = { 511, 512, 1022, 1023, 1024, 1025, 1087, 4096, 4097, 50000 };
    static struct run r;
    run_begin(&r, *state);
    for (uint32_t n = 0; n < 330; n++) {
        copies_of(&r, COPY, n);
        fills_of(&r, FILL, 0x100 + n, n);
    }
    for (uint32_t k = 0; k < sizeof more / sizeof *more; k++) {
        copies_of(&r, COPY, more[k]);
        fills_of(&r, FILL, more[k], more[k]);
    }
    both(&r, FILL, false, 0, 1, UINT32_MAX);
    both(&r, FILL, false, UINT32_MAX, 1, UINT32_MAX);
    both(&r, COPY, true, 1, 0, UINT32_MAX);
    both(&r, COPY, true, 0, 1, PAGE);
    both(&r, COPY, true, 0, 1, PAGE - 1);
    both(&r, COPY, true, 1, 0, PAGE - 1);
    both(&r, FILL, false, 0, 7, PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { WORLD_TEST(constant_lengths), WORLD_TEST(other_lengths) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
