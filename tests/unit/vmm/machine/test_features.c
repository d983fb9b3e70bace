/* What the host's CPU can do (features.c), with a C library that found other CPUs. */
#include <sys/platform/x86.h> /* before <cmocka.h>: it has inline functions */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

#define LEAVES 16
static struct cpuid_feature leaves[LEAVES];

const struct cpuid_feature *__x86_get_cpuid_feature_leaf(unsigned leaf)
{
    assert_in_range(leaf, 0, LEAVES - 1);
    return &leaves[leaf];
}

static int setup(void **state)
{
    (void)state;
    memset(leaves, 0, sizeof leaves);
    return 0;
}

static void has(unsigned index, bool active)
{
    struct cpuid_feature *leaf = &leaves[index / 128];
    leaf->cpuid_array[index % 128 / 32] |= 1u << index % 32;
    if (active)
        leaf->active_array[index % 128 / 32] |= 1u << index % 32;
}

/* Each by itself; of AVX the kernel must know, too. */
static void test_each_feature(void **state)
{
    static const struct { unsigned index; uint32_t bit; } rows[] = {
        { x86_cpu_SSSE3, CPU_SSSE3 },   { x86_cpu_SSE4_1, CPU_SSE41 },
        { x86_cpu_SSE4_2, CPU_SSE42 },  { x86_cpu_POPCNT, CPU_POPCNT },
        { x86_cpu_LZCNT, CPU_LZCNT },   { x86_cpu_BMI1, CPU_BMI1 },
        { x86_cpu_BMI2, CPU_BMI2 },     { x86_cpu_AVX, CPU_AVX },
        { x86_cpu_SHA, CPU_SHA },       { x86_cpu_AES, CPU_AES },
        { x86_cpu_PCLMULQDQ, CPU_PCLMUL },
    };
    assert_int_equal(features_host(), 0);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        setup(state);
        has(rows[k].index, true);
        assert_int_equal(features_host(), rows[k].bit);
        setup(state);
        has(rows[k].index, false);
        assert_int_equal(features_host(), rows[k].bit & ~(uint32_t)CPU_AVX);
    }
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        has(rows[k].index, rows[k].bit != CPU_AVX);
    assert_int_equal(features_host() & CPU_AVX, 0);
    assert_true(features_host() & CPU_SHA);
}

/* 36 bits at least; what stands above the byte is another figure. */
static void test_physical_bits(void **state)
{
    static const struct { unsigned eax, bits; } rows[] = {
        { 0, 36 }, { 35, 36 }, { 36, 36 }, { 37, 37 }, { 46, 46 }, { 48 << 8 | 52, 52 },
        { 1u << 31 | 39, 39 }, { 255, 255 },
    };
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        leaves[CPUID_INDEX_80000008].cpuid_array[0] = rows[k].eax;
        assert_int_equal(features_physical_bits(), rows[k].bits);
    }
}

static void test_pkru(void **state)
{
    (void)state;
    assert_false(features_pkru());
    has(x86_cpu_PKU, false); /* the kernel did not switch it on */
    assert_false(features_pkru());
    has(x86_cpu_PKU, true);
    assert_true(features_pkru());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_feature, setup),
        cmocka_unit_test_setup(test_physical_bits, setup),
        cmocka_unit_test_setup(test_pkru, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
