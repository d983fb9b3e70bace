/* fdstat of the first descriptors: known from the boot record until the module changes what they
 * are. */
#include "tests/unit/wasi-shim/double.h"

#define GET(fd, at) wasi("fd_fdstat_get", "ii:i", fd, at, 0)
#define SET(fd, flags) wasi("fd_fdstat_set_flags", "ii:i", fd, flags, 0)
#define TOUCH(fd) wasi("fd_sync", "i:i", fd, 0, 0)
enum { APPEND = 1, SYNC = 16, NONBLOCK = 4, FIFO = 0, DIRECTORY = 3, REGULAR = 4 };

/* 0, 1, 2 are pipes, 1 appends; 3 is a directory. */
static void start(uint32_t flags)
{
    double_start(64, flags);
    struct boot_record *boot = &area.control.boot;
    boot->fdstats = 4;
    for (uint8_t fd = 0; fd < 4; fd++)
        boot->fdstat[fd] = (struct fdstat){ .filetype = fd == 3 ? 3 : 0,
                                            .flags = fd == 1,
                                            .rights = 0x100 + fd,
                                            .inheriting = 0x200 + fd };
    shim_init(&shim, &area.control);
}

static void told_without_a_call(void **state)
{
    (void)state;
    start(0);
    for (uint32_t fd = 0; fd < 4; fd++) {
        assert_int_equal(GET(fd, 8), WASI_SUCCESS);
        assert_memory_equal(memory + 8, &area.control.boot.fdstat[fd], 24);
        assert_int_equal(u64_at(16), 0x100 + fd);
        assert_int_equal(memory[32], 0xee);
    }
    assert_int_equal(GET(0, 41), WASI_FAULT);
    assert_int_equal(GET(0, 0xffffffff), WASI_FAULT);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(GET(4, 8), FORWARDED_RESULT);
    assert_int_equal(GET(0xffffffff, 8), FORWARDED_RESULT);
    assert_int_equal(GET(BOOT_FDSTATS, 8), FORWARDED_RESULT);
    double_end();
}

static void flags_as_they_are_or_wrong(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(SET(0, 0), WASI_SUCCESS);
    assert_int_equal(SET(1, APPEND), WASI_SUCCESS);
    assert_int_equal(SET(0, 32), WASI_INVAL);
    assert_int_equal(SET(3, 0), WASI_ISDIR);
    assert_int_equal(TOUCH(0), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 1); /* nothing was owed */
    assert_int_equal(SET(7, 0), FORWARDED_RESULT);
    double_end();
}

/* The monitor hears of NONBLOCK before the next call on the descriptor, once. */
static void nonblock_is_told_in_time(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(SET(0, NONBLOCK), WASI_SUCCESS);
    assert_int_equal(SET(1, NONBLOCK | APPEND), WASI_SUCCESS);
    assert_int_equal(GET(0, 8), WASI_SUCCESS);
    assert_int_equal(memory[10], NONBLOCK);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(TOUCH(2), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 1);
    assert_int_equal(TOUCH(1), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 3);
    assert_int_equal(TOUCH(1), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 4);
    double_end();
}

static enum call first_call;
static uint64_t first_args[2];

static uint64_t note_first(enum call number, const uint64_t *args)
{
    if (hyper.count == 1) {
        first_call = number;
        first_args[0] = args[0], first_args[1] = args[1];
    }
    return FORWARDED_RESULT;
}

static void what_is_told(void **state)
{
    (void)state;
    start(0);
    hyper_answer = note_first;
    assert_int_equal(SET(2, NONBLOCK), WASI_SUCCESS);
    assert_int_equal(wasi("fd_renumber", "ii:i", 9, 2, 0), FORWARDED_RESULT);
    assert_int_equal(first_call, CALL_fd_fdstat_set_flags);
    assert_int_equal(first_args[0], 2);
    assert_int_equal(first_args[1], NONBLOCK);
    assert_int_equal(hyper.count, 2);
    double_end();
}

static void other_flags_are_the_monitors(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(SET(1, 0), FORWARDED_RESULT);
    assert_int_equal(GET(1, 8), FORWARDED_RESULT); /* who knows what came of it */
    assert_int_equal(SET(0, SYNC), FORWARDED_RESULT);
    assert_int_equal(GET(2, 8), WASI_SUCCESS);
    double_end();
}

static void changed_descriptors_are_forgotten(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(wasi("fd_close", "i:i", 3, 0, 0), FORWARDED_RESULT);
    assert_int_equal(GET(3, 8), FORWARDED_RESULT);
    assert_int_equal(wasi("fd_fdstat_set_rights", "iII:i", 2, 0, 0), FORWARDED_RESULT);
    assert_int_equal(GET(2, 8), FORWARDED_RESULT);
    assert_int_equal(wasi("fd_renumber", "ii:i", 0, 1, 0), FORWARDED_RESULT);
    assert_int_equal(GET(0, 8), FORWARDED_RESULT);
    assert_int_equal(GET(1, 8), FORWARDED_RESULT);
    double_end();
}

static uint32_t next_fd, next_errno;
static struct fdstat next_stat;

/* The monitor's answer to path_open: the number, and what stands behind it. */
static uint64_t opens(enum call number, const uint64_t *args)
{
    if (number != CALL_path_open)
        return FORWARDED_RESULT;
    if (next_errno == WASI_SUCCESS && next_fd < BOOT_FDSTATS)
        area.control.boot.fdstat[next_fd] = next_stat;
    memcpy(memory + args[8], &next_fd, 4);
    return next_errno;
}

static void open_one(uint32_t fd, uint8_t filetype, uint32_t err)
{
    const uint64_t args[SLOT_ARGS] = {3, 0, 0, 1, 0, 0, 0, 0, 48};
    hyper_answer = opens;
    next_fd = fd, next_errno = err,
    next_stat = (struct fdstat){ .filetype = filetype, .rights = 0x340 + fd };
    assert_int_equal(wasi_args("path_open", "iiiiiIIii:i", args), err);
    hyper.count = 0;
}

static void opened_ones_are_known(void **state)
{
    (void)state;
    start(0);
    open_one(9, REGULAR, WASI_SUCCESS);
    assert_int_equal(GET(9, 8), WASI_SUCCESS);
    assert_int_equal(u64_at(16), 0x349);
    assert_int_equal(GET(8, 8), FORWARDED_RESULT);
    open_one(10, REGULAR, WASI_BADF);
    assert_int_equal(GET(10, 8), FORWARDED_RESULT);
    open_one(BOOT_FDSTATS, REGULAR, WASI_SUCCESS);
    assert_int_equal(GET(BOOT_FDSTATS, 8), FORWARDED_RESULT);
    open_one(BOOT_FDSTATS - 1, DIRECTORY, WASI_SUCCESS);
    assert_int_equal(GET(BOOT_FDSTATS - 1, 8), WASI_SUCCESS);
    assert_int_equal(SET(BOOT_FDSTATS - 1, NONBLOCK), WASI_ISDIR);
    assert_int_equal(wasi("fd_close", "i:i", 9, 0, 0), FORWARDED_RESULT); /* it could be written */
    assert_int_equal(GET(9, 8), FORWARDED_RESULT);
    double_end();
}

/* NONBLOCK changes nothing about a regular file: the monitor hears of it only with what makes it
 * answer again. */
static void nonblock_of_files_is_told_late(void **state)
{
    (void)state;
    start(0);
    open_one(5, REGULAR, WASI_SUCCESS);
    assert_int_equal(SET(5, NONBLOCK), WASI_SUCCESS);
    assert_int_equal(TOUCH(5), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 1);
    assert_int_equal(wasi("fd_fdstat_set_rights", "iII:i", 5, 0, 0), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 3);
    open_one(6, FIFO, WASI_SUCCESS);
    assert_int_equal(SET(6, NONBLOCK), WASI_SUCCESS);
    assert_int_equal(TOUCH(6), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 2);
    double_end();
}

static void every_call_out_where_asked(void **state)
{
    (void)state;
    start(BOOT_CALL_ALL);
    assert_int_equal(GET(0, 8), FORWARDED_RESULT);
    assert_int_equal(SET(0, NONBLOCK), FORWARDED_RESULT);
    assert_int_equal(TOUCH(0), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 3);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_without_a_call),
        cmocka_unit_test(flags_as_they_are_or_wrong),
        cmocka_unit_test(nonblock_is_told_in_time),
        cmocka_unit_test(what_is_told),
        cmocka_unit_test(other_flags_are_the_monitors),
        cmocka_unit_test(changed_descriptors_are_forgotten),
        cmocka_unit_test(opened_ones_are_known),
        cmocka_unit_test(nonblock_of_files_is_told_late),
        cmocka_unit_test(every_call_out_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
