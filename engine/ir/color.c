/* Homes: machine registers for webs, in order of use per logarithm of their life's length, then for
 * temporaries in the gaps; frame slots for the rest.
 *
 * `occupied` has one mask per position (ir.h): which machine registers hold a web there.  A web
 * gets a register that is free over all its ranges.  Webs that live over calls get one only if they
 * are used more than saved and restored: every register is caller-saved.  A temporary that lives
 * over a call stays in its slot. */
#include "engine/ir/ir.h"
#include "engine/lib.h"
#include "engine/x64/target.h"

#define BUCKETS 64
/* a temporary that lives longer goes to its slot unseen: work stays linear */
#define TEMPORARY_NODES_MAX 4096

static unsigned log2_times_2(uint64_t v)
{
    if (v == 0)
        return 0;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    return 2 * top + (top ? (unsigned)(v >> (top - 1) & 1) : 0);
}

/* What this pass alone knows. */
struct coloring {
    struct compile *c;
    /* per position: mask of machine registers (GPR 0..15, XMM 16..31) */
    uint32_t *occupied;
    struct list {
        uint32_t range; /* the first of its ranges, or REF_NONE; range.next leads on */
        uint32_t next;  /* the web that comes after it in its bucket */
    } *lists;           /* per web that is a root */
};

static void add_saturating(uint32_t *sum, uint32_t more)
{
    *sum = *sum + more < *sum ? UINT32_MAX : *sum + more;
}

/* What webs that were joined know goes to their root, which becomes the parent of all. */
static void webs_join(struct compile *c)
{
    for (uint32_t w = 0; w < c->life.nwebs; w++) {
        struct web *web = &c->life.webs[w];
        if (web->parent == w)
            continue;
        web->parent = web_find(c, w);
        struct web *root = &c->life.webs[web->parent];
        ENGINE_ASSERT(root->vreg == web->vreg);
        add_saturating(&root->weight, web->weight);
        add_saturating(&root->call_weight, web->call_weight);
        if (root->hint == REF_NONE)
            root->hint = web->hint;
    }
}

/* Each root's ranges become a list. */
static bool ranges_list(struct coloring *g)
{
    struct compile *c = g->c;
    g->lists = scratch_alloc(c->engine, (uint64_t)(c->life.nwebs + 1) * sizeof *g->lists);
    if (!g->lists)
        return false;
    for (uint32_t w = 0; w < c->life.nwebs; w++)
        g->lists[w].range = REF_NONE;
    struct range *ranges = c->life.ranges;
    const struct web *webs = c->life.webs;
    struct list *lists = g->lists;
    for (uint32_t i = 0, n = c->life.nranges; i < n; i++) {
        struct range *r = &ranges[i];
        r->web = webs[r->web].parent;
        r->next = lists[r->web].range;
        lists[r->web].range = i;
    }
    return true;
}

/* Eight positions at a time, then four; the last four once more, where they are no four. */
static inline uint32_t busy_over(const uint32_t *occupied, uint32_t from, uint32_t to)
{
    uint32_t busy = occupied[from];
    if (to - from < 3) {
        for (uint32_t p = from + 1; p <= to; p++)
            busy |= occupied[p];
        return busy;
    }
    wide four = *(const wide *)(occupied + to - 3);
    uint32_t p = from;
    for (; p + 7 < to; p += 8)
        four |= *(const wide *)(occupied + p) | *(const wide *)(occupied + p + 4);
    if (p + 3 < to)
        four |= *(const wide *)(occupied + p);
    uint64_t two = four[0] | four[1];
    return (uint32_t)two | (uint32_t)(two >> 32);
}

static inline void occupy(uint32_t *occupied, uint32_t from, uint32_t to, uint8_t reg)
{
    uint32_t bit = 1u << reg;
    if (to - from < 3) {
        for (uint32_t p = from; p <= to; p++)
            occupied[p] |= bit;
        return;
    }
    uint64_t twice = (uint64_t)bit << 32 | bit;
    const wide four = {twice, twice};
    uint32_t p = from;
    for (; p + 7 < to; p += 8) {
        *(wide *)(occupied + p) |= four;
        *(wide *)(occupied + p + 4) |= four;
    }
    if (p + 3 < to)
        *(wide *)(occupied + p) |= four;
    *(wide *)(occupied + to - 3) |= four;
}

static uint8_t pick(struct compile *c, const struct web *web, uint32_t free)
{
    if (web->fixed != REG_NONE && (free >> web->fixed & 1))
        return web->fixed;
    if (web->hint != REF_NONE) {
        uint8_t reg = c->life.webs[c->life.webs[web->hint].parent].reg;
        if (reg != REG_NONE && (free >> reg & 1))
            return reg;
    }
    ENGINE_ASSERT(free);
    return target_pick_web(free);
}

static void color_web(struct coloring *g, uint32_t w, uint32_t allowed)
{
    const struct range *ranges = g->c->life.ranges;
    uint32_t first = g->lists[w].range, busy = 0;
    for (uint32_t i = first; i != REF_NONE; i = ranges[i].next) {
        busy |= busy_over(g->occupied, ranges[i].from, ranges[i].to);
        if ((allowed & ~busy) == 0)
            return;
    }
    struct web *web = &g->c->life.webs[w];
    web->reg = pick(g->c, web, allowed & ~busy);
    for (uint32_t i = first; i != REF_NONE; i = ranges[i].next)
        occupy(g->occupied, ranges[i].from, ranges[i].to, web->reg);
}

/* Parameters come in fixed registers. */
static void fix_params(struct compile *c)
{
    struct param_rule rule = {0};
    uint8_t fixed[LIMIT_PARAMS];
    ENGINE_ASSERT(c->type->nparams <= LIMIT_PARAMS);
    for (uint32_t p = 0; p < c->type->nparams; p++)
        fixed[p] = target_param(&rule, c->body.vregs[c->body.first_local + p].type);
    for (struct live_walk in = live_walk(c, c->body.order[0]); live_next(&in);) {
        uint32_t vreg = c->life.cand_vreg[in.cand];
        if (vreg < c->body.first_local + c->type->nparams)
            c->life.webs[c->life.webs[*in.web].parent].fixed = fixed[vreg - c->body.first_local];
    }
}

/* Webs that live over the Go dispatch stay in memory (x64/emit_control.c). */
static void fix_dispatch(struct compile *c)
{
    if (c->body.dispatch == REF_NONE)
        return;
    uint32_t end = 2 * c->body.blocks[c->body.dispatch].last + 1;
    ENGINE_ASSERT(c->body.nodes[end / 2].op == IR_BRTABLE);
    /* blocks were walked from the last to the first, and so are their ranges */
    for (uint32_t i = c->life.nranges; i-- > 0 && c->life.ranges[i].from <= end;)
        if (c->life.ranges[i].to >= end)
            c->life.webs[c->life.ranges[i].web].in_slot = true;
}

/* ---- temporaries and slots ---- */

static void slot_of(struct compile *c, uint32_t vreg)
{
    struct vreg *v = &c->body.vregs[vreg];
    if (v->slot)
        return;
    ENGINE_ASSERT(vreg >= c->body.first_local && v->type != T_NONE); /* pinned globals have none */
    v->slot = c->homes.frame_bytes + 1;
    c->homes.frame_bytes += v->type == T_V128 || (vreg >= c->body.first_stack && v->type == T_F64)
                                ? 16
                                : 8;
}

/* A call whose result is tested at once, as Go does it: whether the callee unwinds. */
static bool is_tested_result(const struct compile *c, const struct node *n, uint32_t i)
{
    return (n->op == IR_CALL || n->op == IR_CALLI) && n->use == i + 1 &&
           c->body.nodes[i + 1].op == IR_BRIF;
}

static uint8_t web_reg(struct compile *c, uint32_t web)
{
    return c->life.webs[web].reg;
}

/* The register that r is in, or REG_NONE. */
static uint8_t reg_of(struct compile *c, ref r)
{
    if (r == REF_NONE)
        return REG_NONE;
    if (ref_is_vreg(r))
        return ref_index(r) < c->body.nvregs ? REG_NONE : web_reg(c, ref_index(r) - c->body.nvregs);
    const struct node *n = &c->body.nodes[ref_index(r)];
    return n->op == IR_CONST || (n->flags & NF_FOLD) ? REG_NONE : n->reg;
}

static bool is_free(uint8_t reg, uint32_t free)
{
    return reg != REG_NONE && (free >> reg & 1);
}

/* The register of an operand that dies here, or the one where the user's value goes: both save a
 * move.  What has registers of its own (a division) saves none. */
static uint8_t pick_temporary(struct compile *c, const struct node *n, uint32_t i, uint32_t free)
{
    if (node_has_args(n) || target_clobbers(n))
        return target_pick_temporary(free);
    uint8_t reg = reg_of(c, n->a);
    if (!is_free(reg, free) && (ir_flags[n->op] & IRF_COMM))
        reg = reg_of(c, n->b);
    const struct node *user = &c->body.nodes[n->use];
    if (!is_free(reg, free) && user->dst != REF_NONE && user->a == i)
        reg = reg_of(c, REF_VREG | user->dst);
    return is_free(reg, free) ? reg : target_pick_temporary(free);
}

static void place_temporary(struct coloring *g, struct node *n, uint32_t i, uint32_t allowed)
{
    struct compile *c = g->c;
    enum irtype type = node_value_type(n);
    bool is_int = type_is_int(type);
    ENGINE_ASSERT(n->use > i && n->use < c->body.nnodes);
    n->reg = REG_NONE;
    if (is_tested_result(c, n, i)) {
        n->reg = target_result();
        return;
    }
    if (!(n->flags & NF_CROSS) && n->use - i < TEMPORARY_NODES_MAX) {
        uint32_t free = allowed & ~busy_over(g->occupied, 2 * i + 1, 2 * n->use - 1);
        if (free) {
            n->reg = pick_temporary(c, n, i, free);
            for (uint32_t p = 2 * i + 1; p < 2 * n->use; p++)
                g->occupied[p] |= 1u << n->reg;
            return;
        }
    }
    slot_of(c, c->body.first_stack + n->depth * 2 + (is_int ? 0 : 1));
}

static void place_rest(struct coloring *g)
{
    struct compile *c = g->c;
    /* outgoing arguments lie at the frame's bottom */
    c->homes.frame_bytes = c->body.stack_args * 16;
    for (uint32_t w = 0; w < c->life.nwebs; w++) {
        const struct web *root = &c->life.webs[c->life.webs[w].parent];
        c->life.webs[w].reg = root->reg; /* from here on nobody asks for the root */
        if (root->reg == REG_NONE || root->call_weight)
            slot_of(c, root->vreg);
    }
    for (uint32_t v = 2; v < c->body.nvregs && c->life.in_slots; v++)
        if (c->body.vregs[v].cand == NO_CAND && c->body.vregs[v].uses)
            slot_of(c, v);
    uint32_t ints = target_temporaries(c->instance, true),
             floats = target_temporaries(c->instance, false);
    for (uint32_t k = c->life.ntemporaries; k-- > 0;) {
        uint32_t i = c->life.temporaries[k];
        struct node *n = &c->body.nodes[i];
        place_temporary(g, n, i, type_is_int(node_value_type(n)) ? ints : floats);
    }
}

static bool occupied_begin(struct coloring *g)
{
    const struct body *b = &g->c->body;
    uint64_t positions = 2 * (uint64_t)b->nnodes + 2;
    g->occupied = scratch_alloc(g->c->engine, positions * 4);
    if (!g->occupied)
        return false;
    /* A node and the gap after it in one word.  What a node clobbers is closed to what lives over
     * it, not to its operands and result. */
    unaligned64 *at = (unaligned64 *)g->occupied;
    const struct node *nodes = b->nodes;
    const uint32_t n = b->nnodes;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < n; i++)
        at[i] = target_op_clobbers[nodes[i].op];
    at[n] = 0;
    for (uint32_t i = 0; b->has_vectors && i < b->nnodes; i++)
        g->occupied[2 * i] = target_clobbers(&b->nodes[i]);
    return true;
}

/* What lives long is in the way of others, but not by as much as it is long: else what is used
 * twice at once would come before what a loop reads in each turn. */
static unsigned urgency(const struct coloring *g, uint32_t w)
{
    const struct range *ranges = g->c->life.ranges;
    uint64_t length = 0;
    for (uint32_t i = g->lists[w].range; i != REF_NONE; i = ranges[i].next)
        length += ranges[i].to - ranges[i].from + 1;
    uint64_t uses = (uint64_t)g->c->life.webs[w].weight << 12;
    unsigned key = log2_times_2(uses / (log2_times_2(length) + 4));
    return key < BUCKETS ? key : BUCKETS - 1;
}

/* The most urgent ones first; equal ones in order. */
static void color_webs(struct coloring *g)
{
    struct compile *c = g->c;
    uint32_t bucket[BUCKETS];
    for (unsigned i = 0; i < BUCKETS; i++)
        bucket[i] = REF_NONE;
    for (uint32_t w = c->life.nwebs; w-- > 0;) {
        const struct web *web = &c->life.webs[w];
        if (web->parent != w || web->weight == 0 || web->in_slot ||
            (uint64_t)web->call_weight * 2 > web->weight)
            continue;
        unsigned key = urgency(g, w);
        g->lists[w].next = bucket[key];
        bucket[key] = w;
    }
    uint32_t ints = target_webs(c->instance, true), floats = target_webs(c->instance, false);
    for (unsigned key = BUCKETS; key-- > 0;)
        for (uint32_t w = bucket[key]; w != REF_NONE; w = g->lists[w].next)
            color_web(g, w, type_is_int(c->body.vregs[c->life.webs[w].vreg].type) ? ints : floats);
}

bool color(struct compile *c)
{
    struct coloring g = {.c = c};
    webs_join(c);
    if (!occupied_begin(&g) || !ranges_list(&g))
        return false;
    fix_params(c);
    fix_dispatch(c);
    color_webs(&g);
    place_rest(&g);
    color_check(c);
    return true;
}
