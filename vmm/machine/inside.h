/* The inside of machine/: what its files share, grouped by file in the order of a start. */
#ifndef VMM_MACHINE_INSIDE_H
#define VMM_MACHINE_INSIDE_H

#include "vmm/cache/cache.h"
#include "vmm/machine/machine.h"

#define PAGE  0x1000ull
#define FRAME 0x200000ull /* a 2 MiB page */

static inline uint64_t round_up(uint64_t n, uint64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* ---- features.c: the host's CPU ---- */
/* CPU_* bits; AVX and its kin only count if kvm_start_state says so */
uint32_t features_host(void);
unsigned features_physical_bits(void);
bool features_pkru(void); /* code at CPL 3 can write PKRU, natively */

/* ---- kvm.c: one VM, one vCPU, slots; the only file with KVM ioctls, and <linux/kvm.h> goes no
 * further ---- */
struct kvm_run;
enum { KVM_COUNTS = 4 };
struct kvm {
    int fd, vm_fd, vcpu_fd;
    struct kvm_run *run; /* the kernel's shared page for the vCPU */
    size_t run_bytes;
    uint64_t tsc_khz;    /* kvm_tsc_khz's; 0: not known */
    bool tsc_asked;
    int tss_type;        /* what kvm_set_tss_type chose; 0: nothing yet */
    uint32_t slots;      /* memory slots so far */
    uint64_t slot_bytes; /* ... and what they hold together */
    bool counts_open;    /* kvm_count was asked */
    int counts_fd[2];    /* of the machine and its CPU; -1: this kernel has none */
    off_t counts_at[KVM_COUNTS]; /* 0: not known */
    char why[96];        /* what kvm_enter had to say */
};

/* Opens /dev/kvm, or copies the descriptor of it that was handed over (0 = none was), and makes a
 * VM.  false: the reason and what to do; kvm_close is due all the same. */
struct failure;
bool kvm_open(struct kvm *, int handed, struct failure *);
/* Adds a memory slot: guest-physical [gpa, gpa + bytes) is [host, host + bytes); all multiples of 4
 * KiB.  false: errno. */
bool kvm_add_slot(struct kvm *, uint64_t gpa, void *host, uint64_t bytes);
bool kvm_add_vcpu(struct kvm *, struct failure *); /* makes the vCPU */

/* Where the vCPU starts: long mode, CPL 3, flat segments, the tables as given. */
struct cpu_start {
    uint64_t cr3;
    uint64_t gdt, idt, tss; /* guest-virtual */
    uint16_t gdt_limit, idt_limit, tss_limit;
    uint64_t rip, rsp, rdi, rsi;
};
/* *avx: the host's CPU has it; then, whether the guest may use it. */
bool kvm_start_state(struct kvm *, const struct cpu_start *, bool *avx, struct failure *);
/* The CPU's state as it is, to be put back as often as wanted; NULL: no memory, or KVM refuses. The
 * guest does not run, and goes on behind its doorbell: or, after kvm_kept_at, where a start begins.
 */
struct kvm_kept;
struct kvm_kept *kvm_keep(struct kvm *);
void kvm_kept_at(struct kvm_kept *, const struct cpu_start *);
/* *calls: how many ioctls that took. */
bool kvm_put_back(struct kvm *, struct kvm_kept *, uint64_t cr3, unsigned *calls);
/* ... as the guest left it: the guest itself must clear it */
bool kvm_pkru_stays(const struct kvm_kept *);
/* guest minus host; false: this kernel cannot say */
bool kvm_tsc_offset(struct kvm *, uint64_t *offset);
void kvm_count(struct kvm *, struct kvm_counts *);
void kvm_close(struct kvm *);

/* ---- ram.c: guest-physical memory: where everything lies, slots, growth ---- */
struct span { uint8_t *host; uint64_t gpa, bytes; };
struct range {
    struct span all;
    uint64_t slotted;         /* the first bytes that slots cover */
    uint64_t next_slot_bytes;
    bool small_pages; /* no huge ones */
};
struct ram_sizes { uint64_t small, module; };
#define RAM_BASE FRAME /* in `small`, the 2 MiB page of what every start touches */
struct ram {
    struct range main;        /* one host mapping, in the order of the spans below */
    uint64_t host_bytes;      /* of that mapping: stack_more may lie in it too, behind main */
    struct span small, module, heap, code, linear;
    /* of the stack of wasm frames, whose top is in small, the rest in stack_more */
    uint64_t stack_bytes;
    bool stack_whole;         /* the guest reaches the rest */
    uint64_t small_used;      /* of small, by ram_take */
    bool shared;              /* linear memory is a file, in pages of 4 KiB unless ram_gather ... */
    uint64_t gathered;        /* ... has looked at so much of it */
    /* reserved from the start, but for the top, which stays unused; a slot when reached */
    struct range stack_more;
    /* beyond the first pieces above; reserved when first needed */
    struct range heap_more, code_more;
    struct range linear_more;          /* further memories; the same */
};
/* Reserves address space and makes the first slot. */
bool ram_new(struct ram *, struct kvm *, const struct config *, const struct ram_sizes *,
             struct failure *);
/* The next piece of `small`, in whole pages, zero.  That they suffice is the caller's sum
 * (ram_sizes.small). */
struct span ram_take(struct ram *, uint64_t bytes);
/* Makes the first `bytes` of the range reachable by slots; false: cannot be had. */
bool ram_reach(struct kvm *, struct range *, uint64_t bytes);
/* Linear memory has so many bytes from now on: where it is shared, they get pages of 2 MiB, which
 * the kernel gives a file only when asked. */
void ram_gather(struct ram *, uint64_t bytes);
void ram_free(struct ram *); /* after the machine is closed */
/* Address space for heap_more, code_more or linear_more, once. */
bool ram_reserve(struct range *, uint64_t gpa, uint64_t bytes);
#define RAM_STACK_MORE_GPA 0x400000000ull
#define RAM_HEAP_MORE_GPA 0xa00000000ull
#define RAM_CODE_MORE_GPA 0xb00000000ull
#define RAM_LINEAR_MORE_GPA   0xc00000000ull
/* what large growths leave over is less than what they take */
#define RAM_LINEAR_MORE_BYTES (2 * MAP_LINEAR_MAX)

/* ---- tables.c: the guest's page tables ---- The monitor writes them, the guest never does.  After
 * the first instruction entries are only added: absent to present, or a table of 4 KiB entries by
 * the 2 MiB entry that says the same of them and more. */
enum { TABLES_WRITE = 1 << 0, TABLES_EXECUTE = 1 << 1, TABLES_SUPERVISOR = 1 << 2,
       TABLES_COARSE = 1 << 3 /* 2 MiB entries, also where tables tell what is written */ };
struct tables { struct span pool; uint64_t used, root; bool tell; };
bool tables_new(struct tables *, struct span pool); /* the root is the pool's first page */
/* Maps [at, at + bytes) to gpa on, by 2 MiB entries where both are aligned.  What is mapped there
 * already must be mapped so.  false: the pool is used up. */
bool tables_map(struct tables *, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights);
/* What the tables say of one address; false: not mapped. */
bool tables_look(const struct tables *, gva_t at, uint64_t *gpa, unsigned *rights,
                 uint64_t *page_bytes);
/* Under a new root the same again, in which what can be written has 4 KiB entries with the dirty
 * bit clear.  false: the pool is used up, and nothing has changed.  The guest may not run
 * meanwhile, and the CPU needs the new root. */
bool tables_renew(struct tables *);
/* Pages that somebody else than the guest has written, or is about to. */
void tables_mark(const struct tables *, gva_t at, uint64_t n);
/* The first page from `at` on, a page's start, that was written since; `end`: none before it is. */
gva_t tables_written(const struct tables *, gva_t at, gva_t end);
/* The CPU may know of the entries until the host's pages behind them are taken away
 * (MADV_DONTNEED). */
void tables_unmap(struct tables *, gva_t at, uint64_t n);

/* ---- image.c: the guest image ---- */
#define IMAGE_SEGMENTS 8
struct segment { gva_t at; const uint8_t *bytes; uint64_t file_bytes, mem_bytes; unsigned rights; };
struct image {
    const uint8_t *bytes;
    uint8_t *file; /* the bytes, where they come from a file */
    size_t len;
    gva_t entry;
    struct segment segments[IMAGE_SEGMENTS]; /* the code first, the exception entries last */
    unsigned nsegments;
};
/* Reads the embedded image, or the file; false on one that is not ours: image_close is due all the
 * same. */
bool image_open(struct image *, const struct config *, struct failure *);
void image_close(struct image *);

/* ---- boot.c: descriptor tables, control area, the image's place; from these the vCPU starts ----
 */
#define CPL0_PAGES 3 /* tables, stack, stack of the double fault: they lie together */
enum {
    SELECTOR_KERNEL_CODE = 0x08,
    SELECTOR_KERNEL_DATA = 0x10,
    SELECTOR_USER_CODE = 0x1b,
    SELECTOR_USER_DATA = 0x23,
    SELECTOR_TSS = 0x28
};
struct vm;
/* What ram.small must hold. */
uint64_t boot_small_bytes(const struct config *, const struct image *);
bool boot_prepare(struct vm *, const struct image *, struct cpu_start *, struct failure *);
void boot_features(struct vm *, uint32_t cpu_features);
/* of the stack of wasm frames: what the guest reaches from the start */
#define STACK_TOP_BYTES (128ull << 10)
/* The bounds between which entry.S asks for the rest of the stack; none where they are equal. */
void boot_stack_bounds(struct vm *, gva_t lo, gva_t hi);
void boot_module(struct vm *); /* makes the module's bytes readable, all of them */
/* The guest goes on from the image in memory; and makes one, of the functions that the entry lists.
 */
void boot_resume(struct vm *);
void boot_save(struct vm *);
/* ... of none, because a snapshot is wanted. */
void boot_pause(struct vm *);
/* The boot record of a start behind that. */
void boot_again(struct vm *, struct boot_record *);
bool boot_entropy(struct vm *);
/* The record of a start says so, where the machine's first call was answered before: what that one
 * tells of the guest's clock holds. */
bool boot_ran(struct vm *);

/* ---- host_table.c ---- */
/* In the control area, for the guest's linker: abi.h's struct host_import and the strings. */
uint64_t host_bytes(const struct host_table *);
void host_write(const struct host_table *, uint8_t *control, uint32_t offset);

/* ---- clockpage.c: the guest's clocks ---- */
struct clock {
    bool usable;
    uint64_t offset;           /* guest TSC minus host TSC */
    bool checked;              /* ... which a guest has shown, and KVM says */
    double ns_per_tick;
    uint64_t khz, looked_ns;   /* kvm_tsc_khz's; when the host's source was looked at */
    uint64_t first_tsc;        /* the host's at the first sample, before the first instruction */
    int64_t first_ns;          /* CLOCK_MONOTONIC then */
    struct clock_page page;    /* as last written */
};
void clockpage_start(struct vm *);       /* before the first instruction */
void clockpage_again(struct vm *);       /* the same, of a machine that was taken back */
/* on CLOCK_MONOTONIC; 0: not known */
uint64_t clockpage_when(const struct vm *, uint64_t guest_tsc);

/* ---- grow.c ---- */
bool grow_allowed(struct vm *, uint64_t bytes); /* so many more, by --total-memory */

/* ---- resume.c: an image of a start, out of guest memory and into it ---- */
extern const uint8_t guest_image_hash[64]; /* of the guest image in the binary, in letters */
/* Is there one?  Before the machine is made.  false: the program could write into the cache. */
bool resume_open(struct vm *, int module_fd, struct failure *);
/* Puts it into memory; false: it cannot be used, nothing is in memory, and the entry is refused. */
bool resume_load(struct vm *, uint32_t cpu);

/* The guest image's variables; NULL: it has others than one segment of them. */
const struct region *resume_data(const struct vm *);

/* ---- snapshot.c ---- */
void snapshot_free(struct vm *);
/* The control area of a start, as it is kept; of a machine that stands before one. */
uint8_t *snapshot_control(const struct vm *);
/* Pages of linear memory that the run before snapshot_learn wrote, a bit each, of as much memory as
 * the start has; the caller's to free.  NULL: not known. */
uint64_t *snapshot_wet(struct vm *);
/* Of a machine that was made from a template, and has not run. */
bool snapshot_shared(struct vm *, const struct template *, struct failure *);

/* ---- template.c ---- */
enum { TEMPLATE_MODULE, TEMPLATE_HEAP, TEMPLATE_CODE, TEMPLATE_LINEAR, TEMPLATE_MAPPED,
       TEMPLATE_DATA = TEMPLATE_MAPPED, TEMPLATE_CONTROL, TEMPLATE_PARTS };
struct template_part {
    uint64_t bytes, offset;
    uint64_t *full; /* a bit for each page that is not all zeros */
};
struct template {
    unsigned refs;  /* atomic */
    int fd;
    uint8_t *host;  /* all of it, to be read */
    uint64_t bytes, module_bytes, mapped_bytes;
    struct template_part parts[TEMPLATE_PARTS];
    uint64_t *wet; /* linear memory's pages that a run wrote, a bit each; NULL: not known */
};
bool template_full(const struct template_part *, uint64_t at);
/* Puts it into memory: before the first instruction, where resume_load would. */
bool template_load(struct vm *, const struct template *);
/* A part's pages that are not all zeros; what else is there is the caller's. */
void template_copy(const struct template *, unsigned part, uint8_t *to);

/* ---- vm.c ---- */
#define READ_MOST (32ull << 20) /* of files, between two looks for a stop */
struct more { /* further memories */
    uint64_t memories[MAP_MORE_SLOTS]; /* bytes of each */
    /* of all; of ram.linear_more, with what large growths left over */
    uint64_t bytes, taken;
    bool broken;
};
struct vm {
    const struct config *config;
    struct run_stats *stats;
    struct kick kick;
    struct kvm kvm;
    struct image image;        /* while the machine is built */
    struct ram ram;
    struct tables tables;
    struct guestmem mem;
    struct more more;
    struct clock clock;
    struct span cpl0_tables;   /* the page of descriptor tables */
    struct cpu_start start;
    struct snapshot *snapshot; /* NULL: none */
    uint64_t *wet;             /* snapshot_wet's; NULL: none */
    uint64_t module_bytes, heap_bytes, code_bytes;
    bool total_met;            /* the last growth was refused by vm_total_most */
    uint8_t *module_copy;      /* of a module that is no regular file, until it has its place */
    struct entry entry;        /* what the cache has of it */
    unsigned cpus;             /* thread_cpus of the one that made it */
};

uint64_t vm_fixed_bytes(const struct vm *); /* stack and module */
uint64_t vm_total_most(const struct vm *);  /* --total-memory */

#endif
