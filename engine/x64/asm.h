/* Encoder: bytes of one instruction at a time into a growing buffer (Intel SDM volume 2, chapter
 * 2).
 *
 * Owns encoding only; which instruction, is emit*.c's business.  Registers are 0..15 within their
 * own file.  The buffer must have room: emit.c looks once per node. */
#ifndef ENGINE_X64_ASM_H
#define ENGINE_X64_ASM_H

#include "engine/piece.h"

/* Condition codes as the CPU encodes them (manual table B-1). */
enum cc {
    CC_B = 2,
    CC_AE = 3,
    CC_E = 4,
    CC_NE = 5,
    CC_BE = 6,
    CC_A = 7,
    CC_S = 8,
    CC_NS = 9,
    CC_P = 10,
    CC_NP = 11,
    CC_L = 12,
    CC_GE = 13,
    CC_LE = 14,
    CC_G = 15
};

enum insn {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) I_##name,
#include "engine/x64/encode.def"
#undef INSN
    I_COUNT
};
struct insn_row {
    uint8_t prefix, map, opcode, digit;
};
extern const struct insn_row insn_rows[I_COUNT];

struct assembler {
    uint8_t *start, *at, *end;
    /* where start will run; 0: nowhere yet, what depends on it becomes a relocation */
    uint64_t address;
    struct engine *engine; /* whose scratch memory holds the relocations; NULL: none are wanted */
    struct reloc *relocs;
    uint32_t nrelocs, relocs_cap;
    bool failed; /* sticky: no scratch memory */
};

/* A register or memory operand.  Memory: [base + index << scale + disp], modulo 2^32 where `wraps`
 * (prefix 0x67); [disp], [index << scale]; or an absolute address reached by rip.  16 bytes, as
 * calls pass such a struct in registers. */
enum { RM_REG, RM_MEM, RM_ABS, RM_RIP };
#define NO_INDEX 4 /* as SIB says it: rsp is never an index */
struct rm {
    uint8_t kind, base, index, scale;
    bool wraps;
    union {
        int32_t disp;
        uint64_t address; /* RM_RIP */
    };
};
_Static_assert(sizeof(struct rm) == 16, "passed in registers");
static inline struct rm rm_reg(uint8_t reg)
{
    return (struct rm){.kind = RM_REG, .base = reg & 15};
}
static inline struct rm rm_mem(uint8_t base, int32_t disp)
{
    return (struct rm){.kind = RM_MEM, .base = base, .index = NO_INDEX, .disp = disp};
}
static inline struct rm rm_index(uint8_t base, uint8_t index, uint8_t scale, int32_t disp)
{
    return (struct rm){.kind = RM_MEM, .base = base, .index = index, .scale = scale, .disp = disp};
}
static inline struct rm rm_rip(const void *address)
{
    return (struct rm){.kind = RM_RIP, .address = (uint64_t)(uintptr_t)address};
}
static inline struct rm rm_abs(int32_t disp)
{
    return (struct rm){.kind = RM_ABS, .index = NO_INDEX, .disp = disp};
}
static inline struct rm rm_scaled(uint8_t index, uint8_t scale)
{
    return (struct rm){.kind = RM_ABS, .index = index, .scale = scale};
}

typedef uint32_t code32 __attribute__((aligned(1), may_alias)); /* anywhere in code */

static inline void asm_u8(struct assembler *a, unsigned b)
{
    *a->at++ = (uint8_t)b;
}
static inline void asm_u32(struct assembler *a, uint32_t v)
{
    *(code32 *)a->at = v;
    a->at += 4;
}
static inline void asm_u64(struct assembler *a, uint64_t v)
{
    asm_u32(a, (uint32_t)v);
    asm_u32(a, (uint32_t)(v >> 32));
}
static inline uint32_t asm_offset(const struct assembler *a)
{
    return (uint32_t)(a->at - a->start);
}
static inline void asm_patch32(struct assembler *a, uint32_t offset, uint32_t v)
{
    *(code32 *)(a->start + offset) = v;
}

/* A piece of at most `bytes` bytes begins, and is whole.  false: no scratch memory. */
bool asm_begin(struct assembler *, struct engine *, uint32_t bytes);
bool asm_end(const struct assembler *, struct piece *);

/* reg, r/m. */
void asm_rm(struct assembler *, enum insn, bool w, uint8_t reg, struct rm);
void asm_rr(struct assembler *, enum insn, bool w, uint8_t reg, uint8_t rm);

static inline void x_rm(struct assembler *a, enum insn i, bool w, uint8_t reg, struct rm rm)
{
    asm_rm(a, i, w, reg & 15, rm);
}
static inline void x_rr(struct assembler *a, enum insn i, bool w, uint8_t reg, uint8_t rm)
{
    asm_rr(a, i, w, reg & 15, rm & 15);
}
/* /digit of the row */
static inline void x_m(struct assembler *a, enum insn i, bool w, struct rm rm)
{
    asm_rm(a, i, w, insn_rows[i].digit, rm);
}

/* add or adc sbb and sub xor cmp by immediate: /digit 0 1 2 3 4 5 6 7 */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };
void x_alu_imm(struct assembler *, enum alu, bool w, struct rm, int32_t imm);
void x_shift_imm(struct assembler *, enum shift, bool w, struct rm, uint8_t imm);
void x_shift_cl(struct assembler *, enum shift, bool w, struct rm);
/* shortest; leaves the flags alone */
void x_mov_imm(struct assembler *, uint8_t reg, uint64_t imm);
void x_zero(struct assembler *, uint8_t reg);                  /* xor: changes the flags */
void x_rmi8(struct assembler *, enum insn, bool w, uint8_t reg, struct rm, uint8_t imm);
void x_rmi16(struct assembler *, enum insn, uint8_t reg, struct rm, uint16_t imm);
void x_rmi32(struct assembler *, enum insn, bool w, uint8_t reg, struct rm, int32_t imm);
void x_vex(struct assembler *, enum insn, bool w, uint8_t reg, uint8_t vvvv, struct rm);
void x_setcc(struct assembler *, unsigned cc, uint8_t reg);
void x_cmov(struct assembler *, unsigned cc, bool w, uint8_t reg, struct rm);
void x_store8(struct assembler *, uint8_t reg, struct rm);
void x_byte_load(struct assembler *, enum insn, bool w, uint8_t reg,
                 struct rm); /* movzx8, movsx8 with a register source */
void x_push(struct assembler *, uint8_t reg);
void x_pop(struct assembler *, uint8_t reg);
void x_ret(struct assembler *);
void x_cdq(struct assembler *, bool w); /* w: cqo */
void x_rep_movsb(struct assembler *);   /* rcx bytes from rsi to rdi, upwards */
void x_rep_stosb(struct assembler *);   /* rcx times al to rdi */

/* Jumps and calls out of the piece. */
void x_jmp_to(struct assembler *, enum reloc_kind, uint64_t to);
void x_jcc_to(struct assembler *, unsigned cc, enum reloc_kind, uint64_t to);
void x_call_to(struct assembler *, enum reloc_kind, uint64_t to);

/* Jumps and calls to addresses; the rel32's code offset is returned, for asm_link if the target is
 * not known yet. */
#define ASM_LATER 0
uint32_t x_jmp(struct assembler *, uint64_t target);
uint32_t x_jcc(struct assembler *, unsigned cc, uint64_t target);
uint32_t x_call(struct assembler *, uint64_t target);
/* The rel32, or the rip-relative displacement that ends an instruction, at the code offset `site`,
 * leads to `to`. */
void asm_link(struct assembler *, uint32_t site, uint32_t to);

/* Short jumps; cc < 0: without a condition.  short_jump emits one to where short_here is called,
 * which must be near; short_back one to the code offset `to`, which is behind (false, and nothing:
 * too far). */
#define SHORT_JUMP_BYTES 2
uint32_t short_jump(struct assembler *, int cc);
void short_here(struct assembler *, uint32_t from);
bool short_back(struct assembler *, int cc, uint32_t to);

/* What is no code: bytes up to a multiple of `bytes`; a constant. */
void asm_align(struct assembler *, uint32_t bytes);
void asm_data64(struct assembler *, uint64_t value);

#endif
