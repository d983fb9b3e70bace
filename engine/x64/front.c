/* Fronts: better code for a body that is known (run/known.c), put before the body's own.
 *
 * A front does its work only where nothing can go wrong: every byte that the body would read or
 * write is in memory. Else, and where a function is resumed, it jumps to the body with what it was
 * given.  So traps, panics and backtraces are the body's, and a front needs no frame: it calls
 * nothing and leaves rsp alone.  What the body would leave below Go's stack pointer it does not
 * write. */
#include "engine/x64/front.h"
#include "engine/assert.h"
#include "engine/lib.h"
#include "engine/x64/meant.h"

#define FRONT_BYTES 4096
#define GO .nparams = 1, .type = VT_I32, .go = true
#define AES .data = front_constants, .cpu = ENGINE_AES | ENGINE_SSSE3, GO
#define CLMUL .data = front_constants, .cpu = ENGINE_PCLMUL | ENGINE_SSSE3, GO

/* What each needs, and its code.  A Go function has PC_B as its only parameter; others are
 * assembler's, with parameters of their own. */
static const struct row {
    void (*emit)(struct front_way *); /* NULL: it is a part of another */
    void (*data)(struct front_way *); /* behind the code, or NULL */
    const void *table;                /* what stands in memory where the body reads its table */
    uint32_t table_bytes, cpu;
    uint8_t nparams, type;
    bool go;
    struct front_call calls[4];
} rows[FRONT_COUNT] = {
    [FRONT_SHA256] = {.emit = front_sha256,
                      .data = front_sha256_data,
                      .table = sha256_rounds,
                      .table_bytes = sizeof sha256_rounds,
                      .cpu = ENGINE_SHA | ENGINE_SSSE3 | ENGINE_SSE41,
                      GO},
    [FRONT_MEMEQUAL] = {.emit = front_memequal, .nparams = 3, .type = VT_I64},
    [FRONT_COMPARE] = {.emit = front_compare,
                       .nparams = 4,
                       .type = VT_I64,
                       .calls = {{FRONT_MEMCMP, 0, 1}}},
    [FRONT_MEMCHR] = {.emit = front_memchr, .nparams = 3, .type = VT_I32},
    [FRONT_COUNT_BYTES] = {.emit = front_count_bytes, .cpu = ENGINE_POPCNT, GO},
    [FRONT_COUNT_STRING] = {.emit = front_count_string, .cpu = ENGINE_POPCNT, GO},
    [FRONT_ADD_MUL] = {.emit = front_add_mul, GO},
    [FRONT_ADD_MUL_COUNT] = {.emit = front_add_mul_count, GO},
    [FRONT_ADD_MUL_TO] = {.emit = front_add_mul_to, GO},
    [FRONT_MUL_ADD] = {.emit = front_mul_add, GO},
    [FRONT_XOR_BYTES] = {.emit = front_xor_bytes, GO},
    [FRONT_AES_ENCRYPT] = {.emit = front_aes_encrypt, AES},
    [FRONT_AES_DECRYPT] = {.emit = front_aes_decrypt, AES},
    [FRONT_AES_ENCRYPT_SLICE] = {.emit = front_aes_encrypt_slice, AES},
    [FRONT_AES_DECRYPT_SLICE] = {.emit = front_aes_decrypt_slice, AES},
    [FRONT_GCM_CRYPT] = {.emit = front_gcm_crypt,
                         AES,
                         .calls = {{FRONT_AES_ENCRYPT, 3, 1}, {FRONT_GCM_COUNT, 4, 1},
                                   {FRONT_XOR_SLICES, 5, 1}}},
    [FRONT_GHASH] = {.emit = front_ghash, CLMUL, .calls = {{FRONT_GHASH_MUL, 2, 1}}},
    [FRONT_GHASH_MEMBER] = {.emit = front_ghash_member, CLMUL, .calls = {{FRONT_GHASH_MUL, 2, 1}}},
    [FRONT_GHASH_BLOCK] = {.emit = front_ghash_block, CLMUL, .calls = {{FRONT_CARRYLESS, 1, 9}}},
    [FRONT_CRC32] = {.emit = front_crc32,
                     .data = front_constants,
                     .cpu = ENGINE_PCLMUL | ENGINE_SSE42,
                     GO},
    [FRONT_MEMCMP] = {.nparams = 3, .type = VT_I32},
    [FRONT_GHASH_MUL] = {GO},
    [FRONT_CARRYLESS] = {GO},
    [FRONT_GCM_COUNT] = {GO},
    [FRONT_XOR_SLICES] = {GO, .calls = {{FRONT_XOR_BYTES, 1, 1}}},
    [FRONT_MUL_UINTPTR] = {GO},
    [FRONT_MUL_64] = {GO},
    [FRONT_MUL_ADD_WORD] = {GO},
};

_Static_assert(FRONT_PARTS == ENGINE_KNOWN + 1, "each has a bit in the statistics");

const struct front_call *front_calls(enum front what)
{
    return rows[what].calls;
}

uint32_t front_table(enum front what, uint32_t number, uint8_t out[FRONT_TABLE_MOST])
{
    if (what >= FRONT_AES_ENCRYPT && what <= FRONT_AES_DECRYPT_SLICE)
        return aes_table(what, number, out);
    if (rows[what].table_bytes)
        mem_move(out, rows[what].table, rows[what].table_bytes);
    return rows[what].table_bytes;
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

void front_frame(struct front_way *w, uint8_t bytes)
{
    x_rr(w->a, I_MOV, false, RAX, REG_PIN0);
    x_rm(w->a, I_LEA, true, RDX, rm_mem(RAX, 8 + bytes));
    front_inside(w, RDX);
}

/* One comparison: how far what is written ends behind SP, modulo 2^64. */
void front_beside(struct front_way *w, uint8_t reg, uint8_t bytes, uint8_t arguments)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, false, RAX, REG_PIN0);
    x_rm(a, I_LEA, true, RDX, rm_mem(reg, bytes - 1));
    x_rr(a, I_SUB, true, RDX, RAX);
    x_alu_imm(a, ALU_CMP, true, rm_reg(RDX), bytes + 8 + arguments - 1);
    front_leave(w, CC_B);
}

void front_beside_by(struct front_way *w, uint8_t end, uint8_t length, uint8_t arguments,
                     uint8_t scratch)
{
    struct assembler *a = w->a;
    x_rr(a, I_MOV, false, RAX, REG_PIN0);
    x_rm(a, I_LEA, true, scratch, rm_mem(end, -1));
    x_rr(a, I_SUB, true, scratch, RAX);
    x_rm(a, I_LEA, true, RAX, rm_mem(length, 8 + arguments - 1));
    x_rr(a, I_CMP, true, scratch, RAX);
    front_leave(w, CC_B);
}

/* ---- constants ---- */

static const uint64_t constants[][2] = {
    [FRONT_WORDS] = {0x0405060700010203, 0x0c0d0e0f08090a0b},
    [FRONT_REVERSE] = {0x08090a0b0c0d0e0f, 0x0001020304050607},
    [FRONT_COUNT_ONE] = {0, 1ull << 32},
    [FRONT_FIELD] = {1, 0xc2ull << 56},
    [FRONT_CRC_64] = {0x154442bd4, 0x1c6e41596},
    [FRONT_CRC_16] = {0x1751997d0, 0x0ccaa009e},
    [FRONT_CRC_4] = {0x163cd6124, 0},
    [FRONT_CRC_LAST] = {0x1db710641, 0x1f7011641},
    [FRONT_LOW_32] = {UINT32_MAX, 0},
    [FRONT_REDUCTION] = {0x246038401c200000, 0x54e048c06ca07080},
    [FRONT_REDUCTION_UPPER] = {0xc560d940fd20e100, 0xb5e0a9c08da09180},
};

void front_constant(struct front_way *w, uint8_t xmm, enum front_constant what)
{
    ENGINE_ASSERT(w->nsites < FRONT_SITES);
    x_rm(w->a, I_MOVAPS, false, xmm, rm_rip(ASM_LATER));
    w->constants[w->nsites] = (uint8_t)what;
    w->sites[w->nsites++] = asm_offset(w->a) - 4;
}

void front_constants(struct front_way *w)
{
    asm_align(w->a, 16);
    for (uint32_t k = 0; k < w->nsites; k++) {
        asm_link(w->a, w->sites[k], asm_offset(w->a));
        asm_data64(w->a, constants[w->constants[k]][0]);
        asm_data64(w->a, constants[w->constants[k]][1]);
    }
}

void front_leave(struct front_way *w, unsigned cc)
{
    ENGINE_ASSERT(w->nleaves < FRONT_LEAVES);
    w->leaves[w->nleaves++] = x_jcc(w->a, cc, ASM_LATER);
}

/* ---- all of it ---- */

bool front_emit(const struct instance *i, enum front what, uint64_t body, uint64_t slice,
                struct piece *out)
{
    struct assembler a;
    if (!asm_begin(&a, i->engine, FRONT_BYTES))
        return false;
    struct front_way w = {.a = &a, .instance = i, .slice = slice};
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
