/* SHA-256's block function (FIPS 180-4) by the CPU's instructions, four rounds a turn; they keep
 * the state as ABEF and CDGH (Intel SDM, SHA256RNDS2).  Go's arguments: [SP + 8] the digest, whose
 * state comes first; [SP + 16] the bytes, [SP + 24] how many.  State is read first and written
 * last, as the body does it. */
#include "engine/x64/front.h"

const uint32_t sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

enum { WK, ABEF, CDGH, W0, SUM = 7, SWAP, ABEF0, CDGH0 };

static void arguments(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, false, RAX, REG_PIN0);
    x_rm(a, I_LEA, true, RCX, rm_mem(RAX, 40));
    front_inside(w, RCX);
    x_rm(a, I_MOV, false, RDI, rm_mem(RAX, 8));
    x_rm(a, I_MOV, false, RSI, rm_mem(RAX, 16));
    x_rm(a, I_MOV, true, RDX, rm_mem(RAX, 24));
    x_rr(a, I_TEST, true, RDI, RDI); /* nil */
    front_leave(w, CC_E);
    x_rm(a, I_LEA, true, RCX, rm_mem(RDI, 32));
    front_inside(w, RCX);
    x_rr(a, I_MOV, false, RCX, RDX);
    x_rr(a, I_CMP, true, RCX, RDX); /* negative, or more than 2^32 bytes */
    front_leave(w, CC_NE);
    x_rr(a, I_ADD, true, RCX, RSI);
    front_inside(w, RCX);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 64);
    front_leave(w, CC_B);
    x_rr(a, I_MOV, true, RCX, RDX);
    front_beside(w, RDI, 32, 32);
    x_rr(a, I_MOV, true, RDX, RCX);
}

/* insn reg, [the 16 bytes of the data number k]. */
static void data(struct front_way *w, enum insn insn, uint8_t reg)
{
    x_rm(w->a, insn, false, reg, rm_rip(ASM_LATER));
    w->sites[w->nsites++] = asm_offset(w->a) - 4;
}

static void state_load(struct assembler *a)
{
    x_rm(a, I_MOVUPS, false, SUM, rm_mem(RDI, 0));
    x_rm(a, I_MOVUPS, false, CDGH, rm_mem(RDI, 16));
    x_rmi8(a, I_PSHUFD, false, SUM, rm_reg(SUM), 0xb1);
    x_rmi8(a, I_PSHUFD, false, CDGH, rm_reg(CDGH), 0x1b);
    x_rr(a, I_MOVAPS, false, ABEF, SUM);
    x_rmi8(a, I_PALIGNR, false, ABEF, rm_reg(CDGH), 8);
    x_rmi8(a, I_PBLENDW, false, CDGH, rm_reg(SUM), 0xf0);
}

static void state_store(struct assembler *a)
{
    x_rmi8(a, I_PSHUFD, false, ABEF, rm_reg(ABEF), 0x1b);
    x_rmi8(a, I_PSHUFD, false, CDGH, rm_reg(CDGH), 0xb1);
    x_rr(a, I_MOVAPS, false, SUM, ABEF);
    x_rmi8(a, I_PBLENDW, false, SUM, rm_reg(CDGH), 0xf0);
    x_rmi8(a, I_PALIGNR, false, CDGH, rm_reg(ABEF), 8);
    x_rm(a, I_MOVUPS_STORE, false, SUM, rm_mem(RDI, 0));
    x_rm(a, I_MOVUPS_STORE, false, CDGH, rm_mem(RDI, 16));
}

/* Four rounds, number 4 * t and up. */
static void rounds(struct front_way *w, unsigned t)
{
    struct assembler *a = w->a;
    uint8_t now = (uint8_t)(W0 + (t & 3)), before = (uint8_t)(W0 + ((t + 3) & 3));
    if (t < 4) {
        x_rm(a, I_MOVUPS, false, now, rm_mem(RSI, (int32_t)(16 * t)));
        x_rr(a, I_PSHUFB, false, now, SWAP);
    } else {
        x_rr(a, I_MOVAPS, false, SUM, before);
        x_rmi8(a, I_PALIGNR, false, SUM, rm_reg((uint8_t)(W0 + ((t + 2) & 3))), 4);
        x_rr(a, I_SHA256MSG1, false, now, (uint8_t)(W0 + ((t + 1) & 3)));
        x_rr(a, I_PADDD, false, now, SUM);
        x_rr(a, I_SHA256MSG2, false, now, before);
    }
    data(w, I_MOVAPS, WK);
    x_rr(a, I_PADDD, false, WK, now);
    x_rr(a, I_SHA256RNDS2, false, CDGH, ABEF);
    x_rmi8(a, I_PSHUFD, false, WK, rm_reg(WK), 0x0e);
    x_rr(a, I_SHA256RNDS2, false, ABEF, CDGH);
}

void front_sha256(struct front_way *w)
{
    struct assembler *a = w->a;
    meant_block(a);
    arguments(w);
    state_load(a);
    data(w, I_MOVAPS, SWAP);
    uint32_t loop = asm_offset(a);
    meant_block(a);
    x_rr(a, I_MOVAPS, false, ABEF0, ABEF);
    x_rr(a, I_MOVAPS, false, CDGH0, CDGH);
    for (unsigned t = 0; t < 16; t++)
        rounds(w, t);
    x_rr(a, I_PADDD, false, ABEF, ABEF0);
    x_rr(a, I_PADDD, false, CDGH, CDGH0);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RSI), 64);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RDX), 64);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 64);
    asm_link(a, x_jcc(a, CC_AE, ASM_LATER), loop);
    meant_block(a);
    state_store(a);
    front_return(w);
}

/* In the order in which data() asks: the byte order, then the rounds' constants. */
void front_sha256_data(struct front_way *w)
{
    struct assembler *a = w->a;
    asm_align(a, 16);
    for (uint32_t k = 0; k < w->nsites; k++) {
        asm_link(a, w->sites[k], asm_offset(a));
        const uint32_t *r = sha256_rounds + 4 * (k ? k - 1 : 0);
        asm_data64(a, k ? r[0] | (uint64_t)r[1] << 32 : 0x0405060700010203);
        asm_data64(a, k ? r[2] | (uint64_t)r[3] << 32 : 0x0c0d0e0f08090a0b);
    }
}
