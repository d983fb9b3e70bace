/* EXPECT 0
 * OPTIONS --memory 600M
 * Further memories: as many as there are slots, each with bytes of its own that are zero and stay
 * as written, each ending where it ends; --memory holds for all together; a large growth after
 * small ones; page tables for the worst case. */
#include "tests/hostile/guest.h"

#define WASM_PAGE 0x10000ull
#define LIMIT     (600ull << 20)

static uint64_t slot_at(uint64_t number)
{
    return MAP_MORE + number * MAP_MORE_SLOT;
}

static volatile uint64_t *word(uint64_t at)
{
    return (volatile uint64_t *)at;
}

static void grow(uint64_t number, uint64_t from, uint64_t to)
{
    check(call(CALL_memory_more, number, from, to, 0) == 0, "memory_more is refused");
    check(*word(slot_at(number) + from) == 0 && *word(slot_at(number) + to - 8) == 0,
          "new memory is not zero");
    *word(slot_at(number) + from) = slot_at(number) + from;
    *word(slot_at(number) + to - 8) = slot_at(number) + to - 8;
    check(try_run(touch_write, slot_at(number) + to) && fault.vector == 14,
          "the byte after the end is there");
}

static void marks_check(uint64_t number, uint64_t from, uint64_t to)
{
    check(*word(slot_at(number) + from) == slot_at(number) + from, "memory lost what was written");
    check(*word(slot_at(number) + to - 8) == slot_at(number) + to - 8,
          "memory lost what was written at its end");
}

void guest_main(void)
{
    uint64_t n = MAP_MORE_SLOTS, big = 256ull << 20, used;
    check(call(CALL_memory_grow, 0, WASM_PAGE, 0, 0) == 0, "memory_grow is refused");
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t i = 0; i < n; i++)
            grow(i, round * WASM_PAGE, (round + 1) * WASM_PAGE);
    grow(7, 2 * WASM_PAGE, 2 * WASM_PAGE + big);
    used = WASM_PAGE + n * 2 * WASM_PAGE + big;
    check(call(CALL_memory_more, 8, 2 * WASM_PAGE, 2 * WASM_PAGE + LIMIT - used + WASM_PAGE, 0) ==
              1,
          "more than --memory is granted");
    check(call(CALL_memory_grow, WASM_PAGE, WASM_PAGE + LIMIT - used + WASM_PAGE, 0, 0) == 1,
          "more than --memory is granted to memory 0");
    check(try_run(touch_read, WASM_PAGE), "what was refused is there");
    grow(8, 2 * WASM_PAGE, 2 * WASM_PAGE + LIMIT - used);
    check(call(CALL_memory_grow, WASM_PAGE, 2 * WASM_PAGE, 0, 0) == 1, "a page more than --memory");
    for (uint64_t i = 0; i < n; i++) {
        marks_check(i, 0, WASM_PAGE);
        marks_check(i, WASM_PAGE, 2 * WASM_PAGE);
    }
    marks_check(7, 2 * WASM_PAGE, 2 * WASM_PAGE + big);
    check(try_run(touch_run, slot_at(7)), "memory runs");
    check(try_run(touch_write, slot_at(0) - 8), "below the first slot is memory");
    check(try_run(touch_write, slot_at(n)), "beyond the last slot is memory");
    end(0, "");
}
