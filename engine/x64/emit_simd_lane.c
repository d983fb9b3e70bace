/* Lanes of vectors: in, out, and about. */
#include "engine/assert.h"
#include "engine/x64/emit_simd.h"

/* ---- splat, extract, replace ---- */

void vec_splat(struct emit *e, struct node *n, const struct vec_row *row)
{
    bool wide = row->arg == 64;
    uint8_t d = dst_xmm(e, n), x = gpr_of(e, n->a, RAX, wide);
    ENGINE_ASSERT(row->arg == 8 || row->arg == 16 || row->arg == 32 || wide);
    x_rr(&e->a, I_MOVD, wide, d & 15, x);
    switch (row->arg) {
    case 8:
        v_rr(e, I_PXOR, V1, V1);
        v_rr(e, I_PSHUFB, d, V1);
        break;
    case 16:
        v_rri(e, I_PSHUFLW, d, d, 0);
        v_rri(e, I_PSHUFD, d, d, 0);
        break;
    case 32:
        v_rri(e, I_PSHUFD, d, d, 0);
        break;
    default:
        v_rr(e, I_PUNPCKLQDQ, d, d);
        break;
    }
    dst_done(e, n, d);
}

void vec_splat_float(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = dst_xmm(e, n);
    if (row->arg == 64) {
        v_rr(e, I_MOVDDUP, d, xmm_of(e, n->a, V0, T_F64));
    } else {
        xmm_load(e, d, n->a, T_F32);
        v_rri(e, I_SHUFPS, d, d, 0);
    }
    dst_done(e, n, d);
}

void vec_extract(struct emit *e, struct node *n, const struct vec_row *row)
{
    struct assembler *a = &e->a;
    uint8_t d = dst_reg(e, n, RAX), x = v_of(e, n->a, V0), lane = (uint8_t)n->imm;
    bool wide = n->type == T_I64;
    if (row->insn == I_PEXTRD && lane == 0)
        x_rr(a, I_MOVD_STORE, wide, x & 15, d);
    else if (row->insn == I_PEXTRW)
        x_rmi8(a, I_PEXTRW, false, d, rm_reg(x & 15), lane);
    else
        x_rmi8(a, row->insn, wide, x & 15, rm_reg(d), lane);
    if (row->insn2 == I_MOVSX8)
        x_byte_load(a, I_MOVSX8, false, d, rm_reg(d));
    else if (row->insn2 == I_MOVSX16)
        x_rr(a, I_MOVSX16, false, d, d);
    dst_done(e, n, d);
}

/* What else is in the register does not matter to a scalar. */
void vec_extract_float(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    uint8_t d = dst_xmm(e, n), x = v_of(e, n->a, V0);
    if (n->imm == 0)
        xmm_move(e, d, x);
    else
        v_rri(e, I_PSHUFD, d, x, n->type == T_F64 ? 0xee : (unsigned)n->imm);
    dst_done(e, n, d);
}

void vec_replace(struct emit *e, struct node *n, const struct vec_row *row)
{
    bool wide = row->arg == 64;
    uint8_t d = dst_xmm(e, n), x = gpr_of(e, n->b, RAX, wide);
    v_load(e, d, n->a);
    x_rmi8(&e->a, row->insn, wide, d & 15, rm_reg(x), (uint8_t)n->imm);
    dst_done(e, n, d);
}

void vec_replace_float(struct emit *e, struct node *n, const struct vec_row *row)
{
    uint8_t d = v_work(e, n), x = xmm_of(e, n->b, V1, row->arg == 64 ? T_F64 : T_F32);
    v_load(e, d, n->a);
    if (row->arg == 32)
        v_rri(e, I_INSERTPS, d, x, (unsigned)n->imm << 4);
    else
        v_rr(e, n->imm ? I_MOVLHPS : I_MOVSD, d, x);
    dst_done(e, n, d);
}

/* ---- swizzle: lane numbers of 16 and more give 0; PSHUFB wants their top bit ---- */

void vec_swizzle(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    v_load(e, V1, n->b);
    v_rk(e, I_PADDUSB, V1, KV_70);
    uint8_t d = dst_xmm(e, n);
    v_load(e, d, n->a);
    v_rr(e, I_PSHUFB, d, V1);
    dst_done(e, n, d);
}

/* ---- shuffle ---- */

/* Lanes as the instruction has them: 0 to 15 are x's, 16 to 31 y's. */
struct shuffle {
    uint8_t lane[16];
    ref x, y;
};

static struct shuffle exchanged(struct shuffle s)
{
    struct shuffle t = {.x = s.y, .y = s.x};
    for (int i = 0; i < 16; i++)
        t.lane[i] = s.lane[i] ^ 16;
    return t;
}

static bool is_same_value(struct emit *e, ref x, ref y)
{
    struct loc lx = loc_of(e, x), ly = loc_of(e, y);
    return lx.kind == L_REG && ly.kind == L_REG && lx.reg == ly.reg;
}

static struct shuffle shuffle_of(struct emit *e, const struct node *n)
{
    ENGINE_ASSERT(n->imm + 16 <= e->c->module->len);
    const uint8_t *lanes = e->c->module->bytes + n->imm;
    struct shuffle s = {.x = n->a, .y = n->b};
    bool same = is_same_value(e, n->a, n->b);
    for (int i = 0; i < 16; i++)
        s.lane[i] = same ? lanes[i] & 15 : lanes[i];
    return s.lane[0] < 16 ? s : exchanged(s); /* the first lane is x's */
}

static bool is_one_sided(const struct shuffle *s)
{
    uint8_t all = 0;
    for (int i = 0; i < 16; i++)
        all |= s->lane[i];
    return all < 16;
}

/* Whole lanes of 4 bytes: their numbers, 0 to 7. */
static bool is_dwords(const struct shuffle *s, uint8_t out[4])
{
    for (int i = 0; i < 16; i++)
        if ((s->lane[i] & 3) != (i & 3) || s->lane[i] >> 2 != s->lane[i & ~3] >> 2)
            return false;
    for (int i = 0; i < 4; i++)
        out[i] = s->lane[4 * i] >> 2;
    return true;
}

static unsigned two_bits_each(const uint8_t d[4])
{
    return (d[0] & 3u) | (d[1] & 3u) << 2 | (d[2] & 3u) << 4 | (d[3] & 3u) << 6;
}

/* PSHUFB's mask for the lanes of one side; others are zero. */
static struct cell mask_of(const struct shuffle *s, uint8_t side)
{
    struct cell m = {0, 0};
    for (int i = 0; i < 16; i++) {
        uint64_t byte = (s->lane[i] & 16) == side ? s->lane[i] & 15 : 0x80;
        if (i < 8)
            m.lo |= byte << (8 * i);
        else
            m.hi |= byte << (8 * (i - 8));
    }
    return m;
}

static void one_sided(struct emit *e, struct node *n, const struct shuffle *s)
{
    uint8_t d = dst_xmm(e, n), order[4];
    if (is_dwords(s, order)) {
        v_rri(e, I_PSHUFD, d, v_of(e, s->x, V0), two_bits_each(order));
    } else {
        v_load(e, d, s->x);
        x_constant(e, I_PSHUFB, d, mask_of(s, 0), 16);
    }
    dst_done(e, n, d);
}

/* One instruction for two operands: which, its immediate (-1: none), and whether y is its first
 * operand. */
struct pattern {
    enum insn insn;
    int imm;
    bool swap;
};

/* x and y interleaved by groups of 1, 2, 4, 8 bytes, their low or their high halves. */
static bool is_interleaved(const struct shuffle *s, struct pattern *p)
{
    static const enum insn low[] = {I_PUNPCKLBW, I_PUNPCKLWD, I_PUNPCKLDQ, I_PUNPCKLQDQ},
                           high[] = {I_PUNPCKHBW, I_PUNPCKHWD, I_PUNPCKHDQ, I_PUNPCKHQDQ};
    for (unsigned size = 0; size < 4; size++)
        for (unsigned half = 0; half < 2; half++) {
            bool fits = true;
            for (unsigned i = 0; i < 16; i++) {
                unsigned group = i >> size,
                         from = ((group >> 1) << size) + (i & ((1u << size) - 1)) + 8 * half;
                fits &= s->lane[i] == (from | (group & 1) << 4);
            }
            if (fits) {
                *p = (struct pattern){half ? high[size] : low[size], -1, false};
                return true;
            }
        }
    return false;
}

static bool is_window(const struct shuffle *s, struct pattern *p) /* 16 bytes out of x and then y */
{
    for (unsigned i = 1; i < 16; i++)
        if (s->lane[i] != s->lane[0] + i)
            return false;
    *p = (struct pattern){I_PALIGNR, s->lane[0], true};
    return true;
}

/* words that stay where they are */
static bool is_blend(const struct shuffle *s, struct pattern *p)
{
    unsigned imm = 0;
    for (unsigned i = 0; i < 16; i++) {
        if ((s->lane[i] & 15) != i || (s->lane[i] & 16) != (s->lane[i & ~1u] & 16))
            return false;
        imm |= ((unsigned)s->lane[i] >> 4) << (i / 2);
    }
    *p = (struct pattern){I_PBLENDW, (int)imm, false};
    return true;
}

static bool is_two_and_two(const struct shuffle *s, struct pattern *p)
{
    uint8_t order[4];
    if (!is_dwords(s, order) || order[0] >= 4 || order[1] >= 4 || order[2] < 4 || order[3] < 4)
        return false;
    *p = (struct pattern){I_SHUFPS, (int)two_bits_each(order), false};
    return true;
}

void vec_shuffle(struct emit *e, struct node *n, const struct vec_row *row)
{
    (void)row;
    struct shuffle s = shuffle_of(e, n);
    struct pattern p;
    if (is_one_sided(&s)) {
        one_sided(e, n, &s);
    } else if (is_interleaved(&s, &p) || is_window(&s, &p) || is_blend(&s, &p) ||
               is_two_and_two(&s, &p)) {
        bool swap = p.swap != (s.x != n->a);
        dst_done(e, n, v_binary(e, n, p.insn, swap ? VEC_SWAP : 0, p.imm));
    } else {
        v_load(e, V0, s.x);
        x_constant(e, I_PSHUFB, V0, mask_of(&s, 0), 16);
        v_load(e, V1, s.y);
        x_constant(e, I_PSHUFB, V1, mask_of(&s, 16), 16);
        v_rr(e, I_POR, V0, V1);
        dst_done(e, n, V0);
    }
}
