/* Which of a module's functions is a body of Go's standard library that we have better code for.
 *
 * Never by name: by the hash of all its instructions (load/shape.c), by what its linked constants
 * are, and by the bytes of the table that it reads.  Its constants are the table's address or
 * program counters of its own, which are the function's number in upper bits; nothing else is left
 * out of the hash but the callees of its slow ways. */
#include "engine/lib.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

enum { GO_FUNC_FIRST = 0x1000, BODY_LEAST = 40, BODY_MOST = 2048 };

static const struct known_row { uint64_t hash; uint8_t what, addresses; bool slice; } rows[] = {
#define KNOWN(what, hash, addresses, slice) {hash, FRONT_##what, addresses, slice},
#include "engine/run/known.def"
#undef KNOWN
};

/* The table's address; `addresses` of the constants have to be that. */
static bool linked_are(const struct body_shape *s, int64_t own, uint32_t addresses, uint64_t *table)
{
    uint32_t found = 0;
    for (uint32_t k = 0; k < s->nlinked; k++) {
        if (s->linked[k] >> 16 == own)
            continue;
        if (found++ && (uint64_t)s->linked[k] != *table)
            return false;
        *table = (uint64_t)s->linked[k];
    }
    return found == addresses;
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
    if (row->slice && at <= i->memories[0]->bytes && i->memories[0]->bytes - at >= 16) {
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
            linked_are(&s, own, rows[k].addresses, &table) && table_is(i, &rows[k], table))
            return rows[k].what;
    return FRONT_NONE;
}
