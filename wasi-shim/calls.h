/* The calls as C has them, made of calls.def's rows: for each a struct of its arguments by name, as
 * in
 *
 *   struct fd_seek_args { uint32_t fd; uint64_t offset; uint32_t whence, offset_out; };
 *
 * Such a struct lies in memory as the words of a request do, 8 bytes a field, so that to decode is
 * to look at the words through it.  Of an argument of 32 bits the upper half is nobody's: it is not
 * seen when decoded, and 0 when encoded. Whoever decodes looks at a copy of his own; nothing here
 * reads the slot. */
#ifndef WASI_SHIM_CALLS_H
#define WASI_SHIM_CALLS_H

#include <stddef.h>

#include "wasi-shim/abi.h"

/* Kinds of arguments: X(KIND, C type, letter of the wasm type). */
#define ARG_KINDS(X)                                                                               \
    X(FD, uint32_t, 'i')  /* a descriptor; shown signed */                                         \
    X(U32, uint32_t, 'i') /* a number */                                                           \
    X(HEX, uint32_t, 'i') /* shown as hexadecimal */                                               \
    X(PTR, uint32_t, 'i') /* an address in linear memory, not shown */                             \
    X(CLOCK, uint32_t, 'i')                                                                        \
    X(WHENCE, uint32_t, 'i')                                                                       \
    X(WHENCE_V0, uint32_t, 'i') /* of wasi_unstable */                                             \
    X(OFLAGS, uint32_t, 'i')                                                                       \
    X(FDFLAGS, uint32_t, 'i')                                                                      \
    X(LOOKUP, uint32_t, 'i')                                                                       \
    X(FSTFLAGS, uint32_t, 'i')                                                                     \
    X(S64, uint64_t, 'I') /* shown signed */                                                       \
    X(U64, uint64_t, 'I')                                                                          \
    X(RIGHTS, uint64_t, 'I')
/* Of spans, whose two words are both 32 bits wide. */
#define SPAN_KINDS(X) X(TEXT) X(IOVS) X(BUFFER)
/* Of what is written at an OUT: X(KIND, bytes).  The last two are struct wasi_filestat and
 * wasi_fdstat. */
#define OUT_KINDS(X) X(U16, 2) X(U32, 4) X(U64, 8) X(FILESTAT, 64) X(FDSTAT, 24)

#define X(kind, type, letter) typedef type arg_##kind;
ARG_KINDS(X)
#undef X

/* A wasm type's letter, as in the signatures of host functions. */
enum {
#define X(kind, type, letter) LETTER_##kind = letter,
    ARG_KINDS(X)
#undef X
#define X(kind) LETTER_##kind = 'i',
    SPAN_KINDS(X)
#undef X
};

/* What a result is, as a wasm type's letter; 0 = there is none. */
enum { RESULT_ERRNO = 'i', RESULT_LONG = 'I', RESULT_NONE = 0 };

/* ARGS_fd_seek: how many words. */
enum {
#define ARG(name, kind) + 1
#define SPAN(name, kind) + 2
#define OUT(name, kind) + 1
#define CALL(name, args, result) ARGS_##name = 0 args,
#include "wasi-shim/calls.def"
};

#define ARG(name, kind) _Alignas(8) arg_##kind name;
#define SPAN(name, kind) _Alignas(8) uint32_t name; _Alignas(8) uint32_t name##_len;
#define OUT(name, kind) _Alignas(8) uint32_t name##_out;
#define CALL(name, args, result) struct name##_args { args };
#include "wasi-shim/calls.def"

#define CALL(name, args, result)                                                                   \
    _Static_assert(ARGS_##name <= SLOT_ARGS, "the arguments of " #name " fit the slot");           \
    _Static_assert(sizeof(struct name##_args) == ARGS_##name * 8, "a word for each argument");     \
    static inline const struct name##_args *name##_decode(const uint64_t *words)                   \
    {                                                                                              \
        return (const struct name##_args *)words;                                                  \
    }
#include "wasi-shim/calls.def"

/* Writes the ARGS_fd_seek words. */
#define ARG(name, kind) *words++ = args->name;
#define SPAN(name, kind) *words++ = args->name, *words++ = args->name##_len;
#define OUT(name, kind) *words++ = args->name##_out;
#define CALL(name, list, result)                                                                   \
    static inline void name##_encode(uint64_t *words, const struct name##_args *args)              \
    {                                                                                              \
        list(void) words, (void)args;                                                              \
    }
#include "wasi-shim/calls.def"

#endif
