/* The engine's face: all that the guest, the shim and the tests may use.
 *
 * The engine takes a WebAssembly module's bytes, checks them, compiles functions to x86-64 when
 * they are first called, and runs them.  It is freestanding: no libc, no globals, no I/O.  What it
 * needs comes in by struct engine_env.
 *
 * Threads: one engine belongs to one thread.  Memory: everything lives in the engine's heap and
 * ends with it; nothing is freed singly.  The module's bytes stay the caller's, must not change,
 * and must outlive the engine.
 *
 * Two stacks: C code (engine, shim) runs on the caller's stack; wasm frames run on [stack_lo,
 * stack_hi) of their own, so that a wasm stack overflow never happens inside C code. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;   /* the engine's state; engine_new makes it inside its own heap          */
struct module;   /* a parsed module; immutable after module_parse                         */
struct instance; /* a module with its memories, tables, globals; compiled code belongs to it */

/* WebAssembly value types by their binary codes (spec 5.3.1). */
enum valtype { VT_I32 = 0x7f, VT_I64 = 0x7e, VT_F32 = 0x7d, VT_F64 = 0x7c, VT_V128 = 0x7b,
               VT_FUNCREF = 0x70, VT_EXTERNREF = 0x6f };

/* External kinds (spec 5.5.5). */
enum extern_kind { EXTERN_FUNC, EXTERN_TABLE, EXTERN_MEMORY, EXTERN_GLOBAL };

/* One value: argument, result, global.  i32 and f32 are zero-extended into lo. */
struct cell { uint64_t lo, hi; };

struct functype {
    uint32_t nparams, nresults;
    const uint8_t *params, *results; /* value type codes */
};

/* not NUL-terminated; UTF-8 where the spec demands it */
struct name { const uint8_t *bytes; uint32_t len; };

/* What the engine needs from its surroundings. */
struct engine_env {
    void *self; /* handed back to every function */

    /* The heap: one range that grows.  heap_grow makes the first `bytes` usable (zeroed); false =
     * cannot be had. */
    uint8_t *heap;
    uint64_t heap_cap, heap_usable;
    bool (*heap_grow)(void *self, uint64_t bytes);

    /* Code: the same bytes at two addresses.  [heap, heap + heap_cap) and [code_x, code_x +
     * code_cap) lie within 2 GiB. */
    uint8_t *code_w;
    uint8_t *code_x;
    uint64_t code_cap, code_usable;
    bool (*code_grow)(void *self, uint64_t bytes);

    /* Linear memories.  memory_open reserves address space so that base + any 33-bit offset + 16
     * faults unless it is inside the usable part; false = cannot be had.  max_bytes is the most
     * that it may grow to.  memory_grow makes [old_bytes, new_bytes) usable and zero.  The first
     * memory's base may be 0: then code uses no base register. */
    bool (*memory_open)(void *self, uint64_t max_bytes, uint8_t **base);
    bool (*memory_grow)(void *self, uint8_t *base, uint64_t old_bytes, uint64_t new_bytes);
    uint64_t memory_limit; /* --memory: bytes of all memories together */

    /* The stack of wasm frames; below stack_lo lies an unmapped guard of at least 4 MiB. */
    uint8_t *stack_lo, *stack_hi;

    /* Before bytes of the module are read that lie behind its parsing; NULL where all are there for
     * good. */
    void (*module_want)(void *self, uint64_t offset, uint64_t bytes);

    /* A bit for each function of the index space that is compiled, of so many functions; NULL:
     * nobody asks. */
    uint8_t *compiled;
    uint32_t compiled_cap;

    uint64_t (*clock_ns)(void *self); /* for statistics only; may return 0 */
    /* CPU_* bits of wasi-shim/abi.h's meaning, given as enum engine_cpu */
    uint32_t cpu;
};

enum engine_cpu {
    ENGINE_SSE41 = 1 << 0,
    ENGINE_SSE42 = 1 << 1,
    ENGINE_POPCNT = 1 << 2,
    ENGINE_LZCNT = 1 << 3,
    ENGINE_BMI1 = 1 << 4,
    ENGINE_BMI2 = 1 << 5,
    ENGINE_AVX = 1 << 6,
    ENGINE_SSSE3 = 1 << 9,
    ENGINE_SHA = 1 << 10,
    ENGINE_AES = 1 << 11,
    ENGINE_PCLMUL = 1 << 12
};

/* Why something was refused or a run was stopped. */
enum error_kind {
    ERROR_NONE,
    ERROR_MALFORMED,   /* not a module: binary format (spec 5)                   */
    ERROR_INVALID,     /* does not validate (spec 3)                             */
    ERROR_UNSUPPORTED, /* a feature that this engine does not have, named        */
    ERROR_LIMIT,       /* one of the engine's own limits (engine/limits.h)       */
    ERROR_LINK,        /* an import is missing or has the wrong type (spec 4.5)  */
    ERROR_MEMORY,      /* initial memory larger than memory_limit                */
    ERROR_NOMEM,       /* heap or code memory that cannot be had                 */
};

#define ERROR_TEXT 512
struct error {
    enum error_kind kind;
    uint32_t offset; /* byte offset in the module */
    const char *advice; /* how to build without what is not supported; NULL */
    /* one sentence, NUL-terminated, with section, function, offset; no newline */
    char text[ERROR_TEXT];
};

/* Traps (spec 4.2.1; the sentences are trap_text's). */
enum trap {
    TRAP_NONE,
    TRAP_UNREACHABLE,
    TRAP_MEMORY,
    TRAP_TABLE,
    TRAP_NULL_FUNC,
    TRAP_SIGNATURE,
    TRAP_DIV_ZERO,
    TRAP_INT_OVERFLOW,
    TRAP_BAD_CONVERSION,
    TRAP_STACK,
    TRAP_NULL_REF,
    TRAP_BAD_BODY /* engine->error holds why: invalid at first compile */,
    TRAP_NOMEM,
    TRAP_HOST /* a host function said so; its message is in engine->error.text */,
    TRAP_EXIT /* not a trap: a host function ends the run; unwinds to func_call */,
    TRAP_TABLE_ACCESS /* table instructions and segments; TRAP_TABLE is call_indirect's */,
    TRAP_COUNT
};
/* "integer divide by zero", as the spec's test suite words them */
const char *trap_text(enum trap);

/* A function that the surroundings provide.  cells: arguments in, results out from cells[0];
 * returns TRAP_NONE, TRAP_HOST or TRAP_EXIT.  Runs on the C stack.  May call func_call (nested). */
typedef enum trap (*host_fn)(void *data, struct instance *caller, struct cell *cells);
struct host_func { host_fn fn; void *data; };

/* What an import may be given.  For EXTERN_FUNC either host.fn or (from, index): an export of
 * another instance. */
struct extern_ref {
    enum extern_kind kind;
    struct host_func host;
    struct functype host_type; /* checked against the import's type where host.fn is set */
    const char *provider;      /* whose it is, for messages; may be NULL */
    const char *cannot;        /* not provided, and this is what no provider could: "v128" */
    struct instance *from;
    uint32_t index; /* in from's index space of that kind */
};

/* Asked for each import; false = nobody provides it. */
typedef bool (*resolve_fn)(void *self, struct name module, struct name field, enum extern_kind kind,
                           const struct functype *type /* EXTERN_FUNC only */,
                           struct extern_ref *out);

struct engine *engine_new(const struct engine_env *env); /* NULL: no heap */
/* An engine whose heap, code and memories were copied while no wasm ran, to the same addresses: it
 * goes on in other surroundings.  What it has counted begins anew, but for what is there. */
void engine_resume(struct engine *, const struct engine_env *env);
/* Before such a copy: what is of no use to it becomes zero.  *heap, *code: so many bytes of each
 * are in use. */
void engine_settle(struct engine *, uint64_t *heap, uint64_t *code);
struct error *engine_error(struct engine *);

/* Parses all but the function bodies; false return = NULL, engine_error says why.  Spec 5.5. */
struct module *module_parse(struct engine *, const uint8_t *bytes, size_t len);
/* Validates every body (spec 3.3, appendix "validation algorithm").  false: engine_error. */
bool module_validate(struct engine *, struct module *);

/* Links, allocates, initializes (spec 4.5.4) without running the start function.  NULL:
 * engine_error; out-of-bounds active segments: NULL with error kind ERROR_NONE and *trap set. */
struct instance *instance_new(struct engine *, struct module *, resolve_fn, void *self,
                              enum trap *trap);
bool instance_has_start(struct instance *, uint32_t *func);
bool instance_export(struct instance *, struct name, enum extern_kind *, uint32_t *index);
const struct functype *instance_functype(struct instance *, uint32_t func);
struct engine *instance_engine(struct instance *);

/* Calls function `func` (index space of the instance) with cells[0..nparams) and puts its results
 * to cells[0..nresults). The trap's details are readable by trap_* until the next func_call. */
enum trap func_call(struct instance *, uint32_t func, struct cell *cells);
/* Compiles now what would be compiled at the first call. */
bool func_compile(struct instance *, uint32_t func);
/* Has a function been called (or compiled) whose name in the name section begins so?  One walk over
 * the section. */
bool func_begins_used(struct instance *, const char *prefix);
/* The first function from `from` on whose name there begins so; UINT32_MAX: none.  One walk over
 * the section. */
uint32_t func_begins(struct instance *, const char *prefix, uint32_t from);

/* Memory 0, or NULL: base and bytes as they are now (they change by memory.grow, inside any call).
 */
uint8_t *instance_memory(struct instance *, uint32_t memory, uint64_t *bytes);
struct cell *instance_global(struct instance *, uint32_t global, enum valtype *);

/* For the surroundings' fault handler.  Given where the CPU faulted, says whether this is a wasm
 * trap.  If so the surroundings continue at *pc with stack pointer *sp (func_call then returns the
 * trap); if not, the engine itself is broken. */
struct fault { uint64_t pc, sp, address; bool is_page_fault; };
bool engine_fault(struct engine *, const struct fault *, uint64_t *pc, uint64_t *sp);

/* Backtrace of the last trap, or (from a quit request) of a running guest at pc/sp.  Innermost
 * first.  Returns how many are in out; where *total is more than max, out's first (max + 1) / 2 are
 * the innermost and its others the outermost. */
struct frame {
    struct instance *instance;
    uint32_t func;
    uint32_t offset; /* module byte offset of the instruction */
};
uint32_t trap_frames(struct engine *, struct frame *out, uint32_t max, uint32_t *total);
uint32_t live_frames(struct engine *, uint64_t pc, uint64_t sp, struct frame *out, uint32_t max,
                     uint32_t *total);
/* The function's name from the name section, else an export's, else Go's own table's, else
 * "func[N]"; NUL-terminated, control characters escaped. */
size_t func_name(struct instance *, uint32_t func, char *out, size_t cap);

#define ENGINE_KNOWN 20
struct engine_stats {
    uint64_t funcs_total, funcs_compiled, body_bytes_total, body_bytes_compiled;
    uint64_t funcs_known; /* compiled ones of Go's standard library that were recognised */
    uint64_t known_kinds; /* which: bit k, of ENGINE_KNOWN, for the front number k + 1 */
    uint64_t code_bytes, heap_bytes, parse_ns, validate_ns, compile_ns;
};
const struct engine_stats *engine_stats(struct engine *);

#endif
