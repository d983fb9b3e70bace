/* Boot entropy is given out once, in order, and wiped; the rest is asked for. */
#include "tests/unit/wasi-shim/double.h"

#define RANDOM(at, len) wasi("random_get", "ii:i", at, len, 0)

static void start(void)
{
    double_start(256, 0);
    for (uint8_t i = 0; i < 64; i++)
        area.control.boot.entropy[i] = i + 1;
}

static void each_byte_once(void **state)
{
    (void)state;
    start();
    assert_int_equal(RANDOM(0, 0), WASI_SUCCESS);
    assert_int_equal(RANDOM(0, 32), WASI_SUCCESS);
    assert_int_equal(RANDOM(32, 8), WASI_SUCCESS);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(memory[i], i + 1);
        assert_int_equal(area.control.boot.entropy[i], 0);
    }
    assert_int_equal(hyper.count, 0);
    assert_int_equal(RANDOM(40, 25), FORWARDED_RESULT);
    assert_int_equal(RANDOM(40, 24), WASI_SUCCESS);
    assert_int_equal(memory[63], 64);
    assert_int_equal(memory[64], 0xee);
    assert_int_equal(RANDOM(0, 1), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 2);
    assert_int_equal(hyper.args[1], 1);
    double_end();
}

static void fault_uses_nothing(void **state)
{
    (void)state;
    start();
    assert_int_equal(RANDOM(225, 32), WASI_FAULT);
    assert_int_equal(RANDOM(0xfffffff0, 32), WASI_FAULT);
    assert_int_equal(RANDOM(0, 64), WASI_SUCCESS);
    assert_int_equal(memory[0], 1);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_once),
        cmocka_unit_test(fault_uses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
