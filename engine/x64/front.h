/* What the fronts' files share: front.c, and one for each that is long. */
#ifndef ENGINE_X64_FRONT_H
#define ENGINE_X64_FRONT_H

#include "engine/x64/meant.h"
#include "engine/x64/regs.h"
#include "engine/x64/target.h"

enum { FRONT_LEAVES = 24, FRONT_SITES = 20 };

/* 16 bytes each, of front.c. */
enum front_constant {
    FRONT_WORDS,    /* for PSHUFB: the bytes of each 32 bits turned around */
    FRONT_REVERSE,  /* all bytes turned around */
    FRONT_COUNT_ONE,
    FRONT_FIELD,    /* GCM's polynomial */
    FRONT_CRC_64,   /* powers of x modulo that of CRC-32: 64 bytes on */
    FRONT_CRC_16,
    FRONT_CRC_4,
    FRONT_CRC_LAST, /* the polynomial, and its inverse */
    FRONT_LOW_32,
    FRONT_REDUCTION, /* GCM's table of four bits times x^128, 16 bits each: its first half */
    FRONT_REDUCTION_UPPER
};

struct front_way {
    struct assembler *a;
    const struct instance *instance;
    uint64_t slice;                         /* known_slice's, in run/code.h */
    uint32_t leaves[FRONT_LEAVES], nleaves; /* jumps to the body */
    uint32_t sites[FRONT_SITES], nsites;    /* operands in the data behind the code */
    uint8_t constants[FRONT_SITES];         /* which, for front_constants */
};

void front_leave(struct front_way *, unsigned cc);
/* Leaves if the register is more than memory 0 has bytes. */
void front_inside(struct front_way *, uint8_t end);

/* rax = SP, where so many bytes of arguments are. */
void front_frame(struct front_way *, uint8_t bytes);

/* Leave if what is written reaches into the so many bytes of arguments, which the body reads again:
 * `bytes` at reg; or `length` up to `end`.  Change rax and rdx, or rax and scratch. */
void front_beside(struct front_way *, uint8_t reg, uint8_t bytes, uint8_t arguments);
void front_beside_by(struct front_way *, uint8_t end, uint8_t length, uint8_t arguments,
                     uint8_t scratch);

/* xmm = the constant, which front_constants puts behind the code. */
void front_constant(struct front_way *, uint8_t xmm, enum front_constant);
void front_constants(struct front_way *);

/* A Go function's end: SP goes over the return address, and it is not to be unwound.  A front with
 * another result of i32 ends by return_tested (frame.h). */
void front_return(struct front_way *);

/* ---- front_bytes.c ---- */
void front_memequal(struct front_way *);
void front_compare(struct front_way *);
void front_memchr(struct front_way *);
void front_count_bytes(struct front_way *);
void front_count_string(struct front_way *);
void front_xor_bytes(struct front_way *);

/* ---- front_words.c ---- */
void front_add_mul(struct front_way *);
void front_add_mul_count(struct front_way *);
void front_add_mul_to(struct front_way *);
void front_mul_add(struct front_way *);

/* ---- front_aes.c ---- */
uint32_t aes_table(enum front, uint32_t number, uint8_t *out);
void front_aes_encrypt(struct front_way *);
void front_aes_decrypt(struct front_way *);
void front_aes_encrypt_slice(struct front_way *);
void front_aes_decrypt_slice(struct front_way *);
void front_gcm_crypt(struct front_way *);

/* ---- front_clmul.c ---- */
void front_ghash(struct front_way *);
void front_ghash_member(struct front_way *);
void front_ghash_block(struct front_way *);
void front_crc32(struct front_way *);

/* ---- front_sha256.c ---- */
extern const uint32_t sha256_rounds[64];
void front_sha256(struct front_way *);
void front_sha256_data(struct front_way *);

#endif
