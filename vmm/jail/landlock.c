/* The files of a jailed run, by Landlock: which can be reached, whatever the calls' arguments.
 *
 * What kernels lack, by the ABI that they report, and what stands in its place:
 *
 *   0  all of it (before 5.13, or off)    with nothing granted no call opens anything; else
 *                                         it is refused
 *   1  moving between directories         such a move fails with EXDEV
 *   2  truncation (Debian 12)             files of :ro grants can be emptied; the file's own
 *                                         mode counts
 *   3  ports of TCP                       the policy in the monitor alone
 *   4  ioctl on devices                   the filter's list of ioctls, which holds with any ABI
 *   5  abstract unix sockets, signals     names of the host's abstract sockets; signals: the
 *                                         filter
 *   6  records for the audit log          nothing
 *   7                                     in all: UDP, connecting to unix sockets by path,
 *                                         times of files and what stat tells are the kernel's
 *                                         own rights alone */
#include <errno.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

/* The kernel's, of which older headers have fewer. */
struct ruleset { uint64_t fs, net, scoped; };
#define FS_FIRST ((UINT64_C(1) << 13) - 1) /* of ABI 1: all up to LANDLOCK_ACCESS_FS_MAKE_SYM */
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)

static const struct ruleset known[LANDLOCK_ABI_KNOWN + 1] = {
    [1] = { .fs = FS_FIRST },
    [2] = { .fs = FS_FIRST | FS_REFER },
    [3] = { .fs = FS_FIRST | FS_REFER | FS_TRUNCATE },
    [4] = { .fs = FS_FIRST | FS_REFER | FS_TRUNCATE },
    [5] = { .fs = FS_FIRST | FS_REFER | FS_TRUNCATE },
    [6] = { .fs = FS_FIRST | FS_REFER | FS_TRUNCATE, .scoped = SCOPE_ABSTRACT },
    [7] = { .fs = FS_FIRST | FS_REFER | FS_TRUNCATE, .scoped = SCOPE_ABSTRACT },
};

static const uint64_t rights[] = {
    [JAIL_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    [JAIL_WRITE] = (FS_FIRST | FS_REFER | FS_TRUNCATE) & ~LANDLOCK_ACCESS_FS_EXECUTE,
    [JAIL_STREAM] = LANDLOCK_ACCESS_FS_WRITE_FILE,
    [JAIL_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_DIR,
};

/* Of something that is no directory. */
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
                       LANDLOCK_CREATE_RULESET_VERSION);
    return jail_test_abi(abi < 0 ? 0 : abi > LANDLOCK_ABI_KNOWN ? LANDLOCK_ABI_KNOWN : (int)abi);
}

static bool path_add(int ruleset, const struct ruleset *handled, const struct jail_path *path)
{
    struct stat st;
    struct landlock_path_beneath_attr rule = { .allowed_access = rights[path->right] & handled->fs,
                                               .parent_fd = path->fd };
    if (fstat(path->fd, &st) < 0)
        return false;
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    /* EBADFD: a pipe or a memory file, which need no rule. */
    return !rule.allowed_access ||
           syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
           errno == EBADFD;
}

int landlock_rules(const struct jail_plan *plan, int abi, struct failure *why)
{
    const struct ruleset *handled = &known[abi];
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, handled, sizeof *handled, 0);
    bool good = ruleset >= 0;
    for (uint32_t i = 0; good && i < plan->npaths; i++)
        good = path_add(ruleset, handled, &plan->paths[i]);
    if (good)
        return ruleset;
    failure_set(why, "the jail: rules for files cannot be made: %s (--jail=weak runs without)",
                strerror(errno));
    if (ruleset >= 0)
        close(ruleset);
    return -1;
}
