/* engine/heap.c for the fuzzers: the same face, but AddressSanitizer sees every allocation.
 *
 * Takes engine/heap.c's place in the link.  The lower half of the heap holds what lives as long as
 * the engine, the upper half the scratch memory.  Bytes outside of allocations are poisoned, a
 * redzone lies between two of them, and scratch_reset poisons what was scratch.  Scratch is filled
 * with a pattern, as the real one's is not zeroed.
 *
 * Invariant, kept by fuzz_heap_reset: the lower half is zero but for what the engine wrote, now or
 * before fuzz_heap_keep. */
#include "tests/fuzz/heap.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REDZONE     16
#define SCRATCH_FILL 0xa5
#define MANY        (1u << 20) /* from here on giving pages back is faster than clearing them */

static uint64_t scratch_start; /* the same for every cap, so that what was scratch is never heap */
static uint64_t scratch_at;    /* bytes in use */

/* What was allocated before fuzz_heap_keep, and its bytes; the redzones between are not to be
 * touched. */
#define KEPT_MAX   8
#define KEPT_BYTES (64u << 10)
static struct { uint64_t at, bytes; } kept[KEPT_MAX];
static uint32_t nkept;
static uint8_t kept_bytes[KEPT_BYTES];
static uint64_t kept_end; /* 0: not yet */

static uint64_t scratch_cap(const struct engine *engine)
{
    return engine->env.heap_cap / 2;
}

static uint8_t *scratch(const struct engine *engine)
{
    return engine->env.heap + scratch_start;
}

/* How many allocations succeed before one fails; 0: all do. */
static uint32_t fail_at, failed;

bool fuzz_heap_fails(void)
{
    return fail_at && --fail_at == 0 && ++failed;
}

void fuzz_heap_fail_at(uint32_t number)
{
    fail_at = number;
    failed = 0;
}

bool fuzz_heap_failed(void)
{
    return failed > 0;
}

static void *nomem(struct engine *engine)
{
    error_set(engine, ERROR_NOMEM, 0, "out of engine memory");
    return NULL;
}

void *heap_alloc(struct engine *engine, uint64_t bytes, uint64_t align)
{
    uint64_t cap = engine->env.heap_cap / 2,
             at = (engine->heap_used + REDZONE + align - 1) & ~(align - 1);
    if (bytes > cap || at > cap - bytes || fuzz_heap_fails())
        return nomem(engine);
    engine->heap_used = at + bytes;
    engine->stats.heap_bytes = engine->heap_used;
    ASAN_UNPOISON_MEMORY_REGION(engine->env.heap + at, bytes);
    if (!kept_end && nkept < KEPT_MAX)
        kept[nkept].at = at, kept[nkept++].bytes = bytes;
    return engine->env.heap + at;
}

void *scratch_alloc(struct engine *engine, uint64_t bytes)
{
    uint64_t at = (scratch_at + REDZONE + 15) & ~15ull;
    if (bytes > scratch_cap(engine) || at > scratch_cap(engine) - bytes || fuzz_heap_fails())
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

void scratch_clear(struct engine *engine)
{
    scratch_reset(engine);
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

void fuzz_heap_keep(const struct engine *engine)
{
    kept_end = engine->heap_used;
    if (nkept == KEPT_MAX || kept_end > KEPT_BYTES)
        abort();
    kept[nkept].at = 0, kept[nkept++].bytes = sizeof *engine;
    for (uint32_t i = 0; i < nkept; i++)
        memcpy(kept_bytes + kept[i].at, engine->env.heap + kept[i].at, kept[i].bytes);
}

void fuzz_heap_reset(struct engine *engine)
{
    uint8_t *heap = engine->env.heap, *from = heap + kept_end;
    uint64_t used = engine->heap_used - kept_end, pages = (uint64_t)(heap - from) & 4095;
    scratch_reset(engine);
    ASAN_UNPOISON_MEMORY_REGION(from, used);
    memset(from, 0, used <= MANY ? used : pages);
    if (used > MANY)
        madvise(from + pages, (used - pages + 4095) & ~4095ull, MADV_DONTNEED);
    ASAN_POISON_MEMORY_REGION(from, used);
    for (uint32_t i = 0; i < nkept; i++)
        memcpy(heap + kept[i].at, kept_bytes + kept[i].at, kept[i].bytes);
}
