/* EXPECT 131,137
 * SIGNAL QUIT
 * RUNS 6
 * MOST 4000
 * SIGQUIT sends the guest to where it says, which is nowhere: the run ends by the signal, or as a
 * crash. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    static const uint64_t entries[] = { 1ull << 63, ~0ull,       0x1000,
                                        MAP_CPL0,   CPL0_TABLES, 0x00007fffffffffffull };
    static const uint64_t stacks[] = {0, ~0ull, 1ull << 47, MAP_CPL0, 1, FSTACK_TOP};
    call(CALL_sched_yield, 0, 0, 0, 0);
    shared->quit_entry = entries[last_argument() % 6];
    shared->quit_stack = stacks[last_argument() % 6];
    for (;;)
        __asm__ volatile("pause");
}
