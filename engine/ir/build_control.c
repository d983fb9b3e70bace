/* Control instructions: body bytes to blocks and edges.
 *
 * A block ends where control joins or parts.  What stays on the operand stack over a block's end
 * lies in stack registers (build_flush).  Jumps that Go sends through its dispatch (`i32.const k;
 * local.set PC_B; br loop`) go straight to entry k of the br_table that the loop starts with. */
#include "engine/lib.h"
#include "engine/ir/build.h"
#include "engine/load/opcodes.h"
#include "engine/x64/target.h"

/* What most bodies of so many bytes need, so that nothing is copied as arrays grow: the short ones
 * differ, and the long ones say how much memory the engine needs.  Past a MiB a body has room for
 * nodes as dense as they come, as the copies that growing leaves behind would not fit.  One of each
 * at least: where a later one cannot be had, writes go there and `failed` ends the pass. */
bool build_room(struct build *b)
{
    struct compile *c = b->c;
    uint32_t bytes = c->module->funcs[c->func].body_len, few = bytes < 4096 ? bytes : 4096,
             dense = bytes > 1 << 20 ? 6 : 5, nodes = bytes / 16 * dense + few / 8 + 1,
             blocks = bytes / 24 + few / 24 + 1;
    return GROW(c, c->body.nodes, nodes) && GROW(c, c->body.blocks, blocks) &&
           GROW(c, c->body.order, blocks) && GROW(c, c->body.touches, blocks) &&
           GROW(c, b->ctl, 1) && GROW(c, b->stack, 1);
}

static inline uint32_t block_new(struct build *b)
{
    struct compile *c = b->c;
    if (!GROW(c, c->body.blocks, c->body.nblocks + 1))
        return 0;
    c->body.blocks[c->body.nblocks] = (struct block){ .succ = { REF_NONE, REF_NONE },
                                                      .low = ~UINT64_C(0) };
    return c->body.nblocks++;
}

/* Starts block k here in layout order. */
static void block_place(struct build *b, uint32_t k)
{
    struct compile *c = b->c;
    if (!GROW(c, c->body.order, c->body.norder + 1))
        return;
    ENGINE_ASSERT(k < c->body.nblocks);
    c->body.order[c->body.norder++] = k;
    b->touch = 2 * c->body.norder;
    build_new(b, IR_LABEL, T_NONE)->idx = k;
    c->body.blocks[k].first = b->last;
    c->body.blocks[k].touches = c->body.ntouches;
    b->cur = k;
    build_low_begin(b, k);
    build_slot_begin(b, k);
    b->nnamed = b->nproducts = 0;
    b->dead = false;
}

static struct node *block_end(struct build *b, enum irop op)
{
    struct node *n = build_new(b, op, T_NONE);
    struct block *block = &b->c->body.blocks[b->cur];
    ENGINE_ASSERT(block->last == 0); /* a block ends once */
    block->last = b->last;
    return n;
}

static void branch(struct build *b, uint32_t target)
{
    build_low_jump(b, target);
    build_slot_edge(b, target);
    block_end(b, IR_BR);
    b->c->body.blocks[b->cur].succ[0] = target;
}

static void branch_if(struct build *b, ref cond, uint32_t yes, uint32_t no)
{
    struct compile *c = b->c;
    cond = build_condition_there(b, build_compared_again(b, cond));
    if (ref_is_node(cond) && ref_index(cond) == b->last && !(cond & REF_NZ)) {
        struct node *n = &c->body.nodes[b->last];
        if ((n->op == IR_CMP || n->op == IR_FCMP || (n->op == IR_AND && n->type == T_I32)) &&
            n->dst == REF_NONE)
            n->flags |= NF_FOLD;
    }
    build_low_edge(b, yes);
    build_low_edge(b, no);
    build_slot_edge(b, yes);
    build_slot_edge(b, no);
    block_end(b, IR_BRIF)->a = cond;
    c->body.blocks[b->cur].succ[0] = yes;
    c->body.blocks[b->cur].succ[1] = no;
}

/* The popped condition survives the flush of what lies below it: it is computed last, the flush
 * moves come before. */
static ref pop_condition(struct build *b)
{
    ref cond = build_pop(b).r;
    struct compile *c = b->c;
    bool dirty = b->flushed < b->sp;
    if (dirty && ref_is_vreg(cond)) { /* a flush may not write what the condition reads */
        build_vreg(b, build_stack_vreg(b, b->sp, T_I32));
        uint32_t n = build_node(b, IR_COPY, T_I32);
        c->body.nodes[n].a = cond;
        c->body.nodes[n].flags |= NF_VALUE;
        c->body.nodes[n].depth = b->sp & 0xffffff;
        cond = n;
    }
    if (dirty)
        build_flush(b);
    return cond;
}

uint32_t build_aside_begin(struct build *b, uint32_t to)
{
    uint32_t k = block_new(b);
    struct block *aside = &b->c->body.blocks[k];
    aside->aside = aside->reached = true;
    aside->low = b->c->body.blocks[to].low; /* true on each way to there */
    block_place(b, k);
    return k;
}

void build_aside_end(struct build *b, uint32_t to)
{
    block_end(b, IR_BR);
    b->c->body.blocks[b->cur].succ[0] = to;
}

static inline struct ctl *ctl_push(struct build *b, unsigned kind)
{
    if (!GROW(b->c, b->ctl, b->nctl + 1))
        return &b->ctl[0];
    struct ctl *f = &b->ctl[b->nctl++];
    *f = (struct ctl){
        .kind = (uint8_t)kind, .label = REF_NONE, .else_block = REF_NONE, .dispatch_vreg = REF_NONE
    };
    return f;
}

/* Block types (spec 5.4.1). */
static void block_type(struct build *b, struct ctl *f)
{
    static const uint8_t codes[] = { VT_I32,  VT_I64,     VT_F32,      VT_F64,
                                     VT_V128, VT_FUNCREF, VT_EXTERNREF };
    uint8_t byte = *b->at;
    if (byte == 0x40) {
        b->at++;
        return;
    }
    for (unsigned i = 0; i < sizeof codes; i++)
        if (byte == codes[i]) {
            b->at++;
            f->nresults = 1;
            f->results = &codes[i];
            return;
        }
    const struct functype *t = &b->c->module->types[build_s64(b)];
    f->nparams = t->nparams;
    f->params = t->params;
    f->nresults = t->nresults;
    f->results = t->results;
}

static uint32_t label_arity(const struct ctl *f)
{
    return f->kind == OP_loop ? f->nparams : f->nresults;
}
static const uint8_t *label_types(const struct ctl *f)
{
    return f->kind == OP_loop ? f->params : f->results;
}

static uint32_t label_block(struct build *b, struct ctl *f)
{
    if (f->label == REF_NONE)
        f->label = block_new(b);
    return f->label;
}

static struct ctl *label_frame(struct build *b, uint32_t depth)
{
    ENGINE_ASSERT(depth < b->nctl);
    return &b->ctl[b->nctl - 1 - depth];
}

/* The label's values are where the target expects them already. */
static bool values_in_place(struct build *b, const struct ctl *f)
{
    uint32_t n = label_arity(f);
    if (b->sp < n) /* only after a failure */
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (b->stack[b->sp - n + i].r !=
            (REF_VREG | build_stack_vreg(b, f->height + i, ir_type_of(label_types(f)[i]))))
            return false;
    return true;
}

/* Copies the topmost values to where the target expects them, without popping.  Sources never lie
 * below their targets, so ascending order is safe. */
static void values_move_some(struct build *b, const struct ctl *f, uint32_t n)
{
    struct compile *c = b->c;
    ENGINE_ASSERT(b->sp >= f->height + n || c->failed);
    if (b->sp < n)
        return;
    for (uint32_t i = 0; i < n; i++) {
        struct opnd o = b->stack[b->sp - n + i];
        uint32_t v = build_stack_vreg(b, f->height + i, ir_type_of(label_types(f)[i]));
        if (o.r == (REF_VREG | v))
            continue;
        if (build_is_last(b, o.r) && !(o.r & REF_NZ)) {
            c->body.nodes[b->last].dst = v;
            build_sets(b, v);
            continue;
        }
        uint32_t s = build_node(b, IR_SET, o.type);
        c->body.nodes[s].a = o.r;
        c->body.nodes[s].dst = v;
        if (ref_is_vreg(o.r))
            build_reads(b, ref_index(o.r));
        build_sets(b, v);
    }
}

/* Most labels have no values. */
static inline void values_move(struct build *b, const struct ctl *f)
{
    uint32_t n = label_arity(f);
    if (n)
        values_move_some(b, f, n);
}

/* After a block's end: its values are on the stack as stack registers. */
static inline void values_push(struct build *b, uint32_t height, const uint8_t *types, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        enum irtype t = ir_type_of(types[i]);
        uint32_t v = build_stack_vreg(b, height + i, t);
        build_vreg(b, v);
        if (b->c->failed)
            return;
        build_push_vreg(b, REF_VREG | v, t);
    }
    b->flushed = b->sp;
}

static void stack_cut(struct build *b, uint32_t height)
{
    while (b->sp > height)
        build_leave(b);
}

static void set_dead(struct build *b)
{
    b->dead = true;
    b->dead_depth = 0;
    stack_cut(b, b->ctl[b->nctl - 1].height);
}

void build_entry(struct build *b)
{
    struct compile *c = b->c;
    struct ctl *f = ctl_push(b, 0);
    f->nresults = c->type->nresults;
    f->results = c->type->results;
    uint32_t entry = block_new(b);
    ENGINE_ASSERT(entry == BLOCK_ENTRY);
    block_place(b, entry);
}

static void open_block(struct build *b)
{
    struct ctl *f = ctl_push(b, OP_block);
    block_type(b, f);
    if (b->flushed < b->sp)
        build_flush(b);
    f->height = b->sp - f->nparams;
}

static void open_loop(struct build *b)
{
    struct ctl *f = ctl_push(b, OP_loop);
    block_type(b, f);
    build_flush(b);
    f->height = b->sp - f->nparams;
    /* parameters that are constants need their registers, as every back edge brings new ones */
    if (!values_in_place(b, f)) {
        values_move(b, f);
        stack_cut(b, f->height);
        values_push(b, f->height, f->params, f->nparams);
    }
    f->label = block_new(b);
    branch(b, f->label);
    b->c->body.blocks[f->label].low = 0; /* what comes back is not known yet */
    build_slot_join(b, f->label);
    block_place(b, f->label);
}

static void open_if(struct build *b)
{
    ref cond = pop_condition(b);
    struct ctl *f = ctl_push(b, OP_if_);
    block_type(b, f);
    f->height = b->sp - f->nparams;
    if (f->nparams && !values_in_place(b, &(struct ctl){ .kind = OP_loop,
                                                         .height = f->height,
                                                         .nparams = f->nparams,
                                                         .params = f->params })) {
        values_move(b, &(struct ctl){ .kind = OP_loop,
                                      .height = f->height,
                                      .nparams = f->nparams,
                                      .params = f->params });
        stack_cut(b, f->height);
        values_push(b, f->height, f->params, f->nparams);
    }
    uint32_t then = block_new(b);
    f->else_block = block_new(b);
    branch_if(b, cond, then, f->else_block);
    block_place(b, then);
}

static void do_else(struct build *b)
{
    struct ctl *f = &b->ctl[b->nctl - 1];
    ENGINE_ASSERT(f->kind == OP_if_);
    if (!b->dead) {
        values_move(b, f);
        branch(b, label_block(b, f));
    }
    stack_cut(b, f->height);
    block_place(b, f->else_block);
    values_push(b, f->height, f->params, f->nparams);
    f->else_block = REF_NONE;
    f->kind = OP_else_;
}

/* ---- a callee's body in place of its call (build_inline.c) ---- */

void build_enter(struct build *b, const uint8_t *code, const uint8_t *end, uint32_t depth)
{
    static const uint8_t result = VT_I32;
    uint32_t unwind = label_block(b, label_frame(b, depth)), next = block_new(b);
    b->in = (struct inlined){
        .at = b->at, .end = b->end, .bottom = b->nctl, .next = next, .unwind = unwind};
    struct ctl *f = ctl_push(b, 0);
    f->nresults = 1;
    f->results = &result;
    b->at = code;
    b->end = end;
}

/* What it returns is a constant in all that Go makes. */
static void return_inlined(struct build *b)
{
    ref value = build_pop(b).r;
    uint64_t imm;
    if (!build_is_const(b, value, &imm))
        branch_if(b, value, b->in.unwind, b->in.next);
    else
        branch(b, (uint32_t)imm ? b->in.unwind : b->in.next);
    b->in.returns |= !build_is_const(b, value, &imm) || (uint32_t)imm == 0;
}

static void leave(struct build *b)
{
    struct body *body = &b->c->body;
    uint32_t next = b->in.next;
    bool returns = b->in.returns;
    ENGINE_ASSERT(b->at == b->end);
    b->at = b->in.at;
    b->end = b->in.end;
    b->in = (struct inlined){.bottom = 0};
    b->first_local = body->first_local;
    body->inlines[body->ninlines - 1].end = body->nnodes;
    b->insn = b->bytes + body->inlines[body->ninlines - 1].pos;
    if (!returns) {
        set_dead(b);
        return;
    }
    block_place(b, next);
}

/* In place of a call PC_B is 0 when the body begins, which is where its table stands. */
static bool enter_by_zero(struct build *b, uint32_t n)
{
    for (uint32_t i = b->in.bottom; i < b->nctl; i++)
        if (b->ctl[i].kind == OP_loop)
            return false;
    uint32_t depth = build_u32(b);
    struct ctl *f = label_frame(b, depth);
    ENGINE_ASSERT(label_arity(f) == 0); /* nothing is on the stack but PC_B */
    while (n--)
        build_u32(b);
    build_leave(b);
    if (depth == 0 && *b->at == OP_end)
        return true;
    branch(b, label_block(b, f));
    set_dead(b);
    return true;
}

static void return_values(struct build *b, uint32_t n)
{
    if (b->in.bottom) {
        return_inlined(b);
        return;
    }
    uint32_t first = build_args(b, n);
    node_set_args(block_end(b, IR_RETURN), first, n);
}

/* The loop of a dispatch that is entered once: by PC_B in a function, by 0 in place of a call. */
static void dispatch_done(struct build *b, const struct ctl *f)
{
    struct body *body = &b->c->body;
    struct block *block = &body->blocks[f->label];
    if (!b->in.bottom) {
        if (body->order[1] == f->label)
            body->dispatch = f->label;
        return;
    }
    ENGINE_ASSERT(f->dispatch_vreg == b->first_local); /* such a body has no other table */
    struct node *n = &body->nodes[block->last];
    n->op = IR_BR;
    n->a = REF_NONE;
    if (block->touches < body->ntouches) /* but after a failure */
        body->touches[block->touches] = 0; /* it read the table's index, and nothing else */
    block->succ[0] = body->targets[block->table];
    block->ntable = 0;
}

static void do_end(struct build *b)
{
    struct ctl *f = &b->ctl[b->nctl - 1];
    if (f->kind == OP_if_ && f->else_block != REF_NONE) { /* no else: parameters are the results */
        if (f->label == REF_NONE && (b->dead || values_in_place(b, f))) {
            f->label = f->else_block;
        } else {
            label_block(b, f);
            if (!b->dead) {
                values_move(b, f);
                branch(b, f->label);
            }
            block_place(b, f->else_block);
            stack_cut(b, f->height);
            branch(b, f->label);
            b->dead = true;
        }
    }
    uint32_t height = f->height, label = f->kind == OP_loop ? REF_NONE : f->label;
    if (label != REF_NONE) {
        if (!b->dead) {
            values_move(b, f);
            branch(b, label);
        }
        stack_cut(b, height);
        block_place(b, label);
        values_push(b, height, f->results, f->nresults);
    } else if (f->kind == OP_loop && f->dispatch_vreg != REF_NONE && f->back_edges == 0) {
        dispatch_done(b, f); /* entered from the start alone */
    }
    bool is_body = b->nctl == b->in.bottom + 1;
    if (is_body && !b->dead)
        return_values(b, f->nresults);
    b->nctl--;
    if (b->dead)
        b->dead_depth = 0;
    if (is_body && b->in.bottom)
        leave(b);
}

/* `i32.const k; local.set PC_B` just before a branch to the loop that dispatches on PC_B. */
static uint32_t threaded_target(struct build *b, struct ctl *f)
{
    struct compile *c = b->c;
    if (f->kind != OP_loop)
        return label_block(b, f);
    if (f->dispatch_vreg != REF_NONE && b->last == c->body.nnodes - 1 &&
        b->last > c->body.blocks[b->cur].first) {
        const struct node *s = &c->body.nodes[b->last];
        if (s->op == IR_SET && s->dst == f->dispatch_vreg && ref_is_node(s->a) &&
            c->body.nodes[ref_index(s->a)].op == IR_CONST) {
            uint64_t k = c->body.nodes[ref_index(s->a)].imm;
            return c->body.targets[f->dispatch_table + (k < f->dispatch_n ? k : f->dispatch_n)];
        }
    }
    f->back_edges++;
    return f->label;
}

static void do_br(struct build *b)
{
    struct ctl *f = label_frame(b, build_u32(b));
    uint32_t target = threaded_target(b, f);
    values_move(b, f);
    branch(b, target);
    set_dead(b);
}

/* The condition is what a call returned that never returns 0: Go's panics. */
static bool is_panic(const struct build *b, ref cond)
{
    const struct compile *c = b->c;
    if (!ref_is_node(cond) || c->instance->pinned[1] < 0)
        return false;
    const struct node *n = &c->body.nodes[ref_index(cond)];
    return n->op == IR_CALL && func_never_zero(c->module, n->idx);
}

static void do_br_if(struct build *b)
{
    struct ctl *f = label_frame(b, build_u32(b));
    ref cond = pop_condition(b);
    if (is_panic(b, cond)) {
        f->back_edges += f->kind == OP_loop; /* it goes there, for all that the hint says */
        b->c->body.blocks[b->cur].panics = true;
        values_move(b, f);
        branch(b, label_block(b, f));
        set_dead(b);
        return;
    }
    uint32_t next = block_new(b);
    if (f->kind == OP_loop)
        f->back_edges++;
    if (values_in_place(b, f)) {
        branch_if(b, cond, label_block(b, f), next);
    } else {
        uint32_t edge = block_new(b);
        branch_if(b, cond, edge, next);
        block_place(b, edge);
        values_move(b, f);
        branch(b, label_block(b, f));
    }
    block_place(b, next);
}

/* Nothing but a br_table over this virtual register stands since the start of block `header`: the
 * innermost loop, if it starts there, dispatches. */
static void loop_dispatches(struct build *b, uint32_t header, uint32_t vreg, uint32_t table,
                            uint32_t n)
{
    for (uint32_t i = b->nctl; i-- > 0;) {
        struct ctl *f = &b->ctl[i];
        if (f->kind != OP_loop)
            continue;
        if (f->label != header || f->nparams)
            return;
        if (!b->in.bottom && b->c->body.norder > 1 && b->c->body.order[1] == header)
            build_low_dispatch(b, header);
        f->dispatch_vreg = vreg;
        f->dispatch_table = table;
        f->dispatch_n = n;
        return;
    }
}

static void do_br_table(struct build *b)
{
    struct compile *c = b->c;
    uint32_t n = build_u32(b);
    if (b->in.bottom && enter_by_zero(b, n))
        return;
    const uint8_t *entries = b->at;
    uint32_t header = b->cur, header_nodes = c->body.nnodes - c->body.blocks[b->cur].first;
    ref idx = pop_condition(b);
    if (!GROW(c, c->body.targets, c->body.ntargets + n + 1))
        return;
    uint32_t table = c->body.ntargets;
    c->body.ntargets += n + 1;
    b->stamp++;
    uint32_t from = b->cur;
    struct node *term = block_end(b, IR_BRTABLE);
    term->a = idx;
    c->body.blocks[from].table = table;
    c->body.blocks[from].ntable = n + 1;
    b->at = entries;
    bool plain = true;
    for (uint32_t i = 0; i <= n; i++) {
        struct ctl *f = label_frame(b, build_u32(b));
        if (f->kind == OP_loop)
            f->back_edges++;
        uint32_t target;
        if (label_arity(f) == 0 || values_in_place(b, f)) {
            target = label_block(b, f);
        } else {
            plain = false;
            if (f->edge_stamp != b->stamp) { /* moves first, placed after this block */
                f->edge_stamp = b->stamp;
                f->edge_block = block_new(b);
                build_low_edge(b, f->edge_block);
                block_place(b, f->edge_block);
                values_move(b, f);
                branch(b, label_block(b, f));
            }
            target = f->edge_block;
        }
        c->body.targets[table + i] = target;
        if (label_arity(f) || f->kind == OP_loop || b->in.bottom)
            build_slot_join(b, target);
        else
            c->body.blocks[target].in_table = true;
    }
    /* Go's functions without loops have no loop around the table, which ends their first block. */
    if (plain && from == c->body.order[0] && idx == (REF_VREG | c->body.first_local) &&
        target_zero_call(c->instance, c->type))
        c->body.dispatch = from;
    if (c->body.dispatch == from)
        build_low_dispatch(b, from);
    if (plain && header_nodes == 1 && ref_is_vreg(idx) && !(idx & REF_NZ))
        loop_dispatches(b, header, ref_index(idx), table, n);
    build_low_table(b, from);
    set_dead(b);
}

static void do_return(struct build *b)
{
    return_values(b, b->c->type->nresults);
    set_dead(b);
}

static void do_unreachable(struct build *b)
{
    block_end(b, IR_TRAP)->idx = TRAP_UNREACHABLE;
    set_dead(b);
}

static void do_call(struct build *b)
{
    const struct module *m = b->c->module;
    uint32_t func = build_u32(b);
    if (!build_inline(b, func))
        build_call(b, IR_CALL, &m->types[m->funcs[func].type], func, 0);
}

static void do_call_indirect(struct build *b)
{
    uint32_t type = build_u32(b), table = build_u32(b);
    build_call(b, IR_CALLI, &b->c->module->types[type], type, table);
}

static void end_by_tail(struct build *b)
{
    struct compile *c = b->c;
    ENGINE_ASSERT(c->body.blocks[b->cur].last == 0);
    c->body.blocks[b->cur].last = c->body.nnodes - 1;
    set_dead(b);
}

static void do_tail(struct build *b)
{
    const struct module *m = b->c->module;
    uint32_t func = build_u32(b);
    build_call(b, IR_TAIL, &m->types[m->funcs[func].type], func, 0);
    end_by_tail(b);
}

static void do_tail_indirect(struct build *b)
{
    uint32_t type = build_u32(b), table = build_u32(b);
    build_call(b, IR_TAILI, &b->c->module->types[type], type, table);
    end_by_tail(b);
}

void (*const build_controls[BUILD_CONTROLS])(struct build *) = {
    [OP_block] = open_block,
    [OP_loop] = open_loop,
    [OP_if_] = open_if,
    [OP_else_] = do_else,
    [OP_end] = do_end,
    [OP_br] = do_br,
    [OP_br_if] = do_br_if,
    [OP_br_table] = do_br_table,
    [OP_return_] = do_return,
    [OP_unreachable] = do_unreachable,
    [OP_call] = do_call,
    [OP_call_indirect] = do_call_indirect,
    [OP_return_call] = do_tail,
    [OP_return_call_indirect] = do_tail_indirect,
};
