/* The one way to stop a machine from outside: a kick.
 *
 * Whoever wants it stopped (another thread, a handler of the command line's signals, a time limit)
 * notes the reason in struct kick; the first one counts. Then two things wake the machine, wherever
 * it is. Waits for the host go through kick_ppoll, which also waits for an eventfd and for the wall
 * time's end. KVM_RUN is interrupted by KICK_SIGNAL, which is blocked in every thread that serves a
 * machine: it stays pending until kick_drain, and as KVM_SET_SIGNAL_MASK lets it through inside
 * KVM_RUN, that ends at once as long as it is. So no moment is lost, no handler runs, and nothing
 * of the process changes: not a disposition, and no thread's mask but the one that runs the
 * machine, which gets its own back.
 *
 * kick_stop is async-signal-safe. The timers' signal is the same one; what it means, the clocks
 * tell. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/base.h"

/* Sent to one thread at a time, so that others may use it for what they like. */
#define KICK_SIGNAL (SIGRTMIN + 5)
#define FEW 8 /* descriptors in one wait without an allocation */

/* What this thread runs; where a machine's host function runs another one, the inner one. */
static _Thread_local struct kick *innermost;

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ns / 1000000000u, ns % 1000000000u};
}

static void timer_arm(struct kick_timer *timer, uint64_t at_ns)
{
    struct itimerspec spec = {.it_value = timespec_of(at_ns)};
    if (timer->made)
        timer_settime(timer->id, TIMER_ABSTIME, &spec, NULL);
}

/* ---- reasons ---- */

bool kick_open(struct kick *k, uint64_t deadline_ns, uint64_t cpu_time_ns, uint64_t cpu_from_ns)
{
    *k = (struct kick){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .deadline_ns = deadline_ns};
    cputime_open(&k->cputime, cpu_time_ns, cpu_from_ns);
    return k->event >= 0;
}

void kick_close(struct kick *k)
{
    if (k->event >= 0)
        close(k->event);
    k->event = -1;
}

static void event_clear(struct kick *k)
{
    uint64_t count;
    ssize_t n = read(k->event, &count, sizeof count);
    (void)n;
}

void kick_renew(struct kick *k)
{
    /* that of the run before ends nothing that only stands ready; first, as others may look */
    __atomic_store_n(&k->deadline_ns, 0, __ATOMIC_SEQ_CST);
    cputime_renew(&k->cputime);
    if (__atomic_exchange_n(&k->reason, 0, __ATOMIC_SEQ_CST))
        event_clear(k); /* what stop wrote it, is forgotten */
    __atomic_store_n(&k->again, false, __ATOMIC_RELAXED);
    k->patience_end_ns = 0;
}

/* The counter keeps the thread from leaving, and unblocking the signal, between the look and the
 * shot.  Where the user has as many signals pending as may be, the timer still has its own. */
void kick_thread(struct kick *k)
{
    __atomic_add_fetch(&k->senders, 1, __ATOMIC_SEQ_CST);
    int thread = __atomic_load_n(&k->thread, __ATOMIC_SEQ_CST);
    if (thread && syscall(SYS_tgkill, getpid(), thread, KICK_SIGNAL) != 0 && errno == EAGAIN)
        timer_arm(&k->wall, 1);
    __atomic_sub_fetch(&k->senders, 1, __ATOMIC_SEQ_CST);
}

void kick_stop(struct kick *k, enum end_kind kind, uint32_t number)
{
    const uint64_t one = 1;
    uint64_t none = 0;
    int error = errno;
    bool first = __atomic_compare_exchange_n(&k->reason, &none, (uint64_t)number << 32 | kind,
                                             false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (!first && number)
        __atomic_store_n(&k->again, true, __ATOMIC_RELAXED);
    ssize_t written = write(k->event, &one, sizeof one); /* a full counter is readable too */
    (void)written;
    kick_thread(k);
    errno = error;
}

enum end_kind kick_reason(const struct kick *k, uint32_t *number)
{
    uint64_t reason = __atomic_load_n(&k->reason, __ATOMIC_SEQ_CST);
    *number = (uint32_t)(reason >> 32);
    return (enum end_kind)(uint32_t)reason;
}

/* Nanoseconds of wall time left; 0: over. */
static uint64_t time_left(const struct kick *k)
{
    uint64_t deadline = __atomic_load_n(&k->deadline_ns, __ATOMIC_RELAXED), now = clock_now_ns();
    return !deadline ? UINT64_MAX : now < deadline ? deadline - now : 0;
}

bool kick_pending(struct kick *k)
{
    if (__atomic_load_n(&k->reason, __ATOMIC_SEQ_CST))
        return true;
    if (__atomic_load_n(&k->deadline_ns, __ATOMIC_RELAXED) && !time_left(k))
        kick_stop(k, ENDED_TIMEOUT, 0);
    else if (cputime_over(&k->cputime))
        kick_stop(k, ENDED_CPU_TIME, 0);
    else
        return false;
    return true;
}

/* ---- waits ---- */

static int wait_once(struct kick *k, struct pollfd *all, unsigned n, uint64_t wait_ns)
{
    struct timespec timeout = timespec_of(wait_ns);
    all[n] = (struct pollfd){.fd = k->event, .events = POLLIN};
    return ppoll(all, n + 1, wait_ns == UINT64_MAX ? NULL : &timeout, NULL);
}

/* A signal that is nobody's business here does not end the wait.  Nor does an event without a
 * reason, which is a forked child's: a stop there has our descriptor, and its own memory. */
static int wait_all(struct kick *k, struct pollfd *all, unsigned n, int64_t timeout_ns)
{
    uint64_t end = timeout_ns < 0 ? UINT64_MAX : clock_now_ns() + (uint64_t)timeout_ns;
    for (;;) {
        uint64_t now = clock_now_ns(), left = time_left(k), slice = cputime_slice(&k->cputime);
        left = left < slice ? left : slice;
        uint64_t own = end == UINT64_MAX ? UINT64_MAX : now < end ? end - now : 0;
        int ready = wait_once(k, all, n, own < left ? own : left);
        bool told = ready > 0 && all[n].revents;
        if (told && !__atomic_load_n(&k->reason, __ATOMIC_SEQ_CST))
            event_clear(k); /* a stop that comes meanwhile has its reason first */
        if (kick_pending(k)) {
            errno = EINTR;
            return -1;
        }
        ready -= told;
        if (ready > 0 || (ready < 0 && errno != EINTR) || (ready == 0 && !told && own <= left))
            return ready;
    }
}

int kick_ppoll(struct kick *k, struct pollfd *fds, unsigned n, int64_t timeout_ns)
{
    struct pollfd few[FEW + 1];
    if (kick_pending(k)) {
        errno = EINTR;
        return -1;
    }
    struct pollfd *all = n <= FEW ? few : malloc((n + 1) * sizeof *all);
    if (!all)
        return -1;
    if (n)
        memcpy(all, fds, n * sizeof *all);
    int ready = wait_all(k, all, n, timeout_ns), error = errno;
    if (n)
        memcpy(fds, all, n * sizeof *all);
    if (all != few)
        free(all);
    errno = error;
    return ready;
}

/* ---- the thread that runs the machine ---- */

static bool timer_make(struct kick_timer *timer, clockid_t clock)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL};
    event._sigev_un._tid = syscall(SYS_gettid);
    return timer->made = timer_create(clock, &event, &timer->id) == 0;
}

static void timer_end(struct kick_timer *timer)
{
    if (timer->made)
        timer_delete(timer->id);
    timer->made = false;
}

/* A process's clock says when the time is over; of several threads or processes one is armed, for
 * when to look again. */
static void cpu_arm(struct kick *k)
{
    struct cputime *c = &k->cputime;
    if (!k->cpu.made)
        return;
    if (c->process_from_ns && !c->nprocesses)
        timer_arm(&k->cpu, c->process_from_ns + c->limit_ns);
    else if (c->process_from_ns)
        timer_arm(&k->cpu, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + cputime_slice(c));
    else
        timer_arm(&k->cpu, clock_ns(CLOCK_THREAD_CPUTIME_ID) + cputime_slice(c));
}

/* Arms the wall timer for the deadline, if it is not armed for an earlier one: then kick_drain sees
 * to the rest. So a limit for each of many short calls costs next to nothing. */
static void deadline_arm(struct kick *k)
{
    uint64_t deadline = __atomic_load_n(&k->deadline_ns, __ATOMIC_SEQ_CST);
    uint64_t armed = __atomic_load_n(&k->armed_ns, __ATOMIC_SEQ_CST);
    if (!k->wall.made || !deadline || (armed && armed <= deadline))
        return;
    __atomic_store_n(&k->armed_ns, deadline, __ATOMIC_SEQ_CST);
    timer_arm(&k->wall, deadline);
}

bool kick_enter(struct kick *k, sigset_t *inside)
{
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, KICK_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &own, &k->mask);
    write_guard_enter(&k->guard);
    pthread_sigmask(SIG_SETMASK, NULL, inside);
    sigdelset(inside, KICK_SIGNAL);
    k->timer_slack = prctl(PR_GET_TIMERSLACK);
    /* waits to the nanosecond instead of 50 us; threads made from here inherit it */
    prctl(PR_SET_TIMERSLACK, 1);
    k->outer = innermost;
    innermost = k;
    __atomic_store_n(&k->thread, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    bool made = timer_make(&k->wall, CLOCK_MONOTONIC);
    cputime_enter(&k->cputime);
    if (k->cputime.limit_ns)
        made = made && timer_make(&k->cpu, k->cputime.process_from_ns ? CLOCK_PROCESS_CPUTIME_ID
                                                                     : CLOCK_THREAD_CPUTIME_ID);
    cpu_arm(k);
    deadline_arm(k);
    return made;
}

/* The outer machine's signals are the same: what came for it is taken by now, and it looks anew. */
void kick_leave(struct kick *k)
{
    int error = errno;
    __atomic_store_n(&k->thread, 0, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&k->senders, __ATOMIC_SEQ_CST))
        sched_yield();
    timer_end(&k->wall);
    timer_end(&k->cpu);
    k->armed_ns = 0;
    cputime_leave(&k->cputime);
    signal_consume(KICK_SIGNAL);
    innermost = k->outer;
    if (innermost)
        kick_thread(innermost);
    write_guard_leave(&k->guard);
    prctl(PR_SET_TIMERSLACK, k->timer_slack);
    pthread_sigmask(SIG_SETMASK, &k->mask, NULL);
    errno = error;
}

void kick_drain(struct kick *k)
{
    bool pending = kick_pending(k); /* first: it may kick in its turn */
    signal_consume(KICK_SIGNAL);
    __atomic_store_n(&k->armed_ns, 0, __ATOMIC_SEQ_CST);
    if (pending)
        return;
    deadline_arm(k);
    cpu_arm(k);
}

void kick_deadline(struct kick *k, uint64_t deadline_ns)
{
    __atomic_store_n(&k->deadline_ns, deadline_ns, __ATOMIC_SEQ_CST);
    deadline_arm(k);
}

/* ---- once a stop is wanted: the wall timer is free ---- */

void kick_after(struct kick *k, uint64_t ns)
{
    timer_arm(&k->wall, clock_now_ns() + ns);
}

void kick_patience(struct kick *k, uint64_t ns)
{
    k->patience_end_ns = clock_now_ns() + ns;
    timer_arm(&k->wall, k->patience_end_ns);
}

bool kick_expired(const struct kick *k)
{
    return __atomic_load_n(&k->again, __ATOMIC_RELAXED) ||
           (k->patience_end_ns && clock_now_ns() >= k->patience_end_ns);
}
