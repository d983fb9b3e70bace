/* The call into wasm: func_call. */
#include "engine/assert.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

/* What a pinned global's register begins with. */
static uint64_t pin_value(const struct instance *i, unsigned k)
{
    if (i->pinned[k] < 0)
        return 0;
    uint64_t lo = i->globals[i->pinned[k]]->lo;
    return pin_is_half(i, k) ? (uint32_t)lo : lo;
}

static enum trap call_code(struct instance *i, uint32_t func, struct cell *cells)
{
    struct engine *e = i->engine;
    const struct functype *t = &i->module->types[i->module->funcs[func].type];
    ENGINE_ASSERT(i->code->entry[func]);
    struct cell stack[t->nparams + 1]; /* nested calls go 1,000 deep: no more than is needed */
    struct activation a = {.code = code_address(e, i->code->entry[func])};
    activation_fill(&a, t, cells, stack);
    ENGINE_ASSERT(a.nstack <= t->nparams);
    for (unsigned k = 0; k < 2; k++)
        a.pin[k] = pin_value(i, k);
    a.base = i->module->nmemories ? (uint64_t)(uintptr_t)i->memories[0]->base : 0;
    bool outermost = e->c_sp == 0;
    if (outermost)
        e->wasm_sp = (uint64_t)(uintptr_t)e->env.stack_hi;
    /* STUB_ENTER must not fault */
    if (e->wasm_sp - (uint64_t)(uintptr_t)e->env.stack_lo < 16 * a.nstack + 8)
        return TRAP_STACK;
    e->trap = TRAP_NONE;
    uint64_t (*enter)(struct activation *) =
        (uint64_t(*)(struct activation *))(uintptr_t)code_address(e, e->code->stub[STUB_ENTER]);
    uint64_t trapped = enter(&a);
    /* after a trap the registers belong to the instance that trapped; the others' cells are right
     * already */
    const struct code_range *r = trapped ? code_find(e, e->trap_pc) : NULL;
    const struct instance *owner = r ? r->instance : i;
    for (unsigned k = 0; k < 2; k++)
        if (owner->pinned[k] >= 0 && !pin_is_half(owner, k))
            owner->globals[owner->pinned[k]]->lo = a.pin[k];
    if (trapped) {
        enum trap trap = (enum trap)e->trap;
        e->trap = TRAP_NONE;
        return trap;
    }
    activation_results(&a, t, &e->code->reach, cells);
    return TRAP_NONE;
}

enum trap func_call(struct instance *i, uint32_t func, struct cell *cells)
{
    if (func < i->module->nimported_funcs) {
        const struct host_func *h = &i->hosts[func];
        return h->fn ? h->fn(h->data, i, cells)
                     : func_call(i->import_funcs[func].from, i->import_funcs[func].index, cells);
    }
    i->engine->trap_pc = 0;
    if (!func_compile(i, func))
        return i->engine->error.kind == ERROR_NOMEM ? TRAP_NOMEM : TRAP_BAD_BODY;
    return call_code(i, func, cells);
}
