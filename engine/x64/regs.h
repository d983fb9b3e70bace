/* x86-64 registers and what each is for while wasm code runs.  All are caller-saved.
 *
 *   rsp        wasm stack           rax, rcx, xmm14, xmm15  scratch of the emitter
 *   r15, r14   pinned globals       r13                     base of memory 0 where it is not at address 0
 *   rdx        temporaries (and division)                   the others: webs first, temporaries in the gaps
 *
 * Parameters: the first six integers in rdi rsi rdx r8 r9 r10, the first eight floats in xmm0 to xmm7, the rest on the
 * stack, at [rsp + 16 * k] before the call.  First result in rax or xmm0, more in code_global's result area. */
#ifndef ENGINE_X64_REGS_H
#define ENGINE_X64_REGS_H

#include "engine/ir/ir.h"

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { XMM0 = 16, XMM14 = 30, XMM15 = 31 }; /* floats are numbered behind the integers */

#define REG_PARAM_INTS   6
#define REG_PARAM_FLOATS 8
#define REG_BASE         R13
#define REG_PIN0         R15
#define REG_PIN1         R14
#define REG_WEBS_FLOAT   0x3fff0000u
#define REG_TEMPS_FLOAT  0x3fff0000u

static inline uint32_t reg_webs_int(const struct instance *i)
{
    uint32_t mask = 1u << RBX | 1u << RBP | 1u << RSI | 1u << RDI | 0x1f00u; /* r8 to r12 */
    if (i->zero_base)
        mask |= 1u << REG_BASE;
    if (i->pinned[0] < 0)
        mask |= 1u << REG_PIN0;
    if (i->pinned[1] < 0)
        mask |= 1u << REG_PIN1;
    return mask;
}

static inline uint32_t reg_temps_int(const struct instance *i)
{
    return reg_webs_int(i) | 1u << RDX;
}

static inline uint8_t reg_param_int(uint32_t k)
{
    static const uint8_t regs[REG_PARAM_INTS] = {RDI, RSI, RDX, R8, R9, R10};
    return regs[k];
}

/* Register of the next parameter of a type; REG_NONE: on the stack. */
static inline uint8_t reg_of_param(unsigned type, uint32_t *ints, uint32_t *floats)
{
    if (type_is_int(type))
        return *ints < REG_PARAM_INTS ? reg_param_int((*ints)++) : REG_NONE;
    return *floats < REG_PARAM_FLOATS ? (uint8_t)(XMM0 + (*floats)++) : REG_NONE;
}

static inline uint8_t reg_first(uint32_t mask) /* webs: lowest first */
{
    return (uint8_t)__builtin_ctz(mask);
}

static inline uint8_t reg_last(uint32_t mask) /* temporaries: rdx, else the highest */
{
    return mask & 1u << RDX ? RDX : (uint8_t)(31 - __builtin_clz(mask));
}

/* XMM registers that a vector instruction (sub of IR_VEC) needs besides the emitter's scratch: emit_simd.c. */
uint32_t vec_clobbers(unsigned sub);

#endif
