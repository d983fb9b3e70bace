/* --max-written, --max-created, --output-rate: what is just allowed, and one more, each way that
 * leads there. */
#include "tests/unit/vmm/wasi/fixture.h"

static uint32_t file(const char *name)
{
    return opened(ROOT, name, OFLAG_CREAT, GO_RDWR, 0);
}

static void limit_written(uint64_t most)
{
    wasi->quota.written = 0;
    wasi->quota.max_written = most;
}

/* ---- bytes ---- */

static void test_written_to_the_last_byte(void **state)
{
    (void)state;
    uint32_t a = file("a"), b = file("b");
    limit_written(10);
    assert_int_equal(write_text(a, "123456789"), WASI_SUCCESS); /* N - 1 */
    assert_int_equal(write_text(b, "0"), WASI_SUCCESS);         /* N: another file counts as well */
    assert_int_equal(ended.kind, ENDED_NOT);
    OK(fd_write, b, iov(BUF, 0), 1, OUT);
    assert_int_equal(ended.kind, ENDED_NOT); /* nothing is not more */
    assert_int_equal(write_text(a, "x"), WASI_DQUOT); /* N + 1 */
    assert_int_equal(ended.kind, ENDED_WRITTEN);
    host_holds("a", "123456789");
    host_holds("b", "0");
}

static void test_what_is_left_is_written(void **state)
{
    (void)state;
    uint32_t fd = file("a");
    limit_written(4);
    memcpy(guest + BUF, "abcdef", 6);
    struct wasi_iovec v[2] = { { BUF, 3 }, { BUF + 3, 3 } };
    memcpy(guest + IOVS, v, sizeof v);
    OK(fd_write, fd, IOVS, 2, OUT);
    assert_int_equal(out32(), 4);
    assert_int_equal(ended.kind, ENDED_WRITTEN);
    host_holds("a", "abcd");
}

static void test_positioned_and_small_writes(void **state)
{
    (void)state;
    uint32_t fd = file("a");
    limit_written(6);
    memcpy(guest + BUF, "abcdef", 6);
    OK(fd_pwrite, fd, iov(BUF, 2), 1, 1, OUT);
    host_holds("a", "");
    const struct fd_write_one_args args = { .fd = fd, .buffer = BUF, .buffer_len = 3 };
    struct request r = { .number = CALL_fd_write_one };
    memcpy(r.args, &args, sizeof args);
    memset(&ended, 0, sizeof ended);
    assert_int_equal(wasi_transfer_one(wasi, &r, &ended), 3ull << 32);
    assert_int_equal(ended.kind, ENDED_NOT);
    assert_int_equal(wasi_transfer_one(wasi, &r, &ended), 1ull << 32);
    assert_int_equal(ended.kind, ENDED_WRITTEN);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 4);
}

static void test_allocated_counts_as_written(void **state)
{
    (void)state;
    uint32_t fd = file("a");
    limit_written(100);
    OK(fd_allocate, fd, 0, 99);
    OK(fd_allocate, fd, 99, 1);
    assert_int_equal(ended.kind, ENDED_NOT);
    ERR(DQUOT, fd_allocate, fd, 100, 1);
    assert_int_equal(ended.kind, ENDED_WRITTEN);
    limit_written(10);
    ERR(DQUOT, fd_allocate, fd, 100, 11);
    assert_int_equal(ended.kind, ENDED_WRITTEN);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 100);
}

static void test_reading_and_failing_cost_nothing(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    limit_written(1);
    OK(fd_read, fd, iov(BUF, 8), 1, OUT);
    assert_int_equal(write_text(fd, "many"), WASI_BADF);
    assert_int_equal(wasi->quota.written, 0);
    assert_int_equal(ended.kind, ENDED_NOT);
}

/* ---- files ---- */

static void limit_created(uint64_t most)
{
    wasi->quota.created = 0;
    wasi->quota.max_created = most;
}

#define NEW(name) OPEN(ROOT, name, OFLAG_CREAT, GO_RDWR, 0)
#define LAST_ONE(...)                                                                              \
    do {                                                                                           \
        limit_created(1);                                                                          \
        OK(__VA_ARGS__);                                                                           \
        assert_int_equal(wasi->quota.created, 1);                                                  \
    } while (0)
#define ONE_TOO_MANY(...)                                                                          \
    do {                                                                                           \
        limit_created(1);                                                                          \
        wasi->quota.created = 1;                                                                   \
        ERR(DQUOT, __VA_ARGS__);                                                                   \
        assert_int_equal(ended.kind, ENDED_CREATED);                                               \
    } while (0)

static void test_created_to_the_last(void **state)
{
    (void)state;
    limit_created(3);
    assert_int_equal(NEW("a"), WASI_SUCCESS);
    assert_int_equal(NEW("b"), WASI_SUCCESS);
    assert_int_equal(NEW("c"), WASI_SUCCESS);
    assert_int_equal(NEW("b"), WASI_SUCCESS); /* it is there */
    assert_int_equal(wasi->quota.created, 3);
    assert_int_equal(NEW("d"), WASI_DQUOT);
    assert_int_equal(ended.kind, ENDED_CREATED);
    assert_false(host_has("d"));
}

static void test_each_way_to_make_one(void **state)
{
    (void)state;
    LAST_ONE(path_create_directory, ROOT, P1("dir"));
    ONE_TOO_MANY(path_create_directory, ROOT, P1("dir2"));
    LAST_ONE(path_symlink, P1("file"), ROOT, P2("link"));
    ONE_TOO_MANY(path_symlink, P1("file"), ROOT, P2("link2"));
    LAST_ONE(path_link, ROOT, 0, P1("file"), ROOT, P2("hard"));
    ONE_TOO_MANY(path_link, ROOT, 0, P1("file"), ROOT, P2("hard2"));
    LAST_ONE(path_open, ROOT, LOOKUP_FOLLOW, P1("excl"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR, INHERIT,
             0, OUT);
    ONE_TOO_MANY(path_open, ROOT, LOOKUP_FOLLOW, P1("excl2"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR,
                 INHERIT, 0, OUT);
    assert_int_equal(symlink("target", host_path("dangling")), 0);
    ONE_TOO_MANY(path_open, ROOT, LOOKUP_FOLLOW, P1("dangling"), OFLAG_CREAT, GO_RDWR, INHERIT, 0,
                 OUT);
    LAST_ONE(path_open, ROOT, LOOKUP_FOLLOW, P1("dangling"), OFLAG_CREAT, GO_RDWR, INHERIT, 0, OUT);
    assert_true(host_has("target"));
    assert_false(host_has("dir2") || host_has("link2") || host_has("hard2") || host_has("excl2"));
}

/* What is there is told, though nothing more may be made; what goes gives nothing back. */
static void test_what_is_there_and_what_goes(void **state)
{
    (void)state;
    limit_created(1);
    OK(path_create_directory, ROOT, P1("dir"));
    ERR(EXIST, path_create_directory, ROOT, P1("dir"));
    ERR(EXIST, path_symlink, P1("x"), ROOT, P2("file"));
    ERR(EXIST, path_open, ROOT, LOOKUP_FOLLOW, P1("file"), OFLAG_CREAT | OFLAG_EXCL, GO_RDWR,
        INHERIT, 0, OUT);
    OK(path_rename, ROOT, P1("file"), ROOT, P2("renamed"));
    OK(path_remove_directory, ROOT, P1("dir"));
    assert_int_equal(ended.kind, ENDED_NOT);
    ERR(DQUOT, path_create_directory, ROOT, P1("dir"));
    assert_int_equal(ended.kind, ENDED_CREATED);
}

/* ---- output ---- */

static void test_output_rate(void **state)
{
    (void)state;
    uint32_t fd = file("out"), other = file("other");
    desc_get(wasi, fd)->output = true;
    wasi->quota.rate = 5000;
    wasi->quota.rate_ns = clock_now_ns() + 3600000000000u; /* no time passes, as it is not full */
    wasi->quota.rate_left = 4000;
    kicked_as_it_waits = true;
    OK(fd_write, fd, iov(BUF, 3999), 1, OUT);
    OK(fd_write, fd, iov(BUF, 1), 1, OUT);
    assert_int_equal(waits, 0);
    OK(fd_write, other, iov(BUF, 5000), 1, OUT); /* no output */
    assert_int_equal(out32(), 5000);
    assert_int_equal(waits, 0);
    ERR(INTR, fd_write, fd, iov(BUF, 1), 1, OUT);
    assert_int_equal(waits, 1);
    kicked = 0;
    wasi->quota.rate_left = 10;
    OK(fd_write, fd, iov(BUF, 11), 1, OUT); /* stopped behind what may go out */
    assert_int_equal(out32(), 10);
    kicked_as_it_waits = false;
}

/* It goes on as time passes: a program that writes 3 times the rate waits for two thirds of it. */
static void test_output_goes_on(void **state)
{
    (void)state;
    uint32_t fd = file("out");
    desc_get(wasi, fd)->output = true;
    wasi->quota = (struct quota){ .rate = 20000 };
    uint64_t began_ns = clock_now_ns();
    OK(fd_write, fd, iov(BUF, 24000), 1, OUT);
    assert_int_equal(out32(), 24000);
    assert_true(clock_now_ns() - began_ns >= 190000000u);
    assert_true(waits > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written_to_the_last_byte),
        TEST(test_what_is_left_is_written),
        TEST(test_positioned_and_small_writes),
        TEST(test_allocated_counts_as_written),
        TEST(test_reading_and_failing_cost_nothing),
        TEST(test_created_to_the_last),
        TEST(test_each_way_to_make_one),
        TEST(test_what_is_there_and_what_goes),
        TEST(test_output_rate),
        TEST(test_output_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
