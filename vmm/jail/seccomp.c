/* The filter of system calls, made when wasmvm was built, put on all threads at once. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/jail/inside.h"

#include JAIL_FILTERS

_Static_assert(sizeof filters / sizeof filters[0] == JAIL_FILTERS_ALL, "each level has its place");

/* A kernel older than 5.16 would slow the guest down otherwise; who wants that asks for it by
 * prctl. */
#define FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

static unsigned filter_copy(unsigned filter, struct sock_filter *to)
{
    const struct jail_filter *from = &filters[filter];
    const uint32_t pid = (uint32_t)getpid();
    for (unsigned i = 0; i < from->n; i++) {
        to[i] = from->insns[i];
        if (to[i].k == JAIL_PID && to[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            to[i].k = pid;
    }
    return from->n;
}

bool seccomp_enter(unsigned filter, struct failure *why)
{
    struct sock_filter insns[JAIL_INSNS];
    unsigned n = filter_copy(filter, insns);
    jail_test_filter(filter, insns, &n);
    const struct sock_fprog program = { (unsigned short)n, insns };
    long failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
                      ? -1
                      : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FLAGS, &program);
    if (failed > 0)
        return failure_set(
            why, "the jail: the thread %ld has a filter of its own (--jail=off runs without)",
            failed);
    return failed == 0 || failure_set(why,
                                      "the jail: this kernel takes no filter of system calls: %s "
                                      "(--jail=off runs without)",
                                      strerror(errno));
}
