/* Fronts: better code for a body that is known (run/known.c), put before the body's own.
 *
 * A front does its work only where nothing can go wrong: every byte that the body would read or
 * write is in memory. Else, and where a function is resumed, it jumps to the body with what it was
 * given.  So traps, panics and backtraces are the body's, and a front needs no frame: it calls
 * nothing and leaves rsp alone.  What the body would leave below Go's stack pointer it does not
 * write. */
#include "engine/assert.h"
#include "engine/x64/front.h"
#include "engine/x64/meant.h"

#define FRONT_BYTES 4096

const uint8_t *front_table(enum front what, uint32_t *bytes)
{
    *bytes = what == FRONT_SHA256 ? 256 : 0;
    return what == FRONT_SHA256 ? (const uint8_t *)sha256_rounds : NULL;
}

bool front_possible(const struct instance *i, const struct functype *t)
{
    return i->zero_base && t->nresults == 1 && i->pinned[0] == 0 &&
           i->module->globals[0].type == VT_I32;
}

static bool types_are(const struct functype *t, uint32_t nparams, uint8_t type)
{
    for (uint32_t k = 0; k < t->nparams; k++)
        if (t->params[k] != type)
            return false;
    return t->nparams == nparams && t->nresults == 1 && t->results[0] == type;
}

bool front_fits(const struct instance *i, enum front what, const struct functype *t)
{
    const uint32_t sha = ENGINE_SHA | ENGINE_SSSE3 | ENGINE_SSE41;
    if (what == FRONT_SHA256)
        return (i->engine->env.cpu & sha) == sha && types_are(t, 1, VT_I32) &&
               target_zero_call(i, t);
    return what == FRONT_MEMEQUAL && types_are(t, 3, VT_I64);
}

void front_inside(struct front_way *w, uint8_t end)
{
    x_rm(w->a, I_CMP, true, end, rm_rip(&w->instance->memories[0]->bytes));
    front_leave(w, CC_A);
}

void front_leave(struct front_way *w, unsigned cc)
{
    ENGINE_ASSERT(w->nleaves < FRONT_LEAVES);
    w->leaves[w->nleaves++] = x_jcc(w->a, cc, ASM_LATER);
}

/* ---- memory equal: rdi, rsi, rdx bytes; 1 or 0 ---- */

static void memequal(struct front_way *w)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, false, RAX, RDI);
    x_rr(a, I_MOV, false, RCX, RSI);
    x_rr(a, I_MOV, false, R8, RDX);
    x_rr(a, I_CMP, true, R8, RDX); /* more than 2^32 bytes */
    front_leave(w, CC_NE);
    x_rm(a, I_LEA, true, R9, rm_index(RAX, RDX, 0, 0));
    front_inside(w, R9);
    x_rm(a, I_LEA, true, R9, rm_index(RCX, RDX, 0, 0));
    front_inside(w, R9);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 16);
    uint32_t few = short_jump(a, CC_B);
    uint32_t loop = asm_offset(a);
    x_rm(a, I_MOVUPS, false, 0, rm_mem(RAX, 0));
    x_rm(a, I_MOVUPS, false, 1, rm_mem(RCX, 0));
    x_rr(a, I_PCMPEQB, false, 0, 1);
    x_rr(a, I_PMOVMSKB, false, R8, 0);
    x_alu_imm(a, ALU_CMP, false, rm_reg(R8), 0xffff);
    uint32_t differ = short_jump(a, CC_NE);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RAX), 16);
    x_alu_imm(a, ALU_ADD, true, rm_reg(RCX), 16);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RDX), 16);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), 16);
    if (!short_back(a, CC_AE, loop))
        a->failed = true;
    short_here(a, few);
    x_rr(a, I_TEST, true, RDX, RDX);
    uint32_t same = short_jump(a, CC_E);
    loop = asm_offset(a);
    x_rm(a, I_MOVZX8, false, R8, rm_index(RAX, RDX, 0, -1));
    x_rm(a, I_MOVZX8, false, R9, rm_index(RCX, RDX, 0, -1));
    x_rr(a, I_CMP, false, R8, R9);
    uint32_t differ_too = short_jump(a, CC_NE);
    x_alu_imm(a, ALU_SUB, true, rm_reg(RDX), 1);
    if (!short_back(a, CC_NE, loop))
        a->failed = true;
    short_here(a, same);
    x_mov_imm(a, RAX, 1);
    x_ret(a);
    short_here(a, differ);
    short_here(a, differ_too);
    x_zero(a, RAX);
    x_ret(a);
}

/* ---- all of it ---- */

bool front_emit(const struct instance *i, enum front what, uint64_t body, struct piece *out)
{
    struct assembler a;
    if (!asm_begin(&a, i->engine, FRONT_BYTES))
        return false;
    struct front_way w = {.a = &a, .instance = i};
    bool go = what == FRONT_SHA256; /* PC_B is left out, and 0, at the start */
    if (go)
        front_sha256(&w);
    else
        memequal(&w);
    for (uint32_t k = 0; k < w.nleaves; k++)
        asm_link(&a, w.leaves[k], asm_offset(&a));
    uint32_t entry = 0;
    if (go) {
        x_zero(&a, reg_param_int(0));
        x_jmp_to(&a, RELOC_CODE, body);
        entry = asm_offset(&a);
        x_rr(&a, I_TEST, false, reg_param_int(0), reg_param_int(0));
        asm_link(&a, x_jcc(&a, CC_E, ASM_LATER), 0);
    }
    x_jmp_to(&a, RELOC_CODE, body);
    if (go)
        front_sha256_data(&w);
    a.end = a.at;
    bool whole = asm_end(&a, out);
    out->entry = entry;
    out->zero_entry = go;
    return whole;
}
