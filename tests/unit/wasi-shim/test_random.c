/* Random bytes are given out once, in order, and wiped: boot entropy, then the pool; large pieces
 * are asked for. */
#include "tests/unit/wasi-shim/double.h"

#define RANDOM(at, len) wasi("random_get", "ii:i", at, len, 0)

static void start(uint32_t flags)
{
    double_start(1024, flags);
    for (uint8_t i = 0; i < 64; i++)
        area.control.boot.entropy[i] = i + 1;
}

static uint8_t pool_byte(uint32_t i, unsigned fill)
{
    return (uint8_t)(i * 7 + i / 256 * 13 + fill * 101) | 1;
}

static unsigned refills;

static uint64_t refill(enum call number, const uint64_t *args)
{
    (void)args;
    if (number != CALL_random_refill)
        return FORWARDED_RESULT;
    refills++;
    for (uint32_t i = 0; i < RANDOM_POOL; i++)
        area.control.random[i] = pool_byte(i, refills);
    return 0;
}

static uint64_t no_refill(enum call number, const uint64_t *args)
{
    (void)args;
    return number == CALL_random_refill ? 1 : FORWARDED_RESULT;
}

static void entropy_first(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(RANDOM(0, 0), WASI_SUCCESS);
    assert_int_equal(RANDOM(0, 32), WASI_SUCCESS);
    assert_int_equal(RANDOM(32, 8), WASI_SUCCESS);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(memory[i], i + 1);
        assert_int_equal(area.control.boot.entropy[i], 0);
    }
    assert_int_equal(RANDOM(40, 24), WASI_SUCCESS);
    assert_int_equal(memory[63], 64);
    assert_int_equal(memory[64], 0xee);
    assert_int_equal(hyper.count, 0);
    double_end();
}

static void pool_gives_each_byte_once(void **state)
{
    (void)state;
    start(0);
    refills = 0;
    hyper_answer = refill;
    assert_int_equal(RANDOM(0, 64), WASI_SUCCESS);
    for (uint32_t i = 0; i < 3 * RANDOM_POOL; i += 8) {
        assert_int_equal(RANDOM(16, 8), WASI_SUCCESS);
        for (uint32_t k = 0; k < 8; k++) {
            assert_int_equal(memory[16 + k], pool_byte(i % RANDOM_POOL + k, refills));
            assert_int_equal(area.control.random[i % RANDOM_POOL + k], 0);
        }
        assert_int_equal(memory[24], 24 + 1); /* the entropy above */
    }
    assert_int_equal(refills, 3);
    assert_int_equal(hyper.count, 3); /* one a pool */
    double_end();
}

static void large_pieces_are_forwarded(void **state)
{
    (void)state;
    start(0);
    hyper_answer = refill;
    assert_int_equal(RANDOM(0, 257), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_random_get);
    assert_int_equal(hyper.args[1], 257);
    assert_int_equal(RANDOM(0, 256), WASI_SUCCESS);
    assert_int_equal(hyper.number, CALL_random_refill);
    assert_int_equal(RANDOM(0, 0xffffffff), FORWARDED_RESULT);
    double_end();
}

static void no_pool_is_forwarded(void **state)
{
    (void)state;
    start(0);
    hyper_answer = no_refill;
    assert_int_equal(RANDOM(0, 65), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_random_get);
    double_end();
}

static void fault_uses_nothing(void **state)
{
    (void)state;
    start(0);
    hyper_answer = refill;
    refills = 0;
    assert_int_equal(RANDOM(1024 - 31, 32), WASI_FAULT);
    assert_int_equal(RANDOM(0xfffffff0, 32), WASI_FAULT);
    assert_int_equal(RANDOM(0, 64), WASI_SUCCESS);
    assert_int_equal(memory[0], 1);
    assert_int_equal(RANDOM(1024 - 7, 8), WASI_FAULT);
    assert_int_equal(RANDOM(0, 8), WASI_SUCCESS);
    assert_int_equal(memory[0], pool_byte(0, 1));
    double_end();
}

static void every_call_out_where_asked(void **state)
{
    (void)state;
    start(BOOT_CALL_ALL);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(RANDOM(0, 8), FORWARDED_RESULT);
        assert_int_equal(hyper.number, CALL_random_get);
        assert_int_equal(hyper.count, i);
    }
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropy_first),
        cmocka_unit_test(pool_gives_each_byte_once),
        cmocka_unit_test(large_pieces_are_forwarded),
        cmocka_unit_test(no_pool_is_forwarded),
        cmocka_unit_test(fault_uses_nothing),
        cmocka_unit_test(every_call_out_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
