/* Forms, kinds of operands and names of the encoder's rows. */
#include "tests/check/shape.h"

#include <string.h>

const struct about insn_about[I_COUNT] = {
#define INSN(name, form, prefix, map, opcode, digit, mnemonic) { #name, mnemonic, form },
#include "engine/x64/encode.def"
#undef INSN
};

struct shape shape_of(enum insn i)
{
    switch (i) {
    case I_LEA: return (struct shape){ 'G', 'G', "01", "m" };
    case I_MOVSXD: return (struct shape){ 'G', 'D', "1", "rm" };
    case I_CRC32_8:
        return (struct shape){ 'G', 'B', "0", "rm" };
    case I_MOVZX8: case I_MOVSX8: return (struct shape){ 'G', 'B', "01", "rm" };
    case I_MOVZX16: case I_MOVSX16: return (struct shape){ 'G', 'H', "01", "rm" };
    case I_MOV8_STORE: return (struct shape){ 'B', 'B', "0", "rm" };
    case I_MOV16_STORE: return (struct shape){ 'H', 'H', "0", "rm" };
    case I_MOV8_IMM: case I_CMP8_IMM: case I_TEST8_IMM:
        return (struct shape){ 'B', 'B', "0", "m" };
    case I_MOV16_IMM: case I_CMP16_IMM: return (struct shape){ 'H', 'H', "0", "m" };
    case I_SETCC: return (struct shape){ 'B', 'B', "0", "r" };
    case I_JMP_RM: case I_CALL_RM: return (struct shape){ 'Q', 'Q', "0", "rm" };
    case I_CVTSI2SS: case I_CVTSI2SD: case I_MOVD: case I_MOVD_STORE: case I_PINSRD: case I_PEXTRD:
        return (struct shape){ 'X', 'G', "01", "rm" };
    case I_CVTTSS2SI: case I_CVTTSD2SI: return (struct shape){ 'G', 'X', "01", "rm" };
    case I_PINSRB: case I_PINSRW: case I_PEXTRB: return (struct shape){ 'X', 'D', "0", "rm" };
    case I_PMOVMSKB:
    case I_MOVMSKPS:
    case I_MOVMSKPD:
    case I_PEXTRW:
        return (struct shape){ 'D', 'X', "0", "r" };
    case I_MOVLHPS: return (struct shape){ 'X', 'X', "0", "r" };
    default:
        if (insn_about[i].form == MI8 && insn_rows[i].map == 1)
            return (struct shape){ 'X', 'X', "0", "r" }; /* vector shifts by immediate */
        return i < I_MOVSS ? (struct shape){ 'G', 'G', "01", "rm" }
                           : (struct shape){ 'X', 'X', "0", "rm" };
    }
}

const char *const insn_conditions[16] = { "o", "no", "b",  "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g" };

const char *insn_mnemonic(enum insn i, bool w, unsigned reg, unsigned cc, char out[16])
{
    static const char *const alus[8] = { "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp" };
    static const char *const shifts[8] = { "rol", "ror", "?", "?", "shl", "shr", "?", "sar" };
    size_t n = strlen(insn_about[i].mnemonic);
    memcpy(out, insn_about[i].mnemonic, n + 1);
    switch (i) {
    case I_ALU8: case I_ALU32: strcpy(out, alus[reg & 7]); break;
    case I_SHIFT_CL: case I_SHIFT_IMM: strcpy(out, shifts[reg & 7]); break;
    case I_CMOV: case I_SETCC: strcpy(out + n, insn_conditions[cc & 15]); break;
    case I_MOVD: case I_MOVD_STORE: case I_PINSRD: case I_PEXTRD:
        if (w)
            out[n - 1] = 'q';
        break;
    default: break;
    }
    return out;
}
