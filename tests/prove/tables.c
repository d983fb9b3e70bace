/* The guest's page tables (vmm/machine/tables.c).
 *
 * Proven for the first mapping of a page of 4 KiB: any address below 2^47, any guest-physical
 * address below 2^45, and any rights that are not writable and executable at once.  KIND says what:
 *
 *   0  it leads where it was told to, with those rights and no more; a pool of four pages is enough
 *   1  no other address leads anywhere
 *   2  in a smaller pool the answer is false, and all of the pool is used
 *
 * In each, no assertion of tables.c fails, and no word outside the pool is read or written.  The
 * pool is made of bytes, as cbmc then takes a word of it for eight elements of an array, and z3
 * finds the answer.
 *
 * Not proven: pages of 2 MiB, and a second mapping.  z3 found no answer within 20 minutes. */
#include "tests/prove/prove.h"

#ifndef KIND
#define KIND 0
#endif

#define POOL_PAGES (KIND == 2 ? 3 : 4)
#define POOL_GPA   0x100000ull
#define TOP_GVA    (1ull << 47)
#define TOP_GPA    (1ull << 45)

static uint8_t pool[POOL_PAGES * PAGE];

struct mapping {
    gva_t at;
    uint64_t gpa;
    unsigned rights;
};

static struct mapping any_mapping(void)
{
    struct mapping m = {any_u64(), any_u64(), any_unsigned()};
    ASSUME(m.at < TOP_GVA && m.at % PAGE == 0);
    ASSUME(m.gpa < TOP_GPA && m.gpa % PAGE == 0);
    ASSUME(m.rights <= (TABLES_WRITE | TABLES_EXECUTE | TABLES_SUPERVISOR));
    ASSUME((m.rights & (TABLES_WRITE | TABLES_EXECUTE)) != (TABLES_WRITE | TABLES_EXECUTE));
    return m;
}

static void leads(const struct tables *t, const struct mapping *m)
{
    uint64_t gpa = 0, page = 0, off = any_u64();
    unsigned rights = 0;
    ASSUME(off < PAGE);
    HOLDS(tables_look(t, m->at + off, &gpa, &rights, &page), "it is mapped");
    HOLDS(gpa == m->gpa + off, "it leads where it was told to");
    HOLDS(rights == m->rights, "it has those rights and no more");
    HOLDS(page == PAGE, "the page has its size");
}

static void nothing_else(const struct tables *t, const struct mapping *m)
{
    uint64_t gpa, page, at = any_u64();
    unsigned rights;
    ASSUME(at < TOP_GVA && at / PAGE != m->at / PAGE);
    HOLDS(!tables_look(t, at, &gpa, &rights, &page), "nothing is mapped there");
}

int main(void)
{
    struct tables t;
    struct mapping m = any_mapping();
    uint64_t pages = KIND == 2 ? any_u64() : POOL_PAGES;
    ASSUME(pages >= 1 && pages <= POOL_PAGES);
    struct span all = {pool, POOL_GPA, pages * PAGE};
    HOLDS(tables_new(&t, all), "a page is enough for a root");
    bool there = tables_map(&t, m.at, m.gpa, PAGE, m.rights);
    HOLDS(there == (KIND != 2), "the answer says whether the pool was large enough");
    HOLDS(t.used == pages * PAGE, "all of it is used");
    if (KIND == 0)
        leads(&t, &m);
    if (KIND == 1)
        nothing_else(&t, &m);
    return 0;
}
