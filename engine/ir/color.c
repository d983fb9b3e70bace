/* Homes: machine registers for webs, in order of use per length of life, then for temporaries in the gaps; frame slots
 * for the rest.
 *
 * c->occupied has one mask per position (ir.h): which machine registers hold a web there.  A web gets a register that
 * is free over all its ranges.  Webs that live over calls get one only if they are used more than saved and restored:
 * every register is caller-saved.  A temporary that lives over a call stays in its slot. */
#include "engine/ir/ir.h"
#include "engine/x64/regs.h"

#define BUCKETS 64
#define TEMPORARY_NODES_MAX 4096 /* a temporary that lives longer goes to its slot unseen: work stays linear */

static unsigned log2_times_2(uint64_t v)
{
    if (v == 0)
        return 0;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    return 2 * top + (top ? (unsigned)(v >> (top - 1) & 1) : 0);
}

static bool sort_ranges(struct compile *c, struct range **sorted)
{
    struct range *out = scratch_alloc(c->engine, (uint64_t)(c->nranges + 1) * sizeof *out);
    if (!out)
        return false;
    for (uint32_t i = 0; i < c->nranges; i++) {
        c->ranges[i].web = web_find(c, c->ranges[i].web);
        c->webs[c->ranges[i].web].nranges++;
    }
    uint32_t at = 0;
    for (uint32_t w = 0; w < c->nwebs; w++) {
        struct web *web = &c->webs[w];
        uint32_t root = web_find(c, w);
        if (root != w) {
            struct web *r = &c->webs[root];
            r->weight = r->weight + web->weight < r->weight ? UINT32_MAX : r->weight + web->weight;
            r->call_weight =
                r->call_weight + web->call_weight < r->call_weight ? UINT32_MAX : r->call_weight + web->call_weight;
            if (r->hint == REF_NONE)
                r->hint = web->hint;
        }
        web->ranges = at;
        at += web->nranges;
        web->nranges = 0;
    }
    for (uint32_t i = 0; i < c->nranges; i++) {
        struct web *r = &c->webs[c->ranges[i].web];
        out[r->ranges + r->nranges++] = c->ranges[i];
    }
    *sorted = out;
    return true;
}

static uint32_t busy_over(const uint32_t *occupied, uint32_t from, uint32_t to)
{
    uint32_t busy = 0;
    for (uint32_t p = from; p <= to; p++)
        busy |= occupied[p];
    return busy;
}

static uint8_t pick(struct compile *c, const struct web *web, uint32_t free)
{
    if (web->fixed != REG_NONE && (free >> web->fixed & 1))
        return web->fixed;
    if (web->hint != REF_NONE) {
        uint8_t reg = c->webs[web_find(c, web->hint)].reg;
        if (reg != REG_NONE && (free >> reg & 1))
            return reg;
    }
    return reg_first(free);
}

static void color_web(struct compile *c, struct web *web, const struct range *ranges, uint32_t allowed)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < web->nranges; i++) {
        busy |= busy_over(c->occupied, ranges[i].from, ranges[i].to);
        if ((allowed & ~busy) == 0)
            return;
    }
    web->reg = pick(c, web, allowed & ~busy);
    uint32_t bit = 1u << web->reg;
    for (uint32_t i = 0; i < web->nranges; i++)
        for (uint32_t p = ranges[i].from; p <= ranges[i].to; p++)
            c->occupied[p] |= bit;
}

/* Webs of parameters come in fixed registers; webs that live over the Go dispatch stay in memory (x64/emit_control.c).
 */
static void fix_webs(struct compile *c)
{
    const struct block *entry = &c->blocks[c->order[0]];
    uint32_t ints = 0, floats = 0, at = entry->webs_in;
    uint8_t fixed[LIMIT_PARAMS];
    for (uint32_t p = 0; p < c->type->nparams; p++)
        fixed[p] = reg_of_param(c->vregs[c->first_local + p].type, &ints, &floats);
    for (uint32_t w = 0; w < c->words; w++)
        for (uint64_t bits = c->live_in[(uint64_t)c->order[0] * c->words + w]; bits; bits &= bits - 1, at++) {
            uint32_t vreg = c->cand_vreg[w * 64 + (uint32_t)__builtin_ctzll(bits)];
            if (vreg < c->first_local + c->type->nparams)
                c->webs[web_find(c, c->webs_in_store[at])].fixed = fixed[vreg - c->first_local];
        }
    if (c->dispatch == REF_NONE)
        return;
    const struct block *d = &c->blocks[c->dispatch];
    for (uint32_t i = 0; i < c->nranges; i++)
        if (c->ranges[i].from <= 2 * d->last + 1 && c->ranges[i].to >= 2 * d->last + 1)
            c->webs[c->ranges[i].web].weight = 0;
}

/* ---- temporaries and slots ---- */

static void slot_of(struct compile *c, uint32_t vreg)
{
    struct vreg *v = &c->vregs[vreg];
    if (v->slot)
        return;
    v->slot = c->frame_bytes + 1;
    c->frame_bytes += v->type == T_V128 || (vreg >= c->first_stack && v->type == T_F64) ? 16 : 8;
}

static uint32_t stack_args(const struct compile *c, const struct node *n)
{
    const struct functype *t;
    if (n->op == IR_CALL || n->op == IR_TAIL)
        t = &c->module->types[c->module->funcs[n->idx].type];
    else if (n->op == IR_CALLI || n->op == IR_TAILI)
        t = &c->module->types[n->idx];
    else
        return 0;
    uint32_t ints = 0, floats = 0, count = 0;
    for (uint32_t p = 0; p < t->nparams; p++)
        count += reg_of_param(ir_type_of(t->params[p]), &ints, &floats) == REG_NONE;
    return count;
}

static void place_temporary(struct compile *c, struct node *n, uint32_t i, uint32_t ints)
{
    enum irtype type = node_value_type(n);
    bool is_int = type_is_int(type);
    n->reg = REG_NONE;
    if (!(n->flags & NF_CROSS) && n->use - i < TEMPORARY_NODES_MAX) {
        uint32_t free = (is_int ? ints : REG_TEMPS_FLOAT) & ~busy_over(c->occupied, 2 * i + 1, 2 * n->use - 1);
        if (free) {
            n->reg = reg_last(free);
            for (uint32_t p = 2 * i + 1; p < 2 * n->use; p++)
                c->occupied[p] |= 1u << n->reg;
            return;
        }
    }
    slot_of(c, c->first_stack + n->depth * 2 + (is_int ? 0 : 1));
}

static uint32_t clobbers(const struct node *n)
{
    switch (n->op) {
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU:
        return 1u << RDX;
    case IR_VEC:
        return vec_clobbers(n->sub);
    default:
        return 0;
    }
}

static void place_rest(struct compile *c)
{
    uint32_t out = 0;
    for (uint32_t i = 0; i < c->nnodes; i++) {
        struct node *n = &c->nodes[i];
        uint32_t args = stack_args(c, n);
        out = args > out ? args : out;
    }
    c->out_bytes = c->frame_bytes = out * 16;
    for (uint32_t w = 0; w < c->nwebs; w++) {
        const struct web *root = &c->webs[web_find(c, w)];
        if (root->reg == REG_NONE || root->call_weight)
            slot_of(c, root->vreg);
    }
    for (uint32_t v = 2; v < c->nvregs; v++)
        if (c->vregs[v].cand == 0xffff && c->vregs[v].uses)
            slot_of(c, v);
    uint32_t ints = reg_temps_int(c->instance);
    for (uint32_t i = 0; i < c->nnodes; i++) {
        struct node *n = &c->nodes[i];
        if ((n->flags & (NF_VALUE | NF_FOLD | NF_DEAD)) == NF_VALUE && n->dst == REF_NONE && n->use != REF_NONE)
            place_temporary(c, n, i, ints);
    }
}

bool color(struct compile *c)
{
    struct range *sorted;
    uint64_t positions = 2 * (uint64_t)c->nnodes + 2;
    c->occupied = scratch_alloc(c->engine, positions * 4);
    uint32_t *next = scratch_alloc(c->engine, (uint64_t)(c->nwebs + 1) * 4);
    if (!c->occupied || !next || !sort_ranges(c, &sorted))
        return false;
    for (uint32_t i = 0; i < c->nnodes; i++) { /* closed to what lives over a node, not to its operands and result */
        c->occupied[2 * i] = clobbers(&c->nodes[i]);
        c->occupied[2 * i + 1] = 0;
    }
    c->occupied[positions - 2] = c->occupied[positions - 1] = 0;
    fix_webs(c);
    uint32_t bucket[BUCKETS];
    for (unsigned i = 0; i < BUCKETS; i++)
        bucket[i] = REF_NONE;
    for (uint32_t w = c->nwebs; w-- > 0;) {
        const struct web *web = &c->webs[w];
        if (web->parent != w || web->weight == 0 || (uint64_t)web->call_weight * 2 > web->weight)
            continue;
        uint64_t length = 0;
        for (uint32_t i = 0; i < web->nranges; i++)
            length += sorted[web->ranges + i].to - sorted[web->ranges + i].from + 1;
        unsigned key = log2_times_2(((uint64_t)web->weight << 12) / (length + 4));
        key = key >= BUCKETS ? BUCKETS - 1 : key;
        next[w] = bucket[key];
        bucket[key] = w;
    }
    uint32_t ints = reg_webs_int(c->instance), floats = REG_WEBS_FLOAT;
    for (unsigned key = BUCKETS; key-- > 0;)
        for (uint32_t w = bucket[key]; w != REF_NONE; w = next[w]) {
            struct web *web = &c->webs[w];
            bool is_int = type_is_int(c->vregs[web->vreg].type);
            color_web(c, web, sorted + web->ranges, is_int ? ints : floats);
        }
    place_rest(c);
    return true;
}
