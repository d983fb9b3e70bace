/* A kick at every point: whatever the thread is about to do, it ends within the bound.  Dispositions and timers belong
 * to a process, so each case runs in a child. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/vm.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define POINTS   400    /* moments tried */
#define POINT_NS 1500   /* ... so far apart: they span the set-up and the wait */
#define BOUND_NS 1000000000ull /* generous: what is lost is lost for ever */

static struct kvm no_machine;
static int pipe_ends[2];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Runs the case with a time limit that is over `point` after its start; true: it came to its end. */
static bool ends(bool (*run)(void), uint64_t limit_ns)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct config config = {.timeout_ns = limit_ns};
        alarm(10);
        uint64_t began = now_ns();
        kick_start(&config, &no_machine, began);
        _exit(run() && now_ns() - began < BOUND_NS ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool timed_out(void)
{
    uint32_t number;
    return kick_reason(&number) == ENDED_TIMEOUT && kick_pending();
}

/* kick_ppoll, with no end of its own. */
static bool waits(void)
{
    struct pollfd fd = {.fd = pipe_ends[0], .events = POLLIN};
    return kick_ppoll(&fd, 1, -1) == -1 && errno == EINTR && timed_out();
}

/* A plain system call: the first kick may come just before it, a repeated one finds it. */
static bool reads(void)
{
    char byte;
    return (kick_pending() || (read(pipe_ends[0], &byte, 1) == -1 && errno == EINTR)) && timed_out();
}

static bool spins(void)
{
    while (!kick_pending())
        ;
    return timed_out();
}

static void at_every_point(bool (*run)(void))
{
    assert_int_equal(pipe(pipe_ends), 0);
    for (uint64_t point = 1; point <= POINTS; point++)
        assert_true(ends(run, point * POINT_NS));
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void a_wait_ends(void **state)
{
    (void)state;
    at_every_point(waits);
}

static void a_system_call_ends(void **state)
{
    (void)state;
    at_every_point(reads);
}

static void a_loop_ends(void **state)
{
    (void)state;
    at_every_point(spins);
}

/* ---- signals ---- */

static int signal_number;

static bool signal_is_the_reason(void)
{
    uint32_t number = 0;
    raise(signal_number);
    bool right = kick_reason(&number) == ENDED_SIGNAL && number == (uint32_t)signal_number && kick_pending();
    kick_acknowledge();
    return right && kick_ppoll(NULL, 0, -1) == -1;
}

static void signals_that_end(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal_number = numbers[i];
        assert_true(ends(signal_is_the_reason, 0));
    }
}

static bool ignored_stays_ignored(void)
{
    uint32_t number;
    raise(SIGHUP);
    return kick_reason(&number) == ENDED_NOT && !kick_pending();
}

static void a_signal_that_was_ignored(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN);
    assert_true(ends(ignored_stays_ignored, 0));
    signal(SIGHUP, SIG_DFL);
}

/* The reason is the first; a second signal ends the waiting for the first one's backtrace. */
static bool first_reason_stays(void)
{
    uint32_t number;
    raise(SIGQUIT);
    bool waiting = !kick_expired();
    raise(SIGINT);
    return waiting && kick_reason(&number) == ENDED_SIGNAL && number == SIGQUIT && kick_expired();
}

static void a_second_signal(void **state)
{
    (void)state;
    assert_true(ends(first_reason_stays, 0));
}

static bool wait_expires(void)
{
    raise(SIGQUIT);
    kick_acknowledge();
    kick_after(20000000);
    uint64_t began = now_ns();
    while (!kick_expired() && now_ns() - began < BOUND_NS)
        ;
    return kick_expired() && now_ns() - began >= 19000000;
}

static void the_wait_for_a_backtrace_is_bounded(void **state)
{
    (void)state;
    assert_true(ends(wait_expires, 0));
}

static bool no_kick_no_end(void)
{
    struct pollfd fd = {.fd = pipe_ends[0], .events = POLLIN};
    return kick_ppoll(&fd, 1, 2000000) == 0 && !kick_pending() && write(pipe_ends[1], "x", 1) == 1 &&
           kick_ppoll(&fd, 1, -1) == 1;
}

static void waits_are_ppoll_otherwise(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(ends(no_kick_no_end, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends),
        cmocka_unit_test(a_system_call_ends),
        cmocka_unit_test(a_loop_ends),
        cmocka_unit_test(signals_that_end),
        cmocka_unit_test(a_signal_that_was_ignored),
        cmocka_unit_test(a_second_signal),
        cmocka_unit_test(the_wait_for_a_backtrace_is_bounded),
        cmocka_unit_test(waits_are_ppoll_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
