/* EXPECT 124 wall time
 * OPTIONS --timeout 200ms
 * MOST 260
 * A guest that faults without end: the kick comes through in CPL 0 and the handler too. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        try_run(touch_read, 0);
}
