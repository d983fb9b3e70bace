/* What the emitter's files share.  emit.c: driver, homes of values, moves, frame.  emit_int.c,
 * emit_float.c, emit_memory.c, emit_control.c, emit_call.c, emit_simd*.c: one family each. */
#ifndef ENGINE_X64_EMIT_H
#define ENGINE_X64_EMIT_H

#include "engine/x64/asm.h"
#include "engine/x64/constants.h"
#include "engine/x64/regs.h"
#include "engine/x64/target.h"

struct cold {
    uint32_t site;
    uint8_t stub;
    const struct node *node;
}; /* a jcc that goes to a trap, by this stub */
_Static_assert(STUB_COUNT <= UINT8_MAX, "cold.stub");
struct link {
    uint32_t site, block;
}; /* rel32 of a jump */
struct jump_table {
    uint32_t site; /* of the displacement that leads to it */
    uint32_t first, count; /* its entries: targets[first .. +count) */
};
struct constant {
    uint32_t site;
    uint8_t bytes; /* 8 or 16 */
    struct cell value;
}; /* an operand relative to rip, whose displacement ends the instruction */
struct slow_dispatch {
    uint32_t site; /* of the jump that leads there */
    uint32_t block;
    ref index;
    bool used;
    /* no jump leads there: the function has two entries, and calls that have an index come here */
    bool is_entry;
};

struct emit {
    struct compile *c;
    struct instance *instance;
    struct engine *engine;
    const struct reach *reach;
    struct assembler a;
    uint32_t cap;
    struct mark *marks;
    uint32_t nmarks, marks_cap;
    uint32_t body;   /* module offset of its first byte */
    uint32_t at_pos, at_call; /* of the last MARK_AT */
    struct cold *cold;
    uint32_t ncold, cold_cap;
    struct link *links;
    uint32_t nlinks, links_cap;
    struct jump_table *tables;
    uint32_t ntables, tables_cap;
    struct constant *constants;
    uint32_t nconstants, constants_cap;
    uint32_t order; /* index in layout order of the block being emitted */
    const struct node *node; /* being emitted */
    struct slow_dispatch dispatch;
    uint32_t entry; /* code offset where calls enter, unless they leave out an argument of 0 */
    bool *set_early; /* per virtual register: not zero any more where Go's dispatch stands */
    uint32_t frame;
    /* A call whose result's test the flags hold, as long as no code follows tested_at. */
    const struct node *tested;
    uint32_t tested_at;
    /* at this code offset the flags are those of a test of the register, of 64 bits or of 32 */
    uint32_t flags_at;
    uint8_t flags_reg;
    bool flags_wide;
};

/* The block being emitted. */
static inline struct block *block_now(struct emit *e)
{
    return &e->c->body.blocks[e->c->body.order[e->order]];
}

/* Where a value is.  In memory: a slot of the frame. */
enum { L_REG, L_MEM, L_IMM };
struct loc {
    uint8_t kind, reg;
    int32_t slot; /* from rsp on */
    uint64_t imm;
};

/* The register of a virtual register or web, or REG_NONE. */
static inline uint8_t vreg_reg(const struct emit *e, uint32_t i)
{
    const struct compile *c = e->c;
    if (i < 2)
        return i == 0 ? REG_PIN0 : REG_PIN1;
    return i < c->body.nvregs ? REG_NONE : c->life.webs[i - c->body.nvregs].reg;
}

/* The register that r's value is in, or REG_NONE. */
static inline uint8_t reg_of(const struct emit *e, ref r)
{
    if (!ref_is_node(r))
        return vreg_reg(e, ref_index(r));
    const struct node *n = &e->c->body.nodes[ref_index(r)];
    return n->op == IR_CONST ? REG_NONE : n->reg;
}

struct loc loc_of(struct emit *, ref);
struct loc loc_of_dst(struct emit *, const struct node *); /* kind L_IMM: nobody wants the value */
static inline struct rm loc_rm(struct loc l)
{
    return l.kind == L_REG ? rm_reg(l.reg) : rm_mem(RSP, l.slot);
}

/* The register to compute n's value in (scratch if its home is memory), and what brings it home
 * afterwards. */
static inline uint8_t dst_reg(struct emit *e, const struct node *n, uint8_t scratch)
{
    uint8_t reg = n->dst != REF_NONE   ? vreg_reg(e, n->dst)
                  : n->use != REF_NONE ? n->reg
                                       : REG_NONE;
    return reg != REG_NONE ? reg : scratch;
}
uint8_t dst_xmm(struct emit *, const struct node *); /* scratch: xmm15 */
void dst_done(struct emit *, const struct node *, uint8_t reg);

/* r's value in a register: its own, or `scratch`, loaded.  gpr_zx: with a zero upper half (i32
 * values that must be extended). */
uint8_t gpr_of(struct emit *, ref, uint8_t scratch, bool w);
uint8_t gpr_zx(struct emit *, ref, uint8_t scratch);
uint8_t xmm_of(struct emit *, ref, uint8_t scratch, enum irtype);
void gpr_load(struct emit *, uint8_t reg, ref, bool w); /* always into reg */
void xmm_load(struct emit *, uint8_t reg, ref, enum irtype);
void xmm_move(struct emit *, uint8_t dst, uint8_t src);
/* bits: as in IR_CONST */
void xmm_constant(struct emit *, uint8_t reg, uint64_t bits, enum irtype);
/* the 16 bytes of an IR_CONST of T_V128 */
struct cell vector_constant(struct emit *, uint64_t imm);
/* insn reg, [constant] */
void x_constant(struct emit *, enum insn, uint8_t reg, struct cell, uint8_t bytes);
void slot_zero(struct emit *, uint32_t vreg);
void reg_zero(struct emit *, uint8_t reg);          /* changes the flags */
void home_zero(struct emit *, const struct web *);
static inline bool is_imm(struct emit *e, ref r, uint64_t *imm)
{
    if (!ref_is_node(r) || e->c->body.nodes[ref_index(r)].op != IR_CONST)
        return false;
    *imm = e->c->body.nodes[ref_index(r)].imm;
    return true;
}
static inline bool fits32(uint64_t v, bool w)
{
    return w ? (int64_t)v == (int32_t)v : true;
}

/* Parallel moves: registers are read before they are written; a cycle is broken through a scratch
 * register. */
struct move {
    uint8_t dst, from; /* from: the register that src is in, or REG_NONE */
    bool w, done;
    ref src; /* REF_NONE: just the register `from` */
    uint8_t type;
};
void moves(struct emit *, struct move *, uint32_t n);         /* finds `from` */
void moves_between(struct emit *, struct move *, uint32_t n); /* where it is known; done: false */

void site_mark(struct emit *, uint32_t pos);
/* From here on, code belongs to the wasm instruction at pos. */
static inline void site(struct emit *e, uint32_t pos)
{
    if (e->c->want_positions)
        site_mark(e, pos);
}
void mark_add(struct emit *, enum mark_kind, uint32_t pos);
void cold_if(struct emit *, unsigned cc, enum stub);
static inline void trap_if(struct emit *e, unsigned cc, enum trap trap)
{
    cold_if(e, cc, (enum stub)(STUB_TRAP + trap));
}

/* emit_memory.c */
/* may use rcx */
struct rm memory_rm(struct emit *, ref address, uint32_t off, uint32_t memory, uint32_t pos);
void emit_load(struct emit *, struct node *);
void emit_store(struct emit *, struct node *);
void emit_global(struct emit *, struct node *);
void emit_memsize(struct emit *, struct node *);
/* register, slot or folded load; false: a constant */
bool operand_rm(struct emit *, ref, struct rm *);
bool rm_uses(struct rm, uint8_t reg);

/* emit_bulk.c */
void emit_bulk(struct emit *, struct node *);

/* emit_int.c */
void emit_int(struct emit *, struct node *);
unsigned emit_cmp(struct emit *, const struct node *); /* flags; returns the condition */
/* any i32 condition that is no folded FCMP */
unsigned emit_condition(struct emit *, ref);
void emit_select(struct emit *, struct node *);

/* emit_float.c */
void emit_float(struct emit *, struct node *);
struct fcond {
    unsigned cc;
    int parity;
}; /* parity: 0 none, 1 false if unordered (EQ), 2 true if unordered (NE) */
struct fcond emit_fcmp(struct emit *, const struct node *);

/* emit_simd.c */
void emit_vec(struct emit *, struct node *);

/* emit_control.c */
void emit_jump(struct emit *, uint32_t block);
void emit_brif(struct emit *, struct node *);
void emit_brtable(struct emit *, struct node *);
void emit_cold(struct emit *);
void links_patch(struct emit *);
void blocks_mark(struct emit *); /* which blocks are jumped to */
static inline bool block_skipped(const struct block *b)
{
    return b->empty && !b->is_target;
}
/* once all is emitted: the start takes calls that leave out an argument of 0 */
bool zero_entry(const struct emit *);

/* emit_call.c */
void emit_call(struct emit *, struct node *);
void emit_runtime(struct emit *, struct node *);
void emit_return(struct emit *, struct node *);
void emit_tail(struct emit *, struct node *);
void emit_result(struct emit *, struct node *);
void emit_prologue(struct emit *);
void emit_frame_down(struct emit *);

#endif
