/* EXPECT 124 CPU time
 * OPTIONS --cpu-time 300ms --hypercall poll
 * What costs much is left to the thread that polls, while the vCPU's sleeps: its time counts as
 * well. */
#include "tests/hostile/guest.h"

#define BYTES (64ull << 20)
#define ROUNDS 100
#define TRIES 1000000

/* False: nobody took it in time; the slot is the guest's again. */
static bool taken(struct slot *s)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SLOT_POSTED)
            return true;
        __builtin_ia32_pause();
    }
    __atomic_store_n(&s->state, SLOT_MINE, __ATOMIC_RELEASE);
    return false;
}

void guest_main(void)
{
    struct slot *s = &shared->slot;
    check(call(CALL_memory_grow, 0, BYTES, 0, 0) == 0, "no memory");
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 100000 && !s->polled; i++)
            call(CALL_fd_seek, 99, 0, 0, 0);
        s->number = CALL_random_get;
        s->args[0] = 0;
        s->args[1] = BYTES;
        __atomic_store_n(&s->state, SLOT_POSTED, __ATOMIC_RELEASE);
        if (taken(s))
            __asm__ volatile("outb %b0, %1" : : "a"(DOORBELL_CALL), "N"(DOORBELL_PORT) : "memory");
    }
    end(0, "");
}
