/* The order of entering: limits, then what each thread has for itself, then the filter of them all.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

/* No image of our memory, no queues: they would outlive the process. */
static bool limits_set(struct failure *why)
{
    static const int none[] = { RLIMIT_CORE, RLIMIT_MSGQUEUE };
    const struct rlimit zero = {0, 0};
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        if (setrlimit(none[i], &zero) < 0)
            return failure_set(why, "the jail: limits cannot be set: %s", strerror(errno));
    prctl(PR_SET_DUMPABLE, 0);
    return true;
}

/* A call that opens files is in the filter: which files is Landlock's matter. */
static bool rules_wanted(const struct jail_plan *plan)
{
    return !plan->weak && (plan->granted & (JAIL_FILES | JAIL_NET));
}

static bool rules_make(const struct jail_plan *plan, int *rules, struct failure *why)
{
    *rules = -1;
    if (!rules_wanted(plan))
        return true;
    int abi = landlock_abi();
    if (abi == 0)
        return failure_set(
            why,
            "the jail: this kernel has no Landlock, by which a run has no files but those granted "
            "(--jail=weak runs without)");
    *rules = landlock_rules(plan, abi, why);
    return *rules >= 0;
}

static bool threads_confine(const struct jail_plan *plan, struct failure *why)
{
    struct crew crew = { .rules = -1 };
    identity_find(&crew.identity, plan);
    if (!rules_make(plan, &crew.rules, why))
        return false;
    bool alone = crew.rules < 0 && !crew.identity.nobody && !crew.identity.unprivileged;
    bool good = alone || crew_confine(&crew, why);
    if (crew.rules >= 0)
        close(crew.rules);
    return good;
}

bool jail_enter(const struct jail_plan *plan, struct failure *why)
{
    jail_test_begin();
    bool good = limits_set(why) && threads_confine(plan, why) &&
                seccomp_enter(plan->weak ? (unsigned)JAIL_WEAK
                                         : jail_level(jail_test_granted(plan->granted)),
                              why);
    if (good)
        jail_test_entered();
    return good;
}

bool jail_narrow(unsigned granted, struct failure *why)
{
    return seccomp_enter(jail_level(granted), why);
}
