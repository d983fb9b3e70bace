/* The intermediate form of one function, and the compile pipeline's passes over it, in order.
 *
 *     body bytes --build.c--> nodes and blocks --flow.c--> liveness, dead code, webs --color.c-->
 * registers
 *                --x64/emit*.c--> machine code --code.c--> linked into the instance
 *
 * A node computes at most one value.  A value goes to a virtual register (`dst`) or is a temporary,
 * used exactly once and in the same block, as wasm's operand stack has it.  Virtual registers are
 * the pinned globals, the wasm locals, their companions (build_low.c), and one for each (operand
 * stack depth, class), which hold what stays on the operand stack over a block's end.
 *
 * flow.c splits each virtual register into webs: maximal sets of definitions and uses that reach
 * each other.  A web has one home for its whole life, a register or the virtual register's frame
 * slot; so block boundaries need no moves.
 *
 * Positions: node k stands at position 2k, the gap after it at 2k + 1.  A value that is defined at
 * i and last used at j occupies 2i + 1 .. 2j - 1. */
#ifndef ENGINE_IR_H
#define ENGINE_IR_H

#include "engine/inside.h"

enum irop {
#define IR(name, flags) IR_##name,
#include "engine/ir/ir.def"
#undef IR
    IR_COUNT
};
enum {
    IRF_PURE = 1,
    IRF_COMM = 2,
    IRF_NARROW = 4 /* low half depends on low halves only */,
    IRF_CALL = 8,
    IRF_END = 16,
    IRF_ARGS = 32 /* has arguments instead of b and c */,
    IRF_MOVE = 64 /* its value is that of a, in another place */
};
extern const uint8_t ir_flags[IR_COUNT];

enum irtype { T_I32, T_I64, T_F32, T_F64, T_V128, T_NONE };
static inline bool type_is_int(unsigned t)
{
    return t <= T_I64;
}

/* Operands.  A node index (a temporary) or a virtual register; after flow.c, a web. */
typedef uint32_t ref;
#define REF_NONE  0xffffffffu
#define REF_VREG  0x80000000u /* virtual register / web, not a node                               */
#define REF_NZ    0x20000000u /* an i64 value used as i32 by i32.wrap: upper half unknown         */
#define REF_INDEX 0x1fffffffu
/* As signed numbers, virtual registers are below REF_NONE, and nodes above. */
static inline bool ref_is_vreg(ref r)
{
    return (int32_t)r < (int32_t)REF_NONE;
}
static inline bool ref_is_node(ref r)
{
    return !(r & REF_VREG);
}
static inline uint32_t ref_index(ref r)
{
    return r & REF_INDEX;
}

/* Conditions of integers, each beside its inverse; floats have their own. */
enum cond {
    COND_EQ,
    COND_NE,
    COND_LT_S,
    COND_GE_S,
    COND_LT_U,
    COND_GE_U,
    COND_GT_S,
    COND_LE_S,
    COND_GT_U,
    COND_LE_U,
    COND_COUNT
};
static inline enum cond cond_inverse(unsigned cond)
{
    return (enum cond)(cond ^ 1);
}
enum fcc { FCC_EQ, FCC_NE, FCC_LT, FCC_GT, FCC_LE, FCC_GE, FCC_NLT, FCC_NGT, FCC_NLE, FCC_NGE };

/* Memory access shapes: width and extension. */
enum memop { M_8U, M_8S, M_16U, M_16S, M_32U, M_32S, M_64, M_F32, M_F64, M_128 };

extern const uint8_t memop_bytes[M_128 + 1];
static inline unsigned shape_bytes(unsigned shape) /* of an access of this memop */
{
    return memop_bytes[shape];
}

enum {
    NF_FOLD = 1 /* computed by its user */,
    NF_DEAD = 2,
    NF_CROSS = 4 /* the temporary lives across a call */,
    NF_VALUE = 8 /* has a value */,
    NF_ARGS = 16 /* as IRF_ARGS says: node_set_args */
};

#define CALL_LIVE_MAX (1u << 20) /* entries of life.call_live */
#define OVER_NONE     (CALL_LIVE_MAX - 1)

/* In an order in which build_new fills it with few stores. */
struct node {
    uint8_t op, type, sub, flags;
    uint32_t pos; /* module byte offset of the wasm instruction */
    union {
        uint64_t imm;
        struct {
            union {
                uint32_t off;   /* of a memory access; MEMCOPY: memory to copy from */
                uint32_t table; /* of an indirect call */
            };
            uint32_t idx; /* memory, global, function, type...: ir.def says which */
        };
    };
    uint32_t dst; /* virtual register / web, or REF_NONE */
    ref a;
    union {
        struct {
            ref b, c;
        };
        struct { /* those that have arguments: node_has_args */
            uint32_t nargs : 12;
            /* of a call, by flow.c: what lives over it, from call_live[over] on, or OVER_NONE */
            uint32_t over : 20;
            uint32_t args;      /* args[args .. +nargs) */
        };
    };
    uint32_t use;        /* the node that uses the temporary */
    union {
        struct {
            uint32_t depth : 24; /* operand stack depth of the temporary: names its spill slot */
            uint32_t reg : 8;    /* of a temporary, by color.c; REG_NONE: its slot */
        };
        uint32_t depth_alone; /* without a register yet */
    };
};

struct block {
    /* locals whose companions are set where it begins (build_low.c) */
    uint64_t low;
    uint32_t first, last;           /* nodes; first is an IR_LABEL, last ends it */
    uint32_t succ[2];               /* block numbers, REF_NONE */
    uint32_t table, ntable;         /* more successors: targets[table .. +ntable) */
    uint32_t weight;                /* how often it runs, guessed from loops */
    union {
        uint32_t touches; /* of body.touches, its first; its last is where the next one begins */
        /* webs_in_store[webs_in ..]: one web for each live-in candidate, ascending */
        uint32_t webs_in;
    };
    uint32_t code;                  /* native offset */
    uint32_t slots;                 /* what it begins with: build.kept[slots - 1] */
    uint32_t resume;                /* build.resumes[resume - 1] */
    bool empty;                     /* only jumps on */
    bool is_target;
    bool cold;    /* hardly ever runs (cold.c) */
    bool panics;  /* ends behind a call that always panics */
    bool entered, joins; /* by one edge, by more: build_slot.c */
    bool in_table;       /* also by a table's entry (build_resume.c) */
    bool aside, looped;  /* a way to another block from a table's entry, from a jump back */
    bool reached; /* other than by Go's dispatch, as far as is known (build_low.c) */
};
_Static_assert(sizeof(struct block) == 64, "found by a shift");

struct web {
    uint32_t parent; /* union-find; by color.c: the root */
    uint32_t vreg;
    uint32_t hint;                /* web whose register would save a move, or REF_NONE */
    /* how often it is used; how often a call stands in its life (saturating) */
    uint32_t weight, call_weight;
    /* GPR 0..15, XMM 16..31; REG_NONE: lives in the slot of its virtual register.  After color.c
     * all webs that were joined have it. */
    uint8_t reg;
    uint8_t fixed;                /* register that it comes in (parameters), or REG_NONE */
    bool in_slot;                 /* color.c may give it no register */
};
struct range {
    uint32_t web, from, to; /* positions, inclusive */
    uint32_t next;          /* color.c's own */
};

_Static_assert(LIMIT_PARAMS + 8 < 1 << 12 && LIMIT_RESULTS < 1 << 12, "node.nargs");
_Static_assert(CALL_LIVE_MAX == 1 << 20, "node.over");

/* A callee's body that stands in place of its call. */
struct inlining {
    uint32_t first, end; /* nodes */
    uint32_t pos;        /* module byte offset of the call */
};
/* for the locals of such a body: the first two are of 32 bits, the others of 64 */
#define INLINE_LOCALS  5

#define REG_NONE       0xff
/* so many virtual registers, from 0 on, have companions at most (build_low.c) */
#define LOW_LOCALS     48
/* so many temporaries of a block may have names */
#define NAMED_MAX      8
/* so many of a function, by build_slot.c */
#define SLOT_NAMES     48
#define CAND_WORDS_MAX 8
#define NO_CAND        0xffff

struct vreg {
    uint8_t type;
    uint16_t cand; /* by live.c: its number as a candidate for registers, or NO_CAND */
    uint32_t uses;
    union {
        uint32_t touched; /* build.c: build.touch, as the last block had it that touched it */
        uint32_t slot;    /* frame offset + 1, 0 = none (color.c) */
    };
    uint32_t pending; /* build.c: reads of it that are still on the operand stack */
};

#define TOUCH_SET 0x80000000u
struct touch_late {
    uint32_t block, vreg;
};

/* build.c's result: the function as nodes and blocks.  Later passes fill in what says so above. */
struct body {
    struct node *nodes;
    uint32_t nnodes, nodes_cap;
    struct block *blocks;
    uint32_t nblocks, blocks_cap;
    uint32_t *order; /* block numbers in layout order */
    uint32_t norder, order_cap;
    uint32_t *targets; /* of jump tables */
    uint32_t ntargets, targets_cap;
    ref *args;
    uint32_t nargs, args_cap;
    uint32_t *by_table; /* nodes that call by a table */
    uint32_t nby_table, by_table_cap;
    /* Block by block as they are placed: the virtual registers that it reads before it sets them,
     * and those that it sets, each with TOUCH_SET.  Not those that are no candidates. */
    uint32_t *touches;
    uint32_t ntouches, touches_cap;
    struct touch_late *late; /* known after the block's end: it sets vreg as well */
    uint32_t nlate, late_cap;
    struct vreg *vregs;
    uint32_t nvregs, vregs_cap;
    uint32_t nlocals, first_local, first_stack; /* vreg numbers */
    /* companions of pinned globals and locals (build_low.c) */
    uint32_t first_low;
    /* names of temporaries (build_name), and of what slots hold (build_slot.c) */
    uint32_t first_named, first_slot;
    /* locals of what stands in place of calls (build_inline.c) */
    uint32_t first_inline;
    struct inlining *inlines; /* ascending */
    uint32_t ninlines, inlines_cap;
    /* local that always equals pinned global 0, or REF_NONE */
    uint32_t mirror;
    /* block that ends in the Go entry dispatch, or REF_NONE */
    uint32_t dispatch;
    /* of its calls: the most arguments that go by the stack */
    uint32_t stack_args;
    bool has_vectors; /* IR_VEC */
};

/* live.c's result, up to live_in, and flow.c's: what is live where, and the webs. */
struct life {
    uint32_t ncand, words;
    bool in_slots; /* there are virtual registers that are used and no candidates */
    uint32_t *cand_vreg;
    uint64_t *live_in; /* per block, `words` each */
    uint32_t *webs_in_store;
    struct web *webs;
    uint32_t nwebs, webs_cap;
    struct range *ranges;
    uint32_t nranges, ranges_cap;
    uint32_t *temporaries; /* nodes that need a home of their own, descending */
    uint32_t ntemporaries, temporaries_cap;
    uint32_t *call_live; /* per call, from node->over on: how many, and their webs */
    uint32_t ncall_live, call_live_cap;
};

/* color.c's result, besides the registers of webs and temporaries and the slots of virtual
 * registers. */
struct homes {
    uint32_t frame_bytes;
};

/* One compilation.  Arrays live in scratch memory. */
struct compile {
    struct engine *engine;
    struct module *module;
    struct instance *instance;
    uint32_t func;
    const struct functype *type;
    bool failed; /* sticky: scratch memory could not be had or a limit was met */
    bool want_positions; /* MARK_AT in the piece, one for each instruction: many */

    struct body body;
    struct life life;
    struct homes homes;
};

/* The type of a node's value (comparisons have the type of their operands). */
static inline enum irtype node_value_type(const struct node *n)
{
    return n->op == IR_CMP || n->op == IR_FCMP ? T_I32 : (enum irtype)n->type;
}
static inline enum irtype ir_type_of(uint8_t valtype)
{
    switch (valtype) {
    case VT_I32:
        return T_I32;
    case VT_F32:
        return T_F32;
    case VT_F64:
        return T_F64;
    case VT_V128:
        return T_V128;
    default:
        return T_I64; /* references are addresses */
    }
}

static inline bool node_has_args(const struct node *n)
{
    return n->flags & NF_ARGS;
}

static inline void node_set_args(struct node *n, uint32_t first, uint32_t count)
{
    n->flags |= NF_ARGS;
    n->args = first;
    n->nargs = count & 0xfff;
    n->over = OVER_NONE;
}

/* Most functions have at most 64 candidates: sets of one word.  What goes over sets is in line with
 * their words as an argument, so that there is a copy of it for one word, without loops. */
#define FOR_WORDS static inline __attribute__((always_inline))

/* What is live where a block begins, candidates ascending. */
struct live_walk {
    uint32_t cand;
    uint32_t *web; /* its entry in webs_in_store */
    const uint64_t *word, *end;
    uint64_t bits;
    uint32_t next_cand; /* of the word behind */
};
static inline struct live_walk live_walk(const struct compile *c, uint32_t block)
{
    const uint64_t *set = c->life.live_in + (uint64_t)block * c->life.words;
    return (struct live_walk){.web = c->life.webs_in_store + c->body.blocks[block].webs_in - 1,
                              .word = set,
                              .end = set + c->life.words};
}
static inline bool live_next(struct live_walk *w)
{
    while (!w->bits) {
        if (w->word == w->end)
            return false;
        w->bits = *w->word++;
        w->next_cand += 64;
    }
    w->cand = w->next_cand - 64 + (uint32_t)__builtin_ctzll(w->bits);
    w->bits &= w->bits - 1;
    w->web++;
    return true;
}

static inline bool live_into(const struct compile *c, uint32_t block, uint32_t cand)
{
    return c->life.live_in[(uint64_t)block * c->life.words + cand / 64] >> (cand % 64) & 1;
}

/* Grows an array in scratch memory; false sets failed. */
bool compile_grow(struct compile *, void **array, uint32_t *cap, uint32_t need,
                  uint32_t elem_bytes);
/* The same for an array beside which its capacity stands, where it is too small. */
#define GROW(c, array, need)                                                                       \
    ((need) <= array##_cap ||                                                                      \
     compile_grow(c, (void **)&(array), &array##_cap, need, sizeof *(array)))

/* ---- build*.c: body to nodes; spec 4.4 says what each instruction means ---- */
bool build(struct compile *);
/* ---- loops.c: for live_find ---- */
struct back_jumps {
    uint32_t *places; /* in layout order, of the blocks that jump back; ascending */
    uint32_t n;
};
bool loops_weigh(struct compile *, struct back_jumps *out);
/* ---- live.c: flow's first step ---- */
/* Weights of blocks, candidates, and what is live where blocks begin.  defined_early, of life.words
 * words: what is defined when the entry block ends. */
bool live_find(struct compile *, uint64_t *defined_early);
/* ---- flow.c ---- */
bool flow(struct compile *);
static inline uint32_t web_find(struct compile *c, uint32_t w)
{
    while (c->life.webs[w].parent != w) {
        c->life.webs[w].parent = c->life.webs[c->life.webs[w].parent].parent;
        w = c->life.webs[w].parent;
    }
    return w;
}
/* ---- cold.c ---- */
void cold_find(struct compile *); /* for loops_weigh: which blocks are cold */
bool cold_last(struct compile *); /* once registers are given: their places in layout order */
/* ---- color.c ---- */
bool color(struct compile *);
#ifdef ENGINE_CHECK_CODE
/* In test builds, by tests/check/sets.c: ends the process where a block reads or sets something
 * else than is listed.  The sets are as live_in. */
void live_check(const struct compile *, const uint64_t *use, const uint64_t *def);
/* By tests/check/slots.c: ends the process where two values have one slot at once,
 * of which one is a temporary. */
void color_check(const struct compile *);
#else
static inline void live_check(const struct compile *c, const uint64_t *use, const uint64_t *def)
{
    (void)c, (void)use, (void)def;
}
static inline void color_check(const struct compile *c)
{
    (void)c;
}
#endif
/* ---- then x64/target.h: emit ---- */

#endif
