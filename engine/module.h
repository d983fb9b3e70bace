/* What all rooms know of a module: opcodes, its structure, validation, names; given by load/. */
#ifndef ENGINE_MODULE_H
#define ENGINE_MODULE_H

#include "engine/engine.h"
#include "engine/limits.h"

/* Opcodes: one byte as it is; 0xFC-prefixed as 0x100 + number, 0xFD-prefixed as 0x200 + number.
 * OP_i32_load8_s etc. */
enum opcode {
#define OPCODE(code, name, imm, pops, pushes, family) OP_##name = (code),
#include "engine/load/opcodes.def"
#undef OPCODE
};

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

/* ir/build_inline.c asks each function once. */
enum { INLINE_UNKNOWN, INLINE_UNFIT, INLINE_FIT };

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
    /* bit per function: may be used by ref.func in a body */
    uint8_t *declared_funcs;
    /* module offset of the function-names subsection's payload, 0 = none */
    uint32_t name_section, name_section_len;
    bool *valid;                             /* per defined function: its body has been validated */
    uint8_t *returns; /* the same: what it returns, as far as returns.c knows */
    uint8_t *inlines;                        /* the same: may it stand in place of a call? */
};

/* Before bytes are read that lie behind module_parse: they may come only now
 * (engine_env.module_want). */
void module_want(const struct module *, uint64_t offset, uint64_t bytes);
/* The same of the exports' names. */
void module_want_exports(const struct module *);

/* ---- validate.c ---- */
/* Validates one body (spec appendix, "validation algorithm"; iterative).  false: engine->error
 * (ERROR_INVALID or ERROR_MALFORMED, ERROR_UNSUPPORTED, ERROR_LIMIT, ERROR_NOMEM), naming function
 * and offset.  func is defined, not imported; one that is valid already costs nothing.  Resets the
 * scratch memory, before and after. */
bool body_validate(struct engine *, struct module *, uint32_t func);
/* The same amid a compilation: resets no scratch memory. */
bool body_validate_here(struct engine *, struct module *, uint32_t func);

/* ---- returns.c ---- */
/* The only result is an i32 that is never 0: as Go's functions have it that always panic.  Looks at
 * the body's bytes, valid or not; false where that is not seen. */
bool func_never_zero(struct module *, uint32_t func);

/* ---- names.c: names as text ---- */
/* Printable and NUL-terminated, cut where cap ends, never in the middle of a character; returns the
 * length. */
size_t name_escape(struct name, char *out, size_t cap);
#define ERROR_NAME 160 /* bytes that one name of the module has in a message */
/* What a message calls a function: `function "main.main"`, or `function 7` where nothing names it;
 * returns out. */
#define FUNC_WORDS (ERROR_NAME + 16)
const char *func_words(const struct module *, uint32_t func, char out[FUNC_WORDS]);
/* The first function from `from` on whose name in the name section begins so; UINT32_MAX: none. */
uint32_t func_named(const struct module *, const char *prefix, uint32_t from);

/* ---- shape.c ---- */
#define SHAPE_LINKED 64
#define SHAPE_CALLS 12
struct body_shape {
    uint64_t hash; /* its lowest bits are the hash of the body's head: body_head */
    uint32_t nlinked, ncalls;
    uint32_t callees[SHAPE_CALLS]; /* the first ones that it calls, in order */
    int64_t linked[SHAPE_LINKED]; /* constants that may be a linker's, in order */
};
/* Of a validated body whose bytes are there: the hash of its first instructions, which tells most
 * bodies from those that anybody looks for. */
uint16_t body_head(const struct module *, uint32_t func);
/* Of such a body, the whole.  false: none that anybody looks for. */
bool body_shape(const struct module *, uint32_t func, struct body_shape *);

/* ---- gonames.c ---- */
/* From the table that Go's linker leaves in linear memory; false: there is none, or no such
 * function in it. */
bool go_name(const struct instance *, uint32_t func, struct name *out);

#endif
