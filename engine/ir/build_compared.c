/* Comparisons whose result a local holds.
 *
 * Go keeps a comparison's result in a local and tests it, often after other work, such as the test
 * of its write barrier.  The branch compares once more: flags cost nothing, and the local is mostly
 * dead then.  What was compared must still be there.  A temporary gets a virtual register of its
 * own for that, so that its comparison and the branch read it both. */
#include "engine/assert.h"
#include "engine/ir/build.h"

#define TESTED_LOOK 8 /* nodes between a comparison and the test of the local that has it */

/* A constant, a virtual register, or a temporary that may become one.  What has left the operand
 * stack leaves its slot to temporaries. */
static bool is_kept(const struct build *b, ref r)
{
    const struct body *body = &b->c->body;
    if (ref_is_vreg(r))
        return !(r & REF_NZ) && ref_index(r) < body->first_stack;
    return body->nodes[ref_index(r)].op == IR_CONST || build_can_name(b, r);
}

/* The comparison, of what is as it was then, whose result v still holds. */
static struct node *comparison_in(const struct build *b, uint32_t v)
{
    const struct body *body = &b->c->body;
    uint32_t first = body->blocks[b->cur].first, at = body->nnodes;
    while (--at > first && body->nodes[at].dst != v)
        if (body->nnodes - at > TESTED_LOOK || (ir_flags[body->nodes[at].op] & IRF_CALL))
            return NULL;
    struct node *n = &body->nodes[at];
    if (n->op != IR_CMP || n->dst != v || !is_kept(b, n->a) || !is_kept(b, n->b))
        return NULL;
    for (uint32_t k = at; k < body->nnodes; k++)
        if (body->nodes[k].dst != REF_NONE &&
            ((REF_VREG | body->nodes[k].dst) == n->a || (REF_VREG | body->nodes[k].dst) == n->b))
            return NULL;
    return n;
}

/* A use of what n compares, besides its own. */
static ref shared(struct build *b, ref *r)
{
    if (ref_is_node(*r) && b->c->body.nodes[ref_index(*r)].op != IR_CONST)
        *r = build_name(b, *r);
    if (ref_is_vreg(*r))
        build_reads(b, ref_index(*r));
    return *r;
}

ref build_compared_again(struct build *b, ref cond)
{
    struct body *body = &b->c->body;
    const struct node *test = build_is_last(b, cond) ? &body->nodes[ref_index(cond)] : NULL;
    uint64_t zero;
    bool is_test = test && test->op == IR_CMP && (test->sub == COND_EQ || test->sub == COND_NE) &&
                   build_is_const(b, test->b, &zero) && zero == 0;
    bool inverse = is_test && test->sub == COND_EQ;
    ref local = is_test ? test->a : cond; /* a comparison's lower half is all of it */
    if (!ref_is_vreg(local))
        return cond;
    struct node *n = comparison_in(b, ref_index(local));
    if (!n)
        return cond;
    struct node again = *n;
    again.a = shared(b, &n->a);
    again.b = shared(b, &n->b);
    uint32_t k = is_test ? ref_index(cond) : build_node(b, IR_CMP, again.type);
    struct node *to = &body->nodes[k];
    to->a = again.a;
    to->b = again.b;
    to->type = again.type;
    to->sub = inverse ? (uint8_t)cond_inverse(again.sub) : again.sub;
    to->flags = NF_VALUE;
    return k;
}
