/* What the build*.c files share.  build.c: driver, variables; build_stack.c: nodes and the operand stack; the others:
 * one family of instructions each. */
#ifndef ENGINE_BUILD_H
#define ENGINE_BUILD_H

#include "engine/ir/ir.h"
#include "engine/load/reader.h"

struct opnd {
    ref r;
    uint8_t type;
};

/* A control frame: spec appendix "validation algorithm", with blocks instead of types. */
struct ctl {
    uint8_t kind;    /* opcode: block, loop, if_, else_; 0 for the function */
    uint32_t height; /* operand stack below its parameters */
    uint32_t label;  /* block that a branch to it goes to; REF_NONE: none asked for it */
    uint32_t else_block;
    uint32_t nparams, nresults;
    const uint8_t *params, *results;
    /* a loop whose body starts by a br_table over a local: jumps by that local go straight to the target */
    uint32_t dispatch_vreg, dispatch_table, dispatch_n;
    uint32_t back_edges;
    uint32_t edge_stamp, edge_block; /* br_table: the moves of values for this label */
};

struct build {
    struct compile *c;
    const uint8_t *at, *end;
    uint32_t pos; /* module offset of the instruction */
    struct opnd *stack;
    uint32_t sp, stack_cap;
    uint32_t flushed; /* entries below are stack registers or constants */
    struct ctl *ctl;
    uint32_t nctl, ctl_cap;
    uint32_t cur;        /* block being filled */
    uint32_t last;       /* last node that is no constant */
    bool dead;           /* unreachable code: skipped */
    uint32_t dead_depth; /* control frames opened while skipping */
    uint32_t stamp;
    bool mirror_broken;
};

static inline uint32_t build_u32(struct build *b)
{
    return leb_u32(&b->at);
}
static inline int64_t build_s64(struct build *b)
{
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

/* build_plain.c */
enum plain { P_NONE, P_BIN, P_UN, P_TEST, P_LOAD, P_STORE };
struct plain_op {
    uint8_t how, op, type, sub; /* op: enum irop; sub: the node's */
};
#define PLAIN_OPS 0x108 /* opcodes below that are in the table */
extern const struct plain_op plain_ops[PLAIN_OPS];

/* build_stack.c */
uint32_t build_node(struct build *, enum irop, enum irtype);
struct vreg *build_vreg(struct build *, uint32_t v);
void build_push(struct build *, ref, enum irtype);
struct opnd build_pop(struct build *);
void build_push_node(struct build *, uint32_t node, enum irtype);
uint32_t build_const(struct build *, enum irtype, uint64_t imm);
bool build_is_last(struct build *, ref); /* a temporary that was computed just now */
void build_save_pending(struct build *, uint32_t v); /* before v changes */
void build_set(struct build *, uint32_t v, struct opnd);
void build_flush(struct build *);
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

/* build_address.c */
/* The next node is a load or a store there: what it can do of the address itself is marked NF_FOLD. */
void build_fold_address(struct build *, ref address, uint32_t off, uint32_t memory);
/* The next node is a sum of this type: where r is an index << 1, 2 or 3, the sum does the shift itself. */
bool build_fold_scale(struct build *, ref r, enum irtype type);

/* build_known.c */
unsigned build_value_bits(struct build *, ref); /* above these the register that holds an integer is zero */
/* Pushes r & mask where that needs no `and`; false: it does. */
bool build_mask(struct build *, ref, uint64_t mask, enum irtype);

/* build_value.c */
void build_unary(struct build *, enum irop, enum irtype, unsigned sub);
void build_plain(struct build *, const struct plain_op *);
void build_test_zero(struct build *, enum irtype);
void build_wrap(struct build *);
void build_zero_extend(struct build *);
void build_memarg(struct build *, uint32_t *off, uint32_t *memory);
void build_load(struct build *, enum irtype, unsigned shape, uint32_t off, uint32_t memory);  /* address on the stack */
void build_store(struct build *, enum irtype, unsigned shape, uint32_t off, uint32_t memory); /* address, value */

/* build_call.c */
#define RUNTIME_ARGS 5 /* at most; registers that the C stack's side has for them */
uint32_t build_args(struct build *, uint32_t n);
void build_call(struct build *, enum irop, const struct functype *, uint32_t idx, uint32_t table);
bool build_runtime(struct build *, unsigned op); /* false: not an instruction that is a runtime function's call */

/* build_control.c */
bool build_room(struct build *); /* for the first node, block and so on; false: no memory */
void build_entry(struct build *);
bool build_control(struct build *, unsigned op); /* false: not a control instruction */
bool build_skip(struct build *, unsigned op);    /* steps over an instruction in dead code */

/* build_simd.c */
bool build_cpu_fits(struct build *, unsigned op); /* SSE4.1 is there, which op needs; false: engine->error */
bool build_simd(struct build *, unsigned op); /* false: no vector instruction, or engine->error says why it cannot be */

#endif
