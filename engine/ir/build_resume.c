/* Slots of Go's stack over the places where a function is resumed.
 *
 * Each block of Go's is an entry of the dispatch's table, besides being where the block before it
 * leads to.  Resumed, a function knows nothing of its slots.  So a block that is entered once, but
 * for tables, begins with what the block before ends with (build_slot.c), and where a value is used
 * then, the table's entry becomes a way aside: it loads the slot, and leads to the block.  So does
 * a jump back, which nobody knew of when the block began.
 *
 * Such a load may trap only where the block would as well, before anything can be seen of it: a
 * store, a call, another kind of trap.  A load that is left out there is loaded aside all the same.
 * Behind that, only slots that an access at the block's start reaches over are loaded. */
#include "engine/ir/build.h"

#define THROUGH_MAX 16 /* entries that a value goes through: work stays linear */

void build_resume_begin(struct build *b, uint32_t block, const struct slots *kept)
{
    struct block *k = &b->c->body.blocks[block];
    b->resume = kept->resume;
    if (!k->in_table)
        return;
    if (!GROW(b->c, b->resumes, b->nresumes + 1)) {
        b->nslots = 0;
        return;
    }
    b->resumes[b->nresumes++] = (struct resume){.block = block,
                                                .from = kept->block,
                                                .before = kept->resume,
                                                .scanned = k->first + 1,
                                                .quiet = true};
    b->resume = k->resume = b->nresumes;
    for (uint32_t i = 0; i < b->nslots; i++)
        b->slots[i].low = REF_NONE;
}

/* Nothing is seen of the node, but that it may access memory out of bounds. */
static bool is_quiet(const struct node *n)
{
    return ((ir_flags[n->op] & IRF_PURE) || n->op == IR_SET || n->op == IR_LOAD ||
            n->op == IR_GLOBAL_GET) &&
           n->dst > 1;
}

static void reach(struct resume *r, uint64_t off, unsigned shape)
{
    uint64_t end = off + shape_bytes(shape);
    r->reach = end > r->reach ? end : r->reach;
}

static void scan(struct build *b, struct resume *r)
{
    const struct body *body = &b->c->body;
    uint32_t last = body->blocks[r->block].last, end = last ? last : body->nnodes;
    for (; r->quiet && r->scanned < end; r->scanned++) {
        const struct node *n = &body->nodes[r->scanned];
        if ((n->op == IR_LOAD || n->op == IR_STORE) && n->a == REF_VREG && n->idx == 0)
            reach(r, n->off, n->sub);
        r->quiet = is_quiet(n);
    }
    r->quiet &= !last;
}

static struct resume_load *load_of(const struct build *b, const struct resume *r, uint32_t v)
{
    for (uint32_t k = r->loads; k; k = b->resume_loads[k - 1].next)
        if (b->resume_loads[k - 1].vreg == v)
            return &b->resume_loads[k - 1];
    return NULL;
}

bool build_resume_may(struct build *b, const struct slot *s)
{
    uint64_t end = s->at.off + (uint64_t)shape_bytes(s->shape);
    unsigned through = 0;
    for (uint32_t k = b->resume; k != s->since; k = b->resumes[k - 1].before) {
        scan(b, &b->resumes[k - 1]);
        if (++through > THROUGH_MAX || (!b->resumes[k - 1].quiet && end > b->resumes[k - 1].reach))
            return false;
    }
    return true;
}

/* A value that two slots held is loaded from one of them. */
static bool is_of_other_slot(const struct build *b, const struct resume *r, const struct slot *s,
                             uint32_t v)
{
    const struct resume_load *l = load_of(b, r, v);
    return l && (l->off != s->at.off || l->shape != s->shape || l->type != s->type);
}

/* Where the function itself is, for a trap that is found aside. */
static uint32_t own_pos(const struct build *b)
{
    const struct body *body = &b->c->body;
    return b->in.bottom ? body->inlines[body->ninlines - 1].pos : build_pos(b);
}

static bool load(struct build *b, struct resume *r, const struct slot *s, uint32_t v)
{
    if (r->quiet)
        reach(r, s->at.off, s->shape);
    if (load_of(b, r, v))
        return true;
    if (!GROW(b->c, b->resume_loads, b->nresume_loads + 1))
        return false;
    b->resume_loads[b->nresume_loads++] = (struct resume_load){.vreg = v,
                                                               .off = s->at.off,
                                                               .pos = own_pos(b),
                                                               .next = r->loads,
                                                               .type = s->type,
                                                               .shape = s->shape};
    r->loads = b->nresume_loads;
    return true;
}

bool build_resume_use(struct build *b, const struct slot *s, uint32_t v)
{
    for (uint32_t k = b->resume; k != s->since; k = b->resumes[k - 1].before)
        if (is_of_other_slot(b, &b->resumes[k - 1], s, v))
            return false;
    for (uint32_t k = b->resume; k != s->since; k = b->resumes[k - 1].before)
        if (!load(b, &b->resumes[k - 1], s, v))
            return false;
    const struct node *n = &b->c->body.nodes[ref_index(s->value)];
    if (n->op != IR_LOAD || n->sub != s->shape || n->type != s->type) {
        b->crossed |= UINT64_C(1) << (v - b->c->body.first_slot);
        if (s->type == T_I64) /* its upper half comes from memory as well */
            build_vreg(b, v)->type = T_I64;
    }
    return true;
}

/* ---- the ways aside ---- */

static uint32_t way(struct build *b, const struct resume *r)
{
    uint32_t aside = build_aside_begin(b, r->block);
    for (uint32_t k = r->loads; k; k = b->resume_loads[k - 1].next) {
        const struct resume_load *l = &b->resume_loads[k - 1];
        b->insn = b->bytes + l->pos;
        struct node *n = build_new(b, IR_LOAD, l->type);
        n->a = REF_VREG;
        n->off = l->off;
        n->sub = l->shape;
        n->dst = l->vreg;
        build_sets(b, l->vreg);
    }
    build_aside_end(b, r->block);
    return aside;
}

/* Where an edge to this block goes, unless it is the one that the slots' values come by. */
static inline uint32_t led_aside(const struct build *b, const uint32_t *ways, uint32_t to,
                                 uint32_t from)
{
    uint32_t r = b->c->body.blocks[to].resume;
    return !r || !b->resumes[r - 1].loads || b->resumes[r - 1].from == from ? to : ways[r - 1];
}

void build_resume_end(struct build *b)
{
    struct compile *c = b->c;
    struct body *body = &c->body;
    uint32_t *ways = NULL;
    if (!b->nresume_loads)
        return;
    const uint32_t nblocks = body->nblocks; /* without the ways */
    ways = scratch_alloc(c->engine, b->nresumes * sizeof *ways);
    if (!ways) {
        c->failed = true;
        return;
    }
    for (uint32_t k = 0; k < b->nresumes; k++)
        ways[k] = b->resumes[k].loads ? way(b, &b->resumes[k]) : 0;
    struct block *blocks = body->blocks; /* `way` may move them */
    for (uint32_t k = 0; k < nblocks; k++)
        for (unsigned s = 0; s < 2; s++) {
            uint32_t to = blocks[k].succ[s];
            if (to == REF_NONE || !blocks[to].resume)
                continue;
            uint32_t led = led_aside(b, ways, to, k);
            blocks[k].succ[s] = led;
            blocks[led].looped |= led != to;
        }
    for (uint32_t t = 0; t < body->ntargets; t++)
        body->targets[t] = led_aside(b, ways, body->targets[t], REF_NONE);
}
