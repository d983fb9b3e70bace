/* The guest's page tables: four levels, 2 MiB entries where they fit, 4 KiB entries elsewhere.
 *
 * Pages of the pool are used once.  A table of 4 KiB entries that a 2 MiB entry replaced is never
 * written again: software KVM may still shadow it, and would not see the new words
 * (docs/rationale.md).
 *
 * Tables that are renewed tell what was written: what the guest can write has 4 KiB entries then,
 * whose dirty bits begin clear.  Nobody clears one again, as a CPU that knows of it would not set
 * it anew. */
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

/* Pages of the pool are fresh from the kernel, hence zero.  A page that is read before it is
 * written would be faulted in twice, and the second time every virtual machine of the process is
 * told. */
static uint64_t page_take(struct tables *t)
{
    if (t->pool.bytes - t->used < PAGE)
        return 0;
    __atomic_store_n((uint64_t *)(t->pool.host + t->used), 0, __ATOMIC_RELAXED);
    t->used += PAGE;
    return t->pool.gpa + t->used - PAGE;
}

bool tables_new(struct tables *t, struct span pool)
{
    *t = (struct tables){.pool = pool, .root = pool.gpa};
    return pool.gpa != 0 && page_take(t) == pool.gpa;
}

/* The entry of `at` in the table of `level` (0: 4 KiB entries, 1: 2 MiB); NULL: pool used up.
 * Rights are the leaves'. */
static uint64_t *entry_for(struct tables *t, gva_t at, unsigned level)
{
    uint64_t *table = table_at(t, t->root);
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

/* Accessed and dirty are set from the start: the CPU need not write them, but where somebody wants
 * to know. */
static uint64_t leaf(uint64_t gpa, unsigned rights)
{
    return gpa | ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_DIRTY |
           (rights & TABLES_WRITE ? ENTRY_WRITE : 0) | (rights & TABLES_EXECUTE ? 0 : ENTRY_NX) |
           (rights & TABLES_SUPERVISOR ? 0 : ENTRY_USER);
}

/* Only absent to present; 2 MiB in the place of a table only where the table's first entry agrees
 * with it. */
static void entry_add(const struct tables *t, uint64_t *entry, uint64_t value)
{
    uint64_t old = *entry;
    if ((old | ENTRY_DIRTY) == (value | ENTRY_DIRTY))
        return;
    if (old) {
        assert((value & ENTRY_LARGE) && !(old & ENTRY_LARGE));
        assert(*table_at(t, old & ENTRY_ADDRESS) == (value & ~ENTRY_LARGE));
    }
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool maps_as_large(const struct tables *t, gva_t at, uint64_t gpa, uint64_t bytes,
                          unsigned rights)
{
    bool told = t->tell && (rights & TABLES_WRITE) && !(rights & TABLES_COARSE);
    return !told && bytes >= FRAME && at % FRAME == 0 && gpa % FRAME == 0;
}

bool tables_map(struct tables *t, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights)
{
    assert(at % PAGE == 0 && gpa % PAGE == 0 && bytes % PAGE == 0);
    assert((rights & (TABLES_WRITE | TABLES_EXECUTE)) != (TABLES_WRITE | TABLES_EXECUTE));
    uint64_t clear = t->tell && (rights & TABLES_WRITE) ? ENTRY_DIRTY : 0;
    while (bytes) {
        bool large = maps_as_large(t, at, gpa, bytes, rights);
        uint64_t step = large ? FRAME : PAGE;
        uint64_t *entry = entry_for(t, at, large);
        if (!entry)
            return false;
        entry_add(t, entry, (leaf(gpa, rights) & ~clear) | (large ? ENTRY_LARGE : 0));
        at += step;
        gpa += step;
        bytes -= step;
    }
    return true;
}

bool tables_look(const struct tables *t, gva_t at, uint64_t *gpa, unsigned *rights,
                 uint64_t *page_bytes)
{
    uint64_t address = t->root;
    for (int level = 3; level >= 0; level--) {
        uint64_t entry = table_at(t, address)[index_at(at, level)];
        if (!(entry & ENTRY_PRESENT))
            return false;
        address = entry & ENTRY_ADDRESS;
        if (level > 0 && !(entry & ENTRY_LARGE))
            continue;
        *page_bytes = PAGE << (9 * level);
        *gpa = address + at % *page_bytes;
        *rights = (entry & ENTRY_WRITE ? TABLES_WRITE : 0) |
                  (entry & ENTRY_NX ? 0 : TABLES_EXECUTE) |
                  (entry & ENTRY_USER ? 0 : TABLES_SUPERVISOR);
        return true;
    }
    return false;
}

/* ---- what was written ---- */

/* The entries of 512 pages from a 2 MiB entry that can be written. */
static bool leaf_split(struct tables *t, uint64_t *to, uint64_t large)
{
    uint64_t page = page_take(t);
    if (!page)
        return false;
    uint64_t *table = table_at(t, page);
    for (unsigned i = 0; i < 512; i++)
        table[i] = (large & ~(ENTRY_LARGE | ENTRY_DIRTY)) + i * PAGE;
    *to = page | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_ACCESSED;
    return true;
}

static bool table_renew(struct tables *t, uint64_t *to, const uint64_t *from, unsigned level);

static bool entry_renew(struct tables *t, uint64_t *to, uint64_t entry, unsigned level)
{
    bool is_leaf = level == 0 || (entry & ENTRY_LARGE);
    if (is_leaf && !(entry & ENTRY_WRITE)) {
        *to = entry;
        return true;
    }
    if (is_leaf && level > 0)
        return leaf_split(t, to, entry);
    if (is_leaf) {
        *to = entry & ~ENTRY_DIRTY;
        return true;
    }
    uint64_t page = page_take(t);
    if (!page)
        return false;
    *to = page | (entry & ~ENTRY_ADDRESS);
    return table_renew(t, table_at(t, page), table_at(t, entry & ENTRY_ADDRESS), level - 1);
}

static bool table_renew(struct tables *t, uint64_t *to, const uint64_t *from, unsigned level)
{
    for (unsigned i = 0; i < 512; i++)
        if ((from[i] & ENTRY_PRESENT) && !entry_renew(t, &to[i], from[i], level))
            return false;
    return true;
}

bool tables_renew(struct tables *t)
{
    uint64_t root = page_take(t);
    if (!root || !table_renew(t, table_at(t, root), table_at(t, t->root), 3))
        return false;
    t->root = root;
    t->tell = true;
    return true;
}

/* The entry that maps the address, and what it maps; NULL: none does. */
static uint64_t *leaf_at(const struct tables *t, gva_t at, uint64_t *bytes)
{
    uint64_t *table = table_at(t, t->root);
    for (unsigned level = 3;; level--) {
        uint64_t *entry = &table[index_at(at, level)];
        *bytes = PAGE << (9 * level);
        if (!(*entry & ENTRY_PRESENT))
            return NULL;
        if (level == 0 || (*entry & ENTRY_LARGE))
            return entry;
        table = table_at(t, *entry & ENTRY_ADDRESS);
    }
}

void tables_mark(const struct tables *t, gva_t at, uint64_t n)
{
    uint64_t bytes;
    for (gva_t page = at / PAGE * PAGE; page < at + n; page = page / bytes * bytes + bytes) {
        uint64_t *entry = leaf_at(t, page, &bytes);
        if (entry && !(__atomic_load_n(entry, __ATOMIC_RELAXED) & ENTRY_DIRTY))
            __atomic_fetch_or(entry, ENTRY_DIRTY, __ATOMIC_RELAXED);
    }
}

gva_t tables_written(const struct tables *t, gva_t at, gva_t end)
{
    while (at < end) {
        uint64_t bytes;
        const uint64_t *entry = leaf_at(t, at, &bytes);
        if (!entry || bytes != PAGE) {
            at = at / bytes * bytes + bytes;
            continue;
        }
        for (unsigned i = index_at(at, 0); i < 512 && at < end; i++, at += PAGE)
            if (*entry++ & ENTRY_DIRTY)
                return at;
    }
    return end;
}

void tables_unmap(struct tables *t, gva_t at, uint64_t n)
{
    uint64_t bytes;
    for (gva_t page = at; page < at + n; page = page / bytes * bytes + bytes) {
        uint64_t *entry = leaf_at(t, page, &bytes);
        if (entry)
            __atomic_store_n(entry, 0, __ATOMIC_RELEASE);
    }
}
