/* Vectors of integers: what SSE4.1 has no single instruction for.  Lanes and results: spec 4.3.2
 * and 4.4.3. */
#include "engine/x64/emit_simd.h"

static bool is_op(const struct node *n, enum opcode op)
{
    return n->sub == (uint8_t)op;
}

/* ---- shifts: the count is taken modulo the lane's width ---- */

/* True: the count is constant, in *count.  Else it goes to ecx and, as a shift takes it, to V1. */
static bool shift_count(struct emit *e, const struct node *n, unsigned width, unsigned *count)
{
    uint64_t imm;
    if (is_imm(e, n->b, &imm)) {
        *count = (unsigned)imm & (width - 1);
        return true;
    }
    gpr_load(e, RCX, n->b, false);
    x_alu_imm(&e->a, ALU_AND, false, rm_reg(RCX), (int32_t)(width - 1));
    x_rr(&e->a, I_MOVD, false, V1 & 15, RCX);
    return false;
}

void vec_shift(struct emit *e, struct node *n, const struct vec_row *row)
{
    unsigned count = 0;
    bool constant = shift_count(e, n, row->arg, &count);
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    if (!constant)
        v_rr(e, row->insn, d, V1);
    else if (count)
        v_shift(e, row->insn2, d, count);
    dst_done(e, n, d);
}

/* Bytes are shifted as words, less the bits that would come from the neighbour.  An arithmetic
 * shift then extends the sign from bit 7 - count: (x ^ sign) - sign. */
void vec_shift8(struct emit *e, struct node *n, const struct vec_row *row)
{
    unsigned count = 0;
    bool constant = shift_count(e, n, 8, &count), left = is_op(n, OP_i8x16_shl);
    struct rm low = vec_constant(e, KV_LOW_BITS + count),
              sign = vec_constant(e, KV_SIGN_BIT + count);
    if (!constant) {
        x_shift_imm(&e->a, SHIFT_SHL, false, rm_reg(RCX), 4);
        x_rm(&e->a, I_LEA, true, RAX, low);
        low = rm_index(RAX, RCX, 0, 0);
        sign = rm_index(RAX, RCX, 0, 16 * (KV_SIGN_BIT - KV_LOW_BITS));
    }
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    if (left)
        x_rm(&e->a, I_PAND, false, d & 15, low);
    if (constant)
        v_shift(e, row->insn2, d, count);
    else
        v_rr(e, row->insn, d, V1);
    if (!left)
        x_rm(&e->a, I_PAND, false, d & 15, low);
    if (is_op(n, OP_i8x16_shr_s)) {
        x_rm(&e->a, I_PXOR, false, d & 15, sign);
        x_rm(&e->a, I_PSUBB, false, d & 15, sign);
    }
    dst_done(e, n, d);
}

/* The same extension for i64x2.shr_s, which SSE lacks. */
void vec_sar64(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    unsigned count = 0;
    bool constant = shift_count(e, n, 64, &count);
    v_load(e, V0, n->a);
    v_rk(e, I_MOVAPS, V2, KV_SIGN64);
    if (constant) {
        v_shift(e, I_PSRLQ_IMM, V0, count);
        v_shift(e, I_PSRLQ_IMM, V2, count);
    } else {
        v_rr(e, I_PSRLQ, V0, V1);
        v_rr(e, I_PSRLQ, V2, V1);
    }
    v_rr(e, I_PXOR, V0, V2);
    v_rr(e, I_PSUBQ, V0, V2);
    dst_done(e, n, V0);
}

/* ---- 64-bit lanes ---- */

void vec_abs64(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = dst_xmm(e, n);
    v_rri(e, I_PSHUFD, V1, v_of(e, n->a, V0), 0xf5); /* the upper halves, twice */
    v_shift(e, I_PSRAD_IMM, V1, 31);
    v_load(e, d, n->a);
    v_rr(e, I_PXOR, d, V1);
    v_rr(e, I_PSUBQ, d, V1);
    dst_done(e, n, d);
}

/* low * low + ((low * high + high * low) << 32) */
void vec_mul64(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    v_load(e, V1, n->b);
    v_rri(e, I_PSHUFD, V2, V1, 0xb1); /* halves exchanged */
    v_rr(e, I_PMULLD, V2, V0);
    v_rr(e, I_PMULUDQ, V0, V1);
    xmm_move(e, V1, V2);
    v_shift(e, I_PSRLQ_IMM, V1, 32);
    v_rr(e, I_PADDD, V2, V1);
    v_shift(e, I_PSLLQ_IMM, V2, 32);
    v_rr(e, I_PADDQ, V0, V2);
    dst_done(e, n, V0);
}

/* V0 > V1, lane by lane in general registers, for a CPU without SSE4.2. */
static void greater64_plain(struct emit *e)
{
    struct assembler *a = &e->a;
    for (uint8_t lane = 0; lane < 2; lane++) {
        x_rmi8(a, I_PEXTRD, true, V0 & 15, rm_reg(RAX), lane);
        x_rmi8(a, I_PEXTRD, true, V1 & 15, rm_reg(RCX), lane);
        x_rr(a, I_CMP, true, RAX, RCX);
        x_setcc(a, CC_G, RAX);
        x_byte_load(a, I_MOVZX8, false, RAX, rm_reg(RAX));
        x_m(a, I_NEG, true, rm_reg(RAX));
        x_rmi8(a, I_PINSRD, true, V0 & 15, rm_reg(RAX), lane);
    }
}

void vec_greater64(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = V0;
    if (e->engine->env.cpu & ENGINE_SSE42) {
        d = v_binary(e, n, I_PCMPGTQ, row->flags, -1);
    } else {
        v_load(e, V0, row->flags & VEC_SWAP ? n->b : n->a);
        v_load(e, V1, row->flags & VEC_SWAP ? n->a : n->b);
        greater64_plain(e);
    }
    if (row->flags & VEC_NOT)
        v_not(e, d);
    dst_done(e, n, d);
}

/* ---- narrow lanes ---- */

/* Sums of neighbouring groups of bits, in each byte. */
void vec_popcnt(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V0, n->a);
    xmm_move(e, V1, V0);
    v_shift(e, I_PSRLW_IMM, V1, 1);
    v_rk(e, I_PAND, V1, KV_55);
    v_rr(e, I_PSUBB, V0, V1);
    xmm_move(e, V1, V0);
    v_rk(e, I_PAND, V0, KV_33);
    v_shift(e, I_PSRLW_IMM, V1, 2);
    v_rk(e, I_PAND, V1, KV_33);
    v_rr(e, I_PADDB, V0, V1);
    xmm_move(e, V1, V0);
    v_shift(e, I_PSRLW_IMM, V1, 4);
    v_rr(e, I_PADDB, V0, V1);
    v_rk(e, I_PAND, V0, KV_0F);
    dst_done(e, n, V0);
}

/* PMULHRSW is right but for -1 * -1, which it makes -1. */
void vec_q15(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = v_binary(e, n, I_PMULHRSW, VEC_COMM, -1);
    v_rk(e, I_MOVAPS, V1, KV_SIGN16);
    v_rr(e, I_PCMPEQW, V1, d);
    v_rr(e, I_PXOR, d, V1);
    dst_done(e, n, d);
}

/* Multiplications by one that add pairs.  PMADDUBSW takes an unsigned and a signed operand; PMADDWD
 * signed ones: unsigned lanes are brought down by 32768, and their sum up by 65536. */
void vec_extadd(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = v_work(e, n);
    if (is_op(n, OP_i16x8_extadd_pairwise_i8x16_s)) {
        v_rk(e, I_MOVAPS, d, KV_ONE8);
        v_op(e, I_PMADDUBSW, d, n->a);
        dst_done(e, n, d);
        return;
    }
    bool bytes = is_op(n, OP_i16x8_extadd_pairwise_i8x16_u),
         biased = is_op(n, OP_i32x4_extadd_pairwise_i16x8_u);
    v_load(e, d, n->a);
    if (biased)
        v_rk(e, I_PXOR, d, KV_SIGN16);
    v_rk(e, bytes ? I_PMADDUBSW : I_PMADDWD, d, bytes ? KV_ONE8 : KV_ONE16);
    if (biased)
        v_rk(e, I_PADDD, d, KV_TWO16);
    dst_done(e, n, d);
}

/* ---- widening multiplication of one half of the lanes ---- */

static void half_extended(struct emit *e, uint8_t d, ref r, const struct vec_row *row)
{
    uint8_t x = v_of(e, r, d);
    if (row->flags & VEC_HIGH) {
        v_rri(e, I_PSHUFD, d, x, 0xee);
        x = d;
    }
    v_rr(e, row->insn, d, x);
}

void vec_extmul(struct emit *e, struct node *n, const struct vec_row *row)
{
    half_extended(e, V0, n->a, row);
    half_extended(e, V1, n->b, row);
    v_rr(e, I_PMULLW, V0, V1);
    dst_done(e, n, V0);
}

void vec_extmul16(struct emit *e, struct node *n, const struct vec_row *row)
{
    v_load(e, V0, n->a);
    uint8_t y = v_of(e, n->b, V2);
    xmm_move(e, V1, V0);
    v_rr(e, I_PMULLW, V0, y);
    v_rr(e, row->insn, V1, y);
    v_rr(e, row->flags & VEC_HIGH ? I_PUNPCKHWD : I_PUNPCKLWD, V0, V1);
    dst_done(e, n, V0);
}

void vec_extmul32(struct emit *e, struct node *n, const struct vec_row *row)
{
    unsigned spread = row->flags & VEC_HIGH ? 0xfa : 0x50; /* lanes 2 2 3 3 or 0 0 1 1 */
    v_rri(e, I_PSHUFD, V0, v_of(e, n->a, V0), spread);
    v_rri(e, I_PSHUFD, V1, v_of(e, n->b, V1), spread);
    v_rr(e, row->insn, V0, V1);
    dst_done(e, n, V0);
}

/* ---- tests ---- */

static void condition_done(struct emit *e, struct node *n, unsigned cc)
{
    uint8_t d = dst_reg(e, n, RAX);
    x_setcc(&e->a, cc, RAX);
    x_byte_load(&e->a, I_MOVZX8, false, d, rm_reg(RAX));
    dst_done(e, n, d);
}

void vec_any_true(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t x = v_of(e, n->a, V0);
    v_rr(e, I_PTEST, x, x);
    condition_done(e, n, CC_NE);
}

/* No lane equals zero. */
void vec_all_true(struct emit *e, struct node *n, const struct vec_row *row)
{
    v_rr(e, I_PXOR, V1, V1);
    v_op(e, row->insn, V1, n->a);
    v_rr(e, I_PTEST, V1, V1);
    condition_done(e, n, CC_E);
}

void vec_bitmask(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = dst_reg(e, n, RAX), x = v_of(e, n->a, V0);
    enum insn insn = row->arg == 64 ? I_MOVMSKPD : row->arg == 32 ? I_MOVMSKPS : I_PMOVMSKB;
    if (row->arg == 16) { /* words to bytes, the upper ones zero */
        v_rr(e, I_PXOR, V1, V1);
        xmm_move(e, V0, x);
        v_rr(e, I_PACKSSWB, V0, V1);
        x = V0;
    }
    x_rr(&e->a, insn, false, d, x & 15);
    dst_done(e, n, d);
}
