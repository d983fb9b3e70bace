/* Fronts: better code for a body that is known (run/known.c), put before the body's own.
 *
 * A front does its work only where nothing can go wrong: every byte that the body would read or
 * write is in memory. Else, and where a function is resumed, it jumps to the body with what it was
 * given.  So traps, panics and backtraces are the body's, and a front needs no frame: it calls
 * nothing and leaves rsp alone.  What the body would leave below Go's stack pointer it does not
 * write. */
#include "engine/x64/front.h"
#include "engine/assert.h"
#include "engine/x64/meant.h"

#define FRONT_BYTES 4096
#define GO .nparams = 1, .type = VT_I32, .go = true

/* What each needs, and its code.  A Go function has PC_B as its only parameter; others are
 * assembler's, with parameters of their own. */
static const struct row {
    void (*emit)(struct front_way *);
    void (*data)(struct front_way *); /* behind the code, or NULL */
    const void *table;                /* what stands in memory where the body reads its table */
    uint32_t table_bytes, cpu;
    uint8_t nparams, type;
    bool go;
} rows[] = {
    [FRONT_SHA256] = {.emit = front_sha256,
                      .data = front_sha256_data,
                      .table = sha256_rounds,
                      .table_bytes = sizeof sha256_rounds,
                      .cpu = ENGINE_SHA | ENGINE_SSSE3 | ENGINE_SSE41,
                      GO},
    [FRONT_MEMEQUAL] = {.emit = front_memequal, .nparams = 3, .type = VT_I64},
    [FRONT_COMPARE] = {.emit = front_compare, .nparams = 4, .type = VT_I64},
    [FRONT_MEMCHR] = {.emit = front_memchr, .nparams = 3, .type = VT_I32},
    [FRONT_COUNT_BYTES] = {.emit = front_count_bytes, .cpu = ENGINE_POPCNT, GO},
    [FRONT_COUNT_STRING] = {.emit = front_count_string, .cpu = ENGINE_POPCNT, GO},
    [FRONT_ADD_MUL] = {.emit = front_add_mul, GO},
    [FRONT_ADD_MUL_COUNT] = {.emit = front_add_mul_count, GO},
    [FRONT_ADD_MUL_TO] = {.emit = front_add_mul_to, GO},
    [FRONT_MUL_ADD] = {.emit = front_mul_add, GO},
};

const uint8_t *front_table(enum front what, uint32_t *bytes)
{
    *bytes = rows[what].table_bytes;
    return rows[what].table;
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
    const struct row *r = &rows[what];
    return (i->engine->env.cpu & r->cpu) == r->cpu && types_are(t, r->nparams, r->type) &&
           (!r->go || target_zero_call(i, t));
}

void front_return(struct front_way *w)
{
    x_alu_imm(w->a, ALU_ADD, false, rm_reg(REG_PIN0), 8);
    x_zero(w->a, RAX);
    x_ret(w->a);
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

/* ---- all of it ---- */

bool front_emit(const struct instance *i, enum front what, uint64_t body, struct piece *out)
{
    struct assembler a;
    if (!asm_begin(&a, i->engine, FRONT_BYTES))
        return false;
    struct front_way w = {.a = &a, .instance = i};
    bool go = rows[what].go; /* PC_B is left out, and 0, at the start */
    rows[what].emit(&w);
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
    if (rows[what].data)
        rows[what].data(&w);
    a.end = a.at;
    bool whole = asm_end(&a, out);
    out->entry = entry;
    out->zero_entry = go;
    return whole;
}
