/* The directories that are granted, as the descriptors from 3 on. */
#include "vmm/wasi/inside.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A directory granted :ro inside one granted :rw, or the other way round, would be neither. */
static bool preopen_check_modes(const struct config *config, const int *hosts, struct failure *why)
{
    for (uint32_t i = 0; i < config->ngrants; i++)
        for (uint32_t k = 0; k < config->ngrants; k++) {
            const struct grant *a = &config->grants[i], *b = &config->grants[k];
            if (a->tmp || b->tmp) /* nothing that was there before this run */
                continue;
            if (a->read_only == b->read_only)
                continue;
            bool lies = directory_lies_in(hosts[i], hosts[k]);
            if (lies || (b->mounts && directory_mounts(hosts[k], hosts[i], a->mounts)))
                return failure_set(
                    why,
                    "--dir %s and --dir %s: one is :ro, the other is not, and the first %s "
                    "second (give both the same mode)",
                    a->host, b->host, lies ? "lies in the" : "is mounted below the");
        }
    return true;
}

static bool preopen_host(struct wasi *w, int *at, const struct config *config,
                         const struct grant *g, struct failure *why)
{
    uint32_t err;
    if (g->kind)
        return g->kind->open(w, config, at, why);
    *at = named_open(&config->writable, g->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (*at < 0)
        return failure_set(why, "--dir %s: %s", g->host, named_error(errno));
    if (filesystem_refused(w, *at, g->host, &err))
        return failure_set(why, "--dir %s: it cannot be granted: %s", g->host,
                           w->refused.count ? w->refused.why : strerror(errno));
    return true;
}

/* Whether the name that the guest has for it leads to it on the host, too. */
static bool names_itself(const struct grant *g, const struct stat *st)
{
    struct stat there;
    return !g->kind && g->guest[0] == '/' && stat(g->guest, &there) == 0 &&
           there.st_dev == st->st_dev && there.st_ino == st->st_ino;
}

/* What is mounted below it is granted, too; of the host's whole tree in any case. */
static bool grant_mounts(const struct grant *g, const struct stat *st)
{
    struct stat root;
    return g->mounts || (!g->kind && stat("/", &root) == 0 && root.st_dev == st->st_dev &&
                         root.st_ino == st->st_ino);
}

/* The grant's descriptor becomes the table's. */
static bool preopen_place(struct wasi *w, const struct grant *g, int *host, uint32_t *fd,
                          struct failure *why)
{
    struct desc d = { .host = *host,
                      .io = *host,
                      .filetype = FILETYPE_DIRECTORY,
                      .read_only = g->read_only,
                      .preopen = g->guest };
    struct stat st;
    if (file_stat(*host, &st) < 0)
        return failure_set(why, "--dir %s: %s", g->guest, strerror(errno));
    d.native = names_itself(g, &st);
    d.mounts = grant_mounts(g, &st);
    if (strcmp(g->guest, "/") == 0)
        d.tree = d.native ? TREE_HOST : TREE_OWN;
    st.st_mode = g->kind ? S_IFDIR : st.st_mode;
    desc_describe(w, &d, &st, O_RDONLY);
    d.ops = g->kind ? g->kind->ops : d.ops;
    *host = -1;
    return desc_place(w, &d, fd) == WASI_SUCCESS || failure_set(why, "cannot start: no memory");
}

void preopen_end(struct wasi *w)
{
    for (uint32_t i = 0; i < w->nopening; i++)
        if (w->opening[i] >= 0)
            close(w->opening[i]);
    free(w->opening);
    w->opening = NULL;
    w->nopening = 0;
}

static bool preopen_hosts(struct wasi *w, const struct config *config, struct failure *why)
{
    int *hosts = w->opening;
    for (uint32_t i = 0; i < config->ngrants; i++)
        if (!preopen_host(w, &hosts[i], config, &config->grants[i], why))
            return false;
    bool kernel = !config->grants[0].kind; /* those with one stand last */
    return (!kernel || path_check_kernel(hosts[0], why)) && preopen_check_modes(config, hosts, why);
}

/* Whether a name that begins at the grant `/` means the same by whatever grant it is found. */
static bool trees_agree(struct wasi *w)
{
    const char *rest;
    const struct desc *top = preopen_find(w, "/", &rest), *d;
    for (uint32_t fd = 0; top && fd < w->ndescs; fd++)
        if ((d = desc_get(w, fd)) && d->preopen && d->preopen[0] == '/' && d != top &&
            !(d->native && top->tree == TREE_HOST))
            return false;
    return top;
}

bool preopen_all(struct wasi *w, const struct config *config, struct failure *why)
{
    if (config->ngrants == 0)
        return true;
    if (config->ngrants > w->open_max)
        return failure_set(why, "%u --dir: the limit of open files allows %u", config->ngrants,
                           w->open_max);
    w->opening = malloc(config->ngrants * sizeof *w->opening);
    if (!w->opening)
        return failure_set(why, "cannot start: no memory");
    for (; w->nopening < config->ngrants; w->nopening++)
        w->opening[w->nopening] = -1;
    if (!preopen_hosts(w, config, why))
        return false;
    uint32_t fd, want = 3;
    for (uint32_t i = 0; i < config->ngrants; i++)
        if (!config->grants[i].last &&
            !preopen_place(w, &config->grants[i], &w->opening[i], &fd, why))
            return false;
        else
            assert(config->grants[i].last || fd == want++);
    return true;
}

bool preopen_last(struct wasi *w, const struct config *config, struct failure *why)
{
    uint32_t fd;
    for (uint32_t i = 0; i < config->ngrants; i++)
        if (config->grants[i].last) {
            if (!preopen_place(w, &config->grants[i], &w->opening[i], &fd, why))
                return false;
            w->names_end = fd + 1;
        }
    preopen_end(w);
    w->one_tree = trees_agree(w);
    w->top_known = config->set->container && stat("/", &w->top) == 0;
    devfd_find(w);
    return true;
}

int wasi_granted(struct wasi *w, uint32_t *fd, bool *read_only)
{
    while (*fd < w->ndescs) {
        const struct desc *d = desc_get(w, (*fd)++);
        if (!d || !d->preopen || d->ops != &directory_ops)
            continue;
        *read_only = d->read_only;
        return d->host;
    }
    return -1;
}
