/* Turns over a shared page (turns.h has the protocol). */
#include <sched.h>

#include "vmm/base/message.h"
#include "vmm/base/turns.h"

#define LOOKS 64 /* between two looks at the clock */
#define CPUS_LEAST 3
#define VAIN_MOST 8 /* vain looks in a row */
#define REST 256    /* turns without a look after those */

struct turn_patience turn_patience(uint64_t ns)
{
    cpu_set_t set;
    bool few = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) < CPUS_LEAST;
    return (struct turn_patience){.ns = few ? 0 : ns};
}

static bool looked(const struct turn *other, uint32_t number, uint64_t patience_ns)
{
    uint64_t began = 0, now;
    do {
        for (unsigned i = 0; i < LOOKS; i++) {
            if (turn_came(other, number))
                return true;
            __builtin_ia32_pause();
        }
        now = clock_now_ns();
        began = began ? began : now;
    } while (now - began < patience_ns);
    return turn_came(other, number);
}

bool turn_look(const struct turn *other, uint32_t number, struct turn_patience *p)
{
    if (!p->ns || p->rest) {
        p->rest -= p->rest != 0;
        return turn_came(other, number);
    }
    bool came = looked(other, number, p->ns);
    p->vain = came ? 0 : p->vain + 1;
    if (p->vain == VAIN_MOST) {
        p->vain = 0;
        p->rest = REST;
    }
    return came;
}

bool turn_give(struct turn *own, const struct turn *other, uint32_t number)
{
    __atomic_store_n(&own->given, number, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&other->asleep, __ATOMIC_SEQ_CST);
}

bool turn_asleep(struct turn *own, const struct turn *other, uint32_t number)
{
    __atomic_store_n(&own->asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&other->given, __ATOMIC_SEQ_CST) != number)
        return true;
    turn_awake(own);
    return false;
}

void turn_awake(struct turn *own)
{
    __atomic_store_n(&own->asleep, 0, __ATOMIC_RELAXED);
}
