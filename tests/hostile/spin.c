/* EXPECT 124 wall time
 * OPTIONS --timeout 200ms
 * MOST 260
 * A guest that never leaves. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        __asm__ volatile("pause");
}
