/* Function types made comparable by number: equal types, of whatever module, get equal ids (for the
 * signature checks of call_indirect and of linking).  canon_types[id] is the type; canon_hash is an
 * open-addressed table of id + 1, kept at most half full.  Both double when full; what they leave
 * behind in the heap is less than they are. */
#include "engine/lib.h"
#include "engine/load/parse.h"

#define FIRST_CAP 64u

uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static uint32_t hash(const struct functype *t)
{
    uint8_t divide = (uint8_t)t->nparams; /* (a)(b) and (ab)() differ */
    uint64_t h = hash_bytes(HASH_START, t->params, t->nparams);
    h = hash_bytes(h, &divide, 1);
    return (uint32_t)hash_bytes(h, t->results, t->nresults);
}

static bool equal(const struct functype *a, const struct functype *b)
{
    return a->nparams == b->nparams && a->nresults == b->nresults &&
           mem_equal(a->params, b->params, a->nparams) &&
           mem_equal(a->results, b->results, a->nresults);
}

/* The slot that holds t's id, or the empty one where it belongs. */
static uint32_t *slot(struct engine *e, const struct functype *t)
{
    uint32_t mask = e->canon_hash_cap - 1;
    ENGINE_ASSERT(e->ncanon < e->canon_hash_cap); /* so that there is an empty one */
    for (uint32_t i = hash(t) & mask;; i = (i + 1) & mask) {
        uint32_t *s = &e->canon_hash[i];
        if (*s == 0 || equal(&e->canon_types[*s - 1], t))
            return s;
    }
}

static bool grow(struct engine *e)
{
    uint32_t cap = e->canon_cap ? 2 * e->canon_cap : FIRST_CAP;
    struct functype *types = heap_alloc(e, cap * sizeof *types, _Alignof(struct functype));
    uint32_t *table = heap_alloc(e, 2 * cap * sizeof *table, _Alignof(uint32_t));
    if (!types || !table)
        return false;
    for (uint32_t i = 0; i < e->ncanon; i++)
        types[i] = e->canon_types[i];
    e->canon_types = types;
    e->canon_cap = cap;
    e->canon_hash = table;
    e->canon_hash_cap = 2 * cap;
    for (uint32_t i = 0; i < e->ncanon; i++)
        *slot(e, &types[i]) = i + 1;
    return true;
}

uint32_t canon_type(struct engine *e, const struct functype *t)
{
    if (e->ncanon == e->canon_cap && !grow(e))
        return UINT32_MAX;
    uint32_t *s = slot(e, t);
    if (*s == 0) {
        e->canon_types[e->ncanon] = *t;
        *s = ++e->ncanon;
    }
    ENGINE_ASSERT(*s <= e->ncanon && e->ncanon <= e->canon_cap);
    return *s - 1;
}
