/* EXPECT 0
 * PLUGIN tests/plugins/plain.c
 * OPTIONS --hypercall poll --timeout 300
 * While a host function runs for a polled request, the guest runs on: it changes the memory that
 * the function looks at by a view and copies, the request itself, and the slot's state.  Its own
 * calls are answered afterwards as before. */
#include "tests/hostile/guest.h"

#define BYTES 0x10000u

/* Posts the request and does not wait for it, but for a moment in which everything changes. */
static void race(uint32_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct slot *slot = &shared->slot;
    const uint64_t args[] = {function, a, b, c, d};
    slot->number = CALL_host;
    for (int i = 0; i < 5; i++)
        slot->args[i] = args[i];
    __atomic_store_n(&slot->state, SLOT_POSTED, __ATOMIC_RELEASE);
    for (int i = 0; i < 3000 && __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != SLOT_DONE; i++) {
        uint64_t n = random_next();
        *(volatile uint64_t *)(uint64_t)(n % (BYTES / 8) * 8) = n;
        if (n >> 32 & 1)
            *(volatile uint64_t *)&slot->args[1 + (n >> 40) % 4] = n >> 33 & 1 ? n : BYTES - 64;
        if ((n >> 48) % 64 == 0)
            *(volatile uint32_t *)&slot->number = (uint32_t)n;
        if ((n >> 54) % 64 == 0)
            __atomic_store_n(&slot->state, (uint32_t)(n >> 60), __ATOMIC_RELEASE);
    }
}

void guest_main(void)
{
    uint32_t watch = host_function("watch"), upper = host_function("upper"),
             counter = host_function("counter");
    random_seed(1);
    check(call(CALL_memory_grow, 0, BYTES, 0, 0) == 0, "memory_grow is refused");
    uint64_t before = call(CALL_host, counter, 0, 0, 0);
    for (int i = 0; i < 40; i++)
        call(CALL_host, counter, 0, 0, 0); /* brings the thread that polls */
    for (int i = 0; i < 1000; i++) {
        race(i % 2 ? upper : watch, random_next() % BYTES, random_next() % 4096,
             random_next() % BYTES, 4096);
        if (i % 16 == 0)
            call(CALL_sched_yield, 0, 0, 0, 0);
    }
    /* A request that is torn may itself name the counter; nothing else moves it, and never back. */
    uint64_t after = call(CALL_host, counter, 0, 0, 0);
    check(after - before >= 41 && after - before < 1u << 31, "the plug-in's counter is another");
    check(call(CALL_host, counter, 0, 0, 0) == after + 1,
          "the plug-in's counter is another after the race");
    end(0, "");
}
