/* The inside of machine/: what its files share, grouped by file in the order of a start. */
#ifndef VMM_MACHINE_INSIDE_H
#define VMM_MACHINE_INSIDE_H

#include "vmm/machine/kvm.h"
#include "vmm/machine/machine.h"

#define PAGE  0x1000ull
#define FRAME 0x200000ull /* a 2 MiB page */

static inline uint64_t round_up(uint64_t n, uint64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* ---- features.c: the host's CPU ---- */
uint32_t features_host(void); /* CPU_* bits; AVX and its kin only count if kvm_start_state says so */
unsigned features_physical_bits(void);

/* ---- ram.c: guest-physical memory: where everything lies, slots, growth ---- */
struct span { uint8_t *host; uint64_t gpa, bytes; };
struct range {
    struct span all;
    uint64_t slotted;         /* the first bytes that slots cover */
    uint64_t next_slot_bytes;
};
struct ram_sizes { uint64_t text, small, module; };
struct ram {
    struct range main;        /* one host mapping, in the order of the spans below */
    struct span stack, text, small, module, heap, code, linear;
    uint64_t small_used;      /* of small, by ram_take */
    struct range heap_more, code_more; /* beyond the first pieces above; reserved when first needed */
    struct range linear_more;          /* further memories; the same */
};
/* Reserves address space and makes the first slot. */
bool ram_new(struct ram *, struct kvm *, const struct config *, const struct ram_sizes *, struct failure *);
/* The next piece of `small`, in whole pages, zero.  That they suffice is the caller's sum (ram_sizes.small). */
struct span ram_take(struct ram *, uint64_t bytes);
/* Makes the first `bytes` of the range reachable by slots; false: cannot be had. */
bool ram_reach(struct kvm *, struct range *, uint64_t bytes);
void ram_free(struct ram *); /* after the machine is closed */
/* Address space for heap_more, code_more or linear_more, once. */
bool ram_reserve(struct range *, uint64_t gpa, uint64_t bytes);
#define RAM_HEAP_MORE_GPA 0xa00000000ull
#define RAM_CODE_MORE_GPA 0xb00000000ull
#define RAM_LINEAR_MORE_GPA   0xc00000000ull
#define RAM_LINEAR_MORE_BYTES (2 * MAP_LINEAR_MAX) /* what large growths leave over is less than what they take */

/* ---- tables.c: the guest's page tables ---- The monitor writes them, the guest never does.  After the first
 * instruction entries are only added: absent to present, or a table of 4 KiB entries by the 2 MiB entry that says
 * the same of them and more. */
enum { TABLES_WRITE = 1 << 0, TABLES_EXECUTE = 1 << 1, TABLES_SUPERVISOR = 1 << 2 };
struct tables { struct span pool; uint64_t used; };
bool tables_new(struct tables *, struct span pool); /* the root is the pool's first page */
/* Maps [at, at + bytes) to gpa on, by 2 MiB entries where both are aligned.  What is mapped there already must be
 * mapped so.  false: the pool is used up. */
bool tables_map(struct tables *, gva_t at, uint64_t gpa, uint64_t bytes, unsigned rights);
/* What the tables say of one address; false: not mapped. */
bool tables_look(const struct tables *, gva_t at, uint64_t *gpa, unsigned *rights, uint64_t *page_bytes);

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
/* Reads the embedded image, or the file; false on one that is not ours: image_close is due all the same. */
bool image_open(struct image *, const char *file, struct failure *);
void image_close(struct image *);

/* ---- boot.c: descriptor tables, control area, the image's place; from these the vCPU starts ---- */
enum { SELECTOR_KERNEL_CODE = 0x08, SELECTOR_KERNEL_DATA = 0x10, SELECTOR_USER_CODE = 0x1b, SELECTOR_USER_DATA = 0x23,
       SELECTOR_TSS = 0x28 };
struct vm;
/* What ram.text and ram.small must hold. */
uint64_t boot_text_bytes(const struct image *);
uint64_t boot_small_bytes(const struct config *, const struct image *);
bool boot_prepare(struct vm *, const struct image *, struct cpu_start *, struct failure *);
void boot_features(struct vm *, uint32_t cpu_features);
void boot_serve(struct vm *); /* before the first instruction: no program is run, exports are called from outside */
/* The first doorbell came through: vector 13 gets its proper entry. */
void boot_probe_done(struct vm *);

/* ---- host_table.c ---- */
/* In the control area, for the guest's linker: abi.h's struct host_import and the strings. */
uint64_t host_bytes(const struct host_table *);
void host_write(const struct host_table *, uint8_t *control, uint32_t offset);

/* ---- clockpage.c: the guest's clocks ---- */
struct clock {
    bool usable;
    uint64_t offset;           /* guest TSC minus host TSC */
    double ns_per_tick;
    uint64_t first_tsc;        /* the host's at the first sample, before the first instruction */
    int64_t first_ns;          /* CLOCK_MONOTONIC then */
    struct clock_page page;    /* as last written */
};
void clockpage_start(struct vm *);       /* before the first instruction */
void clockpage_check(struct vm *);       /* at the first exit: does the guest's rdtsc fit? */
bool clockpage_refresh(struct vm *);

/* ---- grow.c: the guest's memory calls ---- */
enum grow { GROW_DONE, GROW_REFUSED, GROW_HOSTILE };
enum grow grow_linear(struct vm *, uint64_t old_bytes, uint64_t new_bytes);
enum grow grow_more(struct vm *, uint64_t number, uint64_t old_bytes, uint64_t new_bytes);
enum grow grow_heap(struct vm *, uint64_t bytes);
enum grow grow_code(struct vm *, uint64_t bytes);

/* ---- vm.c ---- */
struct more { /* further memories */
    uint64_t memories[MAP_MORE_SLOTS]; /* bytes of each */
    uint64_t bytes, taken;             /* of all; of ram.linear_more, with what large growths left over */
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
    uint64_t module_bytes, heap_bytes, code_bytes;
    uint8_t *module_copy;      /* of a module that is no regular file, until it has its place */
    struct vcpu *vcpu;         /* exports.c's; NULL: none runs */
    uint64_t entered_ns;       /* CLOCK_MONOTONIC before the first instruction */
    uint64_t entered_cpu_ns;   /* the vCPU's thread's CPU time then */
};
void vm_count(struct vm *);    /* what is counted at the end of a run */

#endif
