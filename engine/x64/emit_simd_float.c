/* Vectors of floats: minimum and maximum (spec 4.3.3: NaN wins, -0 is below +0), and conversions
 * that saturate. */
#include "engine/x64/emit_simd.h"

static bool is_double(const struct node *n)
{
    return n->sub >= (uint8_t)OP_f64x2_abs && n->sub <= (uint8_t)OP_f64x2_pmax;
}

/* NaN lanes of V0 lose their payload; the result is in V1. */
static void canonical_nans(struct emit *e, bool wide)
{
    xmm_move(e, V1, V0);
    v_rri(e, wide ? I_CMPPD : I_CMPPS, V1, V1, 3); /* unordered: all ones */
    v_rr(e, I_ORPS, V0, V1);
    v_shift(e, wide ? I_PSRLQ_IMM : I_PSRLD_IMM, V1, wide ? 13 : 10);
    v_rr(e, I_ANDNPS, V1, V0);
}

/* MINPS gives its second operand where one is NaN or both are zeroes: done both ways, to V0 and V1,
 * the results together have all NaNs and all signs. */
static void both_ways(struct emit *e, const struct node *n, enum insn insn)
{
    v_load(e, V0, n->a);
    v_load(e, V1, n->b);
    xmm_move(e, V2, V0);
    v_rr(e, insn, V0, V1);
    v_rr(e, insn, V1, V2);
}

void vec_min(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    bool wide = is_double(n);
    both_ways(e, n, wide ? I_MINPD : I_MINPS);
    v_rr(e, I_ORPS, V0, V1);
    canonical_nans(e, wide);
    dst_done(e, n, V1);
}

/* The same; where the two results differ in sign, -0 - -0 makes +0. */
void vec_max(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    bool wide = is_double(n);
    both_ways(e, n, wide ? I_MAXPD : I_MAXPS);
    v_rr(e, I_XORPS, V1, V0);
    v_rr(e, I_ORPS, V0, V1);
    v_rr(e, wide ? I_SUBPD : I_SUBPS, V0, V1);
    canonical_nans(e, wide);
    dst_done(e, n, V1);
}

/* ---- to integers.  The CPU's conversions give 0x80000000 for all that does not fit. ---- */

void vec_trunc_s(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    xmm_move(e, V1, V0);
    v_rri(e, I_CMPPS, V1, V1, 0);
    v_rr(e, I_PAND, V0, V1); /* NaN: 0 */
    v_rr(e, I_PXOR, V1, V0); /* top bit: not negative */
    v_rr(e, I_CVTTPS2DQ, V0, V0);
    v_rr(e, I_PAND, V1, V0); /* top bit: was not negative, and is now */
    v_shift(e, I_PSRAD_IMM, V1, 31);
    v_rr(e, I_PXOR, V0, V1);
    dst_done(e, n, V0);
}

/* In two parts: x converted, which is right below 2^31 and 2^31 above; and x - 2^31, at least 0,
 * which is what is missing. */
void vec_trunc_u(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    v_rr(e, I_XORPS, V2, V2);
    v_rr(e, I_MAXPS, V0, V2); /* NaN and negative: 0 */
    xmm_move(e, V1, V0);
    v_rk(e, I_SUBPS, V1, KV_TWO31F);
    v_rk(e, I_MOVAPS, V2, KV_TWO31F);
    v_rri(e, I_CMPPS, V2, V1, 2); /* 2^32 and above: all ones */
    v_rr(e, I_CVTTPS2DQ, V1, V1);
    v_rr(e, I_PXOR, V1, V2);
    v_rr(e, I_PXOR, V2, V2);
    v_rr(e, I_PMAXSD, V1, V2);
    v_rr(e, I_CVTTPS2DQ, V0, V0);
    v_rr(e, I_PADDD, V0, V1);
    dst_done(e, n, V0);
}

/* min(x, 2^31 - 1), or 0 for NaN: MINPD gives its second operand where the first is NaN. */
void vec_trunc_s_zero(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    xmm_move(e, V1, V0);
    v_rri(e, I_CMPPD, V1, V1, 0);
    v_rk(e, I_ANDPS, V1, KV_MAX_I32);
    v_rr(e, I_MINPD, V0, V1);
    v_rr(e, I_CVTTPD2DQ, V0, V0);
    dst_done(e, n, V0);
}

/* An integer below 2^32 plus 2^52 has the integer in its low half. */
void vec_trunc_u_zero(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    v_rr(e, I_XORPS, V1, V1);
    v_rr(e, I_MAXPD, V0, V1);
    v_rk(e, I_MINPD, V0, KV_MAX_U32);
    v_rri(e, I_ROUNDPD, V0, V0, 11);
    v_rk(e, I_ADDPD, V0, KV_TWO52);
    v_rri(e, I_SHUFPS, V0, V1, 0x88);
    dst_done(e, n, V0);
}

/* ---- from unsigned integers ---- */

/* The low 16 bits and the rest convert exactly, the rest halved to be signed; one rounding, in the
 * last addition. */
void vec_convert_u(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    v_rr(e, I_PXOR, V1, V1);
    v_rri(e, I_PBLENDW, V1, V0, 0x55);
    v_rr(e, I_PSUBD, V0, V1);
    v_rr(e, I_CVTDQ2PS, V1, V1);
    v_shift(e, I_PSRLD_IMM, V0, 1);
    v_rr(e, I_CVTDQ2PS, V0, V0);
    v_rr(e, I_ADDPS, V0, V0);
    v_rr(e, I_ADDPS, V0, V1);
    dst_done(e, n, V0);
}

void vec_convert_low_u(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    v_rk(e, I_UNPCKLPS, d, KV_TWO52_HIGH); /* 2^52 + lane */
    v_rk(e, I_SUBPD, d, KV_TWO52);
    dst_done(e, n, d);
}
