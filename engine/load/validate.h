/* What the validator's files share: validate.c reads instructions, validate_control.c knows blocks,
 * branches, calls, validate_usual.c passes over what is as usual. */
#ifndef ENGINE_VALIDATE_H
#define ENGINE_VALIDATE_H

#include "engine/assert.h"
#include "engine/load/opcodes.h"
#include "engine/load/parse.h"

/* A value type on the operand stack; BOTTOM: any type at all, from code that cannot be reached. */
enum { BOTTOM = 0 };

/* A block, loop, if, else, or the body itself.  start and end point into the module's bytes (or are
 * of length 0). */
struct scope {
    const uint8_t *start, *end; /* parameters, results */
    uint32_t nstart, nend;
    uint32_t height;            /* of the operand stack below the block */
    uint8_t op;                 /* OP_block, OP_loop, OP_if_, OP_else_ */
    /* past a branch: the stack below what was pushed since is BOTTOM without end */
    bool dead;
};

/* Invariants: floor = stack + the innermost scope's height; sp >= floor.  An instruction pushes one
 * value at most, or asks for room (push_all).  So at its start one more value fits for each byte of
 * the body that is left, and STACK_ROOM more. */
#define STACK_ROOM 8
#define STACK_UNDER 2 /* bytes below the stack that may be read (validate_usual.c) */
struct checker {
    struct reader r;
    uint8_t *sp, *floor, *stack, *stack_end;
    const uint8_t *locals; /* types */
    uint32_t nlocals;
    struct scope *scopes;
    uint32_t nscopes, scopes_cap;
    const uint8_t *op_at;  /* the instruction under check, for messages */
    uint32_t op;           /* its enum opcode, or a number that is none */
    struct engine *engine;
    struct module *module;
    uint32_t func;
};

/* ---- validate.c.  All return false after setting engine->error, or when c->r has failed. ---- */
/* ERROR_INVALID; two %s at most */
bool check_fail(struct checker *, const char *format, const char *a, const char *b);
bool check_index(struct checker *, const char *what, uint32_t index, uint32_t count);
bool pop_slow(struct checker *, uint8_t want);
bool pop_many(struct checker *, const uint8_t *types, uint32_t n);
bool push_many(struct checker *, const uint8_t *types, uint32_t n);

static inline void push(struct checker *c, uint8_t type)
{
    *c->sp++ = type;
}

static inline bool pop(struct checker *c, uint8_t want)
{
    if (c->sp > c->floor && c->sp[-1] == want) {
        c->sp--;
        return true;
    }
    return pop_slow(c, want);
}

/* Most blocks and labels have no values, and most calls one. */
static inline bool pop_all(struct checker *c, const uint8_t *types, uint32_t n)
{
    return n == 0 || (n == 1 ? pop(c, types[0]) : pop_many(c, types, n));
}

static inline bool push_all(struct checker *c, const uint8_t *types, uint32_t n)
{
    if (n > 1)
        return push_many(c, types, n);
    if (n == 1)
        push(c, types[0]);
    return true;
}

/* Any one value; its type, maybe BOTTOM, in *type. */
bool pop_any(struct checker *, uint8_t *type);

/* ---- validate_usual.c ---- */
/* Checks instructions up to the first that is not as usual. */
void usual_check(struct checker *);

/* ---- validate_control.c ---- */
bool scope_push(struct checker *, uint8_t op, const struct functype *);
/* Instructions whose rows in the table say "*". */
#define SPECIAL_CHECKS (OP_table_fill + 1)
extern bool (*const special_checks[SPECIAL_CHECKS])(struct checker *);

static inline bool check_special(struct checker *c)
{
    ENGINE_ASSERT(c->op < SPECIAL_CHECKS && special_checks[c->op]);
    return special_checks[c->op](c);
}

#endif
