/* opcodes.def as a table that code can ask.  Owns names and properties of opcodes, not their meaning. */
#include "engine/inside.h"
#include "engine/opcodes.h"

const struct opcode_info opcode_table[OPCODE_CODES] = {
#define OPCODE(code, name, imm, pops, pushes, family) [code] = { family, imm, pops, pushes },
#include "engine/opcodes.def"
#undef OPCODE
};

static const char *const names[OPCODE_CODES] = {
#define OPCODE(code, name, imm, pops, pushes, family) [code] = #name,
#include "engine/opcodes.def"
#undef OPCODE
};

const char *opcode_name(uint32_t code, char out[OPCODE_NAME])
{
    const char *name = code < OPCODE_CODES && names[code] ? names[code] : "unknown";
    enum family family = code < OPCODE_CODES ? opcode_table[code].family : FAM_NONE;
    bool dot = family != FAM_NONE && family != FAM_CONTROL && family != FAM_CALL && family != FAM_PARAMETRIC;
    size_t n = 0;
    for (; name[n] && n < OPCODE_NAME - 1; n++) {
        out[n] = name[n];
        if (dot && name[n] == '_') {
            out[n] = '.';
            dot = false;
        }
    }
    if (n > 0 && out[n - 1] == '_') /* if_, else_, return_: C's keywords */
        n--;
    if (code == OP_select_t)
        n -= 2;
    out[n] = 0;
    return out;
}

static const struct { uint16_t lo, hi; const char *name; } proposals[] = {
    { 0x06, 0x0a, "exception handling" },
    { 0x14, 0x15, "typed function references" },
    { 0x18, 0x19, "exception handling" },
    { 0x1f, 0x1f, "exception handling" },
    { 0xd3, 0xd3, "garbage collection" },
    { 0xd4, 0xd6, "typed function references" },
    { 0xfb, 0xfb, "garbage collection" },
    { 0xfe, 0xfe, "threads" },
    { 0x113, 0x116, "wide arithmetic" },
    { 0x300, 0x32f, "relaxed SIMD" },
};

const char *opcode_proposal(uint32_t code)
{
    for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++)
        if (code >= proposals[i].lo && code <= proposals[i].hi)
            return proposals[i].name;
    return NULL;
}
