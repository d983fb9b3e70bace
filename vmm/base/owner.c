/* Whether a file is ours.
 *
 * In a user namespace the kernel shows all owners that have no number there as one, and us, too,
 * where we have none: then equal numbers do not tell one owner from another.  Where the namespace
 * has a user of that number, it is that one. */
#include <stdio.h>
#include <unistd.h>

#include "vmm/base/message.h"

#define NO_NUMBER 65534u

/* Each line is the first number here, the first one outside, and how many there are. */
static bool user_is_there(uid_t user)
{
    unsigned long first, outside, n;
    bool there = false;
    FILE *map = fopen("/proc/self/uid_map", "re");
    while (map && !there && fscanf(map, "%lu %lu %lu", &first, &outside, &n) == 3)
        there = user >= first && user - first < n;
    if (map)
        fclose(map);
    return there;
}

bool owner_is(uid_t owner, uid_t user)
{
    return owner == user && (owner != NO_NUMBER || user_is_there(owner));
}

bool owner_is_us(uid_t owner)
{
    return owner_is(owner, geteuid());
}
