/* Every row of encode.def against objdump: all registers, all addressing shapes.
 *
 * Instructions are made by the encoder with the text that they should decode to; one run of objdump over all of them
 * then has to say the same, at the same offsets.  Sizes of memory operands ("DWORD PTR") follow from the opcode and are
 * not compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/x64/asm.h"

/* ---- what is known of each row beyond encode.def ---- */

enum form { RM, MR, M, MI8, MI32, RMI8, RMI32, MRI8, VRMV, VRMI8 };

static const struct { const char *name, *mnemonic; enum form form; } rows[I_COUNT] = {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) { #name, mnemonic, form },
#include "engine/x64/encode.def"
#undef INSN
};

/* Operands: reg, then r/m.  G: general, 32 or 64 bits by W;  Q: 64, D: 32, H: 16, B: 8 bits;  X: vector.  Then which
 * widths: 0 or 1, or both;  then which r/m: r, m, or both. */
struct shape { char reg, rm; const char *widths, *kinds; };

static struct shape shape_of(enum insn i)
{
    switch (i) {
    case I_LEA: return (struct shape){ 'G', 'G', "01", "m" };
    case I_MOVSXD: return (struct shape){ 'G', 'D', "1", "rm" };
    case I_MOVZX8: case I_MOVSX8: return (struct shape){ 'G', 'B', "01", "rm" };
    case I_MOVZX16: case I_MOVSX16: return (struct shape){ 'G', 'H', "01", "rm" };
    case I_MOV8_STORE: return (struct shape){ 'B', 'B', "0", "rm" };
    case I_MOV16_STORE: return (struct shape){ 'H', 'H', "0", "rm" };
    case I_MOV8_IMM: return (struct shape){ 'B', 'B', "0", "m" };
    case I_SETCC: return (struct shape){ 'B', 'B', "0", "r" };
    case I_JMP_RM: case I_CALL_RM: return (struct shape){ 'Q', 'Q', "0", "rm" };
    case I_CVTSI2SS: case I_CVTSI2SD: case I_MOVD: case I_MOVD_STORE: case I_PINSRD: case I_PEXTRD:
        return (struct shape){ 'X', 'G', "01", "rm" };
    case I_CVTTSS2SI: case I_CVTTSD2SI: return (struct shape){ 'G', 'X', "01", "rm" };
    case I_PINSRB: case I_PINSRW: case I_PEXTRB: return (struct shape){ 'X', 'D', "0", "rm" };
    case I_PMOVMSKB: case I_MOVMSKPS: case I_MOVMSKPD: case I_PEXTRW: return (struct shape){ 'D', 'X', "0", "r" };
    case I_MOVLHPS: return (struct shape){ 'X', 'X', "0", "r" };
    default:
        if (rows[i].form == MI8 && insn_rows[i].map == 1)
            return (struct shape){ 'X', 'X', "0", "r" }; /* vector shifts by immediate */
        return i < I_MOVSS ? (struct shape){ 'G', 'G', "01", "rm" } : (struct shape){ 'X', 'X', "0", "rm" };
    }
}

/* ---- the text ---- */

#define TEXT 64
#define CODE_BYTES (8u << 20)

struct expected { uint32_t at; char text[TEXT]; };
struct listing {
    struct assembler a;
    struct expected *lines;
    uint32_t n, cap;
    uint32_t of_insn[I_COUNT];
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
        snprintf(out, 8, "r%u%s", reg & 15, kind == 'Q' ? "" : kind == 'D' ? "d" : kind == 'H' ? "w" : "b");
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
    case RM_ABS: snprintf(out, 40, "ds:0x%llx", (unsigned long long)(long long)rm.disp); return out;
    default: break;
    }
    displacement(disp, sizeof disp, rm.disp, (rm.base & 7) == 5);
    register_name('Q', true, rm.base, base);
    if (rm.index == NO_INDEX)
        snprintf(out, 40, "[%s%s]", base, disp);
    else
        snprintf(out, 40, "[%s+%s*%u%s]", base, register_name('Q', true, rm.index, index), 1u << rm.scale, disp);
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

static const char *const conditions[16] = { "o", "no", "b",  "ae", "e", "ne", "be", "a",
                                            "s", "ns", "p", "np", "l", "ge", "le", "g" };
static const char *const alus[8] = { "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp" };
static const char *const shifts[8] = { "rol", "ror", NULL, NULL, "shl", "shr", NULL, "sar" };

/* `extra` goes through conditions, operations, immediates. */
static const int32_t imms32[] = { 0x12, -5, 0x12345678, -0x12345678 };

static uint64_t sign_cut(int32_t imm, bool w) { return w ? (uint64_t)(int64_t)imm : (uint32_t)imm; }

/* Rows whose /digit or condition is the caller's. */
static bool make_grouped(struct listing *l, enum insn i, bool w, const char *rm_name, struct rm rm, unsigned extra)
{
    struct assembler *a = &l->a;
    int32_t imm = i == I_ALU8 ? (extra & 8 ? -5 : 0x12) : imms32[extra & 1 ? 3 : 2];
    switch (i) {
    case I_ALU8: case I_ALU32:
        expect(l, "%s %s,0x%llx", alus[extra & 7], rm_name, (unsigned long long)sign_cut(imm, w));
        x_alu_imm(a, (enum alu)(extra & 7), w, rm, imm);
        return true;
    case I_SHIFT_CL: case I_SHIFT_IMM:
        extra &= 7;
        if (!shifts[extra])
            extra = SHIFT_SHL;
        expect(l, i == I_SHIFT_CL ? "%s %s,cl" : "%s %s,0x12", shifts[extra], rm_name);
        if (i == I_SHIFT_CL)
            x_shift_cl(a, (enum shift)extra, w, rm);
        else
            x_shift_imm(a, (enum shift)extra, w, rm, 0x12);
        return true;
    case I_SETCC:
        expect(l, "set%s %s", conditions[extra & 15], rm_name);
        x_setcc(a, extra & 15, rm.base);
        return true;
    default: return false;
    }
}

/* Mnemonics that W changes. */
static const char *mnemonic_of(enum insn i, bool w, unsigned extra, char out[16])
{
    size_t n = (size_t)snprintf(out, 16, "%s", rows[i].mnemonic);
    if (i == I_CMOV)
        snprintf(out, 16, "cmov%s", conditions[extra & 15]);
    else if (w && (i == I_MOVD || i == I_MOVD_STORE || i == I_PINSRD || i == I_PEXTRD))
        out[n - 1] = 'q';
    return out;
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
    if (make_grouped(l, i, w, m, rm, extra))
        return;
    mnemonic_of(i, w, extra, name);
    switch (rows[i].form) {
    case RM:
        expect(l, "%s %s,%s", name, r, m);
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
    case VRMV:
        expect(l, "%s %s,%s,%s", name, r, m, register_name(s.reg, w, vvvv, v));
        asm_vex(a, i, w, reg, vvvv, rm, 0);
        break;
    case VRMI8:
        expect(l, "%s %s,%s,0x12", name, r, m);
        asm_vex(a, i, w, reg, 0, rm, 1);
        asm_u8(a, 0x12);
        break;
    }
}

/* ---- all shapes ---- */

static void memory_shapes(struct listing *l, enum insn i, bool w)
{
    static const int32_t disps[] = { 0, 0x7f, -0x80, 0x80, -0x81, 0x12345678, -0x12345678, INT32_MAX };
    enum { DISPS = sizeof disps / sizeof *disps };
    unsigned turn = (unsigned)i;
    for (uint8_t base = 0; base < 16; base++) {
        for (unsigned d = 0; d < DISPS; d++, turn++)
            make(l, i, w, turn & 15, rm_mem(base, disps[d]), turn);
        for (uint8_t index = 0; index < 16; index++, turn++)
            if (index != 4) /* rsp is no index */
                make(l, i, w, turn & 15, rm_index(base, index, turn / 3 & 3, disps[turn / 5 % DISPS]), turn);
    }
    for (uint8_t reg = 0; reg < 16; reg++, turn++) {
        make(l, i, w, reg, rm_rip((const void *)(uintptr_t)(0x1000u + 0x123u * reg)), turn);
        make(l, i, w, reg, rm_abs(reg * 0x7654321), turn);
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
            n += (size_t)snprintf(out + n, TEXT - n, "[rip to %.*s]", (int)strcspn(target + 2, " \n"), target + 2);
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
                print_error("offset %lx: objdump has \"%s\", wanted %x \"%s\"\n", at, text, e ? e->at : 0,
                            e ? e->text : "");
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
}

static void listing_check(struct listing *l)
{
    char path[] = "/tmp/encode-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, l->a.start, asm_offset(&l->a)), asm_offset(&l->a));
    close(fd);
    snprintf(command, sizeof command, "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn %s", path);
    FILE *dump = popen(command, "r");
    assert_non_null(dump);
    uint32_t wrong = compare(l, dump);
    pclose(dump);
    unlink(path);
    free(l->a.start);
    free(l->lines);
    print_message("%u instructions\n", l->n);
    assert_int_equal(wrong, 0);
}

/* ---- tests ---- */

static void test_rows(void **state)
{
    (void)state;
    if (!have_objdump())
        skip();
    struct listing l;
    listing_open(&l);
    for (unsigned i = 0; i < I_COUNT; i++)
        all_shapes(&l, (enum insn)i);
    for (unsigned i = 0; i < I_COUNT; i++)
        if (l.of_insn[i] < 16)
            fail_msg("row %s: only %u instructions", rows[i].name, l.of_insn[i]);
    listing_check(&l);
}

/* What is not in the table: moves of constants, stack, jumps. */
static void test_others(void **state)
{
    static const uint64_t values[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xffffffff80000000,
                                       0xffffffff7fffffff, UINT64_MAX, 0x123456789abcdef0 };
    (void)state;
    if (!have_objdump())
        skip();
    struct listing l;
    listing_open(&l);
    char name[8];
    for (uint8_t reg = 0; reg < 16; reg++) {
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            bool small = values[k] >> 32 == 0, sign = (int64_t)values[k] == (int32_t)values[k];
            register_name('G', !small, reg, name);
            expect(&l, "%s %s,0x%llx", small || sign ? "mov" : "movabs", name, (unsigned long long)values[k]);
            x_mov_imm(&l.a, reg, values[k]);
        }
        expect(&l, "push %s", register_name('Q', true, reg, name));
        x_push(&l.a, reg);
        expect(&l, "pop %s", name);
        x_pop(&l.a, reg);
        expect(&l, "xor %s,%s", register_name('D', false, reg, name), name);
        x_zero(&l.a, reg);
        expect(&l, "j%s 0x%x", conditions[reg], 0x1234u * reg);
        x_jcc(&l.a, reg, 0x1234u * reg);
    }
    expect(&l, "jmp 0x7654321");
    x_jmp(&l.a, 0x7654321);
    expect(&l, "call 0x10");
    x_call(&l.a, 0x10);
    expect(&l, "ret");
    x_ret(&l.a);
    listing_check(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
