/* Machines made from the snapshot of another one, of the same module and configuration: what they
 * have in common is one memory file, sealed, that each of them maps privately.
 *
 * In the file the module, the heap, the code and linear memory lie as in a machine's memory:
 *
 *     module | heap | code | linear memory | variables of the guest image | control area
 *     `----------- one mapping -----------'
 *
 * So one mapping brings them, with holes for pages of zeros.  It matters that it is one: what a
 * process does with a mapping, Linux tells each virtual machine of that process.
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

#define WET_MOST 512 /* pages; a module chooses what it writes */

void template_drop(struct template *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (t->fd >= 0)
        close(t->fd);
    if (t->host)
        munmap(t->host, t->bytes);
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++)
        free(t->parts[i].full);
    free(t->wet);
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
    void *host = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, t->fd, 0);
    t->host = host == MAP_FAILED ? NULL : host;
    return t->host;
}

/* Where the parts lie, and their bytes. */
static void parts_place(struct template *t, const struct vm *vm,
                        uint8_t *const from[TEMPLATE_PARTS])
{
    const struct region *regions = vm->mem.regions;
    const uint64_t bytes[] = { [TEMPLATE_MODULE] = vm->module_bytes,
                               [TEMPLATE_HEAP] = vm->heap_bytes,
                               [TEMPLATE_CODE] = vm->code_bytes,
                               [TEMPLATE_LINEAR] = regions[REGION_LINEAR].bytes,
                               [TEMPLATE_DATA] = resume_data(vm)->bytes,
                               [TEMPLATE_CONTROL] = regions[REGION_CONTROL].bytes };
    for (unsigned i = 0; i < TEMPLATE_PARTS; i++) {
        uint64_t at = i < TEMPLATE_MAPPED ? (uint64_t)(from[i] - from[TEMPLATE_MODULE]) : t->bytes;
        t->parts[i] = (struct template_part){.bytes = bytes[i], .offset = at};
        t->bytes = at + round_up(bytes[i], PAGE);
        if (i < TEMPLATE_MAPPED && bytes[i])
            t->mapped_bytes = t->bytes;
    }
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
    uint8_t *const from[] = { [TEMPLATE_MODULE] = ram->module.host,
                              [TEMPLATE_HEAP] = ram->heap.host,
                              [TEMPLATE_CODE] = ram->code.host,
                              [TEMPLATE_LINEAR] = ram->linear.host,
                              [TEMPLATE_DATA] = data->host,
                              [TEMPLATE_CONTROL] = snapshot_control(vm) };
    parts_place(t, vm, from);
    t->wet = snapshot_wet(vm);
    if (file_make(t, from))
        return t;
    template_drop(t);
    return NULL;
}

/* ---- into a new machine ---- */

void template_copy(const struct template *t, unsigned part, uint8_t *to)
{
    const struct template_part *p = &t->parts[part];
    for (uint64_t at = 0; at < p->bytes; at += PAGE)
        if (template_full(p, at))
            memcpy(to + at, t->host + p->offset + at, PAGE);
}

/* The guest image's variables stand there as in its file. */
static void data_load(struct vm *vm, const struct region *data, const struct template *t)
{
    const struct template_part *p = &t->parts[TEMPLATE_DATA];
    for (unsigned i = 0; i < vm->image.nsegments; i++) {
        const struct segment *s = &vm->image.segments[i];
        for (uint64_t at = 0; s->at == data->at && at < s->file_bytes; at += PAGE)
            if (!template_full(p, at))
                memset(data->host + at, 0, PAGE);
    }
    template_copy(t, TEMPLATE_DATA, data->host);
}

static bool is_wet(const struct template *t, uint64_t page)
{
    return t->wet[page / 64] >> page % 64 & 1;
}

/* What a run wrote the next one will write as well: its own copies of those pages cost less from
 * here than when the guest comes, which reads most of them first.  Where that fails, it comes. */
static void wet_load(const struct template *t, uint8_t *linear)
{
    const uint64_t pages = t->wet ? t->parts[TEMPLATE_LINEAR].bytes / PAGE : 0;
    uint64_t n = 0, left = WET_MOST;
    for (uint64_t page = 0; page < pages && left; page += n + 1) {
        for (n = 0; n < left && page + n < pages && is_wet(t, page + n);)
            n++;
        left -= n;
        if (n)
            madvise(linear + page * PAGE, n * PAGE, MADV_POPULATE_WRITE);
    }
}

bool template_load(struct vm *vm, const struct template *t)
{
    const struct region *data = resume_data(vm);
    const struct ram *ram = &vm->ram;
    const struct template_part *parts = t->parts;
    assert(data && data->bytes == parts[TEMPLATE_DATA].bytes);
    assert((uint64_t)(ram->linear.host - ram->module.host) == parts[TEMPLATE_LINEAR].offset);
    data_load(vm, data, t);
    if (grow_heap(vm, parts[TEMPLATE_HEAP].bytes) != GROW_DONE ||
        grow_code(vm, parts[TEMPLATE_CODE].bytes) != GROW_DONE ||
        grow_linear(vm, 0, parts[TEMPLATE_LINEAR].bytes) != GROW_DONE ||
        mmap(ram->module.host, t->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
             t->fd, 0) == MAP_FAILED)
        return false;
    wet_load(t, ram->linear.host);
    return true;
}
