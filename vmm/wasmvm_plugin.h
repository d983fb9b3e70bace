/* The C ABI of a wasmvm plug-in: a shared library of yours with functions that a WebAssembly module
 * imports.  docs/plugins.md has a whole program.
 *
 * A plug-in exports one symbol, wasmvm_plugin_get.  `--plugin LIB.so[,key=value...]` loads it.
 * wasmvm calls init once for every virtual machine.  Before the module starts, wasmvm compares each
 * signature with the module's imports.  It calls fini after the run.
 *
 * The guest is hostile.  read and write copy its memory and check the bounds.  Memory seen through
 * a view may change while you look at it.
 *
 * Calls of one machine never overlap, and each sees what the one before did.  They come from two
 * threads, though: the one that called init, and one that polls.  With WASMVM_PLUGIN_ONE_THREAD
 * they come from init's alone; each call then costs an exit. */
#ifndef WASMVM_PLUGIN_H
#define WASMVM_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WASMVM_PLUGIN_ABI 1u

/* One argument or result.  Arguments of type i32 and f32 are zero-extended.  Of a result, only the
 * bits of its type count. */
typedef union wasmvm_val {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
} wasmvm_val;

typedef struct wasmvm_call wasmvm_call; /* one call in progress; valid until the function returns */

/* data is the function's own, or else what init stored.  args has as many cells as the signature
 * has parameters.  result is one cell, which is zero before.  The function returns 0.  Any other
 * value makes the guest trap, with the sentence that trap() was given, or else "a host function
 * failed". */
typedef int (*wasmvm_fn)(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result);

/* sig has a letter for each parameter, then ':', then a letter for the result if there is one.  The
 * letters are i (i32), I (i64), f (f32) and F (f64).  "ii:i" takes a Go string (pointer, length)
 * and returns an int32. */
typedef struct wasmvm_func {
    const char *module, *name, *sig;
    wasmvm_fn fn;
    void *data; /* NULL: what init stored */
} wasmvm_func;

enum { WASMVM_LOG_ERROR, WASMVM_LOG_WARN, WASMVM_LOG_INFO, WASMVM_LOG_DEBUG };

/* What call_export returns. */
enum {
    WASMVM_OK = 0,
    WASMVM_NO_EXPORT = -1, /* the module exports no function of this name */
    /* the number of arguments differs, or it has several results or a vector  */
    WASMVM_BAD_TYPE = -2,
    WASMVM_ENDED = -3, /* the run is over (exit, trap, time): return from the host function       */
};

/* What the host does for a plug-in.  size is this struct's size in bytes: newer versions add
 * members at the end. */
typedef struct wasmvm_host wasmvm_host;
struct wasmvm_host {
    uint32_t size;
    /* Copy bytes between the guest's memory and yours.  They return 0.  If the range does not lie
     * in memory, they copy nothing and return -1. */
    int (*read)(wasmvm_call *, uint32_t ptr, void *dst, uint32_t len);
    int (*write)(wasmvm_call *, uint32_t ptr, const void *src, uint32_t len);
    /* Returns a pointer to the guest's memory itself, or NULL if the range does not lie in it.  It
     * is valid until the function returns or calls an export.  The memory may change meanwhile. */
    const volatile uint8_t *(*view)(wasmvm_call *, uint32_t ptr, uint32_t len);
    uint64_t (*mem_size)(wasmvm_call *);
    /* Sets the sentence of the trap that a nonzero return value makes.  It is copied, and cut at
     * 200 bytes. */
    void (*trap)(wasmvm_call *, const char *message);
    /* Writes a line to stderr, or to an embedder's log.  Control characters are escaped. */
    void (*log)(const wasmvm_host *, int level, const char *message);
    /* Calls an export of the guest that made this call.  Calls nest up to 1,000 deep, as long as
     * more than 1 MiB of the thread's stack is left (or a quarter, if that is less).  Beyond that
     * the guest traps, and so it does at the second host function on any other stack (a
     * coroutine's). */
    int (*call_export)(wasmvm_call *, const char *name, const wasmvm_val *args, uint32_t nargs,
                       wasmvm_val *result);
    /* Returns the value of key=value behind the library's name, or NULL.  It lives as long as the
     * plug-in. */
    const char *(*option)(const wasmvm_host *, const char *key);
    /* Waits until the descriptor is ready for one of these events of poll(2), and returns
     * WASMVM_OK.  With no events it does not wait.  WASMVM_ENDED says that the run should end, by a
     * time limit, a signal or a stop: return from the host function. */
    int (*wait)(wasmvm_call *, int fd, short events);
};

enum {
    /* calls come only from the thread that called init             */
    WASMVM_PLUGIN_ONE_THREAD = 1 << 0,
    /* What its functions need.  --report shows it; it gives and takes no right. */
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
    /* Called once for each virtual machine; may be NULL.  A nonzero value refuses the start; tell
     * why by log().  host is valid until fini. */
    int (*init)(const wasmvm_host *host, void **data);
    void (*fini)(void *data); /* called after the run; may be NULL */
} wasmvm_plugin;

/* The one symbol that a plug-in exports. */
const wasmvm_plugin *wasmvm_plugin_get(void);

#ifdef __cplusplus
}
#endif

#endif
