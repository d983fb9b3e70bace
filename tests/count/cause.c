/* What an emitted instruction is there for, as far as the instruction alone can say. */
#include "engine/x64/regs.h"
#include "tests/count/count.h"

#include <string.h>

const char *const cause_names[CAUSE_COUNT] = {
    [CAUSE_MOVE] = "register moves",
    [CAUSE_CONSTANT] = "constants",
    [CAUSE_ADDRESS] = "lea",
    [CAUSE_LOAD] = "loads",
    [CAUSE_STORE] = "stores",
    [CAUSE_SPILL] = "frame slots",
    [CAUSE_INT] = "integer work",
    [CAUSE_FLOAT] = "float work",
    [CAUSE_FLOAT_MOVE] = "float moves",
    [CAUSE_COMPARE] = "compare, test",
    [CAUSE_JUMP] = "jumps",
    [CAUSE_CALL] = "calls, returns",
    [CAUSE_OTHER] = "other",
};

enum { RM, MR, M, MI8, MI16, MI32, RMI8, RMI32, VRMV, VRVM, MRI8 };
static const struct { uint8_t form; const char *name; } rows[I_COUNT] = {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) [I_##name] = { form, mnemonic },
#include "engine/x64/encode.def"
#undef INSN
};

static enum cause special(unsigned insn)
{
    switch (insn) {
    case MEANT_MOV: return CAUSE_CONSTANT;
    case MEANT_JMP:
    case MEANT_JCC: return CAUSE_JUMP;
    case MEANT_CALL:
    case MEANT_RET: return CAUSE_CALL;
    case MEANT_CDQ: return CAUSE_INT;
    case MEANT_REP_MOVSB:
    case MEANT_REP_STOSB: return CAUSE_STORE;
    case MEANT_PUSH:
    case MEANT_POP: return CAUSE_SPILL;
    default: return CAUSE_OTHER;
    }
}

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* Scalar and packed floats end in ss, sd, ps, pd. */
static bool is_float(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && (name[n - 1] == 's' || name[n - 1] == 'd') &&
           (name[n - 2] == 's' || name[n - 2] == 'p');
}

static enum cause moved(const struct meant *m, const char *name)
{
    bool floats = is_float(name) || m->insn == I_MOVD_STORE;
    if (m->rm.kind == RM_REG)
        return floats ? CAUSE_FLOAT_MOVE : CAUSE_MOVE;
    if (m->rm.kind == RM_MEM && m->rm.base == RSP)
        return CAUSE_SPILL;
    uint8_t form = rows[m->insn].form;
    return form == MR || form == MRI8 || form == MI8 || form == MI16 || form == MI32 ? CAUSE_STORE
                                                                                     : CAUSE_LOAD;
}

enum cause cause_of(const struct meant *m)
{
    if (m->insn >= I_COUNT)
        return special(m->insn);
    const char *name = rows[m->insn].name;
    bool alu = strcmp(name, "alu") == 0;
    if (starts(name, "mov"))
        return moved(m, name);
    if (starts(name, "lea"))
        return CAUSE_ADDRESS;
    if (starts(name, "cmp") || starts(name, "test") || starts(name, "ucomis") ||
        starts(name, "set") || (alu && (m->reg & 7) == ALU_CMP))
        return CAUSE_COMPARE;
    if (starts(name, "jmp"))
        return CAUSE_JUMP;
    if (starts(name, "call"))
        return CAUSE_CALL;
    return is_float(name) ? CAUSE_FLOAT : CAUSE_INT;
}
