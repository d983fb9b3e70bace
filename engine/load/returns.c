/* Functions that never return 0, by their bytes alone.
 *
 * Go's functions return 1 where the stack is unwound and 0 where they are done.  One that panics in
 * any case (goPanicIndex, sigpanic, gopanic) only ever returns 1, so what stands behind its call is
 * reached from nowhere but Go's dispatch.  The body may be invalid: then its call never returns at
 * all. */
#include "engine/lib.h"
#include "engine/load/opcodes.h"
#include "engine/load/reader.h"

#define BODY_MOST 4096 /* bytes of a body that is looked at */

enum { RETURNS_UNKNOWN, RETURNS_ANYTHING, RETURNS_NEVER_ZERO }; /* module.returns */

struct scan {
    struct reader r;
    uint32_t depth;  /* of blocks that are open */
    bool other;      /* it may return anything, as far as is known */
    bool one;        /* the instruction before was a constant other than 0 */
};

/* A branch to the function's own label returns what is on the stack. */
static void label(struct scan *s)
{
    s->other |= reader_u32(&s->r) >= s->depth;
}

static void numbers(struct scan *s, unsigned count)
{
    while (count--)
        reader_s64(&s->r);
}

static void immediate(struct scan *s, unsigned imm)
{
    switch (imm) {
    case IMM_NONE:
        break;
    case IMM_LABEL:
        label(s);
        break;
    case IMM_BR_TABLE:
        for (uint32_t n = reader_u32(&s->r); n && !s->other && !s->r.failed; n--)
            label(s);
        label(s);
        break;
    case IMM_BLOCK: case IMM_FUNC: case IMM_LOCAL: case IMM_GLOBAL: case IMM_MEMORY: case IMM_I64:
        numbers(s, 1);
        break;
    case IMM_CALL_INDIRECT: case IMM_MEMORY2:
        numbers(s, 2);
        break;
    case IMM_MEM8: case IMM_MEM16: case IMM_MEM32: case IMM_MEM64:
        s->other |= reader_u32(&s->r) >= 64; /* of another memory */
        numbers(s, 1);
        break;
    case IMM_F32: case IMM_F64:
        reader_bytes(&s->r, imm == IMM_F32 ? 4 : 8);
        break;
    default:
        s->other = true; /* nothing that Go has */
    }
}

static void instruction(struct scan *s)
{
    uint32_t op = reader_byte(&s->r);
    if (op >= 0xfb)
        op = op == 0xfc ? 0x100 + (reader_u32(&s->r) & 0xff) : OPCODE_CODES;
    if (op == OP_i32_const) {
        s->one = reader_s64(&s->r) != 0;
        return;
    }
    if (op == OP_end && s->depth)
        s->depth--;
    else if (op == OP_end || op == OP_return_)
        s->other |= !s->one;
    else if (op == OP_block || op == OP_loop || op == OP_if_)
        s->depth++;
    s->one = false;
    if (op >= OPCODE_CODES || op == OP_return_call || op == OP_return_call_indirect)
        s->other = true;
    else
        immediate(s, opcode_table[op].imm);
}

/* `i32.const 0; return`, from the end on: most functions have it there and are known by it at once.
 * The same bytes in other numbers only leave a function unknown. */
static bool returns_zero(const struct module *m, const struct func *f)
{
    const uint8_t *start = m->bytes + f->body;
    for (uint32_t i = f->body_len; i-- > 2;)
        if (start[i] == OP_return_ && start[i - 1] == 0 && start[i - 2] == OP_i32_const)
            return true;
    return false;
}

static bool never_zero(const struct module *m, const struct func *f)
{
    const struct functype *t = &m->types[f->type];
    if (f->body_len > BODY_MOST || t->nresults != 1 || t->results[0] != VT_I32)
        return false;
    struct scan s = {.depth = 0};
    module_want(m, f->body, f->body_len);
    if (returns_zero(m, f))
        return false;
    reader_init(&s.r, m->bytes, f->body, f->body_len);
    for (uint32_t groups = reader_u32(&s.r); groups && !s.r.failed; groups--)
        numbers(&s, 2);
    while (reader_left(&s.r) && !s.other && !s.r.failed)
        instruction(&s);
    return !s.other && !s.r.failed;
}

bool func_never_zero(struct module *m, uint32_t func)
{
    if (func < m->nimported_funcs)
        return false;
    uint8_t *known = &m->returns[func - m->nimported_funcs];
    if (*known == RETURNS_UNKNOWN)
        *known = never_zero(m, &m->funcs[func]) ? RETURNS_NEVER_ZERO : RETURNS_ANYTHING;
    return *known == RETURNS_NEVER_ZERO;
}
