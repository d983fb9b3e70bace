/* Encoder: prefixes, REX and VEX, ModRM, SIB, displacements, immediates.  Table: encode.def.  Each
 * instruction is told to meant.h when it is whole. */
#include "engine/assert.h"
#include "engine/x64/meant.h"

const struct insn_row insn_rows[I_COUNT] = {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) {prefix, map, opcode, digit},
#include "engine/x64/encode.def"
#undef INSN
};

/* ---- what depends on the place ---- */

static bool relocs_grow(struct assembler *a)
{
    uint32_t cap = a->relocs_cap ? 2 * a->relocs_cap : 32;
    struct reloc *more = scratch_alloc(a->engine, (uint64_t)cap * sizeof *more);
    if (!more) {
        a->failed = true;
        return false;
    }
    for (uint32_t i = 0; i < a->nrelocs; i++)
        more[i] = a->relocs[i];
    a->relocs = more;
    a->relocs_cap = cap;
    return true;
}

static void relocate(struct assembler *a, struct reloc r)
{
    if (!a->engine || (a->nrelocs == a->relocs_cap && !relocs_grow(a)))
        return;
    a->relocs[a->nrelocs++] = r;
}

bool asm_begin(struct assembler *a, struct engine *e, uint32_t bytes)
{
    uint8_t *start = scratch_alloc(e, bytes);
    if (!start)
        return false;
    *a = (struct assembler){.start = start, .at = start, .end = start + bytes, .engine = e};
    meant_begin(a);
    return true;
}

bool asm_end(const struct assembler *a, struct piece *out)
{
    ENGINE_ASSERT(a->at <= a->end);
    *out = (struct piece){.code = a->start,
                          .bytes = asm_offset(a),
                          .room = (uint32_t)(a->end - a->start),
                          .relocs = a->relocs,
                          .nrelocs = a->nrelocs};
    return !a->failed;
}

/* ---- instructions ---- */

static bool fits8(int32_t v)
{
    return v >= -128 && v <= 127;
}

/* The bytes of an instruction go by a pointer of their own, from one helper to the next: each byte
 * may be anything in the eyes of the compiler, which would read a->at again behind every one. */
static inline uint8_t *put8(uint8_t *p, unsigned byte)
{
    *p = (uint8_t)byte;
    return p + 1;
}

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    *(code32 *)p = v;
    return p + 4;
}

static uint8_t *modrm_rip(struct assembler *a, uint8_t *p, unsigned r, uint64_t address,
                          unsigned imm_bytes)
{
    p = put8(p, r | 5u);
    uint32_t at = (uint32_t)(p - a->start);
    if (address)
        relocate(a, (struct reloc){at, RELOC_ADDRESS, (uint8_t)imm_bytes, address});
    return put32(p, (uint32_t)(address - (a->address + at + 4 + imm_bytes)));
}

static inline uint8_t *sib(uint8_t *p, const struct rm *rm, unsigned base)
{
    return put8(p, (unsigned)rm->scale << 6 | (rm->index & 7u) << 3 | base);
}

/* ModRM, and SIB where it takes one. */
static inline uint8_t *modrm_base(uint8_t *p, unsigned mod_r, const struct rm *rm)
{
    unsigned base = rm->base & 7;
    if (rm->index == NO_INDEX && base != 4)
        return put8(p, mod_r | base);
    return sib(put8(p, mod_r | 4u), rm, base);
}

static inline uint8_t *modrm_memory(uint8_t *p, unsigned r, const struct rm *rm)
{
    if (rm->disp == 0 && (rm->base & 7) != 5)
        return modrm_base(p, r, rm);
    if (fits8(rm->disp))
        return put8(modrm_base(p, 0x40 | r, rm), (uint8_t)rm->disp);
    return put32(modrm_base(p, 0x80 | r, rm), (uint32_t)rm->disp);
}

static uint8_t *modrm_seldom(struct assembler *a, uint8_t *p, unsigned r, const struct rm *rm,
                             unsigned imm_bytes)
{
    if (rm->kind == RM_RIP)
        return modrm_rip(a, p, r, rm->address, imm_bytes);
    return put32(sib(put8(p, r | 4u), rm, 5), (uint32_t)rm->disp); /* SIB without base */
}

static inline __attribute__((always_inline)) uint8_t *
modrm(struct assembler *a, uint8_t *p, uint8_t reg, const struct rm *rm, unsigned imm_bytes)
{
    unsigned r = (reg & 7u) << 3;
    if (rm->kind == RM_REG)
        return put8(p, 0xc0u | r | (rm->base & 7));
    if (rm->kind == RM_MEM)
        return modrm_memory(p, r, rm);
    return modrm_seldom(a, p, r, rm, imm_bytes);
}

/* A kind of operand that has no base, or no index, has 0 there. */
static inline unsigned rex_bits(uint8_t reg, const struct rm *rm)
{
    return (reg >> 1 & 4u) | (rm->index >> 2 & 2u) | (rm->base >> 3 & 1u);
}

static inline uint8_t *opcode_map(uint8_t *p, const struct insn_row *row)
{
    if (row->map)
        p = put8(p, 0x0f);
    if (row->map > 1)
        p = put8(p, row->map == 2 ? 0x38 : 0x3a);
    return p;
}

/* An instruction of the table but for its immediate; returns where it starts.  `byte_reg`: reg (or
 * a register r/m) is an 8-bit register and needs REX from 4 on.  In line where most instructions
 * come from: registers alone need little of it. */
static inline __attribute__((always_inline)) uint32_t
insn_in_line(struct assembler *a, enum insn i, bool w, uint8_t reg, const struct rm *rm,
             bool byte_reg, unsigned imm_bytes, unsigned plus)
{
    uint32_t at = asm_offset(a);
    uint8_t *p = a->at;
    const struct insn_row *row = &insn_rows[i];
    if (rm->wraps)
        p = put8(p, 0x67);
    if (row->prefix)
        p = put8(p, row->prefix);
    unsigned rex = rex_bits(reg, rm) | (w ? 8 : 0);
    bool low_byte = byte_reg && (reg >= 4 || (rm->kind == RM_REG && rm->base >= 4));
    if (rex || low_byte)
        p = put8(p, 0x40 | rex);
    p = put8(opcode_map(p, row), row->opcode + plus);
    a->at = modrm(a, p, reg, rm, imm_bytes);
    return at;
}

static uint32_t table_insn(struct assembler *a, enum insn i, bool w, uint8_t reg,
                           const struct rm *rm, bool byte_reg, unsigned imm_bytes, unsigned plus)
{
    return insn_in_line(a, i, w, reg, rm, byte_reg, imm_bytes, plus);
}

void asm_rm(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm)
{
    uint32_t at = insn_in_line(a, i, w, reg, &rm, false, 0, 0);
    meant_is(a, at, (struct meant){.insn = i, .w = w, .reg = reg, .rm = rm});
}

void asm_rr(struct assembler *a, enum insn i, bool w, uint8_t reg, uint8_t other)
{
    struct rm rm = rm_reg(other);
    uint32_t at = insn_in_line(a, i, w, reg, &rm, false, 0, 0);
    meant_is(a, at, (struct meant){.insn = i, .w = w, .reg = reg, .rm = rm});
}

static void byte_rm(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm)
{
    uint32_t at = table_insn(a, i, w, reg, &rm, true, 0, 0);
    meant_is(a, at, (struct meant){.insn = i, .w = w, .reg = reg, .rm = rm});
}

void x_vex(struct assembler *a, enum insn i, bool w, uint8_t reg, uint8_t vvvv, struct rm rm)
{
    uint32_t at = asm_offset(a);
    const struct insn_row *row = &insn_rows[i];
    unsigned rex = rex_bits(reg, &rm);
    unsigned pp = row->prefix == 0x66 ? 1 : row->prefix == 0xf3 ? 2 : row->prefix == 0xf2 ? 3 : 0;
    if (rm.wraps)
        asm_u8(a, 0x67);
    asm_u8(a, 0xc4);
    asm_u8(a,
           ((rex & 4) ? 0 : 0x80u) | ((rex & 2) ? 0 : 0x40u) | ((rex & 1) ? 0 : 0x20u) | row->map);
    asm_u8(a, (w ? 0x80u : 0) | (~(unsigned)vvvv & 15) << 3 | pp);
    asm_u8(a, row->opcode);
    a->at = modrm(a, a->at, reg, &rm, 0);
    meant_is(a, at, (struct meant){.insn = i, .w = w, .reg = reg, .vvvv = vvvv, .rm = rm});
}

void x_alu_imm(struct assembler *a, enum alu op, bool w, struct rm rm, int32_t imm)
{
    bool small = fits8(imm);
    enum insn i = small ? I_ALU8 : I_ALU32;
    uint32_t at = table_insn(a, i, w, (uint8_t)op, &rm, false, small ? 1 : 4, 0);
    if (small)
        asm_u8(a, (uint8_t)imm);
    else
        asm_u32(a, (uint32_t)imm);
    meant_is(a, at,
             (struct meant){ .insn = i,
                             .w = w,
                             .reg = (uint8_t)op,
                             .rm = rm,
                             .imm = (uint64_t)(int64_t)imm,
                             .imm_bits = w ? 64 : 32 });
}

void x_shift_imm(struct assembler *a, enum shift op, bool w, struct rm rm, uint8_t imm)
{
    x_rmi8(a, I_SHIFT_IMM, w, (uint8_t)op, rm, imm);
}

void x_shift_cl(struct assembler *a, enum shift op, bool w, struct rm rm)
{
    asm_rm(a, I_SHIFT_CL, w, (uint8_t)op, rm);
}

void x_mov_imm(struct assembler *a, uint8_t reg, uint64_t imm)
{
    uint32_t at = asm_offset(a);
    bool small = imm >> 32 == 0;
    if (!small && (int64_t)imm == (int32_t)imm) {
        x_rmi32(a, I_MOV_IMM, true, 0, rm_reg(reg), (int32_t)imm);
        return;
    }
    if (!small || reg >= 8)
        asm_u8(a, 0x40u | (small ? 0 : 8u) | (reg >= 8));
    asm_u8(a, 0xb8u + (reg & 7));
    if (small)
        asm_u32(a, (uint32_t)imm);
    else
        asm_u64(a, imm);
    meant_is(a, at,
             (struct meant){
                 .insn = MEANT_MOV, .w = !small, .rm = rm_reg(reg), .imm = imm, .imm_bits = 64 });
}

void x_zero(struct assembler *a, uint8_t reg)
{
    x_rr(a, I_XOR, false, reg, reg);
}

void x_rmi8(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, uint8_t imm)
{
    uint32_t at = table_insn(a, i, w, reg, &rm, false, 1, 0);
    asm_u8(a, imm);
    meant_is(a, at,
             (struct meant){ .insn = i, .w = w, .reg = reg, .rm = rm, .imm = imm, .imm_bits = 8 });
}

void x_rmi16(struct assembler *a, enum insn i, uint8_t reg, struct rm rm, uint16_t imm)
{
    uint32_t at = table_insn(a, i, false, reg, &rm, false, 2, 0);
    asm_u8(a, (uint8_t)imm);
    asm_u8(a, imm >> 8);
    meant_is(a, at, (struct meant){.insn = i, .reg = reg, .rm = rm, .imm = imm, .imm_bits = 16});
}

void x_rmi32(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, int32_t imm)
{
    uint32_t at = table_insn(a, i, w, reg, &rm, false, 4, 0);
    asm_u32(a, (uint32_t)imm);
    meant_is(a, at,
             (struct meant){ .insn = i,
                             .w = w,
                             .reg = reg,
                             .rm = rm,
                             .imm = (uint64_t)(int64_t)imm,
                             .imm_bits = w ? 64 : 32 });
}

void x_setcc(struct assembler *a, unsigned cc, uint8_t reg)
{
    struct rm rm = rm_reg(reg);
    uint32_t at = table_insn(a, I_SETCC, false, 0, &rm, true, 0, cc);
    meant_is(a, at, (struct meant){.insn = I_SETCC, .rm = rm, .plus = (uint8_t)cc});
}

void x_cmov(struct assembler *a, unsigned cc, bool w, uint8_t reg, struct rm rm)
{
    uint32_t at = table_insn(a, I_CMOV, w, reg, &rm, false, 0, cc);
    meant_is(a, at,
             (struct meant){ .insn = I_CMOV, .w = w, .reg = reg, .rm = rm, .plus = (uint8_t)cc });
}

void x_store8(struct assembler *a, uint8_t reg, struct rm rm)
{
    byte_rm(a, I_MOV8_STORE, false, reg, rm);
}

void x_byte_load(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm)
{
    if (rm.kind == RM_REG && rm.base >= 4)
        byte_rm(a, i, w, reg, rm);
    else
        asm_rm(a, i, w, reg, rm);
}

/* One byte with a register in its lower bits. */
static void opcode_reg(struct assembler *a, unsigned opcode, uint8_t reg, unsigned insn)
{
    uint32_t at = asm_offset(a);
    if (reg >= 8)
        asm_u8(a, 0x41);
    asm_u8(a, opcode + (reg & 7));
    meant_is(a, at, (struct meant){.insn = insn, .rm = rm_reg(reg)});
}

void x_push(struct assembler *a, uint8_t reg)
{
    opcode_reg(a, 0x50, reg, MEANT_PUSH);
}

void x_pop(struct assembler *a, uint8_t reg)
{
    opcode_reg(a, 0x58, reg, MEANT_POP);
}

void x_ret(struct assembler *a)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, 0xc3);
    meant_is(a, at, (struct meant){.insn = MEANT_RET});
}

void x_cdq(struct assembler *a, bool w)
{
    uint32_t at = asm_offset(a);
    if (w)
        asm_u8(a, 0x48);
    asm_u8(a, 0x99);
    meant_is(a, at, (struct meant){.insn = MEANT_CDQ, .w = w});
}

static void rep(struct assembler *a, unsigned opcode, unsigned insn)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, 0xf3);
    asm_u8(a, opcode);
    meant_is(a, at, (struct meant){.insn = insn});
}

void x_rep_movsb(struct assembler *a)
{
    rep(a, 0xa4, MEANT_REP_MOVSB);
}

void x_rep_stosb(struct assembler *a)
{
    rep(a, 0xaa, MEANT_REP_STOSB);
}

/* ---- jumps ---- */

/* The relative number of a jump whose opcode stands at `at`; returns its place. */
static uint32_t rel32(struct assembler *a, uint32_t at, uint64_t target, unsigned insn, unsigned cc)
{
    uint32_t site = asm_offset(a);
    asm_u32(a, (uint32_t)(target - (a->address + site + 4)));
    meant_is(a, at,
             (struct meant){
                 .insn = insn, .plus = (uint8_t)cc, .rm = { .kind = RM_RIP, .address = target } });
    return site;
}

uint32_t x_jmp(struct assembler *a, uint64_t target)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, 0xe9);
    return rel32(a, at, target, MEANT_JMP, 0);
}

uint32_t x_jcc(struct assembler *a, unsigned cc, uint64_t target)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, 0x0f);
    asm_u8(a, 0x80u + cc);
    return rel32(a, at, target, MEANT_JCC, cc);
}

uint32_t x_call(struct assembler *a, uint64_t target)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, 0xe8);
    return rel32(a, at, target, MEANT_CALL, 0);
}

void x_jmp_to(struct assembler *a, enum reloc_kind kind, uint64_t to)
{
    relocate(a, (struct reloc){x_jmp(a, ASM_LATER), (uint8_t)kind, 0, to});
}

void x_jcc_to(struct assembler *a, unsigned cc, enum reloc_kind kind, uint64_t to)
{
    relocate(a, (struct reloc){x_jcc(a, cc, ASM_LATER), (uint8_t)kind, 0, to});
}

void x_call_to(struct assembler *a, enum reloc_kind kind, uint64_t to)
{
    relocate(a, (struct reloc){x_call(a, ASM_LATER), (uint8_t)kind, 0, to});
}

void asm_link(struct assembler *a, uint32_t site, uint32_t to)
{
    ENGINE_ASSERT(site + 4 <= asm_offset(a) && to <= asm_offset(a));
    asm_patch32(a, site, to - (site + 4));
    meant_link(a, site, to);
}

static void rel8(struct assembler *a, int cc, int distance, uint32_t to, bool linked)
{
    uint32_t at = asm_offset(a);
    asm_u8(a, cc < 0 ? 0xebu : 0x70u + (unsigned)cc);
    asm_u8(a, (uint8_t)distance);
    meant_is(a, at,
             (struct meant){ .insn = cc < 0 ? MEANT_JMP : MEANT_JCC,
                             .plus = (uint8_t)(cc < 0 ? 0 : cc),
                             .rm = { .kind = RM_RIP, .address = to },
                             .local = linked });
}

bool short_back(struct assembler *a, int cc, uint32_t to)
{
    ENGINE_ASSERT(to <= asm_offset(a));
    int64_t distance = (int64_t)to - (asm_offset(a) + SHORT_JUMP_BYTES);
    if (distance < -128)
        return false;
    rel8(a, cc, (int)distance, to, true);
    return true;
}

uint32_t short_jump(struct assembler *a, int cc)
{
    rel8(a, cc, 0, ASM_LATER, false);
    return asm_offset(a);
}

void short_here(struct assembler *a, uint32_t from)
{
    ENGINE_ASSERT(from > 0 && asm_offset(a) >= from && asm_offset(a) - from <= 127);
    a->start[from - 1] = (uint8_t)(asm_offset(a) - from);
    meant_link(a, from - 1, asm_offset(a));
}

/* ---- data ---- */

void asm_align(struct assembler *a, uint32_t bytes)
{
    ENGINE_ASSERT(bytes && (bytes & (bytes - 1)) == 0);
    uint32_t at = asm_offset(a);
    while (asm_offset(a) % bytes)
        asm_u8(a, 0xcc);
    if (asm_offset(a) > at)
        meant_is(a, at, (struct meant){.insn = MEANT_DATA});
}

void asm_data64(struct assembler *a, uint64_t value)
{
    uint32_t at = asm_offset(a);
    asm_u64(a, value);
    meant_is(a, at, (struct meant){.insn = MEANT_DATA});
}
