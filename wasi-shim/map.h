/* The contract's numbers that the assembler and the linker need too: where things lie, how the
 * doorbell is rung.  The picture is abi.h's, which C includes. */
#ifndef WASI_SHIM_MAP_H
#define WASI_SHIM_MAP_H

#ifdef __ASSEMBLER__
#define MAP_U64(number) number
#else
#define MAP_U64(number) number##ull
#endif

/* Memory map; sizes are the ranges' limits, in bytes.  (<sys/mman.h> has a flag MAP_STACK, which
 * nobody needs: include it before this header.) */
#undef MAP_STACK
#define MAP_LINEAR      MAP_U64(0x0000000000)
#define MAP_LINEAR_MAX  MAP_U64(0x0100000000)
#define MAP_STACK       MAP_U64(0x1000000000)
#define MAP_STACK_MAX   MAP_U64(0x0400000000)
#define MAP_MODULE      MAP_U64(0x1800000000)
#define MAP_MODULE_MAX  MAP_U64(0x0040000000)
#define MAP_CODE_W      MAP_U64(0x1a00000000)
#define MAP_HEAP        MAP_U64(0x1bc0000000)
#define MAP_HEAP_MAX    MAP_U64(0x0040000000)
#define MAP_CODE_X      MAP_U64(0x1c00000000)
#define MAP_CODE_MAX    MAP_U64(0x0020000000)
#define MAP_IMAGE       MAP_U64(0x1c20000000)
#define MAP_IMAGE_MAX   MAP_U64(0x0010000000)
#define MAP_CONTROL     MAP_U64(0x1c30000000)
#define MAP_CSTACK      MAP_U64(0x1c38000000)
#define MAP_CSTACK_MAX  MAP_U64(0x0000800000)
#define MAP_CPL0        MAP_U64(0x1c3c000000)
#define MAP_STACK_GUARD MAP_U64(0x200000)
#define MAP_MORE        MAP_U64(0x2000000000)
#define MAP_MORE_SLOT   MAP_U64(0x0400000000)
#define MAP_MORE_SLOTS  999

/* Within MAP_CSTACK, upwards: an unmapped page, the C stack, an unmapped page, the fault handler's
 * stack.  The first C instruction finds rsp at CSTACK_TOP; the fault handler works below the struct
 * guest_fault at the top of its stack. */
#define CSTACK_BYTES MAP_U64(0x180000)
#define CSTACK_TOP   (MAP_CSTACK + 0x1000 + CSTACK_BYTES)
#define FSTACK_BYTES MAP_U64(0x10000)
#define FSTACK_TOP   (CSTACK_TOP + 0x1000 + FSTACK_BYTES)
#define FSTACK_GUARD CSTACK_TOP /* the unmapped page: an overflow is a fault of the handler too */

/* Within MAP_CPL0: the page of exception entries from the image, CPL0_ENTRY_BYTES each: vectors 0
 * .. 31, then the entry that stands in for vector 13 until the first doorbell came through (it
 * rings DOORBELL_PROBE and tries again); then the monitor's pages: tables (read-only), unmapped,
 * stack, unmapped, stack of the double fault. */
#define CPL0_ENTRY_BYTES  16
#define CPL0_VECTORS      32
#define CPL0_ENTRY_PROBE  32
#define CPL0_TABLES       (MAP_CPL0 + 0x1000)
/* the tables' last word: the address of control->crash */
#define CPL0_CRASH        (CPL0_TABLES + 0xff8)
/* two words: from where to where the stack waits to be mapped */
#define CPL0_STACK_BOUNDS (CPL0_TABLES + 0xfe8)
#define CPL0_STACK_TOP    (MAP_CPL0 + 0x4000)
#define CPL0_DFSTACK_TOP  (MAP_CPL0 + 0x6000)

/* The doorbell's port, and what al holds when the entries ring it: enum doorbell. */
#define DOORBELL_PORT     0x77
#define DOORBELL_CRASH_AL 2
#define DOORBELL_PROBE_AL 3
#define DOORBELL_STACK_AL 4

#endif
