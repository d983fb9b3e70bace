/* fd_readdir: a directory as a stream of WASI entries.
 *
 * Cookies: 0 is the start, 1 stands after `.`, 2 after `..` (both are made here, first on every
 * file system), and all others are numbers of the kernel's places (places.c), plus 3.  They end
 * with the descriptor.  After a start from 0, which may be rewinddir or a seekdir to the beginning,
 * they end where the room is wanted. Reading on from where the last call stopped uses what was read
 * ahead and never seeks: on some file systems a seek into a directory whose entries were just
 * removed skips others.  Any other cookie seeks.  Read-ahead is kept for a bounded number of
 * descriptors; without it each call seeks. */
#include "vmm/wasi/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AHEAD_BYTES 32768u
#define STREAMS_MAX 256u

/* getdents64(2) */
struct kernel_dirent { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[]; };

struct ahead {
    uint32_t at, len;
    bool at_end; /* the kernel has no more behind len */
    _Alignas(8) uint8_t bytes[AHEAD_BYTES];
};

struct dir_stream {
    uint64_t cookie;     /* of the entry at `ahead->at`: what the last one handed out had as next */
    struct ahead *ahead; /* NULL: nothing was read, and the kernel stands anywhere */
    bool top;            /* it is a container's / */
    bool rewound;        /* and nobody has asked for an older place since */
    struct places places;
};

static void ahead_free(struct wasi *w, struct dir_stream *dir)
{
    w->dir_streams -= dir->ahead != NULL;
    free(dir->ahead);
    dir->ahead = NULL;
}

static void stream_free(struct wasi *w, struct desc *d)
{
    struct dir_stream *dir = d->own;
    if (!dir)
        return;
    ahead_free(w, dir);
    places_free(w, &dir->places);
    free(dir);
    d->own = NULL;
}

void places_release(struct wasi *w)
{
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        struct dir_stream *dir = w->descs[fd].ops == &directory_ops ? w->descs[fd].own : NULL;
        if (dir && dir->rewound)
            places_free(w, &dir->places);
    }
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

/* `.` and `..`; both carry the directory's own number, as what lies above may be outside of the
 * grant. */
static uint32_t dots_put(struct dirents *s, struct dir_stream *dir, int host, bool *full)
{
    struct stat st;
    if (file_stat(host, &st) < 0)
        return wasi_errno(errno);
    if (dir->cookie == COOKIE_START &&
        !(*full = !dirent_put(s, COOKIE_AFTER_DOT, st.st_ino, FILETYPE_DIRECTORY, ".")))
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

/* What a container's runtime has put into its / is no file of the program's; by its name it can be
 * had. */
static bool is_hidden(const struct dir_stream *dir, const char *name)
{
    static const char *const hidden[] = { ".wasmvm", "dev", "proc", "sys" };
    for (size_t i = 0; dir->top && i < sizeof hidden / sizeof *hidden; i++)
        if (strcmp(name, hidden[i]) == 0)
            return true;
    return false;
}

/* Writes what was read ahead, until the sink is full. */
static uint32_t ahead_put(struct dirents *s, struct dir_stream *dir, int host, bool *full)
{
    struct ahead *a = dir->ahead;
    for (const struct kernel_dirent *e; a->at < a->len; a->at += e->reclen) {
        e = (const void *)(a->bytes + a->at);
        if (is_dots(e->name) || is_hidden(dir, e->name))
            continue;
        uint8_t type = filetype_of_dirent(e->type);
        struct stat st;
        if (e->type == DT_UNKNOWN && fstatat(host, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            type = filetype_of(st.st_mode);
        uint32_t number, err = places_number(s->w, &dir->places, e->off, &number);
        if (err)
            return err;
        *full = !dirent_put(s, COOKIE_KERNEL + (uint64_t)number, e->ino, type, e->name);
        if (*full)
            break;
        dir->cookie = COOKIE_KERNEL + (uint64_t)number;
    }
    return WASI_SUCCESS;
}

static uint32_t ahead_read(struct ahead *a, int host)
{
    long n = syscall(SYS_getdents64, host, a->bytes, sizeof a->bytes);
    if (n < 0)
        return wasi_errno(errno);
    a->at = 0;
    a->len = (uint32_t)n;
    a->at_end = n == 0;
    return WASI_SUCCESS;
}

/* Makes the stream stand at a cookie, with nothing read ahead. */
static uint32_t stream_seek(struct wasi *w, struct dir_stream *dir, int host, uint64_t cookie)
{
    int64_t offset = 0;
    dir->rewound = cookie == COOKIE_START || (dir->rewound && cookie < COOKIE_KERNEL);
    if (cookie == COOKIE_START && dir->places.first) {
        places_free(w, &dir->places);
        dir->places.first = 0;
    }
    if (cookie >= COOKIE_KERNEL && !places_offset(&dir->places, cookie - COOKIE_KERNEL, &offset))
        return WASI_INVAL;
    if (!dir->ahead) {
        dir->ahead = malloc(sizeof *dir->ahead);
        if (!dir->ahead)
            return WASI_NOMEM;
        w->dir_streams++;
    }
    dir->ahead->at = dir->ahead->len = 0;
    dir->ahead->at_end = false;
    dir->cookie = cookie;
    if (lseek(host, offset, SEEK_SET) >= 0)
        return WASI_SUCCESS;
    struct stat st;
    /* the directory may be gone */
    return file_stat(host, &st) == 0 && st.st_nlink == 0 ? WASI_NOENT : WASI_INVAL;
}

static uint32_t stream_fill(struct dirents *s, struct dir_stream *dir, int host)
{
    bool full = false;
    uint32_t err = WASI_SUCCESS;
    if (dir->cookie < COOKIE_AFTER_DOTDOT)
        err = dots_put(s, dir, host, &full);
    while (!err && !full) {
        err = ahead_put(s, dir, host, &full);
        if (err || full || dir->ahead->at_end || s->used == s->size)
            break;
        err = kick_pending(s->w->kick) ? WASI_INTR : ahead_read(dir->ahead, host);
    }
    return err;
}

static struct dir_stream *stream_new(const struct wasi *w, const struct desc *d)
{
    struct stat st;
    struct dir_stream *dir = calloc(1, sizeof *dir);
    if (dir && w->top_known && file_stat(d->host, &st) == 0)
        dir->top = st.st_dev == w->top.st_dev && st.st_ino == w->top.st_ino;
    return dir;
}

static uint32_t readdir_host(struct wasi *w, struct desc *d, uint64_t cookie, struct dirents *s)
{
    struct dir_stream *dir = d->own = d->own ? d->own : stream_new(w, d);
    if (!dir)
        return WASI_NOMEM;
    bool stands = dir->ahead && cookie == dir->cookie && cookie != COOKIE_START;
    uint32_t err = stands ? WASI_SUCCESS : stream_seek(w, dir, d->host, cookie);
    if (!err)
        err = stream_fill(s, dir, d->host);
    bool over = dir->ahead && dir->ahead->at_end && dir->ahead->at == dir->ahead->len &&
                s->used < s->size;
    if (err || over || w->dir_streams > STREAMS_MAX)
        ahead_free(w, dir);
    return err;
}

static const struct dir_ops host_dir = { .readdir = readdir_host,
                                         .stat = path_stat,
                                         .open = path_open };
const struct desc_ops directory_ops = { .name = "directory",
                                        .close = stream_free,
                                        .dir = &host_dir };

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
