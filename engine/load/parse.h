/* What the files share that parse a module: module.c drives, sections.c, segments.c and constexpr.c
 * read. */
#ifndef ENGINE_PARSE_H
#define ENGINE_PARSE_H

#include "engine/load/reader.h"

/* A section's parser reads the contents and leaves r at their end.  False: engine->error is set, or
 * r has failed. */
struct parser {
    struct engine *engine;
    struct module *module;
    struct reader r;                 /* the section being read; never past its end */
    uint8_t *stack; uint32_t stack_cap; /* types of constant expressions, in scratch memory */
};

/* ---- module.c ---- */
/* Heap memory for n items, zeroed, also for none; NULL: engine->error is set. */
void *parser_alloc(struct parser *, uint64_t n, uint64_t size);
/* A vector's length: at most `limit`, each item at least min_bytes long. */
bool parser_count(struct parser *, const char *what, uint32_t limit, uint32_t min_bytes,
                  uint32_t *count);
/* Refuses a value type that is none, naming the proposal it belongs to. */
bool type_refuse(struct engine *, uint32_t offset, uint8_t code);
static inline bool type_is_ref(uint8_t code) { return code == VT_FUNCREF || code == VT_EXTERNREF; }
static inline bool type_is_value(uint8_t code)
{
    return (code >= VT_V128 && code <= VT_I32) || type_is_ref(code);
}
const char *type_name(uint8_t code);
/* Sets the bit of func in declared_funcs. */
void func_declare(struct module *, uint32_t func);

/* ---- sections.c ---- */
/* Counts the imports of each kind before their arrays exist.  counts is indexed by enum
 * extern_kind. */
bool imports_count(struct parser *, uint32_t counts[4]);
bool section_type(struct parser *);
bool section_import(struct parser *);
bool section_function(struct parser *);
bool section_table(struct parser *);
bool section_memory(struct parser *);
bool section_global(struct parser *);
bool section_export(struct parser *);
bool section_start(struct parser *);
bool section_code(struct parser *);

/* ---- segments.c ---- */
bool section_element(struct parser *);
bool section_data_count(struct parser *);
bool section_data(struct parser *);

/* ---- constexpr.c ---- */
/* A constant expression (spec 3.3.9, with extended-const) that yields `type`. */
bool constexpr_parse(struct parser *, uint8_t type, struct const_expr *out);

/* ---- canon.c ---- */
/* The engine-wide id of a function type; its params and results must live as long as the engine.
 * UINT32_MAX: no memory, and engine->error is set. */
uint32_t canon_type(struct engine *, const struct functype *);

/* FNV-1a, folded, for hash tables; start with HASH_START. */
#define HASH_START 0xcbf29ce484222325u
uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, uint32_t len);

#endif
