/* Code memory: pieces of code at their places, and the links between functions.
 *
 * A piece is installed as a whole or not at all: what can fail comes first.  From the time when a
 * function is installed its trampoline jumps to it, and every call site seen so far is patched to
 * it; call sites are kept, so that a function can be replaced.  Code is written at code_w and runs
 * at code_x.  Nothing is freed: replaced code may be running. */
#include "engine/assert.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"

#define CODE_STEP (2u << 20)

/* ---- room ---- */

/* Makes the region usable up to `end`; false: cannot be had (sticky in engine->error). */
static bool region_reach(struct engine *e, uint64_t end)
{
    if (end <= e->env.code_usable)
        return true;
    uint64_t want = (end + CODE_STEP - 1) / CODE_STEP * CODE_STEP;
    if (want > e->env.code_cap || !e->env.code_grow(e->env.self, want))
        return error_set(e, ERROR_NOMEM, 0, "%u MiB of code memory cannot be had",
                         (uint32_t)(want >> 20));
    e->env.code_usable = want;
    return true;
}

static void region_used(struct engine *e, uint32_t end)
{
    ENGINE_ASSERT(end >= e->code->used && end <= e->env.code_usable);
    e->code->used = end;
    e->stats.code_bytes = end;
}

/* Where what comes next may stand. */
static uint32_t region_next(const struct engine *e)
{
    return (e->code->used + 15) & ~15u;
}

/* Room for one more range. */
static bool ranges_reach(struct engine *e)
{
    struct code_global *g = e->code;
    if (g->nranges < g->ranges_cap)
        return true;
    uint32_t cap = g->ranges_cap ? 2 * g->ranges_cap : 512;
    struct code_range *ranges = heap_alloc(e, (uint64_t)cap * sizeof *ranges, 8);
    if (!ranges)
        return error_set(e, ERROR_NOMEM, 0, "no heap memory for the list of compiled functions");
    for (uint32_t i = 0; i < g->nranges; i++)
        ranges[i] = g->ranges[i];
    g->ranges = ranges;
    g->ranges_cap = cap;
    return true;
}

/* ---- call sites: in chunks, each as large as all before it, so that none moves; each function's
 * are a list ---- */

static uint32_t chunk_of(uint32_t k)
{
    return k < SITES_FIRST ? 0 : 32 - (uint32_t)__builtin_clz(k / SITES_FIRST);
}

static uint32_t chunk_start(uint32_t chunk)
{
    return chunk ? SITES_FIRST << (chunk - 1) : 0;
}

static struct call_site *site_at(const struct code_state *s, uint32_t k)
{
    ENGINE_ASSERT(k < s->nsites);
    return &s->site_chunks[chunk_of(k)][k - chunk_start(chunk_of(k))];
}

static bool is_link(const struct reloc *r)
{
    return r->kind == RELOC_CALL || r->kind == RELOC_CALL_ZERO || r->kind == RELOC_TAIL;
}

/* Room for the piece's call sites. */
static bool sites_reach(struct code_state *s, const struct piece *p)
{
    uint32_t need = s->nsites;
    for (uint32_t k = 0; k < p->nrelocs; k++)
        need += is_link(&p->relocs[k]);
    for (uint32_t c = 0; chunk_start(c) < need; c++) {
        ENGINE_ASSERT(c < SITE_CHUNKS);
        uint64_t bytes = (chunk_start(c + 1) - chunk_start(c)) * sizeof(struct call_site);
        if (!s->site_chunks[c] && !(s->site_chunks[c] = heap_alloc(s->instance->engine, bytes, 8)))
            return false;
    }
    return true;
}

/* A jump that had to go through the trampoline stays as it is. */
static void sites_remember(struct code_state *s, const struct piece *p, uint32_t at)
{
    for (uint32_t k = 0; k < p->nrelocs; k++) {
        const struct reloc *r = &p->relocs[k];
        if (!is_link(r) || (r->kind == RELOC_TAIL && !s->entry[r->to]))
            continue;
        uint32_t number = s->nsites++;
        *site_at(s, number) = (struct call_site){ .at = (at + r->site) & INT32_MAX,
                                                  .zero = r->kind == RELOC_CALL_ZERO,
                                                  .next = s->sites[r->to] };
        s->sites[r->to] = number + 1;
    }
}

/* ---- pieces ---- */

static uint32_t trampoline(const struct code_state *s, uint32_t func)
{
    ENGINE_ASSERT(func >= s->instance->module->nimported_funcs &&
                  func < s->instance->module->nfuncs);
    return s->trampolines + (func - s->instance->module->nimported_funcs) * TRAMPOLINE_BYTES;
}

/* Where a call goes now: to the function, or to its trampoline. */
static uint64_t call_target(const struct code_state *s, uint32_t func, bool zero)
{
    struct engine *e = s->instance->engine;
    uint32_t entry = zero ? s->zero_entry[func] : s->entry[func];
    if (!entry)
        entry = trampoline(s, func) + (zero ? 0 : TRAMPOLINE_ENTRY);
    return code_address(e, entry);
}

static uint64_t reloc_target(struct engine *e, const struct code_state *s, const struct reloc *r)
{
    switch ((enum reloc_kind)r->kind) {
    case RELOC_ADDRESS:
    case RELOC_CODE:
        return r->to;
    case RELOC_STUB:
        ENGINE_ASSERT(r->to < STUB_COUNT && e->code->stub[r->to]);
        return code_address(e, e->code->stub[r->to]);
    case RELOC_CALL:
    case RELOC_CALL_ZERO:
    case RELOC_TAIL:
        return call_target(s, (uint32_t)r->to, r->kind == RELOC_CALL_ZERO);
    }
    __builtin_trap();
}

static void piece_write(struct engine *e, const struct code_state *s, const struct piece *p,
                        uint32_t at)
{
    uint8_t *out = code_write(e, at);
    uint64_t runs_at = code_address(e, at);
    piece_copy(p, out);
    for (uint32_t k = 0; k < p->nrelocs; k++)
        piece_link(p, &p->relocs[k], out, runs_at, reloc_target(e, s, &p->relocs[k]));
    piece_placed(p, out, runs_at);
}

uint32_t code_install(struct code_state *s, const struct piece *p, const struct code_range *as)
{
    struct engine *e = s->instance->engine;
    uint32_t at = region_next(e);
    ENGINE_ASSERT(p->room >= p->bytes);
    if (!region_reach(e, (uint64_t)at + p->room) || !ranges_reach(e) || !sites_reach(s, p))
        return 0;
    region_used(e, at + p->room);
    piece_write(e, s, p, at);
    sites_remember(s, p, at);
    struct code_range *r = &e->code->ranges[e->code->nranges++];
    ENGINE_ASSERT(e->code->nranges == 1 || r[-1].end <= at); /* code_find relies on it */
    *r = *as;
    r->start = at;
    r->end = at + p->bytes;
    r->frame = p->frame;
    return at;
}

static bool install_as(struct code_state *s, uint32_t func, const struct piece *p, bool is_thunk)
{
    struct instance *i = s->instance;
    struct engine *e = i->engine;
    uint32_t at = code_install(
        s, p, &(struct code_range){ .func = func, .instance = i, .is_thunk = is_thunk });
    if (!at)
        return false;
    ENGINE_ASSERT(p->entry < p->bytes);
    uint64_t old = (uint64_t)(uintptr_t)i->refs[func].code, now = code_address(e, at + p->entry);
    s->entry[func] = at + p->entry;
    s->zero_entry[func] = p->zero_entry ? at : 0;
    for (uint32_t k = s->sites[func]; k; k = site_at(s, k - 1)->next) {
        const struct call_site *site = site_at(s, k - 1);
        call_patch(code_write(e, site->at), code_address(e, site->at),
                   call_target(s, func, site->zero));
    }
    trampoline_jump(code_write(e, trampoline(s, func)), code_address(e, trampoline(s, func)), now);
    i->refs[func].code = (void *)(uintptr_t)now;
    code_slot_changed(s, func, old, now);
    return true;
}

bool code_install_func(struct code_state *s, uint32_t func, const struct piece *p)
{
    return install_as(s, func, p, false);
}

bool code_install_front(struct code_state *s, uint32_t func, const struct piece *front)
{
    return install_as(s, func, front, true);
}

/* ---- once ---- */

static bool stubs_install(struct engine *e)
{
    struct code_global *g = e->code;
    struct piece p;
    if (!stubs_emit(e, &g->reach, g->stub, &p))
        return false;
    uint32_t at = region_next(e);
    if (!region_reach(e, (uint64_t)at + p.room) || !ranges_reach(e))
        return false;
    for (uint32_t k = 0; k < STUB_COUNT; k++)
        g->stub[k] += at;
    region_used(e, at + p.room);
    piece_write(e, NULL, &p, at);
    /* Who is interrupted in one of these is no C: its caller's frame lies under the return address.
     */
    uint32_t leaves = g->stub[STUB_COPY];
    ENGINE_ASSERT(leaves < g->stub[STUB_FILL] && g->stub[STUB_FILL] < at + p.bytes);
    g->ranges[g->nranges++] =
        (struct code_range){ .start = leaves, .end = at + p.bytes, .is_thunk = true };
    return true;
}

bool code_init(struct engine *e)
{
    struct code_global *g = e->code = heap_alloc(e, sizeof *g, 16);
    if (!g)
        return false;
    g->reach = (struct reach){.constants = heap_alloc(e, CONSTANT_BYTES, 16),
                              .results = heap_alloc(e, LIMIT_RESULTS * sizeof(struct cell), 16),
                              .indirect = code_indirect,
                              .lazy = code_lazy,
                              .look_up = code_look_up};
    g->used = 64; /* offset 0 means none */
    if (!g->reach.constants || !g->reach.results)
        return false;
    constants_fill(g->reach.constants);
    return stubs_install(e);
}

/* ---- per instance ---- */

/* Global 0 (the stack pointer of Go and of clang) and Go's g live in registers where nobody outside
 * can see them. */
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

static bool trampolines_new(struct code_state *s)
{
    struct instance *i = s->instance;
    struct engine *e = i->engine;
    const struct module *m = i->module;
    uint32_t defined = m->nfuncs - m->nimported_funcs, at = region_next(e);
    if (!region_reach(e, (uint64_t)at + defined * TRAMPOLINE_BYTES + 16))
        return false;
    region_used(e, at + defined * TRAMPOLINE_BYTES + 16);
    s->trampolines = at;
    for (uint32_t f = m->nimported_funcs; f < m->nfuncs; f++) {
        at = trampoline(s, f);
        trampoline_write(code_write(e, at), code_address(e, at),
                         code_address(e, e->code->stub[STUB_LAZY]));
        i->refs[f].code = (void *)(uintptr_t)code_address(e, at + TRAMPOLINE_ENTRY);
    }
    return true;
}

/* What calls of an import call. */
static bool import_thunk(struct code_state *s, uint32_t func)
{
    struct instance *i = s->instance;
    struct engine *e = i->engine;
    const struct funcref *callee = instance_ref(i, func);
    bool is_host = i->hosts[func].fn != NULL;
    struct piece p;
    scratch_reset(e);
    if (!(is_host ? thunk_host(i, func, &e->code->reach, &p) : thunk_foreign(i, callee, &p)))
        return false;
    struct code_range as = {.func = is_host ? func : callee->index,
                            .instance = is_host ? i : callee->instance,
                            .is_thunk = true};
    s->entry[func] = code_install(s, &p, &as);
    if (s->entry[func] && is_host && i->refs[func].instance == i)
        i->refs[func].code = (void *)(uintptr_t)code_address(e, s->entry[func]);
    return s->entry[func] != 0;
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
    s->zero_entry = heap_alloc(e, (uint64_t)(m->nfuncs + 1) * 4, 8);
    s->sites = heap_alloc(e, (uint64_t)(m->nfuncs + 1) * 4, 8);
    if (!s->entry || !s->zero_entry || !s->sites)
        return error_set(e, ERROR_NOMEM, 0, "no heap memory for an instance");
    s->next = e->code->states;
    e->code->states = s;
    choose_pins(i);
    if (!trampolines_new(s))
        return false;
    for (uint32_t f = 0; f < m->nimported_funcs; f++)
        if (!import_thunk(s, f))
            return false;
    return true;
}

/* ---- questions ---- */

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

struct instance *code_trampoline_at(struct engine *e, uint64_t pc, uint32_t *func)
{
    uint64_t at = pc - code_address(e, 0);
    for (struct code_state *s = e->code->states; s; s = s->next) {
        const struct module *m = s->instance->module;
        uint64_t bytes = (uint64_t)(m->nfuncs - m->nimported_funcs) * TRAMPOLINE_BYTES;
        if (at >= s->trampolines && at < s->trampolines + bytes) {
            *func = m->nimported_funcs + (uint32_t)(at - s->trampolines) / TRAMPOLINE_BYTES;
            return s->instance;
        }
    }
    return NULL;
}
