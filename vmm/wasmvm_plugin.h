/* The C ABI of a wasmvm plug-in: functions that a WebAssembly module imports, in a shared library of yours.
 *
 * A plug-in exports one symbol, wasmvm_plugin_get.  wasmvm loads it by `--plugin LIB.so[,key=value...]`, calls init
 * once for every virtual machine, checks each signature against the module's imports before the module starts, and
 * calls fini after the run.  docs/plugins.md has a whole program.
 *
 * The guest is hostile.  Its memory is read and written by copies whose bounds are checked; what a view shows may
 * change while it is looked at.  Calls of one machine never overlap, and each sees what the one before did; but they
 * come from two threads, init's and one that polls: WASMVM_PLUGIN_ONE_THREAD asks for init's alone, at the price of an
 * exit for each call. */
#ifndef WASMVM_PLUGIN_H
#define WASMVM_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WASMVM_PLUGIN_ABI 1u

/* One argument or result.  i32 and f32 arrive zero-extended; of a result only as many bits as its type has count. */
typedef union wasmvm_val {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
} wasmvm_val;

typedef struct wasmvm_call wasmvm_call; /* one call in progress; valid until the function returns */

/* data: the function's own, else what init gave.  args: as many as the signature says.  result: one cell, zero before.
 * Returns 0, or anything else for a trap: its sentence is trap()'s, else "a host function failed". */
typedef int (*wasmvm_fn)(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result);

/* sig: a letter for each parameter, ':', and a letter for the result where there is one: i = i32, I = i64, f = f32,
 * F = f64.  "ii:i" takes a Go string (pointer, length) and gives an int32. */
typedef struct wasmvm_func {
    const char *module, *name, *sig;
    wasmvm_fn fn;
    void *data; /* NULL: what init gave */
} wasmvm_func;

enum { WASMVM_LOG_ERROR, WASMVM_LOG_WARN, WASMVM_LOG_INFO, WASMVM_LOG_DEBUG };

/* What call_export answers. */
enum {
    WASMVM_OK = 0,
    WASMVM_NO_EXPORT = -1, /* the module exports no function of this name                          */
    WASMVM_BAD_TYPE = -2,  /* another number of arguments, or more results than one, or a vector   */
    WASMVM_ENDED = -3,     /* the run is over (exit, trap, time): return from the host function     */
};

/* What the host does for a plug-in.  size: bytes of this struct; members are only ever added at the end. */
typedef struct wasmvm_host wasmvm_host;
struct wasmvm_host {
    uint32_t size;
    /* Bytes between the guest's memory and yours; 0, or -1 where the range does not lie in memory (nothing is copied
     * then). */
    int (*read)(wasmvm_call *, uint32_t ptr, void *dst, uint32_t len);
    int (*write)(wasmvm_call *, uint32_t ptr, const void *src, uint32_t len);
    /* The guest's memory itself, or NULL; valid until the function returns or calls an export.  The guest may be
     * changing it. */
    const volatile uint8_t *(*view)(wasmvm_call *, uint32_t ptr, uint32_t len);
    uint64_t (*mem_size)(wasmvm_call *);
    /* Words for the trap that a nonzero return makes; copied, cut at 200 bytes. */
    void (*trap)(wasmvm_call *, const char *message);
    /* A line on stderr (an embedder's log), escaped. */
    void (*log)(const wasmvm_host *, int level, const char *message);
    /* Calls an export of the guest that is running this call.  Nested calls go 1,000 deep, or until no more than 1 MiB
     * of the thread's stack is left (a quarter, if that is less); then the guest traps. */
    int (*call_export)(wasmvm_call *, const char *name, const wasmvm_val *args, uint32_t nargs, wasmvm_val *result);
    /* The value of key=value behind the library's name, or NULL.  Lives as long as the plug-in. */
    const char *(*option)(const wasmvm_host *, const char *key);
    /* Waits until the descriptor is ready for one of poll's events, for no events not at all: WASMVM_OK.  WASMVM_ENDED:
     * the run is to end (time, a signal, a stop): return from the host function. */
    int (*wait)(wasmvm_call *, int fd, short events);
};

enum {
    WASMVM_PLUGIN_ONE_THREAD = 1 << 0, /* calls come from no thread but that which called init         */
    /* What it needs once the monitor is confined (a later version does that; say it now). */
    WASMVM_PLUGIN_NEEDS_FILES = 1 << 1,
    WASMVM_PLUGIN_NEEDS_NETWORK = 1 << 2,
    WASMVM_PLUGIN_NEEDS_THREADS = 1 << 3,
};

typedef struct wasmvm_plugin {
    uint32_t abi; /* WASMVM_PLUGIN_ABI */
    uint32_t flags;
    const char *name, *version;
    const wasmvm_func *funcs;
    uint32_t nfuncs;
    /* Once for each virtual machine; nonzero refuses the start (log() says why).  host stays until fini.  May be 0. */
    int (*init)(const wasmvm_host *host, void **data);
    void (*fini)(void *data); /* may be NULL */
} wasmvm_plugin;

/* The one symbol. */
const wasmvm_plugin *wasmvm_plugin_get(void);

#ifdef __cplusplus
}
#endif

#endif
