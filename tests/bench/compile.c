/* Compile speed on the host: compile FILE.wasm [REPEAT].  Parses, validates and compiles every
 * function, REPEAT times in fresh engines, and prints the best run: bytes of bodies per second of
 * CPU, bytes of code, heap bytes. */
#include "tests/host/env.h"
#include "tests/host/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static enum trap no_host(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    return TRAP_HOST;
}

static bool resolve_any(void *self, struct name module, struct name field, enum extern_kind kind,
                        const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)module, (void)field;
    if (kind != EXTERN_FUNC)
        return false;
    *out = (struct extern_ref){.kind = kind, .host = {no_host, NULL}, .host_type = *type};
    return true;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double run(const unsigned char *bytes, size_t len, bool print)
{
    struct host host;
    if (!host_open_engine(&host, HOST_STACK_BYTES, HOST_MEMORY_LIMIT))
        exit(2);
    struct engine *e = host.engine;
    double start = cpu_seconds();
    struct module *m = module_parse(e, bytes, len);
    enum trap trap = TRAP_NONE;
    struct instance *i = m ? instance_new(e, m, resolve_any, NULL, &trap) : NULL;
    uint32_t n = 0, failed = 0;
    if (i)
        for (; instance_functype(i, n); n++)
            failed += !func_compile(i, n);
    double seconds = cpu_seconds() - start;
    const struct engine_stats *s = engine_stats(e);
    if (print)
        printf("%u functions, %u failed (%s), %.2f MB of bodies in %.3f s: %.1f MB/s; code %.2f "
               "MB, heap %.2f MB\n",
               n, failed, engine_error(e)->text, (double)s->body_bytes_compiled / 1e6, seconds,
               (double)s->body_bytes_compiled / 1e6 / seconds, (double)s->code_bytes / 1e6,
               (double)s->heap_bytes / 1e6);
    host_close(&host);
    return seconds;
}

int main(int argc, char **argv)
{
    size_t len;
    unsigned char *bytes = argc > 1 ? file_read(argv[1], &len) : NULL;
    if (!bytes) {
        fprintf(stderr, "compile: %s cannot be read\n", argc > 1 ? argv[1] : "no file");
        return 2;
    }
    int repeat = argc > 2 ? atoi(argv[2]) : 1;
    for (int k = 1; k < repeat; k++)
        run(bytes, len, true);
    run(bytes, len, true);
    free(bytes);
    return 0;
}
