/* Arguments of one call of a function that has a front, made from the call's number. */
#ifndef TESTS_KNOWN_CALLS_H
#define TESTS_KNOWN_CALLS_H

#include "engine/x64/target.h"

/* All that a call reads or writes lies in memory's last bytes: ranges in CALL_HEAP of them, and a
 * Go function's frame in CALL_FRAME below its stack pointer.  In CALL_ASIDE bytes before those are
 * keys, counters and tables. */
enum { CALL_ARENA = 16384, CALL_HEAP = 8192, CALL_FRAME = 2048, CALL_ASIDE = 16384 };

struct call {
    struct cell cells[6];
    uint32_t sp; /* 0: it has none */
    uint64_t context; /* CTXT: a closure */
};

/* end: memory's.  Writes the arena anew. */
void call_make(struct call *, enum front, uint32_t number, uint8_t *end);

/* GCM's table for what falls out of an element, as Go's start makes it: a slice at this address. */
void call_reduction(uint64_t slice, uint8_t *end);

#endif
