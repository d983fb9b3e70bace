/* The clock page: scale, refresh, the writer's mark, and that monotonic time never goes back. */
#include <sched.h>

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
    *page = (struct clock_page){ .usable = 1,
                                 .base_tsc = now,
                                 .valid_until_tsc = now + valid_ticks,
                                 .mult = 1u << 31,
                                 .shift = 31,
                                 .realtime_ns = realtime_ns,
                                 .monotonic_ns = monotonic_ns };
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
    assert_in_range(u64_at(0), 1000000 + before,
                    1000000 + (tsc() - area.control.clock.base_tsc) / 2);
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

/* A thread that the host moves from one CPU to the other at every call reads a time that never goes
 * back. */
static void never_back_across_cpus(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2)
        skip();
    double_start(64, 0);
    page_set(1000, 1000, 1ull << 50);
    uint64_t last = 0;
    for (unsigned i = 0; i < 4000; i++) {
        unsigned cpu = 0;
        for (unsigned n = i % (unsigned)CPU_COUNT(&all) + 1; n > 0; cpu++)
            n -= CPU_ISSET(cpu, &all) != 0;
        CPU_ZERO(&one);
        CPU_SET(cpu - 1, &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        assert_int_equal(TIME(1, 0), WASI_SUCCESS);
        assert_true(u64_at(0) >= last);
        last = u64_at(0);
    }
    sched_setaffinity(0, sizeof all, &all);
    assert_int_equal(hyper.count, 0);
    double_end();
}

static int64_t step_ns, slew_ns;

/* The host's clocks as they are now: realtime was set back, monotonic time slewed. */
static uint64_t stepped(enum call number, const uint64_t *args)
{
    (void)args;
    assert_int_equal(number, CALL_clock_refresh);
    page_set((5ll << 40) + step_ns, (6ll << 40) + slew_ns, 1ull << 50);
    return 0;
}

/* A stale page is not read once more: what the host's clocks did meanwhile shows in the very next
 * call. */
static void stale_page_follows_the_host(void **state)
{
    (void)state;
    const int64_t steps[] = {0, -(1ll << 38), 1ll << 38}; /* set back, set ahead, by minutes */
    for (unsigned i = 0; i < 3; i++) {
        double_start(64, 0);
        hyper_answer = stepped;
        step_ns = steps[i];
        slew_ns = i == 1 ? -1000000 : 1000000;
        page_set(5ll << 40, 6ll << 40, 1ull << 50);
        assert_int_equal(TIME(0, 0), WASI_SUCCESS);
        assert_int_equal(TIME(1, 8), WASI_SUCCESS);
        assert_int_equal(hyper.count, 0);
        area.control.clock.valid_until_tsc = area.control.clock.base_tsc;
        assert_int_equal(TIME(0, 16), WASI_SUCCESS);
        assert_int_equal(hyper.count, 1);
        assert_in_range(u64_at(16), (5ll << 40) + steps[i], (5ll << 40) + steps[i] + (1ll << 36));
        assert_int_equal(TIME(1, 24), WASI_SUCCESS);
        assert_true(u64_at(24) >= u64_at(8)); /* whatever realtime did */
        assert_int_equal(hyper.count, 1);
        double_end();
    }
}

static uint64_t refused(enum call number, const uint64_t *args)
{
    (void)args;
    return number == CALL_clock_refresh ? 1 : FORWARDED_RESULT;
}

static void stale_page_without_a_new_one_is_forwarded(void **state)
{
    (void)state;
    double_start(64, 0);
    page_set(1, 1, 0);
    hyper_answer = refused;
    assert_int_equal(TIME(0, 0), FORWARDED_RESULT);
    assert_int_equal(hyper.number, CALL_clock_time_get);
    assert_int_equal(hyper.count, 2);
    double_end();
}

static void every_call_out_where_asked(void **state)
{
    (void)state;
    double_start(64, BOOT_CALL_ALL);
    page_set(1, 1, 1ull << 50);
    assert_int_equal(TIME(0, 0), FORWARDED_RESULT);
    assert_int_equal(TIME(1, 0), FORWARDED_RESULT);
    assert_int_equal(hyper.count, 2);
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
        cmocka_unit_test(never_back_across_cpus),
        cmocka_unit_test(stale_page_follows_the_host),
        cmocka_unit_test(stale_page_without_a_new_one_is_forwarded),
        cmocka_unit_test(every_call_out_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
