/* Thunks: code by which compiled code calls a host function, or a function of another instance. */
#include "engine/assert.h"
#include "engine/x64/frame.h"

static void pins_out(struct assembler *a, const struct instance *i)
{
    static const uint8_t regs[2] = {REG_PIN0, REG_PIN1};
    for (int k = 0; k < 2; k++)
        if (i->pinned[k] >= 0 && !pin_is_half(i, (unsigned)k))
            x_rm(a, I_MOV_STORE, true, regs[k], rm_rip(&i->globals[i->pinned[k]]->lo));
}

static void pins_in(struct assembler *a, const struct instance *i)
{
    static const uint8_t regs[2] = {REG_PIN0, REG_PIN1};
    for (int k = 0; k < 2; k++)
        if (i->pinned[k] >= 0)
            x_rm(a, I_MOV, !pin_is_half(i, (unsigned)k), regs[k],
                 rm_rip(&i->globals[i->pinned[k]]->lo));
}

static void return_to(struct assembler *a, const struct instance *caller, const struct functype *t)
{
    if (target_result_tested(caller, t))
        return_tested(a);
    else
        x_ret(a);
}

/* Arguments from registers and stack to cells at rsp; `above`: bytes between rsp and the return
 * address. */
static void arguments_to_cells(struct assembler *a, const struct functype *t, int32_t above)
{
    struct param_rule rule = {0};
    int32_t on_stack = above + 8;
    for (uint32_t p = 0; p < t->nparams; p++) {
        enum irtype type = ir_type_of(t->params[p]);
        uint8_t reg = target_param(&rule, type);
        int32_t cell = (int32_t)(16 * p);
        if (reg == REG_NONE) {
            x_rm(a, I_MOVUPS, false, 15, rm_mem(RSP, on_stack));
            x_rm(a, I_MOVUPS_STORE, false, 15, rm_mem(RSP, cell));
            on_stack += 16;
        } else if (reg < XMM0) {
            x_rm(a, I_MOV_STORE, true, reg, rm_mem(RSP, cell));
        } else if (type == T_F32) { /* zero-extended, as cells are */
            x_rr(a, I_MOVD_STORE, false, reg & 15, RAX);
            x_rm(a, I_MOV_STORE, true, RAX, rm_mem(RSP, cell));
        } else {
            x_rm(a, I_MOVUPS_STORE, false, reg & 15, rm_mem(RSP, cell));
        }
    }
}

static void results_from_cells(const struct reach *reach, struct assembler *a,
                               const struct functype *t)
{
    for (uint32_t r = 1; r < t->nresults; r++) {
        x_rm(a, I_MOVUPS, false, 15, rm_mem(RSP, (int32_t)(16 * r)));
        x_rm(a, I_MOVUPS_STORE, false, 15, rm_rip(&reach->results[r]));
    }
    if (!t->nresults)
        return;
    enum irtype type = ir_type_of(t->results[0]);
    if (type_is_int(type))
        x_rm(a, I_MOV, type == T_I64, RAX, rm_mem(RSP, 0));
    else
        x_rm(a, I_MOVUPS, false, 0, rm_mem(RSP, 0));
}

bool thunk_host(struct instance *i, uint32_t func, const struct reach *reach, struct piece *out)
{
    struct engine *e = i->engine;
    const struct functype *t = &i->module->types[i->module->funcs[func].type];
    const struct host_func *h = &i->hosts[func];
    ENGINE_ASSERT(h->fn && func < i->module->nimported_funcs);
    uint32_t ncells = t->nparams > t->nresults ? t->nparams : t->nresults, frame = 16 * ncells;
    struct assembler a;
    if (!asm_begin(&a, e, 256 + 32 * ncells))
        return false;
    if (frame)
        x_alu_imm(&a, ALU_SUB, true, rm_reg(RSP), (int32_t)frame);
    arguments_to_cells(&a, t, (int32_t)frame);
    pins_out(&a, i);
    x_rr(&a, I_MOV, true, RDX, RSP);
    x_rm(&a, I_LEA, true, RAX, rm_rip(ASM_LATER));
    asm_link(&a, asm_offset(&a) - 4, asm_offset(&a));
    x_push(&a, RAX); /* a place in this thunk, for backtraces */
    leave_c(e, &a);
    x_mov_imm(&a, RDI, (uint64_t)(uintptr_t)h->data);
    x_rm(&a, I_LEA, true, RSI, rm_rip(i));
    call_c(&a, (void (*)(void))h->fn);
    x_rm(&a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
    x_alu_imm(&a, ALU_ADD, true, rm_reg(RSP), 8);
    pins_in(&a, i);
    x_rr(&a, I_TEST, false, RAX, RAX);
    uint32_t ok = x_jcc(&a, CC_E, ASM_LATER);
    x_rr(&a, I_MOV, false, RAX, RAX);
    x_rm(&a, I_MOV_STORE, true, RAX, rm_rip(&e->trap));
    if (frame)
        x_alu_imm(&a, ALU_ADD, true, rm_reg(RSP), (int32_t)frame);
    x_jmp_to(&a, RELOC_STUB, STUB_HOST_TRAP);
    asm_link(&a, ok, asm_offset(&a));
    results_from_cells(reach, &a, t);
    if (frame)
        x_alu_imm(&a, ALU_ADD, true, rm_reg(RSP), (int32_t)frame);
    return_to(&a, i, t);
    bool done = asm_end(&a, out);
    out->frame = frame;
    return done;
}

/* A fault in here would not tell whose pins are in the registers.  So the thunk looks whether the
 * stack has room for its frame and the call; a trap is the caller's. */
static void room_check(struct engine *e, struct assembler *a, uint32_t frame)
{
    x_rm(a, I_LEA, true, RAX, rm_mem(RSP, -(int32_t)frame - FRAME_RETURN_BYTES));
    x_rm(a, I_CMP, true, RAX, rm_rip(&e->env.stack_lo));
    x_jcc_to(a, CC_B, RELOC_STUB, STUB_TRAP + TRAP_STACK);
}

/* Calls callee as its own instance: its pins and its base.  Stack arguments are handed on. */
bool thunk_foreign(struct instance *caller, const struct funcref *callee, struct piece *out)
{
    struct engine *e = caller->engine;
    struct instance *to = callee->instance;
    const struct functype *t = &to->module->types[to->module->funcs[callee->index].type];
    uint32_t stack = target_stack_params(t), frame = 16 * stack + 24;
    ENGINE_ASSERT(to != caller);
    struct assembler a;
    if (!asm_begin(&a, e, 352 + 32 * stack))
        return false;
    room_check(e, &a, frame);
    x_alu_imm(&a, ALU_SUB, true, rm_reg(RSP), (int32_t)frame);
    /* whatever the caller has there */
    static const uint8_t kept[] = {REG_BASE, REG_PIN1, REG_PIN0};
    for (unsigned k = 0; k < 3; k++)
        x_rm(&a, I_MOV_STORE, true, kept[k], rm_mem(RSP, (int32_t)(frame - 24 + 8 * k)));
    for (uint32_t k = 0; k < stack; k++) {
        x_rm(&a, I_MOVUPS, false, 15, rm_mem(RSP, (int32_t)(frame + 8 + 16 * k)));
        x_rm(&a, I_MOVUPS_STORE, false, 15, rm_mem(RSP, (int32_t)(16 * k)));
    }
    pins_out(&a, caller);
    pins_in(&a, to);
    x_mov_imm(&a, REG_BASE, to->module->nmemories ? (uint64_t)(uintptr_t)to->memories[0]->base : 0);
    x_mov_imm(&a, RAX, (uint64_t)(uintptr_t)&callee->code);
    x_m(&a, I_CALL_RM, false, rm_mem(RAX, 0));
    pins_out(&a, to);
    for (unsigned k = 0; k < 3; k++)
        x_rm(&a, I_MOV, true, kept[k], rm_mem(RSP, (int32_t)(frame - 24 + 8 * k)));
    pins_in(&a, caller);
    x_alu_imm(&a, ALU_ADD, true, rm_reg(RSP), (int32_t)frame);
    return_to(&a, caller, t);
    bool done = asm_end(&a, out);
    out->frame = frame;
    return done;
}
