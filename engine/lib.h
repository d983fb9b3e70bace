/* Memory functions of the engine, which has no libc: moves, fills, comparison.
 *
 * Addresses may be 0 (linear memory 0 in the guest), so nothing here may be the compiler's built-in of that name, which
 * promises non-null pointers.  Ranges must be readable and writable as a whole; nothing is checked here. */
#ifndef ENGINE_LIB_H
#define ENGINE_LIB_H

#include "engine/x64/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A broken promise of our own: stop where it is. */
#define ENGINE_ASSERT(what) ((what) ? (void)0 : __builtin_trap())

/* From here on the CPU's block moves are faster than 64 bytes a turn. */
#define BYTES_MANY 2048

typedef uint64_t unaligned64 __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned32 __attribute__((aligned(1), may_alias));
typedef uint16_t unaligned16 __attribute__((aligned(1), may_alias));
typedef uint64_t wide __attribute__((vector_size(16), aligned(1), may_alias));
struct wide4 { wide part[4]; };

static inline struct wide4 wide4_load(const uint8_t *at)
{
    const wide *from = (const wide *)at;
    return (struct wide4){ { from[0], from[1], from[2], from[3] } };
}

static inline void wide4_store(uint8_t *at, struct wide4 value)
{
    wide *to = (wide *)at;
    for (int i = 0; i < 4; i++)
        to[i] = value.part[i];
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

/* memmove. */
static inline void mem_move(uint8_t *dst, const uint8_t *src, size_t n)
{
    if (n <= 64) {
        mem_move_few(dst, src, n);
    } else if ((uintptr_t)dst - (uintptr_t)src >= n) { /* upwards no byte is overwritten before it is read */
        if (n >= BYTES_MANY && (uintptr_t)src - (uintptr_t)dst >= 64) { /* closer than that, the CPU is slow */
            bytes_move_up(dst, src, n);
            return;
        }
        struct wide4 tail = wide4_load(src + n - 64);
        for (size_t i = 0; i < n - 64; i += 64)
            wide4_store(dst + i, wide4_load(src + i));
        wide4_store(dst + n - 64, tail);
    } else {
        struct wide4 head = wide4_load(src);
        for (size_t i = n; i > 64; i -= 64)
            wide4_store(dst + i - 64, wide4_load(src + i - 64));
        wide4_store(dst, head);
    }
}

/* memset. */
static inline void mem_fill(uint8_t *dst, uint8_t byte, size_t n)
{
    uint64_t eight = byte * 0x0101010101010101ull;
    if (n >= BYTES_MANY) {
        bytes_fill(dst, byte, n);
    } else if (n >= 16) {
        wide all = { eight, eight };
        for (size_t i = 0; i < n - 16; i += 16)
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
