/* engine/limits.h: a module that is at a limit is read and validated, one that is past it is
 * refused in a sentence with both numbers.  (Bytes of a whole module: test_module.c.  Growth of
 * tables: test_runtime.c.) */
#include "tests/unit/engine/binary.h"

/* A section's content, on its way into a module. */
static void section_end(struct bytes *b, uint8_t id, struct bytes *content)
{
    bytes_section(b, id, content->at, content->len);
    bytes_free(content);
}

/* n items that all look alike, behind their number. */
static void items(struct bytes *b, uint8_t id, uint32_t n, const char *item, size_t len)
{
    struct bytes content = { 0 };
    bytes_u32(&content, n);
    bytes_repeat(&content, n, item, len);
    section_end(b, id, &content);
}
#define ITEMS(b, id, n, literal) items(b, id, n, literal, sizeof(literal) - 1)

/* One function of type 0, () -> (), of that body. */
static void one_function(struct bytes *b, struct bytes *body)
{
    struct bytes content = { 0 };
    SECTION(b, 3, "\1\0");
    ADD(&content, "\1");
    bytes_u32(&content, (uint32_t)body->len);
    bytes_add(&content, body->at, body->len);
    bytes_free(body);
    section_end(b, 10, &content);
}

static void types(struct bytes *b, uint32_t n) { ITEMS(b, 1, n, "\x60\0\0"); }
static void imports(struct bytes *b, uint32_t n) { ITEMS(b, 2, n, "\0\0\3\x7f\0"); }
static void globals(struct bytes *b, uint32_t n) { ITEMS(b, 6, n, "\x7f\0\x41\0\x0b"); }
static void tables(struct bytes *b, uint32_t n) { ITEMS(b, 4, n, "\x70\0\0"); }
static void memories(struct bytes *b, uint32_t n) { ITEMS(b, 5, n, "\0\0"); }
static void element_segments(struct bytes *b, uint32_t n) { ITEMS(b, 9, n, "\1\0\0"); }
static void data_segments(struct bytes *b, uint32_t n) { ITEMS(b, 11, n, "\1\0"); }

static void functions(struct bytes *b, uint32_t n)
{
    SECTION(b, 1, "\1\x60\0\0");
    ITEMS(b, 3, n, "\0");
    ITEMS(b, 10, n, "\2\0\x0b");
}

/* Their names must differ: five letters tell the number. */
static void exports(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    SECTION(b, 6, "\1\x7f\0\x41\0\x0b");
    bytes_u32(&content, n);
    for (uint32_t i = 0; i < n; i++) {
        char item[8] = { 5, 0, 0, 0, 0, 0, 3, 0 };
        for (uint32_t k = 0, v = i; k < 5; k++, v /= 26)
            item[1 + k] = (char)('a' + v % 26);
        bytes_add(&content, item, sizeof item);
    }
    section_end(b, 7, &content);
}

static void parameters(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    ADD(&content, "\1\x60");
    bytes_u32(&content, n);
    REPEAT(&content, n, "\x7f");
    ADD(&content, "\0");
    section_end(b, 1, &content);
}

static void results(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    ADD(&content, "\1\x60\0");
    bytes_u32(&content, n);
    REPEAT(&content, n, "\x7f");
    section_end(b, 1, &content);
}

/* Two of them are parameters. */
static void locals(struct bytes *b, uint32_t n)
{
    struct bytes body = { 0 };
    SECTION(b, 1, "\1\x60\2\x7f\x7f\0");
    ADD(&body, "\1");
    bytes_u32(&body, n - 2);
    ADD(&body, "\x7f\x0b");
    one_function(b, &body);
}

static void body_bytes(struct bytes *b, uint32_t n)
{
    struct bytes body = { 0 };
    SECTION(b, 1, "\1\x60\0\0");
    ADD(&body, "\0\0"); /* what is behind unreachable is read all the same */
    REPEAT(&body, n - 3, "\1");
    ADD(&body, "\x0b");
    one_function(b, &body);
}

static void labels(struct bytes *b, uint32_t n)
{
    struct bytes body = { 0 };
    SECTION(b, 1, "\1\x60\0\0");
    ADD(&body, "\0\x41\0\x0e");
    bytes_u32(&body, n);
    REPEAT(&body, n + 1, "\0");
    ADD(&body, "\x0b");
    one_function(b, &body);
}

static void table_elements(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    ADD(&content, "\1\x70\0");
    bytes_u32(&content, n);
    section_end(b, 4, &content);
}

static void segment_items(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    SECTION(b, 1, "\1\x60\0\0");
    SECTION(b, 3, "\1\0");
    ADD(&content, "\1\1\0");
    bytes_u32(&content, n);
    REPEAT(&content, n, "\0");
    section_end(b, 9, &content);
    SECTION(b, 10, "\1\2\0\x0b");
}

static void pages(struct bytes *b, uint32_t n)
{
    struct bytes content = { 0 };
    ADD(&content, "\1\1\0");
    bytes_u32(&content, n);
    section_end(b, 5, &content);
}

static const struct limit {
    const char *name;
    uint32_t limit;
    void (*make)(struct bytes *, uint32_t n);
    enum error_kind kind;
    const char *words; /* of one more */
} limits[] = {
    { "LIMIT_TYPES", LIMIT_TYPES, types, ERROR_LIMIT,
      "1000001 types: this engine takes at most 1000000" },
    { "LIMIT_FUNCS", LIMIT_FUNCS, functions, ERROR_LIMIT,
      "1000001 functions: this engine takes at most 1000000" },
    { "LIMIT_IMPORTS", LIMIT_IMPORTS, imports, ERROR_LIMIT,
      "1000001 imports: this engine takes at most 1000000" },
    { "LIMIT_EXPORTS", LIMIT_EXPORTS, exports, ERROR_LIMIT,
      "1000001 exports: this engine takes at most 1000000" },
    { "LIMIT_GLOBALS", LIMIT_GLOBALS, globals, ERROR_LIMIT,
      "1000001 globals: this engine takes at most 1000000" },
    { "LIMIT_TABLES", LIMIT_TABLES, tables, ERROR_LIMIT,
      "100001 tables: this engine takes at most 100000" },
    { "LIMIT_MEMORIES", LIMIT_MEMORIES, memories, ERROR_LIMIT,
      "1001 memories: this engine takes at most 1000" },
    { "LIMIT_SEGMENTS", LIMIT_SEGMENTS, element_segments, ERROR_LIMIT,
      "1000001 element segments: this engine takes at most 1000000" },
    { "LIMIT_SEGMENTS, data", LIMIT_SEGMENTS, data_segments, ERROR_LIMIT,
      "1000001 data segments: this engine takes at most 1000000" },
    { "LIMIT_PARAMS", LIMIT_PARAMS, parameters, ERROR_LIMIT,
      "1001 parameters: this engine takes at most 1000" },
    { "LIMIT_RESULTS", LIMIT_RESULTS, results, ERROR_LIMIT,
      "1001 results: this engine takes at most 1000" },
    { "LIMIT_LOCALS", LIMIT_LOCALS, locals, ERROR_LIMIT,
      "50001 locals: this engine takes at most 50000" },
    { "LIMIT_BODY_BYTES", LIMIT_BODY_BYTES, body_bytes, ERROR_LIMIT,
      "a body of 67108865 bytes: this engine takes at most 67108864" },
    { "LIMIT_TABLE_ELEMS", LIMIT_TABLE_ELEMS, table_elements, ERROR_LIMIT,
      "a table of 10000001 elements: this engine takes at most 10000000" },
    { "LIMIT_TABLE_ELEMS, items", LIMIT_TABLE_ELEMS, segment_items, ERROR_LIMIT,
      "10000001 elements: this engine takes at most 10000000" },
    { "LIMIT_BR_TABLE", LIMIT_BR_TABLE, labels, ERROR_LIMIT,
      "a br_table of 1000001 labels: this engine takes at most 1000000" },
    { "LIMIT_MEMORY_PAGES", LIMIT_MEMORY_PAGES, pages, ERROR_INVALID,
      "memory size must be at most 65536 pages (4 GiB), not 65537" },
};
enum { NLIMITS = sizeof limits / sizeof *limits };

static bool takes(struct test_engine *t, const struct limit *l, uint32_t n)
{
    struct bytes b = { 0 };
    ADD(&b, HEADER);
    l->make(&b, n);
    struct module *m = parse(t, b.at, b.len);
    bytes_free(&b);
    return m && module_validate(&t->engine, m);
}

static void test_at_the_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NLIMITS; i++) {
        struct test_engine t;
        test_engine_open(&t);
        if (!takes(&t, &limits[i], limits[i].limit))
            fail_msg("%s itself: %s", limits[i].name, t.engine.error.text);
        test_engine_close(&t);
    }
}

static void test_past_the_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NLIMITS; i++) {
        struct test_engine t;
        test_engine_open(&t);
        if (takes(&t, &limits[i], limits[i].limit + 1))
            fail_msg("%s and one are taken", limits[i].name);
        assert_error(&t, limits[i].kind, limits[i].words);
        test_engine_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_limit),
        cmocka_unit_test(test_past_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
