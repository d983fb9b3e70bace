/* What the CPL 0 exception entries (entry.S) hand to C at CPL 3, and the two ways between assembly
 * and C.
 *
 * The upper part is read by the assembler too: its numbers are asserted against abi.h and the
 * struct below by whoever includes this header from C. */
#ifndef GUEST_FAULT_H
#define GUEST_FAULT_H

/* Of struct guest_fault, in bytes. */
#define FAULT_VECTOR 128
#define FAULT_ERROR  136
#define FAULT_CR2    144
#define FAULT_RIP    152
#define FAULT_RSP    160
#define FAULT_RFLAGS 168
#define FAULT_BYTES  176

/* Of struct crash in the control area, in bytes from its own start: the six words stand before the
 * registers. */
#define CRASH_VECTOR 0
#define CRASH_GPR    48

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include "wasi-shim/abi.h"

/* The interrupted state.  gpr in the order of the encoding: rax rcx rdx rbx rsp rbp rsi rdi r8 ..
 * r15; gpr[4] = rsp. */
struct guest_fault {
    uint64_t gpr[16];
    uint64_t vector, error_code, cr2, rip, rsp, rflags;
};

/* Called at CPL 3 on the fault stack.  Vector and error code are the CPU's (14 = page fault; error
 * code bits: 1 present, 2 write, 16 fetch).  Never returns: it continues elsewhere by
 * guest_continue, or rings DOORBELL_CRASH with control->crash filled.  A fault inside it ends the
 * run as a crash, told by entry.S. */
_Noreturn void guest_fault(struct guest_fault *);

/* Leaves the fault stack: goes on at rip with rsp; every other register is undefined, DF is clear,
 * MXCSR as it was. */
_Noreturn void guest_continue(uint64_t rip, uint64_t rsp);

_Static_assert(sizeof(struct guest_fault) == FAULT_BYTES, "entry.S knows the size");
_Static_assert(offsetof(struct guest_fault, vector) == FAULT_VECTOR, "entry.S");
_Static_assert(offsetof(struct guest_fault, error_code) == FAULT_ERROR, "entry.S");
_Static_assert(offsetof(struct guest_fault, cr2) == FAULT_CR2, "entry.S");
_Static_assert(offsetof(struct guest_fault, rip) == FAULT_RIP, "entry.S");
_Static_assert(offsetof(struct guest_fault, rsp) == FAULT_RSP, "entry.S");
_Static_assert(offsetof(struct guest_fault, rflags) == FAULT_RFLAGS, "entry.S");
_Static_assert(offsetof(struct crash, vector) == CRASH_VECTOR &&
                   offsetof(struct crash, gpr) == CRASH_GPR,
               "entry.S");
#endif

#endif
