/* The guest's page tables: what is mapped is found with its address, size and rights, and nothing
 * beside it is; 2 MiB entries where they fit; growth over a piece's last page; a pool that is used
 * up. */
#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POOL_GPA   0x7000000ull
#define POOL_PAGES 64

static struct tables tables;

static bool pool_of(unsigned pages)
{
    return tables_new(&tables, (struct span){ calloc(pages, PAGE), POOL_GPA, pages * PAGE });
}

static int setup(void **state)
{
    (void)state;
    return pool_of(POOL_PAGES) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(tables.pool.host);
    return 0;
}

/* The address is mapped so; gpa 0: it is not mapped. */
static void expect(gva_t at, uint64_t want, uint64_t page, unsigned rights)
{
    uint64_t gpa = 0, bytes = 0;
    unsigned got = 0;
    bool there = tables_look(&tables, at, &gpa, &got, &bytes);
    if (there != (want != 0) || (there && (gpa != want || bytes != page || got != rights)))
        fail_msg("%llx: %d, %llx of a page of %llx, rights %u; wanted %llx, %llx, %u",
                 (unsigned long long)at, there, (unsigned long long)gpa, (unsigned long long)bytes,
                 got, (unsigned long long)want, (unsigned long long)page, rights);
}

static void a_page_and_nothing_beside_it(void **state)
{
    (void)state;
    static const gva_t places[] = { 0,
                                    PAGE,
                                    509 * PAGE,
                                    FRAME - PAGE,
                                    FRAME,
                                    MAP_STACK - PAGE,
                                    MAP_CONTROL,
                                    MAP_CPL0,
                                    MAP_MORE + 998 * MAP_MORE_SLOT,
                                    0x7ffffffff000 };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_true(tables_map(&tables, places[i], 0x5000 + i * PAGE, PAGE, TABLES_WRITE));
        for (size_t k = 0; k <= i; k++) {
            expect(places[k], 0x5000 + k * PAGE, PAGE, TABLES_WRITE);
            expect(places[k] + PAGE - 1, 0x5000 + k * PAGE + PAGE - 1, PAGE, TABLES_WRITE);
        }
    }
    expect(2 * PAGE, 0, 0, 0);
    expect(510 * PAGE, 0, 0, 0);
    expect(MAP_CONTROL - 1, 0, 0, 0);
    expect(MAP_CONTROL + PAGE, 0, 0, 0);
    expect(MAP_MORE + 997 * MAP_MORE_SLOT, 0, 0, 0);
    expect(MAP_STACK, 0, 0, 0);
}

static void rights_are_as_told(void **state)
{
    (void)state;
    static const unsigned rights[] = { 0,
                                       TABLES_WRITE,
                                       TABLES_EXECUTE,
                                       TABLES_SUPERVISOR,
                                       TABLES_SUPERVISOR | TABLES_WRITE,
                                       TABLES_SUPERVISOR | TABLES_EXECUTE };
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        gva_t at = MAP_MODULE + i * 2 * FRAME;
        assert_true(tables_map(&tables, at, 4 * FRAME, FRAME, rights[i]));
        assert_true(tables_map(&tables, at + FRAME, 5 * FRAME, PAGE, rights[i]));
        expect(at, 4 * FRAME, FRAME, rights[i]);
        expect(at + FRAME - 1, 5 * FRAME - 1, FRAME, rights[i]);
        expect(at + FRAME, 5 * FRAME, PAGE, rights[i]);
    }
}

/* Each bit of an entry, as the CPU reads it (Intel SDM volume 3, 4.5.4). */
static void entries_as_the_cpu_reads_them(void **state)
{
    (void)state;
    enum { PRESENT = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80 };
    assert_true(tables_map(&tables, 0, FRAME, FRAME, TABLES_WRITE));
    assert_true(tables_map(&tables, FRAME, 9 * PAGE, PAGE, TABLES_EXECUTE | TABLES_SUPERVISOR));
    const uint64_t *pool = (const uint64_t *)(const void *)tables.pool.host;
    for (unsigned level = 0; level < 2; level++)
        assert_int_equal(pool[512 * level],
                         (POOL_GPA + (level + 1) * PAGE) | PRESENT | WRITE | USER | ACCESSED);
    assert_int_equal(pool[512 * 2],
                     FRAME | PRESENT | WRITE | USER | ACCESSED | DIRTY | LARGE | 1ull << 63);
    assert_int_equal(pool[512 * 2 + 1], (POOL_GPA + 3 * PAGE) | PRESENT | WRITE | USER | ACCESSED);
    assert_int_equal(pool[512 * 3], 9 * PAGE | PRESENT | ACCESSED | DIRTY);
    assert_int_equal(pool[512 * 3 + 1], 0);
    assert_int_equal(tables.used, 4 * PAGE);
}

static void large_pages_where_all_three_fit(void **state)
{
    (void)state;
    assert_true(tables_map(&tables, FRAME - PAGE, 3 * FRAME - PAGE, 2 * FRAME, TABLES_WRITE));
    expect(FRAME - PAGE, 3 * FRAME - PAGE, PAGE, TABLES_WRITE);
    expect(FRAME, 3 * FRAME, FRAME, TABLES_WRITE);
    expect(2 * FRAME, 4 * FRAME, PAGE, TABLES_WRITE);
    expect(3 * FRAME - 2 * PAGE, 5 * FRAME - 2 * PAGE, PAGE, TABLES_WRITE);
    expect(3 * FRAME - PAGE, 0, 0, 0);
    /* the physical side is not aligned */
    assert_true(tables_map(&tables, MAP_HEAP, PAGE, FRAME, 0));
    expect(MAP_HEAP, PAGE, PAGE, 0);
    expect(MAP_HEAP + FRAME - PAGE, FRAME, PAGE, 0);
    assert_true(tables_map(&tables, MAP_CODE_W, 2 * FRAME, FRAME - PAGE, 0)); /* nearly */
    expect(MAP_CODE_W, 2 * FRAME, PAGE, 0);
    expect(MAP_CODE_W + FRAME - PAGE, 0, 0, 0);
    assert_true(tables_map(&tables, MAP_CODE_X, 2 * FRAME, 3 * FRAME, 0));
    expect(MAP_CODE_X + 3 * FRAME - 1, 5 * FRAME - 1, FRAME, 0);
    expect(MAP_CODE_X + 3 * FRAME, 0, 0, 0);
    assert_true(tables_map(&tables, MAP_IMAGE, FRAME, 0, 0));
    expect(MAP_IMAGE, 0, 0, 0);
}

/* As memory grows: small pages first, then the large one in their place, which says the same. */
static void a_full_piece_becomes_one_entry(void **state)
{
    (void)state;
    for (uint64_t bytes = 0x10000; bytes < FRAME; bytes += 0x10000)
        assert_true(tables_map(&tables, 0, FRAME, bytes, TABLES_WRITE));
    expect(FRAME - 0x10000 - 1, 2 * FRAME - 0x10000 - 1, PAGE, TABLES_WRITE);
    expect(FRAME - 0x10000, 0, 0, 0);
    uint64_t used = tables.used;
    assert_true(tables_map(&tables, 0, FRAME, FRAME + 0x10000, TABLES_WRITE));
    expect(0, FRAME, FRAME, TABLES_WRITE);
    expect(FRAME - 1, 2 * FRAME - 1, FRAME, TABLES_WRITE);
    expect(FRAME + 0xffff, 2 * FRAME + 0xffff, PAGE, TABLES_WRITE);
    assert_int_equal(tables.used, used + PAGE);
    /* the same again is nothing new */
    assert_true(tables_map(&tables, 0, FRAME, FRAME, TABLES_WRITE));
    assert_int_equal(tables.used, used + PAGE);
}

/* Whatever the pool holds, what fits is mapped and what does not is told. */
static void a_pool_ends(void **state)
{
    teardown(state);
    assert_false(pool_of(0));
    free(tables.pool.host);
    for (unsigned pages = 1; pages <= 8; pages++) {
        assert_true(pool_of(pages));
        unsigned done = 0;
        while (tables_map(&tables, done * MAP_MORE_SLOT, (done + 1) * FRAME, FRAME, TABLES_WRITE))
            done++;
        /* a root, one that all share, then one for each */
        assert_int_equal(done, pages < 3 ? 0 : pages - 2);
        assert_int_equal(tables.used, pages * PAGE);
        for (unsigned i = 0; i <= done; i++)
            expect(i * MAP_MORE_SLOT, i < done ? (i + 1) * FRAME : 0, FRAME, TABLES_WRITE);
        free(tables.pool.host);
    }
    assert_true(pool_of(4));
    assert_true(tables_map(&tables, 0, PAGE, PAGE, 0));
    assert_true(tables_map(&tables, PAGE, 2 * PAGE, 511 * PAGE, 0));
    /* its first page is there already */
    assert_false(tables_map(&tables, FRAME - PAGE, FRAME, 2 * PAGE, 0));
    expect(FRAME - PAGE, FRAME, PAGE, 0);
    expect(FRAME, 0, 0, 0);
}

/* Rights and places are the same; what can be written is told page by page, the rest keeps its
 * large entries. */
static void renewed_tables_tell(void **state)
{
    (void)state;
    const gva_t text = 4 * FRAME, end = 3 * FRAME;
    assert_true(tables_map(&tables, 0, FRAME, 2 * FRAME, TABLES_WRITE));
    assert_true(tables_map(&tables, 2 * FRAME, 8 * FRAME, 3 * PAGE, TABLES_WRITE));
    assert_true(tables_map(&tables, text, 16 * FRAME, FRAME, TABLES_EXECUTE));
    uint64_t before = tables.root;
    assert_true(tables_renew(&tables) && tables.root != before);
    expect(PAGE, FRAME + PAGE, PAGE, TABLES_WRITE);
    expect(2 * FRAME - PAGE, 3 * FRAME - PAGE, PAGE, TABLES_WRITE);
    expect(2 * FRAME + 2 * PAGE, 8 * FRAME + 2 * PAGE, PAGE, TABLES_WRITE);
    expect(2 * FRAME + 3 * PAGE, 0, 0, 0);
    expect(text, 16 * FRAME, FRAME, TABLES_EXECUTE);
    assert_int_equal(tables_written(&tables, 0, end), end);
    tables_mark(&tables, PAGE + 4095, 2);
    tables_mark(&tables, FRAME - 1, 1);
    tables_mark(&tables, text, 1);       /* no page that could be told */
    tables_mark(&tables, 3 * FRAME, 10); /* nothing is mapped there */
    const gva_t want[] = { PAGE, 2 * PAGE, FRAME - PAGE, end };
    gva_t at = 0;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++, at += PAGE)
        assert_int_equal(at = tables_written(&tables, at, end), want[i]);
    assert_true(tables_renew(&tables));
    assert_int_equal(tables_written(&tables, 0, end), end);
}

/* What grows behind that is told too, and can be taken away and grow again. */
static void growth_goes_and_comes(void **state)
{
    (void)state;
    assert_true(tables_map(&tables, 0, FRAME, PAGE, TABLES_WRITE) && tables_renew(&tables));
    uint64_t used = 0;
    for (int k = 0; k < 3; k++) {
        assert_true(tables_map(&tables, 0, FRAME, 2 * FRAME, TABLES_WRITE));
        assert_true(tables_map(&tables, MAP_STACK, 8 * FRAME, FRAME, TABLES_WRITE | TABLES_COARSE));
        expect(FRAME + PAGE, 2 * FRAME + PAGE, PAGE, TABLES_WRITE);
        expect(MAP_STACK, 8 * FRAME, FRAME, TABLES_WRITE);
        assert_int_equal(tables_written(&tables, 0, 2 * FRAME), 2 * FRAME);
        tables_mark(&tables, FRAME, 1);
        assert_int_equal(tables_written(&tables, 0, 2 * FRAME), FRAME);
        tables_unmap(&tables, PAGE, 2 * FRAME - PAGE);
        tables_unmap(&tables, MAP_STACK, FRAME);
        expect(0, FRAME, PAGE, TABLES_WRITE);
        expect(PAGE, 0, 0, 0);
        expect(FRAME, 0, 0, 0);
        expect(MAP_STACK, 0, 0, 0);
        assert_true(!used || used == tables.used);
        used = tables.used;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_page_and_nothing_beside_it),
        TEST(rights_are_as_told),
        TEST(entries_as_the_cpu_reads_them),
        TEST(large_pages_where_all_three_fit),
        TEST(a_full_piece_becomes_one_entry),
        TEST(a_pool_ends),
        TEST(renewed_tables_tell),
        TEST(growth_goes_and_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
