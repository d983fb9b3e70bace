/* Who serves the slot: the vCPU's thread at a doorbell, or a server that polls while calls are
 * frequent.
 *
 * The server is the service thread.  In a machine whose exports are called from outside, it is the
 * thread that calls. A lock decides between the two: whoever holds it and finds a posted request
 * serves the request, then writes DONE. The slot's state lies in guest memory and is only a hint:
 * the host relies on it for nothing.  At a doorbell the vCPU's thread may find that the server
 * already serves the request.  It then sleeps on the lock, and finds DONE.
 *
 * Host functions run with the lock open (`open` says that their request has an owner).  They run on
 * the server's side, so that what they ask of the guest is polled, too: the vCPU's thread hands
 * them over and waits (`rung`).
 *
 * To call into the guest, the host writes a wish in place of an answer.  It then serves the guest's
 * requests until the wish's reply arrives (SERVED_KEPT).  After that the slot belongs to the host
 * function again, and its request is open.
 *
 * When to poll (docs/rationale.md): an exit's cost is the shortest time that KVM_RUN has taken so
 * far.  STREAK calls in a row, each less than GAP_EXITS of that apart, start the thread. IDLE_EXITS
 * without a call stop it.  A guest that waits for the thread rings after WAIT_EXITS.  If that
 * happens often, the thread does not get its CPU.  If it looks for much longer than the exits took
 * that it spares (WORTH_EXITS), it takes more CPU than it is worth.  In both cases polling rests
 * for a time that doubles. */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/run/service.h"

#define STREAK       8
#define GAP_EXITS    4
#define IDLE_EXITS   8
#define WAIT_EXITS   2
#define IDLE_NS_MIN  50000u
#define WAIT_NS_MIN  5000u
#define EXIT_NS_MAX  100000u    /* before the first exits have shown better */
#define REST_NS_MIN  20000000u
#define REST_NS_MAX  1000000000u
/* doorbells while polling, in one session, before it is called bad */
#define MISSES_MOST  16
#define SESSION_LEAST 4         /* polled calls: fewer cost less by exits */
#define WORTH_EXITS   2         /* of looking for a call that spares an exit */
#define DEAR_NS       1000000u  /* of looking for more than that: exits are cheaper */
#define SPINS        64         /* looks at the slot between two looks at the clock */
#define STACK_LEAST  (8u << 20) /* host functions and exports nest on it */
/* how often a thread that waits for a host function looks for a stop */
#define STOP_SLICE_NS    5000000u
#define STOP_PATIENCE_NS 250000000u /* for a host function at the end of a run */

static void futex(uint32_t *word, int op, uint32_t value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* ---- serving: all with the lock held ---- */

static void wake(struct service *s)
{
    pthread_cond_broadcast(&s->changed);
}

static void rung_set(struct service *s, bool rung)
{
    __atomic_store_n(&s->rung, rung, __ATOMIC_RELAXED); /* look() reads it without the lock */
}

/* The guest has its slot back. Release: the result was written before. */
static void answer(struct service *s)
{
    s->open = s->idle = false;
    __atomic_store_n(s->state, SLOT_DONE, __ATOMIC_RELEASE);
    if (s->rung) {
        rung_set(s, false);
        wake(s);
    }
}

/* Acquire: the request was written before it was posted. */
static enum served serve_posted(struct service *s, enum server who)
{
    if (s->open)
        return SERVED_HANDED;
    if (__atomic_load_n(s->state, __ATOMIC_ACQUIRE) == SLOT_DONE)
        return SERVED_DONE;
    __atomic_store_n(s->state, SLOT_BUSY, __ATOMIC_RELAXED);
    enum served how = s->serve(s->context, who);
    s->open = how == SERVED_KEPT; /* a host function may have left it open, and then failed */
    if (how == SERVED_DONE)
        answer(s);
    if (s->served)
        s->served(s->context);
    return how; /* not done: the guest waits in vain, then rings */
}

static bool posted(const struct service *s)
{
    return __atomic_load_n(s->state, __ATOMIC_RELAXED) == SLOT_POSTED;
}

/* What the server finds to do. */
static enum served serve_found(struct service *s)
{
    if (s->stopping || s->open || (!s->rung && !posted(s)))
        return SERVED_NOT;
    return serve_posted(s, ON_SERVER);
}

void service_open(struct service *s)
{
    s->open = true;
    pthread_mutex_unlock(&s->lock);
}

void service_shut(struct service *s)
{
    pthread_mutex_lock(&s->lock);
}

/* ---- polling ---- */

static bool stopping(struct service *s) { return __atomic_load_n(&s->stopping, __ATOMIC_RELAXED); }

static uint64_t idle_most(const struct service *s)
{
    uint64_t exit = __atomic_load_n(&s->exit_ns, __ATOMIC_RELAXED);
    if (s->always)
        return REST_NS_MIN;
    return exit * IDLE_EXITS > IDLE_NS_MIN ? exit * IDLE_EXITS : IDLE_NS_MIN;
}

/* The lock is open.  Looks at the slot until there is something to do, or the time is up (false):
 * `most` ticks after `since`. */
static bool look(struct service *s, uint64_t since, uint64_t most)
{
    for (;;) {
        for (unsigned spins = 0; spins < SPINS; spins++) {
            if (posted(s) || __atomic_load_n(&s->rung, __ATOMIC_RELAXED))
                return true;
            __builtin_ia32_pause();
        }
        if (stopping(s) || __atomic_load_n(&s->give_up, __ATOMIC_RELAXED))
            return true;
        if (__builtin_ia32_rdtsc() - since > most)
            return false;
    }
}

static void polled_show(struct service *s)
{
    uint64_t exit = __atomic_load_n(&s->exit_ns, __ATOMIC_RELAXED);
    uint64_t wait = exit * WAIT_EXITS > WAIT_NS_MIN ? exit * WAIT_EXITS : WAIT_NS_MIN;
    if (s->shown)
        return;
    s->shown = true;
    __atomic_store_n(s->wait_ticks, wait * s->tsc_khz / 1000000u, __ATOMIC_RELAXED);
    __atomic_store_n(s->polled, 1, __ATOMIC_SEQ_CST);
}

/* The guest may have seen `polled` and post now: one more look after it is 0. If that misses it
 * too, the guest's wait is bounded. */
static enum served polled_hide(struct service *s)
{
    s->shown = false;
    __atomic_store_n(s->polled, 0, __ATOMIC_SEQ_CST);
    return serve_found(s);
}

/* A request that was handed over and is not served: the run is over, and only the vCPU's thread can
 * see to that. */
static bool refused(const struct service *s, enum served how)
{
    return how == SERVED_NOT && s->rung;
}

/* The session has looked for longer than its calls were worth.  Callers of exports wait anyway. */
static bool dear(const struct service *s)
{
    uint64_t exit = __atomic_load_n(&s->exit_ns, __ATOMIC_RELAXED);
    uint64_t worth = s->polled_calls * exit * WORTH_EXITS + DEAR_NS;
    return !s->always && !s->threadless && s->looked > worth * s->tsc_khz / 1000000u;
}

/* With the lock held; opens it while it looks.  Serves until no call has come for a while, the run
 * is over, the session is given up or dear, or the guest has answered (SERVED_KEPT). */
static enum served poll_slot(struct service *s)
{
    uint64_t idle = idle_most(s) * s->tsc_khz / 1000000u;
    s->last = __builtin_ia32_rdtsc();
    while (!s->stopping && !s->give_up && !dear(s)) {
        polled_show(s);
        uint64_t since = s->last;
        pthread_mutex_unlock(&s->lock);
        bool found = look(s, since, idle);
        uint64_t now = __builtin_ia32_rdtsc();
        pthread_mutex_lock(&s->lock);
        s->looked += now > since ? now - since : 0;
        if (!found)
            break;
        enum served how = serve_found(s);
        if (how == SERVED_KEPT)
            return SERVED_KEPT;
        if (refused(s, how))
            break;
    }
    return polled_hide(s);
}

/* ---- the service thread ---- */

static void session(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    s->there = true;
    poll_slot(s);
    bool bad = s->give_up || dear(s), vain = !s->always && s->polled_calls < SESSION_LEAST;
    s->rest_ns = !bad ? REST_NS_MIN : s->rest_ns * 2 < REST_NS_MAX ? s->rest_ns * 2 : REST_NS_MAX;
    s->not_before = bad || vain ? clock_now_ns() + s->rest_ns : 0;
    s->misses = 0;
    __atomic_store_n(&s->give_up, false, __ATOMIC_RELAXED);
    s->streak = 0;
    s->polling = s->there = false;
    pthread_mutex_unlock(&s->lock);
}

static void *service_main(void *context)
{
    struct service *s = context;
    outlet_use(s->outlet);
    if (s->cputime)
        cputime_enter(s->cputime);
    while (!stopping(s)) {
        if (__atomic_exchange_n(&s->wanted, 0, __ATOMIC_ACQUIRE))
            session(s);
        else
            futex(&s->wanted, FUTEX_WAIT, 0);
    }
    s->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (s->cputime)
        cputime_leave(s->cputime);
    return NULL;
}

/* In the jail that cannot be told any more: there it is as it was when the machine was made. */
static bool one_cpu(const struct service *s)
{
    unsigned cpus = thread_cpus();
    return (cpus ? cpus : s->cpus_before) == 1;
}

/* What stops a job that uses its terminal from the background belongs to the thread that does:
 * blocked, the kernel says EIO instead. */
static bool thread_make(struct service *s)
{
    pthread_attr_t attr;
    const struct thread_how how = {&attr, {SIGTTIN, SIGTTOU, s->kick_signal}};
    size_t stack = 0;
    pthread_attr_init(&attr);
    pthread_attr_getstacksize(&attr, &stack); /* 2 MiB under `ulimit -s unlimited` */
    if (stack < STACK_LEAST)
        pthread_attr_setstacksize(&attr, STACK_LEAST);
    s->running = thread_start(&s->thread, &how, service_main, s) == 0;
    pthread_attr_destroy(&attr);
    return s->running;
}

/* With the lock held. */
static bool thread_call(struct service *s)
{
    if (!s->running && !thread_make(s)) {
        s->allowed = s->polling = false;
        return false;
    }
    __atomic_store_n(&s->wanted, 1, __ATOMIC_RELEASE);
    futex(&s->wanted, FUTEX_WAKE, 1);
    return true;
}

/* ---- the vCPU's side ---- */

void service_init(struct service *s, enum transport transport, uint64_t tsc_khz)
{
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->outlet = outlet_now();
    s->exit_ns = EXIT_NS_MAX;
    s->rest_ns = REST_NS_MIN;
    s->tsc_khz = tsc_khz;
    s->always = transport == TRANSPORT_POLL;
    s->allowed = transport != TRANSPORT_EXIT && tsc_khz && !one_cpu(s);
    s->asker = s->threadless ? ON_SERVER : ON_VCPU;
    s->asks = s->threadless; /* service_await's: the guest may be there first */
}

/* Decides, with the lock held, whether the calls come thick enough. */
static bool worth_polling(struct service *s, uint64_t guest_ns)
{
    s->streak = s->always || guest_ns < s->exit_ns * GAP_EXITS ? s->streak + 1 : 0;
    if (s->threadless || !s->allowed || s->polling || s->stopping ||
        (!s->always && s->streak < STREAK))
        return false;
    return !s->not_before || clock_now_ns() >= s->not_before;
}

/* Until the server has answered, or the run is over.  While nobody wants anything of the guest
 * there is no hurry; a host function that takes its time must not keep a stop from taking effect.
 */
static void hand_over(struct service *s)
{
    rung_set(s, true);
    wake(s);
    while (s->rung && !s->stopping) {
        if (s->idle || !s->stop_wanted) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STOP_SLICE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0 &&
            s->stop_wanted(s->context))
            break;
    }
    rung_set(s, false);
}

static void session_want(struct service *s)
{
    if (s->polling)
        return;
    s->polling = true;
    s->polled_calls = s->looked = 0;
    thread_call(s);
}

void service_doorbell(struct service *s, bool counts, uint64_t guest_ns)
{
    pthread_mutex_lock(&s->lock);
    if (guest_ns < s->exit_ns)
        __atomic_store_n(&s->exit_ns, guest_ns, __ATOMIC_RELAXED);
    /* While the thread is only on its way, a doorbell says nothing about it: waking takes longer
     * than many exits. */
    if (s->there && s->shown && counts && ++s->misses >= MISSES_MOST &&
        s->misses * 8 > s->polled_calls)
        __atomic_store_n(&s->give_up, true, __ATOMIC_RELAXED);
    enum served how = serve_posted(s, ON_VCPU);
    if (how == SERVED_HANDED && !s->threadless && !s->open) {
        session_want(s);
        if (!s->allowed) /* there is no such thread after all */
            how = serve_posted(s, ON_VCPU);
    }
    if (how == SERVED_HANDED)
        hand_over(s);
    else if (counts && worth_polling(s, guest_ns))
        session_want(s);
    pthread_mutex_unlock(&s->lock);
}

void service_resume(struct service *s)
{
    s->open = s->idle = true;
    s->asks = 0;
}

bool service_wait(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->open && !s->stopping)
        hand_over(s);
    bool on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return on;
}

/* Not while the thread rests: on a busy machine an exit is cheaper than waiting for it. */
bool service_hands_over(const struct service *s)
{
    if (s->threadless || s->polling)
        return true;
    return s->allowed && !s->stopping && (!s->not_before || clock_now_ns() >= s->not_before);
}

bool service_stop(struct service *s)
{
    pthread_mutex_lock(&s->lock); /* waits for a call in service */
    __atomic_store_n(&s->stopping, true, __ATOMIC_RELAXED);
    wake(s);
    bool within = s->open; /* nobody but a host function keeps the thread from ending soon */
    pthread_mutex_unlock(&s->lock);
    if (!s->running)
        return true;
    __atomic_store_n(&s->wanted, 1, __ATOMIC_RELEASE);
    futex(&s->wanted, FUTEX_WAKE, 1);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += STOP_PATIENCE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_timedjoin_np(s->thread, NULL, within && !s->patient ? &until : NULL) != 0)
        return false;
    s->running = false;
    return true;
}

/* ---- the guest is asked for something ---- */

/* With the lock held: serves until the guest has answered; false: the run is over. */
static bool pump(struct service *s)
{
    for (;;) {
        enum served how = s->allowed ? poll_slot(s) : serve_found(s);
        if (how == SERVED_KEPT)
            return true;
        bool over = refused(s, how); /* of what is rung now, not of what comes */
        while ((!s->rung || over) && !s->stopping)
            pthread_cond_wait(&s->changed, &s->lock);
        if (s->stopping)
            return false;
    }
}

static void asked(struct service *s, bool kept)
{
    s->asks--;
    s->idle = s->threadless && s->asks == 0 && kept;
}

bool service_await(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    bool kept = pump(s);
    asked(s, kept);
    pthread_mutex_unlock(&s->lock);
    return kept;
}

bool service_ask(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    enum server before = s->asker;
    bool kept = !s->stopping;
    s->asker = ON_SERVER;
    s->asks++;
    if (kept) {
        answer(s);
        kept = pump(s);
    }
    s->asker = before;
    asked(s, kept);
    pthread_mutex_unlock(&s->lock);
    return kept;
}

enum server service_ask_here(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    enum server before = s->asker;
    s->asker = ON_VCPU;
    s->asks++;
    answer(s);
    pthread_mutex_unlock(&s->lock);
    return before;
}

void service_asked_here(struct service *s, enum server before)
{
    pthread_mutex_lock(&s->lock);
    s->asker = before;
    s->asks--;
    pthread_mutex_unlock(&s->lock);
}
