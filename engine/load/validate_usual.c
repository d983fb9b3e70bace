/* Validation of what bodies mostly are, where it is as it should be: short numbers, operands that
 * are there, blocks and branches without values.
 *
 * Nothing here refuses anything.  An instruction that is not usual is left whole to validate.c,
 * which knows all of them and every error.  What passes here would pass there, and leave the same
 * behind.  Between two instructions everything is in registers. */
#include "engine/lib.h"
#include "engine/load/validate.h"

#define LOOK 16 /* bytes of an instruction that may be looked at */
#define CONTROLS (OP_global_set + 1) /* those with functions here are below */

enum usual {
    U_OTHER, /* never usual */
    U_PLAIN,
    U_ACCESS,
    U_NUMBER,
    U_LOCAL_GET,
    U_LOCAL_SET, /* or tee, which pushes */
    U_CONTROL /* has a function: usual_controls */
};

/* What an instruction does to the operand stack.  `types`: of the two topmost values, the top in
 * the upper byte, where `mask` has ones.  `pushes`: the type, or 0. */
struct usual_row {
    uint16_t mask, types;
    /* limit: the natural alignment of an access, the bytes of a number that is in range */
    uint8_t how, pops, pushes, limit;
};

/* clang-format off */
#define TYPE(c) \
    ((c) == 'i' ? VT_I32 : (c) == 'I' ? VT_I64 : (c) == 'f' ? VT_F32 : (c) == 'F' ? VT_F64 : 0)
#define COUNT(s) (sizeof(s) - 1)
#define MASK(s) (COUNT(s) == 0 ? 0 : COUNT(s) == 1 ? 0xff00 : 0xffff)
#define SECOND(s) TYPE((s)[COUNT(s) > 1])
#define TYPES(s) \
    (COUNT(s) == 0 ? 0 : COUNT(s) == 1 ? TYPE((s)[0]) << 8 : TYPE((s)[0]) | SECOND(s) << 8)
#define IS_PLAIN(s) (COUNT(s) == 0 || (COUNT(s) < 3 && TYPE((s)[0]) && SECOND(s)))
#define HAS_FUNCTION(code) \
    (((code) >= OP_block && (code) <= OP_if_) || (code) == OP_end || (code) == OP_br || \
     (code) == OP_br_if || (code) == OP_call || (code) == OP_global_get || (code) == OP_global_set)
#define HOW(code, imm, pops, pushes) \
    ((code) == OP_local_get ? U_LOCAL_GET : (imm) == IMM_LOCAL ? U_LOCAL_SET : \
     HAS_FUNCTION(code) ? U_CONTROL : \
     !IS_PLAIN(pops) || !IS_PLAIN(pushes) ? U_OTHER : \
     (imm) == IMM_NONE ? U_PLAIN : \
     (imm) == IMM_I32 || (imm) == IMM_I64 ? U_NUMBER : \
     (imm) >= IMM_MEM8 && (imm) <= IMM_MEM64 ? U_ACCESS : U_OTHER)
#define IN_LIMIT(imm) ((imm) == IMM_I32 ? 4 : (imm) == IMM_I64 ? 8 : (imm) - IMM_MEM8)

static const struct usual_row rows[OPCODE_CODES] = {
#define OPCODE(code, name, imm, pops, pushes, family) \
    [code] = { MASK(pops), TYPES(pops), HOW(code, imm, pops, pushes), COUNT(pops), \
               TYPE((pushes)[0]), (uint8_t)IN_LIMIT(imm) },
#include "engine/load/opcodes.def"
#undef OPCODE
};
/* clang-format on */

/* ---- immediates: where they end, or NULL ---- */

/* A number of so many bytes at most: each such number is in range. */
static inline const uint8_t *number_end(const uint8_t *at, unsigned most)
{
    if (*at < 0x80)
        return at + 1;
    uint64_t ends = ~*(const unaligned64 *)at & 0x8080808080808080;
    unsigned bytes = ends ? ((unsigned)__builtin_ctzll(ends) + 1) / 8 : 9;
    return bytes <= most ? at + bytes : NULL;
}

/* An index of one byte to three. */
static inline const uint8_t *index_read(const uint8_t *at, uint32_t *index)
{
    *index = at[0];
    if (at[0] < 0x80)
        return at + 1;
    *index = (at[0] & 0x7fu) | (uint32_t)at[1] << 7;
    if (at[1] < 0x80)
        return at + 2;
    *index = (*index & 0x3fff) | (uint32_t)at[2] << 14;
    return at[2] < 0x80 ? at + 3 : NULL;
}

/* Of memory 0, which is there. */
static inline const uint8_t *memarg_end(const uint8_t *at, uint8_t natural)
{
    return *at <= natural ? number_end(at + 1, 4) : NULL;
}

/* ---- control: what comes next, or NULL; only then nothing has changed ---- */

static struct scope *top(struct checker *c)
{
    return &c->scopes[c->nscopes - 1];
}

static bool top_is(const struct checker *c, uint8_t type)
{
    return c->sp > c->floor && c->sp[-1] == type;
}

static const uint8_t *block(struct checker *c, const uint8_t *at, uint8_t op)
{
    if (*at != 0x40 || c->nscopes == c->scopes_cap)
        return NULL;
    if (op == OP_if_) {
        if (!top_is(c, VT_I32))
            return NULL;
        c->sp--;
    }
    c->floor = c->sp;
    c->scopes[c->nscopes++] =
        (struct scope){ .height = (uint32_t)(c->sp - c->stack), .op = op };
    return at + 1;
}

static const uint8_t *end(struct checker *c, const uint8_t *at, uint8_t op)
{
    (void)op;
    const struct scope *f = top(c);
    if (f->nstart || f->nend || c->sp != c->floor || c->nscopes == 1)
        return NULL;
    c->nscopes--;
    c->floor = c->stack + top(c)->height;
    return at;
}

/* A branch that takes nothing along. */
static const uint8_t *branch(struct checker *c, const uint8_t *at, uint8_t op)
{
    uint32_t depth = *at;
    if (depth >= 0x80 || depth >= c->nscopes)
        return NULL;
    const struct scope *f = top(c) - depth;
    if (f->op == OP_loop ? f->nstart : f->nend)
        return NULL;
    if (op == OP_br) {
        top(c)->dead = true;
        c->sp = c->floor;
        return at + 1;
    }
    if (!top_is(c, VT_I32))
        return NULL;
    c->sp--;
    return at + 1;
}

/* With one parameter and one result at most. */
static const uint8_t *call(struct checker *c, const uint8_t *at, uint8_t op)
{
    (void)op;
    uint32_t func;
    at = index_read(at, &func);
    if (!at || func >= c->module->nfuncs)
        return NULL;
    const struct functype *t = &c->module->types[c->module->funcs[func].type];
    if (t->nparams > 1 || t->nresults > 1 || (t->nparams && !top_is(c, t->params[0])))
        return NULL;
    c->sp -= t->nparams;
    if (t->nresults)
        *c->sp++ = t->results[0];
    return at;
}

static const uint8_t *global(struct checker *c, const uint8_t *at, uint8_t op)
{
    uint32_t index = *at;
    if (index >= 0x80 || index >= c->module->nglobals)
        return NULL;
    const struct global_type *g = &c->module->globals[index];
    if (op == OP_global_get)
        *c->sp++ = g->type;
    else if (g->mutable && top_is(c, g->type))
        c->sp--;
    else
        return NULL;
    return at + 1;
}

static const uint8_t *(*const usual_controls[CONTROLS])(struct checker *, const uint8_t *,
                                                                 uint8_t) = {
    [OP_block] = block,     [OP_loop] = block,    [OP_if_] = block,
    [OP_end] = end,         [OP_br] = branch,     [OP_br_if] = branch,
    [OP_call] = call,       [OP_global_get] = global, [OP_global_set] = global,
};

/* ---- the rest ---- */

/* From the stack's top on; false: the operands are not as they should be. */
static inline bool operands(uint8_t **sp, const uint8_t *floor, const struct usual_row *row)
{
    uint8_t *under = *sp - row->pops;
    if (under < floor || (*(const unaligned16 *)(*sp - 2) & row->mask) != row->types)
        return false;
    *under = row->pushes; /* there is room for it, needed or not */
    *sp = under + (row->pushes != 0);
    return true;
}

/* A case ends by `continue` behind an instruction that is as usual; by `break` nothing has
 * changed. */
void usual_check(struct checker *c)
{
    const uint8_t *at = c->r.at, *const locals = c->locals, *next;
    const uint32_t nlocals = c->nlocals < 0x80 ? c->nlocals : 0x80; /* in one byte */
    const bool memory = c->module->nmemories > 0;
    uint8_t *sp = c->sp, *floor = c->floor;
    const uint8_t *last = reader_left(&c->r) < LOOK ? NULL : c->r.end - LOOK;
    while (at <= last) {
        const struct usual_row *row = &rows[*at];
        switch ((enum usual)row->how) {
        case U_LOCAL_GET:
            if (at[1] >= nlocals)
                break;
            *sp++ = locals[at[1]];
            at += 2;
            continue;
        case U_LOCAL_SET:
            if (at[1] >= nlocals || sp == floor || sp[-1] != locals[at[1]])
                break;
            sp -= *at == OP_local_set;
            at += 2;
            continue;
        case U_PLAIN:
            if (!operands(&sp, floor, row))
                break;
            at++;
            continue;
        case U_NUMBER:
            next = number_end(at + 1, row->limit);
            if (!next)
                break;
            *sp++ = row->pushes;
            at = next;
            continue;
        case U_ACCESS:
            next = memory ? memarg_end(at + 1, row->limit) : NULL;
            if (!next || !operands(&sp, floor, row))
                break;
            at = next;
            continue;
        case U_CONTROL:
            c->sp = sp;
            next = usual_controls[*at](c, at + 1, *at);
            if (!next)
                break;
            sp = c->sp;
            floor = c->floor;
            at = next;
            continue;
        case U_OTHER:
            break;
        default:
            __builtin_unreachable(); /* all kinds are above */
        }
        break;
    }
    c->r.at = at;
    c->sp = sp;
}
