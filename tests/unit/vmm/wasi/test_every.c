/* What holds of all functions of preview1 alike, one by one: pointers outside memory, pointers
 * anyhow aligned, descriptors that are not open or of the wrong kind; nothing is done and nothing
 * written where a call fails.  And the choices of specs/wasi-preview1.md that no other file here
 * tests. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Guest addresses, all odd. */
enum {
    NAME = 0x1001,
    NEW = 0x3003,
    VECTORS = 0x5005,
    RESULT = 0x8007,
    RESULT2 = 0x8107,
    BYTES = 0x10001,
    SUB = 0x20003,
    EVENT = 0x21005
};
enum { FILE_FD = FIRST };

/* A call that goes well.  at: the arguments that are addresses, with how many bytes there. */
struct row {
    const char *name;
    enum call call;
    uint64_t args[9];
    struct { unsigned arg; uint32_t bytes; } at[3];
    enum { NO_FD, FD, PATH } takes; /* a descriptor first, or one with a path */
};
#define ROW(call) #call, CALL_##call
static const struct row rows[] = {
    { ROW(args_get), { RESULT, BYTES }, { { 0, 12 }, { 1, 14 } }, NO_FD },
    { ROW(args_sizes_get), { RESULT, RESULT2 }, { { 0, 4 }, { 1, 4 } }, NO_FD },
    { ROW(environ_get), { RESULT, BYTES }, { { 0, 8 }, { 1, 15 } }, NO_FD },
    { ROW(environ_sizes_get), { RESULT, RESULT2 }, { { 0, 4 }, { 1, 4 } }, NO_FD },
    { ROW(clock_res_get), { 0, RESULT }, { { 1, 8 } }, NO_FD },
    { ROW(clock_time_get), { 0, 0, RESULT }, { { 2, 8 } }, NO_FD },
    { ROW(fd_advise), { FILE_FD, 0, 0, 0 }, { { 0 } }, FD },
    { ROW(fd_allocate), { FILE_FD, 0, 1 }, { { 0 } }, FD },
    { ROW(fd_datasync), { FILE_FD }, { { 0 } }, FD },
    { ROW(fd_fdstat_get), { FILE_FD, RESULT }, { { 1, 24 } }, FD },
    { ROW(fd_fdstat_set_flags), { FILE_FD, 4 }, { { 0 } }, FD },
    { ROW(fd_fdstat_set_rights),
      { FILE_FD, RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK | RIGHT_FD_TELL |
                     RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES },
      { { 0 } },
      FD },
    { ROW(fd_filestat_get), { FILE_FD, RESULT }, { { 1, 64 } }, FD },
    { ROW(fd_filestat_set_size), { FILE_FD, 8 }, { { 0 } }, FD },
    { ROW(fd_filestat_set_times), { FILE_FD, 0, 0, 0 }, { { 0 } }, FD },
    { ROW(fd_pread), { FILE_FD, VECTORS, 1, 0, RESULT }, { { 1, 8 }, { 4, 4 } }, FD },
    { ROW(fd_prestat_get), { ROOT, RESULT }, { { 1, 8 } }, FD },
    { ROW(fd_prestat_dir_name), { ROOT, BYTES, 1 }, { { 1, 1 } }, FD },
    { ROW(fd_pwrite), { FILE_FD, VECTORS, 1, 0, RESULT }, { { 1, 8 }, { 4, 4 } }, FD },
    { ROW(fd_read), { FILE_FD, VECTORS, 1, RESULT }, { { 1, 8 }, { 3, 4 } }, FD },
    { ROW(fd_readdir), { ROOT, BYTES, 100, 0, RESULT }, { { 1, 100 }, { 4, 4 } }, FD },
    { ROW(fd_seek), { FILE_FD, 0, 0, RESULT }, { { 3, 8 } }, FD },
    { ROW(fd_sync), { FILE_FD }, { { 0 } }, FD },
    { ROW(fd_tell), { FILE_FD, RESULT }, { { 1, 8 } }, FD },
    { ROW(fd_write), { FILE_FD, VECTORS, 1, RESULT }, { { 1, 8 }, { 3, 4 } }, FD },
    { ROW(path_create_directory), { ROOT, NEW, 3 }, { { 1, 3 } }, PATH },
    { ROW(path_remove_directory), { ROOT, NEW, 3 }, { { 1, 3 } }, PATH },
    { ROW(path_filestat_get), { ROOT, 1, NAME, 4, RESULT }, { { 2, 4 }, { 4, 64 } }, PATH },
    { ROW(path_filestat_set_times), { ROOT, 1, NAME, 4, 0, 0, 0 }, { { 2, 4 } }, PATH },
    { ROW(path_link), { ROOT, 0, NAME, 4, ROOT, NEW, 3 }, { { 2, 4 }, { 5, 3 } }, PATH },
    { ROW(path_unlink_file), { ROOT, NEW, 3 }, { { 1, 3 } }, PATH },
    { ROW(path_symlink), { NAME, 4, ROOT, NEW, 3 }, { { 0, 4 }, { 3, 3 } }, NO_FD },
    { ROW(path_readlink),
      { ROOT, NEW, 3, BYTES, 10, RESULT },
      { { 1, 3 }, { 3, 10 }, { 5, 4 } },
      PATH },
    { ROW(path_rename), { ROOT, NEW, 3, ROOT, NAME, 4 }, { { 1, 3 }, { 4, 4 } }, PATH },
    { ROW(path_open),
      { ROOT, 0, NAME, 4, OFLAG_CREAT | OFLAG_EXCL, 0, 0, 0, RESULT },
      { { 2, 4 }, { 8, 4 } },
      PATH },
    { ROW(poll_oneoff), { SUB, EVENT, 1, RESULT }, { { 0, 48 }, { 1, 32 }, { 3, 4 } }, NO_FD },
    { ROW(proc_raise), { 31 }, { { 0 } }, NO_FD },
    { ROW(random_get), { BYTES, 100 }, { { 0, 100 } }, NO_FD },
    { ROW(sched_yield), { 0 }, { { 0 } }, NO_FD },
    { ROW(fd_renumber), { FILE_FD, FILE_FD + 1 }, { { 0 } }, FD },
    { ROW(fd_close), { FILE_FD + 1 }, { { 0 } }, FD },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* The 46 without proc_exit and the four of sockets: wasi/test_process.c, wasi/test_stdio.c. */
_Static_assert(ROWS == 46 - 5, "a function is missing");

static uint32_t call_row(const struct row *row, const uint64_t *args)
{
    return call_with(row->call, args, 9);
}

/* What the guest's memory and the directory are before each call. */
static void prepare(void)
{
    const struct wasi_subscription sub = { .tag = 0, .id = CLOCKID_MONOTONIC, .timeout = 0 };
    const struct wasi_iovec vector = { BYTES, 5 };
    memset(guest, 0xee, MEMORY_BYTES);
    memcpy(guest + NAME, "file", 4);
    memcpy(guest + NEW, "new", 3);
    memcpy(guest + VECTORS, &vector, sizeof vector);
    memcpy(guest + SUB, &sub, sizeof sub);
}

static void open_two(void)
{
    assert_int_equal(opened(ROOT, "file", 0, GO_RDWR, 0), FILE_FD);
    assert_int_equal(opened(ROOT, "sub/inner", 0, GO_RDWR, 0), FILE_FD + 1);
}

/* The granted directory and its file, as a text. */
static const char *host_state(void)
{
    static char text[2][512];
    static int turn;
    char *out = text[turn = !turn];
    struct dirent **list;
    struct stat st;
    int n = scandir(root, &list, NULL, alphasort);
    *out = 0;
    for (int i = 0; i < n; i++) {
        strcat(out, list[i]->d_name), strcat(out, " ");
        free(list[i]);
    }
    free(list);
    assert_int_equal(stat(host_path("file"), &st), 0);
    sprintf(out + strlen(out), "%ld %ld %ld", (long)st.st_size, (long)st.st_mtim.tv_nsec,
            (long)st.st_nlink);
    return out;
}

static void nothing_written(const struct row *row)
{
    for (uint32_t at = RESULT - 7; at < BYTES + 300; at++)
        if (guest[at] != 0xee) {
            print_error("%s wrote at 0x%x\n", row->name, at);
            assert_int_equal(guest[at], 0xee);
        }
}

static void failed_with(const struct row *row, uint32_t err, uint32_t want, const char *before)
{
    if (err != want)
        print_error("%s\n", row->name);
    assert_int_equal(err, want);
    assert_string_equal(host_state(), before);
    nothing_written(row);
}

/* ---- pointers ---- */

static void test_pointers_outside(void **state)
{
    (void)state;
    open_two();
    char before[512];
    for (const struct row *row = rows; row < rows + ROWS; row++)
        for (int i = 0; i < 3 && row->at[i].bytes; i++) {
            const uint64_t bad[] = { MEMORY_BYTES - row->at[i].bytes + 1, MEMORY_BYTES, 0x80000000,
                                     0xffffffff, UINT32_MAX - row->at[i].bytes + 1 };
            for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
                uint64_t args[9];
                memcpy(args, row->args, sizeof args);
                args[row->at[i].arg] = bad[k];
                prepare();
                if (row->call == CALL_path_readlink)
                    assert_int_equal(symlink("file", host_path("new")), 0);
                strcpy(before, host_state());
                failed_with(row, call_row(row, args), WASI_FAULT, before);
                unlink(host_path("new"));
            }
        }
}

/* In the order of the table each finds what it needs; all pointers are odd, and the last byte of
 * memory is good. */
static void test_pointers_anyhow(void **state)
{
    (void)state;
    open_two();
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        prepare();
        if (row->call == CALL_path_open)
            unlink(host_path("file"));
        uint32_t err = call_row(row, row->args),
                 want = row->call == CALL_proc_raise ? WASI_INVAL : WASI_SUCCESS;
        if (err != want)
            print_error("%s: %u\n", row->name, err);
        assert_int_equal(err, want);
    }
    prepare();
    OK(random_get, MEMORY_BYTES - 5, 5);
    OK(clock_time_get, 0, 0, MEMORY_BYTES - 8);
    OK(fd_fdstat_get, ROOT, MEMORY_BYTES - 24);
    OK(path_filestat_get, ROOT, 0, P1("file"), MEMORY_BYTES - 64);
}

/* ---- descriptors ---- */

static void test_descriptors_that_are_not_open(void **state)
{
    (void)state;
    open_two();
    static const uint32_t numbers[] = { 99, FILE_FD + 2, 0x7fffffff, 0xfffffffe };
    for (const struct row *row = rows; row < rows + ROWS; row++)
        for (size_t i = 0; row->takes != NO_FD && i < sizeof numbers / sizeof *numbers; i++) {
            uint64_t args[9];
            memcpy(args, row->args, sizeof args);
            args[0] = numbers[i];
            prepare();
            const char *before = host_state();
            failed_with(row, call_row(row, args), WASI_BADF, before);
        }
    ERR(BADF, path_symlink, P1("file"), 99, P2("new"));
    ERR(BADF, path_rename, ROOT, P1("file"), 99, P2("new"));
    ERR(BADF, path_link, ROOT, 0, P1("file"), 99, P2("new"));
    ERR(BADF, sock_accept, 99, 0, OUT);
    ERR(BADF, sock_recv, 99, iov(BUF, 1), 1, 0, OUT, OUT2);
    ERR(BADF, sock_send, 99, iov(BUF, 1), 1, 0, OUT);
    ERR(BADF, sock_shutdown, 99, 1);
}

/* Go's and wasi-libc's -1: no preopen has the path.  Every path call says NOENT, and is counted. */
static void test_no_preopen(void **state)
{
    (void)state;
    uint64_t count, calls = 0;
    open_two();
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        uint64_t args[9];
        memcpy(args, row->args, sizeof args);
        args[0] = UINT32_MAX;
        prepare();
        const char *before = host_state();
        if (row->takes == PATH)
            failed_with(row, call_row(row, args), WASI_NOENT, before), calls++;
        else if (row->takes == FD)
            failed_with(row, call_row(row, args), WASI_BADF, before);
    }
    ERR(NOENT, path_symlink, P1("file"), UINT32_MAX, P2("new"));
    assert_string_equal(wasi_missing_path(wasi, &count), "new");
    assert_int_equal(count, calls + 1);
}

static void test_paths_below_a_file(void **state)
{
    (void)state;
    open_two();
    static const uint32_t numbers[] = { 0, 1, 2, FILE_FD };
    for (const struct row *row = rows; row < rows + ROWS; row++)
        for (size_t i = 0; row->takes == PATH && i < sizeof numbers / sizeof *numbers; i++) {
            uint64_t args[9];
            memcpy(args, row->args, sizeof args);
            args[0] = numbers[i];
            prepare();
            const char *before = host_state();
            failed_with(row, call_row(row, args), WASI_NOTDIR, before);
        }
    ERR(NOTDIR, path_symlink, P1("file"), FILE_FD, P2("new"));
    ERR(NOTDIR, path_rename, ROOT, P1("file"), FILE_FD, P2("new"));
    ERR(NOTDIR, path_link, ROOT, 0, P1("file"), FILE_FD, P2("new"));
    ERR(BADF, fd_readdir, FILE_FD, BUF, 100, 0, OUT);
}

/* A number that is closed and used again has nothing of what it was. */
static void test_number_used_again(void **state)
{
    (void)state;
    ro_file("file", "fixed");
    uint32_t dir = opened(RO, ".", OFLAG_DIRECTORY, 0, 0);
    OK(fd_readdir, dir, BUF, 30, 0, OUT); /* stops in the second entry */
    uint64_t cookie;
    memcpy(&cookie, guest + BUF, 8);
    OK(fd_close, dir);
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, FDFLAG_APPEND);
    assert_int_equal(fd, dir);
    ERR(BADF, fd_readdir, fd, BUF, 100, cookie, OUT);
    ERR(NOTDIR, path_filestat_get, fd, 0, P1("file"), OUT);
    assert_int_equal(write_text(fd, "x"), WASI_SUCCESS); /* not read-only any more */
    OK(fd_close, fd);
    assert_int_equal(opened(ROOT, "sub", OFLAG_DIRECTORY, 0, 0), dir);
    OK(fd_readdir, dir, BUF, 200, 0, OUT); /* the new directory's own entries */
    assert_int_equal(out32(), 24 + 1 + 24 + 2 + 24 + 5);
    OK(fd_fdstat_get, dir, OUT);
    assert_int_equal(guest[OUT + 2], 0); /* no APPEND */
    OK(fd_close, ROOT);
    opened(RO, "file", 0, GO_RDONLY, 0);
    assert_int_equal(out32(), ROOT); /* the lowest free number */
    ERR(BADF, fd_prestat_get, ROOT, OUT); /* no preopen any more */
    ERR(NOTDIR, path_unlink_file, ROOT, P1("file"));
    assert_int_equal(write_text(ROOT, "x"), WASI_BADF);
}

/* ---- choices ---- */

static void test_no_arguments(void **state)
{
    (void)state;
    static struct config config;
    wasi_close(wasi);
    wasi = wasi_new(&config);
    OK(args_sizes_get, OUT, OUT + 4);
    assert_int_equal(out64(), 0);
    OK(environ_sizes_get, OUT, OUT + 4);
    assert_int_equal(out64(), 0);
    OK(args_get, OUT2, BUF);
    OK(environ_get, MEMORY_BYTES, MEMORY_BYTES); /* nothing is written: any address is good */
    assert_int_equal(guest[OUT2], 0xee);
}

static uint8_t filetype_by(const char *name, uint32_t fd)
{
    memset(guest + OUT, 0xee, 64);
    OK(path_filestat_get, ROOT, 0, P1(name), OUT);
    uint8_t type = stat_out().filetype;
    if (fd) {
        OK(fd_filestat_get, fd, OUT);
        assert_int_equal(stat_out().filetype, type);
        OK(fd_fdstat_get, fd, OUT);
        assert_int_equal(guest[OUT], type);
    }
    return type;
}

static void test_filetypes(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, host_path("socket"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (void *)&address, sizeof address), 0);
    close(s);
    mkfifo(host_path("fifo"), 0600);
    assert_int_equal(symlink("file", host_path("link")), 0);
    assert_int_equal(filetype_by("file", opened(ROOT, "file", 0, GO_RDONLY, 0)), FILETYPE_REGULAR);
    assert_int_equal(filetype_by("sub", opened(ROOT, "sub", 0, GO_RDONLY, 0)), FILETYPE_DIRECTORY);
    assert_int_equal(filetype_by("fifo", opened(ROOT, "fifo", 0, GO_RDONLY, FDFLAG_NONBLOCK)),
                     FILETYPE_UNKNOWN);
    assert_int_equal(filetype_by("socket", 0), FILETYPE_STREAM);
    assert_int_equal(filetype_by("link", 0), FILETYPE_SYMLINK);
}

static mode_t host_mode(const char *name)
{
    struct stat st;
    assert_int_equal(stat(host_path(name), &st), 0);
    return st.st_mode & 07777;
}

static void test_modes_of_what_is_made(void **state)
{
    (void)state;
    mode_t before = umask(027);
    OK(path_create_directory, ROOT, P1("dir"));
    opened(ROOT, "made", OFLAG_CREAT, GO_RDWR, 0);
    umask(before);
    assert_int_equal(host_mode("dir"), 0750);
    assert_int_equal(host_mode("made"), 0640);
}

static void test_flags_reach_the_host(void **state)
{
    (void)state;
    static const struct { uint64_t wasi; int host;
    } flags[] = {
        { FDFLAG_SYNC, O_SYNC },
        { FDFLAG_RSYNC, O_SYNC },
        { FDFLAG_DSYNC, O_DSYNC },
        { FDFLAG_APPEND, O_APPEND },
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, flags[i].wasi);
        assert_int_equal(fcntl(desc_get(wasi, fd)->host, F_GETFL) & flags[i].host, flags[i].host);
        OK(fd_fdstat_get, fd, OUT);
        assert_int_equal(guest[OUT + 2], flags[i].wasi);
        OK(fd_close, fd);
    }
}

/* Where it writes is Linux's matter (at the end); the position stays. */
static void test_pwrite_while_appending(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, FDFLAG_APPEND);
    OK(fd_seek, fd, 3, 0, OUT);
    OK(fd_pwrite, fd, iov(BUF, 2), 1, 0, OUT);
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 3);
}

static void test_unknown_bits(void **state)
{
    (void)state;
    const uint64_t other = 2;
    ERR(INVAL, path_filestat_get, ROOT, other, P1("file"), OUT);
    ERR(INVAL, path_filestat_set_times, ROOT, other, P1("file"), 0, 0, 0);
    ERR(INVAL, path_link, ROOT, other, P1("file"), ROOT, P2("new"));
    ERR(INVAL, path_open, ROOT, other, P1("file"), 0, 0, 0, 0, OUT);
    ERR(INVAL, path_open, ROOT, 0xffffffff, P1("file"), 0, 0, 0, 0, OUT);
    ERR(INVAL, path_open, ROOT, 0, P1("new"), 0x11, 0, 0, 0, OUT);
    ERR(INVAL, path_open, ROOT, 0, P1("new"), OFLAG_CREAT, 0, 0, 0x20, OUT);
    assert_false(host_has("new"));
    /* inheriting rights are nobody's matter */
    OK(path_open, ROOT, 0, P1("file"), 0, GO_RDONLY, UINT64_MAX, 0, OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pointers_outside),
        TEST(test_pointers_anyhow),
        TEST(test_descriptors_that_are_not_open),
        TEST(test_no_preopen),
        TEST(test_paths_below_a_file),
        TEST(test_number_used_again),
        TEST(test_no_arguments),
        TEST(test_filetypes),
        TEST(test_modes_of_what_is_made),
        TEST(test_flags_reach_the_host),
        TEST(test_pwrite_while_appending),
        TEST(test_unknown_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
