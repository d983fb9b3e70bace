/* Body bytes to nodes: everything but control flow (build_control.c).
 *
 * Trusts that the body is valid (validate.c).  One pass, no recursion.  The operand stack holds references; a wrap or a
 * zero extension is a change of the entry's type and costs no node.  Local reads are references to the virtual
 * register, copied only where the local is written while the read is still on the stack. */
#include "engine/ir/build.h"
#include "engine/lib.h"

const uint8_t ir_flags[IR_COUNT] = {
#define IR(name, flags) [IR_##name] = (flags),
#include "engine/ir/ir.def"
#undef IR
};

bool compile_grow(struct compile *c, void **array, uint32_t *cap, uint32_t need, uint32_t elem_bytes)
{
    if (need <= *cap)
        return true;
    uint64_t n = *cap ? *cap : 64;
    while (n < need)
        n *= 2;
    uint8_t *p = c->failed ? NULL : scratch_alloc(c->engine, n * elem_bytes);
    if (!p) {
        c->failed = true;
        return false;
    }
    if (*array)
        mem_move(p, *array, (uint64_t)*cap * elem_bytes);
    *array = p;
    *cap = (uint32_t)n;
    return true;
}

/* ---- nodes ---- */

uint32_t build_node(struct build *b, enum irop op, enum irtype type)
{
    struct compile *c = b->c;
    if (c->body.nnodes == c->body.nodes_cap && !GROW(c, c->body.nodes, c->body.nnodes + 1))
        return 0; /* node 0 exists from the start: writes go nowhere harmful, `failed` ends the pass */
    uint32_t i = c->body.nnodes++;
    struct node *n = &c->body.nodes[i];
    *n = (struct node){.op = (uint8_t)op,
                       .type = (uint8_t)type,
                       .dst = REF_NONE,
                       .a = REF_NONE,
                       .b = REF_NONE,
                       .c = REF_NONE,
                       .use = REF_NONE,
                       .pos = b->pos};
    if (op != IR_CONST)
        b->last = i;
    return i;
}

struct vreg *build_vreg(struct build *b, uint32_t v)
{
    struct compile *c = b->c;
    if (v >= c->body.nvregs) {
        if (!GROW(c, c->body.vregs, v + 1))
            return &c->body.vregs[0];
        while (c->body.nvregs <= v) { /* stack registers: int and float in turn */
            bool is_float = (c->body.nvregs - c->body.first_stack) & 1;
            c->body.vregs[c->body.nvregs++] = (struct vreg){.type = is_float ? T_F64 : T_I64};
        }
    }
    return &c->body.vregs[v];
}

/* ---- operand stack ---- */

void build_push(struct build *b, ref r, enum irtype type)
{
    if (b->sp >= 0xffffff)
        b->c->failed = true;
    if (b->sp == b->stack_cap && !GROW(b->c, b->stack, b->sp + 1))
        return;
    if (ref_is_vreg(r))
        build_vreg(b, ref_index(r))->pending++;
    b->stack[b->sp++] = (struct opnd){r, (uint8_t)type};
}

struct opnd build_pop(struct build *b)
{
    if (b->sp == 0)
        return (struct opnd){0, T_I32}; /* only after a failure */
    struct opnd o = b->stack[--b->sp];
    if (b->flushed > b->sp)
        b->flushed = b->sp;
    if (ref_is_vreg(o.r)) {
        struct vreg *v = build_vreg(b, ref_index(o.r));
        v->pending--;
        v->uses++;
    }
    return o;
}

void build_push_node(struct build *b, uint32_t n, enum irtype type)
{
    b->c->body.nodes[n].flags |= NF_VALUE;
    b->c->body.nodes[n].depth = b->sp & 0xffffff;
    build_vreg(b, build_stack_vreg(b, b->sp, type)); /* its spill slot */
    build_push(b, n, type);
}

uint32_t build_const(struct build *b, enum irtype type, uint64_t imm)
{
    uint32_t n = build_node(b, IR_CONST, type);
    b->c->body.nodes[n].imm = imm;
    b->c->body.nodes[n].flags = NF_FOLD | NF_VALUE;
    return n;
}

static bool is_const(struct build *b, ref r, uint64_t *imm)
{
    if (!ref_is_node(r) || (r & REF_NZ) || b->c->body.nodes[r].op != IR_CONST)
        return false;
    *imm = b->c->body.nodes[r].imm;
    return true;
}

/* A temporary that was computed just now, so that nothing can lie between it and its user. */
bool build_is_last(struct build *b, ref r)
{
    return r != REF_NONE && ref_is_node(r) && ref_index(r) == b->last && (b->c->body.nodes[b->last].flags & NF_VALUE) &&
           b->c->body.nodes[b->last].dst == REF_NONE;
}

/* The 64-bit register that holds r is known to have a zero upper half. */
static bool is_zero_extended(struct build *b, ref r)
{
    if (r & REF_NZ)
        return false;
    if (ref_is_vreg(r)) {
        uint32_t v = ref_index(r);
        return v < b->c->body.first_stack && build_vreg(b, v)->type == T_I32;
    }
    const struct node *n = &b->c->body.nodes[ref_index(r)];
    if (n->op == IR_CONST)
        return n->imm >> 32 == 0;
    if (n->op == IR_LOAD && (n->sub == M_8U || n->sub == M_16U || n->sub == M_32U))
        return true;
    return node_value_type(n) == T_I32;
}

/* ---- writing virtual registers ---- */

#define PENDING_LOOK 256

/* Reads of v that are still on the stack are copied before v changes.  Where they are not found soon the whole stack is
 * flushed, after which no read of a local is pending: so no entry is looked at again and again. */
static void save_pending(struct build *b, uint32_t v)
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
        build_vreg(b, v)->uses++;
    }
}

static bool is_folded(const struct compile *c, ref r)
{
    return r != REF_NONE && ref_is_node(r) && c->body.nodes[ref_index(r)].op != IR_CONST &&
           (c->body.nodes[ref_index(r)].flags & NF_FOLD);
}

/* A trap in the middle of a node that writes a pinned global would show a value that was never set. */
static bool fusible(struct build *b, uint32_t v)
{
    const struct compile *c = b->c;
    const struct node *n = &c->body.nodes[b->last];
    return v >= c->body.first_local || ((ir_flags[n->op] & IRF_PURE) && !is_folded(c, n->a) && !is_folded(c, n->b));
}

void build_set(struct build *b, uint32_t v, struct opnd o)
{
    struct compile *c = b->c;
    if (o.r == (REF_VREG | v))
        return;
    build_vreg(b, v)->uses++;
    if (!build_vreg(b, v)->pending && build_is_last(b, o.r) && !(o.r & REF_NZ) && fusible(b, v)) {
        c->body.nodes[b->last].dst = v;
        return;
    }
    save_pending(b, v);
    uint32_t n = build_node(b, IR_SET, o.type);
    c->body.nodes[n].a = o.r;
    c->body.nodes[n].dst = v;
}

/* Leaves entries [0, sp) as stack registers or constants, so that a block may end here. */
void build_flush(struct build *b)
{
    for (uint32_t i = b->flushed; i < b->sp; i++) {
        struct opnd o = b->stack[i];
        uint64_t imm;
        if (is_const(b, o.r, &imm))
            continue;
        uint32_t v = build_stack_vreg(b, i, o.type);
        if (o.r == (REF_VREG | v))
            continue;
        if (ref_is_vreg(o.r)) {
            build_vreg(b, ref_index(o.r))->pending--;
            build_vreg(b, ref_index(o.r))->uses++;
        }
        b->stack[i].r = 0;
        build_set(b, v, o);
        build_vreg(b, v)->pending++;
        b->stack[i].r = REF_VREG | v;
    }
    b->flushed = b->sp;
}

/* ---- folding ---- */

/* A load that its user may do as a memory operand. */
static bool foldable_load(struct build *b, ref r, enum irtype type)
{
    static const uint8_t shape[] = {[T_I32] = M_32U, [T_I64] = M_64, [T_F32] = M_F32, [T_F64] = M_F64};
    return !(r & REF_NZ) && build_is_last(b, r) && b->c->body.nodes[r].op == IR_LOAD && type <= T_F64 &&
           b->c->body.nodes[r].sub == shape[type] && b->c->body.nodes[r].type == type;
}

static void fold_loads(struct build *b, struct opnd *x, struct opnd *y, enum irop op, enum irtype type)
{
    static const bool folds[IR_COUNT] = {
        [IR_ADD] = 1, [IR_SUB] = 1,  [IR_AND] = 1,  [IR_OR] = 1,   [IR_XOR] = 1, [IR_MUL] = 1,
        [IR_CMP] = 1, [IR_FADD] = 1, [IR_FSUB] = 1, [IR_FMUL] = 1, [IR_FDIV] = 1};
    uint64_t imm;
    if (!folds[op])
        return;
    if (foldable_load(b, y->r, type)) {
        if (!is_const(b, x->r, &imm))
            b->c->body.nodes[y->r].flags |= NF_FOLD;
    } else if (foldable_load(b, x->r, type) && !is_const(b, y->r, &imm) && (ir_flags[op] & IRF_COMM)) {
        struct opnd t = *x;
        *x = *y;
        *y = t;
        b->c->body.nodes[y->r].flags |= NF_FOLD;
    }
}

static void binary(struct build *b, enum irop op, enum irtype type, unsigned sub)
{
    struct opnd y = build_pop(b), x = build_pop(b);
    uint64_t imm;
    if ((ir_flags[op] & IRF_COMM) && is_const(b, x.r, &imm)) {
        struct opnd t = x;
        x = y;
        y = t;
    }
    fold_loads(b, &x, &y, op, type);
    uint32_t n = build_node(b, op, type);
    struct node *node = &b->c->body.nodes[n];
    node->a = x.r;
    node->b = y.r;
    node->sub = (uint8_t)sub;
    build_push_node(b, n, op == IR_CMP || op == IR_FCMP ? T_I32 : type);
}

static void unary(struct build *b, enum irop op, enum irtype type, unsigned sub)
{
    struct opnd x = build_pop(b);
    uint32_t n = build_node(b, op, type);
    b->c->body.nodes[n].a = x.r;
    b->c->body.nodes[n].sub = (uint8_t)sub;
    build_push_node(b, n, type);
}

static void test_zero(struct build *b, enum irtype type)
{
    struct opnd *top = &b->stack[b->sp - 1];
    if (b->sp && build_is_last(b, top->r) && type == T_I32) {
        struct node *n = &b->c->body.nodes[ref_index(top->r)];
        if (n->op == IR_CMP) {
            n->sub ^= 1;
            return;
        }
        if (n->op == IR_FCMP) {
            static const uint8_t inverse[] = {FCC_NE,  FCC_EQ, FCC_NLT, FCC_NGT, FCC_NLE,
                                              FCC_NGE, FCC_LT, FCC_GT,  FCC_LE,  FCC_GE};
            n->sub = inverse[n->sub];
            return;
        }
    }
    build_push(b, build_const(b, type, 0), type);
    binary(b, IR_CMP, type, CC_E);
}

/* The low half of its result needs no upper half of an operand. */
static bool narrows(struct build *b, const struct node *n)
{
    uint64_t imm;
    if (n->op == IR_SHL)
        return is_const(b, n->b, &imm) && imm < 32;
    return (ir_flags[n->op] & IRF_NARROW) && !is_folded(b->c, n->b);
}

/* i32.wrap_i64: the entry's type changes; an addition and its like narrow to 32 bits. */
static void wrap(struct build *b)
{
    struct opnd o = build_pop(b);
    uint64_t imm;
    if (is_const(b, o.r, &imm)) {
        build_push(b, build_const(b, T_I32, (uint32_t)imm), T_I32);
        return;
    }
    if (is_zero_extended(b, o.r)) {
        build_push(b, o.r, T_I32);
        return;
    }
    if (build_is_last(b, o.r)) {
        struct node *n = &b->c->body.nodes[ref_index(o.r)];
        if (n->type == T_I64 && narrows(b, n)) {
            n->type = T_I32;
            build_push(b, o.r, T_I32);
            return;
        }
    }
    build_push(b, o.r | REF_NZ, T_I32);
}

static void zero_extend(struct build *b)
{
    struct opnd o = build_pop(b);
    uint64_t imm;
    if (is_const(b, o.r, &imm)) {
        build_push(b, build_const(b, T_I64, (uint32_t)imm), T_I64);
        return;
    }
    if (is_zero_extended(b, o.r)) {
        build_push(b, o.r, T_I64);
        return;
    }
    build_push(b, o.r, T_I32);
    unary(b, IR_ZEXT, T_I64, 0);
}

/* ---- memory ---- */

void build_memarg(struct build *b, uint32_t *off, uint32_t *memory)
{
    uint32_t align = build_u32(b);
    *memory = align & 64 ? build_u32(b) : 0;
    *off = build_u32(b);
}

void build_load(struct build *b, enum irtype type, unsigned shape, uint32_t off, uint32_t memory)
{
    struct opnd address = build_pop(b);
    uint32_t n = build_node(b, IR_LOAD, type);
    struct node *node = &b->c->body.nodes[n];
    node->a = address.r;
    node->off = off;
    node->idx = memory;
    node->sub = (uint8_t)shape;
    build_push_node(b, n, type);
}

void build_store(struct build *b, enum irtype type, unsigned shape, uint32_t off, uint32_t memory)
{
    struct opnd value = build_pop(b), address = build_pop(b);
    uint32_t n = build_node(b, IR_STORE, type);
    struct node *node = &b->c->body.nodes[n];
    node->a = address.r;
    node->b = value.r;
    node->off = off;
    node->idx = memory;
    node->sub = (uint8_t)shape;
}

/* ---- locals and globals ---- */

static void local_get(struct build *b, uint32_t local)
{
    struct compile *c = b->c;
    uint32_t v = local == c->body.mirror ? 0 : c->body.first_local + local;
    build_push(b, REF_VREG | v, build_vreg(b, v)->type);
}

/* The mirror of pinned global 0: Go keeps SP in a local too and writes both together.  Anything else than the known
 * patterns breaks the mirror, and the function is built again without. */
static void local_set(struct build *b, uint32_t local, bool tee)
{
    struct compile *c = b->c;
    if (local == c->body.mirror) {
        struct opnd o = build_pop(b);
        if (!tee && o.r == REF_VREG) /* vreg 0: global.get 0; local.set */
            return;
        if (tee && b->at[0] == OP_global_set && b->at[1] == 0) {
            b->at += 2;
            build_set(b, 0, o);
            return;
        }
        b->mirror_broken = true;
        build_push(b, o.r, o.type);
        if (!tee)
            build_pop(b);
        return;
    }
    uint32_t v = c->body.first_local + local;
    struct opnd o = build_pop(b);
    bool fused = build_is_last(b, o.r);
    build_set(b, v, o);
    if (!tee)
        return;
    if (fused || ref_is_node(o.r))
        build_push(b, REF_VREG | v, o.type);
    else
        build_push(b, o.r, o.type);
}

static void global_get(struct build *b, uint32_t g)
{
    struct compile *c = b->c;
    for (uint32_t i = 0; i < 2; i++)
        if (c->instance->pinned[i] == (int32_t)g) {
            build_push(b, REF_VREG | i, c->body.vregs[i].type);
            return;
        }
    enum irtype type = ir_type_of(c->module->globals[g].type);
    uint32_t n = build_node(b, IR_GLOBAL_GET, type);
    c->body.nodes[n].idx = g;
    build_push_node(b, n, type);
}

static void global_set(struct build *b, uint32_t g)
{
    struct compile *c = b->c;
    struct opnd o = build_pop(b);
    for (uint32_t i = 0; i < 2; i++)
        if (c->instance->pinned[i] == (int32_t)g) {
            if (i == 0 && c->body.mirror != REF_NONE)
                b->mirror_broken = true;
            build_set(b, i, o);
            return;
        }
    uint32_t n = build_node(b, IR_GLOBAL_SET, ir_type_of(c->module->globals[g].type));
    c->body.nodes[n].a = o.r;
    c->body.nodes[n].idx = g;
}

static void select_value(struct build *b)
{
    struct opnd cond = build_pop(b), y = build_pop(b), x = build_pop(b);
    if (build_is_last(b, cond.r) && (b->c->body.nodes[ref_index(cond.r)].op == IR_CMP) && !(cond.r & REF_NZ))
        b->c->body.nodes[ref_index(cond.r)].flags |= NF_FOLD;
    uint32_t n = build_node(b, IR_SELECT, x.type);
    struct node *node = &b->c->body.nodes[n];
    node->a = x.r;
    node->b = y.r;
    node->c = cond.r;
    build_push_node(b, n, x.type);
}

/* ---- calls ---- */

uint32_t build_args(struct build *b, uint32_t n)
{
    struct compile *c = b->c;
    uint32_t first = c->body.nargs;
    if (!GROW(c, c->body.args, first + n))
        return 0;
    c->body.nargs = first + n;
    for (uint32_t i = n; i-- > 0;)
        c->body.args[first + i] = build_pop(b).r;
    return first;
}

/* In Go's code SP may have moved over a call: `global.get 0; local.set SP` follows at once, or a return. */
static void check_mirror_after_call(struct build *b)
{
    uint32_t mirror = b->c->body.mirror;
    if (mirror == REF_NONE || b->at[0] == OP_return_ || b->at[0] == OP_unreachable)
        return;
    const uint8_t *at = b->at;
    if (!(at[0] == OP_global_get && at[1] == 0 && at[2] == OP_local_set && mirror < 128 && at[3] == mirror))
        b->mirror_broken = true;
}

void build_call(struct build *b, enum irop op, const struct functype *type, uint32_t idx, uint32_t table)
{
    struct compile *c = b->c;
    ref index = op == IR_CALLI || op == IR_TAILI ? build_pop(b).r : REF_NONE;
    uint32_t first = build_args(b, type->nparams);
    for (uint32_t i = 0; i < 2; i++) /* the callee may change pinned globals */
        save_pending(b, i);
    uint32_t n = build_node(b, op, type->nresults ? ir_type_of(type->results[0]) : T_NONE);
    struct node *node = &c->body.nodes[n];
    node->a = index;
    node_set_args(node, first, type->nparams);
    node->idx = idx;
    node->table = table;
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

/* Instructions that are calls of runtime functions: how many operands they pop, how many immediates (numbers of
 * segments, tables, memories or functions) follow these as arguments. */
static const struct runtime_op { uint8_t known, rt, npop, immediates, result; } runtime_ops[] = {
    [OP_table_get] = {true, RT_table_get, 1, 1, T_I64},
    [OP_table_set] = {true, RT_table_set, 2, 1, T_NONE},
    [OP_memory_grow] = {true, RT_memory_grow, 1, 1, T_I32},
    [OP_ref_func] = {true, RT_ref_func, 0, 1, T_I64},
    [OP_memory_init] = {true, RT_memory_init, 3, 2, T_NONE},
    [OP_data_drop] = {true, RT_data_drop, 0, 1, T_NONE},
    [OP_memory_copy] = {true, RT_memory_copy, 3, 2, T_NONE},
    [OP_memory_fill] = {true, RT_memory_fill, 3, 1, T_NONE},
    [OP_table_init] = {true, RT_table_init, 3, 2, T_NONE},
    [OP_elem_drop] = {true, RT_elem_drop, 0, 1, T_NONE},
    [OP_table_copy] = {true, RT_table_copy, 3, 2, T_NONE},
    [OP_table_grow] = {true, RT_table_grow, 2, 1, T_I32},
    [OP_table_size] = {true, RT_table_size, 0, 1, T_I32},
    [OP_table_fill] = {true, RT_table_fill, 3, 1, T_NONE},
};
enum { RUNTIME_OPS = sizeof runtime_ops / sizeof runtime_ops[0] };

/* false: it is none of them. */
static bool runtime_instruction(struct build *b, unsigned op)
{
    struct compile *c = b->c;
    const struct runtime_op *r = &runtime_ops[op < RUNTIME_OPS ? op : 0];
    if (!r->known)
        return false;
    uint32_t x = build_u32(b), y = r->immediates == 2 ? build_u32(b) : 0;
    build_push(b, build_const(b, T_I32, x), T_I32);
    build_push(b, build_const(b, T_I32, y), T_I32);
    uint32_t first = build_args(b, r->npop + 2);
    uint32_t n = build_node(b, IR_RT, r->result);
    struct node *node = &c->body.nodes[n];
    node_set_args(node, first, r->npop + 2);
    node->idx = r->rt;
    if (r->result != T_NONE)
        build_push_node(b, n, r->result);
    return true;
}

static void memory_size(struct build *b)
{
    uint32_t m = build_u32(b);
    uint32_t n = build_node(b, IR_MEMSIZE, T_I32);
    b->c->body.nodes[n].idx = m;
    build_push_node(b, n, T_I32);
}

static void plain_instruction(struct build *b, const struct plain_op *p)
{
    uint32_t off = 0, memory = 0;
    if (p->how == P_LOAD || p->how == P_STORE)
        build_memarg(b, &off, &memory);
    switch (p->how) {
    case P_BIN:
        binary(b, p->op, p->type, p->sub);
        break;
    case P_UN:
        unary(b, p->op, p->type, p->sub);
        break;
    case P_TEST:
        test_zero(b, p->type);
        break;
    case P_LOAD:
        build_load(b, p->type, p->sub, off, memory);
        break;
    default:
        build_store(b, p->type, p->sub, off, memory);
        break;
    }
}

/* The rest: what has immediates or is neither plain nor control.  false: not one that the compiler knows. */
static bool other_instruction(struct build *b, unsigned op)
{
    switch (op) {
    case OP_local_get:
        local_get(b, build_u32(b));
        break;
    case OP_local_set:
        local_set(b, build_u32(b), false);
        break;
    case OP_local_tee:
        local_set(b, build_u32(b), true);
        break;
    case OP_global_get:
        global_get(b, build_u32(b));
        break;
    case OP_global_set:
        global_set(b, build_u32(b));
        break;
    case OP_i32_const:
        build_push(b, build_const(b, T_I32, (uint32_t)build_s64(b)), T_I32);
        break;
    case OP_i64_const:
        build_push(b, build_const(b, T_I64, (uint64_t)build_s64(b)), T_I64);
        break;
    case OP_f32_const:
        build_push(b, build_const(b, T_F32, build_bytes(b, 4)), T_F32);
        break;
    case OP_f64_const:
        build_push(b, build_const(b, T_F64, build_bytes(b, 8)), T_F64);
        break;
    case OP_i32_wrap_i64:
        wrap(b);
        break;
    case OP_i64_extend_i32_u:
        zero_extend(b);
        break;
    case OP_drop:
        build_drop(b);
        break;
    case OP_select_t:
        for (uint32_t types = build_u32(b); types; types--)
            b->at++; /* fall through */
    case OP_select:
        select_value(b);
        break;
    case OP_memory_size:
        memory_size(b);
        break;
    case OP_ref_null:
        b->at++;
        build_push(b, build_const(b, T_I64, 0), T_I64);
        break;
    case OP_ref_is_null:
        test_zero(b, T_I64);
        break;
    case OP_nop:
        break;
    default:
        return runtime_instruction(b, op);
    }
    return true;
}

/* drop: a dropped call keeps its effect, everything else dies in flow.c for want of a use. */
void build_drop(struct build *b)
{
    build_pop(b);
}

static bool instruction(struct build *b)
{
    b->pos = (uint32_t)(b->at - b->c->module->bytes);
    unsigned op = *b->at++;
    if (op == 0xfc)
        op = 0x100 + build_u32(b);
    else if (op == 0xfd)
        op = 0x200 + build_u32(b);
    if (b->dead)
        return build_skip(b, op);
    if (op < PLAIN_OPS && plain_ops[op].how) {
        if (plain_ops[op].op == IR_FROUND && !build_cpu_fits(b, op))
            return false;
        plain_instruction(b, &plain_ops[op]);
        return true;
    }
    if (build_control(b, op) || other_instruction(b, op) || build_simd(b, op))
        return true;
    if (b->c->engine->error.kind != ERROR_NONE)
        return false;
    char words[FUNC_WORDS];
    return error_set(b->c->engine, ERROR_UNSUPPORTED, b->pos,
                     "%s uses instruction 0x%x, which wasmvm does not compile (offset 0x%x)",
                     func_words(b->c->module, b->c->func, words), op, b->pos);
}

static bool build_once(struct build *b, const uint8_t *code)
{
    struct compile *c = b->c;
    if (!build_room(b))
        return false;
    b->at = code;
    b->end = c->module->bytes + c->module->funcs[c->func].body + c->module->funcs[c->func].body_len;
    build_entry(b);
    while (b->nctl && !c->failed && !b->mirror_broken)
        if (!instruction(b))
            return false;
    return true;
}

/* Locals: (count, type) groups (spec 5.5.13); validated. */
static const uint8_t *declare_locals(struct build *b)
{
    struct compile *c = b->c;
    b->at = c->module->bytes + c->module->funcs[c->func].body;
    const uint8_t *start = b->at;
    uint32_t total = c->type->nparams;
    for (uint32_t g = build_u32(b); g; g--) {
        total += build_u32(b);
        b->at++;
    }
    c->body.nlocals = total;
    c->body.first_local = 2;
    c->body.first_stack = 2 + total;
    c->body.vregs_cap = c->body.first_stack + 64;
    c->body.vregs = scratch_alloc(c->engine, (uint64_t)c->body.vregs_cap * sizeof *c->body.vregs);
    if (!c->body.vregs) {
        c->failed = true;
        return start;
    }
    c->body.nvregs = c->body.first_stack;
    for (uint32_t i = 0; i < 2; i++) {
        int32_t g = c->instance->pinned[i];
        c->body.vregs[i] = (struct vreg){.type = g < 0 ? T_NONE : ir_type_of(c->module->globals[g].type)};
    }
    uint32_t v = 2;
    for (uint32_t i = 0; i < c->type->nparams; i++)
        c->body.vregs[v++] = (struct vreg){.type = ir_type_of(c->type->params[i])};
    b->at = start;
    for (uint32_t g = build_u32(b); g; g--) {
        uint32_t n = build_u32(b);
        enum irtype t = ir_type_of(*b->at++);
        while (n--)
            c->body.vregs[v++] = (struct vreg){.type = t};
    }
    return b->at;
}

bool build(struct compile *c)
{
    c->body.mirror = c->body.dispatch = REF_NONE;
    struct build b = {.c = c};
    const uint8_t *code = declare_locals(&b);
    if (c->failed)
        return false;
    uint32_t nvregs = c->body.nvregs;
    /* `global.get 0; local.set L` first: L mirrors pinned global 0, as in Go's functions. */
    if (c->instance->pinned[0] == 0 && code[0] == OP_global_get && code[1] == 0 && code[2] == OP_local_set &&
        code[3] < 128 && code[3] >= c->type->nparams)
        c->body.mirror = code[3];
    for (;;) {
        if (!build_once(&b, code))
            return false;
        if (!b.mirror_broken)
            return !c->failed;
        c->body.mirror = c->body.dispatch = REF_NONE;
        c->body.nnodes = c->body.nblocks = c->body.norder = c->body.ntargets = c->body.nargs = 0;
        c->body.nvregs = nvregs;
        for (uint32_t i = 0; i < nvregs; i++)
            c->body.vregs[i].pending = c->body.vregs[i].uses = 0;
        b = (struct build){.c = c};
    }
}
