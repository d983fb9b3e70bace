/* A guest image that looks at every register that code at CPL 3 can write: a machine that is taken
 * back finds them as its snapshot had them, whatever the run before left.
 *
 * The first start gives each register a value, and asks for the snapshot.  Each later start
 * compares, writes other values everywhere, and ends; its exit status says what differed, and 128
 * says that it did not look. */
#include "tests/hostile/guest.h"

enum { LOOKED = 1 << 0, GENERAL = 1 << 1, FLAGS = 1 << 2, LEGACY = 1 << 3, EXTENDED = 1 << 4,
       BASES = 1 << 5, MEMORY = 1 << 6, NOT_LOOKED = 1 << 7 };
enum { X87_SSE = 3, AVX = 1 << 2, AVX512 = 7 << 5, PKRU = 1 << 9 };
enum { HEAD_AT = 512, EXTENDED_AT = 576, AREA = 4096 };
#define FLAGS_OURS 0x240cd5ull /* CF, PF, AF, ZF, SF, DF, OF, AC, ID */
#define SOME_BASE  0x123456789000ull

/* As XSAVE and FXSAVE have it (Intel SDM volume 1, 10.5 and 13.4). */
struct area { _Alignas(64) uint8_t bytes[AREA]; };
struct bases { uint64_t fs, gs; };

/* What the registers hold at the first instruction.  rsp, rdi and rsi are the start's own. */
uint64_t entered[14];
struct area legacy, extended;
uint32_t components; /* of XSAVE, that are looked at; 0 until the snapshot */
__asm__(".text\n.globl guest_enter\nguest_enter:\n"
        "mov %rax, entered(%rip)\nmov %rcx, entered+8(%rip)\nmov %rdx, entered+16(%rip)\n"
        "mov %rbx, entered+24(%rip)\nmov %rbp, entered+32(%rip)\nmov %r8, entered+40(%rip)\n"
        "mov %r9, entered+48(%rip)\nmov %r10, entered+56(%rip)\nmov %r11, entered+64(%rip)\n"
        "mov %r12, entered+72(%rip)\nmov %r13, entered+80(%rip)\nmov %r14, entered+88(%rip)\n"
        "mov %r15, entered+96(%rip)\npushfq\npopq entered+104(%rip)\ncld\n"
        "fxsave64 legacy(%rip)\n"
        "mov components(%rip), %eax\ntest %eax, %eax\njz 1f\nxor %edx, %edx\n"
        "xsave64 extended(%rip)\n1:\tjmp guest_start\n");

static struct area one_legacy, one_extended, other;
static struct bases one_bases;
static bool bases_there;

static void xgetbv(uint64_t out)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    *(uint32_t *)out = low;
}

static void bases_read(uint64_t out)
{
    struct bases *b = (struct bases *)out;
    __asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(b->fs), "=r"(b->gs));
}

static void bases_write(uint64_t base)
{
    __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(base), "r"(base + 4096));
}

static void fill(uint8_t *at, uint64_t from, uint64_t to)
{
    for (; from < to; from++)
        at[from] = (uint8_t)random_next();
}

static bool same(const uint8_t *a, const uint8_t *b, uint64_t from, uint64_t to)
{
    for (; from < to; from++)
        if (a[from] != b[from])
            return false;
    return true;
}

/* Words that the registers take: control words are valid, protection key 0 stays open. */
static void area_make(struct area *a, uint16_t control, uint32_t mxcsr, uint32_t pkru)
{
    fill(a->bytes, 32, 416); /* ST0 to ST7, XMM0 to XMM15 */
    for (unsigned i = 0; i < 8; i++)
        *(uint64_t *)(a->bytes + 32 + 16 * i + 8) &= 0xffff; /* 80 bits each */
    *(uint16_t *)a->bytes = control;
    a->bytes[4] = 0xff; /* all in use */
    *(uint32_t *)(a->bytes + 24) = mxcsr;
    *(uint64_t *)(a->bytes + HEAD_AT) = components;
    if (components & ~(uint32_t)X87_SSE)
        fill(a->bytes, EXTENDED_AT, AREA);
    if (components & PKRU) {
        uint32_t eax = 13, ebx, ecx = 9, edx;
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
        *(uint32_t *)(a->bytes + ebx) = pkru;
    }
}

static void area_load(const struct area *a)
{
    __asm__ volatile("fxrstor64 %0" : : "m"(*a));
    if (components)
        __asm__ volatile("xrstor64 %0" : : "m"(*a), "a"(components), "d"(0));
}

static void area_store(struct area *l, struct area *e)
{
    __asm__ volatile("fxsave64 %0" : "=m"(*l));
    if (components)
        __asm__ volatile("xsave64 %0" : "=m"(*e) : "a"(components), "d"(0));
}

static _Noreturn void first(void)
{
    uint32_t xcr0 = 0;
    struct bases now;
    doorbell_first();
    if (!try_run(xgetbv, (uint64_t)&xcr0))
        components = xcr0 & (X87_SSE | AVX | AVX512 | PKRU);
    bases_there = !try_run(bases_read, (uint64_t)&now);
    if (bases_there) {
        bases_write(SOME_BASE);
        bases_read((uint64_t)&one_bases);
    }
    area_make(&other, 0x27f, 0x1fa0, 0);
    area_load(&other);
    area_store(&one_legacy, &one_extended);
    call(CALL_save, 0, 0, 0, 0);
    end(NOT_LOOKED, "");
}

static uint32_t compare(void)
{
    uint32_t wrong = LOOKED;
    struct bases now = one_bases;
    for (unsigned i = 0; i < 13; i++)
        wrong |= entered[i] ? GENERAL : 0;
    wrong |= entered[13] & FLAGS_OURS ? FLAGS : 0;
    wrong |= same(legacy.bytes, one_legacy.bytes, 0, 6) &&
                     same(legacy.bytes, one_legacy.bytes, 24, 416)
                 ? 0
                 : LEGACY;
    wrong |= same(extended.bytes, one_extended.bytes, EXTENDED_AT, AREA) ? 0 : EXTENDED;
    if (bases_there)
        bases_read((uint64_t)&now);
    wrong |= now.fs == one_bases.fs && now.gs == one_bases.gs ? 0 : BASES;
    wrong |= other.bytes[32] == one_legacy.bytes[32] ? 0 : MEMORY;
    return wrong;
}

/* Ends with other values in everything. */
static _Noreturn void smash(uint32_t code)
{
    struct slot *slot = &shared->slot;
    random_seed(code + 77);
    area_make(&other, 0x37f, 0xffc0 & ~0x40u, 0xfffffffc);
    other.bytes[32] = (uint8_t)~one_legacy.bytes[32];
    area_load(&other);
    if (bases_there)
        bases_write(2 * SOME_BASE);
    slot->number = CALL_end;
    slot->args[0] = END_EXIT;
    slot->args[1] = MAP_CONTROL;
    slot->args[2] = 0;
    slot->args[3] = code;
    slot->state = SLOT_RUNG;
    for (;;)
        __asm__ volatile("mov $0x1234567890, %%rbx\n\tmov %%rbx, %%rcx\n\tmov %%rbx, %%rdx\n\t"
                         "mov %%rbx, %%r8\n\tmov %%rbx, %%r9\n\tmov %%rbx, %%r10\n\t"
                         "mov %%rbx, %%r11\n\tmov %%rbx, %%r12\n\tmov %%rbx, %%r13\n\t"
                         "mov %%rbx, %%r14\n\tmov %%rbx, %%r15\n\t"
                         "pushq %0\n\tpopfq\n\tmov %1, %%al\n\toutb %%al, %2"
                         :
                         : "i"(FLAGS_OURS | 2), "i"(DOORBELL_CALL), "N"(DOORBELL_PORT)
                         : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",
                           "r14", "r15", "memory", "cc");
}

void guest_main(void)
{
    if (!(shared->boot.flags & BOOT_RESUME))
        first();
    smash(compare());
}
