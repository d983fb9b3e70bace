/* Plain instructions to nodes, and what costs no node: constants go to the right, loads become
 * memory operands, a wrap or a zero extension is a change of the operand's type. */
#include "engine/ir/build.h"
#include "engine/lib.h"

/* ---- folding ---- */

/* A load that its user may do as a memory operand. */
static inline bool foldable_load(struct build *b, ref r, enum irtype type)
{
    static const uint8_t shape[] = {
        [T_I32] = M_32U, [T_I64] = M_64, [T_F32] = M_F32, [T_F64] = M_F64
    };
    return !(r & REF_NZ) && build_is_last(b, r) && b->c->body.nodes[r].op == IR_LOAD &&
           type <= T_F64 && b->c->body.nodes[r].sub == shape[type] &&
           b->c->body.nodes[r].type == type;
}

static inline void swap(struct opnd *x, struct opnd *y)
{
    struct opnd t = *x;
    *x = *y;
    *y = t;
}

/* base + (index << k): the scaled one goes to the right. */
static inline bool fold_scales(struct build *b, struct opnd *x, struct opnd *y, enum irtype type)
{
    uint64_t imm;
    if (build_is_const(b, y->r, &imm))
        return false;
    if (build_fold_scale(b, y->r, type))
        return true;
    if (!build_fold_scale(b, x->r, type))
        return false;
    swap(x, y);
    return true;
}

static void fold_loads(struct build *b, struct opnd *x, struct opnd *y, enum irop op,
                       enum irtype type)
{
    static const bool folds[IR_COUNT] = {
        [IR_ADD] = 1, [IR_SUB] = 1,  [IR_AND] = 1,  [IR_OR] = 1,   [IR_XOR] = 1, [IR_MUL] = 1,
        [IR_CMP] = 1, [IR_FADD] = 1, [IR_FSUB] = 1, [IR_FMUL] = 1, [IR_FDIV] = 1};
    uint64_t imm;
    if (!folds[op])
        return;
    if (foldable_load(b, y->r, type)) {
        if (!build_is_const(b, x->r, &imm))
            b->c->body.nodes[y->r].flags |= NF_FOLD;
    } else if (foldable_load(b, x->r, type) && !build_is_const(b, y->r, &imm) &&
               (ir_flags[op] & IRF_COMM)) {
        swap(x, y);
        b->c->body.nodes[y->r].flags |= NF_FOLD;
    }
}

/* The comparison that r is, computed just now: its test of zero is its inverse, in i64 as well. */
static inline struct node *comparison(struct build *b, ref r)
{
    if (!build_is_last(b, r))
        return NULL;
    struct node *n = &b->c->body.nodes[ref_index(r)];
    return n->op == IR_CMP || n->op == IR_FCMP ? n : NULL;
}

static void invert(struct node *n)
{
    static const uint8_t inverse[] = {FCC_NE,  FCC_EQ, FCC_NLT, FCC_NGT, FCC_NLE,
                                      FCC_NGE, FCC_LT, FCC_GT,  FCC_LE,  FCC_GE};
    n->sub = n->op == IR_CMP ? (uint8_t)cond_inverse(n->sub) : inverse[n->sub];
}

/* Go's `if x == y`: the comparison, extended to i64, is compared with zero once more. */
static bool compare_again(struct build *b, struct opnd x, struct opnd y, unsigned cond)
{
    uint64_t imm;
    struct node *n = comparison(b, x.r);
    if (!n || !build_is_const(b, y.r, &imm) || imm != 0 || (cond != COND_EQ && cond != COND_NE))
        return false;
    if (cond == COND_EQ)
        invert(n);
    build_push(b, x.r, T_I32);
    return true;
}

/* A load of this shape is compared as it is in memory, where the constant is one of its values.  Of
 * 16 bits only small ones: others are slow to decode. */
static bool is_compared_there(const struct node *load, uint64_t imm)
{
    int64_t v = load->type == T_I32 ? (int32_t)imm : (int64_t)imm;
    if (load->op == IR_GLOBAL_GET)
        return v == (int32_t)v;
    switch (load->sub) {
    case M_8U:
        return v >= 0 && v <= UINT8_MAX;
    case M_8S:
        return v == (int8_t)v;
    case M_16U: case M_16S:
        return v >= 0 && v <= INT8_MAX;
    case M_32U:
        return load->type == T_I32 || (v >= 0 && v <= UINT32_MAX);
    default:
        return v == (int32_t)v;
    }
}

/* The load, also of a global, that r is, computed just before node k. */
static struct node *load_before(struct build *b, ref r, uint32_t k)
{
    struct node *nodes = b->c->body.nodes;
    if (!ref_is_node(r) || (r & REF_NZ))
        return NULL;
    while (nodes[--k].op == IR_CONST) {
    } /* a block begins with a label */
    bool is_load = nodes[k].op == IR_LOAD || nodes[k].op == IR_GLOBAL_GET;
    return k == r && is_load && type_is_int(nodes[k].type) && nodes[k].dst == REF_NONE ? &nodes[k]
                                                                                       : NULL;
}

/* A load that is only compared with a constant: the comparison reads memory. */
static void fold_compared(struct build *b, struct opnd x, struct opnd y, enum irtype type)
{
    uint64_t imm;
    struct node *n = load_before(b, x.r, b->c->body.nnodes);
    if (n && n->type == type && build_is_const(b, y.r, &imm) &&
        is_compared_there(n, imm))
        n->flags |= NF_FOLD;
}

/* A load as the condition of a branch: a comparison with zero, which reads memory. */
ref build_condition_there(struct build *b, ref cond)
{
    const struct node *n = load_before(b, cond, b->c->body.nnodes);
    if (!n || build_value_bits(b, cond) > 32)
        return cond;
    enum irtype type = n->type;
    build_push(b, cond, type);
    build_push(b, build_const(b, type, 0), type);
    build_binary(b, IR_CMP, type, COND_NE);
    return build_pop(b).r;
}

/* The same of `load & mask`, whose test of zero it is.  All 64 bits of memory are read, as behind
 * memory's end they trap: where only the lower half is wanted, the mask may not have the upper. */
static void fold_tested(struct build *b, const struct node *and, uint64_t mask)
{
    struct node *n = load_before(b, and->a, (uint32_t)(and - b->c->body.nodes));
    if (!n || n->op != IR_LOAD)
        return;
    bool is_whole = and->type == T_I64 || mask <= UINT32_MAX;
    if ((n->sub == M_8U && mask <= UINT8_MAX) || (n->sub == M_32U && mask <= UINT32_MAX) ||
        (n->sub == M_64 && is_whole && (int64_t)mask == (int32_t)mask))
        n->flags |= NF_FOLD;
}

/* x & y, computed just now and compared with zero: the comparison does it, as x86's `test`. */
static void fold_and(struct build *b, struct opnd x, struct opnd zero, enum irtype type)
{
    uint64_t imm;
    if ((x.r & REF_NZ) || !build_is_last(b, x.r) || !build_is_const(b, zero.r, &imm) || imm != 0)
        return;
    struct node *n = &b->c->body.nodes[x.r];
    if (n->op != IR_AND || n->type != type)
        return;
    bool is_mask = build_is_const(b, n->b, &imm);
    if (is_mask && imm > UINT32_MAX && (int64_t)imm != (int32_t)imm)
        return;
    n->flags |= NF_FOLD;
    if (is_mask)
        fold_tested(b, n, imm);
}

/* r stood above a constant, and may be pushed where that stood.  A temporary has its slot there
 * then, as what is pushed next has the one above.  false: it is a stack register, which cannot. */
static bool comes_down(struct build *b, ref r, uint32_t to)
{
    if (ref_is_vreg(r))
        return ref_index(r) < b->c->body.first_stack;
    b->c->body.nodes[ref_index(r)].depth = to & 0xffffff;
    return true;
}

/* x & mask on the stack, where that needs no `and`.  x stays, and nothing reads it yet. */
static bool mask_stays(struct build *b, enum irtype type)
{
    if (b->sp < 2) /* only after a failure */
        return false;
    struct opnd x = b->stack[b->sp - 2], y = b->stack[b->sp - 1];
    uint64_t mask;
    if (build_is_const(b, x.r, &mask)) {
        x = y;
        if (!comes_down(b, x.r, b->sp - 2))
            return false;
    } else if (!build_is_const(b, y.r, &mask)) {
        return false;
    }
    enum build_mask how = build_mask(b, x.r, mask, type);
    if (how == MASK_NEEDED)
        return false;
    build_leave(b);
    build_leave(b);
    build_push(b, x.r, type);
    if (how == MASK_EXTENDS)
        build_zero_extend(b);
    return true;
}

void build_binary(struct build *b, enum irop op, enum irtype type, unsigned sub)
{
    if (op == IR_AND && mask_stays(b, type))
        return;
    struct opnd x, y;
    build_pop_two(b, &x, &y);
    uint64_t imm;
    if ((ir_flags[op] & IRF_COMM) && build_is_const(b, x.r, &imm)) {
        swap(&x, &y);
        comes_down(b, x.r, b->sp);
    }
    if (op == IR_CMP && compare_again(b, x, y, sub))
        return;
    if (op == IR_CMP && (sub == COND_EQ || sub == COND_NE))
        fold_and(b, x, y, type);
    if (op == IR_CMP)
        fold_compared(b, x, y, type);
    bool is_signed;
    if (op == IR_ADD && b->nproducts >= 4 && type == T_I64 &&
        build_upper_half(b, &x, &y, &is_signed)) {
        op = IR_MULHI;
        sub = is_signed;
    } else if (op != IR_ADD || !fold_scales(b, &x, &y, type)) {
        fold_loads(b, &x, &y, op, type);
    }
    b->nproducts += op == IR_MUL && type == T_I64;
    struct node *n = build_new(b, op, type);
    n->a = x.r;
    n->b = y.r;
    n->sub = (uint8_t)sub;
    build_push_new(b, n, op == IR_CMP || op == IR_FCMP ? T_I32 : type);
}

/* A constant's sign goes on. */
static bool extended(enum irop op, uint64_t *imm)
{
    switch (op) {
    case IR_EXT8:
        *imm = (uint64_t)(int8_t)*imm;
        return true;
    case IR_EXT16:
        *imm = (uint64_t)(int16_t)*imm;
        return true;
    case IR_EXT32: case IR_SEXT:
        *imm = (uint64_t)(int32_t)*imm;
        return true;
    default:
        return false;
    }
}

void build_unary(struct build *b, enum irop op, enum irtype type, unsigned sub)
{
    struct opnd x = build_pop(b);
    uint64_t imm;
    if (build_is_const(b, x.r, &imm) && extended(op, &imm)) {
        build_push(b, build_const(b, type, type == T_I32 ? (uint32_t)imm : imm), type);
        return;
    }
    struct node *n = build_new(b, op, type);
    n->a = x.r;
    n->sub = (uint8_t)sub;
    build_push_new(b, n, type);
}

void build_test_zero(struct build *b, enum irtype type)
{
    struct opnd *top = &b->stack[b->sp - 1];
    struct node *n = b->sp ? comparison(b, top->r) : NULL;
    if (n) {
        invert(n);
        top->type = T_I32;
        return;
    }
    build_push(b, build_const(b, type, 0), type);
    build_binary(b, IR_CMP, type, COND_EQ);
}

static bool is_folded_load(struct build *b, ref r)
{
    return build_is_folded(b->c, r) && b->c->body.nodes[ref_index(r)].op == IR_LOAD;
}

/* The low half of its result needs no upper half of an operand. */
static inline bool narrows(struct build *b, const struct node *n)
{
    uint64_t imm;
    if (n->op == IR_SHL)
        return build_is_const(b, n->b, &imm) && imm < 32;
    return (ir_flags[n->op] & IRF_NARROW) && !is_folded_load(b, n->b);
}

/* r, computed just now, is computed in 32 bits: its upper half is zero then. */
static inline bool narrow(struct build *b, ref r)
{
    struct node *n = &b->c->body.nodes[ref_index(r)];
    if ((r & REF_NZ) || !build_is_last(b, r) || n->type != T_I64 || !narrows(b, n))
        return false;
    n->type = T_I32;
    return true;
}

/* i32.wrap_i64: the entry's type changes; an addition and its like narrow to 32 bits. */
void build_wrap(struct build *b)
{
    struct opnd o = build_leave(b);
    uint64_t imm;
    if (build_is_const(b, o.r, &imm)) {
        build_push(b, build_const(b, T_I32, (uint32_t)imm), T_I32);
        return;
    }
    bool is_narrow = build_value_bits(b, o.r) <= 32 || narrow(b, o.r);
    build_push(b, is_narrow ? o.r : o.r | REF_NZ, T_I32);
}

void build_zero_extend(struct build *b)
{
    struct opnd o = build_leave(b);
    uint64_t imm;
    if (build_is_const(b, o.r, &imm)) {
        build_push(b, build_const(b, T_I64, (uint32_t)imm), T_I64);
        return;
    }
    if (build_value_bits(b, o.r) <= 32 || narrow(b, o.r)) {
        build_push(b, o.r, T_I64);
        return;
    }
    build_push(b, o.r, T_I32);
    build_unary(b, IR_ZEXT, T_I64, 0);
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
    struct opnd address = build_leave(b);
    struct slot_at at = build_slot_at(b, address.r, off, memory);
    if (build_slot_load(b, at, type, shape))
        return;
    build_fold_address(b, address.r, off, memory);
    address.r = build_low_half(b, address.r, off, memory);
    build_is_read(b, address.r);
    struct node *n = build_new(b, IR_LOAD, type);
    n->a = address.r;
    n->off = off;
    n->idx = memory;
    n->sub = (uint8_t)shape;
    build_push_new(b, n, type);
    build_slot_loaded(b, at, b->last);
}

void build_store(struct build *b, enum irtype type, unsigned shape, uint32_t off, uint32_t memory)
{
    struct opnd value = build_pop(b), address = build_leave(b);
    ENGINE_ASSERT(shape <= M_128);
    struct slot_at at = build_slot_at(b, address.r, off, memory);
    build_fold_address(b, address.r, off, memory);
    address.r = build_low_half(b, address.r, off, memory);
    build_is_read(b, address.r);
    struct node *n = build_new(b, IR_STORE, type);
    n->a = address.r;
    n->b = value.r;
    n->off = off;
    n->idx = memory;
    n->sub = (uint8_t)shape;
    build_slot_stored(b, at, type, shape, value.r);
}
