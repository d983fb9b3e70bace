/* What stubs and thunks share: the change from the wasm stack to the C stack; what stands in
 * bulk.c. */
#ifndef ENGINE_X64_FRAME_H
#define ENGINE_X64_FRAME_H

#include "engine/x64/asm.h"
#include "engine/x64/regs.h"
#include "engine/x64/target.h"

static inline void leave_c(struct engine *e, struct assembler *a) /* from wasm to the C stack */
{
    x_rm(a, I_MOV_STORE, true, RSP, rm_rip(&e->wasm_sp));
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->c_sp));
}

static inline void call_c(struct assembler *a, void (*fn)(void))
{
    x_mov_imm(a, RAX, (uint64_t)(uintptr_t)fn);
    x_m(a, I_CALL_RM, false, rm_reg(RAX));
}

/* With the flags that the caller of such a function expects (target_result_tested). */
static inline void return_tested(struct assembler *a)
{
    x_rr(a, I_TEST, false, RAX, RAX);
    x_ret(a);
}

/* bulk.c: what STUB_COPY and STUB_FILL are. */
void bulk_copy(struct assembler *);
void bulk_fill(struct assembler *);

#endif
