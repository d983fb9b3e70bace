/* The process's signals, which are the command line's to take: those that end a program become kicks of its one
 * machine, and the process ends by the same signal in the end.  The library behind changes no disposition. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "vmm/cli/cli.h"

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { END_SIGNALS = sizeof end_signals / sizeof end_signals[0] };

static wasmvm_instance *machine;
static struct sigaction before[END_SIGNALS];
static bool taken[END_SIGNALS];

static void take(int number)
{
    wasmvm_stop_as(machine, number);
}

/* A signal that the caller has set to be ignored stays ignored, as under nohup. No SA_RESTART: what blocks in the
 * kernel for want of a better way ends too. */
void signals_take(wasmvm_instance *instance)
{
    struct sigaction action = {.sa_handler = take};
    sigset_t set;
    machine = instance;
    sigemptyset(&set);
    for (unsigned i = 0; i < END_SIGNALS; i++)
        sigaddset(&set, end_signals[i]);
    action.sa_mask = set;
    for (unsigned i = 0; i < END_SIGNALS; i++) {
        sigaction(end_signals[i], NULL, &before[i]);
        taken[i] = before[i].sa_handler != SIG_IGN;
        if (taken[i])
            sigaction(end_signals[i], &action, NULL);
    }
    /* Writes to a closed pipe, and past a file size limit, are errors that the module gets to see. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void signals_give_back(void)
{
    for (unsigned i = 0; i < END_SIGNALS; i++)
        if (taken[i])
            sigaction(end_signals[i], &before[i], NULL);
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
