/* Liveness: which virtual registers are candidates, and which of these live where a block begins.
 *
 * Candidates are the virtual registers that may get a machine register, at most 64 * CAND_WORDS_MAX
 * of them; the others live in their frame slots for good.  What each block reads and sets, build.c
 * has listed.  Liveness is iterated over blocks in reverse layout order; should it not settle in a
 * few passes (only crafted control flow does that), everything counts as live, which is safe. */
#include "engine/lib.h"
#include "engine/ir/ir.h"

#define LIVENESS_PASSES 16

/* ---- candidates ---- */

#define LIVE_ENTRIES (4u << 20)

/* So often the candidates have to be used, where there are only so many. */
static uint32_t least_uses(const struct compile *c, uint32_t limit)
{
    uint32_t histogram[256] = {0}, sum = 0, least = 255;
    for (uint32_t v = 2; v < c->body.nvregs; v++)
        histogram[c->body.vregs[v].uses > 255 ? 255 : c->body.vregs[v].uses]++;
    for (; least > 1 && sum + histogram[least] <= limit; least--)
        sum += histogram[least];
    return least < 255 ? least + 1 : 255;
}

static bool choose_candidates(struct compile *c)
{
    uint32_t n = 0, limit = 64 * CAND_WORDS_MAX, least = 1, nvregs = c->body.nvregs;
    struct vreg *vregs = c->body.vregs;
    /* work and memory go by blocks times candidates */
    while (limit > 64 && limit > LIVE_ENTRIES / c->body.nblocks)
        limit /= 2;
    uint32_t *used = scratch_alloc(c->engine, nvregs * sizeof *used);
    if (!used)
        return false;
    vregs[0].cand = vregs[1].cand = NO_CAND;
    vregs[0].slot = vregs[1].slot = 0;
    for (uint32_t v = 2; v < nvregs; v++) {
        vregs[v].cand = NO_CAND;
        vregs[v].slot = 0; /* no more `touched` */
        if (vregs[v].uses > 0)
            used[n++] = v;
    }
    if (n > limit)
        least = least_uses(c, limit);
    c->life.cand_vreg = used; /* those that are candidates */
    for (uint32_t i = 0; i < n && c->life.ncand < limit; i++)
        if (vregs[used[i]].uses >= least) {
            vregs[used[i]].cand = (uint16_t)c->life.ncand;
            c->life.cand_vreg[c->life.ncand++] = used[i];
        }
    c->life.in_slots = n > c->life.ncand;
    ENGINE_ASSERT(c->life.ncand <= limit);
    c->life.words = (c->life.ncand + 63) / 64;
    if (c->life.words == 0)
        c->life.words = 1;
    return true;
}

/* ---- liveness ---- */

struct sets {
    const struct compile *c;
    const struct vreg *vregs;
    uint64_t *use, *def; /* per block, as life.live_in */
    uint64_t *defined_early;
    struct back_jumps back;
};

static void put(uint64_t *set, uint32_t x)
{
    set[x / 64] |= UINT64_C(1) << (x % 64);
}

/* What block k uses before it defines it, and what it defines besides what is in `def`. */
FOR_WORDS void local_sets(const struct vreg *vregs, const uint32_t *touch, const uint32_t *end,
                          uint64_t *use, uint64_t *def, uint32_t words)
{
    for (; touch < end; touch++) {
        uint32_t x = vregs[*touch & ~TOUCH_SET].cand, w = words == 1 ? 0 : x / 64;
        uint64_t bit = UINT64_C(1) << (x % 64);
        if (x == NO_CAND)
            continue;
        if (*touch & TOUCH_SET)
            def[w] |= bit;
        else
            use[w] |= bit;
    }
}

/* Before the first block's, there is what is live into REF_NONE: nothing. */
FOR_WORDS void add_live_in(const uint64_t *live_in, uint32_t block, uint64_t *out, uint32_t words)
{
    for (uint32_t w = 0; w < words; w++)
        out[w] |= live_in[(int64_t)(int32_t)block * words + w];
}

FOR_WORDS void live_out(const struct sets *s, uint32_t k, uint64_t *out, uint32_t words)
{
    const struct compile *c = s->c;
    const struct block *b = &c->body.blocks[k];
    const uint64_t *live_in = c->life.live_in;
    for (uint32_t w = 0; w < words; w++)
        out[w] = 0;
    add_live_in(live_in, b->succ[0], out, words);
    add_live_in(live_in, b->succ[1], out, words);
    if (!b->ntable)
        return;
    for (uint32_t t = 0; t < b->ntable; t++)
        add_live_in(live_in, c->body.targets[b->table + t], out, words);
    if (k == c->body.dispatch) /* the others are still zero there: see x64/emit_control.c */
        for (uint32_t w = 0; w < words; w++)
            out[w] &= s->defined_early[w];
}

/* One pass over so many blocks, last to first.  The first one finds their sets; in the last one
 * everything counts as live. */
enum pass { FIRST, AGAIN, SETTLED };
FOR_WORDS void liveness_pass(const struct sets *s, uint32_t blocks, enum pass pass, uint32_t words)
{
    const struct body *body = &s->c->body;
    const struct life *life = &s->c->life;
    const uint32_t *order = body->order, *end = body->touches + body->ntouches;
    uint64_t top = life->ncand % 64 ? (UINT64_C(1) << (life->ncand % 64)) - 1 : ~UINT64_C(0);
    for (uint32_t i = blocks; i-- > 0;) {
        uint32_t k = order[i];
        uint64_t use[CAND_WORDS_MAX], def[CAND_WORDS_MAX], out[CAND_WORDS_MAX],
            at = (uint64_t)k * words;
        for (uint32_t w = 0; w < words; w++) {
            use[w] = pass == FIRST ? 0 : s->use[at + w];
            def[w] = s->def[at + w];
        }
        if (pass == FIRST) {
            const uint32_t *touch = body->touches + body->blocks[k].touches;
            local_sets(s->vregs, touch, end, use, def, words);
            end = touch;
            for (uint32_t w = 0; w < words; w++) {
                s->use[at + w] = use[w];
                s->def[at + w] = def[w];
            }
        }
        live_out(s, k, out, words);
        for (uint32_t w = 0; w < words; w++) {
            uint64_t all = w == words - 1 ? top : ~UINT64_C(0);
            life->live_in[at + w] = pass == SETTLED ? all : use[w] | (out[w] & ~def[w]);
        }
    }
}

/* After a pass, only blocks that jump back may not know yet all that their successors need.  How
 * many blocks the next pass is over: up to the last of these. */
FOR_WORDS uint32_t unsettled(const struct sets *s, uint32_t words)
{
    const struct compile *c = s->c;
    for (uint32_t n = s->back.n; n-- > 0;) {
        uint32_t k = c->body.order[s->back.places[n]];
        uint64_t out[CAND_WORDS_MAX], at = (uint64_t)k * words;
        live_out(s, k, out, words);
        for (uint32_t w = 0; w < words; w++)
            if (out[w] & ~s->def[at + w] & ~c->life.live_in[at + w])
                return s->back.places[n] + 1;
    }
    return 0;
}

FOR_WORDS void settle(const struct sets *s, uint32_t words)
{
    liveness_pass(s, s->c->body.norder, FIRST, words);
    uint32_t blocks = unsettled(s, words);
    for (unsigned pass = 1; blocks && pass < LIVENESS_PASSES; pass++) {
        liveness_pass(s, blocks, AGAIN, words);
        blocks = unsettled(s, words);
    }
    if (blocks)
        liveness_pass(s, s->c->body.norder, SETTLED, words);
}

/* What is defined when the entry block ends. */
static void find_defined_early(struct sets *s)
{
    const struct body *body = &s->c->body;
    const uint32_t first = body->first_local, nparams = s->c->type->nparams;
    const uint32_t end = body->norder > 1 ? body->blocks[body->order[1]].touches : body->ntouches;
    uint64_t use[CAND_WORDS_MAX] = {0};
    for (uint32_t w = 0; w < s->c->life.words; w++)
        s->defined_early[w] = 0;
    local_sets(s->vregs, body->touches, body->touches + end, use, s->defined_early,
               s->c->life.words);
    for (uint32_t v = first; v < first + nparams; v++)
        if (s->vregs[v].cand != NO_CAND)
            put(s->defined_early, s->vregs[v].cand);
}

static bool liveness(struct compile *c, struct sets *s)
{
    const struct body *body = &c->body;
    const uint64_t words = c->life.words, n = body->nblocks * words;
    uint64_t *sets = scratch_alloc(c->engine, (words + 3 * n) * 8);
    if (!sets)
        return false;
    mem_fill((uint8_t *)sets, 0, (words + 3 * n) * 8);
    c->life.live_in = sets + words;
    s->use = c->life.live_in + n;
    s->def = s->use + n;
    for (uint32_t i = 0; i < body->nlate; i++) {
        uint32_t x = s->vregs[body->late[i].vreg].cand;
        if (x != NO_CAND)
            put(s->def + body->late[i].block * words, x);
    }
    find_defined_early(s);
    if (words == 1)
        settle(s, 1);
    else
        settle(s, c->life.words);
    live_check(c, s->use, s->def);
    return true;
}

bool live_find(struct compile *c, uint64_t *defined_early)
{
    struct sets s = {.c = c, .vregs = c->body.vregs, .defined_early = defined_early};
    return loops_weigh(c, &s.back) && choose_candidates(c) && liveness(c, &s);
}
