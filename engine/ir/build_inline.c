/* A small callee's body in place of its call, in Go's code.
 *
 * Go's call is `i32.const 0; call f; global.get 0; local.set SP; br_if unwind`: f begins at PC_B 0,
 * and returns 0, or 1 where the stack is unwound.  In its place the body of f is built, with
 * locals of its own, whose returns are jumps: 0 leads to what follows, 1 to `unwind`.  The
 * return address is stored as before.  So whoever resumes f later finds it in Go's stack, and
 * calls f itself.
 *
 * What may stand so depends on f's bytes alone: compiled again, a function has the same code. */
#include "engine/ir/build.h"
#include "engine/lib.h"
#include "engine/load/opcodes.h"
#include "engine/x64/target.h"

#define INLINE_BYTES 120 /* of a body: a longer one is called */

static bool is_at(const uint8_t *at, const uint8_t *end, const uint8_t *want, uint32_t n)
{
    return (uint32_t)(end - at) >= n && mem_equal(at, want, n);
}

/* Locals as Go has them, and few: one of 32 bits, then those of 64; then SP's copy is set.  Where
 * the code goes on; NULL: it is another body. */
static const uint8_t *begins_as_go(const uint8_t *at, const uint8_t *end)
{
    static const uint8_t one[] = {1, 1, VT_I32}, two[] = {2, 1, VT_I32},
                         copy[] = {OP_global_get, 0, OP_local_set, 1};
    bool more = is_at(at, end, two, 3);
    if (!more && !is_at(at, end, one, 3))
        return NULL;
    at += 3;
    if (more) {
        if (end - at < 2 || at[0] > INLINE_LOCALS - 2 || at[1] != VT_I64)
            return NULL;
        at += 2;
    }
    return is_at(at, end, copy, 4) ? at : NULL;
}

/* Blocks without values, one loop at most, and the table of PC_B; or nothing of all this. */
static const uint8_t *skip_dispatch(const uint8_t *at)
{
    const uint8_t *start = at;
    uint32_t loops = 0;
    for (; (at[0] == OP_block || at[0] == OP_loop) && at[1] == 0x40; at += 2)
        loops += at[0] == OP_loop;
    if (loops > 1 || at[0] != OP_local_get || at[1] != 0 || at[2] != OP_br_table)
        return start;
    return at + 2;
}

static bool touches_other_memory(const uint8_t *at)
{
    return leb_u32(&at) & 64;
}

/* Scopes around an instruction: a bit each, the innermost lowest; those that are an `if`. */
struct nest {
    uint64_t scopes;
    uint32_t ifs;
};

static void nest_change(struct nest *n, unsigned op)
{
    if (op == OP_if_ || op == OP_block) {
        n->scopes = n->scopes << 1 | (op == OP_if_);
        n->ifs += op == OP_if_;
    } else if (op == OP_end) {
        n->ifs -= n->scopes & 1;
        n->scopes >>= 1;
    }
}

/* An instruction behind the dispatch.  Calls are for what happens seldom: a nil pointer. */
static bool may_be_inlined(const struct build *b, unsigned op, const struct nest *nest)
{
    switch (op) {
    case OP_loop:
    case OP_br_table:
    case OP_call_indirect:
    case OP_return_call:
    case OP_return_call_indirect:
        return false;
    case OP_call:
        return nest->ifs > 0;
    case OP_memory_copy:
        return b->at[0] == 0 && b->at[1] == 0;
    case OP_memory_fill:
        return b->at[0] == 0;
    default:
        break;
    }
    if (op >= PLAIN_OPS)
        return false;
    const struct plain_op *p = &plain_ops[op];
    bool access = p->how == P_LOAD || p->how == P_STORE;
    return p->how != P_NONE && p->how != P_ROUND && !(access && touches_other_memory(b->at));
}

/* Of a valid body. */
static bool has_fit_code(const struct build *b, const uint8_t *code, const uint8_t *end)
{
    struct build look = {
        .c = b->c, .bytes = b->bytes, .at = skip_dispatch(code), .end = end};
    struct nest nest = {0, 0};
    if (*look.at == OP_br_table) {
        look.at++;
        build_skip_immediates(&look, OP_br_table);
    }
    while (look.at < end) {
        unsigned op = *look.at++;
        if (op >= 0xfc)
            op = (op == 0xfc ? 0x100 : 0x200) + build_u32(&look);
        nest_change(&nest, op);
        if (!may_be_inlined(&look, op, &nest))
            return false;
        build_skip_immediates(&look, op);
    }
    return true;
}

static bool looks_fit(struct build *b, uint32_t idx)
{
    struct compile *c = b->c;
    struct module *m = c->module;
    const struct func *f = &m->funcs[idx];
    const uint8_t *end = m->bytes + f->body + f->body_len,
                  *code = begins_as_go(m->bytes + f->body, end);
    if (!code || func_never_zero(m, idx)) /* one that panics is seldom called */
        return false;
    if (!body_validate_here(c->engine, m, idx)) { /* it is called, and then found */
        if (c->engine->error.kind == ERROR_NOMEM)
            c->failed = true;
        else
            c->engine->error.kind = ERROR_NONE;
        return false;
    }
    return has_fit_code(b, code + 4, end);
}

/* What was found of a function is kept. */
static bool is_fit(struct build *b, uint32_t idx)
{
    struct module *m = b->c->module;
    const struct func *f = &m->funcs[idx];
    if (idx == b->c->func || !target_zero_call(b->c->instance, &m->types[f->type]))
        return false;
    uint8_t *known = &m->inlines[idx - m->nimported_funcs];
    if (*known == INLINE_UNFIT)
        return false;
    module_want(m, f->body, f->body_len); /* also where it is known, by an image */
    if (*known == INLINE_UNKNOWN) {
        bool fit = looks_fit(b, idx);
        if (b->c->failed)
            return false;
        *known = fit ? INLINE_FIT : INLINE_UNFIT;
    }
    return *known == INLINE_FIT;
}

/* A function grows by an eighth, or by one callee: its compilation takes no longer. */
static bool has_room(const struct build *b, const struct func *callee)
{
    const struct func *caller = &b->c->module->funcs[b->c->func];
    return b->inlined + callee->body_len <= INLINE_BYTES + caller->body_len / 8;
}

/* What follows a call of Go's, and the depth that it leaves by. */
static bool unwinds(const struct build *b, uint32_t *depth, const uint8_t **behind)
{
    const uint8_t *at = b->at;
    if (at[0] != OP_global_get || at[1] != 0 || at[2] != OP_local_set || at[3] != 1 ||
        at[4] != OP_br_if)
        return false;
    at += 5;
    *depth = leb_u32(&at);
    *behind = at;
    const struct ctl *f = &b->ctl[b->nctl - 1 - *depth];
    return f->kind != OP_loop && f->kind != 0 && f->nresults == 0;
}

static void locals_begin(struct build *b, const uint8_t *locals)
{
    struct body *body = &b->c->body;
    uint32_t more = locals[0] == 2 ? locals[3] : 0, v = body->first_inline;
    uint32_t zero = build_const(b, T_I64, 0);
    build_set(b, v, (struct opnd){build_const(b, T_I32, 0), T_I32});
    for (v += 2; more; more--, v++)
        build_set(b, v, (struct opnd){zero, T_I64});
    b->first_local = body->first_inline;
}

bool build_inline(struct build *b, uint32_t idx)
{
    struct compile *c = b->c;
    struct body *body = &c->body;
    uint32_t depth;
    uint64_t imm;
    const uint8_t *behind;
    const struct func *f = &c->module->funcs[idx];
    if (idx < c->module->nimported_funcs || f->body_len > INLINE_BYTES || b->in.bottom ||
        body->mirror != 1 || body->first_inline == body->first_stack || b->sp != 1 ||
        !build_is_const(b, b->stack[0].r, &imm) || imm != 0 || !unwinds(b, &depth, &behind) ||
        !is_fit(b, idx) || !has_room(b, f))
        return false;
    if (!GROW(c, body->inlines, body->ninlines + 1))
        return false;
    const uint8_t *locals = b->bytes + f->body;
    body->inlines[body->ninlines++] = (struct inlining){.first = body->nnodes, .pos = build_pos(b)};
    b->inlined += f->body_len;
    build_pop(b);
    build_slot_forget(b);
    locals_begin(b, locals);
    b->at = behind;
    build_enter(b, locals + (locals[0] == 2 ? 5 : 3), locals + f->body_len, depth);
    return true;
}
