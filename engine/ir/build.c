/* Body bytes to nodes: the driver, variables.
 *
 * Trusts that the body is valid (validate.c).  One pass, no recursion. */
#include "engine/ir/build.h"
#include "engine/lib.h"
#include "engine/x64/target.h"

/* ---- locals and globals ---- */

static void local_get(struct build *b, uint32_t local)
{
    struct compile *c = b->c;
    uint32_t v = local == c->body.mirror ? 0 : b->first_local + local;
    build_push_vreg(b, REF_VREG | v, build_vreg_there(b, v)->type);
}

/* The mirror of pinned global 0: Go keeps SP in a local too and writes both together.  Anything
 * else than the known patterns breaks the mirror, and the function is built again without. */
static void mirror_set(struct build *b, bool tee)
{
    struct opnd o = build_leave(b);
    if (!tee && o.r == REF_VREG) /* vreg 0: global.get 0; local.set */
        return;
    if (tee && b->at[0] == OP_global_set && b->at[1] == 0) {
        b->at += 2;
        build_set(b, 0, o);
        return;
    }
    b->mirror_broken = true;
    build_push(b, o.r, o.type);
    if (!tee)
        build_pop(b);
}

static void local_set(struct build *b, uint32_t local)
{
    if (local == b->c->body.mirror)
        mirror_set(b, false);
    else
        build_set(b, b->first_local + local, build_leave(b));
}

static void local_tee(struct build *b, uint32_t local)
{
    if (local == b->c->body.mirror) {
        mirror_set(b, true);
        return;
    }
    uint32_t v = b->first_local + local;
    struct opnd o = build_leave(b);
    bool fused = build_is_last(b, o.r);
    build_set(b, v, o);
    if (fused || ref_is_node(o.r))
        build_push(b, REF_VREG | v, o.type);
    else
        build_push(b, o.r, o.type);
}

static void global_get(struct build *b, uint32_t g)
{
    struct compile *c = b->c;
    for (uint32_t i = 0; i < 2; i++)
        if (c->instance->pinned[i] == (int32_t)g) {
            if (pin_is_half(c->instance, i)) {
                if (b->at[0] != OP_i32_wrap_i64)
                    break; /* whole, from its cell */
                b->at++;
            }
            build_push_vreg(b, REF_VREG | i, c->body.vregs[i].type);
            return;
        }
    enum irtype type = ir_type_of(c->module->globals[g].type);
    uint32_t n = build_node(b, IR_GLOBAL_GET, type);
    c->body.nodes[n].idx = g;
    build_push_node(b, n, type);
}

/* Pinned global `pin` of which the register holds half gets that from its cell. */
static void half_load(struct build *b, uint32_t pin, uint32_t g)
{
    build_low_changed(b, pin);
    build_slot_changed(b, pin);
    build_save_pending(b, pin);
    uint32_t n = build_node(b, IR_GLOBAL_GET, T_I32);
    b->c->body.nodes[n].idx = g;
    b->c->body.nodes[n].dst = pin;
}

static void global_set(struct build *b, uint32_t g)
{
    struct compile *c = b->c;
    struct opnd o = build_leave(b);
    for (uint32_t i = 0; i < 2; i++)
        if (c->instance->pinned[i] == (int32_t)g && !pin_is_half(c->instance, i)) {
            if (i == 0 && c->body.mirror != REF_NONE)
                b->mirror_broken = true;
            build_set(b, i, o);
            return;
        }
    build_is_read(b, o.r);
    uint32_t n = build_node(b, IR_GLOBAL_SET, ir_type_of(c->module->globals[g].type));
    c->body.nodes[n].a = o.r;
    c->body.nodes[n].idx = g;
    if (c->instance->pinned[1] == (int32_t)g)
        half_load(b, 1, g);
}

static void select_value(struct build *b)
{
    struct opnd cond = build_pop(b), y = build_pop(b), x = build_pop(b);
    if (build_is_last(b, cond.r) && (b->c->body.nodes[ref_index(cond.r)].op == IR_CMP) &&
        !(cond.r & REF_NZ))
        b->c->body.nodes[ref_index(cond.r)].flags |= NF_FOLD;
    uint32_t n = build_node(b, IR_SELECT, x.type);
    struct node *node = &b->c->body.nodes[n];
    node->a = x.r;
    node->b = y.r;
    node->c = cond.r;
    build_push_node(b, n, x.type);
}

static void memory_size(struct build *b)
{
    uint32_t m = build_u32(b);
    uint32_t n = build_node(b, IR_MEMSIZE, T_I32);
    b->c->body.nodes[n].idx = m;
    build_push_node(b, n, T_I32);
}

/* memory.copy, memory.fill. */
static void memory_bulk(struct build *b, enum irop op)
{
    uint32_t to = build_u32(b), from = op == IR_MEMCOPY ? build_u32(b) : 0;
    struct opnd bytes = build_pop(b), what = build_pop(b), at = build_pop(b);
    uint32_t k = build_node(b, op, T_NONE); /* may move the nodes */
    struct node *n = &b->c->body.nodes[k];
    n->a = at.r;
    n->b = what.r;
    n->c = bytes.r;
    n->idx = to;
    n->off = from;
    build_slot_forget(b);
}

/* The immediates that follow the opcode at `at`. */
static inline uint32_t memory_argument(struct build *b, const uint8_t *at, uint32_t *memory)
{
    uint32_t off = at[2];
    *memory = 0;
    b->at = at + 3;
    if (at[1] >= 64 || off >= 128) { /* not memory 0, near */
        b->at = at + 1;
        build_memarg(b, &off, memory);
    }
    return off;
}

static inline uint32_t index(struct build *b, const uint8_t *at)
{
    b->at = at + 2;
    if (at[1] < 0x80)
        return at[1];
    b->at = at + 1;
    return build_u32(b);
}

static void load(struct build *b, const uint8_t *at, const struct plain_op *p)
{
    uint32_t memory, off = memory_argument(b, at, &memory);
    build_load(b, p->type, p->sub, off, memory);
}

static void store(struct build *b, const uint8_t *at, const struct plain_op *p)
{
    uint32_t memory, off = memory_argument(b, at, &memory);
    build_store(b, p->type, p->sub, off, memory);
}

static void int_constant(struct build *b, const uint8_t *at, enum irtype type)
{
    b->at = at + 1;
    uint64_t value = (uint64_t)build_s64(b);
    build_push(b, build_const(b, type, type == T_I32 ? (uint32_t)value : value), type);
}

/* What has no row in plain_ops, but for vectors; false: it is none of them. */
static bool rare_instruction(struct build *b, unsigned op)
{
    switch (op) {
    case OP_drop: /* a dropped call keeps its effect, everything else dies in flow.c for want of a
                     use */
        build_leave(b);
        return true;
    case OP_select_t:
        for (uint32_t types = build_u32(b); types; types--)
            b->at++; /* fall through */
    case OP_select:
        select_value(b);
        return true;
    case OP_memory_copy:
    case OP_memory_fill:
        memory_bulk(b, op == OP_memory_copy ? IR_MEMCOPY : IR_MEMFILL);
        return true;
    case OP_memory_size:
        memory_size(b);
        return true;
    case OP_ref_null:
        b->at++;
        build_push(b, build_const(b, T_I64, 0), T_I64);
        return true;
    case OP_ref_is_null:
        build_test_zero(b, T_I64);
        return true;
    case OP_nop:
        return true;
    default:
        return build_runtime(b, op);
    }
}

static bool other_instruction(struct build *b, unsigned op)
{
    if (rare_instruction(b, op) || build_simd(b, op))
        return true;
    if (b->c->engine->error.kind != ERROR_NONE)
        return false;
    char words[FUNC_WORDS];
    return error_set(b->c->engine, ERROR_UNSUPPORTED, build_pos(b),
                     "%s uses instruction 0x%x, which wasmvm does not compile (offset 0x%x)",
                     func_words(b->c->module, b->c->func, words), op, build_pos(b));
}

/* The opcode that stands at b->at, with the number behind its prefix. */
static unsigned opcode_whole(struct build *b)
{
    b->insn = b->at;
    unsigned op = *b->at++;
    return op < 0xfc ? op : (op == 0xfc ? 0x100 : 0x200) + build_u32(b);
}

/* An instruction that is no everyday one; false: engine->error says why. */
static __attribute__((noinline)) bool seldom_instruction(struct build *b)
{
    unsigned op = opcode_whole(b);
    const struct plain_op *p = &plain_ops[op < PLAIN_OPS ? op : OP_nop];
    switch ((enum plain)p->how) {
    case P_ROUND:
        if (!build_cpu_fits(b, op))
            return false;
        /* fall through */
    case P_UN:
        build_unary(b, p->op, p->type, p->sub);
        return true;
    case P_FLOAT:
        build_push(b, build_const(b, p->type, build_bytes(b, p->sub)), p->type);
        return true;
    default:
        return other_instruction(b, op);
    }
}

/* All instructions up to the next control instruction, and that one; false: engine->error says why.
 * Only there code becomes dead, and bodies end; that it failed or has no mirror may wait for it. */
static bool instructions(struct build *b)
{
    for (;;) {
        const uint8_t *at = b->at;
        b->insn = at;
        const struct plain_op *p = &plain_ops[*at];
        switch ((enum plain)p->how) {
        case P_LOCAL_GET:
            local_get(b, index(b, at));
            continue;
        case P_LOCAL_SET:
            local_set(b, index(b, at));
            continue;
        case P_LOCAL_TEE:
            local_tee(b, index(b, at));
            continue;
        case P_INT:
            int_constant(b, at, p->type);
            continue;
        case P_LOAD:
            load(b, at, p);
            continue;
        case P_STORE:
            store(b, at, p);
            continue;
        case P_BIN:
            b->at = at + 1;
            build_binary(b, p->op, p->type, p->sub);
            continue;
        case P_TEST:
            b->at = at + 1;
            build_test_zero(b, p->type);
            continue;
        case P_WRAP:
            b->at = at + 1;
            build_wrap(b);
            continue;
        case P_ZEXT:
            b->at = at + 1;
            build_zero_extend(b);
            continue;
        case P_GLOBAL_GET:
            global_get(b, index(b, at));
            continue;
        case P_GLOBAL_SET:
            global_set(b, index(b, at));
            continue;
        case P_CONTROL:
            b->at = at + 1;
            build_controls[*at](b);
            return true;
        case P_NONE: case P_UN: case P_ROUND: case P_FLOAT:
            if (!seldom_instruction(b))
                return false;
            continue;
        default: /* all kinds are above */
            __builtin_unreachable();
        }
    }
}

static bool build_once(struct build *b, const uint8_t *code)
{
    struct compile *c = b->c;
    if (!build_room(b))
        return false;
    b->bytes = b->insn = c->module->bytes; /* what begins a body belongs to no instruction */
    b->at = code;
    b->first_local = c->body.first_local;
    b->end = c->module->bytes + c->module->funcs[c->func].body + c->module->funcs[c->func].body_len;
    build_entry(b);
    while (b->nctl && !c->failed && !b->mirror_broken)
        if (b->dead)
            build_skip(b, opcode_whole(b));
        else if (!instructions(b))
            return false;
    ENGINE_ASSERT(b->nctl || b->at == b->end);
    return true;
}

/* It may have other bodies of Go's in place of calls. */
static bool is_go(const struct compile *c)
{
    return target_zero_call(c->instance, c->type);
}

/* Locals: (count, type) groups (spec 5.5.13); validated. */
static const uint8_t *declare_locals(struct build *b)
{
    struct compile *c = b->c;
    b->at = c->module->bytes + c->module->funcs[c->func].body;
    const uint8_t *start = b->at;
    uint32_t total = c->type->nparams;
    for (uint32_t g = build_u32(b); g; g--) {
        total += build_u32(b);
        b->at++;
    }
    c->body.nlocals = total;
    c->body.first_local = 2;
    c->body.first_low = 2 + total;
    c->body.first_named = c->body.first_low +
                          (c->body.first_low < LOW_LOCALS ? c->body.first_low : LOW_LOCALS);
    c->body.first_slot = c->body.first_named + NAMED_MAX;
    c->body.first_inline = c->body.first_slot + SLOT_NAMES;
    c->body.first_stack = c->body.first_inline + (is_go(c) ? INLINE_LOCALS : 0);
    c->body.vregs_cap = c->body.first_stack + 64;
    c->body.vregs = scratch_alloc(c->engine, (uint64_t)c->body.vregs_cap * sizeof *c->body.vregs);
    if (!c->body.vregs) {
        c->failed = true;
        return start;
    }
    c->body.nvregs = c->body.first_stack;
    for (uint32_t i = 0; i < 2; i++) {
        int32_t g = c->instance->pinned[i];
        enum irtype type = g < 0 ? T_NONE : ir_type_of(c->module->globals[g].type);
        type = pin_is_half(c->instance, i) ? T_I32 : type;
        c->body.vregs[i] = (struct vreg){.type = (uint8_t)type, .touched = UINT32_MAX};
    }
    uint32_t v = c->body.first_local;
    for (uint32_t i = 0; i < c->type->nparams; i++)
        c->body.vregs[v++] = (struct vreg){.type = ir_type_of(c->type->params[i])};
    b->at = start;
    for (uint32_t g = build_u32(b); g; g--) {
        uint32_t n = build_u32(b);
        enum irtype t = ir_type_of(*b->at++);
        while (n--)
            c->body.vregs[v++] = (struct vreg){.type = t};
    }
    ENGINE_ASSERT(v == c->body.first_low);
    struct vreg *vregs = c->body.vregs;
    for (uint32_t end = c->body.first_stack; v < end; v++)
        vregs[v] = (struct vreg){.type = T_I64};
    if (is_go(c)) /* in place of a call: PC_B and SP */
        vregs[c->body.first_inline].type = vregs[c->body.first_inline + 1].type = T_I32;
    return b->at;
}

bool build(struct compile *c)
{
    c->body.mirror = c->body.dispatch = REF_NONE;
    struct build b = {.c = c, .low_dispatch = REF_NONE};
    const uint8_t *code = declare_locals(&b);
    if (c->failed)
        return false;
    uint32_t nvregs = c->body.nvregs;
    /* `global.get 0; local.set L` first: L mirrors pinned global 0, as in Go's functions. */
    if (c->instance->pinned[0] == 0 && code[0] == OP_global_get && code[1] == 0 &&
        code[2] == OP_local_set && code[3] < 128 && code[3] >= c->type->nparams)
        c->body.mirror = code[3];
    for (;;) {
        if (!build_once(&b, code))
            return false;
        if (!b.mirror_broken && build_low_holds(&b)) {
            if (!c->failed)
                build_resume_end(&b);
            ENGINE_ASSERT(c->failed ||
                          (b.at == b.end && c->body.nnodes < REF_INDEX - c->body.nvregs));
            return !c->failed;
        }
        if (b.mirror_broken)
            c->body.mirror = REF_NONE;
        else
            c->body.first_low = c->body.first_named; /* none has a companion */
        c->body.dispatch = REF_NONE;
        c->body.nnodes = c->body.nblocks = c->body.norder = c->body.ntargets = c->body.nargs = 0;
        c->body.ninlines = c->body.ntouches = c->body.nlate = 0;
        c->body.nvregs = nvregs;
        c->body.stack_args = 0;
        c->body.nby_table = 0;
        c->body.has_vectors = false;
        for (uint32_t i = 0; i < nvregs; i++)
            c->body.vregs[i].pending = c->body.vregs[i].uses = 0;
        for (uint32_t i = 2; i < nvregs; i++)
            c->body.vregs[i].touched = 0;
        b = (struct build){.c = c, .low_dispatch = REF_NONE};
    }
}
