/* x86-64 registers and what each is for while wasm code runs.  All are caller-saved.
 *
 *   rsp        wasm stack           rax, rcx, xmm14, xmm15  scratch of the emitter
 *   r15, r14   pinned globals       r13                     base of memory 0, if not at address 0
 *   rdx        temporaries, and     the others              webs first, temporaries in the gaps
 *              division
 *
 * Parameters: the first six integers in rdi rsi rdx r8 r9 r10, the first eight floats in xmm0 to
 * xmm7, the rest on the stack, at [rsp + 16 * k] before the call.  First result in rax or xmm0,
 * with flags where target_result_tested says so, more in code_global's result area. */
#ifndef ENGINE_X64_REGS_H
#define ENGINE_X64_REGS_H

#include "engine/x64/target.h"

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { XMM0 = 16, XMM14 = 30, XMM15 = 31 }; /* floats are numbered behind the integers */

#define REG_PARAM_INTS   6
#define REG_PARAM_FLOATS 8
#define REG_BASE         R13
#define REG_PIN0         R15
#define REG_PIN1         R14

static inline uint8_t reg_param_int(uint32_t k)
{
    static const uint8_t regs[REG_PARAM_INTS] = {RDI, RSI, RDX, R8, R9, R10};
    return regs[k];
}

#endif
