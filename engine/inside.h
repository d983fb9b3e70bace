/* The engine's inside: heap, errors, the engine itself, and by module.h and instance.h what its
 * rooms show each other; the compiler's are ir/ir.h and x64/target.h.  Outsiders include
 * engine/engine.h only. */
#ifndef ENGINE_INSIDE_H
#define ENGINE_INSIDE_H

#include "engine/module.h"
#include "engine/instance.h"

/* ---- heap.c: bump allocation in the engine's heap; zeroed; never freed.  NULL: cannot be had.
 * ---- */
void *heap_alloc(struct engine *, uint64_t bytes, uint64_t align);
/* Scratch for one compilation: reset as a whole; its memory is reused. */
void *scratch_alloc(struct engine *, uint64_t bytes); /* 16-aligned, NOT zeroed */
void scratch_reset(struct engine *);
void scratch_clear(struct engine *); /* makes all of it zero, and resets it */

/* ---- error.c ---- */
/* Formats: %s %u %x, %lu %lx of 64 bits, %% and %.*s: length as unsigned int, bytes escaped by
 * name_escape.  Returns false; error_append, too, which adds to the text that stands there. */
bool error_set(struct engine *, enum error_kind, uint32_t offset, const char *format, ...);
bool error_append(struct engine *, const char *format, ...);
/* Adds how to build a module that does not import that one, where it is known. */
bool error_import(struct engine *, struct name module);
/* ERROR_UNSUPPORTED: "module uses FEATURE (...", to be completed by error_place. */
bool error_feature(struct engine *, uint32_t offset, const char *feature, const char *format, ...);
/* Completes the error with its offset, instruction, function (in func_words' words) and section;
 * NULL: none. A function has a section, too. */
bool error_place(struct engine *, const char *instruction, const char *func, const char *section);
/* NUL-terminated, cut to cap; returns the length. */
size_t error_format(char *out, size_t cap, const char *format, ...);

struct engine {
    struct engine_env env;
    struct error error;
    struct engine_stats stats;
    uint64_t heap_used;
    uint8_t *scratch;
    uint64_t scratch_cap, scratch_used; /* of the chunk that heap.c hands out now */
    void *scratch_state;                /* heap.c's own: the first chunk */
    struct functype *canon_types;
    uint32_t ncanon, canon_cap;
    uint32_t *canon_hash;
    uint32_t canon_hash_cap;
    uint64_t memory_total; /* bytes of all linear memories */
    /* run state, read and written by thunks */
    uint64_t c_sp;             /* C stack pointer to return to; 0 = no wasm is running */
    uint64_t wasm_sp;          /* wasm stack pointer while C code runs */
    uint64_t trap;             /* enum trap, set by runtime functions and fault */
    uint64_t trap_pc, trap_sp; /* where */
    struct code_global *code;  /* code.c's own */
};

#endif
