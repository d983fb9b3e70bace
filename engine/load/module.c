/* A module's structure (spec 5.5): header, framing and order of sections, the arrays they fill,
 * checks across sections.
 *
 * Three steps.  Framing: walk over all sections once, so that a truncated or disordered file is
 * refused before anything is built.  Spaces: count imports and definitions and make the index
 * spaces' arrays at their final size.  Contents: the sections in order, each by its parser within
 * its bounds.  Work and memory are linear in the module's length: arrays are made only after their
 * lengths were compared with the bytes that are there. */
#include "engine/lib.h"
#include "engine/load/parse.h"

enum {
    SECTION_CUSTOM = 0,
    SECTION_IMPORT = 2,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_CODE = 10,
    SECTION_DATA = 11,
    SECTION_TAG = 13
};

/* In the order in which they must come. */
static const struct section {
    uint8_t id;
    const char *name;
    bool (*parse)(struct parser *);
} sections[] = {
    { 1, "type", section_type },
    { SECTION_IMPORT, "import", section_import },
    { SECTION_FUNCTION, "function", section_function },
    { SECTION_TABLE, "table", section_table },
    { SECTION_MEMORY, "memory", section_memory },
    { SECTION_GLOBAL, "global", section_global },
    { 7, "export", section_export },
    { 8, "start", section_start },
    { 9, "element", section_element },
    { 12, "data count", section_data_count },
    { SECTION_CODE, "code", section_code },
    { SECTION_DATA, "data", section_data },
};
#define NSECTIONS (sizeof sections / sizeof *sections)

struct span { uint32_t offset, len; bool present; };

/* ---- shared with the other parsing files ---- */

void *parser_alloc(struct parser *p, uint64_t n, uint64_t size)
{
    return heap_alloc(p->engine, (n ? n : 1) * size, 8);
}

bool parser_count(struct parser *p, const char *what, uint32_t limit, uint32_t min_bytes,
                  uint32_t *count)
{
    uint32_t offset = reader_offset(&p->r);
    *count = reader_u32(&p->r);
    if (p->r.failed)
        return false;
    if (*count > limit)
        return error_set(p->engine, ERROR_LIMIT, offset, "%u %s: this engine takes at most %u",
                         *count, what, limit);
    if (*count > reader_left(&p->r) / min_bytes)
        return error_set(p->engine, ERROR_MALFORMED, offset,
                         "unexpected end: %u %s cannot stand in %u bytes", *count, what,
                         reader_left(&p->r));
    return true;
}

static const struct { uint8_t code; const char *name, *proposal;
} types[] = {
    { VT_I32, "i32", NULL },
    { VT_I64, "i64", NULL },
    { VT_F32, "f32", NULL },
    { VT_F64, "f64", NULL },
    { VT_V128, "v128", NULL },
    { VT_FUNCREF, "funcref", NULL },
    { VT_EXTERNREF, "externref", NULL },
    { 0x63, "(ref null)", "typed function references" },
    { 0x64, "(ref)", "typed function references" },
    { 0x69, "exnref", "exception handling" },
    { 0x74, "nullexnref", "exception handling" },
    { 0x6e, "anyref", "garbage collection" },
    { 0x6d, "eqref", "garbage collection" },
    { 0x6c, "i31ref", "garbage collection" },
    { 0x6b, "structref", "garbage collection" },
    { 0x6a, "arrayref", "garbage collection" },
    { 0x71, "nullref", "garbage collection" },
    { 0x72, "nullexternref", "garbage collection" },
    { 0x73, "nullfuncref", "garbage collection" },
    { 0x68, "contref", "stack switching" },
    { 0x75, "nullcontref", "stack switching" },
};

const char *type_name(uint8_t code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code)
            return types[i].name;
    return "an unknown type";
}

bool type_refuse(struct engine *e, uint32_t offset, uint8_t code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code && types[i].proposal)
            return error_feature(e, offset, types[i].proposal, "type %s", types[i].name);
    return error_set(e, ERROR_MALFORMED, offset, "malformed type 0x%x", code);
}

void func_declare(struct module *m, uint32_t func)
{
    ENGINE_ASSERT(func < m->nfuncs);
    m->declared_funcs[func / 8] |= (uint8_t)(1u << func % 8);
}

/* ---- framing ---- */

static bool header(struct parser *p)
{
    struct engine *e = p->engine;
    struct reader *r = &p->r;
    static const uint8_t magic[4] = { 0, 'a', 's', 'm' };
    for (uint32_t i = 0; i < 4; i++)
        if (reader_byte(r) != magic[i] || r->failed)
            return error_set(e, ERROR_MALFORMED, 0,
                             "magic header not detected: this is not a WebAssembly module");
    const uint8_t *v = reader_bytes(r, 4);
    if (!v)
        return error_set(e, ERROR_MALFORMED, 4,
                         "unexpected end in the header: the file has %u bytes",
                         (uint32_t)(r->end - r->start));
    uint32_t version = v[0] | v[1] << 8, layer = v[2] | v[3] << 8;
    if (layer == 1) {
        error_feature(e, 4, "the component model", "component version %u", version);
        return error_place(e, NULL, NULL, NULL);
    }
    if (version != 1 || layer != 0)
        return error_set(e, ERROR_UNSUPPORTED, 4,
                         "unknown binary version %u: only version 1 is supported",
                         version | layer << 16);
    return true;
}

/* The subsection of the custom section "name" that holds function names.  What is wrong there is
 * ignored (spec 7.4). */
static void name_section(struct parser *p, struct reader r)
{
    while (r.at < r.end) {
        uint8_t id = reader_byte(&r);
        uint32_t len = reader_u32(&r), offset = reader_offset(&r);
        if (!reader_bytes(&r, len) || r.failed)
            return;
        if (id == 1) {
            p->module->name_section = offset;
            p->module->name_section_len = len;
        }
    }
}

static bool custom(struct parser *p, struct span s)
{
    struct reader r;
    reader_init(&r, p->module->bytes, s.offset, s.len);
    struct name name = reader_name(&r);
    if (r.failed) {
        error_set(p->engine, ERROR_MALFORMED, r.why_offset, "%s", r.why);
        return error_place(p->engine, NULL, NULL, "custom");
    }
    if (name.len == 4 && mem_equal(name.bytes, (const uint8_t *)"name", 4))
        name_section(p, r);
    return true;
}

/* The place of a section in the order; NSECTIONS: there is none. */
static uint32_t section_rank(uint8_t id)
{
    uint32_t rank = 0;
    while (rank < NSECTIONS && sections[rank].id != id)
        rank++;
    return rank;
}

/* One section's frame.  *next is the least rank that may still come. */
static bool frame(struct parser *p, struct span *spans, uint32_t *next)
{
    struct engine *e = p->engine;
    uint32_t start = reader_offset(&p->r);
    uint8_t id = reader_byte(&p->r);
    uint32_t rank = section_rank(id);
    if (id == SECTION_TAG) {
        error_feature(e, start, "exception handling", "a section of tags");
        return error_place(e, NULL, NULL, NULL);
    }
    if (rank == NSECTIONS && id != SECTION_CUSTOM)
        return error_set(e, ERROR_MALFORMED, start, "malformed section id %u at offset 0x%x", id,
                         start);
    const char *name = id == SECTION_CUSTOM ? "custom" : sections[rank].name;
    uint32_t len = reader_u32(&p->r);
    struct span s = { reader_offset(&p->r), len, true };
    if (p->r.failed)
        return error_set(e, ERROR_MALFORMED, p->r.why_offset,
                         "%s in the head of the %s section at offset 0x%x", p->r.why, name, start);
    if (!reader_bytes(&p->r, len))
        return error_set(e, ERROR_MALFORMED, start,
                         "unexpected end: the %s section at offset 0x%x has %u bytes, of "
                         "which %u are there",
                         name, start, len, (uint32_t)p->module->len - s.offset);
    if (id == SECTION_CUSTOM)
        return custom(p, s);
    if (rank < *next)
        return error_set(e, ERROR_MALFORMED, start,
                         "unexpected content: the %s section at offset 0x%x comes twice or "
                         "out of order",
                         name, start);
    ENGINE_ASSERT(!spans[rank].present && rank < NSECTIONS);
    spans[rank] = s;
    *next = rank + 1;
    return true;
}

/* ---- spaces ---- */

/* Completes the error with the section's name; an error of the reader's becomes the engine's. */
static bool section_error(struct parser *p, const char *name)
{
    struct error *error = &p->engine->error;
    if (error->kind == ERROR_NONE || p->r.failed)
        error_set(p->engine, ERROR_MALFORMED, p->r.why_offset, "%s", p->r.why);
    return error_place(p->engine, NULL, NULL, name);
}

/* What a section announces as its count; 0 if its parser will refuse it. */
static uint32_t announced(struct parser *p, const struct span *spans, uint8_t id, uint32_t limit)
{
    struct span s = spans[section_rank(id)];
    struct reader r;
    reader_init(&r, p->module->bytes, s.offset, s.len);
    uint32_t n = s.present ? reader_u32(&r) : 0;
    return n > limit || n > s.len ? 0 : n;
}

static bool spaces_alloc(struct parser *p, const struct span *spans)
{
    struct module *m = p->module;
    uint32_t n[4] = { 0 };
    struct span imports = spans[section_rank(SECTION_IMPORT)];
    reader_init(&p->r, m->bytes, imports.offset, imports.len);
    if (imports.present && !imports_count(p, n))
        return section_error(p, "import");
    n[EXTERN_FUNC] += announced(p, spans, SECTION_FUNCTION, LIMIT_FUNCS);
    n[EXTERN_TABLE] += announced(p, spans, SECTION_TABLE, LIMIT_TABLES);
    n[EXTERN_MEMORY] += announced(p, spans, SECTION_MEMORY, LIMIT_MEMORIES);
    n[EXTERN_GLOBAL] += announced(p, spans, SECTION_GLOBAL, LIMIT_GLOBALS);
    return (m->funcs = parser_alloc(p, n[EXTERN_FUNC], sizeof *m->funcs)) &&
           (m->valid = parser_alloc(p, n[EXTERN_FUNC], sizeof *m->valid)) &&
           (m->returns = parser_alloc(p, n[EXTERN_FUNC], sizeof *m->returns)) &&
           (m->inlines = parser_alloc(p, n[EXTERN_FUNC], sizeof *m->inlines)) &&
           (m->declared_funcs = parser_alloc(p, n[EXTERN_FUNC] / 8 + 1, 1)) &&
           (m->tables = parser_alloc(p, n[EXTERN_TABLE], sizeof *m->tables)) &&
           (m->memories = parser_alloc(p, n[EXTERN_MEMORY], sizeof *m->memories)) &&
           (m->globals = parser_alloc(p, n[EXTERN_GLOBAL], sizeof *m->globals));
}

/* ---- contents ---- */

static bool contents(struct parser *p, const struct span *spans)
{
    for (uint32_t i = 0; i < NSECTIONS; i++) {
        if (!spans[i].present)
            continue;
        reader_init(&p->r, p->module->bytes, spans[i].offset, spans[i].len);
        if (!sections[i].parse(p) || p->r.failed)
            return section_error(p, sections[i].name);
        if (p->r.at != p->r.end) {
            error_set(p->engine, ERROR_MALFORMED, reader_offset(&p->r),
                      "section size mismatch: %u bytes too many", reader_left(&p->r));
            return section_error(p, sections[i].name);
        }
    }
    return true;
}

/* What no single section can see: counts that must agree though a section may be missing. */
static bool counts_agree(struct parser *p, const struct span *spans)
{
    struct module *m = p->module;
    uint32_t defined = m->nfuncs - m->nimported_funcs, end = (uint32_t)m->len;
    if (defined && !spans[section_rank(SECTION_CODE)].present)
        return error_set(p->engine, ERROR_MALFORMED, end,
                         "function and code section have inconsistent lengths: %u "
                         "functions, but the module ends at offset 0x%x without a code section",
                         defined, end);
    if (m->has_data_count && m->data_count != m->ndatas)
        return error_set(p->engine, ERROR_MALFORMED, end,
                         "data count and data section have inconsistent lengths: %u "
                         "announced, %u there (module's end, offset 0x%x)",
                         m->data_count, m->ndatas, end);
    return true;
}

static bool parse(struct parser *p)
{
    struct module *m = p->module;
    struct span spans[NSECTIONS] = { 0 };
    uint32_t next = 0;
    reader_init(&p->r, m->bytes, 0, (uint32_t)m->len);
    if (!header(p))
        return false;
    while (p->r.at < p->r.end)
        if (!frame(p, spans, &next))
            return false;
    if (!spaces_alloc(p, spans) || !contents(p, spans) || !counts_agree(p, spans))
        return false;
    ENGINE_ASSERT(p->r.at <= m->bytes + m->len && m->nimported_funcs <= m->nfuncs);
    p->engine->stats.funcs_total += m->nfuncs - m->nimported_funcs;
    return true;
}

struct module *module_parse(struct engine *e, const uint8_t *bytes, size_t len)
{
    uint64_t start_ns = e->env.clock_ns ? e->env.clock_ns(e->env.self) : 0;
    e->error = (struct error){ 0 };
    if (len > LIMIT_MODULE_BYTES) {
        error_set(e, ERROR_LIMIT, 0, "a module of %lu bytes: this engine takes at most %u",
                  (uint64_t)len, LIMIT_MODULE_BYTES);
        return NULL;
    }
    struct module *m = heap_alloc(e, sizeof *m, _Alignof(struct module));
    if (!m)
        return NULL;
    *m = (struct module){ .engine = e, .bytes = bytes, .len = len };
    struct parser p = { .engine = e, .module = m };
    bool ok = parse(&p);
    scratch_reset(e);
    if (e->env.clock_ns)
        e->stats.parse_ns += e->env.clock_ns(e->env.self) - start_ns;
    return ok ? m : NULL;
}

/* ---- bytes that come late ---- */

void module_want(const struct module *m, uint64_t offset, uint64_t bytes)
{
    const struct engine_env *env = &m->engine->env;
    if (!env->module_want || bytes == 0)
        return;
    ENGINE_ASSERT(offset <= m->len && bytes <= m->len - offset);
    env->module_want(env->self, offset, bytes);
}

void module_want_exports(const struct module *m)
{
    if (m->nexports == 0 || !m->engine->env.module_want)
        return;
    const struct name *first = &m->exports[0].name, *last = &m->exports[m->nexports - 1].name;
    module_want(m, (uint64_t)(first->bytes - m->bytes),
                (uint64_t)(last->bytes + last->len - first->bytes));
}
