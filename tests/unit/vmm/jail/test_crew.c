/* All threads confine themselves: where it cannot be told that there are no more of them, the
 * process is not confined, however many have answered. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/vmm/cli/child.h"
#include "vmm/jail/inside.h"

enum { OTHERS = 64 }; /* as many as are listed at most */

static bool uncounted;

static _Thread_local bool confined;
static unsigned confined_threads; /* atomic; each once */
static pthread_t *leaver; /* the last one to be confined waits until it is gone */

static unsigned threads_alive(void)
{
    struct stat st;
    return fstatat(AT_FDCWD, "/proc/self/task", &st, 0) == 0 ? (unsigned)st.st_nlink - 2 : 0;
}

static char spare_stack[1 << 16]; /* of a thread, for signals */
static bool on_spare_stack;

bool identity_take(const struct identity *identity)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    (void)identity;
    on_spare_stack |= here - (uintptr_t)spare_stack < sizeof spare_stack;
    if (!confined)
        __atomic_add_fetch(&confined_threads, 1, __ATOMIC_SEQ_CST);
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
    if (!uncounted)
        return fstatat(AT_FDCWD, name, st, 0);
    errno = ENOMEM;
    return -1;
}

static bool hasty;  /* a minute is a tenth of a second */
static bool frozen; /* and here it never ends */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, t);
    uint64_t ns = (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
    if (frozen)
        *t = (struct timespec){ 1, 0 };
    else if (hasty)
        *t = (struct timespec){ (time_t)(ns / 1000000 * 600 / 1000),
                                (long)(ns / 1000000 * 600 % 1000 * 1000000) };
    return failed;
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

/* Its mask is emptied when it may go on. */
static void *silent_then_open(void *gate)
{
    sigset_t all;
    silent(gate);
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    return NULL;
}

static void *held(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static bool crew_tell(void)
{
    const struct crew crew = { .rules = -1 };
    struct failure why = { .text = "" };
    bool good = crew_confine(&crew, &why);
    dprintf(1, "%d %u %s", good, __atomic_load_n(&confined_threads, __ATOMIC_SEQ_CST), why.text);
    return good;
}

/* In a child: it is confined for good. */
static void confine(const void *others_wanted)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t others[OTHERS + 1];
    const int n = *(const int *)others_wanted;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < n; i++)
        if (thread_start(&others[i], NULL, held, &gate) != 0)
            _exit(2);
    crew_tell();
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < n; i++)
        pthread_join(others[i], NULL);
}

static void confine_silent(const void *stat)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t other;
    silent_stat = stat;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, silent, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    crew_tell();
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

static void mask(int how)
{
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, THREAD_CONFINE);
    pthread_sigmask(how, &asked, NULL);
}

static void until_asked(void)
{
    sigset_t pending;
    do {
        sched_yield();
        sigpending(&pending);
    } while (!sigismember(&pending, THREAD_CONFINE));
}

/* ---- one that ends while it is asked ---- */

static void *ends_unasked(void *unused)
{
    mask(SIG_BLOCK);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    until_asked();
    return unused;
}

static void confine_one_that_ends(const void *unused)
{
    pthread_t other;
    (void)unused;
    alarm(300);
    if (pthread_create(&other, NULL, ends_unasked, NULL) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    crew_tell();
    pthread_join(other, NULL);
}

/* The one that the process began with stays in the list when it has ended. */
static void *confine_beside_the_first(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    crew_tell();
    _exit(0);
}

static void confine_without_the_first(const void *unused)
{
    static pthread_t first;
    pthread_t other;
    (void)unused;
    alarm(300);
    first = pthread_self();
    if (pthread_create(&other, NULL, confine_beside_the_first, &first) != 0)
        _exit(2);
    pthread_exit(NULL);
}

/* ---- one that lives and does not answer ---- */

/* Later the signal is taken from its mask: it ends nobody. */
static void confine_one_that_is_deaf(const void *unused)
{
    pthread_t other;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    (void)unused;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, silent_then_open, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    crew_tell();
    pthread_mutex_unlock(&gate);
    pthread_join(other, NULL);
}

/* ---- one that answers, but not at once ---- */

static void *answers_late(void *gate)
{
    mask(SIG_BLOCK);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    until_asked();
    mask(SIG_UNBLOCK);
    return held(gate);
}

/* What failed before has nothing to do with it. */
static void confine_with_an_old_error(const void *unused)
{
    pthread_t other;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    (void)unused;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, answers_late, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    errno = EAGAIN;
    if (!crew_tell())
        _exit(3); /* it waits for a signal that was taken back */
    pthread_mutex_unlock(&gate);
    pthread_join(other, NULL);
}

/* ---- one that has little room on its stack ---- */

static void *with_spare_stack(void *gate)
{
    const stack_t spare = { .ss_sp = spare_stack, .ss_size = sizeof spare_stack };
    stack_t before; /* a sanitizer's, which takes it back */
    if (sigaltstack(&spare, &before) != 0)
        _exit(2);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    held(gate);
    sigaltstack(&before, NULL);
    return NULL;
}

static void confine_on_a_spare_stack(const void *unused)
{
    pthread_t other;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    (void)unused;
    pthread_mutex_lock(&gate);
    if (pthread_create(&other, NULL, with_spare_stack, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    crew_tell();
    dprintf(1, "%s", on_spare_stack ? "there" : "on its own");
    pthread_mutex_unlock(&gate);
    pthread_join(other, NULL);
}

/* ---- one whose number another one had that was confined ---- */

static pid_t number_of_the_first; /* atomic */
static pthread_t second, third;
static enum { UNKNOWN, OTHER_NUMBER, ITS_NUMBER } third_has; /* atomic */

static void next_number(pid_t thread)
{
    char text[20];
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    int n = snprintf(text, sizeof text, "%d", thread - 1);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        _exit(77);
    close(fd);
}

static void *third_main(void *gate)
{
    bool again = (pid_t)syscall(SYS_gettid) == number_of_the_first;
    mask(again ? SIG_UNBLOCK : SIG_BLOCK);
    __atomic_store_n(&third_has, again ? ITS_NUMBER : OTHER_NUMBER, __ATOMIC_SEQ_CST);
    if (!again)
        return NULL;
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return confined ? gate : NULL;
}

/* It is not confined, and makes one with the first one's number when that is gone. */
static void *second_main(void *gate)
{
    while (syscall(SYS_tgkill, getpid(), number_of_the_first, 0) == 0)
        sched_yield();
    while (third_has != ITS_NUMBER) { /* that is free a moment later */
        next_number(number_of_the_first);
        __atomic_store_n(&third_has, UNKNOWN, __ATOMIC_SEQ_CST);
        if (pthread_create(&third, NULL, third_main, gate) != 0)
            _exit(2);
        while (__atomic_load_n(&third_has, __ATOMIC_SEQ_CST) == UNKNOWN)
            sched_yield();
        if (third_has == OTHER_NUMBER)
            pthread_join(third, NULL);
    }
    mask(SIG_UNBLOCK);
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static void *first_main(void *gate)
{
    mask(SIG_BLOCK);
    number_of_the_first = (pid_t)syscall(SYS_gettid);
    __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
    until_asked();
    if (pthread_create(&second, NULL, second_main, gate) != 0)
        _exit(2);
    mask(SIG_UNBLOCK);
    return NULL;
}

/* In namespaces of their own, where nobody else takes numbers. */
static void confine_a_number_again(const void *unused)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t first;
    void *inside;
    int status;
    (void)unused;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) != 0)
        _exit(77);
    pid_t pid = fork();
    if (pid > 0) {
        waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, NULL) != 0)
        _exit(77);
    pthread_mutex_lock(&gate);
    if (pthread_create(&first, NULL, first_main, &gate) != 0)
        _exit(2);
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        sched_yield();
    bool good = crew_tell();
    pthread_mutex_unlock(&gate);
    pthread_join(third, &inside);
    dprintf(1, "\n%d %s", good, inside ? "inside" : "outside");
    _exit(0);
}

static void test_a_thread_that_ends_while_it_is_asked(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    frozen = true; /* it is noticed, and not waited for until some time is over */
    assert_int_equal(in_child(1, out, sizeof out, confine_one_that_ends, NULL), 0);
    assert_string_equal(out, "1 1 ");
    assert_int_equal(in_child(1, out, sizeof out, confine_without_the_first, NULL), 0);
    frozen = false;
    assert_string_equal(out, "1 1 ");
}

static void test_a_thread_that_lives_and_is_silent(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    hasty = true;
    assert_int_equal(in_child(1, out, sizeof out, confine_one_that_is_deaf, NULL), 0);
    hasty = false;
    assert_string_equal(out, "0 0 the jail: a thread of this process cannot be confined "
                             "(--jail=weak runs without)");
}

static void child_says(void (*act)(const void *), const char *words)
{
    char out[300];
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, act, NULL), 0);
    assert_string_equal(out, words);
}

static void test_an_error_of_before(void **state)
{
    (void)state;
    child_says(confine_with_an_old_error, "1 2 ");
}

static void test_a_stack_for_signals(void **state)
{
    (void)state;
    child_says(confine_on_a_spare_stack, "1 2 there");
}

static void test_a_number_that_is_used_again(void **state)
{
    char out[300];
    (void)state;
    uncounted = false;
    int status = in_child(1, out, sizeof out, confine_a_number_again, NULL);
    if (status == 77)
        skip(); /* no namespaces here, or numbers cannot be chosen */
    assert_int_equal(status, 0);
    assert_non_null(strstr(out, "\n1 inside"));
}

/* As many threads have answered as there are, and one of those that are there has not. */
static void test_a_thread_that_another_left_behind(void **state)
{
    (void)state;
    child_says(confine_late, "1 inside ");
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
    const int most = OTHERS, more = OTHERS + 1;
    (void)state;
    uncounted = false;
    assert_int_equal(in_child(1, out, sizeof out, confine, &most), 0);
    assert_string_equal(out, "1 65 ");
    assert_int_equal(in_child(1, out, sizeof out, confine, &more), 0);
    assert_string_equal(out, "0 0 the jail: this process has 66 threads, and no more than 65 can "
                             "be confined (--jail=weak runs without)");
}

static void test_threads_that_cannot_be_counted(void **state)
{
    char out[300];
    (void)state;
    const int one = 1;
    uncounted = true;
    assert_int_equal(in_child(1, out, sizeof out, confine, &one), 0);
    assert_string_equal(out, "0 0 the jail: a thread of this process cannot be confined "
                             "(--jail=weak runs without)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_as_are_listed),
        cmocka_unit_test(test_the_kernels_thread_is_left_out),
        cmocka_unit_test(test_threads_that_cannot_be_counted),
        cmocka_unit_test(test_a_thread_that_another_left_behind),
        cmocka_unit_test(test_a_thread_that_ends_while_it_is_asked),
        cmocka_unit_test(test_a_thread_that_lives_and_is_silent),
        cmocka_unit_test(test_an_error_of_before),
        cmocka_unit_test(test_a_stack_for_signals),
        cmocka_unit_test(test_a_number_that_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
