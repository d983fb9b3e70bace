/* Constants of 16 bytes: the table. */
#include "engine/x64/constants.h"
#include "engine/x64/target.h"

/* clang-format off */
#define BOTH(x) { x, x }
#define BYTES(x) BOTH(UINT64_C(0x0101010101010101) * (x))
static const struct cell constants[KV_COUNT] = {
    [K_ABS64] = {0x7fffffffffffffff, 0}, [K_ABS32] = {0x7fffffff, 0},
    [K_SIGN64] = {0x8000000000000000, 0},
    [K_SIGN32] = {0x80000000, 0}, [K_TWO63] = {0x43e0000000000000, 0}, [K_TWO63F] = {0x5f000000, 0},
    [KV_SIGN8] = BYTES(0x80), [KV_SIGN16] = BOTH(0x8000800080008000),
    [KV_SIGN32] = BOTH(0x8000000080000000),
    [KV_SIGN64] = BOTH(0x8000000000000000), [KV_ABS32] = BOTH(0x7fffffff7fffffff),
    [KV_ABS64] = BOTH(0x7fffffffffffffff),
    [KV_ONE8] = BYTES(1), [KV_ONE16] = BOTH(0x0001000100010001),
    [KV_TWO16] = BOTH(0x0001000000010000),
    [KV_0F] = BYTES(0x0f), [KV_33] = BYTES(0x33), [KV_55] = BYTES(0x55), [KV_70] = BYTES(0x70),
    [KV_TWO31F] = BOTH(0x4f0000004f000000), [KV_TWO52] = BOTH(0x4330000000000000),
    [KV_TWO52_HIGH] = BOTH(0x4330000043300000),
    [KV_MAX_I32] = BOTH(0x41dfffffffc00000), [KV_MAX_U32] = BOTH(0x41efffffffe00000),
    [KV_LOW_BITS] = BYTES(0xff), BYTES(0x7f), BYTES(0x3f), BYTES(0x1f), BYTES(0x0f), BYTES(7),
    BYTES(3), BYTES(1),
    [KV_SIGN_BIT] = BYTES(0x80), BYTES(0x40), BYTES(0x20), BYTES(0x10), BYTES(8), BYTES(4),
    BYTES(2), BYTES(1),
};
#undef BYTES
#undef BOTH
/* clang-format on */

_Static_assert(sizeof constants == CONSTANT_BYTES, "x64/target.h says how many bytes");

void constants_fill(struct cell *at)
{
    for (unsigned k = 0; k < KV_COUNT; k++)
        at[k] = constants[k];
}
