/* For engine tests without a compiler: code.c's and trap.c's doubles.  Nothing is a wasm fault. */
#ifndef TESTS_UNIT_ENGINE_DOUBLES_H
#define TESTS_UNIT_ENGINE_DOUBLES_H

#include "engine/inside.h"

bool code_init(struct engine *engine)
{
    (void)engine;
    return true;
}

/* Every function's "code" is its own funcref: tests see that it was given before segments were
 * applied. */
bool code_link(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->module->nfuncs; i++)
        instance->refs[i].code = &instance->refs[i];
    return true;
}

/* What the compiler was told of tables. */
static struct { struct table *table; uint64_t from, n; uint32_t calls; bool refuse; } changed;

bool code_table_changed(struct table *table, uint64_t from, uint64_t n)
{
    changed.table = table;
    changed.from = from;
    changed.n = n;
    changed.calls++;
    return !changed.refuse;
}

bool engine_fault(struct engine *engine, const struct fault *fault, uint64_t *pc, uint64_t *sp)
{
    (void)engine, (void)fault, (void)pc, (void)sp;
    return false;
}

#endif
