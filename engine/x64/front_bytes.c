/* Fronts of the functions over bytes in Go's runtime and internal/bytealg: 16 bytes a turn.
 *
 * Up to 16 bytes are one read and no loop: a mask says where bytes differ or are found, and what
 * lies behind the end does not count.  That read must be in memory, too.  rax is free at each label
 * (meant_block) until the answer is in it. */
#include "engine/x64/frame.h"
#include "engine/x64/front.h"

/* Leaves if address + bytes is not inside; both are below 2^32. */
static void inside_by(struct front_way *w, uint8_t address, uint8_t bytes, uint8_t scratch)
{
    x_rm(w->a, I_LEA, true, scratch, rm_index(address, bytes, 0, 0));
    front_inside(w, scratch);
}

static void inside_16(struct front_way *w, uint8_t address, uint8_t scratch)
{
    x_rm(w->a, I_LEA, true, scratch, rm_mem(address, 16));
    front_inside(w, scratch);
}

/* mask = a bit for each of 16 bytes that are equal. */
static void equal_mask(struct assembler *a, uint8_t mask, struct rm one, struct rm other)
{
    x_rm(a, I_MOVUPS, false, 0, one);
    x_rm(a, I_MOVUPS, false, 1, other);
    x_rr(a, I_PCMPEQB, false, 0, 1);
    x_rr(a, I_PMOVMSKB, false, mask, 0);
}

/* Where test builds count, jumps are longer. */
static void back(struct assembler *a, unsigned cc, uint32_t to)
{
    if (!short_back(a, (int)cc, to))
        asm_link(a, x_jcc(a, cc, ASM_LATER), to);
}

/* Jumps to the same place. */
static void here(struct assembler *a, const uint32_t *from, uint32_t count)
{
    while (count--)
        asm_link(a, *from++, asm_offset(a));
    meant_block(a);
}

static void answer(struct assembler *a, uint64_t value)
{
    x_mov_imm(a, RAX, value);
    x_ret(a);
}

/* ---- memory equal: rdi, rsi, rdx bytes; 1 or 0 ---- */

static void memequal_few(struct front_way *w)
{
    struct assembler *a = w->a;
    inside_16(w, R10, R9);
    inside_16(w, R11, R9);
    equal_mask(a, RCX, rm_mem(R10, 0), rm_mem(R11, 0));
    x_alu_imm(a, ALU_XOR, false, rm_reg(RCX), 0x1ffff); /* differences, and one behind them */
    x_rr(a, I_BSF, false, RCX, RCX);
    x_zero(a, RAX);
    x_rr(a, I_CMP, false, RCX, RDX);
    x_setcc(a, CC_AE, RAX);
    x_ret(a);
}

/* The last 16 bytes may overlap those before them. */
static void memequal_many(struct front_way *w, uint32_t same)
{
    struct assembler *a = w->a;
    uint32_t differ[2];
    x_rr(a, I_MOV, false, R8, RDX);
    x_rr(a, I_CMP, true, R8, RDX); /* more than 2^32 bytes */
    front_leave(w, CC_NE);
    inside_by(w, R10, R8, R9);
    inside_by(w, R11, R8, R9);
    x_zero(a, RCX);
    x_alu_imm(a, ALU_SUB, false, rm_reg(R8), 16);
    uint32_t last = x_jcc(a, CC_E, ASM_LATER);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    equal_mask(a, R9, rm_index(R10, RCX, 0, 0), rm_index(R11, RCX, 0, 0));
    x_alu_imm(a, ALU_CMP, false, rm_reg(R9), 0xffff);
    differ[0] = x_jcc(a, CC_NE, ASM_LATER);
    meant_block(a);
    x_alu_imm(a, ALU_ADD, false, rm_reg(RCX), 16);
    x_rr(a, I_CMP, false, RCX, R8);
    back(a, CC_B, loop);
    here(a, &last, 1);
    equal_mask(a, R9, rm_index(R10, R8, 0, 0), rm_index(R11, R8, 0, 0));
    x_alu_imm(a, ALU_CMP, false, rm_reg(R9), 0xffff);
    differ[1] = x_jcc(a, CC_NE, ASM_LATER);
    asm_link(a, same, asm_offset(a));
    meant_block(a);
    answer(a, 1);
    here(a, differ, 2);
    answer(a, 0);
}

void front_memequal(struct front_way *w)
{
    struct assembler *a = w->a;
    meant_block(a);
    x_rr(a, I_CMP, true, RDI, RSI); /* equal, wherever they are */
    uint32_t same = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    x_rr(a, I_MOV, false, R10, RDI);
    x_rr(a, I_MOV, false, R11, RSI);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 16);
    uint32_t many = x_jcc(a, CC_AE, ASM_LATER);
    meant_block(a);
    memequal_few(w);
    here(a, &many, 1);
    memequal_many(w, same);
}

/* ---- compare: rdi, rsi bytes with rdx, r8 bytes; -1, 0 or 1 ---- */

/* The first difference is at r9. */
static void compare_bytes(struct assembler *a)
{
    x_rm(a, I_MOVZX8, false, RDX, rm_index(R10, R9, 0, 0));
    x_rm(a, I_MOVZX8, false, RCX, rm_index(R11, R9, 0, 0));
    x_zero(a, RAX);
    x_rr(a, I_CMP, false, RDX, RCX);
    x_setcc(a, CC_A, RAX);
    x_rm(a, I_LEA, true, RAX, rm_index(RAX, RAX, 0, -1));
    x_ret(a);
}

/* The body's difference is modulo 2^64, too. */
static void compare_lengths(struct assembler *a)
{
    x_zero(a, RAX);
    x_rr(a, I_SUB, true, RSI, R8);
    uint32_t same = x_jcc(a, CC_E, ASM_LATER);
    x_setcc(a, CC_NS, RAX);
    x_rm(a, I_LEA, true, RAX, rm_index(RAX, RAX, 0, -1));
    asm_link(a, same, asm_offset(a));
    x_ret(a);
}

static void compare_many(struct front_way *w, uint32_t *differ, uint32_t *same)
{
    struct assembler *a = w->a;
    uint32_t found;
    x_rr(a, I_MOV, false, R9, RCX);
    x_rr(a, I_CMP, true, R9, RCX); /* more than 2^32 bytes */
    front_leave(w, CC_NE);
    inside_by(w, R10, RCX, R9);
    inside_by(w, R11, RCX, R9);
    x_zero(a, R9);
    x_alu_imm(a, ALU_SUB, false, rm_reg(RCX), 16);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    equal_mask(a, RDX, rm_index(R10, R9, 0, 0), rm_index(R11, R9, 0, 0));
    x_alu_imm(a, ALU_XOR, false, rm_reg(RDX), 0xffff);
    found = x_jcc(a, CC_NE, ASM_LATER);
    meant_block(a);
    x_alu_imm(a, ALU_ADD, false, rm_reg(R9), 16);
    x_rr(a, I_CMP, false, R9, RCX);
    back(a, CC_B, loop);
    meant_block(a);
    x_rr(a, I_MOV, false, R9, RCX); /* the last 16 bytes may overlap those before them */
    equal_mask(a, RDX, rm_index(R10, R9, 0, 0), rm_index(R11, R9, 0, 0));
    x_alu_imm(a, ALU_XOR, false, rm_reg(RDX), 0xffff);
    *same = x_jcc(a, CC_E, ASM_LATER);
    here(a, &found, 1);
    x_rr(a, I_BSF, false, RDX, RDX);
    x_rr(a, I_ADD, false, R9, RDX);
    asm_link(a, *differ, asm_offset(a));
    meant_block(a);
    compare_bytes(a);
}

void front_compare(struct front_way *w)
{
    struct assembler *a = w->a;
    uint32_t same[2];
    meant_block(a);
    x_rr(a, I_MOV, true, RCX, R8);
    x_rr(a, I_CMP, true, RSI, R8);
    x_cmov(a, CC_B, true, RCX, rm_reg(RSI));
    x_rr(a, I_MOV, false, R10, RDI);
    x_rr(a, I_MOV, false, R11, RDX);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RCX), 16);
    uint32_t many = x_jcc(a, CC_A, ASM_LATER);
    meant_block(a);
    inside_16(w, R10, R9);
    inside_16(w, R11, R9);
    equal_mask(a, R9, rm_mem(R10, 0), rm_mem(R11, 0));
    x_alu_imm(a, ALU_XOR, false, rm_reg(R9), 0x1ffff); /* differences, and one behind them */
    x_rr(a, I_BSF, false, R9, R9);
    x_rr(a, I_CMP, false, R9, RCX);
    uint32_t differ = x_jcc(a, CC_B, ASM_LATER);
    uint32_t lengths = asm_offset(a);
    meant_block(a);
    compare_lengths(a);
    here(a, &many, 1);
    compare_many(w, &differ, same);
    asm_link(a, same[0], asm_offset(a));
    asm_link(a, x_jmp(a, ASM_LATER), lengths);
}

/* ---- a byte's place: rdi, the byte esi, edx bytes; its address or 0 ---- */

static void memchr_mask(struct assembler *a, enum insn load, uint8_t address)
{
    x_rm(a, load, false, 1, rm_mem(address, 0));
    x_rr(a, I_PCMPEQB, false, 1, 0);
    x_rr(a, I_PMOVMSKB, false, RCX, 1);
    x_rr(a, I_BSF, false, RCX, RCX);
}

/* From rdx on, a multiple of 16, while r9 = rdx + 64 is not behind the end r8. */
static void memchr_turns(struct assembler *a)
{
    x_rm(a, I_LEA, true, R9, rm_mem(RDX, 64));
    x_rr(a, I_CMP, true, R9, R8);
    uint32_t few = x_jcc(a, CC_A, ASM_LATER);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    for (uint8_t k = 0; k < 4; k++) {
        x_rm(a, I_MOVAPS, false, (uint8_t)(1 + k), rm_mem(RDX, 16 * k));
        x_rr(a, I_PCMPEQB, false, (uint8_t)(1 + k), 0);
    }
    x_rr(a, I_POR, false, 1, 2);
    x_rr(a, I_POR, false, 3, 4);
    x_rr(a, I_POR, false, 1, 3);
    x_rr(a, I_PMOVMSKB, false, RCX, 1);
    x_rr(a, I_TEST, false, RCX, RCX);
    uint32_t found = x_jcc(a, CC_NE, ASM_LATER);
    meant_block(a);
    x_rr(a, I_MOV, true, RDX, R9);
    x_alu_imm(a, ALU_ADD, true, rm_reg(R9), 64);
    x_rr(a, I_CMP, true, R9, R8);
    back(a, CC_BE, loop);
    asm_link(a, few, asm_offset(a));
    asm_link(a, found, asm_offset(a));
}

/* xmm0 = 16 times the byte in rsi. */
static void spread(struct assembler *a)
{
    x_rr(a, I_MOVD, false, 0, RSI);
    x_rr(a, I_PUNPCKLBW, false, 0, 0);
    x_rmi8(a, I_PSHUFLW, false, 0, rm_reg(0), 0);
    x_rr(a, I_PUNPCKLQDQ, false, 0, 0);
}

static void memchr_spread(struct front_way *w)
{
    x_alu_imm(w->a, ALU_CMP, false, rm_reg(RSI), 255); /* no byte */
    front_leave(w, CC_A);
    spread(w->a);
}

static void memchr_many(struct front_way *w, uint32_t none)
{
    struct assembler *a = w->a;
    uint32_t ends[2];
    x_rm(a, I_LEA, true, R8, rm_index(R10, R11, 0, 0));
    front_inside(w, R8);
    memchr_spread(w);
    x_rr(a, I_MOV, false, RDX, R10);
    memchr_mask(a, I_MOVUPS, RDX);
    uint32_t hit = x_jcc(a, CC_NE, ASM_LATER);
    meant_block(a);
    x_alu_imm(a, ALU_AND, true, rm_reg(RDX), -16);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RDX), 16);
    memchr_turns(a);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    x_rr(a, I_CMP, true, RDX, R8);
    asm_link(a, x_jcc(a, CC_AE, ASM_LATER), none);
    meant_block(a);
    memchr_mask(a, I_MOVAPS, RDX);
    ends[0] = x_jcc(a, CC_NE, ASM_LATER);
    meant_block(a);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RDX), 16);
    asm_link(a, x_jmp(a, ASM_LATER), loop);
    asm_link(a, ends[0], asm_offset(a));
    asm_link(a, hit, asm_offset(a));
    meant_block(a);
    x_rr(a, I_ADD, true, RDX, RCX);
    x_rr(a, I_CMP, true, RDX, R8);
    asm_link(a, x_jcc(a, CC_AE, ASM_LATER), none);
    meant_block(a);
    x_rr(a, I_MOV, false, RAX, RDX);
    return_tested(a);
}

void front_memchr(struct front_way *w)
{
    struct assembler *a = w->a;
    uint32_t ends[3];
    meant_block(a);
    x_rr(a, I_MOV, false, R11, RDX);
    x_rr(a, I_MOV, false, R10, RDI);
    x_rr(a, I_TEST, false, R11, R11);
    ends[0] = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    x_alu_imm(a, ALU_CMP, false, rm_reg(R11), 16);
    uint32_t many = x_jcc(a, CC_A, ASM_LATER);
    meant_block(a);
    inside_16(w, R10, R9);
    memchr_spread(w);
    memchr_mask(a, I_MOVUPS, R10);
    ends[1] = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    x_rr(a, I_CMP, false, RCX, R11);
    ends[2] = x_jcc(a, CC_AE, ASM_LATER);
    meant_block(a);
    x_rm(a, I_LEA, false, RAX, rm_index(R10, RCX, 0, 0));
    return_tested(a);
    uint32_t none = asm_offset(a);
    here(a, ends, 3);
    x_zero(a, RAX);
    x_ret(a);
    asm_link(a, many, asm_offset(a));
    meant_block(a);
    memchr_many(w, none);
}

/* ---- how often a byte is there: a Go function, whose slow way is more than one byte ---- */

/* xmm number k = 16 bytes at rdi; r10 += how many are the byte. */
static void count_16(struct assembler *a, uint8_t k)
{
    x_rm(a, I_MOVUPS, false, k, rm_mem(RDI, 16 * (k - 1)));
    x_rr(a, I_PCMPEQB, false, k, 0);
    x_rr(a, I_PMOVMSKB, false, RDX, k);
    x_rr(a, I_POPCNT, false, RDX, RDX);
    x_rr(a, I_ADD, true, R10, RDX);
}

/* As many turns of 16 * most bytes as there are up to r8. */
static void count_turns(struct assembler *a, uint8_t most)
{
    x_rm(a, I_LEA, true, R11, rm_mem(RDI, 16 * most));
    x_rr(a, I_CMP, true, R11, R8);
    uint32_t few = x_jcc(a, CC_A, ASM_LATER);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    for (uint8_t k = 1; k <= most; k++)
        count_16(a, k);
    x_rr(a, I_MOV, true, RDI, R11);
    x_alu_imm(a, ALU_ADD, true, rm_reg(R11), 16 * most);
    x_rr(a, I_CMP, true, R11, R8);
    back(a, CC_BE, loop);
    here(a, &few, 1);
}

/* What is left, up to 15 bytes, is the lower part of a read of 16. */
static void count_rest(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, true, RCX, R8);
    x_rr(a, I_SUB, true, RCX, RDI);
    uint32_t none = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    inside_16(w, RDI, R11);
    x_rm(a, I_MOVUPS, false, 1, rm_mem(RDI, 0));
    x_rr(a, I_PCMPEQB, false, 1, 0);
    x_rr(a, I_PMOVMSKB, false, RDX, 1);
    x_mov_imm(a, RSI, UINT32_MAX);
    x_shift_cl(a, SHIFT_SHL, false, rm_reg(RSI));
    x_alu_imm(a, ALU_XOR, false, rm_reg(RSI), -1);
    x_rr(a, I_AND, false, RDX, RSI);
    x_rr(a, I_POPCNT, false, RDX, RDX);
    x_rr(a, I_ADD, true, R10, RDX);
    here(a, &none, 1);
}

/* The bytes are [SP + 8], [SP + 16] of them; the one byte is at [SP + one], [SP + one + 8] is 1. */
static void count(struct front_way *w, int32_t one, int32_t result)
{
    struct assembler *a = w->a;
    meant_block(a);
    x_rr(a, I_MOV, false, RCX, REG_PIN0);
    x_rm(a, I_LEA, true, RDX, rm_mem(RCX, result + 8));
    front_inside(w, RDX);
    x_alu_imm(a, ALU_CMP, true, rm_mem(RCX, one + 8), 1);
    front_leave(w, CC_NE);
    x_rm(a, I_MOV, false, RSI, rm_mem(RCX, one));
    x_rm(a, I_LEA, true, RDX, rm_mem(RSI, 1));
    front_inside(w, RDX);
    x_rm(a, I_MOV, false, RDI, rm_mem(RCX, 8));
    x_rm(a, I_MOV, true, RDX, rm_mem(RCX, 16));
    x_rr(a, I_MOV, false, R8, RDX);
    x_rr(a, I_CMP, true, R8, RDX); /* negative, or more than 2^32 bytes */
    front_leave(w, CC_NE);
    x_rr(a, I_ADD, true, R8, RDI);
    front_inside(w, R8);
    x_rm(a, I_MOVZX8, false, RSI, rm_mem(RSI, 0));
    spread(a);
    x_zero(a, R10);
    count_turns(a, 4);
    count_turns(a, 1);
    count_rest(w);
    x_rr(a, I_MOV, false, RCX, REG_PIN0);
    x_rm(a, I_MOV_STORE, true, R10, rm_mem(RCX, result));
    front_return(w);
}

void front_count_bytes(struct front_way *w)
{
    count(w, 32, 56);
}

void front_count_string(struct front_way *w)
{
    count(w, 24, 40);
}

/* ---- xor: to, two sources, how many bytes ---- */

/* Leaves if the target is up to 15 bytes behind the source: the body writes what it then reads. */
static void xor_apart(struct front_way *w, uint8_t source)
{
    struct assembler *a = w->a;
    x_rm(a, I_LEA, true, R10, rm_mem(RDI, -1));
    x_rr(a, I_SUB, true, R10, source);
    x_alu_imm(a, ALU_CMP, true, rm_reg(R10), 15);
    front_leave(w, CC_B);
}

static void xor_address(struct front_way *w, uint8_t reg, uint8_t at)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, true, R9, rm_mem(RAX, at));
    x_rr(a, I_MOV, false, reg, R9);
    x_rr(a, I_CMP, true, reg, R9); /* the body panics at some that are more than 2^32 */
    front_leave(w, CC_NE);
    x_rr(a, I_TEST, false, reg, reg); /* nil */
    front_leave(w, CC_E);
    inside_by(w, reg, RCX, R9);
}

static void xor_arguments(struct front_way *w)
{
    struct assembler *a = w->a;
    front_frame(w, 32);
    x_rm(a, I_MOV, true, R9, rm_mem(RAX, 32));
    x_rr(a, I_MOV, false, RCX, R9);
    x_rr(a, I_CMP, true, RCX, R9); /* negative, or more than 2^32 bytes */
    front_leave(w, CC_NE);
    xor_address(w, RSI, 16);
    xor_address(w, RDX, 24);
    xor_address(w, RDI, 8);
    front_beside_by(w, R9, RCX, 32, R10);
    xor_apart(w, RSI);
    xor_apart(w, RDX);
}

static void xor_advance(struct assembler *a, uint8_t bytes)
{
    x_alu_imm(a, ALU_ADD, false, rm_reg(RDI), bytes);
    x_alu_imm(a, ALU_ADD, false, rm_reg(RSI), bytes);
    x_alu_imm(a, ALU_ADD, false, rm_reg(RDX), bytes);
    x_alu_imm(a, ALU_SUB, false, rm_reg(RCX), bytes);
}

/* The flags are the last subtraction's. */
void front_xor_bytes(struct front_way *w)
{
    struct assembler *a = w->a;
    meant_block(a);
    xor_arguments(w);
    x_alu_imm(a, ALU_SUB, false, rm_reg(RCX), 16);
    uint32_t few = x_jcc(a, CC_B, ASM_LATER);
    uint32_t many = asm_offset(a);
    meant_block(a);
    x_rm(a, I_MOVUPS, false, 0, rm_mem(RSI, 0));
    x_rm(a, I_MOVUPS, false, 1, rm_mem(RDX, 0));
    x_rr(a, I_PXOR, false, 0, 1);
    x_rm(a, I_MOVUPS_STORE, false, 0, rm_mem(RDI, 0));
    xor_advance(a, 16);
    back(a, CC_AE, many);
    asm_link(a, few, asm_offset(a));
    meant_block(a);
    x_alu_imm(a, ALU_ADD, false, rm_reg(RCX), 16);
    uint32_t none = x_jcc(a, CC_E, ASM_LATER);
    uint32_t ones = asm_offset(a);
    meant_block(a);
    x_rm(a, I_MOVZX8, false, R8, rm_mem(RSI, 0));
    x_rm(a, I_MOVZX8, false, R9, rm_mem(RDX, 0));
    x_rr(a, I_XOR, false, R8, R9);
    x_store8(a, R8, rm_mem(RDI, 0));
    xor_advance(a, 1);
    back(a, CC_NE, ones);
    here(a, &none, 1);
    front_return(w);
}
