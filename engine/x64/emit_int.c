/* Integers: arithmetic, comparison, selection.  32-bit operations leave the upper half zero; their
 * operands' upper halves may be anything. */
#include "engine/assert.h"
#include "engine/x64/emit.h"

static const uint8_t alu_insn[IR_COUNT] = { [IR_ADD] = I_ADD, [IR_SUB] = I_SUB, [IR_AND] = I_AND,
                                            [IR_OR] = I_OR,   [IR_XOR] = I_XOR, [IR_MUL] = I_IMUL };
static const uint8_t alu_imm[IR_COUNT] = {
    [IR_ADD] = ALU_ADD, [IR_SUB] = ALU_SUB, [IR_AND] = ALU_AND, [IR_OR] = ALU_OR, [IR_XOR] = ALU_XOR
};

static bool same_slot(struct loc x, struct loc y)
{
    return x.kind == L_MEM && y.kind == L_MEM && x.slot == y.slot;
}

/* The flags say whether d is zero, as n was computed there just now. */
static void zero_known(struct emit *e, const struct node *n, uint8_t d, bool w)
{
    if (n->op == IR_MUL)
        return;
    e->flags_reg = d;
    e->flags_wide = w;
    e->flags_at = asm_offset(&e->a);
}

static bool is_zero_known(const struct emit *e, const struct node *cmp, uint8_t reg)
{
    return e->flags_at == asm_offset(&e->a) && e->flags_reg == reg &&
           (cmp->sub == COND_EQ || cmp->sub == COND_NE) &&
           (!e->flags_wide || cmp->type == T_I64); /* 32 bits leave no others */
}

/* a op constant, from register to register, as it mostly is; false: it is not, and nothing is done.
 */
static bool binary_imm_usual(struct emit *e, const struct node *n, bool w, int32_t imm)
{
    struct assembler *a = &e->a;
    uint8_t x = reg_of(e, n->a), d = dst_reg(e, n, REG_NONE);
    if (x == REG_NONE || d == REG_NONE || (n->a & REF_NZ) || n->op == IR_MUL)
        return false;
    if (x == d) {
        x_alu_imm(a, alu_imm[n->op], w, rm_reg(d), imm);
        zero_known(e, n, d, w);
    } else if (n->op == IR_ADD || (n->op == IR_SUB && imm != INT32_MIN)) {
        x_rm(a, I_LEA, w, d, rm_mem(x, n->op == IR_ADD ? imm : -imm));
    } else {
        return false;
    }
    return true;
}

/* a op constant */
static void binary_imm(struct emit *e, struct node *n, bool w, int32_t imm)
{
    if (binary_imm_usual(e, n, w, imm))
        return;
    struct assembler *a = &e->a;
    struct loc x = loc_of(e, n->a), home = loc_of_dst(e, n);
    if (n->op != IR_MUL && w && same_slot(x, home)) {
        x_alu_imm(a, alu_imm[n->op], w, loc_rm(x), imm);
        return;
    }
    uint8_t d = dst_reg(e, n, RAX);
    if (n->op == IR_MUL) {
        if (x.kind == L_IMM) {
            gpr_load(e, d, n->a, w);
            x = (struct loc){.kind = L_REG, .reg = d};
        }
        bool small = imm >= -128 && imm <= 127;
        if (small)
            x_rmi8(a, I_IMUL8, w, d, loc_rm(x), (uint8_t)imm);
        else
            x_rmi32(a, I_IMUL32, w, d, loc_rm(x), imm);
    } else if (n->op == IR_ADD && x.kind == L_REG && x.reg != d) {
        x_rm(a, I_LEA, w, d, rm_mem(x.reg, imm));
    } else if (n->op == IR_SUB && x.kind == L_REG && x.reg != d && imm != INT32_MIN) {
        x_rm(a, I_LEA, w, d, rm_mem(x.reg, -imm));
    } else {
        gpr_load(e, d, n->a, w);
        x_alu_imm(a, alu_imm[n->op], w, rm_reg(d), imm);
        dst_done(e, n, d);
        zero_known(e, n, d, w);
        return;
    }
    dst_done(e, n, d);
}

/* a & 0xff, a & 0xffff */
static void low_bytes(struct emit *e, struct node *n, uint64_t mask)
{
    struct loc x = loc_of(e, n->a);
    uint8_t d = dst_reg(e, n, RAX);
    if (mask == 0xff)
        x_byte_load(&e->a, I_MOVZX8, false, d, loc_rm(x));
    else
        x_rm(&e->a, I_MOVZX16, false, d, loc_rm(x));
    dst_done(e, n, d);
}

/* The shift that this sum does itself (ir/build_address.c). */
static const struct node *scale_of(const struct emit *e, const struct node *n)
{
    const struct node *s = n->op == IR_ADD && ref_is_node(n->b) ? &e->c->body.nodes[ref_index(n->b)]
                                                                : NULL;
    return s && s->op == IR_SHL && (s->flags & NF_FOLD) ? s : NULL;
}

static void add_scaled(struct emit *e, struct node *n, const struct node *s)
{
    bool w = n->type == T_I64;
    uint64_t k = 0;
    ENGINE_ASSERT(is_imm(e, s->b, &k) && k >= 1 && k <= 3);
    uint8_t base = gpr_of(e, n->a, RAX, w), index = gpr_of(e, s->a, RCX, w), d = dst_reg(e, n, RAX);
    x_rm(&e->a, I_LEA, w, d, rm_index(base, index, (uint8_t)k, 0));
    dst_done(e, n, d);
}

/* a op constant of 64 bits, where the constant can come to the result's register first. */
static bool long_constant(struct emit *e, struct node *n, uint64_t imm)
{
    uint8_t d = dst_reg(e, n, RAX);
    struct loc x = loc_of(e, n->a);
    if (!(ir_flags[n->op] & IRF_COMM) || x.kind == L_IMM || (x.kind == L_REG && x.reg == d))
        return false;
    x_mov_imm(&e->a, d, imm);
    x_rm(&e->a, alu_insn[n->op], true, d, loc_rm(x));
    dst_done(e, n, d);
    zero_known(e, n, d, true);
    return true;
}

static void binary(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool w = n->type == T_I64;
    uint64_t imm;
    struct rm y;
    const struct node *scale = scale_of(e, n);
    if (scale) {
        add_scaled(e, n, scale);
        return;
    }
    if (n->op == IR_AND && is_imm(e, n->b, &imm) && imm >> 32 == 0) {
        if ((imm == 0xff || imm == 0xffff) && loc_of(e, n->a).kind != L_IMM) {
            low_bytes(e, n, imm);
            return;
        }
        w = false; /* the upper half of the mask is zero, so the result's is */
    }
    if (is_imm(e, n->b, &imm)) {
        if (fits32(imm, w)) {
            binary_imm(e, n, w, (int32_t)imm);
            return;
        }
        if (long_constant(e, n, imm))
            return;
        x_mov_imm(a, RCX, imm);
        y = rm_reg(RCX);
    } else {
        operand_rm(e, n->b, &y);
    }
    uint8_t d = dst_reg(e, n, RAX);
    struct loc x = loc_of(e, n->a);
    if (n->op == IR_ADD && x.kind == L_REG && y.kind == RM_REG && x.reg != d && y.base != d) {
        x_rm(a, I_LEA, w, d, rm_index(x.reg, y.base, 0, 0));
        dst_done(e, n, d);
        return;
    } else if (x.kind == L_REG && x.reg == d) {
        x_rm(a, alu_insn[n->op], w, d, y);
    } else if (!rm_uses(y, d)) {
        gpr_load(e, d, n->a, w);
        x_rm(a, alu_insn[n->op], w, d, y);
    } else if (y.kind == RM_REG && x.kind != L_IMM && (ir_flags[n->op] & IRF_COMM)) {
        x_rm(a, alu_insn[n->op], w, d, loc_rm(x));
    } else if (y.kind == RM_REG && n->op == IR_SUB && x.kind != L_IMM) {
        x_m(a, I_NEG, w, rm_reg(d));
        x_rm(a, I_ADD, w, d, loc_rm(x));
    } else {
        gpr_load(e, RAX, n->a, w);
        x_rm(a, alu_insn[n->op], w, RAX, y);
        x_rr(a, I_MOV, w, d, RAX);
    }
    dst_done(e, n, d);
    zero_known(e, n, d, w);
}

/* The upper half of a product: rdx:rax = rax * operand. */
static void upper_half(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    struct loc home = loc_of_dst(e, n), y = loc_of(e, n->b);
    ENGINE_ASSERT(n->type == T_I64);
    bool swap = y.kind == L_IMM;
    gpr_load(e, RAX, swap ? n->b : n->a, true);
    if (swap)
        y = loc_of(e, n->a);
    if (y.kind == L_IMM) {
        gpr_load(e, RCX, n->a, true);
        y = (struct loc){.kind = L_REG, .reg = RCX};
    }
    x_m(a, n->sub ? I_IMUL1 : I_MUL, true, loc_rm(y));
    if (home.kind == L_REG && home.reg != RDX)
        x_rr(a, I_MOV, true, home.reg, RDX);
    else if (home.kind == L_MEM)
        x_rm(a, I_MOV_STORE, true, RDX, loc_rm(home));
}

static void shift(struct emit *e, struct node *n)
{
    static const uint8_t digit[IR_COUNT] = { [IR_SHL] = SHIFT_SHL,
                                             [IR_SHR] = SHIFT_SHR,
                                             [IR_SAR] = SHIFT_SAR,
                                             [IR_ROTL] = SHIFT_ROL,
                                             [IR_ROTR] = SHIFT_ROR };
    ENGINE_ASSERT(n->op >= IR_SHL && n->op <= IR_ROTR && type_is_int(n->type));
    static const uint8_t bmi2[IR_COUNT] = {[IR_SHL] = I_SHLX, [IR_SHR] = I_SHRX, [IR_SAR] = I_SARX};
    struct assembler *a = &e->a;
    bool w = n->type == T_I64;
    uint8_t d = dst_reg(e, n, RAX);
    uint64_t imm;
    if (is_imm(e, n->b, &imm)) {
        imm &= w ? 63 : 31;
        struct loc x = loc_of(e, n->a);
        if (n->op == IR_SHL && imm == 1 && x.kind == L_REG && x.reg != d) {
            x_rm(a, I_LEA, w, d, rm_index(x.reg, x.reg, 0, 0));
        } else if (n->op == IR_SHL && (imm == 2 || imm == 3) && x.kind == L_REG && x.reg != d) {
            x_rm(a, I_LEA, w, d, rm_scaled(x.reg, (uint8_t)imm));
        } else {
            gpr_load(e, d, n->a, w);
            if (imm)
                x_shift_imm(a, digit[n->op], w, rm_reg(d), (uint8_t)imm);
            else if (!w)
                x_rr(a, I_MOV, false, d, d); /* the upper half */
        }
    } else if (bmi2[n->op] && (e->engine->env.cpu & ENGINE_BMI2)) {
        struct loc x = loc_of(e, n->a);
        uint8_t count = gpr_of(e, n->b, RCX, w);
        if (x.kind == L_IMM) {
            gpr_load(e, RAX, n->a, w);
            x = (struct loc){.kind = L_REG, .reg = RAX};
        }
        x_vex(a, bmi2[n->op], w, d, count, loc_rm(x));
    } else {
        gpr_load(e, RCX, n->b, w);
        gpr_load(e, d, n->a, w);
        x_shift_cl(a, digit[n->op], w, rm_reg(d));
    }
    dst_done(e, n, d);
}

static void divide(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool w = n->type == T_I64, is_signed = n->op == IR_DIVS || n->op == IR_REMS,
         rem = n->op == IR_REMS || n->op == IR_REMU;
    uint64_t imm = 0;
    bool constant = is_imm(e, n->b, &imm);
    struct loc y = loc_of(e, n->b);
    uint8_t b = y.kind == L_REG && y.reg != RDX ? y.reg : RCX;
    if (b == RCX)
        gpr_load(e, RCX, n->b, w);
    gpr_load(e, RAX, n->a, w);
    if (!w)
        imm = (uint64_t)(int64_t)(int32_t)imm;
    if (!constant || imm == 0) {
        x_rr(a, I_TEST, w, b, b);
        trap_if(e, CC_E, TRAP_DIV_ZERO);
    }
    uint32_t done = 0;
    if (is_signed && (!constant || (int64_t)imm == -1)) {
        x_alu_imm(a, ALU_CMP, w, rm_reg(b), -1);
        uint32_t usual = short_jump(a, CC_NE);
        if (rem) {
            x_zero(a, RDX);
        } else {
            x_m(a, I_NEG, w, rm_reg(RAX));
            trap_if(e, 0 /* O */, TRAP_INT_OVERFLOW);
        }
        done = short_jump(a, -1);
        short_here(a, usual);
    }
    if (is_signed) {
        x_cdq(a, w);
        x_m(a, I_IDIV, w, rm_reg(b));
    } else {
        x_zero(a, RDX);
        x_m(a, I_DIV, w, rm_reg(b));
    }
    if (done)
        short_here(a, done);
    uint8_t result = rem ? RDX : RAX;
    struct loc home = loc_of_dst(e, n);
    if (home.kind == L_REG && home.reg != result)
        x_rr(a, I_MOV, w, home.reg, result);
    else if (home.kind == L_MEM)
        x_rm(a, I_MOV_STORE, true, result, loc_rm(home));
}

/* Population count without POPCNT: sums of neighbouring bit groups. */
static void popcount_plain(struct emit *e, bool w)
{
    static const struct {
        uint64_t mask;
        uint8_t shift;
    } steps[] = {{0x5555555555555555, 1}, {0x3333333333333333, 2},  {0x0f0f0f0f0f0f0f0f, 4},
                 {0x00ff00ff00ff00ff, 8}, {0x0000ffff0000ffff, 16}, {0x00000000ffffffff, 32}};
    struct assembler *a = &e->a;
    /* rax = (rax & m) + (rax >> s & m), the old rax on the stack */
    for (unsigned i = 0; i < (w ? 6u : 5u); i++) {
        x_push(a, RAX);
        x_shift_imm(a, SHIFT_SHR, w, rm_reg(RAX), steps[i].shift);
        x_mov_imm(a, RCX, w ? steps[i].mask : (uint32_t)steps[i].mask);
        x_rr(a, I_AND, w, RAX, RCX);
        x_rm(a, I_AND, w, RCX, rm_mem(RSP, 0));
        x_rr(a, I_ADD, w, RAX, RCX);
        x_pop(a, RCX);
    }
}

static void count_bits(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool w = n->type == T_I64;
    uint32_t cpu = e->engine->env.cpu;
    uint8_t d = dst_reg(e, n, RAX);
    uint32_t need = n->op == IR_CLZ ? ENGINE_LZCNT : n->op == IR_CTZ ? ENGINE_BMI1 : ENGINE_POPCNT;
    if (cpu & need) {
        uint8_t x = gpr_of(e, n->a, RAX, w);
        x_rr(a, n->op == IR_CLZ ? I_LZCNT : n->op == IR_CTZ ? I_TZCNT : I_POPCNT, w, d, x);
    } else if (n->op == IR_POPCNT) {
        gpr_load(e, RAX, n->a, w);
        popcount_plain(e, w);
        if (d != RAX)
            x_rr(a, I_MOV, w, d, RAX);
    } else {
        gpr_load(e, RAX, n->a, w);
        x_mov_imm(a, RCX, n->op == IR_CLZ ? (w ? 127 : 63) : (w ? 64 : 32));
        x_rr(a, n->op == IR_CLZ ? I_BSR : I_BSF, w, RAX, RAX);
        x_cmov(a, CC_E, w, RAX, rm_reg(RCX));
        if (n->op == IR_CLZ)
            x_alu_imm(a, ALU_XOR, w, rm_reg(RAX), w ? 63 : 31);
        if (d != RAX)
            x_rr(a, I_MOV, w, d, RAX);
    }
    dst_done(e, n, d);
}

static void extend(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    bool w = n->type == T_I64;
    uint8_t d = dst_reg(e, n, RAX);
    struct loc x = loc_of(e, n->a);
    if (x.kind == L_IMM) {
        gpr_load(e, RAX, n->a, w);
        x = (struct loc){.kind = L_REG, .reg = RAX};
    }
    switch (n->op) {
    case IR_EXT8:
        x_byte_load(a, I_MOVSX8, w, d, loc_rm(x));
        break;
    case IR_EXT16:
        x_rm(a, I_MOVSX16, w, d, loc_rm(x));
        break;
    case IR_ZEXT:
        x_rm(a, I_MOV, false, d, loc_rm(x));
        break;
    default:
        x_rm(a, I_MOVSXD, true, d, loc_rm(x));
        break; /* EXT32, SEXT */
    }
    dst_done(e, n, d);
}

/* ---- comparison ---- */

static unsigned cc_swapped(unsigned cc)
{
    switch (cc) {
    case CC_B:
        return CC_A;
    case CC_A:
        return CC_B;
    case CC_AE:
        return CC_BE;
    case CC_BE:
        return CC_AE;
    case CC_L:
        return CC_G;
    case CC_G:
        return CC_L;
    case CC_LE:
        return CC_GE;
    case CC_GE:
        return CC_LE;
    default:
        return cc;
    }
}

static const uint8_t cc_of[COND_COUNT] = {
    [COND_EQ] = CC_E,   [COND_NE] = CC_NE,   [COND_LT_S] = CC_L, [COND_GE_S] = CC_GE,
    [COND_LT_U] = CC_B, [COND_GE_U] = CC_AE, [COND_GT_S] = CC_G, [COND_LE_S] = CC_LE,
    [COND_GT_U] = CC_A, [COND_LE_U] = CC_BE,
};

static const struct node *folded_load(const struct emit *e, ref r)
{
    const struct node *n = ref_is_node(r) ? &e->c->body.nodes[ref_index(r)] : NULL;
    return n && (n->op == IR_LOAD || n->op == IR_GLOBAL_GET) && (n->flags & NF_FOLD) ? n : NULL;
}

/* What is loaded without a sign, and the constant, are no negative numbers. */
static unsigned cond_unsigned(unsigned cond)
{
    static const uint8_t without[COND_COUNT] = {
        [COND_EQ] = COND_EQ,     [COND_NE] = COND_NE,     [COND_LT_S] = COND_LT_U,
        [COND_GE_S] = COND_GE_U, [COND_LT_U] = COND_LT_U, [COND_GE_U] = COND_GE_U,
        [COND_GT_S] = COND_GT_U, [COND_LE_S] = COND_LE_U, [COND_GT_U] = COND_GT_U,
        [COND_LE_U] = COND_LE_U,
    };
    return without[cond];
}

/* Memory against a constant (ir/build_value.c); returns the condition, of ir.h. */
static unsigned compare_there(struct emit *e, const struct node *n, const struct node *load)
{
    uint64_t imm = e->c->body.nodes[ref_index(n->b)].imm;
    if (load->op == IR_GLOBAL_GET) {
        struct rm global = rm_rip(&e->instance->globals[load->idx]->lo);
        x_alu_imm(&e->a, ALU_CMP, load->type == T_I64, global, (int32_t)imm);
        return n->sub;
    }
    struct rm rm = memory_rm(e, load->a, load->off, load->idx, load->pos);
    switch (load->sub) {
    case M_8U: case M_8S:
        x_rmi8(&e->a, I_CMP8_IMM, false, 7, rm, (uint8_t)imm);
        break;
    case M_16U: case M_16S:
        x_rmi8(&e->a, I_CMP16_IMM, false, 7, rm, (uint8_t)imm);
        break;
    default:
        x_alu_imm(&e->a, ALU_CMP, load->sub == M_64, rm, (int32_t)imm);
        break;
    }
    bool is_extended = load->sub == M_8U || load->sub == M_16U ||
                       (load->sub == M_32U && load->type == T_I64);
    return is_extended ? cond_unsigned(n->sub) : n->sub;
}

/* Bits of memory against zero. */
static void test_there(struct emit *e, const struct node *load, uint64_t mask)
{
    struct rm rm = memory_rm(e, load->a, load->off, load->idx, load->pos);
    if (load->sub == M_8U)
        x_rmi8(&e->a, I_TEST8_IMM, false, 0, rm, (uint8_t)mask);
    else
        x_rmi32(&e->a, I_TEST32, load->sub == M_64, 0, rm, (int32_t)mask);
}

/* x & y against zero; n: the AND, which is folded. */
static void test_and(struct emit *e, const struct node *n, bool w)
{
    struct assembler *a = &e->a;
    const struct node *load = folded_load(e, n->a);
    if (load) {
        test_there(e, load, e->c->body.nodes[ref_index(n->b)].imm);
        return;
    }
    uint8_t x = gpr_of(e, n->a, RAX, w);
    struct rm y;
    uint64_t imm;
    if (is_imm(e, n->b, &imm)) { /* the upper half of a mask of 32 bits is zero */
        w = w && imm > UINT32_MAX;
        x_rmi32(a, I_TEST32, w, 0, rm_reg(x), (int32_t)imm);
        return;
    }
    operand_rm(e, n->b, &y);
    if (y.kind != RM_REG) {
        x_rm(a, I_MOV, w, RCX, y);
        y = rm_reg(RCX);
    }
    x_rm(a, I_TEST, w, x, y);
}

static const struct node *folded_and(const struct emit *e, ref r)
{
    const struct node *n = ref_is_node(r) ? &e->c->body.nodes[ref_index(r)] : NULL;
    return n && n->op == IR_AND && (n->flags & NF_FOLD) ? n : NULL;
}

unsigned emit_cmp(struct emit *e, const struct node *n)
{
    ENGINE_ASSERT(n->op == IR_CMP && n->sub < COND_COUNT);
    unsigned cc = cc_of[n->sub];
    const struct node *and = folded_and(e, n->a);
    if (and) {
        ENGINE_ASSERT(n->sub == COND_EQ || n->sub == COND_NE);
        test_and(e, and, n->type == T_I64);
        return cc;
    }
    const struct node *load = folded_load(e, n->a);
    if (load)
        return cc_of[compare_there(e, n, load)];
    struct assembler *a = &e->a;
    bool w = n->type == T_I64;
    uint64_t imm;
    struct loc x = loc_of(e, n->a);
    if (is_imm(e, n->b, &imm)) {
        if (fits32(imm, w)) {
            int32_t v = (int32_t)imm;
            if (x.kind == L_IMM) {
                gpr_load(e, RAX, n->a, w);
                x = (struct loc){.kind = L_REG, .reg = RAX};
            }
            if (v != 0 || x.kind != L_REG)
                x_alu_imm(a, ALU_CMP, w, loc_rm(x), v);
            else if (!is_zero_known(e, n, x.reg))
                x_rr(a, I_TEST, w, x.reg, x.reg);
            return cc;
        }
        x_mov_imm(a, RCX, imm);
        uint8_t r = gpr_of(e, n->a, RAX, w);
        x_rr(a, I_CMP, w, r, RCX);
        return cc;
    }
    struct rm y;
    if (x.kind == L_IMM && fits32(x.imm, w)) { /* constant on the left */
        operand_rm(e, n->b, &y);
        x_alu_imm(a, ALU_CMP, w, y, (int32_t)x.imm);
        return cc_swapped(cc);
    }
    uint8_t r = gpr_of(e, n->a, RAX, w);
    operand_rm(e, n->b, &y);
    x_rm(a, I_CMP, w, r, y);
    return cc;
}

unsigned emit_condition(struct emit *e, ref r)
{
    struct assembler *a = &e->a;
    if (ref_is_node(r)) {
        const struct node *n = &e->c->body.nodes[ref_index(r)];
        if (n->flags & NF_FOLD && n->op == IR_CMP)
            return emit_cmp(e, n);
        if (folded_and(e, r)) {
            test_and(e, n, false);
            return CC_NE;
        }
        if (n == e->tested && asm_offset(a) == e->tested_at)
            return CC_NE;
    }
    uint8_t x = gpr_of(e, r, RAX, false);
    x_rr(a, I_TEST, false, x, x);
    return CC_NE;
}

void emit_select(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    unsigned cc = emit_condition(e, n->c);
    if (!type_is_int(n->type)) {
        uint8_t d = dst_xmm(e, n);
        struct loc x = loc_of(e, n->a);
        bool have_x = x.kind == L_REG && x.reg == d;
        if (!have_x)
            xmm_load(e, d, n->b, n->type); /* leaves the flags alone, as all moves do */
        uint32_t skip = short_jump(a, (int)(have_x ? cc : cc ^ 1));
        xmm_load(e, d, have_x ? n->b : n->a, n->type);
        short_here(a, skip);
        dst_done(e, n, d);
        return;
    }
    bool w = n->type == T_I64;
    uint8_t d = dst_reg(e, n, RAX);
    struct loc x = loc_of(e, n->a), y = loc_of(e, n->b);
    if (x.kind == L_REG && x.reg == d) {
        x = y;
        cc ^= 1;
    } else {
        gpr_load(e, d, n->b, w);
    }
    if (x.kind == L_IMM) {
        x_mov_imm(a, RCX, w ? x.imm : (uint32_t)x.imm);
        x = (struct loc){.kind = L_REG, .reg = RCX};
    }
    x_cmov(a, cc, w, d, loc_rm(x));
    dst_done(e, n, d);
}

void emit_int(struct emit *e, struct node *n)
{
    uint8_t d;
    switch (n->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
        binary(e, n);
        return;
    case IR_MULHI:
        upper_half(e, n);
        return;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROTL:
    case IR_ROTR:
        shift(e, n);
        return;
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU:
        divide(e, n);
        return;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT:
        count_bits(e, n);
        return;
    case IR_EXT8:
    case IR_EXT16:
    case IR_EXT32:
    case IR_SEXT:
    case IR_ZEXT:
        extend(e, n);
        return;
    default: /* CMP as a value */
        d = dst_reg(e, n, RAX);
        {
            unsigned cc = emit_cmp(e, n);
            x_setcc(&e->a, cc, RAX);
        }
        x_byte_load(&e->a, I_MOVZX8, false, d, rm_reg(RAX));
        dst_done(e, n, d);
        return;
    }
}
