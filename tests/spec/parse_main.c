/* Parses and validates the modules named on standard input, one path a line, and prints one line for each:
 *     PATH: valid       or       PATH: malformed|invalid|unsupported|limit|nomem: sentence
 * With arguments instead (-t FILE): the parse and validation speed of one module.  For tests/spec/check_modules.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine/inside.h"

#define HEAP_BYTES (2ull << 30)

static uint8_t *heap;

static bool heap_grow(void *self, uint64_t bytes)
{
    (void)self;
    return bytes <= HEAP_BYTES;
}

static uint64_t clock_ns(void *self)
{
    (void)self;
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void engine_fresh(struct engine *e)
{
    if (e->heap_used && madvise(heap, e->env.heap_usable, MADV_DONTNEED) != 0)
        abort();
    memset(e, 0, sizeof *e);
    e->env = (struct engine_env){ .heap = heap, .heap_cap = HEAP_BYTES, .heap_grow = heap_grow, .clock_ns = clock_ns };
}

/* malloc'ed to the byte, so that a sanitizer sees any read past the end. */
static uint8_t *file_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *len = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*len ? *len : 1);
    if (!bytes || fread(bytes, 1, *len, f) != *len) {
        perror(path);
        exit(2);
    }
    fclose(f);
    return bytes;
}

static bool check(struct engine *e, const uint8_t *bytes, size_t len)
{
    struct module *m = module_parse(e, bytes, len);
    return m && module_validate(e, m);
}

static void verdict(struct engine *e, const char *path)
{
    static const char *const kinds[] = { "valid", "malformed", "invalid", "unsupported", "limit", "link", "memory",
                                         "nomem" };
    size_t len;
    uint8_t *bytes = file_read(path, &len);
    engine_fresh(e);
    if (check(e, bytes, len))
        printf("%s: valid\n", path);
    else
        printf("%s: %s: %s\n", path, kinds[e->error.kind], e->error.text);
    free(bytes);
}

static int timing(struct engine *e, const char *path)
{
    size_t len;
    uint8_t *bytes = file_read(path, &len);
    uint64_t parse = UINT64_MAX, validate = UINT64_MAX;
    for (int i = 0; i < 7; i++) {
        engine_fresh(e);
        uint64_t start = clock_ns(NULL);
        struct module *m = module_parse(e, bytes, len);
        uint64_t middle = clock_ns(NULL);
        if (!m || !module_validate(e, m)) {
            printf("%s\n", e->error.text);
            return 1;
        }
        uint64_t end = clock_ns(NULL);
        parse = middle - start < parse ? middle - start : parse;
        validate = end - middle < validate ? end - middle : validate;
    }
    printf("%s: %zu bytes, %llu functions, parse %.3f ms, validate %.3f ms (%.0f MB/s of bodies), heap %llu KiB\n",
           path, len, (unsigned long long)e->stats.funcs_total, (double)parse / 1e6, (double)validate / 1e6,
           (double)e->stats.body_bytes_total * 1e3 / (double)validate, (unsigned long long)e->heap_used >> 10);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    static struct engine engine;
    char path[4096];
    heap = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (heap == MAP_FAILED)
        return 2;
    if (argc == 3 && strcmp(argv[1], "-t") == 0)
        return timing(&engine, argv[2]);
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        verdict(&engine, path);
    }
    return 0;
}
