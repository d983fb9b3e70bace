/* The engine's birth, and that of instances (spec 4.5.4 "instantiation"): links, allocates,
 * initializes.
 *
 * Owns struct instance but for the compiler's part of it.  The order matters: funcrefs exist before
 * constant expressions are evaluated, code_link gives them code before segments put them into
 * tables, tables are initialized before memories.  An instance whose segments trapped stays: what
 * it put into imported tables may be called.
 *
 * Invariants: refs[i] of an import that another instance defines is a copy of that instance's own
 * funcref, and references to it are never made to the copy but to the original (instance_ref).
 * Active and declarative segments are dropped.  data_dropped is NULL where no instruction can name
 * a data segment. */
#include "engine/inside.h"
#include "engine/lib.h"
#include "engine/load/reader.h"

#define PAGE_BYTES      65536ull
#define NEW_ENGINE_HEAP (2ull << 20)

struct engine *engine_new(const struct engine_env *env)
{
    uint64_t usable = env->heap_usable;
    if (usable < sizeof(struct engine)) {
        usable = NEW_ENGINE_HEAP < env->heap_cap ? NEW_ENGINE_HEAP : env->heap_cap;
        if (usable < sizeof(struct engine) || !env->heap_grow(env->self, usable))
            return NULL;
    }
    struct engine *engine = (struct engine *)env->heap;
    *engine = (struct engine){ .env = *env, .heap_used = sizeof *engine };
    engine->env.heap_usable = usable;
    return code_init(engine) ? engine : NULL;
}

void engine_resume(struct engine *engine, const struct engine_env *env)
{
    struct engine_stats *stats = &engine->stats;
    ENGINE_ASSERT(!engine->c_sp && engine->heap_used <= env->heap_usable &&
                  env->cpu == engine->env.cpu);
    engine->env = *env;
    stats->funcs_compiled = stats->body_bytes_compiled = 0;
    stats->parse_ns = stats->validate_ns = stats->compile_ns = 0;
}

void engine_settle(struct engine *engine, uint64_t *heap, uint64_t *code)
{
    ENGINE_ASSERT(!engine->c_sp);
    scratch_clear(engine);
    engine->error = (struct error){ .kind = ERROR_NONE };
    *heap = engine->heap_used;
    *code = engine->stats.code_bytes;
}

/* ---- what an instance is made of ---- */

static void *array_new(struct engine *engine, uint64_t count, uint64_t size)
{
    return heap_alloc(engine, count * size, 16);
}

static struct instance *instance_allocate(struct engine *engine, struct module *module)
{
    struct instance *instance = heap_alloc(engine, sizeof *instance, 16);
    if (!instance)
        return NULL;
    instance->engine = engine;
    instance->module = module;
    instance->pinned[0] = instance->pinned[1] = -1;
    instance->memories = array_new(engine, module->nmemories, sizeof *instance->memories);
    instance->tables = array_new(engine, module->ntables, sizeof *instance->tables);
    instance->globals = array_new(engine, module->nglobals, sizeof *instance->globals);
    instance->refs = array_new(engine, module->nfuncs, sizeof *instance->refs);
    instance->hosts = array_new(engine, module->nimported_funcs, sizeof *instance->hosts);
    instance->import_funcs = array_new(engine, module->nimported_funcs,
                                       sizeof *instance->import_funcs);
    instance->elem_dropped = array_new(engine, module->nelems, sizeof *instance->elem_dropped);
    instance->data_dropped = module->has_data_count
                                 ? array_new(engine, module->ndatas, sizeof *instance->data_dropped)
                                 : NULL;
    bool done = instance->memories && instance->tables && instance->globals && instance->refs &&
                instance->hosts && instance->import_funcs && instance->elem_dropped &&
                (instance->data_dropped || !module->has_data_count);
    return done ? instance : NULL;
}

static bool memory_new(struct engine *engine, struct memory *memory, const struct memory_type *type)
{
    struct engine_env *env = &engine->env;
    ENGINE_ASSERT(engine->memory_total <= env->memory_limit);
    uint64_t bytes = type->min * PAGE_BYTES, left = env->memory_limit - engine->memory_total;
    uint64_t max_pages = type->has_max ? type->max : LIMIT_MEMORY_PAGES;
    if (bytes > left)
        return error_set(engine, ERROR_MEMORY, 0,
                         "the initial memory of %lu KiB is more than the limit of %lu KiB",
                         (engine->memory_total + bytes) >> 10, env->memory_limit >> 10);
    *memory = (struct memory){ .max_bytes = max_pages * PAGE_BYTES, .has_max = type->has_max };
    uint64_t reserve = memory->max_bytes < left ? memory->max_bytes : left;
    if (!env->memory_open(env->self, reserve, &memory->base) ||
        (bytes > 0 && !env->memory_grow(env->self, memory->base, 0, bytes)))
        return error_set(engine, ERROR_NOMEM, 0, "a memory of %lu KiB cannot be had", bytes >> 10);
    memory->bytes = bytes;
    engine->memory_total += bytes;
    return true;
}

static bool memories_new(struct instance *instance)
{
    const struct module *module = instance->module;
    uint32_t imported = module->nimported_memories;
    struct memory *memories = array_new(instance->engine, module->nmemories - imported,
                                        sizeof *memories);
    if (!memories)
        return false;
    for (uint32_t i = imported; i < module->nmemories; i++) {
        instance->memories[i] = &memories[i - imported];
        if (!memory_new(instance->engine, instance->memories[i], &module->memories[i]))
            return false;
    }
    instance->zero_base = module->nmemories > 0 && !instance->memories[0]->base;
    return true;
}

static bool table_new(struct engine *engine, struct table *table, const struct table_type *type)
{
    if (type->min > LIMIT_TABLE_ELEMS)
        return error_set(engine, ERROR_LIMIT, 0,
                         "a table of %u elements is more than the limit of %u", type->min,
                         LIMIT_TABLE_ELEMS);
    *table = (struct table){ .size = type->min,
                             .cap = type->min,
                             .max = type->has_max ? type->max : UINT32_MAX,
                             .has_max = type->has_max,
                             .type = type->elem };
    table->elems = array_new(engine, type->min, sizeof *table->elems);
    return table->elems != NULL;
}

static bool tables_new(struct instance *instance)
{
    const struct module *module = instance->module;
    uint32_t imported = module->nimported_tables;
    struct table *tables = array_new(instance->engine, module->ntables - imported, sizeof *tables);
    if (!tables)
        return false;
    for (uint32_t i = imported; i < module->ntables; i++) {
        instance->tables[i] = &tables[i - imported];
        if (!table_new(instance->engine, instance->tables[i], &module->tables[i]))
            return false;
    }
    return true;
}

static void refs_fill(struct instance *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->nfuncs; i++) {
        struct funcref *ref = instance_ref(instance, i);
        if (ref != &instance->refs[i])
            instance->refs[i] = *ref;
        else
            *ref = (struct funcref){ NULL, instance, module->canon[module->funcs[i].type], i };
    }
}

/* In order: an initializer may read the globals before it. */
static bool globals_new(struct instance *instance)
{
    const struct module *module = instance->module;
    uint32_t imported = module->nimported_globals;
    struct cell *cells = array_new(instance->engine, module->nglobals - imported, sizeof *cells);
    if (!cells)
        return false;
    for (uint32_t i = imported; i < module->nglobals; i++) {
        const uint8_t *at = module->bytes + module->globals[i].init.offset;
        instance->globals[i] = &cells[i - imported];
        if (!constant_eval(instance, &at, instance->globals[i]))
            return false;
    }
    return true;
}

/* ---- active segments ---- */

/* Go's programs have tens of thousands of data segments, all at an i32.const. */
static inline bool offset_eval(struct instance *instance, struct const_expr expr, uint64_t *offset)
{
    const uint8_t *at = instance->module->bytes + expr.offset;
    struct cell value;
    if (*at == OP_i32_const && expr.len <= 7) {
        at++;
        *offset = (uint32_t)leb_s32(&at);
        if (*at == OP_end)
            return true;
        at = instance->module->bytes + expr.offset;
    }
    bool done = constant_eval(instance, &at, &value);
    *offset = done ? value.lo : 0;
    return done;
}

static enum trap elems_apply(struct instance *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->nelems; i++) {
        const struct elem_segment *segment = &module->elems[i];
        uint64_t offset;
        instance->elem_dropped[i] = segment->mode != SEGMENT_PASSIVE;
        if (segment->mode != SEGMENT_ACTIVE)
            continue;
        if (!offset_eval(instance, segment->offset, &offset))
            return TRAP_NOMEM;
        enum trap trap = segment_to_table(instance, segment, instance->tables[segment->table],
                                          offset, 0, segment->count);
        if (trap != TRAP_NONE)
            return trap;
    }
    return TRAP_NONE;
}

static enum trap datas_apply(struct instance *instance)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->ndatas; i++) {
        const struct data_segment *segment = &module->datas[i];
        uint64_t offset;
        if (segment->mode != SEGMENT_ACTIVE)
            continue;
        if (instance->data_dropped)
            instance->data_dropped[i] = true;
        if (!offset_eval(instance, segment->offset, &offset))
            return TRAP_NOMEM;
        enum trap trap = segment_to_memory(instance, segment, instance->memories[segment->memory],
                                           offset, 0, segment->len);
        if (trap != TRAP_NONE)
            return trap;
    }
    return TRAP_NONE;
}

struct instance *instance_new(struct engine *engine, struct module *module, resolve_fn resolve,
                              void *self, enum trap *trap)
{
    *trap = TRAP_NONE;
    engine->error = (struct error){ .kind = ERROR_NONE };
    struct instance *instance = instance_allocate(engine, module);
    if (!instance || !link_imports(instance, resolve, self) || !memories_new(instance) ||
        !tables_new(instance))
        return NULL;
    refs_fill(instance);
    if (!globals_new(instance) || !code_link(instance))
        return NULL;
    *trap = elems_apply(instance);
    if (*trap == TRAP_NONE)
        *trap = datas_apply(instance);
    return *trap == TRAP_NONE ? instance : NULL;
}

/* ---- questions ---- */

struct funcref *instance_ref(struct instance *instance, uint32_t func)
{
    if (func >= instance->module->nimported_funcs || instance->hosts[func].fn)
        return &instance->refs[func];
    const struct extern_ref *import = &instance->import_funcs[func];
    return &import->from->refs[import->index];
}

bool instance_has_start(struct instance *instance, uint32_t *func)
{
    *func = instance->module->start;
    return instance->module->has_start;
}

bool instance_export(struct instance *instance, struct name name, enum extern_kind *kind,
                     uint32_t *index)
{
    const struct module *module = instance->module;
    module_want_exports(module);
    for (uint32_t i = 0; i < module->nexports; i++) {
        const struct export *export = &module->exports[i];
        if (export->name.len == name.len && mem_equal(export->name.bytes, name.bytes, name.len)) {
            *kind = export->kind;
            *index = export->index;
            return true;
        }
    }
    return false;
}

const struct functype *instance_functype(struct instance *instance, uint32_t func)
{
    const struct module *module = instance->module;
    return func < module->nfuncs ? &module->types[module->funcs[func].type] : NULL;
}

struct engine *instance_engine(struct instance *instance)
{
    return instance->engine;
}

uint8_t *instance_memory(struct instance *instance, uint32_t memory, uint64_t *bytes)
{
    if (memory >= instance->module->nmemories) {
        *bytes = 0;
        return NULL;
    }
    *bytes = instance->memories[memory]->bytes;
    return instance->memories[memory]->base;
}

struct cell *instance_global(struct instance *instance, uint32_t global, enum valtype *type)
{
    if (global >= instance->module->nglobals)
        return NULL;
    *type = instance->module->globals[global].type;
    return instance->globals[global];
}

struct error *engine_error(struct engine *engine)
{
    return &engine->error;
}

const struct engine_stats *engine_stats(struct engine *engine)
{
    return &engine->stats;
}
