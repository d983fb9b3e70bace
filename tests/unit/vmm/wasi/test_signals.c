/* The source of signals as a program has it: what it asks for, what comes, and that it can do no
 * more by it. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <pthread.h>
#include <sched.h>

enum { SUB = 0x20000, EVENT = 0x21000, NONE = -1 };

/* ---- a signal at the very end: another thread has the bell, and has not rung it yet ---- */

static int held_bell = -1;             /* whose ringing waits */
static bool ringing, waited_for, over; /* atomic: it rings; the end waits for it, or did not */
static ssize_t rang = -1;

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (fd != held_bell)
        return syscall(SYS_write, fd, bytes, n);
    __atomic_store_n(&ringing, true, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&waited_for, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&over, __ATOMIC_SEQ_CST))
        syscall(SYS_sched_yield);
    return rang = syscall(SYS_write, fd, bytes, n);
}

int sched_yield(void)
{
    __atomic_store_n(&waited_for, true, __ATOMIC_SEQ_CST);
    return (int)syscall(SYS_sched_yield);
}

static struct signals *source;

static uint32_t source_opened(void)
{
    source = wasi->signals;
    return opened((uint32_t)NONE, "/dev/wasmvm/signals", 0, 0, 0);
}

static void changes(uint32_t fd, const char *bytes, uint32_t n)
{
    memcpy(guest + BUF, bytes, n);
    OK(fd_write, fd, iov(BUF, n), 1, OUT);
    assert_int_equal(out32(), n);
}
#define CHANGE(fd, bytes) changes(fd, bytes, sizeof bytes - 1)

/* What a read of so many bytes gives, as a string. */
static const char *come(uint32_t fd, uint32_t most)
{
    memset(guest + BUF, 0, 100);
    uint32_t err = CALL(fd_read, fd, iov(BUF, most), 1, OUT);
    if (err == WASI_AGAIN)
        return "";
    assert_int_equal(err, WASI_SUCCESS);
    assert_true(out32() > 0 && out32() <= most);
    return (const char *)guest + BUF;
}

/* Whether a poll finds something to read, at once. */
static bool readable(uint32_t fd)
{
    const struct wasi_subscription subs[2] = { { .tag = 1, .id = fd },
                                               { .tag = 0, .id = CLOCKID_MONOTONIC } };
    struct wasi_event e;
    memcpy(guest + SUB, subs, sizeof subs);
    OK(poll_oneoff, SUB, EVENT, 2, OUT);
    memcpy(&e, guest + EVENT, sizeof e);
    return out32() == 2 || e.type == 1;
}

static void what_is_asked_for_comes(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    assert_int_equal(fd, FIRST);
    assert_int_equal(signals_raise(source, SIGHUP), SIGNAL_UNWANTED);
    CHANGE(fd, "\x01\x0f");
    assert_false(readable(fd));
    assert_string_equal(come(fd, 9), "");
    assert_int_equal(signals_raise(source, SIGTERM), SIGNAL_TAKEN);
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_UNWANTED);
    assert_true(readable(fd));
    assert_string_equal(come(fd, 9), "\x0f");
    assert_false(readable(fd));
    assert_string_equal(come(fd, 9), "");
}

/* Several buffers, and none behind them: the array is as long as it is said to be. */
static void several_buffers_and_none_behind(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    const struct desc *d = desc_get(wasi, fd);
    for (int n = 0; n <= 3; n++) {
        char wanted[] = "\x01\x02\x0f", came[4] = "", gone[] = "\x81\x82\x8f";
        struct iovec *v = malloc(n * sizeof *v + !n);
        for (int i = 0; i < n; i++)
            v[i] = (struct iovec){ wanted + i, 1 };
        assert_int_equal(d->ops->write(d, v, n, AT_POSITION), n);
        assert_int_equal(signals_raise(source, SIGHUP), n > 0 ? SIGNAL_TAKEN : SIGNAL_UNWANTED);
        assert_int_equal(signals_raise(source, SIGTERM), n > 2 ? SIGNAL_TAKEN : SIGNAL_UNWANTED);
        for (int i = 0; i < n; i++)
            v[i].iov_base = came + i;
        if (n > 0)
            assert_int_equal(d->ops->read(d, v, n, AT_POSITION), n > 2 ? 2 : 1);
        assert_string_equal(came, n > 2 ? "\x01\x0f" : n > 0 ? "\x01" : "");
        for (int i = 0; i < n; i++)
            v[i].iov_base = gone + i;
        assert_int_equal(d->ops->write(d, v, n, AT_POSITION), n);
        free(v);
    }
}

static void one_that_is_unread_is_one(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    CHANGE(fd, "\x01\x02\x0f");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_UNREAD);
    assert_int_equal(signals_raise(source, SIGTERM), SIGNAL_TAKEN);
    assert_int_equal(signals_raise(source, SIGHUP), SIGNAL_TAKEN);
    assert_string_equal(come(fd, 1), "\x01");
    assert_true(readable(fd)); /* what is left is told again */
    assert_string_equal(come(fd, 9), "\x02\x0f");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
    assert_string_equal(come(fd, 9), "\x02");
}

static void no_longer_and_ignored(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    CHANGE(fd, "\x02\x01");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
    CHANGE(fd, "\x82");
    assert_string_equal(come(fd, 9), "");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_UNWANTED);
    CHANGE(fd, "\x42");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_IGNORED);
    assert_string_equal(come(fd, 9), "");
    CHANGE(fd, "\x02");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
    assert_string_equal(come(fd, 9), "\x02");
}

static void a_close_unwants_all(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    CHANGE(fd, "\x02\x41");
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/signals", 0, 0, 0), WASI_BUSY);
    OK(fd_close, fd);
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_UNWANTED);
    assert_int_equal(signals_raise(source, SIGHUP), SIGNAL_UNWANTED);
    fd = source_opened();
    assert_string_equal(come(fd, 9), "");
    assert_false(readable(fd));
}

static void any_byte_is_harmless(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    for (unsigned i = 0; i < 60000; i++)
        guest[BUF + i] = (uint8_t)i;
    OK(fd_write, fd, iov(BUF, 60000), 1, OUT);
    assert_int_equal(out32(), 4096); /* no call takes long */
    for (unsigned number = 1; number < 64; number++)
        assert_int_equal(signals_raise(source, number), SIGNAL_UNWANTED);
    assert_int_equal(signals_raise(source, 0), SIGNAL_UNWANTED);
    assert_int_equal(signals_raise(source, 64), SIGNAL_UNWANTED);
    CHANGE(fd, "\x00\x3f");
    assert_int_equal(signals_raise(source, 0), SIGNAL_UNWANTED);
    assert_int_equal(signals_raise(source, 63), SIGNAL_TAKEN);
    ERR(FAULT, fd_read, fd, iov(MEMORY_BYTES - 2, 9), 1, OUT);
    OK(fd_read, fd, iov(BUF, 0), 1, OUT);
    assert_string_equal(come(fd, 9), "\x3f");
    ERR(SPIPE, fd_seek, fd, 0, 0, OUT);
    ERR(FAULT, path_open, (uint32_t)NONE, 0, P1("/dev/wasmvm/signals"), 0, 0, 0, 0,
        MEMORY_BYTES - 2);
}

static void after_the_end_nothing_comes(void **state)
{
    (void)state;
    uint32_t fd = source_opened();
    CHANGE(fd, "\x02");
    signals_end(source);
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_UNWANTED);
    CHANGE(fd, "\x02"); /* a program that goes on, as none does */
    assert_int_equal(signals_raise(source, SIGINT), SIGNAL_TAKEN);
}

static void *raise_one(void *signals)
{
    signals_raise(signals, SIGINT);
    return NULL;
}

/* The bell's number may be another file's as soon as it is closed: so who rings it comes first. */
static void the_end_waits_for_who_rings(void **state)
{
    (void)state;
    pthread_t other;
    uint32_t fd = source_opened();
    CHANGE(fd, "\x02");
    held_bell = source->bell;
    assert_int_equal(pthread_create(&other, NULL, raise_one, source), 0);
    while (!__atomic_load_n(&ringing, __ATOMIC_SEQ_CST))
        syscall(SYS_sched_yield);
    signals_end(source);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    pthread_join(other, NULL);
    held_bell = -1;
    assert_int_equal(rang, 1);
    assert_int_equal(source->bell, -1);
}

static void other_names_are_not_there(void **state)
{
    (void)state;
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/signal", 0, 0, 0), WASI_NOENT);
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/signalss", 0, 0, 0), WASI_NOENT);
    assert_int_equal(OPEN(ROOT, "dev/wasmvm/signals", 0, 0, 0), WASI_NOENT);
    assert_int_equal(OPEN((uint32_t)NONE, "", 0, 0, 0), WASI_NOENT);
}

static void a_pipe_is_two(void **state)
{
    (void)state;
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/pipe", 0, 0, 0), WASI_SUCCESS);
    uint32_t fds[2];
    memcpy(fds, guest + OUT, sizeof fds);
    assert_int_equal(fds[0], FIRST);
    assert_int_equal(fds[1], FIRST + 1);
    ERR(AGAIN, fd_read, fds[0], iov(BUF, 9), 1, OUT);
    ERR(BADF, fd_write, fds[0], iov(BUF, 9), 1, OUT);
    ERR(BADF, fd_read, fds[1], iov(BUF, 9), 1, OUT);
    assert_int_equal(write_text(fds[1], "words"), WASI_SUCCESS);
    assert_true(readable(fds[0]));
    OK(fd_read, fds[0], iov(BUF, 9), 1, OUT);
    assert_int_equal(out32(), 5);
    assert_memory_equal(guest + BUF, "words", 5);
    OK(fd_close, fds[1]);
    OK(fd_read, fds[0], iov(BUF, 9), 1, OUT);
    assert_int_equal(out32(), 0);
    ERR(FAULT, path_open, (uint32_t)NONE, 0, P1("/dev/wasmvm/pipe"), 0, 0, 0, 0, MEMORY_BYTES - 4);
}

static void pipes_count_against_the_limit(void **state)
{
    (void)state;
    wasi->open_max = wasi->open_count + 1;
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/pipe", 0, 0, 0), WASI_MFILE);
    wasi->open_max++;
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/pipe", 0, 0, 0), WASI_SUCCESS);
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/pipe", 0, 0, 0), WASI_MFILE);
    assert_int_equal(OPEN((uint32_t)NONE, "/dev/wasmvm/signals", 0, 0, 0), WASI_MFILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_asked_for_comes), TEST(several_buffers_and_none_behind),
        TEST(one_that_is_unread_is_one), TEST(no_longer_and_ignored),
        TEST(a_close_unwants_all), TEST(any_byte_is_harmless), TEST(after_the_end_nothing_comes),
        TEST(the_end_waits_for_who_rings),
        TEST(other_names_are_not_there), TEST(a_pipe_is_two), TEST(pipes_count_against_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
