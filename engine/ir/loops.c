/* Loops, found by the jumps back in layout order, and how often each block runs, as a guess. */
#include "engine/ir/ir.h"

struct loops {
    uint32_t *ends; /* by place in layout order: of the loop that begins there, or 0 */
    uint32_t *open; /* a stack of such beginnings */
    uint32_t nopen;
    uint32_t *place; /* of each block */
    struct back_jumps *back;
};

static bool loops_begin(struct compile *c, struct loops *l)
{
    uint32_t n = c->body.norder;
    l->ends = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->ends);
    l->open = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->open);
    l->place = scratch_alloc(c->engine, (c->body.nblocks + UINT64_C(1)) * sizeof *l->place);
    l->back->places = scratch_alloc(c->engine, (uint64_t)n * sizeof *l->back->places);
    l->back->n = 0;
    if (!l->ends || !l->open || !l->place || !l->back->places)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        l->place[c->body.order[i]] = i;
        l->ends[i] = 0;
    }
    return true;
}

/* A way aside stands behind all other blocks, and is no loop. */
static inline void jump_back(const struct compile *c, struct loops *l, uint32_t block,
                             uint32_t from)
{
    const struct block *to = &c->body.blocks[block];
    uint32_t at = l->place[block];
    if (at > from && !to->aside)
        return;
    at = l->place[to->aside ? to->succ[0] : block];
    if (at <= from && !to->aside && (!l->back->n || l->back->places[l->back->n - 1] != from))
        l->back->places[l->back->n++] = from;
    if (at <= from && l->ends[at] < from && !c->body.blocks[c->body.order[from]].aside)
        l->ends[at] = from;
}

static void jumps_back(const struct compile *c, struct loops *l)
{
    for (uint32_t i = 0; i < c->body.norder; i++) {
        const struct block *b = &c->body.blocks[c->body.order[i]];
        for (int s = 0; s < 2; s++)
            if (b->succ[s] != REF_NONE)
                jump_back(c, l, b->succ[s], i);
        if (c->body.order[i] == c->body.dispatch) /* no entry of its table leads back */
            continue;
        for (uint32_t t = 0; t < b->ntable; t++)
            jump_back(c, l, c->body.targets[b->table + t], i);
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

bool loops_weigh(struct compile *c, struct back_jumps *back)
{
    struct loops l = {.back = back};
    uint32_t n = c->body.norder;
    if (!loops_begin(c, &l))
        return false;
    jumps_back(c, &l);
    loops_nest(&l, n);
    cold_find(c);
    for (uint32_t i = 0; i < n; i++) {
        struct block *b = &c->body.blocks[c->body.order[i]];
        while (l.nopen && l.ends[l.open[l.nopen - 1]] < i)
            l.nopen--;
        if (l.ends[i])
            l.open[l.nopen++] = i;
        b->weight = b->cold ? 0 : 1u << (3 * (l.nopen > 6 ? 6 : l.nopen));
    }
    return true;
}
