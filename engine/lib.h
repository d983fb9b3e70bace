/* Memory functions of the engine, which has no libc: moves, fills, comparison.
 *
 * Addresses may be 0 (linear memory 0 in the guest), so nothing here may be the compiler's built-in
 * of that name, which promises non-null pointers.  Ranges must be readable and writable as a whole;
 * nothing is checked here. */
#ifndef ENGINE_LIB_H
#define ENGINE_LIB_H

#include "engine/assert.h"
#include "engine/x64/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From here on the CPU's block moves are faster than 64 bytes a turn. */
#define BYTES_MANY 1024

typedef uint64_t unaligned64 __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned32 __attribute__((aligned(1), may_alias));
typedef uint16_t unaligned16 __attribute__((aligned(1), may_alias));
typedef uint64_t wide __attribute__((vector_size(16), aligned(1), may_alias));

/* 64 bytes, all loaded before the first is stored. */
static inline void wide4_move(uint8_t *dst, const uint8_t *src)
{
    wide a = *(const wide *)src, b = *(const wide *)(src + 16);
    wide c = *(const wide *)(src + 32), d = *(const wide *)(src + 48);
    *(wide *)dst = a;
    *(wide *)(dst + 16) = b;
    *(wide *)(dst + 32) = c;
    *(wide *)(dst + 48) = d;
}

/* Up to 64 bytes: a head and a tail that may overlap, both loaded before either is stored. */
static inline void mem_move_few(uint8_t *dst, const uint8_t *src, size_t n)
{
    if (n > 32) {
        wide a = *(const wide *)src, b = *(const wide *)(src + 16);
        wide c = *(const wide *)(src + n - 32), d = *(const wide *)(src + n - 16);
        *(wide *)dst = a;
        *(wide *)(dst + 16) = b;
        *(wide *)(dst + n - 32) = c;
        *(wide *)(dst + n - 16) = d;
    } else if (n >= 16) {
        wide a = *(const wide *)src, b = *(const wide *)(src + n - 16);
        *(wide *)dst = a;
        *(wide *)(dst + n - 16) = b;
    } else if (n >= 8) {
        uint64_t a = *(const unaligned64 *)src, b = *(const unaligned64 *)(src + n - 8);
        *(unaligned64 *)dst = a;
        *(unaligned64 *)(dst + n - 8) = b;
    } else if (n >= 4) {
        uint32_t a = *(const unaligned32 *)src, b = *(const unaligned32 *)(src + n - 4);
        *(unaligned32 *)dst = a;
        *(unaligned32 *)(dst + n - 4) = b;
    } else if (n >= 2) {
        uint16_t a = *(const unaligned16 *)src, b = *(const unaligned16 *)(src + n - 2);
        *(unaligned16 *)dst = a;
        *(unaligned16 *)(dst + n - 2) = b;
    } else if (n == 1) {
        *dst = *src;
    }
}

/* More than 64 bytes, lowest first: the last 64 are loaded before anything is stored. */
static inline void mem_move_up(uint8_t *dst, const uint8_t *src, size_t n)
{
    const uint8_t *tail = src + n - 64;
    wide a = *(const wide *)tail, b = *(const wide *)(tail + 16);
    wide c = *(const wide *)(tail + 32), d = *(const wide *)(tail + 48);
    for (size_t i = 0; i < n - 64; i += 64)
        wide4_move(dst + i, src + i);
    *(wide *)(dst + n - 64) = a;
    *(wide *)(dst + n - 48) = b;
    *(wide *)(dst + n - 32) = c;
    *(wide *)(dst + n - 16) = d;
}

/* The same, highest first. */
static inline void mem_move_down(uint8_t *dst, const uint8_t *src, size_t n)
{
    wide a = *(const wide *)src, b = *(const wide *)(src + 16);
    wide c = *(const wide *)(src + 32), d = *(const wide *)(src + 48);
    for (size_t i = n; i > 64; i -= 64)
        wide4_move(dst + i - 64, src + i - 64);
    *(wide *)dst = a;
    *(wide *)(dst + 16) = b;
    *(wide *)(dst + 32) = c;
    *(wide *)(dst + 48) = d;
}

/* memmove. */
static inline void mem_move(uint8_t *dst, const uint8_t *src, size_t n)
{
    if (n <= 64)
        mem_move_few(dst, src, n);
    /* upwards bytes would be overwritten before they are read */
    else if ((uintptr_t)dst - (uintptr_t)src < n)
        mem_move_down(dst, src, n);
    /* closer than that, the CPU is slow */
    else if (n >= BYTES_MANY && (uintptr_t)src - (uintptr_t)dst >= 64)
        bytes_move_up(dst, src, n);
    else
        mem_move_up(dst, src, n);
}

/* memset. */
static inline void mem_fill(uint8_t *dst, uint8_t byte, size_t n)
{
    uint64_t eight = byte * 0x0101010101010101ull;
    if (n >= BYTES_MANY) {
        bytes_fill(dst, byte, n);
    } else if (n >= 16) {
        wide all = { eight, eight };
        size_t i = 0;
        for (; i + 64 < n; i += 64) {
            *(wide *)(dst + i) = all;
            *(wide *)(dst + i + 16) = all;
            *(wide *)(dst + i + 32) = all;
            *(wide *)(dst + i + 48) = all;
        }
        for (; i < n - 16; i += 16)
            *(wide *)(dst + i) = all;
        *(wide *)(dst + n - 16) = all;
    } else if (n >= 8) {
        *(unaligned64 *)dst = eight;
        *(unaligned64 *)(dst + n - 8) = eight;
    } else if (n >= 4) {
        *(unaligned32 *)dst = (uint32_t)eight;
        *(unaligned32 *)(dst + n - 4) = (uint32_t)eight;
    } else {
        for (size_t i = 0; i < n; i++)
            dst[i] = byte;
    }
}

static inline bool mem_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

#endif
