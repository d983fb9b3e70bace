/* The container's memory limit, as the machine sees it.
 *
 * All that a machine holds is the container's: the program's memory, the engine's, the monitor's
 * own, and what the kernel keeps for it.  The program gets what is left, so that it hears "out of
 * memory" from its own allocation before the kernel kills the container. */
#include "oci/oci.h"

#define MIB ((int64_t)1 << 20)

void limits_find(struct limits *l, struct json_object *resources)
{
    const int64_t monitor = 24 * MIB, engine = 24 * MIB, least = 96 * MIB, most = (int64_t)4 << 30,
                  stack = 256 * MIB;
    int64_t limit = 0;
    *l = (struct limits){0};
    number_in(object_in(resources, "memory"), "limit", &limit);
    if (limit <= 0)
        return;
    if (limit < least)
        refuse("a memory limit of %lld bytes: a virtual machine needs %lld (raise the container's "
               "limit)",
               (long long)limit, (long long)least);
    l->total = limit - monitor;
    l->stack = l->total / 8 < stack ? l->total / 8 : stack;
    int64_t left = l->total - l->stack - engine;
    l->memory = left < most ? left : most;
    l->soft = l->memory / 10 * 9;
}
