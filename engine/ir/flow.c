/* Control flow and data flow: block weights, liveness of virtual registers, dead code, webs and their ranges.
 *
 * Candidates are the virtual registers that may get a machine register, at most 64 * CAND_WORDS_MAX of them; the others
 * live in their frame slots for good.  Liveness is iterated over blocks in reverse layout order; should it not settle
 * in a few passes (only crafted control flow does that), everything counts as live, which is safe.
 *
 * One backward walk per block then finds dead definitions, tells each temporary its user, and splits virtual registers
 * into webs. */
#include "engine/ir/ir.h"

#define LIVENESS_PASSES 16
#define NO_CAND         0xffff
#define CALL_LIVE_MAX   (1u << 20) /* entries of the lists of webs live over calls; past it such webs live in slots */

/* ---- operands ---- */

static bool has_args(const struct node *n)
{
    return (ir_flags[n->op] & IRF_CALL) || n->op == IR_RETURN || n->op == IR_TAIL || n->op == IR_TAILI;
}

/* Calls visit(c, ctx..., ref) for each operand; those of folded operands count as the user's. */
#define EACH_OPERAND(c, n, r, body)                                                                                    \
    do {                                                                                                               \
        ref r = (n)->a;                                                                                                \
        if (r != REF_NONE)                                                                                             \
            body;                                                                                                      \
        if (has_args(n)) {                                                                                             \
            for (uint32_t i_ = 0; i_ < (n)->b; i_++) {                                                                 \
                r = (c)->args[(n)->c + i_];                                                                            \
                body;                                                                                                  \
            }                                                                                                          \
        } else {                                                                                                       \
            r = (n)->b;                                                                                                \
            if (r != REF_NONE)                                                                                         \
                body;                                                                                                  \
            r = (n)->c;                                                                                                \
            if (r != REF_NONE)                                                                                         \
                body;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* ---- block weights ---- */

/* A block that ends in a trap, or calls and then traps (Go's panics), is cold. */
static bool is_cold(const struct compile *c, const struct block *b)
{
    return c->nodes[b->last].op == IR_TRAP;
}

static bool weigh(struct compile *c)
{
    uint32_t n = c->norder;
    int32_t *delta = scratch_alloc(c->engine, (n + 1) * sizeof *delta);
    uint32_t *place = scratch_alloc(c->engine, (c->nblocks + 1) * sizeof *place);
    if (!delta || !place)
        return false;
    for (uint32_t i = 0; i <= n; i++)
        delta[i] = 0;
    for (uint32_t i = 0; i < n; i++)
        place[c->order[i]] = i;
    for (uint32_t i = 0; i < n; i++) {
        const struct block *b = &c->blocks[c->order[i]];
        for (int s = 0; s < 2; s++)
            if (b->succ[s] != REF_NONE && place[b->succ[s]] <= i) {
                delta[place[b->succ[s]]]++;
                delta[i + 1]--;
            }
        if (c->order[i] == c->dispatch)
            continue;
        for (uint32_t t = 0; t < b->ntable; t++)
            if (place[c->targets[b->table + t]] <= i) {
                delta[place[c->targets[b->table + t]]]++;
                delta[i + 1]--;
            }
    }
    int32_t depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct block *b = &c->blocks[c->order[i]];
        depth += delta[i];
        b->weight = is_cold(c, b) ? 0 : 1u << (3 * (depth > 6 ? 6 : depth));
    }
    return true;
}

/* ---- candidates ---- */

#define LIVE_ENTRIES (4u << 20)

static bool choose_candidates(struct compile *c)
{
    uint32_t n = 0, limit = 64 * CAND_WORDS_MAX, least = 1;
    while (limit > 64 && limit > LIVE_ENTRIES / c->nblocks) /* work and memory go by blocks times candidates */
        limit /= 2;
    uint32_t histogram[256] = {0};
    for (uint32_t v = 2; v < c->nvregs; v++) {
        n += c->vregs[v].uses > 0;
        histogram[c->vregs[v].uses > 255 ? 255 : c->vregs[v].uses]++;
    }
    if (n > limit) { /* only the most used ones */
        uint32_t sum = 0;
        for (least = 255; least > 1 && sum + histogram[least] <= limit; least--)
            sum += histogram[least];
        least++;
        if (least > 255)
            least = 255;
    }
    c->cand_vreg = scratch_alloc(c->engine, (limit < n ? limit : n + 1) * sizeof *c->cand_vreg);
    if (!c->cand_vreg)
        return false;
    c->vregs[0].cand = c->vregs[1].cand = NO_CAND;
    for (uint32_t v = 2; v < c->nvregs; v++) {
        c->vregs[v].cand = NO_CAND;
        if (c->vregs[v].uses >= least && c->ncand < limit) {
            c->vregs[v].cand = (uint16_t)c->ncand;
            c->cand_vreg[c->ncand++] = v;
        }
    }
    c->words = (c->ncand + 63) / 64;
    if (c->words == 0)
        c->words = 1;
    return true;
}

/* ---- liveness ---- */

struct flow {
    struct compile *c;
    uint64_t *use, *def, defined_early[CAND_WORDS_MAX];
    uint32_t cur[64 * CAND_WORDS_MAX]; /* web of each live candidate, while walking a block */
    uint32_t end[64 * CAND_WORDS_MAX]; /* position where its range ends */
    uint64_t live[CAND_WORDS_MAX];
    uint32_t next_call, weight;
};

static inline uint32_t cand_of(const struct compile *c, ref r)
{
    return ref_is_vreg(r) ? c->vregs[ref_index(r)].cand : NO_CAND;
}

static void local_sets(struct flow *f, uint32_t k)
{
    struct compile *c = f->c;
    uint64_t *use = f->use + (uint64_t)k * c->words, *def = f->def + (uint64_t)k * c->words;
    for (uint32_t w = 0; w < c->words; w++)
        use[w] = def[w] = 0;
    for (uint32_t i = c->blocks[k].first; i <= c->blocks[k].last; i++) {
        const struct node *n = &c->nodes[i];
        if (n->op == IR_CONST)
            continue;
        EACH_OPERAND(c, n, r, {
            uint32_t x = cand_of(c, r);
            if (x != NO_CAND && !(def[x / 64] >> (x % 64) & 1))
                use[x / 64] |= UINT64_C(1) << (x % 64);
        });
        if (n->dst != REF_NONE && c->vregs[n->dst].cand != NO_CAND)
            def[c->vregs[n->dst].cand / 64] |= UINT64_C(1) << (c->vregs[n->dst].cand % 64);
    }
}

static void live_out(const struct flow *f, uint32_t k, uint64_t *out)
{
    const struct compile *c = f->c;
    const struct block *b = &c->blocks[k];
    for (uint32_t w = 0; w < c->words; w++)
        out[w] = 0;
    for (int s = 0; s < 2; s++)
        if (b->succ[s] != REF_NONE)
            for (uint32_t w = 0; w < c->words; w++)
                out[w] |= c->live_in[(uint64_t)b->succ[s] * c->words + w];
    for (uint32_t t = 0; t < b->ntable; t++)
        for (uint32_t w = 0; w < c->words; w++)
            out[w] |= c->live_in[(uint64_t)c->targets[b->table + t] * c->words + w];
    if (k == c->dispatch) /* the others are still zero there: see x64/emit_control.c */
        for (uint32_t w = 0; w < c->words; w++)
            out[w] &= f->defined_early[w];
}

static bool liveness(struct flow *f)
{
    struct compile *c = f->c;
    uint64_t bytes = (uint64_t)c->nblocks * c->words * 8;
    c->live_in = scratch_alloc(c->engine, bytes);
    f->use = scratch_alloc(c->engine, bytes);
    f->def = scratch_alloc(c->engine, bytes);
    if (!c->live_in || !f->use || !f->def)
        return false;
    for (uint64_t i = 0; i < bytes / 8; i++)
        c->live_in[i] = 0;
    for (uint32_t i = 0; i < c->norder; i++)
        local_sets(f, c->order[i]);
    for (uint32_t w = 0; w < c->words; w++)
        f->defined_early[w] = f->def[(uint64_t)c->order[0] * c->words + w];
    for (uint32_t p = 0; p < c->type->nparams; p++) {
        uint32_t x = c->vregs[c->first_local + p].cand;
        if (x != NO_CAND)
            f->defined_early[x / 64] |= UINT64_C(1) << (x % 64);
    }
    bool changed = true;
    for (unsigned pass = 0; changed; pass++) {
        changed = false;
        for (uint32_t i = c->norder; i-- > 0;) {
            uint32_t k = c->order[i];
            uint64_t out[CAND_WORDS_MAX];
            live_out(f, k, out);
            for (uint32_t w = 0; w < c->words; w++) {
                uint64_t at = (uint64_t)k * c->words + w;
                uint64_t in = pass < LIVENESS_PASSES ? f->use[at] | (out[w] & ~f->def[at]) : ~UINT64_C(0);
                if (w == c->words - 1 && c->ncand % 64)
                    in &= (UINT64_C(1) << (c->ncand % 64)) - 1;
                if (in != c->live_in[at]) {
                    c->live_in[at] = in;
                    changed = true;
                }
            }
        }
    }
    return true;
}

/* ---- webs ---- */

static uint32_t web_new(struct flow *f, uint32_t cand)
{
    struct compile *c = f->c;
    if (c->nwebs == c->webs_cap && !compile_grow(c, (void **)&c->webs, &c->webs_cap, c->nwebs + 1, sizeof *c->webs))
        return 0;
    uint32_t w = c->nwebs++;
    c->webs[w] =
        (struct web){.parent = w, .vreg = c->cand_vreg[cand], .hint = REF_NONE, .reg = REG_NONE, .fixed = REG_NONE};
    return w;
}

static uint32_t web_union(struct compile *c, uint32_t a, uint32_t b)
{
    a = web_find(c, a);
    b = web_find(c, b);
    if (a == b)
        return a;
    if (b < a) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    c->webs[b].parent = a;
    return a;
}

static void range_add(struct flow *f, uint32_t web, uint32_t from, uint32_t to)
{
    struct compile *c = f->c;
    if (c->nranges && c->ranges[c->nranges - 1].web == web && c->ranges[c->nranges - 1].from == to + 1) {
        c->ranges[c->nranges - 1].from = from;
        return;
    }
    if (c->nranges == c->ranges_cap &&
        !compile_grow(c, (void **)&c->ranges, &c->ranges_cap, c->nranges + 1, sizeof *c->ranges))
        return;
    c->ranges[c->nranges++] = (struct range){web, from, to};
}

static bool is_live(const struct flow *f, uint32_t x)
{
    return f->live[x / 64] >> (x % 64) & 1;
}
static void set_live(struct flow *f, uint32_t x)
{
    f->live[x / 64] |= UINT64_C(1) << (x % 64);
}
static void clear_live(struct flow *f, uint32_t x)
{
    f->live[x / 64] &= ~(UINT64_C(1) << (x % 64));
}

/* Joins the walk's webs with what successor s expects. */
static void join_successor(struct flow *f, uint32_t s, const uint64_t *mask, uint32_t end)
{
    struct compile *c = f->c;
    uint32_t *entry = &c->webs_in_store[c->blocks[s].webs_in];
    for (uint32_t w = 0; w < c->words; w++)
        for (uint64_t bits = c->live_in[(uint64_t)s * c->words + w]; bits; bits &= bits - 1, entry++) {
            uint32_t x = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (mask && !(mask[w] >> (x % 64) & 1))
                continue;
            if (!is_live(f, x)) {
                if (*entry == REF_NONE)
                    *entry = web_new(f, x);
                set_live(f, x);
                f->cur[x] = *entry;
                f->end[x] = end;
            } else if (*entry == REF_NONE) {
                *entry = f->cur[x];
            } else if (*entry != f->cur[x]) {
                f->cur[x] = web_union(c, *entry, f->cur[x]);
            }
        }
}

static void add_weight(uint32_t *sum, uint32_t w)
{
    *sum = *sum + w < *sum ? UINT32_MAX : *sum + w;
}

/* One use at node `at`; rewrites *r to its web. */
static void use_operand(struct flow *f, ref *r, uint32_t at)
{
    struct compile *c = f->c;
    if (ref_is_vreg(*r)) {
        uint32_t x = c->vregs[ref_index(*r)].cand;
        if (x == NO_CAND)
            return;
        if (!is_live(f, x)) {
            f->cur[x] = web_new(f, x);
            f->end[x] = 2 * at - 1;
            set_live(f, x);
        }
        add_weight(&c->webs[f->cur[x]].weight, f->weight);
        *r = REF_VREG | (*r & REF_NZ) | (f->cur[x] + c->nvregs); /* webs are numbered behind virtual registers */
        return;
    }
    struct node *n = &c->nodes[ref_index(*r)];
    if (n->op == IR_CONST)
        return;
    n->use = at;
    if (n->flags & NF_FOLD) {
        if (n->a != REF_NONE)
            use_operand(f, &n->a, at);
        if (n->b != REF_NONE)
            use_operand(f, &n->b, at);
    }
}

/* A dead user leaves its folded operands to stand alone: they may trap. */
static void unfold(struct compile *c, ref r)
{
    if (r == REF_NONE || !ref_is_node(r))
        return;
    struct node *n = &c->nodes[ref_index(r)];
    if (n->op == IR_CONST || !(n->flags & NF_FOLD))
        return;
    n->flags &= (uint8_t)~NF_FOLD;
}

static uint32_t live_web(const struct flow *f, uint32_t w, uint64_t bits)
{
    return f->cur[w * 64 + (uint32_t)__builtin_ctzll(bits)];
}

static void record_call(struct flow *f, struct node *n)
{
    struct compile *c = f->c;
    uint32_t at = c->ncall_live, count = 0;
    for (uint32_t w = 0; w < c->words; w++)
        count += (uint32_t)__builtin_popcountll(f->live[w]);
    bool listed = at + count < CALL_LIVE_MAX;
    if (listed) {
        if (!compile_grow(c, (void **)&c->call_live, &c->call_live_cap, at + count + 1, sizeof *c->call_live))
            return;
        c->ncall_live += count + 1;
        c->call_live[at] = count;
        c->args[n->c - 1] = at++;
    }
    for (uint32_t w = 0; w < c->words; w++)
        for (uint64_t bits = f->live[w]; bits; bits &= bits - 1) {
            uint32_t web = live_web(f, w, bits);
            if (listed)
                c->call_live[at++] = web;
            add_weight(&c->webs[web].call_weight, !listed ? UINT32_MAX : f->weight ? f->weight : 1);
        }
}

static void walk_node(struct flow *f, uint32_t i)
{
    struct compile *c = f->c;
    struct node *n = &c->nodes[i];
    if (n->op == IR_CONST || (n->flags & NF_FOLD))
        return;
    bool wanted = n->use != REF_NONE || !((ir_flags[n->op] & IRF_PURE) || n->op == IR_SET);
    uint32_t x = NO_CAND;
    if (n->dst != REF_NONE) {
        x = c->vregs[n->dst].cand;
        if (x == NO_CAND) {
            wanted = true;
        } else if (is_live(f, x)) {
            wanted = true;
            range_add(f, f->cur[x], 2 * i + 1, f->end[x]);
            add_weight(&c->webs[f->cur[x]].weight, f->weight);
            n->dst = f->cur[x] + c->nvregs;
            clear_live(f, x);
        } else {
            n->dst = REF_NONE;
        }
    }
    if (!wanted) {
        n->flags |= NF_DEAD;
        unfold(c, n->a);
        unfold(c, n->b);
        unfold(c, n->c);
        return;
    }
    if (n->use != REF_NONE && f->next_call < n->use)
        n->flags |= NF_CROSS;
    if (ir_flags[n->op] & IRF_CALL) {
        record_call(f, n);
        f->next_call = i;
    }
    if (has_args(n)) {
        for (uint32_t k = 0; k < n->b; k++)
            use_operand(f, &c->args[n->c + k], i);
    } else {
        if (n->b != REF_NONE)
            use_operand(f, &n->b, i);
        if (n->c != REF_NONE)
            use_operand(f, &n->c, i);
    }
    if (n->a != REF_NONE)
        use_operand(f, &n->a, i);
    if ((n->op == IR_SET || n->op == IR_COPY) && n->dst != REF_NONE && n->dst >= c->nvregs && ref_is_vreg(n->a) &&
        ref_index(n->a) >= c->nvregs) {
        c->webs[n->dst - c->nvregs].hint = ref_index(n->a) - c->nvregs;
        c->webs[ref_index(n->a) - c->nvregs].hint = n->dst - c->nvregs;
    }
}

static void walk_block(struct flow *f, uint32_t k)
{
    struct compile *c = f->c;
    struct block *b = &c->blocks[k];
    for (uint32_t w = 0; w < c->words; w++)
        f->live[w] = 0;
    f->next_call = REF_NONE;
    f->weight = b->weight;
    const uint64_t *mask = k == c->dispatch ? f->defined_early : NULL;
    for (int s = 0; s < 2; s++)
        if (b->succ[s] != REF_NONE)
            join_successor(f, b->succ[s], mask, 2 * b->last + 1);
    for (uint32_t t = 0; t < b->ntable; t++)
        join_successor(f, c->targets[b->table + t], mask, 2 * b->last + 1);
    bool empty = c->nodes[b->last].op == IR_BR;
    for (uint32_t i = b->last; i > b->first; i--) {
        walk_node(f, i);
        const struct node *n = &c->nodes[i];
        if (i != b->last && n->op != IR_CONST && !(n->flags & (NF_DEAD | NF_FOLD)))
            empty = false;
    }
    b->empty = empty && b->succ[0] != k;
    uint32_t *entry = &c->webs_in_store[b->webs_in];
    for (uint32_t w = 0; w < c->words; w++)
        for (uint64_t bits = c->live_in[(uint64_t)k * c->words + w]; bits; bits &= bits - 1, entry++) {
            uint32_t x = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (!is_live(f, x)) { /* live only by the safe assumption */
                f->cur[x] = web_new(f, x);
                f->end[x] = 2 * b->first + 1;
            }
            range_add(f, f->cur[x], 2 * b->first, f->end[x]);
            if (*entry == REF_NONE)
                *entry = f->cur[x];
            else
                web_union(c, *entry, f->cur[x]);
        }
}

bool flow(struct compile *c)
{
    if (c->norder == 0)
        return false;
    struct flow *f = scratch_alloc(c->engine, sizeof *f);
    if (!f || !weigh(c) || !choose_candidates(c))
        return false;
    f->c = c;
    if (!liveness(f) || !compile_grow(c, (void **)&c->webs, &c->webs_cap, 1, sizeof *c->webs))
        return false;
    c->webs[0] = (struct web){.parent = 0}; /* where web_new points after a failure */
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->norder; i++) {
        c->blocks[c->order[i]].webs_in = n;
        for (uint32_t w = 0; w < c->words; w++)
            n += (uint32_t)__builtin_popcountll(c->live_in[(uint64_t)c->order[i] * c->words + w]);
    }
    c->webs_in_store = scratch_alloc(c->engine, (uint64_t)(n + 1) * 4);
    if (!c->webs_in_store)
        return false;
    for (uint32_t i = 0; i < n; i++)
        c->webs_in_store[i] = REF_NONE;
    for (uint32_t i = c->norder; i-- > 0;)
        walk_block(f, c->order[i]);
    return !c->failed;
}
