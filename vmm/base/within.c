/* Whether one directory is another or lies in it: for grants of different modes, of which the one would undo the other.
 *
 * Two looks.  Up the tree by `..`, comparing files; and, for a directory that is mounted a second time elsewhere (mount
 * --bind, a container's volumes), by where the two lie in their file system, as mountinfo tells it. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/message.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether directory `inner` is `outer` or lies in it. */
static bool found_above(int inner, const struct stat *outer)
{
    struct stat here, above;
    int fd = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool found = false;
    while (fd >= 0 && fstat(fd, &here) == 0) {
        found = same_file(&here, outer);
        int up = found ? -1 : openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool top = up >= 0 && fstat(up, &above) == 0 && same_file(&here, &above);
        close(fd);
        fd = up;
        if (top)
            break;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* ---- by mountinfo ---- */

/* A directory's place: its file system, and its path in that, however much of it is mounted where. */
struct place { unsigned major, minor; char path[PATH_MAX]; };

/* Blanks and the like stand as three octal digits there (proc(5)). */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++)
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] && at[3]) {
            *to = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    *to = 0;
}

/* Joins what is mounted and the rest of a path that begins with the mount's own. */
static bool place_join(struct place *place, char *root, char *mount, const char *path)
{
    unescape(root);
    unescape(mount);
    size_t len = strcmp(mount, "/") == 0 ? 0 : strlen(mount);
    if (strncmp(path, mount, len) != 0 || (path[len] && path[len] != '/'))
        return false;
    const char *rest = strcmp(path + len, "/") == 0 ? "" : path + len, *top = strcmp(root, "/") == 0 ? "" : root;
    return snprintf(place->path, sizeof place->path, "%s%s", top, rest) < (int)sizeof place->path;
}

static bool place_of(int directory, struct place *place)
{
    char line[4 * PATH_MAX], root[PATH_MAX], mount[PATH_MAX], path[PATH_MAX];
    char link[32];
    struct statx st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0 || statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 || !(st.stx_mask & STATX_MNT_ID))
        return false;
    path[n] = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned long long id;
        found = sscanf(line, "%llu %*u %u:%u %4095s %4095s", &id, &place->major, &place->minor, root, mount) == 5 &&
                id == st.stx_mnt_id && place_join(place, root, mount, path);
    }
    if (file)
        fclose(file);
    return found;
}

bool directory_lies_in(int inner, int outer)
{
    struct place in, out;
    struct stat st;
    if (fstat(outer, &st) == 0 && found_above(inner, &st))
        return true;
    if (!place_of(inner, &in) || !place_of(outer, &out) || in.major != out.major || in.minor != out.minor)
        return false;
    size_t len = strlen(out.path);
    return strncmp(in.path, out.path, len) == 0 && (in.path[len] == 0 || in.path[len] == '/');
}
