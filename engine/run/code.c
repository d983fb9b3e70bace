/* Code memory, links between functions, and the call into wasm.
 *
 * A function is compiled when it is first called: its trampoline calls stub_lazy, which comes to code_lazy.  From then
 * on the trampoline jumps to the code, and every direct call site seen so far is patched to it.  Code is written at
 * code_w and runs at code_x.  Nothing is freed. */
#include "engine/run/code.h"
#include "engine/ir/ir.h"
#include "engine/lib.h"

#define CODE_STEP (2u << 20)

/* ---- code memory ---- */

uint32_t code_reserve(struct engine *e, uint32_t bytes)
{
    struct code_global *g = e->code;
    uint64_t end = (uint64_t)g->used + bytes;
    if (end > e->env.code_usable) {
        uint64_t want = (end + CODE_STEP - 1) / CODE_STEP * CODE_STEP;
        if (want > e->env.code_cap || !e->env.code_grow(e->env.self, want)) {
            error_set(e, ERROR_NOMEM, 0, "%u MiB of code memory cannot be had", (uint32_t)(want >> 20));
            return 0;
        }
        e->env.code_usable = want;
    }
    uint32_t at = g->used;
    g->used = (uint32_t)end;
    e->stats.code_bytes = g->used;
    return at;
}

bool code_add_range(struct engine *e, struct code_range r)
{
    struct code_global *g = e->code;
    if (g->nranges == g->ranges_cap) {
        uint32_t cap = g->ranges_cap ? 2 * g->ranges_cap : 512;
        struct code_range *ranges = heap_alloc(e, (uint64_t)cap * sizeof *ranges, 8);
        if (!ranges)
            return error_set(e, ERROR_NOMEM, 0, "no heap memory for the list of compiled functions");
        for (uint32_t i = 0; i < g->nranges; i++)
            ranges[i] = g->ranges[i];
        g->ranges = ranges;
        g->ranges_cap = cap;
    }
    g->ranges[g->nranges++] = r;
    return true;
}

const struct code_range *code_find(struct engine *e, uint64_t pc)
{
    const struct code_global *g = e->code;
    uint64_t at = pc - code_address(e, 0);
    uint32_t lo = 0, hi = g->nranges;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (at < g->ranges[mid].start)
            hi = mid;
        else if (at >= g->ranges[mid].end)
            lo = mid + 1;
        else
            return &g->ranges[mid];
    }
    return NULL;
}

static void constants_init(uint8_t *at)
{
    static const uint64_t value[K_COUNT] = {
        [K_ABS64] = 0x7fffffffffffffff, [K_ABS32] = 0x7fffffff,         [K_SIGN64] = 0x8000000000000000,
        [K_SIGN32] = 0x80000000,        [K_TWO63] = 0x43e0000000000000, [K_TWO63F] = 0x5f000000,
    };
    for (unsigned k = 0; k < K_COUNT; k++)
        for (unsigned i = 0; i < 8; i++)
            at[16 * k + i] = (uint8_t)(value[k] >> (8 * i));
}

bool code_init(struct engine *e)
{
    struct code_global *g = e->code = heap_alloc(e, sizeof *g, 16);
    if (!g)
        return false;
    g->constants = heap_alloc(e, 16 * K_COUNT, 16);
    g->results = heap_alloc(e, LIMIT_RESULTS * sizeof *g->results, 16);
    g->used = 64; /* offset 0 means none */
    return g->constants && g->results && (constants_init(g->constants), stubs_init(e));
}

/* ---- per instance ---- */

/* Global 0 (the stack pointer of Go and of clang) and Go's g live in registers where nobody outside can see them. */
static void choose_pins(struct instance *i)
{
    const struct module *m = i->module;
    i->pinned[0] = i->pinned[1] = -1;
    for (uint32_t g = 0; g < 2; g++) {
        uint32_t global = g == 0 ? 0 : 2;
        if (global >= m->nglobals || (g == 1 && m->nglobals < 8))
            continue;
        const struct global_type *t = &m->globals[global];
        if (t->mutable && !t->imported && !t->exported && (t->type == VT_I32 || t->type == VT_I64))
            i->pinned[g] = (int32_t)global;
    }
}

bool code_link(struct instance *i)
{
    struct engine *e = i->engine;
    const struct module *m = i->module;
    struct code_state *s = i->code = heap_alloc(e, sizeof *s, 8);
    if (!s)
        return error_set(e, ERROR_NOMEM, 0, "no heap memory for an instance");
    s->instance = i;
    s->entry = heap_alloc(e, (uint64_t)(m->nfuncs + 1) * 4, 8);
    s->waiting = heap_alloc(e, (uint64_t)(m->nfuncs + 1) * 4, 8);
    if (!s->entry || !s->waiting)
        return error_set(e, ERROR_NOMEM, 0, "no heap memory for an instance");
    s->next = e->code->states;
    e->code->states = s;
    choose_pins(i);
    uint32_t defined = m->nfuncs - m->nimported_funcs;
    e->code->used = (e->code->used + 15) & ~15u;
    s->trampolines = code_reserve(e, defined * TRAMPOLINE_BYTES + 16);
    if (!s->trampolines)
        return false;
    for (uint32_t f = 0; f < defined; f++) {
        uint32_t at = s->trampolines + f * TRAMPOLINE_BYTES;
        stub_trampoline(e, at);
        i->refs[m->nimported_funcs + f].code = (void *)(uintptr_t)code_address(e, at);
    }
    for (uint32_t f = 0; f < m->nimported_funcs; f++) {
        s->entry[f] = stub_import(i, f);
        if (!s->entry[f])
            return false;
        if (i->hosts[f].fn && i->refs[f].instance == i)
            i->refs[f].code = (void *)(uintptr_t)code_address(e, s->entry[f]);
    }
    return true;
}

static uint32_t trampoline(const struct code_state *s, uint32_t func)
{
    return s->trampolines + (func - s->instance->module->nimported_funcs) * TRAMPOLINE_BYTES;
}

uint32_t code_call_target(struct code_state *s, uint32_t func, uint32_t site)
{
    struct engine *e = s->instance->engine;
    if (s->entry[func])
        return s->entry[func];
    if (!site)
        return trampoline(s, func);
    if (s->npool == s->pool_cap) {
        uint32_t cap = s->pool_cap ? 2 * s->pool_cap : 1024;
        struct fixup *pool = heap_alloc(e, (uint64_t)cap * sizeof *pool, 8);
        if (!pool)
            return trampoline(s, func); /* the site keeps going through the trampoline: right, only slower */
        for (uint32_t k = 0; k < s->npool; k++)
            pool[k] = s->pool[k];
        s->pool = pool;
        s->pool_cap = cap;
    }
    s->pool[s->npool] = (struct fixup){site, func, s->waiting[func]};
    s->waiting[func] = ++s->npool;
    return trampoline(s, func);
}

static void write32(struct engine *e, uint32_t at, uint32_t v)
{
    uint8_t *p = code_write(e, at);
    for (int k = 0; k < 4; k++)
        p[k] = (uint8_t)(v >> (8 * k));
}

static void link_waiting(struct code_state *s, uint32_t func, uint32_t code)
{
    struct engine *e = s->instance->engine;
    for (uint32_t k = s->waiting[func]; k; k = s->pool[k - 1].next)
        write32(e, s->pool[k - 1].site, code - (s->pool[k - 1].site + 4));
    s->waiting[func] = 0;
}

/* ---- indirect calls ---- */

/* Each type's table of code addresses is as long as the table: where types are many, memory for all would be types
 * times elements, so the last ones go without. */
#define FAST_TABLES  1024
#define FAST_ENTRIES (4u << 20)

static uint64_t indirect_code(struct instance *caller, uint32_t canon, struct funcref *callee)
{
    struct engine *e = caller->engine;
    if (!callee)
        return code_address(e, e->code->stub_trap[TRAP_NULL_FUNC]);
    if (callee->type != canon)
        return code_address(e, e->code->stub_trap[TRAP_SIGNATURE]);
    if (callee->instance == caller)
        return (uint64_t)(uintptr_t)callee->code;
    struct code_state *s = caller->code;
    for (struct foreign *k = s->foreign; k; k = k->next)
        if (k->ref == callee)
            return code_address(e, k->code);
    struct foreign *k = heap_alloc(e, sizeof *k, 8);
    uint32_t code = k ? stub_foreign(caller, callee) : 0;
    if (!code)
        return code_address(e, e->code->stub_trap[TRAP_NOMEM]);
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
    for (uint64_t i = from; i < from + n; i++)
        f->code[i] = indirect_code(f->caller, f->canon, (struct funcref *)(uintptr_t)t->elems[i]);
    return true;
}

bool code_table_changed(struct table *t, uint64_t from, uint64_t n)
{
    bool ok = true;
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

struct fast_table *code_fast_table(struct code_state *s, struct table *t, uint32_t canon)
{
    for (struct fast_table *f = t->fast; f; f = f->next)
        if (f->caller == s->instance && f->canon == canon)
            return f;
    if (t->nfast == FAST_TABLES || (uint64_t)t->nfast * t->cap > FAST_ENTRIES)
        return NULL;
    struct error kept = s->instance->engine->error;
    struct fast_table *f = fast_new(s, t, canon);
    if (!f) {
        t->nfast = FAST_TABLES;
        s->instance->engine->error = kept;
    }
    return f;
}

uint64_t code_indirect(const struct slow_site *site, uint64_t index)
{
    return indirect_code(site->caller, site->canon, (struct funcref *)(uintptr_t)site->table->elems[index]);
}

/* The first slot of a function in table 0 stops going through its trampoline. */
static void link_slot(struct code_state *s, uint32_t func, uint64_t old, uint64_t code)
{
    if (!s->slot_of || !s->slot_of[func])
        return;
    uint32_t slot = s->slot_of[func] - 1;
    for (struct fast_table *f = s->instance->tables[0]->fast; f; f = f->next)
        if (f->caller == s->instance && slot < f->cap && f->code[slot] == old)
            f->code[slot] = code;
}

/* ---- compilation ---- */

bool code_compile(struct instance *i, uint32_t func, bool record, uint32_t native, uint32_t *wasm_offset)
{
    struct engine *e = i->engine;
    struct code_state *s = i->code;
    struct compile c = {.engine = e, .module = i->module, .instance = i, .func = func, .record = record};
    c.type = &i->module->types[i->module->funcs[func].type];
    scratch_reset(e);
    e->error.kind = ERROR_NONE;
    uint32_t npool = s->npool, offset = 0, bytes = 0;
    char words[FUNC_WORDS];
    if (!build(&c) || !flow(&c) || !color(&c) || !emit(&c, &offset, &bytes)) {
        while (s->npool > npool) { /* call sites that never came to be */
            const struct fixup *f = &s->pool[--s->npool];
            s->waiting[f->func] = f->next;
        }
        if (e->error.kind == ERROR_NONE)
            error_set(e, ERROR_NOMEM, i->module->funcs[func].body, "no memory to compile %s",
                      func_words(i->module, func, words));
        return false;
    }
    if (record) {
        *wasm_offset = i->module->funcs[func].body;
        for (uint32_t k = 0; k < c.nsites && c.sites[k].native <= native; k++)
            *wasm_offset = c.sites[k].pos;
        return true;
    }
    struct code_range r = {offset, offset, offset + bytes, func, c.homes.frame_bytes, i, false};
    if (!code_add_range(e, r))
        return false;
    s->entry[func] = offset;
    uint64_t old = code_address(e, trampoline(s, func)), now = code_address(e, offset);
    link_waiting(s, func, offset);
    stub_jump(e, trampoline(s, func), offset);
    i->refs[func].code = (void *)(uintptr_t)now;
    link_slot(s, func, old, now);
    e->stats.funcs_compiled++;
    e->stats.body_bytes_compiled += i->module->funcs[func].body_len;
    return true;
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
    bool ok = code_compile(i, func, false, 0, NULL);
    e->stats.compile_ns += e->env.clock_ns(e->env.self) - middle;
    return ok;
}

/* Whose trampoline pc is in; NULL: it is in none. */
static struct code_state *trampoline_state(struct engine *e, uint64_t pc)
{
    uint64_t at = pc - code_address(e, 0);
    for (struct code_state *s = e->code->states; s; s = s->next) {
        const struct module *m = s->instance->module;
        if (at >= s->trampolines && at < s->trampolines + (uint64_t)(m->nfuncs - m->nimported_funcs) * TRAMPOLINE_BYTES)
            return s;
    }
    return NULL;
}

bool code_is_trampoline(struct engine *e, uint64_t pc)
{
    return trampoline_state(e, pc) != NULL;
}

uint64_t code_lazy(struct engine *e, uint64_t from)
{
    struct code_state *s = trampoline_state(e, from);
    ENGINE_ASSERT(s); /* only trampolines call stub_lazy */
    uint32_t index = (uint32_t)(from - code_address(e, s->trampolines)) / TRAMPOLINE_BYTES;
    uint32_t func = s->instance->module->nimported_funcs + index;
    if (func_compile(s->instance, func))
        return code_address(e, s->entry[func]);
    e->trap = e->error.kind == ERROR_NOMEM ? TRAP_NOMEM : TRAP_BAD_BODY;
    return 0;
}

uint32_t code_wasm_offset(struct engine *e, const struct code_range *r, uint32_t native)
{
    uint32_t offset = 0;
    struct error kept = e->error;
    if (!code_compile(r->instance, r->func, true, native, &offset))
        offset = r->instance->module->funcs[r->func].body;
    e->error = kept;
    return offset;
}

/* ---- the call into wasm ---- */

static void cell_put(struct cell *c, uint8_t type, uint64_t gpr, struct cell xmm)
{
    enum irtype t = ir_type_of(type);
    *c = type_is_int(t) ? (struct cell){gpr, 0} : xmm;
    if (t == T_I32 || t == T_F32)
        c->lo = (uint32_t)c->lo;
    if (t != T_V128)
        c->hi = 0;
}

static enum trap call_code(struct instance *i, uint32_t func, struct cell *cells)
{
    struct engine *e = i->engine;
    const struct functype *t = &i->module->types[i->module->funcs[func].type];
    struct cell stack[t->nparams + 1]; /* nested calls go 1,000 deep: no more than is needed */
    struct activation a = {.code = code_address(e, i->code->entry[func]), .stack = stack};
    uint32_t ints = 0, floats = 0;
    for (uint32_t p = 0; p < t->nparams; p++) {
        enum irtype type = ir_type_of(t->params[p]);
        uint64_t lo = type == T_I32 || type == T_F32 ? (uint32_t)cells[p].lo : cells[p].lo;
        if (type_is_int(type) && ints < 6)
            a.gpr[ints++] = lo;
        else if (!type_is_int(type) && floats < 8)
            a.xmm[floats++] = (struct cell){lo, cells[p].hi};
        else
            stack[a.nstack++] = (struct cell){lo, cells[p].hi};
    }
    for (int k = 0; k < 2; k++)
        a.pin[k] = i->pinned[k] >= 0 ? i->globals[i->pinned[k]]->lo : 0;
    a.base = i->module->nmemories ? (uint64_t)(uintptr_t)i->memories[0]->base : 0;
    bool outermost = e->c_sp == 0;
    if (outermost)
        e->wasm_sp = (uint64_t)(uintptr_t)e->env.stack_hi;
    if (e->wasm_sp - (uint64_t)(uintptr_t)e->env.stack_lo < 16 * a.nstack + 8) /* stub_enter must not fault */
        return TRAP_STACK;
    e->trap = TRAP_NONE;
    uint64_t (*enter)(struct activation *) =
        (uint64_t(*)(struct activation *))(uintptr_t)code_address(e, e->code->stub_enter);
    uint64_t trapped = enter(&a);
    /* after a trap the registers belong to the instance that trapped; the others' cells are right already */
    const struct code_range *r = trapped ? code_find(e, e->trap_pc) : NULL;
    const struct instance *owner = r ? r->instance : i;
    for (int k = 0; k < 2; k++)
        if (owner->pinned[k] >= 0)
            owner->globals[owner->pinned[k]]->lo = a.pin[k];
    if (trapped) {
        enum trap trap = (enum trap)e->trap;
        e->trap = TRAP_NONE;
        return trap;
    }
    if (t->nresults)
        cell_put(&cells[0], t->results[0], a.rax, a.xmm0);
    for (uint32_t k = 1; k < t->nresults; k++)
        cell_put(&cells[k], t->results[k], e->code->results[k].lo, e->code->results[k]);
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
