/* Kernels that a compiler turns into vector instructions with -msimd128, and that give the same
 * bits without: integers wrap, saturate, widen and narrow; floating point is added in the order of
 * the source.  Prints a sum of each. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N 1031

static uint8_t a8[N], b8[N], c8[N];
static int16_t a16[N], b16[N], c16[N];
static int32_t a32[N], b32[N], c32[N];
static uint64_t a64[N], b64[N], c64[N];
static float af[N], bf[N], cf[N];
static double ad[N], bd[N], cd[N];

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        a8[i] = (uint8_t)random64(), b8[i] = (uint8_t)random64();
        a16[i] = (int16_t)random64(), b16[i] = (int16_t)random64();
        a32[i] = (int32_t)random64(), b32[i] = (int32_t)random64();
        a64[i] = random64(), b64[i] = random64();
        af[i] = (float)(int32_t)random64() / 65536, bf[i] = (float)(int32_t)random64() / 4096;
        ad[i] = (double)(int64_t)random64() / 65536, bd[i] = (double)(int64_t)random64() / 4096;
    }
}

static void show(const char *name, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    printf("%-12s %016llx\n", name, (unsigned long long)hash);
}
#define EACH(name, out, expression) \
    do { \
        for (int i = 0; i < N; i++) \
            out[i] = expression; \
        show(name, out, sizeof out); \
    } while (0)

static int16_t clamp16(int32_t v)
{
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

static uint8_t clamp8(int v)
{
    return (uint8_t)(v > 255 ? 255 : v < 0 ? 0 : v);
}

static int32_t rounded(float v)
{
    return v >= 2147483648.0f ? INT32_MAX : v <= -2147483648.0f ? INT32_MIN : (int32_t)v;
}

int main(void)
{
    int64_t dot = 0;
    uint32_t sum = 0;
    fill();
    EACH("add8", c8, (uint8_t)(a8[i] + b8[i]));
    EACH("add8 sat", c8, clamp8(a8[i] + b8[i]));
    EACH("sub8 sat", c8, clamp8(a8[i] - b8[i]));
    EACH("average", c8, (uint8_t)((a8[i] + b8[i] + 1) / 2));
    EACH("max8", c8, a8[i] > b8[i] ? a8[i] : b8[i]);
    EACH("popcount", c8, (uint8_t)__builtin_popcount(a8[i]));
    EACH("select", c8, a8[i] & 16 ? b8[i] : (uint8_t)~a8[i]);
    EACH("mul16", c16, (int16_t)(a16[i] * b16[i]));
    EACH("add16 sat", c16, clamp16(a16[i] + b16[i]));
    EACH("narrow", c16, clamp16(a32[i] >> 12));
    EACH("q15", c16, clamp16((a16[i] * b16[i] + 0x4000) >> 15));
    EACH("shift32", c32, (int32_t)((uint32_t)a32[i] << 7) >> 3);
    EACH("min32", c32, a32[i] < b32[i] ? a32[i] : b32[i]);
    EACH("abs32", c32, a32[i] < 0 ? (int32_t)(0u - (uint32_t)a32[i]) : a32[i]);
    EACH("widen", c32, (int32_t)a16[i] * b16[i]);
    EACH("mul64", c64, a64[i] * b64[i]);
    EACH("shift64", c64, a64[i] >> 11 ^ a64[i] << 5);
    EACH("wide", c64, (uint64_t)(uint32_t)a32[i] * (uint32_t)b32[i]);
    EACH("addf", cf, af[i] + bf[i]);
    EACH("divf", cf, af[i] / bf[i]);
    EACH("sqrtf", cf, sqrtf(fabsf(af[i])));
    EACH("floorf", cf, floorf(af[i]) + ceilf(bf[i]) + truncf(af[i]));
    EACH("minf", cf, af[i] < bf[i] ? af[i] : bf[i]);
    EACH("to int", c32, rounded(af[i] * 100));
    EACH("from int", cf, (float)a32[i]);
    EACH("muld", cd, ad[i] * bd[i] - ad[i]);
    EACH("nearest", cd, rint(ad[i]));
    EACH("promote", cd, (double)af[i]);
    EACH("demote", cf, (float)ad[i]);
    for (int i = 0; i < N; i++) {
        dot += a16[i] * b16[i];
        sum += a8[i] ^ b8[i];
    }
    show("dot", &dot, sizeof dot);
    show("sum", &sum, sizeof sum);
    printf("%d %d\n", (int)strlen("how long is this"), memcmp(a8, b8, N) != 0);
    return 0;
}
