/* The stubs for memory.copy and memory.fill: leaves on the wasm stack, which no C function is.
 *
 * Their callers have checked the ranges (emit_bulk.c), so nothing faults in here.  Up to 64 bytes
 * go by a head and a tail that may overlap, all loaded before the first is stored; more by 64 a
 * turn; from BULK_MANY on the CPU's own block moves are faster.  16 to 32 bytes go by words, as in
 * line.  Scratch: rax, rcx, xmm14, xmm15 and what target_op_clobbers says. */
#include "engine/x64/frame.h"

#define BULK_MANY 1024

/* `count` registers from number `first` on, 16 bytes each. */
static void load(struct assembler *a, unsigned first, unsigned count, struct rm from)
{
    for (unsigned i = 0; i < count; i++, from.disp += 16)
        x_rm(a, I_MOVUPS, false, (uint8_t)(first + i), from);
}

static void store(struct assembler *a, unsigned first, unsigned count, struct rm to)
{
    for (unsigned i = 0; i < count; i++, to.disp += 16)
        x_rm(a, I_MOVUPS_STORE, false, (uint8_t)(first + i), to);
}

/* The last `bytes` of the range of rdx bytes from `base` on. */
static struct rm tail(uint8_t base, int32_t bytes)
{
    return rm_index(base, RDX, 0, -bytes);
}

static void jump_back(struct assembler *a, unsigned cc, uint32_t to)
{
    if (!short_back(a, (int)cc, to))
        a->failed = true;
}

/* If rdx is less than `bytes` the code that follows is passed over: up to short_here. */
static uint32_t unless_less(struct assembler *a, int32_t bytes)
{
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), bytes);
    return short_jump(a, CC_B);
}

/* Two general registers' worth. */
static void copy_pair(struct assembler *a, int32_t bytes)
{
    enum insn in = bytes == 2 ? I_MOVZX16 : I_MOV, out = bytes == 2 ? I_MOV16_STORE : I_MOV_STORE;
    bool w = bytes == 8;
    x_rm(a, in, w, RAX, rm_mem(RSI, 0));
    x_rm(a, in, w, RCX, tail(RSI, bytes));
    x_rm(a, out, w, RAX, rm_mem(RDI, 0));
    x_rm(a, out, w, RCX, tail(RDI, bytes));
    x_ret(a);
}

/* Less than 16. */
static void copy_few(struct assembler *a)
{
    for (int32_t bytes = 8; bytes > 1; bytes /= 2) {
        uint32_t less = unless_less(a, bytes);
        copy_pair(a, bytes);
        short_here(a, less);
    }
    uint32_t none = unless_less(a, 1);
    x_rm(a, I_MOVZX8, false, RAX, rm_mem(RSI, 0));
    x_store8(a, RAX, rm_mem(RDI, 0));
    short_here(a, none);
    x_ret(a);
}

/* 16 to 32.  Of 24 bytes the second word is stored twice, the last time from a general register,
 * from which a load has it soonest. */
static void copy_words(struct assembler *a)
{
    x_rm(a, I_MOV, true, RAX, rm_mem(RSI, 0));
    x_rm(a, I_MOV, true, RCX, rm_mem(RSI, 8));
    x_rm(a, I_MOVSD, false, XMM14 & 15, tail(RSI, 16));
    x_rm(a, I_MOV, true, RSI, tail(RSI, 8));
    x_rm(a, I_MOVSD_STORE, false, XMM14 & 15, tail(RDI, 16));
    x_rm(a, I_MOV_STORE, true, RSI, tail(RDI, 8));
    x_rm(a, I_MOV_STORE, true, RCX, rm_mem(RDI, 8));
    x_rm(a, I_MOV_STORE, true, RAX, rm_mem(RDI, 0));
    x_ret(a);
}

/* 16 to 64. */
static void copy_some(struct assembler *a)
{
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 32);
    uint32_t over_32 = short_jump(a, CC_A);
    copy_words(a);
    short_here(a, over_32);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 64);
    uint32_t over_64 = short_jump(a, CC_A);
    load(a, 12, 2, rm_mem(RSI, 0));
    load(a, 14, 2, tail(RSI, 32));
    store(a, 12, 2, rm_mem(RDI, 0));
    store(a, 14, 2, tail(RDI, 32));
    x_ret(a);
    short_here(a, over_64);
}

/* Lowest first: the last 64 are loaded before anything is stored. */
static void copy_up(struct assembler *a)
{
    load(a, 8, 4, tail(RSI, 64));
    x_rm(a, I_LEA, true, RCX, tail(RDI, 64));
    uint32_t loop = asm_offset(a);
    load(a, 12, 4, rm_mem(RSI, 0));
    store(a, 12, 4, rm_mem(RDI, 0));
    x_alu_imm(a, ALU_ADD, true, rm_reg(RSI), 64);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RDI), 64);
    x_rr(a, I_CMP, true, RDI, RCX);
    jump_back(a, CC_B, loop);
    store(a, 8, 4, rm_mem(RCX, 0));
    x_ret(a);
}

/* Highest first: the first 64 are loaded before anything is stored. */
static void copy_down(struct assembler *a)
{
    load(a, 8, 4, rm_mem(RSI, 0));
    uint32_t loop = asm_offset(a);
    load(a, 12, 4, tail(RSI, 64));
    store(a, 12, 4, tail(RDI, 64));
    x_alu_imm(a, ALU_SUB, true, rm_reg(RDX), 64);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 64);
    jump_back(a, CC_A, loop);
    store(a, 8, 4, rm_mem(RDI, 0));
    x_ret(a);
}

void bulk_copy(struct assembler *a)
{
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 16);
    uint32_t few = short_jump(a, CC_B);
    copy_some(a);
    uint32_t many = short_jump(a, -1);
    short_here(a, few);
    copy_few(a);
    short_here(a, many);
    x_rr(a, I_MOV, true, RAX, RDI);
    x_rr(a, I_SUB, true, RAX, RSI);
    /* rdi within [rsi, rsi + rdx): upwards bytes would be overwritten unread */
    x_rr(a, I_CMP, true, RAX, RDX);
    uint32_t down = x_jcc(a, CC_B, ASM_LATER);
    uint32_t less = unless_less(a, BULK_MANY);
    x_m(a, I_NEG, true, rm_reg(RAX));
    x_alu_imm(a, ALU_CMP, true, rm_reg(RAX), 64); /* closer than that, the CPU is slow */
    uint32_t near = short_jump(a, CC_B);
    x_rr(a, I_MOV, true, RCX, RDX);
    x_rep_movsb(a);
    x_ret(a);
    short_here(a, near);
    short_here(a, less);
    copy_up(a);
    asm_link(a, down, asm_offset(a));
    copy_down(a);
}

/* ---- memory.fill ---- */

/* 16 to 32, by words as above. */
static void fill_words(struct assembler *a)
{
    uint32_t less = unless_less(a, 16);
    x_rm(a, I_MOV_STORE, true, RAX, rm_mem(RDI, 0));
    x_rm(a, I_MOV_STORE, true, RAX, rm_mem(RDI, 8));
    x_rm(a, I_MOV_STORE, true, RAX, tail(RDI, 16));
    x_rm(a, I_MOV_STORE, true, RAX, tail(RDI, 8));
    x_ret(a);
    short_here(a, less);
}

/* 32 at most. */
static void fill_few(struct assembler *a)
{
    fill_words(a);
    for (int32_t bytes = 8; bytes > 1; bytes /= 2) {
        uint32_t less = unless_less(a, bytes);
        enum insn out = bytes == 2 ? I_MOV16_STORE : I_MOV_STORE;
        x_rm(a, out, bytes == 8, RAX, rm_mem(RDI, 0));
        x_rm(a, out, bytes == 8, RAX, tail(RDI, bytes));
        x_ret(a);
        short_here(a, less);
    }
    uint32_t none = unless_less(a, 1);
    x_store8(a, RAX, rm_mem(RDI, 0));
    short_here(a, none);
    x_ret(a);
}

/* xmm15 four times. */
static void fill_64(struct assembler *a, struct rm to)
{
    for (int i = 0; i < 4; i++, to.disp += 16)
        x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, to);
}

/* More than 32; rcx: where the last 64 begin. */
static void fill_some(struct assembler *a)
{
    x_rr(a, I_MOVD, true, XMM15 & 15, RAX);
    x_rr(a, I_MOVLHPS, false, XMM15 & 15, XMM15 & 15);
    uint32_t less = unless_less(a, 64);
    x_rm(a, I_LEA, true, RCX, tail(RDI, 64));
    uint32_t loop = asm_offset(a);
    fill_64(a, rm_mem(RDI, 0));
    x_alu_imm(a, ALU_ADD, true, rm_reg(RDI), 64);
    x_rr(a, I_CMP, true, RDI, RCX);
    jump_back(a, CC_B, loop);
    fill_64(a, rm_mem(RCX, 0));
    x_ret(a);
    short_here(a, less);
    x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, rm_mem(RDI, 16));
    x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, tail(RDI, 32));
    x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, rm_mem(RDI, 0));
    x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, tail(RDI, 16));
    x_ret(a);
}

void bulk_fill(struct assembler *a)
{
    x_byte_load(a, I_MOVZX8, false, RAX, rm_reg(RSI));
    uint32_t less = unless_less(a, BULK_MANY);
    x_rr(a, I_MOV, true, RCX, RDX);
    x_rep_stosb(a);
    x_ret(a);
    short_here(a, less);
    x_mov_imm(a, RCX, 0x0101010101010101);
    x_rr(a, I_IMUL, true, RAX, RCX);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 32);
    uint32_t few = x_jcc(a, CC_BE, ASM_LATER);
    fill_some(a);
    asm_link(a, few, asm_offset(a));
    fill_few(a);
}
