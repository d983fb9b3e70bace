/* Which of a module's functions is a body of Go's standard library that we have better code for.
 *
 * Never by name: by the hash of all its instructions (load/shape.c), by what its linked constants
 * are, and by the bytes of the table that it reads.  Its constants are the table's address or
 * program counters of its own, which are the function's number in upper bits.  Nothing else is left
 * out of the hash but callees.  Those of slow ways do not matter, since the body goes there; one
 * that does the work has a hash of its own in the row. */
#include "engine/lib.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

enum { GO_FUNC_FIRST = 0x1000, BODY_LEAST = 40, BODY_MOST = 2048 };

enum { TABLE, SLICE, ANY }; /* else the number itself */

static const struct known_row {
    uint64_t hash, callee;
    uint8_t what, count;
    uint32_t linked;
} rows[] = {
#define KNOWN(what, hash, callee, count, linked) {hash, callee, FRONT_##what, count, linked},
#include "engine/run/known.def"
#undef KNOWN
};

/* So many of the constants are no program counters.  They have to be the same, but for ANY. */
static bool linked_are(const struct body_shape *s, int64_t own, const struct known_row *row,
                       uint64_t *same)
{
    uint32_t found = 0;
    for (uint32_t k = 0; k < s->nlinked; k++) {
        if (s->linked[k] >> 16 == own)
            continue;
        if (found++ && (uint64_t)s->linked[k] != *same && row->linked != ANY)
            return false;
        *same = (uint64_t)s->linked[k];
    }
    return found == row->count;
}

static bool bytes_are(const struct instance *i, uint64_t at, const void *what, uint32_t bytes)
{
    const struct memory *m = i->memories[0];
    return at <= m->bytes && bytes <= m->bytes - at && mem_equal(m->base + at, what, bytes);
}

static bool table_is(const struct instance *i, const struct known_row *row, uint64_t at)
{
    uint32_t bytes;
    const uint8_t *table = front_table((enum front)row->what, &bytes);
    if (row->linked > ANY)
        return at == row->linked;
    if (row->linked == SLICE && at <= i->memories[0]->bytes && i->memories[0]->bytes - at >= 16) {
        const uint64_t length = bytes / 4;
        if (!bytes_are(i, at + 8, &length, 8))
            return false;
        at = *(const unaligned64 *)(i->memories[0]->base + at);
    }
    return !bytes || bytes_are(i, at, table, bytes);
}

static bool is_head(uint16_t head)
{
    for (uint32_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if ((uint16_t)rows[k].hash == head)
            return true;
    return false;
}

/* A callee's type needs no look: caller and callee are valid, and its locals are in the hash. */
static bool callee_is(const struct instance *i, const struct body_shape *caller, uint64_t hash)
{
    struct module *m = i->module;
    struct body_shape s;
    if (!hash)
        return true;
    if (caller->ncalls != 1 || caller->callee < m->nimported_funcs)
        return false;
    const struct func *f = &m->funcs[caller->callee];
    if (f->body_len > BODY_MOST || !body_validate(i->engine, m, caller->callee))
        return false;
    module_want(m, f->body, f->body_len);
    return body_shape(m, caller->callee, &s) && s.hash == hash && !s.nlinked;
}

enum front known_find(const struct instance *i, uint32_t func)
{
    const struct module *m = i->module;
    struct body_shape s;
    uint32_t len = m->funcs[func].body_len;
    if (len < BODY_LEAST || len > BODY_MOST || !front_possible(i, &m->types[m->funcs[func].type]) ||
        !is_head(body_head(m, func)) || !body_shape(m, func, &s))
        return FRONT_NONE;
    int64_t own = (int64_t)func - m->nimported_funcs + GO_FUNC_FIRST;
    uint64_t table = 0;
    for (uint32_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (rows[k].hash == s.hash && front_fits(i, rows[k].what, &m->types[m->funcs[func].type]) &&
            linked_are(&s, own, &rows[k], &table) && table_is(i, &rows[k], table) &&
            callee_is(i, &s, rows[k].callee))
            return rows[k].what;
    return FRONT_NONE;
}
