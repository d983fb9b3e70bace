/* What an image's file holds, read and checked.
 *
 * The file may be anybody's: it is read once into memory of ours, and judged from there.  What is
 * checked here is all that restoring relies on: sizes within the memory map, extents in order and
 * within their part, the file's exact length, the sum of head and extents.  The sums of pages are
 * checked when they are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cache/cache.h"

const uint8_t saved_magic[8] = {'w', 'a', 's', 'm', 'v', 'm', 0x1a, 'I'};

#define WASM_PAGE 0x10000u

bool read_at(int fd, void *to, uint64_t n, uint64_t at)
{
    for (uint64_t done = 0; done < n;) {
        ssize_t got = pread_once(fd, (uint8_t *)to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return false;
        done += (uint64_t)got;
    }
    return true;
}

bool write_at(int fd, const void *from, uint64_t n, uint64_t at)
{
    for (uint64_t done = 0; done < n;) {
        ssize_t put = pwrite_once(fd, (const uint8_t *)from + done, n - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (uint64_t)put;
    }
    return true;
}

bool saved_begins(int fd)
{
    uint8_t first[sizeof saved_magic];
    return fd >= 0 && read_at(fd, first, sizeof first, 0) &&
           memcmp(first, saved_magic, sizeof first) == 0;
}

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + SAVED_PAGE - 1) / SAVED_PAGE * SAVED_PAGE;
}

uint32_t saved_pieces(uint64_t module_bytes)
{
    return (uint32_t)((module_bytes + MODULE_PIECE - 1) / MODULE_PIECE);
}

struct hash saved_module(const struct hash *pieces, uint64_t module_bytes)
{
    struct hash hash;
    hash_of(pieces, saved_pieces(module_bytes) * sizeof *pieces, &hash);
    return hash;
}

static uint64_t head_bytes(uint32_t extents)
{
    return whole_pages(sizeof(struct saved_head) + (uint64_t)extents * sizeof(struct saved_extent));
}

static uint64_t pieces_bytes(uint64_t module_bytes)
{
    return saved_pieces(module_bytes) * sizeof(struct hash);
}

void saved_place(struct saved *s)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < s->head.extents; i++)
        pages += s->extents[i].pages;
    s->pages_at = head_bytes(s->head.extents);
    s->pieces_at = s->pages_at + pages * SAVED_PAGE;
    s->module_at = s->pieces_at + whole_pages(pieces_bytes(s->head.module_bytes));
}

static const char *sizes_wrong(const struct saved_head *h)
{
    static const uint64_t most[SAVED_PARTS] = {
        [SAVED_DATA] = MAP_IMAGE_MAX, [SAVED_HEAP] = MAP_HEAP_MAX, [SAVED_CODE] = MAP_CODE_MAX,
        [SAVED_LINEAR] = MAP_LINEAR_MAX,
    };
    if (memcmp(h->magic, saved_magic, sizeof saved_magic) != 0)
        return "it is no image";
    if (h->version != SAVED_VERSION)
        return "it is of another version";
    if (h->extents > SAVED_EXTENTS || h->carries > 1 || h->module_bytes == 0 ||
        h->module_bytes > MAP_MODULE_MAX)
        return "its head is damaged";
    for (unsigned part = 0; part < SAVED_PARTS; part++)
        if (h->bytes[part] > most[part] ||
            h->bytes[part] % (part == SAVED_LINEAR ? WASM_PAGE : SAVED_PAGE))
            return "a part's size is wrong";
    return NULL;
}

/* In order, so that none lies upon another. */
static const char *extents_wrong(const struct saved *s)
{
    uint32_t part = 0;
    uint64_t next = 0;
    for (uint32_t i = 0; i < s->head.extents; i++) {
        const struct saved_extent *e = &s->extents[i];
        if (e->part >= SAVED_PARTS || e->part < part)
            return "its parts are out of order";
        if (e->part > part)
            next = 0;
        part = e->part;
        uint64_t end = (uint64_t)e->page + e->pages;
        if (e->pages == 0 || e->page < next || end > s->head.bytes[part] / SAVED_PAGE)
            return "pages lie outside of their part";
        if (e->page / SAVED_FRAME != (end - 1) / SAVED_FRAME)
            return "pages lie in two frames";
        next = end;
    }
    return NULL;
}

static uint32_t head_sum(const struct saved_head *head, const struct saved_extent *extents)
{
    _Alignas(32) struct saved_head copy = *head;
    struct saved_extent last[2] = {{0}};
    uint32_t even = head->extents & ~1u;
    copy.sum = 0;
    if (head->extents & 1)
        last[0] = extents[even];
    return sum_of(&copy, sizeof copy) ^ 3 * sum_of(extents, even * sizeof *extents) ^
           5 * sum_of(last, sizeof last);
}

static const char *parse(const uint8_t *bytes, size_t n, uint64_t file_bytes, struct saved *out)
{
    struct saved_head *h = &out->head;
    if (n < sizeof *h || file_bytes < n)
        return "it is cut short";
    memcpy(h, bytes, sizeof *h);
    const char *wrong = sizes_wrong(h);
    if (wrong)
        return wrong;
    size_t list = h->extents * sizeof *out->extents;
    if (n - sizeof *h < list)
        return "it is cut short";
    out->extents = malloc(list + 1);
    if (!out->extents)
        return "no memory";
    memcpy(out->extents, bytes + sizeof *h, list);
    if (head_sum(h, out->extents) != h->sum)
        return "its head is damaged";
    if ((wrong = extents_wrong(out)) != NULL)
        return wrong;
    saved_place(out);
    uint64_t end = out->module_at + (h->carries ? h->module_bytes : 0);
    if (end != h->file_bytes || end != file_bytes)
        return "its length is wrong";
    return memchr(h->name, 0, sizeof h->name) ? NULL : "its head is damaged";
}

const char *saved_parse(const uint8_t *bytes, size_t n, uint64_t file_bytes, struct saved *out)
{
    *out = (struct saved){0};
    const char *wrong = parse(bytes, n, file_bytes, out);
    if (wrong)
        saved_free(out);
    return wrong;
}

const char *saved_read(int fd, uint64_t file_bytes, struct saved *out)
{
    struct saved_head head;
    *out = (struct saved){0};
    if (file_bytes < SAVED_PAGE || !read_at(fd, &head, sizeof head, 0))
        return "it is cut short";
    const char *wrong = sizes_wrong(&head);
    uint64_t n = head_bytes(head.extents);
    if (wrong)
        return wrong;
    uint8_t *bytes = n <= file_bytes ? malloc(n) : NULL;
    wrong = bytes && read_at(fd, bytes, n, 0) ? saved_parse(bytes, n, file_bytes, out)
                                              : "it is cut short";
    free(bytes);
    return wrong;
}

void saved_free(struct saved *s)
{
    free(s->extents);
    *s = (struct saved){0};
}

bool saved_write(int fd, struct saved *s)
{
    struct saved_head *h = &s->head;
    memcpy(h->magic, saved_magic, sizeof saved_magic);
    h->version = SAVED_VERSION;
    saved_place(s);
    h->file_bytes = s->module_at + (h->carries ? h->module_bytes : 0);
    h->sum = head_sum(h, s->extents);
    return write_at(fd, s->extents, h->extents * sizeof *s->extents, sizeof *h) &&
           write_at(fd, h, sizeof *h, 0);
}

struct hash *saved_hashes(int fd, const struct saved *s)
{
    const struct saved_head *h = &s->head;
    size_t n = pieces_bytes(h->module_bytes);
    struct hash *pieces = malloc(n);
    if (pieces && read_at(fd, pieces, n, s->pieces_at) && sum_of(pieces, n) == h->pieces_sum) {
        struct hash module = saved_module(pieces, h->module_bytes);
        if (hash_equal(&module, &h->module))
            return pieces;
    }
    free(pieces);
    return NULL;
}

static bool extent_whole(int fd, const struct saved_extent *e, uint64_t at)
{
    uint64_t n = (uint64_t)e->pages * SAVED_PAGE;
    uint8_t *bytes = malloc(n);
    bool good = bytes && read_at(fd, bytes, n, at) && sum_of(bytes, n) == e->sum;
    free(bytes);
    return good;
}

bool saved_whole(int fd, const struct saved *s)
{
    uint64_t at = s->pages_at;
    for (uint32_t i = 0; i < s->head.extents; i++) {
        if (!extent_whole(fd, &s->extents[i], at))
            return false;
        at += (uint64_t)s->extents[i].pages * SAVED_PAGE;
    }
    struct hash *pieces = saved_hashes(fd, s);
    free(pieces);
    return pieces;
}
