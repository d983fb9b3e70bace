/* What the shim stands on, played by the test: the control area and linear memory are arrays, a
 * hypercall is a function that records the request, and the engine is three functions.  Calls go
 * the module's way: resolved by name and type, then entered with cells. */
#ifndef TESTS_UNIT_WASI_SHIM_DOUBLE_H
#define TESTS_UNIT_WASI_SHIM_DOUBLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasi-shim/hypercall.h"
#include "wasi-shim/shim.h"

/* what the double answers to a WASI call: NOSYS, which the shim never says itself */
#define FORWARDED_RESULT 52

static union { struct control control; uint8_t bytes[sizeof(struct control) + 4096]; } area;
static struct shim shim;
/* exactly memory_bytes long, so that the sanitizer sees a byte too many */
static uint8_t *memory;
static uint64_t memory_bytes;
static struct engine_stats engine_counters;
static struct { unsigned count; enum call number; unsigned nargs; uint64_t args[SLOT_ARGS]; } hyper;
static uint64_t (*hyper_answer)(enum call, const uint64_t *args); /* NULL: FORWARDED_RESULT */

uint64_t hypercall(struct slot *slot, enum call number, const uint64_t *args, unsigned nargs)
{
    assert_ptr_equal(slot, &area.control.slot);
    hyper.count++;
    hyper.number = number;
    hyper.nargs = nargs;
    memset(hyper.args, 0, sizeof hyper.args);
    if (nargs)
        memcpy(hyper.args, args, nargs * sizeof *args);
    return hyper_answer ? hyper_answer(number, args) : FORWARDED_RESULT;
}

uint64_t hypercall_send(struct slot *slot, enum call number)
{
    static const uint8_t nargs[] = {
#define CALL(name, args, result) [CALL_##name] = ARGS_##name,
#include "wasi-shim/calls.def"
    };
    return hypercall(slot, number, slot->args, nargs[number]);
}

uint8_t *instance_memory(struct instance *instance, uint32_t index, uint64_t *bytes)
{
    (void)instance;
    assert_int_equal(index, 0);
    *bytes = memory_bytes;
    return memory;
}

bool func_begins_used(struct instance *instance, const char *prefix)
{
    (void)instance, (void)prefix;
    return false;
}

struct engine *instance_engine(struct instance *instance)
{
    return (struct engine *)instance;
}

const struct engine_stats *engine_stats(struct engine *engine)
{
    (void)engine;
    return &engine_counters;
}

static inline void double_start(uint64_t bytes, uint32_t flags)
{
    memset(&area, 0, sizeof area);
    memset(&hyper, 0, sizeof hyper);
    hyper_answer = NULL;
    memory_bytes = bytes;
    memory = malloc(bytes);
    memset(memory, 0xee, bytes);
    area.control.boot.flags = flags;
    shim_init(&shim, &area.control);
}

static inline void double_end(void)
{
    free(memory);
    memory = NULL;
}

/* Puts strings behind the control area, NULs included, and returns their offset. */
static inline uint32_t area_put(uint32_t at, const char *strings, uint32_t len)
{
    memcpy(area.bytes + sizeof area.control + at, strings, len);
    return sizeof area.control + at;
}

static inline struct name name_of(const char *text)
{
    return (struct name){(const uint8_t *)text, (uint32_t)strlen(text)};
}

/* A function type from calls.def's letters; the arrays are the caller's. */
static inline struct functype type_of(const char *sig, uint8_t types[16])
{
    struct functype type = {.params = types};
    uint32_t count = 0;
    for (; *sig; sig++) {
        if (*sig == ':')
            type.nparams = count;
        else
            types[count++] = *sig == 'I' ? VT_I64 : *sig == 'f' ? VT_F32 : VT_I32;
    }
    type.results = types + type.nparams;
    type.nresults = count - type.nparams;
    return type;
}

/* Resolves a WASI function and calls it; returns its errno. */
static inline uint64_t wasi_args(const char *name, const char *sig, const uint64_t args[SLOT_ARGS])
{
    uint8_t types[16];
    struct functype type = type_of(sig, types);
    struct extern_ref ref;
    struct cell cells[SLOT_ARGS];
    for (unsigned i = 0; i < SLOT_ARGS; i++)
        cells[i] = (struct cell){.lo = args[i]};
    assert_true(shim_resolve(&shim, name_of("wasi_snapshot_preview1"), name_of(name), EXTERN_FUNC,
                             &type, &ref));
    assert_int_equal(ref.host.fn(ref.host.data, NULL, cells), TRAP_NONE);
    return cells[0].lo;
}

static inline uint64_t wasi(const char *name, const char *sig, uint64_t a, uint64_t b, uint64_t c)
{
    return wasi_args(name, sig, (const uint64_t[SLOT_ARGS]){a, b, c});
}

static inline uint32_t u32_at(uint64_t at)
{
    uint32_t value;
    memcpy(&value, memory + at, sizeof value);
    return value;
}

static inline uint64_t u64_at(uint64_t at)
{
    uint64_t value;
    memcpy(&value, memory + at, sizeof value);
    return value;
}

#endif
