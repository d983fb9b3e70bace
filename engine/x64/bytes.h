/* The CPU's own block moves, for ranges of some KiB.  The direction flag is clear, as the ABI
 * demands. */
#ifndef ENGINE_X64_BYTES_H
#define ENGINE_X64_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void bytes_move_up(uint8_t *dst, const uint8_t *src, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static inline void bytes_fill(uint8_t *dst, uint8_t byte, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(dst), "+c"(n) : "a"(byte) : "memory");
}

#endif
