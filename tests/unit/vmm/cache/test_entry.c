/* What the store has for one start: the runs in their order, other facts, modules that change,
 * makers that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail
#include "vmm/cache/cache.h"

#define BYTES (MODULE_PIECE + 5u)
static char place[64], store[80], path[80];
static uint8_t module[BYTES];
static uint8_t bits[LIST_BYTES];
static struct kick *kick; /* what long work stops with; NULL: with nothing */

static void module_write(uint8_t first)
{
    module[0] = first;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write_at(fd, module, sizeof module, 0));
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    kick = NULL;
    strcpy(place, "/tmp/wasmvm-entry-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(store, sizeof store, "%s/store", place);
    snprintf(path, sizeof path, "%s/app.wasm", place);
    module_write(7);
    return 0;
}

static void remove_one(void *context, int at, const struct store_file *file)
{
    (void)context;
    unlinkat(at, file->name, 0);
}

static int teardown(void **state)
{
    struct failure why;
    (void)state;
    int dir = store_open(store, &why);
    store_each(dir, remove_one, NULL);
    close(dir);
    rmdir(store);
    unlink(path);
    rmdir(place);
    return 0;
}

static void open_as(struct entry *e, uint8_t engine, bool now)
{
    int fd = open(path, O_RDONLY);
    struct entry_want want = { .path = store,
                               .now = now,
                               .module_fd = fd,
                               .engine = { { engine } },
                               .name = "x/app.wasm",
                               .cpu = 5,
                               .kick = kick };
    entry_open(e, &want);
    close(fd);
}

/* Makes the image as the machine does. */
static void make(struct entry *e)
{
    struct saved s = entry_head(e);
    uint8_t page[SAVED_PAGE] = {0};
    s.extents = malloc(1);
    saved_place(&s);
    assert_true(write_at(e->new_fd, page, sizeof page, s.pieces_at) &&
                write_at(e->new_fd, e->pieces, saved_pieces(e->module_bytes) * sizeof *e->pieces,
                         s.pieces_at) &&
                saved_write(e->new_fd, &s));
    saved_free(&s);
    entry_made(e, true, NULL);
}

static void end(struct entry *e, enum entry_state wanted)
{
    entry_listed(e, bits, 1000);
    assert_int_equal(e->state, wanted);
    entry_close(e);
}

static void test_by_content(void **state)
{
    (void)state;
    struct entry e;
    bits[0] = 6;
    open_as(&e, 1, true);
    assert_true(e.make && !e.resume);
    entry_make(&e, module, sizeof module);
    entry_opened(&e);
    make(&e);
    end(&e, ENTRY_MADE);
    open_as(&e, 1, true);
    assert_true(!e.make && e.resume);
    assert_string_equal(e.saved.head.name, "app.wasm");
    assert_true(entry_piece_good(&e, 0, module, MODULE_PIECE) &&
                entry_piece_good(&e, 1, module + MODULE_PIECE, 5));
    assert_false(entry_piece_good(&e, 1, module, 5) ||
                 entry_piece_good(&e, 1, module + MODULE_PIECE, 4));
    end(&e, ENTRY_WARM);
    open_as(&e, 2, true); /* another engine */
    assert_false(e.resume);
    end(&e, ENTRY_LISTED);
    module_write(8); /* another module */
    open_as(&e, 1, true);
    assert_false(e.resume);
    end(&e, ENTRY_LISTED);
}

/* A stop comes while the file is read, or while what is in memory is: no image is made or gone on
 * from, and what is there stays. */
static void test_a_stop_makes_no_image(void **state)
{
    (void)state;
    struct entry e;
    struct kick stop;
    assert_true(kick_open(&stop, 0, 0, 0));
    for (int there = 0; there < 2; there++)
        for (int late = 0; late < 2; late++) {
            kick = &stop;
            if (!late)
                kick_stop(kick, ENDED_SIGNAL, 15);
            open_as(&e, 1, true);
            assert_int_equal(e.resume, there && late);
            kick_stop(kick, ENDED_SIGNAL, 15);
            entry_make(&e, module, sizeof module);
            assert_false(e.make);
            assert_true((e.pieces != NULL) == e.resume);
            entry_opened(&e);
            entry_close(&e);
            kick_renew(kick);
            kick = NULL;
            open_as(&e, 1, true);
            assert_true(e.make == !there && e.resume == there);
            if (late && !there) {
                entry_make(&e, module, sizeof module);
                entry_opened(&e);
                make(&e);
            }
            entry_close(&e);
        }
    kick_close(&stop);
}

/* Run 1 leaves a list and hashes nothing; the file is too young for more. */
static void test_lists_come_first(void **state)
{
    (void)state;
    struct entry e;
    bits[0] = 6;
    open_as(&e, 1, false);
    assert_true(!e.make && !e.resume && !e.pieces);
    entry_make(&e, module, sizeof module);
    assert_null(e.pieces);
    entry_opened(&e);
    end(&e, ENTRY_LISTED);
    open_as(&e, 1, false);
    assert_true(e.make && !e.resume);
    assert_int_equal(e.list->bits[0], 6);
    entry_make(&e, module, sizeof module);
    assert_false(e.make);
    assert_string_equal(e.why, "the module's file is younger than two seconds");
    entry_close(&e);
}

/* Bytes that came into memory count, not the file. */
static void test_the_bytes_in_memory_are_hashed(void **state)
{
    (void)state;
    struct entry e;
    uint8_t other[BYTES];
    memcpy(other, module, sizeof other);
    other[9]++;
    open_as(&e, 1, true);
    entry_make(&e, other, sizeof other);
    entry_opened(&e);
    make(&e);
    entry_close(&e);
    open_as(&e, 1, true);
    assert_false(e.resume);
    entry_close(&e);
}

static void test_makers(void **state)
{
    (void)state;
    struct entry one, two;
    open_as(&one, 1, true);
    open_as(&two, 1, true);
    entry_make(&one, module, sizeof module);
    entry_make(&two, module, sizeof module);
    assert_true(one.make && !two.make);
    assert_string_equal(two.why, "another run makes its image");
    entry_close(&two);
    entry_made(&one, false, "the disk is full");
    assert_int_equal(one.state, ENTRY_COLD);
    entry_close(&one);
    open_as(&one, 1, true);
    assert_true(one.make && !one.resume);
    entry_close(&one);
}

/* More than 32 KB of bodies that an image lacks, and it is made anew, out of itself. */
static void test_later_functions_join(void **state)
{
    (void)state;
    struct entry e;
    open_as(&e, 1, true);
    entry_make(&e, module, sizeof module);
    make(&e);
    entry_close(&e);
    static const struct {
        uint64_t bytes;
        bool make;
    } rows[] = { { 32 << 10, false }, { (32 << 10) + 1, true } };
    for (unsigned i = 0; i < 2; i++) {
        open_as(&e, 1, true);
        assert_true(e.resume && !e.make);
        entry_listed(&e, bits, rows[i].bytes);
        entry_close(&e);
        open_as(&e, 1, true);
        assert_true(e.resume);
        assert_int_equal(e.make, rows[i].make);
        entry_close(&e);
    }
}

static void test_off(void **state)
{
    (void)state;
    struct entry e;
    entry_open(&e, &(struct entry_want){.path = NULL});
    entry_make(&e, module, sizeof module);
    entry_listed(&e, bits, 1000);
    assert_int_equal(e.state, ENTRY_OFF);
    entry_close(&e);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    entry_open(&e, &(struct entry_want){.path = store, .now = true, .module_fd = pipes[0]});
    assert_int_equal(e.state, ENTRY_COLD);
    assert_string_equal(e.why, "the module is no regular file");
    entry_close(&e);
    close(pipes[0]);
    close(pipes[1]);
}

/* A process that was started without streams: what is opened first is descriptor 0, and closed as
 * any other. */
static void test_descriptor_0_is_one(void **state)
{
    (void)state;
    struct entry e;
    int status;
    open_as(&e, 1, true);
    entry_make(&e, module, sizeof module);
    entry_opened(&e);
    make(&e);
    end(&e, ENTRY_MADE);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_RDONLY);
        struct entry_want want = {
            .path = store, .module_fd = fd, .engine = {{1}}, .name = "x/app.wasm", .cpu = 5
        };
        close(0);
        entry_open(&e, &want);
        entry_close(&e);
        _exit(fcntl(0, F_GETFD) >= 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stop_makes_no_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_bytes_in_memory_are_hashed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_makers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_functions_join, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptor_0_is_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
