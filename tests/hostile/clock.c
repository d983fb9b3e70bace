/* EXPECT 0
 * The clock page against the host's own clocks, for 2.5 s or until it was refreshed twice: close,
 * monotonic, refreshed once a second at most. */
#include "tests/hostile/guest.h"

#define MS 1000000ll
#define NEAR (2 * MS)       /* an exit may be long on a busy machine; tries below take the best */
#define SPAN (2500 * MS)
#define TRIES 20
enum { REALTIME, MONOTONIC };

static uint64_t refreshes;
static volatile uint64_t place = 64; /* of the host's answer, in linear memory */

static uint64_t tsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

static int64_t page_ns(unsigned clock)
{
    const struct clock_page *page = &shared->clock;
    uint64_t now = tsc();
    if (now > page->valid_until_tsc) {
        check(call(CALL_clock_refresh, 0, 0, 0, 0) == 0, "the refresh is refused");
        refreshes++;
        now = tsc();
    }
    uint64_t elapsed = now < page->base_tsc ? 0 : now - page->base_tsc;
    int64_t ns = (int64_t)((unsigned __int128)elapsed * page->mult >> page->shift);
    return ns + (clock == REALTIME ? page->realtime_ns : page->monotonic_ns);
}

static int64_t host_ns(unsigned clock)
{
    check(call(CALL_clock_time_get, clock, 1, place, 0) == 0, "clock_time_get fails");
    return *(volatile int64_t *)place;
}

/* The host reads its clock between the guest's two readings of the page. */
static void compare(unsigned clock)
{
    int64_t off = 0;
    for (int i = 0; i < TRIES; i++) {
        int64_t before = page_ns(clock), host = host_ns(clock), after = page_ns(clock);
        off = host < before ? before - host : host > after ? host - after : 0;
        check(clock == REALTIME || before <= after, "monotonic time steps back");
        if (off < NEAR)
            return;
    }
    check(false, clock == REALTIME ? "realtime is off" : "monotonic time is off");
}

void guest_main(void)
{
    doorbell_first();
    if (!shared->clock.usable)
        end(0, ""); /* clocks are hypercalls on this host */
    check(call(CALL_memory_grow, 0, 0x10000, 0, 0) == 0, "memory_grow is refused");
    int64_t began = host_ns(MONOTONIC), last = 0;
    int64_t took = 0;
    while (took < SPAN || (refreshes < 2 && took < 4 * SPAN)) {
        compare(MONOTONIC);
        compare(REALTIME);
        for (int i = 0; i < 1000; i++) {
            int64_t now = page_ns(MONOTONIC);
            check(now >= last, "monotonic time steps back");
            last = now;
        }
        took = host_ns(MONOTONIC) - began;
    }
    check(refreshes >= 2 && refreshes <= 2 + (uint64_t)(took / (1000 * MS)),
          "not one refresh a second");
    end(0, "");
}
