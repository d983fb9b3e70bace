/* Validation of the instructions whose types are not fixed by their opcode: blocks, branches,
 * calls, select, globals, tables, references (spec 3.3.1, 3.3.2, 3.3.4 to 3.3.8). */
#include "engine/lib.h"
#include "engine/load/validate.h"

/* ---- scopes ---- */

static struct scope *top(struct checker *c)
{
    return &c->scopes[c->nscopes - 1];
}

static bool scopes_grow(struct checker *c)
{
    uint32_t cap = 2 * c->scopes_cap;
    struct scope *scopes = scratch_alloc(c->engine, cap * sizeof *scopes);
    if (!scopes)
        return false;
    mem_move((uint8_t *)scopes, (const uint8_t *)c->scopes, c->nscopes * sizeof *scopes);
    ENGINE_ASSERT(c->nscopes <= c->scopes_cap && c->scopes_cap < cap);
    c->scopes = scopes;
    c->scopes_cap = cap;
    return true;
}

bool scope_push(struct checker *c, uint8_t op, const struct functype *t)
{
    if (c->nscopes == c->scopes_cap && !scopes_grow(c))
        return false;
    c->floor = c->sp;
    c->scopes[c->nscopes++] = (struct scope){
        .start = t->params, .end = t->results, .nstart = t->nparams, .nend = t->nresults,
        .height = (uint32_t)(c->sp - c->stack), .op = op,
    };
    return t->nparams == 0 || push_all(c, t->params, t->nparams);
}

/* The rest of the block cannot be reached: its stack is as polymorphic as the spec wants it. */
static bool dead(struct checker *c)
{
    top(c)->dead = true;
    c->sp = c->floor;
    return true;
}

/* Takes the block's results off and leaves an empty block. */
static bool results_pop(struct checker *c)
{
    struct scope *f = top(c);
    ENGINE_ASSERT(c->floor == c->stack + f->height);
    if (!pop_all(c, f->end, f->nend))
        return false;
    return c->sp == c->floor ||
           check_fail(c, "type mismatch: values remaining on the stack at the end of a block", NULL,
                      NULL);
}

/* ---- blocks ---- */

static bool block_type(struct checker *c, struct functype *t)
{
    struct reader *r = &c->r;
    *t = (struct functype){ 0 };
    const uint8_t *at = r->at;
    if (at < r->end && (*at & 0xc0) == 0x40) { /* a negative number of one byte */
        r->at++;
        if (*at == 0x40)
            return true;
        t->nresults = 1;
        t->results = at;
        return type_is_value(*at) || type_refuse(c->engine, (uint32_t)(at - r->start), *at);
    }
    int64_t index = reader_s33(r);
    if (r->failed)
        return false;
    if (index < 0)
        return error_set(c->engine, ERROR_MALFORMED, (uint32_t)(at - r->start),
                         "malformed block type");
    if (!check_index(c, "type", (uint32_t)index, c->module->ntypes))
        return false;
    *t = c->module->types[index];
    return true;
}

static bool block(struct checker *c)
{
    struct functype t;
    uint8_t op = (uint8_t)c->op;
    if (!block_type(c, &t) || (op == OP_if_ && !pop(c, VT_I32)) || !pop_all(c, t.params, t.nparams))
        return false;
    return scope_push(c, op, &t);
}

static bool else_(struct checker *c)
{
    struct scope *f = top(c);
    if (f->op != OP_if_) {
        reader_fail(&c->r, c->op_at, "else without if");
        return false;
    }
    if (!results_pop(c))
        return false;
    f->op = OP_else_;
    f->dead = false;
    return push_all(c, f->start, f->nstart);
}

static bool end(struct checker *c)
{
    struct scope f = *top(c);
    if (!results_pop(c))
        return false;
    if (f.op == OP_if_ && (f.nstart != f.nend || !mem_equal(f.start, f.end, f.nend)))
        return check_fail(
            c, "type mismatch: an if without else must have equal parameters and results", NULL,
            NULL);
    if (--c->nscopes == 0) {
        if (c->r.at != c->r.end)
            reader_fail(&c->r, c->r.at, "section size mismatch: bytes follow the end of the body");
        return true;
    }
    c->floor = c->stack + top(c)->height;
    ENGINE_ASSERT(c->floor <= c->sp);
    return push_all(c, f.end, f.nend);
}

/* ---- branches ---- */

struct label { const uint8_t *types; uint32_t n; };

/* What a branch to the label takes along. */
static bool label_read(struct checker *c, struct label *l)
{
    uint32_t depth = reader_u32(&c->r);
    if (c->r.failed || !check_index(c, "label", depth, c->nscopes))
        return false;
    const struct scope *f = &c->scopes[c->nscopes - 1 - depth];
    *l = f->op == OP_loop ? (struct label){ f->start, f->nstart }
                          : (struct label){ f->end, f->nend };
    return true;
}

/* Whether the stack's top fits the label, leaving it there. */
static bool label_fits(struct checker *c, struct label l)
{
    uint8_t *sp = c->sp;
    bool ok = pop_all(c, l.types, l.n); /* popping leaves the values in place */
    c->sp = sp;
    return ok;
}

static bool br(struct checker *c)
{
    struct label l;
    return label_read(c, &l) && pop_all(c, l.types, l.n) && dead(c);
}

static bool br_if(struct checker *c)
{
    struct label l;
    return label_read(c, &l) && pop(c, VT_I32) && pop_all(c, l.types, l.n) &&
           push_all(c, l.types, l.n);
}

/* Steps over labels that take no values, of `most` at most; how many they were. */
static uint32_t labels_skip(struct checker *c, uint32_t most)
{
    const uint8_t *at = c->r.at;
    uint32_t n = most < reader_left(&c->r) ? most : reader_left(&c->r), i = 0;
    for (; i < n && at[i] < 0x80 && at[i] < c->nscopes; i++) {
        const struct scope *f = top(c) - at[i];
        if (f->op == OP_loop ? f->nstart : f->nend)
            break;
    }
    c->r.at += i;
    return i;
}

static bool br_table(struct checker *c)
{
    uint32_t n = reader_u32(&c->r);
    struct label l, last = { NULL, UINT32_MAX };
    if (n > LIMIT_BR_TABLE)
        return error_set(c->engine, ERROR_LIMIT, (uint32_t)(c->op_at - c->r.start),
                         "a br_table of %u labels: this "
                         "engine takes at most %u",
                         n, LIMIT_BR_TABLE);
    if (!pop(c, VT_I32))
        return false;
    for (uint32_t i = 0; i <= n; i++) {
        if (last.n == 0) /* as most tables are */
            i += labels_skip(c, n - i);
        if (!label_read(c, &l))
            return false;
        if (i > 0 && l.n != last.n)
            return check_fail(c, "type mismatch: a br_table's labels must take equally many values",
                              NULL, NULL);
        if (l.types != last.types && !label_fits(c, l))
            return false;
        last = l;
    }
    return dead(c);
}

static bool return_(struct checker *c)
{
    ENGINE_ASSERT(c->nscopes > 0 && c->scopes[0].op == OP_block); /* the body itself */
    return pop_all(c, c->scopes[0].end, c->scopes[0].nend) && dead(c);
}

/* ---- calls ---- */

static bool same_results(struct checker *c, const struct functype *t)
{
    const struct scope *f = &c->scopes[0];
    return (t->nresults == f->nend && mem_equal(t->results, f->end, f->nend)) ||
           check_fail(c, "type mismatch: a tail call must have the results of its function", NULL,
                      NULL);
}

static bool call_type(struct checker *c, uint32_t type)
{
    const struct functype *t = &c->module->types[type];
    if (!pop_all(c, t->params, t->nparams))
        return false;
    if (c->op == OP_return_call || c->op == OP_return_call_indirect)
        return same_results(c, t) && dead(c);
    return push_all(c, t->results, t->nresults);
}

static bool call(struct checker *c)
{
    uint32_t func = reader_u32(&c->r);
    return check_index(c, "function", func, c->module->nfuncs) &&
           call_type(c, c->module->funcs[func].type);
}

static bool call_indirect(struct checker *c)
{
    struct module *m = c->module;
    uint32_t type = reader_u32(&c->r), table = reader_u32(&c->r);
    if (c->r.failed || !check_index(c, "type", type, m->ntypes) ||
        !check_index(c, "table", table, m->ntables))
        return false;
    if (m->tables[table].elem != VT_FUNCREF)
        return check_fail(c, "type mismatch: call_indirect through a table of %s",
                          type_name(m->tables[table].elem), NULL);
    return pop(c, VT_I32) && call_type(c, type);
}

/* ---- values ---- */

static bool drop(struct checker *c)
{
    uint8_t type;
    return pop_any(c, &type);
}

static bool select(struct checker *c)
{
    uint8_t a, b;
    if (!pop(c, VT_I32) || !pop_any(c, &a) || !pop_any(c, &b))
        return false;
    if (type_is_ref(a) || type_is_ref(b))
        return check_fail(c, "type mismatch: select without type takes no references", NULL, NULL);
    if (a != b && a != BOTTOM && b != BOTTOM)
        return check_fail(c, "type mismatch: select of %s and %s", type_name(b), type_name(a));
    push(c, a == BOTTOM ? b : a);
    return true;
}

static bool select_t(struct checker *c)
{
    uint32_t n = reader_u32(&c->r);
    if (n != 1)
        return check_fail(c, "invalid result arity: select takes one type", NULL, NULL);
    uint32_t offset = reader_offset(&c->r);
    uint8_t type = reader_byte(&c->r);
    if (c->r.failed)
        return false;
    if (!type_is_value(type))
        return type_refuse(c->engine, offset, type);
    if (!pop(c, VT_I32) || !pop(c, type) || !pop(c, type))
        return false;
    push(c, type);
    return true;
}

static bool local(struct checker *c)
{
    uint32_t index = reader_u32(&c->r);
    if (!check_index(c, "local", index, c->nlocals))
        return false;
    if (c->op != OP_local_get && !pop(c, c->locals[index]))
        return false;
    if (c->op != OP_local_set)
        push(c, c->locals[index]);
    return true;
}

static bool global_get(struct checker *c)
{
    uint32_t index = reader_u32(&c->r);
    if (!check_index(c, "global", index, c->module->nglobals))
        return false;
    push(c, c->module->globals[index].type);
    return true;
}

static bool global_set(struct checker *c)
{
    uint32_t index = reader_u32(&c->r);
    if (!check_index(c, "global", index, c->module->nglobals))
        return false;
    if (!c->module->globals[index].mutable)
        return check_fail(c, "global is immutable", NULL, NULL);
    return pop(c, c->module->globals[index].type);
}

/* table.get, set, grow, fill: their table's element type stands among the operands. */
static bool table_op(struct checker *c)
{
    uint32_t index = reader_u32(&c->r);
    if (!check_index(c, "table", index, c->module->ntables))
        return false;
    uint8_t elem = c->module->tables[index].elem;
    switch (c->op) {
    case OP_table_get:
        if (!pop(c, VT_I32))
            return false;
        push(c, elem);
        return true;
    case OP_table_set:
        return pop(c, elem) && pop(c, VT_I32);
    case OP_table_fill:
        return pop(c, VT_I32) && pop(c, elem) && pop(c, VT_I32);
    }
    if (!pop(c, VT_I32) || !pop(c, elem))
        return false;
    push(c, VT_I32);
    return true;
}

static bool ref_null(struct checker *c)
{
    uint32_t offset = reader_offset(&c->r);
    uint8_t type = reader_byte(&c->r);
    if (c->r.failed)
        return false;
    if (!type_is_ref(type))
        return type_refuse(c->engine, offset, type);
    push(c, type);
    return true;
}

static bool ref_func(struct checker *c)
{
    struct module *m = c->module;
    uint32_t func = reader_u32(&c->r);
    if (!check_index(c, "function", func, m->nfuncs))
        return false;
    if (!(m->declared_funcs[func / 8] >> func % 8 & 1))
        return check_fail(c, "undeclared function reference", NULL, NULL);
    push(c, VT_FUNCREF);
    return true;
}

bool (*const special_checks[SPECIAL_CHECKS])(struct checker *) = {
    [OP_unreachable] = dead,
    [OP_block] = block,
    [OP_loop] = block,
    [OP_if_] = block,
    [OP_else_] = else_,
    [OP_end] = end,
    [OP_br] = br,
    [OP_br_if] = br_if,
    [OP_br_table] = br_table,
    [OP_return_] = return_,
    [OP_call] = call,
    [OP_return_call] = call,
    [OP_call_indirect] = call_indirect,
    [OP_return_call_indirect] = call_indirect,
    [OP_drop] = drop,
    [OP_select] = select,
    [OP_select_t] = select_t,
    [OP_local_get] = local,
    [OP_local_set] = local,
    [OP_local_tee] = local,
    [OP_global_get] = global_get,
    [OP_global_set] = global_set,
    [OP_table_get] = table_op,
    [OP_table_set] = table_op,
    [OP_table_grow] = table_op,
    [OP_table_fill] = table_op,
    [OP_ref_null] = ref_null,
    [OP_ref_func] = ref_func,
};
