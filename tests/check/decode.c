/* The decoder: prefixes, opcode, ModRM, SIB, displacement, immediate, in the order in which they
 * stand.  Table: decode.def. */
#include "tests/check/decode.h"

#include <stdio.h>
#include <string.h>

enum { N = -1, MAPS = 4 };

static const struct row {
    uint8_t vex, prefix, map, opcode;
    int8_t digit;
    const char *text;
} rows[] = {
#define D(prefix, map, opcode, digit, text) { 0, prefix, map, opcode, digit, text },
#define V(prefix, map, opcode, digit, text) { 1, prefix, map, opcode, digit, text },
#include "tests/check/decode.def"
#undef D
#undef V
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Rows by VEX, map and opcode: the first one + 1, and then the next of each. */
static uint16_t first[2][MAPS][256], next[ROWS];

static void rows_index(void)
{
    for (uint16_t i = ROWS; i-- > 0;) {
        const struct row *r = &rows[i];
        unsigned ways = strchr(r->text, '@') ? 16 : strstr(r->text, " Z") ? 8 : 1;
        for (unsigned k = 0; k < ways; k++) {
            /* the same for all ways: such opcodes have one row */
            next[i] = first[r->vex][r->map][r->opcode + k];
            first[r->vex][r->map][r->opcode + k] = (uint16_t)(i + 1);
        }
    }
}

struct reader { const uint8_t *at, *end; bool short_of; };

static uint64_t take(struct reader *r, unsigned bytes)
{
    uint64_t v = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->short_of = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)*r->at++ << (8 * i);
    return v;
}

static uint64_t take_signed(struct reader *r, unsigned bytes)
{
    uint64_t v = take(r, bytes), sign = 1ull << (8 * bytes - 1);
    return (v ^ sign) - sign;
}

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* One instruction on its way. */
struct state {
    struct reader in;
    uint8_t prefix, rex, map, opcode, modrm, vvvv;
    bool has_rex, vex, vvvv_used;
    bool wraps, wraps_used; /* 32-bit addresses: prefix 0x67 */
    uint8_t rex_used;   /* its bits that mean something here */
    bool rex_for_byte;  /* spl bpl sil dil */
    bool has_rip;
    const char *wrong;
};

static void prefixes(struct state *s)
{
    struct reader *in = &s->in;
    if (in->at < in->end && *in->at == 0x67)
        s->wraps = take(in, 1);
    if (in->at < in->end && (*in->at == 0x66 || *in->at == 0xf2 || *in->at == 0xf3))
        s->prefix = (uint8_t)take(in, 1);
    if (in->at < in->end && *in->at == 0xc4 && !s->prefix) {
        static const uint8_t prefix_of[4] = { 0, 0x66, 0xf3, 0xf2 };
        take(in, 1);
        uint8_t two = (uint8_t)take(in, 1), three = (uint8_t)take(in, 1);
        s->vex = true;
        s->rex = (uint8_t)((~two >> 5 & 7) | (three >> 7) << 3);
        s->map = two & 31;
        s->vvvv = ~(three >> 3) & 15;
        s->prefix = prefix_of[three & 3];
        if (s->map == 0 || s->map >= MAPS)
            s->wrong = "a VEX map that is not there";
        if (three & 4)
            s->wrong = "VEX.L";
    } else {
        if (in->at < in->end && (*in->at & 0xf0) == 0x40) {
            s->has_rex = true;
            s->rex = (uint8_t)take(in, 1) & 15;
        }
        if (in->at < in->end && *in->at == 0x0f) {
            take(in, 1);
            s->map = 1;
            if (in->at < in->end && (*in->at == 0x38 || *in->at == 0x3a))
                s->map = take(in, 1) == 0x38 ? 2 : 3;
        }
    }
    s->opcode = (uint8_t)take(in, 1);
}

static const struct row *row_find(struct state *s)
{
    uint8_t reg = s->in.at < s->in.end ? *s->in.at >> 3 & 7 : 0;
    for (uint16_t i = first[s->vex][s->map][s->opcode]; i; i = next[i - 1]) {
        const struct row *r = &rows[i - 1];
        if (r->prefix == s->prefix && (r->digit == N || r->digit == reg))
            return r;
    }
    return NULL;
}

static uint8_t size_of(struct state *s, char letter)
{
    switch (letter) {
    case 'b': return 1;
    case 'w': return 2;
    case 'd': return 4;
    case 'q': return 8;
    case 'x': return 0;
    default: s->rex_used |= REX_W; return s->rex & REX_W ? 8 : 4;
    }
}

static uint8_t extended(struct state *s, unsigned low, uint8_t bit)
{
    s->rex_used |= bit;
    return (uint8_t)(low | (s->rex & bit ? 8 : 0));
}

static void gpr(struct state *s, struct operand *o, uint8_t reg, char size)
{
    *o = (struct operand){ .kind = OP_GPR, .bytes = size_of(s, size), .reg = reg };
    if (o->bytes == 1 && reg >= 4 && reg < 8) {
        if (s->has_rex)
            s->rex_for_byte = true;
        else
            o->reg = (uint8_t)(DECODE_HIGH + reg);
    }
}

static void memory(struct state *s, struct operand *o, char size)
{
    unsigned mod = s->modrm >> 6, low = s->modrm & 7;
    *o = (struct operand){ .kind = OP_MEM, .base = DECODE_NONE, .index = DECODE_NONE };
    if (size != 'x')
        o->bytes = size_of(s, size);
    o->wraps = s->wraps;
    s->wraps_used = !(mod == 0 && low == 5);
    if (mod == 0 && low == 5) { /* the address is known when the length is */
        o->kind = OP_RIP;
        o->disp = (int32_t)take(&s->in, 4);
        s->has_rip = true;
        return;
    }
    bool absolute = false;
    if (low == 4) {
        uint8_t sib = (uint8_t)take(&s->in, 1), index = extended(s, sib >> 3 & 7, REX_X);
        low = sib & 7;
        absolute = mod == 0 && low == 5;
        if (index != 4) {
            o->index = index;
            o->scale = sib >> 6;
        } else if (sib >> 6 || (low != 4 && !absolute)) {
            s->wrong = "a SIB byte that says nothing";
        }
    }
    if (!absolute)
        o->base = extended(s, low, REX_B);
    if (mod == 1)
        o->disp = (int32_t)take_signed(&s->in, 1);
    if (mod == 2 || absolute)
        o->disp = (int32_t)take(&s->in, 4);
    if ((mod == 1 && o->disp == 0 && low != 5) || (mod == 2 && o->disp >= -128 && o->disp < 128))
        s->wrong = "a displacement longer than it must be";
}

static void rm_operand(struct state *s, struct operand *o, char what, char size)
{
    bool is_register = s->modrm >> 6 == 3, vector = what == 'W' || what == 'U';
    if ((is_register && what == 'M') || (!is_register && (what == 'U' || what == 'R'))) {
        s->wrong = "a register for memory, or memory for a register";
        *o = (struct operand){ .kind = OP_MEM };
    } else if (!is_register) {
        memory(s, o, size);
    } else if (vector) {
        *o = (struct operand){ .kind = OP_XMM, .reg = extended(s, s->modrm & 7, REX_B) };
    } else {
        gpr(s, o, extended(s, s->modrm & 7, REX_B), size);
    }
}

static void immediate(struct state *s, struct operand *o, char size)
{
    *o = (struct operand){ .kind = OP_IMM };
    switch (size) {
    case 's': o->value = take_signed(&s->in, 1); break;
    case 'z': o->value = take_signed(&s->in, 4); break;
    default: o->value = take(&s->in, size_of(s, size)); break;
    }
}

static void operand(struct state *s, struct operand *o, char what, char size)
{
    switch (what) {
    case 'G': gpr(s, o, extended(s, s->modrm >> 3 & 7, REX_R), size); break;
    case 'V':
        *o = (struct operand){ .kind = OP_XMM, .reg = extended(s, s->modrm >> 3 & 7, REX_R) };
        break;
    case 'Z': gpr(s, o, extended(s, s->opcode & 7, REX_B), size); break;
    case 'B':
        gpr(s, o, s->vvvv, size);
        s->vvvv_used = true;
        break;
    case 'H':
        *o = (struct operand){ .kind = OP_XMM, .reg = s->vvvv };
        s->vvvv_used = true;
        break;
    case 'C': *o = (struct operand){ .kind = OP_GPR, .bytes = 1, .reg = 1 }; break;
    case 'I': immediate(s, o, size); break;
    case 'J':
        *o = (struct operand){ .kind = OP_REL, .value = take_signed(&s->in, size == 'b' ? 1 : 4) };
        break;
    default: rm_operand(s, o, what, size); break;
    }
}

static const char *const conditions[16] = { "o", "no", "b",  "ae", "e", "ne", "be", "a",
                                            "s", "ns", "p", "np", "l", "ge", "le", "g" };

/* Up to the operands: "movd/movq Vx,Ey" is movd or movq. */
static const char *mnemonic(struct state *s, const char *text, char *out)
{
    size_t len = strcspn(text, " "), slash = strcspn(text, "/");
    const char *behind = text + len + (text[len] == ' ');
    if (slash < len) {
        s->rex_used |= REX_W;
        if (s->rex & REX_W)
            text += slash + 1, len -= slash + 1;
        else
            len = slash;
    }
    bool condition = text[len - 1] == '@';
    len -= condition;
    memcpy(out, text, len);
    strcpy(out + len, condition ? conditions[s->opcode & 15] : "");
    return behind;
}

static bool has_modrm(const char *operands)
{
    return strpbrk(operands, "GEMVWUR") != NULL;
}

/* Addresses, and what must not stand there. */
static void finish(struct state *s, uint64_t address, struct decoded *out)
{
    for (unsigned i = 0; i < out->noperands; i++) {
        struct operand *o = &out->operands[i];
        if (o->kind == OP_RIP)
            o->value = address + out->len + (uint64_t)(int64_t)o->disp;
        if (o->kind == OP_REL)
            o->value += address + out->len;
    }
    if (s->in.short_of)
        s->wrong = "cut off";
    else if (s->wraps && !s->wraps_used)
        s->wrong = "a prefix 0x67 that changes nothing";
    else if (s->rex & ~s->rex_used)
        s->wrong = "a REX or VEX bit that changes nothing";
    else if (s->has_rex && !s->rex && !s->rex_for_byte)
        s->wrong = "a REX prefix that changes nothing";
    else if (s->vex && !s->vvvv_used && s->vvvv != 0)
        s->wrong = "a VEX register that is not used";
}

const char *decode(const uint8_t *bytes, const uint8_t *end, uint64_t address, struct decoded *out)
{
    static bool indexed;
    struct state s = { .in = { bytes, end, false } };
    if (!indexed)
        rows_index();
    indexed = true;
    *out = (struct decoded){ .len = 0 };
    prefixes(&s);
    const struct row *row = s.wrong || s.in.short_of ? NULL : row_find(&s);
    if (!row)
        return s.wrong ? s.wrong : s.in.short_of ? "cut off" : "no such instruction";
    const char *operands = mnemonic(&s, row->text, out->mnemonic);
    if (has_modrm(operands))
        s.modrm = (uint8_t)take(&s.in, 1);
    for (; *operands; operands += operands[2] == ',' ? 3 : 2)
        operand(&s, &out->operands[out->noperands++], operands[0], operands[1]);
    out->len = (uint8_t)(s.in.at - bytes);
    finish(&s, address, out);
    return s.wrong;
}

/* ---- text ---- */

static int operand_text(const struct operand *o, char *out, size_t cap)
{
    char base[8] = "", index[16] = "";
    switch (o->kind) {
    case OP_GPR: return snprintf(out, cap, "r%u:%u", o->reg, o->bytes * 8);
    case OP_XMM: return snprintf(out, cap, "xmm%u", o->reg);
    case OP_IMM: return snprintf(out, cap, "0x%llx", (unsigned long long)o->value);
    case OP_REL: return snprintf(out, cap, "to %llx", (unsigned long long)o->value);
    case OP_RIP: return snprintf(out, cap, "[%llx]:%u", (unsigned long long)o->value, o->bytes * 8);
    default: break;
    }
    if (o->base != DECODE_NONE)
        snprintf(base, sizeof base, "r%u", o->base);
    if (o->index != DECODE_NONE)
        snprintf(index, sizeof index, " + r%u * %u", o->index, 1u << (o->scale & 3));
    return snprintf(out, cap, "[%s%s %+d%s]:%u", base, index, o->disp, o->wraps ? " mod 2^32" : "",
                    o->bytes * 8);
}

void decode_text(const struct decoded *d, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s", d->mnemonic);
    for (unsigned i = 0; i < d->noperands && n < cap; i++) {
        n += (size_t)snprintf(out + n, cap - n, i ? ", " : " ");
        if (n < cap)
            n += (size_t)operand_text(&d->operands[i], out + n, cap - n);
    }
}
