/* The CPU time that a limit counts: which clocks, whose threads, what is left and for how long. The
 * clocks are the test's.  Built once more under ThreadSanitizer. */
#include "vmm/base/base.h" /* before <cmocka.h>, which has a macro fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
enum { OTHERS = 4, ROUNDS = 2000, PROCESS_THREADS = 4 };

/* ---- doubles: the process's clock, and what each thread's says ---- */

static uint64_t process_ns;
static _Thread_local uint64_t thread_ns; /* of this thread, by its own clock */

int clock_gettime(clockid_t id, struct timespec *t)
{
    uint64_t ns = id == CLOCK_PROCESS_CPUTIME_ID ? process_ns : thread_ns;
    if (id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID && id >= 0)
        return (int)syscall(SYS_clock_gettime, id, t);
    *t = (struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
    return 0;
}

static void no_limit(void **state)
{
    (void)state;
    struct cputime c;
    cputime_open(&c, 0, 0);
    cputime_enter(&c);
    thread_ns += 1000 * MS;
    assert_false(cputime_over(&c));
    assert_int_equal(cputime_slice(&c), UINT64_MAX);
    cputime_leave(&c);
}

/* N - 1, N and N + 1 ns of the process's clock, from its beginning on. */
static void a_process_is_counted_whole(void **state)
{
    (void)state;
    struct cputime c;
    process_ns = 500 * MS;
    cputime_open(&c, 100 * MS, 500 * MS);
    cputime_enter(&c); /* means nothing here */
    assert_int_equal(cputime_slice(&c), 100 * MS / PROCESS_THREADS);
    process_ns = 600 * MS - 1;
    assert_false(cputime_over(&c));
    process_ns = 600 * MS;
    assert_true(cputime_over(&c));
    process_ns = 600 * MS + 1;
    assert_true(cputime_over(&c));
    assert_int_equal(cputime_slice(&c), 5 * MS);
    process_ns = 600 * MS - 5 * MS * PROCESS_THREADS; /* the least slice */
    assert_int_equal(cputime_slice(&c), 5 * MS);
    process_ns -= 4;
    assert_int_equal(cputime_slice(&c), 5 * MS + 1);
    cputime_leave(&c);
}

/* Only between entering and leaving, however often one lies within the other. */
/* All that other processes have used comes on top, and one that is gone adds nothing. */
static void processes_are_counted_too(void **state)
{
    (void)state;
    struct cputime c;
    process_ns = 500 * MS;
    thread_ns = 30 * MS; /* what the double says of other clocks */
    cputime_open(&c, 100 * MS, 500 * MS);
    cputime_process(&c, 0x3fffff); /* there is none */
    assert_int_equal(c.nprocesses, 0);
    cputime_process(&c, getppid());
    assert_int_equal(c.nprocesses, 1);
    process_ns = 570 * MS - 1;
    assert_false(cputime_over(&c));
    process_ns = 570 * MS;
    assert_true(cputime_over(&c));
    for (int i = 0; i < CPUTIME_PROCESSES + 1; i++)
        cputime_process(&c, getppid());
    assert_int_equal(c.nprocesses, CPUTIME_PROCESSES);
    cputime_open(&c, 100 * MS, 0);
    cputime_process(&c, getppid());
    assert_int_equal(cputime_slice(&c), 70 * MS);
}

static void a_thread_is_counted_while_it_works(void **state)
{
    (void)state;
    struct cputime c;
    thread_ns = 77 * MS;
    cputime_open(&c, 100 * MS, 0);
    assert_int_equal(cputime_slice(&c), 100 * MS);
    cputime_enter(&c);
    thread_ns += 30 * MS;
    assert_int_equal(cputime_slice(&c), 70 * MS);
    cputime_enter(&c);
    thread_ns += 10 * MS;
    assert_int_equal(cputime_slice(&c), 60 * MS);
    cputime_leave(&c);
    thread_ns += 10 * MS;
    assert_int_equal(cputime_slice(&c), 50 * MS);
    cputime_leave(&c);
    thread_ns += 500 * MS; /* for others */
    assert_int_equal(cputime_slice(&c), 50 * MS);
    cputime_enter(&c);
    thread_ns += 50 * MS - 1;
    assert_false(cputime_over(&c));
    thread_ns += 1;
    assert_true(cputime_over(&c));
    cputime_leave(&c);
    assert_true(cputime_over(&c));
    cputime_renew(&c);
    assert_int_equal(cputime_slice(&c), 100 * MS);
}

/* ---- several threads ---- */

static struct cputime shared;
static pthread_barrier_t together, apart;

static void *enters(void *none)
{
    thread_ns = 1000 * MS;
    cputime_enter(&shared);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&apart);
    thread_ns += 20 * MS;
    cputime_leave(&shared);
    return none;
}

/* What is left is shared by those that are there; what one took stays when it has gone. */
static void threads_share_what_is_left(void **state)
{
    (void)state;
    pthread_t threads[OTHERS];
    thread_ns = 1000 * MS; /* the double says it of every thread's clock that is asked here */
    cputime_open(&shared, 100 * MS, 0);
    pthread_barrier_init(&together, NULL, OTHERS + 1);
    pthread_barrier_init(&apart, NULL, OTHERS + 1);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enters, NULL), 0);
    pthread_barrier_wait(&together);
    assert_int_equal(cputime_slice(&shared), 100 * MS / OTHERS);
    cputime_enter(&shared);
    assert_int_equal(cputime_slice(&shared), 100 * MS / (OTHERS + 1));
    cputime_leave(&shared);
    pthread_barrier_wait(&apart);
    for (int i = 0; i < OTHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(cputime_slice(&shared), (100 - 20 * OTHERS) * MS);
    assert_false(cputime_over(&shared));
    pthread_barrier_destroy(&together);
    pthread_barrier_destroy(&apart);
}

/* Each thread does one thing: what it locks for another one would order what it does here. */
static void *one_thing(void *which)
{
    for (int i = 0; i < ROUNDS; i++)
        if (which) {
            cputime_enter(&shared);
            cputime_leave(&shared);
        } else {
            cputime_over(&shared);
        }
    return NULL;
}

static void threads_come_and_go_while_others_look(void **state)
{
    (void)state;
    pthread_t threads[2 * OTHERS];
    cputime_open(&shared, 100 * MS, 0);
    for (int i = 0; i < 2 * OTHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_thing, i % 2 ? &shared : NULL), 0);
    for (int i = 0; i < 2 * OTHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(cputime_slice(&shared), 100 * MS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit),
        cmocka_unit_test(a_process_is_counted_whole),
        cmocka_unit_test(processes_are_counted_too),
        cmocka_unit_test(a_thread_is_counted_while_it_works),
        cmocka_unit_test(threads_share_what_is_left),
        cmocka_unit_test(threads_come_and_go_while_others_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
