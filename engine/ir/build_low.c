/* Lower halves of pointers, made once.
 *
 * Go's pointers are i64 locals, each access wraps one to i32, and nothing says that the upper half
 * is zero.  With an offset the access needs the lower half in a register of its own
 * (x64/emit_memory.c).  So each of the first locals has a companion, a virtual register that holds
 * its lower half.  It is set at the first access, and read at the next ones, also in later blocks,
 * until the local changes.
 *
 * `low` has a bit for each local whose companion holds its lower half now; a block begins with what
 * all its predecessors agree on.  A jump back makes true what its target took for granted; what of
 * it nobody reads dies in flow.c.  On the slow way of Go's dispatch local and companion are both
 * zero, but for what is set before it. */
#include "engine/assert.h"
#include "engine/ir/build.h"

static uint64_t bit(uint32_t v)
{
    return UINT64_C(1) << v;
}

static bool has_companion(const struct build *b, uint32_t v)
{
    return v < LOW_LOCALS && v < b->c->body.first_low &&
           b->c->body.first_low < b->c->body.first_named;
}

static void set_companion(struct build *b, uint32_t v)
{
    struct compile *c = b->c;
    uint32_t n = build_node(b, IR_ZEXT, T_I64);
    c->body.nodes[n].a = REF_VREG | v;
    c->body.nodes[n].dst = c->body.first_low + v;
    build_reads(b, v);
    build_sets(b, c->body.first_low + v);
    b->low |= bit(v);
}

ref build_low_half_made(struct build *b, ref r, uint32_t off, uint32_t memory)
{
    uint32_t v = ref_index(r);
    bool is_free = off == 0 && memory == 0 && b->c->instance->zero_base;
    if (is_free)
        return r;
    if (!ref_is_vreg(r) || !has_companion(b, v))
        return build_slot_low(b, r);
    if (!(b->low & bit(v)))
        set_companion(b, v);
    build_reads(b, b->c->body.first_low + v);
    return REF_VREG | (b->c->body.first_low + v);
}

/* Calls change pinned globals; and over the calls of other languages than Go locals live. */
void build_low_called(struct build *b)
{
    b->low = b->c->instance->pinned[1] >= 0 ? b->low & ~UINT64_C(3) : 0;
}

void build_low_edge(struct build *b, uint32_t block)
{
    b->c->body.blocks[block].low &= b->low;
    b->c->body.blocks[block].reached = true;
}

/* What only the dispatch and jumps back lead to begins with none: nobody has set them for it. */
void build_low_begin(struct build *b, uint32_t block)
{
    struct block *k = &b->c->body.blocks[block];
    if (!k->reached)
        k->low = 0;
    b->low = k->low;
}

void build_low_jump(struct build *b, uint32_t block)
{
    const struct block *to = &b->c->body.blocks[block];
    if (to->first) /* placed: the jump goes back */
        for (uint64_t lacks = to->low & ~b->low; lacks; lacks &= lacks - 1)
            set_companion(b, (uint32_t)__builtin_ctzll(lacks));
    build_low_edge(b, block);
}

/* Pinned globals and parameters. */
static uint64_t set_at_start(const struct build *b)
{
    uint32_t n = b->c->body.first_local + b->c->type->nparams;
    return n < LOW_LOCALS ? bit(n) - 1 : ~UINT64_C(0);
}

void build_low_dispatch(struct build *b, uint32_t from)
{
    if (b->low_dispatch == REF_NONE)
        b->low_dispatch = from;
}

void build_low_table(struct build *b, uint32_t from)
{
    const struct body *body = &b->c->body;
    const struct block *block = &body->blocks[from];
    /* zero are all but parameters, pinned globals and what is set before */
    uint64_t zero = ~(b->low_early | set_at_start(b));
    for (uint32_t t = 0; t < block->ntable; t++)
        if (b->low_dispatch == from)
            body->blocks[body->targets[block->table + t]].low &= zero;
        else
            build_low_edge(b, body->targets[block->table + t]);
}

bool build_low_holds(const struct build *b)
{
    return b->c->body.first_low == b->c->body.first_named || b->low_dispatch == REF_NONE ||
           b->low_dispatch == b->c->body.dispatch;
}
