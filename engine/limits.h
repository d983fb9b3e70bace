/* The engine's own limits (spec appendix "implementation limitations").  What is over one is
 * refused in one line that tells both numbers; tests/unit/engine/load/test_limits.c holds each: the
 * limit itself is taken, one more is not.
 *
 * None is met by what Go, Rust, TinyGo or C compilers put out: they are at or above what browsers
 * allow (the JavaScript API's "implementation-defined limits"). */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

/* Offsets into the module are 32 bits wide, with room to spare for sums of two. */
#define LIMIT_MODULE_BYTES (1u << 30)
/* Types as written, equal ones counted each. */
#define LIMIT_TYPES 1000000u
/* Functions that the module defines; those it imports count as imports. */
#define LIMIT_FUNCS 1000000u
/* Imports of all kinds together. */
#define LIMIT_IMPORTS 1000000u
/* Exports of all kinds together: a hash of their names is made at load. */
#define LIMIT_EXPORTS 1000000u
/* Globals that the module defines. */
#define LIMIT_GLOBALS 1000000u
/* Tables that the module defines; their elements have a limit of their own. */
#define LIMIT_TABLES 100000u
/* Memories that the module defines: each beyond the first reserves address space. */
#define LIMIT_MEMORIES 1000u
/* Element segments, and data segments, each. */
#define LIMIT_SEGMENTS 1000000u
/* Parameters of one function or block type: a call's and a branch's work is bounded by it. */
#define LIMIT_PARAMS 1000u
/* Results of one function or block type: the engine keeps a place for the results of the function
 * that returned. */
#define LIMIT_RESULTS 1000u
/* Locals of one function, its parameters among them: the prologue writes each that is read before
 * it is set. */
#define LIMIT_LOCALS 50000u
/* Bytes of one function's body: compilation takes some multiple of it as memory for a moment.
 * Browsers allow less. */
#define LIMIT_BODY_BYTES (64u << 20)
/* Elements of one table, when made and when grown, and items of one element segment: a table that
 * may not be larger than the heap can hold. */
#define LIMIT_TABLE_ELEMS 10000000u
/* Labels of one br_table but for the default: the native table has four bytes for each. */
#define LIMIT_BR_TABLE 1000000u
/* Pages of 64 KiB of one memory: 4 GiB, all that 32-bit addresses reach.  The standard's own limit.
 */
#define LIMIT_MEMORY_PAGES 65536u

#endif
