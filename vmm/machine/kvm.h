/* KVM as the rest of the monitor sees it: one VM, one vCPU, slots, exits.  kvm.c is the only file with KVM ioctls, and
 * <linux/kvm.h> goes no further. */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvm_run;
struct kvm {
    int fd, vm_fd, vcpu_fd;
    struct kvm_run *run; /* the kernel's shared page for the vCPU */
    size_t run_bytes;
    uint32_t slots;      /* memory slots so far */
    uint64_t slot_bytes; /* ... and what they hold together */
    char why[96];        /* what kvm_enter had to say */
};

/* Opens /dev/kvm and makes a VM.  false: the reason and what to do; kvm_close is due all the same. */
struct failure;
bool kvm_open(struct kvm *, struct failure *);
/* Adds a memory slot: guest-physical [gpa, gpa + bytes) is [host, host + bytes); all multiples of 4 KiB.  false:
 * errno. */
bool kvm_add_slot(struct kvm *, uint64_t gpa, void *host, uint64_t bytes);
bool kvm_add_vcpu(struct kvm *, struct failure *); /* makes the vCPU */

/* Where the vCPU starts: long mode, CPL 3, flat segments, the tables as given. */
struct cpu_start {
    uint64_t cr3;
    uint64_t gdt, idt, tss; /* guest-virtual */
    uint16_t gdt_limit, idt_limit, tss_limit;
    uint64_t rip, rsp, rdi;
};
/* *avx: the host's CPU has it; then, whether the guest may use it. */
bool kvm_start_state(struct kvm *, const struct cpu_start *, bool *avx, struct failure *);

/* The type of the task register's descriptor: 11, or 9 where an emulated SVM honours the I/O bitmap only so. */
enum { TSS_BUSY = 11, TSS_AVAILABLE = 9 };
bool kvm_set_tss_type(struct kvm *, int type);

struct cpu_place { uint64_t rip, rsp, rdi, rsi; bool user; /* CPL 3 */ };
bool kvm_get_place(struct kvm *, struct cpu_place *);
/* Sets rip, rsp, rdi and rsi and clears the flags; the rest stays. */
bool kvm_set_place(struct kvm *, const struct cpu_place *);

enum kvm_exit {
    KVM_DOORBELL,    /* `out %al, $DOORBELL_PORT`; *value = al                   */
    KVM_INTERRUPTED, /* a signal                                                 */
    KVM_SHUTDOWN,    /* triple fault                                             */
    KVM_REFUSED,     /* the CPU refused its state (VM entry failed)              */
    KVM_STRANGE,     /* anything else: *why has a line, valid until the next run */
};
enum kvm_exit kvm_enter(struct kvm *, uint8_t *value, const char **why);
/* The signals that are blocked while the guest runs, instead of the thread's own: any other one that is pending makes
 * kvm_enter return at once, as KVM_INTERRUPTED. */
bool kvm_set_signals(struct kvm *, const sigset_t *blocked);

uint64_t kvm_tsc_khz(struct kvm *);                  /* 0: unknown */
bool kvm_tsc_offset(struct kvm *, uint64_t *offset); /* guest minus host; false: this kernel cannot say */
void kvm_close(struct kvm *);

#endif
