/* An image's file, read: a good one, each way of being cut or damaged, and heads that lie with a
 * right sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#undef fail
#include "vmm/cache/saved.c"

#define EXTENTS 5
#define PAGES (2 + 1 + 3 + 1 + 4)
#define MODULE_BYTES (3 * MODULE_PIECE - 7)

static const struct saved_extent extents[EXTENTS] = {
    {SAVED_DATA, 1, 2, 0}, {SAVED_HEAP, 0, 1, 0}, {SAVED_HEAP, 5, 3, 0}, {SAVED_CODE, 511, 1, 0},
    {SAVED_LINEAR, 12, 4, 0},
};

/* With head and extents as given, the pages zero but for their number. */
static FILE *file_make(struct saved *s)
{
    uint8_t page[SAVED_PAGE] = {0};
    struct hash pieces[3] = {{{1}}, {{2}}, {{3}}};
    FILE *file = tmpfile();
    int fd = fileno(file);
    s->extents = malloc(sizeof extents);
    memcpy(s->extents, extents, sizeof extents);
    s->head.extents = EXTENTS;
    saved_place(s);
    uint64_t at = s->pages_at;
    for (unsigned i = 0; i < EXTENTS; i++) {
        uint8_t *run = calloc(extents[i].pages, SAVED_PAGE);
        run[0] = (uint8_t)i;
        s->extents[i].sum = sum_of(run, extents[i].pages * SAVED_PAGE);
        assert_true(write_at(fd, run, extents[i].pages * SAVED_PAGE, at));
        at += extents[i].pages * SAVED_PAGE;
        free(run);
    }
    s->head.pieces_sum = sum_of(pieces, sizeof pieces);
    s->head.module = saved_module(pieces, s->head.module_bytes);
    assert_true(write_at(fd, page, sizeof page, s->pieces_at) &&
                write_at(fd, pieces, sizeof pieces, s->pieces_at));
    assert_true(saved_write(fd, s));
    return file;
}

static struct saved good(void)
{
    struct saved s = { .head = { .module_bytes = MODULE_BYTES,
                                 .name = "app.wasm",
                                 .bytes = { [SAVED_DATA] = 3 * SAVED_PAGE,
                                            [SAVED_HEAP] = 8 * SAVED_PAGE,
                                            [SAVED_CODE] = 512 * SAVED_PAGE,
                                            [SAVED_LINEAR] = WASM_PAGE } } };
    return s;
}

static uint64_t length(FILE *file)
{
    fseek(file, 0, SEEK_END);
    return (uint64_t)ftell(file);
}

static void test_good(void **state)
{
    (void)state;
    struct saved s = good(), back;
    FILE *file = file_make(&s);
    assert_int_equal(length(file), (2 + PAGES) * SAVED_PAGE);
    assert_null(saved_read(fileno(file), length(file), &back));
    assert_memory_equal(&back.head, &s.head, sizeof s.head);
    assert_memory_equal(back.extents, s.extents, sizeof extents);
    assert_int_equal(back.pages_at, SAVED_PAGE);
    assert_int_equal(back.module_at, length(file));
    assert_true(saved_whole(fileno(file), &back));
    saved_free(&back);
    saved_free(&s);
    fclose(file);
}

/* With the module's own bytes behind it, or without. */
static void test_what_it_carries(void **state)
{
    (void)state;
    for (unsigned carries = 0; carries <= 2; carries++) {
        struct saved s = good(), back;
        s.head.carries = carries;
        FILE *file = file_make(&s);
        uint8_t bytes[SAVED_PAGE];
        assert_true(read_at(fileno(file), bytes, sizeof bytes, 0));
        uint64_t all = (2 + PAGES) * SAVED_PAGE + (carries ? MODULE_BYTES : 0);
        struct saved_head head = s.head;
        head.file_bytes = all;
        head.sum = head_sum(&head, s.extents);
        memcpy(bytes, &head, sizeof head);
        for (uint64_t at = all - 1; at <= all + 1; at++) {
            bool taken = saved_parse(bytes, sizeof bytes, at, &back) == NULL;
            assert_int_equal(taken, at == all && carries < 2);
            if (taken)
                saved_free(&back);
        }
        saved_free(&s);
        fclose(file);
    }
}

static void test_cut(void **state)
{
    (void)state;
    struct saved s = good(), back;
    FILE *file = file_make(&s);
    uint64_t all = length(file);
    for (uint64_t n = 0; n < all; n += SAVED_PAGE / 2) {
        assert_int_equal(ftruncate(fileno(file), (off_t)n), 0);
        assert_non_null(saved_read(fileno(file), n, &back));
        saved_free(&s);
        fclose(file);
        s = good();
        file = file_make(&s);
    }
    assert_non_null(saved_read(fileno(file), all + 1, &back));
    saved_free(&s);
    fclose(file);
}

/* Each bit of head, extents, pages and hashes. */
static void test_flipped(void **state)
{
    (void)state;
    struct saved s = good(), back;
    FILE *file = file_make(&s);
    uint64_t all = length(file), step = 1;
    for (uint64_t bit = 0; bit < 8 * all; bit += step) {
        uint8_t byte;
        uint64_t at = bit / 8;
        assert_true(read_at(fileno(file), &byte, 1, at));
        byte ^= (uint8_t)(1u << bit % 8);
        assert_true(write_at(fileno(file), &byte, 1, at));
        const char *wrong = saved_read(fileno(file), all, &back);
        bool unused = (at >= 256 + sizeof extents && at < SAVED_PAGE) ||
                      at >= all - SAVED_PAGE + 3 * sizeof(struct hash);
        if (at < 256 + sizeof extents)
            assert_non_null(wrong);
        else if (!unused)
            assert_false(!wrong && saved_whole(fileno(file), &back));
        if (!wrong)
            saved_free(&back);
        byte ^= (uint8_t)(1u << bit % 8);
        assert_true(write_at(fileno(file), &byte, 1, at));
        /* every bit of the head; of the rest one in so many */
        step = at < 256 + sizeof extents ? 1 : 4099;
    }
    saved_free(&s);
    fclose(file);
}

/* Whoever owns the file can make the sum right. */
static void test_lies(void **state)
{
    (void)state;
#define HEAD(field, value)                                                                         \
    {                                                                                              \
        offsetof(struct saved_head, field), sizeof((struct saved_head *)0)->field, value           \
    }
#define EXTENT(i, field, value) \
    {256 + (i) * sizeof(struct saved_extent) + offsetof(struct saved_extent, field), 4, value}
    static const struct { size_t at, size; uint64_t value;
    } rows[] = {
        HEAD(version, 2),
        HEAD(module_bytes, 0),
        HEAD(module_bytes, MAP_MODULE_MAX + 1),
        HEAD(module_bytes, UINT64_MAX),
        HEAD(file_bytes, 1),
        HEAD(file_bytes, UINT64_MAX),
        HEAD(carries, 1),
        HEAD(carries, 2),
        HEAD(bytes[SAVED_DATA], SAVED_PAGE),
        HEAD(bytes[SAVED_DATA], MAP_IMAGE_MAX + SAVED_PAGE),
        HEAD(bytes[SAVED_HEAP], 8 * SAVED_PAGE + 1),
        HEAD(bytes[SAVED_HEAP], 7 * SAVED_PAGE),
        HEAD(bytes[SAVED_HEAP], MAP_HEAP_MAX + SAVED_PAGE),
        HEAD(bytes[SAVED_CODE], MAP_CODE_MAX + SAVED_PAGE),
        HEAD(bytes[SAVED_CODE], 511 * SAVED_PAGE),
        HEAD(bytes[SAVED_LINEAR], WASM_PAGE + SAVED_PAGE),
        HEAD(bytes[SAVED_LINEAR], MAP_LINEAR_MAX + WASM_PAGE),
        HEAD(bytes[SAVED_LINEAR], UINT64_MAX),
        HEAD(extents, 4),
        HEAD(extents, 6),
        HEAD(extents, SAVED_EXTENTS + 1),
        HEAD(extents, UINT32_MAX),
        EXTENT(0, part, SAVED_PARTS),
        EXTENT(0, part, UINT32_MAX),
        EXTENT(1, part, SAVED_DATA),
        EXTENT(4, part, SAVED_DATA),
        EXTENT(0, page, 2),
        EXTENT(0, page, UINT32_MAX),
        EXTENT(2, page, 0),
        EXTENT(0, pages, 0),
        EXTENT(0, pages, 3),
        EXTENT(0, pages, UINT32_MAX),
        EXTENT(1, pages, 6),
        EXTENT(3, page, 510 + 512),
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct saved s = good(), back;
        FILE *file = file_make(&s);
        uint64_t all = length(file);
        uint8_t bytes[SAVED_PAGE];
        assert_true(read_at(fileno(file), bytes, sizeof bytes, 0));
        memcpy(bytes + rows[i].at, &rows[i].value, rows[i].size);
        struct saved_head head;
        struct saved_extent list[64];
        memcpy(&head, bytes, sizeof head);
        memcpy(list, bytes + sizeof head, sizeof list);
        uint32_t sum = head.extents <= 64 ? head_sum(&head, list) : 0;
        memcpy(bytes + offsetof(struct saved_head, sum), &sum, sizeof sum);
        const char *wrong = saved_parse(bytes, sizeof bytes, all, &back);
        if (!wrong)
            fail_msg("row %u was taken", i);
        assert_null(back.extents);
        saved_free(&s);
        fclose(file);
    }
}

/* No extent reaches from one frame into the next: in memory they may lie apart. */
static void test_two_frames(void **state)
{
    (void)state;
    struct saved s = good(), back;
    s.head.bytes[SAVED_CODE] = 520 * SAVED_PAGE;
    FILE *file = file_make(&s);
    uint64_t all = length(file);
    s.extents[3].page = 511;
    s.extents[3].pages = 2;
    s.extents[4].pages = 3;
    assert_true(saved_write(fileno(file), &s));
    assert_string_equal(saved_read(fileno(file), all, &back), "pages lie in two frames");
    saved_free(&s);
    fclose(file);
}

/* The largest that a head may name, and one more. */
static void test_heads_at_their_most(void **state)
{
    static const struct { size_t at, size; uint64_t most, step; } rows[] = {
        { offsetof(struct saved_head, extents), 4, SAVED_EXTENTS, 1 },
        { offsetof(struct saved_head, carries), 4, 1, 1 },
        { offsetof(struct saved_head, module_bytes), 8, MAP_MODULE_MAX, 1 },
        { offsetof(struct saved_head, bytes[SAVED_DATA]), 8, MAP_IMAGE_MAX, SAVED_PAGE },
        { offsetof(struct saved_head, bytes[SAVED_HEAP]), 8, MAP_HEAP_MAX, SAVED_PAGE },
        { offsetof(struct saved_head, bytes[SAVED_CODE]), 8, MAP_CODE_MAX, SAVED_PAGE },
        { offsetof(struct saved_head, bytes[SAVED_LINEAR]), 8, MAP_LINEAR_MAX, WASM_PAGE },
    };
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        for (uint64_t more = 0; more <= 1; more++) {
            struct saved s = good();
            FILE *file = file_make(&s);
            const uint64_t value = rows[k].most + more * rows[k].step;
            memcpy((char *)&s.head + rows[k].at, &value, rows[k].size);
            assert_int_equal(sizes_wrong(&s.head) != NULL, more);
            saved_free(&s);
            fclose(file);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_heads_at_their_most),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flipped),    cmocka_unit_test(test_lies),
        cmocka_unit_test(test_two_frames), cmocka_unit_test(test_what_it_carries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
