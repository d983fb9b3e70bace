/* wasmvm: the command line on top of the library.  Here is what all subcommands have in common. */
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "vmm/cli/cli.h"

int main(int argc, char **argv)
{
    struct start start = { .argc = argc, .argv = argv, .began_ns = clock_now_ns(),
                           .cpu_began_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) };
    struct failure why;
    /* What the command line names would be opened with rights that its writer does not have. */
    if (getauxval(AT_SECURE))
        fail("wasmvm runs with the rights of who calls it: it may not be set-uid, set-gid or have "
             "capabilities");
    if (!streams_open_closed(&why))
        fail_as(why.status, "%s", why.text);
    /* No other process of this user, and no guest that was granted too much, looks into our memory.
     */
    prctl(PR_SET_DUMPABLE, 0);
    command_find(&start);
    return start.which->function(&start);
}
