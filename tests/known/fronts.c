/* Fronts (engine/x64/front.c) against the bodies that they stand before:
 *
 *     fronts FILE.wasm [CALLS]   every function of a Go program that is recognised
 *     fronts -s FILE.wasm NAME   the numbers for known.def of the functions of this name
 *
 * Memory 0 lies at address 0.  Each function is called CALLS times (20,000) with arguments made at
 * random: every alignment, lengths around the sizes of blocks, ranges that end at memory's end and
 * behind it, numbers that no Go program passes.  Then its plain body takes the front's place, and
 * the same calls must have the same traps, answers and bytes in memory.  Go's runtime is not set
 * up, so what panics ends in a trap, and few calls do.  Status 3: memory cannot lie there. */
#include "tests/host/env.h"
#include "tests/host/file.h"
#include "tests/known/calls.h"

#include "engine/lib.h"
#include "engine/run/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MOST = 20000, G_FIRST = 8, G_BYTES = 1024, STACK_SEEN = 4096 };

struct outcome {
    enum trap trap;
    uint32_t sp;
    uint64_t answer, memory;
};

static enum trap never_called(void *data, struct instance *caller, struct cell *cells)
{
    (void)data, (void)caller, (void)cells;
    fprintf(stderr, "fronts: an import was called\n");
    exit(1);
}

static bool resolve(void *self, struct name module, struct name field, enum extern_kind kind,
                    const struct functype *type, struct extern_ref *out)
{
    (void)self, (void)module, (void)field;
    *out = (struct extern_ref){.kind = kind, .host = {never_called, NULL}, .host_type = *type};
    return kind == EXTERN_FUNC;
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "fronts: %s: %s\n", what, why);
    exit(1);
}

static uint64_t bytes_hash(const uint8_t *bytes, uint64_t count)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (uint64_t k = 0; k < count; k += 8)
        h = (h ^ *(const unaligned64 *)(bytes + k)) * 0x100000001b3u, h ^= h >> 29;
    return h;
}

static uint32_t ncalls = CALLS_MOST;
static uint8_t *before; /* all of memory */

/* As it was when this was called first, in case that a body did what it should not. */
static void memory_restore(struct memory *m)
{
    if (before)
        memcpy(m->base, before, m->bytes);
    else if ((before = malloc(m->bytes)))
        memcpy(before, m->base, m->bytes);
    else
        fail("memory", "cannot be had");
}

/* A panic without a runtime may panic again and again, on a stack that takes all of memory. */
static void memory_after_panic(struct memory *m)
{
    uint64_t at = m->bytes - CALL_ARENA - CALL_ASIDE - STACK_SEEN;
    if (memcmp(m->base + at, before + at, STACK_SEEN) != 0)
        memory_restore(m);
}

static struct outcome call(struct instance *i, uint32_t func, enum front what, uint32_t number)
{
    struct call c;
    uint8_t *end = i->memories[0]->base + i->memories[0]->bytes;
    call_make(&c, what, number, end);
    memset(i->memories[0]->base + G_FIRST, 0, G_BYTES); /* g is null: its stack guard */
    if (known_slice(i, func, what))
        call_reduction(known_slice(i, func, what), end);
    enum valtype type;
    struct cell *sp = instance_global(i, 0, &type);
    sp->lo = c.sp;
    instance_global(i, 2, &type)->lo = 0; /* g, which a panic changes */
    if (c.context)
        instance_global(i, 1, &type)->lo = c.context;
    struct outcome o = {.trap = func_call(i, func, c.cells)};
    o.sp = (uint32_t)sp->lo;
    o.answer = o.trap == TRAP_NONE ? c.cells[0].lo : 0;
    if (i->module->types[i->module->funcs[func].type].results[0] == VT_I32)
        o.answer = (uint32_t)o.answer;
    if (c.sp) /* what a body leaves there is nobody's */
        memset((uint8_t *)(uintptr_t)c.sp - CALL_FRAME, 0, CALL_FRAME);
    o.memory = bytes_hash(end - CALL_ARENA - CALL_ASIDE, CALL_ARENA + CALL_ASIDE);
    if (o.trap != TRAP_NONE)
        memory_after_panic(i->memories[0]);
    return o;
}

static bool function_check(struct instance *i, uint32_t func, enum front what, const char *name)
{
    static struct outcome with[CALLS_MOST];
    uint32_t traps = 0;
    memory_restore(i->memories[0]);
    for (uint32_t k = 0; k < ncalls; k++)
        with[k] = call(i, func, what, k);
    struct piece piece;
    if (!code_compile(i, func, false, &piece) || !code_install_func(i->code, func, &piece))
        fail(name, "cannot be compiled");
    memory_restore(i->memories[0]);
    for (uint32_t k = 0; k < ncalls; k++) {
        struct outcome o = call(i, func, what, k);
        traps += o.trap != TRAP_NONE;
        if (memcmp(&o, &with[k], sizeof o) == 0)
            continue;
        printf("%s: call %u differs: with the front %s, sp %#x, answer %#llx; without %s, sp %#x, "
               "answer %#llx%s\n",
               name, k, trap_text(with[k].trap), with[k].sp, (unsigned long long)with[k].answer,
               trap_text(o.trap), o.sp, (unsigned long long)o.answer,
               o.memory == with[k].memory ? "" : ", and memory");
        return false;
    }
    printf("%s: %u calls, %u traps: as without the front\n", name, ncalls, traps);
    return true;
}

static int all_check(struct instance *i)
{
    uint32_t found = 0, failed = 0;
    char name[200];
    for (uint32_t f = i->module->nimported_funcs; f < i->module->nfuncs; f++) {
        enum front what = known_find(i, f);
        if (what == FRONT_NONE)
            continue;
        func_name(i, f, name, sizeof name);
        found++;
        failed += !function_check(i, f, what, name);
        memory_restore(i->memories[0]); /* with the tables that are looked for */
    }
    printf("%u found, %u failed\n", found, failed);
    return failed || !found;
}

static int shapes_print(struct instance *i, const char *wanted)
{
    char name[200];
    for (uint32_t f = i->module->nimported_funcs; f < i->module->nfuncs; f++) {
        struct body_shape s;
        func_name(i, f, name, sizeof name);
        if (strcmp(name, wanted) != 0 || !body_shape(i->module, f, &s))
            continue;
        printf("0x%016llx %s: %u bytes, %u calls, linked", (unsigned long long)s.hash, name,
               i->module->funcs[f].body_len, s.ncalls);
        for (uint32_t k = 0; k < s.nlinked; k++)
            if (s.linked[k] >> 16 != (int64_t)f - i->module->nimported_funcs + 0x1000)
                printf(" %#llx", (unsigned long long)s.linked[k]);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct host host;
    bool shapes = argc == 4 && strcmp(argv[1], "-s") == 0;
    if (argc == 3)
        ncalls = (uint32_t)strtoul(argv[2], NULL, 10);
    if ((argc != 2 && argc != 3 && !shapes) || ncalls == 0 || ncalls > CALLS_MOST)
        fail("usage", "fronts FILE.wasm [CALLS] | fronts -s FILE.wasm NAME");
    const char *path = argv[shapes ? 2 : 1];
    size_t len;
    unsigned char *bytes = file_read(path, &len);
    if (!bytes || !host_open(&host, HOST_STACK_BYTES, HOST_MEMORY_LIMIT))
        fail(path, "cannot be read");
    if (!host_zero_base(&host))
        return 3;
    host.engine = engine_new(&host.env);
    enum trap trap = TRAP_NONE;
    struct module *m = host.engine ? module_parse(host.engine, bytes, len) : NULL;
    struct instance *i = m ? instance_new(host.engine, m, resolve, NULL, &trap) : NULL;
    if (!i || !module_validate(host.engine, m))
        fail(path, engine_error(host.engine)->text);
    return shapes ? shapes_print(i, argv[3]) : all_check(i);
}
