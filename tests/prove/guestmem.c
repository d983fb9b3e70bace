/* The one door to guest memory (vmm/machine/guestmem.c).
 *
 * Proven for every address, every length and any regions (of any place, size and right, also
 * overlapping ones): what the door hands out lies in one region's host range, is at the place that
 * the address means, and is writable where it is asked for; WASI's half of it hands out linear
 * memory alone; a word is aligned.  No pointer leaves its object.  Bound: 3 of the 13 regions; the
 * loop treats them alike. */
#include "tests/prove/prove.h"

#define REGIONS 3
static uint8_t bytes_of[REGIONS][64];

/* A host range of at most 64 bytes stands for one of any size: the door only adds to its start. */
static struct guestmem memory(void)
{
    struct guestmem mem = { 0 };
    for (unsigned i = 0; i < REGIONS; i++) {
        uint64_t bytes = any_u64();
        ASSUME(bytes <= sizeof bytes_of[i]);
        mem.regions[i] = (struct region){ any_u64(), bytes, any_bool() ? bytes_of[i] : NULL,
                                          any_bool() };
    }
    return mem;
}

static _Bool lies_in(const struct region *r, const uint8_t *host, gva_t at, uint64_t n)
{
    return r->host && __CPROVER_same_object(host, r->host) && host >= r->host &&
           (uint64_t)(host - r->host) == at - r->at && at >= r->at && at - r->at <= r->bytes &&
           n <= r->bytes - (at - r->at);
}

static void span_holds(const struct guestmem *mem, gva_t at, uint64_t n, _Bool writable)
{
    struct iovec out = { 0 };
    _Bool good = guest_span(mem, at, n, writable, &out), found = 0;
    for (unsigned i = 0; i < REGIONS; i++)
        found |= lies_in(&mem->regions[i], out.iov_base, at, n) &&
                 (!writable || mem->regions[i].writable);
    HOLDS(!good || (found && out.iov_len == n), "a span lies in one region that allows it");
}

static void linear_holds(const struct guestmem *mem, gva_t at, uint64_t n, _Bool writable)
{
    const struct region *r = &mem->regions[REGION_LINEAR];
    struct iovec out = { 0 };
    _Bool good = linear_span(mem, at, n, writable, &out);
    HOLDS(!good || lies_in(r, out.iov_base, at, n), "WASI's addresses lie in linear memory");
    HOLDS(!good || !writable || r->writable, "and are written where that may be");
    HOLDS(good || !r->host || at < r->at || at - r->at > r->bytes || n > r->bytes - (at - r->at) ||
          (writable && !r->writable), "nothing that lies there is refused");
}

static void word_holds(const struct guestmem *mem, gva_t at)
{
    uint32_t *word = guest_word(mem, at);
    _Bool found = 0;
    for (unsigned i = 0; i < REGIONS; i++)
        found |= lies_in(&mem->regions[i], (uint8_t *)word, at, 4) && mem->regions[i].writable;
    HOLDS(!word || (found && at % 4 == 0),
          "a word is aligned, and lies in a region that is writable");
}

/* Copies of up to 8 bytes, whose bounds cbmc checks byte by byte. */
static void copies_hold(const struct guestmem *mem, gva_t at)
{
    uint8_t copy[8] = { 0 };
    uint64_t n = any_u64();
    ASSUME(n <= sizeof copy);
    switch (any_unsigned() % 4) {
    case 0: guest_read(mem, at, copy, n); break;
    case 1: guest_write(mem, at, copy, n); break;
    case 2: linear_read(mem, at, copy, n); break;
    default: linear_write(mem, at, copy, n); break;
    }
}

int main(void)
{
    const struct guestmem mem = memory();
    span_holds(&mem, any_u64(), any_u64(), any_bool());
    linear_holds(&mem, any_u64(), any_u64(), any_bool());
    word_holds(&mem, any_u64());
    copies_hold(&mem, any_u64());
    return 0;
}
