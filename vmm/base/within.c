/* Whether one directory is another or lies in it: for grants of different modes, of which the one
 * would undo the other.
 *
 * Two looks.  Up the tree by `..`, comparing files; and, for a directory that is mounted a second
 * time elsewhere (mount
 * --bind, a container's volumes), by where the two lie in their file system, as mountinfo tells it.
 */
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

/* A directory's place: its file system, and its path in that, however much of it is mounted where.
 */
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
    const char *rest = strcmp(path + len, "/") == 0 ? "" : path + len,
               *top = strcmp(root, "/") == 0 ? "" : root;
    return snprintf(place->path, sizeof place->path, "%s%s", top, rest) < (int)sizeof place->path;
}

/* The name of a directory, as this process sees it. */
static bool name_of(int directory, char path[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n > 0;
}

static bool place_of(int directory, struct place *place)
{
    char line[4 * PATH_MAX], root[PATH_MAX], mount[PATH_MAX], path[PATH_MAX];
    struct statx st;
    if (!name_of(directory, path) || statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
        !(st.stx_mask & STATX_MNT_ID))
        return false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned long long id;
        found = sscanf(line, "%llu %*u %u:%u %4095s %4095s", &id, &place->major, &place->minor,
                       root, mount) == 5 &&
                id == st.stx_mnt_id && place_join(place, root, mount, path);
    }
    if (file)
        fclose(file);
    return found;
}

/* Whether one of two places is the other or lies in it. */
static bool places_meet(const struct place *a, const struct place *b)
{
    size_t n = strlen(a->path), m = strlen(b->path), least = n < m ? n : m;
    const char *longer = n < m ? b->path : a->path;
    return a->major == b->major && a->minor == b->minor && strncmp(a->path, b->path, least) == 0 &&
           (!longer[least] || longer[least] == '/');
}

bool directory_lies_in(int inner, int outer)
{
    struct place in, out;
    struct stat st;
    if (fstat(outer, &st) == 0 && found_above(inner, &st))
        return true;
    return place_of(inner, &in) && place_of(outer, &out) && strlen(in.path) >= strlen(out.path) &&
           places_meet(&in, &out);
}

/* ---- what is mounted below a directory ---- */

/* Calls visit for the place of each mount below the name, until one returns true, which it returns.
 */
static bool mounts_visit(const char *name, bool (*visit)(const struct place *, void *), void *self)
{
    char line[4 * PATH_MAX], mount[PATH_MAX];
    struct place place;
    size_t len = strcmp(name, "/") == 0 ? 0 : strlen(name);
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%*u %*u %u:%u %4095s %4095s", &place.major, &place.minor, place.path,
                   mount) != 4)
            continue;
        unescape(place.path);
        unescape(mount);
        if (strcmp(place.path, "/") == 0)
            place.path[0] = 0;
        found = strncmp(mount, name, len) == 0 && mount[len] == '/' && mount[len + 1] &&
                visit(&place, self);
    }
    if (file)
        fclose(file);
    return found;
}

static bool meets(const struct place *mounted, void *other)
{
    return places_meet(mounted, other);
}

struct other { char name[PATH_MAX]; };

static bool meets_a_mount(const struct place *mounted, void *self)
{
    struct place copy = *mounted;
    return mounts_visit(((struct other *)self)->name, meets, &copy);
}

bool directory_mounts(int outer, int inner, bool inner_mounts)
{
    struct place in;
    struct other other;
    char name[PATH_MAX];
    return name_of(outer, name) && ((place_of(inner, &in) && mounts_visit(name, meets, &in)) ||
                                    (inner_mounts && name_of(inner, other.name) &&
                                     mounts_visit(name, meets_a_mount, &other)));
}
