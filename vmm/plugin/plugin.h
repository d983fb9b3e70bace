/* The face of plugin/: shared libraries of plug-ins, as loaded into a process.  That is the one of
 * host.c, a program of its own; with --jail=weak it is the command line's (cli/plugin.c). */
#ifndef VMM_PLUGIN_PLUGIN_H
#define VMM_PLUGIN_PLUGIN_H

#include <stdbool.h>

#include "vmm/wasmvm_plugin.h"

#define PLUGIN_WHY 1024 /* a sentence, its NUL included */
/* What a library may say of itself; the rest of a provider's flags is the monitor's to say. */
#define PLUGIN_FLAGS                                                                               \
    (WASMVM_PLUGIN_ONE_THREAD | WASMVM_PLUGIN_NEEDS_FILES | WASMVM_PLUGIN_NEEDS_NETWORK |          \
     WASMVM_PLUGIN_NEEDS_THREADS)

/* ---- library.c, or library_none.c: the dynamic linker ---- */
bool library_possible(void); /* whether this program can load any */
void *library_open(const char *file, char why[PLUGIN_WHY]); /* NULL with a sentence */
void *library_find(void *library, const char *name);        /* NULL: it exports no such name */
void library_close(void *library);

/* ---- face.c: what a library says of itself ---- */
/* Checked, so that a wrong one is a sentence and no crash; NULL with it. */
const struct wasmvm_plugin *face_find(void *library, char why[PLUGIN_WHY]);
/* The value of key=value among n pieces; NULL: there is none. */
const char *face_option(char *const pieces[], unsigned n, const char *key);
/* Runs init, which puts something into *data; false with a sentence. */
bool face_begin(const struct wasmvm_plugin *, const struct wasmvm_host *, void **data,
                char why[PLUGIN_WHY]);

#endif
