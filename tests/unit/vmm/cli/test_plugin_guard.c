/* The guard of what does not return.  Built once more under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

#include "vmm/cli/plugin.h"

static bool never(void) { return false; }
static bool at_once(void) { return true; }
static bool was_stuck; /* by its thread */

static bool is_stuck(void) { return __atomic_load_n(&was_stuck, __ATOMIC_RELAXED); }

static void stuck(void)
{
    __atomic_store_n(&was_stuck, true, __ATOMIC_RELAXED);
    pause(); /* it must not return; the test's end ends it */
}

static void stuck_for_once(void) { __atomic_store_n(&was_stuck, true, __ATOMIC_RELAXED); }

/* A guard that is ended after 50 ms, of the 250 that it has.  A try in which this thread slept
 * longer says nothing. */
static void ended_in_time(uint64_t deadline_ns, bool (*wanted)(void))
{
    for (int tries = 0; tries < 20; tries++) {
        uint64_t began = clock_now_ns();
        __atomic_store_n(&was_stuck, false, __ATOMIC_RELAXED);
        struct guard *g = guard_start(deadline_ns ? began + deadline_ns : 0,
                                      &(struct guard_hooks){wanted, NULL, stuck_for_once});
        usleep(50000);
        guard_end(g);
        if (!is_stuck())
            return;
        assert_true(clock_now_ns() - began > 250000000);
    }
    print_message("this machine is too busy: nothing is said\n");
}

static void test_guard_ended_in_time(void **state)
{
    (void)state;
    ended_in_time(10000000, never);
    ended_in_time(0, at_once);
    struct guard *g = guard_start(0, &(struct guard_hooks){never, NULL, stuck});
    usleep(800000);
    guard_end(g);
    assert_false(is_stuck());
    /* nothing is awaited */
    g = guard_start(clock_now_ns() + 10000000, &(struct guard_hooks){at_once, at_once, stuck});
    usleep(800000);
    guard_end(g);
    assert_false(is_stuck());
}

static void test_guard_of_what_is_stuck(void **state)
{
    (void)state;
    static struct guard *left[2]; /* their threads stay in `stuck` */
    uint64_t began = clock_now_ns();
    left[0] = guard_start(began + 10000000, &(struct guard_hooks){never, NULL, stuck});
    usleep(100000);
    assert_true(!is_stuck() || clock_now_ns() - began > 250000000);
    for (int i = 0; i < 2000 && !is_stuck(); i++)
        usleep(10000);
    assert_true(is_stuck());
    __atomic_store_n(&was_stuck, false, __ATOMIC_RELAXED);
    left[1] = guard_start(0, &(struct guard_hooks){at_once, NULL, stuck});
    for (int i = 0; i < 2000 && !is_stuck(); i++)
        usleep(10000);
    assert_true(is_stuck());
    (void)left;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_ended_in_time), cmocka_unit_test(test_guard_of_what_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
