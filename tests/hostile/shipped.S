/* Where a forged image of a start goes on: whatever called, nothing of it is returned to. */
#include "wasi-shim/map.h"
    .section .first, "ax", @progbits
    .globl shipped_start
shipped_start:
    movabs $CSTACK_TOP, %rsp
    cld
    xor %ebp, %ebp
    call guest_main
    ud2

/* For shipped.ld: behind what an honest image has in its first pages. */
    .globl link_code, link_heap
    .set link_code, MAP_CODE_X + 0x100000
    .set link_heap, MAP_HEAP + 0x100000

    .section .note.GNU-stack, "", @progbits
