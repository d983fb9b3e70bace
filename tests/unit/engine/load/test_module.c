/* engine/load/module.c, sections.c, segments.c, constexpr.c, canon.c: what a module's structure may
 * be, and every sentence that says why one is refused. */
#include "tests/unit/engine/binary.h"

#define TYPE_SECTION "\1\x0a\2\x60\0\0\x60\1\x7f\2\x7f\x7e" /* () -> (), (i32) -> (i32 i64) */

/* ---- a module with every section ---- */

static const struct part {
    const char *name;
    const char *bytes;
    size_t len;
    bool may_end_before;
} parts[] = {
#define PART(name, literal, may_end_before) { name, literal, sizeof(literal) - 1, may_end_before }
    PART("header", HEADER, false),
    PART("type", TYPE_SECTION, true),
    PART("custom", "\0\5\3abcd", true),
    PART("import", "\2\x0f\2\1m\1f\0\0\2mm\1g\3\x7f\0", true),
    PART("function", "\3\2\1\0", true),
    PART("table", "\4\4\1\x70\0\x01", false), /* from here on a function lacks its body */
    PART("memory", "\5\4\1\1\1\2", false),
    PART("global", "\6\x06\1\x7f\1\x23\0\x0b", false),
    PART("export", "\7\x0e\3\3run\0\1\1g\3\1\0\2\0", false),
    PART("start", "\x08\1\1", false),
    PART("element", "\x09\7\1\0\x41\0\x0b\1\1", false),
    PART("data count", "\x0c\1\2", false),
    PART("code", "\x0a\4\1\2\0\x0b", false),
    PART("data", "\x0b\x0a\2\0\x23\0\x0b\2hi\1\0", false), /* must come as a data count is there */
    PART("custom", "\0\x0f\4name\1\x08\1\1\5Go\x1b..", true),
};
#define NPARTS (sizeof parts / sizeof *parts)

static struct bytes full(void)
{
    struct bytes b = { 0 };
    for (size_t i = 0; i < NPARTS; i++)
        bytes_add(&b, parts[i].bytes, parts[i].len);
    return b;
}

static void test_full(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = full();
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    assert_true(module_validate(&t->engine, m));
    assert_int_equal(m->ntypes, 2);
    assert_int_equal(m->types[1].nresults, 2);
    assert_int_equal(m->types[1].results[1], VT_I64);
    assert_int_equal(m->nimports, 2);
    assert_memory_equal(m->imports[1].module.bytes, "mm", 2);
    assert_int_equal(m->imports[1].kind, EXTERN_GLOBAL);
    assert_int_equal(m->nfuncs, 2);
    assert_int_equal(m->nimported_funcs, 1);
    assert_int_equal(m->funcs[0].body_len, 0);
    assert_int_equal(m->funcs[1].body_len, 2);
    assert_memory_equal(m->bytes + m->funcs[1].body, "\0\x0b", 2);
    assert_true(m->valid[0]);
    assert_int_equal(m->tables[0].min, 1);
    assert_false(m->tables[0].has_max);
    assert_int_equal(m->memories[0].max, 2);
    assert_int_equal(m->nglobals, 2);
    assert_true(m->globals[0].imported && !m->globals[0].exported && !m->globals[0].mutable);
    assert_true(!m->globals[1].imported && m->globals[1].exported && m->globals[1].mutable);
    assert_memory_equal(m->bytes + m->globals[1].init.offset, "\x23\0\x0b", 3);
    assert_int_equal(m->globals[1].init.len, 3);
    assert_int_equal(m->nexports, 3);
    assert_int_equal(m->exports[2].name.len, 0);
    assert_true(m->has_start && m->start == 1);
    assert_int_equal(m->nelems, 1);
    assert_int_equal(m->elems[0].count, 1);
    assert_int_equal(m->elems[0].type, VT_FUNCREF);
    assert_int_equal(m->declared_funcs[0], 1 << 1);
    assert_int_equal(m->ndatas, 2);
    assert_int_equal(m->datas[0].len, 2);
    assert_memory_equal(m->bytes + m->datas[0].bytes, "hi", 2);
    assert_int_equal(m->datas[1].mode, 1);
    assert_memory_equal(m->bytes + m->name_section, "\1\1\5Go", 5);
    assert_int_equal(m->name_section_len, 8);
    assert_int_equal(t->engine.stats.funcs_total, 1);
    assert_int_equal(t->engine.stats.body_bytes_total, 2);
    bytes_free(&b);
}

/* What compilers can do without is told beside what is not supported; nothing, where they cannot.
 */
static void test_advice(void **state)
{
    struct test_engine *t = *state;
    static const struct { const char *bytes; size_t len; const char *advice;
    } rows[] = {
#define ROW(literal, advice) { literal, sizeof(literal) - 1, advice }
        ROW("\0asm\x0d\0\1\0......", "build a module of WASI preview 1"),
        ROW(HEADER "\1\3\1\x5f\0", "Go, TinyGo"),
        ROW(HEADER "\1\3\1\x5d\0", NULL),
        ROW(HEADER "\5\3\1\4\1", "C, Rust: a target of wasm32"),
        ROW(HEADER "\5\4\1\3\1\1", "C: without -pthread"),
        ROW(HEADER "\5\4\1\x08\1\0", NULL),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(parse(t, (const uint8_t *)rows[i].bytes, rows[i].len));
        if (t->engine.error.kind != ERROR_UNSUPPORTED)
            fail_msg("row %zu: %s", i, t->engine.error.text);
        const char *advice = t->engine.error.advice, *want = rows[i].advice;
        if (want ? !advice || strncmp(advice, want, strlen(want)) != 0 : advice != NULL)
            fail_msg("row %zu: %s", i, advice ? advice : "none");
    }
}

/* Cut at every byte: refused with a sentence that names a place; between sections accepted where
 * the rest may miss. */
static void test_truncated(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = full();
    size_t start = 0;
    for (size_t part = 0; part < NPARTS; start += parts[part++].len) {
        for (size_t len = start; len < start + parts[part].len; len++) {
            struct module *m = parse(t, b.at, len);
            if (len == start && parts[part].may_end_before) {
                assert_non_null(m);
                continue;
            }
            assert_null(m);
            assert_int_equal(t->engine.error.kind, ERROR_MALFORMED);
            assert_in_range(t->engine.error.offset, 0, len);
            if (len > start && part > 0)
                assert_error(t, ERROR_MALFORMED, parts[part].name);
            if (len >= 8)
                assert_error(t, ERROR_MALFORMED, "offset 0x");
        }
    }
    bytes_free(&b);
}

/* Every byte damaged in several ways: whatever the verdict, no wild read and no hang. */
static void test_damaged(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = full();
    static const uint8_t damage[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0x40, 0x0b };
    uint32_t refused = 0;
    for (size_t i = 0; i < b.len; i++) {
        for (size_t d = 0; d < sizeof damage; d++) {
            uint8_t old = b.at[i];
            b.at[i] = damage[d];
            struct module *m = parse(t, b.at, b.len);
            if (!m || !module_validate(&t->engine, m)) {
                refused++;
                assert_int_not_equal(t->engine.error.kind, ERROR_NONE);
                assert_true(t->engine.error.text[0]);
            }
            b.at[i] = old;
        }
    }
    assert_in_range(refused, b.len, b.len * sizeof damage);
    bytes_free(&b);
}

/* ---- refusals, by their sentences ---- */

struct refusal { enum error_kind kind; const char *words; const char *bytes; size_t len; };
#define R(kind, words, literal) { ERROR_##kind, words, literal, sizeof(literal) - 1 }
#define F1 TYPE_SECTION "\3\2\1\0" /* one function () -> () */
#define CODE1 "\x0a\4\1\2\0\x0b"

/* All behind the header. */
static const struct refusal refusals[] = {
    R(MALFORMED, "malformed section id 14", "\x0e\0"),
    R(MALFORMED, "the type section at offset 0xb comes twice or out of order",
      "\1\1\0"
      "\1\1\0"),
    R(MALFORMED, "the type section at offset 0xb comes twice or out of order",
      "\2\1\0"
      "\1\1\0"),
    R(MALFORMED, "section size mismatch: 1 bytes too many (type section, offset 0xb)", "\1\2\0\0"),
    R(MALFORMED, "unexpected end (type section, offset 0xa)", "\1\0"),
    R(MALFORMED, "the type section at offset 0x8 has 3 bytes, of which 1 are there", "\1\3\0"),
    R(MALFORMED, "unexpected end in the head of the type section at offset 0x8", "\1"),
    R(MALFORMED, "integer representation too long in the head of the code section",
      "\x0a\x80\x80\x80\x80\x80\0"),
    R(MALFORMED, "malformed UTF-8 encoding (custom section, offset 0xa)", "\0\3\2\xc0\x80"),
    R(MALFORMED, "unexpected end (custom section", "\0\0"),
    R(MALFORMED, "unexpected end: 5 types cannot stand in 3 bytes", "\1\4\5\x60\0\0"),
    R(MALFORMED, "unknown form of type 0x40", "\1\4\1\x40\0\0"),
    R(MALFORMED, "malformed type 0x7a", "\1\5\1\x60\1\x7a\0"),
    R(MALFORMED, "malformed import kind 0x5", "\2\7\1\1a\1b\5\0"),
    R(MALFORMED, "malformed limits flags 0x10", "\5\3\1\x10\0"),
    R(MALFORMED, "malformed mutability 0x2", "\6\6\1\x7f\2\x41\0\x0b"),
    R(MALFORMED, "malformed export kind 0x5", "\7\4\1\0\5\0"),
    R(MALFORMED, "malformed element segment kind 8", F1 "\x09\5\1\x08\0\0\0" CODE1),
    R(MALFORMED, "malformed element kind 0x1", F1 "\x09\4\1\1\1\0" CODE1),
    R(MALFORMED, "malformed data segment kind 3", "\5\3\1\0\1\x0b\3\1\3\0"),
    R(MALFORMED, "function and code section have inconsistent lengths: 1 functions, 0 bodies",
      F1 "\x0a\1\0"),
    R(MALFORMED, "1 functions, but the module ends at offset 0x18 without a code section", F1),
    R(MALFORMED, "the body of function 0 has 5 bytes, 2 are left", F1 "\x0a\4\1\5\0\x0b"),
    R(MALFORMED, "data count and data section have inconsistent lengths: 1 announced, 0 there",
      "\x0c\1\1"),
    R(MALFORMED, "data count and data section have inconsistent lengths: 0 announced, 1 there",
      "\x0c\1\0\x0b\3\1\1\0"),

    R(INVALID, "unknown type 2 (import section", TYPE_SECTION "\2\7\1\1a\1b\0\2"),
    R(INVALID, "unknown type 2 (function section", TYPE_SECTION "\3\2\1\2"),
    R(INVALID, "size minimum must not be greater than maximum: a table of 2 to 1",
      "\4\5\1\x70\1\2\1"),
    R(INVALID, "memory size must be at most 65536 pages (4 GiB), not 65537", "\5\5\1\0\x81\x80\4"),
    R(INVALID, "memory size must be at most 65536 pages (4 GiB), not 65537",
      "\5\6\1\1\0\x81\x80\4"),
    R(INVALID, "type mismatch: a constant expression must leave one i32", "\6\6\1\x7f\0\x42\0\x0b"),
    R(INVALID, "type mismatch: a constant expression must leave one i32", "\6\4\1\x7f\0\x0b"),
    R(INVALID, "constant expression required, found i32.clz", "\6\7\1\x7f\0\x41\0\x67\x0b"),
    R(INVALID, "type mismatch in a constant expression", "\6\7\1\x7f\0\x41\0\x6a\x0b"),
    R(INVALID, "unknown global 0 in a constant expression", "\6\6\1\x7f\0\x23\0\x0b"),
    R(INVALID, "global 0 is mutable",
      "\2\x08\1\1a\1b\3\x7f\1"
      "\6\6\1\x7f\0\x23\0\x0b"),
    R(INVALID, "unknown function 0 in a constant expression", "\6\6\1\x70\0\xd2\0\x0b"),
    R(INVALID, "unknown memory 0, exported as \"a\\x0a\"",
      "\7\6\1\2"
      "a\n"
      "\2\0"),
    R(INVALID, "duplicate export name \"e\"", F1 "\7\x09\2\1e\0\0\1e\0\0" CODE1),
    R(INVALID, "unknown function 1 as start function", F1 "\x08\1\1" CODE1),
    R(INVALID,
      "the start function must have no parameters and no results: function 0 (start section",
      TYPE_SECTION "\3\2\1\1\x08\1\0" CODE1),
    R(INVALID, "unknown table 0", "\x09\6\1\0\x41\0\x0b\0"),
    R(INVALID, "unknown function 9 in an element segment",
      "\4\4\1\x70\0\0\x09\7\1\0\x41\0\x0b\1\x09"),
    R(INVALID, "a segment of funcref for table 0 of externref",
      "\4\4\1\x6f\0\0\x09\6\1\0\x41\0\x0b\0"),
    R(INVALID, "unknown memory 0", "\x0b\6\1\0\x41\0\x0b\0"),

    R(UNSUPPORTED,
      "module uses exception handling (a section of tags, offset 0x8), which wasmvm does not "
      "support",
      "\x0d\3\1\0\0"),
    R(UNSUPPORTED,
      "uses exception handling (import of a tag, offset 0xf, import section), which wasmvm does "
      "not support",
      "\2\7\1\1a\1b\4\0"),
    R(UNSUPPORTED, "uses exception handling (export of a tag, offset 0xd, export section)",
      "\7\5\1\1a\4\0"),
    R(UNSUPPORTED, "uses exception handling (type exnref, offset 0xd, type section)",
      "\1\5\1\x60\1\x69\0"),
    R(UNSUPPORTED, "uses garbage collection (type form 0x5f, offset 0xb, type section)",
      "\1\4\1\x5f\0\0"),
    R(UNSUPPORTED, "uses stack switching (type form 0x5d, offset 0xb, type section)",
      "\1\4\1\x5d\0\0"),
    R(UNSUPPORTED, "uses garbage collection (type anyref, offset", "\6\6\1\x6e\0\xd0\x6e\x0b"),
    R(UNSUPPORTED, "uses garbage collection (ref.i31, offset 0xf, global section)",
      "\6\x08\1\x70\0\x41\0\xfb\x1c\x0b"),
    R(UNSUPPORTED, "uses typed function references (type (ref), offset", "\1\5\1\x60\1\x64\0"),
    R(UNSUPPORTED, "uses typed function references (table initializer, offset 0xb, table section)",
      "\4\x09\1\x40\0\x70\0\1\xd0\x70\x0b"),
    R(UNSUPPORTED, "uses threads (limits flags 0x3 of a memory, offset 0xb, memory section)",
      "\5\4\1\3\1\2"),
    R(UNSUPPORTED, "uses threads (limits flags 0x3 of a memory, offset 0x10, import section)",
      "\2\x09\1\1a\1b\2\3\1\1"),
    R(UNSUPPORTED, "uses memory64 (limits flags 0x4 of a memory, offset", "\5\3\1\4\1"),
    R(UNSUPPORTED, "uses memory64 (limits flags 0x5 of a table, offset", "\4\5\1\x70\5\1\1"),
    R(UNSUPPORTED, "uses custom page sizes (limits flags 0x8 of a memory, offset",
      "\5\4\1\x08\1\0"),

    R(LIMIT, "1000001 types: this engine takes at most 1000000", "\1\3\xc1\x84\x3d"),
    R(LIMIT, "1000001 imports: this engine takes at most 1000000", "\2\3\xc1\x84\x3d"),
    R(LIMIT, "1000001 functions: this engine takes at most 1000000", "\3\3\xc1\x84\x3d"),
    R(LIMIT, "100001 tables: this engine takes at most 100000", "\4\3\xa1\x8d\6"),
    R(LIMIT, "1001 memories: this engine takes at most 1000", "\5\2\xe9\7"),
    R(LIMIT, "1000001 globals: this engine takes at most 1000000", "\6\3\xc1\x84\x3d"),
    R(LIMIT, "1000001 exports: this engine takes at most 1000000", "\7\3\xc1\x84\x3d"),
    R(LIMIT, "1000001 element segments: this engine takes at most 1000000", "\x09\3\xc1\x84\x3d"),
    R(LIMIT, "1000001 data segments: this engine takes at most 1000000", "\x0b\3\xc1\x84\x3d"),
    R(LIMIT, "1001 parameters: this engine takes at most 1000", "\1\4\1\x60\xe9\7"),
    R(LIMIT, "1001 results: this engine takes at most 1000", "\1\5\1\x60\0\xe9\7"),
    R(LIMIT, "a table of 10000001 elements: this engine takes at most 10000000",
      "\4\7\1\x70\0\x81\xad\xe2\4"),
    R(LIMIT, "10000001 elements: this engine takes at most 10000000", "\x09\7\1\1\0\x81\xad\xe2\4"),
    R(LIMIT, "function 0 has a body of 67108865 bytes: this engine takes at most 67108864",
      F1 "\x0a\7\1\x81\x80\x80\x20\0\x0b"),
};

static void test_refusals(void **state)
{
    struct test_engine *t = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct bytes b = { 0 };
        ADD(&b, HEADER);
        bytes_add(&b, refusals[i].bytes, refusals[i].len);
        assert_null(parse(t, b.at, b.len));
        assert_error(t, refusals[i].kind, refusals[i].words);
        bytes_free(&b);
    }
}

static void test_headers(void **state)
{
    struct test_engine *t = *state;
    assert_null(parse(t, "", 0));
    assert_error(t, ERROR_MALFORMED, "magic header not detected");
    assert_null(parse(t, "#!/bin/sh", 9));
    assert_error(t, ERROR_MALFORMED, "magic header not detected");
    assert_null(parse(t, "\0asm\1\0", 6));
    assert_error(t, ERROR_MALFORMED, "unexpected end in the header: the file has 6 bytes");
    assert_null(parse(t, "\0asm\x0d\0\1\0", 8));
    assert_error(t, ERROR_UNSUPPORTED,
                 "module uses the component model (component version 13, offset 0x4), which");
    assert_null(parse(t, "\0asm\2\0\0\0", 8));
    assert_error(t, ERROR_UNSUPPORTED, "unknown binary version 2: only version 1 is supported");
    assert_null(parse(t, "\0asm\1\2\3\4", 8));
    /* 0x04030201 */
    assert_error(t, ERROR_UNSUPPORTED,
                 "unknown binary version 67305985: only version 1 is supported");
    assert_non_null(parse(t, HEADER, 8));
    assert_null(module_parse(&t->engine, t->copies->bytes, LIMIT_MODULE_BYTES + 1ull));
    assert_error(t, ERROR_LIMIT,
                 "a module of 1073741825 bytes: this engine takes at most 1073741824");
}

/* Each bit counts. */
static void test_each_bit_of_the_header(void **state)
{
    struct test_engine *t = *state;
    for (unsigned bit = 0; bit < 64; bit++) {
        char header[] = HEADER;
        header[bit / 8] ^= (char)(1 << bit % 8);
        if (parse(t, header, 8))
            fail_msg("bit %u of byte %u is ignored", bit % 8, bit / 8);
    }
}

/* ---- details ---- */

static struct module *accepted(struct test_engine *t, const char *content, size_t len)
{
    struct bytes b = { 0 };
    ADD(&b, HEADER);
    bytes_add(&b, content, len);
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    bytes_free(&b);
    return m;
}
#define ACCEPTED(t, literal) accepted(t, literal, sizeof(literal) - 1)

static void test_canonical_types(void **state)
{
    struct test_engine *t = *state;
    struct module *m = ACCEPTED(
        t, "\1\x18\6\x60\1\x7f\0\x60\0\1\x7f\x60\1\x7f\0\x60\0\0\x60\2\x7f\x7f\0\x60\0\0");
    uint32_t first = m->canon[0], none = m->canon[3];
    assert_int_equal(m->canon[2], first);
    assert_int_equal(m->canon[5], none);
    assert_true(m->canon[1] != first && m->canon[4] != first && m->canon[1] != none &&
                m->canon[1] != m->canon[4]);
    assert_int_equal(t->engine.ncanon, 4);
    m = ACCEPTED(t, "\1\x08\2\x60\0\0\x60\1\x7f\0");
    assert_int_equal(m->canon[0], none);
    assert_int_equal(m->canon[1], first);
    assert_int_equal(t->engine.ncanon, 4);
}

/* ref.func is allowed in bodies for functions that exports, globals or element segments name. */
static void test_declared_funcs(void **state)
{
    struct test_engine *t = *state;
    struct module *m = ACCEPTED(
        t, "\1\4\1\x60\0\0"
           "\3\x0a\x09\0\0\0\0\0\0\0\0\0"
           "\6\6\1\x70\0\xd2\1\x0b"
           "\7\5\1\1e\0\2"
           "\x08\1\3"
           "\x09\x0b\2\3\0\1\4\5\x70\1\xd2\x08\x0b"
           "\x0a\x1c\x09\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b"
           "\2\0\x0b");
    assert_int_equal(m->declared_funcs[0], 1 << 1 | 1 << 2 | 1 << 4);
    assert_int_equal(m->declared_funcs[1], 1 << 0);
}

static void test_segment_forms(void **state)
{
    struct test_engine *t = *state;
    struct module *m = ACCEPTED(t, "\1\4\1\x60\0\0"
                                   "\3\2\1\0"
                                   "\4\4\1\x70\0\1"
                                   "\x09\x35\x08"
                                   "\0\x41\0\x0b\1\0"
                                   "\1\0\1\0"
                                   "\2\0\x41\0\x0b\0\1\0"
                                   "\3\0\1\0"
                                   "\4\x41\0\x0b\1\xd2\0\x0b"
                                   "\5\x6f\1\xd0\x6f\x0b"
                                   "\6\0\x41\0\x0b\x70\1\xd2\0\x0b"
                                   "\7\x70\1\xd0\x70\x0b" CODE1);
    static const uint8_t modes[] = { 0, 1, 0, 2, 0, 1, 0, 2 };
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(m->elems[i].mode, modes[i]);
        assert_int_equal(m->elems[i].exprs, i >= 4);
        assert_int_equal(m->elems[i].type, i == 5 ? VT_EXTERNREF : VT_FUNCREF);
        assert_int_equal(m->elems[i].count, 1);
    }
}

static void test_extended_constants(void **state)
{
    struct test_engine *t = *state;
    struct module *m = ACCEPTED(t, "\2\x08\1\1a\1b\3\x7f\0"
                                   "\6\x0f\1\x7f\0\x23\0\x41\2\x6c\x41\1\x6b\x41\3\x6a\x0b"
                                /* ((global 0 * 2) - 1) + 3 */);
    assert_int_equal(m->globals[1].init.len, 12);
    ACCEPTED(t, "\6\x09\1\x7e\0\x42\1\x42\2\x7c\x0b");
}

/* Whatever stands in the name section, the module is accepted and the range lies inside it. */
static void test_name_section(void **state)
{
    struct test_engine *t = *state;
    assert_int_equal(ACCEPTED(t, "\0\x05\4name")->name_section, 0);
    assert_int_equal(ACCEPTED(t, "\0\x08\4name\1\5\0")->name_section, 0);
    assert_int_equal(ACCEPTED(t, "\0\x07\4name\1\xff")->name_section, 0);
    struct module *m = ACCEPTED(t, "\0\x0c\4name\0\2\1m\1\1\0");
    assert_int_equal(m->name_section_len, 1);
    assert_int_equal(m->name_section, 21);
}

/* ---- large ones ---- */

static void large(struct test_engine *t, uint8_t id, const char *item, size_t item_len,
                  const char *before, size_t before_len)
{
    const uint32_t n = 100000;
    struct bytes content = { 0 }, b = { 0 };
    bytes_u32(&content, n);
    bytes_repeat(&content, n, item, item_len);
    ADD(&b, HEADER);
    bytes_add(&b, before, before_len);
    bytes_section(&b, id, content.at, content.len);
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("section %d: %s", id, t->engine.error.text);
    bytes_free(&content);
    bytes_free(&b);
}
#define LARGE(t, id, item, before) large(t, id, item, sizeof(item) - 1, before, sizeof(before) - 1)

static void test_large_counts(void **state)
{
    struct test_engine *t = *state;
    LARGE(t, 1, "\x60\0\0", "");
    LARGE(t, 2, "\1a\1b\0\0", TYPE_SECTION);
    LARGE(t, 4, "\x70\0\0", "");
    LARGE(t, 6, "\x7f\0\x41\0\x0b", "");
    LARGE(t, 9, "\0\x41\0\x0b\0", "\4\4\1\x70\0\1");
    LARGE(t, 11, "\0\x41\0\x0b\0", "\5\3\1\0\1");
}

/* 100,000 different types, names and functions: none may cost more than the first. */
static void test_large_distinct(void **state)
{
    struct test_engine *t = *state;
    const uint32_t n = 100000;
    static const uint8_t codes[] = { VT_I32, VT_I64, VT_F32, VT_F64 };
    struct bytes types = { 0 }, funcs = { 0 }, exports = { 0 }, code = { 0 }, b = { 0 };
    bytes_u32(&types, n);
    bytes_u32(&funcs, n);
    bytes_u32(&exports, n);
    bytes_u32(&code, n);
    for (uint32_t i = 0; i < n; i++) {
        ADD(&types, "\x60\x09");
        for (uint32_t k = 0; k < 9; k++)
            bytes_add(&types, &codes[i >> 2 * k & 3], 1);
        ADD(&types, "\0");
        char name[16];
        int len = snprintf(name, sizeof name, "%cname%u", 0, i);
        name[0] = (char)(len - 1);
        bytes_add(&exports, name, (size_t)len);
        ADD(&exports, "\0");
        bytes_u32(&exports, i);
        bytes_u32(&funcs, i);
    }
    REPEAT(&code, n, "\2\0\x0b");
    ADD(&b, HEADER);
    bytes_section(&b, 1, types.at, types.len);
    bytes_section(&b, 3, funcs.at, funcs.len);
    bytes_section(&b, 7, exports.at, exports.len);
    bytes_section(&b, 10, code.at, code.len);
    struct module *m = parse(t, b.at, b.len);
    if (!m)
        fail_msg("%s", t->engine.error.text);
    assert_int_equal(t->engine.ncanon, n);
    assert_int_equal(m->nexports, n);
    assert_true(module_validate(&t->engine, m));
    bytes_free(&types);
    bytes_free(&funcs);
    bytes_free(&exports);
    bytes_free(&code);
    bytes_free(&b);
}

/* No heap at any moment: a sentence, not a crash. */
static void test_no_memory(void **state)
{
    struct test_engine *t = *state;
    struct bytes b = full();
    uint32_t refused = 0;
    for (uint64_t cap = 0; cap < 8192; cap += 64) {
        uint8_t *heap = t->engine.env.heap;
        t->engine.env.heap_cap = cap;
        t->engine.heap_used = t->engine.env.heap_usable = 0;
        t->engine.canon_cap = t->engine.ncanon = 0;
        memset(heap, 0, 16384);
        if (!parse(t, b.at, b.len)) {
            refused++;
            assert_int_equal(t->engine.error.kind, ERROR_NOMEM);
        }
    }
    assert_true(refused > 8);
    bytes_free(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_full),
        TEST(test_advice),
        TEST(test_truncated),
        TEST(test_damaged),
        TEST(test_refusals),
        TEST(test_headers),
        TEST(test_each_bit_of_the_header),
        TEST(test_canonical_types),
        TEST(test_declared_funcs),
        TEST(test_segment_forms),
        TEST(test_extended_constants),
        TEST(test_name_section),
        TEST(test_large_counts),
        TEST(test_large_distinct),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
