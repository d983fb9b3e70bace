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

#include "vmm/machine/vm.h"

#define PIPE_START (1u << 20)
#define KERNEL_BYTES_PER_PAGE 8 /* of a memory slot: KVM's reverse map */

/* ---- the module's bytes: read once, fully, here ---- */

/* Reads up to cap bytes until the end, of a file from its start on; stops early at a kick. */
static uint64_t read_fully(struct vm *vm, int fd, bool is_pipe, uint8_t *to, uint64_t cap)
{
    uint64_t n = 0;
    while (n < cap && !kick_pending(&vm->kick)) {
        ssize_t got = is_pipe ? read(fd, to + n, cap - n) : pread(fd, to + n, cap - n, (off_t)n);
        if (got == 0)
            break;
        if (got > 0)
            n += got;
        else if (errno == EAGAIN)
            kick_ppoll(&vm->kick, &(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        else if (errno != EINTR)
            fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: %s", vm->config->module, strerror(errno));
    }
    return n;
}

/* Of a pipe, whose length shows only at its end. */
static void pipe_read(struct vm *vm, int fd)
{
    uint64_t cap = PIPE_START, n = 0;
    for (;;) {
        uint8_t *bytes = realloc(vm->module_copy, cap);
        if (!bytes)
            fail("%s: no memory for the module: %s (free some)", vm->config->module, strerror(errno));
        vm->module_copy = bytes;
        kick_ppoll(&vm->kick, &(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        n += read_fully(vm, fd, true, bytes + n, cap - n);
        if (n < cap || cap > MAP_MODULE_MAX)
            break;
        cap *= 2;
    }
    if (n > MAP_MODULE_MAX)
        fail_as(EXIT_INVALID_MODULE, "%s is not a valid module: it is larger than 1 GiB", vm->config->module);
    vm->module_bytes = n;
}

static void module_measure(struct vm *vm, const struct module *module)
{
    struct stat st;
    int fd = module->fd;
    if (fd < 0)
        vm->module_bytes = module->n; /* whoever made it has seen to its size */
    else if (fstat(fd, &st) != 0)
        fail_as(EXIT_NO_MODULE, "%s: the module cannot be read: %s", vm->config->module, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        pipe_read(vm, fd);
    else if ((uint64_t)st.st_size > MAP_MODULE_MAX)
        fail_as(EXIT_INVALID_MODULE, "%s is not a valid module: it is larger than 1 GiB", vm->config->module);
    else
        vm->module_bytes = st.st_size;
}

/* A last 2 MiB page of which little is used is left to 4 KiB pages. */
static void module_place(struct vm *vm, const struct module *module)
{
    struct span *place = &vm->ram.module;
    uint64_t whole = vm->module_bytes / FRAME * FRAME;
    if (vm->module_bytes - whole < FRAME / 4 && vm->module_bytes != whole)
        madvise(place->host + whole, FRAME, MADV_NOHUGEPAGE);
    const uint8_t *bytes = vm->module_copy ? vm->module_copy : module->bytes;
    if (bytes)
        memcpy(place->host, bytes, vm->module_bytes);
    else
        vm->module_bytes = read_fully(vm, module->fd, false, place->host, vm->module_bytes);
    free(vm->module_copy);
    vm->module_copy = NULL;
}

/* ---- start ---- */

struct vm *vm_new(const struct config *config, struct run_stats *stats)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->config = config;
    vm->stats = stats;
    vm->kvm = (struct kvm){.fd = -1, .vm_fd = -1, .vcpu_fd = -1};
    if (kick_open(&vm->kick, config->timeout_ns ? stats->start_ns + config->timeout_ns : 0, config->cpu_time_ns))
        return vm;
    free(vm);
    return NULL;
}

void vm_build(struct vm *vm, const struct module *module)
{
    const struct config *config = vm->config;
    struct run_stats *stats = vm->stats;
    struct image *image = &vm->image;
    struct cpu_start start = {0};
    uint64_t began = clock_now_ns();
    image_open(image, config->guest_image);
    module_measure(vm, module);
    uint64_t measured = clock_now_ns();
    kvm_open(&vm->kvm);
    ram_new(&vm->ram, &vm->kvm, config, &(struct ram_sizes){
        .text = boot_text_bytes(image), .small = boot_small_bytes(config, image), .module = vm->module_bytes,
    });
    kvm_add_vcpu(&vm->kvm);
    uint64_t made = clock_now_ns();
    module_place(vm, module);
    boot_prepare(vm, image, &start);
    image_close(image);
    uint32_t features = features_host();
    if (!kvm_start_state(&vm->kvm, &start, features & CPU_AVX))
        features &= ~(uint32_t)CPU_AVX;
    boot_features(vm, features);
    clockpage_start(vm);
    stats->vm_ns = made - measured;
    stats->load_ns = clock_now_ns() - made + (measured - began);
}

struct kick *vm_kick(struct vm *vm)
{
    return &vm->kick;
}

struct guestmem *vm_memory(struct vm *vm)
{
    return &vm->mem;
}

/* ---- run, end ---- */

void vm_count(struct vm *vm)
{
    struct run_stats *stats = vm->stats;
    uint64_t run_ns = clock_now_ns() - vm->entered_ns;
    if (!stats->boot_ns)
        stats->boot_ns = run_ns;
    stats->run_ns = run_ns - stats->boot_ns;
    stats->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - vm->entered_cpu_ns;
    stats->linear_bytes = vm->mem.regions[REGION_LINEAR].bytes + vm->more.bytes;
    stats->slot_kernel_bytes = vm->kvm.slot_bytes / PAGE * KERNEL_BYTES_PER_PAGE;
    guest_read(&vm->mem, MAP_CONTROL + offsetof(struct control, stats), &stats->guest, sizeof stats->guest);
}

bool vm_run(struct vm *vm, struct wasi *wasi, struct end *end)
{
    bool stopped = vcpu_run(vm, wasi, end);
    vm_count(vm);
    return stopped;
}

void vm_close(struct vm *vm)
{
    kvm_close(&vm->kvm);
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    vm_close(vm);
    ram_free(&vm->ram);
    image_close(&vm->image);
    free(vm->module_copy);
    kick_close(&vm->kick);
    free(vm);
}
