/* The face of machine/: a VM with its memory and the guest image in it, ready to run; the door to
 * its memory; what its module may import; what is counted. */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "vmm/base/base.h"
#include "vmm/wasmvm_plugin.h"
#include "wasi-shim/calls.h"

/* ---- guestmem.c: the one door to guest memory ---- */
typedef uint64_t gva_t; /* a guest-virtual address; never dereferenced */
struct region { gva_t at; uint64_t bytes; uint8_t *host; bool writable; };
/* the busiest first */
enum {
    REGION_LINEAR,
    REGION_CONTROL,
    REGION_STACK,
    REGION_HEAP,
    REGION_IMAGE,
    REGION_CSTACK,
    REGION_STACK_MORE /* below the stack's top */,
    REGION_HEAP_MORE /* the heap beyond its first piece */,
    REGION_IMAGE_MORE /* the image's further segments */,
    REGION_COUNT = REGION_IMAGE_MORE + 5
};
struct tables;
struct guestmem {
    struct region regions[REGION_COUNT];
    const struct tables *told; /* of what is written; NULL: nobody wants to know */
};
/* Copies n bytes in or out; false if any byte lies outside one region (nothing is copied then). */
bool guest_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool guest_write(const struct guestmem *, gva_t, const void *src, uint64_t n);
/* The host range for a bulk transfer by the kernel; false as above.  The monitor itself never looks
 * through it. */
bool guest_span(const struct guestmem *, gva_t, uint64_t n, bool writable, struct iovec *out);
/* A word that both sides use as an atomic.  NULL as above, or where it is not aligned. */
uint32_t *guest_word(const struct guestmem *, gva_t);
/* For WASI: addresses must lie in linear memory. */
bool linear_read(const struct guestmem *, gva_t, void *dst, uint64_t n);
bool linear_write(const struct guestmem *, gva_t, const void *src, uint64_t n);
bool linear_span(const struct guestmem *, gva_t, uint64_t n, bool writable, struct iovec *out);

/* ---- host_table.c: host functions, as data ---- */
/* A signature has at most this many parameters, and at most one result. */
#define HOST_PARAMS_MAX CALL_VALUES

struct host_entry {
    /* strings live as long as the table; func.data is what the function gets */
    struct wasmvm_func func;
    const char *provider;    /* "plug-in kv", for sentences */
    bool one_thread;         /* served by the vCPU's thread alone */
    uint64_t calls;
};

struct host_table {
    struct host_entry *entries;
    uint32_t n, cap;
};
/* Adds a function; false with a sentence in `why`: bad signature, or (module, name) reserved
 * (WASI's modules).  A name given twice: the first one counts, and true is returned. */
bool host_add(struct host_table *, const struct wasmvm_func *, const char *provider,
              bool one_thread, char why[200]);
void host_free(struct host_table *);
/* Of a signature that is one. */
static inline uint32_t sig_params(const char *sig) { return (uint32_t)strspn(sig, "iIfFvr"); }
static inline uint32_t sig_results(const char *sig)
{
    return (uint32_t)strlen(sig) - sig_params(sig) - 1;
}
static inline bool sig_wide(char letter) { return letter == 'I' || letter == 'F'; } /* 64 bits */

/* ---- invoke.c: --invoke, the words that go in and the results that come out ---- */
/* what invoke_write writes; a multiple of 8 */
uint64_t invoke_bytes(const struct config *);
/* At `offset` of the control area, 8-aligned. */
void invoke_write(const struct config *, uint8_t *control, uint32_t offset);
/* Prints results, one a line, as text of `cap` bytes; a line needs at most INVOKE_LINE. */
enum { INVOKE_LINE = 64 };
size_t invoke_print(const struct invoke_result *, size_t n, char *out, size_t cap);
enum { TYPE_I32 = 0x7f, TYPE_I64 = 0x7e, TYPE_F32 = 0x7d, TYPE_F64 = 0x7c, TYPE_V128 = 0x7b };
/* One result without its line's end; returns its length. */
int invoke_print_one(const struct invoke_result *, char out[INVOKE_LINE]);

/* ---- statistics: counted by the run loop, printed by the library ---- */
/* What KVM counts of one machine: the guest's page faults that it took, instructions that it played
 * for the guest (on the software kind all of CPL 0), pages of each size that the guest can reach.
 */
struct kvm_counts { uint64_t faults, emulated, small_pages, large_pages; };
/* ---- timeline.c: the start, for --trace-start ---- */
#define TIMELINE_PHASES 24u
#define TIMELINE_EXITS 256u
/* A phase of the host, until end_ns (CLOCK_MONOTONIC); faults: the process's page faults by then.
 */
struct host_phase { const char *name; uint64_t end_ns, faults; };
struct guest_exit { const char *name; uint64_t left_ns, back_ns; struct kvm_counts counts; };
struct timeline {
    /* main's first instruction; CPU time of the process by then */
    uint64_t began_ns, exec_cpu_ns;
    uint32_t nphases, nexits;         /* exits: all, of which the first ones are kept */
    struct host_phase phases[TIMELINE_PHASES];
    struct guest_exit exits[TIMELINE_EXITS];
    uint64_t entered_ns;              /* into the guest, for the first time */
    uint64_t marks_ns[GUEST_MARKS];   /* 0: not known */
};
/* NULL for a timeline: nobody wants one, and nothing is done. */
/* it ends now, and began where the last one ended */
void timeline_phase(struct timeline *, const char *name);
#define TIMELINE_GUEST "the guest" /* the phase that the guest is in */
struct vm;
/* back in the guest now */
void timeline_exit(struct timeline *, struct vm *, const char *name, uint64_t left_ns);

/* polled: of count, served without an exit */
struct call_stats { uint64_t count, polled, total_ns, ticks; };
struct run_stats {
    struct call_stats calls[CALL_COUNT];
    uint64_t exits;              /* all KVM exits */
    uint64_t exits_other;        /* exits that were no doorbell: signals, page requests */
    uint64_t start_ns;           /* CLOCK_MONOTONIC at the start: what a time limit counts from */
    uint64_t vm_ns, load_ns, boot_ns, run_ns, teardown_ns; /* phases */
    uint64_t service_cpu_ns;     /* CPU time of the service thread */
    uint64_t cpu_ns;             /* CPU time of the guest (vCPU thread) */
    uint64_t max_rss_bytes;      /* of the process */
    char clock_source[16];       /* the host's; "" = unknown */
    bool clocks_by_calls;        /* no clock can be read in the guest */
    uint64_t slot_kernel_bytes;
    struct kvm_counts kvm;       /* KVM's own; all 0 where nobody asked, or the kernel cannot say */
    uint64_t linear_bytes;       /* linear memory at the end */
    struct guest_stats guest;    /* a copy, taken once */
    const char *missing_path;    /* wasi_missing_path's, at the end; "" or NULL = none */
    uint64_t missing_count;
    const char *refused_path, *refused_why; /* wasi_refused's, in the same way */
    uint64_t refused_count;
    struct timeline *timeline;   /* NULL: nobody wants one */
    /* what the cache of starts had for this one, and why no more; NULL = none */
    const char *cache, *cache_why;
    /* what the jail lets through, in the words of docs/security.md; "" = there is none */
    char jail[64];
    /* of messages, --trace and --net-log: nobody read them */
    uint64_t lost_lines, lost_trace, lost_records;
    uint64_t lost_escapes;       /* sequences that terminals did not get */
};

/* ---- vm.c: the machine ---- */
struct vm;
/* The module's bytes: a file, or a non-blocking pipe, that the caller closes; or bytes that stay
 * until vm_build is done (fd -1). */
struct module { int fd; const uint8_t *bytes; uint64_t n; };
/* The machine as a name only, so that it can be stopped; NULL: no memory, or no descriptor.  All
 * three stay until vm_free. */
struct vm *vm_new(const struct config *, struct run_stats *);
/* Creates, loads, maps; false: vm_free is due all the same. */
bool vm_build(struct vm *, const struct module *, struct failure *);
/* Makes KVM's virtual machine before vm_build, which else does it; where that fails, too. */
void vm_early(struct vm *);
/* Of a run that did not call `ready`: what the start took before the module's first instruction, as
 * the guest tells it; all of the run where it did not come so far. */
uint64_t vm_boot_ns(struct vm *, uint64_t entered_ns, uint64_t run_ns);
struct guestmem *vm_memory(struct vm *);
struct kick *vm_kick(struct vm *);
void vm_close(struct vm *); /* KVM's part; guest memory is left to the end of the process */
void vm_free(struct vm *);  /* all of it */
struct kvm;
/* What the run loop works with; all of it the machine's. */
struct machine {
    struct vm *vm;
    const struct config *config;
    struct run_stats *stats;
    struct guestmem *mem;
    struct kick *kick;
    struct kvm *kvm;
    unsigned cpus; /* thread_cpus of the one that made it */
};
struct machine vm_machine(struct vm *);
void vm_count(struct vm *); /* at the end of a run: memory, and what the guest has counted */

/* ---- resume.c: images of starts ---- */
/* BOOT_SAVE: makes the image; false: no honest guest asks for it. */
bool resume_save(struct vm *, uint64_t heap, uint64_t code);
/* Why that made none, where the image was all that was wanted; NULL: all is well. */
const char *resume_unmade(const struct vm *);
/* BOOT_RESUME: makes pieces of the module readable. */
enum module_pieces { PIECES_THERE, PIECES_CHANGED, PIECES_HOSTILE, PIECES_STOPPED /* a kick */ };
enum module_pieces resume_pieces(struct vm *, uint64_t from, uint64_t to);
void resume_count(struct vm *); /* at the end of a run, behind vm_count */

/* ---- snapshot.c: a machine is taken back to an earlier state, between two runs ---- */
/* What one taking back did. */
struct reset_counts { uint64_t pages, dropped_bytes, ioctls; };
/* CALL_save: true: the guest stops here, as config->snapshot wants a start that begins behind it.
 */
bool snapshot_pause(struct vm *);
/* As it is now is what snapshot_back leads to; `start`: what runs then is a start, with a boot
 * record of its own. */
bool snapshot_take(struct vm *, bool start, struct failure *);
/* Memory and CPU are as they were; grown memory is given back.  What is to be fresh is
 * (docs/embedding.md).  false: the machine cannot be used any more. */
bool snapshot_back(struct vm *, struct failure *);
/* The same, but then the guest is to compile what its last run compiled, and stops behind it for a
 * new snapshot. What it compiles is its own word: a hint, whose cost is bounded (guest/save.c). */
bool snapshot_learn(struct vm *, struct failure *);
struct reset_counts snapshot_counts(const struct vm *);
/* template.c: machines made from the snapshot of another one.  NULL: it cannot be had. */
struct template *template_new(struct vm *);
struct template *template_hold(struct template *);
void template_drop(struct template *);
bool snapshot_starts(const struct vm *); /* ... of the state before the first instruction */
bool snapshot_is(const struct vm *); /* there is one */
/* For tests: the first page that is not as it was, or 0; of those that may not be fresh. */
gva_t snapshot_differs(const struct vm *);

/* ---- kvm.c: the vCPU ---- */
/* The type of the task register's descriptor: 11, or 9 where an emulated SVM honours the I/O bitmap
 * only so. */
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
/* The signals that are blocked while the guest runs, instead of the thread's own: any other one
 * that is pending makes kvm_enter return at once, as KVM_INTERRUPTED. */
bool kvm_set_signals(struct kvm *, const sigset_t *blocked);
uint64_t kvm_tsc_khz(struct kvm *); /* 0: unknown */

/* ---- boot.c ---- */
/* before the first instruction: no program is run, exports are called from outside */
void boot_exports(struct vm *);
/* the first doorbell came through: vector 13 gets its proper entry */
void boot_probe_done(struct vm *);

/* ---- clockpage.c: the guest's clocks ---- */
void clockpage_check(struct vm *);       /* at the first exit: does the guest's rdtsc fit? */
bool clockpage_refresh(struct vm *);

/* ---- grow.c: the guest's memory calls ---- */
enum grow { GROW_DONE, GROW_REFUSED, GROW_HOSTILE };
enum grow grow_linear(struct vm *, uint64_t old_bytes, uint64_t new_bytes);
enum grow grow_more(struct vm *, uint64_t number, uint64_t old_bytes, uint64_t new_bytes);
enum grow grow_heap(struct vm *, uint64_t bytes);
enum grow grow_code(struct vm *, uint64_t bytes);
enum grow grow_stack(struct vm *); /* below its top, all of it, once */
/* The most that all memory may be, where the last growth was refused for that; else 0. */
uint64_t grow_total_met(const struct vm *);

#endif
