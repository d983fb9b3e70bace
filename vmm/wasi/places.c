/* Places in a directory, as cookies that fit 32 bits.
 *
 * A C `long` has 32 bits in a guest, and telldir keeps a cookie in one; file systems give their
 * places 63.  So a directory that is read has a table of the kernel's places, and a cookie is a
 * number in it.  A place that is met again has its old number, whatever came and went between.  All
 * tables of a run have one limit; past it those of readers that never went back are forgotten, and
 * their old cookies refused; where there are none, reading on is. */
#include "vmm/wasi/inside.h"

#include <stdlib.h>

#define ROOM_FIRST 8u
#define HEADS_FIRST 4u
#define CHAIN_MOST 4u /* places for each head, on the average */
#define NONE UINT32_MAX
#define NUMBER_MOST 0x7fff0000u /* a cookie is a positive `long` */

/* `next` is another whose hash has the same head.  With an eighth of spare room and one head for
 * two places, that is 15.5 bytes each. */
struct place { uint32_t low, high, next; };
_Static_assert(sizeof(struct place) == 12, "at most 16 bytes a place");

static int64_t offset_of(const struct place *p)
{
    return (int64_t)((uint64_t)p->high << 32 | p->low);
}

static uint32_t *head_of(const struct places *p, int64_t offset)
{
    uint64_t hash = (uint64_t)offset * 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio */
    return &p->heads[hash >> 32 & (p->nheads - 1)];
}

static void chain(struct places *p, uint32_t i)
{
    uint32_t *head = head_of(p, offset_of(&p->at[i]));
    p->at[i].next = *head;
    *head = i;
}

static bool heads_grow(struct places *p)
{
    uint32_t n = p->nheads ? p->nheads * 2 : HEADS_FIRST;
    uint32_t *heads = malloc(n * sizeof *heads);
    if (!heads)
        return false;
    free(p->heads);
    p->heads = heads;
    p->nheads = n;
    for (uint32_t i = 0; i < n; i++)
        heads[i] = NONE;
    for (uint32_t i = 0; i < p->n; i++)
        chain(p, i);
    return true;
}

static bool room_grow(struct wasi *w, struct places *p)
{
    if (w->dir_places == PLACES_MOST)
        places_release(w); /* p's, too, it may be */
    uint32_t more = p->room / 8 > ROOM_FIRST ? p->room / 8 : ROOM_FIRST,
             left = PLACES_MOST - w->dir_places;
    if (more > left)
        more = left;
    struct place *at = more ? realloc(p->at, (p->room + more) * sizeof *at) : NULL;
    if (!at)
        return false;
    p->at = at;
    p->room += more;
    w->dir_places += more;
    return true;
}

static bool find(const struct places *p, int64_t offset, uint32_t *i)
{
    for (*i = p->n ? *head_of(p, offset) : NONE; *i != NONE; *i = p->at[*i].next)
        if (offset_of(&p->at[*i]) == offset)
            return true;
    return false;
}

uint32_t places_number(struct wasi *w, struct places *p, int64_t offset, uint32_t *number)
{
    uint32_t i;
    if (!find(p, offset, &i)) {
        if ((p->n == p->room && !room_grow(w, p)) ||
            (p->n == p->nheads * CHAIN_MOST && !heads_grow(p)) || p->first > NUMBER_MOST - p->n)
            return WASI_NOMEM;
        i = p->n++;
        p->at[i] = (struct place){ .low = (uint32_t)offset,
                                   .high = (uint32_t)((uint64_t)offset >> 32) };
        chain(p, i);
    }
    *number = p->first + i;
    return WASI_SUCCESS;
}

bool places_offset(const struct places *p, uint64_t number, int64_t *offset)
{
    if (number < p->first || number - p->first >= p->n)
        return false;
    *offset = offset_of(&p->at[number - p->first]);
    return true;
}

void places_free(struct wasi *w, struct places *p)
{
    w->dir_places -= p->room;
    free(p->at);
    free(p->heads);
    *p = (struct places){ .first = p->first + p->n };
}
