/* Nodes to machine code: the driver, homes of values, moves.  Code grows in scratch memory, for no
 * address yet. */
#include "engine/assert.h"
#include "engine/x64/emit.h"
#include "engine/x64/meant.h"

#define SLOT_ZERO_BYTES 24 /* slot_zero */
/* more than any node needs, but for calls, returns and tables, which ask themselves */
#define ROOM 512

/* ---- homes ---- */

static struct loc slot(struct emit *e, uint32_t vreg)
{
    ENGINE_ASSERT(vreg < e->c->body.nvregs && e->c->body.vregs[vreg].slot);
    return (struct loc){ .kind = L_MEM, .slot = (int32_t)(e->c->body.vregs[vreg].slot - 1) };
}

static struct loc loc_of_vreg(struct emit *e, uint32_t i)
{
    struct compile *c = e->c;
    if (i < 2)
        return (struct loc){.kind = L_REG, .reg = i == 0 ? REG_PIN0 : REG_PIN1};
    if (i < c->body.nvregs)
        return slot(e, i);
    const struct web *w = &c->life.webs[i - c->body.nvregs];
    if (w->reg != REG_NONE)
        return (struct loc){.kind = L_REG, .reg = w->reg};
    return slot(e, w->vreg);
}

static struct loc loc_of_temporary(struct emit *e, const struct node *n)
{
    if (n->reg != REG_NONE)
        return (struct loc){.kind = L_REG, .reg = n->reg};
    return slot(e,
                e->c->body.first_stack + n->depth * 2 + (type_is_int(node_value_type(n)) ? 0 : 1));
}

struct loc loc_of(struct emit *e, ref r)
{
    if (ref_is_vreg(r))
        return loc_of_vreg(e, ref_index(r));
    const struct node *n = &e->c->body.nodes[ref_index(r)];
    if (n->op == IR_CONST)
        return (struct loc){.kind = L_IMM, .imm = n->imm};
    return loc_of_temporary(e, n);
}

struct loc loc_of_dst(struct emit *e, const struct node *n)
{
    if (n->dst != REF_NONE)
        return loc_of_vreg(e, n->dst);
    if (n->use != REF_NONE)
        return loc_of_temporary(e, n);
    return (struct loc){.kind = L_IMM};
}

static void xmm_store_slot(struct emit *e, struct rm rm, uint8_t reg, enum irtype type)
{
    x_rm(&e->a,
         type == T_F32   ? I_MOVSS_STORE
         : type == T_F64 ? I_MOVSD_STORE
                         : I_MOVUPS_STORE,
         false, reg & 15, rm);
}

uint8_t dst_xmm(struct emit *e, const struct node *n)
{
    return dst_reg(e, n, XMM15);
}

void dst_done(struct emit *e, const struct node *n, uint8_t reg)
{
    if (dst_reg(e, n, REG_NONE) == reg) /* computed at home */
        return;
    struct loc l = loc_of_dst(e, n);
    enum irtype type = node_value_type(n);
    if (l.kind == L_IMM)
        return;
    if (!type_is_int(type)) {
        if (l.kind == L_REG)
            xmm_move(e, l.reg, reg);
        else
            xmm_store_slot(e, loc_rm(l), reg, type);
    } else if (l.kind == L_MEM) {
        x_rm(&e->a, I_MOV_STORE, true, reg, loc_rm(l));
    } else if (l.reg != reg) {
        x_rr(&e->a, I_MOV, type == T_I64, l.reg, reg);
    }
}

void gpr_load(struct emit *e, uint8_t reg, ref r, bool w)
{
    struct loc l = loc_of(e, r);
    if (l.kind == L_IMM)
        x_mov_imm(&e->a, reg, w ? l.imm : (uint32_t)l.imm);
    else if (l.kind == L_MEM || l.reg != reg || (r & REF_NZ))
        x_rm(&e->a, I_MOV, w && !(r & REF_NZ), reg, loc_rm(l));
}

uint8_t gpr_of(struct emit *e, ref r, uint8_t scratch, bool w)
{
    uint8_t reg = reg_of(e, r);
    if (reg != REG_NONE)
        return reg;
    gpr_load(e, scratch, r, w);
    return scratch;
}

uint8_t gpr_zx(struct emit *e, ref r, uint8_t scratch)
{
    uint8_t reg = reg_of(e, r);
    if (reg != REG_NONE && !(r & REF_NZ))
        return reg;
    gpr_load(e, scratch, r, false);
    return scratch;
}

void xmm_move(struct emit *e, uint8_t dst, uint8_t src)
{
    if (dst != src)
        x_rr(&e->a, I_MOVAPS, false, dst & 15, src & 15);
}

/* Constants stand behind the function's code, those of 16 bytes aligned, so that any instruction
 * takes them. */
void x_constant(struct emit *e, enum insn insn, uint8_t reg, struct cell value, uint8_t bytes)
{
    struct compile *c = e->c;
    if (!GROW(c, e->constants, e->nconstants + 1))
        return;
    x_rm(&e->a, insn, false, reg & 15, rm_rip(ASM_LATER));
    e->constants[e->nconstants++] = (struct constant){asm_offset(&e->a) - 4, bytes, value};
}

struct cell vector_constant(struct emit *e, uint64_t imm)
{
    ENGINE_ASSERT(imm + 16 <= e->c->module->len);
    const uint8_t *bytes = e->c->module->bytes + imm;
    struct cell v = {0, 0};
    for (int i = 0; i < 8; i++) {
        v.lo |= (uint64_t)bytes[i] << (8 * i);
        v.hi |= (uint64_t)bytes[8 + i] << (8 * i);
    }
    return v;
}

void xmm_constant(struct emit *e, uint8_t reg, uint64_t bits, enum irtype type)
{
    struct cell value = type == T_V128 ? vector_constant(e, bits) : (struct cell){bits, 0};
    if (value.lo == 0 && value.hi == 0)
        x_rr(&e->a, I_XORPS, false, reg & 15, reg & 15);
    else if (value.lo == UINT64_MAX && value.hi == UINT64_MAX)
        x_rr(&e->a, I_PCMPEQB, false, reg & 15, reg & 15);
    else if (type == T_V128)
        x_constant(e, I_MOVAPS, reg, value, 16);
    else
        x_constant(e, type == T_F32 ? I_MOVSS : I_MOVSD, reg, value, 8);
}

void slot_zero(struct emit *e, uint32_t vreg)
{
    const struct vreg *v = &e->c->body.vregs[vreg];
    ENGINE_ASSERT(v->slot);
    int32_t at = (int32_t)(v->slot - 1);
    x_rmi32(&e->a, I_MOV_IMM, true, 0, rm_mem(RSP, at), 0);
    if (v->type == T_V128)
        x_rmi32(&e->a, I_MOV_IMM, true, 0, rm_mem(RSP, at + 8), 0);
}

void reg_zero(struct emit *e, uint8_t reg)
{
    if (reg < XMM0)
        x_zero(&e->a, reg);
    else
        x_rr(&e->a, I_XORPS, false, reg & 15, reg & 15);
}

void home_zero(struct emit *e, const struct web *web)
{
    if (web->reg == REG_NONE)
        slot_zero(e, web->vreg);
    else
        reg_zero(e, web->reg);
}

void xmm_load(struct emit *e, uint8_t reg, ref r, enum irtype type)
{
    struct loc l = loc_of(e, r);
    if (l.kind == L_IMM)
        xmm_constant(e, reg, l.imm, type);
    else if (l.kind == L_REG)
        xmm_move(e, reg, l.reg);
    else
        x_rm(&e->a,
             type == T_F32   ? I_MOVSS
             : type == T_F64 ? I_MOVSD
                             : I_MOVUPS,
             false, reg & 15, loc_rm(l));
}

uint8_t xmm_of(struct emit *e, ref r, uint8_t scratch, enum irtype type)
{
    uint8_t reg = reg_of(e, r);
    if (reg != REG_NONE)
        return reg;
    xmm_load(e, scratch, r, type);
    return scratch;
}

/* ---- parallel moves ---- */

static void move_register(struct emit *e, uint8_t dst, uint8_t src, bool w)
{
    if (dst >= XMM0)
        xmm_move(e, dst, src);
    else if (dst != src)
        x_rr(&e->a, I_MOV, w, dst, src);
}

static void move_one(struct emit *e, const struct move *m)
{
    if (m->src == REF_NONE)
        move_register(e, m->dst, m->from, m->w);
    else if (m->dst >= XMM0)
        xmm_load(e, m->dst, m->src, m->type);
    else
        gpr_load(e, m->dst, m->src, m->w);
}

static bool is_blocked(const struct move *m, uint32_t n, uint32_t i)
{
    for (uint32_t j = 0; j < n; j++)
        if (j != i && !m[j].done && m[j].from == m[i].dst)
            return true;
    return false;
}

/* Breaks a cycle: what the first move left would overwrite goes to a scratch register. */
static void move_aside(struct emit *e, struct move *m, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && m[i].done)
        i++;
    ENGINE_ASSERT(i < n);
    uint8_t busy = m[i].dst, aside = busy >= XMM0 ? XMM15 : RAX;
    move_register(e, aside, busy, true);
    for (uint32_t j = 0; j < n; j++)
        if (!m[j].done && m[j].from == busy) {
            m[j].from = aside;
            m[j].w = m[j].w && (m[j].src == REF_NONE || !(m[j].src & REF_NZ));
            m[j].src = REF_NONE;
        }
}

void moves_between(struct emit *e, struct move *m, uint32_t n)
{
    for (uint32_t left = n; left;) {
        uint32_t before = left;
        for (uint32_t i = 0; i < n; i++) {
            if (m[i].done || is_blocked(m, n, i))
                continue;
            move_one(e, &m[i]);
            m[i].done = true;
            left--;
        }
        if (left == before)
            move_aside(e, m, n);
    }
}

void moves(struct emit *e, struct move *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct loc l = loc_of(e, m[i].src);
        m[i].from = l.kind == L_REG ? l.reg : REG_NONE;
    }
    moves_between(e, m, n);
}

/* ---- traps and positions ---- */

static void mark_put(struct emit *e, enum mark_kind kind, uint32_t pos, uint32_t call)
{
    if (e->nmarks == e->marks_cap && !GROW(e->c, e->marks, e->nmarks + 1))
        return;
    e->marks[e->nmarks++] = (struct mark){asm_offset(&e->a), pos, call, kind};
}

/* What belongs to no instruction is the body's. */
static uint32_t instruction_at(const struct emit *e, uint32_t pos)
{
    return pos ? pos : e->body;
}

void mark_add(struct emit *e, enum mark_kind kind, uint32_t pos)
{
    if (e->c->want_positions)
        mark_put(e, kind, instruction_at(e, pos), 0);
}

/* The call in whose place the node stands; 0: the node is the function's own. */
static uint32_t call_around(const struct emit *e, uint32_t pos)
{
    const struct body *body = &e->c->body;
    if (pos - e->body < e->c->module->funcs[e->c->func].body_len)
        return 0;
    uint32_t node = (uint32_t)(e->node - body->nodes), from = 0, to = body->ninlines;
    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;
        *(body->inlines[middle].first <= node ? &from : &to) = middle;
    }
    ENGINE_ASSERT(from < to && node >= body->inlines[from].first &&
                  node < body->inlines[from].end);
    return body->inlines[from].pos;
}

void site_mark(struct emit *e, uint32_t pos)
{
    uint32_t at = instruction_at(e, pos), call = call_around(e, at);
    if (e->at_pos == at && e->at_call == call)
        return;
    e->at_pos = at;
    e->at_call = call;
    mark_put(e, MARK_AT, at, call);
}

void cold_if(struct emit *e, unsigned cc, enum stub stub)
{
    struct compile *c = e->c;
    if (!GROW(c, e->cold, e->ncold + 1))
        return;
    uint32_t at = x_jcc(&e->a, cc, ASM_LATER);
    e->cold[e->ncold++] = (struct cold){at, (uint8_t)stub, e->node};
}

/* ---- nodes ---- */

static void emit_set(struct emit *e, struct node *n)
{
    if (loc_of_dst(e, n).kind == L_IMM)
        return;
    if (!type_is_int(n->type)) {
        uint8_t d = dst_xmm(e, n);
        xmm_load(e, d, n->a, n->type);
        dst_done(e, n, d);
        return;
    }
    uint64_t imm;
    struct loc l = loc_of_dst(e, n);
    bool w = n->type == T_I64;
    if (is_imm(e, n->a, &imm)) {
        imm = w ? imm : (uint32_t)imm;
        if (l.kind == L_MEM && fits32(imm, true)) {
            x_rmi32(&e->a, I_MOV_IMM, true, 0, loc_rm(l), (int32_t)imm);
            return;
        }
        uint8_t d = dst_reg(e, n, RAX);
        if (imm == 0)
            x_zero(&e->a, d);
        else
            x_mov_imm(&e->a, d, imm);
        dst_done(e, n, d);
        return;
    }
    if (l.kind == L_REG)
        gpr_load(e, l.reg, n->a, w);
    else
        dst_done(e, n, w ? gpr_of(e, n->a, RAX, true) : gpr_zx(e, n->a, RAX));
}

static void emit_nothing(struct emit *e, struct node *n)
{
    (void)e, (void)n;
}

static void emit_branch(struct emit *e, struct node *n)
{
    (void)n;
    emit_jump(e, block_now(e)->succ[0]);
}

static void emit_trap(struct emit *e, struct node *n)
{
    ENGINE_ASSERT(n->idx > TRAP_NONE && n->idx < TRAP_COUNT);
    x_call_to(&e->a, RELOC_STUB, STUB_TRAP + n->idx);
    mark_add(e, MARK_TRAP, n->pos);
}

/* Who emits what: all operations are here. */
static void (*const emitters[IR_COUNT])(struct emit *, struct node *) = {
    [IR_NOP] = emit_nothing,
    [IR_LABEL] = emit_nothing, /* emit_blocks sees to them */
    [IR_CONST] = emit_nothing,
    [IR_SET] = emit_set,
    [IR_COPY] = emit_set,
    [IR_SELECT] = emit_select,
    [IR_LOAD] = emit_load,
    [IR_STORE] = emit_store,
    [IR_GLOBAL_GET] = emit_global,
    [IR_GLOBAL_SET] = emit_global,
    [IR_MEMSIZE] = emit_memsize,
    [IR_MEMCOPY] = emit_bulk,
    [IR_MEMFILL] = emit_bulk,
    [IR_CALL] = emit_call,
    [IR_CALLI] = emit_call,
    [IR_RT] = emit_runtime,
    [IR_RESULT] = emit_result,
    [IR_BR] = emit_branch,
    [IR_BRIF] = emit_brif,
    [IR_BRTABLE] = emit_brtable,
    [IR_RETURN] = emit_return,
    [IR_TAIL] = emit_tail,
    [IR_TAILI] = emit_tail,
    [IR_TRAP] = emit_trap,
    [IR_FCMP] = emit_float,
    [IR_FADD] = emit_float,
    [IR_FSUB] = emit_float,
    [IR_FMUL] = emit_float,
    [IR_FDIV] = emit_float,
    [IR_FMIN] = emit_float,
    [IR_FMAX] = emit_float,
    [IR_FCOPYSIGN] = emit_float,
    [IR_FABS] = emit_float,
    [IR_FNEG] = emit_float,
    [IR_FSQRT] = emit_float,
    [IR_FROUND] = emit_float,
    [IR_ITOF] = emit_float,
    [IR_FTOI] = emit_float,
    [IR_PROMOTE] = emit_float,
    [IR_DEMOTE] = emit_float,
    [IR_BITCAST] = emit_float,
    [IR_VEC] = emit_vec,
    [IR_ADD] = emit_int,
    [IR_MULHI] = emit_int,
    [IR_SUB] = emit_int,
    [IR_MUL] = emit_int,
    [IR_AND] = emit_int,
    [IR_OR] = emit_int,
    [IR_XOR] = emit_int,
    [IR_SHL] = emit_int,
    [IR_SHR] = emit_int,
    [IR_SAR] = emit_int,
    [IR_ROTL] = emit_int,
    [IR_ROTR] = emit_int,
    [IR_DIVS] = emit_int,
    [IR_DIVU] = emit_int,
    [IR_REMS] = emit_int,
    [IR_REMU] = emit_int,
    [IR_CLZ] = emit_int,
    [IR_CTZ] = emit_int,
    [IR_POPCNT] = emit_int,
    [IR_EXT8] = emit_int,
    [IR_EXT16] = emit_int,
    [IR_EXT32] = emit_int,
    [IR_SEXT] = emit_int,
    [IR_ZEXT] = emit_int,
    [IR_CMP] = emit_int,
};

static bool room_slow(struct emit *e, uint32_t bytes)
{
    uint32_t used = asm_offset(&e->a);
    ENGINE_ASSERT(used <= e->cap);
    if (!compile_grow(e->c, (void **)&e->a.start, &e->cap, used + bytes, 1))
        return false;
    e->a.at = e->a.start + used;
    e->a.end = e->a.start + e->cap;
    return true;
}

/* Makes room for `bytes` more; false: no scratch memory (sticky). */
static inline bool room(struct emit *e, uint32_t bytes)
{
    return (size_t)(e->a.end - e->a.at) >= bytes || room_slow(e, bytes);
}

static uint32_t room_for(const struct emit *e, const struct node *n)
{
    if (node_has_args(n)) {
        uint32_t live = n->over != OVER_NONE ? e->c->life.call_live[n->over] : 0;
        return ROOM + n->nargs * 48 + live * 24;
    }
    if (n->op == IR_BRTABLE) /* a dispatch zeroes what is live behind it */
        return ROOM + SLOT_ZERO_BYTES * e->c->life.ncand;
    return ROOM;
}

static bool emit_blocks(struct emit *e)
{
    const struct compile *c = e->c;
    const bool positions = c->want_positions;
    for (e->order = 0; e->order < c->body.norder; e->order++) {
        struct block *b = block_now(e);
        if (block_skipped(b))
            continue;
        if (!room(e, ROOM))
            return false;
        b->code = asm_offset(&e->a);
        e->flags_at = UINT32_MAX;
        meant_block(&e->a);
        struct node *n = &c->body.nodes[b->first] + 1, *last = &c->body.nodes[b->last];
        for (; n <= last; n++) {
            if (n->flags & (NF_DEAD | NF_FOLD)) /* constants are folded */
                continue;
            bool usual = !node_has_args(n) && n->op != IR_BRTABLE;
            if (!(usual ? room(e, ROOM) : room(e, room_for(e, n))))
                return false;
            e->node = n;
            if (positions)
                site_mark(e, n->pos);
            emitters[n->op](e, n);
        }
    }
    ENGINE_ASSERT(asm_offset(&e->a) <= e->cap);
    return true;
}

/* All constants of `bytes` bytes, from an aligned place on. */
static void constants_write(struct emit *e, uint8_t bytes)
{
    asm_align(&e->a, bytes);
    for (uint32_t i = 0; i < e->nconstants; i++) {
        const struct constant *k = &e->constants[i];
        if (k->bytes != bytes)
            continue;
        asm_link(&e->a, k->site, asm_offset(&e->a));
        asm_data64(&e->a, k->value.lo);
        if (bytes == 16)
            asm_data64(&e->a, k->value.hi);
    }
}

static bool emit_constants(struct emit *e)
{
    if (!e->nconstants)
        return true;
    if (!room(e, 32 + 16 * e->nconstants))
        return false;
    constants_write(e, 16);
    constants_write(e, 8);
    return true;
}

static uint32_t prologue_room(const struct compile *c)
{
    return ROOM + 32 * c->type->nparams + SLOT_ZERO_BYTES * (c->body.first_stack + 64);
}

/* The whole of it: prologue, blocks, what lies behind them. */
static bool emit_all(struct emit *e)
{
    struct compile *c = e->c;
    if (!room(e, prologue_room(c)))
        return false;
    emit_prologue(e);
    ENGINE_ASSERT(asm_offset(&e->a) <= e->cap);
    if (!emit_blocks(e))
        return false;
    uint32_t again = e->dispatch.is_entry ? prologue_room(c) : 0; /* of the second entry */
    if (!room(e, again + ROOM + 16 * e->ncold + SLOT_ZERO_BYTES * c->body.nvregs + 32 * 16))
        return false;
    emit_cold(e);
    ENGINE_ASSERT(asm_offset(&e->a) <= e->cap);
    if (!emit_constants(e))
        return false;
    links_patch(e);
    return !c->failed;
}

bool emit(struct compile *c, const struct reach *reach, struct piece *out)
{
    struct emit *e = scratch_alloc(c->engine, sizeof *e);
    if (!e)
        return false;
    *e = (struct emit){
        .c = c, .instance = c->instance, .engine = c->engine, .reach = reach, .at_pos = UINT32_MAX
    };
    e->body = c->module->funcs[c->func].body;
    /* what most functions need, with all that emit_all asks for: seldom is code moved */
    e->cap = c->body.nnodes * 5 + 3 * prologue_room(c);
    if (!asm_begin(&e->a, c->engine, e->cap))
        return false;
    blocks_mark(e);
    e->frame = c->homes.frame_bytes = (c->homes.frame_bytes + 7) & ~7u;
    if (!emit_all(e))
        return false;
    e->a.end = e->a.at;
    bool whole = asm_end(&e->a, out);
    out->frame = e->frame;
    out->entry = e->entry;
    out->zero_entry = zero_entry(e);
    out->marks = e->marks;
    out->nmarks = e->nmarks;
    return whole;
}
