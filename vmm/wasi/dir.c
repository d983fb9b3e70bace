/* fd_readdir: a directory as a stream of WASI entries.
 *
 * Cookies: 0 is the start, 1 stands after `.`, 2 after `..` (both are made here, first on every file system), and all
 * others are the kernel's position plus 3.  Reading on from where the last call stopped uses what was read ahead and
 * never seeks: on some file systems a seek into a directory whose entries were just removed skips others.  Any other
 * cookie seeks.  Read-ahead is kept for a bounded number of descriptors; without it each call seeks. */
#include "vmm/wasi/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AHEAD_BYTES 32768u
#define STREAMS_MAX 256u

struct kernel_dirent { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[]; }; /* getdents64(2) */

struct dir_stream {
    uint64_t cookie; /* of the entry at `at`: what the last one handed out had as next */
    uint32_t at, len;
    bool at_end; /* the kernel has no more behind len */
    _Alignas(8) uint8_t ahead[AHEAD_BYTES];
};

static void stream_free(struct wasi *w, struct desc *d)
{
    if (!d->own)
        return;
    free(d->own);
    d->own = NULL;
    w->dir_streams--;
}

static uint8_t filetype_of_dirent(uint8_t type)
{
    return type == DT_UNKNOWN ? FILETYPE_UNKNOWN : filetype_of((mode_t)DTTOIF(type));
}

static void sink_put(struct dirents *s, const void *bytes, size_t n)
{
    uint64_t room = s->size - s->used;
    size_t fits = n < room ? n : (size_t)room;
    out_put(s->w, s->at + s->used, bytes, fits);
    s->used += fits;
}

bool dirent_put(struct dirents *s, uint64_t next, uint64_t ino, uint8_t type, const char *name)
{
    size_t len = strlen(name);
    struct wasi_dirent head = { .next = next, .ino = ino, .namlen = (uint32_t)len, .type = type };
    bool whole = s->size - s->used >= sizeof head + len;
    sink_put(s, &head, sizeof head);
    sink_put(s, name, len);
    return whole;
}

/* `.` and `..`; both carry the directory's own number, as what lies above may be outside of the grant. */
static uint32_t dots_put(struct dirents *s, struct dir_stream *dir, int host, bool *full)
{
    struct stat st;
    if (fstat(host, &st) < 0)
        return wasi_errno(errno);
    if (dir->cookie == COOKIE_START && !(*full = !dirent_put(s, COOKIE_AFTER_DOT, st.st_ino, FILETYPE_DIRECTORY, ".")))
        dir->cookie = COOKIE_AFTER_DOT;
    if (dir->cookie == COOKIE_AFTER_DOT &&
        !(*full = !dirent_put(s, COOKIE_AFTER_DOTDOT, st.st_ino, FILETYPE_DIRECTORY, "..")))
        dir->cookie = COOKIE_AFTER_DOTDOT;
    return WASI_SUCCESS;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* Writes what was read ahead, until the sink is full. */
static void ahead_put(struct dirents *s, struct dir_stream *dir, int host, bool *full)
{
    while (dir->at < dir->len) {
        const struct kernel_dirent *e = (const void *)(dir->ahead + dir->at);
        uint64_t next = (uint64_t)e->off + COOKIE_KERNEL;
        uint8_t type = filetype_of_dirent(e->type);
        struct stat st;
        if (e->type == DT_UNKNOWN && fstatat(host, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            type = filetype_of(st.st_mode);
        if (!is_dots(e->name)) {
            if (!dirent_put(s, next, e->ino, type, e->name)) {
                *full = true;
                return;
            }
            dir->cookie = next;
        }
        dir->at += e->reclen;
    }
}

static uint32_t ahead_read(struct dir_stream *dir, int host)
{
    long n = syscall(SYS_getdents64, host, dir->ahead, sizeof dir->ahead);
    if (n < 0)
        return wasi_errno(errno);
    dir->at = 0;
    dir->len = (uint32_t)n;
    dir->at_end = n == 0;
    return WASI_SUCCESS;
}

/* Makes the stream stand at a cookie. */
static uint32_t stream_seek(struct dir_stream *dir, int host, uint64_t cookie)
{
    uint64_t off = cookie < COOKIE_KERNEL ? 0 : cookie - COOKIE_KERNEL;
    dir->at = dir->len = 0;
    dir->at_end = false;
    dir->cookie = cookie;
    if (off <= INT64_MAX && lseek(host, (off_t)off, SEEK_SET) >= 0)
        return WASI_SUCCESS;
    struct stat st;
    return fstat(host, &st) == 0 && st.st_nlink == 0 ? WASI_NOENT : WASI_INVAL; /* the directory may be gone */
}

static uint32_t stream_fill(struct dirents *s, struct dir_stream *dir, int host)
{
    bool full = false;
    uint32_t err = WASI_SUCCESS;
    if (dir->cookie < COOKIE_AFTER_DOTDOT)
        err = dots_put(s, dir, host, &full);
    while (!err && !full) {
        ahead_put(s, dir, host, &full);
        if (full || dir->at_end || s->used == s->size)
            break;
        err = kick_pending(s->w->kick) ? WASI_INTR : ahead_read(dir, host);
    }
    return err;
}

static uint32_t readdir_host(struct wasi *w, struct desc *d, uint64_t cookie, struct dirents *s)
{
    struct dir_stream *dir = d->own;
    bool fresh = !dir;
    if (fresh) {
        dir = malloc(sizeof *dir);
        if (!dir)
            return WASI_NOMEM;
        d->own = dir;
        w->dir_streams++;
    }
    uint32_t err = WASI_SUCCESS;
    if (fresh || cookie == COOKIE_START || cookie != dir->cookie)
        err = stream_seek(dir, d->host, cookie);
    if (!err)
        err = stream_fill(s, dir, d->host);
    bool over = dir->at_end && dir->at == dir->len && s->used < s->size;
    if (err || over || w->dir_streams > STREAMS_MAX)
        stream_free(w, d);
    return err;
}

static const struct dir_ops host_dir = { .readdir = readdir_host, .stat = path_stat, .open = path_open };
const struct desc_ops directory_ops = { .name = "directory", .close = stream_free, .dir = &host_dir };

uint32_t wasi_fd_readdir(struct wasi *w, const struct fd_readdir_args *args)
{
    struct desc *d = desc_get(w, args->fd);
    if (!d || !desc_is_dir(d))
        return WASI_BADF;
    if (!out_ok(w, args->buffer, args->buffer_len) || !out_ok(w, args->used_out, 4))
        return WASI_FAULT;
    struct dirents s = { w, args->buffer, args->buffer_len, 0 };
    uint32_t err = d->ops->dir->readdir(w, d, args->cookie, &s);
    if (err)
        return err;
    uint32_t used = (uint32_t)s.used;
    return out_put(w, args->used_out, &used, 4);
}
