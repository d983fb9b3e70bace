/* The functions that compilers emit calls to, in a program that has no C library.
 *
 * Short code, not speed: the engine moves the module's memory by functions of its own
 * (engine/lib.h). */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *string);
int __popcountdi2(uint64_t value);

void *memcpy(void *dst, const void *src, size_t n)
{
    void *at = dst;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(src), "+c"(n) : : "memory");
    return dst;
}

/* Where dst lies inside [src, src + n), from the last byte down. */
void *memmove(void *dst, const void *src, size_t n)
{
    if ((uintptr_t)dst - (uintptr_t)src >= n)
        return memcpy(dst, src, n);
    uint8_t *to = (uint8_t *)dst + n - 1;
    const uint8_t *from = (const uint8_t *)src + n - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory", "cc");
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    void *at = dst;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* The barrier keeps the loop from being recognized as a call to strlen. */
size_t strlen(const char *string)
{
    size_t len = 0;
    for (; string[len]; len++)
        __asm__ volatile("");
    return len;
}

/* libgcc's, for CPUs that are not known to have the instruction. */
int __popcountdi2(uint64_t value)
{
    value -= value >> 1 & 0x5555555555555555;
    value = (value & 0x3333333333333333) + (value >> 2 & 0x3333333333333333);
    return (int)(((value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}
