/* A module kept alive (instance.c): exports that are looked up, values that go in and come out,
 * limits of calls, and a guest that ends in one. */
#include "tests/unit/vmm/lib/double.h"

/* ---- a module kept alive ---- */

static void initialize(void)
{
    make();
    run_ends = (struct end){.kind = ENDED_NOT};
    assert_int_equal(wasmvm_initialize(i, &error), WASMVM_OK);
    assert_int_equal(i->state, STATE_ALIVE);
    assert_string_equal(record, "build wasi open start");
    record[0] = 0;
}

static const wasmvm_export *look_up(const char *name, const char *sig)
{
    const wasmvm_export *e = NULL;
    guest.sig = sig;
    assert_int_equal(wasmvm_lookup(i, name, &e, &error), WASMVM_OK);
    assert_string_equal(wasmvm_export_sig(e), sig);
    return e;
}

static void test_what_is_not_alive(void **state)
{
    const wasmvm_export *e;
    (void)state;
    make();
    assert_int_equal(wasmvm_lookup(i, "f", &e, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, "prog.wasm: the instance was not initialized");
    assert_int_equal(wasmvm_prepare(i, &error), WASMVM_OK);
    assert_int_equal(wasmvm_lookup(i, "f", &e, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, "prog.wasm: the instance was not initialized");
    state_set(i, STATE_STARTED);
    assert_int_equal(wasmvm_lookup(i, "f", &e, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, "prog.wasm: the instance runs");
    state_set(i, STATE_PREPARED);
    assert_int_equal(wasmvm_initialize(i, &error), WASMVM_E_EXIT); /* run_ends: it ended at once */
    assert_string_equal(record, "build wasi open start shut close no-tmp");
    assert_int_equal(wasmvm_lookup(i, "f", &e, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, "prog.wasm: the instance is over");
    assert_int_equal(asked.finds, 0);
}

static void test_exports_are_found_once(void **state)
{
    const wasmvm_export *again;
    (void)state;
    initialize();
    const wasmvm_export *e = look_up("add", "iI:f"), *other = look_up("sub", ":");
    assert_int_equal(asked.finds, 2);
    assert_true(e != other);
    assert_int_equal(wasmvm_lookup(i, "add", &again, &error), WASMVM_OK);
    assert_ptr_equal(again, e);
    assert_int_equal(asked.finds, 2);
    guest.found = WASMVM_NO_EXPORT;
    assert_int_equal(wasmvm_lookup(i, "none", &again, &error), WASMVM_E_NO_EXPORT);
    assert_string_equal(error.text, "prog.wasm exports no function none");
    guest.found = WASMVM_BAD_TYPE;
    assert_int_equal(wasmvm_lookup(i, "wide", &again, &error), WASMVM_E_TYPE);
    assert_string_equal(error.text,
                        "prog.wasm: the function wide has more values than can be given");
    assert_int_equal(i->state, STATE_ALIVE);
    wasmvm_instance_free(i);
    i = NULL;
    assert_string_equal(record, "stop shut close no-tmp free");
}

static void test_the_longest_name(void **state)
{
    char name[CALL_WORDS + 1];
    const wasmvm_export *e;
    (void)state;
    initialize();
    memset(name, 'n', CALL_WORDS);
    name[CALL_WORDS] = 0;
    assert_int_equal(wasmvm_lookup(i, name, &e, &error), WASMVM_E_NO_EXPORT);
    assert_int_equal(asked.finds, 0);
    name[CALL_WORDS - 1] = 0;
    assert_int_equal(wasmvm_lookup(i, name, &e, &error), WASMVM_OK);
    assert_int_equal(asked.finds, 1);
}

/* 32-bit values go and come with an upper half of zero, whatever stands there. */
static void test_values(void **state)
{
    (void)state;
    initialize();
    const wasmvm_export *e = look_up("add", "iIfF:IifF");
    wasmvm_val args[4], results[4];
    for (int k = 0; k < 4; k++)
        args[k].u64 = 0xabcdef0100000000u + (unsigned)k, guest.results[k] = ~(uint64_t)k;
    assert_int_equal(wasmvm_invoke(i, e, args, 4, results, 4, &error), WASMVM_OK);
    assert_true(asked.func == 3 && asked.n == 4 && asked.nresults == 4);
    assert_true(asked.in[0] == 0 && asked.in[1] == 0xabcdef0100000001u);
    assert_true(asked.in[2] == 2 && asked.in[3] == 0xabcdef0100000003u);
    assert_true(results[0].u64 == ~UINT64_C(0) && results[1].u64 == 0xfffffffe);
    assert_true(results[2].u64 == 0xfffffffd && results[3].u64 == ~UINT64_C(3));
}

static void test_values_of_another_number(void **state)
{
    (void)state;
    initialize();
    const wasmvm_export *e = look_up("add", "ii:i"), *none = look_up("nothing", ":");
    wasmvm_val v[4] = {{0}};
    static const struct { size_t n, results; } rows[] = {{1, 1}, {3, 1}, {2, 0}, {2, 2}};
    for (int k = 0; k < 4; k++) {
        assert_int_equal(wasmvm_invoke(i, e, v, rows[k].n, v, rows[k].results, &error),
                         WASMVM_E_TYPE);
        assert_non_null(strstr(error.text, "are not its own"));
    }
    assert_int_equal(asked.calls, 0);
    assert_int_equal(wasmvm_invoke(i, e, v, 2, v, 1, &error), WASMVM_OK);
    assert_int_equal(wasmvm_invoke(i, none, NULL, 0, NULL, 0, &error), WASMVM_OK);
    assert_int_equal(asked.calls, 2);
}

static void test_values_that_cannot_be_given(void **state)
{
    char sig[CALL_WORDS] = "";
    wasmvm_val v[CALL_VALUES + 1] = {{0}};
    static const char *const bad[] = {"v:", "i:r", ":v", "ir:i"};
    (void)state;
    initialize();
    for (int k = 0; k < 4; k++) {
        const wasmvm_export *e = look_up(bad[k], bad[k]);
        size_t n = strcspn(bad[k], ":");
        assert_int_equal(wasmvm_invoke(i, e, v, n, v, strlen(bad[k]) - n - 1, &error),
                         WASMVM_E_TYPE);
        assert_non_null(strstr(error.text, "vectors and references cannot be given"));
    }
    for (int side = 0; side < 2; side++)
        for (uint32_t n = CALL_VALUES; n <= CALL_VALUES + 1; n++) {
            char name[] = {'a', (char)('0' + side), (char)(n == CALL_VALUES ? 'x' : 'y'), 0};
            memset(sig, 0, sizeof sig);
            memset(sig, ':', n + 1);
            memset(sig + side, 'i', n);
            sig[side ? 0 : n] = ':';
            const wasmvm_export *e = look_up(name, sig);
            assert_int_equal(wasmvm_invoke(i, e, v, side ? 0 : n, v, side ? n : 0, &error),
                             n == CALL_VALUES ? WASMVM_OK : WASMVM_E_TYPE);
        }
}

static void test_an_end_while_an_export_is_sought(void **state)
{
    const wasmvm_export *e;
    (void)state;
    initialize();
    guest.found = WASMVM_ENDED;
    assert_int_equal(wasmvm_lookup(i, "f", &e, &error), WASMVM_E_TRAP);
    assert_int_equal(i->state, STATE_OVER);
    assert_string_equal(record, "shut close no-tmp");
}

static void test_limits_of_calls(void **state)
{
    (void)state;
    initialize();
    const wasmvm_export *e = look_up("f", ":");
    ndeadlines = 0;
    assert_int_equal(wasmvm_invoke(i, e, NULL, 0, NULL, 0, &error), WASMVM_OK);
    assert_int_equal(ndeadlines, 0);
    assert_int_equal(wasmvm_call_limit(i, (uint64_t)INT64_MAX + 1), WASMVM_E_USAGE);
    assert_int_equal(wasmvm_call_limit(i, INT64_MAX), WASMVM_OK);
    assert_int_equal(wasmvm_call_limit(i, 3000 * MS), WASMVM_OK);
    uint64_t before = clock_now_ns();
    assert_int_equal(wasmvm_invoke(i, e, NULL, 0, NULL, 0, &error), WASMVM_OK);
    assert_int_equal(ndeadlines, 2);
    assert_in_range(deadlines[0], before + 3000 * MS, clock_now_ns() + 3000 * MS);
    assert_int_equal(deadlines[1], 0);
    assert_int_equal(wasmvm_call_limit(i, 0), WASMVM_OK);
    assert_int_equal(wasmvm_invoke(i, e, NULL, 0, NULL, 0, &error), WASMVM_OK);
    assert_int_equal(ndeadlines, 2);
    wasmvm_call_limit(i, 3000 * MS);
    guest.called = WASMVM_ENDED;
    assert_int_equal(wasmvm_invoke(i, e, NULL, 0, NULL, 0, &error), WASMVM_E_TIME);
    assert_non_null(strstr(error.text, "3")); /* the call's limit, no other */
    assert_int_equal(i->state, STATE_OVER);
    assert_int_equal(wasmvm_invoke(i, e, NULL, 0, NULL, 0, &error), WASMVM_E_USAGE);
}

/* The limit of the start does not go on once the module waits. */
static void test_a_limit_of_the_start(void **state)
{
    (void)state;
    wasmvm_config_timeout(config, 5000 * MS);
    initialize();
    assert_int_equal(ndeadlines, 4);
    assert_true(deadlines[2] == i->stats.start_ns + 5000 * MS && deadlines[3] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_not_alive),
        CASE(test_exports_are_found_once),
        CASE(test_the_longest_name),
        CASE(test_values),
        CASE(test_values_of_another_number),
        CASE(test_values_that_cannot_be_given),
        CASE(test_an_end_while_an_export_is_sought),
        CASE(test_limits_of_calls),
        CASE(test_a_limit_of_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
