/* Writes for a machine.  Signals that they raise are kept from the thread that writes: the process
 * may have other plans for them; what was pending and blocked before is the caller's and stays so.
 * Readers that do not read are waited for no longer than the machine may run. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/base.h"

static const int write_signals[] = {SIGPIPE, SIGXFSZ};
enum { WRITE_SIGNALS = sizeof write_signals / sizeof write_signals[0] };

/* What is blocked, and perhaps pending. */
static void all_consume(const sigset_t *set)
{
    const struct timespec now = {0};
    while (sigtimedwait(set, NULL, &now) >= 0 || errno == EINTR)
        ;
}

void signal_consume(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    all_consume(&set);
}

void write_guard_enter(struct write_guard *g)
{
    sigset_t block;
    sigemptyset(&block);
    for (unsigned i = 0; i < WRITE_SIGNALS; i++)
        sigaddset(&block, write_signals[i]);
    pthread_sigmask(SIG_BLOCK, &block, &g->mask);
}

/* One that the thread did not block before cannot have been pending then. */
void write_guard_leave(struct write_guard *g)
{
    int error = errno;
    sigset_t raised;
    sigemptyset(&raised);
    for (unsigned i = 0; i < WRITE_SIGNALS; i++)
        if (!sigismember(&g->mask, write_signals[i]))
            sigaddset(&raised, write_signals[i]);
    if (!sigisemptyset(&raised))
        all_consume(&raised);
    pthread_sigmask(SIG_SETMASK, &g->mask, NULL);
    errno = error;
}

/* Whether it takes bytes: at once, or before a stop. */
static bool writable(struct kick *k, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll_ms(&p, 1, 0) > 0 || kick_ppoll(k, &p, 1, -1) > 0;
}

bool write_guard_all(struct kick *k, int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        if (!writable(k, fd))
            return false;
        /* a pipe that is writable takes so many at once */
        ssize_t n = write(fd, at, len < PIPE_BUF ? len : PIPE_BUF);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}
