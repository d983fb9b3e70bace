/* Realtime and monotonic clock from the clock page: the time stamp counter, scaled as the monitor
 * says.
 *
 * The page is good for at most a second; past it one hypercall asks for a new one, so that steps
 * and slewing of the host's clocks are followed.  The process clocks (ids 2 and 3) are the
 * monitor's. */
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

/* Nanoseconds from the page's base to now; a counter behind the base counts as the base. */
static uint64_t page_elapsed(const struct clock_page *page, uint64_t now)
{
    if (now <= page->base_tsc)
        return 0;
    return (uint64_t)((unsigned __int128)(now - page->base_tsc) * page->mult >>
                      (page->shift & 127));
}

/* The clock's time, from a page that the monitor did not write meanwhile; *fresh: it is good still.
 * false: not usable, or the writer does not come to an end.  x86 keeps loads in order, so the
 * compiler barriers are enough. */
static bool page_time(const struct clock_page *page, uint32_t id, uint64_t *ns, bool *fresh)
{
    for (int i = 0; i < READ_TRIES; i++) {
        uint32_t seq = *(const volatile uint32_t *)&page->seq;
        __asm__ volatile("" : : : "memory");
        bool usable = page->usable;
        uint64_t now = tsc();
        *fresh = now <= page->valid_until_tsc;
        *ns = (uint64_t)(id == CLOCK_MONOTONIC ? page->monotonic_ns : page->realtime_ns) +
              page_elapsed(page, now);
        __asm__ volatile("" : : : "memory");
        if (!(seq & 1) && seq == *(const volatile uint32_t *)&page->seq)
            return usable;
        __asm__ volatile("pause");
    }
    return false;
}

uint64_t shim_clock_ns(const struct control *control)
{
    uint64_t ns;
    bool fresh;
    return page_time(&control->clock, CLOCK_MONOTONIC, &ns, &fresh) ? ns : 0;
}

static uint64_t monotonic(struct shim *shim, uint64_t ns)
{
    if (ns > shim->monotonic_ns)
        shim->monotonic_ns = ns;
    return shim->monotonic_ns;
}

static bool time_put(struct shim *shim, const struct linear *memory, uint32_t id, uint64_t ns,
                     uint32_t at)
{
    return linear_put_u64(memory, at, id == CLOCK_MONOTONIC ? monotonic(shim, ns) : ns);
}

bool clock_at_once(struct shim *shim, const struct linear *memory, uint32_t id, uint32_t at)
{
    uint64_t ns;
    bool fresh;
    return id <= CLOCK_MONOTONIC && page_time(&shim->control->clock, id, &ns, &fresh) && fresh &&
           time_put(shim, memory, id, ns, at);
}

bool answer_clock_time_get(struct shim_call *call)
{
    struct control *control = call->shim->control;
    const struct clock_time_get_args *args = clock_time_get_decode(call->args);
    uint32_t id = args->clock;
    uint64_t ns;
    bool fresh;
    if (id > CLOCK_MONOTONIC || !page_time(&control->clock, id, &ns, &fresh))
        return false;
    if (!fresh && (HYPERCALL(&control->slot, clock_refresh) != 0 ||
                   !page_time(&control->clock, id, &ns, &fresh)))
        return false;
    call->error = time_put(call->shim, &call->memory, id, ns, args->ns_out) ? WASI_SUCCESS
                                                                            : WASI_FAULT;
    return true;
}

/* The counter ticks faster than once a nanosecond. */
bool answer_clock_res_get(struct shim_call *call)
{
    const struct clock_res_get_args *args = clock_res_get_decode(call->args);
    if (args->clock > CLOCK_MONOTONIC || !call->shim->control->clock.usable)
        return false;
    call->error = linear_put_u64(&call->memory, args->ns_out, 1) ? WASI_SUCCESS : WASI_FAULT;
    return true;
}

void clock_forwarded(struct shim_call *call)
{
    const struct clock_time_get_args *args = clock_time_get_decode(call->args);
    uint64_t ns;
    if (args->clock != CLOCK_MONOTONIC || call->error != WASI_SUCCESS)
        return;
    if (linear_get(&call->memory, args->ns_out, &ns, sizeof ns))
        linear_put_u64(&call->memory, args->ns_out, monotonic(call->shim, ns));
}
