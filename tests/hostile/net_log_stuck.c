/* EXPECT 124
 * FULL FIFO
 * OPTIONS --net-log FIFO --timeout 300ms
 * MOST 450
 * Refused connections without end, and nobody reads the log of them: the time counts all the same.
 */
#include "tests/hostile/guest.h"

static volatile uint32_t *volatile at = (volatile uint32_t *)0x100;

void guest_main(void)
{
    check(call(CALL_memory_grow, 0, 0x10000, 0, 0) == 0, "memory_grow is refused");
    check(call(CALL_sock_open, 1, 2, 0x100, 0) == 0, "no socket");
    at[2] = 0x120; /* an address: where, and its 4 bytes */
    at[3] = 4;
    at[8] = 0x01020304;
    for (;;)
        call(CALL_sock_connect, at[0], 0x108, 80, 0);
}
