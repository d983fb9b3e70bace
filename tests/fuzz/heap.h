/* The fuzzers' heap: engine/inside.h's heap_alloc, scratch_alloc and scratch_reset, and where runs
 * begin and end. */
#ifndef TESTS_FUZZ_HEAP_H
#define TESTS_FUZZ_HEAP_H

#include "engine/inside.h"

/* The heap that env will name, whole and zero; once. */
void fuzz_heap_open(uint8_t *heap, uint64_t bytes);
/* What the engine is now, fuzz_heap_reset brings back. */
void fuzz_heap_keep(const struct engine *);
/* After a run. */
void fuzz_heap_reset(struct engine *);
/* The allocation of this number from now on fails, and no other one; 0: none.  Did it? */
void fuzz_heap_fail_at(uint32_t number);
bool fuzz_heap_failed(void);
/* Asked for each allocation, also by others that stand for one. */
bool fuzz_heap_fails(void);
/* Bytes of scratch that the last compilation took. */
uint64_t fuzz_scratch_used(void);

#endif
