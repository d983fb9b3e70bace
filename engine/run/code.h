/* Code memory and what compiled code and the compiler must agree on. */
#ifndef ENGINE_CODE_H
#define ENGINE_CODE_H

#include "engine/piece.h"

/* The code region starts with the engine's stubs; then, per instance, trampolines and thunks of imports; then
 * functions. A range is one piece of code with a frame: func's own code, or the thunk of an import. */
struct code_range {
    uint32_t start, body, end;
    uint32_t func;
    uint32_t frame;
    struct instance *instance;
    bool is_thunk;
};

struct code_global {
    uint32_t used; /* bytes of the code region */
    uint32_t stub_enter, stub_return, stub_exit, stub_lazy, stub_indirect, stub_host_trap, stub_runtime[RT_COUNT],
        stub_trap[TRAP_COUNT];
    struct cell *results; /* results number 1 and up of the function that returned last */
    struct code_range *ranges;
    uint32_t nranges, ranges_cap; /* ascending */
    struct code_state *states;    /* all instances' */
    uint8_t *constants;           /* 16 bytes each, enum code_constant */
    struct cell *vectors;         /* x64/emit_simd.c: constants of vector code, NULL before the first */
};

/* One direct call site that waits for its callee to be compiled. */
struct fixup {
    uint32_t site, func, next;
}; /* code offset of the rel32 */

/* Code addresses for call_indirect of one type through one table by one instance: always callable; what may not be
 * called leads to a trap. */
struct fast_table {
    uint64_t *code;
    uint64_t cap;
    struct instance *caller;
    uint32_t canon;
    struct fast_table *next;
};

/* A call_indirect that has none: stub_indirect looks at each call. */
struct slow_site {
    struct instance *caller;
    const struct table *table;
    uint32_t canon;
};

struct foreign {
    struct funcref *ref;
    uint32_t code;
    struct foreign *next;
};

struct code_state {
    struct code_state *next;
    struct instance *instance;
    uint32_t trampolines; /* code offset; TRAMPOLINE_BYTES each, one per defined function */
    uint32_t *entry;      /* per function of the index space: code offset, 0 = not compiled */
    uint32_t *waiting;    /* per function: first fixup + 1 */
    struct fixup *pool;
    uint32_t npool, pool_cap;
    uint32_t *slot_of;       /* per function: its first slot in table 0 + 1; NULL before the first fast table */
    struct foreign *foreign; /* thunks to functions of other instances */
};

/* What stub_enter loads and leaves (x64/stubs.c knows the offsets). */
struct activation {
    uint64_t code, gpr[6];
    struct cell xmm[8];
    uint64_t nstack;
    const struct cell *stack;
    uint64_t pin[2], base;
    uint64_t rax;
    struct cell xmm0;
};

#define TRAMPOLINE_BYTES 8

enum code_constant {
    K_ABS64,
    K_ABS32,
    K_SIGN64,
    K_SIGN32,
    K_TWO63,
    K_TWO63F,
    K_TWO31,
    K_TWO31F,
    K_TWO32,
    K_ONE_HALF,
    K_COUNT
};

/* Reserves `bytes` at the end of the code region; 0 = cannot be had (sticky in engine->error). */
uint32_t code_reserve(struct engine *, uint32_t bytes);
static inline uint8_t *code_write(struct engine *e, uint32_t offset)
{
    return e->env.code_w + offset;
}
static inline uint64_t code_address(struct engine *e, uint32_t offset)
{
    return (uint64_t)(uintptr_t)e->env.code_x + offset;
}

/* Where a direct call of func goes now; if it is not compiled yet the site (code offset of its rel32, 0 = none) is
 * remembered. */
uint32_t code_call_target(struct code_state *, uint32_t func, uint32_t site);
/* The code addresses for call_indirect of type `canon` through a table.  NULL: there are enough of them, or no memory
 * is left for one; then for this table and type it is NULL for ever. */
struct fast_table *code_fast_table(struct code_state *, struct table *, uint32_t canon);
/* Called by stub_indirect: the code to go on at, a trap's where nothing may be called.  index: within the table. */
uint64_t code_indirect(const struct slow_site *, uint64_t index);
bool code_add_range(struct engine *, struct code_range);
const struct code_range *code_find(struct engine *, uint64_t pc);
/* Compiles func again without keeping the code and tells which wasm instruction the native offset within it belongs to.
 */
uint32_t code_wasm_offset(struct engine *, const struct code_range *, uint32_t native);
/* The compiler proper, for a function whose body has been validated.  record: see struct compile. */
bool code_compile(struct instance *, uint32_t func, bool record, uint32_t native, uint32_t *wasm_offset);
/* Whether pc is in a trampoline, which belongs to no range. */
bool code_is_trampoline(struct engine *, uint64_t pc);
/* Called by stub_lazy.  `from`: the return address of a trampoline's call.  0: cannot (engine->trap is set). */
uint64_t code_lazy(struct engine *, uint64_t from);

/* ---- x64/stubs.c ---- */
bool stubs_init(struct engine *);
uint32_t stub_import(struct instance *, uint32_t func);                       /* thunk of an import; 0: no memory */
uint32_t stub_foreign(struct instance *caller, const struct funcref *callee); /* thunk to another instance's function */
void stub_trampoline(struct engine *, uint32_t at);                           /* call stub_lazy */
void stub_jump(struct engine *, uint32_t at, uint32_t target);                /* jmp target */

#endif
