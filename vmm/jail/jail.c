/* The order of entering: limits, then what each thread has for itself, then the filter of them all.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

/* Never raised again: without a capability nobody can raise the hard limit. */
static bool limit_lower(int what, rlim_t most)
{
    struct rlimit limit = { 0, 0 };
    if (most == 0)
        return setrlimit(what, &limit) == 0;
    if (getrlimit(what, &limit) < 0)
        return false;
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    if (limit.rlim_cur > most)
        limit.rlim_cur = most;
    return setrlimit(what, &limit) == 0;
}

/* No image of our memory, no queues: they would outlive the process.  The host's table of open
 * files is everybody's, and a run takes no more of it than its --max-files. */
static bool limits_set(const struct jail_plan *plan, struct failure *why)
{
    bool good = limit_lower(RLIMIT_CORE, 0) && limit_lower(RLIMIT_MSGQUEUE, 0) &&
                (!plan->files || limit_lower(RLIMIT_NOFILE, plan->files));
    if (!good)
        return failure_set(why, "the jail: limits cannot be set: %s", strerror(errno));
    prctl(PR_SET_DUMPABLE, 0);
    return true;
}

/* A call that opens files is in the filter: which files is Landlock's matter. */
static bool rules_wanted(const struct jail_plan *plan)
{
    return !plan->weak && (plan->granted & (JAIL_FILES | JAIL_NET));
}

/* *rules is -1 before, and stays so where none are wanted. */
static bool rules_make(const struct jail_plan *plan, int *rules, struct failure *why)
{
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
    bool good = limits_set(plan, why) && threads_confine(plan, why) &&
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
