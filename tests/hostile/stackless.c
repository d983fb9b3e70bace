/* EXPECT 0
 * Faults with an impossible stack pointer: exception delivery does not need it. */
#include "tests/hostile/guest.h"

static void with_rsp(uint64_t rsp)
{
    __asm__ volatile("mov %0, %%rsp; push $1" : : "r"(rsp) : "memory");
}

void guest_main(void)
{
    static const uint64_t pointers[] = {0, 1, 8, ~0ull, 1ull << 63, 1ull << 47,
                                        MAP_CPL0 + 0x2000, CPL0_STACK_TOP, MAP_MODULE + 64};
    doorbell_first();
    for (unsigned i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        check(try_run(with_rsp, pointers[i]), "a push where no stack is");
    end(0, "");
}
