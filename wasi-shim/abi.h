/* The whole contract between host and guest.  Both sides compile this header.
 *
 * It defines the version, the memory map, the boot record, and the control area with the one
 * request slot.  calls.def lists the calls: the enum below, the guest's stubs, the host's table and
 * the names in traces are made from it.
 *
 * Guest-virtual memory map (all but the last line are within one PML4 entry):
 *
 *   0x00_0000_0000  linear memory 0, up to 4 GiB; 4 to 8 GiB and a guard always stay unmapped
 *   0x10_0000_0000  stack of wasm frames, up to 16 GiB; its lowest 2 MiB and all below stay
 *                   unmapped (guard)
 *   0x18_0000_0000  module bytes, read-only
 *   0x1a_0000_0000  code, writable alias (never executable)
 *   0x1b_c000_0000  engine heap, up to 1 GiB, RW             \  these three lie within 2 GiB,
 *   0x1c_0000_0000  code, executable alias (never writable)   > so that code reaches heap and image
 *   0x1c_2000_0000  guest image (ELF segments, own rights)   /  by 32-bit displacements
 *   0x1c_3000_0000  control area, RW: struct control
 *   0x1c_3800_0000  CPL 3 C stack, and the fault handler's stack, each with an unmapped page below
 *   0x1c_3c00_0000  CPL 0 pages (supervisor): GDT, TSS, IDT, exception entries and their stack
 *   0x20_0000_0000  further linear memories, 16 GiB apart; all beyond the first 4 GiB of each stays
 *                   unmapped
 *
 * The host treats every field that the guest writes as hostile: it reads the field once, into a
 * copy. */
#ifndef WASI_SHIM_ABI_H
#define WASI_SHIM_ABI_H

#include <stdint.h>

#include "wasi-shim/map.h"

#define ABI_VERSION 3u
#define ABI_MAGIC 0x6d76736177ull /* "wasvm" */

/* The guest image has an ELF note of this name and type.  It holds a struct abi_note (below), which
 * says what the image was compiled with. */
#define ABI_NOTE_NAME "wasmvm"
#define ABI_NOTE_TYPE 1

/* The doorbell is `out %al, $DOORBELL_PORT`.  The value of al says why it rings. */
enum doorbell {
    /* the slot holds a request                                         */
    DOORBELL_CALL = 1,
    DOORBELL_CRASH =
        DOORBELL_CRASH_AL, /* a fault without a handler: control->crash is filled; never resumed */
    /* Only the CPL 0 entry rings it, before the first DOORBELL_CALL: `out` faulted at CPL 3.  The
     * guest tries again. */
    DOORBELL_PROBE = DOORBELL_PROBE_AL,
    /* The CPL 0 entry rings it, once: an access below the mapped part of the stack of wasm frames.
     * The guest tries again once the stack is mapped. */
    DOORBELL_STACK = DOORBELL_STACK_AL,
};

/* The calls, in the order of calls.def.  calls.h has their arguments. */
enum call {
#define WASI_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    WASI_CALLS, /* the number of calls that a module can import */
    CALL_WASI_LAST = WASI_CALLS - 1,
#define SHARED_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    CALL_SHARED_END,
    CALL_SHARED_LAST = CALL_SHARED_END -
                       1, /* the last call that may be polled; proc_exit never is */
#define OWN_CALL(name, args, result) CALL_##name,
#include "wasi-shim/calls.def"
    CALL_COUNT
};

/* What the host's answer to one of the calls host, next, returned and found means.  The host writes
 * it into the slot's `number`.  CALL and FIND are wishes: the guest must do something and report
 * it.
 *
 *   RESULT  the host function's value is in `result`; it answers the innermost open call of `host`
 *   TRAP    that function trapped; its sentence is in control->words
 *   CALL    the guest must call the exported function number `result`, then post `returned`
 *   FIND    the guest must look up the export named in control->words, then post `found`
 *
 * Wishes nest: a host function may make them while it runs, and the export that then runs may call
 * a host function.  Values of parameters and results lie in args if all of them fit.  Otherwise all
 * of them lie in control->values. */
enum slot_answer { ANSWER_RESULT, ANSWER_TRAP, ANSWER_CALL, ANSWER_FIND };
enum found { FOUND_NOT, FOUND, FOUND_LARGE /* more than CALL_VALUES parameters or results */ };
/* most parameters or results of a host function, or of an export that the host calls */
#define CALL_VALUES 64u
#define CALL_WORDS 256u     /* most bytes of a name or a sentence, its NUL included */
/* host and guest call each other at most so deep, then the guest traps */
#define CALL_NESTING 1000u

#define SLOT_ARGS 9
/* Who owns the slot.  The guest writes MINE, POSTED and RUNG; the host writes BUSY and DONE.  A
 * guest that writes at the wrong time harms only itself. */
enum slot_state {
    SLOT_MINE,   /* the guest owns it: it fills the slot or reads the result */
    SLOT_POSTED, /* a request that any server of the host may take           */
    SLOT_BUSY,   /* the host serves the request                              */
    SLOT_DONE,   /* the result is there, and the guest owns the slot again   */
    SLOT_RUNG,   /* a request that is served at the doorbell only            */
};

/* One request, with one owner at a time.  The guest fills number and args and posts the request.
 * If `polled` is set, the host looks at the slot: the guest waits for up to wait_ticks, and rings
 * the doorbell if there is no result by then.  If `polled` is not set, it rings at once.  After the
 * doorbell the result is there.
 *
 * Arguments of WASI calls are the raw wasm values (i32 zero-extended), and their pointers are
 * addresses in linear memory.  Pointers in the guest's own calls are guest-virtual addresses.
 * Those calls are never polled.
 *
 * A cache line that both sides write travels twice a call.  So the first line of the struct holds
 * all that most calls write, and the second one is rarely written.
 *
 * `closes` carries an fd_close that the guest has answered already (wasi-shim/dirs.c).  The host
 * does it before the request. */
struct slot {
    uint32_t state;           /* enum slot_state */
    uint32_t number;          /* enum call */
    uint64_t result;          /* errno for WASI calls; see calls.def for the others */
    uint32_t closes;          /* 0, or 1 + the descriptor that is to be closed first */
    uint32_t pad;
    uint64_t args[SLOT_ARGS];
    uint32_t polled;          /* written by the host: 1 while its service thread looks at state */
    uint32_t pad2;
    /* written by the host: how long to wait for that thread, in ticks of rdtsc */
    uint64_t wait_ticks;
    uint64_t pad3[2];
};

/* The clock page.  The host writes it, and the guest reads it like a vDSO: the time is realtime_ns,
 * or monotonic_ns, + ((tsc - base_tsc) * mult >> shift).  seq is odd while the host writes.  If
 * usable is 0, clocks are hypercalls. */
struct clock_page {
    uint32_t seq;
    uint32_t usable;
    uint64_t base_tsc;
    /* at most 1 s after base_tsc; later the guest makes CALL_clock_refresh */
    uint64_t valid_until_tsc;
    uint64_t mult;
    uint32_t shift;
    uint32_t pad;
    int64_t realtime_ns;  /* CLOCK_REALTIME at base_tsc  */
    int64_t monotonic_ns; /* CLOCK_MONOTONIC at base_tsc */
};

/* Points in time: the engine is made, the module is parsed, its instance is linked. */
enum guest_mark { MARK_ENGINE, MARK_PARSED, MARK_LINKED, GUEST_MARKS };

/* What the guest tells about itself for --stats and --report.  The host prints these counters, and
 * trusts them for nothing else. */
struct guest_stats {
    uint64_t funcs_total, funcs_compiled, funcs_known;
    uint64_t known_kinds; /* bit k: the row number k of known.def */
    uint64_t body_bytes_total, body_bytes_compiled;
    uint64_t code_bytes, heap_bytes;
    uint64_t parse_ns, validate_ns, compile_ns;
    uint64_t own_network; /* the program used Go's network inside itself; set at proc_exit */
    uint64_t answered_in_guest[CALL_COUNT]; /* calls that needed no hypercall */
    uint64_t marks_tsc[GUEST_MARKS]; /* rdtsc at each enum guest_mark */
};

struct crash {
    uint64_t vector, error_code, cr2, rip, rsp, rflags;
    uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
};

/* What fd_fdstat_get returns, in preview1's layout. */
struct fdstat {
    uint8_t filetype, pad0;
    uint16_t flags;
    uint32_t pad1;
    uint64_t rights, inheriting;
};
#define BOOT_FDSTATS 128 /* the guest can know the fdstat of descriptors below this number */

#define RANDOM_POOL 4096

/* A bit for each of the first functions in the module's index space.  It says that the guest has
 * compiled the function.  When the guest makes an image of its start, it says that the guest must
 * compile it. */
#define FUNC_BITS (1u << 17)

/* If the module's bytes come late (CALL_module_bytes), they come in pieces of this size. */
#define MODULE_PIECE 0x10000u

/* A host function: offsets of NUL-terminated strings in the control area.  The letters of sig are
 * those of wasmvm_plugin.h. */
struct host_import { uint32_t module_off, name_off, sig_off, provider_off; };

/* Bytes of TCP connections that need no call of their own (vmm/net/batch.c, wasi-shim/batch.c).
 *
 * In: the host reads from a connection when poll_oneoff finds it readable.  The bytes of descriptor
 * fd are in the place fd % BATCH_PLACES, if that place's `fd` says so.  The host writes a place
 * only inside a call.  Between calls the guest changes `used`, `again` and `credit`.
 *
 * Out: the guest leaves records in a ring.  Each is a struct batch_record followed by its bytes,
 * 8-aligned.  The host sends them at the next call that it serves, or soon after by itself.  A
 * record never wraps around: a record with fd 0 means that the next one is at the ring's start. */
#define BATCH_PLACES 128u
#define BATCH_PIECE  2048u
#define BATCH_RING   0x20000u
struct batch_place {
    uint32_t fd;      /* 0: the place is free */
    uint32_t len, used;
    /* the connection was found empty: one read past the last byte may return AGAIN */
    uint32_t again;
    uint32_t credit;  /* how many bytes the guest may leave in the ring for it */
    uint32_t pad[3];
    uint8_t data[BATCH_PIECE];
};
struct batch_record { uint32_t fd, len; };
struct batch {
    struct batch_place in[BATCH_PLACES];
    _Alignas(64) uint32_t tail; /* written by the guest: bytes ever put into the ring */
    uint32_t waiting;           /* written by the guest: records since its last call */
    _Alignas(64) uint32_t head; /* written by the host: bytes ever taken from it */
    _Alignas(64) uint8_t ring[BATCH_RING];
};

/* The host writes it before the guest's first instruction, and the guest only reads it. */
struct boot_record {
    uint64_t magic;
    uint32_t abi_version;
    uint32_t flags;             /* BOOT_* */
    uint64_t control_bytes;     /* size of the control area, strings included */
    uint64_t module_bytes;
    uint64_t stack_bytes;       /* usable bytes below MAP_STACK + MAP_STACK_MAX, the fixed top */
    uint64_t heap_bytes, code_bytes; /* mapped at the start */
    uint64_t memory_limit;      /* --memory, bytes */
    uint32_t cpu_features;      /* CPU_* */
    uint32_t argc, envc;
    /* NUL-terminated strings; offsets from the control area's start */
    uint32_t args_off, args_len;
    uint32_t env_off, env_len;
    uint32_t preopens;            /* descriptors 3 .. 3 + preopens - 1 are granted directories */
    uint32_t preopen_off, preopen_len; /* their guest names, NUL-terminated, in order */
    uint32_t host_off, hosts;     /* struct host_import, 8-aligned, and their number */
    uint32_t func_args_off;       /* --invoke: struct invoke, 8-aligned; 0: _start is run */
    uint8_t entropy[64];          /* fresh for every run */
    /* descriptors 0 .. fdstats - 1 are in the next table, as they are at the start */
    uint32_t fdstats, pad;
    /* path_open adds its descriptor, if that is below BOOT_FDSTATS */
    struct fdstat fdstat[BOOT_FDSTATS];
};

/* --invoke NAME: each word after the module, as every kind of number that it can be read as
 * (`kinds`), and the results as they come back. */
enum { INVOKE_I32 = 1 << 0, INVOKE_I64 = 1 << 1, INVOKE_FLOAT = 1 << 2 };
struct invoke_word { uint64_t integer, f64; uint32_t f32, kinds; };
struct invoke { uint32_t name_off, nwords; struct invoke_word words[]; };
/* type: wasm's byte for the value type */
struct invoke_result { uint64_t lo, hi; uint32_t type, pad; };
#define INVOKE_RESULTS_MAX 1000

enum {
    BOOT_VALIDATE = 1 << 0,      /* validate every body before running anything             */
    BOOT_VALIDATE_ONLY = 1 << 1, /* ... and end with 0                                      */
    BOOT_CALL_ALL = 1 << 2,      /* --hypercall-all: nothing is answered inside the guest   */
    BOOT_COMPILE_ALL = 1 << 3,   /* compile every function before _start, for measurements  */
    BOOT_EXPORTS = 1 << 4,         /* call exports by `next` after _initialize; do not run _start */
    /* there are further preopens after the sockets, which only the monitor knows */
    BOOT_MORE_PREOPENS = 1 << 5,
    BOOT_NETWORK = 1 << 6,       /* some network is granted: fill guest_stats.own_network */
    BOOT_SAVE = 1 << 7,          /* before the module's first instruction, compile the functions of
                                    control->compiled, then make CALL_save */
    BOOT_SAVE_ONLY = 1 << 8,     /* ... and end with 0 */
    BOOT_RESUME = 1 << 9,        /* the image of such a start is in memory: continue after it */
    BOOT_WHOLE = 1 << 10,        /* ... and all of the module's bytes are readable already  */
    BOOT_AGAIN = 1 << 11,        /* a machine that has called before: no call of `ready`    */
};

enum {
    CPU_SSE41 = 1 << 0,
    CPU_SSE42 = 1 << 1,
    CPU_POPCNT = 1 << 2,
    CPU_LZCNT = 1 << 3,
    CPU_BMI1 = 1 << 4,
    CPU_BMI2 = 1 << 5,
    CPU_AVX = 1 << 6,
    CPU_SSSE3 = 1 << 9,
    CPU_SHA = 1 << 10,
    CPU_AES = 1 << 11,
    CPU_PCLMUL = 1 << 12,
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
    /* An address of guest code, or 0 if that is not ready.  At SIGQUIT the host may set rip to it,
     * to ask for a backtrace.  rdi is then the old rip, rsi the old rsp, and rsp the top of the
     * fault stack, which is in quit_stack. */
    uint64_t quit_entry;
    uint64_t quit_stack;
    /* rdtsc of the guest's first instructions, from which the host computes the TSC's offset */
    uint64_t boot_tsc;
    struct batch batch;
    uint8_t compiled[FUNC_BITS / 8];
};

/* Why the guest ends a run by CALL_end.  Its args are the reason, the text's guest-virtual address
 * and length, and the code.  The arrow shows the exit status. */
enum end_reason {
    /* proc_exit, or _start returned; code = exit code; text: a hint   -> code & 255 */
    END_EXIT,
    END_TRAP,        /* a wasm trap; text: a line with the message, then the backtrace  -> 134 */
    END_INVALID,     /* the module is not valid; text: one line                         -> 126 */
    END_UNSUPPORTED, /* unknown import, no _start, unsupported feature                  -> 126 */
    END_LIMIT,       /* initial memory exceeds --memory (text: both numbers)            -> 125 */
    END_NOMEM,       /* the engine ran out of memory                                    -> 137 */
    END_CRASH,       /* the guest found itself broken                                   -> 137 */
    END_USAGE,       /* --invoke's name or words do not fit the module                  -> 125 */
};

/* The last two members differ if somebody added a call or a field without a new version. */
struct abi_note { uint32_t version, calls, control_bytes; };
#define ABI_NOTE {ABI_VERSION, CALL_COUNT, sizeof(struct control)}

_Static_assert(sizeof(struct slot) == 128, "slot layout");
_Static_assert(sizeof(struct clock_page) == 56, "clock page layout");
_Static_assert(sizeof(struct fdstat) == 24, "fdstat layout");

#endif
