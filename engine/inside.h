/* The engine's inside: what its files share, in pipeline order.  Outsiders include engine/engine.h only. */
#ifndef ENGINE_INSIDE_H
#define ENGINE_INSIDE_H

#include "engine/engine.h"
#include "engine/limits.h"

/* Opcodes: one byte as it is; 0xFC-prefixed as 0x100 + number, 0xFD-prefixed as 0x200 + number.  OP_i32_load8_s etc. */
enum opcode {
#define OPCODE(code, name, imm, pops, pushes, family) OP_##name = (code),
#include "engine/load/opcodes.def"
#undef OPCODE
};

/* ---- heap.c: bump allocation in the engine's heap; zeroed; never freed.  NULL: cannot be had. ---- */
void *heap_alloc(struct engine *, uint64_t bytes, uint64_t align);
/* Scratch for one compilation: reset as a whole; its memory is reused. */
void *scratch_alloc(struct engine *, uint64_t bytes); /* 16-aligned, NOT zeroed */
void scratch_reset(struct engine *);

/* ---- error.c ---- */
/* Formats: %s %u %x, %lu %lx of 64 bits, %% and %.*s: length as unsigned int, bytes escaped by name_escape.  Returns
 * false; error_append, too, which adds to the text that stands there. */
bool error_set(struct engine *, enum error_kind, uint32_t offset, const char *format, ...);
bool error_append(struct engine *, const char *format, ...);
/* ERROR_UNSUPPORTED: "module uses FEATURE (...", to be completed by error_place. */
bool error_feature(struct engine *, uint32_t offset, const char *feature, const char *format, ...);
/* Completes the error with its offset, instruction, function (in func_words' words) and section; NULL: none.
 * A function has a section, too. */
bool error_place(struct engine *, const char *instruction, const char *func, const char *section);
#define ERROR_NAME 160 /* bytes that one name of the module has in a message */
/* NUL-terminated, cut to cap; returns the length. */
size_t error_format(char *out, size_t cap, const char *format, ...);

/* ---- reader.c: sticky-error reading of the binary format ---- */
struct reader {
    const uint8_t *at, *end, *start; /* start = the module's first byte, for offsets */
    bool failed;                     /* sticky; reads then yield 0 */
    const char *why;
    uint32_t why_offset;
};

/* ---- module.c ---- */
struct import {
    struct name module, field;
    enum extern_kind kind;
    uint32_t index; /* in that kind's index space */
};
struct export
{
    struct name name;
    enum extern_kind kind;
    uint32_t index;
};
struct func {
    uint32_t type;
    uint32_t body, body_len; /* module offset and bytes, locals included; 0 for imports */
};
struct table_type {
    uint8_t elem;
    uint32_t min, max;
    bool has_max;
};
struct memory_type {
    uint32_t min, max;
    bool has_max;
}; /* pages of 64 KiB */
struct const_expr {
    uint32_t offset, len;
}; /* bytes in the module, `end` included; already validated */
struct global_type {
    uint8_t type;
    bool mutable;
    bool imported;
    bool exported;
    struct const_expr init;
};
enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARATIVE };
struct elem_segment {
    uint8_t mode;
    uint8_t type;
    bool exprs; /* items are constant expressions, else function indices (LEB128) */
    uint32_t table, count;
    struct const_expr offset;
    uint32_t items;            /* module offset of the first item */
};
struct data_segment {
    uint8_t mode;
    uint32_t memory;
    struct const_expr offset;
    uint32_t bytes, len;
};

struct module {
    struct engine *engine;
    const uint8_t *bytes;
    size_t len;
    struct functype *types;
    uint32_t ntypes;
    uint32_t *canon; /* canon[type] = engine-wide id: equal types have equal ids */
    struct import *imports;
    uint32_t nimports;
    struct func *funcs;
    uint32_t nfuncs, nimported_funcs;
    struct table_type *tables;
    uint32_t ntables, nimported_tables;
    struct memory_type *memories;
    uint32_t nmemories, nimported_memories;
    struct global_type *globals;
    uint32_t nglobals, nimported_globals;
    struct export *exports;
    uint32_t nexports;
    struct elem_segment *elems;
    uint32_t nelems;
    struct data_segment *datas;
    uint32_t ndatas;
    bool has_data_count;
    uint32_t data_count;
    bool has_start;
    uint32_t start;
    uint8_t *declared_funcs;                 /* bit per function: may be used by ref.func in a body */
    uint32_t name_section, name_section_len; /* module offset of the function-names subsection's payload, 0 = none */
    bool *valid;                             /* per defined function: its body has been validated */
};

/* ---- validate.c ---- */
/* Validates one body (spec appendix, "validation algorithm"; iterative).  false: engine->error (ERROR_INVALID or
 * ERROR_MALFORMED, ERROR_UNSUPPORTED, ERROR_LIMIT, ERROR_NOMEM), naming function and offset.  func is defined, not
 * imported; one that is valid already costs nothing.  Resets the scratch memory, before and after. */
bool body_validate(struct engine *, struct module *, uint32_t func);

/* ---- instance.c ---- */
struct memory {
    uint8_t *base;
    uint64_t bytes, max_bytes;
    bool has_max;
}; /* bytes: read by compiled code */
struct funcref {
    void *code;
    struct instance *instance;
    uint32_t type; /* canonical */
    uint32_t index;
};
struct table {
    uint64_t *elems; /* struct funcref * or externref; 0 = null */
    uint64_t size;
    uint32_t max;
    uint8_t type;
    uint32_t cap;
    bool has_max;
    struct fast_table *fast; /* code.c: code addresses for call_indirect, by caller and type */
    uint32_t nfast;
};

struct instance {
    struct engine *engine;
    struct module *module;
    struct memory **memories; /* imported ones are shared with their owner */
    struct table **tables;
    struct cell **globals;   /* 16-byte cells */
    struct funcref *refs;    /* one for each function of the index space; code set by code_link */
    struct host_func *hosts; /* per imported function; fn NULL: import of another instance, then: */
    struct extern_ref *import_funcs;
    bool *elem_dropped, *data_dropped;
    /* the compiler's part (engine/run/code.c) */
    struct code_state *code;
    int32_t pinned[2]; /* global indices held in machine registers, -1 = none */
    bool zero_base;    /* memory 0 is at address 0 */
};

/* A reference to function `func`: one and the same for an import and the function that it stands for. */
struct funcref *instance_ref(struct instance *, uint32_t func);

/* ---- link.c: imports (spec 4.5.4); fills hosts, import_funcs and the imported parts of memories, tables, globals ----
 */
bool link_imports(struct instance *, resolve_fn, void *self);

/* ---- evaluate.c: constant expressions of a parsed module, evaluated (spec 3.3.10).  false: no memory. ---- */
bool constant_eval(struct instance *, const uint8_t **at, struct cell *out); /* *at: moves past `end` */
/* The next item of an element segment. */
bool constant_elem(struct instance *, const struct elem_segment *, const uint8_t **at, uint64_t *ref);

/* ---- names.c: names as text ---- */
/* Printable and NUL-terminated, cut where cap ends, never in the middle of a character; returns the length. */
size_t name_escape(struct name, char *out, size_t cap);
/* What a message calls a function: `function "main.main"`, or `function 7` where nothing names it; returns out. */
#define FUNC_WORDS (ERROR_NAME + 16)
const char *func_words(const struct module *, uint32_t func, char out[FUNC_WORDS]);

/* ---- gonames.c ---- */
/* From the table that Go's linker leaves in linear memory; false: there is none, or no such function in it. */
bool go_name(const struct instance *, uint32_t func, struct name *out);

/* Pins: global 0 and the Go g may live in registers while compiled code runs; their cells are right only outside. */

/* ---- runtime.c ---- */
/* The ranges of a segment's bytes or items into a memory or table, whole range checked first; does not look at dropped.
 */
enum trap segment_to_memory(struct instance *, const struct data_segment *, struct memory *, uint64_t dst, uint64_t src,
                            uint64_t n);
enum trap segment_to_table(struct instance *, const struct elem_segment *, struct table *, uint64_t dst, uint64_t src,
                           uint64_t n);

/* What compiled code calls.  Operands are zero-extended; a trap is told by engine->trap. */
typedef uint64_t (*runtime_fn)(struct instance *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_memory_grow(struct instance *, uint64_t delta, uint64_t mem, uint64_t, uint64_t, uint64_t);
uint64_t rt_memory_copy(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t dst_mem, uint64_t src_mem);
uint64_t rt_memory_fill(struct instance *, uint64_t dst, uint64_t byte, uint64_t n, uint64_t mem, uint64_t);
uint64_t rt_memory_init(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t seg, uint64_t mem);
uint64_t rt_data_drop(struct instance *, uint64_t seg, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_get(struct instance *, uint64_t i, uint64_t table, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_set(struct instance *, uint64_t i, uint64_t ref, uint64_t table, uint64_t, uint64_t);
uint64_t rt_table_size(struct instance *, uint64_t table, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_grow(struct instance *, uint64_t ref, uint64_t n, uint64_t table, uint64_t, uint64_t);
uint64_t rt_table_fill(struct instance *, uint64_t i, uint64_t ref, uint64_t n, uint64_t table, uint64_t);
uint64_t rt_table_copy(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t dst_table,
                       uint64_t src_table);
uint64_t rt_table_init(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t seg, uint64_t table);
uint64_t rt_elem_drop(struct instance *, uint64_t seg, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_ref_func(struct instance *, uint64_t func, uint64_t, uint64_t, uint64_t, uint64_t);

/* Their numbers. */
enum runtime_call {
#define RUNTIME(name) RT_##name,
#include "engine/run/runtime.def"
#undef RUNTIME
    RT_COUNT
};

/* ---- code.c: code memory, thunks, trampolines, links between functions; also func_call, func_compile ---- */
bool code_init(struct engine *);   /* thunks; once */
bool code_link(struct instance *); /* trampolines and import thunks; sets refs[].code */
/* After items were written or the table grew.  false: no memory (only after growth). */
bool code_table_changed(struct table *, uint64_t from, uint64_t n);
/* ---- trap.c: engine_fault, trap_frames, live_frames ---- */

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
