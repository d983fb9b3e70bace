/* The floor under every start: what a machine of KVM costs that does nothing.
 *
 * /dev/kvm is opened; a VM, a vCPU and one slot of least memory are made; one instruction runs at
 * CPL 3, in long mode; the process ends.  Start figures are ratios to this program, so it is
 * frozen: tests/bench/floor/hash has the hash of this file, and a test compares.  It shares nothing
 * with the monitor, whose changes must not move it.
 *
 * The instruction is `out %al, $0x77`.  At CPL 3 a CPU looks at the I/O permission bitmap, so there
 * is a TSS with a bitmap of zeros.  (An emulated SVM honours it only where the TSS is of type 9;
 * the software kind of KVM takes either.) */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PORT = 0x77, PRESENT = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40 };
/* Guest-physical pages.  The last two, mapped at their own addresses, are a TSS and the code. */
enum { PML4, PDPT, PD, PT, TSS, CODE, PAGES };
enum { TSS_BITMAP_AT = 102, TSS_BYTES = 104, TSS_AVAILABLE = 9 };
enum { CR0_PE = 1, CR0_ET = 1 << 4, CR0_NE = 1 << 5, CR4_PAE = 1 << 5 };
enum { EFER_LME = 1 << 8, EFER_LMA = 1 << 10 };
#define CR0_PG (1u << 31)

static void entry_put(uint8_t *memory, unsigned table, unsigned index, unsigned page,
                      uint64_t rights)
{
    uint64_t entry = page * PAGE | PRESENT | ACCESSED | rights;
    memcpy(memory + table * PAGE + index * 8, &entry, sizeof entry);
}

static void memory_fill(uint8_t *memory)
{
    static const uint8_t code[] = {0xe6, PORT};
    const uint16_t bitmap = TSS_BYTES;
    entry_put(memory, PML4, 0, PDPT, WRITE | USER);
    entry_put(memory, PDPT, 0, PD, WRITE | USER);
    entry_put(memory, PD, 0, PT, WRITE | USER);
    entry_put(memory, PT, TSS, TSS, WRITE | DIRTY);
    entry_put(memory, PT, CODE, CODE, USER | DIRTY);
    memcpy(memory + TSS * PAGE + TSS_BITMAP_AT, &bitmap, sizeof bitmap);
    memcpy(memory + CODE * PAGE, code, sizeof code);
}

static int cpuid_set(int vcpu)
{
    enum { LONG_MODE = 1 << 29, EDX_1 = 0x0783fbff };
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[4];
    } cpuid = {{.nent = 4},
               {{.function = 0, .eax = 1},
                {.function = 1, .eax = 0x600, .edx = EDX_1},
                {.function = 0x80000000, .eax = 0x80000001},
                {.function = 0x80000001, .edx = LONG_MODE}}};
    return ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
}

static int state_set(int vcpu)
{
    const struct kvm_segment data = {.limit = 0xffffffff, .selector = 0x23, .type = 3,
                                     .present = 1, .dpl = 3, .s = 1, .db = 1, .g = 1};
    struct kvm_segment code = data;
    code.selector = 0x1b;
    code.type = 11;
    code.db = 0;
    code.l = 1;
    struct kvm_sregs sregs = {
        .cs = code, .ds = data, .es = data, .fs = data, .gs = data, .ss = data,
        .tr = {.base = TSS * PAGE, .limit = PAGE - 1, .selector = 0x28, .type = TSS_AVAILABLE,
               .present = 1},
        .ldt = {.type = 2, .unusable = 1},
        .cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG, .cr3 = PML4 * PAGE, .cr4 = CR4_PAE,
        .efer = EFER_LME | EFER_LMA,
    };
    struct kvm_regs regs = {.rip = CODE * PAGE, .rflags = 2};
    if (cpuid_set(vcpu) != 0)
        return 4;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) != 0)
        return 5;
    return ioctl(vcpu, KVM_SET_REGS, &regs) == 0 ? 0 : 6;
}

/* 0, or which step failed. */
int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = ioctl(kvm, KVM_CREATE_VM, 0ul);
    uint8_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (vm < 0 || memory == MAP_FAILED)
        return 1;
    memory_fill(memory);
    struct kvm_userspace_memory_region region = {.memory_size = PAGES * PAGE,
                                                 .userspace_addr = (uintptr_t)memory};
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0)
        return 2;
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
    int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0ul);
    if (vcpu < 0)
        return 3;
    struct kvm_run *run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED)
        return 3;
    int failed = state_set(vcpu);
    if (failed)
        return failed;
    if (ioctl(vcpu, KVM_RUN, 0ul) != 0)
        return 7;
    return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT ? 0 : 8;
}
