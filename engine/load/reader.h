/* Reading the binary format's values (spec 5.2).  leb_* trust their input: only for bytes that have
 * been validated. */
#ifndef ENGINE_READER_H
#define ENGINE_READER_H

#include "engine/inside.h"

/* The number that begins these 8 bytes; it ends in byte *n of them, counted from 1.  *n of 9: it is
 * longer. */
static inline uint64_t leb_word(uint64_t word, bool is_signed, unsigned *n)
{
    uint64_t ends = ~word & 0x8080808080808080;
    if (!ends) {
        *n = 9;
        return 0;
    }
    *n = ((unsigned)__builtin_ctzll(ends) + 1) / 8;
    unsigned above = 64 - 8 * *n, sign = 64 - 7 * *n;
    uint64_t v = word << above >> above;
    v = (v & 0x007f007f007f007f) | (v & 0x7f007f007f007f00) >> 1;
    v = (v & 0x00003fff00003fff) | (v & 0x3fff00003fff0000) >> 2;
    v = (v & 0x000000000fffffff) | (v & 0x0fffffff00000000) >> 4;
    return is_signed ? (uint64_t)((int64_t)(v << sign) >> sign) : v;
}

static inline uint32_t leb_u32(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint32_t value = *p++;
    if (value >= 0x80) {
        value &= 0x7f;
        for (unsigned shift = 7; p[-1] & 0x80; shift += 7)
            value |= (uint32_t)(*p++ & 0x7f) << shift;
    }
    *at = p;
    return value;
}

static inline int64_t leb_s64(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint64_t value = *p & 0x7f;
    unsigned shift = 7;
    if (!(*p & 0x80)) {
        *at = p + 1;
        return (int64_t)(value ^ 0x40) - 0x40;
    }
    for (; *p & 0x80; shift += 7)
        value |= (uint64_t)(*++p & 0x7f) << shift;
    if (shift < 64 && *p & 0x40)
        value |= ~UINT64_C(0) << shift;
    *at = p + 1;
    return (int64_t)value;
}

static inline int32_t leb_s32(const uint8_t **at)
{
    return (int32_t)leb_s64(at);
}

/* Checked reading: the first failure sticks (why, why_offset) and empties the reader; reads then
 * yield 0. */
void reader_init(struct reader *, const uint8_t *module, uint32_t offset, uint32_t len);
void reader_fail(struct reader *, const uint8_t *where, const char *why);
uint32_t reader_u32_slow(struct reader *);
int32_t reader_s32_slow(struct reader *);
int64_t reader_s33(struct reader *);
int64_t reader_s64_slow(struct reader *);
const uint8_t *reader_bytes(struct reader *, uint32_t len); /* NULL if there are not that many */
struct name reader_name(struct reader *);                   /* UTF-8 checked */
/* The UTF-8 character at `at`, of which `left` > 0 bytes are there: how many bytes it has, 0 if it
 * is not one. */
uint32_t utf8_read(const uint8_t *at, uint32_t left, uint32_t *point);
bool utf8_valid(const uint8_t *, uint32_t len);

static inline uint32_t reader_offset(const struct reader *r)
{
    return (uint32_t)(r->at - r->start);
}

static inline uint32_t reader_left(const struct reader *r)
{
    return (uint32_t)(r->end - r->at);
}

static inline uint8_t reader_byte(struct reader *r)
{
    if (r->at < r->end)
        return *r->at++;
    reader_fail(r, r->at, "unexpected end");
    return 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    if (r->at < r->end && *r->at < 0x80)
        return *r->at++;
    return reader_u32_slow(r);
}

static inline int32_t reader_s32(struct reader *r)
{
    if (r->at < r->end && *r->at < 0x80)
        return (int32_t)((*r->at++ ^ 0x40u) - 0x40u);
    return reader_s32_slow(r);
}

static inline int64_t reader_s64(struct reader *r)
{
    if (r->at < r->end && *r->at < 0x80)
        return (int64_t)(*r->at++ ^ 0x40) - 0x40;
    return reader_s64_slow(r);
}

#endif
