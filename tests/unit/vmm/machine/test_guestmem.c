/* The one door to guest memory: edges of regions, wrapping ranges, rights; what is written is
 * marked. */
#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LINEAR_BYTES 0x20000
#define IMAGE_BYTES  0x3000

static uint8_t linear[LINEAR_BYTES], image[IMAGE_BYTES], more[IMAGE_BYTES];
static struct guestmem mem = {.regions = {
    [REGION_LINEAR] = {MAP_LINEAR, LINEAR_BYTES, linear, true},
    [REGION_IMAGE] = {MAP_IMAGE, IMAGE_BYTES, image, false},
    [REGION_IMAGE_MORE] = {MAP_IMAGE + IMAGE_BYTES, IMAGE_BYTES, more, true},
}};

static const struct { gva_t at; uint64_t n; bool readable, writable, linear; } ranges[] = {
    {MAP_LINEAR, 0, true, true, true},
    {MAP_LINEAR, 1, true, true, true},
    {MAP_LINEAR, LINEAR_BYTES, true, true, true},
    {MAP_LINEAR, LINEAR_BYTES + 1, false, false, false},
    {LINEAR_BYTES - 1, 1, true, true, true},
    {LINEAR_BYTES - 1, 2, false, false, false},
    {LINEAR_BYTES, 0, true, true, true},
    {LINEAR_BYTES, 1, false, false, false},
    {LINEAR_BYTES + 1, 0, false, false, false},
    {1, UINT64_MAX, false, false, false},
    {LINEAR_BYTES - 4, UINT64_MAX - 2, false, false, false},
    {UINT64_MAX, 1, false, false, false},
    {UINT64_MAX, 2, false, false, false},
    {MAP_IMAGE - 1, 2, false, false, false},
    {MAP_IMAGE, IMAGE_BYTES, true, false, false},
    {MAP_IMAGE, IMAGE_BYTES + 1, false, false, false},
    {MAP_IMAGE + IMAGE_BYTES - 1, 2, false, false, false},
    {MAP_IMAGE + IMAGE_BYTES, IMAGE_BYTES, true, true, false},
    {MAP_CONTROL, 1, false, false, false},
    {MAP_CPL0, 1, false, false, false},
};
enum { RANGES = sizeof ranges / sizeof ranges[0] };

static void spans_follow_the_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RANGES; i++) {
        struct iovec io;
        assert_int_equal(guest_span(&mem, ranges[i].at, ranges[i].n, false, &io),
                         ranges[i].readable);
        assert_int_equal(guest_span(&mem, ranges[i].at, ranges[i].n, true, &io),
                         ranges[i].writable);
        assert_int_equal(linear_span(&mem, ranges[i].at, ranges[i].n, false, &io),
                         ranges[i].linear);
        assert_int_equal(linear_span(&mem, ranges[i].at, ranges[i].n, true, &io), ranges[i].linear);
    }
}

/* Under the address sanitizer, a copy beyond what the table allows would show here. */
static void copies_follow_the_table(void **state)
{
    (void)state;
    static uint8_t buffer[LINEAR_BYTES];
    for (unsigned i = 0; i < RANGES; i++) {
        assert_int_equal(guest_read(&mem, ranges[i].at, buffer, ranges[i].n), ranges[i].readable);
        assert_int_equal(guest_write(&mem, ranges[i].at, buffer, ranges[i].n), ranges[i].writable);
        assert_int_equal(linear_read(&mem, ranges[i].at, buffer, ranges[i].n), ranges[i].linear);
        assert_int_equal(linear_write(&mem, ranges[i].at, buffer, ranges[i].n), ranges[i].linear);
    }
}

static void a_span_is_the_place_of_its_address(void **state)
{
    (void)state;
    struct iovec io;
    assert_true(guest_span(&mem, 0x1234, 0x100, true, &io));
    assert_ptr_equal(io.iov_base, linear + 0x1234);
    assert_int_equal(io.iov_len, 0x100);
    assert_true(guest_span(&mem, MAP_IMAGE + IMAGE_BYTES + 5, 7, true, &io));
    assert_ptr_equal(io.iov_base, more + 5);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char back[6] = "";
    assert_true(linear_write(&mem, LINEAR_BYTES - 5, "hello", 5));
    assert_memory_equal(linear + LINEAR_BYTES - 5, "hello", 5);
    assert_true(guest_read(&mem, LINEAR_BYTES - 5, back, 5));
    assert_string_equal(back, "hello");
}

/* Each way in and out. */
static void bytes_go_both_ways(void **state)
{
    (void)state;
    char back[4] = "";
    assert_true(guest_write(&mem, MAP_IMAGE + IMAGE_BYTES + 9, "one", 3));
    assert_memory_equal(more + 9, "one", 3);
    assert_true(guest_read(&mem, MAP_IMAGE + IMAGE_BYTES + 9, back, 3));
    assert_string_equal(back, "one");
    assert_true(linear_write(&mem, 77, "two", 3));
    assert_true(linear_read(&mem, 77, back, 3));
    assert_string_equal(back, "two");
    struct iovec io = { NULL, 0 };
    assert_true(linear_span(&mem, 77, 3, true, &io));
    assert_true(io.iov_base == linear + 77 && io.iov_len == 3);
    io = (struct iovec){ back, 1 };
    assert_false(linear_span(&mem, LINEAR_BYTES, 3, true, &io));
    assert_false(guest_span(&mem, LINEAR_BYTES, 3, true, &io));
    assert_true(io.iov_base == back && io.iov_len == 1);
}

static void words_are_aligned(void **state)
{
    (void)state;
    assert_ptr_equal(guest_word(&mem, 4), linear + 4);
    assert_ptr_equal(guest_word(&mem, LINEAR_BYTES - 4), linear + LINEAR_BYTES - 4);
    assert_null(guest_word(&mem, LINEAR_BYTES));
    assert_null(guest_word(&mem, MAP_IMAGE)); /* read-only */
    for (gva_t at = 1; at < 4; at++)
        assert_null(guest_word(&mem, 4 + at));
}

static void a_refused_copy_changes_nothing(void **state)
{
    (void)state;
    char back[4] = "abc";
    memset(linear + LINEAR_BYTES - 2, 'z', 2);
    assert_false(guest_read(&mem, LINEAR_BYTES - 2, back, 3));
    assert_string_equal(back, "abc");
    assert_false(guest_write(&mem, LINEAR_BYTES - 2, "def", 3));
    assert_memory_equal(linear + LINEAR_BYTES - 2, "zz", 2);
    assert_false(guest_write(&mem, MAP_IMAGE, "x", 1));
    assert_int_equal(image[0], 0);
}

static void memory_that_is_not_there_holds_nothing(void **state)
{
    (void)state;
    static const struct guestmem none;
    struct iovec io;
    assert_false(guest_span(&none, 0, 0, false, &io));
    assert_false(linear_span(&none, 0, 0, false, &io));
    assert_false(linear_span(&none, 0, 1, true, &io));
}

/* ---- of a machine that can be taken back ---- */

#define POOL_GPA   0x7000000ull
#define POOL_PAGES 16
static uint8_t pool[POOL_PAGES * PAGE];
static struct tables tables;

static void told_begin(void)
{
    memset(pool, 0, sizeof pool);
    assert_true(tables_new(&tables, (struct span){pool, POOL_GPA, sizeof pool}) &&
                tables_map(&tables, MAP_LINEAR, 0x1000000, LINEAR_BYTES, TABLES_WRITE) &&
                tables_map(&tables, MAP_IMAGE + IMAGE_BYTES, 0x2000000, IMAGE_BYTES,
                           TABLES_WRITE) &&
                tables_renew(&tables));
    mem.told = &tables;
}

/* Pages from..to, and no other of the region, are marked: each way in begins anew. */
static void told(gva_t base, uint64_t bytes, uint64_t from, uint64_t to)
{
    for (uint64_t page = 0; page < bytes / PAGE; page++) {
        gva_t at = base + page * PAGE;
        assert_int_equal(tables_written(&tables, at, at + PAGE) == at, page >= from && page < to);
    }
    told_begin();
}

static void linear_told(uint64_t from, uint64_t to)
{
    told(MAP_LINEAR, LINEAR_BYTES, from, to);
}

static void what_is_written_is_marked(void **state)
{
    (void)state;
    static char bytes[3 * PAGE];
    struct iovec io;
    told_begin();
    assert_true(linear_write(&mem, PAGE - 1, bytes, 2));
    linear_told(0, 2);
    assert_true(linear_write(&mem, PAGE, bytes, PAGE));
    linear_told(1, 2);
    assert_true(guest_write(&mem, 2 * PAGE - 1, bytes, PAGE + 2));
    linear_told(1, 4);
    assert_true(linear_span(&mem, LINEAR_BYTES - 1, 1, true, &io));
    linear_told(LINEAR_BYTES / PAGE - 1, LINEAR_BYTES / PAGE);
    assert_true(guest_span(&mem, 5 * PAGE + 7, PAGE, true, &io));
    linear_told(5, 7);
    assert_non_null(guest_word(&mem, 9 * PAGE - 4));
    linear_told(8, 9);
    assert_true(guest_write(&mem, MAP_IMAGE + IMAGE_BYTES + PAGE, bytes, 1));
    told(MAP_IMAGE + IMAGE_BYTES, IMAGE_BYTES, 1, 2);
    mem.told = NULL;
}

static void what_is_read_or_refused_is_not(void **state)
{
    (void)state;
    static char bytes[2 * PAGE];
    struct iovec io;
    told_begin();
    assert_true(linear_read(&mem, 1, bytes, PAGE) && guest_read(&mem, 1, bytes, PAGE));
    assert_true(linear_span(&mem, 0, PAGE, false, &io) && guest_span(&mem, 0, PAGE, false, &io));
    assert_true(linear_write(&mem, 0, bytes, 0) && linear_span(&mem, LINEAR_BYTES, 0, true, &io));
    assert_false(linear_write(&mem, LINEAR_BYTES - 1, bytes, 2));
    assert_false(linear_span(&mem, LINEAR_BYTES - PAGE, PAGE + 1, true, &io));
    assert_null(guest_word(&mem, 2));
    linear_told(0, 0);
    mem.told = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_follow_the_table),
        cmocka_unit_test(copies_follow_the_table),
        cmocka_unit_test(a_span_is_the_place_of_its_address),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(words_are_aligned),
        cmocka_unit_test(a_refused_copy_changes_nothing),
        cmocka_unit_test(memory_that_is_not_there_holds_nothing),
        cmocka_unit_test(what_is_written_is_marked),
        cmocka_unit_test(what_is_read_or_refused_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
