/* /dev/stdin, /dev/stdout, /dev/stderr and /dev/fd/N, where the guest's /dev is the host's: the
 * program's own descriptor N.
 *
 * On Linux they are links into procfs that open the file anew, with whatever access its mode
 * allows.  Here they give a duplicate, whose access is within the descriptor's own: nothing is
 * truncated, and position and APPEND are those of N, as others have them too.  Numbers are the
 * guest's, so that none of the monitor's descriptors has a name. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "/proc/self/fd/"
#define DIGITS_MOST 7

void devfd_find(struct wasi *w)
{
    struct stat host, guest;
    struct route p;
    const char *rest;
    uint32_t err;
    const struct desc *d = preopen_find(w, "/dev", &rest);
    if (!d || !d->ops->dir || stat("/dev", &host) < 0)
        return;
    route_begin(w, &p, d, *rest ? rest : ".");
    int fd = route_find(w, &p, true, false, &err);
    route_end(&p);
    if (fd < 0)
        return;
    w->dev_known = file_stat(fd, &guest) == 0 && S_ISDIR(guest.st_mode) &&
                   guest.st_dev == host.st_dev && guest.st_ino == host.st_ino;
    w->dev = host;
    close(fd);
}

bool devfd_number(const struct wasi *w, int dir, const char *text, int *n)
{
    struct stat st;
    const char *digits = text + strlen(PREFIX);
    size_t len;
    if (!w->dev_known || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return false;
    len = strspn(digits, "0123456789");
    if (len == 0 || len > DIGITS_MOST || digits[len] || (digits[0] == '0' && len > 1))
        return false;
    *n = atoi(digits);
    return file_stat(dir, &st) == 0 && st.st_dev == w->dev.st_dev && st.st_ino == w->dev.st_ino;
}

uint32_t devfd_stat(struct wasi *w, int n, struct stat *st)
{
    const struct desc *d = desc_get(w, (uint64_t)n);
    if (!d)
        return WASI_NOENT;
    return file_stat(d->host, st) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}

/* A directory has its own stream of entries, so it is opened from itself, with no more rights than
 * it has. */
static uint32_t directory_again(struct wasi *w, const struct opening *o, struct desc *d,
                                uint32_t *fd)
{
    struct opening again = *o;
    const uint32_t rights = d->rights, inheriting = d->inheriting;
    again.dir = d;
    strcpy(again.path, ".");
    uint32_t err = d->ops->dir->open(w, &again, fd);
    if (err)
        return err;
    d = desc_get(w, *fd);
    d->rights &= rights;
    d->inheriting &= inheriting;
    return WASI_SUCCESS;
}

/* Both host descriptors of one that reads and writes by a twin. */
static bool hosts_duplicate(const struct desc *d, struct desc *copy)
{
    copy->host = copy->io = fcntl(d->host, F_DUPFD_CLOEXEC, 3);
    if (copy->host >= 0 && d->io != d->host && (copy->io = fcntl(d->io, F_DUPFD_CLOEXEC, 3)) < 0)
        close(copy->host);
    return copy->host >= 0 && copy->io >= 0;
}

static uint32_t duplicate(struct wasi *w, const struct opening *o, struct desc *d, uint32_t *fd)
{
    const uint32_t writing = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE;
    bool twin = d->io != d->host;
    if ((o->read && !desc_may(d, false)) || (o->write && !desc_may(d, true)))
        return WASI_ACCES;
    if (twin && w->open_max - w->open_count < 2)
        return WASI_MFILE;
    struct desc copy = *d;
    if (!hosts_duplicate(d, &copy))
        return wasi_errno(errno);
    if (d->ops == &terminal_ops && !terminal_filter(w, &copy)) {
        if (twin)
            close(copy.io);
        close(copy.host);
        return WASI_NOMEM;
    }
    copy.rights &= ~((o->read ? 0 : RIGHT_FD_READ) | (o->write ? 0 : writing));
    copy.fdflags = (uint16_t)((d->fdflags & ~FDFLAG_NONBLOCK) | (o->fdflags & FDFLAG_NONBLOCK));
    copy.inherited = false;
    copy.shared = d->shared = true;
    uint32_t err = desc_place(w, &copy, fd);
    if (err && copy.ops == &terminal_ops)
        copy.ops->close(w, &copy);
    if (err && twin)
        close(copy.io);
    else if (twin)
        w->open_count++;
    return err;
}

uint32_t devfd_open(struct wasi *w, const struct opening *o, int n, uint32_t *fd)
{
    struct desc *d = desc_get(w, (uint64_t)n);
    if (!d)
        return WASI_NOENT;
    if (desc_is_dir(d))
        return directory_again(w, o, d, fd);
    if (o->oflags & OFLAG_DIRECTORY)
        return WASI_NOTDIR;
    bool bytes = d->ops == &file_ops || d->ops == &append_ops || d->ops == &stream_ops ||
                 d->ops == &terminal_ops;
    return bytes ? duplicate(w, o, d, fd) : WASI_NXIO; /* as natively for sockets */
}
