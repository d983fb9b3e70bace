/* Realtime and monotonic clock from the clock page: the time stamp counter, scaled as the monitor says.
 *
 * The page is good for at most a second; past it one hypercall asks for a new one, so that steps and slewing of the
 * host's clocks are followed.  The process clocks (ids 2 and 3) are the monitor's. */
#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };
#define READ_TRIES 1000 /* the monitor writes 64 bytes: a writer seen this often has lost its CPU */

static uint64_t tsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* A consistent copy of the page; false: not usable, or the writer does not come to an end.  x86 keeps loads in order,
 * so the compiler barriers are enough. */
static bool page_read(const struct clock_page *page, struct clock_page *copy)
{
    for (int i = 0; i < READ_TRIES; i++) {
        uint32_t seq = *(const volatile uint32_t *)&page->seq;
        __asm__ volatile("" : : : "memory");
        *copy = *page;
        __asm__ volatile("" : : : "memory");
        if (!(seq & 1) && seq == *(const volatile uint32_t *)&page->seq)
            return copy->usable;
        __asm__ volatile("pause");
    }
    return false;
}

/* Nanoseconds from the page's base to now; a counter behind the base counts as the base. */
static uint64_t page_elapsed(const struct clock_page *page, uint64_t now)
{
    if (now <= page->base_tsc)
        return 0;
    return (uint64_t)((unsigned __int128)(now - page->base_tsc) * page->mult >> (page->shift & 127));
}

static bool page_fresh(struct shim *shim, struct clock_page *page, uint64_t *now)
{
    struct control *control = shim->control;
    if (!page_read(&control->clock, page))
        return false;
    *now = tsc();
    if (*now <= page->valid_until_tsc)
        return true;
    if (hypercall(&control->slot, CALL_clock_refresh, NULL, 0) != 0 || !page_read(&control->clock, page))
        return false;
    *now = tsc();
    return true;
}

uint64_t shim_clock_ns(const struct control *control)
{
    struct clock_page page;
    return page_read(&control->clock, &page) ? page.monotonic_ns + page_elapsed(&page, tsc()) : 0;
}

static uint64_t monotonic(struct shim *shim, uint64_t ns)
{
    if (ns > shim->monotonic_ns)
        shim->monotonic_ns = ns;
    return shim->monotonic_ns;
}

bool serve_clock_time_get(struct served *call)
{
    uint32_t id = call->args[0];
    struct clock_page page;
    uint64_t now;
    if (id > CLOCK_MONOTONIC || !page_fresh(call->shim, &page, &now))
        return false;
    uint64_t elapsed = page_elapsed(&page, now);
    uint64_t ns = page.realtime_ns + elapsed;
    if (id == CLOCK_MONOTONIC)
        ns = monotonic(call->shim, page.monotonic_ns + elapsed);
    call->error = linear_put_u64(&call->memory, (uint32_t)call->args[2], ns) ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

/* The counter ticks faster than once a nanosecond. */
bool serve_clock_res_get(struct served *call)
{
    uint32_t id = call->args[0];
    if (id > CLOCK_MONOTONIC || !call->shim->control->clock.usable)
        return false;
    call->error = linear_put_u64(&call->memory, (uint32_t)call->args[1], 1) ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

void clock_forwarded(struct served *call)
{
    uint64_t ns;
    if ((uint32_t)call->args[0] != CLOCK_MONOTONIC || call->error != WASI_SUCCESS)
        return;
    if (linear_get(&call->memory, (uint32_t)call->args[2], &ns, sizeof ns))
        linear_put_u64(&call->memory, (uint32_t)call->args[2], monotonic(call->shim, ns));
}
