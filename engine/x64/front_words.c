/* Fronts of the loops under math/big and RSA: numbers as words of 64 bits, times one word.
 *
 * Go has no instruction of wasm for a product of 128 bits, so its bodies make it of four products
 * and many additions.  Each word is read before it is written, one after the other, so ranges may
 * overlap as they do for the body. */
#include "engine/x64/front.h"

/* Where a function's arguments are, from SP on.  z[k] = addend[k] + times[k] * by + carry. */
struct words {
    uint8_t z, addend, times, by, first_carry, answer; /* 0: there is none */
    uint8_t count, also[2];                            /* numbers of words, which must be equal */
};

enum { Z = RDI, TIMES = RSI, ADDEND = R8, BY = R9, INDEX = R10, CARRY = RCX, SP = R11 };

/* A pointer that is [SP + at], to the end of the words.  rdx: their bytes. */
static void pointer_end(struct front_way *w, uint8_t reg, uint8_t at)
{
    x_rm(w->a, I_MOV, false, reg, rm_mem(SP, at));
    x_rr(w->a, I_ADD, true, reg, RDX);
    front_inside(w, reg);
}

static void arguments(struct front_way *w, const struct words *at)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, false, SP, REG_PIN0);
    x_rm(a, I_LEA, true, RCX, rm_mem(SP, at->answer + 8));
    front_inside(w, RCX);
    x_rm(a, I_MOV, true, INDEX, rm_mem(SP, at->count));
    for (unsigned k = 0; k < 2 && at->also[k]; k++) {
        x_rm(a, I_CMP, true, INDEX, rm_mem(SP, at->also[k]));
        front_leave(w, CC_NE);
    }
    x_rm(a, I_LEA, true, RCX, rm_mem(INDEX, -1)); /* none, negative, or more than memory has */
    x_alu_imm(a, ALU_CMP, true, rm_reg(RCX), 1 << 28);
    front_leave(w, CC_AE);
    x_rm(a, I_LEA, true, RDX, rm_index(INDEX, INDEX, 0, 0));
    x_shift_imm(a, SHIFT_SHL, true, rm_reg(RDX), 2);
    pointer_end(w, Z, at->z);
    front_beside_by(w, Z, RDX, at->answer, RCX);
    pointer_end(w, TIMES, at->times);
    if (at->addend)
        pointer_end(w, ADDEND, at->addend);
    x_rm(a, I_MOV, true, BY, rm_mem(SP, at->by));
    if (at->first_carry)
        x_rm(a, I_MOV, true, CARRY, rm_mem(SP, at->first_carry));
    else
        x_zero(a, CARRY);
}

static void words(struct front_way *w, const struct words *at)
{
    struct assembler *a = w->a;
    meant_block(a);
    arguments(w, at);
    x_m(a, I_NEG, true, rm_reg(INDEX));
    uint32_t loop = asm_offset(a);
    meant_block(a);
    x_rm(a, I_MOV, true, RAX, rm_index(TIMES, INDEX, 3, 0));
    x_m(a, I_MUL, true, rm_reg(BY));
    if (at->addend) {
        x_rm(a, I_ADD, true, RAX, rm_index(ADDEND, INDEX, 3, 0));
        x_alu_imm(a, ALU_ADC, true, rm_reg(RDX), 0);
    }
    x_rr(a, I_ADD, true, RAX, CARRY);
    x_alu_imm(a, ALU_ADC, true, rm_reg(RDX), 0);
    x_rm(a, I_MOV_STORE, true, RAX, rm_index(Z, INDEX, 3, 0));
    x_rr(a, I_MOV, true, CARRY, RDX);
    x_alu_imm(a, ALU_ADD, true, rm_reg(INDEX), 1);
    asm_link(a, x_jcc(a, CC_NE, ASM_LATER), loop);
    meant_block(a);
    x_rm(a, I_MOV_STORE, true, CARRY, rm_mem(SP, at->answer));
    front_return(w);
}

void front_add_mul(struct front_way *w)
{
    words(w, &(struct words){ .z = 8, .count = 16, .times = 32, .also = { 40 }, .by = 56,
                              .addend = 8, .answer = 64 });
}

void front_add_mul_count(struct front_way *w)
{
    words(w, &(struct words){ .z = 8, .times = 16, .by = 24, .count = 32, .addend = 8,
                              .answer = 40 });
}

void front_add_mul_to(struct front_way *w)
{
    words(w, &(struct words){ .z = 8, .count = 16, .addend = 32, .times = 56, .also = { 40, 64 },
                              .by = 80, .first_carry = 88, .answer = 96 });
}

void front_mul_add(struct front_way *w)
{
    words(w, &(struct words){ .z = 8, .count = 16, .times = 32, .also = { 40 }, .by = 56,
                              .first_carry = 64, .answer = 72 });
}
