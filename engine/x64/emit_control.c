/* Jumps, branches, jump tables, and what lies behind the function's last block: traps, slow
 * dispatch, tables. */
#include "engine/assert.h"
#include "engine/lib.h"
#include "engine/x64/emit.h"
#include "engine/x64/meant.h"

#define HOPS_MAX 8 /* through empty blocks; a longer chain of them is emitted */

/* Where a jump to block k really goes. */
static inline uint32_t resolve(const struct block *blocks, uint32_t k)
{
    for (unsigned hops = 0; blocks[k].empty && hops < HOPS_MAX; hops++)
        k = blocks[k].succ[0];
    return k;
}

void blocks_mark(struct emit *e)
{
    const struct compile *c = e->c;
    struct block *blocks = c->body.blocks;
    const uint32_t *order = c->body.order, n = c->body.norder;
    blocks[order[0]].is_target = true;
    for (uint32_t i = 0; i < n; i++) {
        const struct block *b = &blocks[order[i]];
        if (b->succ[0] != REF_NONE)
            blocks[resolve(blocks, b->succ[0])].is_target = true;
        if (b->succ[1] != REF_NONE)
            blocks[resolve(blocks, b->succ[1])].is_target = true;
        for (uint32_t t = 0; t < b->ntable; t++)
            blocks[resolve(blocks, c->body.targets[b->table + t])].is_target = true;
    }
}

/* The block whose code comes next, or REF_NONE. */
static inline uint32_t next_block(struct emit *e)
{
    const struct body *body = &e->c->body;
    for (uint32_t i = e->order + 1; i < body->norder; i++)
        if (!block_skipped(&body->blocks[body->order[i]]))
            return body->order[i];
    return REF_NONE;
}

static void link_to(struct emit *e, uint32_t site_offset, uint32_t block)
{
    if (!GROW(e->c, e->links, e->nlinks + 1))
        return;
    ENGINE_ASSERT(e->c->body.blocks[block].is_target);
    e->links[e->nlinks++] = (struct link){site_offset, block};
}

static void table_to(struct emit *e, uint32_t site_offset, const struct block *b)
{
    if (!GROW(e->c, e->tables, e->ntables + 1))
        return;
    ENGINE_ASSERT(b->ntable > 0); /* the default at least */
    e->tables[e->ntables++] = (struct jump_table){site_offset, b->table, b->ntable};
}

/* Backward jumps know their distance. */
static void jump(struct emit *e, int cc, uint32_t target)
{
    struct assembler *a = &e->a;
    ENGINE_ASSERT(target < e->c->body.nblocks);
    const struct block *b = &e->c->body.blocks[target];
    if (b->code && short_back(a, cc, b->code))
        return;
    uint32_t at = cc < 0 ? x_jmp(a, ASM_LATER) : x_jcc(a, (unsigned)cc, ASM_LATER);
    link_to(e, at, target);
}

void emit_jump(struct emit *e, uint32_t block)
{
    uint32_t target = resolve(e->c->body.blocks, block);
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

void emit_brif(struct emit *e, struct node *n)
{
    const struct block *b = block_now(e);
    struct compile *c = e->c;
    uint32_t yes = resolve(c->body.blocks, b->succ[0]), no = resolve(c->body.blocks, b->succ[1]);
    uint64_t imm;
    if (is_imm(e, n->a, &imm)) {
        emit_jump(e, (uint32_t)imm ? yes : no);
        return;
    }
    const struct node *cond = ref_is_node(n->a) ? &c->body.nodes[ref_index(n->a)] : NULL;
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
static void table_jump(struct emit *e, const struct block *b, uint32_t zero_first)
{
    struct assembler *a = &e->a;
    x_rm(a, I_LEA, true, RCX, rm_rip(ASM_LATER));
    table_to(e, asm_offset(a) - 4, b);
    x_rm(a, I_MOVSXD, true, RAX, rm_index(RCX, RAX, 2, 0));
    x_rr(a, I_ADD, true, RAX, RCX);
    for (uint8_t r = 0; r < 32; r++)
        if (zero_first >> r & 1)
            reg_zero(e, r);
    x_m(a, I_JMP_RM, false, rm_reg(RAX));
}

static void index_check(struct emit *e, uint8_t index, const struct block *b)
{
    x_alu_imm(&e->a, ALU_CMP, false, rm_reg(index), (int32_t)(b->ntable - 1));
    jump(e, CC_AE, resolve(e->c->body.blocks, e->c->body.targets[b->table + b->ntable - 1]));
}

/* ---- Go's dispatch at a function's start: the index is nearly always 0 ---- */

/* What the function's start sets flows on through the dispatch; all else is still zero there. */
static void find_set_early(struct emit *e)
{
    struct compile *c = e->c;
    const struct block *entry = &c->body.blocks[c->body.order[0]];
    mem_fill((uint8_t *)e->set_early, 0, c->body.nvregs);
    for (uint32_t p = 0; p < c->type->nparams; p++)
        e->set_early[c->body.first_local + p] = true;
    for (uint32_t i = entry->first; i <= entry->last; i++) {
        uint32_t dst = c->body.nodes[i].dst;
        if (dst != REF_NONE)
            e->set_early[dst >= c->body.nvregs ? c->life.webs[dst - c->body.nvregs].vreg : dst] =
                true;
    }
}

/* The start needs no index where nobody asks for it again, and where nothing but the table comes
 * before.  Calls that have one enter at the slow way. */
static bool dispatch_is_entry(struct emit *e, const struct node *n, const struct block *b)
{
    const struct compile *c = e->c;
    uint32_t pc_b = c->body.first_local, cand = c->body.vregs[pc_b].cand;
    const struct block *start = &c->body.blocks[c->body.order[0]];
    if (!target_zero_call(e->instance, c->type) || cand == NO_CAND ||
        ref_index(n->a) < c->body.nvregs ||
        c->life.webs[ref_index(n->a) - c->body.nvregs].vreg != pc_b)
        return false;
    for (uint32_t i = start->first + 1; i < start->last; i++)
        if (c->body.nodes[i].op != IR_CONST && !(c->body.nodes[i].flags & NF_DEAD))
            return false;
    for (uint32_t t = 0; t < b->ntable; t++)
        if (live_into(c, c->body.targets[b->table + t], cand))
            return false;
    return true;
}

static void dispatch(struct emit *e, struct node *n, struct block *b)
{
    struct compile *c = e->c;
    e->set_early = scratch_alloc(e->engine, c->body.nvregs * sizeof *e->set_early);
    if (!e->set_early) {
        c->failed = true;
        return;
    }
    find_set_early(e);
    e->dispatch =
        (struct slow_dispatch){ .block = c->body.order[e->order], .index = n->a, .used = true };
    if (dispatch_is_entry(e, n, b)) {
        e->dispatch.is_entry = true;
    } else {
        uint8_t index = gpr_of(e, n->a, RAX, false);
        x_rr(&e->a, I_TEST, false, index, index);
        e->dispatch.site = x_jcc(&e->a, CC_NE, ASM_LATER);
    }
    uint32_t first = c->body.targets[b->table];
    for (struct live_walk in = live_walk(c, first); live_next(&in);)
        if (!e->set_early[c->life.cand_vreg[in.cand]])
            home_zero(e, &c->life.webs[*in.web]);
    emit_jump(e, first);
}

/* The slow way zeroes what is live at any target and not set early: slots now, registers just
 * before the jump (the mask).  What is set early lives in slots (color.c), so the zeroing of
 * registers cannot hurt it. */
static uint32_t zero_slots(struct emit *e, const struct block *b)
{
    struct compile *c = e->c;
    uint32_t regs = 0;
    for (uint32_t t = 0; t < b->ntable; t++)
        for (struct live_walk in = live_walk(c, c->body.targets[b->table + t]); live_next(&in);) {
            const struct web *web = &c->life.webs[*in.web];
            bool *zero_not = &e->set_early[web->vreg];
            if (web->reg != REG_NONE) {
                regs |= 1u << web->reg;
            } else if (!*zero_not) {
                *zero_not = true;
                slot_zero(e, web->vreg);
            }
        }
    return regs;
}

void emit_brtable(struct emit *e, struct node *n)
{
    struct block *b = block_now(e);
    ENGINE_ASSERT(b->ntable > 0);
    struct compile *c = e->c;
    uint64_t imm;
    if (is_imm(e, n->a, &imm)) {
        uint32_t k = (uint32_t)imm;
        emit_jump(e, c->body.targets[b->table + (k < b->ntable - 1 ? k : b->ntable - 1)]);
        return;
    }
    if (c->body.order[e->order] == c->body.dispatch) {
        dispatch(e, n, b);
        return;
    }
    gpr_load(e, RAX, n->a, false);
    index_check(e, RAX, b);
    table_jump(e, b, 0);
}

/* ---- behind the last block ---- */

/* The other entry: 0 belongs to the start after all; else the frame is made here. */
static void second_entry(struct emit *e)
{
    struct assembler *a = &e->a;
    uint8_t index = reg_param_int(0);
    e->entry = asm_offset(a);
    meant_block(a);
    x_rr(a, I_TEST, false, index, index);
    asm_link(a, x_jcc(a, CC_E, ASM_LATER), 0);
    emit_prologue(e);
}

bool zero_entry(const struct emit *e)
{
    const struct compile *c = e->c;
    if (!target_zero_call(e->instance, c->type) || e->dispatch.used)
        return e->dispatch.is_entry;
    const struct vreg *pc_b = &c->body.vregs[c->body.first_local];
    if (pc_b->cand == NO_CAND)
        return !pc_b->slot;
    return !live_into(c, c->body.order[0], pc_b->cand);
}

static void emit_slow_dispatch(struct emit *e)
{
    struct assembler *a = &e->a;
    const struct block *b = &e->c->body.blocks[e->dispatch.block];
    ENGINE_ASSERT(e->set_early);
    if (e->dispatch.is_entry) {
        second_entry(e);
        gpr_load(e, RAX, e->dispatch.index, false);
    } else {
        asm_link(a, e->dispatch.site, asm_offset(a));
        if (loc_of(e, e->dispatch.index).kind == L_REG) { /* else it is in rax, from its slot */
            meant_block(a);
            gpr_load(e, RAX, e->dispatch.index, false);
        }
    }
    uint32_t zero_regs = zero_slots(e, b);
    /* past the table's end: the default target, whose webs must be zero too, so by the table's last
     * entry */
    x_alu_imm(a, ALU_CMP, false, rm_reg(RAX), (int32_t)(b->ntable - 1));
    x_mov_imm(a, RCX, b->ntable - 1);
    x_cmov(a, CC_A, false, RAX, rm_reg(RCX));
    table_jump(e, b, zero_regs);
}

void emit_cold(struct emit *e)
{
    struct assembler *a = &e->a;
    if (e->dispatch.used)
        emit_slow_dispatch(e);
    for (uint32_t i = 0; i < e->ncold; i++) {
        asm_link(a, e->cold[i].site, asm_offset(a));
        e->node = e->cold[i].node;
        site(e, e->node->pos);
        x_call_to(a, RELOC_STUB, e->cold[i].stub);
        mark_add(e, MARK_TRAP, e->node->pos);
    }
}

/* A table of 32-bit offsets from its own start. */
static void table_write(struct emit *e, const struct jump_table *t)
{
    struct assembler *a = &e->a;
    struct compile *c = e->c;
    uint32_t used = asm_offset(a);
    if (!compile_grow(c, (void **)&a->start, &e->cap, used + 4 * t->count + 8, 1))
        return;
    a->at = a->start + used;
    a->end = a->start + e->cap;
    asm_align(a, 4);
    uint32_t table = asm_offset(a);
    asm_link(a, t->site, table);
    const struct block *blocks = c->body.blocks;
    for (uint32_t k = 0; k < t->count; k++)
        asm_u32(a, blocks[resolve(blocks, c->body.targets[t->first + k])].code - table);
    meant_is(a, table, (struct meant){.insn = MEANT_DATA, .plus = 4});
}

void links_patch(struct emit *e)
{
    for (uint32_t i = 0; i < e->nlinks; i++)
        asm_link(&e->a, e->links[i].site, e->c->body.blocks[e->links[i].block].code);
    for (uint32_t i = 0; i < e->ntables; i++)
        table_write(e, &e->tables[i]);
}
