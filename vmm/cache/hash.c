/* Hashes: SHA-256 (FIPS 180-4) by which a module is known, and a sum against accidents. */
#include <immintrin.h>
#include <string.h>

#include "vmm/cache/cache.h"

#define BLOCK 64

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turned(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

static void schedule(const uint8_t *block, uint32_t w[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = big_endian(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];
        w[t] = w[t - 16] + w[t - 7] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) +
               (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
}

static void block_plain(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], v[8];
    schedule(block, w);
    memcpy(v, state, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one = v[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + rounds[t] + w[t];
        uint32_t two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void blocks_plain(uint32_t state[8], const uint8_t *at, size_t blocks)
{
    for (; blocks; blocks--, at += BLOCK)
        block_plain(state, at);
}

/* By the CPU's own instructions, four rounds a turn; they keep the state as ABEF and CDGH (Intel
 * SDM, SHA256RNDS2). */
__attribute__((target("sha,sse4.1"))) static void blocks_sha(uint32_t state[8], const uint8_t *at,
                                                             size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const uint32_t *s = state;
    __m128i abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
    __m128i cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
    for (; blocks; blocks--, at += BLOCK) {
        __m128i w[4], abef0 = abef, cdgh0 = cdgh;
        for (int t = 0; t < 16; t++) {
            __m128i *now = &w[t & 3], before = w[(t + 3) & 3];
            if (t < 4) {
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + 16 * t)), swap);
            } else {
                __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(t + 1) & 3]),
                                            _mm_alignr_epi8(before, w[(t + 2) & 3], 4));
                *now = _mm_sha256msg2_epu32(sum, before);
            }
            __m128i k = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(rounds + 4 * t)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    uint32_t one[4], two[4];
    _mm_storeu_si128((__m128i *)one, abef);
    _mm_storeu_si128((__m128i *)two, cdgh);
    const uint32_t out[8] = {one[3], one[2], two[3], two[2], one[1], one[0], two[1], two[0]};
    memcpy(state, out, sizeof out);
}

static signed char cpu_sha = -1; /* atomic; not yet asked: cpuid may be an exit of its own */

static bool cpu_has_sha(void)
{
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b >> 29 & 1 && __builtin_cpu_supports("sse4.1");
}

void hash_of(const void *bytes, size_t n, struct hash *out)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t last[2 * BLOCK] = {0};
    size_t whole = n / BLOCK, left = n % BLOCK, ends = left + 9 <= BLOCK ? 1 : 2;
    signed char has = __atomic_load_n(&cpu_sha, __ATOMIC_RELAXED);
    if (has < 0)
        __atomic_store_n(&cpu_sha, has = cpu_has_sha(), __ATOMIC_RELAXED);
    void (*blocks)(uint32_t *, const uint8_t *, size_t) = has ? blocks_sha : blocks_plain;
    blocks(state, bytes, whole);
    if (left)
        memcpy(last, (const uint8_t *)bytes + whole * BLOCK, left);
    last[left] = 0x80;
    uint64_t bits = __builtin_bswap64((uint64_t)n * 8);
    memcpy(last + ends * BLOCK - sizeof bits, &bits, sizeof bits);
    blocks(state, last, ends);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(state[i]);
        memcpy(out->bytes + 4 * i, &word, sizeof word);
    }
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- sums ---- */

__attribute__((target("sse4.2"))) static void sum_fast(uint32_t lane[4], const uint8_t *at,
                                                       size_t n)
{
    uint64_t a = lane[0], b = lane[1], c = lane[2], d = lane[3], w[4];
    for (; n; n -= sizeof w, at += sizeof w) {
        memcpy(w, at, sizeof w);
        a = _mm_crc32_u64(a, w[0]);
        b = _mm_crc32_u64(b, w[1]);
        c = _mm_crc32_u64(c, w[2]);
        d = _mm_crc32_u64(d, w[3]);
    }
    lane[0] = (uint32_t)a, lane[1] = (uint32_t)b, lane[2] = (uint32_t)c, lane[3] = (uint32_t)d;
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    return crc;
}

static void sum_slow(uint32_t lane[4], const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        lane[i / 8 % 4] = crc_byte(lane[i / 8 % 4], at[i]);
}

uint32_t sum_of(const void *bytes, size_t n)
{
    uint32_t lane[4] = {1, 2, 3, 4}; /* a sum of zeros is not zero */
    if (__builtin_cpu_supports("sse4.2"))
        sum_fast(lane, bytes, n);
    else
        sum_slow(lane, bytes, n);
    return lane[0] ^ (lane[1] << 8 | lane[1] >> 24) ^ (lane[2] << 16 | lane[2] >> 16) ^
           (lane[3] << 24 | lane[3] >> 8);
}
