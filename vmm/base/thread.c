/* Threads of the monitor's own take no signals, so that those come to the threads that wait for
 * them. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "vmm/base/message.h"

int thread_start(pthread_t *thread, const struct thread_how *how, void *(*start)(void *),
                 void *context)
{
    sigset_t blocked, before;
    sigfillset(&blocked);
    sigdelset(&blocked, THREAD_CONFINE);
    for (unsigned i = 0; how && i < THREAD_TAKES && how->takes[i]; i++)
        sigdelset(&blocked, how->takes[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(thread, how ? how->attr : NULL, start, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

unsigned thread_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 0;
}
