/* fdstat, flags, rights, filestat, times, size. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <sys/socket.h>

static struct wasi_fdstat fdstat(uint32_t fd)
{
    struct wasi_fdstat st;
    memset(guest + OUT, 0xee, sizeof st);
    OK(fd_fdstat_get, fd, OUT);
    memcpy(&st, guest + OUT, sizeof st);
    return st;
}

static void test_fdstat(void **state)
{
    (void)state;
    struct wasi_fdstat st = fdstat(opened(ROOT, "file", 0, GO_RDONLY, FDFLAG_NONBLOCK));
    assert_int_equal(st.filetype, FILETYPE_REGULAR);
    assert_int_equal(st.flags, FDFLAG_NONBLOCK);
    assert_int_equal(st.pad0 | st.pad1, 0); /* Go reads structs whole */
    assert_true((st.rights & RIGHT_FD_READ) && !(st.rights & RIGHT_FD_WRITE));
    st = fdstat(opened(ROOT, "file", 0, GO_WRONLY, FDFLAG_APPEND | FDFLAG_SYNC));
    assert_int_equal(st.flags, FDFLAG_APPEND | FDFLAG_SYNC);
    assert_true(!(st.rights & RIGHT_FD_READ) && (st.rights & RIGHT_FD_WRITE));
    st = fdstat(opened(ROOT, "file", 0, GO_RDWR, 0));
    assert_true((st.rights & RIGHT_FD_READ) && (st.rights & RIGHT_FD_WRITE) &&
                (st.rights & RIGHT_FD_SEEK));
    ERR(BADF, fd_fdstat_get, 99, OUT);
    ERR(FAULT, fd_fdstat_get, ROOT, MEMORY_BYTES - 23);
}

static void test_directory_rights(void **state)
{
    (void)state;
    const uint64_t must = RIGHT_PATH_CREATE_DIRECTORY | RIGHT_PATH_CREATE_FILE |
                          RIGHT_PATH_LINK_SOURCE | RIGHT_PATH_LINK_TARGET | RIGHT_PATH_OPEN |
                          RIGHT_FD_READDIR | RIGHT_PATH_READLINK | RIGHT_PATH_RENAME_SOURCE |
                          RIGHT_PATH_RENAME_TARGET | RIGHT_PATH_SYMLINK |
                          RIGHT_PATH_REMOVE_DIRECTORY | RIGHT_PATH_UNLINK_FILE |
                          RIGHT_PATH_FILESTAT_GET | RIGHT_PATH_FILESTAT_SET_TIMES |
                          RIGHT_FD_FILESTAT_GET | RIGHT_FD_FILESTAT_SET_TIMES;
    struct wasi_fdstat st = fdstat(ROOT);
    assert_int_equal(st.filetype, FILETYPE_DIRECTORY);
    assert_true((st.rights & must) == must);
    assert_false(st.rights &
                 (RIGHT_FD_SEEK | RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_PATH_FILESTAT_SET_SIZE));
    assert_true(st.inheriting & RIGHT_FD_WRITE);
}

static void test_set_flags(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, FDFLAG_DSYNC);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK | FDFLAG_APPEND | FDFLAG_DSYNC);
    assert_int_equal(fdstat(fd).flags, FDFLAG_NONBLOCK | FDFLAG_APPEND | FDFLAG_DSYNC);
    ERR(INVAL, fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK); /* takes DSYNC away */
    ERR(INVAL, fd_fdstat_set_flags, fd, FDFLAG_DSYNC | FDFLAG_SYNC);
    ERR(INVAL, fd_fdstat_set_flags, fd, 32);
    ERR(INVAL, fd_fdstat_set_flags, fd, 0x10000);
    assert_int_equal(fdstat(fd).flags, FDFLAG_NONBLOCK | FDFLAG_APPEND | FDFLAG_DSYNC);
    OK(fd_fdstat_set_flags, fd, FDFLAG_DSYNC);
    assert_int_equal(fdstat(fd).flags, FDFLAG_DSYNC);
    ERR(ISDIR, fd_fdstat_set_flags, ROOT, FDFLAG_NONBLOCK);
    ERR(BADF, fd_fdstat_set_flags, 99, 0);
    /* A regular file is never AGAIN. */
    fd = opened(ROOT, "file", 0, GO_RDWR, FDFLAG_NONBLOCK);
    OK(fd_read, fd, iov(BUF, 100), 1, OUT);
    OK(fd_read, fd, iov(BUF, 100), 1, OUT);
    assert_int_equal(out32(), 0);
}

static void test_set_rights(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    uint64_t all = fdstat(fd).rights;
    OK(fd_fdstat_set_rights, fd, all & ~(uint64_t)RIGHT_FD_WRITE, 0);
    assert_int_equal(write_text(fd, "x"), WASI_BADF);
    OK(fd_read, fd, iov(BUF, 1), 1, OUT);
    ERR(NOTCAPABLE, fd_fdstat_set_rights, fd, all, 0);
    ERR(NOTCAPABLE, fd_fdstat_set_rights, fd, 0, RIGHT_FD_READ);
    ERR(INVAL, fd_fdstat_set_rights, fd, 1ull << 40, 0);
    assert_int_equal(fdstat(fd).rights, all & ~(uint64_t)RIGHT_FD_WRITE);
    ERR(BADF, fd_fdstat_set_rights, 99, 0, 0);
}

static void test_filestat(void **state)
{
    (void)state;
    struct stat host;
    assert_int_equal(stat(host_path("file"), &host), 0);
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0);
    memset(guest + OUT, 0xee, 64);
    OK(fd_filestat_get, fd, OUT);
    struct wasi_filestat st = stat_out();
    assert_int_equal(st.dev, host.st_dev);
    assert_int_equal(st.ino, host.st_ino);
    assert_int_equal(st.filetype, FILETYPE_REGULAR);
    assert_memory_equal(st.pad, "\0\0\0\0\0\0\0", 7);
    assert_int_equal(st.nlink, 1);
    assert_int_equal(st.size, 8);
    assert_int_equal(st.mtim, host.st_mtim.tv_sec * 1000000000 + host.st_mtim.tv_nsec);
    OK(path_filestat_get, ROOT, 1, P1("file"), OUT);
    assert_memory_equal(guest + OUT, &st, sizeof st);
    OK(path_filestat_get, ROOT, 1, P1("sub/../file"), OUT);
    assert_memory_equal(guest + OUT, &st, sizeof st);
    OK(fd_filestat_get, ROOT, OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_DIRECTORY);
    assert_int_equal(symlink("file", host_path("s")), 0);
    OK(path_filestat_get, ROOT, 0, P1("s"), OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    OK(path_filestat_get, ROOT, 1, P1("s"), OUT);
    assert_int_equal(stat_out().ino, host.st_ino);
    ERR(FAULT, fd_filestat_get, fd, MEMORY_BYTES - 63);
}

static void test_times(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    OK(fd_filestat_set_times, fd, 1000000000, 2000000001, FST_ATIM | FST_MTIM);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().atim, 1000000000);
    assert_int_equal(stat_out().mtim, 2000000001);
    OK(fd_filestat_set_times, fd, 5, 5, 0); /* nothing named: nothing changes */
    OK(fd_filestat_set_times, fd, 5, 7, FST_MTIM);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().atim, 1000000000);
    assert_int_equal(stat_out().mtim, 7);
    OK(path_filestat_set_times, ROOT, 1, P1("file"), (uint64_t)-1500000000, (uint64_t)-1,
       FST_ATIM | FST_MTIM);
    OK(path_filestat_get, ROOT, 1, P1("file"), OUT);
    assert_int_equal(stat_out().atim, -1500000000); /* before 1970 */
    assert_int_equal(stat_out().mtim, -1);
    int64_t before = (int64_t)clock_ns(CLOCK_REALTIME) - 100000000;
    OK(path_filestat_set_times, ROOT, 1, P1("sub/../file"), 0, 0, FST_ATIM_NOW | FST_MTIM);
    OK(path_filestat_get, ROOT, 1, P1("file"), OUT);
    assert_true(stat_out().atim > before);
    assert_int_equal(stat_out().mtim, 0);
    static const uint64_t bad[] = { FST_ATIM | FST_ATIM_NOW, FST_MTIM | FST_MTIM_NOW, 15, 16,
                                    0x10000 };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ERR(INVAL, fd_filestat_set_times, fd, 9, 9, bad[i]);
        ERR(INVAL, path_filestat_set_times, ROOT, 1, P1("file"), 9, 9, bad[i]);
    }
    OK(path_filestat_get, ROOT, 1, P1("file"), OUT);
    assert_int_equal(stat_out().mtim, 0);
    OK(fd_filestat_set_times, ROOT, 0, 3000000000, FST_MTIM);
    /* no overflow */
    OK(fd_filestat_set_times, fd, (uint64_t)INT64_MIN, INT64_MAX, FST_ATIM | FST_MTIM);
}

/* Times before 1970 come back as they were given, and the host has the same: seconds, parts of
 * them, 1969, 1901. */
static void test_times_before_1970(void **state)
{
    (void)state;
    const int64_t second = 1000000000;
    const int64_t times[] = { -1,
                              -second,
                              -second - 1,
                              -second + 1,
                              -1500000000,
                              -31536000 * second,
                              -31535999 * second - 999999999,
                              -2147483647 * second };
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct stat st;
        int64_t t = times[i];
        OK(fd_filestat_set_times, fd, (uint64_t)t, (uint64_t)t, FST_ATIM | FST_MTIM);
        OK(fd_filestat_get, fd, OUT);
        assert_int_equal(stat_out().mtim, t);
        assert_int_equal(stat_out().atim, t);
        assert_int_equal(stat(host_path("file"), &st), 0);
        assert_true(st.st_mtim.tv_nsec >= 0 &&
                    st.st_mtim.tv_sec * second + st.st_mtim.tv_nsec == t);
        OK(path_filestat_set_times, ROOT, 1, P1("file"), 0, 0, FST_MTIM);
        OK(path_filestat_set_times, ROOT, 1, P1("file"), 0, (uint64_t)t, FST_MTIM);
        OK(path_filestat_get, ROOT, 1, P1("file"), OUT);
        assert_int_equal(stat_out().mtim, t);
    }
}

static void test_times_of_links(void **state)
{
    (void)state;
    assert_int_equal(symlink("file", host_path("s")), 0);
    OK(path_filestat_set_times, ROOT, 0, P1("s"), 0, 42, FST_MTIM);
    OK(path_filestat_get, ROOT, 0, P1("s"), OUT);
    assert_int_equal(stat_out().mtim, 42);
    OK(path_filestat_get, ROOT, 1, P1("s"), OUT);
    assert_int_not_equal(stat_out().mtim, 42);
    OK(path_filestat_set_times, ROOT, 1, P1("s"), 0, 43, FST_MTIM);
    OK(path_filestat_get, ROOT, 0, P1("file"), OUT);
    assert_int_equal(stat_out().mtim, 43);
    ERR(NOENT, path_filestat_set_times, ROOT, 1, P1("none"), 0, 43, FST_MTIM);
}

static void test_size(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    OK(fd_filestat_set_size, fd, 3);
    host_holds("file", "con");
    OK(fd_filestat_set_size, fd, 5);
    OK(fd_filestat_get, fd, OUT);
    assert_int_equal(stat_out().size, 5);
    ERR(INVAL, fd_filestat_set_size, fd, UINT64_MAX);
    ERR(ISDIR, fd_filestat_set_size, ROOT, 3);
    ERR(INVAL, fd_filestat_set_size, opened(ROOT, "file", 0, GO_RDONLY, 0), 0);
    ERR(BADF, fd_filestat_set_size, 99, 0);
}

/* What the guest's side tells without asking is what would have been told. */
static void test_boot_record(void **state)
{
    (void)state;
    static struct control control;
    mem.regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, sizeof control, (uint8_t *)&control,
                                                   true };
    fdstat_publish(wasi);
    uint32_t file = opened(ROOT, "file", 0, GO_RDONLY, FDFLAG_NONBLOCK);
    mem.regions[REGION_CONTROL] = (struct region){ 0 };
    assert_int_equal(control.boot.fdstats, FIRST);
    OK(fd_fdstat_get, file, OUT);
    assert_memory_equal(&control.boot.fdstat[file], guest + OUT, sizeof control.boot.fdstat[file]);
    assert_int_equal(control.boot.fdstat[file].flags, FDFLAG_NONBLOCK);
    for (uint32_t fd = 0; fd < FIRST; fd++) {
        OK(fd_fdstat_get, fd, OUT);
        assert_memory_equal(&control.boot.fdstat[fd], guest + OUT, sizeof control.boot.fdstat[fd]);
    }
    assert_int_equal(control.boot.fdstat[ROOT].filetype, FILETYPE_DIRECTORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fdstat),
        TEST(test_directory_rights),
        TEST(test_set_flags),
        TEST(test_set_rights),
        TEST(test_filestat),
        TEST(test_times),
        TEST(test_times_before_1970),
        TEST(test_times_of_links),
        TEST(test_size),
        TEST(test_boot_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
