/* Mutations that keep a module's outer structure: one section, or one function body, is changed and
 * its length (and its section's) written anew.  Plain mutations would mostly break lengths, and the
 * reader would refuse all of it. */
#include "tests/fuzz/mutate.h"

#include <stdbool.h>
#include <string.h>

#define SECTION_CODE 10
#define HEADER       8
#define PIECE_MAX    (64u << 10) /* what is mutated at once */

struct span { size_t at, len; }; /* len SIZE_MAX: nothing */

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* An unsigned LEB128 number at *at; false: none that is inside. */
static bool leb_read(const uint8_t *data, size_t end, size_t *at, uint32_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 35 && *at < end; shift += 7) {
        uint8_t byte = data[(*at)++];
        *out |= (uint32_t)(byte & 0x7f) << (shift & 31);
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static size_t leb_write(uint8_t *out, uint32_t value)
{
    size_t len = 0;
    do
        out[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    while (value >>= 7);
    return len;
}

/* A random one of the sized pieces in data[at, end): sections (an id byte before each), or bodies.
 */
static struct span piece_pick(const uint8_t *data, size_t at, size_t end, bool sections,
                              uint32_t *random)
{
    struct span picked = { 0, SIZE_MAX };
    for (uint32_t seen = 1; at < end; seen++) {
        size_t len_at = at += sections;
        uint32_t len;
        if (!leb_read(data, end, &at, &len) || len > end - at)
            break;
        bool is_code = sections && data[len_at - 1] == SECTION_CODE;
        if (random_next(random) % seen == 0 || (is_code && random_next(random) % 2))
            picked = (struct span){ len_at, at + len - len_at };
        at += len;
    }
    return picked;
}

/* Groups of instructions of one type each: first and last opcode. */
static const uint8_t alike[][2] = {
    { 0x28, 0x28 }, { 0x2c, 0x2f }, { 0x30, 0x35 }, { 0x3a, 0x3b }, { 0x3c, 0x3e }, { 0x45, 0x45 },
    { 0x46, 0x4f }, { 0x51, 0x5a }, { 0x5b, 0x60 }, { 0x61, 0x66 }, { 0x67, 0x69 }, { 0x6a, 0x78 },
    { 0x79, 0x7b }, { 0x7c, 0x8a }, { 0x8b, 0x91 }, { 0x92, 0x98 }, { 0x99, 0x9f }, { 0xa0, 0xa6 },
    { 0xc0, 0xc1 }, { 0xc2, 0xc4 }, { 0x20, 0x22 }, { 0x0c, 0x0d }, { 0x02, 0x04 },
};

/* What leaves the stack as it was; the second byte of the first three is random. */
static const uint8_t neutral[][8] = {
    { 3, 0x20, 0, 0x1a },
    { 3, 0x41, 0, 0x1a },
    { 4, 0x20, 0, 0x21, 0 },
    { 1, 0x01 },
    { 3, 0x02, 0x40, 0x0b },
    { 4, 0x03, 0x40, 0x0b, 0x01 },
    { 5, 0x41, 0, 0x04, 0x40, 0x0b },
    { 4, 0x41, 0, 0x0d, 0 },
    { 1, 0x00 },
    { 2, 0x0c, 0 },
    { 4, 0x3f, 0, 0x1a, 0x01 },
    { 6, 0x41, 0, 0x40, 0, 0x1a, 0x01 },
    { 5, 0x23, 0, 0x24, 0, 0x01 },
    { 6, 0x41, 0, 0x28, 0, 0, 0x1a },
    { 5, 0x02, 0x40, 0x0c, 0, 0x0b },
    { 1, 0x0f },
};

static void opcode_swap(uint8_t *at, size_t len, uint32_t *random)
{
    for (int tries = 0; tries < 16; tries++) {
        uint8_t *op = &at[random_next(random) % len];
        for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
            if (*op >= alike[i][0] && *op <= alike[i][1]) {
                *op = (uint8_t)(alike[i][0] +
                                random_next(random) % (alike[i][1] - alike[i][0] + 1u));
                return;
            }
    }
}

static size_t neutral_insert(uint8_t *at, size_t len, size_t max, uint32_t *random)
{
    const uint8_t *what = neutral[random_next(random) % (sizeof neutral / sizeof *neutral)];
    size_t n = what[0], where = random_next(random) % (len + 1);
    if (len + n > max)
        return len;
    memmove(at + where + n, at + where, len - where);
    memcpy(at + where, what + 1, n);
    if (n >= 3 && what[2] == 0)
        at[where + 1] = (uint8_t)(random_next(random) % 16);
    return len + n;
}

/* Copies a stretch of the piece to another place of it: what was valid together stays so now and
 * then. */
static size_t stretch_copy(uint8_t *at, size_t len, size_t max, uint32_t *random)
{
    uint8_t stretch[32];
    size_t n = 1 + random_next(random) % sizeof stretch, from = random_next(random) % len;
    n = n > len - from ? len - from : n;
    if (len + n > max)
        return len;
    size_t to = random_next(random) % (len + 1);
    memcpy(stretch, at + from, n);
    memmove(at + to + n, at + to, len - to);
    memcpy(at + to, stretch, n);
    return len + n;
}

static size_t piece_mutate(uint8_t *at, size_t len, size_t max, uint32_t *random)
{
    uint32_t way = random_next(random) % 8;
    if (len == 0 || way < 2)
        return LLVMFuzzerMutate(at, len, max);
    if (way < 5)
        opcode_swap(at, len, random);
    else if (way < 7)
        return neutral_insert(at, len, max, random);
    else
        return stretch_copy(at, len, max, random);
    return len;
}

/* Puts `piece` with its length before it where old stands; returns the data's new length, or the
 * old one if it does not fit.  *grown: by how much. */
static size_t piece_put(uint8_t *data, size_t len, size_t max, struct span old,
                        const uint8_t *piece, size_t piece_len, long *grown)
{
    uint8_t size[5];
    size_t size_len = leb_write(size, (uint32_t)piece_len), fresh = size_len + piece_len;
    if (len - old.len + fresh > max)
        return len;
    memmove(data + old.at + fresh, data + old.at + old.len, len - old.at - old.len);
    memcpy(data + old.at, size, size_len);
    memcpy(data + old.at + size_len, piece, piece_len);
    *grown = (long)fresh - (long)old.len;
    return len - old.len + fresh;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)
{
    static uint8_t piece[PIECE_MAX], outer[PIECE_MAX];
    uint32_t random = seed, outer_len, inner_len;
    struct span section = { 0, SIZE_MAX };
    if (len > HEADER && seed % 16 != 0)
        section = piece_pick(data, HEADER, len, true, &random);
    if (section.len > PIECE_MAX - 64) /* none, too */
        return LLVMFuzzerMutate(data, len, max);
    size_t at = section.at, payload;
    leb_read(data, len, &at, &outer_len);
    payload = at;
    memcpy(outer, data + payload, outer_len);
    size_t outer_now = outer_len, count_end = 0;
    uint32_t count;
    struct span body = { 0, SIZE_MAX };
    if (data[section.at - 1] == SECTION_CODE && leb_read(outer, outer_len, &count_end, &count))
        body = piece_pick(outer, count_end, outer_len, false, &random);
    if (body.len == SIZE_MAX) {
        outer_now = piece_mutate(outer, outer_len, PIECE_MAX, &random);
    } else {
        long grown = 0;
        at = body.at;
        leb_read(outer, outer_len, &at, &inner_len);
        memcpy(piece, outer + at, inner_len);
        size_t inner_now = inner_len;
        for (uint32_t times = 1 + random_next(&random) % 3; times > 0; times--)
            inner_now = piece_mutate(piece, inner_now, PIECE_MAX / 2, &random);
        outer_now = piece_put(outer, outer_len, PIECE_MAX, body, piece, inner_now, &grown);
    }
    long grown = 0;
    return piece_put(data, len, max, section, outer, outer_now, &grown);
}
