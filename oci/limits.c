/* The container's memory limit, as the machine sees it.
 *
 * All that a machine holds is the container's: the program's memory, the engine's, the monitor's
 * own, and what the kernel keeps for it.  The program gets what is left, so that it hears "out of
 * memory" from its own allocation before the kernel kills the container. */
#include "oci/oci.h"

#define MIB ((int64_t)1 << 20)

/* By measurement (docs/containers.md): what the monitor and the kernel hold beside the machine,
 * what the engine holds in it for an HTTP server of 11 MB, and the least with which that serves. */
enum { MONITOR_MIB = 16, ENGINE_MIB = 16, LEAST_MIB = 64, STACK_MIB = 64, MEMORY_MIB = 4096 };

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void limits_find(struct limits *l, struct json_object *resources)
{
    int64_t limit = 0;
    *l = (struct limits){0};
    number_in(object_in(resources, "memory"), "limit", &limit);
    if (limit <= 0)
        return;
    if (limit < LEAST_MIB * MIB)
        refuse("a memory limit of %lld bytes: a virtual machine needs %lld (raise the container's)",
               (long long)limit, (long long)LEAST_MIB * MIB);
    l->total = limit - MONITOR_MIB * MIB;
    l->stack = lesser(l->total / 8, STACK_MIB * MIB);
    l->memory = lesser(l->total - l->stack - ENGINE_MIB * MIB, MEMORY_MIB * MIB);
    l->soft = l->memory / 10 * 9;
}
