/* The values of constant expressions (spec 3.3.10, with the extended-const instructions) and of the
 * items of element segments.
 *
 * Everything read here has been validated by module_parse: nothing is checked again.  References
 * are addresses of struct funcref, or what the surroundings gave for an externref; 0 is null. */
#include "engine/assert.h"
#include "engine/inside.h"
#include "engine/load/reader.h"

#define STACK_FEW 16

/* The operand stack: on the C stack, and in scratch memory for the rare deep expression. */
struct operands { struct cell *cells; uint32_t count, cap; };

static bool operands_push(struct engine *engine, struct operands *stack, struct cell value)
{
    if (stack->count == stack->cap) {
        if (stack->cap == STACK_FEW) /* nothing else holds scratch memory now */
            scratch_reset(engine);
        struct cell *more = scratch_alloc(engine, 2ull * stack->cap * sizeof *more);
        if (!more)
            return false;
        for (uint32_t i = 0; i < stack->count; i++)
            more[i] = stack->cells[i];
        stack->cells = more;
        stack->cap *= 2;
    }
    stack->cells[stack->count++] = value;
    return true;
}

static uint64_t little_endian(const uint8_t **at, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)*(*at)++ << (8 * i);
    return value;
}

static uint32_t opcode_read(const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    return byte == 0xfd ? 0x200 + leb_u32(at) : byte;
}

static uint64_t ref_of(struct instance *instance, uint32_t func)
{
    return (uint64_t)(uintptr_t)instance_ref(instance, func);
}

static struct cell operand_read(struct instance *instance, uint32_t opcode, const uint8_t **at)
{
    switch (opcode) {
    case OP_i32_const: return (struct cell){ (uint32_t)leb_s32(at), 0 };
    case OP_i64_const: return (struct cell){ (uint64_t)leb_s64(at), 0 };
    case OP_f32_const: return (struct cell){ little_endian(at, 4), 0 };
    case OP_f64_const: return (struct cell){ little_endian(at, 8), 0 };
    case OP_v128_const: {
        uint64_t lo = little_endian(at, 8);
        return (struct cell){ lo, little_endian(at, 8) };
    }
    case OP_ref_null: (*at)++; return (struct cell){ 0, 0 };
    case OP_ref_func: return (struct cell){ ref_of(instance, leb_u32(at)), 0 };
    default:
        ENGINE_ASSERT(opcode == OP_global_get);
        return *instance->globals[leb_u32(at)];
    }
}

/* The binary operations of extended-const; false: opcode is none of them. */
static bool operation(uint32_t opcode, struct operands *stack)
{
    if (opcode != OP_i32_add && opcode != OP_i32_sub && opcode != OP_i32_mul &&
        opcode != OP_i64_add && opcode != OP_i64_sub && opcode != OP_i64_mul)
        return false;
    ENGINE_ASSERT(stack->count >= 2);
    uint64_t b = stack->cells[--stack->count].lo, *a = &stack->cells[stack->count - 1].lo;
    switch (opcode) {
    case OP_i32_add: *a = (uint32_t)(*a + b); break;
    case OP_i32_sub: *a = (uint32_t)(*a - b); break;
    case OP_i32_mul: *a = (uint32_t)(*a * b); break;
    case OP_i64_add: *a += b; break;
    case OP_i64_sub: *a -= b; break;
    default:         *a *= b; break;
    }
    return true;
}

bool constant_eval(struct instance *instance, const uint8_t **at, struct cell *out)
{
    struct cell few[STACK_FEW];
    struct operands stack = { few, 0, STACK_FEW };
    for (;;) {
        uint32_t opcode = opcode_read(at);
        if (opcode == OP_end)
            break;
        if (!operation(opcode, &stack) &&
            !operands_push(instance->engine, &stack, operand_read(instance, opcode, at)))
            return false;
    }
    ENGINE_ASSERT(stack.count == 1);
    *out = stack.cells[0];
    return true;
}

bool constant_elem(struct instance *instance, const struct elem_segment *segment,
                   const uint8_t **at, uint64_t *ref)
{
    if (!segment->exprs) {
        *ref = ref_of(instance, leb_u32(at));
        return true;
    }
    struct cell value;
    if (!constant_eval(instance, at, &value))
        return false;
    *ref = value.lo;
    return true;
}
