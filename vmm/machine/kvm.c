/* The one file with KVM ioctls: a VM, its vCPU, its memory slots, its exits in words.
 *
 * The CPUID that the guest may ask for is a small table of our own: KVM_GET_SUPPORTED_CPUID costs
 * 0.45 ms on the software kind of KVM, and the guest gets what it needs to know by the boot record.
 * The table's one purpose is to make KVM accept the control registers that we set. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

#define DEVICE "/dev/kvm"
enum { DEVICE_MAJOR = 10, DEVICE_MINOR = 232 }; /* Linux's list of devices */

enum { CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_ET = 1 << 4, CR0_NE = 1 << 5, CR0_WP = 1 << 16 };
#define CR0_PG (1u << 31)
enum { CR4_PAE = 1 << 5, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_OSXSAVE = 1 << 18 };
enum { EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11 };
enum { XCR0_X87 = 1 << 0, XCR0_SSE = 1 << 1, XCR0_AVX = 1 << 2 };
enum { RFLAGS_ONE = 1 << 1 };

/* ---- the VM ---- */

/* The group's name from /etc/group, or its number: the C library's way would load name services
 * into the monitor. */
static void group_name(gid_t gid, char *name, size_t cap)
{
    char line[512];
    unsigned long number;
    FILE *file = fopen("/etc/group", "re");
    snprintf(name, cap, "%lu", (unsigned long)gid);
    while (file && fgets(line, sizeof line, file)) {
        size_t len = strcspn(line, ":");
        const char *rest = strchr(line + len + (line[len] == ':'), ':');
        if (rest && sscanf(rest, ":%lu", &number) == 1 && number == gid) {
            snprintf(name, cap, "%.*s", (int)len, line);
            break;
        }
    }
    if (file)
        fclose(file);
}

static bool no_permission(struct failure *why)
{
    struct stat st;
    char name[64];
    if (stat(DEVICE, &st) != 0 || st.st_gid == 0 || !(st.st_mode & S_IRGRP) ||
        !(st.st_mode & S_IWGRP))
        return failure_set(
            why,
            DEVICE ": permission denied: only its owner may use it (run as that user, or give a "
                   "group access: chgrp kvm " DEVICE " && chmod g+rw " DEVICE ")");
    group_name(st.st_gid, name, sizeof name);
    return failure_set(why, DEVICE ": permission denied: it belongs to the group %s "
                       "(sudo usermod -aG %s \"$USER\", then log in again)", name, name);
}

static bool device_open(struct kvm *kvm, struct failure *why)
{
    kvm->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (kvm->fd >= 0)
        return true;
    if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
        return failure_set(
            why, DEVICE
            ": not there: this machine or container offers no KVM (load kvm_intel or "
            "kvm_amd, turn on virtualization in the firmware, or pass the device in: docker run "
            "--device " DEVICE ")");
    if (errno == EACCES || errno == EPERM)
        return no_permission(why);
    return failure_set(why, DEVICE ": cannot be opened: %s (wasmvm needs KVM)", strerror(errno));
}

/* What it is, is looked at before any ioctl: another driver might take KVM's numbers for commands
 * of its own. */
static bool device_take(struct kvm *kvm, int handed, struct failure *why)
{
    struct stat st;
    kvm->fd = fcntl(handed, F_DUPFD_CLOEXEC, 3);
    if (kvm->fd < 0)
        return failure_set(why,
                           "--kvm-fd %d: it cannot be used: %s (whoever starts wasmvm opens " DEVICE
                           " there)",
                           handed, strerror(errno));
    if (fstat(kvm->fd, &st) == 0 && S_ISCHR(st.st_mode) &&
        st.st_rdev == makedev(DEVICE_MAJOR, DEVICE_MINOR))
        return true;
    return failure_set(
        why, "--kvm-fd %d: it is not " DEVICE " (whoever starts wasmvm opens " DEVICE " there)",
        handed);
}

bool kvm_open(struct kvm *kvm, int handed, struct failure *why)
{
    *kvm = (struct kvm){.fd = -1, .vm_fd = -1, .vcpu_fd = -1};
    if (!(handed ? device_take(kvm, handed, why) : device_open(kvm, why)))
        return false;
    int version = ioctl(kvm->fd, KVM_GET_API_VERSION, 0);
    if (version < 0)
        return failure_set(why, DEVICE ": it is not KVM's device: %s (load kvm_intel or kvm_amd)",
                           strerror(errno));
    if (version != KVM_API_VERSION)
        return failure_set(
            why, DEVICE ": the KVM API version is %d, wasmvm speaks %d (use another kernel)",
            version, KVM_API_VERSION);
    do
        kvm->vm_fd = ioctl(kvm->fd, KVM_CREATE_VM, 0ul);
    while (kvm->vm_fd < 0 && errno == EINTR);
    if (kvm->vm_fd < 0)
        return failure_set(why,
                           DEVICE ": no virtual machine can be made: %s "
                                  "(is another hypervisor using the CPU, or memory short?)",
                           strerror(errno));
    return true;
}

bool kvm_add_slot(struct kvm *kvm, uint64_t gpa, void *host, uint64_t bytes)
{
    struct kvm_userspace_memory_region region = {
        .slot = kvm->slots,
        .guest_phys_addr = gpa,
        .memory_size = bytes,
        .userspace_addr = (uint64_t)host,
    };
    if (ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) != 0)
        return false;
    kvm->slots++;
    kvm->slot_bytes += bytes;
    return true;
}

bool kvm_add_vcpu(struct kvm *kvm, struct failure *why)
{
    kvm->vcpu_fd = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, 0ul);
    if (kvm->vcpu_fd < 0)
        return failure_set(
            why, DEVICE ": no virtual CPU can be made: %s (try again, or with less running)",
            strerror(errno));
    int bytes = ioctl(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (bytes < (int)sizeof *kvm->run)
        return failure_set(why, DEVICE ": KVM_GET_VCPU_MMAP_SIZE gave %d (use another kernel)",
                           bytes);
    void *run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kvm->vcpu_fd, 0);
    if (run == MAP_FAILED)
        return failure_set(why, DEVICE ": the virtual CPU's page cannot be mapped: %s "
                           "(is the address space limited? ulimit -v)", strerror(errno));
    kvm->run = run;
    kvm->run_bytes = bytes;
    return true;
}

/* ---- the CPU's state ---- */

static bool set_cpuid(struct kvm *kvm, bool xsave)
{
    enum {
        EDX_1 = 0x0783fbff,
        /* FPU to SSE2 as every 64-bit CPU */ ECX_1_XSAVE_AVX = 1 << 26 | 1 << 28,
        EDX_EXT = 1 << 11 | 1 << 20 | 1 << 29 /* SYSCALL, NX, LM */,
        XSAVE_BYTES = 832
    };
    const struct kvm_cpuid_entry2 entries[] = {
        /* "wasm" */
        { .function = 0,
          .eax = xsave ? 0xd : 1,
          .ebx = 0x6d736177,
          .edx = 0x6d736177,
          .ecx = 0x6d736177 },
        { .function = 1, .eax = 0x600, .ecx = xsave ? ECX_1_XSAVE_AVX : 0, .edx = EDX_1 },
        { .function = 0xd,
          .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
          .eax = xsave ? XCR0_X87 | XCR0_SSE | XCR0_AVX : 0,
          .ebx = XSAVE_BYTES,
          .ecx = XSAVE_BYTES },
        { .function = 0x80000000, .eax = 0x80000008 },
        { .function = 0x80000001, .edx = EDX_EXT },
        { .function = 0x80000008, .eax = 48 << 8 | features_physical_bits() },
    };
    _Alignas(struct kvm_cpuid2) uint8_t table[sizeof(struct kvm_cpuid2) + sizeof entries] = {0};
    ((struct kvm_cpuid2 *)table)->nent = sizeof entries / sizeof entries[0];
    memcpy(((struct kvm_cpuid2 *)table)->entries, entries, sizeof entries);
    return ioctl(kvm->vcpu_fd, KVM_SET_CPUID2, table) == 0;
}

static struct kvm_segment segment_flat(uint16_t selector, uint8_t type, bool code)
{
    return (struct kvm_segment){ .limit = 0xffffffff,
                                 .selector = selector,
                                 .type = type,
                                 .present = 1,
                                 .dpl = 3,
                                 .s = 1,
                                 .l = code,
                                 .db = !code,
                                 .g = 1 };
}

static struct kvm_sregs sregs_for(const struct cpu_start *start, bool xsave)
{
    struct kvm_sregs sregs = {
        .cs = segment_flat(SELECTOR_USER_CODE, 11, true),
        .ss = segment_flat(SELECTOR_USER_DATA, 3, false),
        .tr = { .base = start->tss,
                .limit = start->tss_limit,
                .selector = SELECTOR_TSS,
                .type = TSS_BUSY,
                .present = 1 },
        .ldt = { .type = 2, .unusable = 1 },
        .gdt = { .base = start->gdt, .limit = start->gdt_limit },
        .idt = { .base = start->idt, .limit = start->idt_limit },
        .cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
        .cr3 = start->cr3,
        .cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (xsave ? CR4_OSXSAVE : 0),
        .efer = EFER_LME | EFER_LMA | EFER_NXE,
    };
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
    return sregs;
}

static bool set_sregs(struct kvm *kvm, const struct cpu_start *start, bool xsave)
{
    struct kvm_sregs sregs = sregs_for(start, xsave);
    return ioctl(kvm->vcpu_fd, KVM_SET_SREGS, &sregs) == 0;
}

static bool set_xcr0(struct kvm *kvm)
{
    struct kvm_xcrs xcrs = { .nr_xcrs = 1,
                             .xcrs = { { .xcr = 0, .value = XCR0_X87 | XCR0_SSE | XCR0_AVX } } };
    return ioctl(kvm->vcpu_fd, KVM_SET_XCRS, &xcrs) == 0;
}

/* Where KVM knows of XSAVE, AVX needs CR4.OSXSAVE as well.  The software kind refuses that bit;
 * there the CPU's own state counts, and KVM_SET_XCRS says whether KVM keeps it. */
bool kvm_start_state(struct kvm *kvm, const struct cpu_start *start, bool *avx, struct failure *why)
{
    bool wide = *avx && set_cpuid(kvm, true);
    if (!wide && !set_cpuid(kvm, false))
        return failure_set(why, DEVICE ": KVM_SET_CPUID2 is refused: %s (use another kernel)",
                           strerror(errno));
    if (!(wide && set_sregs(kvm, start, true)) && !set_sregs(kvm, start, false))
        return failure_set(why,
                           DEVICE ": 64-bit mode is refused: %s (a 64-bit CPU with NX is needed)",
                           strerror(errno));
    struct kvm_regs regs = {
        .rip = start->rip, .rsp = start->rsp, .rdi = start->rdi, .rflags = RFLAGS_ONE
    };
    if (ioctl(kvm->vcpu_fd, KVM_SET_REGS, &regs) != 0)
        return failure_set(why,
                           DEVICE ": the CPU's registers cannot be set: %s (use another kernel)",
                           strerror(errno));
    *avx = wide && set_xcr0(kvm);
    return true;
}

/* ---- the CPU's state, kept and put back ---- */

#define SHARED_REGISTERS (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

struct kvm_kept {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_vcpu_events events;
    bool has_xsave; /* this kernel's KVM has it; else fpu */
    bool shares; /* registers are left in kvm_run, and taken from there by the next KVM_RUN */
    struct kvm_fpu fpu;
    struct kvm_xsave xsave; /* last: newer headers let it be longer */
};

/* The doorbell's `out` is complete only when KVM is entered again; here that enters no guest. */
static bool settle(struct kvm *kvm)
{
    kvm->run->immediate_exit = 1;
    int ran = ioctl(kvm->vcpu_fd, KVM_RUN, 0), error = errno;
    kvm->run->immediate_exit = 0;
    return ran != 0 && error == EINTR;
}

struct kvm_kept *kvm_keep(struct kvm *kvm)
{
    struct kvm_kept *kept = calloc(1, sizeof *kept);
    int cpu = kvm->vcpu_fd;
    if (!kept)
        return NULL;
    kept->has_xsave = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE) > 0;
    int shared = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    kept->shares = shared > 0 && (shared & SHARED_REGISTERS) == SHARED_REGISTERS;
    bool good = settle(kvm) && ioctl(cpu, KVM_GET_REGS, &kept->regs) == 0 &&
                ioctl(cpu, KVM_GET_SREGS, &kept->sregs) == 0 &&
                ioctl(cpu, KVM_GET_VCPU_EVENTS, &kept->events) == 0 &&
                (kept->has_xsave ? ioctl(cpu, KVM_GET_XSAVE, &kept->xsave)
                                 : ioctl(cpu, KVM_GET_FPU, &kept->fpu)) == 0;
    /* KVM on AMD-V says that it is busy, whatever was set */
    if (kvm->tss_type)
        kept->sregs.tr.type = (uint8_t)kvm->tss_type;
    if (good)
        return kept;
    free(kept);
    return NULL;
}

void kvm_kept_at(struct kvm_kept *kept, const struct cpu_start *start)
{
    kept->regs = (struct kvm_regs){ .rip = start->rip,
                                    .rsp = start->rsp,
                                    .rdi = start->rdi,
                                    .rsi = start->rsi,
                                    .rflags = RFLAGS_ONE };
}

static bool vectors_put(struct kvm *kvm, struct kvm_kept *kept)
{
    return kept->has_xsave ? ioctl(kvm->vcpu_fd, KVM_SET_XSAVE, &kept->xsave) == 0
                           : ioctl(kvm->vcpu_fd, KVM_SET_FPU, &kept->fpu) == 0;
}

/* Three calls less: KVM takes them before the guest runs, as if by these calls. */
static void registers_leave(struct kvm *kvm, const struct kvm_kept *kept)
{
    struct kvm_sync_regs *shared = &kvm->run->s.regs;
    shared->regs = kept->regs;
    shared->sregs = kept->sregs;
    shared->events = kept->events;
    kvm->run->kvm_dirty_regs = SHARED_REGISTERS;
}

/* SET_SREGS undoes a wrfsbase too; x87, SSE and AVX are SET_XSAVE's alone.  KVM's shadow of the
 * tables stays as long as the root is the one before. */
bool kvm_put_back(struct kvm *kvm, struct kvm_kept *kept, uint64_t cr3, unsigned *calls)
{
    int cpu = kvm->vcpu_fd;
    kept->sregs.cr3 = cr3;
    *calls = kept->shares ? 2 : 5;
    if (!settle(kvm) || !vectors_put(kvm, kept))
        return false;
    if (kept->shares)
        return registers_leave(kvm, kept), true;
    return ioctl(cpu, KVM_SET_SREGS, &kept->sregs) == 0 &&
           ioctl(cpu, KVM_SET_VCPU_EVENTS, &kept->events) == 0 &&
           ioctl(cpu, KVM_SET_REGS, &kept->regs) == 0;
}

/* On the kind that plays CR4.OSXSAVE for the guest, CR4.PKE is off, and nothing at CPL 3 reaches
 * PKRU; on the other one the CPU's own CR4 counts. */
bool kvm_pkru_stays(const struct kvm_kept *kept)
{
    return features_pkru() && !(kept->sregs.cr4 & CR4_OSXSAVE);
}

bool kvm_set_tss_type(struct kvm *kvm, int type)
{
    struct kvm_sregs sregs;
    if (ioctl(kvm->vcpu_fd, KVM_GET_SREGS, &sregs) != 0)
        return false;
    sregs.tr.type = kvm->tss_type = type;
    return ioctl(kvm->vcpu_fd, KVM_SET_SREGS, &sregs) == 0;
}

bool kvm_get_place(struct kvm *kvm, struct cpu_place *place)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    if (ioctl(kvm->vcpu_fd, KVM_GET_REGS, &regs) != 0 ||
        ioctl(kvm->vcpu_fd, KVM_GET_SREGS, &sregs) != 0)
        return false;
    *place = (struct cpu_place){ regs.rip, regs.rsp, regs.rdi, regs.rsi,
                                 (sregs.cs.selector & 3) == 3 };
    return true;
}

bool kvm_set_place(struct kvm *kvm, const struct cpu_place *place)
{
    struct kvm_regs regs;
    if (ioctl(kvm->vcpu_fd, KVM_GET_REGS, &regs) != 0)
        return false;
    regs.rip = place->rip;
    regs.rsp = place->rsp;
    regs.rdi = place->rdi;
    regs.rsi = place->rsi;
    regs.rflags = RFLAGS_ONE;
    return ioctl(kvm->vcpu_fd, KVM_SET_REGS, &regs) == 0;
}

/* ---- running ---- */

/* Doorbell or not: one byte, written once, to the one port. */
static enum kvm_exit io_exit(struct kvm *kvm, uint8_t *value, const char **why)
{
    const struct kvm_run *run = kvm->run;
    *why = "I/O that is not the doorbell";
    if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != DOORBELL_PORT ||
        run->io.size != 1 || run->io.count != 1)
        return KVM_STRANGE;
    assert(run->io.data_offset < kvm->run_bytes);
    *value = ((const uint8_t *)run)[run->io.data_offset];
    return KVM_DOORBELL;
}

static enum kvm_exit strange_exit(struct kvm *kvm, const char **why)
{
    const struct kvm_run *run = kvm->run;
    const size_t cap = sizeof kvm->why;
    *why = kvm->why;
    if (run->exit_reason == KVM_EXIT_MMIO)
        snprintf(kvm->why, cap, "physical address 0x%llx is not memory",
                 (unsigned long long)run->mmio.phys_addr);
    else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
        snprintf(kvm->why, cap, "KVM could not go on (internal error %u)", run->internal.suberror);
    else
        snprintf(kvm->why, cap, "KVM exit %u", run->exit_reason);
    return KVM_STRANGE;
}

enum kvm_exit kvm_enter(struct kvm *kvm, uint8_t *value, const char **why)
{
    if (ioctl(kvm->vcpu_fd, KVM_RUN, 0) != 0) {
        if (errno == EINTR || errno == EAGAIN)
            return KVM_INTERRUPTED;
        snprintf(kvm->why, sizeof kvm->why, "KVM_RUN failed: %s", strerror(errno));
        *why = kvm->why;
        return KVM_STRANGE;
    }
    switch (kvm->run->exit_reason) {
    case KVM_EXIT_IO: return io_exit(kvm, value, why);
    case KVM_EXIT_INTR: return KVM_INTERRUPTED;
    case KVM_EXIT_SHUTDOWN: return KVM_SHUTDOWN;
    case KVM_EXIT_FAIL_ENTRY: *why = "the CPU refused its state"; return KVM_REFUSED;
    default: return strange_exit(kvm, why);
    }
}

bool kvm_set_signals(struct kvm *kvm, const sigset_t *blocked)
{
    enum { KERNEL_SIGSET = 8 }; /* bytes; the C library's is longer */
    _Alignas(struct kvm_signal_mask) uint8_t mask[sizeof(struct kvm_signal_mask) + KERNEL_SIGSET];
    ((struct kvm_signal_mask *)mask)->len = KERNEL_SIGSET;
    memcpy(mask + sizeof(struct kvm_signal_mask), blocked, KERNEL_SIGSET);
    return ioctl(kvm->vcpu_fd, KVM_SET_SIGNAL_MASK, mask) == 0;
}

/* ---- time ---- */

/* It stays, and to ask for it loads the CPU: once is enough. */
uint64_t kvm_tsc_khz(struct kvm *kvm)
{
    if (!kvm->tsc_asked) {
        int khz = ioctl(kvm->vcpu_fd, KVM_GET_TSC_KHZ, 0);
        kvm->tsc_khz = khz > 0 ? (uint64_t)khz : 0;
        kvm->tsc_asked = true; /* once, before the jail */
    }
    return kvm->tsc_khz;
}

bool kvm_tsc_offset(struct kvm *kvm, uint64_t *offset)
{
    struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
                                    .attr = KVM_VCPU_TSC_OFFSET,
                                    .addr = (uint64_t)offset };
    return ioctl(kvm->vcpu_fd, KVM_GET_DEVICE_ATTR, &attr) == 0;
}

/* ---- KVM's own counts ---- */

/* Where the named count of this file of counts stands; 0: nowhere. */
static off_t count_find(int fd, const struct kvm_stats_header *head, const char *name)
{
    enum { NAME_MOST = 128 };
    _Alignas(struct kvm_stats_desc) char bytes[sizeof(struct kvm_stats_desc) + NAME_MOST];
    const struct kvm_stats_desc *desc = (const struct kvm_stats_desc *)bytes;
    const size_t each = sizeof *desc + head->name_size;
    for (uint32_t i = 0; head->name_size <= NAME_MOST && i < head->num_desc; i++) {
        if (pread_once(fd, bytes, each, (off_t)(head->desc_offset + i * each)) != (ssize_t)each)
            return 0;
        if (strncmp(desc->name, name, head->name_size) == 0)
            return (off_t)head->data_offset + desc->offset;
    }
    return 0;
}

static const struct { const char *name; bool of_cpu; size_t into; } counts_known[KVM_COUNTS] = {
    {"pf_taken", true, offsetof(struct kvm_counts, faults)},
    {"insn_emulation", true, offsetof(struct kvm_counts, emulated)},
    {"pages_4k", false, offsetof(struct kvm_counts, small_pages)},
    {"pages_2m", false, offsetof(struct kvm_counts, large_pages)},
};

static void counts_open(struct kvm *kvm)
{
    const int of[2] = {kvm->vm_fd, kvm->vcpu_fd};
    kvm->counts_open = true;
    for (int cpu = 0; cpu < 2; cpu++) {
        struct kvm_stats_header head;
        int fd = kvm->counts_fd[cpu] = of[cpu] >= 0 ? ioctl(of[cpu], KVM_GET_STATS_FD, NULL) : -1;
        if (fd < 0 || pread_once(fd, &head, sizeof head, 0) != sizeof head)
            continue;
        for (unsigned i = 0; i < KVM_COUNTS; i++)
            if (counts_known[i].of_cpu == (bool)cpu)
                kvm->counts_at[i] = count_find(fd, &head, counts_known[i].name);
    }
}

void kvm_count(struct kvm *kvm, struct kvm_counts *counts)
{
    *counts = (struct kvm_counts){0};
    if (!kvm->counts_open)
        counts_open(kvm);
    for (unsigned i = 0; i < KVM_COUNTS; i++) {
        uint64_t value;
        int fd = kvm->counts_fd[counts_known[i].of_cpu];
        if (kvm->counts_at[i] &&
            pread_once(fd, &value, sizeof value, kvm->counts_at[i]) == sizeof value)
            memcpy((char *)counts + counts_known[i].into, &value, sizeof value);
    }
}

static void counts_close(struct kvm *kvm)
{
    for (int cpu = 0; kvm->counts_open && cpu < 2; cpu++)
        if (kvm->counts_fd[cpu] >= 0)
            close(kvm->counts_fd[cpu]);
}

void kvm_close(struct kvm *kvm)
{
    counts_close(kvm);
    if (kvm->run)
        munmap(kvm->run, kvm->run_bytes);
    if (kvm->vcpu_fd >= 0)
        close(kvm->vcpu_fd);
    if (kvm->vm_fd >= 0)
        close(kvm->vm_fd);
    if (kvm->fd >= 0)
        close(kvm->fd);
    *kvm = (struct kvm){.fd = -1, .vm_fd = -1, .vcpu_fd = -1};
}
