/* What the vector emitter's files share.  emit_simd.c: the table of instructions and the plain
 * ones; emit_simd_int.c, emit_simd_float.c, emit_simd_lane.c: those that take more than one or two
 * machine instructions.
 *
 * SSE overwrites its first operand, so a value is computed in its home where no operand that is
 * still to be read lives there, else in V0 and moved.  Memory operands of SSE must be aligned:
 * constants are, frame slots and linear memory are not. */
#ifndef ENGINE_X64_EMIT_SIMD_H
#define ENGINE_X64_EMIT_SIMD_H

#include "engine/x64/emit.h"

/* Scratch.  V2 only in instructions marked VEC_V2, and only once all operands have been read: one
 * may be there. */
enum { V0 = XMM15, V1 = XMM14, V2 = XMM0 + 13 };

enum {
    VEC_COMM = 1,
    VEC_SWAP = 2, /* the second operand first */
    VEC_NOT = 4,  /* the result is inverted */
    VEC_HIGH = 8, /* of the upper half of the lanes */
    VEC_V2 = 16
};

struct vec_row {
    void (*emit)(struct emit *, struct node *, const struct vec_row *);
    uint16_t insn, insn2;
    uint8_t flags;
    uint8_t arg; /* immediate, constant or width, as the emitter says */
};

struct rm vec_constant(struct emit *, unsigned);

static inline void v_rr(struct emit *e, enum insn i, uint8_t d, uint8_t s)
{
    x_rr(&e->a, i, false, d & 15, s & 15);
}
static inline void v_rri(struct emit *e, enum insn i, uint8_t d, uint8_t s, unsigned imm)
{
    x_rmi8(&e->a, i, false, d & 15, rm_reg(s & 15), (uint8_t)imm);
}
static inline void v_rk(struct emit *e, enum insn i, uint8_t d, unsigned constant)
{
    x_rm(&e->a, i, false, d & 15, vec_constant(e, constant));
}
/* the _IMM rows */
static inline void v_shift(struct emit *e, enum insn i, uint8_t d, unsigned count)
{
    x_rmi8(&e->a, i, false, insn_rows[i].digit, rm_reg(d & 15), (uint8_t)count);
}
static inline void v_load(struct emit *e, uint8_t d, ref r)
{
    xmm_load(e, d, r, T_V128);
}
static inline uint8_t v_of(struct emit *e, ref r, uint8_t scratch)
{
    return xmm_of(e, r, scratch, T_V128);
}

/* d = d op r.  May use V1, or V0 where d is V1. */
void v_op(struct emit *, enum insn, uint8_t d, ref r);
/* The value's home if it is a register that no operand is in, else V0. */
uint8_t v_work(struct emit *, const struct node *);
/* a op b in the register that is returned: V0 or the value's home.  imm: -1 for none. */
uint8_t v_binary(struct emit *, const struct node *, enum insn, unsigned flags, int imm);
void v_not(struct emit *, uint8_t d); /* uses V1 */

typedef void vec_emitter(struct emit *, struct node *, const struct vec_row *);
vec_emitter vec_shift, vec_shift8, vec_sar64, vec_abs64, vec_mul64, vec_greater64, vec_popcnt,
    vec_q15, vec_extadd;
vec_emitter vec_extmul, vec_extmul16, vec_extmul32, vec_all_true, vec_any_true, vec_bitmask;
vec_emitter vec_min, vec_max, vec_trunc_s, vec_trunc_u, vec_trunc_s_zero, vec_trunc_u_zero;
vec_emitter vec_convert_u, vec_convert_low_u;
vec_emitter vec_splat, vec_splat_float, vec_extract, vec_extract_float, vec_replace,
    vec_replace_float;
vec_emitter vec_shuffle, vec_swizzle;

#endif
