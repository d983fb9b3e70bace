/* What makes an input of the calls' fuzzer do the same each time: a clock of its own, threads that
 * run one at a time, random bytes that are none, and functions of the host that fail where the
 * input says so and nowhere else. */
#ifndef TESTS_FUZZ_STEPS_H
#define TESTS_FUZZ_STEPS_H

#include <stdbool.h>
#include <stdint.h>

/* For one input: the clock begins anew. */
void steps_begin(void);
/* Each thread of the monitor's goes on until it waits; whether one had something to do. */
bool steps_round(void);
/* Nobody has anything to do: on to what comes first, the next thread's time or this one. */
void steps_wait(uint64_t until_ns);
void steps_pass(uint64_t ns);
uint64_t steps_now(void);
/* Who is told of each look at the clock and each wait; NULL: nobody. */
extern void (*steps_looked)(void);
/* From here on a look at the clock takes long. */
void steps_slow(bool);

/* The after-th function that can fail from here on does so, by that number's errno, and so do some
 * behind it; 0: none. */
void fault_set(unsigned after, unsigned what);
/* Whether it has. */
bool fault_met(void);
/* Faults happen while the monitor is at work, not while the world is; returns what was. */
bool faults_on(bool on);
/* Of functions that are no row of faults.def. */
bool fault_now(void);

#endif
