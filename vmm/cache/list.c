/* Which functions a run has compiled: a hint for the next start.
 *
 * It is written by a process whose guest may have taken it over, so it says nothing but bits; who
 * uses them bounds what they cost.  Two that write at once spoil the sum, and there is no list: a
 * jail has no call for locks. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cache/cache.h"

static const uint8_t magic[8] = {'w', 'a', 's', 'm', 'v', 'm', 0x1a, 'L'};

struct head { uint8_t magic[8]; uint32_t sum, bytes; uint64_t body_bytes; }; /* bits follow */

/* Zeros at the end are left out. */
static uint32_t used(const struct list *list)
{
    uint32_t n = LIST_BYTES;
    while (n && list->bits[n - 1] == 0)
        n--;
    return n;
}

static uint32_t list_sum(const struct list *list)
{
    return sum_of(list->bits, LIST_BYTES) ^ (uint32_t)list->body_bytes ^
           (uint32_t)(list->body_bytes >> 32) * 3;
}

bool list_read(int fd, struct list *list)
{
    struct head head;
    *list = (struct list){0};
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.magic, magic, sizeof magic) != 0)
        return false;
    if (head.bytes > LIST_BYTES || !read_at(fd, list->bits, head.bytes, sizeof head))
        return false;
    list->body_bytes = head.body_bytes;
    return list_sum(list) == head.sum;
}

bool list_write(int fd, const struct list *list)
{
    struct head head = {.sum = list_sum(list), .bytes = used(list), .body_bytes = list->body_bytes};
    memcpy(head.magic, magic, sizeof magic);
    return ftruncate(fd, 0) == 0 && write_at(fd, list->bits, head.bytes, sizeof head) &&
           write_at(fd, &head, sizeof head, 0);
}
