/* The CPU's face: all that the rest of the engine may know of x64/. */
#ifndef ENGINE_X64_TARGET_H
#define ENGINE_X64_TARGET_H

#include "engine/ir/ir.h"
#include "engine/piece.h"

/* ---- registers: target.c.  A mask has a bit for each of 32, floats behind integers ---- */

/* Those that webs may live in, and temporaries. */
uint32_t target_webs(const struct instance *, bool is_int);
uint32_t target_temporaries(const struct instance *, bool is_int);
/* Which of these, at least one, a web or a temporary should get. */
uint8_t target_pick_web(uint32_t mask);
uint8_t target_pick_temporary(uint32_t mask);
/* Where a call leaves an integer: a node just behind it that only tests it may find it there. */
uint8_t target_result(void);
/* What a node's code uses besides its operands' and its result's and the emitter's own. */
extern const uint32_t target_op_clobbers[IR_COUNT];
uint32_t target_vec_clobbers(unsigned sub); /* emit_simd.c */
static inline uint32_t target_clobbers(const struct node *n)
{
    return n->op == IR_VEC ? target_vec_clobbers(n->sub) : target_op_clobbers[n->op];
}

/* Where parameters and arguments go, asked one after the other from {0} on: the next one's
 * register, or REG_NONE: the stack. */
struct param_rule {
    uint32_t ints, floats;
};
uint8_t target_param(struct param_rule *, unsigned irtype);
/* may leave out an argument of 0 */
bool target_zero_call(const struct instance *, const struct functype *);
/* In Go's code a function with one result, of i32, returns with the flags of that result's test:
 * its caller jumps by them at once. */
bool target_result_tested(const struct instance *, const struct functype *);
/* how many of a function's go to the stack */
uint32_t target_stack_params(const struct functype *);

/* What the CPU lacks for IR_VEC and IR_FROUND; NULL: nothing. */
const char *target_lacks(const struct engine *);

/* ---- pieces: emit.c, stubs.c, thunks.c.  false: no scratch memory ---- */

/* Machine code of a function whose nodes have their homes.  Changes nothing but scratch memory. */
bool emit(struct compile *, const struct reach *, struct piece *);
/* All stubs of an engine; at: code offset of each within the piece. */
bool stubs_emit(struct engine *, const struct reach *, uint32_t at[STUB_COUNT], struct piece *);
/* A thunk that calls an import that is a host function, as func of this instance. */
bool thunk_host(struct instance *, uint32_t func, const struct reach *, struct piece *);
/* A thunk that calls a function of another instance. */
bool thunk_foreign(struct instance *caller, const struct funcref *callee, struct piece *);
/* Code that stands before a body that is known, and what it may be put before: front.c. */
enum front {
    FRONT_NONE,
    FRONT_SHA256,
    FRONT_MEMEQUAL,
    FRONT_COMPARE,
    FRONT_MEMCHR,
    FRONT_COUNT_BYTES,
    FRONT_COUNT_STRING,
    FRONT_ADD_MUL,
    FRONT_ADD_MUL_COUNT,
    FRONT_ADD_MUL_TO,
    FRONT_MUL_ADD,
    FRONT_XOR_BYTES,
    FRONT_AES_ENCRYPT,
    FRONT_AES_DECRYPT,
    FRONT_AES_ENCRYPT_SLICE,
    FRONT_AES_DECRYPT_SLICE,
    FRONT_GCM_CRYPT,
    FRONT_GHASH,
    FRONT_GHASH_MEMBER,
    FRONT_GHASH_BLOCK,
    FRONT_CRC32,
    FRONT_PARTS, /* those from here on have none, but are a part of another that has */
    FRONT_MEMCMP = FRONT_PARTS,
    FRONT_GHASH_MUL,
    FRONT_CARRYLESS,
    FRONT_GCM_COUNT,
    FRONT_XOR_SLICES,
    FRONT_MUL_UINTPTR,
    FRONT_MUL_64,
    FRONT_MUL_ADD_WORD,
    FRONT_COUNT
};
bool front_possible(const struct instance *, const struct functype *); /* any at all */
bool front_fits(const struct instance *, enum front, const struct functype *);
/* What stands in memory where the body reads its table of this number: the bytes, and how many.
 * 0: it has none. */
enum { FRONT_TABLE_MOST = 1024 };
uint32_t front_table(enum front, uint32_t number, uint8_t out[FRONT_TABLE_MOST]);
/* The calls in a body that do its work, `count` of them from number `first` on, and to what: */
struct front_call { uint8_t what, first, count; }; /* count 0: the last */
const struct front_call *front_calls(enum front);
/* body: where calls enter it; slice: of known_slice */
bool front_emit(const struct instance *, enum front, uint64_t body, uint64_t slice,
                struct piece *);
/* A trampoline, written where it will stand: it calls STUB_LAZY.  Then what it becomes: a jump to
 * the function.  At its start it takes calls that leave out an argument of 0, and puts it there;
 * others enter behind that. */
#define TRAMPOLINE_BYTES 8
#define TRAMPOLINE_ENTRY 2
void trampoline_write(uint8_t *out, uint64_t runs_at, uint64_t lazy);
void trampoline_jump(uint8_t *out, uint64_t runs_at, uint64_t to);

/* ---- place.c: a piece at its place ---- */

/* Copies the code to `out`.  Then each relocation is made to lead to its target; piece_placed ends
 * it. */
void piece_copy(const struct piece *, uint8_t *out);
void piece_link(const struct piece *, const struct reloc *, uint8_t *out, uint64_t runs_at,
                uint64_t target);
void piece_placed(const struct piece *, const uint8_t *out, uint64_t runs_at);
/* A call or jump whose number stands at `site`, at the address runs_at, is made to lead to target.
 */
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
/* Code that fails leaves by STUB_EXIT with the stack pointer engine->c_sp.  While wasm runs,
 * STUB_ENTER has left there where the activation that this one is nested in had been: */
struct outer {
    uint64_t wasm_sp; /* 0: in none */
    uint64_t c_sp;
};
struct outer frame_outer(uint64_t c_sp);
/* A frame's end: sp, behind the frame's own bytes, comes to where the caller's frame begins;
 * returned is a place within the call that it goes back to. */
uint64_t frame_return(uint64_t *sp);
bool frame_is_outermost(uint64_t call, uint64_t stub_return); /* call: frame_return's answer */
#define FRAME_RETURN_BYTES 8 /* what frame_return reads */

/* Arguments to where the callee looks for them; stack: room for all of them. */
void activation_fill(struct activation *, const struct functype *, const struct cell *arguments,
                     struct cell *stack);
void activation_results(const struct activation *, const struct functype *, const struct reach *,
                        struct cell *results);

#endif
