/* Sticky-error reading of the binary format.  Owns LEB128 (spec 5.2.2) and names (5.2.4); knows
 * nothing of sections. */
#include "engine/lib.h"
#include "engine/load/reader.h"

void reader_init(struct reader *r, const uint8_t *module, uint32_t offset, uint32_t len)
{
    *r = (struct reader){ .at = module + offset, .end = module + offset + len, .start = module };
}

void reader_fail(struct reader *r, const uint8_t *where, const char *why)
{
    ENGINE_ASSERT(where >= r->start && where <= r->end);
    if (!r->failed) {
        r->failed = true;
        r->why = why;
        r->why_offset = (uint32_t)(where - r->start);
    }
    r->at = r->end;
}

/* The last byte that an integer of `bits` bits may have: its unused bits must be zero, or copies of
 * the sign. */
static uint64_t leb_last(struct reader *r, const uint8_t *p, uint64_t value, unsigned bits,
                         bool is_signed)
{
    if (p == r->end) {
        reader_fail(r, p, "unexpected end");
        return 0;
    }
    unsigned used = bits % 7, shift = bits - used;
    uint8_t byte = *p,
            unused = is_signed ? (0x7fu << (used - 1)) & 0x7f : (0x7fu << used) & 0x7f,
            extra = byte & unused;
    if (byte & 0x80 || (extra != 0 && !(is_signed && extra == unused))) {
        reader_fail(r, p, byte & 0x80 ? "integer representation too long" : "integer too large");
        return 0;
    }
    r->at = p + 1;
    value |= (uint64_t)(byte & 0x7f) << shift;
    return is_signed && byte & 0x40 && shift + 7 < 64 ? value | ~UINT64_C(0) << (shift + 7)
                                                      : value;
}

/* An integer of `bits` bits, no multiple of 7. */
static inline uint64_t leb(struct reader *r, unsigned bits, bool is_signed)
{
    const uint8_t *p = r->at;
    uint64_t value = 0;
    unsigned shift = 0, n;
    if (reader_left(r) >= 8) {
        value = leb_word(*(const unaligned64 *)p, is_signed, &n);
        if (n <= 8 && n <= bits / 7) { /* all its bits count */
            r->at = p + n;
            return value;
        }
        value = 0;
    }
    for (; shift + 7 <= bits; shift += 7) {
        if (p == r->end) {
            reader_fail(r, p, "unexpected end");
            return 0;
        }
        uint8_t byte = *p++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        ENGINE_ASSERT(p <= r->end);
        r->at = p;
        return is_signed && byte & 0x40 ? value | ~UINT64_C(0) << (shift + 7) : value;
    }
    return leb_last(r, p, value, bits, is_signed);
}

uint32_t reader_u32_slow(struct reader *r)
{
    return (uint32_t)leb(r, 32, false);
}

int32_t reader_s32_slow(struct reader *r)
{
    return (int32_t)leb(r, 32, true);
}

int64_t reader_s33(struct reader *r)
{
    return (int64_t)leb(r, 33, true);
}

int64_t reader_s64_slow(struct reader *r)
{
    return (int64_t)leb(r, 64, true);
}

const uint8_t *reader_bytes(struct reader *r, uint32_t len)
{
    if (len > reader_left(r)) {
        reader_fail(r, r->at, "unexpected end");
        return NULL;
    }
    r->at += len;
    ENGINE_ASSERT(r->at <= r->end);
    return r->at - len;
}

uint32_t utf8_read(const uint8_t *at, uint32_t left, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = *at;
    uint32_t len = lead < 0x80   ? 1
                   : lead < 0xc0 ? 0
                   : lead < 0xe0 ? 2
                   : lead < 0xf0 ? 3
                   : lead < 0xf8 ? 4
                                 : 0;
    if (len == 0 || len > left)
        return 0;
    *point = len == 1 ? lead : lead & (0x7fu >> len);
    for (uint32_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = *point >= 0xd800 && *point < 0xe000;
    return *point < least[len] || *point > 0x10ffff || surrogate ? 0 : len;
}

bool utf8_valid(const uint8_t *s, uint32_t len)
{
    uint32_t point;
    for (uint32_t i = 0, step; i < len; i += step)
        if ((step = utf8_read(s + i, len - i, &point)) == 0)
            return false;
    return true;
}

struct name reader_name(struct reader *r)
{
    const uint8_t *where = r->at;
    uint32_t len = reader_u32(r);
    const uint8_t *bytes = reader_bytes(r, len);
    if (bytes && !utf8_valid(bytes, len))
        reader_fail(r, where, "malformed UTF-8 encoding");
    return r->failed ? (struct name){ NULL, 0 } : (struct name){ bytes, len };
}
