/* A piece of machine code as text: offset, instruction, and where a wasm instruction's code begins,
 * that one, with its offset in the body.  What a relocation leads to is named; nothing depends on
 * where the code or the heap lies.
 *
 * The decoder and the knowledge of what is code and what is data are the check's (tests/check/). */
#include "engine/load/opcodes.h"
#include "engine/load/reader.h"
#include "engine/run/code.h"
#include "engine/x64/target.h"
#include "tests/check/check.h"
#include "tests/check/decode.h"
#include "tests/dump/dump.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    FILE *out;
    struct instance *i;
    const struct piece *p;
    uint32_t body; /* module offset */
    uint32_t mark, reloc; /* the next ones */
};

static const char *const runtime[RT_COUNT] = {
#define RUNTIME(name) #name,
#include "engine/run/runtime.def"
#undef RUNTIME
};

/* ---- what lies outside ---- */

static void stub_text(FILE *out, uint64_t stub)
{
    static const char *const names[] = { "enter", "return", "exit", "lazy", "indirect", "host trap",
                                         "no room", "copy", "fill" };
    if (stub >= STUB_TRAP)
        fprintf(out, "trap: %s", trap_text((enum trap)(stub - STUB_TRAP)));
    else if (stub >= STUB_RUNTIME)
        fprintf(out, "runtime: %s", runtime[stub - STUB_RUNTIME]);
    else
        fprintf(out, "stub: %s", names[stub]);
}

static bool is_within(uint64_t at, const void *start, uint64_t bytes)
{
    return at >= (uint64_t)(uintptr_t)start && at - (uint64_t)(uintptr_t)start < bytes;
}

static bool memory_or_table(FILE *out, const struct instance *i, uint64_t at)
{
    for (uint32_t k = 0; k < i->module->nmemories; k++)
        if (is_within(at, i->memories[k], sizeof *i->memories[k]))
            return fprintf(out, "memory %u %s", k,
                           is_within(at, &i->memories[k]->base, 8) ? "base" : "bytes") > 0;
    for (uint32_t k = 0; k < i->module->ntables; k++)
        if (is_within(at, i->tables[k], sizeof *i->tables[k]))
            return fprintf(out, "table %u size", k) > 0;
    return false;
}

static void address_text(FILE *out, const struct instance *i, uint64_t at)
{
    const struct reach *reach = &i->engine->code->reach;
    for (uint32_t k = 0; k < i->module->nglobals; k++)
        if (is_within(at, i->globals[k], sizeof *i->globals[k])) {
            fprintf(out, "global %u", k);
            return;
        }
    if (memory_or_table(out, i, at))
        return;
    if (is_within(at, reach->results, LIMIT_RESULTS * sizeof *reach->results))
        fprintf(out, "result %u",
                (unsigned)((at - (uint64_t)(uintptr_t)reach->results) / sizeof *reach->results));
    else if (at == (uint64_t)(uintptr_t)i)
        fprintf(out, "instance");
    else if (is_within(at, i->engine, sizeof *i->engine))
        fprintf(out, "engine");
    else if (is_within(at, reach->constants, CONSTANT_BYTES)) {
        const uint64_t *v = (const uint64_t *)(uintptr_t)at;
        fprintf(out, "constant %016llx", (unsigned long long)*v);
    } else
        fprintf(out, "indirect calls");
}

static void reloc_text(struct listing *l, const struct reloc *r)
{
    char name[256];
    switch (r->kind) {
    case RELOC_ADDRESS: address_text(l->out, l->i, r->to); break;
    case RELOC_STUB: stub_text(l->out, r->to); break;
    default:
        func_name(l->i, (uint32_t)r->to, name, sizeof name);
        fprintf(l->out, "func %u \"%s\"", (uint32_t)r->to, name);
        break;
    }
}

/* ---- instructions ---- */

static void gpr_text(FILE *out, uint8_t reg, uint8_t bytes)
{
    static const char *const low[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
    static const char *const byte[] = { "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil" };
    if (reg >= 8)
        fprintf(out, "r%u%s", reg, bytes == 8 ? "" : bytes == 4 ? "d" : bytes == 2 ? "w" : "b");
    else if (bytes == 1)
        fputs(byte[reg], out);
    else
        fprintf(out, "%s%s", bytes == 8 ? "r" : bytes == 4 ? "e" : "", low[reg]);
}

static void memory_text(FILE *out, const struct operand *o)
{
    const char *before = "";
    fputs("[", out);
    if (o->base != DECODE_NONE) {
        gpr_text(out, o->base, o->wraps ? 4 : 8);
        before = " + ";
    }
    if (o->index != DECODE_NONE) {
        fputs(before, out);
        gpr_text(out, o->index, o->wraps ? 4 : 8);
        fprintf(out, " * %u", 1u << (o->scale & 3));
        before = " + ";
    }
    if (o->disp < 0)
        fprintf(out, " - %u]", (unsigned)-(int64_t)o->disp);
    else if (o->disp || !*before)
        fprintf(out, "%s%d]", before, o->disp);
    else
        fputs("]", out);
}

static void operand_text(struct listing *l, const struct operand *o, const struct reloc *r)
{
    static const char *const sizes[] = {
        [1] = "byte ", [2] = "word ", [4] = "dword ", [8] = "qword "
    };
    FILE *out = l->out;
    switch (o->kind) {
    case OP_GPR: gpr_text(out, o->reg, o->bytes); break;
    case OP_XMM: fprintf(out, "xmm%u", o->reg); break;
    case OP_IMM:
        if ((int64_t)o->value > -100000 && (int64_t)o->value < 100000)
            fprintf(out, "%lld", (long long)o->value);
        else
            fprintf(out, "0x%llx", (unsigned long long)o->value);
        break;
    case OP_REL: case OP_RIP:
        fputs(o->kind == OP_RIP ? "[" : "", out);
        if (r)
            reloc_text(l, r);
        else
            fprintf(out, "%llx", (unsigned long long)o->value);
        fputs(o->kind == OP_RIP ? "]" : "", out);
        break;
    default:
        fputs(o->bytes < 9 && sizes[o->bytes] ? sizes[o->bytes] : "", out);
        memory_text(out, o);
        break;
    }
}

static void wasm_text(struct listing *l, uint32_t at)
{
    char name[OPCODE_NAME];
    uint32_t pos = UINT32_MAX, call = 0;
    for (; l->mark < l->p->nmarks && l->p->marks[l->mark].native <= at; l->mark++)
        if (l->p->marks[l->mark].kind == MARK_AT) {
            pos = l->p->marks[l->mark].pos;
            call = l->p->marks[l->mark].call;
        }
    if (pos == UINT32_MAX)
        return;
    const uint8_t *byte = l->i->module->bytes + pos;
    const uint8_t *number = byte + 1;
    uint32_t op = *byte == 0xfc || *byte == 0xfd ? opcode_prefixed(*byte, leb_u32(&number)) : *byte;
    if (pos == l->body)
        fputs("  ; start", l->out);
    else if (call) /* in a callee's body that stands in place of this call */
        fprintf(l->out, "  ; +%u: %s", call - l->body, opcode_name(op, name));
    else
        fprintf(l->out, "  ; +%u %s", pos - l->body, opcode_name(op, name));
}

static bool instruction(struct listing *l, uint32_t at, uint32_t end)
{
    struct decoded d;
    const char *wrong = decode(l->p->code + at, l->p->code + end, at, &d);
    if (wrong) {
        fprintf(l->out, "%6x  %s\n", at, wrong);
        return false;
    }
    while (l->reloc < l->p->nrelocs && l->p->relocs[l->reloc].site < at)
        l->reloc++;
    const struct reloc *r = l->reloc < l->p->nrelocs && l->p->relocs[l->reloc].site < end
                                ? &l->p->relocs[l->reloc] : NULL;
    fprintf(l->out, "%6x  %s", at, d.mnemonic);
    for (unsigned k = 0; k < d.noperands; k++) {
        fputs(k ? ", " : " ", l->out);
        operand_text(l, &d.operands[k], r);
    }
    wasm_text(l, at);
    fputs("\n", l->out);
    return true;
}

/* Entries of a jump table, which are offsets from its start, or bytes. */
static void data(struct listing *l, uint32_t at, uint32_t end, unsigned entry)
{
    fprintf(l->out, "%6x  %s", at, entry ? "table" : "bytes");
    for (uint32_t k = at; k < end; k += entry ? entry : 1) {
        uint32_t v;
        if (entry) {
            memcpy(&v, l->p->code + k, 4);
            fprintf(l->out, " %x", at + v);
        } else {
            fprintf(l->out, " %02x", l->p->code[k]);
        }
    }
    fputs("\n", l->out);
}

static int reloc_order(const void *a, const void *b)
{
    const struct reloc *x = a, *y = b;
    return (x->site > y->site) - (x->site < y->site);
}

bool dump_code(FILE *out, struct instance *i, uint32_t func)
{
    struct piece p;
    if (!code_compile(i, func, true, &p))
        return false;
    struct listing l = { .out = out, .i = i, .p = &p, .body = i->module->funcs[func].body };
    if (p.nrelocs)
        qsort(p.relocs, p.nrelocs, sizeof *p.relocs, reloc_order);
    fprintf(out, "code: ");
    dump_func_head(out, i, func);
    fprintf(out, ", frame %u, %u bytes", p.frame, p.bytes);
    if (p.entry)
        fprintf(out, ", entry %x", p.entry);
    fprintf(out, "%s\n", p.zero_entry ? ", start for calls from 0" : "");
    uint32_t at, end;
    struct meant m;
    bool good = true;
    for (uint32_t k = 0; good && check_record(k, &at, &end, &m); k++)
        if (m.insn == MEANT_DATA)
            data(&l, at, end, m.plus);
        else
            good = instruction(&l, at, end);
    return good;
}
