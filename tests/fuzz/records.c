/* libFuzzer's mutations for inputs of records (records.h): records are left out, doubled, exchanged
 * and moved whole, and what mutates bytes sees one record at a time. */
#include "tests/fuzz/records.h"

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t none, const uint8_t *other,
                                 size_t nother, uint8_t *out, size_t most, unsigned seed);

static uint32_t next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static size_t count(size_t len)
{
    return len < RECORD_HEAD ? 0 : (len - RECORD_HEAD) / RECORD_BYTES;
}

static uint8_t *record(uint8_t *data, size_t i)
{
    return data + RECORD_HEAD + i * RECORD_BYTES;
}

/* A place for one more record before the i-th; its bytes are what stood there. */
static size_t widen(uint8_t *data, size_t n, size_t i)
{
    memmove(record(data, i + 1), record(data, i), (n - i) * RECORD_BYTES);
    return n + 1;
}

static size_t remove_one(uint8_t *data, size_t n, size_t i)
{
    memmove(record(data, i), record(data, i + 1), (n - i - 1) * RECORD_BYTES);
    return n - 1;
}

static void mutate_bytes(uint8_t *at, size_t n)
{
    uint8_t copy[RECORD_BYTES] = { 0 };
    memcpy(copy, at, n);
    LLVMFuzzerMutate(copy, n, n);
    memcpy(at, copy, n);
}

static void exchange(uint8_t *one, uint8_t *other)
{
    uint8_t copy[RECORD_BYTES];
    memcpy(copy, one, sizeof copy);
    memmove(one, other, sizeof copy);
    memcpy(other, copy, sizeof copy);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most, unsigned seed)
{
    size_t n = count(len), room = count(most);
    if (most < RECORD_HEAD + RECORD_BYTES)
        return len;
    if (len < RECORD_HEAD)
        memset(data + len, 0, RECORD_HEAD - len);
    if (n == 0) {
        memset(record(data, 0), 0, RECORD_BYTES);
        n = 1;
    }
    size_t i = next(&seed) % n, j = next(&seed) % n;
    switch (next(&seed) % 8) {
    case 0: mutate_bytes(data, RECORD_HEAD); break;
    case 1: n = n > 1 ? remove_one(data, n, i) : n; break;
    case 2: n = n < room ? widen(data, n, i) : n; break;
    case 3:
        n = n < room ? widen(data, n, i) : n;
        mutate_bytes(record(data, i), RECORD_BYTES);
        break;
    case 4: exchange(record(data, i), record(data, j)); break;
    case 5: record(data, i)[0] = (uint8_t)next(&seed); break; /* another call with the same words */
    default: mutate_bytes(record(data, i), RECORD_BYTES);
    }
    return RECORD_HEAD + n * RECORD_BYTES;
}

/* The first records of one, the last ones of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t none, const uint8_t *other,
                                 size_t nother, uint8_t *out, size_t most, unsigned seed)
{
    size_t n = count(none), m = count(nother), room = count(most);
    if (n == 0 || m == 0 || room == 0)
        return 0;
    size_t from_one = 1 + next(&seed) % n, from_other = 1 + next(&seed) % m;
    from_one = from_one < room ? from_one : room;
    from_other = from_other < room - from_one ? from_other : room - from_one;
    memcpy(out, one, RECORD_HEAD + from_one * RECORD_BYTES);
    memcpy(record(out, from_one), other + RECORD_HEAD + (m - from_other) * RECORD_BYTES,
           from_other * RECORD_BYTES);
    return RECORD_HEAD + (from_one + from_other) * RECORD_BYTES;
}
