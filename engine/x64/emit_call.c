/* Calls, returns, the frame.  Conventions: regs.h.  All registers are caller-saved; webs that live
 * over a call and have a register are saved to their slots before and loaded after. */
#include "engine/assert.h"
#include "engine/x64/emit.h"
#include "engine/x64/frame.h"
#include "engine/x64/meant.h"

#define FRAME_UNCHECKED                                                                            \
    (64u << 10) /* larger frames look at the stack's end first; smaller ones cannot jump over the  \
                   guard */

/* A stack register of the float class may hold a vector. */
static bool is_wide(const struct emit *e, const struct web *w)
{
    return e->c->body.vregs[w->vreg].type == T_V128 || w->vreg >= e->c->body.first_stack;
}

static void store_home(struct emit *e, const struct web *w)
{
    ENGINE_ASSERT(e->c->body.vregs[w->vreg].slot);
    struct rm rm = rm_mem(RSP, (int32_t)(e->c->body.vregs[w->vreg].slot - 1));
    if (w->reg < XMM0)
        x_rm(&e->a, I_MOV_STORE, true, w->reg, rm);
    else
        x_rm(&e->a, is_wide(e, w) ? I_MOVUPS_STORE : I_MOVSD_STORE, false, w->reg & 15, rm);
}

static void load_home(struct emit *e, const struct web *w)
{
    struct rm rm = rm_mem(RSP, (int32_t)(e->c->body.vregs[w->vreg].slot - 1));
    if (w->reg < XMM0)
        x_rm(&e->a, I_MOV, true, w->reg, rm);
    else
        x_rm(&e->a, is_wide(e, w) ? I_MOVUPS : I_MOVSD, false, w->reg & 15, rm);
}

static void live_over(struct emit *e, const struct node *n,
                      void (*each)(struct emit *, const struct web *))
{
    struct compile *c = e->c;
    uint32_t at = n->over;
    if (at == OVER_NONE)
        return;
    ENGINE_ASSERT(at < e->c->life.ncall_live);
    for (uint32_t count = c->life.call_live[at++]; count; count--) {
        const struct web *w = &c->life.webs[c->life.call_live[at++]];
        if (w->reg != REG_NONE)
            each(e, w);
    }
}

/* One argument that goes to memory at rm. */
static void argument_to_memory(struct emit *e, ref r, enum irtype type, struct rm rm)
{
    if (type_is_int(type)) {
        uint8_t v = type == T_I32 ? gpr_zx(e, r, RAX) : gpr_of(e, r, RAX, true);
        x_rm(&e->a, I_MOV_STORE, true, v, rm);
    } else {
        uint8_t v = xmm_of(e, r, XMM15, type);
        x_rm(&e->a,
             type == T_F32   ? I_MOVSS_STORE
             : type == T_F64 ? I_MOVSD_STORE
                             : I_MOVUPS_STORE,
             false, v & 15, rm);
    }
}

static void arguments(struct emit *e, const struct node *n, const struct functype *t,
                      int32_t stack_base)
{
    struct move m[REG_PARAM_INTS + REG_PARAM_FLOATS];
    struct param_rule rule = {0};
    uint32_t count = 0;
    int32_t at = stack_base;
    for (uint32_t p = 0; p < t->nparams; p++) {
        enum irtype type = ir_type_of(t->params[p]);
        uint8_t reg = target_param(&rule, type);
        ref r = e->c->body.args[n->args + p];
        if (reg == REG_NONE) {
            argument_to_memory(e, r, type, rm_mem(RSP, at));
            at += 16;
        } else {
            m[count++] =
                (struct move){ .dst = reg, .w = type == T_I64, .src = r, .type = (uint8_t)type };
        }
    }
    ENGINE_ASSERT(count <= sizeof m / sizeof *m && n->nargs == t->nparams);
    moves(e, m, count);
}

/* First result, from rax or xmm0 to its home. */
static void first_result(struct emit *e, struct node *n)
{
    if (n->type != T_NONE)
        dst_done(e, n, type_is_int(n->type) ? RAX : XMM0);
}

/* The code address that STUB_INDIRECT finds, in rax. */
static struct rm slow_target(struct emit *e, const void *slow, uint32_t pos)
{
    if (!slow)
        e->c->failed = true;
    x_rm(&e->a, I_LEA, true, RAX, rm_rip(slow));
    x_call_to(&e->a, RELOC_STUB, STUB_INDIRECT);
    mark_add(e, MARK_CALL, pos);
    return rm_reg(RAX);
}

/* The register that has the index, which no argument may overwrite; `fixed`: rcx. */
static uint8_t index_register(struct emit *e, const struct node *n, const struct functype *t,
                              bool fixed)
{
    uint8_t reg = fixed ? RCX : gpr_zx(e, n->a, RCX);
    struct param_rule rule = {0};
    for (uint32_t p = 0; p < t->nparams; p++)
        if (target_param(&rule, ir_type_of(t->params[p])) == reg)
            fixed = true;
    if (!fixed)
        return reg;
    gpr_load(e, RCX, n->a, false);
    return RCX;
}

/* Where the code address is, once the arguments are in their places: with the index, checked, in a
 * register, and the table of code addresses for this type in rax. */
static struct rm indirect_target(struct emit *e, struct node *n, uint32_t canon)
{
    struct assembler *a = &e->a;
    ENGINE_ASSERT(n->table < e->c->module->ntables && n->idx < e->c->module->ntypes);
    struct table *t = e->instance->tables[n->table];
    struct indirect to = e->reach->indirect(e->instance, t, canon);
    const struct functype *type = &e->c->module->types[n->idx];
    uint8_t index = index_register(e, n, type, !to.table);
    x_rm(a, I_CMP, true, index, rm_rip(&t->size));
    trap_if(e, CC_AE, TRAP_TABLE);
    arguments(e, n, type, 0);
    if (!to.table)
        return slow_target(e, to.slow, n->pos);
    x_rm(a, I_MOV, true, RAX, rm_rip(to.table));
    return rm_index(RAX, index, 3, 0);
}

static void direct_call(struct emit *e, const struct node *n)
{
    ENGINE_ASSERT(n->idx < e->c->module->nfuncs);
    x_call_to(&e->a, RELOC_CALL, n->idx);
    mark_add(e, MARK_CALL, n->pos);
}

/* A call that begins a function of Go's: PC_B is 0 and is left out. */
static bool zero_call(struct emit *e, const struct node *n)
{
    const struct module *m = e->c->module;
    uint64_t imm;
    if (n->idx < m->nimported_funcs ||
        !target_zero_call(e->instance, &m->types[m->funcs[n->idx].type]) ||
        !is_imm(e, e->c->body.args[n->args], &imm) || (uint32_t)imm != 0)
        return false;
    x_call_to(&e->a, RELOC_CALL_ZERO, n->idx);
    mark_add(e, MARK_CALL, n->pos);
    return true;
}

static void indirect_call(struct emit *e, const struct node *n, struct rm target)
{
    x_m(&e->a, I_CALL_RM, false, target);
    mark_add(e, MARK_CALL, n->pos);
}

void emit_call(struct emit *e, struct node *n)
{
    struct module *m = e->c->module;
    const struct functype *t = &m->types[n->op == IR_CALL ? m->funcs[n->idx].type : n->idx];
    live_over(e, n, store_home);
    if (n->op == IR_CALL) {
        if (!zero_call(e, n)) {
            arguments(e, n, t, 0);
            direct_call(e, n);
        }
    } else {
        indirect_call(e, n, indirect_target(e, n, m->canon[n->idx]));
    }
    first_result(e, n);
    live_over(e, n, load_home); /* moves leave the flags alone */
    if (target_result_tested(e->instance, t)) {
        e->tested = n;
        e->tested_at = asm_offset(&e->a);
    }
}

void emit_result(struct emit *e, struct node *n)
{
    ENGINE_ASSERT(n->idx > 0 && n->idx < LIMIT_RESULTS);
    struct rm rm = rm_rip(&e->reach->results[n->idx].lo);
    static const uint8_t in[] = {I_MOVSS, I_MOVSD, I_MOVUPS};
    uint8_t d = dst_reg(e, n, type_is_int(n->type) ? RAX : XMM15);
    if (type_is_int(n->type))
        x_rm(&e->a, I_MOV, n->type == T_I64, d, rm);
    else
        x_rm(&e->a, in[n->type - T_F32], false, d & 15, rm);
    dst_done(e, n, d);
}

/* Runtime functions take C's registers: instance, then the operands. */
void emit_runtime(struct emit *e, struct node *n)
{
    static const uint8_t regs[] = {RSI, RDX, RCX, R8, R9};
    struct assembler *a = &e->a;
    struct move m[5];
    ENGINE_ASSERT(n->nargs <= 5 && n->idx < RT_COUNT);
    live_over(e, n, store_home);
    ENGINE_ASSERT(n->nargs <= sizeof regs);
    for (uint32_t i = 0; i < n->nargs; i++)
        m[i] = (struct move){.dst = regs[i], .w = true, .src = e->c->body.args[n->args + i]};
    moves(e, m, n->nargs);
    x_rm(a, I_LEA, true, RDI, rm_rip(e->instance));
    x_call_to(a, RELOC_STUB, STUB_RUNTIME + n->idx);
    mark_add(e, MARK_CALL, n->pos);
    first_result(e, n);
    live_over(e, n, load_home);
}

/* ---- frame ---- */

void emit_frame_down(struct emit *e)
{
    if (e->frame)
        x_alu_imm(&e->a, ALU_ADD, true, rm_reg(RSP), (int32_t)e->frame);
}

/* The frame's end and the return, with the result in rax or yet to come: r, a constant. */
static void return_with_flags(struct emit *e, ref r)
{
    uint64_t imm;
    emit_frame_down(e);
    if (is_imm(e, r, &imm) && (uint32_t)imm == 0) { /* which is its test, too */
        x_zero(&e->a, RAX);
        x_ret(&e->a);
        return;
    }
    if (is_imm(e, r, &imm))
        x_mov_imm(&e->a, RAX, (uint32_t)imm);
    return_tested(&e->a);
}

void emit_return(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    const struct functype *t = e->c->type;
    if (target_result_tested(e->instance, t)) {
        uint64_t imm;
        ref r = e->c->body.args[n->args];
        if (!is_imm(e, r, &imm))
            gpr_load(e, RAX, r, false);
        return_with_flags(e, r);
        return;
    }
    for (uint32_t i = 1; i < t->nresults; i++)
        argument_to_memory(e, e->c->body.args[n->args + i], ir_type_of(t->results[i]),
                           rm_rip(&e->reach->results[i].lo));
    if (t->nresults) {
        ref r = e->c->body.args[n->args];
        enum irtype type = ir_type_of(t->results[0]);
        uint64_t imm;
        if (!type_is_int(type))
            xmm_load(e, XMM0, r, type);
        else if (is_imm(e, r, &imm) && (type == T_I64 ? imm : (uint32_t)imm) == 0)
            x_zero(a, RAX);
        else
            gpr_load(e, RAX, r, type == T_I64);
    }
    emit_frame_down(e);
    x_ret(a);
}

/* A tail call.  Stack arguments, written at the frame's bottom as for any call, move to where this
 * function's own came. If they are more than those, the call returns in the ordinary way; the
 * results are where this function's are. */
void emit_tail(struct emit *e, struct node *n)
{
    struct assembler *a = &e->a;
    struct module *m = e->c->module;
    const struct functype *t = n->op == IR_TAIL ? &m->types[m->funcs[n->idx].type]
                                                : &m->types[n->idx];
    uint32_t stack = target_stack_params(t);
    struct rm target = {.kind = RM_REG};
    if (n->op == IR_TAILI)
        target = indirect_target(e, n, m->canon[n->idx]);
    else
        arguments(e, n, t, 0);
    if (stack > target_stack_params(e->c->type)) {
        if (n->op == IR_TAILI)
            indirect_call(e, n, target);
        else
            direct_call(e, n);
        emit_frame_down(e);
        if (target_result_tested(e->instance, t))
            return_tested(a);
        else
            x_ret(a);
        return;
    }
    for (uint32_t k = 0; k < stack; k++) {
        x_rm(a, I_MOVUPS, false, XMM15 & 15, rm_mem(RSP, (int32_t)(16 * k)));
        x_rm(a, I_MOVUPS_STORE, false, XMM15 & 15, rm_mem(RSP, (int32_t)(e->frame + 8 + 16 * k)));
    }
    emit_frame_down(e);
    if (n->op == IR_TAILI)
        x_m(a, I_JMP_RM, false, target);
    else
        x_jmp_to(a, RELOC_TAIL, n->idx);
}

/* ---- parameters, from where they come to their homes ---- */

struct param {
    uint8_t from; /* register, or REG_NONE: on the stack, at `at` */
    uint8_t to;   /* register, or REG_NONE: its slot */
    bool wanted;
    uint8_t type;
    int32_t at;
    uint32_t vreg;
};

static void params_find(struct emit *e, struct param *params)
{
    struct compile *c = e->c;
    struct param_rule rule = {0};
    int32_t at = (int32_t)e->frame + 8;
    for (uint32_t p = 0; p < c->type->nparams; p++) {
        const struct vreg *v = &c->body.vregs[c->body.first_local + p];
        uint8_t from = target_param(&rule, v->type);
        params[p] = (struct param){.from = from,
                                   .to = REG_NONE,
                                   .wanted = v->cand == NO_CAND && v->slot,
                                   .type = v->type,
                                   .at = at,
                                   .vreg = c->body.first_local + p};
        at += from == REG_NONE ? 16 : 0;
    }
    for (struct live_walk in = live_walk(c, c->body.order[0]); live_next(&in);) {
        uint32_t p = c->life.cand_vreg[in.cand] - c->body.first_local;
        if (p < c->type->nparams) {
            params[p].to = c->life.webs[*in.web].reg;
            params[p].wanted = true;
        }
    }
}

static void param_store(struct emit *e, const struct param *p, uint8_t reg)
{
    static const uint8_t store[] = {I_MOVSS_STORE, I_MOVSD_STORE, I_MOVUPS_STORE};
    struct rm slot = rm_mem(RSP, (int32_t)(e->c->body.vregs[p->vreg].slot - 1));
    bool is_int = type_is_int(p->type);
    x_rm(&e->a, is_int ? I_MOV_STORE : store[p->type - T_F32], is_int, reg & 15, slot);
}

/* From the stack. */
static void param_load(struct emit *e, const struct param *p)
{
    static const uint8_t load[] = {I_MOVSS, I_MOVSD, I_MOVUPS};
    bool is_int = type_is_int(p->type);
    uint8_t reg = p->to != REG_NONE ? p->to : is_int ? RAX : XMM15;
    x_rm(&e->a, is_int ? I_MOV : load[p->type - T_F32], is_int, reg & 15, rm_mem(RSP, p->at));
    if (p->to == REG_NONE)
        param_store(e, p, reg);
}

/* Stores first, then moves between registers, then loads: none overwrites what a later one reads.
 */
static void parameters_home(struct emit *e)
{
    uint32_t n = e->c->type->nparams, count = 0;
    struct move m[REG_PARAM_INTS + REG_PARAM_FLOATS];
    struct param *params = scratch_alloc(e->engine, n * sizeof *params);
    if (!params) {
        e->c->failed = true;
        return;
    }
    params_find(e, params);
    for (uint32_t i = 0; i < n; i++)
        if (params[i].wanted && params[i].from != REG_NONE && params[i].to == REG_NONE)
            param_store(e, &params[i], params[i].from);
    for (uint32_t i = 0; i < n; i++)
        if (params[i].wanted && params[i].from != REG_NONE && params[i].to != REG_NONE)
            m[count++] = (struct move){
                .dst = params[i].to, .from = params[i].from, .w = true, .src = REF_NONE
            };
    moves_between(e, m, count);
    for (uint32_t i = 0; i < n; i++)
        if (params[i].wanted && params[i].from == REG_NONE)
            param_load(e, &params[i]);
}

/* Locals start as zero: candidates that are live at the entry, and all that have a slot for good.
 */
static void locals_zero(struct emit *e)
{
    struct compile *c = e->c;
    uint32_t params = c->body.first_local + c->type->nparams;
    for (struct live_walk in = live_walk(c, c->body.order[0]); live_next(&in);) {
        uint32_t v = c->life.cand_vreg[in.cand];
        if (v >= params && v < c->body.first_stack)
            home_zero(e, &c->life.webs[*in.web]);
    }
    for (uint32_t v = params; v < c->body.first_stack && c->life.in_slots; v++)
        if ((v < c->body.first_named || v >= c->body.first_inline) &&
            c->body.vregs[v].cand == NO_CAND && c->body.vregs[v].slot)
            slot_zero(e, v);
}

void emit_prologue(struct emit *e)
{
    struct assembler *a = &e->a;
    meant_block(a);
    if (e->frame > FRAME_UNCHECKED) {
        site(e, e->c->module->funcs[e->c->func].body);
        x_rm(a, I_LEA, true, RAX, rm_mem(RSP, -(int32_t)e->frame));
        x_rm(a, I_CMP, true, RAX, rm_rip(&e->engine->env.stack_lo));
        e->node = &e->c->body.nodes[e->c->body.blocks[e->c->body.order[0]].first];
        cold_if(e, CC_B, STUB_NO_ROOM);
    }
    site(e, e->c->module->funcs[e->c->func].body);
    if (e->frame)
        x_alu_imm(a, ALU_SUB, true, rm_reg(RSP), (int32_t)e->frame);
    parameters_home(e);
    locals_zero(e);
}
