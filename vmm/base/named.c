/* The one door for what options name on the host: files to be written, files to be read,
 * directories to be granted.
 *
 * A guest may have written whatever lies below a directory that the command line grants for
 * writing, if not in this run then in one before it.  So no link is followed that a guest can have
 * made: one in a directory that lies in a writable grant, where this process may write.  All other
 * links work as everywhere.  What names a descriptor of our own (/dev/stdout, /dev/fd/63) means
 * that descriptor: it is duplicated, and never emptied or opened anew.
 *
 * Names are walked one component at a time only where there is a link in them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/message.h"

#define LINKS_MOST 40 /* as the kernel has it */
#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

const char *named_error(int error)
{
    return error != NAMED_LINK ? strerror(error)
                               : "a link leads there that the program can write "
                                 "(give the name that it stands for)";
}

/* ---- our own descriptors ---- */

/* The number that the path means, or -1. */
static int own_number(const char *path)
{
    static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
    static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
    for (int fd = 0; fd <= 2; fd++)
        if (strcmp(path, streams[fd]) == 0)
            return fd;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t len = strlen(folders[i]);
        const char *digits = path + len;
        if (strncmp(path, folders[i], len) == 0 && *digits && strlen(digits) < 8 &&
            !digits[strspn(digits, "0123456789")])
            return atoi(digits);
    }
    return -1;
}

bool named_is_own(const char *path)
{
    return own_number(path) >= 0;
}

static int own_open(int number, int flags)
{
    int has = fcntl(number, F_GETFL), wants = flags & O_ACCMODE;
    if (has < 0)
        return -1;
    if (flags & O_DIRECTORY)
        return openat(number, ".", flags); /* a position of its own */
    if ((has & O_PATH) || ((has & O_ACCMODE) != O_RDWR && (has & O_ACCMODE) != wants)) {
        errno = EACCES;
        return -1;
    }
    return fcntl(number, F_DUPFD_CLOEXEC, 3);
}

/* ---- what a guest can have made ---- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether an entry on the way from `dir` up to `grant` can be replaced by this process, and so by
 * a guest of it. */
static bool changes_up_to(int dir, int grant)
{
    struct stat here, above, end;
    bool writable = false, top = fstat(grant, &end) < 0;
    int fd = openat(dir, ".", DIRECTORY);
    while (fd >= 0 && !writable && !top && fstat(fd, &here) == 0) {
        writable = faccessat(fd, ".", W_OK, AT_EACCESS) == 0;
        int up = openat(fd, "..", DIRECTORY);
        top = same_file(&here, &end) || up < 0 || fstat(up, &above) < 0 || same_file(&here, &above);
        close(fd);
        fd = up;
    }
    if (fd >= 0)
        close(fd);
    return writable;
}

static bool guests(const struct names *writable, int dir)
{
    for (uint32_t i = 0; i < writable->n; i++) {
        int grant = open(writable->at[i], DIRECTORY);
        bool found = grant >= 0 && directory_lies_in(dir, grant) && changes_up_to(dir, grant);
        if (grant >= 0)
            close(grant);
        if (found)
            return true;
    }
    return false;
}

/* The folder that the path names; -1: there is none. */
static int folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int dir = folder ? open(folder, DIRECTORY) : -1;
    free(folder);
    return dir;
}

/* The folder that the open file lies in, by whatever links and descriptors it was reached; -1: in
 * none. */
static int folder_in_truth(int file)
{
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || path[0] != '/')
        return -1;
    path[n] = 0;
    return folder_of(path);
}

static bool on_overlay(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Whether a name of the file can lie in the grant.  An overlay of several file systems gives a file
 * another device than its folder. */
static bool one_device(const char *grant, int file, const struct stat *st)
{
    struct stat folder;
    int dir = open(grant, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    bool one = fstat(dir, &folder) == 0 &&
               (folder.st_dev == st->st_dev || (on_overlay(dir) && on_overlay(file)));
    close(dir);
    return one;
}

/* Whether the file has other names, one of which may lie in a grant, and can be written. */
static bool other_names(const struct names *writable, int file)
{
    struct stat st;
    if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink < 2)
        return false;
    if (faccessat(file, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) < 0 &&
        (errno == EACCES || errno == EROFS))
        return false;
    for (uint32_t i = 0; i < writable->n; i++)
        if (one_device(writable->at[i], file, &st))
            return true;
    return false;
}

static bool guests_folder(const struct names *writable, int dir)
{
    bool found = dir >= 0 && guests(writable, dir);
    if (dir >= 0)
        close(dir);
    return found;
}

bool named_is_guests(const struct names *writable, const char *path)
{
    int own = own_number(path);
    int file = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 3)
                        : named_open(writable, path, O_PATH | O_CLOEXEC, 0);
    if (file < 0)
        return errno == NAMED_LINK;
    bool found = (own < 0 && guests_folder(writable, folder_of(path))) ||
                 guests_folder(writable, folder_in_truth(file)) || other_names(writable, file);
    close(file);
    return found;
}

/* ---- the walk ---- */

struct walk {
    const struct names *writable;
    int dir;
    unsigned links;
    char rest[2 * PATH_MAX];
};

static bool on_procfs(int dir)
{
    struct statfs fs;
    return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* The kernel's fs.protected_symlinks, as links are read here and not followed by it. */
static bool others_trap(int dir, const char *name)
{
    struct stat folder, link;
    return fstat(dir, &folder) == 0 && fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) == 0 &&
           (folder.st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH) &&
           !owner_is_us(link.st_uid) && !owner_is(link.st_uid, folder.st_uid);
}

static bool dir_step(struct walk *w, int next)
{
    if (next < 0)
        return false;
    close(w->dir);
    w->dir = next;
    return true;
}

/* Puts what the link holds in its place.  false: errno. */
static bool link_expand(struct walk *w, const char *name, const char *target, const char *rest)
{
    char joined[sizeof w->rest];
    errno = guests(w->writable, w->dir) ? NAMED_LINK : others_trap(w->dir, name) ? EACCES
            : ++w->links > LINKS_MOST   ? ELOOP
                                        : 0;
    if (errno)
        return false;
    if (strlen(target) + strlen(rest) + 2 > sizeof joined) {
        errno = ENAMETOOLONG;
        return false;
    }
    stpcpy(stpcpy(stpcpy(joined, target), *rest ? "/" : ""), rest);
    strcpy(w->rest, joined);
    return target[0] != '/' || dir_step(w, open("/", DIRECTORY));
}

/* What is opened, or -1 and errno. */
static int walk_on(struct walk *w, int flags, mode_t mode)
{
    char name[NAME_MAX + 1], target[PATH_MAX];
    for (;;) {
        const char *at = w->rest + strspn(w->rest, "/");
        size_t len = strcspn(at, "/");
        const char *rest = at + len + strspn(at + len, "/");
        if (len > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        *stpncpy(name, len ? at : ".", len ? len : 1) = 0;
        ssize_t n = on_procfs(w->dir) ? -1 : readlinkat(w->dir, name, target, sizeof target - 1);
        if (n >= 0) {
            target[n] = 0;
            if (!link_expand(w, name, target, rest))
                return -1;
            continue;
        }
        int nofollow = on_procfs(w->dir) ? 0 : O_NOFOLLOW; /* its links are the kernel's own */
        if (!*rest)
            return openat(w->dir, name, flags | nofollow | (at[len] ? O_DIRECTORY : 0), mode);
        if (!dir_step(w, openat(w->dir, name, DIRECTORY | nofollow)))
            return -1;
        memmove(w->rest, rest, strlen(rest) + 1);
    }
}

static int walk(const struct names *writable, const char *path, int flags, mode_t mode)
{
    struct walk w = { .writable = writable };
    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(w.rest, path);
    w.dir = open(*path == '/' ? "/" : ".", DIRECTORY);
    int fd = w.dir < 0 ? -1 : walk_on(&w, flags, mode), error = errno;
    if (w.dir >= 0)
        close(w.dir);
    bool came_meanwhile = fd < 0 && error == ELOOP && w.links <= LINKS_MOST;
    errno = came_meanwhile ? NAMED_LINK : error;
    return fd;
}

int named_open(const struct names *writable, const char *path, int flags, mode_t mode)
{
    int own = own_number(path);
    if (own >= 0)
        return own_open(own, flags);
    if (!writable->n)
        return open(path, flags, mode);
    struct open_how how = { .flags = (uint64_t)flags, .mode = flags & O_CREAT ? mode : 0,
                            .resolve = RESOLVE_NO_SYMLINKS };
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    bool walked = fd < 0 && (errno == ELOOP || errno == ENOSYS || errno == EPERM);
    return walked ? walk(writable, path, flags, mode) : fd;
}
