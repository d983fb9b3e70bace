/* Threads one at a time, and their clock (steps.h).
 *
 * A thread of the monitor's runs until it waits: for a descriptor, for a time, or for a lock.  Then
 * it gives the turn back to the thread that runs the input, which gives it the next one where
 * somebody waits, or where the input says so.  Time goes on by little at each look at a clock, and
 * by much where all are waiting. */
#include "tests/fuzz/steps.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/message.h"

enum { THREADS = 4, VAIN_MOST = 64, LOOK_NS = 1000, SLOW_NS = 200000000 };
#define BEGINNING_NS 1000000000000u
#define YEAR_2024_NS 1704067200000000000u
#define NEVER UINT64_MAX
#define LONG_NS 2600000000000000u /* a month: what is later never comes */

static struct step_thread {
    pthread_t thread;
    void *(*start)(void *);
    void *context;
    sem_t turn;
    uint64_t until_ns; /* it waits for that time at most */
    bool used, over, moved;
} threads[THREADS];
static sem_t here;                       /* the turn of the thread that runs inputs */
static __thread struct step_thread *own; /* NULL: that one */
static uint64_t now_ns, look_ns = LOOK_NS;
static uint32_t random_state;
void (*steps_looked)(void);

int __real_thread_start(pthread_t *, const struct thread_how *, void *(*)(void *), void *);
int __wrap_thread_start(pthread_t *, const struct thread_how *, void *(*)(void *), void *);
int __real_pthread_join(pthread_t, void **);
int __wrap_pthread_join(pthread_t, void **);
int __wrap_pthread_mutex_lock(pthread_mutex_t *);
int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
int __wrap_ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
ssize_t __wrap_getrandom(void *, size_t, unsigned);
long __real_syscall(long, ...);
long __wrap_syscall(long, long, long, long, long, long, long);

/* ---- turns ---- */

static void turn_wait(sem_t *turn)
{
    while (sem_wait(turn) < 0) {}
}

/* Of a thread: it has to wait. */
static void turn_back(uint64_t until_ns)
{
    own->until_ns = until_ns;
    sem_post(&here);
    turn_wait(&own->turn);
}

bool steps_round(void)
{
    bool moved = false;
    for (unsigned i = 0; i < THREADS; i++) {
        struct step_thread *t = &threads[i];
        if (!t->used || t->over)
            continue;
        t->moved = false;
        sem_post(&t->turn);
        turn_wait(&here);
        moved |= t->moved || t->over;
    }
    return moved;
}

static void *thread_main(void *self)
{
    own = self;
    turn_wait(&own->turn);
    own->moved = true;
    own->start(own->context);
    own->over = true;
    sem_post(&here);
    return NULL;
}

int __wrap_thread_start(pthread_t *thread, const struct thread_how *how, void *(*start)(void *),
                        void *context)
{
    struct step_thread *t = threads;
    while (t->used)
        t++;
    if (fault_now())
        return EAGAIN;
    *t = (struct step_thread){ .start = start, .context = context, .until_ns = NEVER };
    sem_init(&t->turn, 0, 0);
    int error = __real_thread_start(&t->thread, how, thread_main, t);
    t->used = error == 0;
    *thread = t->thread;
    return error;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    for (struct step_thread *t = threads; t < threads + THREADS; t++) {
        if (!t->used || !pthread_equal(t->thread, thread))
            continue;
        while (!t->over)
            if (!steps_round())
                steps_wait(NEVER);
        t->used = false;
    }
    return __real_pthread_join(thread, result);
}

/* ---- the clock ---- */

void steps_begin(void)
{
    now_ns = BEGINNING_NS;
    random_state = 1;
}

void steps_slow(bool slow)
{
    look_ns = slow ? SLOW_NS : LOOK_NS;
}

uint64_t steps_now(void)
{
    return now_ns;
}

void steps_pass(uint64_t ns)
{
    now_ns += ns < LONG_NS ? ns : 0;
}

void steps_wait(uint64_t until_ns)
{
    uint64_t next = until_ns;
    for (unsigned i = 0; i < THREADS; i++)
        if (threads[i].used && !threads[i].over && threads[i].until_ns < next)
            next = threads[i].until_ns;
    if (next > now_ns)
        steps_pass(next - now_ns);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    now_ns += look_ns;
    if (steps_looked)
        steps_looked();
    uint64_t ns = now_ns + (clock == CLOCK_REALTIME ? YEAR_2024_NS : 0);
    *out = (struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
    return 0;
}

/* ---- waits ---- */

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    const struct timespec none = { 0 };
    const uint64_t until = timeout ? now_ns + (uint64_t)timeout->tv_sec * 1000000000u +
                                         (uint64_t)timeout->tv_nsec
                                   : NEVER;
    (void)mask;
    for (unsigned vain = 0;; vain++) {
        if (steps_looked)
            steps_looked();
        int ready = __real_ppoll(fds, n, &none, NULL);
        if (ready || now_ns >= until) {
            if (own)
                own->moved |= ready != 0;
            return ready;
        }
        if (own) {
            turn_back(until);
        } else if (vain == VAIN_MOST) {
            errno = EINTR;
            return -1;
        } else if (!steps_round()) {
            steps_wait(until);
        }
    }
}

/* Who holds it may be waiting for a turn. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    int error;
    while ((error = pthread_mutex_trylock(lock)) == EBUSY)
        if (own)
            turn_back(NEVER);
        else if (!steps_round())
            steps_wait(NEVER); /* its patience ends */
    return error;
}

/* A futex is one of a thread that has nothing to do. */
static long futex(const uint32_t *word, long how, uint32_t value)
{
    if ((how & FUTEX_CMD_MASK) != FUTEX_WAIT)
        return 0;
    if (own && __atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
        turn_back(NEVER);
    else if (own)
        own->moved = true;
    return 0;
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_futex)
        return futex((const uint32_t *)a, b, (uint32_t)c);
    return fault_now() ? -1 : __real_syscall(number, a, b, c, d, e, f);
}

/* ---- random bytes ---- */

ssize_t __wrap_getrandom(void *at, size_t n, unsigned flags)
{
    (void)flags;
    if (fault_now())
        return -1;
    for (size_t i = 0; i < n; i++) {
        random_state = random_state * 1103515245u + 12345u;
        ((uint8_t *)at)[i] = (uint8_t)(random_state >> 16);
    }
    return (ssize_t)n;
}
