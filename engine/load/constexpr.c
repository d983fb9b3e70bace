/* Constant expressions: global initializers, segment offsets, element items (spec 3.3.9, and the
 * extended-const proposal).  Validated where they are read; evaluate.c trusts the bytes. Iterative,
 * with a stack of types. */
#include "engine/lib.h"
#include "engine/load/opcodes.h"
#include "engine/load/parse.h"

struct constant { struct parser *p; uint32_t depth; };

static bool push(struct constant *c, uint8_t type)
{
    struct parser *p = c->p;
    if (c->depth == p->stack_cap) {
        uint32_t cap = p->stack_cap ? 2 * p->stack_cap : 64;
        uint8_t *stack = scratch_alloc(p->engine, cap);
        if (!stack)
            return false;
        mem_move(stack, p->stack, c->depth);
        p->stack = stack;
        p->stack_cap = cap;
    }
    p->stack[c->depth++] = type;
    return true;
}

static bool binary(struct constant *c, uint32_t offset, uint8_t type)
{
    struct parser *p = c->p;
    if (c->depth < 2 || p->stack[c->depth - 1] != type || p->stack[c->depth - 2] != type)
        return error_set(p->engine, ERROR_INVALID, offset,
                         "type mismatch in a constant expression");
    ENGINE_ASSERT(c->depth <= p->stack_cap);
    c->depth--;
    return true;
}

static bool global_get(struct constant *c, uint32_t offset)
{
    struct module *m = c->p->module;
    uint32_t index = reader_u32(&c->p->r);
    if (index >= m->nimported_globals)
        return error_set(m->engine, ERROR_INVALID, offset,
                         "unknown global %u in a constant expression, which sees "
                         "only imported ones",
                         index);
    if (m->globals[index].mutable)
        return error_set(m->engine, ERROR_INVALID, offset,
                         "constant expression required, but global %u is mutable", index);
    return push(c, m->globals[index].type);
}

static bool ref_func(struct constant *c, uint32_t offset)
{
    struct module *m = c->p->module;
    uint32_t index = reader_u32(&c->p->r);
    if (index >= m->nfuncs)
        return error_set(m->engine, ERROR_INVALID, offset,
                         "unknown function %u in a constant expression", index);
    func_declare(m, index);
    return push(c, VT_FUNCREF);
}

static bool ref_null(struct constant *c, uint32_t offset)
{
    uint8_t type = reader_byte(&c->p->r);
    if (!c->p->r.failed && !type_is_ref(type))
        return type_refuse(c->p->engine, offset + 1, type);
    return push(c, type);
}

static bool simd(struct constant *c, uint32_t offset)
{
    if (0x200 + reader_u32(&c->p->r) != OP_v128_const)
        return error_set(c->p->engine, ERROR_INVALID, offset, "constant expression required");
    reader_bytes(&c->p->r, 16);
    return push(c, VT_V128);
}

static bool refuse(struct constant *c, uint8_t op, uint32_t offset)
{
    char name[OPCODE_NAME];
    uint32_t code = op == 0xfb || op == 0xfe ? opcode_prefixed(op, reader_u32(&c->p->r)) : op;
    const char *proposal = opcode_proposal(code);
    if (proposal)
        return error_feature(c->p->engine, offset, proposal, "%s", opcode_foreign(code));
    return error_set(c->p->engine, ERROR_INVALID, offset,
                     "constant expression required, found %s (0x%x)", opcode_name(op, name), op);
}

/* One instruction but end. */
static bool instruction(struct constant *c, uint8_t op, uint32_t offset)
{
    struct reader *r = &c->p->r;
    switch (op) {
    case OP_i32_const:
        reader_s32(r);
        return push(c, VT_I32);
    case OP_i64_const:
        reader_s64(r);
        return push(c, VT_I64);
    case OP_f32_const:
        reader_bytes(r, 4);
        return push(c, VT_F32);
    case OP_f64_const:
        reader_bytes(r, 8);
        return push(c, VT_F64);
    case 0xfd:
        return simd(c, offset);
    case OP_global_get:
        return global_get(c, offset);
    case OP_ref_null:
        return ref_null(c, offset);
    case OP_ref_func:
        return ref_func(c, offset);
    case OP_i32_add: case OP_i32_sub: case OP_i32_mul:
        return binary(c, offset, VT_I32);
    case OP_i64_add: case OP_i64_sub: case OP_i64_mul:
        return binary(c, offset, VT_I64);
    default:
        return refuse(c, op, offset);
    }
}

bool constexpr_parse(struct parser *p, uint8_t type, struct const_expr *out)
{
    struct constant c = { .p = p };
    uint32_t start = reader_offset(&p->r);
    for (;;) {
        uint32_t offset = reader_offset(&p->r);
        uint8_t op = reader_byte(&p->r);
        if (p->r.failed)
            return false;
        if (op == OP_end)
            break;
        if (!instruction(&c, op, offset) || p->r.failed)
            return false;
    }
    if (c.depth != 1 || p->stack[0] != type)
        return error_set(p->engine, ERROR_INVALID, start,
                         "type mismatch: a constant expression must leave one %s", type_name(type));
    ENGINE_ASSERT(reader_offset(&p->r) > start); /* `end` at least */
    *out = (struct const_expr){ start, reader_offset(&p->r) - start };
    return true;
}
