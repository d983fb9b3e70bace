/* The upper half of a product of two 64-bit integers, which wasm has no instruction for.
 *
 * Go divides by a constant so, and multiplies in math/bits.  It makes four products of halves:
 *
 *     t = x1 * y0 + (x0 * y0 >> 32)
 *     w = x0 * y1 + (t & 0xffffffff)
 *     upper half = x1 * y1 + (t >> 32) + (w >> 32)
 *
 * x0 and y0 are the lower halves, zero-extended.  The upper ones are x >> 32 and y >> 32: without a
 * sign all over, or with one everywhere but in x0 * y0 >> 32.  No sum is above 64 bits, so what
 * comes out is the upper half, exactly.  x86 has an instruction for it.
 *
 * Where the last sum is built, what it is made of is looked at, back through the locals of its
 * block.  The rest of the pattern is dead code then, if nobody else reads it.  x and y must still
 * be in their locals. */
#include "engine/assert.h"
#include "engine/ir/build.h"

#define LOOK 96 /* nodes back to a definition: work stays linear */

/* A value: the node that computes it, or REF_VREG | the virtual register that had it when the block
 * began; REF_NONE: not known. */
typedef ref value;

static const struct node *node_of(const struct build *b, value v)
{
    return v != REF_NONE && ref_is_node(v) ? &b->c->body.nodes[v] : NULL;
}

/* The node before `at` that sets v; the block's first one: none does; REF_NONE: none near. */
static uint32_t definition(const struct build *b, uint32_t v, uint32_t at)
{
    const struct body *body = &b->c->body;
    uint32_t first = body->blocks[b->cur].first, last = at > first + LOOK ? at - LOOK : first;
    while (--at > last)
        if (body->nodes[at].dst == v)
            return at;
    return last == first ? first : REF_NONE;
}

/* What r is for node `at`. */
static value value_at(const struct build *b, ref r, uint32_t at)
{
    const struct body *body = &b->c->body;
    for (uint32_t looked = 0; looked < LOOK; looked++) {
        if (r == REF_NONE || (r & REF_NZ) || (ref_is_vreg(r) && ref_index(r) < body->first_local))
            return REF_NONE;
        uint32_t k = ref_is_node(r) ? ref_index(r) : definition(b, ref_index(r), at);
        if (k == REF_NONE)
            return REF_NONE;
        if (ref_is_vreg(r) && k == body->blocks[b->cur].first)
            return r;
        const struct node *n = &body->nodes[k];
        if (n->op != IR_SET && n->op != IR_COPY)
            return k;
        r = n->a;
        at = k;
    }
    return REF_NONE;
}

static const struct node *operation(const struct build *b, value v, enum irop op)
{
    const struct node *n = node_of(b, v);
    return n && n->op == op && n->type == T_I64 ? n : NULL;
}

/* An operand of one of the four products. */
struct half {
    enum { HALF_LOWER, HALF_UPPER, HALF_CONSTANT } kind;
    bool is_signed;
    value whole;
    uint64_t imm;
};

static bool half_of(const struct build *b, value v, struct half *out)
{
    const struct node *n = node_of(b, v);
    uint64_t imm;
    *out = (struct half){.whole = REF_NONE};
    if (!n || n->type != T_I64)
        return false;
    switch (n->op) {
    case IR_CONST:
        out->kind = HALF_CONSTANT;
        out->imm = n->imm;
        return true;
    case IR_ZEXT:
        out->kind = HALF_LOWER;
        out->whole = value_at(b, n->a & ~REF_NZ, v);
        break;
    case IR_SHR:
    case IR_SAR:
        if (!build_is_const(b, n->b, &imm) || imm != 32)
            return false;
        out->kind = HALF_UPPER;
        out->is_signed = n->op == IR_SAR;
        out->whole = value_at(b, n->a, v);
        break;
    default:
        return false;
    }
    return out->whole != REF_NONE;
}

static bool same(struct half x, struct half y)
{
    return x.kind == y.kind && x.whole == y.whole && x.imm == y.imm && x.is_signed == y.is_signed;
}

/* The operands of the product v. */
static bool halves(const struct build *b, value v, struct half out[2])
{
    const struct node *n = operation(b, v, IR_MUL);
    return n && half_of(b, value_at(b, n->a, v), &out[0]) &&
           half_of(b, value_at(b, n->b, v), &out[1]);
}

static bool is_product(const struct build *b, value v, struct half x, struct half y)
{
    struct half of[2];
    return halves(b, v, of) &&
           ((same(of[0], x) && same(of[1], y)) || (same(of[0], y) && same(of[1], x)));
}

/* v is a sum: its operands, so that the first one is a product. */
static bool product_and(const struct build *b, value v, value out[2])
{
    const struct node *n = operation(b, v, IR_ADD);
    if (!n)
        return false;
    value x = value_at(b, n->a, v), y = value_at(b, n->b, v);
    bool first = operation(b, x, IR_MUL);
    out[0] = first ? x : y;
    out[1] = first ? y : x;
    return true;
}

/* v >> 32: what is shifted. */
static value shifted(const struct build *b, value v, bool is_signed)
{
    struct half h;
    return half_of(b, v, &h) && h.kind == HALF_UPPER && h.is_signed == is_signed ? h.whole
                                                                                 : REF_NONE;
}

/* The product x1 * y1, and both sums that are shifted and added to it. */
struct parts {
    value product, sums[2];
    bool is_signed;
};

/* x + y, where x is a sum itself. */
static bool parts_of(const struct build *b, value x, value y, struct parts *out)
{
    const struct node *inner = operation(b, x, IR_ADD);
    if (!inner)
        return false;
    value terms[3] = {value_at(b, inner->a, x), value_at(b, inner->b, x), y};
    unsigned shifts = 0, products = 0;
    struct half h;
    for (unsigned i = 0; i < 3; i++) {
        if (operation(b, terms[i], IR_MUL)) {
            out->product = terms[i];
            products++;
        } else if (half_of(b, terms[i], &h) && h.kind == HALF_UPPER && shifts < 2) {
            if (shifts && h.is_signed != out->is_signed)
                return false;
            out->is_signed = h.is_signed;
            out->sums[shifts++] = h.whole;
        }
    }
    return products == 1 && shifts == 2;
}

struct factors {
    struct half x1, x0, y1, y0;
};

/* From x1 * y1 and x0 * y0: whose halves they are.  One may be a constant. */
static bool factors_of(const struct build *b, const struct parts *p, value low, struct factors *out)
{
    struct half upper[2], lower[2];
    if (!halves(b, p->product, upper) || !halves(b, low, lower))
        return false;
    unsigned k = upper[0].kind == HALF_CONSTANT;
    out->x1 = upper[k];
    out->y1 = upper[!k];
    if (out->x1.kind != HALF_UPPER || out->x1.is_signed != p->is_signed)
        return false;
    out->x0 = (struct half){.kind = HALF_LOWER, .whole = out->x1.whole};
    if (out->y1.kind == HALF_UPPER && out->y1.is_signed == p->is_signed) {
        out->y0 = (struct half){.kind = HALF_LOWER, .whole = out->y1.whole};
    } else if (out->y1.kind == HALF_CONSTANT) {
        out->y0 = lower[lower[0].kind != HALF_CONSTANT];
        uint64_t y1 = out->y1.imm;
        bool fits = p->is_signed ? (int64_t)y1 == (int32_t)y1 : y1 <= UINT32_MAX;
        if (out->y0.kind != HALF_CONSTANT || out->y0.imm > UINT32_MAX || !fits)
            return false;
    } else {
        return false;
    }
    return is_product(b, low, out->x0, out->y0);
}

/* t and w are the two sums. */
static bool sums_fit(const struct build *b, const struct parts *p, value t, value w,
                     struct factors *f)
{
    value of_t[2], of_w[2];
    struct half lower;
    if (!product_and(b, t, of_t) || !product_and(b, w, of_w) || !half_of(b, of_w[1], &lower) ||
        lower.kind != HALF_LOWER || lower.whole != t)
        return false;
    value low = shifted(b, of_t[1], false);
    if (low == REF_NONE || !factors_of(b, p, low, f))
        return false;
    return (is_product(b, of_t[0], f->x1, f->y0) && is_product(b, of_w[0], f->x0, f->y1)) ||
           (is_product(b, of_t[0], f->x0, f->y1) && is_product(b, of_w[0], f->x1, f->y0));
}

static bool is_name(const struct build *b, uint32_t vreg)
{
    return vreg >= b->c->body.first_named && vreg < b->c->body.first_slot;
}

/* A virtual register that v still is in, or REF_NONE. */
static ref still_in(const struct build *b, value v)
{
    const struct body *body = &b->c->body;
    uint32_t from = ref_is_node(v) ? v : body->blocks[b->cur].first;
    uint32_t vreg = ref_is_node(v) ? body->nodes[v].dst : ref_index(v), name = REF_NONE;
    if (vreg == REF_NONE || vreg < body->first_local || vreg >= body->first_stack ||
        body->nnodes - from > 4 * LOOK)
        return REF_NONE; /* what has left the operand stack leaves its slot to temporaries */
    for (uint32_t k = from + 1; k < body->nnodes && vreg != REF_NONE; k++) {
        const struct node *n = &body->nodes[k];
        if (n->op == IR_COPY && n->a == (REF_VREG | vreg) && n->dst != REF_NONE &&
            is_name(b, n->dst))
            name = n->dst; /* build_keep_whole: nobody sets it again */
        else if (n->dst == vreg)
            vreg = name;
    }
    return vreg != REF_NONE ? REF_VREG | vreg : REF_NONE;
}

/* Node k is v >> 32. */
static bool is_upper(const struct build *b, uint32_t k, uint32_t v)
{
    const struct node *n = &b->c->body.nodes[k];
    uint64_t imm;
    return (n->op == IR_SHR || n->op == IR_SAR) && n->type == T_I64 && n->a == (REF_VREG | v) &&
           build_is_const(b, n->b, &imm) && imm == 32;
}

/* The last node is v's upper half, or its lower half where the one before it is the upper one. */
static bool takes_half(const struct build *b, uint32_t v)
{
    const struct node *nodes = b->c->body.nodes;
    if (is_upper(b, b->last, v))
        return true;
    if (nodes[b->last].op != IR_ZEXT || nodes[b->last].a != (REF_VREG | v))
        return false;
    uint32_t before = b->last - 1;
    while (nodes[before].op == IR_CONST)
        before--; /* a block begins with a label */
    return is_upper(b, before, v);
}

void build_keep_whole_made(struct build *b, uint32_t v)
{
    struct body *body = &b->c->body;
    if (b->nnamed + 1 >= NAMED_MAX || !takes_half(b, v))
        return;
    struct node *n = &body->nodes[b->last], half = *n;
    n->op = IR_COPY;
    n->type = T_I64;
    n->b = REF_NONE;
    n->dst = body->first_named + b->nnamed++;
    half.a = REF_VREG | n->dst;
    build_sets(b, n->dst);
    body->vregs[n->dst].uses++; /* what the half is of */
    *build_new(b, (enum irop)half.op, T_I64) = half;
}

static struct opnd factor(struct build *b, ref r)
{
    if (ref_is_vreg(r))
        build_reads(b, ref_index(r));
    return (struct opnd){r, T_I64};
}

bool build_upper_half(struct build *b, struct opnd *x, struct opnd *y, bool *is_signed)
{
    uint32_t at = b->c->body.nnodes;
    value u = value_at(b, x->r, at), v = value_at(b, y->r, at);
    struct parts p;
    struct factors f;
    if (!parts_of(b, u, v, &p) && !parts_of(b, v, u, &p))
        return false;
    if (!sums_fit(b, &p, p.sums[0], p.sums[1], &f) && !sums_fit(b, &p, p.sums[1], p.sums[0], &f))
        return false;
    bool constant = f.y1.kind == HALF_CONSTANT;
    ref in_x = still_in(b, f.x1.whole), in_y = constant ? 0 : still_in(b, f.y1.whole);
    if (in_x == REF_NONE || in_y == REF_NONE)
        return false;
    if (constant)
        in_y = build_const(b, T_I64, f.y1.imm << 32 | f.y0.imm);
    *x = factor(b, in_x);
    *y = factor(b, in_y);
    *is_signed = p.is_signed;
    return true;
}
