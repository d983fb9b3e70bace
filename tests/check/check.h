/* The check of emitted code, for tests of it. */
#ifndef TESTS_CHECK_CHECK_H
#define TESTS_CHECK_CHECK_H

#include "engine/x64/meant.h"

#include <stddef.h>

/* Whether the code is not what was meant since meant_begin; then what differs first, as text. */
bool check_differs(const struct assembler *, const uint8_t *bytes, char *text, size_t cap);
/* One of the records alone, which stands from *at to *end; false: there are fewer. */
bool check_record(uint32_t i, uint32_t *at, uint32_t *end, struct meant *);
bool check_one_differs(const struct assembler *, const uint8_t *bytes, uint32_t i, char *text,
                       size_t cap);
/* Instructions compared so far. */
extern uint64_t check_instructions;

#endif
