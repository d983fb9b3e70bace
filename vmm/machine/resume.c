/* An image of a start, out of guest memory and into it.
 *
 * Both is done while no guest runs: before the first instruction, or while the vCPU waits for its
 * call.  Into memory go pages, nothing else: page tables, registers, descriptor tables and the
 * control area are made anew for each start, and where the CPU begins is the guest image's entry,
 * as ever.  What an image says it has in memory is mapped by grow.c, under the limits of this run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

#define FRAME_PAGES (FRAME / PAGE)
#define GAP_FIRST 4 /* pages of zeros that do not end an extent */
#define MAPPED_LEAST 8 /* pages of an extent that is mapped */

/* ---- what an image depends on ---- */

struct facts {
    /* the guest image's hash, in letters: passes, tiers, the map, all that is compiled into it */
    uint8_t guest[64];
    uint32_t saved_version, cpu, flags, hosts;
    struct hash host_functions;
};

/* In the order of their numbers, which compiled code knows them by. */
static struct hash hosts_hash(const struct host_table *hosts)
{
    struct hash all = {{0}}, one;
    for (uint32_t i = 0; hosts && i < hosts->n; i++) {
        const struct wasmvm_func *f = &hosts->entries[i].func;
        const char *const words[] = {f->module, f->name, f->sig};
        for (unsigned w = 0; w < 3; w++) {
            hash_of(words[w], strlen(words[w]), &one);
            struct hash both[2] = {all, one};
            hash_of(both, sizeof both, &all);
        }
    }
    return all;
}

static struct hash engine_hash(const struct vm *vm, bool validated)
{
    const struct settings *set = vm->config->set;
    struct facts facts = {.saved_version = SAVED_VERSION, .cpu = features_host(),
                          .flags = (validated || set->validate) | set->compile_all << 1,
                          .hosts = vm->config->host ? vm->config->host->n : 0,
                          .host_functions = hosts_hash(vm->config->host)};
    struct hash hash;
    memcpy(facts.guest, guest_image_hash, sizeof facts.guest);
    hash_of(&facts, sizeof facts, &hash);
    return hash;
}

/* Who grants the cache for writing grants all later starts. */
static bool granted(const struct config *config, struct failure *why)
{
    char inside[4096];
    int n = snprintf(inside, sizeof inside, "%s/.", config->set->cache);
    if (n > 0 && n < (int)sizeof inside && !named_is_guests(&config->writable, inside))
        return false;
    failure_set(why, "%s: it cannot be used as a cache: the program can write there",
                config->set->cache);
    return true;
}

/* Why this run does not go on from the image that its module's file is; NULL: it may. */
static const char *image_unused(const struct config *config)
{
    const struct settings *set = config->set;
    if (set->build_fd || set->list_fd || config->validate_only)
        return "the image is not wanted";
    if (set->guest_image)
        return "there is another guest image";
    return named_is_guests(&config->writable, config->module) ? "the program can write the image"
                                                              : NULL;
}

/* The module of an image that carries it was validated whole. */
static bool shipped(struct vm *vm, int module_fd, struct failure *why)
{
    const struct settings *set = vm->config->set;
    const struct entry_want want = { .module_fd = module_fd,
                                     .engine = engine_hash(vm, true),
                                     .name = vm->config->module,
                                     .cpu = features_host(),
                                     .build_fd = (int)set->build_fd,
                                     .list_fd = (int)set->list_fd,
                                     .unused = image_unused(vm->config),
                                     .kick = &vm->kick };
    return shipped_open(&vm->entry, &want, why);
}

/* A guest image of somebody's own has no hash that was made with it. */
static bool cached(struct vm *vm, int module_fd, struct failure *why)
{
    const struct config *config = vm->config;
    bool off = !config->set->cache || config->set->guest_image || config->validate_only ||
               module_fd < 0;
    struct entry_want want = { .path = off ? NULL : config->set->cache,
                               .now = config->set->cache_now,
                               .module_fd = module_fd,
                               .name = config->module,
                               .cpu = features_host(),
                               .kick = &vm->kick };
    if (!off)
        want.engine = engine_hash(vm, false);
    if (vm->entry.stale)
        entry_inside(&vm->entry, &want);
    else
        entry_open(&vm->entry, &want);
    if (vm->entry.dir < 0 || !granted(config, why)) /* which is there by now */
        return true;
    entry_leave(&vm->entry, "the program can write into its directory");
    return config->set->cache_usual;
}

bool resume_open(struct vm *vm, int module_fd, struct failure *why)
{
    const struct settings *set = vm->config->set;
    if (!set->build_fd && !set->list_fd && !saved_begins(module_fd))
        return cached(vm, module_fd, why);
    return shipped(vm, module_fd, why) &&
           (!vm->entry.stale || set->build_fd || set->list_fd || cached(vm, module_fd, why));
}

/* ---- parts of an image in memory ---- */

const struct region *resume_data(const struct vm *vm)
{
    const struct region *found = NULL;
    for (unsigned i = 0; i < REGION_COUNT; i++) {
        const struct region *r = &vm->mem.regions[i];
        if (!r->writable || r->at < MAP_IMAGE || r->at >= MAP_IMAGE + MAP_IMAGE_MAX)
            continue;
        if (found)
            return NULL;
        found = r;
    }
    return found;
}

static uint8_t *piece_at(const struct span *first, const struct range *more, uint64_t at)
{
    return at < first->bytes ? first->host + at : more->all.host + (at - first->bytes);
}

/* Pages of one frame lie together. */
static uint8_t *page_at(const struct vm *vm, uint32_t part, uint64_t page)
{
    const struct ram *ram = &vm->ram;
    switch (part) {
    case SAVED_DATA: return resume_data(vm)->host + page * PAGE;
    case SAVED_HEAP: return piece_at(&ram->heap, &ram->heap_more, page * PAGE);
    case SAVED_CODE: return piece_at(&ram->code, &ram->code_more, page * PAGE);
    default: return ram->linear.host + page * PAGE;
    }
}

/* ---- into memory ---- */

/* Many processes have the file's pages in common where they map them.  Few pages are read, as a
 * mapping costs more. */
static bool is_mapped(const struct vm *vm, const struct saved_extent *e)
{
    bool shared = e->part == SAVED_LINEAR && vm->config->set->memory_fd;
    return vm->config->set->dense && e->part != SAVED_DATA && !shared && e->pages >= MAPPED_LEAST;
}

/* The sum is that of a copy, as the mapping's pages are left to whoever needs them.  The copy is no
 * allocation: those stay in the heap of a process that waits. */
static bool extent_map(const struct vm *vm, const struct saved_extent *e, uint64_t at)
{
    uint64_t n = e->pages * PAGE;
    const int rights = PROT_READ | PROT_WRITE;
    uint8_t *to = page_at(vm, e->part, e->page);
    uint8_t *copy = mmap(NULL, n, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return false;
    bool good = read_at(vm->entry.image_fd, copy, n, at) && sum_of(copy, n) == e->sum;
    if (good && mmap(to, n, rights, MAP_PRIVATE | MAP_FIXED, vm->entry.image_fd, (off_t)at) ==
                    MAP_FAILED)
        memcpy(to, copy, n); /* it is on a file system that maps nothing */
    munmap(copy, n);
    return good;
}

static bool extent_load(const struct vm *vm, const struct saved_extent *e, uint64_t at)
{
    uint64_t n = e->pages * PAGE;
    if (is_mapped(vm, e))
        return extent_map(vm, e, at);
    uint8_t *to = page_at(vm, e->part, e->page);
    return read_at(vm->entry.image_fd, to, n, at) && sum_of(to, n) == e->sum;
}

/* After a stop the rest is left out, as no instruction will run. */
static bool pages_load(struct vm *vm)
{
    const struct saved *s = &vm->entry.saved;
    uint64_t at = s->pages_at, looked = at;
    for (uint32_t i = 0; i < s->head.extents; i++) {
        if (at - looked >= READ_MOST) {
            looked = at;
            if (kick_pending(&vm->kick))
                return true;
        }
        if (!extent_load(vm, &s->extents[i], at))
            return false;
        at += s->extents[i].pages * PAGE;
    }
    return true;
}

/* Where a file is mapped, to forget the pages would bring back the file's. */
static void span_clear(const struct vm *vm, uint8_t *host, uint64_t bytes)
{
    if (!vm->config->set->dense) {
        madvise(host, bytes, MADV_DONTNEED);
        return;
    }
    void *fresh = mmap(host, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (fresh == MAP_FAILED)
        memset(host, 0, bytes);
    else
        madvise(host, bytes, MADV_NOHUGEPAGE);
}

static void range_clear(const struct vm *vm, const struct span *first, const struct range *more,
                        uint64_t bytes)
{
    uint64_t here = bytes < first->bytes ? bytes : first->bytes;
    if (here)
        span_clear(vm, first->host, round_up(here, PAGE));
    if (bytes > here)
        span_clear(vm, more->all.host, bytes - here);
}

/* Others have it too, where it is a file: then that is emptied. */
static void linear_clear(struct vm *vm, uint64_t bytes)
{
    vm->ram.gathered = 0;
    if (vm->config->set->memory_fd)
        madvise(vm->ram.linear.host, bytes, MADV_REMOVE);
    else if (bytes)
        span_clear(vm, vm->ram.linear.host, bytes);
}

/* As if nothing had been loaded. */
static void pages_clear(struct vm *vm)
{
    const struct region *data = resume_data(vm);
    range_clear(vm, &vm->ram.heap, &vm->ram.heap_more, vm->heap_bytes);
    range_clear(vm, &vm->ram.code, &vm->ram.code_more, vm->code_bytes);
    linear_clear(vm, vm->entry.saved.head.bytes[SAVED_LINEAR]);
    for (unsigned i = 0; i < vm->image.nsegments; i++) {
        const struct segment *s = &vm->image.segments[i];
        if (s->at != data->at)
            continue;
        memset(data->host, 0, data->bytes);
        memcpy(data->host, s->bytes, s->file_bytes);
    }
}

/* NULL, or why the image does not fit; *bad: to nobody. */
static const char *load(struct vm *vm, uint32_t cpu, bool *bad)
{
    const struct saved_head *h = &vm->entry.saved.head;
    const struct region *data = resume_data(vm);
    *bad = !data || data->bytes != h->bytes[SAVED_DATA];
    if (*bad)
        return "it is another guest's";
    if (h->cpu != cpu)
        return "its code is for another CPU";
    if (h->bytes[SAVED_LINEAR] > vm->config->set->memory_bytes ||
        h->bytes[SAVED_LINEAR] > vm->ram.linear.bytes)
        return "its memory is more than --memory";
    if (grow_heap(vm, h->bytes[SAVED_HEAP]) != GROW_DONE ||
        grow_code(vm, h->bytes[SAVED_CODE]) != GROW_DONE ||
        !grow_allowed(vm, h->bytes[SAVED_LINEAR]))
        return "its memory is more than --total-memory";
    ram_gather(&vm->ram, h->bytes[SAVED_LINEAR]);
    *bad = !pages_load(vm);
    if (*bad) {
        pages_clear(vm);
        return "its pages are damaged";
    }
    if (grow_linear(vm, 0, h->bytes[SAVED_LINEAR]) == GROW_DONE)
        return NULL;
    pages_clear(vm);
    return "its memory is more than --total-memory";
}

bool resume_load(struct vm *vm, uint32_t cpu)
{
    bool bad;
    const char *wrong = load(vm, cpu, &bad);
    if (wrong)
        entry_refuse(&vm->entry, wrong, bad);
    vm->entry.image_refused = wrong;
    return !wrong;
}

enum module_pieces resume_pieces(struct vm *vm, uint64_t from, uint64_t to)
{
    const struct entry *e = &vm->entry;
    if (!e->resume || from >= to || to > saved_pieces(e->module_bytes))
        return PIECES_HOSTILE;
    for (uint64_t piece = from; piece < to; piece++) {
        if (piece > from && (piece - from) % (READ_MOST / MODULE_PIECE) == 0 &&
            kick_pending(&vm->kick))
            return PIECES_STOPPED;
        uint64_t at = piece * MODULE_PIECE, left = e->module_bytes - at,
                 n = left < MODULE_PIECE ? left : MODULE_PIECE;
        uint8_t *host = vm->ram.module.host + at;
        if (!read_at(e->module_fd, host, n, e->module_at + at) ||
            !entry_piece_good(e, (uint32_t)piece, host, n))
            return PIECES_CHANGED;
        if (!tables_map(&vm->tables, MAP_MODULE + at, vm->ram.module.gpa + at, round_up(n, PAGE),
                        0))
            return PIECES_HOSTILE; /* the pool holds all pieces of the largest module */
    }
    return PIECES_THERE;
}

/* ---- out of memory ---- */

static bool is_zero(const uint8_t *page)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < PAGE / 64 && !any; i++)
        for (unsigned w = 0; w < 8; w++)
            any |= ((const uint64_t *)(const void *)page)[8 * i + w];
    return !any;
}

/* The extents of one frame of a part; false: too many. */
static bool frame_scan(const struct vm *vm, struct saved *s, uint32_t part, uint64_t from,
                       uint64_t end, uint32_t gap)
{
    struct saved_extent *last = NULL;
    for (uint64_t page = from; page < end; page++) {
        if (is_zero(page_at(vm, part, page)))
            continue;
        if (last && page - (last->page + last->pages) < gap) {
            last->pages = (uint32_t)(page - last->page + 1);
            continue;
        }
        if (s->head.extents == SAVED_EXTENTS)
            return false;
        last = &s->extents[s->head.extents++];
        *last = (struct saved_extent){.part = part, .page = (uint32_t)page, .pages = 1};
    }
    return true;
}

static bool scan(const struct vm *vm, struct saved *s, uint32_t gap)
{
    s->head.extents = 0;
    for (uint32_t part = 0; part < SAVED_PARTS; part++) {
        uint64_t pages = s->head.bytes[part] / PAGE;
        for (uint64_t from = 0; from < pages; from += FRAME_PAGES) {
            uint64_t end = from + FRAME_PAGES < pages ? from + FRAME_PAGES : pages;
            if (!frame_scan(vm, s, part, from, end, gap))
                return false;
        }
    }
    return true;
}

static bool pages_write(const struct vm *vm, struct saved *s, int fd)
{
    uint64_t at = s->pages_at;
    for (uint32_t i = 0; i < s->head.extents; i++) {
        struct saved_extent *e = &s->extents[i];
        const uint8_t *from = page_at(vm, e->part, e->page);
        e->sum = sum_of(from, e->pages * PAGE);
        if (!write_at(fd, from, e->pages * PAGE, at))
            return false;
        at += e->pages * PAGE;
    }
    return true;
}

/* The head comes last: without it nobody takes the file for an image. */
static bool file_write(const struct vm *vm, struct saved *s)
{
    const struct entry *e = &vm->entry;
    saved_place(s);
    return ftruncate(e->new_fd, (off_t)s->module_at) == 0 && pages_write(vm, s, e->new_fd) &&
           write_at(e->new_fd, e->pieces, saved_pieces(e->module_bytes) * sizeof *e->pieces,
                    s->pieces_at) &&
           (!s->head.carries ||
            write_at(e->new_fd, vm->ram.module.host, e->module_bytes, s->module_at)) &&
           saved_write(e->new_fd, s);
}

static const char *save(struct vm *vm, struct saved *s)
{
    uint32_t gap = GAP_FIRST;
    s->extents = malloc(SAVED_EXTENTS * sizeof *s->extents);
    if (!s->extents)
        return "no memory to make its image";
    while (!scan(vm, s, gap))
        if ((gap *= 4) > FRAME_PAGES)
            return "it is too large for an image";
    return file_write(vm, s)
               ? NULL
               : "its image cannot be written: the disk is full, or a limit of file sizes";
}

bool resume_save(struct vm *vm, uint64_t heap, uint64_t code)
{
    struct entry *e = &vm->entry;
    const struct region *data = resume_data(vm);
    if (!e->make || heap > vm->heap_bytes || code > vm->code_bytes)
        return false;
    struct saved s = entry_head(e);
    struct guest_stats stats;
    const char *wrong = NULL;
    if (guest_read(&vm->mem, MAP_CONTROL + offsetof(struct control, stats), &stats, sizeof stats))
        e->body_bytes = stats.body_bytes_compiled;
    if (!data || vm->more.bytes) {
        wrong = "it has more than one memory";
    } else {
        s.head.bytes[SAVED_DATA] = data->bytes;
        s.head.bytes[SAVED_HEAP] = round_up(heap, PAGE);
        s.head.bytes[SAVED_CODE] = round_up(code, PAGE);
        s.head.bytes[SAVED_LINEAR] = vm->mem.regions[REGION_LINEAR].bytes;
        wrong = save(vm, &s);
    }
    saved_free(&s);
    entry_made(e, !wrong, wrong);
    return true;
}

const char *resume_unmade(const struct vm *vm)
{
    const struct entry *e = &vm->entry;
    return e->build && e->state != ENTRY_MADE ? e->why : NULL;
}

/* ---- the end ---- */

void resume_count(struct vm *vm)
{
    struct run_stats *stats = vm->stats;
    uint8_t bits[LIST_BYTES];
    if (vm->entry.state != ENTRY_OFF &&
        guest_read(&vm->mem, MAP_CONTROL + offsetof(struct control, compiled), bits, sizeof bits))
        entry_listed(&vm->entry, bits, stats->guest.body_bytes_compiled - vm->entry.body_bytes);
    stats->cache = entry_state_name(vm->entry.state);
    stats->cache_why = vm->entry.why;
}
