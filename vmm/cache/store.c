/* The directory that keeps images: KEY.img, and KEY.new while one is made; of a module's file
 * KEY.id, which image is its, and KEY.list, which functions its runs have compiled.
 *
 * Nobody but us may write there, else there is no cache.  A maker only fills a file that is open;
 * that it becomes the image, and that old ones go, is done by a later start, so that a run needs no
 * right on the directory.  Files are removed, never cut. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "vmm/cache/cache.h"

#define HEX 64
static const char *const suffixes[] = {"img", "new", "id", "list"};
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

/* ---- the directory ---- */

/* Makes all that is missing of the path; what is there is left as it is. */
static void path_make(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i])
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        mkdir(part, 0700);
    }
}

int store_open(const char *path, struct failure *why)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;
    int dir = open(path, flags);
    if (dir < 0 && errno == ENOENT) {
        path_make(path);
        dir = open(path, flags);
    }
    if (dir < 0) {
        failure_set(why, "%s: it cannot be used as a cache: %s", path,
                    errno == ENOTDIR || errno == ELOOP ? "it is no directory, or a symbolic link"
                                                       : strerror(errno));
        return -1;
    }
    if (file_stat(dir, &st) == 0 && owner_is_us(st.st_uid) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return dir;
    close(dir);
    failure_set(why, "%s: it cannot be used as a cache: others may write there (chmod 700)", path);
    return -1;
}

static void name_of(const struct hash *key, const char *suffix, char out[80])
{
    for (unsigned i = 0; i < sizeof key->bytes; i++)
        sprintf(out + 2 * i, "%02x", key->bytes[i]);
    sprintf(out + HEX, ".%s", suffix);
}

/* ---- files ---- */

/* One that went meanwhile has no link. */
static bool trusted(int fd)
{
    struct stat st;
    return file_stat(fd, &st) == 0 && S_ISREG(st.st_mode) && owner_is_us(st.st_uid) &&
           !(st.st_mode & 077) && st.st_nlink <= 1;
}

int store_file(int dir, const struct hash *key, const char *suffix, int flags)
{
    char name[80];
    name_of(key, suffix, name);
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 && errno == ELOOP)
        unlinkat(dir, name, 0);
    if (fd < 0 || trusted(fd))
        return fd;
    close(fd);
    unlinkat(dir, name, 0);
    errno = EPERM;
    return -1;
}

void store_remove(int dir, const struct hash *key, const char *suffix)
{
    char name[80];
    name_of(key, suffix, name);
    unlinkat(dir, name, 0);
}

static bool finished(int fd)
{
    struct saved saved;
    struct stat st;
    bool good = file_stat(fd, &st) == 0 && st.st_nlink == 1 &&
                !saved_read(fd, (uint64_t)st.st_size, &saved);
    if (good)
        saved_free(&saved);
    return good;
}

void store_publish(int dir, const struct hash *key)
{
    char from[80], to[80];
    int fd = store_file(dir, key, "new", O_RDWR);
    if (fd < 0)
        return;
    name_of(key, "new", from);
    name_of(key, "img", to);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) { /* its maker is done, or gone */
        if (!finished(fd) || renameat(dir, from, dir, to) != 0)
            unlinkat(dir, from, 0);
    }
    close(fd);
}

int store_begin(int dir, const struct hash *key)
{
    int fd = store_file(dir, key, "new", O_RDWR | O_CREAT | O_EXCL);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- all files ---- */

static bool is_ours(const char *name)
{
    if (strspn(name, "0123456789abcdef") != HEX || name[HEX] != '.')
        return false;
    for (unsigned i = 0; i < SUFFIXES; i++)
        if (strcmp(name + HEX + 1, suffixes[i]) == 0)
            return true;
    return false;
}

static int by_age(const void *a, const void *b)
{
    const struct store_file *one = a, *two = b;
    return (one->changed_ns > two->changed_ns) - (one->changed_ns < two->changed_ns);
}

static bool file_add(struct store_file **files, int *n, int dir, const char *name)
{
    struct stat st;
    if (!is_ours(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    if ((*n & (*n - 1)) == 0) { /* at each power of two */
        struct store_file *more = realloc(*files, (*n ? 2 * (size_t)*n : 1) * sizeof **files);
        if (!more)
            return false;
        *files = more;
    }
    struct store_file *file = &(*files)[(*n)++];
    *file = (struct store_file){ .bytes = (uint64_t)st.st_size,
                                 .changed_ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
                                               st.st_mtim.tv_nsec };
    /* its length is_ours has seen */
    memcpy(file->name, name, strnlen(name, sizeof file->name - 1));
    return true;
}

static int files_list(int dir, struct store_file **files)
{
    int n = 0, copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *all = copy >= 0 ? fdopendir(copy) : NULL;
    if (!all) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    for (struct dirent *e; (e = readdir(all)) != NULL && file_add(files, &n, dir, e->d_name);)
        ;
    closedir(all);
    if (n)
        qsort(*files, (size_t)n, sizeof **files, by_age);
    return n;
}

int store_each(int dir, void (*see)(void *context, int dir, const struct store_file *),
               void *context)
{
    struct store_file *files = NULL;
    int n = files_list(dir, &files);
    for (int i = 0; i < n; i++)
        see(context, dir, &files[i]);
    free(files);
    return n;
}

static bool is_image(const struct store_file *file)
{
    return strcmp(file->name + HEX, ".img") == 0;
}

void store_bound(int dir, uint64_t bytes, unsigned entries)
{
    struct store_file *files = NULL;
    if (flock(dir, LOCK_EX | LOCK_NB) != 0) /* somebody does it */
        return;
    int n = files_list(dir, &files);
    uint64_t all = 0, images = 0, others = 0;
    for (int i = 0; i < n; i++) {
        all += files[i].bytes;
        images += is_image(&files[i]);
        others += !is_image(&files[i]);
    }
    /* Beside each image there may be its module's two small files, and as many of modules without
     * one. */
    for (int i = 0; i < n && (all > bytes || images > entries || others > 4 * (uint64_t)entries);
         i++) {
        if (unlinkat(dir, files[i].name, 0) != 0)
            continue;
        all -= files[i].bytes;
        images -= is_image(&files[i]);
        others -= !is_image(&files[i]);
    }
    free(files);
    flock(dir, LOCK_UN);
}
