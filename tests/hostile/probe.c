/* EXPECT 137 at the wrong time
 * A guest says that its first doorbell has faulted, as often as it likes: the monitor tries the
 * other type of task register, goes back, and has no third one. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    for (;;)
        ring(DOORBELL_PROBE);
}
