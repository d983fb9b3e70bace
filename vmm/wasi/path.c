/* Every path_* call but path_open (open.c).
 *
 * Paths are resolved by route.c.  Calls that the kernel cannot be told to resolve so (mkdir,
 * unlink, rename, ...) have the parent resolved and act on one final component, which is a name:
 * not `.`, not `..`, without a slash. */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- resolution ---- */

/* Copies a path in and makes it a C string. */
static uint32_t path_read(struct wasi *w, uint64_t at, uint64_t len, char path[PATH_MAX])
{
    if (len >= PATH_MAX)
        return WASI_NAMETOOLONG;
    if (len && !linear_read(w->mem, at, path, len))
        return WASI_FAULT;
    path[len] = 0;
    return memchr(path, 0, len) ? WASI_INVAL : WASI_SUCCESS;
}

uint32_t path_start(struct wasi *w, uint64_t fd, uint64_t at, uint64_t len, struct desc **d,
                    char path[PATH_MAX])
{
    uint32_t err = path_read(w, at, len, path);
    if (err)
        return err;
    if (fd == UINT32_MAX) { /* Go and wasi-libc: no --dir covers this path */
        if (w->missing_count++ == 0)
            memcpy(w->missing_path, path, len + 1);
        return WASI_NOENT;
    }
    *d = desc_get(w, fd);
    if (!*d)
        return WASI_BADF;
    return desc_is_dir(*d) ? WASI_SUCCESS : WASI_NOTDIR;
}

/* A path taken apart for the calls that act on a directory entry. */
struct entry {
    struct desc *dir;
    char path[PATH_MAX];
    const char *name; /* final component, inside path */
    int parent;       /* host descriptor of the directory that holds it */
    bool slash;       /* slashes followed the name: it must be a directory */
    bool dot, dotdot; /* the name is `.` or `..`: exists, and cannot be acted on */
    bool read_only;   /* where it lies, as the next: links may have led to another grant */
    uint8_t tree;
};

static void entry_close(struct entry *e)
{
    if (e->parent >= 0 && e->parent != e->dir->host)
        close(e->parent);
    e->parent = -1;
}

/* Splits e->path at its final component; the part before it is "" where there is none. */
static const char *entry_split(struct entry *e)
{
    size_t len = strlen(e->path);
    while (len > 1 && e->path[len - 1] == '/') {
        e->path[--len] = 0;
        e->slash = true;
    }
    char *slash = strrchr(e->path, '/');
    e->name = slash ? slash + 1 : e->path;
    e->dot = strcmp(e->name, ".") == 0;
    e->dotdot = strcmp(e->name, "..") == 0;
    if (e->dot || e->dotdot)
        return e->path; /* the whole: it names a directory */
    if (!slash)
        return "";
    *slash = 0;
    return e->path;
}

/* Resolves all but the final component.  After SUCCESS, and only then, entry_close is due. */
static uint32_t entry_open(struct wasi *w, uint64_t fd, uint64_t at, uint64_t len, struct entry *e)
{
    e->slash = false;
    e->parent = -1;
    uint32_t err = path_start(w, fd, at, len, &e->dir, e->path);
    if (err)
        return err;
    if (e->path[0] == 0)
        return WASI_NOENT;
    if (e->path[0] == '/')
        return WASI_PERM;
    const char *parent = entry_split(e);
    struct route p;
    route_begin(w, &p, e->dir, parent);
    e->parent = *parent ? route_open(w, &p, O_PATH | O_DIRECTORY, 0, false, &err) : e->dir->host;
    route_end(&p);
    e->read_only = p.read_only;
    e->tree = p.tree;
    if (*parent == 0)
        return WASI_SUCCESS;
    if (e->parent < 0)
        return err;
    if (filesystem_refused(w, e->parent, e->path, &err)) {
        entry_close(e);
        return err;
    }
    return WASI_SUCCESS;
}

/* entry_open for a call that changes the directory; dot_err is its answer for `.` and `..`. */
static uint32_t entry_open_change(struct wasi *w, uint64_t fd, uint64_t at, uint64_t len,
                                  struct entry *e, uint32_t dot_err)
{
    uint32_t err = entry_open(w, fd, at, len, e);
    if (err)
        return err;
    if (e->read_only)
        err = WASI_ROFS;
    else if (e->dot || e->dotdot)
        err = e->dotdot && dot_err == WASI_INVAL ? WASI_NOTEMPTY
                                                 : dot_err; /* rmdir: what lies below is in it */
    if (err)
        entry_close(e);
    return err;
}

/* For names with slashes behind: what is there. */
static uint32_t entry_mode(const struct entry *e, mode_t *mode)
{
    struct stat st;
    if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return wasi_errno(errno);
    *mode = st.st_mode;
    return WASI_SUCCESS;
}

/* What a name with slashes behind is where the kernel follows it: SUCCESS, it is a directory. */
static uint32_t entry_directory(struct wasi *w, const struct entry *e)
{
    char whole[PATH_MAX];
    struct stat st;
    bool bare = e->name == e->path;
    int n = snprintf(whole, sizeof whole, "%s%s%s/", bare ? "" : e->path, bare ? "" : "/", e->name);
    return n < (int)sizeof whole ? path_stat(w, e->dir, whole, true, &st) : WASI_NAMETOOLONG;
}

static uint32_t result(int returned)
{
    return returned < 0 ? wasi_errno(errno) : WASI_SUCCESS;
}

/* ---- entries made and removed ---- */

static bool may_create(struct wasi *w, const struct entry *e, uint32_t *err)
{
    bool may = quota_may_create(w, e->parent, e->name);
    *err = may ? WASI_SUCCESS : WASI_DQUOT;
    return may;
}

static uint32_t created(struct wasi *w, int returned)
{
    if (returned == 0)
        quota_created(w);
    return result(returned);
}

uint32_t wasi_path_create_directory(struct wasi *w, const struct path_create_directory_args *args)
{
    struct entry e;
    uint32_t err = entry_open_change(w, args->dir, args->path, args->path_len, &e, WASI_EXIST);
    if (err)
        return err;
    if (may_create(w, &e, &err))
        err = created(w, mkdirat(e.parent, e.name, 0777));
    entry_close(&e);
    return err;
}

uint32_t wasi_path_remove_directory(struct wasi *w, const struct path_remove_directory_args *args)
{
    struct entry e;
    uint32_t err = entry_open_change(w, args->dir, args->path, args->path_len, &e, WASI_INVAL);
    if (err)
        return err;
    err = result(unlinkat(e.parent, e.name, AT_REMOVEDIR));
    entry_close(&e);
    return err;
}

uint32_t wasi_path_unlink_file(struct wasi *w, const struct path_unlink_file_args *args)
{
    struct entry e;
    uint32_t err = entry_open_change(w, args->dir, args->path, args->path_len, &e, WASI_ISDIR);
    if (err)
        return err;
    mode_t mode;
    if (!e.slash)
        err = result(unlinkat(e.parent, e.name, 0));
    else if ((err = entry_mode(&e, &mode)) == WASI_SUCCESS)
        err = S_ISDIR(mode) ? WASI_ISDIR : WASI_NOTDIR;
    entry_close(&e);
    return err;
}

/* Slashes behind either name of a rename ask for a directory. */
static uint32_t rename_check_slashes(const struct entry *from, const struct entry *to)
{
    mode_t mode;
    if (!from->slash && !to->slash)
        return WASI_SUCCESS;
    uint32_t err = entry_mode(from, &mode);
    return err ? err : S_ISDIR(mode) ? WASI_SUCCESS : WASI_NOTDIR;
}

uint32_t wasi_path_rename(struct wasi *w, const struct path_rename_args *args)
{
    struct entry from, to;
    uint32_t err = entry_open_change(w, args->dir, args->path, args->path_len, &from, WASI_BUSY);
    if (err)
        return err;
    err = entry_open_change(w, args->to_dir, args->to, args->to_len, &to, WASI_BUSY);
    if (err == WASI_SUCCESS) {
        err = rename_check_slashes(&from, &to);
        if (err == WASI_SUCCESS)
            err = result(renameat(from.parent, from.name, to.parent, to.name));
        entry_close(&to);
    }
    entry_close(&from);
    return err;
}

uint32_t wasi_path_link(struct wasi *w, const struct path_link_args *args)
{
    if (args->lookup & ~(uint64_t)LOOKUP_FOLLOW)
        return WASI_INVAL;
    if (args->lookup & LOOKUP_FOLLOW)
        return WASI_INVAL; /* linkat would follow out of the directory */
    struct entry from, to;
    uint32_t err = entry_open_change(w, args->dir, args->path, args->path_len, &from, WASI_PERM);
    if (err)
        return err;
    err = entry_open_change(w, args->to_dir, args->to, args->to_len, &to, WASI_EXIST);
    if (err == WASI_SUCCESS) {
        mode_t mode;
        if (from.slash && (err = entry_directory(w, &from)) == WASI_SUCCESS)
            err = WASI_PERM;
        else if (err == WASI_SUCCESS && to.slash && (err = entry_mode(&to, &mode)) == WASI_SUCCESS)
            err = WASI_EXIST;
        else if (err == WASI_SUCCESS && may_create(w, &to, &err))
            err = created(w, linkat(from.parent, from.name, to.parent, to.name, 0));
        entry_close(&to);
    }
    entry_close(&from);
    return err;
}

uint32_t wasi_path_symlink(struct wasi *w, const struct path_symlink_args *args)
{
    char target[PATH_MAX];
    uint32_t err = path_read(w, args->target, args->target_len, target);
    if (err)
        return err;
    if (args->target_len == 0)
        return WASI_NOENT;
    struct entry e;
    err = entry_open_change(w, args->dir, args->path, args->path_len, &e, WASI_EXIST);
    if (err)
        return err;
    mode_t mode;
    if (target[0] == '/' && e.tree != TREE_HOST)
        err = WASI_PERM; /* it would mean one file here, and another to whoever else meets it */
    else if (!e.slash && may_create(w, &e, &err))
        err = created(w, symlinkat(target, e.parent, e.name));
    else if (e.slash && (err = entry_mode(&e, &mode)) == WASI_SUCCESS)
        err = WASI_EXIST;
    entry_close(&e);
    return err;
}

uint32_t wasi_path_readlink(struct wasi *w, const struct path_readlink_args *args)
{
    if (!out_ok(w, args->buffer, args->buffer_len) || !out_ok(w, args->used_out, 4))
        return WASI_FAULT;
    struct entry e;
    uint32_t err = entry_open(w, args->dir, args->path, args->path_len, &e);
    if (err)
        return err;
    char text[PATH_MAX];
    ssize_t n = 0;
    if (e.dot || e.dotdot)
        err = WASI_INVAL;
    else if (e.dir->ops != &directory_ops)
        err = WASI_NOTDIR; /* no directory of the host's has links */
    else if (e.slash && (err = entry_directory(w, &e)) == WASI_SUCCESS)
        err = WASI_INVAL;
    else if (err == WASI_SUCCESS && (n = readlinkat(e.parent, e.name, text, sizeof text)) < 0)
        err = wasi_errno(errno);
    entry_close(&e);
    if (err)
        return err;
    uint32_t used = (uint64_t)n < args->buffer_len ? (uint32_t)n : (uint32_t)args->buffer_len;
    out_put(w, args->buffer, text, used);
    return out_put(w, args->used_out, &used, 4);
}

/* ---- stat and times ---- */

/* A name in the directory itself that is not `..`: the kernel cannot leave the directory while it
 * does not follow. */
static bool name_is_plain(const char *path)
{
    return path[0] && !strchr(path, '/') && strcmp(path, "..") != 0;
}

int route_find(struct wasi *w, struct route *p, bool follow, bool changes, uint32_t *err)
{
    int fd = route_open(w, p, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, changes, err);
    if (fd >= 0 && filesystem_refused(w, fd, p->path, err)) {
        close(fd);
        return -1;
    }
    return fd;
}

uint32_t route_stat(struct wasi *w, struct route *p, bool follow, struct stat *st)
{
    if (name_is_plain(p->path)) {
        if (fstatat(p->dir, p->path, st, AT_SYMLINK_NOFOLLOW) < 0)
            return wasi_errno(errno);
        if (!follow || !S_ISLNK(st->st_mode))
            return WASI_SUCCESS;
    }
    uint32_t err;
    int fd = route_find(w, p, follow, false, &err);
    if (fd < 0)
        return p->own >= 0 ? devfd_stat(w, p->own, st) : err;
    err = result(file_stat(fd, st));
    close(fd);
    return err;
}

uint32_t path_stat(struct wasi *w, const struct desc *d, const char *path, bool follow,
                   struct stat *st)
{
    struct route p;
    route_begin(w, &p, d, path);
    uint32_t err = route_stat(w, &p, follow, st);
    route_end(&p);
    return err;
}

static uint32_t filestat_get(struct wasi *w, const struct path_filestat_get_args *args,
                             enum filestat_layout layout)
{
    char path[PATH_MAX];
    struct desc *d;
    if (args->lookup & ~(uint64_t)LOOKUP_FOLLOW)
        return WASI_INVAL;
    uint32_t err = path_start(w, args->dir, args->path, args->path_len, &d, path);
    if (err)
        return err;
    struct stat st;
    err = d->ops->dir->stat(w, d, path, args->lookup & LOOKUP_FOLLOW, &st);
    return err ? err : filestat_put(w, args->filestat_out, layout, &st, filetype_of(st.st_mode));
}

uint32_t wasi_path_filestat_get(struct wasi *w, const struct path_filestat_get_args *args)
{
    return filestat_get(w, args, FILESTAT);
}

uint32_t wasi_path_filestat_get_v0(struct wasi *w, const struct path_filestat_get_v0_args *args)
{
    const struct path_filestat_get_args now = { .dir = args->dir,
                                                .lookup = args->lookup,
                                                .path = args->path,
                                                .path_len = args->path_len,
                                                .filestat_out = args->filestat };
    return filestat_get(w, &now, FILESTAT_V0);
}

uint32_t wasi_path_filestat_set_times(struct wasi *w,
                                      const struct path_filestat_set_times_args *args)
{
    char path[PATH_MAX];
    struct desc *d;
    struct timespec times[2];
    if (args->lookup & ~(uint64_t)LOOKUP_FOLLOW)
        return WASI_INVAL;
    uint32_t err = times_decode(args->atim, args->mtim, args->set, times);
    if (err)
        return err;
    err = path_start(w, args->dir, args->path, args->path_len, &d, path);
    if (err)
        return err;
    struct route p;
    route_begin(w, &p, d, path);
    int fd = route_find(w, &p, args->lookup & LOOKUP_FOLLOW, true, &err);
    route_end(&p);
    if (fd < 0)
        return err;
    err = result(utimensat(fd, "", times, AT_EMPTY_PATH));
    close(fd);
    return err;
}
