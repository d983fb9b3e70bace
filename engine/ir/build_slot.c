/* Slots of Go's stack: what was stored to one, or loaded from it, is not loaded again.
 *
 * Go has its variables in memory at SP + offset, and loads one anew for each use.  `slots` has what
 * some of them hold, by the offset from SP as it is.  It is true until SP changes, a call, or a
 * store elsewhere: any pointer may point into the stack.  A block that has one predecessor, and is
 * no target of a table or a loop, begins with what that one ends with; all others with nothing.
 *
 * A body that stands in place of its call (build_inline.c) is looked at as any other code.  SP
 * changes where it begins and where it ends.
 *
 * A load is left out only where an access before it, of the same bytes, would have trapped as well.
 * With an offset SP + offset may not wrap, without one Go's sum does (build_address.c): what was
 * reached by the sum says nothing of an access that may not wrap (`wraps`). */
#include "engine/assert.h"
#include "engine/ir/build.h"

#define USER_LOOK 16 /* nodes between a temporary and its user; else it gets no name */

/* ---- names ---- */

static bool is_name(const struct build *b, uint32_t v)
{
    return v >= b->c->body.first_slot && v < b->c->body.first_inline;
}

/* Where the only reference to temporary k is: in a node soon behind it, or on the operand stack. */
static ref *user_of(struct build *b, uint32_t k)
{
    const struct body *body = &b->c->body;
    uint32_t end = k + USER_LOOK < body->nnodes ? k + USER_LOOK : body->nnodes;
    for (uint32_t i = k + 1; i < end; i++) {
        struct node *n = &body->nodes[i];
        if (n->op == IR_CONST || node_has_args(n))
            continue;
        ref *refs[] = {&n->a, &n->b, &n->c};
        for (unsigned r = 0; r < 3; r++)
            if (*refs[r] != REF_NONE && ref_is_node(*refs[r]) && ref_index(*refs[r]) == k)
                return refs[r];
    }
    for (uint32_t i = b->sp; i-- > 0 && b->sp - i <= USER_LOOK;)
        if (ref_is_node(b->stack[i].r) && ref_index(b->stack[i].r) == k)
            return &b->stack[i].r;
    return NULL;
}

/* k is folded into a comparison with a constant, which takes a register as well. */
static bool is_compared(const struct build *b, uint32_t k)
{
    const struct node *n = &b->c->body.nodes[k];
    do
        n++;
    while (n->op == IR_CONST);
    return n->op == IR_CMP && n->a == k;
}

/* The block that node k is in. */
static uint32_t block_of(const struct body *body, uint32_t k)
{
    while (body->nodes[k].op != IR_LABEL)
        k--;
    return body->nodes[k].idx;
}

/* The virtual register that holds temporary k from now on, or REF_NONE. */
static ref name_of(struct build *b, uint32_t k)
{
    struct body *body = &b->c->body;
    struct node *n = &body->nodes[k];
    if (n->dst != REF_NONE)
        return is_name(b, n->dst) ? REF_VREG | n->dst : REF_NONE;
    if (b->nslot_names == SLOT_NAMES)
        return REF_NONE;
    ref *user = user_of(b, k);
    if (!user || ((n->flags & NF_FOLD) && !is_compared(b, k)))
        return REF_NONE;
    n->flags &= (uint8_t)~NF_FOLD;
    uint32_t v = body->first_slot + b->nslot_names++;
    body->vregs[v].type = node_value_type(n);
    if (k > body->blocks[b->cur].first) {
        build_sets(b, v);
    } else {
        body->vregs[v].uses++;
        build_touch_late(b, block_of(body, k), v);
    }
    body->vregs[v].uses++; /* its only user */
    b->slot_named[v - body->first_slot] = k;
    n->dst = v;
    *user = REF_VREG | v | (*user & REF_NZ);
    if (user >= &b->stack->r && user < &b->stack[b->sp].r)
        body->vregs[v].pending++;
    return REF_VREG | v;
}

unsigned build_slot_bits(struct build *b, uint32_t v)
{
    uint32_t k = v - b->c->body.first_slot;
    return is_name(b, v) && !(b->crossed >> k & 1) ? build_value_bits(b, b->slot_named[k]) : 64;
}

/* ---- what slots hold ---- */

struct slot_at build_slot_at(const struct build *b, ref address, uint32_t off, uint32_t memory)
{
    const struct body *body = &b->c->body;
    uint64_t imm;
    if (memory || address == REF_NONE || body->vregs[0].type != T_I32)
        return (struct slot_at){.is = false};
    if (address == REF_VREG)
        return (struct slot_at){.is = true, .off = off};
    if (off || !ref_is_node(address) || (address & REF_NZ) || address < b->slots_from)
        return (struct slot_at){.is = false};
    const struct node *n = &body->nodes[address];
    if (n->op != IR_ADD || n->type != T_I32 || n->dst != REF_NONE || n->a != REF_VREG ||
        !build_is_const(b, n->b, &imm))
        return (struct slot_at){.is = false};
    return (struct slot_at){.is = true, .wraps = true, .off = (uint32_t)imm};
}

bool build_slot_load(struct build *b, struct slot_at at, enum irtype type, unsigned shape)
{
    for (uint32_t i = 0; at.is && i < b->nslots; i++) {
        const struct slot *s = &b->slots[i];
        if (s->at.off != at.off || s->shape != shape || s->type != type ||
            (s->at.wraps && !at.wraps))
            continue;
        uint64_t imm;
        ref r = s->value;
        bool here = s->since == b->resume, is_const = build_is_const(b, r, &imm);
        if (!here && (at.wraps || is_const || !ref_is_node(r) || !build_resume_may(b, s)))
            return false;
        if (is_const)
            r = build_const(b, type, imm);
        else if (ref_is_node(r))
            r = name_of(b, ref_index(r)) | (r & REF_NZ);
        if (r == REF_NONE || (!here && !build_resume_use(b, s, ref_index(r))))
            return false;
        build_push(b, r, type);
        return true;
    }
    return false;
}

static void drop(struct build *b, uint32_t i)
{
    b->slots[i] = b->slots[--b->nslots];
}

static bool overlap(const struct slot *s, uint32_t off, unsigned bytes)
{
    return s->at.off - off < bytes || off - s->at.off < shape_bytes(s->shape);
}

static void keep(struct build *b, struct slot_at at, enum irtype type, unsigned shape, ref value)
{
    if (b->nslots == SLOTS)
        drop(b, b->slots_next++ % SLOTS);
    b->slots[b->nslots++] =
        (struct slot){.at = at,
                      .type = (uint8_t)type,
                      .shape = (uint8_t)shape,
                      .value = value,
                      .low = REF_NONE,
                      .since = b->resume};
}

/* r is what the slot holds: a temporary, or its name. */
static bool holds(const struct build *b, const struct slot *s, ref r)
{
    if (!ref_is_node(s->value))
        return false;
    if (ref_is_node(r))
        return ref_index(r) == ref_index(s->value);
    /* A stack register holds other values later. */
    return is_name(b, ref_index(r)) && b->c->body.nodes[ref_index(s->value)].dst == ref_index(r);
}

ref build_slot_low(struct build *b, ref r)
{
    for (uint32_t i = 0; i < b->nslots; i++) {
        struct slot *s = &b->slots[i];
        if (!holds(b, s, r))
            continue;
        ref low = s->low == REF_NONE ? REF_NONE : name_of(b, ref_index(s->low));
        if (low != REF_NONE)
            return low;
        struct node *n = build_new(b, IR_ZEXT, T_I64);
        n->a = r & ~REF_NZ;
        build_is_read(b, r);
        n->flags |= NF_VALUE;
        n->depth = b->sp & 0xffffff;
        s->low = b->last;
        build_vreg(b, build_stack_vreg(b, b->sp, T_I64));
        return s->low;
    }
    return r;
}

/* Node k has loaded it. */
void build_slot_loaded(struct build *b, struct slot_at at, uint32_t k)
{
    const struct node *n = &b->c->body.nodes[k];
    if (!at.is || n->type > T_F64)
        return;
    for (uint32_t i = 0; i < b->nslots; i++)
        if (b->slots[i].at.off == at.off && b->slots[i].shape == n->sub) {
            drop(b, i);
            break;
        }
    keep(b, at, n->type, n->sub, k);
}

static bool keeps_value(const struct build *b, enum irtype type, unsigned shape, ref value)
{
    static const uint8_t whole[] = {
        [T_I32] = M_32U, [T_I64] = M_64, [T_F32] = M_F32, [T_F64] = M_F64
    };
    if (type > T_F64 || shape != whole[type])
        return false;
    uint32_t v = ref_index(value);
    return ref_is_node(value) || v < b->c->body.first_low || is_name(b, v);
}

void build_slot_stored(struct build *b, struct slot_at at, enum irtype type, unsigned shape,
                       ref value)
{
    if (!at.is) {
        b->nslots = 0;
        return;
    }
    for (uint32_t i = b->nslots; i-- > 0;)
        if (overlap(&b->slots[i], at.off, shape_bytes(shape)))
            drop(b, i);
    if (keeps_value(b, type, shape, value))
        keep(b, at, type, shape, value);
}

void build_slot_forget(struct build *b)
{
    b->nslots = 0;
    b->slots_from = b->c->body.nnodes;
}

void build_slot_drop(struct build *b, uint32_t v)
{
    if (v == 0)
        build_slot_forget(b);
    for (uint32_t i = b->nslots; i-- > 0;)
        if (ref_is_vreg(b->slots[i].value) && ref_index(b->slots[i].value) == v)
            drop(b, i);
}

void build_slot_take(struct build *b, uint32_t k, uint32_t v)
{
    for (uint32_t i = b->nslots; i-- > 0;)
        if (ref_is_node(b->slots[i].value) && ref_index(b->slots[i].value) == k) {
            if (v < b->c->body.first_low)
                b->slots[i].value = REF_VREG | v;
            else
                drop(b, i);
        }
}

/* ---- from block to block ---- */

static uint32_t kept_now(struct build *b)
{
    if (!b->nslots)
        return 0;
    if (b->kept_of == b->cur && b->nkept)
        return b->nkept;
    if (!GROW(b->c, b->kept, b->nkept + 1))
        return 0;
    struct slots *k = &b->kept[b->nkept++];
    k->n = b->nslots;
    k->block = b->cur;
    k->resume = b->resume;
    for (uint32_t i = 0; i < b->nslots; i++)
        k->slot[i] = b->slots[i];
    b->kept_of = b->cur;
    return b->nkept;
}

void build_slot_edge(struct build *b, uint32_t block)
{
    struct block *to = &b->c->body.blocks[block];
    to->slots = to->joins || to->entered ? 0 : kept_now(b);
    to->joins = to->entered;
    to->entered = true;
}

void build_slot_join(struct build *b, uint32_t block)
{
    struct block *to = &b->c->body.blocks[block];
    to->entered = to->joins = true;
    to->slots = 0;
}

void build_slot_begin(struct build *b, uint32_t block)
{
    build_slot_forget(b);
    b->resume = 0;
    uint32_t kept = b->c->body.blocks[block].slots;
    if (!kept)
        return;
    const struct slots *k = &b->kept[kept - 1];
    b->nslots = k->n;
    for (uint32_t i = 0; i < k->n; i++)
        b->slots[i] = k->slot[i];
    build_resume_begin(b, block, k);
}
