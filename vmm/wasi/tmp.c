/* --tmp: an empty directory of the run's own, granted as /tmp and gone afterwards.
 *
 * Each user has one folder for them, wasmvm-tmp-UID in TMPDIR or /tmp, that nobody else can enter.
 * A run's directory in it is held by a lock (flock) for as long as the process lives, however it
 * ends: what is not locked is a dead run's, and the next run with --tmp removes it.  Making a
 * directory and looking for dead ones happen under the folder's own lock, so that nobody takes a
 * new directory for a dead one.
 *
 * A guest may have left trees deeper than any stack or path.  They are removed with two descriptors
 * and no recursion: a directory found inside another one is first moved up beside it, under a name
 * of ours. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/wasi/wasi.h"

/* how long a removal goes on past a stop, and those of dead runs at a start */
#define PATIENCE_NS 500000000u
#define MACHINES_MOST 100000 /* of one process, at a time */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls visit(dir, name, self) for each entry until one returns false; dir stays open.  False: some
 * were not visited.
 * */
static bool entries_visit(int dir, bool (*visit)(int dir, const char *name, void *self), void *self)
{
    int again = openat(dir, ".", DIRECTORY);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    bool good = stream != NULL;
    if (!stream && again >= 0)
        close(again);
    for (struct dirent *e; good && (e = readdir(stream)) != NULL;)
        good = dots(e->d_name) || visit(dir, e->d_name, self);
    if (stream)
        closedir(stream);
    return good;
}

/* kick: a stop lets it go on for PATIENCE_NS only; NULL = end_ns stands from the start. */
struct removal { int top; uint64_t moved; struct kick *kick; uint64_t end_ns; };

/* What is left then, the next run removes. */
static bool removal_over(struct removal *r)
{
    if (!r->end_ns && r->kick && kick_pending(r->kick))
        r->end_ns = clock_now_ns() + PATIENCE_NS;
    bool over = r->end_ns && clock_now_ns() >= r->end_ns;
    if (over)
        errno = EINTR;
    return over;
}

/* An entry of a directory in `top`: away with it, or up with it. */
static bool inner_remove(int dir, const char *name, void *self)
{
    struct removal *removal = self;
    char up[32];
    if (removal_over(removal))
        return false;
    if (unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return true;
    do
        snprintf(up, sizeof up, ".wasmvm-%llu", (unsigned long long)removal->moved++);
    while (renameat(dir, name, removal->top, up) < 0 &&
           (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
    return true; /* one that stays makes the rmdir around it fail */
}

static bool entry_remove(int top, const char *name, void *self)
{
    if (removal_over(self))
        return false;
    if (unlinkat(top, name, 0) == 0 || unlinkat(top, name, AT_REMOVEDIR) == 0)
        return true;
    int dir = openat(top, name, DIRECTORY);
    if (dir < 0)
        return false;
    bool done = entries_visit(dir, inner_remove, self) && unlinkat(top, name, AT_REMOVEDIR) == 0;
    close(dir);
    return done;
}

struct look { bool any; };

static bool any_entry(int dir, const char *name, void *self)
{
    (void)dir, (void)name;
    ((struct look *)self)->any = true;
    return false;
}

/* Removes all that is in `top`, then its name in `folder`. */
static bool tree_remove(int folder, const char *name, int top, struct removal *removal)
{
    struct look look;
    removal->top = top;
    do {
        look.any = false;
        if (!entries_visit(top, entry_remove, removal))
            return false;
        entries_visit(top, any_entry, &look);
    } while (look.any);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* A run's directory whose run is over has no lock. */
static bool dead_remove(int folder, const char *name, void *self)
{
    int dir = openat(folder, name, DIRECTORY);
    if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0)
        tree_remove(folder, name, dir, self);
    if (dir >= 0)
        close(dir);
    return !removal_over(self);
}

/* Another user took the name first: a folder under a name that nobody foresees, for this run only.
 */
static bool folder_evade(struct tmp *tmp, char *path, size_t cap)
{
    struct stat st;
    if (lstat(path, &st) < 0 || owner_is_us(st.st_uid))
        return true;
    size_t len = strlen(path);
    snprintf(path + len, cap - len, "-XXXXXX");
    tmp->only = mkdtemp(path) != NULL;
    return tmp->only;
}

/* The user's folder, made if it is not there; it must be ours alone. */
static bool folder_open(struct tmp *tmp, char *path, size_t cap, struct failure *why)
{
    struct stat st;
    const char *base = getenv("TMPDIR");
    if (!base || *base != '/')
        base = "/tmp";
    int n = snprintf(path, cap, "%s/wasmvm-tmp-%u", base, (unsigned)geteuid());
    if (n < 0 || (size_t)n >= cap)
        return failure_set(why, "--tmp: %s: the name is too long (set TMPDIR)", base);
    if ((mkdir(path, 0700) < 0 && errno != EEXIST) || !folder_evade(tmp, path, cap))
        return failure_set(why, "--tmp: %s: %s (set TMPDIR)", path, strerror(errno));
    tmp->folder = open(path, DIRECTORY);
    if (tmp->folder < 0 || file_stat(tmp->folder, &st) < 0)
        return failure_set(why, "--tmp: %s: %s (remove it, or set TMPDIR)", path, strerror(errno));
    if (!owner_is_us(st.st_uid) || (st.st_mode & 077))
        return failure_set(why, "--tmp: %s: others can use it too (remove it, or set TMPDIR)",
                           path);
    return true;
}

/* A name that no living run of this process, or of one with its number elsewhere, has; what was
 * left of a dead one is gone. */
static bool own_make(struct tmp *tmp)
{
    int made = -1;
    for (unsigned more = 0; made < 0 && more < MACHINES_MOST; more++) {
        snprintf(tmp->name, sizeof tmp->name, more ? "run-%u-%u" : "run-%u", (unsigned)getpid(),
                 more);
        made = mkdirat(tmp->folder, tmp->name, 0700);
        if (made < 0 && errno != EEXIST)
            return false;
    }
    return made == 0 && (tmp->own = openat(tmp->folder, tmp->name, DIRECTORY)) >= 0 &&
           flock(tmp->own, LOCK_EX | LOCK_NB) == 0;
}

bool tmp_make(struct tmp *tmp, struct failure *why)
{
    char folder[PATH_MAX - 64];
    if (!folder_open(tmp, folder, sizeof folder, why))
        return false;
    if (flock(tmp->folder, LOCK_EX) < 0)
        return failure_set(why, "--tmp: %s: no lock: %s (set TMPDIR)", folder, strerror(errno));
    struct removal dead = { .end_ns = clock_now_ns() + PATIENCE_NS };
    entries_visit(tmp->folder, dead_remove, &dead);
    if (!own_make(tmp))
        return failure_set(why, "--tmp: %s/%s: %s (set TMPDIR)", folder, tmp->name,
                           strerror(errno));
    flock(tmp->folder, LOCK_UN);
    if (asprintf(&tmp->path, "%s/%s", folder, tmp->name) < 0) {
        tmp->path = NULL;
        return failure_set(why, "--tmp: no memory");
    }
    return true;
}

void tmp_remove(struct tmp *tmp, struct kick *kick)
{
    struct removal removal = { .kick = kick };
    if (tmp->own >= 0 && !tree_remove(tmp->folder, tmp->name, tmp->own, &removal))
        message("--tmp: %s cannot be removed: %s (the next run tries again)",
                tmp->path ? tmp->path : tmp->name,
                errno == EINTR ? "it has too much in it" : strerror(errno));
    if (tmp->only && tmp->path) {
        *strrchr(tmp->path, '/') = 0;
        rmdir(tmp->path);
    }
    if (tmp->own >= 0)
        close(tmp->own);
    if (tmp->folder >= 0)
        close(tmp->folder);
    free(tmp->path);
    *tmp = TMP_NONE;
}
