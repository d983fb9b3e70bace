/* Where a path leads: the kernel resolves it, and absolute links lead on from the grants.
 *
 * The kernel resolves by one openat2 beneath the directory's descriptor.  It says EXDEV where a
 * path leaves the directory.  Only then is the path walked, name by name, each step an openat2 of
 * one name that is not followed.  A link's text is read from the descriptor that the step gave.  An
 * absolute text is a name on the host: the walk starts again at the grant with the longest guest
 * name that covers it, if that name leads to that directory on the host as well, else the two mean
 * different files and nothing is opened.  Rights are those of the grant that is reached.
 *
 * `..` is no step: the text of what is done, which holds neither links nor `..`, loses a name and
 * is resolved anew beneath the grant.  So a directory that somebody moves out meanwhile leads
 * nowhere, and whoever changes links and directories during a walk makes it reach another granted
 * file, with the rights of its grant.
 *
 * In the grant named `/` absolute texts lead to itself, and one openat2 does it all
 * (RESOLVE_IN_ROOT), unless another grant's name lies in it that is not the same directory there.
 */
#include "vmm/wasi/inside.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* of EAGAIN; without a bound two guests that rename could hold us for ever */
#define RESOLVE_RETRIES 64
#define LINKS_MOST 40      /* in one path, as the kernel has it */
#define STEPS_A_LOOK 64    /* between two looks for a kick */

static int openat2_host(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

bool path_check_kernel(int dir, struct failure *why)
{
    int fd = openat2_host(dir, ".", O_PATH, 0, RESOLVE_BENEATH);
    if (fd < 0)
        return failure_set(why,
                           "directories cannot be granted: openat2: %s "
                           "(it needs Linux 5.8 and no seccomp filter against it)",
                           strerror(errno));
    close(fd);
    return true;
}

static int resolve(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t how,
                   uint32_t *err)
{
    for (int i = 0; i <= RESOLVE_RETRIES; i++) {
        int fd = openat2_host(dir, path, flags, mode, how | RESOLVE_NO_MAGICLINKS);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != EINTR) {
            *err = errno == EXDEV ? WASI_PERM : wasi_errno(errno);
            return -1;
        }
    }
    *err = WASI_IO;
    return -1;
}

static uint64_t beneath(const struct route *p)
{
    return RESOLVE_BENEATH | (p->mounts ? 0 : RESOLVE_NO_XDEV);
}

/* ---- the grants' names ---- */

/* Slashes, and names that are `.`, say nothing. */
static const char *skip_nothing(const char *path)
{
    while (*path == '/' || (path[0] == '.' && (path[1] == '/' || !path[1])))
        path++;
    return path;
}

/* Whether the preopen's name covers the path; *rest = what is left of it. */
static bool name_covers(const char *name, const char *path, const char **rest)
{
    if ((*name == '/') != (*path == '/'))
        return false;
    for (;;) {
        name = skip_nothing(name);
        path = skip_nothing(path);
        if (!*name) {
            *rest = path;
            return true;
        }
        size_t n = strcspn(name, "/");
        if (strncmp(name, path, n) != 0 || (path[n] && path[n] != '/'))
            return false;
        name += n;
        path += n;
    }
}

struct desc *preopen_find(struct wasi *w, const char *path, const char **rest)
{
    struct desc *best = NULL;
    const char *after;
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        struct desc *d = desc_get(w, fd);
        if (d && d->preopen && name_covers(d->preopen, path, &after) &&
            (!best || strlen(d->preopen) > strlen(best->preopen))) {
            best = d;
            *rest = after;
        }
    }
    return best;
}

/* ---- the walk ---- */

struct walk {
    struct wasi *w;
    struct route *route;
    /* the directory that `..` does not leave, not ours; and the one that is reached: root, or ours
     */
    int root, at;
    bool whole;    /* root is the grant named `/`, where `..` in a link stays at the top */
    unsigned links, steps;
    char done[PATH_MAX];     /* from root to at, without links and `..` */
    char rest[2 * PATH_MAX]; /* what is still to be walked; its first name is `name` */
    char name[NAME_MAX + 2];
    char *behind; /* in rest: the slashes after that name */
};

static void walk_stand(struct walk *k, int at)
{
    if (k->at != k->root)
        close(k->at);
    k->at = at;
}

static uint32_t walk_up(struct walk *k)
{
    uint32_t err;
    char *slash = strrchr(k->done, '/');
    if (!*k->done)
        return k->whole && k->links ? WASI_SUCCESS : WASI_PERM;
    *(slash ? slash : k->done) = 0;
    int at = *k->done ? resolve(k->root, k->done, O_PATH | O_DIRECTORY, 0, beneath(k->route), &err)
                      : k->root;
    if (at < 0)
        return err;
    walk_stand(k, at);
    return WASI_SUCCESS;
}

/* The rest is an absolute name: on from the grant that has it. */
static uint32_t walk_restart(struct walk *k)
{
    const char *rest;
    struct desc *d = preopen_find(k->w, k->rest, &rest);
    /* where links hold the guest's names */
    bool own = d && d->tree == TREE_OWN && k->route->tree == TREE_OWN;
    if (!d || !d->ops->dir || (!d->native && !own))
        return WASI_PERM;
    walk_stand(k, k->root);
    k->root = k->at = d->host;
    k->whole = d->tree != TREE_NONE;
    k->done[0] = 0;
    k->route->read_only = d->read_only;
    k->route->tree = d->tree;
    k->route->mounts = d->mounts;
    memmove(k->rest, rest, strlen(rest) + 1);
    return WASI_SUCCESS;
}

/* The link's text takes the place of its name. */
static uint32_t walk_link(struct walk *k, int link, bool follow)
{
    char text[sizeof k->rest];
    uint32_t err;
    if (k->links++ >= LINKS_MOST)
        return WASI_LOOP;
    if (filesystem_refused(k->w, link, k->name, &err))
        return err;
    /* In a directory for all, as /tmp is, the kernel may not follow this link (proc(5)): then it is
     * not followed. */
    int probe = resolve(k->at, k->name, O_PATH, 0, beneath(k->route), &err);
    if (probe >= 0)
        close(probe);
    else if (err == WASI_ACCES)
        return err;
    ssize_t n = readlinkat(link, "", text, PATH_MAX);
    if (n < 0)
        return wasi_errno(errno);
    size_t behind = strlen(k->behind);
    if (n == 0 || (size_t)n + behind >= sizeof text)
        return n ? WASI_NAMETOOLONG : WASI_NOENT;
    memcpy(text + n, k->behind, behind + 1);
    int own;
    if (devfd_number(k->w, k->at, text, &own)) {
        if (behind && !follow)
            return WASI_LOOP; /* the last name is a link, too */
        k->route->own = own;
        k->route->walked = true;
        return WASI_SUCCESS;
    }
    memcpy(k->rest, text, (size_t)n + behind + 1);
    return text[0] == '/' ? walk_restart(k) : WASI_SUCCESS;
}

static uint32_t walk_down(struct walk *k, int fd)
{
    size_t done = strlen(k->done), n = strlen(k->name);
    if (done + n + 2 > sizeof k->done) {
        close(fd);
        return WASI_NAMETOOLONG;
    }
    if (done)
        k->done[done++] = '/';
    memcpy(k->done + done, k->name, n + 1);
    walk_stand(k, fd);
    memmove(k->rest, k->behind, strlen(k->behind) + 1);
    return WASI_SUCCESS;
}

/* The route ends: the last name, in the directory that is reached. */
static uint32_t walk_end(struct walk *k, const char *name, bool slash)
{
    snprintf(k->route->name, sizeof k->route->name, "%s%s", name, slash ? "/" : "");
    k->route->dir = k->at;
    k->route->held = k->at == k->root ? -1 : k->at;
    k->route->path = k->route->name;
    k->route->how = beneath(k->route);
    k->route->walked = true;
    return WASI_SUCCESS;
}

/* A name that is neither `.` nor `..`. */
static uint32_t walk_name(struct walk *k, bool last, bool follow)
{
    struct stat st;
    uint32_t err;
    int fd = resolve(k->at, k->name, O_PATH | O_NOFOLLOW, 0, beneath(k->route), &err);
    if (fd < 0 && !last)
        return err;
    bool known = fd >= 0 && file_stat(fd, &st) == 0, link = known && S_ISLNK(st.st_mode);
    if (known && !last && S_ISDIR(st.st_mode))
        return walk_down(k, fd);
    if (link && (follow || *k->behind))
        err = walk_link(k, fd, follow);
    else
        err = last ? walk_end(k, k->name, *k->behind) : WASI_NOTDIR;
    if (fd >= 0)
        close(fd);
    return err;
}

static uint32_t walk_step(struct walk *k, bool follow)
{
    const char *name = k->rest + strspn(k->rest, "/");
    size_t n = strcspn(name, "/");
    if (n > NAME_MAX)
        return WASI_NAMETOOLONG;
    if (++k->steps % STEPS_A_LOOK == 0 && kick_pending(k->w->kick))
        return WASI_INTR;
    memcpy(k->name, name, n);
    k->name[n] = 0;
    k->behind = k->rest + (name - k->rest) + n;
    if (n == 0)
        return walk_end(k, ".", false);
    bool up = strcmp(k->name, "..") == 0;
    if (!up && strcmp(k->name, ".") != 0)
        return walk_name(k, !k->behind[strspn(k->behind, "/")], follow);
    memmove(k->rest, k->behind, strlen(k->behind) + 1);
    return up ? walk_up(k) : WASI_SUCCESS;
}

static uint32_t route_walk(struct wasi *w, struct route *p, bool follow)
{
    struct walk k = { .w = w, .route = p, .root = p->dir, .at = p->dir, .whole = p->whole };
    uint32_t err = WASI_SUCCESS;
    strcpy(k.rest, p->path);
    while (!err && !p->walked)
        err = walk_step(&k, follow);
    if (err || p->own >= 0)
        walk_stand(&k, k.root);
    return err;
}

/* ---- routes ---- */

void route_begin(const struct wasi *w, struct route *p, const struct desc *d, const char *path)
{
    *p = (struct route){ .dir = d->host,
                         .path = path,
                         .held = -1,
                         .own = -1,
                         .read_only = d->read_only,
                         .tree = d->tree,
                         .mounts = d->mounts,
                         .whole = d->preopen && d->tree != TREE_NONE,
                         .none = d->ops != &directory_ops };
    p->how = beneath(p);
    /* A path that itself leads up and out is refused there, too; `..` in a link stays at the top.
     */
    if (p->whole && w->one_tree && !strstr(path, ".."))
        p->how = RESOLVE_IN_ROOT | (p->how & RESOLVE_NO_XDEV);
}

void route_end(struct route *p)
{
    if (p->held >= 0)
        close(p->held);
    p->held = -1;
}

static int route_try(const struct route *p, uint64_t flags, uint64_t mode, uint32_t *err)
{
    return resolve(p->dir, p->path, flags, mode, p->how, err);
}

/* Whether the kernel stopped where a walk goes on: outside of the directory, or in the grant named
 * `/` at a link of procfs, which may be one of the program's own descriptors. */
static bool leads_on(const struct wasi *w, const struct route *p)
{
    return !p->walked &&
           (errno == EXDEV || (errno == ELOOP && p->how & RESOLVE_IN_ROOT && w->dev_known));
}

/* ROFS, unless a link leads from where nothing may be changed to where it may. */
static uint32_t route_check(struct wasi *w, struct route *p, bool follow)
{
    uint32_t err;
    if (p->read_only && !p->walked) {
        int fd = route_try(p, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, &err);
        if (fd >= 0)
            close(fd);
        else if (leads_on(w, p) && (err = route_walk(w, p, follow)))
            return err;
    }
    return p->read_only && p->own < 0 ? WASI_ROFS : WASI_SUCCESS;
}

static int route_go(struct wasi *w, struct route *p, uint64_t flags, uint64_t mode, bool changes,
                    uint32_t *err)
{
    bool follow = !(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL));
    if (p->none)
        *err = changes ? WASI_ROFS : WASI_NOTDIR;
    else
        *err = *p->path == '/' ? WASI_PERM : changes ? route_check(w, p, follow) : WASI_SUCCESS;
    if (*err)
        return -1;
    int fd = p->own >= 0 ? -1 : route_try(p, flags, mode, err);
    if (fd >= 0 || (p->own < 0 && !leads_on(w, p)))
        return fd;
    if (p->own < 0)
        *err = route_walk(w, p, follow);
    if (p->own >= 0)
        *err = WASI_PERM; /* to all but what asks for it */
    else if (!*err && changes && p->read_only)
        *err = WASI_ROFS;
    return *err ? -1 : route_try(p, flags, mode, err);
}

/* Why it cannot be reached, where that is for the command line to change. */
static void mount_tell(struct wasi *w, struct route *p, uint64_t flags)
{
    uint32_t err;
    p->mounts = true;
    p->how &= ~(uint64_t)RESOLVE_NO_XDEV;
    int fd = route_go(w, p, O_PATH | (flags & O_NOFOLLOW), 0, false, &err);
    if (fd < 0 && err != WASI_NOENT)
        return;
    path_refused(w, p->path, "it lies on another mount (--dir HOST:mounts)");
    if (fd >= 0)
        close(fd);
}

int route_open(struct wasi *w, struct route *p, uint64_t flags, uint64_t mode, bool changes,
               uint32_t *err)
{
    struct route again = *p;
    int fd = route_go(w, p, flags, mode, changes, err);
    if (fd < 0 && p->own < 0 && *err == WASI_PERM && !again.mounts && *again.path != '/' &&
        !again.walked) {
        mount_tell(w, &again, flags);
        route_end(&again);
        errno = EXDEV;
    }
    return fd;
}
