/* The programs that belong to wasmvm: they lie in libexec/wasmvm beside bin/, or beside this one
 * where both lie in a build directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

/* The first of two places where there is such a program. */
const char *program_find(const char *what, const char *name, char *room, size_t cap)
{
    static const char *const places[] = { "../libexec/wasmvm/", "" };
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        fail("%s: /proc is not mounted, which tells where wasmvm's own files are", what);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(room, cap, "%s/%s%s", self, places[i], name);
        if (access(room, X_OK) == 0)
            return room;
    }
    fail("%s: %s/%s%s is not there (install wasmvm whole)", what, self, places[0], name);
}

_Noreturn void program_become(const char *what, const char *name, char **words)
{
    char path[4200];
    execv(program_find(what, name, path, sizeof path), words);
    fail("%s: %s: %s", what, path, strerror(errno));
}
