/* opcodes.def and foreign.def as tables that code can ask.  Owns names and properties of opcodes,
 * not their meaning. */
#include "engine/inside.h"
#include "engine/load/opcodes.h"

const struct opcode_info opcode_table[OPCODE_CODES] = {
#define OPCODE(code, name, imm, pops, pushes, family) [code] = { family, imm, pops, pushes },
#include "engine/load/opcodes.def"
#undef OPCODE
};

static const char *const names[OPCODE_CODES] = {
#define OPCODE(code, name, imm, pops, pushes, family) [code] = #name,
#include "engine/load/opcodes.def"
#undef OPCODE
};

const char *opcode_name(uint32_t code, char out[OPCODE_NAME])
{
    const char *name = code < OPCODE_CODES && names[code] ? names[code] : "unknown";
    enum family family = code < OPCODE_CODES ? opcode_table[code].family : FAM_NONE;
    bool dot = family != FAM_NONE && family != FAM_CONTROL && family != FAM_CALL &&
               family != FAM_PARAMETRIC;
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

/* ---- what we do not have ---- */

static const struct { uint16_t first, last; const char *proposal; } ranges[] = {
#define RANGE(first, last, proposal) { first, last, proposal },
#define FOREIGN(code, name)
#include "engine/load/foreign.def"
#undef RANGE
#undef FOREIGN
};

static const struct { uint16_t code; const char *name; } foreign[] = {
#define RANGE(first, last, proposal)
#define FOREIGN(code, name) { code, name },
#include "engine/load/foreign.def"
#undef RANGE
#undef FOREIGN
};

const char *opcode_proposal(uint32_t code)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].proposal;
    return NULL;
}

const char *opcode_foreign(uint32_t code)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i].code == code)
            return foreign[i].name;
    return "an unknown instruction";
}
