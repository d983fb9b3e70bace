/* The guest's page tables: four levels, 2 MiB entries where they fit, 4 KiB entries elsewhere.
 *
 * Pages of the pool are used once.  A table of 4 KiB entries that a 2 MiB entry replaced is never written again:
 * software KVM may still shadow it, and would not see the new words (docs/rationale.md). */
#include <assert.h>
#include <string.h>

#include "vmm/machine/inside.h"

#define ENTRY_PRESENT  (1ull << 0)
#define ENTRY_WRITE    (1ull << 1)
#define ENTRY_USER     (1ull << 2)
#define ENTRY_ACCESSED (1ull << 5)
#define ENTRY_DIRTY    (1ull << 6)
#define ENTRY_LARGE    (1ull << 7)
#define ENTRY_NX       (1ull << 63)
#define ENTRY_ADDRESS  0x000ffffffffff000ull

static unsigned index_at(gva_t at, unsigned level)
{
    return at >> (12 + 9 * level) & 511;
}

static uint64_t *table_at(const struct tables *t, uint64_t gpa)
{
    assert(gpa >= t->pool.gpa && gpa - t->pool.gpa < t->used);
    return (uint64_t *)(t->pool.host + (gpa - t->pool.gpa));
}

/* Pages of the pool are fresh from the kernel, hence zero. */
static uint64_t page_take(struct tables *t)
{
    if (t->pool.bytes - t->used < PAGE)
        return 0;
    t->used += PAGE;
    return t->pool.gpa + t->used - PAGE;
}

bool tables_new(struct tables *t, struct span pool)
{
    *t = (struct tables){.pool = pool};
    return pool.gpa != 0 && page_take(t) == pool.gpa;
}

/* The entry of `at` in the table of `level` (0: 4 KiB entries, 1: 2 MiB); NULL: pool used up.  Rights are the
 * leaves'. */
static uint64_t *entry_for(struct tables *t, gva_t at, unsigned level)
{
    uint64_t *table = table_at(t, t->pool.gpa);
    for (unsigned l = 3; l > level; l--) {
        uint64_t *entry = &table[index_at(at, l)];
        assert(!(*entry & ENTRY_LARGE));
        if (!*entry) {
            uint64_t page = page_take(t);
            if (!page)
                return NULL;
            *entry = page | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_ACCESSED;
        }
        table = table_at(t, *entry & ENTRY_ADDRESS);
    }
    return &table[index_at(at, level)];
}

/* Accessed and dirty are set from the start: the CPU need not write them. */
static uint64_t leaf(uint64_t gpa, unsigned rights)
{
    return gpa | ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_DIRTY | (rights & TABLES_WRITE ? ENTRY_WRITE : 0) |
           (rights & TABLES_EXECUTE ? 0 : ENTRY_NX) | (rights & TABLES_SUPERVISOR ? 0 : ENTRY_USER);
}

/* Only absent to present; 2 MiB in the place of a table only where the table's first entry agrees with it. */
static void entry_add(const struct tables *t, uint64_t *entry, uint64_t value)
{
    uint64_t old = *entry;
    if (old == value)
        return;
    if (old) {
        assert((value & ENTRY_LARGE) && !(old & ENTRY_LARGE));
        assert(*table_at(t, old & ENTRY_ADDRESS) == (value & ~ENTRY_LARGE));
    }
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool maps_as_large(gva_t at, uint64_t gpa, uint64_t bytes)
{
    return bytes >= FRAME && at % FRAME == 0 && gpa % FRAME == 0;
}

bool tables_map(struct tables *t, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights)
{
    assert(at % PAGE == 0 && gpa % PAGE == 0 && bytes % PAGE == 0);
    assert((rights & (TABLES_WRITE | TABLES_EXECUTE)) != (TABLES_WRITE | TABLES_EXECUTE));
    while (bytes) {
        bool large = maps_as_large(at, gpa, bytes);
        uint64_t step = large ? FRAME : PAGE;
        uint64_t *entry = entry_for(t, at, large);
        if (!entry)
            return false;
        entry_add(t, entry, leaf(gpa, rights) | (large ? ENTRY_LARGE : 0));
        at += step;
        gpa += step;
        bytes -= step;
    }
    return true;
}

bool tables_look(const struct tables *t, gva_t at, uint64_t *gpa, unsigned *rights, uint64_t *page_bytes)
{
    uint64_t address = t->pool.gpa;
    for (int level = 3; level >= 0; level--) {
        uint64_t entry = table_at(t, address)[index_at(at, level)];
        if (!(entry & ENTRY_PRESENT))
            return false;
        address = entry & ENTRY_ADDRESS;
        if (level > 0 && !(entry & ENTRY_LARGE))
            continue;
        *page_bytes = PAGE << (9 * level);
        *gpa = address + at % *page_bytes;
        *rights = (entry & ENTRY_WRITE ? TABLES_WRITE : 0) | (entry & ENTRY_NX ? 0 : TABLES_EXECUTE) |
                  (entry & ENTRY_USER ? 0 : TABLES_SUPERVISOR);
        return true;
    }
    return false;
}
