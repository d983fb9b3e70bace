/* What is asked of KVM, and what its answers mean, with an ioctl of the test's own: the CPU's first
 * state bit by bit, each request refused, each exit, numbers at their bounds.  No KVM is needed. */
#include <sys/mman.h> /* before abi.h, whose MAP_STACK it would redefine */

#include "vmm/machine/inside.h" /* before <cmocka.h>, which has a macro fail */

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OSXSAVE (1ull << 18)
#define ENTRIES 8

/* ---- KVM ---- */

static struct host {
    unsigned long refused; /* this request fails, so often, with this errno; the next ones do not */
    int times, error;
    bool no_xsave, no_osxsave; /* a kind of KVM that does not know them */
    int fds[3];                /* of the machine, its CPU and its counts */
    int run_bytes, khz, version;
    unsigned asked, sregs_set;
    struct kvm_userspace_memory_region region;
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    struct kvm_xcrs xcrs;
    int shares; /* KVM_CAP_SYNC_REGS */
    struct kvm_vcpu_events events;
    struct kvm_xsave xsave;
    uint64_t mask_bytes;
    uint8_t mask[16];
    uint32_t entries;
    struct kvm_cpuid_entry2 cpuid[ENTRIES];
} host;

static struct failure why;

static int no(int error)
{
    errno = error;
    return -1;
}

static int take_cpuid(const struct kvm_cpuid2 *table)
{
    assert_in_range(table->nent, 1, ENTRIES);
    if (host.no_xsave && table->entries[1].ecx)
        return no(EINVAL);
    host.entries = table->nent;
    memcpy(host.cpuid, table->entries, table->nent * sizeof host.cpuid[0]);
    return 0;
}

static int take_sregs(const struct kvm_sregs *sregs)
{
    if (host.no_osxsave && sregs->cr4 & OSXSAVE)
        return no(EINVAL);
    host.sregs = *sregs;
    host.sregs_set++;
    return 0;
}

static int take_mask(const struct kvm_signal_mask *mask)
{
    host.mask_bytes = mask->len;
    memcpy(host.mask, mask->sigset, mask->len <= sizeof host.mask ? mask->len : 0);
    return 0;
}

static struct kvm kvm;

/* As KVM does: what was left in the page counts first. */
static int run(void)
{
    struct kvm_run *page = kvm.run;
    if (page->kvm_dirty_regs & ~(uint64_t)host.shares)
        return no(EINVAL);
    if (page->kvm_dirty_regs & KVM_SYNC_X86_REGS)
        host.regs = page->s.regs.regs;
    if (page->kvm_dirty_regs & KVM_SYNC_X86_SREGS)
        host.sregs = page->s.regs.sregs;
    if (page->kvm_dirty_regs & KVM_SYNC_X86_EVENTS)
        host.events = page->s.regs.events;
    page->kvm_dirty_regs = 0;
    return page->immediate_exit ? no(EINTR) : 0;
}

static int answer(unsigned long request, void *at)
{
    switch (request) {
    case KVM_GET_API_VERSION: return host.version;
    case KVM_CREATE_VM: return host.fds[0];
    case KVM_CREATE_VCPU: return host.fds[1];
    case KVM_GET_STATS_FD: return host.fds[2];
    case KVM_GET_VCPU_MMAP_SIZE: return host.run_bytes;
    case KVM_SET_USER_MEMORY_REGION:
        return host.region = *(struct kvm_userspace_memory_region *)at, 0;
    case KVM_SET_CPUID2: return take_cpuid(at);
    case KVM_SET_SREGS: return take_sregs(at);
    case KVM_GET_SREGS: return *(struct kvm_sregs *)at = host.sregs, 0;
    case KVM_SET_REGS: return host.regs = *(struct kvm_regs *)at, 0;
    case KVM_GET_REGS: return *(struct kvm_regs *)at = host.regs, 0;
    case KVM_SET_XCRS: return host.xcrs = *(struct kvm_xcrs *)at, 0;
    case KVM_SET_SIGNAL_MASK: return take_mask(at);
    case KVM_GET_TSC_KHZ: return host.khz;
    case KVM_GET_DEVICE_ATTR:
        return *(uint64_t *)((struct kvm_device_attr *)at)->addr = 0x123456789a, 0;
    case KVM_RUN: return run();
    case KVM_CHECK_EXTENSION: return (uintptr_t)at == KVM_CAP_SYNC_REGS ? host.shares : 1;
    case KVM_GET_VCPU_EVENTS: return *(struct kvm_vcpu_events *)at = host.events, 0;
    case KVM_SET_VCPU_EVENTS: return host.events = *(struct kvm_vcpu_events *)at, 0;
    case KVM_GET_XSAVE: return *(struct kvm_xsave *)at = host.xsave, 0;
    case KVM_SET_XSAVE: return host.xsave = *(struct kvm_xsave *)at, 0;
    default: fail_msg("request 0x%lx", request);
    }
    return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *at = va_arg(ap, void *);
    va_end(ap);
    (void)fd;
    host.asked++;
    if (request == host.refused && host.times > 0) {
        host.times--;
        return no(host.error);
    }
    return answer(request, at);
}

static void refuse(unsigned long request, int times, int error)
{
    host.refused = request, host.times = times, host.error = error;
}

static int file_new(void)
{
    int fd = memfd_create("kvm", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, 1 << 16) == 0);
    return fd;
}

static int setup(void **state)
{
    (void)state;
    memset(&host, 0, sizeof host);
    host.run_bytes = sizeof(struct kvm_run) + PAGE, host.version = 12;
    for (int i = 0; i < 3; i++)
        host.fds[i] = file_new();
    kvm = (struct kvm){ .fd = -1, .vm_fd = host.fds[0], .vcpu_fd = -1 };
    why = (struct failure){ 0 };
    assert_true(kvm_add_vcpu(&kvm, &why));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kvm_close(&kvm);
    for (int i = 0; i < 3; i++)
        close(host.fds[i]);
    return 0;
}

static void says(const char *words)
{
    if (!strstr(why.text, words))
        fail_msg("%s", why.text);
}

/* ---- the machine ---- */

static void descriptors_that_are_handed_over(void **state)
{
    (void)state;
    struct kvm other;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const struct { int fd; const char *words;
    } rows[] = {
        { 1023, "it cannot be used" },
        { null, "it is not /dev/kvm" },
        { host.fds[2], "it is not /dev/kvm" },
    };
    unsigned asked = host.asked;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(kvm_open(&other, rows[i].fd, &why));
        says(rows[i].words);
        kvm_close(&other);
    }
    assert_int_equal(host.asked, asked); /* another driver might do something */
    close(null);
}

static void a_machine_is_opened(void **state)
{
    (void)state;
    struct kvm other;
    if (access("/dev/kvm", R_OK | W_OK) != 0)
        skip();
    refuse(KVM_CREATE_VM, 2, EINTR);
    assert_true(kvm_open(&other, 0, &why));
    assert_int_equal(host.times, 0);
    assert_int_equal(other.vm_fd, host.fds[0]);
    close(other.fd);
    refuse(KVM_CREATE_VM, 1, EBUSY);
    assert_false(kvm_open(&other, 0, &why));
    says("no virtual machine can be made");
    kvm_close(&other);
    refuse(KVM_GET_API_VERSION, 1, ENOTTY);
    assert_false(kvm_open(&other, 0, &why));
    says("it is not KVM's device");
    kvm_close(&other);
    for (host.version = 11; host.version <= 13; host.version += 2) {
        assert_false(kvm_open(&other, 0, &why));
        says(host.version == 11 ? "version is 11," : "version is 13,");
        kvm_close(&other);
    }
}

static void slots_are_counted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        refuse(KVM_SET_USER_MEMORY_REGION, 1, EINVAL);
        assert_false(kvm_add_slot(&kvm, PAGE, host.mask, PAGE));
        assert_true(kvm_add_slot(&kvm, (i + 1) * FRAME, host.mask, 3 * PAGE));
        assert_int_equal(host.region.slot, i);
        assert_int_equal(host.region.guest_phys_addr, (i + 1) * FRAME);
        assert_int_equal(host.region.memory_size, 3 * PAGE);
        assert_int_equal(host.region.userspace_addr, (uintptr_t)host.mask);
        assert_int_equal(host.region.flags, 0);
        assert_int_equal(kvm.slots, i + 1);
        assert_int_equal(kvm.slot_bytes, (i + 1) * 3 * PAGE);
    }
}

static void a_cpu_and_its_page(void **state)
{
    (void)state;
    struct kvm other = { .fd = -1, .vm_fd = -1, .vcpu_fd = -1 };
    refuse(KVM_CREATE_VCPU, 1, ENOMEM);
    assert_false(kvm_add_vcpu(&other, &why));
    says("no virtual CPU can be made");
    host.run_bytes = sizeof(struct kvm_run) - 1;
    assert_false(kvm_add_vcpu(&other, &why));
    says("KVM_GET_VCPU_MMAP_SIZE gave");
    host.run_bytes = -1;
    assert_false(kvm_add_vcpu(&other, &why));
    host.run_bytes = sizeof(struct kvm_run);
    int file = host.fds[1], ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    host.fds[1] = ends[0];
    assert_false(kvm_add_vcpu(&other, &why));
    says("page cannot be mapped");
    assert_null(other.run);
    host.fds[1] = file;
    assert_true(kvm_add_vcpu(&other, &why));
    assert_int_equal(other.run_bytes, sizeof(struct kvm_run));
    kvm.run->exit_reason = 77; /* it is the descriptor's own memory, read and written */
    assert_int_equal(other.run->exit_reason, 77);
    munmap(other.run, other.run_bytes);
    close(ends[0]), close(ends[1]);
}

/* ---- the CPU's state ---- */

static const struct cpu_start begin = {
    .cr3 = 0x201000,
    .gdt = 0x1111000,
    .idt = 0x2222000,
    .tss = 0x3333000,
    .gdt_limit = 55,
    .idt_limit = 4095,
    .tss_limit = 103,
    .rip = 0x401000,
    .rsp = 0x7ff0,
    .rdi = 0x999,
};

static void expect_segment(const struct kvm_segment *s, unsigned selector, unsigned type, bool code)
{
    const struct kvm_segment want = { .limit = 0xffffffff,
                                      .selector = (uint16_t)selector,
                                      .type = (uint8_t)type,
                                      .present = 1,
                                      .dpl = 3,
                                      .s = 1,
                                      .l = code,
                                      .db = !code,
                                      .g = 1 };
    assert_memory_equal(s, &want, sizeof want);
}

/* By the manual's numbers: paging, protection, writes of CPL 0 checked; long mode active;
 * no-execute. */
static void the_first_state(void **state)
{
    (void)state;
    bool avx = true;
    assert_true(kvm_start_state(&kvm, &begin, &avx, &why));
    assert_true(avx);
    assert_int_equal(host.sregs.cr0, 0x80010033);
    assert_int_equal(host.sregs.cr3, 0x201000);
    assert_int_equal(host.sregs.cr4, 0x40620);
    assert_int_equal(host.sregs.efer, 0xd00);
    expect_segment(&host.sregs.cs, 0x1b, 11, true);
    const struct kvm_segment *data[] = { &host.sregs.ds, &host.sregs.es, &host.sregs.fs,
                                         &host.sregs.gs, &host.sregs.ss };
    for (int i = 0; i < 5; i++)
        expect_segment(data[i], 0x23, 3, false);
    const struct kvm_segment tr = { .base = 0x3333000,
                                    .limit = 103,
                                    .selector = 0x28,
                                    .type = 11,
                                    .present = 1 },
                             ldt = { .type = 2, .unusable = 1 };
    assert_memory_equal(&host.sregs.tr, &tr, sizeof tr);
    assert_memory_equal(&host.sregs.ldt, &ldt, sizeof ldt);
    assert_int_equal(host.sregs.gdt.base, 0x1111000);
    assert_int_equal(host.sregs.gdt.limit, 55);
    assert_int_equal(host.sregs.idt.base, 0x2222000);
    assert_int_equal(host.sregs.idt.limit, 4095);
    const struct kvm_regs regs = { .rip = 0x401000, .rsp = 0x7ff0, .rdi = 0x999, .rflags = 2 };
    assert_memory_equal(&host.regs, &regs, sizeof regs);
    assert_int_equal(host.xcrs.nr_xcrs, 1);
    assert_int_equal(host.xcrs.xcrs[0].xcr, 0);
    assert_int_equal(host.xcrs.xcrs[0].value, 7);
}

/* The leaf, as the guest's `cpuid` would see it. */
static const struct kvm_cpuid_entry2 *leaf(uint32_t function)
{
    for (uint32_t i = 0; i < host.entries; i++)
        if (host.cpuid[i].function == function)
            return &host.cpuid[i];
    fail_msg("no leaf 0x%x", function);
    return NULL;
}

static void what_cpuid_says(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        bool avx = wide;
        assert_true(kvm_start_state(&kvm, &begin, &avx, &why));
        assert_int_equal(avx, wide);
        assert_int_equal(leaf(0)->eax, wide ? 13 : 1);
        assert_memory_equal(&leaf(0)->ebx, "wasm", 4);
        assert_memory_equal(&leaf(0)->edx, "wasm", 4);
        assert_memory_equal(&leaf(0)->ecx, "wasm", 4);
        assert_int_equal(leaf(1)->eax, 0x600);
        assert_int_equal(leaf(1)->ecx, wide ? 0x14000000 : 0); /* XSAVE and AVX */
        assert_int_equal(leaf(1)->edx, 0x783fbff);
        assert_int_equal(leaf(13)->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
        assert_int_equal(leaf(13)->eax, wide ? 7 : 0);
        assert_int_equal(leaf(13)->ebx, 832); /* 512 of FXSAVE, 64 of the header, 256 of AVX */
        assert_int_equal(leaf(13)->ecx, 832);
        assert_int_equal(leaf(0x80000000)->eax, 0x80000008);
        assert_int_equal(leaf(0x80000001)->edx, 1 << 11 | 1 << 20 | 1 << 29);
        assert_int_equal(leaf(0x80000008)->eax >> 8, 48);
        assert_in_range(leaf(0x80000008)->eax & 0xff, 36, 52);
        assert_int_equal(host.sregs.cr4, wide ? 0x40620 : 0x620);
    }
}

/* Of AVX each kind of KVM knows as much as it does: the rest is set all the same. */
static void avx_as_far_as_kvm_keeps_it(void **state)
{
    (void)state;
    static const struct {
        bool wanted, no_xsave, no_osxsave, no_xcrs, avx;
        uint64_t cr4;
        uint32_t leaves;
    } rows[] = {
        { true, false, false, false, true, 0x40620, 13 },
        { true, true, false, false, false, 0x620, 1 },
        { true, false, true, false, true, 0x620, 13 },
        { true, false, false, true, false, 0x40620, 13 },
        { false, false, false, false, false, 0x620, 1 },
        { true, false, true, true, false, 0x620, 13 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool avx = rows[i].wanted;
        host.no_xsave = rows[i].no_xsave, host.no_osxsave = rows[i].no_osxsave;
        refuse(KVM_SET_XCRS, rows[i].no_xcrs, EINVAL);
        assert_true(kvm_start_state(&kvm, &begin, &avx, &why));
        if (avx != rows[i].avx || host.sregs.cr4 != rows[i].cr4 || leaf(0)->eax != rows[i].leaves)
            fail_msg("row %zu: %d, 0x%llx, %u", i, avx, (unsigned long long)host.sregs.cr4,
                     leaf(0)->eax);
    }
}

static void a_state_that_is_refused(void **state)
{
    (void)state;
    static const struct { unsigned long request; const char *words;
    } rows[] = {
        { KVM_SET_CPUID2, "KVM_SET_CPUID2 is refused" },
        { KVM_SET_SREGS, "64-bit mode is refused" },
        { KVM_SET_REGS, "registers cannot be set" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool avx = true;
        refuse(rows[i].request, 9, EINVAL);
        assert_false(kvm_start_state(&kvm, &begin, &avx, &why));
        says(rows[i].words);
    }
}

static void another_type_of_task_register(void **state)
{
    (void)state;
    bool avx = false;
    assert_true(kvm_start_state(&kvm, &begin, &avx, &why));
    struct kvm_sregs before = host.sregs;
    assert_true(kvm_set_tss_type(&kvm, TSS_AVAILABLE));
    assert_int_equal(host.sregs.tr.type, 9);
    before.tr.type = 9;
    assert_memory_equal(&host.sregs, &before, sizeof before);
    unsigned set = host.sregs_set;
    refuse(KVM_GET_SREGS, 1, EIO); /* what nobody read is not written */
    assert_false(kvm_set_tss_type(&kvm, TSS_BUSY));
    assert_int_equal(host.sregs_set, set);
    refuse(KVM_SET_SREGS, 1, EIO);
    assert_false(kvm_set_tss_type(&kvm, TSS_BUSY));
    assert_true(kvm_set_tss_type(&kvm, TSS_BUSY));
    assert_int_equal(host.sregs.tr.type, 11);
}

static void registers_make(int byte)
{
    memset(&host.regs, byte, sizeof host.regs);
    memset(&host.sregs, byte, sizeof host.sregs);
    memset(&host.events, byte, sizeof host.events);
    memset(&host.xsave, byte, sizeof host.xsave);
}

/* By calls, or by the page that KVM looks into; both ways all of them, before the guest runs. */
static void a_state_is_put_back(void **state)
{
    (void)state;
    static const struct { int shares; unsigned calls; } rows[] = { { 0, 5 }, { 3, 5 }, { 7, 2 } };
    uint8_t value;
    const char *words;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned calls = 0;
        host.shares = rows[i].shares;
        registers_make(0x11);
        struct kvm_kept *kept = kvm_keep(&kvm);
        assert_non_null(kept);
        for (int again = 0; again < 2; again++) {
            registers_make(0x22);
            unsigned asked = host.asked;
            assert_true(kvm_put_back(&kvm, kept, 0x5000, &calls));
            assert_int_equal(calls, rows[i].calls);
            assert_int_equal(host.asked - asked, rows[i].calls);
            kvm_enter(&kvm, &value, &words);
            struct host now = host;
            registers_make(0x11);
            host.sregs.cr3 = 0x5000;
            assert_memory_equal(&host, &now, sizeof host);
        }
        free(kept);
    }
}

/* KVM on AMD-V tells another type than the one that works there. */
static void the_task_registers_type_stays(void **state)
{
    (void)state;
    unsigned calls;
    host.sregs.tr.type = TSS_BUSY;
    assert_true(kvm_set_tss_type(&kvm, TSS_AVAILABLE));
    host.sregs.tr.type = TSS_BUSY;
    struct kvm_kept *kept = kvm_keep(&kvm);
    assert_true(kept && kvm_put_back(&kvm, kept, 0x5000, &calls));
    assert_int_equal(host.sregs.tr.type, TSS_AVAILABLE);
    free(kept);
}

static void a_state_that_cannot_be_kept(void **state)
{
    (void)state;
    static const unsigned long asked[] = { KVM_GET_REGS, KVM_GET_SREGS, KVM_GET_VCPU_EVENTS,
                                           KVM_GET_XSAVE };
    static const unsigned long told[] = { KVM_SET_REGS, KVM_SET_SREGS, KVM_SET_VCPU_EVENTS,
                                          KVM_SET_XSAVE };
    unsigned calls;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        refuse(asked[i], 1, EIO);
        assert_null(kvm_keep(&kvm));
        struct kvm_kept *kept = kvm_keep(&kvm);
        refuse(told[i], 1, EIO);
        assert_false(kvm_put_back(&kvm, kept, 0x5000, &calls));
        free(kept);
    }
}

static void where_the_guest_is(void **state)
{
    (void)state;
    struct cpu_place place;
    host.regs = (struct kvm_regs){
        .rip = 1, .rsp = 2, .rdi = 3, .rsi = 4, .rax = 5, .r15 = 6, .rflags = 0xcd5
    };
    for (unsigned selector = 0x18; selector < 0x1c; selector++) {
        host.sregs.cs.selector = (uint16_t)selector;
        assert_true(kvm_get_place(&kvm, &place));
        assert_int_equal(place.user, selector == 0x1b);
    }
    assert_int_equal(place.rip, 1);
    assert_int_equal(place.rsp, 2);
    assert_int_equal(place.rdi, 3);
    assert_int_equal(place.rsi, 4);
    refuse(KVM_GET_REGS, 1, EIO);
    assert_false(kvm_get_place(&kvm, &place));
    refuse(KVM_GET_SREGS, 1, EIO);
    assert_false(kvm_get_place(&kvm, &place));
}

static void the_guest_is_sent_elsewhere(void **state)
{
    (void)state;
    const struct cpu_place there = { .rip = 11, .rsp = 12, .rdi = 13, .rsi = 14 };
    host.regs = (struct kvm_regs){
        .rip = 1, .rsp = 2, .rdi = 3, .rsi = 4, .rax = 5, .r15 = 6, .rflags = 0xcd5
    };
    const struct kvm_regs before = host.regs;
    refuse(KVM_GET_REGS, 1, EIO);
    assert_false(kvm_set_place(&kvm, &there));
    refuse(KVM_SET_REGS, 1, EIO);
    assert_false(kvm_set_place(&kvm, &there));
    assert_memory_equal(&host.regs, &before, sizeof before);
    assert_true(kvm_set_place(&kvm, &there));
    const struct kvm_regs want = {
        .rip = 11, .rsp = 12, .rdi = 13, .rsi = 14, .rax = 5, .r15 = 6, .rflags = 2
    };
    assert_memory_equal(&host.regs, &want, sizeof want);
}

/* ---- exits ---- */

static enum kvm_exit step(uint8_t *value, const char **words)
{
    *value = 0, *words = "";
    return kvm_enter(&kvm, value, words);
}

static void a_doorbell_and_what_is_none(void **state)
{
    (void)state;
    static const struct {
        uint8_t direction;
        uint16_t port;
        uint8_t size;
        uint32_t count;
        bool good;
    } rows[] = {
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 1, 1, true },
        { KVM_EXIT_IO_IN, DOORBELL_PORT, 1, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT + 1, 1, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT - 1, 1, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 2, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 4, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 0, 1, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 1, 2, false },
        { KVM_EXIT_IO_OUT, DOORBELL_PORT, 1, 0, false },
    };
    uint8_t value;
    const char *words;
    kvm.run->exit_reason = KVM_EXIT_IO;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kvm.run->io.direction = rows[i].direction, kvm.run->io.port = rows[i].port;
        kvm.run->io.size = rows[i].size, kvm.run->io.count = rows[i].count;
        kvm.run->io.data_offset = sizeof(struct kvm_run) + i;
        ((uint8_t *)kvm.run)[sizeof(struct kvm_run) + i] = (uint8_t)(0xf0 + i);
        if (step(&value, &words) != (rows[i].good ? KVM_DOORBELL : KVM_STRANGE))
            fail_msg("row %zu", i);
        assert_int_equal(value, rows[i].good ? 0xf0 + i : 0);
        assert_string_equal(words, "I/O that is not the doorbell");
    }
    kvm.run->io.direction = KVM_EXIT_IO_OUT, kvm.run->io.port = DOORBELL_PORT;
    kvm.run->io.size = kvm.run->io.count = 1;
    kvm.run->io.data_offset = kvm.run_bytes - 1; /* the page's last byte */
    ((uint8_t *)kvm.run)[kvm.run_bytes - 1] = 9;
    assert_int_equal(step(&value, &words), KVM_DOORBELL);
    assert_int_equal(value, 9);
}

static void each_exit_in_words(void **state)
{
    (void)state;
    static const struct { uint32_t reason; enum kvm_exit exit; const char *words;
    } rows[] = {
        { KVM_EXIT_INTR, KVM_INTERRUPTED, "" },
        { KVM_EXIT_SHUTDOWN, KVM_SHUTDOWN, "" },
        { KVM_EXIT_FAIL_ENTRY, KVM_REFUSED, "the CPU refused its state" },
        { KVM_EXIT_HLT, KVM_STRANGE, "KVM exit 5" },
        { KVM_EXIT_UNKNOWN, KVM_STRANGE, "KVM exit 0" },
        { KVM_EXIT_MMIO, KVM_STRANGE, "physical address 0xfee00030 is not memory" },
        { KVM_EXIT_INTERNAL_ERROR, KVM_STRANGE, "KVM could not go on (internal error 3)" },
    };
    uint8_t value;
    const char *words;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(kvm.run, 0, sizeof *kvm.run);
        kvm.run->exit_reason = rows[i].reason;
        if (rows[i].reason == KVM_EXIT_MMIO)
            kvm.run->mmio.phys_addr = 0xfee00030;
        if (rows[i].reason == KVM_EXIT_INTERNAL_ERROR)
            kvm.run->internal.suberror = 3;
        if (step(&value, &words) != rows[i].exit)
            fail_msg("exit %u", rows[i].reason);
        assert_string_equal(words, rows[i].words);
    }
}

static void runs_that_fail(void **state)
{
    (void)state;
    static const struct { int error; enum kvm_exit exit; const char *words; } rows[] = {
        { EINTR, KVM_INTERRUPTED, "" }, { EAGAIN, KVM_INTERRUPTED, "" },
        { EFAULT, KVM_STRANGE, "KVM_RUN failed: Bad address" },
        { EINVAL, KVM_STRANGE, "KVM_RUN failed: Invalid argument" },
    };
    uint8_t value;
    const char *words;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refuse(KVM_RUN, 1, rows[i].error);
        assert_int_equal(step(&value, &words), rows[i].exit);
        assert_string_equal(words, rows[i].words);
    }
}

/* The kernel's set of signals is one word: signal 1 is its lowest bit. */
static void signals_inside(void **state)
{
    (void)state;
    const uint8_t want[16] = { 1, 2, 0, 0, 0, 0, 0, 0x80 };
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, 1), sigaddset(&blocked, 10), sigaddset(&blocked, 64);
    assert_true(kvm_set_signals(&kvm, &blocked));
    assert_int_equal(host.mask_bytes, 8);
    assert_memory_equal(host.mask, want, sizeof want);
    refuse(KVM_SET_SIGNAL_MASK, 1, EINVAL);
    assert_false(kvm_set_signals(&kvm, &blocked));
}

/* ---- time, counts ---- */

static void rates_of_the_clock(void **state)
{
    (void)state;
    uint64_t offset = 0;
    for (int khz = -1; khz <= 1; khz++) {
        kvm.tsc_asked = false;
        host.khz = khz;
        assert_int_equal(kvm_tsc_khz(&kvm), khz > 0 ? 1 : 0);
        host.khz = 7; /* the jail has no such call: nobody asks again, also where it is not known */
        assert_int_equal(kvm_tsc_khz(&kvm), khz > 0 ? 1 : 0);
    }
    assert_true(kvm_tsc_offset(&kvm, &offset));
    assert_int_equal(offset, 0x123456789a);
    refuse(KVM_GET_DEVICE_ATTR, 1, ENXIO);
    assert_false(kvm_tsc_offset(&kvm, &offset));
}

/* A file of counts as the kernel makes it: a header, descriptions with names of `name_bytes`,
 * values. */
static void counts_write(uint32_t name_bytes, const char *const names[], uint32_t n)
{
    const size_t each = sizeof(struct kvm_stats_desc) + name_bytes;
    struct kvm_stats_header head = { .name_size = name_bytes, .num_desc = n, .desc_offset = 64,
                                     .data_offset = (uint32_t)(64 + n * each) };
    char *file = calloc(1, head.data_offset + n * 8ul);
    memcpy(file, &head, sizeof head);
    for (uint32_t i = 0; i < n; i++) {
        struct kvm_stats_desc *desc = (struct kvm_stats_desc *)(file + 64 + i * each);
        uint64_t value = 1000 + i;
        desc->offset = i * 8;
        strncpy(desc->name, names[i], name_bytes - 1);
        memcpy(file + head.data_offset + i * 8, &value, 8);
    }
    assert_int_equal(pwrite(host.fds[2], file, head.data_offset + n * 8, 0),
                     head.data_offset + n * 8);
    free(file);
}

static void counts_by_their_names(void **state)
{
    (void)state;
    static const char *const names[] = { "pages_4k",     "other",          "pf_taken",
                                         "pf_taken_not", "insn_emulation", "pages_2m" };
    struct kvm_counts counts;
    counts_write(48, names, 6);
    host.fds[2] = dup(host.fds[2]); /* both files are one, and the counts are kept open */
    kvm_count(&kvm, &counts);
    assert_int_equal(counts.small_pages, 1000);
    assert_int_equal(counts.faults, 1002);
    assert_int_equal(counts.emulated, 1004);
    assert_int_equal(counts.large_pages, 1005);
    unsigned asked = host.asked;
    kvm_count(&kvm, &counts);
    assert_int_equal(host.asked, asked); /* they stay open */
    assert_int_equal(counts.faults, 1002);
    kvm.counts_fd[1] = -1; /* closed once: both are the same here */
}

/* 0 where the kernel has none, or has names longer than we take, or ends in their middle. */
static void counts_that_are_none(void **state)
{
    (void)state;
    static const char *const names[] = { "pf_taken", "pages_4k" };
    static const struct { unsigned long refused; uint32_t name_bytes; uint64_t faults; } rows[] = {
        { KVM_GET_STATS_FD, 48, 0 }, { 0, 128, 1000 }, { 0, 132, 0 }, { 0, 48, 1000 },
    };
    struct kvm_counts counts;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kvm.counts_open = false;
        memset(kvm.counts_at, 0, sizeof kvm.counts_at);
        counts_write(rows[i].name_bytes, names, 2);
        refuse(rows[i].refused, 2, ENOTTY);
        kvm_count(&kvm, &counts);
        assert_int_equal(counts.faults, rows[i].faults);
        assert_int_equal(counts.emulated, 0);
    }
    kvm.counts_open = false;
    memset(kvm.counts_at, 0, sizeof kvm.counts_at);
    assert_int_equal(ftruncate(host.fds[2], 64 + sizeof(struct kvm_stats_desc) + 47), 0);
    kvm_count(&kvm, &counts);
    assert_int_equal(counts.faults, 0);
    kvm.counts_open = false; /* the descriptor is the test's own */
}

static void nothing_stays_open(void **state)
{
    (void)state;
    struct kvm_counts counts;
    int was[4] = { dup(host.fds[0]), kvm.vm_fd, kvm.vcpu_fd, host.fds[2] };
    kvm.fd = was[0];
    kvm_count(&kvm, &counts);
    kvm.counts_fd[0] = -1; /* both are the same here */
    void *run = kvm.run;
    kvm_close(&kvm);
    for (int i = 0; i < 4; i++)
        assert_int_equal(fcntl(was[i], F_GETFD), -1);
    assert_int_equal(msync(run, PAGE, MS_ASYNC), -1);
    assert_int_equal(kvm.fd, -1);
    for (int i = 0; i < 3; i++)
        host.fds[i] = file_new();
    kvm_close(&kvm); /* a second time: nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(descriptors_that_are_handed_over),
        TEST(a_machine_is_opened),
        TEST(slots_are_counted),
        TEST(a_cpu_and_its_page),
        TEST(the_first_state),
        TEST(what_cpuid_says),
        TEST(avx_as_far_as_kvm_keeps_it),
        TEST(a_state_that_is_refused),
        TEST(another_type_of_task_register),
        TEST(a_state_is_put_back),
        TEST(the_task_registers_type_stays),
        TEST(a_state_that_cannot_be_kept),
        TEST(where_the_guest_is),
        TEST(the_guest_is_sent_elsewhere),
        TEST(a_doorbell_and_what_is_none),
        TEST(each_exit_in_words),
        TEST(runs_that_fail),
        TEST(signals_inside),
        TEST(rates_of_the_clock),
        TEST(counts_by_their_names),
        TEST(counts_that_are_none),
        TEST(nothing_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
