/* EXPECT 124 CPU time
 * OPTIONS --cpu-time 200ms
 * MOST 2000
 * The same, stopped by the CPU's clock. */
#include "tests/hostile/spin.c"
