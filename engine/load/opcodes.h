/* The vocabulary of engine/load/opcodes.def: which immediates follow an opcode, and to which family
 * it belongs. */
#ifndef ENGINE_OPCODES_H
#define ENGINE_OPCODES_H

#include <stdint.h>

/* What stands behind the opcode in the binary format, in that order.  Indices are u32 LEB128. */
enum immediates {
    IMM_NONE,
    IMM_BLOCK,         /* block type: 0x40, a value type, or a type index (s33)            */
    IMM_LABEL,         /* label index                                                       */
    IMM_BR_TABLE,      /* count, that many label indices, the default label                 */
    IMM_FUNC,          /* function index                                                    */
    IMM_CALL_INDIRECT, /* type index, table index                                           */
    IMM_SELECT,        /* vector of value types                                             */
    IMM_LOCAL,
    IMM_GLOBAL,
    IMM_TABLE,
    IMM_MEMORY,
    IMM_ELEM,
    IMM_DATA,
    IMM_TABLE2,      /* destination table, source table                                   */
    IMM_MEMORY2,     /* destination memory, source memory                                 */
    IMM_ELEM_TABLE,  /* segment, table                                                    */
    IMM_DATA_MEMORY, /* segment, memory                                                   */
    IMM_REF_TYPE,    /* reference type                                                    */
    IMM_I32,
    IMM_I64, /* s32, s64 LEB128                                                   */
    IMM_F32,
    IMM_F64,     /* 4, 8 bytes                                                        */
    IMM_V128,    /* 16 bytes                                                          */
    IMM_SHUFFLE, /* 16 bytes, each a lane number below 32                             */
    /* memarg; natural alignment = imm - IMM_MEM8 */
    IMM_MEM8,
    IMM_MEM16,
    IMM_MEM32,
    IMM_MEM64,
    IMM_MEM128,
    IMM_MEM8_LANE,
    IMM_MEM16_LANE,
    IMM_MEM32_LANE,
    IMM_MEM64_LANE, /* memarg, lane byte below 128 / width        */
    /* lane byte below 2 << (imm - IMM_LANE2)     */
    IMM_LANE2,
    IMM_LANE4,
    IMM_LANE8,
    IMM_LANE16,
    IMM_COUNT
};

/* Instructions that are checked, lowered and explained alike. */
enum family {
    FAM_NONE, /* no such instruction */
    FAM_CONTROL,
    FAM_CALL,
    FAM_PARAMETRIC,
    FAM_LOCAL,
    FAM_GLOBAL,
    FAM_TABLE,
    FAM_LOAD,
    FAM_STORE,
    FAM_MEMORY,
    FAM_REF,
    FAM_CONST,
    FAM_INT_TEST, /* eqz */
    FAM_INT_CMP,
    FAM_INT_UN,
    FAM_INT_BIN,
    FAM_INT_DIV,   /* may trap */
    FAM_INT_SHIFT, /* count modulo width */
    FAM_FLOAT_CMP,
    FAM_FLOAT_UN,
    FAM_FLOAT_BIN,
    FAM_CONVERT, /* between the four number types; the trunc ones may trap, trunc_sat not */
    FAM_SIMD_LOAD,
    FAM_SIMD_LOAD_LANE,
    FAM_SIMD_STORE,
    FAM_SIMD_STORE_LANE,
    FAM_SIMD_CONST,
    FAM_SIMD_SHUFFLE,
    FAM_SIMD_SPLAT,
    FAM_SIMD_EXTRACT,
    FAM_SIMD_REPLACE,
    FAM_SIMD_TEST,
    FAM_SIMD_CMP,
    FAM_SIMD_UN,
    FAM_SIMD_BIN,
    FAM_SIMD_SHIFT,
    FAM_SIMD_SELECT, /* bitselect */
    FAM_COUNT
};

/* A row of opcodes.def, found by its code.  pops and pushes are NUL-terminated letters, or "*". */
struct opcode_info { uint8_t family, imm; char pops[4], pushes[2]; };

#define OPCODE_CODES 0x300 /* all codes are below */
extern const struct opcode_info opcode_table[OPCODE_CODES];

#define OPCODE_NAME 40
/* The spec's spelling ("i32.load8_s", "br_if", "unknown"), NUL-terminated; returns out. */
const char *opcode_name(uint32_t code, char out[OPCODE_NAME]);

/* Two prefixes have only instructions that we do not have; their codes start here. */
#define FOREIGN_GC     0x400 /* 0xFB */
#define FOREIGN_ATOMIC 0x500 /* 0xFE */
/* The code of number n behind a prefix byte; one that nobody has if there is no room for it. */
static inline uint32_t opcode_prefixed(uint8_t prefix, uint32_t n)
{
    uint32_t base = prefix == 0xfb   ? FOREIGN_GC
                    : prefix == 0xfc ? 0x100
                    : prefix == 0xfd ? 0x200
                                     : FOREIGN_ATOMIC;
    return n < (prefix == 0xfd ? 0x200 : 0x100) ? base + n : UINT32_MAX;
}
/* The proposal that such an instruction belongs to ("threads"), or NULL where nobody uses the code.
 */
const char *opcode_proposal(uint32_t code);
const char *opcode_foreign(uint32_t code); /* its name */

#endif
