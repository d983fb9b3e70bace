/* engine/ir/ir.h's live_check in test builds: what build.c has listed of each block is what its
 * nodes read before they set it, and what they set.  What is listed and not there would make code
 * longer, and nothing else would show it; the process ends. */
#include "engine/ir/ir.h"

#include <stdio.h>
#include <stdlib.h>

static bool has(const uint64_t *set, uint32_t x)
{
    return set[x / 64] >> (x % 64) & 1;
}

static void put(uint64_t *set, uint32_t x)
{
    set[x / 64] |= UINT64_C(1) << (x % 64);
}

static void reads(const struct compile *c, ref r, uint64_t *use, const uint64_t *def)
{
    if (!ref_is_vreg(r))
        return;
    uint32_t x = c->body.vregs[ref_index(r)].cand;
    if (x != NO_CAND && !has(def, x))
        put(use, x);
}

static void node_sets(const struct compile *c, const struct node *n, uint64_t *use, uint64_t *def)
{
    if (n->op == IR_CONST)
        return;
    reads(c, n->a, use, def);
    if (node_has_args(n)) {
        for (uint32_t p = 0; p < n->nargs; p++)
            reads(c, c->body.args[n->args + p], use, def);
    } else {
        reads(c, n->b, use, def);
        reads(c, n->c, use, def);
    }
    if (n->dst != REF_NONE && c->body.vregs[n->dst].cand != NO_CAND)
        put(def, c->body.vregs[n->dst].cand);
}

void live_check(const struct compile *c, const uint64_t *use, const uint64_t *def)
{
    for (uint32_t i = 0; i < c->body.norder; i++) {
        uint32_t k = c->body.order[i];
        uint64_t used[CAND_WORDS_MAX] = {0}, defined[CAND_WORDS_MAX] = {0};
        const uint64_t *listed = use + (uint64_t)k * c->life.words,
                       *set = def + (uint64_t)k * c->life.words;
        for (uint32_t n = c->body.blocks[k].first + 1; n <= c->body.blocks[k].last; n++)
            node_sets(c, &c->body.nodes[n], used, defined);
        for (uint32_t x = 0; x < c->life.ncand; x++)
            if (has(used, x) != has(listed, x) || has(defined, x) != has(set, x)) {
                fprintf(stderr,
                        "finding: sets: function %u, block %u: virtual register %u is read %d and "
                        "set %d, and listed as read %d and set %d\n",
                        c->func, k, c->life.cand_vreg[x], has(used, x), has(defined, x),
                        has(listed, x), has(set, x));
                abort();
            }
    }
}
