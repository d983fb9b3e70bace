/* Calls through tables: code addresses for each (table, type, caller), thunks to other instances'
 * functions. */
#include "engine/assert.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

/* Each type's table of code addresses is as long as the table: where types are many, memory for all
 * would be types times elements, so the last ones go without. */
#define FAST_TABLES  1024
#define FAST_ENTRIES (4u << 20)

static uint32_t foreign_thunk(struct instance *caller, const struct funcref *callee)
{
    struct piece thunk;
    struct code_range as = {.func = callee->index, .instance = callee->instance, .is_thunk = true};
    return thunk_foreign(caller, callee, &thunk) ? code_install(caller->code, &thunk, &as) : 0;
}

static uint64_t indirect_code(struct instance *caller, uint32_t canon, struct funcref *callee)
{
    struct engine *e = caller->engine;
    if (!callee)
        return code_address(e, e->code->stub[STUB_TRAP + TRAP_NULL_FUNC]);
    if (callee->type != canon)
        return code_address(e, e->code->stub[STUB_TRAP + TRAP_SIGNATURE]);
    if (callee->instance == caller)
        return (uint64_t)(uintptr_t)callee->code;
    struct code_state *s = caller->code;
    for (struct foreign *k = s->foreign; k; k = k->next)
        if (k->ref == callee)
            return code_address(e, k->code);
    struct foreign *k = heap_alloc(e, sizeof *k, 8);
    uint32_t code = k ? foreign_thunk(caller, callee) : 0;
    if (!code)
        return code_address(e, e->code->stub[STUB_TRAP + TRAP_NOMEM]);
    *k = (struct foreign){callee, code, s->foreign};
    s->foreign = k;
    return code_address(e, code);
}

static bool fast_fill(struct fast_table *f, const struct table *t, uint64_t from, uint64_t n)
{
    if (t->size > f->cap) {
        uint64_t cap = t->cap;
        uint64_t *code = heap_alloc(f->caller->engine, (cap + 1) * 8, 16);
        if (!code)
            return false;
        for (uint64_t i = 0; f->code && i < from; i++)
            code[i] = f->code[i];
        f->code = code;
        f->cap = cap;
    }
    ENGINE_ASSERT(from + n <= t->size && t->size <= f->cap);
    for (uint64_t i = from; i < from + n; i++)
        f->code[i] = indirect_code(f->caller, f->canon, (struct funcref *)(uintptr_t)t->elems[i]);
    return true;
}

bool code_table_changed(struct table *t, uint64_t from, uint64_t n)
{
    bool ok = true;
    ENGINE_ASSERT(from + n >= from && from + n <= t->size);
    if (t->fast)
        scratch_reset(t->fast->caller->engine); /* for thunks; nothing is being compiled */
    for (struct fast_table *f = t->fast; f; f = f->next)
        ok &= fast_fill(f, t, from, n);
    return ok;
}

static void remember_slots(struct code_state *s, const struct table *t)
{
    const struct instance *i = s->instance;
    if (s->slot_of || i->module->ntables == 0 || t != i->tables[0])
        return;
    s->slot_of = heap_alloc(i->engine, (uint64_t)(i->module->nfuncs + 1) * 4, 8);
    for (uint64_t k = 0; s->slot_of && k < t->size; k++) {
        const struct funcref *f = (const struct funcref *)(uintptr_t)t->elems[k];
        if (f && f->instance == i && !s->slot_of[f->index])
            s->slot_of[f->index] = (uint32_t)k + 1;
    }
}

static struct fast_table *fast_new(struct code_state *s, struct table *t, uint32_t canon)
{
    struct engine *e = s->instance->engine;
    struct fast_table *f = heap_alloc(e, sizeof *f, 8);
    if (!f)
        return NULL;
    *f = (struct fast_table){.caller = s->instance, .canon = canon, .next = t->fast};
    f->code = heap_alloc(e, ((uint64_t)t->cap + 1) * 8, 16);
    f->cap = t->cap;
    if (!f->code || !fast_fill(f, t, 0, t->size))
        return NULL;
    t->fast = f;
    t->nfast++;
    remember_slots(s, t);
    return f;
}

static struct fast_table *fast_find(const struct code_state *s, const struct table *t,
                                    uint32_t canon)
{
    for (struct fast_table *f = t->fast; f; f = f->next)
        if (f->caller == s->instance && f->canon == canon)
            return f;
    return NULL;
}

void code_indirect_prepare(struct code_state *s, struct table *t, uint32_t canon)
{
    if (fast_find(s, t, canon) || t->nfast == FAST_TABLES ||
        (uint64_t)t->nfast * t->cap > FAST_ENTRIES)
        return;
    struct error kept = s->instance->engine->error;
    if (!fast_new(s, t, canon))
        t->nfast = FAST_TABLES;
    s->instance->engine->error = kept; /* what could not be had is done without */
}

struct indirect code_indirect(struct instance *caller, struct table *t, uint32_t canon)
{
    struct fast_table *f = fast_find(caller->code, t, canon);
    if (f)
        return (struct indirect){.table = &f->code};
    struct slow_site *slow = heap_alloc(caller->engine, sizeof *slow, 8);
    if (slow)
        *slow = (struct slow_site){caller, t, canon};
    return (struct indirect){.slow = slow};
}

uint64_t code_look_up(const void *slow, uint64_t index)
{
    const struct slow_site *site = slow;
    ENGINE_ASSERT(index < site->table->size); /* compiled code has looked */
    return indirect_code(site->caller, site->canon,
                         (struct funcref *)(uintptr_t)site->table->elems[index]);
}

/* The first slot of a function in table 0 stops going through its trampoline. */
void code_slot_changed(struct code_state *s, uint32_t func, uint64_t old, uint64_t code)
{
    if (!s->slot_of || !s->slot_of[func])
        return;
    uint32_t slot = s->slot_of[func] - 1;
    for (struct fast_table *f = s->instance->tables[0]->fast; f; f = f->next)
        if (f->caller == s->instance && slot < f->cap && f->code[slot] == old)
            f->code[slot] = code;
}
