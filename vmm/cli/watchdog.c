/* The watchdog: a thread that ends the process where a stop was wanted and something keeps the run
 * from ending.
 *
 * All that is ours waits where a kick reaches it.  What the kernel does for us (a file on a network
 * that is gone, a sync of gigabytes) may not.  The run then has GRACE_NS to end, its words have as
 * long again; then the process ends. It is also the thread that takes the process's signals, as the
 * one that runs the machine may be inside such a wait; it interrupts that one for as long as a stop
 * is wanted.  Nothing here waits for anything. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vmm/cli/cli.h"

#define GRACE_NS 1000000000u
#define QUIT_NS 2000000000u  /* more for SIGQUIT: the program says where it is */
#define LOOK_NS 100000000u   /* between two looks while a stop is wanted */
/* how fast CPU time passes, for when to look again: it is looked at more often then */
#define CPUS_MOST 2u
#define WORDS_MS 400         /* for the last words, which may wait for the same thing */
#define NUDGE_SIGNAL (SIGRTMIN + 6)

static struct watch {
    struct watchdog_what what;
    pthread_t runs;      /* the thread that runs the machine */
    uint64_t end_ns;     /* 0 = no stop is wanted */
    int signal;          /* stop_signal's answer, by then */
    bool over;           /* seen once a stop was wanted */
} dog;

static void nudged(int number)
{
    (void)number;
}

static uint64_t cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - dog.what.cpu_began_ns;
}

static bool cpu_over(void)
{
    return dog.what.cpu_time_ns && cpu_ns() >= dog.what.cpu_time_ns;
}

/* Since when a stop is wanted; 0 = none is.  A run that is over later says no more by what. */
static uint64_t wanted_since(uint64_t now)
{
    dog.signal = dog.what.stop_signal();
    if (dog.what.deadline_ns && now >= dog.what.deadline_ns)
        return dog.what.deadline_ns;
    return cpu_over() || dog.signal >= 0 ? now : 0;
}

/* When to look again; 0 = the time is over. */
static uint64_t look(void)
{
    uint64_t now = clock_now_ns(), since = dog.end_ns ? 0 : wanted_since(now), next = UINT64_MAX;
    if (since)
        dog.end_ns = since + GRACE_NS + (dog.signal == SIGQUIT ? QUIT_NS : 0);
    bool over = dog.what.status() >= 0;
    if (dog.end_ns && over && !dog.over)
        dog.end_ns = now + GRACE_NS; /* for the words */
    dog.over = dog.end_ns && over;
    if (dog.end_ns) {
        if (now >= dog.end_ns)
            return 0;
        if (!over)
            pthread_kill(dog.runs, NUDGE_SIGNAL);
        return now + LOOK_NS < dog.end_ns ? now + LOOK_NS : dog.end_ns;
    }
    if (dog.what.deadline_ns)
        next = dog.what.deadline_ns;
    if (dog.what.cpu_time_ns) {
        uint64_t used = cpu_ns(),
                 left = used < dog.what.cpu_time_ns ? dog.what.cpu_time_ns - used : 0;
        uint64_t at = now + left / CPUS_MOST + LOOK_NS;
        next = at < next ? at : next;
    }
    return next;
}

static void *last_words(void *said)
{
    dog.what.tell();
    __atomic_store_n((int *)said, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* They have a thread of their own: a log on the same file system keeps it waiting too. */
static void say_so(void)
{
    static int said;
    pthread_t thread;
    if (thread_start(&thread, NULL, last_words, &said) != 0)
        return;
    for (int ms = 0; ms < WORDS_MS && !__atomic_load_n(&said, __ATOMIC_ACQUIRE); ms++)
        poll_ms(NULL, 0, 1);
}

static _Noreturn void end(void)
{
    int number = dog.what.stop_signal();
    if (number < 0)
        number = dog.signal;
    if (dog.what.status() < 0)
        say_so();
    dog.what.end();
    if (number > 0)
        end_process(WASMVM_E_STOPPED, 128 + number);
    _exit(EXIT_TIMEOUT);
}

/* --end-with: whoever would have stopped us is gone, so that we do it. */
static void ended_with(struct pollfd *p)
{
    if (p->revents) {
        p->fd = -1;
        signals_orphaned();
    }
}

static void *watch(void *context)
{
    const sigset_t *inside = context;
    struct pollfd p = {.fd = dog.what.end_with, .events = POLLIN};
    prctl(PR_SET_NAME, "watchdog");
    for (;;) {
        uint64_t until = look(), now = clock_now_ns(), left = until > now ? until - now : 0;
        struct timespec t = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
        if (!until)
            end();
        /* its end by a signal is a reason to look */
        if (ppoll(&p, 1, until == UINT64_MAX ? NULL : &t, inside) > 0)
            ended_with(&p);
    }
    return NULL;
}

void watchdog_start(const struct watchdog_what *what)
{
    static sigset_t inside;
    struct sigaction action = {.sa_handler = nudged};
    pthread_t thread;
    dog.what = *what;
    dog.runs = pthread_self();
    sigaction(NUDGE_SIGNAL, &action, NULL); /* no SA_RESTART: that is what it is for */
    sigfillset(&inside);
    signals_ours(&inside, false);
    sigdelset(&inside, THREAD_CONFINE);
    errno = thread_start(&thread, NULL, watch, &inside);
    if (errno)
        fail("no thread to watch the time (ulimit -u, or less at a time)");
}
