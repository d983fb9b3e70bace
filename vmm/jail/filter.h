/* What compile.c makes of calls.def, and the jail has: a filter for each set of grants. */
#ifndef VMM_JAIL_FILTER_H
#define VMM_JAIL_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

#include "vmm/jail/jail.h"

enum { JAIL_WEAK = JAIL_LEVELS, JAIL_FILTERS_ALL };
/* Stands in a filter where the process's number belongs, which no build knows; no number is so
 * large. */
#define JAIL_PID 0x70696421u
#define JAIL_INSNS 512 /* at most */

struct jail_filter {
    const struct sock_filter *insns; /* NULL: no such set */
    uint16_t n, calls;               /* calls: how many it allows, with whichever arguments */
};
enum { JAIL_EVERY = JAIL_FILES | JAIL_NET | JAIL_UNIX | JAIL_PROCESS };
/* The filter for a set of grants: unix sockets are a part of the network, which has all that open
 * sockets need; what is to be narrowed has one for all. */
static inline unsigned jail_level(unsigned granted)
{
    if (granted & JAIL_AGAIN)
        return JAIL_EVERY | JAIL_AGAIN;
    if (granted & JAIL_UNIX)
        granted |= JAIL_NET;
    return granted & JAIL_NET ? granted & ~(unsigned)JAIL_SOCKETS : granted;
}

#endif
