/* The one door to guest memory.  A guest address becomes a host address here and nowhere else,
 * after one check.
 *
 * Regions only grow.  A range is good if one region holds all of it; ranges never wrap.
 *
 * Of a machine that is to be taken back, pages that may be written through the door are marked as
 * the CPU marks those that the guest writes. */
#include "vmm/machine/inside.h"

#include <string.h>

static bool region_holds(const struct region *r, gva_t at, uint64_t n)
{
    return r->host && at >= r->at && at - r->at <= r->bytes && n <= r->bytes - (at - r->at);
}

static uint8_t *region_place(const struct region *r, gva_t at, uint64_t n, bool writable)
{
    if (!region_holds(r, at, n) || (writable && !r->writable))
        return NULL;
    return r->host + (at - r->at);
}

static uint8_t *place(const struct guestmem *mem, gva_t at, uint64_t n, bool writable)
{
    for (unsigned i = 0; i < REGION_COUNT; i++)
        if (region_holds(&mem->regions[i], at, n))
            return region_place(&mem->regions[i], at, n, writable);
    return NULL;
}

static uint8_t *marked(const struct guestmem *mem, uint8_t *host, gva_t at, uint64_t n)
{
    if (host && mem->told && n)
        tables_mark(mem->told, at, n);
    return host;
}

static uint8_t *linear_place(const struct guestmem *mem, gva_t at, uint64_t n, bool writable)
{
    uint8_t *host = region_place(&mem->regions[REGION_LINEAR], at, n, writable);
    return writable ? marked(mem, host, at, n) : host;
}

/* The barriers keep the compiler from reading guest memory again where the copy is meant: the guest
 * may have changed it. */
static void copy(void *dst, const void *src, uint64_t n)
{
    __asm__ volatile("" : : : "memory");
    if (n)
        memcpy(dst, src, n);
    __asm__ volatile("" : : : "memory");
}

bool guest_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    const uint8_t *src = place(mem, at, n, false);
    if (src)
        copy(dst, src, n);
    return src;
}

bool guest_write(const struct guestmem *mem, gva_t at, const void *src, uint64_t n)
{
    uint8_t *dst = marked(mem, place(mem, at, n, true), at, n);
    if (dst)
        copy(dst, src, n);
    return dst;
}

bool guest_span(const struct guestmem *mem, gva_t at, uint64_t n, bool writable, struct iovec *out)
{
    uint8_t *host = place(mem, at, n, writable);
    if (writable)
        marked(mem, host, at, n);
    if (host)
        *out = (struct iovec){host, n};
    return host;
}

bool linear_read(const struct guestmem *mem, gva_t at, void *dst, uint64_t n)
{
    const uint8_t *src = linear_place(mem, at, n, false);
    if (src)
        copy(dst, src, n);
    return src;
}

bool linear_write(const struct guestmem *mem, gva_t at, const void *src, uint64_t n)
{
    uint8_t *dst = linear_place(mem, at, n, true);
    if (dst)
        copy(dst, src, n);
    return dst;
}

bool linear_span(const struct guestmem *mem, gva_t at, uint64_t n, bool writable, struct iovec *out)
{
    uint8_t *host = linear_place(mem, at, n, writable);
    if (host)
        *out = (struct iovec){host, n};
    return host;
}

uint32_t *guest_word(const struct guestmem *mem, gva_t at)
{
    uint8_t *host = at % sizeof(uint32_t) ? NULL : place(mem, at, sizeof(uint32_t), true);
    return (uint32_t *)marked(mem, host, at, sizeof(uint32_t));
}
