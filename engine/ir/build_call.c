/* Calls: of functions, and of runtime functions that stand for an instruction. */
#include "engine/ir/build.h"
#include "engine/lib.h"
#include "engine/x64/target.h"

uint32_t build_args(struct build *b, uint32_t n)
{
    struct compile *c = b->c;
    uint32_t first = c->body.nargs;
    ENGINE_ASSERT(n <= LIMIT_PARAMS && n <= LIMIT_RESULTS); /* node.nargs */
    if (!GROW(c, c->body.args, first + n))
        return 0;
    c->body.nargs = first + n;
    for (uint32_t i = n; i-- > 0;)
        c->body.args[first + i] = build_pop(b).r;
    return first;
}

/* In Go's code SP may have moved over a call: `global.get 0; local.set SP` follows at once, or a
 * return. */
static void check_mirror_after_call(struct build *b)
{
    uint32_t mirror = b->c->body.mirror;
    if (mirror == REF_NONE || b->at[0] == OP_return_ || b->at[0] == OP_unreachable)
        return;
    const uint8_t *at = b->at;
    if (!(at[0] == OP_global_get && at[1] == 0 && at[2] == OP_local_set && mirror < 128 &&
          at[3] == mirror))
        b->mirror_broken = true;
}

/* The last node. */
static void note_call(struct compile *c, const struct functype *type, bool by_table)
{
    struct body *body = &c->body;
    uint32_t args = target_stack_params(type);
    if (args > body->stack_args)
        body->stack_args = args;
    if (by_table && GROW(c, body->by_table, body->nby_table + 1))
        body->by_table[body->nby_table++] = body->nnodes - 1;
}

void build_call(struct build *b, enum irop op, const struct functype *type, uint32_t idx,
                uint32_t table)
{
    struct compile *c = b->c;
    ENGINE_ASSERT(op == IR_CALL || op == IR_TAIL ? idx < c->module->nfuncs
                                                 : table < c->module->ntables);
    ref index = op == IR_CALLI || op == IR_TAILI ? build_pop(b).r : REF_NONE;
    uint32_t first = build_args(b, type->nparams);
    for (uint32_t i = 0; i < 2; i++) /* the callee may change pinned globals */
        build_save_pending(b, i);
    uint32_t n = build_node(b, op, type->nresults ? ir_type_of(type->results[0]) : T_NONE);
    struct node *node = &c->body.nodes[n];
    node->a = index;
    node_set_args(node, first, type->nparams);
    node->idx = idx;
    node->table = table;
    note_call(c, type, index != REF_NONE);
    build_low_called(b);
    build_slot_forget(b);
    if (op == IR_TAIL || op == IR_TAILI)
        return;
    if (type->nresults)
        build_push_node(b, n, ir_type_of(type->results[0]));
    for (uint32_t i = 1; i < type->nresults; i++) {
        enum irtype t = ir_type_of(type->results[i]);
        uint32_t r = build_node(b, IR_RESULT, t);
        c->body.nodes[r].idx = i;
        build_push_node(b, r, t);
    }
    check_mirror_after_call(b);
}

/* Instructions that are calls of runtime functions: how many operands they pop, how many immediates
 * (numbers of segments, tables, memories or functions) follow these as arguments. */
static const struct runtime_op { uint8_t known, rt, npop, immediates, result; } runtime_ops[] = {
    [OP_table_get] = {true, RT_table_get, 1, 1, T_I64},
    [OP_table_set] = {true, RT_table_set, 2, 1, T_NONE},
    [OP_memory_grow] = {true, RT_memory_grow, 1, 1, T_I32},
    [OP_ref_func] = {true, RT_ref_func, 0, 1, T_I64},
    [OP_memory_init] = {true, RT_memory_init, 3, 2, T_NONE},
    [OP_data_drop] = {true, RT_data_drop, 0, 1, T_NONE},
    [OP_table_init] = {true, RT_table_init, 3, 2, T_NONE},
    [OP_elem_drop] = {true, RT_elem_drop, 0, 1, T_NONE},
    [OP_table_copy] = {true, RT_table_copy, 3, 2, T_NONE},
    [OP_table_grow] = {true, RT_table_grow, 2, 1, T_I32},
    [OP_table_size] = {true, RT_table_size, 0, 1, T_I32},
    [OP_table_fill] = {true, RT_table_fill, 3, 1, T_NONE},
};
enum { RUNTIME_OPS = sizeof runtime_ops / sizeof runtime_ops[0] };

/* false: it is none of them. */
bool build_runtime(struct build *b, unsigned op)
{
    struct compile *c = b->c;
    const struct runtime_op *r = &runtime_ops[op < RUNTIME_OPS ? op : 0];
    if (!r->known)
        return false;
    ENGINE_ASSERT(r->npop + 2 <= RUNTIME_ARGS && r->immediates <= 2);
    uint32_t x = build_u32(b), y = r->immediates == 2 ? build_u32(b) : 0;
    build_push(b, build_const(b, T_I32, x), T_I32);
    build_push(b, build_const(b, T_I32, y), T_I32);
    uint32_t first = build_args(b, r->npop + 2);
    uint32_t n = build_node(b, IR_RT, r->result);
    struct node *node = &c->body.nodes[n];
    node_set_args(node, first, r->npop + 2);
    node->idx = r->rt;
    build_low_called(b);
    build_slot_forget(b);
    if (r->result != T_NONE)
        build_push_node(b, n, r->result);
    return true;
}
