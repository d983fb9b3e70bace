/* engine/load/names.c: function names from the name section and what stands in for them; names that
 * a terminal may print. */
#include "engine/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A module that is nothing but a subsection of function names, given as its payload. */
struct fixture { struct module module; struct instance instance; char out[128]; };
static struct engine engine; /* whose surroundings have all of a module's bytes */

static const char *named(struct fixture *f, const char *payload, size_t len, uint32_t func)
{
    uint8_t *bytes = malloc(len + 1); /* to the byte: a sanitizer sees any read past the end */
    bytes[0] = 0;
    memcpy(bytes + 1, payload, len);
    f->module.engine = &engine;
    f->module.bytes = bytes;
    f->module.name_section = 1;
    f->module.name_section_len = (uint32_t)len;
    f->instance.module = &f->module;
    size_t written = func_name(&f->instance, func, f->out, sizeof f->out);
    assert_int_equal(written, strlen(f->out));
    free(bytes);
    return f->out;
}
#define NAMED(payload, func) named(&f, payload, sizeof payload - 1, func)

static void names_come_from_the_name_section(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    static const char section[] = "\x03\x00\x04main\x02\x09" "fmt.Print\x80\x01\x01x";
    assert_string_equal(NAMED(section, 0), "main");
    assert_string_equal(NAMED(section, 2), "fmt.Print");
    assert_string_equal(NAMED(section, 128), "x");
    assert_string_equal(NAMED(section, 1), "func[1]");
    assert_string_equal(NAMED(section, 3), "func[3]");
    assert_string_equal(NAMED(section, UINT32_MAX), "func[4294967295]");
}

static void exports_stand_in_for_missing_names(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    struct export exports[] = { { { (const uint8_t *)"memory", 6 }, EXTERN_MEMORY, 1 },
                                { { (const uint8_t *)"_start", 6 }, EXTERN_FUNC, 1 } };
    f.module.exports = exports;
    f.module.nexports = 2;
    assert_string_equal(NAMED("\x01\x00\x04main", 1), "_start");
    assert_string_equal(NAMED("\x01\x00\x04main", 0), "main");
    assert_string_equal(NAMED("\x01\x00\x00", 0), "func[0]");
}

static void broken_name_sections_are_as_none(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    assert_string_equal(NAMED("", 0), "func[0]");
    assert_string_equal(NAMED("\x01", 0), "func[0]");
    assert_string_equal(NAMED("\x01\x00", 0), "func[0]");
    assert_string_equal(NAMED("\x01\x00\x05main", 0), "func[0]");
    assert_string_equal(NAMED("\x01\x00\xff\xff\xff\xff\x0fmain", 0), "func[0]");
    assert_string_equal(NAMED("\x01\x00\xff\xff\xff\xff\x7fmain", 0), "func[0]");
    assert_string_equal(NAMED("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 7), "func[7]");
    assert_string_equal(NAMED("\xff\xff\xff\xff\x0f\x00\x01" "a", 1), "func[1]");
}

static const char *escaped(const char *bytes, size_t len, char *out, size_t cap)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    size_t written = name_escape((struct name){ copy, (uint32_t)len }, out, cap);
    free(copy);
    assert_int_equal(written, strlen(out));
    return out;
}
#define ESCAPED(bytes) escaped(bytes, sizeof bytes - 1, out, sizeof out)

static void what_a_terminal_obeys_is_escaped(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(ESCAPED("main.(*T).f·1"), "main.(*T).f·1");
    assert_string_equal(ESCAPED("日本𐐂"), "日本𐐂");
    assert_string_equal(ESCAPED("a\033[31mb\n\0c\x7f"), "a\\x1b[31mb\\x0a\\x00c\\x7f");
    assert_string_equal(ESCAPED("\xc2\x9b" "31m"), "\\xc2\\x9b31m");
    assert_string_equal(ESCAPED("\xe2\x80\xae" "cod"), "\\xe2\\x80\\xae" "cod");
}

static size_t utf8_put(uint32_t c, char *out)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t k = n; k-- > 1; c >>= 6)
        out[k] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    return n;
}

/* Each range that is hidden, by its first and last character and those beside them. */
static void hidden_ranges_end_where_they_do(void **state)
{
    (void)state;
    static const struct { uint32_t first, last;
    } hidden[] = {
        { 0x7f, 0x9f },     { 0x200b, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x206f },
        { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
    };
    char bytes[4], out[64];
    assert_string_equal(ESCAPED("\x1f\x20"), "\\x1f ");
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        for (uint32_t c = hidden[i].first - 1; c <= hidden[i].last + 1; c++) {
            bool plain = c < hidden[i].first || c > hidden[i].last;
            escaped(bytes, utf8_put(c, bytes), out, sizeof out);
            assert_int_equal(out[0] != '\\', plain);
        }
}

static void what_is_not_utf8_is_escaped(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(ESCAPED("\x80" "a"), "\\x80a");
    assert_string_equal(ESCAPED("\xc3"), "\\xc3");
    assert_string_equal(ESCAPED("\xe2\x82"), "\\xe2\\x82");
    assert_string_equal(ESCAPED("\xc0\xaf"), "\\xc0\\xaf");
    assert_string_equal(ESCAPED("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    assert_string_equal(ESCAPED("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    assert_string_equal(ESCAPED("\xff\xfe"), "\\xff\\xfe");
}

static void names_are_cut_between_characters(void **state)
{
    (void)state;
    char out[8];
    assert_string_equal(escaped("abcdefghij", 10, out, sizeof out), "abcdefg");
    assert_string_equal(escaped("abcdef\xc3\xa9", 8, out, sizeof out), "abcdef");
    assert_string_equal(escaped("abcde\xc3\xa9", 7, out, sizeof out), "abcde\xc3\xa9");
    assert_string_equal(escaped("abcd\n", 5, out, sizeof out), "abcd");
    assert_string_equal(escaped("abc\nx", 5, out, sizeof out), "abc\\x0a");
    assert_string_equal(escaped("abc", 3, out, 1), "");
}

/* ---- Go's own table ---- */

enum { GO_PAGE = 65536, GO_HEADER = 0x120, GO_NAMES = 0x100, GO_FUNCS = 0x200 };
enum { GO_AT_COUNT = GO_HEADER + 8, GO_AT_NAMES = GO_HEADER + 32, GO_AT_FUNCS = GO_HEADER + 64 };
static const char go_names[] = "main.main\0main.(*T).f[...]\0x\nzz";

struct go { struct fixture f; struct memory memory, *memories[1]; struct memory_type type; };

static void put32(struct go *g, uint32_t at, uint32_t value)
{
    memcpy(g->memory.base + at, &value, sizeof value);
}

static void put_go_func(struct go *g, uint32_t i, uint32_t start, uint32_t name)
{
    put32(g, GO_HEADER + GO_FUNCS + i * 8, start);
    put32(g, GO_HEADER + GO_FUNCS + i * 8 + 4, 0x80 + i * 16);
    put32(g, GO_HEADER + GO_FUNCS + 0x80 + i * 16 + 4, name);
}

/* Two imports; functions 0, 1 and 3 behind them are in the table. */
static void go_start(struct go *g, uint32_t shift)
{
    *g = (struct go){ .memory = { .base = calloc(1, GO_PAGE), .bytes = GO_PAGE },
                      .type = { .min = 1 } };
    g->memories[0] = &g->memory;
    g->f.module = (struct module){ .engine = &engine, .nimported_funcs = 2, .nmemories = 1,
                                   .memories = &g->type };
    g->f.instance = (struct instance){ .module = &g->f.module, .memories = g->memories };
    memcpy(g->memory.base + GO_HEADER, "\xf1\xff\xff\xff\0\0\1\x08", 8);
    put32(g, GO_AT_COUNT, 3);
    put32(g, GO_AT_NAMES, GO_NAMES);
    put32(g, GO_AT_FUNCS, GO_FUNCS);
    memcpy(g->memory.base + GO_HEADER + GO_NAMES, go_names, sizeof go_names);
    put_go_func(g, 0, 0x1000u << shift, 0);
    put_go_func(g, 1, 0x1001u << shift, 10);
    put_go_func(g, 2, 0x1003u << shift, 27);
}

static const char *go_named(struct go *g, uint32_t func)
{
    func_name(&g->f.instance, func, g->f.out, sizeof g->f.out);
    return g->f.out;
}

static void go_names_stand_in_for_stripped_ones(void **state)
{
    (void)state;
    for (uint32_t shift = 0; shift <= 16; shift += 16) {
        struct go g;
        go_start(&g, shift);
        assert_string_equal(go_named(&g, 2), "main.main");
        assert_string_equal(go_named(&g, 3), "main.(*T).f[...]");
        assert_string_equal(go_named(&g, 4), "func[4]");
        assert_string_equal(go_named(&g, 5), "x\\x0azz");
        assert_string_equal(go_named(&g, 6), "func[6]");
        assert_string_equal(go_named(&g, 1), "func[1]");
        assert_string_equal(go_named(&g, UINT32_MAX), "func[4294967295]");
        g.f.module.name_section = 1; /* not stripped: what it does not name has no name */
        g.f.module.bytes = (const uint8_t *)"\0";
        g.f.module.name_section_len = 1;
        assert_string_equal(go_named(&g, 2), "func[2]");
        free(g.memory.base);
    }
}

/* The program may have written anything there: nothing is read outside of its memory (the sanitizer
 * would see it). */
static void go_tables_that_lie(void **state)
{
    (void)state;
    static const uint32_t words[] = { 0,      1,       71,         0xfef0,     0xfffc,
                                      0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
    static const uint32_t places[] = {
        GO_AT_COUNT,
        GO_AT_COUNT + 4,
        GO_AT_NAMES,
        GO_AT_NAMES + 4,
        GO_AT_FUNCS,
        GO_AT_FUNCS + 4,
        GO_HEADER,
        GO_HEADER + GO_FUNCS,
        GO_HEADER + GO_FUNCS + 4,
        GO_HEADER + GO_FUNCS + 0x84,
        GO_HEADER + GO_FUNCS + 16,
    };
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        for (unsigned k = 0; k < sizeof words / sizeof *words; k++) {
            struct go g;
            go_start(&g, 0);
            put32(&g, places[i], words[k]);
            for (uint32_t func = 0; func < 7; func++)
                go_named(&g, func);
            free(g.memory.base);
        }
    struct go g;
    go_start(&g, 0);
    memset(g.memory.base + GO_PAGE - 8, 'n', 8); /* a name without an end */
    put_go_func(&g, 0, 0x1000, GO_PAGE - 8 - GO_HEADER - GO_NAMES);
    assert_string_equal(go_named(&g, 2), "nnnnnnnn");
    g.memory.bytes = 0;
    assert_string_equal(go_named(&g, 2), "func[2]");
    g.f.module.nmemories = 0;
    assert_string_equal(go_named(&g, 2), "func[2]");
    free(g.memory.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_from_the_name_section),
        cmocka_unit_test(exports_stand_in_for_missing_names),
        cmocka_unit_test(broken_name_sections_are_as_none),
        cmocka_unit_test(what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(hidden_ranges_end_where_they_do),
        cmocka_unit_test(what_is_not_utf8_is_escaped),
        cmocka_unit_test(names_are_cut_between_characters),
        cmocka_unit_test(go_names_stand_in_for_stripped_ones),
        cmocka_unit_test(go_tables_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
