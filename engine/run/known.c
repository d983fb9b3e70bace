/* Which of a module's functions is a body of Go's standard library that we have better code for.
 *
 * Never by name: by the hash of all its instructions (load/shape.c), by what its linked constants
 * are, and by the bytes of the tables that it reads.  Its constants are a table's address or
 * program counters of its own, which are the function's number in upper bits.  Nothing else is left
 * out of the hash but callees.  Those of slow ways do not matter, since the body goes there; those
 * that do the work are recognised in the same way (front_calls, row_calls). */
#include "engine/assert.h"
#include "engine/lib.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

enum { GO_FUNC_FIRST = 0x1000, BODY_LEAST = 40, BODY_MOST = 4096 };

/* What the constants are, else the number itself.  LATER: the address of a slice that Go makes in
 * its start, so that the front looks at it.  TABLES: four, one after the other as often as COLUMNS,
 * then a fifth. */
enum { TABLE, SLICE, LATER, ANY, STEPS, TABLES, NUMBERS };
enum { COLUMNS = 16, TABLES_MOST = 5 };

static const struct known_row {
    uint64_t hash, linked;
    uint8_t what, count;
} rows[] = {
#define KNOWN(what, hash, count, linked) {hash, linked, FRONT_##what, count},
#define CALLS(hash, what, first, count)
#include "engine/run/known.def"
#undef KNOWN
#undef CALLS
};

/* Calls in the body with this hash alone, besides front_calls. */
static const struct row_call {
    uint64_t hash;
    struct front_call call;
} row_calls[] = {
#define KNOWN(what, hash, count, linked)
#define CALLS(hash, what, first, count) {hash, {FRONT_##what, first, count}},
#include "engine/run/known.def"
#undef KNOWN
#undef CALLS
};

static bool bytes_are(const struct instance *i, uint64_t at, const void *what, uint32_t bytes)
{
    const struct memory *m = i->memories[0];
    return at <= m->bytes && bytes <= m->bytes - at && mem_equal(m->base + at, what, bytes);
}

static bool table_is(const struct instance *i, const struct known_row *row, uint32_t number,
                     uint64_t at)
{
    uint8_t table[FRONT_TABLE_MOST];
    const struct memory *m = i->memories[0];
    uint32_t bytes = front_table((enum front)row->what, number, table);
    if (row->linked == SLICE && at <= m->bytes && m->bytes - at >= 16) {
        const uint64_t length = bytes / 4;
        if (!bytes_are(i, at + 8, &length, 8))
            return false;
        at = *(const unaligned64 *)(m->base + at);
    }
    return !bytes || bytes_are(i, at, table, bytes);
}

/* Which table the constant number k is, if it is one. */
static uint32_t table_number(const struct known_row *row, uint32_t k)
{
    return row->linked != TABLES ? 0 : k < COLUMNS ? k % 4 : 4;
}

/* The first constant of a table says where that is, and the others are the same. */
static bool constant_is(const struct instance *i, const struct known_row *row, uint32_t k,
                        uint64_t v, uint64_t at[TABLES_MOST])
{
    uint32_t number = table_number(row, k);
    if (row->linked == ANY)
        return true;
    if (row->linked == STEPS)
        return v == 0x1000 + 0x400 * (uint64_t)k;
    if (row->linked >= NUMBERS)
        return v == row->linked;
    if (at[number])
        return v == at[number];
    at[number] = v;
    return row->linked == LATER || table_is(i, row, number, v);
}

/* So many of the constants are no program counters. */
static bool linked_are(const struct instance *i, const struct body_shape *s, int64_t own,
                       const struct known_row *row)
{
    uint64_t at[TABLES_MOST] = {0};
    uint32_t found = 0;
    for (uint32_t k = 0; k < s->nlinked; k++)
        if (s->linked[k] >> 16 != own &&
            !constant_is(i, row, found++, (uint64_t)s->linked[k], at))
            return false;
    return found == row->count;
}

static bool is_head(uint16_t head)
{
    for (uint32_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if ((uint16_t)rows[k].hash == head)
            return true;
    return false;
}

static bool looks_known(const struct instance *i, uint32_t func, struct body_shape *s)
{
    const struct module *m = i->module;
    uint32_t len = m->funcs[func].body_len;
    return len >= BODY_LEAST && len <= BODY_MOST &&
           front_possible(i, &m->types[m->funcs[func].type]) && is_head(body_head(m, func)) &&
           body_shape(m, func, s);
}

/* All but what it calls. */
static bool row_is(const struct instance *i, uint32_t func, const struct body_shape *s,
                   const struct known_row *row)
{
    const struct module *m = i->module;
    int64_t own = (int64_t)func - m->nimported_funcs + GO_FUNC_FIRST;
    return row->hash == s->hash && front_fits(i, row->what, &m->types[m->funcs[func].type]) &&
           linked_are(i, s, own, row);
}

static bool calls_are(const struct instance *i, const struct body_shape *s, enum front what);

/* Goes no deeper than those tables do: only what is looked for is looked at. */
static bool function_is(const struct instance *i, uint32_t func, enum front what)
{
    struct module *m = i->module;
    struct body_shape s;
    if (func < m->nimported_funcs)
        return false;
    const struct func *f = &m->funcs[func];
    if (f->body_len > BODY_MOST || !body_validate(i->engine, m, func))
        return false;
    module_want(m, f->body, f->body_len);
    if (!looks_known(i, func, &s))
        return false;
    for (uint32_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (rows[k].what == what && row_is(i, func, &s, &rows[k]))
            return calls_are(i, &s, what);
    return false;
}

static bool call_is(const struct instance *i, const struct body_shape *s,
                    const struct front_call *c)
{
    if (s->ncalls < (uint32_t)c->first + c->count || c->first + c->count > SHAPE_CALLS)
        return false;
    for (uint32_t k = 1; k < c->count; k++)
        if (s->callees[c->first + k] != s->callees[c->first])
            return false;
    return function_is(i, s->callees[c->first], c->what);
}

static bool calls_are(const struct instance *i, const struct body_shape *s, enum front what)
{
    for (const struct front_call *c = front_calls(what); c->count; c++)
        if (!call_is(i, s, c))
            return false;
    for (uint32_t k = 0; k < sizeof row_calls / sizeof row_calls[0]; k++)
        if (row_calls[k].hash == s->hash && !call_is(i, s, &row_calls[k].call))
            return false;
    return true;
}

enum front known_find(const struct instance *i, uint32_t func)
{
    struct body_shape s;
    if (!looks_known(i, func, &s))
        return FRONT_NONE;
    for (uint32_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (rows[k].what < FRONT_PARTS && row_is(i, func, &s, &rows[k]) &&
            calls_are(i, &s, rows[k].what))
            return rows[k].what;
    return FRONT_NONE;
}

uint64_t known_slice(const struct instance *i, uint32_t func, enum front what)
{
    const struct module *m = i->module;
    const struct front_call *c = front_calls(what);
    struct body_shape s;
    if (c->what != FRONT_GHASH_MUL || !body_shape(m, func, &s))
        return 0;
    uint32_t callee = s.callees[c->first];
    ENGINE_ASSERT(callee >= m->nimported_funcs && body_shape(m, callee, &s));
    for (uint32_t k = 0; k < s.nlinked; k++)
        if (s.linked[k] >> 16 != (int64_t)callee - m->nimported_funcs + GO_FUNC_FIRST)
            return (uint64_t)s.linked[k];
    return 0;
}
