/* EXPECT 0,137
 * RUNS 6
 * The doorbell by other instructions: strings, words, input. */
#include "tests/hostile/guest.h"

static const uint8_t text[64];

static void other_way(uint64_t which)
{
    switch (which % 6) {
    case 0:
        __asm__ volatile("rep outsb" : : "d"(DOORBELL_PORT), "S"(text), "c"(64) : "memory");
        break;
    case 1: __asm__ volatile("outsb" : : "d"(DOORBELL_PORT), "S"(text) : "memory"); break;
    case 2: __asm__ volatile("inb %%dx, %%al" : : "d"(DOORBELL_PORT) : "al"); break;
    case 3: __asm__ volatile("outw %%ax, %%dx" : : "d"(DOORBELL_PORT), "a"(0x101)); break;
    case 4: __asm__ volatile("outl %%eax, %%dx" : : "d"(DOORBELL_PORT), "a"(0x1010101)); break;
    case 5:
        __asm__ volatile("rep insb" : : "d"(DOORBELL_PORT), "D"(MAP_HEAP), "c"(64) : "memory");
        break;
    }
}

void guest_main(void)
{
    doorbell_first();
    try_run(other_way, last_argument());
    end(0, "");
}
