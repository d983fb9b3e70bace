/* What the fronts' files share: front.c, and one for each that is long. */
#ifndef ENGINE_X64_FRONT_H
#define ENGINE_X64_FRONT_H

#include "engine/x64/meant.h"
#include "engine/x64/regs.h"
#include "engine/x64/target.h"

enum { FRONT_LEAVES = 16, FRONT_SITES = 20 };

struct front_way {
    struct assembler *a;
    const struct instance *instance;
    uint32_t leaves[FRONT_LEAVES], nleaves; /* jumps to the body */
    uint32_t sites[FRONT_SITES], nsites;    /* operands in the data behind the code */
};

void front_leave(struct front_way *, unsigned cc);
/* Leaves if the register is more than memory 0 has bytes. */
void front_inside(struct front_way *, uint8_t end);

/* A Go function's end: SP goes over the return address, and it is not to be unwound.  A front with
 * another result of i32 ends by return_tested (frame.h). */
void front_return(struct front_way *);

/* ---- front_bytes.c ---- */
void front_memequal(struct front_way *);
void front_compare(struct front_way *);
void front_memchr(struct front_way *);
void front_count_bytes(struct front_way *);
void front_count_string(struct front_way *);

/* ---- front_words.c ---- */
void front_add_mul(struct front_way *);
void front_add_mul_count(struct front_way *);
void front_add_mul_to(struct front_way *);
void front_mul_add(struct front_way *);

/* ---- front_sha256.c ---- */
extern const uint32_t sha256_rounds[64];
void front_sha256(struct front_way *);
void front_sha256_data(struct front_way *);

#endif
