/* The clock page: scale, refresh, the writer's mark, and that monotonic time never goes back. */
#include "tests/unit/wasi-shim/double.h"

#define TIME(id, at) wasi("clock_time_get", "iIi:i", id, 0, at)

static uint64_t tsc(void)
{
    return __builtin_ia32_rdtsc();
}

/* A page that counts one nanosecond a tick from now on. */
static void page_set(int64_t realtime_ns, int64_t monotonic_ns, uint64_t valid_ticks)
{
    struct clock_page *page = &area.control.clock;
    uint64_t now = tsc();
    *page = (struct clock_page){.usable = 1, .base_tsc = now, .valid_until_tsc = now + valid_ticks, .mult = 1u << 31,
                                .shift = 31, .realtime_ns = realtime_ns, .monotonic_ns = monotonic_ns};
}

static void reads_the_page(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1000000, 5000, 1ull << 40);
    uint64_t before = tsc() - area.control.clock.base_tsc;
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    assert_int_equal(TIME(1, 8), WASI_SUCCESS);
    uint64_t after = tsc() - area.control.clock.base_tsc;
    assert_in_range(u64_at(0), 1000000 + before, 1000000 + after);
    assert_in_range(u64_at(8), 5000 + before, 5000 + after);
    area.control.clock.mult = 1u << 30;
    before = (tsc() - area.control.clock.base_tsc) / 2;
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    assert_in_range(u64_at(0), 1000000 + before, 1000000 + (tsc() - area.control.clock.base_tsc) / 2);
    assert_int_equal(hyper.count, 0);
    double_end();
}

static void time_before_1970(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(-(1ll << 60), 0, 1ull << 40);
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    assert_true((int64_t)u64_at(0) < 0);
    double_end();
}

static uint64_t refresh(enum call number, const uint64_t *args)
{
    (void)args;
    assert_int_equal(number, CALL_clock_refresh);
    page_set(77ll << 40, 88ll << 40, 1ull << 40);
    return 0;
}

static void one_refresh_past_the_end(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1, 1, 0);
    hyper_answer = refresh;
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    assert_int_equal(TIME(1, 8), WASI_SUCCESS);
    assert_int_equal(u64_at(0) >> 40, 77);
    assert_int_equal(u64_at(8) >> 40, 88);
    assert_int_equal(hyper.count, 1);
    double_end();
}

static void monotonic_never_goes_back(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1ll << 50, 1ll << 50, 1ull << 40);
    assert_int_equal(TIME(1, 0), WASI_SUCCESS);
    page_set(0, 0, 1ull << 40);
    assert_int_equal(TIME(1, 8), WASI_SUCCESS);
    assert_int_equal(u64_at(8), u64_at(0));
    assert_int_equal(TIME(0, 16), WASI_SUCCESS);
    assert_true(u64_at(16) < 1ll << 50);
    double_end();
}

static uint64_t host_time(enum call number, const uint64_t *args)
{
    assert_int_equal(number, CALL_clock_time_get);
    memset(memory + args[2], 0, 8);
    return WASI_SUCCESS;
}

static void unusable_page_is_forwarded(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1ll << 50, 1ll << 50, 1ull << 40);
    assert_int_equal(TIME(1, 0), WASI_SUCCESS);
    area.control.clock.usable = 0;
    hyper_answer = host_time;
    assert_int_equal(TIME(0, 8), WASI_SUCCESS);
    assert_int_equal(u64_at(8), 0);
    assert_int_equal(TIME(1, 8), WASI_SUCCESS);
    assert_int_equal(u64_at(8), u64_at(0));
    assert_int_equal(hyper.count, 2);
    double_end();
}

static void stuck_writer_is_forwarded(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1, 1, 1ull << 40);
    area.control.clock.seq = 7;
    assert_int_equal(TIME(0, 0), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_clock_time_get);
    assert_int_equal(shim_clock_ns(&area.control), 0);
    area.control.clock.seq = 8;
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    double_end();
}

static void counter_behind_the_base(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(500, 600, 0);
    area.control.clock.base_tsc += 1ull << 50;
    area.control.clock.valid_until_tsc += 1ull << 50;
    assert_int_equal(TIME(0, 0), WASI_SUCCESS);
    assert_int_equal(u64_at(0), 500);
    double_end();
}

static void other_clocks_and_bounds(void **state)
{
    (void)state;
    double_start(16, 0);
    page_set(1, 1, 1ull << 40);
    assert_int_equal(TIME(2, 0), FORWARDED_RESULT);
    assert_int_equal(TIME(0xffffffff, 0), FORWARDED_RESULT);
    assert_int_equal(TIME(0, 9), WASI_FAULT);
    assert_int_equal(TIME(1, 0xffffffff), WASI_FAULT);
    assert_int_equal(wasi("clock_res_get", "ii:i", 1, 8, 0), WASI_SUCCESS);
    assert_int_equal(u64_at(8), 1);
    assert_int_equal(wasi("clock_res_get", "ii:i", 1, 9, 0), WASI_FAULT);
    assert_int_equal(wasi("clock_res_get", "ii:i", 3, 8, 0), FORWARDED_RESULT);
    double_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_page),
        cmocka_unit_test(time_before_1970),
        cmocka_unit_test(one_refresh_past_the_end),
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(unusable_page_is_forwarded),
        cmocka_unit_test(stuck_writer_is_forwarded),
        cmocka_unit_test(counter_behind_the_base),
        cmocka_unit_test(other_clocks_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
