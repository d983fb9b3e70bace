/* When the service thread gives up: the guest has rung sixteen times while it was there, which is
 * more than an eighth of what it has served. */
#include "vmm/run/service.h" /* before <cmocka.h>, which has a macro fail */

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MISSES = 16 };

static uint32_t slot_state, polled;
static uint64_t wait_ticks;
static struct service s;

static enum served at_once(void *context, enum server who)
{
    (void)context;
    assert_int_equal(who, ON_VCPU);
    return SERVED_DONE;
}

static unsigned cpus_now = 2;

int sched_getaffinity(pid_t thread, size_t size, cpu_set_t *set)
{
    (void)thread;
    memset(set, 0, size);
    for (unsigned i = 0; i < cpus_now; i++)
        CPU_SET(i, set);
    return cpus_now ? 0 : -1;
}

/* A session is on, of so many calls; no thread runs. */
static void session(uint64_t calls)
{
    s = (struct service){ .state = &slot_state, .polled = &polled, .wait_ticks = &wait_ticks,
                          .serve = at_once };
    service_init(&s, TRANSPORT_AUTO, 1000000);
    s.polling = s.there = s.shown = true;
    s.polled_calls = calls;
}

static void rung(bool counts)
{
    slot_state = 0;
    service_doorbell(&s, counts, 1000);
}

/* The jail has no call that tells: then the machine's maker has counted. */
static void test_cpus_that_cannot_be_counted(void **state)
{
    (void)state;
    for (cpus_now = 0; cpus_now < 3; cpus_now++)
        for (unsigned before = 0; before < 3; before++) {
            s = (struct service){ .state = &slot_state, .polled = &polled,
                                  .wait_ticks = &wait_ticks, .cpus_before = before };
            service_init(&s, TRANSPORT_AUTO, 1000000);
            assert_int_equal(s.allowed, (cpus_now ? cpus_now : before) != 1);
        }
    cpus_now = 2;
}

static void test_gives_up(void **state)
{
    (void)state;
    session(8 * MISSES - 1);
    for (uint32_t n = 1; n < MISSES; n++) {
        rung(true);
        assert_int_equal(s.misses, n);
        assert_false(s.give_up);
    }
    rung(true);
    assert_true(s.give_up);
}

static void test_stays_where_it_serves_more(void **state)
{
    (void)state;
    session(8 * MISSES);
    for (uint32_t n = 0; n < MISSES; n++)
        rung(true);
    assert_false(s.give_up);
    rung(true);
    assert_true(s.give_up);
}

static void test_what_is_no_miss(void **state)
{
    (void)state;
    for (int without = 0; without < 3; without++) {
        session(0);
        s.there = without != 0;
        s.shown = without != 1;
        for (uint32_t n = 0; n <= MISSES; n++)
            rung(without != 2);
        assert_int_equal(s.misses, 0);
        assert_false(s.give_up);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpus_that_cannot_be_counted),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_stays_where_it_serves_more),
        cmocka_unit_test(test_what_is_no_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
