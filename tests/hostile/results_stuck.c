/* EXPECT 124
 * FULL stdout
 * OPTIONS --invoke f --timeout 300ms
 * MOST 450
 * Results without end for a stdout that nobody reads: the time counts all the same. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    static struct invoke_result results[INVOKE_RESULTS_MAX];
    for (;;)
        call(CALL_results, (uint64_t)results, INVOKE_RESULTS_MAX, 0, 0);
}
