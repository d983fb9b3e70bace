/* Constants of 16 bytes that code reaches by address; each engine has them in its own heap. */
#ifndef ENGINE_X64_CONSTANTS_H
#define ENGINE_X64_CONSTANTS_H

enum scalar_constant {
    K_ABS64,
    K_ABS32,
    K_SIGN64,
    K_SIGN32,
    K_TWO63,
    K_TWO63F,
    K_COUNT
};
enum vec_constant {
    KV_SIGN8 = K_COUNT,
    KV_SIGN16,
    KV_SIGN32,
    KV_SIGN64,
    KV_ABS32,
    KV_ABS64,
    KV_ONE8,
    KV_ONE16,
    KV_TWO16,
    KV_0F,
    KV_33,
    KV_55,
    KV_70,
    KV_TWO31F,
    KV_TWO52,
    KV_TWO52_HIGH, /* the upper half of 2^52, in each half */
    KV_MAX_I32,    /* as doubles */
    KV_MAX_U32,
    KV_LOW_BITS,                   /* eight: every byte 0xff >> n */
    KV_SIGN_BIT = KV_LOW_BITS + 8, /* eight: every byte 0x80 >> n */
    KV_COUNT = KV_SIGN_BIT + 8
};

#endif
