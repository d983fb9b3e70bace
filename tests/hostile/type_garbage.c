/* EXPECT 137 a function type that is none
 * PLUGIN tests/plugins/plain.c
 * RUNS 6
 * OPTIONS --timeout 300
 * The host asks for an export, and the type that it is told is no type. */
#include "tests/hostile/guest.h"

void guest_main(void)
{
    static const char types[][8] = {"i?i", "i", "", "i:\033", "ix:i", "i:i:"};
    const struct host_import *imports = (const struct host_import *)((const char *)shared +
                                                                     shared->boot.host_off);
    uint32_t deeper = 0;
    while (*((const char *)shared + imports[deeper].name_off) != 'd')
        deeper++;
    call(CALL_host, deeper, 0, 0, 0);
    check(shared->slot.number == ANSWER_FIND, "the host wants something else");
    __builtin_memcpy(shared->words, types[last_argument() % 6], sizeof types[0]);
    call(CALL_found, FOUND, 7, 0, 0);
    end(0, "");
}
