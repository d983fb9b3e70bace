/* What is known of the rows of encode.def beyond their bytes: the operands' order and kinds, and
 * the mnemonic. */
#ifndef TESTS_CHECK_SHAPE_H
#define TESTS_CHECK_SHAPE_H

#include "engine/x64/asm.h"

enum form { RM, MR, M, MI8, MI16, MI32, RMI8, RMI32, MRI8, VRMV, VRVM };

struct about { const char *name, *mnemonic; enum form form; };
extern const struct about insn_about[I_COUNT];

/* Operands: reg, then r/m.  G: general, 32 or 64 bits by W;  Q: 64, D: 32, H: 16, B: 8 bits;  X:
 * vector.  Then which widths: 0 or 1, or both;  then which r/m: r, m, or both. */
struct shape { char reg, rm; const char *widths, *kinds; };
struct shape shape_of(enum insn);

extern const char *const insn_conditions[16];
/* reg: the digit, where it says what is done;  cc: where a condition does. */
const char *insn_mnemonic(enum insn, bool w, unsigned reg, unsigned cc, char out[16]);

#endif
