/* EXPECT 0
 * PLUGIN tests/plugins/plain.c
 * What is above a value's 32 bits reaches no host function and no guest, whatever either side leaves there. */
#include "tests/hostile/guest.h"

static uint32_t find(const char *name)
{
    const struct host_import *imports = (const struct host_import *)((const char *)shared + shared->boot.host_off);
    for (uint32_t i = 0; i < shared->boot.hosts; i++) {
        const char *at = (const char *)shared + imports[i].name_off, *want = name;
        while (*at && *at == *want)
            at++, want++;
        if (*at == *want)
            return i;
    }
    end(1, "the plug-in has no such function");
}

void guest_main(void)
{
    check(call(CALL_host, find("widen"), 0xffffffff80000001, 0, 0) == 0x80000001, "an i32 arrives with more bits");
    check(call(CALL_host, find("narrow"), 0xffffffff80000001, 0, 0) == 0x80000001, "an i32 comes back with more bits");
    end(0, "");
}
