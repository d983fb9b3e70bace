/* A machine's memory (ram.c) with a KVM that takes slots: how it is divided, what is a slot from
 * the start and later, and that a large guest costs no memory before it is touched. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "tests/unit/vmm/cli/child.h"
#include "vmm/machine/inside.h"

#define MIB (UINT64_C(1) << 20)

static struct { uint64_t gpa, bytes; void *host; } slots[64];
static unsigned nslots, slots_most;
static struct ram ram;
static struct settings settings;
static const struct config config = {.set = &settings};
static struct failure why;

bool kvm_add_slot(struct kvm *kvm, uint64_t gpa, void *host, uint64_t bytes)
{
    assert_null(kvm);
    if (nslots == slots_most) {
        errno = ENOSPC;
        return false;
    }
    slots[nslots].gpa = gpa, slots[nslots].host = host;
    slots[nslots++].bytes = bytes;
    return true;
}

static int setup(void **state)
{
    (void)state;
    nslots = 0, slots_most = 64;
    settings = (struct settings){.memory_bytes = 64 * MIB, .stack_bytes = 1 * MIB};
    ram = (struct ram){.main.slotted = 0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ram_free(&ram);
    return 0;
}

static bool make(uint64_t small, uint64_t module)
{
    const struct ram_sizes sizes = {.small = small, .module = module};
    return ram_new(&ram, NULL, &config, &sizes, &why);
}

/* Slots lie one behind the other, as the memory behind them does. */
static void slots_are_whole(const struct range *range, unsigned from)
{
    uint64_t at = 0;
    for (unsigned k = from; k < nslots; k++) {
        assert_int_equal(slots[k].gpa, range->all.gpa + at);
        assert_ptr_equal(slots[k].host, range->all.host + at);
        at += slots[k].bytes;
    }
    assert_int_equal(at, range->slotted);
}

static void test_how_it_is_divided(void **state)
{
    (void)state;
    assert_true(make(8 * MIB, 3 * MIB));
    const struct span *const spans[] = {&ram.small, &ram.module, &ram.heap, &ram.code, &ram.linear};
    uint64_t at = 0;
    for (int k = 0; k < 5; k++) {
        assert_ptr_equal(spans[k]->host, ram.main.all.host + at);
        assert_int_equal(spans[k]->gpa, ram.main.all.gpa + at);
        assert_int_equal(spans[k]->gpa % (2 * MIB), 0);
        at += (spans[k]->bytes + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
    }
    assert_int_equal(at, ram.main.all.bytes);
    assert_int_equal(ram.small.bytes, 8 * MIB);
    assert_int_equal(ram.module.bytes, 3 * MIB);
    assert_int_equal(ram.linear.bytes, 64 * MIB);
    assert_int_equal(ram.stack_bytes, 2 * MIB);
    assert_true(ram.stack_more.all.host != NULL && ram.stack_more.slotted == 0);
    assert_int_equal((uintptr_t)ram.main.all.host % (2 * MIB), 0);
    assert_true(ram.main.slotted >= ram.linear.gpa - ram.main.all.gpa); /* all but linear memory */
    slots_are_whole(&ram.main, 0);
}

/* A file in memory is linear memory, all of it and nothing else; nobody can cut it then. */
static void test_shared_memory(void **state)
{
    (void)state;
    int fd = memfd_create("linear", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    settings.memory_fd = (uint64_t)fd;
    assert_true(make(8 * MIB, 3 * MIB));
    assert_int_equal(lseek(fd, 0, SEEK_END), 64 * MIB);
    assert_int_not_equal(ftruncate(fd, 0), 0);
    assert_int_not_equal(ftruncate(fd, (off_t)(65 * MIB)), 0);
    uint8_t *other = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ram.linear.host[0] = 1, ram.linear.host[64 * MIB - 1] = 2;
    ram.linear.host[-1] = 3;
    assert_true(other[0] == 1 && other[64 * MIB - 1] == 2);
    other[5] = 6;
    assert_int_equal(ram.linear.host[5], 6);
    slots_are_whole(&ram.main, 0);
    munmap(other, 64 * MIB);
    close(fd);
}

static uint64_t collapsed[2]; /* from, to */

int madvise(void *at, size_t bytes, int what)
{
    if (what == 25 /* MADV_COLLAPSE */) {
        collapsed[0] = (uint64_t)((uint8_t *)at - ram.linear.host);
        collapsed[1] = collapsed[0] + bytes;
    }
    return (int)syscall(SYS_madvise, at, bytes, what);
}

static void gathers(uint64_t bytes, uint64_t from, uint64_t to)
{
    collapsed[0] = collapsed[1] = 0;
    ram_gather(&ram, bytes);
    assert_int_equal(collapsed[0], from);
    assert_int_equal(collapsed[1], to);
}

/* Each 2 MiB once, when linear memory first reaches into it; not what may never be touched. */
static void test_shared_memory_in_large_pages(void **state)
{
    (void)state;
    int fd = memfd_create("linear", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    settings.memory_fd = (uint64_t)fd;
    assert_true(make(8 * MIB, 3 * MIB));
    gathers(0, 0, 0);
    gathers(65536, 0, 2 * MIB);
    gathers(2 * MIB, 0, 0);
    gathers(2 * MIB + 65536, 2 * MIB, 4 * MIB);
    gathers(20 * MIB, 4 * MIB, 20 * MIB); /* N */
    gathers(36 * MIB + 65536, 0, 0); /* N + 1 */
    gathers(40 * MIB, 38 * MIB, 40 * MIB);
    gathers(10 * MIB, 0, 0);
    assert_int_equal(ram.linear.host[20 * MIB - 1], 0);
    close(fd);
    settings.memory_fd = 0;
    ram_free(&ram);
    assert_true(make(8 * MIB, 3 * MIB));
    gathers(4 * MIB, 0, 0);
}

/* Whoever shares it may have spoilt it before. */
static void test_shared_memory_that_is_spoilt(void **state)
{
    (void)state;
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int closed = memfd_create("linear", MFD_CLOEXEC);
    int small = memfd_create("linear", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_return_code(fcntl(small, F_ADD_SEALS, F_SEAL_GROW), 0);
    const int spoilt[] = {file, closed, small};
    for (int k = 0; k < 3; k++) {
        settings.memory_fd = (uint64_t)spoilt[k];
        assert_false(make(8 * MIB, 3 * MIB));
        assert_non_null(strstr(why.text, "no memory for a guest of 64 MiB that another process"));
        ram_free(&ram);
        ram = (struct ram){.main.slotted = 0};
        close(spoilt[k]);
    }
}

static void test_slots_double(void **state)
{
    (void)state;
    assert_true(make(8 * MIB, 3 * MIB));
    unsigned first = nslots;
    assert_true(ram_reserve(&ram.heap_more, RAM_HEAP_MORE_GPA, 1024 * MIB));
    const uint8_t *host = ram.heap_more.all.host;
    assert_true(ram_reserve(&ram.heap_more, RAM_HEAP_MORE_GPA, 1024 * MIB)); /* once */
    assert_ptr_equal(ram.heap_more.all.host, host);
    assert_true(ram_reach(NULL, &ram.heap_more, 0));
    assert_int_equal(nslots, first);
    assert_true(ram_reach(NULL, &ram.heap_more, 1));
    assert_int_equal(nslots, first + 1);
    assert_true(ram_reach(NULL, &ram.heap_more, slots[first].bytes));
    assert_int_equal(nslots, first + 1);
    assert_true(ram_reach(NULL, &ram.heap_more, slots[first].bytes + 1));
    assert_int_equal(nslots, first + 2);
    assert_int_equal(slots[first + 1].bytes, 2 * slots[first].bytes);
    assert_true(ram_reach(NULL, &ram.heap_more, 1024 * MIB));
    assert_int_equal(ram.heap_more.slotted, 1024 * MIB);
    slots_are_whole(&ram.heap_more, first);
    assert_false(ram_reach(NULL, &ram.heap_more, 1024 * MIB + 1)); /* that is all there is */
}

static void test_no_slot(void **state)
{
    (void)state;
    slots_most = 0;
    assert_false(make(8 * MIB, 3 * MIB));
    assert_non_null(strstr(why.text, "no memory slot for a guest of "));
    assert_non_null(strstr(why.text, strerror(ENOSPC)));
}

static void test_pieces_of_the_small_part(void **state)
{
    (void)state;
    assert_true(make(8 * MIB, 3 * MIB));
    struct span one = ram_take(&ram, 1), two = ram_take(&ram, 4096), three = ram_take(&ram, 4097);
    assert_true(one.host == ram.small.host && one.gpa == ram.small.gpa && one.bytes == 4096);
    assert_true(two.host == one.host + 4096 && two.gpa == one.gpa + 4096 && two.bytes == 4096);
    assert_true(three.host == two.host + 4096 && three.bytes == 8192);
    struct span rest = ram_take(&ram, 8 * MIB - 16384); /* to the last byte */
    assert_int_equal(rest.gpa + rest.bytes, ram.small.gpa + ram.small.bytes);
    for (uint64_t k = 0; k < 4096; k++)
        assert_int_equal(one.host[k], 0);
}

/* Whether the mapping that holds `at` has the two letters among its VmFlags. */
static bool has_flag(const uint8_t *at, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, found = false;
    unsigned long from, to;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(f);
    return found;
}

/* "nr": no swap is reserved, so that a guest may be larger than this machine; "hg" and "nh": pages
 * of 2 MiB, but not in what is used sparsely. */
static void test_it_is_not_accounted_for(void **state)
{
    (void)state;
    assert_true(make(8 * MIB, 3 * MIB));
    assert_true(has_flag(ram.linear.host, " nr"));
    assert_true(has_flag(ram.stack_more.all.host, " nr"));
    assert_true(has_flag(ram.linear.host, " hg"));
    assert_true(has_flag(ram.small.host, " nh"));
    assert_false(has_flag(ram.small.host + RAM_BASE, " nh"));
    assert_true(has_flag(ram.small.host + RAM_BASE + 2 * MIB, " nh"));
}

static void limited(const void *what)
{
    const struct rlimit limit = {0, 0};
    setrlimit(*(const int *)what, &limit);
    if (!make(8 * MIB, 3 * MIB))
        dprintf(1, "%s", why.text);
}

/* The sentence names the limit that is in the way. */
static void test_no_address_space(void **state)
{
    static const struct { int what; const char *words; } rows[] = {
        { RLIMIT_AS, "or ulimit -v)" }, { RLIMIT_DATA, "or ulimit -d)" },
    };
    char out[400];
    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(in_child(1, out, sizeof out, limited, &rows[k].what), 0);
        assert_non_null(strstr(out, "no address space for a guest of "));
        assert_non_null(strstr(out, rows[k].words));
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_how_it_is_divided),
        CASE(test_shared_memory),
        CASE(test_shared_memory_in_large_pages),
        CASE(test_shared_memory_that_is_spoilt),
        CASE(test_slots_double),
        CASE(test_no_slot),
        CASE(test_pieces_of_the_small_part),
        CASE(test_it_is_not_accounted_for),
        CASE(test_no_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
