/* path_open.
 *
 * What was opened is looked at before the guest gets it: kernel file systems and devices that are
 * not plain memory are refused, whatever was granted.  O_TRUNC is never passed on, as it acts
 * before that look. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* between two looks for the other end of a FIFO, or the end of a lease */
#define OPEN_TICK_MIN_NS 500000
#define OPEN_TICK_MAX_NS 16000000

/* The run's own, of which stdin is a descriptor. */
static bool is_terminal(const struct wasi *w, const struct stat *st)
{
    return w->terminal_known && st->st_dev == w->terminal.st_dev &&
           st->st_ino == w->terminal.st_ino && st->st_rdev == w->terminal.st_rdev;
}

static bool device_refused(const struct wasi *w, const struct stat *st)
{
    return S_ISBLK(st->st_mode) ||
           (S_ISCHR(st->st_mode) && !device_is_plain(st) && !is_terminal(w, st));
}

static uint32_t opening_decode(struct opening *o)
{
    if ((o->lookup & ~(uint64_t)LOOKUP_FOLLOW) || (o->oflags & ~(uint64_t)OFLAG_ALL) ||
        (o->fdflags & ~(uint64_t)FDFLAG_ALL) || (o->rights & ~(uint64_t)RIGHT_ALL))
        return WASI_INVAL;
    if ((o->oflags & OFLAG_DIRECTORY) && (o->oflags & ~(uint64_t)OFLAG_DIRECTORY))
        return WASI_INVAL;
    bool changes = (o->oflags & (OFLAG_CREAT | OFLAG_TRUNC)) || (o->fdflags & FDFLAG_APPEND);
    o->read = o->rights & RIGHT_FD_READ;
    o->write = o->rights & RIGHT_FD_WRITE;
    o->changes = o->write || changes;
    if (!o->read && !o->write) {
        o->read = true;
        o->write = changes && !(o->oflags & OFLAG_DIRECTORY);
    }
    /* ftruncate wants the host's write access even where the guest asked for none. */
    bool host_write = o->write || (o->oflags & OFLAG_TRUNC);
    o->how_flags = host_write ? (o->read ? O_RDWR : O_WRONLY) : O_RDONLY;
    o->how_flags |= O_NONBLOCK | O_NOCTTY;
    if (o->oflags & OFLAG_CREAT)
        o->how_flags |= O_CREAT;
    if (o->oflags & OFLAG_EXCL)
        o->how_flags |= O_EXCL;
    if (o->oflags & OFLAG_DIRECTORY)
        o->how_flags |= O_DIRECTORY;
    if (!(o->lookup & LOOKUP_FOLLOW))
        o->how_flags |= O_NOFOLLOW;
    if (o->fdflags & FDFLAG_APPEND)
        o->how_flags |= O_APPEND;
    if (o->fdflags & (FDFLAG_SYNC | FDFLAG_RSYNC))
        o->how_flags |= O_SYNC;
    if (o->fdflags & FDFLAG_DSYNC)
        o->how_flags |= O_DSYNC;
    return WASI_SUCCESS;
}

/* Some devices act when they are merely opened (a watchdog begins to count): they are told by a
 * look before. */
static bool opening_names_device(struct wasi *w, const struct opening *o, struct route *p)
{
    struct stat st;
    if (o->oflags & (OFLAG_DIRECTORY | OFLAG_EXCL)) /* neither opens a device */
        return false;
    return route_stat(w, p, o->lookup & LOOKUP_FOLLOW, &st) == WASI_SUCCESS && p->own < 0 &&
           device_refused(w, &st);
}

/* Sleeps for a tick that grows; INTR when kicked. */
static uint32_t open_tick(struct kick *kick, struct pollfd *p, unsigned n, int64_t *tick_ns)
{
    if (kick_ppoll(kick, p, n, *tick_ns) < 0)
        return wasi_errno(errno);
    if (*tick_ns < OPEN_TICK_MAX_NS)
        *tick_ns *= 2;
    return WASI_SUCCESS;
}

/* Whether what keeps the file from being opened now is something to wait for: a FIFO for writing
 * without a reader, or a file that another process holds a lease on (fcntl(2)) and gives back at
 * our asking. */
static bool opening_waits(struct wasi *w, const struct opening *o, struct route *p, uint32_t err,
                          int host_errno)
{
    struct stat st;
    bool fifo = err == WASI_NXIO, lease = err == WASI_IO && host_errno == EAGAIN;
    if ((!fifo && !lease) || (o->fdflags & FDFLAG_NONBLOCK) ||
        route_stat(w, p, o->lookup & LOOKUP_FOLLOW, &st) != WASI_SUCCESS)
        return false;
    return fifo ? S_ISFIFO(st.st_mode) : S_ISREG(st.st_mode);
}

/* The kernel does not tell whether it made the file: what is there is opened without being made,
 * and what is not counts as made. */
static int opening_create(struct wasi *w, const struct opening *o, struct route *p, uint32_t *err)
{
    struct stat st;
    bool exclusive = o->how_flags & O_EXCL;
    int fd = exclusive ? -1
                       : route_open(w, p, o->how_flags & ~(uint64_t)O_CREAT, 0, o->changes, err);
    if (!exclusive && (fd >= 0 || *err != WASI_NOENT))
        return fd;
    bool last = w->quota.created >= w->quota.max_created;
    if (last && route_stat(w, p, !exclusive, &st) == WASI_NOENT) {
        w->end->kind = ENDED_CREATED;
        *err = WASI_DQUOT;
        return -1;
    }
    fd = route_open(w, p, o->how_flags, 0666, o->changes, err);
    if (fd >= 0)
        quota_created(w);
    return fd;
}

/* The kernel has no open that waits where a kick could end it: it is tried again. */
static int opening_open(struct wasi *w, const struct opening *o, struct route *p, uint32_t *err)
{
    int64_t tick_ns = OPEN_TICK_MIN_NS;
    for (;;) {
        int fd = o->how_flags & O_CREAT && w->quota.max_created
                     ? opening_create(w, o, p, err)
                     : route_open(w, p, o->how_flags, o->how_flags & O_CREAT ? 0666 : 0, o->changes,
                                  err);
        if (fd >= 0 || !opening_waits(w, o, p, *err, errno))
            return fd;
        *err = open_tick(w->kick, NULL, 0, &tick_ns);
        if (*err)
            return -1;
    }
}

/* Waits until a FIFO that is open for reading has a writer, has had one, or has bytes.  poll does
 * not tell of a writer that only opened; tee does, without taking a byte: EAGAIN from an empty pipe
 * with a writer, 0 from one without. */
static uint32_t fifo_wait_writer(struct kick *kick, int fifo)
{
    int scratch[2];
    if (pipe2(scratch, O_CLOEXEC) < 0)
        return wasi_errno(errno);
    int64_t tick_ns = OPEN_TICK_MIN_NS;
    uint32_t err = WASI_SUCCESS;
    while (err == WASI_SUCCESS && tee(fifo, scratch[1], 1, SPLICE_F_NONBLOCK) == 0) {
        struct pollfd p = { .fd = fifo, .events = POLLIN };
        err = open_tick(kick, &p, 1, &tick_ns);
        if (p.revents)
            break;
    }
    close(scratch[0]);
    close(scratch[1]);
    return err;
}

/* Looks at what was opened, and does what had to wait for that look. */
static uint32_t opening_check(struct wasi *w, const struct opening *o, int fd, struct stat *st)
{
    uint32_t err;
    if (file_stat(fd, st) < 0)
        return wasi_errno(errno);
    if (!is_terminal(w, st) && filesystem_refused(w, fd, o->path, &err))
        return err;
    if (device_refused(w, st))
        return WASI_PERM;
    if ((o->oflags & OFLAG_TRUNC) && S_ISREG(st->st_mode) && ftruncate(fd, 0) < 0)
        return wasi_errno(errno);
    if (S_ISFIFO(st->st_mode) && !(o->fdflags & FDFLAG_NONBLOCK) &&
        !(o->how_flags & (O_WRONLY | O_RDWR)))
        return fifo_wait_writer(w->kick, fd);
    return WASI_SUCCESS;
}

uint32_t path_open(struct wasi *w, struct opening *o, uint32_t *fd)
{
    uint32_t err = WASI_PERM;
    struct route p;
    route_begin(w, &p, o->dir, o->path);
    int host = opening_names_device(w, o, &p) ? -1 : opening_open(w, o, &p, &err);
    route_end(&p);
    if (host < 0)
        return p.own >= 0 ? devfd_open(w, o, p.own, fd) : err;
    struct stat st;
    err = opening_check(w, o, host, &st);
    if (err) {
        close(host);
        return err;
    }
    struct desc d = { .host = host,
                      .io = host,
                      .read_only = p.read_only,
                      .tree = p.tree,
                      .mounts = p.mounts,
                      .fdflags = (uint16_t)o->fdflags };
    desc_describe(w, &d, &st, o->write ? (o->read ? O_RDWR : O_WRONLY) : O_RDONLY);
    d.output = is_terminal(w, &st);
    if (d.output && !terminal_filter(w, &d)) {
        close(host);
        return WASI_NOMEM;
    }
    err = desc_place(w, &d, fd);
    if (err && d.ops == &terminal_ops) /* its filter is still ours */
        d.ops->close(w, &d);
    return err;
}

uint32_t wasi_path_open(struct wasi *w, const struct path_open_args *args)
{
    const struct device *device = args->dir == UINT32_MAX
                                      ? device_find(w, args->path, args->path_len)
                                      : NULL;
    if (device)
        return device_open(w, device, args->fd_out);
    struct opening o = {
        .lookup = args->lookup, .oflags = args->open, .rights = args->rights, .fdflags = args->flags
    };
    uint32_t fd, err = path_start(w, args->dir, args->path, args->path_len, &o.dir, o.path);
    if (err)
        return err;
    if (!out_ok(w, args->fd_out, 4))
        return WASI_FAULT;
    err = opening_decode(&o);
    if (!err)
        err = desc_room(w);
    if (!err)
        err = o.dir->ops->dir->open(w, &o, &fd);
    if (err)
        return err;
    fdstat_tell(w, fd);
    return out_put(w, args->fd_out, &fd, 4);
}
