/* /dev/stdin and its like: the program's own descriptors, with their own access, and nothing of the
 * monitor's. */
#include <sys/socket.h>

#include "tests/unit/vmm/wasi/fixture.h"

static int standard[3];
static int input;          /* the other end of 0, where that is a pipe */

static void run_begin(const char *host, const char *name, bool read_only)
{
    static struct grant grants[2];
    grants[0] = (struct grant){ .host = host, .guest = name, .read_only = read_only };
    grants[1] = (struct grant){ .host = root, .guest = "/its" };
    const struct config config = { .grants = grants,
                                   .ngrants = read_only ? 1 : 2,
                                   .stdio = standard };
    wasi = wasi_new(&config);
}

/* 0: a file for reading; 1: one for writing, with something in it; 2: a pipe. */
static int files_setup(void **state)
{
    char link[32];
    (void)state;
    if (readlink("/dev/stdin", link, sizeof link) != 15)
        skip();
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    kicked = 0;
    memory_make();
    root_make();
    host_file("in", "some words");
    host_file("out", "before");
    assert_int_equal(pipe(ends), 0);
    input = ends[0];
    standard[0] = open(host_path("in"), O_RDONLY);
    standard[1] = open(host_path("out"), O_WRONLY | O_APPEND);
    standard[2] = ends[1];
    run_begin("/", "/", false);
    return 0;
}

static int files_teardown(void **state)
{
    for (int i = 0; i < 3; i++)
        close(standard[i]);
    close(input);
    return teardown(state);
}

static void again(const char *host, const char *name, bool read_only)
{
    wasi_close(wasi);
    run_begin(host, name, read_only);
}

static uint32_t text_read(uint32_t fd, const char *want)
{
    memset(guest + BUF, 0, 64);
    OK(fd_read, fd, iov(BUF, (uint32_t)strlen(want)), 1, OUT);
    assert_string_equal((char *)guest + BUF, want);
    return fd;
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_int_equal(lseek(standard[0], 0, SEEK_SET), 0);
    text_read(opened(ROOT, "dev/stdin", 0, GO_RDONLY, 0), "som");
    text_read(opened(ROOT, "dev/fd/0", 0, GO_RDONLY, 0), "e w"); /* one position */
    text_read(0, "or");
    assert_int_equal(symlink("/dev/stdin", host_path("link")), 0);
    text_read(opened(ROOT + 1, "link", 0, GO_RDONLY, 0), "ds");
    uint32_t fd = opened(ROOT, "dev/../dev/stdout", OFLAG_CREAT | OFLAG_TRUNC, GO_WRONLY, 0);
    assert_int_equal(write_text(fd, "+"), WASI_SUCCESS);
    assert_int_equal(write_text(1, "one"), WASI_SUCCESS);
    host_holds("out", "before+one");
    assert_int_equal(write_text(opened(ROOT, "dev/stderr", 0, GO_WRONLY, 0), "err"), WASI_SUCCESS);
    char got[8];
    assert_int_equal(read(input, got, sizeof got), 3);
    uint32_t of_that = opened(ROOT, "dev/fd/5", 0, GO_RDONLY, 0);
    OK(fd_close, 5);
    ERR(NOENT, path_open, ROOT, LOOKUP_FOLLOW, P1("dev/fd/5"), 0, GO_RDONLY, INHERIT, 0, OUT);
    OK(fd_close, of_that);
}

/* Access is the descriptor's, whatever the file's mode allows. */
static void test_access(void **state)
{
    (void)state;
    static const struct { const char *name; uint64_t rights;
    } wrong[] = {
        { "dev/stdin", GO_WRONLY }, { "dev/stdin", GO_RDWR },    { "dev/stdout", GO_RDONLY },
        { "dev/fd/1", GO_RDWR },    { "dev/stderr", GO_RDONLY },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(OPEN(ROOT, wrong[i].name, 0, wrong[i].rights, 0), WASI_ACCES);
    uint32_t whole = opened(ROOT + 1, "file", 0, GO_RDWR, 0);
    char name[32];
    snprintf(name, sizeof name, "dev/fd/%u", whole);
    uint32_t fd = opened(ROOT, name, 0, GO_RDONLY, FDFLAG_NONBLOCK);
    assert_int_equal(write_text(fd, "x"), WASI_BADF);
    ERR(INVAL, fd_filestat_set_size, fd, 0);
    ERR(BADF, fd_allocate, fd, 0, 100);
    OK(fd_fdstat_set_rights, whole, RIGHT_FD_WRITE, 0);
    assert_int_equal(OPEN(ROOT, name, 0, GO_RDONLY, 0), WASI_ACCES);
    fd = opened(ROOT, name, OFLAG_TRUNC, GO_WRONLY, 0);
    ERR(NOTCAPABLE, fd_seek, fd, 0, 0, OUT);
    ERR(NOTSUP, fd_fdstat_set_flags, fd, FDFLAG_APPEND); /* the description is another's, too */
    ERR(NOTSUP, fd_fdstat_set_flags, whole, FDFLAG_APPEND);
    ERR(NOTCAPABLE, fd_filestat_set_times, opened(ROOT, "dev/stdout", 0, GO_WRONLY, 0), 0, 0,
        FST_MTIM_NOW);
    ERR(ACCES, path_open, ROOT, LOOKUP_FOLLOW, P1("dev/stdin"), OFLAG_TRUNC, GO_WRONLY, INHERIT, 0,
        OUT);
    host_holds("in", "some words");
    host_holds("file", "contents");
}

static void test_other_answers(void **state)
{
    (void)state;
    ERR(LOOP, path_open, ROOT, 0, P1("dev/stdin"), 0, GO_RDONLY, INHERIT, 0, OUT);
    ERR(LOOP, path_open, ROOT, 0, P1("dev/fd/0"), 0, GO_RDONLY, INHERIT, 0, OUT);
    ERR(EXIST, path_open, ROOT, LOOKUP_FOLLOW, P1("dev/stdin"), OFLAG_CREAT | OFLAG_EXCL, GO_WRONLY,
        INHERIT, 0, OUT);
    ERR(NOTDIR, path_open, ROOT, LOOKUP_FOLLOW, P1("dev/stdin"), OFLAG_DIRECTORY, GO_RDONLY,
        INHERIT, 0, OUT);
    static const char *const none[] = { "dev/fd/00",     "dev/fd/-1",   "dev/fd/0x0",
                                        "dev/fd/",       "dev/fd",      "dev/fd/99999999",
                                        "dev/fd/0/x",    "dev/fd/0/..", "proc/self/fd/0",
                                        "dev/fd/../fd/0" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_not_equal(OPEN(ROOT, none[i], 0, GO_RDONLY, 0), WASI_SUCCESS);
    OK(fd_filestat_get, 0, OUT);
    struct wasi_filestat own = stat_out(), named;
    OK(path_filestat_get, ROOT, LOOKUP_FOLLOW, P1("dev/stdin"), OUT);
    named = stat_out();
    assert_memory_equal(&own, &named, sizeof own);
    ERR(NOENT, path_filestat_get, ROOT, LOOKUP_FOLLOW, P1("dev/fd/77"), OUT);
    OK(path_filestat_get, ROOT, 0, P1("dev/stdin"), OUT);
    assert_int_equal(stat_out().filetype, FILETYPE_SYMLINK);
    ERR(PERM, path_filestat_set_times, ROOT, LOOKUP_FOLLOW, P1("dev/stdin"), 0, 0, FST_ATIM, OUT);
}

/* The guest's numbers: what it has not opened does not exist, though the process has such a
 * descriptor. */
static void test_nothing_of_the_monitor(void **state)
{
    (void)state;
    for (int fd = ROOT + 2; fd < 300; fd++) {
        char name[32];
        snprintf(name, sizeof name, "dev/fd/%d", fd);
        assert_int_equal(OPEN(ROOT, name, 0, GO_RDONLY, 0), WASI_NOENT);
    }
}

static void test_directories_keep_their_rights(void **state)
{
    (void)state;
    again("/", "/", true);
    uint32_t fd = opened(ROOT, "dev/fd/3", OFLAG_DIRECTORY, 0, 0);
    ERR(ROFS, path_create_directory, fd, P1("tmp/devfd-test"));
    ERR(BADF, fd_prestat_get, fd, OUT);
    /* its own access, not the grant's */
    assert_int_equal(OPEN(ROOT, "dev/stdout", 0, GO_WRONLY, 0), WASI_SUCCESS);
    assert_int_equal(write_text(out32(), "!"), WASI_SUCCESS);
    host_holds("out", "before!");
    OK(fd_fdstat_set_rights, fd, RIGHT_FD_READDIR, 0);
    char name[32];
    snprintf(name, sizeof name, "dev/fd/%u", fd);
    fd = opened(ROOT, name, OFLAG_DIRECTORY, 0, 0);
    OK(fd_fdstat_get, fd, OUT);
    struct wasi_fdstat stat;
    memcpy(&stat, guest + OUT, sizeof stat);
    assert_int_equal(stat.rights, RIGHT_FD_READDIR);
}

/* Where the guest's /dev is another directory, or has another name, its links are links into a
 * kernel file system. */
static void test_only_where_dev_is_the_hosts(void **state)
{
    (void)state;
    mkdir(host_path("dev"), 0755);
    assert_int_equal(symlink("/proc/self/fd/0", host_path("dev/stdin")), 0);
    assert_int_equal(symlink("/proc/self/fd", host_path("dev/fd")), 0);
    assert_int_not_equal(OPEN(ROOT + 1, "dev/stdin", 0, GO_RDONLY, 0), WASI_SUCCESS);
    again(root, "/", false);
    assert_int_not_equal(OPEN(ROOT, "dev/stdin", 0, GO_RDONLY, 0), WASI_SUCCESS);
    assert_int_not_equal(OPEN(ROOT, "dev/fd/0", 0, GO_RDONLY, 0), WASI_SUCCESS);
    again("/", "/host", false);
    assert_int_not_equal(OPEN(ROOT, "dev/stdin", 0, GO_RDONLY, 0), WASI_SUCCESS);
    again("/dev", "/dev", false);
    opened(ROOT, "stdin", 0, GO_RDONLY, 0);
    opened(ROOT, "fd/0", 0, GO_RDONLY, 0);
}

/* 2 is a pipe with a non-blocking twin: both are duplicated, both count, and both go. */
static void test_no_more_than_may_be_open(void **state)
{
    (void)state;
    const uint32_t before = wasi->open_count;
    wasi->open_max = before + 21;
    uint32_t n = 0;
    while (OPEN(ROOT, "dev/stderr", 0, GO_WRONLY, 0) == WASI_SUCCESS)
        n++;
    assert_int_equal(n, desc_get(wasi, 2)->io != desc_get(wasi, 2)->host ? 10 : 21);
    ERR(MFILE, path_open, ROOT, LOOKUP_FOLLOW, P1("dev/stderr"), 0, GO_WRONLY, INHERIT, 0, OUT);
    for (uint32_t fd = ROOT + 2; fd < ROOT + 2 + n; fd++)
        OK(fd_close, fd);
    assert_int_equal(wasi->open_count, before);
}

static void test_a_socket_cannot_be_opened(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    dup2(pair[0], standard[0]);
    again("/", "/", false);
    assert_int_equal(OPEN(ROOT, "dev/stdin", 0, GO_RDONLY, 0), WASI_NXIO);
    close(pair[0]);
    close(pair[1]);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_setup, files_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_duplicates),
        TEST(test_access),
        TEST(test_other_answers),
        TEST(test_nothing_of_the_monitor),
        TEST(test_directories_keep_their_rights),
        TEST(test_only_where_dev_is_the_hosts),
        TEST(test_no_more_than_may_be_open),
        TEST(test_a_socket_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
