/* Data flow: dead code, webs and their ranges, from what live.c says.
 *
 * One backward walk per block finds dead definitions, tells each temporary its user, and splits
 * virtual registers into webs. */
#include "engine/lib.h"
#include "engine/ir/ir.h"

struct flow {
    struct compile *c;
    struct node *nodes; /* of c->body, as they stay where they are */
    const struct vreg *vregs;
    uint32_t nvregs;
    uint64_t defined_early[CAND_WORDS_MAX]; /* live_find */
    uint32_t cur[64 * CAND_WORDS_MAX]; /* web of each live candidate, while walking a block */
    uint32_t end[64 * CAND_WORDS_MAX]; /* position where its range ends */
    uint64_t live[CAND_WORDS_MAX];
    uint32_t next_call, weight;
    /* the only use of a companion (build_low.c) in its life so far; NULL: there are more */
    struct once {
        ref *r;
        uint32_t at;
    } once[LOW_LOCALS];
};

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

/* Where there is room for one more, the number of ranges with it. */
static inline uint32_t range_put(struct range *ranges, uint32_t n, uint32_t web, uint32_t from,
                                 uint32_t to)
{
    ENGINE_ASSERT(from <= to);
    if (n && ranges[n - 1].web == web && ranges[n - 1].from == to + 1) {
        ranges[n - 1].from = from;
        return n;
    }
    ranges[n] = (struct range){web, from, to, 0};
    return n + 1;
}

static inline void range_add(struct flow *f, uint32_t web, uint32_t from, uint32_t to)
{
    struct life *l = &f->c->life;
    if (l->nranges < l->ranges_cap || GROW(f->c, l->ranges, l->nranges + 1))
        l->nranges = range_put(l->ranges, l->nranges, web, from, to);
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
        join_successor(f, b->succ[0], false, 2 * b->last + 1, words);
    if (b->succ[1] != REF_NONE)
        join_successor(f, b->succ[1], false, 2 * b->last + 1, words);
    for (uint32_t t = 0; t < b->ntable; t++)
        join_successor(f, body->targets[b->table + t], early, 2 * b->last + 1, words);
}

/* The webs of the walk, at its end, are those that block k begins with. */
FOR_WORDS void join_start(struct flow *f, uint32_t k, uint32_t words)
{
    struct life *l = &f->c->life;
    uint32_t first = f->c->body.blocks[k].first,
             *web = l->webs_in_store + f->c->body.blocks[k].webs_in, n = l->nranges;
    if (!GROW(f->c, l->ranges, n + 64 * words))
        return;
    struct range *ranges = l->ranges;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t bits = l->live_in[(uint64_t)k * words + w];
        ENGINE_ASSERT((f->live[w] & ~bits) == 0); /* nothing is live that liveness did not find */
        for (; bits; bits &= bits - 1, web++) {
            uint32_t x = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (!is_live(f, x)) { /* live only by the safe assumption */
                f->cur[x] = web_new(f, x);
                f->end[x] = 2 * first + 1;
            }
            n = range_put(ranges, n, f->cur[x], 2 * first, f->end[x]);
            if (*web == REF_NONE)
                *web = f->cur[x];
            else
                web_union(f->c, *web, f->cur[x]);
        }
    }
    l->nranges = n;
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

static __attribute__((noinline)) void use_arguments(struct flow *f, struct node *n, uint32_t i)
{
    if (ir_flags[n->op] & IRF_CALL) {
        record_call(f, n);
        f->next_call = i;
    }
    for (uint32_t k = 0; k < n->nargs; k++)
        use_operand(f, &f->c->body.args[n->args + k], i);
    use_operand(f, &n->a, i);
}

/* Where it goes from one web to another, both want the same register. */
static __attribute__((noinline)) void use_moved(struct flow *f, struct node *n, uint32_t i)
{
    ENGINE_ASSERT(n->b == REF_NONE && n->c == REF_NONE);
    use_operand(f, &n->a, i);
    if (n->dst != REF_NONE && n->dst >= f->nvregs && ref_is_vreg(n->a) &&
        ref_index(n->a) >= f->nvregs) {
        struct web *webs = f->c->life.webs;
        webs[n->dst - f->nvregs].hint = ref_index(n->a) - f->nvregs;
        webs[ref_index(n->a) - f->nvregs].hint = n->dst - f->nvregs;
    }
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
        use_arguments(f, n, i);
    } else if (flags & IRF_MOVE) {
        use_moved(f, n, i);
    } else {
        use_operand(f, &n->b, i);
        use_operand(f, &n->c, i);
        use_operand(f, &n->a, i);
    }
}

static inline bool only_jumps(const struct node *nodes, const struct block *b)
{
    const struct node *n = &nodes[b->first + 1], *last = &nodes[b->last];
    if (last->op != IR_BR)
        return false;
    while (n < last && (n->flags & (NF_FOLD | NF_DEAD)))
        n++;
    return n == last;
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
    if (!live_find(c, f->defined_early) || !room(c))
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
