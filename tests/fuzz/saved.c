/* Fuzz target: bytes as an image's file -> read, or refused with a sentence.
 *
 * What is demanded besides the sanitizers' silence: what is taken lies within the memory map, in
 * order, and within the file.  Half of the inputs have their sum made right, as a hand that owns
 * the file would. */
#include <stdlib.h>
#include <sys/mman.h>

#include "vmm/cache/saved.c"

static void demand(bool good)
{
    if (!good)
        abort();
}

static void look(const struct saved *s, uint64_t file_bytes)
{
    static const uint64_t most[SAVED_PARTS] = { MAP_IMAGE_MAX, MAP_HEAP_MAX, MAP_CODE_MAX,
                                                MAP_LINEAR_MAX };
    uint64_t pages = 0, last[SAVED_PARTS] = {0};
    for (uint32_t i = 0; i < s->head.extents; i++) {
        const struct saved_extent *e = &s->extents[i];
        uint64_t end = (uint64_t)e->page + e->pages;
        demand(e->part < SAVED_PARTS && e->pages > 0 && e->page >= last[e->part]);
        demand(end * SAVED_PAGE <= s->head.bytes[e->part] &&
               s->head.bytes[e->part] <= most[e->part]);
        demand(e->page / SAVED_FRAME == (end - 1) / SAVED_FRAME);
        last[e->part] = end;
        pages += e->pages;
    }
    demand(s->pages_at + pages * SAVED_PAGE == s->pieces_at && s->pieces_at < s->module_at);
    demand(s->module_at <= file_bytes && s->head.file_bytes == file_bytes);
    demand(saved_pieces(s->head.module_bytes) * sizeof(struct hash) <= s->module_at - s->pieces_at);
}

#define FILE_MOST (1u << 20)

/* The same bytes as a file, where that is not long: what follows the head is looked at too. */
static void look_in_file(const uint8_t *bytes, size_t len, uint64_t file_bytes, bool good)
{
    struct saved s;
    int fd = file_bytes <= FILE_MOST ? memfd_create("image", MFD_CLOEXEC) : -1;
    if (fd < 0)
        return;
    demand(write_at(fd, bytes, len, 0) && ftruncate(fd, (off_t)file_bytes) == 0);
    bool begins = saved_begins(fd), read = saved_read(fd, file_bytes, &s) == NULL;
    demand(begins && (!read || good));
    if (read) {
        free(saved_hashes(fd, &s));
        saved_whole(fd, &s);
        saved_free(&s);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct saved s;
    struct saved_head head;
    if (len < sizeof head + 1)
        return 0;
    uint8_t *bytes = malloc(len);
    memcpy(bytes, data, len);
    memcpy(&head, bytes, sizeof head);
    uint64_t room = (len - sizeof head) / sizeof(struct saved_extent);
    struct saved_extent *extents = malloc(room * sizeof *extents + 1);
    memcpy(extents, bytes + sizeof head, room * sizeof *extents);
    memcpy(head.magic, saved_magic, sizeof saved_magic);
    head.version = SAVED_VERSION;
    if (head.extents <= room && (data[len - 1] & 1)) {
        struct saved placed = {.head = head, .extents = extents};
        if (data[len - 1] & 2) { /* and its length */
            saved_place(&placed);
            head.file_bytes = placed.module_at + (head.carries ? head.module_bytes : 0);
        }
        head.sum = head_sum(&head, extents);
    }
    memcpy(bytes, &head, sizeof head);
    uint64_t file_bytes = head.file_bytes > len ? head.file_bytes : len;
    const char *wrong = saved_parse(bytes, len < SAVED_HEAD_MOST ? len : SAVED_HEAD_MOST,
                                    file_bytes, &s);
    look_in_file(bytes, len, file_bytes, !wrong);
    if (wrong) {
        demand(*wrong && !s.extents);
    } else {
        look(&s, file_bytes);
        saved_free(&s);
    }
    free(extents);
    free(bytes);
    return 0;
}
