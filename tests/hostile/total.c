/* EXPECT 0
 * OPTIONS --total-memory 64M --stack 8M
 * Heap, code and linear memory share what --total-memory leaves beside stack and module, whoever
 * asks first. */
#include "tests/hostile/guest.h"

#define MIB (1ull << 20)

void guest_main(void)
{
    check(call(CALL_heap_grow, 64 * MIB, 0, 0, 0) != 0, "a heap as large as all together");
    check(call(CALL_code_grow, 64 * MIB, 0, 0, 0) != 0, "so much code");
    check(call(CALL_memory_grow, 0, 64 * MIB, 0, 0) != 0, "so much linear memory");
    check(call(CALL_memory_more, 1, 0, 64 * MIB, 0) != 0, "a further memory of that size");
    check(call(CALL_memory_grow, 0, 20 * MIB, 0, 0) == 0, "what there is room for");
    check(call(CALL_heap_grow, 20 * MIB, 0, 0, 0) == 0, "the same of heap");
    check(call(CALL_code_grow, 20 * MIB, 0, 0, 0) != 0, "more than what is left");
    check(call(CALL_memory_grow, 20 * MIB, 40 * MIB, 0, 0) != 0,
          "more than what is left, of linear memory");
    check(call(CALL_code_grow, 12 * MIB, 0, 0, 0) == 0, "what is left");
    end(0, "");
}
