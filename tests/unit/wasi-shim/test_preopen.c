/* Preopen discovery: what the boot record says, until the module touches its descriptors. */
#include "tests/unit/wasi-shim/double.h"

#define GET(fd, at) wasi("fd_prestat_get", "ii:i", fd, at, 0)
#define NAME(fd, at, len) wasi("fd_prestat_dir_name", "iii:i", fd, at, len)

static void start(uint32_t flags)
{
    static const char names[] = "/data\0/\0rel/dir";
    double_start(64, flags);
    struct boot_record *boot = &area.control.boot;
    boot->preopens = 3, boot->preopen_len = sizeof names,
    boot->preopen_off = area_put(200, names, sizeof names);
}

static void finds_all(void **state)
{
    (void)state;
    const char *names[] = {"/data", "/", "rel/dir"};
    start(0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(GET(3 + i, 8), WASI_SUCCESS);
        assert_int_equal(u32_at(8), 0);
        assert_int_equal(u32_at(12), strlen(names[i]));
        memset(memory, 0xee, 64);
        assert_int_equal(NAME(3 + i, 20, strlen(names[i])), WASI_SUCCESS);
        assert_memory_equal(memory + 20, names[i], strlen(names[i]));
        assert_int_equal(memory[20 + strlen(names[i])], 0xee);
    }
    assert_int_equal(GET(6, 8), WASI_BADF);
    assert_int_equal(GET(0, 8), WASI_BADF);
    assert_int_equal(GET(0xffffffff, 8), WASI_BADF);
    assert_int_equal(hyper.count, 0);
    double_end();
}

static void lengths_and_bounds(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(NAME(3, 0, 4), WASI_NAMETOOLONG);
    assert_int_equal(NAME(3, 0, 60), WASI_SUCCESS);
    assert_int_equal(memory[5], 0xee);
    assert_int_equal(NAME(3, 60, 5), WASI_FAULT);
    assert_int_equal(NAME(3, 0xffffffff, 5), WASI_FAULT);
    assert_int_equal(GET(3, 57), WASI_FAULT);
    assert_int_equal(NAME(6, 0, 5), FORWARDED_RESULT);
    double_end();
}

static void asks_for_those_behind_sockets(void **state)
{
    (void)state;
    start(BOOT_MORE_PREOPENS);
    assert_int_equal(GET(5, 8), WASI_SUCCESS);
    assert_int_equal(hyper.count, 0);
    assert_int_equal(GET(6, 8), FORWARDED_RESULT);
    assert_int_equal(NAME(6, 0, 5), FORWARDED_RESULT);
    double_end();
}

static void other_closes_change_nothing(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(wasi("fd_close", "i:i", 6, 0, 0), FORWARDED_RESULT);
    assert_int_equal(wasi("fd_close", "i:i", 2, 0, 0), FORWARDED_RESULT);
    assert_int_equal(GET(3, 0), WASI_SUCCESS);
    assert_int_equal(hyper.count, 2);
    double_end();
}

static void closed_or_renumbered_is_the_monitors(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(wasi("fd_close", "i:i", 5, 0, 0), FORWARDED_RESULT);
    assert_int_equal(GET(3, 0), FORWARDED_RESULT);
    assert_int_equal(NAME(3, 0, 9), FORWARDED_RESULT);
    double_end();
    start(0);
    assert_int_equal(wasi("fd_renumber", "ii:i", 9, 10, 0), FORWARDED_RESULT);
    assert_int_equal(GET(10, 0), FORWARDED_RESULT);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_all),
        cmocka_unit_test(lengths_and_bounds),
        cmocka_unit_test(asks_for_those_behind_sockets),
        cmocka_unit_test(other_closes_change_nothing),
        cmocka_unit_test(closed_or_renumbered_is_the_monitors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
