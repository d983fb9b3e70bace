/* The compiler's work as text: nodes after each pass, and machine code.
 *
 * The text says nothing of where anything lies in memory: blocks are numbered in layout order,
 * temporaries in the order in which they are computed, webs of one virtual register in the order in
 * which they are first named. */
#ifndef TESTS_DUMP_DUMP_H
#define TESTS_DUMP_DUMP_H

#include "engine/ir/ir.h"

#include <stdio.h>

enum dump_pass { DUMP_BUILD, DUMP_FLOW, DUMP_COLOR, DUMP_CODE, DUMP_PASSES };
extern const char *const dump_pass_names[DUMP_PASSES];

/* One function, which has been validated, through the passes, each of those whose bit is in
 * `passes` (1 << DUMP_FLOW) as text.  Nothing is installed.  false: it cannot be compiled, and
 * engine_error says why. */
bool dump_function(FILE *, struct instance *, uint32_t func, unsigned passes);

/* After the pass: what the compilation holds. */
void dump_ir(FILE *, struct compile *, enum dump_pass);
/* The piece of code that the function becomes. */
bool dump_code(FILE *, struct instance *, uint32_t func);

/* `func 3 "main.main" (i64 i32) -> (i32)` */
void dump_func_head(FILE *, struct instance *, uint32_t func);

#endif
