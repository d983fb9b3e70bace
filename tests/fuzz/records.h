/* Inputs that are a head and then records of one size, so that a mutation of one call leaves the
 * others as they are. Bytes are taken from the front; behind the end all are 0. */
#ifndef TESTS_FUZZ_RECORDS_H
#define TESTS_FUZZ_RECORDS_H

#include <stddef.h>
#include <stdint.h>

enum { RECORD_HEAD = 16, RECORD_BYTES = 32 };

struct bytes { const uint8_t *at, *end; };

static inline uint8_t byte_take(struct bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

static inline uint64_t number_take(struct bytes *b, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)byte_take(b) << 8 * i;
    return v;
}

#endif
