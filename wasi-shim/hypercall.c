/* A request's way to the monitor and back: post it, wait where somebody polls, ring where nobody
 * does or it takes long. */
#include "wasi-shim/hypercall.h"

static uint64_t ticks(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* Waits for the host's service thread; false: it takes longer than an exit would. */
static bool wait_done(const struct slot *slot)
{
    uint64_t start = ticks(), most = __atomic_load_n(&slot->wait_ticks, __ATOMIC_RELAXED);
    do {
        for (unsigned i = 0; i < 32; i++) {
            /* the result was written before */
            if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) == SLOT_DONE)
                return true;
            __asm__ volatile("pause");
        }
    } while (ticks() - start < most);
    return false;
}

uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    for (unsigned i = 0; i < nargs && i < SLOT_ARGS; i++)
        slot->args[i] = args[i];
    return hypercall_send(slot, number);
}

uint64_t hypercall_send(struct slot *slot, enum call number)
{
    slot->number = number;
    bool may_wait = number <= CALL_SHARED_LAST && number != CALL_proc_exit;
    /* Release: the request above is whole before this is seen. */
    __atomic_store_n(&slot->state, may_wait ? SLOT_POSTED : SLOT_RUNG, __ATOMIC_RELEASE);
    if (!may_wait || !__atomic_load_n(&slot->polled, __ATOMIC_RELAXED) || !wait_done(slot))
        doorbell_ring(DOORBELL_CALL);
    uint64_t result = slot->result;
    if (slot->closes)
        slot->closes = 0;
    __atomic_store_n(&slot->state, SLOT_MINE, __ATOMIC_RELAXED);
    return result;
}
