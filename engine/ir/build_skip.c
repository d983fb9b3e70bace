/* Instructions that are stepped over: those of dead code, and those that are only looked at. */
#include "engine/ir/build.h"
#include "engine/load/opcodes.h"

/* Immediates of a fixed shape: so many LEB128 numbers, then so many bytes. */
static const struct { uint8_t numbers, bytes;
} immediate_shapes[IMM_COUNT] = {
    [IMM_BLOCK] = { 1, 0 },         [IMM_LABEL] = { 1, 0 },       [IMM_FUNC] = { 1, 0 },
    [IMM_CALL_INDIRECT] = { 2, 0 }, [IMM_LOCAL] = { 1, 0 },       [IMM_GLOBAL] = { 1, 0 },
    [IMM_TABLE] = { 1, 0 },         [IMM_MEMORY] = { 1, 0 },      [IMM_ELEM] = { 1, 0 },
    [IMM_DATA] = { 1, 0 },          [IMM_TABLE2] = { 2, 0 },      [IMM_MEMORY2] = { 2, 0 },
    [IMM_ELEM_TABLE] = { 2, 0 },    [IMM_DATA_MEMORY] = { 2, 0 }, [IMM_REF_TYPE] = { 0, 1 },
    [IMM_I32] = { 1, 0 },           [IMM_I64] = { 1, 0 },         [IMM_F32] = { 0, 4 },
    [IMM_F64] = { 0, 8 },           [IMM_V128] = { 0, 16 },       [IMM_SHUFFLE] = { 0, 16 },
    [IMM_LANE2] = { 0, 1 },         [IMM_LANE4] = { 0, 1 },       [IMM_LANE8] = { 0, 1 },
    [IMM_LANE16] = { 0, 1 },
};

void build_skip_immediates(struct build *b, unsigned op)
{
    enum immediates imm = opcode_table[op].imm;
    if (imm == IMM_BR_TABLE) {
        for (uint32_t n = build_u32(b) + 1; n; n--)
            build_u32(b);
    } else if (imm == IMM_SELECT) {
        for (uint32_t n = build_u32(b); n; n--)
            b->at++;
    } else if (imm >= IMM_MEM8 && imm <= IMM_MEM64_LANE) {
        uint32_t off, memory;
        build_memarg(b, &off, &memory);
        b->at += imm >= IMM_MEM8_LANE;
    } else {
        for (unsigned n = immediate_shapes[imm].numbers; n; n--)
            build_s64(b); /* signed or not: the same bytes */
        b->at += immediate_shapes[imm].bytes;
    }
}

void build_skip(struct build *b, unsigned op)
{
    if (op == OP_block || op == OP_loop || op == OP_if_) {
        b->dead_depth++;
    } else if (op == OP_end && b->dead_depth) {
        b->dead_depth--;
        return;
    } else if ((op == OP_end || op == OP_else_) && b->dead_depth == 0) {
        build_controls[op](b);
        return;
    }
    build_skip_immediates(b, op);
}
