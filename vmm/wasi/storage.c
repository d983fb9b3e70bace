/* What a file has on its storage: sync, advice, allocation, size.
 *
 * The kernel may work on such a call for minutes, and no signal reaches it there: it is asked for a
 * piece at a time, so that a stop is seen between two. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <unistd.h>

#define PIECES_MOST 4096 /* of files that are mostly holes there would be too many */
#define SYNC_PIECE ((off_t)32 << 20)
#define ALLOCATE_PIECE (UINT64_C(64) << 20)
#define CUT_PIECE ((off_t)1 << 30) /* of a file that gets shorter */

static off_t piece_of(off_t size, off_t least)
{
    return size / PIECES_MOST > least ? size / PIECES_MOST : least;
}

/* What is dirty goes out bit by bit, so that little is left to the sync itself.  Errors are the
 * sync's to tell. */
static bool write_out(struct wasi *w, int host)
{
    const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                         SYNC_FILE_RANGE_WAIT_AFTER;
    struct stat st;
    if (file_stat(host, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= SYNC_PIECE)
        return true;
    off_t piece = piece_of(st.st_size, SYNC_PIECE);
    for (off_t at = 0; at < st.st_size - piece; at += piece) {
        if (kick_pending(w->kick))
            return false;
        if (sync_file_range(host, at, piece, all) < 0)
            break;
    }
    return true;
}

static uint32_t sync_by(struct wasi *w, uint64_t fd, int (*sync_host)(int))
{
    struct desc *d = desc_get(w, fd);
    if (!d)
        return WASI_BADF;
    if (!write_out(w, d->host))
        return WASI_INTR;
    if (d->inherited) /* a stream that is a file: the jail has the whole sync for all */
        sync_host = fsync;
    return sync_host(d->host) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}

uint32_t wasi_fd_sync(struct wasi *w, const struct fd_sync_args *args)
{
    return sync_by(w, args->fd, fsync);
}

uint32_t wasi_fd_datasync(struct wasi *w, const struct fd_datasync_args *args)
{
    return sync_by(w, args->fd, fdatasync);
}

uint32_t wasi_fd_advise(struct wasi *w, const struct fd_advise_args *args)
{
    static const int host_advice[] = { POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                       POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                       POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE };
    struct desc *d = desc_get(w, args->fd);
    if (!d || desc_is_dir(d))
        return WASI_BADF;
    if (args->advice >= sizeof host_advice / sizeof *host_advice || args->len > INT64_MAX)
        return WASI_INVAL;
    /* A hint: whether the host takes it is nobody's business. */
    if (d->filetype == FILETYPE_REGULAR)
        posix_fadvise(d->host, (off_t)args->offset, (off_t)args->len, host_advice[args->advice]);
    return WASI_SUCCESS;
}

static uint32_t allocate_once(int host, uint64_t at, uint64_t len)
{
    return fallocate(host, 0, (off_t)at, (off_t)len) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}

/* The last byte first: whether the file may be so large shows at once. */
static uint32_t allocate_pieces(struct wasi *w, int host, uint64_t at, uint64_t len)
{
    uint32_t err = allocate_once(host, at + len - 1, 1);
    for (uint64_t end = at + len; !err && at < end; at += ALLOCATE_PIECE) {
        err = allocate_once(host, at, end - at < ALLOCATE_PIECE ? end - at : ALLOCATE_PIECE);
        if (!err && kick_pending(w->kick))
            err = WASI_INTR;
    }
    return err;
}

/* What cannot be had as a whole leaves the size as it was. */
static uint32_t allocate(struct wasi *w, int host, uint64_t at, uint64_t len)
{
    struct stat before;
    if (len <= ALLOCATE_PIECE || at > INT64_MAX || len > INT64_MAX - at ||
        file_stat(host, &before) < 0)
        return allocate_once(host, at, len);
    uint32_t err = allocate_pieces(w, host, at, len);
    int back = err ? ftruncate(host, before.st_size) : 0;
    (void)back;
    return err;
}

struct desc *file_to_change(struct wasi *w, uint64_t fd, uint32_t right, uint32_t lacking,
                            uint32_t *err)
{
    struct desc *d = desc_get(w, fd);
    *err = !d                     ? WASI_BADF
           : desc_is_dir(d)       ? WASI_ISDIR
           : d->read_only         ? WASI_ROFS
           : !(d->rights & right) ? lacking
                                  : WASI_SUCCESS;
    return d;
}

uint32_t wasi_fd_allocate(struct wasi *w, const struct fd_allocate_args *args)
{
    uint32_t err;
    uint64_t room = args->len;
    struct desc *d = file_to_change(w, args->fd, RIGHT_FD_ALLOCATE, WASI_BADF, &err);
    if (err)
        return err;
    err = args->len && quota_counts(w, d) ? quota_room(w, d, &room) : WASI_SUCCESS;
    if (err)
        return err;
    if (room < args->len) {
        w->end->kind = ENDED_WRITTEN;
        return WASI_DQUOT;
    }
    err = allocate(w, d->host, args->offset, args->len);
    if (!err)
        quota_wrote(w, d, args->len);
    return err;
}

uint32_t storage_resize(struct wasi *w, int host, off_t size)
{
    struct stat st;
    off_t at = size >= 0 && file_stat(host, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : size;
    off_t piece = piece_of(at, CUT_PIECE);
    while (at - size > piece) {
        at -= piece;
        if (ftruncate(host, at) < 0)
            return wasi_errno(errno);
        if (kick_pending(w->kick))
            return WASI_INTR;
    }
    return ftruncate(host, size) < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}
