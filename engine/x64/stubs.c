/* Code that is not compiled from wasm: the way in, the ways out, trampolines, thunks.  Written once per engine or
 * instance.
 *
 * While wasm runs, rsp is on the wasm stack and e->c_sp keeps the C stack; while C runs, e->wasm_sp keeps the wasm
 * stack, and the word there is the return address into wasm (backtraces start from it).  stub_enter leaves on the C
 * stack, from e->c_sp up: the older wasm_sp, the older c_sp, the activation, and C's callee-saved registers. */
#include "engine/x64/emit.h"
#include "engine/x64/meant.h"

#define STUBS_BYTES 8192

static struct assembler at_code(struct engine *e, uint32_t offset, uint32_t bytes)
{
    uint8_t *p = code_write(e, offset);
    struct assembler a = {p, p, p + bytes, code_address(e, offset)};
    meant_begin(&a);
    return a;
}

static struct rm field(uint8_t base, size_t offset)
{
    return rm_mem(base, (int32_t)offset);
}

/* Every stub starts here: its code offset. */
static uint32_t stub_here(struct engine *e, struct assembler *a)
{
    asm_align(a, 16);
    return (uint32_t)(a->address + asm_offset(a) - code_address(e, 0));
}

static void leave_c(struct engine *e, struct assembler *a) /* from wasm to the C stack */
{
    x_rm(a, I_MOV_STORE, true, RSP, rm_rip(&e->wasm_sp));
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->c_sp));
}

static void call_c(struct assembler *a, void (*fn)(void))
{
    x_mov_imm(a, RAX, (uint64_t)(uintptr_t)fn);
    x_m(a, I_CALL_RM, false, rm_reg(RAX));
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

/* rdi = activation: pops what stub_enter pushed; rax = result. */
static void enter_leave(struct engine *e, struct assembler *a)
{
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->c_sp));
    x_pop(a, RCX);
    x_rm(a, I_MOV_STORE, true, RCX, rm_rip(&e->wasm_sp));
    x_pop(a, RCX);
    x_rm(a, I_MOV_STORE, true, RCX, rm_rip(&e->c_sp));
    x_pop(a, RDI);
    x_rm(a, I_MOV_STORE, true, REG_PIN0, field(RDI, offsetof(struct activation, pin[0])));
    x_rm(a, I_MOV_STORE, true, REG_PIN1, field(RDI, offsetof(struct activation, pin[1])));
}

static void pop_saved(struct assembler *a)
{
    for (unsigned i = sizeof saved; i-- > 0;)
        x_pop(a, saved[i]);
    x_ret(a);
}

/* uint64_t enter(struct activation *): 0 = returned, 1 = trapped. */
static void write_enter(struct engine *e, struct assembler *a)
{
    struct code_global *g = e->code;
    g->stub_enter = stub_here(e, a);
    for (unsigned i = 0; i < sizeof saved; i++)
        x_push(a, saved[i]);
    x_push(a, RDI);
    x_rm(a, I_MOV, true, RAX, rm_rip(&e->c_sp));
    x_push(a, RAX);
    x_rm(a, I_MOV, true, RAX, rm_rip(&e->wasm_sp));
    x_push(a, RAX);
    x_rm(a, I_MOV_STORE, true, RSP, rm_rip(&e->c_sp));
    x_rr(a, I_MOV, true, RSP, RAX);
    x_rm(a, I_MOV, true, RAX, field(RDI, offsetof(struct activation, nstack)));
    x_rm(a, I_MOV, true, RDX, field(RDI, offsetof(struct activation, stack)));
    x_shift_imm(a, SHIFT_SHL, true, rm_reg(RAX), 4);
    x_rr(a, I_SUB, true, RSP, RAX);
    uint32_t loop = asm_offset(a);
    x_rr(a, I_TEST, true, RAX, RAX);
    uint32_t copied = short_jump(a, CC_E);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RAX), 16);
    x_rm(a, I_MOVUPS, false, 0, rm_index(RDX, RAX, 0, 0));
    x_rm(a, I_MOVUPS_STORE, false, 0, rm_index(RSP, RAX, 0, 0));
    short_back(a, -1, loop);
    short_here(a, copied);
    for (unsigned i = 0; i < REG_PARAM_FLOATS; i++)
        x_rm(a, I_MOVUPS, false, (uint8_t)i, field(RDI, offsetof(struct activation, xmm) + 16 * i));
    x_rm(a, I_MOV, true, REG_PIN0, field(RDI, offsetof(struct activation, pin[0])));
    x_rm(a, I_MOV, true, REG_PIN1, field(RDI, offsetof(struct activation, pin[1])));
    x_rm(a, I_MOV, true, REG_BASE, field(RDI, offsetof(struct activation, base)));
    x_rm(a, I_MOV, true, RAX, field(RDI, offsetof(struct activation, code)));
    for (unsigned i = REG_PARAM_INTS; i-- > 0;) /* rdi last */
        x_rm(a, I_MOV, true, reg_param_int(i), field(RDI, offsetof(struct activation, gpr) + 8 * i));
    x_m(a, I_CALL_RM, false, rm_reg(RAX));
    g->stub_return = (uint32_t)(a->address + asm_offset(a) - code_address(e, 0));
    enter_leave(e, a);
    x_rm(a, I_MOV_STORE, true, RAX, field(RDI, offsetof(struct activation, rax)));
    x_rm(a, I_MOVUPS_STORE, false, 0, field(RDI, offsetof(struct activation, xmm0)));
    x_zero(a, RAX);
    pop_saved(a);

    g->stub_exit = stub_here(e, a);
    enter_leave(e, a);
    x_mov_imm(a, RAX, 1);
    pop_saved(a);
}

/* Called by compiled code; the return address is where the trap is. */
static void write_traps(struct engine *e, struct assembler *a)
{
    struct code_global *g = e->code;
    g->stub_host_trap = stub_here(e, a); /* engine->trap says which */
    x_pop(a, RAX);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RAX), 1);
    x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap_pc));
    x_rm(a, I_MOV_STORE, true, RSP, rm_rip(&e->trap_sp));
    x_jmp(a, code_address(e, g->stub_exit));
    for (unsigned t = 1; t < TRAP_COUNT; t++) {
        g->stub_trap[t] = stub_here(e, a);
        x_mov_imm(a, RAX, t);
        x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap));
        x_jmp(a, code_address(e, g->stub_host_trap));
    }
}

static void write_runtime(struct engine *e, struct assembler *a)
{
    static const runtime_fn functions[RT_COUNT] = {
#define RUNTIME(name) [RT_##name] = rt_##name,
#include "engine/run/runtime.def"
#undef RUNTIME
    };
    struct code_global *g = e->code;
    for (unsigned r = 0; r < RT_COUNT; r++) {
        g->stub_runtime[r] = stub_here(e, a);
        leave_c(e, a);
        call_c(a, (void (*)(void))functions[r]);
        x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
        x_alu_imm(a, ALU_CMP, true, rm_rip(&e->trap), 0);
        x_jcc(a, CC_NE, code_address(e, g->stub_host_trap));
        x_ret(a);
    }
}

/* What parameters may be in, below rsp. */
enum { KEPT = 8 * REG_PARAM_INTS + 16 * REG_PARAM_FLOATS };

static void params_store(struct assembler *a)
{
    for (unsigned i = 0; i < REG_PARAM_INTS; i++)
        x_rm(a, I_MOV_STORE, true, reg_param_int(i), rm_mem(RSP, (int32_t)(8 * i) - KEPT));
    for (unsigned i = 0; i < REG_PARAM_FLOATS; i++)
        x_rm(a, I_MOVUPS_STORE, false, (uint8_t)i, rm_mem(RSP, (int32_t)(8 * REG_PARAM_INTS + 16 * i) - KEPT));
}

static void params_load(struct assembler *a)
{
    for (unsigned i = 0; i < REG_PARAM_INTS; i++)
        x_rm(a, I_MOV, true, reg_param_int(i), rm_mem(RSP, (int32_t)(8 * i) - KEPT));
    for (unsigned i = 0; i < REG_PARAM_FLOATS; i++)
        x_rm(a, I_MOVUPS, false, (uint8_t)i, rm_mem(RSP, (int32_t)(8 * REG_PARAM_INTS + 16 * i) - KEPT));
}

/* A stub is no place where a fault is understood: it looks whether the stack has room first. */
static void stack_check(struct engine *e, struct assembler *a)
{
    x_rm(a, I_LEA, true, RAX, rm_mem(RSP, -KEPT));
    x_rm(a, I_CMP, true, RAX, rm_rip(&e->env.stack_lo));
    x_jcc(a, CC_B, code_address(e, e->code->stub_trap[TRAP_STACK]));
}

/* [rsp] = behind the trampoline's call, [rsp + 8] = the caller's return address, which wasm_sp shows meanwhile, for
 * backtraces.  Arguments stay where they are; nothing else runs on the wasm stack. */
static void write_lazy(struct engine *e, struct assembler *a)
{
    struct code_global *g = e->code;
    g->stub_lazy = stub_here(e, a);
    x_pop(a, RCX);
    stack_check(e, a);
    params_store(a);
    x_rr(a, I_MOV, true, RSI, RCX);
    x_rm(a, I_LEA, true, RDI, rm_rip(e));
    leave_c(e, a);
    call_c(a, (void (*)(void))code_lazy);
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
    params_load(a);
    x_rr(a, I_TEST, true, RAX, RAX);
    x_jcc(a, CC_E, code_address(e, g->stub_host_trap));
    x_m(a, I_JMP_RM, false, rm_reg(RAX));
}

/* rcx = index, rax = struct slow_site; [rsp] = behind the call.  Arguments stay where they are; rax = where to go. */
static void write_indirect(struct engine *e, struct assembler *a)
{
    struct code_global *g = e->code;
    g->stub_indirect = stub_here(e, a);
    x_rr(a, I_MOVD, true, XMM15 & 15, RAX);
    stack_check(e, a);
    params_store(a);
    x_rr(a, I_MOV, true, RSI, RCX);
    x_rr(a, I_MOVD_STORE, true, XMM15 & 15, RDI);
    leave_c(e, a);
    call_c(a, (void (*)(void))code_indirect);
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
    params_load(a);
    x_ret(a);
}

bool stubs_init(struct engine *e)
{
    uint32_t at = code_reserve(e, STUBS_BYTES);
    if (!at)
        return false;
    struct assembler a = at_code(e, at, STUBS_BYTES);
    write_enter(e, &a);
    write_traps(e, &a);
    write_runtime(e, &a);
    write_lazy(e, &a);
    write_indirect(e, &a);
    meant_check(&a, a.start);
    return a.at <= a.end;
}

void stub_trampoline(struct engine *e, uint32_t at)
{
    struct assembler a = at_code(e, at, TRAMPOLINE_BYTES);
    x_call(&a, code_address(e, e->code->stub_lazy));
    meant_check(&a, a.start);
}

void stub_jump(struct engine *e, uint32_t at, uint32_t target)
{
    struct assembler a = at_code(e, at, TRAMPOLINE_BYTES);
    x_jmp(&a, code_address(e, target));
    meant_check(&a, a.start);
}

/* ---- thunks ---- */

static void pins_out(struct assembler *a, const struct instance *i)
{
    static const uint8_t regs[2] = {REG_PIN0, REG_PIN1};
    for (int k = 0; k < 2; k++)
        if (i->pinned[k] >= 0)
            x_rm(a, I_MOV_STORE, true, regs[k], rm_rip(&i->globals[i->pinned[k]]->lo));
}

static void pins_in(struct assembler *a, const struct instance *i)
{
    static const uint8_t regs[2] = {REG_PIN0, REG_PIN1};
    for (int k = 0; k < 2; k++)
        if (i->pinned[k] >= 0)
            x_rm(a, I_MOV, true, regs[k], rm_rip(&i->globals[i->pinned[k]]->lo));
}

static bool thunk_begin(struct engine *e, uint32_t bytes, uint32_t *at, struct assembler *a)
{
    e->code->used = (e->code->used + 15) & ~15u;
    *at = code_reserve(e, bytes);
    if (!*at)
        return false;
    *a = at_code(e, *at, bytes);
    return true;
}

/* Arguments from registers and stack to cells at rsp; `above`: bytes between rsp and the return address. */
static void arguments_to_cells(struct assembler *a, const struct functype *t, int32_t above)
{
    uint32_t ints = 0, floats = 0;
    int32_t on_stack = above + 8;
    for (uint32_t p = 0; p < t->nparams; p++) {
        enum irtype type = ir_type_of(t->params[p]);
        uint8_t reg = reg_of_param(type, &ints, &floats);
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

static void results_from_cells(struct engine *e, struct assembler *a, const struct functype *t)
{
    for (uint32_t r = 1; r < t->nresults; r++) {
        x_rm(a, I_MOVUPS, false, 15, rm_mem(RSP, (int32_t)(16 * r)));
        x_rm(a, I_MOVUPS_STORE, false, 15, rm_rip(&e->code->results[r]));
    }
    if (!t->nresults)
        return;
    enum irtype type = ir_type_of(t->results[0]);
    if (type_is_int(type))
        x_rm(a, I_MOV, type == T_I64, RAX, rm_mem(RSP, 0));
    else
        x_rm(a, I_MOVUPS, false, 0, rm_mem(RSP, 0));
}

static uint32_t host_thunk(struct instance *i, uint32_t func, const struct functype *t)
{
    struct engine *e = i->engine;
    const struct host_func *h = &i->hosts[func];
    uint32_t ncells = t->nparams > t->nresults ? t->nparams : t->nresults, frame = 16 * ncells, at;
    struct assembler a;
    if (!thunk_begin(e, 256 + 32 * ncells, &at, &a))
        return 0;
    if (frame)
        x_alu_imm(&a, ALU_SUB, true, rm_reg(RSP), (int32_t)frame);
    arguments_to_cells(&a, t, (int32_t)frame);
    pins_out(&a, i);
    x_rr(&a, I_MOV, true, RDX, RSP);
    uint32_t lea = asm_offset(&a);
    x_rm(&a, I_LEA, true, RAX, rm_rip((void *)(uintptr_t)(a.address + lea + 7)));
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
    x_jmp(&a, code_address(e, e->code->stub_host_trap));
    asm_link(&a, ok, asm_offset(&a));
    results_from_cells(e, &a, t);
    if (frame)
        x_alu_imm(&a, ALU_ADD, true, rm_reg(RSP), (int32_t)frame);
    x_ret(&a);
    if (a.at > a.end)
        __builtin_trap();
    meant_check(&a, a.start);
    return code_add_range(e, (struct code_range){at, at, at + (uint32_t)(a.at - a.start), func, frame, i, true}) ? at
                                                                                                                 : 0;
}

/* Calls callee as its own instance: its pins and its base.  Stack arguments are handed on. */
uint32_t stub_foreign(struct instance *caller, const struct funcref *callee)
{
    struct engine *e = caller->engine;
    struct instance *to = callee->instance;
    const struct functype *t = &to->module->types[to->module->funcs[callee->index].type];
    uint32_t ints = 0, floats = 0, stack = 0, at;
    for (uint32_t p = 0; p < t->nparams; p++)
        stack += reg_of_param(ir_type_of(t->params[p]), &ints, &floats) == REG_NONE;
    uint32_t frame = 16 * stack + 24;
    struct assembler a;
    if (!thunk_begin(e, 320 + 32 * stack, &at, &a))
        return 0;
    x_alu_imm(&a, ALU_SUB, true, rm_reg(RSP), (int32_t)frame);
    static const uint8_t kept[] = {REG_BASE, REG_PIN1, REG_PIN0}; /* whatever the caller has there */
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
    x_ret(&a);
    if (a.at > a.end)
        __builtin_trap();
    meant_check(&a, a.start);
    return code_add_range(e,
                          (struct code_range){at, at, at + (uint32_t)(a.at - a.start), callee->index, frame, to, true})
               ? at
               : 0;
}

uint32_t stub_import(struct instance *i, uint32_t func)
{
    const struct functype *t = &i->module->types[i->module->funcs[func].type];
    return i->hosts[func].fn ? host_thunk(i, func, t) : stub_foreign(i, instance_ref(i, func));
}
