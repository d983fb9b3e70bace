/* Fronts of AES (FIPS 197) and of GCM's counter mode (NIST SP 800-38D) by the CPU's instructions.
 *
 * Go's key is expanded: a word for each column, the first byte in its upper bits.  So each round's
 * key has its words' bytes turned around first.  Keys for the way back are those of the equivalent
 * inverse cipher, as AESDEC wants them.  What is read and what is written is in memory, the key
 * has 10, 12 or 14 rounds, and the counter and the key lie apart from what is written. */
#include "engine/x64/front.h"

enum { STATE, KEY = 8, WORDS, COUNTER, ONE };          /* of xmm registers */
enum { KEYS = RSI, SOURCE = R8, TO = R9, EXTRA = RCX }; /* EXTRA: 32 for each two rounds over 10 */
enum { LANES = 4, ROUNDS_MOST = 14, KEY_BYTES = 16 * (ROUNDS_MOST + 1) };

/* ---- Go's tables, which are the same in each version ---- */

/* Times x modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t doubled(uint8_t v)
{
    return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1b : 0));
}

static uint8_t product(uint8_t v, uint8_t times)
{
    uint8_t sum = 0;
    for (; times; times >>= 1, v = doubled(v))
        sum ^= times & 1 ? v : 0;
    return sum;
}

/* FIPS 197, 5.1.1: the inverse, then an affine transformation. */
static uint8_t substituted(uint8_t v)
{
    uint8_t inverse = 1, sum = 0x63;
    for (unsigned k = 0; k < 254; k++)
        inverse = product(inverse, v);
    for (unsigned k = 0; k < 5; k++)
        sum ^= (uint8_t)(inverse << k | inverse >> (8 - k));
    return sum;
}

/* Tables number 0 to 3 have a column of the state for each byte, turned by as many bytes; number 4
 * has the bytes alone. */
uint32_t aes_table(enum front what, uint32_t number, uint8_t *out)
{
    static const uint8_t mix[2][4] = {{3, 1, 1, 2}, {11, 13, 9, 14}};
    const bool back = what == FRONT_AES_DECRYPT || what == FRONT_AES_DECRYPT_SLICE;
    for (uint32_t k = 0; k < 256; k++) {
        const uint8_t sub = substituted((uint8_t)k), from = back ? sub : (uint8_t)k,
                      to = back ? (uint8_t)k : sub;
        if (number == 4)
            out[from] = to;
        else
            for (uint32_t b = 0; b < 4; b++)
                out[4 * from + (b + 4 - number) % 4] = product(to, mix[back][b]);
    }
    return number == 4 ? 256 : 1024;
}

/* ---- rounds ---- */

static void each(struct assembler *a, uint8_t lanes, enum insn insn)
{
    for (uint8_t k = 0; k < lanes; k++)
        x_rr(a, insn, false, (uint8_t)(STATE + k), KEY);
}

static void with_key(struct assembler *a, uint8_t lanes, enum insn insn, int32_t at)
{
    x_rm(a, I_MOVUPS, false, KEY, rm_mem(KEYS, at));
    x_rr(a, I_PSHUFB, false, KEY, WORDS);
    each(a, lanes, insn);
}

/* The last ten rounds' keys are at [KEYS + 16], those of further ones before that. */
static void rounds(struct assembler *a, uint8_t lanes, bool back)
{
    const enum insn middle = back ? I_AESDEC : I_AESENC;
    x_rr(a, I_MOV, false, RDX, KEYS);
    x_rr(a, I_SUB, false, KEYS, EXTRA);
    with_key(a, lanes, I_PXOR, 0);
    x_rr(a, I_MOV, false, KEYS, RDX);
    x_alu_imm(a, ALU_CMP, false, rm_reg(EXTRA), 32);
    uint32_t ten = x_jcc(a, CC_B, ASM_LATER), twelve = x_jcc(a, CC_E, ASM_LATER);
    meant_block(a);
    with_key(a, lanes, middle, -48);
    with_key(a, lanes, middle, -32);
    asm_link(a, twelve, asm_offset(a));
    meant_block(a);
    with_key(a, lanes, middle, -16);
    with_key(a, lanes, middle, 0);
    asm_link(a, ten, asm_offset(a));
    meant_block(a);
    for (int32_t k = 1; k < 10; k++)
        with_key(a, lanes, middle, 16 * k);
    with_key(a, lanes, back ? I_AESDECLAST : I_AESENCLAST, 160);
}

/* ---- arguments ---- */

/* EXTRA is the number of rounds or of words less that of the shortest key: once, twice or not at
 * all 1 << shift.  KEYS are the whole key's. */
static void extra_rounds(struct front_way *w, uint8_t shift)
{
    struct assembler *a = w->a;
    x_shift_imm(a, SHIFT_ROR, true, rm_reg(EXTRA), shift);
    x_alu_imm(a, ALU_CMP, true, rm_reg(EXTRA), 2);
    front_leave(w, CC_A);
    x_shift_imm(a, SHIFT_SHL, false, rm_reg(EXTRA), 5);
    x_rr(a, I_ADD, false, KEYS, EXTRA);
}

/* [rax + 8] is a key: its number of rounds, then the round keys for both ways. */
static void key_struct(struct front_way *w, bool back)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, false, KEYS, rm_mem(RAX, 8));
    x_rr(a, I_TEST, true, KEYS, KEYS); /* nil */
    front_leave(w, CC_E);
    x_rm(a, I_LEA, true, RDX, rm_mem(KEYS, 8 + 2 * KEY_BYTES));
    front_inside(w, RDX);
    x_rm(a, I_MOV, true, EXTRA, rm_mem(KEYS, 0));
    x_alu_imm(a, ALU_ADD, false, rm_reg(KEYS), 8 + (back ? KEY_BYTES : 0));
    x_alu_imm(a, ALU_SUB, true, rm_reg(EXTRA), 10);
    extra_rounds(w, 1);
}

/* [rax + 8] are the words of a key, [rax + 16] how many they are. */
static void key_slice(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, false, KEYS, rm_mem(RAX, 8));
    x_rm(a, I_LEA, true, RDX, rm_mem(KEYS, KEY_BYTES));
    front_inside(w, RDX);
    x_rm(a, I_MOV, true, EXTRA, rm_mem(RAX, 16));
    x_alu_imm(a, ALU_SUB, true, rm_reg(EXTRA), 44);
    extra_rounds(w, 3);
}

/* reg = the slice at [rax + at], of 16 bytes at least. */
static void block(struct front_way *w, uint8_t reg, uint8_t at)
{
    struct assembler *a = w->a;
    x_alu_imm(a, ALU_CMP, true, rm_mem(RAX, at + 8), 16);
    front_leave(w, CC_B);
    x_rm(a, I_MOV, false, reg, rm_mem(RAX, at));
    x_rm(a, I_LEA, true, RDX, rm_mem(reg, 16));
    front_inside(w, RDX);
}

/* ---- one block ---- */

static void one(struct front_way *w, bool slice, bool back)
{
    struct assembler *a = w->a;
    meant_block(a);
    front_frame(w, slice ? 72 : 56);
    if (slice)
        key_slice(w);
    else
        key_struct(w, back);
    block(w, TO, slice ? 32 : 16);
    block(w, SOURCE, slice ? 56 : 40);
    front_beside(w, TO, 16, slice ? 72 : 56);
    front_constant(w, WORDS, FRONT_WORDS);
    x_rm(a, I_MOVUPS, false, STATE, rm_mem(SOURCE, 0));
    rounds(a, 1, back);
    x_rm(a, I_MOVUPS_STORE, false, STATE, rm_mem(TO, 0));
    front_return(w);
}

void front_aes_encrypt(struct front_way *w)
{
    one(w, false, false);
}

void front_aes_decrypt(struct front_way *w)
{
    one(w, false, true);
}

void front_aes_encrypt_slice(struct front_way *w)
{
    one(w, true, false);
}

void front_aes_decrypt_slice(struct front_way *w)
{
    one(w, true, true);
}

/* ---- counter mode: b, out, src, counter; the last four bytes count ---- */

enum { LEFT = R10, AT_COUNTER = R11, TO_END = RDI };

/* The slice at [rax + at] has as many bytes as are left, and its end is in memory. */
static void long_enough(struct front_way *w, uint8_t reg, uint8_t at)
{
    struct assembler *a = w->a;
    x_rm(a, I_CMP, true, LEFT, rm_mem(RAX, at + 8));
    front_leave(w, CC_G);
    x_rm(a, I_CMP, true, LEFT, rm_mem(RAX, at + 16));
    front_leave(w, CC_G);
    x_rm(a, I_MOV, false, reg, rm_mem(RAX, at));
    x_rm(a, I_LEA, true, RDX, rm_index(reg, LEFT, 0, 0));
    front_inside(w, RDX);
}

/* Leaves if what is written reaches into the `bytes` bytes at [reg + from], perhaps below 0. */
static void apart(struct front_way *w, uint8_t reg, int32_t from, int32_t bytes)
{
    struct assembler *a = w->a;
    x_rm(a, I_LEA, true, RDX, rm_mem(reg, from));
    x_rr(a, I_CMP, true, TO_END, RDX);
    uint32_t below = x_jcc(a, CC_LE, ASM_LATER);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RDX), bytes);
    x_rr(a, I_CMP, true, RDX, TO);
    front_leave(w, CC_G);
    asm_link(a, below, asm_offset(a));
    meant_block(a);
}

/* Leaves if what is written reaches into the source. */
static void apart_from_source(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rr(a, I_CMP, true, TO_END, SOURCE);
    uint32_t below = x_jcc(a, CC_BE, ASM_LATER);
    x_rm(a, I_LEA, true, RDX, rm_index(SOURCE, LEFT, 0, 0));
    x_rr(a, I_CMP, true, RDX, TO);
    front_leave(w, CC_A);
    asm_link(a, below, asm_offset(a));
    meant_block(a);
}

/* Source and target are the same, or have no byte in common. */
static void apart_or_same(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rr(a, I_CMP, true, SOURCE, TO);
    uint32_t same = x_jcc(a, CC_E, ASM_LATER);
    apart_from_source(w);
    asm_link(a, same, asm_offset(a));
    meant_block(a);
}

static void apart_from_key(struct front_way *w)
{
    apart(w, KEYS, -8 - 16 * 4, 16 * 4 + 8 + KEY_BYTES);
}

/* [rax + 64] is the counter, which the body writes for each block: it is apart from all but what
 * it is itself.  TO and TO_END are free. */
static void counter(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rm(a, I_MOV, false, AT_COUNTER, rm_mem(RAX, 64));
    x_rr(a, I_TEST, true, AT_COUNTER, AT_COUNTER); /* nil */
    front_leave(w, CC_E);
    x_rm(a, I_LEA, true, TO_END, rm_mem(AT_COUNTER, 16));
    front_inside(w, TO_END);
    x_rr(a, I_MOV, true, TO, AT_COUNTER);
    apart_from_key(w);
    apart_from_source(w);
    front_beside(w, AT_COUNTER, 16, 64);
}

static void counter_arguments(struct front_way *w)
{
    struct assembler *a = w->a;
    front_frame(w, 64);
    x_rm(a, I_MOV, true, RDX, rm_mem(RAX, 48));
    x_rr(a, I_MOV, false, LEFT, RDX);
    x_rr(a, I_CMP, true, LEFT, RDX); /* negative, or more than 2^32 bytes */
    front_leave(w, CC_NE);
    x_rr(a, I_TEST, false, LEFT, LEFT);
    front_leave(w, CC_E);
    long_enough(w, SOURCE, 40);
    key_struct(w, false);
    counter(w);
    long_enough(w, TO, 16);
    x_rm(a, I_LEA, true, TO_END, rm_index(TO, LEFT, 0, 0));
    apart_from_key(w);
    apart(w, AT_COUNTER, 0, 16);
    front_beside_by(w, TO_END, LEFT, 64, RDX);
    apart_or_same(w);
}

/* The states of so many blocks. */
static void keystream(struct assembler *a, uint8_t lanes)
{
    for (uint8_t k = 0; k < lanes; k++) {
        x_rr(a, I_MOVAPS, false, (uint8_t)(STATE + k), COUNTER);
        x_rr(a, I_PSHUFB, false, (uint8_t)(STATE + k), WORDS);
        x_rr(a, I_PADDD, false, COUNTER, ONE);
    }
    rounds(a, lanes, false);
}

static void crypt(struct assembler *a, uint8_t lanes)
{
    for (uint8_t k = 0; k < lanes; k++) {
        x_rm(a, I_MOVUPS, false, KEY, rm_mem(SOURCE, 16 * k));
        x_rr(a, I_PXOR, false, KEY, (uint8_t)(STATE + k));
        x_rm(a, I_MOVUPS_STORE, false, KEY, rm_mem(TO, 16 * k));
    }
    x_alu_imm(a, ALU_ADD, false, rm_reg(SOURCE), 16 * lanes);
    x_alu_imm(a, ALU_ADD, false, rm_reg(TO), 16 * lanes);
    x_alu_imm(a, ALU_SUB, false, rm_reg(LEFT), 16 * lanes);
}

/* Less than 16 bytes; one at least. */
static void crypt_rest(struct assembler *a)
{
    uint32_t loop = asm_offset(a);
    meant_block(a);
    x_rr(a, I_MOVD_STORE, false, STATE, RDX);
    x_rm(a, I_MOVZX8, false, RCX, rm_mem(SOURCE, 0));
    x_rr(a, I_XOR, false, RCX, RDX);
    x_store8(a, RCX, rm_mem(TO, 0));
    x_rmi8(a, I_PSRLDQ_IMM, false, insn_rows[I_PSRLDQ_IMM].digit, rm_reg(STATE), 1);
    x_alu_imm(a, ALU_ADD, false, rm_reg(SOURCE), 1);
    x_alu_imm(a, ALU_ADD, false, rm_reg(TO), 1);
    x_alu_imm(a, ALU_SUB, false, rm_reg(LEFT), 1);
    asm_link(a, x_jcc(a, CC_NE, ASM_LATER), loop);
    meant_block(a);
}

static void counter_turns(struct assembler *a)
{
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16 * LANES);
    uint32_t few = x_jcc(a, CC_B, ASM_LATER);
    uint32_t many = asm_offset(a);
    meant_block(a);
    keystream(a, LANES);
    crypt(a, LANES);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16 * LANES);
    asm_link(a, x_jcc(a, CC_AE, ASM_LATER), many);
    asm_link(a, few, asm_offset(a));
    meant_block(a);
    x_rr(a, I_TEST, false, LEFT, LEFT);
    uint32_t none = x_jcc(a, CC_E, ASM_LATER);
    uint32_t single = asm_offset(a);
    meant_block(a);
    keystream(a, 1);
    x_alu_imm(a, ALU_CMP, false, rm_reg(LEFT), 16);
    uint32_t rest = x_jcc(a, CC_B, ASM_LATER);
    meant_block(a);
    crypt(a, 1);
    asm_link(a, x_jcc(a, CC_NE, ASM_LATER), single);
    uint32_t done = x_jmp(a, ASM_LATER);
    asm_link(a, rest, asm_offset(a));
    crypt_rest(a);
    asm_link(a, none, asm_offset(a));
    asm_link(a, done, asm_offset(a));
    meant_block(a);
}

void front_gcm_crypt(struct front_way *w)
{
    struct assembler *a = w->a;
    meant_block(a);
    counter_arguments(w);
    front_constant(w, WORDS, FRONT_WORDS);
    front_constant(w, ONE, FRONT_COUNT_ONE);
    x_rm(a, I_MOVUPS, false, COUNTER, rm_mem(AT_COUNTER, 0));
    x_rr(a, I_PSHUFB, false, COUNTER, WORDS);
    counter_turns(a);
    x_rr(a, I_PSHUFB, false, COUNTER, WORDS);
    x_rm(a, I_MOVUPS_STORE, false, COUNTER, rm_mem(AT_COUNTER, 0));
    front_return(w);
}
