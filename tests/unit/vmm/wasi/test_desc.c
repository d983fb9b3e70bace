/* A kind of descriptor that the monitor knows nothing of, made here: what calls make of its
 * operations.  It holds a number that reads give out byte by byte; a poll waits for an eventfd. */
#include "tests/unit/vmm/wasi/fixture.h"

#include <sys/eventfd.h>

enum { SUB = 0x20000, EVENT = 0x21000 };

/* What the kind was asked for. */
static struct counts { int readable, moved, closed, waits, writes; } counts;
static uint8_t next;
static ssize_t room; /* how much the next write takes */
static bool empty;

static ssize_t counter_read(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    (void)d;
    assert_true(n == 1 && offset == AT_POSITION);
    if (empty) {
        errno = EAGAIN;
        return -1;
    }
    memset(v->iov_base, ++next, 1);
    return 1;
}

static ssize_t counter_write(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    (void)d, (void)v, (void)n, (void)offset;
    ssize_t took = room ? room : -1;
    counts.writes++;
    room = 0;
    errno = ENOSPC;
    return took;
}

static uint32_t counter_wait(struct wasi *w, const struct desc *d, short events)
{
    (void)w, (void)d;
    assert_int_equal(events, POLLIN);
    counts.waits++;
    empty = false;
    return WASI_SUCCESS;
}

static int counter_poll(const struct desc *d, bool write)
{
    return write ? POLL_REFUSED : d->host;
}

static void counter_readable(struct wasi *w, uint32_t fd, const struct desc *d)
{
    assert_ptr_equal(desc_get(w, fd), d);
    counts.readable++;
}

static void counter_moves(struct desc *d)
{
    assert_string_equal(d->own, "own");
    counts.moved++;
}

static void counter_close(struct wasi *w, struct desc *d)
{
    (void)w;
    free(d->own);
    counts.closed++;
}

static const struct desc_ops counter_ops = {
    .name = "counter",
    .read = counter_read,
    .write = counter_write,
    .wait = counter_wait,
    .poll = counter_poll,
    .readable = counter_readable,
    .moves = counter_moves,
    .close = counter_close,
};
/* The least that a kind can be. */
static const struct desc_ops bare_ops = { .name = "bare",
                                          .read = counter_read,
                                          .write = counter_write };

static uint32_t placed(const struct desc_ops *ops, void *own)
{
    int host = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct desc d = {
        .ops = ops, .host = host, .io = host, .rights = RIGHT_FD_READ | RIGHT_FD_WRITE, .own = own
    };
    uint32_t fd;
    counts = (struct counts){ 0 };
    next = 0;
    room = 0;
    empty = false;
    assert_int_equal(desc_place(wasi, &d, &fd), WASI_SUCCESS);
    return fd;
}

static uint32_t counter(void)
{
    return placed(&counter_ops, strdup("own"));
}

static void bytes_are_the_kinds(void **state)
{
    (void)state;
    uint32_t fd = counter();
    OK(fd_read, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(out32(), 1);
    assert_int_equal(guest[BUF], 1);
    ERR(NOSPC, fd_write, fd, iov(BUF, 5), 1, OUT);
    struct request r = { .number = CALL_fd_read_one, .args = { fd, BUF, 5 } };
    assert_int_equal(wasi_transfer_one(wasi, &r, &ended), 1ull << 32);
    assert_int_equal(guest[BUF], 2);
}

static void an_error_behind_bytes_is_the_next_calls(void **state)
{
    (void)state;
    uint32_t fd = counter();
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    room = 3;
    OK(fd_write, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(out32(), 3);
    assert_int_equal(counts.writes, 1);
    ERR(NOSPC, fd_write, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(counts.writes, 2);
}

static void a_wait_is_the_kinds(void **state)
{
    (void)state;
    uint32_t fd = counter();
    empty = true;
    OK(fd_read, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(counts.waits, 1);
    empty = true;
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    ERR(AGAIN, fd_read, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(counts.waits, 1);
}

static void what_it_has_not_is_refused(void **state)
{
    (void)state;
    uint32_t fd = counter();
    ERR(SPIPE, fd_seek, fd, 0, 0, OUT);
    ERR(SPIPE, fd_pread, fd, iov(BUF, 5), 1, 0, OUT);
    ERR(BADF, fd_readdir, fd, BUF, 100, 0, OUT);
    ERR(NOTDIR, path_filestat_get, fd, 1, P1("file"), OUT);
    ERR(NOTSOCK, sock_send, fd, iov(BUF, 5), 1, 0, OUT);
}

/* How a poll for both ways ends: the errors of the two events, in order. */
static uint32_t polled(uint32_t fd, uint16_t errors[2])
{
    const struct wasi_subscription subs[3] = { { .tag = 1, .id = fd }, { .tag = 2, .id = fd },
                                               { .tag = 0, .id = CLOCKID_MONOTONIC } };
    struct wasi_event e;
    uint32_t n = 0;
    memcpy(guest + SUB, subs, sizeof subs);
    OK(poll_oneoff, SUB, EVENT, 3, OUT);
    for (uint32_t i = 0; i < out32(); i++) {
        memcpy(&e, guest + EVENT + i * sizeof e, sizeof e);
        if (e.type != 0)
            errors[n++] = e.error;
    }
    return n;
}

static void a_poll_asks_the_kind(void **state)
{
    (void)state;
    uint16_t errors[2];
    uint32_t fd = counter();
    assert_int_equal(polled(fd, errors), 1);
    assert_int_equal(errors[0], WASI_BADF); /* no writing */
    assert_int_equal(counts.readable, 0);
    assert_int_equal(eventfd_write(desc_get(wasi, fd)->host, 1), 0);
    assert_int_equal(polled(fd, errors), 2);
    assert_int_equal(errors[0], WASI_BADF);
    assert_int_equal(errors[1], WASI_SUCCESS);
    assert_int_equal(counts.readable, 1);
}

static void moves_and_ends_are_told(void **state)
{
    (void)state;
    uint32_t fd = counter(), other = opened(ROOT, "file", 0, GO_RDONLY, 0);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    assert_int_equal(counts.moved, 1);
    OK(fd_renumber, fd, other);
    assert_int_equal(counts.moved, 2);
    assert_int_equal(counts.closed, 0);
    OK(fd_read, other, iov(BUF, 5), 1, OUT);
    assert_int_equal(guest[BUF], 1);
    OK(fd_close, other);
    assert_int_equal(counts.closed, 1);
    counter(); /* the table's end closes it: no leak */
}

static void a_bare_kind_has_answers(void **state)
{
    (void)state;
    uint16_t errors[2];
    uint32_t fd = placed(&bare_ops, NULL), other = opened(ROOT, "file", 0, GO_RDONLY, 0);
    OK(fd_read, fd, iov(BUF, 5), 1, OUT);
    empty = true;
    ERR(AGAIN, fd_read, fd, iov(BUF, 5), 1, OUT);
    assert_int_equal(polled(fd, errors), 2);
    assert_int_equal(errors[0], WASI_BADF);
    assert_int_equal(errors[1], WASI_BADF);
    OK(fd_fdstat_set_flags, fd, FDFLAG_NONBLOCK);
    OK(fd_renumber, fd, other);
    OK(fd_close, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_are_the_kinds), TEST(an_error_behind_bytes_is_the_next_calls),
        TEST(a_wait_is_the_kinds), TEST(what_it_has_not_is_refused),
        TEST(a_poll_asks_the_kind), TEST(moves_and_ends_are_told),
        TEST(a_bare_kind_has_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
