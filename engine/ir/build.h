/* What the build*.c files share.  build.c: driver, variables; build_stack.c: nodes and the operand
 * stack; the others: one family of instructions each. */
#ifndef ENGINE_BUILD_H
#define ENGINE_BUILD_H

#include "engine/assert.h"
#include "engine/ir/ir.h"
#include "engine/lib.h"
#include "engine/load/reader.h"

struct opnd {
    ref r;
    uint32_t type; /* enum irtype; with r one word, which goes in a register */
};

#define BLOCK_ENTRY 0 /* the first block's number */

/* A control frame: spec appendix "validation algorithm", with blocks instead of types. */
struct ctl {
    uint8_t kind;    /* opcode: block, loop, if_, else_; 0 for the function */
    uint32_t height; /* operand stack below its parameters */
    uint32_t label;  /* block that a branch to it goes to; REF_NONE: none asked for it */
    uint32_t else_block;
    uint32_t nparams, nresults;
    const uint8_t *params, *results;
    /* a loop whose body starts by a br_table over a local: jumps by that local go straight to the
     * target */
    uint32_t dispatch_vreg, dispatch_table, dispatch_n;
    uint32_t back_edges;
    uint32_t edge_stamp, edge_block; /* br_table: the moves of values for this label */
};

/* A call whose callee's body is built in its place (build_inline.c). */
struct inlined {
    const uint8_t *at, *end; /* of the caller: where it goes on, and its body's end */
    uint32_t bottom;       /* control frames of the caller; 0: none is being built */
    uint32_t next, unwind; /* blocks: where the callee's 0 leads, and what else it returns */
    bool returns;          /* to `next` */
};

/* build_slot.c: a place at SP + off, and what it holds. */
#define SLOTS 8
struct slot_at {
    bool is;    /* the address is one */
    bool wraps; /* it is reached by a sum that wraps */
    uint32_t off;
};
struct slot {
    struct slot_at at;
    uint8_t type, shape; /* of the access */
    ref value;
    ref low;             /* its lower half as an address, or REF_NONE */
    uint32_t since;      /* build.resume when it came to hold that */
};
struct slots {
    uint32_t n;
    uint32_t block, resume; /* which ends with them; build.resume there */
    struct slot slot[SLOTS];
};

/* build_resume.c: a block that begins with what slots hold, and is an entry of a table as well. */
struct resume {
    uint32_t block, from; /* the block that leads here with the slots' values */
    uint32_t before;      /* the one that the way came through last, or 0: build.resumes[.. - 1] */
    uint32_t scanned;     /* nodes before it were looked at */
    uint64_t reach;       /* bytes from SP on that are accessed before anything can be seen of it */
    bool quiet;           /* nothing can be seen so far */
    uint32_t loads;       /* build.resume_loads[.. - 1], linked; or 0 */
};
struct resume_load {
    uint32_t vreg, off, pos, next;
    uint8_t type, shape;
};

struct build {
    struct compile *c;
    const uint8_t *bytes; /* of the module */
    const uint8_t *at, *end;
    const uint8_t *insn; /* the instruction that is being built: build_pos */
    struct opnd *stack;
    uint32_t sp, stack_cap;
    uint32_t flushed; /* entries below are stack registers or constants */
    uint32_t named;   /* so deep the stack's virtual registers exist, and there is room for it */
    struct ctl *ctl;
    uint32_t nctl, ctl_cap;
    uint32_t cur;        /* block being filled */
    uint32_t last;       /* last node that is no constant */
    uint32_t touch;      /* vreg.touched of what this block has read; + 1: has set */
    bool dead;           /* unreachable code: skipped */
    uint32_t dead_depth; /* control frames opened while skipping */
    uint32_t stamp;
    bool mirror_broken;
    struct inlined in;
    uint32_t first_local; /* of the body being built: the function's, or first_inline */
    uint32_t inlined;     /* bytes of all bodies that stand in place of their calls */
    /* build_low.c: companions that are set; what the first block has set */
    uint64_t low, low_early;
    uint32_t low_dispatch;   /* the block that was taken for the dispatch, or REF_NONE */
    uint32_t nnamed; /* temporaries of this block that have names */
    uint32_t nproducts; /* of 64 bits, in this block (build_product.c) */
    /* build_slot.c: what slots hold now; sums of nodes before slots_from are of another SP */
    struct slot slots[SLOTS];
    uint32_t nslots, slots_next, slots_from;
    struct resume *resumes;
    uint32_t nresumes, resumes_cap, resume; /* the last one on the way to here, or 0 */
    struct resume_load *resume_loads;
    uint32_t nresume_loads, resume_loads_cap;
    /* names whose bits are not those of their nodes: a bit for each of SLOT_NAMES */
    uint64_t crossed;
    struct slots *kept; /* what blocks end with */
    uint32_t nkept, kept_cap, kept_of;
    uint32_t nslot_names, slot_named[SLOT_NAMES];
};

/* The instruction's offset in the module. */
static inline uint32_t build_pos(const struct build *b)
{
    return (uint32_t)(b->insn - b->bytes);
}

static inline uint32_t build_u32(struct build *b)
{
    return leb_u32(&b->at);
}
static inline int64_t build_s64(struct build *b)
{
    const uint8_t *at = b->at;
    if ((at[0] & 0x80) && at[1] < 0x80) { /* of two bytes: the most frequent ones but for one */
        b->at = at + 2;
        return (int64_t)((uint64_t)at[0] << 57 >> 7 | (uint64_t)at[1] << 57) >> 50;
    }
    if ((at[0] & 0x80) && b->end - at >= 8) {
        unsigned n;
        uint64_t value = leb_word(*(const unaligned64 *)b->at, true, &n);
        if (n <= 8) {
            b->at += n;
            return (int64_t)value;
        }
    }
    return leb_s64(&b->at);
}
static inline uint64_t build_bytes(struct build *b, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)b->at[i] << (8 * i);
    b->at += n;
    return v;
}

/* build_plain.c: who builds an instruction, and of what. */
enum plain {
    P_NONE,
    P_BIN,
    P_UN,
    P_ROUND,
    P_TEST,
    P_LOAD,
    P_STORE,
    P_WRAP,
    P_ZEXT,
    P_INT,   /* a constant */
    P_FLOAT, /* one of `sub` bytes */
    P_LOCAL_GET,
    P_LOCAL_SET,
    P_LOCAL_TEE,
    P_GLOBAL_GET,
    P_GLOBAL_SET,
    P_CONTROL
};
struct plain_op {
    uint8_t how, op, type, sub; /* op: enum irop; sub: the node's */
};
#define PLAIN_OPS 0x108 /* opcodes below that are in the table */
extern const struct plain_op plain_ops[PLAIN_OPS];

/* build_stack.c */
bool build_nodes_grow(struct build *);
void build_touch(struct compile *, uint32_t touch);
struct vreg *build_vreg_new(struct build *, uint32_t v);
bool build_push_slow(struct build *);
bool build_name_slots(struct build *); /* room for one more, and its virtual registers */
void build_push_node(struct build *, uint32_t node, enum irtype); /* node: the last one */
void build_copy_pending(struct build *, uint32_t v); /* build_save_pending */
void build_set(struct build *, uint32_t v, struct opnd);
void build_flush(struct build *);
/* A virtual register for a temporary, which others of its block may then read, too. */
bool build_can_name(const struct build *, ref);
ref build_name(struct build *, ref);

/* A new node; it is the last one, number body.nnodes - 1.  For want of memory the first one. */
static inline struct node *build_new_any(struct build *b, enum irop op, enum irtype type,
                                         bool is_const)
{
    struct body *body = &b->c->body;
    if (body->nnodes == body->nodes_cap && !build_nodes_grow(b))
        return body->nodes;
    uint32_t i = body->nnodes++;
    if (!is_const)
        b->last = i;
    struct node *n = &body->nodes[i];
    n->op = (uint8_t)op; /* field by field: it takes fewer stores than a whole node at once */
    n->type = (uint8_t)type;
    n->sub = n->flags = 0;
    n->pos = build_pos(b);
    n->imm = 0;
    n->dst = n->a = n->b = n->c = REF_NONE;
    n->use = REF_NONE;
    n->depth_alone = 0;
    return n;
}
/* The same; it is no constant. */
static inline struct node *build_new(struct build *b, enum irop op, enum irtype type)
{
    return build_new_any(b, op, type, false);
}
/* The same, as its number. */
static inline uint32_t build_node(struct build *b, enum irop op, enum irtype type)
{
    build_new(b, op, type);
    return b->c->body.nnodes - 1;
}

static inline struct vreg *build_vreg(struct build *b, uint32_t v)
{
    return v < b->c->body.nvregs ? &b->c->body.vregs[v] : build_vreg_new(b, v);
}

/* What is on the operand stack exists. */
static inline struct vreg *build_vreg_there(const struct build *b, uint32_t v)
{
    return &b->c->body.vregs[v];
}

/* A read of a virtual register that exists. */
static inline void build_push_vreg(struct build *b, ref r, enum irtype type)
{
    if (b->sp == b->stack_cap && !build_push_slow(b))
        return;
    build_vreg_there(b, ref_index(r))->pending++;
    b->stack[b->sp++] = (struct opnd){r, type};
}

static inline void build_push(struct build *b, ref r, enum irtype type)
{
    if (b->sp == b->stack_cap && !build_push_slow(b))
        return;
    if (ref_is_vreg(r))
        build_vreg_there(b, ref_index(r))->pending++;
    b->stack[b->sp++] = (struct opnd){r, type};
}

static inline void build_touch_late(struct build *b, uint32_t block, uint32_t vreg)
{
    struct body *body = &b->c->body;
    if (GROW(b->c, body->late, body->nlate + 1))
        body->late[body->nlate++] = (struct touch_late){block, vreg};
}

/* A node of this block reads v. */
static inline void build_touch_read(const struct build *b, struct vreg *v, uint32_t number)
{
    if (v->touched < b->touch) {
        v->touched = b->touch;
        build_touch(b->c, number);
    }
}
static inline void build_reads(struct build *b, uint32_t v)
{
    struct vreg *vreg = build_vreg(b, v);
    vreg->uses++;
    build_touch_read(b, vreg, v);
}
/* One sets it. */
static inline void build_sets_there(const struct build *b, struct vreg *v, uint32_t number)
{
    v->uses++;
    if (v->touched <= b->touch) {
        v->touched = b->touch + 1;
        build_touch(b->c, number | TOUCH_SET);
    }
}
static inline void build_sets(struct build *b, uint32_t v)
{
    build_sets_there(b, build_vreg(b, v), v);
}

/* r was on the operand stack, and leaves it; a node may read it, or not. */
static inline struct vreg *build_leaves(const struct build *b, ref r)
{
    struct vreg *v = build_vreg_there(b, ref_index(r));
    ENGINE_ASSERT(v->pending > 0 || b->c->failed);
    v->pending--;
    v->uses++;
    return v;
}
/* r leaves it, and is read. */
static inline void build_read(const struct build *b, ref r)
{
    if (ref_is_vreg(r))
        build_touch_read(b, build_leaves(b, r), ref_index(r));
}
/* What has left it is read now. */
static inline void build_is_read(const struct build *b, ref r)
{
    if (ref_is_vreg(r))
        build_touch_read(b, build_vreg_there(b, ref_index(r)), ref_index(r));
}

static inline struct opnd build_top(struct build *b)
{
    if (b->sp == 0)
        return (struct opnd){0, T_I32}; /* only after a failure */
    struct opnd o = b->stack[--b->sp];
    if (b->flushed > b->sp)
        b->flushed = b->sp;
    return o;
}
static inline struct opnd build_pop(struct build *b)
{
    struct opnd o = build_top(b);
    build_read(b, o.r);
    return o;
}
/* The same, but who reads it calls build_is_read, or build_set. */
static inline struct opnd build_leave(struct build *b)
{
    struct opnd o = build_top(b);
    if (ref_is_vreg(o.r))
        build_leaves(b, o.r);
    return o;
}

/* y is the topmost one. */
static inline void build_pop_two(struct build *b, struct opnd *x, struct opnd *y)
{
    if (b->sp < 2) { /* only after a failure */
        *y = build_pop(b);
        *x = build_pop(b);
        return;
    }
    b->sp -= 2;
    if (b->flushed > b->sp)
        b->flushed = b->sp;
    const struct opnd *two = &b->stack[b->sp];
    *x = two[0];
    *y = two[1];
    build_read(b, y->r);
    build_read(b, x->r);
}

/* Before v changes. */
static inline void build_save_pending(struct build *b, uint32_t v)
{
    if (build_vreg(b, v)->pending)
        build_copy_pending(b, v);
}

static inline uint32_t build_const(struct build *b, enum irtype type, uint64_t imm)
{
    struct node *n = build_new_any(b, IR_CONST, type, true);
    n->imm = imm;
    n->flags = NF_FOLD | NF_VALUE;
    return b->c->body.nnodes - 1;
}

/* A temporary that was computed just now, so that nothing can lie between it and its user. */
static inline bool build_is_last(struct build *b, ref r)
{
    if (r == REF_NONE || !ref_is_node(r) || ref_index(r) != b->last)
        return false;
    const struct node *n = &b->c->body.nodes[b->last];
    return (n->flags & NF_VALUE) && n->dst == REF_NONE;
}

static inline bool build_is_const(const struct build *b, ref r, uint64_t *imm)
{
    if (!ref_is_node(r) || (r & REF_NZ) || b->c->body.nodes[r].op != IR_CONST)
        return false;
    *imm = b->c->body.nodes[r].imm;
    return true;
}
static inline bool build_is_folded(const struct compile *c, ref r)
{
    return r != REF_NONE && ref_is_node(r) && c->body.nodes[ref_index(r)].op != IR_CONST &&
           (c->body.nodes[ref_index(r)].flags & NF_FOLD);
}

static inline uint32_t build_stack_vreg(struct build *b, uint32_t depth, enum irtype type)
{
    return b->c->body.first_stack + depth * 2 + (type_is_int(type) ? 0 : 1);
}

/* The value of n, the last node, goes to the operand stack.  It has no flags yet. */
static inline void build_push_new(struct build *b, struct node *n, enum irtype type)
{
    n->flags = NF_VALUE;
    n->depth_alone = b->sp & 0xffffff;
    if (b->sp < b->named || build_name_slots(b)) /* to spill it to */
        b->stack[b->sp++] = (struct opnd){b->last, type};
}

/* build_address.c */
void build_fold_sum(struct build *, ref address);
/* The next node is a load or a store there: what it can do of the address itself is marked NF_FOLD.
 */
static inline void build_fold_address(struct build *b, ref address, uint32_t off, uint32_t memory)
{
    if (ref_is_node(address) && !off && !memory && b->c->instance->zero_base)
        build_fold_sum(b, address);
}
/* The next node is a sum of this type: where r is an index << 1, 2 or 3, the sum does the shift
 * itself. */
bool build_fold_scale(struct build *, ref r, enum irtype type);

/* build_known.c */
/* above these the register that holds an integer is zero */
unsigned build_value_bits(struct build *, ref);
/* What r & mask takes. */
enum build_mask { MASK_NEEDED, MASK_NOTHING, MASK_EXTENDS /* a zero extension */ };
enum build_mask build_mask(struct build *, ref, uint64_t mask, enum irtype);

/* build_product.c */
/* x + y, where it is the upper half of a product that is made of four: its factors. */
bool build_upper_half(struct build *, struct opnd *x, struct opnd *y, bool *is_signed);
/* The last node will set v.  Where it puts v's upper half there, v as it was gets a name. */
void build_keep_whole_made(struct build *, uint32_t v);
static inline void build_keep_whole(struct build *b, uint32_t v)
{
    const struct node *n = &b->c->body.nodes[b->last];
    if (v >= b->c->body.first_local && (n->op == IR_ZEXT || n->op == IR_SHR || n->op == IR_SAR))
        build_keep_whole_made(b, v);
}

/* build_compared.c */
/* The condition of a branch; a local's comparison is made once more. */
ref build_compared_again(struct build *, ref cond);

/* build_low.c */
ref build_low_half_made(struct build *, ref address, uint32_t off, uint32_t memory);
/* of an access there */
static inline ref build_low_half(struct build *b, ref address, uint32_t off, uint32_t memory)
{
    return address & REF_NZ ? build_low_half_made(b, address, off, memory) : address;
}
/* Before v changes.  What has no companion has no bit in `low`. */
static inline void build_low_changed(struct build *b, uint32_t v)
{
    if (v >= LOW_LOCALS)
        return;
    b->low &= ~(UINT64_C(1) << v);
    if (b->cur == BLOCK_ENTRY)
        b->low_early |= UINT64_C(1) << v;
}
void build_low_called(struct build *);
void build_low_edge(struct build *, uint32_t block);     /* from here to there */
void build_low_begin(struct build *, uint32_t block);    /* here it begins */
/* the same for the end of this block, also backwards */
void build_low_jump(struct build *, uint32_t block);
/* it will be Go's dispatch, as far as is known */
void build_low_dispatch(struct build *, uint32_t from);
/* from this block's end to all targets of its table */
void build_low_table(struct build *, uint32_t from);
/* in the end: the dispatch is what it was taken for */
bool build_low_holds(const struct build *);

/* build_slot.c */
struct slot_at build_slot_at(const struct build *, ref address, uint32_t off, uint32_t memory);
/* Pushes what is there; false: it must be loaded. */
bool build_slot_load(struct build *, struct slot_at, enum irtype, unsigned shape);
void build_slot_loaded(struct build *, struct slot_at, uint32_t node);
void build_slot_stored(struct build *, struct slot_at, enum irtype, unsigned shape, ref value);
void build_slot_forget(struct build *);               /* anything is written, or SP may be */
void build_slot_drop(struct build *, uint32_t v);
/* Before v changes. */
static inline void build_slot_changed(struct build *b, uint32_t v)
{
    if (v == 0 || b->nslots)
        build_slot_drop(b, v);
}
void build_slot_take(struct build *, uint32_t node, uint32_t v);
/* The node's value is v's now. */
static inline void build_slot_set(struct build *b, uint32_t node, uint32_t v)
{
    if (b->nslots)
        build_slot_take(b, node, v);
}
/* As build_low_half, of a value that a slot holds; r itself where it is none. */
ref build_slot_low(struct build *, ref r);
unsigned build_slot_bits(struct build *, uint32_t v); /* as build_value_bits, of a name */
void build_slot_edge(struct build *, uint32_t block); /* from here to there */
void build_slot_join(struct build *, uint32_t block); /* others may come there, too */
void build_slot_begin(struct build *, uint32_t block);

/* build_resume.c */
/* What `kept` says holds where the block begins, where no way by a table leads to. */
void build_resume_begin(struct build *, uint32_t block, const struct slots *kept);
/* The slot's value may be used here: all tables' entries between can load it. */
bool build_resume_may(struct build *, const struct slot *);
/* It is used here, as virtual register v; false: they cannot after all. */
bool build_resume_use(struct build *, const struct slot *, uint32_t v);
void build_resume_end(struct build *); /* the ways for the tables' entries */

/* build_value.c */
void build_unary(struct build *, enum irop, enum irtype, unsigned sub);
void build_binary(struct build *, enum irop, enum irtype, unsigned sub);
void build_test_zero(struct build *, enum irtype);
void build_wrap(struct build *);
ref build_condition_there(struct build *, ref cond);
void build_zero_extend(struct build *);
void build_memarg(struct build *, uint32_t *off, uint32_t *memory);
/* address on the stack */
void build_load(struct build *, enum irtype, unsigned shape, uint32_t off, uint32_t memory);
/* address, value */
void build_store(struct build *, enum irtype, unsigned shape, uint32_t off, uint32_t memory);

/* build_call.c */
#define RUNTIME_ARGS 5 /* at most; registers that the C stack's side has for them */
uint32_t build_args(struct build *, uint32_t n);
void build_call(struct build *, enum irop, const struct functype *, uint32_t idx, uint32_t table);
/* false: not an instruction that is a runtime function's call */
bool build_runtime(struct build *, unsigned op);

/* build_inline.c */
/* The call of idx that was read just now: its callee's body is built in its place; false: it is to
 * be a call. */
bool build_inline(struct build *, uint32_t idx);

/* build_control.c */
/* What comes next is a callee's body, from code to end.  The caller leaves by its label `depth` if
 * that returns another value than 0. */
void build_enter(struct build *, const uint8_t *code, const uint8_t *end, uint32_t depth);
/* for the nodes, blocks and so on of most bodies; false: no memory */
bool build_room(struct build *);
void build_entry(struct build *);
/* A block aside, behind all others, that leads to block `to`. */
uint32_t build_aside_begin(struct build *, uint32_t to);
void build_aside_end(struct build *, uint32_t to);
/* by opcode: those of control instructions */
#define BUILD_CONTROLS (OP_return_call_indirect + 1)
extern void (*const build_controls[BUILD_CONTROLS])(struct build *);

/* build_skip.c */
void build_skip(struct build *, unsigned op); /* steps over an instruction in dead code */
void build_skip_immediates(struct build *, unsigned op);

/* build_simd.c */
/* SSE4.1 is there, which op needs; false: engine->error */
bool build_cpu_fits(struct build *, unsigned op);
/* false: no vector instruction, or engine->error says why it cannot be */
bool build_simd(struct build *, unsigned op);

#endif
