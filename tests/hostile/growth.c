/* EXPECT 0
 * OPTIONS --memory 600M
 * Memory grows to the byte: what is granted is zero and stays as written, what is not faults; the 2
 * MiB pages that the end passed through keep their contents.  Heap and code grow past their first
 * pieces, in both aliases. */
#include "tests/hostile/guest.h"

#define WASM_PAGE 0x10000ull
#define LIMIT (600ull << 20)

static uint64_t mark_of(uint64_t at)
{
    return at * 0x9e3779b97f4a7c15u ^ at >> 7;
}

static volatile uint64_t *word(uint64_t at)
{
    return (volatile uint64_t *)at;
}

static uint64_t bytes;

/* Marks one word in every `step` of [from, to) that is zero before. */
static void mark(uint64_t from, uint64_t to, uint64_t step)
{
    for (uint64_t at = from; at < to; at += step) {
        check(*word(at) == 0, "new memory is not zero");
        *word(at) = mark_of(at);
    }
}

static void marks_check(uint64_t from, uint64_t to, uint64_t step)
{
    for (uint64_t at = from; at < to; at += step)
        check(*word(at) == mark_of(at), "memory lost what was written");
}

static void grow_to(uint64_t to)
{
    check(call(CALL_memory_grow, bytes, to, 0, 0) == 0, "memory_grow is refused");
    check(to == 0 || !try_run(touch_read, to - 1), "the last byte is not there");
    check(try_run(touch_read, to) && fault.vector == 14 && fault.cr2 == to,
          "the byte after the end is there");
    check(try_run(touch_write, to) && fault.vector == 14, "the byte after the end can be written");
    bytes = to;
}

static void linear(void)
{
    static const uint16_t pages[] = { 0,  1,  2,  31,  32,  33,   33,   50,   64,  65,
                                      95, 96, 97, 160, 161, 1000, 1024, 1025, 4000 };
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        uint64_t from = bytes;
        grow_to(pages[i] * WASM_PAGE);
        mark(from, bytes, 0x1000);
        marks_check(0, bytes, i % 4 ? 0x10000 : 0x1000);
    }
    grow_to(LIMIT);
    mark(4000 * WASM_PAGE, LIMIT, 1 << 20);
    marks_check(0, 4000 * WASM_PAGE, 0x1000);
    check(call(CALL_memory_grow, bytes, LIMIT + WASM_PAGE, 0, 0) == 1,
          "more than --memory is granted");
    check(try_run(touch_read, LIMIT), "more than --memory is there");
}

static void heap(void)
{
    static const uint8_t mib[] = {1, 2, 3, 32, 33, 40, 97, 200};
    for (unsigned i = 0; i < sizeof mib; i++) {
        uint64_t n = (uint64_t)mib[i] << 20;
        check(call(CALL_heap_grow, n, 0, 0, 0) == 0, "heap_grow is refused");
        *word(MAP_HEAP + n - 8) = n;
        check(try_run(touch_read, MAP_HEAP + ((n + 0x1fffff) & ~0x1fffffull)),
              "heap after its end");
    }
    for (unsigned i = 0; i < sizeof mib; i++)
        check(*word(MAP_HEAP + ((uint64_t)mib[i] << 20) - 8) == (uint64_t)mib[i] << 20,
              "heap lost what was written");
    check(call(CALL_heap_grow, MAP_HEAP_MAX + 1, 0, 0, 0) == 1, "a heap without end");
    check(call(CALL_heap_grow, ~0ull, 0, 0, 0) == 1, "a heap of all memory");
}

/* Writes `mov $n, %eax; ret` through one alias and calls it through the other. */
static void code(void)
{
    static const uint8_t mib[] = {1, 2, 3, 16, 17, 20, 81, 150};
    for (unsigned i = 0; i < sizeof mib; i++) {
        uint64_t n = (uint64_t)mib[i] << 20, at = n - 16;
        check(call(CALL_code_grow, n, 0, 0, 0) == 0, "code_grow is refused");
        *word(MAP_CODE_W + at) = 0xc300000000b8ull | (uint64_t)(mib[i] + 1000) << 8;
        check(((uint32_t(*)(void))(MAP_CODE_X + at))() == mib[i] + 1000u,
              "code that was written is not what runs");
        check(try_run(touch_write, MAP_CODE_X + at), "code is writable");
        check(try_run(touch_run, MAP_CODE_W + at), "data runs");
    }
    check(call(CALL_code_grow, MAP_CODE_MAX + 1, 0, 0, 0) == 1, "code without end");
}

void guest_main(void)
{
    linear();
    heap();
    code();
    call(CALL_end, END_EXIT, MAP_HEAP + (32 << 20), 4, 0); /* a text in the heap's second piece */
}
