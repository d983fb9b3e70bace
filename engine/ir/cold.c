/* Blocks that hardly ever run: their weight is 0, and their code stands behind the others'.
 *
 * Cold is what leads to nothing but traps, and what Go does where a pointer is nil: it calls
 * sigpanic, which returns in the eyes of the compiler, so that what a loop has in locals lives over
 * a call.  A call that nobody makes must not cost them their registers.  A mistake here costs time
 * and nothing else: what is cold is compiled as anything. */
#include "engine/ir/ir.h"
#include "engine/lib.h"

static bool is_result_of_call(const struct compile *c, ref r)
{
    return r != REF_NONE && ref_is_node(r) && (ir_flags[c->body.nodes[ref_index(r)].op] & IRF_CALL);
}

/* The block is entered where something is zero, by falling through. */
static bool is_zero_case(const struct compile *c, const struct block *before, uint32_t k)
{
    const struct node *end = &c->body.nodes[before->last];
    if (end->op != IR_BRIF || before->succ[0] != k || !ref_is_node(end->a))
        return false;
    const struct node *cmp = &c->body.nodes[ref_index(end->a)];
    if (cmp->op != IR_CMP || cmp->sub != COND_EQ || !ref_is_node(cmp->b))
        return false;
    const struct node *zero = &c->body.nodes[ref_index(cmp->b)];
    return zero->op == IR_CONST && zero->imm == 0;
}

/* Nothing but a call without arguments, as Go makes it: SP moves, and the return address is stored
 * there. */
static bool is_bare_call(const struct compile *c, const struct block *b)
{
    for (uint32_t i = b->first + 1; i < b->last; i++) {
        const struct node *n = &c->body.nodes[i];
        bool moves_sp = n->op == IR_SUB && n->dst == 0,
             stores_there = n->op == IR_STORE && n->a == REF_VREG;
        if (n->op != IR_CONST && n->op != IR_CALL && !moves_sp && !stores_there)
            return false;
    }
    return true;
}

/* A block that ends by a test, as what follows it in layout is known already.  A call's result that
 * is tested says that the stack is unwound, which is no way on. */
static bool is_cold_test(const struct compile *c, uint32_t place)
{
    const struct body *body = &c->body;
    const struct block *b = &body->blocks[body->order[place]], *blocks = body->blocks;
    bool of_call = is_result_of_call(c, body->nodes[b->last].a);
    if (blocks[b->succ[1]].cold && (of_call || blocks[b->succ[0]].cold))
        return true;
    return of_call && place &&
           is_zero_case(c, &blocks[body->order[place - 1]], body->order[place]) &&
           is_bare_call(c, b);
}

void cold_find(struct compile *c)
{
    const struct body *body = &c->body;
    struct block *blocks = body->blocks;
    const uint32_t *order = body->order;
    const struct node *nodes = body->nodes;
    for (uint32_t i = body->norder; i-- > 0;) {
        struct block *b = &blocks[order[i]];
        unsigned op = nodes[b->last].op;
        if (op == IR_BR)
            b->cold = b->panics || (b->aside && !b->looped) || blocks[b->succ[0]].cold;
        else if (op == IR_BRIF)
            b->cold = is_cold_test(c, i);
        else
            b->cold = op == IR_TRAP;
    }
}

bool cold_last(struct compile *c)
{
    const uint32_t norder = c->body.norder;
    const struct block *blocks = c->body.blocks;
    uint32_t *cold = scratch_alloc(c->engine, norder * sizeof *cold), n = 1, ncold = 0;
    uint32_t *order = c->body.order;
    if (!cold)
        return false;
    for (uint32_t i = 1; i < norder; i++) /* the first block stays: it is the entry */
        if (blocks[order[i]].cold)
            cold[ncold++] = order[i];
        else
            order[n++] = order[i];
    mem_move((uint8_t *)(order + n), (const uint8_t *)cold, (uint64_t)ncold * sizeof *cold);
    return true;
}
