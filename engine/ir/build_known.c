/* What is known of a value before it is computed: how many of its low bits can be set.
 *
 * Go keeps 32-bit and smaller integers in i64 locals and masks them before each use, most of all
 * what it has just loaded.  A mask that takes nothing away costs nothing, and one of 32 bits is a
 * move of the lower half. */
#include "engine/ir/build.h"

static unsigned bits_of(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static unsigned load_bits(const struct node *n)
{
    switch (n->sub) {
    case M_8U:
        return 8;
    case M_16U:
        return 16;
    case M_32U:
        return 32;
    default:
        return n->type == T_I32 ? 32 : 64;
    }
}

/* A loaded value's reference does not say that its user reads memory itself: that would be wider
 * than the load. */
unsigned build_value_bits(struct build *b, ref r)
{
    if (r & REF_NZ)
        return 64;
    if (ref_is_vreg(r)) /* stack registers are as i64 */
        return build_vreg(b, ref_index(r))->type == T_I32 ? 32 : build_slot_bits(b, ref_index(r));
    const struct node *n = &b->c->body.nodes[ref_index(r)];
    unsigned most = node_value_type(n) == T_I32 ? 32 : 64;
    uint64_t imm;
    switch (n->op) {
    case IR_CONST:
        return bits_of(n->imm);
    case IR_LOAD:
        return load_bits(n);
    case IR_CMP:
    case IR_FCMP:
        return 1;
    case IR_ZEXT:
        return 32;
    case IR_AND:
        return build_is_const(b, n->b, &imm) && bits_of(imm) < most ? bits_of(imm) : most;
    case IR_SHR:
        return build_is_const(b, n->b, &imm) ? most - (unsigned)(imm & (most - 1)) : most;
    default:
        return most;
    }
}

enum build_mask build_mask(struct build *b, ref r, uint64_t mask, enum irtype type)
{
    unsigned bits = build_value_bits(b, r), most = type == T_I32 ? 32 : 64;
    uint64_t possible = bits ? UINT64_MAX >> (64 - (bits < most ? bits : most)) : 0;
    if (!(possible & ~mask))
        return MASK_NOTHING;
    return type == T_I64 && mask == UINT32_MAX ? MASK_EXTENDS : MASK_NEEDED;
}
