/* Closing that is told later, and the end of a directory that is known. */
#include "tests/unit/wasi-shim/double.h"

#define CLOSE(fd) wasi("fd_close", "i:i", fd, 0, 0)
#define SYNC(fd) wasi("fd_sync", "i:i", fd, 0, 0)
#define STAT(fd) wasi("fd_filestat_get", "ii:i", fd, 0, 0)
enum {
    FIFO = 0,
    DIRECTORY = 3,
    REGULAR = 4,
    WRITE = 64,
    READ = 2,
    BUFFER = 64,
    USED = 40,
    OPENED = 48
};

static uint32_t opened_fd;
static struct fdstat opened;
static uint32_t closes_seen;    /* what the monitor found in the slot with the last call */
static uint8_t listing[256];    /* what the next fd_readdir gives */
static uint32_t listing_bytes;

static uint64_t monitor(enum call number, const uint64_t *args)
{
    closes_seen = area.control.slot.closes;
    area.control.slot.closes = 0; /* as hypercall does */
    if (number == CALL_path_open) {
        area.control.boot.fdstat[opened_fd] = opened;
        memcpy(memory + args[8], &opened_fd, 4);
        return WASI_SUCCESS;
    }
    if (number == CALL_fd_readdir) {
        memcpy(memory + args[1], listing, listing_bytes);
        memcpy(memory + args[4], &listing_bytes, 4);
        return WASI_SUCCESS;
    }
    return FORWARDED_RESULT;
}

static void start(uint32_t flags)
{
    double_start(512, flags);
    hyper_answer = monitor;
}

static void open_one(uint32_t fd, uint8_t filetype, uint64_t rights)
{
    const uint64_t args[SLOT_ARGS] = {3, 0, 0, 1, 0, 0, 0, 0, OPENED};
    opened_fd = fd;
    opened = (struct fdstat){.filetype = filetype, .rights = rights};
    assert_int_equal(wasi_args("path_open", "iiiiiIIii:i", args), WASI_SUCCESS);
    hyper.count = 0;
}

/* ---- fd_close ---- */

static void told_with_the_next_call(void **state)
{
    (void)state;
    start(0);
    open_one(7, DIRECTORY, 0);
    assert_int_equal(CLOSE(7), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(SYNC(1), FORWARDED_RESULT);
    assert_int_equal(closes_seen, 8);
    assert_int_equal(SYNC(1), FORWARDED_RESULT);
    assert_int_equal(closes_seen, 0);
    open_one(8, REGULAR, READ);
    assert_int_equal(CLOSE(8), WASI_SUCCESS);
    /* the monitor closes it and says what it is then */
    assert_int_equal(SYNC(8), FORWARDED_RESULT);
    assert_int_equal(closes_seen, 9);
    double_end();
}

/* Only the last one waits, and nobody is closed twice here. */
static void one_at_a_time(void **state)
{
    (void)state;
    start(0);
    open_one(4, DIRECTORY, 0);
    open_one(5, DIRECTORY, 0);
    assert_int_equal(CLOSE(4), WASI_SUCCESS);
    assert_int_equal(CLOSE(5), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_fd_close);
    assert_int_equal(hyper.args[0], 5);
    assert_int_equal(closes_seen, 5);
    assert_int_equal(CLOSE(4), FORWARDED_RESULT);
    double_end();
}

static void others_at_once(void **state)
{
    (void)state;
    start(0);
    open_one(4, REGULAR, READ | WRITE);
    assert_int_equal(CLOSE(4), FORWARDED_RESULT);
    open_one(4, FIFO, READ);
    assert_int_equal(CLOSE(4), FORWARDED_RESULT);
    assert_int_equal(CLOSE(9), FORWARDED_RESULT); /* never opened */
    open_one(4, REGULAR, READ);
    assert_int_equal(wasi("fd_renumber", "ii:i", 9, 4, 0), FORWARDED_RESULT);
    assert_int_equal(CLOSE(4), FORWARDED_RESULT); /* it is another one now */
    double_end();
    start(BOOT_CALL_ALL);
    open_one(4, DIRECTORY, 0);
    assert_int_equal(CLOSE(4), FORWARDED_RESULT);
    double_end();
}

/* What the boot record tells of is not closed here: whoever listens, or a preopen's names, depend
 * on it. */
static void first_ones_at_once(void **state)
{
    (void)state;
    start(0);
    area.control.boot.fdstats = 4;
    area.control.boot.fdstat[3].filetype = DIRECTORY;
    shim_init(&shim, &area.control);
    assert_int_equal(CLOSE(3), FORWARDED_RESULT);
    double_end();
}

/* ---- fd_readdir ---- */

static uint32_t entry(uint32_t at, uint64_t next, uint32_t name)
{
    memset(listing + at, 0, 24 + name);
    memcpy(listing + at, &next, 8);
    memcpy(listing + at + 16, &name, 4);
    return at + 24 + name;
}

static uint64_t readdir(uint64_t fd, uint64_t bytes, uint64_t cookie)
{
    const uint64_t args[SLOT_ARGS] = {fd, BUFFER, bytes, cookie, USED};
    hyper.count = 0;
    return wasi_args("fd_readdir", "iiiIi:i", args);
}

/* Two entries, the last one's cookie is 17. */
static void list_two(uint64_t bytes)
{
    listing_bytes = entry(entry(0, 5, 1), 17, 3);
    assert_int_equal(readdir(6, bytes, 0), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
}

static void end_is_known_once(void **state)
{
    (void)state;
    start(0);
    list_two(100);
    assert_int_equal(STAT(6), FORWARDED_RESULT); /* looks change nothing */
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(u32_at(USED), 0);
    listing_bytes = 0;
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1); /* who asks again wants to know */
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    double_end();
}

static void end_is_not_known(void **state)
{
    (void)state;
    start(0);
    list_two(52); /* filled to the brim: there may be more */
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
    list_two(100);
    assert_int_equal(readdir(6, 100, 5), WASI_SUCCESS); /* from elsewhere */
    assert_int_equal(hyper.count, 1);
    list_two(100);
    assert_int_equal(readdir(7, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
    list_two(100);
    assert_int_equal(SYNC(1), FORWARDED_RESULT); /* as good as a file made */
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
    listing_bytes = entry(0, 5, 1) + 10; /* the second one cut, in a buffer larger than that */
    assert_int_equal(readdir(6, 100, 0), WASI_SUCCESS);
    assert_int_equal(readdir(6, 100, 5), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
    double_end();
}

static void end_into_no_memory(void **state)
{
    (void)state;
    start(0);
    list_two(100);
    assert_int_equal(readdir(6, 512, 17), WASI_FAULT);
    double_end();
}

static void closed_directories_have_no_end(void **state)
{
    (void)state;
    start(0);
    open_one(6, DIRECTORY, 0);
    list_two(100);
    assert_int_equal(CLOSE(6), WASI_SUCCESS);
    assert_int_equal(readdir(6, 100, 17), WASI_SUCCESS);
    assert_int_equal(hyper.count, 1);
    assert_int_equal(closes_seen, 7);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_with_the_next_call),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(others_at_once),
        cmocka_unit_test(first_ones_at_once),
        cmocka_unit_test(end_is_known_once),
        cmocka_unit_test(end_is_not_known),
        cmocka_unit_test(end_into_no_memory),
        cmocka_unit_test(closed_directories_have_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
