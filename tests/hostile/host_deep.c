/* EXPECT 137 called each other more than 1000 deep
 * PLUGIN tests/plugins/plain.c
 * RUNS 2
 * OPTIONS --timeout 300
 * The host asks for an export, and the guest's answer is another call of a host function, without
 * end: the monitor's own stack must not be the limit.  Run 0 by exits, run 1 by the thread that
 * polls. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    uint32_t deeper = host_function("deeper"), counter = host_function("counter");
    struct slot *slot = &shared->slot;
    for (int i = 0; i < 40 && last_argument(); i++)
        call(CALL_host, counter, 0, 0, 0); /* brings the thread that polls */
    call(CALL_host, deeper, 1, 0, 0);
    for (uint32_t i = 0; i < 1000000; i++) {
        if (slot->number == ANSWER_FIND) {
            __builtin_memcpy(shared->words, "i:i", 4);
            call(CALL_found, FOUND, 0, 0, 0);
        } else {
            check(slot->number == ANSWER_CALL, "the host wants something else");
            call(CALL_host, deeper, 1, 0, 0);
        }
    }
    end(1, "a million deep");
}
