/* EXPECT 137
 * A guest says that its first doorbell has faulted, as often as it likes: the monitor tries the
 * other type of task register, goes back, and has no third one.  On a CPU that needs the other type
 * the next doorbell is a fault. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        ring(DOORBELL_PROBE);
}
