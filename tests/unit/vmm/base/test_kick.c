/* A kick at every point: whatever the thread is about to do, it ends within the bound, and nothing
 * of the process has changed. KVM_RUN's part is tested where there is a machine; here a wait for
 * the signal stands for it. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/base.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define POINTS   400    /* moments tried */
#define POINT_NS 1500   /* ... so far apart: they span the set-up and the wait */
/* generous: what is lost is lost for ever, and all else ends at once */
#define BOUND_NS 20000000000ull
#define SECOND_NS 1000000000ull

static sigset_t inside;
static struct kick kick;
static int pipe_ends[2];

static void opened(uint64_t limit_ns, uint64_t cpu_ns)
{
    assert_true(kick_open(&kick, limit_ns ? clock_now_ns() + limit_ns : 0, cpu_ns, 0));
}

static bool reason_is(enum end_kind kind, uint32_t want)
{
    uint32_t number = 77;
    return kick_reason(&kick, &number) == kind && number == want && kick_pending(&kick);
}

static bool reason_is_none(void)
{
    uint32_t number;
    return kick_reason(&kick, &number) == ENDED_NOT;
}

/* ---- the wall time, at every point ---- */

static void a_wait_ends(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    for (uint64_t point = 1; point <= POINTS; point++) {
        struct pollfd fd = {.fd = pipe_ends[0], .events = POLLIN};
        opened(point * POINT_NS, 0);
        uint64_t began = clock_now_ns();
        assert_int_equal(kick_ppoll(&kick, &fd, 1, -1), -1);
        assert_int_equal(errno, EINTR);
        assert_true(clock_now_ns() - began < BOUND_NS && reason_is(ENDED_TIMEOUT, 0));
        kick_close(&kick);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void a_loop_ends(void **state)
{
    (void)state;
    opened(3000000, 0);
    uint64_t began = clock_now_ns();
    while (!kick_pending(&kick))
        ;
    assert_true(clock_now_ns() - began < BOUND_NS && reason_is(ENDED_TIMEOUT, 0));
    kick_close(&kick);
}

/* As KVM_RUN does: ends at once while a signal is pending that is not blocked there. */
static bool guest_runs(uint64_t most_ns)
{
    const struct timespec most = {most_ns / SECOND_NS, most_ns % SECOND_NS};
    sigset_t mask, all;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigemptyset(&all);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        if (sigismember(&mask, number))
            sigaddset(&all, number);
    siginfo_t info;
    if (sigtimedwait(&all, &info, &most) < 0)
        return true;
    pthread_kill(pthread_self(), info.si_signo); /* pending again, as KVM leaves it */
    return false;
}

static void the_guest_is_interrupted(void **state)
{
    (void)state;
    for (uint64_t point = 1; point <= POINTS; point++) {
        opened(point * POINT_NS, 0);
        kick_enter(&kick, &inside);
        assert_false(guest_runs(BOUND_NS));
        kick_drain(&kick);
        assert_true(reason_is(ENDED_TIMEOUT, 0));
        assert_true(guest_runs(1000)); /* it is drained */
        kick_leave(&kick);
        kick_close(&kick);
    }
}

static void cpu_time_ends(void **state)
{
    (void)state;
    opened(0, 30000000);
    kick_enter(&kick, &inside);
    uint64_t began = clock_now_ns();
    while (!kick_pending(&kick) && clock_now_ns() - began < 10 * BOUND_NS)
        ;
    assert_true(reason_is(ENDED_CPU_TIME, 0));
    kick_leave(&kick);
    kick_close(&kick);
    opened(0, 30000000);
    kick_enter(&kick, &inside);
    assert_int_equal(kick_ppoll(&kick, NULL, 0, 60000000), 0); /* waiting takes none */
    assert_false(kick_pending(&kick));
    kick_leave(&kick);
    kick_close(&kick);
}

static void burn(uint64_t ns)
{
    uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

static void *burn_counted(void *count)
{
    if (count)
        cputime_enter(&kick.cputime);
    burn(30000000);
    if (count)
        cputime_leave(&kick.cputime);
    return NULL;
}

static void burnt_by_others(void *count)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, burn_counted, count), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* The threads that work for a machine share its time, also those that are gone; others do not
 * count. */
static void cpu_time_is_of_all_its_threads(void **state)
{
    (void)state;
    opened(0, 50000000);
    burnt_by_others(NULL);
    assert_false(kick_pending(&kick));
    burnt_by_others(&kick);
    assert_true(kick_pending(&kick) && reason_is(ENDED_CPU_TIME, 0));
    kick_close(&kick);
}

/* A wait ends where other threads use the time up. */
static void cpu_time_ends_a_wait(void **state)
{
    (void)state;
    pthread_t thread;
    opened(0, 20000000);
    kick_enter(&kick, &inside);
    assert_int_equal(pthread_create(&thread, NULL, burn_counted, &kick), 0);
    assert_int_equal(kick_ppoll(&kick, NULL, 0, (int64_t)BOUND_NS), -1);
    assert_true(reason_is(ENDED_CPU_TIME, 0));
    pthread_join(thread, NULL);
    kick_leave(&kick);
    kick_close(&kick);
}

static void cpu_time_is_of_the_process(void **state)
{
    (void)state;
    assert_true(kick_open(&kick, 0, 50000000, clock_ns(CLOCK_PROCESS_CPUTIME_ID)));
    kick_enter(&kick, &inside);
    assert_false(kick_pending(&kick));
    /* the clock ends it, at a tick that finds one of the process's threads running */
    uint64_t began = clock_now_ns();
    do
        burnt_by_others(NULL);
    while (guest_runs(1000000) && clock_now_ns() - began < BOUND_NS);
    assert_true(kick_pending(&kick) && reason_is(ENDED_CPU_TIME, 0));
    kick_leave(&kick);
    kick_close(&kick);
}

/* Deadlines come and go, call by call: the timer that runs for an earlier one says nothing, and one
 * that runs for a later one is set again. */
static void deadlines_move(void **state)
{
    (void)state;
    opened(0, 0);
    kick_enter(&kick, &inside);
    kick_deadline(&kick, clock_now_ns() + 10000000);
    kick_deadline(&kick, 0);
    kick_deadline(&kick, clock_now_ns() + 30 * SECOND_NS);
    assert_false(guest_runs(BOUND_NS)); /* the first one's timer */
    kick_drain(&kick);
    assert_false(kick_pending(&kick));
    assert_true(guest_runs(20000000));
    kick_deadline(&kick, clock_now_ns() + 2000000);
    uint64_t began = clock_now_ns();
    assert_false(guest_runs(5 * BOUND_NS));
    kick_drain(&kick);
    assert_true(reason_is(ENDED_TIMEOUT, 0) && clock_now_ns() - began < 4 * BOUND_NS);
    kick_leave(&kick);
    kick_close(&kick);
}

/* ---- stops by others ---- */

static void *stopper(void *wait_ns)
{
    const struct timespec wait = {0, (long)(uintptr_t)wait_ns};
    nanosleep(&wait, NULL);
    kick_stop(&kick, ENDED_SIGNAL, SIGINT);
    return NULL;
}

static void stopped_from_a_thread(bool (*run)(void))
{
    for (uint64_t point = 0; point < POINTS / 4; point++) {
        pthread_t thread;
        opened(0, 0);
        uint64_t began = clock_now_ns();
        pthread_create(&thread, NULL, stopper, (void *)(uintptr_t)(point * POINT_NS));
        kick_enter(&kick, &inside);
        assert_true(run());
        assert_true(clock_now_ns() - began < BOUND_NS);
        kick_drain(&kick);
        assert_true(reason_is(ENDED_SIGNAL, SIGINT));
        kick_leave(&kick);
        pthread_join(thread, NULL);
        kick_close(&kick);
    }
}

static bool waits(void)
{
    return kick_ppoll(&kick, NULL, 0, -1) == -1 && errno == EINTR;
}

/* A stop that came before kick_enter shot at nobody: as vcpu.c does, this looks for it first. */
static bool is_in_the_guest(void)
{
    return kick_pending(&kick) || !guest_runs(BOUND_NS);
}

static void a_stop_ends_a_wait(void **state)
{
    (void)state;
    stopped_from_a_thread(waits);
}

static void a_stop_interrupts_the_guest(void **state)
{
    (void)state;
    stopped_from_a_thread(is_in_the_guest);
}

/* The thread leaves while others still shoot: the signal, whose disposition is to end the process,
 * never gets out. */
static void *shooter(void *on)
{
    while (__atomic_load_n((int *)on, __ATOMIC_RELAXED))
        kick_thread(&kick);
    return NULL;
}

static void leaving_is_safe(void **state)
{
    (void)state;
    pthread_t threads[2];
    int on = 1;
    opened(0, 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, shooter, &on);
    for (int i = 0; i < 2000; i++) {
        kick_enter(&kick, &inside);
        kick_leave(&kick);
    }
    on = 0;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    kick_close(&kick);
}

/* A machine's host function runs another one on the same thread, and takes the signal. */
static void an_outer_machine_gets_its_kick(void **state)
{
    (void)state;
    for (int limited = 0; limited < 2; limited++) {
        struct kick outer;
        assert_true(kick_open(&outer, limited ? clock_now_ns() + 1000000 : 0, 0, 0));
        opened(0, 0);
        kick_enter(&outer, &inside);
        kick_enter(&kick, &inside);
        if (!limited)
            kick_stop(&outer, ENDED_SIGNAL, SIGINT);
        assert_false(guest_runs(BOUND_NS));
        kick_drain(&kick);
        assert_true(reason_is_none() && guest_runs(1000));
        kick_leave(&kick);
        assert_false(guest_runs(BOUND_NS));
        kick_drain(&outer);
        assert_true(kick_pending(&outer) && guest_runs(1000));
        kick_leave(&outer);
        kick_close(&outer);
        kick_close(&kick);
    }
}

/* The user has so many signals pending that no more can be sent. */
static void a_stop_needs_no_room_for_a_signal(void **state)
{
    (void)state;
    struct rlimit before;
    getrlimit(RLIMIT_SIGPENDING, &before);
    opened(0, 0);
    kick_enter(&kick, &inside);
    setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){0, before.rlim_max});
    kick_stop(&kick, ENDED_SIGNAL, SIGINT);
    bool interrupted = !guest_runs(BOUND_NS);
    setrlimit(RLIMIT_SIGPENDING, &before);
    assert_true(interrupted);
    kick_leave(&kick);
    kick_close(&kick);
}

/* A handler of the caller's runs in a child that it has just forked. */
static void a_childs_stop_ends_nothing(void **state)
{
    (void)state;
    opened(0, 0);
    pid_t child = fork();
    if (child == 0) {
        kick_stop(&kick, ENDED_SIGNAL, SIGINT);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    uint64_t began = clock_now_ns();
    assert_int_equal(kick_ppoll(&kick, NULL, 0, 20000000), 0);
    assert_true(clock_now_ns() - began >= 20000000 && !kick_pending(&kick));
    kick_close(&kick);
}

/* Neither the stop nor the deadline of the run before is the next one's. */
static void renewed_is_as_new(void **state)
{
    (void)state;
    opened(1, 0);
    assert_true(kick_pending(&kick) && reason_is(ENDED_TIMEOUT, 0));
    kick_renew(&kick);
    assert_true(!kick_pending(&kick) && reason_is_none());
    kick_close(&kick);
}

/* The reason is the first; a second signal ends the waiting for the first one's backtrace. */
static void a_second_signal(void **state)
{
    (void)state;
    opened(0, 0);
    kick_stop(&kick, ENDED_SIGNAL, SIGQUIT);
    assert_false(kick_expired(&kick));
    kick_stop(&kick, ENDED_SIGNAL, SIGINT);
    assert_true(reason_is(ENDED_SIGNAL, SIGQUIT));
    assert_true(kick_expired(&kick));
    kick_close(&kick);
}

static void the_wait_for_a_backtrace_is_bounded(void **state)
{
    (void)state;
    opened(0, 0);
    kick_enter(&kick, &inside);
    kick_stop(&kick, ENDED_SIGNAL, SIGQUIT);
    kick_drain(&kick);
    kick_patience(&kick, 20000000);
    uint64_t began = clock_now_ns();
    assert_false(kick_expired(&kick));
    assert_false(guest_runs(BOUND_NS));
    assert_true(kick_expired(&kick) && clock_now_ns() - began >= 19000000);
    kick_leave(&kick);
    kick_close(&kick);
}

/* ---- what stays as it was ---- */

static void the_thread_gets_its_mask_back(void **state)
{
    (void)state;
    sigset_t before, after, pending;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    opened(1, 0);
    kick_enter(&kick, &inside);
    kick_stop(&kick, ENDED_TIMEOUT, 0);
    assert_int_equal(pipe(pipe_ends), 0);
    close(pipe_ends[0]);
    assert_int_equal(write(pipe_ends[1], "x", 1), -1); /* SIGPIPE would end this process */
    assert_int_equal(errno, EPIPE);
    close(pipe_ends[1]);
    kick_leave(&kick);
    kick_close(&kick);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, sizeof(uint64_t));
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

/* One that was pending before is the caller's, and stays. */
static void a_pending_signal_stays(void **state)
{
    (void)state;
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_kill(pthread_self(), SIGPIPE);
    opened(0, 0);
    kick_enter(&kick, &inside);
    kick_leave(&kick);
    kick_close(&kick);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    const struct timespec now = {0};
    assert_int_equal(sigtimedwait(&set, NULL, &now), SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void handler(int number)
{
    (void)number;
}

/* Somebody's signal, with a handler, is no reason to end a wait. */
static void waits_are_ppoll_otherwise(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handler}, before;
    struct itimerspec often = {.it_value = {0, 500000}, .it_interval = {0, 500000}};
    timer_t timer;
    sigaction(SIGALRM, &action, &before);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &often, NULL);
    assert_int_equal(pipe(pipe_ends), 0);
    struct pollfd fds[20];
    for (int i = 0; i < 20; i++)
        fds[i] = (struct pollfd){.fd = pipe_ends[0], .events = POLLIN};
    opened(0, 0);
    uint64_t began = clock_now_ns();
    assert_int_equal(kick_ppoll(&kick, fds, 1, 20000000), 0);
    assert_true(clock_now_ns() - began >= 20000000 && !kick_pending(&kick));
    assert_int_equal(kick_ppoll(&kick, fds, 20, 2000000), 0); /* more than a few */
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    assert_int_equal(kick_ppoll(&kick, fds, 1, -1), 1);
    assert_int_equal(kick_ppoll(&kick, fds, 20, -1), 20);
    assert_int_equal(fds[19].revents, POLLIN);
    kick_close(&kick);
    timer_delete(timer);
    sigaction(SIGALRM, &before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends),
        cmocka_unit_test(a_loop_ends),
        cmocka_unit_test(the_guest_is_interrupted),
        cmocka_unit_test(cpu_time_ends),
        cmocka_unit_test(cpu_time_is_of_all_its_threads),
        cmocka_unit_test(cpu_time_ends_a_wait),
        cmocka_unit_test(cpu_time_is_of_the_process),
        cmocka_unit_test(deadlines_move),
        cmocka_unit_test(a_stop_ends_a_wait),
        cmocka_unit_test(a_stop_interrupts_the_guest),
        cmocka_unit_test(leaving_is_safe),
        cmocka_unit_test(an_outer_machine_gets_its_kick),
        cmocka_unit_test(a_stop_needs_no_room_for_a_signal),
        cmocka_unit_test(a_childs_stop_ends_nothing),
        cmocka_unit_test(renewed_is_as_new),
        cmocka_unit_test(a_second_signal),
        cmocka_unit_test(the_wait_for_a_backtrace_is_bounded),
        cmocka_unit_test(the_thread_gets_its_mask_back),
        cmocka_unit_test(a_pending_signal_stays),
        cmocka_unit_test(waits_are_ppoll_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
