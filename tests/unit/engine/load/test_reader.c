/* engine/load/reader.c, engine/load/reader.h: LEB128, names, sticky errors; engine/error.c: the
 * small printf. */
#include "tests/unit/engine/binary.h"

#include "engine/load/reader.h"

/* A reader over an allocation of just these bytes. */
static struct reader reader_of(const char *bytes, size_t len)
{
    struct reader r;
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    reader_init(&r, copy, 0, (uint32_t)len);
    return r;
}

struct number { const char *bytes; uint32_t len; int64_t value; const char *why; };
#define N(literal, value) { literal, sizeof(literal) - 1, value, NULL }
#define BAD(literal, why) { literal, sizeof(literal) - 1, 0, why }

/* Reads every row with `read`; good ones are read by `trusted` as well. */
static void numbers(const struct number *rows, size_t n, int64_t (*read)(struct reader *),
                    int64_t (*trusted)(const uint8_t **))
{
    for (size_t i = 0; i < n; i++) {
        struct reader r = reader_of(rows[i].bytes, rows[i].len);
        int64_t got = read(&r);
        if (rows[i].why) {
            assert_true(r.failed);
            assert_string_equal(r.why, rows[i].why);
            assert_int_equal(got, 0);
            assert_ptr_equal(r.at, r.end);
        } else {
            assert_false(r.failed);
            assert_int_equal(got, rows[i].value);
            assert_ptr_equal(r.at, r.end);
            const uint8_t *at = r.start;
            if (trusted) {
                assert_int_equal(trusted(&at), rows[i].value);
                assert_ptr_equal(at, r.end);
            }
        }
        free((void *)r.start);
    }
}
#define NUMBERS(rows, read, trusted) numbers(rows, sizeof rows / sizeof *rows, read, trusted)

static int64_t read_u32(struct reader *r) { return reader_u32(r); }
static int64_t read_s32(struct reader *r) { return reader_s32(r); }
static int64_t read_s64(struct reader *r) { return reader_s64(r); }
static int64_t trust_u32(const uint8_t **at) { return leb_u32(at); }
static int64_t trust_s32(const uint8_t **at) { return leb_s32(at); }

static void test_u32(void **state)
{
    (void)state;
    static const struct number rows[] = {
        N("\x00", 0),
        N("\x7f", 127),
        N("\x80\x01", 128),
        N("\xff\x7f", 16383),
        N("\xe5\x8e\x26", 624485),
        N("\xff\xff\xff\xff\x0f", 4294967295),
        N("\x80\x80\x80\x80\x00", 0),
        N("\x83\x00", 3),
        BAD("", "unexpected end"),
        BAD("\x80", "unexpected end"),
        BAD("\xff\xff\xff\xff", "unexpected end"),
        BAD("\xff\xff\xff\xff\x1f", "integer too large"),
        BAD("\x80\x80\x80\x80\x10", "integer too large"),
        BAD("\x80\x80\x80\x80\x80\x00", "integer representation too long"),
    };
    NUMBERS(rows, read_u32, trust_u32);
}

static void test_s32(void **state)
{
    (void)state;
    static const struct number rows[] = {
        N("\x00", 0),
        N("\x3f", 63),
        N("\x40", -64),
        N("\x7f", -1),
        N("\x80\x7f", -128),
        N("\xc0\xbb\x78", -123456),
        N("\xff\xff\xff\xff\x07", 2147483647),
        N("\x80\x80\x80\x80\x78", -2147483647 - 1),
        N("\xff\xff\xff\xff\x7f", -1),
        BAD("", "unexpected end"),
        BAD("\xff\xff\xff\xff\x0f", "integer too large"),
        BAD("\x80\x80\x80\x80\x70", "integer too large"),
        BAD("\xff\xff\xff\xff\x4f", "integer too large"),
        BAD("\x80\x80\x80\x80\x80\x00", "integer representation too long"),
    };
    NUMBERS(rows, read_s32, trust_s32);
}

static void test_s33(void **state)
{
    (void)state;
    static const struct number rows[] = {
        N("\x40", -64),
        N("\xff\xff\xff\xff\x0f", 4294967295),
        N("\x80\x80\x80\x80\x70", -4294967296),
        BAD("\xff\xff\xff\xff\x1f", "integer too large"),
        BAD("\x80\x80\x80\x80\x60", "integer too large"),
        BAD("\x80\x80\x80\x80\x80\x00", "integer representation too long"),
    };
    NUMBERS(rows, reader_s33, leb_s64);
}

static void test_s64(void **state)
{
    (void)state;
    static const struct number rows[] = {
        N("\x00", 0),
        N("\x7f", -1),
        N("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", INT64_MAX),
        N("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", INT64_MIN),
        N("\x80\x80\x80\x80\x08", 2147483648),
        BAD("\x80\x80\x80\x80\x80\x80\x80\x80\x80", "unexpected end"),
        BAD("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7e", "integer too large"),
        BAD("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "integer too large"),
        BAD("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "integer representation too long"),
    };
    NUMBERS(rows, read_s64, leb_s64);
}

static void test_first_error_sticks(void **state)
{
    (void)state;
    struct reader r = reader_of("\x80\x80\x80\x80\x80\x00\x05", 7);
    assert_int_equal(reader_u32(&r), 0);
    assert_int_equal(reader_byte(&r), 0);
    assert_null(reader_bytes(&r, 1));
    assert_string_equal(r.why, "integer representation too long");
    assert_int_equal(r.why_offset, 4);
    free((void *)r.start);
}

static void test_bytes_end_at_end(void **state)
{
    (void)state;
    struct reader r = reader_of("abc", 3);
    assert_ptr_equal(reader_bytes(&r, 3), r.start);
    assert_non_null(reader_bytes(&r, 0));
    assert_false(r.failed);
    assert_null(reader_bytes(&r, 1));
    assert_true(r.failed);
    free((void *)r.start);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct { const char *text; bool valid;
    } rows[] = {
        { "plain", true },
        { "\xc3\xa4", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x98\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\x80", false },
        { "\xc3", false },
        { "\xc3(", false },
        { "\xc0\x80", false },
        { "\xc1\xbf", false },
        { "\xe0\x9f\xbf", false },
        { "\xed\xa0\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf8\x88\x80\x80\x80", false },
        { "\xff", false },
        { "\xe2\x82", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_valid((const uint8_t *)rows[i].text, (uint32_t)strlen(rows[i].text)),
                         rows[i].valid);
}

static void test_name(void **state)
{
    (void)state;
    struct reader r = reader_of("\x03" "abc" "\x02\xc0\x80", 7);
    struct name name = reader_name(&r);
    assert_int_equal(name.len, 3);
    assert_memory_equal(name.bytes, "abc", 3);
    assert_int_equal(reader_name(&r).len, 0);
    assert_string_equal(r.why, "malformed UTF-8 encoding");
    assert_int_equal(r.why_offset, 4);
    free((void *)r.start);
}

static void test_format(void **state)
{
    (void)state;
    char out[64];
    size_t n = error_format(out, sizeof out, "%s %u 0x%x %lu 0x%lx %% [%.*s]", "text", 4294967295u,
                            0xbeefu, UINT64_MAX, UINT64_MAX, 3u,
                            "a\x1b"
                            "b");
    assert_string_equal(out, "text 4294967295 0xbeef 18446744073709551615 0xffffffffffffffff ");
    assert_int_equal(n, 63);
    error_format(out, sizeof out, "100%% [%.*s]", 6u, "a\x1b\n\xc2\x9b\x7f");
    assert_string_equal(out, "100% [a\\x1b\\x0a\\xc2\\x9b\\x7f]");
    error_format(out, 8, "%s", "too long for this");
    assert_string_equal(out, "too lon");
}

static void test_error_set_and_append(void **state)
{
    (void)state;
    struct test_engine t;
    test_engine_open(&t);
    assert_false(error_set(&t.engine, ERROR_INVALID, 77, "%s at %u", "wrong", 1u));
    assert_false(error_append(&t.engine, " (and %s)", "more"));
    assert_int_equal(t.engine.error.offset, 77);
    assert_error(&t, ERROR_INVALID, "wrong at 1 (and more)");
    for (int i = 0; i < 100; i++)
        error_append(&t.engine, "0123456789");
    assert_int_equal(strlen(t.engine.error.text), ERROR_TEXT - 1);
    test_engine_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u32),
        cmocka_unit_test(test_s32),
        cmocka_unit_test(test_s33),
        cmocka_unit_test(test_s64),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_bytes_end_at_end),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_error_set_and_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
