/* The hand-over of calls between guest, service thread and vCPU, with a thread in the guest's
 * place: it waits and rings as wasi-shim/hypercall.c says, and ringing calls service_doorbell, as
 * an exit would.  Runs under ASan, and under ThreadSanitizer by `make $(BUILD)/tsan/test_service`.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/run/service.h"
#include "vmm/wasi/wasi.h" /* before <cmocka.h>, which has a macro fail */
#include "wasi-shim/hypercall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TSC_KHZ   1000000u /* about right: the wait's bound is not exact anyway */
/* a cheap exit: the guest waits 5 us and rings while the call is in service */
#define EXIT_NS   2000u
#define DEAR_NS   50000u    /* a dear one: nearly every call is served in time */
#define CALLS     200000u
#define PATIENCE_NS 300000000000u /* how long a thread may take to come to its CPU */
#define STRESS_NS 5000000000u     /* ... and what a busy machine gets of a stress test */
#define SLOW_EVERY 4096u   /* of the delays, one in so many sleeps */

static struct slot slot;
static struct service service;
static unsigned long delays; /* the guest's random numbers */

/* What the serving side knows; all of it under the service's lock. */
static struct {
    uint64_t served, polled, wrong, after_end, after_stop;
    uint64_t end_at;      /* the run ends in this call; 0 = never */
    uint64_t block_ns;    /* every polled call takes so long */
    bool ended, stopped, delayed;
    unsigned long delays;
} host;

static void sleep_ns(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
}

static uint64_t mixed(uint64_t call, uint64_t i)
{
    return (call * 31 + i + 1) * 0x9e3779b97f4a7c15u;
}

static unsigned long random_next(unsigned long *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Mostly nothing, often a few hundred nanoseconds, seldom a sleep. */
static void delay(unsigned long *state)
{
    unsigned long r = random_next(state);
    if (r % SLOW_EVERY == 0)
        sleep_ns(r % 200000);
    else if (r % 4 == 0)
        for (volatile unsigned i = 0; i < r % 509; i++)
            ;
}

static enum served serve(void *context, enum server who)
{
    bool polled = who == ON_SERVER;
    assert_ptr_equal(context, &host);
    struct request r = {.number = slot.number};
    memcpy(r.args, slot.args, sizeof r.args);
    host.after_stop += host.stopped && polled;
    if (host.ended) {
        host.after_end += polled;
        return SERVED_NOT;
    }
    uint64_t call = r.args[0];
    host.wrong += call != host.served + 1 || r.number != call % CALL_memory_grow;
    for (uint64_t i = 1; i < SLOT_ARGS; i++)
        host.wrong += r.args[i] != mixed(call, i);
    if (host.delayed)
        delay(&host.delays);
    if (polled && host.block_ns)
        sleep_ns(host.block_ns);
    slot.result = mixed(call, 99);
    host.served++;
    service.last = __builtin_ia32_rdtsc();
    host.polled += polled;
    service.polled_calls += polled;
    host.ended = call == host.end_at;
    return host.ended ? SERVED_NOT : SERVED_DONE;
}

/* ---- host functions and asking the guest: values are checked on both sides ---- */

enum { NESTED_MOST = 5 };
static struct { uint64_t asked, wrong, handed; unsigned long random; bool blocked, stuck; } nest;

/* What an export gives for its argument, and a host function for its. */
static uint64_t export_value(uint64_t x) { return x * 3 + 1; }
static uint64_t host_value(uint64_t x, uint64_t depth)
{
    return depth >= NESTED_MOST ? x : export_value(x) + 7;
}

/* The host asks the guest for an export, on whichever thread serves. */
static bool ask_export_value(uint64_t x, uint64_t depth, uint64_t *value)
{
    slot.number = ANSWER_CALL;
    slot.args[0] = x;
    slot.args[1] = depth;
    bool kept = service_ask(&service);
    *value = slot.args[0];
    nest.asked++;
    return kept;
}

static enum served serve_host_function(enum server who)
{
    uint64_t x = slot.args[0], depth = slot.args[1], value = x;
    /* always: nobody steps the guest here */
    if (who == ON_VCPU && (service.threadless || service.allowed)) {
        nest.handed++;
        return SERVED_HANDED;
    }
    service_open(&service);
    if (host.delayed)
        delay(&nest.random);
    for (; __atomic_load_n(&nest.blocked, __ATOMIC_RELAXED); sleep_ns(1000000))
        __atomic_store_n(&nest.stuck, true, __ATOMIC_RELAXED);
    bool over = depth < NESTED_MOST && !ask_export_value(x, depth + 1, &value);
    service_shut(&service);
    if (over)
        return SERVED_NOT;
    service.last = __builtin_ia32_rdtsc();
    slot.number = ANSWER_RESULT;
    slot.result = depth < NESTED_MOST ? value + 7 : value;
    return SERVED_DONE;
}

static enum served serve_reply(enum server who)
{
    if (service.asks == 0 || service.asker != who)
        return who == ON_VCPU ? SERVED_HANDED : SERVED_NOT;
    return SERVED_KEPT;
}

static enum served serve_reversed(void *context, enum server who)
{
    assert_ptr_equal(context, &host);
    if (slot.number == CALL_host)
        return serve_host_function(who);
    if (slot.number == CALL_returned || slot.number == CALL_next)
        return serve_reply(who);
    slot.result = mixed(slot.args[0], 1);
    service.last = __builtin_ia32_rdtsc();
    return SERVED_DONE;
}

/* The guest's side: what guest/host.c does. */
static uint64_t guest_host_call(uint64_t x, uint64_t depth);

static uint64_t guest_export(uint64_t x, uint64_t depth)
{
    uint64_t args[] = {x};
    /* a plain call in the middle of it */
    if (hypercall(&slot, CALL_fd_write, args, 1) != mixed(x, 1))
        nest.wrong++;
    if (depth < NESTED_MOST && guest_host_call(x, depth) != host_value(x, depth))
        nest.wrong++;
    return export_value(x);
}

/* Does what the host wants until it has a value for us; false: the run is over. */
static bool guest_answered(uint64_t *value)
{
    while (!service.stopping && slot.number == ANSWER_CALL) {
        slot.args[0] = guest_export(slot.args[0], slot.args[1]);
        hypercall_send(&slot, CALL_returned);
    }
    *value = slot.result;
    return !service.stopping;
}

static uint64_t guest_host_call(uint64_t x, uint64_t depth)
{
    uint64_t value = 0;
    slot.args[0] = x;
    slot.args[1] = depth;
    hypercall_send(&slot, CALL_host);
    guest_answered(&value);
    return value;
}

static uint64_t rings, exit_ns;
static bool host_sleeps, two_cpus_there;

void doorbell_ring(enum doorbell why)
{
    assert_int_equal(why, DOORBELL_CALL);
    rings++;
    if (host_sleeps && rings % 4 == 0)
        sleep_ns(exit_ns); /* an exit takes its time, in which the thread may come to its CPU */
    service_doorbell(&service, true, exit_ns);
}

static uint64_t call_make(uint64_t call)
{
    uint64_t args[SLOT_ARGS] = {call};
    for (uint64_t i = 1; i < SLOT_ARGS; i++)
        args[i] = mixed(call, i);
    /* among them proc_exit, only rung for */
    return hypercall(&slot, call % CALL_memory_grow, args, SLOT_ARGS);
}

/* The service thread is preempted wherever this finds it. */
static void preempted(int number)
{
    (void)number;
    sleep_ns(300000);
}

static void start(enum transport transport)
{
    memset(&slot, 0, sizeof slot);
    memset(&host, 0, sizeof host);
    rings = 0;
    exit_ns = EXIT_NS;
    service = (struct service){ .state = &slot.state,
                                .polled = &slot.polled,
                                .wait_ticks = &slot.wait_ticks,
                                .serve = serve,
                                .context = &host,
                                .kick_signal = SIGUSR1 };
    service_init(&service, transport, TSC_KHZ);
}

static void stop(void)
{
    service_stop(&service);
    host.stopped = true;
}

/* The guest's request without its wait. */
static void post(enum slot_state how, uint64_t call)
{
    slot.number = call % CALL_memory_grow;
    slot.args[0] = call;
    for (uint64_t i = 1; i < SLOT_ARGS; i++)
        slot.args[i] = mixed(call, i);
    __atomic_store_n(&slot.state, how, __ATOMIC_RELEASE);
}

static bool polls(void)
{
    return __atomic_load_n(&slot.polled, __ATOMIC_RELAXED);
}

static uint64_t locked(const uint64_t *word)
{
    pthread_mutex_lock(&service.lock);
    uint64_t value = *word;
    pthread_mutex_unlock(&service.lock);
    return value;
}

static void calls_right(uint64_t first, uint64_t calls)
{
    for (uint64_t i = first; i < first + calls; i++)
        assert_int_equal(call_make(i), mixed(i, 99));
    assert_int_equal(host.served, first + calls - 1);
    assert_int_equal(host.wrong, 0);
}

/* The thread is not to rest in a test that wants it to work. */
static void rest_no_more(void)
{
    pthread_mutex_lock(&service.lock);
    service.not_before = 0;
    pthread_mutex_unlock(&service.lock);
}

/* Until `polled` calls were polled, however many doorbells that takes, or the time is up. */
static void stress(enum transport transport, uint64_t polled, uint64_t exit, bool preempt)
{
    start(transport);
    uint64_t calls = 0, deadline = clock_now_ns() + STRESS_NS;
    host.delayed = host_sleeps = true;
    exit_ns = exit;
    do {
        if (preempt && service.running && random_next(&delays) % 64 == 0)
            pthread_kill(service.thread, SIGUSR1);
        if (++calls % 256 == 0)
            rest_no_more();
        delay(&delays);
        if (call_make(calls) != mixed(calls, 99))
            fail_msg("call %llu has the wrong result", (unsigned long long)calls);
    } while (two_cpus_there ? host.polled < polled && clock_now_ns() < deadline : calls < polled);
    /* the thread has had no CPU yet */
    for (deadline += PATIENCE_NS; two_cpus_there && !host.polled && clock_now_ns() < deadline;) {
        rest_no_more();
        if (++calls, call_make(calls) != mixed(calls, 99))
            fail_msg("call %llu has the wrong result", (unsigned long long)calls);
    }
    stop();
    host_sleeps = false;
    assert_int_equal(host.served, calls);
    assert_int_equal(host.wrong, 0);
    assert_true(rings >= calls - host.polled); /* what was not polled was rung for */
    assert_true(host.polled > 0 || !two_cpus_there);
    print_message("%llu calls, %llu polled, %llu rung\n", (unsigned long long)calls,
                  (unsigned long long)host.polled, (unsigned long long)rings);
}

static void once_in_order_mostly_polled(void **state)
{
    (void)state;
    stress(TRANSPORT_AUTO, CALLS, DEAR_NS, false);
}

static void once_in_order_mostly_late(void **state)
{
    (void)state;
    stress(TRANSPORT_AUTO, CALLS, EXIT_NS, false);
}

static void preempted_anywhere(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = preempted}, before;
    sigaction(SIGUSR1, &action, &before);
    stress(TRANSPORT_POLL, CALLS / 16, EXIT_NS, true);
    sigaction(SIGUSR1, &before, NULL);
}

/* The waiting side spins for the bound at most, and then sleeps. */
static void blocking_call_costs_no_cpu(void **state)
{
    (void)state;
    start(TRANSPORT_POLL);
    if (!two_cpus_there)
        skip();
    host.block_ns = 100000000;
    uint64_t deadline = clock_now_ns() + PATIENCE_NS;
    for (uint64_t i = 1; host.polled == 0 && clock_now_ns() < deadline; i++) {
        uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        calls_right(i, 1);
        assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 50000000);
        sched_yield();
    }
    assert_int_equal(host.polled, 1);
    stop();
}

/* Four exits between two calls: the thread takes more CPU than it spares.  It does not stay. */
static void seldom_calls_are_rung_for(void **state)
{
    (void)state;
    start(TRANSPORT_AUTO);
    exit_ns = DEAR_NS;
    for (uint64_t i = 1; i <= 400; i++) {
        const uint64_t now = __builtin_ia32_rdtsc(); /* as TSC_KHZ counts it */
        while (__builtin_ia32_rdtsc() - now < 4 * DEAR_NS) {}
        calls_right(i, 1);
    }
    stop();
    assert_true(host.polled < 200); /* a dozen in a session */
}

static void nothing_after_the_end(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        start(TRANSPORT_POLL);
        host.end_at = 1 + random_next(&delays) % 100;
        for (uint64_t i = 1; i < host.end_at; i++)
            assert_int_equal(call_make(i), mixed(i, 99));
        call_make(host.end_at);
        service_stop(&service);
        assert_true(host.ended);
        assert_int_equal(host.served, host.end_at);
        assert_int_equal(host.after_end, 0);
    }
}

/* A kick finds the guest with a request posted; the service is stopped at any moment after that. */
static void stopped_at_any_time(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        uint64_t calls = random_next(&delays) % 60;
        start(round % 2 ? TRANSPORT_POLL : TRANSPORT_AUTO);
        calls_right(1, calls);
        if (round % 3 == 0)
            delay(&delays);
        bool posted = service.running;
        if (posted) {
            post(SLOT_POSTED, calls + 1);
            for (volatile unsigned i = random_next(&delays) % 1000; i > 0; i--)
                ;
        }
        stop();
        uint32_t found = slot.state;
        assert_false(polls());
        assert_int_equal(found == SLOT_DONE && posted, host.served == calls + 1);
        assert_true(!posted || found == SLOT_POSTED || found == SLOT_DONE);
        if (posted)
            service_doorbell(&service, true, EXIT_NS);
        assert_int_equal(host.served, calls + posted);
        calls_right(calls + posted + 1, 20); /* the doorbell goes on */
        assert_int_equal(host.after_stop, 0);
    }
}

static void never_on_one_cpu(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (unsigned i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    start(TRANSPORT_POLL);
    sched_setaffinity(0, sizeof all, &all);
    calls_right(1, 1000);
    assert_int_equal(host.polled, 0);
    assert_int_equal(rings, 1000);
    assert_false(service.running);
    stop();
    start(TRANSPORT_EXIT);
    calls_right(1, 1000);
    assert_false(service.running);
    stop();
}

/* Eight calls in a row, each near the one before, and not seven. */
static void starts_when_calls_come_thick(void **state)
{
    (void)state;
    if (!two_cpus_there)
        skip();
    start(TRANSPORT_AUTO);
    for (uint64_t i = 1; i <= 100; i++) { /* far apart */
        post(SLOT_RUNG, i);
        service_doorbell(&service, true, i == 1 ? EXIT_NS : 100 * EXIT_NS);
    }
    for (uint64_t i = 101; i <= 108; i++) { /* near, but the last one is the guest's own */
        post(SLOT_RUNG, i);
        service_doorbell(&service, i < 108, EXIT_NS);
    }
    assert_false(service.running);
    post(SLOT_RUNG, 109);
    service_doorbell(&service, true, EXIT_NS);
    assert_true(service.running);
    stop();
    assert_int_equal(host.served, 109);
}

static void idle_thread_sleeps(void **state)
{
    (void)state;
    start(TRANSPORT_POLL);
    calls_right(1, 100);
    for (int i = 0; i < 5000 && polls(); i++)
        sleep_ns(1000000);
    assert_false(polls());
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    sleep_ns(200000000);
    assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 50000000);
    calls_right(101, 100); /* and wakes again */
    stop();
}

/* Eight calls in a row and then none: the next eight do not start it again at once. */
static void a_session_for_nothing_rests(void **state)
{
    (void)state;
    if (!two_cpus_there)
        skip();
    start(TRANSPORT_AUTO);
    for (uint64_t i = 1; i <= 9; i++) {
        post(SLOT_RUNG, i);
        service_doorbell(&service, true, EXIT_NS);
    }
    uint64_t rests = 0, deadline = clock_now_ns() + PATIENCE_NS;
    while (rests == 0 && clock_now_ns() < deadline) {
        sleep_ns(1000000);
        rests = locked(&service.not_before);
    }
    assert_true(service.running && rests > 0);
    stop();
    assert_int_equal(host.polled, 0);
}

/* A thread that never gets there in time is given up, and rests for a while. */
static void late_thread_rests(void **state)
{
    (void)state;
    if (!two_cpus_there)
        skip();
    start(TRANSPORT_POLL);
    uint64_t next = 1, rest_before = service.rest_ns, until = 0;
    uint64_t deadline = clock_now_ns() + PATIENCE_NS;
    while (until == 0 && clock_now_ns() < deadline) {
        post(SLOT_RUNG, next++); /* which the thread does not touch */
        service_doorbell(&service, true, EXIT_NS);
        until = locked(&service.not_before);
    }
    assert_true(until > 0);
    assert_true(locked(&service.rest_ns) > rest_before);
    assert_false(polls());
    uint64_t polled = host.polled;
    while (clock_now_ns() < until) {
        bool polling = polls(), hands_over = service_hands_over(&service);
        assert_true((!polling && !hands_over) || clock_now_ns() >= until);
        calls_right(next++, 1);
        sleep_ns(500000);
    }
    while (host.polled == polled && clock_now_ns() < deadline)
        calls_right(next++, 1);
    assert_true(host.polled > polled);
    stop();
}

static void start_reversed(enum transport transport, bool threadless)
{
    start(transport);
    memset(&nest, 0, sizeof nest);
    nest.random = (unsigned long)clock_now_ns();
    pthread_mutex_destroy(&service.lock);
    service = (struct service){ .state = &slot.state,
                                .polled = &slot.polled,
                                .wait_ticks = &slot.wait_ticks,
                                .serve = serve_reversed,
                                .context = &host,
                                .threadless = threadless };
    service_init(&service, transport, TSC_KHZ);
    host.delayed = host_sleeps = true;
}

/* Host functions that call exports that call host functions, five deep, all on the service thread.
 */
static void host_functions_nested(void **state)
{
    (void)state;
    if (!two_cpus_there)
        skip();
    for (unsigned round = 0; round < 2; round++) {
        start_reversed(round ? TRANSPORT_POLL : TRANSPORT_AUTO, false);
        uint64_t deadline = clock_now_ns() + STRESS_NS;
        uint64_t calls = 0;
        for (; calls < CALLS / 8 && clock_now_ns() < deadline; calls++) {
            delay(&delays);
            if (guest_host_call(calls, 0) != host_value(calls, 0))
                fail_msg("call %llu has the wrong result", (unsigned long long)calls);
        }
        assert_true(service_stop(&service));
        host_sleeps = false;
        assert_int_equal(nest.wrong, 0);
        assert_int_equal(nest.asked, calls * NESTED_MOST);
        assert_true(nest.handed > 0);
        print_message("%llu calls, %llu asked, %llu handed over, %llu rung\n",
                      (unsigned long long)calls, (unsigned long long)nest.asked,
                      (unsigned long long)nest.handed, (unsigned long long)rings);
    }
}

static struct { uint64_t calls, wrong; bool over; } caller;

/* In the place of an embedder's thread. */
static void *caller_main(void *unused)
{
    uint64_t value, deadline = clock_now_ns() + STRESS_NS;
    unsigned long random = 77;
    (void)unused;
    caller.over = !service_await(&service);
    while (!caller.over && caller.calls < CALLS / 8 && clock_now_ns() < deadline) {
        caller.over = !ask_export_value(caller.calls, 1, &value);
        caller.wrong += !caller.over && value != export_value(caller.calls);
        caller.calls++;
        if (random_next(&random) % 16 == 0)
            delay(&random); /* now and then the guest has time to ring and sleep */
    }
    service_stop(&service);
    return NULL;
}

static void exports_called_from_outside(enum transport transport)
{
    pthread_t thread;
    uint64_t none;
    memset(&caller, 0, sizeof caller);
    start_reversed(transport, true);
    assert_int_equal(pthread_create(&thread, NULL, caller_main, NULL), 0);
    hypercall_send(&slot, CALL_next);
    while (guest_answered(&none))
        ;
    pthread_join(thread, NULL);
    host_sleeps = false;
    assert_false(caller.over);
    assert_int_equal(caller.wrong, 0);
    assert_int_equal(nest.wrong, 0);
    assert_true(caller.calls > 100);
    print_message("%llu calls, %llu asked, %llu rung\n", (unsigned long long)caller.calls,
                  (unsigned long long)nest.asked, (unsigned long long)rings);
}

static void exports_polled(void **state)
{
    (void)state;
    exports_called_from_outside(TRANSPORT_AUTO);
}

static void exports_by_exits(void **state)
{
    (void)state;
    exports_called_from_outside(TRANSPORT_EXIT);
}

static bool stop_once_stuck(void *context)
{
    return context == &host && __atomic_load_n(&nest.stuck, __ATOMIC_RELAXED);
}

/* A stop finds a host function that does not come back; the vCPU's thread does not wait for it, and
 * says so. */
static void stop_does_not_wait_for_ever(void **state)
{
    (void)state;
    if (!two_cpus_there)
        skip();
    start_reversed(TRANSPORT_POLL, false);
    service.stop_wanted = stop_once_stuck;
    __atomic_store_n(&nest.blocked, true, __ATOMIC_RELAXED);
    slot.args[0] = 1;
    slot.args[1] = NESTED_MOST;
    slot.number = CALL_host;
    slot.state = SLOT_RUNG;
    service_doorbell(&service, true, EXIT_NS);
    assert_int_not_equal(slot.state, SLOT_DONE);
    assert_false(service_stop(&service)); /* with a server that waits for ever this would not end */
    __atomic_store_n(&nest.blocked, false, __ATOMIC_RELAXED);
    while (!service_stop(&service))
        sleep_ns(1000000);
    host_sleeps = false;
}

/* Within a host function, the vCPU's thread gives the slot back to the guest; what it posts then,
 * the server finds. */
static void the_vcpu_asks_while_the_server_looks(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    if (!two_cpus_there)
        skip();
    start(TRANSPORT_POLL);
    calls_right(1, 1);
    for (uint64_t i = 2; i <= ROUNDS; i++) {
        pthread_mutex_lock(&service.lock);
        service_open(&service);
        enum server before = service_ask_here(&service);
        assert_int_equal(call_make(i), mixed(i, 99));
        service_asked_here(&service, before);
        service_shut(&service);
        assert_int_equal(service.asks, 0);
        service.open = false; /* the function's value is there */
        pthread_mutex_unlock(&service.lock);
    }
    stop();
    assert_int_equal(host.served, ROUNDS);
    assert_int_equal(host.wrong, 0);
    print_message("%llu polled\n", (unsigned long long)host.polled);
}

static bool function_fails;

static enum served serve_failing_function(void *context, enum server who)
{
    (void)context, (void)who;
    service_open(&service);
    service_shut(&service);
    return function_fails ? SERVED_NOT : SERVED_DONE;
}

/* A host function that a stop made fail leaves the slot to what comes after it: a backtrace. */
static void a_function_that_failed_keeps_no_slot(void **state)
{
    (void)state;
    start(TRANSPORT_EXIT);
    service.serve = serve_failing_function;
    for (int i = 1; i >= 0; i--) {
        function_fails = i;
        post(SLOT_RUNG, 1);
        service_doorbell(&service, true, EXIT_NS);
        assert_false(service.open);
        assert_int_equal(slot.state == SLOT_DONE, !function_fails);
    }
    stop();
}

/* What the server reads under the lock, the vCPU's thread changes under it. */
static enum { ASKS, ASKED } step;
static uint32_t at_lock;

static void *ask_at_a_closed_lock(void *unused)
{
    (void)unused;
    __atomic_store_n(&at_lock, 1, __ATOMIC_RELEASE);
    if (step == ASKS)
        assert_int_equal(service_ask_here(&service), ON_SERVER);
    else
        service_asked_here(&service, ON_SERVER);
    __atomic_store_n(&at_lock, 2, __ATOMIC_RELEASE);
    return NULL;
}

static void asking_here_waits_for_the_lock(void **state)
{
    (void)state;
    start(TRANSPORT_EXIT);
    service.asker = ON_SERVER;
    slot.state = SLOT_BUSY;
    for (step = ASKS; step <= ASKED; step++) {
        const unsigned asks = service.asks;
        const enum server asker = service.asker;
        pthread_t thread;
        at_lock = 0;
        pthread_mutex_lock(&service.lock);
        assert_int_equal(pthread_create(&thread, NULL, ask_at_a_closed_lock, NULL), 0);
        while (!__atomic_load_n(&at_lock, __ATOMIC_ACQUIRE))
            sched_yield();
        sleep_ns(20000000); /* time for what must not happen */
        assert_int_equal(__atomic_load_n(&at_lock, __ATOMIC_ACQUIRE), 1);
        assert_int_equal(service.asks, asks);
        assert_int_equal(service.asker, asker);
        assert_int_equal(slot.state, step == ASKS ? SLOT_BUSY : SLOT_DONE);
        pthread_mutex_unlock(&service.lock);
        pthread_join(thread, NULL);
        assert_int_equal(service.asks, step == ASKS ? 1 : 0);
        assert_int_equal(service.asker, step == ASKS ? ON_VCPU : ON_SERVER);
        assert_int_equal(slot.state, SLOT_DONE);
    }
    stop();
}

int main(void)
{
    delays = (unsigned long)clock_now_ns();
    cpu_set_t set;
    two_cpus_there = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_in_order_mostly_polled),
        cmocka_unit_test(once_in_order_mostly_late),
        cmocka_unit_test(preempted_anywhere),
        cmocka_unit_test(blocking_call_costs_no_cpu),
        cmocka_unit_test(seldom_calls_are_rung_for),
        cmocka_unit_test(nothing_after_the_end),
        cmocka_unit_test(stopped_at_any_time),
        cmocka_unit_test(never_on_one_cpu),
        cmocka_unit_test(starts_when_calls_come_thick),
        cmocka_unit_test(idle_thread_sleeps),
        cmocka_unit_test(a_session_for_nothing_rests),
        cmocka_unit_test(late_thread_rests),
        cmocka_unit_test(host_functions_nested),
        cmocka_unit_test(exports_polled),
        cmocka_unit_test(exports_by_exits),
        cmocka_unit_test(stop_does_not_wait_for_ever),
        cmocka_unit_test(the_vcpu_asks_while_the_server_looks),
        cmocka_unit_test(a_function_that_failed_keeps_no_slot),
        cmocka_unit_test(asking_here_waits_for_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
