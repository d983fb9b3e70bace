/* The one function that leaves the guest.  Nothing else executes `out`, the CPL 0 crash path apart. */
#include "wasi-shim/hypercall.h"

enum slot_state { SLOT_MINE = 0, SLOT_POSTED = 1 };

/* The memory clobber keeps the compiler from moving slot accesses across the doorbell.  The CPU needs no fence: the
 * exit serializes. */
void doorbell_ring(enum doorbell why)
{
    __asm__ volatile("outb %b0, %1" : : "a"(why), "N"(DOORBELL_PORT) : "memory");
}

uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    slot->number = number;
    for (unsigned i = 0; i < nargs && i < SLOT_ARGS; i++)
        slot->args[i] = args[i];
    slot->state = SLOT_POSTED;
    doorbell_ring(DOORBELL_CALL);
    slot->state = SLOT_MINE;
    return slot->result;
}
