/* EXPECT 0
 * PLUGIN tests/plugins/plain.c
 * OPTIONS --timeout 300
 * RUNS 5
 * Host functions that call exports that call host functions, deeper and back at random: each level
 * gets its own answer, whichever of the two threads it runs on, and they take turns as the thread
 * that polls comes and goes. */
#include "tests/hostile/guest.h"

enum { DEEPEST = 300, STEPS = 20000 };

/* The host found the export before, or wants to know of it now. */
static void answer_find(void)
{
    if (shared->slot.number != ANSWER_FIND)
        return;
    __builtin_memcpy(shared->words, "i:i", 4);
    call(CALL_found, FOUND, 7, 0, 0);
}

void guest_main(void)
{
    static uint32_t values[DEEPEST + 1];
    uint32_t deeper = host_function("deeper"), depth = 0;
    random_seed(last_argument());
    for (int step = 0; step < STEPS || depth; step++) {
        uint64_t n = random_next();
        bool down = !depth || (step < STEPS && depth < DEEPEST && n >> 32 & 1);
        if (down) {
            values[++depth] = (uint32_t)n;
            call(CALL_host, deeper, values[depth], 0, 0);
            answer_find();
            check(shared->slot.number == ANSWER_CALL, "the host wants something else");
            check((uint32_t)shared->slot.args[0] == values[depth],
                  "an export gets what another one is given");
        } else {
            call(CALL_returned, values[depth] + 1, 0, 0, 0);
            check(shared->slot.number == ANSWER_RESULT, "no result");
            check(shared->slot.result == values[depth] + 1, "the result of another one");
            depth--;
        }
    }
    end(0, "");
}
