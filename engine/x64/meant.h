/* What the emitter meant, told instruction by instruction, so that test builds can hold the bytes
 * against it.
 *
 * With ENGINE_CHECK_CODE the functions below are those of tests/check/: meant_check decodes a whole
 * piece of code with a decoder of its own and stops the process at the first difference.  Else they
 * are nothing: the guest image has none of it. */
#ifndef ENGINE_X64_MEANT_H
#define ENGINE_X64_MEANT_H

#include "engine/x64/asm.h"

/* What has no row in encode.def. */
enum {
    MEANT_PUSH = I_COUNT,
    MEANT_POP,
    MEANT_RET,
    MEANT_MOV,
    MEANT_JMP,
    MEANT_JCC,
    MEANT_CALL,
    MEANT_CDQ,
    MEANT_REP_MOVSB,
    MEANT_REP_STOSB,
    MEANT_DATA
};

/* One instruction, as it was asked for.  The code offset where it starts is the assembler's own
 * affair. */
struct meant {
    unsigned insn; /* enum insn, or one of those above */
    bool w;
    uint8_t reg, vvvv;
    /* condition; MEANT_DATA: bytes of one entry of a jump table, 0 = no such entry */
    uint8_t plus;
    struct rm rm;  /* jumps: kind RM_RIP with the target's address */
    bool local;    /* the address of RM_RIP is an offset in this piece of code */
    uint64_t imm;
    uint8_t imm_bits; /* how many bits of imm are meant */
};

#ifdef ENGINE_CHECK_CODE
/* The code that follows begins at a->start. */
void meant_begin(const struct assembler *);
/* It stands from offset `at` to a->at. */
void meant_is(const struct assembler *, uint32_t at, struct meant);
/* The relative number at the code offset `site`, in what was meant before, is to lead to the code
 * offset `to`. */
void meant_link(const struct assembler *, uint32_t site, uint32_t to);
/* The same for an address. */
void meant_place(const struct assembler *, uint32_t site, uint64_t address);
/* From here on the code runs on its own: a function's entry, a block, a slow way.  A test build may
 * put code of its own here, of at most MEANT_BLOCK bytes, that changes rax and the flags. */
#define MEANT_BLOCK 32
void meant_block(struct assembler *);
/* bytes: the code, as it will run. */
void meant_check(const struct assembler *, const uint8_t *bytes);
#else
static inline void meant_begin(const struct assembler *a)
{
    (void)a;
}
static inline void meant_is(const struct assembler *a, uint32_t at, struct meant m)
{
    (void)a, (void)at, (void)m;
}
static inline void meant_link(const struct assembler *a, uint32_t site, uint32_t to)
{
    (void)a, (void)site, (void)to;
}
static inline void meant_place(const struct assembler *a, uint32_t site, uint64_t address)
{
    (void)a, (void)site, (void)address;
}
static inline void meant_block(struct assembler *a)
{
    (void)a;
}
static inline void meant_check(const struct assembler *a, const uint8_t *bytes)
{
    (void)a, (void)bytes;
}
#endif

#endif
