/* EXPECT 137 invalid opcode (vector 6
 * A fault inside the fault handler is the end, in words. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    __builtin_trap(); /* kit.c's handler traps as well, having nowhere to go on */
}
