/* All threads confine themselves: where it cannot be told that there are no more of them, the
 * process is not confined, however many have answered. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/jail/inside.h"

enum { OTHERS = 64 }; /* as many as are listed at most */

static bool uncounted;

static _Thread_local bool confined;
static pthread_t *leaver; /* the last one to be confined waits until it is gone */

static unsigned threads_alive(void)
{
    struct stat st;
    return fstatat(AT_FDCWD, "/proc/self/task", &st, 0) == 0 ? (unsigned)st.st_nlink - 2 : 0;
}

bool identity_take(const struct identity *identity)
{
    (void)identity;
    confined = true;
    if (leaver && syscall(SYS_gettid) == getpid()) {
        pthread_join(*leaver, NULL);
        while (threads_alive() > 2)
            sched_yield();
    }
    return true;
}

int stat(const char *name, struct stat *st)
{
    errno = ENOMEM;
    return uncounted ? -1 : fstatat(AT_FDCWD, name, st, 0);
}

/* Beside them one that takes no signal, and whose TID/stat says that it is the kernel's. */
static const char *silent_stat;
static bool deaf; /* atomic */

int openat(int folder, const char *name, int flags, ...)
{
    int ends[2];
    if (!silent_stat || !strstr(name, "/stat"))
        return (int)syscall(SYS_openat, folder, name, flags, 0);
    if (pipe(ends) != 0 || write(ends[1], silent_stat, strlen(silent_stat)) < 0)
        return -1;
    close(ends[1]);
    return ends[0];
}

static void *silent(void *gate)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static void *held(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* In a child: it is confined for good. */
static void confine(const void *unused)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t others[OTHERS];
    struct crew crew = { .rules = -1 };
    struct failure why = { .text = "" };
    (void)unused;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < OTHERS; i++)
        if (thread_start(&others[i], NULL, held, &gate) != 0)
            _exit(2);
    bool good = crew_confine(&crew, &why);
    dprintf(1, "%d %u %s", good, crew.done, why.text);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < OTHERS; i++)
        pthread_join(others[i], NULL);
}

static void confine_silent(const void *stat)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t other;
    struct crew crew = { .rules = -1 };
    struct failure why = { .text = "" };
    silent_stat = stat;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, silent, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    bool good = crew_confine(&crew, &why);
    dprintf(1, "%d %u %s", good, crew.done, why.text);
    pthread_mutex_unlock(&gate);
    pthread_join(other, NULL);
}

/* Made by one that is asked, and is not confined yet; it stays when that one is gone. */
static void *born_late(void *gate)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return confined ? gate : NULL;
}

static pthread_t late;

static void *leaving(void *gate)
{
    sigset_t asked, pending;
    sigemptyset(&asked);
    sigaddset(&asked, THREAD_CONFINE);
    pthread_sigmask(SIG_BLOCK, &asked, NULL);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    do {
        sched_yield();
        sigpending(&pending);
    } while (!sigismember(&pending, THREAD_CONFINE));
    if (pthread_create(&late, NULL, born_late, gate) != 0)
        _exit(2);
    pthread_sigmask(SIG_UNBLOCK, &asked, NULL);
    return NULL;
}

static void confine_late(const void *unused)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t other;
    struct crew crew = { .rules = -1 };
    struct failure why = { .text = "" };
    void *inside;
    (void)unused;
    leaver = &other;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, leaving, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    bool good = crew_confine(&crew, &why);
    pthread_mutex_unlock(&gate);
    pthread_join(late, &inside);
    dprintf(1, "%d %s %s", good, inside ? "inside" : "outside", why.text);
}

/* As many threads have answered as there are, and one of those that are there has not. */
static void test_a_thread_that_another_left_behind(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, confine_late, NULL), 0);
    assert_string_equal(out, "1 inside ");
}

/* In its name's place are letters that look like the end of one. */
static void test_the_kernels_thread_is_left_out(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, confine_silent,
                              "9 (kvm) S 1) S 7 7 7 0 -1 16448 0 0"), 0);
    assert_string_equal(out, "1 1 ");
}

static void test_as_many_as_are_listed(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, confine, NULL), 0);
    assert_string_equal(out, "1 65 ");
}

static void test_threads_that_cannot_be_counted(void **state)
{
    char out[300];
    (void)state;
    uncounted = true;
    assert_int_equal(in_child(1, out, sizeof out, confine, NULL), 0);
    assert_string_equal(out, "0 65 the jail: a thread of this process cannot be confined "
                             "(--jail=weak runs without)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_as_are_listed),
        cmocka_unit_test(test_the_kernels_thread_is_left_out),
        cmocka_unit_test(test_threads_that_cannot_be_counted),
        cmocka_unit_test(test_a_thread_that_another_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
