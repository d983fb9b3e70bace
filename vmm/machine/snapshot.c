/* A machine is taken back to an earlier state: its memory, its page tables, its CPU.
 *
 * What the guest can write has 4 KiB entries from the snapshot on, and the CPU sets the dirty bits
 * of those that are written; the door marks what the monitor writes.  Bits are never cleared, so
 * that a page that was written once is copied back by each reset: whoever knows of a page as
 * written would not say so again.
 *
 * Memory that grew is unmapped, and given back to the host: that takes it out of the CPU's sight as
 * well, on each kind of KVM.  Nothing of the guest runs meanwhile. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/machine/inside.h"

#define PIECES_MOST (REGION_COUNT + 2)

struct piece {
    gva_t at;
    uint8_t *live, *clean;
    uint64_t bytes;
    uint64_t *full; /* a bit for each page that is not all zeros; NULL: all are */
    bool shared;    /* a template's */
};
struct snapshot {
    struct piece pieces[PIECES_MOST];
    unsigned n;
    struct piece *control; /* among them */
    uint8_t cpl0[CPL0_PAGES * PAGE];
    struct kvm_kept *cpu;
    uint64_t linear_bytes, heap_bytes, code_bytes;
    bool start, learns;
    struct reset_counts counts; /* of the last one */
};

bool snapshot_pause(struct vm *vm)
{
    return vm->config->snapshot && (!vm->snapshot || vm->snapshot->learns);
}

bool snapshot_is(const struct vm *vm)
{
    return vm->snapshot;
}

bool snapshot_starts(const struct vm *vm)
{
    return vm->snapshot && vm->snapshot->start;
}

uint8_t *snapshot_control(const struct vm *vm)
{
    return vm->snapshot->control->clean;
}

struct reset_counts snapshot_counts(const struct vm *vm)
{
    return vm->snapshot->counts;
}

/* ---- what there is ---- */

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static bool piece_full(const struct piece *p, uint64_t at)
{
    return p->full && p->full[at / PAGE / 64] >> at / PAGE % 64 & 1;
}

/* Pages of zeros stay untouched in the copy. */
static void piece_copy(struct piece *p)
{
    for (uint64_t at = 0; at < p->bytes; at += PAGE)
        if (!is_zero(p->live + at)) {
            memcpy(p->clean + at, p->live + at, PAGE);
            p->full[at / PAGE / 64] |= 1ull << at / PAGE % 64;
        }
}

static bool piece_add(struct snapshot *s, gva_t at, uint8_t *live, uint64_t bytes)
{
    if (!bytes)
        return true;
    struct piece *p = &s->pieces[s->n];
    uint8_t *clean = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t *full = calloc(bytes / PAGE / 64 + 1, sizeof *full);
    if (clean == MAP_FAILED || !full) {
        free(full);
        return clean != MAP_FAILED && munmap(clean, bytes) != 0;
    }
    madvise(clean, bytes, MADV_NOHUGEPAGE);
    *p = (struct piece){.at = at, .live = live, .clean = clean, .bytes = bytes, .full = full};
    piece_copy(p);
    s->n++;
    if (at == MAP_CONTROL)
        s->control = p;
    return true;
}

static bool pieces_make(struct vm *vm, struct snapshot *s)
{
    const struct ram *ram = &vm->ram;
    uint64_t first = vm->code_bytes < ram->code.bytes ? vm->code_bytes : ram->code.bytes;
    for (unsigned i = 0; i < REGION_COUNT; i++) {
        const struct region *r = &vm->mem.regions[i];
        if (i != REGION_STACK_MORE && r->writable && !piece_add(s, r->at, r->host, r->bytes))
            return false;
    }
    return piece_add(s, MAP_CODE_W, ram->code.host, first) &&
           piece_add(s, MAP_CODE_W + first, ram->code_more.all.host, vm->code_bytes - first);
}

/* What each kind keeps that is not memory of the guest's. */
static bool sizes_and_cpu(struct vm *vm, struct snapshot *s)
{
    s->linear_bytes = vm->mem.regions[REGION_LINEAR].bytes;
    s->heap_bytes = vm->heap_bytes;
    s->code_bytes = vm->code_bytes;
    s->cpu = kvm_keep(&vm->kvm);
    memcpy(s->cpl0, vm->cpl0_tables.host, sizeof s->cpl0);
    return s->cpu != NULL;
}

/* NULL, or why the state cannot be kept. */
static const char *make(struct vm *vm, struct snapshot *s)
{
    if (vm->more.bytes)
        return "it has more than one memory";
    if (vm->ram.stack_whole)
        return "its stack is in use below the first 128 KiB";
    if (!sizes_and_cpu(vm, s))
        return "KVM does not give the CPU's state";
    if (!pieces_make(vm, s))
        return "no memory";
    return tables_renew(&vm->tables) ? NULL : "its page tables are used up";
}

/* What runs next is a start behind the module's loading, as if of an image. */
static void start_make(struct vm *vm, struct snapshot *s)
{
    vm->start.rsi = kvm_pkru_stays(s->cpu);
    kvm_kept_at(s->cpu, &vm->start);
}

/* Of the control area the boot record and the words behind the struct stay.  Pages of zeros, which
 * are most of it, stay untouched. */
static void control_begin(struct vm *vm, const struct piece *p)
{
    const uint64_t from = sizeof(struct boot_record), to = sizeof(struct control);
    for (uint64_t at = 0; at < p->bytes; at += PAGE) {
        uint64_t first = at < from ? from : at, last = at + PAGE < to ? at + PAGE : to;
        if (!piece_full(p, at))
            continue;
        if (first < last)
            memset(p->clean + first, 0, last - first);
        if (at == 0)
            boot_again(vm, (struct boot_record *)p->clean);
        memcpy(p->live + at, p->clean + at, PAGE);
    }
}
_Static_assert(sizeof(struct boot_record) <= PAGE, "the boot record is in the first page");

bool snapshot_take(struct vm *vm, bool start, struct failure *why)
{
    struct snapshot *s = calloc(1, sizeof *s);
    snapshot_free(vm);
    vm->snapshot = s;
    const char *wrong = s ? make(vm, s) : "no memory";
    if (wrong)
        return failure_set(why, "%s: no snapshot can be taken: %s", vm->config->module, wrong);
    s->start = start;
    if (start) {
        start_make(vm, s);
        control_begin(vm, s->control);
    }
    vm->mem.told = &vm->tables;
    return snapshot_back(vm, why);
}

/* ---- of a machine that was made from a template ---- */

static struct piece *piece_of(struct snapshot *s, gva_t at, uint8_t *live, const struct template *t,
                              unsigned part)
{
    const struct template_part *p = &t->parts[part];
    s->pieces[s->n] = (struct piece){ .at = at, .live = live, .clean = t->host + p->offset,
                                      .bytes = p->bytes, .full = p->full, .shared = true };
    return &s->pieces[s->n++];
}

static void region_of(struct vm *vm, struct snapshot *s, const struct region *r,
                      const struct template *t)
{
    if (!r->writable || !r->bytes)
        return;
    if (r->at == MAP_LINEAR)
        piece_of(s, r->at, r->host, t, TEMPLATE_LINEAR);
    else if (r->at == MAP_HEAP)
        piece_of(s, r->at, r->host, t, TEMPLATE_HEAP);
    else if (r == resume_data(vm))
        piece_of(s, r->at, r->host, t, TEMPLATE_DATA);
    else if (r->at == MAP_CONTROL)
        s->control = piece_of(s, r->at, r->host, t, TEMPLATE_CONTROL);
    else /* stacks, which nobody has used */
        s->pieces[s->n++] = (struct piece){
            .at = r->at, .live = r->host, .bytes = r->bytes, .shared = true
        };
}

static const char *make_shared(struct vm *vm, struct snapshot *s, const struct template *t)
{
    if (!sizes_and_cpu(vm, s))
        return "KVM does not give the CPU's state";
    for (unsigned i = 0; i < REGION_COUNT; i++)
        if (i != REGION_STACK_MORE)
            region_of(vm, s, &vm->mem.regions[i], t);
    piece_of(s, MAP_CODE_W, vm->ram.code.host, t, TEMPLATE_CODE);
    return NULL;
}

bool snapshot_shared(struct vm *vm, const struct template *t, struct failure *why)
{
    struct snapshot *s = vm->snapshot = calloc(1, sizeof *s);
    const char *wrong = s ? make_shared(vm, s, t) : "no memory";
    if (wrong)
        return failure_set(why, "%s: no machine can be made: %s", vm->config->module, wrong);
    s->start = true;
    start_make(vm, s);
    template_copy(t, TEMPLATE_CONTROL, s->control->live);
    vm->mem.told = &vm->tables;
    return snapshot_back(vm, why);
}

void snapshot_free(struct vm *vm)
{
    struct snapshot *s = vm->snapshot;
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->pieces[i].shared)
            continue;
        munmap(s->pieces[i].clean, s->pieces[i].bytes);
        free(s->pieces[i].full);
    }
    free(s->cpu);
    free(s);
    vm->snapshot = NULL;
    vm->mem.told = NULL;
}

/* ---- back ---- */

static uint64_t piece_back(const struct tables *tables, const struct piece *p)
{
    uint64_t pages = 0;
    gva_t end = p->at + p->bytes;
    for (gva_t at = p->at; (at = tables_written(tables, at, end)) < end; at += PAGE, pages++) {
        uint64_t offset = at - p->at;
        if (piece_full(p, offset))
            memcpy(p->live + offset, p->clean + offset, PAGE);
        else
            memset(p->live + offset, 0, PAGE);
    }
    return pages;
}

/* [from, to) of a range whose first byte is at `base` is neither mapped nor there any more. */
static void drop(struct vm *vm, gva_t base, uint8_t *host, uint64_t from, uint64_t to)
{
    if (to <= from)
        return;
    tables_unmap(&vm->tables, base + from, to - from);
    madvise(host + from, to - from, MADV_DONTNEED);
    vm->snapshot->counts.dropped_bytes += to - from;
}

/* The same of a range in two pieces. */
static void drop_pieces(struct vm *vm, gva_t base, const struct span *first,
                        const struct range *more, uint64_t from, uint64_t to)
{
    uint64_t edge = first->bytes;
    drop(vm, base, first->host, from, to < edge ? to : edge);
    if (to > edge)
        drop(vm, base + edge, more->all.host, from > edge ? from - edge : 0, to - edge);
}

static void growth_back(struct vm *vm)
{
    struct snapshot *s = vm->snapshot;
    struct ram *ram = &vm->ram;
    struct region *linear = &vm->mem.regions[REGION_LINEAR],
                  *more = &vm->mem.regions[REGION_HEAP_MORE];
    drop(vm, MAP_LINEAR, linear->host, s->linear_bytes, linear->bytes);
    linear->bytes = s->linear_bytes;
    drop_pieces(vm, MAP_HEAP, &ram->heap, &ram->heap_more, s->heap_bytes, vm->heap_bytes);
    vm->heap_bytes = s->heap_bytes;
    vm->mem.regions[REGION_HEAP].bytes = s->heap_bytes < ram->heap.bytes ? s->heap_bytes
                                                                         : ram->heap.bytes;
    more->bytes = s->heap_bytes - vm->mem.regions[REGION_HEAP].bytes;
    if (vm->code_bytes > s->code_bytes)
        tables_unmap(&vm->tables, MAP_CODE_X + s->code_bytes, vm->code_bytes - s->code_bytes);
    drop_pieces(vm, MAP_CODE_W, &ram->code, &ram->code_more, s->code_bytes, vm->code_bytes);
    vm->code_bytes = s->code_bytes;
    if (ram->stack_whole) {
        uint64_t rest = ram->stack_bytes - STACK_TOP_BYTES;
        drop(vm, MAP_STACK + MAP_STACK_MAX - ram->stack_bytes, ram->stack_more.all.host, 0, rest);
        ram->stack_whole = false;
    }
}

/* What differs between two runs: random numbers and clocks. */
static bool freshen(struct vm *vm)
{
    uint8_t pool[RANDOM_POOL];
    if (!boot_entropy(vm))
        return false;
    if (vm->snapshot->start) {
        clockpage_again(vm);
        return boot_ran(vm);
    }
    clockpage_refresh(vm);
    return random_fill(pool, sizeof pool) &&
           guest_write(&vm->mem, MAP_CONTROL + offsetof(struct control, random), pool, sizeof pool);
}

/* Its stacks are pages of zeros in most machines, and stay so. */
static void cpl0_back(struct vm *vm, const struct snapshot *s)
{
    for (uint64_t at = 0; at < sizeof s->cpl0; at += PAGE)
        if (memcmp(vm->cpl0_tables.host + at, s->cpl0 + at, PAGE) != 0)
            memcpy(vm->cpl0_tables.host + at, s->cpl0 + at, PAGE);
}

bool snapshot_back(struct vm *vm, struct failure *why)
{
    struct snapshot *s = vm->snapshot;
    if (vm->more.bytes)
        return failure_set(why, "%s: it cannot be taken back: a memory came that was not there",
                           vm->config->module);
    unsigned ioctls = 0;
    s->counts = (struct reset_counts){.pages = 0};
    for (unsigned i = 0; i < s->n; i++)
        s->counts.pages += piece_back(&vm->tables, &s->pieces[i]);
    cpl0_back(vm, s);
    growth_back(vm);
    vm->total_met = false;
    bool good = freshen(vm) && kvm_put_back(&vm->kvm, s->cpu, vm->tables.root, &ioctls);
    s->counts.ioctls = ioctls;
    if (good)
        return true;
    return failure_set(
        why, "%s: it cannot be taken back: no random numbers, or KVM refuses the CPU's state",
        vm->config->module);
}

static void wet_keep(struct vm *vm)
{
    const uint64_t end = MAP_LINEAR + vm->snapshot->linear_bytes;
    free(vm->wet);
    vm->wet = calloc(vm->snapshot->linear_bytes / PAGE / 64 + 1, sizeof *vm->wet);
    for (gva_t at = MAP_LINEAR; vm->wet && (at = tables_written(&vm->tables, at, end)) < end;
         at += PAGE)
        vm->wet[(at - MAP_LINEAR) / PAGE / 64] |= 1ull << (at - MAP_LINEAR) / PAGE % 64;
}

uint64_t *snapshot_wet(struct vm *vm)
{
    uint64_t *wet = vm->wet;
    vm->wet = NULL;
    return wet;
}

bool snapshot_learn(struct vm *vm, struct failure *why)
{
    const gva_t at = MAP_CONTROL + offsetof(struct control, compiled);
    const gva_t flags_at = MAP_CONTROL + offsetof(struct boot_record, flags);
    uint8_t bits[FUNC_BITS / 8];
    uint32_t flags;
    wet_keep(vm);
    if (!guest_read(&vm->mem, at, bits, sizeof bits) || !snapshot_back(vm, why) ||
        !guest_read(&vm->mem, flags_at, &flags, sizeof flags))
        return false;
    flags |= BOOT_SAVE;
    vm->snapshot->learns = true;
    return guest_write(&vm->mem, at, bits, sizeof bits) &&
           guest_write(&vm->mem, flags_at, &flags, sizeof flags);
}

static bool piece_differs(const struct piece *p, uint64_t at)
{
    return piece_full(p, at) ? memcmp(p->live + at, p->clean + at, PAGE) != 0
                             : !is_zero(p->live + at);
}

gva_t snapshot_differs(const struct vm *vm)
{
    const struct snapshot *s = vm->snapshot;
    for (unsigned i = 0; i < s->n; i++)
        for (uint64_t at = 0; &s->pieces[i] != s->control && at < s->pieces[i].bytes; at += PAGE)
            if (piece_differs(&s->pieces[i], at))
                return s->pieces[i].at + at;
    return 0;
}
