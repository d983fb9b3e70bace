/* EXPECT 137 doorbell with the
 * RUNS 8
 * Doorbells with values of no meaning. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    static const uint8_t values[] = {0, 3, 4, 7, 77, 128, 254, 255};
    doorbell_first();
    ring(values[last_argument() % 8]);
    end(0, "");
}
