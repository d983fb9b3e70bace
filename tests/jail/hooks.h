/* What the files of the jail's test build share. */
#ifndef TESTS_JAIL_HOOKS_H
#define TESTS_JAIL_HOOKS_H

/* tries.c: tries what has that name, and ends the process: 0 = it failed as it should, 1 = it
 * worked. */
_Noreturn void try(const char *name);

#endif
