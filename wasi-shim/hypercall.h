/* The way out of the guest: one request slot, one doorbell (wasi-shim/abi.h).
 *
 * A request has one owner at a time: the guest fills the slot and rings; it runs on when the result
 * is there.  Only the fault and quit handlers may come between filling and ringing, and neither
 * returns to what it interrupted after a request of its own. */
#ifndef WASI_SHIM_HYPERCALL_H
#define WASI_SHIM_HYPERCALL_H

#include <stdbool.h>

#include "wasi-shim/calls.h"

/* Posts call `number` with its `nargs` arguments (at most SLOT_ARGS), waits for it, and returns its
 * result. */
uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs);

/* The same for a request whose arguments stand in the slot already. */
uint64_t hypercall_send(struct slot *slot, enum call number);

/* The same with arguments by name, as in HYPERCALL(slot, found, .what = FOUND, .func = 3). */
#define CALL(name, list, result)                                                                   \
    static inline uint64_t hypercall_##name(struct slot *slot, struct name##_args args)            \
    {                                                                                              \
        name##_encode(slot->args, &args);                                                          \
        return hypercall_send(slot, CALL_##name);                                                  \
    }
#include "wasi-shim/calls.def"
#define HYPERCALL(slot, name, ...) hypercall_##name(slot, (struct name##_args){__VA_ARGS__})

/* Rings the doorbell; for DOORBELL_CRASH it does not come back. */
void doorbell_ring(enum doorbell why);

#endif
