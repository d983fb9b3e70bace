/* EXPECT 131
 * SIGNAL QUIT
 * MOST 4000
 * SIGQUIT asks for a backtrace, and the guest makes other calls instead: the run ends by the signal
 * all the same. */
#include "tests/hostile/guest.h"

static void asked(void)
{
    for (;;)
        call(CALL_sched_yield, 0, 0, 0, 0);
}

void guest_main(void)
{
    call(CALL_sched_yield, 0, 0, 0, 0);
    shared->quit_stack = FSTACK_TOP - 8;
    shared->quit_entry = (uint64_t)asked;
    for (;;)
        __asm__ volatile("pause");
}
