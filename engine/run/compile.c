/* A function's way from body to installed code, when it is first called.
 *
 * Its trampoline calls STUB_LAZY, which comes to code_lazy.  compile is a function of the body and
 * of what the instance looks like: it changes nothing that is seen, so that a piece of code can be
 * made again, to be looked at only. */
#include "engine/assert.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

/* Tables of code addresses may bring thunks, which are installed before this function is. */
static void indirect_prepare(const struct compile *c)
{
    for (uint32_t i = 0; i < c->body.nby_table; i++) {
        const struct node *n = &c->body.nodes[c->body.by_table[i]];
        code_indirect_prepare(c->instance->code, c->instance->tables[n->table],
                              c->module->canon[n->idx]);
    }
}

bool code_compile(struct instance *i, uint32_t func, bool positions, struct piece *out)
{
    struct engine *e = i->engine;
    const struct func *f = &i->module->funcs[func];
    struct compile c = {
        .engine = e, .module = i->module, .instance = i, .func = func, .want_positions = positions
    };
    c.type = &i->module->types[f->type];
    module_want(i->module, f->body, f->body_len);
    scratch_reset(e);
    e->error.kind = ERROR_NONE;
    if (build(&c) && flow(&c) && color(&c) && cold_last(&c)) {
        indirect_prepare(&c);
        if (emit(&c, &e->code->reach, out))
            return true;
    }
    char words[FUNC_WORDS];
    if (e->error.kind == ERROR_NONE)
        error_set(e, ERROR_NOMEM, f->body, "no memory to compile %s",
                  func_words(i->module, func, words));
    return false;
}

bool code_replace(struct instance *i, uint32_t func)
{
    ENGINE_ASSERT(func >= i->module->nimported_funcs && func < i->module->nfuncs);
    struct piece piece, front;
    module_want(i->module, i->module->funcs[func].body, i->module->funcs[func].body_len);
    enum front known = known_find(i, func); /* first: it may validate another function */
    if (!code_compile(i, func, false, &piece))
        return false;
    if (known == FRONT_NONE)
        return code_install_func(i->code, func, &piece);
    uint32_t body = code_install(i->code, &piece,
                                 &(struct code_range){ .func = func, .instance = i });
    if (!body || !front_emit(i, known, code_address(i->engine, body + piece.entry),
                             known_slice(i, func, known), &front))
        return false;
    i->engine->stats.funcs_known++;
    i->engine->stats.known_kinds |= 1ull << (known - 1);
    return code_install_front(i->code, func, &front);
}

bool func_compile(struct instance *i, uint32_t func)
{
    struct engine *e = i->engine;
    struct module *m = i->module;
    if (i->code->entry[func]) /* compiled, or an import: its thunk */
        return true;
    uint64_t start = e->env.clock_ns(e->env.self);
    if (!m->valid[func - m->nimported_funcs] && !body_validate(e, m, func))
        return false;
    uint64_t middle = e->env.clock_ns(e->env.self);
    e->stats.validate_ns += middle - start;
    bool ok = code_replace(i, func);
    e->stats.compile_ns += e->env.clock_ns(e->env.self) - middle;
    if (!ok)
        return false;
    if (func < e->env.compiled_cap)
        e->env.compiled[func / 8] |= (uint8_t)(1u << func % 8);
    e->stats.funcs_compiled++;
    e->stats.body_bytes_compiled += m->funcs[func].body_len;
    return true;
}

bool func_begins_used(struct instance *i, const char *prefix)
{
    uint32_t func = i->module->nimported_funcs;
    while ((func = func_named(i->module, prefix, func)) != UINT32_MAX && !i->code->entry[func])
        func++;
    return func != UINT32_MAX;
}

uint32_t func_begins(struct instance *i, const char *prefix, uint32_t from)
{
    return func_named(i->module, prefix, from);
}

uint64_t code_lazy(struct engine *e, uint64_t from)
{
    uint32_t func;
    struct instance *i = code_trampoline_at(e, from, &func);
    ENGINE_ASSERT(i); /* only trampolines call STUB_LAZY */
    if (func_compile(i, func))
        return code_address(e, i->code->entry[func]);
    e->trap = e->error.kind == ERROR_NOMEM ? TRAP_NOMEM : TRAP_BAD_BODY;
    return 0;
}

uint32_t code_wasm_offset(struct engine *e, const struct code_range *r, uint32_t native,
                          uint32_t *call)
{
    struct piece piece;
    struct error kept = e->error;
    uint32_t offset = r->instance->module->funcs[r->func].body;
    *call = 0;
    if (code_compile(r->instance, r->func, true, &piece))
        for (uint32_t k = 0; k < piece.nmarks && piece.marks[k].native <= native; k++)
            if (piece.marks[k].kind == MARK_AT) {
                offset = piece.marks[k].pos;
                *call = piece.marks[k].call;
            }
    e->error = kept;
    return offset;
}
