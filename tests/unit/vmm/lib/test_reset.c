/* What stands against a snapshot of a module that is kept alive (reset.c), told before anything of
 * it is touched. */
#include "tests/unit/vmm/lib/double.h"

static bool streams_kept;

bool wasi_streams_keep(struct wasi *w, struct streams_kept *kept)
{
    assert_ptr_equal(w, wasi);
    (void)kept;
    return streams_kept;
}
bool wasi_streams_back(struct wasi *w, const struct streams_kept *kept)
{
    return (void)w, (void)kept, true;
}
bool snapshot_take(struct vm *of, bool start, struct failure *why)
{
    assert_ptr_equal(of, vm);
    assert_false(start);
    return step("take") || failure_set(why, "no memory");
}
bool snapshot_back(struct vm *of, struct failure *why) { return (void)of, (void)why, true; }
bool snapshot_learn(struct vm *of, struct failure *why) { return (void)of, (void)why, true; }
bool snapshot_starts(const struct vm *of) { return (void)of, false; }
gva_t snapshot_differs(const struct vm *of) { return (void)of, 0; }
void kick_renew(struct kick *k) { (void)k; }
bool exports_resume(struct exports *e, struct vm *of, struct wasi *w, struct end *end)
{
    assert_true(of == vm && w == wasi && e);
    *end = (struct end){ .kind = ENDED_NOT };
    return step("resume");
}

static void initialize(void)
{
    make();
    run_ends = (struct end){.kind = ENDED_NOT};
    assert_int_equal(wasmvm_initialize(i, &error), WASMVM_OK);
    assert_int_equal(i->state, STATE_ALIVE);
    record[0] = 0;
    streams_kept = true;
}

static void refused(const char *why)
{
    char words[200];
    snprintf(words, sizeof words, "prog.wasm: no snapshot can be taken: %s", why);
    assert_int_equal(wasmvm_snapshot(i, &error), WASMVM_E_USAGE);
    assert_string_equal(error.text, words);
    assert_string_equal(record, "");
    assert_int_equal(i->state, STATE_ALIVE);
}

static void test_what_stands_against_it(void **state)
{
    (void)state;
    initialize();
    i->confined = true;
    refused("its process is confined");
    i->confined = false;
    i->signals.bell = 1000;
    refused("it has asked for signals");
    i->signals.bell = -1;
    streams_kept = false;
    refused("its descriptors are not those of its start, which a reset would open");
}

static void test_it_goes_on(void **state)
{
    (void)state;
    initialize();
    assert_int_equal(wasmvm_snapshot(i, &error), WASMVM_OK);
    assert_string_equal(record, "stop take resume");
    assert_int_equal(i->state, STATE_ALIVE);
}

static void test_no_memory_for_it(void **state)
{
    (void)state;
    initialize();
    fails = "take";
    assert_int_not_equal(wasmvm_snapshot(i, &error), WASMVM_OK);
    assert_string_equal(error.text, "no memory");
    assert_int_equal(i->state, STATE_OVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_stands_against_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_for_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
