/* EXPECT 137 call number 4294967295 does not exist
 */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    call(0xffffffff, 0, 0, 0, 0);
    end(0, "");
}
