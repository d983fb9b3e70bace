/* EXPECT 124 wall time
 * OPTIONS --timeout 300ms
 * MOST 380
 * A flood of doorbells. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        call(CALL_heap_grow, 0, 0, 0, 0);
}
