/* Encoder: prefixes, REX and VEX, ModRM, SIB, displacements, immediates.  Table: encode.def. */
#include "engine/x64/asm.h"

const struct insn_row insn_rows[I_COUNT] = {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) {prefix, map, opcode, digit},
#include "engine/x64/encode.def"
#undef INSN
};

static bool fits8(int32_t v)
{
    return v >= -128 && v <= 127;
}

static void modrm(struct assembler *a, uint8_t reg, struct rm rm, unsigned imm_bytes)
{
    uint8_t r = (uint8_t)((reg & 7) << 3);
    switch (rm.kind) {
    case RM_REG:
        asm_u8(a, 0xc0u | r | (rm.base & 7));
        return;
    case RM_RIP:
        asm_u8(a, r | 5u);
        asm_u32(a, (uint32_t)(rm.address - (a->address + asm_offset(a) + 4 + imm_bytes)));
        return;
    case RM_ABS: /* SIB without base and index */
        asm_u8(a, r | 4u);
        asm_u8(a, 0x25);
        asm_u32(a, (uint32_t)rm.disp);
        return;
    default:
        break;
    }
    bool sib = rm.index != NO_INDEX || (rm.base & 7) == 4;
    unsigned mod = rm.disp == 0 && (rm.base & 7) != 5 ? 0 : fits8(rm.disp) ? 0x40 : 0x80;
    asm_u8(a, mod | r | (sib ? 4u : (rm.base & 7u)));
    if (sib)
        asm_u8(a, (unsigned)rm.scale << 6 | (rm.index == NO_INDEX ? 4u : (rm.index & 7u)) << 3 | (rm.base & 7u));
    if (mod == 0x40)
        asm_u8(a, (uint8_t)rm.disp);
    else if (mod == 0x80)
        asm_u32(a, (uint32_t)rm.disp);
}

static unsigned rex_bits(uint8_t reg, struct rm rm)
{
    unsigned rex = reg >= 8 ? 4 : 0;
    if ((rm.kind == RM_REG || rm.kind == RM_MEM) && rm.base >= 8)
        rex |= 1;
    if (rm.kind == RM_MEM && rm.index != NO_INDEX && rm.index >= 8)
        rex |= 2;
    return rex;
}

static void opcode_bytes(struct assembler *a, const struct insn_row *row)
{
    if (row->map)
        asm_u8(a, 0x0f);
    if (row->map > 1)
        asm_u8(a, row->map == 2 ? 0x38 : 0x3a);
}

static void asm_rm_plus(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, bool byte_reg,
                        unsigned imm_bytes, unsigned plus)
{
    const struct insn_row *row = &insn_rows[i];
    if (row->prefix)
        asm_u8(a, row->prefix);
    unsigned rex = rex_bits(reg, rm) | (w ? 8 : 0);
    bool low_byte = byte_reg && (reg >= 4 || (rm.kind == RM_REG && rm.base >= 4));
    if (rex || low_byte)
        asm_u8(a, 0x40 | rex);
    opcode_bytes(a, row);
    asm_u8(a, row->opcode + plus);
    modrm(a, reg, rm, imm_bytes);
}

void asm_rm(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, bool byte_reg, unsigned imm_bytes)
{
    asm_rm_plus(a, i, w, reg, rm, byte_reg, imm_bytes, 0);
}

void asm_vex(struct assembler *a, enum insn i, bool w, uint8_t reg, uint8_t vvvv, struct rm rm, unsigned imm_bytes)
{
    const struct insn_row *row = &insn_rows[i];
    unsigned rex = rex_bits(reg, rm);
    unsigned pp = row->prefix == 0x66 ? 1 : row->prefix == 0xf3 ? 2 : row->prefix == 0xf2 ? 3 : 0;
    asm_u8(a, 0xc4);
    asm_u8(a, ((rex & 4) ? 0 : 0x80u) | ((rex & 2) ? 0 : 0x40u) | ((rex & 1) ? 0 : 0x20u) | row->map);
    asm_u8(a, (w ? 0x80u : 0) | (~(unsigned)vvvv & 15) << 3 | pp);
    asm_u8(a, row->opcode);
    modrm(a, reg, rm, imm_bytes);
}

void x_alu_imm(struct assembler *a, enum alu op, bool w, struct rm rm, int32_t imm)
{
    bool small = fits8(imm);
    asm_rm(a, small ? I_ALU8 : I_ALU32, w, (uint8_t)op, rm, false, small ? 1 : 4);
    if (small)
        asm_u8(a, (uint8_t)imm);
    else
        asm_u32(a, (uint32_t)imm);
}

void x_shift_imm(struct assembler *a, enum shift op, bool w, struct rm rm, uint8_t imm)
{
    asm_rm(a, I_SHIFT_IMM, w, (uint8_t)op, rm, false, 1);
    asm_u8(a, imm);
}

void x_shift_cl(struct assembler *a, enum shift op, bool w, struct rm rm)
{
    asm_rm(a, I_SHIFT_CL, w, (uint8_t)op, rm, false, 0);
}

void x_mov_imm(struct assembler *a, uint8_t reg, uint64_t imm)
{
    if (imm >> 32 == 0) {
        if (reg >= 8)
            asm_u8(a, 0x41);
        asm_u8(a, 0xb8u + (reg & 7));
        asm_u32(a, (uint32_t)imm);
    } else if ((int64_t)imm == (int32_t)imm) {
        x_rmi32(a, I_MOV_IMM, true, 0, rm_reg(reg), (int32_t)imm);
    } else {
        asm_u8(a, 0x48u | (reg >= 8));
        asm_u8(a, 0xb8u + (reg & 7));
        asm_u64(a, imm);
    }
}

void x_zero(struct assembler *a, uint8_t reg)
{
    x_rr(a, I_XOR, false, reg, reg);
}

void x_rmi8(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, uint8_t imm)
{
    asm_rm(a, i, w, reg, rm, false, 1);
    asm_u8(a, imm);
}

void x_rmi32(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm, int32_t imm)
{
    asm_rm(a, i, w, reg, rm, false, 4);
    asm_u32(a, (uint32_t)imm);
}

void x_setcc(struct assembler *a, unsigned cc, uint8_t reg)
{
    asm_rm_plus(a, I_SETCC, false, 0, rm_reg(reg), true, 0, cc);
}

void x_cmov(struct assembler *a, unsigned cc, bool w, uint8_t reg, struct rm rm)
{
    asm_rm_plus(a, I_CMOV, w, reg, rm, false, 0, cc);
}

void x_store8(struct assembler *a, uint8_t reg, struct rm rm)
{
    asm_rm(a, I_MOV8_STORE, false, reg, rm, true, 0);
}

void x_byte_load(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm)
{
    asm_rm(a, i, w, reg, rm, rm.kind == RM_REG && rm.base >= 4, 0);
}

void x_push(struct assembler *a, uint8_t reg)
{
    if (reg >= 8)
        asm_u8(a, 0x41);
    asm_u8(a, 0x50u + (reg & 7));
}

void x_pop(struct assembler *a, uint8_t reg)
{
    if (reg >= 8)
        asm_u8(a, 0x41);
    asm_u8(a, 0x58u + (reg & 7));
}

static uint32_t rel32(struct assembler *a, uint64_t target)
{
    uint32_t at = asm_offset(a);
    asm_u32(a, (uint32_t)(target - (a->address + at + 4)));
    return at;
}

uint32_t x_jmp(struct assembler *a, uint64_t target)
{
    asm_u8(a, 0xe9);
    return rel32(a, target);
}

uint32_t x_jcc(struct assembler *a, unsigned cc, uint64_t target)
{
    asm_u8(a, 0x0f);
    asm_u8(a, 0x80u + cc);
    return rel32(a, target);
}

uint32_t x_call(struct assembler *a, uint64_t target)
{
    asm_u8(a, 0xe8);
    return rel32(a, target);
}
