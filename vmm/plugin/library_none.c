/* In library.c's place where there is no dynamic linker: run.c hands such a run to the twin. */
#include <stdio.h>

#include "vmm/plugin/plugin.h"

bool library_possible(void)
{
    return false;
}

void *library_open(const char *file, char why[PLUGIN_WHY])
{
    (void)file;
    snprintf(why, PLUGIN_WHY, "it cannot be loaded as a library: this wasmvm is static");
    return NULL;
}

void *library_find(void *library, const char *name)
{
    (void)library, (void)name;
    return NULL;
}

void library_close(void *library)
{
    (void)library;
}
