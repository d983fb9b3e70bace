/* EXPECT 0
 * PLUGIN tests/plugins/plain.c
 * What is above a value's 32 bits reaches no host function and no guest, whatever either side
 * leaves there. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    uint32_t widen = host_function("widen"), narrow = host_function("narrow");
    check(call(CALL_host, widen, 0xffffffff80000001, 0, 0) == 0x80000001,
          "an i32 arrives with more bits");
    check(call(CALL_host, narrow, 0xffffffff80000001, 0, 0) == 0x80000001,
          "an i32 comes back with more bits");
    end(0, "");
}
