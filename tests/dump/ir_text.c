/* Nodes and blocks as text.
 *
 *     pin0 pin1        pinned globals               t7             temporary
 *     l3               wasm local                   lo(t7)         the low half of an i64 as an i32
 *     s2 s2f           operand stack, depth 2       (add.i32 ...)  folded: computed by its user
 *     low3 lowpin1     companions: lower halves of l3, pin1 (build_low.c)
 *     l3.0 l3.1        webs of l3, after flow       l3.0:rbx       where it lives, after color;
 *                                                                  [16]: frame slot
 *
 * Constants stand where they are used.  Dead nodes are not shown. */
#include "engine/load/opcodes.h"
#include "engine/run/code.h"
#include "tests/dump/dump.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct text {
    FILE *out;
    struct compile *c;
    enum dump_pass pass;
    uint32_t *place;   /* per block: its number in layout order */
    uint32_t *number;  /* per node: of its temporary */
    uint32_t *web;     /* per web: its number + 1, 0: not named yet */
    uint32_t *webs_of; /* per virtual register: webs named so far */
};

static const char *const ops[IR_COUNT] = {
#define IR(name, flags) #name,
#include "engine/ir/ir.def"
#undef IR
};
static const char *const types[] = { "i32", "i64", "f32", "f64", "v128", "" };
static const char *const conditions[COND_COUNT] = {
    [COND_EQ] = "eq",     [COND_NE] = "ne",     [COND_LT_S] = "lt_s", [COND_GE_S] = "ge_s",
    [COND_LT_U] = "lt_u", [COND_GE_U] = "ge_u", [COND_GT_S] = "gt_s", [COND_LE_S] = "le_s",
    [COND_GT_U] = "gt_u", [COND_LE_U] = "le_u",
};
static const char *const float_conditions[] = { "eq", "ne",  "lt",  "gt",  "le",
                                                "ge", "nlt", "ngt", "nle", "nge" };
static const char *const shapes[] = { "8u",  "8s", "16u", "16s", "32u",
                                      "32s", "64", "f32", "f64", "128" };
static const char *const roundings[] = { "nearest", "floor", "ceil", "trunc" };
static const char *const runtime[] = {
#define RUNTIME(name) #name,
#include "engine/run/runtime.def"
#undef RUNTIME
};
static const char *const registers[32] = {
    "rax",  "rcx",  "rdx",  "rbx",  "rsp",  "rbp",  "rsi",   "rdi",   "r8",    "r9",    "r10",
    "r11",  "r12",  "r13",  "r14",  "r15",  "xmm0", "xmm1",  "xmm2",  "xmm3",  "xmm4",  "xmm5",
    "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
};

/* ---- operands ---- */

static void home(struct text *t, uint8_t reg, uint32_t vreg)
{
    if (t->pass != DUMP_COLOR)
        return;
    if (reg != REG_NONE)
        fprintf(t->out, ":%s", registers[reg & 31]);
    else
        fprintf(t->out, ":[%d]", (int)t->c->body.vregs[vreg].slot - 1);
}

static void vreg_name(struct text *t, uint32_t v)
{
    const struct body *b = &t->c->body;
    if (v < b->first_local)
        fprintf(t->out, "pin%u", v);
    else if (v < b->first_low)
        fprintf(t->out, "l%u", v - b->first_local);
    else if (v < b->first_low + b->first_local)
        fprintf(t->out, "lowpin%u", v - b->first_low);
    else if (v < b->first_named)
        fprintf(t->out, "low%u", v - b->first_low - b->first_local);
    else if (v >= b->first_inline && v < b->first_stack)
        fprintf(t->out, "in%u", v - b->first_inline);
    else if (v < b->first_slot)
        fprintf(t->out, "n%u", v - b->first_named);
    else if (v < b->first_stack)
        fprintf(t->out, "v%u", v - b->first_slot);
    else
        fprintf(t->out, "s%u%s", (v - b->first_stack) / 2, (v - b->first_stack) % 2 ? "f" : "");
}

static void web_name(struct text *t, uint32_t w)
{
    w = web_find(t->c, w);
    const struct web *web = &t->c->life.webs[w];
    if (!t->web[w])
        t->web[w] = ++t->webs_of[web->vreg];
    vreg_name(t, web->vreg);
    fprintf(t->out, ".%u", t->web[w] - 1);
    home(t, web->reg, web->vreg);
}

/* A virtual register or, behind them, a web. */
static void variable(struct text *t, uint32_t v)
{
    if (v >= t->c->body.nvregs) {
        web_name(t, v - t->c->body.nvregs);
        return;
    }
    vreg_name(t, v);
    if (v >= t->c->body.first_local)
        home(t, REG_NONE, v);
}

static void integer(struct text *t, int64_t v, bool is_64)
{
    if (v > -100000 && v < 100000)
        fprintf(t->out, "%lld", (long long)v);
    else
        fprintf(t->out, "0x%llx", (unsigned long long)(is_64 ? (uint64_t)v : (uint32_t)v));
}

static void floating(struct text *t, uint64_t bits, bool is_64)
{
    float f;
    double d;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, 4);
    memcpy(&d, &bits, 8);
    if (!is_64)
        d = f;
    if (isnan(d))
        fprintf(t->out, "nan:0x%llx", (unsigned long long)bits);
    else
        fprintf(t->out, "%.*g%s", is_64 ? 17 : 9, d, d == floor(d) && fabs(d) < 1e15 ? ".0" : "");
}

static void constant(struct text *t, const struct node *n)
{
    if (n->type == T_I32) {
        integer(t, (int32_t)n->imm, false);
    } else if (n->type == T_I64) {
        integer(t, (int64_t)n->imm, true);
    } else if (n->type == T_V128) {
        fprintf(t->out, "v128:");
        for (int i = 15; i >= 0; i--)
            fprintf(t->out, "%02x", t->c->module->bytes[n->imm + (uint64_t)i]);
    } else {
        floating(t, n->imm, n->type == T_F64);
    }
}

static void computation(struct text *t, const struct node *n);

static void temporary(struct text *t, uint32_t i)
{
    const struct node *n = &t->c->body.nodes[i];
    fprintf(t->out, "t%u", t->number[i]);
    home(t, n->reg,
         t->c->body.first_stack + n->depth * 2 + (type_is_int(node_value_type(n)) ? 0 : 1));
}

static void operand(struct text *t, ref r)
{
    uint32_t i = ref_index(r);
    fputs(r & REF_NZ ? "lo(" : "", t->out);
    if (ref_is_vreg(r)) {
        variable(t, i);
    } else if (t->c->body.nodes[i].op == IR_CONST) {
        constant(t, &t->c->body.nodes[i]);
    } else if (t->c->body.nodes[i].flags & NF_FOLD) {
        fputs("(", t->out);
        computation(t, &t->c->body.nodes[i]);
        fputs(")", t->out);
    } else {
        temporary(t, i);
    }
    fputs(r & REF_NZ ? ")" : "", t->out);
}

/* ---- nodes ---- */

static void label(struct text *t, uint32_t block)
{
    fprintf(t->out, "b%u", t->place[block]);
}

static void address(struct text *t, const struct node *n)
{
    fputs(" [", t->out);
    if (n->idx)
        fprintf(t->out, "memory %u: ", n->idx);
    operand(t, n->a);
    if (n->off)
        fprintf(t->out, " + %u", n->off);
    fputs("]", t->out);
}

static void arguments(struct text *t, const struct node *n)
{
    fputs("(", t->out);
    for (uint32_t i = 0; i < n->nargs; i++) {
        fputs(i ? ", " : "", t->out);
        operand(t, t->c->body.args[n->args + i]);
    }
    fputs(")", t->out);
    if (n->over == OVER_NONE)
        return;
    uint32_t at = n->over;
    uint32_t count = t->c->life.call_live[at++];
    fputs(count ? "  over:" : "", t->out);
    for (; count; count--) {
        fputs(" ", t->out);
        web_name(t, t->c->life.call_live[at++]);
    }
}

/* What of an operation its `sub` says. */
static void variant(struct text *t, const struct node *n)
{
    switch (n->op) {
    case IR_CMP: fprintf(t->out, ".%s", conditions[n->sub]); break;
    case IR_FCMP: fprintf(t->out, ".%s", float_conditions[n->sub]); break;
    case IR_LOAD: case IR_STORE: fprintf(t->out, ".%s", shapes[n->sub]); break;
    case IR_FROUND: fprintf(t->out, ".%s", roundings[n->sub & 3]); break;
    case IR_MULHI: fprintf(t->out, ".%c", n->sub ? 's' : 'u'); break;
    case IR_ITOF:
        fprintf(t->out, ".%s_%c", n->sub & 2 ? "i64" : "i32", n->sub & 1 ? 'u' : 's');
        break;
    case IR_FTOI:
        fprintf(t->out, ".%s_%c%s", n->sub & 2 ? "f64" : "f32", n->sub & 1 ? 'u' : 's',
                n->sub & 4 ? ".sat" : "");
        break;
    default: break;
    }
}

static void vector(struct text *t, const struct node *n)
{
    char name[OPCODE_NAME];
    unsigned op = 0x200u + n->sub;
    fprintf(t->out, " %s", opcode_name(op, name));
    enum family family = opcode_table[op].family;
    if (family == FAM_SIMD_EXTRACT || family == FAM_SIMD_REPLACE)
        fprintf(t->out, " %llu", (unsigned long long)n->imm);
    for (int i = 0; family == FAM_SIMD_SHUFFLE && i < 16; i++)
        fprintf(t->out, " %u", t->c->module->bytes[n->imm + (uint64_t)i]);
}

static void operation(struct text *t, const struct node *n)
{
    for (const char *s = ops[n->op]; *s; s++)
        fputc(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s, t->out);
    if (n->op != IR_VEC && n->type != T_NONE)
        fprintf(t->out, ".%s", types[n->type]);
    variant(t, n);
    switch (n->op) {
    case IR_VEC: vector(t, n); break;
    case IR_LOAD: case IR_STORE: address(t, n); break;
    case IR_GLOBAL_GET:
    case IR_GLOBAL_SET:
    case IR_MEMSIZE:
    case IR_RESULT:
        fprintf(t->out, " %u", n->idx);
        break;
    case IR_CALL: case IR_TAIL: fprintf(t->out, " func %u ", n->idx); break;
    case IR_CALLI: case IR_TAILI: fprintf(t->out, " type %u table %u at ", n->idx, n->table); break;
    case IR_RT: fprintf(t->out, " %s ", runtime[n->idx]); break;
    case IR_RETURN: fputs(" ", t->out); break;
    case IR_TRAP: fprintf(t->out, " %s", trap_text((enum trap)n->idx)); break;
    default: break;
    }
}

static void computation(struct text *t, const struct node *n)
{
    const char *before = " ";
    operation(t, n);
    if (node_has_args(n)) {
        if (n->a != REF_NONE) {
            operand(t, n->a);
            fputs(" ", t->out);
        }
        arguments(t, n);
        return;
    }
    const ref operands[] = { n->op == IR_LOAD || n->op == IR_STORE ? REF_NONE : n->a, n->b, n->c };
    if (n->op == IR_STORE || n->op == IR_GLOBAL_SET)
        before = ", ";
    for (int i = 0; i < 3; i++)
        if (operands[i] != REF_NONE) {
            fputs(before, t->out);
            operand(t, operands[i]);
            before = ", ";
        }
}

static void successors(struct text *t, const struct block *b)
{
    const char *before = t->c->body.nodes[b->last].op == IR_BR ? " " : ", ";
    for (int s = 0; s < 2; s++)
        if (b->succ[s] != REF_NONE) {
            fputs(before, t->out);
            label(t, b->succ[s]);
            before = ", ";
        }
    for (uint32_t i = 0; i < b->ntable; i++) {
        fputs(i == 0 ? ", [" : i + 1 < b->ntable ? " " : "] ", t->out);
        label(t, t->c->body.targets[b->table + i]);
    }
}

static bool is_shown(const struct node *n)
{
    return !(n->flags & (NF_FOLD | NF_DEAD)) && n->op != IR_CONST && n->op != IR_LABEL &&
           n->op != IR_NOP;
}

static void node(struct text *t, uint32_t i, const struct block *b)
{
    const struct node *n = &t->c->body.nodes[i];
    fputs("    ", t->out);
    if (n->dst != REF_NONE) {
        variable(t, n->dst);
        fputs(" = ", t->out);
    } else if ((n->flags & NF_VALUE) && (t->pass == DUMP_BUILD || n->use != REF_NONE)) {
        temporary(t, i);
        fputs(" = ", t->out);
    }
    computation(t, n);
    if (i == b->last)
        successors(t, b);
    fputs(n->flags & NF_CROSS ? "  crosses a call\n" : "\n", t->out);
}

static void block(struct text *t, uint32_t k)
{
    const struct block *b = &t->c->body.blocks[k];
    label(t, k);
    fputs(k == t->c->body.dispatch ? ": dispatch" : ":", t->out);
    if (t->pass != DUMP_BUILD) {
        fprintf(t->out, " weight %u%s", b->weight, b->empty ? " empty" : "");
        const char *before = " in ";
        for (struct live_walk in = live_walk(t->c, k); live_next(&in); before = " ") {
            fputs(before, t->out);
            web_name(t, *in.web);
        }
    }
    fputs("\n", t->out);
    for (uint32_t i = b->first; i <= b->last; i++)
        if (is_shown(&t->c->body.nodes[i]))
            node(t, i, b);
}

/* ---- the whole ---- */

static void number(struct text *t)
{
    const struct body *b = &t->c->body;
    uint32_t next = 0;
    for (uint32_t k = 0; k < b->norder; k++) {
        const struct block *block = &b->blocks[b->order[k]];
        t->place[b->order[k]] = k;
        for (uint32_t i = block->first; i <= block->last; i++)
            if ((b->nodes[i].flags & NF_VALUE) && b->nodes[i].op != IR_CONST)
                t->number[i] = next++;
    }
}

void dump_func_head(FILE *out, struct instance *i, uint32_t func)
{
    char name[256];
    const struct functype *type = instance_functype(i, func);
    func_name(i, func, name, sizeof name);
    fprintf(out, "func %u \"%s\" (", func, name);
    for (uint32_t p = 0; p < type->nparams; p++)
        fprintf(out, "%s%s", p ? " " : "", types[ir_type_of(type->params[p])]);
    fprintf(out, ") -> (");
    for (uint32_t p = 0; p < type->nresults; p++)
        fprintf(out, "%s%s", p ? " " : "", types[ir_type_of(type->results[p])]);
    fprintf(out, ")");
}

void dump_ir(FILE *out, struct compile *c, enum dump_pass pass)
{
    struct text t = { .out = out, .c = c, .pass = pass };
    t.place = calloc(c->body.nblocks + 1, sizeof *t.place);
    t.number = calloc(c->body.nnodes + 1, sizeof *t.number);
    t.web = calloc(c->life.nwebs + 1, sizeof *t.web);
    t.webs_of = calloc(c->body.nvregs + 1, sizeof *t.webs_of);
    if (!t.place || !t.number || !t.web || !t.webs_of)
        abort();
    number(&t);
    fprintf(out, "%s: ", dump_pass_names[pass]);
    dump_func_head(out, c->instance, c->func);
    if (c->body.mirror != REF_NONE)
        fprintf(out, ", l%u mirrors pin0", c->body.mirror);
    if (pass == DUMP_COLOR)
        fprintf(out, ", frame %u", c->homes.frame_bytes);
    fputs("\n", out);
    for (uint32_t k = 0; k < c->body.norder; k++)
        block(&t, c->body.order[k]);
    free(t.place), free(t.number), free(t.web), free(t.webs_of);
}
