/* engine/heap.c for the fuzzers: the same face, but AddressSanitizer sees every allocation.
 *
 * Takes engine/heap.c's place in the link.  The lower half of the heap holds what lives as long as the engine, the
 * upper half the scratch memory.  Bytes outside of allocations are poisoned, a redzone lies between two of them, and
 * scratch_reset poisons what was scratch.  Scratch is filled with a pattern, as the real one's is not zeroed.
 *
 * Invariant, kept by fuzz_heap_reset: the lower half is zero but for what the running engine wrote. */
#include "tests/fuzz/heap.h"

#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/mman.h>

#define REDZONE     16
#define SCRATCH_FILL 0xa5
#define MANY        (1u << 20) /* from here on giving pages back is faster than clearing them */

static uint64_t scratch_start; /* the same for every cap, so that what was scratch is never heap */
static uint64_t scratch_at;    /* bytes in use */

static uint64_t scratch_cap(const struct engine *engine)
{
    return engine->env.heap_cap / 2;
}

static uint8_t *scratch(const struct engine *engine)
{
    return engine->env.heap + scratch_start;
}

static void *nomem(struct engine *engine)
{
    error_set(engine, ERROR_NOMEM, 0, "out of engine memory");
    return NULL;
}

void *heap_alloc(struct engine *engine, uint64_t bytes, uint64_t align)
{
    uint64_t cap = engine->env.heap_cap / 2, at = (engine->heap_used + REDZONE + align - 1) & ~(align - 1);
    if (bytes > cap || at > cap - bytes)
        return nomem(engine);
    engine->heap_used = at + bytes;
    engine->stats.heap_bytes = engine->heap_used;
    ASAN_UNPOISON_MEMORY_REGION(engine->env.heap + at, bytes);
    return engine->env.heap + at;
}

void *scratch_alloc(struct engine *engine, uint64_t bytes)
{
    uint64_t at = (scratch_at + REDZONE + 15) & ~15ull;
    if (bytes > scratch_cap(engine) || at > scratch_cap(engine) - bytes)
        return nomem(engine);
    scratch_at = at + bytes;
    ASAN_UNPOISON_MEMORY_REGION(scratch(engine) + at, bytes);
    if (bytes <= MANY)
        memset(scratch(engine) + at, SCRATCH_FILL, bytes);
    return scratch(engine) + at;
}

void scratch_reset(struct engine *engine)
{
    ASAN_POISON_MEMORY_REGION(scratch(engine), scratch_at);
    scratch_at = 0;
}

uint64_t fuzz_scratch_used(void)
{
    return scratch_at;
}

void fuzz_heap_open(uint8_t *heap, uint64_t bytes)
{
    scratch_start = bytes / 2;
    ASAN_POISON_MEMORY_REGION(heap + sizeof(struct engine), bytes - sizeof(struct engine));
}

void fuzz_heap_reset(struct engine *engine)
{
    uint8_t *heap = engine->env.heap;
    uint64_t used = engine->heap_used;
    scratch_reset(engine);
    ASAN_UNPOISON_MEMORY_REGION(heap, used);
    if (used <= MANY)
        memset(heap, 0, used);
    else
        madvise(heap, (used + 4095) & ~4095ull, MADV_DONTNEED);
    ASAN_POISON_MEMORY_REGION(heap + sizeof(struct engine), used - sizeof(struct engine));
}
