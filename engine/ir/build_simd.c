/* Vector instructions to nodes.
 *
 * One operation, IR_VEC, stands for all that computes: its `sub` is the instruction's number under
 * the prefix 0xFD, its imm a lane, or the module offset of a shuffle's 16 lanes.  A vector
 * constant's imm is the module offset of its 16 bytes.  What touches memory is an ordinary load or
 * store, and an IR_VEC between it and the vector where lanes are split, extended or merged. */
#include "engine/ir/build.h"
#include "engine/load/opcodes.h"
#include "engine/x64/target.h"

bool build_cpu_fits(struct build *b, unsigned op)
{
    char name[OPCODE_NAME], words[FUNC_WORDS];
    const char *lacks = target_lacks(b->c->engine);
    if (!lacks)
        return true;
    return error_set(b->c->engine, ERROR_UNSUPPORTED, build_pos(b),
                     "%s uses %s, for which wasmvm needs a CPU with %s (offset 0x%x)",
                     func_words(b->c->module, b->c->func, words), opcode_name(op, name), lacks,
                     build_pos(b));
}

static enum irtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i': return T_I32;
    case 'I': return T_I64;
    case 'f': return T_F32;
    case 'F': return T_F64;
    default: return T_V128;
    }
}

/* The operands are on the stack. */
static void vector(struct build *b, unsigned op, uint64_t imm)
{
    const struct opcode_info *info = &opcode_table[op];
    ref operand[3] = { REF_NONE, REF_NONE, REF_NONE };
    unsigned count = 0;
    while (info->pops[count])
        count++;
    for (unsigned i = count; i-- > 0;)
        operand[i] = build_pop(b).r;
    enum irtype type = type_of_letter(info->pushes[0]);
    uint32_t n = build_node(b, IR_VEC, type);
    b->c->body.has_vectors = true;
    struct node *node = &b->c->body.nodes[n];
    node->a = operand[0];
    node->b = operand[1];
    node->c = operand[2];
    node->sub = (uint8_t)op;
    node->imm = imm;
    build_push_node(b, n, type);
}

static uint64_t module_offset(const struct build *b)
{
    return (uint64_t)(b->at - b->c->module->bytes);
}

/* What is loaded, and the instruction that makes a vector of it; 0: it is one. */
struct vector_load { uint8_t type, shape; uint16_t then; };

static struct vector_load load_of(unsigned op)
{
    switch (op) {
    case OP_v128_load8x8_s:
        return (struct vector_load){ T_V128, M_F64, OP_i16x8_extend_low_i8x16_s };
    case OP_v128_load8x8_u:
        return (struct vector_load){ T_V128, M_F64, OP_i16x8_extend_low_i8x16_u };
    case OP_v128_load16x4_s:
        return (struct vector_load){ T_V128, M_F64, OP_i32x4_extend_low_i16x8_s };
    case OP_v128_load16x4_u:
        return (struct vector_load){ T_V128, M_F64, OP_i32x4_extend_low_i16x8_u };
    case OP_v128_load32x2_s:
        return (struct vector_load){ T_V128, M_F64, OP_i64x2_extend_low_i32x4_s };
    case OP_v128_load32x2_u:
        return (struct vector_load){ T_V128, M_F64, OP_i64x2_extend_low_i32x4_u };
    case OP_v128_load8_splat: return (struct vector_load){ T_I32, M_8U, OP_i8x16_splat };
    case OP_v128_load16_splat: return (struct vector_load){ T_I32, M_16U, OP_i16x8_splat };
    case OP_v128_load32_splat: return (struct vector_load){ T_F32, M_F32, OP_f32x4_splat };
    case OP_v128_load64_splat: return (struct vector_load){ T_F64, M_F64, OP_f64x2_splat };
    case OP_v128_load32_zero:
        return (struct vector_load){ T_V128, M_F32, 0 }; /* from memory: the rest is zero */
    case OP_v128_load64_zero: return (struct vector_load){ T_V128, M_F64, 0 };
    default: return (struct vector_load){ T_V128, M_128, 0 };
    }
}

/* A lane's way to and from memory, by log2 of its bytes. */
static const struct { uint8_t type, shape; uint16_t extract, replace; } lanes[] = {
    { T_I32, M_8U, OP_i8x16_extract_lane_u, OP_i8x16_replace_lane },
    { T_I32, M_16U, OP_i16x8_extract_lane_u, OP_i16x8_replace_lane },
    { T_I32, M_32U, OP_i32x4_extract_lane, OP_i32x4_replace_lane },
    { T_I64, M_64, OP_i64x2_extract_lane, OP_i64x2_replace_lane },
};

static void memory_access(struct build *b, unsigned op)
{
    uint32_t off, memory, size = opcode_table[op].imm - IMM_MEM8_LANE;
    build_memarg(b, &off, &memory);
    struct vector_load l;
    struct opnd v;
    switch (opcode_table[op].family) {
    case FAM_SIMD_LOAD:
        l = load_of(op);
        build_load(b, l.type, l.shape, off, memory);
        if (l.then)
            vector(b, l.then, 0);
        break;
    case FAM_SIMD_STORE:
        build_store(b, T_V128, M_128, off, memory);
        break;
    case FAM_SIMD_LOAD_LANE:
        v = build_pop(b);
        build_load(b, lanes[size].type, lanes[size].shape, off, memory);
        struct opnd scalar = build_pop(b);
        build_push(b, v.r, v.type);
        build_push(b, scalar.r, scalar.type);
        vector(b, lanes[size].replace, *b->at++);
        break;
    default: /* FAM_SIMD_STORE_LANE */
        vector(b, lanes[size].extract, *b->at++);
        build_store(b, lanes[size].type, lanes[size].shape, off, memory);
        break;
    }
}

bool build_simd(struct build *b, unsigned op)
{
    if (op < 0x200 || op >= OPCODE_CODES || opcode_table[op].family == FAM_NONE)
        return false;
    if (!build_cpu_fits(b, op))
        return false;
    uint64_t imm = 0;
    switch (opcode_table[op].family) {
    case FAM_SIMD_LOAD: case FAM_SIMD_STORE: case FAM_SIMD_LOAD_LANE: case FAM_SIMD_STORE_LANE:
        memory_access(b, op);
        return true;
    case FAM_SIMD_CONST:
        build_push(b, build_const(b, T_V128, module_offset(b)), T_V128);
        b->at += 16;
        return true;
    case FAM_SIMD_SHUFFLE:
        imm = module_offset(b);
        b->at += 16;
        break;
    case FAM_SIMD_EXTRACT: case FAM_SIMD_REPLACE: imm = *b->at++; break;
    default: break;
    }
    vector(b, op, imm);
    return true;
}
