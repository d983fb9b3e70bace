/* wasm-dump: how the compiler sees a module's functions.
 *
 *   wasm-dump [-w CPU] [-b] WHAT FILE.wasm [FUNC...]
 *
 * WHAT: build, flow, color, code, several with commas between; ir: the first three; all.  FUNC: a
 * number or a name; all that the module defines, where there is none.  All is as in a guest, whose
 * memory 0 lies at address 0 (-b: it lies elsewhere), with a CPU that has everything (-w: bits of
 * enum engine_cpu). */
#include "tests/dump/dump.h"
#include "tests/host/env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU_ALL                                                                                    \
    (ENGINE_SSE41 | ENGINE_SSE42 | ENGINE_POPCNT | ENGINE_LZCNT | ENGINE_BMI1 | ENGINE_BMI2 |      \
     ENGINE_AVX | ENGINE_SSSE3)

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "wasm-dump: %s: %s\n", what, why);
    exit(1);
}

static bool name_is(struct name name, const char *what)
{
    return name.len == strlen(what) && memcmp(name.bytes, what, name.len) == 0;
}

/* Imports are never called: functions do, and globals that have a plain type; others are refused.
 */
static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)module, (void)field;
    if (kind != EXTERN_FUNC)
        return false;
    *out =
        (struct extern_ref){ .kind = kind, .host = { (host_fn)abort, NULL }, .host_type = *type };
    return true;
}

static unsigned passes_of(const char *what)
{
    unsigned passes = 0;
    char copy[64];
    snprintf(copy, sizeof copy, "%s", what);
    for (char *word = strtok(copy, ","); word; word = strtok(NULL, ",")) {
        unsigned before = passes;
        if (strcmp(word, "ir") == 0 || strcmp(word, "all") == 0)
            passes |= 1u << DUMP_BUILD | 1u << DUMP_FLOW | 1u << DUMP_COLOR |
                      (word[0] == 'a' ? 1u << DUMP_CODE : 0);
        for (unsigned pass = 0; pass < DUMP_PASSES; pass++)
            if (strcmp(word, dump_pass_names[pass]) == 0)
                passes |= 1u << pass;
        if (passes == before)
            fail(word, "no pass of this name (build, flow, color, code, ir, all)");
    }
    return passes;
}

static unsigned char *file_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        fail(path, "cannot be read");
    *len = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*len + 1);
    if (!bytes || fread(bytes, 1, *len, f) != *len)
        fail(path, "cannot be read");
    fclose(f);
    return bytes;
}

static uint32_t func_find(struct instance *i, const char *what)
{
    char *end, name[256];
    uint32_t first = i->module->nimported_funcs, n = i->module->nfuncs;
    unsigned long number = strtoul(what, &end, 10);
    if (*what && !*end && number >= first && number < n)
        return (uint32_t)number;
    for (uint32_t f = first; f < n; f++)
        if (name_is((struct name){ (uint8_t *)name, (uint32_t)func_name(i, f, name, sizeof name) },
                    what))
            return f;
    fail(what, "no function of this name or number is defined");
}

static void dump(struct instance *i, uint32_t func, unsigned passes)
{
    const char *why = i->engine->error.text;
    if (!body_validate(i->engine, i->module, func) || !dump_function(stdout, i, func, passes))
        fail("cannot be compiled", *why ? why : "no memory");
}

int main(int argc, char **argv)
{
    uint32_t cpu = CPU_ALL;
    bool zero_base = true;
    for (int option; (option = getopt(argc, argv, "w:b")) != -1;) {
        if (option == 'w')
            cpu = (uint32_t)strtoul(optarg, NULL, 0);
        else if (option == 'b')
            zero_base = false;
        else
            return 2;
    }
    if (argc - optind < 2) {
        fprintf(
            stderr,
            "usage: wasm-dump [-w CPU] [-b] build,flow,color,code|ir|all FILE.wasm [FUNC...]\n");
        return 2;
    }
    unsigned passes = passes_of(argv[optind++]);
    size_t len;
    unsigned char *bytes = file_read(argv[optind], &len);
    struct host host;
    if (!host_open(&host, HOST_STACK_BYTES, HOST_MEMORY_LIMIT))
        fail("memory", "cannot be had");
    host.env.cpu = cpu;
    struct engine *e = host.engine = engine_new(&host.env);
    struct module *m = e ? module_parse(e, bytes, len) : NULL;
    enum trap trap = TRAP_NONE;
    struct instance *i = m ? instance_new(e, m, resolve, NULL, &trap) : NULL;
    if (!i)
        fail(argv[optind], e && e->error.text[0] ? e->error.text : trap_text(trap));
    i->zero_base = zero_base && m->nmemories > 0;
    if (++optind == argc)
        for (uint32_t f = m->nimported_funcs; f < m->nfuncs; f++)
            dump(i, f, passes);
    for (; optind < argc; optind++)
        dump(i, func_find(i, argv[optind]), passes);
    host_close(&host);
    free(bytes);
    return 0;
}
