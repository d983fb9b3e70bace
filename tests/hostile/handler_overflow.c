/* EXPECT 137 page fault (vector 14
 * A fault with the stack pointer in the fault stack's guard counts as one inside the handler. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    __asm__ volatile("mov %0, %%rsp; push $1" : : "r"(FSTACK_TOP - FSTACK_BYTES) : "memory");
    end(0, "");
}
