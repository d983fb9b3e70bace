/* Signals for the program: a descriptor that it waits for, and the source behind it.
 *
 * The program opens /dev/wasmvm/signals (device.c), one descriptor at a time.  It writes a byte for
 * each change of what it wants, and reads a byte, the number, for each signal that came; a read
 * never waits.  As with the kernel's own signals, one that comes again before it was read is the
 * same one.
 *
 * The source is the instance's and outlives the descriptor: signals_raise may run at any moment, in
 * a handler too.  So the source has both ends of a pipe, and the program a copy of the one that is
 * read.  A byte in it says that something came, and never which number; a pipe that is full says
 * so, too. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define CHANGES_MOST 4096 /* in one write */
#define RUNG_MOST 256     /* taken by one read: more than there are numbers */
/* What a program writes: a number, and how. */
enum { CHANGE_NUMBER = 0x3f, CHANGE_HOW = 0xc0, CHANGE_WANT = 0, CHANGE_IGNORE = 0x40 };

static uint64_t look(const uint64_t *set)
{
    return __atomic_load_n(set, __ATOMIC_SEQ_CST);
}

static void change(uint64_t *set, uint64_t bit, bool on)
{
    if (on)
        __atomic_fetch_or(set, bit, __ATOMIC_SEQ_CST);
    else
        __atomic_fetch_and(set, ~bit, __ATOMIC_SEQ_CST);
}

static void bell_ring(int bell)
{
    ssize_t written = write(bell, "", 1);
    (void)written;
}

/* ---- the source ---- */

/* The count keeps the bell from being closed, and its number from being another's, between look
 * and write. */
enum signal_taken signals_raise(struct signals *s, unsigned number)
{
    if (number == 0 || number > CHANGE_NUMBER)
        return SIGNAL_UNWANTED;
    uint64_t bit = UINT64_C(1) << number;
    if (look(&s->ignored) & bit)
        return SIGNAL_IGNORED;
    if (!(look(&s->wanted) & bit))
        return SIGNAL_UNWANTED;
    int error = errno;
    __atomic_add_fetch(&s->senders, 1, __ATOMIC_SEQ_CST);
    uint64_t before = __atomic_fetch_or(&s->pending, bit, __ATOMIC_SEQ_CST);
    int bell = __atomic_load_n(&s->bell, __ATOMIC_SEQ_CST);
    if (bell >= 0 && !(before & bit)) /* the one that is unread has rung */
        bell_ring(bell);
    __atomic_sub_fetch(&s->senders, 1, __ATOMIC_SEQ_CST);
    errno = error;
    return before & bit ? SIGNAL_UNREAD : SIGNAL_TAKEN;
}

static void forget(struct signals *s)
{
    __atomic_store_n(&s->wanted, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&s->ignored, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&s->pending, 0, __ATOMIC_SEQ_CST);
}

void signals_end(struct signals *s)
{
    forget(s);
    int bell = __atomic_exchange_n(&s->bell, -1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&s->senders, __ATOMIC_SEQ_CST))
        sched_yield();
    if (bell < 0)
        return;
    close(bell);
    close(s->heard);
}

/* ---- the descriptor ---- */

/* The lowest number that came, taken out; 0 = none. */
static uint8_t next(struct signals *s)
{
    uint64_t pending = look(&s->pending);
    if (!pending)
        return 0;
    unsigned number = (unsigned)__builtin_ctzll(pending);
    change(&s->pending, UINT64_C(1) << number, false);
    return (uint8_t)number;
}

/* What comes while it reads makes the pipe readable again. */
static ssize_t signals_read(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    struct signals *s = d->own;
    char rung[RUNG_MOST];
    ssize_t done = 0, drained = read(d->host, rung, sizeof rung);
    uint8_t number = 1;
    (void)offset, (void)drained;
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].iov_len && number && (number = next(s)); k++, done++)
            ((uint8_t *)v[i].iov_base)[k] = number;
    if (look(&s->pending))
        bell_ring(s->bell);
    if (done)
        return done;
    errno = EAGAIN;
    return -1;
}

static void change_take(struct signals *s, uint8_t byte)
{
    uint64_t bit = UINT64_C(1) << (byte & CHANGE_NUMBER);
    unsigned how = byte & CHANGE_HOW;
    if (bit == 1)
        return;
    change(&s->ignored, bit, how == CHANGE_IGNORE);
    change(&s->wanted, bit, how == CHANGE_WANT);
    if (how != CHANGE_WANT)
        change(&s->pending, bit, false);
}

static ssize_t signals_write(const struct desc *d, const struct iovec *v, int n, int64_t offset)
{
    ssize_t done = 0;
    (void)offset;
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].iov_len && done < CHANGES_MOST; k++, done++)
            change_take(d->own, ((const uint8_t *)v[i].iov_base)[k]);
    return done;
}

static int signals_poll(const struct desc *d, bool write)
{
    return write ? POLL_READY : d->host;
}

/* From here on the program wants none. */
static void signals_close(struct wasi *w, struct desc *d)
{
    struct signals *s = d->own;
    (void)w;
    forget(s);
    s->open = false;
}

static const struct desc_ops signals_ops = {
    .name = "signals",
    .read = signals_read,
    .write = signals_write,
    .poll = signals_poll,
    .close = signals_close,
};

static bool bell_make(struct signals *s)
{
    int ends[2];
    if (s->bell >= 0)
        return true;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    s->heard = ends[0];
    __atomic_store_n(&s->bell, ends[1], __ATOMIC_SEQ_CST);
    return true;
}

uint32_t signals_open(struct wasi *w, uint32_t fds[])
{
    struct signals *s = w->signals;
    if (s->open)
        return WASI_BUSY;
    int host = bell_make(s) ? fcntl(s->heard, F_DUPFD_CLOEXEC, 0) : -1;
    if (host < 0)
        return wasi_errno(errno);
    const struct desc d = {
        .ops = &signals_ops,
        .host = host,
        .io = host,
        .filetype = FILETYPE_UNKNOWN,
        .fdflags = FDFLAG_NONBLOCK,
        .rights = RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_FDSTAT_SET_FLAGS |
                  RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE,
        .own = s,
    };
    uint32_t err = desc_place(w, &d, &fds[0]);
    s->open = !err;
    return err;
}
