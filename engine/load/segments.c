/* Element and data segments (spec 5.5.12, 5.5.14, 5.5.16).  Their items stay where they are, in the
 * module's bytes. */
#include "engine/lib.h"
#include "engine/load/opcodes.h"
#include "engine/load/parse.h"

/* Bits of a segment's first number (spec 5.5.12).  SEG_INDEX without SEG_NOT_ACTIVE: an index
 * follows; with it: the segment is declarative. */
enum { SEG_NOT_ACTIVE = 1, SEG_INDEX = 2, SEG_EXPRS = 4 };

/* ---- elements ---- */

static bool elem_table(struct parser *p, struct elem_segment *s, uint32_t flags)
{
    struct module *m = p->module;
    uint32_t offset = reader_offset(&p->r);
    s->table = flags & SEG_INDEX ? reader_u32(&p->r) : 0;
    if (!p->r.failed && s->table >= m->ntables)
        return error_set(p->engine, ERROR_INVALID, offset, "unknown table %u", s->table);
    return !p->r.failed && constexpr_parse(p, VT_I32, &s->offset);
}

/* elemkind or reftype; the short forms have neither. */
static bool elem_type(struct parser *p, struct elem_segment *s, uint32_t flags)
{
    s->type = VT_FUNCREF;
    if (!(flags & (SEG_NOT_ACTIVE | SEG_INDEX)))
        return true;
    uint32_t offset = reader_offset(&p->r);
    uint8_t code = reader_byte(&p->r);
    if (p->r.failed)
        return false;
    if (flags & SEG_EXPRS) {
        s->type = code;
        return type_is_ref(code) || type_refuse(p->engine, offset, code);
    }
    return code == 0 ||
           error_set(p->engine, ERROR_MALFORMED, offset, "malformed element kind 0x%x", code);
}

static bool elem_indices(struct parser *p, struct elem_segment *s)
{
    struct module *m = p->module;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t offset = reader_offset(&p->r), func = reader_u32(&p->r);
        if (p->r.failed)
            return false;
        if (func >= m->nfuncs)
            return error_set(p->engine, ERROR_INVALID, offset,
                             "unknown function %u in an element segment", func);
        func_declare(m, func);
    }
    return true;
}

static bool elem_exprs(struct parser *p, struct elem_segment *s)
{
    struct const_expr item;
    for (uint32_t i = 0; i < s->count; i++)
        if (!constexpr_parse(p, s->type, &item))
            return false;
    return true;
}

static bool elem_read(struct parser *p, struct elem_segment *s)
{
    struct module *m = p->module;
    uint32_t offset = reader_offset(&p->r), flags = reader_u32(&p->r);
    if (flags > 7)
        return error_set(p->engine, ERROR_MALFORMED, offset, "malformed element segment kind %u",
                         flags);
    s->exprs = flags & SEG_EXPRS;
    s->mode = flags & SEG_NOT_ACTIVE ? (flags & SEG_INDEX ? 2 : 1) : 0;
    if ((s->mode == 0 && !elem_table(p, s, flags)) || !elem_type(p, s, flags))
        return false;
    if (s->mode == 0 && m->tables[s->table].elem != s->type)
        return error_set(p->engine, ERROR_INVALID, offset,
                         "type mismatch: a segment of %s for table %u of %s", type_name(s->type),
                         s->table, type_name(m->tables[s->table].elem));
    if (!parser_count(p, "elements", LIMIT_TABLE_ELEMS, 1, &s->count))
        return false;
    s->items = reader_offset(&p->r);
    return s->exprs ? elem_exprs(p, s) : elem_indices(p, s);
}

bool section_element(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "element segments", LIMIT_SEGMENTS, 2, &n) ||
        !(m->elems = parser_alloc(p, n, sizeof *m->elems)))
        return false;
    for (; m->nelems < n; m->nelems++)
        if (!elem_read(p, &m->elems[m->nelems]))
            return false;
    return true;
}

/* ---- data ---- */

bool section_data_count(struct parser *p)
{
    struct module *m = p->module;
    m->data_count = reader_u32(&p->r);
    m->has_data_count = true;
    return !p->r.failed;
}

static bool data_read(struct parser *p, struct data_segment *s)
{
    struct module *m = p->module;
    uint32_t offset = reader_offset(&p->r), flags = reader_u32(&p->r);
    if (flags > 2)
        return error_set(p->engine, ERROR_MALFORMED, offset, "malformed data segment kind %u",
                         flags);
    s->mode = flags & SEG_NOT_ACTIVE;
    if (s->mode == 0) {
        s->memory = flags & SEG_INDEX ? reader_u32(&p->r) : 0;
        if (!p->r.failed && s->memory >= m->nmemories)
            return error_set(p->engine, ERROR_INVALID, offset, "unknown memory %u", s->memory);
        if (!constexpr_parse(p, VT_I32, &s->offset))
            return false;
    }
    ENGINE_ASSERT(s->mode == SEGMENT_ACTIVE || s->mode == SEGMENT_PASSIVE);
    s->len = reader_u32(&p->r);
    s->bytes = reader_offset(&p->r);
    return reader_bytes(&p->r, s->len) != NULL;
}

bool section_data(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "data segments", LIMIT_SEGMENTS, 2, &n) ||
        !(m->datas = parser_alloc(p, n, sizeof *m->datas)))
        return false;
    for (; m->ndatas < n; m->ndatas++)
        if (!data_read(p, &m->datas[m->ndatas]))
            return false;
    return true;
}
