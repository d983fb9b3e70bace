/* The four calls that wasi_unstable (snapshot 0) has in another form: three layouts, and the order
 * of whence. */
#include "tests/unit/vmm/wasi/fixture.h"

static uint64_t get(uint64_t at, unsigned bytes)
{
    uint64_t v = 0;
    memcpy(&v, guest + at, bytes);
    return v;
}

static void put(uint64_t at, uint64_t value, unsigned bytes)
{
    memcpy(guest + at, &value, bytes);
}

/* Offsets as specs/wasi-preview1.md section 3 gives them. */
static void filestat_is(uint64_t at, uint8_t filetype, const struct stat *st)
{
    assert_true(get(at, 8) == st->st_dev);
    assert_true(get(at + 8, 8) == st->st_ino);
    assert_true(get(at + 16, 4) == filetype); /* with three bytes of zeros behind it */
    assert_true(get(at + 20, 4) == st->st_nlink);
    assert_true(get(at + 24, 8) == (uint64_t)st->st_size);
    assert_true(get(at + 32, 8) / 1000000000 == (uint64_t)st->st_atim.tv_sec);
    assert_true(get(at + 40, 8) / 1000000000 == (uint64_t)st->st_mtim.tv_sec);
    assert_true(get(at + 48, 8) / 1000000000 == (uint64_t)st->st_ctim.tv_sec);
    assert_true(get(at + 56, 8) == 0xeeeeeeeeeeeeeeee); /* nothing written behind */
}

static void test_filestat(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(link(host_path("file"), host_path("second")), 0);
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    assert_int_equal(stat(host_path("file"), &st), 0);
    assert_int_equal(st.st_nlink, 2);
    OK(fd_filestat_get_v0, fd, BUF);
    filestat_is(BUF, FILETYPE_REGULAR, &st);
    OK(path_filestat_get_v0, ROOT, 1, P1("file"), BUF + 0x1000);
    filestat_is(BUF + 0x1000, FILETYPE_REGULAR, &st);
    assert_int_equal(stat(host_path("sub"), &st), 0);
    OK(path_filestat_get_v0, ROOT, 1, P1("sub"), BUF + 0x2000);
    filestat_is(BUF + 0x2000, FILETYPE_DIRECTORY, &st);
    OK(fd_filestat_get_v0, fd, MEMORY_BYTES - 56);
    ERR(FAULT, fd_filestat_get_v0, fd, MEMORY_BYTES - 55);
    ERR(BADF, fd_filestat_get_v0, 99, BUF);
    ERR(NOENT, path_filestat_get_v0, ROOT, 1, P1("none"), BUF);
}

static void test_seek(void **state)
{
    (void)state;
    enum { CUR, END, SET };
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0); /* 8 bytes */
    OK(fd_seek_v0, fd, 3, SET, OUT);
    assert_true(out64() == 3);
    OK(fd_seek_v0, fd, 1, CUR, OUT);
    assert_true(out64() == 4);
    OK(fd_seek_v0, fd, (uint64_t)-1, END, OUT);
    assert_true(out64() == 7);
    ERR(INVAL, fd_seek_v0, fd, 0, 3, OUT);
    ERR(INVAL, fd_seek_v0, fd, (uint64_t)-1, SET, OUT);
}

/* Subscription i at `at`: 56 bytes, a clock's own fields begin with an identifier. */
static void sub_clock(uint64_t at, uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags)
{
    memset(guest + at, 0, 56);
    put(at, userdata, 8);
    put(at + 16, 0x1122334455667788, 8);
    put(at + 24, id, 4);
    put(at + 32, timeout, 8);
    put(at + 48, flags, 2);
}

static void sub_read(uint64_t at, uint64_t userdata, uint32_t fd)
{
    memset(guest + at, 0, 56);
    put(at, userdata, 8);
    put(at + 8, 1, 1);
    put(at + 16, fd, 4);
}

static void test_poll(void **state)
{
    (void)state;
    enum { EVENTS = BUF + 0x4000 };
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    sub_clock(BUF, 70, CLOCKID_MONOTONIC, 3600000000000, 0);
    sub_read(BUF + 56, 71, fd);
    OK(poll_oneoff_v0, BUF, EVENTS, 2, OUT);
    assert_int_equal(out32(), 1);
    assert_true(get(EVENTS, 8) == 71 && get(EVENTS + 8, 2) == 0 && get(EVENTS + 10, 1) == 1);

    uint64_t before = clock_now_ns();
    sub_clock(BUF, 72, CLOCKID_REALTIME, 20000000, 0);
    OK(poll_oneoff_v0, BUF, EVENTS, 1, OUT);
    assert_true(get(EVENTS, 8) == 72 && get(EVENTS + 8, 2) == 0);
    assert_true(clock_now_ns() - before >= 20000000);

    sub_clock(BUF, 73, CLOCKID_REALTIME, 1, 1); /* absolute, long ago */
    OK(poll_oneoff_v0, BUF, EVENTS, 1, OUT);
    assert_true(get(EVENTS, 8) == 73);

    sub_clock(BUF, 74, 9, 1, 0);
    OK(poll_oneoff_v0, BUF, EVENTS, 1, OUT);
    assert_true(get(EVENTS, 8) == 74 && get(EVENTS + 8, 2) == WASI_INVAL);
    ERR(FAULT, poll_oneoff_v0, MEMORY_BYTES - 55, EVENTS, 1, OUT);
    ERR(INVAL, poll_oneoff_v0, BUF, EVENTS, 0, OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_filestat), TEST(test_seek), TEST(test_poll) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
