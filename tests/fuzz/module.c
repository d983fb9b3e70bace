/* Fuzz target: bytes -> parsed, validated, instantiated with whatever is imported, every function
 * compiled.  No wasm code runs here; tests/fuzz/diff.py compares what it does.
 *
 * What is demanded besides AddressSanitizer's and UBSan's silence: a refusal has a kind and one
 * line of text; the validator says of a module what it says of its functions one by one; a valid
 * function compiles, and compiles again to learn offsets; the heap stays below a bound that is
 * linear in the input's length.  One input in eight gets a small heap, so that memory runs out
 * everywhere; and fuzz_without_memory has each allocation fail, one at a time.
 *
 * All memory is mapped once, the engine made once; after a run both are brought back to what they
 * were then: a run costs some ten microseconds.  Emitted code is decoded again (tests/check/). */
#include "engine/run/code.h"
#include "tests/fuzz/heap.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEAP_BYTES   (128ull << 20)
#define CODE_BYTES   (8ull << 20)
#define MEMORY_LIMIT (1ull << 20)
#define MEMORY_SLOT  (MEMORY_LIMIT + (64ull << 10))
#define MEMORIES     32
#define NAME_CAP     40
#define INPUT_MAX    (1u << 20)
#define STUBS_MAX    (16u << 10)

/* Scratch for one function: so much for each of the input's bytes, and a floor (large br_tables and
 * many locals are told in few bytes: 50,000 locals take about 200 bytes each). */
#define SCRATCH_BYTE  (4u << 10)
#define SCRATCH_FLOOR (32u << 20)

static struct space { uint8_t *heap, *code, *memories; uint32_t nmemories; uint64_t used[MEMORIES];
                      uint8_t stubs[STUBS_MAX]; uint32_t nstubs; } space;

__attribute__((noreturn, format(printf, 1, 2))) static void finding(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "finding: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    abort();
}

/* ---- the engine's surroundings ---- */

static bool grow(void *self, uint64_t bytes)
{
    (void)self, (void)bytes;
    return !fuzz_heap_fails();
}

static bool memory_open(void *self, uint64_t max_bytes, uint8_t **base)
{
    (void)self, (void)max_bytes;
    if (space.nmemories == MEMORIES || fuzz_heap_fails())
        return false;
    space.used[space.nmemories] = 0;
    *base = space.memories + MEMORY_SLOT * space.nmemories++;
    return true;
}

static bool memory_grow(void *self, uint8_t *base, uint64_t old_bytes, uint64_t new_bytes)
{
    (void)self;
    if (fuzz_heap_fails())
        return false;
    ASAN_UNPOISON_MEMORY_REGION(base + old_bytes, new_bytes - old_bytes);
    space.used[(uint64_t)(base - space.memories) / MEMORY_SLOT] = new_bytes;
    return true;
}

static uint64_t clock_ns(void *self)
{
    (void)self;
    return 0;
}

static struct engine_env env_of(uint64_t heap, uint32_t cpu)
{
    return (struct engine_env){ .heap = space.heap,
                                .heap_cap = heap,
                                .heap_usable = heap,
                                .heap_grow = grow,
                                .code_w = space.code,
                                .code_x = space.code,
                                .code_cap = CODE_BYTES,
                                .code_usable = CODE_BYTES,
                                .code_grow = grow,
                                .memory_open = memory_open,
                                .memory_grow = memory_grow,
                                .memory_limit = MEMORY_LIMIT,
                                .stack_lo = space.code,
                                .stack_hi = space.code,
                                .clock_ns = clock_ns,
                                .cpu = cpu };
}

static void space_open(void)
{
    uint64_t bytes = HEAP_BYTES + CODE_BYTES + MEMORIES * MEMORY_SLOT;
    uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        finding("no address space");
    space = (struct space){ .heap = at,
                            .code = at + HEAP_BYTES,
                            .memories = at + HEAP_BYTES + CODE_BYTES };
    fuzz_heap_open(space.heap, HEAP_BYTES);
    ASAN_POISON_MEMORY_REGION(space.memories, MEMORIES * MEMORY_SLOT);
    struct engine_env env = env_of(HEAP_BYTES, 0);
    struct engine *engine = engine_new(&env);
    if (!engine || engine->code->used > STUBS_MAX)
        finding("no engine");
    space.nstubs = engine->code->used;
    memcpy(space.stubs, space.code, space.nstubs);
    fuzz_heap_keep(engine);
}

static void space_reset(struct engine *engine)
{
    memset(space.code, 0, engine->code->used);
    memcpy(space.code, space.stubs, space.nstubs);
    for (uint32_t i = 0; i < space.nmemories; i++) {
        if (space.used[i] > 0)
            madvise(space.memories + i * MEMORY_SLOT, MEMORY_SLOT, MADV_DONTNEED);
        ASAN_POISON_MEMORY_REGION(space.memories + i * MEMORY_SLOT, MEMORY_SLOT);
    }
    space.nmemories = 0;
    fuzz_heap_reset(engine);
}

/* ---- imports: a module that exports one of each, and a host function of any type ---- */

/* Tables of 16 to 16 elements ("f", "e"), a memory of 1 to 1 pages ("m"), globals of every type. */
static const uint8_t provider_wasm[] = {
    0,    'a',  's',  'm',  1,    0,    0,    0,    4,    9,    2,    0x70, 1,    16,   16,
    0x6f, 1,    16,   16,   5,    4,    1,    1,    1,    1,    6,    123,  14,   0x7f, 0,
    0x41, 7,    0x0b, 0x7e, 0,    0x42, 7,    0x0b, 0x7d, 0,    0x43, 0,    0,    0,    0,
    0x0b, 0x7c, 0,    0x44, 0,    0,    0,    0,    0,    0,    0,    0,    0x0b, 0x70, 0,
    0xd0, 0x70, 0x0b, 0x6f, 0,    0xd0, 0x6f, 0x0b, 0x7b, 0,    0xfd, 12,   0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x0b, 0x7f,
    1,    0x41, 7,    0x0b, 0x7e, 1,    0x42, 7,    0x0b, 0x7d, 1,    0x43, 0,    0,    0,
    0,    0x0b, 0x7c, 1,    0x44, 0,    0,    0,    0,    0,    0,    0,    0,    0x0b, 0x70,
    1,    0xd0, 0x70, 0x0b, 0x6f, 1,    0xd0, 0x6f, 0x0b, 0x7b, 1,    0xfd, 12,   0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x0b,
};

struct imports { const struct module *module; struct instance *provider; uint32_t next[4]; };

static enum trap no_host(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    return TRAP_HOST;
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    static const uint8_t types[] = { VT_I32,     VT_I64,       VT_F32, VT_F64,
                                     VT_FUNCREF, VT_EXTERNREF, VT_V128 };
    struct imports *imports = self;
    uint32_t index = imports->next[kind]++;
    (void)module, (void)field;
    *out = (struct extern_ref){ .kind = kind, .from = imports->provider };
    if (kind == EXTERN_FUNC) {
        *out = (struct extern_ref){ .kind = kind, .host = { no_host, NULL }, .host_type = *type };
        return true;
    }
    if (kind == EXTERN_TABLE)
        out->index = imports->module->tables[index].elem == VT_EXTERNREF;
    for (uint32_t i = 0; kind == EXTERN_GLOBAL && i < sizeof types; i++)
        if (types[i] == imports->module->globals[index].type)
            out->index = i + (imports->module->globals[index].mutable ? sizeof types : 0);
    return imports->provider != NULL;
}

static struct instance *instantiate(struct engine *engine, struct module *module, enum trap *trap)
{
    struct imports imports = { .module = module };
    if (module->nimported_globals + module->nimported_tables + module->nimported_memories > 0) {
        struct module *provider = module_parse(engine, provider_wasm, sizeof provider_wasm);
        imports.provider = provider ? instance_new(engine, provider, resolve, &imports, trap)
                                    : NULL;
        if (!imports.provider)
            return NULL;
    }
    return instance_new(engine, module, resolve, &imports, trap);
}

/* ---- one input ---- */

static void error_check(struct engine *engine, const char *where, size_t len)
{
    const struct error *error = engine_error(engine);
    size_t text = strnlen(error->text, ERROR_TEXT);
    if (error->kind == ERROR_NONE)
        finding("%s: refused without a reason", where);
    if (text == 0 || text == ERROR_TEXT || strchr(error->text, '\n'))
        finding("%s: the message is not one line: %s", where, error->text);
    if (error->offset > len)
        finding("%s: offset %u of %zu bytes", where, error->offset, len);
}

static bool out_of_memory(struct engine *engine)
{
    enum error_kind kind = engine_error(engine)->kind;
    return kind == ERROR_NOMEM || kind == ERROR_MEMORY;
}

/* Who misses memory says so; these words come where nobody did.  A function's name may have them,
 * too. */
static bool is_unsaid(const struct error *error)
{
    static const char words[] = "no memory to compile ";
    return error->kind == ERROR_NOMEM && strncmp(error->text, words, sizeof words - 1) == 0;
}

/* What the validator says of the module; UNKNOWN: it ran out of memory before it knew. */
enum verdict { INVALID, UNKNOWN, VALID };

static void functions_compile(struct engine *engine, struct instance *instance,
                              enum verdict verdict, size_t len)
{
    const struct module *module = instance->module;
    bool all = true;
    for (uint32_t func = module->nimported_funcs; func < module->nfuncs; func++) {
        char name[NAME_CAP];
        if (func_name(instance, func, name, sizeof name) >= sizeof name ||
            strlen(name) >= sizeof name)
            finding("the name of function %u is too long", func);
        engine->error = (struct error){ .kind = ERROR_NONE };
        bool done = func_compile(instance, func);
        if (fuzz_scratch_used() > SCRATCH_FLOOR + SCRATCH_BYTE * len)
            finding("function %u took %llu bytes of scratch memory", func,
                    (unsigned long long)fuzz_scratch_used());
        if (!done)
            error_check(engine, "compile", len);
        if (done && engine->error.kind != ERROR_NONE)
            finding("function %u is compiled, in spite of an error: %s", func,
                    engine_error(engine)->text);
        if (!done && is_unsaid(engine_error(engine)))
            finding("function %u: whose memory is missing is not said", func);
        if (!done && fuzz_heap_failed() && !func_compile(instance, func) && verdict == VALID)
            finding("function %u does not compile once there is memory: %s", func,
                    engine_error(engine)->text);
        enum error_kind kind = engine_error(engine)->kind;
        if (!done && verdict == VALID && (kind == ERROR_INVALID || kind == ERROR_MALFORMED))
            finding("the module is valid, function %u is not: %s", func,
                    engine_error(engine)->text);
        all = all && (done || out_of_memory(engine));
    }
    const struct code_global *code = engine->code;
    if (code->nranges > 0 && !code->ranges[code->nranges - 1].is_thunk)
        code_wasm_offset(engine, &code->ranges[code->nranges - 1], UINT32_MAX, &(uint32_t){0});
    if (all && verdict == INVALID)
        finding("the module is not valid, but all its functions are");
}

static void run(struct engine *engine, const uint8_t *bytes, size_t len, bool zero_base)
{
    enum trap trap = TRAP_NONE;
    struct module *module = module_parse(engine, bytes, len);
    if (!module) {
        error_check(engine, "parse", len);
        return;
    }
    bool valid = module_validate(engine, module);
    enum verdict verdict = valid ? VALID : out_of_memory(engine) ? UNKNOWN : INVALID;
    if (!valid)
        error_check(engine, "validate", len);
    struct instance *instance = instantiate(engine, module, &trap);
    if (instance) {
        instance->zero_base = zero_base && module->nmemories > 0; /* none of its code is run */
        functions_compile(engine, instance, verdict, len);
    } else if (trap == TRAP_NONE) {
        error_check(engine, "instance", len);
    }
}

#define CPU_ALL 0x1fff

struct place { uint64_t heap; uint32_t cpu; bool zero_base; };

static void input(const uint8_t *data, size_t len, struct place place, uint32_t fail_at)
{
    if (!space.heap)
        space_open();
    struct engine *engine = (struct engine *)space.heap;
    engine->env = env_of(place.heap, place.cpu);
    uint8_t *bytes = malloc(len ? len : 1); /* so that what lies behind the input is poisoned */
    memcpy(bytes, data, len);
    fuzz_heap_fail_at(fail_at);
    if (fail_at) /* memory for code is asked for, too */
        engine->env.code_usable = engine->code->used;
    if (len <= INPUT_MAX)
        run(engine, bytes, len, place.zero_base);
    space_reset(engine);
    free(bytes);
}

/* Each allocation fails once; how many there were. */
uint32_t fuzz_without_memory(const uint8_t *data, size_t len);
uint32_t fuzz_without_memory(const uint8_t *data, size_t len)
{
    uint32_t n = 0;
    do
        input(data, len, (struct place){HEAP_BYTES, CPU_ALL, true}, ++n);
    while (fuzz_heap_failed());
    return n - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t hash = (uint32_t)len;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 0x01000193;
    struct place place = {
        .heap = hash >> 29 ? HEAP_BYTES : (64ull << 10) + (hash >> 5 & 0x7fff0),
        .cpu = hash >> 2 & CPU_ALL,
        .zero_base = hash >> 15 & 3, /* as in the guest; elsewhere one in four */
    };
    input(data, len, place, 0);
    return 0;
}
