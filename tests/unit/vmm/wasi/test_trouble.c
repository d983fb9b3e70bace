/* A host in trouble: calls of the kernel that fail or do less than they were asked, files with a
 * lease, no descriptors left.  What was reported as written is there, what was not done is an
 * error, and nothing is done by halves.
 *
 * The C library's calls are doubled: each fails as the test says, and else goes to the kernel. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- doubles ---- */
static struct trouble {
    int write, pwrite, sync, datasync, close, truncate, allocate; /* errno; 0 = none */
    int after;     /* calls that go well before */
    size_t room;   /* bytes that a write takes; 0 = all */
    int interrupt; /* calls that are interrupted first */
} trouble;

static long troubled(int error, long (*call)(long, long, long, long), long a, long b, long c,
                     long d)
{
    if (error && trouble.after-- <= 0) {
        errno = error;
        return -1;
    }
    return call(a, b, c, d);
}

#define KERNEL(name, number)                                                                       \
    static long kernel_##name(long a, long b, long c, long d)                                      \
    {                                                                                              \
        return syscall(number, a, b, c, d, 0);                                                     \
    }
KERNEL(writev, SYS_writev)
KERNEL(pwritev, SYS_pwritev)
KERNEL(fsync, SYS_fsync)
KERNEL(fdatasync, SYS_fdatasync)
KERNEL(close, SYS_close)
KERNEL(ftruncate, SYS_ftruncate)
KERNEL(fallocate, SYS_fallocate)

ssize_t writev(int fd, const struct iovec *v, int n)
{
    struct iovec cut = { v->iov_base,
                         trouble.room && trouble.room < v->iov_len ? trouble.room : v->iov_len };
    if (trouble.interrupt && trouble.interrupt--) {
        errno = EINTR;
        return -1;
    }
    return troubled(trouble.write, kernel_writev, fd, (long)(trouble.room ? &cut : v),
                    trouble.room ? 1 : n, 0);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return writev(fd, &(struct iovec){ (void *)bytes, n }, 1);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return troubled(trouble.pwrite, kernel_pwritev, fd, (long)v, n, at);
}

int fsync(int fd) { return (int)troubled(trouble.sync, kernel_fsync, fd, 0, 0, 0); }
int fdatasync(int fd) { return (int)troubled(trouble.datasync, kernel_fdatasync, fd, 0, 0, 0); }
int ftruncate(int fd, off_t size)
{
    return (int)troubled(trouble.truncate, kernel_ftruncate, fd, size, 0, 0);
}
int fallocate(int fd, int mode, off_t at, off_t n)
{
    return (int)troubled(trouble.allocate, kernel_fallocate, fd, mode, at, n);
}

/* The kernel's close does its work also where it fails. */
int close(int fd)
{
    int error = trouble.close;
    long closed = kernel_close(fd, 0, 0, 0);
    if (!error)
        return (int)closed;
    errno = error;
    return -1;
}

static off_t host_size(const char *name)
{
    struct stat st;
    assert_int_equal(stat(host_path(name), &st), 0);
    return st.st_size;
}

/* 100 iovecs of 900,000 bytes each: three chunks. */
enum { MUCH = 90000000, CHUNK_BYTES = 32 << 20 };
static void iovs_much(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        struct wasi_iovec v = { BUF, 900000 };
        memcpy(guest + IOVS + i * 8, &v, 8);
    }
}

/* ---- errors ---- */

static void test_errors_are_told(void **state)
{
    (void)state;
    static const int errors[][2] = {
        { ENOSPC, WASI_NOSPC }, { EDQUOT, WASI_DQUOT }, { EIO, WASI_IO },
        { EFBIG, WASI_FBIG },   { EROFS, WASI_ROFS },   { ESTALE, WASI_STALE },
        { ENOMEM, WASI_NOMEM },
    };
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        int e = errors[i][0];
        uint32_t want = (uint32_t)errors[i][1];
        trouble = (struct trouble){ e, e, e, e, 0, e, e, 0, 0, 0 };
        memset(guest + OUT, 0x77, 4);
        assert_int_equal(write_text(fd, "x"), want);
        assert_int_equal(out32(), 0x77777777); /* no count where nothing was written */
        assert_int_equal(CALL(fd_pwrite, fd, iov(BUF, 1), 1, 0, OUT), want);
        assert_int_equal(CALL(fd_sync, fd), want);
        assert_int_equal(CALL(fd_datasync, fd), want);
        assert_int_equal(CALL(fd_filestat_set_size, fd, 3), want);
        assert_int_equal(CALL(fd_allocate, fd, 0, 100), want);
        assert_int_equal(OPEN(ROOT, "file", OFLAG_TRUNC, GO_RDWR, 0), want);
    }
    trouble = (struct trouble){ 0 };
    host_holds("file", "contents");
    OK(fd_tell, fd, OUT);
    assert_int_equal(out64(), 0);
    trouble.allocate = EOPNOTSUPP;
    ERR(NOTSUP, fd_allocate, fd, 0, 100);
}

static void test_close_tells(void **state)
{
    (void)state;
    static const int errors[][2] = { { EIO, WASI_IO },
                                     { ENOSPC, WASI_NOSPC },
                                     { EDQUOT, WASI_DQUOT } };
    for (size_t i = 0; i < 3; i++) {
        uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
        trouble.close = errors[i][0];
        assert_int_equal(CALL(fd_close, fd), errors[i][1]);
        trouble.close = 0;
        ERR(BADF, fd_close, fd); /* it is closed all the same */
        assert_int_equal(opened(ROOT, "file", 0, GO_RDONLY, 0), fd);
        OK(fd_close, fd);
    }
}

/* Our own stdout is not really closed, its number must stay taken; what closing says is told all
 * the same. */
static void test_close_of_stdout_tells(void **state)
{
    (void)state;
    int before = fcntl(1, F_DUPFD_CLOEXEC, 10), file = open(host_path("file"), O_WRONLY);
    wasi_close(wasi);
    dup2(file, 1);
    static struct config config;
    wasi = wasi_new(&config);
    trouble.close = EIO;
    uint32_t err = CALL(fd_close, 1), again = CALL(fd_write, 1, iov(BUF, 1), 1, OUT);
    trouble.close = 0;
    dup2(before, 1);
    assert_int_equal(err, WASI_IO);
    assert_int_equal(again, WASI_BADF);
    close(before);
    close(file);
}

/* ---- less than all ---- */

static void test_short_writes_are_counted(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "short", OFLAG_CREAT, GO_RDWR, 0);
    trouble.room = 5;
    assert_int_equal(write_text(fd, "0123456789"), WASI_SUCCESS);
    assert_int_equal(out32(), 5);
    trouble.write = ENOSPC;
    assert_int_equal(write_text(fd, "56789"), WASI_NOSPC);
    trouble = (struct trouble){ 0 };
    host_holds("short", "01234");
    assert_int_equal(write_text(fd, "56789"), WASI_SUCCESS);
    host_holds("short", "0123456789");
}

/* The disk fills in the middle of one call: the count is what is there, and the next call has the
 * error. */
static void test_error_after_a_part(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "part", OFLAG_CREAT, GO_RDWR, 0);
    iovs_much();
    trouble = (struct trouble){ .write = ENOSPC, .after = 1 };
    OK(fd_write, fd, IOVS, 100, OUT);
    assert_int_equal(out32(), CHUNK_BYTES);
    assert_int_equal(host_size("part"), CHUNK_BYTES);
    iovs_much();
    ERR(NOSPC, fd_write, fd, IOVS, 100, OUT);
    trouble = (struct trouble){ .pwrite = EDQUOT, .after = 2 };
    OK(fd_pwrite, fd, IOVS, 100, 7, OUT);
    assert_int_equal(out32(), 2 * CHUNK_BYTES);
    assert_int_equal(host_size("part"), 2 * CHUNK_BYTES + 7);
    ERR(DQUOT, fd_pwrite, fd, IOVS, 100, 7, OUT);
    trouble = (struct trouble){ 0 };
    OK(fd_pwrite, fd, IOVS, 100, 7, OUT);
    assert_int_equal(out32(), MUCH);
}

static void test_interrupted_calls_go_on(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    trouble.interrupt = 3;
    assert_int_equal(write_text(fd, "CON"), WASI_SUCCESS);
    assert_int_equal(out32(), 3);
    host_holds("file", "CONtents");
    kicked = 1;
    trouble.interrupt = 1;
    assert_int_equal(write_text(fd, "x"), WASI_INTR);
}

/* Another process cuts the file between two calls. */
static void test_truncated_while_open(void **state)
{
    (void)state;
    uint32_t fd = opened(ROOT, "file", 0, GO_RDWR, 0);
    OK(fd_read, fd, iov(BUF, 6), 1, OUT);
    assert_int_equal(truncate(host_path("file"), 3), 0);
    OK(fd_read, fd, iov(BUF, 6), 1, OUT);
    assert_int_equal(out32(), 0);
    OK(fd_pread, fd, iov(BUF, 6), 1, 0, OUT);
    assert_int_equal(out32(), 3);
    OK(fd_seek, fd, 0, 2, OUT);
    assert_int_equal(out64(), 3);
    assert_int_equal(unlink(host_path("file")), 0);
    assert_int_equal(write_text(fd, "x"), WASI_SUCCESS);
    OK(fd_filestat_get, fd, OUT);
    assert_true(stat_out().size == 4 && stat_out().nlink == 0);
}

/* ---- no descriptors ---- */

static void test_no_room_nothing_done(void **state)
{
    (void)state;
    wasi->open_max = wasi->open_count;
    assert_int_equal(OPEN(ROOT, "file", OFLAG_TRUNC, GO_RDWR, 0), WASI_MFILE);
    host_holds("file", "contents");
    assert_int_equal(OPEN(ROOT, "made", OFLAG_CREAT, GO_RDWR, 0), WASI_MFILE);
    assert_false(host_has("made"));
    wasi->open_max++;
    opened(ROOT, "made", OFLAG_CREAT, GO_RDWR, 0);
    assert_true(host_has("made"));
    OK(path_create_directory, ROOT, P1("sub/d")); /* the monitor's own are not counted */
}

/* What our caller left open counts: the monitor's reserve is there on top of it. */
static void test_inherited_descriptors_count(void **state)
{
    (void)state;
    enum { LEFT = 100 };
    int left[LEFT];
    uint32_t before = wasi->open_max;
    wasi_close(wasi);
    for (int i = 0; i < LEFT; i++)
        left[i] = open("/dev/null", O_RDONLY);
    static struct config config;
    wasi = wasi_new(&config);
    uint32_t now = wasi->open_max;
    for (int i = 0; i < LEFT; i++)
        close(left[i]);
    assert_in_range(before - now, LEFT - 16, LEFT);
}

/* ---- leases ---- */

static void *lease_end(void *fd)
{
    until_it_waits();
    fcntl(*(int *)fd, F_SETLEASE, F_UNLCK);
    return NULL;
}

static void test_lease(void **state)
{
    (void)state;
    pthread_t thread;
    signal(SIGIO, SIG_IGN);
    int holder = open(host_path("file"), O_RDWR);
    if (fcntl(holder, F_SETLEASE, F_WRLCK) < 0)
        skip(); /* a file system without leases */
    pthread_create(&thread, NULL, lease_end, &holder);
    opened(ROOT, "file", 0, GO_RDONLY, 0);
    assert_true(waits > 0);
    pthread_join(thread, NULL);
    OK(fd_close, out32());
    assert_int_equal(fcntl(holder, F_SETLEASE, F_WRLCK), 0);
    kick_after_ms(30);
    assert_int_equal(OPEN(ROOT, "file", 0, GO_RDONLY, 0), WASI_INTR);
    close(holder);
}

static int calm(void **state)
{
    trouble = (struct trouble){ 0 };
    return teardown(state);
}

#define CALM(name) cmocka_unit_test_setup_teardown(name, setup, calm)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALM(test_errors_are_told),
        CALM(test_close_tells),
        CALM(test_close_of_stdout_tells),
        CALM(test_short_writes_are_counted),
        CALM(test_error_after_a_part),
        CALM(test_interrupted_calls_go_on),
        CALM(test_truncated_while_open),
        CALM(test_no_room_nothing_done),
        CALM(test_inherited_descriptors_count),
        CALM(test_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
