/* The guest's calls for memory: N - 1, N and N + 1 of each limit, what is mapped afterwards, and
 * that a refusal changes nothing.  Page tables are the real ones; address space and slots (ram.c)
 * are the test's, which can be used up. */
#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KPAGE       0x10000ull
#define MAIN_GPA    0x100000000ull
#define LINEAR_AT   (64 * MIB) /* of the main range */
#define LIMIT       (64 * MIB)
#define POOL_PAGES  200
#define HEAP_FIRST  (32 * MIB)
#define CODE_FIRST  (16 * MIB)

static struct settings set;
static struct config config = { .set = &set };
static struct vm vm;

/* ---- doubles: ram.c and vm.c ---- */

static uint64_t slots_most, space_most; /* bytes that can be had of each range; of address space */

bool ram_reach(struct kvm *kvm, struct range *range, uint64_t bytes)
{
    (void)kvm;
    if (bytes > range->all.bytes || bytes > slots_most)
        return false;
    if (range->slotted < bytes)
        range->slotted = bytes;
    return true;
}

static uint64_t gathered;
void ram_gather(struct ram *ram, uint64_t bytes) { (void)ram, gathered = bytes; }

bool ram_reserve(struct range *range, uint64_t gpa, uint64_t bytes)
{
    if (range->all.host)
        return true;
    if (bytes > space_most)
        return false;
    range->all = (struct span){ (uint8_t *)(uintptr_t)gpa, gpa, bytes };
    return true;
}

uint64_t vm_fixed_bytes(const struct vm *v)
{
    return round_up(v->config->set->stack_bytes, FRAME) + v->module_bytes;
}

uint64_t vm_total_most(const struct vm *v)
{
    return v->config->set->total_bytes;
}

static gva_t bounds[2]; /* what the guest is told of its stack */

void boot_stack_bounds(struct vm *v, gva_t lo, gva_t hi)
{
    assert_ptr_equal(v, &vm);
    bounds[0] = lo, bounds[1] = hi;
}

static struct span piece(uint64_t gpa, uint64_t bytes)
{
    return (struct span){ (uint8_t *)(uintptr_t)gpa, gpa, bytes };
}

static int setup(void **state)
{
    (void)state;
    set = (struct settings){ .memory_bytes = LIMIT,
                             .stack_bytes = 64 * 1024,
                             .total_bytes = UINT64_C(8) << 30 };
    vm = (struct vm){ .config = &config, .module_bytes = 1234 };
    slots_most = space_most = UINT64_MAX;
    vm.ram.main.all = piece(MAIN_GPA, LINEAR_AT + MAP_LINEAR_MAX);
    vm.ram.heap = piece(MAIN_GPA, HEAP_FIRST);
    vm.ram.code = piece(MAIN_GPA + HEAP_FIRST, CODE_FIRST);
    vm.ram.linear = piece(MAIN_GPA + LINEAR_AT, MAP_LINEAR_MAX);
    return tables_new(&vm.tables,
                      (struct span){ calloc(POOL_PAGES, PAGE), 0x7000000, POOL_PAGES * PAGE })
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(vm.tables.pool.host);
    return 0;
}

/* ---- what is mapped ---- */

static uint64_t mapped(gva_t at, unsigned want)
{
    uint64_t gpa, page;
    unsigned rights;
    if (!tables_look(&vm.tables, at, &gpa, &rights, &page))
        return 0;
    assert_int_equal(rights, want);
    return gpa;
}

/* [at, at + bytes) is guest-physical from gpa on, and the page behind it is not there. */
static void expect_range(gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights)
{
    for (uint64_t k = 0; k < bytes; k += KPAGE)
        if (mapped(at + k, rights) != gpa + k)
            fail_msg("%llx + %llx is %llx", (unsigned long long)at, (unsigned long long)k,
                     (unsigned long long)mapped(at + k, rights));
    if (bytes)
        assert_int_equal(mapped(at + bytes - 1, rights), gpa + bytes - 1);
    assert_int_equal(mapped(at + bytes, rights), 0);
}

/* All that a call changes where it is refused: nothing, but for address space. */
static void refused(enum grow want, enum grow got, const struct vm *before)
{
    assert_int_equal(got, want);
    assert_memory_equal(&vm.mem, &before->mem, sizeof vm.mem);
    assert_memory_equal(vm.more.memories, before->more.memories, sizeof vm.more.memories);
    assert_true(vm.more.bytes == before->more.bytes && vm.more.taken == before->more.taken);
    assert_true(vm.heap_bytes == before->heap_bytes && vm.code_bytes == before->code_bytes);
}
#define REFUSED(want, call) do { struct vm before_ = vm; refused(want, call, &before_); } while (0)

static uint64_t linear_bytes(void)
{
    return vm.mem.regions[REGION_LINEAR].bytes;
}

/* ---- linear memory ---- */

static void linear_memory_grows_page_by_page(void **state)
{
    (void)state;
    for (uint64_t bytes = 0; bytes < 5 * MIB; bytes += KPAGE) {
        assert_int_equal(grow_linear(&vm, bytes, bytes + KPAGE), GROW_DONE);
        assert_int_equal(linear_bytes(), bytes + KPAGE);
        assert_int_equal(gathered, bytes + KPAGE);
        expect_range(MAP_LINEAR, MAIN_GPA + LINEAR_AT, bytes + KPAGE, TABLES_WRITE);
    }
    assert_int_equal(vm.ram.main.slotted, LINEAR_AT + 5 * MIB);
    assert_int_equal(grow_linear(&vm, 5 * MIB, 5 * MIB), GROW_DONE);
}

static void linear_memory_ends_at_its_limit(void **state)
{
    (void)state;
    REFUSED(GROW_REFUSED, grow_linear(&vm, 0, LIMIT + KPAGE));
    assert_int_equal(grow_linear(&vm, 0, LIMIT - KPAGE), GROW_DONE);
    REFUSED(GROW_REFUSED, grow_linear(&vm, LIMIT - KPAGE, LIMIT + KPAGE));
    assert_int_equal(grow_linear(&vm, LIMIT - KPAGE, LIMIT), GROW_DONE);
    REFUSED(GROW_REFUSED, grow_linear(&vm, LIMIT, LIMIT + KPAGE));
    set.memory_bytes = MAP_LINEAR_MAX;
    assert_int_equal(grow_linear(&vm, LIMIT, MAP_LINEAR_MAX), GROW_DONE);
    expect_range(MAP_LINEAR, MAIN_GPA + LINEAR_AT, MAP_LINEAR_MAX, TABLES_WRITE);
}

static void what_no_honest_guest_asks_for(void **state)
{
    (void)state;
    set.memory_bytes = UINT64_MAX;
    assert_int_equal(grow_linear(&vm, 0, 2 * KPAGE), GROW_DONE);
    static const struct { uint64_t from, to;
    } wishes[] = {
        { KPAGE, 3 * KPAGE },
        { 3 * KPAGE, 4 * KPAGE },
        { 0, 3 * KPAGE },
        { 2 * KPAGE, KPAGE },
        { 2 * KPAGE, 0 },
        { 2 * KPAGE, 3 * KPAGE - 1 },
        { 2 * KPAGE, 3 * KPAGE + 1 },
        { 2 * KPAGE, 2 * KPAGE + PAGE },
        { 2 * KPAGE, MAP_LINEAR_MAX + KPAGE },
        { 2 * KPAGE, -KPAGE },
        { UINT64_MAX, 3 * KPAGE },
    };
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        REFUSED(GROW_HOSTILE, grow_linear(&vm, wishes[i].from, wishes[i].to));
    assert_int_equal(grow_more(&vm, 3, 0, 2 * KPAGE), GROW_DONE);
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        REFUSED(GROW_HOSTILE, grow_more(&vm, 3, wishes[i].from, wishes[i].to));
    REFUSED(GROW_HOSTILE, grow_more(&vm, MAP_MORE_SLOTS, 0, KPAGE));
    REFUSED(GROW_HOSTILE, grow_more(&vm, UINT64_MAX, 0, KPAGE));
    expect_range(MAP_LINEAR, MAIN_GPA + LINEAR_AT, 2 * KPAGE, TABLES_WRITE);
}

/* ---- further memories ---- */

static gva_t slot_at(uint64_t number)
{
    return MAP_MORE + number * MAP_MORE_SLOT;
}

static void further_memories_each_in_a_slot(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 0, 1, 17, MAP_MORE_SLOTS - 2, MAP_MORE_SLOTS - 1 };
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(grow_more(&vm, numbers[i], 0, 2 * KPAGE), GROW_DONE);
        expect_range(slot_at(numbers[i]), RAM_LINEAR_MORE_GPA + i * 2 * KPAGE, 2 * KPAGE,
                     TABLES_WRITE);
    }
    assert_int_equal(vm.more.bytes, 10 * KPAGE);
    assert_int_equal(grow_more(&vm, 0, 2 * KPAGE, 2 * KPAGE), GROW_DONE); /* by nothing */
    assert_int_equal(grow_more(&vm, 0, 2 * KPAGE, 3 * KPAGE), GROW_DONE);
    assert_int_equal(mapped(slot_at(0) + 2 * KPAGE, TABLES_WRITE),
                     RAM_LINEAR_MORE_GPA + 10 * KPAGE);
    assert_int_equal(mapped(slot_at(0) + 2 * KPAGE - 1, TABLES_WRITE),
                     RAM_LINEAR_MORE_GPA + 2 * KPAGE - 1);
    assert_int_equal(mapped(slot_at(0) + 3 * KPAGE, TABLES_WRITE), 0);
    assert_int_equal(vm.more.memories[0], 3 * KPAGE);
    set.memory_bytes = 2 * MAP_LINEAR_MAX;
    assert_int_equal(grow_more(&vm, 2, 0, MAP_LINEAR_MAX), GROW_DONE);
    expect_range(slot_at(2), RAM_LINEAR_MORE_GPA + FRAME, MAP_LINEAR_MAX, TABLES_WRITE);
}

/* Growth by 2 MiB or more begins at a 2 MiB page; less does not. */
static void large_growth_begins_at_a_large_page(void **state)
{
    (void)state;
    assert_int_equal(grow_more(&vm, 0, 0, KPAGE), GROW_DONE);
    assert_int_equal(grow_more(&vm, 1, 0, FRAME - KPAGE), GROW_DONE);
    expect_range(slot_at(1), RAM_LINEAR_MORE_GPA + KPAGE, FRAME - KPAGE, TABLES_WRITE);
    assert_int_equal(grow_more(&vm, 2, 0, KPAGE), GROW_DONE);
    assert_int_equal(vm.more.taken, FRAME + KPAGE);
    assert_int_equal(grow_more(&vm, 3, 0, FRAME), GROW_DONE);
    expect_range(slot_at(3), RAM_LINEAR_MORE_GPA + 2 * FRAME, FRAME, TABLES_WRITE);
    assert_int_equal(vm.more.taken, 3 * FRAME);
    uint64_t gpa, page;
    unsigned rights;
    assert_true(tables_look(&vm.tables, slot_at(3), &gpa, &rights, &page));
    assert_int_equal(page, FRAME);
}

static void all_memories_count_together(void **state)
{
    (void)state;
    assert_int_equal(grow_linear(&vm, 0, LIMIT - 3 * KPAGE), GROW_DONE);
    REFUSED(GROW_REFUSED, grow_more(&vm, 0, 0, 4 * KPAGE));
    assert_int_equal(grow_more(&vm, 0, 0, KPAGE), GROW_DONE);
    REFUSED(GROW_REFUSED, grow_more(&vm, 1, 0, 3 * KPAGE));
    REFUSED(GROW_REFUSED, grow_linear(&vm, LIMIT - 3 * KPAGE, LIMIT));
    assert_int_equal(grow_linear(&vm, LIMIT - 3 * KPAGE, LIMIT - 2 * KPAGE), GROW_DONE);
    assert_int_equal(grow_more(&vm, MAP_MORE_SLOTS - 1, 0, KPAGE), GROW_DONE);
    REFUSED(GROW_REFUSED, grow_more(&vm, 0, KPAGE, 2 * KPAGE));
    REFUSED(GROW_REFUSED, grow_linear(&vm, LIMIT - 2 * KPAGE, LIMIT - KPAGE));
}

/* ---- heap and code ---- */

struct part {
    const char *name;
    enum grow (*grow)(struct vm *, uint64_t);
    uint64_t first, first_gpa, more_gpa, most, *bytes;
    struct { gva_t at; unsigned rights; } maps[2];
};
static const struct part parts[] = {
    { "heap",
      grow_heap,
      HEAP_FIRST,
      MAIN_GPA,
      RAM_HEAP_MORE_GPA,
      MAP_HEAP_MAX,
      &vm.heap_bytes,
      { { MAP_HEAP, TABLES_WRITE }, { MAP_HEAP, TABLES_WRITE } } },
    { "code",
      grow_code,
      CODE_FIRST,
      MAIN_GPA + HEAP_FIRST,
      RAM_CODE_MORE_GPA,
      MAP_CODE_MAX,
      &vm.code_bytes,
      { { MAP_CODE_W, TABLES_WRITE }, { MAP_CODE_X, TABLES_EXECUTE } } },
};

static void expect_part(const struct part *p, uint64_t bytes)
{
    uint64_t first = bytes < p->first ? bytes : p->first;
    assert_int_equal(*p->bytes, bytes);
    for (int m = 0; m < 2; m++) {
        gva_t at = p->maps[m].at;
        unsigned rights = p->maps[m].rights;
        assert_int_equal(mapped(at, rights), bytes ? p->first_gpa : 0);
        assert_int_equal(mapped(at + first - 1, rights), p->first_gpa + first - 1);
        if (bytes > first) {
            assert_int_equal(mapped(at + first, rights), p->more_gpa);
            assert_int_equal(mapped(at + bytes - 1, rights), p->more_gpa + bytes - first - 1);
        }
        if (bytes < p->most)
            assert_int_equal(mapped(at + bytes, rights), 0);
    }
}

/* Sizes are those of the whole; a lesser one changes nothing. */
static void heap_and_code_grow_over_their_first_piece(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        const struct part *p = &parts[i];
        const struct { uint64_t asked, have;
        } steps[] = {
            { 1, FRAME },
            { FRAME, FRAME },
            { FRAME + 1, 2 * FRAME },
            { 5, 2 * FRAME },
            { p->first - 1, p->first },
            { p->first, p->first },
            { p->first + 1, p->first + FRAME },
            { p->first + FRAME, p->first + FRAME },
            { p->first + 5 * FRAME - 1, p->first + 5 * FRAME },
            { p->most, p->most },
        };
        teardown(state), setup(state);
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            assert_int_equal(p->grow(&vm, steps[k].asked), GROW_DONE);
            expect_part(p, steps[k].have);
        }
        REFUSED(GROW_REFUSED, p->grow(&vm, p->most + 1));
        REFUSED(GROW_REFUSED, p->grow(&vm, UINT64_MAX));
    }
    teardown(state), setup(state);
    assert_int_equal(grow_heap(&vm, 7), GROW_DONE);
    assert_int_equal(vm.mem.regions[REGION_HEAP].bytes, FRAME);
    assert_int_equal(grow_heap(&vm, HEAP_FIRST + 7), GROW_DONE);
    const struct region *more = &vm.mem.regions[REGION_HEAP_MORE];
    assert_int_equal(vm.mem.regions[REGION_HEAP].bytes, HEAP_FIRST);
    assert_true(more->at == MAP_HEAP + HEAP_FIRST && more->bytes == FRAME && more->writable &&
                more->host == (uint8_t *)(uintptr_t)RAM_HEAP_MORE_GPA);
}

/* ---- the stack, of which only the top is there at first ---- */

static void the_stack_is_had_once_and_whole(void **state)
{
    (void)state;
    const uint64_t rest = 6 * FRAME - STACK_TOP_BYTES;
    const gva_t hi = MAP_STACK + MAP_STACK_MAX - STACK_TOP_BYTES;
    vm.ram.stack_bytes = 6 * FRAME;
    vm.ram.stack_more.all = piece(RAM_STACK_MORE_GPA, rest);
    slots_most = rest - 1;
    REFUSED(GROW_REFUSED, grow_stack(&vm));
    assert_false(vm.ram.stack_whole);
    assert_int_equal(mapped(hi - 1, 0), 0);
    slots_most = rest;
    assert_int_equal(grow_stack(&vm), GROW_DONE);
    expect_range(hi - rest, RAM_STACK_MORE_GPA, rest, TABLES_WRITE);
    assert_int_equal(mapped(hi - rest - 1, 0), 0); /* the guard */
    assert_true(bounds[0] == hi && bounds[1] == hi);
    /* one slot for all of it */
    assert_int_equal(vm.ram.stack_more.next_slot_bytes, vm.ram.stack_bytes);
    REFUSED(GROW_HOSTILE, grow_stack(&vm));
}

/* Where tables tell what is written, page by page, the stack still has entries of 2 MiB: of 8 GiB
 * the small ones would take 16 MiB. */
static void a_stack_is_coarse_where_tables_tell(void **state)
{
    (void)state;
    uint64_t gpa, page;
    unsigned rights;
    vm.ram.stack_bytes = 6 * FRAME;
    vm.ram.stack_more.all = piece(RAM_STACK_MORE_GPA, 6 * FRAME - STACK_TOP_BYTES);
    vm.tables.tell = true;
    const gva_t hi = MAP_STACK + MAP_STACK_MAX - STACK_TOP_BYTES;
    assert_int_equal(grow_stack(&vm), GROW_DONE);
    assert_true(tables_look(&vm.tables, hi - FRAME, &gpa, &rights, &page));
    assert_int_equal(page, FRAME);
    assert_int_equal(grow_linear(&vm, 0, 4 * FRAME), GROW_DONE);
    assert_true(tables_look(&vm.tables, MAP_LINEAR, &gpa, &rights, &page));
    assert_int_equal(page, PAGE);
}

/* ---- all of it together: --total-memory ---- */

static enum grow linear_by(uint64_t bytes)
{
    return grow_linear(&vm, linear_bytes(), linear_bytes() + bytes);
}

static enum grow more_by(uint64_t bytes)
{
    return grow_more(&vm, 5, vm.more.memories[5], vm.more.memories[5] + bytes);
}

static enum grow heap_by(uint64_t bytes)
{
    return grow_heap(&vm, vm.heap_bytes + bytes);
}

static enum grow code_by(uint64_t bytes)
{
    return grow_code(&vm, vm.code_bytes + bytes);
}

static void everything_counts_to_the_total(void **state)
{
    static enum grow (*const kinds[])(uint64_t) = { linear_by, more_by, heap_by, code_by };
    for (size_t k = 0; k < 4; k++) {
        teardown(state), setup(state);
        /* the stack, the module, and four kinds of a frame and one more */
        set.total_bytes = FRAME + 1234 + 5 * FRAME;
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(kinds[i](FRAME), GROW_DONE);
        REFUSED(GROW_REFUSED, kinds[k](2 * FRAME));
        set.total_bytes--;
        REFUSED(GROW_REFUSED, kinds[k](FRAME));
        assert_int_equal(grow_total_met(&vm), set.total_bytes);
        set.total_bytes++;
        assert_int_equal(kinds[k](FRAME), GROW_DONE);
        assert_int_equal(grow_total_met(&vm), 0);
        for (size_t i = 0; i < 4; i++)
            REFUSED(GROW_REFUSED, kinds[i](FRAME));
        set.total_bytes = 0; /* what is there already is there */
        assert_int_equal(heap_by(0), GROW_DONE);
        assert_int_equal(code_by(0), GROW_DONE);
    }
}

/* ---- what the host does not give ---- */

static void a_host_without_memory(void **state)
{
    static enum grow (*const kinds[])(uint64_t) = { linear_by, more_by, heap_by, code_by };
    for (size_t k = 0; k < 4; k++) {
        teardown(state), setup(state);
        slots_most = LINEAR_AT + FRAME;
        assert_int_equal(kinds[k](FRAME), GROW_DONE);
        slots_most = 0;
        space_most = 0;
        if (k < 2)
            REFUSED(GROW_REFUSED, kinds[k](FRAME));
        else
            REFUSED(GROW_REFUSED, kinds[k](40 * MIB)); /* beyond the first piece */
        space_most = UINT64_MAX;
        if (k >= 2)
            REFUSED(GROW_REFUSED, kinds[k](40 * MIB));
        slots_most = UINT64_MAX;
        assert_int_equal(kinds[k](k < 2 ? FRAME : 40 * MIB), GROW_DONE);
    }
}

/* Page tables cannot be had: further memories are broken from then on, as part of the growth may be
 * mapped. */
static void no_page_for_tables(void **state)
{
    (void)state;
    assert_int_equal(more_by(KPAGE), GROW_DONE);
    uint64_t bytes = vm.tables.pool.bytes;
    vm.tables.pool.bytes = vm.tables.used;
    REFUSED(GROW_REFUSED, grow_more(&vm, 7, 0, KPAGE));
    REFUSED(GROW_REFUSED, grow_linear(&vm, 0, KPAGE));
    REFUSED(GROW_REFUSED, grow_heap(&vm, 1));
    REFUSED(GROW_REFUSED, grow_code(&vm, 1));
    vm.tables.pool.bytes = bytes;
    REFUSED(GROW_REFUSED, more_by(KPAGE));
    assert_int_equal(grow_linear(&vm, 0, KPAGE), GROW_DONE);
    assert_int_equal(grow_heap(&vm, 1), GROW_DONE);
    assert_int_equal(grow_code(&vm, 1), GROW_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(linear_memory_grows_page_by_page), TEST(linear_memory_ends_at_its_limit),
        TEST(what_no_honest_guest_asks_for), TEST(further_memories_each_in_a_slot),
        TEST(large_growth_begins_at_a_large_page), TEST(all_memories_count_together),
        TEST(heap_and_code_grow_over_their_first_piece), TEST(the_stack_is_had_once_and_whole),
        TEST(a_stack_is_coarse_where_tables_tell),
        TEST(everything_counts_to_the_total),
        TEST(a_host_without_memory), TEST(no_page_for_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
