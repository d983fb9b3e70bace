/* For guest images that test the monitor: hypercalls, faults that are survived, an end with a
 * verdict.
 *
 * An image's first line says how it must end:  EXPECT status [words on stderr]
 * further lines   OPTIONS options of wasmvm,   PLUGIN its source,   MOST milliseconds,   RUNS
 * number of runs, each run with its number as the module's last argument,   FULL stdout or FIFO: a
 * pipe that nobody reads, as the one or as the word FIFO of the options,   SIGNAL name: the monitor
 * gets it 0.3 s after its start. */
#ifndef TESTS_HOSTILE_GUEST_H
#define TESTS_HOSTILE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/fault.h"
#include "wasi-shim/abi.h"

#pragma GCC visibility push(hidden) /* addresses relative to rip, not by a table */

#define shared ((struct control *)MAP_CONTROL)

/* kit.c */
void ring(uint8_t value);
/* through the slot */
uint64_t call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* A guest's first general protection fault must be its first doorbell's, if that faults
 * (DOORBELL_PROBE in abi.h): an image that faults otherwise calls this before. */
void doorbell_first(void);
_Noreturn void end(uint32_t code, const char *text);
/* Ends with 1 and the words, where the condition does not hold. */
void check(bool, const char *words);
uint64_t random_next(void);
void random_seed(uint64_t);
uint64_t last_argument(void); /* as a number */
uint32_t host_function(const char *name); /* its number for CALL_host */

/* kit.S: runs fn(arg); true: it faulted, and fault holds how. */
bool try_run(void (*fn)(uint64_t), uint64_t arg);
struct caught { uint64_t rip, rsp; uint64_t vector, error_code, cr2, at; };
extern struct caught fault;

/* kit.c: single accesses for try_run. */
void touch_read(uint64_t at);
void touch_write(uint64_t at);
void touch_run(uint64_t at); /* calls it */

void guest_main(void);

#pragma GCC visibility pop
#endif
