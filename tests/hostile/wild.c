/* EXPECT 0
 * Wild accesses of all kinds, all over the address space, by the hundred thousand: each either
 * works or faults, and the guest goes on.  Among them are the page tables' and descriptor tables'
 * physical addresses. */
#include "tests/hostile/guest.h"

static bool spared(uint64_t at) /* what this image itself lives on */
{
    return (at >= MAP_IMAGE && at < MAP_CPL0) || (at >= MAP_CSTACK && at < FSTACK_TOP);
}

static void all_ways(uint64_t at)
{
    try_run(touch_read, at);
    if (!spared(at))
        try_run(touch_write, at);
}

static void privileged(uint64_t which)
{
    static uint8_t pseudo[16];
    switch (which) {
    case 0: __asm__ volatile("lidt %0" : : "m"(pseudo)); break;
    case 1: __asm__ volatile("lgdt %0" : : "m"(pseudo)); break;
    case 2: __asm__ volatile("ltr %w0" : : "r"(0x28)); break;
    case 3: __asm__ volatile("mov %0, %%cr3" : : "r"(0ull)); break;
    case 4: __asm__ volatile("mov %0, %%cr0" : : "r"(0ull)); break;
    case 5: __asm__ volatile("mov %0, %%cr4" : : "r"(0ull)); break;
    case 6: __asm__ volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0)); break;
    case 7: __asm__ volatile("hlt"); break;
    case 8: __asm__ volatile("cli"); break;
    case 9: __asm__ volatile("invlpg (%0)" : : "r"(0ull)); break;
    case 10: __asm__ volatile("outb %%al, $0x76" : : "a"(1)); break;
    case 11: __asm__ volatile("outb %%al, $0x78" : : "a"(1)); break;
    case 12: __asm__ volatile("outw %%ax, $0x77" : : "a"(1)); break;
    case 13: __asm__ volatile("outl %%eax, $0x74" : : "a"(1)); break;
    case 14: __asm__ volatile("outb %%al, %%dx" : : "a"(1), "d"(0xf4)); break;
    case 15: __asm__ volatile("mov %0, %%dr7" : : "r"(0ull)); break;
    case 16: __asm__ volatile("mov %w0, %%ss" : : "r"(0x10)); break;
    case 17: __asm__ volatile("ud2"); break;
    case 18: __asm__ volatile("movb $0, (%0)" : : "r"(0x8000000000000000ull) : "memory"); break;
    case 19: __asm__ volatile("push $0x08; push $0; lretq"); break;
    case 20: __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : "a"(1), "d"(0) : "ecx"); break;
    default: break;
    }
}
enum { PRIVILEGED = 21 };

void guest_main(void)
{
    static const uint64_t edges[] = {
        MAP_LINEAR, MAP_LINEAR_MAX, MAP_STACK,      MAP_STACK + MAP_STACK_MAX,
        MAP_MODULE, MAP_CODE_W,     MAP_HEAP,       MAP_CODE_X,
        MAP_CPL0,   CPL0_TABLES,    CPL0_STACK_TOP, CPL0_DFSTACK_TOP,
        1ull << 39, 1ull << 47,     1ull << 63,     ~0ull
    };
    doorbell_first();
    for (uint64_t at = 0; at < 1ull << 39; at += 256ull << 20)
        all_ways(at);
    for (unsigned e = 0; e < sizeof edges / sizeof edges[0]; e++)
        for (int64_t d = -0x4000; d <= 0x4000; d += 0x800)
            all_ways(edges[e] + (uint64_t)d);
    for (int i = 0; i < 5000; i++)
        all_ways(random_next() >> (random_next() & 63));
    for (int i = 0; i < 500; i++) {
        uint64_t at = random_next() >> (random_next() & 63);
        if (!spared(at))
            try_run(touch_run, at);
    }
    for (uint64_t which = 0; which < PRIVILEGED; which++)
        check(try_run(privileged, which), "a privileged instruction was executed at CPL 3");
    end(0, "");
}
