/* Imports: asks the surroundings for each, checks its type (spec 4.5.2 "import matching") and puts
 * it in its place.
 *
 * A function that another instance only hands on is taken from where it is defined, so that one
 * call leads to it. Messages name the import with both types in the text format's words: import
 * "env" "f": nobody provides (func). */
#include "engine/inside.h"
#include "engine/lib.h"
#include "engine/load/parse.h"

#define PAGE_BYTES 65536ull
#define NAME_SHOWN 64  /* of a name in a message */
/* some 20 parameters; two of them and three names are less than ERROR_TEXT */
#define TYPE_SHOWN 136
/* where a list is cut, this is kept for what follows */
#define RESULTS_LEFT sizeof " ... 4294967295 in all))"
#define PARAMS_LEFT  (RESULTS_LEFT + sizeof " ... 4294967295 in all) (result externref")

/* ---- types as text ---- */

struct text { char *at; size_t left; }; /* NUL-terminated at all times */

static void text_add(struct text *text, const char *more)
{
    for (; *more && text->left > 1; text->left--)
        *text->at++ = *more++;
    *text->at = '\0';
}

static void text_number(struct text *text, uint64_t number)
{
    char digits[24];
    error_format(digits, sizeof digits, " %lu", number);
    text_add(text, digits);
}

static void text_valtype(struct text *text, uint8_t type)
{
    text_add(text, " ");
    text_add(text, type_name(type));
}

/* Cut where no more than `keep` bytes are left. */
static void text_valtypes(struct text *text, const char *open, const uint8_t *types, uint32_t count,
                          size_t keep)
{
    uint32_t shown = 0;
    if (count == 0)
        return;
    text_add(text, open);
    while (shown < count && text->left > keep)
        text_valtype(text, types[shown++]);
    if (shown < count) {
        text_add(text, " ...");
        text_number(text, count);
        text_add(text, " in all");
    }
    text_add(text, ")");
}

static void text_func(struct text *text, const struct functype *type)
{
    const struct text before = *text;
    for (int cut = 0; cut < 2 && (cut == 0 || text->left <= 1); cut++) {
        *text = before;
        text_add(text, "(func");
        text_valtypes(text, " (param", type->params, type->nparams, cut ? PARAMS_LEFT : 1);
        text_valtypes(text, " (result", type->results, type->nresults, cut ? RESULTS_LEFT : 1);
        text_add(text, ")");
    }
}

static void text_limits(struct text *text, const char *open, uint64_t min, bool has_max,
                        uint64_t max)
{
    text_add(text, open);
    text_number(text, min);
    if (has_max)
        text_number(text, max);
}

static void text_table(struct text *text, uint64_t min, bool has_max, uint32_t max, uint8_t type)
{
    text_limits(text, "(table", min, has_max, max);
    text_valtype(text, type);
    text_add(text, ")");
}

static void text_memory(struct text *text, uint64_t min, bool has_max, uint64_t max)
{
    text_limits(text, "(memory", min, has_max, max);
    text_add(text, ")");
}

static void text_global(struct text *text, const struct global_type *global)
{
    text_add(text, global->mutable ? "(global (mut" : "(global");
    text_valtype(text, global->type);
    text_add(text, global->mutable ? "))" : ")");
}

static void text_wanted(struct text *text, const struct module *module, const struct import *import)
{
    if (import->kind == EXTERN_FUNC) {
        text_func(text, &module->types[module->funcs[import->index].type]);
    } else if (import->kind == EXTERN_TABLE) {
        const struct table_type *table = &module->tables[import->index];
        text_table(text, table->min, table->has_max, table->max, table->elem);
    } else if (import->kind == EXTERN_MEMORY) {
        const struct memory_type *memory = &module->memories[import->index];
        text_memory(text, memory->min, memory->has_max, memory->max);
    } else {
        text_global(text, &module->globals[import->index]);
    }
}

static void text_provided(struct text *text, const struct extern_ref *ref)
{
    if (ref->kind == EXTERN_FUNC) {
        text_func(text, ref->host.fn ? &ref->host_type : instance_functype(ref->from, ref->index));
    } else if (ref->kind == EXTERN_TABLE) {
        const struct table *table = ref->from->tables[ref->index];
        text_table(text, table->size, table->has_max, table->max, table->type);
    } else if (ref->kind == EXTERN_MEMORY) {
        const struct memory *memory = ref->from->memories[ref->index];
        text_memory(text, memory->bytes / PAGE_BYTES, memory->has_max,
                    memory->max_bytes / PAGE_BYTES);
    } else {
        text_global(text, &ref->from->module->globals[ref->index]);
    }
}

/* What the resolver found, or did not. */
static bool link_error(struct instance *instance, const struct import *import, bool found,
                       const struct extern_ref *ref)
{
    struct engine *e = instance->engine;
    char module[NAME_SHOWN], field[NAME_SHOWN], provider[NAME_SHOWN], wanted[TYPE_SHOWN],
        given[TYPE_SHOWN];
    struct text text = { wanted, sizeof wanted };
    name_escape(import->module, module, sizeof module);
    name_escape(import->field, field, sizeof field);
    text_wanted(&text, instance->module, import);
    if (ref->cannot)
        return error_set(e, ERROR_LINK, 0,
                         "import \"%s\" \"%s\" wants %s: no host function can have %s", module,
                         field, wanted, ref->cannot);
    if (!found) {
        error_set(e, ERROR_LINK, 0, "import \"%s\" \"%s\": nobody provides this %s", module, field,
                  wanted);
        return error_import(e, import->module);
    }
    text = (struct text){ given, sizeof given };
    text_provided(&text, ref);
    error_set(e, ERROR_LINK, 0, "import \"%s\" \"%s\" has type %s", module, field, given);
    if (ref->provider) {
        text = (struct text){ provider, sizeof provider };
        text_add(&text, ref->provider);
        error_append(e, " in %s", provider);
    }
    return error_append(e, ", wanted %s", wanted);
}

/* ---- matching (spec 4.5.2) ---- */

static bool functype_equal(const struct functype *a, const struct functype *b)
{
    return a->nparams == b->nparams && a->nresults == b->nresults &&
           mem_equal(a->params, b->params, a->nparams) &&
           mem_equal(a->results, b->results, a->nresults);
}

static bool limits_match(uint64_t size, bool has_max, uint64_t max, uint64_t min_wanted,
                         bool has_max_wanted, uint64_t max_wanted)
{
    return size >= min_wanted && (!has_max_wanted || (has_max && max <= max_wanted));
}

static bool func_link(struct instance *instance, uint32_t index, const struct extern_ref *ref)
{
    const struct module *module = instance->module;
    uint32_t type = module->funcs[index].type;
    if (!ref->host.fn) {
        const struct module *from = ref->from->module;
        if (module->canon[type] != from->canon[from->funcs[ref->index].type])
            return false;
        if (ref->index < from->nimported_funcs)
            ref = &ref->from->import_funcs[ref->index];
    } else if (!functype_equal(&ref->host_type, &module->types[type])) {
        return false;
    }
    instance->import_funcs[index] = *ref;
    instance->hosts[index] = ref->host;
    return true;
}

static bool table_link(struct instance *instance, uint32_t index, const struct extern_ref *ref)
{
    const struct table_type *wanted = &instance->module->tables[index];
    struct table *table = instance->tables[index] = ref->from->tables[ref->index];
    return table->type == wanted->elem && limits_match(table->size, table->has_max, table->max,
                                                       wanted->min, wanted->has_max, wanted->max);
}

static bool memory_link(struct instance *instance, uint32_t index, const struct extern_ref *ref)
{
    const struct memory_type *wanted = &instance->module->memories[index];
    struct memory *memory = instance->memories[index] = ref->from->memories[ref->index];
    return limits_match(memory->bytes / PAGE_BYTES, memory->has_max, memory->max_bytes / PAGE_BYTES,
                        wanted->min, wanted->has_max, wanted->max);
}

static bool global_link(struct instance *instance, uint32_t index, const struct extern_ref *ref)
{
    const struct global_type *wanted = &instance->module->globals[index];
    const struct global_type *given = &ref->from->module->globals[ref->index];
    instance->globals[index] = ref->from->globals[ref->index];
    return given->type == wanted->type && given->mutable == wanted->mutable;
}

static bool import_link(struct instance *instance, const struct import *import,
                        const struct extern_ref *ref)
{
    if (ref->kind != import->kind)
        return false;
    ENGINE_ASSERT((ref->kind == EXTERN_FUNC && ref->host.fn) || ref->from);
    switch (import->kind) {
    case EXTERN_FUNC: return func_link(instance, import->index, ref);
    case EXTERN_TABLE: return table_link(instance, import->index, ref);
    case EXTERN_MEMORY: return memory_link(instance, import->index, ref);
    default: return global_link(instance, import->index, ref);
    }
}

bool link_imports(struct instance *instance, resolve_fn resolve, void *self)
{
    const struct module *module = instance->module;
    for (uint32_t i = 0; i < module->nimports; i++) {
        const struct import *import = &module->imports[i];
        const struct functype *type =
            import->kind == EXTERN_FUNC ? &module->types[module->funcs[import->index].type] : NULL;
        struct extern_ref ref = { 0 };
        bool found = resolve &&
                     resolve(self, import->module, import->field, import->kind, type, &ref);
        if (!found || !import_link(instance, import, &ref))
            return link_error(instance, import, found, &ref);
    }
    return true;
}
