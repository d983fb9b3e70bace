/* Fronts of GCM's hash (NIST SP 800-38D, 6.4) and of CRC-32, by products without carries
 * (PCLMULQDQ) and the CPU's own CRC-32C.
 *
 * In GCM's field the first bit is the lowest power.  So a product of two elements, taken as numbers
 * of 128 bits, is one bit too low.  The factor H is turned by x beforehand instead.  Then the lower
 * 128 bits are folded into the upper ones in two steps: 1 + x + x^2 + x^7 is 0xc2 << 56 there. */
#include "engine/x64/front.h"

enum { Y, H, FIELD, LOW, HIGH, MIDDLE, FOLD, BLOCK, REVERSE }; /* xmm registers */

static void clmul(struct assembler *a, uint8_t to, uint8_t by, uint8_t halves)
{
    x_rmi8(a, I_PCLMULQDQ, false, to, rm_reg(by), halves);
}

/* up += the lower half of `low`, times what it is worth there, and the upper half as it is. */
static void fold(struct assembler *a, uint8_t low, uint8_t up)
{
    x_rr(a, I_MOVAPS, false, FOLD, FIELD);
    clmul(a, FOLD, low, 0x01);
    x_rmi8(a, I_PSHUFD, false, low, rm_reg(low), 0x4e);
    x_rr(a, I_PXOR, false, up, low);
    x_rr(a, I_PXOR, false, up, FOLD);
}

/* Y = Y * H */
static void multiply(struct assembler *a)
{
    x_rr(a, I_MOVAPS, false, LOW, Y);
    x_rr(a, I_MOVAPS, false, HIGH, Y);
    x_rr(a, I_MOVAPS, false, MIDDLE, Y);
    clmul(a, LOW, H, 0x00);
    clmul(a, HIGH, H, 0x11);
    clmul(a, MIDDLE, H, 0x01);
    clmul(a, Y, H, 0x10);
    x_rr(a, I_PXOR, false, MIDDLE, Y);
    fold(a, LOW, MIDDLE);
    fold(a, MIDDLE, HIGH);
    x_rr(a, I_MOVAPS, false, Y, HIGH);
}

/* H = rcx:rax turned by x; the bit that falls out comes back as the field's. */
static void factor(struct assembler *a)
{
    x_rr(a, I_MOV, true, RDX, RCX);
    x_shift_imm(a, SHIFT_SAR, true, rm_reg(RDX), 63);
    x_shift_imm(a, SHIFT_SHL, true, rm_reg(RCX), 1);
    x_rr(a, I_MOV, true, R8, RAX);
    x_shift_imm(a, SHIFT_SHR, true, rm_reg(R8), 63);
    x_rr(a, I_OR, true, RCX, R8);
    x_shift_imm(a, SHIFT_SHL, true, rm_reg(RAX), 1);
    x_rr(a, I_SUB, true, RAX, RDX);
    x_mov_imm(a, R8, 0xc2ull << 56);
    x_rr(a, I_AND, true, R8, RDX);
    x_rr(a, I_XOR, true, RCX, R8);
    x_rr(a, I_MOVD, true, H, RAX);
    x_rr(a, I_MOVD, true, LOW, RCX);
    x_rr(a, I_PUNPCKLQDQ, false, H, LOW);
}

/* Y += the block; Y *= H */
static void hash_block(struct assembler *a, uint8_t at)
{
    x_rm(a, I_MOVUPS, false, BLOCK, rm_mem(at, 0));
    x_rr(a, I_PSHUFB, false, BLOCK, REVERSE);
    x_rr(a, I_PXOR, false, Y, BLOCK);
    multiply(a);
}

/* reg = the pointer [rax + at], which is not nil; up to `bytes` bytes from there on are inside. */
static void pointer(struct front_way *w, uint8_t reg, uint8_t at, int32_t bytes)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, false, reg, rm_mem(RAX, at));
    x_rr(a, I_TEST, true, reg, reg);
    front_leave(w, CC_E);
    x_rm(a, I_LEA, true, RDX, rm_mem(reg, bytes));
    front_inside(w, RDX);
}

/* reg = the bytes at [rax + at], end = behind them; LEFT = how many, not none. */
static void slice(struct front_way *w, uint8_t reg, uint8_t end, uint8_t left, uint8_t at)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, false, reg, rm_mem(RAX, at));
    x_rm(a, I_MOV, true, end, rm_mem(RAX, at + 8));
    x_rr(a, I_MOV, false, left, end);
    x_rr(a, I_CMP, true, left, end); /* negative, or more than 2^32 bytes */
    front_leave(w, CC_NE);
    x_rr(a, I_TEST, false, left, left);
    front_leave(w, CC_E);
    x_rr(a, I_ADD, true, end, reg);
    front_inside(w, end);
}

/* Leaves if the `bytes` bytes at `to`, which are written, reach into those from `from` to `end`. */
static void apart_by(struct front_way *w, uint8_t to, uint8_t bytes, uint8_t from, uint8_t end)
{
    struct assembler *a = w->a;
    x_rr(a, I_CMP, true, end, to);
    uint32_t above = x_jcc(a, CC_BE, ASM_LATER);
    x_rm(a, I_LEA, true, RDX, rm_mem(to, bytes));
    x_rr(a, I_CMP, true, RDX, from);
    front_leave(w, CC_A);
    asm_link(a, above, asm_offset(a));
    meant_block(a);
}

static void apart(struct front_way *w, uint8_t y, uint8_t from, uint8_t end)
{
    apart_by(w, y, 16, from, end);
}

/* ---- with a table of 16 multiples of H, the eighth of which is H: table, y, blocks ---- */

/* Leaves if the body's table for what falls out of an element is another than Go's, or y is there.
 */
static void reduction(struct front_way *w, uint8_t y)
{
    struct assembler *a = w->a;
    x_mov_imm(a, RCX, w->slice);
    x_rm(a, I_LEA, true, RDX, rm_mem(RCX, 16));
    front_inside(w, RDX);
    x_alu_imm(a, ALU_CMP, true, rm_mem(RCX, 8), 16);
    front_leave(w, CC_NE);
    apart(w, y, RCX, RDX);
    x_rm(a, I_MOV, false, RCX, rm_mem(RCX, 0));
    x_rm(a, I_LEA, true, RDX, rm_mem(RCX, 32));
    front_inside(w, RDX);
    apart(w, y, RCX, RDX);
    front_constant(w, LOW, FRONT_REDUCTION);
    front_constant(w, HIGH, FRONT_REDUCTION_UPPER);
    x_rm(a, I_MOVUPS, false, MIDDLE, rm_mem(RCX, 0));
    x_rm(a, I_MOVUPS, false, FOLD, rm_mem(RCX, 16));
    x_rr(a, I_PCMPEQB, false, LOW, MIDDLE);
    x_rr(a, I_PCMPEQB, false, HIGH, FOLD);
    x_rr(a, I_PAND, false, LOW, HIGH);
    x_rr(a, I_PMOVMSKB, false, RCX, LOW);
    x_alu_imm(a, ALU_CMP, false, rm_reg(RCX), 0xffff);
    front_leave(w, CC_NE);
}

/* An element's first word has the powers from 0 on. */
static void hash_blocks(struct front_way *w, int32_t table)
{
    struct assembler *a = w->a;
    enum { TABLE = R11, AT_Y = RDI, AT = RSI, END = R9, LEFT = R10 };
    meant_block(a);
    front_frame(w, 40);
    pointer(w, TABLE, 8, table + 256);
    pointer(w, AT_Y, 16, 16);
    slice(w, AT, END, LEFT, 24);
    x_alu_imm(a, ALU_AND, false, rm_reg(LEFT), 15);
    front_leave(w, CC_NE);
    apart(w, AT_Y, AT, END);
    x_rm(a, I_LEA, true, RCX, rm_mem(TABLE, table + 256));
    apart(w, AT_Y, TABLE, RCX);
    front_beside(w, AT_Y, 16, 40);
    reduction(w, AT_Y);
    front_constant(w, FIELD, FRONT_FIELD);
    front_constant(w, REVERSE, FRONT_REVERSE);
    x_rm(a, I_MOV, true, RCX, rm_mem(TABLE, table + 128));
    x_rm(a, I_MOV, true, RAX, rm_mem(TABLE, table + 136));
    factor(a);
    x_rm(a, I_MOVUPS, false, Y, rm_mem(AT_Y, 0));
    x_rmi8(a, I_PSHUFD, false, Y, rm_reg(Y), 0x4e);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    hash_block(a, AT);
    x_alu_imm(a, ALU_ADD, true, rm_reg(AT), 16);
    x_rr(a, I_CMP, true, AT, END);
    asm_link(a, x_jcc(a, CC_B, ASM_LATER), loop);
    meant_block(a);
    x_rmi8(a, I_PSHUFD, false, Y, rm_reg(Y), 0x4e);
    x_rm(a, I_MOVUPS_STORE, false, Y, rm_mem(AT_Y, 0));
    front_return(w);
}

void front_ghash(struct front_way *w)
{
    hash_blocks(w, 0);
}

/* The table is a member of a struct. */
void front_ghash_member(struct front_way *w)
{
    hash_blocks(w, 32);
}

/* ---- the body of a loop over a function: a block; true ---- */

/* The closure has where its loop's state is, where y is, and h; their words are in order of their
 * powers, the last first.  The state is that the loop goes on, and stays so. */
void front_ghash_block(struct front_way *w)
{
    struct assembler *a = w->a;
    enum { CLOSURE = R11, STATE = R10, AT_Y = RDI, AT = RSI, END = R9 };
    meant_block(a);
    front_frame(w, 32);
    x_alu_imm(a, ALU_CMP, true, rm_mem(RAX, 24), 16);
    front_leave(w, CC_B);
    x_rm(a, I_MOV, false, AT, rm_mem(RAX, 8));
    x_rm(a, I_LEA, true, END, rm_mem(AT, 16));
    front_inside(w, END);
    x_rm(a, I_MOV, false, RAX, rm_rip(&w->instance->globals[1]->lo)); /* CTXT */
    x_rr(a, I_MOV, false, CLOSURE, RAX);
    x_rm(a, I_LEA, true, RDX, rm_mem(CLOSURE, 40));
    front_inside(w, RDX);
    pointer(w, STATE, 8, 8);
    pointer(w, AT_Y, 16, 16);
    x_alu_imm(a, ALU_CMP, true, rm_mem(STATE, 0), 1);
    front_leave(w, CC_NE);
    apart(w, AT_Y, AT, END);
    apart_by(w, STATE, 8, AT, END);
    front_beside(w, AT_Y, 16, 32);
    front_beside(w, STATE, 8, 32);
    x_rm(a, I_LEA, true, RCX, rm_mem(STATE, 8));
    apart(w, AT_Y, STATE, RCX);
    x_rm(a, I_LEA, true, RCX, rm_mem(CLOSURE, 40));
    apart(w, AT_Y, CLOSURE, RCX);
    apart_by(w, STATE, 8, CLOSURE, RCX);
    front_constant(w, FIELD, FRONT_FIELD);
    front_constant(w, REVERSE, FRONT_REVERSE);
    x_rm(a, I_MOV, true, RCX, rm_mem(CLOSURE, 32));
    x_rm(a, I_MOV, true, RAX, rm_mem(CLOSURE, 24));
    factor(a);
    x_rm(a, I_MOVUPS, false, Y, rm_mem(AT_Y, 0));
    hash_block(a, AT);
    x_rm(a, I_MOVUPS_STORE, false, Y, rm_mem(AT_Y, 0));
    x_mov_imm(a, RCX, 1);
    x_rr(a, I_MOV, false, RDX, REG_PIN0);
    x_store8(a, RCX, rm_mem(RDX, 32));
    front_return(w);
}

/* ---- CRC-32 with eight tables: crc, tables, bytes ---- */

/* Two words say which the tables are: Go makes them of nothing but a polynomial. */
#define IEEE_WORD       0xedb88320u
#define IEEE_LAST       0x264b06e6u
#define CASTAGNOLI_WORD 0x82f63b78u
#define CASTAGNOLI_LAST 0x1f1530a5u
enum { FIRST_WORD = 4 * 128, LAST_WORD = 8 * 1024 - 4, TABLES = 8 * 1024 };

enum { TAB = R11, AT = RSI, END = RDI, LEFT = R10, CRC = RCX };
enum { LANES = 4, STEP = 8, PART };

static void is_word(struct front_way *w, int32_t at, uint32_t word)
{
    x_alu_imm(w->a, ALU_CMP, false, rm_mem(TAB, at), (int32_t)word);
    front_leave(w, CC_NE);
}

static void advance(struct assembler *a, uint8_t bytes)
{
    x_alu_imm(a, ALU_ADD, false, rm_reg(AT), bytes);
    x_alu_imm(a, ALU_SUB, false, rm_reg(LEFT), bytes);
}

static void crc_done(struct front_way *w)
{
    struct assembler *a = w->a;
    x_alu_imm(a, ALU_XOR, false, rm_reg(CRC), -1);
    x_rr(a, I_MOV, false, RDX, REG_PIN0);
    x_rm(a, I_MOV_STORE, false, CRC, rm_mem(RDX, 48));
    front_return(w);
}

/* Eight bytes a turn, then one. */
static void crc_castagnoli(struct front_way *w)
{
    struct assembler *a = w->a;
    is_word(w, LAST_WORD, CASTAGNOLI_LAST);
    uint32_t eights = asm_offset(a);
    meant_block(a);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 8);
    uint32_t few = x_jcc(a, CC_B, ASM_LATER);
    meant_block(a);
    x_rm(a, I_CRC32, true, CRC, rm_mem(AT, 0));
    advance(a, 8);
    asm_link(a, x_jmp(a, ASM_LATER), eights);
    asm_link(a, few, asm_offset(a));
    meant_block(a);
    x_rr(a, I_TEST, false, LEFT, LEFT);
    uint32_t none = x_jcc(a, CC_E, ASM_LATER);
    uint32_t ones = asm_offset(a);
    meant_block(a);
    x_rm(a, I_CRC32_8, false, CRC, rm_mem(AT, 0));
    advance(a, 1);
    asm_link(a, x_jcc(a, CC_NE, ASM_LATER), ones);
    asm_link(a, none, asm_offset(a));
    meant_block(a);
    crc_done(w);
}

/* reg is carried on by as many bytes as the constants in STEP are for; `add` stands there. */
static void step(struct assembler *a, uint8_t reg, enum insn load, struct rm add)
{
    x_rr(a, I_MOVAPS, false, PART, reg);
    clmul(a, reg, STEP, 0x00);
    clmul(a, PART, STEP, 0x11);
    x_rr(a, I_PXOR, false, reg, PART);
    x_rm(a, load, false, PART, add);
    x_rr(a, I_PXOR, false, reg, PART);
}

/* 64 bytes a turn, then 16: xmm0 is what all bytes so far are congruent to. */
static void ieee_turns(struct front_way *w)
{
    struct assembler *a = w->a;
    for (uint8_t k = 0; k < LANES; k++)
        x_rm(a, I_MOVUPS, false, k, rm_mem(AT, 16 * k));
    x_rr(a, I_MOVD, false, PART, CRC);
    x_rr(a, I_PXOR, false, 0, PART);
    advance(a, 16 * LANES);
    front_constant(w, STEP, FRONT_CRC_64);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16 * LANES);
    uint32_t few = x_jcc(a, CC_B, ASM_LATER);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    for (uint8_t k = 0; k < LANES; k++)
        step(a, k, I_MOVUPS, rm_mem(AT, 16 * k));
    advance(a, 16 * LANES);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16 * LANES);
    asm_link(a, x_jcc(a, CC_AE, ASM_LATER), loop);
    asm_link(a, few, asm_offset(a));
    meant_block(a);
    front_constant(w, STEP, FRONT_CRC_16);
    for (uint8_t k = 1; k < LANES; k++)
        step(a, 0, I_MOVAPS, rm_reg(k));
    uint32_t sixteens = asm_offset(a);
    meant_block(a);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16);
    uint32_t rest = x_jcc(a, CC_B, ASM_LATER);
    meant_block(a);
    step(a, 0, I_MOVUPS, rm_mem(AT, 0));
    advance(a, 16);
    asm_link(a, x_jmp(a, ASM_LATER), sixteens);
    asm_link(a, rest, asm_offset(a));
    meant_block(a);
}

/* crc = xmm0, 128 bits, modulo the polynomial (Barrett's way). */
static void ieee_rest(struct front_way *w)
{
    struct assembler *a = w->a;
    enum { SUM, UP, MASK };
    x_rr(a, I_MOVAPS, false, UP, STEP); /* 64 bits less */
    clmul(a, UP, SUM, 0x01);
    x_rmi8(a, I_PSRLDQ_IMM, false, insn_rows[I_PSRLDQ_IMM].digit, rm_reg(SUM), 8);
    x_rr(a, I_PXOR, false, SUM, UP);
    front_constant(w, MASK, FRONT_LOW_32);
    front_constant(w, STEP, FRONT_CRC_4); /* 32 less */
    x_rr(a, I_MOVAPS, false, UP, SUM);
    x_rmi8(a, I_PSRLDQ_IMM, false, insn_rows[I_PSRLDQ_IMM].digit, rm_reg(UP), 4);
    x_rr(a, I_PAND, false, SUM, MASK);
    clmul(a, SUM, STEP, 0x00);
    x_rr(a, I_PXOR, false, SUM, UP);
    front_constant(w, STEP, FRONT_CRC_LAST);
    x_rr(a, I_MOVAPS, false, UP, SUM);
    x_rr(a, I_PAND, false, SUM, MASK);
    clmul(a, SUM, STEP, 0x10);
    x_rr(a, I_PAND, false, SUM, MASK);
    clmul(a, SUM, STEP, 0x00);
    x_rr(a, I_PXOR, false, SUM, UP);
    x_rmi8(a, I_PSRLDQ_IMM, false, insn_rows[I_PSRLDQ_IMM].digit, rm_reg(SUM), 4);
    x_rr(a, I_MOVD_STORE, false, SUM, CRC);
}

/* The last bytes go by the first table, as the body has it. */
static void crc_ieee(struct front_way *w)
{
    struct assembler *a = w->a;
    is_word(w, FIRST_WORD, IEEE_WORD);
    is_word(w, LAST_WORD, IEEE_LAST);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16 * LANES);
    front_leave(w, CC_B);
    ieee_turns(w);
    ieee_rest(w);
    x_rr(a, I_TEST, false, LEFT, LEFT);
    uint32_t none = x_jcc(a, CC_E, ASM_LATER);
    uint32_t ones = asm_offset(a);
    meant_block(a);
    x_rm(a, I_MOVZX8, false, RDX, rm_mem(AT, 0));
    x_byte_load(a, I_MOVZX8, false, R8, rm_reg(CRC));
    x_rr(a, I_XOR, false, RDX, R8);
    x_shift_imm(a, SHIFT_SHR, false, rm_reg(CRC), 8);
    x_rm(a, I_XOR, false, CRC, rm_index(TAB, RDX, 2, 0));
    advance(a, 1);
    asm_link(a, x_jcc(a, CC_NE, ASM_LATER), ones);
    asm_link(a, none, asm_offset(a));
    meant_block(a);
    crc_done(w);
}

void front_crc32(struct front_way *w)
{
    struct assembler *a = w->a;
    meant_block(a);
    front_frame(w, 48);
    pointer(w, TAB, 16, TABLES);
    slice(w, AT, END, LEFT, 24);
    x_rm(a, I_MOV, false, CRC, rm_mem(RAX, 8));
    x_alu_imm(a, ALU_XOR, false, rm_reg(CRC), -1);
    x_alu_imm(a, ALU_CMP, false, rm_mem(TAB, FIRST_WORD), (int32_t)CASTAGNOLI_WORD);
    uint32_t castagnoli = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    crc_ieee(w);
    asm_link(a, castagnoli, asm_offset(a));
    meant_block(a);
    crc_castagnoli(w);
}
