/* Validation of function bodies (spec 3.3 and 3.4.1, by the algorithm of the appendix).
 *
 * One pass over the bytes with two explicit stacks in scratch memory: types of operands, and the
 * scopes of open blocks. Most instructions are checked by their row of opcodes.def alone; those
 * whose types depend on immediates have code. Never recursive.  Linear in the body's length, but
 * for a factor of LIMIT_PARAMS at most with calls and blocks of many values.
 *
 * Uses the scratch memory from its start and resets it: no one else may hold any while a body is
 * validated. */
#include "engine/lib.h"
#include "engine/load/validate.h"

#define FIRST_SCOPES 64u

/* ---- failing ---- */

bool check_fail(struct checker *c, const char *format, const char *a, const char *b)
{
    return error_set(c->engine, ERROR_INVALID, (uint32_t)(c->op_at - c->r.start), format, a, b);
}

bool check_index(struct checker *c, const char *what, uint32_t index, uint32_t count)
{
    if (index < count)
        return true;
    return error_set(c->engine, ERROR_INVALID, (uint32_t)(c->op_at - c->r.start), "unknown %s %u",
                     what, index);
}

/* ---- the operand stack ---- */

/* n more values fit besides those of the invariant. */
static bool stack_room(struct checker *c, uint32_t n)
{
    size_t need = (size_t)n + reader_left(&c->r) + STACK_ROOM;
    if ((size_t)(c->stack_end - c->sp) >= need)
        return true;
    size_t used = (size_t)(c->sp - c->stack), cap = 2 * used + need;
    uint8_t *stack = scratch_alloc(c->engine, STACK_UNDER + cap);
    if (!stack)
        return false;
    stack += STACK_UNDER;
    mem_move(stack, c->stack, used);
    c->floor = stack + (c->floor - c->stack);
    c->sp = stack + used;
    c->stack = stack;
    c->stack_end = stack + cap;
    ENGINE_ASSERT(c->floor <= c->sp && (size_t)(c->stack_end - c->sp) >= need);
    return true;
}

static bool mismatch(struct checker *c, uint8_t want, uint8_t got)
{
    return check_fail(c, "type mismatch: expected %s, found %s", type_name(want), type_name(got));
}

bool pop_slow(struct checker *c, uint8_t want)
{
    if (c->sp == c->floor)
        return c->scopes[c->nscopes - 1].dead ||
               check_fail(c, "type mismatch: expected %s, but the operand stack is empty",
                          type_name(want), NULL);
    uint8_t got = *--c->sp;
    return got == want || got == BOTTOM || mismatch(c, want, got);
}

bool pop_any(struct checker *c, uint8_t *type)
{
    *type = BOTTOM;
    if (c->sp > c->floor)
        *type = *--c->sp;
    else if (!c->scopes[c->nscopes - 1].dead)
        return check_fail(c, "type mismatch: expected a value, but the operand stack is empty",
                          NULL, NULL);
    return true;
}

bool pop_many(struct checker *c, const uint8_t *types, uint32_t n)
{
    if ((size_t)(c->sp - c->floor) >= n && mem_equal(c->sp - n, types, n)) {
        c->sp -= n;
        return true;
    }
    while (n)
        if (!pop(c, types[--n]))
            return false;
    return true;
}

bool push_many(struct checker *c, const uint8_t *types, uint32_t n)
{
    if (!stack_room(c, n))
        return false;
    mem_move(c->sp, types, n);
    c->sp += n;
    ENGINE_ASSERT(c->sp <= c->stack_end);
    return true;
}

/* ---- immediates of plain instructions ---- */

static uint32_t memory_count(const struct checker *c)
{
    return c->module->nmemories;
}

/* Where there is but one memory, its index is a reserved zero byte, as WebAssembly 2.0 has it. */
static bool memory_index(struct checker *c)
{
    if (memory_count(c) > 1)
        return check_index(c, "memory", reader_u32(&c->r), memory_count(c));
    const uint8_t *where = c->r.at;
    if (reader_byte(&c->r) != 0 && !c->r.failed)
        reader_fail(&c->r, where, "zero byte expected");
    return !c->r.failed && check_index(c, "memory", 0, memory_count(c));
}

static inline bool memarg(struct checker *c, uint32_t natural)
{
    uint32_t align = reader_u32(&c->r), memory = 0;
    if (align & 0x40 && align < 0x80) {
        align &= 0x3f;
        memory = reader_u32(&c->r);
    }
    reader_u32(&c->r);
    if (align > natural)
        return check_fail(c, "alignment must not be larger than natural", NULL, NULL);
    return memory < memory_count(c) || check_index(c, "memory", memory, memory_count(c));
}

static bool lane(struct checker *c, uint8_t lanes)
{
    uint8_t index = reader_byte(&c->r);
    return index < lanes || check_fail(c, "invalid lane index", NULL, NULL);
}

static bool shuffle(struct checker *c)
{
    const uint8_t *lanes = reader_bytes(&c->r, 16);
    for (unsigned i = 0; lanes && i < 16; i++)
        if (lanes[i] >= 32)
            return check_fail(c, "invalid lane index", NULL, NULL);
    return lanes;
}

static bool data_index(struct checker *c)
{
    uint32_t index = reader_u32(&c->r);
    if (!c->module->has_data_count)
        reader_fail(&c->r, c->op_at, "data count section required");
    return !c->r.failed && check_index(c, "data segment", index, c->module->data_count);
}

static bool table_pair(struct checker *c, uint8_t dst, uint8_t src)
{
    return dst == src || check_fail(c, "type mismatch: a table of %s gets elements of %s",
                                    type_name(dst), type_name(src));
}

static bool table_init(struct checker *c)
{
    struct module *m = c->module;
    uint32_t segment = reader_u32(&c->r), table = reader_u32(&c->r);
    return check_index(c, "element segment", segment, m->nelems) &&
           check_index(c, "table", table, m->ntables) &&
           table_pair(c, m->tables[table].elem, m->elems[segment].type);
}

static bool table_copy(struct checker *c)
{
    struct module *m = c->module;
    uint32_t dst = reader_u32(&c->r), src = reader_u32(&c->r);
    return check_index(c, "table", dst, m->ntables) && check_index(c, "table", src, m->ntables) &&
           table_pair(c, m->tables[dst].elem, m->tables[src].elem);
}

/* Reads and checks what stands behind the opcode; a failed reader is noticed by the caller. */
static inline bool immediates(struct checker *c, uint8_t imm)
{
    struct reader *r = &c->r;
    switch (imm) {
    case IMM_NONE:
        return true;
    case IMM_I32:
        reader_s32(r);
        return true;
    case IMM_I64:
        reader_s64(r);
        return true;
    case IMM_F32:
        return reader_bytes(r, 4);
    case IMM_F64:
        return reader_bytes(r, 8);
    case IMM_V128:
        return reader_bytes(r, 16);
    case IMM_MEM8: case IMM_MEM16: case IMM_MEM32: case IMM_MEM64: case IMM_MEM128:
        return memarg(c, imm - IMM_MEM8);
    case IMM_MEM8_LANE: case IMM_MEM16_LANE: case IMM_MEM32_LANE: case IMM_MEM64_LANE:
        return memarg(c, imm - IMM_MEM8_LANE) && lane(c, (uint8_t)(16 >> (imm - IMM_MEM8_LANE)));
    case IMM_LANE2: case IMM_LANE4: case IMM_LANE8: case IMM_LANE16:
        return lane(c, (uint8_t)(2 << (imm - IMM_LANE2)));
    case IMM_SHUFFLE:
        return shuffle(c);
    case IMM_MEMORY:
        return memory_index(c);
    case IMM_MEMORY2:
        return memory_index(c) && memory_index(c);
    case IMM_DATA:
        return data_index(c);
    case IMM_DATA_MEMORY:
        return data_index(c) && memory_index(c);
    case IMM_ELEM:
        return check_index(c, "element segment", reader_u32(r), c->module->nelems);
    case IMM_TABLE: /* table.size; the others are special */
        return check_index(c, "table", reader_u32(r), c->module->ntables);
    case IMM_ELEM_TABLE:
        return table_init(c);
    case IMM_TABLE2:
        return table_copy(c);
    }
    ENGINE_ASSERT(!"a plain instruction with the immediates of a special one");
    return false;
}

/* ---- instructions ---- */

/* The value types that opcodes.def's letters stand for. */
static const uint8_t letter_type[128] = {
    ['i'] = VT_I32, ['I'] = VT_I64, ['f'] = VT_F32, ['F'] = VT_F64, ['v'] = VT_V128,
};

static bool pop_ref(struct checker *c)
{
    uint8_t type;
    return pop_any(c, &type) &&
           (type == BOTTOM || type_is_ref(type) ||
            check_fail(c, "type mismatch: expected a reference, found %s", type_name(type), NULL));
}

static inline bool pop_letter(struct checker *c, char letter)
{
    return letter == 'r' ? pop_ref(c) : pop(c, letter_type[(uint8_t)letter]);
}

static inline bool plain(struct checker *c, const struct opcode_info *info)
{
    if (info->imm != IMM_NONE && !immediates(c, info->imm))
        return false;
    const char *pops = info->pops;
    if (pops[0]) { /* the last letter is the top */
        if (pops[1]) {
            if (pops[2] && !pop_letter(c, pops[2]))
                return false;
            if (!pop_letter(c, pops[1]))
                return false;
        }
        if (!pop_letter(c, pops[0]))
            return false;
    }
    if (info->pushes[0])
        push(c, letter_type[(uint8_t)info->pushes[0]]);
    return true;
}

static bool unknown(struct checker *c, uint32_t op, uint8_t byte)
{
    uint32_t offset = (uint32_t)(c->op_at - c->r.start);
    if (byte == 0xfb || byte == 0xfe)
        op = opcode_prefixed(byte, reader_u32(&c->r));
    c->op = op;
    if (c->r.failed)
        return false;
    const char *proposal = opcode_proposal(op);
    if (proposal)
        return error_feature(c->engine, offset, proposal, "%s", opcode_foreign(op));
    return error_set(c->engine, ERROR_MALFORMED, offset, "illegal opcode 0x%x", byte);
}

static inline bool is_special(const struct opcode_info *info)
{
    return info->pops[0] == '*' || info->pushes[0] == '*';
}

/* By the table. */
static bool instruction(struct checker *c, uint8_t byte)
{
    uint32_t op = byte;
    if (byte == 0xfc || byte == 0xfd) {
        op = opcode_prefixed(byte, reader_u32(&c->r));
        if (op >= OPCODE_CODES)
            return unknown(c, op, byte);
    }
    c->op = op;
    const struct opcode_info *info = &opcode_table[op];
    if (info->family == FAM_NONE)
        return unknown(c, op, byte);
    return is_special(info) ? check_special(c) : plain(c, info);
}

/* One instruction. */
static bool step(struct checker *c)
{
    c->op_at = c->r.at;
    return instruction(c, *c->r.at++);
}

/* ---- bodies ---- */

/* One run of locals; *total counts parameters too. */
static bool locals_run(struct checker *c, uint32_t *n, uint8_t *type, uint64_t *total)
{
    struct engine *e = c->engine;
    uint32_t offset = reader_offset(&c->r);
    c->op_at = c->r.at;
    *n = reader_u32(&c->r);
    const uint8_t *where = c->r.at;
    *type = reader_byte(&c->r);
    if (c->r.failed)
        return false;
    if (!type_is_value(*type))
        return type_refuse(e, (uint32_t)(where - c->r.start), *type);
    *total += *n;
    if (*total > UINT32_MAX)
        return error_set(e, ERROR_MALFORMED, offset, "too many locals");
    if (*total > LIMIT_LOCALS)
        return error_set(e, ERROR_LIMIT, offset, "%lu locals: this engine takes at most %u", *total,
                         LIMIT_LOCALS);
    return true;
}

/* Parameters and locals as one array of types.  The runs are read twice, first for their sum. */
static bool locals(struct checker *c, const struct functype *t)
{
    uint32_t runs = reader_u32(&c->r), n;
    uint64_t total = t->nparams;
    uint8_t type;
    struct reader again = c->r;
    for (uint32_t i = 0; i < runs; i++)
        if (!locals_run(c, &n, &type, &total))
            return false;
    uint8_t *types = scratch_alloc(c->engine, total + 1);
    if (!types || c->r.failed)
        return false;
    c->locals = types;
    c->nlocals = (uint32_t)total;
    mem_move(types, t->params, t->nparams);
    types += t->nparams;
    for (uint32_t i = 0; i < runs; i++, types += n) {
        n = reader_u32(&again);
        ENGINE_ASSERT((uint64_t)(types - c->locals) + n <= total); /* read twice, the same */
        mem_fill(types, reader_byte(&again), n);
    }
    return true;
}

static bool body(struct checker *c, const struct functype *t)
{
    uint32_t room = reader_left(&c->r) + STACK_ROOM;
    c->scopes_cap = FIRST_SCOPES;
    c->scopes = scratch_alloc(c->engine, FIRST_SCOPES * sizeof *c->scopes);
    uint8_t *stack = scratch_alloc(c->engine, STACK_UNDER + room);
    if (!c->scopes || !stack)
        return false;
    c->stack = c->sp = c->floor = stack + STACK_UNDER;
    c->stack_end = c->stack + room;
    if (!locals(c, t) ||
        !scope_push(c, OP_block, &(struct functype){ 0, t->nresults, NULL, t->results }))
        return false;
    /* A read that fails empties the reader; so do bytes behind the body's end. */
    for (usual_check(c); c->r.at != c->r.end; usual_check(c))
        if (!step(c))
            return false;
    ENGINE_ASSERT(c->sp >= c->stack && c->sp <= c->stack_end);
    if (c->nscopes)
        reader_fail(&c->r, c->r.at, "unexpected end");
    return !c->r.failed;
}

/* Completes the error, whoever set it, with the place. */
static bool body_error(struct checker *c)
{
    struct error *error = &c->engine->error;
    char name[OPCODE_NAME], func[FUNC_WORDS];
    if (c->r.failed)
        error_set(c->engine, ERROR_MALFORMED, c->r.why_offset, "%s", c->r.why);
    if (error->kind == ERROR_NOMEM)
        return false;
    bool known = c->op < OPCODE_CODES && opcode_table[c->op].family != FAM_NONE;
    func_words(c->module, c->func, func);
    return error_place(c->engine, known ? opcode_name(c->op, name) : NULL, func, "code");
}

bool body_validate_here(struct engine *e, struct module *m, uint32_t func)
{
    ENGINE_ASSERT(func >= m->nimported_funcs && func < m->nfuncs);
    if (m->valid[func - m->nimported_funcs])
        return true;
    const struct func *f = &m->funcs[func];
    struct checker c = { .engine = e, .module = m, .func = func, .op = UINT32_MAX };
    module_want(m, f->body, f->body_len);
    reader_init(&c.r, m->bytes, f->body, f->body_len);
    e->error.kind = ERROR_NONE;
    bool ok = body(&c, &m->types[f->type]) || body_error(&c);
    m->valid[func - m->nimported_funcs] = ok;
    return ok;
}

bool body_validate(struct engine *e, struct module *m, uint32_t func)
{
    if (m->valid[func - m->nimported_funcs])
        return true;
    scratch_reset(e);
    bool ok = body_validate_here(e, m, func);
    scratch_reset(e);
    return ok;
}

bool module_validate(struct engine *e, struct module *m)
{
    uint64_t start_ns = e->env.clock_ns ? e->env.clock_ns(e->env.self) : 0;
    bool ok = true;
    for (uint32_t f = m->nimported_funcs; ok && f < m->nfuncs; f++)
        ok = body_validate(e, m, f);
    if (e->env.clock_ns)
        e->stats.validate_ns += e->env.clock_ns(e->env.self) - start_ns;
    return ok;
}
