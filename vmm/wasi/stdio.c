/* Descriptors 0, 1 and 2 of our own process as the guest's; or three that an embedder names, as
 * copies of ours.
 *
 * Their open file descriptions are shared with the shell and others, so O_NONBLOCK is never set on
 * them: the guest's NONBLOCK is virtual.  So that no transfer ever blocks where a kick cannot end
 * it, pipes and terminals are opened anew through /proc/self/fd, which gives a non-blocking
 * description of ours on the same pipe or terminal; where that fails (no /proc, another user's
 * pipe) the descriptor is paced.  Polling is done on the original: a named pipe's new description
 * does not know of writers that came and went before it. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int nonblocking_twin(int fd, int access)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return open(link, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A stream is read and written by its mode, and no more: what the caller redirected it to keeps its
 * size and times. */
static void stream_rights(struct desc *d, int flags)
{
    d->rights &= ~(uint32_t)(RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE |
                             RIGHT_FD_FILESTAT_SET_TIMES);
    if (!(flags & O_APPEND))
        return;
    d->fdflags |= FDFLAG_APPEND;
    if (d->ops == &file_ops && d->filetype == FILETYPE_REGULAR) {
        d->ops = &append_ops;
        d->rights &= ~(uint32_t)(RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_ADVISE);
    }
}

static bool adopt(struct wasi *w, int fd, int host, struct failure *why)
{
    struct stat st;
    int flags = fcntl(host, F_GETFL);
    struct desc d = {
        .ops = &file_ops, .host = host, .io = host, .inherited = true, .output = true
    };
    if (!desc_put(w, (uint32_t)fd, &d)) {
        if (w->stdio_owned)
            close(host);
        return failure_set(why, "cannot start: no memory");
    }
    struct desc *at = desc_get(w, (uint64_t)fd);
    if (flags < 0 || file_stat(host, &st) < 0)
        return failure_set(why, "cannot use descriptor %d: %s", fd, strerror(errno));
    int access = flags & O_ACCMODE;
    d.read_only = access == O_RDONLY;
    desc_describe(w, &d, &st, access);
    /* A directory on stdin is no grant. */
    if (desc_is_dir(&d))
        d.ops = &file_ops, d.filetype = FILETYPE_UNKNOWN, d.rights = RIGHT_FD_FILESTAT_GET,
        d.inheriting = 0;
    stream_rights(&d, flags);
    if (d.ops == &stream_ops) {
        d.io = nonblocking_twin(host, access);
        if (d.io < 0) {
            d.io = host;
            d.paced = !(flags & O_NONBLOCK);
        }
    }
    if (!terminal_filter(w, &d)) {
        *at = d; /* so that it is closed */
        return failure_set(why, "cannot start: no memory");
    }
    bool character = d.filetype == FILETYPE_CHARACTER && d.ops != &file_ops;
    if (fd == 0 && character && isatty(host)) {
        w->terminal = st;
        w->terminal_host = host;
        w->terminal_known = true;
    }
    *at = d;
    return true;
}

/* An embedder's, or /dev/null, above the numbers that its program may think its own. */
static bool adopt_copy(struct wasi *w, int fd, int host, struct failure *why)
{
    int copy = fcntl(host >= 0 ? host : fdtable_null(w), F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return failure_set(why, "cannot use %d as descriptor %d: %s", host, fd, strerror(errno));
    return adopt(w, fd, copy, why);
}

bool stdio_adopt(struct wasi *w, const struct config *config, struct failure *why)
{
    w->stdio_owned = config->stdio != NULL;
    if (!config->stdio && !streams_open_closed(why))
        return false;
    if (!config->stdio)
        fdtable_null(w); /* while this process may open it */
    for (int fd = 0; fd <= 2; fd++)
        if (!(config->stdio ? adopt_copy(w, fd, config->stdio[fd], why) : adopt(w, fd, fd, why)))
            return false;
    return true;
}

int wasi_stream(struct wasi *w, int fd)
{
    if (!w->stdio_owned)
        return fd;
    const struct desc *d = desc_get(w, (uint64_t)fd);
    return d && d->inherited ? d->host : -1;
}

void stdio_leave(struct wasi *w, struct desc *d)
{
    if (d->ops->close)
        d->ops->close(w, d);
    if (d->io != d->host)
        close(d->io);
}

int stdio_release(struct wasi *w, struct desc *d)
{
    if (d->io != d->host)
        close(d->io);
    if (w->terminal_known && d->host == w->terminal_host)
        w->terminal_known = false; /* its number may be another's by and by */
    if (w->stdio_owned)
        return close(d->host);
    /* dup3 would not tell what closing says; each close of a description says it. */
    int twin = fcntl(d->host, F_DUPFD_CLOEXEC, 3), closed = twin < 0 ? 0 : close(twin),
        error = errno;
    /* The other end of the pipe sees the close; the number stays taken.  2 remains for the
     * monitor's messages. */
    if (d->host != 2 && w->null >= 0)
        dup3(w->null, d->host, d->host <= 2 ? 0 : O_CLOEXEC);
    errno = error;
    return closed;
}
