/* Linear memory and globals.
 *
 * An address is a zero-extended i32 plus a 32-bit offset: at most 33 bits, and everything up to
 * there that is not memory faults (engine_env.memory_open).  So there are no bounds checks.  Memory
 * 0 is at address 0 in the guest, or its base is in r13; other memories' bases are read from their
 * struct. */
#include "engine/assert.h"
#include "engine/x64/emit.h"

bool rm_uses(struct rm rm, uint8_t reg)
{
    if (rm.kind == RM_REG)
        return rm.base == reg;
    return rm.kind == RM_MEM && (rm.base == reg || rm.index == reg);
}

/* ---- sums that the access computes itself (ir/build_address.c) ---- */

struct sum {
    ref base, index; /* REF_NONE: none yet */
    uint8_t scale;
    uint32_t disp;
};

static const struct node *folded(const struct emit *e, ref r)
{
    const struct node *n = ref_is_node(r) ? &e->c->body.nodes[ref_index(r)] : NULL;
    return n && (n->op == IR_ADD || n->op == IR_SHL) && (n->flags & NF_FOLD) ? n : NULL;
}

static void sum_add(struct emit *e, struct sum *s, ref r)
{
    uint64_t imm;
    const struct node *n = folded(e, r);
    if (is_imm(e, r, &imm)) {
        s->disp += (uint32_t)imm;
    } else if (n && n->op == IR_ADD) {
        sum_add(e, s, n->a);
        sum_add(e, s, n->b);
    } else if (n) { /* the scaled one is the index */
        ENGINE_ASSERT(s->index == REF_NONE && is_imm(e, n->b, &imm));
        s->index = n->a;
        s->scale = (uint8_t)imm;
    } else if (s->base == REF_NONE) {
        s->base = r;
    } else {
        ENGINE_ASSERT(s->index == REF_NONE);
        s->index = r;
    }
}

/* A register whose lower half is the value's. */
static uint8_t low_half(struct emit *e, ref r)
{
    uint8_t reg = reg_of(e, r);
    if (reg != REG_NONE)
        return reg;
    gpr_load(e, RCX, r, false);
    return RCX;
}

/* base + index << scale into rcx, where both are in slots. */
static void sum_in_rcx(struct emit *e, const struct sum *s)
{
    gpr_load(e, RCX, s->index, false);
    if (s->scale)
        x_shift_imm(&e->a, SHIFT_SHL, false, rm_reg(RCX), s->scale);
    x_rm(&e->a, I_ADD, false, RCX, loc_rm(loc_of(e, s->base)));
}

static struct rm sum_rm(struct emit *e, ref address)
{
    struct sum s = {REF_NONE, REF_NONE, 0, 0};
    struct rm rm;
    sum_add(e, &s, address);
    ENGINE_ASSERT(s.base != REF_NONE);
    if (s.index == REF_NONE) {
        rm = rm_mem(low_half(e, s.base), (int32_t)s.disp);
    } else if (reg_of(e, s.base) == REG_NONE && reg_of(e, s.index) == REG_NONE) {
        sum_in_rcx(e, &s);
        rm = rm_mem(RCX, (int32_t)s.disp);
    } else {
        uint8_t base = low_half(e, s.base);
        rm = rm_index(base, low_half(e, s.index), s.scale, (int32_t)s.disp);
    }
    rm.wraps = true;
    return rm;
}

static __attribute__((noinline)) struct rm memory_rm_seldom(struct emit *e, ref address,
                                                            uint32_t off, uint32_t memory,
                                                            uint32_t pos)
{
    struct assembler *a = &e->a;
    if (folded(e, address)) {
        ENGINE_ASSERT(off == 0 && memory == 0 && e->instance->zero_base);
        struct rm rm = sum_rm(e, address);
        site(e, pos);
        return rm;
    }
    ENGINE_ASSERT(memory < e->c->module->nmemories);
    bool zero = memory == 0 && e->instance->zero_base;
    uint64_t imm;
    uint8_t reg;
    if (is_imm(e, address, &imm)) {
        uint64_t at = (uint32_t)imm + (uint64_t)off;
        if (zero && at <= INT32_MAX) {
            site(e, pos);
            return rm_abs((int32_t)at);
        }
        x_mov_imm(a, RCX, at);
        reg = RCX;
        off = 0;
    } else if (zero && off == 0 && (address & REF_NZ) && reg_of(e, address) != REG_NONE) {
        site(e, pos);
        struct rm rm = rm_mem(reg_of(e, address), 0);
        rm.wraps = true;
        return rm;
    } else {
        reg = gpr_zx(e, address, RCX);
    }
    for (; off > INT32_MAX; off -= INT32_MAX) {
        x_rm(a, I_LEA, true, RCX, rm_mem(reg, INT32_MAX));
        reg = RCX;
    }
    struct rm rm = rm_mem(reg, (int32_t)off);
    if (memory == 0 && !zero) {
        rm = rm_index(REG_BASE, reg, 0, (int32_t)off);
    } else if (memory) {
        if (reg != RCX)
            x_rr(a, I_MOV, true, RCX, reg);
        x_rm(a, I_ADD, true, RCX, rm_rip(&e->instance->memories[memory]->base));
        rm = rm_mem(RCX, (int32_t)off);
    }
    site(e, pos);
    return rm;
}

/* Mostly of memory 0, at an address in a register whose upper half is zero. */
struct rm memory_rm(struct emit *e, ref address, uint32_t off, uint32_t memory, uint32_t pos)
{
    bool usual = ref_is_vreg(address) && !(address & REF_NZ) && memory == 0 && off <= INT32_MAX;
    uint8_t reg = usual ? vreg_reg(e, ref_index(address)) : REG_NONE;
    if (reg == REG_NONE)
        return memory_rm_seldom(e, address, off, memory, pos);
    site(e, pos);
    return e->instance->zero_base ? rm_mem(reg, (int32_t)off)
                                  : rm_index(REG_BASE, reg, 0, (int32_t)off);
}

bool operand_rm(struct emit *e, ref r, struct rm *out)
{
    if (ref_is_node(r)) {
        const struct node *n = &e->c->body.nodes[ref_index(r)];
        if (n->op == IR_LOAD && (n->flags & NF_FOLD)) {
            *out = memory_rm(e, n->a, n->off, n->idx, n->pos);
            return true;
        }
    }
    struct loc l = loc_of(e, r);
    if (l.kind == L_IMM)
        return false;
    *out = loc_rm(l);
    return true;
}

void emit_load(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    struct rm rm = memory_rm(e, n->a, n->off, n->idx, n->pos);
    bool w = n->type == T_I64;
    if (!type_is_int(n->type)) {
        uint8_t d = dst_xmm(e, n);
        x_rm(a,
             n->sub == M_F32   ? I_MOVSS
             : n->sub == M_F64 ? I_MOVSD
                               : I_MOVUPS,
             false, d & 15, rm);
        dst_done(e, n, d);
        return;
    }
    uint8_t d = dst_reg(e, n, RAX);
    switch (n->sub) {
    case M_8U:
        x_rm(a, I_MOVZX8, false, d, rm);
        break;
    case M_8S:
        x_rm(a, I_MOVSX8, w, d, rm);
        break;
    case M_16U:
        x_rm(a, I_MOVZX16, false, d, rm);
        break;
    case M_16S:
        x_rm(a, I_MOVSX16, w, d, rm);
        break;
    case M_32S:
        x_rm(a, I_MOVSXD, true, d, rm);
        break;
    case M_32U:
        x_rm(a, I_MOV, false, d, rm);
        break;
    default:
        x_rm(a, I_MOV, true, d, rm);
        break;
    }
    dst_done(e, n, d);
}

static void store_constant(struct emit *e, struct node *n, struct rm rm, uint64_t imm)
{
    struct assembler *a = &e->a;
    switch (n->sub) {
    case M_8U:
        x_rmi8(a, I_MOV8_IMM, false, 0, rm, (uint8_t)imm);
        return;
    case M_16U:
        x_rmi16(a, I_MOV16_IMM, 0, rm, (uint16_t)imm);
        return;
    default:
        x_rmi32(a, I_MOV_IMM, n->sub == M_64, 0, rm, (int32_t)imm);
        return;
    }
}

void emit_store(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    uint64_t imm;
    if (!type_is_int(n->type)) {
        uint8_t v = xmm_of(e, n->b, XMM15, n->type);
        struct rm rm = memory_rm(e, n->a, n->off, n->idx, n->pos);
        x_rm(a,
             n->sub == M_F32   ? I_MOVSS_STORE
             : n->sub == M_F64 ? I_MOVSD_STORE
                               : I_MOVUPS_STORE,
             false, v & 15, rm);
        return;
    }
    if (is_imm(e, n->b, &imm) && (n->sub != M_64 || fits32(imm, true))) {
        store_constant(e, n, memory_rm(e, n->a, n->off, n->idx, n->pos), imm);
        return;
    }
    uint8_t v = gpr_of(e, n->b, RAX, n->sub == M_64);
    struct rm rm = memory_rm(e, n->a, n->off, n->idx, n->pos);
    switch (n->sub) {
    case M_8U:
        x_store8(a, v, rm);
        break;
    case M_16U:
        x_rm(a, I_MOV16_STORE, false, v, rm);
        break;
    case M_32U:
        x_rm(a, I_MOV_STORE, false, v, rm);
        break;
    default:
        x_rm(a, I_MOV_STORE, true, v, rm);
        break;
    }
}

void emit_global(struct emit *e, struct node *n)
{
    ENGINE_ASSERT(n->idx < e->c->module->nglobals);
    struct rm rm = rm_rip(&e->instance->globals[n->idx]->lo);
    enum irtype t = n->type;
    bool set = n->op == IR_GLOBAL_SET;
    if (type_is_int(t)) {
        bool w = t == T_I64;
        uint8_t r = set ? gpr_of(e, n->a, RAX, w) : dst_reg(e, n, RAX);
        x_rm(&e->a, set ? I_MOV_STORE : I_MOV, w, r, rm);
        if (!set)
            dst_done(e, n, r);
        return;
    }
    static const uint8_t in[] = { I_MOVSS, I_MOVSD, I_MOVUPS },
                         out[] = { I_MOVSS_STORE, I_MOVSD_STORE, I_MOVUPS_STORE };
    uint8_t r = set ? xmm_of(e, n->a, XMM15, t) : dst_xmm(e, n);
    x_rm(&e->a, set ? out[t - T_F32] : in[t - T_F32], false, r & 15, rm);
    if (!set)
        dst_done(e, n, r);
}

void emit_memsize(struct emit *e, struct node *n)
{
    ENGINE_ASSERT(n->idx < e->c->module->nmemories);
    uint8_t d = dst_reg(e, n, RAX);
    x_rm(&e->a, I_MOV, true, d, rm_rip(&e->instance->memories[n->idx]->bytes));
    x_shift_imm(&e->a, SHIFT_SHR, true, rm_reg(d), 16);
    dst_done(e, n, d);
}
