/* What the files of jail/ share among themselves. */
#ifndef VMM_JAIL_INSIDE_H
#define VMM_JAIL_INSIDE_H

#include <sys/types.h>

#include "vmm/jail/filter.h"

/* ---- landlock.c ---- */
enum { LANDLOCK_ABI_KNOWN = 7 };
int landlock_abi(void); /* of the kernel, or 0 */
/* Rules of the plan; -1: why.  `abi` may be lower than the kernel's. */
int landlock_rules(const struct jail_plan *, int abi, struct failure *);

/* ---- identity.c: who the threads are ---- */
struct identity {
    bool nobody;        /* becomes NOBODY */
    bool unprivileged;  /* there are capabilities to drop */
    uint64_t keep;      /* of those */
};
void identity_find(struct identity *, const struct jail_plan *);
bool identity_take(const struct identity *); /* of the calling thread; errno; async-signal-safe */

/* ---- crew.c: all threads of the process ---- */
struct crew {
    struct identity identity;
    int rules; /* of landlock_rules; -1 = none */
};
/* Each thread confines itself, this one last. */
bool crew_confine(const struct crew *, struct failure *);

/* ---- seccomp.c ---- */
bool seccomp_enter(unsigned filter, struct failure *); /* of all threads; JAIL_* or JAIL_WEAK */

/* ---- tests/jail/hooks.c, in a test build alone ---- */
#ifdef JAIL_TEST
void jail_test_begin(void);
unsigned jail_test_granted(unsigned granted);
int jail_test_abi(int abi);
void jail_test_filter(unsigned filter, struct sock_filter *, unsigned *n);
void jail_test_entered(void);
#else
static inline void jail_test_begin(void) {}
static inline unsigned jail_test_granted(unsigned granted) { return granted; }
static inline int jail_test_abi(int abi) { return abi; }
static inline void jail_test_filter(unsigned filter, struct sock_filter *insns, unsigned *n)
{
    (void)filter, (void)insns, (void)n;
}
static inline void jail_test_entered(void) {}
#endif

#endif
