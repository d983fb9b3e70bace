/* Words of a call out of a record, by the kinds of calls.def: addresses of things that are laid out
 * for them, numbers that matter, and now and then what no honest module would say. */
#ifndef TESTS_FUZZ_ARGUMENTS_H
#define TESTS_FUZZ_ARGUMENTS_H

#include "tests/fuzz/world.h"

enum { MEMORY_BYTES = 128 << 10 };
enum { STRINGS = 0x1000, STRINGS_END = 0xf000, OUTS = 0x10000, BUFFERS = 0x11000 };
extern uint8_t *guest; /* MEMORY_BYTES, linear memory */

/* Fills the words of the call; `record` is what is left of it.  Things are laid out in `guest`. */
void arguments_make(uint32_t call, struct bytes *record, uint64_t words[SLOT_ARGS]);
/* For fd_read_one and fd_write_one. */
void transfer_make(struct bytes *record, uint64_t words[SLOT_ARGS]);

/* Where control data of this call lies, for who changes it meanwhile. */
enum { HOT_MOST = 16 };
extern struct hot { uint32_t at, len; } hot[HOT_MOST];
extern unsigned hots;

#endif
