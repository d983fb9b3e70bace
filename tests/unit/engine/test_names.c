/* engine/names.c: function names from the name section and what stands in for them; names that a terminal may print. */
#include "engine/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A module that is nothing but a subsection of function names, given as its payload. */
struct fixture { struct module module; struct instance instance; char out[128]; };

static const char *named(struct fixture *f, const char *payload, size_t len, uint32_t func)
{
    uint8_t *bytes = malloc(len + 1); /* to the byte: a sanitizer sees any read past the end */
    bytes[0] = 0;
    memcpy(bytes + 1, payload, len);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_from_the_name_section),
        cmocka_unit_test(exports_stand_in_for_missing_names),
        cmocka_unit_test(broken_name_sections_are_as_none),
        cmocka_unit_test(what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(what_is_not_utf8_is_escaped),
        cmocka_unit_test(names_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
