/* Every row of encode.def against objdump and the decoder of tests/check/: all registers, all
 * addressing shapes.
 *
 * Instructions are made by the encoder with the text that they should decode to; one run of objdump
 * over all of them then has to say the same, at the same offsets.  Sizes of memory operands ("DWORD
 * PTR") follow from the opcode and are not compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/x64/meant.h"
#include "tests/check/check.h"
#include "tests/check/shape.h"

/* ---- the text ---- */

#define TEXT 64
#define CODE_BYTES (8u << 20)
#define OUTSIDE    (2 * CODE_BYTES) /* an address that is not in the listing */

struct expected { uint32_t at; char text[TEXT]; };
struct listing {
    struct assembler a;
    struct expected *lines;
    uint32_t n, cap;
    uint32_t of_insn[I_COUNT];
    struct seen { uint32_t regs, bases, indexes, scales, disps, kinds; } seen[I_COUNT];
};

static const char *register_name(char kind, bool w, unsigned reg, char out[8])
{
    static const char *const low[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
    static const char *const bytes[] = { "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil" };
    if (kind == 'G')
        kind = w ? 'Q' : 'D';
    if (kind == 'X')
        snprintf(out, 8, "xmm%u", reg & 15);
    else if (reg >= 8)
        snprintf(out, 8, "r%u%s", reg & 15,
                 kind == 'Q'   ? ""
                 : kind == 'D' ? "d"
                 : kind == 'H' ? "w"
                               : "b");
    else if (kind == 'B')
        snprintf(out, 8, "%s", bytes[reg]);
    else
        snprintf(out, 8, "%s%s", kind == 'Q' ? "r" : kind == 'D' ? "e" : "", low[reg & 7]);
    return out;
}

static void displacement(char *out, size_t cap, int32_t disp, bool always)
{
    if (disp < 0)
        snprintf(out, cap, "-0x%llx", -(long long)disp);
    else if (disp || always)
        snprintf(out, cap, "+0x%x", (unsigned)disp);
    else
        *out = 0;
}

static const char *rm_text(struct shape s, bool w, struct rm rm, char out[40])
{
    char base[8], index[8], disp[16];
    switch (rm.kind) {
    case RM_REG: return register_name(s.rm, w, rm.base, out);
    case RM_RIP: snprintf(out, 40, "[rip to 0x%llx]", (unsigned long long)rm.address); return out;
    case RM_ABS:
        if (rm.index == NO_INDEX)
            snprintf(out, 40, "ds:0x%llx", (unsigned long long)(long long)rm.disp);
        else
            snprintf(out, 40, "[%s*%u+0x0]", register_name('Q', true, rm.index, index),
                     1u << rm.scale);
        return out;
    default: break;
    }
    displacement(disp, sizeof disp, rm.disp, (rm.base & 7) == 5);
    char width = rm.wraps ? 'D' : 'Q';
    register_name(width, true, rm.base, base);
    if (rm.index == NO_INDEX)
        snprintf(out, 40, "[%s%s]", base, disp);
    else
        snprintf(out, 40, "[%s+%s*%u%s]", base, register_name(width, true, rm.index, index),
                 1u << rm.scale, disp);
    return out;
}

__attribute__((format(printf, 2, 3))) static void expect(struct listing *l, const char *format, ...)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 4096;
        l->lines = realloc(l->lines, l->cap * sizeof *l->lines);
        assert_non_null(l->lines);
    }
    assert_true(l->a.end - l->a.at > 32);
    struct expected *e = &l->lines[l->n++];
    e->at = asm_offset(&l->a);
    va_list list;
    va_start(list, format);
    vsnprintf(e->text, sizeof e->text, format, list);
    va_end(list);
}

/* ---- one instruction ---- */

enum { DISP_0, DISP_8, DISP_32 };

static void see(struct seen *s, uint8_t reg, struct rm rm)
{
    s->regs |= 1u << reg;
    s->kinds |= 1u << rm.kind;
    if (rm.kind != RM_MEM)
        return;
    s->bases |= 1u << rm.base;
    s->disps |= 1u << (rm.disp == 0 ? DISP_0 : rm.disp == (int8_t)rm.disp ? DISP_8 : DISP_32);
    if (rm.index == NO_INDEX)
        return;
    s->indexes |= 1u << rm.index;
    s->scales |= 1u << rm.scale;
}

/* `extra` goes through conditions, operations, immediates. */
static const int32_t imms32[] = { 0x12, -5, 0x12345678, -0x12345678 };

static uint64_t sign_cut(int32_t imm, bool w) { return w ? (uint64_t)(int64_t)imm : (uint32_t)imm; }

/* Rows whose /digit or condition is the caller's. */
static bool make_grouped(struct listing *l, enum insn i, bool w, const char *rm_name, struct rm rm,
                         unsigned extra)
{
    struct assembler *a = &l->a;
    int32_t imm = i == I_ALU8 ? (extra & 8 ? -5 : 0x12) : imms32[extra & 1 ? 3 : 2];
    bool shift = i == I_SHIFT_CL || i == I_SHIFT_IMM;
    char name[16];
    if (shift)
        extra = (unsigned[]){ SHIFT_ROL, SHIFT_ROR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR }[extra % 5];
    insn_mnemonic(i, w, extra & 7, extra & 15, name);
    switch (i) {
    case I_ALU8: case I_ALU32:
        expect(l, "%s %s,0x%llx", name, rm_name, (unsigned long long)sign_cut(imm, w));
        x_alu_imm(a, (enum alu)(extra & 7), w, rm, imm);
        return true;
    case I_SHIFT_CL: case I_SHIFT_IMM:
        expect(l, i == I_SHIFT_CL ? "%s %s,cl" : "%s %s,0x12", name, rm_name);
        if (i == I_SHIFT_CL)
            x_shift_cl(a, (enum shift)extra, w, rm);
        else
            x_shift_imm(a, (enum shift)extra, w, rm, 0x12);
        return true;
    case I_SETCC:
        expect(l, "%s %s", name, rm_name);
        x_setcc(a, extra & 15, rm.base);
        return true;
    default: return false;
    }
}

static void make(struct listing *l, enum insn i, bool w, uint8_t reg, struct rm rm, unsigned extra)
{
    struct shape s = shape_of(i);
    struct assembler *a = &l->a;
    char r[8], m[40], v[8], name[16];
    uint8_t vvvv = (uint8_t)(extra & 15);
    int32_t imm = imms32[extra & 3];
    register_name(s.reg, w, reg, r);
    rm_text(s, w, rm, m);
    l->of_insn[i]++;
    see(&l->seen[i], reg, rm);
    if (make_grouped(l, i, w, m, rm, extra))
        return;
    insn_mnemonic(i, w, 0, extra & 15, name);
    switch (insn_about[i].form) {
    case RM:
        expect(l, i == I_SHA256RNDS2 ? "%s %s,%s,xmm0" : "%s %s,%s", name, r, m);
        if (i == I_CMOV)
            x_cmov(a, extra & 15, w, reg, rm);
        else if (s.rm == 'B')
            x_byte_load(a, i, w, reg, rm);
        else
            x_rm(a, i, w, reg, rm);
        break;
    case MR:
        expect(l, "%s %s,%s", name, m, r);
        if (s.reg == 'B')
            x_store8(a, reg, rm);
        else
            x_rm(a, i, w, reg, rm);
        break;
    case M:
        expect(l, "%s %s", name, m);
        x_m(a, i, w, rm);
        break;
    case MI8:
        expect(l, "%s %s,0x12", name, m);
        x_rmi8(a, i, w, insn_rows[i].digit, rm, 0x12);
        break;
    case MI16:
        expect(l, "%s %s,0x%x", name, m, imm & 0xffff);
        x_rmi16(a, i, insn_rows[i].digit, rm, (uint16_t)imm);
        break;
    case MI32:
        expect(l, "%s %s,0x%llx", name, m, (unsigned long long)sign_cut(imm, w));
        x_rmi32(a, i, w, insn_rows[i].digit, rm, imm);
        break;
    case RMI8:
        expect(l, "%s %s,%s,0x12", name, r, m);
        x_rmi8(a, i, w, reg, rm, 0x12);
        break;
    case RMI32:
        expect(l, "%s %s,%s,0x%llx", name, r, m, (unsigned long long)sign_cut(imm, w));
        x_rmi32(a, i, w, reg, rm, imm);
        break;
    case MRI8:
        expect(l, "%s %s,%s,0x12", name, m, r);
        x_rmi8(a, i, w, reg, rm, 0x12);
        break;
    case VRVM:
        expect(l, "%s %s,%s,%s", name, r, register_name(s.reg, w, vvvv, v), m);
        x_vex(a, i, w, reg, vvvv, rm);
        break;
    case VRMV:
        expect(l, "%s %s,%s,%s", name, r, m, register_name(s.reg, w, vvvv, v));
        x_vex(a, i, w, reg, vvvv, rm);
        break;
    }
}

/* ---- all shapes ---- */

/* Every second one is modulo 2^32. */
static struct rm wrapping(struct rm rm, unsigned turn)
{
    rm.wraps = turn & 1;
    return rm;
}

static void memory_shapes(struct listing *l, enum insn i, bool w)
{
    static const int32_t disps[] = {
        0, 0x7f, -0x80, 0x80, -0x81, 0x12345678, -0x12345678, INT32_MAX
    };
    enum { DISPS = sizeof disps / sizeof *disps };
    unsigned turn = (unsigned)i;
    for (uint8_t base = 0; base < 16; base++) {
        for (unsigned d = 0; d < DISPS; d++, turn++)
            make(l, i, w, turn & 15, wrapping(rm_mem(base, disps[d]), d + base), turn);
        for (uint8_t index = 0; index < 16; index++, turn++)
            if (index != 4) /* rsp is no index */
                make(l, i, w, turn & 15,
                     wrapping(rm_index(base, index, turn / 3 & 3, disps[turn / 5 % DISPS]),
                              base + index),
                     turn);
    }
    for (uint8_t reg = 0; reg < 16; reg++, turn++) {
        make(l, i, w, reg, rm_rip((const void *)(uintptr_t)(0x1000u + 0x123u * reg)), turn);
        make(l, i, w, reg, rm_abs(reg * 0x7654321), turn);
        if (reg != 4)
            make(l, i, w, turn & 15, rm_scaled(reg, turn / 3 & 3), turn);
    }
}

static void all_shapes(struct listing *l, enum insn i)
{
    struct shape s = shape_of(i);
    for (const char *width = s.widths; *width; width++) {
        bool w = *width == '1';
        if (strchr(s.kinds, 'r'))
            for (unsigned regs = 0; regs < 256; regs++)
                make(l, i, w, regs & 15, rm_reg((uint8_t)(regs >> 4)), regs + (regs >> 4));
        if (strchr(s.kinds, 'm'))
            memory_shapes(l, i, w);
    }
}

/* Every base with every index, scale and displacement, for rows that differ in what stands around
 * the ModRM byte. */
static void memory_product(struct listing *l)
{
    static const struct { enum insn insn; bool w;
    } around[] = {
        { I_ADD, false },  { I_MOV_STORE, true }, { I_MOV8_STORE, false }, { I_MOV16_IMM, false },
        { I_ALU32, true }, { I_MOVSD, false },    { I_PMULLD, false },     { I_PINSRD, true },
        { I_SHRX, true },  { I_VADDSD, false },
    };
    static const int32_t disps[] = { 0, -8, 0x1234 };
    for (size_t k = 0; k < sizeof around / sizeof *around; k++)
        for (unsigned n = 0; n < 16 * 16 * 4 * 3; n++)
            if ((n >> 4 & 15) != 4) /* rsp is no index */
                make(l, around[k].insn, around[k].w, (n + n / 16) & 15,
                     rm_index(n & 15, n >> 4 & 15, n >> 8 & 3, disps[n >> 10]), n);
}

/* Nothing was left out, of no row. */
static void coverage_check(const struct listing *l)
{
    for (unsigned i = 0; i < I_COUNT; i++) {
        const struct seen *s = &l->seen[i];
        bool memory = strchr(shape_of((enum insn)i).kinds, 'm') != NULL;
        uint32_t kinds = (strchr(shape_of((enum insn)i).kinds, 'r') ? 1u << RM_REG : 0) |
                         (memory ? 1u << RM_MEM | 1u << RM_ABS | 1u << RM_RIP : 0);
        bool whole = s->regs == 0xffff && s->kinds == kinds;
        if (memory)
            whole &= s->bases == 0xffff && s->indexes == 0xffef && s->scales == 15 && s->disps == 7;
        if (!whole)
            fail_msg("row %s is not covered whole", insn_about[i].name);
    }
}

/* ---- objdump ---- */

static bool have_objdump(void)
{
    return system("objdump --version >/dev/null 2>&1") == 0;
}

/* "add    eax,DWORD PTR [rip+0x10]        # 0x20" to "add eax,[rip to 0x20]". */
static void normalize(const char *from, char out[TEXT])
{
    const char *target = strstr(from, "# 0x"), *rip = strstr(from, "[rip");
    size_t n = 0;
    while (*from && *from != '#' && n < TEXT - 1) {
        size_t capitals = strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (capitals && strncmp(from + capitals, " PTR ", 5) == 0) {
            from += capitals + 5;
        } else if (from == rip && target) {
            n += (size_t)snprintf(out + n, TEXT - n, "[rip to %.*s]",
                                  (int)strcspn(target + 2, " \n"), target + 2);
            from += strcspn(from, "]") + 1;
        } else if (*from == ' ' && (n == 0 || out[n - 1] == ' ')) {
            from++;
        } else {
            out[n++] = *from++;
        }
    }
    while (n && (out[n - 1] == ' ' || out[n - 1] == '\n'))
        n--;
    out[n] = 0;
}

/* Compares; returns how many differ, and shows the first few. */
static uint32_t compare(const struct listing *l, FILE *dump)
{
    char line[256], text[TEXT];
    uint32_t n = 0, wrong = 0;
    while (fgets(line, sizeof line, dump)) {
        char *tab;
        unsigned long at = strtoul(line, &tab, 16);
        if (*tab != ':' || tab[1] != '\t')
            continue;
        normalize(tab + 2, text);
        const struct expected *e = n < l->n ? &l->lines[n] : NULL;
        if (!e || at != e->at || strcmp(text, e->text) != 0) {
            if (wrong++ < 10)
                print_error("offset %lx: objdump has \"%s\", wanted %x \"%s\"\n", at, text,
                            e ? e->at : 0, e ? e->text : "");
            if (!e || at != e->at)
                return wrong; /* nothing lines up any more */
        }
        n++;
    }
    return wrong + (l->n - n);
}

static void listing_open(struct listing *l)
{
    *l = (struct listing){ .n = 0 };
    l->a.start = l->a.at = malloc(CODE_BYTES);
    assert_non_null(l->a.start);
    l->a.end = l->a.start + CODE_BYTES;
    meant_begin(&l->a);
}

static void listing_close(struct listing *l)
{
    free(l->a.start);
    free(l->lines);
}

/* By the decoder of tests/check/ first: it has to agree where objdump does. */
static void listing_check(struct listing *l)
{
    char text[400];
    if (check_differs(&l->a, l->a.start, text, sizeof text))
        fail_msg("%s", text);
    if (!have_objdump())
        skip();
    char path[] = "/tmp/encode-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, l->a.start, asm_offset(&l->a)), asm_offset(&l->a));
    close(fd);
    snprintf(command, sizeof command,
             "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn %s", path);
    FILE *dump = popen(command, "r");
    assert_non_null(dump);
    uint32_t wrong = compare(l, dump);
    pclose(dump);
    unlink(path);
    print_message("%u instructions\n", l->n);
    listing_close(l);
    assert_int_equal(wrong, 0);
}

/* ---- tests ---- */

static void test_rows(void **state)
{
    (void)state;
    struct listing l;
    listing_open(&l);
    for (unsigned i = 0; i < I_COUNT; i++)
        all_shapes(&l, (enum insn)i);
    memory_product(&l);
    coverage_check(&l);
    listing_check(&l);
}

/* The check of emitted code sees every bit: any one turned over, in any instruction, is found.  But
 * for one: a move between registers has two opcodes, which say the same where both are one
 * register. */
static void test_bits(void **state)
{
    enum { STEP = 19 }; /* odd: every row and shape has its turn */
    (void)state;
    struct listing l;
    char text[400];
    struct meant is;
    uint32_t at, end, bits = 0, either = 0;
    listing_open(&l);
    for (unsigned i = 0; i < I_COUNT; i++)
        all_shapes(&l, (enum insn)i);
    for (uint32_t k = 0; check_record(k, &at, &end, &is); k += STEP)
        for (uint32_t bit = 8 * at; bit < 8 * end; bit++, bits++) {
            l.a.start[bit / 8] ^= (uint8_t)(1u << bit % 8);
            bool found = check_one_differs(&l.a, l.a.start, k, text, sizeof text);
            bool one = insn_about[is.insn].mnemonic[0] == 'm' && is.rm.kind == RM_REG &&
                       is.rm.base == is.reg;
            either += !found;
            if (!found && !one)
                fail_msg("bit %u of what stands from %x to %x may be either", bit % 8, at, end);
            l.a.start[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    print_message("%u bits\n", bits);
    assert_true(bits > 100000 && either < 32);
    listing_close(&l);
}

/* Short jumps: forward over n bytes (ret is one), and back to the first; the longest ones that
 * there are. */
static void short_jumps(struct listing *l)
{
    struct assembler *a = &l->a;
    for (int cc = -1; cc < 16; cc++) {
        char name[8];
        unsigned over = cc == 3 ? 127 : 3;
        uint32_t start = asm_offset(a);
        snprintf(name, sizeof name, "j%s", cc < 0 ? "mp" : insn_conditions[cc]);
        expect(l, "%s 0x%x", name, start + SHORT_JUMP_BYTES + over);
        uint32_t jump = short_jump(a, cc);
        for (unsigned k = 0; k < over; k++) {
            expect(l, "ret");
            x_ret(a);
        }
        short_here(a, jump);
        uint32_t back = over == 127 ? asm_offset(a) + SHORT_JUMP_BYTES - 128 : start;
        assert_false(short_back(a, cc, asm_offset(a) + SHORT_JUMP_BYTES - 129));
        expect(l, "%s 0x%x", name, back);
        assert_true(short_back(a, cc, back));
    }
}

/* What is not in the table: moves of constants, stack, jumps. */
static void test_others(void **state)
{
    static const uint64_t values[] = { 0,
                                       1,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0xffffffff80000000,
                                       0xffffffff7fffffff,
                                       UINT64_MAX,
                                       0x123456789abcdef0 };
    (void)state;
    struct listing l;
    listing_open(&l);
    char name[8];
    expect(&l, "rep movs es:[rdi],ds:[rsi]");
    x_rep_movsb(&l.a);
    expect(&l, "rep stos es:[rdi],al");
    x_rep_stosb(&l.a);
    for (uint8_t reg = 0; reg < 16; reg++) {
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            bool small = values[k] >> 32 == 0, sign = (int64_t)values[k] == (int32_t)values[k];
            register_name('G', !small, reg, name);
            expect(&l, "%s %s,0x%llx", small || sign ? "mov" : "movabs", name,
                   (unsigned long long)values[k]);
            x_mov_imm(&l.a, reg, values[k]);
        }
        expect(&l, "push %s", register_name('Q', true, reg, name));
        x_push(&l.a, reg);
        expect(&l, "pop %s", name);
        x_pop(&l.a, reg);
        expect(&l, "xor %s,%s", register_name('D', false, reg, name), name);
        x_zero(&l.a, reg);
        expect(&l, "j%s 0x%x", insn_conditions[reg], OUTSIDE + 0x1234u * reg);
        x_jcc(&l.a, reg, OUTSIDE + 0x1234u * reg);
    }
    expect(&l, "jmp 0x%x", OUTSIDE);
    x_jmp(&l.a, OUTSIDE);
    expect(&l, "call 0x%x", OUTSIDE);
    x_call(&l.a, OUTSIDE);
    expect(&l, "ret");
    x_ret(&l.a);
    expect(&l, "cdq");
    x_cdq(&l.a, false);
    expect(&l, "cqo");
    x_cdq(&l.a, true);
    short_jumps(&l);
    listing_check(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
