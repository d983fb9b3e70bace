/* Unix sockets by guest paths.  A path resolves through the preopened directories, as path_open
 * does it, never against the host's root: the kernel gets /proc/self/fd/N, or a name below it, of a
 * descriptor that was opened beneath a grant.  What the kernel says of such sockets is turned back
 * into the guest's words, or left out. */
#include "vmm/net/inside.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { SLASHES_MOST = 16 };

/* Where a guest path leads: a preopen and the path beneath it, in `text`. */
static struct desc *where(struct wasi *w, const char *path, char text[PATH_MAX], uint32_t *err)
{
    char whole[PATH_MAX];
    const char *cwd = w->net->cwd, *rest;
    int len = path[0] == '/' || !cwd ? snprintf(whole, sizeof whole, "%s", path)
                                     : snprintf(whole, sizeof whole, "%s/%s", cwd, path);
    *err = WASI_NAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof whole)
        return NULL;
    struct desc *d = preopen_find(w, whole, &rest);
    *err = WASI_NOENT;
    if (!d || d->ops != &directory_ops)
        return NULL;
    strcpy(text, rest);
    return d;
}

static uint32_t name_check(const char *path)
{
    if (!*path)
        return WASI_INVAL;
    return strlen(path) > sizeof((struct sockaddr_un *)0)->sun_path - 1 ? WASI_NAMETOOLONG
                                                                        : WASI_SUCCESS;
}

/* `slashes`, which mean one, tell names apart whose directories had the same number in turn. */
static uint32_t host_name(struct sockaddr_storage *host, socklen_t *len, int fd, int slashes,
                          const char *name)
{
    static const char many[SLASHES_MOST + 1] = "////////////////";
    struct sockaddr_un *un = (struct sockaddr_un *)host;
    memset(host, 0, sizeof *host);
    un->sun_family = AF_UNIX;
    int n = snprintf(un->sun_path, sizeof un->sun_path, "/proc/self/fd/%d%.*s%s", fd, slashes, many,
                     name);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
    return n < 0 || (size_t)n >= sizeof un->sun_path ? WASI_NAMETOOLONG : WASI_SUCCESS;
}

uint32_t unix_target(struct wasi *w, const char *path, struct sockaddr_storage *host,
                     socklen_t *len, int *hold)
{
    char text[PATH_MAX];
    struct stat st;
    *hold = -1;
    uint32_t err = name_check(path);
    if (err)
        return err;
    struct desc *d = where(w, path, text, &err);
    if (!d)
        return err;
    struct route p;
    route_begin(w, &p, d, *text ? text : ".");
    int fd = route_find(w, &p, true, false, &err);
    route_end(&p);
    if (fd < 0)
        return err;
    if (file_stat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        close(fd);
        return WASI_CONNREFUSED; /* as the kernel has it */
    }
    *hold = fd;
    return host_name(host, len, fd, 0, "");
}

/* Splits text at its last component; NULL where that is no name of a new file. */
static char *name_split(char *text, const char **parent)
{
    char *slash = strrchr(text, '/');
    char *name = slash ? slash + 1 : text;
    if (slash)
        *slash = 0;
    *parent = slash ? (*text ? text : ".") : ".";
    return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}

/* The guest's own socket that the kernel has under this name, or NULL. */
static const struct conn *conn_named(struct wasi *w, const struct sockaddr_un *un)
{
    for (uint32_t fd = 0; fd < w->ndescs; fd++) {
        struct desc *d = desc_get(w, fd);
        const struct conn *c = d ? conn_of(d) : NULL;
        if (c && c->host_path && strncmp(c->host_path, un->sun_path, sizeof un->sun_path) == 0)
            return c;
    }
    return NULL;
}

static uint32_t bind_at(struct wasi *w, struct desc *socket, int parent, const char *name,
                        const char *path)
{
    struct conn *c = conn_of(socket);
    struct sockaddr_storage host;
    socklen_t len;
    int slashes = 1;
    uint32_t err = host_name(&host, &len, parent, slashes, name);
    while (!err && conn_named(w, (struct sockaddr_un *)&host) && slashes < SLASHES_MOST)
        err = host_name(&host, &len, parent, ++slashes, name);
    if (err && slashes > 1) /* no room for more: the kernel has the two by one name */
        err = host_name(&host, &len, parent, 1, name);
    if (err)
        return err;
    char *host_path = strdup(((struct sockaddr_un *)&host)->sun_path), *own_path = strdup(path);
    if (!host_path || !own_path)
        err = WASI_NOMEM;
    else if (bind(socket->host, (struct sockaddr *)&host, len) < 0)
        err = wasi_errno(errno);
    if (err) {
        free(host_path);
        free(own_path);
        return err;
    }
    c->host_path = host_path;
    c->path = own_path;
    c->bound = true;
    return WASI_SUCCESS;
}

uint32_t unix_bind(struct wasi *w, struct desc *socket, const char *path)
{
    char text[PATH_MAX];
    const char *parent;
    uint32_t err = name_check(path);
    if (err)
        return err;
    if (conn_of(socket)->path)
        return WASI_INVAL;
    struct desc *d = where(w, path, text, &err);
    if (!d)
        return err;
    char *name = name_split(text, &parent);
    struct route p;
    route_begin(w, &p, d, parent);
    int dir = route_find(w, &p, true, true, &err);
    route_end(&p);
    if (dir < 0)
        return err;
    if (name && !quota_may_create(w, dir, name))
        err = WASI_DQUOT;
    else
        err = name ? bind_at(w, socket, dir, name, path) : WASI_ADDRINUSE;
    if (!err)
        quota_created(w);
    close(dir);
    return err;
}

void unix_name(struct wasi *w, const struct sockaddr_storage *host, socklen_t len,
               struct guest_addr *a)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)host;
    a->family = FAMILY_UNIX;
    a->path[0] = 0;
    if (len <= offsetof(struct sockaddr_un, sun_path) || !un->sun_path[0])
        return;
    const struct conn *c = conn_named(w, un);
    if (c)
        strncpy(a->path, c->path, sizeof a->path - 1);
}
