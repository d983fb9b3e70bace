/* The cache of `wasmvm go`: what lies there is compiled into programs that run on this host's
 * behalf, and a test that was granted the whole file tree could have written to it.  So it is a
 * directory that only we may write to, no link is followed below it, and each file is compared with
 * what it must be each time it is used. */
#include "go/go.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a directory of ours alone below `at`, made where it is missing; -1: errno, EPERM = it is
 * not. */
static int own_directory(int at, const char *name)
{
    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return -1;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return fd;
    if (fd >= 0) {
        close(fd);
        errno = EPERM;
    }
    return -1;
}

/* Below the user's cache directory; false: there is none, or it belongs to another (as under sudo).
 */
static bool open_below(struct cache *c, const char *base)
{
    struct stat st;
    if (stat(base, &st) != 0 && (errno != ENOENT || mkdir(base, 0700) != 0))
        return false;
    int at = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || fstat(at, &st) != 0 || st.st_uid != geteuid())
        return false;
    int ours = own_directory(at, "wasmvm");
    int problem = errno;
    close(at);
    if (ours < 0 && problem == EPERM)
        die("%s/wasmvm must be a directory that belongs to you and that nobody else may use (chmod "
            "700 it)",
            base);
    c->fd = ours < 0 ? -1 : own_directory(ours, "go");
    c->path = text("%s/wasmvm/go", base);
    return c->fd >= 0;
}

void cache_open(struct cache *c)
{
    *c = (struct cache){.fd = -1};
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *tmp = getenv("TMPDIR");
    if (xdg && *xdg == '/' && open_below(c, xdg))
        return;
    if (!(xdg && *xdg == '/') && home && *home == '/' && open_below(c, text("%s/.cache", home)))
        return;
    tmp = tmp && *tmp == '/' ? tmp : "/tmp";
    int at = open(tmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *name = text("wasmvm-go-%u", (unsigned)geteuid());
    c->fd = at < 0 ? -1 : own_directory(at, name);
    c->path = text("%s/%s", tmp, name);
    if (c->fd < 0)
        die("no cache directory can be had: %s: %s (set XDG_CACHE_HOME)", c->path, strerror(errno));
    close(at);
}

/* ---- hashes, as names ---- */

static void add(SHA2_CTX *sha, const void *bytes, size_t n)
{
    uint64_t len = n; /* so that no two lists of parts have the same bytes */
    SHA256Update(sha, (const uint8_t *)&len, sizeof len);
    SHA256Update(sha, bytes, n);
}

static char *name_of(const struct files *files, const char *root, const char *user)
{
    SHA2_CTX sha;
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Init(&sha);
    add(&sha, "1", 1); /* of the form of what is written */
    add(&sha, root, strlen(root));
    add(&sha, user, strlen(user));
    for (size_t k = 0; k < files->n; k++) {
        const struct file *f = &files->at[k];
        add(&sha, f->name, strlen(f->name));
        add(&sha, f->bytes ? f->bytes : "", f->n);
    }
    SHA256End(&sha, hex);
    return text("%.32s", hex);
}

/* ---- GOROOT by another name ---- */

static bool is_link_to(int dir, const char *name, const char *target)
{
    char now[4096];
    ssize_t n = readlinkat(dir, name, now, sizeof now - 1);
    if (n < 0)
        return false;
    now[n] = 0;
    return strcmp(now, target) == 0;
}

char *cache_root(struct cache *c, const struct toolchain *t)
{
    size_t n = strlen(t->mod_cache);
    if (!n || strncmp(t->root, t->mod_cache, n) != 0 || t->root[n] != '/')
        return t->root;
    int roots = own_directory(c->fd, "roots");
    if (roots < 0)
        die("%s/roots: %s", c->path, strerror(errno));
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)t->root, strlen(t->root), hex);
    const char *name = text("%s-%.12s", t->version, hex);
    while (!is_link_to(roots, name, t->root)) {
        const char *fresh = text(".%s-%d", name, (int)getpid());
        if (symlinkat(t->root, roots, fresh) != 0 || renameat(roots, fresh, roots, name) != 0)
            die("%s/roots/%s: %s", c->path, name, strerror(errno));
    }
    close(roots);
    return text("%s/roots/%s", c->path, name);
}

/* ---- files ---- */

/* Opens the directory that holds `name` below `dir`; *base: the last part of the name.  make: what
 * is missing. */
static int parent(int dir, const char *name, bool make, const char **base)
{
    int at = dup(dir);
    for (const char *slash; at >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        const char *part = text("%.*s", (int)(slash - name), name);
        if (make && mkdirat(at, part, 0700) != 0 && errno != EEXIST)
            die("cache: %s: %s", part, strerror(errno));
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
    }
    *base = name;
    return at;
}

/* Is the file there, ours, no link, and exactly these bytes? */
static bool holds(int dir, const char *name, const char *bytes, size_t n)
{
    const char *base;
    int at = parent(dir, name, false, &base);
    struct stat st;
    size_t got = 0;
    bool same = at >= 0 && fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 &&
                (st.st_mode & 022) == 0 && (size_t)st.st_size == n;
    char *now = same ? file_read(at, base, O_NOFOLLOW, &got) : NULL;
    same = now && got == n && memcmp(now, bytes, n) == 0;
    free(now);
    if (at >= 0)
        close(at);
    return same;
}

static void put(int dir, const char *name, const char *bytes, size_t n)
{
    const char *base;
    int at = parent(dir, name, true, &base);
    int fd = at < 0 ? -1
                    : openat(at, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        die("cache: %s: %s", name, strerror(errno));
    close(at);
}

static bool complete(struct cache *c, const char *name, const struct files *files,
                     const char *overlay)
{
    int dir = openat(c->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    bool all = dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == geteuid() &&
               (st.st_mode & 077) == 0 && holds(dir, "overlay.json", overlay, strlen(overlay));
    for (size_t k = 0; all && k < files->n; k++)
        all = !files->at[k].bytes ||
              holds(dir, files->at[k].name, files->at[k].bytes, files->at[k].n);
    if (dir >= 0)
        close(dir);
    return all;
}

static int forget(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void forget_all(struct cache *c, const char *name)
{
    nftw(text("%s/%s", c->path, name), forget, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes beside, then takes the name; what had the name and is not right goes. */
static void publish(struct cache *c, const char *name, const struct files *files,
                    const char *overlay)
{
    const char *fresh = text(".%s-%d", name, (int)getpid()),
               *old = text(".old-%s-%d", name, (int)getpid());
    forget_all(c, fresh);
    int dir = own_directory(c->fd, fresh);
    if (dir < 0)
        die("%s/%s: %s", c->path, fresh, strerror(errno));
    for (size_t k = 0; k < files->n; k++)
        if (files->at[k].bytes)
            put(dir, files->at[k].name, files->at[k].bytes, files->at[k].n);
    put(dir, "overlay.json", overlay, strlen(overlay));
    close(dir);
    if (!complete(c, name, files, overlay)) { /* another may have been faster */
        if (renameat(c->fd, name, c->fd, old) == 0)
            forget_all(c, old);
        renameat(c->fd, fresh, c->fd, name);
    }
    forget_all(c, fresh);
}

char *cache_put(struct cache *c, const struct files *files, const char *root, const char *user)
{
    const char *name = name_of(files, root, user);
    const char *overlay = overlay_text(files, root, text("%s/%s", c->path, name), user);
    for (int tries = 0; !complete(c, name, files, overlay); tries++) {
        if (tries == 3)
            die("%s/%s does not keep what is written to it", c->path, name);
        publish(c, name, files, overlay);
    }
    return text("%s/%s/overlay.json", c->path, name);
}
