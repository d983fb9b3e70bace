/* Arguments and environment: the layout that modules see, and every bound of it. */
#include "tests/unit/wasi-shim/double.h"

static const char args[] = "app.wasm\0first\0\0x=\"y\"", env[] = "A=1\0B=two\nlines";

static void start(uint64_t bytes, uint32_t flags)
{
    double_start(bytes, flags);
    struct boot_record *boot = &area.control.boot;
    boot->argc = 4, boot->args_len = sizeof args, boot->args_off = area_put(0, args, sizeof args);
    boot->envc = 2, boot->env_len = sizeof env, boot->env_off = area_put(100, env, sizeof env);
}

static void sizes_and_strings(void **state)
{
    (void)state;
    start(256, 0);
    assert_int_equal(wasi("args_sizes_get", "ii:i", 0, 4, 0), WASI_SUCCESS);
    assert_int_equal(u32_at(0), 4);
    assert_int_equal(u32_at(4), sizeof args);
    assert_int_equal(wasi("args_get", "ii:i", 8, 256 - sizeof args, 0), WASI_SUCCESS);
    assert_memory_equal(memory + 256 - sizeof args, args, sizeof args);
    const char *expect[] = {"app.wasm", "first", "", "x=\"y\""};
    for (int i = 0; i < 4; i++)
        assert_string_equal((char *)memory + u32_at(8 + 4 * i), expect[i]);
    assert_int_equal(u32_at(24), 0xeeeeeeee);

    assert_int_equal(wasi("environ_sizes_get", "ii:i", 0, 4, 0), WASI_SUCCESS);
    assert_int_equal(u32_at(0), 2);
    assert_int_equal(u32_at(4), sizeof env);
    assert_int_equal(wasi("environ_get", "ii:i", 3, 99, 0), WASI_SUCCESS);
    assert_string_equal((char *)memory + u32_at(3), "A=1");
    assert_string_equal((char *)memory + u32_at(7), "B=two\nlines");
    assert_int_equal(hyper.count, 0);
    assert_int_equal(area.control.stats.answered_in_guest[CALL_args_get], 1);
    double_end();
}

static void outside_memory(void **state)
{
    (void)state;
    start(64, 0);
    const struct { uint64_t a, b; } bad[] = {
        {49, 0}, {0, 64 - sizeof args + 1}, {0xffffffff, 0}, {0, 0xffffffff}, {64, 64},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wasi("args_get", "ii:i", bad[i].a, bad[i].b, 0), WASI_FAULT);
    assert_int_equal(wasi("args_sizes_get", "ii:i", 61, 0, 0), WASI_FAULT);
    assert_int_equal(wasi("args_sizes_get", "ii:i", 0, 61, 0), WASI_FAULT);
    assert_int_equal(wasi("environ_sizes_get", "ii:i", 0xfffffffc, 0, 0), WASI_FAULT);
    for (int i = 0; i < 64; i++)
        assert_int_equal(memory[i], 0xee);
    double_end();
}

static void none_at_all(void **state)
{
    (void)state;
    double_start(8, 0);
    assert_int_equal(wasi("args_sizes_get", "ii:i", 0, 4, 0), WASI_SUCCESS);
    assert_int_equal(u64_at(0), 0);
    assert_int_equal(wasi("args_get", "ii:i", 8, 8, 0), WASI_SUCCESS);
    double_end();
}

static void all_by_hypercall(void **state)
{
    (void)state;
    start(256, BOOT_CALL_ALL);
    assert_int_equal(wasi("args_get", "ii:i", 8, 32, 0), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_args_get);
    assert_int_equal(hyper.nargs, 2);
    assert_int_equal(hyper.args[0], 8);
    assert_int_equal(hyper.args[1], 32);
    assert_int_equal(area.control.stats.answered_in_guest[CALL_args_get], 0);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_strings),
        cmocka_unit_test(outside_memory),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(all_by_hypercall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
