/* Images that carry their module: made as the machine makes them, then read by others, from other
 * files, and with other wishes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail
#include "vmm/cache/cache.h"

#define BYTES (MODULE_PIECE + 5u)
static uint8_t module[BYTES];
static int image;

static bool open_as(struct entry *e, struct entry_want want, struct failure *why)
{
    want.module_fd = want.module_fd ? want.module_fd : image;
    want.name = "x/app.img";
    want.cpu = want.cpu ? want.cpu : 5;
    want.engine.bytes[0] = want.engine.bytes[0] ? want.engine.bytes[0] : 1;
    return shipped_open(e, &want, why);
}

static int setup(void **state)
{
    struct entry e;
    struct failure why;
    uint8_t page[SAVED_PAGE] = {0};
    int source = memfd_create("source", 0);
    (void)state;
    image = memfd_create("image", 0);
    module[BYTES - 1] = 7;
    assert_true(source >= 0 && image >= 0 && fchmod(image, 0600) == 0 &&
                write_at(source, module, sizeof module, 0));
    assert_true(open_as(&e, (struct entry_want){ .module_fd = source, .build_fd = image }, &why));
    assert_true(e.make && e.build && !e.ships && e.list->bits[LIST_BYTES - 1] == 0xff);
    entry_make(&e, module, sizeof module);
    entry_opened(&e);
    struct saved s = entry_head(&e);
    s.extents = malloc(1);
    saved_place(&s);
    assert_true(s.head.carries && write_at(e.new_fd, page, sizeof page, s.pieces_at) &&
                write_at(e.new_fd, e.pieces, saved_pieces(BYTES) * sizeof *e.pieces, s.pieces_at) &&
                write_at(e.new_fd, module, sizeof module, s.module_at) &&
                saved_write(e.new_fd, &s));
    saved_free(&s);
    entry_made(&e, true, NULL);
    assert_int_equal(e.state, ENTRY_MADE);
    entry_close(&e);
    close(source);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(image);
    return 0;
}

static void test_it_is_gone_on_from(void **state)
{
    struct entry e;
    struct failure why;
    (void)state;
    assert_true(saved_begins(image) && !saved_begins(-1));
    assert_true(open_as(&e, (struct entry_want){ 0 }, &why));
    assert_true(e.resume && e.ships && !e.make && e.state == ENTRY_WARM);
    assert_int_equal(e.module_bytes, BYTES);
    assert_true(entry_piece_good(&e, 1, module + MODULE_PIECE, 5));
    assert_true(entry_module_good(&e, module, BYTES) && !entry_module_good(&e, module, BYTES - 1));
    entry_close(&e);
}

/* A second for each GiB: whoever stops the run waits for none of it. */
static void test_a_stop_is_looked_at(void **state)
{
    struct kick kick;
    struct entry e;
    struct failure why;
    (void)state;
    assert_true(kick_open(&kick, 0, 0, 0));
    assert_true(open_as(&e, (struct entry_want){ .kick = &kick }, &why) && e.resume);
    module[5] ^= 1;
    assert_false(entry_module_good(&e, module, BYTES));
    kick_stop(&kick, ENDED_SIGNAL, 15);
    assert_true(entry_module_good(&e, module, BYTES)); /* of no piece is a hash made */
    module[5] ^= 1;
    entry_close(&e);
    int plain = memfd_create("plain", 0), made = memfd_create("made", 0);
    assert_true(plain >= 0 && made >= 0 && write_at(plain, module, BYTES, 0));
    struct entry_want want = { .module_fd = plain, .build_fd = made, .kick = &kick };
    assert_true(open_as(&e, want, &why) && e.make);
    entry_make(&e, module, BYTES);
    assert_true(!e.make && !e.pieces);
    entry_close(&e);
    close(plain);
    close(made);
    kick_close(&kick);
}

static void cold(struct entry_want want, const char *line)
{
    struct entry e;
    struct failure why;
    assert_true(open_as(&e, want, &why));
    assert_true(!e.resume && e.ships && e.state == ENTRY_COLD);
    assert_string_equal(e.why, line);
    assert_true(entry_module_good(&e, module, BYTES));
    entry_listed(&e, (uint8_t[LIST_BYTES]){ 1 }, 1000);
    assert_int_equal(e.state, ENTRY_COLD);
    entry_close(&e);
}

static void test_it_does_not_fit(void **state)
{
    (void)state;
    cold((struct entry_want){ .cpu = 4 }, "the image is for another CPU");
    cold((struct entry_want){ .engine = { { 2 } } },
         "the image is of another wasmvm, or for other plug-ins");
    cold((struct entry_want){ .unused = "nobody wants it" }, "nobody wants it");
    struct saved_head head;
    assert_true(read_at(image, &head, sizeof head, 0));
    head.version++;
    head.sum++;
    assert_true(write_at(image, &head, sizeof head, 0));
    cold((struct entry_want){ 0 }, "the image is of another version of wasmvm");
}

static void refused(const char *piece)
{
    struct entry e;
    struct failure why;
    assert_false(open_as(&e, (struct entry_want){ 0 }, &why));
    if (!strstr(why.text, piece))
        fail_msg("%s: not %s", why.text, piece);
    assert_int_equal(why.status, EXIT_MONITOR);
    entry_close(&e);
}

/* Of another version all is unknown but where the module is: it must be there. */
static void test_another_version_that_is_damaged(void **state)
{
    struct saved_head good, head;
    (void)state;
    assert_true(read_at(image, &good, sizeof good, 0));
    good.version++;
    for (int k = 0; k < 5; k++) {
        head = good;
        head.carries += k == 0;
        head.file_bytes += k == 1;
        head.module_bytes = k == 2 ? 0 : k == 3 ? head.file_bytes : head.module_bytes;
        head.module_bytes = k == 4 ? UINT64_MAX : head.module_bytes;
        assert_true(write_at(image, &head, sizeof head, 0));
        refused("its head is damaged");
    }
}

static void test_who_may_write_it(void **state)
{
    static const struct { mode_t mode; bool good; } rows[] = {
        { 0644, true }, { 0755, true }, { 0400, true }, { 0620, false }, { 0602, false },
        { 0666, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry e;
        struct failure why;
        assert_int_equal(fchmod(image, rows[i].mode), 0);
        assert_int_equal(open_as(&e, (struct entry_want){ 0 }, &why), rows[i].good);
        entry_close(&e);
        if (!rows[i].good)
            refused("nobody else may write it");
    }
}

static void flip(uint64_t at)
{
    uint8_t byte;
    assert_true(read_at(image, &byte, 1, at));
    byte ^= 4;
    assert_true(write_at(image, &byte, 1, at));
}

static void test_damage(void **state)
{
    struct saved s;
    (void)state;
    uint64_t end = (uint64_t)lseek(image, 0, SEEK_END);
    assert_null(saved_read(image, end, &s));
    flip(40);
    refused("its head is damaged");
    flip(40);
    flip(s.pieces_at + 33);
    refused("its hashes are damaged");
    flip(s.pieces_at + 33);
    assert_int_equal(ftruncate(image, (off_t)end - 1), 0);
    refused("its length is wrong");
    saved_free(&s);
}

/* The cache's own images carry nothing. */
static void test_one_of_the_cache(void **state)
{
    struct saved s;
    (void)state;
    uint64_t end = (uint64_t)lseek(image, 0, SEEK_END);
    assert_null(saved_read(image, end, &s));
    s.head.carries = 0;
    assert_int_equal(ftruncate(image, (off_t)s.module_at), 0);
    assert_true(saved_write(image, &s));
    saved_free(&s);
    refused("it carries no module");
}

/* A list that is written by one run, and read by the one that makes the image. */
static void test_lists(void **state)
{
    struct entry e;
    struct failure why;
    int list = memfd_create("list", 0), new_fd = memfd_create("new", 0);
    const struct entry_want training = { .list_fd = list, .unused = "no" },
                            making = { .list_fd = list, .build_fd = new_fd, .unused = "no" };
    (void)state;
    assert_true(open_as(&e, making, &why));
    assert_true(e.make && e.list->bits[0] == 0);
    entry_close(&e);
    assert_true(open_as(&e, training, &why));
    assert_true(!e.make && !e.build && !e.resume);
    entry_listed(&e, (uint8_t[LIST_BYTES]){ 6 }, 1000);
    assert_int_equal(e.state, ENTRY_LISTED);
    entry_close(&e);
    assert_true(open_as(&e, making, &why));
    assert_true(e.make && e.list->bits[0] == 6);
    entry_made(&e, false, "the disk is full");
    assert_int_equal(e.state, ENTRY_COLD);
    entry_close(&e);
    close(list);
    close(new_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_gone_on_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stop_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_version_that_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_may_write_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_of_the_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
