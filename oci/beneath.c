/* Files of a container's root.  Whoever made the image, or runs in the container, chose every name
 * and link in there: all of them are resolved by the kernel, beneath the root, and nothing is
 * opened but a regular file. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 16 }; /* somebody renames directories meanwhile */

static int beneath_find(int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | flags};
    int fd = -1;
    errno = EAGAIN;
    for (int i = 0; i < TRIES && fd < 0 && errno == EAGAIN; i++)
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    return fd;
}

int beneath_open(int root, const char *cwd, const char *path)
{
    struct stat st;
    int found = beneath_find(root, path[0] == '/' ? path : text("%s/%s", cwd, path), 0);
    if (found < 0)
        return -1;
    int fd = -1;
    errno = ENOENT;
    if (fstat(found, &st) == 0 && S_ISREG(st.st_mode))
        fd = open(text("/proc/self/fd/%d", found), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = errno;
    close(found);
    errno = error;
    return fd;
}

bool beneath_is(int root, const char *path, const struct stat *st)
{
    struct stat found;
    int fd = beneath_find(root, path, RESOLVE_NO_SYMLINKS);
    bool same = fd >= 0 && fstat(fd, &found) == 0 && found.st_dev == st->st_dev &&
                found.st_ino == st->st_ino;
    if (fd >= 0)
        close(fd);
    return same;
}

bool beneath_is_file_or_none(int root, const char *path)
{
    struct stat found;
    int fd = beneath_find(root, path, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return errno == ENOENT;
    bool file = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
    close(fd);
    return file;
}

char *path_clean(const char *path)
{
    char *out = text("/%s", path);
    size_t len = 0;
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && memcmp(path, "..", 2) == 0) {
            while (len && out[--len] != '/')
                ;
        } else if (n && !(n == 1 && *path == '.')) {
            out[len++] = '/';
            memmove(out + len, path, n);
            len += n;
        }
        path += n + (path[n] == '/');
    }
    out[len ? len : 1] = 0;
    return out;
}
