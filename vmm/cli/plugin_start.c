/* The processes of plug-ins, as they begin: nothing on 0, standard error on 1 and 2, what they are
 * given from 3 on and no other descriptor; no signal ignored or blocked, a session of their own.
 * They are killed when the thread that started them ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define FIRST 3
#define GIVEN_MOST 3

/* By the kernel itself: the C library does not touch 32 and 33, which a caller may have ignored
 * too. */
static void signals_default(void)
{
    /* the kernel's own: SIG_DFL is 0 */
    static const struct { unsigned long handler, flags, restorer, mask; } action;
    for (int number = 1; number <= SIGRTMAX; number++)
        syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

/* Copies of what it gets, all above the places that they go to. */
struct gets { int given[GIVEN_MOST], words, failed; unsigned n; };

static bool descriptors_place(const struct gets *g)
{
    const int last = FIRST + (int)g->n;
    int null = open("/dev/null", O_RDONLY);
    bool good = null >= 0 && dup2(null, 0) == 0 && dup2(g->words, 1) == 1 && dup2(g->words, 2) == 2;
    for (unsigned i = 0; i < g->n; i++)
        good = good && dup2(g->given[i], FIRST + (int)i) >= 0;
    return good && dup2(g->failed, last) == last && fcntl(last, F_SETFD, FD_CLOEXEC) == 0 &&
           close_range((unsigned)last + 1, ~0u, 0) == 0;
}

/* In the new process: only calls that are safe there. */
static _Noreturn void become(char *const argv[], const struct gets *g, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signals_default();
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (descriptors_place(g) && getppid() == parent)
        execvp(argv[0], argv);
    int why = errno;
    (void)!write(FIRST + (int)g->n, &why, sizeof why);
    _exit(127);
}

static int above(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, FIRST + GIVEN_MOST + 1);
}

static void gets_close(const struct gets *g)
{
    for (unsigned i = 0; i < g->n; i++)
        close(g->given[i]);
    close(g->words);
    close(g->failed);
}

/* The parent learns of a failed exec by the number that comes through a pipe which exec closes. */
static int start(char *const argv[], const int *given, unsigned n, int failed, pid_t *pid)
{
    struct gets g = {.words = above(STDERR_FILENO), .failed = above(failed), .n = n};
    bool there = g.words >= 0 && g.failed >= 0;
    for (unsigned i = 0; i < n; i++)
        there &= (g.given[i] = above(given[i])) >= 0;
    pid_t parent = getpid();
    *pid = there ? fork() : -1;
    if (*pid == 0)
        become(argv, &g, parent);
    int why = *pid < 0 ? errno : 0;
    gets_close(&g);
    return why;
}

int process_start(char *const argv[], const int *given, unsigned n, pid_t *pid)
{
    int failed[2];
    if (pipe2(failed, O_CLOEXEC) != 0)
        return errno;
    int why = start(argv, given, n, failed[1], pid);
    close(failed[1]);
    if (why == 0 && TEMP_FAILURE_RETRY(read(failed[0], &why, sizeof why)) != sizeof why)
        why = 0;
    close(failed[0]);
    return why;
}
