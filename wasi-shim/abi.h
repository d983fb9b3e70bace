/* The host/guest contract: the whole of it.  Both sides compile this header.
 *
 * It holds the version, the memory map, the boot record, the control area with the one request slot, and the list of
 * calls (calls.def) from which the enum, the guest's stubs, the host's table and the trace names are made.
 *
 * Guest-virtual memory map (all but the last line within one PML4 entry):
 *
 *   0x00_0000_0000  linear memory 0, up to 4 GiB; 4 to 8 GiB and a guard stay unmapped for ever
 *   0x10_0000_0000  stack of wasm frames, up to 16 GiB; the lowest 2 MiB and all below it stay unmapped (guard)
 *   0x18_0000_0000  module bytes, read-only
 *   0x1a_0000_0000  code, writable alias (never executable)
 *   0x1b_c000_0000  engine heap, up to 1 GiB, RW             \  these three lie within 2 GiB, so that code reaches
 *   0x1c_0000_0000  code, executable alias (never writable)   > heap and image by 32-bit displacements
 *   0x1c_2000_0000  guest image (ELF segments, own rights)   /
 *   0x1c_3000_0000  control area, RW: struct control
 *   0x1c_3800_0000  CPL 3 C stack, and the fault handler's stack, each with an unmapped page below
 *   0x1c_3c00_0000  CPL 0 pages (supervisor): GDT, TSS, IDT, exception entries and their stack
 *   0x20_0000_0000  further linear memories, a slot of 16 GiB each, of which all beyond 4 GiB stays unmapped for ever
 *
 * A field that the guest writes is hostile to the host: it is read once, into a copy. */
#ifndef WASI_SHIM_ABI_H
#define WASI_SHIM_ABI_H

#include <stdint.h>

#include "wasi-shim/map.h"

#define ABI_VERSION 3u
#define ABI_MAGIC 0x6d76736177ull /* "wasvm" */

/* The image says what it was compiled with, in an ELF note of this name and type: a struct abi_note (below). */
#define ABI_NOTE_NAME "wasmvm"
#define ABI_NOTE_TYPE 1

/* The doorbell: `out %al, $DOORBELL_PORT`; the value of al says why. */
enum doorbell {
    DOORBELL_CALL = 1,                 /* the slot holds a request                                         */
    DOORBELL_CRASH = DOORBELL_CRASH_AL, /* a fault nobody handles: control->crash is filled; never resumed */
    /* by the CPL 0 entry alone, before the first DOORBELL_CALL: `out` faulted at CPL 3; try again */
    DOORBELL_PROBE = DOORBELL_PROBE_AL,
    /* by the CPL 0 entry, once: an access below the top of the stack of wasm frames; try again when it is mapped */
    DOORBELL_STACK = DOORBELL_STACK_AL,
};

/* Calls, in calls.def's order; calls.h has their arguments. */
enum call {
#define WASI_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    WASI_CALLS, /* how many a module can import */
    CALL_WASI_LAST = WASI_CALLS - 1,
#define SHARED_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    CALL_SHARED_END,
    CALL_SHARED_LAST = CALL_SHARED_END - 1, /* the last of those that may be polled; proc_exit never is */
#define OWN_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    CALL_COUNT
};

/* What the host wants by its answer to one of host, next, returned and found; it stands in the slot's `number`.
 *
 *   RESULT  the host function's value is in `result` (the answer to the `host` that is open innermost)
 *   TRAP    that function trapped: its sentence is in control->words
 *   CALL    calls the function `result`, an export, with the values of its parameters; the guest posts `returned`
 *   FIND    looks for the exported function named in control->words; the guest posts `found`
 *
 * CALL and FIND nest: while a host function runs, it may use them, and the guest that runs the export may call a host
 * function in its turn.  Values lie in args where they fit, else all of them in control->values. */
enum slot_answer { ANSWER_RESULT, ANSWER_TRAP, ANSWER_CALL, ANSWER_FIND };
enum found { FOUND_NOT, FOUND, FOUND_LARGE /* more than CALL_VALUES parameters or results */ };
#define CALL_VALUES 64u     /* parameters or results of a host function or of an export that the host calls */
#define CALL_WORDS 256u     /* a name or a sentence, its NUL included */
#define CALL_NESTING 1000u  /* the guest traps where host and guest call each other deeper than that */

#define SLOT_ARGS 9
/* Who owns the slot.  MINE, POSTED and RUNG are written by the guest, BUSY and DONE by the host; what the guest writes
 * into it at the wrong time hurts nobody but the guest. */
enum slot_state {
    SLOT_MINE,   /* the guest's: it fills it or reads the result          */
    SLOT_POSTED, /* a request for whoever comes first                     */
    SLOT_BUSY,   /* in service                                            */
    SLOT_DONE,   /* the result is there; the guest's again                */
    SLOT_RUNG,   /* a request that only a doorbell may have served        */
};

/* One request, one owner at a time.  The guest fills number and args, posts it, and either rings the doorbell or, where
 * `polled` says that the host looks at the slot, waits up to wait_ticks and rings then.  After the doorbell the result
 * is there.  WASI arguments are the raw wasm values (i32 zero-extended); pointers are linear-memory addresses.  Pointer
 * arguments of the guest's own calls are guest-virtual addresses, and those calls are never polled.
 *
 * The first cache line holds all that most calls write, on either side; the second one is written rarely: a line that
 * both sides write travels twice a call.
 *
 * `closes` carries an fd_close whose answer the guest knew (wasi-shim/dirs.c): the host does it before the request. */
struct slot {
    uint32_t state;           /* enum slot_state */
    uint32_t number;          /* enum call */
    uint64_t result;          /* errno for WASI calls; see calls.def for the others */
    uint32_t closes;          /* 0, or 1 + a descriptor to be closed first */
    uint32_t pad;
    uint64_t args[SLOT_ARGS];
    uint32_t polled;          /* the host's: 1 while its service thread looks at state */
    uint32_t pad2;
    uint64_t wait_ticks;      /* the host's: how long to wait for it, in ticks of rdtsc */
    uint64_t pad3[2];
};

/* Clock page, host-written, read by the guest like a vDSO: realtime_ns, or monotonic_ns, +
 * ((tsc - base_tsc) * mult >> shift).  seq is odd while the host writes.  Where usable is 0, clocks are hypercalls. */
struct clock_page {
    uint32_t seq;
    uint32_t usable;
    uint64_t base_tsc;
    uint64_t valid_until_tsc; /* at most 1 s after base_tsc; past it the guest makes CALL_clock_refresh */
    uint64_t mult;
    uint32_t shift;
    uint32_t pad;
    int64_t realtime_ns;  /* CLOCK_REALTIME at base_tsc  */
    int64_t monotonic_ns; /* CLOCK_MONOTONIC at base_tsc */
};

/* When the guest had its engine, the module's structure, and an instance of it. */
enum guest_mark { MARK_ENGINE, MARK_PARSED, MARK_LINKED, GUEST_MARKS };

/* What the guest tells of itself for --stats and --report; counters only, never trusted for more. */
struct guest_stats {
    uint64_t funcs_total, funcs_compiled, funcs_known;
    uint64_t body_bytes_total, body_bytes_compiled;
    uint64_t code_bytes, heap_bytes;
    uint64_t parse_ns, validate_ns, compile_ns;
    uint64_t own_network; /* Go's network inside the program was used; told at proc_exit */
    uint64_t answered_in_guest[CALL_COUNT]; /* calls that needed no hypercall */
    uint64_t marks_tsc[GUEST_MARKS]; /* rdtsc at each enum guest_mark */
};

struct crash {
    uint64_t vector, error_code, cr2, rip, rsp, rflags;
    uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
};

/* What fd_fdstat_get tells, as preview1 lays it out. */
struct fdstat { uint8_t filetype, pad0; uint16_t flags; uint32_t pad1; uint64_t rights, inheriting; };
#define BOOT_FDSTATS 128 /* the descriptors whose fdstat the guest can know */

#define RANDOM_POOL 4096

/* A bit for each function of the module's index space, as many as are kept: which the guest has compiled, or, where it
 * makes an image of its start, which it shall compile. */
#define FUNC_BITS (1u << 17)

/* The module's bytes come in pieces of this size, where they come late (CALL_module_bytes). */
#define MODULE_PIECE 0x10000u

/* A host function: offsets of NUL-terminated strings in the control area; sig as in calls.def, f = f32, F = f64. */
struct host_import { uint32_t module_off, name_off, sig_off, provider_off; };

/* Bytes of TCP connections that need no call of their own (vmm/net/batch.c, wasi-shim/batch.c).
 *
 * In: what the host took from a connection when poll_oneoff found it readable.  Descriptor fd has the place fd %
 * BATCH_PLACES, if the place says so.  The host writes it inside a call; between calls the guest moves `used`, `again`
 * and `credit`.  Out: records that the guest leaves in a ring, each a struct batch_record and its bytes, 8-aligned; the
 * host sends them at the next call that it serves, or soon after by itself.  A record never wraps: one with fd 0 leads
 * back to the ring's start. */
#define BATCH_PLACES 128u
#define BATCH_PIECE  2048u
#define BATCH_RING   0x20000u
struct batch_place {
    uint32_t fd;      /* 0 = nobody's */
    uint32_t len, used;
    uint32_t again;   /* the connection was found empty: one read behind the last byte may say AGAIN */
    uint32_t credit;  /* so many bytes may be left in the ring for it */
    uint32_t pad[3];
    uint8_t data[BATCH_PIECE];
};
struct batch_record { uint32_t fd, len; };
struct batch {
    struct batch_place in[BATCH_PLACES];
    _Alignas(64) uint32_t tail; /* the guest's: bytes ever put into the ring */
    uint32_t waiting;           /* the guest's: records since its last call */
    _Alignas(64) uint32_t head; /* the host's: bytes ever taken from it */
    _Alignas(64) uint8_t ring[BATCH_RING];
};

/* Read-only to the guest's trust, written by the host before the first instruction. */
struct boot_record {
    uint64_t magic;
    uint32_t abi_version;
    uint32_t flags;             /* BOOT_* */
    uint64_t control_bytes;     /* size of the control area, strings included */
    uint64_t module_bytes;
    uint64_t stack_bytes;       /* usable bytes below MAP_STACK + MAP_STACK_MAX; the top is fixed */
    uint64_t heap_bytes, code_bytes; /* mapped at the start */
    uint64_t memory_limit;      /* --memory, bytes */
    uint32_t cpu_features;      /* CPU_* */
    uint32_t argc, envc;
    uint32_t args_off, args_len;  /* NUL-terminated strings, in the control area, counted from its start */
    uint32_t env_off, env_len;
    uint32_t preopens;            /* how many directories are descriptors 3 .. 3 + preopens - 1 */
    uint32_t preopen_off, preopen_len; /* their guest names, NUL-terminated, in order */
    uint32_t host_off, hosts;     /* struct host_import, 8-aligned, and how many */
    uint32_t func_args_off;       /* --invoke: struct invoke, 8-aligned; 0 = _start is run */
    uint8_t entropy[64];          /* fresh for every run */
    uint32_t fdstats, pad;        /* how many of the next: descriptors 0 .. fdstats - 1 as they are at the start */
    struct fdstat fdstat[BOOT_FDSTATS]; /* path_open writes its descriptor's, if the number is below BOOT_FDSTATS */
};

/* --invoke NAME: each word after the module as the numbers that it can be read as; results as they come back. */
enum { INVOKE_I32 = 1 << 0, INVOKE_I64 = 1 << 1, INVOKE_FLOAT = 1 << 2 };
struct invoke_word { uint64_t integer, f64; uint32_t f32, kinds; };
struct invoke { uint32_t name_off, nwords; struct invoke_word words[]; };
struct invoke_result { uint64_t lo, hi; uint32_t type, pad; }; /* type: wasm's code of the value type */
#define INVOKE_RESULTS_MAX 1000

enum {
    BOOT_VALIDATE = 1 << 0,      /* validate every body before running anything            */
    BOOT_VALIDATE_ONLY = 1 << 1, /* ... and end with 0                                      */
    BOOT_CALL_ALL = 1 << 2,      /* --hypercall-all: nothing is answered inside the guest   */
    BOOT_COMPILE_ALL = 1 << 3,   /* compile every function before _start (measurements)     */
    BOOT_EXPORTS = 1 << 4,         /* after _initialize exports are called by `next`; _start is not run */
    BOOT_MORE_PREOPENS = 1 << 5,   /* behind the sockets: only the monitor knows them */
    BOOT_NETWORK = 1 << 6,       /* some network is granted: guest_stats.own_network is wanted */
    BOOT_SAVE = 1 << 7,          /* before the module's first instruction: compile what control->compiled says, and
                                    CALL_save */
    BOOT_SAVE_ONLY = 1 << 8,     /* ... and end with 0 */
    BOOT_RESUME = 1 << 9,        /* the image of such a start is in memory: go on behind it */
    BOOT_WHOLE = 1 << 10,        /* ... and all of the module's bytes are readable already */
};

enum {
    CPU_SSE41 = 1 << 0, CPU_SSE42 = 1 << 1, CPU_POPCNT = 1 << 2, CPU_LZCNT = 1 << 3, CPU_BMI1 = 1 << 4,
    CPU_BMI2 = 1 << 5, CPU_AVX = 1 << 6, CPU_SSSE3 = 1 << 9, CPU_SHA = 1 << 10,
};

/* The control area at MAP_CONTROL. */
struct control {
    struct boot_record boot;
    struct clock_page clock;
    _Alignas(64) struct slot slot;
    uint64_t values[CALL_VALUES];
    char words[CALL_WORDS];
    struct guest_stats stats;
    uint8_t random[RANDOM_POOL]; /* CALL_random_refill fills it */
    struct crash crash;
    uint64_t quit_entry; /* guest code address: the host may set rip here (rdi = old rip, rsi = old rsp, on the fault
                            stack whose top is quit_stack) to ask for a backtrace on SIGQUIT; 0 = not ready */
    uint64_t quit_stack;
    uint64_t boot_tsc; /* rdtsc by the guest's first instructions; the monitor finds the TSC offset by it */
    struct batch batch;
    uint8_t compiled[FUNC_BITS / 8];
};

/* Why the guest ends a run by CALL_end (args: reason, text gva, text length, code). */
enum end_reason {
    END_EXIT,        /* proc_exit or return of _start; code = exit code; text: a hint   -> code & 255 */
    END_TRAP,        /* wasm trap; text: first line the message, then backtrace lines   -> 134 */
    END_INVALID,     /* the module is not valid; text: one line                         -> 126 */
    END_UNSUPPORTED, /* import nobody provides, no _start, unsupported feature          -> 126 */
    END_LIMIT,       /* initial memory exceeds --memory (text: both numbers)            -> 125 */
    END_NOMEM,       /* engine memory that cannot be had                                -> 137 */
    END_CRASH,       /* the guest found itself broken                                   -> 137 */
    END_USAGE,       /* --invoke with a name or words that do not fit the module        -> 125 */
};

/* A call or field added without a new version shows in the other two words. */
struct abi_note { uint32_t version, calls, control_bytes; };
#define ABI_NOTE {ABI_VERSION, CALL_COUNT, sizeof(struct control)}

_Static_assert(sizeof(struct slot) == 128, "slot layout");
_Static_assert(sizeof(struct clock_page) == 56, "clock page layout");
_Static_assert(sizeof(struct fdstat) == 24, "fdstat layout");

#endif
