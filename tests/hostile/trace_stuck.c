/* EXPECT 124
 * FULL FIFO
 * OPTIONS --trace=FIFO --timeout 300ms
 * MOST 450
 * Traced calls without end, and nobody reads the trace: the time counts all the same. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        call(CALL_sched_yield, 0, 0, 0, 0);
}
