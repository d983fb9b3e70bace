/* Who a jailed run is.  Root becomes nobody where neither files nor processes are granted; else it
 * keeps its number, as those belong to that, and of its capabilities the few that grants are used
 * by.  All calls here are the kernel's own, as each thread makes them for itself. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

#define NOBODY 65534
#define BIT(capability) (UINT64_C(1) << (capability))

struct capabilities { uint64_t effective, permitted; };

static long capabilities_call(long call, struct capabilities *c)
{
    struct __user_cap_header_struct own = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2] = {
        { (uint32_t)c->effective, (uint32_t)c->permitted, 0 },
        { (uint32_t)(c->effective >> 32), (uint32_t)(c->permitted >> 32), 0 },
    };
    long result = syscall(call, &own, data);
    c->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    c->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return result;
}

/* What is granted is granted to root as root has it: files of others, and ports below 1024. */
static uint64_t capabilities_kept(unsigned granted)
{
    uint64_t kept = 0;
    if (granted & JAIL_FILES)
        kept |= BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER);
    if (granted & JAIL_NET)
        kept |= BIT(CAP_NET_BIND_SERVICE);
    return kept;
}

void identity_find(struct identity *who, const struct jail_plan *plan)
{
    struct capabilities now = {0};
    const unsigned owned = JAIL_FILES | JAIL_NET | JAIL_PROCESS;
    capabilities_call(SYS_capget, &now);
    *who = (struct identity){
        .nobody = geteuid() == 0 && !(plan->granted & owned) && !plan->weak,
        .unprivileged = now.permitted != 0 && !plan->weak,
        .keep = now.permitted & capabilities_kept(plan->granted),
    };
}

/* Where there is no such number (in a namespace of one user), or it may not be taken, the old one
 * stays. */
static bool nobody_become(void)
{
    const long user = NOBODY;
    syscall(SYS_setgroups, 0, NULL);
    bool good = syscall(SYS_setresgid, user, user, user) == 0 &&
                syscall(SYS_setresuid, user, user, user) == 0;
    return good || errno == EINVAL || errno == EPERM;
}

bool identity_take(const struct identity *who)
{
    struct capabilities kept = { who->keep, who->keep };
    if (who->nobody && !nobody_become())
        return false;
    return !who->unprivileged || capabilities_call(SYS_capset, &kept) == 0;
}
