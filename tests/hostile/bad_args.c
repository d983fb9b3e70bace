/* EXPECT 0,1,137
 * RUNS 120
 * OPTIONS --timeout 300
 * Every call with random arguments: errors are answered, lies end the run, the monitor lives.
 * proc_exit says 0 or 1. */
#include "tests/hostile/guest.h"

static uint64_t argument(void)
{
    static const uint64_t likely[] = { 0,           1,          2,          3,           4,
                                       8,           0xfff,      0x1000,     0xffff,      0x10000,
                                       0x7fffffff,  0x80000000, 0xffffffff, 0x100000000, MAP_HEAP,
                                       MAP_CONTROL, MAP_CPL0,   MAP_STACK,  1ull << 63,  ~0ull };
    uint64_t n = random_next();
    switch (n >> 60 & 3) {
    case 0: return likely[random_next() % (sizeof likely / sizeof likely[0])];
    case 1: return random_next() >> (random_next() & 63);
    case 2: return random_next() & 0x1ffff;
    default: return random_next();
    }
}

static bool ends(uint32_t number)
{
    return number == CALL_proc_exit || number == CALL_end || number == CALL_ready ||
           number == CALL_backtrace || number == CALL_proc_raise || number == CALL_memory_grow;
}

static void one(uint32_t number)
{
    shared->slot.number = number;
    for (int i = 0; i < SLOT_ARGS; i++)
        shared->slot.args[i] = argument();
    if (number == CALL_poll_oneoff) /* not to wait */
        shared->slot.args[2] = 0;
    if (number == CALL_proc_exit)
        shared->slot.args[0] &= 1;
    ring(DOORBELL_CALL);
}

void guest_main(void)
{
    uint64_t run = last_argument();
    random_seed(run);
    call(CALL_memory_grow, 0, 0x20000, 0, 0);
    for (uint64_t at = 0; at < 0x20000; at += 8)
        *(volatile uint64_t *)at = argument();
    for (uint32_t number = 0; number < CALL_COUNT; number++)
        for (int i = 0; i < 4; i++)
            if (!ends(number))
                one(number);
    one((uint32_t)(run % CALL_COUNT));
    end(0, "");
}
