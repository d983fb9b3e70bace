/* Nodes, the operand stack, and writes of virtual registers.
 *
 * The operand stack holds references.  Local reads are references to the virtual register, copied
 * only where the local is written while the read is still on the stack. */
#include "engine/ir/build.h"
#include "engine/lib.h"

/* ---- nodes ---- */

/* The first node exists from the start: writes go nowhere harmful, `failed` ends the pass. */
bool build_nodes_grow(struct build *b)
{
    struct compile *c = b->c;
    return GROW(c, c->body.nodes, c->body.nnodes + 1);
}

static __attribute__((noinline)) void touch_slow(struct compile *c, uint32_t touch)
{
    if (GROW(c, c->body.touches, c->body.ntouches + 1))
        c->body.touches[c->body.ntouches++] = touch;
}

void build_touch(struct compile *c, uint32_t touch)
{
    struct body *body = &c->body;
    if (body->ntouches < body->touches_cap)
        body->touches[body->ntouches++] = touch;
    else
        touch_slow(c, touch);
}

struct vreg *build_vreg_new(struct build *b, uint32_t v)
{
    struct compile *c = b->c;
    if (!GROW(c, c->body.vregs, v + 1))
        return &c->body.vregs[0];
    ENGINE_ASSERT(v >= c->body.first_stack);
    while (c->body.nvregs <= v) { /* stack registers: int and float in turn */
        bool is_float = (c->body.nvregs - c->body.first_stack) & 1;
        c->body.vregs[c->body.nvregs++] = (struct vreg){.type = is_float ? T_F64 : T_I64};
    }
    return &c->body.vregs[v];
}

/* ---- operand stack ---- */

bool build_push_slow(struct build *b)
{
    if (b->sp > 0xffffff) /* node.depth */
        b->c->failed = true;
    return GROW(b->c, b->stack, b->sp + 1);
}

bool build_name_slots(struct build *b)
{
    build_vreg(b, build_stack_vreg(b, b->sp, T_F64));
    if (b->sp == b->stack_cap && !build_push_slow(b))
        return false;
    b->named = b->sp + 1;
    return true;
}

void build_push_node(struct build *b, uint32_t n, enum irtype type)
{
    ENGINE_ASSERT(n == b->c->body.nnodes - 1);
    struct node *node = &b->c->body.nodes[n];
    uint8_t flags = node->flags;
    build_push_new(b, node, type);
    node->flags |= flags;
}

/* ---- names ---- */

bool build_can_name(const struct build *b, ref r)
{
    const struct body *body = &b->c->body;
    const struct node *n = &body->nodes[ref_index(r)];
    return ref_is_node(r) && (n->flags & NF_VALUE) && n->dst == REF_NONE && n->op != IR_CONST &&
           type_is_int(node_value_type(n)) && ref_index(r) > body->blocks[b->cur].first &&
           b->nnamed + 1 < NAMED_MAX; /* there is room for two */
}

/* It is computed where it stands, so that nothing reads it before. */
ref build_name(struct build *b, ref r)
{
    struct body *body = &b->c->body;
    ENGINE_ASSERT(build_can_name(b, r));
    uint32_t v = body->first_named + b->nnamed++;
    struct node *n = &body->nodes[ref_index(r)];
    n->dst = v;
    n->flags &= (uint8_t)~NF_FOLD;
    if (n->op == IR_AND && build_is_folded(b->c, n->a)) /* which only a test can read in memory */
        body->nodes[ref_index(n->a)].flags &= (uint8_t)~NF_FOLD;
    build_sets(b, v);
    body->vregs[v].uses++; /* its only user */
    return REF_VREG | v | (r & REF_NZ);
}

/* ---- writing virtual registers ---- */

#define PENDING_LOOK 256

/* Reads of v that are still on the stack are copied before v changes.  Where they are not found
 * soon the whole stack is flushed, after which no read of a local is pending: so no entry is looked
 * at again and again. */
void build_copy_pending(struct build *b, uint32_t v)
{
    uint32_t looked = 0;
    for (uint32_t i = b->sp; i-- > 0 && build_vreg(b, v)->pending;) {
        if (++looked > PENDING_LOOK && v < b->c->body.first_stack) {
            build_flush(b);
            return;
        }
        struct opnd *o = &b->stack[i];
        if (!ref_is_vreg(o->r) || ref_index(o->r) != v)
            continue;
        uint32_t n = build_node(b, IR_COPY, o->type);
        struct node *copy = &b->c->body.nodes[n];
        copy->a = o->r;
        copy->flags |= NF_VALUE;
        copy->depth = i & 0xffffff;
        build_vreg(b, build_stack_vreg(b, i, o->type));
        o->r = n;
        build_vreg(b, v)->pending--;
        build_reads(b, v);
    }
}

/* A trap in the middle of a node that writes a pinned global would show a value that was never set.
 */
static bool fusible(struct build *b, uint32_t v)
{
    const struct compile *c = b->c;
    const struct node *n = &c->body.nodes[b->last];
    return v >= c->body.first_local || ((ir_flags[n->op] & IRF_PURE) && !build_is_folded(c, n->a) &&
                                          !build_is_folded(c, n->b));
}

/* v += constant, as a node. */
static bool is_step(struct build *b, const struct node *n, uint32_t v, uint32_t *step)
{
    uint64_t imm;
    if ((n->op != IR_ADD && n->op != IR_SUB) || n->type != T_I32 || n->dst != v ||
        n->a != (REF_VREG | v) || !build_is_const(b, n->b, &imm))
        return false;
    *step = n->op == IR_ADD ? (uint32_t)imm : -(uint32_t)imm;
    return true;
}

/* Go's return gives back the frame and then the return address's place: `SP += frame; SP += 8`, one
 * after the other. The last node takes both steps. */
static void merge_steps(struct build *b, uint32_t v)
{
    struct node *nodes = b->c->body.nodes;
    uint32_t before = b->last - 1, first, second;
    while (nodes[before].op == IR_CONST)
        before--; /* a block begins with a label */
    /* A constant from before is not this step's alone. */
    if (!is_step(b, &nodes[b->last], v, &second) || ref_index(nodes[b->last].b) < before ||
        !is_step(b, &nodes[before], v, &first))
        return;
    nodes[before].op = IR_NOP;
    nodes[before].dst = nodes[before].a = nodes[before].b = REF_NONE;
    nodes[before].flags = NF_DEAD;
    nodes[b->last].op = IR_ADD;
    nodes[ref_index(nodes[b->last].b)].imm = first + second;
}

void build_set(struct build *b, uint32_t v, struct opnd o)
{
    struct compile *c = b->c;
    if (o.r == (REF_VREG | v))
        return;
    build_low_changed(b, v);
    build_slot_changed(b, v);
    struct vreg *vreg = build_vreg(b, v);
    if (!vreg->pending && build_is_last(b, o.r) && !(o.r & REF_NZ) && fusible(b, v)) {
        build_keep_whole(b, v);
        c->body.nodes[b->last].dst = v;
        build_sets_there(b, vreg, v);
        build_slot_set(b, b->last, v);
        if (v == 0)
            merge_steps(b, v);
        return;
    }
    if (vreg->pending) {
        build_copy_pending(b, v);
        vreg = build_vreg(b, v);
        ENGINE_ASSERT(!vreg->pending || c->failed);
    }
    build_is_read(b, o.r);
    build_sets_there(b, vreg, v);
    struct node *n = build_new(b, IR_SET, o.type);
    n->a = o.r;
    n->dst = v;
}

/* Leaves entries [0, sp) as stack registers or constants, so that a block may end here. */
void build_flush(struct build *b)
{
    ENGINE_ASSERT(b->flushed <= b->sp);
    for (uint32_t i = b->flushed; i < b->sp; i++) {
        struct opnd o = b->stack[i];
        uint64_t imm;
        if (build_is_const(b, o.r, &imm))
            continue;
        uint32_t v = build_stack_vreg(b, i, o.type);
        if (o.r == (REF_VREG | v))
            continue;
        if (ref_is_vreg(o.r)) {
            build_vreg(b, ref_index(o.r))->pending--;
            build_reads(b, ref_index(o.r));
        }
        b->stack[i].r = 0;
        build_set(b, v, o);
        if (b->c->failed)
            return;
        build_vreg_there(b, v)->pending++;
        b->stack[i].r = REF_VREG | v;
    }
    b->flushed = b->sp;
}
