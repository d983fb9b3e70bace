/* What machines of a pool have in common (template.c), with a KVM that takes slots: each page of
 * the machine that it is made of is in every machine made from it, in one mapping; what one of them
 * writes, no other sees; and of which machines none can be made. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

#define MIB (UINT64_C(1) << 20)
enum { MODULE_BYTES = 2 * PAGE + 100, DATA_PAGES = 3, CONTROL_PAGES = 2, POOL_PAGES = 64 };
#define LINEAR_BYTES (3 * MIB)

static uint8_t data_file[2 * PAGE], control_kept[CONTROL_PAGES * PAGE];
static bool starts;
static uint64_t *wet;

/* ---- in place of KVM, vm.c and snapshot.c ---- */

bool kvm_add_slot(struct kvm *kvm, uint64_t gpa, void *host, uint64_t bytes)
{
    (void)kvm, (void)gpa, (void)host, (void)bytes;
    return true;
}

uint64_t vm_fixed_bytes(const struct vm *vm)
{
    return vm->module_bytes;
}

uint64_t vm_total_most(const struct vm *vm)
{
    return vm->config->set->total_bytes;
}

bool snapshot_starts(const struct vm *vm)
{
    (void)vm;
    return starts;
}

uint8_t *snapshot_control(const struct vm *vm)
{
    (void)vm;
    return control_kept;
}

uint64_t *snapshot_wet(struct vm *vm)
{
    (void)vm;
    uint64_t *was = wet;
    wet = NULL;
    return was;
}

/* ---- machines ---- */

struct machine_made { struct vm vm; struct config config; struct settings set; uint8_t *data; };

static struct machine_made *machine(const struct template *t)
{
    struct machine_made *m = calloc(1, sizeof *m);
    struct failure why;
    const struct ram_sizes sizes = { .small = 6 * MIB, .module = MODULE_BYTES };
    m->set = (struct settings){ .memory_bytes = 64 * MIB, .stack_bytes = 1 * MIB,
                                .total_bytes = 256 * MIB };
    m->config = (struct config){ .set = &m->set, .template = t };
    m->vm.config = &m->config;
    assert_true(ram_new(&m->vm.ram, &m->vm.kvm, &m->config, &sizes, &why));
    assert_true(tables_new(&m->vm.tables, (struct span){ calloc(POOL_PAGES, PAGE), 0x7000000,
                                                         POOL_PAGES * PAGE }));
    m->data = calloc(DATA_PAGES, PAGE);
    memcpy(m->data, data_file, sizeof data_file);
    m->vm.image.nsegments = 1;
    m->vm.image.segments[0] = (struct segment){ .at = MAP_IMAGE, .bytes = data_file,
                                                .file_bytes = sizeof data_file,
                                                .mem_bytes = DATA_PAGES * PAGE };
    struct region *regions = m->vm.mem.regions;
    regions[REGION_IMAGE_MORE] = (struct region){ MAP_IMAGE, DATA_PAGES * PAGE, m->data, true };
    regions[REGION_CONTROL] = (struct region){ MAP_CONTROL, CONTROL_PAGES * PAGE, NULL, true };
    regions[REGION_LINEAR] = (struct region){ MAP_LINEAR, 0, m->vm.ram.linear.host, true };
    regions[REGION_HEAP] = (struct region){ MAP_HEAP, FRAME, m->vm.ram.heap.host, true };
    m->vm.heap_bytes = m->vm.code_bytes = FRAME;
    m->vm.module_bytes = MODULE_BYTES;
    return m;
}

static void machine_free(struct machine_made *m)
{
    ram_free(&m->vm.ram);
    free(m->vm.tables.pool.host);
    free(m->data);
    free(m);
}

/* One that stands at its start, with something in a few pages of each part. */
static struct machine_made *donor(void)
{
    struct machine_made *m = machine(NULL);
    const struct ram *ram = &m->vm.ram;
    assert_int_equal(grow_linear(&m->vm, 0, LINEAR_BYTES), GROW_DONE);
    assert_int_equal(grow_heap(&m->vm, 2 * FRAME), GROW_DONE);
    memset(ram->module.host, 'm', MODULE_BYTES);
    ram->heap.host[5 * PAGE + 1] = 'h';
    ram->heap.host[2 * FRAME - 1] = 'H';
    ram->code.host[PAGE] = 'c';
    for (uint64_t at = 0; at < LINEAR_BYTES; at += 40 * PAGE)
        ram->linear.host[at + 17] = 'l';
    memset(m->data, 0, DATA_PAGES * PAGE); /* the file's second page is one of zeros by now */
    m->data[0] = m->data[DATA_PAGES * PAGE - 1] = 'd';
    memset(control_kept, 0, sizeof control_kept);
    control_kept[3] = 'k';
    starts = true;
    return m;
}

static void same(const struct machine_made *a, const struct machine_made *b)
{
    const struct ram *x = &a->vm.ram, *y = &b->vm.ram;
    assert_int_equal(a->vm.heap_bytes, b->vm.heap_bytes);
    assert_int_equal(a->vm.code_bytes, b->vm.code_bytes);
    assert_int_equal(a->vm.mem.regions[REGION_LINEAR].bytes, LINEAR_BYTES);
    assert_memory_equal(x->module.host, y->module.host, MODULE_BYTES);
    assert_memory_equal(x->heap.host, y->heap.host, a->vm.heap_bytes);
    assert_memory_equal(x->code.host, y->code.host, a->vm.code_bytes);
    assert_memory_equal(x->linear.host, y->linear.host, LINEAR_BYTES);
    assert_memory_equal(a->data, b->data, DATA_PAGES * PAGE);
}

static int setup(void **state)
{
    (void)state;
    memset(data_file, 'f', sizeof data_file);
    wet = NULL;
    return 0;
}

/* Mappings of the file that a machine could write to. */
static unsigned mappings(void)
{
    char line[512];
    unsigned n = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file))
        n += strstr(line, "wasmvm-template") && strstr(line, " rw-p ");
    fclose(file);
    return n;
}

static void test_every_page_comes(void **state)
{
    struct machine_made *from = donor();
    struct template *t = template_new(&from->vm);
    (void)state;
    assert_non_null(t);
    struct machine_made *one = machine(t), *other = machine(t);
    assert_true(template_load(&one->vm, t) && template_load(&other->vm, t));
    same(one, from);
    same(other, from);
    assert_int_equal(mappings(), 2);
    uint8_t control[CONTROL_PAGES * PAGE];
    memset(control, 'x', sizeof control);
    template_copy(t, TEMPLATE_CONTROL, control);
    assert_int_equal(control[3], 'k');
    assert_int_equal(control[0], 0);
    assert_int_equal(control[PAGE], 'x'); /* a page of zeros is the caller's */
    machine_free(from);
    machine_free(one);
    machine_free(other);
    template_drop(t);
    assert_int_equal(mappings(), 0);
}

static void test_what_one_writes_no_other_sees(void **state)
{
    struct machine_made *from = donor();
    struct template *t = template_new(&from->vm);
    struct machine_made *one = machine(t), *other = machine(t);
    (void)state;
    assert_true(template_load(&one->vm, t) && template_load(&other->vm, t));
    memset(one->vm.ram.module.host, 'w', MODULE_BYTES);
    memset(one->vm.ram.heap.host, 'w', one->vm.heap_bytes);
    memset(one->vm.ram.code.host, 'w', one->vm.code_bytes);
    memset(one->vm.ram.linear.host, 'w', LINEAR_BYTES);
    same(other, from);
    struct machine_made *later = machine(t);
    assert_true(template_load(&later->vm, t));
    same(later, from);
    machine_free(from);
    machine_free(one);
    machine_free(other);
    machine_free(later);
    template_drop(t);
}

static void test_the_file_is_sealed(void **state)
{
    struct machine_made *from = donor();
    struct template *t = template_new(&from->vm);
    (void)state;
    assert_int_equal(pwrite(t->fd, "w", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(t->fd, 0), -1);
    assert_int_equal(ftruncate(t->fd, (off_t)t->bytes + 1), -1);
    assert_int_equal(fcntl(t->fd, F_ADD_SEALS, 0), -1);
    machine_free(from);
    template_drop(t);
}

static void test_a_hold_keeps_it(void **state)
{
    struct machine_made *from = donor();
    struct template *t = template_new(&from->vm);
    (void)state;
    assert_ptr_equal(template_hold(t), t);
    template_drop(t);
    struct machine_made *one = machine(t);
    assert_true(template_load(&one->vm, t));
    same(one, from);
    template_drop(t);
    template_drop(NULL);
    machine_free(from);
    machine_free(one);
}

static void test_of_which_there_is_none(void **state)
{
    struct machine_made *from = donor();
    struct vm *vm = &from->vm;
    (void)state;
    starts = false;
    assert_null(template_new(vm));
    starts = true;
    vm->more.bytes = 1;
    assert_null(template_new(vm));
    vm->more.bytes = 0;
    vm->entry.resume = true;
    assert_null(template_new(vm));
    vm->entry.resume = false;
    uint64_t heap = vm->heap_bytes, code = vm->code_bytes;
    vm->heap_bytes = vm->ram.heap.bytes + PAGE;
    assert_null(template_new(vm));
    vm->heap_bytes = heap;
    vm->code_bytes = vm->ram.code.bytes + PAGE;
    assert_null(template_new(vm));
    vm->code_bytes = code;
    vm->mem.regions[REGION_IMAGE_MORE].writable = false;
    assert_null(template_new(vm));
    vm->mem.regions[REGION_IMAGE_MORE].writable = true;
    struct template *t = template_new(vm);
    assert_non_null(t);
    template_drop(t);
    machine_free(from);
}

/* A machine that is not allowed as much memory. */
static void test_limits_hold(void **state)
{
    struct machine_made *from = donor();
    struct template *t = template_new(&from->vm);
    struct machine_made *one = machine(t);
    (void)state;
    one->set.total_bytes = 2 * FRAME + LINEAR_BYTES;
    assert_false(template_load(&one->vm, t));
    machine_free(from);
    machine_free(one);
    template_drop(t);
}

/* ---- pages that a run wrote ---- */

/* Of linear memory: pages that are the machine's own copies. */
static unsigned own_pages(const struct machine_made *m)
{
    enum { PRESENT = 63, SHARED = 61 };
    unsigned n = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (uint64_t at = 0; at < LINEAR_BYTES; at += PAGE) {
        uint64_t entry, page = (uint64_t)(m->vm.ram.linear.host + at) / PAGE;
        assert_int_equal(pread(fd, &entry, sizeof entry, (off_t)(page * sizeof entry)),
                         sizeof entry);
        n += (entry >> PRESENT & 1) && !(entry >> SHARED & 1);
    }
    close(fd);
    return n;
}

static unsigned own_after(unsigned from, unsigned to)
{
    struct machine_made *m = donor();
    wet = calloc(LINEAR_BYTES / PAGE / 64 + 1, sizeof *wet);
    for (unsigned page = from; page < to; page++)
        wet[page / 64] |= UINT64_C(1) << page % 64;
    struct template *t = template_new(&m->vm);
    struct machine_made *one = machine(t);
    assert_true(template_load(&one->vm, t));
    unsigned n = own_pages(one);
    same(one, m);
    machine_free(m);
    machine_free(one);
    template_drop(t);
    return n;
}

static void test_pages_that_a_run_wrote_are_there(void **state)
{
    enum { PAGES = LINEAR_BYTES / PAGE, MOST = 512 };
    (void)state;
    assert_int_equal(own_after(0, 0), 0);
    assert_int_equal(own_after(0, 1), 1);
    assert_int_equal(own_after(63, 66), 3);
    assert_int_equal(own_after(PAGES - 1, PAGES), 1);
    assert_int_equal(own_after(10, 10 + MOST), MOST);
    assert_int_equal(own_after(10, 10 + MOST + 1), MOST);
    assert_int_equal(own_after(0, PAGES), MOST);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_page_comes), TEST(what_one_writes_no_other_sees), TEST(the_file_is_sealed),
        TEST(a_hold_keeps_it), TEST(of_which_there_is_none), TEST(limits_hold),
        TEST(pages_that_a_run_wrote_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
