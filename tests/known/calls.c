/* tests/known/calls.h's other side: a table with one function for each front. */
#include "tests/known/calls.h"

#include "engine/lib.h"

#include <string.h>

struct maker {
    uint64_t random, end; /* memory's; it begins at 0 */
    uint64_t last;        /* where ranges end: memory's end, or a Go function's frame */
    struct call *call;
};

static uint32_t random_below(struct maker *m, uint32_t limit)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((m->random >> 33) % limit);
}

static bool one_in(struct maker *m, uint32_t n)
{
    return random_below(m, n) == 0;
}

/* Mostly short, often a few more or less than a multiple of 16. */
static uint32_t length(struct maker *m)
{
    switch (random_below(m, 4)) {
    case 0:
        return random_below(m, 20);
    case 1:
        return random_below(m, 300);
    case 2:
        return 16 * (1 + random_below(m, 20)) - 2 + random_below(m, 5);
    default:
        return random_below(m, one_in(m, 8) ? 3000 : 64);
    }
}

/* Where so many bytes may lie: in the arena's upper half, up to memory's end, or some bytes over
 * it.  Over a frame they never are. */
static uint64_t place(struct maker *m, uint32_t bytes)
{
    if (one_in(m, 8) && m->last == m->end)
        return m->end - bytes + random_below(m, 24);
    if (one_in(m, 3))
        return m->last - bytes - random_below(m, 40);
    return m->last - CALL_HEAP + random_below(m, CALL_HEAP - 3000);
}

static bool is_inside(const struct maker *m, uint64_t at, uint64_t bytes)
{
    return at <= m->end && bytes <= m->end - at;
}

/* What Go never passes: an upper half. */
static uint64_t odd(struct maker *m, uint64_t value)
{
    return one_in(m, 50) ? value + (((uint64_t)random_below(m, 5) - 2) << 32) : value;
}

/* The other is the same but for one byte, or not even that. */
static void alike(struct maker *m, uint64_t one, uint64_t other, uint32_t bytes)
{
    uint64_t room = m->end - other;
    uint32_t both = is_inside(m, other, 0) && room < bytes ? (uint32_t)room : bytes;
    if (!is_inside(m, one, both) || !is_inside(m, other, both))
        return;
    memmove((uint8_t *)(uintptr_t)other, (uint8_t *)(uintptr_t)one, both);
    if (both && !one_in(m, 3))
        ((uint8_t *)(uintptr_t)other)[random_below(m, both)] ^= (uint8_t)(1 << random_below(m, 8));
}

static void memequal(struct maker *m)
{
    struct cell *c = m->call->cells;
    uint32_t n = length(m);
    uint64_t p = place(m, n), q = one_in(m, 30) ? p : place(m, n);
    alike(m, p, q, n);
    c[0].lo = odd(m, p), c[1].lo = odd(m, q), c[2].lo = odd(m, n);
}

static void compare(struct maker *m)
{
    struct cell *c = m->call->cells;
    uint32_t n = length(m), k = one_in(m, 3) ? n : length(m), least = n < k ? n : k;
    uint64_t p = place(m, n), q = one_in(m, 30) ? p : place(m, k);
    alike(m, p, q, least);
    c[0].lo = odd(m, p), c[2].lo = odd(m, q), c[1].lo = odd(m, n), c[3].lo = odd(m, k);
    if (one_in(m, 50))
        c[one_in(m, 2) ? 1 : 3].lo |= 1ull << 63;
    if (one_in(m, 50)) /* with the address they are small again, modulo 2^64 */
        c[1].lo = c[3].lo = 0 - (uint64_t)random_below(m, 100);
}

static void memchr_(struct maker *m)
{
    struct cell *c = m->call->cells;
    uint32_t n = length(m), byte = random_below(m, 256);
    uint64_t p = place(m, n);
    for (uint32_t k = 0; k < n; k++) { /* there are few of it */
        uint8_t *at = (uint8_t *)(uintptr_t)(p + k);
        if (is_inside(m, p + k, 1) && *at == byte && !one_in(m, 2 + n / 16))
            *at ^= 1;
    }
    c[0].lo = p, c[1].lo = one_in(m, 50) ? byte + 256 : byte, c[2].lo = n;
}

static void argument(struct maker *m, uint32_t number, uint64_t value)
{
    uint64_t at = m->call->sp + 8 + 8 * (uint64_t)number;
    if (is_inside(m, at, 8))
        *(unaligned64 *)(uintptr_t)at = value;
}

/* Its arguments' own place may end where memory does, or behind.  SP is a multiple of 8, as Go's.
 */
static void go_call(struct maker *m, uint32_t arguments)
{
    uint64_t sp = m->end - CALL_HEAP - 8 * (uint64_t)(1 + arguments + random_below(m, 9));
    if (one_in(m, 4)) {
        sp = m->end - 8 * (uint64_t)(1 + arguments) + (one_in(m, 3) ? 8 * random_below(m, 5) : 0);
        m->last = sp - CALL_FRAME;
    }
    m->call->sp = (uint32_t)sp;
    m->call->cells[0].lo = 0;
}

static void sha256(struct maker *m)
{
    go_call(m, 4);
    uint32_t n = 64 * random_below(m, 12) + (one_in(m, 2) ? random_below(m, 64) : 0);
    argument(m, 0, odd(m, place(m, 32)));
    argument(m, 1, odd(m, place(m, n)));
    const uint64_t count = odd(m, n);
    argument(m, 2, count);
    argument(m, 3, count);
}

/* One byte is counted as a rule; else the body looks for more than there are. */
static void count(struct maker *m, bool is_string)
{
    go_call(m, is_string ? 5 : 7);
    uint32_t n = length(m), one = is_string ? 2 : 3;
    uint64_t p = place(m, n), byte = place(m, 1);
    if (is_inside(m, byte, 1))
        for (uint32_t k = 0; k < n; k += 1 + random_below(m, 40))
            if (is_inside(m, p + k, 1))
                *(uint8_t *)(uintptr_t)(p + k) = *(uint8_t *)(uintptr_t)byte;
    const bool is_one = !one_in(m, 30);
    const uint64_t many = is_one ? odd(m, n) : n;
    const uint64_t few = is_one ? 1 : (1ull + random_below(m, 2)) << 32 | 1;
    argument(m, 0, odd(m, p));
    argument(m, 1, many);
    argument(m, is_string ? one : 2, many);
    argument(m, one, odd(m, byte));
    argument(m, one + 1, few);
    if (!is_string)
        argument(m, one + 2, few);
}

static void count_bytes(struct maker *m)
{
    count(m, false);
}

static void count_string(struct maker *m)
{
    count(m, true);
}

/* Three ranges of words, which often are one, or overlap. */
struct ranges { uint64_t at[3]; uint64_t count; };

static struct ranges ranges(struct maker *m)
{
    struct ranges r = { .count = one_in(m, 4) ? 1 + random_below(m, 40) : 1 + random_below(m, 5) };
    for (uint32_t k = 0; k < 3; k++) {
        r.at[k] = place(m, (uint32_t)r.count * 8);
        if (k && one_in(m, 3))
            r.at[k] = r.at[0] + (one_in(m, 2) ? 0 : random_below(m, 40));
        if (is_inside(m, r.at[k], 8 * r.count))
            for (uint64_t n = 0; n < r.count; n++)
                if (one_in(m, 3)) /* carries go far */
                    ((unaligned64 *)(uintptr_t)r.at[k])[n] = one_in(m, 4) ? 0 : UINT64_MAX;
    }
    return r;
}

static uint64_t word(struct maker *m)
{
    uint64_t high = random_below(m, 1u << 31);
    return one_in(m, 4) ? UINT64_MAX : high << 33 ^ random_below(m, 1u << 31) * 5ull;
}

/* A slice from argument number `first` on. */
static void slice(struct maker *m, uint32_t first, uint64_t at, uint64_t count)
{
    argument(m, first, odd(m, at));
    argument(m, first + 1, count);
    argument(m, first + 2, count);
}

/* One more or less, which some bodies take, and others panic at. */
static uint64_t other(struct maker *m, uint64_t count)
{
    return one_in(m, 30) ? count + 1 : one_in(m, 30) ? count - 1 : count;
}

/* z, x, a word. */
static void add_mul(struct maker *m)
{
    go_call(m, 8);
    struct ranges r = ranges(m);
    slice(m, 0, r.at[0], r.count);
    slice(m, 3, r.at[1], other(m, r.count));
    argument(m, 6, word(m));
}

static void mul_add(struct maker *m)
{
    go_call(m, 9);
    struct ranges r = ranges(m);
    slice(m, 0, r.at[0], r.count);
    slice(m, 3, r.at[1], other(m, r.count));
    argument(m, 6, word(m));
    argument(m, 7, word(m));
}

static void add_mul_to(struct maker *m)
{
    go_call(m, 12);
    struct ranges r = ranges(m);
    for (uint32_t k = 0; k < 3; k++)
        slice(m, 3 * k, r.at[k], k ? other(m, r.count) : r.count);
    argument(m, 9, word(m));
    argument(m, 10, word(m));
}

static void add_mul_count(struct maker *m)
{
    go_call(m, 5);
    struct ranges r = ranges(m);
    argument(m, 0, odd(m, r.at[0]));
    argument(m, 1, odd(m, r.at[1]));
    argument(m, 2, word(m));
    argument(m, 3, one_in(m, 20) ? 0 : odd(m, r.count));
}

/* ---- xor, AES, GCM ---- */

/* A length that only grows: some bodies take a negative one for 2^63 and more. */
static uint64_t large(struct maker *m, uint64_t value)
{
    return one_in(m, 50) ? value + (1ull << 32) : value;
}

/* The other one itself, close to it, or anywhere. */
static uint64_t near(struct maker *m, uint64_t at, uint32_t bytes)
{
    if (one_in(m, 3))
        return at;
    return one_in(m, 3) ? at - 40 + random_below(m, 80) : place(m, bytes);
}

static void xor_bytes(struct maker *m)
{
    go_call(m, 4);
    uint32_t n = length(m);
    uint64_t to = place(m, n);
    for (uint32_t k = 1; k < 3; k++)
        argument(m, k, odd(m, one_in(m, 50) ? 0 : near(m, to, n)));
    argument(m, 0, odd(m, one_in(m, 50) ? 0 : to));
    argument(m, 3, odd(m, n));
}

/* Below the arena, so that nothing else is there: what a call reads beside its ranges. */
static uint64_t *aside(struct maker *m)
{
    return (uint64_t *)(uintptr_t)(m->end - CALL_ARENA - CALL_ASIDE);
}

static uint64_t fill(struct maker *m, uint32_t first, uint32_t words)
{
    uint64_t *at = aside(m) + first;
    for (uint32_t k = 0; k < words; k++)
        at[k] = (uint64_t)random_below(m, 1u << 31) << 33 ^ random_below(m, 1u << 31) * 5ull;
    return (uint64_t)(uintptr_t)at;
}

/* A key: its rounds, then both ways' words.  Few have a number of rounds that none has. */
static uint64_t key(struct maker *m, uint32_t *rounds)
{
    static const uint8_t some[] = {0, 1, 8, 9, 11, 13, 15};
    uint64_t at = fill(m, 0, 61);
    *rounds = 10 + 2 * random_below(m, 3);
    if (one_in(m, 30))
        *rounds = some[random_below(m, sizeof some)];
    aside(m)[0] = *rounds;
    return one_in(m, 50) ? 0 : at;
}

/* A slice of so many bytes from argument `first` on; a few have less than they should.  A length is
 * not far over its capacity: a slice of such a slice stays where it is, and the body goes on. */
static void bytes(struct maker *m, uint32_t first, uint64_t at, uint32_t n)
{
    uint32_t has = one_in(m, 30) ? random_below(m, n + 1) : n + random_below(m, 3);
    argument(m, first, odd(m, at));
    uint64_t count = large(m, has);
    argument(m, first + 1, count);
    uint64_t most = one_in(m, 30) ? random_below(m, has + 1) : count + random_below(m, 20);
    argument(m, first + 2, most);
}

static void aes(struct maker *m)
{
    go_call(m, 7);
    uint32_t rounds;
    argument(m, 0, odd(m, key(m, &rounds)));
    uint64_t to = place(m, 16);
    bytes(m, 1, to, 16);
    bytes(m, 4, near(m, to, 16), 16);
}

static void aes_slice(struct maker *m)
{
    go_call(m, 9);
    uint32_t rounds;
    uint64_t at = key(m, &rounds);
    uint64_t words = 4 * (rounds + 1) + (one_in(m, 30) ? random_below(m, 4) : 0);
    argument(m, 0, odd(m, at ? at + 8 : 0));
    argument(m, 1, words);
    argument(m, 2, words);
    uint64_t to = place(m, 16);
    bytes(m, 3, to, 16);
    bytes(m, 6, near(m, to, 16), 16);
}

/* The counter is often about to be 0 again. */
static void gcm_crypt(struct maker *m)
{
    go_call(m, 8);
    uint32_t rounds, n = length(m);
    argument(m, 0, odd(m, key(m, &rounds)));
    uint64_t to = place(m, n), counter = fill(m, 64, 2);
    if (one_in(m, 3))
        aside(m)[65] |= 0xf0ffffffull << 32;
    bytes(m, 1, to, n);
    bytes(m, 4, near(m, to, n), n);
    if (one_in(m, 10)) /* in what is read or written, or close to it */
        counter = to - 16 + random_below(m, n + 16);
    argument(m, 7, is_inside(m, counter, 16) && !one_in(m, 50) ? counter : 0);
}

/* Of GCM's field: the first word has the lowest powers, the lowest first. */
struct element { uint64_t low, high; };

static struct element doubled(struct element e)
{
    uint64_t out = e.high & 1 ? 0xe1ull << 56 : 0;
    return (struct element){e.low >> 1 ^ out, e.high >> 1 | e.low << 63};
}

/* Multiples of H, numbered by their bits turned around. */
static uint64_t multiples(struct maker *m, uint32_t first)
{
    uint64_t at = fill(m, first, 32);
    struct element *t = (struct element *)(uintptr_t)at;
    t[0] = (struct element){0, 0};
    for (uint32_t bit = 4; bit; bit /= 2)
        t[bit] = doubled(t[2 * bit]);
    for (uint32_t k = 1; k < 16; k++)
        if (k & (k - 1))
            t[k] = (struct element){t[k & (k - 1)].low ^ t[k & -k].low,
                                    t[k & (k - 1)].high ^ t[k & -k].high};
    return at;
}

static void hash_blocks(struct maker *m, uint32_t first)
{
    go_call(m, 5);
    uint32_t n = 16 * random_below(m, 12) + (one_in(m, 20) ? random_below(m, 16) : 0);
    uint64_t at = multiples(m, first), y = fill(m, 64, 2), from = place(m, n);
    if (one_in(m, 20))
        y = from - 16 + random_below(m, n + 32);
    argument(m, 0, one_in(m, 50) ? 0 : odd(m, at - 8 * first));
    argument(m, 1, one_in(m, 50) || !is_inside(m, y, 16) ? 0 : odd(m, y));
    argument(m, 2, odd(m, from));
    uint64_t count = large(m, n);
    argument(m, 3, count);
    argument(m, 4, count);
}

static void ghash(struct maker *m)
{
    hash_blocks(m, 0);
}

static void ghash_member(struct maker *m)
{
    hash_blocks(m, 4);
}

/* The closure: code, the loop's state, y, h. */
static void ghash_block(struct maker *m)
{
    go_call(m, 4);
    uint64_t closure = fill(m, 0, 5), y = fill(m, 64, 2), from = place(m, 16);
    uint64_t *at = (uint64_t *)(uintptr_t)closure;
    if (one_in(m, 20))
        y = from - 16 + random_below(m, 48);
    at[1] = fill(m, 80, 1);
    at[2] = is_inside(m, y, 16) ? odd(m, y) : 0;
    aside(m)[80] = one_in(m, 30) ? random_below(m, 4) : 1;
    m->call->context = closure;
    bytes(m, 0, from, 16);
}

/* ---- CRC-32 ---- */

static uint32_t crc_word(uint32_t crc, uint32_t polynomial)
{
    for (uint32_t k = 0; k < 8; k++)
        crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    return crc;
}

/* Of the two polynomials that have a front, of one that has none, or with another last word. */
static uint64_t crc_tables(struct maker *m)
{
    static const uint32_t polynomials[] = {0xedb88320, 0x82f63b78, 0xeb31d82e};
    uint32_t *t = (uint32_t *)(uintptr_t)(aside(m) + 1024);
    uint32_t kind = one_in(m, 10) ? 2 : random_below(m, 2);
    for (uint32_t k = 0; k < 256; k++)
        t[k] = crc_word(k, polynomials[kind]);
    for (uint32_t k = 256; k < 2048; k++)
        t[k] = t[k - 256] >> 8 ^ t[t[k - 256] & 255];
    if (one_in(m, 30))
        t[2047] ^= 1;
    return (uint64_t)(uintptr_t)t;
}

static void crc32(struct maker *m)
{
    go_call(m, 6);
    uint32_t n = length(m);
    argument(m, 0, random_below(m, 1u << 31) * 3ull);
    argument(m, 1, one_in(m, 50) ? 0 : odd(m, crc_tables(m)));
    argument(m, 2, odd(m, place(m, n)));
    uint64_t count = large(m, n);
    argument(m, 3, count);
    argument(m, 4, count);
    argument(m, 5, 0);
}

/* ---- ranges in each other's place ---- */

/* Which arguments are pointers, by bits; those from bit 8 on are words of the closure.  Not the
 * table of multiples, which would be none. */
static const uint16_t pointers[FRONT_COUNT] = {
    [FRONT_SHA256] = 3,
    [FRONT_COUNT_BYTES] = 9,
    [FRONT_COUNT_STRING] = 5,
    [FRONT_ADD_MUL] = 9,
    [FRONT_ADD_MUL_COUNT] = 3,
    [FRONT_ADD_MUL_TO] = 0x49,
    [FRONT_MUL_ADD] = 9,
    [FRONT_XOR_BYTES] = 7,
    [FRONT_AES_ENCRYPT] = 0x13,
    [FRONT_AES_DECRYPT] = 0x13,
    [FRONT_AES_ENCRYPT_SLICE] = 0x49,
    [FRONT_AES_DECRYPT_SLICE] = 0x49,
    [FRONT_GCM_CRYPT] = 0x93,
    [FRONT_GHASH] = 6,
    [FRONT_GHASH_MEMBER] = 6,
    [FRONT_GHASH_BLOCK] = 0x601,
    [FRONT_CRC32] = 6,
};

/* Where they are; returns how many. */
static uint32_t pointers_of(struct maker *m, enum front what, uint64_t *at[8])
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < 16; k++) {
        uint64_t place = k < 8 ? m->call->sp + 8 + 8 * (uint64_t)k
                               : m->call->context + 8 * (uint64_t)(k - 8);
        if (pointers[what] >> k & 1 && is_inside(m, place, 8))
            at[n++] = (uint64_t *)(uintptr_t)place;
    }
    return n;
}

/* One of the pointers leads close to another one, among the arguments, into the closure, or to the
 * table of call_reduction.  Nothing lies in the body's own frame, below the arguments. */
static void entangle(struct maker *m, enum front what)
{
    uint64_t *at[8], sp = m->call->sp;
    uint32_t n = pointers_of(m, what, at);
    if (!n)
        return;
    uint64_t *one = at[random_below(m, n)], to = *at[random_below(m, n)];
    if (one_in(m, 2))
        to = sp + 8 + random_below(m, 80);
    else if (one_in(m, 3))
        to = m->end - CALL_ARENA - 96 + random_below(m, 80);
    else if (m->call->context && one_in(m, 2))
        to = m->call->context - 16 + random_below(m, 64);
    else
        to = (uint32_t)to + random_below(m, 600) - (one_in(m, 2) ? 32 : 300);
    if (to + CALL_HEAP <= sp || to >= sp + 8)
        *one = to;
}

void call_make(struct call *c, enum front what, uint32_t number, uint8_t *end)
{
    static void (*const makers[])(struct maker *) = {
        [FRONT_SHA256] = sha256,
        [FRONT_MEMEQUAL] = memequal,
        [FRONT_COMPARE] = compare,
        [FRONT_MEMCHR] = memchr_,
        [FRONT_COUNT_BYTES] = count_bytes,
        [FRONT_COUNT_STRING] = count_string,
        [FRONT_ADD_MUL] = add_mul,
        [FRONT_ADD_MUL_COUNT] = add_mul_count,
        [FRONT_ADD_MUL_TO] = add_mul_to,
        [FRONT_MUL_ADD] = mul_add,
        [FRONT_XOR_BYTES] = xor_bytes,
        [FRONT_AES_ENCRYPT] = aes,
        [FRONT_AES_DECRYPT] = aes,
        [FRONT_AES_ENCRYPT_SLICE] = aes_slice,
        [FRONT_AES_DECRYPT_SLICE] = aes_slice,
        [FRONT_GCM_CRYPT] = gcm_crypt,
        [FRONT_GHASH] = ghash,
        [FRONT_GHASH_MEMBER] = ghash_member,
        [FRONT_GHASH_BLOCK] = ghash_block,
        [FRONT_CRC32] = crc32,
    };
    struct maker m = {.random = number * 0x9e3779b97f4a7c15u,
                      .end = (uint64_t)(uintptr_t)end,
                      .last = (uint64_t)(uintptr_t)end,
                      .call = c};
    *c = (struct call){.sp = 0};
    random_below(&m, 2);
    for (uint8_t *at = end - CALL_ARENA; at < end; at += 8) {
        m.random = m.random * 6364136223846793005u + 1442695040888963407u;
        *(unaligned64 *)at = m.random ^ m.random >> 29;
    }
    makers[what](&m);
    if (one_in(&m, 4))
        entangle(&m, what);
}

void call_reduction(uint64_t slice, uint8_t *end)
{
    uint16_t *table = (uint16_t *)(uintptr_t)(end - CALL_ARENA - 64);
    for (uint32_t k = 0; k < 16; k++) {
        table[k] = 0;
        for (uint32_t bit = 0; bit < 4; bit++)
            table[k] ^= k >> bit & 1 ? 0xe100 >> (3 - bit) : 0;
    }
    ((uint64_t *)(uintptr_t)slice)[0] = (uint64_t)(uintptr_t)table;
    ((uint64_t *)(uintptr_t)slice)[1] = 16;
}
