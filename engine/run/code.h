/* Code memory and what compiled code and the compiler must agree on. */
#ifndef ENGINE_CODE_H
#define ENGINE_CODE_H

#include "engine/piece.h"

/* The code region starts with the engine's stubs; then, per instance, trampolines and thunks of
 * imports; then functions.  A range is one piece of code with a frame: func's own code, or the
 * thunk of an import. */
struct code_range {
    uint32_t start, end;
    uint32_t func;
    uint32_t frame;
    struct instance *instance;
    bool is_thunk;
};

struct code_global {
    uint32_t used;             /* bytes of the code region */
    uint32_t stub[STUB_COUNT]; /* code offsets */
    struct reach reach;
    struct code_range *ranges;
    uint32_t nranges, ranges_cap; /* ascending */
    struct code_state *states;    /* all instances' */
};

/* One call of a function of the same instance. */
struct call_site {
    uint32_t at : 31; /* code offset of its number */
    uint32_t zero : 1; /* it leaves out an argument of 0 */
    uint32_t next;    /* the function's next one, + 1 */
};
#define SITES_FIRST 1024u /* in the first chunk */
#define SITE_CHUNKS 21     /* 2^30 of them: more than the code region has room for */

/* Code addresses for call_indirect of one type through one table by one instance: always callable;
 * what may not be called leads to a trap. */
struct fast_table {
    uint64_t *code;
    uint64_t cap;
    struct instance *caller;
    uint32_t canon;
    struct fast_table *next;
};

/* A call_indirect that has none: STUB_INDIRECT looks at each call. */
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
    /* the same for calls that leave out an argument of 0; 0: there is none, or not compiled */
    uint32_t *zero_entry;
    uint32_t *sites;      /* per function: its first call site, + 1 */
    struct call_site *site_chunks[SITE_CHUNKS];
    uint32_t nsites;
    /* per function: its first slot in table 0 + 1; NULL before the first fast table */
    uint32_t *slot_of;
    struct foreign *foreign; /* thunks to functions of other instances */
};

static inline uint8_t *code_write(struct engine *e, uint32_t offset)
{
    return e->env.code_w + offset;
}
static inline uint64_t code_address(struct engine *e, uint32_t offset)
{
    return (uint64_t)(uintptr_t)e->env.code_x + offset;
}

/* ---- code.c ---- */

/* Puts a piece into the code region as what the range says (start, end and frame are the piece's):
 * its code offset, or 0 and nothing has changed. */
uint32_t code_install(struct code_state *, const struct piece *, const struct code_range *as);
/* The same as a function, instead of what it was: its trampoline, call sites and table slots lead
 * there. */
bool code_install_func(struct code_state *, uint32_t func, const struct piece *);
const struct code_range *code_find(struct engine *, uint64_t pc);
/* Whose trampoline pc is in, and of which function; NULL: in none.  Trampolines belong to no range.
 */
struct instance *code_trampoline_at(struct engine *, uint64_t pc, uint32_t *func);

/* The same with code before it: `front`, which no backtrace shows. */
bool code_install_front(struct code_state *, uint32_t func, const struct piece *front);

/* ---- known.c ---- */
enum front known_find(const struct instance *, uint32_t func);
/* The address of a slice that its front has to look at, or 0. */
uint64_t known_slice(const struct instance *, uint32_t func, enum front);

/* ---- indirect.c ---- */

/* Makes the code addresses for call_indirect of type `canon` through a table, if there is none, if
 * it is not enough of them, and if there is memory; where there was not, this table gets no more.
 */
void code_indirect_prepare(struct code_state *, struct table *, uint32_t canon);
/* After a function's code address was `old`. */
void code_slot_changed(struct code_state *, uint32_t func, uint64_t old, uint64_t now);
struct indirect code_indirect(struct instance *, struct table *, uint32_t canon); /* struct reach */
uint64_t code_look_up(const void *slow, uint64_t index);                          /* struct reach */

/* ---- compile.c ---- */

/* A function's machine code, of a validated body.  Nothing is installed.  positions: with MARK_AT.
 */
bool code_compile(struct instance *, uint32_t func, bool positions, struct piece *);
/* Compiles and installs, whether it is compiled already or not. */
bool code_replace(struct instance *, uint32_t func);
/* The wasm instruction (module offset) that the code offset within a function belongs to: compiles
 * it again.  call: in a callee's body that stands in place of its call, that call's offset; else 0.
 */
uint32_t code_wasm_offset(struct engine *, const struct code_range *, uint32_t native,
                          uint32_t *call);
uint64_t code_lazy(struct engine *, uint64_t from); /* struct reach */

#endif
