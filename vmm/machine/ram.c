/* Guest-physical memory: where everything lies, slots, growth.
 *
 * One host mapping holds, in this order, each piece starting at a 2 MiB page:
 *
 *     small | module | heap's first piece | code's first piece | linear memory, to --memory
 *
 * It is guest-physical memory from MAIN_GPA on, byte for byte.  The first slot reaches a stretch
 * into linear memory; further slots follow as linear memory grows, the next always twice the last.
 * Heap and code beyond their first pieces get mappings and slots of their own, and so has the stack
 * below its top, which few programs reach.  All of it is unreserved and touched lazily, and all but
 * linear memory is anonymous: that may be a file in memory, which a plug-in's process maps too.
 *
 * A slot costs by its size, touched or not: 512 MiB are 0.35 ms of a start.
 *
 * The second 2 MiB page of `small`, the base, holds all that every start touches.  As one page of
 * the host it costs less than its 4 KiB pages do from some fifty of them on. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

#define MAIN_GPA        0x100000000ull
#define HEAP_FIRST      (16ull << 20)
#define CODE_FIRST      (8ull << 20)
#define LINEAR_FIRST    (8ull << 20)  /* so much of linear memory is in the first slot */
#define SLOT_MORE_FIRST (64ull << 20)
#define SMALL_MODULE    (8ull << 10)
#define GATHERED_MOST   (16ull << 20)
/* about what the engine uses of both before it meets a module */
#define ENGINE_HEAP     (104ull << 10)
#define ENGINE_CODE     (12ull << 10)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* the C library of Debian 12 does not know it */
#endif

_Static_assert(MAIN_GPA + MAP_LINEAR_MAX + MAP_MODULE_MAX + (1ull << 30) <= RAM_STACK_MORE_GPA,
               "the main range ends before stack_more");
_Static_assert(RAM_STACK_MORE_GPA + MAP_STACK_MAX <= RAM_HEAP_MORE_GPA, "layout");
_Static_assert(RAM_HEAP_MORE_GPA + MAP_HEAP_MAX <= RAM_CODE_MORE_GPA, "layout");
_Static_assert(RAM_CODE_MORE_GPA + MAP_CODE_MAX <= RAM_LINEAR_MORE_GPA, "layout");
_Static_assert(RAM_LINEAR_MORE_GPA + RAM_LINEAR_MORE_BYTES <= 1ull << 36,
               "every CPU addresses 36 bits");

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The same where there are many machines: in pages of 4 KiB, and in one call, as Linux tells all of
 * them of each mapping that goes. */
static uint8_t *reserve_small(uint64_t bytes)
{
    uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, bytes, MADV_NOHUGEPAGE);
    return at;
}

/* Address space, 2 MiB aligned; NULL: errno.  What the alignment leaves over at both ends is given
 * back. */
static uint8_t *reserve(uint64_t bytes)
{
    uint8_t *at = mmap(NULL, bytes + FRAME, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    uint8_t *aligned = (uint8_t *)round_up((uint64_t)at, FRAME);
    if (aligned != at)
        munmap(at, aligned - at);
    if (aligned != at + FRAME)
        munmap(aligned + bytes, at + FRAME - aligned);
    madvise(aligned, bytes, MADV_HUGEPAGE);
    return aligned;
}

/* What of this process keeps so much from being had. */
static const char *limit_name(uint64_t bytes)
{
    static const char *const names[] = { "more of the machine's memory", "ulimit -v", "ulimit -d",
                                         "ulimit -v and -d" };
    struct rlimit space, data;
    bool small_space = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < bytes;
    bool small_data = getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur < bytes;
    return names[small_space + 2 * small_data];
}

static struct span next(const struct ram *ram, uint64_t *at, uint64_t bytes)
{
    struct span span = {ram->main.all.host + *at, ram->main.all.gpa + *at, bytes};
    *at += round_up(bytes, FRAME);
    return span;
}

static bool range_set(struct range *range, uint8_t *host, uint64_t gpa, uint64_t bytes)
{
    if (!host)
        return false;
    range->all = (struct span){host, gpa, bytes};
    range->next_slot_bytes = SLOT_MORE_FIRST;
    return true;
}

static bool no_space(uint64_t bytes, struct failure *why)
{
    return failure_set(why,
                       "no address space for a guest of %llu MiB: %s (a smaller --memory, or %s)",
                       (unsigned long long)bytes >> 20, strerror(errno), limit_name(bytes + FRAME));
}

/* Used sparsely: 4 KiB pages save 2 MiB each at the same time. */
static void small_advise(const struct span *small)
{
    madvise(small->host, RAM_BASE, MADV_NOHUGEPAGE);
    madvise(small->host + RAM_BASE + FRAME, small->bytes - RAM_BASE - FRAME, MADV_NOHUGEPAGE);
}

static void pages_advise(const struct span *span, uint64_t bytes)
{
    madvise(span->host, FRAME, MADV_NOHUGEPAGE);
    madvise(span->host, round_up(bytes, PAGE), MADV_POPULATE_WRITE);
}

/* Heap and code of a small module fill a few pages of 4 KiB, less than a 2 MiB page costs.  They
 * are there before the guest comes: one that it touches first costs eight times as much. */
static void small_module_advise(const struct ram *ram, uint64_t module_bytes)
{
    if (module_bytes >= SMALL_MODULE)
        return;
    pages_advise(&ram->heap, ENGINE_HEAP + 4 * module_bytes);
    pages_advise(&ram->code, ENGINE_CODE + module_bytes);
}

/* Whoever has the file too may have sealed or sized it first: then there is no run.  Once it is
 * sealed, nobody can cut what we have mapped, which would be our crash. */
static bool file_settle(int fd, uint64_t bytes)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    struct write_guard guard; /* a limit of file sizes is an error, and no signal */
    struct stat st;
    write_guard_enter(&guard);
    bool good = ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0 &&
                fstat(fd, &st) == 0;
    int error = errno;
    write_guard_leave(&guard);
    errno = good ? EBUSY : error;
    return good && (uint64_t)st.st_size == bytes;
}

static bool linear_share(const struct span *linear, int fd, struct failure *why)
{
    if (!file_settle(fd, linear->bytes) ||
        (linear->bytes && mmap(linear->host, linear->bytes, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED))
        return failure_set(
            why, "no memory for a guest of %llu MiB that another process shares: %s%s",
            (unsigned long long)linear->bytes >> 20, strerror(errno),
            errno == EFBIG ? " (ulimit -f, a smaller --memory, or --jail=weak)" : "");
    madvise(linear->host, linear->bytes, MADV_HUGEPAGE);
    return true;
}

/* One page of each must be there.  A kernel before 6.1 does not know the word: all is as it was. */
static void frames_gather(uint8_t *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += FRAME)
        madvise(from + at, PAGE, MADV_POPULATE_WRITE);
    madvise(from, bytes, MADV_COLLAPSE);
}

/* A growth that is larger may never be touched as a whole: its pages come one by one. */
void ram_gather(struct ram *ram, uint64_t bytes)
{
    uint64_t from = ram->gathered, to = round_up(bytes, FRAME);
    if (!ram->shared || to <= from)
        return;
    ram->gathered = to;
    if (to - from <= GATHERED_MOST)
        frames_gather(ram->linear.host + from, to - from);
}

bool ram_new(struct ram *ram, struct kvm *kvm, const struct config *config,
             const struct ram_sizes *sizes, struct failure *why)
{
    uint64_t fixed = round_up(sizes->small, FRAME) + round_up(sizes->module, FRAME) + HEAP_FIRST +
                     CODE_FIRST;
    uint64_t linear = least(round_up(config->set->memory_bytes, FRAME), MAP_LINEAR_MAX);
    uint64_t at = 0;
    bool small_pages = config->template || config->set->dense; /* there are many of them */
    *ram = (struct ram){.stack_bytes = round_up(config->set->stack_bytes, FRAME)};
    ram->stack_more.small_pages = ram->heap_more.small_pages = small_pages;
    ram->code_more.small_pages = ram->linear_more.small_pages = small_pages;
    ram->host_bytes = fixed + linear + (small_pages ? ram->stack_bytes : 0);
    uint8_t *host = small_pages ? reserve_small(ram->host_bytes) : reserve(fixed + linear);
    if (!range_set(&ram->main, host, MAIN_GPA, fixed + linear))
        return no_space(ram->host_bytes, why);
    host = small_pages ? host + fixed + linear : reserve(ram->stack_bytes);
    if (!range_set(&ram->stack_more, host, RAM_STACK_MORE_GPA, ram->stack_bytes))
        return no_space(fixed + linear + ram->stack_bytes, why);
    ram->small = next(ram, &at, sizes->small);
    ram->module = next(ram, &at, sizes->module);
    ram->heap = next(ram, &at, HEAP_FIRST);
    ram->code = next(ram, &at, CODE_FIRST);
    ram->linear = next(ram, &at, linear);
    assert(at == fixed + linear);
    ram->shared = config->set->memory_fd && !small_pages;
    if (config->set->memory_fd && !linear_share(&ram->linear, (int)config->set->memory_fd, why))
        return false;
    if (!small_pages) {
        small_advise(&ram->small);
        small_module_advise(ram, sizes->module);
    }
    ram->main.next_slot_bytes = fixed + LINEAR_FIRST;
    if (!ram_reach(kvm, &ram->main, fixed))
        return failure_set(why, "no memory slot for a guest of %llu MiB: %s (it needs more memory)",
                           (unsigned long long)(fixed + LINEAR_FIRST) >> 20, strerror(errno));
    ram->main.next_slot_bytes = SLOT_MORE_FIRST;
    return true;
}

/* Tables that KVM makes for a slot cost memory by its size, touched or not: slots double, they
 * don't start large. */
bool ram_reach(struct kvm *kvm, struct range *range, uint64_t bytes)
{
    while (range->slotted < bytes) {
        uint64_t n = least(range->next_slot_bytes, range->all.bytes - range->slotted);
        if (!n || !kvm_add_slot(kvm, range->all.gpa + range->slotted,
                                range->all.host + range->slotted, n))
            return false;
        range->slotted += n;
        range->next_slot_bytes *= 2;
    }
    return true;
}

bool ram_reserve(struct range *range, uint64_t gpa, uint64_t bytes)
{
    uint8_t *(*have)(uint64_t) = range->small_pages ? reserve_small : reserve;
    return range->all.host || range_set(range, have(bytes), gpa, bytes);
}

void ram_free(struct ram *ram)
{
    const struct range *const ranges[] = { &ram->stack_more, &ram->heap_more, &ram->code_more,
                                           &ram->linear_more };
    if (ram->main.all.host)
        munmap(ram->main.all.host, ram->host_bytes);
    bool stack_too = ram->host_bytes > ram->main.all.bytes;
    for (unsigned i = stack_too; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i]->all.host)
            munmap(ranges[i]->all.host, ranges[i]->all.bytes);
}

struct span ram_take(struct ram *ram, uint64_t bytes)
{
    struct span span = { ram->small.host + ram->small_used, ram->small.gpa + ram->small_used,
                         round_up(bytes, PAGE) };
    assert(span.bytes <= ram->small.bytes - ram->small_used);
    ram->small_used += span.bytes;
    return span;
}
