/* The watchdog (watchdog.c): how a process ends that something keeps from ending, by what was said
 * of its run.  Each case takes the second that a run has. */
#include <signal.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/cli/cli.h"

/* What the run says of its stop: first this, from the second look on that. */
struct stop { int first, then, status; };

static struct stop stop;
static int looks;

static int stop_signal(void)
{
    return __atomic_fetch_add(&looks, 1, __ATOMIC_SEQ_CST) ? stop.then : stop.first;
}

static int run_status(void)
{
    return stop.status;
}

static void words(void)
{
    dprintf(1, "words");
}

static void end(void)
{
    if (stop.status >= 0)
        _exit(stop.status);
}

static void watched(const void *data)
{
    struct watchdog_what what = { .stop_signal = stop_signal,
                                  .status = run_status,
                                  .tell = words,
                                  .end = end,
                                  .end_with = -1 };
    stop = *(const struct stop *)data;
    what.deadline_ns = stop.first > 0 ? 0 : 1;
    watchdog_start(&what);
    for (;;)
        pause();
}

static void ends_with(struct stop how, int status, const char *said)
{
    char out[100];
    assert_int_equal(in_child(1, out, sizeof out, watched, &how), status);
    assert_string_equal(out, said);
}

/* The instance is over, so that nothing stops it any more; its machine is not closed yet. */
static void test_a_run_that_is_over_and_does_not_end(void **state)
{
    (void)state;
    ends_with((struct stop){ SIGTERM, -1, -1 }, -SIGTERM, "words");
    ends_with((struct stop){ 0, -1, -1 }, 124, "words");
}

static void test_a_run_that_does_not_end(void **state)
{
    (void)state;
    ends_with((struct stop){ SIGTERM, SIGTERM, -1 }, -SIGTERM, "words");
    ends_with((struct stop){ 0, 0, -1 }, 124, "words");
}

static void test_a_run_with_a_status(void **state)
{
    (void)state;
    ends_with((struct stop){ SIGTERM, -1, 7 }, 7, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_is_over_and_does_not_end),
        cmocka_unit_test(test_a_run_that_does_not_end),
        cmocka_unit_test(test_a_run_with_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
