/* The sections from types to code, except segments (spec 5.5.4 to 5.5.13).  Each parser reads one
 * section's contents into the module's arrays; module.c has made those of the index spaces already,
 * as large as the counts announce. */
#include "engine/lib.h"
#include "engine/load/parse.h"

/* ---- types ---- */

/* Into *room, as types are asked for long after the module's bytes may be gone. */
static bool types_read(struct parser *p, const char *what, uint32_t limit, uint32_t *n,
                       const uint8_t **codes, uint8_t **room)
{
    if (!parser_count(p, what, limit, 1, n))
        return false;
    const uint8_t *bytes = reader_bytes(&p->r, *n);
    *codes = *room;
    for (uint32_t i = 0; i < *n; i++) {
        if (!type_is_value(bytes[i]))
            return type_refuse(p->engine, (uint32_t)(bytes + i - p->r.start), bytes[i]);
        *(*room)++ = bytes[i];
    }
    return true;
}

static bool functype_read(struct parser *p, struct functype *t, uint8_t **room)
{
    uint32_t offset = reader_offset(&p->r);
    uint8_t form = reader_byte(&p->r);
    if (p->r.failed)
        return false;
    if (form == 0x5e || form == 0x5f || form == 0x50 || form == 0x4f || form == 0x4e)
        return error_feature(p->engine, offset, "garbage collection", "type form 0x%x", form);
    if (form == 0x5d)
        return error_feature(p->engine, offset, "stack switching", "type form 0x%x", form);
    if (form != 0x60)
        return error_set(p->engine, ERROR_MALFORMED, offset, "unknown form of type 0x%x", form);
    return types_read(p, "parameters", LIMIT_PARAMS, &t->nparams, &t->params, room) &&
           types_read(p, "results", LIMIT_RESULTS, &t->nresults, &t->results, room);
}

bool section_type(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    uint8_t *room;
    if (!parser_count(p, "types", LIMIT_TYPES, 2, &n) ||
        !(m->types = parser_alloc(p, n, sizeof *m->types)) ||
        !(m->canon = parser_alloc(p, n, sizeof *m->canon)) ||
        !(room = parser_alloc(p, reader_left(&p->r), 1)))
        return false;
    for (; m->ntypes < n; m->ntypes++) {
        struct functype *t = &m->types[m->ntypes];
        if (!functype_read(p, t, &room))
            return false;
        uint32_t id = canon_type(p->engine, t);
        if (id == UINT32_MAX)
            return false;
        ENGINE_ASSERT(id < p->engine->ncanon);
        m->canon[m->ntypes] = id;
    }
    return true;
}

/* ---- types of imports and definitions ---- */

struct limits { uint32_t min, max; bool has_max; };

static bool limits_read(struct parser *p, const char *what, struct limits *l)
{
    uint32_t offset = reader_offset(&p->r);
    uint8_t flags = reader_byte(&p->r);
    if (flags > 1 && flags < 16) {
        const char *feature = flags & 8 ? "custom page sizes" : flags & 4 ? "memory64" : "threads";
        return error_feature(p->engine, offset, feature, "limits flags 0x%x of %s", flags, what);
    }
    if (flags > 1)
        return error_set(p->engine, ERROR_MALFORMED, offset, "malformed limits flags 0x%x", flags);
    l->has_max = flags;
    l->min = reader_u32(&p->r);
    l->max = l->has_max ? reader_u32(&p->r) : UINT32_MAX;
    if (!p->r.failed && l->min > l->max)
        return error_set(p->engine, ERROR_INVALID, offset,
                         "size minimum must not be greater than maximum: %s of %u "
                         "to %u",
                         what, l->min, l->max);
    return !p->r.failed;
}

static bool table_type_read(struct parser *p, struct table_type *t)
{
    uint32_t offset = reader_offset(&p->r);
    uint8_t elem = reader_byte(&p->r);
    struct limits l;
    if (!p->r.failed && !type_is_ref(elem))
        return elem == 0x40 ? error_feature(p->engine, offset, "typed function references",
                                            "table initializer")
                            : type_refuse(p->engine, offset, elem);
    if (!limits_read(p, "a table", &l))
        return false;
    *t = (struct table_type){ elem, l.min, l.max, l.has_max };
    return true;
}

static bool memory_type_read(struct parser *p, struct memory_type *t)
{
    uint32_t offset = reader_offset(&p->r);
    struct limits l;
    if (!limits_read(p, "a memory", &l))
        return false;
    if (l.min > LIMIT_MEMORY_PAGES || (l.has_max && l.max > LIMIT_MEMORY_PAGES))
        return error_set(p->engine, ERROR_INVALID, offset,
                         "memory size must be at most %u pages (4 GiB), not %u", LIMIT_MEMORY_PAGES,
                         l.has_max ? l.max : l.min);
    *t = (struct memory_type){ l.min, l.max, l.has_max };
    return true;
}

static bool global_type_read(struct parser *p, struct global_type *g)
{
    uint32_t offset = reader_offset(&p->r);
    g->type = reader_byte(&p->r);
    uint8_t mutable = reader_byte(&p->r);
    if (p->r.failed)
        return false;
    if (!type_is_value(g->type))
        return type_refuse(p->engine, offset, g->type);
    if (mutable > 1)
        return error_set(p->engine, ERROR_MALFORMED, offset + 1, "malformed mutability 0x%x",
                         mutable);
    g->mutable = mutable;
    return true;
}

static bool func_type_read(struct parser *p, uint32_t *type)
{
    uint32_t offset = reader_offset(&p->r);
    *type = reader_u32(&p->r);
    if (!p->r.failed && *type >= p->module->ntypes)
        return error_set(p->engine, ERROR_INVALID, offset, "unknown type %u", *type);
    return !p->r.failed;
}

/* ---- imports ---- */

static bool import_names(struct parser *p, struct import *im)
{
    im->module = reader_name(&p->r);
    im->field = reader_name(&p->r);
    uint32_t offset = reader_offset(&p->r);
    uint8_t kind = reader_byte(&p->r);
    if (p->r.failed)
        return false;
    if (kind == 4)
        return error_feature(p->engine, offset, "exception handling", "import of a tag");
    if (kind > EXTERN_GLOBAL)
        return error_set(p->engine, ERROR_MALFORMED, offset, "malformed import kind 0x%x", kind);
    im->kind = kind;
    return true;
}

/* Skips an import's type.  False where section_import will find it wrong and stop. */
static bool import_skip(struct parser *p, enum extern_kind kind)
{
    if (kind == EXTERN_FUNC) {
        reader_u32(&p->r);
        return true;
    }
    if (kind == EXTERN_GLOBAL)
        return reader_bytes(&p->r, 2);
    if (kind == EXTERN_TABLE && !type_is_ref(reader_byte(&p->r)))
        return false;
    uint8_t flags = reader_byte(&p->r);
    reader_u32(&p->r);
    if (flags == 1)
        reader_u32(&p->r);
    return flags <= 1;
}

bool imports_count(struct parser *p, uint32_t counts[4])
{
    uint32_t n;
    if (!parser_count(p, "imports", LIMIT_IMPORTS, 4, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct import im;
        if (!import_names(p, &im))
            return false;
        counts[im.kind]++;
        if (!import_skip(p, im.kind))
            break;
    }
    return true;
}

static bool import_type(struct parser *p, struct import *im)
{
    struct module *m = p->module;
    switch (im->kind) {
    case EXTERN_FUNC:
        im->index = m->nfuncs++;
        return func_type_read(p, &m->funcs[im->index].type);
    case EXTERN_TABLE:
        im->index = m->ntables++;
        return table_type_read(p, &m->tables[im->index]);
    case EXTERN_MEMORY:
        im->index = m->nmemories++;
        return memory_type_read(p, &m->memories[im->index]);
    default:
        im->index = m->nglobals++;
        m->globals[im->index].imported = true;
        return global_type_read(p, &m->globals[im->index]);
    }
}

bool section_import(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "imports", LIMIT_IMPORTS, 4, &n) ||
        !(m->imports = parser_alloc(p, n, sizeof *m->imports)))
        return false;
    for (; m->nimports < n; m->nimports++)
        if (!import_names(p, &m->imports[m->nimports]) || !import_type(p, &m->imports[m->nimports]))
            return false;
    ENGINE_ASSERT(m->nfuncs + m->ntables + m->nmemories + m->nglobals == m->nimports);
    m->nimported_funcs = m->nfuncs;
    m->nimported_tables = m->ntables;
    m->nimported_memories = m->nmemories;
    m->nimported_globals = m->nglobals;
    return true;
}

/* ---- definitions ---- */

bool section_function(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "functions", LIMIT_FUNCS, 1, &n))
        return false;
    for (; n; n--, m->nfuncs++)
        if (!func_type_read(p, &m->funcs[m->nfuncs].type))
            return false;
    return true;
}

bool section_table(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "tables", LIMIT_TABLES, 3, &n))
        return false;
    for (; n; n--, m->ntables++) {
        uint32_t offset = reader_offset(&p->r), min;
        if (!table_type_read(p, &m->tables[m->ntables]))
            return false;
        if ((min = m->tables[m->ntables].min) > LIMIT_TABLE_ELEMS)
            return error_set(p->engine, ERROR_LIMIT, offset,
                             "a table of %u elements: this engine takes at most %u", min,
                             LIMIT_TABLE_ELEMS);
    }
    return true;
}

bool section_memory(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "memories", LIMIT_MEMORIES, 2, &n))
        return false;
    for (; n; n--, m->nmemories++)
        if (!memory_type_read(p, &m->memories[m->nmemories]))
            return false;
    return true;
}

bool section_global(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n;
    if (!parser_count(p, "globals", LIMIT_GLOBALS, 3, &n))
        return false;
    for (; n; n--, m->nglobals++) {
        struct global_type *g = &m->globals[m->nglobals];
        if (!global_type_read(p, g) || !constexpr_parse(p, g->type, &g->init))
            return false;
    }
    return true;
}

/* ---- exports ---- */

/* Names seen so far: an open-addressed table of export index + 1, at most half full. */
struct name_set { uint32_t *slots, mask; };

static bool name_add(struct name_set *set, const struct export *exports, uint32_t index)
{
    struct name a = exports[index].name;
    uint32_t i = (uint32_t)hash_bytes(HASH_START, a.bytes, a.len) & set->mask;
    for (; set->slots[i]; i = (i + 1) & set->mask) {
        struct name b = exports[set->slots[i] - 1].name;
        if (a.len == b.len && mem_equal(a.bytes, b.bytes, a.len))
            return false;
    }
    ENGINE_ASSERT(index < set->mask); /* at most half full */
    set->slots[i] = index + 1;
    return true;
}

static bool name_set_init(struct parser *p, struct name_set *set, uint32_t n)
{
    uint32_t cap = 2;
    while (cap < 2 * n)
        cap *= 2;
    set->mask = cap - 1;
    set->slots = scratch_alloc(p->engine, cap * sizeof *set->slots);
    if (!set->slots)
        return false;
    mem_fill((uint8_t *)set->slots, 0, cap * sizeof *set->slots);
    return true;
}

static bool export_read(struct parser *p, struct export *x)
{
    static const char *const kinds[] = { "function", "table", "memory", "global" };
    struct module *m = p->module;
    uint32_t spaces[] = { m->nfuncs, m->ntables, m->nmemories, m->nglobals };
    x->name = reader_name(&p->r);
    uint32_t offset = reader_offset(&p->r);
    uint8_t kind = reader_byte(&p->r);
    if (p->r.failed)
        return false;
    if (kind == 4)
        return error_feature(p->engine, offset, "exception handling", "export of a tag");
    if (kind > EXTERN_GLOBAL)
        return error_set(p->engine, ERROR_MALFORMED, offset, "malformed export kind 0x%x", kind);
    x->kind = kind;
    x->index = reader_u32(&p->r);
    if (!p->r.failed && x->index >= spaces[kind])
        return error_set(p->engine, ERROR_INVALID, offset, "unknown %s %u, exported as \"%.*s\"",
                         kinds[kind], x->index, x->name.len, x->name.bytes);
    return !p->r.failed;
}

bool section_export(struct parser *p)
{
    struct module *m = p->module;
    struct name_set set;
    uint32_t n;
    if (!parser_count(p, "exports", LIMIT_EXPORTS, 3, &n) ||
        !(m->exports = parser_alloc(p, n, sizeof *m->exports)) || !name_set_init(p, &set, n))
        return false;
    for (; m->nexports < n; m->nexports++) {
        struct export *x = &m->exports[m->nexports];
        uint32_t offset = reader_offset(&p->r);
        if (!export_read(p, x))
            return false;
        if (!name_add(&set, m->exports, m->nexports))
            return error_set(p->engine, ERROR_INVALID, offset, "duplicate export name \"%.*s\"",
                             x->name.len, x->name.bytes);
        if (x->kind == EXTERN_FUNC)
            func_declare(m, x->index);
        else if (x->kind == EXTERN_GLOBAL)
            m->globals[x->index].exported = true;
    }
    return true;
}

/* ---- start and code ---- */

bool section_start(struct parser *p)
{
    struct module *m = p->module;
    uint32_t offset = reader_offset(&p->r);
    char words[FUNC_WORDS];
    m->start = reader_u32(&p->r);
    if (p->r.failed)
        return false;
    if (m->start >= m->nfuncs)
        return error_set(p->engine, ERROR_INVALID, offset, "unknown function %u as start function",
                         m->start);
    ENGINE_ASSERT(m->funcs[m->start].type < m->ntypes);
    const struct functype *t = &m->types[m->funcs[m->start].type];
    if (t->nparams || t->nresults)
        return error_set(p->engine, ERROR_INVALID, offset,
                         "the start function must have no parameters and no results: "
                         "%s",
                         func_words(m, m->start, words));
    m->has_start = true;
    return true;
}

bool section_code(struct parser *p)
{
    struct module *m = p->module;
    uint32_t n, offset = reader_offset(&p->r);
    char words[FUNC_WORDS];
    if (!parser_count(p, "function bodies", LIMIT_FUNCS, 1, &n))
        return false;
    if (n != m->nfuncs - m->nimported_funcs)
        return error_set(p->engine, ERROR_MALFORMED, offset,
                         "function and code section have inconsistent lengths: %u "
                         "functions, %u bodies",
                         m->nfuncs - m->nimported_funcs, n);
    for (uint32_t f = m->nimported_funcs; f < m->nfuncs; f++) {
        offset = reader_offset(&p->r);
        uint32_t len = reader_u32(&p->r);
        m->funcs[f].body = reader_offset(&p->r);
        m->funcs[f].body_len = len;
        if (len > LIMIT_BODY_BYTES)
            return error_set(p->engine, ERROR_LIMIT, offset,
                             "%s has a body of %u bytes: this engine takes at most %u",
                             func_words(m, f, words), len, LIMIT_BODY_BYTES);
        if (!p->r.failed && len > reader_left(&p->r))
            return error_set(p->engine, ERROR_MALFORMED, offset,
                             "unexpected end: the body of %s has %u bytes, %u are "
                             "left",
                             func_words(m, f, words), len, reader_left(&p->r));
        reader_bytes(&p->r, len);
        p->engine->stats.body_bytes_total += len;
    }
    return true;
}
