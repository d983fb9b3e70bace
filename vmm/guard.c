/* Signals that writes raise, kept from the thread that writes for a machine: the process may have other plans for them.
 * What was pending and blocked before is the caller's and stays so. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "vmm/vmm.h"

static const int write_signals[] = {SIGPIPE, SIGXFSZ};
enum { WRITE_SIGNALS = sizeof write_signals / sizeof write_signals[0] };

void signal_consume(int number)
{
    const struct timespec now = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    while (sigtimedwait(&set, NULL, &now) >= 0 || errno == EINTR)
        ;
}

void write_guard_enter(struct write_guard *g)
{
    sigset_t block, pending;
    sigemptyset(&block);
    for (unsigned i = 0; i < WRITE_SIGNALS; i++)
        sigaddset(&block, write_signals[i]);
    pthread_sigmask(SIG_BLOCK, &block, &g->mask);
    sigpending(&pending);
    for (unsigned i = 0; i < WRITE_SIGNALS; i++)
        g->raised[i] = sigismember(&pending, write_signals[i]) == 1;
}

void write_guard_leave(struct write_guard *g)
{
    int error = errno;
    for (unsigned i = 0; i < WRITE_SIGNALS; i++)
        if (!g->raised[i] && !sigismember(&g->mask, write_signals[i]))
            signal_consume(write_signals[i]);
    pthread_sigmask(SIG_SETMASK, &g->mask, NULL);
    errno = error;
}
