/* engine/x64/meant.h in test builds: keeps what the emitter says that it means, and holds the whole
 * piece of code against it: each instruction's operation, operands and length; that nothing lies
 * between two; that jumps, jump tables and rip-relative operands lead where they were linked to,
 * and jumps to where an instruction begins. */
#include "engine/x64/meant.h"
#include "tests/check/check.h"
#include "tests/check/decode.h"
#include "tests/check/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    uint32_t at, end;
    struct meant is;
};
static struct record *records;
static uint32_t nrecords, records_cap;

uint64_t check_instructions;

__attribute__((noreturn, format(printf, 1, 2))) static void finding(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "finding: emitted code: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    abort();
}

/* ---- what is told ---- */

void meant_begin(const struct assembler *a)
{
    (void)a;
    nrecords = 0;
}

void meant_is(const struct assembler *a, uint32_t at, struct meant is)
{
    uint32_t end = asm_offset(a), before = nrecords ? records[nrecords - 1].end : 0;
    if (at != before)
        finding("bytes %x to %x are no instruction that was told", before, at);
    if (nrecords == records_cap) {
        records_cap = records_cap ? 2 * records_cap : 4096;
        records = realloc(records, records_cap * sizeof *records);
        if (!records)
            finding("no memory");
    }
    records[nrecords++] = (struct record){ at, end, is };
}

/* The record that begins at or before the code offset; NULL: none reaches it. */
static struct record *record_of(uint32_t offset)
{
    uint32_t lo = 0, hi = nrecords;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (records[mid].at <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo && offset < records[lo - 1].end ? &records[lo - 1] : NULL;
}

static struct meant *linked_at(uint32_t site)
{
    struct record *r = record_of(site);
    if (!r || r->is.rm.kind != RM_RIP)
        finding("what is linked at %x is neither a jump nor relative to rip", site);
    return &r->is;
}

void meant_link(const struct assembler *a, uint32_t site, uint32_t to)
{
    (void)a;
    struct meant *is = linked_at(site);
    is->rm.address = to;
    is->local = true;
}

void meant_place(const struct assembler *a, uint32_t site, uint64_t address)
{
    (void)a;
    struct meant *is = linked_at(site);
    is->rm.address = address;
    is->local = false;
}

void meant_block(struct assembler *a)
{
    (void)a;
}

/* ---- what it should decode to ---- */

static uint8_t bytes_of(char kind, bool w)
{
    switch (kind) {
    case 'G': return w ? 8 : 4;
    case 'Q': return 8;
    case 'D': return 4;
    case 'H': return 2;
    case 'B': return 1;
    default: return 0;
    }
}

static struct operand register_operand(char kind, bool w, uint8_t reg)
{
    return (struct operand){ .kind = kind == 'X' ? OP_XMM : OP_GPR,
                             .bytes = bytes_of(kind, w),
                             .reg = reg };
}

static struct operand rm_operand(char kind, bool w, struct rm rm)
{
    struct operand o = {
        .bytes = bytes_of(kind, w), .base = DECODE_NONE, .index = DECODE_NONE, .disp = rm.disp
    };
    switch (rm.kind) {
    case RM_REG: return register_operand(kind, w, rm.base);
    case RM_RIP:
        o.kind = OP_RIP;
        o.value = rm.address;
        return o;
    case RM_ABS: break;
    default:
        o.base = rm.base;
        o.wraps = rm.wraps;
        break;
    }
    o.kind = OP_MEM;
    if (rm.index != NO_INDEX) {
        o.index = rm.index;
        o.scale = rm.scale;
    }
    return o;
}

static void add(struct decoded *d, struct operand o)
{
    d->operands[d->noperands++] = o;
}

static void want_row(const struct meant *m, struct decoded *d)
{
    enum insn i = (enum insn)m->insn;
    struct shape s = shape_of(i);
    struct operand reg = register_operand(s.reg, m->w, m->reg), rm = rm_operand(s.rm, m->w, m->rm),
                   imm = { .kind = OP_IMM, .value = m->imm };
    insn_mnemonic(i, m->w, m->reg, m->plus, d->mnemonic);
    switch (insn_about[i].form) {
    case RM: add(d, reg), add(d, rm); break;
    case MR: add(d, rm), add(d, reg); break;
    case M: add(d, rm); break;
    case MI8: case MI16: case MI32: add(d, rm), add(d, imm); break;
    case RMI8: case RMI32: add(d, reg), add(d, rm), add(d, imm); break;
    case MRI8: add(d, rm), add(d, reg), add(d, imm); break;
    case VRVM: add(d, reg), add(d, register_operand(s.reg, m->w, m->vvvv)), add(d, rm); break;
    case VRMV: add(d, reg), add(d, rm), add(d, register_operand(s.reg, m->w, m->vvvv)); break;
    }
    if (i == I_SHIFT_CL)
        add(d, (struct operand){ .kind = OP_GPR, .bytes = 1, .reg = 1 });
}

/* What is meant by code whose first byte runs at the address `start`. */
static void want(const struct meant *told, uint64_t start, struct decoded *d)
{
    struct meant placed = *told, *m = &placed;
    if (m->local)
        m->rm.address += start;
    struct operand to = { .kind = OP_REL, .value = m->rm.address };
    *d = (struct decoded){ .len = 0 };
    switch (m->insn) {
    case MEANT_PUSH: case MEANT_POP:
        strcpy(d->mnemonic, m->insn == MEANT_PUSH ? "push" : "pop");
        add(d, register_operand('Q', false, m->rm.base));
        break;
    case MEANT_MOV:
        strcpy(d->mnemonic, "mov");
        add(d, register_operand('G', m->w, m->rm.base));
        add(d, (struct operand){ .kind = OP_IMM, .value = m->imm });
        break;
    case MEANT_JMP: strcpy(d->mnemonic, "jmp"), add(d, to); break;
    case MEANT_CALL: strcpy(d->mnemonic, "call"), add(d, to); break;
    case MEANT_JCC:
        d->mnemonic[0] = 'j';
        strcpy(d->mnemonic + 1, insn_conditions[m->plus & 15]);
        add(d, to);
        break;
    case MEANT_RET: strcpy(d->mnemonic, "ret"); break;
    case MEANT_CDQ: strcpy(d->mnemonic, m->w ? "cqo" : "cdq"); break;
    case MEANT_REP_MOVSB: strcpy(d->mnemonic, "rep_movsb"); break;
    case MEANT_REP_STOSB: strcpy(d->mnemonic, "rep_stosb"); break;
    default: want_row(m, d); break;
    }
}

/* ---- comparison ---- */

static bool operand_same(const struct operand *x, const struct operand *y, uint8_t imm_bits)
{
    if (x->kind != y->kind)
        return false;
    switch (x->kind) {
    case OP_GPR: return x->reg == y->reg && x->bytes == y->bytes;
    case OP_XMM: return x->reg == y->reg;
    case OP_IMM: return imm_bits && (x->value ^ y->value) << (64 - imm_bits) == 0;
    case OP_REL: return x->value == y->value;
    case OP_RIP: return x->value == y->value && x->bytes == y->bytes;
    default: break;
    }
    return x->base == y->base && x->index == y->index && x->scale == y->scale &&
           x->disp == y->disp && x->wraps == y->wraps && x->bytes == y->bytes;
}

static bool decoded_same(const struct decoded *x, const struct decoded *y, uint8_t imm_bits)
{
    bool same = strcmp(x->mnemonic, y->mnemonic) == 0 && x->noperands == y->noperands;
    for (unsigned k = 0; same && k < x->noperands; k++)
        same = operand_same(&x->operands[k], &y->operands[k], imm_bits);
    return same;
}

static bool is_jump(const struct meant *m)
{
    return m->insn == MEANT_JMP || m->insn == MEANT_JCC || m->insn == MEANT_CALL;
}

/* Whether a code offset is where an instruction begins. */
static bool begins(uint32_t offset)
{
    const struct record *r = record_of(offset);
    return r && r->at == offset && r->is.insn != MEANT_DATA;
}

static const char *table_wrong(const struct record *r, const uint8_t *bytes)
{
    for (uint32_t at = r->at; r->is.plus && at < r->end; at += r->is.plus) {
        uint32_t entry = 0;
        for (unsigned k = 0; k < r->is.plus; k++)
            entry |= (uint32_t)bytes[at + k] << (8 * k);
        if (!begins(r->at + entry))
            return "a jump table's entry leads to no instruction";
    }
    return NULL;
}

/* NULL: right.  *got is what was decoded, *wanted what was meant. */
static const char *record_wrong(const struct assembler *a, const uint8_t *bytes,
                                const struct record *r, struct decoded *got, struct decoded *wanted)
{
    *got = *wanted = (struct decoded){ .len = 0 };
    if (r->is.insn == MEANT_DATA)
        return table_wrong(r, bytes);
    want(&r->is, a->address, wanted);
    if (r->is.rm.kind == RM_RIP && !r->is.local && r->is.rm.address == ASM_LATER)
        return "never linked";
    const char *wrong = decode(bytes + r->at, bytes + r->end, a->address + r->at, got);
    if (wrong)
        return wrong;
    if (r->at + got->len != r->end)
        return "another length";
    if (!decoded_same(got, wanted, r->is.imm_bits))
        return "another instruction";
    uint64_t to = r->is.rm.address - (r->is.local ? 0 : a->address);
    if (is_jump(&r->is) && to < asm_offset(a) && !begins((uint32_t)to))
        return "it leads into the middle of an instruction";
    return NULL;
}

bool check_record(uint32_t i, uint32_t *at, uint32_t *end, struct meant *is)
{
    if (i >= nrecords)
        return false;
    *at = records[i].at;
    *end = records[i].end;
    *is = records[i].is;
    return true;
}

bool check_one_differs(const struct assembler *a, const uint8_t *bytes, uint32_t i, char *text,
                       size_t cap)
{
    char is[96], was_meant[96];
    struct decoded got, wanted;
    const struct record *r = &records[i];
    const char *wrong = record_wrong(a, bytes, r, &got, &wanted);
    check_instructions++;
    if (!wrong)
        return false;
    decode_text(&got, is, sizeof is);
    decode_text(&wanted, was_meant, sizeof was_meant);
    size_t n = (size_t)snprintf(text, cap, "%s: is \"%s\", meant was \"%s\"; at %x:", wrong, is,
                                was_meant, r->at);
    for (uint32_t k = r->at; k < r->end && k < r->at + 16 && n < cap; k++)
        n += (size_t)snprintf(text + n, cap - n, " %02x", bytes[k]);
    return true;
}

bool check_differs(const struct assembler *a, const uint8_t *bytes, char *text, size_t cap)
{
    if ((nrecords ? records[nrecords - 1].end : 0) != asm_offset(a)) {
        snprintf(text, cap, "the last bytes, up to %x, were not told", asm_offset(a));
        return true;
    }
    for (uint32_t i = 0; i < nrecords; i++)
        if (check_one_differs(a, bytes, i, text, cap))
            return true;
    return false;
}

void meant_check(const struct assembler *a, const uint8_t *bytes)
{
    char text[400];
    if (check_differs(a, bytes, text, sizeof text))
        finding("%s", text);
}
