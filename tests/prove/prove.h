/* What the proofs share.  A proof is a program whose inputs are anything: cbmc looks at all of them
 * at once, within the bounds that stand at its head. */
#ifndef TESTS_PROVE_PROVE_H
#define TESTS_PROVE_PROVE_H

#include "vmm/machine/inside.h"

/* cbmc gives anything for functions of such names. */
uint64_t nondet_u64(void);
unsigned nondet_unsigned(void);
_Bool nondet_bool(void);
#define any_u64 nondet_u64
#define any_unsigned nondet_unsigned
#define any_bool nondet_bool
#define ASSUME(condition) __CPROVER_assume(condition)
#define HOLDS(condition, words) __CPROVER_assert(condition, words)

#endif
