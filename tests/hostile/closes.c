/* EXPECT 0
 * The descriptor that a request closes on its way: it is closed before the request is served, and
 * one that there is not hurts nobody. */
#include "tests/hostile/guest.h"

enum { OUT = 0x100, BADF = 8 };

static uint64_t with(uint32_t closes, uint32_t number, uint64_t a, uint64_t b)
{
    shared->slot.closes = closes;
    uint64_t result = call(number, a, b, 0, 0);
    shared->slot.closes = 0;
    return result;
}

void guest_main(void)
{
    static const uint32_t none[] = {4, 7, 1000, 0x7fffffff, 0x80000000, 0xffffffff};
    call(CALL_memory_grow, 0, 0x10000, 0, 0);
    check(with(0, CALL_fd_fdstat_get, 0, OUT) == 0, "0 is not open");
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        check(with(none[i], CALL_fd_fdstat_get, 0, OUT) == 0, "the close of another one was felt");
    check(with(1, CALL_fd_fdstat_get, 0, OUT) == BADF, "not closed before the call");
    check(with(1, CALL_fd_fdstat_get, 1, OUT) == 0, "1 was closed");
    check(with(2, CALL_heap_grow, 0, 0) == 0, "a call of the guest's own");
    check(call(CALL_fd_fdstat_get, 1, OUT, 0, 0) == BADF,
          "not closed with a call of the guest's own");
    end(0, "");
}
