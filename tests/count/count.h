/* What the counting of instructions is made of: count.c drives, cause.c says what an instruction is
 * there for, wasi.c is the little of WASI that a program of tests/bench needs. */
#ifndef TESTS_COUNT_COUNT_H
#define TESTS_COUNT_COUNT_H

#include "engine/engine.h"
#include "engine/x64/meant.h"

/* ---- cause.c ---- */
enum cause {
    CAUSE_MOVE,
    CAUSE_CONSTANT,
    CAUSE_ADDRESS,
    CAUSE_LOAD,
    CAUSE_STORE,
    CAUSE_SPILL,
    CAUSE_INT,
    CAUSE_FLOAT,
    CAUSE_FLOAT_MOVE,
    CAUSE_COMPARE,
    CAUSE_JUMP,
    CAUSE_CALL,
    CAUSE_OTHER,
    CAUSE_COUNT
};
extern const char *const cause_names[CAUSE_COUNT];
enum cause cause_of(const struct meant *);

/* ---- wasi.c ---- */
struct program {
    const char **args;
    uint32_t nargs;
    uint64_t now_ns;   /* a clock that only calls move, so that two runs count the same */
    uint64_t random;
    bool exited;
    uint32_t status;
};
/* resolve_fn; self: the program. */
bool program_resolve(void *self, struct name module, struct name field, enum extern_kind,
                     const struct functype *, struct extern_ref *);

#endif
