/* Descriptor numbers, preopens, close, renumber, the limit. */
#include "tests/unit/vmm/cli/child.h"
#include "tests/unit/vmm/wasi/fixture.h"

static void test_preopens(void **state)
{
    (void)state;
    struct wasi_prestat p;
    memset(guest + OUT, 0xee, 8);
    OK(fd_prestat_get, ROOT, OUT);
    memcpy(&p, guest + OUT, sizeof p);
    assert_int_equal(p.tag, 0);
    assert_int_equal(p.name_len, 1);
    assert_memory_equal(p.pad, "\0\0\0", 3);
    OK(fd_prestat_get, RO, OUT);
    assert_int_equal(guest[OUT + 4], 3);
    OK(fd_prestat_dir_name, RO, BUF, 3);
    assert_memory_equal(guest + BUF, "/ro\xee", 4);
    OK(fd_prestat_dir_name, RO, BUF, 100);
    ERR(NAMETOOLONG, fd_prestat_dir_name, RO, BUF, 2);
    ERR(FAULT, fd_prestat_dir_name, RO, MEMORY_BYTES - 2, 3);
    for (uint32_t fd = 0; fd < 8; fd++)
        if (fd != ROOT && fd != RO) {
            ERR(BADF, fd_prestat_get, fd, OUT);
            ERR(BADF, fd_prestat_dir_name, fd, BUF, 9);
        }
    ERR(BADF, fd_prestat_get, opened(ROOT, "sub", 0, 0, 0), OUT);
}

static void test_lowest_number(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), FIRST + i);
    OK(fd_close, FIRST + 7);
    OK(fd_close, FIRST + 3);
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), FIRST + 3);
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), FIRST + 7);
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), FIRST + 40);
    ERR(BADF, fd_close, 1000);
    ERR(BADF, fd_close, 0xffffffff);
    OK(fd_close, FIRST);
    ERR(BADF, fd_close, FIRST);
}

static void test_close_preopen(void **state)
{
    (void)state;
    OK(fd_close, ROOT);
    ERR(BADF, fd_fdstat_get, ROOT, OUT);
    ERR(BADF, fd_prestat_get, ROOT, OUT);
    ERR(BADF, path_filestat_get, ROOT, 0, P1("file"), OUT);
}

static void test_renumber(void **state)
{
    (void)state;
    uint32_t a = opened(ROOT, "file", 0, GO_RDONLY, 0),
             b = opened(ROOT, "sub/inner", 0, GO_RDONLY, 0);
    ERR(BADF, fd_renumber, a, 99);
    ERR(BADF, fd_renumber, 99, a);
    OK(fd_renumber, a, a);
    OK(fd_renumber, b, a);
    ERR(BADF, fd_fdstat_get, b, OUT);
    OK(fd_read, a, iov(BUF, 20), 1, OUT);
    assert_int_equal(out32(), 5);
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), b);
    uint32_t sub = opened(ROOT, "sub", 0, 0, 0);
    OK(fd_renumber, sub, ROOT);
    ERR(BADF, fd_prestat_get, ROOT, OUT); /* no preopen any more */
    OK(path_filestat_get, ROOT, 0, P1("inner"), OUT);
    OK(fd_renumber, RO, a);
    OK(fd_prestat_get, a, OUT); /* its name moved with it */
}

/* --max-files counts all that is open, and the system's limit where that is less. */
static void test_most_files(void **state)
{
    (void)state;
    static const struct { uint64_t most, soft; bool most_counts; } rows[] = {
        { 20, 1000, true }, { 1000000, 1000, false }, { 0, 1000, false },
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rlimit before, limit;
        struct wasi table = { .null = -1 };
        struct failure why;
        getrlimit(RLIMIT_NOFILE, &before);
        limit = before;
        limit.rlim_cur = rows[i].soft;
        setrlimit(RLIMIT_NOFILE, &limit);
        assert_true(fdtable_open(&table, rows[i].most, NULL, &why));
        if (rows[i].most_counts)
            assert_int_equal(table.open_max, rows[i].most);
        else
            assert_in_range(table.open_max, 100, 1000 - 64);
        fdtable_close(&table);
        setrlimit(RLIMIT_NOFILE, &before);
    }
}

static void test_limit(void **state)
{
    (void)state;
    wasi->open_max = 20;
    uint32_t err, n = 0;
    while ((err = OPEN(ROOT, "file", 0, GO_RDONLY, 0)) == WASI_SUCCESS)
        n++;
    assert_int_equal(err, WASI_MFILE);
    assert_int_equal(n, 20 - FIRST);
    int descriptors = host_descriptors();
    for (int i = 0; i < 10; i++)
        assert_int_equal(OPEN(ROOT, "file", 0, GO_RDONLY, 0), WASI_MFILE);
    assert_int_equal(host_descriptors(), descriptors); /* a refused open leaves nothing behind */
    OK(fd_close, 9);
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), 9);
}

/* The process's limits are its own: what is left of them is the guest's. */
static void test_soft_limit_counts_and_stays(void **state)
{
    (void)state;
    struct rlimit before, less, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    less = before;
    less.rlim_cur = 300;
    setrlimit(RLIMIT_NOFILE, &less);
    struct config config = { .argc = 0 };
    struct wasi *w = wasi_new(&config);
    getrlimit(RLIMIT_NOFILE, &after);
    assert_int_equal(after.rlim_cur, 300);
    assert_true(w->open_max > 200 && w->open_max < 300);
    wasi_close(w);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* Whatever a call does, it leaves no descriptor of ours behind, and a program that we started would
 * inherit none. */
static void test_nothing_leaks(void **state)
{
    (void)state;
    int descriptors = host_descriptors();
    for (int i = 0; i < 3; i++) {
        CALL(path_create_directory, ROOT, P1("sub/d"));
        CALL(path_create_directory, ROOT, P1("sub/../.."));
        CALL(path_create_directory, ROOT, P1("sub/."));
        CALL(path_rename, ROOT, P1("sub/d"), ROOT, P2("sub/e"));
        CALL(path_rename, ROOT, P1("sub/d"), ROOT, P2("../e"));
        CALL(path_rename, ROOT, P1("sub/d"), RO, P2("x/e"));
        CALL(path_link, ROOT, 0, P1("sub/inner"), ROOT, P2("sub/l/"));
        CALL(path_symlink, P1("x"), ROOT, P2("sub/s"));
        CALL(path_readlink, ROOT, P1("sub/s"), BUF, 10, OUT);
        CALL(path_readlink, ROOT, P1("sub/inner"), BUF, 10, OUT);
        CALL(path_filestat_get, ROOT, 1, P1("sub/inner"), OUT);
        CALL(path_filestat_set_times, ROOT, 1, P1("sub/inner"), 0, 0, FST_MTIM);
        CALL(path_unlink_file, ROOT, P1("sub/s/"));
        CALL(path_unlink_file, ROOT, P1("sub/s"));
        OPEN(ROOT, "sub/none", 0, GO_RDONLY, 0);
        OK(fd_close, opened(ROOT, "sub/inner", 0, GO_RDONLY, 0));
    }
    assert_int_equal(host_descriptors(), descriptors);
    for (uint32_t fd = 3; fd < wasi->ndescs; fd++)
        if (wasi->descs[fd].host >= 0)
            assert_true(fcntl(wasi->descs[fd].host, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(wasi->null, F_GETFD) & FD_CLOEXEC);
    for (uint32_t fd = 0; fd < 3; fd++)
        if (wasi->descs[fd].io != wasi->descs[fd].host)
            assert_true(fcntl(wasi->descs[fd].io, F_GETFD) & FD_CLOEXEC);
}

/* The embedding process may have closed its own 0: a file of the program's then has that number,
 * and is closed like any other. */
static void test_a_file_by_the_number_0(void **state)
{
    int kept = dup(0);
    setup(state);
    assert_true(kept > 0);
    close(0);
    int host = desc_get(wasi, opened(ROOT, "file", 0, GO_RDONLY, 0))->host;
    teardown(state);
    bool stays = fcntl(0, F_GETFD) >= 0;
    dup2(kept, 0);
    close(kept);
    assert_int_equal(host, 0);
    assert_false(stays);
}

/* ---- a program that goes on with the descriptors of its start ---- */

static void test_streams_go_on(void **state)
{
    (void)state;
    struct streams_kept kept, other;
    OK(fd_fdstat_set_flags, 0, FDFLAG_NONBLOCK);
    OK(fd_fdstat_set_rights, 1, RIGHT_FD_WRITE, 0);
    assert_true(wasi_streams_keep(wasi, &kept));
    assert_int_equal(kept.n, FIRST);
    OK(fd_fdstat_set_flags, 0, 0);
    OK(fd_fdstat_set_flags, 2, FDFLAG_NONBLOCK);
    desc_get(wasi, 1)->rights = RIGHT_ALL;
    assert_true(wasi_streams_back(wasi, &kept));
    assert_int_equal(desc_get(wasi, 0)->fdflags, FDFLAG_NONBLOCK);
    assert_int_equal(desc_get(wasi, 2)->fdflags, 0);
    assert_int_equal(desc_get(wasi, 1)->rights, RIGHT_FD_WRITE);
    uint32_t fd = opened(ROOT, "file", 0, GO_RDONLY, 0); /* one more */
    assert_false(wasi_streams_keep(wasi, &other));
    OK(fd_close, fd);
    assert_true(wasi_streams_keep(wasi, &other));
    OK(fd_close, RO); /* one less */
    assert_false(wasi_streams_keep(wasi, &other));
    assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), RO); /* another with its number */
    assert_false(wasi_streams_keep(wasi, &other));
    assert_false(wasi_streams_back(wasi, &(struct streams_kept){1, {{.fd = 77}}}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_preopens),
        TEST(test_lowest_number),
        TEST(test_close_preopen),
        TEST(test_renumber),
        TEST(test_limit),
        TEST(test_most_files),
        TEST(test_soft_limit_counts_and_stays),
        TEST(test_nothing_leaks),
        cmocka_unit_test(test_a_file_by_the_number_0),
        TEST(test_streams_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
