/* Vector instructions: the table, and those that are one or two machine instructions. */
#include "engine/assert.h"
#include "engine/x64/emit_simd.h"

struct rm vec_constant(struct emit *e, unsigned k)
{
    ENGINE_ASSERT(k < KV_COUNT);
    return rm_rip(&e->reach->constants[k]);
}

void v_op(struct emit *e, enum insn insn, uint8_t d, ref r)
{
    struct loc l = loc_of(e, r);
    if (l.kind == L_IMM)
        x_constant(e, insn, d, vector_constant(e, l.imm), 16);
    else
        v_rr(e, insn, d, v_of(e, r, d == V1 ? V0 : V1));
}

uint8_t v_work(struct emit *e, const struct node *n)
{
    uint8_t d = dst_xmm(e, n);
    const ref operands[] = {n->a, n->b, n->c};
    for (int i = 0; i < 3; i++)
        if (operands[i] != REF_NONE) {
            struct loc l = loc_of(e, operands[i]);
            if (l.kind == L_REG && l.reg == d)
                return V0;
        }
    return d;
}

uint8_t v_binary(struct emit *e, const struct node *n, enum insn insn, unsigned flags, int imm)
{
    ref x = flags & VEC_SWAP ? n->b : n->a, y = flags & VEC_SWAP ? n->a : n->b;
    uint8_t d = dst_xmm(e, n);
    struct loc lx = loc_of(e, x), ly = loc_of(e, y);
    if (ly.kind == L_REG && ly.reg == d && !(lx.kind == L_REG && lx.reg == d)) {
        if (flags & VEC_COMM && imm < 0) {
            v_op(e, insn, d, x);
            return d;
        }
        d = V0;
    }
    v_load(e, d, x);
    if (imm < 0)
        v_op(e, insn, d, y);
    else
        v_rri(e, insn, d, v_of(e, y, V1), (unsigned)imm);
    return d;
}

void v_not(struct emit *e, uint8_t d)
{
    v_rr(e, I_PCMPEQB, V1, V1);
    v_rr(e, I_PXOR, d, V1);
}

/* ---- one instruction ---- */

static void vec_binary(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = v_binary(e, n, row->insn, row->flags, -1);
    if (row->flags & VEC_NOT)
        v_not(e, d);
    dst_done(e, n, d);
}

static void vec_compare_float(struct emit *e, struct node *n, const struct vec_row *row)
{
    dst_done(e, n, v_binary(e, n, row->insn, row->flags, row->arg));
}

static void vec_unary(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = dst_xmm(e, n), x = v_of(e, n->a, V0);
    if (row->flags & VEC_HIGH) {
        v_rri(e, I_PSHUFD, V0, x, 0xee);
        x = V0;
    }
    v_rr(e, row->insn, d, x);
    dst_done(e, n, d);
}

static void vec_round(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = dst_xmm(e, n);
    v_rri(e, row->insn, d, v_of(e, n->a, V0), row->arg);
    dst_done(e, n, d);
}

/* ---- two or three ---- */

/* a op constant */
static void vec_mask(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    v_rk(e, row->insn, d, row->arg);
    dst_done(e, n, d);
}

static void vec_invert(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    v_not(e, d);
    dst_done(e, n, d);
}

static void vec_negate(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = v_work(e, n);
    v_rr(e, I_PXOR, d, d);
    v_op(e, row->insn, d, n->a);
    dst_done(e, n, d);
}

/* a <= b is min(a, b) == a, and so on: insn is the minimum or maximum, insn2 the comparison. */
static void vec_compare_by_minmax(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = v_work(e, n);
    v_load(e, d, n->a);
    v_op(e, row->insn, d, n->b);
    v_op(e, row->insn2, d, n->a);
    if (row->flags & VEC_NOT)
        v_not(e, d);
    dst_done(e, n, d);
}

/* ((a ^ b) & c) ^ b */
static void vec_bitselect(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = v_work(e, n);
    v_load(e, d, n->a);
    v_op(e, I_PXOR, d, n->b);
    v_op(e, I_PAND, d, n->c);
    v_op(e, I_PXOR, d, n->b);
    dst_done(e, n, d);
}

/* ---- the table, by the instruction's number under 0xFD ---- */

/* clang-format off */
/* ROW(name, emit, insn, insn2, flags, arg): what is not given is 0. */
#define ROW_CUT(name, emit, insn, insn2, flags, arg, ...) \
    [OP_##name - 0x200] = { emit, insn, insn2, flags, arg },
#define ROW(name, ...) ROW_CUT(name, __VA_ARGS__, 0, 0, 0, 0, 0)
#define BINARY(name, insn, flags) ROW(name, vec_binary, I_##insn, 0, flags)
#define UNARY(name, insn, flags) ROW(name, vec_unary, I_##insn, 0, flags)
#define MINMAX(name, insn, insn2, flags) \
    ROW(name, vec_compare_by_minmax, I_##insn, I_##insn2, flags)
#define COMPARES(s, bwd, MINS, MINU, MAXS, MAXU) \
    BINARY(s##_eq, PCMPEQ##bwd, VEC_COMM) BINARY(s##_ne, PCMPEQ##bwd, VEC_COMM | VEC_NOT) \
    BINARY(s##_gt_s, PCMPGT##bwd, 0) BINARY(s##_lt_s, PCMPGT##bwd, VEC_SWAP) \
    MINMAX(s##_le_s, MINS, PCMPEQ##bwd, 0) MINMAX(s##_ge_s, MAXS, PCMPEQ##bwd, 0) \
    MINMAX(s##_le_u, MINU, PCMPEQ##bwd, 0) MINMAX(s##_ge_u, MAXU, PCMPEQ##bwd, 0) \
    MINMAX(s##_lt_u, MAXU, PCMPEQ##bwd, VEC_NOT) MINMAX(s##_gt_u, MINU, PCMPEQ##bwd, VEC_NOT)
#define FLOAT_COMPARE(s, op, psd, imm, flags) \
    ROW(s##_##op, vec_compare_float, I_CMP##psd, 0, flags, imm)
#define FLOATS(s, psd, abs, sign) \
    FLOAT_COMPARE(s, eq, psd, 0, VEC_COMM) FLOAT_COMPARE(s, ne, psd, 4, VEC_COMM) \
    FLOAT_COMPARE(s, lt, psd, 1, 0) \
    FLOAT_COMPARE(s, gt, psd, 1, VEC_SWAP) FLOAT_COMPARE(s, le, psd, 2, 0) \
    FLOAT_COMPARE(s, ge, psd, 2, VEC_SWAP) \
    ROW(s##_nearest, vec_round, I_ROUND##psd, 0, 0, 8) \
    ROW(s##_floor, vec_round, I_ROUND##psd, 0, 0, 9) \
    ROW(s##_ceil, vec_round, I_ROUND##psd, 0, 0, 10) \
    ROW(s##_trunc, vec_round, I_ROUND##psd, 0, 0, 11) \
    ROW(s##_abs, vec_mask, I_ANDPS, 0, 0, abs) ROW(s##_neg, vec_mask, I_XORPS, 0, 0, sign) \
    UNARY(s##_sqrt, SQRT##psd, 0) \
    BINARY(s##_add, ADD##psd, VEC_COMM) BINARY(s##_sub, SUB##psd, 0) \
    BINARY(s##_mul, MUL##psd, VEC_COMM) \
    BINARY(s##_div, DIV##psd, 0) BINARY(s##_pmin, MIN##psd, VEC_SWAP) \
    BINARY(s##_pmax, MAX##psd, VEC_SWAP) \
    ROW(s##_min, vec_min, 0, 0, VEC_V2) ROW(s##_max, vec_max, 0, 0, VEC_V2)
#define SHIFTS(s, wdq, width) \
    ROW(s##_shl, vec_shift, I_PSLL##wdq, I_PSLL##wdq##_IMM, 0, width) \
    ROW(s##_shr_u, vec_shift, I_PSRL##wdq, I_PSRL##wdq##_IMM, 0, width)
#define EXTENDS(to, from, insns) \
    UNARY(to##_extend_low_##from##_s, PMOVSX##insns, 0) \
    UNARY(to##_extend_high_##from##_s, PMOVSX##insns, VEC_HIGH) \
    UNARY(to##_extend_low_##from##_u, PMOVZX##insns, 0) \
    UNARY(to##_extend_high_##from##_u, PMOVZX##insns, VEC_HIGH)
#define EXTMULS(to, from, how, S, U, flags) \
    ROW(to##_extmul_low_##from##_s, how, S, 0, flags) \
    ROW(to##_extmul_high_##from##_s, how, S, 0, (flags) | VEC_HIGH) \
    ROW(to##_extmul_low_##from##_u, how, U, 0, flags) \
    ROW(to##_extmul_high_##from##_u, how, U, 0, (flags) | VEC_HIGH)

static const struct vec_row rows[256] = {
    /* bits */
    BINARY(v128_and, PAND, VEC_COMM) BINARY(v128_or, POR, VEC_COMM) BINARY(v128_xor, PXOR, VEC_COMM)
    BINARY(v128_andnot, PANDN, VEC_SWAP) ROW(v128_not, vec_invert)
    ROW(v128_bitselect, vec_bitselect)
    ROW(v128_any_true, vec_any_true)
    /* lanes */
    ROW(i8x16_shuffle, vec_shuffle) ROW(i8x16_swizzle, vec_swizzle)
    ROW(i8x16_splat, vec_splat, 0, 0, 0, 8) ROW(i16x8_splat, vec_splat, 0, 0, 0, 16)
    ROW(i32x4_splat, vec_splat, 0, 0, 0, 32) ROW(i64x2_splat, vec_splat, 0, 0, 0, 64)
    ROW(f32x4_splat, vec_splat_float, 0, 0, 0, 32) ROW(f64x2_splat, vec_splat_float, 0, 0, 0, 64)
    ROW(i8x16_extract_lane_s, vec_extract, I_PEXTRB, I_MOVSX8)
    ROW(i8x16_extract_lane_u, vec_extract, I_PEXTRB)
    ROW(i16x8_extract_lane_s, vec_extract, I_PEXTRW, I_MOVSX16)
    ROW(i16x8_extract_lane_u, vec_extract, I_PEXTRW)
    ROW(i32x4_extract_lane, vec_extract, I_PEXTRD) ROW(i64x2_extract_lane, vec_extract, I_PEXTRD)
    ROW(f32x4_extract_lane, vec_extract_float) ROW(f64x2_extract_lane, vec_extract_float)
    ROW(i8x16_replace_lane, vec_replace, I_PINSRB) ROW(i16x8_replace_lane, vec_replace, I_PINSRW)
    ROW(i32x4_replace_lane, vec_replace, I_PINSRD, 0, 0, 32)
    ROW(i64x2_replace_lane, vec_replace, I_PINSRD, 0, 0, 64)
    ROW(f32x4_replace_lane, vec_replace_float, 0, 0, 0, 32)
    ROW(f64x2_replace_lane, vec_replace_float, 0, 0, 0, 64)
    /* i8x16 */
    COMPARES(i8x16, B, PMINSB, PMINUB, PMAXSB, PMAXUB)
    UNARY(i8x16_abs, PABSB, 0) ROW(i8x16_neg, vec_negate, I_PSUBB) ROW(i8x16_popcnt, vec_popcnt)
    ROW(i8x16_all_true, vec_all_true, I_PCMPEQB) ROW(i8x16_bitmask, vec_bitmask, 0, 0, 0, 8)
    BINARY(i8x16_narrow_i16x8_s, PACKSSWB, 0) BINARY(i8x16_narrow_i16x8_u, PACKUSWB, 0)
    ROW(i8x16_shl, vec_shift8, I_PSLLW, I_PSLLW_IMM)
    ROW(i8x16_shr_u, vec_shift8, I_PSRLW, I_PSRLW_IMM)
    ROW(i8x16_shr_s, vec_shift8, I_PSRLW, I_PSRLW_IMM)
    BINARY(i8x16_add, PADDB, VEC_COMM) BINARY(i8x16_add_sat_s, PADDSB, VEC_COMM)
    BINARY(i8x16_add_sat_u, PADDUSB, VEC_COMM)
    BINARY(i8x16_sub, PSUBB, 0) BINARY(i8x16_sub_sat_s, PSUBSB, 0)
    BINARY(i8x16_sub_sat_u, PSUBUSB, 0)
    BINARY(i8x16_min_s, PMINSB, VEC_COMM) BINARY(i8x16_min_u, PMINUB, VEC_COMM)
    BINARY(i8x16_max_s, PMAXSB, VEC_COMM) BINARY(i8x16_max_u, PMAXUB, VEC_COMM)
    BINARY(i8x16_avgr_u, PAVGB, VEC_COMM)
    /* i16x8 */
    COMPARES(i16x8, W, PMINSW, PMINUW, PMAXSW, PMAXUW)
    UNARY(i16x8_abs, PABSW, 0) ROW(i16x8_neg, vec_negate, I_PSUBW) ROW(i16x8_q15mulr_sat_s, vec_q15)
    ROW(i16x8_all_true, vec_all_true, I_PCMPEQW) ROW(i16x8_bitmask, vec_bitmask, 0, 0, 0, 16)
    BINARY(i16x8_narrow_i32x4_s, PACKSSDW, 0) BINARY(i16x8_narrow_i32x4_u, PACKUSDW, 0)
    EXTENDS(i16x8, i8x16, BW)
    SHIFTS(i16x8, W, 16) ROW(i16x8_shr_s, vec_shift, I_PSRAW, I_PSRAW_IMM, 0, 16)
    BINARY(i16x8_add, PADDW, VEC_COMM) BINARY(i16x8_add_sat_s, PADDSW, VEC_COMM)
    BINARY(i16x8_add_sat_u, PADDUSW, VEC_COMM)
    BINARY(i16x8_sub, PSUBW, 0) BINARY(i16x8_sub_sat_s, PSUBSW, 0)
    BINARY(i16x8_sub_sat_u, PSUBUSW, 0)
    BINARY(i16x8_mul, PMULLW, VEC_COMM) BINARY(i16x8_min_s, PMINSW, VEC_COMM)
    BINARY(i16x8_min_u, PMINUW, VEC_COMM)
    BINARY(i16x8_max_s, PMAXSW, VEC_COMM) BINARY(i16x8_max_u, PMAXUW, VEC_COMM)
    BINARY(i16x8_avgr_u, PAVGW, VEC_COMM)
    ROW(i16x8_extadd_pairwise_i8x16_s, vec_extadd) ROW(i16x8_extadd_pairwise_i8x16_u, vec_extadd)
    EXTMULS(i16x8, i8x16, vec_extmul, I_PMOVSXBW, I_PMOVZXBW, 0)
    /* i32x4 */
    COMPARES(i32x4, D, PMINSD, PMINUD, PMAXSD, PMAXUD)
    UNARY(i32x4_abs, PABSD, 0) ROW(i32x4_neg, vec_negate, I_PSUBD)
    ROW(i32x4_all_true, vec_all_true, I_PCMPEQD) ROW(i32x4_bitmask, vec_bitmask, 0, 0, 0, 32)
    EXTENDS(i32x4, i16x8, WD)
    SHIFTS(i32x4, D, 32) ROW(i32x4_shr_s, vec_shift, I_PSRAD, I_PSRAD_IMM, 0, 32)
    BINARY(i32x4_add, PADDD, VEC_COMM) BINARY(i32x4_sub, PSUBD, 0)
    BINARY(i32x4_mul, PMULLD, VEC_COMM)
    BINARY(i32x4_min_s, PMINSD, VEC_COMM) BINARY(i32x4_min_u, PMINUD, VEC_COMM)
    BINARY(i32x4_max_s, PMAXSD, VEC_COMM) BINARY(i32x4_max_u, PMAXUD, VEC_COMM)
    BINARY(i32x4_dot_i16x8_s, PMADDWD, VEC_COMM)
    ROW(i32x4_extadd_pairwise_i16x8_s, vec_extadd) ROW(i32x4_extadd_pairwise_i16x8_u, vec_extadd)
    EXTMULS(i32x4, i16x8, vec_extmul16, I_PMULHW, I_PMULHUW, VEC_V2)
    /* i64x2 */
    BINARY(i64x2_eq, PCMPEQQ, VEC_COMM) BINARY(i64x2_ne, PCMPEQQ, VEC_COMM | VEC_NOT)
    ROW(i64x2_gt_s, vec_greater64) ROW(i64x2_lt_s, vec_greater64, 0, 0, VEC_SWAP)
    ROW(i64x2_le_s, vec_greater64, 0, 0, VEC_NOT)
    ROW(i64x2_ge_s, vec_greater64, 0, 0, VEC_SWAP | VEC_NOT)
    ROW(i64x2_abs, vec_abs64) ROW(i64x2_neg, vec_negate, I_PSUBQ)
    ROW(i64x2_all_true, vec_all_true, I_PCMPEQQ) ROW(i64x2_bitmask, vec_bitmask, 0, 0, 0, 64)
    EXTENDS(i64x2, i32x4, DQ)
    SHIFTS(i64x2, Q, 64) ROW(i64x2_shr_s, vec_sar64, 0, 0, VEC_V2)
    BINARY(i64x2_add, PADDQ, VEC_COMM) BINARY(i64x2_sub, PSUBQ, 0)
    ROW(i64x2_mul, vec_mul64, 0, 0, VEC_V2)
    EXTMULS(i64x2, i32x4, vec_extmul32, I_PMULDQ, I_PMULUDQ, 0)
    /* floats */
    FLOATS(f32x4, PS, KV_ABS32, KV_SIGN32) FLOATS(f64x2, PD, KV_ABS64, KV_SIGN64)
    UNARY(f32x4_demote_f64x2_zero, CVTPD2PS, 0) UNARY(f64x2_promote_low_f32x4, CVTPS2PD, 0)
    UNARY(f32x4_convert_i32x4_s, CVTDQ2PS, 0) ROW(f32x4_convert_i32x4_u, vec_convert_u)
    UNARY(f64x2_convert_low_i32x4_s, CVTDQ2PD, 0) ROW(f64x2_convert_low_i32x4_u, vec_convert_low_u)
    ROW(i32x4_trunc_sat_f32x4_s, vec_trunc_s)
    ROW(i32x4_trunc_sat_f32x4_u, vec_trunc_u, 0, 0, VEC_V2)
    ROW(i32x4_trunc_sat_f64x2_s_zero, vec_trunc_s_zero)
    ROW(i32x4_trunc_sat_f64x2_u_zero, vec_trunc_u_zero)
};
/* clang-format on */

uint32_t target_vec_clobbers(unsigned sub)
{
    return rows[sub].flags & VEC_V2 ? 1u << V2 : 0;
}

void emit_vec(struct emit *e, struct node *n)
{
    ENGINE_ASSERT(rows[n->sub].emit);
    rows[n->sub].emit(e, n, &rows[n->sub]);
}
