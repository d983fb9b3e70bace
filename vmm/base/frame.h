/* Frames: what two processes of one run say to each other over a socket.
 *
 * A frame is a head, length and kind as two 32-bit words, and a body of `length` bytes; all numbers
 * are little-endian.  A plug-in process speaks them with the monitor (cli/plugin_exec.c), and a
 * helper process with the program that asked for it (lib/process.c, cli/helper.c). */
#ifndef VMM_BASE_FRAME_H
#define VMM_BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_kind {
    /* by who has the host functions */
    FRAME_HELLO = 1,  /* ABI version (u32), then strings, each with a NUL: name, version, then name
                         and sig of each  function */
    FRAME_RESULT = 2, /* answers the innermost CALL: one cell (u64) */
    FRAME_TRAP = 3,   /* answers it: the sentence */
    FRAME_READ = 4,   /* pointer, length (u32 each) */
    FRAME_WRITE = 5,  /* pointer (u32), bytes */
    FRAME_SIZE = 6,   /* nothing */
    FRAME_EXPORT = 7, /* name with a NUL, then cells (u64 each) */
    FRAME_LOG = 8,    /* level (u32), text; the only one without an answer */
    /* by the monitor */
    FRAME_CALL = 16, /* number of the function (u32), then cells */
    /* status (i32: 0, or what the C ABI's function would return), then what was asked for */
    FRAME_ANSWER = 17,
    /* by who started a helper, before all others */
    FRAME_SETTING = 32,  /* enum setting (u32), then its value */
    FRAME_FUNCTION = 33, /* strings, each with a NUL: module, name, sig */
    FRAME_START = 34,    /* the module's name with a NUL; nothing more is said */
    /* by the helper, as its first: its version with a NUL; and as its last */
    FRAME_VERSION = 39,
    FRAME_END = 40, /* code, status (i32 each), then strings: sentence, backtrace, report */
};
#define FRAME_HEAD 8u
#define FRAME_MOST (16u << 20) /* bytes of a body */

/* Rows of settings.def.  The value of a number or a choice is a u64, that of the others a text:
 * of LISTs an argument, a NAME=VALUE, or as the comment says. */
enum setting {
#define NUMBER(name, field, otherwise, least, most, what) SETTING_##field,
#define CHOICE(name, field, type, last, what) SETTING_##field,
#define TEXT(name, field) SETTING_##field,
#define MARK(name, field) SETTING_##field,
#define SWITCH(name, field) SETTING_##field,
#define RULES(kind, field) SETTING_##field,
#define RULE(kind, field) SETTING_##field,
#define PERMIT(kind, field) SETTING_##field,
#define LIST(type, field) SETTING_##field, /* dirs: flags (u64), host, guest; sockets: a u64 */
#include "vmm/base/settings.def"
    SETTINGS,
};
/* Of a directory's flags: --tmp's.  The others are the setter's. */
#define SETTING_TMP (UINT64_C(1) << 32)

/* A helper's descriptors, as it is started; sockets that it is passed stand from the last on. */
enum {
    HELPER_SOCKET = 3,
    HELPER_MODULE,
    HELPER_LOG,
    HELPER_KVM,
    HELPER_CALLER, /* a pidfd of who started it */
    HELPER_SOCKETS
};
#define HELPER_NAME "wasmvm-helper" /* its argv[0]; argv[1] is the version that is expected */
#define HELPER_STOP (SIGRTMIN + 4) /* ends the run as wasmvm_stop does */

struct frame { uint32_t kind, len; const uint8_t *body; };
enum frame_state { FRAME_PARTIAL, FRAME_WHOLE, FRAME_TOO_LONG };
/* Looks at the first `have` bytes; fills *frame where it is whole. */
enum frame_state frame_next(const uint8_t *in, size_t have, struct frame *frame);
void frame_head(uint8_t out[FRAME_HEAD], uint32_t kind, uint32_t len);
uint32_t frame_u32(const uint8_t *at);
uint64_t frame_u64(const uint8_t *at);
/* Steps over the string at *at, with its NUL; NULL: none ends before `end`. */
const char *frame_string(const uint8_t **at, const uint8_t *end);

#endif
