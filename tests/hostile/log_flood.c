/* EXPECT 124 wall time
 * OPTIONS --timeout 200ms
 * MOST 280
 * Debug text that nobody asked for is not shown. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    static const char text[] = "UNASKED\n";
    for (;;)
        call(CALL_log, (uint64_t)text, sizeof text - 1, 0, 0);
}
