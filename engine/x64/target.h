/* The CPU's face: all that the rest of the engine may know of x64/. */
#ifndef ENGINE_X64_TARGET_H
#define ENGINE_X64_TARGET_H

#include "engine/ir/ir.h"
#include "engine/piece.h"

/* ---- pieces: emit.c, stubs.c, thunks.c.  false: no scratch memory ---- */

/* Machine code of a function whose nodes have their homes.  Changes nothing but scratch memory. */
bool emit(struct compile *, const struct reach *, struct piece *);
/* All stubs of an engine; at: code offset of each within the piece. */
bool stubs_emit(struct engine *, const struct reach *, uint32_t at[STUB_COUNT], struct piece *);
/* A thunk that calls an import that is a host function, as func of this instance. */
bool thunk_host(struct instance *, uint32_t func, const struct reach *, struct piece *);
/* A thunk that calls a function of another instance. */
bool thunk_foreign(struct instance *caller, const struct funcref *callee, struct piece *);
/* A trampoline, written where it will stand: it calls STUB_LAZY.  Then what it becomes: a jump to the function. */
#define TRAMPOLINE_BYTES 8
void trampoline_write(uint8_t *out, uint64_t runs_at, uint64_t lazy);
void trampoline_jump(uint8_t *out, uint64_t runs_at, uint64_t to);

/* ---- place.c: a piece at its place ---- */

/* Copies the code to `out`.  Then each relocation is made to lead to its target; piece_placed ends it. */
void piece_copy(const struct piece *, uint8_t *out);
void piece_link(const struct piece *, const struct reloc *, uint8_t *out, uint64_t runs_at, uint64_t target);
void piece_placed(const struct piece *, const uint8_t *out, uint64_t runs_at);
/* A call or jump whose number stands at `site`, at the address runs_at, is made to lead to target. */
void call_patch(uint8_t *site, uint64_t runs_at, uint64_t target);

/* ---- constants that code reaches by address: constants.c ---- */
#define CONSTANT_BYTES (16 * 40)
void constants_fill(struct cell *at);

/* ---- enter.c: a call into wasm ---- */

/* What STUB_ENTER loads and leaves (stubs.c knows the offsets). */
struct activation {
    uint64_t code, gpr[6];
    struct cell xmm[8];
    uint64_t nstack;
    const struct cell *stack;
    uint64_t pin[2], base;
    uint64_t rax;
    struct cell xmm0;
};
/* Arguments to where the callee looks for them; stack: room for all of them. */
void activation_fill(struct activation *, const struct functype *, const struct cell *arguments, struct cell *stack);
void activation_results(const struct activation *, const struct functype *, const struct reach *, struct cell *results);

#endif
