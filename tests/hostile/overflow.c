/* EXPECT 0
 * The C stack runs over into its guard; the handler has a stack of its own. */
#include "tests/hostile/guest.h"

static volatile uint8_t sink;

static void deeper(uint64_t n)
{
    volatile uint8_t here[256];
    here[0] = (uint8_t)n;
    if (n + 1)
        deeper(n + 1);
    sink = here[0];
}

void guest_main(void)
{
    for (int i = 0; i < 3; i++) {
        check(try_run(deeper, 0), "a stack without end");
        check(fault.vector == 14 && fault.cr2 >= MAP_CSTACK && fault.cr2 < MAP_CSTACK + 0x1000,
              "a fault elsewhere");
    }
    end(0, "");
}
