/* The service thread: serves the guest's calls without an exit while they come thick, and sleeps otherwise.
 *
 * Two threads may serve the slot, the vCPU's (at a doorbell) and this one. The lock decides: who holds it and finds a
 * request posted serves it, then writes DONE. The slot's state lies in guest memory and is only a hint: nothing on the
 * host's side rests on it. A doorbell that finds the thread in service waits for the lock, asleep, and finds DONE.
 *
 * When to poll (docs/rationale.md): an exit's cost is the shortest time that KVM_RUN has taken so far. STREAK calls in
 * a row, each less than GAP_EXITS of that apart, start the thread; IDLE_EXITS without a call stop it. A guest that
 * waits for the thread rings after WAIT_EXITS; where that happens often, the thread does not get its CPU, and polling
 * rests for a while that doubles. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/service.h"

#define STREAK       8
#define GAP_EXITS    4
#define IDLE_EXITS   8
#define WAIT_EXITS   2
#define IDLE_NS_MIN  50000u
#define WAIT_NS_MIN  5000u
#define EXIT_NS_MAX  100000u    /* before the first exits have shown better */
#define REST_NS_MIN  20000000u
#define REST_NS_MAX  1000000000u
#define MISSES_MOST  16         /* doorbells while polling, in one session, before it is called bad */
#define SPINS        64         /* looks at the slot between two looks at the clock */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void futex(uint32_t *word, int op, uint32_t value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* ---- serving ---- */

/* With the lock held. Acquire: the request was written before it was posted. */
static void serve_posted(struct service *s, bool polled)
{
    if (__atomic_load_n(s->state, __ATOMIC_ACQUIRE) == SLOT_DONE)
        return;
    __atomic_store_n(s->state, SLOT_BUSY, __ATOMIC_RELAXED);
    if (s->serve(s->context, polled)) /* else the guest waits in vain, then rings */
        __atomic_store_n(s->state, SLOT_DONE, __ATOMIC_RELEASE); /* the result was written before */
}

static void serve_polled(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->stopping && __atomic_load_n(s->state, __ATOMIC_RELAXED) == SLOT_POSTED)
        serve_posted(s, true);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the thread ---- */

static bool stopping(struct service *s) { return __atomic_load_n(&s->stopping, __ATOMIC_RELAXED); }

static uint64_t idle_most(const struct service *s)
{
    uint64_t exit = __atomic_load_n(&s->exit_ns, __ATOMIC_RELAXED);
    if (s->always)
        return REST_NS_MIN;
    return exit * IDLE_EXITS > IDLE_NS_MIN ? exit * IDLE_EXITS : IDLE_NS_MIN;
}

/* Polls until no call has come for a while. */
static void poll_slot(struct service *s)
{
    uint64_t last = now_ns(), idle = idle_most(s);
    while (!stopping(s) && !__atomic_load_n(&s->give_up, __ATOMIC_RELAXED)) {
        unsigned spins = 0;
        while (spins < SPINS && __atomic_load_n(s->state, __ATOMIC_RELAXED) != SLOT_POSTED) {
            __builtin_ia32_pause();
            spins++;
        }
        if (spins < SPINS) {
            serve_polled(s);
            last = now_ns();
        } else if (now_ns() - last > idle) {
            break;
        }
    }
}

static void session(struct service *s)
{
    uint64_t exit = __atomic_load_n(&s->exit_ns, __ATOMIC_RELAXED);
    uint64_t wait = exit * WAIT_EXITS > WAIT_NS_MIN ? exit * WAIT_EXITS : WAIT_NS_MIN;
    __atomic_store_n(s->wait_ticks, wait * s->tsc_khz / 1000000u, __ATOMIC_RELAXED);
    pthread_mutex_lock(&s->lock);
    s->there = true;
    pthread_mutex_unlock(&s->lock);
    __atomic_store_n(s->polled, 1, __ATOMIC_SEQ_CST);
    poll_slot(s);
    /* The guest may have seen `polled` and post now: one more look after it is 0. If that misses it too, the guest's
     * wait is bounded. */
    __atomic_store_n(s->polled, 0, __ATOMIC_SEQ_CST);
    serve_polled(s);
    bool bad = __atomic_load_n(&s->give_up, __ATOMIC_RELAXED);
    pthread_mutex_lock(&s->lock);
    s->rest_ns = !bad ? REST_NS_MIN : s->rest_ns * 2 < REST_NS_MAX ? s->rest_ns * 2 : REST_NS_MAX;
    s->not_before = bad ? now_ns() + s->rest_ns : 0;
    s->misses = 0;
    s->give_up = false;
    s->streak = 0;
    s->polling = s->there = false;
    pthread_mutex_unlock(&s->lock);
}

static void *service_main(void *context)
{
    struct service *s = context;
    while (!stopping(s)) {
        if (__atomic_exchange_n(&s->wanted, 0, __ATOMIC_ACQUIRE))
            session(s);
        else
            futex(&s->wanted, FUTEX_WAIT, 0);
    }
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    s->cpu_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return NULL;
}

static bool one_cpu(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) < 2;
}

/* The thread takes no signal but the kick, so that the others come to the vCPU's thread. */
static bool thread_make(struct service *s)
{
    sigset_t all, before;
    sigfillset(&all);
    if (s->kick_signal)
        sigdelset(&all, s->kick_signal);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->running = pthread_create(&s->thread, NULL, service_main, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->running;
}

/* ---- the vCPU's side ---- */

void service_init(struct service *s, enum transport transport, uint64_t tsc_khz)
{
    pthread_mutex_init(&s->lock, NULL);
    s->exit_ns = EXIT_NS_MAX;
    s->rest_ns = REST_NS_MIN;
    s->tsc_khz = tsc_khz;
    s->always = transport == TRANSPORT_POLL;
    s->allowed = transport != TRANSPORT_EXIT && tsc_khz && !one_cpu();
}

/* Decides, with the lock held, whether the calls come thick enough. */
static bool worth_polling(struct service *s, uint64_t guest_ns)
{
    if (guest_ns < s->exit_ns)
        __atomic_store_n(&s->exit_ns, guest_ns, __ATOMIC_RELAXED);
    s->streak = s->always || guest_ns < s->exit_ns * GAP_EXITS ? s->streak + 1 : 0;
    if (!s->allowed || s->polling || s->stopping || (!s->always && s->streak < STREAK))
        return false;
    return !s->not_before || now_ns() >= s->not_before;
}

void service_doorbell(struct service *s, bool counts, uint64_t guest_ns)
{
    pthread_mutex_lock(&s->lock);
    serve_posted(s, false);
    bool start = counts && worth_polling(s, guest_ns);
    /* While the thread is only on its way, a doorbell says nothing about it: waking takes longer than many exits. */
    if (s->there && counts && ++s->misses >= MISSES_MOST && s->misses * 8 > s->polled_calls)
        __atomic_store_n(&s->give_up, true, __ATOMIC_RELAXED);
    if (start) {
        s->polling = true;
        s->polled_calls = 0;
    }
    pthread_mutex_unlock(&s->lock);
    if (!start)
        return;
    if (!s->running && !thread_make(s)) {
        s->allowed = s->polling = false;
        return;
    }
    __atomic_store_n(&s->wanted, 1, __ATOMIC_RELEASE);
    futex(&s->wanted, FUTEX_WAKE, 1);
}

void service_stop(struct service *s)
{
    pthread_mutex_lock(&s->lock); /* waits for a call in service */
    __atomic_store_n(&s->stopping, true, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&s->lock);
    if (!s->running)
        return;
    __atomic_store_n(&s->wanted, 1, __ATOMIC_RELEASE);
    futex(&s->wanted, FUTEX_WAKE, 1);
    pthread_join(s->thread, NULL);
    s->running = false;
}
