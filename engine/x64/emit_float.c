/* Floats: scalar SSE2 and SSE4.1.  NaNs: any NaN result is a quiet one, as wasm asks; min and max
 * give NaN where an operand is NaN, and order the zeroes (spec 4.3.3). */
#include "engine/assert.h"
#include "engine/x64/emit.h"

static const uint8_t arith[][2] = {[IR_FADD - IR_FADD] = {I_ADDSS, I_ADDSD},
                                   [IR_FSUB - IR_FADD] = {I_SUBSS, I_SUBSD},
                                   [IR_FMUL - IR_FADD] = {I_MULSS, I_MULSD},
                                   [IR_FDIV - IR_FADD] = {I_DIVSS, I_DIVSD}};

/* The same with a third operand for the result, where the CPU has AVX.  They leave no upper half of
 * a register used, so that both kinds go together. */
static const uint8_t arith_avx[][2] = {[IR_FADD - IR_FADD] = {I_VADDSS, I_VADDSD},
                                       [IR_FSUB - IR_FADD] = {I_VSUBSS, I_VSUBSD},
                                       [IR_FMUL - IR_FADD] = {I_VMULSS, I_VMULSD},
                                       [IR_FDIV - IR_FADD] = {I_VDIVSS, I_VDIVSD}};

static struct rm constant_rm(struct emit *e, enum scalar_constant k)
{
    return rm_rip(&e->reach->constants[k]);
}

/* b as register or memory operand; constants go to xmm14. */
static struct rm float_rm(struct emit *e, ref r, enum irtype type)
{
    struct rm rm;
    if (operand_rm(e, r, &rm))
        return rm;
    xmm_constant(e, XMM14, e->c->body.nodes[ref_index(r)].imm, type);
    return rm_reg(XMM14 & 15);
}

static void binary(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    ENGINE_ASSERT(n->op >= IR_FADD && n->op <= IR_FDIV && !type_is_int(n->type));
    enum insn insn = arith[n->op - IR_FADD][n->type == T_F64];
    uint8_t d = dst_xmm(e, n);
    struct rm y = float_rm(e, n->b, n->type);
    struct loc x = loc_of(e, n->a);
    if ((e->engine->env.cpu & ENGINE_AVX) && x.kind == L_REG && x.reg != d) {
        x_vex(a, arith_avx[n->op - IR_FADD][n->type == T_F64], false, d & 15, x.reg & 15, y);
        dst_done(e, n, d);
        return;
    }
    bool y_is_d = y.kind == RM_REG && y.base == (d & 15);
    if (y_is_d && !(x.kind == L_REG && x.reg == d)) {
        if (ir_flags[n->op] & IRF_COMM) {
            x_rm(a, insn, false, d & 15, float_rm(e, n->a, n->type));
        } else {
            xmm_load(e, XMM15, n->a, n->type);
            x_rm(a, insn, false, 15, y);
            xmm_move(e, d, XMM15);
        }
    } else {
        xmm_load(e, d, n->a, n->type);
        x_rm(a, insn, false, d & 15, y);
    }
    dst_done(e, n, d);
}

/* Equal operands (zeroes of either sign) by and/or; unordered by addition; else the instruction. */
static void min_max(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool wide = n->type == T_F64, max = n->op == IR_FMAX;
    uint8_t d = dst_xmm(e, n);
    xmm_load(e, XMM14, n->b, n->type);
    xmm_load(e, XMM15, n->a, n->type);
    x_rr(a, wide ? I_UCOMISD : I_UCOMISS, false, 15, 14);
    uint32_t differ = short_jump(a, CC_NE), nan = short_jump(a, CC_P);
    x_rr(a, max ? I_ANDPS : I_ORPS, false, 15, 14);
    uint32_t done = short_jump(a, -1);
    short_here(a, nan);
    x_rr(a, wide ? I_ADDSD : I_ADDSS, false, 15, 14);
    uint32_t done2 = short_jump(a, -1);
    short_here(a, differ);
    x_rr(a, max ? (wide ? I_MAXSD : I_MAXSS) : (wide ? I_MINSD : I_MINSS), false, 15, 14);
    short_here(a, done);
    short_here(a, done2);
    xmm_move(e, d, XMM15);
    dst_done(e, n, d);
}

static void copysign_(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool wide = n->type == T_F64;
    uint8_t d = dst_xmm(e, n);
    xmm_load(e, XMM14, n->b, n->type);
    xmm_load(e, XMM15, n->a, n->type);
    x_rm(a, I_ANDPS, false, 14, constant_rm(e, wide ? K_SIGN64 : K_SIGN32));
    x_rm(a, I_ANDPS, false, 15, constant_rm(e, wide ? K_ABS64 : K_ABS32));
    x_rr(a, I_ORPS, false, 15, 14);
    xmm_move(e, d, XMM15);
    dst_done(e, n, d);
}

static void unary(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool wide = n->type == T_F64;
    uint8_t d = dst_xmm(e, n);
    switch (n->op) {
    case IR_FABS:
        xmm_load(e, d, n->a, n->type);
        x_rm(a, I_ANDPS, false, d & 15, constant_rm(e, wide ? K_ABS64 : K_ABS32));
        break;
    case IR_FNEG:
        xmm_load(e, d, n->a, n->type);
        x_rm(a, I_XORPS, false, d & 15, constant_rm(e, wide ? K_SIGN64 : K_SIGN32));
        break;
    case IR_FSQRT: {
        uint8_t x = xmm_of(e, n->a, XMM15, n->type);
        x_rr(a, wide ? I_SQRTSD : I_SQRTSS, false, d & 15, x & 15);
        break;
    }
    case IR_FROUND: {
        uint8_t x = xmm_of(e, n->a, XMM15, n->type);
        x_rmi8(a, wide ? I_ROUNDSD : I_ROUNDSS, false, d & 15, rm_reg(x & 15), n->sub);
        break;
    }
    case IR_PROMOTE: {
        uint8_t x = xmm_of(e, n->a, XMM15, T_F32);
        x_rr(a, I_CVTSS2SD, false, d & 15, x & 15);
        break;
    }
    default: { /* DEMOTE */
        uint8_t x = xmm_of(e, n->a, XMM15, T_F64);
        x_rr(a, I_CVTSD2SS, false, d & 15, x & 15);
        break;
    }
    }
    dst_done(e, n, d);
}

/* ---- conversions ---- */

static void int_to_float(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool is_unsigned = n->sub & 1, from64 = n->sub & 2;
    enum insn insn = n->type == T_F64 ? I_CVTSI2SD : I_CVTSI2SS;
    uint8_t d = dst_xmm(e, n);
    if (!is_unsigned || !from64) { /* an unsigned 32-bit value is a non-negative 64-bit one */
        uint8_t x = is_unsigned ? gpr_zx(e, n->a, RAX) : gpr_of(e, n->a, RAX, from64);
        x_rr(a, I_XORPS, false, d & 15, d & 15); /* cuts the dependency on the old value */
        x_rr(a, insn, from64 || is_unsigned, d & 15, x);
        dst_done(e, n, d);
        return;
    }
    gpr_load(e, RAX, n->a, true);
    x_rr(a, I_XORPS, false, d & 15, d & 15);
    x_rr(a, I_TEST, true, RAX, RAX);
    uint32_t big = short_jump(a, CC_S);
    x_rr(a, insn, true, d & 15, RAX);
    uint32_t done = short_jump(a, -1);
    short_here(a, big); /* halve, keeping the lost bit sticky, convert, double */
    x_rr(a, I_MOV, false, RCX, RAX);
    x_shift_imm(a, SHIFT_SHR, true, rm_reg(RAX), 1);
    x_alu_imm(a, ALU_AND, false, rm_reg(RCX), 1);
    x_rr(a, I_OR, true, RAX, RCX);
    x_rr(a, insn, true, d & 15, RAX);
    x_rr(a, n->type == T_F64 ? I_ADDSD : I_ADDSS, false, d & 15, d & 15);
    short_here(a, done);
    dst_done(e, n, d);
}

struct limits {
    uint64_t below, above;
}; /* x <= below or x >= above: out of range */

/* Bits of the bounds of truncation, by source (f32, f64) and target (i32s, i32u, i64s, i64u). */
static const struct limits bounds[2][4] = { { { 0xcf000001, 0x4f000000 },
                                              { 0xbf800000, 0x4f800000 },
                                              { 0xdf000001, 0x5f000000 },
                                              { 0xbf800000, 0x5f800000 } },
                                            { { 0xc1e0000000200000, 0x41e0000000000000 },
                                              { 0xbff0000000000000, 0x41f0000000000000 },
                                              { 0xc3e0000000000001, 0x43e0000000000000 },
                                              { 0xbff0000000000000, 0x43f0000000000000 } } };

/* xmm15 holds a value in range; the integer goes to rax. */
static void truncate_in_range(struct emit *e, bool from64, bool to64, bool is_unsigned)
{
    struct assembler *a = &e->a;
    enum insn cvt = from64 ? I_CVTTSD2SI : I_CVTTSS2SI;
    if (!(to64 && is_unsigned)) {
        x_rr(a, cvt, to64 || is_unsigned, RAX, 15);
        return;
    }
    x_rm(a, from64 ? I_MOVSD : I_MOVSS, false, 14, constant_rm(e, from64 ? K_TWO63 : K_TWO63F));
    x_rr(a, from64 ? I_UCOMISD : I_UCOMISS, false, 15, 14);
    uint32_t big = short_jump(a, CC_AE);
    x_rr(a, cvt, true, RAX, 15);
    uint32_t done = short_jump(a, -1);
    short_here(a, big);
    x_rr(a, from64 ? I_SUBSD : I_SUBSS, false, 15, 14);
    x_rr(a, cvt, true, RAX, 15);
    x_mov_imm(a, RCX, UINT64_C(1) << 63);
    x_rr(a, I_XOR, true, RAX, RCX);
    short_here(a, done);
}

static void float_to_int(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool is_unsigned = n->sub & 1, from64 = n->sub & 2, saturate = n->sub & 4,
         to64 = n->type == T_I64;
    const struct limits *lim = &bounds[from64][to64 * 2 + is_unsigned];
    enum insn ucomi = from64 ? I_UCOMISD : I_UCOMISS;
    enum irtype ft = from64 ? T_F64 : T_F32;
    xmm_load(e, XMM15, n->a, ft);
    uint32_t ends[3], nends = 0;
    x_rr(a, ucomi, false, 15, 15);
    if (saturate) {
        uint32_t ordered = short_jump(a, CC_NP);
        x_zero(a, RAX);
        ends[nends++] = short_jump(a, -1);
        short_here(a, ordered);
    } else {
        trap_if(e, CC_P, TRAP_BAD_CONVERSION);
    }
    xmm_constant(e, XMM14, lim->below, ft);
    x_rr(a, ucomi, false, 15, 14);
    if (saturate) {
        uint32_t fine = short_jump(a, CC_A);
        x_mov_imm(a, RAX, is_unsigned ? 0 : to64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31);
        ends[nends++] = short_jump(a, -1);
        short_here(a, fine);
    } else {
        trap_if(e, CC_BE, TRAP_INT_OVERFLOW);
    }
    xmm_constant(e, XMM14, lim->above, ft);
    x_rr(a, ucomi, false, 15, 14);
    if (saturate) {
        uint32_t fine = short_jump(a, CC_B);
        uint64_t max = to64 ? UINT64_MAX : UINT32_MAX;
        x_mov_imm(a, RAX, is_unsigned ? max : max >> 1);
        ends[nends++] = short_jump(a, -1);
        short_here(a, fine);
    } else {
        trap_if(e, CC_AE, TRAP_INT_OVERFLOW);
    }
    truncate_in_range(e, from64, to64, is_unsigned);
    while (nends)
        short_here(a, ends[--nends]);
    uint8_t d = dst_reg(e, n, RAX);
    if (d != RAX || !to64)
        x_rr(a, I_MOV, to64, d, RAX);
    dst_done(e, n, d);
}

static void bitcast(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool w = n->type == T_I64 || n->type == T_F64;
    if (type_is_int(n->type)) {
        uint8_t d = dst_reg(e, n, RAX);
        uint8_t x = xmm_of(e, n->a, XMM15, w ? T_F64 : T_F32);
        x_rr(a, I_MOVD_STORE, w, x & 15, d);
        dst_done(e, n, d);
    } else {
        uint8_t d = dst_xmm(e, n);
        uint8_t x = gpr_of(e, n->a, RAX, w);
        x_rr(a, I_MOVD, w, d & 15, x);
        dst_done(e, n, d);
    }
}

/* ---- comparison: ucomis sets ZF, PF, CF all where unordered ---- */

struct fcond emit_fcmp(struct emit *e, const struct node *n)
{
    ENGINE_ASSERT(n->op == IR_FCMP && n->sub <= FCC_NGE);
    bool swap = n->sub == FCC_LT || n->sub == FCC_LE || n->sub == FCC_NLT || n->sub == FCC_NLE;
    uint8_t x = xmm_of(e, swap ? n->b : n->a, XMM15, n->type);
    struct rm y;
    ref other = swap ? n->a : n->b;
    if (!operand_rm(e, other, &y)) {
        xmm_constant(e, XMM14, e->c->body.nodes[ref_index(other)].imm, n->type);
        y = rm_reg(XMM14 & 15);
    }
    x_rm(&e->a, n->type == T_F64 ? I_UCOMISD : I_UCOMISS, false, x & 15, y);
    switch (n->sub) {
    case FCC_EQ:
        return (struct fcond){CC_E, 1};
    case FCC_NE:
        return (struct fcond){CC_NE, 2};
    case FCC_LT:
    case FCC_GT:
        return (struct fcond){CC_A, 0};
    case FCC_LE:
    case FCC_GE:
        return (struct fcond){CC_AE, 0};
    case FCC_NLT:
    case FCC_NGT:
        return (struct fcond){CC_BE, 0};
    default:
        return (struct fcond){CC_B, 0};
    }
}

static void compare_value(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    uint8_t d = dst_reg(e, n, RAX);
    struct fcond c = emit_fcmp(e, n);
    x_setcc(a, c.cc, RAX);
    if (c.parity) {
        x_setcc(a, c.parity == 1 ? CC_NP : CC_P, RCX);
        x_rr(a, c.parity == 1 ? I_AND : I_OR, false, RAX, RCX);
    }
    x_byte_load(a, I_MOVZX8, false, d, rm_reg(RAX));
    dst_done(e, n, d);
}

void emit_float(struct emit *e, struct node *n)
{
    switch (n->op) {
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV:
        binary(e, n);
        return;
    case IR_FMIN:
    case IR_FMAX:
        min_max(e, n);
        return;
    case IR_FCOPYSIGN:
        copysign_(e, n);
        return;
    case IR_FCMP:
        compare_value(e, n);
        return;
    case IR_ITOF:
        int_to_float(e, n);
        return;
    case IR_FTOI:
        float_to_int(e, n);
        return;
    case IR_BITCAST:
        bitcast(e, n);
        return;
    default:
        unary(e, n);
        return;
    }
}
