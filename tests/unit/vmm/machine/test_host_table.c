/* Host functions as data (host_table.c): which are taken, which are refused in which words, and
 * what the guest's linker is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/machine/inside.h"

static struct host_table table;
static char why[200];

static int setup(void **state)
{
    (void)state;
    table = (struct host_table){0};
    memset(why, 0, sizeof why);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_free(&table);
    assert_true(table.entries == NULL && table.n == 0);
    return 0;
}

static int answer(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    (void)data, (void)call, (void)args, (void)result;
    return 0;
}

static bool add(const char *module, const char *name, const char *sig)
{
    const struct wasmvm_func func = {.module = module, .name = name, .sig = sig, .fn = answer};
    return host_add(&table, &func, "the host", false, why);
}

static void test_signatures(void **state)
{
    static const char *const good[] = {":", "i:", ":i", "iIfF:F", ":I", ":f"};
    static const char *const bad[] = {"",    "i",    "i:ii", ":v", "v:",
                                      "r:i", "i:i:", "i:i ", " :", "x:"};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    char most[HOST_PARAMS_MAX + 3];
    (void)state;
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++)
        assert_true(add("m", names[k], good[k]));
    assert_int_equal(table.n, sizeof good / sizeof good[0]);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_false(add("m", "bad", bad[k]));
        assert_non_null(strstr(why, "m.bad: a function needs a module, a name, code, and"));
    }
    for (size_t n = HOST_PARAMS_MAX - 1; n <= HOST_PARAMS_MAX + 1; n++) {
        memset(most, 'i', n);
        strcpy(most + n, ":");
        assert_int_equal(add("n", names[n % 6], most), n <= HOST_PARAMS_MAX);
    }
}

static void test_what_is_missing(void **state)
{
    (void)state;
    assert_false(add(NULL, "f", ":"));
    assert_non_null(strstr(why, "?.f: "));
    assert_false(add("m", NULL, ":"));
    assert_non_null(strstr(why, "m.?: "));
    assert_false(add("m", "f", NULL));
    const struct wasmvm_func codeless = {.module = "m", .name = "f", .sig = ":"};
    assert_false(host_add(&table, &codeless, "the host", false, why));
    assert_int_equal(table.n, 0);
}

static void test_names_that_are_taken(void **state)
{
    static const char *const reserved[] = {"wasi_snapshot_preview1", "wasi_unstable", "gojs"};
    (void)state;
    for (int k = 0; k < 3; k++) {
        assert_false(add(reserved[k], "f", ":"));
        assert_non_null(strstr(why, "the module's name is reserved"));
    }
    assert_true(add("wasi_snapshot_preview2", "f", ":"));
    assert_true(add("m", "f", "i:"));
    assert_true(add("m", "f", ":")); /* the first one counts */
    assert_true(add("m", "g", ":"));
    assert_true(add("n", "f", ":"));
    assert_int_equal(table.n, 4);
    assert_string_equal(table.entries[1].func.sig, "i:");
}

static void test_many(void **state)
{
    static char names[40][12];
    (void)state;
    for (int k = 0; k < 40; k++) {
        const struct wasmvm_func func = {.module = "m", .name = names[k], .sig = ":", .fn = answer};
        snprintf(names[k], sizeof names[k], "%d", k);
        assert_true(host_add(&table, &func, k % 2 ? "odd" : "even", k % 3 == 0, why));
        assert_int_equal(table.n, k + 1);
        assert_true(table.n <= table.cap);
    }
    for (int k = 0; k < 40; k++) {
        assert_ptr_equal(table.entries[k].func.name, names[k]);
        assert_string_equal(table.entries[k].provider, k % 2 ? "odd" : "even");
        assert_int_equal(table.entries[k].one_thread, k % 3 == 0);
    }
}

/* Each text once, with its NUL, right behind the table: what host_bytes said is what is written. */
static void test_what_the_guest_reads(void **state)
{
    enum { OFFSET = 16 };
    static const char texts[] = "m\0f\0i:I\0the host\0longer\0g\0:\0the host";
    (void)state;
    assert_int_equal(host_bytes(&table), 0);
    assert_true(add("m", "f", "i:I") && add("longer", "g", ":"));
    const size_t heads = 2 * sizeof(struct host_import);
    assert_int_equal(host_bytes(&table), heads + sizeof texts);
    uint8_t *control = malloc(OFFSET + host_bytes(&table)); /* to the byte: ASan looks */
    memset(control, 0xee, OFFSET);
    host_write(&table, control, OFFSET);
    assert_memory_equal(control + OFFSET + heads, texts, sizeof texts);
    const struct host_import *import = (const struct host_import *)(control + OFFSET);
    assert_string_equal((char *)control + import[1].module_off, "longer");
    assert_string_equal((char *)control + import[1].name_off, "g");
    assert_string_equal((char *)control + import[0].sig_off, "i:I");
    assert_string_equal((char *)control + import[1].provider_off, "the host");
    for (int k = 0; k < OFFSET; k++)
        assert_int_equal(control[k], 0xee);
    free(control);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_signatures),
        CASE(test_what_is_missing),
        CASE(test_names_that_are_taken),
        CASE(test_many),
        CASE(test_what_the_guest_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
