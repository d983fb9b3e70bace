/* The guest's way to the monitor (hypercall.c), with a doorbell that is a function and a service
 * that is a thread: who is asked by which of the two, and that no answer is read before it is
 * there. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasi-shim/hypercall.h"

#define LONG 9999

static struct { struct slot slot; uint64_t behind[4]; } area;
static struct slot seen; /* as it was when the doorbell rang, or was taken */
static unsigned rings;
static uint64_t answer;

static void serve(void)
{
    seen = area.slot;
    area.slot.result = answer;
}

void doorbell_ring(enum doorbell why)
{
    assert_int_equal(why, DOORBELL_CALL);
    rings++;
    serve();
    __atomic_store_n(&area.slot.state, SLOT_DONE, __ATOMIC_RELEASE);
}

/* The service's thread: waits for one request, and for a while that any reader of an unfinished
 * answer would use. */
static void *service(void *unused)
{
    (void)unused;
    while (__atomic_load_n(&area.slot.state, __ATOMIC_ACQUIRE) != SLOT_POSTED)
        sched_yield();
    __atomic_store_n(&area.slot.state, SLOT_BUSY, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 200; i++)
        sched_yield();
    serve();
    __atomic_store_n(&area.slot.state, SLOT_DONE, __ATOMIC_RELEASE);
    return NULL;
}

static int setup(void **state)
{
    (void)state;
    memset(&area, 0xee, sizeof area);
    area.slot.state = SLOT_MINE;
    area.slot.closes = area.slot.polled = 0;
    area.slot.wait_ticks = 0;
    area.slot.result = LONG;
    rings = 0;
    answer = 7;
    return 0;
}

static void assert_mine(void)
{
    assert_int_equal(area.slot.state, SLOT_MINE);
    assert_int_equal(area.slot.closes, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_true(area.behind[i] == 0xeeeeeeeeeeeeeeee);
}

static void test_nobody_polls(void **state)
{
    const uint64_t args[] = {11, 12, 13};
    (void)state;
    area.slot.closes = 5;
    area.slot.wait_ticks = UINT64_MAX; /* it is not to be waited for */
    assert_int_equal(hypercall(&area.slot, CALL_fd_write, args, 3), 7);
    assert_int_equal(rings, 1);
    assert_int_equal(seen.state, SLOT_POSTED);
    assert_int_equal(seen.number, CALL_fd_write);
    assert_int_equal(seen.closes, 5); /* the host does the close that goes with it */
    assert_memory_equal(seen.args, args, sizeof args);
    assert_true(seen.args[3] == 0xeeeeeeeeeeeeeeee);
    assert_mine();
}

/* No more than the slot has room for, whatever is said. */
static void test_as_many_arguments_as_fit(void **state)
{
    uint64_t args[SLOT_ARGS + 4];
    (void)state;
    for (unsigned n = SLOT_ARGS - 1; n <= SLOT_ARGS + 1; n++) {
        setup(NULL);
        for (unsigned i = 0; i < SLOT_ARGS + 4; i++)
            args[i] = 100 + i;
        assert_int_equal(hypercall(&area.slot, CALL_fd_read, args, n), 7);
        for (unsigned i = 0; i < SLOT_ARGS; i++)
            assert_true(seen.args[i] == (i < n ? 100 + i : 0xeeeeeeeeeeeeeeee));
        assert_int_equal(seen.polled, 0);
        assert_mine();
    }
}

/* Calls of the guest's own and the end of a program are not for the service. */
static void test_who_is_rung_for(void **state)
{
    static const struct { enum call number; enum slot_state as; } calls[] = {
        { CALL_proc_exit, SLOT_RUNG },
        { CALL_fd_write, SLOT_POSTED },
        { CALL_SHARED_LAST, SLOT_POSTED },
        { (enum call)(CALL_SHARED_LAST + 1), SLOT_RUNG },
        { CALL_memory_grow, SLOT_RUNG },
        { CALL_end, SLOT_RUNG },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        setup(NULL);
        area.slot.polled = 1;
        assert_int_equal(hypercall_send(&area.slot, calls[i].number), 7);
        assert_int_equal(rings, 1);
        assert_int_equal(seen.state, calls[i].as);
        assert_int_equal(seen.number, calls[i].number);
        assert_mine();
    }
}

static void test_somebody_polls(void **state)
{
    pthread_t thread;
    (void)state;
    area.slot.polled = 1;
    area.slot.closes = 3;
    area.slot.wait_ticks = UINT64_MAX;
    answer = 8;
    assert_int_equal(pthread_create(&thread, NULL, service, NULL), 0);
    assert_int_equal(hypercall_send(&area.slot, CALL_fd_write), 8);
    pthread_join(thread, NULL);
    assert_int_equal(rings, 0);
    assert_int_equal(seen.closes, 3);
    assert_mine();
}

/* Who polls, but does not answer in time, is rung for. */
static void test_it_takes_long(void **state)
{
    static const uint64_t waits[] = {0, 1, 100000};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        setup(NULL);
        area.slot.polled = 1;
        area.slot.wait_ticks = waits[i];
        assert_int_equal(hypercall_send(&area.slot, CALL_fd_write), 7);
        assert_int_equal(rings, 1);
        assert_mine();
    }
}

/* All bits of the clock count: were the wait's end only seen when the upper half changes, each
 * would take some 2^32 ticks. */
static void test_it_takes_no_longer(void **state)
{
    (void)state;
    uint64_t began = __builtin_ia32_rdtsc();
    for (unsigned i = 0; i < 4; i++) {
        setup(NULL);
        area.slot.polled = 1;
        area.slot.wait_ticks = 1000;
        hypercall_send(&area.slot, CALL_fd_write);
    }
    assert_true(__builtin_ia32_rdtsc() - began < UINT64_C(3) << 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody_polls, setup),
        cmocka_unit_test_setup(test_as_many_arguments_as_fit, setup),
        cmocka_unit_test_setup(test_who_is_rung_for, setup),
        cmocka_unit_test_setup(test_somebody_polls, setup),
        cmocka_unit_test_setup(test_it_takes_long, setup),
        cmocka_unit_test_setup(test_it_takes_no_longer, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
