/* Jumps, branches, jump tables, and what lies behind the function's last block: traps, slow dispatch, tables. */
#include "engine/x64/emit.h"
#include "engine/x64/meant.h"

#define HOPS_MAX 8 /* through empty blocks; a longer chain of them is emitted */

/* Where a jump to block k really goes. */
static uint32_t resolve(const struct compile *c, uint32_t k)
{
    for (unsigned hops = 0; c->blocks[k].empty && hops < HOPS_MAX; hops++)
        k = c->blocks[k].succ[0];
    return k;
}

static void mark(struct compile *c, uint32_t k)
{
    c->blocks[resolve(c, k)].is_target = true;
}

void blocks_mark(struct emit *e)
{
    struct compile *c = e->c;
    c->blocks[c->order[0]].is_target = true;
    for (uint32_t i = 0; i < c->norder; i++) {
        const struct block *b = &c->blocks[c->order[i]];
        for (int s = 0; s < 2; s++)
            if (b->succ[s] != REF_NONE)
                mark(c, b->succ[s]);
        for (uint32_t t = 0; t < b->ntable; t++)
            mark(c, c->targets[b->table + t]);
    }
}

bool block_skipped(struct emit *e, uint32_t k)
{
    return e->c->blocks[k].empty && !e->c->blocks[k].is_target;
}

/* The block whose code comes next, or REF_NONE. */
static uint32_t next_block(struct emit *e)
{
    struct compile *c = e->c;
    for (uint32_t i = e->order + 1; i < c->norder; i++)
        if (!block_skipped(e, c->order[i]))
            return c->order[i];
    return REF_NONE;
}

static void link_to(struct emit *e, uint32_t site_offset, uint32_t block, uint32_t table)
{
    if (!compile_grow(e->c, (void **)&e->links, &e->links_cap, e->nlinks + 1, sizeof *e->links))
        return;
    e->links[e->nlinks++] = (struct link){site_offset, block, table};
}

/* Backward jumps know their distance. */
static void jump(struct emit *e, int cc, uint32_t target)
{
    struct assembler *a = &e->a;
    const struct block *b = &e->c->blocks[target];
    if (b->code && short_back(a, cc, b->code))
        return;
    uint32_t at = cc < 0 ? x_jmp(a, ASM_LATER) : x_jcc(a, (unsigned)cc, ASM_LATER);
    link_to(e, at, target, REF_NONE);
}

void emit_jump(struct emit *e, uint32_t block)
{
    uint32_t target = resolve(e->c, block);
    if (target != next_block(e))
        jump(e, -1, target);
}

static void branch_on(struct emit *e, unsigned cc, uint32_t yes, uint32_t no)
{
    uint32_t next = next_block(e);
    if (yes == next) {
        jump(e, (int)(cc ^ 1), no);
    } else {
        jump(e, (int)cc, yes);
        if (no != next)
            jump(e, -1, no);
    }
}

void emit_brif(struct emit *e, struct node *n, struct block *b)
{
    struct compile *c = e->c;
    uint32_t yes = resolve(c, b->succ[0]), no = resolve(c, b->succ[1]);
    uint64_t imm;
    if (is_imm(e, n->a, &imm)) {
        emit_jump(e, (uint32_t)imm ? yes : no);
        return;
    }
    const struct node *cond = ref_is_node(n->a) ? &c->nodes[ref_index(n->a)] : NULL;
    if (cond && (cond->flags & NF_FOLD) && cond->op == IR_FCMP) {
        struct fcond f = emit_fcmp(e, cond);
        if (f.parity)
            jump(e, CC_P, f.parity == 1 ? no : yes);
        branch_on(e, f.cc, yes, no);
        return;
    }
    unsigned cc = emit_condition(e, n->a);
    branch_on(e, cc, yes, no);
}

/* ---- tables ---- */

/* rcx = table, rax = index, in range. */
static void table_jump(struct emit *e, const struct block *b, bool zero_first)
{
    struct assembler *a = &e->a;
    struct compile *c = e->c;
    x_rm(a, I_LEA, true, RCX, rm_rip(ASM_LATER));
    link_to(e, asm_offset(a) - 4, b->table, b->ntable); /* the table's own place: resolved by links_patch */
    x_rm(a, I_MOVSXD, true, RAX, rm_index(RCX, RAX, 2, 0));
    x_rr(a, I_ADD, true, RAX, RCX);
    if (zero_first) { /* what is live at any target, but not from before, is zero */
        uint32_t mask = 0;
        for (uint32_t t = 0; t < b->ntable; t++) {
            uint32_t k = c->targets[b->table + t], at = c->blocks[k].webs_in;
            for (uint32_t w = 0; w < c->words; w++)
                for (uint64_t bits = c->live_in[(uint64_t)k * c->words + w]; bits; bits &= bits - 1, at++) {
                    const struct web *web = &c->webs[web_find(c, c->webs_in_store[at])];
                    if (web->reg != REG_NONE)
                        mask |= 1u << web->reg;
                }
        }
        for (uint8_t r = 0; r < 32; r++)
            if (mask >> r & 1) {
                if (r < XMM0)
                    x_zero(a, r);
                else
                    x_rr(a, I_XORPS, false, r & 15, r & 15);
            }
    }
    x_m(a, I_JMP_RM, false, rm_reg(RAX));
}

static void index_check(struct emit *e, uint8_t index, const struct block *b)
{
    x_alu_imm(&e->a, ALU_CMP, false, rm_reg(index), (int32_t)(b->ntable - 1));
    jump(e, CC_AE, resolve(e->c, e->c->targets[b->table + b->ntable - 1]));
}

/* Is candidate number x set before the dispatch (then its value flows on), or still zero?  Those set before live in
 * slots (color.c), so the zeroing of registers cannot hurt them. */
static void zero_slots(struct emit *e, const struct block *b)
{
    struct compile *c = e->c;
    for (uint32_t t = 0; t < b->ntable; t++) {
        uint32_t k = c->targets[b->table + t], at = c->blocks[k].webs_in;
        for (uint32_t w = 0; w < c->words; w++)
            for (uint64_t bits = c->live_in[(uint64_t)k * c->words + w]; bits; bits &= bits - 1, at++) {
                uint32_t vreg = c->cand_vreg[w * 64 + (uint32_t)__builtin_ctzll(bits)];
                const struct web *web = &c->webs[web_find(c, c->webs_in_store[at])];
                struct vreg *v = &c->vregs[vreg];
                if (web->reg != REG_NONE || v->pending == 1)
                    continue;
                v->pending = 1; /* done, or set before */
                slot_zero(e, vreg);
            }
    }
}

/* Go's dispatch at a function's start: the index is nearly always 0. */
static void dispatch(struct emit *e, struct node *n, struct block *b)
{
    struct assembler *a = &e->a;
    struct compile *c = e->c;
    uint8_t index = gpr_of(e, n->a, RAX, false);
    x_rr(a, I_TEST, false, index, index);
    e->dispatch = (struct slow_dispatch){x_jcc(a, CC_NE, ASM_LATER), c->order[e->order], index, true};
    uint32_t first = c->targets[b->table], at = c->blocks[first].webs_in;
    for (uint32_t w = 0; w < c->words; w++)
        for (uint64_t bits = c->live_in[(uint64_t)first * c->words + w]; bits; bits &= bits - 1, at++) {
            uint32_t vreg = c->cand_vreg[w * 64 + (uint32_t)__builtin_ctzll(bits)];
            const struct web *web = &c->webs[web_find(c, c->webs_in_store[at])];
            if (c->vregs[vreg].pending == 1) /* set before */
                continue;
            if (web->reg == REG_NONE)
                slot_zero(e, vreg);
            else if (web->reg < XMM0)
                x_zero(a, web->reg);
            else
                x_rr(a, I_XORPS, false, web->reg & 15, web->reg & 15);
        }
    emit_jump(e, first);
}

void emit_brtable(struct emit *e, struct node *n, struct block *b)
{
    struct compile *c = e->c;
    uint64_t imm;
    if (is_imm(e, n->a, &imm)) {
        uint32_t k = (uint32_t)imm;
        emit_jump(e, c->targets[b->table + (k < b->ntable - 1 ? k : b->ntable - 1)]);
        return;
    }
    if (c->order[e->order] == c->dispatch) {
        /* mark what the function's start has set: vreg->pending is free for this after build.c */
        for (uint32_t v = 0; v < c->nvregs; v++)
            c->vregs[v].pending = 0;
        for (uint32_t p = 0; p < c->type->nparams; p++)
            c->vregs[c->first_local + p].pending = 1;
        for (uint32_t i = c->blocks[c->order[0]].first; i <= c->blocks[c->order[0]].last; i++) {
            uint32_t dst = c->nodes[i].dst;
            if (dst != REF_NONE)
                c->vregs[dst >= c->nvregs ? c->webs[dst - c->nvregs].vreg : dst].pending = 1;
        }
        dispatch(e, n, b);
        return;
    }
    gpr_load(e, RAX, n->a, false);
    index_check(e, RAX, b);
    table_jump(e, b, false);
}

/* ---- behind the last block ---- */

static void emit_slow_dispatch(struct emit *e)
{
    struct assembler *a = &e->a;
    const struct block *b = &e->c->blocks[e->dispatch.block];
    asm_link(a, e->dispatch.site, asm_offset(a));
    if (e->dispatch.index != RAX)
        x_rr(a, I_MOV, false, RAX, e->dispatch.index);
    zero_slots(e, b);
    /* past the table's end: the default target, whose webs must be zero too, so by the table's last entry */
    x_alu_imm(a, ALU_CMP, false, rm_reg(RAX), (int32_t)(b->ntable - 1));
    x_mov_imm(a, RCX, b->ntable - 1);
    x_cmov(a, CC_A, false, RAX, rm_reg(RCX));
    table_jump(e, b, true);
}

void emit_cold(struct emit *e)
{
    struct assembler *a = &e->a;
    struct code_global *code = e->engine->code;
    if (e->dispatch.used)
        emit_slow_dispatch(e);
    for (uint32_t i = 0; i < e->ncold; i++) {
        asm_link(a, e->cold[i].site, asm_offset(a));
        site(e, e->cold[i].pos);
        x_call(a, code_address(e->engine, code->stub_trap[e->cold[i].trap]));
    }
}

/* A table of 32-bit offsets from its own start. */
static void table_write(struct emit *e, const struct link *l)
{
    struct assembler *a = &e->a;
    struct compile *c = e->c;
    uint32_t used = asm_offset(a);
    if (!compile_grow(c, (void **)&a->start, &e->cap, used + 4 * l->table + 8, 1))
        return;
    a->at = a->start + used;
    asm_align(a, 4);
    uint32_t table = asm_offset(a);
    asm_link(a, l->site, table);
    for (uint32_t t = 0; t < l->table; t++)
        asm_u32(a, c->blocks[resolve(c, c->targets[l->block + t])].code - table);
    meant_is(a, table, (struct meant){.insn = MEANT_DATA, .plus = 4});
}

void links_patch(struct emit *e)
{
    for (uint32_t i = 0; i < e->nlinks; i++) {
        const struct link *l = &e->links[i];
        if (l->table == REF_NONE)
            asm_link(&e->a, l->site, e->c->blocks[l->block].code);
        else
            table_write(e, l);
    }
}
