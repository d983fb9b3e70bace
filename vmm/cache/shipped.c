/* An image that somebody names: it carries its module, and no store knows of it.
 *
 * Whoever names a file wants that file, so what is wrong with it is said: it is damaged, or others
 * could have written it.  An image of another wasmvm, another CPU or other plug-ins is none of
 * that: then the module inside is run as any other.  Making such an image is a start of its own,
 * whose program never runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cache/cache.h"

/* It may be installed for all users, and have several names. */
static bool trusted(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (owner_is_us(st->st_uid) || st->st_uid == 0) &&
           !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Of another version only the module is known: it is the file's end. */
static const char *other_version(int fd, uint64_t file_bytes, struct saved *out)
{
    struct saved_head *h = &out->head;
    if (!read_at(fd, h, sizeof *h, 0) || h->carries != 1 || h->file_bytes != file_bytes ||
        h->module_bytes == 0 || h->module_bytes > MAP_MODULE_MAX ||
        h->module_bytes > file_bytes - sizeof *h)
        return "its head is damaged";
    out->module_at = file_bytes - h->module_bytes;
    return NULL;
}

static bool version_is_ours(int fd)
{
    struct saved_head head;
    return !read_at(fd, &head, sizeof head, 0) || head.version == SAVED_VERSION;
}

/* What is wrong with the file; NULL: e->saved says where its parts lie. */
static const char *image_wrong(struct entry *e, uint64_t file_bytes)
{
    if (!version_is_ours(e->module_fd)) {
        e->why = "the image is of another version of wasmvm";
        return other_version(e->module_fd, file_bytes, &e->saved);
    }
    const char *wrong = saved_read(e->module_fd, file_bytes, &e->saved);
    if (wrong)
        return wrong;
    if (!e->saved.head.carries)
        return "it carries no module, as it is the cache's";
    e->pieces = saved_hashes(e->module_fd, &e->saved);
    return e->pieces ? NULL : "its hashes are damaged";
}

static void image_choose(struct entry *e, const struct entry_want *want)
{
    const struct saved_head *h = &e->saved.head;
    struct hash key = entry_key(&e->engine, &h->module);
    if (want->unused)
        e->why = want->unused;
    else if (!e->why && h->cpu != want->cpu)
        e->why = "the image is for another CPU";
    else if (!e->why && !hash_equal(&h->key, &key))
        e->why = "the image is of another wasmvm, or for other plug-ins";
    e->key = key;
    e->resume = !e->why;
    e->stale = e->why && !want->unused;
    if (e->stale) {
        e->inside = e->pieces;
        e->pieces = NULL;
    }
    if (e->why)
        saved_free(&e->saved);
    else
        e->state = ENTRY_WARM;
}

static bool image_open(struct entry *e, const struct entry_want *want, struct failure *why)
{
    if (fstat(want->module_fd, &e->module) != 0 || !trusted(&e->module))
        return failure_set(why,
                           "%s: an image must belong to you or to root, and nobody else may write "
                           "it (chown; chmod go-w)",
                           want->name);
    e->module_fd = fcntl(want->module_fd, F_DUPFD_CLOEXEC, 3);
    e->image_fd = fcntl(want->module_fd, F_DUPFD_CLOEXEC, 3);
    if (e->module_fd < 0 || e->image_fd < 0)
        return failure_set(why, "%s: no descriptor: %s (ulimit -n)", want->name, strerror(errno));
    const char *wrong = image_wrong(e, (uint64_t)e->module.st_size);
    if (wrong)
        return failure_set(why, "%s is a damaged image: %s (wasmvm build makes one)", want->name,
                           wrong);
    e->ships = true;
    e->module_at = e->saved.module_at;
    e->module_bytes = e->saved.head.module_bytes;
    image_choose(e, want);
    return true;
}

/* A start of which a list, or an image, is wanted: one that finds none.  Without a list all
 * functions are compiled. */
static bool build_open(struct entry *e, const struct entry_want *want, struct failure *why)
{
    e->list = calloc(1, sizeof *e->list);
    e->list_fd = want->list_fd ? fcntl(want->list_fd, F_DUPFD_CLOEXEC, 3) : -1;
    e->new_fd = want->build_fd ? fcntl(want->build_fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (!e->list || (want->list_fd && e->list_fd < 0) || (want->build_fd && e->new_fd < 0))
        return failure_set(why, "%s: its image cannot be made: %s", want->name, strerror(errno));
    e->make = e->build = want->build_fd;
    if (!e->build)
        return true;
    if (e->list_fd < 0)
        memset(e->list->bits, 0xff, sizeof e->list->bits);
    else if (!list_read(e->list_fd, e->list))
        *e->list = (struct list){0}; /* the run compiled nothing */
    return true;
}

bool shipped_open(struct entry *e, const struct entry_want *want, struct failure *why)
{
    entry_none(e);
    e->state = ENTRY_COLD;
    e->kick = want->kick;
    e->engine = want->engine;
    e->name = want->name;
    e->cpu = want->cpu;
    if (saved_begins(want->module_fd) && !image_open(e, want, why))
        return false;
    if (!want->build_fd && !want->list_fd)
        return true;
    return build_open(e, want, why);
}
