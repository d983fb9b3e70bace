/* What the host's CPU can do.  The C library asked `cpuid` at its own start; here it is not asked
 * again, because each `cpuid` is an exit of 8 us and more where this machine is itself a virtual
 * one.
 *
 * The words count for the guest too: SSE4, POPCNT, LZCNT, BMI cannot be switched off by a
 * hypervisor. */
#include <sys/platform/x86.h>

#include "vmm/machine/inside.h"

uint32_t features_host(void)
{
    uint32_t bits = 0;
#define FEATURE(ours, theirs) \
    if (CPU_FEATURE_PRESENT(theirs)) \
        bits |= ours
    FEATURE(CPU_SSSE3, SSSE3);
    FEATURE(CPU_SSE41, SSE4_1);
    FEATURE(CPU_SSE42, SSE4_2);
    FEATURE(CPU_POPCNT, POPCNT);
    FEATURE(CPU_LZCNT, LZCNT);
    FEATURE(CPU_BMI1, BMI1);
    FEATURE(CPU_BMI2, BMI2);
    FEATURE(CPU_AVX, AVX);
    FEATURE(CPU_SHA, SHA);
    FEATURE(CPU_AES, AES);
    FEATURE(CPU_PCLMUL, PCLMULQDQ);
#undef FEATURE
    if (!CPU_FEATURE_ACTIVE(AVX))
        bits &= ~(uint32_t)CPU_AVX;
    return bits;
}

/* 36 is what every 64-bit CPU has, and enough for ram.c's layout. */
unsigned features_physical_bits(void)
{
    unsigned bits = __x86_get_cpuid_feature_leaf(CPUID_INDEX_80000008)->cpuid_array[0] & 0xff;
    return bits < 36 ? 36 : bits;
}

bool features_pkru(void)
{
    return CPU_FEATURE_ACTIVE(PKU);
}
