/* The guest's descriptors: numbers, what stands behind them, their kinds and rights.
 *
 * Numbers: 0, 1, 2 are stdio, --dir grants follow from 3, and what the guest opens gets the lowest
 * free number from 3. The table's array never shrinks; a pointer into it ends with the next
 * desc_place. */
#include "vmm/wasi/inside.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#define FIRST_FREE 3u
#define MONITOR_RESERVE 64u /* descriptors of RLIMIT_NOFILE that the guest cannot use up */
/* of the reserve: what is open when the table is made, if the caller left nothing open */
#define OWN_MOST 16u

/* ---- kinds and rights ---- */

enum {
    RIGHTS_STREAM = RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_SYNC | RIGHT_FD_FILESTAT_GET |
                    RIGHT_POLL_FD_READWRITE,
    RIGHTS_FILE = RIGHTS_STREAM | RIGHT_FD_DATASYNC | RIGHT_FD_SEEK | RIGHT_FD_TELL |
                  RIGHT_FD_ADVISE | RIGHT_FD_FILESTAT_SET_TIMES,
    RIGHTS_FILE_WRITE = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE,
    RIGHTS_DIR = RIGHT_FD_DATASYNC | RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_SYNC |
                 RIGHT_PATH_CREATE_DIRECTORY | RIGHT_PATH_CREATE_FILE | RIGHT_PATH_LINK_SOURCE |
                 RIGHT_PATH_LINK_TARGET | RIGHT_PATH_OPEN | RIGHT_FD_READDIR | RIGHT_PATH_READLINK |
                 RIGHT_PATH_RENAME_SOURCE | RIGHT_PATH_RENAME_TARGET | RIGHT_PATH_FILESTAT_GET |
                 RIGHT_PATH_FILESTAT_SET_TIMES | RIGHT_FD_FILESTAT_GET |
                 RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_PATH_SYMLINK | RIGHT_PATH_REMOVE_DIRECTORY |
                 RIGHT_PATH_UNLINK_FILE,
    RIGHTS_SOCKET = RIGHTS_STREAM | RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_SOCK_SHUTDOWN |
                    RIGHT_SOCK_ACCEPT,
};

bool device_is_plain(const struct stat *st)
{
    /* Linux's devices.txt, major 1: null, zero, full, random, urandom. */
    static const uint8_t minors[] = { 3, 5, 7, 8, 9 };
    return S_ISCHR(st->st_mode) && major(st->st_rdev) == 1 && minor(st->st_rdev) < 256 &&
           memchr(minors, (int)minor(st->st_rdev), sizeof minors);
}

static uint8_t socket_filetype(int host)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(host, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
        return FILETYPE_UNKNOWN;
    return type == SOCK_DGRAM ? FILETYPE_DGRAM : FILETYPE_STREAM;
}

static const struct desc_ops *kind_of(const struct wasi *w, const struct stat *st)
{
    switch (st->st_mode & S_IFMT) {
    case S_IFDIR: return &directory_ops;
    case S_IFSOCK: return w->parts->socket;
    case S_IFIFO: return &stream_ops;
    case S_IFCHR: return device_is_plain(st) ? &file_ops : &stream_ops;
    case S_IFREG:
    case S_IFBLK: return &file_ops;
    default:
        return &stream_ops; /* nobody knows how long it keeps one waiting: eventfd, timerfd and the
                               like */
    }
}

void desc_describe(const struct wasi *w, struct desc *d, const struct stat *st, int access)
{
    d->ops = kind_of(w, st);
    if (!S_ISSOCK(st->st_mode))
        d->filetype = filetype_of(st->st_mode);
    else if (d->filetype == FILETYPE_UNKNOWN) /* who made it knows */
        d->filetype = socket_filetype(d->host);
    if (desc_is_dir(d)) {
        d->rights = RIGHTS_DIR;
        d->inheriting = RIGHTS_DIR | RIGHTS_FILE | RIGHTS_FILE_WRITE | RIGHT_FD_READ;
        return;
    }
    if (S_ISSOCK(st->st_mode)) {
        d->rights = d->inheriting = RIGHTS_SOCKET;
        return;
    }
    d->rights = d->ops->positions ? RIGHTS_FILE : RIGHTS_STREAM;
    if (access != O_WRONLY)
        d->rights |= RIGHT_FD_READ;
    if (access != O_RDONLY)
        d->rights |= d->ops->positions ? RIGHTS_FILE_WRITE : RIGHT_FD_WRITE;
    d->inheriting = 0;
}

/* ---- the table ---- */

/* Descriptors of ours: what is open now, some of it perhaps the caller's.  Without a /proc, none
 * are known.  Linux gives their number as the folder's size from 6.2 on; to read the names takes
 * the longer, the more there are. */
static uint32_t descriptors_in_use(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (uint32_t)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    uint32_t n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n < 3 ? 0 : n - 3; /* without `.`, `..` and this one */
}

/* The list grows with the process: it is read once for a machine that is taken back again and
 * again. */
static uint32_t descriptors_count(uint32_t *known)
{
    if (!known)
        return descriptors_in_use();
    if (!*known)
        *known = descriptors_in_use() + 1;
    return *known - 1;
}

int fdtable_null(struct wasi *w)
{
    if (w->null < 0)
        w->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return w->null;
}

bool fdtable_open(struct wasi *w, uint64_t most, uint32_t *known, struct failure *why)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return failure_set(why, "cannot read the limit of open files: %s", strerror(errno));
    uint64_t max = limit.rlim_cur < INT32_MAX ? limit.rlim_cur : INT32_MAX;
    uint32_t taken = descriptors_count(known);
    taken = MONITOR_RESERVE + (taken > OWN_MOST ? taken - OWN_MOST : 0);
    if (max < taken + FIRST_FREE)
        return failure_set(
            why,
            "the limit of open files is %llu: wasmvm needs %u at least (raise it with ulimit -n)",
            (unsigned long long)max, taken + FIRST_FREE);
    max -= taken;
    w->open_max = (uint32_t)(!most || max < most ? max : most);
    /* a lookup of names has another end of the pair, which the monitor holds */
    uint64_t hosts = taken + 2ull * w->open_max;
    w->host_most = (uint32_t)(hosts < limit.rlim_cur ? hosts : limit.rlim_cur);
    w->lowest_free = FIRST_FREE;
    return true;
}

uint32_t wasi_files_most(const struct wasi *w)
{
    return w->host_most;
}

/* ---- a program that goes on with the descriptors of its start ---- */

void fdtable_first(struct wasi *w)
{
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        struct desc *d = desc_get(w, fd);
        w->first += d != NULL;
        if (d)
            d->place = fd + 1;
    }
}

bool wasi_streams_keep(struct wasi *w, struct streams_kept *kept)
{
    uint32_t open = 0;
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        const struct desc *d = desc_get(w, fd);
        if (!d)
            continue;
        if (d->place != fd + 1 || open == STREAMS_KEPT)
            return false;
        kept->at[open++] = (struct stream_kept){fd, d->rights, d->inheriting, d->fdflags};
    }
    kept->n = open;
    return open == w->first;
}

bool wasi_streams_back(struct wasi *w, const struct streams_kept *kept)
{
    for (uint32_t i = 0; i < kept->n; i++) {
        const struct stream_kept *s = &kept->at[i];
        const struct fd_fdstat_set_flags_args args = {.fd = s->fd, .flags = s->flags};
        struct desc *d = desc_get(w, s->fd);
        if (!d || (d->fdflags != s->flags && wasi_fd_fdstat_set_flags(w, &args) != WASI_SUCCESS))
            return false;
        d->rights = s->rights;
        d->inheriting = s->inheriting;
        fdstat_tell(w, s->fd);
    }
    return true;
}

void desc_moves(struct desc *d)
{
    if (d->ops->moves)
        d->ops->moves(d);
}

/* The descriptor is gone whatever is returned: on some file systems close is where lost bytes show.
 */
static uint32_t desc_close(struct wasi *w, struct desc *d)
{
    if (d->ops->close)
        d->ops->close(w, d);
    if (!d->inherited && d->io != d->host) { /* a duplicate of one that has a twin counts twice */
        close(d->io);
        w->open_count--;
    }
    uint32_t err = (d->inherited ? stdio_release(w, d) : close(d->host)) < 0 ? wasi_errno(errno)
                                                                             : WASI_SUCCESS;
    *d = (struct desc){ .host = -1, .io = -1 };
    uint32_t fd = (uint32_t)(d - w->descs);
    if (fd >= FIRST_FREE && fd < w->lowest_free)
        w->lowest_free = fd;
    w->open_count--;
    return err;
}

void fdtable_close(struct wasi *w)
{
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        struct desc *d = &w->descs[fd];
        /* The process's own 0, 1, 2 outlive the run: the monitor's messages follow. */
        if (d->host >= 0 && (!d->inherited || w->stdio_owned))
            desc_close(w, d);
        else if (d->host >= 0)
            stdio_leave(w, d);
    }
    if (w->null >= 0)
        close(w->null);
    free(w->descs);
}

struct desc *desc_get(struct wasi *w, uint64_t fd)
{
    if (fd >= w->ndescs || w->descs[fd].host < 0)
        return NULL;
    return &w->descs[fd];
}

bool desc_put(struct wasi *w, uint32_t fd, const struct desc *d)
{
    if (fd >= w->ndescs) {
        uint32_t n = w->ndescs ? w->ndescs * 2 : 16;
        while (n <= fd)
            n *= 2;
        struct desc *descs = realloc(w->descs, n * sizeof *descs);
        if (!descs)
            return false;
        for (uint32_t i = w->ndescs; i < n; i++)
            descs[i] = (struct desc){ .host = -1, .io = -1 };
        w->descs = descs;
        w->ndescs = n;
    }
    assert(w->descs[fd].host < 0);
    /* what else may be missing, desc.h says */
    assert(desc_is_dir(d) || (d->ops->read && d->ops->write));
    w->descs[fd] = *d;
    w->open_count++;
    return true;
}

uint32_t desc_room(const struct wasi *w)
{
    return w->open_count < w->open_max ? WASI_SUCCESS : WASI_MFILE;
}

uint32_t desc_place(struct wasi *w, const struct desc *d, uint32_t *fd)
{
    uint32_t at = w->lowest_free;
    while (desc_get(w, at))
        at++;
    uint32_t err = desc_room(w);
    if (!err && !desc_put(w, at, d))
        err = WASI_NOMEM;
    if (err) {
        close(d->host);
        return err;
    }
    w->lowest_free = at + 1;
    *fd = at;
    return WASI_SUCCESS;
}

/* ---- calls ---- */

uint32_t wasi_fd_close(struct wasi *w, const struct fd_close_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d)
        return WASI_BADF;
    return desc_close(w, d);
}

uint32_t wasi_fd_renumber(struct wasi *w, const struct fd_renumber_args *args)
{
    struct desc *from = desc_get(w, args->from), *to = desc_get(w, args->to);
    if (!from || !to)
        return WASI_BADF;
    if (from == to)
        return WASI_SUCCESS;
    desc_moves(from);
    desc_close(w, to);
    *to = *from;
    *from = (struct desc){ .host = -1, .io = -1 };
    w->lowest_free = FIRST_FREE; /* searched anew: both numbers may have changed sides */
    return WASI_SUCCESS;
}

uint32_t wasi_fd_prestat_get(struct wasi *w, const struct fd_prestat_get_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    /* Programs look for names from 3 on until BADF.  What stands before the last name is passed
     * over by its tag. */
    bool between = d && !d->preopen && args->fd >= FIRST_FREE && args->fd < w->names_end;
    if (!d || (!d->preopen && !between))
        return WASI_BADF;
    struct wasi_prestat prestat = { .tag = between ? PRESTAT_OTHER : PRESTAT_DIR,
                                    .name_len = between ? 0 : (uint32_t)strlen(d->preopen) };
    return out_put(w, args->prestat, &prestat, sizeof prestat);
}

uint32_t wasi_fd_prestat_dir_name(struct wasi *w, const struct fd_prestat_dir_name_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d || !d->preopen)
        return WASI_BADF;
    size_t len = strlen(d->preopen);
    if (args->buffer_len < len)
        return WASI_NAMETOOLONG;
    return out_put(w, args->buffer, d->preopen, len);
}
