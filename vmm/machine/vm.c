/* The machine, from nothing to a guest that can run: the order of a start, and its end. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

#define PIPE_START (1u << 20)
#define MODULE_PAGES 50
#define ENGINE_BYTES (1ull << 30) /* for module, heap and code, beside linear memory and stack */
#define KERNEL_BYTES_PER_PAGE 8 /* of a memory slot: KVM's reverse map */

/* ---- the module's bytes: read once, fully, here ---- */

static bool unreadable(const struct vm *vm, struct failure *why)
{
    return failure_as(why, EXIT_NO_MODULE, "%s: the module cannot be read: %s", vm->config->module,
                      strerror(errno));
}

static bool too_large(const struct vm *vm, struct failure *why)
{
    return failure_as(why, EXIT_INVALID_MODULE, "%s is not a valid module: it is larger than 1 GiB",
                      vm->config->module);
}

static bool damaged(const struct vm *vm, const char *what, struct failure *why)
{
    return failure_set(why, "%s is a damaged image: %s (wasmvm build makes one)",
                       vm->config->module, what);
}

/* Reads up to cap bytes until the end, of a file from where its module begins; stops early at a
 * kick.  -1: errno. */
static int64_t read_fully(struct vm *vm, int fd, bool is_pipe, uint8_t *to, uint64_t cap)
{
    const uint64_t from = vm->entry.module_at;
    uint64_t n = 0;
    while (n < cap && !kick_pending(&vm->kick)) {
        uint64_t want = cap - n < READ_MOST ? cap - n : READ_MOST;
        ssize_t got = is_pipe ? read(fd, to + n, want)
                              : pread_once(fd, to + n, want, (off_t)(from + n));
        if (got == 0)
            break;
        if (got > 0)
            n += got;
        else if (errno == EAGAIN)
            kick_ppoll(&vm->kick, &(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        else if (errno != EINTR)
            return -1;
    }
    return (int64_t)n;
}

/* Of a pipe, whose length shows only at its end. */
static bool pipe_read(struct vm *vm, int fd, struct failure *why)
{
    uint64_t cap = PIPE_START, n = 0;
    for (;;) {
        uint8_t *bytes = realloc(vm->module_copy, cap);
        if (!bytes)
            return failure_set(why, "%s: no memory for the module: %s (free some)",
                               vm->config->module, strerror(errno));
        vm->module_copy = bytes;
        kick_ppoll(&vm->kick, &(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        int64_t got = read_fully(vm, fd, true, bytes + n, cap - n);
        if (got < 0)
            return unreadable(vm, why);
        n += (uint64_t)got;
        if (n < cap || cap > MAP_MODULE_MAX)
            break;
        cap *= 2;
    }
    vm->module_bytes = n;
    return n <= MAP_MODULE_MAX || too_large(vm, why);
}

static bool module_measure(struct vm *vm, const struct module *module, struct failure *why)
{
    struct stat st;
    int fd = module->fd;
    vm->module_bytes = module->n; /* of bytes: whoever made it has seen to their number */
    if (vm->config->template)
        vm->module_bytes = vm->config->template->module_bytes;
    if (fd < 0 || vm->config->template)
        return true;
    if (fstat(fd, &st) != 0)
        return unreadable(vm, why);
    if (!S_ISREG(st.st_mode))
        return pipe_read(vm, fd, why);
    vm->module_bytes = vm->entry.ships ? vm->entry.module_bytes : (uint64_t)st.st_size;
    return vm->module_bytes <= MAP_MODULE_MAX || too_large(vm, why);
}

/* A last 2 MiB page of which little is used is left to 4 KiB pages: from some fifty of them on it
 * costs less whole. */
static bool module_place(struct vm *vm, const struct module *module, struct failure *why)
{
    struct span *place = &vm->ram.module;
    uint64_t whole = vm->module_bytes / FRAME * FRAME;
    if (vm->module_bytes - whole < MODULE_PAGES * PAGE && vm->module_bytes != whole)
        madvise(place->host + whole, FRAME, MADV_NOHUGEPAGE);
    const uint8_t *bytes = vm->module_copy ? vm->module_copy : module->bytes;
    if (bytes) {
        memcpy(place->host, bytes, vm->module_bytes);
    } else {
        int64_t got = read_fully(vm, module->fd, false, place->host, vm->module_bytes);
        if (got < 0)
            return unreadable(vm, why);
        vm->module_bytes = (uint64_t)got;
    }
    free(vm->module_copy);
    vm->module_copy = NULL;
    return kick_pending(&vm->kick) || /* then it may be cut short, and nothing runs */
           entry_module_good(&vm->entry, place->host, vm->module_bytes) ||
           damaged(vm, "its module is", why);
}

/* ---- start ---- */

struct vm *vm_new(const struct config *config, struct run_stats *stats)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->config = config;
    vm->stats = stats;
    vm->cpus = thread_cpus();
    vm->kvm = (struct kvm){.fd = -1, .vm_fd = -1, .vcpu_fd = -1};
    entry_none(&vm->entry);
    if (kick_open(&vm->kick, config->timeout_ns ? stats->start_ns + config->timeout_ns : 0,
                  config->set->cpu_time_ns, config->set->cpu_began_ns))
        return vm;
    free(vm);
    return NULL;
}

uint64_t vm_fixed_bytes(const struct vm *vm)
{
    return round_up(vm->config->set->stack_bytes, FRAME) + vm->module_bytes;
}

uint64_t vm_total_most(const struct vm *vm)
{
    const struct settings *set = vm->config->set;
    return set->total_bytes ? set->total_bytes
                            : set->memory_bytes + round_up(set->stack_bytes, FRAME) + ENGINE_BYTES;
}

/* What stands in memory before the guest grows any. */
static bool fits(const struct vm *vm, struct failure *why)
{
    if (vm_fixed_bytes(vm) <= vm_total_most(vm))
        return true;
    return failure_set(
        why,
        "%s does not fit: module and stack are %llu bytes, of %llu in all (--total-memory SIZE)",
        vm->config->module, (unsigned long long)vm_fixed_bytes(vm),
        (unsigned long long)vm_total_most(vm));
}

/* KVM's part: memory, and a CPU that has not run. */
static bool hardware_make(struct vm *vm, struct failure *why)
{
    struct ram_sizes sizes = { .small = boot_small_bytes(vm->config, &vm->image),
                               .module = vm->module_bytes };
    struct timeline *t = vm->stats->timeline;
    if (vm->kvm.vm_fd < 0 && !kvm_open(&vm->kvm, (int)vm->config->set->kvm_fd, why))
        return false;
    timeline_phase(t, "/dev/kvm, a virtual machine");
    if (!ram_new(&vm->ram, &vm->kvm, vm->config, &sizes, why))
        return false;
    timeline_phase(t, "address space, a memory slot");
    if (!kvm_add_vcpu(&vm->kvm, why))
        return false;
    timeline_phase(t, "a virtual CPU");
    return true;
}

/* From an image or from nothing, and whether an image is made on the way. */
static bool start_make(struct vm *vm, const struct module *module, uint32_t features,
                       struct failure *why)
{
    struct entry *entry = &vm->entry;
    if (vm->config->template)
        return template_load(vm, vm->config->template) ||
               failure_set(why, "%s: no memory for a machine", vm->config->module);
    if (entry->resume && resume_load(vm, features)) {
        boot_resume(vm);
    } else if (entry->damaged) {
        return damaged(vm, entry->why, why);
    } else if (entry->image_refused) {
        if (!module_place(vm, module, why))
            return false;
        boot_module(vm);
    }
    entry->cpu = features;
    entry_make(entry, vm->ram.module.host, vm->module_bytes);
    if (entry->make)
        boot_save(vm);
    else if (vm->config->snapshot)
        boot_pause(vm);
    entry_opened(entry);
    return true;
}

/* What is in memory before the first instruction, and where that is. */
static bool contents_make(struct vm *vm, const struct module *module, struct failure *why)
{
    struct cpu_start *start = &vm->start;
    uint32_t features = features_host();
    bool avx = features & CPU_AVX;
    struct timeline *t = vm->stats->timeline;
    if (!vm->entry.resume && !vm->config->template && !module_place(vm, module, why))
        return false;
    timeline_phase(t, vm->entry.resume ? "nothing of the module" : "the module into memory");
    if (!boot_prepare(vm, &vm->image, start, why))
        return false;
    timeline_phase(t, "guest image, tables, boot record");
    if (!kvm_start_state(&vm->kvm, start, &avx, why))
        return false;
    if (!avx)
        features &= ~(uint32_t)CPU_AVX;
    boot_features(vm, features);
    timeline_phase(t, "the CPU's registers");
    if (!start_make(vm, module, features, why))
        return false;
    image_close(&vm->image);
    if (vm->entry.state != ENTRY_OFF)
        timeline_phase(t, "the image of the start");
    clockpage_start(vm);
    timeline_phase(t, "the guest's clocks");
    return !vm->config->template || snapshot_shared(vm, vm->config->template, why);
}

void vm_early(struct vm *vm)
{
    struct failure none;
    if (!kvm_open(&vm->kvm, (int)vm->config->set->kvm_fd, &none))
        kvm_close(&vm->kvm);
}

bool vm_build(struct vm *vm, const struct module *module, struct failure *why)
{
    uint64_t began = clock_now_ns();
    int module_fd = vm->config->template ? -1 : module->fd;
    if (!resume_open(vm, module_fd, why) || !image_open(&vm->image, vm->config, why) ||
        !module_measure(vm, module, why) || !fits(vm, why))
        return false;
    timeline_phase(vm->stats->timeline, "headers of the guest image");
    uint64_t measured = clock_now_ns();
    if (!hardware_make(vm, why))
        return false;
    uint64_t made = clock_now_ns();
    if (!contents_make(vm, module, why))
        return false;
    vm->stats->vm_ns = made - measured;
    vm->stats->load_ns = clock_now_ns() - made + (measured - began);
    return true;
}

struct kick *vm_kick(struct vm *vm)
{
    return &vm->kick;
}

struct machine vm_machine(struct vm *vm)
{
    return (struct machine){vm, vm->config, vm->stats, &vm->mem, &vm->kick, &vm->kvm, vm->cpus};
}

struct guestmem *vm_memory(struct vm *vm)
{
    return &vm->mem;
}

/* ---- end ---- */

uint64_t vm_boot_ns(struct vm *vm, uint64_t entered_ns, uint64_t run_ns)
{
    const gva_t at = MAP_CONTROL + offsetof(struct control, stats.marks_tsc[MARK_LINKED]);
    uint64_t tsc;
    if (!vm->snapshot || !vm->clock.checked || !guest_read(&vm->mem, at, &tsc, sizeof tsc))
        return run_ns;
    uint64_t at_ns = clockpage_when(vm, tsc);
    return at_ns < entered_ns ? 0 : at_ns - entered_ns < run_ns ? at_ns - entered_ns : run_ns;
}

void vm_count(struct vm *vm)
{
    struct run_stats *stats = vm->stats;
    stats->linear_bytes = vm->mem.regions[REGION_LINEAR].bytes + vm->more.bytes;
    stats->slot_kernel_bytes = vm->kvm.slot_bytes / PAGE * KERNEL_BYTES_PER_PAGE;
    if (vm->config->set->kvm_counts)
        kvm_count(&vm->kvm, &stats->kvm);
    guest_read(&vm->mem, MAP_CONTROL + offsetof(struct control, stats), &stats->guest,
               sizeof stats->guest);
    for (unsigned i = 0; stats->timeline && i < GUEST_MARKS; i++)
        stats->timeline->marks_ns[i] = clockpage_when(vm, stats->guest.marks_tsc[i]);
}

void vm_close(struct vm *vm)
{
    kvm_close(&vm->kvm);
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    snapshot_free(vm);
    free(vm->wet);
    vm_close(vm);
    ram_free(&vm->ram);
    image_close(&vm->image);
    free(vm->module_copy);
    kick_close(&vm->kick);
    entry_close(&vm->entry);
    free(vm);
}
