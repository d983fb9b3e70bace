/* What all rooms know of an instance: its memories and tables, what compiled code calls; given by
 * run/.  run/code.h has what concerns code memory. */
#ifndef ENGINE_INSTANCE_H
#define ENGINE_INSTANCE_H

#include "engine/module.h"

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

/* The second pinned global is a pointer of Go's, of 64 bits, which nearly all code reads as an
 * address.  Its register holds the lower half, zero-extended; its cell is always right. */
static inline bool pin_is_half(const struct instance *i, unsigned pin)
{
    return pin == 1 && i->pinned[1] >= 0 && i->module->globals[i->pinned[1]].type == VT_I64;
}

/* A reference to function `func`: one and the same for an import and the function that it stands
 * for. */
struct funcref *instance_ref(struct instance *, uint32_t func);

/* ---- link.c: imports (spec 4.5.4); fills hosts, import_funcs and the imported parts of memories,
 * tables, globals ----
 */
bool link_imports(struct instance *, resolve_fn, void *self);

/* ---- evaluate.c: constant expressions of a parsed module, evaluated (spec 3.3.10).  false: no
 * memory. ---- */
/* *at: moves past `end` */
bool constant_eval(struct instance *, const uint8_t **at, struct cell *out);
/* The next item of an element segment. */
bool constant_elem(struct instance *, const struct elem_segment *, const uint8_t **at,
                   uint64_t *ref);

/* Pins: global 0 and the Go g may live in registers while compiled code runs; their cells are right
 * only outside. */

/* ---- runtime.c ---- */
/* The ranges of a segment's bytes or items into a memory or table, whole range checked first; does
 * not look at dropped.
 */
enum trap segment_to_memory(struct instance *, const struct data_segment *, struct memory *,
                            uint64_t dst, uint64_t src, uint64_t n);
enum trap segment_to_table(struct instance *, const struct elem_segment *, struct table *,
                           uint64_t dst, uint64_t src, uint64_t n);

/* What compiled code calls.  Operands are zero-extended; a trap is told by engine->trap. */
typedef uint64_t (*runtime_fn)(struct instance *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_memory_grow(struct instance *, uint64_t delta, uint64_t mem, uint64_t, uint64_t,
                        uint64_t);
uint64_t rt_memory_init(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t seg,
                        uint64_t mem);
uint64_t rt_data_drop(struct instance *, uint64_t seg, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_get(struct instance *, uint64_t i, uint64_t table, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_set(struct instance *, uint64_t i, uint64_t ref, uint64_t table, uint64_t,
                      uint64_t);
uint64_t rt_table_size(struct instance *, uint64_t table, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_table_grow(struct instance *, uint64_t ref, uint64_t n, uint64_t table, uint64_t,
                       uint64_t);
uint64_t rt_table_fill(struct instance *, uint64_t i, uint64_t ref, uint64_t n, uint64_t table,
                       uint64_t);
uint64_t rt_table_copy(struct instance *, uint64_t dst, uint64_t src, uint64_t n,
                       uint64_t dst_table, uint64_t src_table);
uint64_t rt_table_init(struct instance *, uint64_t dst, uint64_t src, uint64_t n, uint64_t seg,
                       uint64_t table);
uint64_t rt_elem_drop(struct instance *, uint64_t seg, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_ref_func(struct instance *, uint64_t func, uint64_t, uint64_t, uint64_t, uint64_t);

/* Their numbers. */
enum runtime_call {
#define RUNTIME(name) RT_##name,
#include "engine/run/runtime.def"
#undef RUNTIME
    RT_COUNT
};

/* ---- code.c: code memory, thunks, trampolines, links between functions; also func_call,
 * func_compile ---- */
bool code_init(struct engine *);   /* thunks; once */
bool code_link(struct instance *); /* trampolines and import thunks; sets refs[].code */
/* After items were written or the table grew.  false: no memory (only after growth). */
bool code_table_changed(struct table *, uint64_t from, uint64_t n);
/* ---- trap.c: engine_fault, trap_frames, live_frames ---- */

#endif
