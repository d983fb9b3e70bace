/* The one way to stop a run from outside: a kick.
 *
 * Signals that end a program and the two time limits all come to one handler, in the vCPU's thread.  It notes the
 * reason, sets immediate_exit, and arms a timer that repeats the kick every millisecond until the run loop has
 * acknowledged it: whatever the thread was about to do when the first one came, one of the next finds it waiting.
 * KVM_RUN and plain system calls end with EINTR; long waits go through kick_ppoll, where the signals are unmasked
 * only inside the wait.
 *
 * State is global, as signal dispositions are: one machine a process.  The handler calls async-signal-safe functions
 * only. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/vm.h"

#define REPEAT_NS 1000000
#define KICK_SIGNAL SIGRTMIN

enum source { SOURCE_WALL, SOURCE_CPU, SOURCE_REPEAT, SOURCES };

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { END_SIGNALS = sizeof end_signals / sizeof end_signals[0] };

static struct {
    struct kvm *kvm;
    sigset_t mask;                       /* all that the handler takes */
    struct sigaction before[END_SIGNALS];
    bool taken[END_SIGNALS];
    timer_t timers[SOURCES];
    bool timed[SOURCES];
    uint64_t cpu_time_ns;
    volatile sig_atomic_t pending;       /* a stop is wanted */
    volatile sig_atomic_t kind, number;  /* the first reason */
    const pthread_t *also;               /* the service thread: its waits end too */
    const bool *also_runs;
    volatile sig_atomic_t repeating, acknowledged, waiting, expired;
} kick;

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ns / 1000000000u, ns % 1000000000u};
}

static void timer_arm(enum source source, uint64_t ns, uint64_t interval_ns, int flags)
{
    struct itimerspec spec = {.it_value = timespec_of(ns), .it_interval = timespec_of(interval_ns)};
    if (kick.timed[source])
        timer_settime(kick.timers[source], flags, &spec, NULL);
}

static void note(enum end_kind kind, int number)
{
    if (kick.kind == ENDED_NOT) {
        kick.number = number;
        kick.kind = kind;
    } else if (number) {
        kick.expired = 1; /* a second signal: no more waiting for the first one's backtrace */
    }
}

static void take(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (number != KICK_SIGNAL)
        note(ENDED_SIGNAL, number);
    else if (info->si_code != SI_TIMER)
        return;
    else if (info->si_value.sival_int == SOURCE_WALL)
        note(ENDED_TIMEOUT, 0);
    else if (info->si_value.sival_int == SOURCE_CPU)
        note(ENDED_CPU_TIME, 0);
    else if (kick.waiting)
        kick.expired = 1;
    kick.pending = kick.kind != ENDED_NOT;
    kvm_kick(kick.kvm);
    if (kick.also && *kick.also_runs && kick.pending)
        pthread_kill(*kick.also, KICK_SIGNAL);
    if (!kick.repeating && !kick.acknowledged) {
        kick.repeating = 1;
        timer_arm(SOURCE_REPEAT, REPEAT_NS, REPEAT_NS, 0);
    }
}

static void timer_make(enum source source, clockid_t clock)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL,
                             .sigev_value.sival_int = source};
    event._sigev_un._tid = syscall(SYS_gettid);
    if (timer_create(clock, &event, &kick.timers[source]) != 0)
        fail("no timer: %s (too many pending signals? ulimit -i)", strerror(errno));
    kick.timed[source] = true;
}

/* A signal that the caller has set to be ignored stays ignored, as under nohup. */
static void signals_take(void)
{
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO, .sa_mask = kick.mask};
    sigaction(KICK_SIGNAL, &action, NULL);
    for (unsigned i = 0; i < END_SIGNALS; i++) {
        sigaction(end_signals[i], NULL, &kick.before[i]);
        kick.taken[i] = kick.before[i].sa_handler != SIG_IGN;
        if (kick.taken[i])
            sigaction(end_signals[i], &action, NULL);
    }
    /* Writes to a closed pipe, and past a file size limit, are errors that the module gets to see. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &kick.mask, NULL);
}

void kick_start(const struct config *config, struct kvm *kvm, uint64_t start_ns)
{
    kick.kvm = kvm;
    kick.cpu_time_ns = config->cpu_time_ns;
    sigemptyset(&kick.mask);
    sigaddset(&kick.mask, KICK_SIGNAL);
    for (unsigned i = 0; i < END_SIGNALS; i++)
        sigaddset(&kick.mask, end_signals[i]);
    timer_make(SOURCE_REPEAT, CLOCK_MONOTONIC);
    signals_take();
    if (config->timeout_ns) {
        timer_make(SOURCE_WALL, CLOCK_MONOTONIC);
        timer_arm(SOURCE_WALL, start_ns + config->timeout_ns, 0, TIMER_ABSTIME);
    }
}

void kick_guest(void)
{
    if (!kick.cpu_time_ns)
        return;
    timer_make(SOURCE_CPU, CLOCK_THREAD_CPUTIME_ID);
    timer_arm(SOURCE_CPU, kick.cpu_time_ns, 0, 0);
}

int kick_signal(void)
{
    return KICK_SIGNAL;
}

void kick_also(const pthread_t *thread, const bool *runs)
{
    kick.also = NULL;
    kick.also_runs = runs;
    kick.also = thread;
}

void kick_thread(pthread_t thread)
{
    kvm_kick(kick.kvm);
    pthread_kill(thread, KICK_SIGNAL);
}

enum end_kind kick_reason(uint32_t *number)
{
    *number = kick.number;
    return kick.kind;
}

void kick_acknowledge(void)
{
    kick.acknowledged = 1;
    timer_arm(SOURCE_REPEAT, 0, 0, 0);
}

void kick_after(uint64_t ns)
{
    kick.waiting = 1;
    timer_arm(SOURCE_REPEAT, ns, REPEAT_NS, 0);
}

bool kick_expired(void)
{
    return kick.expired;
}

bool kick_pending(void)
{
    return kick.pending;
}

int kick_ppoll(struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    struct timespec timeout = timespec_of(timeout_ns < 0 ? 0 : timeout_ns);
    sigset_t unmasked;
    int ready = -1, error = EINTR;
    pthread_sigmask(SIG_BLOCK, &kick.mask, &unmasked);
    if (!kick.pending) {
        ready = ppoll(fds, n, timeout_ns < 0 ? NULL : &timeout, &unmasked);
        error = errno;
    }
    pthread_sigmask(SIG_SETMASK, &unmasked, NULL);
    errno = error;
    return ready;
}

void kick_stop(void)
{
    signal(KICK_SIGNAL, SIG_IGN);
    for (unsigned i = 0; i < SOURCES; i++)
        if (kick.timed[i])
            timer_delete(kick.timers[i]);
    memset(kick.timed, 0, sizeof kick.timed);
    for (unsigned i = 0; i < END_SIGNALS; i++)
        if (kick.taken[i])
            sigaction(end_signals[i], &kick.before[i], NULL);
}
