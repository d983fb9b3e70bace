/* Machines made from the snapshot of another one, of the same module and configuration: what they
 * have in common is one memory file, sealed, that each of them maps privately.
 *
 * A page that a machine writes becomes its own; it never writes another one's.  The compiled code
 * is among these pages, and the module's bytes, which no guest can write.  Registers, page tables,
 * descriptor tables, stacks and the control area are made anew for each machine, as for any start.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

/* Pages of zeros between two pages that a mapping spans: shorter gaps are not worth a mapping. */
#define GAP_LEAST 16
/* Mappings of a part: a module chooses where its pages are, and a process has 65,530 in all.  Where
 * more would be needed, gaps are longer; Go programs had 3 at most. */
#define EXTENTS_MOST 16

static void part_free(struct template_part *p)
{
    free(p->full);
}

void template_drop(struct template *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (t->fd >= 0)
        close(t->fd);
    if (t->host)
        munmap(t->host, t->bytes);
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++)
        part_free(&t->parts[i]);
    free(t);
}

struct template *template_hold(struct template *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

bool template_full(const struct template_part *p, uint64_t at)
{
    return p->full[at / PAGE / 64] >> at / PAGE % 64 & 1;
}

static bool page_is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* ---- extents: pages that one mapping has ---- */

/* Pages [at, *end) are the next extent, from `from` on; false: there is none. */
static bool extent_next(const struct template_part *p, uint64_t from, uint64_t *at, uint64_t *end)
{
    for (; from < p->bytes && !template_full(p, from); from += PAGE) {}
    *at = *end = from;
    for (; from < p->bytes && from - *end <= p->gap * PAGE; from += PAGE)
        if (template_full(p, from))
            *end = from + PAGE;
    return *end > *at;
}

static unsigned extents_count(const struct template_part *p)
{
    unsigned n = 0;
    for (uint64_t at, end = 0; n <= EXTENTS_MOST && extent_next(p, end, &at, &end);)
        n++;
    return n;
}

/* ---- out of a machine that stands at its snapshot ---- */

static bool part_write(struct template *t, struct template_part *p, const uint8_t *from)
{
    p->full = calloc(p->bytes / PAGE / 64 + 1, sizeof *p->full);
    if (!p->full)
        return false;
    for (uint64_t at = 0; at < p->bytes; at += PAGE) {
        uint64_t n = p->bytes - at < PAGE ? p->bytes - at : PAGE;
        if (n == PAGE && page_is_zero(from + at))
            continue;
        if (pwrite_once(t->fd, from + at, n, (off_t)(p->offset + at)) != (ssize_t)n)
            return false;
        p->full[at / PAGE / 64] |= 1ull << at / PAGE % 64;
    }
    return true;
}

static bool file_make(struct template *t, uint8_t *const from[TEMPLATE_PARTS])
{
    t->fd = memfd_create("wasmvm-template", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (t->fd < 0 || ftruncate(t->fd, (off_t)t->bytes) != 0)
        return false;
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++)
        if (!part_write(t, &t->parts[i], from[i]))
            return false;
    if (fcntl(t->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return false;
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++)
        while (extents_count(&t->parts[i]) > EXTENTS_MOST)
            t->parts[i].gap *= 2;
    void *host = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, t->fd, 0);
    t->host = host == MAP_FAILED ? NULL : host;
    return t->host;
}

/* NULL: it cannot be had of this machine; others are then made as usual. */
struct template *template_new(struct vm *vm)
{
    const struct ram *ram = &vm->ram;
    const struct region *data = resume_data(vm);
    struct template *t = calloc(1, sizeof *t);
    bool fits = data && !vm->more.bytes && vm->heap_bytes <= ram->heap.bytes &&
                vm->code_bytes <= ram->code.bytes && !vm->entry.resume && snapshot_starts(vm);
    if (!t || !fits) {
        free(t);
        return NULL;
    }
    *t = (struct template){ .refs = 1, .fd = -1, .module_bytes = vm->module_bytes };
    const uint64_t bytes[] = { data->bytes, vm->heap_bytes, vm->code_bytes,
                               vm->mem.regions[REGION_LINEAR].bytes, vm->module_bytes };
    uint8_t *const from[] = { data->host, ram->heap.host, ram->code.host, ram->linear.host,
                              ram->module.host };
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++) {
        t->parts[i] = (struct template_part){ .bytes = bytes[i], .offset = t->bytes,
                                                 .gap = GAP_LEAST };
        t->bytes += round_up(bytes[i], PAGE);
    }
    if (file_make(t, from))
        return t;
    template_drop(t);
    return NULL;
}

/* ---- into a new machine ---- */

static bool extent_map(const struct template *t, const struct template_part *p, uint8_t *host,
                       uint64_t from, uint64_t to)
{
    return mmap(host + from, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, t->fd,
                (off_t)(p->offset + from)) != MAP_FAILED;
}

/* Pages of zeros stay anonymous, but for short gaps. */
static bool part_map(const struct template *t, const struct template_part *p, uint8_t *host)
{
    for (uint64_t at, end = 0; extent_next(p, end, &at, &end);)
        if (!extent_map(t, p, host, at, end))
            return false;
    return true;
}

bool template_load(struct vm *vm, const struct template *t)
{
    const struct region *data = resume_data(vm);
    const struct ram *ram = &vm->ram;
    const struct template_part *parts = t->parts;
    assert(data && data->bytes == parts[TEMPLATE_DATA].bytes);
    memcpy(data->host, t->host + parts[TEMPLATE_DATA].offset, data->bytes);
    return grow_heap(vm, parts[TEMPLATE_HEAP].bytes) == GROW_DONE &&
           grow_code(vm, parts[TEMPLATE_CODE].bytes) == GROW_DONE &&
           grow_linear(vm, 0, parts[TEMPLATE_LINEAR].bytes) == GROW_DONE &&
           part_map(t, &parts[TEMPLATE_HEAP], ram->heap.host) &&
           part_map(t, &parts[TEMPLATE_CODE], ram->code.host) &&
           part_map(t, &parts[TEMPLATE_LINEAR], ram->linear.host) &&
           part_map(t, &parts[TEMPLATE_MODULE], ram->module.host);
}
