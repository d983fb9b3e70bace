/* EXPECT 0 fd_write(fd=1, 5 bytes) = SUCCESS written=5
 * OPTIONS --trace
 * The short form of a write, which no guest that knows of the trace makes: it is traced. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    call(CALL_memory_grow, 0, 0x10000, 0, 0);
    check(call(CALL_fd_write_one, 1, 0x100, 5, 0) == 5ull << 32, "five bytes");
    end(0, "");
}
