/* engine/run/instance.c, link.c, evaluate.c: what a module becomes; imports and their types;
 * constant expressions; active segments and their traps. */
#include "tests/unit/engine/doubles.h"
#include "tests/unit/engine/wasm.h"

#define PAGE 65536ull

static enum trap host_print(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    return TRAP_NONE;
}

static uint64_t global_lo(struct instance *instance, uint32_t global)
{
    enum valtype type;
    return instance_global(instance, global, &type)->lo;
}

static struct name name_of(const char *text)
{
    return (struct name){ (const uint8_t *)text, (uint32_t)strlen(text) };
}

static void expect_error(struct world *world, const struct wasm *wasm, enum error_kind kind,
                         const char *text)
{
    enum trap trap;
    assert_null(wasm_instance(world, wasm, &trap));
    assert_int_equal(trap, TRAP_NONE);
    assert_int_equal(engine_error(world->host.engine)->kind, kind);
    assert_string_equal(engine_error(world->host.engine)->text, text);
}

/* ---- what an instance is ---- */

static void empty_module_has_an_instance(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    uint32_t start;
    uint64_t bytes = 1;
    enum valtype type;
    wasm_begin(&wasm);
    struct instance *instance = wasm_make(world, &wasm);
    assert_false(instance_has_start(instance, &start));
    assert_null(instance_memory(instance, 0, &bytes));
    assert_int_equal(bytes, 0);
    assert_null(instance_global(instance, 0, &type));
    assert_null(instance_functype(instance, 0));
    assert_ptr_equal(instance_engine(instance), world->host.engine);
    assert_false(instance->zero_base);
}

static void exports_are_found_by_their_whole_name(void **state)
{
    struct wasm wasm;
    enum extern_kind kind;
    uint32_t index, start;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\2\x60\0\0\x60\1\x7f\2\x7e\x7d");
    SECTION(&wasm, FUNCTIONS, "\2\1\0");
    SECTION(&wasm, MEMORIES, "\1\0\2");
    SECTION(&wasm, EXPORTS, "\3\3run\0\1\2ru\2\0\0\0\0");
    SECTION(&wasm, START, "\1");
    SECTION(&wasm, CODE, "\2\x09\0\x42\0\x43\0\0\0\0\x0b\2\0\x0b");
    struct instance *instance = wasm_make(*state, &wasm);
    assert_true(instance_export(instance, name_of("run"), &kind, &index));
    assert_int_equal(kind, EXTERN_FUNC);
    assert_int_equal(index, 1);
    assert_true(instance_export(instance, name_of("ru"), &kind, &index));
    assert_int_equal(kind, EXTERN_MEMORY);
    assert_true(instance_export(instance, name_of(""), &kind, &index));
    assert_false(instance_export(instance, name_of("runs"), &kind, &index));
    assert_true(instance_has_start(instance, &start));
    assert_int_equal(start, 1);
    const struct functype *type = instance_functype(instance, 0);
    assert_int_equal(type->nparams, 1);
    assert_int_equal(type->nresults, 2);
    assert_int_equal(type->results[1], VT_F32);
}

static void memory_has_its_initial_pages_and_no_more(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    uint64_t bytes;
    wasm_begin(&wasm);
    SECTION(&wasm, MEMORIES, "\1\0\2");
    struct instance *instance = wasm_make(world, &wasm);
    uint8_t *base = instance_memory(instance, 0, &bytes);
    assert_non_null(base);
    assert_int_equal(bytes, 2 * PAGE);
    base[bytes - 1] = 1;
    assert_int_equal(world->host.engine->memory_total, 2 * PAGE);
    assert_int_equal(instance->memories[0]->max_bytes, 4ull << 30);
}

static void memory_over_the_limit_is_refused_with_both_numbers(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    world->host.engine->env.memory_limit = 3 * PAGE;
    wasm_begin(&wasm);
    SECTION(&wasm, MEMORIES, "\1\0\2");
    wasm_make(world, &wasm);
    expect_error(world, &wasm, ERROR_MEMORY,
                 "the initial memory of 256 KiB is more than the limit of 192 KiB");
}

static void table_over_the_limit_is_refused(void **state)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TABLES, "\1\x70\0\x81\xad\xe2\x04");
    enum trap trap;
    struct world *world = *state;
    uint8_t *bytes = wasm.bytes;
    struct module *module = module_parse(world->host.engine, bytes, wasm.len);
    assert_true(!module || !instance_new(world->host.engine, module, resolve, world, &trap));
    assert_int_equal(engine_error(world->host.engine)->kind, ERROR_LIMIT);
}

static void heap_that_ends_is_an_error_at_every_point(void **state)
{
    struct world *world = *state;
    struct engine *engine = world->host.engine;
    struct wasm wasm;
    enum trap trap;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, TABLES, "\1\x70\0\4");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, GLOBALS, "\1\x7f\0\x41\5\x0b");
    SECTION(&wasm, ELEMENTS, "\1\0\x41\0\x0b\1\0");
    SECTION(&wasm, CODE, "\1\2\0\x0b");
    struct module *module = module_parse(engine, wasm.bytes, wasm.len);
    assert_non_null(module);
    uint64_t used = engine->heap_used, cap = engine->env.heap_cap, failures = 0;
    struct instance *instance = NULL;
    for (engine->env.heap_cap = used; !instance; engine->env.heap_cap += 8) {
        engine->heap_used = used; /* as if the last try had not been */
        memset(engine->env.heap + used, 0, engine->env.heap_cap - used);
        instance = instance_new(engine, module, resolve, world, &trap);
        assert_int_equal(trap, TRAP_NONE);
        assert_int_equal(engine->error.kind, instance ? ERROR_NONE : ERROR_NOMEM);
        failures += !instance;
    }
    engine->env.heap_cap = cap;
    assert_true(failures > 20);
}

/* ---- constant expressions ---- */

static void globals_have_the_values_of_their_expressions(void **state)
{
    struct wasm wasm;
    enum valtype type;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, GLOBALS,
            "\x0a"
            "\x7f\0\x41\x7f\x0b"                                         /* i32.const -1 */
            "\x7e\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x0b"     /* i64.const INT64_MIN */
            "\x7d\0\x43\1\2\3\4\x0b"                                     /* f32.const */
            "\x7c\0\x44\1\2\3\4\5\6\7\x88\x0b"                           /* f64.const */
            "\x7b\0\xfd\x0c\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x0b" /* v128.const */
            "\x70\0\xd0\x70\x0b"                                         /* ref.null func */
            "\x70\0\xd2\0\x0b"                                           /* ref.func 0 */
            "\x6f\0\xd0\x6f\x0b"                                         /* ref.null extern */
            "\x7f\0\x41\5\x41\x78\x6b\x41\3\x6c\x41\1\x6a\x0b"           /* (5 - -8) * 3 + 1 */
            "\x7e\0\x42\2\x42\3\x7d\x42\x7f\x7e\x42\1\x7c\x0b");         /* (2 - 3) * -1 + 1 */
    SECTION(&wasm, CODE, "\1\2\0\x0b");
    struct instance *instance = wasm_make(*state, &wasm);
    assert_int_equal(global_lo(instance, 0), 0xffffffff);
    assert_int_equal(global_lo(instance, 1), 0x8000000000000000);
    assert_int_equal(global_lo(instance, 2), 0x04030201);
    assert_int_equal(global_lo(instance, 3), 0x8807060504030201);
    assert_int_equal(global_lo(instance, 4), 0x0807060504030201);
    assert_int_equal(instance_global(instance, 4, &type)->hi, 0x100f0e0d0c0b0a09);
    assert_int_equal(type, VT_V128);
    assert_int_equal(global_lo(instance, 5), 0);
    assert_ptr_equal((void *)(uintptr_t)global_lo(instance, 6), &instance->refs[0]);
    assert_int_equal(global_lo(instance, 7), 0);
    assert_int_equal(global_lo(instance, 8), 40);
    assert_int_equal(global_lo(instance, 9), 2);
}

static void arithmetic_of_i32_wraps_to_32_bits(void **state)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, GLOBALS, "\3"
            "\x7f\0\x41\0\x41\1\x6b\x0b"                                 /* 0 - 1 */
            "\x7f\0\x41\xff\xff\xff\xff\x07\x41\1\x6a\x0b"               /* INT32_MAX + 1 */
            "\x7f\0\x41\xff\xff\xff\xff\x07\x41\2\x6c\x0b");             /* INT32_MAX * 2 */
    struct instance *instance = wasm_make(*state, &wasm);
    assert_int_equal(global_lo(instance, 0), 0xffffffff);
    assert_int_equal(global_lo(instance, 1), 0x80000000);
    assert_int_equal(global_lo(instance, 2), 0xfffffffe);
}

/* 1 1 1 ... add add add: a thousand operands at once, in memory that is used again */
static void deep_expressions_are_evaluated(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    char payload[4000];
    size_t len = 0;
    memcpy(payload, "\1\x7f\0", 3);
    len = 3;
    for (int i = 0; i < 1000; i++) {
        payload[len++] = '\x41';
        payload[len++] = '\1';
    }
    memset(payload + len, '\x6a', 999);
    len += 999;
    payload[len++] = '\x0b';
    wasm_begin(&wasm);
    wasm_section(&wasm, GLOBALS, payload, len);
    assert_int_equal(global_lo(wasm_make(world, &wasm), 0), 1000);
    uint64_t used = world->host.engine->heap_used;
    wasm_make(world, &wasm);
    assert_true(world->host.engine->heap_used - used < 1000 * sizeof(struct cell));
}

/* ---- imports ---- */

/* Exports f (func (param i32)), t (table 2 5 funcref), m (memory 1 3), g (global i64 42), v (global
 * (mut i32) 1). */
static struct instance *exporter(struct world *world)
{
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\2\x60\0\0\x60\1\x7f\0");
    SECTION(&wasm, FUNCTIONS, "\1\1");
    SECTION(&wasm, TABLES, "\1\x70\1\2\5");
    SECTION(&wasm, MEMORIES, "\1\1\1\3");
    SECTION(&wasm, GLOBALS, "\2\x7e\0\x42\x2a\x0b\x7f\1\x41\1\x0b");
    SECTION(&wasm, EXPORTS, "\5\1f\0\0\1t\1\0\1m\2\0\1g\3\0\1v\3\1");
    SECTION(&wasm, CODE, "\1\2\0\x0b");
    return world->exporter = wasm_make(world, &wasm);
}

static void imports_are_shared_with_their_owner(void **state)
{
    struct world *world = *state;
    struct instance *owner = exporter(world);
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\0");
    SECTION(&wasm, IMPORTS,
            "\5\1x\1f\0\0\1x\1t\1\x70\1\2\5\1x\1m\2\1\1\3\1x\1g\3\x7e\0\1x\1v\3\x7f\1");
    SECTION(&wasm, GLOBALS, "\1\x7e\0\x23\0\x0b"); /* global.get 0 */
    SECTION(&wasm, EXPORTS, "\1\1f\0\0");
    SECTION(&wasm, ELEMENTS, "\1\0\x41\1\x0b\1\0");
    SECTION(&wasm, DATA, "\1\0\x41\7\x0b\2hi");
    struct instance *instance = wasm_make(world, &wasm);
    assert_int_equal(world->nresolved, 5);
    assert_ptr_equal(instance->memories[0], owner->memories[0]);
    assert_memory_equal(owner->memories[0]->base + 7, "hi", 2);
    assert_int_equal(global_lo(instance, 2), 42);
    instance->globals[1]->lo = 99;
    assert_int_equal(global_lo(owner, 1), 99);
    /* references to an import are references to the original, and it has its code */
    assert_int_equal(rt_table_get(owner, 1, 0, 0, 0, 0), (uintptr_t)&owner->refs[0]);
    assert_ptr_equal(owner->refs[0].code, &owner->refs[0]);
    /* handed on, it is still the original */
    world->exporter = instance;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\1\x7f\0");
    SECTION(&wasm, IMPORTS, "\1\1x\1f\0\0");
    struct instance *third = wasm_make(world, &wasm);
    assert_ptr_equal(third->import_funcs[0].from, owner);
    assert_ptr_equal(instance_ref(third, 0), &owner->refs[0]);
    assert_int_equal(third->refs[0].type, owner->refs[0].type);
    assert_ptr_equal(third->refs[0].instance, owner);
}

static void host_functions_are_linked_with_their_data(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    static const uint8_t params[] = { VT_I32, VT_I64 };
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC, .host = { host_print, world },
                                        .host_type = { 2, 1, params, params } };
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\2\x7f\x7e\1\x7f");
    SECTION(&wasm, IMPORTS, "\1\3env\1f\0\0");
    struct instance *instance = wasm_make(world, &wasm);
    assert_ptr_equal(instance->hosts[0].fn, host_print);
    assert_ptr_equal(instance->hosts[0].data, world);
    assert_ptr_equal(instance_ref(instance, 0), &instance->refs[0]);
    assert_ptr_equal(instance->refs[0].instance, instance);
}

/* One import, given as what stands behind the names in its section. */
static void expect_link_error(struct world *world, const char *import, size_t len, const char *text)
{
    struct wasm wasm;
    char payload[256];
    assert_true(len + 1 < sizeof payload);
    payload[0] = 1;
    memcpy(payload + 1, import, len);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\2\x60\0\0\x60\2\x7f\x7e\1\x7f");
    wasm_section(&wasm, IMPORTS, payload, len + 1);
    expect_error(world, &wasm, ERROR_LINK, text);
}
#define LINK_ERROR(import, text) expect_link_error(world, import, sizeof import - 1, text)

static void missing_imports_are_named_with_their_type(void **state)
{
    struct world *world = *state;
    LINK_ERROR("\3env\3foo\0\1",
               "import \"env\" \"foo\": nobody provides this (func (param i32 i64) (result i32))");
    LINK_ERROR("\3env\3foo\0\0", "import \"env\" \"foo\": nobody provides this (func)");
    LINK_ERROR("\3env\1m\2\1\1\2", "import \"env\" \"m\": nobody provides this (memory 1 2)");
    LINK_ERROR("\3env\1m\2\0\1", "import \"env\" \"m\": nobody provides this (memory 1)");
    LINK_ERROR("\3env\1t\1\x6f\1\1\2",
               "import \"env\" \"t\": nobody provides this (table 1 2 externref)");
    LINK_ERROR("\3env\1g\3\x7b\0", "import \"env\" \"g\": nobody provides this (global v128)");
    LINK_ERROR("\3env\1g\3\x7c\1", "import \"env\" \"g\": nobody provides this (global (mut f64))");
    LINK_ERROR("\2\n\"\0\3\x7f\0", "import \"\\x0a\"\" \"\": nobody provides this (global i32)");
}

static void imports_of_other_types_are_refused(void **state)
{
    struct world *world = *state;
    exporter(world);
    LINK_ERROR("\1x\1f\0\0", "import \"x\" \"f\" has type (func (param i32)), wanted (func)");
    LINK_ERROR("\1x\1f\3\x7f\0",
               "import \"x\" \"f\" has type (func (param i32)), wanted (global i32)");
    LINK_ERROR("\1x\1t\1\x70\1\3\5",
               "import \"x\" \"t\" has type (table 2 5 funcref), wanted (table 3 5 funcref)");
    LINK_ERROR("\1x\1t\1\x70\1\2\4",
               "import \"x\" \"t\" has type (table 2 5 funcref), wanted (table 2 4 funcref)");
    LINK_ERROR("\1x\1t\1\x6f\0\2",
               "import \"x\" \"t\" has type (table 2 5 funcref), wanted (table 2 externref)");
    LINK_ERROR("\1x\1m\2\0\2", "import \"x\" \"m\" has type (memory 1 3), wanted (memory 2)");
    LINK_ERROR("\1x\1m\2\1\1\2", "import \"x\" \"m\" has type (memory 1 3), wanted (memory 1 2)");
    LINK_ERROR("\1x\1g\3\x7f\0", "import \"x\" \"g\" has type (global i64), wanted (global i32)");
    LINK_ERROR("\1x\1g\3\x7e\1",
               "import \"x\" \"g\" has type (global i64), wanted (global (mut i64))");
    LINK_ERROR("\1x\1v\3\x7f\0",
               "import \"x\" \"v\" has type (global (mut i32)), wanted (global i32)");
}

static void limits_are_those_of_the_moment(void **state)
{
    struct world *world = *state;
    struct instance *owner = exporter(world);
    LINK_ERROR("\1x\1m\2\0\2", "import \"x\" \"m\" has type (memory 1 3), wanted (memory 2)");
    rt_memory_grow(owner, 1, 0, 0, 0, 0);
    rt_table_grow(owner, 0, 1, 0, 0, 0);
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, IMPORTS, "\2\1x\1m\2\1\2\4\1x\1t\1\x70\0\3");
    wasm_make(world, &wasm);
}

static void unlimited_memory_is_not_one_with_a_maximum(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    wasm_begin(&wasm);
    SECTION(&wasm, TABLES, "\1\x70\0\1");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, EXPORTS, "\2\1m\2\0\1t\1\0");
    world->exporter = wasm_make(world, &wasm);
    LINK_ERROR("\1x\1m\2\1\1\x80\x80\4",
               "import \"x\" \"m\" has type (memory 1), wanted (memory 1 65536)");
    LINK_ERROR(
        "\1x\1t\1\x70\1\1\xff\xff\xff\xff\x0f",
        "import \"x\" \"t\" has type (table 1 funcref), wanted (table 1 4294967295 funcref)");
}

static void host_function_of_another_type_is_refused(void **state)
{
    struct world *world = *state;
    static const uint8_t params[] = { VT_I32, VT_I32 };
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC, .host = { host_print, NULL },
                                        .host_type = { 2, 1, params, params } };
    LINK_ERROR("\1x\1f\0\1", "import \"x\" \"f\" has type (func (param i32 i32) (result i32)), "
               "wanted (func (param i32 i64) (result i32))");
    world->given.provider = "plug-in p";
    LINK_ERROR("\1x\1f\0\1",
               "import \"x\" \"f\" has type (func (param i32 i32) (result i32)) in plug-in p, "
               "wanted (func (param i32 i64) (result i32))");
}

static void long_names_and_types_are_cut_in_messages(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    char imports[300] = "\1\xc8\1";
    enum trap trap;
    memset(imports + 3, 'n', 200);
    memcpy(imports + 203, "\1f\0\0", 4);
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\x28"
            "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
            "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\0");
    wasm_section(&wasm, IMPORTS, imports, 207);
    assert_null(wasm_instance(world, &wasm, &trap));
    const char *text = engine_error(world->host.engine)->text;
    assert_int_equal(engine_error(world->host.engine)->kind, ERROR_LINK);
    assert_true(strlen(text) < ERROR_TEXT &&
                strstr(text, "nobody provides this (func (param i32 i32"));
    assert_non_null(strstr(text, " i32 ... 40 in all)"));
}

/* Everything that can be long is. */
static void the_longest_message_of_imports_is_whole(void **state)
{
    struct world *world = *state;
    static const uint8_t params[60] = { [0 ... 59] = VT_EXTERNREF };
    char provider[200], imports[300] = "\1\x64", types[80] = "\1\x60\x3c";
    struct wasm wasm;
    enum trap trap;
    memset(provider, 'p', sizeof provider - 1);
    provider[sizeof provider - 1] = 0;
    world->given = (struct extern_ref){ .kind = EXTERN_FUNC,
                                        .host = { host_print, NULL },
                                        .provider = provider,
                                        .host_type = { 59, 1, params, params } };
    memset(imports + 2, 'n', 100);
    memcpy(imports + 102, "\x64", 1);
    memset(imports + 103, 'm', 100);
    memset(types + 3, VT_EXTERNREF, 60);
    types[63] = 1, types[64] = VT_EXTERNREF;
    wasm_begin(&wasm);
    wasm_section(&wasm, TYPES, types, 65);
    wasm_section(&wasm, IMPORTS, imports, 205);
    assert_null(wasm_instance(world, &wasm, &trap));
    const char *text = engine_error(world->host.engine)->text;
    assert_non_null(strstr(text, "... 59 in all) (result externref)) in pppp"));
    assert_string_equal(text + strlen(text) - strlen("... 60 in all) (result externref))"),
                        "... 60 in all) (result externref))");
}

/* ---- active segments ---- */

static void segments_fill_tables_and_memories(void **state)
{
    struct wasm wasm;
    uint64_t bytes;
    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, FUNCTIONS, "\2\0\0");
    SECTION(&wasm, TABLES, "\2\x70\0\4\x70\0\2");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, ELEMENTS, "\3"
            /* (elem (i32.const 1) func 1 0) */
            "\0\x41\1\x0b\2\1\0"
            /* (elem (table 1) (i32.const 0) null, 1) */
            "\6\1\x41\0\x0b\x70\2\xd0\x70\x0b\xd2\1\x0b"
            "\3\0\1\0");                                                 /* declarative */
    SECTION(&wasm, DATA_COUNT, "\3");
    SECTION(&wasm, CODE, "\2\2\0\x0b\2\0\x0b");
    SECTION(&wasm, DATA, "\3\0\x41\0\x0b\3one\0\x41\1\x0b\3two\1\5later");
    struct instance *instance = wasm_make(*state, &wasm);
    uint64_t first = (uintptr_t)&instance->refs[0], second = (uintptr_t)&instance->refs[1];
    const uint64_t zero[] = { 0, second, first, 0 }, one[] = { 0, second };
    assert_memory_equal(instance->tables[0]->elems, zero, sizeof zero);
    assert_memory_equal(instance->tables[1]->elems, one, sizeof one);
    assert_memory_equal(instance_memory(instance, 0, &bytes), "otwo\0", 5);
    /* active and declarative segments are dropped, passive ones are not */
    rt_table_init(instance, 0, 0, 1, 0, 0);
    assert_int_equal(instance->engine->trap, TRAP_TABLE_ACCESS);
    rt_table_init(instance, 0, 0, 1, 2, 0);
    assert_int_equal(instance->engine->trap, TRAP_TABLE_ACCESS);
    rt_memory_init(instance, 0, 0, 1, 1, 0);
    assert_int_equal(instance->engine->trap, TRAP_MEMORY);
    rt_memory_init(instance, 0, 0, 5, 2, 0);
    assert_int_equal(instance->engine->trap, TRAP_NONE);
    assert_memory_equal(instance_memory(instance, 0, &bytes), "later", 5);
}

static void segments_that_do_not_fit_trap_after_those_before_them(void **state)
{
    struct world *world = *state;
    struct instance *owner = exporter(world);
    struct wasm wasm;
    enum trap trap;
    wasm_begin(&wasm);
    SECTION(&wasm, IMPORTS, "\1\1x\1m\2\0\1");
    SECTION(&wasm, DATA, "\3\0\x41\0\x0b\1a\0\x41\xff\xff\3\x0b\2bc\0\x41\1\x0b\1d");
    assert_null(wasm_instance(world, &wasm, &trap));
    assert_int_equal(trap, TRAP_MEMORY);
    assert_int_equal(engine_error(world->host.engine)->kind, ERROR_NONE);
    assert_memory_equal(owner->memories[0]->base, "a\0", 2);
    assert_int_equal(owner->memories[0]->base[PAGE - 1], 0);

    wasm_begin(&wasm);
    SECTION(&wasm, TYPES, "\1\x60\0\0");
    SECTION(&wasm, IMPORTS, "\1\1x\1t\1\x70\0\1");
    SECTION(&wasm, FUNCTIONS, "\1\0");
    SECTION(&wasm, ELEMENTS, "\2\0\x41\0\x0b\1\0\0\x41\1\x0b\2\0\0");
    SECTION(&wasm, CODE, "\1\2\0\x0b");
    assert_null(wasm_instance(world, &wasm, &trap));
    assert_int_equal(trap, TRAP_TABLE_ACCESS);
    assert_int_not_equal(owner->tables[0]->elems[0], 0); /* what was put there stays callable */
    assert_int_equal(owner->tables[0]->elems[1], 0);
}

static void empty_segments_may_stand_at_the_end_but_not_behind_it(void **state)
{
    struct world *world = *state;
    struct wasm wasm;
    enum trap trap;
    wasm_begin(&wasm);
    SECTION(&wasm, TABLES, "\1\x70\0\1");
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, ELEMENTS, "\1\0\x41\1\x0b\0");
    SECTION(&wasm, DATA, "\1\0\x41\x80\x80\4\x0b\0");
    wasm_make(world, &wasm);
    wasm_begin(&wasm);
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, DATA, "\1\0\x41\x81\x80\4\x0b\0");
    assert_null(wasm_instance(world, &wasm, &trap));
    assert_int_equal(trap, TRAP_MEMORY);
    wasm_begin(&wasm);
    SECTION(&wasm, MEMORIES, "\1\0\1");
    SECTION(&wasm, DATA, "\1\0\x41\x7f\x0b\1x"); /* offsets are unsigned */
    assert_null(wasm_instance(world, &wasm, &trap));
    assert_int_equal(trap, TRAP_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(empty_module_has_an_instance),
        WORLD_TEST(exports_are_found_by_their_whole_name),
        WORLD_TEST(memory_has_its_initial_pages_and_no_more),
        WORLD_TEST(memory_over_the_limit_is_refused_with_both_numbers),
        WORLD_TEST(table_over_the_limit_is_refused),
        WORLD_TEST(heap_that_ends_is_an_error_at_every_point),
        WORLD_TEST(globals_have_the_values_of_their_expressions),
        WORLD_TEST(arithmetic_of_i32_wraps_to_32_bits),
        WORLD_TEST(deep_expressions_are_evaluated),
        WORLD_TEST(imports_are_shared_with_their_owner),
        WORLD_TEST(host_functions_are_linked_with_their_data),
        WORLD_TEST(missing_imports_are_named_with_their_type),
        WORLD_TEST(imports_of_other_types_are_refused),
        WORLD_TEST(limits_are_those_of_the_moment),
        WORLD_TEST(unlimited_memory_is_not_one_with_a_maximum),
        WORLD_TEST(host_function_of_another_type_is_refused),
        WORLD_TEST(long_names_and_types_are_cut_in_messages),
        WORLD_TEST(the_longest_message_of_imports_is_whole),
        WORLD_TEST(segments_fill_tables_and_memories),
        WORLD_TEST(segments_that_do_not_fit_trap_after_those_before_them),
        WORLD_TEST(empty_segments_may_stand_at_the_end_but_not_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
