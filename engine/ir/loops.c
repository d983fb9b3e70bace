/* Loops, found by the jumps back in layout order, and how often each block runs, as a guess. */
#include "engine/ir/ir.h"
#include "engine/lib.h"

struct loops {
    uint32_t *ends; /* by place in layout order: of the loop that begins there, or 0 */
    uint32_t *open; /* a stack of such beginnings */
    uint32_t nopen;
    struct back_jumps *back;
};

static bool loops_begin(struct compile *c, struct loops *l)
{
    uint32_t n = c->body.norder;
    l->ends = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->ends);
    l->open = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->open);
    l->back->places = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->back->places);
    l->back->n = 0;
    if (!l->ends || !l->open || !l->back->places)
        return false;
    mem_fill((uint8_t *)l->ends, 0, (uint64_t)n * sizeof *l->ends);
    return true;
}

/* In layout order: as blocks were placed, so do their nodes follow each other. */
static uint32_t place_of(const struct compile *c, const struct block *b)
{
    uint32_t from = 0, to = c->body.norder;
    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;
        *(c->body.blocks[c->body.order[middle]].first <= b->first ? &from : &to) = middle;
    }
    return from;
}

/* A way aside stands behind all other blocks, and is no loop. */
static void jump_back(const struct compile *c, struct loops *l, const struct block *to,
                      uint32_t from)
{
    uint32_t at = place_of(c, to->aside ? &c->body.blocks[to->succ[0]] : to);
    if (at <= from && !to->aside && (!l->back->n || l->back->places[l->back->n - 1] != from))
        l->back->places[l->back->n++] = from;
    if (at <= from && l->ends[at] < from && !c->body.blocks[c->body.order[from]].aside)
        l->ends[at] = from;
}

/* An edge from b; most lead on. */
static inline void edge(const struct compile *c, struct loops *l, const struct block *b,
                        uint32_t block, uint32_t from)
{
    const struct block *to = &c->body.blocks[block];
    if (to->first <= b->first || to->aside)
        jump_back(c, l, to, from);
}

static void jumps_back(const struct compile *c, struct loops *l)
{
    const uint32_t *order = c->body.order, n = c->body.norder;
    for (uint32_t i = 0; i < n; i++) {
        const struct block *b = &c->body.blocks[order[i]];
        if (b->succ[0] != REF_NONE)
            edge(c, l, b, b->succ[0], i);
        if (b->succ[1] != REF_NONE)
            edge(c, l, b, b->succ[1], i);
        if (!b->ntable || order[i] == c->body.dispatch) /* no entry of its table leads back */
            continue;
        for (uint32_t t = 0; t < b->ntable; t++)
            edge(c, l, b, c->body.targets[b->table + t], i);
    }
}

/* A loop that begins inside another ends there too.  Go puts a loop's test behind its body, so that
 * the jump back of the outer one may stand in the middle of the inner one. */
static void loops_nest(struct loops *l, uint32_t n)
{
    for (uint32_t i = n; i-- > 0;) {
        if (!l->ends[i])
            continue;
        for (; l->nopen && l->open[l->nopen - 1] <= l->ends[i]; l->nopen--)
            if (l->ends[l->open[l->nopen - 1]] > l->ends[i])
                l->ends[i] = l->ends[l->open[l->nopen - 1]];
        l->open[l->nopen++] = i;
    }
    l->nopen = 0;
}

static uint32_t weight_in(uint32_t loops)
{
    return 1u << (3 * (loops > 6 ? 6 : loops));
}

bool loops_weigh(struct compile *c, struct back_jumps *back)
{
    struct loops l = {.back = back};
    uint32_t weight = weight_in(0);
    const uint32_t *order = c->body.order, n = c->body.norder;
    struct block *blocks = c->body.blocks;
    if (!loops_begin(c, &l))
        return false;
    jumps_back(c, &l);
    loops_nest(&l, n);
    cold_find(c);
    for (uint32_t i = 0; i < n; i++) {
        struct block *b = &blocks[order[i]];
        while (l.nopen && l.ends[l.open[l.nopen - 1]] < i)
            weight = weight_in(--l.nopen);
        if (l.ends[i]) {
            l.open[l.nopen++] = i;
            weight = weight_in(l.nopen);
        }
        b->weight = b->cold ? 0 : weight;
    }
    return true;
}
