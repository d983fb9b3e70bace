/* What a function's body looks like when all that a linker writes into it is left out: a hash of
 * its instructions.
 *
 * Left out are function indices, and constants that may be addresses or program counters of Go's;
 * those are kept in order, for run/known.c to look at.  All else is in the hash, spelled in one way
 * however its numbers are encoded.
 *
 * Few bodies are looked for among thousands.  So the hash of a body's head comes first, and is a
 * part of the whole's. */
#include "engine/load/opcodes.h"
#include "engine/load/reader.h"

#define HEAD_INSTRUCTIONS 12
#define ALIGNMENTS 0x40 /* of memory 0, in one byte */

static void mix(struct body_shape *s, uint64_t word)
{
    s->hash = (s->hash ^ word) * 0x100000001b3u;
    s->hash ^= s->hash >> 29;
}

/* Masks have other values; so has all that an algorithm is known by. */
static bool is_linked(int64_t v)
{
    return v >= 0x1000 && v < (int64_t)1 << 44 && v != UINT32_MAX;
}

static bool constant(struct body_shape *s, int64_t v)
{
    if (!is_linked(v)) {
        mix(s, (uint64_t)v);
        return true;
    }
    if (s->nlinked == SHAPE_LINKED)
        return false;
    s->linked[s->nlinked++] = v;
    mix(s, 0x6c696e6b);
    return true;
}

static void numbers(struct body_shape *s, const uint8_t **at, uint32_t count)
{
    while (count--)
        mix(s, leb_u32(at));
}

static void callee(struct body_shape *s, uint32_t func)
{
    if (s->ncalls < SHAPE_CALLS)
        s->callees[s->ncalls] = func;
    s->ncalls++;
}

/* false: an instruction that no body that we know has. */
static bool immediate(struct body_shape *s, unsigned imm, const uint8_t **at)
{
    switch (imm) {
    case IMM_NONE:
        return true;
    case IMM_BLOCK:
        return constant(s, leb_s64(at));
    case IMM_LABEL: case IMM_LOCAL: case IMM_GLOBAL: case IMM_MEMORY:
        numbers(s, at, 1);
        return true;
    case IMM_BR_TABLE:
        numbers(s, at, 1 + leb_u32(at));
        return true;
    case IMM_FUNC:
        callee(s, leb_u32(at));
        return true;
    case IMM_MEM8: case IMM_MEM16: case IMM_MEM32: case IMM_MEM64:
        if (**at >= ALIGNMENTS)
            return false; /* a memory's number follows, or it is spelled long */
        numbers(s, at, 2);
        return true;
    case IMM_MEMORY2:
        numbers(s, at, 2);
        return true;
    case IMM_I32: case IMM_I64:
        return constant(s, leb_s64(at));
    default:
        return false;
    }
}

/* Of so many instructions at most. */
static bool shape_of(const struct module *m, uint32_t func, uint32_t most, struct body_shape *out)
{
    const struct func *f = &m->funcs[func];
    const uint8_t *at = m->bytes + f->body, *end = at + f->body_len;
    out->hash = 0xcbf29ce484222325u;
    out->nlinked = out->ncalls = 0;
    for (uint32_t groups = leb_u32(&at); groups; groups--) {
        numbers(out, &at, 1);
        mix(out, *at++);
    }
    for (; at < end && most; most--) {
        unsigned op = *at++;
        if (op == 0xfb || op >= 0xfd)
            return false;
        if (op == 0xfc)
            op = 0x100 + leb_u32(&at);
        mix(out, op);
        if (op >= OPCODE_CODES || !immediate(out, opcode_table[op].imm, &at))
            return false;
    }
    return at == end || !most;
}

uint16_t body_head(const struct module *m, uint32_t func)
{
    struct body_shape head;
    shape_of(m, func, HEAD_INSTRUCTIONS, &head);
    return (uint16_t)head.hash;
}

bool body_shape(const struct module *m, uint32_t func, struct body_shape *out)
{
    if (!shape_of(m, func, UINT32_MAX, out))
        return false;
    out->hash = out->hash << 16 | body_head(m, func);
    return true;
}
