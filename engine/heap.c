/* The engine's heap: bump allocation, and the scratch memory of one compilation.
 *
 * Owns engine->heap_used, the scratch_* fields, and every call of env.heap_grow.  Nothing is freed
 * singly: the heap ends with the engine.  Who gets NULL needs to say nothing more: engine->error is
 * set here.
 *
 *   heap  [ struct engine | what was allocated, in order .. | scratch chunk | .. )heap_used
 *                                                              )heap_usable   )heap_cap
 *
 * Scratch is a list of chunks inside the heap, filled from its start after every scratch_reset, so
 * that compiling touches the same pages again and again.  A chunk that ends where the heap ends
 * grows in place.
 *
 * Invariants: [heap_used, heap_usable) is zero; chunks are 16-aligned, and only the last one may
 * grow. */
#include "engine/inside.h"
#include "engine/lib.h"

#define HEAP_STEP     (2ull << 20) /* one large page: what the guest's surroundings hand out */
#define SCRATCH_FIRST (64ull << 10)

struct chunk { struct chunk *next; uint64_t bytes; }; /* bytes follow */

/* Makes the heap's first `bytes` usable. */
static bool heap_reach(struct engine *engine, uint64_t bytes)
{
    struct engine_env *env = &engine->env;
    if (bytes <= env->heap_usable)
        return true;
    uint64_t want = (bytes + HEAP_STEP - 1) & ~(HEAP_STEP - 1);
    if (want > env->heap_cap)
        want = env->heap_cap;
    if (want < bytes || !env->heap_grow(env->self, want))
        return false;
    env->heap_usable = want;
    return true;
}

void *heap_alloc(struct engine *engine, uint64_t bytes, uint64_t align)
{
    ENGINE_ASSERT(align != 0 && (align & (align - 1)) == 0 && align <= 4096);
    uint64_t at = (engine->heap_used + align - 1) & ~(align - 1);
    if (bytes > engine->env.heap_cap || at > engine->env.heap_cap - bytes ||
        !heap_reach(engine, at + bytes)) {
        error_set(engine, ERROR_NOMEM, 0, "out of engine memory");
        return NULL;
    }
    ENGINE_ASSERT(at >= engine->heap_used && at + bytes <= engine->env.heap_usable);
    engine->heap_used = at + bytes;
    engine->stats.heap_bytes = engine->heap_used;
    return engine->env.heap + at;
}

static struct chunk *chunk_current(struct engine *engine)
{
    return engine->scratch ? (struct chunk *)engine->scratch - 1 : NULL;
}

static void *chunk_use(struct engine *engine, struct chunk *chunk, uint64_t bytes)
{
    engine->scratch = (uint8_t *)(chunk + 1);
    engine->scratch_cap = chunk->bytes;
    engine->scratch_used = bytes;
    return engine->scratch;
}

/* A chunk that holds `bytes`, behind `last`.  A quarter of the last one's size at least, so that
 * they stay few; not more, as one that ends the heap grows in place. */
static struct chunk *chunk_new(struct engine *engine, struct chunk *last, uint64_t bytes)
{
    uint64_t size = last ? last->bytes / 4 & ~15ull : SCRATCH_FIRST - sizeof(struct chunk);
    if (size < bytes)
        size = bytes;
    struct chunk *chunk = heap_alloc(engine, sizeof *chunk + size, 16);
    if (!chunk && size > bytes) {
        size = bytes;
        chunk = heap_alloc(engine, sizeof *chunk + size, 16);
        if (chunk)
            engine->error.kind = ERROR_NONE;
    }
    if (!chunk)
        return NULL;
    *chunk = (struct chunk){ NULL, size };
    if (last)
        last->next = chunk;
    else
        engine->scratch_state = chunk;
    return chunk;
}

/* Lengthens the last chunk in place by what is missing; false: something else follows it in the
 * heap. */
static bool chunk_extend(struct engine *engine, struct chunk *last, uint64_t bytes)
{
    uint8_t *end = (uint8_t *)(last + 1) + last->bytes;
    if (end != engine->env.heap + engine->heap_used || bytes > engine->env.heap_cap)
        return false;
    uint64_t more = (engine->scratch_used + bytes - last->bytes + SCRATCH_FIRST - 1) &
                    ~(SCRATCH_FIRST - 1);
    if (more > engine->env.heap_cap - engine->heap_used || !heap_alloc(engine, more, 16))
        return false;
    last->bytes += more;
    ENGINE_ASSERT((uint8_t *)(last + 1) + last->bytes == engine->env.heap + engine->heap_used);
    return true;
}

static void *scratch_more(struct engine *engine, uint64_t bytes)
{
    struct chunk *chunk = chunk_current(engine);
    if (chunk && !chunk->next && chunk_extend(engine, chunk, bytes)) {
        uint64_t at = engine->scratch_used;
        chunk_use(engine, chunk, at + bytes);
        return engine->scratch + at;
    }
    while (chunk && chunk->next) {
        chunk = chunk->next;
        if (chunk->bytes >= bytes)
            return chunk_use(engine, chunk, bytes);
    }
    chunk = chunk_new(engine, chunk, bytes);
    return chunk ? chunk_use(engine, chunk, bytes) : NULL;
}

void *scratch_alloc(struct engine *engine, uint64_t bytes)
{
    if (bytes > engine->env.heap_cap) {
        error_set(engine, ERROR_NOMEM, 0, "out of engine memory");
        return NULL;
    }
    bytes = (bytes + 15) & ~15ull;
    if (bytes > engine->scratch_cap - engine->scratch_used)
        return scratch_more(engine, bytes);
    ENGINE_ASSERT(engine->scratch_used <= engine->scratch_cap);
    void *at = engine->scratch + engine->scratch_used;
    engine->scratch_used += bytes;
    return at;
}

void scratch_reset(struct engine *engine)
{
    struct chunk *first = engine->scratch_state;
    if (first)
        chunk_use(engine, first, 0);
}

void scratch_clear(struct engine *engine)
{
    for (struct chunk *chunk = engine->scratch_state; chunk; chunk = chunk->next)
        mem_fill((uint8_t *)(chunk + 1), 0, chunk->bytes);
    scratch_reset(engine);
}
