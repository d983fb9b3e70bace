/* The engine's own limits (spec appendix "implementation limitations").  Each has a sentence where it is checked and a
 * test. */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

#define LIMIT_MODULE_BYTES   (1u << 30)
#define LIMIT_TYPES          1000000u
#define LIMIT_FUNCS          1000000u
#define LIMIT_IMPORTS        1000000u
#define LIMIT_EXPORTS        1000000u
#define LIMIT_GLOBALS        1000000u
#define LIMIT_TABLES         100000u
#define LIMIT_MEMORIES       1000u
#define LIMIT_SEGMENTS       1000000u
#define LIMIT_PARAMS         1000u
#define LIMIT_RESULTS        1000u
#define LIMIT_LOCALS         50000u
#define LIMIT_BODY_BYTES     (64u << 20)
#define LIMIT_TABLE_ELEMS    10000000u
#define LIMIT_BR_TABLE       1000000u
#define LIMIT_MEMORY_PAGES   65536u

#endif
