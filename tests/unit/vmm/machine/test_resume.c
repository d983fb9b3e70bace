/* What a guest may ask of an image (resume.c): pieces of the module that there are, in order, where
 * it goes on from an image.  And what an image may ask of the host: no more than limits allow, and
 * no time after a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

static void test_pieces_that_there_are(void **state)
{
    enum { PIECES = 3 };
    static const struct { uint64_t from, to; bool resume; enum module_pieces is; } rows[] = {
        { 0, 1, false, PIECES_HOSTILE },
        { 0, 1, true, PIECES_CHANGED }, /* the file cannot be read */
        { 0, PIECES, true, PIECES_CHANGED },
        { PIECES - 1, PIECES, true, PIECES_CHANGED },
        { 0, 0, true, PIECES_HOSTILE },
        { 1, 1, true, PIECES_HOSTILE },
        { 2, 1, true, PIECES_HOSTILE },
        { 0, PIECES + 1, true, PIECES_HOSTILE },
        { PIECES, PIECES + 1, true, PIECES_HOSTILE },
        { UINT64_MAX, 1, true, PIECES_HOSTILE },
        { 1, UINT64_MAX, true, PIECES_HOSTILE },
    };
    (void)state;
    struct vm *vm = calloc(1, sizeof *vm);
    vm->entry.module_fd = -1;
    vm->entry.module_bytes = PIECES * MODULE_PIECE - 5;
    vm->ram.module.host = malloc(PIECES * MODULE_PIECE);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        vm->entry.resume = rows[k].resume;
        assert_int_equal(resume_pieces(vm, rows[k].from, rows[k].to), rows[k].is);
    }
    free(vm->ram.module.host);
    free(vm);
}

/* A machine of which there is only what an image is put into, and an image of zeros in linear
 * memory, 2 MiB an extent. */
#define POOL_PAGES 64
enum { EXTENTS = 20, STOPPED_AT = 16 /* 32 MiB */ };
static uint8_t data[PAGE];
static struct settings set;
static struct config config = { .set = &set };

static uint8_t *zeros(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    return at;
}

static struct vm *machine(uint64_t total)
{
    struct vm *vm = calloc(1, sizeof *vm);
    const uint64_t bytes = EXTENTS * FRAME;
    set = (struct settings){ .memory_bytes = bytes, .total_bytes = total };
    vm->config = &config;
    entry_none(&vm->entry);
    vm->mem.regions[REGION_COUNT - 1] = (struct region){ MAP_IMAGE, sizeof data, data, true };
    vm->ram.linear = (struct span){ zeros(bytes), FRAME, bytes };
    vm->ram.main = (struct range){ .all = { vm->ram.linear.host, FRAME, bytes }, .slotted = bytes };
    assert_true(tables_new(&vm->tables, (struct span){ calloc(POOL_PAGES, PAGE), 0x7000000,
                                                       POOL_PAGES * PAGE }));
    struct saved *s = &vm->entry.saved;
    s->head = (struct saved_head){ .cpu = 5, .extents = EXTENTS };
    s->head.bytes[SAVED_DATA] = sizeof data, s->head.bytes[SAVED_LINEAR] = bytes;
    s->extents = calloc(EXTENTS, sizeof *s->extents);
    for (uint32_t k = 0; k < EXTENTS; k++)
        s->extents[k] = (struct saved_extent){ SAVED_LINEAR, k * SAVED_FRAME, SAVED_FRAME,
                                               sum_of(vm->ram.linear.host, FRAME) };
    vm->entry.image_fd = memfd_create("image", MFD_CLOEXEC);
    assert_int_equal(ftruncate(vm->entry.image_fd, (off_t)bytes), 0);
    return vm;
}

static void machine_free(struct vm *vm)
{
    entry_close(&vm->entry);
    munmap(vm->ram.linear.host, vm->ram.linear.bytes);
    free(vm->tables.pool.host);
    free(vm);
}

/* `bad`: the extent whose sum is not right; EXTENTS = none. */
static void loads(uint64_t total, bool stopped, uint32_t bad, const char *wrong)
{
    struct vm *vm = machine(total);
    if (bad < EXTENTS)
        vm->entry.saved.extents[bad].sum++;
    vm->kick.reason = stopped ? ENDED_TIMEOUT : 0;
    assert_int_equal(resume_load(vm, 5), !wrong);
    if (wrong)
        assert_string_equal(vm->entry.why, wrong);
    machine_free(vm);
}

static void test_limits_come_before_pages(void **state)
{
    const uint64_t bytes = EXTENTS * FRAME;
    (void)state;
    loads(bytes, false, EXTENTS, NULL);
    loads(bytes, false, 0, "its pages are damaged");
    loads(bytes - 1, false, 0, "its memory is more than --total-memory");
}

static bool is_zeros(const uint8_t *at, uint64_t n)
{
    return at[0] == 0 && memcmp(at, at + 1, n - 1) == 0;
}

/* An image that is found bad at its end leaves nothing in memory, mapped or read. */
static void test_what_is_bad_leaves_nothing(void **state)
{
    static uint8_t page[PAGE];
    (void)state;
    memset(page, 0xa5, sizeof page);
    for (int k = 0; k < 4; k++) {
        bool dense = k & 1, bad = k & 2;
        struct vm *vm = machine(EXTENTS * FRAME);
        struct saved_extent *e = vm->entry.saved.extents;
        uint8_t *linear = vm->ram.linear.host, copy[PAGE];
        set.dense = dense;
        e[0].pages = 8;
        assert_int_equal(pwrite(vm->entry.image_fd, page, PAGE, 0), PAGE);
        memcpy(linear, page, PAGE);
        e[0].sum = sum_of(linear, 8 * PAGE);
        memset(linear, 0, PAGE);
        e[EXTENTS - 1].sum += bad;
        int image = dup(vm->entry.image_fd);
        assert_int_equal(resume_load(vm, 5), !bad);
        assert_true(bad ? is_zeros(linear, EXTENTS * FRAME) : linear[0] == 0xa5);
        linear[1] = 7; /* is not the file's */
        assert_int_equal(pread(image, copy, PAGE, 0), PAGE);
        assert_memory_equal(copy, page, PAGE);
        /* a file that changes is seen where it is mapped */
        assert_int_equal(pwrite(image, "x", 1, PAGE), 1);
        assert_int_equal(linear[PAGE], !bad && dense ? 'x' : 0);
        close(image);
        machine_free(vm);
    }
}

static void test_a_stop_while_it_is_read(void **state)
{
    const uint64_t bytes = EXTENTS * FRAME;
    (void)state;
    loads(bytes, false, STOPPED_AT, "its pages are damaged");
    loads(bytes, true, STOPPED_AT, NULL); /* which was not read */
    loads(bytes, true, STOPPED_AT - 1, "its pages are damaged");
}

static void test_a_stop_while_pieces_are_read(void **state)
{
    const uint64_t bytes = EXTENTS * FRAME, before = READ_MOST / MODULE_PIECE;
    struct vm *vm = machine(bytes);
    struct entry *e = &vm->entry;
    (void)state;
    e->module_fd = fcntl(e->image_fd, F_DUPFD_CLOEXEC, 3);
    e->module_bytes = bytes;
    e->resume = true;
    e->pieces = calloc(bytes / MODULE_PIECE, sizeof *e->pieces);
    for (uint64_t k = 0; k < bytes / MODULE_PIECE; k++)
        if (k)
            e->pieces[k] = e->pieces[0];
        else
            hash_of(vm->ram.linear.host, MODULE_PIECE, &e->pieces[0]);
    vm->ram.module = vm->ram.linear;
    assert_int_equal(resume_pieces(vm, 0, before + 1), PIECES_THERE);
    vm->kick.reason = ENDED_TIMEOUT;
    assert_int_equal(resume_pieces(vm, 0, before), PIECES_THERE);
    assert_int_equal(resume_pieces(vm, 0, before + 1), PIECES_STOPPED);
    machine_free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_come_before_pages),
        cmocka_unit_test(test_what_is_bad_leaves_nothing),
        cmocka_unit_test(test_a_stop_while_it_is_read),
        cmocka_unit_test(test_a_stop_while_pieces_are_read),
        cmocka_unit_test(test_pieces_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
