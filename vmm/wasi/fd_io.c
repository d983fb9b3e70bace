/* Bytes in and out of descriptors: read, write, seek and their kin.
 *
 * Iovecs are copied once, the first 1,024 that name anything; what they name goes straight between
 * the kernel and the guest.  A plain descriptor is read and written in chunks, so that a kick is
 * seen between them; a stream never blocks in a transfer, only in kick_ppoll.  Descriptor 2 is
 * special, as Go's runtime gives up on any error there: never AGAIN, never short. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (32ull << 20) /* one transfer of a plain descriptor */
/* one call, whatever its iovecs sum up to: Linux's own limit of a transfer */
#define CALL_BYTES_MAX 0x7ffff000ull

enum way { IN, OUT };

/* Takes pieces until the call is full; empty ones take no room, so that what is behind them is
 * never the end. */
static bool pieces_take(struct wasi *w, const struct wasi_iovec *copy, uint32_t n, bool into_guest)
{
    struct iovs *io = &w->iovs;
    for (uint32_t i = 0; i < n && !io->cut; i++) {
        if (copy[i].len == 0)
            continue;
        if (io->n == IOVECS_MAX) {
            io->cut = true;
            break;
        }
        struct iovec *v = &io->v[io->n];
        if (!linear_span(w->mem, copy[i].buf, copy[i].len, into_guest, v))
            return false;
        if (v->iov_len > CALL_BYTES_MAX - io->left)
            v->iov_len = CALL_BYTES_MAX - io->left;
        io->left += v->iov_len;
        io->n += v->iov_len != 0;
    }
    return true;
}

uint32_t iovs_read(struct wasi *w, const struct desc *d, uint64_t at, uint64_t n, bool into_guest)
{
    struct wasi_iovec copy[IOVECS_MAX];
    struct iovs *io = &w->iovs;
    struct iovec all;
    io->at = io->n = 0;
    io->left = 0;
    io->cut = false;
    if (n && !linear_span(w->mem, at, n * sizeof *copy, false, &all))
        return WASI_FAULT;
    while (n && !io->cut) {
        uint32_t some = n < IOVECS_MAX ? (uint32_t)n : IOVECS_MAX;
        if (!linear_read(w->mem, at, copy, some * sizeof *copy) ||
            !pieces_take(w, copy, some, into_guest))
            return WASI_FAULT;
        at += some * sizeof *copy;
        n -= some;
        if (n && kick_pending(w->kick))
            return WASI_INTR;
    }
    return io->cut && d->filetype == FILETYPE_DGRAM ? WASI_MSGSIZE : WASI_SUCCESS;
}

static void iovs_consume(struct iovs *io, uint64_t n)
{
    io->left -= n;
    while (n) {
        struct iovec *v = &io->v[io->at];
        uint64_t take = n < v->iov_len ? n : v->iov_len;
        v->iov_base = (char *)v->iov_base + take;
        v->iov_len -= take;
        n -= take;
        io->at += v->iov_len == 0;
    }
}

static ssize_t transfer_once(const struct desc *d, const struct iovec *v, int n, enum way way,
                             int64_t offset)
{
    return way == IN ? d->ops->read(d, v, n, offset) : d->ops->write(d, v, n, offset);
}

/* Moves at most cap bytes, and what is left, by one call of the kernel and consumes what was moved.
 */
static ssize_t transfer(struct kick *kick, const struct desc *d, struct iovs *io, enum way way,
                        uint64_t cap, int64_t offset)
{
    uint64_t bytes = 0;
    uint32_t stop = io->at;
    if (cap > io->left)
        cap = io->left;
    while (stop < io->n && bytes < cap)
        bytes += io->v[stop++].iov_len;
    uint64_t over = bytes > cap ? bytes - cap : 0;
    if (over)
        io->v[stop - 1].iov_len -= over;
    ssize_t n;
    do
        n = transfer_once(d, io->v + io->at, (int)(stop - io->at), way, offset);
    while (n < 0 && errno == EINTR && !kick_pending(kick));
    if (over)
        io->v[stop - 1].iov_len += over;
    if (n > 0)
        iovs_consume(io, (uint64_t)n);
    return n;
}

/* In chunks until all is done, the kernel does less than it was asked, or a kick. */
static uint32_t plain_transfer(struct kick *kick, const struct desc *d, struct iovs *io,
                               enum way way, int64_t offset, uint64_t *done)
{
    do {
        uint64_t want = io->left < CHUNK ? io->left : CHUNK;
        ssize_t n = transfer(kick, d, io, way, CHUNK, offset);
        if (n < 0)
            return *done ? WASI_SUCCESS : wasi_errno(errno);
        *done += (uint64_t)n;
        if (offset != AT_POSITION)
            offset += n;
        if ((uint64_t)n < want)
            break;
    } while (io->left && !kick_pending(kick));
    return WASI_SUCCESS;
}

static ssize_t stream_once(struct kick *kick, const struct desc *d, struct iovs *io, enum way way)
{
    if (d->paced && !host_ready(d->host, way == IN ? POLLIN : POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    return transfer(kick, d, io, way, d->paced && way == OUT ? PIPE_BUF : UINT64_MAX, AT_POSITION);
}

static uint32_t stream_read(struct wasi *w, const struct desc *d, struct iovs *io, uint64_t *done)
{
    for (;;) {
        ssize_t n = stream_once(w->kick, d, io, IN);
        if (n >= 0) {
            *done = (uint64_t)n;
            return WASI_SUCCESS;
        }
        if (errno != EAGAIN || (d->fdflags & FDFLAG_NONBLOCK))
            return wasi_errno(errno);
        uint32_t err = d->ops->wait(w, d, POLLIN);
        if (err)
            return err;
    }
}

/* The kernel tells an error once: behind bytes that went it is the next call's to hear. */
static uint32_t stream_write(struct wasi *w, uint64_t fd, const struct desc *d, struct iovs *io,
                             uint64_t *done)
{
    bool wait = fd == 2 || !(d->fdflags & FDFLAG_NONBLOCK);
    do {
        ssize_t n = stream_once(w->kick, d, io, OUT);
        if (n >= 0) {
            *done += (uint64_t)n;
            if (!wait && !d->paced)
                break;
            continue;
        }
        uint32_t err = wasi_errno(errno);
        if (err == WASI_PIPE && (fd == 1 || fd == 2)) {
            w->end->kind = ENDED_SIGPIPE;
            return err;
        }
        if (err == WASI_AGAIN && wait)
            err = d->ops->wait(w, d, POLLOUT);
        if (err == WASI_SUCCESS || (err == WASI_INTR && fd == 2 && !kick_pending(w->kick)))
            continue;
        return *done ? WASI_SUCCESS : err;
    } while (io->left);
    return WASI_SUCCESS;
}

/* The descriptor, if it is open, no directory, and has the right; *err else. */
static struct desc *file_get(struct wasi *w, uint64_t fd, uint32_t right, uint32_t *err)
{
    struct desc *d = desc_get(w, fd);
    *err = !d                              ? WASI_BADF
           : desc_is_dir(d)                ? WASI_ISDIR
           : right && !(d->rights & right) ? WASI_BADF
                                           : WASI_SUCCESS;
    return d;
}

static uint32_t transfer_all(struct wasi *w, uint64_t fd, const struct desc *d, enum way way,
                             int64_t offset, uint64_t *done)
{
    struct iovs *io = &w->iovs;
    if (!d->ops->wait)
        return plain_transfer(w->kick, d, io, way, offset, done);
    return way == IN ? stream_read(w, d, io, done) : stream_write(w, fd, d, io, done);
}

/* A write of which only so much is done at a time as may be. */
static uint32_t counted_write(struct wasi *w, uint64_t fd, const struct desc *d, int64_t offset,
                              uint64_t *done)
{
    struct iovs *io = &w->iovs;
    uint32_t err = WASI_SUCCESS;
    while (io->left && !err) {
        uint64_t room = io->left, before = *done;
        err = quota_room(w, d, &room);
        if (err)
            break;
        uint64_t rest = io->left - room;
        io->left = room;
        err = transfer_all(w, fd, d, OUT, offset == AT_POSITION ? offset : offset + (int64_t)before,
                           done);
        quota_wrote(w, d, *done - before);
        bool partly = io->left != 0;
        io->left += rest;
        if (partly || (d->ops->wait && fd != 2 && (d->fdflags & FDFLAG_NONBLOCK)))
            break;
    }
    return *done ? WASI_SUCCESS : err;
}

static uint32_t transfer_iovs(struct wasi *w, uint64_t fd, const struct desc *d, enum way way,
                              int64_t offset, uint64_t *done)
{
    if (!w->iovs.left && !(way == OUT && d->filetype == FILETYPE_DGRAM)) /* an empty one is sent */
        return WASI_SUCCESS;
    if (way == OUT && quota_counts(w, d))
        return counted_write(w, fd, d, offset, done);
    return transfer_all(w, fd, d, way, offset, done);
}

/* What the four calls have in common; offset counts where `positioned`. */
struct transfer { uint32_t fd, iovs, iovs_len, count_out; bool positioned; uint64_t offset; };

static uint32_t transfer_call(struct wasi *w, enum way way, const struct transfer *t)
{
    uint32_t err;
    struct desc *d = file_get(w, t->fd, way == IN ? RIGHT_FD_READ : RIGHT_FD_WRITE, &err);
    if (err)
        return err;
    if (t->positioned && !d->ops->positions)
        return WASI_SPIPE;
    if (t->positioned && t->offset > INT64_MAX)
        return WASI_INVAL;
    if (!out_ok(w, t->count_out, 4))
        return WASI_FAULT;
    uint64_t done = 0;
    err = iovs_read(w, d, t->iovs, t->iovs_len, way == IN);
    if (err == WASI_SUCCESS)
        err = transfer_iovs(w, t->fd, d, way, t->positioned ? (int64_t)t->offset : AT_POSITION,
                            &done);
    if (err)
        return err;
    uint32_t count = (uint32_t)done;
    return out_put(w, t->count_out, &count, 4);
}

/* A small piece of a plain descriptor: the commonest of all, without iovecs. */
static uint64_t plain_once(struct kick *kick, const struct desc *d, const struct iovec *v,
                           enum way way)
{
    for (;;) {
        ssize_t n = transfer_once(d, v, 1, way, AT_POSITION);
        if (n >= 0)
            return (uint64_t)n << 32;
        if (errno != EINTR || kick_pending(kick))
            return wasi_errno(errno);
    }
}

static uint64_t transfer_one(struct wasi *w, const struct request *r, struct end *end)
{
    /* fd_write_one has the same */
    const struct fd_read_one_args *args = fd_read_one_decode(r->args);
    enum way way = r->number == CALL_fd_read_one ? IN : OUT;
    uint64_t fd = args->fd, bytes = args->buffer_len, done = 0;
    struct iovs *io = &w->iovs;
    uint32_t err;
    struct desc *d = file_get(w, fd, way == IN ? RIGHT_FD_READ : RIGHT_FD_WRITE, &err);
    if (err)
        return err;
    if (bytes > CALL_BYTES_MAX)
        bytes = CALL_BYTES_MAX;
    if (bytes && !linear_span(w->mem, args->buffer, bytes, way == IN, &io->v[0]))
        return WASI_FAULT;
    if (bytes && !d->ops->wait && bytes <= CHUNK && (way == IN || !quota_counts(w, d)))
        return plain_once(w->kick, d, &io->v[0], way);
    io->at = 0;
    io->n = bytes != 0;
    io->left = bytes;
    w->end = end;
    err = transfer_iovs(w, fd, d, way, AT_POSITION, &done);
    w->end = NULL;
    return err ? err : done << 32;
}

uint64_t wasi_transfer_one(struct wasi *w, const struct request *r, struct end *end)
{
    if (w->before_call)
        w->before_call(w);
    if (w->trace.fd < 0)
        return transfer_one(w, r, end);
    uint64_t began_ns = trace_begin(w), result = transfer_one(w, r, end);
    trace_one(w, r, result, began_ns);
    return result;
}

uint32_t wasi_fd_read(struct wasi *w, const struct fd_read_args *args)
{
    const struct transfer t = { args->fd, args->iovs, args->iovs_len, args->read_out, false, 0 };
    return transfer_call(w, IN, &t);
}

uint32_t wasi_fd_write(struct wasi *w, const struct fd_write_args *args)
{
    const struct transfer t = { args->fd, args->iovs, args->iovs_len, args->written_out, false, 0 };
    return transfer_call(w, OUT, &t);
}

uint32_t wasi_fd_pread(struct wasi *w, const struct fd_pread_args *args)
{
    const struct transfer t = { args->fd,       args->iovs, args->iovs_len,
                                args->read_out, true,       args->offset };
    return transfer_call(w, IN, &t);
}

uint32_t wasi_fd_pwrite(struct wasi *w, const struct fd_pwrite_args *args)
{
    const struct transfer t = { args->fd,          args->iovs, args->iovs_len,
                                args->written_out, true,       args->offset };
    return transfer_call(w, OUT, &t);
}

/* ---- position ---- */

static uint32_t seek(struct wasi *w, uint64_t fd, int64_t offset, uint64_t whence, uint64_t out,
                     uint32_t right)
{
    static const int host_whence[] = { SEEK_SET, SEEK_CUR, SEEK_END };
    uint32_t err;
    struct desc *d = file_get(w, fd, 0, &err);
    if (err)
        return err;
    if (whence >= sizeof host_whence / sizeof *host_whence)
        return WASI_INVAL;
    if (!d->ops->positions)
        return WASI_SPIPE;
    if (!(d->rights & right))
        return WASI_NOTCAPABLE;
    if (!out_ok(w, out, 8))
        return WASI_FAULT;
    off_t at = lseek(d->host, offset, host_whence[whence]);
    if (at < 0)
        return wasi_errno(errno);
    return out_put(w, out, &at, 8);
}

uint32_t wasi_fd_seek(struct wasi *w, const struct fd_seek_args *args)
{
    return seek(w, args->fd, (int64_t)args->offset, args->whence, args->offset_out, RIGHT_FD_SEEK);
}

uint32_t wasi_fd_seek_v0(struct wasi *w, const struct fd_seek_v0_args *args)
{
    static const uint8_t whence[] = { 1, 2, 0 }; /* cur, end, set */
    uint64_t now = args->whence < sizeof whence ? whence[args->whence] : args->whence;
    return seek(w, args->fd, (int64_t)args->offset, now, args->offset_out, RIGHT_FD_SEEK);
}

uint32_t wasi_fd_tell(struct wasi *w, const struct fd_tell_args *args)
{
    return seek(w, args->fd, 0, 1, args->offset_out, RIGHT_FD_TELL);
}
