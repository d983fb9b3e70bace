/* The start as it went: phases of the host one after the other, and what the guest left its machine
 * for.  Looking costs a few microseconds each time, and nothing where nobody wants to know. */
#include <sys/resource.h>

#include "vmm/machine/inside.h"

static uint64_t faults_now(void)
{
    struct rusage use;
    return getrusage(RUSAGE_SELF, &use) == 0 ? (uint64_t)(use.ru_minflt + use.ru_majflt) : 0;
}

void timeline_phase(struct timeline *t, const char *name)
{
    if (t && t->nphases < TIMELINE_PHASES)
        t->phases[t->nphases++] = (struct host_phase){name, clock_now_ns(), faults_now()};
}

void timeline_exit(struct timeline *t, struct vm *vm, const char *name, uint64_t left_ns)
{
    if (!t)
        return;
    if (t->nexits < TIMELINE_EXITS) {
        struct guest_exit *exit = &t->exits[t->nexits];
        *exit = (struct guest_exit){.name = name, .left_ns = left_ns};
        kvm_count(&vm->kvm, &exit->counts);
        exit->back_ns = clock_now_ns();
    }
    t->nexits++;
}
