/* An image of the state before the module's first instruction: what a later start can go on from.
 *
 * The functions that the monitor names were compiled by a run before, or so it says: the list may
 * be anybody's.  An index that is none is passed over, and so is a body that is not valid: the run
 * itself will say so if it calls it. How much is compiled is bounded. */
#include "guest/guest.h"
#include "wasi-shim/hypercall.h"

#define NARROWED_MOST 256u /* walks over the names; Go has some forty such functions */
#define BODIES_MOST (8ull << 20) /* bytes of bodies that a list may have compiled: some 0.3 s */

static bool wanted(uint32_t func)
{
    return guest.control->compiled[func / 8] >> func % 8 & 1;
}

/* Whether the run used these is asked at its end (own_network): an image has none of them. */
static void list_narrow(void)
{
    uint32_t func = 0;
    for (unsigned n = 0; n < NARROWED_MOST; n++) {
        func = func_begins(guest.instance, "net.fake", func);
        if (func >= FUNC_BITS)
            return;
        guest.control->compiled[func / 8] &= (uint8_t)~(1u << func % 8);
        func++;
    }
}

/* Who asks for nothing but an image has the time that all functions take. */
static void list_compile(void)
{
    const struct engine_stats *stats = engine_stats(guest.engine);
    bool all = guest.control->boot.flags & BOOT_SAVE_ONLY;
    uint64_t most = all ? UINT64_MAX : stats->body_bytes_compiled + BODIES_MOST;
    for (uint32_t func = 0; func < FUNC_BITS && instance_functype(guest.instance, func); func++)
        if (wanted(func) && stats->body_bytes_compiled < most)
            func_compile(guest.instance, func);
}

void save_start(void)
{
    uint64_t heap, code;
    list_narrow();
    list_compile();
    __builtin_memset(guest.control->compiled, 0, sizeof guest.control->compiled);
    memory_module_forget();
    engine_settle(guest.engine, &heap, &code);
    shim_publish(&guest.shim, guest.engine);
    HYPERCALL(&guest.control->slot, save, .heap = heap, .code = code);
    if (guest.control->boot.flags & BOOT_SAVE_ONLY)
        end_run(END_EXIT, "", 0);
}
