/* EXPECT 0
 * Where the boot record says AVX, the upper halves of the registers live through exits, the
 * monitor's own use of them, and preemption (the machine may be busy). */
#include "tests/hostile/guest.h"

static uint64_t pattern[16][4], seen[16][4];

#define EACH(op)                                                                                   \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) \
        op(15)
#define LOAD(n)  "vmovdqu " #n "*32(%0), %%ymm" #n "\n"
#define STORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n"

/* Loads, passes some time and a doorbell, stores. */
static void round_trip(uint64_t ring_it)
{
    __asm__ volatile(EACH(LOAD)
                     "mov $20000, %%ecx\n"
                     "1: pause\n dec %%ecx\n jnz 1b\n"
                     "test %2, %2\n jz 2f\n"
                     "mov $1, %%al\n out %%al, $0x77\n"
                     "2:\n" EACH(STORE)
                     : : "r"(pattern), "r"(seen), "r"(ring_it) : "rax", "rcx", "memory");
}

void guest_main(void)
{
    doorbell_first();
    if (!(shared->boot.cpu_features & CPU_AVX))
        end(0, "");
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = 0; i < 64; i++)
            ((uint64_t *)pattern)[i] = random_next();
        shared->slot.number = CALL_random_get; /* the monitor copies and hashes */
        check(!try_run(round_trip, round % 2), "AVX faults though the boot record promises it");
        for (unsigned i = 0; i < 64; i++)
            check(((uint64_t *)pattern)[i] == ((uint64_t *)seen)[i],
                  "a register lost what it held");
    }
    end(0, "");
}
