/* The face of jail/, wall 3: this process gives up what a run does not need, for good.
 *
 * It is entered once all that the run names is open and before anything of the guest runs.  Whoever
 * takes over the monitor then has a list of system calls (calls.def), made shorter by what was not
 * granted, and beneath it Landlock: no file but those granted.
 *
 * The seam for an image cache: filters add up and never widen.  A process that makes an image
 * enters with what its run was granted and JAIL_AGAIN, its image's one open file in hand, closes
 * that, and narrows the jail before the run.  The cache's directory is in no plan: a run that was
 * taken over could poison what other runs begin with.  Who gives a finished image its name there is
 * a process that reads no guest. */
#ifndef VMM_JAIL_JAIL_H
#define VMM_JAIL_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/message.h"

/* What was granted, each a set of calls.  AGAIN: to be narrowed. */
enum { JAIL_FILES = 1, JAIL_NET = 2, JAIL_UNIX = 4, JAIL_PROCESS = 8, JAIL_AGAIN = 16,
       JAIL_SOCKETS = 32 /* that are open from the start */, JAIL_LEVELS = 64 };
enum jail_right { JAIL_READ, JAIL_WRITE, JAIL_STREAM /* of a file: opened again for words */,
                  JAIL_REMOVE /* empty directories in it */ };
struct jail_path { int fd; enum jail_right right; };

struct jail_plan {
    unsigned granted;               /* JAIL_* */
    /* code of others' runs in this process: no list of calls, no Landlock */
    bool weak;
    uint32_t files;                 /* open at most, of any kind; 0: as many as before */
    const struct jail_path *paths;  /* with what lies below them */
    uint32_t npaths;
};
/* All threads of the process are in it afterwards.  false: what could not be had; some of it may be
 * in force. */
bool jail_enter(const struct jail_plan *, struct failure *);
/* In a jail that was entered with AGAIN: from here on the calls of these grants alone. */
bool jail_narrow(unsigned granted, struct failure *);

#endif
