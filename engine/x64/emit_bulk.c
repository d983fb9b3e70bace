/* memory.copy and memory.fill.
 *
 * Both check whole ranges before the first byte is written (spec 4.4.7).  A few bytes, constant in
 * number, are moved in line: reading the last byte that will be written is the check, as memory
 * ends where addresses fault.  All else is STUB_COPY and STUB_FILL (bulk.c), which stay on the wasm
 * stack. */
#include "engine/assert.h"
#include "engine/x64/emit.h"

enum { COPY_MOST = 64, FILL_MOST = 128, WORDS_MOST = 32 }; /* in line */

/* ---- in line ---- */

struct chunks {
    uint32_t bytes; /* of each: 1, 2, 4, 8 or 16 */
    uint32_t count;
    uint32_t at[FILL_MOST / 16];
};

/* n bytes by pieces of one size, of which the last two may overlap.
 *
 * Few whole words go word by word.  What Go moves is mostly slices and interfaces, whose words were
 * stored one by one just before, and are loaded so just after.  A load of 16 bytes that two stores
 * made waits until both are in the cache: over 20 cycles.  A word stored and loaded in a general
 * register costs none. */
static struct chunks chunks_of(uint32_t n)
{
    struct chunks c = {.bytes = n <= WORDS_MOST && n % 8 == 0 ? 8 : 16};
    ENGINE_ASSERT(n > 0 && n <= FILL_MOST);
    while (c.bytes > n)
        c.bytes /= 2;
    c.count = (n + c.bytes - 1) / c.bytes;
    for (uint32_t k = 0; k < c.count; k++)
        c.at[k] = k + 1 < c.count ? k * c.bytes : n - c.bytes;
    return c;
}

/* Address `reg` of memory 0. */
static struct rm at(struct emit *e, uint8_t reg, uint32_t disp)
{
    return e->instance->zero_base ? rm_mem(reg, (int32_t)disp)
                                  : rm_index(REG_BASE, reg, 0, (int32_t)disp);
}

static void chunk_load(struct emit *e, uint32_t bytes, uint8_t reg, struct rm from)
{
    if (bytes == 16)
        x_rm(&e->a, I_MOVUPS, false, reg & 15, from);
    else
        x_rm(&e->a, bytes == 1 ? I_MOVZX8 : bytes == 2 ? I_MOVZX16 : I_MOV, bytes == 8, reg, from);
}

static void chunk_store(struct emit *e, uint32_t bytes, uint8_t reg, struct rm to)
{
    if (bytes == 16)
        x_rm(&e->a, I_MOVUPS_STORE, false, reg & 15, to);
    else if (bytes == 1)
        x_store8(&e->a, reg, to);
    else
        x_rm(&e->a, bytes == 2 ? I_MOV16_STORE : I_MOV_STORE, bytes == 8, reg, to);
}

/* Faults where the range ends outside; a single store would do so itself. */
static void probe(struct emit *e, uint32_t n)
{
    x_rm(&e->a, I_MOVZX8, false, RAX, at(e, RDI, n - 1));
}

static void copy_inline(struct emit *e, uint32_t n)
{
    struct chunks c = chunks_of(n);
    static const uint8_t gprs[] = {RAX, RCX, RDX, RSI}; /* rsi: needed no more by its own load */
    ENGINE_ASSERT(c.count <= 4);
    if (c.count > 1 || c.bytes == 16)
        probe(e, n);
    for (uint32_t k = 0; k < c.count; k++)
        chunk_load(e, c.bytes, c.bytes == 16 ? (uint8_t)(XMM0 + 12 + k) : gprs[k],
                   at(e, RSI, c.at[k]));
    for (uint32_t k = 0; k < c.count; k++)
        chunk_store(e, c.bytes, c.bytes == 16 ? (uint8_t)(XMM0 + 12 + k) : gprs[k],
                    at(e, RDI, c.at[k]));
}

static void fill_inline(struct emit *e, uint32_t n, uint8_t byte)
{
    struct chunks c = chunks_of(n);
    uint64_t eight = byte * 0x0101010101010101u;
    uint8_t reg = c.bytes == 16 ? XMM15 : RAX;
    if (c.count > 1 || c.bytes == 16)
        probe(e, n);
    if (byte == 0)
        reg_zero(e, reg);
    else if (c.bytes == 16)
        x_constant(e, I_MOVAPS, reg, (struct cell){eight, eight}, 16);
    else
        x_mov_imm(&e->a, reg, c.bytes == 8 ? eight : eight >> (64 - 8 * c.bytes));
    for (uint32_t k = 0; k < c.count; k++)
        chunk_store(e, c.bytes, reg, at(e, RDI, c.at[k]));
}

/* ---- by a stub ---- */

/* rdx bytes from `start` on; both are below 2^32. */
static void check(struct emit *e, uint8_t start, uint32_t memory)
{
    ENGINE_ASSERT(memory < e->c->module->nmemories);
    x_rm(&e->a, I_LEA, true, RAX, rm_index(start, RDX, 0, 0));
    x_rm(&e->a, I_CMP, true, RAX, rm_rip(&e->instance->memories[memory]->bytes));
    trap_if(e, CC_A, TRAP_MEMORY);
}

static void add_base(struct emit *e, uint8_t reg, uint32_t memory)
{
    if (memory)
        x_rm(&e->a, I_ADD, true, reg, rm_rip(&e->instance->memories[memory]->base));
    else if (!e->instance->zero_base)
        x_rr(&e->a, I_ADD, true, reg, REG_BASE);
}

static void by_stub(struct emit *e, const struct node *n)
{
    bool copies = n->op == IR_MEMCOPY;
    check(e, RDI, n->idx);
    if (copies)
        check(e, RSI, n->off);
    add_base(e, RDI, n->idx);
    if (copies)
        add_base(e, RSI, n->off);
    x_call_to(&e->a, RELOC_STUB, copies ? STUB_COPY : STUB_FILL);
    mark_add(e, MARK_CALL, n->pos);
}

void emit_bulk(struct emit *e, struct node *n)
{
    bool copies = n->op == IR_MEMCOPY;
    uint64_t bytes = 0, byte = 0;
    bool few = is_imm(e, n->c, &bytes) && (uint32_t)bytes > 0 &&
               (uint32_t)bytes <= (copies ? COPY_MOST : FILL_MOST) && n->idx == 0 && n->off == 0;
    bool constant = !copies && few && is_imm(e, n->b, &byte);
    struct move m[3] = {{.dst = RDI, .src = n->a}};
    uint32_t count = 1;
    if (!constant)
        m[count++] = (struct move){.dst = RSI, .src = n->b};
    if (!(few && (copies || constant)))
        m[count++] = (struct move){.dst = RDX, .src = n->c};
    moves(e, m, count);
    if (constant)
        fill_inline(e, (uint32_t)bytes, (uint8_t)byte);
    else if (copies && few)
        copy_inline(e, (uint32_t)bytes);
    else
        by_stub(e, n);
}
