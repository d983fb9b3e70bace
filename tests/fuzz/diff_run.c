/* Our side of the differential fuzzer: diff-run [-z] [-w BITS] FILE.wasm...
 *
 *     -z       memory 0 at address 0, as in the guest
 *     -w BITS  without these CPU features (enum engine_cpu)
 *
 * For each module: instantiates it, calls every export with arguments that depend on nothing but
 * their place, and prints what came of it, one line each; tests/fuzz/diff_node.mjs reads these
 * lines, does the same on V8 and says where it differs.
 *
 *   module FILE
 *   call NAME ARGS -> RESULTS            values as i32:HEX i64:HEX f32:HEX f64:HEX, nan for any
 *                                        NaN, ref:0 or ref:1
 *   call NAME ARGS -> trap KIND
 *   global NAME VALUE
 *   memory NAME BYTES HASH
 *   error KIND TEXT | trap KIND          it did not come to an instance
 *
 * Each module runs in a process of its own: a crash or an endless loop costs that one, and is told
 * as `died STATUS`. */
#include "tests/host/env.h"
#include "tests/host/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES  (1ull << 20)
#define MEMORY_LIMIT (4ull << 30)
#define SECONDS_MAX  20
#define CELLS        1024
#define ROUNDS       3 /* calls of each function, with other arguments */

static uint32_t without; /* enum engine_cpu */
static bool zero_base;

struct export_name { char text[256]; enum extern_kind kind; uint32_t index; };

/* ---- values ---- */

static const uint64_t edges[] = {
    0, 1,    UINT64_MAX,         0x8000000080000000, 0x7fffffff7fffffff, 0x3ff000003f800000,
    2, 0x40, 0xffff0000ffff0000, 0xc3e00000cf000000, 0x41efffff4f7fffff, 7
};

static uint64_t argument(uint32_t place, enum valtype type)
{
    uint64_t bits = edges[place % (sizeof edges / sizeof *edges)];
    if (type == VT_F64) /* of NaNs, JavaScript passes on this one only */
        return (bits & INT64_MAX) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
    if (type == VT_F32)
        return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : (uint32_t)bits;
    return type == VT_I32 ? (uint32_t)bits : bits;
}

static void value_print(enum valtype type, struct cell cell)
{
    uint64_t lo = cell.lo;
    if (type == VT_I32)
        printf(" i32:%" PRIx32, (uint32_t)lo);
    else if (type == VT_I64)
        printf(" i64:%" PRIx64, lo);
    else if (type == VT_F32 && (lo & 0x7fffffff) <= 0x7f800000)
        printf(" f32:%" PRIx32, (uint32_t)lo);
    else if (type == VT_F64 && (lo & 0x7fffffffffffffff) <= 0x7ff0000000000000)
        printf(" f64:%" PRIx64, lo);
    else if (type == VT_F32 || type == VT_F64)
        printf(type == VT_F32 ? " f32:nan" : " f64:nan");
    else
        printf(" ref:%d", lo != 0);
}

static bool has_vector(const struct functype *type)
{
    return memchr(type->params, VT_V128, type->nparams) ||
           memchr(type->results, VT_V128, type->nresults);
}

static const char *trap_name(enum trap trap)
{
    static const char *const names[TRAP_COUNT] = {
        [TRAP_UNREACHABLE] = "unreachable",
        [TRAP_MEMORY] = "memory",
        [TRAP_TABLE] = "table",
        [TRAP_NULL_FUNC] = "signature",
        [TRAP_SIGNATURE] = "signature",
        [TRAP_DIV_ZERO] = "zero",
        [TRAP_INT_OVERFLOW] = "overflow",
        [TRAP_BAD_CONVERSION] = "conversion",
        [TRAP_STACK] = "stack",
        [TRAP_NULL_REF] = "null",
        [TRAP_BAD_BODY] = "body",
        [TRAP_NOMEM] = "nomem",
        [TRAP_HOST] = "host",
        [TRAP_TABLE_ACCESS] = "table",
    };
    return names[trap] ? names[trap] : "none";
}

/* ---- imports: functions that return zeros ---- */

struct host_type { uint32_t nresults; };

static enum trap host(void *data, struct instance *caller, struct cell *cells)
{
    const struct host_type *type = data;
    (void)caller;
    for (uint32_t i = 0; i < type->nresults; i++)
        cells[i] = (struct cell){ 0, 0 };
    return TRAP_NONE;
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)module, (void)field;
    if (kind != EXTERN_FUNC)
        return false;
    struct host_type *copy = malloc(sizeof *copy);
    copy->nresults = type->nresults;
    *out = (struct extern_ref){ .kind = kind, .host = { host, copy }, .host_type = *type };
    return true;
}

/* ---- exports, read from the module's bytes: the engine only finds them by name ---- */

static uint32_t leb(const uint8_t **at)
{
    uint32_t value = 0, shift = 0;
    for (;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

static uint32_t exports_read(const uint8_t *bytes, size_t len, struct export_name **out)
{
    const uint8_t *at = bytes + 8, *end = bytes + len;
    while (at < end) {
        uint8_t id = *at++;
        uint32_t size = leb(&at);
        const uint8_t *next = at + size;
        if (id == 7) {
            uint32_t count = leb(&at);
            *out = calloc(count + 1, sizeof **out);
            for (uint32_t i = 0; i < count; i++) {
                uint32_t n = leb(&at);
                snprintf((*out)[i].text, sizeof (*out)[i].text, "%.*s", (int)n, (const char *)at);
                at += n;
                (*out)[i].kind = *at++;
                (*out)[i].index = leb(&at);
            }
            return count;
        }
        at = next;
    }
    return 0;
}

/* ---- one module ---- */

static void call(struct instance *instance, const struct export_name *export, uint32_t round)
{
    static struct cell cells[CELLS];
    const struct functype *type = instance_functype(instance, export->index);
    if (has_vector(type))
        return;
    printf("call %s", export->text);
    for (uint32_t i = 0; i < type->nparams; i++) {
        enum valtype param = type->params[i];
        bool is_ref = param == VT_FUNCREF || param == VT_EXTERNREF;
        cells[i] = (struct cell){ is_ref ? 0 : argument(i * 5 + round * 7 + export->index, param),
                                  0 };
        value_print(param, cells[i]);
    }
    printf(" ->");
    fflush(stdout);
    enum trap trap = func_call(instance, export->index, cells);
    if (trap == TRAP_BAD_BODY)
        printf(" trap body %s", engine_error(instance_engine(instance))->text);
    else if (trap != TRAP_NONE)
        printf(" trap %s", trap_name(trap));
    for (uint32_t i = 0; trap == TRAP_NONE && i < type->nresults; i++)
        value_print(type->results[i], cells[i]);
    printf("\n");
}

static void memory_print(struct instance *instance, const struct export_name *export)
{
    uint64_t bytes;
    const uint8_t *at = instance_memory(instance, export->index, &bytes);
    uint32_t hash = 0;
    for (uint64_t i = 0; i < bytes; i += 4) {
        uint32_t word;
        memcpy(&word, at + i, 4);
        hash = (hash ^ word) * 0x01000193;
        hash ^= hash >> 15;
    }
    printf("memory %s %" PRIu64 " %" PRIx32 "\n", export->text, bytes, hash);
}

static void state_print(struct instance *instance, const struct export_name *exports,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (exports[i].kind == EXTERN_MEMORY)
            memory_print(instance, &exports[i]);
        if (exports[i].kind != EXTERN_GLOBAL)
            continue;
        enum valtype type;
        struct cell *cell = instance_global(instance, exports[i].index, &type);
        if (type == VT_V128)
            continue;
        printf("global %s", exports[i].text);
        value_print(type, *cell);
        printf("\n");
    }
}

static void module_run(const uint8_t *bytes, size_t len)
{
    struct host open;
    enum trap trap = TRAP_NONE;
    uint32_t start;
    struct cell none[1];
    struct export_name *exports = NULL;
    if (!host_open(&open, STACK_BYTES, MEMORY_LIMIT) || (zero_base && !host_zero_base(&open)))
        exit(2);
    open.env.cpu &= ~without;
    open.engine = engine_new(&open.env);
    if (!open.engine)
        exit(2);
    struct module *module = module_parse(open.engine, bytes, len);
    struct instance *instance = NULL;
    if (module && module_validate(open.engine, module))
        instance = instance_new(open.engine, module, resolve, NULL, &trap);
    if (instance && instance_has_start(instance, &start))
        trap = func_call(instance, start, none);
    if (trap != TRAP_NONE)
        printf("trap %s\n", trap_name(trap));
    else if (!instance)
        printf("error %d %s\n", engine_error(open.engine)->kind, engine_error(open.engine)->text);
    if (!instance || trap != TRAP_NONE)
        return;
    uint32_t count = exports_read(bytes, len, &exports);
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < count; i++)
            if (exports[i].kind == EXTERN_FUNC)
                call(instance, &exports[i], round);
    state_print(instance, exports, count);
}

int main(int argc, char **argv)
{
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        zero_base |= strcmp(argv[first], "-z") == 0;
        if (strcmp(argv[first], "-w") == 0 && first + 1 < argc)
            without = (uint32_t)strtoul(argv[++first], NULL, 0);
    }
    for (int i = first; i < argc; i++) {
        size_t len;
        uint8_t *bytes = file_read(argv[i], &len);
        if (!bytes) {
            perror(argv[i]);
            return 2;
        }
        printf("module %s\n", argv[i]);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            alarm(SECONDS_MAX);
            module_run(bytes, len);
            fflush(stdout);
            _exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0)
            return 2;
        if (status != 0)
            printf("\ndied %d\n", status);
        free(bytes);
    }
    return 0;
}
