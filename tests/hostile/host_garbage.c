/* EXPECT 0,137
 * PLUGIN tests/plugins/plain.c
 * RUNS 20
 * OPTIONS --timeout 300
 * Host functions with random arguments, and answers to what the host asked for, or did not, at
 * random times. */
#include "tests/hostile/guest.h"

static const uint32_t numbers[] = { CALL_host, CALL_host,     CALL_host,
                                    CALL_next, CALL_returned, CALL_found };

static uint64_t argument(void)
{
    static const uint64_t likely[] = { 0,       1,          2,          5,           64,   0xffff,
                                       0x10000, 0xfffffff0, 0xffffffff, MAP_CONTROL, ~0ull };
    uint64_t n = random_next();
    return n >> 63 ? likely[n % (sizeof likely / sizeof likely[0])] : n >> 62 & 1 ? n & 0x1ffff : n;
}

/* `loops` for ever, `watch` for long: they are left out. */
static bool slow(uint64_t function)
{
    const struct host_import *imports = (const struct host_import *)((const char *)shared +
                                                                     shared->boot.host_off);
    char first = function < shared->boot.hosts
                     ? *((const char *)shared + imports[function].name_off)
                     : 0;
    return first == 'l' || first == 'w';
}

void guest_main(void)
{
    random_seed(last_argument());
    call(CALL_memory_grow, 0, 0x10000, 0, 0);
    for (int i = 0; i < 300; i++) {
        uint32_t number = numbers[random_next() % (sizeof numbers / sizeof numbers[0])];
        /* An answer that nobody asked for is the end; while the host asks, one is what it wants. */
        bool asked = shared->slot.number == ANSWER_CALL || shared->slot.number == ANSWER_FIND;
        if (number != CALL_host && !asked && i < 200)
            number = CALL_host;
        for (int j = 0; j < SLOT_ARGS; j++)
            shared->slot.args[j] = argument();
        for (unsigned j = 0; j < CALL_WORDS; j++)
            shared->words[j] = (char)(random_next() % 8 ? "iIfFvr:\377"[random_next() % 8] : 0);
        if (number == CALL_host)
            shared->slot.args[0] = random_next() % (shared->boot.hosts + (i > 200));
        if (number == CALL_host && slow(shared->slot.args[0]))
            continue;
        shared->slot.number = number;
        ring(DOORBELL_CALL);
    }
    end(0, "");
}
