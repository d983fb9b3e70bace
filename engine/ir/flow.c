/* Data flow: liveness of virtual registers, dead code, webs and their ranges.
 *
 * Candidates are the virtual registers that may get a machine register, at most 64 * CAND_WORDS_MAX
 * of them; the others live in their frame slots for good.  Liveness is iterated over blocks in
 * reverse layout order; should it not settle in a few passes (only crafted control flow does that),
 * everything counts as live, which is safe.
 *
 * One backward walk per block then finds dead definitions, tells each temporary its user, and
 * splits virtual registers into webs. */
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
    for (uint32_t v = 2; v < nvregs; v++) {
        vregs[v].cand = NO_CAND;
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

struct flow {
    struct compile *c;
    struct node *nodes; /* of c->body, as they stay where they are */
    const struct vreg *vregs;
    uint32_t nvregs;
    uint64_t *use, *def, defined_early[CAND_WORDS_MAX];
    uint32_t cur[64 * CAND_WORDS_MAX]; /* web of each live candidate, while walking a block */
    uint32_t end[64 * CAND_WORDS_MAX]; /* position where its range ends */
    uint64_t live[CAND_WORDS_MAX];
    uint32_t next_call, weight;
    struct back_jumps back;
    /* the only use of a companion (build_low.c) in its life so far; NULL: there are more */
    struct once {
        ref *r;
        uint32_t at;
    } once[LOW_LOCALS];
};

/* Most functions have at most 64 candidates: sets of one word.  What goes over sets is in line with
 * their words as an argument, so that there is a copy of it for one word, without loops. */
#define FOR_WORDS static inline __attribute__((always_inline))

FOR_WORDS void use_early(const struct vreg *vregs, ref r, uint64_t *use, const uint64_t *def,
                         uint32_t words)
{
    if (!ref_is_vreg(r))
        return;
    uint32_t x = vregs[ref_index(r)].cand, w = words == 1 ? 0 : x / 64;
    if (x != NO_CAND)
        use[w] |= (UINT64_C(1) << (x % 64)) & ~def[w];
}

/* What the block uses before it defines it, and what it defines. */
FOR_WORDS void local_sets(const struct body *body, const struct block *b, uint64_t *use,
                          uint64_t *def, uint32_t words)
{
    const struct vreg *vregs = body->vregs;
    const struct node *end = &body->nodes[b->last];
    for (uint32_t w = 0; w < words; w++)
        use[w] = def[w] = 0;
    for (const struct node *n = &body->nodes[b->first] + 1; n <= end; n++) { /* behind its label */
        if (n->op == IR_CONST)
            continue;
        use_early(vregs, n->a, use, def, words);
        if (node_has_args(n)) {
            for (uint32_t p = 0; p < n->nargs; p++)
                use_early(vregs, body->args[n->args + p], use, def, words);
        } else {
            use_early(vregs, n->b, use, def, words);
            use_early(vregs, n->c, use, def, words);
        }
        if (n->dst == REF_NONE)
            continue;
        uint32_t x = vregs[n->dst].cand;
        if (x != NO_CAND)
            def[words == 1 ? 0 : x / 64] |= UINT64_C(1) << (x % 64);
    }
}

static void local_sets_all(struct flow *f)
{
    const struct body *body = &f->c->body;
    const struct block *blocks = body->blocks;
    const uint32_t words = f->c->life.words, *order = body->order, n = body->norder;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = order[i];
        uint64_t use, def;
        if (words == 1) {
            local_sets(body, &blocks[k], &use, &def, 1);
            f->use[k] = use;
            f->def[k] = def;
        } else {
            local_sets(body, &blocks[k], f->use + (uint64_t)k * words,
                       f->def + (uint64_t)k * words, words);
        }
    }
}

FOR_WORDS void add_live_in(const uint64_t *live_in, uint32_t block, uint64_t *out, uint32_t words)
{
    for (uint32_t w = 0; w < words; w++)
        out[w] |= live_in[(uint64_t)block * words + w];
}

FOR_WORDS void live_out(const struct flow *f, uint32_t k, uint64_t *out, uint32_t words)
{
    const struct compile *c = f->c;
    const struct block *b = &c->body.blocks[k];
    const uint64_t *live_in = c->life.live_in;
    for (uint32_t w = 0; w < words; w++)
        out[w] = 0;
    if (b->succ[0] != REF_NONE)
        add_live_in(live_in, b->succ[0], out, words);
    if (b->succ[1] != REF_NONE)
        add_live_in(live_in, b->succ[1], out, words);
    for (uint32_t t = 0; t < b->ntable; t++)
        add_live_in(live_in, c->body.targets[b->table + t], out, words);
    if (k == c->body.dispatch) /* the others are still zero there: see x64/emit_control.c */
        for (uint32_t w = 0; w < words; w++)
            out[w] &= f->defined_early[w];
}

/* One pass over so many blocks, last to first.  `settled`: everything counts as live. */
FOR_WORDS void liveness_pass(const struct flow *f, uint32_t blocks, bool settled, uint32_t words)
{
    const struct compile *c = f->c;
    const uint64_t *use = f->use, *def = f->def;
    const uint32_t *order = c->body.order;
    uint64_t *live_in = c->life.live_in;
    uint64_t top = c->life.ncand % 64 ? (UINT64_C(1) << (c->life.ncand % 64)) - 1 : ~UINT64_C(0);
    for (uint32_t i = blocks; i-- > 0;) {
        uint32_t k = order[i];
        uint64_t out[CAND_WORDS_MAX];
        live_out(f, k, out, words);
        for (uint32_t w = 0; w < words; w++) {
            uint64_t at = (uint64_t)k * words + w;
            uint64_t in = settled ? ~UINT64_C(0) : use[at] | (out[w] & ~def[at]);
            if (w == words - 1)
                in &= top;
            live_in[at] = in;
        }
    }
}

/* After a pass, only blocks that jump back may not know yet all that their successors need.  How
 * many blocks the next pass is over: up to the last of these. */
static uint32_t unsettled(const struct flow *f)
{
    const struct compile *c = f->c;
    uint32_t words = c->life.words;
    for (uint32_t n = f->back.n; n-- > 0;) {
        uint32_t k = c->body.order[f->back.places[n]];
        uint64_t out[CAND_WORDS_MAX], at = (uint64_t)k * words;
        live_out(f, k, out, words);
        for (uint32_t w = 0; w < words; w++)
            if (out[w] & ~f->def[at + w] & ~c->life.live_in[at + w])
                return f->back.places[n] + 1;
    }
    return 0;
}

static bool liveness(struct flow *f)
{
    struct compile *c = f->c;
    uint64_t bytes = (uint64_t)c->body.nblocks * c->life.words * 8;
    c->life.live_in = scratch_alloc(c->engine, bytes);
    f->use = scratch_alloc(c->engine, bytes);
    f->def = scratch_alloc(c->engine, bytes);
    if (!c->life.live_in || !f->use || !f->def)
        return false;
    mem_fill((uint8_t *)c->life.live_in, 0, bytes);
    local_sets_all(f);
    for (uint32_t w = 0; w < c->life.words; w++)
        f->defined_early[w] = f->def[(uint64_t)c->body.order[0] * c->life.words + w];
    for (uint32_t p = 0; p < c->type->nparams; p++) {
        uint32_t x = c->body.vregs[c->body.first_local + p].cand;
        if (x != NO_CAND)
            f->defined_early[x / 64] |= UINT64_C(1) << (x % 64);
    }
    uint32_t blocks = c->body.norder;
    for (unsigned pass = 0; blocks && pass < LIVENESS_PASSES; pass++) {
        if (c->life.words == 1)
            liveness_pass(f, blocks, false, 1);
        else
            liveness_pass(f, blocks, false, c->life.words);
        blocks = unsettled(f);
    }
    if (blocks)
        liveness_pass(f, c->body.norder, true, c->life.words);
    return true;
}

/* ---- webs ---- */

/* Few are set, and not every CPU counts them. */
static uint32_t bits_in(uint64_t word)
{
    uint32_t n = 0;
    for (; word; word &= word - 1)
        n++;
    return n;
}

static uint32_t web_new_slow(struct flow *f, uint32_t cand);

static inline uint32_t web_new(struct flow *f, uint32_t cand)
{
    struct compile *c = f->c;
    if (c->life.nwebs == c->life.webs_cap)
        return web_new_slow(f, cand);
    uint32_t w = c->life.nwebs++;
    c->life.webs[w] = (struct web){.parent = w,
                                   .vreg = c->life.cand_vreg[cand],
                                   .hint = REF_NONE,
                                   .reg = REG_NONE,
                                   .fixed = REG_NONE};
    return w;
}

static __attribute__((noinline)) uint32_t web_new_slow(struct flow *f, uint32_t cand)
{
    return GROW(f->c, f->c->life.webs, f->c->life.nwebs + 1) ? web_new(f, cand) : 0;
}

static uint32_t web_union(struct compile *c, uint32_t a, uint32_t b)
{
    a = web_find(c, a);
    b = web_find(c, b);
    if (a == b)
        return a;
    ENGINE_ASSERT(c->life.webs[a].vreg == c->life.webs[b].vreg || c->failed);
    uint32_t root = a < b ? a : b;
    c->life.webs[a < b ? b : a].parent = root;
    return root;
}

static void range_add_slow(struct flow *f, uint32_t web, uint32_t from, uint32_t to);

static void range_add(struct flow *f, uint32_t web, uint32_t from, uint32_t to)
{
    struct life *l = &f->c->life;
    ENGINE_ASSERT(from <= to);
    struct range *last = l->nranges ? &l->ranges[l->nranges - 1] : NULL;
    if (last && last->web == web && last->from == to + 1) {
        last->from = from;
        return;
    }
    if (l->nranges == l->ranges_cap)
        range_add_slow(f, web, from, to);
    else
        l->ranges[l->nranges++] = (struct range){web, from, to, 0};
}

static __attribute__((noinline)) void range_add_slow(struct flow *f, uint32_t web, uint32_t from,
                                                     uint32_t to)
{
    if (GROW(f->c, f->c->life.ranges, f->c->life.nranges + 1))
        range_add(f, web, from, to);
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

static struct once *once_of(struct flow *f, uint32_t vreg)
{
    const struct body *b = &f->c->body;
    return vreg >= b->first_low && vreg < b->first_named ? &f->once[vreg - b->first_low] : NULL;
}

/* Joins the walk's web of candidate x with the one that a successor expects. */
static inline void join_web(struct flow *f, uint32_t x, uint32_t *web, uint32_t end)
{
    if (!is_live(f, x)) {
        if (*web == REF_NONE)
            *web = web_new(f, x);
        set_live(f, x);
        f->cur[x] = *web;
        f->end[x] = end;
        struct once *once = once_of(f, f->c->life.cand_vreg[x]);
        if (once)
            once->r = NULL;
    } else if (*web == REF_NONE) {
        *web = f->cur[x];
    } else if (*web != f->cur[x]) {
        f->cur[x] = web_union(f->c, *web, f->cur[x]);
    }
}

FOR_WORDS void join_successor(struct flow *f, uint32_t s, bool early, uint32_t end, uint32_t words)
{
    const struct life *l = &f->c->life;
    uint32_t *web = l->webs_in_store + f->c->body.blocks[s].webs_in;
    for (uint32_t w = 0; w < words; w++)
        for (uint64_t bits = l->live_in[(uint64_t)s * words + w]; bits; bits &= bits - 1, web++) {
            uint64_t lowest = bits & -bits;
            if (!early || (f->defined_early[w] & lowest))
                join_web(f, w * 64 + (uint32_t)__builtin_ctzll(bits), web, end);
        }
}

FOR_WORDS void join_successors(struct flow *f, uint32_t k, uint32_t words)
{
    const struct body *body = &f->c->body;
    const struct block *b = &body->blocks[k];
    bool early = k == body->dispatch;
    for (uint32_t w = 0; w < words; w++)
        f->live[w] = 0;
    if (b->succ[0] != REF_NONE)
        join_successor(f, b->succ[0], early, 2 * b->last + 1, words);
    if (b->succ[1] != REF_NONE)
        join_successor(f, b->succ[1], early, 2 * b->last + 1, words);
    for (uint32_t t = 0; t < b->ntable; t++)
        join_successor(f, body->targets[b->table + t], early, 2 * b->last + 1, words);
}

/* The webs of the walk, at its end, are those that block k begins with. */
FOR_WORDS void join_start(struct flow *f, uint32_t k, uint32_t words)
{
    struct life *l = &f->c->life;
    uint32_t first = f->c->body.blocks[k].first,
             *web = l->webs_in_store + f->c->body.blocks[k].webs_in;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t bits = l->live_in[(uint64_t)k * words + w];
        ENGINE_ASSERT((f->live[w] & ~bits) == 0); /* nothing is live that liveness did not find */
        for (; bits; bits &= bits - 1, web++) {
            uint32_t x = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (!is_live(f, x)) { /* live only by the safe assumption */
                f->cur[x] = web_new(f, x);
                f->end[x] = 2 * first + 1;
            }
            range_add(f, f->cur[x], 2 * first, f->end[x]);
            if (*web == REF_NONE)
                *web = f->cur[x];
            else
                web_union(f->c, *web, f->cur[x]);
        }
    }
}

static void add_weight(uint32_t *sum, uint32_t w)
{
    *sum = *sum + w < *sum ? UINT32_MAX : *sum + w;
}

/* One more use of candidate x, which lives, by *r. */
static inline void use_web(struct flow *f, ref *r, uint32_t x)
{
    const uint32_t web = f->cur[x];
    add_weight(&f->c->life.webs[web].weight, f->weight);
    /* webs are numbered behind virtual registers */
    *r = REF_VREG | (*r & REF_NZ) | (web + f->nvregs);
}

/* Its last use, as the walk goes backward. */
static __attribute__((noinline)) void use_last(struct flow *f, ref *r, uint32_t x, uint32_t at)
{
    f->cur[x] = web_new(f, x);
    f->end[x] = 2 * at - 1;
    set_live(f, x);
    use_web(f, r, x);
}

static __attribute__((noinline)) void use_vreg(struct flow *f, ref *r, uint32_t at)
{
    uint32_t x = f->vregs[ref_index(*r)].cand;
    if (x == NO_CAND)
        return;
    struct once *once = once_of(f, ref_index(*r));
    if (once)
        *once = is_live(f, x) ? (struct once){NULL, 0} : (struct once){r, at};
    if (is_live(f, x))
        use_web(f, r, x);
    else
        use_last(f, r, x, at);
}

static void use_folded(struct flow *f, struct node *, uint32_t at);

static __attribute__((noinline)) void use_node(struct flow *f, uint32_t k, uint32_t at)
{
    struct node *n = &f->nodes[k];
    if (n->op == IR_CONST)
        return;
    ENGINE_ASSERT(n->use == REF_NONE && k < at); /* used once, by a later node */
    n->use = at;
    if (n->flags & NF_FOLD)
        use_folded(f, n, at);
}

/* One use at node `at`; rewrites *r to its web. */
static inline void use_operand(struct flow *f, ref *r, uint32_t at)
{
    if (ref_is_vreg(*r))
        use_vreg(f, r, at);
    else if (*r != REF_NONE)
        use_node(f, ref_index(*r), at);
}

static __attribute__((noinline)) void use_folded(struct flow *f, struct node *n, uint32_t at)
{
    use_operand(f, &n->a, at);
    use_operand(f, &n->b, at);
}

/* A dead user leaves its folded operands to stand alone: they may trap. */
static void unfold(struct compile *c, ref r)
{
    struct node *n = r != REF_NONE && ref_is_node(r) ? &c->body.nodes[ref_index(r)] : NULL;
    if (n && n->op != IR_CONST)
        n->flags &= (uint8_t)~NF_FOLD;
}

static uint32_t live_web(const struct flow *f, uint32_t w, uint64_t bits)
{
    return f->cur[w * 64 + (uint32_t)__builtin_ctzll(bits)];
}

static __attribute__((noinline)) void record_call(struct flow *f, struct node *n)
{
    struct compile *c = f->c;
    uint32_t at = c->life.ncall_live, count = 0;
    for (uint32_t w = 0; w < c->life.words; w++)
        count += bits_in(f->live[w]);
    bool listed = at + count + 1 < CALL_LIVE_MAX; /* past it such webs live in slots */
    if (listed) {
        if (!GROW(c, c->life.call_live, at + count + 1))
            return;
        c->life.ncall_live += count + 1;
        c->life.call_live[at] = count;
        n->over = at++ & (CALL_LIVE_MAX - 1);
    }
    for (uint32_t w = 0; w < c->life.words; w++)
        for (uint64_t bits = f->live[w]; bits; bits &= bits - 1) {
            uint32_t web = live_web(f, w, bits);
            if (listed)
                c->life.call_live[at++] = web;
            add_weight(&c->life.webs[web].call_weight, !listed     ? UINT32_MAX
                                                       : f->weight ? f->weight
                                                                   : 1);
        }
}

/* A companion that is read once, and over no call, is worth no register: its user makes it, as
 * before. */
static __attribute__((noinline)) bool make_at_user(struct flow *f, struct node *n)
{
    struct compile *c = f->c;
    struct once *once = n->op == IR_ZEXT && n->dst != REF_NONE ? once_of(f, n->dst) : NULL;
    uint32_t z = once ? c->body.vregs[n->dst].cand : NO_CAND,
             x = once ? c->body.vregs[ref_index(n->a)].cand : NO_CAND;
    if (z == NO_CAND || !is_live(f, z) || !once->r || f->next_call < once->at)
        return false;
    clear_live(f, z);
    n->flags |= NF_DEAD;
    n->dst = REF_NONE;
    *once->r = n->a | REF_NZ;
    if (x == NO_CAND)
        return true;
    uint32_t end = 2 * once->at - 1;
    if (is_live(f, x) && f->end[x] < end)
        f->end[x] = end;
    use_operand(f, once->r, once->at);
    return true;
}

static void temporary_add(struct compile *c, uint32_t node)
{
    struct life *l = &c->life;
    if (GROW(c, l->temporaries, l->ntemporaries + 1))
        l->temporaries[l->ntemporaries++] = node;
}

#define UNREAD_LOOK 16 /* nodes behind such a load */

/* Nothing is seen of the node, but that it may access memory out of bounds. */
static bool is_quiet(const struct node *n)
{
    return n->dst > 1 && ((ir_flags[n->op] & (IRF_PURE | IRF_MOVE)) || n->op == IR_LOAD ||
                          n->op == IR_GLOBAL_GET);
}

/* How far up from SP it accesses Go's stack; 0: not at all. */
static uint64_t stack_reach(const struct node *n)
{
    bool is_access = n->op == IR_LOAD || n->op == IR_STORE;
    return is_access && n->a == REF_VREG && n->idx == 0 && !(n->flags & (NF_FOLD | NF_DEAD))
               ? n->off + (uint64_t)shape_bytes(n->sub)
               : 0;
}

/* A load of Go's stack that nobody reads is left out where a later access by the same SP, before
 * anything can be seen, reaches as far up: it traps as well. */
static __attribute__((noinline)) bool is_unread(const struct flow *f, const struct node *n,
                                                uint32_t i)
{
    uint64_t reach = stack_reach(n);
    uint32_t end = i + UNREAD_LOOK;
    for (uint32_t k = i + 1; reach && k < end && k < f->c->body.nnodes; k++) {
        if (stack_reach(&f->nodes[k]) >= reach)
            return true;
        if (!is_quiet(&f->nodes[k])) /* as a block's last node */
            return false;
    }
    return false;
}

/* Node i's virtual register becomes its web; false: it is not read. */
static inline bool define(struct flow *f, struct node *n, uint32_t i)
{
    uint32_t x = f->vregs[n->dst].cand;
    if (x == NO_CAND)
        return true;
    if (!is_live(f, x)) {
        n->dst = REF_NONE;
        return false;
    }
    const uint32_t web = f->cur[x];
    range_add(f, web, 2 * i + 1, f->end[x]);
    add_weight(&f->c->life.webs[web].weight, f->weight);
    n->dst = web + f->nvregs;
    clear_live(f, x);
    return true;
}

/* n: node i, which stands for itself and is no constant. */
static inline void walk_node(struct flow *f, struct node *n, uint32_t i)
{
    struct compile *c = f->c;
    if (n->op == IR_ZEXT && make_at_user(f, n))
        return;
    const unsigned flags = ir_flags[n->op];
    bool defines = n->dst != REF_NONE && define(f, n, i);
    if (n->use != REF_NONE) {
        if (f->next_call < n->use)
            n->flags |= NF_CROSS;
        if (!defines && (n->flags & NF_VALUE))
            temporary_add(c, i);
    } else if (!defines && ((flags & (IRF_PURE | IRF_MOVE)) ||
                            (n->op == IR_LOAD && is_unread(f, n, i)))) {
        n->flags |= NF_DEAD; /* also a SET that nobody wants */
        unfold(c, n->a);
        unfold(c, n->b);
        unfold(c, n->c);
        return;
    }
    if (flags & IRF_ARGS) {
        if (flags & IRF_CALL) {
            record_call(f, n);
            f->next_call = i;
        }
        for (uint32_t k = 0; k < n->nargs; k++)
            use_operand(f, &c->body.args[n->args + k], i);
    } else {
        use_operand(f, &n->b, i);
        use_operand(f, &n->c, i);
    }
    use_operand(f, &n->a, i);
    if ((flags & IRF_MOVE) && n->dst != REF_NONE && n->dst >= f->nvregs && ref_is_vreg(n->a) &&
        ref_index(n->a) >= f->nvregs) {
        c->life.webs[n->dst - f->nvregs].hint = ref_index(n->a) - f->nvregs;
        c->life.webs[ref_index(n->a) - f->nvregs].hint = n->dst - f->nvregs;
    }
}

static inline bool only_jumps(const struct node *nodes, const struct block *b)
{
    const struct node *n = &nodes[b->first + 1], *last = &nodes[b->last];
    while (n < last && (n->flags & (NF_FOLD | NF_DEAD)))
        n++;
    return n == last && n->op == IR_BR;
}

/* Where the webs of each block's start are in webs_in_store; returns how many there are. */
FOR_WORDS uint32_t webs_in_place(struct compile *c, uint32_t words)
{
    struct block *blocks = c->body.blocks;
    const uint64_t *live_in = c->life.live_in;
    const uint32_t *order = c->body.order, norder = c->body.norder;
    uint32_t n = 0;
    for (uint32_t i = 0; i < norder; i++) {
        uint32_t k = order[i];
        blocks[k].webs_in = n;
        for (uint32_t w = 0; w < words; w++)
            n += bits_in(live_in[(uint64_t)k * words + w]);
    }
    return n;
}

static void walk_block(struct flow *f, uint32_t k)
{
    struct compile *c = f->c;
    struct block *b = &c->body.blocks[k];
    f->next_call = REF_NONE;
    f->weight = b->weight;
    if (c->life.words == 1)
        join_successors(f, k, 1);
    else
        join_successors(f, k, c->life.words);
    ENGINE_ASSERT(b->last > b->first);
    const uint32_t first = b->first;
    struct node *n = &c->body.nodes[b->last];
    for (uint32_t i = b->last; i > first; i--, n--)
        if (!(n->flags & NF_FOLD)) /* as constants have */
            walk_node(f, n, i);
    b->empty = only_jumps(f->nodes, b) && b->succ[0] != k;
    if (c->life.words == 1)
        join_start(f, k, 1);
    else
        join_start(f, k, c->life.words);
}

/* What most functions of so many blocks need; many blocks may be empty ones. */
static bool room(struct compile *c)
{
    const uint32_t most = 1 << 14;
    uint32_t n = c->body.nblocks < most ? c->body.nblocks : most;
    return GROW(c, c->life.webs, n) && GROW(c, c->life.ranges, 2 * n) &&
           GROW(c, c->life.temporaries, n);
}

bool flow(struct compile *c)
{
    if (c->body.norder == 0)
        return false;
    struct flow *f = scratch_alloc(c->engine, sizeof *f);
    if (!f)
        return false;
    f->c = c;
    f->nodes = c->body.nodes;
    f->vregs = c->body.vregs;
    f->nvregs = c->body.nvregs;
    if (!loops_weigh(c, &f->back) || !choose_candidates(c) || !liveness(f) || !room(c))
        return false;
    c->life.webs[0] = (struct web){.parent = 0}; /* where web_new points after a failure */
    uint32_t n = c->life.words == 1 ? webs_in_place(c, 1) : webs_in_place(c, c->life.words);
    c->life.webs_in_store = scratch_alloc(c->engine, (uint64_t)(n + 1) * 4);
    if (!c->life.webs_in_store)
        return false;
    mem_fill((uint8_t *)c->life.webs_in_store, 0xff, (uint64_t)n * 4); /* REF_NONE */
    for (uint32_t i = c->body.norder; i-- > 0;)
        walk_block(f, c->body.order[i]);
    return !c->failed;
}
