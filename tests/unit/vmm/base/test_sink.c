/* Words of ours: nobody who does not read keeps us waiting, what is dropped is counted, and the
 * reader is told. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/base.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BOUND_NS 20000000000u /* generous: what waits here waits for ever */
#define PATIENCE_NS 10000000u

enum kind {
    PIPE,
    UNKNOWN, /* pipe: nobody says that it is one */
    TERMINAL,
    SOCKET,
    JAILED, /* socket: there is no send */
    EVENT,
    KINDS
};

static bool no_send, no_stat;

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    errno = ENOSYS;
    return no_send ? -1 : sendto(fd, bytes, n, flags, NULL, 0);
}

/* A sink makes no call by number but fstat. */
long syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    int fd = va_arg(args, int);
    struct stat *st = va_arg(args, struct stat *);
    va_end(args);
    assert_int_equal(number, SYS_fstat);
    errno = EIO;
    return no_stat ? -1 : fstat(fd, st);
}

/* ends[0] is what a reader has, ends[1] what is written to; both block. */
static void ends_make(enum kind kind, int ends[2])
{
    switch (kind) {
    case PIPE:
    case UNKNOWN: assert_int_equal(pipe(ends), 0); break;
    case TERMINAL: assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0); break;
    case SOCKET:
    case JAILED: assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); break;
    default: ends[0] = ends[1] = eventfd(0xfffffffe, 0); break;
    }
}

/* What a reader gets until nothing comes any more; of it the beginning. */
static void drained(int fd, char *first, size_t cap)
{
    size_t used = 0;
    char bytes[4096];
    while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 200) > 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            break;
        size_t kept = (size_t)n < cap - 1 - used ? (size_t)n : cap - 1 - used;
        memcpy(first + used, bytes, kept);
        used += kept;
    }
    first[used] = 0;
}

static void nobody_is_waited_for(void **state)
{
    (void)state;
    char words[1000], got[4096];
    memset(words, 'x', sizeof words);
    for (enum kind kind = PIPE; kind < KINDS; kind++) {
        int ends[2];
        struct sink sink;
        ends_make(kind, ends);
        no_stat = kind == UNKNOWN;
        sink_open(&sink, ends[1]);
        no_stat = false;
        no_send = kind == JAILED;
        uint64_t began = clock_now_ns(), times = 0;
        while (sink_write(&sink, words, sizeof words, PATIENCE_NS) && ++times < 100000)
            ;
        assert_true(clock_now_ns() - began < BOUND_NS && times < 100000);
        assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK); /* it is others' too */
        if (kind == EVENT) { /* takes no words at all */
            close(ends[0]);
            sink_close(&sink);
            continue;
        }
        assert_true(errno == EAGAIN && sink.stalled && sink.lost == 1);
        for (int i = 0; i < 3; i++)
            assert_false(
                sink_write(&sink, words, sizeof words, BOUND_NS)); /* no patience any more */
        assert_true(sink.lost == 4 && clock_now_ns() - began < BOUND_NS);
        drained(ends[0], got, sizeof got);
        assert_true(sink_write(&sink, "again\n", 6, PATIENCE_NS) && sink.told == 4);
        drained(ends[0], got, sizeof got);
        assert_non_null(strstr(got, " writes were left out here: nobody read them"));
        assert_non_null(strstr(got, "again"));
        assert_true(sink_write(&sink, "more\n", 5, PATIENCE_NS) && sink.lost == 4 && !sink.stalled);
        sink_close(&sink);
        close(ends[0]);
        close(ends[1]);
    }
}

/* Of the smallest buffer a few bytes make a piece of 4 KiB wait, though poll says that it is
 * writable. */
static void a_small_buffer_is_not_waited_for(void **state)
{
    (void)state;
    int ends[2], least = 1;
    struct sink sink;
    char words[4096];
    memset(words, 'z', sizeof words);
    ends_make(JAILED, ends);
    assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    assert_int_equal(write(ends[1], words, 100), 100);
    sink_open(&sink, ends[1]);
    no_send = true;
    alarm(60); /* what waits here waits for ever */
    assert_false(sink_write(&sink, words, sizeof words, PATIENCE_NS));
    alarm(0);
    assert_int_equal(errno, EAGAIN);
    sink_close(&sink);
    close(ends[0]);
    close(ends[1]);
}

static void a_reader_that_is_slow_loses_nothing(void **state)
{
    (void)state;
    int ends[2];
    struct sink sink;
    char words[PIPE_BUF * 2];
    memset(words, 'y', sizeof words);
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    sink_open(&sink, ends[1]);
    pid_t reader = fork();
    if (reader == 0) {
        char bytes[4096];
        usleep(50000);
        for (size_t all = 0; all < sizeof words; all += (size_t)read(ends[0], bytes, sizeof bytes))
            usleep(20000);
        _exit(0);
    }
    assert_true(sink_write(&sink, words, sizeof words, BOUND_NS) && sink.lost == 0);
    sink_close(&sink);
    close(ends[0]);
    close(ends[1]);
}

static void errors_are_errors(void **state)
{
    (void)state;
    struct sink sink;
    int full = open("/dev/full", O_WRONLY);
    sink_open(&sink, full);
    assert_false(sink_write(&sink, "x", 1, PATIENCE_NS));
    assert_true(errno == ENOSPC && sink.lost == 0);
    sink_close(&sink);
    close(full);
}

static void no_more_than_is_left(void **state)
{
    (void)state;
    struct sink sink;
    int ends[2];
    char got[64];
    assert_int_equal(pipe(ends), 0);
    sink_open(&sink, ends[1]);
    sink.left = 10;
    assert_true(sink_write(&sink, "123456789", 9, PATIENCE_NS)); /* N - 1 */
    assert_false(sink_write(&sink, "xy", 2, PATIENCE_NS));        /* N + 1: nothing of it */
    assert_true(errno == SINK_FULL && sink.lost == 0);
    assert_true(sink_write(&sink, "0", 1, PATIENCE_NS)); /* N */
    assert_false(sink_write(&sink, "x", 1, PATIENCE_NS));
    drained(ends[0], got, sizeof got);
    assert_string_equal(got, "1234567890");
    sink_close(&sink);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_waited_for),
        cmocka_unit_test(a_small_buffer_is_not_waited_for),
        cmocka_unit_test(a_reader_that_is_slow_loses_nothing),
        cmocka_unit_test(errors_are_errors),
        cmocka_unit_test(no_more_than_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
