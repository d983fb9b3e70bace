/* What a descriptor is: fdstat with its flags and rights, filestat, times, size. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t filetype_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return FILETYPE_REGULAR;
    case S_IFDIR: return FILETYPE_DIRECTORY;
    case S_IFLNK: return FILETYPE_SYMLINK;
    case S_IFCHR: return FILETYPE_CHARACTER;
    case S_IFBLK: return FILETYPE_BLOCK;
    case S_IFSOCK: return FILETYPE_STREAM;
    default: return FILETYPE_UNKNOWN;
    }
}

/* Nanoseconds since 1970, which end in 1677 and 2262; times beyond are cut to the ends. */
static int64_t nanoseconds(struct timespec t)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, t.tv_nsec, &ns))
        return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

uint32_t filestat_put(struct wasi *w, uint64_t at, enum filestat_layout layout,
                      const struct stat *st, uint8_t filetype)
{
    const struct wasi_filestat now = {
        .dev = st->st_dev,
        .ino = st->st_ino,
        .filetype = filetype,
        .nlink = st->st_nlink,
        .size = (uint64_t)st->st_size,
        .atim = nanoseconds(st->st_atim),
        .mtim = nanoseconds(st->st_mtim),
        .ctim = nanoseconds(st->st_ctim),
    };
    if (layout == FILESTAT)
        return out_put(w, at, &now, sizeof now);
    const struct wasi_filestat_v0 old = {
        .dev = now.dev,
        .ino = now.ino,
        .filetype = filetype,
        .nlink = (uint32_t)now.nlink,
        .size = now.size,
        .atim = now.atim,
        .mtim = now.mtim,
        .ctim = now.ctim,
    };
    return out_put(w, at, &old, sizeof old);
}

static struct timespec time_decode(uint64_t ns, bool set, bool now)
{
    if (!set)
        return (struct timespec){ .tv_nsec = now ? UTIME_NOW : UTIME_OMIT };
    const int64_t second = 1000000000;
    /* before 1970 the rest is negative */
    int64_t sec = (int64_t)ns / second, rest = (int64_t)ns % second;
    return (struct timespec){ .tv_sec = sec - (rest < 0),
                              .tv_nsec = rest < 0 ? rest + second : rest };
}

uint32_t times_decode(uint64_t atim, uint64_t mtim, uint64_t flags, struct timespec out[2])
{
    const uint64_t atim_both = FST_ATIM | FST_ATIM_NOW, mtim_both = FST_MTIM | FST_MTIM_NOW;
    if ((flags & ~(uint64_t)FST_ALL) || (flags & atim_both) == atim_both ||
        (flags & mtim_both) == mtim_both)
        return WASI_INVAL;
    out[0] = time_decode(atim, flags & FST_ATIM, flags & FST_ATIM_NOW);
    out[1] = time_decode(mtim, flags & FST_MTIM, flags & FST_MTIM_NOW);
    return WASI_SUCCESS;
}

static struct wasi_fdstat fdstat_of(const struct desc *d)
{
    return (struct wasi_fdstat){
        .filetype = d->filetype,
        .flags = d->fdflags,
        .rights = d->rights,
        .inheriting = d->inheriting,
    };
}

void fdstat_tell(struct wasi *w, uint32_t fd)
{
    struct wasi_fdstat out = fdstat_of(desc_get(w, fd));
    if (fd < BOOT_FDSTATS)
        guest_write(w->mem,
                    MAP_CONTROL + offsetof(struct control, boot.fdstat[0]) + fd * sizeof out, &out,
                    sizeof out);
}

void fdstat_publish(struct wasi *w)
{
    const gva_t boot = MAP_CONTROL + offsetof(struct control, boot);
    uint32_t fd = 0;
    for (; fd < BOOT_FDSTATS && desc_get(w, fd); fd++)
        fdstat_tell(w, fd);
    guest_write(w->mem, boot + offsetof(struct boot_record, fdstats), &fd, sizeof fd);
}

uint32_t wasi_fd_fdstat_get(struct wasi *w, const struct fd_fdstat_get_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d)
        return WASI_BADF;
    struct wasi_fdstat out = fdstat_of(d);
    return out_put(w, args->fdstat_out, &out, sizeof out);
}

/* Makes APPEND so on the host.  A shared description stays as it is: others write through it too.
 */
static uint32_t append_set(struct desc *d, bool on)
{
    if (!d->ops->positions && d->ops != &append_ops)
        return WASI_SUCCESS; /* a stream has no other end to write at */
    if (d->inherited || d->shared)
        return WASI_NOTSUP;
    int flags = fcntl(d->host, F_GETFL);
    if (flags < 0 || fcntl(d->host, F_SETFL, on ? flags | O_APPEND : flags & ~O_APPEND) < 0)
        return wasi_errno(errno);
    return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_set_flags(struct wasi *w, const struct fd_fdstat_set_flags_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d)
        return WASI_BADF;
    if (args->flags & ~(uint64_t)FDFLAG_ALL)
        return WASI_INVAL;
    if (desc_is_dir(d))
        return WASI_ISDIR;
    uint16_t flags = (uint16_t)args->flags, changed = flags ^ d->fdflags;
    if (changed & FDFLAG_SYNCS)
        return WASI_INVAL;
    uint32_t err = changed & FDFLAG_APPEND ? append_set(d, flags & FDFLAG_APPEND) : WASI_SUCCESS;
    if (err)
        return err;
    desc_moves(d);
    d->fdflags = flags;
    return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_set_rights(struct wasi *w, const struct fd_fdstat_set_rights_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d)
        return WASI_BADF;
    if ((args->base | args->inheriting) & ~(uint64_t)RIGHT_ALL)
        return WASI_INVAL;
    if ((args->base & ~(uint64_t)d->rights) || (args->inheriting & ~(uint64_t)d->inheriting))
        return WASI_NOTCAPABLE;
    d->rights = (uint32_t)args->base;
    d->inheriting = (uint32_t)args->inheriting;
    return WASI_SUCCESS;
}

static uint32_t filestat_get(struct wasi *w, uint32_t fd, uint32_t out, enum filestat_layout layout)
{
    struct desc *d = desc_get(w, fd);
    if (!d)
        return WASI_BADF;
    struct stat st;
    if (file_stat(d->host, &st) < 0)
        return wasi_errno(errno);
    return filestat_put(w, out, layout, &st, d->filetype);
}

uint32_t wasi_fd_filestat_get(struct wasi *w, const struct fd_filestat_get_args *args)
{
    return filestat_get(w, args->fd, args->filestat_out, FILESTAT);
}

uint32_t wasi_fd_filestat_get_v0(struct wasi *w, const struct fd_filestat_get_v0_args *args)
{
    return filestat_get(w, args->fd, args->filestat, FILESTAT_V0);
}

uint32_t wasi_fd_filestat_set_size(struct wasi *w, const struct fd_filestat_set_size_args *args)
{
    uint32_t err;
    struct desc *d = file_to_change(w, args->fd, RIGHT_FD_FILESTAT_SET_SIZE, WASI_INVAL, &err);
    return err ? err : storage_resize(w, d->host, (off_t)args->size);
}

uint32_t wasi_fd_filestat_set_times(struct wasi *w, const struct fd_filestat_set_times_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d)
        return WASI_BADF;
    if (d->read_only)
        return WASI_ROFS;
    if (d->inherited || (d->shared && !(d->rights & RIGHT_FD_FILESTAT_SET_TIMES)))
        return WASI_NOTCAPABLE;
    struct timespec times[2];
    uint32_t err = times_decode(args->atim, args->mtim, args->set, times);
    if (err)
        return err;
    if (d->ops != &file_ops && d->ops != &directory_ops) /* nobody sees the times of a stream */
        return WASI_NOTSUP;
    return futimens(d->host, times) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}
