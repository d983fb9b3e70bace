/* Shared libraries of plug-ins, by the dynamic linker.  The static command has library_none.c in
 * this file's place. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "vmm/plugin/plugin.h"

bool library_possible(void)
{
    return true;
}

void *library_open(const char *file, char why[PLUGIN_WHY])
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const char *error = library ? "" : dlerror();
    size_t prefix = strlen(file);
    if (strncmp(error, file, prefix) == 0 && strncmp(error + prefix, ": ", 2) == 0)
        error += prefix + 2;
    if (!library)
        snprintf(why, PLUGIN_WHY, "it cannot be loaded as a library: %s", error);
    return library;
}

void *library_find(void *library, const char *name)
{
    return dlsym(library, name);
}

void library_close(void *library)
{
    dlclose(library);
}
