/* Page tables, and what a guest finds when it wakes, as the CPU would see it: looked up through the
 * tables. */
#include <sys/mman.h> /* before abi.h, whose MAP_STACK it would redefine */

#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POOL_GPA   0x140000000ull
#define POOL_BYTES (64 * PAGE)

static struct tables fresh(uint64_t bytes)
{
    struct tables t;
    struct span pool = {aligned_alloc(PAGE, bytes), POOL_GPA, bytes};
    memset(pool.host, 0, bytes);
    assert_true(tables_new(&t, pool));
    return t;
}

static void expect(const struct tables *t, gva_t at, uint64_t gpa, unsigned rights,
                   uint64_t page_bytes)
{
    uint64_t found_gpa, found_bytes;
    unsigned found_rights;
    assert_true(tables_look(t, at, &found_gpa, &found_rights, &found_bytes));
    assert_int_equal(found_gpa, gpa);
    assert_int_equal(found_rights, rights);
    assert_int_equal(found_bytes, page_bytes);
}

static void expect_none(const struct tables *t, gva_t at)
{
    uint64_t gpa, bytes;
    unsigned rights;
    assert_false(tables_look(t, at, &gpa, &rights, &bytes));
}

static void empty_tables_map_nothing(void **state)
{
    (void)state;
    struct tables t = fresh(POOL_BYTES);
    static const gva_t some[] = {0, PAGE, MAP_STACK, MAP_CPL0, 1ull << 38, (1ull << 47) - 1};
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++)
        expect_none(&t, some[i]);
    free(t.pool.host);
}

static void large_pages_where_both_sides_are_aligned(void **state)
{
    (void)state;
    struct tables t = fresh(POOL_BYTES);
    assert_true(tables_map(&t, 0, FRAME, 2 * FRAME + 3 * PAGE, TABLES_WRITE));
    expect(&t, 0, FRAME, TABLES_WRITE, FRAME);
    expect(&t, 2 * FRAME - 1, 3 * FRAME - 1, TABLES_WRITE, FRAME);
    expect(&t, 2 * FRAME, 3 * FRAME, TABLES_WRITE, PAGE);
    expect(&t, 2 * FRAME + 3 * PAGE - 1, 3 * FRAME + 3 * PAGE - 1, TABLES_WRITE, PAGE);
    expect_none(&t, 2 * FRAME + 3 * PAGE);
    assert_true(tables_map(&t, MAP_HEAP, PAGE, FRAME, 0));
    expect(&t, MAP_HEAP + FRAME - PAGE, FRAME, 0, PAGE);
    free(t.pool.host);
}

/* Memory grows by steps of any size; the end is exact after each, and full 2 MiB pages become one
 * entry. */
static void growth_is_exact_and_merges(void **state)
{
    (void)state;
    struct tables t = fresh(POOL_BYTES);
    static const uint16_t pages[] = {16, 32, 500, 512, 513, 1000, 1024, 2000, 3072};
    uint64_t old = 0;
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        uint64_t from = old / FRAME * FRAME, to = pages[i] * PAGE;
        assert_true(tables_map(&t, from, POOL_GPA * 2 + from, to - from, TABLES_WRITE));
        for (uint64_t at = 0; at < to; at += PAGE)
            expect(&t, at, POOL_GPA * 2 + at, TABLES_WRITE, at < to / FRAME * FRAME ? FRAME : PAGE);
        expect_none(&t, to);
        old = to;
    }
    free(t.pool.host);
}

static void rights_are_the_leaves(void **state)
{
    (void)state;
    struct tables t = fresh(POOL_BYTES);
    static const unsigned rights[] = { 0,
                                       TABLES_WRITE,
                                       TABLES_EXECUTE,
                                       TABLES_SUPERVISOR,
                                       TABLES_SUPERVISOR | TABLES_WRITE,
                                       TABLES_SUPERVISOR | TABLES_EXECUTE };
    for (unsigned i = 0; i < sizeof rights / sizeof rights[0]; i++)
        assert_true(tables_map(&t, MAP_CONTROL + i * PAGE, i * PAGE, PAGE, rights[i]));
    for (unsigned i = 0; i < sizeof rights / sizeof rights[0]; i++)
        expect(&t, MAP_CONTROL + i * PAGE, i * PAGE, rights[i], PAGE);
    free(t.pool.host);
}

static void a_pool_that_is_used_up_says_so(void **state)
{
    (void)state;
    struct tables t = fresh(4 * PAGE);
    assert_true(tables_map(&t, 0, 0, PAGE, 0)); /* root, and one table of each level */
    assert_true(tables_map(&t, PAGE, PAGE, PAGE, 0));
    assert_false(tables_map(&t, FRAME, FRAME, PAGE, 0));
    assert_false(tables_map(&t, MAP_HEAP, 0, FRAME, 0));
    expect_none(&t, FRAME);
    free(t.pool.host);
}

/* ---- a whole boot, on plain memory ---- */

#define GUEST_GPA 0x100000000ull
#define STACK_TOP (MAP_STACK + MAP_STACK_MAX - STACK_TOP_BYTES)

static char *args[] = {"app.wasm", "a b", ""};
static char *env[] = {"HOME=/", "EMPTY="};
static struct grant grants[] = {{.host = "/tmp", .guest = "/data"}, {.host = ".", .guest = "."}};
static const struct settings settings = { .memory_bytes = 1 << 30,
                                          .stack_bytes = 8 * FRAME,
                                          .validate = true };
static const struct config config = {
    .set = &settings,
    .args = args,
    .argc = 3,
    .env = env,
    .envc = 2,
    .grants = grants,
    .ngrants = 2,
};
static const uint8_t text[] = "text", data[] = "data", entries[] = "entries";
static const struct image image = {
    .entry = MAP_IMAGE + 1,
    .nsegments = 3,
    .segments = { { MAP_IMAGE, text, sizeof text, sizeof text, TABLES_EXECUTE },
                  { MAP_IMAGE + FRAME, data, sizeof data, 2 * PAGE, TABLES_WRITE },
                  { MAP_CPL0, entries, sizeof entries, sizeof entries,
                    TABLES_EXECUTE | TABLES_SUPERVISOR } },
};

/* The image that is built into the monitor: none here. */
const uint8_t guest_image_start[1], guest_image_end[1], guest_image_hash[64];

struct boot { struct vm vm; struct cpu_start start; uint8_t *host; uint64_t bytes; };

static struct span part(struct boot *b, uint64_t bytes)
{
    struct span span = {b->host + b->bytes, GUEST_GPA + b->bytes, bytes};
    b->bytes += round_up(bytes, FRAME);
    return span;
}

static void booted(struct boot *b)
{
    *b = (struct boot){.vm = {.config = &config, .module_bytes = 3 * FRAME / 2}};
    b->host = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(b->host, MAP_FAILED);
    struct ram *ram = &b->vm.ram;
    ram->stack_bytes = settings.stack_bytes;
    ram->stack_more.all = part(b, settings.stack_bytes);
    ram->small = part(b, boot_small_bytes(&config, &image));
    ram->module = part(b, b->vm.module_bytes);
    ram->heap = part(b, 4 * FRAME);
    ram->code = part(b, 4 * FRAME);
    ram->linear = part(b, 4 * FRAME);
    struct failure why;
    assert_true(boot_prepare(&b->vm, &image, &b->start, &why));
}

/* The host's place of a guest-virtual address, by way of the tables. */
static void *through(const struct boot *b, gva_t at, unsigned rights)
{
    uint64_t gpa, bytes;
    unsigned found;
    assert_true(tables_look(&b->vm.tables, at, &gpa, &found, &bytes));
    assert_int_equal(found, rights);
    assert_in_range(gpa, GUEST_GPA, GUEST_GPA + b->bytes - 1);
    return b->host + (gpa - GUEST_GPA);
}

static void boot_leaves(struct boot *b)
{
    munmap(b->host, 256 << 20);
}

static void boot_maps_the_memory_map(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    assert_string_equal(through(&b, MAP_IMAGE, TABLES_EXECUTE), "text");
    assert_string_equal(through(&b, MAP_IMAGE + FRAME, TABLES_WRITE), "data");
    assert_string_equal(through(&b, MAP_CPL0, TABLES_EXECUTE | TABLES_SUPERVISOR), "entries");
    assert_ptr_equal(through(&b, MAP_MODULE, 0), b.vm.ram.module.host);
    assert_ptr_equal(through(&b, MAP_CODE_W + 8, TABLES_WRITE),
                     through(&b, MAP_CODE_X + 8, TABLES_EXECUTE));
    through(&b, MAP_STACK + MAP_STACK_MAX - 1, TABLES_WRITE);
    through(&b, STACK_TOP, TABLES_WRITE);
    expect_none(&b.vm.tables, STACK_TOP - 1);
    through(&b, CSTACK_TOP - 1, TABLES_WRITE);
    through(&b, FSTACK_TOP - 1, TABLES_WRITE);
    through(&b, CPL0_STACK_TOP - 1, TABLES_WRITE | TABLES_SUPERVISOR);
    through(&b, CPL0_DFSTACK_TOP - 1, TABLES_WRITE | TABLES_SUPERVISOR);
    static const gva_t none[] = { MAP_LINEAR,
                                  MAP_STACK + MAP_STACK_MAX,
                                  MAP_MODULE + 2 * FRAME,
                                  MAP_CSTACK,
                                  CSTACK_TOP,
                                  FSTACK_TOP,
                                  CPL0_TABLES + PAGE,
                                  CPL0_STACK_TOP,
                                  CPL0_DFSTACK_TOP,
                                  MAP_IMAGE + FRAME + 2 * PAGE };
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        expect_none(&b.vm.tables, none[i]);
    expect_none(&b.vm.tables, MAP_STACK + MAP_STACK_MAX - settings.stack_bytes - 1);
    boot_leaves(&b);
}

/* Of the whole stack only the top is there until the guest comes below it. */
static void the_rest_of_the_stack_waits(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    const gva_t lowest = MAP_STACK + MAP_STACK_MAX - settings.stack_bytes;
    const uint64_t *bounds = through(&b, CPL0_STACK_BOUNDS, TABLES_SUPERVISOR);
    assert_int_equal(bounds[0], lowest);
    assert_int_equal(bounds[1], STACK_TOP);
    b.vm.ram.stack_more.slotted = settings.stack_bytes; /* no KVM here */
    assert_int_equal(grow_stack(&b.vm), GROW_DONE);
    assert_ptr_equal(through(&b, lowest, TABLES_WRITE), b.vm.ram.stack_more.all.host);
    assert_ptr_equal(through(&b, STACK_TOP - 1, TABLES_WRITE),
                     b.vm.ram.stack_more.all.host + settings.stack_bytes - STACK_TOP_BYTES - 1);
    expect_none(&b.vm.tables, lowest - 1);
    assert_int_equal(bounds[0], bounds[1]);
    assert_int_equal(grow_stack(&b.vm), GROW_HOSTILE);
    boot_leaves(&b);
}

/* Each start touches these: one 2 MiB page of the host has them. */
static void what_every_start_touches_is_in_the_base(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    const gva_t some[] = { MAP_IMAGE,         MAP_IMAGE + FRAME,
                           MAP_CONTROL,       CSTACK_TOP - 0x10000,
                           FSTACK_TOP - 1,    MAP_STACK + MAP_STACK_MAX - 1,
                           MAP_CPL0,          CPL0_TABLES,
                           CPL0_STACK_TOP - 1 };
    const uint64_t base = b.vm.ram.small.gpa + RAM_BASE;
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
        uint64_t gpa, bytes;
        unsigned rights;
        assert_true(tables_look(&b.vm.tables, some[i], &gpa, &rights, &bytes));
        assert_in_range(gpa, base, base + FRAME - 1);
    }
    assert_in_range(b.start.cr3, base, base + FRAME - 1);
    boot_leaves(&b);
}

/* Linear memory lies there, and what the tables say below 4 GiB stays so: grow.c maps it writable.
 */
static void nothing_below_4_gib_is_executable(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    for (gva_t at = 0; at < MAP_LINEAR_MAX; at += FRAME)
        expect_none(&b.vm.tables, at);
    boot_leaves(&b);
}

static void boot_record_says_the_run(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    const struct control *control = through(&b, MAP_CONTROL, TABLES_WRITE);
    const struct boot_record *boot = &control->boot;
    const char *base = (const char *)control;
    static const uint8_t zero[sizeof boot->entropy];
    assert_int_equal(boot->magic, ABI_MAGIC);
    assert_int_equal(boot->abi_version, ABI_VERSION);
    assert_int_equal(boot->flags, BOOT_VALIDATE);
    assert_int_equal(boot->argc, 3);
    assert_int_equal(boot->args_len, sizeof "app.wasm\0a b\0");
    assert_memory_equal(base + boot->args_off, "app.wasm\0a b\0", boot->args_len);
    assert_int_equal(boot->env_len, sizeof "HOME=/\0EMPTY=");
    assert_memory_equal(base + boot->env_off, "HOME=/\0EMPTY=", boot->env_len);
    assert_int_equal(boot->preopens, 2);
    assert_memory_equal(base + boot->preopen_off, "/data\0.", boot->preopen_len);
    assert_int_equal(boot->preopen_off + boot->preopen_len, boot->control_bytes);
    assert_int_equal(boot->stack_bytes, settings.stack_bytes);
    assert_int_equal(boot->module_bytes, b.vm.module_bytes);
    assert_memory_not_equal(boot->entropy, zero, sizeof zero);
    boot_leaves(&b);
}

/* Intel SDM volume 3, section 20.5.2: a port may be used if its bit is 0 and the next byte is
 * within the limit. */
static void tss_allows_one_port(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    const uint8_t *tss = through(&b, b.start.tss, TABLES_SUPERVISOR);
    uint16_t at = (uint16_t)(tss[102] | tss[103] << 8);
    unsigned allowed = 0;
    for (unsigned port = 0; port < 65536 && at + port / 8 + 1u <= b.start.tss_limit; port++)
        if (!(tss[at + port / 8] >> port % 8 & 1)) {
            assert_int_equal(port, DOORBELL_PORT);
            allowed++;
        }
    assert_int_equal(allowed, 1);
    boot_leaves(&b);
}

static uint64_t handler(const struct boot *b, unsigned vector)
{
    const uint8_t *gate = through(b, b->start.idt + vector * 16, TABLES_SUPERVISOR);
    uint16_t low, middle;
    uint32_t high;
    memcpy(&low, gate, 2);
    memcpy(&middle, gate + 6, 2);
    memcpy(&high, gate + 8, 4);
    assert_int_equal(gate[5], 0x8e); /* present, DPL 0, interrupt gate */
    return low | (uint64_t)middle << 16 | (uint64_t)high << 32;
}

static void gates_lead_to_their_entries(void **state)
{
    (void)state;
    struct boot b;
    booted(&b);
    for (unsigned vector = 0; vector < CPL0_VECTORS; vector++) {
        unsigned entry = vector == 13 ? CPL0_ENTRY_PROBE : vector;
        assert_int_equal(handler(&b, vector), MAP_CPL0 + entry * CPL0_ENTRY_BYTES);
    }
    boot_probe_done(&b.vm);
    assert_int_equal(handler(&b, 13), MAP_CPL0 + 13 * CPL0_ENTRY_BYTES);
    assert_int_equal(b.start.idt_limit, CPL0_VECTORS * 16 - 1);
    boot_leaves(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_tables_map_nothing),
        cmocka_unit_test(large_pages_where_both_sides_are_aligned),
        cmocka_unit_test(growth_is_exact_and_merges),
        cmocka_unit_test(rights_are_the_leaves),
        cmocka_unit_test(a_pool_that_is_used_up_says_so),
        cmocka_unit_test(boot_maps_the_memory_map),
        cmocka_unit_test(the_rest_of_the_stack_waits),
        cmocka_unit_test(what_every_start_touches_is_in_the_base),
        cmocka_unit_test(nothing_below_4_gib_is_executable),
        cmocka_unit_test(boot_record_says_the_run),
        cmocka_unit_test(tss_allows_one_port),
        cmocka_unit_test(gates_lead_to_their_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
