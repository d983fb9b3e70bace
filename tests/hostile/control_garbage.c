/* EXPECT 0
 * The control area overwritten with noise before every doorbell: the monitor takes nothing from it
 * but the request. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    uint64_t *words = (uint64_t *)MAP_CONTROL;
    for (int round = 0; round < 200; round++) {
        for (unsigned i = 0; i < sizeof(struct control) / 8; i++)
            words[i] = random_next();
        call(round % 2 ? CALL_clock_refresh : CALL_heap_grow, 0, 0, 0, 0);
        call(CALL_sched_yield, 0, 0, 0, 0);
    }
    end(0, "");
}
