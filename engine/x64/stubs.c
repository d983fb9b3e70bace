/* Code that is not compiled from wasm: the way in, the ways out, trampolines.  Thunks: thunks.c.
 *
 * While wasm runs, rsp is on the wasm stack and e->c_sp keeps the C stack; while C runs, e->wasm_sp
 * keeps the wasm stack, and the word there is the return address into wasm (backtraces start from
 * it).  STUB_ENTER leaves on the C stack, from e->c_sp up: the older wasm_sp, the older c_sp, the
 * activation, and C's callee-saved registers. */
#include "engine/assert.h"
#include "engine/x64/frame.h"
#include "engine/x64/meant.h"

#define STUBS_BYTES 8192

/* What is being written: each stub's offset goes to `at`. */
struct stubs {
    struct engine *e;
    const struct reach *reach;
    uint32_t *at;
    struct assembler a;
};

static struct rm field(uint8_t base, size_t offset)
{
    return rm_mem(base, (int32_t)offset);
}

static void stub_here(struct stubs *s, enum stub stub)
{
    asm_align(&s->a, 16);
    s->at[stub] = asm_offset(&s->a);
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

/* rdi = activation: pops what STUB_ENTER pushed; rax = result. */
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
static void write_enter(struct stubs *s)
{
    struct engine *e = s->e;
    struct assembler *a = &s->a;
    stub_here(s, STUB_ENTER);
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
        x_rm(a, I_MOV, true, reg_param_int(i),
             field(RDI, offsetof(struct activation, gpr) + 8 * i));
    x_m(a, I_CALL_RM, false, rm_reg(RAX));
    s->at[STUB_RETURN] = asm_offset(a);
    enter_leave(e, a);
    x_rm(a, I_MOV_STORE, true, RAX, field(RDI, offsetof(struct activation, rax)));
    x_rm(a, I_MOVUPS_STORE, false, 0, field(RDI, offsetof(struct activation, xmm0)));
    x_zero(a, RAX);
    pop_saved(a);

    stub_here(s, STUB_EXIT);
    enter_leave(e, a);
    x_mov_imm(a, RAX, 1);
    pop_saved(a);
}

/* Called by compiled code; the return address is where the trap is. */
static void write_traps(struct stubs *s)
{
    struct engine *e = s->e;
    struct assembler *a = &s->a;
    stub_here(s, STUB_HOST_TRAP); /* engine->trap says which */
    x_pop(a, RAX);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RAX), 1);
    x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap_pc));
    x_rm(a, I_MOV_STORE, true, RSP, rm_rip(&e->trap_sp));
    x_jmp_to(a, RELOC_STUB, STUB_EXIT);
    stub_here(s, STUB_NO_ROOM);
    x_pop(a, RCX);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RCX), 1);
    x_rm(a, I_MOV_STORE, true, RCX, rm_rip(&e->trap_pc));
    x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap_sp));
    x_mov_imm(a, RAX, TRAP_STACK);
    x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap));
    x_jmp_to(a, RELOC_STUB, STUB_EXIT);
    for (unsigned t = 1; t < TRAP_COUNT; t++) {
        stub_here(s, (enum stub)(STUB_TRAP + t));
        x_mov_imm(a, RAX, t);
        x_rm(a, I_MOV_STORE, true, RAX, rm_rip(&e->trap));
        x_jmp_to(a, RELOC_STUB, STUB_HOST_TRAP);
    }
}

static void write_runtime(struct stubs *s)
{
    struct engine *e = s->e;
    struct assembler *a = &s->a;
    static const runtime_fn functions[RT_COUNT] = {
#define RUNTIME(name) [RT_##name] = rt_##name,
#include "engine/run/runtime.def"
#undef RUNTIME
    };
    for (unsigned r = 0; r < RT_COUNT; r++) {
        stub_here(s, (enum stub)(STUB_RUNTIME + r));
        leave_c(e, a);
        call_c(a, (void (*)(void))functions[r]);
        x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
        x_alu_imm(a, ALU_CMP, true, rm_rip(&e->trap), 0);
        x_jcc_to(a, CC_NE, RELOC_STUB, STUB_HOST_TRAP);
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
        x_rm(a, I_MOVUPS_STORE, false, (uint8_t)i,
             rm_mem(RSP, (int32_t)(8 * REG_PARAM_INTS + 16 * i) - KEPT));
}

static void params_load(struct assembler *a)
{
    for (unsigned i = 0; i < REG_PARAM_INTS; i++)
        x_rm(a, I_MOV, true, reg_param_int(i), rm_mem(RSP, (int32_t)(8 * i) - KEPT));
    for (unsigned i = 0; i < REG_PARAM_FLOATS; i++)
        x_rm(a, I_MOVUPS, false, (uint8_t)i,
             rm_mem(RSP, (int32_t)(8 * REG_PARAM_INTS + 16 * i) - KEPT));
}

/* A stub is no place where a fault is understood: it looks whether the stack has room first. */
static void stack_check(struct engine *e, struct assembler *a)
{
    x_rm(a, I_LEA, true, RAX, rm_mem(RSP, -KEPT));
    x_rm(a, I_CMP, true, RAX, rm_rip(&e->env.stack_lo));
    x_jcc_to(a, CC_B, RELOC_STUB, STUB_TRAP + TRAP_STACK);
}

/* [rsp] = behind the trampoline's call, [rsp + 8] = the caller's return address, which wasm_sp
 * shows meanwhile, for backtraces.  Arguments stay where they are; nothing else runs on the wasm
 * stack. */
static void write_lazy(struct stubs *s)
{
    struct engine *e = s->e;
    struct assembler *a = &s->a;
    stub_here(s, STUB_LAZY);
    x_pop(a, RCX);
    stack_check(e, a);
    params_store(a);
    x_rr(a, I_MOV, true, RSI, RCX);
    x_rm(a, I_LEA, true, RDI, rm_rip(e));
    leave_c(e, a);
    call_c(a, (void (*)(void))s->reach->lazy);
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
    params_load(a);
    x_rr(a, I_TEST, true, RAX, RAX);
    x_jcc_to(a, CC_E, RELOC_STUB, STUB_HOST_TRAP);
    x_m(a, I_JMP_RM, false, rm_reg(RAX));
}

/* rcx = index, rax = struct indirect's `slow`; [rsp] = behind the call.  Arguments stay where they
 * are; rax = where to go. */
static void write_indirect(struct stubs *s)
{
    struct engine *e = s->e;
    struct assembler *a = &s->a;
    stub_here(s, STUB_INDIRECT);
    x_rr(a, I_MOVD, true, XMM15 & 15, RAX);
    stack_check(e, a);
    params_store(a);
    x_rr(a, I_MOV, true, RSI, RCX);
    x_rr(a, I_MOVD_STORE, true, XMM15 & 15, RDI);
    leave_c(e, a);
    call_c(a, (void (*)(void))s->reach->look_up);
    x_rm(a, I_MOV, true, RSP, rm_rip(&e->wasm_sp));
    params_load(a);
    x_ret(a);
}

bool stubs_emit(struct engine *e, const struct reach *reach, uint32_t at[STUB_COUNT],
                struct piece *out)
{
    struct stubs s = {.e = e, .reach = reach, .at = at};
    if (!asm_begin(&s.a, e, STUBS_BYTES))
        return false;
    write_enter(&s);
    write_traps(&s);
    write_runtime(&s);
    write_lazy(&s);
    write_indirect(&s);
    stub_here(&s, STUB_COPY);
    bulk_copy(&s.a);
    stub_here(&s, STUB_FILL);
    bulk_fill(&s.a);
    for (uint32_t k = 0; k < STUB_COUNT; k++)
        ENGINE_ASSERT(at[k] < STUBS_BYTES && (at[k] || k == STUB_ENTER || k == STUB_TRAP));
    return asm_end(&s.a, out);
}

void trampoline_write(uint8_t *out, uint64_t runs_at, uint64_t lazy)
{
    struct assembler a = {
        .start = out, .at = out, .end = out + TRAMPOLINE_BYTES, .address = runs_at
    };
    meant_begin(&a);
    x_zero(&a, reg_param_int(0));
    x_call(&a, lazy);
    meant_check(&a, out);
}

void trampoline_jump(uint8_t *out, uint64_t runs_at, uint64_t to)
{
    struct assembler a = {
        .start = out, .at = out, .end = out + TRAMPOLINE_BYTES, .address = runs_at
    };
    meant_begin(&a);
    x_zero(&a, reg_param_int(0));
    x_jmp(&a, to);
    meant_check(&a, out);
}
