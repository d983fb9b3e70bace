/* The process's signals, which are the command line's to take: those that the program asked for are
 * handed to it, all others, and those that it leaves unread, become kicks of its one machine, and
 * the process ends by the same signal in the end.  The library behind changes no disposition. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "vmm/cli/cli.h"

/* One that comes so soon after another is the same one: timeout(1) sends it to the process and to
 * its group. */
#define SAME_NS 200000000u

/* QUIT is never the program's: it asks where the program is. */
static const struct { int number; bool given, repeats_end;
} signals[] = {
    { SIGINT, true, true },   { SIGTERM, true, true },  { SIGHUP, true, false },
    { SIGUSR1, true, false }, { SIGUSR2, true, false }, { SIGQUIT, false, false },
};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static wasmvm_instance *machine; /* atomic */
static struct sigaction before[SIGNALS];
static bool taken[SIGNALS];
static uint64_t first_ns[SIGNALS]; /* atomic: when the one came that is unread */

/* ---- the grace that TERM begins ---- */

/* begun, over: atomic */
static struct { uint64_t ns; timer_t timer; bool made, begun, over; } grace;

/* Its end is a TERM too, told by its si_code. */
static void grace_make(uint64_t ns)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    grace.ns = ns;
    grace.made = ns && timer_create(CLOCK_MONOTONIC, &event, &grace.timer) == 0;
}

static void grace_begin(void)
{
    struct itimerspec spec = { .it_value = { (time_t)(grace.ns / 1000000000u),
                                             (long)(grace.ns % 1000000000u) } };
    if (!__atomic_exchange_n(&grace.begun, true, __ATOMIC_SEQ_CST))
        timer_settime(grace.timer, 0, &spec, NULL);
}

/* ---- one signal ---- */

static unsigned row_of(int number)
{
    unsigned i = 0;
    while (signals[i].number != number)
        i++;
    return i;
}

/* False: it is to end the run.  must: also where the program ignores it. */
static bool give(int number, bool must)
{
    unsigned i = row_of(number);
    if (!signals[i].given || (number == SIGTERM && !grace.made))
        return false;
    int what = wasmvm_signal(machine, number);
    uint64_t now = clock_now_ns();
    if (what == WASMVM_SIGNAL_TAKEN)
        __atomic_store_n(&first_ns[i], now, __ATOMIC_SEQ_CST);
    else if (what == WASMVM_SIGNAL_UNREAD && signals[i].repeats_end &&
             now - __atomic_load_n(&first_ns[i], __ATOMIC_SEQ_CST) >= SAME_NS)
        return false;
    if (number == SIGTERM && (what == WASMVM_SIGNAL_TAKEN || what == WASMVM_SIGNAL_UNREAD))
        grace_begin();
    return what != WASMVM_SIGNAL_UNWANTED && !(must && what == WASMVM_SIGNAL_IGNORED);
}

static void take(int number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)context;
    if (info->si_code == SI_TIMER && number == SIGTERM)
        __atomic_store_n(&grace.over, true, __ATOMIC_SEQ_CST);
    else if (give(number, false)) {
        errno = error;
        return;
    }
    wasmvm_stop_as(machine, number);
    errno = error;
}

/* The handlers run on this thread too, so that none is within give() now. */
void signals_orphaned(void)
{
    wasmvm_instance *to = __atomic_load_n(&machine, __ATOMIC_ACQUIRE);
    if (!to)
        end_process(WASMVM_E_STOPPED, 128 + SIGTERM);
    if (!taken[row_of(SIGTERM)] || !give(SIGTERM, true))
        wasmvm_stop_as(to, SIGTERM);
}

void signals_ours(sigset_t *set, bool add)
{
    for (unsigned i = 0; i < SIGNALS; i++)
        if (add)
            sigaddset(set, signals[i].number);
        else
            sigdelset(set, signals[i].number);
}

/* They are the watchdog's to take: this thread may be inside a wait that none of them ends.  A
 * signal that the caller has set to be ignored stays ignored, as under nohup. */
void signals_take(wasmvm_instance *instance, uint64_t grace_ns)
{
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
    sigset_t set;
    grace_make(grace_ns);
    sigemptyset(&set);
    signals_ours(&set, true);
    action.sa_mask = set;
    for (unsigned i = 0; i < SIGNALS; i++) {
        sigaction(signals[i].number, NULL, &before[i]);
        taken[i] = before[i].sa_handler != SIG_IGN;
    }
    __atomic_store_n(&machine, instance, __ATOMIC_RELEASE); /* for signals_orphaned */
    for (unsigned i = 0; i < SIGNALS; i++)
        if (taken[i])
            sigaction(signals[i].number, &action, NULL);
    /* Writes to a closed pipe, and past a file size limit, are errors that the module gets to see.
     */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void signals_give_back(void)
{
    if (grace.made)
        timer_delete(grace.timer);
    for (unsigned i = 0; i < SIGNALS; i++)
        if (taken[i])
            sigaction(signals[i].number, &before[i], NULL);
    if (__atomic_load_n(&grace.over, __ATOMIC_SEQ_CST))
        message("the program did not end within %g s of SIGTERM (--grace)", (double)grace.ns / 1e9);
}

/* Ends by the signal itself, so that shells and make see what they would see of any program. */
static void end_by_signal(int number)
{
    sigset_t set;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* SIGQUIT would dump the monitor, which is not what crashed */
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

void end_process(int code, int status)
{
    if (code == WASMVM_E_STOPPED || code == WASMVM_E_PIPE)
        end_by_signal(status - 128);
    exit(status); /* also where the signal is one that does not end a process */
}
