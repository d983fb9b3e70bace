/* Addresses that a load or a store computes itself.
 *
 * Go computes an address as base + constant or base + (index << k) in 64 bits, wraps it to 32 and
 * accesses at offset 0. Where memory 0 is at address 0 that is one operand of x86 with 32-bit
 * addressing, [base + index << k + constant]: the CPU wraps the sum at 2^32 as wasm does.  With an
 * offset it would wrap where wasm must trap: only offset 0 is folded.
 *
 * What is folded is evaluated at its user: nothing between may write what it reads.  So a folded
 * node reads virtual registers that no node behind it writes (is_stable); temporaries are written
 * once, and no other one may have their slot.  A load that such a node had as its own memory
 * operand stands alone again.
 *
 * A sum that is no address takes a scaled index as well: x86 has an instruction for it, lea. */
#include "engine/assert.h"
#include "engine/ir/build.h"

#define LOOK 48 /* nodes between the sum and its user: work stays linear */

/* A shift that its user computes. */
static bool is_scale(const struct node *n)
{
    return n->op == IR_SHL && (n->flags & NF_FOLD);
}

/* A temporary behind node `from` may be spilled to the slot that r has as an entry of the operand
 * stack, which it has left. */
static bool is_slot_taken(const struct build *b, ref r, uint32_t from)
{
    const struct body *body = &b->c->body;
    uint32_t v = ref_index(r);
    if (ref_is_vreg(r) && v < body->first_stack)
        return false;
    uint32_t depth = ref_is_vreg(r) ? (v - body->first_stack) / 2 : body->nodes[v].depth;
    for (uint32_t k = from + 1; k < body->nnodes; k++) {
        const struct node *n = &body->nodes[k];
        if ((n->flags & NF_VALUE) && !(n->flags & NF_FOLD) && n->dst == REF_NONE &&
            n->depth == depth)
            return true;
    }
    return false;
}

static bool is_stable(const struct build *b, ref r, uint32_t from)
{
    const struct body *body = &b->c->body;
    while (r != REF_NONE && ref_is_node(r) && is_scale(&body->nodes[ref_index(r)]))
        r = body->nodes[ref_index(r)].a; /* evaluated with its user */
    if (r == REF_NONE || (ref_is_node(r) && body->nodes[ref_index(r)].op == IR_CONST))
        return true;
    if (is_slot_taken(b, r, from))
        return false;
    uint32_t v = ref_index(r);
    for (uint32_t k = from + 1; ref_is_vreg(r) && k < body->nnodes; k++)
        if (body->nodes[k].dst == v ||
            (v < body->first_local && (ir_flags[body->nodes[k].op] & IRF_CALL)))
            return false;
    return true;
}

/* The sum or shift that r is, if its user may compute it. */
static struct node *foldable(const struct build *b, ref r, enum irop op)
{
    const struct body *body = &b->c->body;
    if (!ref_is_node(r))
        return NULL;
    uint32_t k = ref_index(r);
    struct node *n = &body->nodes[k];
    if (n->op != op || n->dst != REF_NONE || (n->flags & NF_FOLD) || !type_is_int(n->type))
        return NULL;
    if (k <= body->blocks[b->cur].first || body->nnodes - k > LOOK)
        return NULL;
    return is_stable(b, n->a, k) && is_stable(b, n->b, k) ? n : NULL;
}

static bool is_constant(const struct build *b, ref r)
{
    return ref_is_node(r) && b->c->body.nodes[ref_index(r)].op == IR_CONST;
}

static void stand_alone(struct build *b, ref r)
{
    if (ref_is_node(r) && b->c->body.nodes[ref_index(r)].op == IR_LOAD)
        b->c->body.nodes[ref_index(r)].flags &= (uint8_t)~NF_FOLD;
}

static void fold(struct build *b, struct node *n)
{
    ENGINE_ASSERT(n->op == IR_ADD || n->op == IR_SHL);
    n->flags |= NF_FOLD;
    stand_alone(b, n->a);
    stand_alone(b, n->b);
}

/* index << k, for k of 1 to 3. */
static bool fold_scale(struct build *b, ref r)
{
    uint64_t k;
    if (ref_is_node(r) && is_scale(&b->c->body.nodes[ref_index(r)]))
        return true;
    struct node *n = foldable(b, r, IR_SHL);
    if (!n || !build_is_const(b, n->b, &k) || k == 0 || k > 3 || is_constant(b, n->a))
        return false;
    fold(b, n);
    return true;
}

bool build_fold_scale(struct build *b, ref r, enum irtype type)
{
    return ref_is_node(r) && b->c->body.nodes[ref_index(r)].type == type && fold_scale(b, r);
}

/* A sum inside the address's: x + constant, or where `constant` is taken already x + y. */
static struct node *inner_sum(const struct build *b, ref r, bool constant)
{
    struct node *n = foldable(b, r, IR_ADD);
    return n && !is_constant(b, n->a) && is_constant(b, n->b) != constant ? n : NULL;
}

static void fold_two(struct build *b, const struct node *sum)
{
    if (!fold_scale(b, sum->b))
        fold_scale(b, sum->a);
}

void build_fold_sum(struct build *b, ref address)
{
    struct node *sum = foldable(b, address, IR_ADD);
    if (!sum || is_constant(b, sum->a))
        return;
    fold(b, sum);
    if (is_constant(b, sum->b)) {
        struct node *inner = inner_sum(b, sum->a, true);
        if (inner) {
            fold(b, inner);
            fold_two(b, inner);
        }
        return;
    }
    ref other = fold_scale(b, sum->b) ? sum->a : fold_scale(b, sum->a) ? sum->b : sum->a;
    struct node *inner = inner_sum(b, other, false);
    if (inner)
        fold(b, inner);
}
